"""Check: the static compile of the whole path, with the verdicts on the books."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from sanhua.kernel.errors import Diagnostic, SanhuaError
from sanhua.kernel.origin import Origin
from sanhua.kernel.time import legal_day
from sanhua.project.model import Project
from sanhua.workspace.opening import Workspace

if TYPE_CHECKING:
    from sanhua.capital.recognise import AssetCard
    from sanhua.capital.voucher import Voucher


# Not told while a voucher has a fault of its own: it may be the one that is missing.
NEED_ALL_VOUCHERS = ("recognise.no-such-voucher", "progress.differs")


def check(ws: Workspace) -> tuple[dict[str, int], list[Diagnostic]]:
    """What was compiled, counted by kind, and every finding in the order of the files."""
    from sanhua.project.checking import check as compile_project

    project = ws.project
    today = legal_day(ws.clock.now())
    found = [
        *compile_project(project, ws.rules, today),
        *_patterns(project),
        *_verdicts(ws, today),
    ]
    compiled = {
        "parties": len(project.parties),
        "sources": len(project.sources),
        "tables": len(
            {*project.sources, *project.sql}
            | {t for s in project.sources.values() for t in s.tables}
        ),
        "contracts": len(project.contracts),
        "products": len(project.products),
        "deals": len(project.deals),
        "vouchers": len(project.vouchers),
        "assets": len(project.assets),
    }
    order = {"error": 0, "warning": 0, "note": 1}  # notes last
    return compiled, sorted(
        found, key=lambda d: (order[d.severity], d.path, d.line, d.column, d.code)
    )


def _patterns(project: Project) -> Iterator[Diagnostic]:
    """Regular expressions and date patterns that the engine does not take."""
    from sanhua.resource.collect import raw_columns
    from sanhua.resource.quality import patterns

    raw = {table for source in project.sources.values() for table in source.tables or (source.id,)}
    wanted: dict[tuple[str, str], Origin] = {}
    for contract in project.contracts.values():
        for table in contract.tables:
            for pattern, origin in patterns(table):
                wanted.setdefault(("regex", pattern), origin)
            columns = raw_columns(table, project.elements) if table.name in raw else ()
            for column, prop in zip(columns, table.properties, strict=False):
                if column.format:
                    wanted.setdefault(("date", column.format), prop.origin)
    if not wanted:
        return
    from sanhua.engine.duck import compile_regex
    from sanhua.sql.dates import strptime_of

    for (kind, pattern), origin in wanted.items():
        try:
            compile_regex(pattern) if kind == "regex" else strptime_of(pattern)
        except SanhuaError as error:
            yield replace(error.diagnostic, path=origin.path, line=origin.line)


def _verdicts(ws: Workspace, today: date) -> list[Diagnostic]:
    """What recognition says of each asset's spending, without keeping anything."""
    from sanhua.capital.measure import carry
    from sanhua.capital.recognise import judge, overlaps
    from sanhua.workspace.booking import counted, own_vouchers

    project = ws.project
    entities = {entity.id: entity for entity in project.settings.entities}
    found = list(overlaps(project.assets.values()))
    counting: dict[str, tuple[list[Voucher], list[Diagnostic]]] = {}
    for entity in project.settings.entities:
        try:
            counting[entity.id] = counted(ws, entity)
        except SanhuaError as error:  # the store's own fault: told by whoever needs it
            logging.getLogger(__name__).info("no closes read: %s", error.code)
            counting[entity.id] = own_vouchers(ws, entity), []
    found += [told for _, aside in counting.values() for told in aside]
    for card in _cards(ws):
        entity, policy = entities.get(card.entity), project.policy.get(card.entity)
        if entity is None or policy is None:
            continue
        vouchers, _ = counting[entity.id]
        try:
            judged = judge(
                card,
                vouchers,
                policy,
                ws.rules,
                today,
                regime=entity.regime,
                currency=entity.currency,
            )
            lost = any(thing.startswith("voucher:") for thing in project.unread)
            found += [d for d in judged.diagnostics if not (lost and d.code in NEED_ALL_VOUCHERS)]
            if card.measured:
                found += carry(card, judged, policy, ws.rules, _last(card, today)).diagnostics
        except SanhuaError as error:
            found.append(error.diagnostic)
    return found


def _cards(ws: Workspace) -> list[AssetCard]:
    """With the units that were counted so far, where some asset asks for them."""
    cards = list(ws.project.assets.values())
    from sanhua.workspace.measuring import asks_units, metered

    if not asks_units(cards):
        return cards
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return metered(uow, cards)


def _last(card: AssetCard, today: date) -> date:
    """The day to measure to, so that every fact of the card is tried."""
    return max([today, *card.measurement.days()])
