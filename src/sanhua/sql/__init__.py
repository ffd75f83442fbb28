"""The canonical SQL 规范子集: a subset of DuckDB's dialect, parsed and checked before it runs.

canonical  parse, allow-list, tables, order, fingerprints, safe building of text
lineage    what each output column was made from, and whether every column exists

No I/O. In: text that people wrote. Out: `Query`, lineage, or Invalid sql.* at path:line.
"""

from sanhua.sql.canonical import (
    Query,
    count_if,
    fingerprint,
    in_list,
    literal,
    order,
    parse,
    parse_expression,
    quote,
)
from sanhua.sql.lineage import ColumnLineage, check_columns, lineage, output_names

__all__ = [
    "ColumnLineage",
    "Query",
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
    "quote",
]
