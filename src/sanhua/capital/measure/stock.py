"""Stock 存货: data whose final purpose is sale, by lots where quantities are known.

Keys of an asset file under `measurement`; each fact of a list has `date`:

    lots         a quantity for each purchase voucher; then disposals are by `quantity`
    opening      `inventory`, `write_down`, and with lots `quantity`, as lot `opening`
    disposals    `reason` sale | lapse | disposal | other; `quantity` (with `lot` by specific
                 identification), without lots `share`; all that is left when neither is said. What
                 a sale of stock brings, or putting it into an investee, is revenue (CAS 14) and
                 refused here
    nrv          `price`, `cost_to_finish`, `cost_to_sell`, `tax`; of one `lot`, or of all together
    corrections  see `fold`

The method of issue is the policy's: weighted_average (移动加权平均: anew with every purchase),
fifo, or specific. What was written down leaves with what is sold (转销), in its proportion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from sanhua.capital.measure.fold import IN_KIND, Event, Fact, Fold, Order
from sanhua.capital.measure.movements import Kind, Layer
from sanhua.capital.recognise import Route
from sanhua.kernel import ids

ALIASES = {"first_in_first_out": "fifo"}
LAYERS = (Layer.INVENTORY, Layer.WRITE_DOWN)
OPENING = "opening"


@dataclass(slots=True)
class _Lot:
    fen: int = 0
    quantity: Fraction = Fraction()
    written_down: int = 0

    def take(self, quantity: Fraction) -> tuple[int, int]:
        """Cost and write-down that leave with `quantity`."""
        if quantity == self.quantity:
            gone = self.fen, self.written_down
        else:
            fen = _round(self.fen * quantity / self.quantity)
            down = _round(Fraction(self.written_down * fen, self.fen)) if self.fen else 0
            # Rounding must not leave more written down than there is cost.
            gone = fen, max(down, self.written_down - (self.fen - fen))
        self.quantity -= quantity
        self.fen -= gone[0]
        self.written_down -= gone[1]
        return gone


class Stock(Fold):
    def events(self) -> list[Event]:
        methods = self.rules.ask("cas_1", "issue_methods", on=self.on)
        self.issue = ALIASES.get(self.policy.inventory_issue, self.policy.inventory_issue)
        if self.issue not in [method["id"] for method in methods.value]:
            raise self.invalid("measure.issue-method", methods, method=self.policy.inventory_issue)
        self.refuse("estimates", "impairments", "held_for_sale", "method", "usage")
        self.lots: dict[str, _Lot] = {}
        processed = self.card.route is Route.SELF_DEVELOPED
        self.kind = Kind.PROCESSED if processed else IN_KIND[self.card.route]
        return [
            *((day, Order.COST, self._buy, (fen, source)) for day, fen, source in self.spent()),
            *self.opening(),
            *self.corrections(),
            *self.told("disposals", Order.DISPOSAL, self._dispose),
            *self.told("nrv", Order.TEST, self._realisable),
        ]

    # Lots

    def opens(self, fact: Fact) -> Mapping[str, Layer]:
        return {"inventory": Layer.INVENTORY, "write_down": Layer.WRITE_DOWN}

    def open(self, day: date, fact: Fact) -> None:
        super().open(day, fact)
        if self.facts.lots:
            held, down = (self.balances[layer] for layer in LAYERS)
            quantity = self.number(fact.get("quantity", "0"), "opening")
            if held and not quantity:
                raise self.invalid("measure.lot-without-quantity", voucher=OPENING, date=day)
            self._lot(OPENING).fen += held
            self._lot(OPENING).written_down += down
            self._lot(OPENING).quantity += Fraction(quantity)

    def _buy(self, day: date, spent: tuple[int, str]) -> None:
        fen, source = spent
        self.move(day, Layer.INVENTORY, self.kind, fen, source)
        if not self.facts.lots:
            return
        name = next((n for n in _names(source) if n in self.facts.lots), "")
        if not name:
            number = ids.key_of(source)
            raise self.invalid("measure.lot-without-quantity", voucher=number, date=day)
        if fen < 0:
            raise self.invalid("measure.lot-negative", voucher=name, date=day)
        quantity = self.number(self.facts.lots[name], "lots")
        if not quantity:
            raise self.invalid("measure.lot-without-quantity", voucher=name, date=day)
        lot = self._lot(name)
        lot.fen += fen
        lot.quantity += Fraction(quantity)

    def _lot(self, name: str) -> _Lot:
        """One lot a purchase, or one for all of them where their costs are averaged."""
        return self.lots.setdefault("" if self.issue == "weighted_average" else name, _Lot())

    def finish(self) -> None:
        """Stock has nothing to tell at the end."""

    def changed(self) -> None:
        """A correction falls on the lots that are there, by their quantity."""
        there = [lot for lot in self.lots.values() if lot.quantity]
        gaps = {
            Layer.INVENTORY: self.balances[Layer.INVENTORY] - sum(x.fen for x in there),
            Layer.WRITE_DOWN: self.balances[Layer.WRITE_DOWN] - sum(x.written_down for x in there),
        }
        if not self.facts.lots or not any(gaps.values()):
            return
        if not there:
            raise self.invalid("measure.correction-no-stock")
        held = [
            self.of(self.balances[layer]).split([Decimal(max(x.fen, 1)) for x in there])
            for layer in LAYERS
        ]
        for lot, fen, down in zip(there, *held, strict=True):
            lot.fen, lot.written_down = fen.fen, min(down.fen, fen.fen)

    # Leaving

    def _dispose(self, day: date, fact: Fact) -> None:
        kind, proceeds = self.leaves(day, fact)
        if not self.balances[Layer.INVENTORY]:
            self.note("measure.nothing-left", date=day)
        elif not self.facts.lots:
            if "quantity" in fact or "lot" in fact:
                raise self.invalid("measure.quantity-without-lots", date=day)
            self.leave(day, kind, self.part(day, fact), LAYERS, proceeds)
        else:
            for layer, fen in zip(LAYERS, self._issued(day, fact), strict=True):
                if fen:
                    self.charge(day, layer, -fen, kind)
            self.received(day, kind, proceeds)

    def _issued(self, day: date, fact: Fact) -> tuple[int, int]:
        """发出成本: what leaves by the method of issue, with what was written down of it."""
        if "share" in fact:
            raise self.invalid("measure.share-of-lots", date=day)
        named = fact.get("lot", "")
        if self.issue == "specific" and not named and "quantity" in fact:
            raise self.invalid("measure.lot-not-named", date=day)
        if named and (self.issue == "weighted_average" or named not in self.lots):
            raise self.invalid(
                "measure.no-such-lot", date=day, lot=named, known=", ".join(filter(None, self.lots))
            )
        lots = [self.lots[named]] if named else list(self.lots.values())
        there = sum((lot.quantity for lot in lots), Fraction())
        wanted = (
            Fraction(self.number(fact["quantity"], "disposals")) if "quantity" in fact else there
        )
        if not 0 < wanted <= there:
            raise self.invalid(
                "measure.quantity-exceeds",
                date=day,
                quantity=fact.get("quantity", "0"),
                there=_plain(there),
            )
        cost = down = 0
        for lot in lots:
            if quantity := min(lot.quantity, wanted):
                gone = lot.take(quantity)
                cost, down, wanted = cost + gone[0], down + gone[1], wanted - quantity
        return cost, down

    # Net realisable value

    def _realisable(self, day: date, fact: Fact) -> None:
        """Write stock down to what it will bring in, or back up to what was provided."""
        price = self.money(fact["price"])
        if price.fen < 0:
            raise self.invalid("measure.negative", amount=price.text, date=day)
        nrv = price.fen
        for key in ("cost_to_finish", "cost_to_sell", "tax"):
            if key in fact:
                nrv -= self.fen(fact[key])
        named = fact.get("lot", "")
        if named and (self.issue == "weighted_average" or named not in self.lots):
            raise self.invalid(
                "measure.no-such-lot", date=day, lot=named, known=", ".join(filter(None, self.lots))
            )
        lots = [self.lots[named]] if named else [x for x in self.lots.values() if x.fen]
        if self.facts.lots:
            held, down = sum(x.fen for x in lots), sum(x.written_down for x in lots)
        else:
            held, down = (self.balances[layer] for layer in LAYERS)
        wanted = min(max(held - nrv, 0), held)
        change = wanted - down
        if (
            change < 0
            and not self.rules.ask("cas_1", "inventory_write_down_reversible", on=day).value
        ):
            return
        if change:
            kind = Kind.CHARGED if change > 0 else Kind.REVERSED
            self.charge(day, Layer.WRITE_DOWN, change, kind)
        if lots and held:
            parts = self.of(wanted).split([Decimal(lot.fen) for lot in lots])
            for lot, part in zip(lots, parts, strict=True):
                lot.written_down = part.fen


def _names(voucher: str) -> list[str]:
    """How a voucher may be called: `book/number@year`, with less and less of it."""
    key = ids.key_of(voucher)
    short = key.partition("/")[2] or key
    return [key, short, key.rpartition("@")[0] or key, short.rpartition("@")[0] or short]


def _round(exact: Fraction) -> int:
    """Half up; of what is not below zero."""
    return int((2 * exact + 1) // 2)


def _plain(quantity: Fraction) -> str:
    return f"{Decimal(quantity.numerator) / Decimal(quantity.denominator):f}"
