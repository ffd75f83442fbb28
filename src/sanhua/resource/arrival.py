"""Arrival 到达: what came of a source and when, which of it counts, and how fresh that leaves it.

A feed is late, repeats itself, comes out of order and sends broken files. Nothing that arrived is
thrown away: every content is kept as it came, and `counting` says which one counts for its period
and why the others do not.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cache
from typing import Annotated, Any

from sanhua.kernel.errors import Invalid
from sanhua.kernel.record import Ref, record
from sanhua.kernel.time import SHANGHAI, moment_text
from sanhua.resource.collect import Cadence, Source

PERIODS_MAX = 1_000_000  # of one file; more is a day that nobody meant
RANGES_MAX = 100  # runs of missing periods that a report lists
_EPOCH = datetime(1970, 1, 5, tzinfo=SHANGHAI)  # a Monday, so that weeks begin with it
_STEP = {
    Cadence.FIVE_MINUTES: timedelta(minutes=5),
    Cadence.HOUR: timedelta(hours=1),
    Cadence.DAY: timedelta(days=1),
    Cadence.WEEK: timedelta(weeks=1),
}


@record("arrival")
@dataclass(frozen=True, slots=True)
class Arrival:
    """到达 `arrival:metro/flow_0600.csv@1f3a…`: bytes that came under a name; further versions tell
    of the same bytes coming again.

    `reading` is the hash of how it was tried to be read, `fault` the code why it cannot be and
    `reason` its text; `first` and `last` bound the period or cursor column. `asked` is the query
    that it answers, without secrets. Moments are text.
    """

    id: str
    source: str
    name: str
    content: Annotated[str, Ref("content")]
    bytes: int
    at: str
    order: int  # counts what came of the source, in the order it came
    via: str  # folder | http | database | api | documents
    sender: Annotated[str, Ref("sent_by")] = ""
    again: int = 0  # how often the same came again,
    again_at: str = ""  # last
    reading: str = ""
    fault: str = ""
    reason: str = ""
    first: str = ""
    last: str = ""
    asked: str = ""


@record("fetch")
@dataclass(frozen=True, slots=True)
class Fetch:
    """采集 `fetch:orders`: the last time a source was asked. `asked` says what, without secrets;
    `brings` is what came of it (of a source that is replaced each time, everything that counts
    now); `fault` why nothing came. The same `digest` as before
    brings nothing new.
    """

    id: str
    source: str
    asked: Mapping[str, str]
    begun_at: str
    ended_at: str
    rows: int
    pages: int
    bytes: int
    new: int  # rows or files that were not here before
    digest: str = ""
    cursor: str = ""  # the greatest value of the cursor column that has come
    cursor_type: str = ""
    brings: tuple[Annotated[str, Ref("brings")], ...] = ()
    fault: str = ""
    failures: int = 0  # in a row
    good_at: str = ""  # when it last went well
    order: int = 0  # how much has come of the source so far
    adds_from: int = 0  # order of the first arrival that counts, of a source that adds
    notes: tuple[str, ...] = ()  # what was entered last, so that a crash enters nothing twice


@record("sender")
@dataclass(frozen=True, slots=True)
class Sender:
    """送数令牌 `snd_…`: lets whoever holds it put files into the inbox of one source; only its
    SHA-256 is kept.
    """

    id: str
    source: str
    party: Annotated[str, Ref("held_by")]
    hash: str
    label: str = ""


def arrival_id(source: str, name: str, content: str) -> str:
    """One id for the same bytes under the same name."""
    return f"arrival:{source}/{name}@{content.removeprefix('sha256:')[:16]}"


# Periods


def index_of(cadence: Cadence, moment: datetime) -> int:
    """The number of the period that holds a moment, by the calendar of Asia/Shanghai."""
    local = moment.astimezone(SHANGHAI)
    if cadence is Cadence.MONTH:
        return local.year * 12 + local.month - 1
    if cadence is Cadence.YEAR:
        return local.year
    return (local - _EPOCH) // _STEP[cadence]


def start_of(cadence: Cadence, index: int) -> datetime:
    """The first moment of a period."""
    if cadence is Cadence.MONTH:
        return datetime(index // 12, index % 12 + 1, 1, tzinfo=SHANGHAI)
    if cadence is Cadence.YEAR:
        return datetime(index, 1, 1, tzinfo=SHANGHAI)
    return _EPOCH + index * _STEP[cadence]


def has_periods(cadence: Cadence) -> bool:
    return cadence not in (Cadence.REALTIME, Cadence.ONCE)


def period_name(cadence: Cadence, index: int) -> str:
    """`2019-01-01T06:05`, `2019-01-01`, `2019-01`, `2019`: as long as the cadence needs."""
    width = {Cadence.YEAR: 4, Cadence.MONTH: 7, Cadence.DAY: 10, Cadence.WEEK: 10}
    return start_of(cadence, index).strftime("%Y-%m-%dT%H:%M")[: width.get(cadence, 16)]


_FIELDS = {"yyyy": r"\d{4}", **dict.fromkeys(("MM", "dd", "HH", "mm", "ss"), r"\d{2}")}


@cache
def name_pattern(written: str) -> re.Pattern[str] | None:
    """`flow_{yyyyMMdd_HHmm}*.csv` as a regular expression with a group for each part of the moment;
    None when it is a column. Invalid period.pattern.
    """
    if "{" not in written and "}" not in written:
        return None
    made: list[str] = []
    seen: list[str] = []
    for text, inner in re.findall(r"([^{]+)|\{([^{}]*)\}", written):
        if text:
            made.append(".*".join(re.escape(part) for part in text.split("*")))
            continue
        for token in re.finditer(r"'([^']*)'|(([A-Za-z])\3*)|(.)", inner):
            run = token[2]
            if run is None:
                made.append(re.escape(token[1] or token[4] or ""))
                continue
            if run not in _FIELDS or run in seen:
                known = " ".join(_FIELDS)
                raise Invalid("period.pattern", pattern=written, letters=run, known=known)
            seen.append(run)
            made.append(f"(?P<{run}>{_FIELDS[run]})")
    if "yyyy" not in seen or written.count("{") != written.count("}"):
        raise Invalid("period.pattern", pattern=written, letters="–", known=" ".join(_FIELDS))
    return re.compile("".join(made))


def period_of_name(source: Source, name: str) -> int | None:
    """The number of the period that a file's name tells; None when it tells none."""
    pattern = name_pattern(source.period)
    match = pattern.fullmatch(name) if pattern else None
    if match is None:
        return None
    part = {key: int(value) for key, value in match.groupdict().items()}
    hour = part.get("HH", 0)
    try:
        local = datetime(
            part["yyyy"],
            part.get("MM", 1),
            part.get("dd", 1),
            0 if hour == 24 else hour,  # 24:00 closes a day
            part.get("mm", 0),
            part.get("ss", 0),
            tzinfo=SHANGHAI,
        ) + timedelta(days=hour == 24)
        return index_of(source.cadence, local) - (1 if source.ends else 0)
    except (ValueError, OverflowError):
        return None


def reads_period_column(source: Source) -> str:
    """The column that tells the period, empty when the name does or nothing."""
    return source.period if source.period and name_pattern(source.period) is None else ""


def periods_of(source: Source, arrival: Arrival) -> tuple[int, int] | None:
    """The first and the last period that an arrival is about; None when it does not tell."""
    if not source.period or not has_periods(source.cadence):
        return None
    if not reads_period_column(source):
        index = period_of_name(source, arrival.name)
        return None if index is None else (index, index)
    if not arrival.first:
        return None
    back = 1 if source.ends else 0
    first, last = (
        index_of(source.cadence, datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)) - back
        for text in (arrival.first, arrival.last)
    )
    return (first, last) if last - first < PERIODS_MAX else None


# What counts


@dataclass(frozen=True, slots=True)
class Superseded:
    """What came and does not count. `why`: corrected (by the arrival `by`), repeated (the same
    bytes under another name), unreadable, no-period.
    """

    arrival: Arrival
    why: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """Everything that came for one period (or under one name), in the order it came. `counts` is
    None while nothing of it can be read, or when a later arrival about more periods took its place;
    `since` is when the period was first readable.
    """

    key: str
    periods: tuple[int, int] | None
    counts: Arrival | None
    since: str
    superseded: tuple[Superseded, ...]


def slots(source: Source, arrivals: Iterable[Arrival]) -> list[Slot]:
    """The arrivals by period, earliest first: in each the last one that can be read counts, unless
    a later one is about all of its periods and more (a `flow.csv` that grows day by day).

    The same bytes coming again change nothing, even after a correction: a repeat that was on its
    way longer must not undo one.
    """
    by_key: dict[tuple[int, str], list[Arrival]] = {}
    told: dict[str, tuple[int, int] | None] = {}
    for one in sorted(arrivals, key=lambda a: (a.order, a.id)):
        periods = told[one.id] = periods_of(source, one)
        if periods is None:
            key = (0 if not source.period else 1 << 60, one.name)
        else:
            name = period_name(source.cadence, periods[0])
            if periods[0] != periods[1]:
                name += f"..{period_name(source.cadence, periods[1])}"
            key = (periods[0], name)
        by_key.setdefault(key, []).append(one)
    found = [_slot(source, name, told, came) for (_, name), came in sorted(by_key.items())]
    for wide, narrow in _meeting(found):
        by, one, within = found[wide].counts, found[narrow].counts, found[narrow].periods
        if by and one and within and by.order > one.order and _covers(found[wide], within):
            lost = (*found[narrow].superseded, Superseded(one, "corrected", by.id))
            lost = tuple(sorted(lost, key=lambda s: s.arrival.order))
            found[narrow] = replace(found[narrow], counts=None, superseded=lost)
    return found


def overlapping(found: Sequence[Slot]) -> list[tuple[Arrival, Arrival]]:
    """Pairs that count and share some periods only: a row that is in both counts twice."""
    pairs = {tuple(sorted(pair)) for pair in _meeting(found)}
    both = ((found[a].counts, found[b].counts) for a, b in sorted(pairs))
    return [(one, other) for one, other in both if one and other]


def _meeting(found: Sequence[Slot]) -> list[tuple[int, int]]:
    """Slots of several periods, each with every other one that shares a period with it."""
    dated = [(slot.periods, at) for at, slot in enumerate(found) if slot.periods]
    starts = [periods[0] for periods, _ in dated]
    meeting: list[tuple[int, int]] = []
    for (first, last), wide in dated:
        if first < last:
            near = dated[bisect_left(starts, first) : bisect_right(starts, last)]
            meeting += [(wide, at) for _, at in near if at != wide]
    return meeting


def _covers(slot: Slot, periods: tuple[int, int]) -> bool:
    first, last = slot.periods or (0, -1)
    return first <= periods[0] and periods[1] <= last


def _slot(
    source: Source,
    key: str,
    told: Mapping[str, tuple[int, int] | None],
    came: Sequence[Arrival],
) -> Slot:
    periods = told[came[-1].id]
    lost: list[Superseded] = []
    good: list[Arrival] = []
    for one in came:
        if one.fault:
            lost.append(Superseded(one, "unreadable"))
        elif any(one.content == other.content for other in good):
            lost.append(Superseded(one, "repeated"))
        elif source.period and periods is None and has_periods(source.cadence):
            lost.append(Superseded(one, "no-period"))
        else:
            good.append(one)
    lost += [Superseded(one, "corrected", good[-1].id) for one in good[:-1]]
    return Slot(
        key,
        periods,
        good[-1] if good else None,
        good[0].at if good else "",
        tuple(sorted(lost, key=lambda s: s.arrival.order)),
    )


# Freshness


_SPAN = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def span(written: str, fallback: timedelta) -> timedelta:
    """`10 days` as a time; months count 31 days and years 366: a deadline is not cut short."""
    if not written:
        return fallback
    number, _, unit = written.partition(" ")
    unit = unit.removesuffix("s")
    seconds = _SPAN.get(unit) or {"month": 31, "year": 366}[unit] * 86400
    return timedelta(seconds=int(number) * seconds)


@dataclass(frozen=True, slots=True)
class Freshness:
    """新鲜度: how a source keeps to its cadence. Counts are of periods, but `repeated`,
    `corrected`, `unreadable` and `out_of_order`, which are of arrivals. `expected` are the periods
    that are due; those still in time are not. `share` is on time of expected, None when nothing is
    due.
    """

    source: str
    cadence: Cadence
    state: str  # on_time | behind | never | undated
    expected: int = 0
    on_time: int = 0
    late: int = 0
    missing: int = 0
    arrivals: int = 0
    repeated: int = 0
    corrected: int = 0
    unreadable: int = 0
    out_of_order: int = 0
    first: str = ""
    last: str = ""
    last_at: str = ""
    due_at: str = ""  # when the next one is late
    share: Decimal | None = None
    objective: Decimal = Decimal("0.99")
    absent: tuple[tuple[str, str, int], ...] = ()  # runs of missing periods: first, last, how many
    lagging: tuple[tuple[str, str, str], ...] = ()  # late periods: which, name, arrived
    faults: tuple[tuple[str, str], ...] = ()  # what cannot be read: name, reason

    @property
    def meets(self) -> bool | None:
        return None if self.share is None else self.share >= self.objective

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "cadence": self.cadence.value,
            "state": self.state,
            **{
                name: getattr(self, name)
                for name in (
                    "expected", "on_time", "late", "missing", "arrivals", "repeated",
                    "corrected", "unreadable", "out_of_order", "first", "last", "last_at", "due_at",
                )
            },
            "share": None if self.share is None else format(self.share, "f"),
            "objective": format(self.objective, "f"),
            "meets": self.meets,
            "missing_periods": [
                {"from": first, "through": last, "count": count}
                for first, last, count in self.absent
            ],
            "late_periods": [
                {"period": period, "name": name, "arrived_at": at}
                for period, name, at in self.lagging
            ],
            "unreadable_files": [{"name": name, "reason": why} for name, why in self.faults],
        }  # fmt: skip


def freshness(
    source: Source, arrivals: Sequence[Arrival], now: datetime, fetch: Fetch | None = None
) -> Freshness:
    """How the source stands at `now`, from what came when."""
    found = slots(source, arrivals)
    lost = [one for slot in found for one in slot.superseded]
    last_at = max((max(a.at, a.again_at) for a in arrivals), default="")
    base: dict[str, Any] = {
        "arrivals": sum(1 + a.again for a in arrivals),
        "repeated": sum(a.again for a in arrivals) + sum(s.why == "repeated" for s in lost),
        "corrected": sum(one.why == "corrected" for one in lost),
        "unreadable": sum(one.why in ("unreadable", "no-period") for one in lost),
        "last_at": last_at,
        "objective": source.objective,
        "faults": tuple(
            (one.arrival.name, one.arrival.reason or one.why)
            for one in lost
            if one.why in ("unreadable", "no-period")
        )[:RANGES_MAX],
    }
    if not has_periods(source.cadence) or not source.period:
        return _by_fetches(source, base, fetch, last_at, now)
    dated = [(slot, slot.periods) for slot in found if slot.periods and slot.since]
    if not dated:
        return Freshness(source.id, source.cadence, "never", **base)
    present: dict[int, Slot] = {}
    for slot, (first, last) in dated:
        for index in range(first, last + 1):
            held = present.get(index)
            if held is None or slot.since < held.since:
                present[index] = slot
    grace = span(source.late, _length(source.cadence))
    past = now - grace - timedelta(microseconds=1)  # what comes exactly at the limit is in time
    due = index_of(source.cadence, past) - 1  # the last period whose time is over
    first = min(present)
    if source.since:
        first = index_of(
            source.cadence, datetime.fromisoformat(source.since).replace(tzinfo=SHANGHAI)
        )
    inside = sorted(index for index in present if first <= index <= due)
    expected = max(0, due - first + 1)
    lagging: list[tuple[str, str, str]] = []
    for index in inside:
        slot = present[index]
        ends = start_of(source.cadence, index + 1)
        if datetime.fromisoformat(slot.since) > ends + grace:
            name = slot.counts.name if slot.counts else ""
            lagging.append((period_name(source.cadence, index), name, slot.since))
    late, missing = len(lagging), expected - len(inside)
    on_time = len(inside) - late
    ahead = max(due + 1, first)
    while ahead in present:
        ahead += 1
    due_at = (start_of(source.cadence, ahead + 1) + grace).astimezone(UTC)
    share = None
    if expected:
        share = (Decimal(on_time) / Decimal(expected)).quantize(Decimal("0.0001"), ROUND_DOWN)
    return Freshness(
        source.id,
        source.cadence,
        "on_time" if due < first or due in present else "behind",
        expected=expected,
        on_time=on_time,
        late=late,
        missing=missing,
        out_of_order=_out_of_order(source, arrivals),
        first=period_name(source.cadence, min(present)),
        last=period_name(source.cadence, max(present)),
        due_at=moment_text(due_at),
        share=share,
        absent=_runs(source.cadence, inside, first, due),
        lagging=tuple(lagging[:RANGES_MAX]),
        **base,
    )


def _length(cadence: Cadence) -> timedelta:
    return _STEP.get(cadence) or timedelta(days=31 if cadence is Cadence.MONTH else 366)


def _by_fetches(
    source: Source, base: dict[str, Any], fetch: Fetch | None, last_at: str, now: datetime
) -> Freshness:
    """Of a source whose files tell no period: how long ago it was last fetched or heard of."""
    heard = fetch.good_at if fetch is not None and fetch.good_at else last_at
    state, due_at = "undated", ""
    if not heard:
        state = "never"
    elif has_periods(source.cadence):
        length = _length(source.cadence)
        due = datetime.fromisoformat(heard) + length + span(source.late, length)
        due_at = moment_text(due)
        state = "behind" if now > due else "on_time"
    elif source.cadence is Cadence.ONCE:
        state = "on_time"
    return Freshness(source.id, source.cadence, state, due_at=due_at, **base)


def _out_of_order(source: Source, arrivals: Iterable[Arrival]) -> int:
    """How many came after one of a later period; corrections are none."""
    count, high = 0, -1
    seen: set[int] = set()
    for one in sorted(arrivals, key=lambda a: a.order):
        periods = None if one.fault else periods_of(source, one)
        if periods is None or periods[0] in seen:
            continue
        seen.add(periods[0])
        count += periods[0] < high
        high = max(high, periods[0])
    return count


def _runs(
    cadence: Cadence, present: Sequence[int], first: int, last: int
) -> tuple[tuple[str, str, int], ...]:
    """The gaps between the periods that are there."""
    found: list[tuple[str, str, int]] = []
    at = first
    for index in (*present, last + 1):
        if index > at and len(found) < RANGES_MAX:
            names = period_name(cadence, at), period_name(cadence, index - 1)
            found.append((*names, index - at))
        at = max(at, index + 1)
    return tuple(found)
