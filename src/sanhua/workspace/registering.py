"""Registration: acts of applicants and registrars, where a case stands, and its dossier."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from sanhua.asset import register as stage
from sanhua.asset.case import Case, Clock, RegistrationAct, case_of
from sanhua.asset.form import PROPERTY_RIGHT, RegistrationPlan, fill, missing
from sanhua.asset.register import FilledForm
from sanhua.asset.rights import RightsClaim
from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid, NotFound
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, plain, record
from sanhua.kernel.time import parse_day
from sanhua.project.read import nearest_or_some
from sanhua.resource.grade import Grade, Grading
from sanhua.resource.publish import PERSONAL, DataResource
from sanhua.resource.quality import Quality
from sanhua.verify import sha256
from sanhua.workspace.opening import Workspace

SAMPLE_ROWS = 20

STEPS: dict[str, Callable[..., RegistrationAct]] = {
    "apply": stage.apply,
    "accept": stage.accept,
    "ask": stage.ask,
    "supply": stage.supply,
    "extend": stage.extend,
    "review": stage.review,
    "publish": stage.publish,
    "object": stage.object_to,
    "notify": stage.notify,
    "decide": stage.decide,
    "deposit": stage.deposit,
    "certify": stage.certify,
    "renew": stage.renew,
    "transfer": stage.transfer,
    "change": stage.change,
    "cancel": stage.cancel,
}
ON_THE_FORM = ("apply", "supply", "change")  # they hand in the form as the folder says it now


@record("dossier")
@dataclass(frozen=True, slots=True)
class Dossier:
    """登记材料 `dossier:<registration>`: the files that were handed in, by hash, and the acts."""

    id: str
    registration: Annotated[str, Ref("documents")]
    content: str
    state: str
    files: tuple[Annotated[str, Ref("holds")], ...]
    names: tuple[str, ...]
    acts: tuple[Annotated[str, Ref("tells")], ...]
    certificate: Annotated[str, Ref("certified_by")] = ""


def plan_of(ws: Workspace, name: str) -> RegistrationPlan:
    """The entry that rights/*.yaml declares; NotFound registration.unknown, Invalid
    registration.other-kind.
    """
    key = ids.key_of(name)
    plan = ws.project.registrations.get(key)
    node = ids.node("registration", key)
    if plan is None:
        known = nearest_or_some(key, ws.project.registrations)
        raise NotFound("registration.unknown", node=node, registration=key, known=known)
    if plan.kind != PROPERTY_RIGHT:
        raise Invalid("registration.other-kind", node=node, registration=key, kind=plan.kind)
    return plan


def perform(ws: Workspace, name: str, step: str, person: str, **said: Any) -> dict[str, Any]:
    """Do one act of a case and say where it then stands."""
    plan = plan_of(ws, name)
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    if papers := said.pop("papers", ()):
        said["evidence"] = [sha256((ws.root / paper).read_bytes()) for paper in papers]
    if "through" in said:
        said["through"] = parse_day(said["through"]) if said["through"] else None
    with ws.store.begin(actor=ws.actor) as uow:
        case_of(uow, plan.id)
        if step in ON_THE_FORM:
            said["fresh"] = fill(uow, plan)
        act = STEPS[step](uow, plan.id, person, **said)
        told = _told(case_of(uow, plan.id))
    ws.store.checkpoint()
    return {"act": _act(act), **told}


def status(ws: Workspace, name: str) -> dict[str, Any]:
    """State, clocks with due day and clause, what the form lacks, what may be done next."""
    plan = plan_of(ws, name)
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return _told(case_of(uow, plan.id))


def _told(case: Case) -> dict[str, Any]:
    kept, held = case.registration, case.certificate
    certificate = None
    if held is not None:
        certificate = {
            "number": ids.key_of(held.id),
            "holder": ids.key_of(held.holder),
            "rights": sorted(right.value for right in held.rights),
            "issued": held.issued_on.isoformat(),
            "from": held.starts_on.isoformat(),
            "through": (held.ends_on - timedelta(days=1)).isoformat(),
            "status": held.status,
        }
    return {
        "registration": kept.id,
        "state": case.state.value,
        "state_label": {"zh": case.state.label.zh, "en": case.state.label.en},
        "applicant": ids.key_of(kept.applicant),
        "holder": ids.key_of(case.holder),
        "registrar": ids.key_of(kept.registrar),
        "rights": sorted(right.value for right in kept.rights),
        "request": case.request.step.value if case.request else "",
        "objections": list(case.objections),
        "rectify": case.rectify,
        "certificate": certificate,
        "clocks": [_clock(clock, case) for clock in case.clocks()],
        "missing": [
            {"field": one.id, "title": {"zh": one.title.zh, "en": one.title.en}}
            for one in missing(kept, case.rules, case.today)
        ],
        "form": dict(kept.form),
        "notice": stage.notice(case),
        "acts": [_act(act) for act in case.acts],
        "next": [step.value for step in case.next_steps()],
    }


def _clock(clock: Clock, case: Case) -> dict[str, Any]:
    rule = clock.rule
    return {
        "id": clock.id,
        "title": {"zh": clock.title.zh, "en": clock.title.en},
        "working_days": clock.days,
        "from": clock.starts_on.isoformat(),
        "due": clock.due.isoformat() if clock.due else None,
        "done": clock.done_on.isoformat() if clock.done_on else None,
        "stopped": clock.due is None,
        "overdue": clock.overdue(case.today),
        "rule": {
            "instrument": rule.instrument,
            "number": rule.number,
            "clause": rule.clause,
            "tag": rule.tag,
        },
    }


def _act(act: RegistrationAct) -> dict[str, Any]:
    """The act without what it leaves empty."""
    said: dict[str, Any] = plain(act)
    for name in ("registration", "form", "before", "declared", "definition"):
        said.pop(name)
    return {name: value for name, value in said.items() if value not in ("", None, [], {}, 0)}


# The dossier


def dossier(ws: Workspace, name: str) -> dict[str, Any]:
    """Write `registration-<id>.zip`: form (JSON, XLSX), description, sample, and the records with
    their proofs, in one signed bundle.
    """
    from sanhua.workspace.explaining import prove

    plan = plan_of(ws, name)
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        case = case_of(uow, plan.id)
        files, told = _files(ws, uow, case)
    with ws.store.begin(actor=ws.actor) as uow:
        made = Dossier(
            ids.node("dossier", plan.id),
            case.registration.id,
            case.registration.hash,
            case.state.value,
            tuple(sha256(data) for data in files.values()),
            tuple(files),
            tuple(act.id for act in case.acts),
            case.certificate.id if case.certificate else "",
        )
        uow.add(made, "dossier.made")
    ws.out.mkdir(parents=True, exist_ok=True)
    out = ws.out / f"registration-{plan.id}.zip"
    proven = prove(ws, made.id, out, files)
    return {
        "registration": case.registration.id,
        "state": case.state.value,
        "state_label": {"zh": case.state.label.zh, "en": case.state.label.en},
        "certificate": ids.key_of(made.certificate) if made.certificate else None,
        "file": out.relative_to(ws.root).as_posix(),
        "holds": list(files),
        "records": proven["records"],
        **told,
    }


def _files(ws: Workspace, uow: Uow, case: Case) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of the dossier by name, and what to say of them."""
    from sanhua.report.registration import workbook

    kept = case.registration
    claim = uow.get(RightsClaim, kept.claim)
    resource = uow.get(DataResource, claim.resource)
    forms = stage.filled_forms(uow, case)
    lacking = [one.id for one in missing(kept, case.rules, case.today)]
    gradings = [uow.get(Grading, ids.node("grade", ids.key_of(t.table))) for t in resource.tables]
    withheld = _withheld(gradings)
    forms_json = {
        "registration": kept.id,
        "state": case.state.value,
        "certificate": ids.key_of(case.certificate.id) if case.certificate else None,
        "missing": lacking,
        "forms": [_form(one) for one in forms],
    }
    description = {
        "registration": kept.id,
        "resource": resource.id,
        "tables": _tables(ws, resource, gradings),
        "grade": {"value": resource.grade.value, "title": resource.grade.title.zh},
        "personal": resource.personal,
        "quality": _quality(uow.get(Quality, resource.quality)),
        "claim": plain(claim),
        "evidence": _evidence(ws, claim),
        "sample": {"included": not withheld, "withheld_because": withheld},
    }
    files = {"form.json": _json(forms_json), "form.xlsx": workbook(kept.id, case.state, forms)}
    files["description.json"] = _json(description)
    if not withheld:
        for table in resource.tables:
            name = ids.key_of(table.table)
            files[f"sample-{name}.csv"] = _sample(ws, name)
    return files, {"missing": lacking, "sample": not withheld, "withheld_because": withheld}


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _form(form: FilledForm) -> dict[str, Any]:
    return {
        "id": form.id,
        "title": {"zh": form.title.zh, "en": form.title.en},
        "fields": [
            {"id": one.id, "zh": one.title.zh, "en": one.title.en, "part": one.part, "value": text}
            for one, text in form.rows
        ],
    }


def _withheld(gradings: Sequence[Grading]) -> str:
    """The first column that keeps a sample from being shown; empty when there is none."""
    for grading in gradings:
        for column in grading.columns:
            if column.category in PERSONAL or column.grade >= Grade.IMPORTANT:
                why = column.category if column.category in PERSONAL else column.grade.value
                return f"{grading.table}.{column.name} {why}"
    return ""


def _tables(
    ws: Workspace, resource: DataResource, gradings: Sequence[Grading]
) -> list[dict[str, Any]]:
    contract = ws.project.contracts[ids.key_of(resource.id)]
    graded = {g.table: {column.name: column for column in g.columns} for g in gradings}
    rows = {ids.key_of(table.table): table.rows for table in resource.tables}
    found: list[dict[str, Any]] = []
    for table in contract.tables:
        columns: list[dict[str, Any]] = []
        for prop in table.properties:
            grade = graded[table.name].get(prop.name)
            columns.append(
                {
                    "name": prop.name,
                    "title": str(prop.title),
                    "type": prop.logical_type,
                    "required": prop.required,
                    "element": prop.element,
                    "grade": grade.grade.value if grade else "",
                    "category": grade.category if grade else "",
                }
            )
        found.append({"name": table.name, "rows": rows[table.name], "columns": columns})
    return found


def _quality(quality: Quality) -> dict[str, Any]:
    return {
        "id": quality.id,
        "score": None if quality.score is None else format(quality.score, "f"),
        "checks": quality.checks,
        "passed": quality.passed,
        "failed": quality.failed,
        "errors": quality.errors,
        "not_assessable": quality.not_assessable,
        "dimensions": [
            {
                "id": one.id,
                "title": str(one.title),
                "score": None if one.score is None else format(one.score, "f"),
            }
            for one in quality.dimensions
        ],
    }


def _evidence(ws: Workspace, claim: RightsClaim) -> list[dict[str, str]]:
    """The papers by hash, with what the folder calls them now."""
    declared = ws.project.claims.get(ids.key_of(claim.id))
    names: Mapping[str, str] = (
        {paper.sha256: paper.path or paper.title for paper in declared.evidence} if declared else {}
    )
    return [{"sha256": digest, "name": names.get(digest, "")} for digest in claim.evidence]


def _sample(ws: Workspace, table: str) -> bytes:
    """The first rows in the order of all columns."""
    from sanhua import sql
    from sanhua.workspace.snapshots import Snapshots

    snapshots = Snapshots(ws)
    snapshots.bind(table)
    names = [column.name for column in snapshots.manifest(table).columns]
    quoted = ", ".join(map(sql.quote, names))
    query = f"SELECT {quoted} FROM {sql.quote(table)} ORDER BY {quoted} LIMIT {SAMPLE_ROWS}"
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(ws.engine.query(query))
    return buffer.getvalue().encode("utf-8-sig")
