"""Shares: every fen of the pool goes to somebody, no step takes more than is left."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sanhua.asset.price import Share
from sanhua.asset.revenue import Weights, divide
from sanhua.kernel.money import Money

PROVIDER = "party:plant"
NOBODY: Weights = {}


def yuan(text: str) -> Money:
    return Money(Decimal(text))


def parts(
    pool: str, gross: str, shares: list[Share], part: Fraction = Fraction(1), by: Weights = NOBODY
) -> list[str]:
    made = divide(yuan(pool), yuan(gross), shares, PROVIDER, part, by)
    return [f"{share.party.removeprefix('party:')} {share.amount.text}" for share in made]


def test_the_waterfall_in_its_order():
    shares = [
        Share("exchange", rate=Decimal("0.05")),
        Share("operator", amount=yuan("300.00"), per="month"),
        Share("plant", rest="true"),
    ]
    assert parts("1983.02", "2102.00", shares) == [
        "exchange 99.15",  # 99.151
        "operator 300.00",
        "plant 1583.87",
    ]
    assert parts("200.00", "212.00", shares) == ["exchange 10.00", "operator 190.00", "plant 0.00"]


def test_a_rate_of_gross_is_of_what_the_buyer_pays():
    shares = [Share("exchange", rate=Decimal("0.10"), base="gross"), Share("plant", rest="true")]
    assert parts("100.00", "106.00", shares) == ["exchange 10.60", "plant 89.40"]


def test_an_amount_counts_the_days_billed_and_skips_adjustments():
    shares = [Share("operator", amount=yuan("100.00"), per="month"), Share("plant", rest="true")]
    assert parts("1000.00", "1000.00", shares)[0] == "operator 100.00"
    assert parts("1000.00", "1000.00", shares, Fraction(2, 30))[0] == "operator 6.67"
    assert parts("1000.00", "1000.00", shares, Fraction())[0] == "operator 0.00"


def test_what_is_owed_back_is_shared_back():
    shares = [Share("exchange", rate=Decimal("0.05")), Share("plant", rest="true")]
    assert parts("-100.00", "-106.00", shares) == ["exchange -5.00", "plant -95.00"]


def test_the_rest_in_equal_parts_and_by_lineage():
    equal = [Share(rest="equal", among=("a", "b", "c"))]
    assert parts("100.00", "100.00", equal) == ["a 33.34", "b 33.33", "c 33.33"]
    by = {
        "party:weather": {"col:weather.t@s": Fraction(1, 4)},
        "party:plant": {"col:readings.kwh@s": Fraction(3, 4)},
    }
    lineage = [Share(rest="lineage")]
    assert parts("100.00", "100.00", lineage, by=by) == ["plant 75.00", "weather 25.00"]
    only = [Share(rest="lineage", among=("weather",))]
    assert parts("100.00", "100.00", only, by=by) == ["weather 100.00"]
    assert parts("100.00", "100.00", lineage) == ["plant 100.00"]  # nobody to be found


money = st.integers(-(10**10), 10**10).map(Money.of_fen)
rates = st.decimals(0, 1, places=4)
steps = st.one_of(
    st.builds(Share, st.sampled_from("abc"), rate=rates, base=st.sampled_from(["net", "gross"])),
    st.builds(
        Share,
        st.sampled_from("abc"),
        amount=st.integers(0, 10**8).map(Money.of_fen),
        per=st.sampled_from(["", "month", "quarter", "year"]),
    ),
)
rests = st.one_of(
    st.builds(Share, st.sampled_from(["", "a"]), rest=st.just("true")),
    st.builds(Share, rest=st.just("equal"), among=st.sampled_from([(), ("a",), ("a", "b", "c")])),
    st.builds(Share, rest=st.just("lineage"), among=st.sampled_from([(), ("a", "z")])),
)
weights = st.dictionaries(
    st.sampled_from(["party:a", "party:b", "party:c"]),
    st.dictionaries(
        st.sampled_from(["col:x", "col:y"]),
        st.fractions(Fraction(1, 10**6), 1, max_denominator=10**6),
        min_size=1,
    ),
)


@given(
    money,
    money,
    st.lists(steps, max_size=5),
    st.none() | rests,
    st.fractions(0, 1, max_denominator=366),
    weights,
)
def test_the_parts_add_up_to_the_pool(
    pool: Money,
    gross: Money,
    fixed: list[Share],
    rest: Share | None,
    part: Fraction,
    weighed: dict[str, dict[str, Fraction]],
):
    shares = [*fixed, rest] if rest else fixed
    made = divide(pool, gross, shares, PROVIDER, part, weighed)
    assert sum(share.amount.fen for share in made) == pool.fen
    assert all(share.amount.fen * pool.fen >= 0 for share in made)  # nobody pays into a gain
    for share in made:
        assert share.amount == share.amount.posted()
