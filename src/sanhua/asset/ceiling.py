"""The ceiling 最高准许收入: what an operator of public data may take, 发改价格〔2025〕65号."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sanhua.kernel.errors import Denied, Invalid
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.ports import Rule, Rules
from sanhua.kernel.time import add_months, parse_day

INSTRUMENT = "ndrc_2025_65"


@dataclass(frozen=True, slots=True)
class Allowed:
    """最高准许收入 of one year of an assessment period, with the rules that it rests on.

    `cost` is net of subsidies, `rate` the profit rate. `revenue` is cost, profit and tax less what
    is carried over; `left` is what could not be carried over because nothing was left to cut.
    """

    cost: Money
    rate: Decimal
    profit: Money
    tax: Money
    carried: Money
    revenue: Money
    left: Money
    rules: tuple[Rule, ...]

    @property
    def before_tax(self) -> Money:
        return self.cost + self.profit


@dataclass(frozen=True, slots=True)
class Deviation:
    """`share` is (actual − allowed) / allowed. Within the gate the operator adjusts its fees,
    beyond it the authorising body adjusts the ceilings.
    """

    share: Decimal
    within: bool
    rule: Rule

    @property
    def adjusted_by(self) -> str:
        return "operator" if self.within else "authorising_body"


def allowed_revenue(
    spending: Mapping[str, Money],
    rules: Rules,
    *,
    on: date,
    treasury_yield: Decimal,
    margin: Decimal,
    tax: Money,
    subsidy: Money | None = None,
    carried: Money | None = None,
) -> Allowed:
    """Operating cost, allowed profit and tax, less what earlier periods took too much.

    `spending` is by cost item of the notice; `treasury_yield` the average of the ten-year bond in
    the year before the cost survey, `margin` the points above it (0.06). `carried` is what
    `carry_over` gave for this period. Invalid ceiling.* for what cannot be a cost, Denied
    ceiling.margin-above-max; RuleGap before the notice took effect.
    """
    items = rules.ask(INSTRUMENT, "cost_items", on=on)
    most = rules.ask(INSTRUMENT, "profit_margin_max", on=on)
    net = rules.ask(INSTRUMENT, "subsidy_reduces_cost", on=on)
    known = [str(item["id"]) for item in items.value]
    for name, amount in spending.items():
        if name not in known:
            raise Invalid(
                "ceiling.unknown-cost", rule=items.citation, item=name, known=", ".join(known)
            )
        if amount.amount < 0:
            raise Invalid("ceiling.negative", name=name, amount=str(amount))
    zero = Money(Decimal(), tax.currency)
    subsidy, carried = subsidy or zero, carried or zero
    for name, given in (("subsidy", subsidy), ("carried", carried), ("tax", tax)):
        if given.amount < 0:
            raise Invalid("ceiling.negative", name=name, amount=str(given))
    if margin < 0:
        raise Invalid("ceiling.negative", name="margin", amount=percent(margin))
    if margin > most.value:
        raise Denied(
            "ceiling.margin-above-max",
            rule=most.citation,
            margin=percent(margin),
            most=percent(most.value),
        )
    spent = Money.sum(spending.values(), tax.currency)
    cost = spent - subsidy if net.value else spent
    if cost.amount < 0:
        raise Invalid("ceiling.subsidy-above-cost", subsidy=str(subsidy), spent=str(spent))
    rate = EXACT.add(treasury_yield, margin)
    profit = cost * rate
    whole = cost + profit + tax
    revenue = max(zero, whole - carried, key=lambda money: money.amount)
    left = carried - (whole - revenue)
    return Allowed(cost, rate, profit, tax, carried, revenue, left, (items, most, net))


def deviation(actual: Money, allowed: Money, rules: Rules, *, on: date) -> Deviation:
    """How far a year's actual revenue is from the allowed one, and who has to act."""
    gate = rules.ask(INSTRUMENT, "deviation_gate", on=on)
    if allowed.amount <= 0:
        raise Invalid("ceiling.nothing-allowed", allowed=str(allowed))
    excess = actual - allowed
    # Compared as amounts: a quotient may not be exact.
    within = abs(excess.amount) <= EXACT.multiply(allowed.amount, gate.value)
    return Deviation(EXACT.divide(excess.amount, allowed.amount), within, gate)


def carry_over(actual: Money, allowed: Money, *, periods: int = 1) -> list[Money]:
    """What each of the next `periods` loses because this one took more than allowed, to the fen; a
    shortfall is not made up for.
    """
    excess = max(Money(Decimal(), allowed.currency), actual - allowed, key=lambda m: m.amount)
    return excess.split([Decimal(1)] * periods)


def assessment_ends(starts_on: date, years: int, rules: Rules) -> date:
    """The first day after an assessment period of `years`; Denied ceiling.period-too-long."""
    most = rules.ask(INSTRUMENT, "assessment_period_years_max", on=starts_on)
    if not 0 < years <= most.value:
        raise Denied("ceiling.period-too-long", rule=most.citation, years=years, most=most.value)
    return add_months(starts_on, 12 * years)


def report_due(year: int, rules: Rules) -> date:
    """The day by which the operator reports on `year`."""
    rule = rules.ask(INSTRUMENT, "report_day", on=date(year, 12, 31))
    return parse_day(f"{year + 1}-{rule.value}")


def percent(share: Decimal) -> str:
    """0.06 → 6%."""
    text = format(share.scaleb(2, EXACT), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"
