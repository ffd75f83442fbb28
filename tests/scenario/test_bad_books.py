"""Bad books: every faulty voucher has its code at path:line, and nothing of it is posted or shown.

The small project spends 1,200.00 and 34.56 on development (conditions met on 2024-01-03).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.kernel.ledger import Entry, PeriodClose
from sanhua.workspace.opening import Workspace

BOOK = "books/vouchers/2024.csv"
CARD = "books/assets/energy_data.yaml"
HEAD = "voucher,date,summary,account,debit,credit,project,evidence,reverses,currency\n"
PAPER = "evidence/paper.md"


def told(*args: object) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def entries(folder: Path) -> dict[str, str]:
    """Entry of the entity's book → its source."""
    with Workspace(folder) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return {e.id: e.source for e in uow.all(Entry) if e.book == "book:plant.entity"}


def shown(folder: Path) -> dict[str, str]:
    """The balance-sheet lines of the year with what is carried."""
    _, said = told("report", "disclosure", "-C", folder, "--period", "2024")
    return {f["id"].split("/")[2]: f["amount"] for f in said["figures"] if f["amount"] != "0.00"}


@pytest.fixture(scope="module")
def first_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books") / "state"


@pytest.fixture
def built(small_project: Path, first_state: Path) -> Path:
    if first_state.exists():
        shutil.copytree(first_state, small_project / "state")
    else:
        assert told("run", "-C", small_project)[0] == 0
        shutil.copytree(small_project / "state", first_state)
    return small_project


def line(
    number: str,
    day: str,
    account: str,
    amount: str,
    project: str = "P1",
    evidence: str = PAPER,
    reverses: str = "",
    currency: str = "",
) -> str:
    rest = f"{reverses},{currency}"
    return (
        f"{number},{day},薪酬,{account},{amount},,{project},{evidence},{rest}\n"
        f"{number},{day},薪酬,2211,,{amount},,,{rest}\n"
    )


def late(name: str, *lines: str) -> Callable[[Path], None]:
    """Write a further file of vouchers."""

    def write(folder: Path) -> None:
        (folder / "books/vouchers" / name).write_text(HEAD + "".join(lines), encoding="utf-8")

    return write


FAULTY = {
    "no evidence": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "9.00", evidence="")),
        "voucher.no-evidence",
    ),
    "evidence that is not there": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "9.00", evidence="evidence/none.md")),
        "ref.evidence",
    ),
    "a foreign currency": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "9.00", currency="USD")),
        "voucher.other-currency",
    ),
    "a foreign currency on no project": (
        late("x.csv", line("X1", "2024-04-30", "1701.05", "9.00", project="", currency="USD")),
        "voucher.other-currency",
    ),
    "a number twice": (
        late("x.csv", line("2024-03-01", "2024-04-30", "5301.02", "9.00")),
        "voucher.duplicate-number",
    ),
    "the same content under another number": (
        late("x.csv", line("X1", "2024-03-31", "5301.02", "34.56")),
        "voucher.same-content",
    ),
    "a voucher pasted twice": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "9.00") * 2),
        "voucher.repeated",
    ),
    "taken back twice": (
        late(
            "x.csv",
            line("X1", "2024-04-30", "5301.02", "-34.56", reverses="2024-03-01"),
            line("X2", "2024-05-31", "5301.02", "-34.56", reverses="2024-03-01"),
        ),
        "voucher.reversed-twice",
    ),
    "taken back for more than it was": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "-34.57", reverses="2024-03-01")),
        "voucher.reversal-exceeds",
    ),
    "taken back on another account": (
        late("x.csv", line("X1", "2024-04-30", "5301.01", "-34.56", reverses="2024-03-01")),
        "voucher.reversal-differs",
    ),
    "taken back in black": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "34.56", reverses="2024-03-01")),
        "voucher.reversal-differs",
    ),
    "taken back before it was booked": (
        late("x.csv", line("X1", "2024-03-30", "5301.02", "-34.56", reverses="2024-03-01")),
        "voucher.reversal-early",
    ),
    "taking back what is not there": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "-1.00", reverses="2024-09-09")),
        "ref.voucher",
    ),
    "a line of another project taken off the asset": (
        late(
            "x.csv",
            line("X1", "2024-04-30", "5301.02", "9.00", project=""),
            line("X2", "2024-05-31", "5301.02", "-9.00", reverses="X1"),
        ),
        "recognise.reversal-unmatched",
    ),
    "capitalised before the conditions": (
        late("x.csv", line("X1", "2024-01-02", "5301.02", "9.00")),
        "recognise.capitalised-in-research",
    ),
    "off balance": (
        late("x.csv", line("X1", "2024-04-30", "5301.02", "9.00").replace(",,9.00,", ",,9.01,")),
        "voucher.unbalanced",
    ),
}


@pytest.mark.parametrize("what", FAULTY)
def test_a_faulty_voucher_has_its_code_and_place_and_nothing_is_posted(built: Path, what: str):
    write, code = FAULTY[what]
    before = entries(built)
    write(built)
    exit_code, said = told("run", "-C", built)
    found = {d["code"]: d for d in said["diagnostics"] if d["severity"] == "error"}
    assert exit_code != 0 and code in found, said["diagnostics"]
    told_of = found[code]
    assert told_of["path"] == "books/vouchers/x.csv" and told_of["line"] >= 2
    assert told_of["node"].startswith("voucher:") and told_of["message"]
    assert entries(built) == before
    assert {s["status"] for s in said["steps"]} <= {"skipped", "blocked"}
    (built / "books/vouchers/x.csv").unlink()  # the way out
    assert told("run", "-C", built)[0] == 0
    assert shown(built) == {"development.data": "1234.56"}


def close(folder: Path, month: str) -> None:
    starts = date.fromisoformat(f"{month}-01")
    ends = date(starts.year, starts.month + 1, 1)
    with Workspace(folder) as ws, ws.store.begin(actor=ws.actor) as uow:
        node = f"close:plant.entity/{month}"
        uow.add(PeriodClose(node, "book:plant.entity", starts, ends), "period.closed")


def test_a_voucher_for_a_closed_month_is_set_aside_with_what_takes_it_back(built: Path):
    """Set aside: no entry, no verdict, no line; what is open goes on and is carried."""
    close(built, "2024-03")
    before = entries(built)
    late(
        "x.csv",
        line("X1", "2024-03-31", "5301.02", "9.00"),
        line("X2", "2024-05-31", "5301.02", "-9.00", reverses="X1"),
        line("X3", "2024-06-30", "5301.02", "0.44"),
    )(built)
    exit_code, said = told("run", "-C", built)
    errors = [(d["code"], d["line"]) for d in said["diagnostics"] if d["severity"] == "error"]
    assert exit_code == 1
    assert errors == [("voucher.period-closed", 2), ("voucher.reverses-aside", 4)]
    assert sorted(set(entries(built).values()) - set(before.values())) == ["voucher:X3"]
    assert shown(built) == {"development.data": "1235.00"}
    _, memo = told("explain", "asset:energy_data", "-C", built)
    assert "voucher:X1" not in json.dumps(memo)


def test_a_voucher_taken_back_in_part_is_told_and_counts_for_what_is_left(built: Path):
    """1,234.56 less 4.56 taken back of 34.56."""
    late("x.csv", line("X1", "2024-04-30", "5301.02", "-4.56", reverses="2024-03-01"))(built)
    exit_code, said = told("run", "-C", built)
    told_of = [d for d in said["diagnostics"] if d["code"] == "voucher.reversed-in-part"]
    assert exit_code == 0 and [d["line"] for d in told_of] == [2]
    assert "30.00" in told_of[0]["message"]
    assert shown(built) == {"development.data": "1230.00"}


def test_what_was_expensed_before_the_rule_is_on_no_line(built: Path):
    """财会〔2023〕11号 附则: from 2024-01-01, prospectively."""
    late("x.csv", line("X1", "2023-12-31", "5301.01", "500.00"))(built)
    exit_code, said = told("run", "-C", built)
    [found] = [d for d in said["diagnostics"] if d["code"] == "recognise.already-expensed"]
    assert exit_code == 0 and (found["path"], found["line"]) == ("books/vouchers/x.csv", 2)
    assert found["rule"]["clause"] == "附则"
    assert shown(built) == {"development.data": "1234.56"}
    booked = [source for source in entries(built).values() if source == "voucher:X1"]
    assert len(booked) == 1  # the ERP's own expense, as it stands there


def test_a_condition_taken_away_lets_every_yuan_wait(built: Path):
    path = built / CARD
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(row for row in lines if "intention" not in row), "utf-8")
    exit_code, said = told("run", "-C", built)
    found = [d for d in said["diagnostics"] if d["code"] == "format.missing-key"]
    assert exit_code != 0 and found[0]["path"] == CARD
    assert set(entries(built).values()) == {"voucher:2024-02-01", "voucher:2024-03-01"}
