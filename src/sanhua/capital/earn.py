"""Earn 收入: what data earned, in the entity's own accounts, under CAS 14.

Who the principal is, and what kind of promise is sold, finance judges per product in
`books/revenue/<product>.yaml`. From that follows, for each deal and month, how much has been earned
until the month's end:

    billed    what its invoices say, fees and usage of periods that are over
    accrued   days and usage of a billing period that still runs, as if the deal ended that day
    once      a fee paid once: by days over the term (a service, a right of access), or when the
              term begins (a right of use)

What is billed before it is earned is a contract liability 合同负债, what is earned before it is
billed a contract asset 合同资产 (the receivables account, when the chart has none). The month's
entries are the difference to what was said before: a change of the term or of the judgement holds
from its own month, a credit note is written in red, and over the term what was earned is what was
billed, to the fen. A principal shows all of it and others' shares as cost of sales; of an agent's
revenue they are taken off.

A product without a judgement is taken as before there were any: principal, earned when billed; the
close says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated

from sanhua.asset.bill import Invoice, InvoiceLine, billing_period, due_in, lines_of, taxed
from sanhua.asset.contract import UsageContract
from sanhua.asset.price import Plan, Tax, currency_of
from sanhua.asset.revenue import Settlement, others
from sanhua.capital.matching import adding_up, sharing_out
from sanhua.capital.voucher import AccountingPolicy, Voucher, account_of, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ledger import Book, Entry, Line
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import DefinedBy, EvidencedBy, JudgedBy, Ref, record
from sanhua.kernel.time import Period


class Identity(StrEnum):
    """主要责任人, 代理人."""

    PRINCIPAL = "principal"
    AGENT = "agent"


class Obligation(StrEnum):
    """履约义务: a service, a licence that the seller goes on working on (access, 时段), or one as
    it is at the start (use, 时点).
    """

    SERVICE = "service"
    LICENCE_ACCESS = "licence_access"
    LICENCE_USE = "licence_use"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One of the three of CAS 14 art. 34: whether it speaks for the principal, and why."""

    id: str
    holds: bool
    reason: str


@dataclass(frozen=True, slots=True)
class RevenueJudgement:
    """`books/revenue/<product>.yaml`. `plans` names those whose obligation is another."""

    product: str
    entity: str
    origin: Origin
    identity: Identity
    indicators: tuple[Indicator, ...]
    obligation: Obligation
    plans: Mapping[str, Obligation]
    reason: str
    evidence: tuple[str, ...]  # content hashes
    judged_by: str
    judged_on: date


@record("revenue_judgement")
@dataclass(frozen=True, slots=True)
class Judged:
    """收入判断 `revenue:<product>`: what finance judged, and how it is shown and earned by rule.

    `shows` is gross or net; `earned` maps an obligation to "over time" or "at a point".
    """

    id: str
    entity: Annotated[str, Ref("judged_for")]
    product: Annotated[str, Ref("judges")]
    identity: Identity
    shows: str
    indicators: tuple[Indicator, ...]
    obligation: Obligation
    plans: Mapping[str, str]
    earned: Mapping[str, str]
    reason: str
    evidence: tuple[EvidencedBy, ...]
    judged_by: JudgedBy
    judged_on: date
    definition: DefinedBy

    def timing(self, plan: str) -> str:
        """Over time or at a point, for the fixed price of a plan."""
        return self.earned[self.plans.get(plan, self.obligation.value)]


def judge(uow: Uow, said: RevenueJudgement) -> Judged:
    """Keep the judgement with the rules that it was read by on its own day."""
    shows = uow.rules.ask("cas_14", "presentation", on=said.judged_on).value
    timing = uow.rules.ask("cas_14", "timing", on=said.judged_on).value
    kept = Judged(
        ids.node("revenue", said.product),
        ids.node("party", said.entity),
        ids.node("product", said.product),
        said.identity,
        next(str(one["shows"]) for one in shows if one["id"] == said.identity.value),
        said.indicators,
        said.obligation,
        {plan: obligation.value for plan, obligation in said.plans.items()},
        {str(one["id"]): str(one["earned"]) for one in timing},
        said.reason,
        said.evidence,
        ids.node("party", said.judged_by),
        said.judged_on,
        said.origin.sha256,
    )
    uow.add(kept, "revenue.judged", effective_on=said.judged_on)
    return kept


@dataclass(frozen=True, slots=True)
class Standing:
    """What one deal brought in so far, without tax: `owed` to others by invoices, `shared` of what
    was earned.
    """

    billed: Money
    earned: Money
    owed: Mapping[str, Money] = field(default_factory=dict[str, Money])
    shared: Mapping[str, Money] = field(default_factory=dict[str, Money])

    @property
    def position(self) -> int:
        """Fen earned and not billed (a contract asset); negative: billed and not earned."""
        return self.earned.fen - self.billed.fen

    def ahead(self, party: str) -> int:
        """Fen of a party's share that are earned and not yet owed; negative: owed in advance."""
        return _fen(self.shared, party) - _fen(self.owed, party)


@dataclass(frozen=True, slots=True)
class Spread:
    """A fee asked once, by days: `before` was earned before `since`, the rest from there to
    `ends_on`.
    """

    total: Money
    earned: Money
    since: date
    ends_on: date
    before: Money


@record("earning")
@dataclass(frozen=True, slots=True)
class Earning:
    """收入确认 `earning:<deal>/<month>`: what a deal had brought in before a month and at its end.

    `revenue` is the month's, as it is shown (`shows`: gross or net of others' shares); `accrued` is
    what the running billing period had brought in, not billed yet.
    """

    id: str
    deal: Annotated[str, Ref("earned_under")]
    product: str
    provider: str
    consumer: str
    month: str
    dated: date
    showed: str  # what the one before was shown as
    shows: str
    before: Standing
    after: Standing
    revenue: Money
    accrued: Money
    once: Spread | None = None
    judged_in: Annotated[str, Ref("judged_in")] = ""  # empty: principal, when billed, as assumed
    invoice: Annotated[str, Ref("billed_in")] = ""
    settlement: Annotated[str, Ref("shared_in")] = ""
    follows: Annotated[str, Ref("follows")] = ""
    rated_in: tuple[Annotated[str, Ref("rated_in")], ...] = ()


@dataclass(frozen=True, slots=True)
class Served:
    """A deal at the end of a month, as the close knows it.

    `ends` is the first day on which it gives nothing, `term_ends` that of the last deal that amends
    it; `invoices` are all of them with their settlements, in order, the month's own among them.
    """

    contract: UsageContract
    plan: Plan
    begins: date
    ends: date
    term_ends: date
    invoices: Sequence[tuple[Invoice, Settlement]]
    used: Callable[[Period], Mapping[str, int]]
    share: Callable[[Money, Money, Fraction], Mapping[str, Money]]
    rated_in: tuple[str, ...]


def earn(
    served: Served, month: Period, judged: Judged | None, before: Earning | None
) -> Earning | None:
    """What the deal has earned by the end of `month`; None when nothing was or will be.

    Invalid earn.point-with-fee where a right of use is sold for a fee that comes back.
    """
    contract, plan = served.contract, served.plan
    own = [pair for pair in served.invoices if pair[0].period == month.id]
    currency = currency_of(plan)
    invoices = [invoice for invoice, _ in served.invoices]
    billed = Money.sum((invoice.net for invoice in invoices), currency)
    owed = _owed(served.invoices, contract.provider)
    if before is not None:
        stood = before.after
    else:  # what was billed before there was a judgement was revenue at once
        earlier = [pair for pair in served.invoices if pair[0].period != month.id]
        net = Money.sum((invoice.net for invoice, _ in earlier), currency)
        was = _owed(earlier, contract.provider)
        stood = Standing(net, net, was, was)
    accrued, once, shared = Money(Decimal(), currency), None, owed
    earned = billed
    if judged is not None:
        accrued, part = _running(served, month, judged)
        once = _once(served, month, judged, before)
        if once is not None and _is_billed(served, month):
            earned = billed - once.total + once.earned + accrued
        else:
            earned = billed + (once.earned if once else accrued * 0) + accrued
        ahead = earned - billed
        more = served.share(
            *_with_tax(ahead, contract.terms.tax), part if ahead.fen > 0 else Fraction()
        )
        shared = _added(owed, more)
    after = Standing(billed, earned, owed, shared)
    if not own and after == stood:
        return None
    shows = judged.shows if judged else "gross"
    return Earning(
        ids.node("earning", f"{ids.key_of(contract.id)}/{month.id}"),
        contract.id,
        contract.product,
        contract.provider,
        contract.consumer,
        month.id,
        month.through,
        before.shows if before else shows,
        shows,
        stood,
        after,
        _shown(after, shows) - _shown(stood, shows),
        accrued,
        once,
        judged.id if judged else "",
        own[0][0].id if own else "",
        own[0][1].id if own else "",
        before.id if before else "",
        served.rated_in if accrued else (),
    )


def _running(served: Served, month: Period, judged: Judged) -> tuple[Money, Fraction]:
    """What the billing period that the month's end falls into has brought in so far, without tax,
    and the part of it that is over; nothing once it was due.
    """
    plan, until = served.plan, min(served.ends, month.ends_on)
    period = billing_period(plan, month.starts_on)
    zero = Money(Decimal(), currency_of(plan)), Fraction()
    due = due_in(period, served.begins, served.ends)
    if (
        until <= served.begins
        or served.ends <= period.starts_on
        or due.starts_on <= month.starts_on
    ):
        return zero
    if plan.fee or plan.minimum:
        _must_be_over_time(served.contract, judged)
    lines = lines_of(
        _by_day(plan, period, served.begins, served.ends),
        period,
        served.begins,
        until,
        served.used(period),
    )
    if not lines:
        return zero
    over = (until - max(served.begins, period.starts_on)).days
    return taxed(lines, served.contract.terms.tax)[0], Fraction(
        over, (period.ends_on - period.starts_on).days
    )


def _must_be_over_time(contract: UsageContract, judged: Judged) -> None:
    plan = contract.terms.plan.id
    if judged.timing(plan) != "over time":
        raise Invalid(
            "earn.point-with-fee", node=judged.id, plan=plan, deal=ids.key_of(contract.id)
        )


def _by_day(plan: Plan, period: Period, begins: date, ends: date) -> Plan:
    """The plan without what is asked once, such that days count: what is not prorated is spread
    over the days in force.
    """
    plan = replace(plan, once=None)
    if plan.proration != "none":
        return plan
    whole = (period.ends_on - period.starts_on).days
    days = (min(ends, period.ends_on) - max(begins, period.starts_on)).days

    def spread(amounts: Mapping[str, Money]) -> dict[str, Money]:
        return {
            key: Money(EXACT.divide((one * whole).amount, Decimal(days)), one.currency)
            for key, one in amounts.items()
        }

    included = {unit: count * whole // days for unit, count in plan.included.items()}
    return replace(
        plan,
        proration="day",
        fee=spread(plan.fee),
        minimum=spread(plan.minimum),
        cap=spread(plan.cap),
        included=included,
    )


def _once(served: Served, month: Period, judged: Judged, before: Earning | None) -> Spread | None:
    """The fee asked once and what of it is earned at the month's end.

    A term that changes is spread anew from the month in which it did (CAS 14 art. 8).
    """
    plan = served.plan
    if plan.once is None or not plan.once.fen or served.begins >= month.ends_on:
        return None
    total = taxed([_line(plan.once, month)], served.contract.terms.tax)[0]
    zero = total * 0
    kept = before.once if before else None
    since, ends, past = served.begins, served.term_ends, zero
    if kept is not None and (kept.ends_on, kept.total) == (ends, total):
        since, past = kept.since, kept.before
    elif kept is not None:
        since, past = month.starts_on, kept.earned
    days, whole = (min(ends, month.ends_on) - since).days, (ends - since).days
    if judged.timing(served.contract.terms.plan.id) == "at a point" or days >= whole:
        return Spread(total, total, since, ends, past)
    left = (total - past).fen
    fen = (2 * abs(left) * days + whole) // (2 * whole)  # half up, away from zero
    earned = past + Money.of_fen(fen if left > 0 else -fen, total.currency)
    return Spread(total, earned, since, ends, past)


def _line(amount: Money, month: Period) -> InvoiceLine:
    return InvoiceLine("once", Decimal(1), amount, amount, month.id)


def _is_billed(served: Served, month: Period) -> bool:
    """Whether the bill that asks what is asked once has been drawn up."""
    first = billing_period(served.plan, served.begins)
    return due_in(first, served.begins, served.ends).starts_on <= month.starts_on


def _with_tax(net: Money, tax: Tax) -> tuple[Money, Money]:
    return net, (net * (1 + tax.rate)).posted()


def _owed(pairs: Iterable[tuple[Invoice, Settlement]], provider: str) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for _, settlement in pairs:
        found = _added(found, others(settlement, provider))
    return found


def _added(left: Mapping[str, Money], right: Mapping[str, Money]) -> dict[str, Money]:
    found = dict(left)
    for party, amount in right.items():
        found[party] = found[party] + amount if party in found else amount
    return found


def _shown(standing: Standing, shows: str) -> Money:
    """The revenue so far."""
    parts = standing.shared.values() if shows == "net" else ()
    return standing.earned - Money.sum(parts, standing.earned.currency)


def _fen(amounts: Mapping[str, Money], party: str) -> int:
    return amounts[party].fen if party in amounts else 0


# The entity's entries

_USED = (
    "receivables", "revenue", "output_tax", "cost_of_sales", "payables", "contract_asset",
    "contract_liability", "contract_cost",
)  # fmt: skip


def assumed(invoice: Invoice, settlement: Settlement) -> Earning:
    """The earning of an invoice that was kept before earnings were: a principal's, when billed."""
    zero = invoice.net * 0
    owed = others(settlement, invoice.provider)
    return Earning(
        "",
        invoice.deal,
        invoice.product,
        invoice.provider,
        invoice.consumer,
        invoice.period,
        invoice.dated,
        "gross",
        "gross",
        Standing(zero, zero),
        Standing(invoice.net, invoice.net, owed, owed),
        invoice.net,
        zero,
        None,
        "",
        invoice.id,
        settlement.id,
    )


def earned(
    earning: Earning,
    invoice: Invoice | None,
    settlement: Settlement | None,
    policy: AccountingPolicy,
    book: Book,
) -> list[Entry]:
    """The entity's entries of an earning: the invoice's, the shares', and what was released or
    accrued; red (negative on the same sides) for a credit note.
    """
    code = _codes(policy, earning.shows)
    consumer, product = ids.key_of(earning.consumer), ids.key_of(earning.product)
    before, after = earning.before, earning.after
    billed, brought = after.billed.fen - before.billed.fen, after.earned.fen - before.earned.fen
    direct = _common(billed, brought)
    between = before.position - (billed - direct)
    bill = _Lines(code)
    if invoice is not None:
        bill.add("receivables", invoice.total.fen, consumer)
        bill.add("revenue", -direct, product)
        bill.add("output_tax", -invoice.tax.fen)
        bill.move("contract_asset", "contract_liability", before.position, between, consumer)
    share: dict[str, _Lines] = {}
    rest = _Lines(code)
    rest.move("contract_asset", "contract_liability", between, after.position, consumer)
    rest.add("revenue", -(brought - direct), product)
    for party in dict.fromkeys((*before.shared, *before.owed, *after.shared, *after.owed)):
        name = ids.key_of(party)
        owed = _fen(after.owed, party) - _fen(before.owed, party)
        part = _fen(after.shared, party) - _fen(before.shared, party)
        at_once = _common(owed, part)
        middle = before.ahead(party) - (owed - at_once)
        lines = share.setdefault(name, _Lines(code))
        lines.add("cost_of_sales", at_once, product)
        lines.deferred(before.ahead(party), middle, product, name)
        lines.add("payables", -owed, name)
        rest.add("cost_of_sales", part - at_once, product)
        rest.deferred(middle, after.ahead(party), product, name)
        if earning.showed != earning.shows:
            carried = max(-before.ahead(party), 0)
            rest.add("contract_cost", carried, product)
            rest.take(_codes(policy, earning.showed)["contract_cost"], carried, product)
    made: list[Entry] = []
    dated, month = earning.dated, earning.month
    if invoice is not None and settlement is not None:
        said = f"数据产品收入 {product} {month}"
        made.append(_entry(book, invoice.dated, invoice.id, bill, said, consumer))
        for name, lines in share.items():
            said = f"数据收益分配 {name} {month}"
            made.append(_entry(book, invoice.dated, settlement.id, lines, said, name))
    said = f"数据产品收入确认 {product} {month}"
    made.append(_entry(book, dated, earning.id, rest, said, consumer))
    return [entry for entry in made if entry.lines]


def _codes(policy: AccountingPolicy, shows: str) -> dict[str, str]:
    """The accounts of an earning's entries by role; what others get of it is no cost of an agent,
    but no revenue.
    """
    code = {role: account_of(policy, role) for role in _USED}
    if role_of(policy, code["contract_asset"]) != "contract_asset":
        code["contract_asset"] = code["receivables"]
    if shows == "net":
        code |= {"cost_of_sales": code["revenue"], "contract_cost": code["contract_liability"]}
    return code


def _common(left: int, right: int) -> int:
    """What two amounts have in common on the same side."""
    if left * right <= 0:
        return 0
    return min(left, right) if left > 0 else max(left, right)


class _Lines:
    """Lines by account and memo, in the order first met."""

    def __init__(self, code: Mapping[str, str]) -> None:
        self._code = code
        self._found: dict[tuple[str, str], int] = {}

    def add(self, role: str, fen: int, memo: str = "") -> None:
        self.take(self._code[role], -fen, memo)

    def take(self, account: str, fen: int, memo: str) -> None:
        self._found[account, memo] = self._found.get((account, memo), 0) - fen

    def move(self, asset: str, liability: str, before: int, after: int, memo: str) -> None:
        """A balance goes from one amount to another: the asset's while it is positive."""
        self.add(asset, max(after, 0) - max(before, 0), memo)
        self.add(liability, min(after, 0) - min(before, 0), memo)

    def deferred(self, before: int, after: int, product: str, party: str) -> None:
        """A party's share: accrued as payable while it is ahead, else carried as a cost of the
        contract.
        """
        self.add("payables", max(before, 0) - max(after, 0), party)
        self.add("contract_cost", max(-after, 0) - max(-before, 0), product)

    def lines(self) -> tuple[Line, ...]:
        return tuple(
            Line(account, fen, memo) for (account, memo), fen in self._found.items() if fen
        )


def _entry(book: Book, dated: date, source: str, said: _Lines, summary: str, party: str) -> Entry:
    name = ids.derived("pst", book.id, source, summary)
    return Entry(name, book.id, dated, said.lines(), source, summary, party)


def lacking(policy: AccountingPolicy, entries: Iterable[Entry]) -> list[str]:
    """The roles that `entries` need and the chart does not map to an account."""
    asked = {line.account for entry in entries for line in entry.lines}
    return sorted(account for account in asked if not role_of(policy, account))


def confirmed(
    vouchers: Iterable[Voucher], entries: Iterable[Entry], policy: AccountingPolicy
) -> dict[str, tuple[str, ...]]:
    """Voucher → the entries of closes that it is the ERP's booking of, so that it is not posted
    again: it says what one of them or several together say, account for account as the chart
    covers them, in their month or later, and its party is theirs where both name one. What is left
    may be said by several vouchers together, too. A red voucher that takes all of one back belongs
    to it, and what it had booked waits to be booked again.

    Amounts alone say which: where they fit in several ways, the earlier entry is taken first, and
    as many vouchers as can be are matched. Several vouchers for several entries, none of which adds
    up by itself, confirm nothing; nor does what `matching` gives up on. Such vouchers are told as
    `voucher.period-closed`, `amortisation.twice` or by `close.book-differs`; entered in the ERP
    entry by entry, as proposed, they match.
    """
    waiting = sorted(entries, key=lambda entry: (entry.effective_on, entry.id))
    alike = _Alike(waiting, policy)
    found: dict[str, tuple[str, ...]] = {}
    left = sorted(vouchers, key=lambda voucher: (voucher.dated, voucher.id))
    back = {red.reverses: red for red in left if red.reverses}
    for voucher in list(left):
        red = back.get(voucher.id)
        if red is None or voucher.id in found or red.id in found:
            continue
        if _said(red, policy) != _said(voucher, policy, -1):
            continue
        same = alike.first(voucher)
        if taken := [same] if same else _says_all_of(voucher, waiting, policy):
            found[voucher.id] = found[red.id] = tuple(entry.id for entry in taken)
    left = [voucher for voucher in left if voucher.id not in found]
    booked: set[str] = set()
    for voucher in left:  # one voucher an entry
        if same := alike.first(voucher):
            found[voucher.id] = (same.id,)
            booked.add(same.id)
            alike.take(same)
    left = [voucher for voucher in left if voucher.id not in found]
    waiting = [entry for entry in waiting if entry.id not in booked]
    said, says = [_said(v, policy) for v in left], [_of(e, policy) for e in waiting]
    several = sharing_out(said, says, lambda v, e: _may_book(left[v], waiting[e]))
    for n, places in several.items():  # then one for several
        found[left[n].id] = tuple(waiting[place].id for place in places)
    done = {place for places in several.values() for place in places}
    open_ = [entry for place, entry in enumerate(waiting) if place not in done]
    parts = [voucher for n, voucher in enumerate(left) if n not in several]
    said, says = [_said(v, policy) for v in parts], [_of(e, policy) for e in open_]
    together = sharing_out(says, said, lambda e, v: _may_book(parts[v], open_[e]))
    for n, places in together.items():  # several vouchers for one entry
        found |= {parts[place].id: (open_[n].id,) for place in places}
    return found


class _Alike:
    """Entries by what they say and by their month, in order of their days."""

    def __init__(self, entries: Iterable[Entry], policy: AccountingPolicy) -> None:
        self.policy = policy
        self.held: dict[frozenset[tuple[str, int]], dict[tuple[int, int], list[Entry]]] = {}
        for entry in entries:
            self._of(_of(entry, policy)).setdefault(_month(entry.effective_on), []).append(entry)

    def _of(self, says: Counter[str]) -> dict[tuple[int, int], list[Entry]]:
        return self.held.setdefault(frozenset(says.items()), {})

    def first(self, voucher: Voucher) -> Entry | None:
        """One that the voucher says, of its own month before any other."""
        months = self._of(_said(voucher, self.policy))
        fit = (e for m in (_month(voucher.dated), *months) for e in months.get(m, ()))
        return next((entry for entry in fit if _may_book(voucher, entry)), None)

    def take(self, entry: Entry) -> None:
        self._of(_of(entry, self.policy))[_month(entry.effective_on)].remove(entry)


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month


def _says_all_of(
    voucher: Voucher, waiting: Iterable[Entry], policy: AccountingPolicy
) -> list[Entry]:
    fit = [entry for entry in waiting if _may_book(voucher, entry)]
    taken = adding_up(_said(voucher, policy), [_of(entry, policy) for entry in fit])
    return [fit[place] for place in taken or ()]


def _may_book(voucher: Voucher, entry: Entry) -> bool:
    """In its month or later, for the same party where both name one."""
    parties = {line.party for line in voucher.lines if line.party}
    other = parties and entry.party and entry.party not in parties
    return voucher.dated >= entry.effective_on.replace(day=1) and not other


def _said(voucher: Voucher, policy: AccountingPolicy, sign: int = 1) -> Counter[str]:
    lines = voucher.lines
    return _by_role(policy, ((line.account, sign * line.amount.fen) for line in lines))


def _of(entry: Entry, policy: AccountingPolicy) -> Counter[str]:
    return _by_role(policy, ((line.account, line.amount) for line in entry.lines))


def _by_role(policy: AccountingPolicy, lines: Iterable[tuple[str, int]]) -> Counter[str]:
    found = Counter[str]()
    for account, fen in lines:
        found[role_of(policy, account) or account] += fen
    return Counter({role: fen for role, fen in found.items() if fen})
