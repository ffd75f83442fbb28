"""Dispute: issues of quality and objections to data, opened, answered and closed by people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sanhua.asset.party import Party
from sanhua.kernel import ids
from sanhua.kernel.errors import Denied, Invalid, NotFound
from sanhua.kernel.ports import Uow
from sanhua.project.read import nearest_or_some
from sanhua.resource.contract import DataContract
from sanhua.resource.quality.issues import (
    ISSUE,
    OBJECTION,
    Handled,
    IssueAct,
    Step,
    act,
    case_of,
    cases,
    open_issue,
)
from sanhua.verify import sha256
from sanhua.workspace.opening import Workspace

STEWARD = "data_steward"
_FOR_STEWARDS = frozenset({Step.ASSIGN, Step.ACCEPT, Step.REJECT})


def raise_case(
    ws: Workspace,
    about: str,
    person: str,
    *,
    kind: str = ISSUE,
    title: str = "",
    reason: str = "",
    owner: str = "",
    papers: Sequence[str] = (),
    answers: str = "",
) -> dict[str, Any]:
    """Open an issue, or file an objection, on a check, a column or a contract.

    The owner is the first steward of the default entity unless one is named; Invalid
    quality.no-steward when there is none.
    """
    _must_have_run(ws)
    if "/" in about and ":" not in about:  # as `quality rows` takes a check
        about = ids.node("check", about)
    contract = _contract(ws, about)
    node = about if ":" in about else ids.node("resource", contract.id)
    evidence = [sha256((ws.root / paper).read_bytes()) for paper in papers]
    with ws.store.begin(actor=ws.actor) as uow:
        by = _person(uow, person)
        made = open_issue(
            uow,
            contract,
            node,
            by.id,
            _owner(ws, uow, owner),
            kind=kind,
            title=title,
            reason=reason,
            evidence=evidence,
            answers=answers,
        )
        told = to_json(case_of(uow, made.id))
    ws.store.checkpoint()
    return told


def perform(
    ws: Workspace,
    issue: str,
    step: Step,
    person: str,
    *,
    kind: str = ISSUE,
    to: str = "",
    papers: Sequence[str] = (),
    **said: Any,
) -> dict[str, Any]:
    """One step of a case, and where it then stands."""
    _must_have_run(ws)
    evidence = [sha256((ws.root / paper).read_bytes()) for paper in papers]
    with ws.store.begin(actor=ws.actor) as uow:
        by = _person(uow, person)
        case = case_of(uow, issue)
        _may(case, step, by)
        heir = _person(uow, to).id if to else ""
        act(
            uow,
            issue,
            step,
            by.id,
            kind=kind,
            to=heir,
            evidence=evidence,
            contract=ws.project.contracts.get(case.issue.contract),
            **said,
        )
        told = to_json(case_of(uow, issue))
    ws.store.checkpoint()
    return told


def listed(
    ws: Workspace, *, kind: str = "", contract: str = "", all: bool = False
) -> list[dict[str, Any]]:
    """The cases under way (or all), those overdue first."""
    if not ws.has_store:
        return []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return [to_json(one) for one in cases(uow, contract=contract, kind=kind, all=all)]


def shown(ws: Workspace, issue: str) -> dict[str, Any]:
    """One case with its steps."""
    _must_have_run(ws)
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return to_json(case_of(uow, issue))


def to_json(case: Handled) -> dict[str, Any]:
    issue, due = case.issue, case.due
    return {
        "id": issue.id,
        "kind": issue.kind,
        "contract": issue.contract,
        "about": issue.about,
        "title": issue.title,
        "reason": issue.reason,
        "by": ids.key_of(issue.by),
        "owner": ids.key_of(case.owner),
        "opened_on": issue.opened_on.isoformat(),
        "state": case.state.value,
        "state_label": {"zh": case.state.label.zh, "en": case.state.label.en},
        "days": issue.days,
        "due": due.isoformat() if due else "",
        "due_label": {"zh": case.due_label.zh, "en": case.due_label.en},
        "done_on": case.done_on.isoformat() if case.done_on else "",
        "overdue": case.overdue,
        "reopened": case.reopened,
        "found": dict(issue.found),
        "evidence": list(issue.evidence),
        "answers": issue.answers,
        "acts": [_act(one) for one in case.acts],
        "next": [step.value for step in case.next_steps],
    }


def _act(one: IssueAct) -> dict[str, Any]:
    return {
        "id": one.id,
        "step": one.step.value,
        "by": ids.key_of(one.by),
        "on": one.on.isoformat(),
        "to": ids.key_of(one.to) if one.to else "",
        "text": one.text,
        "verdict": one.verdict,
        "commit": one.commit,
        "snapshots": list(one.snapshots),
        "definition": one.definition,
        "evidence": list(one.evidence),
    }


def _must_have_run(ws: Workspace) -> None:
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))


def _contract(ws: Workspace, about: str) -> DataContract:
    """The contract that a check, a column, a table or a contract is of."""
    key = ids.key_of(about)
    table = key.partition("/")[0] if about.startswith("check:") else key.partition("@")[0]
    if about.startswith("col:"):
        table = table.rpartition(".")[0]
    for contract in ws.project.contracts.values():
        if table == contract.id or any(one.name == table for one in contract.tables):
            return contract
    near = nearest_or_some(table, ws.project.contracts)
    raise NotFound("quality.unknown-contract", contract=table, nearest=near)


def _person(uow: Uow, name: str) -> Party:
    found = uow.find(Party, ids.node("party", ids.key_of(name)))
    if found is None or not found.person:
        raise NotFound("approve.no-such-person", person=ids.key_of(name))
    return found


def _owner(ws: Workspace, uow: Uow, name: str) -> str:
    if name:
        return _person(uow, name).id
    entity = ids.node("party", ws.entity)
    for party in ws.project.parties.values():
        if party.person and party.of == entity and STEWARD in party.roles:
            return party.id
    raise Invalid("quality.no-steward", entity=ws.entity)


def _may(case: Handled, step: Step, by: Party) -> None:
    """Assigning, accepting and rejecting are a steward's; answering and fixing the owner's or a
    steward's; closing anybody's who is not who answered. An objector does not decide the objection.
    """
    steward = STEWARD in by.roles
    allowed = steward or (step not in _FOR_STEWARDS and by.id in (case.owner, case.issue.by))
    own = case.issue.kind == OBJECTION and by.id == case.issue.by and step is not Step.CLOSE
    if not allowed or own:
        raise Denied(
            "quality.may-not", issue=case.issue.id, person=ids.key_of(by.id), step=step.value
        )
