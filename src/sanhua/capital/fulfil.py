"""Fulfil 合同履约成本 (CAS 14): cost of fulfilling a contract with data, where the data itself is
no intangible asset and no stock.

Three conditions (第二十六条), each with its day and papers; the latest day is the first on which
cost is carried. It is amortised in step with the revenue of its deal (第二十九条), evenly over the
months of the term or by the share of the revenue expected; impaired above the consideration left
less the cost still to come (第三十条), and reversed up to what it would be without (第三十一条).
It is on no line 其中：数据资源: the notes tell of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sanhua.capital.earn import Earning
from sanhua.capital.tree import Judged, Stated
from sanhua.capital.voucher import AccountingPolicy, account_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.ledger import Book, Entry, Line
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.ports import Rules
from sanhua.kernel.time import Period, add_months

if TYPE_CHECKING:
    from sanhua.capital.recognise import AssetCard, Recognition, Verdict

CONDITIONS = ("related", "enhances", "recovered")


class Kind(StrEnum):
    SPENT = "spent"
    AMORTISED = "amortised"
    IMPAIRED = "impaired"
    REVERSED = "reversed"
    SETTLED = "settled"  # the provision goes with the cost when the term is over


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is still to come in and to be spent on a day (第三十条), as a person judged it."""

    date: date
    remaining: Money
    to_incur: Money
    judged: Judged | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """`fulfilment:` of an asset file. `starts_on <= day < ends_on` is when the contract is
    fulfilled; `expected` is its revenue without tax, for a basis of revenue.
    """

    deal: str = ""
    conditions: Mapping[str, Stated] = field(default_factory=dict[str, Stated])
    judged: Judged | None = None
    by_revenue: bool = False
    starts_on: date | None = None
    ends_on: date | None = None
    expected: Money | None = None
    tests: tuple[Outlook, ...] = ()
    line: int = 0

    def answer(self, on: date) -> tuple[str, str, int]:
        """Whether the conditions are met on a day: yes, no or open, and where that is said."""
        for name in CONDITIONS:
            said = self.conditions.get(name)
            if said is not None and not said.met:
                return "no", name, said.line
        for name in CONDITIONS:
            said = self.conditions.get(name)
            if said is None or said.date is None or not said.evidence or said.date > on:
                return "open", name, said.line if said else self.line
        first = self.first_day
        if self.judged is not None and first is not None and self.judged.date < first:
            return "open", "judged", self.line
        if self.judged is None or self.starts_on is None or self.ends_on is None:
            return "open", "judged" if self.judged is None else "term", self.line
        if self.by_revenue and self.expected is None:
            return "open", "revenue_expected", self.line
        return "yes", "stated", self.line

    @property
    def first_day(self) -> date | None:
        """The day of the condition that was met last."""
        days = [said.date for said in self.conditions.values() if said.date]
        return max(days) if len(days) == len(CONDITIONS) else None


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount` is what it adds to the carrying amount; `source` the voucher or memo behind it."""

    day: date
    kind: Kind
    amount: Money
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """A contract cost over a period, as the notes tell it (第四十四条)."""

    opening: Money
    spent: Money
    amortised: Money
    impaired: Money
    reversed: Money
    closing: Money


@dataclass(frozen=True, slots=True)
class ContractCost:
    """One contract cost's movements until a day."""

    asset: str
    deal: str
    currency: str
    movements: tuple[Movement, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    def carried(self, before: date, *kinds: Kind) -> Money:
        """The carrying amount at the start of the day `before`, or what `kinds` made of it."""
        wanted = kinds or tuple(kind for kind in Kind if kind is not Kind.SETTLED)
        return Money.sum(
            (m.amount for m in self.movements if m.day < before and m.kind in wanted),
            self.currency,
        )

    def over(self, period: Period) -> Row:
        """What the period did to it; amortised and impaired are positive."""

        def moved(kind: Kind) -> Money:
            return Money.sum(
                (m.amount for m in self.movements if m.kind is kind and m.day in period),
                self.currency,
            )

        return Row(
            self.carried(period.starts_on),
            moved(Kind.SPENT),
            -moved(Kind.AMORTISED),
            -moved(Kind.IMPAIRED),
            moved(Kind.REVERSED),
            self.carried(period.ends_on),
        )


def revenue_of(deal: str, earnings: Iterable[Earning]) -> dict[date, Money]:
    """Last day of a month → what the deal earned in it."""
    wanted = ids.node("deal", deal)
    return {one.dated: one.revenue for one in earnings if one.deal == wanted}


def carry_contract(
    card: AssetCard,
    recognition: Recognition,
    rules: Rules,
    on: date,
    revenue: Mapping[date, Money] | None = None,
) -> ContractCost:
    """The movements until and including `on`; a later day only adds movements."""
    fold = _Fold(card, recognition, rules, revenue or {})
    fold.until(on)
    return ContractCost(
        recognition.asset,
        card.fulfilment.deal,
        recognition.currency,
        tuple(fold.movements),
        tuple(fold.diagnostics),
    )


class _Fold:
    def __init__(
        self,
        card: AssetCard,
        recognition: Recognition,
        rules: Rules,
        revenue: Mapping[date, Money],
        tested: bool = True,
    ) -> None:
        self.card, self.recognition, self.rules, self.revenue = card, recognition, rules, revenue
        self.of, self.tested = card.fulfilment, tested
        self.zero = Money(Decimal(), recognition.currency)
        self.movements: list[Movement] = []
        self.diagnostics: list[Diagnostic] = []
        self.held = self.provision = self.earned = self.zero

    def until(self, on: date) -> None:
        """Cost first, then the month's amortisation, tests last on one day."""
        events: list[tuple[date, int, Verdict | Outlook | None]] = [
            (verdict.dated, 0, verdict)
            for verdict in self.recognition.verdicts
            if verdict.recognised and verdict.dated <= on
        ]
        events += [(day, 1, None) for day in self._month_ends(on)]
        if self.tested:
            events += [(test.date, 2, test) for test in self.of.tests if test.date <= on]
        for day, _, what in sorted(events, key=lambda event: event[:2]):
            if what is None:
                self._amortise(day)
            elif isinstance(what, Outlook):
                self._test(what)
            else:
                self._move(day, Kind.SPENT, what.amount.posted(), what.voucher)

    def _month_ends(self, on: date) -> list[date]:
        starts, ends = self.of.starts_on, self.of.ends_on
        if starts is None or ends is None:
            return []
        rule = self.rules.ask("cas_14", "contract_cost_amortised_in_step", on=starts)
        if not rule.value:
            return []
        found: list[date] = []
        first = starts.replace(day=1)
        while True:
            end = add_months(first, len(found) + 1) - timedelta(days=1)
            if end > on or end >= add_months(ends - timedelta(days=1), 1).replace(day=1):
                return found
            found.append(end)

    def _amortise(self, day: date) -> None:
        starts, ends = self.of.starts_on, self.of.ends_on
        assert starts is not None and ends is not None  # _month_ends gave the day
        last = ends - timedelta(days=1)
        left = (last.year - day.year) * 12 + last.month - day.month
        charge = self.held
        if left:
            charge = self._share(day, left)
        if self.of.by_revenue:
            self.earned = self.earned + self._came(day)
        if charge:
            self._move(day, Kind.AMORTISED, -charge, self.recognition.asset)
        if not left and self.provision:
            self._move(day, Kind.SETTLED, self.provision, self.recognition.asset)
            self.provision = self.zero

    def _share(self, day: date, left: int) -> Money:
        """The month's part of what is carried; `left` months come after it."""
        if not self.of.by_revenue:
            part = EXACT.divide(self.held.amount, Decimal(left + 1))
            return Money(part, self.zero.currency).posted()
        assert self.of.expected is not None  # else the condition is open and nothing is carried
        to_come = self.of.expected - self.earned
        came = self._came(day)
        if came.fen >= to_come.fen:
            return self.held
        part = EXACT.divide(self.held.amount * came.amount, to_come.amount)
        return Money(part, self.zero.currency).posted()

    def _came(self, day: date) -> Money:
        month = (day.year, day.month)
        return Money.sum(
            (net for at, net in self.revenue.items() if (at.year, at.month) == month),
            self.zero.currency,
        )

    def _test(self, test: Outlook) -> None:
        most = test.remaining - test.to_incur
        short = self.held - (most if most.fen > 0 else self.zero)
        rule = self.rules.ask("cas_14", "contract_cost_impaired_above", on=test.date)
        if short.fen > 0:
            self.provision = self.provision + short
            self._move(test.date, Kind.IMPAIRED, -short, self.recognition.asset)
            self._note("fulfil.impaired", test, amount=short.text, cite=rule.cite)
            return
        back = self.rules.ask("cas_14", "contract_cost_impairment_reversible", on=test.date)
        if short.fen == 0 or not self.provision or not back.value:
            return
        without = _Fold(self.card, self.recognition, self.rules, self.revenue, tested=False)
        without.until(test.date)
        bounds = (-short.fen, self.provision.fen, without.held.fen - self.held.fen)
        fen = min(bounds)
        if fen > 0:
            taken = Money.of_fen(fen, self.zero.currency)
            self.provision = self.provision - taken
            self._move(test.date, Kind.REVERSED, taken, self.recognition.asset)

    def _note(self, code: str, test: Outlook, **facts: str) -> None:
        origin = self.card.origin
        at = origin.path, test.line or origin.line, 1, self.recognition.asset, None
        self.diagnostics.append(
            Diagnostic(Severity.NOTE, code, *at, {"asset": self.card.id, **facts})
        )

    def _move(self, day: date, kind: Kind, amount: Money, source: str) -> None:
        self.movements.append(Movement(day, kind, amount, source))
        if kind is not Kind.SETTLED:
            self.held = self.held + amount


_ENTRY = {
    Kind.AMORTISED: ("cost_of_sales", "contract_cost", "合同履约成本摊销"),
    Kind.IMPAIRED: ("impairment_loss", "contract_cost_provision", "合同履约成本减值"),
    Kind.REVERSED: ("impairment_loss", "contract_cost_provision", "合同履约成本减值转回"),
    Kind.SETTLED: ("contract_cost_provision", "contract_cost", "合同履约成本减值准备结转"),
}


def contract_entries(
    cost: ContractCost, policy: AccountingPolicy, book: Book, period: Period
) -> list[Entry]:
    """The entries of a period in the entity's book; what was spent stands there by its vouchers.

    Each stands on the asset's memo, never on an appraisal.
    """
    found: list[Entry] = []
    for moved in cost.movements:
        if moved.kind is Kind.SPENT or moved.day not in period:
            continue
        debit, credit, summary = _ENTRY[moved.kind]
        fen = moved.amount.fen if moved.kind is Kind.SETTLED else -moved.amount.fen
        lines = (Line(account_of(policy, debit), fen), Line(account_of(policy, credit), -fen))
        name = ids.derived("pst", book.id, cost.asset, moved.day.isoformat(), moved.kind.value)
        found.append(Entry(name, book.id, moved.day, lines, cost.asset, summary))
    for entry in found:
        entry.check()
    return found
