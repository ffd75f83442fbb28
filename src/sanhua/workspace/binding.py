"""Bindings reviewed 对标审核: proposals for every unbound column, a person's decision on one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sanhua.kernel import ids
from sanhua.kernel.errors import (
    Conflict,
    Denied,
    Invalid,
    NotFound,
)
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import plain
from sanhua.project.checking import systems
from sanhua.project.editing import with_entry
from sanhua.project.read import nearest_or_some
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.standard import BindingDecision, Proposal
from sanhua.resource.standard.bind import Proposer, propose, sample_metrics, share_metrics
from sanhua.verify import sha256
from sanhua.workspace.opening import Workspace
from sanhua.workspace.snapshots import Snapshots
from sanhua.workspace.standards import put_as_act

AT_ONCE = 16  # columns whose distinct values one scan of the sample holds in memory
DECIDERS = ("data_steward", "admin")


class Review:
    """Every column of a contract without a data element, and what it may be bound to."""

    def __init__(self, ws: Workspace, tables: Sequence[str] = ()) -> None:
        self.ws, self.project = ws, ws.project
        if not ws.has_store:
            raise Invalid("run.nothing-yet", folder=str(ws.root))
        self.snapshots = Snapshots(ws)
        self.wanted = frozenset(tables)
        self.unread: list[str] = []  # tables not built yet

    def proposals(self) -> list[Proposal]:
        """The best first in each column, the columns in the contracts' order.

        Few scans of a table's sample: some distinct values of every column (AT_ONCE columns a
        scan), then the share of rows that each candidate admits.
        """
        sampled = {table.name: self._sample(table) for _, table in self._tables()}
        bound = {
            f"{table.name}.{prop.name}": (prop.element, sampled[table.name][1].get(prop.name, ()))
            for _, table in self._tables()
            for prop in table.properties
            if prop.element in self.project.elements
        }
        proposer = Proposer(self.project.elements, self.project.codes, bound)
        rejected = self._rejected()
        made: list[Proposal] = []
        for contract, table in self._tables():
            if self.wanted and table.name not in self.wanted:
                continue
            kinds, values = sampled[table.name]
            listed = [
                proposer.candidates(prop, kinds.get(prop.name, ""), values.get(prop.name, ()))
                for prop in table.properties
                if not prop.element
            ]
            wanted = share_metrics(one for column in listed for one in column)
            measured = self.ws.engine.measure(table.name, wanted) if kinds and wanted else []
            of = f"{contract.id}/{table.name}"
            not_these = frozenset(
                (c.rpartition(".")[2], e) for c, e in rejected if c.startswith(f"{of}.")
            )
            made += propose(contract.id, table.name, listed, measured, not_these)
        return made

    def _tables(self) -> list[tuple[DataContract, TableSchema]]:
        return [(c, t) for c in self.project.contracts.values() for t in c.tables]

    def _sample(self, table: TableSchema) -> tuple[dict[str, str], dict[str, list[str]]]:
        """Column → type, and column → distinct values; both empty of a table not built yet."""
        if not self.snapshots.usable(table.name):
            self.unread.append(table.name)
            return {}, {}
        columns = self.snapshots.manifest(table.name).columns
        self.snapshots.bind(table.name)
        metrics = sample_metrics(table.name, columns)
        batches = (metrics[at : at + AT_ONCE] for at in range(0, len(metrics), AT_ONCE))
        measured = [m for batch in batches for m in self.ws.engine.measure(table.name, batch)]
        values = {
            column.name: [str(value) for value in one.value or []]
            for column, one in zip(columns, measured, strict=True)
            if one.error is None
        }
        return {column.name: column.type for column in columns}, values

    def _rejected(self) -> list[tuple[str, str]]:
        """(contract/table.column, element) that a person said no to."""
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            decisions = [d for d in uow.all(BindingDecision) if d.verdict == "rejected"]
        return [(ids.key_of(d.column), ids.key_of(d.element)) for d in decisions]


def review(ws: Workspace, tables: Sequence[str] = ()) -> dict[str, Any]:
    """The review list as JSON, with the columns that nothing was found for."""
    known = {table.name for contract in ws.project.contracts.values() for table in contract.tables}
    for name in tables:
        if name not in known:
            raise NotFound("run.unknown-target", name=name, nearest=nearest_or_some(name, known))
    made = Review(ws, tables)
    proposals = made.proposals()
    proposed = {(p.table, p.column) for p in proposals}
    open_columns = [
        f"{table.name}.{prop.name}"
        for contract in ws.project.contracts.values()
        for table in contract.tables
        for prop in table.properties
        if not prop.element
        and (not tables or table.name in tables)
        and (table.name, prop.name) not in proposed
    ]
    return {
        "proposals": [_proposal_json(ws, one) for one in proposals],
        "nothing_found": open_columns,
        "not_built": made.unread,
        "without_contract": sorted({*systems(ws.project), *ws.project.sql} - known),
    }


def _proposal_json(ws: Workspace, one: Proposal) -> dict[str, Any]:
    element = ws.project.elements[one.element]
    return {
        "contract": one.contract,
        "column": f"{one.table}.{one.column}",
        "element": one.element,
        "title": {"zh": element.title.say("zh"), "en": element.title.say("en")},
        "confidence": str(one.confidence),
        "name": {"score": str(one.name), "by": one.why},
        "inside": None if one.inside is None else str(one.inside),
        "likeness": {"score": str(one.likeness), "column": one.like},
        "type_fits": one.fits,
        "path": ws.project.contracts[one.contract].origin.path,
        "line": one.line,
    }


def decide(
    ws: Workspace,
    column: str,
    element: str,
    person: str,
    *,
    accept: bool,
    reason: str = "",
) -> dict[str, Any]:
    """A person accepts or rejects an element for a column (`table.column`): an act in the log; an
    acceptance is written into the contract, whose comments and layout stay.

    NotFound standard.no-such-column, ref.element, approve.no-such-person; Denied standard.role;
    Conflict standard.bound-already; Invalid contract.cannot-write with the line to write by hand.
    """
    contract, table, prop = _column(ws, column)
    if element not in ws.project.elements:
        near = nearest_or_some(element, ws.project.elements)
        raise NotFound("ref.element", value=element, nearest=near)
    _may_decide(ws, person)
    if prop.element:
        at = prop.origin
        raise Conflict(
            "standard.bound-already",
            path=at.path,
            line=at.line,
            column_name=column,
            element=prop.element,
        )
    verdict = "accepted" if accept else "rejected"
    (made,) = _decided(
        ws, contract, [(table.name, prop.name, element, None)], verdict, person, reason
    )
    return made


def accept_all(
    ws: Workspace, at_least: Decimal, person: str, *, reason: str = ""
) -> list[dict[str, Any]]:
    """Accept each column's first proposal whose confidence reaches `at_least`: an act each, every
    contract written once.
    """
    _may_decide(ws, person)
    first: dict[tuple[str, str], Proposal] = {}
    for one in Review(ws).proposals():
        first.setdefault((one.table, one.column), one)
    chosen: dict[str, list[Choice]] = {}
    for one in first.values():
        if one.confidence >= at_least:
            choice = (one.table, one.column, one.element, one.confidence)
            chosen.setdefault(one.contract, []).append(choice)
    contracts = ws.project.contracts
    return [
        made
        for name, choices in chosen.items()
        for made in _decided(ws, contracts[name], choices, "accepted", person, reason)
    ]


Choice = tuple[str, str, str, Decimal | None]  # table, column, element, confidence


def _may_decide(ws: Workspace, person: str) -> None:
    who = ws.project.parties.get(person)
    if who is None or not who.person:
        raise NotFound("approve.no-such-person", person=person)
    if not set(who.roles) & set(DECIDERS):
        held = ", ".join(who.roles) or "–"
        raise Denied("standard.role", person=person, held=held, wanted=", ".join(DECIDERS))


def _decided(
    ws: Workspace,
    contract: DataContract,
    choices: Sequence[Choice],
    verdict: str,
    person: str,
    reason: str,
) -> list[dict[str, Any]]:
    """The acts on one contract, in one transaction with the file's new text."""
    at, path = contract.origin.path, ws.root / contract.origin.path
    made: list[BindingDecision] = []
    with ws.exclusive():
        before = after = path.read_bytes()
        if sha256(before) != contract.origin.sha256:
            raise Conflict("approve.not-current", path=at, node=ids.node("contract", contract.id))
        for table, column, element, _ in choices if verdict == "accepted" else ():
            entry = {"property": "dataElement", "value": element}
            after = with_entry(after, at, table, column, {"customProperties": entry})

        def act(uow: Uow) -> None:
            for table, column, element, confidence in choices:
                decision = BindingDecision(
                    uow.new_id("bnd"),
                    ids.node("standard", f"{contract.id}/{table}.{column}"),
                    ids.node("element", element),
                    verdict,
                    ids.node("party", person),
                    uow.now().isoformat(),
                    confidence,
                    reason,
                    sha256(after) if after != before else "",
                )
                uow.add(decision, f"binding.{verdict}")
                made.append(decision)

        put_as_act(ws, path, before, after, act)
    ws.__dict__.pop("project", None)  # read again when next asked for
    return [plain(decision) for decision in made]


def _column(ws: Workspace, written_as: str) -> tuple[DataContract, TableSchema, Property]:
    table_name, _, name = written_as.rpartition(".")
    known: list[str] = []
    for contract in ws.project.contracts.values():
        for table in contract.tables:
            for prop in table.properties:
                known.append(f"{table.name}.{prop.name}")
                if (table.name, prop.name) == (table_name.rpartition("/")[2], name):
                    return contract, table, prop
    near = nearest_or_some(written_as, known)
    raise NotFound("standard.no-such-column", column_name=written_as, nearest=near)
