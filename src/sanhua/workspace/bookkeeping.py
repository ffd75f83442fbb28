"""Books out: the entity's own book and its settlement books, each in files of its own."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sanhua.capital.voucher import Voucher, role_of
from sanhua.kernel import ids
from sanhua.kernel.ledger import Book, BookKind, Entry
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period, add_months
from sanhua.project.model import Entity
from sanhua.report import books as out
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import Report


def books(ws: Workspace, entity: Entity, period: Period) -> Report:
    """Every book that the entity owns over the period: Beancount text; of its own book the trial
    balance and the journal too (CSV, JSON). `ok` is whether all ties hold.
    """
    owner = ids.node("party", entity.id)
    policy = ws.project.policy.get(entity.id)
    shown: list[dict[str, Any]] = []
    files: list[str] = []
    told: list[tuple[str, str]] = []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        for book in sorted((b for b in uow.all(Book) if b.owner == owner), key=lambda b: b.id):
            own = book.kind is BookKind.ENTITY
            opening, ending, entries = _over(uow, book, period)
            sources = {entry.source for entry in entries if entry.source.startswith("voucher:")}
            kept = [uow.get(Voucher, source) for source in sorted(sources)]
            reversed_ = {v.reverses for v in kept if v.reverses} - sources
            kept += [v for v in (uow.find(Voucher, node) for node in sorted(reversed_)) if v]
            bound = out.Bound(
                book,
                period,
                {code: amount.fen for code, amount in opening.items()},
                entries,
                {voucher.id: voucher for voucher in kept},
                lambda code, own=own: role_of(policy, code) if own and policy else "",
            )
            made = _write(ws, entity, bound)
            ties = bound.ties(ending)
            names = [path.relative_to(ws.root).as_posix() for path in made]
            files += names
            total = out.trial_balance(bound)[-1]
            shown.append(
                {
                    "book": book.id,
                    "kind": book.kind.value,
                    "currency": book.currency,
                    "entries": len(entries),
                    "accounts": out.trial_balance(bound)[:-1],
                    "total": total,
                    "ties": ties,
                    "files": names,
                }
            )
            debit, credit = total["debit"], total["credit"]
            told.append(
                (
                    f"{book.id}  {period.id}  分录 {len(entries)}，借 {debit} 贷 {credit}："
                    f"{'、'.join(names)}",
                    f"{book.id}  {period.id}  {len(entries)} entries, debit {debit} credit "
                    f"{credit}: {', '.join(names)}",
                )
            )
    broken = [tie for one in shown for tie in one["ties"] if not tie["ok"]]
    if not shown:
        told.append(("还没有账簿", "no book has been opened"))
    else:
        told.append(
            (f"勾稽不符 {len(broken)} 项", f"{len(broken)} ties broken"),
        )
    said = {
        "id": period.id,
        "from": period.starts_on.isoformat(),
        "through": period.through.isoformat(),
    }
    return Report({"period": said, "books": shown, "files": files}, told, ok=not broken)


def _over(
    uow: Any, book: Book, period: Period
) -> tuple[dict[str, Money], dict[str, Money], list[Entry]]:
    """The balances before and after a period, and its entries. What an adjustment period posted is
    of itself, of the year, and of what opens the next; the last month stays as it was closed.
    """
    entries = uow.entries(book.id, period)
    if period.year:
        made = [entry for entry in entries if entry.adjusts == period.id]
        last = period.through
        return uow.balances(book.id, last), uow.balances(book.id, last, adjusted=True), made
    opening = uow.balances(book.id, period.starts_on - timedelta(days=1), adjusted=True)
    is_month = period.ends_on <= add_months(period.starts_on, 1)
    if is_month:
        entries = [entry for entry in entries if not entry.adjusts]
    return opening, uow.balances(book.id, period.through, adjusted=not is_month), entries


def _write(ws: Workspace, entity: Entity, bound: out.Bound) -> list[Any]:
    first = entity.id == ws.project.settings.entities[0].id
    folder = (ws.out if first else ws.out / entity.id) / "books"
    name = f"{ids.key_of(bound.book.id)}-{bound.period.id}"
    made = [out.write_text(folder / f"{name}.beancount", out.beancount(bound))]
    if bound.book.kind is BookKind.ENTITY:
        for label, zh, keys, rows in (
            ("trial-balance", out.TRIAL_ZH, out.TRIAL, out.trial_balance(bound)),
            ("journal", out.JOURNAL_ZH, out.JOURNAL, out.journal(bound)),
        ):
            text = out.as_csv(zh, ([row[key] for key in keys] for row in rows))
            made.append(out.write_text(folder / f"{name}-{label}.csv", text, "utf-8-sig"))
            path = folder / f"{name}-{label}.json"
            made.append(out.write_text(path, json.dumps(rows, ensure_ascii=False, indent=1)))
    return made
