"""Revenue 收益分配: what an invoice brought in, shared among those who have a part in it.

The waterfall runs in the order of the deal's `shares`: a rate takes its part of what was billed
(net of tax unless `base: gross`), an amount is taken once for each period billed, by its days in
force, under each deal, `rest` takes what is left. No step takes more than is left, what no step
names stays with the provider, and the parts add up to the pool to the fen. The pool is what was
billed without tax; a negative one (an adjustment in the consumer's favour) is shared back the same
way, amounts aside.

`rest: {by: lineage}` follows the columns that were sold down to the files they were read from. Each
sold field counts the same, and at every step upstream each source the same; what arrives at a file
belongs to its supplier and to those who hold the resource together with the provider, in equal
parts. What has no file below it (a constant, a code list) stays with the provider. The weights are
worked out when the second side signs and kept: what changes in the files afterwards moves no share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from sanhua.asset.bill import Invoice
from sanhua.asset.contract import UsageContract
from sanhua.asset.price import Share
from sanhua.asset.rights import RightsClaim
from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ledger import Book, BookKind, Entry, Line
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, record
from sanhua.resource.publish import DataResource


@dataclass(frozen=True, slots=True)
class EarnedBy:
    """A column that a share was weighted by; the weights of a settlement's columns add up to 1."""

    column: Annotated[str, Ref("earned_by")]
    weight: Decimal


@dataclass(frozen=True, slots=True)
class RevenueShare:
    """One party's part; `basis` says by which step of the waterfall."""

    party: Annotated[str, Ref("shared_to")]
    amount: Money
    basis: str
    earned_by: tuple[EarnedBy, ...] = ()


@record("settlement")
@dataclass(frozen=True, slots=True)
class Settlement:
    """结算 `set_…`: one invoice's pool, shared."""

    id: str
    invoice: Annotated[str, Ref("shared_from")]
    pool: Money
    shares: tuple[RevenueShare, ...]


Weights = Mapping[str, Mapping[str, Fraction]]  # party → column → weight, together at most 1


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a party's column weighs in what is sold, as an exact fraction (`5/14`)."""

    party: Annotated[str, Ref("contributed_by")]
    column: Annotated[str, Ref("earned_by")]
    part: str


@record("contributions")
@dataclass(frozen=True, slots=True)
class Contributions:
    """贡献 `contributions:<deal>@<terms>`: who the sold columns come from, as it stood when both
    sides had signed the terms.
    """

    id: str
    deal: Annotated[str, Ref("weighs")]
    parts: tuple[Contribution, ...]


def weigh(uow: Uow, contract: UsageContract) -> Contributions:
    """The contributions to a signed deal, worked out and kept when they are first asked for."""
    node = ids.node("contributions", f"{ids.key_of(contract.id)}@{contract.hash}")
    kept = uow.find(Contributions, node)
    if kept is None:
        parts = tuple(
            Contribution(party, column, str(weight))
            for party, columns in sorted(contributors(uow, contract).items())
            for column, weight in sorted(columns.items())
        )
        kept = Contributions(node, contract.id, parts)
        uow.add(kept, "deal.weighed")
    return kept


def weights_of(kept: Contributions) -> Weights:
    """The weights as fractions."""
    found: dict[str, dict[str, Fraction]] = {}
    for part in kept.parts:
        found.setdefault(part.party, {})[part.column] = Fraction(part.part)
    return found


def contributors(uow: Uow, contract: UsageContract) -> Weights:
    """Who the sold columns come from now, weighted along their lineage."""
    found: dict[str, dict[str, Fraction]] = {}
    together = _held_together(uow)
    waiting: dict[str, Fraction] = {}

    def add(party: str, column: str, weight: Fraction) -> None:
        columns = found.setdefault(party, {})
        columns[column] = columns.get(column, Fraction()) + weight

    for sold in contract.fields:
        weight = Fraction(1, len(contract.fields))
        waiting[sold.made_from] = waiting.get(sold.made_from, Fraction()) + weight
    while waiting:
        node = next(iter(waiting))  # oldest first, so that paths join before they go on
        weight = waiting.pop(node)
        edges = uow.edges_from(node)
        sources = sorted({edge.dst for edge in edges if edge.verb == "made_from"})
        if not sources:
            add(contract.provider, node, weight)
        for source in sources:
            part = weight / len(sources)
            supplier = [] if source.startswith("col:") else _supplier(uow, source)
            if not supplier:
                waiting[source] = waiting.get(source, Fraction()) + part
                continue
            table = ids.key_of(node).partition(".")[0]
            parties = sorted({*supplier, *together.get(table, ())})
            for party in parties:
                add(party, node, part / len(parties))
    return found


def _supplier(uow: Uow, snapshot: str) -> list[str]:
    """Who handed over what a source's table was read from: one party a source, so that its first
    file tells.
    """
    node = snapshot
    while node:
        edges = uow.edges_from(node)
        supplier = [edge.dst for edge in edges if edge.verb == "supplied_by"]
        if supplier:
            return supplier
        node = next((edge.dst for edge in edges if edge.verb == "made_from"), "")
    return []


def _held_together(uow: Uow) -> dict[str, set[str]]:
    """Table → who holds its resource today together with the party that claims it."""
    found: dict[str, set[str]] = {}
    today = uow.today()
    for claim in uow.all(RightsClaim):
        held = claim.co_holders and any(claim.covers(right, today) for right in claim.rights)
        resource = uow.find(DataResource, claim.resource) if held else None
        for published in resource.tables if resource else ():
            found.setdefault(ids.key_of(published.table), set()).update(claim.co_holders)
    return found


def divide(
    pool: Money,
    gross: Money,
    shares: Sequence[Share],
    provider: str,
    part: Fraction,
    by_lineage: Weights,
) -> list[RevenueShare]:
    """Share `pool` to the fen; `part` is the part of a period that is billed for the first time, 0
    in an adjustment alone.

    Parties are nodes; the parts always add up to `pool`.
    """
    left, found = pool.posted(), list[RevenueShare]()
    for share in shares:
        party = ids.node("party", share.party) if share.party else provider
        if share.rate is not None:
            base = gross if share.base == "gross" else pool
            taken = _within((base * share.rate).posted(), left)
            percent = f"{EXACT.multiply(share.rate, Decimal(100)).normalize():f}%"
            found.append(RevenueShare(party, taken, f"{percent} of {share.base}"))
        elif share.amount is not None:
            exact = EXACT.multiply(share.amount.amount, _decimal(part))
            taken = _within(Money(exact, share.amount.currency).posted(), left)
            basis = f"{share.amount.text} per {share.per or 'month'}"
            found.append(RevenueShare(party, taken, basis))
        else:
            continue
        left = left - taken
    rest = next((share for share in shares if share.rest), Share(rest="true"))
    return found + _rest(left, rest, provider, by_lineage)


def _within(amount: Money, left: Money) -> Money:
    """`amount`, but between zero and what is left."""
    if amount.currency != left.currency:
        raise Invalid("money.mixed-currency", left=str(amount), right=str(left))
    low, high = sorted((0, left.fen))
    return Money.of_fen(min(max(amount.fen, low), high), left.currency)


def _rest(left: Money, share: Share, provider: str, lineage: Weights) -> list[RevenueShare]:
    if share.rest == "true":
        party = ids.node("party", share.party) if share.party else provider
        return [RevenueShare(party, left, "rest")]
    among = [ids.node("party", party) for party in share.among]
    if share.rest == "equal":
        parties = among or [provider]
        parts = left.split([Decimal(1)] * len(parties))
        return [
            RevenueShare(party, part, "rest equally")
            for party, part in zip(parties, parts, strict=True)
        ]
    chosen = {p: c for p, c in lineage.items() if not among or p in among}
    if not chosen:
        return [RevenueShare(provider, left, "rest: no contributor")]
    total = sum((sum(c.values(), Fraction()) for c in chosen.values()), Fraction())
    weighed = {p: sum(c.values(), Fraction()) / total for p, c in sorted(chosen.items())}
    parts = left.split([_decimal(weight) for weight in weighed.values()])
    return [
        RevenueShare(
            party,
            part,
            f"rest by lineage {weight.numerator}/{weight.denominator}",
            tuple(EarnedBy(c, round(_decimal(w / total), 6)) for c, w in chosen[party].items()),
        )
        for (party, weight), part in zip(weighed.items(), parts, strict=True)
    ]


def _decimal(weight: Fraction) -> Decimal:
    return EXACT.divide(Decimal(weight.numerator), Decimal(weight.denominator))


# What parties owe each other


def settlement_book(owner: str, currency: str) -> Book:
    """`book:plant_co.settlement`, one for each currency."""
    name = "settlement" if currency == "CNY" else f"settlement_{currency.lower()}"
    return Book(f"book:{ids.key_of(owner)}.{name}", owner, BookKind.SETTLEMENT, currency)


def settle(invoice: Invoice, settlement: Settlement) -> list[Entry]:
    """The entries of the provider's settlement book: what was earned, its tax, others' shares."""
    book = settlement_book(invoice.provider, invoice.total.currency)
    product, consumer = ids.key_of(invoice.product), ids.key_of(invoice.consumer)
    debtor = f"receivable:{consumer}"
    made = [
        _entry(book, invoice, invoice.id, debtor, f"income:{product}", invoice.net),
        _entry(book, invoice, invoice.id, debtor, "tax:output", invoice.tax),
    ]
    made += [
        _entry(
            book, invoice, settlement.id, f"share:{product}", f"payable:{ids.key_of(party)}", amount
        )
        for party, amount in others(settlement, invoice.provider).items()
    ]
    return [entry for entry in made if entry.lines[0].amount]


def others(settlement: Settlement, provider: str) -> Mapping[str, Money]:
    """What each party other than the provider gets."""
    found: dict[str, Money] = {}
    for share in settlement.shares:
        if share.party != provider and share.amount:
            before = found.get(share.party)
            found[share.party] = before + share.amount if before else share.amount
    return found


def _entry(
    book: Book, invoice: Invoice, source: str, debit: str, credit: str, amount: Money
) -> Entry:
    """A credit note (`amount` negative) stays on the same sides, in red."""
    lines = (Line(debit, amount.fen), Line(credit, -amount.fen))
    name = ids.derived("pst", book.id, source, debit, credit)
    return Entry(name, book.id, invoice.dated, lines, source, f"{debit} {invoice.period}")
