"""Contracts 数字合约: a deal resolved to its terms, signed by both sides, compiled to one decision.

Terms are all that the two sides agree on, closed over: product version, policy, plan, parties. A
term that no part of the program can hold to is refused here, so nothing that was signed is ignored
later. The gateway and `sanhua can` ask the same `Decision`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from sanhua import sql
from sanhua.asset.party import Party
from sanhua.asset.policy import Deal, UsagePolicy
from sanhua.asset.price import Plan, Share, Tax, currency_of
from sanhua.asset.product import DataProduct, Form, Product
from sanhua.asset.rights import Grant, Right, RightsClaim
from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Denied, Diagnostic, Invalid, Severity
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import (
    DefinedBy,
    GrantedBy,
    HeldBy,
    MadeFrom,
    PricedBy,
    Ref,
    plain,
    record,
)
from sanhua.kernel.time import SHANGHAI, add_months, legal_day
from sanhua.resource.standard import CodeList
from sanhua.verify import canonical, sha256

# What this program can hold both sides to. What is not here refuses the deal that asks for it.
LEVELS = ("L1",)
DELIVERIES = ("api",)
DUTIES = (
    "delete",
    "attribute",
    "inform",
)  # the consumer's: stated in terms and every answer's head
UNITS = ("call", "row", "mb")
PAGE_ROWS_MAX = 1000
RESERVED = frozenset("purpose fields format limit after".split())  # words of a call, not columns
MASKS = re.compile(r"token|null|year|month|round -?[0-9]|first [1-9]")


@dataclass(frozen=True, slots=True)
class Terms:
    """What both sides sign; its canonical JSON is hashed. Half-open term, `rows` a SQL predicate
    ("": all), `key` the columns that a call looks up by, `count` the bound of the right
    (`100000 per month`).
    """

    deal: str
    product: str
    version: int
    shape: str
    provider: str
    consumer: str
    named: Mapping[str, str]  # party → name and credit code, as they stood
    fields: tuple[str, ...]
    mask: Mapping[str, str]
    rows: str
    key: tuple[str, ...]
    purposes: tuple[str, ...]
    covered: tuple[str, ...]  # the purposes with all codes below them, as the list stood
    actions: tuple[str, ...]
    forbid: tuple[str, ...]
    duties: tuple[Mapping[str, str], ...]
    count: str
    delivery: str
    frequency: str
    starts_on: date
    ends_on: date
    level: str
    plan: Plan
    tax: Tax
    shares: tuple[Share, ...]
    model: str = ""
    grant: str = ""
    amends: str = ""
    page: int = PAGE_ROWS_MAX  # rows that one call may list

    @property
    def hash(self) -> str:
        """`sha256:…` over the canonical JSON (RFC 8785): what a signature signs."""
        return sha256(canonical(plain(self)))


@dataclass(frozen=True, slots=True)
class ContractedField:
    """`deal:<id>.<field>`: a field that the deal gives, and the product's field that it shows."""

    id: str
    name: str
    made_from: MadeFrom
    mask: str = ""


@record("contract")
@dataclass(frozen=True, slots=True)
class UsageContract:
    """`deal:<id>`: the terms as resolved from the file `definition`; `hash` is theirs, `lines` say
    where in the file each key stands.
    """

    id: str
    hash: str
    terms: Terms
    product: Annotated[str, Ref("sells")]
    provider: HeldBy
    consumer: Annotated[str, Ref("sold_to")]
    plan: PricedBy
    fields: tuple[ContractedField, ...]
    granted_by: tuple[GrantedBy, ...]
    definition: DefinedBy
    amends: Annotated[str, Ref("amends")] = ""
    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict[str, int])


@record("signature")
@dataclass(frozen=True, slots=True)
class Signature:
    """签署 `sig_…`: `sig` is Ed25519 over `statement()`, by a key that the party had declared."""

    id: str
    deal: Annotated[str, Ref("signs")]
    terms: str
    party: Annotated[str, Ref("binds")]
    person: Annotated[str, Ref("signed_by")]
    at: str
    alg: str
    key: str  # the public key, raw 32 bytes in base64
    sig: str

    def statement(self) -> bytes:
        """The bytes that are signed: the act without its id, key and signature (RFC 8785)."""
        return statement(self.deal, self.terms, self.party, self.person, self.at)


def statement(deal: str, terms: str, party: str, person: str, at: str) -> bytes:
    """The canonical bytes of a signature act."""
    said = {"deal": deal, "terms": terms, "party": party, "person": person, "at": at}
    return canonical(said | {"alg": "Ed25519"})


@record("deal_end")
@dataclass(frozen=True, slots=True)
class DealEnd:
    """`end_…`: the deal gives nothing from `ends_on` (a legal day) on, whatever its term says."""

    id: str
    deal: Annotated[str, Ref("ends")]
    ends_on: date
    reason: str


@record("token")
@dataclass(frozen=True, slots=True)
class AccessToken:
    """`tok_…`: a bearer token of one deal; only its SHA-256 is kept."""

    id: str
    deal: Annotated[str, Ref("opens")]
    hash: str
    label: str = ""


@record("revocation")
@dataclass(frozen=True, slots=True)
class Revocation:
    """撤销 `rvk_…`: the token opens nothing any more."""

    id: str
    token: Annotated[str, Ref("revokes")]
    reason: str


@record("serving")
@dataclass(frozen=True, slots=True)
class Serving:
    """`serving:<deal>`: the keyed file that calls under a deal are answered from: the `snapshot`
    that it shows, the `terms` that shaped it, its name and content hash, and the SELECT that the
    terms were compiled to (the secret of its tokens withheld).
    """

    id: str
    deal: Annotated[str, Ref("serves")]
    terms: str
    snapshot: Annotated[str, Ref("served_from")]
    file: str
    content: str
    rows: int
    since: date
    select: str = ""


# Resolving


def resolve(
    uow: Uow,
    deal: Deal,
    product: Product,
    policies: Sequence[UsagePolicy],
    parties: Mapping[str, Party],
    codes: CodeList | None = None,
    grant: Grant | None = None,
) -> UsageContract:
    """The deal closed over everything it names. `policies` are the product's and the deal's own,
    `codes` the code list of purposes, `grant` the operating grant that it is sold under,
    with what it inherits.

    `check` has compared the file with product, policy and grant; what is refused here is what no
    part of the program could hold to: Denied deal.cannot-bind, deal.key-not-sold,
    deal.not-listed, deal.provider-may-not, deal.grant-not-ours.
    """
    node = ids.node("deal", deal.id)
    at: dict[str, Any] = {"path": deal.origin.path, "line": deal.origin.line, "node": node}
    made = uow.get(DataProduct, ids.node("product", deal.product))
    consumer = ids.node("party", deal.consumer)
    plan = deal.price or next(plan for plan in product.plans if plan.id == deal.plan)
    delivery = deal.delivery or next(iter(product.delivery))
    key = tuple(product.delivery.get("api", {}).get("key", "").split())
    _must_bind(deal, product, policies, plan, delivery, key, at)
    offered = {one.name: one for one in made.fields}
    unknown = [name for name in deal.fields if name not in offered]
    if unknown:
        raise Denied(
            "deal.field-not-offered",
            **at,
            deal=deal.id,
            product=product.id,
            value=unknown[0],
            nearest=", ".join(offered),
        )
    missing = [name for name in key if name not in deal.fields]
    if missing:
        raise Denied("deal.key-not-sold", **at, deal=deal.id, value=missing[0])
    if grant is not None and ids.node("party", grant.to) != made.provider:
        raise Denied("deal.grant-not-ours", **at, deal=deal.id, grant=grant.id, to=grant.to)
    if not made.listings:
        raise Denied("deal.not-listed", **at, deal=deal.id, product=product.id)
    for claim in (uow.get(RightsClaim, held) for held in made.granted_by):
        if not claim.covers(Right.OPERATE, uow.today()):
            raise Denied("deal.provider-may-not", **at, deal=deal.id, claim=ids.key_of(claim.id))
    duties: dict[str, Mapping[str, str]] = {}
    for policy in policies:
        duties |= {duty["action"]: duty for duty in policy.oblige}
    counts = [policy.permit["count"] for policy in policies if "count" in policy.permit]
    actions = [a for a in policies[0].actions if all(a in p.actions for p in policies)]
    both = {made.provider, consumer, *(ids.node("party", share.party) for share in product.shares)}
    named = {party: _named(parties, party) for party in sorted(both - {ids.node("party", "")})}
    terms = Terms(
        node,
        made.id,
        made.version,
        made.shape,
        made.provider,
        consumer,
        named,
        deal.fields,
        dict(deal.mask),
        deal.rows,
        key,
        deal.purposes,
        _covered(deal.purposes, codes),
        tuple(actions),
        tuple(sorted({action for policy in policies for action in policy.forbid})),
        tuple(duties.values()),
        min(counts, key=count_of, default=""),
        delivery,
        deal.frequency or product.delivery[delivery].get("frequency", ""),
        deal.starts_on,
        deal.ends_on,
        deal.level,
        replace(plan, origin=Origin("")),
        product.tax,
        product.shares,
        deal.contract,
        deal.grant,
        deal.amends,
        min(int(product.delivery[delivery].get("page", PAGE_ROWS_MAX)), PAGE_ROWS_MAX),
    )
    fields = tuple(
        ContractedField(f"{node}.{name}", name, offered[name].id, deal.mask.get(name, ""))
        for name in deal.fields
    )
    return UsageContract(
        node,
        terms.hash,
        terms,
        made.id,
        made.provider,
        consumer,
        ids.node("plan", f"{product.id}/{deal.plan}"),
        fields,
        made.granted_by,
        deal.origin.sha256,
        ids.node("deal", deal.amends) if deal.amends else "",
    )


def _must_bind(
    deal: Deal,
    product: Product,
    policies: Sequence[UsagePolicy],
    plan: Plan,
    delivery: str,
    key: tuple[str, ...],
    at: Mapping[str, Any],
) -> None:
    """Denied deal.cannot-bind for the first term that nothing here can hold to."""

    def refuse(term: str, value: str, can: Collection[str] = ()) -> None:
        raise Denied(
            "deal.cannot-bind",
            **at,
            deal=deal.id,
            term=term,
            value=value,
            can=", ".join(can) or "–",
        )

    if deal.level not in LEVELS:
        refuse("level", deal.level, LEVELS)
    if delivery not in DELIVERIES:
        refuse("delivery", delivery, DELIVERIES)
    if product.form is not Form.DERIVATIVE:
        refuse("product form", product.form.value, (Form.DERIVATIVE.value,))
    if not key:
        refuse("delivery.api.key", "", ("key: [column]",))
    for name in RESERVED.intersection(key):
        refuse("delivery.api.key", name)
    if deal.consents:
        refuse("consents", deal.consents)
    if deal.frequency not in ("", "day", "week", "month"):
        refuse("frequency", deal.frequency, ("day", "week", "month"))
    for name, mask in deal.mask.items():
        if not MASKS.fullmatch(mask):
            refuse(f"mask.{name}", mask, ("token", "null", "year", "month", "round N", "first N"))
    if deal.rows:
        _check_rows(deal, at)
    for policy in policies:
        for term in policy.permit:
            if term not in ("actions", "purposes", "count"):
                refuse(f"policy permit.{term}", policy.permit[term], ("actions purposes count",))
        if "count" in policy.permit and count_of(policy.permit["count"])[0] < 0:
            refuse("policy permit.count", policy.permit["count"], ("N per day | month | year",))
        for duty in policy.oblige:
            if duty.get("action") not in DUTIES:
                refuse("policy oblige", str(duty.get("action")), DUTIES)
    for unit in (*plan.per, *plan.included, *plan.limit):
        if unit not in UNITS:
            refuse(f"plan unit {unit}", plan.id, UNITS)
    if len({*plan.fee, *plan.minimum, *plan.cap}) > 1:
        refuse("plan fee minimum cap", plan.id, ("one of month, quarter, year for all three",))
    if plan.revenue_share:
        refuse("plan revenue_share", plan.revenue_share.get("rate", ""))
    if plan.bundle:
        refuse("plan bundle", plan.id)
    if plan.negotiated:
        refuse("plan negotiated", plan.id, ("price:",))
    if plan.next:
        refuse("plan next", plan.next, ("a second deal with amends",))
    if deal.amends and plan.proration == "none":
        refuse("plan proration", "none", ("day, as the deal amends another",))
    key_of_period = next(iter((*plan.fee, *plan.minimum, *plan.cap)), "month")
    for share in product.shares:
        if share.amount is not None and not plan.free:
            if share.amount.currency != currency_of(plan):
                refuse("shares amount", str(share.amount), (currency_of(plan),))
            if (share.per or "month") != key_of_period:
                refuse("shares per", share.per or "month", (key_of_period,))
        if share.rest not in ("", "true", "equal", "lineage"):
            refuse("shares rest.by", share.rest, ("true", "equal", "lineage"))


def _check_rows(deal: Deal, at: Mapping[str, Any]) -> None:
    try:
        sql.parse_expression(deal.rows, path=deal.origin.path, line=deal.origin.line)
    except Invalid as error:
        raise Denied(
            "deal.cannot-bind",
            **at,
            deal=deal.id,
            term="rows",
            value=deal.rows,
            can=error.diagnostic.message("en"),
        ) from error


def count_of(written: str) -> tuple[int, str]:
    """`100000 per month` → (100000, "month"); (-1, "") when it is nothing that can be counted."""
    match = re.fullmatch(r"([0-9]+) per (day|month|year)", written.strip())
    return (int(match[1]), match[2]) if match else (-1, "")


def _covered(purposes: Sequence[str], codes: CodeList | None) -> tuple[str, ...]:
    below = codes.codes() if codes else frozenset[str]()
    found = {code for code in below for wide in purposes if codes and codes.covers(wide, code)}
    return tuple(sorted({*purposes, *found}))


def _named(parties: Mapping[str, Party], node: str) -> str:
    party = parties.get(ids.key_of(node))
    return f"{party.name} {party.uscc}".strip() if party else ""


def differences(old: Terms, new: Terms) -> tuple[str, ...]:
    """The keys in which two resolved terms differ."""
    before, after = plain(old), plain(new)
    return tuple(key for key in after if before.get(key) != after[key])


# Agreeing


def agree(uow: Uow, contract: UsageContract) -> list[Diagnostic]:
    """Keep the terms as they are resolved now; findings about what was signed before.

    Terms that both sides signed stay: an edit is an ERROR deal.changed-after-signing and the
    contract goes on as signed. An edit after one signature voids that signature (WARNING).
    """
    before = uow.find(UsageContract, contract.id)
    if before is None or before.hash == contract.hash:
        uow.add(contract, "deal.offered", effective_on=contract.terms.starts_on)
        return []
    signed = signatures(uow, before)
    facts = {
        "deal": ids.key_of(contract.id),
        "keys": ", ".join(differences(before.terms, contract.terms)),
        "parties": ", ".join(ids.key_of(party) for party in signed) or "–",
    }
    if len(signed) == 2:
        return [_found(Severity.ERROR, "deal.changed-after-signing", contract.id, facts)]
    uow.add(contract, "deal.offered", effective_on=contract.terms.starts_on)
    if signed:
        return [_found(Severity.WARNING, "deal.signature-void", contract.id, facts)]
    return []


def _found(severity: Severity, code: str, node: str, facts: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(severity, code, node=node, facts=facts)


def signatures(uow: Uow, contract: UsageContract) -> dict[str, Signature]:
    """Party → its signature over the terms as they are kept."""
    found: dict[str, Signature] = {}
    for edge in uow.edges_to(contract.id):
        if edge.verb == "signs":
            signature = uow.get(Signature, edge.src)
            if signature.terms == contract.hash:
                found[signature.party] = signature
    return found


def sign(
    uow: Uow,
    contract: UsageContract,
    person: Party,
    at: str,
    key: str,
    sig: str,
) -> Signature:
    """Keep one side's signature; its bytes were checked by the caller.

    Denied deal.not-a-party when `person` acts for neither side; the same side again is a no-op.
    """
    party = person.of or person.id
    sides = (contract.provider, contract.consumer)
    if party not in sides:
        raise Denied(
            "deal.not-a-party",
            node=contract.id,
            deal=ids.key_of(contract.id),
            person=ids.key_of(person.id),
            sides=", ".join(map(ids.key_of, sides)),
        )
    held = signatures(uow, contract).get(party)
    if held is not None:
        return held
    made = Signature(
        uow.new_id("sig"), contract.id, contract.hash, party, person.id, at, "Ed25519", key, sig
    )
    uow.add(made, "deal.signed", effective_on=contract.terms.starts_on)
    return made


def must_be_signed(uow: Uow, contract: UsageContract) -> None:
    """Denied deal.not-signed naming the sides that have not signed these terms."""
    signed = signatures(uow, contract)
    waiting = [side for side in (contract.provider, contract.consumer) if side not in signed]
    if waiting:
        raise Denied(
            "deal.not-signed",
            node=contract.id,
            deal=ids.key_of(contract.id),
            waiting=", ".join(map(ids.key_of, waiting)),
        )


def revocation_of(uow: Uow, token: AccessToken) -> Revocation | None:
    """The act that closed a token; None while it is open."""
    edges = (edge for edge in uow.edges_to(token.id) if edge.verb == "revokes")
    return next((uow.get(Revocation, edge.src) for edge in edges), None)


def end_deal(uow: Uow, contract: UsageContract, ends_on: date, reason: str) -> DealEnd:
    """End a deal early from a legal day on, not before today: Conflict deal.end-in-the-past."""
    if ends_on < uow.today():
        raise Conflict(
            "deal.end-in-the-past", node=contract.id, day=str(ends_on), today=str(uow.today())
        )
    made = DealEnd(uow.new_id("end"), contract.id, ends_on, reason)
    uow.add(made, "deal.ended", effective_on=ends_on)
    return made


def may_provide(uow: Uow, contract: UsageContract) -> bool:
    """Whether the provider may still operate, today, everything that the deal gives."""
    today = uow.today()
    claims = (uow.find(RightsClaim, claim) for claim in contract.granted_by)
    return all(claim is not None and claim.covers(Right.OPERATE, today) for claim in claims)


def begins_on(uow: Uow, contract: UsageContract) -> date | None:
    """The first day in force: the term's, or the legal day of the second signature when that is
    later; None until both sides have signed.
    """
    signed = signatures(uow, contract)
    if len(signed) < 2:
        return None
    days = (legal_day(datetime.fromisoformat(one.at)) for one in signed.values())
    return max(contract.terms.starts_on, *days)


def lasts_until(uow: Uow, contract: UsageContract) -> date:
    """The first day on which the deal gives nothing: its term's end, an early end, or the day on
    which a signed amendment begins.
    """
    last = contract.terms.ends_on
    for edge in uow.edges_to(contract.id):
        if edge.verb == "ends":
            last = min(last, uow.get(DealEnd, edge.src).ends_on)
        elif edge.verb == "amends":
            begins = begins_on(uow, uow.get(UsageContract, edge.src))
            last = min(last, begins or last)
    return last


# Deciding


@dataclass(frozen=True, slots=True)
class Decision:
    """What every call under a deal is decided by. Moments are epoch milliseconds, half-open.

    `limits` maps unit → (units, window): window is day, month, year or term; `included` is for one
    fee period. `purposes` holds the codes below the agreed ones too.
    """

    deal: str
    terms: str
    product: str
    consumer: str
    fields: frozenset[str]
    purposes: frozenset[str]
    default_purpose: str
    starts_ms: int
    ends_ms: int
    grace_ms: int
    limits: tuple[tuple[str, int, str], ...] = ()
    included: Mapping[str, int] = field(default_factory=dict[str, int])
    page: int = PAGE_ROWS_MAX
    reason: str = "usage"  # of a permit beyond what is included
    qps: int = 0
    duties: str = ""

    def decide(self, asked: Collection[str], purpose: str, at_ms: int) -> str:
        """ "" when the call is within the terms, else the code of the refusal."""
        if at_ms < self.starts_ms:
            return "call.before-term"
        if at_ms >= self.grace_ms:
            return "call.after-term"
        if purpose not in self.purposes:
            return "call.purpose"
        if asked and not self.fields.issuperset(asked):
            return "call.field"
        return ""


def rights_until(uow: Uow, contract: UsageContract) -> date:
    """The first day on which the provider may no longer operate all that the deal gives, as its
    claims stand now; `date.max` when that is open.
    """
    claims = (uow.find(RightsClaim, claim) for claim in contract.granted_by)
    return min((claim.ends_on for claim in claims if claim and claim.ends_on), default=date.max)


def compile_decision(
    contract: UsageContract, until: date, allowed_until: date = date.max
) -> Decision:
    """The decision of a contract that lasts until `until`, which the provider may serve until
    `allowed_until`. Grace is for a term that has run out, not for a deal that was ended or amended.
    """
    terms, plan = contract.terms, contract.terms.plan
    starts, ends = _midnight(terms.starts_on), _midnight(min(until, allowed_until))
    limits: list[tuple[str, int, str]] = []
    if terms.count:
        number, window = count_of(terms.count)
        limits.append(("call", number, window))
    limits += [(unit, most, "term" if plan.free else "month") for unit, most in plan.limit.items()]
    if plan.free and plan.trial:
        ends = min(ends, after(starts, plan.trial))
    grace = after(ends, plan.grace) if until == terms.ends_on else ends
    if allowed_until < date.max:
        grace = min(grace, _midnight(allowed_until))
    reason = "trial" if plan.free else "usage" if plan.per else "fee"
    return Decision(
        contract.id,
        contract.hash,
        contract.product,
        contract.consumer,
        frozenset(terms.fields),
        frozenset(terms.covered),
        terms.purposes[0] if len(terms.purposes) == 1 else "",
        _ms(starts),
        _ms(ends),
        _ms(grace),
        tuple(limits),
        {unit: n for unit, n in plan.included.items() if not plan.free},
        terms.page,
        reason,
        plan.qps or 0,
        "; ".join(_duty(duty) for duty in terms.duties),
    )


def _duty(duty: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in duty.items())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def after(start: datetime, lasting: str) -> datetime:
    """`start` moved by `30 days`, `6 months` …; "" leaves it."""
    if not lasting:
        return start
    number, _, unit = lasting.partition(" ")
    unit = unit.rstrip("s")
    if unit in ("month", "year"):
        local = start.astimezone(SHANGHAI)
        day = add_months(local.date(), int(number) * (12 if unit == "year" else 1))
        return datetime.combine(day, local.timetz()).astimezone(UTC)
    return start + timedelta(**{f"{unit}s": int(number)})


def window_of(window: str, day: date) -> str:
    """The name of the counting window that a legal day falls into."""
    return {"day": day.isoformat(), "month": f"{day:%Y-%m}", "year": f"{day:%Y}"}.get(
        window, window
    )
