"""What the stages need from outside, as protocols. The store, the engine, rules and the keys
implement them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from sanhua.kernel.errors import Citation, Diagnostic
from sanhua.kernel.ledger import Entry
from sanhua.kernel.metric import Measured, Metric
from sanhua.kernel.record import Edge, R
from sanhua.kernel.table import Column, Division, Kept, Manifest, RawColumn, Reading, Sold


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's value in force on a day, with the clause it comes from.

    `value` is typed by the rule's unit: bool, Decimal, int, str, or lists and maps of them. `tag`
    says how sure the source is (V read in full, S secondary, R recalled, R? recalled with low
    confidence).
    """

    node: str  # rule:instrument/name@day
    instrument: str
    name: str
    value: Any
    unit: str
    title: str
    number: str  # 文号 or standard number
    clause: str
    tag: str
    starts_on: date

    @property
    def cite(self) -> str:
        return f"{self.number} {self.clause}".strip()

    @property
    def citation(self) -> Citation:
        return Citation(self.instrument, self.number, self.clause, self.tag)


class Rules(Protocol):
    """Law and standards as dated, cited values."""

    def ask(self, instrument: str, name: str, *, on: date) -> Rule:
        """The value in force on `on`; RuleGap rule.gap when there is none."""
        ...

    def working_days_after(self, start: date, days: int) -> date:
        """The legal day that ends a clock of `days` working days; day 0 is `start`. RuleGap outside
        known years.
        """
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """An aware UTC datetime."""
        ...


class Signer(Protocol):
    """A signing key. `name` is the key's public name in checkpoints."""

    name: str
    algorithm: str  # "Ed25519"

    def sign(self, message: bytes) -> bytes: ...

    @property
    def public_key(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Event:
    """One act in the evidence log (FORMATS §12)."""

    seq: int
    id: str
    type: str
    recorded_at: str
    effective_on: str
    actor: str
    node: str
    version: int
    seal: str


class Uow(Protocol):
    """One transaction on the store: reads see it, `add` writes version, edges and event as one act.

    `rules` notes what is asked; the next `add` or `post` carries `decided_by` edges to it.
    """

    @property
    def rules(self) -> Rules: ...

    @property
    def actor(self) -> str: ...

    def now(self) -> datetime: ...

    def today(self) -> date:
        """The legal day in Asia/Shanghai."""
        ...

    def new_id(self, kind: str) -> str:
        """`kind_` and a UUIDv7; `kind` is three letters."""
        ...

    def get(self, cls: type[R], record_id: str) -> R:
        """The latest version; NotFound store.no-such-record."""
        ...

    def find(self, cls: type[R], record_id: str, *, as_of: datetime | None = None) -> R | None: ...

    def all(self, cls: type[R]) -> Iterable[R]:
        """The latest version of every record of the kind, by id."""
        ...

    def add(self, value: Any, event_type: str, *, effective_on: date | None = None) -> Event | None:
        """Keep a version and log `event_type`. None when the latest version has the same body:
        nothing happened.
        """
        ...

    def post(self, entry: Entry) -> Event | None:
        """Add an entry to its book: balanced, period open, the same id twice is a no-op or
        Conflict.
        """
        ...

    def edges_from(self, node: str) -> list[Edge]: ...

    def edges_to(self, node: str) -> list[Edge]: ...


class Store(Protocol):
    def begin(self, *, actor: str) -> AbstractContextManager[Uow]:
        """Leaving commits, an exception rolls back."""
        ...


class Engine(Protocol):
    """Where relations run. A table is bound to a snapshot before it is read; names are checked
    identifiers.
    """

    version: str

    def bind(self, manifest: Manifest) -> None:
        """Let SQL read `manifest.table`; binding again replaces."""
        ...

    def bind_rows(
        self, table: str, columns: Sequence[Column], rows: Sequence[Sequence[str | None]]
    ) -> None:
        """A small table given as text (a code list)."""
        ...

    def describe(self, sql: str) -> tuple[Column, ...]:
        """Bind one SELECT without running it. Invalid sql.* with the engine's reason."""
        ...

    def collect(
        self,
        table: str,
        files: Sequence[Path],
        reading: Reading,
        columns: Sequence[RawColumn] | None,
        *,
        inputs: Sequence[str],
        step: str,
        names: Sequence[str],
        tell: Callable[[Diagnostic], None] = ...,
        before: Sequence[Kept] = (),
    ) -> Manifest:
        """Read raw files into a `raw` snapshot; without `columns` all are text under their own
        headings. Parts of `before` go on unread while their files are wanted.

        A row that does not fit goes to the snapshot's rejects with its reason. `names` are the
        files' names as the user wrote them, for messages and rejects; `tell` hears what was left
        unread, with its `file`.
        """
        ...

    def build(
        self,
        table: str,
        sql: str,
        *,
        order_by: Sequence[str],
        types: Mapping[str, str],
        inputs: Sequence[str],
        step: str,
        division: Division | None = None,
    ) -> Manifest:
        """Run one SELECT into a `built` snapshot in a total order (all columns after `order_by`);
        with a `division` a part for each value, and only those anew whose rows changed.
        """
        ...

    def sample(self, table: str, rows_max: int) -> Sequence[tuple[str | None, ...]]:
        """Rows of a bound table as text, all when they are few, otherwise about `rows_max` of them,
        always the same ones.
        """
        ...

    def measure(self, table: str, metrics: Sequence[Metric]) -> list[Measured]:
        """Every metric in as few scans as possible; one that fails carries its error, the others
        their values.
        """
        ...

    def keyed(self, sold: Sold, path: Path) -> int:
        """Write what is sold of a bound table as a keyed file, whole or not at all; its rows."""
        ...

    def query(
        self, sql: str, parameters: Sequence[Any] = (), *, rows_max: int = 10_000
    ) -> list[tuple[Any, ...]]:
        """Rows of one SELECT in the canonical subset."""
        ...
