"""A CSV of 10 M rows into a raw snapshot with its rejects, beside DuckDB alone doing as much.

    python bench/collect.py [--rows 10000000] [--rounds 3] [--polars PYTHON] [--write]

`collect` checks every byte's encoding, types each value exactly, keeps each misfit whole with its
reasons, hashes and syncs what it wrote. `bare` is DuckDB's reader with typed columns and
`store_rejects`, copied to Parquet: it rounds 7.5 to 8 as a whole number and keeps no misfit's row.
`polars` (where another PYTHON has it) casts the same columns, sinks the rows that fit to Parquet
and the others, with their number and whole, to a second: it takes no notice of encoding, line
ends or rows of another shape. Each in a fresh process, in turn; medians. The data are synthetic.
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
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = {
    "id": "BIGINT",
    "customer": "VARCHAR",
    "meter": "VARCHAR",
    "read_at": "TIMESTAMP",
    "kwh": "DECIMAL(12,2)",
    "volts": "BIGINT",
}


def make(path: Path, rows: int) -> None:
    """One value in a thousand is no number."""
    import duckdb

    duckdb.connect().execute(
        "COPY (SELECT range AS id, 'C' || (range % 5000) AS customer, "
        "'M' || (range % 7000) AS meter, "
        "TIMESTAMP '2025-01-01' + to_minutes(range // 5000) AS read_at, "
        "(hash(range) % 100000 / 100)::DECIMAL(12,2) AS kwh, "
        "CASE WHEN range % 1000 = 0 THEN 'bad' ELSE (hash(range) % 240)::VARCHAR END AS volts "
        f"FROM range({rows})) TO '{path}' (HEADER)"
    )


def collect(folder: Path) -> dict[str, Any]:
    from sanhua.engine.duck import DuckEngine
    from sanhua.engine.lake import Lake
    from sanhua.kernel.table import RawColumn, Reading

    engine = DuckEngine(Lake(folder / f"lake-{os.getpid()}"), temp=folder)
    columns = [RawColumn(name, type) for name, type in COLUMNS.items()]
    made = engine.collect(
        "t",
        [folder / "a.csv"],
        Reading(),
        columns,
        inputs=["raw_file:a"],
        step="s",
        names=["a.csv"],
    )
    engine.close()
    return {"rows": made.rows, "rejected": made.rejected}


def bare(folder: Path) -> dict[str, Any]:
    import duckdb

    db = duckdb.connect(config={"memory_limit": "1GB"})
    listed = ", ".join(f"{name}: '{type}'" for name, type in COLUMNS.items())
    done = db.execute(
        f"COPY (SELECT * FROM read_csv('{folder / 'a.csv'}', auto_detect = false, header = true, "
        f"columns = {{{listed}}}, store_rejects = true, rejects_limit = 0)) "
        f"TO '{folder / f'o-{os.getpid()}.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    )
    return {"rows": done.fetchall()[0][0]}


def polars(folder: Path) -> dict[str, Any]:
    import polars as pl  # pyright: ignore[reportMissingImports]

    read = pl.scan_csv(folder / "a.csv", infer_schema=False)
    types = {"id": pl.Int64, "kwh": pl.Decimal(12, 2), "volts": pl.Int64}
    made = {name: pl.col(name).cast(type, strict=False) for name, type in types.items()}
    made["read_at"] = pl.col("read_at").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    typed = read.with_columns(*(cast.alias(f"v_{name}") for name, cast in made.items()))
    misfit = pl.any_horizontal(
        [pl.col(f"v_{name}").is_null() & pl.col(name).is_not_null() for name in made]
    )
    fitting = [pl.col(f"v_{n}").alias(n) if n in made else pl.col(n) for n in COLUMNS]
    good, bad = (folder / f"{kind}-{os.getpid()}.parquet" for kind in ("good", "bad"))
    pl.collect_all(
        [
            typed.filter(~misfit).select(fitting).sink_parquet(good, compression="zstd", lazy=True),
            typed.with_row_index("record").filter(misfit).select("record", *COLUMNS)
            .sink_parquet(bad, lazy=True),
        ],
        engine="streaming",
    )  # fmt: skip
    rows = (pl.scan_parquet(one).select(pl.len()).collect().item() for one in (good, bad))
    return dict(zip(("rows", "rejected"), rows, strict=True)) | {"version": pl.__version__}


PARTS = {"bare": bare, "collect": collect, "polars": polars}


def alone(part: str, folder: Path, python: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, __file__, "--part", part, "--folder", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=10_000_000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--polars", metavar="PYTHON")
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--part", choices=PARTS)
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args()
    if given.part:
        wall, cpu = time.perf_counter(), time.process_time()
        made = PARTS[given.part](given.folder)
        made |= {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        made["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(made))
        return
    with tempfile.TemporaryDirectory(prefix="collect-") as name:
        folder = Path(name)
        make(folder / "a.csv", given.rows)
        size = (folder / "a.csv").stat().st_size
        pythons = {"bare": sys.executable, "collect": sys.executable}
        if given.polars:
            pythons["polars"] = given.polars
        rounds = [
            {part: alone(part, folder, python) for part, python in pythons.items()}
            for _ in range(given.rounds)
        ]
    figures: dict[str, Any] = {"rows": given.rows, "file_mb": size >> 20}
    for part in pythons:
        figures[part] = {
            key: value if isinstance(value, str)
            else round(median(one[part][key] for one in rounds), 2)
            for key, value in rounds[0][part].items()
        }  # fmt: skip
    for part in [one for one in pythons if one != "collect"]:
        figures[f"collect_over_{part}"] = {
            key: round(median(one["collect"][key] / one[part][key] for one in rounds), 2)
            for key in ("cpu_s", "wall_s", "peak_mb")
        }
    figures |= {
        "rounds": given.rounds,
        "load": round(os.getloadavg()[0], 1),
        "duckdb": version("duckdb"),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    print(json.dumps(figures, indent=2))
    if given.write:
        path = ROOT / "bench" / "results" / f"collect-{figures['date']}.json"
        path.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
