"""The stores of the suite, each opened as another process would, and a few records to keep."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from private_postgres import Server
from sanhua.kernel.ledger import Book, BookKind, Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.ports import Rule
from sanhua.kernel.record import Ref, record
from sanhua.kernel.text import Text
from sanhua.store import SqlStore, open_store
from sanhua.store.clock import SetClock
from sanhua.store.keys import FileSigner

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@record("test_person")
@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: Text
    phone: str
    employer: Annotated[str, Ref("works_for")] = ""
    pay: Money | None = None


@record("test_column")
@dataclass(frozen=True, slots=True)
class Column:
    id: str
    made_from: Annotated[str, Ref("made_from")] = ""


@record("test_snapshot")
@dataclass(frozen=True, slots=True)
class Snapshot:
    id: str
    columns: tuple[Column, ...]


class OneRule:
    """A rule book with one value."""

    def ask(self, instrument: str, name: str, *, on: date) -> Rule:
        node = f"rule:{instrument}/{name}@{on}"
        return Rule(node, instrument, name, True, "bool", "", "", "", "V", on)

    def working_days_after(self, start: date, days: int) -> date:
        return start + timedelta(days=days)


class Opener:
    """Opens the same database again, as another process would."""

    url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SetClock(START)
        self.opened: list[SqlStore] = []

    def __call__(self, *, url: str = "", published: str = "published", seed: int = 1) -> SqlStore:
        store = open_store(
            url or self.url,
            clock=self.clock,
            rules=OneRule(),
            signer=FileSigner.open(self.folder / "log.key", "sanhua/test"),
            published=self.folder / published,
            entropy=random.Random(seed).randbytes,
        )
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()


class OnSqlite(Opener):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file = folder / "state.db"
        self.url = self.another("state.db")
        self.read_only = f"sqlite:///file:{self.file}?mode=ro&uri=true"
        self.wait_a_little = "PRAGMA busy_timeout = 50"

    def another(self, name: str) -> str:
        """A database that is not there yet."""
        return f"sqlite:///{(self.folder / name).as_posix()}"

    def copy(self) -> str:
        """A backup of the database as it is."""
        with sqlite3.connect(self.file) as source, sqlite3.connect(self.folder / "copy.db") as copy:
            source.backup(copy)
        source.close()
        copy.close()
        return self.another("copy.db")

    def do(self, statement: str) -> list[Any]:
        """Past the program."""
        db = sqlite3.connect(self.file, isolation_level=None)
        try:
            return db.execute(statement).fetchall()
        finally:
            db.close()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While another process writes."""
        other = sqlite3.connect(self.file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()

    def bytes(self) -> bytes:
        """Of every file that holds tables."""
        return b"".join(path.read_bytes() for path in self.folder.iterdir())


class OnPostgres(Opener):
    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self.server = server
        self.database = server.database()
        self.url = server.url(self.database)
        self.read_only = self.url + "&options=-c%20default_transaction_read_only%3Don"
        self.wait_a_little = "SET lock_timeout = 50"

    def another(self, name: str) -> str:
        return self.server.url(self.server.database())

    def copy(self) -> str:
        return self.server.url(self.server.database(self.database))

    def do(self, *statements: str) -> list[Any]:
        return self.server.do(*statements, database=self.database)

    @contextmanager
    def busy(self) -> Iterator[None]:
        other = open_store(self.url, clock=self.clock, rules=OneRule())
        try:
            with other.begin(actor="party:other"):
                yield
        finally:
            other.close()

    def bytes(self) -> bytes:
        """The write-ahead log is left out: what is erased stays there until it is used again."""
        [[oid]] = self.do("SELECT oid FROM pg_database WHERE datname = current_database()")
        self.do("CHECKPOINT")
        folder = self.server.data / "base" / str(oid)
        return b"".join(path.read_bytes() for path in folder.iterdir())


AnyStore = OnSqlite | OnPostgres


LI = Person("party:li", Text("李薇", "Li Wei"), "13800000000", "party:plant")
TABLES = ("record", "event", "merkle", "edge", "entry_line", "checkpoint")
BOOK = Book("book:plant", "party:plant", BookKind.ENTITY)


def keep(store: SqlStore, *values: Any, kind: str = "thing.kept") -> None:
    with store.begin(actor="party:clerk") as uow:
        for value in values:
            uow.add(value, kind)


def entry(n: int, *amounts: tuple[str, int], on: date = date(2026, 1, 1)) -> Entry:
    lines = tuple(Line(account, amount, "备注") for account, amount in amounts)
    return Entry(f"pst_{n:032x}", "book:plant", on, lines, f"voucher:{n}", '一季度\n"研发"')
