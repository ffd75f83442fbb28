"""Recognition: each branch of the decision tree, on vouchers made for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sanhua.capital.recognise import (
    CONDITIONS,
    AssetCard,
    Condition,
    Judged,
    Measurement,
    Outcome,
    Progress,
    Recognition,
    Route,
    Use,
    entry_of,
    judge,
    overlaps,
    percent,
)
from sanhua.capital.voucher import AccountingPolicy, Voucher, VoucherLine, role_of
from sanhua.kernel.errors import RuleGap, Severity
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.record import body, edges_of, restore
from sanhua.kernel.text import Text
from sanhua.rules.packs import Packs

RULES = Packs.load()
PAPER = Evidence("sha256:" + "a" * 64, "evidence/paper.md")
POLICY = AccountingPolicy(
    Origin("books/policy.yaml"),
    {
        "development_expensed": ("5301.01",),
        "development_capitalised": ("5301.02",),
        "research_expense": ("6602.14",),
        "data_service_expense": ("6602.15",),
        "intangible_data": ("1701.05",),
        "inventory_data": ("1405.09",),
        "payroll": ("2211",),
        "payables": ("2202", "2241"),
    },
)
ON = date(2024, 12, 31)


def card(**changed: Any) -> AssetCard:
    made = AssetCard(
        "map",
        Text("云图"),
        "plant",
        Route.SELF_DEVELOPED,
        Use.SERVE_CUSTOMERS,
        Origin("books/assets/map.yaml", 1, "sha256:" + "b" * 64),
        codes=("P1",),
        research=date(2022, 3, 1),
        development=date(2024, 2, 1),
        conditions={name: Condition(date(2024, 3, 1), (PAPER,)) for name in CONDITIONS},
        judged=Judged("cfo", date(2024, 7, 15)),
        control=(PAPER,),
    )
    return replace(made, **changed)


def voucher(
    number: str, day: date, *lines: tuple[str, str], project: str = "P1", **changed: Any
) -> Voucher:
    """Lines are (account, amount); the balancing one on 2211 is added."""
    rest = -sum((Decimal(amount) for _, amount in lines), Decimal())
    all_lines = [*lines, *([("2211", str(rest))] if rest else [])]
    currency = changed.pop("currency", "CNY")
    phase = changed.pop("phase", "")
    evidence = changed.pop("evidence", (PAPER.sha256,))
    return Voucher(
        f"voucher:{number}",
        "party:plant",
        number,
        day,
        tuple(
            VoucherLine(
                account,
                Money(Decimal(amount), currency),
                "薪酬",
                index + 2,
                project if account != "2211" else "",
                phase,
                "",
                evidence,
            )
            for index, (account, amount) in enumerate(all_lines)
        ),
        "books/vouchers/2024.csv",
        "sha256:" + "c" * 64,
        **changed,
    )


def of(*vouchers: Voucher, on: date = ON, **changed: Any) -> Recognition:
    return judge(card(**changed), vouchers, POLICY, RULES, on)


def codes(found: Recognition) -> list[tuple[Outcome, str]]:
    return [(v.outcome, v.code.removeprefix("recognise.")) for v in found.verdicts]


def test_spending_after_the_latest_condition_is_carried_and_cites_article_nine():
    """CAS 6 art. 9: all five conditions; 财会〔2023〕11号 from 2024-01-01."""
    found = of(voucher("a", date(2024, 3, 1), ("5301.02", "100.00")))
    assert codes(found) == [(Outcome.CAPITALISED, "conditions-met")]
    assert found.starts_on == date(2024, 3, 1)
    assert "第九条" in found.verdicts[0].citation
    assert found.diagnostics == ()


def test_the_start_is_the_latest_of_the_five_days():
    conditions = {name: Condition(date(2024, 3, 1), (PAPER,)) for name in CONDITIONS}
    conditions["resources"] = Condition(date(2024, 5, 20), (PAPER,))
    early = voucher("a", date(2024, 5, 19), ("5301.02", "1.00"))
    late = voucher("b", date(2024, 5, 20), ("5301.02", "2.00"))
    found = of(early, late, conditions=conditions)
    assert codes(found) == [
        (Outcome.REFUSED, "capitalised-too-early"),
        (Outcome.CAPITALISED, "conditions-met"),
    ]
    assert found.diagnostics[0].severity is Severity.ERROR
    assert (found.diagnostics[0].path, found.diagnostics[0].line) == ("books/vouchers/2024.csv", 2)


@pytest.mark.parametrize(
    ("day", "account", "outcome", "code"),
    [
        (date(2023, 12, 31), "5301.01", Outcome.REFUSED, "already-expensed"),
        (date(2024, 1, 1), "5301.01", Outcome.EXPENSED, "research-phase"),
        (date(2024, 1, 31), "5301.02", Outcome.REFUSED, "capitalised-in-research"),
        (date(2024, 2, 1), "5301.01", Outcome.EXPENSED, "before-conditions"),
        (date(2024, 2, 29), "5301.02", Outcome.REFUSED, "capitalised-too-early"),
        (date(2024, 3, 1), "5301.01", Outcome.EXPENSED, "account-differs"),
        (date(2024, 3, 1), "6602.15", Outcome.EXPENSED, "service-fee"),
        (date(2024, 3, 1), "5301.02.01", Outcome.CAPITALISED, "conditions-met"),
        (date(2024, 3, 1), "1405.09", Outcome.REFUSED, "use-differs"),
    ],
)
def test_day_and_account_decide(day: date, account: str, outcome: Outcome, code: str):
    """附则 in force 2024-01-01; research to 2024-01-31, conditions from 2024-03-01."""
    assert codes(of(voucher("a", day, (account, "10.00")))) == [(outcome, code)]


def test_spending_after_the_asset_is_available_is_not_carried():
    ready = Measurement(available_on=date(2024, 6, 30))
    found = of(
        voucher("a", date(2024, 6, 30), ("5301.02", "1.00")),
        voucher("b", date(2024, 7, 1), ("5301.02", "2.00")),
        voucher("c", date(2024, 7, 1), ("5301.01", "4.00")),
        measurement=ready,
    )
    assert [code for _, code in codes(found)] == [
        "conditions-met",
        "capitalised-after-available",
        "after-available",
    ]


@pytest.mark.parametrize("missing", CONDITIONS)
def test_every_yuan_waits_until_each_condition_has_dated_evidence(missing: str):
    """Case 3.10 (d)."""
    whole = {name: Condition(date(2024, 3, 1), (PAPER,)) for name in CONDITIONS}
    spend = voucher("a", date(2024, 3, 1), ("5301.02", "100.00"))
    absent = of(spend, conditions={k: v for k, v in whole.items() if k != missing})
    bare = of(spend, conditions=whole | {missing: Condition(date(2024, 3, 1), ())})
    for found in (absent, bare):
        assert codes(found) == [(Outcome.WAITING, "condition-open")]
        assert found.verdicts[0].open == missing
        assert missing in found.diagnostics[0].message("zh")
        assert found.starts_on is None


def test_a_judgement_and_a_paper_are_waited_for():
    spend = voucher("a", date(2024, 3, 1), ("5301.02", "100.00"))
    assert codes(of(spend, judged=None)) == [(Outcome.WAITING, "not-judged")]
    bare = voucher("a", date(2024, 3, 1), ("5301.02", "100.00"), evidence=())
    assert codes(of(bare)) == [(Outcome.WAITING, "no-paper")]


def test_the_phase_column_decides_where_days_do_not():
    spend = voucher("a", date(2024, 4, 1), ("5301.01", "5.00"), phase="research")
    assert codes(of(spend)) == [(Outcome.EXPENSED, "research-phase")]


def test_a_reversal_takes_the_verdict_of_what_it_reverses():
    """Red entries are negative; expensed history nets to zero, and so does what is carried."""
    old = voucher("a", date(2023, 5, 1), ("5301.01", "40.00"))
    red = voucher("b", date(2024, 4, 1), ("5301.01", "-40.00"), reverses="voucher:a")
    new = voucher("c", date(2024, 4, 1), ("5301.02", "7.00"))
    back = voucher("d", date(2024, 5, 1), ("5301.02", "-7.00"), reverses="voucher:c")
    found = of(old, red, new, back)
    assert not found.total(Outcome.REFUSED)
    assert not found.total(Outcome.CAPITALISED)
    assert [d.code for d in found.diagnostics] == [
        "recognise.already-expensed",
        "recognise.expensed-reversed",
    ]


def test_a_wrongly_capitalised_line_that_was_taken_back_is_a_warning_only():
    early = voucher("a", date(2024, 2, 10), ("5301.02", "7.00"))
    red = voucher("b", date(2024, 3, 10), ("5301.02", "-7.00"), reverses="voucher:a")
    assert [d.severity for d in of(early, red).diagnostics] == [Severity.WARNING]
    assert [d.severity for d in of(early).diagnostics] == [Severity.ERROR]


def test_moving_expense_to_the_balance_sheet_is_refused():
    """财会〔2025〕33号 from its day, 财会〔2023〕11号 附则 before."""
    move = voucher("a", date(2024, 4, 1), ("5301.01", "-40.00"), ("5301.02", "40.00"))
    found = of(move)
    assert {code for _, code in codes(found)} == {"recapitalised"}
    assert "附则" in found.verdicts[0].citation
    later = of(move, on=date(2026, 1, 31))
    assert "33号" in later.verdicts[0].citation


def test_moving_cost_between_accounts_is_no_spending():
    monthly = voucher("a", date(2024, 4, 30), ("6602.14", "40.00"), ("5301.01", "-40.00"))
    done = voucher("b", date(2024, 6, 30), ("1701.05", "90.00"), ("5301.02", "-90.00"))
    found = of(monthly, done)
    assert found.verdicts == ()
    assert found.transfers == ("voucher:a", "voucher:b")


def test_an_abandoned_project_reduces_what_is_carried():
    spend = voucher("a", date(2024, 4, 1), ("5301.02", "90.00"))
    write_off = voucher("b", date(2024, 6, 30), ("6602.14", "90.00"), ("5301.02", "-90.00"))
    found = of(spend, write_off)
    assert not found.total(Outcome.CAPITALISED)
    assert found.total(Outcome.EXPENSED).text == "90.00"
    assert {code for _, code in codes(found)[1:]} == {"written-off"}
    assert found.total().text == "90.00"


def test_another_regime_and_another_currency_are_refused():
    spend = voucher("a", date(2024, 4, 1), ("5301.02", "90.00"))
    found = judge(card(), [spend], POLICY, RULES, ON, regime="small")
    assert codes(found) == [(Outcome.REFUSED, "other-regime")]
    assert len(found.diagnostics) == 1
    dollars = voucher("a", date(2024, 4, 1), ("5301.02", "90.00"), currency="USD")
    found = of(dollars)
    assert codes(found) == [(Outcome.REFUSED, "other-currency")]
    assert not found.total()


def test_before_the_instrument_nothing_is_guessed():
    with pytest.raises(RuleGap):
        of(on=date(2023, 12, 31))


def test_purchased_data_is_carried_once_control_is_shown():
    bought = voucher("a", date(2024, 4, 1), ("1701.05", "90.00"), ("6602.15", "10.00"), project="")
    kind: dict[str, Any] = {"route": Route.PURCHASED, "codes": (), "vouchers": ("a",)}
    assert codes(of(bought, **kind, control=(PAPER,))) == [
        (Outcome.CAPITALISED, "purchased"),
        (Outcome.EXPENSED, "service-fee"),
    ]
    assert codes(of(bought, **kind, control=()))[0] == (Outcome.WAITING, "control-open")
    missing = of(**kind, control=(PAPER,))
    assert [d.code for d in missing.diagnostics] == ["recognise.no-such-voucher"]


def test_two_assets_may_not_claim_one_project():
    found = overlaps([card(), card(id="other")])
    assert [d.code for d in found] == ["recognise.claimed-twice"]
    assert overlaps([card(), card(id="other", entity="sister")]) == []


def test_lines_after_the_day_are_not_seen():
    assert of(voucher("a", date(2025, 1, 1), ("5301.02", "90.00"))).verdicts == ()


def test_the_memo_is_sealed_with_its_verdicts_and_leads_to_vouchers_rules_papers_and_people():
    old = voucher("a", date(2023, 5, 1), ("5301.01", "40.00"))
    new = voucher("b", date(2024, 5, 1), ("5301.02", "7.00"))
    entry = entry_of(card(), of(old, new))
    edges = {(edge.src, edge.verb, edge.dst) for edge in edges_of(entry)}
    no_way_back = "rule:mof_2023_11/expensed_spend_may_be_restated@2024-01-01"
    assert ("voucher:a", "decided_by", no_way_back) in edges
    assert ("asset:map", "considered", "voucher:a") in edges
    assert ("asset:map", "recognised", "voucher:b") in edges
    assert ("asset:map", "evidenced_by", PAPER.sha256) in edges
    assert ("asset:map", "judged_by", "party:cfo") in edges
    assert ("asset:map", "defined_by", "sha256:" + "b" * 64) in edges
    import json

    assert restore(type(entry), json.loads(body(entry))["fields"]) == entry


def test_progress_and_spending_are_two_figures():
    """A tolerance of one percentage point, on all spending until the reported day."""
    spend = voucher("a", date(2024, 4, 1), ("5301.02", "76.00"))
    budget = Money(Decimal("100.00"))
    for done, told in (("0.66", True), ("0.75", False), ("0.77", False), ("0.78", True)):
        found = of(spend, budget=budget, progress=(Progress(ON, Decimal(done), "cfo", 13),))
        assert [d.code == "progress.differs" for d in found.diagnostics] == [True] * told
    assert percent(Decimal("0.755994")) == "75.6%"
    assert percent(Decimal("0.66")) == "66%"


def test_a_code_of_the_chart_covers_its_sub_accounts_only():
    assert role_of(POLICY, "5301.02") == "development_capitalised"
    assert role_of(POLICY, "5301.02.07") == "development_capitalised"
    assert role_of(POLICY, "220201") == "payables"
    assert role_of(POLICY, "5301.02-1") == ""
    assert role_of(POLICY, "5301") == ""


def test_a_transfer_takes_no_cost_away_when_the_project_stands_on_one_side_only():
    """An ERP that writes the project on the credit of 5301.02 alone: still a transfer, no cost."""
    moved = voucher("b", date(2024, 6, 20), ("1701.05", "100.00"), ("5301.02", "-100.00"))
    lines = tuple(
        replace(line, project="P1" if line.amount.amount < 0 else "") for line in moved.lines
    )
    found = of(voucher("a", date(2024, 3, 1), ("5301.02", "100.00")), replace(moved, lines=lines))
    assert codes(found) == [(Outcome.CAPITALISED, "conditions-met")]
    assert found.transfers == ("voucher:b",)
