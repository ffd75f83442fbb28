"""Intangible 无形资产与开发支出: from the first spending to the day it leaves the books.

A month's amortisation is posted on its last day, from the month available; the month derecognised
(or in which the asset becomes held for sale) has none. A change of estimate holds from its own
month, an impairment from the month after it.

Keys of an asset file under `measurement`; each fact of a list has `date`:

    life          `months` from the first month amortised, or `indefinite`; `rights_until`, or
                  `rights` (claims), the end of the rights that it stands on, and `renewal` why it
                  may outlast them
    method        a method of `spread`, or {kind, reason, judged} and for units {total, unit}
    usage         `month`, `units`, `evidence`; or what the platform counted of the method's
                  `product`
    opening       `cost`, `amortisation`, `impairment`, `months_charged`, `units`; before it is
                  available `development`, `development_impairment`. With `evidence`, `judged`.
                  The entity's book gets no entry of it: it stands in the ERP's opening balances
    estimates     new `months`, `residual`, `method`, `total`
    impairments   `amount` the loss, `recoverable`, or `test` from which that is computed:
                  {value_in_use: {cash_flows: {2026: …}, discount}, fair_value_less_cost}; of
                  development too, until it is available
    disposals     `reason` disposal | lapse | contribution | other, `share` (all), `proceeds`
                  without VAT; a contribution has `agreed` and `agreement`, or `common_control:
                  true` and `equity`, what the investment is carried at
    held_for_sale `act` classified (`saleable`, `resolution`, `commitment`, `expected_by`,
                  `agreement`, `fair_value`, `cost_to_sell`) | remeasured (the last three) |
                  returned (`recoverable`)
    corrections   see `fold`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from sanhua.capital.measure.fold import IN_KIND, Event, Fact, Order, has
from sanhua.capital.measure.held import CARRIED, HELD, Holding
from sanhua.capital.measure.movements import Kind, Layer
from sanhua.capital.measure.recoverable import recoverable
from sanhua.capital.measure.spread import ALIASES, STRAIGHT, UNITS, WHOLE_YEARS, Spread
from sanhua.capital.recognise import Outcome, Route
from sanhua.kernel.text import Text
from sanhua.kernel.time import add_months

MONTHS_MAX = 480  # no life of data is forty years; such a number is a slip


class Intangible(Holding):
    # What happened

    def events(self) -> list[Event]:
        self.refuse("nrv", "lots")
        ready = self.facts.available_on
        self.developed = self.card.route is Route.SELF_DEVELOPED
        self.amortised = False
        self.renew_after_charge = False
        self.spread = Spread("", self.policy.residual)
        self._method(
            self.facts.method.get("kind", self.policy.amortisation),
            self.facts.method,
            ready or self.on,
        )
        self.counted = self._counted()
        self._check_available(ready)
        cost = self._develop if self.developed else self._buy
        found: list[Event] = [
            (day, Order.COST, cost, (fen, source)) for day, fen, source in self.spent()
        ]
        if ready is not None and ready <= self.on:
            if self.developed:
                found.append((ready, Order.COST, self._transfer, None))
            found += [(day, Order.CHARGE, self._charge, None) for day in self._charged_on(ready)]
        return [
            *found,
            *self.opening(),
            *self.corrections(),
            *self.told("held_for_sale", Order.DISPOSAL, self.hold),
            *self.told("disposals", Order.DISPOSAL, self._dispose),
            *self.told("estimates", Order.ESTIMATE, self._estimate),
            *self.told("impairments", Order.TEST, self._impair),
        ]

    def finish(self) -> None:
        self._tests_missing()
        self.held_too_long()

    def changed(self) -> None:
        self.spread.base = None

    # Cost

    def opens(self, fact: Fact) -> Mapping[str, Layer]:
        if "development" in fact:
            return {
                "development": Layer.DEVELOPMENT,
                "development_impairment": Layer.DEVELOPMENT_IMPAIRMENT,
            }
        return {
            "cost": Layer.COST,
            "amortisation": Layer.AMORTISATION,
            "impairment": Layer.IMPAIRMENT,
        }

    def open(self, day: date, fact: Fact) -> None:
        super().open(day, fact)
        ready = self.facts.available_on
        if "development" in fact:
            if ready is not None and ready <= day:
                raise self.invalid("measure.opening-available", date=day, available_on=ready)
            return
        if ready is None or ready > day:
            raise self.invalid("measure.opening-not-available", date=day)
        spread = self.spread
        spread.charged = int(self.number(fact.get("months_charged", "0"), "opening"))
        spread.used = Fraction(self.number(fact.get("units", "0"), "opening"))
        if not self.amortised:
            return
        passed = (day.year - ready.year) * 12 + day.month - ready.month + 1
        if spread.charged != passed:
            self.note(
                "measure.opening-months",
                date=day,
                charged=spread.charged,
                passed=passed,
                available_on=ready,
            )
        given = self.balances[Layer.AMORTISATION]
        cost = self.balances[Layer.COST]
        expected = spread.done(cost - self._residual(cost))
        if not self.balances[Layer.IMPAIRMENT] and abs(expected - given) > spread.charged:
            self.note(
                "measure.opening-differs",
                date=day,
                amount=self.of(given).text,
                expected=self.of(expected).text,
                method=spread.method,
            )

    def _buy(self, day: date, spent: tuple[int, str]) -> None:
        fen, source = spent
        self.move(day, Layer.COST, IN_KIND[self.card.route], fen, source)
        self.changed()

    def _develop(self, day: date, spent: tuple[int, str]) -> None:
        fen, source = spent
        ready = self.facts.available_on
        if ready is not None and day > ready:  # taken back after the transfer
            self.move(day, Layer.COST, Kind.OTHER_OUT, fen, source)
            self.changed()
        else:
            self.move(day, Layer.DEVELOPMENT, Kind.SPENT, fen, source)

    def _transfer(self, day: date, _: None) -> None:
        """Development becomes an intangible, voucher by voucher so that each stays in sight."""
        by_source: dict[str, int] = {}
        for movement in self.movements:
            if movement.layer is Layer.DEVELOPMENT:
                source = movement.source
                by_source[source] = by_source.get(source, 0) + movement.amount.fen
        for source, fen in by_source.items():
            self.move(day, Layer.DEVELOPMENT, Kind.TRANSFERRED, -fen, source)
            self.move(day, Layer.COST, Kind.DEVELOPED, fen, source)
        if impaired := self.balances[Layer.DEVELOPMENT_IMPAIRMENT]:
            self.charge(day, Layer.DEVELOPMENT_IMPAIRMENT, -impaired, Kind.TRANSFERRED)
            self.charge(day, Layer.IMPAIRMENT, impaired, Kind.TRANSFERRED)
        self.changed()

    # Life and method

    def _method(self, name: str, fact: Fact, day: date) -> None:
        """A method other than the straight line must reflect how the benefits are consumed: a
        judgement, with its reason.
        """
        name = ALIASES.get(name, name)
        rule = self.rules.ask("cas_6", "methods", on=day)
        if name not in [method["id"] for method in rule.value]:
            raise self.invalid("measure.method-unknown", rule, method=name)
        if name != STRAIGHT and not (fact.get("reason") and fact.get("judged.by")):
            raise self.invalid("measure.method-not-judged", rule, method=name)
        self.spread.method = name
        if name == UNITS:
            self.spread.total = Fraction(self.number(fact.get("total", "0"), "method"))
            if not self.spread.total:
                raise self.invalid("measure.method-no-total", rule, method=name)

    def _counted(self) -> dict[str, Fraction]:
        """Units by month."""
        found: dict[str, Fraction] = {}
        for fact in self.facts.usage:
            if fact["month"] in found:
                raise self.invalid("measure.usage-month-twice", month=fact["month"])
            found[fact["month"]] = Fraction(self.number(fact["units"], "usage"))
        return found

    def _check_available(self, ready: date | None) -> None:
        for what in ("estimates", "disposals", "held_for_sale"):
            for fact in getattr(self.facts, what):
                day = self.day(fact, what)
                if day <= self.on and (ready is None or day < ready):
                    raise self.invalid("measure.before-available", what=what, date=day)
        if not self.developed and ready is None and self.recognition.total(Outcome.CAPITALISED):
            self.note("measure.not-available")

    def _charged_on(self, ready: date) -> Sequence[date]:
        """The days on which amortisation is posted, from the month available."""
        life = self.facts.life
        if life is None and self.spread.method != UNITS:
            raise self.invalid("measure.no-life", available_on=ready)
        for name, known in (
            ("amortisation_starts", "month available for use"),
            ("amortisation_stops", "month derecognised"),
        ):
            rule = self.rules.ask("cas_6", name, on=ready)
            if rule.value != known:
                raise self.invalid("measure.rule-not-built", rule, rule_name=name, value=rule.value)
        residual = self.rules.ask("cas_6", "residual_default", on=ready)
        if self.policy.residual != residual.value:
            self.note("measure.residual-needs-basis", residual, rate=f"{self.policy.residual:%}")
        if life is not None and life.indefinite:
            rule = self.rules.ask("cas_6", "indefinite_life_not_amortised", on=ready)
            if not rule.value:
                raise self.invalid("measure.no-life", rule, available_on=ready)
        else:
            self._live(ready, life.months if life else 0)
        first = _first(ready)
        if self.facts.opening:
            first = max(first, self.day(self.facts.opening, "opening") + timedelta(days=1))
        return _month_ends(first, self.on)

    def _live(self, ready: date, months: int) -> None:
        """Take `months` as the whole life; it ends with the rights that the asset stands on,
        unless renewing them is judged cheap. 0 when only units bound it.
        """
        life = self.facts.life
        if life is not None and not 0 < months <= MONTHS_MAX:
            raise self.invalid("measure.life-impossible", months=months, most=MONTHS_MAX)
        if self.spread.method in WHOLE_YEARS and months % 12:
            raise self.invalid(
                "measure.method-whole-years", method=self.spread.method, months=months
            )
        until = life.rights_until if life else None
        ends = add_months(_first(ready), months) - timedelta(days=1)
        # The month in which the rights end counts whole.
        if until is not None and (ends.year, ends.month) > (until.year, until.month):
            rule = self.rules.ask("cas_6", "life_within_rights", on=ready)
            if rule.value and not (life and life.renewal):
                raise self.invalid("measure.life-beyond-rights", rule, ends=ends, until=until)
            self.note("measure.life-relies-on-renewal", rule, ends=ends, until=until)
        self.spread.over(months)
        self.amortised = True

    # Amortisation

    def _charge(self, day: date, _: None) -> None:
        if not self.amortised:
            return
        left = self._depreciable()
        fen = self.spread.month(left, self._units(day, left))
        if self.held is not None:
            self.held.since += fen
        elif fen:
            self.charge(day, Layer.AMORTISATION, fen)
        if self.renew_after_charge:
            self.changed()
            self.renew_after_charge = False

    def _units(self, day: date, left: int) -> Fraction | None:
        """The units of a month; one of which nothing is known counts none, and is told."""
        spread = self.spread
        if spread.method != UNITS:
            return None
        month = f"{day:%Y-%m}"
        units = self.counted.get(month, Fraction())
        if left > 0 and month not in self.counted:
            self.note("measure.usage-missing", month=month)
        if spread.used < spread.total < spread.used + units:
            self.note("measure.usage-above-total", month=month, total=_plain(spread.total))
        return units

    def _residual(self, cost: int) -> int:
        return (self.of(cost) * self.spread.residual).fen if self.spread.residual else 0

    def _depreciable(self) -> int:
        """What is still to be amortised, in fen; of an asset held for sale, what would be."""
        if (held := self.held) is not None:
            off = held.amortisation + held.impairment + held.since
            return held.cost - self._residual(held.cost) - off
        cost = self.balances[Layer.COST]
        off = self.balances[Layer.AMORTISATION] + self.balances[Layer.IMPAIRMENT]
        return cost - self._residual(cost) - off

    def _estimate(self, day: date, fact: Fact) -> None:
        """会计估计变更: from this month on, never before."""
        self.not_held(day, "estimates")
        ready = self.facts.available_on
        assert ready is not None  # no estimate comes before it
        spread = self.spread
        if "residual" in fact:
            spread.residual = self.rate(fact["residual"], "estimates")
        if "method" in fact:
            self._method(fact["method"], fact, day)
        elif "total" in fact:
            spread.total = Fraction(self.number(fact["total"], "estimates"))
        if spread.method == UNITS and spread.total <= spread.used:
            raise self.invalid(
                "measure.total-already-used",
                total=_plain(spread.total),
                used=_plain(spread.used),
                date=day,
            )
        months = int(fact.get("months", spread.months))
        if "months" in fact and months <= spread.charged:
            raise self.invalid(
                "measure.life-already-over", months=months, charged=spread.charged, date=day
            )
        if self.amortised or "months" in fact:
            self._live(ready, months)
        self.changed()

    # Impairment

    def _impair(self, day: date, fact: Fact) -> None:
        self.not_held(day, "impairments")
        ready = self.facts.available_on
        developing = self.developed and (ready is None or day < ready)
        layer = Layer.DEVELOPMENT_IMPAIRMENT if developing else Layer.IMPAIRMENT
        carried = self.balances[Layer.DEVELOPMENT if developing else Layer.COST]
        carried -= self.balances[layer]
        if not developing:
            carried -= self.balances[Layer.AMORTISATION]
        loss = self._loss(day, fact, carried)
        if loss < 0:
            rule = self.rules.ask("cas_8", "intangible_impairment_reversible", on=day)
            if not rule.value:
                raise self.invalid(
                    "measure.impairment-reversed", rule, amount=self.of(loss).text, date=day
                )
        if loss > carried:
            raise self.invalid(
                "measure.impairment-exceeds",
                amount=self.of(loss).text,
                carried=self.of(carried).text,
                date=day,
            )
        if not loss:
            return
        # This month's charge is still to come, and is left as it was before the loss.
        before_charge = (day + timedelta(days=1)).day != 1
        if before_charge and self.amortised and ready and not developing and day >= _first(ready):
            if self.spread.base is None and (left := self._depreciable()) > 0:
                self.spread.start(left)
            self.renew_after_charge = True
        else:
            self.changed()
        self.charge(day, layer, loss)

    def _loss(self, day: date, fact: Fact, carried: int) -> int:
        """The loss in fen; none where the recoverable amount is above what is carried."""
        if has(fact, "test"):
            amount = recoverable(self, day, fact)
            loss = max(carried - amount.fen, 0)
            for key, computed in (("recoverable", amount.fen), ("amount", loss)):
                if key in fact and self.fen(fact[key]) != computed:
                    raise self.invalid(
                        "measure.test-differs",
                        date=day,
                        what=key,
                        amount=fact[key],
                        computed=self.of(computed).text,
                    )
            return loss
        if "amount" in fact:
            return self.fen(fact["amount"])
        if "recoverable" not in fact:
            raise self.invalid("measure.impairment-amount", date=day)
        return max(carried - self.fen(fact["recoverable"]), 0)

    def _tests_missing(self) -> None:
        """每年减值测试: an indefinite life, and what is not yet available for use."""
        if not self.movements:
            return
        ready = self.facts.available_on
        tested = {self.day(fact, "impairments").year for fact in self.facts.impairments}
        first = min(movement.day for movement in self.movements).year
        last = self.on.year
        if self.amortised and ready is not None:
            last = min(last, ready.year)
        for year in range(first, last + 1):
            due = add_months(date(year, self.policy.impairment_test, 1), 1) - timedelta(days=1)
            if due > self.on or year in tested:
                continue
            if ready is None or due < ready:
                which, why = "not_yet_available", Text("尚不可使用", "is not yet available")
            elif not self.amortised:
                which, why = "indefinite_life", Text("使用寿命不确定", "has an indefinite life")
            else:
                continue
            rule = self.rules.ask("cas_8", "yearly_tests", on=due)
            if which in rule.value and (
                self._at(Layer.DEVELOPMENT, due) or self._at(Layer.COST, due)
            ):
                self.note("measure.impairment-test-missing", rule, year=year, why=why)

    def _at(self, layer: Layer, day: date) -> int:
        return sum(m.amount.fen for m in self.movements if m.layer is layer and m.day <= day)

    # Leaving

    def _dispose(self, day: date, fact: Fact) -> None:
        kind, proceeds = self.leaves(day, fact)
        share = self.part(day, fact)
        layers: Sequence[Layer] = CARRIED if self.held is None else HELD
        if self.held is not None and share < 1:
            raise self.invalid("measure.held-whole", date=day)
        if not self.balances[layers[0]]:
            self.note("measure.nothing-left", date=day)
            return
        self.leave(day, kind, share, layers, proceeds)
        self.held = None


@lru_cache(1024)
def _month_ends(first: date, on: date) -> tuple[date, ...]:
    """The last days of the months from that of `first` until `on`: many assets share them."""
    ends: list[date] = []
    while (end := add_months(first, len(ends) + 1) - timedelta(days=1)) <= on:
        ends.append(end)
    return tuple(ends)


def _first(day: date) -> date:
    return day.replace(day=1)


def _plain(units: Fraction) -> str:
    return f"{Decimal(units.numerator) / Decimal(units.denominator):f}"
