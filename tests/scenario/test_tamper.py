"""Every byte that is kept is covered: a changed one is found, wherever it stands."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run


@pytest.fixture
def built(small_project: Path) -> Path:
    with Workspace(small_project) as ws:
        assert run(ws).ok
    return small_project


def _edit(folder: Path, statement: str) -> None:
    """Change the database behind the program's back, its triggers taken off."""
    with sqlite3.connect(folder / "state" / "state.db") as db:
        for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            db.execute(f'DROP TRIGGER "{name}"')
        changed = db.execute(statement).rowcount
        assert changed >= 1, statement


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def _lake(folder: Path, name: str) -> Path:
    return sorted((folder / "state" / "lake").rglob(name))[0]


TAMPERED: dict[str, Callable[[Path], None]] = {
    "a record's body": lambda f: _edit(
        f,
        "UPDATE record SET body = replace(body, '1200', '1300') "
        "WHERE kind = 'voucher' AND body LIKE '%1200%'",
    ),
    "a record's salt": lambda f: _edit(
        f, "UPDATE record SET salt = '00' || substr(salt, 3) WHERE kind = 'table'"
    ),
    "a record taken away": lambda f: _edit(f, "DELETE FROM record WHERE kind = 'raw_file'"),
    "an edge's target": lambda f: _edit(
        f, "UPDATE edge SET dst = dst || 'x' WHERE verb = 'made_from'"
    ),
    "an edge taken away": lambda f: _edit(f, "DELETE FROM edge WHERE verb = 'posted_from'"),
    "an amount in the ledger": lambda f: _edit(f, "UPDATE entry_line SET amount = amount + 1"),
    "an event": lambda f: _edit(
        f, "UPDATE event SET leaf = replace(leaf, 'voucher', 'vouchor') WHERE seq > 3"
    ),
    "the last event taken away": lambda f: _edit(
        f, "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)"
    ),
    "a file of the lake": lambda f: _flip(_lake(f, "part-0.parquet"), 100),
    "a manifest of the lake": lambda f: _flip(_lake(f, "manifest.json"), 20),
    "the rejected rows": lambda f: _flip(_lake(f, "rejects.parquet"), 50),
    "a file of the lake taken away": lambda f: _lake(f, "part-0.parquet").unlink(),
    "the published checkpoint": lambda f: _flip(f / "state" / "keys" / "published.checkpoint", 30),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_verify_finds_and_exits_8(built: Path, what: str):
    runner = CliRunner()
    whole = runner.invoke(cli, ["verify", "-C", str(built), "--json"])
    assert whole.exit_code == 0, whole.output
    TAMPERED[what](built)
    broken = runner.invoke(cli, ["verify", "-C", str(built), "--json"])
    assert broken.exit_code == 8, broken.output
