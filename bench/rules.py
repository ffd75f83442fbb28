"""Quality rules: what 280 cost, and thirty of them beside the tools that data teams use.

    python bench/rules.py many [--rows 1000000] [--write]
    python bench/rules.py peers [--rows 4000000] [--rounds 2] [--peers FOLDER] [--write]

`many` measures 280 rules over 15 columns at two sizes: CPU seconds per million rows, and whether
memory grows with the rows. `peers` asks the thirty rules of `pass_20m.py` of the same Parquet file
in each tool, whole processes in turn, and holds that all find the same violations. FOLDER holds a
virtual environment for each tool (`soda`, `pandera`, `gx`, `dbt`, `datacontract`); one that is
missing is left out and said to be. Ours reads a project with the thirty as SQL rules of a contract,
measures and judges them.
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

sys.path.insert(0, str(Path(__file__).parent))
import pass_20m

from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake, describe
from sanhua.kernel.metric import Metric
from sanhua.kernel.table import Column, LakeFile, Manifest, Part
from sanhua.project import load
from sanhua.resource import quality
from sanhua.rules.packs import Packs

ROOT = Path(__file__).resolve().parents[1]
MEMORY = "1GB"

# Thirty rules as a violation each (a row is in violation when the predicate is true), in the SQL of
# every tool that takes SQL; the other tools say the same in their own words below.
SHAPES = {
    "customer": "^C[0-9]{5}$",
    "uscc": "^[0-9A-HJ-NPQRTUWXY]{18}$",
    "phone": "^1[3-9][0-9]{9}$",
    "district": "^3501[0-9]{2}$",
}
SETS = {
    "phone_missing": ("phone", ["", "N/A"], True),
    "district_set": ("district", ["350100", "350101", "350102"], False),
    "status_set": ("status", ["running", "stopped", "fault"], False),
}
RANGES = {
    "read_at": ("TIMESTAMP '2024-01-01 00:00:00'", None),
    "day": ("DATE '2024-01-01'", "DATE '2027-12-31'"),
    "kwh": ("0", "900"),
    "voltage": ("198", "235.4"),
}
LENGTHS = {"name": (2, 60), "meter": (11, 11)}
TEXTS = ("customer", "uscc", "phone", "name", "district", "status", "meter")


def violations() -> dict[str, str]:
    """Rule → the predicate of its violations: 12 not null, 4 shapes, 3 sets, 4 ranges, 2 lengths,
    and 4 of texts with blanks around them; the thirtieth is the key.
    """
    made = {f"{name}_null": f"{name} IS NULL" for name in pass_20m.COLUMNS}
    made |= {f"{c}_shape": f"NOT regexp_matches({c}, '{p}')" for c, p in SHAPES.items()}
    for rule, (column, values, bad) in SETS.items():
        listed = ", ".join(f"'{value}'" for value in values)
        made[rule] = f"{column} {'IN' if bad else 'NOT IN'} ({listed})"
    for column, (low, high) in RANGES.items():
        made[f"{column}_range"] = f"{column} < {low}" + (f" OR {column} > {high}" if high else "")
    for column, (low, high) in LENGTHS.items():
        made[f"{column}_length"] = f"length({column}) < {low} OR length({column}) > {high}"
    for column in ("customer", "name", "status", "meter"):
        made[f"{column}_blanks"] = f"trim({column}) <> {column}"
    return made


KEY = "id_unique"


# Ours


def ours(folder: Path) -> dict[str, int]:
    """Violations by rule: a project is read, its contract of thirty SQL rules compiled, measured
    and judged, as `run` does.
    """
    manifest = Lake(folder / "lake").load("raw", "readings", (folder / "id").read_text())
    root = folder / f"project-{os.getpid()}"
    pass_20m.contract_in(root)
    asked = {rule: f"SELECT count(*) FROM readings WHERE {p}" for rule, p in violations().items()}
    rules_text = "".join(
        f"      - {{type: sql, name: {rule}, query: {json.dumps(query)}, mustBe: 0}}\n"
        for rule, query in asked.items()
    )
    listed = "".join(
        f"      - {{name: {name}, logicalType: {_LOGICAL[type.partition('(')[0]]}}}\n"
        for name, (type, _) in pass_20m.COLUMNS.items()
    ).replace("name: id,", "name: id, unique: true,")
    (root / "contracts" / "readings.odcs.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: readings\nversion: 1.0.0\nstatus: active\n"
        f"schema:\n  - name: readings\n    properties:\n{listed}    quality:\n{rules_text}"
    )
    project = load(root, {})
    assert not project.diagnostics, project.diagnostics
    contract = project.contracts["readings"]
    rules = Packs.load(("cn",))
    checks = quality.checks(
        contract, contract.tables[0], project.elements, project.codes, rules, pass_20m.TODAY,
        manifest=manifest,
    )  # fmt: skip
    engine = DuckEngine(Lake(folder / "lake"), memory=MEMORY, temp=folder)
    engine.bind(manifest)
    measured = engine.measure("readings", quality.metrics(checks))
    judged = quality.judge(checks, measured, rules, pass_20m.TODAY, contract=contract)
    engine.close()
    found: dict[str, int] = {}
    for one in judged.findings:
        if one.value and (rule := next((r for r in asked if one.id.endswith(f"/{r}")), "")):
            found[rule] = int(one.value)
        elif one.denominator is not None and one.numerator is not None:
            found[KEY] = one.denominator - one.numerator
    return found


_LOGICAL = {
    "BIGINT": "integer",
    "VARCHAR": "string",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
    "DECIMAL": "number",
    "DOUBLE": "number",
}


# 280 rules


def many(rows: int) -> dict[str, Any]:
    """15 columns, 280 rules of every kind, at `rows` and a quarter of them."""
    columns = dict(pass_20m.COLUMNS) | {
        "feeder": ("VARCHAR", "'F' || (h % 900)"),
        "note": ("VARCHAR", "CASE WHEN h % 3 = 0 THEN md5(i::VARCHAR) END"),
        "ratio": ("DOUBLE", "(h % 1000) / 1000.0"),
    }
    asked: list[Metric] = []
    for name, (type, _) in columns.items():
        wanted = [f"{name} IS NULL"]
        if type == "VARCHAR":
            wanted += [f"trim({name}) <> {name}", f"length({name}) > 40", f"{name} = ''"]
            wanted += [f"{name} IN ('N/A', '-', '无', 'x{n}')" for n in range(8)]
            wanted += [f"NOT regexp_matches({name}, '^[A-Z0-9]{{{n},40}}$')" for n in range(1, 10)]
            wanted += [f"NOT regexp_matches({name}, '{p}')" for p in SHAPES.values()]
        elif type in ("DATE", "TIMESTAMP"):
            wanted += [f"{name} < DATE '20{n:02d}-01-01'" for n in range(14)]
        else:
            wanted += [f"{name} < {n} OR {name} > {n * 1000 + 500}" for n in range(14)]
        asked += [Metric(f"{name}-{n}", f"count_if({one})") for n, one in enumerate(wanted)]
    asked = asked[:280]
    assert len(asked) == 280, len(asked)
    sizes: list[dict[str, Any]] = []
    for size in (rows // 4, rows, rows * 4):
        with tempfile.TemporaryDirectory(prefix="rules-") as name:
            folder = Path(name)
            make(folder, size, columns)
            done = alone("many-part", folder, asked=[[m.id, m.expression] for m in asked])
            done["cpu_s_per_million"] = round(done["cpu_s"] * 1e6 / size, 3)
            sizes.append({"rows": size, **done})
    return {"rules": len(asked), "columns": len(columns), "sizes": sizes, "bar_cpu_s": 3.0}


def make(folder: Path, rows: int, columns: dict[str, tuple[str, str]]) -> None:
    lake = Lake(folder / "lake")
    listed = ", ".join(f"({made})::{type} AS {name}" for name, (type, made) in columns.items())
    with lake.writing() as at:
        path = at / "part-0.parquet"
        duckdb.connect().execute(
            f"COPY (SELECT {listed} FROM (SELECT range AS i, hash(range) AS h FROM range({rows}))) "
            f"TO '{path}' (FORMAT parquet, COMPRESSION zstd, "
            f"ROW_GROUP_SIZE {pass_20m.ROW_GROUP_ROWS})"
        )
        made = tuple(Column(name, type) for name, (type, _) in columns.items())
        file: LakeFile = describe(path, rows)
        manifest = Manifest("readings", "raw", made, (Part(file),), (), "bench")
        lake.keep(at, manifest)
    (folder / "id").write_text(manifest.id)


def many_part(folder: Path) -> dict[str, Any]:
    asked = [Metric(*one) for one in json.loads((folder / "asked.json").read_text())]
    manifest = Lake(folder / "lake").load("raw", "readings", (folder / "id").read_text())
    engine = DuckEngine(Lake(folder / "lake"), memory=MEMORY, temp=folder)
    engine.bind(manifest)

    def work() -> dict[str, Any]:
        measured = engine.measure("readings", asked)
        assert all(one.error is None for one in measured)
        return {}

    return pass_20m.timed(work)


# Peers: each a script of `peers/` run in its own environment, which prints {rule: violations}.

PEERS = ("soda", "pandera", "gx", "dbt", "datacontract")
NAMES = {
    "soda": ("soda-core", "soda-duckdb", "duckdb"),
    "pandera": ("pandera", "polars"),
    "gx": ("great_expectations", "pandas"),
    "dbt": ("dbt-core", "dbt-duckdb", "duckdb"),
    "datacontract": ("datacontract-cli", "duckdb"),
}


def peer(name: str, folder: Path, venvs: Path) -> dict[str, Any]:
    path = next((folder / "lake").rglob("part-0.parquet"))
    given = json.dumps([violations(), KEY, SHAPES, SETS, LENGTHS])
    file = ROOT / "bench" / "peers" / f"with_{name}.py"
    words = [str(venvs / name / "bin" / "python"), str(file), str(path), str(folder), given]
    return measured(words, folder)


def own(folder: Path) -> dict[str, Any]:
    return measured([sys.executable, __file__, "ours", "--folder", str(folder)], folder)


def measured(words: list[str], folder: Path) -> dict[str, Any]:
    """A whole process: its CPU seconds with its children's, its peak memory, what it found."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["/usr/bin/time", "-f", "PEAK %M", *words],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    if not told:
        return {"failed": (done.stdout + done.stderr)[-1500:]}
    peak = [line for line in done.stderr.splitlines() if line.startswith("PEAK ")]
    return {
        "wall_s": round(time.perf_counter() - begun, 2),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_mb": int(peak[-1].split()[1]) // 1024 if peak else None,
        "found": json.loads(told[-1].removeprefix("FOUND ")),
    }


def versions(name: str, venvs: Path) -> str:
    code = "import importlib.metadata as m\n"
    code += "\n".join(f"print('{one}', m.version('{one}'))" for one in NAMES[name])
    done = subprocess.run(
        [str(venvs / name / "bin" / "python"), "-c", code],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ", ".join(done.stdout.split("\n")).strip(", ")


def peers(rows: int, rounds: int, venvs: Path, only: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="rules-") as name:
        folder = Path(name)
        make(folder, rows, pass_20m.COLUMNS)
        truth = ours(folder)
        plain = duckdb.connect()
        path = next((folder / "lake").rglob("part-0.parquet"))
        listed = ", ".join(f"count_if({p})" for p in violations().values())
        row = plain.execute(f"SELECT {listed} FROM '{path}'").fetchone()
        assert row is not None and list(row) == [truth[rule] for rule in violations()]
        plain.close()
        runs: dict[str, list[dict[str, Any]]] = {}
        there = [one for one in PEERS if (venvs / one / "bin" / "python").exists()]
        there = [one for one in there if not only or one in only]
        for turn in range(rounds):
            for one in ["ours", *there]:
                done = own(folder) if one == "ours" else peer(one, folder, venvs)
                runs.setdefault(one, []).append(done)
                shown = {key: value for key, value in done.items() if key != "found"}
                print(f"round {turn + 1} {one}: {shown}", file=sys.stderr)
    figures: dict[str, Any] = {"rows": rows, "rules": len(truth), "rounds": rounds, "tools": {}}
    base = median(one["cpu_s"] for one in runs["ours"])
    for one, listed_runs in runs.items():
        good = [run for run in listed_runs if "failed" not in run]
        if not good:
            figures["tools"][one] = {"failed": listed_runs[0]["failed"][-300:]}
            continue
        found = good[0]["found"]
        compared = {rule: n for rule, n in found.items() if rule in truth}
        wrong = {rule: [n, truth[rule]] for rule, n in compared.items() if n != truth[rule]}
        cpu = median(run["cpu_s"] for run in good)
        figures["tools"][one] = {
            "cpu_s": cpu,
            "wall_s": median(run["wall_s"] for run in good),
            "peak_mb": max(run["peak_mb"] for run in good),
            "times_ours": round(cpu / base, 2),
            "same_counts": f"{len(compared) - len(wrong)} of {len(compared)} told",
            "differing": wrong,
            **({"versions": versions(one, venvs)} if one != "ours" else {}),
        }
    figures["left_out"] = [one for one in PEERS if one not in there]
    return figures


def alone(part: str, folder: Path, **given: Any) -> dict[str, Any]:
    for key, value in given.items():
        (folder / f"{key}.json").write_text(json.dumps(value))
    done = subprocess.run(
        [sys.executable, __file__, part, "--folder", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("part", choices=["many", "peers", "ours", "many-part"])
    asked.add_argument("--rows", type=int, default=0)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--peers", type=Path, default=Path("peers"))
    asked.add_argument("--only", action="append", default=[])
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--write", action="store_true")
    given = asked.parse_args()
    if given.part == "ours":
        print("FOUND " + json.dumps(ours(given.folder)))
        return
    if given.part == "many-part":
        print(json.dumps(many_part(given.folder)))
        return
    if given.part == "many":
        figures = many(given.rows or 1_000_000)
    else:
        rows = given.rows or 4_000_000
        figures = peers(rows, given.rounds, given.peers.resolve(), given.only)
    figures |= {
        "duckdb": duckdb.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "load": [round(one, 1) for one in os.getloadavg()],
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    print(json.dumps(figures, indent=2))
    if given.write:
        path = ROOT / "bench" / "results" / f"rules-{figures['date']}.json"
        whole = json.loads(path.read_text()) if path.exists() else {}
        whole[f"{given.part}-{figures.get('rows', '')}".rstrip("-")] = figures
        path.write_text(json.dumps(whole, indent=2) + "\n")


if __name__ == "__main__":
    main()
