"""The unit of work.

One transaction, in which version, edges, ledger lines and event are one act.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Annotated, Any

import sqlalchemy as sa

from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Denied, Invalid, NotFound
from sanhua.kernel.figure import Figure
from sanhua.kernel.ledger import Book, Entry, PeriodClose, must_belong
from sanhua.kernel.money import Money
from sanhua.kernel.ports import Clock, Event, Rule, Rules
from sanhua.kernel.record import Edge, R, Ref, body_and_edges, kind_of, record, restore
from sanhua.kernel.time import Period, legal_day, moment_text
from sanhua.store import schema
from sanhua.store.log import Log, event_of, insert, leaf_of
from sanhua.verify import Frontier, seal

CLOCK_BACK_MAX = timedelta(minutes=5)
ROWS_HELD_MAX = 5_000  # rows of one table that wait for being written together
SALT_BYTES = 16

# Kinds that are said once: another body under the same id would rewrite the books.
FIXED = frozenset({"book", "entry", "period_close", "erasure"})
# What a record with such an edge has closed would be open again without it.
CLOSING = frozenset({"revokes", "ends", "amends"})


@record("erasure")
@dataclass(frozen=True, slots=True)
class Erasure:
    """删除: bodies and salts of `node` up to version `through` are gone.

    The log still holds their seals.

    `reason` names no person.
    """

    id: str
    node: Annotated[str, Ref("erases")]
    through: int
    reason: str


_LATEST = (
    sa.select(schema.record.c.seq, schema.record.c.kind, schema.record.c.body)
    .where(schema.record.c.id == sa.bindparam("node"))
    .order_by(schema.record.c.seq.desc())
)
_LAST_LEAF = (
    sa.select(schema.event.c.leaf)
    .where(schema.event.c.node == sa.bindparam("node"))
    .order_by(schema.event.c.version.desc())
    .limit(sa.literal_column("1"))
)
_AS_OF = (
    sa.select(schema.record.c.seq, schema.record.c.kind, schema.record.c.body)
    .join(
        schema.event,
        sa.and_(
            schema.event.c.node == schema.record.c.id,
            schema.event.c.version == schema.record.c.seq,
        ),
    )
    .where(
        schema.record.c.id == sa.bindparam("node"),
        schema.event.c.recorded_at <= sa.bindparam("moment"),
    )
    .order_by(schema.record.c.seq.desc())
    .limit(sa.literal_column("1"))
)


def is_latest(table: sa.FromClause, node: str) -> sa.ColumnElement[bool]:
    """Whether a row of `table` (columns `node` and seq) stands in its record's latest version."""
    newer = schema.record.alias("newer")
    return ~sa.exists().where(newer.c.id == table.c[node], newer.c.seq > table.c.seq)


def stands(node: sa.ColumnElement[str], at: int | sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    """The version of a record that was the latest when the log had `at` events; of one that came
    later its first.
    """
    told = schema.event.alias("told")
    last = sa.func.max(told.c.version)
    return (
        sa.select(sa.func.coalesce(last, 1))
        .where(told.c.node == node, told.c.seq <= at)
        .scalar_subquery()
    )


_ALL = (
    sa.select(schema.record.c.body)
    .where(
        schema.record.c.kind == sa.bindparam("kind"),
        schema.record.c.body.is_not(None),
        is_latest(schema.record, "id"),
    )
    .order_by(schema.record.c.id)
)
_EDGE = (schema.edge.c.src, schema.edge.c.verb, schema.edge.c.dst, schema.edge.c.weight)
_KEY = (schema.edge.c.node, schema.edge.c.seq, schema.edge.c.ordinal)
_FROM_RECORD = (
    sa.select(*_EDGE)
    .where(
        schema.edge.c.node == sa.bindparam("at"),
        schema.edge.c.src == sa.bindparam("at"),
        is_latest(schema.edge, "node"),
    )
    .order_by(*_KEY)
)
_FROM_PART = (
    sa.select(*_EDGE)
    .where(
        schema.edge.c.src == sa.bindparam("at"),
        schema.edge.c.src != schema.edge.c.node,
        is_latest(schema.edge, "node"),
    )
    .order_by(*_KEY)
)
_TO = (
    sa.select(*_EDGE)
    .where(schema.edge.c.dst == sa.bindparam("at"), is_latest(schema.edge, "node"))
    .order_by(*_KEY)
)
_TO_BY_VERB = _TO.where(schema.edge.c.verb == sa.bindparam("name"))


@cache
def _each(dialect: str) -> sa.Executable:
    """SQLite gives bytes, so that a text that is no UTF-8 (PostgreSQL holds none) spoils its own
    record only.
    """
    table = schema.record
    text = sa.cast(table.c.body, sa.LargeBinary) if dialect == "sqlite" else table.c.body
    latest = is_latest(table, "id")
    query = sa.select(table.c.id, text).where(table.c.kind == sa.bindparam("kind"), latest)
    return query.order_by(table.c.id)


def _field(body: sa.ColumnElement[str | None], name: str, dialect: str) -> sa.ColumnElement[str]:
    """A text field of a body, compared byte by byte."""
    if dialect == "sqlite":
        return sa.type_coerce(body, sa.JSON)[("fields", name)].as_string()
    return sa.collate(sa.cast(body, sa.JSON)[("fields", name)].as_string(), "C")


@cache
def _latest_text(dialect: sa.Dialect) -> tuple[str, bool]:
    text = str(_LATEST.compile(dialect=dialect))
    return f"{text} LIMIT 1", dialect.positional  # SQLAlchemy would bind an offset as well


class Work:
    """One open transaction with the rows that wait for being written."""

    def __init__(
        self,
        connection: sa.Connection,
        *,
        clock: Clock,
        rules: Rules,
        entropy: Callable[[int], bytes],
        read_only: bool,
        viewed: frozenset[str],
        view: Callable[[sa.Connection, str], None],
    ) -> None:
        self.connection, self.read_only = connection, read_only
        self.log = Log(connection)
        self.head = self.log.head()
        self.failed: BaseException | None = None
        self.viewed = set(viewed)
        self.frontier: Frontier | None = None
        self.events: list[tuple[Event, bytes]] = []
        self.entropy = entropy
        self.rules = Noting(rules)
        self.books: dict[str, tuple[Book, list[PeriodClose]]] = {}
        self._view = view
        self._clock = clock
        self._moment: datetime | None = None
        self._at = self._day = ""
        # Every act asks for the latest version: the driver's cursor costs a tenth of a statement.
        self._cursor = connection.connection.cursor()
        self._written: dict[str, tuple[int, str, str | None]] = {}
        self._seals: dict[str, str] = {}
        self._records: list[tuple[Any, ...]] = []
        self._edges: list[tuple[Any, ...]] = []
        self._lines: list[tuple[Any, ...]] = []

    def now(self) -> datetime:
        """One moment for the whole transaction, never before the last event."""
        if self._moment is None:
            moment = self._clock.now()
            if self.head.size:
                last = datetime.fromisoformat(self.head.recorded_at)
                if moment < last - CLOCK_BACK_MAX:
                    raise Conflict(
                        "store.clock-back", host=moment_text(moment), last=moment_text(last)
                    )
                moment = max(moment, last)
            self._moment = moment
        return self._moment

    @property
    def at(self) -> str:
        """`now()` as events write it."""
        if not self._at:
            self._at = moment_text(self.now())
        return self._at

    @property
    def day(self) -> str:
        """The legal day of `now()`."""
        if not self._day:
            self._day = legal_day(self.now()).isoformat()
        return self._day

    def latest(self, node: str) -> tuple[int, str, str | None] | None:
        """Version, kind and body (None when erased) of the latest version."""
        written = self._written.get(node)
        if written is not None:
            return written
        text, positional = _latest_text(self.connection.dialect)
        self._cursor.execute(text, (node,) if positional else {"node": node})
        return self._cursor.fetchone()

    def seal_of(self, node: str) -> str:
        """The seal of the latest version of a record; empty when there is none."""
        known = self._seals.get(node)
        if known is None:
            leaf = self.connection.execute(_LAST_LEAF, {"node": node}).scalar()
            known = self._seals[node] = event_of(leaf).seal if leaf else ""
        return known

    def write(
        self,
        row: tuple[Any, ...],
        edges: list[list[str]],
        lines: list[tuple[Any, ...]],
        told: Event,
    ) -> None:
        node, version, kind, text, _ = row
        self._written[node] = (version, kind, text)
        self._seals[node] = told.seal
        self.events.append((told, leaf_of(told)))
        self._records.append(row)
        for ordinal, one in enumerate(edges):
            self._edges.append((node, version, ordinal, *one))
        self._lines += lines
        if len(self._records) >= ROWS_HELD_MAX or len(self._edges) >= ROWS_HELD_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what waits, so that a read sees it."""
        if not self._records:
            return
        for kind in sorted({row[2] for row in self._records} - self.viewed):
            self._view(self.connection, kind)
            self.viewed.add(kind)
        insert(self.connection, schema.record, self._records)
        insert(self.connection, schema.edge, self._edges)
        insert(self.connection, schema.entry_line, self._lines)
        self._records, self._edges, self._lines = [], [], []

    def forget(self, node: str) -> None:
        """Take bodies, salts and edges of a record away; its row, event and seal stay."""
        self.flush()
        self._written.pop(node, None)
        table = schema.record
        self.connection.execute(
            table.update().where(table.c.id == node).values(body=None, salt=None)
        )
        self.connection.execute(schema.edge.delete().where(schema.edge.c.node == node))

    def finish(self) -> None:
        """The log last."""
        self.flush()
        if self.events:
            if self.frontier is None:
                self.frontier = self.log.frontier(self.head.size)
            self.log.append(self.events, self.frontier)

    def close(self) -> None:
        self._cursor.close()


class Noting:
    """Rules that note what is asked, for the act that it decides."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._asked: dict[str, None] = {}

    def ask(self, instrument: str, name: str, *, on: date) -> Rule:
        found = self._rules.ask(instrument, name, on=on)
        self._asked[found.node] = None
        return found

    def working_days_after(self, start: date, days: int) -> date:
        return self._rules.working_days_after(start, days)

    def take(self) -> tuple[str, ...]:
        """What was asked since the last act, in order."""
        asked = tuple(self._asked)
        self._asked.clear()
        return asked


class SqlUow:
    """The unit of work as one actor sees it (`kernel.ports.Uow`)."""

    def __init__(self, work: Work, actor: str) -> None:
        self._work, self._actor = work, actor

    @property
    def rules(self) -> Rules:
        return self._work.rules

    @property
    def actor(self) -> str:
        return self._actor

    def now(self) -> datetime:
        return self._work.now()

    def today(self) -> date:
        return legal_day(self.now())

    def new_id(self, kind: str) -> str:
        return f"{kind}_{ids.uuid7(self.now(), self._work.entropy(10))}"

    # Reading

    def get(self, cls: type[R], record_id: str) -> R:
        """The latest version; NotFound store.no-such-record, store.erased."""
        found = self._work.latest(record_id)
        if found is None or found[1] != kind_of(cls):
            raise NotFound("store.no-such-record", node=record_id, kind=kind_of(cls))
        if found[2] is None:
            raise NotFound("store.erased", node=record_id)
        return _restore(cls, found[2])

    def find(self, cls: type[R], record_id: str, *, as_of: datetime | None = None) -> R | None:
        """The latest version, or the one that stood at `as_of`.

        None when there is none or it is erased.
        """
        if (
            as_of is None or as_of >= self.now()
        ):  # events of this transaction are not in the log yet
            found = self._work.latest(record_id)
        else:
            moment = {"node": record_id, "moment": moment_text(as_of)}
            found = self._work.connection.execute(_AS_OF, moment).first()
        if found is None or found[1] != kind_of(cls):
            return None
        return None if found[2] is None else _restore(cls, str(found[2]))

    def all(self, cls: type[R]) -> Iterator[R]:
        """The latest version of every record of the kind that is not erased, by id."""
        for text in self._rows(_ALL, {"kind": kind_of(cls)}):
            yield _restore(cls, text[0])

    def each(self, cls: type[R]) -> Iterator[tuple[str, R | None]]:
        """Every record of the kind by id, in its latest version; None for one that is erased or
        cannot be read.
        """
        query = _each(self._work.connection.dialect.name)
        for node, text in self._rows(query, {"kind": kind_of(cls)}):
            try:
                found = None if text is None else _restore(cls, text)
            except Exception:  # whatever stands there
                found = None
            yield node, found

    def overlapping(
        self, cls: type[R], starts: str, ends: str, first: str, last: str
    ) -> Iterator[R]:
        """As `all`, those alone whose text fields say `starts` <= `last` and `ends` >= `first`."""
        table, dialect = schema.record, self._work.connection.dialect.name
        begins, goes_to = (_field(table.c.body, name, dialect) for name in (starts, ends))
        query = _ALL.where(begins <= last, goes_to >= first)
        for text in self._rows(query, {"kind": kind_of(cls)}):
            yield _restore(cls, text[0])

    def under(self, cls: type[R], prefix: str) -> Iterator[R]:
        """As `all`, those alone whose id begins with `prefix`, which ends in a slash."""
        ids = schema.record.c.id
        query = _ALL.where(ids >= prefix, ids < f"{prefix[:-1]}0")  # 0 follows the slash
        for text in self._rows(query, {"kind": kind_of(cls)}):
            yield _restore(cls, text[0])

    def ids(self, cls: type[R]) -> list[str]:
        """Every record of the kind, erased or not."""
        table = schema.record
        query = sa.select(table.c.id).where(table.c.kind == kind_of(cls)).distinct()
        return [row[0] for row in self._rows(query.order_by(table.c.id), {})]

    def edges_from(self, node: str) -> list[Edge]:
        """Edges out of a record or of a part of one, in its latest version."""
        found = self._rows(_FROM_RECORD, {"at": node}) + self._rows(_FROM_PART, {"at": node})
        return [Edge(*row) for row in found]

    def edges_to(self, node: str) -> list[Edge]:
        """Edges into any node, out of the latest versions."""
        return [Edge(*row) for row in self._rows(_TO, {"at": node})]

    def _rows(self, query: sa.Executable, values: dict[str, Any]) -> list[Any]:
        self._work.flush()
        return list(self._work.connection.execute(query, values).all())

    # Writing

    def add(self, value: Any, event_type: str, *, effective_on: date | None = None) -> Event | None:
        """Keep a version and log it; None when the latest version has the same body, or, of what is
        said once for all (a book, an entry, a closed period), the same fields.

        Conflict store.same-id-other-body for an act, an entry, a book or a closed period that was
        said otherwise before; store.same-id-other-kind; Invalid store.nul for a name with a NUL. An
        Entry or PeriodClose is checked as by `post` and `close_period`.
        """
        work = self._work
        if work.read_only:
            raise RuntimeError("a read-only unit of work cannot add")
        node, kind = value.id, kind_of(type(value))
        if isinstance(value, Figure):
            value = value.citing(work.seal_of)
        sealed, edges = body_and_edges(value, work.rules.take())
        text = sealed.decode()
        if "\\u0000" in text or "\0" in event_type + self._actor:
            names = chain.from_iterable(edges)
            _must_have_no_nul(value, (node, event_type, self._actor, *names))
        before = work.latest(node)
        if before is not None:
            if before[2] == text:
                return None
            if before[1] != kind:
                raise Conflict("store.same-id-other-kind", node=node, before=before[1], now=kind)
            if kind in FIXED and _says(before[2]) == _says(text):
                return None  # kept once: what was asked on the way here decides nothing of it
            if ids.is_act(node) or kind in FIXED:
                raise Conflict("store.same-id-other-body", node=node)
        lines = self._ledger(value)
        moment = self.now()
        version = before[0] + 1 if before else 1
        salt = work.entropy(SALT_BYTES)
        told = Event(
            work.head.size + len(work.events) + 1,
            f"evt_{ids.uuid7(moment, work.entropy(10))}",
            event_type,
            work.at,
            effective_on.isoformat() if effective_on else work.day,
            self._actor,
            node,
            version,
            seal(salt, sealed),
        )
        row = (node, version, kind, text, salt.hex())
        work.write(row, edges, lines, told)
        return told

    def post(self, entry: Entry) -> Event | None:
        """Add an entry to its book.

        Invalid ledger.unbalanced or ledger.one-line, NotFound ledger.no-such-book, Denied
        ledger.period-closed.
        """
        return self.add(entry, "ledger.posted", effective_on=entry.effective_on)

    def close_period(self, book: str, period: Period) -> Event | None:
        """Nothing can be posted into `period` of `book` (a node) any more.

        Closing it again is a no-op.
        """
        node = _close_of(book, period.id)
        return self.add(
            PeriodClose(node, book, period.starts_on, period.ends_on), "ledger.period-closed"
        )

    def lines_of(self, book: str) -> list[tuple[str, str, int, date]]:
        """(entry, account, minor units, day) of each line of a book, in order of the days; what
        stands in an adjustment period is of the last day of its year.
        """
        self._book(book)
        table = schema.entry_line
        self._work.flush()
        found = self._work.connection.execute(
            sa.select(table.c.entry, table.c.account, table.c.amount, table.c.effective_on)
            .where(table.c.book == book)
            .order_by(table.c.effective_on, table.c.entry, table.c.ordinal)
        )
        return [
            (entry, account, int(fen), date.fromisoformat(day[:10]))
            for entry, account, fen, day in found
        ]

    def balances(self, book: str, on: date, *, adjusted: bool = False) -> dict[str, Money]:
        """Account → balance at the end of the legal day `on`, debit positive; of a fiscal year's
        last day without its adjustment period, or `adjusted` with it.

        Accounts that are zero stay.
        """
        owner, _ = self._book(book)
        table = schema.entry_line
        self._work.flush()
        found = self._work.connection.execute(
            sa.select(table.c.account, sa.func.sum(table.c.amount))
            .where(
                table.c.book == book,
                table.c.effective_on
                <= (schema.adjusting(on.isoformat()) if adjusted else on.isoformat()),
            )
            .group_by(table.c.account)
            .order_by(table.c.account)
        )
        return {account: Money.of_fen(int(total), owner.currency) for account, total in found}

    def posted(self, book: str) -> dict[str, dict[str, int]]:
        """What every entry of the book says: entry → account → minor units, debit positive."""
        self._book(book)
        table = schema.entry_line
        self._work.flush()
        rows = self._work.connection.execute(
            sa.select(table.c.entry, table.c.account, table.c.amount).where(table.c.book == book)
        )
        found: dict[str, dict[str, int]] = {}
        for entry, account, amount in rows:
            said = found.setdefault(entry, {})
            said[account] = said.get(account, 0) + int(amount)
        return found

    def entries(self, book: str, period: Period) -> list[Entry]:
        """The book's entries that take effect in the period, by day and as they were posted."""
        self._book(book)
        line, told = schema.entry_line, schema.event
        self._work.flush()
        within = (
            sa.select(line.c.entry)
            .where(
                line.c.book == book,
                line.c.effective_on >= period.starts_on.isoformat(),
                line.c.effective_on < period.ends_on.isoformat(),
            )
            .distinct()
        )
        bodies = self._work.connection.execute(
            sa.select(schema.record.c.body)
            .join(
                told,
                sa.and_(told.c.node == schema.record.c.id, told.c.version == schema.record.c.seq),
            )
            .where(schema.record.c.kind == "entry", schema.record.c.id.in_(within))
            .order_by(told.c.seq)
        ).scalars()
        found = [_restore(Entry, body) for body in bodies]
        return sorted(found, key=lambda entry: entry.effective_on)

    def _ledger(self, value: Any) -> list[tuple[Any, ...]]:
        """What the ledger says to a record, and the index rows of an entry."""
        if isinstance(value, PeriodClose):
            if value.starts_on >= value.ends_on:
                raise Invalid("ledger.empty-period", node=value.id)
            self._book(value.book)
            del self._work.books[value.book]
        if not isinstance(value, Entry):
            return []
        value.check()
        book, closed = self._book(value.book)
        try:
            must_belong(value, book.kind, self._work.rules)
        finally:
            self._work.rules.take()  # what a refusal asked decides nothing that is kept
        found = [c for c in closed if c.starts_on <= value.effective_on < c.ends_on]
        day = value.effective_on.isoformat()
        if value.adjusts:
            day = schema.adjusting(day)
            period = Period.named(value.adjusts, book.fiscal_year)
            if not period.year or value.effective_on != period.through:
                raise Invalid(
                    "ledger.adjusts-day",
                    entry=value.id,
                    on=value.effective_on.isoformat(),
                    period=value.adjusts,
                )
            if not found:
                raise Denied(
                    "ledger.adjusts-open",
                    entry=value.id,
                    on=value.effective_on.isoformat(),
                    period=value.adjusts,
                )
            found = [c for c in found if c.id == _close_of(value.book, value.adjusts)]
        if found:
            raise Denied(
                "ledger.period-closed",
                entry=value.id,
                on=value.effective_on.isoformat(),
                close=found[0].id,
            )
        return [
            (value.id, ordinal, value.book, line.account, line.amount, book.currency, day)
            for ordinal, line in enumerate(value.lines)
        ]

    def _book(self, node: str) -> tuple[Book, list[PeriodClose]]:
        known = self._work.books.get(node)
        if known is None:
            book = self.find(Book, node)
            if book is None:
                raise NotFound("ledger.no-such-book", book=node)
            closes = self._rows(_TO_BY_VERB, {"at": node, "name": "closes"})
            known = book, [self.get(PeriodClose, row[0]) for row in closes]
            self._work.books[node] = known
        return known

    def erase(self, node: str, reason: str) -> Event | None:
        """Take away body and salt of all versions of a record; None when they were gone.

        Denied store.not-erasable for what the ledger and the log stand on, store.holds-closed for
        what took something back (a revocation, an early end, an amendment). The bytes leave the
        files with `SqlStore.erase`, which calls this.
        """
        before = self._work.latest(node)
        if before is None:
            raise NotFound("store.no-such-record", node=node, kind="")
        if before[1] in FIXED:
            raise Denied("store.not-erasable", node=node, kind=before[1])
        if before[2] is None:
            return None
        for edge in self.edges_from(node):
            if edge.verb in CLOSING:
                raise Denied("store.holds-closed", node=node, kind=before[1], closed=edge.dst)
        told = self.add(Erasure(self.new_id("ers"), node, before[0], reason), "record.erased")
        self._work.forget(node)
        return told


def _says(body: str | bytes | None) -> Any:
    """The fields of a body: what it says, whatever decided it."""
    return None if body is None else json.loads(body)["fields"]


def _close_of(book: str, period: str) -> str:
    return f"close:{ids.key_of(book)}/{period}"


def _must_have_no_nul(value: Any, names: Iterable[str]) -> None:
    """A body may say one (escaped), but no column of PostgreSQL can hold it."""
    accounts = [line.account for line in value.lines] if isinstance(value, Entry) else []
    for name in (*names, *accounts):
        if "\0" in name:
            raise Invalid("store.nul", name=name.replace("\0", "␀"))


def _restore(cls: type[R], text: str | bytes) -> R:
    return restore(cls, json.loads(text)["fields"])
