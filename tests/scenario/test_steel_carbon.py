"""The example on real input: a Korean steel plant's quarter-hours and the grid's carbon factors
become a daily energy-and-carbon product.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from sanhua.asset.contract import UsageContract
from sanhua.asset.revenue import contributors
from sanhua.cli.commands import cli
from sanhua.project import schema
from sanhua.workspace.opening import Workspace

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "steel_carbon"
READINGS = "power_steel_kr/steel_2018_m01_m09.csv.gz"
FACTORS = "carbon_factors/global_energy_mix.json"


@pytest.fixture
def project(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example beside a copy of its input."""
    folder, data = tmp_path / "steel_carbon", tmp_path / "data"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    for name in (READINGS, FACTORS):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data_root / name, data / name)
    monkeypatch.setenv("SANHUA_DATA", str(data))
    return folder


def said(*args: object) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def statuses(made: dict[str, Any]) -> dict[str, str]:
    return {f"{step['step']} {step['node']}": step["status"] for step in made["steps"]}


def digest(path: Path) -> str:
    return f"sha256:{sha256(path.read_bytes()).hexdigest()}"


def test_real_input_becomes_a_product_that_opens_to_both_raw_files(project: Path):
    """26,208 quarter-hours of 2018-01-01 to 2018-09-30 are 273 days; 213 countries' factors."""
    assert schema.valid("check_output", said("check", "-C", project))
    made = said("run", "-C", project)
    assert schema.valid("run_output", made)
    rows = {step["node"]: step["rows"] for step in made["steps"] if "snapshot" in step}
    assert rows == {
        "table:grid_factors": 213,
        "table:steel_readings": 26208,
        "table:steel_interval": 26208,
        "table:steel_daily": 273,
    }
    assert made["stages"]["resource"]["rows"] == sum(rows.values()) == 52902
    assert made["stages"]["asset"] == {"products": 1, "deals": 1}
    told = said("explain", "product:steel_energy", "-C", project)
    assert schema.valid("explain_output", told)
    raw = {node["content"] for node in told["nodes"] if node["kind"] == "raw_file"}
    data = project.parent / "data"
    assert raw == {digest(data / READINGS), digest(data / FACTORS)}
    for line in ("resource.rows", "resource.rejected", "resource.score", "asset.products"):
        figure = next(f for f in made["figures"] if f"/{line}/" in f)
        told = said("explain", figure, "-C", project)
        assert schema.valid("explain_output", told)
        assert raw == {node["content"] for node in told["nodes"] if node["kind"] == "raw_file"}


def test_the_product_adds_up_to_the_raw_file(project: Path):
    """Every kWh of the readings stands in a day; carbon is energy times the factor of its year."""
    made = said("run", "-C", project)
    assert made["ok"]
    (daily,) = (project / "state/lake/built/steel_daily").rglob("part-*.parquet")
    with gzip.open(project.parent / "data" / READINGS, "rt", encoding="utf-8") as file:
        heading = file.readline().strip().split(",")
    energy = next(name for name in heading if "kWh" in name and "Usage" in name)
    with duckdb.connect() as db:
        raw = db.execute(
            f'SELECT sum(CAST("{energy}" AS DECIMAL(12,2))) FROM '
            f"read_csv('{project.parent / 'data' / READINGS}', all_varchar=true)"
        ).fetchone()
        kept = db.execute(
            "SELECT sum(kwh), sum(peak_kwh + valley_kwh) <= sum(kwh), count(DISTINCT day), "
            f"min(day)::text, max(day)::text FROM '{daily}'"
        ).fetchone()
        carbon = db.execute(
            f"SELECT max(abs(tco2 - kwh * factor / 1000000)), min(factor) FROM '{daily}'"
        ).fetchone()
    assert raw is not None and kept is not None and carbon is not None
    assert kept == (raw[0], True, 273, "2018-01-01", "2018-09-30")
    assert carbon[1] > 0


def test_a_second_run_does_nothing_and_another_build_gives_the_same_bytes(project: Path):
    first = said("run", "-C", project)
    again = said("run", "-C", project)
    assert again["skipped"] == len(first["steps"])
    assert again["stages"] == first["stages"]
    snapshots = {s["node"]: s["snapshot"] for s in first["steps"] if "snapshot" in s}
    shutil.rmtree(project / "state")
    anew = said("run", "-C", project)
    assert {s["node"]: s["snapshot"] for s in anew["steps"] if "snapshot" in s} == snapshots


def test_one_changed_reading_leaves_the_factors_alone(project: Path):
    first = said("run", "-C", project)
    path = project.parent / "data" / READINGS
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    cells = lines[100].split(",")
    cells[1] = "99.99"
    lines[100] = ",".join(cells)
    path.write_bytes(gzip.compress("".join(lines).encode()))
    made = statuses(said("run", "-C", project))
    for step in ("collect table", "grade grade", "quality quality", "publish resource"):
        assert made[f"{step}:grid_factors"] == "skipped"
    for step in ("collect table:steel_readings", "build table:steel_daily"):
        assert made[step] == "done"
    assert made["product product:steel_energy"] == "done"
    assert set(made) == set(statuses(first))


def test_without_its_data_the_example_says_what_to_set(project: Path):
    runner = CliRunner(env={"SANHUA_DATA": None})
    result = runner.invoke(cli, ["run", "-C", str(project), "--json"])
    assert result.exit_code == 2
    codes = {d["code"]: d for d in json.loads(result.stdout)["diagnostics"]}
    assert "SANHUA_DATA" in codes["format.unset-variable"]["hint"]


def test_the_product_is_proven_and_verified(project: Path, tmp_path: Path):
    said("run", "-C", project)
    bundle = tmp_path / "steel.zip"
    said("prove", "product:steel_energy", "-o", bundle, "-C", project)
    assert said("verify", bundle)["ok"]
    assert said("verify", "-C", project)["tables"] == 4


@pytest.mark.skipif(shutil.which("bash") is None, reason="the README speaks to a POSIX shell")
def test_the_readme_sells_it_to_a_bank_and_the_revenue_opens_to_source_rows(
    project: Path, tmp_path: Path
):
    """The commands of its section, word for word but for the place, the port and the home."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    section = text.partition("## 从产品到收入")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = "set -e\n" + "\n".join(blocks).replace("8787", port)
    script = script.replace("kill $SERVER; wait $SERVER", "kill $SERVER; wait $SERVER || true")
    script = script.replace("cd examples/steel_carbon", f"cd {project}")
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    review = json.loads(done.stdout[done.stdout.index('{\n "calls"') :].partition("\n}\n")[0] + "}")
    assert (review["calls"], review["kwh"], review["tco2"]) == (365, "729316.67", "314.019687")
    month = re.search(r"revenue/steel_energy/net/(\d{4}-\d\d)", done.stdout)
    assert month is not None
    opened = said("explain", f"plant_co/revenue/steel_energy/net/{month[1]}", "-C", project)
    kinds = [node["kind"] for node in opened["nodes"]]
    for kind in ("entry", "invoice", "closing", "segment", "contract", "signature", "column"):
        assert kind in kinds, kind
    files = {node["path"]: node for node in opened["nodes"] if node["kind"] == "raw_file"}
    assert {Path(path).name for path in files} == {Path(READINGS).name, Path(FACTORS).name}


def test_what_was_sold_is_followed_to_those_who_supplied_it(project: Path):
    """Seven fields, 1/7 each. plant is a constant (the provider's); day, kwh, peak_kwh, half of
    tco2 are readings; the other half of tco2, factor and factor_year are the factors'.
    """
    said("run", "-C", project)
    with Workspace(project) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        found = contributors(uow, uow.get(UsageContract, "deal:lake_bank_2026"))
    weights = {party: sum(columns.values()) for party, columns in found.items()}
    assert weights == {"party:plant_co": Fraction(9, 14), "party:owid": Fraction(5, 14)}
    factors = {node.partition("@")[0]: weight for node, weight in found["party:owid"].items()}
    assert factors == {
        "col:grid_factors.carbon_intensity": Fraction(3, 14),
        "col:grid_factors.year": Fraction(1, 7),
    }
