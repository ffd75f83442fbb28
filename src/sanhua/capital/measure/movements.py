"""The layers of what is carried, why they move, and one asset's movements until a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sanhua.capital.recognise import Route, Use
from sanhua.kernel.errors import Diagnostic
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period


class Layer(StrEnum):
    DEVELOPMENT = "development"  # 开发支出, until the asset is available for use
    DEVELOPMENT_IMPAIRMENT = "development_impairment"  # 开发支出减值准备
    COST = "cost"  # 无形资产账面原值
    AMORTISATION = "amortisation"  # 累计摊销
    IMPAIRMENT = "impairment"  # 无形资产减值准备, never reversed
    INVENTORY = "inventory"  # 存货账面原值
    WRITE_DOWN = "write_down"  # 存货跌价准备, reversed up to what was provided
    HELD = "held_for_sale"  # 持有待售资产
    HELD_PROVISION = "held_for_sale_provision"  # 持有待售资产减值准备


# What each of these layers is taken off from.
OFF = {
    Layer.DEVELOPMENT_IMPAIRMENT: Layer.DEVELOPMENT,
    Layer.AMORTISATION: Layer.COST,
    Layer.IMPAIRMENT: Layer.COST,
    Layer.WRITE_DOWN: Layer.INVENTORY,
    Layer.HELD_PROVISION: Layer.HELD,
}


class Kind(StrEnum):
    """Why a layer moved; the 其中 rows of tables A and B."""

    OPENING = "opening"  # booked before the first period kept here
    SPENT = "spent"
    TRANSFERRED = "transferred"  # development becomes an intangible
    PURCHASED = "purchased"
    DEVELOPED = "developed"
    PROCESSED = "processed"
    OTHER_IN = "other_in"
    CHARGED = "charged"  # amortisation, impairment or write-down of the period
    REVERSED = "reversed"  # a write-down taken back
    DISPOSED = "disposed"
    LAPSED = "lapsed"
    SOLD = "sold"
    CONTRIBUTED = "contributed"  # 作价出资
    CONTRIBUTED_IN_GROUP = "contributed_in_group"  # … under common control
    OTHER_OUT = "other_out"
    HELD = "held"  # becomes held for sale
    RETURNED = "returned"  # is no longer held for sale
    CORRECTED = "corrected"  # a period that was over, put right later


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount` is what it adds to the layer; `source` is the voucher or memo behind it.

    A correction stands on the last day of the period concerned; `decided` is the day on which it
    was made, `why` its kind (audit, event, error).
    """

    day: date
    layer: Layer
    kind: Kind
    amount: Money
    source: str
    decided: date | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Carrying:
    """One asset's movements until a day, in the order they took effect."""

    asset: str
    title: Text
    route: Route
    use: Use
    currency: str
    movements: tuple[Movement, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    proceeds: Mapping[tuple[date, Kind], Money] = field(
        default_factory=dict[tuple[date, Kind], Money]
    )  # of disposals, without VAT; of a contribution what the investment is carried at

    def balance(self, layer: Layer, before: date) -> Money:
        """The layer's balance at the start of the day `before`."""
        return self._sum(m.amount for m in self.movements if m.layer is layer and m.day < before)

    def moved(self, layer: Layer, period: Period, kinds: Iterable[Kind] = tuple(Kind)) -> Money:
        """What `kinds` added to the layer in the period."""
        wanted = frozenset(kinds)
        return self._sum(
            m.amount
            for m in self.movements
            if m.layer is layer and m.day in period and m.kind in wanted
        )

    def carried(self, before: date) -> Money:
        """The carrying amount on all balance-sheet lines at the start of the day `before`."""
        return self._sum(
            -m.amount if m.layer in OFF else m.amount for m in self.movements if m.day < before
        )

    def _sum(self, amounts: Iterable[Money]) -> Money:
        """All of one currency: summed without making an amount of every step."""
        total = Decimal()
        for amount in amounts:
            total = EXACT.add(total, amount.amount)
        return Money(total, self.currency)
