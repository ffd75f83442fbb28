"""A run after a run: what is said to be unchanged is what the files say."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from sanhua.kernel.time import SHANGHAI
from sanhua.store.clock import SetClock
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import RunResult, run


def _run(folder: Path, *select: str) -> RunResult:
    with Workspace(folder) as ws:
        return run(ws, select)


def _daily(folder: Path) -> str:
    from sanhua.resource.lineage import Table

    with Workspace(folder) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return uow.get(Table, "table:daily").snapshot


@pytest.mark.parametrize("how", ["selected", "failing beside it"])
def test_a_file_put_back_after_a_run_that_was_not_whole_is_built_again(
    small_project: Path, how: str
):
    query = small_project / "sql" / "daily.sql"
    other = small_project / "sql" / "wrong.sql"
    written = query.read_text(encoding="utf-8")
    assert _run(small_project).ok
    first = _daily(small_project)
    query.write_text(written.replace("sum(kwh)", "max(kwh)"), encoding="utf-8")
    if how == "selected":
        assert _run(small_project, "daily").ok
    else:
        other.write_text("SELECT CAST(meter AS INTEGER) AS n FROM readings\n", encoding="utf-8")
        assert not _run(small_project).ok
        other.unlink()
    assert _daily(small_project) != first
    query.write_text(written, encoding="utf-8")
    again = _run(small_project)
    assert again.ok and any(step.status == "done" for step in again.steps)
    assert _daily(small_project) == first
    last = _run(small_project)
    assert last.ok and all(step.status == "skipped" for step in last.steps)


def test_a_rule_that_is_an_error_gates_every_run(small_project: Path):
    contract = small_project / "contracts" / "daily.odcs.yaml"
    contract.write_text(
        contract.read_text(encoding="utf-8")
        + "    quality:\n"
        + "      - {name: never, type: sql, query: SELECT count(*) FROM daily,"
        + " mustBe: 999999, severity: error}\n",
        encoding="utf-8",
    )
    for _ in range(2):
        told = _run(small_project)
        assert not told.ok and "quality.not-met" in {
            d.code for d in told.diagnostics if d.severity == "error"
        }


def test_a_raw_file_that_changes_while_it_is_read_is_not_kept_under_its_old_hash(
    small_project: Path,
):
    raw = small_project / "raw" / "readings.csv"

    def change(step: str, node: str) -> None:
        if step == "collect":
            raw.write_text(raw.read_text(encoding="utf-8") + "M1,3/2/2024 1:00,1.00,\n", "utf-8")

    with Workspace(small_project) as ws:
        told = run(ws, (), change)
    assert told.error is not None and told.error.code == "collect.file-changed"
    assert _run(small_project).ok


def test_a_project_that_measures_nothing_states_no_score(tmp_path: Path):
    """Not assessable is not 0."""
    from sanhua.workspace.starting import init

    init(tmp_path / "blank", "blank")
    told = _run(tmp_path / "blank")
    assert told.ok and "score" not in told.to_json()["stages"]["resource"]


def test_a_promise_by_the_hour_is_judged_anew_in_the_next_hour(small_project: Path):
    """Nothing arrives: at nine the newest reading is fresh, at noon it is late."""
    from sanhua.resource.quality import Quality

    contract = small_project / "contracts" / "readings.odcs.yaml"
    promise = "{property: latency, value: 2, unit: h, element: readings.read_at}"
    text = contract.read_text(encoding="utf-8") + f"slaProperties:\n  - {promise}\n"
    contract.write_text(text, encoding="utf-8")
    raw = small_project / "raw" / "readings.csv"
    raw.write_text(raw.read_text("utf-8").replace("/2/2024", "/11/2026"), encoding="utf-8")
    found: list[tuple[str, set[str]]] = []
    for hour in (10, 10, 12):
        clock = SetClock(datetime(2026, 11, 2, hour, 30, tzinfo=SHANGHAI))
        with Workspace(small_project, clock=clock) as ws:
            ran = run(ws)
            with ws.store.begin(actor=ws.actor, read_only=True) as uow:
                quality = uow.get(Quality, "quality:readings")
            states = {f.id: f.state for f in quality.findings}
            found.append((states["check:readings/read_at.latency"], {s.status for s in ran.steps}))
    assert [state for state, _ in found] == ["passed", "passed", "failed"]
    assert found[1][1] == {"skipped"}


@pytest.mark.parametrize("table", ["${table}", "${object}", "{table}", "readings"])
def test_a_rule_may_call_its_table_and_column_as_the_standard_does(small_project: Path, table: str):
    from sanhua.resource.quality import Quality

    contract = small_project / "contracts" / "readings.odcs.yaml"
    rule = f"name: seen, type: sql, query: 'SELECT count(${{property}}) FROM {table}', mustBe: 38"
    text = contract.read_text(encoding="utf-8").replace(
        "- {name: phone, logicalType: string}",
        f"- {{name: phone, logicalType: string, quality: [{{{rule}}}]}}",
    )
    contract.write_text(text, encoding="utf-8")
    assert _run(small_project).ok
    with Workspace(small_project) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        found = uow.get(Quality, "quality:readings").findings
    (seen,) = [finding for finding in found if finding.label.zh == "seen"]
    assert (seen.state, seen.value) == ("passed", "38")
