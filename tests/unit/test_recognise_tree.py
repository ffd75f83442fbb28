"""The decision tree of 财会〔2023〕11号: every branch with its clause, every code by a test."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_recognise import ON, PAPER, POLICY, RULES, card, voucher

from sanhua.capital.fulfil import Fulfilment
from sanhua.capital.recognise import (
    CONDITIONS,
    AssetCard,
    Condition,
    Judged,
    Life,
    Measurement,
    Outcome,
    Recognition,
    Route,
    Use,
    entry_of,
    judge,
    must_be_addressed,
)
from sanhua.capital.tree import TREE, Agreement, Control, Memo, Purpose, Standing, Stated, walk
from sanhua.capital.voucher import Voucher
from sanhua.kernel.errors import Invalid, Severity
from sanhua.kernel.messages import catalogue
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence

CHART = replace(POLICY, chart={**POLICY.chart, "contract_cost": ("1470",)})
SPEND = voucher("a", date(2024, 4, 1), ("5301.02", "100.00"))
EXPENSE = voucher("a", date(2024, 4, 1), ("5301.01", "100.00"))
BUY = voucher("a", date(2024, 4, 1), ("1701.05", "90.00"), project="")
COST = voucher("a", date(2024, 4, 1), ("1470", "60.00"))
YES = Stated(date(2024, 1, 5), (PAPER,))
WHOLE = dict.fromkeys(
    ("past_transaction", "controlled", "expected_benefit", "benefit_probable", "cost_measurable"),
    YES,
)
BY = Judged("cfo", date(2024, 7, 15))
AGREED = Control(True, True, "", date(2024, 1, 1), date(2027, 1, 1), (PAPER,), BY)
BOUGHT: dict[str, Any] = {"route": Route.PURCHASED, "codes": (), "vouchers": ("a",)}
FULFIL = Fulfilment(
    "bank",
    dict.fromkeys(("related", "enhances", "recovered"), Stated(date(2024, 3, 1), (PAPER,))),
    BY,
    False,
    date(2024, 3, 1),
    date(2025, 3, 1),
)
CONTRACT: dict[str, Any] = {"memo": Memo(contract_cost=True), "fulfilment": FULFIL}


def of(*vouchers: Voucher, regime: str = "CAS", on: date = ON, **changed: Any) -> Recognition:
    return judge(card(**changed), vouchers, CHART, RULES, on, regime=regime)


def lines(found: Recognition) -> list[tuple[Outcome, str]]:
    return [(v.outcome, v.code.removeprefix("recognise.")) for v in found.verdicts]


def defined(**changed: Stated) -> Memo:
    return Memo(definition=WHOLE | changed)


@pytest.mark.parametrize(
    ("name", "code", "clause"),
    [
        ("past_transaction", "not-an-asset", "第二十条"),
        ("controlled", "not-controlled", "第二十条"),
        ("expected_benefit", "not-an-asset", "第二十条"),
        ("benefit_probable", "not-recognisable", "第二十一条"),
        ("cost_measurable", "not-recognisable", "第二十一条"),
    ],
)
def test_a_no_to_the_definition_is_refused_with_its_clause_and_what_is_missing_waits(
    name: str, code: str, clause: str
):
    """基本准则 第二十条, 第二十一条."""
    no = defined(**{name: Stated(date(2024, 1, 5), (PAPER,), met=False)})
    found = of(SPEND, memo=no)
    assert lines(found) == [(Outcome.REFUSED, code)]
    assert clause in found.verdicts[0].citation
    assert found.diagnostics[0].severity is Severity.ERROR
    assert lines(of(EXPENSE, memo=no)) == [(Outcome.EXPENSED, code)]
    bare = defined(**{name: Stated(date(2024, 1, 5), ())})
    waits = "control-open" if name == "controlled" else "definition-open"
    assert lines(of(SPEND, memo=bare)) == [(Outcome.WAITING, waits)]
    assert lines(of(SPEND, memo=defined())) == [(Outcome.CAPITALISED, "conditions-met")]
    some = Memo(definition={k: v for k, v in WHOLE.items() if k != name})
    wanted = "conditions-met" if name == "controlled" else "definition-open"  # by other papers
    assert [code for _, code in lines(of(SPEND, memo=some))] == [wanted]


def test_an_answer_that_nobody_judged_is_open():
    found = of(BUY, **BOUGHT, memo=defined(), judged=None)
    assert lines(found) == [(Outcome.WAITING, "definition-open")]


@pytest.mark.parametrize(
    ("changed", "outcome", "code"),
    [
        ({}, Outcome.CAPITALISED, "purchased"),
        ({"benefits": False}, Outcome.REFUSED, "not-controlled"),
        ({"excludes": False}, Outcome.REFUSED, "not-controlled"),
        ({"excludes": None}, Outcome.WAITING, "control-open"),
        ({"evidence": ()}, Outcome.WAITING, "control-open"),
        ({"judged": None}, Outcome.WAITING, "control-open"),
        ({"starts_on": None}, Outcome.WAITING, "control-open"),
        ({"starts_on": date(2024, 4, 2)}, Outcome.REFUSED, "outside-term"),
        ({"ends_on": date(2024, 4, 1)}, Outcome.REFUSED, "outside-term"),
        ({"ends_on": date(2024, 4, 2)}, Outcome.CAPITALISED, "purchased"),
    ],
)
def test_authorised_public_data_is_carried_only_where_the_grant_gives_control(
    changed: dict[str, Any], outcome: Outcome, code: str
):
    """The right to the benefit, the power to exclude, a term that runs on the day."""
    found = of(BUY, **BOUGHT, control=(), memo=Memo(control=replace(AGREED, **changed)))
    assert lines(found) == [(outcome, code)]


@pytest.mark.parametrize(
    ("life", "over"),
    [(Life(33, (), BY), False), (Life(34, (), BY), True), (Life(0, (), BY, True), True)],
)
def test_a_life_ends_with_the_agreement(life: Life, over: bool):
    """April 2024 to December 2026 are 33 months; the agreement ends with 2026."""
    measured = Measurement(available_on=date(2024, 4, 30), life=life)
    found = of(BUY, **BOUGHT, memo=Memo(control=AGREED), measurement=measured)
    assert ("recognise.life-beyond-term" in {d.code for d in found.diagnostics}) is over


@pytest.mark.parametrize(
    ("asset", "spent", "component", "code"),
    [
        (BOUGHT, "1701.05", "price", "purchased"),
        (BOUGHT, "1701.05", "taxes", "purchased"),
        (BOUGHT, "1701.05", "quality_assessment", "purchased"),
        (BOUGHT, "1701.05", "insurance", "component-unknown"),
        (BOUGHT, "1701.05", "training", "component-capitalised"),
        (BOUGHT, "1701.05", "recoverable_vat", "component-capitalised"),
        (BOUGHT, "1701.05", "service", "component-capitalised"),
        (BOUGHT, "6602.15", "service", "component-excluded"),
        (BOUGHT, "6602.15", "processing", "account-differs"),
        (BOUGHT | {"use": Use.SALE}, "1405.09", "insurance", "stock"),
        (BOUGHT | {"use": Use.SALE}, "1405.09", "abnormal_waste", "component-capitalised"),
        ({}, "5301.02", "labour", "conditions-met"),
        ({}, "5301.02", "data_exhaust", "component-capitalised"),
        ({}, "5301.01", "general_admin", "component-excluded"),
        (CONTRACT, "1470", "satisfied", "component-capitalised"),
        (CONTRACT, "1470", "labour", "fulfilment-met"),
    ],
)
def test_the_part_of_the_cost_decides_whether_it_counts(
    asset: dict[str, Any], spent: str, component: str, code: str
):
    """Routine business systems, training, overhead, waste and VAT that comes back never count."""
    line = voucher("a", date(2024, 4, 1), (spent, "10.00"))
    marked = replace(line, lines=tuple(replace(one, component=component) for one in line.lines))
    assert [found for _, found in lines(of(marked, **asset))] == [code]
    memo = replace(asset.get("memo", Memo()), components={"a": component})
    assert [found for _, found in lines(of(line, **asset | {"memo": memo}))] == [code]


def test_what_was_got_in_another_way_stands_on_its_agreement_and_not_on_an_appraisal():
    """CAS 6 第十四条: debt restructuring is measured by CAS 12."""
    kind = BOUGHT | {"route": Route.OTHER}
    assert lines(of(BUY, **kind)) == [(Outcome.WAITING, "agreement-open")]
    money = Money(Decimal("90.00"))
    agreed = Agreement("debt_restructuring", money, date(2024, 3, 1), (PAPER,), BY)
    found = of(BUY, **kind, memo=Memo(agreement=agreed))
    assert lines(found) == [(Outcome.CAPITALISED, "acquired")] and found.diagnostics == ()
    less = replace(agreed, amount=Money(Decimal("80.00")))
    told = of(BUY, **kind, memo=Memo(agreement=less)).diagnostics
    assert [d.code for d in told] == ["recognise.agreement-differs"]
    assert "CAS 12" in told[0].message("zh")


def test_a_purchase_without_a_paper_waits():
    bare = voucher("a", date(2024, 4, 1), ("1701.05", "90.00"), project="", evidence=())
    assert lines(of(bare, **BOUGHT)) == [(Outcome.WAITING, "no-paper")]


@pytest.mark.parametrize(
    ("day", "account", "changed", "outcome", "code"),
    [
        (date(2024, 4, 1), "1470", {}, Outcome.CAPITALISED, "fulfilment-met"),
        (date(2024, 2, 29), "1470", {}, Outcome.REFUSED, "before-fulfilment"),
        (date(2024, 2, 29), "5301.01", {}, Outcome.EXPENSED, "before-fulfilment"),
        (date(2024, 4, 1), "5301.01", {}, Outcome.EXPENSED, "account-differs"),
        (date(2024, 4, 1), "5301.02", {}, Outcome.REFUSED, "use-differs"),
        (date(2024, 4, 1), "1470", {"ends_on": date(2024, 4, 1)}, Outcome.REFUSED,
         "after-fulfilment"),
        (date(2024, 4, 1), "1470", {"judged": None}, Outcome.WAITING, "fulfilment-open"),
        (date(2024, 4, 1), "1470", {"judged": Judged("cfo", date(2024, 2, 1))}, Outcome.WAITING,
         "fulfilment-open"),
        (date(2024, 4, 1), "1470", {"ends_on": None}, Outcome.WAITING, "fulfilment-open"),
        (date(2024, 4, 1), "1470", {"by_revenue": True}, Outcome.WAITING, "fulfilment-open"),
        (date(2024, 4, 1), "1470", {"conditions": {"related": replace(YES, met=False)}},
         Outcome.REFUSED, "fulfilment-failed"),
        (date(2024, 4, 1), "1470", {"conditions": {"related": YES}}, Outcome.WAITING,
         "fulfilment-open"),
    ],
)  # fmt: skip
def test_contract_cost_asks_three_conditions(
    day: date, account: str, changed: dict[str, Any], outcome: Outcome, code: str
):
    """CAS 14 第二十六条; spending on obligations already satisfied is expensed (第二十七条)."""
    made = CONTRACT | {"fulfilment": replace(FULFIL, **changed)}
    assert lines(of(voucher("a", day, (account, "60.00")), **made)) == [(outcome, code)]


def test_contract_cost_is_no_intangible_and_no_stock():
    assert lines(of(COST)) == [(Outcome.REFUSED, "use-differs")]
    assert not card(**CONTRACT).measured
    assert entry_of(card(**CONTRACT), of(COST, **CONTRACT)).standing == "contract_cost"


def test_days_and_papers_of_the_conditions_are_looked_at():
    def told(**changed: Any) -> list[str]:
        found = of(SPEND, **changed)
        return [d.code.removeprefix("recognise.") for d in found.diagnostics]

    at = {name: Condition(date(2024, 3, 1), (PAPER,), 7) for name in CONDITIONS}
    assert told() == []
    assert told(control=()) == ["control-not-stated"]
    ahead = at | {"resources": Condition(date(2025, 3, 1), (PAPER,))}
    assert told(conditions=ahead)[0] == "condition-ahead"
    assert lines(of(SPEND, conditions=ahead)) == [(Outcome.WAITING, "condition-open")]
    early = at | {"intention": Condition(date(2022, 2, 28), (PAPER,))}
    assert told(conditions=early) == ["condition-early"]
    soon = Judged("cfo", date(2024, 2, 1))
    assert told(judged=soon) == ["judged-too-early", "not-judged"]
    assert lines(of(SPEND, judged=soon)) == [(Outcome.WAITING, "not-judged")]
    assert told(development=date(2024, 3, 2)) == ["phase-differs"]


def test_purpose_and_use_agree_and_a_licence_is_no_sale():
    """持有目的, 业务模式."""
    sale = BOUGHT | {"use": Use.SALE}
    stock = voucher("a", date(2024, 4, 1), ("1405.09", "90.00"), project="")
    lent = of(stock, **sale, memo=Memo(purpose=Purpose("sale", "", "licence")))
    assert [d.code for d in lent.diagnostics] == ["recognise.licence-is-no-sale"]
    sold = of(stock, **sale, memo=Memo(purpose=Purpose("sale", "", "transfer")))
    assert sold.diagnostics == ()
    other = of(SPEND, memo=Memo(purpose=Purpose("sale")))
    assert [(d.code, d.severity) for d in other.diagnostics] == [
        ("recognise.purpose-differs", Severity.ERROR)
    ]


@pytest.mark.parametrize("regime", ["SME", "GAS", "NPO", "IFRS", "US_GAAP"])
def test_another_regime_is_refused_and_told_where_to_look(regime: str):
    with pytest.raises(Invalid) as refused:
        must_be_addressed(RULES, regime, ON)
    assert refused.value.code == "recognise.other-regime"
    hint = refused.value.diagnostic.hint("zh")
    assert {"SME": "小企业会计准则", "IFRS": "IAS 38"}.get(regime, "") in hint
    assert lines(of(SPEND, regime=regime)) == [(Outcome.REFUSED, "other-regime")]


def test_the_way_through_the_tree_says_what_each_answer_rests_on():
    kind: dict[str, Any] = {"regime": "CAS", "route": Route.SELF_DEVELOPED, "owned": True}
    way = walk(Memo(), RULES, ON, use=Use.INTERNAL, met=CONDITIONS, **kind)
    assert way.standing is Standing.INTANGIBLE and not way.stop
    assert [(step.question, step.basis) for step in way.steps][2:6] == [
        ("controlled", "papers"),
        ("expected_benefit", "future_benefit"),
        ("benefit_probable", "future_benefit"),
        ("cost_measurable", "reliable_measurement"),
    ]
    assert walk(Memo(), RULES, ON, use=Use.SALE, **kind).standing is Standing.INVENTORY
    cost = walk(Memo(contract_cost=True), RULES, ON, use=Use.SERVE_CUSTOMERS, **kind)
    assert cost.standing is Standing.CONTRACT_COST
    assert {q.no for q in TREE} | {q.open for q in TREE} <= {*catalogue(), ""}


# Every code is reached by a test


def test_every_code_of_recognition_is_given_by_some_test():
    here = Path(__file__).parents[1]
    names = ("unit/test_recognise.py", "unit/test_recognise_tree.py", "unit/test_fulfil.py",
             "scenario/test_bad_books.py", "scenario/test_asset_file.py")  # fmt: skip
    said = "\n".join((here / name).read_text("utf-8") for name in names)
    known = {code for code in catalogue() if code.startswith("recognise.")}
    bare = {c for c in known if not re.search(rf'"(recognise\.)?{c[10:]}"', said)}
    assert bare == set()


def test_the_explanation_tells_every_question_and_code():
    page = (Path(__file__).parents[2] / "docs/explain/recognition.md").read_text("utf-8")
    known = {code for code in catalogue() if code.startswith("recognise.")}
    assert {code for code in known if f"`{code}`" not in page} == set()
    for question in TREE:
        assert question.asks.zh in page and f"`{question.id}`" in page


# Properties

LINES = st.lists(
    st.tuples(
        st.dates(date(2023, 11, 1), date(2024, 9, 30)),
        st.sampled_from(["5301.01", "5301.02", "6602.15", "1405.09"]),
        st.integers(1, 10**7),
    ),
    min_size=1,
    max_size=6,
)


def made_of(said: list[tuple[date, str, int]]) -> list[Voucher]:
    return [
        voucher(f"v{number}", day, (account, str(Decimal(fen) / 100)))
        for number, (day, account, fen) in enumerate(said)
    ]


def asset(days: list[date]) -> AssetCard:
    return card(
        conditions={
            name: Condition(day, (Evidence(f"sha256:{number}"),))
            for number, (name, day) in enumerate(zip(CONDITIONS, days, strict=True))
        }
    )


DAYS = st.lists(st.dates(date(2024, 1, 1), date(2024, 7, 15)), min_size=5, max_size=5)


@settings(max_examples=40, deadline=None)
@given(LINES, DAYS, st.randoms(use_true_random=False))
def test_verdicts_add_up_in_any_order_and_nothing_is_carried_before_the_last_condition(
    said: list[tuple[date, str, int]], days: list[date], random: Any
):
    vouchers = made_of(said)
    found = judge(asset(days), vouchers, CHART, RULES, ON)
    assert found.total().fen == sum(fen for _, _, fen in said)
    assert found.total() == Money.sum([found.total(outcome) for outcome in Outcome], "CNY")
    for verdict in found.verdicts:
        assert verdict.outcome is not Outcome.CAPITALISED or verdict.dated >= max(days)
    random.shuffle(vouchers)
    assert judge(asset(days), vouchers, CHART, RULES, ON) == found


@settings(max_examples=40, deadline=None)
@given(LINES, DAYS, st.integers(0, 4), st.integers(1, 400))
def test_a_condition_met_later_never_lets_more_be_carried(
    said: list[tuple[date, str, int]], days: list[date], which: int, later: int
):
    vouchers = made_of(said)
    before = judge(asset(days), vouchers, CHART, RULES, ON).total(Outcome.CAPITALISED)
    days[which] = date.fromordinal(days[which].toordinal() + later)
    after = judge(asset(days), vouchers, CHART, RULES, ON).total(Outcome.CAPITALISED)
    assert after.fen <= before.fen
