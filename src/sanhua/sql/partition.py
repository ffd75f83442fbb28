"""How a column divides a query's work: which rows of one input each of its values is made of.

Where it does, a table is brought up to date by the values that changed. The proof is by form: what
it does not know to be safe (windows, set operations, a table read twice) divides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlglot import exp

from sanhua.sql.canonical import DIALECT, Query
from sanhua.sql.lineage import qualified


@dataclass(frozen=True, slots=True)
class Partition:
    """Every value of `column` is `expression` over a row of `table`, and the result's rows of that
    value come of those rows alone (and of other tables whole).
    """

    column: str
    table: str
    expression: str


def partition(
    query: Query, column: str, schemas: Mapping[str, Mapping[str, str]]
) -> Partition | None:
    """The division of `query` by its output `column`; None when there is none. `schemas` has every
    table that it reads.
    """
    tree = qualified(query, schemas)
    if not isinstance(tree, exp.Select) or not _is_plain(tree):
        return None
    found = [one for one in tree.selects if one.alias_or_name.lower() == column.lower()]
    value = found[0].unalias() if len(found) == 1 else None
    if value is None or value.find(exp.AggFunc, exp.Subquery, exp.Select):
        return None
    source = _source(tree, value)
    if source is None or not _by_group(tree, value):
        return None
    written = {table.lower(): table for table in schemas}
    bare = value.copy()
    for one in bare.find_all(exp.Column):
        one.set("table", None)
    return Partition(column, written[source.name.lower()], bare.sql(dialect=DIALECT))


def _is_plain(tree: exp.Select) -> bool:
    distinct = tree.args.get("distinct")
    if any(tree.args.get(key) for key in ("with_", "limit", "offset", "qualify")):
        return False
    if tree.find(exp.Window) or (distinct is not None and distinct.args.get("on")):
        return False
    joins = cast("list[exp.Join]", tree.args.get("joins") or [])
    return all(
        join.side in ("", "LEFT")
        and join.kind in ("", "INNER", "CROSS", "OUTER")
        and not join.method  # ASOF looks for the nearest of all rows
        for join in joins
    )


def _source(tree: exp.Select, value: exp.Expr) -> exp.Table | None:
    """The one table that the value is of, when it is read once and no join can lose or invent its
    rows by what another value's rows are.
    """
    aliases = {one.table for one in value.find_all(exp.Column)}
    if len(aliases) != 1:
        return None
    alias = aliases.pop()
    first = tree.args["from_"].this
    joins = cast("list[exp.Join]", tree.args.get("joins") or [])
    inner = [join.this for join in joins if not join.side]
    (source,) = [one for one in (first, *inner) if one.alias_or_name == alias] or [None]
    if not isinstance(source, exp.Table):
        return None
    read = [table.name.lower() for table in tree.find_all(exp.Table)]
    return source if read.count(source.name.lower()) == 1 else None


def _by_group(tree: exp.Select, value: exp.Expr) -> bool:
    group = tree.args.get("group")
    if group is None:
        return not any(one.find_ancestor(exp.Select) is tree for one in tree.find_all(exp.AggFunc))
    if any(group.args.get(key) for key in ("cube", "rollup", "grouping_sets", "totals", "all")):
        return False
    return value in group.expressions
