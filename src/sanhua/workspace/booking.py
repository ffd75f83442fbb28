"""Book 记账: the ERP's vouchers in the entity's book, as they are.

A voucher that comes for a month already closed is set aside, with one that takes it back: it is not
posted, not recognised and not shown, and it is told each time until it is booked in an open month
or withdrawn. One that books what a close had posted confirms that entry instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sanhua.asset.bill import Closing
from sanhua.capital.earn import confirmed
from sanhua.capital.measure import book_of, mirror, post
from sanhua.capital.recognise import AssetCard
from sanhua.capital.tieout import amortises, booked_twice, leaves_it_to
from sanhua.capital.voucher import AccountingPolicy, Voucher, book_vouchers
from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Diagnostic, Invalid, SanhuaError, Severity
from sanhua.kernel.ledger import Book, Entry, PeriodClose
from sanhua.kernel.time import Period, parse_day
from sanhua.project.model import Entity
from sanhua.workspace.opening import Workspace

SET_ASIDE = frozenset({"voucher.period-closed", "voucher.reverses-aside"})


def own_vouchers(ws: Workspace, entity: Entity) -> list[Voucher]:
    """The entity's vouchers as the folder has them."""
    owner = ids.node("party", entity.id)
    return [v for v in ws.project.vouchers.values() if v.entity == owner]


def booked(ws: Workspace, entity: Entity, uow: Any = None) -> list[Voucher]:
    """The entity's vouchers that count: all but those set aside."""
    vouchers, _ = counted(ws, entity, uow)
    return vouchers


def counted(
    ws: Workspace, entity: Entity, uow: Any = None
) -> tuple[list[Voucher], list[Diagnostic]]:
    """The entity's vouchers that count, and what is said of each that is set aside."""
    vouchers = own_vouchers(ws, entity)
    policy = ws.project.policy.get(entity.id)
    if policy is None or not (uow or ws.has_store):
        return vouchers, []
    book = book_of(entity.id, entity.currency, entity.fiscal_year)
    if uow is not None:
        aside = set_aside(uow, vouchers, policy, book)
    else:
        with ws.store.begin(actor=ws.actor, read_only=True) as reading:
            aside = set_aside(reading, vouchers, policy, book)
    return [v for v in vouchers if v.id not in aside], list(aside.values())


def apart(uow: Any, vouchers: Sequence[Voucher]) -> tuple[list[Voucher], set[str]]:
    """The vouchers that confirm no entry of a close, and the entries that others confirm: who books
    what a close posted has booked nothing else.
    """
    confirms = {kept.id: kept.confirms for kept in uow.all(Voucher) if kept.confirms}
    taken_back = {voucher.reverses for voucher in vouchers}
    done = {
        entry
        for voucher in vouchers
        if voucher.id not in taken_back and not voucher.reverses
        for entry in confirms.get(voucher.id, ())
    }
    return [voucher for voucher in vouchers if voucher.id not in confirms], done


def adjustments(uow: Any, book: Book) -> list[Entry]:
    """What adjustment periods 调整期 posted to the book."""
    closed = [one for one in uow.all(PeriodClose) if one.book == book.id]
    ended = {Period.year_of(one.starts_on, book.fiscal_year).ends_on for one in closed}
    found: list[Entry] = []
    for ends in sorted(ended.intersection(one.ends_on for one in closed)):
        found += uow.entries(book.id, Period("", ends - timedelta(days=1), ends))
    return [entry for entry in found if entry.adjusts]


def taken_over(cards: Iterable[AssetCard]) -> date:
    """The last day at whose end balances were taken over; the first of all when none were."""
    said = (card.measurement.opening for card in cards)
    return max((parse_day(one["date"]) for one in said if one), default=date.min)


def since_taken_over(period: Period, cards: Iterable[AssetCard]) -> Period:
    """The part of a period that no balances taken over hold already."""
    first = taken_over(cards) + timedelta(days=1)
    return replace(period, starts_on=min(max(period.starts_on, first), period.ends_on))


def set_aside(
    uow: Any, vouchers: Sequence[Voucher], policy: AccountingPolicy, book: Book
) -> dict[str, Diagnostic]:
    """Voucher → why it is set aside."""
    closes = [one for one in uow.all(PeriodClose) if one.book == book.id]
    late: dict[str, PeriodClose] = {}
    for voucher in vouchers:
        for close in closes:
            if close.starts_on <= voucher.dated < close.ends_on:
                late[voucher.id] = close
    if not late:
        return {}
    posted = set(uow.ids(Entry))
    new = [v for v in vouchers if mirror(v, book).id not in posted]
    answers = _answers(uow, new, policy, book) if any(v.id in late for v in new) else {}
    found: dict[str, Diagnostic] = {}
    for voucher in sorted(new, key=lambda v: (v.dated, v.number)):
        if voucher.id in late and voucher.id not in answers:
            found[voucher.id] = _told("voucher.period-closed", voucher, late[voucher.id])
    for voucher in sorted(new, key=lambda v: (v.dated, v.number)):
        if voucher.reverses in found and voucher.id not in found:
            found[voucher.id] = _told("voucher.reverses-aside", voucher, late[voucher.reverses])
    return found


def book_in(uow: Any, vouchers: Sequence[Voucher], policy: AccountingPolicy, book: Book) -> None:
    """Keep the vouchers and mirror them into the entity's book; one that books what a close had
    posted confirms that entry.

    Conflict voucher.gone for one that was posted and is not there any more as it was: its entry
    stays, and another day or number would be posted beside it.
    """
    uow.add(book, "book.opened")
    there = {mirror(voucher, book).id for voucher in vouchers}
    for kept in uow.all(Voucher):
        entry = mirror(kept, book).id
        if kept.entity == book.owner and entry not in there and uow.find(Entry, entry) is not None:
            error = Conflict("voucher.gone", number=kept.number, dated=kept.dated.isoformat())
            at = {"path": kept.path, "line": kept.lines[0].line, "node": kept.id}
            error.diagnostic = replace(error.diagnostic, **at)
            raise error
    new = [v for v in vouchers if uow.find(Entry, mirror(v, book).id) is None]
    answers = _answers(uow, new, policy, book)
    for told in booked_twice(vouchers, answers, policy)[:1]:
        error = Invalid(told.code)
        error.diagnostic = told
        raise error
    book_vouchers(uow, [replace(v, confirms=answers.get(v.id, ())) for v in vouchers])
    for voucher in vouchers:
        if voucher.id in answers:
            continue
        try:
            post(uow, [mirror(voucher, book)])
        except SanhuaError as error:
            at = {"path": voucher.path, "line": voucher.lines[0].line, "node": voucher.id}
            error.diagnostic = replace(error.diagnostic, **at)
            raise


def _answers(
    uow: Any, new: Sequence[Voucher], policy: AccountingPolicy, book: Book
) -> Mapping[str, tuple[str, ...]]:
    """What of the closes' entries, adjustments among them, each new voucher books. Where the policy
    leaves amortisation to the ERP, its voucher is of its own month and late for no other, unless it
    charges what an adjustment does. What one was taken for when its month was closed it goes on to
    be, however the policy changes, for the close rests on it; one that takes another back goes
    where that one went.
    """
    proposed = [uow.get(Entry, e) for one in uow.all(Closing) for e in one.proposed]
    waiting = [entry for entry in proposed if entry.book == book.id]
    adjusted = adjustments(uow, book) if new else []
    waiting += adjusted
    months = {(entry.effective_on.year, entry.effective_on.month) for entry in waiting}
    closes = [one for one in uow.all(PeriodClose) if one.book == book.id]
    by_id = {voucher.id: voucher for voucher in new}
    was: dict[str, tuple[str, ...]] = {}
    for kept in uow.all(Voucher):
        now = by_id.get(kept.id)
        if kept.confirms and now is not None and _says(now) == _says(kept):
            if any(one.starts_on <= now.dated < one.ends_on for one in closes):
                was[kept.id] = kept.confirms

    def own(voucher: Voucher) -> bool:
        if voucher.reverses in by_id:
            return own(by_id[voucher.reverses])
        lines = [(line.account, line.amount.fen) for line in voucher.lines]
        month = (voucher.dated.year, voucher.dated.month)
        charged = amortises(lines, policy)
        theirs = leaves_it_to(policy, voucher.dated) == "erp" and charged not in {0, *corrected}
        return theirs and month not in months and voucher.id not in was

    pairs = {v.reverses: v.id for v in new if v.reverses}
    pairs |= {red: original for original, red in pairs.items()}
    stays = {name: taken for name, taken in was.items() if name not in pairs or pairs[name] in was}
    standing = {e for name, taken in stays.items() if name not in pairs for e in taken}
    corrected = {
        amortises([(line.account, line.amount) for line in entry.lines], policy)
        for entry in adjusted
        if entry.id not in standing
    }
    rest = [v for v in new if v.id not in stays and not own(v)]
    left = [entry for entry in waiting if entry.id not in standing]
    return {**stays, **confirmed(rest, left, policy)}


def _says(voucher: Voucher) -> tuple[object, ...]:
    lines = tuple((line.account, line.amount, line.party) for line in voucher.lines)
    return voucher.number, voucher.dated, voucher.reverses, lines


def _told(code: str, voucher: Voucher, close: PeriodClose) -> Diagnostic:
    period = close.id.rpartition("/")[2]
    facts = {
        "number": voucher.number,
        "dated": voucher.dated.isoformat(),
        "period": period,
        "next": close.ends_on.isoformat(),
        "original": ids.key_of(voucher.reverses) if voucher.reverses else "",
    }
    at = voucher.path, voucher.lines[0].line, 1, voucher.id, None
    return Diagnostic(Severity.ERROR, code, *at, facts)
