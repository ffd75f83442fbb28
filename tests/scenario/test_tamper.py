"""Every byte that is kept is covered: a changed one is found, wherever it stands."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sanhua.cli.commands import cli
from sanhua.kernel.errors import SanhuaError
from sanhua.store.segment import SegmentWriter
from sanhua.verify import public_pem
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run
from sanhua.workspace.verifying import verify_store


@pytest.fixture
def built(small_project: Path) -> Path:
    with Workspace(small_project) as ws:
        assert run(ws).ok
    return small_project


def _edit(folder: Path, statement: str) -> None:
    """Change the database behind the program's back, its triggers taken off meanwhile."""
    with sqlite3.connect(folder / "state" / "state.db") as db:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = db.execute(query).fetchall()
        for name, _ in triggers:
            db.execute(f'DROP TRIGGER "{name}"')
        changed = db.execute(statement).rowcount
        assert changed >= 1, statement
        for _, sql in triggers:
            db.execute(sql)


def _remake(folder: Path, *statements: str) -> None:
    """Change what the database is made of."""
    with sqlite3.connect(folder / "state" / "state.db") as db:
        for statement in statements:
            db.execute(statement)


def _exchange_public_key(folder: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    (folder / "state" / "keys" / "log.key.pub").write_bytes(public_pem(key))


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def _lake(folder: Path, name: str) -> Path:
    return sorted((folder / "state" / "lake").rglob(name))[0]


OTHER_VIEW = "CREATE VIEW table_v AS SELECT id, seq, 7 AS rows FROM record WHERE kind = 'table'"
OTHER_COLUMNS = '{"rows":["bigint","rejected"]}'
TAMPERED: dict[str, Callable[[Path], None]] = {
    "a record's body": lambda f: _edit(
        f,
        "UPDATE record SET body = replace(body, '1200', '1300') "
        "WHERE kind = 'voucher' AND body LIKE '%1200%'",
    ),
    "a record's salt": lambda f: _edit(
        f, "UPDATE record SET salt = '00' || substr(salt, 3) WHERE kind = 'table'"
    ),
    "one letter of a salt made a capital": lambda f: _edit(
        f, "UPDATE record SET salt = upper(salt) WHERE kind = 'table' AND salt <> upper(salt)"
    ),
    "a body that is no JSON": lambda f: _edit(
        f, "UPDATE record SET body = '{' WHERE id = 'table:daily'"
    ),
    "a body of another shape": lambda f: _edit(
        f, "UPDATE record SET body = '[]' WHERE id = 'table:daily'"
    ),
    "a key of a body": lambda f: _edit(
        f, "UPDATE record SET body = replace(body, 'layer', 'lazer') WHERE kind = 'snapshot'"
    ),
    "an event that is no text": lambda f: _edit(
        f, "UPDATE event SET leaf = CAST(leaf AS BLOB) WHERE seq = 3"
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
    "the rejected rows": lambda f: _flip(_lake(f, "rejects-0.parquet"), 50),
    "a file of the lake taken away": lambda f: _lake(f, "part-0.parquet").unlink(),
    "the published checkpoint": lambda f: _flip(f / "state" / "keys" / "published.checkpoint", 30),
    "verify.trigger": lambda f: _remake(f, "DROP TRIGGER event_no_delete"),
    "verify.view": lambda f: _remake(f, "DROP VIEW table_v", OTHER_VIEW),
    "verify.meta": lambda f: _edit(
        f, f"UPDATE meta SET value = '{OTHER_COLUMNS}' WHERE name = 'columns:table'"
    ),
    "verify.checkpoint-gone": lambda f: _edit(f, "DELETE FROM checkpoint"),
    "keys.public-differs": _exchange_public_key,
}


@pytest.mark.parametrize("what", TAMPERED)
def test_verify_finds_and_exits_8(built: Path, what: str):
    runner = CliRunner()
    whole = runner.invoke(cli, ["verify", "-C", str(built), "--json"])
    assert whole.exit_code == 0, whole.output
    TAMPERED[what](built)
    broken = runner.invoke(cli, ["verify", "-C", str(built), "--json"])
    assert broken.exit_code == 8, broken.output
    assert "." not in what or what in broken.stdout


def test_a_snapshot_that_is_no_longer_current_is_verified_too(built: Path):
    old = _lake(built, "part-0.parquet")  # of `daily`: `built` before `raw`
    query = built / "sql" / "daily.sql"
    query.write_text(query.read_text(encoding="utf-8").replace("sum(kwh)", "max(kwh)"), "utf-8")
    runner = CliRunner()
    assert runner.invoke(cli, ["run", "-C", str(built)]).exit_code == 0
    assert runner.invoke(cli, ["verify", "-C", str(built)]).exit_code == 0
    _flip(old, 100)
    assert runner.invoke(cli, ["verify", "-C", str(built)]).exit_code == 8


def test_a_lake_file_that_was_exchanged_is_not_built_upon(built: Path):
    _flip(sorted((built / "state" / "lake" / "raw").rglob("part-0.parquet"))[0], 100)
    query = built / "sql" / "daily.sql"
    query.write_text(query.read_text(encoding="utf-8").replace("sum(kwh)", "max(kwh)"), "utf-8")
    told = CliRunner().invoke(cli, ["run", "-C", str(built), "--json"])
    assert told.exit_code == 8 and "lake.differs" in told.stdout


def test_what_fails_its_seal_is_neither_shown_nor_approved(built: Path):
    _edit(
        built,
        "UPDATE record SET body = replace(body, '1234.56', '9234.56') WHERE kind = 'asset'",
    )
    runner = CliRunner()
    for words in (
        ["explain", "asset:energy_data"],
        ["approve", "asset:energy_data", "--as", "checker"],
    ):
        told = runner.invoke(cli, [*words, "-C", str(built), "--json"])
        assert told.exit_code == 8 and "store.seal" in told.stdout


def test_a_lost_private_key_is_not_replaced(built: Path):
    key = built / "state" / "keys" / "log.key"
    key.unlink()
    told = CliRunner().invoke(cli, ["verify", "-C", str(built), "--json"])
    assert told.exit_code == 8 and "keys.missing" in told.stdout and not key.exists()


# A backup of the whole state


def _code(*words: object) -> tuple[int, str]:
    told = CliRunner().invoke(cli, [*(str(word) for word in words), "--json"])
    return told.exit_code, told.stdout


@pytest.fixture
def restored(built: Path, tmp_path: Path) -> Path:
    """The whole state was restored from a backup after an approval was given and proven."""
    backup = tmp_path / "backup"
    shutil.copytree(built / "state", backup)
    assert _code("approve", "asset:energy_data", "--as", "checker", "-C", built)[0] == 0
    assert _code("prove", "asset:energy_data", "-C", built, "-o", tmp_path / "after.zip")[0] == 0
    shutil.rmtree(built / "state")
    backup.rename(built / "state")
    return built


def test_a_restored_state_is_not_gone_on_with(restored: Path):
    """The checkpoint kept apart from `state/` still knows of the approval, for every verb."""
    for words in (
        ["approve", "asset:energy_data", "--as", "checker"],
        ["report", "disclosure"],
        ["prove", "asset:energy_data", "-o", restored / "x.zip"],
    ):
        code, told = _code(*words, "-C", restored)
        assert (code, "store.behind-published" in told) == (4, True), words
    code, told = _code("verify", "-C", restored)
    assert code == 8 and "verify.truncated" in told
    assert _code("explain", "asset:energy_data", "-C", restored)[0] == 0  # it may be read


def test_what_was_handed_out_shows_that_a_restored_state_went_on(restored: Path, tmp_path: Path):
    """The checkpoint kept apart is gone too: nothing here tells, but the bundle does."""
    (restored / ".sanhua" / "published.checkpoint").unlink()
    after = tmp_path / "after.zip"
    code, told = _code("verify", "-C", restored, "--against", after)
    assert code == 8 and "verify.against-behind" in told
    for _ in range(4):
        (restored / "evidence" / "paper.md").write_text("又证明\n" * (_ + 1), encoding="utf-8")
        assert _code("run", "-C", restored)[0] == 0
    assert _code("verify", "-C", restored)[0] == 0
    code, told = _code("verify", "-C", restored, "--against", after)
    assert code == 8 and "verify.against-forked" in told


def test_a_log_goes_on_from_every_bundle_and_checkpoint_it_handed_out(built: Path, tmp_path: Path):
    bundle, note = tmp_path / "early.zip", tmp_path / "early.checkpoint"
    assert _code("prove", "asset:energy_data", "-C", built, "-o", bundle)[0] == 0
    shutil.copy(built / "state" / "keys" / "published.checkpoint", note)
    assert _code("approve", "asset:energy_data", "--as", "checker", "-C", built)[0] == 0
    handed = ("--against", bundle, "--against", note)
    assert _code("verify", "-C", built, *handed)[0] == 0
    _flip(bundle, 400)
    code, told = _code("verify", "-C", built, "--against", bundle)
    assert code == 8 and "early.zip" in told
    shutil.rmtree(built / "state")  # begun anew, with a key of its own
    assert _code("run", "-C", built)[0] == 0
    code, told = _code("verify", "-C", built, "--against", note)
    assert code == 8 and "verify.against-key" in told
    assert _code("verify", "-C", built)[0] == 0
    assert _code("verify", bundle, "--against", note)[0] == 2
    assert _code("verify", "-C", built, "--against", tmp_path / "none")[0] == 2


# Usage that is not sealed yet


LINES = [[b'{"n":1}\n'], [b'{"n":2}\n', b'{"n":3}\n'], [b'{"n":4}\n']]


def _verified(folder: Path) -> tuple[int, int, str]:
    """Exit code, records not sealed yet, and everything that was said."""
    told = CliRunner().invoke(cli, ["verify", "-C", str(folder), "--json"])
    return told.exit_code, json.loads(told.stdout)["unsealed"], told.stdout


@pytest.fixture
def metering(built: Path) -> Iterator[tuple[Path, SegmentWriter]]:
    """A gateway has written four records in three batches and goes on."""
    writer = SegmentWriter(built / "state" / "meter", "one")
    for lines in LINES:
        writer.commit(lines)
    yield built, writer
    if writer.path.exists():
        writer.close()


def test_usage_that_is_not_sealed_yet_is_counted_and_said(metering: tuple[Path, SegmentWriter]):
    folder, writer = metering
    assert _verified(folder)[:2] == (0, 4)
    told = CliRunner().invoke(cli, ["verify", "-C", str(folder), "--language", "en"])
    assert "4 usage records are not sealed into the log yet" in told.output
    with writer.path.open("ab") as file:
        file.write(b'{"n":5}\n{"batch":"ab')  # just being written
    assert _verified(folder)[:2] == (0, 4)


def test_a_broken_chain_of_usage_that_is_not_sealed_yet_is_found(
    metering: tuple[Path, SegmentWriter],
):
    """Every byte that was acknowledged, of a segment in use and of one that waits to be sealed."""
    folder, writer = metering
    whole = writer.path.read_bytes()
    for at in (3, whole.index(b'"n":1') + 4, whole.index(b'"n":3') + 4, len(whole) - 20):
        writer.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        code, _, said = _verified(folder)
        assert code == 8 and "store.meter-broken" in said, at
    writer.path.write_bytes(whole)
    closed = writer.close()
    assert closed is not None and _verified(folder)[:2] == (0, 4)
    closed.write_bytes(whole[:-1])
    assert _verified(folder)[0] == 8


def _rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True) as db:
        tables = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


def test_a_byte_of_the_database_is_found_or_belongs_to_no_row(built: Path):
    """SQLite leaves room in its pages that no row or index uses; a flip there changes nothing that
    is kept and is not found. Seeded; every flip that is not found leaves every table as it was.
    """
    database = built / "state" / "state.db"
    whole, rows, chance = database.read_bytes(), _rows(database), random.Random(5)
    found = 0
    for _ in range(24):
        _flip(database, chance.randrange(len(whole)))
        try:
            with Workspace(built) as ws:
                sound = verify_store(ws).ok
        except (SanhuaError, sqlite3.Error, ValueError):
            sound = False
        if sound:
            assert _rows(database) == rows
        found += not sound
        database.write_bytes(whole)
    assert found >= 8  # of 24, a third of this small file at least is in use
