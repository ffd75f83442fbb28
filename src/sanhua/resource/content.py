"""Content 数据画像（无契约）: all that is worth knowing of a table nobody has described yet.

Three rounds, so that each scan asks only what the one before made worth asking: a sample says what
each column is (`kind.look`), one scan holds every value against it (`scan`), one more looks at what
that found (`details`). `of` puts the figures together and says what is odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import islice
from math import ceil
from typing import Any, cast

from sanhua import sql
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.ports import Rules
from sanhua.kernel.table import Column
from sanhua.kernel.text import Text
from sanhua.resource import grade
from sanhua.resource.kind import BLANK, PLACEHOLDERS, Kind, Look, number_of, shaped, typed
from sanhua.rules import identifiers

QUANTILES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
BINS = 24
LISTED_MAX = 1000  # distinct values, estimated: up to here each is counted
SHOWN = 12  # of the most frequent values
SHOWN_LENGTH_MAX = 40  # a longer value is a text, which is not shown
KEYS_TRIED = 6
KEY_ROWS_MIN = 10
DUPLICATES_ROWS_MAX = 50_000_000  # beyond, equal rows are not counted
MISFITS_SHOWN = 5
ENTIRE = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Bin:
    """`low <= value < high`, the last one with its end."""

    low: str
    high: str
    count: int


@dataclass(frozen=True, slots=True)
class Content:
    """One column. Counts are of all rows; quantiles and bins of the engine's fixed sample.

    `distinct` is exact when `exact`, else HyperLogLog (about 2 %). `surplus`: rows that repeat
    another's value, None when it was not counted. `top`, `misfits_shown`, `bins`, `least` and
    `most` are empty for a column that is `personal`: its values are not shown.
    """

    look: Look
    rows: int
    nulls: int
    blanks: int
    placeholders: int
    padded: int
    garbled: int
    misfits: int
    distinct: int
    exact: bool
    surplus: int | None
    shortest: int | None
    longest: int | None
    length: Decimal | None
    least: Any
    most: Any
    mean: Decimal | None
    deviation: Decimal | None
    zeros: int
    negatives: int
    quantiles: tuple[Any, ...]
    bins: tuple[Bin, ...]
    top: tuple[tuple[str, int], ...]
    misfits_shown: tuple[tuple[str, int], ...]
    detections: tuple[grade.Detection, ...]
    personal: bool

    @property
    def name(self) -> str:
        return self.look.name

    @property
    def kind(self) -> Kind:
        return self.look.kind

    @property
    def values(self) -> int:
        return self.rows - self.nulls

    @property
    def is_key(self) -> bool:
        """A measurement that happens not to repeat is none."""
        few = self.rows < KEY_ROWS_MIN or self.kind is Kind.DECIMAL
        return self.surplus == 0 and self.nulls == 0 and not few


@dataclass(frozen=True, slots=True)
class TableContent:
    """`duplicates`: rows equal to an earlier row in every column; None when it was not counted."""

    rows: int
    columns: tuple[Content, ...]
    duplicates: int | None
    alerts: tuple[Diagnostic, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_key)


# First round


def scan(looks: Sequence[Look]) -> list[Metric]:
    """One scan of plain aggregates."""
    wanted = [Metric("#rows", "count(*)")]
    for seen in looks:
        wanted += [
            Metric(f"{seen.name}#{part}", expression, where)
            for part, expression, where in _scanned(seen)
        ]
    return wanted


def _scanned(seen: Look) -> Iterable[tuple[str, str, Scan]]:
    name = sql.quote(seen.name)
    yield "values", f"count({name})", Scan.SHARED
    yield "distinct", f"approx_count_distinct({name})", Scan.SHARED
    if seen.kind.is_text or seen.kind is Kind.INTEGER:
        yield "shortest", f"min(length({name}))", Scan.SHARED
        yield "longest", f"max(length({name}))", Scan.SHARED
    value = typed(seen)
    if not value:
        yield "length", f"avg(length({name}))", Scan.SHARED
        yield "garbled", f"count_if({_matches(name, _GARBLED)})", Scan.SHARED
        yield from _unfit(name)
        return
    yield "fits", f"count({value})", Scan.SHARED
    yield "least", f"min({value})", Scan.SHARED
    yield "most", f"max({value})", Scan.SHARED
    if seen.kind is Kind.TIME or seen.kind.is_moment:
        return
    yield "mean", f"avg({value})", Scan.SHARED
    if seen.kind.is_number:
        yield "deviation", f"stddev_samp({value})", Scan.SHARED
        yield "zeros", f"count_if({value} = 0)", Scan.SHARED
        yield "negatives", f"count_if({value} < 0)", Scan.SHARED


def _unfit(name: str) -> Iterable[tuple[str, str, Scan]]:
    """Values that are none: blanks alone, words for none; and those with blanks around them."""
    yield "blanks", f"count_if({_matches(name, f'^[{BLANK}]+$')})", Scan.SHARED
    yield "padded", f"count_if({_matches(name, f'^[{BLANK}]|[{BLANK}]$')})", Scan.SHARED
    words = "|".join(map(re.escape, PLACEHOLDERS))
    yield "placeholders", f"count_if({shaped(name, words)} <> '')", Scan.SHARED


def _matches(name: str, pattern: str) -> str:
    return f"regexp_extract({name}, {sql.literal(pattern)}) <> ''"


# UTF-8 read as Latin-1 or GBK, and what stands for a letter that could not be read.
_GARBLED = "�|锟斤|烫烫烫|ï¿½|Ã[\u0080-\u00bf]|â€|[äåæçèé][\u0080-\u00bf][\u0080-\u00bf]"


# Second round


def details(
    table: str,
    looks: Sequence[Look],
    measured: Iterable[Measured],
    rules: Rules,
    today: date,
    *,
    wide: bool = False,
) -> list[Metric]:
    """What the figures of `scan` make worth asking. The values of a column are listed by a query of
    their own, of a `wide` table in the shared scan, which costs more a row and less a column.
    """
    found = _values(measured)
    rows = int(found.get("#rows") or 0)
    wanted: list[Metric] = []
    keys: list[str] = []
    asked: list[Column] = []
    for seen in looks:
        figure = _Figures(seen, found)
        if not figure.values:
            continue
        if seen.kind.is_text or seen.kind is Kind.INTEGER:
            asked.append(Column(seen.name, "VARCHAR" if seen.kind.is_text else "BIGINT"))
        name, distinct = sql.quote(seen.name), figure.whole("distinct")
        if distinct <= LISTED_MAX:
            listed = (
                Metric(f"{seen.name}#listed", f"histogram({name})")
                if wide
                else Metric(f"{seen.name}#listed", _listed(table, name), Scan.QUERY)
            )
            wanted.append(listed)
        elif (
            seen.kind is not Kind.DECIMAL
            and figure.values == rows
            and distinct >= rows * ENTIRE
            and len(keys) < KEYS_TRIED
        ):
            keys.append(seen.name)
        value = typed(seen)
        if value and figure.values > figure.whole("fits"):
            wanted += [
                Metric(f"{seen.name}#{part}", asked_for, where)
                for part, asked_for, where in _unfit(name)
            ]
            words = ", ".join(map(sql.literal, PLACEHOLDERS))
            wrong = f"{value} IS NULL AND trim({name}, {sql.literal(BLANK)}) NOT IN ('', {words})"
            query = _listed(table, name, wrong, MISFITS_SHOWN)
            wanted.append(Metric(f"{seen.name}#wrong", query, Scan.QUERY))
        if (seen.kind.is_number and distinct > LISTED_MAX) or seen.kind.is_moment:
            asked_for = f"quantile_disc({value}, [{', '.join(QUANTILES)}])"
            wanted.append(Metric(f"{seen.name}#quantiles", asked_for, Scan.SAMPLE))
            if binning := _binning(seen, figure):
                at = f"floor(({_number(seen, value)} - {binning.low!r}) / {binning.width!r})"
                within = f"CAST(greatest(0, least({binning.bins - 1}, {at})) AS INTEGER)"
                wanted.append(Metric(f"{seen.name}#bins", f"histogram({within})", Scan.SAMPLE))
    wanted += [Metric(f"{name}#surplus", sql.quote(name), Scan.UNIQUE) for name in keys]
    wanted += _detectors(asked, found, rules, today)
    return wanted


def duplicates(table: str, looks: Sequence[Look], measured: Iterable[Measured]) -> list[Metric]:
    """How many rows equal an earlier one; nothing is asked where a key says that none does."""
    found = _values(measured)
    rows = int(found.get("#rows") or 0)
    keyed = any(found.get(f"{seen.name}#surplus") == 0 for seen in looks)
    if keyed or not 0 < rows <= DUPLICATES_ROWS_MAX:
        return []
    hashed = ", ".join(sql.quote(seen.name) for seen in looks)
    query = (
        "SELECT coalesce(sum(n - 1), 0) FROM "
        f"(SELECT count(*) AS n FROM {sql.quote(table)} GROUP BY hash({hashed}))"
    )
    return [Metric("#duplicates", query, Scan.QUERY)]


def _listed(table: str, name: str, where: str = "TRUE", most: int = LISTED_MAX * 2) -> str:
    """Values with their counts, the most frequent first, as one value."""
    return (
        f"SELECT list([v, CAST(n AS VARCHAR)] ORDER BY n DESC, v) FROM (SELECT v, n FROM "
        f"(SELECT {name} AS v, count(*) AS n FROM {sql.quote(table)} "
        f"WHERE {name} IS NOT NULL AND ({where}) GROUP BY {name}) ORDER BY n DESC, v LIMIT {most})"
    )


def _number(seen: Look, value: str) -> str:
    return f"epoch(CAST({value} AS TIMESTAMP))" if seen.kind.is_moment else value


@dataclass(frozen=True, slots=True)
class _Binning:
    low: float
    width: float
    bins: int


def _binning(seen: Look, figure: _Figures) -> _Binning | None:
    """Bins over nearly all values; the far ends go into the first and the last. Whole numbers get
    bins of whole numbers, each as wide.
    """
    least, most = figure.value("least"), figure.value("most")
    if seen.between is None or least is None or most is None:
        return None
    first, last = _as_float(least), _as_float(most)
    margin = (seen.between[1] - seen.between[0]) / 3
    low, high = max(first, seen.between[0] - margin), min(last, seen.between[1] + margin)
    if seen.kind is Kind.INTEGER or seen.kind is Kind.DATE:
        unit = 1.0 if seen.kind is Kind.INTEGER else 86400.0
        width = max(1, ceil((high - low + unit) / unit / BINS)) * unit
        bins = ceil((high - low + unit) / width)
        return _Binning(low, width, bins) if bins > 1 else None
    return _Binning(low, (high - low) / BINS, BINS) if high > low else None


def _as_float(value: Any) -> float:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).timestamp()
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC).timestamp()
    return float(value)


def _detectors(
    columns: Sequence[Column], found: Mapping[str, Any], rules: Rules, today: date
) -> list[Metric]:
    """Only those whose lengths the column has."""
    lengths = {
        column.name: (
            int(found.get(f"{column.name}#shortest") or 0),
            int(found.get(f"{column.name}#longest") or 0),
        )
        for column in columns
    }
    fitting = {detector.kind: detector.lengths for detector in grade.DETECTORS}
    wanted: list[Metric] = []
    for metric in grade.detectors(columns, rules, today):
        column, _, kind = metric.id.removeprefix("grade:").rpartition("#")
        shortest, longest = lengths[column]
        low, high = fitting.get(kind, (0, 1 << 30))
        if low <= longest and shortest <= high:
            wanted.append(metric)
    shaped = {metric.id.rpartition("#")[0] for metric in wanted if "#values" not in metric.id}
    return [metric for metric in wanted if metric.id.rpartition("#")[0] in shaped]


# Putting together


class _Figures:
    """The figures of one column."""

    def __init__(self, seen: Look, found: Mapping[str, Any]) -> None:
        self.seen, self.found = seen, found
        self.values = self.whole("values")
        self.misfits = 0
        if f"{seen.name}#fits" in found:
            apart = self.whole("blanks") + self.whole("placeholders")
            self.misfits = max(0, self.values - self.whole("fits") - apart)

    def value(self, part: str) -> Any:
        return self.found.get(f"{self.seen.name}#{part}")

    def whole(self, part: str) -> int:
        return int(self.value(part) or 0)

    def pairs(self, part: str) -> tuple[tuple[str, int], ...]:
        found = self.value(part) or ()
        if isinstance(found, dict):
            counted = cast("dict[str, int]", found).items()
            return tuple(sorted(counted, key=lambda one: (-one[1], one[0])))
        return tuple((value, int(n)) for value, n in found)


def _values(measured: Iterable[Measured]) -> dict[str, Any]:
    return {one.metric.id: one.value for one in measured if one.error is None}


def of(
    looks: Sequence[Look],
    measured: Sequence[Measured],
    detections: Iterable[grade.Detection],
    personal: frozenset[str],
    rejected: int,
    today: date,
) -> TableContent:
    """The content of a table and what is odd in it; `personal` kinds of identifiers keep their
    columns' values to themselves.
    """
    found = _values(measured)
    rows = int(found.get("#rows") or 0)
    by_column: dict[str, list[grade.Detection]] = {}
    for detection in detections:
        by_column.setdefault(detection.column, []).append(detection)
    columns = tuple(
        _content(seen, _Figures(seen, found), rows, by_column.get(seen.name, []), personal)
        for seen in looks
    )
    same = found.get("#duplicates")
    equal = 0 if any(column.is_key for column in columns) else same
    equal = None if equal is None else int(equal)
    table = TableContent(rows, columns, equal, ())
    return replace(table, alerts=tuple(_alerts(table, rejected, today)))


def _content(
    seen: Look,
    figure: _Figures,
    rows: int,
    detections: Sequence[grade.Detection],
    personal: frozenset[str],
) -> Content:
    hidden = any(one.kind in personal for one in detections)
    if seen.kind is Kind.INTEGER and not hidden:  # a few numbers of people among others
        numbers_of_people = personal & {"phone", "resident_id"}
        ends = (figure.value("least"), figure.value("most"))
        hidden = not all(_may_show(str(end), numbers_of_people) for end in ends)
    listed = figure.pairs("listed")
    exact = f"{seen.name}#listed" in figure.found or not figure.values
    surplus = figure.value("surplus")
    distinct = len(listed) if exact else min(figure.whole("distinct"), figure.values)
    if surplus is not None:
        distinct, exact = rows - int(surplus), True
    elif exact and figure.values == rows:
        surplus = rows - distinct
    top: tuple[tuple[str, int], ...] = ()
    if not hidden and listed and _is_few(distinct, figure.values, seen):
        top = tuple(islice((pair for pair in listed if _may_show(pair[0], personal)), SHOWN))
    numbers = _numbers(listed) if seen.kind.is_number else []
    quantiles = tuple(figure.value("quantiles") or _quantiles(numbers))
    bins: tuple[Bin, ...] = ()
    if not hidden and (binning := _binning(seen, figure)):
        counted = cast("Mapping[int, int]", figure.value("bins") or _binned(numbers, binning))
        bins = _bins(seen, binning, counted, figure)
    return Content(
        seen,
        rows,
        rows - figure.values,
        figure.whole("blanks"),
        figure.whole("placeholders"),
        figure.whole("padded") - figure.whole("blanks"),
        figure.whole("garbled"),
        figure.misfits,
        distinct,
        exact,
        None if surplus is None else int(surplus),
        figure.value("shortest"),
        figure.value("longest"),
        _rounded(figure.value("length")),
        None if hidden else figure.value("least"),
        None if hidden else figure.value("most"),
        None if hidden else _rounded(figure.value("mean")),
        None if hidden else _rounded(figure.value("deviation")),
        figure.whole("zeros"),
        figure.whole("negatives"),
        () if hidden else quantiles,
        bins,
        top,
        ()
        if hidden
        else tuple(pair for pair in figure.pairs("wrong") if _may_show(pair[0], personal)),
        tuple(detections),
        hidden,
    )


def _is_few(distinct: int, values: int, seen: Look) -> bool:
    """Whether the most frequent values say something: they repeat, and are no measurements."""
    return distinct <= 50 or (seen.kind is not Kind.DECIMAL and distinct * 20 <= values)


def _may_show(value: str, personal: frozenset[str]) -> bool:
    """Whether one value may be shown although it stands in a column that is not personal: neither
    it nor a word in it is shaped like an identifier of people.
    """
    if len(value) > SHOWN_LENGTH_MAX:
        return False
    words = {value, *re.findall(r"[0-9A-Za-z@._%+-]{5,}", value), *re.findall("[0-9Xx]{5,}", value)}
    shapes = [identifiers.shape(kind) for kind in personal & identifiers.KINDS.keys()]
    return not any(re.search(shape, word) for shape in shapes for word in words)


def without_people(text: str, personal: frozenset[str]) -> str:
    """The text with `***` for each word in it that is shaped like an identifier of people."""

    def shown(found: re.Match[str]) -> str:
        return found[0] if _may_show(found[0], personal) else "***"

    return re.sub(r"[0-9A-Za-z@._%+-]{5,}", shown, text)


def _numbers(listed: Iterable[tuple[str, int]]) -> list[tuple[Decimal, int]]:
    found = ((number_of(value), n) for value, n in listed)
    return sorted((number, n) for number, n in found if number is not None)


def _quantiles(numbers: Sequence[tuple[Decimal, int]]) -> Sequence[Decimal]:
    """Those of QUANTILES, each a value that is there."""
    total = sum(n for _, n in numbers)
    found: list[Decimal] = []
    passed = 0
    for number, n in numbers:
        passed += n
        while len(found) < len(QUANTILES) and passed >= Decimal(QUANTILES[len(found)]) * total:
            found.append(number)
    return found


def _binned(numbers: Iterable[tuple[Decimal, int]], binning: _Binning) -> Mapping[int, int]:
    counted: dict[int, int] = {}
    for number, n in numbers:
        at = int((float(number) - binning.low) // binning.width)
        at = max(0, min(binning.bins - 1, at))
        counted[at] = counted.get(at, 0) + n
    return counted


def _bins(
    seen: Look, binning: _Binning, counted: Mapping[int, int], figure: _Figures
) -> tuple[Bin, ...]:
    """Each bin but the last up to where the next begins."""
    if not counted:
        return ()
    bins = binning.bins
    shown = [_edge(binning.low + binning.width * n, seen) for n in range(bins + 1)]
    shown[0], shown[-1] = plain(figure.value("least")), plain(figure.value("most"))
    return tuple(Bin(shown[n], shown[n + 1], int(counted.get(n, 0))) for n in range(bins))


def _edge(edge: float, seen: Look) -> str:
    if seen.kind.is_moment:
        moment = datetime.fromtimestamp(edge, UTC).replace(tzinfo=None, microsecond=0)
        return plain(moment if seen.kind is Kind.TIMESTAMP else moment.date())
    return plain(_rounded(Decimal(repr(edge))) or Decimal())


def plain(value: Any) -> str:
    """A figure as text: a moment in ISO, a number without an exponent or idle zeros."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > 30:
            return str(value)
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "" if value is None else str(value)


def _rounded(value: Any) -> Decimal | None:
    """To six significant digits; an overflow is no figure."""
    if value is None or not Decimal(str(value)).is_finite():
        return None
    exact = Decimal(str(value))
    return exact if exact == 0 else round(exact, 5 - exact.adjusted())


# What is odd


def _alerts(table: TableContent, rejected: int, today: date) -> Iterable[Diagnostic]:
    """Faults first, then what a reader ought to know."""
    found: list[Diagnostic] = []
    if rejected:
        whole = table.rows + rejected
        found.append(_alert("rejected", "", rows=rejected, percent=percent(rejected, whole)))
    if table.duplicates:
        found.append(_alert("duplicate-rows", "", rows=table.duplicates,
                            percent=percent(table.duplicates, table.rows)))  # fmt: skip
    for column in table.columns:
        found += _column_alerts(column, today)
    order = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    return sorted(found, key=lambda one: order.index(one.severity))


_NOTES = {"constant", "placeholders", "padded", "code-with-zeros", "outliers", "sensitive"}


def _alert(what: str, column: str, **facts: Any) -> Diagnostic:
    severity = Severity.NOTE if what in _NOTES else Severity.WARNING
    return Diagnostic(severity, f"profile.{what}", facts={"column": column, **facts})


def percent(part: int, whole: int) -> str:
    """`0.3%`; never 0 % of something nor 100 % of less than all."""
    share = Decimal(part) * 100 / whole if whole else Decimal()
    rounded = round(share, 1)
    if (rounded == 0 and part) or (rounded == 100 and part < whole):
        return "<0.1%" if rounded == 0 else ">99.9%"
    return f"{plain(rounded)}%"


def _column_alerts(column: Content, today: date) -> Iterable[Diagnostic]:
    name, seen = column.name, column.look
    if not column.values:
        if column.rows:
            yield _alert("empty-column", name)
        return
    if column.distinct == 1 and column.rows > 1 and not column.nulls:
        yield _alert("constant", name)
    if column.nulls * 2 >= column.rows:
        yield _alert("mostly-empty", name, percent=percent(column.nulls, column.rows))
    if column.misfits:
        yield _alert(
            "mixed",
            name,
            kind=seen.kind.label,
            rows=column.misfits,
            examples=_examples(column.misfits_shown),
        )
    if column.placeholders:
        share = percent(column.placeholders, column.rows)
        yield _alert("placeholders", name, rows=column.placeholders, percent=share)
    if column.blanks or column.padded > 0:
        yield _alert("padded", name, rows=column.blanks + max(0, column.padded))
    if column.garbled:
        yield _alert("garbled", name, rows=column.garbled)
    if seen.leading_zeros:
        yield _alert("code-with-zeros", name)
    if seen.also:
        yield _alert("ambiguous-days", name, pattern=seen.pattern, also=seen.also)
    if column.surplus and column.surplus * 100 <= column.rows:
        yield _alert("nearly-unique", name, rows=column.surplus)
    yield from _far(column, today)
    if column.detections:
        title = {detector.kind: detector.title for detector in grade.DETECTORS}
        kinds = [title[one.kind] for one in column.detections]
        said = Text("、".join(t.zh for t in kinds), ", ".join(t.en for t in kinds))
        yield _alert("personal" if column.personal else "sensitive", name, kind=said)


def _examples(shown: Sequence[tuple[str, int]]) -> str:
    return f" ({', '.join(repr(value) for value, _ in shown[:3])})" if shown else ""


_SENTINELS = frozenset(
    Decimal(sign + digit * n)
    for sign in ("", "-")
    for digit in ("9", "1")
    for n in range(1, 9)
    if (digit == "9" and n >= 3) or sign
)


def _far(column: Content, today: date) -> Iterable[Diagnostic]:
    """Ends that stand far from nearly all values: numbers that say "none", days nobody meant."""
    if column.least is None or len(column.quantiles) != len(QUANTILES):
        return
    least, most = column.least, column.most
    if column.kind.is_moment:
        days = {
            plain(end)[:10]
            for end in (least, most)
            if plain(end)[:10] in ("1900-01-01", "1970-01-01", "0001-01-01", "9999-12-31")
            or plain(end)[:4] > str(today.year + 50)
            or plain(end)[:4] < "1800"
        }
        for day in sorted(days):
            yield _alert("odd-day", column.name, value=day)
        return
    if not column.kind.is_number:
        return
    numbers = [Decimal(str(one)) for one in column.quantiles]
    spread = numbers[4] - numbers[2]
    for end, near in ((Decimal(str(least)), numbers[2]), (Decimal(str(most)), numbers[4])):
        gap = abs(end - near)
        if spread <= 0 or gap <= 6 * spread:
            continue
        if end in _SENTINELS and not least <= -end <= most:
            yield _alert("sentinel", column.name, value=plain(end))
        elif gap > 20 * spread:
            between = f"{plain(numbers[1])} … {plain(numbers[5])}"
            yield _alert("outliers", column.name, value=plain(end), between=between)
