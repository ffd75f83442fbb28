"""A source of many files: what was read once is not read again, and nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_bad_input import told

from sanhua.kernel.table import Manifest
from sanhua.resource.collect import RawFile
from sanhua.resource.lineage import Table
from sanhua.workspace.opening import Workspace

FILES = 70  # two merged runs of 32 and six single parts


def feed(folder: Path, n: int, kwh: str = "1.5") -> None:
    (folder / f"feed_{n:04}.csv").write_text(f"meter,kwh\nM{n},{kwh}\nN{n},2.5\n", "utf-8")


@pytest.fixture
def project(small_project: Path) -> Path:
    (small_project / "raw/feed").mkdir()
    for n in range(0, 2 * FILES, 2):
        feed(small_project / "raw/feed", n)
    (small_project / "sources/feed.yaml").write_text(
        "files: raw/feed/*.csv\ncadence: 5min\nsupplier: plant\n", "utf-8"
    )
    return small_project


def run(folder: Path) -> dict[str, Any]:
    code, said = told("run", "-C", folder)
    assert code == 0, said["diagnostics"]
    return next(step for step in said["steps"] if step["node"] == "table:feed")


def manifest(folder: Path) -> Manifest:
    snapshot = current(folder)
    with Workspace(folder) as ws:
        return ws.lake.load("raw", "feed", snapshot)


def current(folder: Path) -> str:
    with Workspace(folder) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return uow.get(Table, "table:feed").snapshot


def rows(folder: Path) -> list[tuple[Any, ...]]:
    found = manifest(folder)
    with Workspace(folder) as ws:
        files = [(ws.lake.path(found) / file.path).as_posix() for file in found.files]
    return duckdb.sql(f"SELECT * FROM read_parquet({files})").fetchall()


def received(folder: Path) -> int:
    with Workspace(folder) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return sum(one.source == "feed" for one in uow.all(RawFile))


def test_small_files_become_few_parts_in_their_order_and_each_row_stands_once(project: Path):
    run(project)
    assert [part.files for part in manifest(project).parts] == [32, 32, 1, 1, 1, 1, 1, 1]
    wanted = [
        (f"{letter}{n}", kwh)
        for n in range(0, 140, 2)
        for letter, kwh in (("M", "1.5"), ("N", "2.5"))
    ]
    assert rows(project) == wanted


def test_a_late_file_a_correction_and_a_removal_leave_what_a_fresh_reading_gives(project: Path):
    run(project)
    before = {part.file.sha256 for part in manifest(project).parts}
    feed(project / "raw/feed", 31)  # late: it belongs between two that were merged
    feed(project / "raw/feed", 4, "9.5")  # corrected in the first run of 32
    (project / "raw/feed/feed_0138.csv").unlink()
    step = run(project)
    assert step["rows"] == 2 * FILES
    after = manifest(project).parts
    kept = [part for part in after if part.file.sha256 in before]
    assert sum(part.files for part in kept) >= 32 + 5  # the untouched run was not read again
    feed(project / "raw/feed", 140)
    run(project)
    with_all = rows(project)
    assert sorted(with_all) == sorted(
        (f"{letter}{n}", kwh)
        for n in [*range(0, 138, 2), 31, 140]
        for letter, kwh in (("M", "9.5" if n == 4 else "1.5"), ("N", "2.5"))
    )
    assert told("verify", "-C", project)[0] == 0


def test_a_figure_opens_through_merged_parts_to_the_raw_files(project: Path):
    run(project)
    _, said = told("explain", "col:feed.kwh@" + current(project), "-C", project)
    nodes = {node["id"] for node in said["nodes"]}
    assert sum(node.startswith("raw_file:feed@") for node in nodes) == FILES
    feed(project / "raw/feed", 141)
    run(project)
    _, said = told("explain", "table:feed", "-C", project)
    nodes = {node["id"] for node in said["nodes"]}
    assert sum(node.startswith("part:") for node in nodes) == 2
    assert sum(node.startswith("raw_file:feed@") for node in nodes) == FILES + 1


def test_merged_parts_are_merged_again_and_their_files_still_known(
    project: Path, monkeypatch: pytest.MonkeyPatch
):
    """Four a run instead of 32: 70 = 64 + 4 + 1 + 1."""
    monkeypatch.setattr("sanhua.engine.duck.MERGED_PARTS", 4)
    run(project)
    assert [part.files for part in manifest(project).parts] == [64, 4, 1, 1]
    feed(project / "raw/feed", 0, "7.5")
    run(project)
    assert sorted(rows(project))[0] == ("M0", "7.5") and len(rows(project)) == 2 * FILES
    for n in (201, 203, 205, 207):
        feed(project / "raw/feed", n)
        step = run(project)
    assert step["rows"] == 2 * (FILES + 4) == len(set(rows(project)))


def test_files_that_come_one_by_one_are_merged_and_merged_again(
    small_project: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sanhua.engine.duck.MERGED_PARTS", 2)
    (small_project / "raw/feed").mkdir()
    (small_project / "sources/feed.yaml").write_text(
        "files: raw/feed/*.csv\ncadence: 5min\nsupplier: plant\n", "utf-8"
    )
    for n in range(7):
        feed(small_project / "raw/feed", n)
        assert run(small_project)["rows"] == 2 * (n + 1) == len(set(rows(small_project)))
    assert [part.files for part in manifest(small_project).parts] == [4, 2, 1]


def test_columns_are_those_of_the_first_file_that_is_there(small_project: Path):
    folder = small_project / "raw/feed"
    folder.mkdir()
    (small_project / "sources/feed.yaml").write_text(
        "files: raw/feed/*.csv\ncadence: 5min\nsupplier: plant\n", "utf-8"
    )
    feed(folder, 1)
    (folder / "feed_0002.csv").write_text("meter,kwh,phase\nM2,1,a\n", "utf-8")
    run(small_project)
    (folder / "feed_0001.csv").unlink()
    run(small_project)
    assert rows(small_project) == [("M2", "1", "a")]


def test_what_was_read_by_earlier_readers_is_read_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
):
    run(project)
    before = manifest(project)
    monkeypatch.setattr("sanhua.workspace.running.__version__", "later")
    monkeypatch.setattr("sanhua.workspace.path.READERS", 2)
    run(project)
    after = manifest(project)
    assert after.step != before.step and after.parts == before.parts
    assert all(len(part.names) == part.files for part in after.parts)  # none was taken over


def test_merged_files_of_equal_bytes_are_known_apart(
    small_project: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sanhua.engine.duck.MERGED_PARTS", 4)
    folder = small_project / "raw/feed"
    folder.mkdir()
    (small_project / "sources/feed.yaml").write_text(
        "files: raw/feed/*.csv\ncadence: 5min\nsupplier: plant\n", "utf-8"
    )
    (small_project / "contracts/feed.odcs.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: feed\nversion: 1.0.0\nstatus: active\n"
        "schema:\n  - name: feed\n    properties:\n"
        "      - {name: meter, logicalType: string}\n      - {name: kwh, logicalType: number}\n",
        "utf-8",
    )
    for n in range(8):
        (folder / f"{n}.csv").write_text("meter,kwh\nM,1\nN,x\n", "utf-8")
    for n in range(8, 11):
        feed(folder, n)
        step = run(small_project)
        assert (step["rows"], step["rejected"]) == (8 + 2 * (n - 7), 8)
    (folder / "2.csv").write_text("meter,kwh\nM,1\nN,2\n", "utf-8")
    step = run(small_project)
    assert (step["rows"], step["rejected"]) == (15, 7)


def test_of_several_files_one_that_cannot_be_read_stands_among_the_rejects(project: Path):
    (project / "raw/feed/feed_0007.csv").write_bytes(b"meter,kwh\nM7,\x00\n")
    code, said = told("run", "-C", project)
    step = next(step for step in said["steps"] if step["node"] == "table:feed")
    assert code == 0 and (step["rows"], step["rejected"]) == (2 * FILES, 1)
    (told_of,) = [d for d in said["diagnostics"] if d["code"] == "collect.set-aside"]
    assert told_of["path"] == "raw/feed/feed_0007.csv" and "NUL" in told_of["message"]
    feed(project / "raw/feed", 7)
    step = run(project)
    assert (step["rows"], step.get("rejected")) == (2 * FILES + 2, 0)
    assert received(project) == FILES + 2  # the bad bytes stay on record


def test_a_partitioned_table_is_built_by_the_values_that_changed(project: Path):
    (project / "sources/feed.yaml").write_text(
        "files: raw/feed/*.csv\ncadence: 5min\nsupplier: plant\n", "utf-8"
    )
    (project / "sql/by_letter.sql").write_text(
        "SELECT left(meter, 1) AS letter, count(*) AS n FROM feed GROUP BY left(meter, 1)\n",
        "utf-8",
    )
    (project / "contracts/by_letter.odcs.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: by_letter\nversion: 1.0.0\nstatus: active\n"
        "schema:\n  - name: by_letter\n    properties:\n"
        "      - {name: letter, logicalType: string, primaryKey: true, partitioned: true}\n"
        "      - {name: n, logicalType: integer}\n",
        "utf-8",
    )

    def parts() -> dict[str | None, int]:
        with Workspace(project) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
            found = ws.lake.load("built", "by_letter", uow.get(Table, "table:by_letter").snapshot)
            where = ws.lake.path(found)
        return {p.partition[0]: (where / p.file.path).stat().st_ino for p in found.parts}

    run(project)
    before = parts()
    (project / "raw/feed/feed_0300.csv").write_text("meter,kwh\nM300,1.5\nX300,2.5\n", "utf-8")
    run(project)
    after = parts()
    assert set(after) == {"M", "N", "X"} and set(before) == {"M", "N"}
    assert after["N"] == before["N"] and after["M"] != before["M"]
