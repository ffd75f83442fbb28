"""Disclosure: balance-sheet lines, tables A and B, ties."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua.capital.disclose import Disclosure, State, draw_up, note_of, to_json
from sanhua.capital.measure import carry
from sanhua.capital.recognise import (
    AssetCard,
    AssetEntry,
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
from sanhua.capital.voucher import AccountingPolicy, Balances, Voucher, VoucherLine
from sanhua.kernel.errors import Invalid, RuleGap
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Rule
from sanhua.kernel.record import body
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period
from sanhua.rules.packs import Packs

RULES = Packs.load()
POLICY = AccountingPolicy(
    Origin("books/policy.yaml"), {"development_capitalised": ("5301.02",), "payroll": ("2211",)}
)
READY = date(2025, 3, 31)
H1 = Period.named("2024-H1")


def asset(
    id: str, route: Route, use: Use, lines: Sequence[tuple[date, str]], **measured: Any
) -> tuple[AssetCard, Recognition]:
    """A card and its capitalised lines; available 2025-03-31 with a life of 36 months."""
    measured = {
        "available_on": READY,
        "life": Life(36, ("technology",), Judged("cfo", READY)),
    } | measured
    card = AssetCard(
        id,
        Text(id),
        "plant",
        route,
        use,
        Origin(f"books/assets/{id}.yaml", 1, "sha256:b"),
        measurement=Measurement(**measured),
    )
    verdicts = tuple(
        Verdict(
            index + 2,
            "5301.02",
            day,
            Money(Decimal(amount)),
            Outcome.CAPITALISED,
            "recognise.conditions-met",
            Grounds(f"voucher:{id}-{index}", ()),
            recognised=f"voucher:{id}-{index}",
            on_asset_account=True,
        )
        for index, (day, amount) in enumerate(lines)
    )
    return card, Recognition(f"asset:{id}", "CNY", verdicts, date(2024, 1, 1))


def shown(
    period: Period, *assets: tuple[AssetCard, Recognition], on: date | None = None, **given: Any
) -> Disclosure:
    carryings = [carry(card, found, POLICY, RULES, on or period.through) for card, found in assets]
    entries: list[AssetEntry] = [entry_of(card, found) for card, found in assets]
    return draw_up("plant", entries, carryings, POLICY, RULES, period, **given)


def value(made: Disclosure, where: str) -> str:
    report, line, column = where.split("/")
    figure = made.figures[f"figure:plant/{report}/{line}/{column}/{made.period.id}"]
    return format(figure.value, "f")


MAP = asset(
    "map",
    Route.SELF_DEVELOPED,
    Use.SERVE_CUSTOMERS,
    [(date(2024, 3, 31), "1023500.00"), (date(2024, 6, 30), "1535200.00")],
)
BOUGHT = asset("bought", Route.PURCHASED, Use.INTERNAL, [(date(2025, 3, 5), "3600.00")])
STOCK = asset(
    "stock",
    Route.PURCHASED,
    Use.SALE,
    [(date(2025, 1, 5), "100.00")],
    nrv=({"date": "2025-06-30", "price": "70.00"},),
    disposals=({"date": "2025-09-01", "share": "40%"},),
)
EMPTY = asset("none", Route.OTHER, Use.INTERNAL, [])


def test_table_a_has_27_rows_and_table_b_21_by_four_amounts():
    """财会〔2023〕11号 三; headings (一、二、…) have no amounts."""
    made = shown(H1, MAP)
    a, b = made.tables["A"], made.tables["B"]
    assert (len(a.rows), len(b.rows)) == (27, 21)
    assert [column for column, _ in a.columns] == ["purchased", "self_developed", "other", "total"]
    assert (len(a.cells), len(b.cells)) == (23 * 4, 18 * 4)
    assert [row.label.zh for row in a.rows if row.heading] == [
        "一、账面原值",
        "二、累计摊销",
        "三、减值准备",
        "四、账面价值",
    ]


def test_development_in_progress_stands_in_development_and_in_no_table():
    made = shown(H1, MAP)
    assert value(made, "balance_sheet/development.data/ending") == "2558700.00"
    assert value(made, "balance_sheet/development.data/beginning") == "0.00"
    assert value(made, "balance_sheet/intangible.data/ending") == "0.00"
    assert all(not cell.amount for table in made.tables.values() for cell in table.cells)
    figure = made.figures["figure:plant/balance_sheet/development.data/ending/2024-H1"]
    assert [(p.node, str(p.amount)) for p in figure.postings] == [
        ("voucher:map-0", "1023500.00"),
        ("voucher:map-1", "1535200.00"),
    ]
    assert figure.recognised_in == ("asset:map",)
    assert figure.label.zh == "开发支出—其中：数据资源"


def test_a_finished_project_moves_to_the_intangible_line_and_table_a():
    """2,558,700.00 over 36 months from March 2025: ten months are 710,750.00 by the year's end."""
    made = shown(Period.named("2025"), MAP, BOUGHT)
    assert value(made, "balance_sheet/development.data/beginning") == "2558700.00"
    assert value(made, "balance_sheet/development.data/ending") == "0.00"
    assert value(made, "table_a/cost.increase.developed/self_developed") == "2558700.00"
    assert value(made, "table_a/cost.increase.purchased/purchased") == "3600.00"
    assert value(made, "table_a/amortisation.increase/self_developed") == "710750.00"
    assert value(made, "table_a/amortisation.increase/total") == "711750.00"
    assert value(made, "table_a/carrying.closing/total") == "1850550.00"
    assert value(made, "balance_sheet/intangible.data/ending") == "1850550.00"
    assert all(tie.ok for tie in made.ties)


def test_the_statement_begins_at_the_year_and_the_table_at_the_period():
    made = shown(Period.named("2025-Q4"), MAP)
    assert value(made, "table_a/cost.opening/total") == "2558700.00"
    assert value(made, "balance_sheet/intangible.data/beginning") == "0.00"
    assert Period.year_of(date(2025, 3, 31), "04-01").starts_on == date(2024, 4, 1)


def test_stock_stands_in_table_b_with_its_write_down():
    """Cost 100 written down to 70; 40 % sold takes 40 of cost and 12 of the provision."""
    made = shown(Period.named("2025"), STOCK)
    assert value(made, "table_b/cost.decrease.sold/purchased") == "40.00"
    assert value(made, "table_b/write_down.increase/purchased") == "30.00"
    assert value(made, "table_b/write_down.decrease.written_off/total") == "12.00"
    assert value(made, "table_b/carrying.closing/total") == "42.00"
    assert value(made, "balance_sheet/inventory.data/ending") == "42.00"
    assert all(tie.ok for tie in made.ties)


def balances(day: date, **lines: tuple[str, str]) -> Balances:
    return Balances(
        day,
        Origin(f"books/balances/{day}.csv", 1, "sha256:d"),
        {
            line: (Money(Decimal(ending)), Money(Decimal(beginning)))
            for line, (ending, beginning) in lines.items()
        },
    )


def test_零点有数_shows_its_line_inside_its_parent():
    """FY2024: 无形资产 20,283,101.05 (9,069,314.79 at the beginning), of which 1,238,301.37."""
    bought = asset(
        "data",
        Route.PURCHASED,
        Use.INTERNAL,
        [(date(2024, 12, 5), "1238301.37")],
        available_on=None,
    )
    given = balances(date(2024, 12, 31), 无形资产=("20283101.05", "9069314.79"))
    made = shown(Period.named("2024"), bought, balances=[given])
    assert value(made, "balance_sheet/intangible/ending") == "20283101.05"
    assert value(made, "balance_sheet/intangible/beginning") == "9069314.79"
    assert value(made, "balance_sheet/intangible.data/ending") == "1238301.37"
    assert [(t.subject, t.ok) for t in made.ties if t.code == "tie.sub-not-above-parent"] == [
        ("intangible", True)
    ]


@pytest.mark.parametrize(
    ("parent", "ok", "warned"),
    [("2558700.01", True, False), ("2558700.00", True, True), ("2558699.99", False, False)],
)
def test_a_line_that_equals_its_whole_parent_is_warned_of(parent: str, ok: bool, warned: bool):
    """Filings of August 2024 were withdrawn for this."""
    made = shown(H1, MAP, balances=[balances(date(2024, 6, 30), development=(parent, "0.00"))])
    ties = [tie.ok for tie in made.ties if tie.code == "tie.sub-not-above-parent"]
    assert ties == [ok]
    codes = [d.code for d in made.diagnostics]
    assert ("disclose.line-equals-parent" in codes) is warned
    assert ("disclose.tie-fails" in codes) is not ok


def test_what_could_not_be_compared_is_not_called_good():
    made = shown(H1, MAP)
    assert not [tie for tie in made.ties if tie.code == "tie.sub-not-above-parent"]
    assert "disclose.parent-unknown" in [d.code for d in made.diagnostics]
    erp = Voucher(
        "voucher:1",
        "party:plant",
        "1",
        date(2024, 6, 30),
        (VoucherLine("5301.02", Money(Decimal("2558700.00")), "", 2),),
        "v.csv",
        "sha256:c",
    )
    made = shown(H1, MAP, vouchers=[erp])
    assert [tie.ok for tie in made.ties if tie.code == "tie.sub-not-above-parent"] == [True]


def test_development_taken_over_counts_on_the_account_that_it_is_compared_with():
    """500,000.00 of before and 100,000.00 of June: 600,000.00 on the account and on the line."""
    opening = {"date": "2023-12-31", "development": "500000.00", "evidence": "e"}
    found = asset(
        *("map", Route.SELF_DEVELOPED, Use.INTERNAL, [(date(2024, 6, 30), "100000.00")]),
        **{"opening": opening | {"judged.by": "cfo"}, "available_on": None, "life": None},
    )
    line = VoucherLine("5301.02", Money(Decimal("100000.00")), "", 2)
    day = date(2024, 6, 30)
    erp = Voucher("voucher:1", "party:plant", "1", day, (line,), "v.csv", "sha256:c")
    (tie,) = [
        tie
        for tie in shown(H1, found, vouchers=[erp]).ties
        if tie.code == "tie.sub-not-above-parent"
    ]
    assert (tie.left.text, tie.right.text, tie.ok) == ("600000.00", "600000.00", True)


def test_spending_on_asset_accounts_that_was_refused_breaks_a_tie():
    card, found = MAP
    early = replace(
        found.verdicts[0],
        outcome=Outcome.REFUSED,
        code="recognise.capitalised-too-early",
        recognised="",
        considered="voucher:map-0",
    )
    found = replace(found, verdicts=(early, found.verdicts[1]))
    made = shown(H1, (card, found))
    broken = [(tie.code, tie.left.text, tie.right.text) for tie in made.ties if not tie.ok]
    assert broken == [("tie.books-agree", "1535200.00", "2558700.00")]


def test_a_disclosure_is_approved_when_it_and_every_asset_are_and_audited_when_signed():
    both = {"asset:map": True}
    cfo = {"finance": "party:cfo"}
    assert shown(H1, MAP).state is State.DRAFT
    assert shown(H1, MAP, approvals=both).state is State.DRAFT
    assert shown(H1, MAP, signed=cfo).state is State.DRAFT
    assert shown(H1, MAP, approvals={"asset:map": False}, signed=cfo).state is State.DRAFT
    assert shown(H1, MAP, approvals=both, signed=cfo).state is State.APPROVED
    assert shown(H1, MAP, EMPTY, approvals=both, signed=cfo).state is State.DRAFT
    assert shown(H1, MAP, approvals=both, signed={"auditor": "party:a"}).state is State.DRAFT
    signed = cfo | {"auditor": "party:a"}
    assert shown(H1, MAP, approvals=both, signed=signed).state is State.AUDITED
    assert shown(H1, signed=signed).state is State.DRAFT


def test_statements_before_the_instrument_and_mixed_currencies_are_refused():
    with pytest.raises(RuleGap):
        shown(Period.named("2023"), MAP)
    with pytest.raises(Invalid, match="disclose.mixed-currency"):
        shown(H1, MAP, currency="USD")


def test_the_json_has_the_keys_of_the_format_and_fits_its_schema():
    made = shown(H1, MAP)
    data = to_json(made, ["out/disclosure-2024-H1.xlsx"])
    assert data["period"] == {"id": "2024-H1", "from": "2024-01-01", "through": "2024-06-30"}
    assert {
        "id": "figure:plant/balance_sheet/development.data/ending/2024-H1",
        "label": "开发支出—其中：数据资源",
        "amount": "2558700.00",
        "currency": "CNY",
    } in data["figures"]
    assert data["tables"]["A"]["rows"] == 27
    assert json.loads(json.dumps(data)) == data
    import sanhua.project

    schemas = Path(sanhua.project.__path__[0]) / "schemas"
    written = json.loads((schemas / "disclosure_output.json").read_bytes())
    assert set(written["required"]) <= {
        *data, "sanhua", "command", "project", "ok", "diagnostics"
    }  # fmt: skip


GOLDEN: dict[str, Any] = {
    key: row["value"]
    for key, row in yaml.safe_load(
        (Path(__file__).parents[1] / "rules" / "golden.yaml").read_text("utf-8")
    ).items()
}


def test_lines_and_tables_are_those_of_the_instrument_row_by_row():
    """The golden figures balance_sheet_lines, disclosure_intangible and disclosure_inventory."""
    made = shown(Period.named("2025"), MAP, BOUGHT, STOCK)
    assert [line.label.zh for line in made.lines] == GOLDEN["balance_sheet_lines.parents"]
    subs = {line.sub_label.zh.partition("—")[2] for line in made.lines}
    assert subs == {GOLDEN["balance_sheet_lines.sub"]}
    for name, key in (("A", "disclosure_intangible"), ("B", "disclosure_inventory")):
        table = made.tables[name]
        assert [row.label.zh for row in table.rows] == GOLDEN[f"{key}.rows"]
        columns = [head.zh for _, head in table.columns]
        assert columns == GOLDEN[f"{key}.columns"][1:]  # the first is the rows' own


def test_the_published_lines_of_零点有数_stand_in_the_statement_to_the_fen():
    """Golden figure cases_yuan.lingdian_fy2024."""
    case = GOLDEN["cases_yuan.lingdian_fy2024"]
    bought = asset(
        "data",
        Route.PURCHASED,
        Use.INTERNAL,
        [(date(2024, 12, 5), case["data_resource"])],
        available_on=None,
    )
    given = balances(date(2024, 12, 31), 无形资产=(case["intangible_total"], "9069314.79"))
    made = shown(Period.named("2024"), bought, balances=[given])
    assert value(made, "balance_sheet/intangible/ending") == case["intangible_total"]
    assert value(made, "balance_sheet/intangible.data/ending") == case["data_resource"]


AMOUNTS = st.integers(0, 10**9).map(lambda fen: format(Decimal(fen).scaleb(-2), "f"))
DAYS = st.integers(0, 1200).map(lambda n: date(2024, 1, 1) + timedelta(days=n))


@settings(max_examples=15)
@given(
    st.lists(st.tuples(DAYS, AMOUNTS), max_size=3),
    st.lists(st.tuples(DAYS, AMOUNTS), max_size=3),
    st.sampled_from(["2024-H1", "2024", "2025-Q1", "2025-06", "2025", "2026", "2028-H1"]),
)
def test_every_figure_is_the_sum_of_its_parts_and_every_tie_holds(
    made_here: list[tuple[date, str]], bought: list[tuple[date, str]], name: str
):
    late = asset(
        "bought",
        Route.PURCHASED,
        Use.INTERNAL,
        bought,
        impairments=({"date": "2025-12-31", "recoverable": "10.00"},),
        disposals=({"date": "2026-06-30", "share": "30%", "reason": "lapse"},),
    )
    own = asset(
        "own", Route.SELF_DEVELOPED, Use.INTERNAL, [line for line in made_here if line[0] <= READY]
    )
    made = shown(Period.named(name), own, late, STOCK)
    for figure in made.figures.values():
        amounts = [p.amount for p in figure.parts] + [p.amount for p in figure.postings]
        assert sum(amounts, Decimal()) == figure.value
        assert all(part.node in made.figures for part in figure.parts)
        body(figure)
    body(note_of(made))
    assert all(tie.ok for tie in made.ties), [tie for tie in made.ties if not tie.ok]
    again = shown(Period.named(name), own, late, STOCK, on=date(2030, 1, 1))
    assert again.figures == made.figures  # a later measurement shows the same period alike


# Known on an earlier day


def test_what_was_decided_later_was_not_known():
    """A life judged in April is none in March; an impairment counts from its judgement."""
    from sanhua.capital.known import known_card, known_vouchers

    card, _ = asset(
        "late",
        Route.PURCHASED,
        Use.INTERNAL,
        [(READY, "100.00")],
        life=Life(36, ("technology",), Judged("cfo", date(2025, 4, 2))),
        impairments=(
            {"date": "2025-06-30", "recoverable": "50.00", "judged.date": "2025-07-15"},
            {"date": "2025-12-31", "recoverable": "40.00"},
        ),
    )
    march, april = known_card(card, date(2025, 4, 1)), known_card(card, date(2025, 4, 2))
    assert (march.measurement.available_on, march.measurement.life) == (None, None)
    assert april.measurement.available_on == READY
    for day, count in ((14, 0), (15, 1)):
        assert len(known_card(card, date(2025, 7, day)).measurement.impairments) == count
    assert len(known_card(card, date(2025, 12, 31)).measurement.impairments) == 2

    def voucher(id: str, day: date) -> Voucher:
        return Voucher(id, "party:plant", id, day, (), "v.csv", "sha256:c")

    booked = [voucher("a", date(2025, 1, 5)), voucher("b", date(2025, 1, 6))]
    came = {"a": date(2025, 3, 1)}
    assert [v.id for v in known_vouchers(booked, date(2025, 2, 28), came)] == ["b"]
    assert [v.id for v in known_vouchers(booked, date(2025, 3, 1), came)] == ["a", "b"]
    assert [v.id for v in known_vouchers(booked, date(2025, 1, 5), {})] == ["a"]


def test_rules_of_another_day_are_cited_where_they_say_otherwise():
    """A later layout names rows otherwise: as at that day it is drawn so, and both are cited."""

    class Later:
        def ask(self, instrument: str, name: str, *, on: date) -> Rule:
            found = RULES.ask(instrument, name, on=on)
            if name != "table_b_rows" or on < date(2025, 1, 1):
                return found
            rows = tuple({**row, "zh": f"{row['zh']}（新）"} for row in found.value)
            return replace(found, value=rows, number="财会〔2025〕99号", starts_on=date(2025, 1, 1))

        def working_days_after(self, start: date, days: int) -> date:
            raise LookupError(days)

    card, found = MAP
    carryings = [carry(card, found, POLICY, RULES, H1.through)]
    made = draw_up(
        "plant",
        [entry_of(card, found)],
        carryings,
        POLICY,
        Later(),
        H1,
        as_at=date(2025, 2, 1),
    )
    assert made.tables["B"].rows[0].label.zh.endswith("（新）")
    (told,) = (d for d in made.diagnostics if d.code == "disclose.rules-differ")
    assert "财会〔2025〕99号" in told.message() and "财会〔2023〕11号" in told.message()


def test_the_comparative_year_is_shown_as_far_as_the_instrument_was_in_force():
    """财会〔2023〕11号 附则: what is before 2024 is not compared with."""
    assert shown(Period.named("2024"), MAP).comparatives == {}
    made = shown(Period.named("2026"), MAP, BOUGHT)
    assert made.comparative == Period.named("2025")
    assert made.comparatives["A"].amount("carrying.closing").text == "1850550.00"
    assert made.tables["A"].amount("carrying.opening").text == "1850550.00"
    assert shown(Period.named("2025-Q2"), MAP).comparative == Period.named("2024-Q2")
    assert [tie.ok for tie in made.ties if tie.code == "tie.opens-as-closed"] == [True, True]


CORRECTIONS = st.lists(
    st.tuples(
        st.integers(0, 700).map(lambda n: date(2026, 1, 2) + timedelta(days=n)),
        st.sampled_from(["audit", "event", "error"]),
        st.integers(-500, 5000).map(lambda fen: Money(Decimal(fen).scaleb(-2))),
    ),
    max_size=3,
)


@settings(max_examples=12, deadline=None)
@given(CORRECTIONS, st.sampled_from(["2025", "2026", "2026-H1", "2027"]))
def test_closing_is_opening_and_what_came_less_what_went_in_every_layer_and_column(
    made: list[tuple[date, str, Money]], name: str
):
    """Of both years, with corrections of closed years: each 其中 adds up to its whole, the total
    column to the others, and what is restated is what was reported and its effect.
    """
    later = tuple(
        Correction(day, "2025", date(2025, 12, 31), kind, "cost", amount)
        for day, kind, amount in made
    )
    bought = asset("bought", Route.PURCHASED, Use.INTERNAL, [(READY, "3600.00")], corrections=later)
    drawn = shown(Period.named(name), bought, MAP, STOCK, on=date(2028, 1, 1))
    assert all(tie.ok for tie in drawn.ties), [tie for tie in drawn.ties if not tie.ok]
    for table in (*drawn.tables.values(), *drawn.comparatives.values()):
        for column, _ in table.columns:
            at = {cell.row: cell.amount for cell in table.cells if cell.column == column}
            for layer in {row.layer for row in table.rows if row.layer != "carrying"}:
                moved = at[f"{layer}.opening"] + at[f"{layer}.increase"] - at[f"{layer}.decrease"]
                assert at[f"{layer}.closing"] == moved
            for row in table.rows:
                parts = [at[other.id] for other in table.rows if other.part_of == row.id]
                assert not parts or (Money.sum(parts) - at[row.id]).amount <= 0
        for row in table.rows:
            if not row.heading:
                across = [table.amount(row.id, c) for c, _ in table.columns if c != "total"]
                assert Money.sum(across) == table.amount(row.id)
    errors = [
        amount
        for day, kind, amount in made
        if kind == "error" and drawn.beginning <= day and drawn.beginning > date(2025, 12, 31)
    ]
    effect = Money.sum(one.effect for one in drawn.restatements if one.line == "intangible")
    assert effect == Money.sum(errors)


def test_every_answer_of_an_asset_file_is_known_from_its_own_day():
    """All of it judged on 2025-04-02: on the day before, the tree is open and nobody answered."""
    from sanhua.capital.fulfil import Fulfilment, Outlook
    from sanhua.capital.known import known_card
    from sanhua.capital.recognise import Correction, Measurement, Memo
    from sanhua.capital.tree import Agreement, Control, Purpose, Stated

    day, before = date(2025, 4, 2), date(2025, 4, 1)
    by, early = Judged("cfo", day), date(2025, 1, 1)
    paper = (Evidence("sha256:e"),)
    stated = {"past_transaction": Stated(day, paper), "controlled": Stated(day, paper, met=False)}
    one = Money(Decimal(1))
    card, _ = asset("late", Route.PURCHASED, Use.INTERNAL, [(READY, "100.00")])
    card = replace(
        card,
        memo=Memo(
            stated,
            Control(True, True, "", early, None, paper, by),
            Purpose(holding="internal", judged=by),
            Agreement("plant", one, early, paper, by),
        ),
        fulfilment=Fulfilment(
            "d", {"probable": Stated(day, paper)}, by, tests=(Outlook(early, one, one, by),)
        ),
        measurement=Measurement(
            available_on=early,
            method={"kind": "units_of_production", "total": "9", "judged.date": day.isoformat()},
            corrections=(
                Correction(early, "2024", date(2024, 12, 31), "error", "cost", one, judged=by),
            ),
        ),
    )
    assert known_card(card, day) == card
    known = known_card(card, before)
    memo, control = known.memo, known.memo.control
    assert {name: (one.date, one.met) for name, one in memo.definition.items()} == {
        "past_transaction": (None, True),
        "controlled": (None, True),
    }
    assert control and (control.benefits, control.excludes, control.judged) == (None, None, None)
    assert (memo.purpose, memo.agreement) == (None, None)
    assert (known.fulfilment.judged, known.fulfilment.tests) == (None, ())
    assert known.fulfilment.conditions["probable"].date is None
    facts = known.measurement
    assert (facts.corrections, facts.method, facts.available_on) == ((), {}, None)
