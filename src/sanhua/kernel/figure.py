"""A figure: a number that is shown to somebody, with the parts that add up to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated

from sanhua.kernel.record import PostedFrom, Ref, SummedFrom, record
from sanhua.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Part:
    """Another node that counts into the figure with `amount` (in the figure's unit).

    `said` is where its record says the amount, as a path inside the fields (`capitalised.amount`);
    a figure says its value. Empty for what is counted as one or said by no record.
    """

    node: SummedFrom
    amount: Decimal
    said: str = ""


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

    `cites` names, by node, the seal of the version of each record that it stands on, as it was when
    the figure was kept; the unit of work fills it in. What was added later does not move it.
    """

    id: str
    label: Text
    value: Decimal
    unit: str  # CNY, rows, 1 …
    parts: tuple[Part, ...] = ()
    postings: tuple[Posted, ...] = ()
    recognised_in: tuple[Annotated[str, Ref("recognised_in")], ...] = ()
    additive: bool = True
    cites: Mapping[str, str] = field(default_factory=dict[str, str])

    def citing(self, seal_of: Callable[[str], str]) -> Figure:
        """With the present seals of what it stands on; what is no record has none."""
        nodes = [part.node for part in (*self.parts, *self.postings)] + [*self.recognised_in]
        seals = {node: seal_of(node) for node in dict.fromkeys(nodes)}
        return replace(self, cites={node: seal for node, seal in seals.items() if seal})
