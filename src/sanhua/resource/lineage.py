"""Lineage 数据血缘: snapshots, the tables that point at them, what each column was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import DefinedBy, MadeFrom, record
from sanhua.kernel.table import Manifest


@dataclass(frozen=True, slots=True)
class ColumnMade:
    """`id` is `col:table.column@snapshot`; `made_from` are columns of input snapshots, of a
    source's table the snapshot itself, which names the raw files.

    `transform` is how: `read` (from files), `copy` (the same value), `compute` (an expression),
    `aggregate`; without a source column `constant`, or `count` of the rows of `counts`, snapshots
    or code lists. `filtered_by` are columns that decide which rows count without being part of the
    value (OpenLineage: INDIRECT).
    """

    id: str
    name: str
    type: str
    transform: str
    made_from: tuple[MadeFrom, ...] = ()
    filtered_by: tuple[str, ...] = ()
    counts: tuple[MadeFrom, ...] = ()


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
    made_from: tuple[MadeFrom, ...]  # raw files and parts of them, or input snapshots
    columns: tuple[ColumnMade, ...]


@record("table")
@dataclass(frozen=True, slots=True)
class Table:
    """`table:steel_daily`: points at its current snapshot. `step` is the hash that lets a run skip
    it.
    """

    id: str
    snapshot: MadeFrom
    step: str
    layer: str
    rows: int
    rejected: int
    definitions: tuple[DefinedBy, ...] = ()  # content hashes of the source, SQL and contract files
    note: Mapping[str, str] = field(default_factory=dict[str, str])


def snapshot_record(
    manifest: Manifest, lineage: Sequence[sql.ColumnLineage] | None, inputs: Mapping[str, str]
) -> Snapshot:
    """The record of a snapshot with its column lineage.

    `inputs` maps each table that the SQL reads to its snapshot id (a code list: its file's hash).
    `lineage` None: a source's table, each column was read with the snapshot; else it is in the
    order of the SELECT, as the manifest's columns are.
    """
    if lineage is not None and len(lineage) != len(manifest.columns):
        raise ValueError(f"{len(lineage)} columns traced, {len(manifest.columns)} made")
    columns: list[ColumnMade] = []
    for at, column in enumerate(manifest.columns):
        node = ids.column(manifest.table, column.name, manifest.id)
        if lineage is None:
            columns.append(ColumnMade(node, column.name, column.type, "read", (manifest.id,)))
            continue
        made = lineage[at]  # in the order of the SELECT; an expression without AS has another name
        columns.append(
            ColumnMade(
                node,
                column.name,
                column.type,
                made.transform,
                tuple(ids.column(t, c, inputs[t]) for t, c in made.sources if t in inputs),
                tuple(ids.column(t, c, inputs[t]) for t, c in made.filtered_by if t in inputs),
                tuple(inputs[table] for table in made.counts if table in inputs),
            )
        )
    return Snapshot(
        manifest.id,
        manifest.table,
        manifest.layer,
        manifest.rows,
        manifest.rejected,
        manifest.rejected_by_column,
        manifest.inputs,
        tuple(columns),
    )


def impact(uow: Uow, node: str) -> list[str]:
    """Everything that came from `node`, nearest first: lineage walked backwards over every kind of
    edge.

    A column that only decides which rows count (`filtered_by`) is no cause here.
    """
    found: list[str] = []
    seen, queue = {node}, [node]
    while queue:
        following: list[str] = []
        for at in queue:
            for edge in uow.edges_to(at):
                if edge.src not in seen:
                    seen.add(edge.src)
                    found.append(edge.src)
                    following.append(edge.src)
        queue = following
    return found
