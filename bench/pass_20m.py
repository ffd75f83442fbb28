"""Profile, thirty rules, sampled detectors and a key over 20 M rows of 12 columns.

    python bench/pass_20m.py [--rows 20000000] [--rounds 5] [--write]

Each part runs in a fresh process, all parts in turn, several rounds: a ratio is the median of the
rounds' ratios, seconds are medians. The data are synthetic, made by a formula. `pass` goes through
contract, checks and `Engine.measure` as `run` does; `bare` executes the same expressions as SQL on
DuckDB alone; `floor` hashes every column. `build` and `copy` are the same ordered SELECTs, as
snapshots of the lake (hashed, synced to disk) and as a bare COPY. Peak memory is the process's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from sanhua.engine.duck import ROW_GROUP_ROWS, SAMPLED_GROUPS, SAMPLED_ROWS, DuckEngine
from sanhua.engine.lake import Lake, describe
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.table import Column, Manifest, Part
from sanhua.project import load
from sanhua.resource import grade, profile, quality
from sanhua.rules.packs import Packs

ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 11, 23)
MEMORY = "1GB"

COLUMNS = {
    "id": ("BIGINT", "i"),
    "customer": ("VARCHAR", "'C' || lpad((h % 5000)::VARCHAR, 5, '0')"),
    "uscc": ("VARCHAR", "'91350100M' || lpad((h % 5000)::VARCHAR, 8, '0') || 'X'"),
    "phone": ("VARCHAR", "CASE WHEN h % 50 > 0 THEN '13' || (100000000 + h % 899999999) END"),
    "name": ("VARCHAR", "'某某制造有限公司' || (h % 5000)"),
    "district": ("VARCHAR", "'3501' || lpad((h % 12)::VARCHAR, 2, '0')"),
    "status": ("VARCHAR", "['running', 'stopped', 'fault', 'unknown'][1 + (h % 4)::BIGINT]"),
    "read_at": ("TIMESTAMP", "TIMESTAMP '2025-01-01' + to_minutes((i // 5000 * 15)::BIGINT)"),
    "day": ("DATE", "DATE '2025-01-01' + (i // 480000)::INTEGER"),
    "kwh": ("DECIMAL(12,2)", "((h % 100000) / 100)::DECIMAL(12,2)"),
    "voltage": ("DOUBLE", "210 + (h % 2000) / 100.0"),
    "meter": ("VARCHAR", "'M' || lpad((h % 7000)::VARCHAR, 10, '0')"),
}  # fmt: skip

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: readings
version: 1.0.0
status: active
schema:
  - name: readings
    properties:
      - {name: id, logicalType: integer, required: true, primaryKey: true, primaryKeyPosition: 1}
      - name: customer
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^C[0-9]{5}$'}
      - name: uscc
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^[0-9A-HJ-NPQRTUWXY]{18}$'}
      - name: phone
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^1[3-9][0-9]{9}$'}
        quality:
          - type: library
            metric: missingValues
            arguments: {missingValues: ['', N/A]}
            unit: percent
            mustBeLessThan: 5
      - name: name
        logicalType: string
        required: true
        logicalTypeOptions: {minLength: 2, maxLength: 60}
      - name: district
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^3501[0-9]{2}$'}
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: ['350100', '350101', '350102']}
            unit: percent
            mustBeLessThan: 90
      - name: status
        logicalType: string
        required: true
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [running, stopped, fault]}
            unit: percent
            mustBeLessThan: 30
      - name: read_at
        logicalType: timestamp
        required: true
        logicalTypeOptions: {minimum: '2024-01-01 00:00:00'}
      - name: day
        logicalType: date
        required: true
        logicalTypeOptions: {minimum: '2024-01-01', maximum: '2027-12-31'}
      - name: kwh
        logicalType: number
        physicalType: decimal(12,2)
        required: true
        logicalTypeOptions: {minimum: 0, maximum: 900}
      - name: voltage
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: 198, maximum: 235.4}
      - name: meter
        logicalType: string
        required: true
        logicalTypeOptions: {minLength: 11, maxLength: 11}
    quality:
      - {type: library, metric: rowCount, mustBeGreaterThan: 0}
slaProperties:
  - {property: latency, value: 400, unit: d, element: readings.day}
"""


def contract_in(folder: Path) -> tuple[Any, Any]:
    (folder / "contracts").mkdir(parents=True, exist_ok=True)
    (folder / "sanhua.yaml").write_text("sanhua: 1\nentities: {grid: {}}\n")
    (folder / "parties.yaml").write_text(
        "grid: {name: 电网公司, uscc: 91350100M000100Y43, roles: [holder]}\n"
    )
    (folder / "contracts" / "readings.odcs.yaml").write_text(CONTRACT)
    project = load(folder, {})
    assert not project.diagnostics, project.diagnostics
    return project, project.contracts["readings"]


def make(folder: Path, rows: int) -> None:
    """The table as one snapshot of a lake in `folder`."""
    lake = Lake(folder / "lake")
    listed = ", ".join(f"({made})::{type} AS {name}" for name, (type, made) in COLUMNS.items())
    with lake.writing() as at:
        path = at / "part-0.parquet"
        db = duckdb.connect()
        db.execute(
            f"COPY (SELECT {listed} FROM (SELECT range AS i, hash(range) AS h FROM range({rows}))) "
            f"TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
        )
        columns = tuple(Column(name, type) for name, (type, _) in COLUMNS.items())
        manifest = Manifest("readings", "raw", columns, (Part(describe(path, rows)),), (), "bench")
        lake.keep(at, manifest)
    (folder / "id").write_text(manifest.id)


def wanted(folder: Path, manifest: Manifest) -> tuple[list[Metric], list[Metric], int]:
    """What `run` measures of the table: profile and rules, detectors; and how many rules."""
    project, contract = contract_in(folder / "project")
    rules = Packs.load(("cn",))
    (schema,) = contract.tables
    found = quality.checks(
        contract, schema, project.elements, project.codes, rules, TODAY, manifest=manifest
    )
    metrics = quality.metrics(found) + profile.metrics("readings", manifest.columns)
    return metrics, grade.detectors(manifest.columns, rules, TODAY), len(found)


def bare(folder: Path, manifest: Manifest, *, limited: bool) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(config={"memory_limit": MEMORY} if limited else {})
    db.execute("SET TimeZone = 'UTC'")
    path = Lake(folder / "lake").path(manifest) / "part-0.parquet"
    db.execute(f"CREATE VIEW readings AS SELECT * FROM read_parquet('{path}')")
    return db


def run_floor(folder: Path, manifest: Manifest) -> dict[str, Any]:
    db = bare(folder, manifest, limited=True)
    hashed = ", ".join(f"bit_xor(hash({name}))" for name in COLUMNS)

    def work() -> dict[str, Any]:
        db.execute(f"SELECT {hashed} FROM readings").fetchall()
        return {}

    return timed(work)


def run_pass(folder: Path, manifest: Manifest) -> dict[str, Any]:
    engine = DuckEngine(Lake(folder / "lake"), memory=MEMORY)

    def work() -> dict[str, Any]:
        metrics, detectors, rules = wanted(folder, manifest)
        engine.bind(manifest)
        measured = engine.measure("readings", [*metrics, *detectors])
        picked = grade.samples(manifest.columns, measured)
        measured += engine.measure("readings", list(picked.values()))
        assert all(one.error is None for one in measured), [m for m in measured if m.error][:3]
        found = answers(manifest, measured)
        return {"metrics": len(measured), "rules": rules, "answers": found}

    return timed(work)


def answers(manifest: Manifest, measured: list[Measured]) -> str:
    """A hash of all that was found; the same every time."""
    values = [[m.metric.id, str(m.value)] for m in measured if "profile:" not in m.metric.id]
    text = json.dumps([values, repr(profile.of(manifest, measured))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_bare(folder: Path, manifest: Manifest) -> dict[str, Any]:
    metrics, detectors, _ = wanted(folder, manifest)
    asked = [*metrics, *detectors]
    db = bare(folder, manifest, limited=True)
    path = Lake(folder / "lake").path(manifest) / "part-0.parquet"
    starts = range(0, manifest.rows, SAMPLED_GROUPS * ROW_GROUP_ROWS)
    sample = " OR ".join(
        f"file_row_number BETWEEN {start} AND {start + ROW_GROUP_ROWS - 1}" for start in starts
    )
    every = -(-len(starts) * ROW_GROUP_ROWS // SAMPLED_ROWS)
    sample = f"({sample}) AND file_row_number % {every} = 0"

    def work() -> dict[str, Any]:
        for scan, source in (
            (Scan.SHARED, "readings"),
            (Scan.SAMPLE, f"read_parquet('{path}', file_row_number = true) WHERE {sample}"),
        ):
            listed = dict.fromkeys(m.expression for m in asked if m.scan is scan)
            db.execute(f"SELECT {', '.join(listed)} FROM {source}").fetchall()
        for key in (m.expression for m in asked if m.scan is Scan.UNIQUE):
            db.execute(
                "SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM readings "
                f"WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1)"
            ).fetchall()
        for query in (m.expression for m in asked if m.scan is Scan.QUERY):
            db.execute(query).fetchall()
        return {}

    return timed(work)


BUILT = (
    "SELECT customer, day, sum(kwh)::DECIMAL(18,2) AS kwh, avg(voltage) AS voltage, count(*) AS n, "
    "max(read_at) AS latest FROM readings GROUP BY customer, day"
)
KEPT = "SELECT id, customer, read_at, kwh, status FROM readings WHERE status <> 'unknown'"


def run_build(folder: Path, manifest: Manifest) -> dict[str, Any]:
    engine = DuckEngine(Lake(folder / "lake"), memory=MEMORY)
    engine.bind(manifest)

    def work() -> dict[str, Any]:
        kept = engine.build("kept", KEPT, order_by=["id"], types={}, inputs=[manifest.id], step="s")
        made = engine.build(
            "daily", BUILT, order_by=["customer", "day"], types={}, inputs=[manifest.id], step="s"
        )
        return {"rows": kept.rows + made.rows}

    return timed(work)


def run_copy(folder: Path, manifest: Manifest) -> dict[str, Any]:
    db = bare(folder, manifest, limited=True)
    options = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"

    def work() -> dict[str, Any]:
        for number, query in enumerate((KEPT, BUILT)):
            target = folder / f"copy-{number}.parquet"
            ordered = f"SELECT * FROM ({query}) ORDER BY ALL NULLS FIRST"
            db.execute(f"COPY ({ordered}) TO '{target}' {options}")
        return {}

    return timed(work)


def timed(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **made,
    }


PARTS = {
    "floor": run_floor,
    "bare": run_bare,
    "pass": run_pass,
    "copy": run_copy,
    "build": run_build,
}


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
    asked.add_argument("--rows", type=int, default=20_000_000)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--part", choices=PARTS)
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args()
    if given.part:
        manifest = Lake(given.folder / "lake").load(
            "raw", "readings", (given.folder / "id").read_text()
        )
        print(json.dumps(PARTS[given.part](given.folder, manifest)))
        return
    with tempfile.TemporaryDirectory(prefix="pass-") as name:
        folder = Path(name)
        make(folder, given.rows)
        rounds: list[dict[str, dict[str, Any]]] = []
        for number in range(given.rounds):
            rounds.append({part: alone(part, folder) for part in PARTS})
            print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)

    def middle(part: str, key: str) -> float:
        return round(median(one[part][key] for one in rounds), 2)

    def ratio(part: str, to: str, key: str) -> float:
        return round(median(one[part][key] / one[to][key] for one in rounds), 3)

    figures = {
        "rows": given.rows,
        "columns": len(COLUMNS),
        "rules": rounds[0]["pass"]["rules"],
        "metrics": rounds[0]["pass"]["metrics"],
        "same_answers_every_round": len({one["pass"]["answers"] for one in rounds}) == 1,
        **{
            part: {
                "wall_s": middle(part, "wall_s"),
                "cpu_s": middle(part, "cpu_s"),
                "peak_mb": max(one[part]["peak_mb"] for one in rounds),
            }
            for part in PARTS
        },
        "pass_over_bare": {key: ratio("pass", "bare", key) for key in ("cpu_s", "wall_s")},
        "pass_over_floor": {key: ratio("pass", "floor", key) for key in ("cpu_s", "wall_s")},
        "build_over_copy": {key: ratio("build", "copy", key) for key in ("cpu_s", "wall_s")},
        "bars": {"pass_over_bare": 1.05, "pass_over_floor": 8.0, "peak_mb": 1200},
        "rounds": given.rounds,
        "duckdb": duckdb.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "load": os.getloadavg()[0],
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    print(json.dumps(figures, indent=2))
    if given.write:
        path = ROOT / "bench" / "results" / f"pass_20m-{figures['date']}.json"
        path.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
