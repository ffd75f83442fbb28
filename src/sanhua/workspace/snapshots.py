"""The snapshots at hand in a run: made now, or the current ones of the lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sanhua.kernel import ids
from sanhua.kernel.errors import Broken
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import R
from sanhua.kernel.table import Column, Kept, Manifest, Part
from sanhua.resource.collect import PartRead
from sanhua.resource.lineage import Table
from sanhua.workspace.opening import Workspace


class Snapshots:
    """Manifests by table, bound to the engine when they are first read."""

    def __init__(self, ws: Workspace) -> None:
        self.ws, self.project = ws, ws.project
        self._manifests: dict[str, Manifest] = {}
        self._bound: set[str] = set()

    def keep(self, manifest: Manifest) -> None:
        self._manifests[manifest.table] = manifest
        self._bound.discard(manifest.table)

    def manifest(self, table: str) -> Manifest:
        """The current snapshot's manifest, from this run or from the lake."""
        if table not in self._manifests:
            record = self.latest(Table, ids.node("table", table))
            self._manifests[table] = self.ws.lake.load(record.layer, table, record.snapshot)
        return self._manifests[table]

    def bind(self, table: str) -> None:
        """Let the engine read a table or code list by its name."""
        if table in self._bound:
            return
        codes = self.project.codes.get(table)
        if codes is not None:
            columns = [Column(name, "VARCHAR") for name in codes.columns]
            self.ws.engine.bind_rows(table, columns, codes.rows)
        else:
            manifest = self.manifest(table)
            faults = self.ws.lake.verify(manifest, whole=False)
            if faults:
                raise Broken("lake.differs", table=table, fault=faults[0])
            self.ws.engine.bind(manifest)
        self._bound.add(table)

    def schemas(self, tables: Sequence[str]) -> dict[str, dict[str, str]]:
        """Table → column → engine type."""
        return {table: self._columns_of(table) for table in tables}

    def _columns_of(self, table: str) -> dict[str, str]:
        codes = self.project.codes.get(table)
        if codes is not None:
            return dict.fromkeys(codes.columns, "VARCHAR")
        return {column.name: column.type for column in self.manifest(table).columns}

    def id_of(self, table: str) -> str:
        codes = self.project.codes.get(table)
        return codes.origin.sha256 if codes else self.manifest(table).id

    def usable(self, table: str) -> bool:
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            record = uow.find(Table, ids.node("table", table))
        return record is not None and self.ws.lake_has(record.layer, table, record.snapshot)

    def made_by(self, table: str, step: str) -> Manifest | None:
        """The current snapshot, when it was made in that way and is whole."""
        if not self.usable(table):
            return None
        manifest = self.manifest(table)
        same = manifest.step == step and not self.ws.lake.verify(manifest, whole=False)
        return manifest if same else None

    def earlier(self, table: str, snapshot: str) -> Manifest | None:
        """An earlier snapshot of a table, when it is still in the lake."""
        layer = self.manifest(table).layer
        if not self.ws.lake_has(layer, table, snapshot):
            return None
        return self.ws.lake.load(layer, table, snapshot)

    def kept(self, table: str, step: str) -> list[Kept]:
        """The parts of the current snapshot, when it was read in that way; what they were read from
        stands in them, or in the record of a part that was merged before.
        """
        manifest = self.made_by(table, step)
        if manifest is None:
            return []
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            found: list[Kept] = []
            for part in manifest.parts:
                folded = part if part.files == 1 else replace(part, inputs=(part.node,), names=())
                read = list(_files_of(uow, part))
                found.append(Kept(folded, manifest.id, frozenset(read), read[0]))
        return found

    def latest(self, cls: type[R], node: str) -> R:
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            return uow.get(cls, node)

    def versions(self, nodes: Sequence[str]) -> dict[str, int]:
        return {node: self.ws.store.version_of(node) for node in nodes}


def _files_of(uow: Uow, part: Part | PartRead) -> Iterator[tuple[str, str]]:
    """(raw file, its name) of every file in a part."""
    nodes = part.inputs if isinstance(part, Part) else part.made_from
    if part.names:
        yield from zip(nodes, part.names, strict=True)
        return
    for node in nodes:
        yield from _files_of(uow, uow.get(PartRead, node))
