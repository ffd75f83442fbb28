"""Whatever is changed behind the program's back is found, and named."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest

from private_postgres import Server
from sanhua.kernel.errors import SanhuaError
from sanhua.kernel.ledger import Book, BookKind, Entry, Line
from sanhua.kernel.ports import Rule
from sanhua.kernel.record import Ref, record
from sanhua.store import SqlStore, open_store
from sanhua.store.clock import SetClock
from sanhua.store.keys import FileSigner


@record("test_link")
@dataclass(frozen=True, slots=True)
class Link:
    id: str
    made_from: Annotated[str, Ref("made_from")]
    weight: Decimal = Decimal(1)


class NoRules:
    def ask(self, instrument: str, name: str, *, on: date) -> Rule:
        raise LookupError(name)

    def working_days_after(self, start: date, days: int) -> date:
        raise LookupError(start)


class InSqlite:
    """Databases as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self) -> Path:
        return self.folder / "state.db"

    def copy(self, sound: Path, folder: Path) -> Path:
        path = folder / "state.db"
        with sqlite3.connect(sound) as source, sqlite3.connect(path) as copy:
            source.backup(copy)
        source.close()
        copy.close()
        return path

    def url(self, database: Path) -> str:
        return f"sqlite:///{database.as_posix()}"

    def tamper(self, database: Path, *statements: str) -> None:
        """The triggers are taken off meanwhile."""
        db = sqlite3.connect(database)
        triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        taken = db.execute(triggers).fetchall()
        for name, _ in taken:
            db.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            assert db.execute(statement).rowcount >= 1, statement
        for _, sql in taken:
            db.execute(sql)
        db.commit()
        db.close()

    def change(self, database: Path, *statements: str) -> None:
        """What the database is made of."""
        db = sqlite3.connect(database)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()


class InPostgres:
    """Databases of a server; a copy is one made from a template."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def new(self) -> str:
        return self.server.database()

    def copy(self, sound: str, folder: Path) -> str:
        return self.server.database(sound)

    def url(self, database: str) -> str:
        return self.server.url(database)

    def tamper(self, database: str, *statements: str) -> None:
        off = "SET session_replication_role = replica"  # triggers, those of foreign keys as well
        for statement in statements:
            rows = self.server.do(
                off, statement.replace("x'00'", r"'\x00'") + " RETURNING 1", database=database
            )
            assert rows, statement

    def change(self, database: str, *statements: str) -> None:
        self.server.do(*statements, database=database)


@dataclass(frozen=True)
class Sound:
    """A small store, its key and its published checkpoint; nobody writes to it."""

    where: Any
    folder: Path
    database: Any

    def open(self, database: Any) -> SqlStore:
        return open_store(
            self.where.url(database),
            clock=SetClock(datetime(2026, 1, 2, tzinfo=UTC)),
            rules=NoRules(),
            signer=FileSigner.open(self.folder / "log.key", "sanhua/test"),
            published=self.folder / "published",
            entropy=random.Random(1).randbytes,
        )

    def found(self, database: Any) -> set[str]:
        """The codes of what is found, or of the refusal to read it at all."""
        try:
            store = self.open(database)
        except SanhuaError as error:
            return {error.code}
        try:
            faults = store.verify()
            assert all(
                fault.message("zh") and fault.message("en") and str(fault) for fault in faults
            )
            return {fault.code for fault in faults}
        finally:
            store.close()


def make(where: Any, folder: Path) -> Sound:
    sound = Sound(where, folder, where.new())
    store = sound.open(sound.database)
    with store.begin(actor="party:a") as uow:
        uow.add(Book("book:b", "party:a", BookKind.ENTITY), "book.opened")
        for n in range(5):
            uow.add(Link(f"link:{n}", f"node:{n}"), "link.made")
        lines = (Line("5301", 700, "m"), Line("2211", -700))
        uow.post(Entry(uow.new_id("pst"), "book:b", date(2026, 1, 1), lines, "voucher:1"))
    store.checkpoint()
    with store.begin(actor="party:a") as uow:
        uow.add(Link("link:0", "node:other"), "link.made")
    store.checkpoint()
    with store.begin(actor="party:a") as uow:
        uow.add(Link("link:gone", "node:x"), "link.made")
    store.erase("link:gone", actor="party:a", reason="r")
    store.checkpoint()
    assert store.verify() == []
    store.close()
    return sound


@pytest.fixture(scope="module")
def in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    folder = tmp_path_factory.mktemp("sound")
    return make(InSqlite(folder), folder)


@pytest.fixture(scope="module")
def in_postgres(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Sound:
    return make(InPostgres(postgres), tmp_path_factory.mktemp("sound"))


@pytest.fixture
def sound(request: pytest.FixtureRequest) -> Sound:
    return request.getfixturevalue(f"in_{getattr(request, 'param', 'sqlite')}")


@pytest.fixture
def database(sound: Sound, tmp_path: Path) -> Any:
    """A copy to tamper with."""
    return sound.where.copy(sound.database, tmp_path)


BOTH = pytest.mark.parametrize("sound", ["sqlite", "postgres"], indirect=True)

STEP = 499
ONE = "WHERE id = 'link:1'"
OTHER_LEAF = "UPDATE event SET leaf = replace(leaf, 'link.made', 'link.mode') WHERE seq = 3"
EARLIER = "UPDATE event SET recorded_at = '2025-01-01T00:00:00.000000Z' WHERE seq = 3"
AGAIN = (
    "INSERT INTO record SELECT id, 3, kind, body, salt FROM record WHERE id = 'link:0' AND seq = 2"
)
MORE = (
    "INSERT INTO edge SELECT node, seq, 9, src, verb, dst, weight FROM edge WHERE node = 'link:1'"
)
NO_RECORD = "INSERT INTO edge VALUES ('link:gone', 1, 0, 'link:gone', 'v', 'd', '1')"
NO_ENTRY = "INSERT INTO entry_line VALUES ('pst_x', 0, 'book:b', '1', 1, 'CNY', '2026-01-01')"
NO_REASON = "UPDATE record SET body = NULL, salt = NULL WHERE kind = 'erasure'"
RENAMED = "UPDATE checkpoint SET note = replace(note, 'sanhua/test', 'sanhua/best')"
FIRST_NOTE = "SELECT note FROM checkpoint WHERE size = 7"
OTHER_PLACE = '{"made_from":["text","weight"]}'
OTHER_NAME = '{"made_from":["text","x\'\'y"]}'
FEWER = '{"weight":["text","weight"]}'
CREDIT = "UPDATE entry_line SET amount = amount + 1 WHERE ordinal = 0"


CHANGES = [
    (f"UPDATE record SET body = replace(body, 'node:1', 'node:2') {ONE}", "verify.seal"),
    (f"UPDATE record SET body = body || ' ' {ONE}", "verify.seal"),
    (f"UPDATE record SET body = 'nonsense' {ONE}", "verify.seal"),
    (f"UPDATE record SET salt = '00' {ONE}", "verify.seal"),
    (f"UPDATE record SET salt = 'zz' {ONE}", "verify.seal"),
    (f"UPDATE record SET body = NULL, salt = NULL {ONE}", "verify.missing-body"),
    (NO_REASON, "verify.missing-body"),
    (f"UPDATE record SET kind = 'other' {ONE}", "verify.record-row"),
    (f"UPDATE record SET id = 'link:9' {ONE}", "verify.no-event"),
    (f"UPDATE record SET id = 'link:9' {ONE}", "verify.no-record"),
    (f"UPDATE record SET seq = 2 {ONE}", "verify.version-gap"),
    (f"DELETE FROM record {ONE}", "verify.no-record"),
    ("INSERT INTO record VALUES ('link:9', 1, 'test_link', '{}', '00')", "verify.no-event"),
    (AGAIN, "verify.no-event"),
    ("UPDATE edge SET dst = 'node:9' WHERE node = 'link:1'", "verify.edge-changed"),
    ("UPDATE edge SET verb = 'made_off' WHERE node = 'link:1'", "verify.edge-changed"),
    ("UPDATE edge SET weight = '2' WHERE node = 'link:1'", "verify.edge-changed"),
    ("UPDATE edge SET src = 'link:2' WHERE node = 'link:1'", "verify.edge-changed"),
    ("UPDATE edge SET ordinal = 7 WHERE node = 'link:1'", "verify.edge-missing"),
    ("UPDATE edge SET node = 'link:9' WHERE node = 'link:1'", "verify.edge-extra"),
    ("DELETE FROM edge WHERE node = 'link:1'", "verify.edge-missing"),
    (MORE, "verify.edge-extra"),
    (NO_RECORD, "verify.edge-extra"),
    ("INSERT INTO edge VALUES ('zz', 1, 0, 'zz', 'v', 'd', '1')", "verify.edge-extra"),
    (CREDIT, "verify.entry-line-changed"),
    ("UPDATE entry_line SET amount = -amount", "verify.entry-line-changed"),
    ("UPDATE entry_line SET account = '9' WHERE ordinal = 1", "verify.entry-line-changed"),
    ("UPDATE entry_line SET book = 'book:c'", "verify.entry-line-changed"),
    ("UPDATE entry_line SET currency = 'USD'", "verify.entry-line-changed"),
    ("UPDATE entry_line SET effective_on = '2026-01-02'", "verify.entry-line-changed"),
    ("DELETE FROM entry_line WHERE ordinal = 1", "verify.entry-line-missing"),
    (NO_ENTRY, "verify.entry-line-extra"),
    (OTHER_LEAF, "verify.merkle"),
    (OTHER_LEAF, "verify.event-row"),
    (OTHER_LEAF, "verify.checkpoint"),
    ("UPDATE event SET leaf = '[]' WHERE seq = 3", "verify.event-row"),
    ("UPDATE event SET type = 'x' WHERE seq = 3", "verify.event-row"),
    ("UPDATE event SET id = 'x' WHERE seq = 3", "verify.event-row"),
    ("UPDATE event SET node = 'link:9' WHERE seq = 3", "verify.event-row"),
    ("UPDATE event SET version = 9 WHERE seq = 3", "verify.event-row"),
    (EARLIER, "verify.event-time"),
    ("DELETE FROM event WHERE seq = 3", "verify.event-gap"),
    ("DELETE FROM event WHERE seq = 10", "verify.truncated"),
    ("UPDATE event SET seq = 99 WHERE seq = 10", "verify.event-gap"),
    ("UPDATE merkle SET hash = x'00' WHERE leaf = 4 AND level = 2", "verify.merkle"),
    ("UPDATE merkle SET level = 9 WHERE leaf = 4 AND level = 2", "verify.merkle"),
    ("DELETE FROM merkle WHERE leaf = 8 AND level = 3", "verify.merkle"),
    ("INSERT INTO merkle VALUES (99, 1, x'00')", "verify.merkle"),
    (RENAMED, "verify.note"),
    ("UPDATE meta SET value = 'sanhua/best' WHERE name = 'origin'", "verify.note"),
    ("UPDATE checkpoint SET size = 9 WHERE size = 7", "verify.note"),
    ("DELETE FROM checkpoint WHERE size = 7", "verify.checkpoint-chain"),
    ("DELETE FROM checkpoint WHERE size = 8", "verify.checkpoint-chain"),
    ("DELETE FROM checkpoint WHERE size = 10", "verify.checkpoint-gone"),
    ("DELETE FROM checkpoint", "verify.checkpoint-gone"),
    (f"UPDATE checkpoint SET note = ({FIRST_NOTE}) WHERE size = 8", "verify.note"),
    ("UPDATE meta SET value = '' WHERE name = 'origin'", "verify.meta"),
    ("DELETE FROM meta WHERE name = 'origin'", "verify.meta"),
    ("DELETE FROM meta WHERE name = 'schema'", "store.corrupt"),
    ("UPDATE meta SET value = '0' WHERE name = 'schema'", "store.corrupt"),
    ("UPDATE meta SET value = 'x' WHERE name = 'schema'", "store.corrupt"),
    ("UPDATE meta SET value = '9' WHERE name = 'schema'", "store.newer-schema"),
    ("UPDATE meta SET value = '[]' WHERE name = 'columns:test_link'", "verify.meta"),
    (f"UPDATE meta SET value = '{OTHER_PLACE}' WHERE name = 'columns:test_link'", "verify.meta"),
    (f"UPDATE meta SET value = '{OTHER_NAME}' WHERE name = 'columns:test_link'", "verify.meta"),
    (f"UPDATE meta SET value = '{FEWER}' WHERE name = 'columns:test_link'", "verify.view"),
    ("DELETE FROM meta WHERE name = 'columns:test_link'", "verify.meta"),
    ("INSERT INTO meta VALUES ('columns:none', '1')", "verify.meta"),
    ("INSERT INTO meta VALUES ('more', '1')", "verify.meta"),
]
# A value of another type, which only SQLite takes.
OTHER_TYPES = [
    (f"UPDATE record SET body = cast(body AS BLOB) {ONE}", "verify.seal"),
    ("UPDATE edge SET node = x'00' WHERE node = 'link:1'", "verify.edge-extra"),
    ("UPDATE edge SET node = 5 WHERE node = 'link:1'", "verify.edge-extra"),
    ("UPDATE event SET leaf = x'ff' WHERE seq = 3", "verify.merkle"),
]


@pytest.mark.parametrize(
    ("sound", "statement", "code"),
    [
        *(("sqlite", *change) for change in [*CHANGES, *OTHER_TYPES]),
        *(("postgres", *change) for change in CHANGES),
    ],
    indirect=["sound"],
)
def test_a_changed_row_is_found(sound: Sound, database: Any, statement: str, code: str):
    sound.where.tamper(database, statement)
    assert code in sound.found(database)


# Statements over what the database is made of; a tuple is (SQLite, PostgreSQL).
REMADE = "SELECT id, seq FROM record WHERE kind = 'test_link' AND id <> 'link:1'"
DROP_ON = ("DROP TRIGGER {0}", "DROP TRIGGER {0} ON {1}")
LENIENT = (
    "CREATE TRIGGER record_no_update BEFORE UPDATE ON record WHEN 0 BEGIN SELECT 1; END",
    "CREATE TRIGGER record_no_update BEFORE UPDATE ON record FOR EACH ROW "
    "WHEN (NEW.body IS NULL) EXECUTE FUNCTION append_only()",
)
QUIET = (
    "CREATE TRIGGER more AFTER INSERT ON event BEGIN SELECT 1; END",
    "CREATE TRIGGER more AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION append_only()",
)
REMAKES: list[tuple[list[str | tuple[str, str]], str]] = [
    *(
        ([tuple(one.format(f"{table}_no_{act}", table) for one in DROP_ON)], "verify.trigger")  # type: ignore[list-item]
        for table, act in (("record", "update"), ("event", "delete"), ("checkpoint", "delete"))
    ),
    ([("DROP TRIGGER record_no_update", "DROP TRIGGER record_no_update ON record"), LENIENT],
     "verify.trigger"),
    ([QUIET], "verify.trigger"),
    (["DROP VIEW test_link_v"], "verify.view"),
    (["DROP VIEW test_link_v", f"CREATE VIEW test_link_v AS {REMADE}"], "verify.view"),
]  # fmt: skip
ONLY_POSTGRES = [
    (["ALTER TABLE event DISABLE TRIGGER event_no_update"], "verify.trigger"),
    (["ALTER TABLE record DISABLE TRIGGER ALL"], "verify.trigger"),
    (
        [
            "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NEW; END $$"
        ],
        "verify.trigger",
    ),
]
ONLY_SQLITE = [(["DROP INDEX event_node"], "verify.index")]


@pytest.mark.parametrize(
    ("sound", "statements", "code"),
    [
        *(("sqlite", *change) for change in [*REMAKES, *ONLY_SQLITE]),
        *(("postgres", *change) for change in [*REMAKES, *ONLY_POSTGRES]),
    ],
    indirect=["sound"],
)
def test_a_database_that_no_longer_refuses_or_shows_otherwise_is_found(
    sound: Sound, database: Any, statements: list[str | tuple[str, str]], code: str
):
    at = isinstance(sound.where, InPostgres)
    sound.where.change(database, *(one if isinstance(one, str) else one[at] for one in statements))
    assert sound.found(database) == {code}


@BOTH
def test_views_and_tables_that_people_add_are_no_fault(sound: Sound, database: Any):
    sound.where.change(
        database,
        "CREATE VIEW mine AS SELECT id FROM test_link_v",
        "CREATE TABLE notes (text TEXT)",
        "CREATE INDEX quick ON record (kind)",
    )
    assert sound.found(database) == set()


@BOTH
def test_an_event_taken_away_together_with_its_record_and_tree_is_found_by_the_checkpoint(
    sound: Sound, database: Any
):
    """The last act is erased whole: only what was published outside still knows of it."""
    sound.where.tamper(
        database,
        "DELETE FROM edge WHERE node LIKE 'ers_%'",
        "DELETE FROM event WHERE seq = 10",
        "DELETE FROM record WHERE kind = 'erasure'",
        "DELETE FROM merkle WHERE leaf = 10",
        "DELETE FROM checkpoint WHERE size = 10",
    )
    assert "verify.truncated" in sound.found(database)


def test_a_published_checkpoint_that_was_changed_is_found(sound: Sound, tmp_path: Path):
    for name in ("state.db", "log.key", "published"):
        (tmp_path / name).write_bytes((sound.folder / name).read_bytes())
    (tmp_path / "log.key").chmod(0o600)
    changed = Sound(sound.where, tmp_path, sound.database)
    data = (tmp_path / "published").read_bytes()
    for at in range(0, len(data) - 1, 5):
        (tmp_path / "published").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert changed.found(tmp_path / "state.db"), at


def test_a_changed_byte_in_the_file_itself_is_found_or_means_nothing(sound: Sound, database: Path):
    """Every 499th byte. What passes must read as the very same rows.

    Free space, counters, text of the schema.
    """
    tables = ("record", "event", "merkle", "edge", "entry_line", "checkpoint")

    def rows() -> list[object]:
        db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            return [
                db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables
            ]
        finally:
            db.close()

    data = database.read_bytes()
    honest, missed = rows(), 0
    for at in range(100, len(data), STEP):
        database.write_bytes(data[:at] + bytes([data[at] ^ 0x5A]) + data[at + 1 :])
        if not sound.found(database):
            missed += 1
            assert rows() == honest, at
        for rest in ("-wal", "-shm"):
            database.with_name(database.name + rest).unlink(missing_ok=True)
    assert missed < len(data) / STEP
