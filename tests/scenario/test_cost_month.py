"""A month of cost from the papers to the ledger: collected, allocated, booked, tied out, opened."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import costing
from click.testing import CliRunner
from openpyxl import load_workbook

from sanhua.cli.commands import cli
from sanhua.workspace.verifying import verify_bundle


def said(*args: object, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_month_is_collected_allocated_booked_and_tied_out_to_the_fen(tmp_path: Path):
    """The figures are worked out by hand in costing.py."""
    vouchers = "books/vouchers/2025-03.csv"
    root = costing.write(tmp_path, **{vouchers: [costing.HEAD, *costing.VOUCHERS]})
    first = said("report", "cost", "--period", "2025-03", "-C", root)
    of = {one["project"]: one for one in first["projects"]}
    assert (of["P1"]["total"], of["P2"]["total"], of["GX"]["total"]) == (
        "29300.00", "8000.00", "1000.01",
    )  # fmt: skip
    assert (of["P1"]["kinds"]["timesheet"], of["P1"]["kinds"]["annotation"]) == (
        "24000.00", "5300.00",
    )  # fmt: skip
    assert (of["P1"]["hours"], of["P2"]["hours"]) == ("120", "40")
    (shared,) = first["allocations"]
    assert [(s["project"], s["basis"], s["amount"]) for s in shared["shares"]] == [
        ("P1", "120", "750.01"), ("P2", "40", "250.00"),
    ]  # fmt: skip
    assert shared["booked"] == ""
    # The ledger has booked the allocation, the books here not yet.
    untied = said("report", "tie-out", "--period", "2025-03", "-C", root, code=1)
    lines = {line["account"]: line for line in untied["months"][0]["lines"]}
    assert lines["5301.02"]["difference"] == "-1000.01" and not lines["5301.02"]["ok"]
    assert [d["code"] for d in untied["diagnostics"]].count("tie.ledger-differs") == 2

    # The proposed voucher is entered in the ERP under its own number, with who stands behind it.
    proposed = next(name for name in first["files"] if "allocations" in name)
    with (root / proposed).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    booked = [
        costing.line("记-004", row["date"], row["summary"], row["account"], row["debit"],
                     row["credit"], row["project"], "", row["evidence"], costing.HANDS)
        for row in rows
    ]  # fmt: skip
    costing.write(root, **{vouchers: [costing.HEAD, *costing.VOUCHERS, *booked]})
    ran = said("run", "-C", root)
    assert {"cost", "tie-out"} <= {step["step"] for step in ran["steps"]}
    told = said("report", "cost", "--period", "2025-03", "-C", root)
    of = {one["project"]: one for one in told["projects"]}
    assert (of["P1"]["total"], of["P2"]["total"], of["GX"]["total"]) == (
        "30050.01", "8250.00", "0.00",
    )  # fmt: skip
    assert of["P1"]["kinds"]["allocated"] == "750.01"
    assert {one["kinds"]["unexplained"] for one in told["projects"]} == {"0.00"}
    assert told["allocations"][0]["booked"] == "记-004" and not told["proposed_vouchers"]
    assert told["coverage"] == {"needed": 5, "mapped": 5, "lacking": []}
    assert told["reviewed"] == {"vouchers": 4, "by": 4}
    tied = said("report", "tie-out", "--period", "2025", "-C", root)
    assert [(month["period"], month["ok"]) for month in tied["months"]] == [
        ("2025-02", True), ("2025-03", True),
    ]  # fmt: skip
    judged = {x["account"]: x["book"]["ending"] for x in tied["months"][1]["lines"] if x["judged"]}
    assert judged == {"5101.01": "0.00", "5301.02": "138300.01"}

    # The figure opens to the voucher, the timesheet's file and the person; and is proven.
    opened = said("explain", of["P1"]["figure"], "-C", root)
    nodes = {node["id"]: node for node in opened["nodes"]}
    assert {"party:li", "party:zhang", "party:zhao", "voucher:记-001", "cost:记-001/P1"} <= set(
        nodes
    )
    assert {"allocation:cloud_2025_03", "party:cfo"} <= set(nodes)
    paths = {node.get("path") for node in opened["nodes"]}
    assert {"books/timesheets/2025-03.csv", "books/bills/2025.csv"} <= paths
    from_voucher = said("explain", "voucher:记-003", "-C", root)
    assert ("voucher:记-003", "explained_by", "cost:记-003/P1") in {
        (e["from"], e["edge"], e["to"]) for e in from_voucher["edges"]
    }
    for figure in (of["P1"]["figure"], "figure:co/tie_out/5301.02/ending/2025-03"):
        bundle = tmp_path / "figure.zip"
        said("prove", figure, "-o", bundle, "-C", root)
        verdict = verify_bundle(bundle, None)
        assert verdict.ok, verdict.lines("en")
    assert said("verify", "-C", root)["ok"]
    again = said("run", "-C", root)
    assert all(step["status"] == "skipped" for step in again["steps"])

    # The sheets say the same, and sum what they show.
    xlsx = next(root / name for name in told["files"] if name.endswith(".xlsx"))
    sheet = load_workbook(xlsx)["项目成本"]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert ["P1", "a1", 30050.01, 30050.01] in [row[:4] for row in cells]
    assert any(str(cell).startswith("=SUM(") for row in cells for cell in row)


def test_a_circle_of_allocations_stops_the_run_and_nothing_is_posted(tmp_path: Path):
    def feeding(name: str, pool: str, other: str) -> str:
        to = f"{{P1: 50%, 'allocation:{other}': 50%}}"
        text = costing.ALLOCATION.replace("GX", pool).replace(
            "hours\nto: [P1, P2]", f"fixed\nto: {to}"
        )
        return text.replace("三月云资源", name)

    changed = {
        "books/allocations/cloud_2025_03.yaml": feeding("a", "GX", "staff"),
        "books/allocations/staff.yaml": feeding("b", "GY", "cloud_2025_03"),
    }
    root = costing.write(tmp_path, **changed)
    told = said("run", "-C", root, code=2)
    circle = next(d for d in told["diagnostics"] if d["code"] == "allocation.circular")
    assert "cloud_2025_03 → staff → cloud_2025_03" in circle["message"]
    assert told["steps"] == [] and not (root / "state" / "state.db").exists()


def test_closing_a_month_notes_a_ledger_that_says_otherwise(tmp_path: Path):
    march = [line.replace("138300.01", "138300.00").replace("38300.01", "38300.00")
             for line in costing.MARCH]  # fmt: skip
    root = costing.write(tmp_path, **{"books/trial/2025-03.csv": march})
    told = said("close", "2025-03", "-C", root)
    (note,) = [d for d in told["diagnostics"] if d["code"] == "tie.not-whole"]
    assert (note["severity"], note["node"]) == ("warning", "tieout:co/2025-03")


AMORTISED = """\
measurement:
  available_on: 2025-03-31
  evidence: [evidence/a.md]
  life: {months: 12, reasons: [technology], judged: {by: cfo, date: 2025-03-31}}
"""
ACCOUNTS = [
    "  intangible_data: 1701.05",
    "  accumulated_amortisation: 1702.05",
    "  amortisation_expense: 6602.09",
]


def test_the_policy_says_who_amortises_and_the_other_never_does(tmp_path: Path):
    """30,050.01 over 12 months: 2,504.17 in March."""
    policy = costing.files()["books/policy.yaml"].splitlines() + ACCOUNTS
    changed: dict[str, str | list[str]] = {
        "books/assets/a1.yaml": costing.ASSET.format(code="P1") + AMORTISED,
        "books/chart.csv": [
            *costing.CHART,
            "1701.05,无形资产—数据资源,借,",
            "1702.05,累计摊销—数据资源,贷,",
            "6602.09,摊销,借,",
        ],
        "books/policy.yaml": [*policy, "amortises: erp"],
    }
    left_to_it = costing.write(tmp_path / "erp", **changed)
    for name in ("2025-02", "2025-03"):
        (left_to_it / f"books/trial/{name}.csv").unlink()
    told = said("close", "2025-03", "-C", left_to_it)
    (missing,) = [d for d in told["diagnostics"] if d["code"] == "amortisation.erp-missing"]
    assert missing["severity"] == "warning" and "2504.17" in missing["message"]
    proposed = {row["account"] for row in told["proposed_vouchers"]}
    assert proposed == {"1701.05", "5301.02"}  # what moved to the intangible, and no amortisation

    own = [
        costing.row("记-005", "2025-03-31", "摊销", "6602.09", "2504.17", ""),
        costing.row("记-005", "2025-03-31", "摊销", "1702.05", "", "2504.17"),
    ]
    vouchers = [costing.HEAD, *costing.VOUCHERS, *costing.BOOKED, *own]
    booked = costing.write(
        tmp_path / "booked", **(changed | {"books/vouchers/2025-03.csv": vouchers})
    )
    told = said("close", "2025-03", "-C", booked)
    assert not [d for d in told["diagnostics"] if d["code"].startswith("amortisation.")]

    ours = changed | {
        "books/vouchers/2025-03.csv": vouchers,
        "books/policy.yaml": [*policy, "amortises: sanhua"],
    }
    refused = said("run", "-C", costing.write(tmp_path / "ours", **ours), code=2)
    twice = next(d for d in refused["diagnostics"] if d["code"] == "amortisation.booked-twice")
    assert (twice["path"], twice["line"]) == ("books/vouchers/2025-03.csv", 14)
    steps = {step["step"]: step["status"] for step in refused["steps"]}
    assert steps["book"] == "failed" and steps["recognise"] == "blocked"


def test_a_cost_is_shared_by_rows_that_the_platform_counted_and_a_closed_month_stays(
    small_project: Path,
):
    """38 rows of readings (40, 2 rejected) and 4 of daily: 420.00 is 380.00 and 40.00."""
    books = small_project / "books"
    policy = books / "policy.yaml"
    chart = "  payroll: 2211\n  shared_cost: 5101\n  payables: 2202\n"
    policy.write_text(policy.read_text("utf-8").replace("  payroll: 2211\n", chart), "utf-8")
    with (books / "vouchers" / "2024.csv").open("a", encoding="utf-8") as file:
        file.write("2024-03-02,2024-03-31,云,5101,420.00,,GX,evidence/paper.md\n")
        file.write("2024-03-02,2024-03-31,云,2202,,420.00,,\n")
    (books / "allocations").mkdir()
    (books / "allocations" / "cloud.yaml").write_text(
        "period: 2024-03\npool: {account: 5101, project: GX}\nkey: rows\n"
        "to: {P1: [readings], P9: [daily]}\ninto: 5301.02\n"
        "judged: {by: maker, date: 2024-04-02}\nevidence: [evidence/paper.md]\n",
        encoding="utf-8",
    )

    def shares() -> list[tuple[str, str, str]]:
        told = said("report", "cost", "--period", "2024-03", "-C", small_project)
        (one,) = told["allocations"]
        return [(s["project"], s["basis"], s["amount"]) for s in one["shares"]]

    wanted = [("P1", "38", "380.00"), ("P9", "4", "40.00")]
    assert shares() == wanted
    opened = said("explain", "allocation:cloud", "-C", small_project)
    edges = {(e["edge"], e["to"].partition(":")[0]) for e in opened["edges"]}
    assert {
        ("measured_from", "sha256"),
        ("summed_from", "voucher"),
        ("judged_by", "party"),
    } <= edges
    raw = small_project / "raw" / "readings.csv"
    raw.write_text(raw.read_text("utf-8") + "M1,3/2/2024 1:00,1.00,13800138000\n", "utf-8")
    ran = said("run", "-C", small_project)
    assert "cost" in {step["step"] for step in ran["steps"] if step["status"] == "done"}
    assert shares() == wanted
