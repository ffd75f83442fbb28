"""Collect 采集: where raw data is, and what was read from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from sanhua.kernel.origin import Origin
from sanhua.kernel.record import MadeFrom, Ref, record
from sanhua.kernel.table import Manifest, RawColumn, Reading
from sanhua.kernel.text import Text
from sanhua.resource.contract import Property, TableSchema
from sanhua.resource.standard import DataElement


class Cadence(StrEnum):
    """How often a source comes, fastest first."""

    REALTIME = "realtime"
    FIVE_MINUTES = "5min"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Database:
    """`database:`: a table or one SELECT, read whole each time or, with `cursor`, from where the
    last fetch came to, less `overlap`.

    `url` is SQLAlchemy's with the environment filled in; it may hold a password and is shown
    nowhere. `overlap` is a time before the last cursor, `overlap_count` a number below it.
    """

    url: str = field(repr=False)
    table: str = ""
    query: str = ""
    cursor: str = ""
    overlap: timedelta = timedelta(hours=1)
    overlap_count: int = 1000
    rows_max: int = 50_000_000
    timeout_s: int = 600


@dataclass(frozen=True, slots=True)
class Pages:
    """`pages:`: how an API is asked for the next page. `by` is page, offset, next or cursor.

    `parameter` is the query parameter; `size_parameter` that of the page's size; `at` the path in
    the answer where the next link or cursor stands (empty: the Link header).
    """

    by: str = ""
    parameter: str = ""
    start: int = 1
    size: int = 0
    size_parameter: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Api:
    """`url:`: a JSON API or one file. Headers hold secrets and are shown nowhere.

    `adds`: what comes is added to what came before instead of replacing it.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    pages: Pages = Pages()
    adds: bool = False
    hosts: tuple[str, ...] = ()  # others that a redirect or a next link may lead to
    pages_max: int = 10_000
    bytes_max: int = 1 << 30
    timeout_s: int = 600


@dataclass(frozen=True, slots=True)
class Inbox:
    """`inbox:`: a folder into which others put files; `serve` takes them over HTTP too.

    A file counts as whole when it was left alone for `settle`, or, with `done`, when a file of its
    name and this ending lies beside it.
    """

    folder: str
    settle: timedelta = timedelta(seconds=10)
    done: str = ""
    bytes_max: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Documents:
    """`documents:`: a glob of images, DICOM, PDF, Word, video and audio files, one row each."""

    glob: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file of `sources/`. `files` is a glob with the environment already filled in.

    `tables` maps a table to its part of the source (`stops: stops.txt`); empty means one table
    named as the source. Exactly one of `files` and the forms of `fetched` says where the data is.
    `period` tells the period that a file is about: a pattern of its name
    (`flow_{yyyyMMdd_HHmm}.csv`) or a column of its rows; `ends` when that stamps its end. `late` is
    how long after its end it may arrive and still be in time (empty: one cadence), `objective`
    which share must be.
    """

    id: str
    title: Text
    cadence: Cadence
    origin: Origin
    files: str = ""
    fetched: Database | Api | Inbox | Documents | None = None
    reading: Reading = Reading()
    supplier: str = ""
    late: str = ""
    tables: Mapping[str, str] = field(default_factory=dict[str, str])
    period: str = ""
    ends: bool = False
    since: str = ""
    objective: Decimal = Decimal("0.99")


@record("raw_file")
@dataclass(frozen=True, slots=True)
class RawFile:
    """原始数据: one file as one source handed it over; `path` as the source names it.

    `raw_file:<source>@<content hash>`: the same bytes from another source are another file, with
    another supplier. `came_as` is the arrival that brought it, of a source that is fetched.
    """

    id: str
    source: str
    path: str
    bytes: int
    supplier: Annotated[str, Ref("supplied_by")] = ""
    content: Annotated[str, Ref("content")] = ""
    came_as: Annotated[str, Ref("came_as")] = ""


@record("part")
@dataclass(frozen=True, slots=True)
class PartRead:
    """Small raw files that became one file of the lake: `part:<hash>`.

    `made_from` are the raw files, named `names` by their source, or smaller parts; `files` counts
    the raw files in all.
    """

    id: str
    table: str
    files: int
    bytes: int
    rows: int
    rejected: int
    made_from: tuple[MadeFrom, ...]
    names: tuple[str, ...] = ()


def merged(manifest: Manifest) -> list[PartRead]:
    """The parts that a collection made of several raw files."""
    return [
        PartRead(
            part.node,
            manifest.table,
            part.files,
            part.file.bytes,
            part.file.rows,
            part.rejects.rows if part.rejects else 0,
            part.inputs,
            part.names,
        )
        for part in manifest.parts
        if len(part.inputs) > 1
    ]


_LOGICAL = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
    "object": "VARCHAR",  # JSON text
    "array": "VARCHAR",
}
_DECIMAL = re.compile(r"DECIMAL\s*\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)")
_DATED = frozenset({"DATE", "TIMESTAMP", "TIME"})


def canonical_type(prop: Property, element: DataElement | None) -> str:
    """The canonical SQL type of a column: `physicalType` when it is one, else by the logical type.

    A number takes the decimal (or integer) of its data element, and is DOUBLE without one. A
    physical type of another system (`NUMBER(18)`) is kept in the contract and says nothing here.
    """
    physical = _canonical(prop.physical_type)
    if physical:
        return physical
    if prop.logical_type == "number" and element is not None:
        exact = _canonical(element.type)
        if exact:
            return exact
        if element.type == "integer":
            return "BIGINT"
    return _LOGICAL.get(prop.logical_type, "VARCHAR")


def _canonical(written: str) -> str:
    """`decimal(12, 2)` → `DECIMAL(12,2)`; empty when it is no canonical type."""
    name = written.strip().upper()
    if name in {*_LOGICAL.values()}:
        return name
    match = _DECIMAL.fullmatch(name)
    if match and 0 < int(match[1]) <= 38 and int(match[2]) <= int(match[1]):
        return f"DECIMAL({int(match[1])},{int(match[2])})"
    return ""


def raw_columns(table: TableSchema, elements: Mapping[str, DataElement]) -> tuple[RawColumn, ...]:
    """How each column of a source's table is read, in the contract's order."""
    columns: list[RawColumn] = []
    for prop in table.properties:
        kind = canonical_type(prop, elements.get(prop.element))
        pattern = prop.options.get("format", "") if kind in _DATED else ""
        columns.append(RawColumn(prop.name, kind, prop.heading, pattern))
    return tuple(columns)


def slowest(cadences: Iterable[Cadence]) -> Cadence:
    """The cadence of what is made from several inputs: the slowest of theirs; `once` when there is
    none.
    """
    order = list(Cadence)
    return max(cadences, key=order.index, default=Cadence.ONCE)
