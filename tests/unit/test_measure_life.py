"""A whole life measured: methods, openings, lots, held for sale, contribution, tests; and laws that
hold for each such life.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua.asset.bill import Counted
from sanhua.asset.contract import UsageContract
from sanhua.capital.disclose import Disclosure, draw_up
from sanhua.capital.measure import Carrying, Kind, Layer, book_of, carry, entries
from sanhua.capital.measure.movements import OFF
from sanhua.capital.measure.spread import weights
from sanhua.capital.recognise import (
    AssetCard,
    Correction,
    Grounds,
    Judged,
    Life,
    Measurement,
    Outcome,
    Recognition,
    Route,
    Use,
    Verdict,
    entry_of,
)
from sanhua.capital.voucher import AccountingPolicy
from sanhua.kernel.errors import Invalid
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months
from sanhua.rules.packs import Packs
from sanhua.workspace.measuring import metered

RULES = Packs.load()
POLICY = AccountingPolicy(Origin("books/policy.yaml"), {})
BOOK = book_of("plant")
READY = date(2025, 3, 31)
LATER = date(2034, 12, 31)
EVER = Period("ever", date(2020, 1, 1), date(2035, 1, 1))
SAID = {"evidence": "memo.md", "judged.by": "cfo", "judged.date": "2025-12-31"}
AGREED = SAID | {"agreement": "signed.pdf"}


def life(months: int = 36, **said: Any) -> Life:
    return Life(months, ("technology",), Judged("cfo", READY), **said)


def card(route: Route = Route.PURCHASED, use: Use = Use.INTERNAL, **measured: Any) -> AssetCard:
    facts = {"available_on": READY, "life": life()} if use is Use.INTERNAL else {}
    origin = Origin("books/assets/map.yaml", 1, "sha256:b")
    measurement = Measurement(**(facts | measured))
    return AssetCard("map", Text("云图"), "plant", route, use, origin, measurement=measurement)


def spent(*lines: tuple[date, str]) -> Recognition:
    verdicts = tuple(
        Verdict(
            index + 2,
            "1701.05",
            day,
            Money(Decimal(amount)),
            Outcome.CAPITALISED,
            "recognise.purchased",
            Grounds(f"voucher:{index}", ()),
            recognised=f"voucher:{index}",
            on_asset_account=True,
        )
        for index, (day, amount) in enumerate(lines)
    )
    return Recognition("asset:map", "CNY", verdicts, date(2024, 1, 1))


def of(asset: AssetCard, found: Recognition, on: date = LATER, **policy: Any) -> Carrying:
    return carry(asset, found, replace(POLICY, **policy), RULES, on)


def at(carried: Carrying, day: date = LATER) -> dict[str, str]:
    found = {layer.value: carried.balance(layer, day + timedelta(days=1)) for layer in Layer}
    return {name: amount.text for name, amount in found.items() if amount}


def monthly(carried: Carrying) -> list[str]:
    return [
        m.amount.text
        for m in carried.movements
        if m.layer is Layer.AMORTISATION and m.kind is Kind.CHARGED
    ]


def codes(carried: Carrying) -> list[str]:
    return [d.code for d in carried.diagnostics]


def booked(carried: Carrying, summary: str) -> dict[str, int]:
    """The lines of the one entry whose summary says so."""
    (entry,) = [e for e in entries(carried, {}, POLICY, BOOK, EVER) if summary in e.summary]
    return {line.account: line.amount for line in entry.lines}


BOUGHT = spent((READY, "36000.00"))


# Methods


def judged_method(kind: str, **said: str) -> dict[str, Any]:
    return {"method": {"kind": kind, "reason": "更新频率", **SAID, **said}}


def test_the_sum_of_the_years_falls_by_the_year():
    """36,000.00 over three years: 3/6, 2/6 and 1/6 are 18,000, 12,000 and 6,000."""
    made = monthly(of(card(**judged_method("sum_of_years")), BOUGHT))
    assert made == ["1500.00"] * 12 + ["1000.00"] * 12 + ["500.00"] * 12


def test_the_double_declining_balance_ends_in_two_years_alike():
    """36,000.00 over three years: 2/3 is 24,000, the last two years share 12,000. Over five years
    100,000.00 give 40,000, 24,000, 14,400, then 10,800 twice (the textbook case).
    """
    made = monthly(of(card(**judged_method("double_declining")), BOUGHT))
    assert made == ["2000.00"] * 12 + ["500.00"] * 24
    five = weights("double_declining", 60, Decimal())
    shares = [Decimal(sum(five[y * 12 : y * 12 + 12])) / sum(five) for y in range(5)]
    assert shares == [Decimal(s) for s in ("0.4", "0.24", "0.144", "0.108", "0.108")]


def test_declining_methods_keep_the_residual():
    for method in ("sum_of_years", "double_declining"):
        made = of(card(life=life(60), **judged_method(method)), BOUGHT, residual=Decimal("0.10"))
        assert at(made)["amortisation"] == "32400.00"


def test_units_of_production_follow_the_units_and_end_with_them():
    """12,000.00 for 6,000 units: 1,000 and 2,000 are 2,000.00 and 4,000.00; 3,500 take the rest."""
    usage = tuple(
        {"month": month, "units": units}
        for month, units in (("2025-03", "1000"), ("2025-04", "2000"), ("2025-06", "3500"))
    )
    asset = card(life=None, usage=usage, **judged_method("units_of_production", total="6000"))
    made = of(asset, spent((READY, "12000.00")), date(2025, 9, 30))
    assert monthly(made) == ["2000.00", "4000.00", "6000.00"]
    told = [(d.code, d.facts["month"]) for d in made.diagnostics]
    assert told == [
        ("measure.usage-missing", "2025-05"),
        ("measure.usage-above-total", "2025-06"),
    ]


def test_units_may_be_those_that_the_platform_counted():
    """10 % and 5 % of 1,000 calls; a closed month without calls has none, and is not told."""

    class Kept:
        def all(self, kind: type) -> list[Any]:
            if kind is UsageContract:
                return [SimpleNamespace(id="deal:d", product="product:lookup")]
            months = {"2025-03": 100, "2025-04": 0, "2025-05": 50}
            return [
                SimpleNamespace(
                    id=f"closing:{month}",
                    starts_on=date.fromisoformat(f"{month}-01"),
                    counts=[Counted("deal:d", month, n, {"call": n, "row": 9, "byte": 0})]
                    if n
                    else [],
                )
                for month, n in months.items()
            ]

    said = judged_method("units_of_production", total="1000", product="lookup", unit="call")
    (asset,) = metered(cast(Any, Kept()), [card(**said)])
    made = of(asset, BOUGHT, date(2025, 5, 31))
    assert monthly(made) == ["3600.00", "1800.00"] and not codes(made)
    twice = card(**said, usage=({"month": "2025-03", "units": "1"},))
    with pytest.raises(Invalid, match="measure.usage-twice"):
        metered(cast(Any, Kept()), [twice])


def test_a_change_of_method_is_prospective():
    """12 of 36 months straight; the 24,000 left by the sum of the years are 2/3 and 1/3."""
    change = {"date": "2026-03-01", "method": "sum_of_years", "reason": "迭代加快", **SAID}
    made = monthly(of(card(estimates=(change,)), BOUGHT))
    assert made[:12] == ["1000.00"] * 12
    assert made[12:24] == ["1333.33"] * 12
    assert sum(map(Decimal, made)) == 36000


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"method": {"kind": "sum_of_years"}}, "measure.method-not-judged"),
        ({"method": {"kind": "revenue"} | SAID}, "measure.method-unknown"),
        (judged_method("sum_of_years") | {"life": life(30)}, "measure.method-whole-years"),
        (judged_method("units_of_production"), "measure.method-no-total"),
        ({"life": life(0)}, "measure.life-impossible"),
        ({"life": life(-3)}, "measure.life-impossible"),
        ({"life": life(481)}, "measure.life-impossible"),
        ({"life": life(rights_until=date(2028, 1, 31))}, "measure.life-beyond-rights"),
    ],
)
def test_a_method_or_a_life_that_cannot_be_is_refused(facts: dict[str, Any], code: str):
    with pytest.raises(Invalid, match=code):
        of(card(**facts), BOUGHT)


def test_a_life_ends_in_the_month_in_which_its_rights_end_or_says_why_not():
    """36 months from March 2025 end in February 2028."""
    assert not codes(of(card(life=life(rights_until=date(2028, 2, 10))), BOUGHT))
    renewed = life(rights_until=date(2028, 1, 31), renewal="续约不付费")
    assert codes(of(card(life=renewed), BOUGHT)) == ["measure.life-relies-on-renewal"]


# Openings

OPENING = {
    "date": "2025-12-31",
    "cost": "3600.00",
    "amortisation": "1000.00",
    "months_charged": "10",
    **SAID,
}


def test_an_opening_goes_on_where_the_books_before_it_ended():
    """Ten of 36 months: 2,600.00 for 26 months."""
    made = of(card(opening=OPENING), spent())
    assert [m.kind for m in made.movements[:2]] == [Kind.OPENING, Kind.OPENING]
    assert monthly(made) == ["100.00"] * 26 and not codes(made)
    assert at(made, date(2025, 12, 31)) == {"cost": "3600.00", "amortisation": "1000.00"}
    assert not entries(made, {}, POLICY, BOOK, Period("p", EVER.starts_on, date(2026, 1, 1)))


def test_an_opening_of_development_becomes_an_intangible():
    said = {"date": "2024-12-31", "development": "3000.00", **SAID}
    made = of(card(Route.SELF_DEVELOPED, opening=said), spent((date(2025, 1, 31), "600.00")))
    assert at(made, READY) == {"cost": "3600.00", "amortisation": "100.00"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"date": "2025-12-30"}, "measure.opening-not-month-end"),
        ({"evidence": ""}, "measure.not-judged"),
        ({"amortisation": "3600.01"}, "measure.opening-exceeds"),
        ({"date": "2025-02-28"}, "measure.opening-not-available"),
        ({"cost": "-1.00"}, "measure.negative"),
    ],
)
def test_an_opening_that_cannot_be_is_refused(said: dict[str, str], code: str):
    with pytest.raises(Invalid, match=code):
        of(card(opening=OPENING | said), spent())


def test_an_opening_counts_nothing_twice_and_is_held_against_the_policy():
    with pytest.raises(Invalid, match="measure.opening-doubled"):
        of(card(opening=OPENING), spent((date(2025, 12, 31), "1.00")))
    lost = ({"date": "2025-12-31", "amount": "1.00"},)
    with pytest.raises(Invalid, match="measure.before-opening"):
        of(card(opening=OPENING, impairments=lost), spent())
    other = OPENING | {"amortisation": "900.00", "months_charged": "9"}
    assert codes(of(card(opening=other), spent())) == ["measure.opening-months"]
    other = OPENING | {"amortisation": "900.00"}
    assert codes(of(card(opening=other), spent())) == ["measure.opening-differs"]


# Stock by lots

LOTS = {"0": "100", "1": "100"}
TWO = spent((date(2025, 1, 5), "1000.00"), (date(2025, 2, 5), "1400.00"))


def shop(**facts: Any) -> AssetCard:
    return card(use=Use.SALE, **({"lots": LOTS} | facts))


@pytest.mark.parametrize(
    ("issue", "fact", "cost"),
    [
        ("weighted_average", {"quantity": "150"}, "600.00"),  # 2,400 / 200 x 150 leave
        ("fifo", {"quantity": "150"}, "700.00"),  # 1,000 and half of 1,400 leave
        ("first_in_first_out", {"quantity": "150"}, "700.00"),
        ("specific", {"quantity": "60", "lot": "1"}, "1560.00"),  # 840 leave
        ("fifo", {}, "0.00"),
    ],
)
def test_stock_leaves_by_the_method_of_issue(issue: str, fact: dict[str, str], cost: str):
    made = of(shop(disposals=({"date": "2025-03-01", **fact},)), TWO, inventory_issue=issue)
    assert made.balance(Layer.INVENTORY, LATER).text == cost


def test_a_lot_is_written_down_alone_and_takes_its_part_along():
    """Lot 1 cost 1,400.00 and brings 1,000.00; half of it leaves with 200.00 of the 400.00."""
    facts = {
        "nrv": (
            {"date": "2025-02-28", "price": "1000.00", "lot": "1"},
            {"date": "2025-12-31", "price": "9999.00", "lot": "1"},
        ),
        "disposals": ({"date": "2025-03-01", "quantity": "50", "lot": "1"},),
    }
    made = of(shop(**facts), TWO, inventory_issue="specific")
    assert at(made, date(2025, 3, 1)) == {"inventory": "1700.00", "write_down": "200.00"}
    assert at(made) == {"inventory": "1700.00"}
    assert booked(made, "终止") == {
        "inventory_data": -70000,
        "inventory_provision": 20000,
        "cost_of_sales": 50000,
    }


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"disposals": ({"date": "2025-03-01", "share": "50%"},)}, "measure.share-of-lots"),
        ({"disposals": ({"date": "2025-03-01", "quantity": "201"},)}, "measure.quantity-exceeds"),
        ({"disposals": ({"date": "2025-03-01", "quantity": "0"},)}, "measure.quantity-exceeds"),
        ({"disposals": ({"date": "2025-03-01", "quantity": "-1"},)}, "measure.not-a-quantity"),
        (
            {"disposals": ({"date": "2025-03-01", "quantity": "1", "lot": "9"},)},
            "measure.no-such-lot",
        ),
        ({"lots": {"0": "100"}}, "measure.lot-without-quantity"),
        (
            {"lots": {}, "disposals": ({"date": "2025-03-01", "quantity": "1"},)},
            "measure.quantity-without-lots",
        ),
    ],
)
def test_a_quantity_that_cannot_be_is_refused(facts: dict[str, Any], code: str):
    with pytest.raises(Invalid, match=code):
        of(card(use=Use.SALE, **({"lots": LOTS} | facts)), TWO, inventory_issue="fifo")


def test_a_correction_of_stock_falls_on_the_lots_that_are_there():
    """240.00 more on 1,000 and 1,400 are 100 and 140: the second lot stands at 1,540.00."""
    more = Correction(
        date(2026, 2, 1), "2025", date(2025, 12, 31), "error", "inventory", Money(Decimal(240))
    )
    sold = ({"date": "2026-03-01", "quantity": "100"},)
    made = of(shop(corrections=(more,), disposals=sold), TWO, inventory_issue="fifo")
    assert at(made) == {"inventory": "1540.00"}
    gone = ({"date": "2025-12-01"},)
    with pytest.raises(Invalid, match="measure.correction-no-stock"):
        of(shop(corrections=(more,), disposals=gone), TWO, inventory_issue="fifo")


def test_a_loss_before_the_asset_is_available_lowers_its_first_month():
    """3,600.00 less 360.00 lost in February: 3,240.00 over 36 months are 90.00 from March on."""
    lost = ({"date": "2025-02-10", "amount": "360.00"},)
    made = of(card(impairments=lost), spent((date(2025, 2, 1), "3600.00")))
    assert monthly(made) == ["90.00"] * 36


# Held for sale


def held(day: str, act: str = "classified", **said: str) -> dict[str, str]:
    conditions = {
        "saleable": "true",
        "resolution": "2026-01-10",
        "commitment": "2026-01-12",
        "expected_by": "2026-10-31",
        "fair_value": "2400.00",
        "cost_to_sell": "50.00",
    }
    return {"date": day, "act": act, **AGREED, **(conditions | said)}


SMALL = spent((READY, "3600.00"))
CLASSIFIED = held("2026-01-15")


def test_what_is_held_for_sale_is_not_amortised_and_stands_at_the_lower_value():
    """2,600.00 carried after ten months; 2,400.00 less 50.00 leave a loss of 250.00. 2,450.00 take
    100.00 back, 3,000.00 no more than the rest.
    """
    facts = (CLASSIFIED, held("2026-03-31", "remeasured", fair_value="2500.00"))
    made = of(card(held_for_sale=facts), SMALL, date(2026, 6, 30))
    assert len(monthly(made)) == 10
    assert at(made) == {"held_for_sale": "2600.00", "held_for_sale_provision": "150.00"}
    assert made.carried(LATER).text == "2450.00"
    assert booked(made, "划分为持有待售") == {
        "intangible_data": -360000,
        "accumulated_amortisation": 100000,
        "held_for_sale": 260000,
    }
    more = (*facts, held("2026-04-30", "remeasured", fair_value="3000.00"))
    assert at(of(card(held_for_sale=more), SMALL)) == {"held_for_sale": "2600.00"}


def test_no_longer_held_for_sale_it_stands_as_if_it_had_never_been():
    """January to May would have taken 500.00: 2,100.00, below the recoverable 2,250.00. 2,350.00
    were carried; the 250.00 are of the period. From June on 100.00 a month again.
    """
    back = held("2026-06-10", "returned", recoverable="2250.00")
    made = of(card(held_for_sale=(CLASSIFIED, back)), SMALL)
    assert at(made, date(2026, 6, 10)) == {"cost": "3600.00", "amortisation": "1500.00"}
    assert monthly(made) == ["100.00"] * 31
    assert booked(made, "不再") == {
        "held_for_sale": -260000,
        "held_for_sale_provision": 25000,
        "intangible_data": 360000,
        "accumulated_amortisation": -150000,
        "impairment_loss": 25000,
    }
    low = held("2026-06-10", "returned", recoverable="1050.00")
    made = of(card(held_for_sale=(CLASSIFIED, low)), SMALL)
    assert at(made, date(2026, 6, 10))["impairment"] == "1050.00"
    assert monthly(made)[10:] == ["50.00"] * 21


def test_sold_while_held_for_sale_the_gain_is_over_what_was_carried():
    sold = ({"date": "2026-05-20", "proceeds": "2500.00"},)
    made = of(card(held_for_sale=(CLASSIFIED,), disposals=sold), SMALL)
    assert at(made) == {}
    assert booked(made, "终止") == {
        "held_for_sale": -260000,
        "held_for_sale_provision": 25000,
        "bank": 250000,
        "disposal_result": -15000,
    }


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ((held("2026-01-15", saleable="false"),), "measure.held-condition"),
        ((held("2026-01-15", commitment="2026-01-16"),), "measure.held-condition"),
        ((held("2026-01-15", expected_by="2027-01-16"),), "measure.held-too-late"),
        ((held("2026-01-15", evidence=""),), "measure.not-judged"),
        ((held("2026-01-15", agreement=""),), "measure.needs-agreement"),
        ((held("2026-01-15", "remeasured"),), "measure.not-held"),
        ((CLASSIFIED, held("2026-02-15")), "measure.held-already"),
        ((CLASSIFIED, held("2026-02-15", "returned")), "measure.held-no-value"),
    ],
)
def test_held_for_sale_without_its_conditions_is_refused(
    facts: tuple[dict[str, str], ...], code: str
):
    with pytest.raises(Invalid, match=code) as caught:
        of(card(held_for_sale=facts), SMALL)
    assert caught.value.diagnostic.code == code


def test_a_year_of_waiting_for_the_sale_is_told():
    assert codes(of(card(held_for_sale=(CLASSIFIED,)), SMALL)) == ["measure.held-over-a-year"]


# Contribution in kind


def test_data_put_into_an_investee_stands_at_the_agreed_value():
    """作价出资: 2,600.00 carried, 5,000.00 agreed: a gain of 2,400.00."""
    fact = {"date": "2026-01-15", "reason": "contribution", "agreed": "5000.00", **AGREED}
    made = of(card(disposals=(fact,)), SMALL)
    assert booked(made, "作价出资") == {
        "intangible_data": -360000,
        "accumulated_amortisation": 100000,
        "long_term_equity": 500000,
        "disposal_result": -240000,
    }


def test_stock_put_into_an_investee_is_revenue():
    fact = {"date": "2026-01-15", "reason": "contribution", "agreed": "1.00", **AGREED}
    with pytest.raises(Invalid, match="measure.contribution-of-stock"):
        of(shop(disposals=(fact,)), TWO)


def test_under_common_control_there_is_no_gain():
    said = {"reason": "contribution", "common_control": "true", "equity": "2000.00"}
    made = of(card(disposals=({"date": "2026-01-15", **AGREED, **said},)), SMALL)
    assert booked(made, "作价出资") == {
        "intangible_data": -360000,
        "accumulated_amortisation": 100000,
        "long_term_equity": 200000,
        "capital_reserve": 60000,
    }


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"agreement": "", "agreed": "1.00"}, "measure.needs-agreement"),
        ({"judged.by": "", "agreed": "1.00"}, "measure.not-judged"),
        ({}, "measure.contribution-agreed"),
        ({"agreed": "1.00", "proceeds": "1.00"}, "measure.contribution-proceeds"),
        ({"common_control": "true"}, "measure.contribution-equity"),
    ],
)
def test_a_contribution_rests_on_a_signed_agreement(said: dict[str, str], code: str):
    fact = {"date": "2026-01-15", "reason": "contribution", **AGREED, **said}
    with pytest.raises(Invalid, match=code):
        of(card(disposals=(fact,)), SMALL)


# Impairment tests

TEST = {
    "date": "2025-12-31",
    "test.value_in_use.cash_flows.2026": "1100.00",
    "test.value_in_use.cash_flows.2027": "1210.00",
    "test.value_in_use.discount": "10%",
    "test.fair_value_less_cost": "1900.00",
    **SAID,
}


def test_a_recoverable_amount_is_computed_from_its_test():
    """1,100 / 1.1 + 1,210 / 1.21 = 2,000.00, above 1,900.00; 2,600.00 are carried."""
    made = of(card(impairments=(TEST | {"amount": "600.00"},)), SMALL)
    assert at(made, date(2025, 12, 31))["impairment"] == "600.00"
    higher = TEST | {"test.fair_value_less_cost": "2700.00"}
    assert "impairment" not in at(of(card(impairments=(higher,)), SMALL))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"amount": "500.00"}, "measure.test-differs"),
        ({"recoverable": "1999.99"}, "measure.test-differs"),
        ({"judged.by": ""}, "measure.not-judged"),
        ({"test.value_in_use.discount": "0%"}, "measure.test-discount"),
        ({"test.value_in_use.cash_flows.2024": "1.00"}, "measure.test-past"),
    ],
)
def test_a_test_that_does_not_compute_is_refused(said: dict[str, str], code: str):
    with pytest.raises(Invalid, match=code):
        of(card(impairments=(TEST | said,)), SMALL)


def test_development_is_tested_each_year_and_its_impairment_follows_it():
    """3,600.00 less 360.00 lost: 3,240.00 over 36 months are 90.00."""
    found = spent((date(2023, 6, 30), "3600.00"))
    lost = {"date": "2024-12-31", "amount": "360.00"}
    made = of(card(Route.SELF_DEVELOPED, impairments=(lost,)), found)
    assert [(d.code, d.facts["year"]) for d in made.diagnostics] == [
        ("measure.impairment-test-missing", 2023)
    ]
    assert made.carried(date(2025, 1, 1)).text == "3240.00"
    assert at(made, READY) == {
        "cost": "3600.00",
        "amortisation": "90.00",
        "impairment": "360.00",
    }
    assert booked(made, "开发支出减值") == {
        "impairment_loss": 36000,
        "development_impairment": -36000,
    }
    assert booked(made, "转入") == {
        "intangible_data": 360000,
        "development_capitalised": -360000,
        "development_impairment": 36000,
        "intangible_impairment": -36000,
    }


# Laws that hold for every life

AMOUNTS = st.integers(1, 10**9).map(lambda fen: format(Decimal(fen).scaleb(-2), "f"))
DAYS = st.integers(1, 365 * 5).map(lambda n: READY + timedelta(days=n))


def some(fact: st.SearchStrategy[dict[str, str]], most: int = 2) -> Any:
    return st.lists(fact, max_size=most).map(tuple)


@st.composite
def purchases(draw: st.DrawFn) -> Recognition:
    lines = st.tuples(st.integers(0, 400).map(lambda n: READY - timedelta(days=n)), AMOUNTS)
    return spent(*draw(st.lists(lines, min_size=1, max_size=3)))


@st.composite
def facts_of(draw: st.DrawFn) -> dict[str, Any]:
    def dated(**said: Any) -> st.SearchStrategy[dict[str, str]]:
        return st.fixed_dictionaries({"date": DAYS.map(date.isoformat), **said})

    percent = st.integers(0, 100).map(lambda n: f"{n}%")
    method = draw(st.sampled_from(("straight_line", "sum_of_years", "double_declining", "units")))
    years = draw(st.integers(1, 6))
    found: dict[str, Any] = {
        "life": life(years * 12),
        "estimates": draw(
            some(
                dated(months=st.integers(6, 9).map(lambda n: str(n * 12))) | dated(residual=percent)
            )
        ),
        "impairments": draw(some(dated(recoverable=AMOUNTS))),
        "disposals": draw(
            some(
                dated(
                    reason=st.sampled_from(("lapse", "disposal", "other")),
                    share=st.integers(1, 100).map(lambda n: f"{n}%"),
                    proceeds=AMOUNTS,
                )
                | dated(reason=st.just("contribution"), agreed=AMOUNTS, **_just(AGREED)),
            )
        ),
    }
    if method == "units":
        month = READY.replace(day=1)
        units = draw(st.lists(st.integers(0, 300), min_size=1, max_size=24))
        found["usage"] = tuple(
            {"month": f"{add_months(month, n):%Y-%m}", "units": str(unit)}
            for n, unit in enumerate(units)
        )
        found |= judged_method("units_of_production", total=str(draw(st.integers(1, 5000))))
    elif method != "straight_line":
        found |= judged_method(method)
    if draw(st.booleans()):
        day = draw(DAYS)
        conditions = {"resolution": "2025-01-01", "commitment": "2025-01-01"}
        conditions["expected_by"] = (day + timedelta(days=300)).isoformat()
        fair = {"fair_value": draw(AMOUNTS), "cost_to_sell": "1.00"}
        acts = [held(day.isoformat(), **conditions, **fair)]
        if draw(st.booleans()):
            again = (day + timedelta(days=40)).isoformat()
            acts.append(held(again, "remeasured", fair_value=draw(AMOUNTS)))
        if draw(st.booleans()):
            back = (day + timedelta(days=90)).isoformat()
            acts.append(held(back, "returned", recoverable=draw(AMOUNTS)))
        found["held_for_sale"] = tuple(acts)
    return found


def _just(said: Mapping[str, str]) -> dict[str, Any]:
    return {key: st.just(value) for key, value in said.items()}


@st.composite
def intangibles(draw: st.DrawFn) -> tuple[AssetCard, Recognition]:
    route = draw(st.sampled_from((Route.PURCHASED, Route.SELF_DEVELOPED)))
    return card(route, **draw(facts_of())), draw(purchases())


@st.composite
def stocks(draw: st.DrawFn) -> tuple[AssetCard, Recognition]:
    found = draw(purchases())
    quantities = [draw(st.integers(1, 50)) for _ in found.verdicts]
    left = sum(quantities)
    disposals: list[dict[str, str]] = []
    day = READY
    while left and draw(st.booleans()):
        day += timedelta(days=draw(st.integers(1, 100)))
        gone = draw(st.integers(1, left))
        left -= gone
        disposals.append({"date": day.isoformat(), "quantity": str(gone)})
    nrv = st.fixed_dictionaries({"date": DAYS.map(date.isoformat), "price": AMOUNTS})
    lots = {str(n): str(quantity) for n, quantity in enumerate(quantities)}
    return shop(lots=lots, disposals=tuple(disposals), nrv=draw(some(nrv, 3))), found


ISSUES = st.sampled_from(("weighted_average", "fifo"))
LIVES = intangibles() | stocks()


def measured(life: tuple[AssetCard, Recognition], issue: str = "fifo", on: date = LATER) -> Any:
    """What is carried; None where the life is one that the standards refuse, by its code."""
    try:
        return of(*life, on, inventory_issue=issue)
    except Invalid as refused:
        assert refused.code.startswith("measure."), refused.code
        return None


@settings(max_examples=80, deadline=None)
@given(LIVES, ISSUES)
def test_of_every_life_the_layers_stay_possible_and_the_book_agrees(
    life: tuple[AssetCard, Recognition], issue: str
):
    """No layer below zero, never more taken off than there is, closing = opening + increases less
    decreases, each entry balanced, and the book's accounts hold what the layers hold.
    """
    made = measured(life, issue)
    if made is None:
        return
    running = dict.fromkeys(Layer, 0)
    days = sorted({m.day for m in made.movements})
    for day in days:
        for movement in made.movements:
            if movement.day == day:
                running[movement.layer] += movement.amount.fen
        assert min(running.values()) >= 0
        for gross in set(OFF.values()):
            off = sum(running[layer] for layer in OFF if OFF[layer] is gross)
            assert off <= running[gross]
        assert {layer: made.balance(layer, day + timedelta(days=1)).fen for layer in Layer} == (
            running
        )
        assert made.carried(day + timedelta(days=1)).fen >= 0
    booked: dict[str, int] = {}
    for entry in entries(made, {}, POLICY, BOOK, EVER):
        assert sum(line.amount for line in entry.lines) == 0
        for line in entry.lines:
            booked[line.account] = booked.get(line.account, 0) + line.amount
    for layer, role in (
        (Layer.AMORTISATION, "accumulated_amortisation"),
        (Layer.IMPAIRMENT, "intangible_impairment"),
        (Layer.WRITE_DOWN, "inventory_provision"),
        (Layer.HELD_PROVISION, "held_for_sale_provision"),
        (Layer.HELD, "held_for_sale"),
    ):
        assert abs(booked.get(role, 0)) == running[layer]


@settings(max_examples=80, deadline=None)
@given(LIVES, ISSUES, DAYS)
def test_of_every_life_a_later_day_only_adds_and_the_same_input_gives_the_same(
    life: tuple[AssetCard, Recognition], issue: str, day: date
):
    whole = measured(life, issue)
    if whole is not None:
        early = measured(life, issue, day)
        assert early.movements == tuple(m for m in whole.movements if m.day <= day)
        assert measured(life, issue).movements == whole.movements


@settings(max_examples=40, deadline=None)
@given(
    purchases(),
    st.sampled_from(("straight_line", "sum_of_years", "double_declining")),
    st.integers(1, 9),
    st.integers(0, 100),
)
def test_after_a_whole_life_exactly_the_residual_is_left(
    found: Recognition, method: str, years: int, residual: int
):
    rate = Decimal(residual) / 100
    asset = card(life=life(years * 12), **judged_method(method))
    made = of(asset, found, residual=rate)
    cost = made.balance(Layer.COST, LATER)
    assert made.carried(LATER) == (cost * rate).posted()


@settings(max_examples=40, deadline=None)
@given(
    purchases(),
    st.sampled_from(("cost", "amortisation", "impairment")),
    st.integers(-(10**7), 10**7),
    DAYS,
)
def test_a_correction_leaves_every_later_day_possible_and_is_amortised_to_the_end(
    found: Recognition, layer: str, fen: int, decided: date
):
    """What was shown before the decision stays; afterwards all of the cost is taken off."""
    through = decided.replace(day=1) - timedelta(days=1)
    made = Correction(decided, "p", through, "error", layer, Money.of_fen(fen))
    asset = card(corrections=(made,))
    try:
        after = of(asset, found)
    except Invalid as refused:
        assert refused.code == "measure.correction-exceeds"
        return
    before = of(asset, found, decided - timedelta(days=1)).movements
    earlier = [m for m in after.movements if m.day < decided and m.decided is None]
    assert tuple(earlier) == before
    assert after.carried(LATER).fen == (
        0 if decided < date(2028, 2, 1) else after.carried(LATER).fen
    )


LEAVES = ("disposal", "lapse", "contribution", "held", "stock")


def departed(way: str, decided: date, layer: str, fen: int) -> tuple[AssetCard, Recognition]:
    """3,600.00 that leave the books altogether on 2026-02-10, and a correction of 2025."""
    gone: dict[str, Any] = {"date": "2026-02-10"}
    made = Correction(
        decided, "2025", date(2025, 12, 31), "error", layer, Money.of_fen(fen), line=3
    )
    if way == "stock":
        found = spent((date(2025, 6, 1), "3600.00"))
        return card(use=Use.SALE, disposals=(gone,), corrections=(made,)), found
    facts: dict[str, Any] = {"disposals": (gone | {"reason": way},), "corrections": (made,)}
    if way == "contribution":
        gone |= {"reason": way, "agreed": "9000.00", **AGREED}
        facts["disposals"] = (gone,)
    if way == "held":
        facts |= {"disposals": (gone,), "held_for_sale": (CLASSIFIED | {"date": "2026-01-20"},)}
    return card(**facts), SMALL


@pytest.mark.parametrize("way", LEAVES)
def test_a_correction_of_cost_is_refused_once_all_of_it_has_left(way: str):
    """100.00 more on a cost of 3,600.00 that was taken off on 2026-02-10 would be carried for ever;
    decided the day before it left (before it was classified as held for sale) it leaves with it.
    """
    layer = "inventory" if way == "stock" else "cost"
    with pytest.raises(Invalid, match="measure.correction-after-leaving") as refused:
        of(*departed(way, date(2026, 3, 1), layer, 10000))
    said = refused.value.diagnostic
    assert said.facts["amount"] == "100.00" and said.facts["date"] == "2026-03-01"
    assert "{" not in said.message("zh") + said.message("en") + said.hint("zh") + said.hint("en")
    before = date(2026, 1, 19) if way == "held" else date(2026, 2, 9)
    assert at(of(*departed(way, before, layer, 10000))) == {}


def test_a_correction_of_cost_while_it_is_held_for_sale_is_refused():
    """It stands in another layer by then."""
    with pytest.raises(Invalid, match="measure.correction-after-leaving"):
        of(*departed("held", date(2026, 2, 1), "cost", 10000))


def test_a_correction_of_development_that_has_become_an_intangible_names_the_cost():
    made = Correction(
        date(2026, 3, 1), "2025", date(2025, 12, 31), "error", "development", Money(Decimal(100))
    )
    found = spent((date(2025, 2, 1), "3600.00"))
    with pytest.raises(Invalid, match="measure.correction-after-leaving"):
        of(card(Route.SELF_DEVELOPED, corrections=(made,)), found)
    in_cost = replace(made, layer="cost")
    assert at(of(card(Route.SELF_DEVELOPED, corrections=(in_cost,)), found))["cost"] == "3700.00"


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(LEAVES),
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.sampled_from(("gross", "off", "impairment")),
    st.integers(-400000, 400000).filter(bool),
)
def test_once_all_has_left_nothing_is_carried_whatever_is_corrected_when(
    way: str, decided: date, what: str, fen: int
):
    names = {"gross": "cost", "off": "amortisation", "impairment": "impairment"}
    if way == "stock":
        names = {"gross": "inventory", "off": "write_down", "impairment": "write_down"}
    try:
        made = of(*departed(way, decided, names[what], fen))
    except Invalid as refused:
        assert refused.code in ("measure.correction-exceeds", "measure.correction-after-leaving")
        return
    assert at(made) == {}


@pytest.mark.parametrize("layer", ["cost", "amortisation", "impairment", "inventory"])
def test_a_correction_of_a_period_that_ended_before_the_opening_is_refused(layer: str):
    """The opening of 2025-12-31 holds what November should have said; the year that it ends may
    still be put right: 3,600.00 and 90.00 are carried at its end.
    """
    opening, use = OPENING, Use.INTERNAL
    if layer == "inventory":
        use = Use.SALE
        opening = {"date": "2025-12-31", "inventory": "3600.00", **SAID}
    made = Correction(
        date(2026, 3, 1), "2025-11", date(2025, 11, 30), "error", layer, Money(Decimal(90))
    )
    with pytest.raises(Invalid, match="measure.correction-before-opening") as refused:
        of(card(use=use, opening=opening, corrections=(made,)), spent())
    said = refused.value.diagnostic
    assert (said.facts["concerns"], said.facts["date"]) == ("2025-11", "2025-12-31")
    assert "{" not in said.message("zh") + said.message("en") + said.hint("zh") + said.hint("en")
    year = replace(made, concerns="2025", through=date(2025, 12, 31))
    after = of(card(use=use, opening=opening, corrections=(year,)), spent())
    shown = after.balance(Layer(layer), date(2026, 1, 1)).text
    held = {"cost": "3690.00", "amortisation": "1090.00", "impairment": "90.00"}
    assert shown == held.get(layer, "3690.00")


@settings(max_examples=40, deadline=None)
@given(LIVES, ISSUES, st.integers(2025, 2030))
def test_of_every_life_tables_a_and_b_tie(
    life: tuple[AssetCard, Recognition], issue: str, year: int
):
    made = measured(life, issue, date(year, 12, 31))
    if made is not None:
        _ties(*life, made, year)


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_openings_corrections_and_returns_stand_in_the_tables(year: int):
    end = date(year, 12, 31)
    wrong = Correction(
        date(2026, 3, 1), "2025", date(2025, 12, 31), "error", "cost", Money(Decimal(-90))
    )
    back = held("2026-06-10", "returned", recoverable="1050.00")
    lives = (
        (card(opening=OPENING, corrections=(wrong,)), spent()),
        (card(held_for_sale=(CLASSIFIED, back)), SMALL),
        (card(held_for_sale=(CLASSIFIED,)), SMALL),
    )
    for asset, found in lives:
        _ties(asset, found, of(asset, found, end), year)
    asset, found = lives[1]
    shown = _ties(asset, found, of(asset, found, end), year).tables["A"]
    wanted = {
        2025: ("0.00", "0.00", "0.00"),
        2026: ("3600.00", "3600.00", "1050.00"),
        2027: ("0.00", "0.00", "0.00"),
    }
    rows = ("cost.decrease.other", "cost.increase.other", "impairment.increase")
    assert tuple(shown.amount(row).text for row in rows) == wanted[year]


def _ties(asset: AssetCard, found: Recognition, made: Carrying, year: int) -> Disclosure:
    period = Period.named(str(year))
    shown = draw_up("plant", [entry_of(asset, found)], [made], POLICY, RULES, period)
    assert not [tie for tie in shown.ties if not tie.ok]
    return shown
