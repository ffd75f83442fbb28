"""What a gateway does when something under it breaks: records, store, disk, files, clients."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from deals import DEAL, Gateway, codes, say, serving, token, wait_until

from sanhua.asset.meter import MeterSegment, head_of, usage_line
from sanhua.kernel.errors import Broken, Denied, NotFound, Unavailable
from sanhua.kernel.time import legal_day
from sanhua.store.segment import SegmentWriter
from sanhua.web.arriving import ARRIVE_S, connections_max
from sanhua.web.meter import DENIED_MAX, Meter
from sanhua.workspace.dealing import (
    RESTS_ON,
    accesses,
    new_token,
    remove_unserved,
    revoke_token,
)
from sanhua.workspace.metering import seal, sealed
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
    with serving(dealt) as gateway:
        assert gateway.code(lost) == (503, "call.not-served")
        assert gateway.get(other)[0] == 200


def test_a_revocation_holds_whatever_becomes_of_its_record(dealt: Path):
    name, secret = token(dealt)
    say(dealt, "deal", "revoke", name)
    say(dealt, "deal", "end", "bank_2027", "--on", "2034-01-01")
    with Workspace(dealt) as ws:
        for kind in ("rvk", "end"):
            with closing(sqlite3.connect(dealt / "state" / "state.db")) as db:
                [(node,)] = db.execute(f"SELECT id FROM record WHERE id LIKE '{kind}_%'")
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


# The meter


def permits(project: Path) -> int:
    """Permitted calls in the log, after everything was sealed."""
    with Workspace(project) as ws:
        seal(ws)
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            return sum(one.permits for s in uow.all(MeterSegment) for one in s.used)


@POSIX
@pytest.mark.parametrize("how", ["file", "folder"])
def test_a_segment_taken_away_under_the_gateway_costs_a_moment_and_no_call(dealt: Path, how: str):
    _, secret = token(dealt)
    meter = dealt / "state" / "meter"
    answered = 0
    with serving(dealt) as gateway:
        for _ in range(5):
            answered += gateway.get(secret, **CALL)[0] == 200
        if how == "file":
            [path] = meter.glob("*.open")
            path.unlink()
        else:
            meter.rename(dealt / "state" / "elsewhere")
        said = gateway.code(secret, **CALL)
        assert said == (503, "store.cannot-open")
        wait_until(lambda: gateway.get(secret, **CALL)[0] == 200, 3)
        answered += 1
    assert answered == 6 == permits(dealt)
    say(dealt, "verify")


@POSIX
def test_a_changed_byte_in_a_killed_gateways_segment_is_told_and_costs_one_call(dealt: Path):
    _, secret = token(dealt)
    meter = dealt / "state" / "meter"
    gateway = Gateway(dealt)
    for _ in range(6):
        assert gateway.get(secret, **CALL)[0] == 200
    gateway.kill()
    gateway.line.close()
    [path] = meter.glob("*.open")
    data = bytearray(path.read_bytes())
    data[data.index(b'"row":1') + 6] = ord("9")  # of the first call
    path.write_bytes(bytes(data))
    with serving(dealt) as gateway:
        assert gateway.get(secret, **CALL)[0] == 200
    assert permits(dealt) == 5 + 1
    [aside] = meter.glob("*.broken")
    assert aside.read_bytes() == bytes(data) and not list(meter.glob("*.torn"))
    assert "store.meter-aside" in str(say(dealt, "verify", code=8)["diagnostics"])
    later = {"SANHUA_CLOCK_OFFSET_S": str(32 * 86400)}
    month = f"{legal_day(datetime.now(UTC)):%Y-%m}"
    assert codes(say(dealt, "close", month, code=8, env=later)) == ["store.meter-aside"]
    aside.rename(dealt.parent / aside.name)
    say(dealt, "verify")
    assert say(dealt, "close", month, env=later)["usage"]["records"] == 6


def test_a_damaged_closed_segment_is_set_aside_while_serving_goes_on(dealt: Path):
    _, secret = token(dealt)
    meter = dealt / "state" / "meter"
    with serving(dealt) as gateway:
        assert gateway.get(secret, **CALL)[0] == 200
        (meter / "bad.ndjson").write_bytes(
            b'{"segment": "bad"}\n{"n":1}\n{"batch":"00","lines":1}\n'
        )
        (meter / "no_usage.ndjson").write_bytes(b"")
        writer = SegmentWriter(meter, "chained")
        writer.commit([b'{"what": "no usage record"}\n'])
        assert writer.close() is not None
        wait_until(lambda: len(list(meter.glob("*.broken"))) == 2, 10)
        assert gateway.get(secret, **CALL)[0] == 200
    with serving(dealt) as gateway:
        assert gateway.get(secret, **CALL)[0] == 200
    with pytest.raises(Broken):  # what chains and is no usage stays, and all others are sealed
        permits(dealt)
    (meter / "chained.ndjson").unlink()
    assert permits(dealt) == 3
    say(dealt, "verify", code=8)


def test_refusals_that_cannot_be_written_are_counted_and_take_no_memory(tmp_path: Path):
    folder = tmp_path / "meter"
    folder.touch()  # a file: nothing can be written below it
    head = head_of("deal:a", "party:b", "product:p", "sha256:0", "sha256:0")
    said = "call.field", "call.purpose"

    def line(number: int, reason: str, times: int = 1) -> bytes:
        at = "2026-03-01T00:00:00.000Z"
        return usage_line(number, at, head, "", (0, 0, 0), "deny", reason, "", times)

    async def flood() -> int:
        meter = Meter(folder, 0, ack=True)
        meter.start(lambda reason, times: line(0, reason, times))
        most = 0
        for round in range(8):
            for number in range(10_000):
                meter.record(line(round * 10_000 + number, said[number % 2]))
            with pytest.raises(Unavailable):
                await meter.committed()
            most = max(most, len(meter._waiting))  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(0.3)
        assert meter.full is not None and meter.full.code == "store.cannot-open"
        folder.unlink()
        await meter.committed()
        await meter.stop()
        return most

    assert asyncio.run(flood()) <= DENIED_MAX
    [path] = folder.glob("*.ndjson")
    found: Counter[str] = Counter()
    for text in path.read_text().splitlines():
        record = json.loads(text)
        if "id" in record:
            found[record["reason"]] += record.get("times", 1)
    assert found == {reason: 40_000 for reason in said}


def test_a_segment_that_cannot_be_closed_answers_every_call_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sanhua.web.meter.SEGMENT_S", 0.0)
    head = head_of("deal:a", "party:b", "product:p", "sha256:0", "sha256:0")

    def line(number: int) -> bytes:
        at = "2026-03-01T00:00:00.000Z"
        return usage_line(number, at, head, "", (1, 1, 1), "permit", "usage", "")

    async def calls() -> None:
        meter = Meter(tmp_path, 0, ack=True)
        meter.start(lambda reason, times: line(times))
        meter.record(line(1))
        await asyncio.wait_for(meter.committed(), 5)
        [path] = tmp_path.glob("*.open")
        obstacle = path.with_suffix(".ndjson")
        obstacle.mkdir()
        for number in (2, 3):
            meter.record(line(number))
            with pytest.raises(Unavailable):
                await asyncio.wait_for(meter.committed(), 5)
        obstacle.rmdir()
        meter.record(line(4))
        await asyncio.wait_for(meter.committed(), 5)
        await asyncio.wait_for(meter.stop(), 5)

    asyncio.run(calls())
    kept = [path.read_text().count('"id"') for path in tmp_path.iterdir()]
    assert kept == [1, 1]


# Counters, sealing and start


def _third(project: Path, policy: str = "", terms: str = "") -> str:
    """A deal `bank_2028` under one more policy, signed by both; a token of it."""
    (project / "deals" / "bank_2028.yaml").write_text(DEAL + terms, encoding="utf-8")
    if policy:
        text = (project / "policies" / "credit.yaml").read_text(encoding="utf-8")
        (project / "policies" / "more.yaml").write_text(
            text.replace("permit:", f"permit:\n  {policy}"), encoding="utf-8"
        )
    say(project, "run")
    for person, party in (("steward", "plant"), ("banker", "bank")):
        key = f"{project.parent / 'keys' / party}.key"
        say(project, "deal", "sign", "bank_2028", "--as", person, "--key", key)
    return _token(project, "bank_2028")[1]


@POSIX
def test_counters_that_cannot_be_read_are_counted_anew_and_that_is_said(dealt: Path):
    secret = _third(dealt, "count: 20 per month", "policy: more\n")
    with serving(dealt) as gateway:
        assert [gateway.get(secret, **CALL)[0] for _ in range(12)] == [200] * 12
    counters = dealt / "state" / "meter" / "quota.db"
    counters.write_bytes(b"\0" * 5000)
    gateway = Gateway(dealt)
    assert [gateway.get(secret, **CALL)[0] for _ in range(12)] == [200] * 8 + [429] * 4
    counters.write_bytes(b"\0" * 5000)  # and under a running gateway
    gateway.line.close()
    gateway.process.send_signal(signal.SIGTERM)
    _, said = gateway.process.communicate(timeout=60)
    assert gateway.process.returncode == 0 and "quota.db could not be read" in said


@POSIX
def test_a_limit_holds_over_the_death_of_the_first_process_and_an_immediate_start(dealt: Path):
    secret = _third(dealt, "count: 20 per month", "policy: more\n")
    gateway = Gateway(dealt)
    assert [gateway.get(secret, **CALL)[0] for _ in range(12)] == [200] * 12
    gateway.process.kill()
    gateway.process.communicate(timeout=60)
    with serving(dealt) as other:
        assert [other.get(secret, **CALL)[0] for _ in range(12)] == [200] * 8 + [429] * 4
    gateway.line.close()
    assert permits(dealt) == 20
    say(dealt, "verify")


def test_a_start_reads_no_file_of_a_closed_month(dealt: Path):
    secret = _third(dealt, "count: 20 per year", "policy: more\n")
    with serving(dealt) as gateway:
        assert [gateway.get(secret, **CALL)[0] for _ in range(12)] == [200] * 12
    today = legal_day(datetime.now(UTC))
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=3)
    later = {"SANHUA_CLOCK_OFFSET_S": str((following - today).days * 86400)}
    say(dealt, "close", f"{today:%Y-%m}", env=later)
    if (today + timedelta(days=1)).day != 1:  # a repeat may come on the first day
        for path in (dealt / "state" / "meter").glob("*.ndjson"):
            path.unlink()
    left = 8 if following.year == today.year else 12
    with serving(dealt, env=later) as gateway:
        found = [gateway.get(secret, **CALL)[0] for _ in range(12)]
    assert found == [200] * left + [429] * (12 - left)


def test_sealing_asks_for_nothing_that_it_knows_to_be_sealed(dealt: Path):
    _, secret = token(dealt)
    with serving(dealt) as gateway:
        assert gateway.get(secret, **CALL)[0] == 200
    with Workspace(dealt) as ws:
        known: set[str] = set()
        assert ws.store.size() and seal(ws, known) == [] and len(known) == 1
        asked: list[str] = []
        note = lambda *event: asked.append(str(event[2]))  # noqa: E731
        sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
        try:
            assert seal(ws, known) == [] and asked == []
            [segment] = sealed(ws, "2020")
            assert sealed(ws, "2020", segment.first_at) == [segment] == sealed(ws, segment.last_at)
            assert sealed(ws, "2020", "2021") == [] == sealed(ws, "9000")
        finally:
            sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)


# Keyed files and the mask key


def test_a_keyed_file_that_comes_back_is_served_again(dealt: Path):
    _, secret = token(dealt)
    [path] = (dealt / ".sanhua" / "serving").glob("*.keyed")
    away = path.rename(dealt / "away")
    with serving(dealt) as gateway:
        assert gateway.code(secret, **CALL) == (503, "call.not-served")
        path.write_bytes(b"something else")
        time.sleep(0.6)
        assert gateway.code(secret, **CALL) == (503, "call.not-served")
        shutil.copy(away, path)
        wait_until(lambda: gateway.get(secret, **CALL)[0] == 200, 1.5)


@POSIX
def test_keyed_files_that_no_deal_in_force_names_are_removed_and_let_go(dealt: Path):
    folder = dealt / ".sanhua" / "serving"
    secret = _third(dealt, terms="rows: meter = 'M1'\n")
    kept, over = sorted(folder.glob("*.keyed"), key=lambda path: path.stat().st_mtime)
    for name in ("1.keyed", ".2.keyed.part"):
        (folder / name).touch()
    with serving(dealt) as gateway:
        assert gateway.get(secret, **CALL)[0] == 200
        say(dealt, "deal", "end", "bank_2028")
        wait_until(lambda: gateway.code(secret, **CALL) == (403, "call.after-term"), 1.5)
        with Workspace(dealt) as ws:
            assert remove_unserved(ws) == []  # somebody may be just making them
            for path in folder.iterdir():
                os.utime(path, (0, 0))
            assert {path.name for path in remove_unserved(ws)} == {
                over.name,
                "1.keyed",
                ".2.keyed.part",
            }
        say(dealt, "run")
        assert list(folder.iterdir()) == [kept]
        worker = next(iter(children(gateway.process.pid)))
        maps = Path(f"/proc/{worker}/fd")
        if maps.exists():
            opened = [os.readlink(one) for one in maps.iterdir()]
            assert not [name for name in opened if over.name in name]


def children(pid: int) -> list[int]:
    """The workers of a serving process (Linux)."""
    found: list[int] = []
    for task in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = task.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and "spawn_main" in (task.parent / "cmdline").read_text():
                found.append(int(task.parent.name))
    return found


def test_a_lost_mask_key_is_refused_and_never_replaced(dealt: Path):
    secret = _third(dealt, terms="mask: {kwh: token}\n")
    key = dealt / "state" / "keys" / "mask.key"
    with serving(dealt) as gateway:
        before = gateway.get(secret, **CALL)[1]
    away = key.rename(dealt / "mask.key")
    shutil.rmtree(dealt / ".sanhua" / "serving")
    assert "keys.mask-missing" in codes(say(dealt, "run", code=8))
    assert not key.exists()
    away.rename(key)
    say(dealt, "run")
    with serving(dealt) as gateway:
        assert gateway.get(secret, **CALL)[1] == before


def test_processes_that_make_a_key_at_once_end_with_the_same(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from sanhua.store.disk import write_first;"
        "path = Path(sys.argv[1]); sys.stdin.read(); write_first(path, os.urandom(32));"
        "print(path.read_bytes().hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "mask.key")]
    racing = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    found = {process.communicate("", timeout=60)[0] for process in racing}
    assert all(process.returncode == 0 for process in racing)
    assert len(found) == 1 and len(found.pop().strip()) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["mask.key"]


# Clients


@POSIX
def test_requests_that_do_not_arrive_are_cut_off_and_connections_are_bounded(dealt: Path):
    _, secret = token(dealt)
    head = f"GET /v1/data/energy HTTP/1.1\r\nAuthorization: Bearer {secret}\r\n".encode()
    with serving(dealt) as gateway:
        host, _, port = gateway.address.partition(":")

        def connect(sent: bytes) -> socket.socket:
            line = socket.create_connection((host, int(port)), timeout=5)
            line.sendall(sent)
            return line

        def is_open(line: socket.socket) -> bool:
            line.setblocking(False)
            try:
                return line.recv(65536) != b""
            except BlockingIOError:
                return True
            except OSError:
                return False

        began = time.monotonic()
        half = [connect(head) for _ in range(100)]
        silent = [connect(b"") for _ in range(100)]
        part = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"
        body = [connect(part) for _ in range(9)]
        asked = connect(head + b"\r\n")
        assert asked.recv(12) == b"HTTP/1.1 200"
        asked.sendall(b"GET")  # and no more
        while time.monotonic() - began < ARRIVE_S - 2:
            half[0].sendall(b"X: y\r\n")  # slowly
            assert gateway.get(secret, **CALL)[0] == 200
            time.sleep(0.5)
        assert all(map(is_open, [*half, *silent]))
        everyone = [*half, *silent, *body, asked]
        wait_until(lambda: not any(is_open(one) for one in everyone), 5)
        for one in everyone:
            one.close()

        endless = connect(head)
        with pytest.raises(OSError):
            for _ in range(100):
                endless.sendall(b"X: " + b"y" * 8000 + b"\r\n")
                time.sleep(0.01)
        endless.close()
        many = [connect(b"") for _ in range(connections_max() + 20)]
        wait_until(lambda: sum(map(is_open, many)) <= connections_max(), 5)
        for one in many:
            one.close()
        wait_until(lambda: gateway.get(secret, **CALL)[0] == 200, 2)
