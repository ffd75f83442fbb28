"""Bills: each line to the fen, each period once, what comes late as an adjustment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.asset.bill import (
    billing_period,
    draw_up,
    due_in,
    lines_of,
    month_of,
    taxed,
)
from sanhua.asset.price import Plan, PriceStep, Tax
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.time import Period

MARCH = Period.named("2026-03")
NOWHERE = Origin("")


def yuan(text: str) -> Money:
    return Money(Decimal(text))


def plan(**terms: object) -> Plan:
    return Plan("standard", NOWHERE, **terms)  # type: ignore[arg-type]


STANDARD = plan(
    fee={"month": yuan("2000.00")},
    per={"call": (PriceStep(yuan("0.05")),)},
    included={"call": 10_000},
    cap={"month": yuan("5000.00")},
)
YEAR = (date(2026, 1, 1), date(2027, 1, 1))


def used(call: int = 0, row: int = 0, byte: int = 0) -> dict[str, int]:
    return {"call": call, "row": row, "byte": byte}


def said(terms: Plan, units: dict[str, int], period: Period = MARCH, term=YEAR) -> list[str]:
    return [f"{x.reason} {x.amount.text}" for x in lines_of(terms, period, *term, units)]


def test_the_month_of_formats_13():
    """12,040 calls, 10,000 of them included: 2000.00 and 2040 x 0.05, 6 % tax within."""
    lines = lines_of(STANDARD, MARCH, *YEAR, used(12_040))
    assert [(x.reason, str(x.quantity), x.price.text, x.amount.text) for x in lines] == [
        ("fee", "1", "2000.00", "2000.00"),
        ("usage", "2040", "0.05", "102.00"),
    ]
    net, tax, total = taxed(lines, Tax(Decimal("0.06")))
    assert (net.text, tax.text, total.text) == ("1983.02", "118.98", "2102.00")


def test_tax_on_top():
    lines = lines_of(STANDARD, MARCH, *YEAR, used())
    net, tax, total = taxed(lines, Tax(Decimal("0.06"), included=False))
    assert (net.text, tax.text, total.text) == ("2000.00", "120.00", "2120.00")


def test_the_cap_and_the_minimum_are_lines_of_their_own():
    assert said(STANDARD, used(100_000)) == ["fee 2000.00", "usage 4500.00", "cap -1500.00"]
    data_only = plan(per={"row": (PriceStep(yuan("0.002")),)}, minimum={"month": yuan("100.00")})
    assert said(data_only, used(3, 40)) == ["usage 0.08", "minimum 99.92"]
    assert said(data_only, used(3, 50_000)) == ["usage 100.00"]
    assert said(data_only, used(3, 50_001)) == ["usage 100.00"]  # 100.002
    assert said(data_only, used(3, 50_003)) == ["usage 100.01"]  # 100.006


def test_days_in_force_count_for_everything_that_a_period_gives_or_asks():
    term = (date(2026, 3, 17), date(2026, 12, 31))
    terms = replace(STANDARD, minimum={"month": yuan("2500.00")})
    lines = lines_of(terms, MARCH, *term, used(5_000))
    assert [(x.reason, x.amount.text, x.days) for x in lines] == [
        ("fee", "967.74", "15/31"),  # 2000 x 15/31 = 967.741…
        ("usage", "8.10", ""),  # 5,000 less 10,000 x 15/31 = 4,838
        ("minimum", "233.84", ""),  # 2500 x 15/31 = 1209.677… - 975.84
    ]
    capped = said(STANDARD, used(10**6), MARCH, term)
    assert sum(Decimal(line.split()[1]) for line in capped) == Decimal("2419.35")  # 5000 x 15/31
    assert said(replace(STANDARD, proration="none"), used(), MARCH, term) == ["fee 2000.00"]
    assert said(STANDARD, used(), Period.named("2026-02"), term) == []


def test_a_deal_and_the_one_that_amends_it_make_one_whole():
    first, second = (date(2026, 1, 1), date(2026, 3, 17)), (date(2026, 3, 17), date(2027, 1, 1))
    both = said(STANDARD, used(), MARCH, first) + said(STANDARD, used(), MARCH, second)
    assert both == ["fee 1032.26", "fee 967.74"]


def test_a_deal_that_ended_before_it_began_costs_nothing():
    once = plan(once=yuan("60000.00"), fee={"month": yuan("10.00")})
    assert said(once, used(), MARCH, (date(2026, 3, 10), date(2026, 3, 10))) == []
    assert said(once, used(), MARCH, (date(2026, 3, 10), date(2026, 2, 1))) == []


def test_steps_are_lines_each_at_its_price():
    steps = (PriceStep(yuan("0.10"), 100), PriceStep(yuan("0.05"), 300), PriceStep(yuan("0.01")))
    graduated = plan(per={"call": steps})
    assert said(graduated, used(350)) == ["usage 10.00", "usage 10.00", "usage 0.50"]
    assert said(replace(graduated, steps="volume"), used(300)) == ["usage 15.00"]
    assert said(replace(graduated, steps="volume"), used(301)) == ["usage 3.01"]
    assert said(graduated, used(0)) == []


def test_megabytes_begun_are_paid():
    by_mb = plan(per={"mb": (PriceStep(yuan("1.00")),)})
    assert said(by_mb, used(byte=1)) == ["usage 1.00"]
    assert said(by_mb, used(byte=1_000_000)) == ["usage 1.00"]
    assert said(by_mb, used(byte=1_000_001)) == ["usage 2.00"]


def test_a_trial_is_a_line_of_nothing_and_once_is_paid_once():
    assert said(plan(free=True, trial="30 days"), used(7)) == ["trial 0.00"]
    once = plan(once=yuan("300.00"), fee={"month": yuan("10.00")})
    term = (date(2026, 3, 1), date(2027, 3, 1))
    assert said(once, used(), MARCH, term) == ["once 300.00", "fee 10.00"]
    assert said(once, used(), Period.named("2026-04"), term) == ["fee 10.00"]


@pytest.mark.parametrize(
    ("key", "ends_on", "due"),
    [
        ("month", date(2027, 1, 1), "2026-05"),
        ("quarter", date(2027, 1, 1), "2026-06"),
        ("year", date(2027, 1, 1), "2026-12"),
        ("quarter", date(2026, 5, 1), "2026-04"),  # over in April: no wait for June
        ("year", date(2026, 5, 2), "2026-05"),
        ("month", date(2026, 2, 1), "2026-05"),  # calls in the grace after its end
    ],
)
def test_a_period_is_billed_when_it_or_the_deal_is_over(key: str, ends_on: date, due: str):
    period = billing_period(plan(fee={key: yuan("1.00")}), date(2026, 5, 20))
    assert due_in(period, date(2026, 1, 1), ends_on).id == due


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12), st.integers(0, 9_000)), max_size=30),
    st.sampled_from(["month", "quarter", "year"]),
    st.integers(1, 365),
)
def test_whatever_comes_late_the_year_adds_up_to_the_same(
    arrivals: list[tuple[int, int, int]], key: str, term_days: int
):
    """Usage of a month arrives in that month or some months later: the bills over the year are
    those of a year in which everything came in time.
    """
    terms = plan(
        fee={key: yuan("300.00")},
        per={"call": (PriceStep(yuan("0.033"), 5_000), PriceStep(yuan("0.021")))},
        included={"call": 1_000},
        cap={key: yuan("450.00")},
    )
    begins = date(2026, 1, 1)
    ends = date.fromordinal(begins.toordinal() + term_days)

    def year(wait: bool) -> dict[str, Money]:
        billed: dict[str, Money] = {}
        for n in range(1, 25):
            month = month_of(date(2026 + (n - 1) // 12, (n - 1) % 12 + 1, 1))
            known = [(m, c) for m, late, c in arrivals if m + (late if wait else 0) <= n]
            fresh = {m for m, late, _ in arrivals if m + (late if wait else 0) == n}
            touched = sorted({month_of(date(2026, m, 1)) for m in fresh} | {month}, key=str)

            def count(period: Period, known=known) -> dict[str, int]:
                return used(sum(c for m, c in known if date(2026, m, 1) in period))

            lines, _ = draw_up(
                terms, month, touched, begins, ends, count,
                lambda p, billed=billed: billed.get(p.id, yuan("0")),
            )  # fmt: skip
            for line in lines:
                billed[line.period] = billed.get(line.period, yuan("0")) + line.amount
        return {period: amount for period, amount in billed.items() if amount}

    assert year(wait=True) == year(wait=False)
