"""Sources of every form through check and run: feeds, several sheets, folders, links."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli

HEAD = "sanhua: 1\nentities: {a: {}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project without a source."""
    root = tmp_path / "p"
    (root / "sources").mkdir(parents=True)
    (root / "raw").mkdir()
    (root / "sanhua.yaml").write_text(HEAD)
    (root / "parties.yaml").write_text("a: {name: A}\n")
    return root


def source(folder: Path, name: str, text: str) -> None:
    (folder / "sources" / f"{name}.yaml").write_text(f"cadence: day\n{text}\n")


def said(verb: str, folder: Path) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [verb, "-C", str(folder), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


def collected(folder: Path) -> dict[str, int]:
    """Rows of each table that `run` collected; what failed is not in it."""
    steps = said("run", folder)["steps"]
    return {
        step["node"].partition(":")[2]: step["rows"]
        for step in steps
        if step["step"] == "collect" and step["status"] == "done"
    }


def codes(told: dict[str, Any]) -> set[str]:
    return {found["code"] for found in told["diagnostics"]}


def test_a_gtfs_feed_gives_a_table_for_each_of_its_files(
    folder: Path, find_data: Callable[[str], Path]
):
    shutil.copy(find_data("metro_gtfs") / "cairns_gtfs.zip", folder / "raw" / "c.zip")
    source(folder, "cairns", "files: raw/c.zip\nread: {format: gtfs}")
    found = collected(folder)
    assert {"cairns_stops", "cairns_routes", "cairns_trips", "cairns_stop_times"} <= found.keys()
    assert found["cairns_routes"] == 22
    (folder / "raw" / "c.zip").unlink()
    assert "source.no-feed" in codes(said("check", folder))


def test_several_sheets_are_several_tables(folder: Path):
    book = openpyxl.Workbook()
    for title, rows in (("一月", 1), ("二月", 2)):
        sheet = book.create_sheet(title)
        for row in range(rows + 1):
            sheet.append(["a", "b"] if row == 0 else [row, "x"])
    book.save(folder / "raw" / "m.xlsx")
    source(folder, "m", "files: raw/m.xlsx\ntables: {jan: 一月, feb: 二月}")
    assert collected(folder) == {"jan": 1, "feb": 2}


def test_a_folder_of_parquet_keeps_the_columns_of_its_folder_names(folder: Path):
    for day in ("2026-01-01", "2026-01-02"):
        part = folder / "raw" / "flow" / f"day={day}"
        part.mkdir(parents=True)
        pq.write_table(pa.table({"n": [1, 2]}), part / "part-0.parquet")
    (folder / "raw" / "flow" / "_SUCCESS").write_text("")
    source(folder, "flow", "files: raw/flow")
    (folder / "sql").mkdir()
    (folder / "sql" / "days.sql").write_text("SELECT day, n FROM flow WHERE day = '2026-01-02'")
    (folder / "contracts").mkdir()
    (folder / "contracts" / "flow.odcs.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: flow\nversion: 1.0.0\nstatus: active\n"
        "schema:\n  - name: flow\n    properties:\n"
        "      - {name: day, logicalType: date}\n      - {name: n, logicalType: integer}\n"
    )
    told = said("run", folder)
    rows = {step["node"]: step["rows"] for step in told["steps"] if "rows" in step}
    assert (rows["table:flow"], rows["table:days"]) == (4, 2)


def test_fixed_width_is_said_in_the_source(folder: Path):
    (folder / "raw" / "f.txt").write_text("P1 0012\nP2 003\nP3 0004\n")
    source(folder, "f", "files: raw/f.txt\nread: {format: fixed, columns: {code: 1-2, n: 4-7}}")
    assert collected(folder) == {"f": 2}
    for wrong, code in (
        ("widths: [0]", "format.not-a-width"),
        ("columns: {a: x}", "format.not-positions"),
        ("header: x", "format.not-rows-of-headings"),
    ):
        source(folder, "f", f"files: raw/f.txt\nread: {{format: fixed, {wrong}}}")
        assert codes(said("check", folder)) >= {code}


def test_a_link_out_of_a_folder_is_read_only_when_its_path_was_written_out(
    folder: Path, tmp_path: Path
):
    (tmp_path / "far.csv").write_text("a\n1\n")
    (folder / "raw" / "link.csv").symlink_to(tmp_path / "far.csv")
    source(folder, "r", "files: raw/link.csv")
    assert collected(folder) == {"r": 1}
    source(folder, "r", "files: raw/*.csv")
    told = said("run", folder)
    assert "collect.link-outside" in codes(told)
    (folder / "raw" / "link.csv").unlink()
    (folder / "raw" / "real.csv").write_text("a\n1\n2\n")
    (folder / "raw" / "link.csv").symlink_to("real.csv")
    assert collected(folder) == {"r": 4}
