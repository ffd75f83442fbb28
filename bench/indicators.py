"""688 indicators on a day's 2.6 million rows: how many scans and CPU seconds?

    python bench/indicators.py [--rows 2600000]

Half of them have one of three sets of dimensions. All are computed as `sanhua standards indicator`
does, on a snapshot that a run made.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from sanhua.workspace.governing import compute
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run

INDICATORS = 688
BUDGET_S = 300
COLUMNS = [f"v{n}" for n in range(12)]
BY = ((), (), (), ("region",), ("kind",), ("region", "kind"))
FORMULAS = (  # no two indicators share one
    "sum(CASE WHEN {b} > {n} THEN {a} END)",
    "count_if({a} > {n})",
    "max(CASE WHEN {b} < {n} THEN {a} END)",
    "count_if({a} > {b} + {n}) / count(*)",
)


def write(root: Path, rows: int) -> None:
    (root / "data").mkdir()
    values = ", ".join(
        f"CAST(hash(i * 31 + {n}) % 100000 AS DECIMAL(12,2)) / 100 AS {name}"
        for n, name in enumerate(COLUMNS)
    )
    duckdb.execute(
        f"COPY (SELECT i AS id, 'R' || (hash(i) % 30) AS region, 'K' || (hash(i + 7) % 5) AS kind, "
        f"{values} FROM range({rows}) t(i)) TO '{root / 'data' / 'day.parquet'}' (FORMAT parquet)"
    )
    files = {
        "sanhua.yaml": "sanhua: 1\nentities: {us: {}}\n",
        "parties.yaml": "us: {name: 本单位, roles: [holder]}\n",
        "sources/day.yaml": "files: data/day.parquet\ncadence: day\n",
        "contracts/day.odcs.yaml": "apiVersion: v3.1.0\nkind: DataContract\nid: day\n"
        "version: 1.0.0\nstatus: active\nschema:\n  - name: day\n    properties:\n"
        "      - {name: id, logicalType: integer}\n"
        "      - {name: region, logicalType: string}\n      - {name: kind, logicalType: string}\n"
        + "".join(
            f"      - {{name: {name}, logicalType: number, physicalType: 'DECIMAL(12,2)'}}\n"
            for name in COLUMNS
        ),
        "standards/indicators.yaml": "".join(indicator(n) for n in range(INDICATORS)),
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def indicator(n: int) -> str:
    a, b = COLUMNS[n % len(COLUMNS)], COLUMNS[(n * 5 + 1) % len(COLUMNS)]
    formula = FORMULAS[n % len(FORMULAS)].format(a=a, b=b, n=n)
    by = BY[n % len(BY)]
    told = f", by: [{', '.join(by)}]" if by else ""
    return f'i{n}: {{definition: 口径, table: day, formula: "{formula}"{told}}}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=2_600_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, rows)
        with Workspace(root, env={}) as ws:
            made = run(ws)
            if made.error:
                raise SystemExit(str(made.error))
            scans = 0
            engine: Any = ws.engine
            execute = engine._db.execute

            class Counted:
                def __getattr__(self, name: str) -> Any:
                    return getattr(execute.__self__, name)

                def execute(self, text: str, *more: Any) -> Any:
                    nonlocal scans
                    scans += text.startswith("SELECT") and "WHERE FALSE" not in text
                    return execute(text, *more)

            engine._db = Counted()
            started, cpu = time.perf_counter(), time.process_time()
            told = compute(ws)
            seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    result = {
        "bench": "indicators",
        "on": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "rows": rows,
        "indicators": len(told),
        "failed": sum(bool(one["error"]) for one in told),
        "with_dimensions": sum(bool(one["by"]) for one in told),
        "queries": scans,
        "seconds": round(seconds, 1),
        "cpu_s": round(cpu, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "budget_s": BUDGET_S,
    }
    out = Path(__file__).parent / "results" / f"indicators-{result['on']}.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
