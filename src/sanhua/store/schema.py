"""The fixed tables, their migrations, and a view of the latest versions a kind.

`record` and `event` are the truth; `merkle`, `edge` and `entry_line` are made from them and
compared by `audit`.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_origin

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sanhua.kernel.errors import Broken, Conflict
from sanhua.kernel.money import Money
from sanhua.kernel.record import KINDS
from sanhua.kernel.text import Text
from sanhua.store.dialect import Dialect

META = sa.MetaData()

# SQLite compares text byte by byte and has integers of eight bytes; PostgreSQL is told so.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
WHOLE = sa.Integer().with_variant(sa.BigInteger(), "postgresql")

record = sa.Table(
    "record",
    META,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("seq", WHOLE, primary_key=True),  # version of this id, from 1
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("body", TEXT),  # canonical JSON; NULL with salt when erased
    sa.Column("salt", TEXT),  # hex
    sa.CheckConstraint("(body IS NULL) = (salt IS NULL)"),
    sa.Index("record_kind", "kind", "id", "seq"),
)

event = sa.Table(
    "event",
    META,
    sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),  # from 1, without gaps
    sa.Column("id", TEXT, nullable=False),
    sa.Column("type", TEXT, nullable=False),
    sa.Column("node", TEXT, nullable=False),
    sa.Column("version", WHOLE, nullable=False),
    sa.Column("recorded_at", TEXT, nullable=False),
    sa.Column("leaf", TEXT, nullable=False),  # canonical JSON of the event
    sa.ForeignKeyConstraint(["node", "version"], ["record.id", "record.seq"]),
    sa.Index("event_node", "node", "version", unique=True),
)

# Roots of whole subtrees of 2, 4, 8 … leaves, by the seq of their last leaf: so rows are only ever
# added at the end.
merkle = sa.Table(
    "merkle",
    META,
    sa.Column("leaf", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("level", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# All versions are kept; edges_from and edges_to answer for the latest.
edge = sa.Table(
    "edge",
    META,
    sa.Column("node", TEXT, primary_key=True),  # the record that the edge stands in
    sa.Column("seq", WHOLE, primary_key=True),
    sa.Column("ordinal", WHOLE, primary_key=True),
    sa.Column("src", TEXT, nullable=False),  # the record or a part of it
    sa.Column("verb", TEXT, nullable=False),
    sa.Column("dst", TEXT, nullable=False),
    sa.Column("weight", TEXT, nullable=False),
    sa.ForeignKeyConstraint(["node", "seq"], ["record.id", "record.seq"]),
    sa.Index("edge_dst", "dst", "verb"),
    sqlite_with_rowid=False,
)
sa.Index(
    "edge_part",
    edge.c.src,
    sqlite_where=edge.c.src != edge.c.node,
    postgresql_where=edge.c.src != edge.c.node,
)

entry_line = sa.Table(
    "entry_line",
    META,
    sa.Column("entry", TEXT, primary_key=True),
    sa.Column("ordinal", WHOLE, primary_key=True),
    sa.Column("book", TEXT, nullable=False),
    sa.Column("account", TEXT, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),  # minor units: debit positive
    sa.Column("currency", TEXT, nullable=False),
    sa.Column("effective_on", TEXT, nullable=False),
    sa.Index("entry_line_book", "book", "effective_on"),
    sqlite_with_rowid=False,
)


def adjusting(day: str) -> str:
    """`effective_on` of what a year's adjustment period adds to its last day: after all that is of
    the day itself, before the next day.
    """
    return f"{day}/ADJ"


checkpoint = sa.Table(
    "checkpoint",
    META,
    sa.Column("size", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("note", TEXT, nullable=False),
)

meta = sa.Table(
    "meta",
    META,
    sa.Column("name", TEXT, primary_key=True),  # schema, origin, columns:<kind>
    sa.Column("value", TEXT, nullable=False),
)


def _first(connection: sa.Connection, dialect: Dialect, origin: str) -> None:
    META.create_all(connection)
    for statement in dialect.append_only():
        connection.exec_driver_sql(statement)
    connection.execute(meta.insert(), {"name": "origin", "value": origin})


# One function a schema version, in order; a published one is never edited.
MIGRATIONS: tuple[Callable[[sa.Connection, Dialect, str], None], ...] = (_first,)


def schema_of(connection: sa.Connection) -> int:
    """The schema version of the database; 0 when it is empty."""
    if not sa.inspect(connection).has_table("meta"):
        return 0
    version = get_meta(connection, "schema")
    if not version.isdecimal() or not int(version):
        raise Broken("store.corrupt", file="meta", reason=f"schema {version}")
    return int(version)


def migrate(connection: sa.Connection, dialect: Dialect, origin: str) -> None:
    """Bring the database to this program's schema; Conflict store.newer-schema when it is ahead."""
    have = schema_of(connection)
    if have > len(MIGRATIONS):
        raise Conflict("store.newer-schema", have=have, known=len(MIGRATIONS))
    for step in MIGRATIONS[have:]:
        step(connection, dialect, origin)
    set_meta(connection, "schema", str(len(MIGRATIONS)))


def get_meta(connection: sa.Connection, name: str) -> str:
    """Broken store.corrupt when it is missing."""
    found = connection.execute(sa.select(meta.c.value).where(meta.c.name == name)).scalar()
    if not isinstance(found, str):
        raise Broken("store.corrupt", file="meta", reason=f"no {name}")
    return found


def set_meta(connection: sa.Connection, name: str, value: str) -> None:
    if (
        connection.execute(meta.update().where(meta.c.name == name).values(value=value)).rowcount
        == 0
    ):
        connection.execute(meta.insert(), {"name": name, "value": value})


def ensure_view(connection: sa.Connection, dialect: Dialect, kind: str) -> None:
    """Make `<kind>_v` when it lacks a field of the record class; columns are only ever added."""
    named = sa.select(meta.c.value).where(meta.c.name == f"{_OF}{kind}")
    known = connection.execute(named).scalar()
    have: dict[str, list[str]] = json.loads(known) if known else {}
    wanted = have | {column: [type_, *path] for column, type_, path in _columns(KINDS[kind])}
    if known is None or wanted != have:
        make_view(connection, dialect, kind, wanted)


def make_view(
    connection: sa.Connection, dialect: Dialect, kind: str, columns: dict[str, list[str]]
) -> None:
    """`columns`: the type of each and its path inside `fields`."""
    for statement in view_of(dialect, kind, columns):
        connection.exec_driver_sql(statement)
    set_meta(connection, f"{_OF}{kind}", json.dumps(columns))


def view_of(dialect: Dialect, kind: str, columns: dict[str, list[str]]) -> list[str]:
    fields = [(name, type_, tuple(path)) for name, (type_, *path) in columns.items()]
    return dialect.view(f"{kind}_v", kind, fields)


def make_anew(
    connection: sa.Connection, dialect: Dialect, columns: dict[str, dict[str, list[str]]]
) -> None:
    """Everything that this program makes, in an empty database."""
    migrate(connection, dialect, "")
    for kind, known in columns.items():
        make_view(connection, dialect, kind, known)


def changed(connection: sa.Connection, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """What is not as this program makes it, or gone: (trigger, view, table, index or meta; name).

    Of `meta` every row is read: which kinds have views is told by the records.
    """
    rows: dict[str, Any] = {name: value for name, value in connection.execute(sa.select(meta))}
    kinds = connection.execute(sa.select(record.c.kind).distinct()).scalars()
    wanted = {"schema", "origin", *(f"{_OF}{kind}" for kind in kinds)}
    columns: dict[str, dict[str, list[str]]] = {}
    for name in sorted(wanted | rows.keys()):
        value = rows.get(name)
        kind = name.removeprefix(_OF)
        if name == "origin" and value:
            continue  # checkpoints are held against it
        if name == "schema" and value == str(len(MIGRATIONS)):
            continue
        told = _read_columns(value) if name.startswith(_OF) else None
        if told is None or not _agrees(told, kind):
            yield "meta", name
        else:
            columns[kind] = told
    views = {f"{kind}_v": view_of(dialect, kind, columns[kind])[-1] for kind in sorted(columns)}
    yield from dialect.changed(connection, lambda empty: make_anew(empty, dialect, columns), views)


def _agrees(told: dict[str, list[str]], kind: str) -> bool:
    """Whether columns have the types and places of the kind's class; they may be older."""
    if kind not in KINDS:
        return True
    wanted = {column: [type_, *path] for column, type_, path in _columns(KINDS[kind])}
    return all(wanted[column] == told[column] for column in told if column in wanted)


def _read_columns(value: Any) -> dict[str, list[str]] | None:
    """None for what is no list of columns."""
    try:
        columns: Any = json.loads(value)
        sound = all(
            re.fullmatch(_NAME, column)
            and type_ in ("text", *_TYPES.values())
            and all(re.fullmatch(_NAME, step) for step in (*path, path[0]))
            for column, (type_, *path) in columns.items()
        )
    except (ValueError, TypeError, AttributeError, IndexError):
        return None
    return columns if sound else None


def viewed(connection: sa.Connection) -> dict[str, dict[str, list[str]]]:
    """Every kind that has a view, with its columns."""
    rows = connection.execute(sa.select(meta).where(meta.c.name.startswith(_OF)))
    return {name.removeprefix(_OF): json.loads(value) for name, value in rows}


def _columns(cls: type[Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Scalars as they are, texts by language, money as amount and currency, the rest as JSON."""
    hints = typing.get_type_hints(cls)
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for field in dataclasses.fields(cls):
        hint, name = _bare(hints[field.name]), field.name
        if name in ("id", "seq"):
            continue
        if hint is Text:
            found += [(f"{name}_{one}", "text", (name, one)) for one in ("zh", "en")]
        elif hint is Money:
            found.append((name, "text", (name, "amount")))
            found.append((f"{name}_currency", "text", (name, "currency")))
        else:
            found.append((name, _TYPES.get(hint, "text"), (name,)))
    return found


_OF = "columns:"
_NAME = r"[a-z_][a-z0-9_]*"
_TYPES: dict[Any, str] = {int: "bigint", bool: "boolean"}


def _bare(hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if get_origin(hint) in (types.UnionType, typing.Union):
        options = [option for option in get_args(hint) if option is not type(None)]
        return _bare(options[0]) if len(options) == 1 else hint
    return hint
