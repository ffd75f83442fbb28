"""A SELECT of one value over one table as an aggregate, so that it is measured with the others.

Two hundred rules written as SELECTs are then one scan of their table, not two hundred.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast

from sqlglot import exp

from sanhua.kernel.errors import Invalid
from sanhua.sql.canonical import DIALECT, Query, parse

_PLAIN = {"kind", "expressions", "from_", "where"}  # the only parts such a SELECT has


@lru_cache(maxsize=4096)
def as_aggregate(text: str) -> tuple[str, str] | None:
    """(table, expression over it) of equal value; None when the SELECT is of another kind.

    `SELECT count(*) FROM t WHERE p` is `count_if(p)`; another aggregate takes its rows by
    `FILTER (WHERE p)`.
    """
    try:
        query = parse(text)
    except Invalid:
        return None
    select = query.tree
    if not isinstance(select, exp.Select) or not _is_plain(select, query):
        return None
    value = select.selects[0].unalias().copy()
    where = select.args.get("where")
    if where is not None:
        value = _filtered(value, where.this)
    for column in value.find_all(exp.Column):
        column.set("table", None)
    return query.tables[0], value.sql(dialect=DIALECT)


def _is_plain(select: exp.Select, query: Query) -> bool:
    """One table, one value made of aggregates alone, perhaps of some of the rows."""
    extra = {key for key, given in select.args.items() if given} - _PLAIN
    if extra or len(query.tables) != 1 or len(select.selects) != 1 or query.parameters:
        return False
    source = select.args["from_"].this
    if not isinstance(source, exp.Table) or source.args.get("joins") or source.args.get("sample"):
        return False
    alias = source.alias_or_name
    value = select.selects[0].unalias()
    if value.find(exp.Subquery, exp.Select, exp.Window, exp.WithinGroup):
        return False
    if any(not isinstance(star.parent, exp.Count) for star in value.find_all(exp.Star)):
        return False
    where = select.args.get("where")
    if where is not None and where.find(exp.Subquery, exp.Select, exp.Window):
        return False
    columns = [*value.find_all(exp.Column), *(where.find_all(exp.Column) if where else ())]
    if any(column.table not in ("", alias) or column.args.get("db") for column in columns):
        return False
    own = list(value.find_all(exp.Column))
    return value.find(exp.AggFunc) is not None and all(
        column.find_ancestor(exp.AggFunc, exp.Filter) is not None for column in own
    )


@lru_cache(maxsize=4096)
def aggregates(expression: str) -> tuple[str, tuple[str, ...]]:
    """An expression of aggregates as a template with `{0}`, `{1}` … for them, and the aggregates.

    `max(a) - min(a)` → `{0} - {1}`, (`max(a)`, `min(a)`).
    """
    tree = parse(f"SELECT {expression}\nFROM t").tree.selects[0].unalias().copy()
    found: list[str] = []

    def cut(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Filter | exp.AggFunc):
            text = node.sql(dialect=DIALECT)
            if text not in found:
                found.append(text)
            return exp.Placeholder(this=f"a{found.index(text)}")
        return node

    holed = tree.transform(cut).sql(dialect=DIALECT).replace("{", "{{").replace("}", "}}")
    return re.sub(r"\$a(\d+)\b", r"{\1}", holed), tuple(found)


def _filtered(value: exp.Expr, where: exp.Expr) -> exp.Expr:
    if isinstance(value, exp.Count) and isinstance(value.this, exp.Star):
        return exp.CountIf(this=where.copy())

    def one(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Filter):
            both = exp.and_(node.expression.this, where.copy())
            return exp.Filter(this=node.this, expression=exp.Where(this=both))
        if isinstance(node, exp.AggFunc):
            return exp.Filter(this=node, expression=exp.Where(this=where.copy()))
        for key, child in list(node.args.items()):
            if isinstance(child, exp.Expr):
                node.set(key, one(child))
            elif isinstance(child, list):
                listed = cast("list[object]", child)
                node.set(key, [one(c) if isinstance(c, exp.Expr) else c for c in listed])
        return node

    return one(value)
