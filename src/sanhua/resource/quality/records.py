"""What quality leaves behind: checks, findings, scores, and the record of a contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated

from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.metric import Metric
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import DecidedBy, DefinedBy, MadeFrom, Ref, record
from sanhua.kernel.text import Text
from sanhua.resource.contract import Reconciliation


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation of one table.

    `counted` are the conforming and all of what contract and snapshot tell without measuring. With
    `violations` and `total` it has a ratio, 1 - violations/total; of the rows rejected on reading,
    `rejected` count into both, `assigned` into the total alone, `excluded` into neither. With
    `value` alone (a row count, a SQL rule, a latency) it is met or not. `passed` compares the
    violations (rows, or percent of the total) or the value with `bounds`. `tables` are further
    tables that its query reads. With `compared`, `value` is what a reconciliation gave as text.
    `words`: it is written in words, which nothing measures.
    """

    id: str  # check:table/name
    contract: str
    table: str
    snapshot: str
    indicator: str
    label: Text
    origin: Origin
    column: str = ""
    violations: Metric | None = None
    total: Metric | None = None
    value: Metric | None = None
    rejected: int = 0
    assigned: int = 0
    excluded: int = 0
    operator: str = "mustBe"
    bounds: tuple[Decimal, ...] = (Decimal(),)
    percent: bool = False
    latest: bool = False  # `value` is a day or moment; what is compared is its age in `unit`
    unit: str = ""
    zone: str = ""  # of the moments of `latest`, Asia/Shanghai when not said
    severity: str = "warning"
    weighs: Decimal = Decimal(1)
    tables: tuple[str, ...] = ()
    counted: tuple[int, int] | None = None
    compared: Compared | None = None
    words: bool = False
    told: Text = Text()  # a sentence for people, of what `counted` found
    impact: str = ""
    keep_rows: int = 0  # failed rows to keep as a sample
    rows_where: str = ""  # a predicate that is true for them


@dataclass(frozen=True, slots=True)
class Compared:
    """Which part of a reconciliation a check judges: equal (of the pair at `position`), clock,
    totals.
    """

    part: str
    reconciliation: Reconciliation
    position: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `ratio` is numerator over denominator (conforming over all), None when it
    has no basis.

    `state`: passed, failed, not_assessable (`reason` says why), error (`error` is the code, with
    its facts).
    """

    id: str
    table: MadeFrom  # the snapshot
    indicator: str
    label: Text
    state: str
    severity: str
    weighs: Decimal
    definition: DefinedBy
    decided_by: DecidedBy
    line: int = 0
    column: Annotated[str, Ref("about")] = ""
    numerator: int | None = None
    denominator: int | None = None
    ratio: Decimal | None = None
    value: str = ""
    wanted: str = ""
    reason: Text = Text()
    error: str = ""
    error_facts: Mapping[str, str] = field(default_factory=dict[str, str])
    passed: bool | None = None  # None when there is no verdict
    excluded: int = 0  # rows rejected on reading that it could not see
    told: Text = Text()  # what was found, where a ratio does not say it
    impact: str = ""


@dataclass(frozen=True, slots=True)
class IndicatorScore:
    """One of the twenty indicators: its score, or why there is none.

    `numerator` and `denominator` are A and B of the standard, summed over the checks that count
    elements; None when its checks only pass or fail. `rate` is A/B where less is better (`polarity`
    negative), and A the faulty ones.
    """

    code: str
    dimension: str
    title: Text
    score: Decimal | None
    weighs: Decimal
    checks: int
    not_assessable: Text = Text()
    rate: Decimal | None = None
    polarity: str = "positive"
    numerator: int | None = None
    denominator: int | None = None


@dataclass(frozen=True, slots=True)
class DimensionScore:
    id: str
    title: Text
    score: Decimal | None
    assessable: int
    indicators: int


@record("quality")
@dataclass(frozen=True, slots=True)
class Quality:
    """`quality:<contract>`.

    Every assessable check i has x_i = A/B and the weight w_i that its rule gives it (default 1).
    The score of an indicator, of a dimension and of the whole is sum(w_i x_i) / sum(w_i) over the
    assessable checks in it: what has no basis counts neither as good nor as bad. For 0303 and 0305
    (less is better) x = 1 - A/B and the rate is kept too. Six places, half up. None when nothing
    was assessable.
    """

    id: str
    contract: str
    findings: tuple[Finding, ...]
    checked_by: tuple[Annotated[str, Ref("checked_by")], ...]
    indicators: tuple[IndicatorScore, ...]
    dimensions: tuple[DimensionScore, ...]
    score: Decimal | None
    checks: int
    passed: int
    failed: int
    errors: int
    not_assessable: int  # indicators without a basis
    path: str = ""
    version: str = ""  # of the contract
    snapshots: tuple[MadeFrom, ...] = ()

    def diagnostics(self) -> list[Diagnostic]:
        """Failed checks at the severity their rule gives, and checks that could not be measured."""
        found: list[Diagnostic] = []
        for finding in self.findings:
            at = (self.path, finding.line, 0, finding.id)
            if finding.state == "failed":
                severity = Severity(finding.severity)
                facts: dict[str, object] = {
                    "check": finding.label.zh,
                    "check_en": finding.label.en or finding.label.zh,
                    "value": finding.value,
                    "wanted": finding.wanted,
                    "violations": _count(finding.denominator, finding.numerator),
                    "total": finding.denominator if finding.denominator is not None else "",
                }
                code = "quality.not-met" if finding.numerator is None else "quality.failed"
                if finding.told:
                    code, facts = "quality.differs", facts | {"told": finding.told}
                found.append(Diagnostic(severity, code, *at, facts=facts))
            elif finding.state == "error":
                facts = {
                    "check": finding.label.zh,
                    "check_en": finding.label.en,
                    "reason": " ".join(
                        filter(None, (finding.error, finding.error_facts.get("reason", "")))
                    ),
                }
                facts |= {
                    key: value for key, value in finding.error_facts.items() if key not in facts
                }
                found.append(Diagnostic(Severity.ERROR, "quality.not-measured", *at, facts=facts))
        return found


def _count(denominator: int | None, numerator: int | None) -> int | str:
    return denominator - numerator if denominator is not None and numerator is not None else ""
