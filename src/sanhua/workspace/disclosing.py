"""Disclose 列示与披露: an entity's statements or its group's, today's or as at an earlier day.

What is drawn up is kept, unless the statements of the period are sealed: then the sealed ones are
given back as they were kept, with what would differ now told beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sanhua.asset.bill import Invoice
from sanhua.capital import disclose as stage
from sanhua.capital.consolidate import (
    Consolidation,
    Eliminated,
    Elimination,
    Held,
    Holding,
    members_of,
)
from sanhua.capital.disclose import Disclosure, Scope
from sanhua.capital.known import known_card, known_vouchers
from sanhua.capital.measure import ADJUSTING, Carrying
from sanhua.capital.recognise import AssetCard, AssetEntry, Outcome, Recognition, entry_of, judge
from sanhua.capital.voucher import AccountingPolicy, Voucher
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Rules
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, legal_day
from sanhua.project.model import Entity
from sanhua.workspace.approving import approved_by_role, signed
from sanhua.workspace.booking import booked
from sanhua.workspace.measuring import metered
from sanhua.workspace.noting import known, together
from sanhua.workspace.opening import Workspace


def draw(
    ws: Workspace, entity: Entity, period: Period, *, scope: Scope, as_at: date | None = None
) -> Disclosure:
    """Draw up and keep the statements of `entity`, or of the group that it heads.

    Invalid disclose.as-at-early for a day before the period or in the future; what `members_of` and
    `Consolidation` raise.
    """
    today = legal_day(ws.clock.now())
    if as_at is not None and not period.starts_on <= as_at <= today:
        raise Invalid(
            "disclose.as-at-early",
            day=as_at.isoformat(),
            starts=period.starts_on.isoformat(),
            today=today.isoformat(),
        )
    named = period
    if as_at:
        named = Period(f"{period.id}@{as_at.isoformat()}", period.starts_on, period.ends_on)
    drawing = _Drawing(ws, named, as_at, today)
    with ws.store.begin(actor=ws.actor) as uow:
        if scope is Scope.GROUP:
            shown = drawing.group(uow, entity)
        else:
            shown = drawing.entity(uow, entity, scope).shown
    ws.store.checkpoint()
    stands = signed(ws, shown.note)
    state = stage.state_of(shown.approvals, stands.by_role)
    if stands.sealed_on:
        state = stage.State.AUDITED  # what was sealed stays so, whatever becomes of a memo
    return replace(shown, state=state, signed=stands.by_role, sealed_on=stands.sealed_on)


def _differs(shown: Disclosure, kept: Disclosure, differ: list[str], day: date) -> Diagnostic:
    def said(of: Disclosure, id: str) -> str:
        return Money(of.figures[id].value).text if id in of.figures else "–"

    first = differ[0] if differ else "notes"
    facts = {
        "period": shown.period.id,
        "day": day.isoformat(),
        "count": len(differ),
        "figure": first,
        "sealed": said(kept, first),
        "now": said(shown, first),
    }
    code = "disclose.sealed-differs"
    return Diagnostic(Severity.WARNING, code, node=shown.note, facts=facts)


@dataclass(slots=True)
class _Member:
    """One entity's statements and what they are made of."""

    shown: Disclosure
    held: dict[str, Held]
    vouchers: list[Voucher]


class _Drawing:
    """The statements of one period; each entity is measured once."""

    def __init__(self, ws: Workspace, period: Period, as_at: date | None, today: date) -> None:
        self.ws, self.period, self.as_at = ws, period, as_at
        self.known = as_at or today
        self.until: dict[str, date] = {}  # entity → the seal, where its statements have one
        self.law_on = as_at or period.through

    def entity(self, uow: Any, entity: Entity, scope: Scope) -> _Member:
        project = self.ws.project
        policy = project.policy.get(entity.id) or AccountingPolicy(Origin(""), {})
        vouchers = booked(self.ws, entity, uow)
        diagnostics: list[Diagnostic] = []
        if self.as_at:
            came, told = self._came(vouchers)
            vouchers = known_vouchers(vouchers, self.as_at, came)
            diagnostics += told
        if seal := signed(
            self.ws, ids.node("disclosure", f"{entity.id}/{self.period.id}")
        ).sealed_on:
            self.until[entity.id] = min(self.known, seal)  # what is decided later is of later years
        held: dict[str, Held] = {}
        rules = stage.Citing(uow.rules)  # those that measured are cited too
        entries: list[AssetEntry] = []
        approvals: dict[str, bool] = {}
        own = [
            card for card in project.assets.values() if card.entity == entity.id and card.measured
        ]
        for card in metered(uow, own):
            card, entry = self._memo(uow, card, vouchers, policy, entity)
            content = self.ws.store.kept(entry.id).content
            approvals[entry.id] = bool(approved_by_role(uow, entry.id, content))
            carrying = self._measure(rules, card, entry, policy, entity)
            recognition = stage.recognition_of(entry, entity.currency)
            held[entry.id] = Held(card, recognition, carrying, policy)
            entries.append(entry)
        sealed, reported = self._year_before(uow, entity.id, entity)
        diagnostics += self._after_seal(entity, held.values(), sealed)
        shown = stage.draw_up(
            entity.id,
            entries,
            [one.carrying for one in held.values()],
            policy,
            rules,
            self.period,
            title=project.settings.title,
            currency=entity.currency,
            fiscal_year=entity.fiscal_year,
            balances=project.balances.get(entity.id, ()),
            vouchers=vouchers,
            approvals=approvals,
            scope=scope,
            as_at=self.as_at,
            reported=reported,
            known=known(self.ws, uow, entity, self.period, self.as_at),
        )
        shown = replace(shown, diagnostics=(*shown.diagnostics, *diagnostics))
        return _Member(self._settled(uow, shown), held, vouchers)

    def _settled(self, uow: Any, shown: Disclosure) -> Disclosure:
        """Kept, or the sealed one instead of it."""
        sealed = signed(self.ws, shown.note).sealed_on
        if sealed is None:
            stage.keep(uow, shown)
            return shown
        kept, differ = stage.as_kept(uow, shown)
        if not kept.differs:
            return kept
        told = _differs(shown, kept, differ, sealed)
        return replace(kept, diagnostics=(*kept.diagnostics, told))

    def _memo(
        self,
        uow: Any,
        card: AssetCard,
        vouchers: list[Voucher],
        policy: AccountingPolicy,
        entity: Entity,
    ) -> tuple[AssetCard, AssetEntry]:
        if self.as_at is None:
            return card, uow.get(AssetEntry, ids.node("asset", card.id))
        card = known_card(card, self.as_at)
        found = judge(
            card,
            vouchers,
            policy,
            uow.rules,
            self.as_at,
            regime=entity.regime,
            currency=entity.currency,
        )
        return card, entry_of(card, found)

    def _measure(
        self,
        rules: Rules,
        card: AssetCard,
        entry: AssetEntry,
        policy: AccountingPolicy,
        entity: Entity,
    ) -> Carrying:
        until = self.until.get(entity.id, self.known)
        return stage.measured(card, entry, policy, rules, self.period, until, entity.currency)

    def _came(self, vouchers: list[Voucher]) -> tuple[dict[str, date], list[Diagnostic]]:
        """The day on which each voucher first came, if records were kept on the day asked for."""
        assert self.as_at is not None
        began = _first_day(self.ws)
        if began is None or began > self.as_at:
            facts = {"day": self.as_at.isoformat(), "began": began.isoformat() if began else "–"}
            node = ids.node("disclosure", self.period.id)
            code = "disclose.as-at-before-records"
            return {}, [Diagnostic(Severity.NOTE, code, node=node, facts=facts)]
        came: dict[str, date] = {}
        for voucher in vouchers:
            if self.ws.store.version_of(voucher.id):
                first = self.ws.store.told(voucher.id, 1)
                came[voucher.id] = _day(first.recorded_at)
        return came, []

    def _year_before(
        self, uow: Any, key: str, entity: Entity
    ) -> tuple[date | None, dict[str, Money]]:
        """The seal day of the statements of the year before, and their 期末余额 by line."""
        now = Period.year_of(self.period.through, entity.fiscal_year)
        year = Period.named(str(int(now.id) - 1), entity.fiscal_year)
        note = ids.node("disclosure", f"{key}/{year.id}")
        sealed = signed(self.ws, note).sealed_on
        if sealed is None or (self.as_at and sealed > self.as_at):
            return None, {}
        kept = uow.get(stage.DisclosureNote, note)
        values = dict(zip(kept.figures, kept.values, strict=True))
        return sealed, {
            line: Money.parse(values[figure], kept.currency)
            for line in stage.LINE_LAYERS
            if (figure := ids.figure(key, "balance_sheet", f"{line}.data", "ending", year.id))
            in values
        }

    def _after_seal(self, entity: Entity, held: Any, sealed: date | None) -> list[Diagnostic]:
        """Corrections that call themselves an audit's or an event's after the seal."""
        found: list[Diagnostic] = []
        first = Period.year_of(self.period.through, entity.fiscal_year).starts_on
        for one in held if sealed else ():
            for made in one.card.measurement.corrections:
                if (
                    made.kind in ADJUSTING
                    and sealed
                    and made.date > sealed
                    and made.through < first
                ):
                    facts = {
                        "asset": one.card.id,
                        "date": made.date.isoformat(),
                        "kind": made.kind,
                        "period": made.concerns,
                        "day": sealed.isoformat(),
                    }
                    at = (one.card.origin.path, made.line, 1, one.carrying.asset, None)
                    found.append(Diagnostic(Severity.ERROR, "adjust.after-seal", *at, facts))
        return found

    # Groups

    def group(self, uow: Any, head: Entity) -> Disclosure:
        settings = self.ws.project.settings
        holdings = [
            Holding(e.id, e.parent, e.share, e.control, e.currency, e.fiscal_year, e.regime)
            for e in settings.entities
        ]
        names = members_of(head.id, holdings, uow.rules, self.law_on)
        by_name = {entity.id: entity for entity in settings.entities}
        members = {
            name: self.entity(uow, by_name[name], Scope.PARENT if name == head.id else Scope.ENTITY)
            for name in names
        }
        held = {asset: one for member in members.values() for asset, one in member.held.items()}

        def measure(
            card: AssetCard, recognition: Recognition, policy: AccountingPolicy
        ) -> Carrying:
            entry = replace(entry_of(card, recognition), id=recognition.asset)
            return self._measure(uow.rules, card, entry, policy, by_name[card.entity])

        made = Consolidation(ids.node("party", head.id), frozenset(names), held, measure)
        if uow.rules.ask("cas_33", "unrealised_profit_eliminated", on=self.law_on).value:
            made.eliminate()
        deals = self._deals(uow, head.id, frozenset(names), head.currency)
        key = f"{head.id}.group"
        _, reported = self._year_before(uow, key, head)
        shown = stage.draw_up(
            key,
            [entry for member in members.values() for entry in member.shown.entries],
            [one.carrying for one in held.values()] + made.carryings,
            self.ws.project.policy.get(head.id) or AccountingPolicy(Origin(""), {}),
            uow.rules,
            self.period,
            title=Text(f"{settings.title.zh}（合并）", f"{settings.title.en} (group)".strip()),
            currency=head.currency,
            fiscal_year=head.fiscal_year,
            balances=self.ws.project.balances.get(key, ()),
            approvals={k: v for m in members.values() for k, v in m.shown.approvals.items()},
            scope=Scope.GROUP,
            members=[member.shown for member in members.values()],
            eliminations=[*made.made, *deals],
            as_at=self.as_at,
            reported=reported,
            known=together(
                [known(self.ws, uow, by_name[name], self.period, self.as_at) for name in names]
            ),
        )
        told = [*made.diagnostics, *self._policies(uow, names), *self._unexplained(members, names)]
        return self._settled(uow, replace(shown, diagnostics=(*shown.diagnostics, *told)))

    def _deals(
        self, uow: Any, head: str, members: frozenset[str], currency: str
    ) -> list[Elimination]:
        """Invoices between members until the period's end: revenue against the buyer's cost, in the
        period, and what is owed against what is due.
        """
        found: list[Elimination] = []
        for invoice in uow.all(Invoice):
            sides = {ids.key_of(invoice.provider), ids.key_of(invoice.consumer)}
            inside = sides <= members and len(sides) == 2
            if not inside or invoice.dated >= self.period.ends_on:
                continue
            if invoice.total.currency != currency or (self.as_at and invoice.dated > self.as_at):
                continue
            lines = [
                Eliminated("receivable", "deal", "", -invoice.total),
                Eliminated("payable", "deal", "", -invoice.total),
            ]
            if invoice.dated in self.period:
                lines += [
                    Eliminated("revenue", "deal", "", -invoice.net),
                    Eliminated("cost_of_data", "deal", "", -invoice.net),
                ]
            found.append(
                Elimination(
                    f"elimination:{head}/{invoice.id}/deal@{self.period.id}",
                    ids.node("party", head),
                    invoice.dated,
                    "deal",
                    tuple(lines),
                    sources=(invoice.id,),
                )
            )
        return found

    def _policies(self, uow: Any, names: list[str]) -> list[Diagnostic]:
        """A group has one set of policies; those that differ are told, never made equal."""
        rule = uow.rules.ask("cas_33", "uniform_policies", on=self.law_on)
        policies = {name: self.ws.project.policy.get(name) for name in names}
        known = {name: policy for name, policy in policies.items() if policy}
        found: list[Diagnostic] = []
        for what in ("amortisation", "residual", "inventory_issue") if rule.value else ():
            values = {name: str(getattr(policy, what)) for name, policy in known.items()}
            if len(set(values.values())) > 1:
                told = ", ".join(f"{name}: {value}" for name, value in values.items())
                facts = {"what": what, "values": told, "cite": rule.cite}
                node = ids.node("disclosure", f"{names[0]}.group/{self.period.id}")
                at = ("", 0, 0, node, rule.citation)
                found.append(
                    Diagnostic(Severity.WARNING, "consolidate.policies-differ", *at, facts)
                )
        return found

    def _unexplained(self, members: Mapping[str, _Member], names: list[str]) -> list[Diagnostic]:
        """What was bought from a member and is carried, without a word on what the group paid."""
        parties = set(names) | {ids.node("party", name) for name in names}
        found: list[Diagnostic] = []
        for member in members.values():
            of_group = {
                (voucher.id, line.line): voucher
                for voucher in member.vouchers
                if any(line.party in parties for line in voucher.lines)
                for line in voucher.lines
            }
            for asset, one in member.held.items():
                if one.card.acquired is not None:
                    continue
                for verdict in one.recognition.verdicts:
                    voucher = of_group.get((verdict.voucher, verdict.line))
                    if voucher and verdict.outcome is Outcome.CAPITALISED:
                        facts = {
                            "asset": one.card.id,
                            "number": voucher.number,
                            "amount": verdict.amount.text,
                        }
                        at = (voucher.path, verdict.line, 0, asset, None)
                        found.append(
                            Diagnostic(Severity.WARNING, "consolidate.unexplained", *at, facts)
                        )
        return found


def _first_day(ws: Workspace) -> date | None:
    for event in ws.store.events():
        return _day(event.recorded_at)
    return None


def _day(recorded_at: str) -> date:
    from datetime import datetime

    return legal_day(datetime.fromisoformat(recorded_at))
