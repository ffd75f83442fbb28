"""Names and values as SQL text: they never reach SQL but through these. Needs no parser."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def quote(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A value as SQL text: text, number, boolean, day, moment or NULL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | Decimal):
        return format(Decimal(value), "f")
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP)"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    return "'" + str(value).replace("'", "''") + "'"


def count_if(predicate: str) -> str:
    """How many rows satisfy a predicate; NULL does not."""
    return f"count_if({predicate})"


def in_list(column: str, values: Iterable[Any]) -> str:
    """`column IN (…)`; FALSE for an empty list."""
    listed = ", ".join(literal(value) for value in values)
    return f"{quote(column)} IN ({listed})" if listed else "FALSE"
