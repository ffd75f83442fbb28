"""Checks from `quality` rules (ODCS v3.1): library metrics and SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

from sanhua import sql
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.resource.contract import QualityRule, TableSchema
from sanhua.resource.quality.maker import Maker, number, value_of

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
    "duplicateValues": "0303",
    "rowCount": "0202",
}
SEVERITIES = {
    "error": "error",
    "warning": "warning",
    "warn": "warning",
    "info": "note",
    "note": "note",
}
BUSINESS_RULE = "0104"  # a rule in SQL that names no indicator is a business rule


def rule_check(made: Maker, rule: QualityRule, column: str) -> None:
    """The check of one rule; one that lacks what it needs was told when the contract was read."""
    types = made.types
    column = column or rule.column
    own_name = rule.name if rule.name != rule.metric else ""
    name = own_name or f"{column or made.table.name}.{rule.metric or 'sql'}"
    if rule.type == "text":
        label = Text(rule.told or name, rule.told or name)
        indicator = rule.indicator or BUSINESS_RULE
        made.add(name, indicator, label, rule.origin, column=column, words=True, impact=rule.impact)
        return
    bounds = tuple(bound for bound in map(value_of, rule.bounds) if bound is not None)
    if rule.operator not in _OPERATORS or not bounds:
        return  # reported when the contract is read
    common: dict[str, Any] = {
        "operator": rule.operator,
        "bounds": bounds,
        "severity": SEVERITIES.get(rule.severity, "warning"),
        "weighs": _weight(rule),
        "impact": rule.impact,
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
    common["keep_rows"] = rule.keep_failed_rows
    common["percent"] = rule.arguments.get("unit", "") == "percent"
    if rule.metric == "duplicateValues":
        listed = listed_values(rule.arguments.get("properties", "")) or ([column] if column else [])
        key = [str(item).rpartition(".")[2] for item in listed]
        if not key or any(item not in types for item in key):
            return
        listed_key = ", ".join(map(sql.quote, key))
        violations, total = Metric("", listed_key, Scan.UNIQUE), made.rows
        common["rows_where"] = (
            f"({listed_key}) IN (SELECT {listed_key} FROM {sql.quote(made.table.name)} "
            f"GROUP BY {listed_key} HAVING count(*) > 1)"
        )
    else:
        predicate = _library_predicate(rule, column, types.get(column, ""))
        if not predicate:
            return
        violations = Metric("", f"count_if({predicate})")
        common["rows_where"] = predicate
        refused = made.rejected_by_column.get(column, 0)
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


def _weight(rule: QualityRule) -> Decimal:
    written = number(rule.weight)
    return Decimal(1) if written is None else written


def patterns(table: TableSchema) -> Iterator[tuple[str, Origin]]:
    """Every regular expression that the checks of a table use, and where it stands."""
    for prop in table.properties:
        if "pattern" in prop.options:
            yield unanchored(prop.options["pattern"]), prop.origin
        for rule in prop.quality:
            if rule.metric == "invalidValues" and rule.arguments.get("pattern"):
                yield unanchored(rule.arguments["pattern"]), rule.origin


def unanchored(pattern: str) -> str:
    """An ODCS pattern is a search, as `regexp_matches` is; `/…/` delimiters are dropped."""
    inner = re.fullmatch(r"/(.*)/", pattern, re.DOTALL)
    return inner[1] if inner else pattern


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
