"""The plan of a run: which tables there are, in which order, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.errors import NotFound
from sanhua.project.model import Project
from sanhua.resource import quality
from sanhua.resource.collect import Source, canonical_type, slowest
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.workspace.stepping import digest


class Plan:
    """The project's tables. `order` is the built ones after what they read; `wanted` those that the
    user selected (all when nothing was) with everything that they are made from.
    """

    def __init__(self, project: Project, select: Sequence[str] = ()) -> None:
        self.project = project
        self.contract_of = {
            table.name: (contract, table)
            for contract in project.contracts.values()
            for table in contract.tables
        }
        self.queries = {
            name: sql.parse(file.text, path=file.origin.path) for name, file in project.sql.items()
        }
        self.raw_tables = self._raw_tables()
        self.order = sql.order(self.queries, {*self.raw_tables, *project.codes})
        self.tables = (*self.raw_tables, *self.order)
        self.wanted = self._wanted(select)

    def _raw_tables(self) -> dict[str, tuple[Source, str]]:
        """Raw table → its source and the part of the source that holds it."""
        found: dict[str, tuple[Source, str]] = {}
        for source in self.project.sources.values():
            if source.tables:
                found.update({table: (source, part) for table, part in source.tables.items()})
            else:
                found[source.id] = (source, "")
        return found

    def _wanted(self, select: Sequence[str]) -> tuple[str, ...]:
        if not select:
            return self.tables
        chosen: list[str] = []
        for name in map(ids.key_of, select):
            product = self.project.products.get(name)
            if product is not None and product.table:
                chosen.append(product.table)
            elif name in self.project.contracts:
                chosen += [table.name for table in self.project.contracts[name].tables]
            elif name in self.tables:
                chosen.append(name)
            else:
                known = sorted({*self.tables, *self.project.products, *self.project.contracts})
                near = get_close_matches(name, known, 1)
                nearest = near[0] if near else ", ".join(known[:5])
                raise NotFound("run.unknown-target", name=name, nearest=nearest)
        needed = self.upstream(chosen)
        return tuple(table for table in self.tables if table in needed)

    def place(self, resource: str) -> int:
        """Where in the order of tables a resource is complete."""
        tables = self.project.contracts[resource].tables
        return max((self.tables.index(t.name) for t in tables if t.name in self.tables), default=-1)

    def is_wanted(self, resource: str) -> bool:
        contract = self.project.contracts.get(resource)
        return contract is not None and all(table.name in self.wanted for table in contract.tables)

    def reads(self, table: str) -> list[str]:
        query = self.queries.get(table)
        return [name for name in query.tables if name not in self.project.codes] if query else []

    def upstream(self, tables: Sequence[str]) -> frozenset[str]:
        """The tables with everything that they are made from."""
        found: set[str] = set()
        queue = list(tables)
        while queue:
            table = queue.pop()
            if table not in found and table not in self.project.codes:
                found.add(table)
                queue += self.queries[table].tables if table in self.queries else ()
        return frozenset(found)

    def inputs_of(self, contract: DataContract) -> list[str]:
        """The nearest resources that the contract's tables are made from."""
        own = {table.name for table in contract.tables}
        found: list[str] = []
        queue = [name for table in own for name in self.reads(table)]
        seen: set[str] = set(own)
        while queue:
            table = queue.pop(0)
            if table in seen:
                continue
            seen.add(table)
            if table in self.contract_of:
                found.append(self.contract_of[table][0].id)
            else:
                queue += self.reads(table)
        return list(dict.fromkeys(found))

    def cadence(self, tables: Sequence[str]) -> str:
        """The slowest cadence among the sources that the tables come from."""
        sources = [
            self.raw_tables[t][0].cadence for t in self.upstream(tables) if t in self.raw_tables
        ]
        return slowest(sources).value

    def read_by_rules(self, contract: DataContract) -> set[str]:
        """The tables that the contract's own SQL rules, relationships and reconciliations read."""
        props = [prop for table in contract.tables for prop in table.properties]
        rules = [
            (rule, table.name)
            for table in contract.tables
            for holder in (table, *table.properties)
            for rule in holder.quality
            if rule.query
        ]
        read = {name for rule in rules for name in sql.parse(quality.query_of(*rule)).tables}
        read |= {one.other for table in contract.tables for one in table.reconciles}
        return read | {
            reference.partition(".")[0] for prop in props for reference in prop.references
        }

    def types(self, schema: TableSchema | None) -> dict[str, str]:
        """The engine types that the contract asks for; a column it says nothing exact about keeps
        the engine's.
        """
        if schema is None:
            return {}
        types = {
            prop.name: canonical_type(prop, self.project.elements.get(prop.element))
            for prop in schema.properties
        }
        vague = {
            p.name
            for p in schema.properties
            if p.logical_type == "number" and types[p.name] == "DOUBLE"
        }
        return {name: kind for name, kind in types.items() if name not in vague}

    def standards(self) -> str:
        files = self.project.files
        return digest(
            {path: o.sha256 for path, o in files.items() if path.startswith("standards/")}
        )
