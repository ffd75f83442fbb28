"""Notes: every item of 财会〔2023〕11号 as a form, each amount a figure, nothing made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from test_disclose import POLICY, RULES, asset, shown

from sanhua.capital import note
from sanhua.capital.disclose import Disclosure, draw_up, note_of
from sanhua.capital.measure import carry
from sanhua.capital.note import Agreement, Known, Said, Status, Sum, Valued, months_left
from sanhua.capital.recognise import (
    AssetCard,
    Judged,
    Life,
    Outcome,
    Recognition,
    Route,
    Use,
    entry_of,
)
from sanhua.kernel.figure import Part
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period

YEAR = Period.named("2025")
READY = date(2025, 1, 31)
CFO = Judged("cfo", READY)


def card(
    id: str, use: Use = Use.INTERNAL, *, spent: str = "3600.00", **said: Any
) -> tuple[AssetCard, Recognition]:
    measured = {"available_on": READY, "life": Life(36, ("technology",), CFO)} | said
    return asset(id, Route.PURCHASED, use, [(date(2025, 1, 5), spent)], **measured)


def drawn(*assets: tuple[AssetCard, Recognition], policy: Any = POLICY, **known: Any) -> Disclosure:
    cards = {one.id: one for one, _ in assets}
    carried = [carry(one, found, policy, RULES, YEAR.through) for one, found in assets]
    entries = [entry_of(one, found) for one, found in assets]
    return draw_up(
        *("plant", entries, carried, policy, RULES, YEAR), known=Known(cards=cards, **known)
    )


def item(made: Disclosure, id: str) -> note.Item:
    return next(one for one in made.notes if one.id == id)


def amounts(row: Sequence[note.Cell]) -> list[str]:
    return [cell.amount.text for cell in row if cell.amount is not None]


def test_the_items_are_those_of_the_instrument_in_its_order():
    """Reference §1.7 (a)–(g), four of inventory, valued data; §1.8 eight of the entity's accord."""
    made = drawn()
    assert [one.part for one in made.notes] == (
        ["intangible"] * 8 + ["inventory"] * 4 + ["valued"] + ["voluntary"] * 8
    )
    assert {one.rule.tag for one in made.notes if one.part == "intangible"} == {"R"}
    schema = json.loads(
        files("sanhua.project").joinpath("schemas", "books_notes.json").read_bytes()
    )
    assert [key for key in schema["properties"] if key != "note"] == [one.id for one in made.notes]


def test_what_nobody_gave_is_said_to_be_missing_with_what_is_wanted():
    made = drawn()
    for one in made.notes:
        if one.mandatory:
            assert (one.status, bool(one.wanted)) == (Status.NONE, False), one.id
        else:
            assert one.status is Status.WANTING and one.wanted.zh and one.wanted.en


def test_lives_tell_months_method_and_what_is_carried():
    """3600.00 over 36 months from 2025-01: 100.00 a month, twelve charged by the year's end."""
    made = drawn(card("bought"))
    (row,) = item(made, "intangible_lives").rows
    assert [cell.text.zh for cell in row][1:5] == ["外购", "36", "年限平均法（直线法）", "0.00%"]
    assert amounts(row) == ["2400.00"]
    figure = made.figures[row[-1].figure]
    assert figure.value == sum(posting.amount for posting in figure.postings)
    assert figure.recognised_in == ("asset:bought",)


def test_many_assets_are_grouped_by_how_they_are_amortised():
    many = [card(f"a{n}") for n in range(note.LISTED_MAX)]
    other = card("slow", life=Life(60, ("technology",), CFO))
    rows = item(drawn(*many, other), "intangible_lives").rows
    assert [(row[0].text.zh, row[2].text.zh) for row in rows] == [("30 项", "36"), ("1 项", "60")]
    assert [amounts(row) for row in rows] == [["72000.00"], ["2880.00"]]


def test_a_change_of_estimate_tells_its_effect_now_and_later():
    """36 → 24 months from July: 3000.00 left over 18 months is 166.67 a month. The second half
    charges 1000.02, not 600.00: 400.02 more. All 1999.98 left falls in 2026, not 1200.00: 799.98.
    """
    change = {"date": "2025-07-01", "months": "24", "reason": "迭代加快", "judged.by": "cfo"}
    made = drawn(card("bought", estimates=(change,)))
    one = item(made, "intangible_changes")
    (row,) = one.rows
    now, later = (made.figures[cell.figure] for cell in row if cell.figure)
    assert (now.value, later.value) == (Decimal("400.02"), Decimal("799.98"))
    assert not now.additive
    assert "迭代加快" in row[3].text.zh and one.status is Status.FILLED


def test_a_single_item_is_material_from_the_level_of_the_policy_on():
    assets = [card("just", spent="3600.00"), card("below", spent="3599.99")]
    bare = item(drawn(*assets), "intangible_material")
    assert bare.status is Status.WANTING
    level = replace(POLICY, materiality=Money(Decimal("2400.00")))
    (row,) = item(drawn(*assets, policy=level), "intangible_material").rows
    assert (row[0].text.zh, amounts(row), row[-1].text.zh) == ("just", ["2400.00"], "24")


def test_months_left_follow_the_last_estimate_and_are_never_negative():
    one, _ = card("bought", estimates=({"date": "2025-07-01", "months": "24"},))
    assert months_left(one, date(2025, 6, 30)) == 30
    assert months_left(one, date(2025, 12, 31)) == 12
    assert months_left(one, date(2030, 1, 1)) == 0


def pledge(**given: Any) -> Agreement:
    said = {
        "starts_on": date(2025, 7, 15),
        "ends_on": date(2026, 7, 15),
        "amount": Money(Decimal("1000.00")),
        "origin": Origin("books/financings/loan.yaml", 1, "sha256:" + "a" * 64),
    } | given
    return Agreement("loan", "pledge", ("bought",), "湖滨银行", **said)


def test_pledged_items_are_shown_with_the_amortisation_of_the_period():
    made = drawn(card("bought"), agreements=(pledge(),))
    (row,) = item(made, "intangible_restricted").rows
    assert amounts(row) == ["2400.00", "1200.00"]
    (deal,) = item(made, "transactions").rows
    figure = made.figures[deal[-1].figure]
    assert (figure.value, figure.parts[0].node) == (Decimal("1000.00"), "sha256:" + "a" * 64)
    over = pledge(starts_on=date(2024, 1, 1), ends_on=date(2025, 1, 1))
    assert item(drawn(card("bought"), agreements=(over,)), "intangible_restricted").rows == ()
    released = drawn(card("bought"), agreements=(pledge(ends_on=date(2025, 7, 1)),))
    assert item(released, "intangible_restricted").rows == ()
    assert len(item(released, "transactions").rows) == 1


def test_research_spending_is_told_apart_by_verdict_and_opens_to_vouchers():
    own, found = asset(
        "own", Route.SELF_DEVELOPED, Use.INTERNAL,
        [(date(2025, 2, 1), "70.00"), (date(2025, 3, 1), "30.00")],
        available_on=None, life=None,
    )  # fmt: skip
    spent = replace(
        found.verdicts[1], outcome=Outcome.EXPENSED, recognised="", considered="voucher:own-1"
    )
    made = drawn((own, replace(found, verdicts=(found.verdicts[0], spent))))
    (row,) = item(made, "intangible_research").rows
    assert amounts(row) == ["70.00", "30.00", "0.00", "0.00"]
    assert made.figures[row[2].figure].postings[0].node == "voucher:own-1"


def test_stock_tells_method_net_realisable_value_and_what_was_written_down():
    """100.00 of cost, net realisable value 90.00 − 15.00 − 5.00 = 70.00: 30.00 provided."""
    nrv = {"date": "2025-06-30", "price": "90.00", "cost_to_sell": "15.00", "tax": "5.00"}
    made = drawn(card("stock", Use.SALE, spent="100.00", nrv=(nrv,), life=None))
    assert "加权平均法" in item(made, "inventory_issue").told[0].zh
    one = item(made, "inventory_nrv")
    assert amounts(one.rows[0]) == ["30.00", "0.00", "30.00"]
    assert one.rows[0][1].text.zh.startswith("2025-06-30 70.00")


def test_an_appraised_value_is_text_and_no_figure():
    """财会〔2025〕33号: no amount of the books comes from an appraisal."""
    value = Valued(
        *("v", "bought", "质押", "income share", date(2025, 6, 30), "某评估机构"),
        *("99,999.00", (("share.2026", "35%"),)),
    )
    made = drawn(card("bought"), valued=(value,))
    one = item(made, "valued")
    assert one.rows[0][-1].text.zh == "99,999.00" and amounts(one.rows[0]) == []
    assert one.status is Status.PARTLY and "财会〔2025〕33号" in one.told[0].zh
    assert not any(figure.value == Decimal("99999.00") for figure in made.figures.values())


def test_what_a_person_says_fills_an_item_and_stands_in_what_is_approved():
    said = Said(Text("面向绿色信贷"), "cfo", date(2026, 1, 20), Origin("books/notes/2025.yaml", 2))
    filled, bare = drawn(said={"scenarios": said}), drawn()
    assert item(filled, "scenarios").status is Status.FILLED
    assert note_of(filled).notes != note_of(bare).notes


def test_amounts_of_earlier_stages_are_figures_that_add_up():
    parts = (Part("inv_1", Decimal("10.00"), "net.amount"), Part("inv_2", Decimal("2.50")))
    listed = note.Listed(
        (Text("产品"), Text("账单")),
        ((Text("图"), Sum("application.map", "billed", Text("账单"), parts)),),
    )
    made = drawn(listed={"application": listed})
    (row,) = item(made, "application").rows
    assert amounts(row) == ["12.50"]
    assert made.figures["figure:plant/note/application.map/billed/2025"].parts == parts


@pytest.mark.parametrize("period", ["2024", "2025", "2025-H1"])
def test_every_amount_of_a_note_is_a_figure_of_the_disclosure(period: str):
    made = shown(Period.named(period), card("bought"), card("stock", Use.SALE, life=None))
    for one in made.notes:
        for cell in (cell for row in one.rows for cell in row if cell.amount is not None):
            assert made.figures[cell.figure].value == cell.amount.amount


def held(day: str, act: str, **said: str) -> dict[str, str]:
    papers = {"evidence": "e", "agreement": "a", "judged.by": "cfo", "judged.date": day}
    asked = {"saleable": "true", "resolution": day, "commitment": day, "expected_by": "2025-12-20"}
    return {"date": day, "act": act, **papers, **asked, **said}


def test_what_is_held_for_sale_is_told_with_what_it_is_carried_at():
    """3600.00, five months amortised; 3100.00 carried, 2900.00 less 50.00 when it is classified on
    2025-06-10; a second asset that came back in October is told of, at nothing held for sale.
    """
    sale = held("2025-06-10", "classified", fair_value="2900.00", cost_to_sell="50.00")
    back = held("2025-10-15", "returned", recoverable="3000.00")
    made = drawn(card("sold", held_for_sale=(sale,)), card("kept", held_for_sale=(back, sale)))
    one, other = item(made, "intangible_held_for_sale").rows
    assert amounts(one) == ["2850.00"]
    assert [cell.text.zh for cell in one][1:5] == (
        ["2025-06-10，划分为持有待售，cfo", "2900.00", "50.00", "2025-12-20"]
    )
    assert (amounts(other), "不再划分为持有待售" in other[1].text.zh) == (["0.00"], True)
    assert "returned" not in str(item(made, "intangible_held_for_sale").rows)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sum_of_years", "年数总和法"),
        ("double_declining", "双倍余额递减法"),
        ("declining_balance", "双倍余额递减法"),
        ("units_of_production", "产量法"),
    ],
)
def test_the_method_told_is_the_assets_own(kind: str, said: str):
    method = {"kind": kind, "reason": "r", "judged.by": "cfo", "judged.date": "2025-01-31"}
    method |= {"total": "1000"} if kind == "units_of_production" else {}
    life: dict[str, Any] = {"life": None} if kind == "units_of_production" else {}
    (row,) = item(drawn(card("bought", method=method, **life)), "intangible_lives").rows
    assert row[3].text.zh == said
    assert row[2].text.zh == ("—" if life else "36")
