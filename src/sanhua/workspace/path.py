"""The value path as steps: freeze, collect, build, standard, quality, grade, publish, rights,
product, capital, figures.

Each method is one kind of step: what it is made from, what it needs, what its act leaves behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from typing import Annotated

from sanhua import sql
from sanhua.asset.party import enrol
from sanhua.asset.product import DataProduct, Product, make_product
from sanhua.asset.rights import Claim, claim_rights
from sanhua.capital.measure import book_of, mirror, post
from sanhua.capital.recognise import AssetCard, AssetEntry, recognise
from sanhua.capital.voucher import AccountingPolicy, Voucher, book_vouchers
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, NotFound, SanhuaError, Severity
from sanhua.kernel.figure import Figure, Part
from sanhua.kernel.ledger import Book
from sanhua.kernel.metric import Measured
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import R, Ref, record
from sanhua.kernel.table import Column, Manifest
from sanhua.kernel.text import Text
from sanhua.kernel.time import legal_day
from sanhua.project.model import Entity
from sanhua.resource import grade as grading
from sanhua.resource import quality, standard
from sanhua.resource.collect import Cadence, RawFile, Source, canonical_type, raw_columns, slowest
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.resource.lineage import Table, snapshot_record
from sanhua.resource.publish import publish
from sanhua.workspace.files import RawInput, shown_path
from sanhua.workspace.opening import Workspace
from sanhua.workspace.stepping import Act, Made, Stepper, digest

SCORE = Decimal("0.0001")


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
        self.stepper = Stepper(
            lambda read_only: ws.store.begin(actor=ws.actor, read_only=read_only), report
        )
        self.contract_of = {
            table.name: (contract, table)
            for contract in self.project.contracts.values()
            for table in contract.tables
        }
        self.queries = {
            name: sql.parse(file.text, path=file.origin.path)
            for name, file in self.project.sql.items()
        }
        self.raw_tables = self._raw_tables()
        self.order = sql.order(self.queries, {*self.raw_tables, *self.project.codes})
        self.selected = tuple(select)
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
        for table in (*self.raw_tables, *self.order):
            if table in self.wanted:
                self.grade(table)
        contracts = [
            contract
            for contract in self.project.contracts.values()
            if all(table.name in self.wanted for table in contract.tables)
        ]
        for contract in contracts:
            self.standard(contract)
            self.quality(contract)
            self.publish(contract)
        place = {table: at for at, table in enumerate((*self.raw_tables, *self.order))}
        claims = [c for c in self.project.claims.values() if self._is_wanted(c.resource)]
        for claim in sorted(claims, key=lambda c: self._place(c.resource, place)):
            self.claim(claim)
        for product in self.project.products.values():
            if not product.table or product.table in self.wanted:
                self.product(product)
        if not self.selected:
            self.capital()

    # What is wanted, and the tables it needs

    def _is_wanted(self, resource: str) -> bool:
        contract = self.project.contracts.get(resource)
        return contract is not None and all(table.name in self.wanted for table in contract.tables)

    def _place(self, resource: str, place: Mapping[str, int]) -> int:
        """Where in the build order a resource is complete."""
        tables = self.project.contracts[resource].tables
        return max((place.get(table.name, -1) for table in tables), default=-1)

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
            elif name in everything:
                queue.append(name)
            else:
                known = sorted({*everything, *self.project.products, *self.project.contracts})
                near = get_close_matches(name, known, 1)
                raise NotFound(
                    "run.unknown-target",
                    name=name,
                    nearest=near[0] if near else ", ".join(known[:5]),
                )
        found: set[str] = set()
        while queue:
            table = queue.pop()
            if table not in found:
                found.add(table)
                queue += (
                    [t for t in self.queries[table].tables if t in everything]
                    if table in self.queries
                    else []
                )
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
            names = [_member(f.name, f.part or part) for f in files]
            try:
                manifest = self.ws.engine.collect(
                    table,
                    [f.path for f in files],
                    source.reading,
                    columns,
                    inputs=[f.sha256 for f in files],
                    step=digest(made_from),
                    names=names,
                )
            except SanhuaError as error:
                guilty = str(error.diagnostic.facts.get("file", ""))
                if guilty in names:
                    place = shown_path(self.ws, files[names.index(guilty)].path)
                    error.diagnostic = replace(
                        error.diagnostic, path=place, line=error.diagnostic.line or 1
                    )
                raise
            self._keep(manifest)

            def act(uow: Uow) -> Made:
                supplier = ids.node("party", source.supplier or self.ws.entity)
                for f in files:
                    uow.add(RawFile(f.sha256, source.id, f.name, f.bytes, supplier), "raw.received")
                made = self._add_table(uow, manifest, None, {}, definitions, "table.collected")
                if manifest.rows:
                    return made
                none = Diagnostic(
                    Severity.WARNING,
                    "collect.no-rows",
                    source.origin.path,
                    source.origin.line,
                    node=node,
                    facts={"table": table, "rejected": manifest.rejected},
                )
                return replace(made, diagnostics=(none,))

            return act

        node = ids.node("table", table)
        self.stepper.step(
            "collect",
            node,
            made_from,
            work,
            usable=lambda: self._usable(table),
            at=source.origin,
        )

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
            "build",
            ids.node("table", table),
            made_from,
            work,
            needs=needs,
            usable=lambda: self._usable(table),
            at=self.project.sql[table].origin,
        )

    def _types(self, schema: TableSchema | None) -> dict[str, str]:
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

    # Standard, quality: what a contract promises against what the engine measures

    def standard(self, contract: DataContract) -> None:
        made_from = {"contract": contract.origin.sha256, "standards": self._standards()}

        def act(uow: Uow) -> Made:
            result = standard.bind(contract, self.project.elements, self.project.codes)
            uow.add(result, "standard.bound")
            return Made((result.id,), diagnostics=tuple(result.diagnostics()))

        node = ids.node("standard", contract.id)
        self.stepper.step("standard", node, made_from, lambda: act, at=contract.origin)

    def quality(self, contract: DataContract) -> None:
        node = ids.node("quality", contract.id)
        needs = [ids.node("table", table.name) for table in contract.tables]
        if self.stepper.failed.intersection(needs):
            self.stepper.step("quality", node, {}, _never, needs=needs)
            return
        read = {table.name for table in contract.tables} | self._read_by_rules(contract)
        made_from = {
            "snapshots": {name: self._snapshot_of(name) for name in sorted(read)},
            "contract": contract.origin.sha256,
            "standards": self._standards(),
            **self._law(),
        }

        def work() -> Act:
            for name in sorted(read):
                self.bind(name)
            found: list[quality.Check] = []
            measured: list[Measured] = []
            for table in contract.tables:
                checks = quality.checks(
                    contract,
                    table,
                    self.project.elements,
                    self.project.codes,
                    self.ws.rules,
                    self.today,
                    manifest=self.manifest(table.name),
                )
                found += checks
                measured += self.ws.engine.measure(table.name, quality.metrics(checks))

            def act(uow: Uow) -> Made:
                result = quality.judge(
                    found,
                    measured,
                    uow.rules,
                    self.today,
                    contract=contract,
                    standard=uow.get(standard.StandardResult, ids.node("standard", contract.id)),
                )
                uow.add(result, "quality.judged")
                return Made((result.id,), diagnostics=tuple(result.diagnostics()))

            return act

        self.stepper.step("quality", node, made_from, work, needs=needs, at=contract.origin)

    def grade(self, table: str) -> None:
        """Detectors on a sample, floors set by people, and what the inputs' columns hand down."""
        node = ids.node("grade", table)
        needs = [ids.node("table", table)]
        query = self.queries.get(table)
        inputs = [
            name for name in (query.tables if query else ()) if name not in self.project.codes
        ]
        needs += [ids.node("grade", name) for name in inputs]
        if self.stepper.failed.intersection(needs):
            self.stepper.step("grade", node, {}, _never, needs=needs)
            return
        contract, schema = self.contract_of.get(table, (None, None))
        upstream = [self._latest(grading.Grading, ids.node("grade", name)) for name in inputs]
        manifest = self.manifest(table)
        made_from = {
            "snapshot": manifest.id,
            "contract": contract.origin.sha256 if contract else "",
            "standards": self._standards(),
            "inherited": {
                g.id: [f"{c.name} {c.grade} {c.category}" for c in g.columns] for g in upstream
            },
            **self._law(),
        }

        def work() -> Act:
            self.bind(table)
            columns = manifest.columns
            measured = self.ws.engine.measure(
                table, grading.detectors(columns, self.ws.rules, self.today)
            )
            samples = {
                name: [
                    row[0]
                    for row in self.ws.engine.query(grading.sampled_values_query(table, name))
                ]
                for name in grading.columns_to_sample(columns, measured)
            }
            names = grading.names_of(schema, self.project.elements) if schema else None
            lineage = None
            if query is not None:
                lineage = sql.lineage(query, {name: self.columns_of(name) for name in query.tables})

            def act(uow: Uow) -> Made:
                found = grading.detect(
                    columns, measured, samples, uow.rules, self.today, names=names
                )
                result = grading.grade(
                    table,
                    columns,
                    found,
                    uow.rules,
                    self.today,
                    snapshot=manifest.id,
                    schema=schema,
                    contract=contract,
                    lineage=lineage,
                    inherited=grading.inheritable(upstream),
                )
                uow.add(result, "table.graded")
                return Made((result.id,), diagnostics=tuple(result.diagnostics()))

            return act

        at = contract.origin if contract else None
        self.stepper.step("grade", node, made_from, work, needs=needs, at=at)

    def publish(self, contract: DataContract) -> None:
        tables = [table.name for table in contract.tables]
        of = {kind: ids.node(kind, contract.id) for kind in ("standard", "quality")}
        needs = [*of.values(), *(ids.node(kind, t) for t in tables for kind in ("table", "grade"))]
        made_from = {
            "contract": contract.origin.sha256,
            "found": self._versions(needs),
            "owner": self.ws.entity,
            "cadence": self._cadence(tables),
            **self._law(),
        }

        def act(uow: Uow) -> Made:
            resource = publish(
                uow, contract, owner=self.ws.entity, cadence=Cadence(self._cadence(tables))
            )
            return Made((resource.id,), rows=resource.rows)

        node = ids.node("resource", contract.id)
        self.stepper.step("publish", node, made_from, lambda: act, needs=needs, at=contract.origin)

    def _cadence(self, tables: Sequence[str]) -> str:
        """The slowest cadence among the sources that the tables come from."""
        sources = [
            self.raw_tables[t][0].cadence for t in self._upstream(tables) if t in self.raw_tables
        ]
        return slowest(sources).value

    def _upstream(self, tables: Sequence[str]) -> frozenset[str]:
        """The tables with everything that they are made from."""
        found: set[str] = set()
        queue = list(tables)
        while queue:
            table = queue.pop()
            if table not in found and table not in self.project.codes:
                found.add(table)
                queue += self.queries[table].tables if table in self.queries else ()
        return frozenset(found)

    def _versions(self, nodes: Sequence[str]) -> dict[str, int]:
        return {node: self.ws.store.version_of(node) for node in nodes}

    def _latest(self, cls: type[R], node: str) -> R:
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            return uow.get(cls, node)

    # Rights and products

    def claim(self, claim: Claim) -> None:
        """A claim rests, when derived, on claims over what its resource was made from."""
        contract = self.project.contracts.get(claim.resource)
        inputs = self._inputs_of(contract) if contract else []
        beneath = [
            ids.node("claim", other.id)
            for other in self.project.claims.values()
            if other.resource in inputs
        ]
        needs = [
            ids.node("resource", claim.resource),
            *(beneath if claim.source == "derived" else ()),
        ]
        made_from = {"claim": claim.origin.sha256, "found": self._versions(needs), **self._law()}

        def act(uow: Uow) -> Made:
            return Made((claim_rights(uow, claim, inputs=inputs).id,))

        node = ids.node("claim", claim.id)
        self.stepper.step("rights", node, made_from, lambda: act, needs=needs, at=claim.origin)

    def _inputs_of(self, contract: DataContract) -> list[str]:
        """The nearest resources that the contract's tables are made from."""
        own = {table.name for table in contract.tables}
        found: list[str] = []
        queue = [name for table in own for name in self._reads(table)]
        seen: set[str] = set(own)
        while queue:
            table = queue.pop(0)
            if table in seen:
                continue
            seen.add(table)
            if table in self.contract_of:
                found.append(self.contract_of[table][0].id)
            else:
                queue += self._reads(table)
        return list(dict.fromkeys(found))

    def _reads(self, table: str) -> list[str]:
        query = self.queries.get(table)
        return [name for name in query.tables if name not in self.project.codes] if query else []

    def product(self, product: Product) -> None:
        written = product.query or product.sql
        query = sql.parse(written, path=product.origin.path) if written else None
        tables = [name for name in query.tables if name not in self.project.codes] if query else []
        own = [product.table] if product.table else []
        read: list[str] = list(dict.fromkeys(own + tables))
        resources = [self.contract_of[t][0].id for t in read if t in self.contract_of]
        needs = [ids.node("resource", name) for name in resources]
        needs += [ids.node("grade", table) for table in read]
        needs += [
            ids.node("claim", c.id) for c in self.project.claims.values() if c.resource in resources
        ]
        node = ids.node("product", product.id)
        made_from = {
            "product": product.origin.sha256,
            "query": written,
            "found": self._versions(needs),
            **self._law(),
        }

        def work() -> Act:
            lineage = None
            if query is not None:
                lineage = sql.lineage(query, {name: self.columns_of(name) for name in query.tables})

            def act(uow: Uow) -> Made:
                made = make_product(
                    uow, product, provider=self.ws.entity, tables=tables, lineage=lineage
                )
                return Made((made.id, *made.plans))

            return act

        self.stepper.step("product", node, made_from, work, needs=needs, at=product.origin)

    # Capital: the books and what may be carried

    def capital(self) -> None:
        for entity in self.project.settings.entities:
            vouchers = [
                v
                for v in self.project.vouchers.values()
                if v.entity == ids.node("party", entity.id)
            ]
            policy = self.project.policy.get(entity.id)
            cards = [card for card in self.project.assets.values() if card.entity == entity.id]
            if policy is None or not (vouchers or cards):
                continue
            book = book_of(entity.id, entity.currency, entity.fiscal_year)
            self.book(book, vouchers)
            for card in cards:
                self.recognise(card, vouchers, policy, entity, book)

    def book(self, book: Book, vouchers: Sequence[Voucher]) -> None:
        """The ERP's vouchers, mirrored into the entity's book as they are."""
        made_from = {"vouchers": [[v.id, v.file] for v in vouchers], "book": asdict(book)}

        def act(uow: Uow) -> Made:
            uow.add(book, "book.opened")
            book_vouchers(uow, vouchers)
            for voucher in vouchers:
                try:
                    post(uow, [mirror(voucher, book)])
                except SanhuaError as error:
                    place = replace(
                        error.diagnostic,
                        path=voucher.path,
                        line=voucher.lines[0].line,
                        node=voucher.id,
                    )
                    error.diagnostic = place
                    raise
            return Made((book.id,), rows=len(vouchers))

        self.stepper.step("book", book.id, made_from, lambda: act)

    def recognise(
        self,
        card: AssetCard,
        vouchers: Sequence[Voucher],
        policy: AccountingPolicy,
        entity: Entity,
        book: Book,
    ) -> None:
        node = ids.node("asset", card.id)
        made_from = {
            "card": card.origin.sha256,
            "policy": policy.origin.sha256,
            "vouchers": [[v.id, v.file] for v in vouchers],
            **self._law(),
        }

        def act(uow: Uow) -> Made:
            _, found = recognise(
                uow,
                card,
                vouchers,
                policy,
                self.today,
                regime=entity.regime,
                currency=entity.currency,
            )
            return Made((node,), diagnostics=tuple(found))

        self.stepper.step(
            "recognise", node, made_from, lambda: act, needs=[book.id], at=card.origin
        )

    # Figures of the three stages

    def figures(self) -> list[Figure]:
        """The stage figures, each with the parts that it is counted from; kept as records."""
        with self.ws.store.begin(actor=self.ws.actor) as uow:
            tables = [
                t for t in uow.all(Table) if ids.key_of(t.id) in {*self.raw_tables, *self.order}
            ]
            judged = [
                q for q in uow.all(quality.Quality) if ids.key_of(q.id) in self.project.contracts
            ]
            products = [
                p for p in uow.all(DataProduct) if ids.key_of(p.id) in self.project.products
            ]
            assets = [a for a in uow.all(AssetEntry) if ids.key_of(a.id) in self.project.assets]
            figures = [
                self._count(
                    "resource.tables", Text("数据表", "tables"), "tables", {t.id: 1 for t in tables}
                ),
                self._count(
                    "resource.rows", Text("行", "rows"), "rows", {t.id: t.rows for t in tables}
                ),
                self._count(
                    "resource.rejected",
                    Text("拒收行", "rejected rows"),
                    "rows",
                    {t.id: t.rejected for t in tables},
                ),
                self._count(
                    "resource.checks",
                    Text("质量检查", "checks"),
                    "checks",
                    {q.id: q.checks for q in judged},
                ),
                self._score(judged),
                self._count(
                    "resource.not_assessable",
                    Text("不可评估的指标", "indicators not assessable"),
                    "indicators",
                    {q.id: q.not_assessable for q in judged},
                ),
                self._count(
                    "asset.products",
                    Text("数据产品", "products"),
                    "products",
                    {p.id: 1 for p in products},
                ),
                self._count(
                    "asset.deals",
                    Text("合约（未签署）", "deals (unsigned)"),
                    "deals",
                    {ids.node("file", d.origin.path): 1 for d in self.project.deals.values()},
                ),
                self._count(
                    "capital.assets", Text("资产", "assets"), "assets", {a.id: 1 for a in assets}
                ),
            ]
            for currency in sorted({a.capitalised.currency for a in assets}):
                carried = {
                    a.id: a.capitalised.amount for a in assets if a.capitalised.currency == currency
                }
                label = Text("可资本化支出", "spending that may be carried")
                figures.append(self._count("capital.capitalised", label, currency, carried))
            for figure in figures:
                uow.add(figure, "figure.stated")
        return figures

    def _count(
        self, line: str, label: Text, unit: str, parts: Mapping[str, int | Decimal]
    ) -> Figure:
        counted = tuple(Part(node, Decimal(amount)) for node, amount in parts.items())
        total = sum((part.amount for part in counted), Decimal())
        return Figure(self._figure_id(line), label, total, unit, counted)

    def _score(self, judged: Sequence[quality.Quality]) -> Figure:
        """The mean score of the resources, each weighted with its checks."""
        scored = [(q, q.score) for q in judged if q.score is not None]
        weight = sum(q.checks for q, _ in scored)
        total = sum((score * q.checks for q, score in scored), Decimal())
        value = (total / weight).quantize(SCORE, ROUND_HALF_UP) if weight else Decimal()
        label = Text("质量得分", "quality score")
        parts = tuple(Part(q.id, score) for q, score in scored)
        return Figure(
            self._figure_id("resource.score"), label, value, "score", parts, additive=False
        )

    def _figure_id(self, line: str) -> str:
        return ids.figure(self.ws.entity, "stages", line, "value", self.today.isoformat())

    def _read_by_rules(self, contract: DataContract) -> set[str]:
        """The tables that the contract's own SQL rules and relationships read."""
        rules = [rule for table in contract.tables for rule in table.quality]
        props = [prop for table in contract.tables for prop in table.properties]
        rules += [rule for prop in props for rule in prop.quality]
        read = {name for rule in rules if rule.query for name in sql.parse(rule.query).tables}
        return read | {
            reference.partition(".")[0] for prop in props for reference in prop.references
        }

    def _standards(self) -> str:
        files = self.project.files
        return digest(
            {path: o.sha256 for path, o in files.items() if path.startswith("standards/")}
        )

    def _law(self) -> dict[str, str]:
        """What a step that asks rules is made from besides its data: the rule files and the legal
        day.
        """
        return {"rules": self.ws.rules.fingerprint, "day": self.today.isoformat()}

    # Snapshots at hand

    def _keep(self, manifest: Manifest) -> None:
        self._manifests[manifest.table] = manifest
        self._bound.discard(manifest.table)

    def manifest(self, table: str) -> Manifest:
        """The current snapshot's manifest, from this run or from the lake."""
        if table not in self._manifests:
            record = self._latest(Table, ids.node("table", table))
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
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            record = uow.find(Table, ids.node("table", table))
        return record is not None and self.ws.lake_has(record.layer, table, record.snapshot)


def _member(name: str, part: str) -> str:
    return f"{name}!{part}" if part else name


def _never() -> Act:
    raise AssertionError("a blocked step was done")


def _engine_version() -> str:
    from importlib.metadata import version

    return f"duckdb {version('duckdb')}"
