"""Counts by distinct value: a predicate over one column is asked once of each value it holds.

DuckDB asks regular expressions, IN and CASE of every row even where the file keeps each value once,
in a dictionary; grouping such a column costs less than one regular expression over its rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

MANY = 4  # so many figures of a column cost more than to group it
ROWS = "\x01rows"  # the count beside each value; no column is called so
_CALL = re.compile(
    r"\s*(count_if|count|min|max|approx_count_distinct)\((.*)\)\s*", re.DOTALL | re.IGNORECASE
)
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "((?:[^"]|"")+)" | ([^\W\d]\w*)(\s*[.(])? | ([()]) | (--|/\*|[*;$?'"])""",
    re.VERBOSE,
)
_DEAR = re.compile(r"regexp_|\bIN\b|\bCASE\b|strptime|\btrim\(|translate|replace\(", re.IGNORECASE)
_NOT_OF_ONE_VALUE = frozenset(
    "select from over filter distinct order random uuid nextval setseed columns".split()
)


def by_value(
    expressions: Iterable[str], columns: Iterable[str], repeating: Collection[str]
) -> dict[str, dict[str, str]]:
    """Column → those of `expressions` that need its distinct values alone and how many rows have
    each, each as the same figure over those and `ROWS`.

    `columns` are all of the table, `repeating` those worth it. Only columns with MANY figures or a
    predicate that is dear to ask of every row.
    """
    if not repeating:
        return {}
    known = {column.casefold(): column for column in columns}
    found: dict[str, dict[str, str]] = {}
    for expression in expressions:
        match = _CALL.fullmatch(expression)
        column = _only_column(match[2], known) if match else ""
        if match and column in repeating:
            found.setdefault(column, {})[expression] = _over_values(match[1].lower(), match[2])
    return {
        column: counts
        for column, counts in found.items()
        if len(counts) >= MANY or any(map(_DEAR.search, counts))
    }


def _over_values(function: str, inside: str) -> str:
    if function not in ("count_if", "count"):
        return f"{function}({inside}\n)"  # however often a value comes, it is the same
    if function == "count":
        return f'coalesce(sum("{ROWS}") FILTER (WHERE ({inside}\n) IS NOT NULL), 0)'
    # As count_if does: NULL where the predicate is true or false of no row at all.
    return f'sum("{ROWS}" * CAST(({inside}\n) AS BIGINT))'


def _only_column(inside: str, known: dict[str, str]) -> str:
    """The one column that an expression names; "" when there are more, none, or anything in it that
    may not depend on the value alone.
    """
    named: set[str] = set()
    depth = 0
    for token in _TOKEN.finditer(inside):
        quoted, word, after, bracket, other = token.groups()
        if bracket:
            depth += 1 if bracket == "(" else -1
            if depth < 0:
                return ""
        elif other or (word and word.casefold() in _NOT_OF_ONE_VALUE):
            return ""
        elif quoted or word:
            if (after or "").strip() == ".":
                return ""
            depth += (after or "").endswith("(")
            name = (quoted.replace('""', '"') if quoted else word).casefold()
            if name in known:
                named.add(known[name])
            elif quoted:
                return ""
    return named.pop() if len(named) == 1 and depth == 0 else ""
