"""Old snapshots may go, on record; what anything stands on stays."""

from __future__ import annotations

import shutil
from pathlib import Path

from test_bad_input import edit, told


def snapshots(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "state/lake").rglob("manifest.json")}


def test_what_nothing_stands_on_goes_and_verify_says_how_many(small_project: Path):
    assert told("run", "-C", small_project)[0] == 0
    first = snapshots(small_project)
    with (small_project / "raw/readings.csv").open("a", encoding="utf-8") as file:
        file.write("M9,2026-01-05,3.5\n")
    assert told("run", "-C", small_project)[0] == 0
    code, said = told("store", "prune", "--days", "0", "--dry-run", "-C", small_project)
    old = first & {one["id"].removeprefix("sha256:") for one in said["snapshots"]}
    assert code == 0 and old == {one["id"][7:] for one in said["snapshots"]} and len(old) >= 2
    assert snapshots(small_project) > old
    assert not told("store", "prune", "-C", small_project)[1]["snapshots"]  # younger than 30 days
    _, said = told("store", "prune", "--days", "0", "-C", small_project)
    assert {one["id"][7:] for one in said["snapshots"]} == old and said["bytes"] > 0
    assert not snapshots(small_project) & old
    code, said = told("verify", "-C", small_project)
    assert (code, said["let_go"]) == (0, len(old))
    steps = told("run", "-C", small_project)[1]["steps"]
    assert {step["status"] for step in steps} == {"skipped"}


def test_a_snapshot_that_is_missing_without_record_is_still_a_fault(small_project: Path):
    told("run", "-C", small_project)
    (gone,) = (small_project / "state/lake/raw/readings").iterdir()
    shutil.rmtree(gone)
    assert told("verify", "-C", small_project)[0] == 8


def test_data_that_come_back_are_kept_again(small_project: Path):
    told("run", "-C", small_project)
    edit(small_project, "raw/readings.csv", "M1", "M7")
    told("run", "-C", small_project)
    told("store", "prune", "--days", "0", "-C", small_project)
    edit(small_project, "raw/readings.csv", "M7", "M1")
    assert told("run", "-C", small_project)[0] == 0
    code, said = told("verify", "-C", small_project)
    assert (code, said["let_go"]) == (0, 0)
