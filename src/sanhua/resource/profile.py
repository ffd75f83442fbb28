"""Profile 数据画像: figures of what a table's columns hold, from the quality scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.record import MadeFrom, record
from sanhua.kernel.table import Column, Manifest

QUANTILES = ("0.05", "0.25", "0.5", "0.75", "0.95")
DIGITS = 9  # of a mean or deviation: what is left does not depend on the order of adding


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """`distinct` is an estimate (HyperLogLog, about 2 %). `least`, `most` and `quantiles` are kept
    of numbers and times only, never of text, which may name people: a text has the least, mean and
    most of its lengths instead. `quantiles` are those of the fixed sample. None: no value at all.
    """

    name: str
    type: str
    nulls: int
    distinct: int
    least: str | None = None
    most: str | None = None
    mean: Decimal | None = None
    deviation: Decimal | None = None
    quantiles: tuple[str, ...] = ()


@record("profile")
@dataclass(frozen=True, slots=True)
class Profile:
    """`profile:<table>` of one snapshot."""

    id: str
    snapshot: MadeFrom
    rows: int
    columns: tuple[ColumnProfile, ...]


def metrics(table: str, columns: Sequence[Column]) -> list[Metric]:
    """Plain aggregates, two to six a column; quantiles on the sample."""
    wanted = [Metric(_id(table), "count(*)")]
    for column in columns:
        wanted += [
            Metric(_id(table, column.name, part), expression, scan)
            for part, expression, scan in _parts(column)
        ]
    return wanted


def _parts(column: Column) -> Iterable[tuple[str, str, Scan]]:
    name = sql.quote(column.name)
    measured = f"length({name})" if column.type == "VARCHAR" else name
    yield "values", f"count({name})", Scan.SHARED
    yield "distinct", f"approx_count_distinct({name})", Scan.SHARED
    if column.type == "BOOLEAN":
        return
    yield "least", f"min({measured})", Scan.SHARED
    yield "most", f"max({measured})", Scan.SHARED
    if column.type in ("DATE", "TIMESTAMP", "TIME"):
        return
    yield "mean", f"avg({measured})", Scan.SHARED
    if column.type != "VARCHAR":
        yield "deviation", f"stddev_samp({measured})", Scan.SHARED
        yield "quantiles", f"quantile_disc({name}, [{', '.join(QUANTILES)}])", Scan.SAMPLE


def of(manifest: Manifest, measured: Iterable[Measured]) -> Profile:
    """The profile of a snapshot; a figure whose metric failed stays None."""
    table = manifest.table
    found = {result.metric.id: result.value for result in measured if result.error is None}
    columns = tuple(_column(table, column, manifest.rows, found) for column in manifest.columns)
    return Profile(ids.node("profile", table), manifest.id, manifest.rows, columns)


def _column(table: str, column: Column, rows: int, found: Mapping[str, Any]) -> ColumnProfile:
    def value(part: str) -> Any:
        return found.get(_id(table, column.name, part))

    return ColumnProfile(
        column.name,
        column.type,
        rows - int(value("values") or 0),
        int(value("distinct") or 0),
        _text(value("least")),
        _text(value("most")),
        _rounded(value("mean")),
        _rounded(value("deviation")),
        tuple(_text(one) or "" for one in value("quantiles") or ()),
    )


def _id(table: str, column: str = "", part: str = "rows") -> str:
    return f"profile:{table}.{column}#{part}" if column else f"profile:{table}#{part}"


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    return None if value is None else str(value)


def _rounded(value: Any) -> Decimal | None:
    """To DIGITS significant digits; an overflow (±inf) or NaN is no figure."""
    if value is None or not Decimal(str(value)).is_finite():
        return None
    exact = Decimal(str(value))
    return exact if exact == 0 else round(exact, DIGITS - 1 - exact.adjusted())
