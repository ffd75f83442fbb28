"""Allocate 费用分摊: a shared cost divided over projects by a key, exact to the fen.

A pool 归集池 is what stands on an account and project code in a period, or on vouchers that are
named. It is divided by fixed shares, by hours or people of the timesheets, or by what the platform
counted: rows or bytes of tables, calls or rows that were sold. A receiver is a project, or another
allocation (`allocation:team`), whose pool grows by it: each is worked out after those that feed it.
Where they feed each other in a circle nothing is divided at all.

Each amount of the pool goes to the receivers by `Money.split`; what comes out is a voucher that the
ERP is asked to enter. A voucher that moves the pool's account to other projects is the ERP's own
booking: it is no spending of the pool, and has to say the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from sanhua.capital.cost import COST_ROLES, TIMESHEET, Paper
from sanhua.capital.recognise import Judged
from sanhua.capital.voucher import AccountingPolicy, Voucher, covers, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import DefinedBy, EvidencedBy, HeldBy, JudgedBy, Ref, SummedFrom, record
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period

Facts = dict[str, Any]
KEYS = ("fixed", "hours", "headcount", "rows", "bytes", "calls", "sold_rows")
PLATFORM_KEYS = ("rows", "bytes", "calls", "sold_rows")  # counted by the platform, not in the books
FEEDS = "allocation:"


@dataclass(frozen=True, slots=True)
class Allocation:
    """`books/allocations/<id>.yaml`. `receivers` maps a project, or `allocation:<id>`, to its share
    (fixed), its people (headcount, when given) or the tables or products that are counted for it;
    `into` the account to debit, of a project or ("") of all.
    """

    id: str
    entity: str
    title: Text
    period: Period
    key: str
    receivers: Mapping[str, tuple[str, ...]]
    judged: Judged
    evidence: tuple[Evidence, ...]
    origin: Origin
    account: str = ""
    project: str = ""
    vouchers: tuple[str, ...] = ()
    booked: str = ""  # the number of the ERP's voucher
    into: Mapping[str, str] = field(default_factory=dict[str, str])

    def account_for(self, receiver: str) -> str:
        """The account that a receiver is debited on; empty: the pool's own."""
        return self.into.get(receiver, self.into.get("", ""))

    @property
    def feeds(self) -> tuple[str, ...]:
        """The allocations whose pools this one adds to."""
        return tuple(one.removeprefix(FEEDS) for one in self.receivers if one.startswith(FEEDS))


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the pool has from a voucher's lines on one account, or from another allocation."""

    node: SummedFrom
    account: str
    project: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Share:
    """A receiver's weight under the key, and its part on each account of the pool."""

    receiver: str
    basis: Decimal
    amounts: Mapping[str, Money]
    counted: tuple[Annotated[str, Ref("measured_from")], ...] = ()

    @property
    def amount(self) -> Money:
        return Money.sum(self.amounts.values())


@record("allocation")
@dataclass(frozen=True, slots=True)
class Allocated:
    """分摊 `allocation:cloud_2025_03`: a pool, the key and what each receiver has of it.

    `booked` is the ERP's voucher that says the same. What the platform counted is kept as it was
    when the pool was first divided: what a table holds later does not move a closed month.
    """

    id: str
    entity: HeldBy
    period: str
    key: str
    pool: Money
    drawn: tuple[Drawn, ...]
    shares: tuple[Share, ...]
    judged_by: JudgedBy
    judged_on: date
    file: DefinedBy
    evidence: tuple[EvidencedBy, ...]
    booked: Annotated[str, Ref("booked_in")] = ""
    counted_on: date | None = None  # when the platform's count was taken

    def lines(self) -> list[tuple[str, str, Money]]:
        """The voucher for the ERP: (account, project, amount, debit positive)."""
        found: dict[tuple[str, str], Money] = {}
        for share in self.shares:
            for account, amount in share.amounts.items():
                _add(found, (account, share.receiver), amount)
        for one in self.drawn:
            if one.amount:
                _add(found, (one.account, one.project), -one.amount)
        return [
            (account, project, amount) for (account, project), amount in found.items() if amount
        ]


@dataclass(slots=True)
class Divided:
    """`waiting` are vouchers that move the pool of one that is not divided yet, with its node."""

    allocations: list[Allocated] = field(default_factory=list[Allocated])
    waiting: dict[str, str] = field(default_factory=dict[str, str])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def booked(self) -> dict[str, str]:
        """Voucher → the allocation that it is the ERP's booking of, or may be."""
        return self.waiting | {one.booked: one.id for one in self.allocations if one.booked}


Weigh = Callable[[Allocation, str], tuple[Decimal, tuple[str, ...]]]


def circles(plans: Mapping[str, Allocation]) -> list[tuple[str, ...]]:
    """The allocations that feed each other, each circle once, from its first by name."""
    found: list[tuple[str, ...]] = []
    settled: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = path[path.index(name) :]
            turn = circle.index(min(circle))
            circle = circle[turn:] + circle[:turn]
            if circle not in found:
                found.append(circle)
        elif name not in settled:
            for fed in plans[name].feeds:
                if fed in plans:
                    walk(fed, (*path, name))
            settled.add(name)

    for name in sorted(plans):
        walk(name, ())
    return found


def in_order(plans: Mapping[str, Allocation]) -> list[Allocation]:
    """Each after all that feed it; there is no circle."""
    fed_by: dict[str, list[str]] = defaultdict(list)
    for plan in plans.values():
        for fed in plan.feeds:
            fed_by[fed].append(plan.id)
    found: dict[str, Allocation] = {}

    def take(name: str) -> None:
        for before in sorted(fed_by[name]):
            if before in plans and before not in found:
                take(before)
        found.setdefault(name, plans[name])

    for name in sorted(plans):
        take(name)
    return list(found.values())


def allocate(
    plans: Mapping[str, Allocation],
    vouchers: Sequence[Voucher],
    papers: Sequence[Paper],
    policy: AccountingPolicy,
    counted: Weigh | None = None,
    currency: str = "CNY",
) -> Divided:
    """Divide every pool of one entity; nothing when some feed each other in a circle.

    `counted` says what the platform counted for a receiver and the records that say so; without it
    allocations by such keys, and those that they feed, are left out.
    """
    made = Divided()
    for circle in circles(plans):
        plan = plans[circle[0]]
        _tell(made, plan, "allocation.circular", circle=" → ".join((*circle, circle[0])))
    if made.diagnostics:
        return made
    fed: dict[str, list[Drawn]] = defaultdict(list)
    left_out: set[str] = set()
    for plan in in_order(plans):
        waits = plan.key in PLATFORM_KEYS and counted is None
        if waits or plan.id in left_out:
            left_out |= {plan.id, *plan.feeds}
            for voucher in vouchers:
                if _may_book(plan, voucher, policy):
                    made.waiting[voucher.id] = ids.node("allocation", plan.id)
            continue
        done = _divide(plan, plans, vouchers, papers, policy, counted, fed, made, currency)
        if done is None:
            left_out |= {plan.id, *plan.feeds}
        else:
            made.allocations.append(done)
    return made


def _divide(
    plan: Allocation,
    plans: Mapping[str, Allocation],
    vouchers: Sequence[Voucher],
    papers: Sequence[Paper],
    policy: AccountingPolicy,
    counted: Weigh | None,
    fed: dict[str, list[Drawn]],
    made: Divided,
    currency: str,
) -> Allocated | None:
    drawn = [*_drawn(plan, vouchers, policy, currency), *fed[plan.id]]
    pool = Money.sum((one.amount for one in drawn), currency)
    if pool.fen <= 0:
        facts: Facts = {"period": plan.period.id, "amount": pool.text}
        _tell(made, plan, "allocation.empty-pool", severity=Severity.WARNING, **facts)
        return None
    weighed = {one: _weight(plan, one, papers, counted) for one in plan.receivers}
    if sum(weight for weight, _ in weighed.values()) <= 0:
        facts: Facts = {"key": plan.key, "period": plan.period.id}
        _tell(made, plan, "allocation.no-basis", severity=Severity.WARNING, **facts)
        return None
    weights = [weight for weight, _ in weighed.values()]
    by_account: dict[str, Money] = {}
    for one in drawn:
        _add(by_account, one.account, one.amount)
    split = {account: _split(amount, weights) for account, amount in by_account.items()}
    whole = _split(pool, weights)
    shares: list[Share] = []
    node = ids.node("allocation", plan.id)
    for n, (receiver, (weight, nodes)) in enumerate(weighed.items()):
        name, into = receiver, plan.account_for(receiver)
        if receiver.startswith(FEEDS):
            fed_one = plans[receiver.removeprefix(FEEDS)]
            name, into = fed_one.project, fed_one.account
            fed[fed_one.id].append(Drawn(node, into, name, whole[n]))
        own = {account: parts[n] for account, parts in split.items() if parts[n]}
        amounts = {into: whole[n]} if into and whole[n] else own
        shares.append(Share(name, weight, amounts, nodes))
    done = Allocated(
        node,
        ids.node("party", plan.entity),
        plan.period.id,
        plan.key,
        pool,
        tuple(drawn),
        tuple(shares),
        ids.node("party", plan.judged.by),
        plan.judged.date,
        plan.origin.sha256,
        tuple(one.sha256 for one in plan.evidence),
    )
    return _booked(plan, done, vouchers, policy, made)


def _drawn(
    plan: Allocation, vouchers: Sequence[Voucher], policy: AccountingPolicy, currency: str
) -> list[Drawn]:
    """The spending that stands in the pool, a line an account of a voucher."""
    found: list[Drawn] = []
    for voucher in vouchers:
        if plan.vouchers:
            if voucher.number not in plan.vouchers:
                continue
        elif voucher.dated not in plan.period or _moves(voucher, policy):
            continue
        sums: dict[tuple[str, str], Money] = {}
        for line in voucher.lines:
            if line.amount.currency == currency and _in_pool(
                plan, line.account, line.project, policy
            ):
                _add(sums, (line.account, line.project), line.amount)
        found += [Drawn(voucher.id, *of, amount) for of, amount in sums.items() if amount]
    return found


def _in_pool(plan: Allocation, account: str, project: str, policy: AccountingPolicy) -> bool:
    if plan.account and not covers(plan.account, account):
        return False
    if (plan.project or not plan.vouchers) and plan.project != project:
        return False
    return bool(plan.account) or role_of(policy, account) in COST_ROLES


def _moves(voucher: Voucher, policy: AccountingPolicy) -> bool:
    """Whether it only moves cost from one project to others: nothing is paid or owed by it."""
    several = len({line.project for line in voucher.lines}) > 1
    return several and all(role_of(policy, line.account) in COST_ROLES for line in voucher.lines)


def _may_book(plan: Allocation, voucher: Voucher, policy: AccountingPolicy) -> bool:
    if plan.booked:
        return voucher.number == plan.booked
    out = [line for line in voucher.lines if line.amount.fen < 0]
    drawn = any(_in_pool(plan, line.account, line.project, policy) for line in out)
    return drawn and voucher.dated in plan.period and _moves(voucher, policy)


def _weight(
    plan: Allocation, receiver: str, papers: Sequence[Paper], counted: Weigh | None
) -> tuple[Decimal, tuple[str, ...]]:
    said = plan.receivers[receiver]
    if plan.key == "fixed" or (plan.key == "headcount" and said):
        return Decimal(said[0].removesuffix("%")), ()
    if plan.key in ("hours", "headcount"):
        rows = [
            paper
            for paper in papers
            if paper.kind == TIMESHEET
            and paper.dated in plan.period
            and paper.project in (said or (receiver,))
        ]
        if plan.key == "hours":
            return sum((row.hours for row in rows), Decimal()), ()
        return Decimal(len({row.person for row in rows})), ()
    assert counted is not None  # left out before
    return counted(plan, receiver)


def _booked(
    plan: Allocation,
    done: Allocated,
    vouchers: Sequence[Voucher],
    policy: AccountingPolicy,
    made: Divided,
) -> Allocated | None:
    """With the ERP's voucher for it: the one that the file names, else the one that says the same;
    one that moves the pool otherwise is told.
    """
    wanted = {(account, project): amount.fen for account, project, amount in done.lines()}
    sources = {(one.account, one.project) for one in done.drawn}
    near: Voucher | None = None
    for voucher in vouchers:
        if plan.booked and voucher.number != plan.booked:
            continue
        if not plan.booked and (voucher.dated not in plan.period or not _moves(voucher, policy)):
            continue
        said = Counter[tuple[str, str]]()
        for line in voucher.lines:
            said[line.account, line.project] += line.amount.fen
        if {of: fen for of, fen in said.items() if fen} == wanted:
            return replace(done, booked=voucher.id)
        if plan.booked or any(said[source] < 0 for source in sources):
            near = near or voucher
    if near is not None:
        at = Origin(near.path, near.lines[0].line)
        facts: Facts = {
            "number": near.number,
            "allocation": plan.id,
            "pool": done.pool.text,
        }
        _tell(made, plan, "cost.allocated-otherwise", at=at, of=near.id, **facts)
    elif plan.booked:
        _tell(made, plan, "allocation.no-such-voucher", value=plan.booked)
        return None
    return done


def _split(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    if amount.fen >= 0:
        return amount.split(weights)
    return [-part for part in (-amount).split(weights)]


def _add(to: dict[Any, Money], key: Any, amount: Money) -> None:
    to[key] = to[key] + amount if key in to else amount


def _tell(
    made: Divided,
    plan: Allocation,
    code: str,
    *,
    at: Origin | None = None,
    of: str = "",
    severity: Severity = Severity.ERROR,
    **facts: Any,
) -> None:
    place = at or plan.origin
    node = of or ids.node("allocation", plan.id)
    made.diagnostics.append(
        Diagnostic(severity, code, place.path, place.line, node=node, facts=facts)
    )


def keep(uow: Uow, done: Iterable[Allocated]) -> int:
    """Keep what was divided; how many were new or changed."""
    return sum(uow.add(one, "cost.allocated") is not None for one in done)
