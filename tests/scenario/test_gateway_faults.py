"""What a gateway does when something under it breaks: records, store, disk, files, clients."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from deals import say, serving, token, wait_until

from sanhua.kernel.errors import Denied, NotFound
from sanhua.workspace.dealing import RESTS_ON, accesses, new_token, revoke_token
from sanhua.workspace.opening import Workspace

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and files")
CALL = {"meter": "M1", "day": "2024-02-01"}


@pytest.fixture
def dealt(signed: Path, tmp_path: Path) -> Path:
    """One's own copy of a project with two deals that are in force."""
    shutil.copytree(signed.parent, tmp_path / "copy")
    return tmp_path / "copy" / "small"


def _token(project: Path, deal: str) -> tuple[str, str]:
    made = say(project, "deal", "token", deal)
    return made["id"], made["token"]


def _spoil(project: Path, statement: str) -> None:
    """Change the store behind the program's back, its triggers taken off meanwhile."""
    with sqlite3.connect(project / "state" / "state.db", timeout=30) as db:
        triggers = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            db.execute(f'DROP TRIGGER "{name}"')
        assert db.execute(statement).rowcount >= 1
        for _, sql in triggers:
            db.execute(sql)
    db.close()


# Records and the store


@pytest.mark.parametrize("how", ["erased", "no JSON", "no text"])
def test_a_contract_that_cannot_be_read_gives_nothing_and_the_others_go_on(dealt: Path, how: str):
    _, lost = _token(dealt, "bank_2026")
    held, kept = _token(dealt, "bank_2027")
    with serving(dealt) as gateway:
        assert gateway.get(lost)[0] == gateway.get(kept)[0] == 200
        if how == "erased":
            with Workspace(dealt) as ws:
                ws.store.erase("deal:bank_2026", actor=ws.actor, reason="asked for")
        else:
            body = "'{'" if how == "no JSON" else "CAST(x'7bff' AS TEXT)"
            _spoil(dealt, f"UPDATE record SET body = {body} WHERE id = 'deal:bank_2026'")
        _, other = _token(dealt, "bank_2027")  # something to read anew for
        wait_until(lambda: gateway.get(other)[0] == 200, 1.5)
        assert gateway.code(lost) == (503, "call.not-served")
        assert gateway.get(kept)[0] == 200
        say(dealt, "deal", "revoke", held)
        wait_until(lambda: gateway.code(kept) == (401, "call.revoked-token"), 1.5)
        assert gateway.get(other)[0] == 200


def test_a_revocation_holds_whatever_becomes_of_its_record(dealt: Path):
    name, secret = token(dealt)
    say(dealt, "deal", "revoke", name)
    say(dealt, "deal", "end", "bank_2027", "--on", "2034-01-01")
    with Workspace(dealt) as ws:
        for kind in ("rvk", "end"):
            [(node,)] = sqlite3.connect(dealt / "state" / "state.db").execute(
                f"SELECT id FROM record WHERE id LIKE '{kind}_%'"
            )
            with pytest.raises(Denied) as refused:
                ws.store.erase(node, actor=ws.actor, reason="asked for")
            assert refused.value.code == "store.holds-closed"
    _spoil(dealt, "UPDATE record SET body = 'x' WHERE kind IN ('revocation', 'deal_end')")
    _, other = _token(dealt, "bank_2027")
    with serving(dealt) as gateway:
        assert gateway.code(secret) == (401, "call.revoked-token")
        assert gateway.code(other) == (503, "call.not-served")


def test_a_store_that_cannot_be_read_closes_the_gateway_within_seconds(dealt: Path):
    _, secret = token(dealt)

    def rename(old: str, new: str) -> None:
        with sqlite3.connect(dealt / "state" / "state.db", timeout=30) as db:
            db.execute("PRAGMA legacy_alter_table = ON")  # views and triggers stay as they are
            db.execute(f"ALTER TABLE {old} RENAME TO {new}")
        db.close()

    with serving(dealt) as gateway:
        assert gateway.get(secret)[0] == 200
        rename("event", "away")
        assert wait_until(lambda: gateway.code(secret) == (503, "call.not-refreshed"), 9) > 2
        rename("away", "event")
        wait_until(lambda: gateway.get(secret)[0] == 200, 5)


def test_accesses_are_read_in_as_many_queries_however_many_tokens_there_are(dealt: Path):
    asked: list[str] = []

    def note(*event: object) -> None:
        asked.append(str(event[2]))

    with Workspace(dealt) as ws:
        before = ws.store.size()
        tokens = [new_token(ws, f"bank_202{6 + n % 2}", "")["id"] for n in range(40)]
        assert ws.store.kinds(before) == {"token"} <= RESTS_ON
        revoke_token(ws, tokens[7], "")
        sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
        try:
            found = accesses(ws)
        finally:
            sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
        closed = [one.token for one in found.values() if one.refused]
        assert len(found) == 40 and closed == [tokens[7]]
        assert len([query for query in asked if "FROM record" in query]) == 7
        before = ws.store.size()
        with pytest.raises(NotFound):
            new_token(ws, "nothing", "")
        assert ws.store.kinds(before) == {"refusal"}  # logged, and nothing rests on it
    assert "refusal" not in RESTS_ON
