"""Raw files as suppliers send them: whose they are, and what is told of what was not read."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest
from test_bad_input import edit, told

SOURCE = "title: 读数\nfiles: raw/{}.csv\ncadence: day\nsupplier: {}\n"


@pytest.fixture
def two_sources(small_project: Path) -> Path:
    """The readings once more, the same bytes, from another source and supplier."""
    shutil.copy(small_project / "raw/readings.csv", small_project / "raw/copies.csv")
    (small_project / "sources/copies.yaml").write_text(SOURCE.format("copies", "other"), "utf-8")
    with (small_project / "parties.yaml").open("a", encoding="utf-8") as parties:
        parties.write("other: {name: 另一供方, roles: [supplier]}\n")
    return small_project


def suppliers(folder: Path, table: str) -> tuple[set[str], set[str]]:
    """Who handed over what a table was collected from, and the content hashes."""
    _, said = told("explain", f"table:{table}", "-C", folder)
    ends = {"supplied_by": set[str](), "content": set[str]()}
    for edge in said["edges"]:
        if edge["edge"] in ends and edge["from"].startswith(f"raw_file:{table}@"):
            ends[edge["edge"]].add(edge["to"])
    return ends["supplied_by"], ends["content"]


def test_equal_bytes_from_two_sources_keep_each_its_own_supplier(two_sources: Path):
    assert told("run", "-C", two_sources)[0] == 0
    mine, content = suppliers(two_sources, "readings")
    assert mine == {"party:plant"} and len(content) == 1
    assert suppliers(two_sources, "copies") == ({"party:other"}, content)
    _, again = told("run", "-C", two_sources)
    assert {step["status"] for step in again["steps"]} == {"skipped"}
    assert told("verify", "-C", two_sources)[0] == 0


def test_a_supplier_that_was_put_right_is_kept_without_another_snapshot(two_sources: Path):
    _, first = told("run", "-C", two_sources)
    edit(two_sources, "sources/copies.yaml", "other", "plant")
    _, second = told("run", "-C", two_sources)
    assert suppliers(two_sources, "copies")[0] == {"party:plant"}
    made = [
        {s["node"]: s.get("snapshot") for s in said["steps"] if s["step"] == "collect"}
        for said in (first, second)
    ]
    assert made[1]["table:copies"] == made[0]["table:copies"]
    assert made[1]["table:readings"] is None  # skipped


def test_what_was_left_unread_is_told_once_at_its_file(small_project: Path):
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["meter ", "n"])
    book.active.append(["M1", "=1+1"])
    book.create_sheet("二月").append(["meter"])
    book.save(small_project / "raw/more.xlsx")
    text = SOURCE.format("more", "plant").replace(".csv", ".xlsx")
    (small_project / "sources/more.yaml").write_text(text, "utf-8")
    code, said = told("run", "-C", small_project)
    at = [
        (d["severity"], d["code"], d["line"], d["node"])
        for d in said["diagnostics"]
        if d["path"] == "raw/more.xlsx"
    ]
    assert code == 0 and at == [
        ("warning", "collect.sheets-unread", 1, "table:more"),
        ("note", "collect.heading-trimmed", 1, "table:more"),
    ]
    assert "collect.no-rows" in {d["code"] for d in said["diagnostics"]}
    step = next(s for s in said["steps"] if s["node"] == "table:more" and s["step"] == "collect")
    assert (step["rows"], step["rejected"]) == (0, 1)


def test_rejected_rows_come_out_with_line_and_reason_and_are_read_again_when_mended(
    small_project: Path, tmp_path: Path
):
    told("run", "-C", small_project)
    target = tmp_path / "bad.csv"
    code, said = told("source", "rejects", "readings", "-o", str(target), "-C", small_project)
    assert code == 0 and said["rejected"] == len(said["first"]) == 2
    assert sum(one["rows"] for one in said["reasons"]) == 2
    lines = target.read_text("utf-8-sig").splitlines()
    assert lines[0] == "input,record,line,reasons,row" and len(lines) == 3
    raw = small_project / "raw/readings.csv"
    mended = raw.read_text("utf-8").replace("n/a", "7.5").replace("31/2/2024", "3/2/2024")
    raw.write_text(mended, "utf-8")
    told("run", "-C", small_project)
    _, said = told("source", "rejects", "readings", "-C", small_project)
    assert said["rejected"] == 0
    assert told("source", "rejects", "nothing", "-C", small_project)[0] == 3
