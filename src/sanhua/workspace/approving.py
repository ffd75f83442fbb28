"""Approve: a second person answers for content as it stands."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Denied, Diagnostic, Invalid, NotFound, Severity
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, record
from sanhua.verify import canonical
from sanhua.workspace.explaining import resolve
from sanhua.workspace.opening import Workspace

# Who may answer for what; other kinds take any of these roles.
ROLES = {"asset": ("finance", "auditor"), "disclosure": ("finance", "auditor")}
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

    def statement(self) -> bytes:
        """The bytes that are signed: the act without its id, signature and key (RFC 8785)."""
        keys = ("node", "content", "person", "role", "at")
        return canonical({key: getattr(self, key) for key in keys})


def approve(
    ws: Workspace, name: str, person_id: str, *, role: str = "", key: Path | None = None
) -> dict[str, Any]:
    """Record that `person` answers for the content of `name` as it stands; once is enough.

    Denied approve.maker-is-checker when the person made or judged it, approve.role when no fitting
    role is held, approve.no-declared-key when the key is not one that parties.yaml knows; Conflict
    approve.not-current when the file was edited since the last run.
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
    if person.id in _makers(kept.fields):
        raise Denied("approve.maker-is-checker", person=person_id, node=node)
    entity = str(kept.fields.get("entity", "")) if kept.kind == "asset" else ""
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
    ws.store.must_go_on()
    with ws.store.begin(actor=ws.actor) as uow:
        terms = (node, kept.content, person.id, role or fitting[0])
        held = [one for one in standing(uow, node, kept.content) if _terms(one) == terms]
        given = max(held, key=lambda one: bool(one.signature), default=None)
        if given is None or (private and not given.signature):
            given = Approval(uow.new_id("apr"), *terms, uow.now().isoformat())
            if private:
                signature = base64.b64encode(private.sign(given.statement())).decode()
                public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
                given = replace(given, signature=signature, key=public)
            uow.add(given, "approval.given")
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
    }


def _terms(given: Approval) -> tuple[str, str, str, str]:
    return given.node, given.content, given.person, given.role


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
