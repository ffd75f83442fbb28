"""Judging what was measured: findings, the twenty indicators, dimensions and the score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from sanhua.kernel import ids
from sanhua.kernel.metric import Measured
from sanhua.kernel.money import EXACT
from sanhua.kernel.ports import Rule, Rules
from sanhua.kernel.text import Text
from sanhua.kernel.time import SHANGHAI
from sanhua.resource.contract import AVAILABILITY, DataContract
from sanhua.resource.quality.consistency import judge_compared
from sanhua.resource.quality.declared import INSTRUMENT
from sanhua.resource.quality.maker import number, value_of
from sanhua.resource.quality.records import (
    Check,
    DimensionScore,
    Finding,
    IndicatorScore,
    Quality,
)
from sanhua.resource.standard import StandardResult

SCORE = Decimal("0.000001")  # scores are rounded once, half up


def judge(
    found: Sequence[Check],
    measured: Iterable[Measured],
    rules: Rules,
    today: date,
    *,
    contract: DataContract | None = None,
    standard: StandardResult | None = None,
    now: datetime | None = None,
    calls: Calls | None = None,
) -> Quality:
    """Findings, indicators and scores of one contract from what the engine measured for all its
    tables.

    A latency promised in hours is judged at `now`, else at the start of `today`. `contract` is
    needed when there is no check at all. With `standard`, 0101 is judged: bound columns whose type
    and codes fit their data element, over bound columns. With `calls`, 0601 is: those that the
    gateway could answer, over those that it was asked.
    """
    rule = rules.ask(INSTRUMENT, "indicators", on=today)
    by_id = {result.metric.id: result for result in measured}
    at = now or datetime.combine(today, time(), SHANGHAI)
    findings = [_finding(check, by_id, rule.node, today, at) for check in found]
    name = contract.id if contract else found[0].contract
    if standard is not None and standard.bound:
        findings.append(_standard_finding(standard, rule.node))
    if calls is not None and calls.asked and contract is not None:
        findings.append(_calls_finding(calls, contract, rule.node))
    verdicts = {"passed": True, "failed": False}
    findings = [replace(finding, passed=verdicts.get(finding.state)) for finding in findings]
    indicators = _indicators(findings, rule)
    dimensions = _dimensions(findings, indicators, rules.ask(INSTRUMENT, "dimensions", on=today))
    states = [finding.state for finding in findings]
    return Quality(
        ids.node("quality", name),
        name,
        tuple(findings),
        tuple(finding.id for finding in findings),
        tuple(indicators),
        tuple(dimensions),
        mean_of(findings),
        len(findings),
        states.count("passed"),
        states.count("failed"),
        states.count("error"),
        sum(indicator.score is None for indicator in indicators),
        contract.origin.path if contract else found[0].origin.path,
        contract.version if contract else "",
        tuple(dict.fromkeys(check.snapshot for check in found)),
    )


@dataclass(frozen=True, slots=True)
class Calls:
    """What the gateway was asked for a resource, apart from what terms and callers made it refuse:
    `answered` of `asked`; `segments` are the sealed meter segments that say so.
    """

    asked: int
    answered: int
    segments: tuple[str, ...] = ()


def _calls_finding(calls: Calls, contract: DataContract, rule: str) -> Finding:
    promised = next(
        (number(sla.value) for sla in contract.sla if sla.property in AVAILABILITY), None
    )
    share = Decimal(calls.answered) * 100 / calls.asked
    wanted = promised if promised is not None else Decimal(100)
    return Finding(
        ids.node("check", f"{contract.id}/calls"),
        calls.segments[-1] if calls.segments else "",
        "0601",
        Text("需要时可访问", "accessible when called"),
        "passed" if share >= wanted else "failed",
        "warning",
        Decimal(1),
        contract.origin.sha256,
        rule,
        numerator=calls.answered,
        denominator=calls.asked,
        ratio=rounded(Decimal(calls.answered) / calls.asked),
        value=f"{share.quantize(Decimal('0.0001'), ROUND_HALF_UP).normalize():f}%",
        wanted=f"mustBeGreaterOrEqualTo {wanted:f}%",
    )


def _finding(
    check: Check, by_id: Mapping[str, Measured], rule: str, today: date, now: datetime
) -> Finding:
    finding = Finding(
        check.id,
        check.snapshot,
        check.indicator,
        check.label,
        "error",
        check.severity,
        check.weighs,
        check.origin.sha256,
        rule,
        check.origin.line,
        ids.column(check.table, check.column, check.snapshot) if check.column else "",
        wanted=_wanted(check),
        excluded=check.excluded,
        told=check.told,
        impact=check.impact,
    )
    if check.words:
        reason = Text("规则以文字写成，须由人判断", "the rule is in words, for a person to judge")
        return replace(finding, state="not_assessable", reason=reason, wanted="")
    if check.counted is not None:
        conforming, every = check.counted
        return replace(
            finding,
            state="passed" if conforming == every else "failed",
            numerator=conforming,
            denominator=every,
            ratio=rounded(Decimal(conforming) / every),
            value=str(every - conforming),
        )
    numbers: dict[str, Any] = {}
    for part in (check.violations, check.total, check.value):
        if part is None:
            continue
        result = by_id.get(part.id)
        if result is None:
            return replace(finding, error="quality.no-value")
        if result.error is not None:
            facts = {key: str(value) for key, value in result.error.facts.items()}
            return replace(finding, error=result.error.code, error_facts=facts)
        numbers[part.id] = result.value
    if check.compared is not None:
        return judge_compared(finding, check, numbers, lambda value: _holds(check, value))
    if check.value is not None:
        return _by_value(finding, check, numbers[check.value.id], today, now)
    total = int(numbers[check.total.id] or 0) if check.total else 0
    violations = int(numbers[check.violations.id] or 0) if check.violations else 0
    total += check.rejected + check.assigned
    violations += check.rejected
    if total == 0:
        reason = Text("没有可判断的值", "there is no value to judge")
        return replace(finding, state="not_assessable", reason=reason)
    compared = Decimal(violations) * 100 / total if check.percent else Decimal(violations)
    return replace(
        finding,
        state="passed" if _holds(check, compared) else "failed",
        numerator=total - violations,
        denominator=total,
        ratio=rounded(Decimal(total - violations) / total),
        value=format(rounded(compared).normalize(), "f") + ("%" if check.percent else ""),
    )


def _by_value(finding: Finding, check: Check, raw: Any, today: date, now: datetime) -> Finding:
    if raw is None:
        reason = Text("查询没有给出值（NULL）", "the query gave no value (NULL)")
        return replace(finding, state="not_assessable", reason=reason)
    if check.latest:
        newest = _moment(raw)
        value, shown = None, ""
        if newest is not None and check.unit == "h":
            here = now.astimezone(ZoneInfo(check.zone) if check.zone else SHANGHAI)
            value = Decimal(str((here.replace(tzinfo=None) - newest) / timedelta(hours=1)))
            shown = newest.isoformat(sep=" ")
        elif newest is not None:
            value, shown = Decimal((today - newest.date()).days), newest.date().isoformat()
    else:
        value = value_of(raw)
        shown = format(value, "f") if value is not None else ""
    if value is None:
        return replace(finding, error="quality.not-a-number")
    met = _holds(check, value)
    judged = replace(
        finding, state="passed" if met else "failed", ratio=Decimal(int(met)), value=shown
    )
    return _of_expected(judged, check, value) if check.indicator == "0202" else judged


def _of_expected(judged: Finding, check: Check, rows: Decimal) -> Finding:
    """0202 is records present over records expected: of those that the bound asks for at least."""
    wanted = check.bounds[0]
    lower = check.operator in ("mustBe", "mustBeGreaterOrEqualTo", "mustBeBetween")
    if not lower or wanted <= 0 or wanted != int(wanted) or rows != int(rows) or rows < 0:
        return judged
    there = min(int(rows), int(wanted))
    ratio = rounded(Decimal(there) / wanted)
    return replace(judged, numerator=there, denominator=int(wanted), ratio=ratio)


def _moment(raw: Any) -> datetime | None:
    """A day as its midnight."""
    if isinstance(raw, datetime):
        return raw
    if isinstance(raw, date):
        return datetime.combine(raw, time())
    try:
        return datetime.fromisoformat(str(raw))
    except ValueError:
        return None


def _holds(check: Check, value: Decimal) -> bool:
    low, high = check.bounds[0], check.bounds[-1]
    match check.operator:
        case "mustBe":
            return value == low
        case "mustNotBe":
            return value != low
        case "mustBeGreaterThan":
            return value > low
        case "mustBeGreaterOrEqualTo":
            return value >= low
        case "mustBeLessThan":
            return value < low
        case "mustBeLessOrEqualTo":
            return value <= low
        case "mustBeBetween":
            return low <= value <= high
        case "mustNotBeBetween":
            return not low <= value <= high
        case other:
            raise ValueError(f"unknown operator {other}")


def _wanted(check: Check) -> str:
    unit = "%" if check.percent else f" {check.unit}" if check.unit else ""
    return f"{check.operator} {' '.join(format(bound, 'f') + unit for bound in check.bounds)}"


def _standard_finding(standard: StandardResult, rule: str) -> Finding:
    faults = [f for f in standard.disagreements if f.code != "standard.unknown-element"]
    wrong = len({(fault.table, fault.column) for fault in faults})
    name = ids.key_of(standard.id)
    return Finding(
        ids.node("check", f"{name}/standard"),
        standard.id,
        "0101",
        Text("已绑定的列符合其数据元", "bound columns fit their data element"),
        "failed" if wrong else "passed",
        "warning",
        Decimal(1),
        standard.contract,
        rule,
        numerator=standard.bound - wrong,
        denominator=standard.bound,
        ratio=rounded(Decimal(standard.bound - wrong) / standard.bound),
        value=str(wrong),
        wanted="mustBe 0",
    )


# Scores


def rounded(value: Decimal) -> Decimal:
    return value.quantize(SCORE, ROUND_HALF_UP)


def mean_of(findings: Iterable[Finding]) -> Decimal | None:
    """The weighted mean of the exact ratios, rounded once."""
    weighed, weights = Decimal(), Decimal()
    for finding in findings:
        exact = _exact(finding)
        if exact is not None:
            weighed = EXACT.add(weighed, EXACT.multiply(exact, finding.weighs))
            weights += finding.weighs
    return rounded(EXACT.divide(weighed, weights)) if weights > 0 else None


def _exact(finding: Finding) -> Decimal | None:
    if finding.denominator and finding.numerator is not None:
        return EXACT.divide(Decimal(finding.numerator), Decimal(finding.denominator))
    return finding.ratio


_NO_VALUE = Text("有规则，但没有可判断的值", "there are rules, but no value to judge")
_NO_CHECK = Text("没有据以判断的规则", "no rule to judge it by")
BASIS = {  # indicator → what makes it assessable, said while nothing does
    "0101": Text("没有列绑定数据元（dataElement）", "no column is bound to a data element"),
    "0102": Text("数据模型没有实体以此表实现", "no entity of the model is realised by the table"),
    "0103": Text(
        "没有列有定义（description、dataElement）",
        "no column is defined (description, dataElement)",
    ),
    "0104": Text("没有业务规则（type: sql）", "no business rule (type: sql)"),
    "0105": Text("没有列的数据元带代码集", "no column's data element has a code list"),
    "0106": Text(
        "没有人工分级（classification、category 或 openClass、shareClass）",
        "nobody graded or classed it (classification, category, openClass or shareClass)",
    ),
    "0201": Text("没有必填的列（required、primaryKey）", "no column is required"),
    "0202": Text(
        "没有预期的记录数（SLA frequency、rowCount、controlTotals）",
        "no expected number of records (SLA frequency, rowCount, controlTotals)",
    ),
    "0301": Text("没有值域（数据元的 range）", "no range of values (range of a data element)"),
    "0302": Text(
        "没有格式要求（logicalTypeOptions；原始表的类型）",
        "no form is asked for (logicalTypeOptions; types of a raw table)",
    ),
    "0303": Text("没有重复率规则（duplicateValues）", "no rule on duplicates (duplicateValues)"),
    "0304": Text("没有主键或唯一的列", "neither a primary key nor a unique column"),
    "0305": Text(
        "不是原始表，也没有脏数据规则（indicator: '0305'）",
        "not a raw table, and no rule on dirty data (indicator: '0305')",
    ),
    "0401": Text("没有与之对账的表（reconciles）", "no table to reconcile with (reconciles)"),
    "0402": Text(
        "没有关联或合计（relationships、controlTotals）",
        "neither relationships nor totals (relationships, controlTotals)",
    ),
    "0501": Text("没有有效期（validity、codesOn）", "no period of validity (validity, codesOn)"),
    "0502": Text("没有时限（SLA latency、follows）", "no promise in time (SLA latency, follows)"),
    "0503": Text("没有次序（ordered、follows）", "no order in time (ordered, follows)"),
    "0601": Text("网关还没有计量到对它的调用", "the gateway has metered no call for it yet"),
    "0602": Text("没有保存期（SLA retention）", "no term of keeping (SLA retention)"),
}


def _indicators(findings: Sequence[Finding], rule: Rule) -> list[IndicatorScore]:
    """All twenty in the order of the standard, then any code beyond it that a rule names (a local
    extension).
    """
    listed = cast("Mapping[str, Mapping[str, Any]]", rule.value)
    dimension_of = {code[:2]: str(entry["dimension"]) for code, entry in listed.items()}
    by_code: dict[str, list[Finding]] = {code: [] for code in listed}
    for finding in findings:
        by_code.setdefault(finding.indicator, []).append(finding)
    scores: list[IndicatorScore] = []
    for code, own in by_code.items():
        entry = listed.get(code, {})
        score = mean_of(own)
        weighs = sum((f.weighs for f in own if f.ratio is not None), Decimal())
        lower_is_better = entry.get("polarity") == "negative"
        counted = [f for f in own if f.denominator and f.numerator is not None]
        sound, all_ = (sum(getattr(f, n) for f in counted) for n in ("numerator", "denominator"))
        scores.append(
            IndicatorScore(
                code,
                dimension_of.get(code[:2], ""),
                _titled(entry, code),
                score,
                weighs,
                len(own),
                Text() if score is not None else _reason(code, own),
                1 - score if lower_is_better and score is not None else None,
                "negative" if lower_is_better else "positive",
                all_ - sound if lower_is_better and all_ else sound if all_ else None,
                all_ or None,
            )
        )
    return scores


def _reason(code: str, findings: Sequence[Finding]) -> Text:
    """Why an indicator has no score: the reason of its checks when they share one."""
    if not findings:
        return BASIS.get(code, _NO_CHECK)
    reasons = {f.reason for f in findings if f.reason}
    return reasons.pop() if len(reasons) == 1 else _NO_VALUE


def _dimensions(
    findings: Sequence[Finding], indicators: Sequence[IndicatorScore], rule: Rule
) -> list[DimensionScore]:
    scores: list[DimensionScore] = []
    for entry in cast("Sequence[Mapping[str, Any]]", rule.value):
        name = str(entry["id"])
        own = [indicator for indicator in indicators if indicator.dimension == name]
        codes = {indicator.code for indicator in own}
        scores.append(
            DimensionScore(
                name,
                _titled(entry, name),
                mean_of(finding for finding in findings if finding.indicator in codes),
                sum(indicator.score is not None for indicator in own),
                len(own),
            )
        )
    return scores


def _titled(entry: Mapping[str, Any], code: str) -> Text:
    """The name of an indicator or dimension in a rule's value: `{zh, en}`, or the code when the
    rule has none.
    """
    return Text(str(entry.get("zh", "")) or code, str(entry.get("en", "")))
