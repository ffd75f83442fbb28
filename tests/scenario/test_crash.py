"""kill -9 at any moment of `run`: nothing acknowledged is lost, the next run continues, the log
verifies.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sanhua.workspace.opening import Workspace
from sanhua.workspace.verifying import verify_store

KILLS = int(os.environ.get("SANHUA_CRASH_KILLS", "100"))


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sanhua", "run", "-C", str(folder), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _events(folder: Path) -> list[str]:
    """The ids of the events that are committed now, read past the program."""
    path = folder / "state" / "state.db"
    if not path.exists():
        return []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        try:
            return [row[0] for row in db.execute("SELECT id FROM event ORDER BY seq")]
        except sqlite3.OperationalError:
            return []


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not to be had on Windows")
def test_a_run_killed_at_any_moment_loses_nothing_and_the_next_one_continues(
    small_project: Path, tmp_path: Path
):
    """The kills fall all over the run's length. `SANHUA_CRASH_KILLS=10` shortens the test while
    writing code.
    """
    seeded = random.Random(20261123)
    whole = tmp_path / "whole"
    shutil.copytree(small_project, whole)
    started = time.perf_counter()
    first = _start(whole)
    out, _ = first.communicate(timeout=120)
    length = time.perf_counter() - started
    assert first.returncode == 0, out
    expected = json.loads(out)["stages"]

    kills, folder, lives = 0, tmp_path / "life0", 0
    shutil.copytree(small_project, folder)
    while kills < KILLS:
        committed = _events(folder)
        process = _start(folder)
        try:
            process.communicate(timeout=seeded.uniform(0.05, 1.1) * length)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
        after = _events(folder)
        assert after[: len(committed)] == committed, "an acknowledged event is gone"
        if process.returncode == 0 or kills % 10 == 0:  # begin another life, half-built or not
            _check(folder, expected)
            lives += 1
            folder = tmp_path / f"life{lives}"
            shutil.copytree(small_project, folder)
    _check(folder, expected)


def _check(folder: Path, expected: dict[str, object]) -> None:
    last = _start(folder)
    out, _ = last.communicate(timeout=120)
    assert last.returncode == 0, out
    assert json.loads(out)["stages"] == expected
    with Workspace(folder) as ws:
        verdict = verify_store(ws)
    assert verdict.ok, verdict.faults
    leftovers = [
        path
        for path in (*(folder / "state").rglob("*"), *(folder / ".sanhua" / "tmp").iterdir())
        if path.name.startswith((".tmp", "tmp"))
    ]
    assert not leftovers
