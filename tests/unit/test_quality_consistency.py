"""Two tables that hold the same datum: the clock offset, equal shares, sums; on real SQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.metric import Measured, Scan
from sanhua.kernel.origin import Origin
from sanhua.kernel.table import Column, LakeFile, Manifest, Part
from sanhua.resource.contract import (
    Clock,
    ControlTotal,
    DataContract,
    Property,
    Reconciliation,
    TableSchema,
)
from sanhua.resource.quality import Finding, checks, judge, metrics
from sanhua.resource.quality.consistency import Aligned, best, offsets, read, shown
from sanhua.rules.packs import Packs
from sanhua.sql import parse, parse_expression

PACKS = Packs.load()
TODAY = date(2026, 11, 23)
HERE = Origin("contracts/t.odcs.yaml", 7, "sha256:c0")
START = datetime.fromisoformat("2024-01-01")  # local time, as tables keep it
COLUMNS = {"at": "TIMESTAMP", "v": "DOUBLE", "w": "VARCHAR"}

Rows = list[tuple[datetime, float | None, str | None]]


def series(values: list[float | None], shift_h: int = 0) -> Rows:
    """One row an hour from START, stamped `shift_h` hours later than what was measured."""
    return [
        (START + timedelta(hours=hour + shift_h), value, None if value is None else f"w{value}")
        for hour, value in enumerate(values)
    ]


def judged(own: Rows, other: Rows, given: Reconciliation, **more: Any) -> dict[str, Finding]:
    props = tuple(
        Property(name, HERE, logical_type=kind)
        for name, kind in (("at", "timestamp"), ("v", "number"), ("w", "string"))
    )
    table = TableSchema("t", props, HERE, reconciles=(given,), **more)
    agreed = DataContract("t", HERE, (table,))
    listed = tuple(Column(name, kind) for name, kind in COLUMNS.items())
    part = Part(LakeFile("part-0.parquet", len(own), 1, "sha256:good"))
    made = checks(
        agreed, table, {}, {}, PACKS, TODAY,
        manifest=Manifest("t", "built", listed, (part,), (), "step"),
    )  # fmt: skip
    found: list[Measured] = []
    with duckdb.connect() as db:
        for name, rows in (("t", own), ("o", other)):
            db.execute(f'CREATE TABLE {name} ("at" TIMESTAMP, v DOUBLE, w VARCHAR)')
            if rows:
                db.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", rows)
        for metric in metrics(made):
            if metric.scan is Scan.QUERY:
                parse(metric.expression)  # in the canonical subset
                query = metric.expression
            else:
                parse_expression(metric.expression)
                query = f"SELECT {metric.expression} FROM t"
            found.append(Measured(metric, (db.execute(query).fetchone() or (None,))[0]))
    result = judge(made, found, PACKS, TODAY, contract=agreed)
    return {finding.id.rpartition("/")[2]: finding for finding in result.findings}


PAIR = Reconciliation("o", (("at", "at"),), (("v", "v"),), HERE, least=Decimal(95))
DETECT = replace(PAIR, clock=Clock("at", detect=True))


def test_without_a_clock_values_are_compared_as_they_stand():
    found = judged(series([1, 2, 3, None]), series([1, 2, 9, 4]), PAIR)
    equal = found["v.equal.o.v"]
    assert (equal.numerator, equal.denominator, equal.state) == (2, 3, "failed")
    assert "v.clock.o" not in found


def test_the_other_clock_is_found_behind_and_ahead():
    """Stamps two hours later than ours: the other clock is ahead by two hours."""
    values = [float(n % 17) for n in range(200)]
    for shift in (-3, 2):
        found = judged(series(values), series(values, shift), DETECT)
        clock, equal = found["at.clock.o"], found["v.equal.o.v"]
        assert (clock.value, clock.state) == (f"{shift * 3600} s", "failed")
        assert equal.state == "passed" and equal.numerator == equal.denominator == 200
        assert f"{abs(shift)} h {'ahead' if shift > 0 else 'behind'}" in clock.told.en


def test_an_offset_that_is_written_down_is_what_is_compared_at_and_is_guarded():
    values = [float(n % 17) for n in range(100)]
    known = replace(PAIR, clock=Clock("at", offset_s=7200))
    found = judged(series(values), series(values, 2), known)
    assert found["at.clock.o"].passed and found["v.equal.o.v"].ratio == 1
    drifted = judged(series(values), series(values, 3), known)
    assert drifted["at.clock.o"].state == "failed" and drifted["at.clock.o"].value == "10800 s"
    assert drifted["v.equal.o.v"].ratio == 0
    assert "unshifted" in drifted["v.equal.o.v"].told.en


def test_other_columns_are_matched_without_multiplying_the_rows():
    """31 hours of fifty meters against themselves an hour later."""
    given = replace(DETECT, match=(("at", "at"), ("w", "w")))
    own = [(at, v, f"m{m}") for m in range(50) for at, v, _ in series([float(m)] * 30 + [m + 1.0])]
    later = [(at + timedelta(hours=1), v, w) for at, v, w in own]
    found = judged(own, later, given)
    assert found["at.clock.o"].value == "3600 s"
    assert (found["v.equal.o.v"].numerator, found["v.equal.o.v"].denominator) == (1550, 1550)


def test_series_that_never_change_are_not_said_to_be_apart():
    found = judged(series([5.0] * 60), series([5.0] * 60), DETECT)
    assert found["at.clock.o"].passed and found["at.clock.o"].value == "0 s"


def test_series_that_never_change_speak_for_the_offset_that_is_declared():
    known = replace(PAIR, clock=Clock("at", offset_s=3600))
    found = judged(series([5.0] * 60), series([5.0] * 60, 1), known)["at.clock.o"]
    assert (found.passed, found.value) == (True, "3600 s")


def test_clocks_are_not_said_to_agree_where_no_value_is_equal():
    found = judged(series([1.0, 2.0, 3.0]), series([11.0, 12.0, 13.0]), DETECT)
    assert found["at.clock.o"].state == "not_assessable" and found["at.clock.o"].ratio is None
    assert (found["v.equal.o.v"].state, found["v.equal.o.v"].ratio) == ("failed", 0)


def test_a_small_overlap_that_happens_to_agree_does_not_win():
    """Of 30 hours only the last is equal when shifted by 23; most are equal unshifted."""
    own = series([float(n) for n in range(24)] + [99.0])
    other = series([float(n) for n in range(23)] + [99.0, 77.0], 0)
    assert judged(own, other, DETECT)["at.clock.o"].value == "0 s"


def test_tables_without_a_common_record_are_not_assessable():
    found = judged(series([1.0]), [], DETECT)
    assert {found["at.clock.o"].state, found["v.equal.o.v"].state} == {"not_assessable"}


@pytest.mark.parametrize(
    ("tolerance", "percent", "equal"),
    [("0", False, 1), ("0.5", False, 2), ("1", False, 3), ("1", True, 2), ("10", True, 3)],
)
def test_a_tolerance_is_absolute_or_in_percent_of_theirs(tolerance: str, percent: bool, equal: int):
    """Ours 10, 10.5, 100.1 against 10, 10, 101: apart by 0, 0.5 (5 %), 0.9 (0.89 %)."""
    given = replace(PAIR, tolerance=Decimal(tolerance), percent=percent)
    found = judged(series([10, 10.5, 100.1]), series([10, 10, 101]), given)
    assert found["v.equal.o.v"].numerator == equal


def test_texts_are_compared_as_texts():
    given = replace(PAIR, compare=(("w", "w"),))
    found = judged(series([1, 2]), series([1, 3]), given)
    assert (found["w.equal.o.w"].numerator, found["w.equal.o.w"].denominator) == (1, 2)


def test_sums_tie_by_period_within_their_tolerance_at_the_offset_that_was_written_down():
    """Two days of ones; the second day of the other sums to 25 instead of 24: 4 % apart."""
    own, other = series([1.0] * 48), series([1.0] * 47 + [2.0], 2)
    at_two = replace(PAIR, totals_by="day", clock=Clock("at", offset_s=7200))
    found = judged(own, other, at_two)["v.totals.o.v"]
    assert (found.numerator, found.denominator, found.state) == (1, 2, "failed")
    assert "48 against 49" in found.told.en and "2024-01-02" in found.told.en
    loose = judged(own, other, replace(at_two, totals_tolerance=Decimal(5)))["v.totals.o.v"]
    assert loose.passed
    behind = replace(at_two, clock=Clock("at", offset_s=-7200))
    assert judged(own, series([1.0] * 48, -2), behind)["v.totals.o.v"].passed
    short = judged(series([1.0] * 72), series([1.0] * 48), replace(PAIR, totals_by="day"))
    assert "48 against 48 in all; 1 more on one side alone" in short["v.totals.o.v"].told.en
    whole = replace(PAIR, totals_by="all")
    assert judged(own, series([2.0] * 48), whole)["v.totals.o.v"].denominator == 1


def test_a_control_total_is_what_the_supplier_said():
    totals = (ControlTotal("", Decimal(3), HERE), ControlTotal("v", Decimal("0.60"), HERE))
    found = judged(series([0.1, 0.2, 0.3]), series([0.1]), PAIR, totals=totals)
    assert found["rows.control_total"].passed and found["v.control_total"].passed
    short = judged(series([0.1, 0.2]), series([0.1]), PAIR, totals=totals)
    rows = short["rows.control_total"]
    assert (rows.numerator, rows.denominator, rows.indicator) == (2, 3, "0202")
    assert short["v.control_total"].state == "failed"


@given(
    st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 90), st.integers(0, 90)), max_size=9)
)
def test_the_best_offset_is_no_worse_than_any_fair_one(tried: list[tuple[int, int, int]]):
    text = " ".join(f"{h * 3600}:{max(n, e)}:{min(n, e)}" for h, n, e in tried)
    found = read(text)
    won = best(found)
    most = max((one.pairs[0] for one in found), default=0)
    fair = [one for one in found if one.pairs[0] * 2 >= most and one.pairs[0]]
    assert (won is None) == (not fair)
    if won is not None:
        assert won in fair and all(won.share >= one.share for one in fair)
        rivals = [one for one in fair if one.share == won.share]
        assert all(abs(won.offset_s) <= abs(one.offset_s) for one in rivals)


def test_offsets_hold_zero_and_what_was_declared_and_are_said_in_whole_units():
    assert offsets(None) == [0]
    assert offsets(Clock("at")) == [n * 3600 for n in range(-24, 25)]
    assert 90 in offsets(Clock("at", offset_s=90, reach_s=60, step_s=60))
    assert shown(-5400).zh == "对方时钟早 90 分钟" and shown(86400).en.endswith("1 d ahead")
    assert Aligned(0, (0,), (0,)).share == 0
