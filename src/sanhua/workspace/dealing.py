"""Deals: resolved from files, signed by both sides, opened by tokens, served from keyed files."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import time as host_seconds
from typing import TYPE_CHECKING, Any, cast

from sanhua.asset.contract import (
    AccessToken,
    DealEnd,
    Decision,
    Revocation,
    Serving,
    Signature,
    UsageContract,
    agree,
    compile_decision,
    end_deal,
    lasts_until,
    may_provide,
    must_be_signed,
    resolve,
    revocation_of,
    rights_until,
    sign,
    signatures,
    statement,
)
from sanhua.asset.party import Party, enrol
from sanhua.asset.policy import Deal
from sanhua.asset.product import DataProduct
from sanhua.asset.revenue import weigh
from sanhua.asset.rights import RightsClaim, inherited
from sanhua.kernel import ids
from sanhua.kernel.errors import (
    Broken,
    Conflict,
    Denied,
    Diagnostic,
    Invalid,
    NotFound,
    SanhuaError,
)
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Edge, R, kind_of
from sanhua.kernel.table import Sold
from sanhua.kernel.time import SHANGHAI, add_months, legal_day, parse_day
from sanhua.resource.lineage import Table
from sanhua.store.disk import write_first
from sanhua.verify import canonical, sha256
from sanhua.workspace.opening import Workspace
from sanhua.workspace.refusing import refusals
from sanhua.workspace.snapshots import Snapshots

if TYPE_CHECKING:
    from sanhua.store.unit import SqlUow

PURPOSES = "purposes"  # the code list of purposes
UNSERVED_S = 3600  # age at which a keyed file that no deal names is removed


def resolved(ws: Workspace, uow: Uow, deal: Deal) -> UsageContract:
    """The deal's file closed over the project as it is now."""
    project = ws.project
    product = project.products[deal.product]
    names = dict.fromkeys((product.policy, deal.policy))
    policies = [project.policies[name] for name in names if name]
    grant = inherited(project.grants, project.grants[deal.grant]) if deal.grant else None
    made = resolve(
        uow, deal, product, policies, project.parties, project.codes.get(PURPOSES), grant
    )
    prefix = f"{made.id}/"
    lines = {
        key.removeprefix(prefix): at.line
        for key, at in project.places.items()
        if key.startswith(prefix) and "/" not in key.removeprefix(prefix)
    }
    return replace(made, path=deal.origin.path, lines=lines)


def agreed(ws: Workspace, uow: Uow, deal: Deal) -> tuple[UsageContract, list[Diagnostic]]:
    """Keep the deal's terms as they are now, or report that signed ones were edited."""
    found = agree(uow, resolved(ws, uow, deal))
    return uow.get(UsageContract, ids.node("deal", deal.id)), found


def contract_of(uow: Uow, name: str) -> UsageContract:
    """The kept contract; NotFound deal.unknown."""
    node = ids.node("deal", ids.key_of(name))
    contract = uow.find(UsageContract, node)
    if contract is None:
        known = ", ".join(ids.key_of(one.id) for one in uow.all(UsageContract)) or "–"
        raise NotFound("deal.unknown", node=node, deal=ids.key_of(name), known=known)
    return contract


def overview(ws: Workspace) -> list[dict[str, Any]]:
    """Every deal that is kept: its sides, who has signed, its state today and its tokens."""
    found: list[dict[str, Any]] = []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        today = uow.today()
        tokens = list(uow.all(AccessToken))
        for contract in uow.all(UsageContract):
            signed = signatures(uow, contract)
            ends_on = lasts_until(uow, contract)
            state = "offered" if not signed else "half_signed" if len(signed) < 2 else "in_force"
            if state == "in_force" and today < contract.terms.starts_on:
                state = "signed"
            if today >= ends_on:
                state = "ended"
            found.append(
                {
                    "deal": contract.id,
                    "terms": contract.hash,
                    "product": contract.product,
                    "provider": contract.provider,
                    "consumer": contract.consumer,
                    "state": state,
                    "from": contract.terms.starts_on.isoformat(),
                    "through": (ends_on - timedelta(days=1)).isoformat(),
                    "signed_by": {party: made.person for party, made in signed.items()},
                    "tokens": [
                        {
                            "id": token.id,
                            "label": token.label,
                            "revoked": revocation_of(uow, token) is not None,
                        }
                        for token in tokens
                        if token.deal == contract.id
                    ],
                }
            )
    return found


# Signing


@refusals("deal.sign")
def sign_deal(ws: Workspace, name: str, person_id: str, key: Path) -> dict[str, Any]:
    """Sign the terms as the file resolves to them now, with a key that parties.yaml declares.

    The file must be what was kept last (`run` keeps it): Conflict deal.edited-since-run. Denied
    deal.no-declared-key, approve.other-key, deal.not-a-party.
    """
    person = ws.project.parties.get(person_id)
    if person is None:
        raise NotFound("approve.no-such-person", person=person_id)
    deal = ws.project.deals.get(ids.key_of(name))
    ws.store.must_go_on()
    with ws.store.begin(actor=person.id) as uow:
        now = resolved(ws, uow, deal) if deal is not None else None
        contract = contract_of(uow, name)
        if deal is not None and now is not None and now.hash != contract.hash:
            if len(signatures(uow, contract)) == 2:
                raise Conflict(
                    "deal.changed-after-signing", **_signed_facts(ws, uow, deal, contract)
                )
            raise Conflict("deal.edited-since-run", node=contract.id, deal=deal.id)
        organisation = ws.project.parties.get(ids.key_of(person.of)) if person.of else person
        declared = person.public_key or (organisation.public_key if organisation else "")
        if not declared:
            raise Denied("deal.no-declared-key", node=contract.id, person=person_id)
        from sanhua.workspace.approving import own_key

        private = own_key(ws, key, declared)
        public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
        owner = person if person.public_key or organisation is None else organisation
        enrol(uow, replace(owner, keys=(public,)))  # the log tells of the key before its use
        at = uow.now().isoformat()
        party = person.of or person.id
        said = statement(contract.id, contract.hash, party, person.id, at)
        signature = base64.b64encode(private.sign(said)).decode()
        made = sign(uow, contract, person, at, public, signature)
        both = len(signatures(uow, contract)) == 2
        if both and any(share.rest == "lineage" for share in contract.terms.shares):
            weigh(uow, contract)
    served = serve_file(ws, contract) if both else None
    ws.store.checkpoint()
    return {
        "deal": contract.id,
        "terms": contract.hash,
        "party": made.party,
        "person": made.person,
        "at": made.at,
        "alg": made.alg,
        "key": made.key,
        "sig": made.sig,
        "in_force": both,
        "rows": served.rows if served else None,
    }


def is_signed(uow: Uow, signature: Signature) -> bool:
    """Whether a key that the signer or its organisation declared made it over what it says."""
    sides = (uow.find(Party, node) for node in (signature.party, signature.person))
    declared = any(signature.key in side.keys for side in sides if side is not None)
    return declared and made_by(signature.key, signature.sig, signature.statement())


def made_by(public: str, signature: str, said: bytes) -> bool:
    """Whether the Ed25519 key `public` made `signature` over `said` (key and signature base64)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature, validate=True), said)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signed_facts(ws: Workspace, uow: Uow, deal: Deal, contract: UsageContract) -> dict[str, Any]:
    from sanhua.asset.contract import differences

    now = resolved(ws, uow, deal)
    return {
        "path": deal.origin.path,
        "line": deal.origin.line,
        "node": contract.id,
        "deal": deal.id,
        "keys": ", ".join(differences(contract.terms, now.terms)),
        "parties": ", ".join(ids.key_of(party) for party in signatures(uow, contract)),
    }


def key_pair(ws: Workspace, party_id: str, out: Path) -> dict[str, Any]:
    """Make an Ed25519 key pair: the private key in the new file `out`, the public one where
    parties.yaml says that the party's is.

    Invalid key.not-declared when parties.yaml names no public key, Conflict key.exists.
    """
    party = ws.project.parties.get(party_id)
    if party is None:
        raise NotFound("approve.no-such-person", person=party_id)
    if not party.public_key:
        raise Invalid("key.not-declared", party=party_id)
    public = ws.root / party.public_key
    for path in (out, public):
        if path.exists():
            raise Conflict("key.exists", path=str(path))
    from sanhua.store.keys import new_key

    public.parent.mkdir(parents=True, exist_ok=True)
    new_key(out, public)
    return {"party": party.id, "private": str(out), "public": party.public_key}


# Tokens and ends


@refusals("deal.token")
def new_token(ws: Workspace, name: str, label: str) -> dict[str, Any]:
    """A bearer token of a signed deal. It is shown once; the store keeps its hash."""
    secret = f"sh_{secrets.token_urlsafe(32)}"
    with ws.store.begin(actor=ws.actor) as uow:
        contract = contract_of(uow, name)
        must_be_signed(uow, contract)
        token = AccessToken(uow.new_id("tok"), contract.id, token_hash(secret), label)
        uow.add(token, "token.issued")
    return {"id": token.id, "deal": contract.id, "token": secret, "label": label}


def token_hash(secret: str) -> str:
    """What is kept of a token. It holds 256 random bits, so one SHA-256 is enough."""
    return sha256(secret.encode())


@refusals("deal.revoke", "token")
def revoke_token(ws: Workspace, token_id: str, reason: str) -> dict[str, Any]:
    """Close a token; gateways see it within a second. Again is a no-op."""
    with ws.store.begin(actor=ws.actor) as uow:
        token = uow.find(AccessToken, token_id)
        if token is None:
            raise NotFound("token.unknown", token=token_id)
        if revocation_of(uow, token) is None:
            uow.add(Revocation(uow.new_id("rvk"), token.id, reason), "token.revoked")
    return {"id": token.id, "deal": token.deal, "revoked": True}


@refusals("deal.end")
def end(ws: Workspace, name: str, day: str, reason: str) -> dict[str, Any]:
    """End a deal early, today when no day is given."""
    with ws.store.begin(actor=ws.actor) as uow:
        contract = contract_of(uow, name)
        made = end_deal(uow, contract, parse_day(day) if day else uow.today(), reason)
    return {"deal": contract.id, "ends_on": made.ends_on.isoformat(), "reason": reason}


# Serving


def serving_root(ws: Workspace) -> Path:
    """Keyed files; can be made again."""
    return ws.root / ".sanhua" / "serving"


def serve_file(ws: Workspace, contract: UsageContract) -> Serving:
    """The keyed file of a contract over the table's current snapshot, written when it must be.

    Within the agreed frequency the file of before stays, whatever came in since.
    """
    terms = contract.terms
    name = ws.project.products[ids.key_of(contract.product)].table
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        before = uow.find(Serving, _serving_id(contract))
        table = uow.get(Table, ids.node("table", name))
        today = uow.today()
    there = before is not None and (serving_root(ws) / before.file).exists()
    if before is not None and there and before.terms == contract.hash:
        if before.snapshot == table.snapshot or today < _next(before.since, terms.frequency):
            return before
    shape = {
        "snapshot": table.snapshot,
        "fields": list(terms.fields),
        "key": list(terms.key),
        "rows": terms.rows,
        "mask": dict(terms.mask),
        "for": contract.consumer if "token" in terms.mask.values() else "",
    }
    file = f"{sha256(canonical(shape)).removeprefix('sha256:')}.keyed"
    path = serving_root(ws) / file
    from sanhua.engine.keyed import select_of

    snapshots = Snapshots(ws)
    snapshots.bind(name)
    salt = _salt(ws, contract) if "token" in terms.mask.values() else ""
    sold = Sold(name, terms.fields, terms.key, terms.rows, terms.mask, salt)
    rows = ws.engine.keyed(sold, path)
    with path.open("rb") as kept:
        content = f"sha256:{hashlib.file_digest(kept, 'sha256').hexdigest()}"
    made = Serving(
        _serving_id(contract),
        contract.id,
        contract.hash,
        table.snapshot,
        file,
        content,
        rows,
        today,
        select_of(replace(sold, salt="…"), snapshots.manifest(name).columns)[0],
    )
    with ws.store.begin(actor=ws.actor) as uow:
        uow.add(made, "deal.served")
    remove_unserved(ws)
    return made


def is_served(ws: Workspace, contract: UsageContract) -> bool:
    """Whether the file that calls are answered from is there."""
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        serving = uow.find(Serving, _serving_id(contract))
    return serving is not None and (serving_root(ws) / serving.file).exists()


def _serving_id(contract: UsageContract) -> str:
    return ids.node("serving", ids.key_of(contract.id))


def _next(since: date, frequency: str) -> date:
    """The first day on which newer data may be shown."""
    if frequency == "month":
        return add_months(since, 1)
    return since + timedelta(days={"day": 1, "week": 7}.get(frequency, 0))


def _salt(ws: Workspace, contract: UsageContract) -> str:
    """The secret of a consumer's tokens for one product: equal values have equal tokens for this
    consumer and others for everybody else.

    The key behind it is made once. Broken keys.mask-missing when it is gone after a deal was served
    with it: with another one all tokens would be others.
    """
    path = ws.state / "keys" / "mask.key"
    if not path.exists():
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            for serving in uow.all(Serving):
                served = uow.find(UsageContract, serving.deal)
                if served is not None and "token" in served.terms.mask.values():
                    raise Broken("keys.mask-missing", file=str(path), deal=serving.deal)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_first(path, secrets.token_bytes(32))
    said = f"{contract.product} {contract.consumer}".encode()
    return hmac.new(path.read_bytes(), said, hashlib.sha256).hexdigest()


def is_over(uow: Uow, contract: UsageContract) -> bool:
    """Whether the deal gives nothing any more: its term or early end and its grace are past."""
    decision = compile_decision(contract, lasts_until(uow, contract))
    return decision.grace_ms <= int(uow.now().timestamp() * 1000)


def _may_serve(uow: Uow, serving: Serving) -> bool:
    try:
        contract = uow.find(UsageContract, serving.deal)
        return contract is not None and not is_over(uow, contract)
    except Exception:  # what cannot be read now may be put right
        return True


def served_files(uow: SqlUow) -> set[str]:
    """The names of the keyed files of deals that are in force or will be."""
    return {
        serving.file
        for _, serving in uow.each(Serving)
        if serving is not None and _may_serve(uow, serving)
    }


def remove_unserved(ws: Workspace) -> list[Path]:
    """Take away the keyed files that no deal in force names and that are an hour old, so that
    nobody is just making or opening one. A gateway that still has one open keeps reading what it
    has until it lets go; where an open file cannot be removed (Windows), it stays until next time.
    """
    removed: list[Path] = []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        named = served_files(uow)
    for path in serving_root(ws).glob("*"):
        with suppress(OSError):
            if path.name not in named and path.stat().st_mtime < host_seconds() - UNSERVED_S:
                path.unlink()
                removed.append(path)
    return removed


# In force


@dataclass(frozen=True, slots=True)
class Access:
    """What a token opens: the compiled decision and the file, or why it opens nothing. `fault` says
    what of its deal cannot be read.
    """

    token: str
    deal: str
    consumer: str
    product: str
    refused: str = ""
    decision: Decision | None = None
    serving: Serving | None = None
    fault: str = ""


def accesses(ws: Workspace) -> dict[str, Access]:
    """Token hash → access, of every token that was ever issued.

    A deal of which a record was erased or cannot be read gives nothing (call.not-served); the
    others go on.
    """
    found: dict[str, Access] = {}
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        kept = _Kept(uow)
        opened: dict[str, Access] = {}
        for token in kept.every(AccessToken):
            if token.deal not in opened:
                opened[token.deal] = _access(kept, token.deal)
            access = replace(opened[token.deal], token=token.id)
            if any(edge.verb == "revokes" for edge in kept.edges_to(token.id)):
                access = replace(access, refused="call.revoked-token")
            found[token.hash] = access
    return found


def _access(kept: _Kept, deal: str) -> Access:
    """What every token of a deal opens."""
    consumer = product = ""
    try:
        contract = kept.get(UsageContract, deal)
        consumer, product = contract.consumer, contract.product
        refused, decision, serving = _opened(cast("Uow", kept), contract)
        if decision is not None and decision.grace_ms <= int(kept.now().timestamp() * 1000):
            refused = "call.after-term"
    except Exception as error:  # whatever is wrong with it, it is this deal's alone
        fault = f"{deal}: {error if isinstance(error, SanhuaError) else repr(error)}"
        return Access("", deal, consumer, product, "call.not-served", fault=fault)
    return Access("", deal, consumer, product, refused, decision, serving)


# What an access rests on, with the field that says what it is about, and how.
_RESTS_ON: tuple[tuple[type[Any], str, str], ...] = (
    (AccessToken, "", ""),
    (Revocation, "revokes", "token"),
    (UsageContract, "amends", "amends"),
    (Signature, "signs", "deal"),
    (DealEnd, "ends", "deal"),
    (Serving, "", ""),
    (RightsClaim, "", ""),
)
RESTS_ON = frozenset({kind_of(cls) for cls, _, _ in _RESTS_ON} | {"erasure"})


class _Kept:
    """All that accesses rest on, read in one query a kind: so much of a `Uow` as deciding asks.

    Of a record that cannot be read the index of edges still says what it was about, so that a
    revocation or an early end holds whatever became of it.
    """

    def __init__(self, uow: SqlUow) -> None:
        self._uow = uow
        self._known: dict[str, Any] = {}
        self._into: dict[str, list[Edge]] = defaultdict(list)
        for cls, verb, about in _RESTS_ON:
            for node, value in uow.each(cls):
                self._known[node] = value
                if value is None:
                    edges = uow.edges_from(node)
                else:
                    edges = [Edge(node, verb, getattr(value, about), "1")] if verb else []
                for edge in edges:
                    self._into[edge.dst].append(edge)

    def every(self, cls: type[R]) -> Iterator[R]:
        return (value for value in self._known.values() if isinstance(value, cls))

    def get(self, cls: type[R], node: str) -> R:
        found = self.find(cls, node)
        if found is None:
            raise NotFound("store.no-such-record", node=node, kind=kind_of(cls))
        return found

    def find(self, cls: type[R], node: str) -> R | None:
        found = self._known.get(node)
        return found if isinstance(found, cls) else None

    def edges_to(self, node: str) -> list[Edge]:
        return self._into.get(node, [])

    def now(self) -> datetime:
        return self._uow.now()

    def today(self) -> date:
        return self._uow.today()


def _opened(uow: Uow, contract: UsageContract) -> tuple[str, Decision | None, Serving | None]:
    if len(signatures(uow, contract)) < 2:
        return "call.not-signed", None, None
    until = lasts_until(uow, contract)
    decision = compile_decision(contract, until, rights_until(uow, contract))
    serving = uow.find(Serving, _serving_id(contract))
    if not may_provide(uow, contract):
        return "call.provider-may-not", decision, serving
    if serving is None or serving.terms != contract.hash:
        return "call.not-served", decision, None
    return "", decision, serving


# Can


def can(
    ws: Workspace, party: str, product: str, fields: Sequence[str], purpose: str, on: str
) -> dict[str, Any]:
    """Whether `party` may now (or on a legal day) get `fields` of `product` for `purpose`, and the
    chain of claims, product, policy, deal and signatures that says so. The gateway asks the same
    `Decision`.
    """
    if party not in ws.project.parties:
        raise NotFound("can.no-such-party", party=party)
    day = parse_day(on) if on else legal_day(ws.clock.now())
    at = datetime.combine(day, time(12), SHANGHAI).astimezone(UTC) if on else ws.clock.now()
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        made = uow.find(DataProduct, ids.node("product", product))
        if made is None:
            raise NotFound("can.no-such-product", product=product)
        chain = [
            _link(claim, f"{uow.get(RightsClaim, claim).party} operates")
            for claim in made.granted_by
        ]
        chain.append(_link(made.id, f"version {made.version}, grade {made.grade.value}"))
        chain.append(_link(ids.node("policy", made.policy), "what is not permitted is forbidden"))
        answers: list[tuple[str, str, list[dict[str, str]]]] = []
        for contract in uow.all(UsageContract):
            if contract.product != made.id or contract.consumer != ids.node("party", party):
                continue
            links = [_link(contract.id, f"terms {contract.hash}")]
            links += [
                _link(signature.id, f"{side} by {signature.person}")
                for side, signature in signatures(uow, contract).items()
            ]
            refused, decision, _ = _opened(uow, contract)
            if decision is not None:
                asked = purpose or decision.default_purpose
                ms = int(at.timestamp() * 1000)
                refused = decision.decide(fields, asked, ms) or refused
            answers.append((refused, contract.id, links))
    best = min(answers, key=lambda answer: bool(answer[0]), default=("can.no-deal", "", []))
    from sanhua.kernel.messages import render

    said = {"deal": best[1], "purpose": purpose, "fields": ", ".join(fields)}
    return {
        "party": ids.node("party", party),
        "product": made.id,
        "fields": list(fields),
        "purpose": purpose,
        "on": day.isoformat(),
        "answer": "no" if best[0] else "yes",
        "reason": best[0],
        "message": {
            language: render(best[0], said, language)[0] if best[0] else ""
            for language in ("zh", "en")
        },
        "deal": best[1],
        "chain": chain + best[2],
    }


def _link(node: str, says: str) -> dict[str, str]:
    return {"node": node, "says": says}
