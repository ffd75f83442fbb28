"""Money: exact, rounded once, shared to the fen; entries that balance."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Invalid
from sanhua.kernel.ledger import Entry, Line
from sanhua.kernel.money import Money

FEN = st.integers(-(10**14), 10**14)
WEIGHTS = st.lists(st.decimals(0, 10**6, places=4), min_size=1, max_size=12).filter(any)


@given(FEN, WEIGHTS)
def test_the_parts_of_a_split_add_up_and_each_is_within_a_fen_of_its_share(
    fen: int, weights: list[Decimal]
):
    money = Money.of_fen(fen)
    parts = money.split(weights)
    assert Money.sum(parts) == money
    total = sum(map(Fraction, weights))
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.fen - fen * Fraction(weight) / total) < 1


@given(FEN, WEIGHTS)
def test_the_fen_left_over_go_to_the_largest_remainders_and_ties_to_the_first(
    fen: int, weights: list[Decimal]
):
    total = sum(map(Fraction, weights))
    shares = [fen * Fraction(weight) / total for weight in weights]
    parts = [part.fen for part in Money.of_fen(fen).split(weights)]
    extra = [
        part - (share.numerator // share.denominator)
        for part, share in zip(parts, shares, strict=True)
    ]
    assert set(extra) <= {0, 1}
    rest = [share - (share.numerator // share.denominator) for share in shares]
    given_ = [(rest[i], -i) for i in range(len(parts)) if extra[i]]
    kept = [(rest[i], -i) for i in range(len(parts)) if not extra[i]]
    assert not given_ or not kept or min(given_) > max(kept)


def test_a_yuan_in_three_gives_the_odd_fen_to_the_first():
    """1.00 / 3: 0.34, 0.33, 0.33."""
    parts = Money.parse("1.00").split([Decimal(1)] * 3)
    assert [part.text for part in parts] == ["0.34", "0.33", "0.33"]


@pytest.mark.parametrize(
    "weights", [[], [Decimal(0)], [Decimal(1), Decimal(-1)], [Decimal(2), Decimal(-1)]]
)
def test_weights_without_a_positive_sum_or_with_a_negative_one_are_refused(weights: list[Decimal]):
    with pytest.raises(ValueError):
        Money.parse("1.00").split(weights)


@given(FEN)
def test_an_amount_reads_back_from_its_text_and_its_fen(fen: int):
    money = Money.of_fen(fen)
    assert Money.parse(money.text) == money
    assert money.fen == fen


@pytest.mark.parametrize(
    ("exact", "posted"),
    [
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("0.0049", "0.00"),
        ("2.675", "2.68"),
        ("1.995", "2.00"),
    ],
)
def test_posting_rounds_half_up_away_from_zero(exact: str, posted: str):
    """四舍五入; 2.675 is the case that binary floats get wrong."""
    assert Money(Decimal(exact)).text == posted


@pytest.mark.parametrize(
    "written", ["1,000.00", "255.87万", "1.005", "", "1e3", "NaN", "１.00", "1.00 yuan"]
)
def test_what_is_not_an_exact_amount_is_refused(written: str):
    with pytest.raises(Invalid) as refused:
        Money.parse(written)
    assert refused.value.code == "money.not-exact"


@pytest.mark.parametrize("amount", [1.5, 1, "1.00"])
def test_money_is_made_of_decimals_only(amount: Any):
    with pytest.raises(TypeError):
        Money(amount)


def test_two_currencies_do_not_add_up():
    with pytest.raises(Invalid) as refused:
        Money.parse("1.00") + Money.parse("1.00 USD")
    assert refused.value.code == "money.mixed-currency"


def entry(*amounts: int) -> Entry:
    lines = tuple(Line(str(n), amount) for n, amount in enumerate(amounts))
    return Entry("pst_1", "book:b", date(2026, 1, 1), lines, "voucher:1")


@given(st.lists(FEN, min_size=2, max_size=8))
def test_an_entry_stands_exactly_when_debits_equal_credits(amounts: list[int]):
    entry(*amounts, -sum(amounts)).check()
    with pytest.raises(Invalid) as refused:
        entry(*amounts, 1 - sum(amounts)).check()
    assert refused.value.code == "ledger.unbalanced"


def test_an_entry_has_at_least_two_lines():
    with pytest.raises(Invalid) as refused:
        entry(0).check()
    assert refused.value.code == "ledger.one-line"
