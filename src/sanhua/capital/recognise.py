"""Recognise 确认: which spending may be carried as an asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.text import Text

CONDITIONS = ("technical_feasibility", "intention", "future_benefit", "resources", "reliable_measurement")


class Route(StrEnum):
    """外购, 自行开发, 其他."""

    PURCHASED = "purchased"
    SELF_DEVELOPED = "self_developed"
    OTHER = "other"


class Use(StrEnum):
    INTERNAL = "internal"
    SERVE_CUSTOMERS = "serve_customers"
    SALE = "sale"  # final purpose is sale in daily activities: inventory


@dataclass(frozen=True, slots=True)
class Judged:
    """Who answers for a judgement, and since when."""

    by: str
    date: date


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the five conditions of CAS 6 art. 9, with its day and papers."""

    date: date
    evidence: tuple[Evidence, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    date: date
    done: Decimal
    by: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    months: int
    reasons: tuple[str, ...]
    judged: Judged | None
    indefinite: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """`estimates`, `impairments`, `disposals` and `nrv` keep their keys as text (FORMATS §11)."""

    available_on: date | None = None
    evidence: tuple[Evidence, ...] = ()
    life: Life | None = None
    estimates: tuple[Mapping[str, str], ...] = ()
    impairments: tuple[Mapping[str, str], ...] = ()
    disposals: tuple[Mapping[str, str], ...] = ()
    nrv: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AssetCard:
    """A file of `books/assets/`: one asset from project to disposal."""

    id: str
    title: Text
    entity: str
    route: Route
    use: Use
    origin: Origin
    codes: tuple[str, ...] = ()  # project codes as they stand in the vouchers
    budget: Money | None = None
    due: date | None = None
    research: date | None = None
    development: date | None = None
    progress: tuple[Progress, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict[str, Condition])
    judged: Judged | None = None
    vouchers: tuple[str, ...] = ()  # purchased: voucher numbers
    control: tuple[Evidence, ...] = ()
    measurement: Measurement = Measurement()
