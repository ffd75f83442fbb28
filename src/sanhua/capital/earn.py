"""Earn 收入: what data earned, in the entity's own accounts.

An invoice is a receivable against revenue and output tax; what others get of it is cost of sales
against payables. The provider is taken as the principal (gross); whether it is, is a judgement
under CAS 14 that is not asked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sanhua.asset.bill import Invoice
from sanhua.asset.revenue import Settlement, others
from sanhua.capital.voucher import AccountingPolicy, Voucher, account_of, role_of
from sanhua.kernel import ids
from sanhua.kernel.ledger import Book, Entry, Line

_USED = ("receivables", "revenue", "output_tax", "cost_of_sales", "payables")


def earned(
    invoice: Invoice, settlement: Settlement, policy: AccountingPolicy, book: Book
) -> list[Entry]:
    """The entity's entries for an invoice; red (negative on the same sides) for a credit note."""
    code = {role: account_of(policy, role) for role in _USED}
    consumer, product = ids.key_of(invoice.consumer), ids.key_of(invoice.product)
    sold = [
        (code["receivables"], invoice.total.fen, consumer),
        (code["revenue"], -invoice.net.fen, product),
        (code["output_tax"], -invoice.tax.fen, ""),
    ]
    summary = f"数据产品收入 {product} {invoice.period}"
    made = [_entry(book, invoice, invoice.id, sold, summary, consumer)]
    for party, amount in others(settlement, invoice.provider).items():
        name = ids.key_of(party)
        paid = [(code["cost_of_sales"], amount.fen, product), (code["payables"], -amount.fen, name)]
        summary = f"数据收益分配 {name} {invoice.period}"
        made.append(_entry(book, invoice, settlement.id, paid, summary, name))
    return [entry for entry in made if entry.lines]


def _entry(
    book: Book,
    invoice: Invoice,
    source: str,
    said: list[tuple[str, int, str]],
    summary: str,
    party: str,
) -> Entry:
    lines = tuple(Line(account, fen, memo) for account, fen, memo in said if fen)
    name = ids.derived("pst", book.id, source, summary)
    return Entry(name, book.id, invoice.dated, lines, source, summary, party)


def lacking(policy: AccountingPolicy, entries: Iterable[Entry]) -> list[str]:
    """The roles that `entries` need and the chart does not map to an account."""
    asked = {line.account for entry in entries for line in entry.lines}
    return sorted(account for account in asked if not role_of(policy, account))


def confirmed(
    vouchers: Iterable[Voucher], entries: Iterable[Entry], policy: AccountingPolicy
) -> dict[str, tuple[str, ...]]:
    """Voucher → the entries of closes that it is the ERP's booking of, so that it is not posted
    again: it says what one of them or several together say, account for account as the chart
    covers them, on their day or later, and its party is theirs where both name one.
    """
    waiting = sorted(entries, key=lambda entry: (entry.effective_on, entry.id))
    found: dict[str, tuple[str, ...]] = {}
    for voucher in sorted(vouchers, key=lambda voucher: (voucher.dated, voucher.id)):
        parties = {line.party for line in voucher.lines if line.party}
        left = Counter[str]()
        for line in voucher.lines:
            left[role_of(policy, line.account) or line.account] += line.amount.fen
        taken: list[Entry] = []
        for entry in waiting:
            says = Counter[str]()
            for line in entry.lines:
                says[role_of(policy, line.account) or line.account] += line.amount
            early = voucher.dated < entry.effective_on.replace(day=1)
            other = parties and entry.party and entry.party not in parties
            if not (early or other) and all(_within(fen, left[role]) for role, fen in says.items()):
                left.subtract(says)
                taken.append(entry)
        if taken and not any(left.values()):
            found[voucher.id] = tuple(entry.id for entry in taken)
            waiting = [entry for entry in waiting if entry not in taken]
    return found


def _within(fen: int, most: int) -> bool:
    """Whether an amount is part of another on the same side."""
    return fen == 0 or (0 < fen <= most if fen > 0 else most <= fen < 0)
