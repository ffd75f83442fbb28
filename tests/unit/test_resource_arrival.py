"""What counts of what came, and how fresh that leaves a source."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Invalid
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import SHANGHAI, moment_text
from sanhua.resource.arrival import (
    Arrival,
    Fetch,
    arrival_id,
    freshness,
    has_periods,
    index_of,
    name_pattern,
    overlapping,
    period_name,
    slots,
    span,
    start_of,
)
from sanhua.resource.collect import Cadence, Source

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=SHANGHAI)


def feed(cadence: Cadence = Cadence.FIVE_MINUTES, **more: object) -> Source:
    said = {"period": "f_{yyyyMMdd_HHmm}.csv", "late": "5 minutes", **more}
    return Source("f", Text("f"), cadence, Origin("sources/f.yaml", 1), **said)  # type: ignore[arg-type]


def came(
    number: int, order: int, after_s: int = 60, content: str = "", fault: str = "", again: int = 0
) -> Arrival:
    start = NOON + number * timedelta(minutes=5)
    at = moment_text(start + timedelta(minutes=5, seconds=after_s))
    name = f"f_{start:%Y%m%d_%H%M}.csv"
    said = f"sha256:{content or f'{number:04d}':0>64}"
    return Arrival(arrival_id("f", name, said), "f", name, said, 1, at, order, "folder",
                   again=again, again_at=at if again else "", fault=fault)  # fmt: skip


CADENCES = [cadence for cadence in Cadence if has_periods(cadence)]


@given(st.sampled_from(CADENCES), st.integers(631_000_000, 3_786_000_000))
def test_every_moment_lies_in_exactly_one_period(cadence: Cadence, seconds: int):
    local = datetime.fromtimestamp(seconds, SHANGHAI)
    index = index_of(cadence, local)
    assert start_of(cadence, index) <= local < start_of(cadence, index + 1)
    assert index_of(cadence, start_of(cadence, index)) == index


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.booleans()), min_size=1, max_size=12
    )
)
def test_of_each_period_the_last_readable_content_counts_once(
    sent: list[tuple[int, str, bool]],
):
    """Whatever order, repeats and broken files: one content a period, the last new one that can be
    read; the rest is told with a reason, and nothing that came is missing.
    """
    contents: dict[tuple[int, str], Arrival] = {}
    for order, (number, content, broken) in enumerate(sent, 1):
        key = number, content
        if key not in contents:
            # whether bytes can be read is a property of the bytes
            contents[key] = came(number, order, content=content, fault="x" if broken else "")
    found = slots(feed(), contents.values())
    wanted: dict[int, Arrival] = {}
    for (number, _), arrival in contents.items():
        if not arrival.fault:
            wanted[number] = arrival
    assert {s.counts.id for s in found if s.counts} == {a.id for a in wanted.values()}
    told = [one.arrival.id for slot in found for one in slot.superseded]
    counted = [slot.counts.id for slot in found if slot.counts]
    assert sorted(told + counted) == sorted(a.id for a in contents.values())


def spanning(order: int, first: int, last: int, name: str = "flow.csv") -> Arrival:
    """A file about the days `first` to `last` of March, by a column."""
    said = f"sha256:{order:02d}{0:062d}"
    at = moment_text(datetime(2026, 3, last + 1, 1, tzinfo=SHANGHAI))
    bounds = f"2026-03-{first:02d}T00:00:00", f"2026-03-{last:02d}T23:00:00"
    arrival = Arrival(arrival_id("f", name, said), "f", name, said, 1, at, order, "folder")
    return replace(arrival, first=bounds[0], last=bounds[1])


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 4)), min_size=1, max_size=10))
def test_no_row_counts_twice_unless_it_is_told(sent: list[tuple[int, int]]):
    """Files of several days each: where none is told to overlap, no day counts twice, and a day
    that came counts.
    """
    arrivals = [spanning(n, first, first + more) for n, (first, more) in enumerate(sent, 1)]
    found = slots(feed(Cadence.DAY, period="day"), arrivals)
    counted = [s.periods for s in found if s.counts and s.periods]
    days = [day for first, last in counted for day in range(first, last + 1)]
    assert bool(overlapping(found)) == (len(days) > len(set(days)))
    assert {d - min(days) for d in days} == {
        d - min(one for one, _ in sent)
        for first, more in sent
        for d in range(first, first + more + 1)
    }
    told = [one.arrival.id for slot in found for one in slot.superseded]
    assert len(told) + len(counted) == len(arrivals)


def test_a_file_that_grows_day_by_day_counts_once_and_its_days_came_in_time():
    source = feed(Cadence.DAY, period="day", late="6 hours")
    grown = [spanning(n, 1, n) for n in (1, 2, 3)]
    (third,) = [slot.counts for slot in slots(source, grown) if slot.counts]
    assert third == grown[2]
    found = freshness(source, grown, datetime(2026, 3, 4, 7, tzinfo=SHANGHAI))
    assert (found.expected, found.on_time, found.corrected) == (3, 3, 2)


def test_a_file_with_a_day_that_nobody_meant_tells_no_period():
    source = feed(period="at")
    odd = replace(spanning(1, 1, 2), first="0001-01-01T00:00:00")
    (slot,) = slots(source, [odd])
    assert slot.counts is None and slot.superseded[0].why == "no-period"


def test_the_report_counts_what_is_due_on_time_late_and_missing():
    """12:00 on time, 12:05 late by a minute over five, 12:10 never, 12:15 before it is due."""
    sent = [came(0, 1), came(3, 2, after_s=1), came(1, 3, after_s=361, again=2)]
    now = NOON + timedelta(minutes=21)
    found = freshness(feed(), sent, now)
    assert (found.expected, found.on_time, found.late, found.missing) == (3, 1, 1, 1)
    assert (found.repeated, found.arrivals, found.out_of_order) == (2, 5, 1)
    assert found.absent == (("2026-03-02T12:10", "2026-03-02T12:10", 1),)
    assert found.lagging[0][0] == "2026-03-02T12:05"
    assert found.share == Decimal("0.3333") and found.meets is False and found.state == "behind"
    whole = freshness(feed(), [came(n, n) for n in range(300)], NOON + timedelta(minutes=1510))
    assert (whole.expected, whole.missing, whole.meets) == (300, 0, True)


@pytest.mark.parametrize(("seconds", "late"), [(299, 0), (300, 0), (301, 1)])
def test_exactly_at_the_limit_is_in_time(seconds: int, late: int):
    now = NOON + timedelta(hours=1)
    assert freshness(feed(), [came(0, 1, after_s=seconds)], now).late == late


def test_a_share_just_under_the_objective_does_not_meet_it():
    """98 of 99 is 98.98 %: it is not rounded up to 99."""
    sent = [came(n, n + 1, after_s=400 if n == 5 else 1) for n in range(99)]
    found = freshness(feed(), sent, NOON + timedelta(minutes=5 * 99 + 6))
    assert (found.expected, found.late) == (99, 1)
    assert found.share == Decimal("0.9898") and found.meets is False


def test_a_correction_that_comes_late_does_not_make_the_first_one_late():
    sent = [came(0, 1), came(0, 2, after_s=9000, content="b")]
    found = freshness(feed(), sent, NOON + timedelta(hours=5))
    assert (found.on_time - 0, found.late, found.corrected) == (1, 0, 1)


def test_a_broken_file_in_time_and_the_good_one_late_is_late():
    sent = [came(0, 1, content="x", fault="collect.cannot-read"), came(0, 2, after_s=900)]
    found = freshness(feed(), sent, NOON + timedelta(minutes=30))
    assert (found.late, found.unreadable) == (1, 1)


@pytest.mark.parametrize(
    ("cadence", "pattern", "name", "period"),
    [
        (Cadence.DAY, "a_{yyyyMMdd}.csv", "a_20260302.csv", "2026-03-02"),
        (Cadence.MONTH, "{yyyy-MM}/x.csv", "2026-03/x.csv", "2026-03"),
        (Cadence.YEAR, "y{yyyy}*.xlsx", "y2026-final.xlsx", "2026"),
        (Cadence.HOUR, "{yyyy'年'MM'月'dd'日'HH}.csv", "2026年03月02日05.csv", "2026-03-02T05:00"),
        (Cadence.WEEK, "w{yyyyMMdd}.csv", "w20260304.csv", "2026-03-02"),
        (Cadence.FIVE_MINUTES, "{yyyyMMddHHmm}.csv", "202603012400.csv", "2026-03-02T00:00"),
        (Cadence.DAY, "a_{yyyyMMdd}.csv", "a_20260231.csv", None),
        (Cadence.DAY, "a.{yyyyMMdd}", "ab20260302", None),
    ],
)
def test_a_name_tells_its_period(cadence: Cadence, pattern: str, name: str, period: str | None):
    one = Arrival("a", "f", name, "sha256:1", 1, moment_text(NOON), 1, "folder")
    (slot,) = slots(feed(cadence, period=pattern), [one])
    shown = slot.periods and period_name(cadence, slot.periods[0])
    assert shown == period
    assert (slot.counts is None) == (period is None)


def test_a_stamp_at_the_end_belongs_to_the_period_before():
    (slot,) = slots(feed(ends=True), [came(1, 1)])
    assert slot.key == "2026-03-02T12:00"


@pytest.mark.parametrize("written", ["{yyyyMMdd", "{MMdd}.csv", "{yyyyYY}", "{yyyyyyyy}", "a}b"])
def test_a_pattern_that_tells_no_moment_is_refused(written: str):
    with pytest.raises(Invalid) as error:
        name_pattern(written)
    assert error.value.code == "period.pattern"


def test_without_periods_a_source_is_judged_by_when_it_was_last_heard_of():
    source = feed(Cadence.DAY, period="", late="2 hours")
    at = moment_text(NOON)
    fetch = Fetch("fetch:f", "f", {}, at, at, 1, 1, 1, 1, good_at=at)
    states = [
        freshness(source, [], NOON + timedelta(hours=hours), fetch).state for hours in (1, 26, 27)
    ]
    assert states == ["on_time", "on_time", "behind"]
    assert freshness(source, [], NOON).state == "never"


def test_months_and_years_of_grace_are_not_cut_short():
    day = timedelta(days=1)
    assert span("1 month", day) == 31 * day and span("2 weeks", day) == 14 * day
    assert span("90 seconds", day).total_seconds() == 90 and span("", day) == day
    assert span("1 year", day) == 366 * day


def test_no_moment_depends_on_the_zone_of_the_host():
    assert index_of(Cadence.DAY, datetime(2026, 3, 1, 16, 0, tzinfo=UTC)) == index_of(
        Cadence.DAY, NOON
    )
