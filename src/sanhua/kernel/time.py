"""Moments are UTC, legal days are dates in Asia/Shanghai, periods are half-open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from sanhua.kernel.errors import Invalid

SHANGHAI = timezone(
    timedelta(hours=8), "Asia/Shanghai"
)  # no summer time since 1992, so an offset is exact


def legal_day(moment: datetime) -> date:
    """The calendar day in Asia/Shanghai at `moment`, an aware datetime."""
    return moment.astimezone(SHANGHAI).date()


def moment_text(moment: datetime) -> str:
    """UTC in microseconds, `2026-01-02T03:04:05.000000Z`: sorts as text, the same width for
    ever.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_day(written: str) -> date:
    """`2026-01-31`; Invalid time.not-a-day otherwise."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written):
            return date.fromisoformat(written)
    except ValueError:
        pass
    raise Invalid("time.not-a-day", value=written)


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the month's last day when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


_ADJUSTS = "-ADJ"


@dataclass(frozen=True, slots=True)
class Period:
    """`starts_on <= day < ends_on`, with the name people use for it."""

    id: str
    starts_on: date
    ends_on: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.starts_on <= day < self.ends_on

    @property
    def through(self) -> date:
        """The last day that belongs to the period."""
        return self.ends_on - timedelta(days=1)

    @property
    def year(self) -> str:
        """Of an adjustment period 调整期 (`2025-ADJ`, the 第13期): its fiscal year; else empty."""
        return self.id.removesuffix(_ADJUSTS) if self.id.endswith(_ADJUSTS) else ""

    @classmethod
    def adjusting(cls, year: Period) -> Period:
        """The adjustment period of a fiscal year: what is posted in it counts on the last day."""
        return cls(f"{year.id}{_ADJUSTS}", year.through, year.ends_on)

    @classmethod
    def named(cls, name: str, fiscal_year: str = "01-01") -> Period:
        """`2024`, `2024-H1`, `2024-Q2` or `2024-06`, counted from the day `fiscal_year` (MM-DD) of
        that year; `2024-ADJ` is its adjustment period.

        Invalid time.not-a-period for anything else.
        """
        if re.fullmatch(rf"\d{{4}}{_ADJUSTS}", name):
            return cls.adjusting(cls.named(name[:4], fiscal_year))
        match = re.fullmatch(r"(\d{4})(?:-(?:H([12])|Q([1-4])|(\d{2})))?", name)
        if match is None:
            raise Invalid("time.not-a-period", value=name)
        first = parse_day(f"{match[1]}-{fiscal_year}")
        if match[2]:
            offset, length = (int(match[2]) - 1) * 6, 6
        elif match[3]:
            offset, length = (int(match[3]) - 1) * 3, 3
        elif match[4]:
            if not 1 <= int(match[4]) <= 12:
                raise Invalid("time.not-a-period", value=name)
            first = date(int(match[1]), int(match[4]), first.day)
            offset, length = 0, 1
        else:
            offset, length = 0, 12
        return cls(name, add_months(first, offset), add_months(first, offset + length))

    @classmethod
    def year_of(cls, day: date, fiscal_year: str = "01-01") -> Period:
        """The fiscal year that `day` lies in."""
        year = cls.named(str(day.year), fiscal_year)
        return year if day in year else cls.named(str(day.year - 1), fiscal_year)

    @classmethod
    def reporting(cls, day: date, fiscal_year: str = "01-01") -> Period:
        """The statement that `day` falls into: the half year while it is in the first half, else
        the whole year.
        """
        year = cls.year_of(day, fiscal_year)
        half = cls.named(f"{year.id}-H1", fiscal_year)
        return half if day in half else year
