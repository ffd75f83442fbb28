"""Suggested rules of a table, or of a file with no project: listed, accepted into the table's
contract, or rejected.

Accepting writes the rule into the contract's text and is an act of the person who did it; a
rejection is remembered, so that the same rule is not offered again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Denied, Invalid, NotFound
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import JudgedBy, MadeFrom, Ref, record
from sanhua.kernel.table import Reading
from sanhua.kernel.text import Text
from sanhua.kernel.time import SHANGHAI
from sanhua.project.editing import with_entry
from sanhua.resource import grade as grading
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.resource.grade import Grade, Grading
from sanhua.resource.lineage import Table
from sanhua.resource.suggest.offer import examples, suggest
from sanhua.resource.suggest.rule import DEFAULT, Suggestion, written
from sanhua.rules.packs import Packs
from sanhua.verify import canonical, sha256
from sanhua.workspace.opening import Workspace
from sanhua.workspace.snapshots import Snapshots
from sanhua.workspace.standards import put_as_act

ROLES = ("data_steward", "operator", "admin")
SHOWN_BELOW = Grade.GENERAL3  # values of columns of this grade and above are not shown
EXAMPLES = 3


@record("suggestion")
@dataclass(frozen=True, slots=True)
class Verdict:
    """`suggestion:<table>/<id>`: what a person decided on a suggested rule. `rule` is the hash of
    what it adds to the contract as canonical JSON, so that whoever has the contract can recompute
    it; `content` that of the contract which it was written into.
    """

    id: str
    table: str
    snapshot: MadeFrom  # the values that proposed it
    kind: str
    column: Annotated[str, Ref("about")]  # of that snapshot
    rule: str
    verdict: str  # accepted | rejected
    judged_by: JudgedBy
    reason: str = ""
    content: Annotated[str, Ref("content")] = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """A suggestion as a person may see it: `withheld` where its text or examples would show values
    of a column whose grade forbids that.
    """

    suggestion: Suggestion
    withheld: bool
    examples: tuple[tuple[str, int], ...] = ()

    @property
    def label(self) -> Text:
        """What the rule asks; where its words would hold values that are withheld, its kind."""
        one = self.suggestion
        if self.withheld and one.lists_values:
            return Text(f"{one.column}：{one.kind}", f"{one.column}: {one.kind}")
        return one.label

    def told(self, language: str) -> dict[str, Any]:
        one = self.suggestion
        return {
            "id": one.id,
            "kind": one.kind,
            "column": one.column,
            "determinant": list(one.determinant),
            "indicator": one.indicator,
            "label": self.label.say(language),
            "confidence": str(one.confidence),
            "support": one.support,
            "violations": one.violations,
            "rule": None if self.withheld and one.lists_values else written(one),
            "withheld": self.withheld,
            "examples": [{"value": value, "rows": rows} for value, rows in self.examples],
        }


def offered(
    ws: Workspace, table: str, *, least: Decimal = DEFAULT, with_examples: bool = True
) -> tuple[list[Offered], int, int]:
    """What is suggested for a table and not yet in its contract or rejected; how many more there
    are below the confidence `least`; how many were rejected before.

    NotFound suggest.no-such-table when no run made the table.
    """
    snapshots = Snapshots(ws)
    _must_be_made(ws, snapshots, table)
    manifest = snapshots.manifest(table)
    snapshots.bind(table)
    found = suggest(ws.engine, table, manifest.columns, manifest.rows)
    schema = _schema(ws, table)
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        graded = uow.find(Grading, ids.node("grade", table))
        verdicts = [uow.find(Verdict, _node(table, one.id)) for one in found]
    hidden = closed_columns(graded)
    fresh: list[Offered] = []
    below = rejected = 0
    for one, verdict in zip(found, verdicts, strict=True):
        if verdict is not None and verdict.verdict == "rejected":
            rejected += 1
        elif schema is not None and _in_force(one, schema[1]):
            continue
        elif one.confidence < least:
            below += 1
        else:
            withheld = hidden is None or bool({one.column, *one.determinant} & hidden)
            shown = ()
            if with_examples and one.violations and not withheld:
                shown = examples(ws.engine, one, EXAMPLES)
            fresh.append(Offered(one, withheld, shown))
    return fresh, below, rejected


def offered_of_file(
    path: Path, *, least: Decimal = DEFAULT, today: date | None = None
) -> tuple[list[Offered], int]:
    """What is suggested for a raw file, with no project: read as text into a lake in a temporary
    folder, which is deleted. Columns that look personal are withheld.

    Raises what reading raises (collect.*), NotFound collect.no-such-file.
    """
    today = today or datetime.now(SHANGHAI).date()
    with tempfile.TemporaryDirectory(prefix="sanhua-suggest-") as scratch:
        engine = DuckEngine(Lake(Path(scratch) / "lake"), temp=Path(scratch) / "temp")
        try:
            manifest = engine.collect(
                FILE, [path], Reading(), None, inputs=["file:0"], step="suggest", names=[path.name]
            )
            engine.bind(manifest)
            rules = Packs.load(("cn",))
            columns = manifest.columns
            measured = engine.measure(FILE, grading.detectors(columns, rules, today))
            picked = grading.samples(columns, measured)
            values = engine.measure(FILE, list(picked.values()))
            sampled = {name: one.value or [] for name, one in zip(picked, values, strict=True)}
            personal = grading.personal_kinds(rules, today)
            closed = {
                one.column
                for one in grading.detect(columns, measured, sampled, rules, today)
                if one.kind in personal
            }
            fresh: list[Offered] = []
            found = suggest(engine, FILE, columns, manifest.rows)
            for one in found:
                withheld = bool({one.column, *one.determinant} & closed)
                if one.confidence >= least:
                    shown = one.violations and not withheld
                    few = examples(engine, one, EXAMPLES) if shown else ()
                    fresh.append(Offered(one, withheld, few))
            return fresh, len(found) - len(fresh)
        finally:
            engine.close()


FILE = "data"  # what the table of a file is called in its rules


def _must_be_made(ws: Workspace, snapshots: Snapshots, table: str) -> None:
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    if not table.isidentifier() or not snapshots.usable(table):
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            known = sorted(ids.key_of(one.id) for one in uow.all(Table))
        raise NotFound("suggest.no-such-table", table=table, known=", ".join(known) or "–")


def closed_columns(graded: Grading | None) -> set[str] | None:
    """The columns whose values are not shown; None: all of them, for want of a grading."""
    if graded is None:
        return None
    return {
        column.name
        for column in graded.columns
        if not column.grade < SHOWN_BELOW or column.category in ("personal", "sensitive_personal")
    }


def _schema(ws: Workspace, table: str) -> tuple[DataContract, TableSchema] | None:
    for contract in ws.project.contracts.values():
        for schema in contract.tables:
            if schema.name == table:
                return contract, schema
    return None


def _in_force(one: Suggestion, schema: TableSchema) -> bool:
    prop = next((prop for prop in schema.properties if prop.name == one.column), None)
    if prop is None:
        return False
    if one.kind == "missing":
        return prop.required or bool(prop.key_position)
    if one.kind == "repeated":
        return prop.unique or schema.key == (prop.name,)
    return any(one.id == rule.name for rule in (*prop.quality, *schema.quality))


def _node(table: str, suggestion_id: str) -> str:
    return ids.node("suggestion", f"{table}/{suggestion_id}")


def _person(ws: Workspace, person_id: str) -> str:
    person = ws.project.parties.get(person_id)
    if person is None or not person.person:
        raise NotFound("approve.no-such-person", person=person_id)
    if not set(person.roles) & set(ROLES):
        held = ", ".join(person.roles) or "–"
        raise Denied("suggest.role", person=person_id, held=held, wanted=", ".join(ROLES))
    return person.id


def accept(ws: Workspace, table: str, suggestion_ids: Sequence[str], person: str) -> dict[str, Any]:
    """Write suggested rules into the table's contract, each an act of `person`.

    NotFound suggest.no-such-suggestion, Invalid suggest.no-contract, Denied suggest.role,
    suggest.values-withheld (the rule's text would show values that the column's grade closes),
    Conflict suggest.contract-changed.
    """
    judge = _person(ws, person)
    with ws.exclusive():
        chosen, snapshot = _chosen(ws, table, suggestion_ids)
        found = _schema(ws, table)
        if found is None:
            raise Invalid("suggest.no-contract", table=table)
        contract = found[0]
        path = ws.root / contract.origin.path
        before = path.read_bytes()
        if sha256(before) != contract.origin.sha256:
            raise Conflict("suggest.contract-changed", path=contract.origin.path, line=1)
        after = before
        for one in chosen:
            if one.withheld and one.suggestion.lists_values:
                raise Denied("suggest.values-withheld", id=one.suggestion.id,
                             field=one.suggestion.column)  # fmt: skip
            entry = {
                key: written(one.suggestion) if key == "quality" else value
                for key, value in one.suggestion.entry.items()
            }
            after = with_entry(after, contract.origin.path, table, one.suggestion.column, entry)
        content = sha256(after)

        def act(uow: Uow) -> None:
            for one in chosen:
                _decide(uow, table, snapshot, one.suggestion, "accepted", judge, "", content)

        put_as_act(ws, path, before, after, act)
    return {
        "table": table,
        "accepted": [one.suggestion.id for one in chosen],
        "by": person,
        "contract": contract.origin.path,
        "content": content,
    }


def reject(
    ws: Workspace, table: str, suggestion_ids: Sequence[str], person: str, reason: str
) -> dict[str, Any]:
    """Remember that suggested rules do not hold, and why; they are not offered again."""
    judge = _person(ws, person)
    if not reason.strip():
        raise Invalid("suggest.no-reason")
    with ws.exclusive():
        chosen, snapshot = _chosen(ws, table, suggestion_ids)
        ws.store.must_go_on()
        with ws.store.begin(actor=ws.actor) as uow:
            for one in chosen:
                _decide(uow, table, snapshot, one.suggestion, "rejected", judge, reason)
        ws.store.checkpoint()
    return {
        "table": table,
        "rejected": [one.suggestion.id for one in chosen],
        "by": person,
        "reason": reason,
    }


def _chosen(ws: Workspace, table: str, suggestion_ids: Sequence[str]) -> tuple[list[Offered], str]:
    fresh, _, _ = offered(ws, table, least=Decimal(), with_examples=False)
    by_id = {one.suggestion.id: one for one in fresh}
    for wanted in suggestion_ids:
        if wanted not in by_id:
            raise NotFound("suggest.no-such-suggestion", id=wanted, table=table)
    snapshot = Snapshots(ws).id_of(table)
    return [by_id[wanted] for wanted in dict.fromkeys(suggestion_ids)], snapshot


def _decide(
    uow: Uow,
    table: str,
    snapshot: str,
    one: Suggestion,
    verdict: str,
    judge: str,
    reason: str,
    content: str = "",
) -> None:
    rule = sha256(canonical(written(one)))
    made = Verdict(
        _node(table, one.id), table, snapshot, one.kind, ids.column(table, one.column, snapshot),
        rule, verdict, judge, reason, content,
    )  # fmt: skip
    known = uow.find(Verdict, made.id)
    if known is None or (known.verdict, known.rule, known.content) != (verdict, rule, content):
        uow.add(made, f"suggestion.{verdict}")
