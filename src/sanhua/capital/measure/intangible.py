"""Intangible 无形资产与开发支出: from the first spending to the day it leaves the books.

A month's amortisation is posted on its last day, from the month available; the month derecognised
(or in which the asset becomes held for sale) has none. A change of estimate holds from its own
month, an impairment from the month after it.

Keys of an asset file under `measurement`; each fact of a list has `date`:

    life          `months` from the first month amortised, or `indefinite`; `rights_until`, or
                  `rights` (claims), the end of the rights that it stands on, and `renewal` why it
                  may outlast them
    method        a method of `spread`, or {kind, reason, judged} and for units {total, unit}
    usage         `month`, `units`, `evidence`; or method `product`, counted by the platform
    opening       `cost`, `amortisation`, `impairment`, `months_charged`, `units`; before it is
                  available `development`, `development_impairment`. With `evidence`, `judged`.
                  The entity's book gets no entry of it: it stands in the ERP's opening balances
    received      the agreed value of data that an investor put in: `value`, `agreement`, `judged`
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
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from sanhua.capital.measure.fold import IN_KIND, Event, Fact, Fold, Order, has
from sanhua.capital.measure.movements import Change, Kind, Layer
from sanhua.capital.measure.spread import (
    ALIASES,
    DECLINING,
    STRAIGHT,
    SUM,
    UNITS,
    charges,
    share,
    weights,
)
from sanhua.capital.recognise import Life, Outcome, Route
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.text import Text
from sanhua.kernel.time import add_months, parse_day

MONTHS_MAX = 480  # no life of data is forty years; such a number is a slip
CARRIED = (Layer.COST, Layer.AMORTISATION, Layer.IMPAIRMENT)
HELD = (Layer.HELD, Layer.HELD_PROVISION)


@dataclass(slots=True)
class _Held:
    """What it was when it became held for sale, and what it would have been charged since."""

    cost: int
    amortisation: int
    impairment: int
    since: int = 0


class Intangible(Fold):
    # What happened

    def events(self) -> list[Event]:
        self.refuse("nrv", "lots")
        self.residual = self.policy.residual
        self.method, self.total = self._method()
        self.months = 0  # the whole life; 0: not amortised
        self.charged = 0  # months so far
        self.used = Fraction()  # units so far
        self.base: int | None = None  # what is spread; None: to be computed from what is left
        self.rest: int | Fraction = 0  # the weight that the base is spread over
        self.weights: Sequence[int] = ()
        self.amortised = False
        self.renew_after_charge = False
        self.held: _Held | None = None
        self.counted = self._counted()
        ready = self.facts.available_on
        spend = self._develop if self.card.route is Route.SELF_DEVELOPED else self._buy
        found: list[Event] = [
            (day, Order.COST, spend, (fen, source)) for day, fen, source in self.spent()
        ]
        self._check_available(ready)
        found += self.opening()
        if ready is not None and ready <= self.on:
            if self.card.route is Route.SELF_DEVELOPED:
                found.append((ready, Order.COST, self._transfer, None))
            found += [(day, Order.CHARGE, self._charge, None) for day in self._month_ends(ready)]
        self._check_received()
        found += self.corrections()
        found += self.told("disposals", Order.DISPOSAL, self._dispose)
        found += self.told("held_for_sale", Order.DISPOSAL, self._hold)
        found += self.told("estimates", Order.ESTIMATE, self._estimate)
        found += self.told("impairments", Order.TEST, self._impair)
        return found

    def finish(self) -> None:
        self._tests_missing()
        self._held_too_long()

    def changed(self) -> None:
        self.base = None

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
        self.charged = int(self.number(fact.get("months_charged", "0"), "opening"))
        self.used = self._amount(fact, "units", "opening")
        if not self.amortised:
            return
        passed = (day.year - ready.year) * 12 + day.month - ready.month + 1
        if self.charged != passed:
            self.note(
                "measure.opening-months",
                date=day,
                charged=self.charged,
                passed=passed,
                available_on=ready,
            )
        base = self.balances[Layer.COST] - self._residual()
        done: int | Fraction = self.used
        whole: int | Fraction = self.total
        if self.method != UNITS:
            done, whole = sum(self.weights[: self.charged]), sum(self.weights)
        expected = share(base, done, whole, base, last=False)
        given = self.balances[Layer.AMORTISATION]
        impaired = self.balances[Layer.IMPAIRMENT]
        if not impaired and abs(expected - given) > max(self.charged, 1):
            self.note(
                "measure.opening-differs",
                date=day,
                amount=self.of(given).text,
                expected=self.of(expected).text,
                method=self.method,
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
            if movement.layer is Layer.DEVELOPMENT and movement.day <= day:
                by_source[movement.source] = by_source.get(movement.source, 0) + movement.amount.fen
        for source, fen in by_source.items():
            self.move(day, Layer.DEVELOPMENT, Kind.TRANSFERRED, -fen, source)
            self.move(day, Layer.COST, Kind.DEVELOPED, fen, source)
        impaired = self.balances[Layer.DEVELOPMENT_IMPAIRMENT]
        if impaired:
            self.charge(day, Layer.DEVELOPMENT_IMPAIRMENT, -impaired, Kind.TRANSFERRED)
            self.charge(day, Layer.IMPAIRMENT, impaired, Kind.TRANSFERRED)
        self.changed()

    def _check_received(self) -> None:
        """Data put in by an investor stands at its agreed value, on a voucher all the same."""
        fact = self.facts.received
        if not fact:
            return
        day = self.day(fact, "received")
        rule = self.rules.ask("cas_6", "contributed_at_agreed_value", on=day)
        if self.card.route is not Route.OTHER:
            raise self.invalid("measure.received-route", rule, date=day)
        self.agreed(fact, "received", day, rule)
        if day > self.on:
            return
        booked = sum(fen for dated, fen, _ in self.spent() if dated == day)
        if booked != self.fen(fact["value"]):
            raise self.invalid(
                "measure.received-differs",
                rule,
                date=day,
                value=fact["value"],
                booked=self.of(booked).text,
            )

    # Life and method

    def _method(self) -> tuple[str, Fraction]:
        """The method of amortisation, and for units their estimated total."""
        fact = self.facts.method
        name = fact.get("kind", self.policy.amortisation)
        return self._judged_method(name, fact, self.facts.available_on or self.on)

    def _judged_method(self, name: str, fact: Fact, day: date) -> tuple[str, Fraction]:
        """A method other than the straight line must reflect how the benefits are consumed: a
        judgement, with its reason.
        """
        name = ALIASES.get(name, name)
        rule = self.rules.ask("cas_6", "methods", on=day)
        if name not in [method["id"] for method in rule.value]:
            raise self.invalid("measure.method-unknown", rule, method=name)
        if name == STRAIGHT:
            return name, Fraction()
        if not (fact.get("reason") and fact.get("judged.by")):
            raise self.invalid("measure.method-not-judged", rule, method=name)
        if name != UNITS:
            return name, Fraction()
        total = self._amount(fact, "total", "method")
        if not total:
            raise self.invalid("measure.method-no-total", rule, method=name)
        return name, total

    def _amount(self, fact: Fact, key: str, what: str) -> Fraction:
        return Fraction(self.number(fact.get(key, "0"), what))

    def _counted(self) -> dict[str, Fraction]:
        """Units by month, as the asset file gives them or the platform counted them."""
        method = self.facts.method
        if "product" in method:
            if self.facts.usage:
                raise self.invalid("measure.usage-twice", product=method["product"])
            unit = method.get("unit", "call")
            return {month: Fraction(units.get(unit, 0)) for month, units in self.usage.items()}
        found: dict[str, Fraction] = {}
        for fact in self.facts.usage:
            if fact["month"] in found:
                raise self.invalid("measure.usage-month-twice", month=fact["month"])
            found[fact["month"]] = self._amount(fact, "units", "usage")
        return found

    def _check_available(self, ready: date | None) -> None:
        for what in ("estimates", "disposals", "held_for_sale"):
            for fact in getattr(self.facts, what):
                day = self.day(fact, what)
                if day <= self.on and (ready is None or day < ready):
                    raise self.invalid("measure.before-available", what=what, date=day)
        bought = self.card.route is not Route.SELF_DEVELOPED
        if bought and ready is None and self.recognition.total(Outcome.CAPITALISED):
            self.note("measure.not-available")

    def _month_ends(self, ready: date) -> list[date]:
        """The days on which amortisation is posted, from the month available."""
        life = self.facts.life
        if life is None and self.method != UNITS:
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
            self.amortised = True
            self._live(ready, life.months if life else 0)
        first = ready.replace(day=1)
        if self.facts.opening:
            first = max(first, self.day(self.facts.opening, "opening") + timedelta(days=1))
        ends: list[date] = []
        while (end := add_months(first, len(ends) + 1) - timedelta(days=1)) <= self.on:
            ends.append(end)
        return ends

    def _live(self, ready: date, months: int) -> None:
        """Take `months` as the whole life; 0 when only units bound it."""
        life = self.facts.life
        if life is not None and not 0 < months <= MONTHS_MAX:
            raise self.invalid("measure.life-impossible", months=months, most=MONTHS_MAX)
        if self.method in (SUM, DECLINING) and months % 12:
            raise self.invalid("measure.method-whole-years", method=self.method, months=months)
        if life is not None and life.rights_until is not None:
            self._check_rights(life, ready, months, life.rights_until)
        self.months = months
        if self.method != UNITS:
            self.weights = weights(self.method, months, self.residual)

    def _check_rights(self, life: Life, ready: date, months: int, until: date) -> None:
        """A life ends with the rights that it stands on, unless renewing them is judged cheap."""
        ends = add_months(ready.replace(day=1), months) - timedelta(days=1)
        if (ends.year, ends.month) <= (until.year, until.month):
            return
        rule = self.rules.ask("cas_6", "life_within_rights", on=ready)
        if rule.value and not life.renewal:
            raise self.invalid("measure.life-beyond-rights", rule, ends=ends, until=until)
        self.note("measure.life-relies-on-renewal", rule, ends=ends, until=until)

    # Amortisation

    def _charge(self, day: date, _: None) -> None:
        if not self.amortised:
            return
        held, units = self.held, Fraction()
        cost, left = self.balances[Layer.COST], self._depreciable()
        if held is not None:
            cost = held.cost
        if self.method == UNITS:
            units = self._units(day)
        if cost and left > 0:
            if self.base is None:
                self._spread(left)
            assert self.base is not None
            last = 0 < self.months <= self.charged + 1
            weight: int | Fraction = units
            if self.method == UNITS:
                last = last or self.used + units >= self.total
            else:
                weight = self.weights[self.charged] if self.charged < len(self.weights) else 0
            fen = share(self.base, weight, self.rest, left, last=last)
            if held is not None:
                held.since += fen
            elif fen:
                self.charge(day, Layer.AMORTISATION, fen)
        self.used += units
        self.charged += 1
        if self.renew_after_charge:
            self.changed()
            self.renew_after_charge = False

    def _spread(self, left: int) -> None:
        self.base = left
        if self.method == UNITS:
            self.rest = max(self.total - self.used, Fraction())
        else:
            self.rest = sum(self.weights[self.charged :])

    def _units(self, day: date) -> Fraction:
        """The units of a month; one of which nothing is known counts none, and is told."""
        month = f"{day:%Y-%m}"
        if month not in self.counted:
            self.note("measure.usage-missing", month=month)
            return Fraction()
        if self.used <= self.total < self.used + self.counted[month]:
            self.note("measure.usage-above-total", month=month, total=_plain(self.total))
        return self.counted[month]

    def _residual(self) -> int:
        return (self.of(self.balances[Layer.COST]) * self.residual).fen if self.residual else 0

    def _depreciable(self) -> int:
        """What is still to be amortised, in fen; of an asset held for sale, what would be."""
        held = self.held
        if held is not None:
            residual = (self.of(held.cost) * self.residual).fen
            return held.cost - residual - held.amortisation - held.impairment - held.since
        balances = self.balances
        return (
            balances[Layer.COST]
            - self._residual()
            - balances[Layer.AMORTISATION]
            - balances[Layer.IMPAIRMENT]
        )

    def _to_come(self, day: date) -> list[tuple[date, int]]:
        """What each month from that of `day` on would be charged as things stand."""
        left = self._depreciable()
        if self.method == UNITS or not self.amortised or left <= 0:
            return []
        to_come = self.weights[self.charged :]
        base, rest = (left, 0) if self.base is None else (self.base, self.rest)
        first = day.replace(day=1)
        return [
            (add_months(first, at + 1) - timedelta(days=1), fen)
            for at, fen in enumerate(charges(base, left, to_come, rest))
        ]

    def _estimate(self, day: date, fact: Fact) -> None:
        """会计估计变更 (CAS 28): from this month on, and its effect on each month to come."""
        self._not_held(day, "estimates")
        before = dict(self._to_come(day))
        old = {
            "months": str(self.months),
            "residual": f"{self.residual:%}",
            "method": self.method,
            "total": _plain(self.total),
        }
        ready = self.facts.available_on
        assert ready is not None  # no estimate comes before it
        if "residual" in fact:
            self.residual = self.rate(fact["residual"], "estimates")
        if "method" in fact or "method.kind" in fact:
            name = fact.get("method") or fact["method.kind"]
            self.method, self.total = self._judged_method(name, fact, day)
        elif "total" in fact:
            self.total = self._amount(fact, "total", "estimates")
        if self.method == UNITS and self.total <= self.used:
            raise self.invalid(
                "measure.total-already-used",
                total=_plain(self.total),
                used=_plain(self.used),
                date=day,
            )
        months = int(fact["months"]) if "months" in fact else self.months
        if "months" in fact:
            if months <= self.charged:
                raise self.invalid(
                    "measure.life-already-over", months=months, charged=self.charged, date=day
                )
            self.amortised = True
        if self.amortised:
            self._live(ready, months)
        self.changed()
        after = dict(self._to_come(day))
        known = UNITS not in (old["method"], self.method)
        new = {
            "months": str(self.months),
            "residual": f"{self.residual:%}",
            "method": self.method,
            "total": _plain(self.total),
        }
        ends = sorted({*before, *after})
        self.changes.append(
            Change(
                day,
                tuple((name, old[name], new[name]) for name in old if old[name] != new[name]),
                fact.get("reason", fact.get("reasons", "")),
                tuple((end, self.of(after.get(end, 0) - before.get(end, 0))) for end in ends)
                if known
                else None,
            )
        )

    # Impairment

    def _impair(self, day: date, fact: Fact) -> None:
        self._not_held(day, "impairments")
        ready = self.facts.available_on
        developing = self.card.route is Route.SELF_DEVELOPED and (ready is None or day < ready)
        if developing:
            layer = Layer.DEVELOPMENT_IMPAIRMENT
            carried = self.balances[Layer.DEVELOPMENT] - self.balances[layer]
        else:
            layer = Layer.IMPAIRMENT
            carried = self.balances[Layer.COST] - self.balances[Layer.AMORTISATION]
            carried -= self.balances[layer]
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
        before_charge = (day + timedelta(days=1)).day != 1  # this month's is still to come
        left = self._depreciable()
        if before_charge and self.base is None and self.amortised and left > 0 and not developing:
            self._spread(left)  # as it was before the loss
        self.charge(day, layer, loss)
        if not developing:
            self.renew_after_charge = before_charge
            if not before_charge:
                self.changed()

    def _loss(self, day: date, fact: Fact, carried: int) -> int:
        """The loss in fen; none where the recoverable amount is above what is carried."""
        if has(fact, "test"):
            recoverable = self._recoverable(day, fact)
            for key, computed in (
                ("recoverable", recoverable.fen),
                ("amount", max(carried - recoverable.fen, 0)),
            ):
                if key in fact and self.fen(fact[key]) != computed:
                    raise self.invalid(
                        "measure.test-differs",
                        date=day,
                        what=key,
                        amount=fact[key],
                        computed=self.of(computed).text,
                    )
            return max(carried - recoverable.fen, 0)
        if "amount" in fact:
            return self.fen(fact["amount"])
        if "recoverable" not in fact:
            raise self.invalid("measure.impairment-amount", date=day)
        return max(carried - self.fen(fact["recoverable"]), 0)

    def _recoverable(self, day: date, fact: Fact) -> Money:
        """可收回金额: the higher of value in use and fair value less costs of disposal.

        A year's cash flow is taken at its end; the part of a year until then counts by months.
        """
        rule = self.rules.ask("cas_8", "recoverable_amount", on=day)
        self.judged(fact, "impairments", day, rule)
        found: list[Money] = []
        flows = {
            key.rpartition(".")[2]: written
            for key, written in fact.items()
            if key.startswith("test.value_in_use.cash_flows.")
        }
        if flows:
            discount = self.rate(fact.get("test.value_in_use.discount", "0"), "impairments")
            if not 0 < discount < 1:
                raise self.invalid("measure.test-discount", rule, date=day, rate=f"{discount:%}")
            growth, total = 1 + discount, Decimal()
            for year, written in flows.items():
                months = (int(year) - day.year) * 12 + 12 - day.month
                if months < 0:
                    raise self.invalid("measure.test-past", rule, date=day, year=year)
                years = EXACT.divide(Decimal(months), Decimal(12))
                total = EXACT.add(
                    total,
                    EXACT.divide(self.money(written).amount, EXACT.power(growth, years)),
                )
            found.append(Money(total, self.currency).posted())
        if "test.fair_value_less_cost" in fact:
            found.append(self.money(fact["test.fair_value_less_cost"]))
        if not found:
            raise self.invalid("measure.test-empty", rule, date=day)
        return max(found, key=lambda money: money.amount)

    def _tests_missing(self) -> None:
        """每年减值测试: an indefinite life, and what is not yet available for use."""
        if not self.movements:
            return
        rule = self.rules.ask("cas_8", "yearly_tests", on=self.on)
        tested = {self.day(fact, "impairments").year for fact in self.facts.impairments}
        ready = self.facts.available_on
        for year in range(self.movements[0].day.year, self.on.year + 1):
            due = add_months(date(year, self.policy.impairment_test, 1), 1) - timedelta(days=1)
            if due > self.on or year in tested:
                continue
            if ready is None or due < ready:
                why, which = Text("尚未达到可使用状态", "is not yet available for use"), 1
                layers = (Layer.DEVELOPMENT, Layer.COST)
            elif not self.amortised:
                why, which = Text("使用寿命不确定", "has an indefinite life"), 0
                layers = (Layer.COST,)
            else:
                continue
            if ("indefinite_life", "not_yet_available")[which] in rule.value and any(
                self._at(layer, due) for layer in layers
            ):
                self.note("measure.impairment-test-missing", rule, year=year, why=why)

    def _at(self, layer: Layer, day: date) -> int:
        return sum(m.amount.fen for m in self.movements if m.layer is layer and m.day <= day)

    # Leaving, and being held for sale

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

    def _hold(self, day: date, fact: Fact) -> None:
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
        self._not_held(day, "held_for_sale")
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
        self.held = _Held(cost, amortisation, impairment)
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

    def _not_held(self, day: date, what: str) -> None:
        if self.held is not None:
            raise self.invalid("measure.held-already", what=what, date=day)

    def _held_too_long(self) -> None:
        """A sale is expected within a year; after it somebody says why not yet, or it returns."""
        if self.held is None:
            return
        facts = [f for f in self.facts.held_for_sale if f.get("act", "classified") == "classified"]
        first = max(d for f in facts if (d := self.day(f, "held_for_sale")) <= self.on)
        rule = self.rules.ask("cas_42", "months_max", on=self.on)
        extended = any(f.get("extended") for f in self.facts.held_for_sale)
        if add_months(first, int(rule.value)) < self.on and not extended:
            self.note("measure.held-over-a-year", rule, date=first)


def _plain(units: Fraction) -> str:
    return f"{Decimal(units.numerator) / Decimal(units.denominator):f}"
