"""Contract fulfilment cost (CAS 14): amortised in step, impaired and reversed, to the fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_recognise import RULES, card, voucher
from test_recognise_tree import BY, CHART, CONTRACT, FULFIL

from sanhua.capital.fulfil import ContractCost, Kind, Outlook, carry_contract, contract_entries
from sanhua.capital.measure import book_of
from sanhua.capital.recognise import judge
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period

YEAR = replace(FULFIL, starts_on=date(2024, 4, 1), ends_on=date(2025, 4, 1))
BOOK = book_of("plant")


def yuan(text: str) -> Money:
    return Money(Decimal(text))


def carried(
    on: date, amount: str = "1200.00", revenue: dict[date, Money] | None = None, **changed: Any
) -> ContractCost:
    """One cost of 2024-04-02 over the twelve months from April 2024."""
    asset = card(**CONTRACT | {"fulfilment": replace(YEAR, **changed)})
    cost = voucher("a", date(2024, 4, 2), ("1470", amount))
    found = judge(asset, [cost], CHART, RULES, on)
    return carry_contract(asset, found, RULES, on, revenue)


def test_over_the_term_it_is_amortised_evenly_and_the_last_month_takes_the_rest():
    """1,000.00 / 12 = 83.33 a month; what rounding leaves goes to the months after it."""
    whole = carried(date(2025, 12, 31), "1000.00")
    months = [m.amount.fen for m in whole.movements if m.kind is Kind.AMORTISED]
    assert len(months) == 12 and sum(months) == -100000
    assert months[:2] == [-8333, -8333]
    assert not whole.carried(date(2026, 1, 1))
    part = carried(date(2024, 12, 31)).over(Period.named("2024"))
    assert (part.spent.text, part.amortised.text, part.closing.text) == (
        "1200.00",
        "900.00",
        "300.00",
    )


def test_by_revenue_it_goes_with_the_share_of_what_is_expected():
    """30 of 120 expected in May, 60 in July: a quarter and a half of 1,200.00; the end the rest."""
    revenue = {date(2024, 5, 31): yuan("30.00"), date(2024, 7, 31): yuan("60.00")}
    made = carried(date(2024, 8, 31), revenue=revenue, by_revenue=True, expected=yuan("120.00"))
    charged = [(m.day, m.amount.text) for m in made.movements if m.kind is Kind.AMORTISED]
    assert charged == [(date(2024, 5, 31), "-300.00"), (date(2024, 7, 31), "-600.00")]
    assert made.carried(date(2024, 9, 1)).text == "300.00"
    end = carried(date(2025, 3, 31), revenue=revenue, by_revenue=True, expected=yuan("120.00"))
    assert not end.carried(date(2025, 4, 1))


def test_it_is_impaired_above_what_is_still_to_come_and_reversed_up_to_what_it_would_be():
    """第三十条, 第三十一条. End of June 900.00 is carried; 500.00 - 50.00 is to come: 450.00 lost.
    Nine months left: 50.00 a month; end of September 300.00, without impairment 600.00.
    """
    tests = (
        Outlook(date(2024, 6, 30), yuan("500.00"), yuan("50.00"), BY),
        Outlook(date(2024, 9, 30), yuan("900.00"), yuan("0.00"), BY),
    )
    made = carried(date(2025, 3, 31), tests=tests)
    moved = {
        m.kind: m.amount.text for m in made.movements if m.kind in (Kind.IMPAIRED, Kind.REVERSED)
    }
    assert moved == {Kind.IMPAIRED: "-450.00", Kind.REVERSED: "300.00"}
    assert made.carried(date(2024, 10, 1)).text == "600.00"  # as if it had not been impaired
    assert not made.carried(date(2025, 4, 1))
    settled = [m.amount.text for m in made.movements if m.kind is Kind.SETTLED]
    assert settled == ["150.00"]  # the provision that is left goes with the cost
    assert [d.code for d in made.diagnostics] == ["fulfil.impaired"]


def test_its_entries_balance_and_stand_on_the_memo():
    tests = (Outlook(date(2024, 6, 30), yuan("500.00"), yuan("50.00"), BY),)
    made = carried(date(2025, 3, 31), tests=tests)
    entries = contract_entries(made, CHART, BOOK, Period("", date.min, date(2025, 4, 1)))
    total: dict[str, int] = {}
    for entry in entries:
        entry.check()
        assert entry.source == "asset:map"
        for line in entry.lines:
            total[line.account] = total.get(line.account, 0) + line.amount
    # 1,200.00 off the asset: 750.00 to cost of sales, 450.00 lost; the provision is settled.
    assert total["1470"] == -120000
    assert (total["cost_of_sales"], total["impairment_loss"]) == (75000, 45000)
    assert total["contract_cost_provision"] == 0


def test_nothing_is_carried_while_a_condition_is_open():
    for changed in ({"judged": None}, {"conditions": {}}):
        assert not carried(date(2024, 12, 31), **changed).carried(date(2025, 1, 1))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 10**9),
    st.lists(st.tuples(st.dates(date(2024, 4, 2), date(2025, 3, 31)), st.integers(0, 10**9)),
             max_size=4),
)  # fmt: skip
def test_it_never_falls_below_zero_nor_above_its_cost(fen: int, said: list[tuple[date, int]]):
    tests = tuple(
        Outlook(day, Money.of_fen(left), yuan("0.00"), BY) for day, left in sorted(set(said))
    )
    made = carried(date(2025, 3, 31), str(Decimal(fen) / 100), tests=tests)
    for movement in made.movements:
        after = made.carried(date.fromordinal(movement.day.toordinal() + 1))
        assert 0 <= after.fen <= fen
    assert made.carried(date(2025, 4, 1)).fen == 0
    entries = contract_entries(made, CHART, BOOK, Period("", date.min, date(2025, 4, 1)))
    assert sum(line.amount for e in entries for line in e.lines if line.account == "1470") == -fen


@pytest.mark.parametrize("on", [date(2024, 4, 30), date(2024, 12, 31)])
def test_a_later_day_only_adds_movements(on: date):
    early, late = carried(on), carried(date(2025, 3, 31))
    assert late.movements[: len(early.movements)] == early.movements
