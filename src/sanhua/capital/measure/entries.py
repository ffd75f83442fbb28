"""Entries 分录: what an asset's movements ask of the entity's own book.

Each stands on a voucher or on the recognition memo, never on an appraisal (财会〔2025〕33号). An
opening balance asks for none: it stands in the ERP's own. A correction of a whole year by its audit
or a later event is of that year's adjustment period, on its last day; any other is posted on the
day it was decided. The other side is the profit and loss of the year that it is posted in, and
以前年度损益调整 only where it is posted in a later year than it concerns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sanhua.capital.measure.movements import OFF, Carrying, Kind, Layer, Movement
from sanhua.capital.recognise import named
from sanhua.capital.voucher import AccountingPolicy, Voucher, account_of, role_of
from sanhua.kernel import ids
from sanhua.kernel.ledger import Book, BookKind, Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.ports import Uow
from sanhua.kernel.time import Period


def entries(
    carrying: Carrying,
    vouchers: Mapping[str, Voucher],
    policy: AccountingPolicy,
    book: Book,
    period: Period,
) -> list[Entry]:
    """One asset's entries in the entity's book for a period: its vouchers, then measurement.

    The id is derived from book, source, day and kind, so that posting the same again is a no-op and
    another amount is a Conflict.
    """
    found: dict[str, Entry] = {}
    grouped: dict[tuple[date, Kind, str], list[Movement]] = {}
    for movement in carrying.movements:
        day, kind = movement.day, movement.kind
        if posted_on(movement, book) not in period:
            continue
        voucher = vouchers.get(movement.source)
        if voucher is not None and kind is not Kind.TRANSFERRED and voucher.dated == day:
            entry = mirror(voucher, book)
            found[entry.id] = entry
        if key := _group(movement, carrying):
            grouped.setdefault((day, kind, key), []).append(movement)
    accounts: dict[str, str] = {}
    for (day, kind, key), moved in grouped.items():
        received = carrying.proceeds.get((day, kind))
        lines: list[Line] = []
        late = _of_earlier_year(moved[0], book)
        for role, fen in _sides(key, moved, received.fen if received is not None else 0, late):
            if fen:
                account = accounts.get(role) or account_of(policy, role)
                accounts[role] = account
                lines.append(Line(account, fen))
        if lines:
            entry = Entry(
                ids.derived("pst", book.id, carrying.asset, day.isoformat(), f"{key}.{kind}"),
                book.id,
                posted_on(moved[0], book),
                tuple(lines),
                carrying.asset,
                _SUMMARY[key.partition(".")[0]],
            )
            found[entry.id] = entry
    for entry in found.values():
        if not entry.source.startswith(("voucher:", "asset:")):
            raise AssertionError(f"{entry.id} stands on {entry.source}")
        entry.check()
    return sorted(found.values(), key=lambda entry: (entry.effective_on, entry.id))


ADJUSTING = ("audit", "event")


def adjusts(movement: Movement, book: Book) -> bool:
    """Whether the movement is of a year's adjustment period 调整期: an audit's or a later event's
    correction of the whole year.
    """
    if movement.kind is not Kind.CORRECTED or movement.why not in ADJUSTING:
        return False
    return movement.day == Period.year_of(movement.day, book.fiscal_year).through


def posted_on(movement: Movement, book: Book) -> date:
    """The day on which it is posted: a correction's own, unless it is of an adjustment period."""
    if movement.decided is None or adjusts(movement, book):
        return movement.day
    return movement.decided


def _of_earlier_year(movement: Movement, book: Book) -> bool:
    day = posted_on(movement, book)
    return Period.year_of(day, book.fiscal_year).starts_on > movement.day


def post(uow: Uow, found: Iterable[Entry]) -> int:
    """Post the entries; how many were new."""
    return sum(uow.post(entry) is not None for entry in found)


def mirror(voucher: Voucher, book: Book) -> Entry:
    """The voucher as an entry of the entity's book, line by line as the ERP wrote it."""
    lines = tuple(Line(line.account, line.amount.fen, line.summary) for line in voucher.lines)
    return Entry(
        ids.derived("pst", book.id, voucher.id, voucher.dated.isoformat(), "mirror"),
        book.id,
        voucher.dated,
        lines,
        voucher.id,
        voucher.lines[0].summary,
    )


_SUMMARY = {
    "corrected": "数据资源更正",
    "transfer": "开发支出转入无形资产—数据资源",
    "amortisation": "数据资源摊销",
    "impairment": "数据资源减值",
    "development_impairment": "数据资源开发支出减值",
    "write_down": "数据资源存货跌价",
    "held_for_sale_provision": "持有待售数据资源减值",
    "held": "数据资源划分为持有待售",
    "returned": "数据资源不再划分为持有待售",
    "gone": "数据资源终止确认",
    "contributed": "数据资源作价出资",
}
CHARGES = {
    "amortisation": ("amortisation_expense", "accumulated_amortisation"),
    "impairment": ("impairment_loss", "intangible_impairment"),
    "development_impairment": ("impairment_loss", "development_impairment"),
    "write_down": ("impairment_loss", "inventory_provision"),
    "held_for_sale_provision": ("impairment_loss", "held_for_sale_provision"),
}
ACCOUNT = {
    Layer.DEVELOPMENT: "development_capitalised",
    Layer.DEVELOPMENT_IMPAIRMENT: "development_impairment",
    Layer.COST: "intangible_data",
    Layer.AMORTISATION: "accumulated_amortisation",
    Layer.IMPAIRMENT: "intangible_impairment",
    Layer.INVENTORY: "inventory_data",
    Layer.WRITE_DOWN: "inventory_provision",
    Layer.HELD: "held_for_sale",
    Layer.HELD_PROVISION: "held_for_sale_provision",
}
# The other side of a correction that is posted in the year that it concerns.
_CORRECTS = {
    Layer.DEVELOPMENT: "research_expense",
    Layer.COST: "research_expense",
    Layer.AMORTISATION: "amortisation_expense",
    Layer.IMPAIRMENT: "impairment_loss",
    Layer.INVENTORY: "cost_of_sales",
    Layer.WRITE_DOWN: "impairment_loss",
}
LATE = "prior_year_adjustment"
# Where what is left over goes when something leaves the books, and what is received for it.
_RESULT = {
    Kind.DISPOSED: "disposal_result",
    Kind.LAPSED: "lapse_loss",
    Kind.SOLD: "cost_of_sales",
    Kind.OTHER_OUT: "disposal_result",
    Kind.CONTRIBUTED: "disposal_result",
    Kind.CONTRIBUTED_IN_GROUP: "capital_reserve",
}
_RECEIVED = {
    Kind.CONTRIBUTED: "long_term_equity",
    Kind.CONTRIBUTED_IN_GROUP: "long_term_equity",
}


def _group(movement: Movement, carrying: Carrying) -> str:
    """What kind of entry the movement belongs to; empty when the voucher's own lines say it."""
    kind = movement.kind
    if kind is Kind.CHARGED or kind is Kind.REVERSED:
        return movement.layer.value
    if kind is Kind.CORRECTED:
        return f"corrected.{movement.layer}.{movement.why}.{movement.decided}"
    if kind is Kind.TRANSFERRED:
        return f"transfer.{movement.decided}" if movement.decided else "transfer"
    if kind is Kind.HELD or kind is Kind.RETURNED:
        return kind.value
    if kind in _RESULT and movement.source == carrying.asset:
        return "contributed" if kind in _RECEIVED else "gone"
    return ""


def _sides(key: str, moved: Sequence[Movement], received: int, late: bool) -> list[tuple[str, int]]:
    """The roles of an entry with what each is debited, in fen; `late` when it is posted in a later
    year than it concerns.
    """
    kind, layer = moved[0].kind, moved[0].layer
    if key in CHARGES:
        fen = sum(m.amount.fen for m in moved)
        debit, credit = CHARGES[key]
        return [(debit, fen), (credit, -fen)]
    if key.startswith("transfer"):
        developed = sum(m.amount.fen for m in moved if m.layer is Layer.DEVELOPMENT)
        rest = [m for m in moved if m.layer is not Layer.DEVELOPMENT]
        sides = [("intangible_data", -developed), ("development_capitalised", developed)]
        return sides + [(ACCOUNT[m.layer], _debit(m)) for m in rest]
    sides = [(ACCOUNT[m.layer], _debit(m)) for m in moved]
    if key.startswith("corrected"):
        other = LATE if late else _CORRECTS[layer]
    elif key == "returned":
        other = "impairment_loss"  # CAS 42: the difference is of the period
    elif key == "held":
        return sides
    else:
        sides.append((_RECEIVED.get(kind, "bank"), received))
        other = _RESULT[kind]
    return [*sides, (other, -sum(fen for _, fen in sides))]


def _debit(movement: Movement) -> int:
    """What the movement debits the account of its layer with: what is taken off is a credit."""
    return -movement.amount.fen if movement.layer in OFF else movement.amount.fen


def book_of(entity: str, currency: str = "CNY", fiscal_year: str = "01-01") -> Book:
    """The entity's own book, `book:plant_co.entity`."""
    key = named("party", entity).partition(":")[2]
    return Book(f"book:{key}.entity", f"party:{key}", BookKind.ENTITY, currency, fiscal_year)


def unlike_book(
    carryings: Iterable[Carrying],
    balances: Mapping[str, Money],
    policy: AccountingPolicy,
    book: Book,
    period: Period,
) -> list[tuple[str, int, int]]:
    """Role, what is measured and what the entity's book holds of a period (fen), where they differ.

    Of amortisation and provisions, as months post them: `balances` are without adjustment periods.
    An opening stands in the ERP's own balances and makes no entry.
    """
    measured = Counter[Layer]()
    for movement in (m for carrying in carryings for m in carrying.movements):
        if movement.kind is Kind.OPENING or adjusts(movement, book):
            continue
        if posted_on(movement, book) in period:
            measured[movement.layer] += movement.amount.fen
    booked = Counter[str]()
    for account, balance in balances.items():
        booked[role_of(policy, account)] -= balance.fen
    return [
        (role, measured[layer], booked[role])
        for layer in OFF
        if measured[layer] != booked[role := ACCOUNT[layer]]
    ]
