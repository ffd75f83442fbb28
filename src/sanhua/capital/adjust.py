"""Adjust 调整期: what is put right between the close of a year's last month and the seal.

An audit adjustment (审计调整) or an event after the balance-sheet date (日后调整事项) of a
whole year is posted in the year's adjustment period: it counts in the year's statements, and the
months stay as they were closed. A prior-period error (前期差错) that is found after the seal is
posted in the month it is found in, against 以前年度损益调整; it reopens nothing. An event that
adjusts nothing (非调整事项) is a note and no entry.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sanhua.capital.measure import Carrying, Kind, entries
from sanhua.capital.voucher import AccountingPolicy
from sanhua.kernel.ledger import Book, Entry
from sanhua.kernel.time import Period

ADJUSTING = ("audit", "event")


def year_of(day: date, fiscal_year: str) -> Period:
    """The fiscal year that `day` lies in."""
    year = Period.named(str(day.year), fiscal_year)
    return year if day >= year.starts_on else Period.named(str(day.year - 1), fiscal_year)


def adjusting(carrying: Carrying, policy: AccountingPolicy, book: Book) -> list[Entry]:
    """The asset's entries of adjustment periods: corrections of whole years that are no errors.
    Their ids are those that `entries` gives them.
    """
    corrected = [
        movement
        for movement in carrying.movements
        if movement.kind is Kind.CORRECTED
        and movement.why in ADJUSTING
        and movement.day == year_of(movement.day, book.fiscal_year).through
    ]
    if not corrected:
        return []
    made = entries(
        replace(carrying, movements=tuple(corrected)),
        {},
        policy,
        book,
        Period("", date.min, date.max),
    )
    years = {e.id: year_of(e.effective_on, book.fiscal_year) for e in made}
    return [replace(e, adjusts=Period.adjusting(years[e.id]).id) for e in made]
