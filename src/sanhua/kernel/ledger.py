"""Double entry: books, entries and lines. Integer minor units; an entry is a sealed record like any
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from sanhua.kernel.errors import Invalid
from sanhua.kernel.record import PostedFrom, Ref, record, unsaid


class BookKind(StrEnum):
    SETTLEMENT = "settlement"  # what parties owe each other for data
    ENTITY = "entity"  # what one entity reports


@record("book")
@dataclass(frozen=True, slots=True)
class Book:
    """`book:plant_co.entity`: one owner, one currency, one fiscal year; periods close per book."""

    id: str
    owner: Annotated[str, Ref("held_by")]
    kind: BookKind
    currency: str = "CNY"
    fiscal_year: str = "01-01"
    time_zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Line:
    """`amount` in minor units: debit positive, credit negative. `account` is the ERP's code or our
    role.
    """

    account: str
    amount: int
    memo: str = ""


@record("entry")
@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry in one book, effective on a legal day; `id` is the idempotency key
    (`pst_…`).
    """

    id: str
    book: Annotated[str, Ref("posted_in")]
    effective_on: date
    lines: tuple[Line, ...]
    source: PostedFrom  # the voucher, invoice or memo that it stands on
    summary: str = ""
    party: str = ""  # 往来单位: whom it is owed by or to, where there is one
    adjusts: str = unsaid("")  # 调整期 `2025-ADJ`: of the year, and of none of its months

    def check(self) -> None:
        """Raises Invalid ledger.one-line or ledger.unbalanced."""
        if len(self.lines) < 2:
            raise Invalid("ledger.one-line", entry=self.id)
        difference = sum(line.amount for line in self.lines)
        if difference:
            raise Invalid("ledger.unbalanced", entry=self.id, difference=difference)


@record("period_close")
@dataclass(frozen=True, slots=True)
class PeriodClose:
    """`close:<book key>/<period>`: no entry may be effective in the period any more.

    An adjustment period is open from the close of the year's last month until it is closed itself.
    """

    id: str
    book: Annotated[str, Ref("closes")]
    starts_on: date
    ends_on: date
