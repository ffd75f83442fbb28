"""Approve: a second person answers for content as it stands."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from sanhua.asset.party import Party
from sanhua.capital import disclose
from sanhua.capital.disclose import DisclosureNote, State
from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Denied, Diagnostic, Invalid, NotFound, Severity
from sanhua.kernel.ledger import Book
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import ADDED, Ref, record
from sanhua.kernel.time import Period, legal_day, parse_day
from sanhua.verify import canonical
from sanhua.workspace.explaining import resolve
from sanhua.workspace.opening import Workspace

# Who may answer for what; other kinds take any of these roles.
OF_ENTITY = ("asset", "revenue_judgement", "subsidy")  # by its own people
ROLES: dict[str, tuple[str, ...]] = dict.fromkeys(
    (*OF_ENTITY, "disclosure"), ("finance", "auditor")
)
ANY_ROLE = ("data_steward", "finance", "auditor", "admin", "operator")


@record("approval")
@dataclass(frozen=True, slots=True)
class Approval:
    """批准. `content` is the seal-free hash of what was approved (the record's body); another body
    voids it.

    `signature` is the person's own Ed25519 signature over `statement()` by `key` (the public one,
    raw, in base64), or empty when the person gave no key: then the log shows who was named, under
    the project's key only.
    """

    id: str
    node: Annotated[str, Ref("approves")]
    content: str
    person: Annotated[str, Ref("approved_by")]
    role: str
    at: str
    signature: str = ""
    key: str = ""
    sealed_on: Annotated[date | None, ADDED] = None  # 签章日, of an auditor's of a disclosure

    def statement(self) -> bytes:
        """The bytes that are signed: the act without its id, signature and key (RFC 8785)."""
        keys = ("node", "content", "person", "role", "at")
        said = {key: getattr(self, key) for key in keys}
        if self.sealed_on:
            said["sealed_on"] = self.sealed_on.isoformat()
        return canonical(said)


def approve(
    ws: Workspace,
    name: str,
    person_id: str,
    *,
    role: str = "",
    key: Path | None = None,
    sealed_on: date | None = None,
) -> dict[str, Any]:
    """Record that `person` answers for the content of `name` as it stands; once is enough.

    An auditor's approval of a disclosure with `sealed_on` seals it: nothing changes it any more,
    and the books of the year are closed for adjustments too.

    Denied approve.maker-is-checker when the person made or judged it, approve.role when no fitting
    role is held, approve.no-declared-key when the key is not one that parties.yaml knows,
    approve.not-independent for an auditor of the entity's own; Conflict approve.not-current when
    the file was edited since the last run, approve.assets-open, approve.not-approved for a
    disclosure that is not as far yet, approve.sealed; Invalid approve.seals-nothing,
    approve.seal-day.
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    node = resolve(ws, name)
    person = ws.project.parties.get(person_id)
    if person is None or not person.person:
        raise NotFound("approve.no-such-person", person=person_id)
    kept = ws.store.kept(node)
    if kept.fields is None:
        raise NotFound("explain.no-such-node", node=node)
    _must_be_current(ws, kept.fields)
    if person.id in _makers(kept.fields) | _drawers(ws, node, kept):
        raise Denied("approve.maker-is-checker", person=person_id, node=node)
    entity = str(kept.fields.get("entity", "")) if kept.kind in OF_ENTITY else ""
    if entity and ids.key_of(person.of) != ids.key_of(entity):
        raise Denied(
            "approve.other-entity", person=person_id, of=ids.key_of(person.of), node=node,
            entity=ids.key_of(entity),
        )  # fmt: skip
    fitting = [held for held in person.roles if held in ROLES.get(kept.kind, ANY_ROLE)]
    if not fitting or (role and role not in fitting):
        wanted = role or ", ".join(ROLES.get(kept.kind, ANY_ROLE))
        held = ", ".join(person.roles) or "–"
        raise Denied("approve.role", person=person_id, held=held, node=node, wanted=wanted)
    private = own_key(ws, key, person.public_key) if key else None
    if kept.kind == "disclosure":
        _may_sign(ws, kept, person, role or fitting[0], sealed_on)
    elif sealed_on:
        raise Invalid("approve.seals-nothing", node=node)
    ws.store.must_go_on()
    with ws.store.begin(actor=ws.actor) as uow:
        terms = (node, kept.content, person.id, role or fitting[0], sealed_on)
        held = [one for one in standing(uow, node, kept.content) if _terms(one) == terms]
        given = max(held, key=lambda one: bool(one.signature), default=None)
        if given is None or (private and not given.signature):
            given = Approval(
                uow.new_id("apr"), *terms[:4], uow.now().isoformat(), sealed_on=sealed_on
            )
            if private:
                signature = base64.b64encode(private.sign(given.statement())).decode()
                public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
                given = replace(given, signature=signature, key=public)
            uow.add(given, "approval.given")
            if sealed_on:
                _close_year(ws, uow, kept.fields)
    ws.store.checkpoint()
    return {
        "node": given.node,
        "content": given.content,
        "person": given.person,
        "role": given.role,
        "at": given.at,
        "id": given.id,
        "event": ws.store.kept(given.id).event,
        "signed": bool(given.signature),
        "sealed_on": given.sealed_on.isoformat() if given.sealed_on else None,
    }


def _terms(given: Approval) -> tuple[str, str, str, str, date | None]:
    return given.node, given.content, given.person, given.role, given.sealed_on


# Disclosures


@dataclass(frozen=True, slots=True)
class Signed:
    """Who answers for a disclosure as it stands, by role, and the day it was sealed on."""

    by_role: dict[str, str]
    sealed_on: date | None


def signed(ws: Workspace, node: str) -> Signed:
    """The approvals of a disclosure that hold for its latest version; none when it is not kept."""
    if not ws.store.version_of(node):
        return Signed({}, None)
    content = ws.store.kept(node).content
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        found = standing(uow, node, content)
    days = [one.sealed_on for one in found if one.sealed_on]
    return Signed({one.role: one.person for one in found}, max(days, default=None))


def state_of(ws: Workspace, uow: Uow, note: DisclosureNote) -> State:
    """草稿, 已批准 or 已审计, as it stands now; no later memo takes a seal off."""
    content = ws.store.kept(note.id).content
    given = standing(uow, note.id, content)
    if any(one.sealed_on for one in given):
        return State.AUDITED
    by_role = {one.role: one.person for one in given}
    if "finance" not in by_role:  # then no memo has to be looked at
        return State.DRAFT
    approved = {a: bool(standing(uow, a, ws.store.kept(a).content)) for a in note.assets}
    return disclose.state_of(approved, by_role)


def _drawers(ws: Workspace, node: str, kept: Any) -> set[str]:
    """Of a disclosure: who drew it up, and who judged its assets."""
    if kept.kind != "disclosure":
        return set()
    found = {ws.store.told(node, kept.version).actor}
    for asset in kept.fields["assets"]:
        found |= _makers(ws.store.kept(asset).fields or {})
    return found


def _may_sign(ws: Workspace, kept: Any, person: Party, role: str, sealed_on: date | None) -> None:
    """The order of states: 草稿, then 已批准 by the entity's finance, then 已审计 by an auditor of
    another organisation.
    """
    node, fields = kept.id, kept.fields
    own = {entity.id for entity in ws.project.settings.entities} | {ids.key_of(fields["entity"])}
    of = ids.key_of(person.of)
    told = signed(ws, node)
    if told.sealed_on and told.by_role.get("auditor") != person.id:
        raise Conflict("approve.sealed", node=node, day=told.sealed_on.isoformat())
    if role == "auditor":
        if not of or of in own:
            raise Denied("approve.not-independent", person=person.id, of=of or "–", node=node)
        if "finance" not in told.by_role:
            raise Conflict("approve.not-approved", node=node)
    elif of not in own:
        raise Denied(
            "approve.other-entity", person=person.id, of=of, node=node,
            entity=ids.key_of(fields["entity"]),
        )  # fmt: skip
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        for asset in fields["assets"]:
            memo = ws.store.kept(asset)
            _must_be_current(ws, memo.fields or {})
            if not approved_by_role(uow, asset, memo.content):
                raise Conflict("approve.assets-open", node=node, asset=asset)
    if sealed_on is None:
        return
    if role != "auditor":
        raise Invalid("approve.seals-nothing", node=node)
    today, ends_on = legal_day(ws.clock.now()), parse_day(fields["ends_on"])
    if not ends_on <= sealed_on <= today:
        raise Invalid(
            "approve.seal-day",
            day=sealed_on.isoformat(),
            ends=ends_on.isoformat(),
            today=today.isoformat(),
        )


def _close_year(ws: Workspace, uow: Any, fields: dict[str, Any]) -> None:
    """A sealed year takes no adjustment any more. Conflict approve.adjustments-open while one that
    its statements show is not posted.
    """
    from sanhua.capital.measure import book_of
    from sanhua.workspace.adjusting import open_adjustments

    entities = {entity.id: entity for entity in ws.project.settings.entities}
    entity = entities.get(ids.key_of(fields["entity"]))
    if entity is None or fields["id"].partition("/")[0].endswith(".group"):
        return
    book = book_of(entity.id, entity.currency, entity.fiscal_year)
    starts, ends = parse_day(fields["starts_on"]), parse_day(fields["ends_on"])
    year = Period.year_of(ends - timedelta(days=1), entity.fiscal_year)
    if year.starts_on == starts and year.ends_on == ends and uow.find(Book, book.id):
        name = Period.adjusting(year).id
        if left := open_adjustments(ws, uow, entity, name):
            facts = {"asset": left[0].source, "period": name, "count": len(left)}
            raise Conflict("approve.adjustments-open", node=fields["id"], **facts)
        uow.close_period(book.id, Period(name, starts, ends))


def standing(uow: Uow, node: str, content: str) -> list[Approval]:
    """The approvals of `node` that still hold for `content`: given for it, soundly signed if
    signed.
    """
    found = [uow.get(Approval, e.src) for e in uow.edges_to(node) if e.verb == "approves"]
    return [one for one in found if one.content == content and is_sound(one)]


def is_sound(approval: Approval) -> bool:
    """Whether its signature, if it has one, is by the key that it names over what it says."""
    from sanhua.workspace.dealing import made_by

    return not approval.signature or made_by(approval.key, approval.signature, approval.statement())


def voided(ws: Workspace) -> list[Diagnostic]:
    """A warning for every thing whose approval no longer holds and was not given again."""
    found: list[Diagnostic] = []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        last = {(one.node, one.role): one for one in uow.all(Approval)}
        for (of, role), one in last.items():
            kept = ws.store.kept(of)
            if role not in approved_by_role(uow, of, kept.content):
                card = ws.project.assets.get(ids.key_of(of)) if kept.kind == "asset" else None
                path, line = (card.origin.path, card.origin.line) if card else ("", 0)
                facts = {"approval": one.id, "person": ids.key_of(one.person), "role": role}
                code = "approve.voided" if is_sound(one) else "approve.unsound"
                found.append(
                    Diagnostic(
                        Severity.WARNING,
                        code,
                        path,
                        line,
                        node=of,
                        facts=facts | {"at": one.at[:10]},
                    )
                )
    return found


def approved_by_role(uow: Uow, node: str, content: str) -> dict[str, str]:
    """Role → person of the approvals that still hold for `content`."""
    return {one.role: one.person for one in standing(uow, node, content)}


def _makers(fields: dict[str, Any]) -> set[str]:
    """The people whose work or judgement it is."""
    found: set[str] = set()
    for key, value in fields.items():
        if key in ("judged_by", "judged", "made_by", "by") and isinstance(value, str) and value:
            found.add(value if value.startswith("party:") else ids.node("party", value))
        elif isinstance(value, dict):
            found |= _makers(value)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, list):
            for element in value:  # pyright: ignore[reportUnknownVariableType]
                if isinstance(element, dict):
                    found |= _makers(element)  # pyright: ignore[reportUnknownArgumentType]
    return found


def _must_be_current(ws: Workspace, fields: dict[str, Any]) -> None:
    """What is approved must be what the folder says now."""
    current = {origin.sha256 for origin in ws.project.files.values()}
    for key in ("file", "definition", "defined_by"):
        value = fields.get(key)
        if isinstance(value, str) and value.startswith("sha256:") and value not in current:
            raise Conflict("approve.not-current", node=str(fields.get("id", "")))


def own_key(ws: Workspace, key: Path, declared: str) -> Any:
    """The Ed25519 private key in the file `key`; `declared` is the public key that parties.yaml
    names for its owner ("": none).

    Invalid approve.key, approve.public-key; Denied approve.no-declared-key, approve.other-key when
    the two do not belong together.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
        load_pem_public_key,
    )

    try:
        private = load_pem_private_key(key.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid("approve.key", path=str(key)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Invalid("approve.key", path=str(key))
    if not declared:
        raise Denied("approve.no-declared-key", path=str(key))
    try:
        public = load_pem_public_key((ws.root / declared).read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("approve.public-key", path=declared) from error
    raw = (Encoding.Raw, PublicFormat.Raw)
    if public.public_bytes(*raw) != private.public_key().public_bytes(*raw):
        raise Denied("approve.other-key", path=str(key), declared=declared)
    return private
