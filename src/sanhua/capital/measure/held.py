"""Held for sale 持有待售 (CAS 42): classified on conditions, not amortised, the lower of what is
carried and a fair value less costs to sell that a signed agreement says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sanhua.capital.measure.fold import Fact, Fold
from sanhua.capital.measure.movements import Kind, Layer
from sanhua.kernel.text import Text
from sanhua.kernel.time import add_months, parse_day

CARRIED = (Layer.COST, Layer.AMORTISATION, Layer.IMPAIRMENT)
HELD = (Layer.HELD, Layer.HELD_PROVISION)


@dataclass(slots=True)
class Before:
    """What it was when it became held for sale, and what it would have been charged since."""

    cost: int
    amortisation: int
    impairment: int
    since: int = 0


class Holding(Fold):
    """An asset that may be held for sale; `held` says what it was before."""

    held: Before | None = None

    def hold(self, day: date, fact: Fact) -> None:
        act = fact.get("act", "classified")
        if act == "classified":
            self._classify(day, fact)
        elif self.held is None:
            raise self.invalid("measure.not-held", date=day, act=act)
        elif act == "remeasured":
            self._remeasure(day, fact)
        elif act == "returned":
            self._return(day, fact)
        else:
            raise self.invalid("measure.held-act", date=day, act=act)

    def _classify(self, day: date, fact: Fact) -> None:
        """划分为持有待售: what is carried moves over, and is not amortised from this month on."""
        self.not_held(day, "held_for_sale")
        rule = self.rules.ask("cas_42", "conditions", on=day)
        self.judged(fact, "held_for_sale", day, rule)
        for condition in rule.value:
            name = condition["id"]
            if name not in fact or fact[name] == "false":
                words = Text(condition["zh"], condition["en"])
                raise self.invalid("measure.held-condition", rule, date=day, condition=words)
            if name in ("resolution", "commitment") and parse_day(fact[name]) > day:
                words = Text(condition["zh"], condition["en"])
                raise self.invalid("measure.held-condition", rule, date=day, condition=words)
        most = self.rules.ask("cas_42", "months_max", on=day)
        if parse_day(fact["expected_by"]) > add_months(day, int(most.value)):
            raise self.invalid(
                "measure.held-too-late", most, date=day, expected_by=fact["expected_by"]
            )
        cost, amortisation, impairment = (self.balances[layer] for layer in CARRIED)
        if not cost:
            self.note("measure.nothing-left", date=day)
            return
        if self.rules.ask("cas_42", "amortised", on=day).value:
            raise self.invalid("measure.rule-not-built", rule, rule_name="amortised", value="true")
        for layer in CARRIED:
            if self.balances[layer]:
                self.charge(day, layer, -self.balances[layer], Kind.HELD)
        carried = cost - amortisation - impairment
        if carried:
            self.charge(day, Layer.HELD, carried, Kind.HELD)
        self.held = Before(cost, amortisation, impairment)
        self._remeasure(day, fact)

    def _remeasure(self, day: date, fact: Fact) -> None:
        """The lower of what is carried and fair value less costs to sell; a gain only up to the
        losses since classification.
        """
        rule = self.rules.ask("cas_42", "measured_at", on=day)
        self.agreed(fact, "held_for_sale", day, rule)
        if "fair_value" not in fact:
            raise self.invalid("measure.held-no-value", rule, date=day)
        fair, cost = self.fen(fact["fair_value"]), self.fen(fact.get("cost_to_sell", "0.00"))
        if min(fair, cost) < 0:
            amount = self.of(min(fair, cost)).text
            raise self.invalid("measure.negative", amount=amount, date=day)
        wanted = max(self.balances[Layer.HELD] - max(fair - cost, 0), 0)
        change = wanted - self.balances[Layer.HELD_PROVISION]
        if change > 0:
            self.charge(day, Layer.HELD_PROVISION, change)
        elif change and self.rules.ask("cas_42", "reversal_within_later_losses", on=day).value:
            self.charge(day, Layer.HELD_PROVISION, change, Kind.REVERSED)

    def _return(self, day: date, fact: Fact) -> None:
        """不再划分为持有待售: the lower of what it would be carried at had it never been classified
        and its recoverable amount.
        """
        rule = self.rules.ask("cas_42", "returns_at", on=day)
        self.judged(fact, "held_for_sale", day, rule)
        if "recoverable" not in fact:
            raise self.invalid("measure.held-no-value", rule, date=day)
        held = self.held
        assert held is not None
        amortisation = held.amortisation + held.since
        carried = held.cost - amortisation - held.impairment
        impairment = held.impairment + max(carried - self.fen(fact["recoverable"]), 0)
        impairment = min(impairment, held.cost - amortisation)
        self.held = None
        for layer in HELD:
            if self.balances[layer]:
                self.charge(day, layer, -self.balances[layer], Kind.RETURNED)
        for layer, fen in zip(CARRIED, (held.cost, amortisation, impairment), strict=True):
            if fen:
                self.charge(day, layer, fen, Kind.RETURNED)
        self.changed()

    def not_held(self, day: date, what: str) -> None:
        if self.held is not None:
            raise self.invalid("measure.held-already", what=what, date=day)

    def held_too_long(self) -> None:
        """A sale is expected within a year; after it somebody says why not yet, or it returns."""
        if self.held is None:
            return
        facts = [f for f in self.facts.held_for_sale if f.get("act", "classified") == "classified"]
        first = max(d for f in facts if (d := self.day(f, "held_for_sale")) <= self.on)
        rule = self.rules.ask("cas_42", "months_max", on=self.on)
        extended = any(f.get("extended") for f in self.facts.held_for_sale)
        if add_months(first, int(rule.value)) < self.on and not extended:
            self.note("measure.held-over-a-year", rule, date=first)
