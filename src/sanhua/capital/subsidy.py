"""Subsidies 政府补助: `books/subsidies/<id>.yaml`, by CAS 16.

    for an asset   deferred income 递延收益, released as the asset is amortised: the part of what
                   was left to amortise that the month charged, the rest when the asset goes
    for past cost  other income 其他收益 at once
    cost to come   deferred income, released by days over the time that it is for

Nothing is released while a condition 所附条件 is not met; what had been waiting follows in the
month in which the last one is. What is certain and not received yet is a receivable. The ERP books
what comes in, by a voucher that is named here; where it credits tells what stands there. What must
be paid back is taken from what is still deferred, then from profit or loss.

Taking a grant off the asset's cost (净额法) is not built, and refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any

from sanhua.capital.measure import Carrying, Layer
from sanhua.capital.voucher import AccountingPolicy, Voucher, account_of, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.ledger import Book, Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import DefinedBy, EvidencedBy, JudgedBy, Ref, record
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months


class Purpose(StrEnum):
    """与资产相关; 与收益相关, for cost already incurred or to come."""

    ASSET = "asset"
    PAST_COST = "past_cost"
    COST_TO_COME = "cost_to_come"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came in on a day, by a voucher of the ERP (its number)."""

    on: date
    amount: Money
    voucher: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """What the grant asks for: until when, and since when it is met."""

    text: str
    due: date | None = None
    met: date | None = None
    evidence: tuple[EvidencedBy, ...] = ()


@dataclass(frozen=True, slots=True)
class Repayment:
    on: date
    amount: Money
    reason: str
    evidence: tuple[EvidencedBy, ...] = ()


@dataclass(frozen=True, slots=True)
class Subsidy:
    """A grant as its file says it; `spans` is the time (half-open) that it is for, of cost to
    come.
    """

    id: str
    title: Text
    entity: str
    origin: Origin
    payer: str
    purpose: Purpose
    amount: Money
    asset: str = ""
    certain_on: date | None = None  # receivable from this day
    receipts: tuple[Receipt, ...] = ()
    conditions: tuple[Condition, ...] = ()
    spans: tuple[date, date] | None = None
    repayments: tuple[Repayment, ...] = ()
    evidence: tuple[str, ...] = ()
    judged_by: str = ""
    judged_on: date | None = None


@record("subsidy")
@dataclass(frozen=True, slots=True)
class Grant:
    """`subsidy:<id>`: the grant with the rules and the vouchers that it came by."""

    id: str
    title: Text
    entity: Annotated[str, Ref("granted_to")]
    payer: str
    purpose: Purpose
    amount: Money
    asset: Annotated[str, Ref("subsidises")]
    received_by: tuple[Annotated[str, Ref("received_by")], ...]
    conditions: tuple[Condition, ...]
    repayments: tuple[Repayment, ...]
    evidence: tuple[EvidencedBy, ...]
    judged_by: JudgedBy
    judged_on: date
    definition: DefinedBy


class Move(StrEnum):
    """What happened to a grant."""

    DUE = "due"  # a receivable
    RECEIVED = "received"  # into deferred income
    AT_ONCE = "at_once"  # booked as other income by the ERP itself
    SETTLED = "settled"  # of the receivable
    RELEASED = "released"  # to other income
    REPAID = "repaid"


@dataclass(frozen=True, slots=True)
class Moved:
    """`deferred` and `income` are what it adds to deferred income and to other income."""

    day: date
    move: Move
    deferred: Money
    income: Money
    source: str  # the ERP's voucher, or the grant


@dataclass(frozen=True, slots=True)
class Granted:
    """One grant's movements until a day."""

    subsidy: Subsidy
    movements: tuple[Moved, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    def deferred(self, before: date) -> Money:
        """What is deferred at the start of the day."""
        return self._sum(m.deferred for m in self.movements if m.day < before)

    def income(self, period: Period) -> Money:
        """What the period took to other income."""
        return self._sum(m.income for m in self.movements if m.day in period)

    def received(self, period: Period) -> Money:
        """What came in, or was due, in the period."""
        moves = (Move.DUE, Move.RECEIVED, Move.AT_ONCE)
        return self._sum(
            m.deferred + m.income for m in self.movements if m.day in period and m.move in moves
        )

    def repaid(self, period: Period) -> Money:
        found = (m for m in self.movements if m.day in period and m.move is Move.REPAID)
        return -self._sum(m.deferred + m.income for m in found)

    def _sum(self, amounts: Iterable[Money]) -> Money:
        return Money.sum(amounts, self.subsidy.amount.currency)


def freeze(uow: Uow, said: Subsidy, vouchers: Sequence[Voucher]) -> Grant:
    """Keep the grant with the rules that it is treated by."""
    on = min((one.on for one in said.receipts), default=said.judged_on or said.certain_on)
    assert on is not None  # the file has one of them
    for rule in ("recognised_when", "asset_methods", "rest_follows_disposal", "past_cost_at_once",
                 "repaid_from_deferred_first"):  # fmt: skip
        uow.rules.ask("cas_16", rule, on=on)
    numbers = {voucher.number: voucher.id for voucher in vouchers}
    kept = Grant(
        ids.node("subsidy", said.id),
        said.title,
        ids.node("party", said.entity),
        said.payer,
        said.purpose,
        said.amount,
        ids.node("asset", said.asset) if said.asset else "",
        tuple(numbers[one.voucher] for one in said.receipts if one.voucher in numbers),
        said.conditions,
        said.repayments,
        said.evidence,
        ids.node("party", said.judged_by),
        said.judged_on or on,
        said.origin.sha256,
    )
    uow.add(kept, "subsidy.granted", effective_on=on)
    return kept


def treat(
    said: Subsidy,
    vouchers: Sequence[Voucher],
    policy: AccountingPolicy,
    carrying: Carrying | None,
    on: date,
) -> Granted:
    """The grant's movements until and including `on`; `carrying` is the asset's, of a grant for
    one.
    """
    treated = _Treating(said, policy, carrying, on)
    treated.come_in({voucher.number: voucher for voucher in vouchers})
    treated.go()
    return Granted(said, tuple(treated.movements), tuple(treated.found))


_CREDITED = ("deferred_income", "other_income", "other_receivables")


class _Treating:
    def __init__(
        self, said: Subsidy, policy: AccountingPolicy, carrying: Carrying | None, on: date
    ) -> None:
        self.said, self.policy, self.carrying, self.on = said, policy, carrying, on
        self.zero = said.amount * 0
        self.node = ids.node("subsidy", said.id)
        self.movements: list[Moved] = []
        self.found: list[Diagnostic] = []
        self.left = self.zero  # deferred

    def come_in(self, vouchers: Mapping[str, Voucher]) -> None:
        """What was due and what was received, as the ERP's vouchers say."""
        certain = self.said.certain_on
        early = [one for one in self.said.receipts if certain and one.on <= certain]
        due = self.said.amount - Money.sum((one.amount for one in early), self.zero.currency)
        if certain is not None and certain <= self.on and due.fen > 0:
            self._move(certain, Move.DUE, due, self.zero, self.node)
        for receipt in self.said.receipts:
            voucher = vouchers.get(receipt.voucher)
            if receipt.on > self.on or voucher is None:
                continue
            credited: dict[str, int] = dict.fromkeys(_CREDITED, 0)
            for line in voucher.lines:
                role = role_of(self.policy, line.account)
                if role in credited:
                    credited[role] -= line.amount.fen
            if sum(credited.values()) != receipt.amount.fen or min(credited.values()) < 0:
                self._warn("subsidy.voucher-differs", receipt, voucher, credited)
                continue
            for role, fen in credited.items():
                amount = Money.of_fen(fen, self.zero.currency)
                if not fen:
                    continue
                if role == "deferred_income":
                    self._move(voucher.dated, Move.RECEIVED, amount, self.zero, voucher.id)
                elif role == "other_receivables":
                    self._move(voucher.dated, Move.SETTLED, self.zero, self.zero, voucher.id)
                elif self.said.purpose is Purpose.PAST_COST:
                    self._move(voucher.dated, Move.AT_ONCE, self.zero, amount, voucher.id)
                else:
                    self._warn("subsidy.not-deferred", receipt, voucher, credited)

    def _warn(
        self, code: str, receipt: Receipt, voucher: Voucher, credited: dict[str, int]
    ) -> None:
        told = ", ".join(
            f"{role} {Money.of_fen(fen).text}" for role, fen in credited.items() if fen
        )
        facts = {
            "subsidy": self.said.id,
            "number": voucher.number,
            "amount": receipt.amount.text,
            "credited": told or "–",
        }
        self.found.append(self._told(code, facts, receipt.line))

    def _told(self, code: str, facts: Mapping[str, Any], line: int = 0) -> Diagnostic:
        at = self.said.origin
        return Diagnostic(
            Severity.WARNING, code, at.path, line or at.line, 1, self.node, None, facts
        )

    def _move(self, day: date, move: Move, deferred: Money, income: Money, source: str) -> None:
        self.movements.append(Moved(day, move, deferred, income, source))

    def go(self) -> None:
        """Release month by month what came in, and take back what is repaid."""
        incoming = sorted(self.movements, key=lambda one: one.day)
        self.movements = []
        opens = self._opens()
        first = min((one.day for one in incoming), default=None)
        if first is None:
            return
        month = first.replace(day=1)
        while month <= self.on:
            ends = add_months(month, 1)
            for one in incoming:
                if month <= one.day < ends:
                    self.movements.append(one)
                    self.left = self.left + one.deferred
            for paid in self.said.repayments:
                if month <= paid.on < ends and paid.on <= self.on:
                    self._repay(paid)
            last = ends - timedelta(days=1)
            if opens is not None and opens <= last <= self.on:
                self._release(Period("", month, ends), last)
            month = ends

    def _opens(self) -> date | None:
        """The day from which something may be released; None while a condition waits."""
        open_ = [one for one in self.said.conditions if one.met is None or one.met > self.on]
        for one in open_:
            if one.due is not None and one.due < self.on:
                facts = {"subsidy": self.said.id, "text": one.text, "due": one.due.isoformat()}
                self.found.append(self._told("subsidy.condition-overdue", facts))
        if open_:
            return None
        return max((one.met for one in self.said.conditions if one.met), default=date.min)

    def _release(self, month: Period, day: date) -> None:
        part = self._part(month)
        fen = self.left.fen
        released = Money.of_fen(
            (2 * fen * part.numerator + part.denominator) // (2 * part.denominator),
            self.zero.currency,
        )
        if released:
            self.left = self.left - released
            self._move(day, Move.RELEASED, -released, released, self.node)

    def _part(self, month: Period) -> Fraction:
        """The part of what is deferred that the month releases."""
        if self.said.purpose is Purpose.PAST_COST:
            return Fraction(1)
        if self.said.purpose is Purpose.COST_TO_COME:
            assert self.said.spans is not None  # checked when the file was read
            starts, ends = self.said.spans
            if month.ends_on <= starts:
                return Fraction()
            if month.ends_on >= ends:
                return Fraction(1)
            since = self._since(month, starts)
            return Fraction((month.ends_on - since).days, (ends - since).days)
        return self._of_asset(month)

    def _since(self, month: Period, starts: date) -> date:
        """From when what is deferred now is spread: all of the time while nothing was released."""
        released = any(one.move is Move.RELEASED for one in self.movements)
        return max(starts, month.starts_on) if released else starts

    def _of_asset(self, month: Period) -> Fraction:
        """The part of what was left to amortise that the month charged, and all of what went."""
        if self.carrying is None:
            return Fraction()
        moved = [m for m in self.carrying.movements if m.day < month.ends_on]
        held = {layer: self.carrying.balance(layer, month.ends_on) for layer in Layer}
        cost = held[Layer.COST]
        if cost.fen <= 0:  # before it is available nothing is released, once it has gone all is
            return Fraction(any(m.layer is Layer.COST for m in moved))
        ours = [m for m in moved if m.day >= month.starts_on]
        gone = sum(-m.amount.fen for m in ours if m.layer is Layer.COST and m.amount.fen < 0)
        charged = sum(
            m.amount.fen for m in ours if m.layer is Layer.AMORTISATION and m.amount.fen > 0
        )
        residual = (cost * self.policy.residual).posted()
        left = (cost - residual - held[Layer.AMORTISATION] - held[Layer.IMPAIRMENT]).fen
        stays = 1 - Fraction(gone, cost.fen + gone)
        return 1 - stays * Fraction(max(left, 0), max(left, 0) + charged or 1)

    def _repay(self, paid: Repayment) -> None:
        amount = paid.amount
        taken = amount if amount.fen <= self.left.fen else self.left
        self.left = self.left - taken
        self._move(paid.on, Move.REPAID, -taken, taken - amount, self.node)


# The entity's entries

_SUMMARY = {
    Move.DUE: "应收政府补助",
    Move.RELEASED: "政府补助转入其他收益",
    Move.REPAID: "退回政府补助",
}


def entries(granted: Granted, policy: AccountingPolicy, book: Book) -> list[Entry]:
    """What the grant's own movements say; the ERP's vouchers say what came in."""
    found: list[Entry] = []
    source = ids.node("subsidy", granted.subsidy.id)
    for number, one in enumerate(granted.movements):
        if one.move not in _SUMMARY:
            continue
        sides = [("deferred_income", -one.deferred.fen), ("other_income", -one.income.fen)]
        other = "other_receivables" if one.move is Move.DUE else "bank"
        sides.append((other, one.deferred.fen + one.income.fen))
        lines = tuple(
            Line(account_of(policy, role), fen, granted.subsidy.id) for role, fen in sides if fen
        )
        same = [m for m in granted.movements[:number] if (m.day, m.move) == (one.day, one.move)]
        said = (one.day.isoformat(), one.move.value, str(len(same)))
        summary = f"{_SUMMARY[one.move]} {granted.subsidy.title.say('zh')}"
        name = ids.derived("pst", book.id, source, *said)
        found.append(Entry(name, book.id, one.day, lines, source, summary))
    return [entry for entry in found if entry.lines]


@dataclass(frozen=True, slots=True)
class GrantOf:
    """A grant over a period, as it is disclosed."""

    subsidy: str
    opening: Money
    received: Money
    to_income: Money
    repaid: Money
    ending: Money
    diagnostics: tuple[Diagnostic, ...] = ()


def over(granted: Granted, period: Period) -> GrantOf:
    """What is disclosed of a grant: deferred at the beginning, received, to income, repaid, at the
    end.
    """
    return GrantOf(
        ids.node("subsidy", granted.subsidy.id),
        granted.deferred(period.starts_on),
        granted.received(period),
        granted.income(period),
        granted.repaid(period),
        granted.deferred(period.ends_on),
        granted.diagnostics,
    )
