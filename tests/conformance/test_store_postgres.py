"""What PostgreSQL alone can do wrong, or could do otherwise than SQLite."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from stores import LI, START, Column, OneRule, OnPostgres, Person, keep

from sanhua.kernel import record as records
from sanhua.kernel.errors import Broken, Conflict, Invalid, SanhuaError, Unavailable
from sanhua.store import SqlStore, open_store, postgres
from sanhua.store.clock import SetClock

KILLS = 25


@pytest.fixture
def store(on_postgres: OnPostgres) -> SqlStore:
    return on_postgres()


def refusal(work: Any, *arguments: Any, **named: Any) -> SanhuaError:
    with pytest.raises(SanhuaError) as refused:
        work(*arguments, **named)
    assert refused.value.diagnostic.message("zh") and "{" not in str(refused.value)
    return refused.value


# Order


NAMES = [
    "a:b",
    "a:B",
    "a:a_b",
    "a:a-b",
    "a:ab",
    "a:é",
    "a:e",
    "a:中文",
    "a:𠮷",
    "a:~",
    "A:z",
    "a:1",
]


def test_text_is_ordered_byte_by_byte_whatever_the_databases_collation(
    on_postgres: OnPostgres, store: SqlStore
):
    """The columns say it; where the server has ICU, a database that sorts as Chinese shows it."""
    columns = on_postgres.do(
        "SELECT DISTINCT collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'text' "
        "AND table_name NOT LIKE '%_v'"
    )
    assert columns == [("C",)]
    server = on_postgres.server
    try:
        other = server.database(options="LOCALE_PROVIDER icu ICU_LOCALE 'zh' LOCALE 'C'")
    except psycopg.Error:
        other = server.database()
    sorted_by_icu = on_postgres(url=server.url(other), published="other")
    keep(sorted_by_icu, *(Column(name, "a:to") for name in NAMES))
    with sorted_by_icu.begin(actor="party:clerk", read_only=True) as uow:
        assert [one.id for one in uow.all(Column)] == sorted(NAMES)
        assert [edge.src for edge in uow.edges_to("a:to")] == sorted(NAMES)
    assert sorted_by_icu.verify() == []
    assert [name for [name] in server.do("SELECT id FROM record ORDER BY id", database=other)] == (
        sorted(NAMES)
    )


# Errors


STATES = [
    ("53100", Unavailable, "store.disk-full"),
    ("53200", Unavailable, "store.cannot-reach"),
    ("57014", Unavailable, "store.cannot-reach"),
    ("58030", Unavailable, "store.cannot-reach"),
    ("55P03", Conflict, "store.busy"),
    ("40001", Conflict, "store.moved-on"),
    ("40P01", Conflict, "store.moved-on"),
    ("25006", Unavailable, "store.read-only"),
    ("42501", Unavailable, "store.no-privilege"),
    ("XX001", Broken, "store.corrupt"),
    ("XX002", Broken, "store.corrupt"),
    ("42P01", Broken, "store.corrupt"),
    ("22003", Invalid, "store.value-refused"),
]


@pytest.mark.parametrize(("state", "kind", "code"), STATES)
def test_an_error_of_the_server_is_told_in_our_words_and_nothing_is_kept(
    on_postgres: OnPostgres, store: SqlStore, state: str, kind: type[SanhuaError], code: str
):
    """The server itself raises it, in the middle of the act."""
    keep(store, LI)
    on_postgres.do(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'told so' USING ERRCODE = '{state}'; END $$",
        "CREATE TRIGGER fail BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    error = refusal(keep, store, Column("col:a"))
    assert (type(error), error.code) == (kind, code)
    on_postgres.do("DROP TRIGGER fail ON event")
    assert (store.size(), store.version_of("col:a"), store.verify()) == (1, 0, [])
    keep(store, Column("col:a"))
    assert store.verify() == []


def test_a_server_that_cannot_be_reached_is_named_without_the_password(on_postgres: OnPostgres):
    server = on_postgres.server
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server.do("CREATE ROLE keyed LOGIN PASSWORD 'right'")
    try:
        for url in (
            f"postgresql+psycopg://sanhua:s3cret@127.0.0.1:{port}/db",
            f"postgresql+psycopg://sanhua:s3cret@/db?host={on_postgres.folder}",
            server.url("no_such_database").replace("sanhua@", "sanhua:s3cret@"),
            server.url(on_postgres.database, user="no_such_role:s3cret"),
            server.url(on_postgres.database, user="keyed:s3cret"),
        ):
            error = refusal(on_postgres, url=url)
            assert (type(error), error.code) == (Unavailable, "store.cannot-reach")
            told = f"{error} {error.diagnostic.message('zh')} {error.__cause__}"
            assert "s3cret" not in told
        assert on_postgres.do("SELECT 1") == [(1,)]
    finally:
        server.do("DROP ROLE keyed")


@pytest.mark.parametrize("rest", ["u:s3cret@host:port/db", "//u:s3cret", "//u:s3cret@h:x/d"])
def test_a_url_that_cannot_be_read_is_not_repeated(on_postgres: OnPostgres, rest: str):
    error = refusal(on_postgres, url=f"postgresql+psycopg:{rest}")
    assert type(error) is Invalid or error.code == "store.cannot-reach"
    assert "s3cret" not in f"{error} {error.__cause__}"


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refusal(
        open_store, "postgresql+psycopg://u@h/d", clock=SetClock(START), rules=OneRule()
    )
    assert error.code == "store.no-driver" and "sanhua[postgres]" in error.diagnostic.hint("en")


def test_a_database_of_another_encoding_is_refused(on_postgres: OnPostgres):
    server = on_postgres.server
    latin = server.database(options="ENCODING 'LATIN1' LOCALE 'C'")
    error = refusal(on_postgres, url=server.url(latin))
    assert (type(error), error.code) == (Invalid, "store.not-utf8")


def test_a_row_that_the_database_refuses_is_not_shown(store: SqlStore):
    """The server's own detail holds the whole row."""
    with (
        pytest.raises(sa.exc.IntegrityError) as refused,
        store._transaction(read_only=False) as connection,
    ):
        row = {"body": "秘密"}
        connection.execute(sa.text("INSERT INTO record VALUES ('x', 1, 'k', :body, NULL)"), row)
    assert "秘密" not in f"{refused.value} {refused.value.orig}"


def test_a_reader_may_verify_and_nothing_else(on_postgres: OnPostgres, store: SqlStore):
    keep(store, LI)
    on_postgres.do(
        "CREATE ROLE auditor LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor"
    )
    try:
        auditing = on_postgres(url=on_postgres.server.url(on_postgres.database, user="auditor"))
        assert auditing.verify() == [] and auditing.size() == 1
        error = refusal(keep, auditing, Column("col:a"))
        assert (type(error), error.code) == (Unavailable, "store.no-privilege")
        auditing.close()
    finally:
        on_postgres.do("DROP OWNED BY auditor", "DROP ROLE auditor")


def test_a_role_that_may_not_make_tables_is_told_so(on_postgres: OnPostgres):
    on_postgres.do("CREATE ROLE guest LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        url = on_postgres.server.url(on_postgres.database, user="guest")
        error = refusal(on_postgres, url=url)
        assert (type(error), error.code) == (Unavailable, "store.no-privilege")
    finally:
        on_postgres.do("DROP ROLE guest")


# A server and a process that die


def test_a_connection_cut_in_the_middle_keeps_nothing_and_the_next_act_goes_on(
    on_postgres: OnPostgres, store: SqlStore
):
    keep(store, LI)

    def cut() -> None:
        with store.begin(actor="party:clerk") as uow:
            uow.add(Column("col:a"), "thing.kept")
            on_postgres.do(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    error = refusal(cut)
    assert (type(error), error.code) == (Unavailable, "store.cannot-reach")
    assert (store.size(), store.verify()) == (1, [])
    keep(store, Column("col:a"))
    assert store.size() == 2


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not to be had on Windows")
def test_a_server_process_killed_in_the_middle_loses_nothing_acknowledged(
    on_postgres: OnPostgres, store: SqlStore
):
    """The server then drops every connection and recovers from its log."""
    keep(store, LI)
    with store._transaction(read_only=True) as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while True:
        try:
            assert store.size() == 1
            break
        except Unavailable:
            assert time.monotonic() < until
            time.sleep(0.05)
    keep(store, Column("col:a"))
    assert (store.size(), store.verify()) == (2, [])


WRITER = """
import json, os, random, select, signal, sys
url, kills, seed = sys.argv[1], int(sys.argv[2]), random.Random(20261125)
sys.path[:0] = sys.argv[3:]
import psycopg, sqlalchemy.dialects.postgresql.psycopg
from stores import Column, OneRule
from sanhua.store import open_store, postgres
from sanhua.store.clock import SystemClock

acknowledged = []
for life in range(kills):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        store, n = open_store(url, clock=SystemClock(), rules=OneRule()), 0
        while True:
            names = [f"col:{life}.{n}.{part}" for part in range(1 + n % 7)]
            with store.begin(actor="party:clerk") as uow:
                for name in names:
                    uow.add(Column(name, "col:x"), "thing.kept")
            os.write(write, json.dumps(names).encode() + b"\\n")
            n += 1
    os.close(write)
    data = b""
    while not data:
        data = os.read(read, 1 << 16)
    select.select([], [], [], seed.uniform(0, 0.06))
    os.kill(child, signal.SIGKILL)
    while part := os.read(read, 1 << 16):
        data += part
    os.waitpid(child, 0)
    os.close(read)
    acknowledged += [json.loads(line) for line in data.splitlines()]
print(json.dumps(acknowledged))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not to be had on Windows")
def test_a_writer_killed_at_any_moment_loses_nothing_acknowledged(on_postgres: OnPostgres):
    """A commit is said to be done only after it is; a half act is never seen."""
    tests = Path(__file__).parent
    command = [sys.executable, "-c", WRITER, on_postgres.url, str(KILLS), str(tests)]
    done = subprocess.run(
        [*command, str(tests.parent)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    acknowledged: list[list[str]] = json.loads(done.stdout)
    store = on_postgres()
    assert store.verify() == []
    kept = [told.node for told in store.events()]
    assert {name for names in acknowledged for name in names} <= set(kept)
    acts: dict[str, int] = {}
    for name in kept:
        act = name.rpartition(".")[0]
        acts[act] = acts.get(act, 0) + 1
    assert all(count == 1 + int(act.rpartition(".")[2]) % 7 for act, count in acts.items())
    assert len(acts) - len(acknowledged) <= KILLS  # done, but killed before it could say so
    assert len(acknowledged) > KILLS


# Writers, readers


def test_an_act_is_on_the_disk_before_it_is_acknowledged(on_postgres: OnPostgres):
    on_postgres.do(f"ALTER DATABASE {on_postgres.database} SET synchronous_commit = off")
    with on_postgres()._transaction(read_only=False) as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_reader_sees_one_moment(store: SqlStore):
    keep(store, LI)
    with store._transaction(read_only=True) as connection:
        count = sa.text("SELECT count(*) FROM event")
        assert connection.execute(count).scalar() == 1
        other = threading.Thread(target=lambda: keep(store, Column("col:a")))
        other.start()
        other.join()
        assert connection.execute(count).scalar() == 1
    assert store.size() == 2


# Erasure


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(postgres, "BUSY_WAIT_MS", 200)
    yield


def test_an_erasure_waits_for_those_who_could_still_see_it(
    on_postgres: OnPostgres, store: SqlStore, short_wait: None
):
    """A transaction that is older keeps the old rows alive, whatever it reads."""
    keep(store, LI)
    engine = sa.create_engine(on_postgres.url, isolation_level="REPEATABLE READ")
    with engine.connect() as reader, reader.begin():
        reader.exec_driver_sql("SELECT 1 FROM meta")
        error = refusal(store.erase, LI.id, actor="party:dpo", reason="")
        assert (type(error), error.code) == (Conflict, "store.wipe-waits")
        assert store.kept(LI.id).fields is None
        assert LI.phone.encode() in on_postgres.bytes()
    engine.dispose()
    assert store.erase(LI.id, actor="party:dpo", reason="") is None
    assert LI.phone.encode() not in on_postgres.bytes()
    assert store.verify() == []


def test_the_planners_statistics_hold_no_bodies(on_postgres: OnPostgres, store: SqlStore):
    keep(store, LI, *(Column(f"col:{n}") for n in range(50)))
    on_postgres.do("ANALYZE")
    named = on_postgres.do("SELECT attname FROM pg_stats WHERE tablename = 'record'")
    assert {name for [name] in named} == {"id", "seq", "kind"}


# Views


def test_a_view_has_types_and_grows_in_place(
    on_postgres: OnPostgres, monkeypatch: pytest.MonkeyPatch
):
    def kind(**fields: type) -> Any:
        made = make_dataclass("Thing", [("id", str), *fields.items()], frozen=True, slots=True)
        monkeypatch.delitem(records.KINDS, "test_thing", raising=False)
        return records.record("test_thing")(made)

    def keep_one(value: Any) -> list[Any]:
        store = on_postgres()
        keep(store, value)
        store.close()
        return on_postgres.do("SELECT * FROM test_thing_v ORDER BY id")

    def types() -> list[str]:
        return [
            name
            for [name] in on_postgres.do(
                "SELECT data_type FROM information_schema.columns "
                "WHERE table_name = 'test_thing_v' ORDER BY ordinal_position"
            )
        ]

    first = kind(count=int, whole=bool, words=tuple[str, ...])
    assert keep_one(first("thing:1", 7, True, ("甲", "乙"))) == [
        ("thing:1", 1, 7, True, '["甲","乙"]')
    ]
    assert types() == ["text", "bigint", "bigint", "boolean", "text"]
    on_postgres.do(
        "CREATE VIEW mine AS SELECT count FROM test_thing_v",
        "CREATE ROLE looks",
        "GRANT SELECT ON test_thing_v TO looks",
    )
    try:
        more = kind(count=int, whole=bool, words=tuple[str, ...], note=str)
        rows = keep_one(more("thing:2", 8, False, (), "nul \0 in it"))
        assert [row[-1] for row in rows] == [None, "nul \ufffd in it"]
        assert on_postgres.do("SELECT * FROM mine ORDER BY 1") == [(7,), (8,)]
        granted = "SELECT has_table_privilege('looks', 'test_thing_v', 'SELECT')"
        assert on_postgres.do(granted) == [(True,)]
    finally:
        on_postgres.do("DROP OWNED BY looks", "DROP ROLE looks", "DROP VIEW mine")
    text = kind(count=str, whole=bool, words=tuple[str, ...], note=str)
    rows = keep_one(text("thing:3", "many", True, (), ""))
    assert [row[2] for row in rows] == ["7", "8", "many"]  # another type: made anew
    assert on_postgres().verify() == []


# Bytes on the disk


def test_a_changed_byte_in_the_servers_files_is_found_or_means_nothing(
    on_postgres: OnPostgres, store: SqlStore
):
    """The server was made with checksums. A copy is made file by file, so its pages are read from
    the disk.
    """
    with store.begin(actor="party:clerk") as uow:
        for n in range(60):
            uow.add(Person(f"party:{n}", LI.name, str(n), "party:plant"), "party.enrolled")
    store.checkpoint()
    store.close()
    server = on_postgres.server
    missed = 0
    for table, at in [("record", n) for n in range(600, 8192, 1500)] + [
        ("event", 5000),
        ("merkle", 8000),
        ("edge", 7000),
        ("record_pkey", 9000),
    ]:
        copy = server.database(on_postgres.database, "STRATEGY file_copy")
        [[path]] = server.do(f"SELECT pg_relation_filepath('{table}')", database=copy)
        file = server.data / path
        data = bytearray(file.read_bytes())
        data[at] ^= 0x5A
        file.write_bytes(bytes(data))
        try:
            faults = on_postgres(url=server.url(copy)).verify()
            assert all(fault.message("zh") and fault.message("en") for fault in faults)
            missed += not faults
        except Broken as error:
            assert error.code == "store.corrupt"
    assert missed <= 1  # an index that no part of the audit reads


def test_a_table_taken_away_is_named(on_postgres: OnPostgres, store: SqlStore):
    keep(store, LI)
    on_postgres.do("DROP TABLE merkle CASCADE")
    assert "verify.unreadable" in {fault.code for fault in store.verify()}
    error = refusal(keep, store, *(Column(f"col:{n}") for n in range(3)))
    assert (type(error), error.code) == (Broken, "store.corrupt")
