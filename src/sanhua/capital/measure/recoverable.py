"""Recoverable amount 可收回金额 (CAS 8): an impairment test recomputed from what it rests on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sanhua.capital.measure.fold import Fact, Fold
from sanhua.kernel.money import EXACT, Money

FLOWS = "test.value_in_use.cash_flows."


def recoverable(fold: Fold, day: date, fact: Fact) -> Money:
    """可收回金额: the higher of value in use and fair value less costs of disposal.

    A year's cash flow is taken at its end; the part of a year until then counts by months.
    """
    rule = fold.rules.ask("cas_8", "recoverable_amount", on=day)
    fold.judged(fact, "impairments", day, rule)
    found: list[Money] = []
    flows = {
        key.rpartition(".")[2]: written for key, written in fact.items() if key.startswith(FLOWS)
    }
    if flows:
        discount = fold.rate(fact.get("test.value_in_use.discount", "0"), "impairments")
        if not 0 < discount < 1:
            raise fold.invalid("measure.test-discount", rule, date=day, rate=f"{discount:%}")
        growth, total = 1 + discount, Decimal()
        for year, written in flows.items():
            months = (int(year) - day.year) * 12 + 12 - day.month
            if months < 0:
                raise fold.invalid("measure.test-past", rule, date=day, year=year)
            years = EXACT.divide(Decimal(months), Decimal(12))
            total = EXACT.add(
                total,
                EXACT.divide(fold.money(written).amount, EXACT.power(growth, years)),
            )
        found.append(Money(total, fold.currency).posted())
    if "test.fair_value_less_cost" in fact:
        found.append(fold.money(fact["test.fair_value_less_cost"]))
    if not found:
        raise fold.invalid("measure.test-empty", rule, date=day)
    return max(found, key=lambda money: money.amount)
