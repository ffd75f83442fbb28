"""Column lineage: what each output column of a query was made from, read off its SQL.

The query is qualified against the schemas of its tables (stars expanded, every column with its
table), then walked from the inside out: a scope maps its columns to base columns, the next one
composes. Columns that decide which rows count (joins, filters, groups, window partitions and
orders, EXISTS) are kept apart: OpenLineage calls them INDIRECT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, cast

from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from sanhua.kernel.errors import Invalid
from sanhua.sql.canonical import DIALECT, Query, no_column_twice, place, unordered

Schemas = Mapping[str, Mapping[str, str]]  # table → column → type
Base = tuple[str, str]  # table, column


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """One output column. `transform`: copy (the same value), compute, aggregate, and without any
    source column: constant, or count (of the rows of the tables `counts`).
    """

    name: str
    sources: tuple[Base, ...]
    transform: str
    filtered_by: tuple[Base, ...]
    counts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Out:
    name: str
    sources: set[Base] = field(default_factory=set[Base])
    filters: set[Base] = field(default_factory=set[Base])
    transform: str = "copy"
    beneath: set[str] = field(default_factory=set[str])  # tables whose rows came to this one
    counts: bool = False  # something in it looks at rows, not at a column


_RANK = {"copy": 0, "compute": 1, "aggregate": 2}


def check_columns(query: Query, schemas: Mapping[str, Mapping[str, str] | None]) -> None:
    """Raises Invalid sql.unknown-column or sql.ambiguous-column; a table without a known schema is
    not judged.
    """
    if all(schemas.get(table) for table in query.tables):
        qualified(query, cast("Schemas", schemas))


def output_names(query: Query, schemas: Schemas) -> list[str]:
    """The output columns in order; Invalid sql.column-twice."""
    names = [made.name for made in lineage(query, schemas)]
    no_column_twice(query, names)
    return names


def lineage(query: Query, schemas: Schemas) -> tuple[ColumnLineage, ...]:
    """What each output column was made from, in order. `schemas` has every table that the query
    reads.

    Raises Invalid sql.unknown-column or sql.ambiguous-column.
    """
    tree = qualified(query, schemas)
    spelled = {table.lower(): {c.lower(): c for c in columns} for table, columns in schemas.items()}
    tables = {table.lower(): table for table in schemas}

    def base(found: set[Base]) -> tuple[Base, ...]:
        return tuple(sorted((tables[t], spelled[t].get(c, c)) for t, c in found))

    lower = {t: list(columns) for t, columns in spelled.items()}
    try:
        outs = _Walker(lower).query(tree, {}, None)
    except _Uneven as error:
        reason = "the sides of a UNION have {} and {} columns".format(*error.args)
        raise Invalid(
            "sql.syntax", path=query.path, line=query.first_line, reason=reason, near=""
        ) from error
    except _Hidden as error:
        raise Invalid(
            "sql.no-lineage", path=query.path, line=query.first_line, part=str(error)
        ) from error
    names = _names(query, outs, spelled)
    made: list[ColumnLineage] = []
    for name, out in zip(names, outs, strict=True):
        counts: tuple[str, ...] = ()
        if not out.sources:
            counts = tuple(sorted(tables[table] for table in out.beneath)) if out.counts else ()
            out.transform = "count" if counts else "constant"
        made.append(
            ColumnLineage(name, base(out.sources), out.transform, base(out.filters), counts)
        )
    return tuple(made)


def _names(
    query: Query, outs: Sequence[_Out], spelled: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """As written; a column that a star brought in is spelled as its source is."""
    written = query.tree.named_selects
    if len(written) == len(outs) and "*" not in written:
        return [name or out.name for name, out in zip(written, outs, strict=True)]
    names: list[str] = []
    for out in outs:
        sources = {spelled[t][c] for t, c in out.sources if c == out.name and c in spelled[t]}
        exact = [name for name in written if name.lower() == out.name]
        names.append(exact[0] if exact else sources.pop() if len(sources) == 1 else out.name)
    return names


def qualified(query: Query, schemas: Schemas) -> exp.Expr:
    spelled = {table.lower(): table for table in schemas}
    mapping = {table: dict(schemas[spelled[table.lower()]]) for table in query.tables}
    try:
        return qualify(
            query.tree.copy(),
            dialect=DIALECT,
            schema=MappingSchema(cast("dict[str, object]", mapping), dialect=DIALECT),
            quote_identifiers=False,
            validate_qualify_columns=True,
        )
    except OptimizeError as error:
        raise _unresolved(query, schemas, str(error)) from error
    except SqlglotError as error:
        raise Invalid(
            "sql.syntax", path=query.path, line=query.first_line, reason=str(error), near=""
        ) from error


def _unresolved(query: Query, schemas: Schemas, reason: str) -> Invalid:
    named = re.search(r"[Cc]olumn:? '?\"?([^'\".]+(?:\"?\.\"?[^'\"]+)?)\"?'?", reason)
    name = (named[1] if named else reason).replace('"', "").rpartition(".")[2]
    known = sorted({column for table in query.tables for column in schemas[table]})
    near = get_close_matches(name, known, 1)
    holders = [
        table for table in query.tables if name.lower() in {c.lower() for c in schemas[table]}
    ]
    code = "sql.ambiguous-column" if len(holders) > 1 else "sql.unknown-column"
    line = column_at = 0
    for column in query.tree.find_all(exp.Column):
        if column.name.lower() == name.lower() and "line" in column.this.meta:
            line, column_at = int(column.this.meta["line"]), int(column.this.meta["col"])
            break
    return Invalid(
        code,
        path=query.path,
        line=query.first_line - 1 + line if line else query.first_line,
        column=max(column_at - len(name) + 1, 0),
        name=name,
        tables=", ".join(holders or query.tables),
        nearest=near[0] if near else "–",
    )


_TIES = (exp.Mode, exp.ArgMax, exp.ArgMin, exp.AnyValue)
_FLOATING = (
    exp.Stddev,
    exp.StddevSamp,
    exp.StddevPop,
    exp.Variance,
    exp.VariancePop,
    exp.Corr,
    exp.CovarPop,
    exp.CovarSamp,
    exp.ApproxQuantile,
)


def unrepeatable(
    query: Query, schemas: Mapping[str, Mapping[str, str] | None]
) -> list[tuple[str, str, int]]:
    """What in a query may give other bytes each time, as (code, what, line): an order that is not
    said, a choice among equals, and binary floating point numbers added in no fixed order. Whether
    a column is DOUBLE is known of the tables in `schemas`.
    """
    found = [("sql.unordered", what, line) for what, line in unordered(query)]
    suspects = [node for node in query.tree.find_all(*_TIES, *_FLOATING, exp.Sum, exp.Avg)]
    if any(isinstance(node, exp.Sum | exp.Avg) for node in suspects):
        suspects = list(_typed(query, schemas).find_all(*_TIES, *_FLOATING, exp.Sum, exp.Avg))
    for node in suspects:
        line, _ = place(node)
        at = query.first_line - 1 + line if line else query.first_line
        what = f"{node.sql_name().lower()}()"
        if isinstance(node, _TIES):
            if not node.find(exp.Order):
                found.append(("sql.ties", what, at))
        elif isinstance(node, _FLOATING) or _is_floating(node.this):
            found.append(("sql.inexact", what, at))
    return found


def _typed(query: Query, schemas: Mapping[str, Mapping[str, str] | None]) -> exp.Expr:
    known = {table: dict(found) for table in query.tables if (found := schemas.get(table))}
    tree = query.tree.copy()
    if len(known) == len(query.tables):
        with suppress(Invalid):
            tree = qualified(query, known)
    schema = MappingSchema(cast("dict[str, object]", known), dialect=DIALECT)
    return annotate_types(tree, schema=schema, dialect=DIALECT)


def _is_floating(node: exp.Expr) -> bool:
    """DuckDB's `/` gives a DOUBLE of any two numbers."""
    return node.is_type(exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT) or bool(
        node.find(exp.Div)
    )


Scope = dict[str, dict[str, _Out]]  # alias → column → what it was made from
_ROWS = "*"  # no alias: the rows that a SELECT looks at


class _Hidden(Exception):
    """A part that no column can be named for."""


class _Uneven(Exception):
    """Both sides' numbers of columns."""


class _Walker:
    """Walks a qualified tree. `columns` are the base tables' columns, all in lower case."""

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self.columns = columns

    def query(
        self, node: exp.Expr, ctes: Mapping[str, list[_Out]], outer: Scope | None
    ) -> list[_Out]:
        ctes = dict(ctes)
        if isinstance(bound := node.args.get("with_"), exp.With):
            for cte in bound.expressions:
                ctes[cte.alias.lower()] = self._cte(cte, ctes, outer, bound.recursive)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, ctes, outer)
        if isinstance(node, exp.SetOperation):
            left = self.query(node.left, ctes, outer)
            right = self.query(node.right, ctes, outer)
            if len(left) != len(right):
                raise _Uneven(len(left), len(right))
            if node.args.get("by_name"):
                raise _Hidden("UNION BY NAME")
            if isinstance(node, exp.Except):
                for a, b in zip(left, right, strict=True):
                    a.filters |= b.sources | b.filters
                return left
            return [_merged(a.name, [a, b]) for a, b in zip(left, right, strict=True)]
        if isinstance(node, exp.Select):
            return self._select(node, ctes, outer)
        if isinstance(node, exp.Values):
            return self._values(node, ctes, outer or {})
        raise AssertionError(f"no lineage of {type(node).__name__}")

    def _values(self, node: exp.Values, ctes: Mapping[str, list[_Out]], scope: Scope) -> list[_Out]:
        """A list of rows: a column is made from what stands in its place in any of them."""
        rows: list[list[_Out]] = []
        for row in node.expressions:
            cells = row.expressions if isinstance(row, exp.Tuple) else [row]
            rows.append([self._expression(cell, ctes, scope) for cell in cells])
        columns = [_merged("", cells) for cells in zip(*rows, strict=True)]
        names = node.alias_column_names
        for at, made in enumerate(columns):
            made.name = names[at] if at < len(names) else f"col{at}"
            made.transform = "compute" if made.transform == "copy" else made.transform
        return columns

    def _cte(
        self,
        cte: exp.Expr,
        ctes: Mapping[str, list[_Out]],
        outer: Scope | None,
        recursive: bool,
    ) -> list[_Out]:
        name = cte.alias.lower()
        body = cte.this
        if recursive and isinstance(body, exp.SetOperation):
            seen = _renamed(cte, self.query(body.left, ctes, outer))
            for _ in range(len(seen) + 1):  # what reaches a column needs at most one round a column
                seen = _renamed(cte, self.query(body, {**ctes, name: seen}, outer))
            return seen
        return _renamed(cte, self.query(body, ctes, outer))

    def _select(
        self, node: exp.Select, ctes: Mapping[str, list[_Out]], outer: Scope | None
    ) -> list[_Out]:
        _write_out_named_windows(node)
        scope: Scope = {**(outer or {})}
        start = node.args.get("from_")
        items, clauses = _joined(start.this, node) if start else ([], [])
        for item in items:
            scope[item.alias_or_name.lower()] = self._source(item, ctes, scope)
        beneath = _merged(
            "", [o for item in items for o in scope[item.alias_or_name.lower()].values()]
        )
        scope[_ROWS] = {"": _Out("", beneath=beneath.beneath)}
        outs: list[_Out] = []
        for selected in node.selects:
            made = self._expression(selected.unalias(), ctes, scope)
            made.name = selected.alias_or_name
            outs.append(made)
        filters: set[Base] = set()
        clauses += [node.args.get(key) for key in ("where", "group", "having", "qualify")]
        distinct_on = distinct.args.get("on") if (distinct := node.args.get("distinct")) else None
        if node.args.get("limit") or distinct_on:
            clauses += [node.args.get("order"), distinct_on]
        scope[""] = {out.name.lower(): out for out in outs}  # what ORDER BY calls by its alias
        for clause in clauses:
            if isinstance(clause, exp.Expr):
                made = self._expression(clause, ctes, scope)
                filters |= made.sources | made.filters
        for made in outs:
            made.filters |= filters
        return outs

    def _source(
        self, item: exp.Expr, ctes: Mapping[str, list[_Out]], scope: Scope
    ) -> dict[str, _Out]:
        if isinstance(item, exp.Table):
            name = item.name.lower()
            if name in ctes:
                outs = ctes[name]
            else:
                outs = [
                    _Out(column, {(name, column)}, beneath={name}) for column in self.columns[name]
                ]
        else:
            outs = self.query(item, ctes, scope)
        names = _column_aliases(item)
        return {
            (names[at] if at < len(names) else out.name).lower(): out for at, out in enumerate(outs)
        }

    def _expression(self, node: exp.Expr, ctes: Mapping[str, list[_Out]], scope: Scope) -> _Out:
        if isinstance(node, exp.Column):
            out = scope.get(node.table.lower(), {}).get(node.name.lower())
            if out is None:
                raise _Hidden(node.sql(DIALECT))
            return _merged("", [out])
        if isinstance(node, exp.TableColumn):  # a whole row as a value
            row = scope.get(node.name.lower())
            if row is None:
                raise _Hidden(node.sql(DIALECT))
            made = _merged("", list(row.values()))
            made.transform = "compute" if made.transform == "copy" else made.transform
            return made
        if isinstance(node, exp.Paren):
            return self._expression(node.this, ctes, scope)
        if isinstance(node, exp.Query):  # a scalar subquery
            inner = self.query(node, ctes, scope)
            merged = _merged("", inner)
            merged.transform = "compute" if merged.transform == "copy" else merged.transform
            return merged
        made = _Out("", transform="aggregate" if isinstance(node, exp.AggFunc) else "compute")
        if isinstance(node, exp.AggFunc | exp.Window) and _ROWS in scope:
            made.counts, made.beneath = True, set(scope[_ROWS][""].beneath)
        for key, child in node.args.items():
            apart = (
                isinstance(node, exp.Exists)
                or (isinstance(node, exp.Window) and key != "this")
                or (isinstance(node, exp.Filter) and key != "this")
                or (isinstance(node, exp.In) and key == "query")
                or (isinstance(node, exp.Order) and key != "this")
            )
            for one in cast("list[Any]", child) if isinstance(child, list) else [child]:
                if not isinstance(one, exp.Expr):
                    continue
                inner = self._expression(one, ctes, scope)
                made.filters |= inner.filters
                made.counts |= inner.counts
                made.beneath |= inner.beneath
                if apart:
                    made.filters |= inner.sources
                else:
                    made.sources |= inner.sources
                    if _RANK[inner.transform] > _RANK[made.transform]:
                        made.transform = inner.transform
        return made


def _joined(first: exp.Expr, holder: exp.Expr) -> tuple[list[exp.Expr], list[exp.Expr | None]]:
    """What stands in a FROM, brackets taken apart: the sources, and the ON of each join."""
    joins: list[exp.Join] = holder.args.get("joins") or []
    items: list[exp.Expr] = []
    clauses: list[exp.Expr | None] = [join.args.get("on") for join in joins]
    for item in [first, *(join.this for join in joins)]:
        if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table) and not item.alias:
            inner, on = _joined(item.this, item.this)
            items += inner
            clauses += on
        else:
            items.append(item)
    return items, clauses


def _write_out_named_windows(node: exp.Select) -> None:
    """`OVER w` as if the definition of `w` stood there."""
    named = {window.name: window for window in node.args.get("windows") or ()}
    for window in node.find_all(exp.Window) if named else ():
        if definition := named.get(window.alias):
            for key in ("partition_by", "order"):
                window.set(key, window.args.get(key) or definition.args.get(key))


def _merged(name: str, parts: Sequence[_Out]) -> _Out:
    made = _Out(name)
    for part in parts:
        made.sources |= part.sources
        made.filters |= part.filters
        made.beneath |= part.beneath
        made.counts |= part.counts
        if _RANK[part.transform] > _RANK[made.transform]:
            made.transform = part.transform
    return made


def _renamed(cte: exp.Expr, outs: list[_Out]) -> list[_Out]:
    for out, name in zip(outs, _column_aliases(cte), strict=False):
        out.name = name
    return outs


def _column_aliases(node: exp.Expr) -> list[str]:
    """The names in `AS t(a, b)`."""
    alias = node.args.get("alias")
    return [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
