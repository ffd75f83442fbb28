"""Working days: two independent calendars agree, and what is not known is not guessed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Invalid, RuleGap
from sanhua.rules.calendar import WorkingDays
from sanhua.rules.packs import Packs

DAYS = WorkingDays.load()
# The notice for 2006 made Saturday 2005-12-31 a working day; the library lacks it.
KNOWN_DIFFERENCES = {date(2005, 12, 31)}


def test_two_libraries_agree_on_every_day_of_their_common_years():
    years = sorted(DAYS.years)
    other = holidays.country_holidays("CN", years=range(years[0], years[-1] + 2))
    day, differences = date(years[0], 1, 1), set[date]()
    while day < date(years[-1], 12, 29):
        if DAYS.worked(day) != other.is_working_day(day):
            differences.add(day)
        day += timedelta(days=1)
    assert differences == KNOWN_DIFFERENCES
    assert {2024, 2025, 2026} <= set(years)


@given(
    st.dates(date(2010, 1, 1), date(2025, 6, 30)),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_a_clock_of_two_parts_is_two_clocks_in_a_row(start: date, first: int, second: int):
    whole = DAYS.after(start, first + second)
    assert DAYS.after(DAYS.after(start, first), second) == whole
    assert whole >= start + timedelta(days=first + second) or first + second == 0
    assert first + second == 0 or DAYS.worked(whole)


def test_a_year_without_a_notice_is_a_gap_and_so_are_the_last_days_before_it():
    last = max(DAYS.years)
    for day in (date(last, 12, 30), date(last + 1, 3, 2), date(min(DAYS.years) - 1, 6, 1)):
        with pytest.raises(RuleGap) as gap:
            DAYS.worked(day)
        assert gap.value.code == "calendar.no-year"
    assert gap.value.diagnostic.facts["year"] == min(DAYS.years) - 1
    assert DAYS.after(date(last, 12, 21), 5) == date(last, 12, 28)
    with pytest.raises(RuleGap):
        DAYS.after(date(last, 12, 21), 10)
    with pytest.raises(ValueError):
        DAYS.after(date(last, 1, 4), -1)


def test_a_users_calendar_adds_a_year_and_settles_single_days(tmp_path: Path):
    path = tmp_path / "calendar.csv"
    path.write_text(
        "\ufeffday,kind\r\n2027-01-01,holiday\r\n2027-01-03,workday\r\n2027-10-01,holiday\r\n"
        "\r\n2026-04-20,holiday,三月三\r\n",
        encoding="utf-8",
    )
    packs = Packs.load(calendar=path)
    assert packs.working_days_after(date(2026, 12, 31), 1) == date(2027, 1, 3)
    assert packs.working_days_after(date(2026, 4, 17), 1) == date(2026, 4, 21)
    assert packs.fingerprint != Packs.load().fingerprint
    assert Packs.load().working_days_after(date(2026, 4, 17), 1) == date(2026, 4, 20)


@pytest.mark.parametrize(
    "text, code, line",
    [
        ("day,kind\n2027-01-01,holiday\n", "calendar.incomplete-year", 0),
        ("day,kind\n2027-05-03,holiday\n", "calendar.incomplete-year", 0),
        ("day,kind\n2026-05-03,off\n", "calendar.bad-row", 2),
        ("day,kind\n\n3/5/2026,holiday\n", "calendar.bad-row", 3),
        ("day,kind\n2026-05-03\n", "calendar.bad-row", 2),
        ("day,kind\n2026-05-03,holiday\n2026-05-03,workday\n", "calendar.bad-row", 3),
        ("date,type\n2026-05-03,holiday\n", "calendar.bad-header", 1),
        ("", "calendar.bad-header", 1),
    ],
)
def test_a_faulty_calendar_is_refused_with_its_line(
    tmp_path: Path, text: str, code: str, line: int
):
    path = tmp_path / "calendar.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid) as refused:
        WorkingDays.load(path)
    assert (refused.value.code, refused.value.diagnostic.line) == (code, line)
    assert refused.value.diagnostic.message("zh") and refused.value.diagnostic.message("en")


def test_a_calendar_in_another_encoding_or_missing_is_refused(tmp_path: Path):
    path = tmp_path / "calendar.csv"
    path.write_bytes("day,kind\n2026-05-03,holiday,假\n".encode("gb18030"))
    for wrong in (path, tmp_path / "none.csv"):
        with pytest.raises(Invalid) as refused:
            WorkingDays.load(wrong)
        assert refused.value.code == "calendar.unreadable"
