"""The metric: a named aggregate over one table. Profile statistics, quality rules and detectors all
become metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sanhua.kernel.errors import Diagnostic


class Scan(StrEnum):
    """Where a metric can be computed, cheapest first."""

    SHARED = "shared"  # a plain aggregate: fused with all others of its table into one scan
    SAMPLE = "sample"  # a plain aggregate over a fixed share of the rows: one further cheap scan
    UNIQUE = "unique"  # surplus rows of a key: `expression` is the key's columns
    QUERY = "query"  # one SELECT of one value, tables by name


@dataclass(frozen=True, slots=True)
class Metric:
    """`expression` in the canonical SQL subset.

    SHARED and SAMPLE: one aggregate, `count_if(kwh < 0)`; UNIQUE: column names separated by commas,
    the value is the number of surplus rows (rows minus distinct keys; a row with a NULL in its key
    counts as its own); QUERY: a SELECT.
    """

    id: str
    expression: str
    scan: Scan = Scan.SHARED


Value = Decimal | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric with its value, or with the diagnostic of why it has none. A float comes back as a
    Decimal of its repr.
    """

    metric: Metric
    value: Any = None
    error: Diagnostic | None = None
