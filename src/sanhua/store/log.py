"""The evidence log 证据日志.

An RFC 6962 Merkle tree over canonical JSON events, in one transaction's view.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from sanhua.kernel.errors import Broken
from sanhua.kernel.ports import Event
from sanhua.store.schema import event, merkle
from sanhua.verify import Frontier, leaf_hash, root_of, subtrees


class Head(NamedTuple):
    """The last event; size 0 and empty texts when there is none."""

    size: int
    id: str
    recorded_at: str


_quoted = json.encoder.encode_basestring  # what canonical JSON writes for a text
_HEAD = (
    sa.select(event.c.seq, event.c.id, event.c.recorded_at).order_by(event.c.seq.desc()).limit(1)
)
_LEAF = sa.select(event.c.leaf).where(event.c.seq == sa.bindparam("seq"))
_NODE = sa.select(merkle.c.hash).where(
    merkle.c.leaf == sa.bindparam("at"), merkle.c.level == sa.bindparam("depth")
)


def leaf_of(told: Event) -> bytes:
    """The canonical JSON that is hashed: every value text, so it is written straight."""
    return (
        f'{{"actor":{_quoted(told.actor)},"effective_on":{_quoted(told.effective_on)},'
        f'"id":{_quoted(told.id)},"node":{_quoted(told.node)},'
        f'"recorded_at":{_quoted(told.recorded_at)},"seal":{_quoted(told.seal)},"seq":"{told.seq}",'
        f'"type":{_quoted(told.type)},"version":"{told.version}"}}'
    ).encode()


def event_of(leaf: str) -> Event:
    fields: dict[str, Any] = json.loads(leaf)
    fields["seq"], fields["version"] = int(fields["seq"]), int(fields["version"])
    return Event(**fields)


class Log:
    """Reads and appends; hashes that were looked up are kept, as they never change."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[int, int], bytes] = {}

    def head(self) -> Head:
        found = self._connection.execute(_HEAD).first()
        return Head(*found) if found else Head(0, "", "")

    def lookup(self, level: int, position: int) -> bytes:
        """The hash of a whole subtree; Broken store.log-gap when it is missing."""
        known = self._known.get((level, position))
        if known is None:
            if level == 0:
                leaf = self._connection.execute(_LEAF, {"seq": position + 1}).scalar()
                known = None if leaf is None else leaf_hash(leaf.encode())
            else:
                at = {"at": (position + 1) << level, "depth": level}
                known = self._connection.execute(_NODE, at).scalar()
            if known is None:
                raise Broken("store.log-gap", level=level, position=position)
            self._known[level, position] = known
        return known

    def frontier(self, size: int) -> Frontier:
        return Frontier(size, [self.lookup(level, at) for level, at in subtrees(0, size)])

    def root(self, size: int) -> bytes:
        return root_of(self.lookup, size)

    def append(self, told: Sequence[tuple[Event, bytes]], frontier: Frontier) -> None:
        """Write events with their leaves and the subtrees that they complete.

        `frontier` moves on.
        """
        rows: list[tuple[Any, ...]] = []
        nodes: list[tuple[Any, ...]] = []
        for one, leaf in told:
            rows.append(
                (one.seq, one.id, one.type, one.node, one.version, one.recorded_at, leaf.decode())
            )
            completed = frontier.append(leaf_hash(leaf))
            nodes += [(one.seq, level, top) for level, top in enumerate(completed, start=1)]
        insert(self._connection, event, rows)
        insert(self._connection, merkle, nodes)


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows, each in the order of the table's columns, by the driver's own executemany."""
    if rows:
        text, positional = _insert_text(connection.dialect, table)
        names = table.columns.keys()
        values = rows if positional else [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(text, list(values))


@cache
def _insert_text(dialect: sa.Dialect, table: sa.Table) -> tuple[str, bool]:
    return str(table.insert().compile(dialect=dialect)), dialect.positional
