"""The canonical SQL 规范子集: a subset of DuckDB's dialect, parsed and checked before it runs.

canonical  parse, allow-list, tables, order, fingerprints
lineage    what each output column was made from, and whether every column exists
partition  which rows of one input each value of a column is made of
dates      JDK date patterns as the engine's
shared     a SELECT of one value as an aggregate over its table
writing    names and values as text

No I/O. In: text that people wrote. Out: `Query`, lineage, or Invalid sql.* at path:line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sanhua.sql.writing import count_if, in_list, literal, quote

if TYPE_CHECKING:
    from sanhua.sql.canonical import (
        Query,
        fingerprint,
        order,
        parse,
        parse_expression,
        unordered,
    )
    from sanhua.sql.lineage import (
        ColumnLineage,
        check_columns,
        lineage,
        output_names,
        unrepeatable,
    )
    from sanhua.sql.partition import Partition, partition
    from sanhua.sql.shared import aggregates, as_aggregate

__all__ = [
    "ColumnLineage",
    "Partition",
    "Query",
    "aggregates",
    "as_aggregate",
    "check_columns",
    "count_if",
    "fingerprint",
    "in_list",
    "lineage",
    "literal",
    "order",
    "output_names",
    "parse",
    "parse_expression",
    "partition",
    "quote",
    "unordered",
    "unrepeatable",
]

_WRITTEN = ("count_if", "in_list", "literal", "quote")


def __getattr__(name: str) -> Any:
    """The parser is loaded with the first statement, not with a project that has not changed."""
    if name not in __all__:
        raise AttributeError(name)
    names = ("canonical", "lineage", "partition", "shared")
    homes = [import_module(f"{__name__}.{home}") for home in names]
    for one in __all__:  # all at once: the module `lineage` would hide the function
        if one not in _WRITTEN:
            globals()[one] = next(getattr(home, one) for home in homes if hasattr(home, one))
    return globals()[name]
