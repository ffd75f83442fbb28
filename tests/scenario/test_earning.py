"""What data earns in the entity's own book: judged, deferred, closed by month, handed out."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

from deals import DEAL, month_after, offer, sign, this_month, when_over

from sanhua.asset.bill import Closing, month_of
from sanhua.kernel.ledger import Entry
from sanhua.kernel.time import legal_day
from sanhua.workspace.checking import check
from sanhua.workspace.closing import close
from sanhua.workspace.explaining import explain, prove
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import report
from sanhua.workspace.verifying import verify_bundle

JUDGED = """
identity: agent
indicators:
  primary_responsibility: {holds: false, reason: 数据由交易所的供方提供}
  inventory_risk: {holds: false, reason: 不承担}
  price_discretion: {holds: true, reason: 在限价内定价}
obligation: service
reason: 转让前不控制该数据
evidence: [evidence/paper.md]
judged: {by: maker, date: 2026-01-05}
"""
FUND = """
title: 数据要素专项资金
purpose: asset
asset: energy_data
payer: 某市财政局
amount: 1234.56
receipts:
  - {date: 2024-04-15, amount: 1234.56, voucher: 2024-04-09}
conditions:
  - {text: 项目验收, met: 2024-04-01, evidence: [evidence/paper.md]}
evidence: [evidence/paper.md]
judged: {by: maker, date: 2024-04-16}
"""
CHART = """
  receivables: 1122
  revenue: 6001.09
  output_tax: 2221.01
  cost_of_sales: 6401
  payables: 2202
  contract_liability: 2205
"""


def shut(project: Path, month: str) -> Any:
    with Workspace(project, env=when_over(month)) as ws:
        return close(ws, month)


def put(project: Path, name: str, text: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def chart(project: Path, more: str) -> None:
    policy = project / "books" / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("  payroll: 2211\n", "  payroll: 2211" + more), "utf-8")


def test_an_agent_s_fee_paid_once_is_released_opened_and_handed_out(small_project: Path):
    """1,200.00 once, 30 % of it the exchange's; the term ends with the month after this one."""
    month, following = this_month(), month_after(this_month())
    last = month_of(date.fromisoformat(f"{following}-01")).through
    product = small_project / "products" / "energy.yaml"
    text = product.read_text(encoding="utf-8")
    text = text.replace("fee: {month: 100.00}", "once: 1200.00")
    text = text.replace("  - {party: plant", "  - {party: exchange, rate: 30%}\n  - {party: plant")
    product.write_text(text, encoding="utf-8")
    with (small_project / "parties.yaml").open("a", encoding="utf-8") as file:
        file.write("exchange: {name: 交易所, roles: [operator]}\n")
    chart(small_project, CHART)
    put(small_project, "books/revenue/energy.yaml", JUDGED)
    offer(small_project, DEAL.replace("2035-12-31", last.isoformat()))
    sign(small_project)

    first = shut(small_project, month).data
    [earned] = first["revenue"]
    assert earned["shows"] == "net" and earned["judgement"] == "revenue:energy"
    begins = max(legal_day(datetime.now(UTC)), date(2026, 1, 1))
    days, whole = (date.fromisoformat(f"{following}-01") - begins).days, (last - begins).days + 1
    part = (Decimal(1200) * days / whole).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    assert Decimal(earned["position"]) == part - 1200
    second = shut(small_project, following).data
    [rest] = second["revenue"]
    assert Decimal(earned["revenue"]) + Decimal(rest["revenue"]) == 840  # 1,200.00 less 30 %
    assert (rest["position"], second["invoices"]) == ("0.00", [])

    figure = f"plant/revenue/energy/recognised/{following}"
    entry = next(p["id"] for p in second["postings"] if p["book"] == "entity")
    with Workspace(small_project, env=when_over(following)) as ws:
        for root, wanted in (
            (figure, {"earning", "contract", "revenue_judgement", "column", "raw_file"}),
            (entry, {"earning", "contract", "revenue_judgement"}),
            (f"earning:bank_2026/{month}", {"invoice", "closing"}),
        ):
            assert wanted <= {node["kind"] for node in explain(ws, root).nodes.values()}
        bundle = small_project.parent / "figure.zip"
        prove(ws, figure, bundle)
        assert verify_bundle(bundle, None).ok
        made = report(ws, "books", period=following)
        assert made.ok
        told = made.data
    books = {one["kind"]: one for one in told["books"]}
    assert set(books) == {"entity", "settlement"}
    accounts = {row["account"]: row for row in books["entity"]["accounts"]}
    assert accounts["2205"]["ending_credit"] == "0.00" and "receivable:bank" not in accounts
    assert {row["account"] for row in books["settlement"]["accounts"]} == {
        "receivable:bank", "income:energy", "share:energy", "payable:exchange",
    }  # fmt: skip
    trial = next(f for f in books["entity"]["files"] if f.endswith("trial-balance.csv"))
    rows = list(csv.reader((small_project / trial).read_text("utf-8-sig").splitlines()))
    assert rows[-1][0] == "合计" and rows[-1][4] == rows[-1][5]
    assert json.loads((small_project / trial.replace(".csv", ".json")).read_text("utf-8"))


def test_books_alone_close_month_by_month_and_what_is_not_asked_any_more_is_taken_back(
    small_project: Path,
):
    """No deal, one asset: 1,234.56 over 100 months are 12.35 a month; withdrawn after two closes,
    24.70 go back in the third. Nothing that was closed changes. A grant of the asset's whole cost
    is released as it is amortised.
    """
    accounts = "\n  accumulated_amortisation: 1702.05\n  amortisation_expense: 6401.09\n"
    accounts += "  bank: 1002\n  deferred_income: 2401\n  other_income: 6117\n"
    chart(small_project, accounts)
    put(small_project, "books/subsidies/fund.yaml", FUND)
    with (small_project / "books/vouchers/2024.csv").open("a", encoding="utf-8") as file:
        file.write("2024-04-09,2024-04-15,专项资金,1002,1234.56,,,evidence/paper.md\n")
        file.write("2024-04-09,2024-04-15,专项资金,2401,,1234.56,,\n")
    card = small_project / "books" / "assets" / "energy_data.yaml"
    text = card.read_text(encoding="utf-8")
    life = "  life: {months: 100, reasons: [technology], judged: {by: maker, date: 2024-04-01}}\n"
    ready = "measurement:\n  available_on: 2024-04-01\n  evidence: [evidence/paper.md]\n"
    card.write_text(text + ready + life, encoding="utf-8")
    ends: dict[str, dict[str, str]] = {}
    for number in range(4):
        month = month_after("2024-04", number)
        if number == 2:
            card.write_text(text, encoding="utf-8")
        made = shut(small_project, month)
        assert ("close.taken-back" in {d.code for d in made.diagnostics}) is (number == 2)
        with Workspace(small_project) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
            for closing in uow.all(Closing):
                day = month_of(closing.starts_on).through
                held = {a: m.text for a, m in uow.balances("book:plant.entity", day).items()}
                assert ends.setdefault(closing.id, held) == held
    charged = [held.get("1702.05") for held in ends.values()]
    assert charged == ["-12.35", "-24.70", "0.00", "0.00"]
    deferred = [held.get("2401") for held in ends.values()]
    assert deferred == ["-1222.21", "-1209.86", "-1234.56", "-1234.56"]
    with Workspace(small_project) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        posted = [entry.id for entry in uow.all(Entry)]
    card.write_text(text + ready + life, encoding="utf-8")  # and again
    made = shut(small_project, "2024-08")
    with Workspace(small_project) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        held = uow.balances("book:plant.entity", date(2024, 8, 31))
        assert held["1702.05"].text == "-61.75"  # five months
        assert held["2401"].text == "-1172.81" and held["6117"].text == "-61.75"
        assert len(list(uow.all(Entry))) > len(posted)


BAD = {
    "books/revenue/energy.yaml": """
        identity: principal
        indicators:
          primary_responsibility: {holds: false, reason: x}
          inventory_risk: {holds: false, reason: x}
          price_discretio: {holds: false, reason: x}
        obligation: licence_use
        plans: {standart: service}
        reason: y
        evidence: [evidence/none.md]
        judged: {by: steward, date: 2026-01-05}
        """,
    "books/revenue/other.yaml": JUDGED,
    "books/subsidies/a.yaml": """
        purpose: asset
        method: net
        asset: energy_dat
        payer: 某市
        amount: 100.00
        receipts:
          - {date: 2024-02-28, amount: 200.00, voucher: 2024-02-01}
          - {date: 2024-02-29, amount: 1.00, voucher: 2024-02-99}
        evidence: [evidence/paper.md]
        judged: {by: maker, date: 2026-01-05}
        """,
    "books/subsidies/b.yaml": """
        purpose: cost_to_come
        payer: 某市
        amount: 100.00 USD
        from: 2024-02-28
        through: 2024-01-28
        evidence: [evidence/paper.md]
        judged: {by: maker, date: 2026-01-05}
        """,
    "books/erp.yaml": "columns: {日期: dat, 科目: account}",
}


def test_what_cannot_hold_is_told_at_its_line_before_anything_is_posted(small_project: Path):
    for name, text in BAD.items():
        put(small_project, name, dedent(text).lstrip())
    with Workspace(small_project) as ws:
        found = {(d.path.rpartition("/")[2], d.line, d.code) for d in check(ws)[1]}
    assert found >= {
        ("energy.yaml", 1, "earn.point-with-fee"),
        ("energy.yaml", 2, "earn.indicator-missing"),
        ("energy.yaml", 5, "format.not-one-of"),
        ("energy.yaml", 7, "ref.plan"),
        ("energy.yaml", 9, "ref.evidence"),
        ("energy.yaml", 10, "earn.judged-role"),
        ("other.yaml", 1, "ref.product"),
        ("a.yaml", 1, "subsidy.amounts"),
        ("a.yaml", 2, "subsidy.net-not-built"),
        ("a.yaml", 3, "ref.asset"),
        ("a.yaml", 8, "ref.voucher"),
        ("a.yaml", 7, "subsidy.other-day"),
        ("b.yaml", 1, "subsidy.amounts"),
        ("erp.yaml", 1, "erp.column-missing"),
        ("erp.yaml", 1, "format.not-one-of"),
    }
