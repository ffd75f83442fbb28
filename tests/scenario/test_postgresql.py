"""The small project with its records on PostgreSQL, and moved there and back."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from private_postgres import Server
from sanhua.cli.commands import cli
from sanhua.kernel.ports import Event
from sanhua.store.clock import SetClock
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run

PASSWORD = "pä:ss/w@rd%+1"
FIGURE = "figure:plant/balance_sheet/development.data/ending/2024"


def ask(folder: Path, *words: object, code: int = 0, **env: str) -> dict[str, Any]:
    """One command; what it says as JSON. The password is in none of it."""
    arguments = [*map(str, words), "-C", str(folder), "--json"]
    result = CliRunner().invoke(cli, arguments, env={"SANHUA_STORE_PASSWORD": PASSWORD, **env})
    assert result.exit_code == code, result.output
    assert PASSWORD not in result.output
    return json.loads(result.stdout)


def write_store(folder: Path, url: str) -> None:
    path = folder / "sanhua.yaml"
    kept = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("store:")]
    path.write_text("\n".join([*kept, *([f"store: {url}"] if url else [])]) + "\n", "utf-8")


@pytest.fixture
def keyed(postgres: Server) -> Iterator[str]:
    """The URL of an empty database whose role needs a password, which comes by a variable."""
    name = postgres.database()
    postgres.do(
        f"CREATE ROLE keyed LOGIN PASSWORD '{PASSWORD}'", f"ALTER DATABASE {name} OWNER TO keyed"
    )
    yield postgres.url(name, user="keyed:${SANHUA_STORE_PASSWORD}")
    postgres.do(f"DROP DATABASE {name} WITH (FORCE)", "DROP ROLE keyed")


def files_with(folder: Path, secret: str) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]


def test_the_whole_path_runs_with_its_records_on_postgresql(
    small_project: Path, keyed: str, tmp_path: Path
):
    write_store(small_project, keyed)
    refused = ask(small_project, "verify", code=2)
    assert refused["diagnostics"][0]["code"] == "run.nothing-yet"
    assert ask(small_project, "check")["ok"]
    made = ask(small_project, "run")
    assert made["stages"]["capital"]["capitalised"] == "1234.56"
    again = ask(small_project, "run")
    assert {step["status"] for step in again["steps"]} == {"skipped"}
    report = ask(small_project, "report", "disclosure", "--period", "2024")
    amounts = {figure["id"]: figure["amount"] for figure in report["figures"]}
    assert amounts[FIGURE] == "1234.56"
    told = ask(small_project, "explain", FIGURE)
    assert {n["id"] for n in told["nodes"] if n["kind"] == "voucher"} == {
        "voucher:2024-02-01",
        "voucher:2024-03-01",
    }
    bundle = tmp_path / "figure.zip"
    assert ask(small_project, "prove", FIGURE, "-o", bundle)["records"] > 3
    assert ask(small_project, "verify", bundle)["ok"]
    ask(small_project, "approve", "asset:energy_data", "--as", "checker")
    assert ask(small_project, "verify")["events"] > 20
    assert not list((small_project / "state").glob("state.db*"))
    assert files_with(small_project, PASSWORD) == []


def test_the_same_run_gives_the_same_records_in_both(small_project: Path, keyed: str):
    """A seeded replay with a set clock: every event of one log is that of the other."""
    logs: list[list[Event]] = []
    for url in ("", keyed):
        folder = small_project.with_name(f"run{len(logs)}") / "small"
        shutil.copytree(small_project, folder)
        with Workspace(
            folder,
            env={"SANHUA_STORE": url, "SANHUA_STORE_PASSWORD": PASSWORD},
            clock=SetClock(datetime(2026, 11, 25, tzinfo=UTC)),
            entropy=random.Random(7).randbytes,
        ) as ws:
            assert run(ws).ok
            logs.append(list(ws.store.events()))
    assert logs[0] == logs[1]


def test_the_records_move_to_postgresql_and_back(small_project: Path, keyed: str):
    ask(small_project, "run")
    there = ask(small_project, "store", "move", keyed)
    assert there["ok"] and there["store"] == keyed and there["events"] > 20
    write_store(small_project, keyed)
    assert ask(small_project, "verify")["events"] == there["events"]
    again = ask(small_project, "run")  # sanhua.yaml changed, and is looked at anew
    assert {step["status"] for step in again["steps"] if step["step"] != "freeze"} == {"skipped"}
    moved = ask(small_project, "verify")["events"]
    back = ask(small_project, "store", "move", "sqlite:///state/back.db")
    assert back["events"] == moved and (small_project / "state" / "back.db").exists()
    write_store(small_project, back["store"])
    assert ask(small_project, "verify")["events"] == moved
    once_more = ask(small_project, "store", "move", "sqlite:///state/other.db")
    assert once_more["root"] == back["root"]
    refused = ask(small_project, "store", "move", keyed, code=4)
    assert refused["diagnostics"][0]["code"] == "store.target-not-empty"
    assert files_with(small_project, PASSWORD) == []


def test_the_environment_says_where_the_store_is(small_project: Path, keyed: str):
    ask(small_project, "run")
    ask(small_project, "store", "move", keyed)
    told = ask(small_project, "verify", SANHUA_STORE=keyed)
    assert told["events"] > 20
    again = ask(small_project, "run", SANHUA_STORE=keyed)
    assert {step["status"] for step in again["steps"]} == {"skipped"}


def test_an_old_store_is_not_gone_on_with(small_project: Path, keyed: str):
    """After the move the records grew; `store:` was then taken out by mistake."""
    ask(small_project, "run")
    ask(small_project, "store", "move", keyed)
    ask(small_project, "approve", "asset:energy_data", "--as", "checker", SANHUA_STORE=keyed)
    (small_project / "raw" / "readings.csv").write_bytes(
        b"meter,\xe6\x97\xb6\xe9\x97\xb4,kwh,phone\n"
    )
    refused = ask(small_project, "run", code=4)
    assert refused["diagnostics"][0]["code"] == "store.behind-published"


def test_a_password_is_never_shown_and_never_kept(small_project: Path, keyed: str):
    ask(small_project, "run")
    written = keyed.replace("${SANHUA_STORE_PASSWORD}", quote(PASSWORD, safe=""))
    moved = ask(small_project, "store", "move", written)
    assert moved["store"] == keyed
    write_store(small_project, written)
    checked = ask(small_project, "check", code=1)
    [fault] = [d for d in checked["diagnostics"] if d["severity"] == "error"]
    assert fault["code"] == "format.secret-written" and keyed in fault["hint"]
    assert quote(PASSWORD, safe="") not in json.dumps(checked)
    write_store(small_project, keyed.replace("STORE_PASSWORD", "NOT_SET"))
    unset = ask(small_project, "verify", code=2)
    assert unset["diagnostics"][0]["code"] == "format.unset-variable"
    assert ask(small_project, "store", "move", "x://u:${NOT_SET}@h/d", code=2)["diagnostics"]
