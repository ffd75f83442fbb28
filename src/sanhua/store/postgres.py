"""PostgreSQL 13 and later as the store's database, by psycopg (the extra `postgres`).

What SQLite gives by its file is said here in so many words: one writer at a time by an advisory
lock that ends with its transaction, readers on one snapshot, a commit on the disk before it is
acknowledged, text compared byte by byte (the columns are of collation "C").
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from sanhua.kernel.errors import Broken, Conflict, Invalid, SanhuaError, Unavailable
from sanhua.store.dialect import BUSY_WAIT_MS, parsed

CONNECT_WAIT_S = 10
# A peer that is gone without a word is given up after about a minute, on both ends.
ALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
LOOK_AGAIN_S = 0.05
LOCK_CLASS = 0x73616E68  # "sanh": what else is locked in the database does not meet us

# One statement each, so that a transaction begins in one round trip.
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; "
    f"SELECT pg_advisory_xact_lock({LOCK_CLASS}, hashtext(current_schema()))"
)
# A server may be told to acknowledge before the disk has it; this log is evidence.
_SESSION = (
    f"SET lock_timeout = {BUSY_WAIT_MS}; "
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; "
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'"
)
_TABLES = ("record", "event", "merkle", "edge", "entry_line", "checkpoint", "meta")
# Transactions of this database, our own left out. `pg_locks` shows them to every role.
_OTHERS = (
    "SELECT l.virtualxid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'virtualxid' AND l.granted AND a.datname = current_database() "
    "AND l.pid <> pg_backend_pid() "
    "UNION ALL SELECT gid FROM pg_prepared_xacts WHERE database = current_database() "
    "UNION ALL SELECT slot_name FROM pg_replication_slots WHERE xmin IS NOT NULL"
)
_TRIGGERS = (
    "SELECT t.tgname, t.tgenabled::text, t.tgisinternal, pg_get_triggerdef(t.oid), p.proname, "
    "p.prosrc FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "JOIN pg_proc p ON p.oid = t.tgfoid WHERE c.relnamespace = current_schema()::regnamespace "
    f"AND c.relname IN ({', '.join(repr(name) for name in _TABLES)}) ORDER BY 1"
)
_VIEWS = "SELECT viewname::text FROM pg_views WHERE schemaname = current_schema()"
_INDEXES = (
    "SELECT i.indexrelid::regclass::text FROM pg_index i "
    "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid "
    "JOIN pg_am m ON m.oid = x.relam "
    "WHERE t.relnamespace = current_schema()::regnamespace AND m.amname = 'btree' "
    f"AND t.relname IN ({', '.join(repr(name) for name in _TABLES)}) ORDER BY 1"
)


class Postgres:
    """One schema of one database; its role owns the tables."""

    one_connection = False

    def __init__(self, url: str) -> None:
        self._url = parsed(url)
        self.errors: tuple[type[BaseException], ...] = (DBAPIError,)
        # Never the user, the password or the options, where a password may stand as well.
        host = self._url.host or self._url.query.get("host") or "local"
        port = f":{self._url.port}" if self._url.port else ""
        self.place = f"{host}{port}/{self._url.database or ''}"

    def connect(self, url: str) -> sa.Engine:
        given = {"connect_timeout": CONNECT_WAIT_S, "application_name": "sanhua", **ALIVE}
        options = {key: value for key, value in given.items() if key not in self._url.query}
        try:
            engine = sa.create_engine(
                self._url,
                isolation_level="AUTOCOMMIT",  # `_begin` says how a transaction begins
                connect_args={**options, "client_encoding": "utf8"},
                pool_pre_ping=True,  # a server may have been started anew
                hide_parameters=True,
            )
        except ImportError as error:
            raise Unavailable("store.no-driver") from error
        # What it would print of an error is told by `error`; who configures logging still gets it.
        logging.getLogger("psycopg").addHandler(logging.NullHandler())
        if engine.dialect.loaded_dbapi is not None:
            self.errors = (DBAPIError, engine.dialect.loaded_dbapi.Error)
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "handle_error", _without_values)
        return engine

    def _prepare(self, connection: Any, _: object) -> None:
        if connection.info.parameter_status("server_encoding") != "UTF8":
            raise Invalid("store.not-utf8", database=self.place)
        connection.execute(_SESSION)

    def exists(self) -> bool:
        return True  # its answer is as good as a look beforehand

    def append_only(self) -> list[str]:
        never = [
            ("record", "DELETE", ""),
            (
                "record",
                "UPDATE",
                "WHEN (NEW.body IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.id <> OLD.id "
                "OR NEW.seq <> OLD.seq OR NEW.kind <> OLD.kind)",
            ),
            ("edge", "UPDATE", ""),
            ("meta", "DELETE", ""),
            ("meta", "UPDATE", "WHEN (OLD.name = 'origin')"),
        ]
        for table in ("event", "merkle", "entry_line", "checkpoint"):
            never += [(table, "UPDATE", ""), (table, "DELETE", "")]
        # A condition holds no query, so the rule of edges asks inside: of the record beside it,
        # whatever the caller's search path says. `%%` is one per cent sign to the driver.
        refuse = "RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME USING ERRCODE = '23000'; "
        return [
            "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {refuse}END $$",
            "CREATE FUNCTION append_only_edge() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ DECLARE kept boolean; BEGIN EXECUTE format("
            "'SELECT body IS NOT NULL FROM %%I.record WHERE id = $1 AND seq = $2', "
            f"TG_TABLE_SCHEMA) INTO kept USING OLD.node, OLD.seq; IF kept THEN {refuse}END IF; "
            "RETURN OLD; END $$",
            *(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"FOR EACH ROW {when} EXECUTE FUNCTION append_only()"
                for table, act, when in never
            ),
            "CREATE TRIGGER edge_no_delete BEFORE DELETE ON edge "
            "FOR EACH ROW EXECUTE FUNCTION append_only_edge()",
            *(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
                for table in _TABLES
            ),
            # The planner's statistics hold samples of values, which an erasure would not reach.
            "ALTER TABLE record ALTER COLUMN body SET STATISTICS 0, "
            "ALTER COLUMN salt SET STATISTICS 0",
        ]

    def view(
        self, name: str, kind: str, fields: list[tuple[str, str, tuple[str, ...]]]
    ) -> list[str]:
        def column(name: str, type_: str, steps: tuple[str, ...]) -> str:
            value = f"(b.fields #>> '{{{','.join(steps)}}}')"
            typed = 'COLLATE "C"' if type_ == "text" else f"::{type_}"
            return f'{value} {typed} AS "{name}"'

        columns = "".join(f", {column(*field)}" for field in fields)
        # PostgreSQL has no text with a NUL, which JSON may write; OFFSET 0 parses a body once.
        select = (
            f"SELECT r.id AS id, r.seq AS seq{columns} FROM record r CROSS JOIN LATERAL "
            r"(SELECT replace(r.body, '\u0000', '\ufffd')::json -> 'fields' AS fields OFFSET 0) b "
            f"WHERE r.kind = '{kind}' AND r.body IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM record n WHERE n.id = r.id AND n.seq > r.seq)"
        )
        # In place, so that what others were granted and built on it stays, unless a type changed.
        return [
            f'DO $do$ BEGIN CREATE OR REPLACE VIEW "{name}" AS {select}; '
            "EXCEPTION WHEN invalid_table_definition THEN "
            f'DROP VIEW "{name}"; CREATE VIEW "{name}" AS {select}; END $do$'
        ]

    def changed(
        self,
        connection: sa.Connection,
        make_anew: Callable[[sa.Connection], None],
        views: dict[str, str],
    ) -> list[tuple[str, str]]:
        """Tables and indexes are not compared: a column or key that is gone is met when it is read.

        A reader may not make anything, so a view is compared by how the server would carry it out.
        """
        wanted, functions = dict[str, str](), dict[str, str]()
        for statement in self.append_only():
            if made := re.match(r"CREATE TRIGGER (\w+)", statement):
                wanted[made[1]] = _bare(statement)
            elif made := re.match(r"CREATE FUNCTION (\w+)\(\).*\$\$(.*)\$\$", statement):
                functions[made[1]] = made[2].replace("%%", "%")
        found: list[tuple[str, str]] = []
        have: dict[str, str] = {}
        for name, enabled, internal, statement, function, text in connection.exec_driver_sql(
            _TRIGGERS
        ):
            if enabled not in ("O", "A") or (not internal and functions.get(function) != text):
                found.append(("trigger", name))
            elif not internal:
                have[name] = _bare(statement)
        found += [
            ("trigger", name)
            for name in sorted(wanted.keys() | have.keys())
            if wanted.get(name) != have.get(name) and ("trigger", name) not in found
        ]
        there = set(connection.exec_driver_sql(_VIEWS).scalars())
        for name, statement in views.items():
            select = re.search(r" AS (SELECT .*?); EXCEPTION", statement)
            assert select is not None
            if name not in there or _plan(connection, f'"{name}"') != _plan(
                connection, f"({select[1]})"
            ):
                found.append(("view", name))
        return found

    def wipe(self, engine: sa.Engine) -> None:
        """Write `record` and `edge` anew with their indexes, when no older transaction is left
        that could still see what was erased (PostgreSQL would copy it for them).

        Not reached: the write-ahead log until its segments are used again, standbys, archives and
        backups, the server's own log, freed blocks of the disk.
        """
        raw = engine.raw_connection()  # SQLAlchemy would open a transaction, which VACUUM refuses
        try:
            cursor = raw.cursor()
            until = time.monotonic() + BUSY_WAIT_MS / 1000
            older = _others(cursor)
            while older & _others(cursor):
                if time.monotonic() > until:
                    raise Conflict("store.wipe-waits", seconds=BUSY_WAIT_MS // 1000)
                time.sleep(LOOK_AGAIN_S)
            for table in ("record", "edge"):
                cursor.execute(f"VACUUM (FULL) {table}")
        except self.errors as error:
            if getattr(error, "sqlstate", None) == "55P03":
                raise Conflict("store.wipe-waits", seconds=BUSY_WAIT_MS // 1000) from error
            raise
        finally:
            raw.close()

    def faults(self, connection: sa.Connection) -> list[str]:
        """With the extension `amcheck`, each index against its table; without it, or without the
        right to call it, nothing is looked at here: a page that breaks its checksum is found when
        the audit reads it.
        """
        has = "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"
        if not connection.exec_driver_sql(has).scalar():
            return []
        found: list[str] = []
        for index in connection.exec_driver_sql(_INDEXES).scalars().all():
            try:
                with connection.begin_nested():
                    check = sa.text("SELECT bt_index_check(CAST(:index AS regclass), true)")
                    connection.execute(check, {"index": index})
            except DBAPIError as error:
                if not isinstance(self.error(error), Broken):
                    continue
                found.append(str(error.orig))
        return found

    def error(self, error: BaseException) -> SanhuaError | None:
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(cause, "sqlstate", None) or ""
        name = type(cause).__name__
        reason = _primary(cause)
        where = self.place
        match state:
            case "53100":
                return Unavailable("store.disk-full", file=where)
            case "55P03":
                return Conflict("store.busy", file=where, seconds=BUSY_WAIT_MS // 1000)
            case "40001" | "40P01":
                return Conflict("store.moved-on", database=where)
            case "25006":
                return Unavailable("store.read-only", file=where)
            case "42501":
                return Unavailable("store.no-privilege", database=where, reason=reason)
            case "42P01" | "42703" | "42883" | "58P01":  # somebody took a table or a file away
                return Broken("store.corrupt", file=where, reason=reason)
            case _ if state[:2] == "XX":
                return Broken("store.corrupt", file=where, reason=reason)
            case _ if state[:2] == "22" or (not state and name == "DataError"):
                return Invalid("store.value-refused", reason=name if state else reason)
            case _ if state[:2] in ("08", "53", "57", "58"):
                return Unavailable("store.cannot-reach", database=where, reason=reason)
            case "" if name in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
                return Unavailable("store.cannot-reach", database=where, reason=self._safe(reason))
            case _:
                return None

    def _safe(self, text: str) -> str:
        password = self._url.password
        return text.replace(str(password), "***") if password else text


def _begin(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql(_READ if read_only else _WRITE)


def _bare(statement: str) -> str:
    """A statement that makes a trigger as it was given, and as the server gives it back, alike."""
    text = re.sub(r'::text|ON \w+\.|[()"\s]|ON ', "", statement)
    return text.lower()


def _plan(connection: sa.Connection, source: str) -> list[Any]:
    """Names and types of what is read from `source`, and how."""
    shape = connection.exec_driver_sql(f"SELECT * FROM {source} AS v LIMIT 0").cursor
    described = [] if shape is None else [(c[0], c[1]) for c in shape.description or ()]
    text = f"EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM {source} AS v"
    return [*described, *connection.exec_driver_sql(text).scalars().all()]


def _others(cursor: Any) -> set[str]:
    cursor.execute(_OTHERS)
    return {str(row[0]) for row in cursor.fetchall()}


def _primary(error: BaseException | None) -> str:
    """The first line of what the server says: its details hold values of rows."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return primary or " ".join(str(error).split())


def _without_values(context: ExceptionContext) -> None:
    cause = context.original_exception
    cause.args = (_primary(cause),)
    if context.sqlalchemy_exception is not None:
        told = f"({type(cause).__module__}.{type(cause).__name__}) {cause.args[0]}"
        context.sqlalchemy_exception.args = (told,)
