"""Consolidate 合并: a group's assets are its entities' less what they sold to each other.

Data sold or contributed inside a group are carried at what the seller carried them at: the buyer's
cost falls by the unrealised profit, what it amortises and impairs falls month by month, gross cost,
accumulated amortisation and provision go on as the seller had them, and the route is how the group
came by the data. An outside sale of the buyer's realises what is left, by its share. Every
difference from the entities' own books is an `Elimination`, so that nothing vanishes silently:

    transfer      the seller's disposal and the buyer's purchase
    amortisation  what the buyer amortises, less what the group does
    impairment    likewise; the recoverable amount is the buyer's
    write_down    likewise, of stock
    disposal      what a later sale outside takes off
    deal          data delivered under a deal inside the group: revenue, cost, receivable, payable

The group's amortisation is measured as the buyer's is: its method, life and estimates over the
carrying amount of the seller. The buyer's card names the seller's asset (`acquired_from`); where
the seller carries none (a copy or a licence, or costs long expensed), it says what the group
carries (`carried`, often 0.00), as somebody judged. Stock sold to be used, or the other way, is
shown as another increase of the one and another decrease of the other.

Not done: an asset bought inside that was held for sale and came back (refused), one sold inside
out of held for sale (its disposal is not found), minority interests (the 其中 lines show the
whole), deferred tax on eliminations; foreign currencies, fiscal years that differ and entities
under another regime are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from sanhua.capital.measure import Carrying, Kind, Layer, Movement
from sanhua.capital.recognise import AssetCard, Outcome, Recognition, Route, Use, Verdict
from sanhua.capital.voucher import AccountingPolicy
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.ports import Rules
from sanhua.kernel.record import HeldBy, Ref, record


@dataclass(frozen=True, slots=True)
class Eliminated:
    """What an elimination adds to a layer (or an account) in a column; negative takes away."""

    layer: str
    kind: str
    route: str
    amount: Money


@record("elimination")
@dataclass(frozen=True, slots=True)
class Elimination:
    """`elimination:alpha/map_b/amortisation@2025-03-31`: 合并抵销, with both sides of it."""

    id: str
    group: HeldBy
    day: date
    what: str
    lines: tuple[Eliminated, ...]
    sold: Annotated[str, Ref("eliminates")] = ""  # the seller's asset
    bought: Annotated[str, Ref("eliminates")] = ""  # the buyer's asset
    sources: tuple[Annotated[str, Ref("eliminates")], ...] = ()  # vouchers, invoices


@dataclass(frozen=True, slots=True)
class Holding:
    """An entity as its group holds it. `control` names who judged that a share of half or less
    controls it, and when; empty without.
    """

    entity: str
    parent: str
    share: str
    control: str = ""
    currency: str = "CNY"
    fiscal_year: str = "01-01"
    regime: str = "CAS"


def members_of(head: str, holdings: Sequence[Holding], rules: Rules, on: date) -> list[str]:
    """The head and every entity that it controls, through those it controls: layer by layer.

    Invalid consolidate.no-members, consolidate.no-share, consolidate.currency,
    consolidate.fiscal-year, consolidate.other-regime.
    """
    rule = rules.ask("cas_33", "control_share_above", on=on)
    known = {holding.entity: holding for holding in holdings}
    found = [head]
    for above in found:
        for holding in holdings:
            if holding.parent != above or holding.entity in found:
                continue
            if not holding.share and not holding.control:
                raise Invalid("consolidate.no-share", entity=holding.entity, parent=above)
            share = Decimal(holding.share.removesuffix("%") or 0) / 100
            if not (share > rule.value or holding.control):
                continue
            for name in ("currency", "fiscal_year", "regime"):
                own, other = getattr(holding, name), getattr(known[head], name)
                if own != other or (name == "regime" and own != "CAS"):
                    code = {"regime": "other-regime"}.get(name, name.replace("_", "-"))
                    raise Invalid(
                        f"consolidate.{code}", entity=holding.entity, value=own, expected=other
                    )
            found.append(holding.entity)
    if len(found) == 1:
        raise Invalid("consolidate.no-members", entity=head)
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """An asset of one of the group's entities, as that entity measures it."""

    card: AssetCard
    recognition: Recognition
    carrying: Carrying
    policy: AccountingPolicy


Measure = Callable[[AssetCard, Recognition, AccountingPolicy], Carrying]

# With which kinds an asset leaves its entity; what is held for sale has left the lines too, but
# not the entity.
_OUT = (
    Kind.DISPOSED,
    Kind.LAPSED,
    Kind.SOLD,
    Kind.OTHER_OUT,
    Kind.CONTRIBUTED,
    Kind.CONTRIBUTED_IN_GROUP,
)
_OFF = (*_OUT, Kind.HELD)
_COST_LAYERS = (Layer.COST, Layer.INVENTORY)
_LESS = (Layer.AMORTISATION, Layer.IMPAIRMENT, Layer.WRITE_DOWN)


@dataclass(slots=True)
class _View:
    """An asset as the group sees it; what members bought of it is taken out."""

    route: Route
    movements: list[Movement]


@dataclass(slots=True)
class Consolidation:
    """What a group's entities hold, and what is eliminated between them."""

    group: str  # the head's party node
    members: frozenset[str]  # entities
    held: Mapping[str, Held]  # by asset node
    measure: Measure
    made: list[Elimination] = field(default_factory=list[Elimination])
    carryings: list[Carrying] = field(default_factory=list[Carrying])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    _views: dict[str, _View | None] = field(default_factory=dict[str, "_View | None"])

    def eliminate(self) -> None:
        """Fill `made` with the eliminations and `carryings` with their movements, a column each.

        Invalid consolidate.circular, consolidate.unknown-asset, consolidate.no-counterpart,
        consolidate.several-sales.
        """
        for asset in self.held:
            self._view(asset)
        self.made.sort(key=lambda one: (one.day, one.id))
        for one in self.made:
            self._carry(one)

    def _view(self, asset: str) -> _View:
        if asset in self._views:
            view = self._views[asset]
            if view is None:
                raise self._wrong("consolidate.circular", asset)
            return view
        self._views[asset] = None
        held = self.held[asset]
        acquired = held.card.acquired
        if acquired is None or acquired.entity not in self.members:
            view = _View(held.carrying.route, list(held.carrying.movements))
        else:
            view = self._bought(asset, held)
        self._views[asset] = view
        return view

    def _bought(self, asset: str, held: Held) -> _View:
        """The view of what was bought inside the group; eliminates on the way."""
        acquired = held.card.acquired
        assert acquired is not None
        booked = {m.source for m in held.carrying.movements}  # until the day measured
        carried = [
            v
            for v in held.recognition.verdicts
            if v.outcome is Outcome.CAPITALISED and v.voucher in booked
        ]
        wanted = set(acquired.vouchers)
        inside = [
            v for v in carried if not wanted or ids.key_of(v.voucher).rpartition("/")[2] in wanted
        ]
        vouchers = tuple(dict.fromkeys(v.voucher for v in inside))
        if not inside:
            return _View(held.carrying.route, list(held.carrying.movements))
        sold = ids.node("asset", acquired.asset) if acquired.asset else ""
        if sold and sold not in self.held:
            raise self._wrong("consolidate.unknown-asset", asset, other=acquired.asset)
        if acquired.carried is not None:
            found = self._measured(held, inside, acquired.carried)
            view = _View(held.carrying.route, list(found.movements))
            self._differ(asset, held, view, [], "", sold, vouchers)
            return view
        if not sold:
            raise self._wrong("consolidate.no-counterpart", asset, other="–")
        seller = self._view(sold)
        taken = self._taken(asset, held, sold, seller)
        gone = {
            layer: Money.sum((-m.amount for m in taken if m.layer is layer), held.carrying.currency)
            for layer in Layer
        }
        gross = gone[Layer.COST] + gone[Layer.INVENTORY]
        less = Money.sum((gone[layer] for layer in _LESS), held.carrying.currency)
        self._price(asset, held, sold, inside, taken)
        from_stock = self.held[sold].card.use is Use.SALE
        to_stock = held.card.use is Use.SALE
        seller.movements = [m for m in seller.movements if m not in taken]
        if from_stock is not to_stock:
            again = [replace(m, kind=Kind.OTHER_OUT) for m in taken]
            seller.movements += again
            found = self._measured(held, inside, gross - less)
            moved = [
                replace(m, kind=Kind.OTHER_IN) if self._is_intake(m, vouchers) else m
                for m in found.movements
            ]
            view = _View(seller.route, moved)
            self._differ(asset, held, view, taken, seller.route, sold, vouchers, again)
            return view
        if to_stock:
            # The provision goes on: a test on the first day at what the seller carried makes it.
            first = min(v.dated for v in inside)
            found = self._measured(held, inside, gross, written_down=(first, gross - less))
            moved = [
                m
                for m in found.movements
                if not self._is_intake(m, vouchers)
                and not (m.day == first and m.layer is Layer.WRITE_DOWN and m.kind is Kind.CHARGED)
            ]
        else:
            found = self._measured(held, inside, gross - less)
            moved = self._with_gross(asset, found, vouchers, gone)
        view = _View(seller.route, moved)
        self._differ(asset, held, view, taken, seller.route, sold, vouchers)
        return view

    def _taken(self, asset: str, held: Held, sold: str, seller: _View) -> list[Movement]:
        """The movements with which the seller's asset went to the buyer."""
        acquired = held.card.acquired
        assert acquired is not None
        out = [m for m in seller.movements if m.kind in _OUT]
        days = sorted({m.day for m in out})
        if acquired.date is not None:
            days = [day for day in days if day == acquired.date]
        if not days:
            raise self._wrong("consolidate.no-counterpart", asset, other=sold)
        if len(days) > 1:
            told = ", ".join(day.isoformat() for day in days)
            raise self._wrong("consolidate.several-sales", asset, other=sold, days=told)
        return [m for m in out if m.day == days[0]]

    def _price(
        self,
        asset: str,
        held: Held,
        sold: str,
        inside: Sequence[Verdict],
        taken: Sequence[Movement],
    ) -> None:
        """Tell when the buyer's price is not what the seller says it got."""
        paid = Money.sum((v.amount for v in inside), held.carrying.currency)
        proceeds = self.held[sold].carrying.proceeds
        got = [proceeds[key] for key in {(m.day, m.kind) for m in taken} if key in proceeds]
        total = Money.sum(got, held.carrying.currency)
        if got and total != paid:
            self._say("consolidate.price-differs", asset, paid=paid.text, got=total.text, sold=sold)

    def _measured(
        self,
        held: Held,
        inside: Sequence[Verdict],
        cost: Money,
        *,
        written_down: tuple[date, Money] | None = None,
    ) -> Carrying:
        """The buyer's asset, had it paid `cost` for what came from inside the group."""
        weights = [max(v.amount.amount, Decimal()) for v in inside]
        if sum(weights) <= 0:
            weights = [Decimal(1)] * len(inside)
        shares = dict(zip(map(id, inside), cost.split(weights), strict=True))
        verdicts = tuple(
            replace(v, amount=shares[id(v)]) if id(v) in shares else v
            for v in held.recognition.verdicts
        )
        facts = held.card.measurement
        # A loss that the buyer states is one to a recoverable amount, which is the group's too.
        impairments = tuple(
            {key: value for key, value in entry.items() if key != "amount"}
            | {"recoverable": held.carrying.carried(_after(entry["date"])).text}
            if "amount" in entry
            else entry
            for entry in facts.impairments
        )
        nrv = facts.nrv
        if written_down:
            day, price = written_down
            nrv = ({"date": day.isoformat(), "price": price.text}, *nrv)
        card = replace(held.card, measurement=replace(facts, impairments=impairments, nrv=nrv))
        return self.measure(card, replace(held.recognition, verdicts=verdicts), held.policy)

    def _is_intake(self, movement: Movement, vouchers: Sequence[str]) -> bool:
        return movement.layer in _COST_LAYERS and movement.source in vouchers

    def _with_gross(
        self, asset: str, found: Carrying, vouchers: Sequence[str], gone: Mapping[Layer, Money]
    ) -> list[Movement]:
        """The buyer's movements without the purchase; with every disposal goes its share of what
        the seller had amortised and provided for.
        """
        left = {layer: gone[layer] for layer in (Layer.AMORTISATION, Layer.IMPAIRMENT)}
        moved: list[Movement] = []
        cost = Money(Decimal(), found.currency)
        if any(m.kind is Kind.RETURNED for m in found.movements):
            raise self._wrong("consolidate.returned", asset)
        for m in found.movements:
            if not self._is_intake(m, vouchers):
                moved.append(m)
            if m.layer is Layer.COST and m.kind in _OFF and cost:
                share = EXACT.divide(-m.amount.amount, cost.amount)
                off = {
                    layer: held if share == 1 else (held * share).posted()
                    for layer, held in left.items()
                }
                total = Money.sum(off.values(), found.currency)
                if total:
                    moved.append(replace(m, amount=-total, source=asset))
                for layer, amount in off.items():
                    left[layer] = left[layer] - amount
                    if amount:
                        moved.append(replace(m, layer=layer, amount=-amount, source=asset))
            if m.layer is Layer.COST:
                cost = cost + m.amount
        return moved

    def _differ(
        self,
        asset: str,
        held: Held,
        view: _View,
        taken: Sequence[Movement],
        taken_route: str,
        sold: str,
        vouchers: tuple[str, ...],
        again: Sequence[Movement] = (),
    ) -> None:
        """An elimination a day and reason, for what the group sees otherwise than the entities."""
        lines: dict[tuple[str, date], dict[tuple[Layer, Kind, str], Decimal]] = {}

        def add(m: Movement, route: str, sign: int) -> None:
            found = lines.setdefault((_why(m, taken, vouchers), m.day), {})
            key = m.layer, m.kind, route
            found[key] = EXACT.add(found.get(key, Decimal()), m.amount.amount * sign)

        for m in taken:
            add(m, taken_route, -1)
        for m in again:
            add(m, taken_route, 1)
        for m in held.carrying.movements:
            add(m, held.carrying.route, -1)
        for m in view.movements:
            add(m, view.route, 1)
        currency = held.carrying.currency
        for (what, day), found in lines.items():
            eliminated = tuple(
                Eliminated(layer.value, kind.value, str(route), Money(amount, currency))
                for (layer, kind, route), amount in found.items()
                if amount
            )
            if eliminated:
                head, key = ids.key_of(self.group), ids.key_of(asset)
                self.made.append(
                    Elimination(
                        f"elimination:{head}/{key}/{what}@{day.isoformat()}",
                        self.group,
                        day,
                        what,
                        eliminated,
                        sold,
                        asset,
                        vouchers,
                    )
                )

    def _carry(self, one: Elimination) -> None:
        held = self.held[one.bought]
        for route in dict.fromkeys(line.route for line in one.lines):
            movements = tuple(
                Movement(one.day, Layer(line.layer), Kind(line.kind), line.amount, one.id)
                for line in one.lines
                if line.route == route
            )
            self.carryings.append(
                Carrying(
                    one.id,
                    held.card.title,
                    Route(route),
                    held.card.use,
                    held.carrying.currency,
                    movements,
                )
            )

    def _say(self, code: str, asset: str, **facts: str) -> None:
        origin = self.held[asset].card.origin
        line = self.held[asset].card.acquired
        said = {"asset": ids.key_of(asset), **facts}
        at = line.line if line else origin.line
        self.diagnostics.append(
            Diagnostic(Severity.WARNING, code, origin.path, at, 1, asset, None, said)
        )

    def _wrong(self, code: str, asset: str, **facts: str) -> Invalid:
        card = self.held[asset].card
        line = card.acquired.line if card.acquired else card.origin.line
        return Invalid(code, path=card.origin.path, line=line, node=asset, asset=card.id, **facts)  # pyright: ignore[reportArgumentType]


def _why(movement: Movement, taken: Sequence[Movement], vouchers: Sequence[str]) -> str:
    if movement in taken or movement.source in vouchers:
        return "transfer"
    if movement.kind in _OFF:
        return "disposal"
    return {
        Layer.AMORTISATION: "amortisation",
        Layer.IMPAIRMENT: "impairment",
        Layer.WRITE_DOWN: "write_down",
    }.get(movement.layer, "transfer")


def _after(day: str) -> date:
    return date.fromordinal(date.fromisoformat(str(day)).toordinal() + 1)
