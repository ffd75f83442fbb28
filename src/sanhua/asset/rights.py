"""Rights 数据产权: claims that follow from the source, grants that only narrow, transfers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, cast

from sanhua.kernel import ids
from sanhua.kernel.errors import Denied, Invalid
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Rule, Uow
from sanhua.kernel.record import DefinedBy, EvidencedBy, HeldBy, Ref, record
from sanhua.resource.publish import DataResource


class Right(StrEnum):
    """持有, 使用, 经营."""

    HOLD = "hold"
    USE = "use"
    OPERATE = "operate"


class GrantMode(StrEnum):
    """整体, 分领域, 依场景."""

    WHOLE = "whole"
    DOMAIN = "domain"
    SCENARIO = "scenario"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as declared; `rights` None means what the source gives."""

    id: str
    resource: str
    source: str  # a row of the source→rights matrix
    party: str
    evidence: tuple[Evidence, ...]
    origin: Origin
    rights: frozenset[Right] | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    limits: str = ""
    co_holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """An operating grant as declared; None and empty are inherited from `parent`."""

    id: str
    to: str
    origin: Origin
    claim: str = ""
    parent: str = ""
    mode: GrantMode | None = None
    scenario: str = ""
    fields: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    onward: bool = False
    volume: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    evidence: tuple[Evidence, ...] = ()
    reviewers: tuple[str, ...] = ()


INSTRUMENT = "nda_2026_35"


@record("claim")
@dataclass(frozen=True, slots=True)
class RightsClaim:
    """`claim:<id>`: which rights one party has in one resource. `starts_on <= day < ends_on`; None
    is open.

    `consent_needed` are rights that the source gives only with the consent of others; they are not
    among `rights`. `conditions` says of a right under which condition the source gives it.
    `rests_on` are the claims over what the resource was derived from.
    """

    id: str
    resource: Annotated[str, Ref("over")]
    party: HeldBy
    source: str
    rights: frozenset[Right]
    evidence: tuple[EvidencedBy, ...]
    definition: DefinedBy
    consent_needed: frozenset[Right] = frozenset()
    rests_on: tuple[Annotated[str, Ref("rests_on")], ...] = ()
    co_holders: tuple[HeldBy, ...] = ()
    limits: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    conditions: Mapping[str, str] = field(default_factory=dict[str, str])

    def covers(self, right: Right, day: date) -> bool:
        """Whether `right` is held on `day`."""
        begun = self.starts_on is None or self.starts_on <= day
        return right in self.rights and begun and (self.ends_on is None or day < self.ends_on)


@record("rights_transfer")
@dataclass(frozen=True, slots=True)
class RightsTransfer:
    """转让: the claim gives `rights` away for good; claiming them again from its source is void."""

    id: str
    claim: Annotated[str, Ref("transfers")]
    to: Annotated[str, Ref("transferred_to")]
    rights: frozenset[Right]
    on: date


@dataclass(frozen=True, slots=True)
class Given:
    """What a source gives: rights outright, rights that need others' consent, and the condition on
    a right.
    """

    rights: frozenset[Right]
    consent_needed: frozenset[Right]
    conditions: Mapping[str, str]


def given_by(source: str, rule: Rule) -> Given | None:
    """The row of `source` in the source→rights matrix (第二十一条); None when there is none."""
    row = cast("Mapping[str, Mapping[str, str]]", rule.value).get(source)
    if row is None:
        return None
    said = {right: row[right.value] for right in Right}
    return Given(
        frozenset(right for right, word in said.items() if word == "yes"),
        frozenset(right for right, word in said.items() if word == "consent"),
        {right.value: word for right, word in said.items() if word not in ("yes", "no", "consent")},
    )


def claim_rights(uow: Uow, claim: Claim, *, inputs: Sequence[str] = ()) -> RightsClaim:
    """Record a claim with the rights that its source gives, or the fewer that it declares.

    `inputs` are the ids of the published resources that the claimed one was made from, by lineage;
    a derived claim rests on claims of the same party that let it use each of them today. Raises
    Denied rights.* naming the clause of the source→rights matrix when the source gives nothing or
    less than declared.
    """
    today = uow.today()
    rule = uow.rules.ask(INSTRUMENT, "rights_by_source", on=today)
    at: dict[str, Any] = {
        "path": claim.origin.path,
        "line": claim.origin.line,
        "node": ids.node("claim", claim.id),
    }
    given = given_by(claim.source, rule)
    if given is None:
        known = ", ".join(cast("Mapping[str, Any]", rule.value))
        raise Invalid(
            "rights.unknown-source", **at, claim=claim.id, source=claim.source, known=known
        )
    if not given.rights and not given.consent_needed:
        raise Denied(
            "rights.none-from-entrusted",
            **at,
            rule=rule.citation,
            claim=claim.id,
            source=claim.source,
        )
    if not claim.evidence:
        raise Invalid("rights.no-evidence", **at, claim=claim.id)
    if claim.starts_on and claim.ends_on and claim.starts_on >= claim.ends_on:
        raise Invalid(
            "rights.empty-term",
            **at,
            claim=claim.id,
            starts_on=str(claim.starts_on),
            ends_on=str(claim.ends_on),
        )
    rights, consent = given.rights, given.consent_needed
    if claim.rights is not None:
        exceeding = claim.rights - given.rights - given.consent_needed
        if exceeding:
            raise Denied(
                "rights.exceeds-source",
                **at,
                rule=rule.citation,
                claim=claim.id,
                source=claim.source,
                exceeding=_words(exceeding),
                given=_words(given.rights),
            )
        rights, consent = claim.rights & given.rights, claim.rights & given.consent_needed
    resource = ids.node("resource", claim.resource)
    if uow.find(DataResource, resource) is None:
        raise Invalid("rights.no-such-resource", **at, claim=claim.id, resource=claim.resource)
    party = _party(claim.party)
    rests_on: list[str] = []
    if claim.source == "derived":
        for name in inputs:
            covering = [
                held.id for held in claims_over(uow, name, party) if held.covers(Right.USE, today)
            ]
            if not covering:
                raise Denied(
                    "rights.input-not-covered",
                    **at,
                    rule=rule.citation,
                    claim=claim.id,
                    party=claim.party,
                    input=ids.key_of(name),
                    day=today.isoformat(),
                )
            rests_on += covering
    node = ids.node("claim", claim.id)
    kept = RightsClaim(
        node,
        resource,
        party,
        claim.source,
        rights - transferred(uow, node),
        tuple(paper.sha256 for paper in claim.evidence),
        claim.origin.sha256,
        consent,
        tuple(dict.fromkeys(rests_on)),
        tuple(map(_party, claim.co_holders)),
        claim.limits,
        claim.starts_on,
        claim.ends_on,
        given.conditions,
    )
    uow.add(kept, "rights.claimed", effective_on=claim.starts_on)
    return kept


def transferred(uow: Uow, claim: str) -> frozenset[Right]:
    """The rights that a claim (a node) once gave away."""
    moves = [edge.src for edge in uow.edges_to(claim) if edge.verb == "transfers"]
    return frozenset(right for move in moves for right in uow.get(RightsTransfer, move).rights)


def claims_over(uow: Uow, resource: str, party: str = "") -> list[RightsClaim]:
    """The claims over a resource (id or node), of one party when it is given, by id."""
    node = ids.node("resource", ids.key_of(resource))
    return [
        claim
        for claim in uow.all(RightsClaim)
        if claim.resource == node and (not party or party in (claim.party, *claim.co_holders))
    ]


def grant_chain(grants: Mapping[str, Grant], grant: Grant) -> list[Grant] | None:
    """The grant and those above it; None when it is above itself."""
    chain = [grant]
    while chain[-1].parent in grants:
        above = grants[chain[-1].parent]
        if any(above.id == seen.id for seen in chain):
            return None
        chain.append(above)
    return chain


def inherited(grants: Mapping[str, Grant], grant: Grant) -> Grant:
    """A grant with what it leaves out taken from above."""
    chain = grant_chain(grants, grant) or [grant]
    whole = chain[-1]
    for child in reversed(chain[:-1]):
        whole = replace(
            child,
            claim=whole.claim,
            mode=child.mode or whole.mode,
            scenario=child.scenario or whole.scenario,
            fields=child.fields or whole.fields,
            purposes=child.purposes or whole.purposes,
            volume=child.volume or whole.volume,
            starts_on=child.starts_on or whole.starts_on,
            ends_on=child.ends_on or whole.ends_on,
        )
    return whole


def _party(name: str) -> str:
    return name if ":" in name else ids.node("party", name)


def _words(rights: Iterable[Right]) -> str:
    return ", ".join(right.value for right in Right if right in set(rights)) or "–"
