"""Vouchers that come back from the ERP after closes, in other months, together, or in red: each
yuan stands in the entity's book once.

The asset: 120,000.00 developed, available on 2025-03-31, 12 months: 10,000.00 a month from March.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deals import when_over

from sanhua.workspace.closing import close
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import report
from sanhua.workspace.running import run

FILES = {
    "sanhua.yaml": "sanhua: 1\ntitle: 数据公司\nentities:\n  alpha: {}\n",
    "parties.yaml": (
        "alpha: {name: 甲, uscc: 91350100M000100Y43, roles: [holder, operator]}\n"
        "cfo: {name: 财务总监, person: true, of: alpha, roles: [finance]}\n"
    ),
    "evidence/paper.md": "# 依据\n",
    "evidence/budget.md": "# 预算\n",
    "books/policy.yaml": """\
chart:
  development_expensed: 5301.01
  development_capitalised: 5301.02
  intangible_data: 1701.05
  accumulated_amortisation: 1702.05
  amortisation_expense: 6602.20
  payroll: 2211
  payables: [2202]
amortisation: {method: straight_line, residual: 0%}
impairment_test: 12
inventory_issue: weighted_average
""",
    "books/assets/dash.yaml": """\
title: 看板
route: self_developed
use: internal
project: {codes: [D], research: 2025-01-01, development: 2025-02-01}
control: [evidence/paper.md]
recognition:
  technical_feasibility: {date: 2025-02-01, evidence: [evidence/paper.md]}
  intention: {date: 2025-02-01, evidence: [evidence/paper.md]}
  future_benefit: {date: 2025-02-01, evidence: [evidence/paper.md]}
  resources: {date: 2025-02-01, evidence: [evidence/budget.md]}
  reliable_measurement: {date: 2025-02-01, evidence: [evidence/paper.md]}
  judged: {by: cfo, date: 2025-02-05}
measurement:
  available_on: 2025-03-31
  evidence: [evidence/paper.md]
  life: {months: 12, reasons: [technology], judged: {by: cfo, date: 2025-03-31}}
""",
    "books/vouchers/2025-02.csv": (
        "voucher,date,summary,account,debit,credit,project,evidence\n"
        "V-01,2025-02-28,薪酬,5301.02,120000.00,,D,evidence/paper.md\n"
        "V-01,2025-02-28,薪酬,2211,,120000.00,,\n"
    ),
}


def books(root: Path) -> Path:
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def charge(root: Path, number: str, day: str, amount: str, reverses: str = "") -> None:
    """An amortisation voucher of the ERP, in a file of its own."""
    head = "voucher,date,summary,account,debit,credit,reverses\n"
    rows = (
        f"{number},{day},摊销,6602.20,{amount},,{reverses}\n"
        f"{number},{day},摊销,1702.05,,{amount},{reverses}\n"
    )
    (root / "books/vouchers" / f"{number}.csv").write_text(head + rows, encoding="utf-8")


def shut(root: Path, month: str) -> Any:
    with Workspace(root, env=when_over(month)) as ws:
        return close(ws, month)


def amortised(root: Path, month: str, on: str) -> str:
    with Workspace(root, env=when_over(month)) as ws:
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            held = uow.balances("book:alpha.entity", date.fromisoformat(on))
    return (-held["1702.05"]).text


def proposed(root: Path, month: str) -> list[tuple[str, str]]:
    """(day, amortisation) that `report vouchers` asks the ERP to book for the month."""
    with Workspace(root, env=when_over("2025-12")) as ws:
        name = next(f for f in report(ws, "vouchers", period=month).data["files"] if "csv" in f)
        with (ws.root / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    return [(row["date"], row["debit"]) for row in rows if row["account"] == "6602.20"]


def test_a_voucher_that_books_an_earlier_month_late_is_not_taken_for_its_own_month_too(
    tmp_path: Path,
):
    """March and April were closed with 10,000.00 each. A voucher of May over the same amount books
    one of them; May's own is still to be booked: 30,000.00 stand at the end of May.
    """
    root = books(tmp_path)
    shut(root, "2025-03")
    shut(root, "2025-04")
    charge(root, "V-05", "2025-05-31", "10000.00")
    made = shut(root, "2025-05")
    assert [p["amount"] for p in made.data["postings"]] == ["10000.00"]
    assert amortised(root, "2025-05", "2025-05-31") == "30000.00"
    asked = [one for month in (3, 4, 5) for one in proposed(root, f"2025-0{month}")]
    assert [amount for _, amount in asked] == ["10000.00", "10000.00"]


def test_one_voucher_for_several_closed_months_leaves_its_own_month_to_be_booked(tmp_path: Path):
    """March and April together, 20,000.00, booked in May; May's 10,000.00 is posted all the same,
    and what was booked is not asked for again.
    """
    root = books(tmp_path)
    shut(root, "2025-03")
    shut(root, "2025-04")
    charge(root, "V-05", "2025-05-06", "20000.00")
    made = shut(root, "2025-05")
    assert "voucher.booked-otherwise" not in {d.code for d in made.diagnostics}
    assert amortised(root, "2025-05", "2025-05-31") == "30000.00"
    assert proposed(root, "2025-03") == proposed(root, "2025-04") == []
    assert proposed(root, "2025-05") == [("2025-05-31", "10000.00")]


def test_a_booking_taken_back_in_red_leaves_the_entry_to_be_booked_again(tmp_path: Path):
    """March booked, taken back in red in May, booked anew: what the close posted stands once."""
    root = books(tmp_path)
    shut(root, "2025-03")
    charge(root, "V-03", "2025-03-31", "10000.00")
    shut(root, "2025-04")
    assert proposed(root, "2025-03") == []
    charge(root, "V-05", "2025-05-10", "-10000.00", reverses="V-03")
    shut(root, "2025-05")
    assert amortised(root, "2025-05", "2025-05-31") == "30000.00"
    assert proposed(root, "2025-03") == [("2025-03-31", "10000.00")]
    charge(root, "V-06", "2025-06-10", "10000.00")
    shut(root, "2025-06")
    assert amortised(root, "2025-06", "2025-06-30") == "40000.00"
    assert proposed(root, "2025-03") == []


def test_once_the_erp_amortises_its_voucher_is_its_own_month_s(tmp_path: Path):
    """March and April closed here and never entered there; from May the ERP charges 10,000.00
    itself: 30,000.00 stand, and nothing is missing.
    """
    root = books(tmp_path)
    shut(root, "2025-03")
    shut(root, "2025-04")
    with (root / "books/policy.yaml").open("a", encoding="utf-8") as file:
        file.write("amortises: erp\namortises_from: 2025-05-01\n")
    charge(root, "V-05", "2025-05-31", "10000.00")
    made = shut(root, "2025-05")
    assert made.data["postings"] == []
    assert "amortisation.erp-missing" not in {d.code for d in made.diagnostics}
    assert amortised(root, "2025-05", "2025-05-31") == "30000.00"


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("another day", "2025-02-28", "2025-02-27"),
        ("another number", "V-01", "V-91"),
    ],
)
def test_a_voucher_that_stands_in_the_book_cannot_be_moved_or_renumbered(
    tmp_path: Path, what: str, old: str, new: str
):
    """It would be posted a second time beside the first."""
    root = books(tmp_path)
    path = root / "books/vouchers/2025-02.csv"
    with Workspace(root, env=when_over("2025-02")) as ws:
        assert run(ws).error is None
    text = path.read_text("utf-8")
    path.write_text(text.replace(old, new), "utf-8")
    with Workspace(root, env=when_over("2025-02")) as ws:
        refused = run(ws).error
        assert refused is not None and refused.code == "voucher.gone"
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            held = uow.balances("book:alpha.entity", date(2025, 12, 31))
    assert held["5301.02"].text == "120000.00", what
    path.write_text(text, "utf-8")
    with Workspace(root, env=when_over("2025-02")) as ws:
        assert run(ws).error is None


def test_an_earlier_year_with_the_same_number_is_not_posted_over_the_later_one(tmp_path: Path):
    """`voucher:V-01` would be the earlier one's name, and the later one posted again under its
    new name V-01@2025.
    """
    root = books(tmp_path)
    with Workspace(root, env=when_over("2025-02")) as ws:
        assert run(ws).error is None
    rows = "V-01,2024-12-31,薪酬,2211,7.00,\nV-01,2024-12-31,薪酬,2202,,7.00\n"
    head = "voucher,date,summary,account,debit,credit\n"
    (root / "books/vouchers/2024.csv").write_text(head + rows, encoding="utf-8")
    with Workspace(root, env=when_over("2025-02")) as ws:
        refused = run(ws).error
        assert refused is not None and refused.code == "voucher.gone"
