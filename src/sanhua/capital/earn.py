"""Earn 收入: what data earned, in the entity's own accounts.

An invoice is a receivable against revenue and output tax; what others get of it is cost of sales
against payables. The provider is taken as the principal (gross); whether it is, is a judgement
under CAS 14 that is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    made = [_entry(book, invoice, invoice.id, sold, f"数据产品收入 {product} {invoice.period}")]
    for party, amount in others(settlement, invoice.provider).items():
        name = ids.key_of(party)
        paid = [(code["cost_of_sales"], amount.fen, product), (code["payables"], -amount.fen, name)]
        summary = f"数据收益分配 {name} {invoice.period}"
        made.append(_entry(book, invoice, settlement.id, paid, summary))
    return [entry for entry in made if entry.lines]


def _entry(
    book: Book, invoice: Invoice, source: str, said: list[tuple[str, int, str]], summary: str
) -> Entry:
    lines = tuple(Line(account, fen, memo) for account, fen, memo in said if fen)
    name = ids.derived("pst", book.id, source, summary)
    return Entry(name, book.id, invoice.dated, lines, source, summary)


def lacking(policy: AccountingPolicy, entries: Iterable[Entry]) -> list[str]:
    """The roles that `entries` need and the chart does not map to an account."""
    asked = {line.account for entry in entries for line in entry.lines}
    return sorted(account for account in asked if not role_of(policy, account))


def confirmed(vouchers: Iterable[Voucher], entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """(voucher, entry) pairs: a voucher that says on the same day what we posted is the ERP's
    number for it, not another posting.
    """
    waiting: dict[tuple[object, ...], list[str]] = {}
    for entry in entries:
        said = sorted((line.account, line.amount) for line in entry.lines)
        waiting.setdefault((entry.effective_on, *said), []).append(entry.id)
    for voucher in vouchers:
        said = sorted((line.account, line.amount.fen) for line in voucher.lines)
        found = waiting.get((voucher.dated, *said))
        if found:
            yield voucher.id, found.pop(0)
