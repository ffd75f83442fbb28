"""Audit: everything that is kept, recomputed from records and leaves and compared both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sanhua.kernel.errors import Broken, Diagnostic, Severity
from sanhua.store import schema
from sanhua.store.dialect import Dialect, translated
from sanhua.verify import (
    Checkpoint,
    Frontier,
    checkpoint_text,
    leaf_hash,
    open_note,
    seal,
    sha256,
)

PAGE_ROWS = 2_000
TELL_ROWS = 10_000

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One disagreement; `facts` fill its message."""

    code: str
    node: str = ""
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def diagnostic(self) -> Diagnostic:
        return Diagnostic(
            Severity.ERROR, self.code, node=self.node, facts={"node": self.node, **self.facts}
        )

    def message(self, language: str = "zh") -> str:
        return self.diagnostic.message(language)

    def __str__(self) -> str:
        return f"{self.code} {self.message('zh')} | {self.message('en')}"


def audit(
    connection: sa.Connection,
    dialect: Dialect,
    public_key: bytes | None,
    published: Callable[[], list[str]],
    progress: Progress,
) -> Iterator[Fault]:
    """The database's pages, what refuses changes and shows records, the log, then records with
    their edges and ledger lines.

    A part that cannot be read through ends with one fault, and the next part goes on.
    """
    parts: list[tuple[str, Callable[[ExitStack], Iterator[Fault]]]] = [
        (
            "pages",
            lambda _: (
                Fault("verify.pages", "", {"reason": text}) for text in dialect.faults(connection)
            ),
        ),
        (
            "schema",
            lambda _: (
                Fault(f"verify.{what}", "", {"name": name})
                for what, name in schema.changed(connection, dialect)
            ),
        ),
        ("log", lambda opened: _log(connection, public_key, published, progress, opened)),
        ("records", lambda opened: _records(connection, progress, opened)),
    ]
    for part, faults in parts:
        progress(part, 0)
        try:
            # PostgreSQL ends a transaction with its first error, unless it was met in a savepoint.
            with translated(dialect), connection.begin_nested(), ExitStack() as opened:
                yield from faults(opened)
        except (Broken, DBAPIError) as error:
            reason = error.diagnostic.facts["reason"] if isinstance(error, Broken) else error.orig
            yield Fault("verify.unreadable", "", {"part": part, "reason": str(reason)})


def _stream(connection: sa.Connection, query: sa.Executable, opened: ExitStack) -> Iterator[Any]:
    result = connection.execute(query, execution_options={"stream_results": True})
    opened.callback(result.close)
    for page in result.partitions(PAGE_ROWS):
        yield from page


# The log


def _log(
    connection: sa.Connection,
    public_key: bytes | None,
    published: Callable[[], list[str]],
    progress: Progress,
    opened: ExitStack,
) -> Iterator[Fault]:
    """Leaves agree with their rows, subtrees with their leaves, checkpoints with their roots."""
    faults: list[Fault] = []
    points = _checkpoints(connection, public_key, published, faults)
    tree, last = schema.merkle, ""
    nodes = _stream(
        connection,
        sa.select(tree.c.leaf, tree.c.level, tree.c.hash).order_by(tree.c.leaf, tree.c.level),
        opened,
    )
    frontier, subtrees_ok = Frontier(), True
    for point in points.get(0, []):
        if point.root != frontier.root():
            yield Fault("verify.checkpoint", "", {"size": 0})
    table = schema.event
    names = ("seq", "id", "type", "node", "version", "recorded_at")
    query = sa.select(*(table.c[name] for name in names), table.c.leaf).order_by(table.c.seq)
    for row in _stream(connection, query, opened):
        seq, _, _, node, _, at, leaf = row
        expected = frontier.size + 1
        if seq != expected:
            yield Fault("verify.event-gap", "", {"seq": seq, "expected": expected})
            break
        told = _object(leaf)
        if any(told.get(name) != str(value) for name, value in zip(names, row[:-1], strict=True)):
            yield Fault("verify.event-row", str(node), {"seq": seq})
        if not isinstance(at, str) or at < last:
            yield Fault("verify.event-time", str(node), {"seq": seq, "at": at, "before": last})
        else:
            last = at
        if not isinstance(leaf, str):
            yield Fault("verify.event-row", str(node), {"seq": seq})
        hashed = leaf_hash(leaf.encode() if isinstance(leaf, str) else bytes(leaf or b""))
        for level, top in enumerate(frontier.append(hashed), start=1):
            if subtrees_ok and tuple(next(nodes, ())) != (seq, level, top):
                subtrees_ok = False
                yield Fault("verify.merkle", "", {"leaf": seq, "level": level})
        for point in points.pop(seq, []):
            if point.root != frontier.root():
                yield Fault("verify.checkpoint", "", {"size": seq})
        if seq % TELL_ROWS == 0:
            progress("log", seq)
    if subtrees_ok and next(nodes, None) is not None:
        yield Fault("verify.merkle", "", {"leaf": frontier.size + 1, "level": 1})
    for size in sorted(size for size in points if size > frontier.size):
        yield Fault("verify.truncated", "", {"size": frontier.size, "published": size})
    yield from faults


def _checkpoints(
    connection: sa.Connection,
    public_key: bytes | None,
    published: Callable[[], list[str]],
    faults: list[Fault],
) -> dict[int, list[Checkpoint]]:
    """Checkpoints by size: those of the database, each of which names the one before it, and the
    published one, which is one of them. (Stores of before 2026-12 begin with some that name none.)

    What does not agree goes to `faults`.
    """
    table = schema.checkpoint
    notes: list[tuple[int | None, str]] = [
        (size, note)
        for size, note in connection.execute(
            sa.select(table.c.size, table.c.note).order_by(table.c.size)
        )
    ]
    points: dict[int, list[Checkpoint]] = {}
    meta = schema.meta
    origin = connection.execute(sa.select(meta.c.value).where(meta.c.name == "origin")).scalar()
    try:
        notes += [(None, note) for note in published()]
    except Broken as error:
        faults.append(Fault(error.code, "", dict(error.diagnostic.facts)))
    before, chained, kept = "", False, set[Checkpoint]()
    for size, note in notes:
        try:
            point = open_note(note, public_key)
            if size is not None and point.size != size:
                raise ValueError(f"kept under size {size}")
            if point.origin != origin:
                raise ValueError(f"of log {point.origin}, not {origin}")
        except (ValueError, TypeError, AttributeError) as error:
            where = "published" if size is None else size
            faults.append(Fault("verify.note", "", {"size": where, "reason": str(error)}))
            before = ""
            continue
        if size is None:
            if point not in kept:
                faults.append(Fault("verify.checkpoint-gone", "", {"size": point.size}))
        elif point.previous != before and (point.previous or chained):
            faults.append(Fault("verify.checkpoint-chain", "", {"size": size}))
        chained = chained or bool(point.previous)
        before = sha256(checkpoint_text(point).encode())
        kept.add(point)
        points.setdefault(point.size, []).append(point)
    return points


# Records, edges, ledger lines


class _Index:
    """Rows of an index table beside the records they were made from, both in the key's order."""

    def __init__(self, rows: Iterator[Any], width: int) -> None:
        self._rows, self._width = rows, width
        self._head: Any = next(rows, None)

    def take(self, key: tuple[Any, ...]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The rows of `key` without it, and the rows before it that belong to no record."""
        mine: list[tuple[Any, ...]] = []
        strays: list[tuple[Any, ...]] = []
        while self._head is not None:
            at = tuple(self._head[: self._width])
            if at == key:
                mine.append(tuple(self._head[self._width :]))
            elif _order(at) < _order(key):
                strays.append(tuple(self._head))
            else:
                break
            self._head = next(self._rows, None)
        return mine, strays

    def rest(self) -> Iterator[tuple[Any, ...]]:
        while self._head is not None:
            yield tuple(self._head)
            self._head = next(self._rows, None)


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """As the database sorts: NULL, numbers, text, bytes."""
    ranks = {type(None): 0, int: 1, float: 1, str: 2}
    return tuple((ranks.get(type(part), 3), 0 if part is None else part) for part in key)


def _records(connection: sa.Connection, progress: Progress, opened: ExitStack) -> Iterator[Fault]:
    """Every version has one event and the body that its seal says.

    Edges and ledger lines are those of the bodies.
    """
    table, told = schema.record, schema.event
    edge, line = schema.edge, schema.entry_line
    rows = _stream(
        connection,
        sa.select(table.c.id, table.c.seq, table.c.kind, table.c.body, table.c.salt, told.c.leaf)
        .outerjoin(told, sa.and_(told.c.node == table.c.id, told.c.version == table.c.seq))
        .order_by(table.c.id, table.c.seq),
        opened,
    )
    columns = (edge.c.node, edge.c.seq, edge.c.ordinal, edge.c.src, edge.c.verb, edge.c.dst)
    query = sa.select(*columns, edge.c.weight).order_by(*columns[:3])
    edges = _Index(_stream(connection, query, opened), 2)
    columns = (line.c.entry, line.c.ordinal, line.c.book, line.c.account, line.c.amount)
    query = sa.select(*columns, line.c.currency, line.c.effective_on).order_by(*columns[:2])
    lines = _Index(_stream(connection, query, opened), 1)
    erased = _erased(connection)
    currencies: dict[str, str] = dict(
        (node, str(_part(_object(body), "fields").get("currency")))
        for node, body in connection.execute(
            sa.select(table.c.id, table.c.body).where(table.c.kind == "book")
        )
    )
    previous: tuple[Any, Any] = ("", 0)
    matched = 0
    for count, (node, seq, kind, body, salt, leaf) in enumerate(rows, start=1):
        follows = previous[1] if node == previous[0] else 0
        previous = node, seq
        if not isinstance(seq, int) or not isinstance(follows, int) or seq != follows + 1:
            yield Fault("verify.version-gap", str(node), {"version": seq})
        if leaf is None:
            yield Fault("verify.no-event", str(node), {"version": seq})
        else:
            matched += 1
        edges_wanted: list[tuple[Any, ...]] = []
        lines_wanted: list[tuple[Any, ...]] = []
        if body is None and salt is None:
            if not isinstance(seq, int) or seq > erased.get(node, 0):
                yield Fault("verify.missing-body", str(node), {"version": seq})
        else:
            if leaf is not None and not _sealed(leaf, salt, body):
                yield Fault("verify.seal", str(node), {"version": seq})
            whole = _object(body)
            fields = _part(whole, "fields")
            if whole.get("kind") != kind or fields.get("id") != node:
                yield Fault("verify.record-row", str(node), {"version": seq})
            edges_wanted = _edges(whole)
            if kind == "entry":
                lines_wanted = _lines(fields, currencies)
                if not _balances(lines_wanted):
                    yield Fault("verify.unbalanced", str(node))
        for index, key, wanted, code in (
            (edges, (node, seq), edges_wanted, "verify.edge"),
            (lines, (node,), lines_wanted, "verify.entry-line"),
        ):
            if index is lines and kind != "entry":
                continue
            found, strays = index.take(key)
            for stray in strays:
                yield Fault(f"{code}-extra", str(stray[0]), {"row": _shown(stray)})
            if found != wanted:
                yield from _difference(code, node, wanted, found)
        if count % TELL_ROWS == 0:
            progress("records", count)
    for index, code in ((edges, "verify.edge"), (lines, "verify.entry-line")):
        for stray in index.rest():
            yield Fault(f"{code}-extra", str(stray[0]), {"row": _shown(stray)})
    if matched != connection.execute(sa.select(sa.func.count()).select_from(told)).scalar():
        lone = sa.select(told.c.seq, told.c.node, told.c.version).outerjoin(
            table, sa.and_(told.c.node == table.c.id, told.c.version == table.c.seq)
        )
        for seq, node, version in connection.execute(
            lone.where(table.c.id.is_(None)).order_by(told.c.seq)
        ):
            yield Fault("verify.no-record", str(node), {"seq": seq, "version": version})


def _difference(
    code: str, node: str, wanted: list[tuple[Any, ...]], found: list[tuple[Any, ...]]
) -> Iterator[Fault]:
    """Rows by their ordinal: missing, extra or changed."""
    want, have = {row[0]: row for row in wanted}, {row[0]: row for row in found}
    for ordinal in dict.fromkeys([*want, *have]):
        if ordinal not in have:
            yield Fault(f"{code}-missing", node, {"row": _shown(want[ordinal])})
        elif ordinal not in want:
            yield Fault(f"{code}-extra", node, {"row": _shown(have[ordinal])})
        elif want[ordinal] != have[ordinal]:
            yield Fault(
                f"{code}-changed",
                node,
                {"row": _shown(have[ordinal]), "wanted": _shown(want[ordinal])},
            )


def _shown(row: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in row)[:200]


# A body whose seal is broken may say anything; what cannot be derived from it is not wanted.


def _edges(whole: dict[str, Any]) -> list[tuple[Any, ...]]:
    try:
        return [(n, *edge) for n, edge in enumerate(whole["edges"])]
    except (KeyError, TypeError):
        return []


def _lines(fields: dict[str, Any], currencies: dict[str, str]) -> list[tuple[Any, ...]]:
    try:
        book, day = fields["book"], fields["effective_on"]
        if fields.get("adjusts"):
            day = schema.adjusting(day)
        return [
            (n, book, line["account"], line["amount"], currencies.get(book), day)
            for n, line in enumerate(fields["lines"])
        ]
    except (KeyError, TypeError):
        return []


def _balances(lines: list[tuple[Any, ...]]) -> bool:
    amounts = [line[3] for line in lines]
    return len(lines) > 1 and all(type(one) is int for one in amounts) and not sum(amounts)


def _sealed(leaf: str, salt: Any, body: Any) -> bool:
    try:
        raw = bytes.fromhex(salt)
        if raw.hex() != salt:  # fromhex takes capitals and blanks too
            return False
        return _object(leaf).get("seal") == seal(raw, body.encode())
    except (ValueError, TypeError, AttributeError):
        return False


def _erased(connection: sa.Connection) -> dict[str, int]:
    """Record → the last version that an erasure covers."""
    found: dict[str, int] = {}
    table = schema.record
    for body in connection.execute(
        sa.select(table.c.body).where(table.c.kind == "erasure")
    ).scalars():
        fields = _part(_object(body), "fields")
        node, through = fields.get("node", ""), fields.get("through", 0)
        found[node] = max(found.get(node, 0), through if isinstance(through, int) else 0)
    return found


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    found = whole.get(name)
    return found if isinstance(found, dict) else {}


def _object(text: Any) -> dict[str, Any]:
    """The JSON object, or an empty one for anything else.

    What does not parse is found by its hash.
    """
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
