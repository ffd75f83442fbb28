"""The static compile behind `sanhua check`: what the files say of each other, by the rules in
force. No data is read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches
from math import ceil
from pathlib import PurePosixPath
from typing import Any

from sqlglot.expressions import CTE, AggFunc, Column, Lambda, Star, Subquery

from sanhua import sql
from sanhua.asset.contract import MASKS
from sanhua.asset.form import PROPERTY_RIGHT, RegistrationPlan, wrong
from sanhua.asset.policy import Deal, UsagePolicy
from sanhua.asset.price import Plan, check_plan
from sanhua.asset.product import Form, Product
from sanhua.asset.rights import Claim, Grant, Right, given_by, grant_chain, inherited
from sanhua.capital.recognise import AssetCard, Route, elsewhere
from sanhua.capital.voucher import ROLES, role_of
from sanhua.kernel.errors import Citation, Diagnostic, RuleGap, SanhuaError, Severity
from sanhua.kernel.ids import key_of, node
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Rules
from sanhua.kernel.text import Text
from sanhua.project.costing import check_costing, pools_of
from sanhua.project.earning import check_earning
from sanhua.project.grouping import check_acquired
from sanhua.project.model import Project
from sanhua.project.read import nearest_or_some
from sanhua.project.recognition import recognition_faults
from sanhua.project.vouchers import voucher_faults
from sanhua.resource.arrival import has_periods, name_pattern, reads_period_column
from sanhua.resource.collect import (
    Api,
    Database,
    Documents,
    Inbox,
    Source,
    canonical_type,
)
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.grade import Grade
from sanhua.resource.quality import query_of
from sanhua.resource.standard import (
    CodeList,
    Indicator,
    System,
    accountable,
    column_conflicts,
    conflicts,
    one_source,
)
from sanhua.rules import identifiers

PURPOSES = "purposes"
EXCHANGES = ("own",)  # a listing on another exchange wants a plugin that knows what it asks
MEASURES = ("quality", "usage", "revenue", "rights")  # of a covenant
UNITS = ("call", "row", "mb", "field", "compute_second")
HUNDRED = Decimal(100)
FEN_OFF_MAX = Decimal("0.01")  # an appraisal rounded otherwise than half up


def check(project: Project, rules: Rules, on: date) -> list[Diagnostic]:
    """Everything wrong with the project, by path and line: what reading found and what compiling
    finds.

    `on` is the legal day whose rules apply.
    """
    compiling = _Check(project, rules, on)
    compiling.walk()
    told = {_key(item): item for item in (*project.diagnostics, *compiling.found)}
    return sorted(told.values(), key=lambda item: (item.path, item.line, item.column, item.code))


def _key(item: Diagnostic) -> tuple[Any, ...]:
    return item.code, item.path, item.line, item.column, repr(sorted(item.facts.items()))


def systems(project: Project) -> dict[str, System]:
    """Each raw table as a system: its source and who hands it over, by default the entity."""
    default = project.settings.entities[0].id if project.settings.entities else ""
    return {
        table: System(source.id, source.supplier or default)
        for source in project.sources.values()
        for table in source.tables or (source.id,)
    }


class _Check:
    def __init__(self, project: Project, rules: Rules, on: date) -> None:
        self.project, self.rules, self.on = project, rules, on
        self.found: list[Diagnostic] = []
        self.unread = {
            PurePosixPath(item.path).name.partition(".")[0]
            for item in project.diagnostics
            if item.severity is Severity.ERROR
        }
        self.tables: dict[str, tuple[DataContract, TableSchema]] = {}
        self.raw = self._raw_tables()
        self.made: dict[
            str, tuple[str, ...]
        ] = {}  # sql table → the columns it makes, where they are known
        self.schemas: dict[str, dict[str, str]] = {}  # table → column → type, where they are known
        self.purposes = project.codes.get(PURPOSES)

    def walk(self) -> None:
        for part in (
            self._parties,
            self._sources,
            self._standards,
            self._contracts,
            self._sql,
            self._model,
            self._claims,
            self._grants,
            self._consents,
            self._policies,
            self._products,
            self._deals,
            self._books,
            self._appraisals,
            self._financings,
        ):
            part()

    # What is said, and where

    def say(
        self,
        code: str,
        at: Origin,
        of: str = "",
        /,
        *,
        severity: Severity = Severity.ERROR,
        rule: Citation | None = None,
        **facts: Any,
    ) -> None:
        self.found.append(Diagnostic(severity, code, at.path, at.line, 0, of, rule, facts))

    def warn(self, code: str, at: Origin, of: str = "", /, **facts: Any) -> None:
        self.say(code, at, of, severity=Severity.WARNING, **facts)

    def at(self, of: str, *path: str) -> Origin:
        """Where a key of a thing stands; the thing itself when the key is not written."""
        for length in range(len(path), -1, -1):
            found = self.project.places.get("/".join((of, *path[:length])))
            if found is not None:
                return found
        kind, _, key = of.partition(":")
        kept: dict[str, Mapping[str, Any]] = {
            "claim": self.project.claims,
            "grant": self.project.grants,
            "product": self.project.products,
            "policy": self.project.policies,
            "deal": self.project.deals,
            "asset": self.project.assets,
            "source": self.project.sources,
            "contract": self.project.contracts,
            "element": self.project.elements,
            "registration": self.project.registrations,
        }
        thing = kept.get(kind, {}).get(key)
        return thing.origin if thing is not None else Origin("sanhua.yaml", 1)

    def ref(self, kind: str, value: str, known: Iterable[str], at: Origin, of: str) -> bool:
        """Whether `value` is known; a dangling reference is told with the nearest id, unless what
        it names could not be read: that has its own error.
        """
        if value in (known if isinstance(known, (dict, set, frozenset)) else set(known)):
            return True
        if value in self.unread or self.project.unread & {f"{kind}:{value}", f"{kind}:*"}:
            return False
        self.say(f"ref.{kind}", at, of, value=value, nearest=nearest_or_some(value, known))
        return False

    def party(self, value: str, of: str, *path: str, role: str = "") -> bool:
        if not value:
            return False
        if not self.ref("party", value, self.project.parties, self.at(of, *path), of):
            return False
        if role and role not in self.project.parties[value].roles:
            self.warn("party.role", self.at(of, *path), of, party=value, role=role)
        return True

    def purpose(self, value: str, of: str, *path: str) -> bool:
        if self.purposes is None or PURPOSES in self.unread:
            return True
        return self.ref("purpose", value, self.purposes.codes(), self.at(of, *path), of)

    # Parties and entities

    def _parties(self) -> None:
        project = self.project
        wanted = {claim.party for claim in project.claims.values()}
        wanted |= {grant.to for grant in project.grants.values()}
        wanted |= {deal.consumer for deal in project.deals.values()}
        if project.deals or project.claims or project.products:
            wanted |= {entity.id for entity in project.settings.entities}
        for entity in project.settings.entities:
            of = node("entity", entity.id)
            self.ref("party", entity.id, project.parties, self.at(of), of)
            if entity.parent:
                self.ref("party", entity.parent, project.parties, self.at(of, "parent"), of)
                if _above_itself(entity.id, {e.id: e.parent for e in project.settings.entities}):
                    at = self.at(of, "parent")
                    self.say("entity.parent-cycle", at, of, entity=entity.id)
        numbers: dict[str, str] = {}
        for key, party in project.parties.items():
            of = party.id
            if party.person:
                if party.of:
                    self.ref("party", key_of(party.of), project.parties, self.at(of, "of"), of)
                else:
                    self.warn("party.person-of", self.at(of), of, party=key)
                if party.uscc:
                    self.say("party.identity-number", self.at(of, "uscc"), of, party=key)
            elif party.uscc:
                other = numbers.setdefault(party.uscc, key)
                if other != key:
                    at = self.at(of, "uscc")
                    self.say("party.same-uscc", at, of, party=key, other=other, value=party.uscc)
                try:
                    if not identifiers.valid("uscc", party.uscc, self.rules, self.on):
                        self.warn(
                            "party.uscc-wrong", self.at(of, "uscc"), of, party=key, value=party.uscc
                        )
                except RuleGap as gap:
                    self.found.append(gap.diagnostic)
            elif key in wanted:
                self.warn("party.uscc-missing", self.at(of), of, party=key)

    # Sources, standards, contracts

    def _raw_tables(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in self.project.sources.values():
            found |= dict.fromkeys(source.tables or (source.id,), source.id)
        return found

    def _sources(self) -> None:
        makers: dict[str, str] = {}
        for source in self.project.sources.values():
            of = node("source", source.id)
            self.party(source.supplier, of, "supplier")
            for table in source.tables or (source.id,):
                self._makes(makers, table, source.origin, of)
            self._period(source, of)
            self._fetched(source, of)
        for file in self.project.sql.values():
            self._makes(makers, file.id, file.origin, node("table", file.id))
        for codes in self.project.codes.values():
            self._makes(makers, codes.id, codes.origin, node("codes", codes.id))

    def _period(self, source: Source, of: str) -> None:
        """A pattern of the name, or a dated column; with a cadence that has periods."""
        if not source.period:
            for key in ("stamped", "since"):
                if f"{of}/{key}" in self.project.places:
                    self.say("source.needs-key", self.at(of, key), of, key=key, other="period")
            return
        at = self.at(of, "period")
        if not has_periods(source.cadence):
            self.say("period.no-cadence", at, of, cadence=source.cadence.value)
            return
        try:
            pattern = name_pattern(source.period)
        except SanhuaError as error:
            self.say(error.code, at, of, **error.diagnostic.facts)
            return
        if pattern is not None:
            wanted = {"5min": "mm", "hour": "HH", "day": "dd", "week": "dd", "month": "MM"}
            lacking = wanted.get(source.cadence.value, "yyyy")
            if lacking not in pattern.groupindex:
                self.say("period.too-coarse", at, of, pattern=source.period, letters=lacking)
            return
        name = reads_period_column(source)
        for table in source.tables or (source.id,):
            schema = next(
                (t for c in self.project.contracts.values() for t in c.tables if t.name == table),
                None,
            )
            prop = next((p for p in schema.properties if p.name == name), None) if schema else None
            if schema is not None and prop is None:
                known = [p.name for p in schema.properties]
                near = nearest_or_some(name, known)
                self.say("period.no-column", at, of, field=name, table=table, nearest=near)
            elif prop is not None and canonical_type(
                prop, self.project.elements.get(prop.element)
            ) not in ("DATE", "TIMESTAMP"):
                self.say("period.not-dated", at, of, field=name, table=table)
            break

    def _fetched(self, source: Source, of: str) -> None:
        """Keys that belong to another way of coming, and those that each way needs."""
        form = source.fetched
        allowed = {
            Database: ("table", "query", "cursor", "overlap", "limits"),
            Api: ("pages", "headers", "each", "hosts", "limits"),
        }.get(type(form), ())
        for key in ("table", "query", "cursor", "overlap", "pages", "headers", "each", "hosts",
                    "limits"):  # fmt: skip
            if f"{of}/{key}" in self.project.places and key not in allowed:
                here = {Inbox: "inbox", Api: "url", Database: "database"}.get(type(form), "files")
                if isinstance(form, Documents):
                    here = "documents"
                self.say("source.wrong-key", self.at(of, key), of, key=key, other=here)
        if isinstance(form, Database):
            self._database(form, of)
        if isinstance(form, Api):
            self._api(source, form, of)
        if isinstance(form, Database | Api | Documents) and source.period:
            self.say("source.wrong-key", self.at(of, "period"), of, key="period", other="a fetch")

    def _database(self, form: Database, of: str) -> None:
        if bool(form.table) == bool(form.query):
            at = self.at(of, "query" if form.query else "database")
            given = "table, query" if form.table else "–"
            self.say("format.exactly-one", at, of, keys="table, query", given=given)
        if f"{of}/overlap" in self.project.places and not form.cursor:
            at = self.at(of, "overlap")
            self.say("source.needs-key", at, of, key="overlap", other="cursor")

    def _api(self, source: Source, form: Api, of: str) -> None:
        scheme, _, rest = form.url.partition("://")
        if not form.url.startswith("${") and (scheme not in ("http", "https") or not rest):
            self.say("api.scheme", self.at(of, "url"), of, scheme=scheme[:20])
        if form.pages.by == "cursor" and not form.pages.at:
            at = self.at(of, "pages")
            self.say("source.needs-key", at, of, key="pages: {by: cursor}", other="at")
        if form.pages.by == "offset" and not form.pages.size:
            at = self.at(of, "pages")
            self.say("source.needs-key", at, of, key="pages: {by: offset}", other="size")

    def _makes(self, makers: dict[str, str], table: str, origin: Origin, of: str) -> None:
        if table in makers:
            self.say("contract.table-twice", origin, of, table=table, other=makers[table])
        else:
            makers[table] = origin.path

    def _standards(self) -> None:
        self.found += conflicts(self.project.elements)
        for element in self.project.elements.values():
            of = node("element", element.id)
            if element.codes:
                self.ref("codes", element.codes, self.project.codes, self.at(of, "codes"), of)
            self.party(element.authority, of, "authority")
            self._status(element.status, of)
            self._version(element.version, of)
        for codes in self.project.codes.values():
            self._code_list(codes)
        for term in self.project.terms.values():
            of = node("term", term.id)
            self._status(term.status, of)
            for element in term.elements:
                at = self.at(of, "elements", element)
                self.ref("element", element, self.project.elements, at, of)
        contracts = self.project.contracts.values()
        self.found += column_conflicts(contracts, self.project.elements, self.project.codes)
        self.found += one_source(contracts, self.project.elements, systems(self.project))
        self._accountable()
        named = [policy.purposes for policy in self.project.policies.values()]
        if self.purposes is None and any(named) and PURPOSES not in self.unread:
            first = next(policy for policy in self.project.policies.values() if policy.purposes)
            self.warn(
                "standard.no-purposes", self.at(node("policy", first.id), "permit", "purposes")
            )

    def _status(self, status: str, of: str) -> None:
        """A word for where a standard is in its life, by id or in Chinese."""
        known = self._asked("gbt_18391", "statuses") if status else None
        if known is None or status in known or status in known.values():
            return
        words = {*known, *known.values()}
        near = nearest_or_some(status, words)
        self.warn("standard.unknown-status", self.at(of, "status"), of, value=status, nearest=near)

    def _version(self, version: str, of: str) -> None:
        form = self._asked("gbt_18391", "version_form") if version else None
        if form is not None and not re.fullmatch(form, version):
            self.warn("standard.version-form", self.at(of, "version"), of, value=version)

    def _asked(self, instrument: str, name: str) -> Any:
        """A rule's value, None where no rule says."""
        try:
            return self.rules.ask(instrument, name, on=self.on).value
        except RuleGap:
            return None

    def _code_list(self, codes: CodeList) -> None:
        """The party that keeps it; of a mapping the two lists and the codes that it names."""
        of = node("codes", codes.id)
        self.party(codes.authority, of, "authority")
        self._status(codes.status, of)
        if codes.maps is None:
            return
        left, right = codes.maps
        lists = [self.project.codes.get(name) for name in (left, right)]
        if not right or None in lists:
            self.warn("standard.mapping-name", codes.origin, of, codes=codes.id)
            return
        for at, known in zip(("code", "to_code"), lists, strict=True):
            assert known is not None
            held = {row[codes.columns.index(at)] for row in codes.rows}
            strange = sorted(held - known.codes())
            if strange:
                listed = ", ".join(strange[:5])
                names: dict[str, Any] = {"mapping": codes.id, "codes": known.id}
                self.say("standard.maps-unknown", codes.origin, of, values=listed, **names)

    def _accountable(self) -> None:
        """Owner and steward of every resource, told once somebody is named at all."""
        project = self.project
        for entity in project.model.values():
            of = node("entity", f"model/{entity.id}")
            for name in {entity.owner, entity.steward} - {""}:
                self.ref("party", name, project.parties, self._or(of, entity.origin), of)
        for contract in project.contracts.values():
            for member in contract.team:
                if member.duty and member.username not in project.parties:
                    of = node("contract", contract.id)
                    near = nearest_or_some(member.username, project.parties)
                    facts = {"value": member.username, "nearest": near, "role": member.role}
                    self.warn("standard.team-no-party", member.origin, of, **facts)
        found = [accountable(c, project.model, self.on) for c in project.contracts.values()]
        if not any(one.owner or one.steward for one in found):
            return
        for one in found:
            contract = project.contracts[one.resource]
            of = node("contract", one.resource)
            if not one.owner:
                self.warn("standard.no-owner", contract.origin, of, resource=one.resource)
            if not one.steward:
                self.warn("standard.no-steward", contract.origin, of, resource=one.resource)

    def _contracts(self) -> None:
        makers = {*self.raw, *self.project.sql}
        for contract in self.project.contracts.values():
            of = node("contract", contract.id)
            for table in contract.tables:
                if table.name in self.tables:
                    other = self.tables[table.name][0].origin.path
                    self.say(
                        "contract.table-twice", table.origin, of, table=table.name, other=other
                    )
                    continue
                self.tables[table.name] = (contract, table)
                self.ref("table", table.name, makers, table.origin, of)
        columns = {
            name: {prop.name for prop in table.properties}
            for name, (_, table) in self.tables.items()
        }
        for name, (contract, table) in self.tables.items():
            for prop in table.properties:
                self._property(prop, contract, name, columns)
        for contract in self.project.contracts.values():
            of = node("contract", contract.id)
            for key, value, extra in (
                ("shareClass", contract.share_class, ("shareBasis", contract.share_basis)),
                ("openClass", contract.open_class, ("openConditions", contract.open_conditions)),
            ):
                if value in ("conditional", "none") and not (extra[1] or contract.share_basis):
                    at = self.at(of, "customProperties")
                    self.warn(
                        "contract.open-conditions", at, of, key=key, value=value, wanted=extra[0]
                    )
        for table, source in self.raw.items():
            if (
                table not in self.tables
                and table not in self.unread
                and not isinstance(self.project.sources[source].fetched, Documents)
            ):
                origin = self.project.sources[source].origin
                self.say(
                    "source.no-contract",
                    origin,
                    node("source", source),
                    severity=Severity.NOTE,
                    table=table,
                )

    def _property(
        self, prop: Property, contract: DataContract, table: str, columns: Mapping[str, set[str]]
    ) -> None:
        of = f"col:{table}.{prop.name}"
        if prop.element:
            self.ref("element", prop.element, self.project.elements, prop.origin, of)
        for reference in prop.references:
            path = reference.removeprefix("schema/").replace("/properties/", ".").split("/")[-1]
            target, _, column = path.rpartition(".")
            target = target.rpartition(".")[2] or table
            codes = self.project.codes.get(target)
            if codes is not None:
                self.ref("column", column, codes.columns, prop.origin, of)
            elif self.ref(
                "table", target, {*columns, *self.raw, *self.project.sql}, prop.origin, of
            ):
                if target in columns:
                    self.ref("column", column, columns[target], prop.origin, of)

    # SQL

    def _sql(self) -> None:
        queries: dict[str, Any] = {}
        for file in self.project.sql.values():
            try:
                queries[file.id] = sql.parse(file.text, path=file.origin.path)
            except SanhuaError as failure:
                self.take(failure, file.origin)
        known = {*self.raw, *self.project.codes, *self.project.sql}
        sound = dict(queries)
        order: list[str] = []
        while sound:
            try:
                order = [name for name in sql.order(sound, {*known} - {*sound}) if name in sound]
                break
            except SanhuaError as failure:
                self.take(failure, Origin("sql"))
                told = failure.diagnostic.path
                guilty = [name for name in sound if self.project.sql[name].origin.path == told]
                if not guilty:
                    break
                del sound[guilty[0]]
        schemas = self.schemas
        for name, (_, table) in self.tables.items():
            if name in self.raw:
                schemas[name] = {
                    prop.name: canonical_type(prop, self.project.elements.get(prop.element))
                    for prop in table.properties
                }
        for codes in self.project.codes.values():
            schemas[codes.id] = dict.fromkeys(codes.columns, "VARCHAR")
        for name in order:
            self._query(name, sound[name], schemas)
        for contract, table in self.tables.values():
            self._rules_of(contract, table, {*known, *self.tables})

    def _query(self, name: str, query: Any, schemas: dict[str, dict[str, str]]) -> None:
        origin = self.project.sql[name].origin
        unread = [table for table in query.tables if table not in schemas]
        listed = self.tables.get(name)
        of = node("table", name)
        self._repeats(query, origin, of, own_file=True)
        if not unread:
            try:
                made = tuple(sql.output_names(query, schemas))
            except SanhuaError as failure:
                self.take(failure, origin)
                made = ()
            if made:
                self.made[name] = made
                types = {
                    prop.name: canonical_type(prop, self.project.elements.get(prop.element))
                    for prop in (listed[1].properties if listed else ())
                }
                schemas[name] = {column: types.get(column, "VARCHAR") for column in made}
        if listed is None or name not in self.made:
            if listed is not None:
                schemas.setdefault(name, {prop.name: "VARCHAR" for prop in listed[1].properties})
            return
        makes = {column.casefold(): column for column in self.made[name]}
        for prop in listed[1].properties:
            if prop.name.casefold() not in makes:
                near = nearest_or_some(prop.name, self.made[name])
                self.say(
                    "contract.unknown-column",
                    prop.origin,
                    f"col:{name}.{prop.name}",
                    value=prop.name,
                    nearest=near,
                )
        said = {prop.name.casefold() for prop in listed[1].properties}
        for column in self.made[name]:
            if column.casefold() not in said:
                at = listed[1].origin
                self.say("contract.unlisted-column", at, of, severity=Severity.NOTE, value=column)

    def _rules_of(self, contract: DataContract, table: TableSchema, known: set[str]) -> None:
        """The tables that quality rules and reconciliations read exist, and their columns."""
        of = node("contract", contract.id)
        for rule in (*table.quality, *(rule for prop in table.properties for rule in prop.quality)):
            if rule.type != "sql":
                continue
            query = self._reads(query_of(rule, table.name), rule.origin, of, known)
            if query is not None and len(query.tree.selects) != 1:
                self.say("engine.not-one-value", rule.origin, of, expression=rule.query)
        for one in table.reconciles:
            if not self.ref("table", one.other, known, one.origin, of):
                continue
            columns = self.schemas.get(one.other)
            for theirs in [other for _, other in (*one.match, *one.compare)]:
                if columns is not None and theirs not in columns:
                    near = nearest_or_some(theirs, columns)
                    value = f"{one.other}.{theirs}"
                    self.say("ref.column", one.origin, of, value=value, nearest=near)

    def _reads(
        self, text: str, at: Origin, of: str, known: Iterable[str], *, own_file: bool = False
    ) -> sql.Query | None:
        """A query apart from `sql/`, if it parses and the tables and columns that it reads exist.

        In a file of its own its lines are the file's; elsewhere faults are told where it stands.
        """
        try:
            query = sql.parse(text, path=at.path, first_line=at.line)
            unknown = [
                table for table in query.tables if not self.ref("table", table, known, at, of)
            ]
            if not unknown and not self._plainly_reads(query):
                sql.check_columns(query, {table: self.schemas.get(table) for table in query.tables})
            self._repeats(query, at, of, own_file=own_file)
            return query
        except SanhuaError as failure:
            self.take(failure, at, keep_line=own_file)
            return None

    def _repeats(self, query: sql.Query, at: Origin, of: str, *, own_file: bool) -> None:
        for code, what, line in sql.unrepeatable(query, self.schemas):
            self.warn(code, Origin(at.path, line) if own_file else at, of, what=what)

    def _plainly_reads(self, query: sql.Query) -> bool:
        """Whether a query of one table surely reads only columns of that table; most do."""
        if len(query.tables) != 1 or query.tree.find(Subquery, CTE, Lambda):
            return False
        columns = {column.casefold() for column in self.schemas.get(query.tables[0], ())}
        return all(
            column.name.casefold() in columns and not column.table
            for column in query.tree.find_all(Column)
        ) and not any(any(star.args.values()) for star in query.tree.find_all(Star))

    def take(self, failure: SanhuaError, at: Origin, *, keep_line: bool = True) -> None:
        told = failure.diagnostic
        keep_line = keep_line and bool(told.line)
        line, column = (told.line, told.column) if keep_line else (at.line, 0)
        self.found.append(
            Diagnostic(
                told.severity,
                told.code,
                told.path or at.path,
                line,
                column,
                told.node,
                told.rule,
                told.facts,
            )
        )

    def _model(self) -> None:
        tables = {*self.raw, *self.project.sql, *self.tables}
        for entity in self.project.model.values():
            of = node("entity", f"model/{entity.id}")
            if entity.table:
                self.ref("table", entity.table, tables, self._or(of, entity.origin, "table"), of)
            for attribute, element in (entity.attributes or {}).items():
                if element:
                    at = self._or(of, entity.origin, "attributes", attribute)
                    self.ref("element", element, self.project.elements, at, of)
        for indicator in self.project.indicators.values():
            of = node("indicator", indicator.id)
            at = self._or(of, indicator.origin, "table")
            if self.ref("table", indicator.table, {*tables, *self.project.codes}, at, of):
                self._indicator(indicator, of)

    def _or(self, of: str, origin: Origin, *path: str) -> Origin:
        return self.project.places.get("/".join((of, *path)), origin)

    def _indicator(self, indicator: Indicator, of: str) -> None:
        """One aggregate over columns that the table has, by columns that it has."""
        at = self._or(of, indicator.origin, "formula")
        terms = ", ".join([indicator.formula, *indicator.by])
        tables = {*self.raw, *self.project.sql, *self.tables, *self.project.codes}
        query = self._reads(f"SELECT {terms} FROM {indicator.table}", at, of, tables)
        if query is not None and not any(query.tree.selects[0].find_all(AggFunc)):
            self.warn("standard.not-an-aggregate", at, of, indicator=indicator.id)

    # Rights

    def _claims(self) -> None:
        resources = self.project.contracts
        for claim in self.project.claims.values():
            of = node("claim", claim.id)
            self.ref("resource", claim.resource, resources, self.at(of, "resource"), of)
            self.party(claim.party, of, "party")
            for other in claim.co_holders:
                self.party(other, of, "with", other)
            self._source(claim, of)
        for plan in self.project.registrations.values():
            of = node("registration", plan.id)
            if plan.claim:
                self.ref("claim", plan.claim, self.project.claims, self.at(of, "claim"), of)
            self.party(plan.registrar, of, "registrar", role="registrar")
            self.party(plan.given.get("contact", ""), of, "contact")
            if plan.kind == PROPERTY_RIGHT:
                self._registration(plan, of)

    def _registration(self, plan: RegistrationPlan, of: str) -> None:
        """What the form does not take; nothing where no rule says."""
        if not plan.claim:
            self.say("registration.no-claim", self.at(of), of, registration=plan.id)
        try:
            for key, error in wrong(plan, self.rules, self.on):
                at = self.at(of, key)
                self.found.append(replace(error.diagnostic, path=at.path, line=at.line))
        except RuleGap:
            return

    def given(self, claim: Claim) -> frozenset[Right]:
        """The rights that a claim holds outright, empty where no rule says."""
        try:
            given = given_by(
                claim.source, self.rules.ask("nda_2026_35", "rights_by_source", on=self.on)
            )
        except RuleGap:
            return frozenset()
        if given is None:
            return frozenset()
        return given.rights if claim.rights is None else claim.rights & given.rights

    def _source(self, claim: Claim, of: str) -> None:
        at = self.at(of, "source")
        try:
            rule = self.rules.ask("nda_2026_35", "rights_by_source", on=self.on)
        except RuleGap:
            self.say("rights.source-unruled", at, of, severity=Severity.WARNING, claim=claim.id)
            return
        given = given_by(claim.source, rule)
        if given is None:
            known = ", ".join(rule.value)
            self.say(
                "rights.unknown-source", at, of, claim=claim.id, source=claim.source, known=known
            )
            return
        if not given.rights and not given.consent_needed:
            self.say(
                "rights.none-from-entrusted",
                at,
                of,
                rule=rule.citation,
                claim=claim.id,
                source=claim.source,
            )
            return
        asked = claim.rights or frozenset()
        exceeding = asked - given.rights - given.consent_needed
        conditional = {right for right in exceeding if right.value in given.conditions}
        if exceeding:
            self.say(
                "rights.exceeds-source",
                self.at(of, "rights"),
                of,
                rule=rule.citation,
                claim=claim.id,
                source=claim.source,
                exceeding=_words(exceeding),
                given=_words(given.rights),
                conditions=_words(conditional),
            )
        if consent := asked & given.consent_needed:
            self.say(
                "rights.needs-consent",
                self.at(of, "rights"),
                of,
                severity=Severity.WARNING,
                rule=rule.citation,
                claim=claim.id,
                source=claim.source,
                rights=_words(consent),
            )

    def _grants(self) -> None:
        grants = self.project.grants
        for grant in grants.values():
            of = node("grant", grant.id)
            self.party(grant.to, of, "to")
            for purpose in grant.purposes:
                self.purpose(purpose, of, "purposes", purpose)
            if grant.scenario:
                self.purpose(grant.scenario, of, "scenario")
            if grant.claim and self.ref(
                "claim", grant.claim, self.project.claims, self.at(of, "claim"), of
            ):
                claim = self.project.claims[grant.claim]
                if Right.OPERATE not in self.given(claim) and self.given(claim):
                    self.say(
                        "rights.grant-no-operate",
                        self.at(of, "claim"),
                        of,
                        grant=grant.id,
                        claim=claim.id,
                    )
                for key, value, wide in (
                    (
                        "from",
                        grant.starts_on,
                        grant.starts_on and claim.starts_on and grant.starts_on < claim.starts_on,
                    ),
                    (
                        "through",
                        grant.ends_on,
                        grant.ends_on and claim.ends_on and grant.ends_on > claim.ends_on,
                    ),
                ):
                    if wide and value:
                        self._wider(of, grant.id, key, _day_text(key, value), f"claim:{claim.id}")
            if grant.parent:
                self.ref("grant", grant.parent, grants, self.at(of, "parent"), of)
            for reviewer in grant.reviewers:
                known_roles = {
                    role for party in self.project.parties.values() for role in party.roles
                }
                unread = any(thing.startswith("party:") for thing in self.project.unread)
                known = {*known_roles, *self.project.parties}
                if reviewer not in known and not unread:
                    at = self.at(of, "reviewers", reviewer)
                    self.say(
                        "ref.role", at, of, value=reviewer, nearest=nearest_or_some(reviewer, known)
                    )
            chain = grant_chain(grants, grant)
            if chain is None:
                self.say("rights.grant-cycle", self.at(of, "parent"), of, grant=grant.id)
                continue
            if grant.parent in grants:
                self._narrows(grant, inherited(grants, grants[grant.parent]), grants[grant.parent])
            root = chain[-1]
            claim = self.project.claims.get(root.claim)
            contract = self.project.contracts.get(claim.resource) if claim else None
            if contract is not None and grant.fields:
                columns = _fields(contract)
                for name in grant.fields:
                    self.ref("column", name, columns, self.at(of, "fields", name), of)

    def _wider(self, of: str, grant: str, key: str, value: str, parent: str) -> None:
        at = self.at(of, key, value)
        self.say(
            "rights.wider-than-parent", at, of, grant=grant, key=key, value=value, parent=parent
        )

    def _narrows(self, child: Grant, above: Grant, parent: Grant) -> None:
        of = node("grant", child.id)
        if not parent.onward:
            self.say(
                "rights.not-onward", self.at(of, "parent"), of, grant=child.id, parent=parent.id
            )
        if above.fields:
            for name in child.fields:
                if name not in above.fields:
                    self._wider(of, child.id, "fields", name, parent.id)
        for purpose in child.purposes:
            if not self._covered(purpose, above.purposes):
                self._wider(of, child.id, "purposes", purpose, parent.id)
        if (
            child.scenario
            and above.scenario
            and not self._covered(child.scenario, (above.scenario,))
        ):
            self._wider(of, child.id, "scenario", child.scenario, parent.id)
        if child.starts_on and above.starts_on and child.starts_on < above.starts_on:
            self._wider(of, child.id, "from", child.starts_on.isoformat(), parent.id)
        if child.ends_on and above.ends_on and child.ends_on > above.ends_on:
            self._wider(of, child.id, "through", _day_text("through", child.ends_on), parent.id)
        order = ("scenario", "domain", "whole")
        if child.mode and above.mode and order.index(child.mode) > order.index(above.mode):
            self._wider(of, child.id, "mode", child.mode.value, parent.id)
        if child.volume and above.volume and _per_day(child.volume) > _per_day(above.volume):
            self._wider(of, child.id, "volume", child.volume, parent.id)

    def _covered(self, purpose: str, allowed: Iterable[str]) -> bool:
        """Whether one of `allowed` covers it, as far as the codes could be read."""
        return PURPOSES in self.unread or any(
            _covers(self.purposes, wide, purpose) for wide in allowed
        )

    def _consents(self) -> None:
        """What the consents to import speak of is there."""
        project = self.project
        for key, (at, said) in project.consents.items():
            of = f"consent:{key}"
            if "withdraws" in said:
                self.ref("consent", said["withdraws"], project.consents, at, of)
            if "controller" in said:
                self.ref("party", said["controller"], project.parties, at, of)
            for purpose in said.get("purposes", ()):
                if self.purposes is not None and PURPOSES not in self.unread:
                    self.ref("purpose", purpose, self.purposes.codes(), at, of)
            product = project.products.get(said.get("product", ""))
            if product is not None:
                offered = product.offer or self.columns_of(product)
                for name in said.get("fields", ()) if offered else ():
                    self.ref("column", name, offered, at, of)
            elif "product" in said:
                self.ref("product", said["product"], project.products, at, of)

    # Policies, products, deals

    def _policies(self) -> None:
        for policy in self.project.policies.values():
            of = node("policy", policy.id)
            for purpose in policy.purposes:
                self.purpose(purpose, of, "permit", "purposes", purpose)
            for action in policy.forbid:
                if action in policy.actions:
                    self.say(
                        "policy.permit-and-forbid", self.at(of, "forbid", action), of, action=action
                    )
            for recipient in policy.permit.get("recipients", "").split():
                self.party(recipient, of, "permit", "recipients", recipient)

    def columns_of(self, product: Product) -> tuple[str, ...]:
        """What the product may offer: the columns of its table's contract."""
        listed = self.tables.get(product.table)
        return tuple(prop.name for prop in listed[1].properties) if listed else ()

    def _products(self) -> None:
        for product in self.project.products.values():
            of = node("product", product.id)
            self.ref("policy", product.policy, self.project.policies, self.at(of, "policy"), of)
            self._made_of(product, of)
            columns = self.columns_of(product)
            if columns:
                for name in product.offer:
                    self.ref("column", name, columns, self.at(of, "offer", name), of)
                asked = {*columns, *product.parameters}
                for key in product.delivery.get("api", {}).get("key", "").split():
                    self.ref("column", key, asked, self.at(of, "delivery", "api", "key", key), of)
            for name, element in product.parameters.items():
                self.ref(
                    "element", element, self.project.elements, self.at(of, "parameters", name), of
                )
            self._listings(product, of)
            self._plans(product, of)
            self._shares(product, of)

    def _listings(self, product: Product, of: str) -> None:
        """A field whose floor is above what a listing allows will be refused by `run`, which also
        knows what detectors and lineage add.
        """
        _, table = self.tables.get(product.table, (None, None))
        for exchange, asks in product.listings.items():
            self.ref("listing", exchange, EXCHANGES, self.at(of, "listings", exchange), of)
            allowed = Grade.parse(asks.get("class", "general"))
            for prop in table.properties if table else ():
                offered = not product.offer or prop.name in product.offer
                floor = Grade.parse(prop.classification) if prop.classification else allowed
                if offered and floor > allowed:
                    self.warn(
                        "listing.grade-above-class",
                        self.at(of, "listings", exchange),
                        of,
                        product=product.id,
                        field=prop.name,
                        grade=prop.classification,
                        reason=Text("由人设定的下限", "a floor set by a person"),
                        listing=exchange,
                        allowed=allowed.value,
                    )

    def _made_of(self, product: Product, of: str) -> None:
        allowed = {
            Form.DERIVATIVE: {"table"},
            Form.TOOL: {"package", "sql"},
            Form.SERVICE: {"table", "query", "parameters", "answer"},
        }[product.form]
        for key in ("table", "package", "sql", "query", "parameters", "answer"):
            if getattr(product, key) and key not in allowed:
                self.say(
                    "product.misplaced-key", self.at(of, key), of, form=product.form.value, key=key
                )
        if product.table:
            known = {*self.raw, *self.project.sql, *self.tables}
            at = self.at(of, "table")
            bare = product.table not in self.tables and product.table not in self.unread
            if self.ref("table", product.table, known, at, of) and bare:
                self.say(
                    "product.table-no-contract", at, of, product=product.id, table=product.table
                )
        if product.query:
            written = self.project.places.get(f"{of}/query.sql")
            known = {*self.raw, *self.project.sql, *self.project.codes}
            at = self.at(of, "query")
            query = self._reads(
                product.query, written or at, of, known, own_file=written is not None
            )
            used = set(query.parameters) if query else {*product.parameters}
            for name in sorted(used - {*product.parameters}):
                near = nearest_or_some(name, product.parameters)
                self.say("product.unknown-parameter", at, of, value=name, nearest=near)
            for name in sorted({*product.parameters} - used):
                place = self.at(of, "parameters", name)
                self.warn("product.unused-parameter", place, of, value=name)

    def _plans(self, product: Product, of: str) -> None:
        plans = {plan.id: plan for plan in product.plans}
        ceilings = [plan for plan in product.plans if plan.ceiling]
        for plan in product.plans:
            at = plan.origin
            try:
                check_plan(plan)
            except SanhuaError as failure:
                self.take(failure, at)
            priced = plan.free or plan.once or plan.fee or plan.per or plan.minimum
            if not (priced or plan.revenue_share or plan.negotiated or plan.bundle or plan.ceiling):
                self.say("price.no-price", at, of, plan=plan.id)
            if plan.free and bool(plan.trial) != bool(plan.limit):
                self.warn("price.trial-unbounded", at, of, plan=plan.id)
            if plan.next and self.ref(
                "plan", plan.next, plans, self.at(of, "plans", plan.id, "next"), of
            ):
                seen, here = {plan.id}, plan.next
                while here in plans and here not in seen:
                    seen.add(here)
                    here = plans[here].next
                if here == plan.id:
                    self.say(
                        "price.next-cycle", self.at(of, "plans", plan.id, "next"), of, plan=plan.id
                    )
            self._bundle(plan, of)
            for ceiling in ceilings:
                if plan is not ceiling:
                    self._under(plan, ceiling, of)
        policy = self.project.policies.get(product.policy)
        if policy is not None and "count" in policy.permit:
            self._reachable(product, policy, of)

    def _bundle(self, plan: Plan, of: str) -> None:
        if not plan.bundle:
            return
        at = self.at(of, "plans", plan.id, "bundle")
        products = plan.bundle.get("products", "").split()
        for name in products:
            self.ref("product", name, self.project.products, at, of)
        split = {
            key.removeprefix("split."): value
            for key, value in plan.bundle.items()
            if key.startswith("split.")
        }
        total = sum((Decimal(value.rstrip("%")) for value in split.values()), Decimal())
        if total != HUNDRED:
            self.say("price.bundle-split", at, of, plan=plan.id, total=f"{total.normalize():f}%")
        differing = {*split} ^ {*products}
        if differing:
            self.say(
                "price.bundle-products", at, of, plan=plan.id, value=", ".join(sorted(differing))
            )

    def _under(self, plan: Plan, ceiling: Plan, of: str) -> None:
        """No price of `plan` is above the government-guided price that `ceiling` holds."""
        for key, written in ceiling.ceiling.items():
            kind, _, unit = key.partition(".")
            bound = Decimal(written.split(" ")[0]) if kind in ("per", "fee", "once") else None
            if bound is None:
                continue
            asked: list[Money] = []
            if kind == "per":
                asked = [step.price for step in plan.per.get(unit, ())]
            elif kind == "fee" and unit in plan.fee:
                asked = [plan.fee[unit]]
            elif kind == "once" and plan.once:
                asked = [plan.once]
            for money in asked:
                if money.amount > bound:
                    self.say(
                        "price.over-ceiling",
                        self.at(of, "plans", plan.id, kind, unit),
                        of,
                        plan=plan.id,
                        key=key,
                        value=f"{money.amount:f}",
                        ceiling=ceiling.id,
                        limit=f"{bound:f}",
                    )

    def _reachable(self, product: Product, policy: UsagePolicy, of: str) -> None:
        """Warns when the bound of the right stops a buyer before the units that a plan still
        prices.
        """
        count = policy.permit["count"]
        for plan in product.plans:
            allowed = _in_period(count, next(iter(plan.fee), "month"))
            steps = plan.per.get("call", ())
            # Steps count from the first unit that is not included; the last has no end.
            priced = plan.included.get("call", 0) + max((s.to or 0 for s in steps), default=0) + 1
            limit = plan.limit.get("call", 0)
            for units, asked in ((priced, bool(steps)), (limit, bool(limit) and not plan.free)):
                if asked and allowed < units:
                    self.warn(
                        "policy.count-below-plan",
                        self.at(of, "plans", plan.id),
                        of,
                        policy=policy.id,
                        count=count,
                        product=product.id,
                        plan=plan.id,
                        units=units,
                        price=allowed,
                    )

    def _shares(self, product: Product, of: str) -> None:
        if not product.shares:
            return
        at = self.at(of, "shares")
        rests = [share for share in product.shares if share.rest]
        if len(rests) != 1:
            self.say("share.one-rest", at, of, product=product.id, count=len(rests))
        total = sum((share.rate for share in product.shares if share.rate is not None), Decimal())
        if total > 1:
            text = f"{(total * HUNDRED).normalize():f}%"
            self.say("share.over-100", at, of, product=product.id, total=text)
        for number, share in enumerate(product.shares):
            place = self.at(of, "shares", str(number))
            if share.party:
                self.ref("party", share.party, self.project.parties, place, of)
            elif share.rest == "true":
                self.say("share.rest-party", place, of, product=product.id)
            elif not share.rest:
                self.say("share.no-party", place, of, product=product.id)
            for party in share.among:
                self.ref("party", party, self.project.parties, place, of)

    def _deals(self) -> None:
        for deal in self.project.deals.values():
            of = node("deal", deal.id)
            self.party(deal.consumer, of, "consumer")
            if deal.amends:
                self._amends(deal, of)
            if self.ref("product", deal.product, self.project.products, self.at(of, "product"), of):
                self._deal(deal, self.project.products[deal.product], of)
            for name, mask in deal.mask.items():
                if not MASKS.fullmatch(mask):
                    known = ("token", "null", "year", "month", "round 2", "first 3")
                    self.warn(  # `run` and `deal sign` refuse the deal; the rest goes on
                        "deal.unknown-mask",
                        self.at(of, "mask", name),
                        of,
                        deal=deal.id,
                        field=name,
                        value=mask,
                        nearest=nearest_or_some(mask, known),
                    )
                if name not in deal.fields:
                    near = nearest_or_some(name, deal.fields)
                    self.say(
                        "deal.mask-field",
                        self.at(of, "mask", name),
                        of,
                        deal=deal.id,
                        value=name,
                        nearest=near,
                    )
            if deal.grant and self.ref(
                "grant", deal.grant, self.project.grants, self.at(of, "grant"), of
            ):
                self._under_grant(
                    deal, inherited(self.project.grants, self.project.grants[deal.grant]), of
                )

    def _deal(self, deal: Deal, product: Product, of: str) -> None:
        plans = {plan.id: plan for plan in product.plans}
        if self.ref("plan", deal.plan, plans, self.at(of, "plan"), of):
            negotiated = plans[deal.plan].negotiated
            if negotiated and deal.price is None:
                self.say("deal.no-price", self.at(of, "plan"), of, deal=deal.id, plan=deal.plan)
            if not negotiated and deal.price is not None:
                self.say(
                    "deal.price-not-negotiated",
                    self.at(of, "price"),
                    of,
                    deal=deal.id,
                    plan=deal.plan,
                )
            if negotiated and deal.price is not None:
                self._above_floor(deal, deal.price, plans[deal.plan], of)
            if deal.price is not None:
                try:
                    check_plan(deal.price)
                except SanhuaError as failure:
                    self.take(failure, deal.price.origin)
        offered = product.offer or self.columns_of(product)
        for name in deal.fields:
            if offered and name not in offered:
                self.say(
                    "deal.field-not-offered",
                    self.at(of, "fields", name),
                    of,
                    deal=deal.id,
                    product=product.id,
                    value=name,
                    nearest=nearest_or_some(name, offered),
                )
        for purpose in deal.purposes:
            self.purpose(purpose, of, "purposes", purpose)
        policies = [self.project.policies.get(product.policy)]
        if deal.policy and self.ref(
            "policy", deal.policy, self.project.policies, self.at(of, "policy"), of
        ):
            policies.append(self.project.policies[deal.policy])
            self._narrower(deal, policies[0], self.project.policies[deal.policy], of)
        for policy in filter(None, policies):
            for purpose in deal.purposes:
                if not self._covered(purpose, policy.purposes):
                    self.say(
                        "deal.purpose-not-permitted",
                        self.at(of, "purposes", purpose),
                        of,
                        deal=deal.id,
                        policy=policy.id,
                        value=purpose,
                        nearest=", ".join(policy.purposes),
                    )
            if not policy.admits(deal.consumer):
                self.say(
                    "deal.not-a-recipient",
                    self.at(of, "consumer"),
                    of,
                    deal=deal.id,
                    policy=policy.id,
                    value=deal.consumer,
                    nearest=", ".join(policy.permit["recipients"].split()),
                )
            if policy.level and deal.level < policy.level:
                at = self.at(of, "level")
                self.say(
                    "deal.level-too-low",
                    at,
                    of,
                    deal=deal.id,
                    value=deal.level,
                    wanted=policy.level,
                )
        if deal.delivery and deal.delivery not in product.delivery:
            near = nearest_or_some(deal.delivery, product.delivery)
            at = self.at(of, "delivery")
            self.say(
                "deal.delivery-not-offered",
                at,
                of,
                product=product.id,
                value=deal.delivery,
                nearest=near,
            )
        if not deal.delivery and len(product.delivery) > 1:
            near = " | ".join(product.delivery)
            self.say(
                "deal.delivery-unclear",
                deal.origin,
                of,
                deal=deal.id,
                product=product.id,
                nearest=near,
            )
        self._rows(deal, product, of)
        if product.retired and deal.ends_on > product.retired:
            at, day = self.at(of, "through"), product.retired.isoformat()
            self.say("deal.after-retirement", at, of, deal=deal.id, product=product.id, day=day)
        provider = self.project.settings.entities[0].id if self.project.settings.entities else ""
        if deal.consumer == provider:
            self.say("deal.own-product", self.at(of, "consumer"), of, deal=deal.id, party=provider)

    def _above_floor(self, deal: Deal, price: Plan, plan: Plan, of: str) -> None:
        """What the price assures at once or in a period is not below the plan's floor."""
        if plan.floor is None:
            return
        assured = [*price.fee.values(), *price.minimum.values(), *filter(None, (price.once,))]
        best = max((m.amount for m in assured if m.currency == plan.floor.currency), default=None)
        if best is None or best < plan.floor.amount:
            self.say(
                "deal.below-floor",
                self.at(of, "price"),
                of,
                deal=deal.id,
                plan=plan.id,
                value="–" if best is None else f"{best:f}",
                floor=plan.floor.text,
            )

    def _rows(self, deal: Deal, product: Product, of: str) -> None:
        """The predicate that says which rows are sold, over the columns of the product's table."""
        if not deal.rows:
            return
        at = self.at(of, "rows")
        try:
            predicate = sql.parse_expression(deal.rows, path=at.path, line=at.line)
        except SanhuaError as failure:
            self.take(failure, at)
            return
        for column in predicate.find_all(Column):
            self.ref("column", column.name, self.columns_of(product), at, of)

    def _narrower(self, deal: Deal, whole: UsagePolicy | None, own: UsagePolicy, of: str) -> None:
        if whole is None:
            return
        wider = [f"actions {action}" for action in own.actions if action not in whole.actions]
        wider += [f"purposes {p}" for p in own.purposes if not self._covered(p, whole.purposes)]
        wider += [f"forbid {action}" for action in whole.forbid if action in own.actions]
        if "count" in whole.permit and _per_day(own.permit.get("count", "")) > _per_day(
            whole.permit["count"]
        ):
            wider.append(f"count {own.permit.get('count', '–')}")
        for value in wider:
            self.say(
                "deal.policy-wider",
                self.at(of, "policy"),
                of,
                deal=deal.id,
                policy=own.id,
                value=value,
            )

    def _under_grant(self, deal: Deal, grant: Grant, of: str) -> None:
        wide: list[tuple[str, str]] = []
        if grant.fields:
            wide += [("fields", name) for name in deal.fields if name not in grant.fields]
        wide += [
            ("purposes", p)
            for p in deal.purposes
            if not self._covered(p, (*grant.purposes, grant.scenario))
        ]
        if grant.starts_on and deal.starts_on < grant.starts_on:
            wide.append(("from", deal.starts_on.isoformat()))
        if grant.ends_on and deal.ends_on > grant.ends_on:
            wide.append(("through", _day_text("through", deal.ends_on)))
        for key, value in wide:
            at = self.at(of, key, value)
            self.say(
                "deal.outlives-grant", at, of, deal=deal.id, key=key, value=value, grant=grant.id
            )

    def _amends(self, deal: Deal, of: str) -> None:
        if not self.ref("deal", deal.amends, self.project.deals, self.at(of, "amends"), of):
            return
        other = self.project.deals[deal.amends]
        if other is deal or (other.product, other.consumer) != (deal.product, deal.consumer):
            self.say("deal.amends-other", self.at(of, "amends"), of, deal=deal.id, other=other.id)

    # Books

    def _books(self) -> None:
        self._charts()
        self._balances()
        by_entity: dict[str, list[Any]] = defaultdict(list)
        for voucher in self.project.vouchers.values():
            by_entity[key_of(voucher.entity)].append(voucher)
        codes = {
            entity.id: {
                c
                for card in self.project.assets.values()
                if card.entity == entity.id
                for c in card.codes
            }
            | pools_of(self.project, entity.id)
            for entity in self.project.settings.entities
        }
        for entity, vouchers in by_entity.items():
            policy = self.project.policy.get(entity)
            if policy is None and not self._faulty("/policy.yaml"):
                first = min(vouchers, key=lambda item: (item.path, item.lines[0].line))
                self.say("chart.missing", Origin(first.path, first.lines[0].line), first.id)
            roles: dict[str, str] = {}
            for voucher in vouchers:
                for line in voucher.lines:
                    at = Origin(voucher.path, line.line)
                    if policy is not None:
                        role = roles.setdefault(line.account, role_of(policy, line.account))
                        if not role:
                            self.say("chart.unmapped", at, voucher.id, account=line.account)
                    unclaimed = line.project and line.project not in codes.get(entity, ())
                    if unclaimed and not self._faulty("/assets/"):
                        near = nearest_or_some(line.project, codes.get(entity, ()))
                        self.warn(
                            "voucher.project-unclaimed",
                            at,
                            voucher.id,
                            value=line.project,
                            nearest=near,
                        )
                    if line.party:
                        self._counterparty(line.party, at, voucher.id)
        self.found += voucher_faults(self.project)
        self.found += recognition_faults(self.project, self.rules, self.on)
        self._regimes()
        check_earning(self)
        numbers = defaultdict(set)
        for voucher in self.project.vouchers.values():
            numbers[key_of(voucher.entity)].add(voucher.number)
        for card in self.project.assets.values():
            self._asset(card, numbers[card.entity])
            check_acquired(self, card)
            of = node("asset", card.id)
            for kind, named, known in (
                ("product", card.products, self.project.products),
                ("resource", card.resources, self.project.contracts),
            ):
                for name in named:
                    self.ref(kind, name, known, card.origin, of)
        self.found += check_costing(self.project, self.rules)

    def _faulty(self, part: str) -> bool:
        """Whether a file of the books with `part` in its path has a fault of its own."""
        return any(
            item.severity is Severity.ERROR and item.path.startswith("books/") and part in item.path
            for item in self.project.diagnostics
        )

    def _balances(self) -> None:
        """A balance that no line of the statement is called after would be lost."""
        try:
            parents = self.rules.ask("mof_2023_11", "balance_sheet_parents", on=self.on).value
        except RuleGap as gap:
            if self.project.balances:
                self.found.append(gap.diagnostic)
            return
        known = [parent[key] for parent in parents for key in ("id", "zh", "en")]
        for entity, given in self.project.balances.items():
            for balances in given:
                for line in balances.lines:
                    of = node("balances", f"{entity}/{balances.on}/{line}")
                    self.ref("line", line, known, self._or(of, balances.origin), of)

    def _counterparty(self, written: str, at: Origin, of: str) -> None:
        """The ERP's own name of a party is kept; an id that is nearly one of ours is a slip."""
        parties = self.project.parties.values()
        names = {name for party in parties for name in (party.name, party.name_en)}
        if (
            written in self.project.parties
            or written in names
            or not re.fullmatch(r"[a-z][a-z0-9_]*", written)
        ):
            return
        near = nearest_or_some(written, self.project.parties)
        self.warn("ref.party", at, of, value=written, nearest=near)

    def _charts(self) -> None:
        for entity, policy in self.project.policy.items():
            of = node("chart", entity)
            held: dict[str, str] = {}
            for role, accounts in policy.chart.items():
                if role not in ROLES:
                    near = nearest_or_some(role, ROLES)
                    slip = get_close_matches(role, ROLES, 1, 0.8)  # its lines would be lost
                    self.say(
                        "chart.unknown-role",
                        self._or(of, policy.origin, role),
                        of,
                        severity=Severity.ERROR if slip else Severity.WARNING,
                        role=role,
                        nearest=near,
                    )
                for account in accounts:
                    if held.setdefault(account, role) != role:
                        at = self._or(of, policy.origin, role)
                        self.say(
                            "chart.account-twice",
                            at,
                            of,
                            account=account,
                            left=held[account],
                            right=role,
                        )

    def _regimes(self) -> None:
        """Only entities whose regime the instrument addresses may carry data assets."""
        for entity in self.project.settings.entities:
            if not any(card.entity == entity.id for card in self.project.assets.values()):
                continue
            try:
                rule = self.rules.ask("mof_2023_11", "accounting_regimes", on=self.on)
            except RuleGap as gap:
                self.found.append(gap.diagnostic)
                return
            if entity.regime not in rule.value:
                of = node("entity", entity.id)
                self.say(
                    "recognise.other-regime",
                    self.at(of, "regime"),
                    of,
                    rule=rule.citation,
                    regime=entity.regime,
                    known=", ".join(rule.value),
                    where=elsewhere(self.rules, entity.regime, self.on),
                )

    def _asset(self, card: AssetCard, numbers: set[str]) -> None:
        of = node("asset", card.id)
        if card.route is Route.PURCHASED and (card.codes or card.conditions):
            key = "project" if card.codes else "recognition"
            self.say("asset.purchased", self.at(of, key), of, asset=card.id, key=key)
        if card.conditions and card.judged is None:
            self.warn("asset.not-judged", self.at(of, "recognition"), of, asset=card.id)
        for number, progress in enumerate(card.progress):
            self.party(progress.by, of, "project", "progress", str(number))
        if card.research and card.development and card.development < card.research:
            self.say(
                "asset.phases",
                self.at(of, "project", "development"),
                of,
                asset=card.id,
                development=card.development.isoformat(),
                research=card.research.isoformat(),
            )
        if card.route is Route.PURCHASED:
            for number in card.vouchers:
                self.ref("voucher", number, numbers, self.at(of, "vouchers", number), of)

    def _appraisals(self) -> None:
        for key, appraisal in self.project.appraisals.items():
            of = node("appraisal", key)
            self.ref(
                "asset", str(appraisal["asset"]), self.project.assets, self.at(of, "asset"), of
            )
            self.party(str(appraisal["appraiser"]), of, "appraiser", role="appraiser")
            method = appraisal["method"]
            if method.get("income") in ("direct", "share", "increment"):
                self._income(method["income"], appraisal, of)
            else:
                self.say(
                    "appraisal.not-recomputed",
                    self.at(of, "method"),
                    of,
                    severity=Severity.NOTE,
                    method=", ".join(f"{approach}: {form}" for approach, form in method.items()),
                )

    def _income(self, form: str, appraisal: Mapping[str, Any], of: str) -> None:
        """Recomputes V = Σ F_t / (1+i)^t at year ends (中评协〔2023〕17号) where the inputs say
        all of it.
        """
        try:
            value = Money(income_value(form, appraisal["inputs"])).posted()
        except (KeyError, ValueError, ArithmeticError, TypeError, AttributeError) as failure:
            reason = f"{type(failure).__name__} {failure}"
            self.warn("appraisal.inputs", self.at(of, "inputs"), of, reason=reason)
            return
        said = Money.parse(str(appraisal["value"]))
        if abs(said.amount - value.amount) > FEN_OFF_MAX:
            at = self.at(of, "value")
            self.say("appraisal.value-differs", at, of, value=said.text, computed=value.text)

    def _financings(self) -> None:
        for key, financing in self.project.financings.items():
            of = node("financing", key)
            assets = (
                [str(financing["asset"])]
                if "asset" in financing
                else list(financing.get("assets", ()))
            )
            for asset in assets:
                self.ref("asset", asset, self.project.assets, self.at(of, "asset"), of)
            self.party(str(financing.get("lender", "")), of, "lender")
            appraisal = financing.get("appraisal")
            if appraisal and self.ref(
                "appraisal", appraisal, self.project.appraisals, self.at(of, "appraisal"), of
            ):
                self._pledged(financing, self.project.appraisals[appraisal], assets, of)
            for name, covenant in financing.get("covenants", {}).items():
                measures = [k for k in covenant if k not in ("at_least", "at_most", "cure", "note")]
                if len(measures) != 1:
                    self.say(
                        "financing.covenant", self.at(of, "covenants", name), of, covenant=name
                    )
                for measure in measures:
                    self._measure(name, measure, str(covenant[measure]), of)

    def _measure(self, covenant: str, measure: str, value: str, of: str) -> None:
        """A covenant measures what the program knows: an indicator, usage in a period."""
        at = self.at(of, "covenants", covenant, measure)
        self.ref("measure", measure, MEASURES, at, of)
        if measure == "quality":
            try:
                known = self.rules.ask("gbt_36344", "indicators", on=self.on).value
            except RuleGap as gap:
                self.found.append(gap.diagnostic)
                return
            self.ref("indicator", value, known, at, of)
        unit, _, period = value.partition(" per ")
        if measure == "usage" and (unit not in UNITS or period not in _DAYS):
            self.say(
                "financing.usage-measure",
                at,
                of,
                covenant=covenant,
                value=value,
                units=", ".join(UNITS),
                periods=", ".join(_DAYS),
            )

    def _pledged(
        self, financing: Mapping[str, Any], appraisal: Mapping[str, Any], assets: list[str], of: str
    ) -> None:
        if assets and appraisal["asset"] not in assets:
            self.say(
                "financing.appraisal-other-asset",
                self.at(of, "appraisal"),
                of,
                appraisal=appraisal["id"],
                other=appraisal["asset"],
                asset=", ".join(assets),
            )
        if "ltv_max" in financing and "amount" in financing:
            bound = Decimal(str(financing["ltv_max"]).rstrip("%")) / HUNDRED
            amount, value = (
                Money.parse(str(financing["amount"])),
                Money.parse(str(appraisal["value"])),
            )
            if amount.currency == value.currency and amount.amount > value.amount * bound:
                self.say(
                    "financing.over-ltv",
                    self.at(of, "amount"),
                    of,
                    amount=amount.text,
                    value=value.text,
                    ltv=financing["ltv_max"],
                )


def income_value(form: str, inputs: Mapping[str, Any]) -> Decimal:
    """The income approach from an appraisal's inputs: amounts a year, discounted at year ends from
    the first year on.

    `direct`: `income`; `share`: `income` times `share`; `increment`: `with` less `without`.
    `discount` is a rate, or its parts summed.
    """
    discount = inputs["discount"]
    parts = discount.values() if isinstance(discount, Mapping) else [discount]
    rate = sum((Decimal(str(part).removesuffix("%")) / HUNDRED for part in parts), Decimal())
    if form == "increment":
        flows = {
            y: Decimal(inputs["with"][y]) - Decimal(inputs["without"][y]) for y in inputs["with"]
        }
    else:
        flows = {year: Decimal(amount) for year, amount in inputs["income"].items()}
    if form == "share":
        flows = {
            y: flow * Decimal(inputs["share"][y].removesuffix("%")) / HUNDRED
            for y, flow in flows.items()
        }
    years = sorted(flows, key=int)
    if [int(year) - int(years[0]) for year in years] != list(range(len(years))):
        raise ValueError(f"years have a gap: {', '.join(years)}")
    return sum((flows[year] / (1 + rate) ** (at + 1) for at, year in enumerate(years)), Decimal())


def _above_itself(name: str, parents: Mapping[str, str]) -> bool:
    seen: set[str] = set()
    here = parents.get(name, "")
    while here and here != name and here not in seen:
        seen.add(here)
        here = parents.get(here, "")
    return here == name


def _covers(codes: CodeList | None, wide: str, wanted: str) -> bool:
    return wide == wanted if codes is None else codes.covers(wide, wanted)


def _fields(contract: DataContract) -> set[str]:
    """The fields of a resource: `table.column` when it has several tables."""
    if len(contract.tables) == 1:
        return {prop.name for prop in contract.tables[0].properties}
    return {f"{table.name}.{prop.name}" for table in contract.tables for prop in table.properties}


def _words(rights: Iterable[Right]) -> str:
    return ", ".join(right.value for right in Right if right in set(rights)) or "–"


def _day_text(key: str, value: date) -> str:
    return (value - timedelta(days=1)).isoformat() if key == "through" else value.isoformat()


_DAYS = {
    "minute": Decimal(1) / 1440,
    "hour": Decimal(1) / 24,
    "day": Decimal(1),
    "week": Decimal(7),
    "month": Decimal(30),
    "quarter": Decimal(91),
    "year": Decimal(365),
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_LONGEST = {"month": 31, "quarter": 92, "year": 366}  # days


def _in_period(count: str, period: str) -> int:
    """The most units that `100000 per month` allows in one month, quarter or year."""
    allowed, _, per = count.partition(" per ")
    if per in _MONTHS and _MONTHS[per] <= _MONTHS[period]:
        return int(allowed) * (_MONTHS[period] // _MONTHS[per])
    if per in _MONTHS:  # a longer one: all of it may fall into the period
        return int(allowed)
    return ceil(round(int(allowed) * _LONGEST[period] / _DAYS[per], 6))


def _per_day(count: str) -> Decimal:
    """`100000 per month` as units a day; what sets no bound is unbounded."""
    match = re.fullmatch(r"(\d+) per (\w+)", count)
    return Decimal(match[1]) / _DAYS[match[2]] if match else Decimal("Infinity")


__all__ = ["check", "income_value"]
