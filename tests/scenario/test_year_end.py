"""A year closed, adjusted, audited and sealed; an error found later; statements as at earlier days.

Data bought for 60,000.00 on 2024-11-05, used over 60 months: 1,000.00 a month. Synthetic figures.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from sanhua.kernel.errors import Conflict, Denied, Invalid, RuleGap
from sanhua.kernel.ledger import Entry
from sanhua.store.clock import SetClock
from sanhua.workspace.approving import approve
from sanhua.workspace.browsing import Browser
from sanhua.workspace.closing import close
from sanhua.workspace.leafing import Leafing
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import Report, report
from sanhua.workspace.verifying import verify_store

ASSET = """
title: 外购数据
route: purchased
use: internal
vouchers: [V-1]
control: [evidence/paper.md]
recognition: {judged: {by: cfo, date: 2024-11-05}}
measurement:
  available_on: 2024-11-05
  evidence: [evidence/paper.md]
  life: {months: 60, reasons: [contract], judged: {by: cfo, date: 2024-11-05}}
"""
AUDIT = """
  corrections:
    - {date: 2025-02-01, concerns: "2024", kind: audit, layer: amortisation, amount: 500.00,
       reason: 摊销起点, evidence: [evidence/paper.md], judged: {by: cfo, date: 2025-02-01}}
"""
ERROR = """
    - {date: 2025-02-25, concerns: "2024", kind: error, layer: cost, amount: -3000.00,
       reason: 计入了培训费, evidence: [evidence/paper.md], judged: {by: cfo, date: 2025-02-25}}
"""
FILES = {
    "sanhua.yaml": "sanhua: 1\ntitle: 某公司\nentities: {plant: {}}\n",
    "parties.yaml": """
        plant: {name: 某公司, uscc: 91350100M000100Y43, roles: [holder]}
        firm: {name: 某会计师事务所, uscc: 91310000MA1FL0XX7Y, roles: [auditor]}
        cfo: {name: 财务总监, person: true, of: plant, roles: [finance]}
        second: {name: 复核, person: true, of: plant, roles: [finance]}
        inside: {name: 内审, person: true, of: plant, roles: [auditor]}
        auditor: {name: 注册会计师, person: true, of: firm, roles: [auditor]}
        """,
    "evidence/paper.md": "# 依据\n",
    "books/policy.yaml": """
        chart:
          intangible_data: 1701.05
          accumulated_amortisation: 1702.05
          amortisation_expense: 6602.20
          research_expense: 6602.14
          prior_year_adjustment: 6901
          payables: 2202
        amortisation: {method: straight_line, residual: 0%}
        impairment_test: 12
        inventory_issue: weighted_average
        """,
    "books/vouchers/2024.csv": """
        voucher,date,summary,account,debit,credit,project,evidence
        V-1,2024-11-05,购入数据,1701.05,60000.00,,,evidence/paper.md
        V-1,2024-11-05,购入数据,2202,,60000.00,,
        """,
    "books/assets/data.yaml": ASSET,
}
SHOWN = "disclosure:plant/2024"
BOOK = "book:plant.entity"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("year")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(dedent(text).lstrip(), "utf-8")
    return root


@contextmanager
def on(root: Path, day: str) -> Iterator[Workspace]:
    moment = datetime.fromisoformat(f"{day}T04:00:00").replace(tzinfo=UTC)
    with Workspace(root, env={}, clock=SetClock(moment)) as ws:
        yield ws


def line(made: Report, name: str = "intangible.data", column: str = "ending") -> str:
    assert made.error is None, made.error
    where = f"/balance_sheet/{name}/{column}/"
    return next(f["amount"] for f in made.data["figures"] if where in f["id"])


def shown(ws: Workspace, period: str = "2024", **given: Any) -> Report:
    return report(ws, "disclosure", period=period, **given)


def balance(ws: Workspace, account: str, day: date, *, adjusted: bool = False) -> int:
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return uow.balances(BOOK, day, adjusted=adjusted).get(account, None).fen  # type: ignore


def add(root: Path, text: str) -> None:
    path = root / "books/assets/data.yaml"
    path.write_text(path.read_text("utf-8") + text.lstrip("\n"), "utf-8")


def on_pages(ws: Workspace) -> set[str]:
    """The state of the statements of 2024 on their page and, while they are the latest, on the
    first page.
    """
    first = {one.state.value for one in Browser(ws).overview().shown if one.note.id == SHOWN}
    return first | {one.state.value for one in Leafing(ws).listed() if one.note.id == SHOWN}


LAST = date(2024, 12, 31)


def test_1_an_adjustment_period_opens_with_the_close_of_the_last_month(folder: Path):
    with on(folder, "2025-01-10") as ws:
        assert line(shown(ws)) == "58000.00"
        close(ws, "2024-12")
        assert close(ws, "2024-ADJ").data["entries"] == []
        with pytest.raises(Invalid, match="adjust.not-a-year"):
            close(ws, "2024-12-ADJ")
        assert balance(ws, "1702.05", LAST) == -2000_00


def test_1_a_year_is_not_sealed_over_an_adjustment_that_is_not_posted(folder: Path, tmp_path: Path):
    """The statements show 57,500.00; without the entry the ledger would stay at 58,000.00."""
    apart = tmp_path / "apart"
    shutil.copytree(folder, apart)
    add(apart, AUDIT)
    with on(apart, "2025-02-15") as ws:
        assert line(shown(ws)) == "57500.00"
        approve(ws, "asset:data", "second")
        approve(ws, SHOWN, "second")
        with pytest.raises(Conflict, match="approve.adjustments-open"):
            approve(ws, SHOWN, "auditor", sealed_on=date(2025, 2, 15))
        close(ws, "2024-ADJ")
        approve(ws, SHOWN, "auditor", sealed_on=date(2025, 2, 15))
        assert balance(ws, "1702.05", LAST, adjusted=True) == -2500_00


def test_2_an_audit_adjustment_is_of_the_year_and_of_no_month(folder: Path):
    """500.00 more: the year shows 57,500.00, December stays as it was closed."""
    add(folder, AUDIT)
    with on(folder, "2025-02-15") as ws:
        assert line(shown(ws)) == "57500.00"
        close(ws, "2025-01")
        (entry,) = close(ws, "2024-ADJ").data["entries"]
        assert entry["effective_on"] == "2024-12-31"
        assert close(ws, "2024-ADJ").data["entries"] == []
        assert balance(ws, "1702.05", LAST) == -2000_00
        assert balance(ws, "1702.05", LAST, adjusted=True) == -2500_00
        # 57,500 over 58 months: 991.38 in January
        assert balance(ws, "1702.05", date(2025, 1, 31)) == -2500_00 - 1000_00
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            kept = uow.get(Entry, entry["id"])
        assert (kept.adjusts, kept.source) == ("2024-ADJ", "asset:data")
        assert verify_store(ws).ok


def test_3_finance_approves_then_an_auditor_of_another_organisation_seals(folder: Path):
    with on(folder, "2025-02-20") as ws:
        shown(ws)
        with pytest.raises(Conflict, match="approve.assets-open"):
            approve(ws, SHOWN, "second")
        approve(ws, "asset:data", "second")
        assert on_pages(ws) == {"draft"}  # the memos alone are approved
        for person, error, code in (
            ("cfo", Denied, "approve.maker-is-checker"),
            ("inside", Denied, "approve.not-independent"),
            ("auditor", Conflict, "approve.not-approved"),
        ):
            with pytest.raises(error, match=code):
                approve(ws, SHOWN, person)
        approve(ws, SHOWN, "second")
        assert shown(ws).data["state"] == "approved"
        with pytest.raises(Invalid, match="approve.seal-day"):
            approve(ws, SHOWN, "auditor", sealed_on=date(2025, 2, 21))
        with pytest.raises(Invalid, match="approve.seals-nothing"):
            approve(ws, SHOWN, "second", sealed_on=date(2025, 2, 20))
        given = approve(ws, SHOWN, "auditor", sealed_on=date(2025, 2, 20))
        assert given["sealed_on"] == "2025-02-20"
        made = shown(ws)
        assert (made.data["state"], made.data["sealed_on"]) == ("audited", "2025-02-20")
        assert made.data["signed"] == {"finance": "party:second", "auditor": "party:auditor"}
        assert on_pages(ws) == {"audited"}


def test_4_an_error_found_after_the_seal_restates_the_opening_and_leaves_the_sealed(folder: Path):
    """3,000.00 of training were no cost: 2024 stays at 57,500.00, 2025 begins with 54,500.00."""
    add(folder, ERROR)
    with on(folder, "2025-03-05") as ws:
        sealed = shown(ws)
        assert (line(sealed), sealed.data["state"]) == ("57500.00", "audited")
        assert "disclose.sealed-differs" not in [d.code for d in sealed.diagnostics]
        asked = report(ws, "vouchers", period="2025-02").data["vouchers"]
        assert ("2025-02-25", "6901", "3000.00") in [
            (row["date"], row["account"], row["debit"]) for row in asked
        ]
        close(ws, "2025-02")
        assert balance(ws, "6901", date(2025, 2, 28)) == 3000_00
        assert balance(ws, "1701.05", LAST, adjusted=True) == 60000_00
        made = shown(ws, "2025")
        assert line(made, column="beginning") == "54500.00"
        (restated,) = made.data["restatements"]
        assert (restated["reported"], restated["effect"]) == ("57500.00", "-3000.00")
        ties = {tie["code"]: tie for tie in made.data["ties"] if tie["subject"] == "intangible"}
        assert ties["tie.opening-as-sealed"]["ok"]
        assert ties["tie.opening-as-sealed"]["right"] == "57500.00"
        before = {
            (cell["row"], cell["column"]): cell["amount"]
            for cell in made.data["comparative"]["tables"]["A"]["cells"]
        }
        assert before["cost.decrease.other", "purchased"] == "3000.00"
        assert before["carrying.closing", "total"] == "54500.00"
        assert all(tie["ok"] for tie in made.data["ties"])


def test_5_what_would_change_a_sealed_statement_is_told_and_changes_nothing(folder: Path):
    path = folder / "books/assets/data.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("months: 60", "months: 30"), "utf-8")
    with on(folder, "2025-03-06") as ws:
        made = shown(ws)
        assert (line(made), made.data["state"]) == ("57500.00", "audited")
        assert on_pages(ws) == {"audited"}
        (told,) = (d for d in made.diagnostics if d.code == "disclose.sealed-differs")
        assert "57500.00 → 55500.00" in told.message()
        cells = made.data["tables"]["A"]["cells"]
        assert "2500.00" in [c["amount"] for c in cells if c["row"] == "amortisation.closing"]
    path.write_text(text.replace("kind: audit", "kind: event"), "utf-8")
    late = text.replace("date: 2025-02-25", "date: 2025-02-26").replace(
        "kind: error", "kind: event"
    )
    path.write_text(late, "utf-8")
    with on(folder, "2025-03-07") as ws:
        codes = [d.code for d in shown(ws, "2025").diagnostics]
        assert "adjust.after-seal" in codes
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("as_at", "amount", "beginning"),
    [
        ("2024-11-30", "59000.00", "0.00"),  # a month of the two
        ("2025-01-31", "58000.00", "0.00"),  # before the audit
        ("2025-02-01", "57500.00", "0.00"),  # the day it was decided
        ("2025-02-25", "54500.00", "0.00"),  # with the error
    ],
)
def test_6_statements_as_at_an_earlier_day_show_what_was_decided_by_then(
    folder: Path, as_at: str, amount: str, beginning: str
):
    with on(folder, "2025-03-08") as ws:
        made = shown(ws, as_at=as_at)
        assert (line(made), line(made, column="beginning")) == (amount, beginning)
        assert made.data["as_at"] == as_at and made.data["state"] == "draft"
        assert all(tie["ok"] for tie in made.data["ties"])
        early = as_at < "2025-01-10"
        codes = [d.code for d in made.diagnostics]
        assert ("disclose.as-at-before-records" in codes) is early
        again = shown(ws, as_at=as_at)
        assert again.data["figures"] == made.data["figures"]
        assert line(shown(ws)) == "57500.00"


def test_7_a_day_without_a_rule_is_a_gap_and_one_to_come_is_refused(folder: Path):
    with on(folder, "2025-03-09") as ws:
        with pytest.raises(RuleGap):
            shown(ws, "2023", as_at="2023-12-31")
        with pytest.raises(Invalid, match="disclose.as-at-early"):
            shown(ws, as_at="2025-03-10")
        assert verify_store(ws).ok
