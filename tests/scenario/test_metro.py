"""examples/metro: four cadences, as its README says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_bad_input import told

from sanhua.kernel.time import legal_day
from sanhua.store.clock import SystemClock

EXAMPLE = Path(__file__).parents[2] / "examples" / "metro"


@pytest.fixture
def metro(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, find_data: Callable[[str], Path]
) -> Path:
    data = find_data("metro_hangzhou_flow").parent
    find_data("metro_gtfs")
    monkeypatch.setenv("SANHUA_DATA", str(data))
    return Path(shutil.copytree(EXAMPLE, tmp_path / "metro"))


def feed(folder: Path, *options: str) -> None:
    done = subprocess.run(
        [sys.executable, folder / "feed.py", *options],
        capture_output=True, text=True, env={**os.environ}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def run(folder: Path) -> dict[str, Any]:
    code, said = told("run", "-C", folder)
    assert code == 0, [d for d in said["diagnostics"] if d["severity"] == "error"]
    return {step["node"]: step for step in said["steps"] if step["step"] in ("collect", "build")}


def test_the_readme_is_followed_every_passenger_counts_once_and_the_totals_tie(metro: Path):
    yesterday = legal_day(SystemClock().now()) - timedelta(days=1)
    feed(metro, "--day", str(yesterday))
    steps = run(metro)
    assert steps["table:flow"]["rows"] == 288 * 80 and steps["table:flow_day"]["rows"] == 80
    assert steps["table:stop_times"]["rows"] == steps["table:departures"]["rows"]
    feed(metro, "--hours", "2")
    rows = run(metro)["table:flow"]["rows"]
    assert rows >= 288 * 80 + 12 * 80  # some of the two hours may be yesterday's
    feed(metro, "--correct", "2")
    assert run(metro)["table:flow"]["rows"] == rows
    feed(metro, "--repeat", "3")
    feed(metro, "--break", "1")
    said = run(metro)
    assert said["table:flow"]["status"] == "skipped" or said["table:flow"]["rows"] == rows
    _, fresh = told("report", "freshness", "-C", metro)
    (flow,) = [one for one in fresh["sources"] if one["source"] == "flow"]
    counted = [flow[key] for key in ("repeated", "corrected", "unreadable")]
    assert counted == [2, 2, 1]  # bytes that a correction replaced do not come back
    assert told("verify", "-C", metro)[0] == 0
    closing = metro / f"inbox/day/day_{yesterday:%Y%m%d}.csv"
    totals = ["station,day,inflow", *(f"{n},{yesterday},1" for n in range(80))]
    closing.write_text("\n".join(totals) + "\n", "utf-8")
    closing.with_name(f"{closing.name}.ok").touch()
    _, said = told("run", "-C", metro)
    (unmet,) = [d for d in said["diagnostics"] if d["code"] == "quality.differs"]
    assert "flow_by_day" in unmet["message"] and "inflow" in unmet["message"]
