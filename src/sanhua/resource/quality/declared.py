"""Checks from what a contract and its data elements declare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from sanhua import sql
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.ports import Rules
from sanhua.kernel.table import Manifest
from sanhua.kernel.text import Text
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.grade import Grading
from sanhua.resource.quality.consistency import control_totals, reconcile
from sanhua.resource.quality.maker import Maker, bound_sql, number
from sanhua.resource.quality.records import Check
from sanhua.resource.quality.rules import rule_check, unanchored
from sanhua.resource.quality.structure import metadata_check, model_check, security_check
from sanhua.resource.quality.timing import promises, timing_checks
from sanhua.resource.repair import Repaired
from sanhua.resource.standard import CodeList, DataElement, parse_form, range_violations
from sanhua.resource.standard.codes import DAY

INSTRUMENT = "gbt_36344"


def checks(
    contract: DataContract,
    table: TableSchema,
    elements: Mapping[str, DataElement],
    codes: Mapping[str, CodeList],
    rules: Rules,
    today: date,
    *,
    manifest: Manifest,
    modelled: Collection[str] = (),
    grading: Grading | None = None,
    repaired: Repaired | None = None,
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

    `modelled` are the tables that the model names as realising an entity (0102); `grading` is that
    of this table (0106). `repaired` is what made a repaired table: the rows that it rejected count
    as those that the reading of a raw table rejected.

    Raises RuleGap when GB/T 36344 is not in force on `today`.
    """
    rules.ask(INSTRUMENT, "indicators", on=today)
    made = Maker(contract, table, manifest, repaired)
    types = made.types
    for prop in table.properties:
        if prop.name in types:
            _column_checks(made, prop, types[prop.name], elements.get(prop.element), codes)
            timing_checks(made, prop, elements.get(prop.element), codes)
    if table.key and all(name in types for name in table.key):
        made.add(
            "key",
            "0304",
            Text("主键不重复", "the primary key is unique"),
            table.origin,
            violations=Metric("", ", ".join(map(sql.quote, table.key)), Scan.UNIQUE),
            total=made.rows,
        )
    if made.rejects:
        made.add(
            "rejects",
            "0305",
            Text("整行可读入", "the row can be read as the contract types it")
            if repaired is None
            else Text("清洗后整行合乎类型", "the mended row is as the contract types it"),
            table.origin,
            total=made.rows,
            rejected=made.rejected,
            severity="warning",
            told=Text() if repaired is None else _mended(repaired, table),
        )
    for rule in table.quality:
        rule_check(made, rule, "")
    for prop in table.properties:
        for rule in prop.quality:
            if prop.name in types:
                rule_check(made, rule, prop.name)
    promises(made, contract.sla, today)
    for reconciliation in table.reconciles:
        reconcile(made, reconciliation)
    control_totals(made)
    if table.name in modelled:
        model_check(made, elements)
    metadata_check(made, elements)
    if grading is not None:
        security_check(made, grading)
    return made.checks


def _mended(repaired: Repaired, table: TableSchema) -> Text:
    rows, changed, rejected = repaired.rows, repaired.changed, repaired.rejected
    return Text(
        f"清洗 {table.repair_of} 的 {rows} 行：改了 {changed} 格，拒绝 {rejected} 行",
        f"{rows} rows of {table.repair_of} mended: {changed} cells changed, {rejected} rejected",
    )


def _column_checks(
    made: Maker,
    prop: Property,
    kind: str,
    element: DataElement | None,
    codes: Mapping[str, CodeList],
) -> None:
    name, quoted = prop.name, sql.quote(prop.name)
    rejected = made.rejected_by_column.get(name, 0)
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
    typed_on_reading = made.rejects and kind != "VARCHAR"
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
            bound = number(options.get(key, ""))
            if bound is not None:
                broken.append(f"length({quoted}) {operator} {bound}")
        return broken
    for key, operator in (
        ("minimum", "<"),
        ("exclusiveMinimum", "<="),
        ("maximum", ">"),
        ("exclusiveMaximum", ">="),
    ):
        bound = bound_sql(options.get(key, ""), kind)
        if bound:
            broken.append(f"{quoted} {operator} {bound}")
    step = number(options.get("multipleOf", ""))
    if step:
        broken.append(f"{quoted} % {step} <> 0")
    return broken


def metrics(found: Iterable[Check]) -> list[Metric]:
    """What to measure, each metric once, in the order first needed."""
    wanted: dict[str, Metric] = {}
    for check in found:
        for metric in (check.violations, check.total, check.value):
            if metric is not None:
                wanted.setdefault(metric.id, metric)
    return list(wanted.values())
