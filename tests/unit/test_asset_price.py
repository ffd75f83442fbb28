"""What a plan costs, against a slow oracle that adds up unit by unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.asset.price import Plan, PriceStep, Tax, check_plan, freeze_plan, quote
from sanhua.kernel.errors import Invalid
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import body, edges_of, restore

HERE = Origin("products/p.yaml", 9, "sha256:aa")


def yuan(written: str) -> Money:
    return Money(Decimal(written))


def flat(price: str) -> tuple[PriceStep, ...]:
    return (PriceStep(yuan(price)),)


STANDARD = Plan(
    "standard",
    HERE,
    fee={"month": yuan("2000.00")},
    per={"call": flat("0.05")},
    included={"call": 10000},
    cap={"month": yuan("5000.00")},
)


@pytest.mark.parametrize(
    ("calls", "due"),
    [(0, "2000"), (10000, "2000"), (12040, "2102"), (70000, "5000"), (80000, "5000")],
)
def test_the_standard_plan_of_the_format_page_costs_what_its_words_say(calls: int, due: str):
    """FORMATS §9 and the invoice of §13: 2,040 calls beyond those included are 102.00."""
    assert quote(STANDARD, {"call": calls}) == yuan(due)


def test_a_year_takes_twelve_months_of_fee_included_units_and_cap():
    assert quote(STANDARD, {"call": 120001}, period="year") == yuan("24000.05")
    assert quote(STANDARD, {"call": 10**7}, period="year") == yuan("60000")


def test_steps_count_from_the_first_unit_that_is_not_included():
    steps = (PriceStep(yuan("0.05"), 10), PriceStep(yuan("0.03")))
    plan = Plan("p", HERE, per={"call": steps}, included={"call": 5})
    assert quote(plan, {"call": 20}) == yuan("0.65")
    assert quote(Plan("p", HERE, per={"call": steps}, steps="volume"), {"call": 20}) == yuan("0.60")


def test_a_share_of_the_buyers_income_needs_that_income():
    plan = Plan("p", HERE, revenue_share={"rate": "8%", "of": "buyer_statement"})
    with pytest.raises(Invalid) as refused:
        quote(plan, {})
    assert refused.value.code == "price.needs-income"
    assert quote(plan, {}, income=yuan("1000.01")) == yuan("80.0008")


def test_a_trial_is_free_up_to_its_limit():
    trial = Plan("trial", HERE, free=True, trial="30 days", limit={"call": 100})
    assert quote(trial, {"call": 100}) == yuan("0")
    with pytest.raises(Invalid) as refused:
        quote(trial, {"call": 101})
    assert refused.value.code == "price.over-limit"


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan("p", HERE, fee={"week": yuan("1")}), "price.unknown-period"),
        (Plan("p", HERE, fee={"month": yuan("-1")}), "price.negative"),
        (Plan("p", HERE, free=True, once=yuan("1")), "price.free-but-priced"),
        (
            Plan("p", HERE, once=yuan("1"), fee={"month": Money(Decimal(1), "USD")}),
            "price.mixed-currency",
        ),
        (
            Plan("p", HERE, minimum={"month": yuan("9")}, cap={"year": yuan("100")}),
            "price.minimum-above-cap",
        ),
        (Plan("p", HERE, per={"call": (PriceStep(yuan("1"), 5),)}), "price.open-steps"),
        (
            Plan(
                "p",
                HERE,
                per={"call": (PriceStep(yuan("1"), 5), PriceStep(yuan("1"), 5), *flat("1"))},
            ),
            "price.unordered-steps",
        ),
        (
            Plan("p", HERE, per={"call": flat("0.09")}, ceiling={"per.call": "0.08"}),
            "price.above-ceiling",
        ),
    ],
)
def test_a_plan_that_no_bill_could_follow_is_refused_at_its_line(plan: Plan, code: str):
    with pytest.raises(Invalid) as refused:
        check_plan(plan)
    told = refused.value.diagnostic
    assert (told.code, told.path, told.line) == (code, "products/p.yaml", 9)
    assert "{" not in told.message("zh") + told.message("en")


def test_a_price_at_the_government_ceiling_is_allowed():
    check_plan(
        Plan(
            "p",
            HERE,
            per={"call": flat("0.08")},
            ceiling={"per.call": "0.08", "approved": "evidence/a.md"},
        )
    )


def test_moving_a_plan_to_another_line_does_not_change_its_record():
    one, other = (
        freeze_plan(
            "p", Plan("s", Origin("products/p.yaml", line, "sha256:aa"), once=yuan("1")), Tax()
        )
        for line in (3, 30)
    )
    assert body(one) == body(other)
    import json

    assert restore(type(one), json.loads(body(one))["fields"]) == one
    assert {edge.verb for edge in edges_of(one)} == {"prices", "defined_by"}


cents = st.integers(0, 500).map(lambda fen: Money(Decimal(fen).scaleb(-3)))


@st.composite
def plans(draw: st.DrawFn, *, volume: bool = False) -> Plan:
    tops = sorted(draw(st.sets(st.integers(1, 60), max_size=3)))
    steps = tuple(PriceStep(draw(cents), to) for to in (*tops, None))
    bounds = sorted([draw(cents), draw(cents)], key=lambda money: money.amount)
    return Plan(
        "p",
        HERE,
        once=draw(st.none() | cents),
        fee={"month": draw(cents)} if draw(st.booleans()) else {},
        per={"call": steps},
        steps="volume" if volume else "graduated",
        included={"call": draw(st.integers(0, 20))},
        minimum={"month": bounds[0]} if draw(st.booleans()) else {},
        cap={"month": bounds[1]} if draw(st.booleans()) else {},
    )


def slowly(plan: Plan, calls: int) -> Decimal:
    """Unit by unit: the price of each is that of the first step it does not lie beyond."""
    beyond = max(0, calls - plan.included["call"])
    total = sum((fee.amount for fee in plan.fee.values()), Decimal())
    for unit in range(1, beyond + 1):
        reached = beyond if plan.steps == "volume" else unit
        total += next(s.price.amount for s in plan.per["call"] if s.to is None or reached <= s.to)
    for minimum in plan.minimum.values():
        total = max(total, minimum.amount)
    for cap in plan.cap.values():
        total = min(total, cap.amount)
    return total + (plan.once.amount if plan.once else Decimal())


@given(plans() | plans(volume=True), st.integers(0, 120))
def test_a_quote_is_what_counting_unit_by_unit_gives(plan: Plan, calls: int):
    assert quote(plan, {"call": calls}).amount == slowly(plan, calls)


@given(plans(), st.integers(0, 120), st.integers(0, 120))
def test_more_use_never_costs_less_with_graduated_steps(plan: Plan, one: int, other: int):
    fewer, more = sorted((one, other))
    assert quote(plan, {"call": fewer}).amount <= quote(plan, {"call": more}).amount
