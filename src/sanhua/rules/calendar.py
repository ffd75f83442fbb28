"""Working days 工作日 in China: holidays and worked weekends 调休 by the notice of each year."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import cast

from sanhua.kernel.errors import Invalid, RuleGap
from sanhua.kernel.time import parse_day

_KINDS = {"holiday": False, "workday": True}
_UNSETTLED_FROM = (
    12,
    29,
)  # a notice may move days from here on of the year before (2007-12-29, 2018-12-29)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days are worked, for the years whose notice is known.

    `exceptions` maps a day to whether it is worked, against the plain rule of Monday to Friday. The
    last days of a year are known only with the notice of the year after.
    """

    years: frozenset[int]
    exceptions: Mapping[date, bool]
    edition: str = ""

    @classmethod
    def load(cls, path: Path | None = None) -> WorkingDays:
        """The notices since 2004, and a user's file above them.

        The file has the columns `day,kind` (holiday or workday). It settles single days of a known
        year (a region's own holiday), or a whole further year; that one must name New Year's Day
        and the National Day, or it is taken for unfinished: Invalid calendar.incomplete-year.
        """
        data = import_module("chinese_calendar.constants")
        holidays, workdays = (
            cast("dict[date, object]", part) for part in (data.holidays, data.workdays)
        )
        exceptions = dict.fromkeys(holidays, False) | dict.fromkeys(workdays, True)
        years = {day.year for day in holidays}
        if path is not None:
            own = _read(path)
            for year in sorted({day.year for day in own} - years):
                for day in (date(year, 1, 1), date(year, 10, 1)):
                    if own.get(day) is not False:
                        raise Invalid(
                            "calendar.incomplete-year",
                            path=path.name,
                            year=year,
                            day=day.isoformat(),
                        )
            exceptions |= own
            years |= {day.year for day in own}
        version = import_module("chinese_calendar").__version__
        return cls(frozenset(years), exceptions, f"chinesecalendar {version}")

    def worked(self, day: date) -> bool:
        """Whether `day` is a working day; RuleGap calendar.no-year when its notice is not known."""
        settled = self.exceptions.get(day)
        if settled is not None:
            return settled
        needed = [day.year]
        if (day.month, day.day) >= _UNSETTLED_FROM:
            needed.append(day.year + 1)
        for year in needed:
            if year not in self.years:
                raise RuleGap(
                    "calendar.no-year",
                    day=day.isoformat(),
                    year=year,
                    first=min(self.years),
                    last=max(self.years),
                )
        return day.weekday() < 5

    def after(self, start: date, days: int) -> date:
        """The `days`-th working day after `start`, which is day 0 whether it is worked or not."""
        if days < 0:
            raise ValueError(f"a clock cannot run {days} days")
        day = start
        while days:
            day += timedelta(days=1)
            days -= self.worked(day)
        return day


def _read(path: Path) -> dict[date, bool]:
    """`day,kind` rows by day; Invalid calendar.bad-row or calendar.bad-header with the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("calendar.unreadable", path=path.name, reason=str(error)) from error
    rows = csv.reader(text.splitlines())
    header = [cell.strip() for cell in next(rows, list[str]())]
    if header[:2] != ["day", "kind"]:
        raise Invalid("calendar.bad-header", path=path.name, line=1, found=",".join(header))
    days: dict[date, bool] = {}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        written, kind, *_ = [*(cell.strip() for cell in row), "", ""]
        try:
            day = parse_day(written)
        except Invalid:
            day = None
        if day is None or kind not in _KINDS or days.get(day, _KINDS[kind]) != _KINDS[kind]:
            raise Invalid(
                "calendar.bad-row", path=path.name, line=rows.line_num, written=",".join(row)
            )
        days[day] = _KINDS[kind]
    return days
