"""Quality 数据质量 by GB/T 36344: checks from what a contract declares, findings, and scores with a
basis.

A check is measured as metrics, in the engine's scans; judging what was measured is arithmetic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.money import EXACT
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Rule, Rules
from sanhua.kernel.record import DecidedBy, DefinedBy, MadeFrom, Ref, record
from sanhua.kernel.table import Manifest
from sanhua.kernel.text import Text
from sanhua.kernel.time import SHANGHAI
from sanhua.resource.contract import (
    DAY_S,
    HOUR_S,
    LATENCY,
    DataContract,
    Property,
    QualityRule,
    Sla,
    TableSchema,
)
from sanhua.resource.standard import (
    CodeList,
    DataElement,
    StandardResult,
    limit,
    parse_form,
    range_violations,
)
from sanhua.resource.standard.codes import DAY

INSTRUMENT = "gbt_36344"
SCORE = Decimal("0.000001")  # scores are rounded once, half up

_OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
_LIBRARY = {  # indicator of an ODCS library metric that names none
    "nullValues": "0201",
    "missingValues": "0201",
    "invalidValues": "0301",
    "duplicateValues": "0304",
    "rowCount": "0202",
}
_SEVERITIES = {
    "error": "error",
    "warning": "warning",
    "warn": "warning",
    "info": "note",
    "note": "note",
}
BUSINESS_RULE = "0104"  # a rule in SQL that names no indicator is a business rule


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation of one table.

    With `violations` and `total` it has a ratio, 1 - violations/total; of the rows rejected on
    reading, `rejected` count into both, `assigned` into the total alone, `excluded` into neither.
    With `value` alone (a row count, a SQL rule, a latency) it is met or
    not. `passed` compares the violations (rows, or percent of the total) or the value with
    `bounds`. `tables` are further tables that its query reads.
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


@dataclass(frozen=True, slots=True)
class IndicatorScore:
    """One of the twenty indicators: its score, or why there is none. `rate` is A/B where less is
    better.
    """

    code: str
    dimension: str
    title: Text
    score: Decimal | None
    weighs: Decimal
    checks: int
    not_assessable: Text = Text()
    rate: Decimal | None = None


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

    def diagnostics(self) -> list[Diagnostic]:
        """Failed checks at the severity their rule gives, and checks that could not be measured."""
        found: list[Diagnostic] = []
        for finding in self.findings:
            at = (self.path, finding.line, 0, finding.id)
            if finding.state == "failed":
                severity = Severity(finding.severity)
                facts = {
                    "check": finding.label.zh,
                    "check_en": finding.label.en or finding.label.zh,
                    "value": finding.value,
                    "wanted": finding.wanted,
                    "violations": _count(finding.denominator, finding.numerator),
                    "total": finding.denominator if finding.denominator is not None else "",
                }
                code = "quality.not-met" if finding.numerator is None else "quality.failed"
                found.append(Diagnostic(severity, code, *at, facts=facts))
            elif finding.state == "error":
                facts = {
                    "check": finding.label.zh,
                    "check_en": finding.label.en,
                    "reason": finding.error,
                }
                facts |= {
                    key: value for key, value in finding.error_facts.items() if key not in facts
                }
                found.append(Diagnostic(Severity.ERROR, "quality.not-measured", *at, facts=facts))
        return found


def _count(denominator: int | None, numerator: int | None) -> int | str:
    return denominator - numerator if denominator is not None and numerator is not None else ""


# Checks from declarations


def checks(
    contract: DataContract,
    table: TableSchema,
    elements: Mapping[str, DataElement],
    codes: Mapping[str, CodeList],
    rules: Rules,
    today: date,
    *,
    manifest: Manifest,
) -> list[Check]:
    """Every check of one table: from what its contract and data elements declare, then from
    `quality` rules.

    A NULL breaks no rule unless the rule counts NULLs. The columns that the snapshot lacks get no
    check.

    GB/T 36344 counts the elements of what was handed over, so a value that the reading rejected is
    counted where it says something certain: it was assigned (0201, missing values: a conforming
    element, unless words that mean “missing” are listed, for it may be one of them), and it is of
    no valid form (0302, invalid values: a violation). A row rejected for another column says
    nothing certain of this one, and no other check sees rejected rows at all: each finding states
    as `excluded` how many it could not see, and 0305 counts every rejected row once.

    Raises RuleGap when GB/T 36344 is not in force on `today`.
    """
    rules.ask(INSTRUMENT, "indicators", on=today)
    types = {column.name: column.type for column in manifest.columns}
    made = _Maker(contract, table, manifest)
    for prop in table.properties:
        if prop.name in types:
            _column_checks(made, prop, types[prop.name], elements.get(prop.element), codes)
    if table.key and all(name in types for name in table.key):
        made.add(
            "key",
            "0304",
            Text("主键不重复", "the primary key is unique"),
            table.origin,
            violations=Metric("", ", ".join(map(sql.quote, table.key)), Scan.UNIQUE),
            total=made.rows,
        )
    if manifest.layer == "raw":
        made.add(
            "rejects",
            "0305",
            Text("整行可读入", "the row can be read as the contract types it"),
            table.origin,
            total=made.rows,
            rejected=manifest.rejected,
            severity="warning",
        )
    for rule in table.quality:
        _rule_check(made, rule, "", types)
    for prop in table.properties:
        for rule in prop.quality:
            if prop.name in types:
                _rule_check(made, rule, prop.name, types)
    for sla in contract.sla:
        _latency_check(made, sla, types)
    return made.checks


class _Maker:
    """Names checks and metrics of one table; equal metrics share an id, so that they are measured
    once.
    """

    def __init__(self, contract: DataContract, table: TableSchema, manifest: Manifest) -> None:
        self.contract, self.table, self.manifest = contract, table, manifest
        self.checks: list[Check] = []
        self.rows = Metric(f"rows:{table.name}", "count(*)")
        self._named: set[str] = set()

    def values(self, column: str) -> Metric:
        """How many values a column has that are not NULL."""
        return Metric(f"values:{self.table.name}.{column}", f"count({sql.quote(column)})")

    def add(
        self,
        name: str,
        indicator: str,
        label: Text,
        origin: Origin,
        *,
        column: str = "",
        violations: Metric | None = None,
        value: Metric | None = None,
        **more: Any,
    ) -> None:
        name = re.sub(r"[^\w.%-]+", "_", name).strip("_") or "rule"
        unique, turn = name, 2
        while unique in self._named:
            unique, turn = f"{name}.{turn}", turn + 1
        self._named.add(unique)
        seen = more.get("rejected", 0) + more.get("assigned", 0)
        node = ids.node("check", f"{self.table.name}/{unique}")
        self.checks.append(
            Check(
                node,
                self.contract.id,
                self.table.name,
                self.manifest.id,
                indicator,
                label,
                replace(origin, sha256=origin.sha256 or self.contract.origin.sha256),
                column,
                replace(violations, id=f"{node}#violations") if violations else None,
                value=replace(value, id=f"{node}#value") if value else None,
                excluded=self.manifest.rejected - seen,
                **more,
            )
        )


def _column_checks(
    made: _Maker,
    prop: Property,
    kind: str,
    element: DataElement | None,
    codes: Mapping[str, CodeList],
) -> None:
    name, quoted = prop.name, sql.quote(prop.name)
    rejected = made.manifest.rejected_by_column.get(name, 0)
    if prop.required or prop.key_position:
        made.add(
            f"{name}.required",
            "0201",
            Text(f"{name} 必填", f"{name} has a value"),
            prop.origin,
            column=name,
            violations=Metric("", f"count_if({quoted} IS NULL)"),
            total=made.rows,
            assigned=rejected,
        )
    if prop.unique:
        made.add(
            f"{name}.unique",
            "0304",
            Text(f"{name} 不重复", f"{name} is unique"),
            prop.origin,
            column=name,
            violations=Metric("", quoted, Scan.UNIQUE),
            total=made.values(name),
        )
    wrong = _option_violations(prop, kind)
    typed_on_reading = made.manifest.layer == "raw" and kind != "VARCHAR"
    if wrong or typed_on_reading:
        written = ", ".join([kind, *(f"{key} {value}" for key, value in prop.options.items())])
        made.add(
            f"{name}.format",
            "0302",
            Text(f"{name} 合乎格式（{written}）", f"{name} has the form {written}"),
            prop.origin,
            column=name,
            total=made.values(name),
            rejected=rejected,
            violations=Metric("", f"count_if({' OR '.join(wrong)})") if wrong else None,
        )
    form = parse_form(element.format) if element is not None and element.format else None
    formless = form.violations(quoted, kind) if form else []
    if element is not None and formless:
        made.add(
            f"{name}.form",
            "0302",
            Text(f"{name} 合乎数据格式 {element.format}", f"{name} has the form {element.format}"),
            prop.origin,
            column=name,
            violations=Metric("", f"count_if({' OR '.join(formless)})"),
            total=made.values(name),
        )
    if element is not None and element.range:
        outside = range_violations(element.range, quoted, kind)
        if outside:
            made.add(
                f"{name}.range",
                "0301",
                Text(f"{name} 在值域 {element.range} 内", f"{name} lies in {element.range}"),
                prop.origin,
                column=name,
                violations=Metric("", f"count_if({' OR '.join(outside)})"),
                total=made.values(name),
            )
    code_list = codes.get(element.codes) if element is not None else None
    if code_list is not None:
        on = prop.codes_on if DAY.fullmatch(prop.codes_on) else ""
        on = on or (sql.quote(prop.codes_on) if prop.codes_on else "")
        valid = (
            {"zh": f"（{prop.codes_on} 有效）", "en": f" valid on {prop.codes_on}"} if on else {}
        )
        made.add(
            f"{name}.codes",
            "0105",
            Text(
                f"{name} 取自代码集 {code_list.id}{valid.get('zh', '')}",
                f"{name} is a code of {code_list.id}{valid.get('en', '')}",
            ),
            prop.origin,
            column=name,
            total=made.values(name),
            violations=Metric("", f"count_if({code_list.violations(quoted, kind, on)})"),
        )
    for reference in prop.references:
        other, _, column = reference.rpartition(".")
        if not other:
            continue
        target = sql.quote(column)
        query = (
            f"SELECT count(*) FROM {sql.quote(made.table.name)} "
            f"WHERE {quoted} IS NOT NULL AND {quoted} NOT IN "
            f"(SELECT {target} FROM {sql.quote(other)} WHERE {target} IS NOT NULL)"
        )
        made.add(
            f"{name}.in.{reference}",
            "0402",
            Text(f"{name} 见于 {reference}", f"{name} occurs in {reference}"),
            prop.origin,
            column=name,
            violations=Metric("", query, Scan.QUERY),
            total=made.values(name),
            tables=(other,),
        )


def _option_violations(prop: Property, kind: str) -> list[str]:
    """Predicates that are true for a value which breaks `logicalTypeOptions`, not for NULL."""
    quoted, options = sql.quote(prop.name), prop.options
    broken: list[str] = []
    if kind == "VARCHAR":
        if "pattern" in options:
            pattern = sql.literal(unanchored(options["pattern"]))
            broken.append(f"NOT regexp_matches({quoted}, {pattern})")
        for key, operator in (("minLength", "<"), ("maxLength", ">")):
            bound = _number(options.get(key, ""))
            if bound is not None:
                broken.append(f"length({quoted}) {operator} {bound}")
        return broken
    for key, operator in (
        ("minimum", "<"),
        ("exclusiveMinimum", "<="),
        ("maximum", ">"),
        ("exclusiveMaximum", ">="),
    ):
        bound = _bound(options.get(key, ""), kind)
        if bound:
            broken.append(f"{quoted} {operator} {bound}")
    step = _number(options.get("multipleOf", ""))
    if step:
        broken.append(f"{quoted} % {step} <> 0")
    return broken


def unanchored(pattern: str) -> str:
    """An ODCS pattern is a search, as `regexp_matches` is; `/…/` delimiters are dropped."""
    inner = re.fullmatch(r"/(.*)/", pattern, re.DOTALL)
    return inner[1] if inner else pattern


def _bound(written: str, kind: str) -> str:
    """A limit as SQL for a column of that type; empty when it is not one."""
    found = limit(written, kind)
    if found is None:
        return ""
    if isinstance(found, Decimal):
        return format(found, "f")
    return f"CAST({sql.literal(written)} AS {kind})"


def _number(written: str) -> Decimal | None:
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


# Checks from rules


def _rule_check(made: _Maker, rule: QualityRule, column: str, types: Mapping[str, str]) -> None:
    column = column or rule.column
    own_name = rule.name if rule.name != rule.metric else ""
    name = own_name or f"{column or made.table.name}.{rule.metric or 'sql'}"
    bounds = tuple(bound for bound in map(_value, rule.bounds) if bound is not None)
    if rule.operator not in _OPERATORS or not bounds:
        return  # reported when the contract is read
    common: dict[str, Any] = {
        "operator": rule.operator,
        "bounds": bounds,
        "severity": _SEVERITIES.get(rule.severity, "warning"),
        "weighs": _number(rule.weight) or Decimal(1),
    }
    if rule.type == "sql":
        query = query_of(rule, made.table.name, column)
        read = sql.parse(query, path=rule.origin.path).tables
        common["tables"] = tuple(sorted(set(read) - {made.table.name}))
        made.add(
            name,
            rule.indicator or BUSINESS_RULE,
            Text(name, name),
            rule.origin,
            column=column,
            value=Metric("", query, Scan.QUERY),
            **common,
        )
        return
    label = Text(name, name)
    indicator = rule.indicator or _LIBRARY.get(rule.metric, BUSINESS_RULE)
    if rule.metric == "rowCount":
        made.add(name, indicator, label, rule.origin, value=made.rows, **common)
        return
    common["percent"] = rule.arguments.get("unit", "") == "percent"
    if rule.metric == "duplicateValues":
        listed = listed_values(rule.arguments.get("properties", "")) or ([column] if column else [])
        key = [str(item).rpartition(".")[2] for item in listed]
        if not key or any(item not in types for item in key):
            return
        violations, total = Metric("", ", ".join(map(sql.quote, key)), Scan.UNIQUE), made.rows
    else:
        predicate = _library_predicate(rule, column, types.get(column, ""))
        if not predicate:
            return
        violations = Metric("", f"count_if({predicate})")
        refused = made.manifest.rejected_by_column.get(column, 0)
        if rule.metric == "invalidValues":
            common["rejected"] = refused
        elif not any(listed_values(rule.arguments.get("missingValues", ""))):
            common["assigned"] = refused
        total = made.values(column) if rule.metric == "invalidValues" else made.rows
    made.add(
        name,
        indicator,
        label,
        rule.origin,
        column=column,
        violations=violations,
        total=total,
        **common,
    )


def patterns(table: TableSchema) -> Iterator[tuple[str, Origin]]:
    """Every regular expression that the checks of a table use, and where it stands."""
    for prop in table.properties:
        if "pattern" in prop.options:
            yield unanchored(prop.options["pattern"]), prop.origin
        for rule in prop.quality:
            if rule.metric == "invalidValues" and rule.arguments.get("pattern"):
                yield unanchored(rule.arguments["pattern"]), rule.origin


def query_of(rule: QualityRule, table: str, column: str = "") -> str:
    """The SQL of a rule with what ODCS lets stand for its table and column filled in: `${table}`
    or `${object}`, `${column}` or `${property}`, the `$` optional.
    """
    query = re.sub(r"\$?\{(?:object|table|schema)\}", lambda _: sql.quote(table), rule.query)
    own = sql.quote(column or rule.column or "column")
    return re.sub(r"\$?\{(?:property|column)\}", lambda _: own, query)


def _library_predicate(rule: QualityRule, column: str, kind: str) -> str:
    """True for a row that an ODCS library metric counts; empty when the rule names no column of the
    table.
    """
    if not kind:
        return ""
    quoted = sql.quote(column)
    text = quoted if kind == "VARCHAR" else f"CAST({quoted} AS VARCHAR)"
    if rule.metric == "nullValues":
        return f"{quoted} IS NULL"
    if rule.metric == "missingValues":
        listed = listed_values(rule.arguments.get("missingValues", ""))
        words = [sql.literal(str(item)) for item in listed if item is not None]
        parts = [f"{text} IN ({', '.join(words)})"] if words else []
        if None in listed or not listed:
            parts.insert(0, f"{quoted} IS NULL")
        return " OR ".join(parts)
    if rule.metric == "invalidValues":
        parts: list[str] = []
        valid = listed_values(rule.arguments.get("validValues", ""))
        if valid:
            parts.append(f"{text} NOT IN ({', '.join(sql.literal(str(item)) for item in valid)})")
        if rule.arguments.get("pattern"):
            parts.append(
                f"NOT regexp_matches({text}, {sql.literal(unanchored(rule.arguments['pattern']))})"
            )
        return " OR ".join(parts)
    return ""


def listed_values(written: str) -> list[Any]:
    """A list argument: JSON text, or values separated by `;`."""
    if not written:
        return []
    if written.lstrip().startswith("["):
        try:
            read: Any = json.loads(written)
            return cast("list[Any]", read)
        except json.JSONDecodeError:
            pass
    return [part.strip() for part in written.split(";")]


def _latency_check(made: _Maker, sla: Sla, types: Mapping[str, str]) -> None:
    """The newest value of a promised column is not older than the promise: counted in legal days,
    or in hours when the unit is shorter than a day.
    """
    limit = _number(sla.value)
    if sla.property not in LATENCY or limit is None or not sla.unit_s():
        return  # told by `check`
    fine = sla.unit_s() < DAY_S
    for table, column in sla.columns():
        if table not in ("", made.table.name) or types.get(column) not in ("DATE", "TIMESTAMP"):
            continue
        zones = (
            p.options.get("defaultTimezone", "") for p in made.table.properties if p.name == column
        )
        made.add(
            f"{column}.latency",
            "0502",
            Text(
                f"{column} 的最新值不早于 {sla.value}{sla.unit or 'd'} 前",
                f"newest {column} within {sla.value} {sla.unit or 'd'}",
            ),
            sla.origin if sla.origin.path else made.contract.origin,
            column=column,
            value=Metric("", f"max({sql.quote(column)})"),
            operator="mustBeLessOrEqualTo",
            bounds=(limit * sla.unit_s() / (HOUR_S if fine else DAY_S),),
            latest=True,
            unit="h" if fine else "d",
            zone=next(zones, ""),
            severity="warning",
        )


def metrics(found: Iterable[Check]) -> list[Metric]:
    """What to measure, each metric once, in the order first needed."""
    wanted: dict[str, Metric] = {}
    for check in found:
        for metric in (check.violations, check.total, check.value):
            if metric is not None:
                wanted.setdefault(metric.id, metric)
    return list(wanted.values())


# Judging


def judge(
    found: Sequence[Check],
    measured: Iterable[Measured],
    rules: Rules,
    today: date,
    *,
    contract: DataContract | None = None,
    standard: StandardResult | None = None,
    now: datetime | None = None,
) -> Quality:
    """Findings, indicators and scores of one contract from what the engine measured for all its
    tables.

    A latency promised in hours is judged at `now`, else at the start of `today`. `contract` is
    needed when there is no check at all. With `standard`, 0101 is judged: bound columns whose type
    and codes fit their data element, over bound columns.
    """
    rule = rules.ask(INSTRUMENT, "indicators", on=today)
    by_id = {result.metric.id: result for result in measured}
    at = now or datetime.combine(today, time(), SHANGHAI)
    findings = [_finding(check, by_id, rule.node, today, at) for check in found]
    name = contract.id if contract else found[0].contract
    if standard is not None and standard.bound:
        findings.append(_standard_finding(standard, rule.node))
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
        _score(findings),
        len(findings),
        states.count("passed"),
        states.count("failed"),
        states.count("error"),
        sum(indicator.score is None for indicator in indicators),
        contract.origin.path if contract else found[0].origin.path,
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
        ratio=_round(Decimal(total - violations) / total),
        value=format(_round(compared).normalize(), "f") + ("%" if check.percent else ""),
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
        value = _value(raw)
        shown = format(value, "f") if value is not None else ""
    if value is None:
        return replace(finding, error="quality.not-a-number", error_facts={"value": str(raw)})
    met = _holds(check, value)
    return replace(
        finding, state="passed" if met else "failed", ratio=Decimal(int(met)), value=shown
    )


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


def _value(raw: Any) -> Decimal | None:
    if isinstance(raw, bool):
        return Decimal(int(raw))
    text = str(raw).strip()
    return (
        {"true": Decimal(1), "false": Decimal(0)}.get(text.lower())
        if text.isalpha()
        else _number(text)
    )


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
        ratio=_round(Decimal(standard.bound - wrong) / standard.bound),
        value=str(wrong),
        wanted="mustBe 0",
    )


# Scores


def _round(value: Decimal) -> Decimal:
    return value.quantize(SCORE, ROUND_HALF_UP)


def _score(findings: Iterable[Finding]) -> Decimal | None:
    """The weighted mean of the exact ratios, rounded once."""
    weighed, weights = Decimal(), Decimal()
    for finding in findings:
        exact = _exact(finding)
        if exact is not None:
            weighed = EXACT.add(weighed, EXACT.multiply(exact, finding.weighs))
            weights += finding.weighs
    return _round(EXACT.divide(weighed, weights)) if weights > 0 else None


def _exact(finding: Finding) -> Decimal | None:
    if finding.denominator and finding.numerator is not None:
        return EXACT.divide(Decimal(finding.numerator), Decimal(finding.denominator))
    return finding.ratio


_NO_CHECK = Text("没有据以判断的规则", "no rule to judge it by")
_NO_VALUE = Text("有规则，但没有可判断的值", "there are rules, but no value to judge")


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
        score = _score(own)
        weighs = sum((f.weighs for f in own if f.ratio is not None), Decimal())
        lower_is_better = entry.get("polarity") == "negative"
        scores.append(
            IndicatorScore(
                code,
                dimension_of.get(code[:2], ""),
                _titled(entry, code),
                score,
                weighs,
                len(own),
                Text() if score is not None else _NO_VALUE if own else _NO_CHECK,
                1 - score if lower_is_better and score is not None else None,
            )
        )
    return scores


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
                _score(finding for finding in findings if finding.indicator in codes),
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
