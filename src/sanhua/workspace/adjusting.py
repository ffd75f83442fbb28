"""Adjust 调整期: `sanhua close 2025-ADJ` posts what audit and later events put right in a year.

It can be done again until the year's statements are sealed: what was posted stays, and where a
correction asks for another amount now, the difference is posted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from sanhua.capital.adjust import adjusting
from sanhua.capital.disclose import recognition_of
from sanhua.capital.earn import lacking
from sanhua.capital.measure import book_of, carry
from sanhua.capital.recognise import AssetEntry
from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Diagnostic, Invalid, Severity
from sanhua.kernel.ledger import Book, Entry, Line, PeriodClose
from sanhua.kernel.time import Period, add_months, legal_day
from sanhua.project.model import Entity
from sanhua.workspace.closing import Closed
from sanhua.workspace.measuring import metered
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run


def adjust(ws: Workspace, name: str) -> Closed:
    """Post the adjustments of the year that `name` (`2025-ADJ`) is of, as they are decided now.

    Invalid adjust.not-a-year; Conflict adjust.year-open while the year's last month is not closed.
    Entities whose year is sealed are told of and left alone.
    """
    try:
        year = Period.named(name).year
    except Invalid:
        year = ""
    if not year:
        raise Invalid("adjust.not-a-year", period=name)
    made = run(ws)
    if made.error is not None:
        raise made.error
    found: list[Diagnostic] = []
    posted: list[Entry] = []
    with ws.exclusive():
        ws.store.must_go_on()
        with ws.store.begin(actor=ws.actor) as uow:
            for entity in ws.project.settings.entities:
                posted += _entity(ws, uow, entity, name, found)
    ws.store.checkpoint()
    period = Period.named(name)
    data: dict[str, Any] = {
        "period": {
            "id": name,
            "from": period.starts_on.isoformat(),
            "through": period.through.isoformat(),
        },
        "entries": [
            {
                "id": entry.id,
                "book": entry.book,
                "source": entry.source,
                "effective_on": entry.effective_on.isoformat(),
                "lines": [
                    {"account": line.account, "amount": str(line.amount)} for line in entry.lines
                ],
            }
            for entry in posted
        ],
    }
    return Closed(data, [*made.diagnostics, *found])


def _entity(
    ws: Workspace, uow: Any, entity: Entity, name: str, found: list[Diagnostic]
) -> list[Entry]:
    policy = ws.project.policy.get(entity.id)
    asked = _asked(ws, uow, entity, name)
    if policy is None or not asked:
        return []
    book = book_of(entity.id, entity.currency, entity.fiscal_year)
    uow.rules.ask("cas_29", "adjusting_events_adjust", on=asked[0].effective_on)
    year = Period.year_of(asked[0].effective_on, entity.fiscal_year)
    month = Period.named(f"{add_months(year.ends_on, -1):%Y-%m}")
    key = ids.key_of(book.id)
    if uow.find(Book, book.id) is None or not uow.find(PeriodClose, f"close:{key}/{month.id}"):
        raise Conflict("adjust.year-open", period=name, year=year.id, month=month.id)
    sealed = uow.find(PeriodClose, f"close:{key}/{name}") is not None
    if bare := lacking(policy, asked):
        facts = {"entity": entity.id, "roles": ", ".join(sorted(bare))}
        node = ids.node("entity", entity.id)
        found.append(Diagnostic(Severity.WARNING, "close.chart-lacks", node=node, facts=facts))
        return []
    left = [e for e in (_still(uow, entry) for entry in asked) if e]
    if sealed and left:
        facts = {"entity": entity.id, "year": year.id, "period": name}
        node = left[0].source
        found.append(Diagnostic(Severity.WARNING, "adjust.sealed", node=node, facts=facts))
        return []
    for entry in left:
        uow.post(entry)
    return left


def open_adjustments(ws: Workspace, uow: Any, entity: Entity, name: str) -> list[Entry]:
    """What is decided for the adjustment period `name` of an entity and not posted."""
    left = (_still(uow, entry) for entry in _asked(ws, uow, entity, name))
    return [entry for entry in left if entry]


def _asked(ws: Workspace, uow: Any, entity: Entity, name: str) -> list[Entry]:
    policy = ws.project.policy.get(entity.id)
    if policy is None:
        return []
    book = book_of(entity.id, entity.currency, entity.fiscal_year)
    found: list[Entry] = []
    today = legal_day(ws.clock.now())
    own = [c for c in ws.project.assets.values() if c.entity == entity.id and c.measured]
    for card in metered(uow, own):
        memo = uow.get(AssetEntry, ids.node("asset", card.id))
        carried = carry(card, recognition_of(memo, entity.currency), policy, uow.rules, today)
        found += [e for e in adjusting(carried, policy, book) if e.adjusts == name]
    return found


def _still(uow: Any, asked: Entry) -> Entry | None:
    """What an adjustment asks for beyond what was posted of it."""
    owing = Counter[str]()
    for line in asked.lines:
        owing[line.account] += line.amount
    name, times = asked.id, 0
    while (posted := uow.find(Entry, name)) is not None:
        for line in posted.lines:
            owing[line.account] -= line.amount
        times += 1
        name = ids.derived("pst", asked.id, asked.adjusts, str(times))
    lines = tuple(Line(account, fen) for account, fen in sorted(owing.items()) if fen)
    if not times:
        return asked
    return replace(asked, id=name, lines=lines) if lines else None
