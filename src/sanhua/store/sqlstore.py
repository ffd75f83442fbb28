"""The store over a database that SQLAlchemy Core reaches.

Units of work, reads, proofs, checkpoints, bundles.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from sanhua.kernel.errors import Broken, Conflict, Invalid, NotFound
from sanhua.kernel.ports import Clock, Event, Rules, Signer
from sanhua.kernel.record import Edge
from sanhua.store import schema
from sanhua.store.audit import Fault, audit
from sanhua.store.copying import Copied, copy, must_be_sound
from sanhua.store.dialect import dialect_of, translated
from sanhua.store.disk import write_whole
from sanhua.store.log import Log, event_of
from sanhua.store.unit import Erasure, SqlUow, Work, is_latest, stands
from sanhua.verify import (
    FORMAT,
    Checkpoint,
    Frontier,
    canonical,
    checkpoint_text,
    consistency_proof,
    inclusion_proof,
    open_note,
    public_pem,
    seal,
    sha256,
    sign_note,
)

PAGE_ROWS = 1_000
NOW = 2**62  # a size of the log that none has
PARAMETERS_MAX = 500  # values that one statement names


class Standing(NamedTuple):
    """The version of the record `owner` that stood at a size of the log, the seq of its event, and
    the latest version.
    """

    owner: str
    version: int
    seq: int
    latest: int


def _stood(owner: sa.ColumnElement[str]) -> sa.Select[str, int, int, int]:
    """Id, version that stood, its seq and latest version of a record."""
    told, last = schema.event, schema.event.alias("last")
    latest = sa.select(sa.func.max(last.c.version)).where(last.c.node == owner).scalar_subquery()
    return sa.select(told.c.node, told.c.version, told.c.seq, latest).where(
        told.c.node == owner, told.c.version == stands(owner, _AT)
    )


# Walks ask these of every node, so they are put together once.
_NODE, _AT = sa.bindparam("node", type_=schema.TEXT), sa.bindparam("at", type_=sa.BigInteger())
_EDGE = schema.edge
_IS_PART = (
    _EDGE.c.src == _NODE,
    _EDGE.c.src != _EDGE.c.node,
    _EDGE.c.seq == stands(_EDGE.c.node, _AT),
)
_OWNER = sa.select(_EDGE.c.node).where(*_IS_PART).order_by(_EDGE.c.node).limit(1)
_STOOD, _STOOD_WITHIN = _stood(_NODE), _stood(_OWNER.scalar_subquery())
_EDGES = sa.select(_EDGE.c.src, _EDGE.c.verb, _EDGE.c.dst, _EDGE.c.weight).order_by(
    _EDGE.c.node, _EDGE.c.seq, _EDGE.c.ordinal
)
_EDGES_OF_RECORD = _EDGES.where(
    _EDGE.c.node == _NODE, _EDGE.c.src == _NODE, _EDGE.c.seq == stands(_NODE, _AT)
)
_EDGES_OF_PART = _EDGES.where(*_IS_PART)
_INTO = (
    sa.select(_EDGE.c.src)
    .where(
        _EDGE.c.dst == _NODE,
        _EDGE.c.verb == sa.bindparam("verb", type_=schema.TEXT),
        is_latest(_EDGE, "node"),
    )
    .distinct()
    .order_by(_EDGE.c.src)
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of a record; `fields` is None and `content` empty when it is erased.

    `content` is the hash of its body, `event` the id of the event that tells of it.
    """

    id: str
    version: int
    kind: str
    fields: dict[str, Any] | None
    content: str
    event: str


def open_store(
    url: str,
    *,
    clock: Clock,
    rules: Rules,
    signer: Signer | None = None,
    published: Path | None = None,
    apart: Path | None = None,
    entropy: Callable[[int], bytes] = os.urandom,
) -> SqlStore:
    """Open the database at `url`, made or migrated when it must be.

    `published` is the file outside the database that holds the last checkpoint handed out. `apart`
    is a second one in another place, which may be deleted and counts only when this key signed it:
    what it says is known even when the first is restored together with the database.
    `entropy` gives ids and salts: with a seeded one and a set clock the same acts give the same
    bytes.
    """
    return SqlStore(
        url,
        clock=clock,
        rules=rules,
        signer=signer,
        published=published,
        apart=apart,
        entropy=entropy,
    )


def is_kept(url: str) -> bool:
    """Whether a store was ever opened at `url`; makes nothing."""
    dialect = dialect_of(url)
    if not dialect.exists():
        return False
    engine = dialect.connect(url)
    try:
        with (
            translated(dialect),
            engine.connect().execution_options(read_only=True) as connection,
            connection.begin(),
        ):
            return schema.schema_of(connection) > 0
    finally:
        engine.dispose()


class SqlStore:
    """Append-only sealed records and their log. Safe to share between threads.

    One transaction a thread at a time.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        rules: Rules,
        signer: Signer | None,
        published: Path | None,
        apart: Path | None,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._dialect = dialect_of(url)
        self._clock, self._rules, self._entropy = clock, rules, entropy
        self._signer, self._published, self._apart = signer, published, apart
        self._goes_on = False  # whether the log was held against what was handed out
        self._local = threading.local()
        self._alone = threading.RLock() if self._dialect.one_connection else nullcontext()
        self._frontier: tuple[str, Frontier] | None = None  # after the event with this id
        self._viewed: frozenset[str] = frozenset()
        self._engine = self._dialect.connect(url)
        try:
            self._open()
        except BaseException:
            self._engine.dispose()
            raise

    def _open(self) -> None:
        with self._transaction(read_only=True) as connection:
            current = schema.schema_of(connection) == len(schema.MIGRATIONS)
        if not current:
            origin = self._signer.name if self._signer else "sanhua"
            with self._transaction(read_only=False) as connection:
                schema.migrate(connection, self._dialect, origin)

    def close(self) -> None:
        self._engine.dispose()

    # Transactions

    @contextmanager
    def _transaction(self, *, read_only: bool) -> Iterator[sa.Connection]:
        with (
            self._alone,
            translated(self._dialect),
            self._engine.connect().execution_options(read_only=read_only) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def begin(self, *, actor: str, read_only: bool = False) -> Iterator[SqlUow]:
        """One transaction: leaving commits, an exception rolls all of it back.

        Inside another of the same thread it joins that one, and an exception that leaves it dooms
        the whole. `read_only` takes no write lock and sees the last commit. The first that may
        write raises what `must_go_on` does.
        """
        outer: Work | None = getattr(self._local, "work", None)
        if outer is not None:
            try:
                yield SqlUow(outer, actor)
            except BaseException as error:
                outer.failed = error
                raise
            return
        with self._transaction(read_only=read_only) as connection:
            work = Work(
                connection,
                clock=self._clock,
                rules=self._rules,
                entropy=self._entropy,
                read_only=read_only,
                viewed=self._viewed,
                view=lambda at, kind: schema.ensure_view(at, self._dialect, kind),
            )
            if not read_only and not self._goes_on:
                self._continues(connection, work.log)
                self._goes_on = True
            remembered = self._frontier
            if remembered is not None and remembered[0] == work.head.id:
                work.frontier = Frontier(remembered[1].size, list(remembered[1].peaks))
            self._local.work = work
            try:
                yield SqlUow(work, actor)
                if work.failed is not None:
                    raise work.failed
                work.finish()
            finally:
                self._local.work = None
                work.close()
        if work.events and work.frontier is not None:
            self._frontier = work.events[-1][0].id, work.frontier
        self._viewed |= work.viewed

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """The open transaction of this thread, or a read-only one."""
        work: Work | None = getattr(self._local, "work", None)
        if work is not None:
            work.flush()
            with translated(self._dialect):
                yield work.connection
        else:
            with self._transaction(read_only=True) as connection:
                yield connection

    # What is kept

    def size(self) -> int:
        """How many events the log holds."""
        with self._reading() as connection:
            return Log(connection).head().size

    def events(self, after: int = 0) -> Iterator[Event]:
        """Events in order, those with a seq above `after`.

        No transaction stays open between pages.
        """
        table = schema.event
        while True:
            query = sa.select(table.c.seq, table.c.leaf).where(table.c.seq > after)
            with self._reading() as connection:
                page = connection.execute(query.order_by(table.c.seq).limit(PAGE_ROWS)).all()
            for row in page:
                yield event_of(row.leaf)
            if len(page) < PAGE_ROWS:
                return
            after = page[-1].seq

    def kinds(self, after: int) -> set[str]:
        """The kinds of the records that the events with a seq above `after` tell of."""
        told, table = schema.event, schema.record
        same = sa.and_(told.c.node == table.c.id, told.c.version == table.c.seq)
        query = sa.select(table.c.kind).join(told, same).where(told.c.seq > after).distinct()
        with self._reading() as connection:
            return set(connection.execute(query).scalars())

    def event(self, seq: int) -> Event:
        """NotFound store.no-such-event."""
        with self._reading() as connection:
            table = schema.event
            leaf = connection.execute(sa.select(table.c.leaf).where(table.c.seq == seq)).scalar()
        if leaf is None:
            raise NotFound("store.no-such-event", seq=seq)
        return event_of(leaf)

    def version_of(self, node: str) -> int:
        """The latest version of a record; 0 when there is none."""
        table = schema.record
        with self._reading() as connection:
            latest = sa.select(sa.func.max(table.c.seq)).where(table.c.id == node)
            return connection.execute(latest).scalar() or 0

    def owner_of(self, part: str) -> str:
        """The record in whose latest version the part stands as the source of an edge.

        Empty when there is none.
        """
        table = schema.edge
        query = sa.select(table.c.node).where(
            table.c.src == part, table.c.src != table.c.node, is_latest(table, "node")
        )
        with self._reading() as connection:
            return connection.execute(query.order_by(table.c.node).limit(1)).scalar() or ""

    def standing(self, node: str, at: int = NOW) -> Standing | None:
        """What stood for `node`, a record or a part of one, when the log had `at` events.

        Of a record that came later its first version; None when nothing kept is called so.
        """
        with self._reading() as connection:
            for query in (_STOOD, _STOOD_WITHIN):
                found = connection.execute(query, {"node": node, "at": at}).first()
                if found is not None:
                    return Standing(*found)
        return None

    def edges_of(self, node: str, at: int = NOW) -> list[Edge]:
        """Edges out of a record or a part, in the versions that stood when the log had `at`
        events.
        """
        with self._reading() as connection:
            return [
                Edge(*row)
                for query in (_EDGES_OF_RECORD, _EDGES_OF_PART)
                for row in connection.execute(query, {"node": node, "at": at}).all()
            ]

    def ids_named(self, key: str) -> list[str]:
        """Records whose id is `<kind>:key`."""
        column = schema.record.c.id
        query = sa.select(column).where(column.endswith(f":{key}", autoescape=True)).distinct()
        with self._reading() as connection:
            found = connection.execute(query.order_by(column)).scalars().all()
        return [node for node in found if node.partition(":")[2] == key]

    def kept(self, node: str, version: int | None = None) -> Kept:
        """A version (the latest). NotFound store.no-such-record; Broken store.seal when the body is
        not what was sealed.
        """
        with self._reading() as connection:
            [(seq, kind, body, salt, leaf)] = _versions(connection, node, version or LAST)
        told = event_of(leaf)
        if body is None:
            return Kept(node, seq, kind, None, "", told.id)
        if seal(bytes.fromhex(salt), body.encode()) != told.seal:
            raise Broken("store.seal", node=node, version=seq)
        return Kept(node, seq, kind, json.loads(body)["fields"], sha256(body.encode()), told.id)

    def neighbours(
        self,
        node: str,
        *,
        into: bool = False,
        after: int = 0,
        limit: int = PAGE_ROWS,
        at: int = NOW,
    ) -> list[Edge]:
        """A page of the edges out of a record or a part, in the versions that stood when the log
        had `at` events; or `into` any node (those by verb), in the latest versions.
        """
        table = schema.edge
        source = sa.or_(  # the record's own key, or the index over parts
            sa.and_(table.c.node == node, table.c.src == node),
            sa.and_(table.c.src == node, table.c.src != table.c.node),
        )
        query = (
            sa.select(table.c.src, table.c.verb, table.c.dst, table.c.weight)
            .where(
                *(
                    (table.c.dst == node, is_latest(table, "node"))
                    if into
                    else (source, table.c.seq == stands(table.c.node, at))
                )
            )
            .order_by(*([table.c.verb] if into else []), table.c.node, table.c.seq, table.c.ordinal)
            .offset(after)
            .limit(limit)
        )
        with self._reading() as connection:
            return [Edge(*row) for row in connection.execute(query).all()]

    def formerly(self, node: str, limit: int = PAGE_ROWS) -> list[Edge]:
        """The edges into a node that stand in superseded versions alone, each source named with its
        version (`SOURCE@v2`), the newest first.
        """
        table = schema.edge
        query = (
            sa.select(table.c.src, table.c.seq, table.c.verb, table.c.dst, table.c.weight)
            .where(table.c.dst == node, ~is_latest(table, "node"))
            .order_by(table.c.seq.desc(), table.c.node, table.c.ordinal)
            .limit(limit)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [Edge(f"{src}@v{seq}", *rest) for src, seq, *rest in rows]

    def parts(
        self, node: str, *, after: int = 0, limit: int = PAGE_ROWS, at: int = NOW
    ) -> list[str]:
        """Parts of a record that edges go out from, in the order they stand, in the version that
        stood when the log had `at` events.
        """
        table = schema.edge
        first = sa.func.min(table.c.ordinal)
        query = (
            sa.select(table.c.src)
            .where(
                table.c.node == node,
                table.c.src != node,
                table.c.seq == stands(sa.literal(node), at),
            )
            .group_by(table.c.src)
            .order_by(first)
            .offset(after)
            .limit(limit)
        )
        with self._reading() as connection:
            return list(connection.execute(query).scalars())

    def superseded(self, nodes: Sequence[str], at: int) -> dict[str, int]:
        """The records among `nodes` that have a later version than when the log had `at` events:
        the version that stood.
        """
        told = schema.event
        last = sa.func.max(told.c.version)
        stood = sa.func.max(sa.case((told.c.seq <= at, told.c.version), else_=1))
        found: dict[str, int] = {}
        for asked in _batched(nodes):
            query = sa.select(told.c.node, stood).where(told.c.node.in_(asked))
            with self._reading() as connection:
                rows = connection.execute(query.group_by(told.c.node).having(last > stood)).all()
            found |= {node: version for node, version in rows}
        return found

    def among(self, nodes: Sequence[str]) -> set[str]:
        """Those of `nodes` that are records, erased or not."""
        column = schema.record.c.id
        found: set[str] = set()
        for asked in _batched(nodes):
            with self._reading() as connection:
                found.update(
                    connection.execute(sa.select(column).where(column.in_(asked))).scalars()
                )
        return found

    def latest(self, nodes: Sequence[str]) -> dict[str, tuple[str, dict[str, Any]]]:
        """Kind and fields of the records among `nodes`; what is erased or no record is left out."""
        table = schema.record
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for asked in _batched(nodes):
            query = sa.select(table.c.id, table.c.kind, table.c.body).where(
                table.c.id.in_(asked), table.c.body.is_not(None), is_latest(table, "id")
            )
            with self._reading() as connection:
                for row in connection.execute(query).all():
                    found[row.id] = row.kind, json.loads(row.body)["fields"]
        return found

    def owners(self, parts: Sequence[str]) -> dict[str, str]:
        """`owner_of` each of `parts` that has one."""
        table = schema.edge
        found: dict[str, str] = {}
        for asked in _batched(parts):
            query = sa.select(table.c.src, sa.func.min(table.c.node).label("owner")).where(
                table.c.src.in_(asked), table.c.src != table.c.node, is_latest(table, "node")
            )
            with self._reading() as connection:
                for row in connection.execute(query.group_by(table.c.src)).all():
                    found[row.src] = row.owner
        return found

    def sources(self, nodes: Sequence[str], verb: str) -> dict[str, str]:
        """Of each of `nodes` that an edge `verb` leads into, where it comes from (the first)."""
        table = schema.edge
        found: dict[str, str] = {}
        for asked in _batched(nodes):
            query = sa.select(table.c.dst, sa.func.min(table.c.src).label("first")).where(
                table.c.dst.in_(asked), table.c.verb == verb, is_latest(table, "node")
            )
            with self._reading() as connection:
                for row in connection.execute(query.group_by(table.c.dst)).all():
                    found[row.dst] = row.first
        return found

    def into(self, node: str, verb: str) -> list[str]:
        """The records and parts whose latest versions have an edge `verb` to the node, by id."""
        with self._reading() as connection:
            return list(connection.execute(_INTO, {"node": node, "verb": verb}).scalars())

    def told(self, node: str, version: int | None = None) -> Event:
        """The event of a record's version (the latest); NotFound store.no-such-record."""
        with self._reading() as connection:
            return event_of(_versions(connection, node, version or LAST)[0][4])

    def sealed(self, node: str, version: int | None = None) -> tuple[Event, bytes, bytes]:
        """Event, salt and body of a version (the latest).

        NotFound store.no-such-record, store.erased.
        """
        with self._reading() as connection:
            [(_, _, body, salt, leaf)] = _versions(
                connection, node, LAST if version is None else version
            )
        if body is None:
            raise NotFound("store.erased", node=node)
        return event_of(leaf), bytes.fromhex(salt), body.encode()

    def history(self, node: str, *, newest: int = 0) -> list[tuple[Event, str | None]]:
        """Every version, or so many of the newest, with its event, oldest first; the body is None
        when it is erased.
        """
        with self._reading() as connection:
            found = _versions(connection, node, newest=newest)
            return [(event_of(leaf), body) for _, _, body, _, leaf in found]

    def erasures(self) -> list[tuple[Event, Erasure]]:
        """What was erased, by whom (the event's actor) and why."""
        with self.begin(actor="", read_only=True) as uow:
            return [(self.history(one.id)[0][0], one) for one in uow.all(Erasure)]

    # The log

    def proof(self, seq: int, size: int) -> list[bytes]:
        """The inclusion proof of event `seq` in the log of `size` events."""
        with self._reading() as connection:
            return inclusion_proof(Log(connection).lookup, seq - 1, size)

    def consistency(self, old: int, size: int) -> list[bytes]:
        """That the log of `old` events is the beginning of the log of `size` events."""
        with self._reading() as connection:
            return consistency_proof(Log(connection).lookup, old, size)

    def checkpoint(self) -> str:
        """Sign the present root, keep the note and publish it.

        Conflict store.behind-published when the log is shorter than what was published before (a
        restored backup), Broken store.not-published when it says something else. Not inside a unit
        of work.
        """
        if self._signer is None:
            raise Invalid("store.no-key")
        if getattr(self._local, "work", None) is not None:
            raise RuntimeError("a checkpoint is signed after the transaction")
        signer, table = self._signer, schema.checkpoint
        with self.begin(actor=""), self._reading() as connection:
            log = Log(connection)
            size = self._continues(connection, log)
            kept = connection.execute(sa.select(table.c.note).where(table.c.size == size)).scalar()
            if kept is None:
                origin = schema.get_meta(connection, "origin")
                last = _last_note(connection)
                text = checkpoint_text(open_note(last, None)) if last else ""
                previous = sha256(text.encode()) if text else ""
                text = checkpoint_text(Checkpoint(origin, size, log.root(size), previous))
                kept = sign_note(text, signer.name, signer.public_key, signer.sign)
                connection.execute(table.insert(), {"size": size, "note": kept})
        self._publish()
        return kept

    def _publish(self) -> None:
        """Hand out the last checkpoint that the database has; one process at a time."""
        places = [path for path in (self._published, self._apart) if path is not None]
        last = self.last_checkpoint().encode()
        if all(path.exists() and path.read_bytes() == last for path in places):
            return
        with self.begin(actor=""), self._reading() as connection:
            for path in places:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, _last_note(connection).encode())

    def last_checkpoint(self) -> str:
        """The note that was signed last; empty when none was."""
        with self._reading() as connection:
            return _last_note(connection)

    def must_go_on(self) -> None:
        """Raise what `checkpoint` would, before anything is added to a log that is not the
        published one.
        """
        with self._reading() as connection:
            self._continues(connection, Log(connection))

    def _continues(self, connection: sa.Connection, log: Log) -> int:
        """The log's size, when it goes on from what was handed out."""
        size = log.head().size
        for point in self._handed_out(connection):
            if point.size > size:
                raise Conflict("store.behind-published", size=size, published=point.size)
            if log.root(point.size) != point.root:
                raise Broken("store.not-published", size=point.size)
        return size

    def _published_note(self) -> str | None:
        if self._published is None:
            return None
        try:
            return self._published.read_text("utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise Broken("store.published-unreadable", file=str(self._published)) from error

    def _note_apart(self) -> str | None:
        """None when there is none, or another log's (begun anew with a key of its own)."""
        if self._apart is None or self._signer is None:
            return None
        try:
            note = self._apart.read_text("utf-8")
            open_note(note, self._signer.public_key)
        except (FileNotFoundError, ValueError):
            return None
        return note

    def _notes(self) -> list[str]:
        """The checkpoints that stand outside the database."""
        notes = dict.fromkeys([self._published_note(), self._note_apart()])
        return [note for note in notes if note is not None]

    def _handed_out(self, connection: sa.Connection) -> list[Checkpoint]:
        """The last checkpoints that stand in the files and in the database."""
        notes = [*self._notes(), _last_note(connection)]
        try:
            return [open_note(note, None) for note in notes if note]
        except ValueError as error:
            raise Broken("store.published-unreadable", file=str(self._published)) from error

    def verify(self, progress: Callable[[str, int], None] | None = None) -> list[Fault]:
        """Recompute everything kept and compare; what is erased with its event is no fault.

        `progress(part, rows)` is told now and then.
        """
        key = self._signer.public_key if self._signer else None
        found: list[Fault] = []
        try:
            with self._reading() as connection:
                parts = audit(
                    connection,
                    self._dialect,
                    key,
                    self._notes,
                    progress or (lambda part, rows: None),
                )
                found.extend(parts)
        except Broken as error:  # the file is so broken that not even the reading ends well
            found.append(Fault(error.code, "", dict(error.diagnostic.facts)))
        return found

    def held_against(self, note: str) -> Fault | None:
        """How this log is not what goes on from the checkpoint in `note`, which it is said to have
        handed out; None when it does.
        """
        try:
            point = open_note(note, self._signer.public_key if self._signer else None)
        except ValueError as error:
            return Fault("verify.against-key", "", {"reason": str(error)})
        with self._reading() as connection:
            log = Log(connection)
            size = log.head().size
            if point.size > size:
                return Fault("verify.against-behind", "", {"size": size, "published": point.size})
            if log.root(point.size) != point.root:
                return Fault("verify.against-forked", "", {"size": point.size})
        return None

    # Handing out and taking away

    def bundle(
        self,
        root: str,
        owners: Sequence[tuple[str, int]],
        note: str,
        files: Mapping[str, bytes] | None = None,
        papers: Mapping[str, bytes] | None = None,
    ) -> tuple[dict[str, bytes], int]:
        """The entries of a signed bundle over versions of records, which `note` covers.

        An erased record goes in without its body, with the record of its erasure. `files` come
        with them, by name; one of the records must have an edge to the hash of each. `papers` are
        put in as they are, under their own names: only the signature covers them.
        """
        if self._signer is None:
            raise Invalid("store.no-key")
        point = open_note(note, self._signer.public_key)
        entries = {"key.pub": public_pem(self._signer.public_key)}
        entries |= {f"files/{name}": data for name, data in (files or {}).items()}
        entries |= papers or {}
        listed: list[dict[str, Any]] = []
        known = {sha256(data) for data in (files or {}).values()}
        named: set[str] = set()
        with self._reading() as connection:
            log = Log(connection)
            waiting = list(dict.fromkeys(owners))
            for node, version in waiting:  # grows by the erasures met
                [(_, _, body, salt, leaf)] = _versions(connection, node, version)
                seq = event_of(leaf).seq
                if seq > point.size:
                    raise Conflict("store.after-checkpoint", node=node, size=point.size)
                n = len(listed)
                listed.append({"id": node, "version": version, "seq": seq})
                kept = {"id": node, "version": version, "salt": salt, "body": body}
                proof = inclusion_proof(log.lookup, seq - 1, point.size)
                entries[f"records/{n}.json"] = canonical(kept)
                entries[f"events/{seq}.json"] = leaf.encode()
                entries[f"proofs/{seq}.json"] = canonical(
                    [base64.b64encode(step).decode() for step in proof]
                )
                known.add(node)
                if body is None:
                    edge = schema.edge
                    erased = sa.select(edge.c.src).where(
                        edge.c.dst == node, edge.c.verb == "erases"
                    )
                    new = connection.execute(erased.order_by(edge.c.node)).scalars().all()
                    waiting += [(by, 1) for by in new if (by, 1) not in waiting]
                    continue
                for src, _, dst, _ in json.loads(body)["edges"]:
                    known.add(src)
                    named.add(dst)
        manifest = {
            "format": FORMAT,
            "root": root,
            "size": point.size,
            "checkpoint": note,
            "records": listed,
            "outside": sorted(named - known),
            "entries": {name: sha256(data) for name, data in entries.items()},
        }
        entries["bundle.json"] = canonical(manifest)
        entries["bundle.sig"] = self._signer.sign(entries["bundle.json"])
        return entries, point.size

    def erase(self, node: str, *, actor: str, reason: str) -> Event | None:
        """Take a record's content out of the database and its files; None when it was gone already.

        The log keeps the seals, which say nothing without the salts. Denied store.not-erasable for
        ledger records; Conflict store.wipe-waits when others read just now: it is erased, and
        calling again cleans the files.
        """
        if getattr(self._local, "work", None) is not None:
            raise RuntimeError("erasing is a transaction of its own")
        with self.begin(actor=actor) as uow:
            told = uow.erase(node, reason)
        with translated(self._dialect):
            self._dialect.wipe(self._engine)
        return told

    def copy_to(self, url: str, *, progress: Callable[[str, int], None] | None = None) -> Copied:
        """Copy all of it into the empty database at `url`; nobody writes here meanwhile.

        Broken store.not-sound when this store, or the copy, does not verify.
        """
        told = progress or (lambda part, rows: None)
        must_be_sound(self._dialect.place, self.verify(progress))
        dialect = dialect_of(url)
        with translated(dialect):
            target = dialect.connect(url)
        try:
            with self._transaction(read_only=False) as connection:
                return copy(
                    connection,
                    dialect,
                    target,
                    public_key=self._signer.public_key if self._signer else None,
                    published=self._notes,
                    progress=told,
                )
        finally:
            target.dispose()


def _last_note(connection: sa.Connection) -> str:
    """The checkpoint signed last; empty when none was."""
    table = schema.checkpoint
    query = sa.select(table.c.note).order_by(table.c.size.desc()).limit(1)
    return connection.execute(query).scalar() or ""


def _batched(nodes: Sequence[str]) -> Iterator[Sequence[str]]:
    """`nodes` without repeats, as many at once as a statement may name."""
    wanted = list(dict.fromkeys(nodes))
    for start in range(0, len(wanted), PARAMETERS_MAX):
        yield wanted[start : start + PARAMETERS_MAX]


LAST = -1


def _versions(
    connection: sa.Connection, node: str, version: int = 0, *, newest: int = 0
) -> list[Any]:
    """seq, kind, body, salt and leaf of every version, oldest first, of so many of the newest, or
    of one (LAST) alone.

    NotFound store.no-such-record.
    """
    table, told = schema.record, schema.event
    query = (
        sa.select(table.c.seq, table.c.kind, table.c.body, table.c.salt, told.c.leaf)
        .join(told, sa.and_(told.c.node == table.c.id, told.c.version == table.c.seq))
        .where(table.c.id == node)
    )
    if version == LAST or newest:
        query = query.order_by(table.c.seq.desc()).limit(newest or 1)
    elif version:
        query = query.where(table.c.seq == version)
    else:
        query = query.order_by(table.c.seq)
    found = list(connection.execute(query).all())
    if newest:
        found.reverse()
    if not found:
        named = f"{node} v{version}" if version > 0 else node
        raise NotFound("store.no-such-record", node=named, kind="")
    return found
