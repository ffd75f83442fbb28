"""Hostile files through the real paths: a code or rejects, never a crash, nothing written outside.

`bench/hostile.py` makes a thousand of them, each in a process of its own; these are the quick ones.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "hostile.py"
SPOILED = 48
TRAPS = (
    "member .", "member /", "member a", "member C", "zip link", "tar entry", "encrypted",
    "zip of zips", "a folder", "far cells", "beyond all", "no number", "half a character",
    "billion laughs", "outside entity", "formulas",
)  # fmt: skip


@pytest.fixture(scope="module")
def hostile() -> Any:
    spec = importlib.util.spec_from_file_location("hostile", BENCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore")
def test_spoiled_files_end_in_a_code_or_in_rows_and_nothing_is_written_outside(
    hostile: Any, tmp_path: Path
):
    dice = random.Random(4)
    sources = list(hostile.sound().values())
    cases = [hostile.spoil(sources[n % len(sources)], dice) for n in range(SPOILED)]
    cases += [hostile.spoil(one, dice) for one in hostile.sound_project().values()]
    (tmp_path / "canary.txt").write_text("canary")
    root = tmp_path / "project"
    root.mkdir()
    hostile.put_project(root)
    before = hostile.tree(tmp_path, root)
    kinds = set[str]()
    for case in cases:
        if case.at and case.at not in hostile.PROJECT:
            continue
        good = (root / case.at).read_bytes() if case.at else b""
        hostile.put(case, root / (case.at or f"raw/{case.file.partition('!')[0]}"))
        found = hostile.run_case(case, root)
        assert found["kind"] != "crashed", (case.name, found)
        kinds.add(found["kind"])
        if case.at:
            (root / case.at).write_bytes(good)
    assert kinds == {"coded", "read"}
    assert hostile.tree(tmp_path, root) == before


@pytest.mark.filterwarnings("ignore")
def test_traps_are_refused_or_read_for_what_they_are(hostile: Any, tmp_path: Path):
    root = tmp_path / "project"
    root.mkdir()
    hostile.put_project(root)
    before = hostile.tree(tmp_path, root)
    tried = 0
    for case in hostile.built():
        if case.at:
            break
        if any(trap in case.name for trap in TRAPS):
            tried += 1
            path = root / f"raw/{case.file.partition('!')[0]}"
            hostile.put(case, path)
            found = hostile.run_case(case, root)
            assert found["kind"] != "crashed", (case.name, found)
            if "member" in case.name or "link" in case.name or "entry" in case.name:
                assert found["kind"] == "coded", case.name
            path.rmdir() if path.is_dir() else path.unlink()
    assert tried > 20
    assert hostile.tree(tmp_path, root) == before
