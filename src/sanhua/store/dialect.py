"""Where databases differ: connecting, locking, triggers, JSON paths, wiping, errors. SQLite is
here, PostgreSQL in `postgres`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from sanhua.kernel.errors import Broken, Conflict, Invalid, SanhuaError, Unavailable

BUSY_WAIT_MS = 30_000


class Dialect(Protocol):
    """What the store needs beyond SQLAlchemy Core."""

    one_connection: bool  # all threads share it, so a unit of work holds the store alone
    errors: tuple[type[BaseException], ...]  # what the driver raises
    place: str  # the file, or host and database: for people, without a secret

    def exists(self) -> bool:
        """False when connecting would make a new database."""
        ...

    def connect(self, url: str) -> sa.Engine:
        """An engine whose transactions write, unless the execution option `read_only` is set."""
        ...

    def append_only(self) -> list[str]:
        """Statements that make the tables refuse what they must."""
        ...

    def view(
        self, name: str, kind: str, fields: list[tuple[str, str, tuple[str, ...]]]
    ) -> list[str]:
        """Statements that make (again) the view of a kind's latest versions.

        Column, type (text, bigint or boolean), path inside `fields`.
        """
        ...

    def changed(
        self,
        connection: sa.Connection,
        make_anew: Callable[[sa.Connection], None],
        views: dict[str, str],
    ) -> list[tuple[str, str]]:
        """What is missing, changed or (of triggers on our tables) too much beside that which
        `make_anew` makes in an empty database: (trigger, view, table or index; name). `views` are
        the names of the views with the statement that makes each.
        """
        ...

    def wipe(self, engine: sa.Engine) -> None:
        """Leave no byte of deleted text in the files of the tables.

        Conflict store.wipe-waits while others read.
        """
        ...

    def faults(self, connection: sa.Connection) -> list[str]:
        """What the database itself finds broken in its pages and indexes."""
        ...

    def error(self, error: BaseException) -> SanhuaError | None:
        """The error in our words; None when it is a mistake of ours."""
        ...


def dialect_of(url: str) -> Dialect:
    """By URL; Invalid store.unknown-url for a database that is not known."""
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return Sqlite(url)
    if scheme == "postgresql+psycopg":
        from sanhua.store.postgres import Postgres

        return Postgres(url)
    raise Invalid("store.unknown-url", scheme=scheme)


def parsed(url: str) -> sa.URL:
    """Invalid store.bad-url, which does not repeat it: a password may stand in it."""
    try:
        return sa.make_url(url)
    except (ArgumentError, ValueError):
        raise Invalid("store.bad-url", scheme=url.partition(":")[0]) from None


@contextmanager
def translated(dialect: Dialect) -> Iterator[None]:
    """Errors of the database as ours."""
    try:
        yield
    except dialect.errors as error:
        ours = dialect.error(error)
        if ours is None:
            raise
        raise ours from error


class Sqlite:
    """WAL, every commit synced; one writer at a time, readers see the last commit."""

    errors: tuple[type[BaseException], ...] = (DBAPIError, sqlite3.Error)

    def __init__(self, url: str) -> None:
        self._file = parsed(url).database or ""
        self.one_connection = self._file in ("", ":memory:")
        self.place = self._file or "memory"

    def exists(self) -> bool:
        return self._file.startswith("file:") or Path(self._file).exists()

    def connect(self, url: str) -> sa.Engine:
        options: dict[str, Any] = {"isolation_level": None, "timeout": BUSY_WAIT_MS / 1000}
        if self.one_connection:
            options["check_same_thread"] = False
            engine = sa.create_engine(
                url, connect_args=options, poolclass=StaticPool, hide_parameters=True
            )
        else:
            engine = sa.create_engine(url, connect_args=options, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def append_only(self) -> list[str]:
        never = [
            ("record", "DELETE", ""),
            (
                "record",
                "UPDATE",
                "WHEN NEW.body IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.id IS NOT OLD.id "
                "OR NEW.seq IS NOT OLD.seq OR NEW.kind IS NOT OLD.kind",
            ),
            ("edge", "UPDATE", ""),
            (
                "edge",
                "DELETE",
                "WHEN (SELECT body FROM record WHERE id = OLD.node AND seq = OLD.seq) IS NOT NULL",
            ),
            ("meta", "DELETE", ""),
            ("meta", "UPDATE", "WHEN OLD.name = 'origin'"),
        ]
        for table in ("event", "merkle", "entry_line", "checkpoint"):
            never += [(table, "UPDATE", ""), (table, "DELETE", "")]
        return [
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} {when} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for table, act, when in never
        ]

    def view(
        self, name: str, kind: str, fields: list[tuple[str, str, tuple[str, ...]]]
    ) -> list[str]:
        def path(steps: tuple[str, ...]) -> str:
            return "$.fields" + "".join(f'."{step}"' for step in steps)

        columns = ", ".join(
            f"json_extract(r.body, '{path(steps)}') AS \"{column}\"" for column, _, steps in fields
        )
        head = "r.id AS id, r.seq AS seq" + (", " if columns else "")
        return [
            f'DROP VIEW IF EXISTS "{name}"',
            f'CREATE VIEW "{name}" AS SELECT {head}{columns} '
            f"FROM record r WHERE r.kind = '{kind}' AND r.body IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM record n WHERE n.id = r.id AND n.seq > r.seq)",
        ]

    def changed(
        self,
        connection: sa.Connection,
        make_anew: Callable[[sa.Connection], None],
        views: dict[str, str],
    ) -> list[tuple[str, str]]:
        empty = sa.create_engine("sqlite://")
        try:
            with empty.connect() as made:
                make_anew(made)
                wanted = _made_of(made)
        finally:
            empty.dispose()
        have = _made_of(connection)
        ours = {table for _, _, table in wanted}
        return [
            (type_, name)
            for type_, name, table in sorted(wanted.keys() | have.keys())
            if wanted.get((type_, name, table)) != have.get((type_, name, table))
            and ((type_, name, table) in wanted or (type_ == "trigger" and table in ours))
        ]

    def wipe(self, engine: sa.Engine) -> None:
        if self.one_connection:
            return  # nothing is kept in a file, and secure_delete has zeroed the pages
        raw = engine.raw_connection()  # SQLAlchemy would open a transaction, which VACUUM refuses
        try:
            cursor = raw.cursor()
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        if busy:
            raise Conflict("store.wipe-waits", seconds=BUSY_WAIT_MS // 1000)

    def faults(self, connection: sa.Connection) -> list[str]:
        found = connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars().all()
        return [] if found == ["ok"] else list(found)

    def error(self, error: BaseException) -> SanhuaError | None:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        where = self.place
        match code:
            case sqlite3.SQLITE_FULL:
                return Unavailable("store.disk-full", file=where)
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return Conflict("store.busy", file=where, seconds=BUSY_WAIT_MS // 1000)
            case sqlite3.SQLITE_READONLY:
                return Unavailable("store.read-only", file=where)
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return Broken("store.corrupt", file=where, reason=str(cause))
            case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                return Unavailable("store.cannot-open", file=where, reason=str(cause))
            case _:
                # Text that is no UTF-8, a table that is not there: somebody changed the file.
                if re.search("Could not decode to UTF-8|no such (table|column)", str(cause)):
                    return Broken("store.corrupt", file=where, reason=str(cause))
                return None


def _made_of(connection: sa.Connection) -> dict[tuple[str, str, str], str]:
    """The statement that made each table, index, trigger and view: by type, name and table."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    rows = connection.exec_driver_sql(query).all()
    return {(type_, name, table): sql for type_, name, table, sql in rows}


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    for pragma in (
        f"busy_timeout = {BUSY_WAIT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # else INSERT OR REPLACE deletes without asking them
        "secure_delete = ON",
        "trusted_schema = OFF",
        "cache_size = -128000",  # KiB, as far as they are needed: keys come in no order
        "wal_autocheckpoint = 4000",  # pages
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
