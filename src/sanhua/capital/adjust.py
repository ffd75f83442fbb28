"""Adjust 调整期: what is put right between the close of a year's last month and the seal.

An audit adjustment (审计调整) or an event after the balance-sheet date (日后调整事项) of a
whole year is posted in the year's adjustment period, against the year's own accounts of profit
and loss: it counts in the year's statements, and the months stay as they were closed. A
prior-period error (前期差错) that is found later is posted in the month it is found in, against
以前年度损益调整; it reopens nothing. An event that adjusts nothing (非调整事项) is a note and no
entry.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sanhua.capital.measure import Carrying, adjusts, entries
from sanhua.capital.voucher import AccountingPolicy
from sanhua.kernel.ledger import Book, Entry
from sanhua.kernel.time import Period


def adjusting(carrying: Carrying, policy: AccountingPolicy, book: Book) -> list[Entry]:
    """The asset's entries of adjustment periods: corrections of whole years that are no errors.
    Their ids are those that `entries` gives them.
    """
    corrected = [movement for movement in carrying.movements if adjusts(movement, book)]
    if not corrected:
        return []
    made = entries(
        replace(carrying, movements=tuple(corrected)),
        {},
        policy,
        book,
        Period("", date.min, date.max),
    )
    years = {e.id: Period.year_of(e.effective_on, book.fiscal_year) for e in made}
    return [replace(e, adjusts=Period.adjusting(years[e.id]).id) for e in made]
