"""Lineage 数据血缘: snapshots, the tables that point at them, and what each column was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sanhua.kernel.record import DefinedBy, MadeFrom, record


@dataclass(frozen=True, slots=True)
class ColumnMade:
    """`id` is `col:table.column@snapshot`; `made_from` are columns of input snapshots, or the raw files of a source.

    `transform` is how: `read` (from files), `copy` (the same value), `compute` (an expression), `aggregate`.
    `filtered_by` are columns that decide which rows count without being part of the value (OpenLineage: INDIRECT).
    """

    id: str
    name: str
    type: str
    transform: str
    made_from: tuple[MadeFrom, ...] = ()
    filtered_by: tuple[str, ...] = ()


@record("snapshot")
@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable snapshot in the lake; `id` is the hash of its manifest."""

    id: str
    table: str
    layer: str
    rows: int
    rejected: int
    rejected_by_column: Mapping[str, int]
    made_from: tuple[MadeFrom, ...]  # raw files or input snapshots
    columns: tuple[ColumnMade, ...]


@record("table")
@dataclass(frozen=True, slots=True)
class Table:
    """`table:steel_daily`: points at its current snapshot. `step` is the hash that lets a run skip it."""

    id: str
    snapshot: MadeFrom
    step: str
    layer: str
    rows: int
    rejected: int
    definitions: tuple[DefinedBy, ...] = ()  # content hashes of the source, SQL and contract files
    note: Mapping[str, str] = field(default_factory=dict[str, str])
