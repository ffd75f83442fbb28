"""Senders: who may put files into which inbox, by tokens of which only hashes are kept."""

from __future__ import annotations

import secrets
from typing import Any

from sanhua.asset.contract import Revocation
from sanhua.asset.party import enrol
from sanhua.kernel.errors import Invalid, NotFound
from sanhua.kernel.ids import key_of
from sanhua.project.read import nearest_or_some
from sanhua.resource.arrival import Sender
from sanhua.resource.collect import Inbox
from sanhua.workspace.dealing import token_hash
from sanhua.workspace.opening import Workspace


def new_sender(ws: Workspace, name: str, party_id: str, label: str) -> dict[str, Any]:
    """A bearer token for the inbox of one source. It is shown once; the store keeps its hash."""
    name = key_of(name)
    source = ws.project.sources.get(name)
    if source is None:
        nearest = nearest_or_some(name, ws.project.sources)
        raise NotFound("source.unknown", source=name, nearest=nearest)
    if not isinstance(source.fetched, Inbox):
        raise Invalid("source.not-an-inbox", source=name)
    party = ws.project.parties.get(party_id)
    if party is None:
        raise NotFound("approve.no-such-person", person=party_id)
    secret = f"sh_{secrets.token_urlsafe(32)}"
    ws.state.mkdir(parents=True, exist_ok=True)
    with ws.store.begin(actor=ws.actor) as uow:
        enrol(uow, party)
        sender = Sender(uow.new_id("snd"), name, party.id, token_hash(secret), label)
        uow.add(sender, "sender.admitted")
    return {"id": sender.id, "source": name, "party": party.id, "token": secret, "label": label}


def revoke_sender(ws: Workspace, token_id: str, reason: str) -> dict[str, Any]:
    """Close a token; servers see it within a second. Again is a no-op."""
    with ws.store.begin(actor=ws.actor) as uow:
        sender = uow.find(Sender, token_id)
        if sender is None:
            raise NotFound("token.unknown", token=token_id)
        if not any(edge.verb == "revokes" for edge in uow.edges_to(sender.id)):
            uow.add(Revocation(uow.new_id("rvk"), sender.id, reason), "token.revoked")
    return {"id": sender.id, "source": sender.source, "revoked": True}


def senders(ws: Workspace) -> dict[str, Sender]:
    """Token hash → sender, of every token that is open."""
    if not ws.has_store:
        return {}
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return {
            sender.hash: sender
            for sender in uow.all(Sender)
            if not any(edge.verb == "revokes" for edge in uow.edges_to(sender.id))
        }
