"""Copy a store into another database, row for row, and prove the copy before it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from sanhua.kernel.errors import Broken, Conflict
from sanhua.store import schema
from sanhua.store.audit import Fault, Progress, audit
from sanhua.store.dialect import Dialect, translated
from sanhua.store.log import Log, insert

PAGE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Copied:
    """How many rows a table, and the root of the log they hold."""

    rows: dict[str, int]
    size: int
    root: bytes


def copy(
    source: sa.Connection,
    dialect: Dialect,
    target: sa.Engine,
    *,
    public_key: bytes | None,
    published: Callable[[], list[str]],
    progress: Progress,
) -> Copied:
    """Everything that `source` sees, into the empty database behind `target`, as one transaction.

    Conflict store.target-not-empty; Broken store.not-sound when the copy does
    not verify or has another root: then nothing is kept there.
    """
    name = dialect.place
    with translated(dialect):
        with target.connect().execution_options(read_only=True) as at, at.begin():
            _must_be_empty(at, name)
        with target.connect() as at, at.begin():
            _must_be_empty(at, name)
            schema.migrate(at, dialect, schema.get_meta(source, "origin"))
            rows = {table.name: _fill(source, at, table, progress) for table in _TABLES}
            for kind, columns in schema.viewed(source).items():
                schema.make_view(at, dialect, kind, columns)
            rows["meta"] = _count(at, schema.meta)
            must_be_sound(name, list(audit(at, dialect, public_key, published, progress)))
            size = Log(source).head().size
            root = Log(source).root(size)
            counted = {table.name: _count(source, table) for table in (*_TABLES, schema.meta)}
            if rows != counted or Log(at).head().size != size or Log(at).root(size) != root:
                raise Broken("store.not-sound", place=name, count=1, fault=f"{rows} != {counted}")
    return Copied(rows, size, root)


def must_be_sound(place: str, faults: list[Fault]) -> None:
    if faults:
        raise Broken("store.not-sound", place=place, count=len(faults), fault=str(faults[0]))


# Parents before what refers to them; `meta` is written by what makes tables and views.
_TABLES = [table for table in schema.META.sorted_tables if table is not schema.meta]


def _must_be_empty(connection: sa.Connection, name: str) -> None:
    found = sa.inspect(connection)
    there = sorted([*found.get_table_names(), *found.get_view_names()])
    if there:
        raise Conflict("store.target-not-empty", target=name, name=there[0])


def _fill(source: sa.Connection, at: sa.Connection, table: sa.Table, progress: Progress) -> int:
    query = sa.select(table).order_by(*table.primary_key)
    done = 0
    progress(table.name, done)
    with source.execute(query, execution_options={"stream_results": True}) as result:
        for page in result.partitions(PAGE_ROWS):
            insert(at, table, [tuple(row) for row in page])
            done += len(page)
            progress(table.name, done)
    return _count(at, table)


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
