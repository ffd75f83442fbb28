"""The allowed revenue of an operator of public data, by 发改价格〔2025〕65号."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.asset.ceiling import (
    Allowed,
    allowed_revenue,
    assessment_ends,
    carry_over,
    deviation,
    report_due,
)
from sanhua.kernel.errors import Denied, Invalid, RuleGap
from sanhua.kernel.money import Money
from sanhua.rules.packs import Packs

PACKS = Packs.load()
DAY = date(2026, 11, 23)


def wan(text: str) -> Money:
    return Money(Decimal(text))


def allowed(spent: str = "1000", **more: Any) -> Allowed:
    given: dict[str, Any] = {
        "on": DAY,
        "treasury_yield": Decimal("0.0222"),
        "margin": Decimal("0.06"),
        "tax": wan("0"),
    } | more
    return allowed_revenue({"platform": wan(spent)}, PACKS, **given)


def test_a_cost_of_1000_at_2_22_percent_and_6_points_allows_1082_20_before_tax():
    """regulation.md §5.3, computed there: rate 8.22 %, profit 82.2."""
    found = allowed()
    assert (found.rate, found.profit, found.before_tax) == (
        Decimal("0.0822"),
        wan("82.2000"),
        wan("1082.2000"),
    )
    assert allowed(tax=wan("64.93")).revenue == wan("1147.1300")
    assert [rule.number for rule in found.rules] == ["发改价格〔2025〕65号"] * 3


def test_subsidies_come_off_the_cost_before_the_profit():
    found = allowed("1200", subsidy=wan("200"))
    assert found.cost == wan("1000") and found.revenue.text == "1082.20"


@pytest.mark.parametrize("margin, fits", [("0.0599", True), ("0.06", True), ("0.0601", False)])
def test_the_margin_is_at_most_six_points(margin: str, fits: bool):
    if fits:
        assert allowed(margin=Decimal(margin)).rate == Decimal("0.0222") + Decimal(margin)
        return
    with pytest.raises(Denied) as refused:
        allowed(margin=Decimal(margin))
    assert refused.value.code == "ceiling.margin-above-max"
    assert refused.value.diagnostic.rule is not None
    assert "6.01%" in refused.value.diagnostic.message("en")


def test_there_is_no_rule_before_its_first_day():
    with pytest.raises(RuleGap):
        allowed(on=date(2025, 2, 28))
    assert allowed(on=date(2025, 3, 1)).revenue.text == "1082.20"
    with pytest.raises(RuleGap):
        deviation(wan("1"), wan("1"), PACKS, on=date(2025, 2, 28))


@pytest.mark.parametrize(
    "actual, within",
    [
        ("1190.41", True), ("1190.42", True), ("1190.43", False), ("973.98", True),
        ("973.97", False),
    ],
)  # fmt: skip
def test_up_to_ten_percent_the_operator_adjusts_beyond_it_the_authorising_body(
    actual: str, within: bool
):
    """10 % of 1082.20 is 108.22."""
    found = deviation(wan(actual), wan("1082.20"), PACKS, on=DAY)
    assert found.within is within
    assert found.adjusted_by == ("operator" if within else "authorising_body")


def test_what_was_taken_too_much_is_cut_from_the_next_periods():
    assert carry_over(wan("1200"), wan("1082.20")) == [wan("117.80")]
    parts = carry_over(wan("1200.01"), wan("1082.20"), periods=3)
    assert parts == [wan("39.27")] * 3
    assert carry_over(wan("1000"), wan("1082.20")) == [wan("0.00")]
    found = allowed(carried=wan("117.80"))
    assert found.revenue.text == "964.40" and not found.left
    beyond = allowed(carried=wan("2000"))
    assert beyond.revenue == wan("0") and beyond.left.text == "917.80"


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 5))
def test_the_parts_carried_over_add_up_to_the_excess(actual: int, most: int, periods: int):
    taken, cap = Money.of_fen(actual), Money.of_fen(most)
    parts = carry_over(taken, cap, periods=periods)
    assert Money.sum(parts).fen == max(0, actual - most)


@pytest.mark.parametrize("years, fits", [(0, False), (2, True), (3, True), (4, False)])
def test_an_assessment_period_has_at_most_three_years(years: int, fits: bool):
    if fits:
        assert assessment_ends(date(2026, 1, 1), years, PACKS) == date(2026 + years, 1, 1)
        return
    with pytest.raises(Denied) as refused:
        assessment_ends(date(2026, 1, 1), years, PACKS)
    assert refused.value.code == "ceiling.period-too-long"


def test_the_year_is_reported_by_the_end_of_march():
    assert report_due(2026, PACKS) == date(2027, 3, 31)


@pytest.mark.parametrize(
    "more, code",
    [
        ({"subsidy": wan("1000.01")}, "ceiling.subsidy-above-cost"),
        ({"subsidy": wan("-1")}, "ceiling.negative"),
        ({"margin": Decimal("-0.01")}, "ceiling.negative"),
        ({"tax": wan("-1")}, "ceiling.negative"),
        ({"tax": Money(Decimal(1), "USD")}, "money.mixed-currency"),
    ],
)
def test_what_cannot_be_a_cost_is_refused(more: dict[str, Any], code: str):
    with pytest.raises(Invalid) as refused:
        allowed(**more)
    assert refused.value.code == code


def test_a_cost_item_that_the_notice_lacks_is_refused_and_so_is_a_share_of_nothing():
    with pytest.raises(Invalid) as refused:
        allowed_revenue(
            {"parties": wan("1")}, PACKS, on=DAY, treasury_yield=Decimal("0.02"),
            margin=Decimal("0.01"), tax=wan("0"),
        )  # fmt: skip
    assert refused.value.code == "ceiling.unknown-cost"
    assert "platform" in refused.value.diagnostic.hint("en")
    with pytest.raises(Invalid):
        deviation(wan("1"), wan("0"), PACKS, on=DAY)
