"""A figure: a number that is shown to somebody, with the parts that add up to it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from sanhua.kernel.record import PostedFrom, Ref, SummedFrom, record
from sanhua.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Part:
    """Another node that counts into the figure with `amount` (in the figure's unit)."""

    node: SummedFrom
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Posted:
    """A voucher or entry that counts into the figure with `amount`; negative when it reduces it."""

    node: PostedFrom
    amount: Decimal


@record("figure")
@dataclass(frozen=True, slots=True)
class Figure:
    """`figure:book/report/line/column/period`.

    With `additive`, `value` is exactly the sum of the amounts of `parts` and `postings`, and a
    verifier recomputes it. Otherwise (`additive` false: a score, an average) the parts are what it
    was computed from.
    """

    id: str
    label: Text
    value: Decimal
    unit: str  # CNY, rows, 1 …
    parts: tuple[Part, ...] = ()
    postings: tuple[Posted, ...] = ()
    recognised_in: tuple[Annotated[str, Ref("recognised_in")], ...] = ()
    additive: bool = True
