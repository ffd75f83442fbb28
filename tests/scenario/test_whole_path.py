"""The straight line: raw file → resource → product, voucher → balance sheet; every figure opens,
is proven, and is made again to the same bytes.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import sanhua.verify
from sanhua.asset.party import Party
from sanhua.cli.commands import cli
from sanhua.kernel.record import Edge
from sanhua.project import schema
from sanhua.resource.grade import Grading
from sanhua.store.clock import SetClock
from sanhua.workspace.browsing import Browser
from sanhua.workspace.explaining import explain, prove
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run

RAW = "raw/readings.csv"


def said(*args: object) -> dict[str, Any]:
    """The JSON of a command that succeeds."""
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def statuses(made: dict[str, Any]) -> dict[str, str]:
    return {f"{step['step']} {step['node']}": step["status"] for step in made["steps"]}


def below(told: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [node for node in told["nodes"] if node["kind"] == kind]


def digest(path: Path) -> str:
    return f"sha256:{sha256(path.read_bytes()).hexdigest()}"


@pytest.fixture
def built(small_project: Path) -> Path:
    said("run", "-C", small_project)
    return small_project


def test_a_figure_opens_to_what_it_was_made_from_whatever_came_later(built: Path, tmp_path: Path):
    """The half-year shows 1,234.56; then the ERP books another 100.00, which the asset carries."""
    figure = "figure:plant/balance_sheet/development.data/ending/2024-H1"
    asset, new = "asset:energy_data", "voucher:2024-04-01"

    def opened(name: str) -> dict[str, dict[str, Any]]:
        return {node["id"]: node for node in said("explain", name, "-C", built)["nodes"]}

    def proven(name: str, parts: int) -> None:
        said("prove", name, "-C", built, "-o", tmp_path / "figure.zip")
        report = sanhua.verify.check_bundle((tmp_path / "figure.zip").read_bytes(), None)
        assert (report.faults, report.parts, report.unsaid) == ([], parts, 0)

    said("report", "disclosure", "-C", built)
    first = opened(figure)
    with (built / "books" / "vouchers" / "2024.csv").open("a", encoding="utf-8") as file:
        file.write("2024-04-01,2024-04-30,薪酬,5301.02,100.00,,P1,evidence/paper.md\n")
        file.write("2024-04-01,2024-04-30,薪酬,2211,,100.00,,\n")
    said("run", "-C", built)
    later = opened(figure)
    assert later[figure] == first[figure] and later[figure]["value"] == "1234.56"
    assert later[f"{asset}@v1"] == first[asset] | {"id": f"{asset}@v1"}
    assert not {asset, new} & later.keys() and new in opened(asset)
    with Workspace(built) as ws:
        page = Browser(ws).open(figure)
        assert [cause.node for cause in page.causes if cause.kind == "asset"] == [f"{asset}@v1"]
        assert Browser(ws).open(f"{asset}@v1").value == "1234.56"
        assert Browser(ws).open(asset).value == "1334.56"
        waiting, met = [figure], {figure}
        while waiting:  # down to the bytes that the file of vouchers held then
            below = {cause.node for cause in Browser(ws).open(waiting.pop()).causes} - met
            waiting += below
            met |= below
        file = "file:books/vouchers/2024.csv@v1"
        (held,) = (one.node for one in Browser(ws).open(file).causes if one.verb == "content")
        assert held in met
        assert [one.node for one in Browser(ws).open(held).used_by][:1] == [file]
    assert [node for node in opened(held) if node != held] == [file]
    proven(figure, 2)
    said("report", "disclosure", "-C", built)  # now it is made anew
    now, then = opened(figure), opened(f"{figure}@v1")
    assert now[figure]["value"] == "1334.56" and {asset, new} <= now.keys()
    assert then[f"{figure}@v1"]["value"] == "1234.56" and f"{asset}@v1" in then
    proven(figure, 3)
    proven(f"{figure}@v1", 2)


def test_one_command_goes_from_raw_file_to_product_and_to_the_balance_sheet(small_project: Path):
    """40 readings, two that cannot be read; 20 rows an hour and meter over two days, one of an
    unknown meter; 1,200.00 and 34.56 of 2024 carried.
    """
    made = said("run", "-C", small_project)
    assert schema.valid("run_output", made)
    assert made["stages"] == {
        "resource": {
            "tables": 2,
            "rows": 38 + 4,
            "rejected": 2,
            "checks": made["stages"]["resource"]["checks"],
            "score": made["stages"]["resource"]["score"],
            "not_assessable": made["stages"]["resource"]["not_assessable"],
        },
        "asset": {"products": 1, "deals": 0},
        "capital": {"assets": 1, "capitalised": "1234.56"},
    }
    assert 0 < float(made["stages"]["resource"]["score"]) < 1  # three rules are broken
    kinds = [step["step"] for step in made["steps"]]
    order = ["freeze", "collect", "build", "grade", "standard", "quality", "publish", "rights",
             "product", "book", "recognise"]  # fmt: skip
    assert sorted(set(kinds), key=kinds.index) == order
    assert all(step["event"].startswith("evt_") for step in made["steps"])


def test_every_stage_figure_opens_down_to_raw_bytes_and_row_counts(built: Path):
    made = said("run", "-C", built)
    for figure in made["figures"]:
        told = said("explain", figure, "-C", built)
        assert schema.valid("explain_output", told)
        stage = figure.split("/")[2].partition(".")[0]
        if stage == "capital":
            vouchers = below(told, "voucher")
            assert {v["at"]["path"] for v in vouchers} == {"books/vouchers/2024.csv"}
            written = digest(built / "books/vouchers/2024.csv")
            assert all(f"sha256:{v['at']['sha256']}" == written for v in vouchers)
        elif figure.split("/")[2] != "asset.deals":  # there is none
            assert digest(built / RAW) in {node["content"] for node in below(told, "raw_file")}
            assert 38 in {node.get("rows") for node in told["nodes"]}


def test_each_line_of_the_balance_sheet_opens_to_its_vouchers(built: Path):
    report = said("report", "disclosure", "--period", "2024", "-C", built)
    assert schema.valid("disclosure_output", report)
    amounts = {figure["id"].split("/", 1)[1]: figure["amount"] for figure in report["figures"]}
    assert amounts["balance_sheet/development.data/ending/2024"] == "1234.56"
    cells = [cell for table in report["tables"].values() for cell in table["cells"]]
    shown = [*report["figures"], *cells]
    written = digest(built / "books/vouchers/2024.csv")
    for figure in shown:
        told = said("explain", figure["id"], "-C", built)
        assert schema.valid("explain_output", told)
        if figure["amount"] not in ("", "0.00", None):
            values = {v["id"]: v["value"] for v in below(told, "voucher")}
            assert values == {"voucher:2024-02-01": "1200.00", "voucher:2024-03-01": "34.56"}
            assert written in {node["id"] for node in told["nodes"]}
    for name in report["files"]:
        assert (built / name).stat().st_size > 0


def test_a_figure_is_proven_and_verified_by_sanhua_and_by_the_single_file(
    built: Path, tmp_path: Path
):
    """The verifier is copied away and run isolated: no sanhua can be imported there."""
    alone = tmp_path / "verify.py"
    shutil.copy(sanhua.verify.__file__, alone)
    figures = said("run", "-C", built)["figures"]
    figures.append(said("report", "disclosure", "-C", built)["figures"][0]["id"])
    for n, figure in enumerate(figures):
        bundle = tmp_path / f"{n}.zip"
        proof = said("prove", figure, "-o", bundle, "-C", built)
        assert (proof["root"], proof["bytes"]) == (figure, bundle.stat().st_size)
        assert said("verify", bundle)["ok"]
    command = [sys.executable, "-I", str(alone), str(bundle)]
    assert subprocess.run(command, capture_output=True, cwd=tmp_path).returncode == 0
    data = bytearray(bundle.read_bytes())
    data[len(data) // 3] ^= 1
    bundle.write_bytes(data)
    assert subprocess.run(command, capture_output=True, cwd=tmp_path).returncode == 8


def test_a_second_run_does_nothing_and_says_so(built: Path):
    log = (built / "state" / "state.db").read_bytes()
    again = said("run", "-C", built)
    assert set(statuses(again).values()) == {"skipped"}
    assert again["skipped"] == len(again["steps"])
    assert schema.valid("run_output", again)
    assert (built / "state" / "state.db").read_bytes() == log
    result = CliRunner().invoke(cli, ["run", "-C", str(built), "--language", "en"])
    assert "Nothing changed" in result.stdout


def test_a_changed_row_rebuilds_what_depends_on_it_and_nothing_else(built: Path):
    path = built / RAW
    path.write_text(path.read_text("utf-8").replace("0:00,0.50", "0:00,7.50"), "utf-8")
    made = statuses(said("run", "-C", built))
    rebuilt = {step for step, status in made.items() if status == "done"}
    assert {"collect table:readings", "build table:daily", "product product:energy"} <= rebuilt
    untouched = {
        "freeze project:small",
        "standard standard:readings",
        "standard standard:daily",
        "book book:plant.entity",
        "recognise asset:energy_data",
    }
    assert untouched == set(made) - rebuilt


def test_a_changed_voucher_rebuilds_the_books_alone(built: Path):
    with (built / "books/vouchers/2024.csv").open("a", encoding="utf-8") as file:
        file.write("2024-04-01,2024-04-30,薪酬,5301.02,10.00,,P1,evidence/paper.md\n")
        file.write("2024-04-01,2024-04-30,薪酬,2211,,10.00,,\n")
    made = said("run", "-C", built)
    rebuilt = {step for step, status in statuses(made).items() if status == "done"}
    assert rebuilt == {
        "freeze project:small",
        "book book:plant.entity",
        "recognise asset:energy_data",
    }
    assert made["stages"]["capital"]["capitalised"] == "1244.56"


def test_a_row_that_the_product_leaves_out_changes_its_provenance_not_its_bytes(built: Path):
    """The meter of one row is not in the code list, so the daily table does not count it."""
    lake, path = built / "state/lake/built/daily", built / RAW
    (before,) = (digest(file) for file in lake.rglob("part-*.parquet"))
    path.write_text(path.read_text("utf-8").replace("M9,", "M8,"), "utf-8")
    assert statuses(said("run", "-C", built))["build table:daily"] == "done"
    assert {digest(file) for file in lake.rglob("part-*.parquet")} == {before}
    told = said("explain", "table:daily", "-C", built)
    assert digest(path) in {node["content"] for node in below(told, "raw_file")}


def test_two_builds_from_nothing_give_the_same_product_bytes(small_project: Path, tmp_path: Path):
    other = tmp_path / "elsewhere" / "small"
    shutil.copytree(small_project, other)
    snapshots: list[dict[str, str]] = []
    files: list[dict[str, str]] = []
    for folder in (small_project, other):
        made = said("run", "-C", folder)
        snapshots.append({s["node"]: s["snapshot"] for s in made["steps"] if "snapshot" in s})
        lake = folder / "state" / "lake"
        files.append({p.relative_to(lake).as_posix(): digest(p) for p in lake.rglob("*.parquet")})
    assert snapshots[0] == snapshots[1] and len(snapshots[0]) == 2
    assert files[0] == files[1] and len(files[0]) == 3  # two tables and the rejects


def test_a_seeded_replay_gives_the_same_log(small_project: Path, tmp_path: Path):
    roots: list[str] = []
    walks: list[list[Edge]] = []
    shutil.copytree(small_project, tmp_path / "again" / "small")
    for folder in (small_project, tmp_path / "again" / "small"):
        clock = SetClock(datetime(2026, 11, 23, 1, 15, tzinfo=UTC))
        seeded = random.Random(20261123)
        with Workspace(folder, env={}, clock=clock, entropy=seeded.randbytes) as ws:
            made = run(ws)
            assert made.ok
            roots.append(made.checkpoint)
            walks.append(explain(ws, "product:energy").edges)
    assert roots[0] == roots[1]
    assert walks[0] == walks[1] and walks[0]


def test_a_selected_product_builds_what_it_needs_only(small_project: Path):
    (small_project / "sources/other.yaml").write_text(
        "files: raw/other.csv\ncadence: day\n", "utf-8"
    )
    (small_project / "raw/other.csv").write_text("a\n1\n", "utf-8")
    made = statuses(said("run", "energy", "-C", small_project))
    assert "collect table:other" not in made
    assert made["product product:energy"] == "done"
    whole = statuses(said("run", "-C", small_project))
    assert {step for step, status in whole.items() if status == "done"} == {
        "collect table:other",
        "grade grade:other",
        "book book:plant.entity",
        "recognise asset:energy_data",
    }


def test_check_tells_what_it_compiled(small_project: Path):
    told = said("check", "-C", small_project)
    assert schema.valid("check_output", told)
    assert told["compiled"] == {
        "parties": 4,
        "sources": 1,
        "tables": 2,
        "contracts": 2,
        "products": 1,
        "deals": 0,
        "vouchers": 2,
        "assets": 1,
    }
    assert not (small_project / "state").exists()


def test_a_product_that_fails_keeps_no_report_from_what_is_sound(built: Path):
    claims = built / "rights" / "claims.yaml"
    text = claims.read_text("utf-8")
    claims.write_text(text.replace("source: derived", "source: derived, rights: [hold, use]"))
    made = CliRunner().invoke(cli, ["run", "-C", str(built), "--json"])
    assert made.exit_code == 5, made.output
    quality, lines = (said("report", kind, "-C", built) for kind in ("quality", "disclosure"))
    assert [resource["id"] for resource in quality["resources"]]
    assert any(figure["amount"] != "0.00" for figure in lines["figures"])
    assert {d["code"] for d in lines["diagnostics"]} >= {
        d["code"] for d in json.loads(made.stdout)["diagnostics"] if d["severity"] == "error"
    }


def test_a_profile_is_kept_of_every_governed_table_and_no_rule_decides_it(built: Path):
    told = said("explain", "profile:daily", "-C", built)
    assert below(told, "snapshot")
    assert not told.get("rules")


def test_a_deidentification_that_leaves_the_values_lowers_no_grade(built: Path):
    """max(meter) is an aggregate by its form and the meter's number all the same."""
    raw, made = (built / "contracts" / f"{name}.odcs.yaml" for name in ("readings", "daily"))
    claimed = "customProperties: [{property: deidentify, value: mask}]"
    (built / "sql" / "shown.sql").write_text(
        "SELECT meter, max(meter) AS shown, left(max(meter), 0) || '*' AS hidden "
        "FROM readings GROUP BY meter\n",
        "utf-8",
    )
    header = made.read_text("utf-8").partition("schema:")[0].replace("id: daily", "id: shown")
    (built / "contracts" / "shown.odcs.yaml").write_text(
        f"{header}schema:\n  - name: shown\n    properties:\n"
        "      - {name: meter, logicalType: string, primaryKey: true, primaryKeyPosition: 1}\n"
        f"      - {{name: shown, logicalType: string, classification: general1, {claimed}}}\n"
        f"      - {{name: hidden, logicalType: string, classification: general1, {claimed}}}\n",
        "utf-8",
    )
    text = raw.read_text("utf-8")
    graded = text.replace("- name: meter\n", "- name: meter\n        classification: general4\n", 1)
    raw.write_text(graded, "utf-8")
    done = CliRunner().invoke(cli, ["run", "-C", str(built), "--json"])
    codes = {d["code"] for d in json.loads(done.stdout)["diagnostics"]}
    assert "grade.not-deidentified" in codes, done.output
    with Workspace(built) as ws, ws.store.begin(actor="", read_only=True) as uow:
        found = uow.get(Grading, "grade:shown")
    grades = {column.name: column.grade.value for column in found.columns}
    assert (grades["shown"], grades["hidden"]) == ("general4", "general1")


def test_what_is_proven_is_one_moment_however_others_write_on(built: Path, tmp_path: Path):
    """Another process gives a party ever new versions, each held by a party made just before."""
    stop = threading.Event()

    def write() -> None:
        with Workspace(built) as other:
            for n in count():
                if stop.is_set():
                    return
                with other.store.begin(actor="party:plant") as uow:
                    uow.add(Party(f"party:holder_{n}", f"{n}"), "party.declared")
                    moving = Party("party:moving", "动", of=f"party:holder_{n}")
                    uow.add(moving, "party.declared")
                time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with Workspace(built) as ws:
            while ws.store.version_of("party:moving") < 2:
                time.sleep(0.01)
            for _ in range(20):
                made = prove(ws, "party:moving", tmp_path / "moving.zip")
                report = sanhua.verify.check_bundle((tmp_path / "moving.zip").read_bytes(), None)
                assert (made["records"], report.records, report.outside) == (2, 2, {})
    finally:
        stop.set()
        writer.join()
