"""A group's eliminations, worked out by hand beside each test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua.capital.consolidate import Consolidation, Held, Holding, members_of
from sanhua.capital.disclose import Disclosure, Scope, draw_up
from sanhua.capital.measure import Carrying, Layer, carry
from sanhua.capital.note import Known
from sanhua.capital.recognise import (
    Acquired,
    AssetCard,
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
from sanhua.kernel.record import body
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period
from sanhua.rules.packs import Packs

RULES = Packs.load()
POLICY = AccountingPolicy(Origin("books/policy.yaml"), {})
BUILT, SOLD = date(2024, 1, 31), date(2025, 1, 10)
JUDGED = Judged("cfo", BUILT)
Asset = tuple[AssetCard, Recognition]


def asset(
    id: str,
    entity: str,
    amount: str,
    day: date,
    months: int,
    *,
    route: Route = Route.PURCHASED,
    use: Use = Use.INTERNAL,
    acquired: Acquired | None = None,
    **facts: Any,
) -> Asset:
    ready = {} if use is Use.SALE else {"available_on": day}
    life = {} if use is Use.SALE else {"life": Life(months, ("contract",), JUDGED)}
    card = AssetCard(
        id,
        Text(id),
        entity,
        route,
        use,
        Origin(f"books/{entity}/assets/{id}.yaml", 1, "sha256:b"),
        measurement=Measurement(**{**ready, **life, **facts}),
        acquired=acquired,
    )
    verdict = Verdict(
        2,
        "1701",
        day,
        Money(Decimal(amount)),
        Outcome.CAPITALISED,
        "recognise.purchased",
        Grounds(f"voucher:{entity}/{id}", ()),
        recognised=f"voucher:{entity}/{id}",
        on_asset_account=True,
    )
    return card, Recognition(f"asset:{id}", "CNY", (verdict,), day)


def group(period: str, *assets: Asset, on: date | None = None) -> Disclosure:
    """The group's statements of alpha (its head), beta and gamma."""
    span = Period.named(period)
    until = on or span.through
    held: dict[str, Held] = {}
    for card, found in assets:
        carried = carry(card, found, POLICY, RULES, until)
        held[found.asset] = Held(card, found, carried, POLICY)
    members: list[Disclosure] = []
    names = ("alpha", "beta", "gamma")
    for name in names:
        own = [one for one in held.values() if one.card.entity == name]
        entries = [entry_of(one.card, one.recognition) for one in own]
        members.append(draw_up(name, entries, [one.carrying for one in own], POLICY, RULES, span))

    def measure(card: AssetCard, found: Recognition, policy: AccountingPolicy) -> Carrying:
        return carry(card, found, policy, RULES, until)

    made = Consolidation("party:alpha", frozenset(names), held, measure)
    made.eliminate()
    return draw_up(
        "alpha.group",
        [],
        [one.carrying for one in held.values()] + made.carryings,
        POLICY,
        RULES,
        span,
        scope=Scope.GROUP,
        members=members,
        eliminations=made.made,
        known=Known(cards={card.id: card for card, _ in assets}),
    )


def cells(shown: Disclosure, table: str = "A") -> Mapping[tuple[str, str], str]:
    return {
        (cell.row, cell.column): cell.amount.text
        for cell in shown.tables[table].cells
        if cell.amount and cell.column != "total"
    }


def sound(shown: Disclosure) -> None:
    assert all(tie.ok for tie in shown.ties), [tie for tie in shown.ties if not tie.ok]
    for figure in shown.figures.values():
        counted = [part.amount for part in figure.parts] + [p.amount for p in figure.postings]
        assert sum(counted, Decimal()) == figure.value or not figure.additive
        body(figure)
    lives = next(item for item in shown.notes if item.id == "intangible_lives")
    carried = [cell.amount for row in lives.rows for cell in row if cell.amount is not None]
    assert Money.sum(carried, "CNY") == shown.tables["A"].amount("carrying.closing")


MAP = asset(
    "map",
    "alpha",
    "120000.00",
    BUILT,
    60,
    route=Route.SELF_DEVELOPED,
    disposals=({"date": "2025-01-10", "proceeds": "150000.00"},),
)
BOUGHT = asset("bought", "beta", "150000.00", SOLD, 48, acquired=Acquired("alpha", "map"))


def test_what_one_entity_sells_to_another_is_carried_on_at_the_sellers_amount():
    """Alpha: 120,000 over 60 months from 2024-01, 12 months amortised, 24,000; carried 96,000 when
    sold for 150,000 on 2025-01-10. Beta: 150,000 / 48 = 3,125.00 a month, 37,500 in 2025, 112,500
    left. The group: 96,000 / 48 = 2,000.00 a month: cost 120,000, amortisation 24,000 + 24,000.
    """
    shown = group("2025", MAP, BOUGHT)
    sound(shown)
    assert cells(shown) == {
        ("cost.opening", "self_developed"): "120000.00",
        ("cost.closing", "self_developed"): "120000.00",
        ("amortisation.opening", "self_developed"): "24000.00",
        ("amortisation.increase", "self_developed"): "24000.00",
        ("amortisation.closing", "self_developed"): "48000.00",
        ("carrying.opening", "self_developed"): "96000.00",
        ("carrying.closing", "self_developed"): "72000.00",
    }
    line = next(line for line in shown.lines if line.id == "intangible")
    assert (line.beginning.text, line.ending.text) == ("96000.00", "72000.00")
    lives = next(item for item in shown.notes if item.id == "intangible_lives")
    told = {row[0].text.zh: (row[1].text.zh, row[-1].amount) for row in lives.rows}
    assert {key: (zh, m.text) for key, (zh, m) in told.items() if m is not None} == {
        "map": ("自行开发", "0.00"),
        "bought": ("自行开发", "72000.00"),
    }


def test_the_groups_line_opens_to_its_entities_and_to_each_elimination():
    """112,500 in beta's own; 54,000 of profit less 13,500 that its amortisation took: −40,500."""
    shown = group("2025", MAP, BOUGHT)
    figure = shown.figures["figure:alpha.group/balance_sheet/intangible.data/ending/2025"]
    assert [(part.node, str(part.amount)) for part in figure.parts] == [
        ("figure:beta/balance_sheet/intangible.data/ending/2025", "112500.00")
    ]
    assert sum(p.amount for p in figure.postings) == Decimal("-40500.00")
    kept = {one.id: one for one in shown.eliminations}
    assert {p.node for p in figure.postings} <= set(kept)
    months = [one for one in shown.eliminations if one.what == "amortisation"]
    assert [one.day for one in months] == [
        date(2025, m % 12 + 1, 1) - timedelta(days=1) if m < 12 else date(2025, 12, 31)
        for m in range(1, 13)
    ]
    january = kept["elimination:alpha/bought/amortisation@2025-01-31"]
    assert {(line.route, line.amount.text) for line in january.lines} == {
        ("purchased", "-3125.00"),
        ("self_developed", "2000.00"),
    }
    assert (january.sold, january.bought) == ("asset:map", "asset:bought")
    for one in shown.eliminations:
        body(one)


def test_an_outside_sale_of_a_part_realises_its_share():
    """40 % sold on 2026-01-15. Group: 40 % of 120,000 cost and of 48,000 amortised; then 43,200
    over 36 months = 1,200.00 from January 2026, the eleven left and this one: 12 x 1,200 = 14,400.
    """
    card, found = BOUGHT
    disposals = ({"date": "2026-01-15", "share": "40%", "proceeds": "60000.00"},)
    later = replace(card, measurement=replace(card.measurement, disposals=disposals)), found
    shown = group("2026", MAP, later)
    sound(shown)
    assert cells(shown) == {
        ("cost.opening", "self_developed"): "120000.00",
        ("cost.decrease", "self_developed"): "48000.00",
        ("cost.decrease.disposed", "self_developed"): "48000.00",
        ("cost.closing", "self_developed"): "72000.00",
        ("amortisation.opening", "self_developed"): "48000.00",
        ("amortisation.increase", "self_developed"): "14400.00",
        ("amortisation.decrease", "self_developed"): "19200.00",
        ("amortisation.decrease.disposed", "self_developed"): "19200.00",
        ("amortisation.closing", "self_developed"): "43200.00",
        ("carrying.opening", "self_developed"): "72000.00",
        ("carrying.closing", "self_developed"): "28800.00",
    }


def test_a_loss_of_the_buyer_is_the_groups_only_below_what_the_group_carries():
    """Beta tests at 80,000 on 2025-12-31: its loss is 112,500 − 80,000 = 32,500, the group's none:
    it carries 72,000. At 60,000 the group loses 12,000, however beta writes it.
    """
    for said, loss in (("80000.00", ""), ("60000.00", "12000.00")):
        amount = Decimal("112500") - Decimal(said)
        for fact in ({"recoverable": said}, {"amount": f"{amount:.2f}"}):
            card, found = BOUGHT
            tests = ({"date": "2025-12-31", **fact},)
            tested = replace(card, measurement=replace(card.measurement, impairments=tests)), found
            shown = group("2025", MAP, tested)
            sound(shown)
            assert cells(shown).get(("impairment.increase", "self_developed"), "") == loss


def test_a_sale_passed_on_inside_the_group_is_eliminated_layer_by_layer():
    """Beta sells to gamma for 140,000 on 2026-01-10; the group has 72,000 left over 36 months."""
    card, found = BOUGHT
    disposals = ({"date": "2026-01-10", "proceeds": "140000.00"},)
    passed = replace(card, measurement=replace(card.measurement, disposals=disposals)), found
    third = asset(
        "third", "gamma", "140000.00", date(2026, 1, 10), 36, acquired=Acquired("beta", "bought")
    )
    shown = group("2026", MAP, passed, third)
    sound(shown)
    assert cells(shown)["carrying.closing", "self_developed"] == "48000.00"
    assert cells(shown)["cost.closing", "self_developed"] == "120000.00"
    assert ("cost.decrease", "self_developed") not in cells(shown)


def test_a_copy_that_the_seller_keeps_is_carried_at_what_was_judged():
    """Alpha keeps its data and licenses a copy for 48,000: the group paid nothing for it."""
    copy = asset(
        "copy",
        "beta",
        "48000.00",
        SOLD,
        48,
        acquired=Acquired("alpha", carried=Money(Decimal("0.00")), judged=JUDGED),
    )
    card, found = MAP
    kept = replace(card, measurement=replace(card.measurement, disposals=())), found
    shown = group("2025", kept, copy)
    sound(shown)
    assert not [key for key in cells(shown) if key[1] == "purchased"]
    assert cells(shown)["carrying.closing", "self_developed"] == "72000.00"


def test_stock_keeps_its_cost_and_provision_inside_the_group():
    """Alpha wrote stock of 100 down to 70 and sells it to beta for 90. The group holds 100 less 30;
    at a realisable value of 95 at the year's end beta writes nothing off, the group takes 25 back.
    """
    stock = asset(
        "stock",
        "alpha",
        "100.00",
        date(2024, 6, 1),
        0,
        use=Use.SALE,
        nrv=({"date": "2024-12-31", "price": "70.00"},),
        disposals=({"date": "2025-03-01"},),
    )
    resold = asset(
        "resold",
        "beta",
        "90.00",
        date(2025, 3, 1),
        0,
        use=Use.SALE,
        acquired=Acquired("alpha", "stock"),
        nrv=({"date": "2025-12-31", "price": "95.00"},),
    )
    shown = group("2025", stock, resold)
    sound(shown)
    assert cells(shown, "B") == {
        ("cost.opening", "purchased"): "100.00",
        ("cost.closing", "purchased"): "100.00",
        ("write_down.opening", "purchased"): "30.00",
        ("write_down.decrease", "purchased"): "25.00",
        ("write_down.decrease.reversed", "purchased"): "25.00",
        ("write_down.closing", "purchased"): "5.00",
        ("carrying.opening", "purchased"): "70.00",
        ("carrying.closing", "purchased"): "95.00",
    }


def test_stock_that_a_member_buys_to_use_moves_to_the_intangibles():
    """Alpha's stock of 100 goes to beta for 180, used over 10 months from March: 10.00 a month."""
    stock = asset(
        "stock",
        "alpha",
        "100.00",
        date(2025, 1, 5),
        0,
        use=Use.SALE,
        disposals=({"date": "2025-03-01"},),
    )
    used = asset(
        "used", "beta", "180.00", date(2025, 3, 1), 10, acquired=Acquired("alpha", "stock")
    )
    shown = group("2025", stock, used)
    sound(shown)
    assert cells(shown, "B")["cost.decrease.other", "purchased"] == "100.00"
    assert ("cost.decrease.sold", "purchased") not in cells(shown, "B")
    assert cells(shown)["cost.increase.other", "purchased"] == "100.00"
    assert cells(shown)["amortisation.increase", "purchased"] == "100.00"


@pytest.mark.parametrize(
    ("acquired", "code"),
    [
        (Acquired("alpha", "nothing"), "consolidate.unknown-asset"),
        (Acquired("alpha", "map", date=date(2025, 1, 11)), "consolidate.no-counterpart"),
        (Acquired("beta", "bought"), "consolidate.circular"),
    ],
)
def test_a_purchase_without_its_other_side_is_refused(acquired: Acquired, code: str):
    card, found = BOUGHT
    with pytest.raises(Invalid, match=code):
        group("2025", MAP, (replace(card, acquired=acquired), found))


def test_a_group_reaches_through_its_layers_as_far_as_control_does():
    """More than half, or as judged; what only an uncontrolled entity holds is outside."""
    held: Sequence[Holding] = [
        Holding("alpha", "", ""),
        Holding("beta", "alpha", "50.01%"),
        Holding("gamma", "beta", "60%"),
        Holding("half", "alpha", "50%"),
        Holding("below", "half", "100%"),
        Holding("judged", "alpha", "40%", "cfo 2025-01-01"),
    ]
    day = date(2025, 12, 31)
    assert members_of("alpha", held, RULES, day) == ["alpha", "beta", "judged", "gamma"]
    for other, code in (
        (Holding("beta", "alpha", ""), "no-share"),
        (Holding("beta", "alpha", "60%", currency="USD"), "currency"),
        (Holding("beta", "alpha", "60%", fiscal_year="04-01"), "fiscal-year"),
        (Holding("beta", "alpha", "60%", regime="SME"), "other-regime"),
        (Holding("beta", "alpha", "50%"), "no-members"),
    ):
        with pytest.raises(Invalid, match=f"consolidate.{code}"):
            members_of("alpha", [held[0], other], RULES, day)


FEN = st.integers(1, 10**9).map(lambda fen: format(Decimal(fen).scaleb(-2), "f"))


@settings(max_examples=6, deadline=None)
@given(FEN, FEN, st.integers(13, 80), st.integers(1, 80), st.integers(1, 99), FEN)
def test_a_group_is_its_entities_less_what_is_eliminated(
    cost: str, price: str, months: int, more: int, share: int, worth: str
):
    """Whatever the amounts: figures add up, ties hold, nothing of the group is below zero, and the
    profit is gone when the last month is amortised.
    """
    made = asset(
        "map",
        "alpha",
        cost,
        BUILT,
        months,
        route=Route.SELF_DEVELOPED,
        disposals=({"date": "2025-01-10"},),
    )
    bought = asset(
        "bought",
        "beta",
        price,
        SOLD,
        more,
        acquired=Acquired("alpha", "map"),
        impairments=({"date": "2025-06-30", "recoverable": worth},),
        disposals=({"date": "2025-09-15", "share": f"{share}%"},),
    )
    for period in ("2024", "2025-H2"):
        shown = group(period, made, bought)
        sound(shown)
        assert all(line.ending.fen >= 0 for line in shown.lines)
    over = group("2032", made, bought)
    assert not next(line for line in over.lines if line.id == "intangible").ending
    assert not sum(
        line.amount.amount if line.layer == Layer.COST else -line.amount.amount
        for one in over.eliminations
        for line in one.lines
    )
