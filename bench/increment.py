"""A day of 2.6 M rows on 200 M kept rows: collect, profile, thirty rules, detectors, key.

    python bench/increment.py [--rows 2600000] [--days 77] [--write]

The history is written into the lake as one snapshot of a part a day (synthetic, by the formula of
`pass_20m`) and measured once; that is not the figure. Then a day comes as a raw Parquet file and
goes through `Engine.collect` and `Engine.measure` as in a run, in a process of its own; the same
after a history of a fifth of the days shows how the cost follows the increment, not the history.
A second rule set has one rule changed. Peak memory is the process's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from pass_20m import COLUMNS, MEMORY, timed, wanted

from sanhua.engine.duck import ROW_GROUP_ROWS, DuckEngine
from sanhua.engine.hashes import Hashes
from sanhua.engine.lake import Lake, describe
from sanhua.kernel.table import Column, Kept, Manifest, Part, RawColumn, Reading
from sanhua.resource import grade

ROOT = Path(__file__).resolve().parents[1]


def day(path: Path, number: int, rows: int) -> None:
    """The rows of one day, `id` and `read_at` going on from the day before."""
    listed = ", ".join(f"({made})::{type} AS {name}" for name, (type, made) in COLUMNS.items())
    listed = listed.replace("480000", str(rows)).replace(
        "to_minutes((i // 5000 * 15)", f"to_minutes((i * 1440 // {rows})"
    )
    start = number * rows
    duckdb.execute(
        f"COPY (SELECT {listed} FROM (SELECT range AS i, hash(range) AS h "
        f"FROM range({start}, {start + rows}))) TO '{path}' "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
    )


def history(folder: Path, days: int, rows: int) -> Manifest:
    lake = Lake(folder / "lake")
    with lake.writing() as at:
        parts: list[Part] = []
        for number in range(days):
            path = at / f"part-{number}.parquet"
            day(path, number, rows)
            name = f"day{number:03}.parquet"
            parts.append(Part(describe(path, rows), (f"raw_file:readings@{number}",), (name,)))
        columns = tuple(Column(name, type) for name, (type, _) in COLUMNS.items())
        inputs = tuple(node for part in parts for node in part.inputs)
        manifest = Manifest("readings", "raw", columns, tuple(parts), inputs, "bench")
        lake.keep(at, manifest)
    (folder / "id").write_text(manifest.id)
    return manifest


def opened(folder: Path) -> DuckEngine:
    lake = Lake(folder / "lake", Hashes(folder / "hashes.db"))
    return DuckEngine(lake, memory=MEMORY, temp=folder / "tmp", kept=folder / "measured.duckdb")


def measure(engine: DuckEngine, folder: Path, manifest: Manifest) -> int:
    """As `run` does; how many metrics."""
    assert not engine.lake.verify(manifest, whole=False)
    engine.bind(manifest)
    metrics, detectors, _ = wanted(folder, manifest)
    measured = engine.measure("readings", metrics)
    found = engine.measure("readings", detectors)
    found += engine.measure("readings", list(grade.samples(manifest.columns, found).values()))
    measured += found
    assert all(one.error is None for one in measured), [m for m in measured if m.error][:3]
    return len(measured)


def run_first(folder: Path) -> dict[str, Any]:
    manifest = Lake(folder / "lake").load("raw", "readings", (folder / "id").read_text())
    engine = opened(folder)
    found = timed(lambda: {"metrics": measure(engine, folder, manifest)})
    engine.close()
    return found


def run_day(folder: Path) -> dict[str, Any]:
    before = Lake(folder / "lake").load("raw", "readings", (folder / "id").read_text())
    engine = opened(folder)
    kept = [
        Kept(part, before.id, frozenset(zip(part.inputs, part.names, strict=True)))
        for part in before.parts
    ]
    files = [folder / name for part in before.parts for name in part.names]
    number = len(files)
    name = f"day{number:03}.parquet"
    names = [*(file.name for file in files), name]
    columns = [RawColumn(name, type) for name, (type, _) in COLUMNS.items()]

    def work() -> dict[str, Any]:
        started = time.process_time()
        manifest = engine.collect(
            "readings",
            [*files, folder / name],
            Reading(),
            columns,
            inputs=[*before.inputs, f"raw_file:readings@{number}"],
            step="bench",
            names=names,
            before=kept,
        )
        collected = time.process_time() - started
        metrics = measure(engine, folder, manifest)
        (folder / "id").write_text(manifest.id)
        return {"rows": manifest.rows, "metrics": metrics, "collect_cpu_s": collected}

    found = timed(work)
    engine.close()
    return found


PARTS = {"first": run_first, "day": run_day}


def alone(part: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--part", part, "--folder", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=2_600_000)
    asked.add_argument("--days", type=int, default=77)
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--part", choices=PARTS)
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args()
    if given.part:
        print(json.dumps(PARTS[given.part](given.folder)))
        return
    figures: dict[str, Any] = {
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python "
        f"{platform.python_version()}, DuckDB {duckdb.__version__}",
        "load": os.getloadavg()[0],
        "rows_a_day": given.rows,
    }
    for days in (given.days // 5, given.days):
        with tempfile.TemporaryDirectory(prefix="increment-") as name:
            folder = Path(name)
            history(folder, days, given.rows)
            found = {"first": alone("first", folder)}
            for turn in range(3):  # three days, one after the other
                day(folder / f"day{days + turn:03}.parquet", days + turn, given.rows)
                found[f"day {turn + 1}"] = alone("day", folder)
            found["kept_mb"] = round((folder / "measured.duckdb").stat().st_size / 2**20, 1)
            figures[f"after {days * given.rows:,} rows"] = found
            print(json.dumps(found), file=sys.stderr)
    print(json.dumps(figures, indent=1))
    if given.write:
        target = ROOT / "bench" / "results" / f"increment-{datetime.now(UTC):%Y-%m-%d}.json"
        target.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
