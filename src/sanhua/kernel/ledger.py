"""Double entry: books, entries and lines. Integer minor units; an entry is a sealed record like any
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sanhua.kernel.errors import Denied, Invalid, RuleGap
from sanhua.kernel.record import ADDED, PostedFrom, Ref, record

if TYPE_CHECKING:
    from sanhua.kernel.ports import Rules


class BookKind(StrEnum):
    SETTLEMENT = "settlement"  # what parties owe each other for data
    ENTITY = "entity"  # what one entity reports


# What an entry may stand on, by the kind of its node: the ERP's voucher, the memo of an asset, a
# bill and its shares, what a deal earned, a grant, a signed paper. An appraisal is none of them.
SOURCES = {
    BookKind.SETTLEMENT: frozenset({"inv", "set"}),
    BookKind.ENTITY: frozenset(
        "voucher asset inv set earning subsidy agreement allocation test".split()
    ),
}
# The settlement book's accounts are `receivable:lake_bank`; the entity's are codes of its chart.
SETTLED = ("receivable", "payable", "income", "share", "tax")


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
    adjusts: Annotated[str, ADDED] = ""  # 调整期 `2025-ADJ`: of the year, and of none of its months

    def check(self) -> None:
        """Raises Invalid ledger.one-line or ledger.unbalanced."""
        if len(self.lines) < 2:
            raise Invalid("ledger.one-line", entry=self.id)
        difference = sum(line.amount for line in self.lines)
        if difference:
            raise Invalid("ledger.unbalanced", entry=self.id, difference=difference)


def must_belong(entry: Entry, kind: BookKind, rules: Rules) -> None:
    """The walls between the books, and between posting and appraising.

    Denied ledger.source-is-appraisal; Invalid ledger.source-unknown for another source that a book
    of the kind does not know, ledger.account-of-other-book.
    """
    before, colon, _ = entry.source.partition(":")
    source = before if colon else before.partition("_")[0]
    if source == "appraisal":
        try:
            on = entry.effective_on
            rule = rules.ask("mof_2025_33", "posting_may_rest_on_appraisal", on=on)
        except RuleGap:  # before it, the cost principle said the same
            rule = rules.ask("cas_6", "initial_measurement_is_cost", on=entry.effective_on)
        raise Denied(
            "ledger.source-is-appraisal", rule=rule.citation, entry=entry.id, source=entry.source
        )
    if source not in SOURCES[kind]:
        known = ", ".join(sorted(SOURCES[kind]))
        raise Invalid("ledger.source-unknown", entry=entry.id, source=entry.source, known=known)
    for line in entry.lines:
        settled = line.account.partition(":")[0] in SETTLED and ":" in line.account
        if settled is not (kind is BookKind.SETTLEMENT):
            raise Invalid(
                "ledger.account-of-other-book",
                entry=entry.id,
                account=line.account,
                book=entry.book,
            )


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
