"""Close 月结: count a month's calls, bill them, share what came in, post it, and freeze the month.

Months are closed in their order, each once, as one act: what is killed in the middle has not
happened. A segment that arrives for a month already closed changes no bill: the month is counted
again with it, and the difference goes to the next close as an adjustment.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sanhua.asset.bill import (
    TOTAL,
    Closing,
    Counted,
    Invoice,
    InvoiceLine,
    days_in,
    draw_up,
    month_of,
    taxed,
)
from sanhua.asset.contract import UsageContract, begins_on, lasts_until, signatures
from sanhua.asset.meter import MeterSegment
from sanhua.asset.price import Plan, currency_of
from sanhua.asset.revenue import (
    Settlement,
    divide,
    others,
    settle,
    settlement_book,
    weigh,
    weights_of,
)
from sanhua.capital.adjust import adjusting
from sanhua.capital.disclose import recognition_of
from sanhua.capital.earn import Earning, Judged, Served, assumed, earn, earned, lacking
from sanhua.capital.fulfil import carry_contract, contract_entries, revenue_of
from sanhua.capital.measure import Carrying, book_of, carry, entries, unbooked, unlike_book
from sanhua.capital.recognise import AssetEntry, must_be_addressed
from sanhua.capital.subsidy import entries as subsidy_entries
from sanhua.capital.subsidy import treat
from sanhua.capital.tieout import for_the_erp, second_charges
from sanhua.capital.voucher import AccountingPolicy, account_of, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Broken, Conflict, Diagnostic, Invalid, RuleGap, Severity
from sanhua.kernel.figure import Figure, Part, Posted
from sanhua.kernel.ledger import Book, Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.text import Text
from sanhua.kernel.time import SHANGHAI, Period, legal_day, moment_text
from sanhua.project.model import Entity
from sanhua.workspace.booking import apart, booked, since_taken_over, taken_over
from sanhua.workspace.costing import tie_month
from sanhua.workspace.measuring import with_units
from sanhua.workspace.metering import LOOK_BACK, copies, damaged, seal, sealed, unsealed
from sanhua.workspace.opening import Workspace
from sanhua.workspace.refusing import refusals
from sanhua.workspace.reporting import proposal
from sanhua.workspace.running import run

METER_WAIT_S = 120.0


@dataclass
class Closed:
    """`data` is the JSON without the common keys."""

    data: dict[str, Any]
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])


@refusals("close", "closing")
def close(ws: Workspace, name: str) -> Closed:
    """Close the month `name` (`2026-03`) after bringing the project up to date.

    Invalid close.not-a-month; Conflict close.period-running, close.already-closed,
    close.out-of-order, close.nothing, close.meter-open; Broken close.not-reconciled when two counts
    of the same thing differ, store.meter-aside while a damaged segment waits for a person. Also
    what the run raises.
    """
    if name.endswith("-ADJ"):
        from sanhua.workspace.adjusting import adjust

        return adjust(ws, name)
    month = _month(name)
    if month.ends_on > legal_day(ws.clock.now()):
        raise Conflict("close.period-running", period=name, through=month.through.isoformat())
    made = run(ws)
    if made.error is not None:
        raise made.error
    with ws.exclusive():
        ws.store.must_go_on()
        _wait_for_meter(ws)
        if aside := damaged(ws):
            raise aside
        closing = _Close(ws, month)
        closing.must_be_next()
        closing.count()
        data = closing.keep()
        closing.found += tie_month(ws, month)
    _, size, root = ws.store.checkpoint().splitlines()[:3]
    data["checkpoint"] = {"size": int(size), "root": root}
    return Closed(data, made.diagnostics + closing.found)


def _month(name: str) -> Period:
    try:
        period = Period.named(name)
    except (Invalid, ValueError, OverflowError) as error:
        raise Invalid("close.not-a-month", period=name) from error
    if period != month_of(period.starts_on):
        raise Invalid("close.not-a-month", period=name)
    return period


def _wait_for_meter(ws: Workspace) -> None:
    """Until what gateways had written when the close began is sealed: they end a segment within a
    minute. Conflict close.meter-open when one does not.
    """
    seal(ws)
    waiting = unsealed(ws)
    until = time.monotonic() + METER_WAIT_S
    while waiting.intersection(unsealed(ws)):
        if time.monotonic() > until:
            raise Conflict("close.meter-open", segments=", ".join(sorted(waiting)[:3]))
        time.sleep(0.5)
        seal(ws)


class _Close:
    """One month being closed."""

    def __init__(self, ws: Workspace, month: Period) -> None:
        self.ws, self.month = ws, month
        self.found: list[Diagnostic] = []
        self.counts: dict[tuple[str, str], Counted] = {}  # (deal, month) → the latest count
        self.recounted: set[str] = {month.id}
        self.proposed: dict[str, list[Entry]] = {}  # entity → what its ERP is asked to book
        self.corrects: dict[str, str] = {}  # what is posted to put an earlier entry right → that
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            self.before = sorted(uow.all(Closing), key=lambda one: one.starts_on)
            self.begun = [
                (contract, begins, lasts_until(uow, contract))
                for contract in uow.all(UsageContract)
                if (begins := begins_on(uow, contract)) is not None
            ]
            self.signed = {
                contract.id: tuple(made.id for made in signatures(uow, contract).values())
                for contract, _, _ in self.begun
            }
            billed = list(uow.all(Invoice))
            self.earnings = list(uow.all(Earning))
            known = {segment for closing in self.before for segment in closing.segments}
            waiting = [node for node in uow.ids(MeterSegment) if node not in known]
            found = [uow.find(MeterSegment, node) for node in waiting]
        self.uncounted = [segment for segment in found if segment is not None]
        self.billed: dict[str, list[Invoice]] = defaultdict(list)
        for invoice in billed:
            self.billed[invoice.deal].append(invoice)
        for closing in self.before:
            self.counts |= {(one.deal, one.month): one for one in closing.counts}

    def must_be_next(self) -> None:
        """A month is closed once, and after the one before it."""
        closed = {closing.id for closing in self.before}
        if ids.node("closing", self.month.id) in closed:
            raise Conflict(
                "close.already-closed",
                period=self.month.id,
                latest=month_of(self.before[-1].starts_on).id,
            )
        days = [begins for _, begins, _ in self.begun]
        days += [_day(segment.first_at) for segment in self.uncounted]
        if self.before or days:
            due = month_of(self.before[-1].ends_on if self.before else min(days))
            if self.month != due:
                raise Conflict("close.out-of-order", period=self.month.id, due=due.id)
            return
        booked = [voucher.dated for voucher in self.ws.project.vouchers.values()]
        begun = (
            self.month.ends_on > min(booked)
            if booked
            else bool(self.ws.project.assets or self.ws.project.subsidies)
        )
        if not begun:
            raise Conflict("close.nothing", period=self.month.id)

    # Counting

    def count(self) -> None:
        """Count the month, and again those before it that late segments fall into."""
        self.fresh = [one for one in self.uncounted if _day(one.first_at) < self.month.ends_on]
        late = [_day(s.first_at) for s in self.fresh if _day(s.first_at) < self.month.starts_on]
        self.reconciled: dict[str, int] = {}
        self.refused = self.late = 0
        month = month_of(min(late)) if late else self.month
        while month.starts_on <= self.month.starts_on:
            self._count(month)
            month = month_of(month.ends_on)

    def _count(self, month: Period) -> None:
        from sanhua.engine.usage import rate, tally

        self.recounted.add(month.id)
        first, last = _midnight(month.starts_on) - LOOK_BACK, _midnight(month.ends_on)
        within = sealed(self.ws, moment_text(first), moment_text(last))
        paths = copies(self.ws, within)
        from_ms, to_ms = _ms(month.starts_on), _ms(month.ends_on)
        back_ms = int(LOOK_BACK.total_seconds() * 1000)
        counts, repeats = rate(paths, from_ms, to_ms, self.ws.temp, back_ms=back_ms)
        meter, inside = tally(paths, from_ms, to_ms, self.ws.temp)
        evidence = _evidence(within)
        for deal in sorted({*evidence, *meter}):
            if evidence.get(deal) != meter.get(deal):
                raise _differs("evidence", evidence.get(deal), "meter", meter.get(deal), deal)
        permits = [count for count in counts if not count.reason]
        rated = sum(count.records for count in permits)
        if inside != rated + repeats:
            raise _differs("meter", inside, "rated", rated + repeats, month.id)
        before = [one for one in self.counts.values() if one.month == month.id]
        if month != self.month:
            self.late += rated - sum(one.records for one in before)
        for key in [key for key in self.counts if key[1] == month.id]:
            self.counts[key] = replace(self.counts[key], records=0, units=_units(0, 0, 0))
        for c in permits:
            counted = Counted(c.deal, month.id, c.records, _units(c.call, c.row, c.byte))
            self.counts[c.deal, month.id] = counted
        if month == self.month:
            self.refused = sum(count.records for count in counts if count.reason)
            self.reconciled |= {"records": inside, "rated": rated, "repeats": repeats}

    # Billing

    def invoices(self) -> Iterator[tuple[UsageContract, Invoice, Fraction]]:
        """The invoices of this close, each with the part of a period that it bills for the first
        time.
        """
        for contract, begins, ends in self.begun:
            plan = self._plan(contract)
            touched = [Period.named(m) for m in sorted(self.recounted)]
            lines, own = draw_up(
                plan,
                self.month,
                [m for m in touched if m == self.month or (contract.id, m.id) in self.counts],
                begins,
                ends,
                lambda period, deal=contract.id: self._used(deal, period),
                lambda period, deal=contract.id, plan=plan: self._billed(deal, period, plan),
            )
            if lines:
                days, whole = days_in(plan, own, begins, ends) if own else (0, 1)
                yield contract, self._invoice(contract, lines, own), Fraction(days, whole)

    def _plan(self, contract: UsageContract) -> Plan:
        """The plan that is billed: what the amended deal asked once is not asked again."""
        plan = contract.terms.plan
        amended = [one for one, _, _ in self.begun if one.id == contract.amends]
        return replace(plan, once=None) if amended and amended[0].terms.plan.once else plan

    def _used(self, deal: str, period: Period) -> dict[str, int]:
        total = _units(0, 0, 0)
        for (of, month), counted in self.counts.items():
            if of == deal and Period.named(month).starts_on in period:
                for unit, n in counted.units.items():
                    total[unit] += n
        return total

    def _billed(self, deal: str, period: Period, plan: Plan) -> Money:
        lines = (line for invoice in self.billed[deal] for line in invoice.lines)
        return Money.sum((x.amount for x in lines if x.period == period.id), currency_of(plan))

    def _invoice(
        self, contract: UsageContract, lines: Sequence[InvoiceLine], own: Period | None
    ) -> Invoice:
        net, tax, total = taxed(lines, contract.terms.tax)
        periods = [Period.named(name) for name in dict.fromkeys(line.period for line in lines)]
        earlier = [
            closing.id
            for closing in self.before
            for c in closing.counts
            if c.deal == contract.id
            and any(Period.named(c.month).starts_on in period for period in periods)
        ]
        return Invoice(
            ids.derived("inv", contract.id, self.month.id),
            contract.id,
            contract.hash,
            contract.consumer,
            contract.provider,
            contract.product,
            self.month.id,
            tuple(period.id for period in periods),
            self.month.through,
            own.id if own else "",
            self._used(contract.id, own) if own else {},
            tuple(lines),
            net,
            tax,
            total,
            (*dict.fromkeys(earlier), ids.node("closing", self.month.id)),
            self.signed[contract.id],
        )

    # Keeping

    def keep(self) -> dict[str, Any]:
        """Everything of the close, as one act; what is printed of it."""
        data: dict[str, Any] = {
            "period": {
                "id": self.month.id,
                "from": self.month.starts_on.isoformat(),
                "through": self.month.through.isoformat(),
            },
            "usage": {},
            "invoices": [],
            "shares": [],
        }
        entities = {ids.node("party", e.id): e for e in self.ws.project.settings.entities}
        posted: list[Entry] = []
        income: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        made: list[tuple[Invoice, Settlement]] = []
        with self.ws.store.begin(actor=self.ws.actor) as uow:
            for contract, invoice, part in list(self.invoices()):
                by_lineage = any(share.rest == "lineage" for share in contract.terms.shares)
                shares = divide(
                    invoice.net,
                    invoice.total,
                    contract.terms.shares,
                    contract.provider,
                    part,
                    weights_of(weigh(uow, contract)) if by_lineage else {},
                )
                settlement = Settlement(
                    ids.derived("set", invoice.id), invoice.id, invoice.net, tuple(shares)
                )
                made.append((invoice, settlement))
                uow.add(invoice, "deal.billed", effective_on=invoice.dated)
                uow.add(settlement, "revenue.shared", effective_on=invoice.dated)
                uow.add(settlement_book(invoice.provider, invoice.total.currency), "book.opened")
                for entry in settle(invoice, settlement):
                    uow.post(entry)
                    posted.append(entry)
                    if entry.lines[1].account.startswith("income:"):
                        income[invoice.provider, invoice.product].append(entry)
                data["invoices"].append(_shown_invoice(invoice))
                data["shares"] += _shown_shares(invoice, settlement)
            proposed: list[Entry] = []
            for entity in entities.values():
                proposed += self._entity(uow, entity, made)
            figures = self._figures(uow, income) + self._recognised(uow)
            closing = Closing(
                ids.node("closing", self.month.id),
                self.month.starts_on,
                self.month.ends_on,
                tuple(segment.id for segment in self.fresh),
                tuple(c for key, c in sorted(self.counts.items()) if key[1] in self.recounted),
                self._unbilled(),
                self.reconciled | self._agreed(uow, made),
                tuple(entry.id for entry in proposed),
                tuple(figures),
                self.corrects,
            )
            uow.add(closing, "period.closed", effective_on=self.month.through)
            for book in list(uow.all(Book)):
                uow.close_period(book.id, self.month)
        data["usage"] = self.reconciled | {"refused": self.refused, "late": self.late}
        data["postings"] = [
            {"book": kind, **pair}
            for kind, made in (("settlement", posted), ("entity", proposed))
            for entry in made
            for pair in _pairs(entry)
        ]
        data["proposed_vouchers"], data["files"] = self._proposals()
        data["figures"] = figures
        data["revenue"] = [_shown_earning(one) for one in self._of_month()]
        return data

    def _entity(
        self, uow: Any, entity: Entity, made: Sequence[tuple[Invoice, Settlement]]
    ) -> list[Entry]:
        """Post to an entity's own book what it lacks: revenue, and what measurement asks for until
        the month's end. What was posted, for the ERP to enter.

        An entry of a month that is closed already is posted in this one; where an earlier entry now
        asks for another amount, the difference is.
        """
        policy = self.ws.project.policy.get(entity.id)
        owner = ids.node("party", entity.id)
        kept = {settlement.invoice: settlement for settlement in uow.all(Settlement)}
        every = [i for found in self.billed.values() for i in found] + [i for i, _ in made]
        own = [invoice for invoice in every if invoice.provider == owner]
        if policy is None:
            if own:
                self._note("close.no-policy", entity=entity.id)
            return []
        try:
            must_be_addressed(self.ws.rules, entity.regime, self.month.through)
        except Invalid as error:
            self.found.append(replace(error.diagnostic, severity=Severity.WARNING, node=owner))
            return []
        except RuleGap:
            pass  # a month before the instrument: whoever asks what it decides is told
        book = book_of(entity.id, entity.currency, entity.fiscal_year)
        cards = [c for c in self.ws.project.assets.values() if c.entity == entity.id]
        subsidies = [s for s in self.ws.project.subsidies.values() if s.entity == entity.id]
        deals = [contract for contract, _, _ in self.begun if contract.provider == owner]
        if not (own or cards or subsidies or deals):
            return []
        uow.add(book, "book.opened")
        groups: list[list[Entry]] = []  # posted whole or, while the chart lacks a role, not at all
        by_id = {invoice.id: invoice for invoice in own}
        for earning in self._earn(uow, entity, own, kept):
            invoice = by_id.pop(earning.invoice, None)
            settlement = kept[invoice.id] if invoice else None
            groups.append(earned(earning, invoice, settlement, policy, book))
        for invoice in by_id.values():  # billed before earnings were kept
            if invoice.total.currency != entity.currency:
                self._note("close.other-currency", entity=entity.id, invoice=invoice.id)
                continue
            settlement = kept[invoice.id]
            groups.append(earned(assumed(invoice, settlement), invoice, settlement, policy, book))
        since = Period("", date.min, self.month.ends_on)
        months = [month_of(one.starts_on).id for one in self.before]
        carryings: dict[str, Carrying] = {}
        for card in with_units(uow, cards, [*months, self.month.id], self.counts.values()):
            asset = uow.get(AssetEntry, ids.node("asset", card.id))
            recognition = recognition_of(asset, entity.currency)
            if not card.measured:
                earned_by = revenue_of(card.fulfilment.deal, self.earnings)
                until = self.month.through
                cost = carry_contract(card, recognition, uow.rules, until, earned_by)
                groups += [[entry] for entry in contract_entries(cost, policy, book, since)]
                continue
            carried = carry(card, recognition, policy, uow.rules, self.month.through)
            later = {entry.id for entry in adjusting(carried, policy, book)}
            moved = [e for e in entries(carried, {}, policy, book, since) if e.id not in later]
            groups += [[entry] for entry in moved if entry.source.startswith("asset:")]
            carryings[card.id] = carried
        vouchers = booked(self.ws, entity, uow)
        for said in subsidies:
            asset = carryings.get(said.asset)
            granted = treat(said, vouchers, policy, asset, self.month.through)
            self.found += granted.diagnostics
            groups += [[entry] for entry in subsidy_entries(granted, policy, book)]
        bare = {role for group in groups for role in lacking(policy, group)}
        if bare:
            self._note("close.chart-lacks", entity=entity.id, roles=", ".join(sorted(bare)))
        asked = [entry for group in groups if not lacking(policy, group) for entry in group]
        posted = uow.posted(book.id)
        others = [v for v in apart(uow, vouchers)[0] if v.dated < self.month.ends_on]
        ours: dict[str, Entry] = {}  # what was posted asks for another amount: the difference
        for entry in asked:
            if entry.id in posted and (still := self._still(posted, entry)):
                ours[still.id] = replace(still, effective_on=entry.effective_on)
        theirs = [entry for entry in asked if entry.id not in posted]
        lacks = unbooked([*ours.values(), *theirs], others, policy, book)
        rest, otherwise, left = for_the_erp(lacks, ours, policy, book)
        measured = [card for card in cards if card.id in carryings]
        twice = second_charges(lacks, since_taken_over(self.month, measured), policy, book)
        for entry, voucher in otherwise:
            self._note(
                "voucher.booked-otherwise",
                number=voucher.number,
                asset=ids.key_of(entry.source),
                day=entry.effective_on.isoformat(),
            )
        told = {entry.id for entry, _ in otherwise}
        wanted = [self._due(entry) for entry in rest if entry.id not in told]
        gone = self._gone(uow, book, posted, {entry.id for group in groups for entry in group})
        found = [*wanted, *(e for e in (self._still(posted, e) for e in gone) if e)]
        for name in ours.keys() - {entry.id for entry in found}:
            del self.corrects[name]  # by a voucher of the ERP
        for entry in found:
            uow.post(entry)
        self.proposed[entity.id] = found
        lost = [e for group in groups if lacking(policy, group) for e in group]
        lost = [entry for entry in lost if entry.id not in posted]
        self._compare(uow, book, policy, carryings, left, twice, lost)
        return found

    def _compare(
        self,
        uow: Any,
        book: Book,
        policy: AccountingPolicy,
        carryings: Mapping[str, Carrying],
        missing: list[Diagnostic],
        twice: list[Diagnostic],
        lost: Iterable[Entry],
    ) -> None:
        """Tell what the ERP did not amortise and what is booked twice; and the two sums where these
        and the entries `lost` to gaps of the chart are not all of the difference.
        """
        differs = self._unlike(uow, book, policy, carryings)
        if missing and all(role != "accumulated_amortisation" for role, *_ in differs):
            missing, twice = [], []  # what one month lacks, the ERP has booked in another
        self.found += missing + twice
        known = Counter[str]()  # credit positive
        for sign, told in ((1, twice), (-1, missing)):
            for one in told:
                if one.code != "amortisation.erp-differs":
                    fen = Money.parse(str(one.facts["amount"])).fen
                    known["accumulated_amortisation"] += sign * fen
        for line in (line for entry in lost for line in entry.lines):
            known[role_of(policy, line.account)] += line.amount
        for role, wants, has in differs:
            if has - wants != known[role]:
                self._note(
                    "close.book-differs",
                    entity=ids.key_of(book.owner),
                    account=account_of(policy, role),
                    role=role,
                    measured=Money.of_fen(wants).text,
                    booked=Money.of_fen(has).text,
                    through=self.month.through.isoformat(),
                )

    def _unlike(
        self, uow: Any, book: Book, policy: AccountingPolicy, carryings: Mapping[str, Carrying]
    ) -> list[tuple[str, int, int]]:
        """Where the entity's book differs from what is measured until the month's end.

        Where balances were taken over, vouchers from before may stand in the book or not: then what
        came after that day is compared.
        """
        ends = self.month.ends_on
        measured, held = carryings.values(), self._of_months(uow, book, self.month.through)
        found = unlike_book(measured, held, policy, book, Period("", date.min, ends))
        cards = [self.ws.project.assets[name] for name in carryings]
        since = min(taken_over(cards), self.month.through)
        if not found or since == date.min:
            return found
        for account, balance in self._of_months(uow, book, since).items():
            held[account] -= balance
        after = Period("", since + timedelta(days=1), ends)
        roles = {role for role, *_ in found}
        return [one for one in unlike_book(measured, held, policy, book, after) if one[0] in roles]

    def _of_months(self, uow: Any, book: Book, on: date) -> dict[str, Money]:
        """The book's balances at the end of a day without what adjustment periods posted: it may
        be decided after the end of a month that is closed later still.
        """
        held = dict(uow.balances(book.id, on))
        first = self.before[0].starts_on if self.before else self.month.starts_on
        year = Period.year_of(first, book.fiscal_year)
        while year.ends_on <= on:  # only a year that is over has one
            plain = uow.balances(book.id, year.through)
            for account, balance in uow.balances(book.id, year.through, adjusted=True).items():
                held[account] -= balance - plain[account] if account in plain else balance
            year = Period.year_of(year.ends_on, book.fiscal_year)
        return held

    def _earn(
        self,
        uow: Any,
        entity: Entity,
        own: Sequence[Invoice],
        kept: Mapping[str, Settlement],
    ) -> list[Earning]:
        """What the entity's deals have earned by the month's end, kept; all earnings so far."""
        owner = ids.node("party", entity.id)
        before = sorted(
            (one for one in self.earnings if one.provider == owner), key=lambda one: one.month
        )
        last = {one.deal: one for one in before}
        made: list[Earning] = []
        for contract, begins, ends in self.begun:
            if contract.provider != owner or currency_of(contract.terms.plan) != entity.currency:
                continue
            product = ids.key_of(contract.product)
            said = self.ws.project.revenue.get(product)
            judged = None
            if said is not None and said.entity == entity.id:
                judged = uow.get(Judged, ids.node("revenue", product))
            served = Served(
                contract,
                self._plan(contract),
                begins,
                ends,
                self._term_ends(contract.id, ends),
                [(one, kept[one.id]) for one in own if one.deal == contract.id],
                lambda period, deal=contract.id: self._used(deal, period),
                lambda net, gross, part, of=contract: self._share(uow, of, net, gross, part),
                self._closings(contract.id, self.month),
            )
            earning = earn(served, self.month, judged, last.get(contract.id))
            if earning is None:
                continue
            if judged is None and earning.invoice:
                self._note("earn.not-judged", product=product, entity=entity.id)
            uow.add(earning, "revenue.earned", effective_on=self.month.through)
            made.append(earning)
        self.earnings += made
        return before + made

    def _term_ends(self, deal: str, ends: date) -> date:
        """The end of the last of the deals that amend each other from `deal` on."""
        for contract, _, until in self.begun:
            if contract.amends == deal:
                return self._term_ends(contract.id, until)
        return ends

    def _share(
        self, uow: Any, contract: UsageContract, net: Money, gross: Money, part: Fraction
    ) -> Mapping[str, Money]:
        """What of `net` is others', by the deal's own shares."""
        shares = contract.terms.shares
        lineage = (
            weights_of(weigh(uow, contract)) if any(s.rest == "lineage" for s in shares) else {}
        )
        found = divide(net, gross, shares, contract.provider, part, lineage)
        return others(Settlement("", "", net, tuple(found)), contract.provider)

    def _closings(self, deal: str, month: Period) -> tuple[str, ...]:
        """The closings that counted the deal's calls so far, and this one."""
        found = [one.id for one in self.before if any(c.deal == deal for c in one.counts)]
        return (*found, ids.node("closing", month.id))

    def _gone(
        self, uow: Any, book: Book, posted: Mapping[str, Any], asked: set[str]
    ) -> list[Entry]:
        """What closes posted and nothing asks for any more, as entries that say nothing: the
        difference takes it back.
        """
        found: list[Entry] = []
        before: list[str] = []  # what closes posted first; later ones may have put it right
        for one in self.before:
            own = [name for name in one.proposed if name in posted and name not in asked]
            month = month_of(one.starts_on)
            corrections = set(one.corrects)
            if own and not corrections:  # a close of before did not say which they are
                corrections = {_again(name, month) for name in (*before, *asked)}
            first = [name for name in own if name not in corrections]
            before += first
            found += [replace(uow.get(Entry, name), lines=()) for name in first]
        return found

    def _still(self, posted: Mapping[str, Mapping[str, int]], asked: Entry) -> Entry | None:
        """The difference of an entry to what was posted of it before, or nothing."""
        left = Counter[str]()
        for line in asked.lines:
            left[line.account] += line.amount
        for name in (asked.id, *self._corrections(asked)):
            left.subtract(posted.get(name, {}))
        lines = tuple(Line(account, fen) for account, fen in sorted(left.items()) if fen)
        if not lines:
            return None
        why = "更正" if asked.lines else "冲回，不再要求"
        if not asked.lines:
            self._note("close.taken-back", entry=asked.id, summary=asked.summary)
        summary = f"{asked.summary}（{asked.effective_on:%Y-%m} {why}）"
        name = _again(asked.id, self.month)
        self.corrects[name] = asked.id
        day = self.month.through
        return Entry(name, asked.book, day, lines, asked.source, summary, asked.party)

    def _due(self, asked: Entry) -> Entry:
        """In its own month, or in this one once that is closed."""
        closed = self.before and asked.effective_on < self.before[-1].ends_on
        late = closed or asked.id in self.corrects
        return replace(asked, effective_on=self.month.through) if late else asked

    def _corrections(self, asked: Entry) -> Iterator[str]:
        return (_again(asked.id, month_of(one.starts_on)) for one in self.before)

    def _proposals(self) -> tuple[list[dict[str, str]], list[str]]:
        """What the ERPs are asked to book, a file an entity in the form that the books read."""
        rows: list[dict[str, str]] = []
        files: list[str] = []
        for entity in self.ws.project.settings.entities:
            found = self.proposed.get(entity.id)
            if found:
                policy = self.ws.project.policy[entity.id]
                made = proposal(self.ws, entity, self.month, found, policy).data
                rows += made["vouchers"]
                files += made["files"]
        return rows, files

    def _figures(self, uow: Any, income: dict[tuple[str, str], list[Entry]]) -> list[str]:
        """What each product earned in the month, net of tax, and each provider in all."""
        found: list[str] = []
        totals: dict[tuple[str, str], list[Part]] = defaultdict(list)
        for (provider, product), earned_by in sorted(income.items()):
            entity, name = ids.key_of(provider), ids.key_of(product)
            currency = uow.get(Book, earned_by[0].book).currency
            postings = [Posted(e.id, _yuan(-e.lines[1].amount)) for e in earned_by]
            figure = Figure(
                ids.figure(entity, "revenue", name, "net", self.month.id),
                Text(f"产品收入 {name}", f"revenue of {name}"),
                sum((one.amount for one in postings), Decimal()),
                currency,
                (),
                tuple(postings),
            )
            uow.add(figure, "figure.stated", effective_on=self.month.through)
            totals[entity, currency].append(Part(figure.id, figure.value, "value"))
            found.append(figure.id)
        for (entity, currency), parts in totals.items():
            line = f"{TOTAL}{currency.lower()}"
            figure = Figure(
                ids.figure(entity, "revenue", line, "net", self.month.id),
                Text("数据产品收入", "revenue from data products"),
                sum((part.amount for part in parts), Decimal()),
                currency,
                tuple(parts),
            )
            uow.add(figure, "figure.stated", effective_on=self.month.through)
            found.append(figure.id)
        return found

    def _of_month(self) -> list[Earning]:
        return [one for one in self.earnings if one.month == self.month.id]

    def _recognised(self, uow: Any) -> list[str]:
        """The revenue of the month in each entity's own book, by product and in all."""
        found: list[str] = []
        by_product: dict[tuple[str, str, str], list[Part]] = defaultdict(list)
        for one in self._of_month():
            key = ids.key_of(one.provider), one.revenue.currency, ids.key_of(one.product)
            by_product[key].append(Part(one.id, one.revenue.amount, "revenue.amount"))
        totals: dict[tuple[str, str], list[Part]] = defaultdict(list)
        for (entity, currency, product), parts in sorted(by_product.items()):
            label = Text(f"确认的收入 {product}", f"revenue recognised of {product}")
            figure = self._summed(entity, product, label, currency, parts)
            uow.add(figure, "figure.stated", effective_on=self.month.through)
            totals[entity, currency].append(Part(figure.id, figure.value, "value"))
            found.append(figure.id)
        for (entity, currency), parts in totals.items():
            label = Text("确认的数据产品收入", "revenue recognised from data products")
            line = f"{TOTAL}{currency.lower()}"
            figure = self._summed(entity, line, label, currency, parts)
            uow.add(figure, "figure.stated", effective_on=self.month.through)
            found.append(figure.id)
        return found

    def _summed(
        self, entity: str, line: str, label: Text, currency: str, parts: Sequence[Part]
    ) -> Figure:
        return Figure(
            ids.figure(entity, "revenue", line, "recognised", self.month.id),
            label,
            sum((part.amount for part in parts), Decimal()),
            currency,
            tuple(parts),
        )

    def _unbilled(self) -> tuple[str, ...]:
        """Deals in the meter that bound nobody in the month of the call; told, never billed."""
        begun = {contract.id: begins for contract, begins, _ in self.begun}
        found: dict[str, int] = defaultdict(int)
        for c in self.counts.values():
            begins = begun.get(c.deal)
            unbound = begins is None or Period.named(c.month).ends_on <= begins
            if c.records and c.month in self.recounted and unbound:
                found[c.deal] += c.records
        for deal, records in sorted(found.items()):
            self._note("close.unknown-deal", deal=ids.key_of(deal), records=records)
        return tuple(sorted(found))

    def _agreed(self, uow: Any, made: Sequence[tuple[Invoice, Settlement]]) -> dict[str, int]:
        """Counts against invoices, invoices against shares, both against the ledger: Broken
        close.not-reconciled.
        """
        for invoice, settlement in made:
            counted = (
                self._used(invoice.deal, Period.named(invoice.billed)) if invoice.billed else {}
            )
            if counted != invoice.counted:
                raise _differs("counts", counted, "invoice", invoice.counted, invoice.id)
            if invoice.net.fen + invoice.tax.fen != invoice.total.fen:
                raise _differs("net and tax", invoice.net, "total", invoice.total, invoice.id)
            shared = sum(share.amount.fen for share in settlement.shares)
            if shared != invoice.net.fen:
                raise _differs("invoice", invoice.net.fen, "shares", shared, invoice.id)
        kept = {s.invoice: s for s in uow.all(Settlement)}
        wanted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for invoice in (
            *(i for found in self.billed.values() for i in found),
            *(i for i, _ in made),
        ):
            book = wanted[settlement_book(invoice.provider, invoice.total.currency).id]
            book[f"receivable:{ids.key_of(invoice.consumer)}"] += invoice.total.fen
            book["tax:output"] -= invoice.tax.fen
            for party, amount in others(kept[invoice.id], invoice.provider).items():
                book[f"payable:{ids.key_of(party)}"] -= amount.fen
        for book, accounts in wanted.items():
            balances = uow.balances(book, self.month.through)
            for account, fen in accounts.items():
                held = balances[account].fen if account in balances else 0
                if fen != held:
                    raise _differs("invoices", fen, "ledger", held, f"{book} {account}")
        return {"invoiced_fen": sum(invoice.total.fen for invoice, _ in made)}

    def _note(self, code: str, **facts: Any) -> None:
        node = ids.node("closing", self.month.id)
        self.found.append(Diagnostic(Severity.WARNING, code, node=node, facts=facts))


def _again(entry: str, month: Period) -> str:
    """The id of what a close posts anew for an entry of before."""
    return ids.derived("pst", entry, month.id)


def _day(moment: str) -> date:
    return legal_day(datetime.fromisoformat(moment))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), SHANGHAI)


def _ms(day: date) -> int:
    return int(_midnight(day).timestamp() * 1000)


def _units(call: int, row: int, byte: int) -> dict[str, int]:
    return {"call": call, "row": row, "byte": byte}


def _yuan(fen: int) -> Decimal:
    return Money.of_fen(fen).amount


def _evidence(segments: Iterable[MeterSegment]) -> dict[str, tuple[int, int, int, int]]:
    """What the log says was permitted in the segments: deal → permits, calls, rows, bytes."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for used in (used for segment in segments for used in segment.used if used.permits):
        permits, call, row, byte = found.get(used.deal, (0, 0, 0, 0))
        more = used.units
        found[used.deal] = (
            permits + used.permits,
            call + more["call"],
            row + more["row"],
            byte + more["byte"],
        )
    return found


def _differs(left: str, one: Any, right: str, other: Any, of: str) -> Broken:
    return Broken(
        "close.not-reconciled", left=left, one=str(one), right=right, other=str(other), of=of
    )


# What is printed


def _shown_invoice(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": invoice.id,
        "deal": ids.key_of(invoice.deal),
        "lines": [
            {
                "reason": line.reason,
                "quantity": f"{line.quantity.normalize():f}",
                "price": _price(line.price),
                "amount": line.amount.text,
                "period": line.period,
            }
            | ({"unit": line.unit} if line.unit else {})
            | ({"days": line.days} if line.days else {})
            for line in invoice.lines
        ],
        "net": invoice.net.text,
        "tax": invoice.tax.text,
        "total": invoice.total.text,
        "currency": invoice.total.currency,
        "counted": dict(invoice.counted),
    }


def _price(price: Money) -> str:
    """Every digit, and never fewer than two decimals."""
    return max(price.text, f"{price.amount.normalize():f}", key=len)


def _shown_shares(invoice: Invoice, settlement: Settlement) -> list[dict[str, str]]:
    return [
        {
            "party": ids.key_of(share.party),
            "amount": share.amount.text,
            "basis": share.basis,
            "invoice": invoice.id,
        }
        for share in settlement.shares
        if share.amount
    ]


def _shown_earning(one: Earning) -> dict[str, Any]:
    position = Money.of_fen(one.after.position, one.revenue.currency)
    return {
        "deal": ids.key_of(one.deal),
        "product": ids.key_of(one.product),
        "judgement": one.judged_in,
        "shows": one.shows,
        "revenue": one.revenue.text,
        "billed": (one.after.billed - one.before.billed).text,
        "accrued": one.accrued.text,
        "position": position.text,
        "currency": one.revenue.currency,
    }


def _pairs(entry: Entry) -> Iterator[dict[str, str]]:
    """An entry as debit and credit pairs; amounts in red stay negative."""
    red = -1 if entry.lines[0].amount < 0 else 1
    debits = [[line.account, line.amount * red] for line in entry.lines if line.amount * red > 0]
    credits = [[line.account, -line.amount * red] for line in entry.lines if line.amount * red < 0]
    for debit in debits:
        while debit[1] and credits:
            credit = credits[0]
            amount = min(debit[1], credit[1])
            yield {
                "owner": ids.key_of(entry.book).partition(".")[0],
                "id": entry.id,
                "debit": debit[0],
                "credit": credit[0],
                "amount": Money.of_fen(amount * red).text,
            }
            debit[1] -= amount
            credit[1] -= amount
            if not credit[1]:
                credits.pop(0)
