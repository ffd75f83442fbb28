"""The value path as steps: freeze, collect, build, repair, standard, quality, grade, publish,
rights, register, product, deal, revenue, capital, figures.

Each method is one kind of step: what it is made from, what it needs, what its act leaves behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated

from sanhua import sql
from sanhua.asset.bill import Closing
from sanhua.asset.contract import UsageContract, signatures
from sanhua.asset.form import PROPERTY_RIGHT, RegistrationPlan
from sanhua.asset.party import enrol
from sanhua.asset.policy import Deal
from sanhua.asset.product import Product, make_product
from sanhua.asset.register import freeze
from sanhua.asset.rights import Claim, claim_rights
from sanhua.capital.allocate import keep as keep_allocations
from sanhua.capital.cost import keep as keep_costs
from sanhua.capital.earn import RevenueJudgement, judge
from sanhua.capital.measure import book_of
from sanhua.capital.recognise import AssetCard, recognise
from sanhua.capital.subsidy import Subsidy, treat
from sanhua.capital.subsidy import freeze as freeze_grant
from sanhua.capital.voucher import AccountingPolicy, Voucher
from sanhua.engine.read import READERS
from sanhua.kernel import ids
from sanhua.kernel.errors import (
    Conflict,
    Denied,
    Diagnostic,
    NotFound,
    SanhuaError,
    Severity,
)
from sanhua.kernel.ledger import Book
from sanhua.kernel.metric import Measured
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, record
from sanhua.kernel.table import Division, Manifest
from sanhua.kernel.time import legal_day
from sanhua.project.costing import plans_of
from sanhua.project.model import Entity
from sanhua.resource import grade as grading
from sanhua.resource import profile, quality, standard
from sanhua.resource import repair as repairing
from sanhua.resource.collect import Cadence, RawFile, merged, raw_columns
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.resource.lineage import Table, snapshot_record
from sanhua.resource.publish import publish
from sanhua.resource.quality import issues
from sanhua.workspace import sampling
from sanhua.workspace.booking import book_in, counted
from sanhua.workspace.costing import charted, collected, tied_out, what_was_counted
from sanhua.workspace.dealing import agreed, is_over, is_served, serve_file
from sanhua.workspace.files import RawInput, shown_path
from sanhua.workspace.metering import answered
from sanhua.workspace.opening import Workspace
from sanhua.workspace.plan import Plan
from sanhua.workspace.snapshots import Snapshots
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
        self.plan = Plan(ws.project, select)
        self.snapshots = Snapshots(ws)
        self.stepper = Stepper(
            lambda read_only: ws.store.begin(actor=ws.actor, read_only=read_only), report
        )
        self.selected = bool(select)

    def walk(self) -> None:
        """Every step in path order."""
        plan = self.plan
        self.freeze()
        for table in plan.wanted:
            if table in plan.raw_tables:
                self.collect(table)
            else:
                self.build(table)
        for table in plan.wanted:
            self.grade(table)
            self.repair(table)
        for contract in self.project.contracts.values():
            if plan.is_wanted(contract.id):
                self.standard(contract)
                self.quality(contract)
                self.publish(contract)
        claims = [c for c in self.project.claims.values() if plan.is_wanted(c.resource)]
        for claim in sorted(claims, key=lambda c: plan.place(c.resource)):
            self.claim(claim)
        for entry in self.project.registrations.values():
            claimed = self.project.claims.get(entry.claim)
            if entry.kind == PROPERTY_RIGHT and claimed and plan.is_wanted(claimed.resource):
                self.register(entry, claimed)
        for product in self.project.products.values():
            if not product.table or product.table in plan.wanted:
                self.product(product)
                for deal in self.project.deals.values():
                    if deal.product == product.id:
                        self.deal(deal)
        if not self.selected:
            self.capital()

    # What steps are made from besides their inputs

    def _law(self) -> dict[str, str]:
        """Of a step that asks rules: the rule files and the legal day."""
        return {"rules": self.ws.rules.fingerprint, "day": self.today.isoformat()}

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
        source, part = self.plan.raw_tables[table]
        files = self.found[source.id]
        contract, schema = self.plan.contract_of.get(table, (None, None))
        columns = raw_columns(schema, self.project.elements) if schema else None
        supplier = ids.node("party", source.supplier or self.ws.entity)
        raw = [
            RawFile(
                ids.node("raw_file", f"{source.id}@{f.sha256}"),
                source.id,
                f.name,
                f.bytes,
                supplier,
                f.sha256,
                f.arrival,
            )
            for f in files
        ]
        how = {
            "reading": asdict(source.reading) | {"part": part},
            "columns": [asdict(column) for column in columns] if columns else "text",
            "engine": f"{_engine_version()}, readers {READERS}",
        }
        made_from = {"files": [[f.name, f.sha256, f.part] for f in files], **how}
        definitions = (source.origin.sha256, *((contract.origin.sha256,) if contract else ()))

        def work() -> Act:
            if not files:
                raise NotFound("collect.nothing-came", source=source.id)
            names = [_member(_member(f.name, f.part), part) for f in files]
            places = dict(zip(names, (shown_path(self.ws, f.path) for f in files), strict=True))
            told: list[Diagnostic] = []
            before = self.snapshots.kept(table, digest(how))
            try:
                manifest = self.ws.engine.collect(
                    table,
                    [f.path for f in files],
                    source.reading,
                    columns,
                    inputs=[file.id for file in raw],
                    step=digest(how),
                    names=names,
                    tell=told.append,
                    before=before,
                )
            except SanhuaError as error:
                error.diagnostic = _at_file(error.diagnostic, places)
                raise
            read = set[tuple[str, str]]().union(*(one.read for one in before))
            new = [
                (file, f)
                for file, f, name in zip(raw, files, names, strict=True)
                if (file.id, name) not in read
            ]
            hashed = self.ws.hashes.of
            changed = next((f for _, f in new if hashed(f.path) != (f.sha256, f.bytes)), None)
            if changed is not None:
                raise Conflict(
                    "collect.file-changed", path=shown_path(self.ws, changed.path), line=1
                )
            self.snapshots.keep(manifest)

            def act(uow: Uow) -> Made:
                first = uow.find(RawFile, raw[0].id)
                same = first is not None and first.supplier == supplier
                for file in [file for file, _ in new] if same else raw:
                    uow.add(file, "raw.received")
                for one in merged(manifest):
                    uow.add(one, "raw.merged")
                made = self._add_table(uow, manifest, None, {}, definitions, "table.collected")
                made = replace(made, diagnostics=tuple(_at_file(one, places, node) for one in told))
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
                return replace(made, diagnostics=(*made.diagnostics, none))

            return act

        node = ids.node("table", table)
        self.stepper.step(
            "collect",
            node,
            made_from | {"supplier": supplier},
            work,
            usable=lambda: self.snapshots.usable(table),
            at=source.origin,
        )

    def build(self, table: str) -> None:
        query = self.plan.queries[table]
        contract, schema = self.plan.contract_of.get(table, (None, None))
        needs = [ids.node("table", name) for name in query.tables if name not in self.project.codes]
        if self.stepper.failed.intersection(needs):
            self.stepper.step("build", ids.node("table", table), {}, _never, needs=needs)
            return
        inputs = {name: self.snapshots.id_of(name) for name in query.tables}
        types = self.plan.types(schema)
        how = {
            "sql": sql.fingerprint(query),
            "types": types,
            "order": list(schema.key) if schema else [],
            "engine": _engine_version(),
            "partition": list(schema.partitioned) if schema else [],
        }
        made_from = {"inputs": inputs, **how}
        definitions = (
            self.project.sql[table].origin.sha256,
            *((contract.origin.sha256,) if contract else ()),
        )

        def work() -> Act:
            for name in query.tables:
                self.snapshots.bind(name)
            told: list[Diagnostic] = []
            manifest = self.ws.engine.build(
                table,
                query.text,
                order_by=schema.key if schema else (),
                types=types,
                inputs=sorted(inputs.values()),
                step=digest(how),
                division=self._division(table, query, schema, inputs, digest(how), told),
            )
            self.snapshots.keep(manifest)
            lineage = sql.lineage(query, self.snapshots.schemas(query.tables))

            def act(uow: Uow) -> Made:
                made = self._add_table(uow, manifest, lineage, inputs, definitions, "table.built")
                return replace(made, diagnostics=tuple(told))

            return act

        self.stepper.step(
            "build",
            ids.node("table", table),
            made_from,
            work,
            needs=needs,
            usable=lambda: self.snapshots.usable(table),
            at=self.project.sql[table].origin,
        )

    def _division(
        self,
        table: str,
        query: sql.Query,
        schema: TableSchema | None,
        inputs: Mapping[str, str],
        step: str,
        told: list[Diagnostic],
    ) -> Division | None:
        """By which column the table is kept, and the snapshot that may be brought up to date: made
        in the same way, and of its inputs that one alone changed by which it is divided.
        """
        if schema is None or len(schema.partitioned) != 1:
            return None
        (column,) = schema.partitioned
        found = sql.partition(query, column, self.snapshots.schemas(query.tables))
        if found is None or found.table in self.project.codes:
            at = schema.origin
            facts = {"table": table, "field": column}
            told.append(
                Diagnostic(
                    Severity.NOTE,
                    "build.not-divided",
                    at.path,
                    at.line,
                    node=ids.node("table", table),
                    facts=facts,
                )
            )
            return None
        kind = self.plan.types(schema).get(column)
        value = f"CAST({found.expression} AS {kind})" if kind else found.expression
        whole = Division(found.column, found.table, value)
        before = self.snapshots.made_by(table, step)
        if before is None:
            return whole
        others = {node for name, node in inputs.items() if name != found.table}
        changed = set(before.inputs) - others
        if len(changed) != 1 or not others <= set(before.inputs):
            return whole
        then = self.snapshots.earlier(found.table, changed.pop())
        return replace(whole, before=before, then=then) if then else whole

    def repair(self, table: str) -> None:
        """What the repair rules of a table changed, counted on the table that it repairs."""
        contract, schema = self.plan.contract_of.get(table, (None, None))
        if contract is None or schema is None or not schema.repair_of:
            return
        rejects = table + repairing.REJECTS
        tables = [schema.repair_of, table, *([rejects] if rejects in self.plan.queries else [])]
        node = ids.node("repair", table)
        needs = [ids.node("table", name) for name in tables]
        if self.stepper.failed.intersection(needs):
            self.stepper.step("repair", node, {}, _never, needs=needs)
            return
        plan = repairing.plan_of(schema, self.project.elements)
        made_from = {
            "snapshots": {name: self.snapshots.id_of(name) for name in tables},
            "sql": digest({"counts": plan.counts()}),
            "contract": contract.origin.sha256,
        }

        def work() -> Act:
            self.snapshots.bind(schema.repair_of)
            (counted,) = self.ws.engine.query(plan.counts(), rows_max=1)
            rows = [self.snapshots.manifest(name).rows for name in tables[1:]]
            unfit: dict[str, int] = {}
            if tables[2:]:
                self.snapshots.bind(rejects)
                (counts,) = self.ws.engine.query(plan.unfit(), rows_max=1)
                unfit = {name: int(n) for name, n in zip(plan.typed, counts, strict=True) if n}
            found = repairing.repaired(
                node,
                plan,
                counted,
                before=self.snapshots.id_of(schema.repair_of),
                after=self.snapshots.id_of(table),
                definition=contract.origin.sha256,
                kept=rows[0],
                rejected=sum(rows[1:]),
                unfit=unfit,
            )

            def act(uow: Uow) -> Made:
                uow.add(found, "table.repaired")
                return Made((found.id,), found.kept, found.rejected)

            return act

        self.stepper.step("repair", node, made_from, work, needs=needs, at=contract.origin)

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
        made_from = {"contract": contract.origin.sha256, "standards": self.plan.standards()}

        def act(uow: Uow) -> Made:
            result = standard.bind(contract, self.project.elements, self.project.codes)
            uow.add(result, "standard.bound")
            return Made((result.id,), diagnostics=tuple(result.diagnostics()))

        node = ids.node("standard", contract.id)
        self.stepper.step("standard", node, made_from, lambda: act, at=contract.origin)

    def quality(self, contract: DataContract) -> None:
        node = ids.node("quality", contract.id)
        needs = [ids.node("table", table.name) for table in contract.tables]
        repairs = [ids.node("repair", table.name) for table in contract.tables if table.repair_of]
        needs += repairs
        if self.stepper.failed.intersection(needs):
            self.stepper.step("quality", node, {}, _never, needs=needs)
            return
        mended = {
            one.table: one
            for one in (self.snapshots.latest(repairing.Repaired, node) for node in repairs)
        }
        read = {table.name for table in contract.tables} | self.plan.read_by_rules(contract)
        calls = self.calls(contract)
        made_from = {
            **({"calls": [calls.asked, calls.answered]} if calls else {}),
            "snapshots": {name: self.snapshots.id_of(name) for name in sorted(read)},
            "contract": contract.origin.sha256,
            "standards": self.plan.standards(),
            "failed_rows_below": self.project.settings.failed_rows_below,
            "grades": self.snapshots.versions([ids.node("grade", t.name) for t in contract.tables]),
            **({"repairs": self.snapshots.versions(repairs)} if repairs else {}),
            **({"hour": self.ws.hour} if contract.hourly else {}),
            **self._law(),
        }

        def work() -> Act:
            for name in sorted(read):
                self.snapshots.bind(name)
            modelled = {entity.table for entity in self.project.model.values()}
            gradings = self.gradings(contract)
            found: list[quality.Check] = []
            told: list[Diagnostic] = []
            measured: list[Measured] = []
            profiles: list[profile.Profile] = []
            for table in contract.tables:
                manifest = self.snapshots.manifest(table.name)
                checks = quality.checks(
                    contract,
                    table,
                    self.project.elements,
                    self.project.codes,
                    self.ws.rules,
                    self.today,
                    manifest=manifest,
                    modelled=modelled,
                    grading=gradings.get(table.name),
                    repaired=mended.get(table.name),
                )
                wanted = quality.metrics(checks) + profile.metrics(table.name, manifest.columns)
                results = self.ws.engine.measure(table.name, wanted)
                found += checks
                measured += results
                told += sampling.keep(self.ws, manifest, checks, results, gradings.get(table.name))
                profiles.append(profile.of(manifest, results))

            def act(uow: Uow) -> Made:
                for one in profiles:  # before any rule is asked: none decides them
                    uow.add(one, "table.profiled")
                result = quality.judge(
                    found,
                    measured,
                    uow.rules,
                    self.today,
                    contract=contract,
                    standard=uow.get(standard.StandardResult, ids.node("standard", contract.id)),
                    now=uow.now(),
                    calls=calls,
                )
                uow.add(result, "quality.judged")
                issues.review(uow, result)
                made = (result.id, *(one.id for one in profiles))
                return Made(made, diagnostics=(*result.diagnostics(), *told))

            return act

        self.stepper.step("quality", node, made_from, work, needs=needs, at=contract.origin)

    def calls(self, contract: DataContract) -> quality.Calls | None:
        """What was called for the contract's tables through the gateway lately."""
        tables = {table.name for table in contract.tables}
        products = self.project.products
        deals = [
            ids.node("deal", deal.id)
            for deal in self.project.deals.values()
            if deal.product in products and products[deal.product].table in tables
        ]
        return answered(self.ws, deals, self.today)

    def gradings(self, contract: DataContract) -> dict[str, grading.Grading]:
        """The gradings of the contract's tables, as far as there are any."""
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            found = [
                uow.find(grading.Grading, ids.node("grade", table.name))
                for table in contract.tables
            ]
        return {one.table: one for one in found if one is not None}

    def grade(self, table: str) -> None:
        """Detectors on a sample, floors set by people, and what the inputs' columns hand down."""
        node = ids.node("grade", table)
        needs = [ids.node("table", table)]
        query = self.plan.queries.get(table)
        inputs = [
            name for name in (query.tables if query else ()) if name not in self.project.codes
        ]
        needs += [ids.node("grade", name) for name in inputs]
        if self.stepper.failed.intersection(needs):
            self.stepper.step("grade", node, {}, _never, needs=needs)
            return
        contract, schema = self.plan.contract_of.get(table, (None, None))
        upstream = [
            self.snapshots.latest(grading.Grading, ids.node("grade", name)) for name in inputs
        ]
        manifest = self.snapshots.manifest(table)
        made_from = {
            "snapshot": manifest.id,
            "contract": contract.origin.sha256 if contract else "",
            "standards": self.plan.standards(),
            "inherited": {
                g.id: [f"{c.name} {c.grade} {c.category}" for c in g.columns] for g in upstream
            },
            **self._law(),
        }

        def work() -> Act:
            self.snapshots.bind(table)
            columns = manifest.columns
            measured = self.ws.engine.measure(
                table, grading.detectors(columns, self.ws.rules, self.today)
            )
            picked = grading.samples(columns, measured)
            values = self.ws.engine.measure(table, list(picked.values()))
            sampled = {name: one.value or [] for name, one in zip(picked, values, strict=True)}
            names = grading.names_of(schema, self.project.elements) if schema else None
            lineage = None
            if query is not None:
                lineage = sql.lineage(query, self.snapshots.schemas(query.tables))
            doubtful = grading.surviving(table, columns, schema, lineage or ())
            for name in sorted(query.tables if query and doubtful else ()):
                self.snapshots.bind(name)
            counted = self.ws.engine.measure(table, list(doubtful.values()))
            left = {  # a count that failed shows nothing gone
                name: 1 if one.error else int(one.value)
                for name, one in zip(doubtful, counted, strict=True)
            }

            def act(uow: Uow) -> Made:
                found = grading.detect(
                    columns, measured, sampled, uow.rules, self.today, names=names
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
                    surviving=left,
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
        answers = standard.accountable(contract, self.project.model, self.today)
        accountable, steward = (
            ids.node("party", name) if name in self.project.parties else ""
            for name in (answers.owner, answers.steward)
        )
        made_from = {
            "contract": contract.origin.sha256,
            "found": self.snapshots.versions(needs),
            "owner": self.ws.entity,
            "answers": [accountable, steward],
            "cadence": self.plan.cadence(tables),
            **self._law(),
        }

        def act(uow: Uow) -> Made:
            resource = publish(
                uow,
                contract,
                owner=self.ws.entity,
                cadence=Cadence(self.plan.cadence(tables)),
                accountable=accountable,
                steward=steward,
            )
            return Made((resource.id,), rows=resource.rows)

        node = ids.node("resource", contract.id)
        self.stepper.step("publish", node, made_from, lambda: act, needs=needs, at=contract.origin)

    # Rights and products

    def claim(self, claim: Claim) -> None:
        """A claim rests, when derived, on claims over what its resource was made from."""
        contract = self.project.contracts.get(claim.resource)
        inputs = self.plan.inputs_of(contract) if contract else []
        beneath = [
            ids.node("claim", other.id)
            for other in self.project.claims.values()
            if other.resource in inputs
        ]
        needs = [
            ids.node("resource", claim.resource),
            *(beneath if claim.source == "derived" else ()),
        ]
        made_from = {
            "claim": claim.origin.sha256,
            "found": self.snapshots.versions(needs),
            **self._law(),
        }

        def act(uow: Uow) -> Made:
            return Made((claim_rights(uow, claim, inputs=inputs).id,))

        node = ids.node("claim", claim.id)
        self.stepper.step("rights", node, made_from, lambda: act, needs=needs, at=claim.origin)

    def register(self, entry: RegistrationPlan, claimed: Claim) -> None:
        """The application form as it can be filled now; the steps of the case are acts."""
        tables = self.project.contracts[claimed.resource].tables
        needs = [ids.node("claim", claimed.id), ids.node("resource", claimed.resource)]
        measured = [ids.node("profile", table.name) for table in tables]
        made_from = {
            "registration": entry.origin.sha256,
            "parties": self.project.files["parties.yaml"].sha256,
            "found": self.snapshots.versions([*needs, *measured]),
            **self._law(),
        }

        def act(uow: Uow) -> Made:
            kept, found = freeze(uow, entry)
            return Made((kept.id,), diagnostics=tuple(found))

        node = ids.node("registration", entry.id)
        self.stepper.step("register", node, made_from, lambda: act, needs=needs, at=entry.origin)

    def product(self, product: Product) -> None:
        written = product.query or product.sql
        query = sql.parse(written, path=product.origin.path) if written else None
        tables = [name for name in query.tables if name not in self.project.codes] if query else []
        own = [product.table] if product.table else []
        read: list[str] = list(dict.fromkeys(own + tables))
        resources = [self.plan.contract_of[t][0].id for t in read if t in self.plan.contract_of]
        needs = [ids.node("resource", name) for name in resources]
        needs += [ids.node("grade", table) for table in read]
        needs += [
            ids.node("claim", c.id) for c in self.project.claims.values() if c.resource in resources
        ]
        node = ids.node("product", product.id)
        made_from = {
            "product": product.origin.sha256,
            "query": written,
            "found": self.snapshots.versions(needs),
            **self._law(),
        }

        def work() -> Act:
            lineage = None
            if query is not None:
                lineage = sql.lineage(query, self.snapshots.schemas(query.tables))

            def act(uow: Uow) -> Made:
                made = make_product(
                    uow, product, provider=self.ws.entity, tables=tables, lineage=lineage
                )
                return Made((made.id, *made.plans))

            return act

        self.stepper.step("product", node, made_from, work, needs=needs, at=product.origin)

    # Deals: terms as they resolve now; signed ones get their keyed file

    def deal(self, deal: Deal) -> None:
        node = ids.node("deal", deal.id)
        product = ids.node("product", deal.product)
        policies = {self.project.products[deal.product].policy, deal.policy} - {""}
        made_from = {
            "deal": deal.origin.sha256,
            "product": self.snapshots.versions([product]),
            "policies": {name: self.project.policies[name].origin.sha256 for name in policies},
            "rights": {g.id: g.origin.sha256 for g in self.project.grants.values()},
            "parties": self.project.files["parties.yaml"].sha256,
            **self._law(),
        }

        def act(uow: Uow) -> Made:
            try:
                contract, found = agreed(self.ws, uow, deal)
            except Denied as error:  # a proposal that cannot be signed; nothing rests on it
                refused = replace(error.diagnostic, severity=Severity.WARNING)
                return Made((), diagnostics=(refused,))
            placed = [replace(d, path=deal.origin.path, line=deal.origin.line) for d in found]
            return Made((contract.id,), diagnostics=tuple(placed))

        self.stepper.step("deal", node, made_from, lambda: act, needs=[product], at=deal.origin)
        self.serve(deal, node)

    def serve(self, deal: Deal, node: str) -> None:
        """The keyed file of a deal that is in force or will be; its own acts, as `deal sign` does
        them.
        """
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            contract = uow.find(UsageContract, node)
            if contract is None or len(signatures(uow, contract)) < 2 or is_over(uow, contract):
                return
        table = self.project.products[deal.product].table
        made_from = {
            "terms": contract.hash,
            "snapshot": self.snapshots.manifest(table).id,
            "day": self.today.isoformat() if contract.terms.frequency else "",
        }

        def work() -> Act:
            serving = serve_file(self.ws, contract)
            return lambda uow: Made((serving.id,), rows=serving.rows)

        self.stepper.step(
            "serve",
            ids.node("serving", deal.id),
            made_from,
            work,
            usable=lambda: is_served(self.ws, contract),
            at=deal.origin,
        )

    # Capital: the books and what may be carried

    def capital(self) -> None:
        for entity in self.project.settings.entities:
            policy = self.project.policy.get(entity.id)
            for said in self.project.revenue.values():
                if said.entity == entity.id:
                    self.judge(said)
            cards = [card for card in self.project.assets.values() if card.entity == entity.id]
            vouchers, aside = counted(self.ws, entity)
            grants = any(s.entity == entity.id for s in self.project.subsidies.values())
            if policy is None or not (vouchers or cards or aside or grants):
                continue
            book = book_of(entity.id, entity.currency, entity.fiscal_year)
            self.book(book, vouchers, policy, aside)
            for card in cards:
                self.recognise(card, vouchers, policy, entity, book)
            for subsidy in self.project.subsidies.values():
                if subsidy.entity == entity.id:
                    self.subsidise(subsidy, vouchers, policy, book)
            self.costs(entity, vouchers, policy)
            self.ties(entity, vouchers, policy, book)

    def subsidise(
        self, said: Subsidy, vouchers: Sequence[Voucher], policy: AccountingPolicy, book: Book
    ) -> None:
        """A government grant, with the vouchers that it came by."""
        node = ids.node("subsidy", said.id)
        made_from = {
            "subsidy": said.origin.sha256,
            "policy": policy.origin.sha256,
            "vouchers": [[v.id, v.file] for v in vouchers],
            **self._law(),
        }

        def act(uow: Uow) -> Made:
            kept = freeze_grant(uow, said, vouchers)
            found = treat(said, vouchers, policy, None, self.today).diagnostics
            return Made((kept.id,), diagnostics=found)

        self.stepper.step("subsidy", node, made_from, lambda: act, needs=[book.id], at=said.origin)

    def judge(self, said: RevenueJudgement) -> None:
        """How finance judged the revenue of a product."""
        node = ids.node("revenue", said.product)
        made_from = {"judgement": said.origin.sha256, "rules": self.ws.rules.fingerprint}
        self.stepper.step(
            "revenue", node, made_from, lambda: lambda uow: Made((judge(uow, said).id,)),
            at=said.origin,
        )  # fmt: skip

    def book(
        self,
        book: Book,
        vouchers: Sequence[Voucher],
        policy: AccountingPolicy,
        aside: Sequence[Diagnostic],
    ) -> None:
        """The ERP's vouchers, mirrored into the entity's book as they are; those `aside` are told
        and wait.
        """
        made_from = {
            "vouchers": [[v.id, v.file] for v in vouchers],
            "book": asdict(book),
            "chart": charted(self.project, policy),
        } | ({"aside": [told.node for told in aside]} if aside else {})

        def act(uow: Uow) -> Made:
            book_in(uow, vouchers, policy, book)
            return Made((book.id,), rows=len(vouchers), diagnostics=tuple(aside))

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

    def costs(self, entity: Entity, vouchers: Sequence[Voucher], policy: AccountingPolicy) -> None:
        """What explains the vouchers of an entity, and its shared cost divided."""
        papers = self.project.papers.get(entity.id, ())
        plans = plans_of(self.project, entity.id)
        node = ids.node("cost", entity.id)
        if not (papers or plans or self.stepper.did("cost", node)):
            return
        folders = ("timesheets/", "bills/", "allocations/")
        files = self.project.files.items()
        made_from = {
            "rows": {p: o.sha256 for p, o in files if any(f"/{f}" in p for f in folders)},
            "vouchers": [[v.id, v.file] for v in vouchers],
            "chart": charted(self.project, policy),
            "counted": what_was_counted(self.ws, plans.values(), self.today),
        }

        def act(uow: Uow) -> Made:
            done, made = collected(self.ws, uow, entity)
            keep_allocations(uow, done.allocations)
            keep_costs(uow, made.costs)
            nodes = [one.id for one in (*made.costs, *done.allocations)]
            found = tuple(done.diagnostics + made.diagnostics)
            return Made(tuple(nodes), rows=len(papers), diagnostics=found)

        self.stepper.step("cost", node, made_from, lambda: act)

    def ties(
        self, entity: Entity, vouchers: Sequence[Voucher], policy: AccountingPolicy, book: Book
    ) -> None:
        """The entity book against the ledger's trial balances."""
        trials = self.project.trials.get(entity.id, ())
        if not trials:
            return
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            closings = [closing.id for closing in uow.all(Closing)]
        made_from = {
            "trials": {trial.id: trial.file for trial in trials},
            "vouchers": [[v.id, v.file] for v in vouchers],
            "closings": closings,
            "chart": charted(self.project, policy),
        }

        def act(uow: Uow) -> Made:
            tied = tied_out(uow, self.project, entity)
            return Made(tuple(one.id for one in tied.tieouts), diagnostics=tuple(tied.diagnostics))

        node = ids.node("tieout", entity.id)
        self.stepper.step("tie-out", node, made_from, lambda: act, needs=[book.id])


def _member(name: str, part: str) -> str:
    return f"{name}!{part}" if part else name


def _at_file(found: Diagnostic, places: Mapping[str, str], node: str = "") -> Diagnostic:
    """What was said of a raw file, at its place."""
    file = str(found.facts.get("file", ""))
    archive = file.partition("!")[0]
    place = places.get(file) or next(
        (where for name, where in places.items() if name.partition("!")[0] == archive), None
    )
    if place is None:
        return found
    return replace(found, path=place, line=found.line or 1, node=found.node or node)


def _never() -> Act:
    raise AssertionError("a blocked step was done")


def _engine_version() -> str:
    from importlib.metadata import version

    return f"duckdb {version('duckdb')}"
