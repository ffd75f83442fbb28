"""Repair 清洗规则: a table made from another by mending cells, each rule counted.

A contract's table that says `repairOf: other` is `other` with the `repair` rules of its properties
applied, column by column and in the order written. What is made is one SELECT in the canonical
subset, so lineage, snapshots and proof are those of any built table; the other table stays as it
is. A row of which a mended value does not fit its column's type goes whole, as it was, to the table
`<table>_rejects`: rows in = rows out + rejects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, cast

from sanhua import sql
from sanhua.kernel.errors import Broken, Invalid
from sanhua.kernel.record import DefinedBy, MadeFrom, Ref, record
from sanhua.resource.collect import canonical_type
from sanhua.resource.contract import Repair, TableSchema
from sanhua.resource.standard import DataElement
from sanhua.sql.dates import strptime_of

KINDS = ("trim", "collapse", "missing", "map", "unit", "dates", "majority", "default")
BLANKS = " \t\r\n\u00a0\u3000\ufeff"
REJECTS = "_rejects"


def read(value: Any) -> tuple[Repair, ...]:
    """The rules as `customProperties` hold them: `[trim, {missing: [N/A]}, {map: {a: b}}]`.

    Raises Invalid repair.unknown, repair.wrong-form.
    """
    listed = cast("list[Any]", value) if isinstance(value, list) else [value]
    return tuple(_rule(one) for one in listed)


def _rule(one: Any) -> Repair:
    kind, given = str(one), None
    if isinstance(one, dict):
        kind, given = next(iter(cast("dict[str, Any]", one).items()), ("", None))
    if kind not in KINDS:
        raise Invalid("repair.unknown", value=kind, known=", ".join(KINDS))
    if kind == "map":
        pairs = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        rule = Repair(kind, pairs=tuple((str(old), str(new)) for old, new in pairs.items()))
        sound = bool(pairs)
    else:
        listed = cast("list[Any]", given) if isinstance(given, list) else [given]
        words = tuple(str(word) for word in listed if isinstance(word, str | int | float | Decimal))
        rule = Repair(kind, words)
        alone = kind in ("trim", "collapse")
        most = 1 if kind in ("majority", "default") else len(listed)
        sound = given is None if alone else all(words) and len(words) == len(listed) == most > 0
    if not sound or (isinstance(one, dict) and len(cast("dict[str, Any]", one)) != 1):
        raise Invalid("repair.wrong-form", value=str(cast("object", one)), key=kind)
    for pattern in rule.words if kind == "dates" else ():
        strptime_of(pattern)
    return rule


@dataclass(frozen=True, slots=True)
class RepairColumn:
    """A column of the repaired table: where it comes from, its type (empty: as it is there)."""

    name: str
    source: str
    type: str
    rules: tuple[Repair, ...]


class RepairPlan:
    """The SQL of one repaired table."""

    def __init__(self, table: str, of: str, columns: Sequence[RepairColumn]) -> None:
        """Invalid repair.majority-of-unknown when a majority names no column of the table."""
        self.table, self.of, self.columns = table, of, tuple(columns)
        names = {column.name for column in columns}
        for column in columns:
            for rule in column.rules:
                if rule.kind == "majority" and (
                    rule.words[0] not in names or rule.words[0] == column.name
                ):
                    known = ", ".join(sorted(names - {column.name}))
                    raise Invalid("repair.majority-of-unknown", value=rule.words[0],
                                  field=column.name, known=known)  # fmt: skip

    @property
    def rules(self) -> list[tuple[RepairColumn, int, Repair]]:
        return [(c, n, rule) for c in self.columns for n, rule in enumerate(c.rules)]

    def repaired(self) -> str:
        """One SELECT: the rows whose mended values fit their types."""
        last, steps = self._steps()
        listed = ", ".join(f"{self._final(c)} AS {sql.quote(c.name)}" for c in self.columns)
        misfit = self._misfit()
        kept = f" WHERE NOT ({misfit})" if misfit else ""
        return f"{steps}\nSELECT {listed} FROM {last}{kept}"

    def rejects(self) -> str:
        """One SELECT: the other rows, as they were, with the columns that did not fit; empty when
        none can be.
        """
        misfit = self._misfit()
        if not misfit:
            return ""
        last, steps = self._steps()
        before = ", ".join(f"{_cell(c, 0)} AS {sql.quote(c.name)}" for c in self.columns)
        why = " || ".join(
            f"CASE WHEN {_unfit(_cell(c, len(c.rules)), c.type)} "
            f"THEN {sql.literal(c.name + ' ')} ELSE '' END"
            for c in self.columns
            if self._typed(c)
        )
        return f"{steps}\nSELECT {before}, trim({why}) AS unfit FROM {last} WHERE {misfit}"

    def unfit(self) -> str:
        """One SELECT of one row over `<table>_rejects`: of each typed column, in how many rows its
        value did not fit; empty when there are no such columns.
        """
        names = [sql.literal(f" {name} ") for name in self.typed]
        listed = ", ".join(f"count_if(contains(' ' || unfit || ' ', {name}))" for name in names)
        return f"SELECT {listed} FROM {sql.quote(self.table + REJECTS)}" if listed else ""

    @property
    def typed(self) -> list[str]:
        return [column.name for column in self.columns if self._typed(column)]

    def counts(self) -> str:
        """One SELECT of one row: per rule how many cells it changed; last, how many rows."""
        last, steps = self._steps()
        changed = [f"count_if({_changed(c, n)})" for c, n, _ in self.rules]
        return f"{steps}\nSELECT {', '.join([*changed, 'count(*)'])} FROM {last}"

    def changes(self, column: RepairColumn, n: int, most: int) -> str:
        """One SELECT of (before, after, rows): what a rule changes most often."""
        last, steps = self._steps()
        before, after = _cell(column, n), _cell(column, n + 1)
        return (
            f"{steps}\nSELECT coalesce({before}, ''), coalesce({after}, ''), count(*) AS times "
            f"FROM {last} WHERE {_changed(column, n)} GROUP BY {before}, {after} "
            f"ORDER BY times DESC, {before}, {after} LIMIT {most}"
        )

    def _typed(self, column: RepairColumn) -> bool:
        return column.type not in ("", "VARCHAR")

    def _final(self, column: RepairColumn) -> str:
        cell = _cell(column, len(column.rules))
        return f"TRY_CAST({cell} AS {column.type})" if self._typed(column) else cell

    def _misfit(self) -> str:
        typed = [column for column in self.columns if self._typed(column)]
        return " OR ".join(_unfit(_cell(c, len(c.rules)), c.type) for c in typed)

    def _steps(self) -> tuple[str, str]:
        """The name of the last of a chain of CTEs, and the chain: in each, every column takes its
        next rule, a majority alone, for it looks at the other rows.
        """
        done = {column.name: 0 for column in self.columns}
        held: list[str] = [_cell(column, 0) for column in self.columns]
        first = ", ".join(
            f"CAST({sql.quote(c.source)} AS VARCHAR) AS {_cell(c, 0)}" for c in self.columns
        )
        chain = [f"step_0 AS (SELECT {first} FROM {sql.quote(self.of)})"]
        while True:
            ready = [c for c in self.columns if done[c.name] < len(c.rules)]
            plain = [c for c in ready if c.rules[done[c.name]].kind != "majority"]
            if not ready:
                break
            last = f"step_{len(chain) - 1}"
            made: list[str] = []
            join = ""
            for column in plain or ready[:1]:
                n = done[column.name]
                rule, cell = column.rules[n], _cell(column, n)
                if rule.kind == "majority":
                    by = next(c for c in self.columns if c.name == rule.words[0])
                    new, join = _majority(last, cell, _cell(by, done[by.name]))
                else:
                    new = _mended(rule, cell)
                made.append(f"{new} AS {_cell(column, n + 1)}")
                done[column.name] = n + 1
            listed = ", ".join([*(f"s.{cell}" for cell in held), *made])
            held += [_cell(c, done[c.name]) for c in plain or ready[:1]]
            chain.append(f"step_{len(chain)} AS (SELECT {listed} FROM {last} AS s{join})")
        return f"step_{len(chain) - 1}", "WITH " + ",\n".join(chain)


def _cell(column: RepairColumn, n: int) -> str:
    """The column after its first `n` rules."""
    return sql.quote(f"{column.name}#{n}")


def _changed(column: RepairColumn, n: int) -> str:
    return f"{_cell(column, n + 1)} IS DISTINCT FROM {_cell(column, n)}"


def _mended(rule: Repair, cell: str) -> str:
    blanks = sql.literal(BLANKS)
    if rule.kind == "trim":
        return f"nullif(trim({cell}, {blanks}), '')"
    if rule.kind == "collapse":
        return f"regexp_replace({cell}, {sql.literal(f'[{BLANKS}]+')}, ' ', 'g')"
    if rule.kind == "missing":
        words = ", ".join(sql.literal(word.strip().lower()) for word in rule.words)
        return f"CASE WHEN lower(trim({cell}, {blanks})) IN ({words}) THEN NULL ELSE {cell} END"
    if rule.kind == "map":
        whens = " ".join(
            f"WHEN {cell} = {sql.literal(old)} THEN {sql.literal(new)}" for old, new in rule.pairs
        )
        return f"CASE {whens} ELSE {cell} END"
    if rule.kind == "unit":
        units = "|".join(re.escape(unit) for unit in rule.words if unit != "*")
        unit = r"[^0-9.,\s][^0-9]*" if "*" in rule.words else f"(?:{units})"
        pattern = sql.literal(rf"^\s*([+-]?[0-9]+(?:\.[0-9]+)?)\s*(?i:{unit})\s*$")
        return (
            f"CASE WHEN regexp_matches({cell}, {pattern}) "
            f"THEN regexp_extract({cell}, {pattern}, 1) ELSE {cell} END"
        )
    if rule.kind == "dates":
        tried: list[str] = []
        for pattern in rule.words:  # the first that reads it wins
            kind = "TIMESTAMP" if re.search("[Hh]", pattern) else "DATE"
            read = f"try_strptime({cell}, {sql.literal(strptime_of(pattern))})"
            tried.append(f"CAST(CAST({read} AS {kind}) AS VARCHAR)")
        return f"coalesce({', '.join([*tried, cell])})"
    if rule.kind == "default":
        return f"coalesce({cell}, {sql.literal(rule.words[0])})"
    raise AssertionError(rule.kind)


def _majority(last: str, cell: str, by: str) -> tuple[str, str]:
    """The mended cell, and the join that gives it: no tie, as more than half hold the value."""
    groups = (
        f"SELECT {by} AS of_group, arg_max({cell}, n) AS value, max(n) AS most, sum(n) AS whole "
        f"FROM (SELECT {by}, {cell}, count(*) AS n FROM {last} "
        f"WHERE {by} IS NOT NULL AND {cell} IS NOT NULL GROUP BY {by}, {cell}) GROUP BY {by}"
    )
    join = f" LEFT JOIN ({groups}) AS m ON s.{by} = m.of_group"
    return f"CASE WHEN m.most * 2 > m.whole THEN m.value ELSE s.{cell} END", join


def _unfit(cell: str, type: str) -> str:
    """Whether there is a text and it does not fit the type exactly: nothing is rounded away, and no
    time of day cut off.
    """
    shape = ""
    if type == "DATE":
        moment, day = (f"TRY_CAST({cell} AS {kind})" for kind in ("TIMESTAMP", "DATE"))
        return f"({cell} IS NOT NULL AND ({day} IS NULL OR {moment} > CAST({day} AS TIMESTAMP)))"
    if type == "BIGINT":
        shape = r"^[+-]?[0-9]+(\.0+)?$"
    elif decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", type):
        shape = rf"^[+-]?[0-9]*(\.[0-9]{{0,{decimal[2]}}}0*)?$"
    unshaped = f" OR NOT regexp_matches({cell}, {sql.literal(shape)})" if shape else ""
    return f"({cell} IS NOT NULL AND (TRY_CAST({cell} AS {type}) IS NULL{unshaped}))"


# What came of it


@dataclass(frozen=True, slots=True)
class Mended:
    """A rule and how many cells it changed."""

    column: str
    rule: str
    changed: int


@record("repair")
@dataclass(frozen=True, slots=True)
class Repaired:
    """`repair:<table>`: what its rules changed on the way from one snapshot to another. `rows` went
    in, `kept` came out, `rejected` stand in `<table>_rejects`; `unfit` tells in how many of those
    the mended value of a column did not fit its type.
    """

    id: str
    table: str
    before: MadeFrom
    after: Annotated[str, Ref("about")]
    definition: DefinedBy
    rows: int
    kept: int
    rejected: int
    rules: tuple[Mended, ...]
    unfit: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def changed(self) -> int:
        """Cells, counted once for each rule that changed them."""
        return sum(rule.changed for rule in self.rules)


def repaired(
    node: str,
    plan: RepairPlan,
    counted: Sequence[Any],
    *,
    before: str,
    after: str,
    definition: str,
    kept: int,
    rejected: int,
    unfit: Mapping[str, int] | None = None,
) -> Repaired:
    """The record of a repair; Broken repair.rows-lost when rows do not add up."""
    *changed, rows = (int(value) for value in counted)
    if rows != kept + rejected:
        raise Broken("repair.rows-lost", table=plan.table, rows=rows, kept=kept, rejected=rejected)
    rules = tuple(
        Mended(column.name, str(rule), count)
        for (column, _, rule), count in zip(plan.rules, changed, strict=True)
    )
    return Repaired(
        node, plan.table, before, after, definition, rows, kept, rejected, rules, unfit or {}
    )


def plan_of(schema: TableSchema, elements: Mapping[str, DataElement]) -> RepairPlan:
    """The repair that a contract's table declares."""
    columns = [
        RepairColumn(
            prop.name,
            prop.heading or prop.name,
            canonical_type(prop, elements.get(prop.element)),
            prop.repair,
        )
        for prop in schema.properties
    ]
    return RepairPlan(schema.name, schema.repair_of, columns)
