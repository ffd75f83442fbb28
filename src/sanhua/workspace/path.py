"""The value path as steps: freeze, collect, build, standard, quality, grade, publish, rights, product, capital, figures.

Each method is one kind of step: what it is made from, what it needs, what its act leaves behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated, Any

from sanhua import sql
from sanhua.asset.party import enrol
from sanhua.kernel import ids
from sanhua.kernel.figure import Figure, Part
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, record
from sanhua.kernel.table import Column, Manifest
from sanhua.kernel.text import Text
from sanhua.kernel.time import legal_day
from sanhua.resource.collect import RawFile, Source, canonical_type, raw_columns
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.resource.lineage import Snapshot, Table, snapshot_record
from sanhua.workspace.files import RawInput
from sanhua.workspace.opening import Workspace
from sanhua.workspace.stepping import Act, Made, Stepper, digest


@record("definition")
@dataclass(frozen=True, slots=True)
class Definition:
    """`file:products/steel_energy.yaml`: a file frozen into a version by its content hash."""

    id: str
    content: Annotated[str, Ref("content")]


class Path:
    """One run over the project's value path."""

    def __init__(
        self,
        ws: Workspace,
        found: Mapping[str, list[RawInput]],
        report: Callable[[str, str], None],
        select: Sequence[str] = (),
    ) -> None:
        self.ws, self.found = ws, found
        self.project = ws.project
        self.today = legal_day(ws.clock.now())
        self.stepper = Stepper(lambda: ws.store.begin(actor=ws.actor), report)
        self.contract_of = {
            table.name: (contract, table) for contract in self.project.contracts.values() for table in contract.tables
        }
        self.queries = {
            name: sql.parse(file.text, path=file.origin.path) for name, file in self.project.sql.items()
        }
        self.raw_tables = self._raw_tables()
        self.order = sql.order(self.queries, {*self.raw_tables, *self.project.codes})
        self.wanted = self._wanted(select)
        self._manifests: dict[str, Manifest] = {}
        self._bound: set[str] = set()

    def walk(self) -> None:
        """Every step in path order."""
        self.freeze()
        for table in self.raw_tables:
            if table in self.wanted:
                self.collect(table)
        for table in self.order:
            if table in self.wanted:
                self.build(table)

    # What is wanted, and the tables it needs

    def _raw_tables(self) -> dict[str, tuple[Source, str]]:
        """Raw table → its source and the part of the source that holds it."""
        found: dict[str, tuple[Source, str]] = {}
        for source in self.project.sources.values():
            if source.tables:
                found.update({table: (source, part) for table, part in source.tables.items()})
            else:
                found[source.id] = (source, "")
        return found

    def _wanted(self, select: Sequence[str]) -> frozenset[str]:
        everything = frozenset({*self.raw_tables, *self.order})
        if not select:
            return everything
        queue: list[str] = []
        for name in select:
            name = ids.key_of(name)
            product = self.project.products.get(name)
            if product is not None and product.table:
                queue.append(product.table)
            elif name in self.project.contracts:
                queue += [table.name for table in self.project.contracts[name].tables]
            else:
                queue.append(name)
        found: set[str] = set()
        while queue:
            table = queue.pop()
            if table not in found:
                found.add(table)
                queue += [t for t in self.queries[table].tables if t in everything] if table in self.queries else []
        return frozenset(found)

    # Freeze: each file of the folder becomes a version by its content hash

    def freeze(self) -> None:
        files = self.project.files

        def act(uow: Uow) -> Made:
            nodes: list[str] = []
            for path, origin in files.items():
                definition = Definition(ids.node("file", path), origin.sha256)
                uow.add(definition, "file.frozen")
                nodes.append(definition.id)
            for party in self.project.parties.values():
                enrol(uow, party)
                nodes.append(party.id)
            return Made(tuple(nodes))

        parts = {"files": {path: origin.sha256 for path, origin in files.items()}}
        self.stepper.step("freeze", ids.node("project", self.project.name), parts, lambda: act)

    # Collect and build: tables

    def collect(self, table: str) -> None:
        source, part = self.raw_tables[table]
        files = self.found[source.id]
        contract, schema = self.contract_of.get(table, (None, None))
        columns = raw_columns(schema, self.project.elements) if schema else None
        made_from = {
            "files": [[f.name, f.sha256, f.part] for f in files],
            "reading": asdict(source.reading) | {"part": part},
            "columns": [asdict(column) for column in columns] if columns else "text",
            "engine": _engine_version(),
        }
        definitions = (source.origin.sha256, *((contract.origin.sha256,) if contract else ()))

        def work() -> Act:
            manifest = self.ws.engine.collect(
                table,
                [f.path for f in files],
                source.reading,
                columns,
                inputs=[f.sha256 for f in files],
                step=digest(made_from),
                names=[_member(f.name, f.part or part) for f in files],
            )
            self._keep(manifest)

            def act(uow: Uow) -> Made:
                supplier = ids.node("party", source.supplier or self.ws.entity)
                for f in files:
                    uow.add(RawFile(f.sha256, source.id, f.name, f.bytes, supplier), "raw.received")
                return self._add_table(uow, manifest, None, {}, definitions, "table.collected")

            return act

        node = ids.node("table", table)
        self.stepper.step("collect", node, made_from, work, usable=lambda: self._usable(table))

    def build(self, table: str) -> None:
        query = self.queries[table]
        contract, schema = self.contract_of.get(table, (None, None))
        needs = [ids.node("table", name) for name in query.tables if name not in self.project.codes]
        if self.stepper.failed.intersection(needs):
            self.stepper.step("build", ids.node("table", table), {}, _never, needs=needs)
            return
        inputs = {name: self._snapshot_of(name) for name in query.tables}
        types = self._types(schema)
        made_from = {
            "sql": sql.fingerprint(query),
            "inputs": inputs,
            "types": types,
            "order": list(schema.key) if schema else [],
            "engine": _engine_version(),
        }
        definitions = (
            self.project.sql[table].origin.sha256,
            *((contract.origin.sha256,) if contract else ()),
        )

        def work() -> Act:
            for name in query.tables:
                self.bind(name)
            manifest = self.ws.engine.build(
                table,
                query.text,
                order_by=schema.key if schema else (),
                types=types,
                inputs=sorted(inputs.values()),
                step=digest(made_from),
            )
            self._keep(manifest)
            schemas = {name: self.columns_of(name) for name in query.tables}
            lineage = sql.lineage(query, schemas)

            def act(uow: Uow) -> Made:
                return self._add_table(uow, manifest, lineage, inputs, definitions, "table.built")

            return act

        self.stepper.step(
            "build", ids.node("table", table), made_from, work, needs=needs, usable=lambda: self._usable(table)
        )

    def _types(self, schema: TableSchema | None) -> dict[str, str]:
        """The engine types that the contract asks for; a column it says nothing exact about keeps the engine's."""
        if schema is None:
            return {}
        types = {
            prop.name: canonical_type(prop, self.project.elements.get(prop.element))
            for prop in schema.properties
        }
        vague = {p.name for p in schema.properties if p.logical_type == "number" and types[p.name] == "DOUBLE"}
        return {name: kind for name, kind in types.items() if name not in vague}

    def _add_table(
        self,
        uow: Uow,
        manifest: Manifest,
        lineage: Sequence[sql.ColumnLineage] | None,
        inputs: Mapping[str, str],
        definitions: tuple[str, ...],
        event: str,
    ) -> Made:
        snapshot = snapshot_record(manifest, lineage, inputs)
        uow.add(snapshot, "snapshot.made")
        table = Table(
            ids.node("table", manifest.table),
            snapshot.id,
            manifest.step,
            manifest.layer,
            manifest.rows,
            manifest.rejected,
            definitions,
        )
        uow.add(table, event)
        return Made((table.id, snapshot.id), manifest.rows, manifest.rejected, snapshot.id)

    # Snapshots at hand

    def _keep(self, manifest: Manifest) -> None:
        self._manifests[manifest.table] = manifest
        self._bound.discard(manifest.table)

    def manifest(self, table: str) -> Manifest:
        """The current snapshot's manifest, from this run or from the lake."""
        if table not in self._manifests:
            with self.ws.store.begin(actor=self.ws.actor) as uow:
                record = uow.get(Table, ids.node("table", table))
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
            self.ws.engine.bind(self.manifest(table))
        self._bound.add(table)

    def columns_of(self, table: str) -> dict[str, str]:
        """Column → engine type."""
        codes = self.project.codes.get(table)
        if codes is not None:
            return dict.fromkeys(codes.columns, "VARCHAR")
        return {column.name: column.type for column in self.manifest(table).columns}

    def _snapshot_of(self, table: str) -> str:
        codes = self.project.codes.get(table)
        return codes.origin.sha256 if codes else self.manifest(table).id

    def _usable(self, table: str) -> bool:
        with self.ws.store.begin(actor=self.ws.actor) as uow:
            record = uow.find(Table, ids.node("table", table))
        return record is not None and self.ws.lake_has(record.layer, table, record.snapshot)


def _member(name: str, part: str) -> str:
    return f"{name}!{part}" if part else name


def _never() -> Act:
    raise AssertionError("a blocked step was done")


def _engine_version() -> str:
    from importlib.metadata import version

    return f"duckdb {version('duckdb')}"
