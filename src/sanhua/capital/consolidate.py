"""Consolidate 合并: a group's assets are its entities' less what they sold to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from sanhua.kernel.money import Money
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
    """`elimination:alpha/map_b/amortisation@2025-03-31`: 合并抵销, with both sides of it.

    `what` says why: transfer, amortisation, impairment, disposal, write_down, deal.
    """

    id: str
    group: HeldBy
    day: date
    what: str
    lines: tuple[Eliminated, ...]
    sold: Annotated[str, Ref("eliminates")] = ""  # the seller's asset, or the invoice
    bought: Annotated[str, Ref("eliminates")] = ""  # the buyer's asset
    sources: tuple[Annotated[str, Ref("eliminates")], ...] = ()  # vouchers and invoices
