"""Measurement: cost, transfer, straight line, impairment, disposal, inventory; and the entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua.capital.measure import Carrying, Kind, Layer, book_of, carry, entries, unlike_book
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
)
from sanhua.capital.voucher import AccountingPolicy, Voucher, VoucherLine
from sanhua.kernel.errors import Invalid
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months
from sanhua.rules.packs import Packs

RULES = Packs.load()
POLICY = AccountingPolicy(Origin("books/policy.yaml"), {"intangible_data": ("1701.05",)})
READY = date(2025, 3, 31)
LATER = date(2040, 12, 31)


def life(months: int = 36, *, indefinite: bool = False) -> Life:
    return Life(months, ("technology",), Judged("cfo", READY), indefinite)


def card(
    route: Route = Route.SELF_DEVELOPED, use: Use = Use.INTERNAL, **measured: Any
) -> AssetCard:
    measured = {"available_on": READY, "life": life()} | measured
    origin = Origin("books/assets/map.yaml", 1, "sha256:b")
    return AssetCard(
        "map", Text("云图"), "plant", route, use, origin, measurement=Measurement(**measured)
    )


def spent(*lines: tuple[date, str], currency: str = "CNY") -> Recognition:
    verdicts = tuple(
        Verdict(
            index + 2,
            "5301.02",
            day,
            Money(Decimal(amount), currency),
            Outcome.CAPITALISED,
            "recognise.conditions-met",
            Grounds(f"voucher:{index}", ()),
            recognised=f"voucher:{index}",
        )
        for index, (day, amount) in enumerate(lines)
    )
    return Recognition("asset:map", currency, verdicts, date(2024, 1, 1))


def of(asset: AssetCard, found: Recognition, on: date = LATER, **policy: Any) -> Carrying:
    return carry(asset, found, replace(POLICY, **policy), RULES, on)


def closing(carried: Carrying, layer: Layer, on: date = LATER) -> str:
    return carried.balance(layer, on + timedelta(days=1)).text


def charges(carried: Carrying) -> list[tuple[date, int]]:
    return [(m.day, m.amount.fen) for m in carried.movements if m.layer is Layer.AMORTISATION]


JIAHUA = spent((date(2024, 3, 31), "1023500.00"), (date(2024, 6, 30), "1535200.00"))


def test_development_waits_and_becomes_an_intangible_on_the_day_it_is_available():
    before = of(card(), JIAHUA, READY - timedelta(days=1))
    assert closing(before, Layer.DEVELOPMENT) == "2558700.00"
    assert closing(before, Layer.COST) == "0.00"
    after = of(card(), JIAHUA, READY)
    assert closing(after, Layer.DEVELOPMENT) == "0.00"
    assert closing(after, Layer.COST) == "2558700.00"


def test_the_straight_line_starts_in_the_month_available_and_the_last_month_takes_the_rest():
    """CAS 6 art. 17: 2,558,700.00 over 36 months is 71,075.00 a month, the last included."""
    made = charges(of(card(), JIAHUA))
    assert len(made) == 36
    assert made[0] == (date(2025, 3, 31), 7107500)
    assert made[-1] == (date(2028, 2, 29), 7107500)
    odd = charges(of(card(life=life(7)), spent((READY, "100.00"))))
    assert [fen for _, fen in odd] == [1429] * 6 + [1426]


def test_a_cost_smaller_than_a_fen_a_month_is_never_over_amortised():
    for fen in range(1, 12):
        made = charges(of(card(life=life(7)), spent((READY, f"0.{fen:02}"))))
        assert sum(amount for _, amount in made) == fen
        assert all(amount > 0 for _, amount in made)


def test_purchased_data_is_cost_from_the_day_of_purchase():
    bought = of(card(Route.PURCHASED), spent((date(2025, 3, 3), "360.00")))
    assert bought.movements[0].kind is Kind.PURCHASED
    assert charges(bought)[0] == (date(2025, 3, 31), 1000)


def test_a_residual_stays_and_needs_a_basis():
    """CAS 6 art. 18: zero unless a third party committed or an active market exists."""
    made = of(card(life=life(10)), spent((READY, "1000.00")), residual=Decimal("0.05"))
    assert closing(made, Layer.AMORTISATION) == "950.00"
    assert [d.code for d in made.diagnostics] == ["measure.residual-needs-basis"]


def test_a_new_life_changes_the_months_to_come_and_none_before():
    """CAS 6 art. 21, CAS 28: prospective. 12 of 36 months charged, then 48 in all: 36 are left."""
    plain = of(card(), spent((READY, "3600.00")))
    longer = card(estimates=({"date": "2026-03-15", "months": "48"},))
    changed = of(longer, spent((READY, "3600.00")))
    assert charges(changed)[:12] == charges(plain)[:12]
    assert charges(changed)[12] == (date(2026, 3, 31), 6667)
    assert len(charges(changed)) == 48
    assert closing(changed, Layer.AMORTISATION) == "3600.00"
    with pytest.raises(Invalid, match="measure.life-already-over"):
        of(card(estimates=({"date": "2026-03-15", "months": "12"},)), spent((READY, "3600.00")))


def test_an_impairment_lowers_the_months_after_it_and_never_comes_back():
    """CAS 8 art. 17. 3,600 over 36; after 10 months 2,600 carried, 1,300 recoverable."""
    tested = card(impairments=({"date": "2025-12-31", "recoverable": "1300.00"},))
    made = of(tested, spent((READY, "3600.00")))
    assert closing(made, Layer.IMPAIRMENT) == "1300.00"
    assert [fen for _, fen in charges(made)][:11] == [10000] * 10 + [5000]
    assert closing(made, Layer.AMORTISATION) == "2300.00"
    back = card(impairments=({"date": "2025-12-31", "amount": "-1.00"},))
    with pytest.raises(Invalid) as caught:
        of(back, spent((READY, "3600.00")))
    assert caught.value.code == "measure.impairment-reversed"
    assert caught.value.diagnostic.rule is not None
    assert caught.value.diagnostic.rule.clause == "第十七条"
    above = card(impairments=({"date": "2025-12-31", "recoverable": "9999.00"},))
    assert closing(of(above, spent((READY, "3600.00"))), Layer.IMPAIRMENT) == "0.00"
    with pytest.raises(Invalid, match="measure.impairment-exceeds"):
        of(
            card(impairments=({"date": "2025-12-31", "amount": "2600.01"},)),
            spent((READY, "3600.00")),
        )


def test_no_amortisation_in_the_month_derecognised():
    """CAS 6 art. 17: 当月减少的当月不再摊销. Gone on June 30: March to May are charged."""
    gone = of(card(disposals=({"date": "2025-06-30"},)), spent((READY, "3600.00")))
    assert [fen for day, fen in charges(gone)] == [10000, 10000, 10000, -30000]
    assert closing(gone, Layer.COST) == closing(gone, Layer.AMORTISATION) == "0.00"


def test_a_part_that_lapses_takes_its_share_of_every_layer():
    part = card(disposals=({"date": "2025-06-10", "reason": "lapse", "share": "50%"},))
    made = of(part, spent((READY, "3600.00")), date(2025, 6, 30))
    assert closing(made, Layer.COST) == "1800.00"
    assert closing(made, Layer.AMORTISATION) == "200.00"  # 150 kept, 50 for June


def test_an_indefinite_life_is_tested_each_year_and_not_amortised():
    """CAS 6 art. 19."""
    for_ever = card(
        life=life(0, indefinite=True), impairments=({"date": "2026-12-31", "amount": "0.00"},)
    )
    made = of(for_ever, spent((READY, "3600.00")), date(2027, 12, 31))
    assert charges(made) == []
    assert [(d.code, d.facts["year"]) for d in made.diagnostics] == [
        ("measure.impairment-test-missing", 2025),
        ("measure.impairment-test-missing", 2027),
    ]


def test_what_is_not_built_or_not_said_is_refused():
    with pytest.raises(Invalid, match="measure.no-life"):
        of(card(life=None), JIAHUA)
    with pytest.raises(Invalid, match="measure.method-unknown"):
        of(card(), JIAHUA, amortisation="revenue")
    with pytest.raises(Invalid, match="measure.method-not-judged"):
        of(card(), JIAHUA, amortisation="declining_balance")
    for what in ("estimates", "disposals", "held_for_sale"):
        with pytest.raises(Invalid, match="measure.before-available"):
            of(card(**{what: ({"date": "2025-01-01", "months": "40"},)}), JIAHUA)
    with pytest.raises(Invalid, match="measure.disposal-reason"):
        of(card(disposals=({"date": "2025-06-01", "reason": "sale"},)), JIAHUA)
    with pytest.raises(Invalid, match="measure.disposal-share"):
        of(card(disposals=({"date": "2025-06-01", "share": "101%"},)), JIAHUA)
    with pytest.raises(Invalid, match="measure.issue-method"):
        of(card(Route.PURCHASED, Use.SALE), JIAHUA, inventory_issue="last_in_first_out")


def test_stock_is_written_down_to_what_it_brings_in_and_back_up_to_what_was_provided():
    """CAS 1 art. 15, 19: cost 100; NRV 80-5-3-2 = 70, then 95, then 300."""
    shop = card(
        Route.PURCHASED,
        Use.SALE,
        nrv=(
            {
                "date": "2025-06-30",
                "price": "80.00",
                "cost_to_finish": "5.00",
                "cost_to_sell": "3.00",
                "tax": "2.00",
            },
            {"date": "2025-12-31", "price": "95.00"},
            {"date": "2026-12-31", "price": "300.00"},
        ),
    )
    made = of(shop, spent((date(2025, 1, 5), "100.00")))
    provided = [(m.kind, m.amount.text) for m in made.movements if m.layer is Layer.WRITE_DOWN]
    assert provided == [
        (Kind.CHARGED, "30.00"),
        (Kind.REVERSED, "-25.00"),
        (Kind.REVERSED, "-5.00"),
    ]


def test_sold_stock_takes_its_provision_with_it():
    shop = card(
        Route.SELF_DEVELOPED,
        Use.SALE,
        nrv=({"date": "2025-06-30", "price": "70.00"},),
        disposals=({"date": "2025-09-01", "share": "40%"},),
    )
    made = of(shop, spent((date(2025, 1, 5), "100.00")))
    assert closing(made, Layer.INVENTORY) == "60.00"
    assert closing(made, Layer.WRITE_DOWN) == "18.00"
    assert [m.kind for m in made.movements] == [Kind.PROCESSED, Kind.CHARGED, Kind.SOLD, Kind.SOLD]


# Laws that hold for every life of an asset

AMOUNTS = st.integers(1, 10**9).map(lambda fen: format(Decimal(fen).scaleb(-2), "f"))
DAYS = st.integers(0, 60 * 30).map(lambda n: READY + timedelta(days=n))


@st.composite
def lives(draw: st.DrawFn) -> AssetCard:
    """Lives that change to longer ones, impairments, and disposals by share."""
    estimates: list[Mapping[str, str]] = [
        {"date": draw(DAYS).isoformat(), "months": str(draw(st.integers(62, 120)))}
        for _ in range(draw(st.integers(0, 2)))
    ]
    impairments: list[Mapping[str, str]] = [
        {"date": draw(DAYS).isoformat(), "recoverable": draw(AMOUNTS)}
        for _ in range(draw(st.integers(0, 2)))
    ]
    disposals: list[Mapping[str, str]] = [
        {
            "date": draw(DAYS).isoformat(),
            "share": f"{draw(st.integers(1, 100))}%",
            "reason": "lapse",
        }
        for _ in range(draw(st.integers(0, 2)))
    ]
    return card(
        life=life(draw(st.integers(1, 90))),
        estimates=tuple(estimates),
        impairments=tuple(impairments),
        disposals=tuple(disposals),
    )


SPENDING = st.lists(
    st.tuples(st.integers(0, 400).map(lambda n: READY - timedelta(days=n)), AMOUNTS),
    min_size=1,
    max_size=4,
).map(lambda lines: spent(*lines))


@settings(max_examples=40)
@given(lives(), SPENDING)
def test_no_layer_falls_below_zero_and_amortisation_never_exceeds_cost(
    asset: AssetCard, found: Recognition
):
    made = of(asset, found)
    for day in sorted({m.day for m in made.movements}):
        after = day + timedelta(days=1)
        balances = {layer: made.balance(layer, after).fen for layer in Layer}
        assert min(balances.values()) >= 0
        less = balances[Layer.AMORTISATION] + balances[Layer.IMPAIRMENT]
        assert less <= balances[Layer.COST]


@settings(max_examples=40)
@given(lives(), SPENDING, st.lists(st.integers(0, 200), max_size=6))
def test_any_split_of_periods_gives_the_same_closing(
    asset: AssetCard, found: Recognition, cuts: list[int]
):
    """期末 = 期初 + 增 − 减, for each layer."""
    made = of(asset, found)
    start, end = date(2024, 1, 1), date(2041, 1, 1)
    days = sorted({start, end, *(add_months(start, cut) for cut in cuts)})
    for layer in Layer:
        rolled = made.balance(layer, start)
        for first, last in zip(days, days[1:], strict=False):
            rolled = rolled + made.moved(layer, Period("p", first, last))
        assert rolled == made.balance(layer, end)


@settings(max_examples=40)
@given(lives(), SPENDING, DAYS)
def test_a_later_day_only_adds_movements(asset: AssetCard, found: Recognition, day: date):
    """Prospective only: what was shown for a period stays as it was."""
    whole = of(asset, found).movements
    assert of(asset, found, day).movements == tuple(m for m in whole if m.day <= day)


# Entries

VOUCHERS = {
    f"voucher:{index}": Voucher(
        f"voucher:{index}",
        "party:plant",
        str(index),
        day,
        (
            VoucherLine("5301.02", Money(Decimal(amount)), "薪酬", 2),
            VoucherLine("2211", Money(-Decimal(amount)), "薪酬", 3),
        ),
        "books/vouchers/2024.csv",
        "sha256:c",
    )
    for index, (day, amount) in enumerate(
        [(date(2024, 3, 31), "1023500.00"), (date(2024, 6, 30), "1535200.00")]
    )
}
BOOK = book_of("plant")
EVER = Period("ever", date(2020, 1, 1), date(2041, 1, 1))


def test_the_book_holds_the_vouchers_the_transfer_and_the_months():
    made = entries(of(card(), JIAHUA), VOUCHERS, POLICY, BOOK, EVER)
    assert len(made) == 2 + 1 + 36
    totals: dict[str, int] = {}
    for entry in made:
        for line in entry.lines:
            totals[line.account] = totals.get(line.account, 0) + line.amount
    assert totals == {
        "5301.02": 255870000,
        "2211": -255870000,
        "1701.05": 255870000,
        "development_capitalised": -255870000,
        "amortisation_expense": 255870000,
        "accumulated_amortisation": -255870000,
    }


def test_the_same_entries_again_have_the_same_ids():
    made = entries(of(card(), JIAHUA), VOUCHERS, POLICY, BOOK, EVER)
    assert made == entries(of(card(), JIAHUA), VOUCHERS, POLICY, BOOK, EVER)
    assert len({entry.id for entry in made}) == len(made)
    assert all(entry.source.startswith(("voucher:", "asset:")) for entry in made)


@settings(max_examples=40)
@given(lives(), SPENDING)
def test_every_entry_balances_and_the_book_agrees_with_the_layers(
    asset: AssetCard, found: Recognition
):
    made = of(asset, found)
    roles = {
        Layer.COST: ("intangible_data", 1),
        Layer.AMORTISATION: ("accumulated_amortisation", -1),
        Layer.IMPAIRMENT: ("intangible_impairment", -1),
    }
    policy = replace(POLICY, chart={role: (role,) for role, _ in roles.values()})
    totals: dict[str, int] = {}
    for entry in entries(made, {}, policy, BOOK, EVER):
        assert sum(line.amount for line in entry.lines) == 0
        for line in entry.lines:
            totals[line.account] = totals.get(line.account, 0) + line.amount
    for layer, (role, sign) in roles.items():
        assert totals.get(role, 0) * sign == made.balance(layer, EVER.ends_on).fen
    held = {account: Money.of_fen(fen) for account, fen in totals.items()}
    assert unlike_book([made], held, policy, BOOK, EVER) == []


def test_a_book_that_holds_other_amortisation_than_is_measured_is_told():
    """2,558,700.00 over 36 months from March 2025: ten months of 71,075.00 by December; a month
    booked twice is 71,075.00 too many, one not booked as much too few."""
    carried = of(card(), JIAHUA, date(2025, 12, 31))
    role = "accumulated_amortisation"
    year = Period("", date.min, date(2026, 1, 1))
    assert carried.balance(Layer.AMORTISATION, year.ends_on).text == "710750.00"
    for booked, told in (
        ("-710750.00", []),
        ("-781825.00", [(role, 71075000, 78182500)]),
        ("-639675.00", [(role, 71075000, 63967500)]),
    ):
        held = {role: Money(Decimal(booked)), "1002": Money(Decimal("5.00"))}
        policy = replace(POLICY, chart={role: (role,)})
        assert unlike_book([carried], held, policy, BOOK, year) == told


def test_an_impairment_leaves_its_own_month_alone_even_the_first():
    """36,000.00 over 36 months, 3,500.00 lost on 20 January: 1,000.00, then 31,500.00 / 35."""
    found = spent((date(2024, 1, 5), "36000.00"))
    bought = card(
        Route.PURCHASED,
        available_on=date(2024, 1, 5),
        impairments=({"date": "2024-01-20", "amount": "3500.00"},),
    )
    assert [fen for _, fen in charges(of(bought, found, date(2024, 2, 29)))] == [100000, 90000]
    assert closing(of(bought, found, date(2024, 2, 29)), Layer.IMPAIRMENT) == "3500.00"


@pytest.mark.parametrize(
    ("use", "fact", "code"),
    [
        (Use.INTERNAL, {"nrv": ({"date": "2025-06-30", "price": "1.00"},)}, "measure.misplaced"),
        (
            Use.SALE,
            {"impairments": ({"date": "2025-06-30", "amount": "1.00"},)},
            "measure.misplaced",
        ),
        (Use.SALE, {"nrv": ({"date": "2025-06-30", "price": "-1.00"},)}, "measure.negative"),
        (
            Use.INTERNAL,
            {"estimates": ({"date": "2025-06-30", "residual": "150%"},)},
            "measure.not-a-rate",
        ),
    ],
)
def test_a_fact_without_a_meaning_is_refused(use: Use, fact: dict[str, Any], code: str):
    with pytest.raises(Invalid, match=code):
        of(card(use=use, **fact), spent((date(2025, 1, 31), "900.00")))


def test_a_disposal_of_what_is_gone_is_told():
    gone = ({"date": "2025-06-30"}, {"date": "2025-07-31"})
    carried = of(card(disposals=gone), spent((date(2025, 1, 31), "900.00")))
    assert "measure.nothing-left" in [d.code for d in carried.diagnostics]


@pytest.mark.parametrize(
    ("reason", "proceeds", "result"),
    [
        ("disposal", "900.00", {"bank": 90000, "disposal_result": -40000}),  # a gain of 400.00
        ("disposal", "200.00", {"bank": 20000, "disposal_result": 30000}),  # a loss of 300.00
        ("lapse", "200.00", {"bank": 20000, "lapse_loss": 30000}),
        ("lapse", "", {"lapse_loss": 50000}),
    ],
)
def test_a_disposal_posts_its_proceeds_and_what_is_left_is_gain_or_loss(
    reason: str, proceeds: str, result: dict[str, int]
):
    """借 累计摊销、银行存款 贷 无形资产，差额 资产处置损益（报废：营业外支出）.

    900.00 over 36 months: 500.00 are carried after sixteen.
    """
    fact = {"date": "2026-07-31", "reason": reason} | ({"proceeds": proceeds} if proceeds else {})
    carried = of(card(disposals=(fact,)), spent((date(2025, 1, 31), "900.00")))
    gone = next(e for e in entries(carried, {}, POLICY, BOOK, EVER) if "终止" in e.summary)
    assert {line.account: line.amount for line in gone.lines} == {
        "1701.05": -90000,
        "accumulated_amortisation": 40000,
        **result,
    }


@pytest.mark.parametrize(
    ("use", "proceeds", "code"),
    [
        (Use.SALE, "900.00", "measure.proceeds-of-sale"),
        (Use.INTERNAL, "-1.00", "measure.negative"),
        (Use.INTERNAL, "1.00 USD", "measure.other-currency"),
    ],
)
def test_proceeds_that_are_none_are_refused(use: Use, proceeds: str, code: str):
    fact = {"date": "2026-07-31", "proceeds": proceeds}
    with pytest.raises(Invalid, match=code):
        of(card(use=use, disposals=(fact,)), spent((date(2025, 1, 31), "900.00")))


# Corrections of periods that are over


def correction(**said: Any) -> Correction:
    told = {
        "date": date(2026, 3, 20),
        "concerns": "2025",
        "through": date(2025, 12, 31),
        "kind": "error",
        "layer": "amortisation",
        "amount": Money(Decimal("200.00")),
    }
    return Correction(**(told | said))


def test_a_correction_stands_in_its_period_and_is_spread_anew_from_its_decision():
    """3,600.00 over 36 months from 2025-03. 2025 holds 10 months (1,000.00) and 200.00 more by the
    error found on 2026-03-20; after January and February 2,200.00 are left for 24 months: 91.67.
    """
    asset = card(corrections=(correction(),))
    before = of(asset, spent((READY, "3600.00")), date(2026, 3, 19))
    assert closing(before, Layer.AMORTISATION, date(2025, 12, 31)) == "1000.00"
    after = of(asset, spent((READY, "3600.00")))
    assert closing(after, Layer.AMORTISATION, date(2025, 12, 31)) == "1200.00"
    (made,) = [m for m in after.movements if m.kind is Kind.CORRECTED]
    assert (made.day, made.decided, made.why) == (date(2025, 12, 31), date(2026, 3, 20), "error")
    later = [m.amount.fen for m in after.movements if m.day > date(2026, 3, 1)]
    assert later[0] == 9167 and len(later) == 24
    assert closing(after, Layer.AMORTISATION) == "3600.00"


def test_a_correction_of_development_follows_it_into_the_intangible():
    wrong = correction(layer="development", amount=Money(Decimal("-600.00")))
    wrong = replace(wrong, concerns="2024", through=date(2024, 12, 31), kind="audit")
    made = of(card(corrections=(wrong,)), spent((date(2024, 6, 30), "3600.00")))
    assert closing(made, Layer.DEVELOPMENT, date(2024, 12, 31)) == "3000.00"
    assert closing(made, Layer.DEVELOPMENT, READY) == "0.00"
    assert closing(made, Layer.COST, READY) == "3000.00"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"amount": Money(Decimal("-1000.01"))}, "measure.correction-exceeds"),
        ({"layer": "cost", "amount": Money(Decimal("-2600.01"))}, "measure.correction-exceeds"),
        (
            {"layer": "impairment", "amount": Money(Decimal("2600.01"))},
            "measure.correction-exceeds",
        ),
        ({"date": date(2025, 12, 31)}, "measure.correction-too-early"),
        ({"layer": "inventory"}, "measure.misplaced"),
    ],
)
def test_a_correction_that_cannot_have_been_is_refused(said: dict[str, Any], code: str):
    with pytest.raises(Invalid, match=code):
        of(card(corrections=(correction(**said),)), spent((READY, "3600.00")))


@pytest.mark.parametrize(
    ("kind", "through", "decided", "fiscal_year", "day", "other"),
    [
        # of the adjustment period of 2025: 2025's own expense
        ("audit", "2025-12-31", "2026-03-10", "01-01", "2025-12-31", "amortisation_expense"),
        ("event", "2025-12-31", "2026-03-10", "01-01", "2025-12-31", "amortisation_expense"),
        # posted in 2026 on what 2025 should have said
        ("error", "2025-12-31", "2026-03-10", "01-01", "2026-03-10", "prior_year_adjustment"),
        ("audit", "2025-06-30", "2026-03-10", "01-01", "2026-03-10", "prior_year_adjustment"),
        # found within the year that it concerns
        ("error", "2025-11-30", "2025-12-10", "01-01", "2025-12-10", "amortisation_expense"),
        ("audit", "2025-06-30", "2025-12-10", "01-01", "2025-12-10", "amortisation_expense"),
        # a fiscal year from April: 2025 ends on 2026-03-31
        ("error", "2025-12-31", "2026-03-10", "04-01", "2026-03-10", "amortisation_expense"),
        ("event", "2026-03-31", "2026-04-20", "04-01", "2026-03-31", "amortisation_expense"),
    ],
)
def test_a_correction_is_charged_to_the_year_that_it_is_posted_in(
    kind: str, through: str, decided: str, fiscal_year: str, day: str, other: str
):
    """以前年度损益调整 is for what is posted in a later year than it concerns."""
    days = {"date": date.fromisoformat(decided), "through": date.fromisoformat(through)}
    wrong = correction(kind=kind, **days)
    made = of(card(corrections=(wrong,)), spent((READY, "3600.00")))
    book = replace(BOOK, fiscal_year=fiscal_year)
    found = [e for e in entries(made, {}, POLICY, book, EVER) if "更正" in e.summary]
    assert [({x.account: x.amount for x in e.lines}, str(e.effective_on)) for e in found] == [
        ({"accumulated_amortisation": -20000, other: 20000}, day)
    ]


def test_a_correction_of_development_leaves_the_transfer_as_the_ledger_booked_it():
    """500.00 less, found in April after the transfer of January: an entry of its own in April."""
    wrong = correction(
        **{"date": date(2025, 4, 10), "through": date(2024, 12, 31)},
        **{"layer": "development", "amount": Money(Decimal("-500.00"))},
    )
    ready = date(2025, 1, 31)
    asset = card(
        **{"route": Route.SELF_DEVELOPED, "available_on": ready, "corrections": (wrong,)},
    )
    made = of(asset, spent((date(2024, 12, 1), "3600.00")), date(2025, 4, 30))
    moved = {
        (e.effective_on.isoformat(), x.account): x.amount
        for e in entries(made, {}, POLICY, BOOK, EVER)
        if e.summary.startswith("开发支出转入")
        for x in e.lines
    }
    assert moved == {
        ("2025-01-31", "1701.05"): 360000,
        ("2025-01-31", "development_capitalised"): -360000,
        ("2025-04-10", "1701.05"): -50000,
        ("2025-04-10", "development_capitalised"): 50000,
    }
