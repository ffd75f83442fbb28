"""The fixed tables, their migrations, and a view of the latest versions a kind.

`record` and `event` are the truth; `merkle`, `edge` and `entry_line` are made from them and
compared by `audit`.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

import sqlalchemy as sa

from sanhua.kernel.errors import Broken, Conflict
from sanhua.kernel.money import Money
from sanhua.kernel.record import KINDS
from sanhua.kernel.text import Text
from sanhua.store.dialect import Dialect

META = sa.MetaData()

record = sa.Table(
    "record",
    META,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),  # version of this id, from 1
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text),  # canonical JSON; NULL with salt when erased
    sa.Column("salt", sa.Text),  # hex
    sa.CheckConstraint("(body IS NULL) = (salt IS NULL)"),
    sa.Index("record_kind", "kind", "id", "seq"),
)

event = sa.Table(
    "event",
    META,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),  # from 1, without gaps
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("leaf", sa.Text, nullable=False),  # canonical JSON of the event
    sa.ForeignKeyConstraint(["node", "version"], ["record.id", "record.seq"]),
    sa.Index("event_node", "node", "version", unique=True),
)

# Roots of whole subtrees of 2, 4, 8 … leaves, by the seq of their last leaf: so rows are only ever
# added at the end.
merkle = sa.Table(
    "merkle",
    META,
    sa.Column("leaf", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# All versions are kept; edges_from and edges_to answer for the latest.
edge = sa.Table(
    "edge",
    META,
    sa.Column("node", sa.Text, primary_key=True),  # the record that the edge stands in
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),
    sa.Column("src", sa.Text, nullable=False),  # the record or a part of it
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("dst", sa.Text, nullable=False),
    sa.Column("weight", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["node", "seq"], ["record.id", "record.seq"]),
    sa.Index("edge_dst", "dst", "verb"),
    sqlite_with_rowid=False,
)
sa.Index(
    "edge_part",
    edge.c.src,
    sqlite_where=edge.c.src != edge.c.node,
)

entry_line = sa.Table(
    "entry_line",
    META,
    sa.Column("entry", sa.Text, primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),  # minor units: debit positive
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("effective_on", sa.Text, nullable=False),
    sa.Index("entry_line_book", "book", "effective_on"),
    sqlite_with_rowid=False,
)

checkpoint = sa.Table(
    "checkpoint",
    META,
    sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
)

meta = sa.Table(
    "meta",
    META,
    sa.Column("name", sa.Text, primary_key=True),  # schema, origin, view:<kind>
    sa.Column("value", sa.Text, nullable=False),
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
    if not version.isdecimal():
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
    name = f"view:{kind}"
    known = connection.execute(sa.select(meta.c.value).where(meta.c.name == name)).scalar()
    have: dict[str, list[str]] = json.loads(known) if known else {}
    wanted = have | {column: list(path) for column, path in _columns(KINDS[kind])}
    if known is None or wanted != have:
        for statement in dialect.view(
            f"{kind}_v", kind, [(c, tuple(p)) for c, p in wanted.items()]
        ):
            connection.exec_driver_sql(statement)
        set_meta(connection, name, json.dumps(wanted))


def _columns(cls: type[Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Scalars as they are, texts by language, money as amount and currency, the rest as JSON."""
    hints = typing.get_type_hints(cls)
    found: list[tuple[str, tuple[str, ...]]] = []
    for field in dataclasses.fields(cls):
        hint, name = _bare(hints[field.name]), field.name
        if name in ("id", "seq"):
            continue
        if hint is Text:
            found += [(f"{name}_zh", (name, "zh")), (f"{name}_en", (name, "en"))]
        elif hint is Money:
            found += [(name, (name, "amount")), (f"{name}_currency", (name, "currency"))]
        else:
            found.append((name, (name,)))
    return found


def _bare(hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if get_origin(hint) in (types.UnionType, typing.Union):
        options = [option for option in get_args(hint) if option is not type(None)]
        return _bare(options[0]) if len(options) == 1 else hint
    return hint
