"""Fold: an asset's events in the order of their days, over layers in fen.

On one day an opening comes first, then cost, corrections, disposals and what becomes of an asset
held for sale, estimates, the month's amortisation, and impairment tests last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Any

from sanhua.capital.measure.movements import OFF, Carrying, Kind, Layer, Movement
from sanhua.capital.recognise import AssetCard, Correction, Outcome, Recognition, Route, Use
from sanhua.capital.voucher import AccountingPolicy
from sanhua.kernel import ids
from sanhua.kernel.errors import Citation, Diagnostic, Invalid, Severity
from sanhua.kernel.money import Money
from sanhua.kernel.ports import Rule, Rules
from sanhua.kernel.time import parse_day

Fact = Mapping[str, str]


class Order(IntEnum):
    """The order of events of one day."""

    OPENING = 0
    COST = 1
    CORRECTION = 2
    DISPOSAL = 3
    ESTIMATE = 4
    CHARGE = 5
    TEST = 6


Event = tuple[date, Order, Callable[[date, Any], None], Any]

IN_KIND = {
    Route.PURCHASED: Kind.PURCHASED,
    Route.SELF_DEVELOPED: Kind.DEVELOPED,
    Route.OTHER: Kind.OTHER_IN,
}
OUT_KIND = {
    "disposal": Kind.DISPOSED,
    "lapse": Kind.LAPSED,
    "sale": Kind.SOLD,
    "contribution": Kind.CONTRIBUTED,
    "other": Kind.OTHER_OUT,
}
STOCK = frozenset({Layer.INVENTORY, Layer.WRITE_DOWN})
STANDS = frozenset(Layer) - OFF.keys()  # what others are taken off from


class Fold(ABC):
    """Folds an asset's events in order of their days into movements."""

    def __init__(
        self,
        card: AssetCard,
        recognition: Recognition,
        policy: AccountingPolicy,
        rules: Rules,
        on: date,
    ) -> None:
        self.card, self.recognition, self.policy = card, recognition, policy
        self.rules, self.on = rules, on
        self.facts = card.measurement
        self.asset, self.currency = recognition.asset, recognition.currency
        self.movements: list[Movement] = []
        self.diagnostics: list[Diagnostic] = []
        self.proceeds: dict[tuple[date, Kind], Money] = {}
        self.balances = dict.fromkeys(Layer, 0)  # fen

    def carrying(self) -> Carrying:
        for day, _, act, fact in sorted(self.events(), key=lambda event: event[:2]):
            act(day, fact)
        self.finish()
        return Carrying(
            self.asset,
            self.card.title,
            self.card.route,
            self.card.use,
            self.currency,
            tuple(self.movements),
            tuple(self.diagnostics),
            self.proceeds,
        )

    @abstractmethod
    def events(self) -> list[Event]:
        """Everything that happened until `on`."""

    @abstractmethod
    def finish(self) -> None:
        """What can be told only when all has been folded."""

    @abstractmethod
    def changed(self) -> None:
        """What is left has changed: it is spread anew."""

    def told(self, name: str, order: Order, act: Callable[[date, Fact], None]) -> list[Event]:
        """The facts of a list under `measurement` that happened until `on`."""
        days = [(self.day(fact, name), fact) for fact in getattr(self.facts, name)]
        return [(day, order, act, fact) for day, fact in days if day <= self.on]

    # Spending and openings

    def spent(self) -> list[tuple[date, int, str]]:
        """Capitalised lines, one a voucher and day."""
        found: dict[tuple[date, str], int] = {}
        for verdict in self.recognition.verdicts:
            if verdict.outcome is Outcome.CAPITALISED and verdict.dated <= self.on:
                key = (verdict.dated, verdict.voucher)
                found[key] = found.get(key, 0) + verdict.amount.fen
        return [(day, fen, voucher) for (day, voucher), fen in found.items()]

    def opening(self) -> list[Event]:
        """期初: what was booked before the first period kept here; a voucher until then would count
        it twice.
        """
        fact = self.facts.opening
        if not fact:
            return []
        day = self.day(fact, "opening")
        self.judged(fact, "opening", day)
        if (day.fromordinal(day.toordinal() + 1)).day != 1:
            raise self.invalid("measure.opening-not-month-end", date=day)
        for dated, fen, voucher in self.spent():
            if dated <= day and fen:
                raise self.invalid(
                    "measure.opening-doubled", date=day, voucher=ids.key_of(voucher), dated=dated
                )
        for name in ("estimates", "impairments", "disposals", "nrv", "held_for_sale"):
            for later in getattr(self.facts, name):
                if (dated := self.day(later, name)) <= day:
                    raise self.invalid("measure.before-opening", date=day, what=name, dated=dated)
        for made in self.facts.corrections:
            if made.through < day:
                raise self.invalid(
                    "measure.correction-before-opening",
                    date=day,
                    decided=made.date,
                    concerns=made.concerns,
                )
        return [(day, Order.OPENING, self.open, fact)] if day <= self.on else []

    def open(self, day: date, fact: Fact) -> None:
        """Take over the balances of the day."""
        for key, layer in self.opens(fact).items():
            fen = self.fen(fact[key]) if key in fact else 0
            if fen < 0:
                raise self.invalid("measure.negative", amount=fact[key], date=day)
            if fen:
                self.move(day, layer, Kind.OPENING, fen, self.asset)
        if self.impossible():
            raise self.invalid("measure.opening-exceeds", date=day)

    @abstractmethod
    def opens(self, fact: Fact) -> Mapping[str, Layer]:
        """The keys of an opening, and the layers that they open."""

    # Corrections

    def corrections(self) -> list[Event]:
        made = (c for c in self.facts.corrections if c.date <= self.on)
        return [(c.date, Order.CORRECTION, self._correct, c) for c in made]

    def _correct(self, decided: date, made: Correction) -> None:
        """Put right a layer as it stood at the end of a period that is over; the months from the
        decision on are spread anew. Of what has left the books nothing is put right here: it would
        be carried for ever.
        """
        layer = Layer(made.layer)
        if (layer in STOCK) is not (self.card.use is Use.SALE):
            use = self.card.use.value
            raise self.invalid("measure.misplaced", what=f"corrections: {layer}", use=use)
        if made.through >= decided:
            raise self.invalid("measure.correction-too-early", date=decided, concerns=made.concerns)
        moves = [(made.through, layer, Kind.CORRECTED, made.amount)]
        ready = self.facts.available_on
        if layer is Layer.DEVELOPMENT and ready and made.through < ready <= decided:
            moves += [  # it has become an intangible since
                (ready, Layer.DEVELOPMENT, Kind.TRANSFERRED, -made.amount),
                (ready, Layer.COST, Kind.DEVELOPED, made.amount),
            ]
        over = [left for left in STANDS if not self.balances[left] and self._has_left(left)]
        for day, moved, kind, amount in moves:
            self.movements.append(
                Movement(day, moved, kind, amount, self.asset, decided, made.kind)
            )
            self.balances[moved] += amount.fen
        if self.impossible():
            raise self.invalid(
                "measure.correction-exceeds",
                date=decided,
                layer=layer.value,
                amount=made.amount.text,
            )
        self.changed()
        if any(self.balances[left] for left in over):
            raise self.invalid(
                "measure.correction-after-leaving",
                date=decided,
                layer=layer.value,
                amount=made.amount.text,
            )

    def _has_left(self, layer: Layer) -> bool:
        return any(m.layer is layer and m.amount.fen < 0 for m in self.movements)

    def impossible(self) -> bool:
        """Whether some layer was below zero, or more was taken off than there is cost, at the end
        of some day.
        """
        days: dict[date, Counter[Layer]] = {}
        for movement in self.movements:
            days.setdefault(movement.day, Counter())[movement.layer] += movement.amount.fen
        held: Counter[Layer] = Counter()
        for day in sorted(days):
            held.update(days[day])
            off: Counter[Layer] = Counter()
            for layer, gross in OFF.items():
                off[gross] += held[layer]
            if min(held.values()) < 0 or any(off[gross] > held[gross] for gross in off):
                return True
        return False

    # Leaving

    def leaves(self, day: date, fact: Fact) -> tuple[Kind, Money]:
        """Why something leaves the books, and what it brings: without VAT, none for stock."""
        usual = "sale" if self.card.use is Use.SALE else "disposal"
        kind = OUT_KIND.get(fact.get("reason", usual))
        if kind is None or (kind is Kind.SOLD and self.card.use is not Use.SALE):
            raise self.invalid(
                "measure.disposal-reason",
                reason=fact.get("reason", usual),
                known=", ".join(OUT_KIND),
                date=day,
            )
        if kind is Kind.CONTRIBUTED:
            kind, proceeds = self._contributed(day, fact)
        else:
            proceeds = self.money(fact.get("proceeds", "0.00"))
        if proceeds.fen < 0:
            raise self.invalid("measure.negative", amount=proceeds.text, date=day)
        if proceeds and kind is Kind.SOLD:
            raise self.invalid("measure.proceeds-of-sale", amount=proceeds.text, date=day)
        return kind, proceeds

    def _contributed(self, day: date, fact: Fact) -> tuple[Kind, Money]:
        """作价出资: what the investment is carried at, from a signed agreement (never an appraisal
        alone); its carrying amount under common control.
        """
        if self.card.use is Use.SALE:
            raise self.invalid("measure.contribution-of-stock", date=day)
        in_group = fact.get("common_control") == "true"
        name = ("cas_2", "in_group_difference") if in_group else ("cas_7", "exchange_at_fair_value")
        rule = self.rules.ask(*name, on=day)
        self.agreed(fact, "disposals", day, rule)
        if "proceeds" in fact:
            raise self.invalid("measure.contribution-proceeds", date=day)
        if in_group:
            if "equity" not in fact:
                raise self.invalid("measure.contribution-equity", rule, date=day)
            return Kind.CONTRIBUTED_IN_GROUP, self.money(fact["equity"])
        if "agreed" not in fact:
            raise self.invalid("measure.contribution-agreed", rule, date=day)
        return Kind.CONTRIBUTED, self.money(fact["agreed"])

    def part(self, day: date, fact: Fact) -> Decimal:
        """The share that leaves; all when nothing is said."""
        share = self.rate(fact["share"], "disposals") if "share" in fact else Decimal(1)
        if not 0 < share <= 1:
            raise self.invalid("measure.disposal-share", share=fact["share"], date=day)
        return share

    def leave(
        self, day: date, kind: Kind, share: Decimal, layers: Sequence[Layer], proceeds: Money
    ) -> None:
        """Take `share` of each of `layers` (the gross one first) off the books."""
        gone = {layer: (self.of(self.balances[layer]) * share).fen for layer in layers}
        kept = [self.balances[layer] - gone[layer] for layer in layers]
        over = sum(kept[1:]) - kept[0]
        if over > 0:  # rounding must not leave more taken off than there is cost
            most = max(layers[1:], key=lambda layer: self.balances[layer])
            gone[most] += over
        for layer, fen in gone.items():
            if fen:
                self.move(day, layer, kind, -fen, self.asset)
        self.received(day, kind, proceeds)
        self.changed()

    def received(self, day: date, kind: Kind, proceeds: Money) -> None:
        if proceeds:
            self.proceeds[day, kind] = self.proceeds.get((day, kind), self.of(0)) + proceeds

    # Checks and parsing

    def refuse(self, *names: str) -> None:
        """Facts that mean nothing to an asset of this use."""
        for what in names:
            if getattr(self.facts, what):
                raise self.invalid("measure.misplaced", what=what, use=self.card.use.value)

    def judged(self, fact: Fact, what: str, day: date, rule: Rule | None = None) -> None:
        """Some figures bind only with a paper and a person who answers for them."""
        if not (has(fact, "evidence") and fact.get("judged.by")):
            raise self.invalid("measure.not-judged", rule, what=what, date=day)

    def agreed(self, fact: Fact, what: str, day: date, rule: Rule | None = None) -> None:
        """… and some only with a signed agreement."""
        if not has(fact, "agreement"):
            raise self.invalid("measure.needs-agreement", rule, what=what, date=day)
        if not fact.get("judged.by"):
            raise self.invalid("measure.not-judged", rule, what=what, date=day)

    def day(self, fact: Fact, what: str) -> date:
        if "date" not in fact:
            raise self.invalid("measure.no-date", what=what)
        return parse_day(str(fact["date"]))

    def money(self, written: str) -> Money:
        amount = Money.parse(str(written), self.currency)
        if amount.currency != self.currency:
            raise self.invalid("measure.other-currency", amount=str(amount), currency=self.currency)
        return amount

    def fen(self, written: str) -> int:
        return self.money(written).fen

    def of(self, fen: int) -> Money:
        return Money.of_fen(fen, self.currency)

    def rate(self, written: str, what: str) -> Decimal:
        try:
            rate = Decimal(str(written).removesuffix("%")) / 100
        except InvalidOperation:
            raise self.invalid("measure.not-a-rate", value=written, what=what) from None
        if rate > 1 and what == "estimates":
            raise self.invalid("measure.not-a-rate", value=written, what=what)
        return rate

    def number(self, written: str, what: str) -> Decimal:
        """A quantity or a number of units; not below zero."""
        try:
            number = Decimal(str(written))
        except InvalidOperation:
            number = Decimal(-1)
        if not number.is_finite() or number < 0:
            raise self.invalid("measure.not-a-quantity", value=written, what=what)
        return number

    def move(self, day: date, layer: Layer, kind: Kind, fen: int, source: str) -> None:
        self.movements.append(Movement(day, layer, kind, self.of(fen), source))
        self.balances[layer] += fen

    def charge(self, day: date, layer: Layer, fen: int, kind: Kind = Kind.CHARGED) -> None:
        self.move(day, layer, kind, fen, self.asset)

    def note(self, code: str, rule: Rule | None = None, **facts: Any) -> None:
        origin = self.card.origin
        self.diagnostics.append(
            Diagnostic(
                Severity.WARNING,
                code,
                origin.path,
                origin.line,
                1,
                self.asset,
                rule.citation if rule else None,
                {"asset": self.card.id, **_texts(facts)},
            )
        )

    def invalid(self, code: str, rule: Rule | None = None, **facts: Any) -> Invalid:
        origin = self.card.origin
        citation: Citation | None = rule.citation if rule else None
        return Invalid(
            code,
            path=origin.path,
            line=origin.line,
            node=self.asset,
            rule=citation,
            asset=self.card.id,
            **_texts(facts),
        )


def has(fact: Fact, key: str) -> bool:
    """Whether `key` is written, as a text or with keys of its own."""
    return bool(fact.get(key)) or any(name.startswith(f"{key}.") for name in fact)


def _texts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: fact.isoformat() if isinstance(fact, date) else fact for key, fact in facts.items()
    }
