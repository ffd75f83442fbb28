"""Price 定价: plans and the terms that a buyer pays under one deal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin


@dataclass(frozen=True, slots=True)
class PriceStep:
    """Up to `to` units (None: all further ones) at `price` each; `price` keeps every digit."""

    price: Money
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A price plan (FORMATS §9). Keys of `fee`, `minimum`, `cap` are month, quarter, year; of `per` and `limit` units."""

    id: str
    origin: Origin
    free: bool = False
    once: Money | None = None
    fee: Mapping[str, Money] = field(default_factory=dict[str, Money])
    proration: str = "day"  # day | none
    per: Mapping[str, tuple[PriceStep, ...]] = field(default_factory=dict[str, tuple[PriceStep, ...]])
    steps: str = "graduated"  # graduated | volume
    included: Mapping[str, int] = field(default_factory=dict[str, int])
    minimum: Mapping[str, Money] = field(default_factory=dict[str, Money])
    cap: Mapping[str, Money] = field(default_factory=dict[str, Money])
    limit: Mapping[str, int] = field(default_factory=dict[str, int])
    qps: int | None = None
    grace: str = ""
    trial: str = ""  # `for: 30 days`
    next: str = ""
    revenue_share: Mapping[str, str] = field(default_factory=dict[str, str])
    negotiated: bool = False
    floor: Money | None = None
    bundle: Mapping[str, str] = field(default_factory=dict[str, str])
    ceiling: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Share:
    """One step of the waterfall: a rate, an amount per period, or the rest (by what, among whom)."""

    party: str = ""
    rate: Decimal | None = None
    amount: Money | None = None
    per: str = ""
    rest: str = ""  # "" no; "true", or lineage quality_quantity shapley equal
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tax:
    rate: Decimal = Decimal()
    included: bool = True
