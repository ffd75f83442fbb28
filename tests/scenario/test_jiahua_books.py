"""Jiahua: 生态环境双碳云图 V2.0, from its vouchers to the balance sheet (case 3.10)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sanhua.capital.disclose import (
    Disclosure,
    State,
    disclose,
    draw_up,
    state_of,
    to_json,
)
from sanhua.capital.measure import book_of, carry, entries, post
from sanhua.capital.recognise import Outcome, Recognition, entry_of, judge, recognise
from sanhua.capital.voucher import book_vouchers
from sanhua.kernel.errors import Severity
from sanhua.kernel.record import edges_of
from sanhua.kernel.time import Period
from sanhua.project import load
from sanhua.project.model import Project
from sanhua.rules.packs import Packs
from sanhua.workspace.opening import Workspace

JIAHUA = Path(__file__).resolve().parents[2] / "examples" / "jiahua"
RULES = Packs.load()
PUBLISHED = date(2024, 6, 30)  # what was published ends here; everything later is assumed
LATER = date(2026, 11, 23)


@pytest.fixture(scope="module")
def project() -> Project:
    return load(JIAHUA, {})


def recognised(project: Project, on: date = PUBLISHED) -> Recognition:
    policy, vouchers = project.policy["jiahua"], project.vouchers.values()
    return judge(project.assets["cloud_map_v2"], vouchers, policy, RULES, on)


def disclosed(project: Project, period: str) -> Disclosure:
    card, policy = project.assets["cloud_map_v2"], project.policy["jiahua"]
    named, found = Period.named(period), recognised(project, LATER)
    carried = carry(card, found, policy, RULES, named.through)
    vouchers = project.vouchers.values()
    entry = entry_of(card, found)
    return draw_up("jiahua", [entry], [carried], policy, RULES, named, vouchers=vouchers)


def test_the_folder_compiles_without_an_error(project: Project):
    """10 parties, 1 asset; 6 vouchers of the published figures, 5 assumed after them."""
    assert [d for d in project.diagnostics if d.severity is Severity.ERROR] == []
    assert len(project.parties) == 10
    assert [v.dated <= PUBLISHED for v in project.vouchers.values()] == [True] * 6 + [False] * 5
    assert list(project.assets) == ["cloud_map_v2"]


@pytest.mark.parametrize("on", [PUBLISHED, date(2024, 9, 29)])
def test_exactly_2558700_is_carried_and_4327800_refused(project: Project, on: date):
    """Box 10: 688.65 spent in all, 255.87 of it in 2024 H1 (万元)."""
    found = recognised(project, on)
    assert found.total(Outcome.CAPITALISED).text == "2558700.00"
    assert found.total(Outcome.REFUSED).text == "4327800.00"
    assert found.total().text == "6886500.00"
    assert not found.total(Outcome.EXPENSED, Outcome.WAITING)


def test_each_refusal_names_file_line_instrument_and_clause(project: Project):
    refused = [d for d in recognised(project).diagnostics if d.code == "recognise.already-expensed"]
    assert [(d.path, d.line, d.node) for d in refused] == [
        ("books/vouchers/2022-2023.csv", 2, "voucher:2022-12-0311"),
        ("books/vouchers/2022-2023.csv", 5, "voucher:2023-06-0207"),
        ("books/vouchers/2022-2023.csv", 7, "voucher:2023-12-0315"),
    ]
    for diagnostic in refused:
        assert diagnostic.severity is Severity.WARNING
        assert diagnostic.rule is not None
        assert diagnostic.rule.number == "财会〔2023〕11号"
        assert (diagnostic.rule.clause, diagnostic.rule.tag) == ("附则", "V")
    assert refused[0].message("zh").startswith("1865200.00 ")
    assert refused[0].hint("en") == "leave it in profit or loss"


def test_spending_and_progress_are_told_apart(project: Project):
    """688.65 / 910.92 = 0.755994 against a reported 66 %."""
    told = [d for d in recognised(project).diagnostics if d.code == "progress.differs"]
    assert len(told) == 1
    assert (told[0].facts["ratio"], told[0].facts["done"]) == ("75.6%", "66%")
    assert told[0].path == "books/assets/cloud_map_v2.yaml"
    card = project.assets["cloud_map_v2"]
    assert card.budget is not None
    ratio = recognised(project).total().amount / card.budget.amount
    assert ratio.quantize(Decimal("0.000001")) == Decimal("0.755994")


def test_the_memo_opens_to_vouchers_papers_people_and_rules(project: Project):
    entry = entry_of(project.assets["cloud_map_v2"], recognised(project))
    edges = {(edge.src, edge.verb, edge.dst) for edge in edges_of(entry)}
    asset = "asset:cloud_map_v2"
    restated = "rule:mof_2023_11/expensed_spend_may_be_restated@2024-01-01"
    assert ("voucher:2022-12-0311", "decided_by", restated) in edges
    assert {dst for src, verb, dst in edges if (src, verb) == (asset, "recognised")} == {
        "voucher:2024-03-0120",
        "voucher:2024-06-0138",
        "voucher:2024-06-0140",
    }
    assert (asset, "judged_by", "party:cfo") in edges
    papers = {dst for src, verb, dst in edges if (src, verb) == (asset, "evidenced_by")}
    assert len(papers) == 7


def test_the_memo_is_the_same_on_another_day_so_its_approval_holds(project: Project):
    card = project.assets["cloud_map_v2"]
    then = entry_of(card, recognised(project, date(2024, 7, 15)))
    assert then == entry_of(card, recognised(project, date(2024, 9, 29)))  # no voucher between


def test_the_half_year_shows_the_line_and_ties(project: Project):
    shown = disclosed(project, "2024-H1")
    data = to_json(shown)
    lines = {figure["id"]: figure for figure in data["figures"]}
    line = lines["figure:jiahua/balance_sheet/development.data/ending/2024-H1"]
    assert (line["label"], line["amount"]) == ("开发支出—其中：数据资源", "2558700.00")
    assert (data["tables"]["A"]["rows"], data["tables"]["B"]["rows"]) == (27, 21)
    ties = {(tie["code"], tie["ok"]) for tie in data["ties"]}
    assert ("tie.sub-not-above-parent", True) in ties
    assert all(ok for _, ok in ties)
    assert shown.state is State.DRAFT
    figure = shown.figures[line["id"]]
    assert {p.node: str(p.amount) for p in figure.postings}["voucher:2024-06-0140"] == "351000.00"


def test_a_changed_voucher_changes_what_is_carried(tmp_path: Path):
    folder = tmp_path / "jiahua"
    shutil.copytree(JIAHUA, folder)
    file = folder / "books" / "vouchers" / "2024-H1.csv"
    file.write_text(file.read_text("utf-8").replace("351000.00", "351000.01"), "utf-8")
    assert recognised(load(folder, {})).total(Outcome.CAPITALISED).text == "2558700.01"


@pytest.mark.parametrize(
    "condition",
    [
        "technical_feasibility",
        "intention",
        "future_benefit",
        "resources",
        "reliable_measurement",
    ],
)
def test_without_a_condition_every_yuan_of_2024_waits(project: Project, condition: str):
    card = project.assets["cloud_map_v2"]
    conditions = {k: v for k, v in card.conditions.items() if k != condition}
    found = judge(
        replace(card, conditions=conditions),
        project.vouchers.values(),
        project.policy["jiahua"],
        RULES,
        PUBLISHED,
    )
    assert found.total(Outcome.WAITING).text == "2558700.00"
    assert not found.total(Outcome.CAPITALISED)


def test_kept_in_a_store_the_figure_opens_to_vouchers_in_one_step_and_nothing_is_kept_twice(
    tmp_path: Path,
):
    folder = tmp_path / "jiahua"
    shutil.copytree(JIAHUA, folder)
    figure = "figure:jiahua/balance_sheet/development.data/ending/2024-H1"
    with Workspace(folder) as ws:
        card, policy = ws.project.assets["cloud_map_v2"], ws.project.policy["jiahua"]
        vouchers = list(ws.project.vouchers.values())
        book = book_of("jiahua")
        kept: list[int] = []
        for _ in range(2):
            with ws.store.begin(actor="party:cfo") as uow:
                uow.add(book, "book.opened")
                booked = book_vouchers(uow, vouchers)
                entry, found = recognise(uow, card, vouchers, policy, uow.today())
                shown = disclose(
                    uow,
                    "jiahua",
                    [(card, entry)],
                    policy,
                    Period.named("2024-H1"),
                    vouchers=vouchers,
                    approvals={entry.id: True},
                )
                every = Period("all", date(2020, 1, 1), date(2030, 1, 1))
                carried = carry(
                    card, recognised(ws.project, LATER), policy, uow.rules, every.through
                )
                made = entries(carried, ws.project.vouchers, policy, book, every)
                posted = post(uow, made)
                kept += [booked, posted]
        assert kept == [11, 8 + 1 + 36 + 1, 0, 0]  # vouchers, transfer, months, impairment
        assert [d.code for d in found].count("recognise.already-expensed") == 3
        assert shown.state is State.DRAFT  # its memo is approved, it has not been signed itself
        signed = {"finance": "party:second_cpa"}
        assert state_of(shown.approvals, signed) is State.APPROVED
        with ws.store.begin(actor="party:cfo") as uow:
            edges = uow.edges_from(figure)
            assert {e.dst for e in edges if e.verb == "posted_from"} == {
                "voucher:2024-03-0120",
                "voucher:2024-06-0138",
                "voucher:2024-06-0140",
            }
            assert [e.dst for e in edges if e.verb == "recognised_in"] == ["asset:cloud_map_v2"]
            refused = uow.edges_from("voucher:2022-12-0311")
            assert "rule:mof_2023_11/expensed_spend_may_be_restated@2024-01-01" in [
                e.dst for e in refused if e.verb == "decided_by"
            ]
