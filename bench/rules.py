"""Quality rules: what 280 cost, and thirty of them beside the tools that data teams use.

    python bench/rules.py many [--rows 1000000] [--write]
    python bench/rules.py peers [--rows 4000000] [--rounds 2] [--peers FOLDER] [--write]

`many` measures 280 rules over 15 columns at two sizes: CPU seconds per million rows, and whether
memory grows with the rows. `peers` asks the thirty rules of `pass_20m.py` of the same Parquet file
in each tool, whole processes in turn, and holds that all find the same violations. FOLDER holds a
virtual environment for each tool (`soda`, `pandera`, `gx`, `dbt`, `datacontract`); one that is
missing is left out and said to be. Ours goes through contract, checks and `Engine.measure`.
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
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.table import Column, LakeFile, Manifest, Part
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
    """Violations by rule, through the engine."""
    manifest = Lake(folder / "lake").load("raw", "readings", (folder / "id").read_text())
    engine = DuckEngine(Lake(folder / "lake"), memory=MEMORY, temp=folder)
    engine.bind(manifest)
    asked = [Metric(rule, f"count_if({p})") for rule, p in violations().items()]
    asked.append(Metric(KEY, '"id"', Scan.UNIQUE))
    found = {one.metric.id: int(one.value) for one in engine.measure("readings", asked)}
    engine.close()
    return found


def ours_whole(folder: Path) -> dict[str, int]:
    """The same file through project, contract and checks, judged: what `run` does."""
    manifest = Lake(folder / "lake").load("raw", "readings", (folder / "id").read_text())
    project, contract = pass_20m.contract_in(folder / f"project-{os.getpid()}")
    rules = Packs.load(("cn",))
    (schema,) = contract.tables
    checks = quality.checks(
        contract, schema, project.elements, project.codes, rules, pass_20m.TODAY, manifest=manifest
    )
    engine = DuckEngine(Lake(folder / "lake"), memory=MEMORY, temp=folder)
    engine.bind(manifest)
    measured = engine.measure("readings", quality.metrics(checks))
    judged = quality.judge(checks, measured, rules, pass_20m.TODAY, contract=contract)
    engine.close()
    return {"findings": len(judged.findings)}


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


# Peers: each a script for its own environment, which prints {rule: violations} as its last line.

PREFIX = """
import json, os, sys
path, folder = sys.argv[1], sys.argv[2]
V, KEY, SHAPES, SETS, LENGTHS = json.loads(sys.argv[3])
def told(found):
    print("FOUND " + json.dumps(found))
"""

PANDERA = """
import polars as pl, pandera.polars as pa
from datetime import date, datetime
C = pa.Column
def text(name, *checks):
    return C(str, checks=list(checks), nullable=False)
def blanks(data):
    column = pl.col(data.key)
    return data.lazyframe.select(column.str.strip_chars(" ") == column)
blank = lambda: pa.Check(blanks, name="blanks")
shape = lambda name: pa.Check.str_matches(SHAPES[name])
schema = pa.DataFrameSchema({
    "id": C(int, nullable=False, unique=True),
    "customer": text("customer", shape("customer"), blank()),
    "uscc": text("uscc", shape("uscc")),
    "phone": text("phone", shape("phone"), pa.Check.notin(SETS["phone_missing"][1])),
    "name": text("name", pa.Check.str_length(2, 60), blank()),
    "district": text("district", shape("district"), pa.Check.isin(SETS["district_set"][1])),
    "status": text("status", pa.Check.isin(SETS["status_set"][1]), blank()),
    "read_at": C(nullable=False, checks=[pa.Check.ge(datetime(2024, 1, 1))]),
    "day": C(pl.Date, nullable=False, checks=[pa.Check.in_range(date(2024, 1, 1), date(2027, 12, 31))]),
    "kwh": C(nullable=False, checks=[pa.Check.in_range(0, 900)]),
    "voltage": C(pl.Float64, nullable=False, checks=[pa.Check.in_range(198, 235.4)]),
    "meter": text("meter", pa.Check.str_length(11, 11), blank()),
})
frame = pl.read_parquet(path)
cases = {}
try:
    schema.validate(frame, lazy=True)
except pa.errors.SchemaErrors as error:
    for one in error.schema_errors:
        known = one.failure_cases
        count = known.height if hasattr(known, "height") else None
        cases[f"{one.schema.name}:{one.check}"] = count
found = {}
for key, count in cases.items():
    column, _, check = key.partition(":")
    kind = ("null" if "not_nullable" in check or "nullable" in check else "shape" if "str_matches" in check
            else "set" if "isin" in check else "range" if "in_range" in check or "greater" in check
            else "length" if "str_length" in check else "blanks" if "blanks" in check else check)
    found[f"{column}_{kind}"] = count
told(found)
"""

GX = """
os.environ["GX_ANALYTICS_ENABLED"] = "False"
import great_expectations as gx, pandas as pd
from datetime import date, datetime
import great_expectations.expectations as E
frame = pd.read_parquet(path)
context = gx.get_context(mode="ephemeral")
batch = (context.data_sources.add_pandas("p").add_dataframe_asset("a")
         .add_batch_definition_whole_dataframe("b"))
suite = gx.ExpectationSuite("s")
rules = {}
def add(rule, one):
    rules[id(one)] = rule
    one.meta = {"rule": rule}
    suite.add_expectation(one)
for name in frame.columns:
    add(f"{name}_null", E.ExpectColumnValuesToNotBeNull(column=name))
for name, pattern in SHAPES.items():
    add(f"{name}_shape", E.ExpectColumnValuesToMatchRegex(column=name, regex=pattern))
for rule, (column, values, bad) in SETS.items():
    kind = E.ExpectColumnValuesToNotBeInSet if bad else E.ExpectColumnValuesToBeInSet
    add(rule, kind(column=column, value_set=values))
frame["day"] = pd.to_datetime(frame["day"])
frame["kwh"] = frame["kwh"].astype(float)
add("read_at_range", E.ExpectColumnValuesToBeBetween(column="read_at", min_value=datetime(2024, 1, 1)))
add("day_range", E.ExpectColumnValuesToBeBetween(column="day", min_value=datetime(2024, 1, 1), max_value=datetime(2027, 12, 31)))
add("kwh_range", E.ExpectColumnValuesToBeBetween(column="kwh", min_value=0, max_value=900))
add("voltage_range", E.ExpectColumnValuesToBeBetween(column="voltage", min_value=198, max_value=235.4))
for name, (low, high) in LENGTHS.items():
    add(f"{name}_length", E.ExpectColumnValueLengthsToBeBetween(column=name, min_value=low, max_value=high))
for name in ("customer", "name", "status", "meter"):
    add(f"{name}_blanks", E.ExpectColumnValuesToNotMatchRegex(column=name, regex="^ | $"))
add(KEY, E.ExpectColumnValuesToBeUnique(column="id"))
done = batch.get_batch(batch_parameters={"dataframe": frame}).validate(suite, result_format="BASIC")
told({one.expectation_config.meta["rule"]: one.result["unexpected_count"] for one in done.results})
"""

SODA = """
import duckdb, logging
os.environ["SODA_TELEMETRY"] = "false"
os.environ["OTEL_SDK_DISABLED"] = "true"
db = os.path.join(folder, "soda.duckdb")
con = duckdb.connect(db)
con.execute("SET memory_limit = '2GB'")
con.execute(f"CREATE OR REPLACE VIEW readings AS SELECT * FROM read_parquet('{path}')")
con.close()
source = os.path.join(folder, "soda-source.yml")
open(source, "w").write(f"type: duckdb\\nname: bench\\nconnection:\\n  database: {db}\\n")
def quoted(text):
    return json.dumps(text)
lines = ["dataset: bench/main/readings", "checks:"]
for rule, predicate in V.items():
    lines += ["  - failed_rows:", f"      name: {rule}", f"      qualifier: {rule}", f"      expression: {quoted(predicate)}"]
lines += ["columns:", "  - name: id", "    checks:", "      - duplicate:", f"          name: {KEY}"]
contract = os.path.join(folder, "soda-contract.yml")
open(contract, "w").write("\\n".join(lines) + "\\n")
from soda_core.contracts import verify_contract_locally
done = verify_contract_locally(data_source_file_path=source, contract_file_path=contract, publish=False)
found = {}
for result in done.contract_verification_results:
    for check in result.check_results:
        values = getattr(check, "diagnostic_metric_values", None) or {}
        name = check.check.name
        found[name] = int(values.get("failed_rows_count", values.get("duplicate_count", check.threshold_value or 0)))
told(found)
"""

DBT = """
import subprocess
root = os.path.join(folder, "dbt")
os.makedirs(os.path.join(root, "tests"), exist_ok=True)
os.makedirs(os.path.join(root, "models"), exist_ok=True)
open(os.path.join(root, "dbt_project.yml"), "w").write(
    "name: bench\\nversion: '1.0'\\nprofile: bench\\nconfig-version: 2\\n"
    "flags: {send_anonymous_usage_stats: false}\\n")
db = os.path.join(folder, "dbt.duckdb")
open(os.path.join(root, "profiles.yml"), "w").write(
    f"bench:\\n  target: dev\\n  outputs:\\n    dev: {{type: duckdb, path: '{db}', threads: 2, settings: {{memory_limit: 2GB}}}}\\n")
open(os.path.join(root, "models", "sources.yml"), "w").write(
    "sources:\\n  - name: lake\\n    config: {external_location: \\"read_parquet('" + path + "')\\"}\\n    tables: [{name: readings}]\\n")
for rule, predicate in V.items():
    open(os.path.join(root, "tests", f"{rule}.sql"), "w").write(
        "{{ config(severity='warn', fail_calc='max(n)', warn_if='>0') }}\\n"
        f"SELECT count(*) AS n FROM {{{{ source('lake', 'readings') }}}} WHERE {predicate}\\n")
open(os.path.join(root, "tests", f"{KEY}.sql"), "w").write(
    "{{ config(severity='warn', fail_calc='max(n)', warn_if='>0') }}\\n"
    "SELECT coalesce(sum(n - 1), 0) AS n FROM (SELECT count(*) AS n FROM {{ source('lake', 'readings') }} WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1)\\n")
from dbt.cli.main import dbtRunner
done = dbtRunner().invoke(["-q", "test", "--project-dir", root, "--profiles-dir", root, "--no-use-colors"])
told({one.node.name: int(one.failures or 0) for one in done.result.results})
"""

DATACONTRACT = """
from datacontract.data_contract import DataContract
lines = ["apiVersion: v3.1.0", "kind: DataContract", "id: readings", "version: 1.0.0", "status: active",
         "servers:", "  - {server: local, type: local, path: " + json.dumps(path) + ", format: parquet}",
         "schema:", "  - name: readings", "    physicalType: table", "    quality:"]
for rule, predicate in V.items():
    query = f"SELECT count(*) FROM readings WHERE {predicate}"
    lines += ["      - type: sql", f"        description: {rule}", "        query: " + json.dumps(query), "        mustBeGreaterThanOrEqualTo: 0"]
query = "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM readings WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1)"
lines += ["      - type: sql", f"        description: {KEY}", "        query: " + json.dumps(query), "        mustBeGreaterThanOrEqualTo: 0"]
text = "\\n".join(lines) + "\\n"
run = DataContract(data_contract_str=text, server="local").test()
found, failed = {}, []
for check in run.checks:
    if check.type and "sql" in str(check.type) or (check.category == "quality"):
        value = (check.diagnostics or {}).get("value", (check.diagnostics or {}).get("actual"))
        name = next((rule for rule in [*V, KEY] if rule in f"{check.name} {check.key} {check.details}"), check.name)
        found[name] = int(value) if value is not None else None
told(found)
"""

PEERS = {
    "soda": SODA,
    "pandera": PANDERA,
    "gx": GX,
    "dbt": DBT,
    "datacontract": DATACONTRACT,
}
NAMES = {
    "soda": ("soda-core", "soda-duckdb", "duckdb"),
    "pandera": ("pandera", "polars"),
    "gx": ("great_expectations", "pandas"),
    "dbt": ("dbt-core", "dbt-duckdb", "duckdb"),
    "datacontract": ("datacontract-cli", "duckdb"),
}


def peer(name: str, script: str, folder: Path, venvs: Path) -> dict[str, Any]:
    path = next((folder / "lake").rglob("part-0.parquet"))
    given = json.dumps([violations(), KEY, SHAPES, SETS, LENGTHS])
    file = folder / f"{name}.py"
    file.write_text(PREFIX + script)
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
    code = (
        "import importlib.metadata as m\nfor n in %r:\n"
        " try: print(n, m.version(n))\n except m.PackageNotFoundError: pass" % (NAMES[name],)
    )
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
                done = own(folder) if one == "ours" else peer(one, PEERS[one], folder, venvs)
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
