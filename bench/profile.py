"""`sanhua profile` beside ydata-profiling on 100,000 rows × 19 columns of made flights.

    python bench/profile.py [--rows 100000] [--rounds 3] [--peers FOLDER] [--write]

Whole processes in turn, from a CSV to a page on disk; CPU seconds, medians. Start-up
is the same process that only loads what it needs, and is taken off for the net figure. FOLDER/ydata
is a virtual environment with ydata-profiling. The data are made by a formula, columns as in
nycflights13: mostly small numbers and codes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = {
    "year": "2013",
    "month": "1 + i * 12 // n",
    "day": "1 + h % 28",
    "dep_time": "CASE WHEN h % 41 > 0 THEN (5 + h % 18) * 100 + (h // 7) % 60 END",
    "sched_dep_time": "(5 + h % 18) * 100 + (h // 11) % 60",
    "dep_delay": "CASE WHEN h % 41 > 0 THEN (h // 13) % 60 - 20 + "
    "CASE WHEN h % 9 = 0 THEN (h // 17) % 300 ELSE 0 END END",
    "arr_time": "CASE WHEN h % 41 > 0 THEN (7 + h % 17) * 100 + (h // 19) % 60 END",
    "arr_delay": "CASE WHEN h % 39 > 0 THEN (h // 23) % 90 - 40 END",
    "carrier": "['UA','B6','EV','DL','AA','MQ','US','9E','WN','VX','FL','AS','F9','YV','HA','OO']"
    "[1 + (sqrt(h % 256))::BIGINT % 16]",
    "flight": "1 + (h // 29) % 3844",
    "tailnum": "CASE WHEN h % 134 > 0 THEN 'N' || (100 + (h // 31) % 900) || "
    "['UA','JB','DL','AA'][1 + (h // 37 % 4)] END",
    "origin": "['EWR','JFK','LGA'][1 + (h // 41 % 3)]",
    "dest": "chr((65 + h // 43 % 5)::INT) || chr((65 + h // 47 % 21)::INT) || 'X'",
    "air_time": "CASE WHEN h % 39 > 0 THEN 20 + (h // 53) % 640 END",
    "distance": "80 + (h // 59) % 4900",
    "hour": "5 + h % 18",
    "minute": "(h // 11) % 60",
    "fare": "((h // 61) % 100000 / 100.0)::DECIMAL(9,2)",
    "time_hour": "TIMESTAMP '2013-01-01 05:00:00' + to_hours((i * 8760 // n)::BIGINT)",
}

YDATA = """
import sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from ydata_profiling import ProfileReport
if len(sys.argv) > 2:
    ProfileReport(pd.read_csv(sys.argv[1]), minimal=True, progress_bar=False).to_file(sys.argv[2])
"""
OURS = "import sanhua.cli.commands, sanhua.cli.profiling, sanhua.workspace.profiling"


def make(path: Path, rows: int) -> None:
    listed = ", ".join(f"{made} AS {name}" for name, made in COLUMNS.items())
    duckdb.connect().execute(
        f"COPY (SELECT {listed} FROM (SELECT range AS i, {rows} AS n, "
        f"(hash(range) % 9007199254740991)::BIGINT AS h FROM range({rows}))) TO '{path}' (HEADER)"
    )


def measured(words: list[str]) -> dict[str, float]:
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": time.perf_counter() - begun}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=100_000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--peers", type=Path, default=Path("peers"))
    asked.add_argument("--write", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="profile-") as name:
        folder = Path(name)
        path, page = folder / "flights.csv", folder / "report.html"
        make(path, given.rows)
        sanhua = [str(Path(sys.executable).with_name("sanhua")), "profile", str(path)]
        peer = [str(given.peers.resolve() / "ydata" / "bin" / "python"), "-c", YDATA]
        parts = {
            "sanhua": [*sanhua, "--html", str(page)],
            "sanhua_start": [sys.executable, "-c", OURS],
            "ydata": [*peer, str(path), str(page)],
            "ydata_start": peer,
        }
        runs = [
            {part: measured(words) for part, words in parts.items()} for _ in range(given.rounds)
        ]
        size = path.stat().st_size
    figures: dict[str, Any] = {"rows": given.rows, "columns": len(COLUMNS), "file_mb": size >> 20}
    for part in parts:
        figures[part] = {
            key: round(median(run[part][key] for run in runs), 2) for key in ("cpu_s", "wall_s")
        }

    def cpu(part: str) -> float:
        return median(run[part]["cpu_s"] for run in runs)

    figures["ydata_over_sanhua"] = {
        "whole": round(cpu("ydata") / cpu("sanhua"), 1),
        "net_of_start": round(
            (cpu("ydata") - cpu("ydata_start")) / (cpu("sanhua") - cpu("sanhua_start")), 1
        ),
    }
    figures |= {
        "bars": {"ydata_over_sanhua": 50, "sanhua_wall_s": 1.5},
        "rounds": given.rounds,
        "duckdb": duckdb.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "load": [round(one, 1) for one in os.getloadavg()],
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    print(json.dumps(figures, indent=2))
    if given.write:
        target = ROOT / "bench" / "results" / f"profile-{figures['date']}.json"
        whole = json.loads(target.read_text()) if target.exists() else {}
        whole[str(given.rows)] = figures
        target.write_text(json.dumps(whole, indent=2) + "\n")


if __name__ == "__main__":
    main()
