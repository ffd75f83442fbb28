"""Usage policies 使用控制 and deals, as declared; `contract` resolves and binds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sanhua.asset.price import Plan
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text


@dataclass(frozen=True, slots=True)
class UsagePolicy:
    """What is not permitted is forbidden."""

    id: str
    title: Text
    origin: Origin
    actions: tuple[str, ...]
    purposes: tuple[str, ...]
    forbid: tuple[str, ...] = ()
    permit: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # places count recipients environment min_group
    oblige: tuple[Mapping[str, str], ...] = ()
    level: str = ""  # L1 L2 L3

    def admits(self, party: str) -> bool:
        """Whether `party` may receive what the policy governs; one that names no recipients is for
        anybody.
        """
        recipients = self.permit.get("recipients", "").split()
        return not recipients or party in recipients


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal file; signatures are acts."""

    id: str
    product: str
    consumer: str
    plan: str
    fields: tuple[str, ...]
    purposes: tuple[str, ...]
    starts_on: date
    ends_on: date
    level: str
    origin: Origin
    policy: str = ""
    grant: str = ""
    delivery: str = ""
    frequency: str = ""
    contract: str = ""
    consents: str = ""
    amends: str = ""
    mask: Mapping[str, str] = field(default_factory=dict[str, str])
    price: Plan | None = None  # the numbers of a negotiated plan
    rows: str = ""  # a predicate over the product's table: which rows are sold
