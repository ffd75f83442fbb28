"""Price 定价: plans and the terms that a buyer pays under one deal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import DefinedBy, Ref, record


@dataclass(frozen=True, slots=True)
class PriceStep:
    """Up to `to` units (None: all further ones) at `price` each; `price` keeps every digit."""

    price: Money
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A price plan (FORMATS §9). Keys of `fee`, `minimum`, `cap` are month, quarter, year; of `per`
    and `limit` units.
    """

    id: str
    origin: Origin
    free: bool = False
    once: Money | None = None
    fee: Mapping[str, Money] = field(default_factory=dict[str, Money])
    proration: str = "day"  # day | none
    per: Mapping[str, tuple[PriceStep, ...]] = field(
        default_factory=dict[str, tuple[PriceStep, ...]]
    )
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
    """One step of the waterfall: a rate, an amount per period, or the rest (by what, for whom).

    A rate is of what was billed without tax (`base` net) or with it (gross).
    """

    party: str = ""
    rate: Decimal | None = None
    amount: Money | None = None
    per: str = ""
    rest: str = ""  # "" no; "true", or lineage quality_quantity shapley equal
    among: tuple[str, ...] = ()
    base: str = "net"  # net | gross


@dataclass(frozen=True, slots=True)
class Tax:
    rate: Decimal = Decimal()
    included: bool = True


MONTHS = {"month": 1, "quarter": 3, "year": 12}


@record("plan")
@dataclass(frozen=True, slots=True)
class PricePlan:
    """`plan:<product>/<plan>`: the terms as they were frozen; their `origin` is empty, the file is
    `definition`, in which the plan stands on `line`.
    """

    id: str
    product: Annotated[str, Ref("prices")]
    terms: Plan
    tax: Tax
    definition: DefinedBy
    path: str = ""
    line: int = 0


def freeze_plan(product_id: str, plan: Plan, tax: Tax) -> PricePlan:
    """The record of one plan of a product; Invalid price.* when its numbers contradict."""
    check_plan(plan)
    node = ids.node("plan", f"{product_id}/{plan.id}")
    return PricePlan(
        node,
        ids.node("product", product_id),
        replace(plan, origin=Origin("")),
        tax,
        plan.origin.sha256,
        plan.origin.path,
        plan.origin.line,
    )


def check_plan(plan: Plan) -> None:
    """Raises Invalid price.* for a plan that no bill could follow."""
    at: dict[str, Any] = {"path": plan.origin.path, "line": plan.origin.line, "plan": plan.id}
    currencies = {money.currency for money in _amounts(plan)}
    if len(currencies) > 1:
        raise Invalid("price.mixed-currency", **at, currencies=", ".join(sorted(currencies)))
    for money in _amounts(plan):
        if money.amount < 0:
            raise Invalid("price.negative", **at, amount=str(money.amount))
    if plan.free and any(money.amount for money in _amounts(plan)):
        raise Invalid("price.free-but-priced", **at)
    for keys in (plan.fee, plan.minimum, plan.cap):
        for key in keys:
            if key not in MONTHS:
                raise Invalid("price.unknown-period", **at, period=key, known=", ".join(MONTHS))
    for low_key, low in plan.minimum.items():
        for high_key, high in plan.cap.items():
            if low.amount * MONTHS[high_key] > high.amount * MONTHS[low_key]:
                raise Invalid("price.minimum-above-cap", **at, minimum=low.text, cap=high.text)
    if plan.steps not in ("graduated", "volume"):
        raise Invalid("price.unknown-steps", **at, steps=plan.steps)
    for unit, steps in plan.per.items():
        tops = [step.to for step in steps]
        bounded = [top for top in tops if top is not None]
        if not steps or tops[-1] is not None or None in tops[:-1]:
            raise Invalid("price.open-steps", **at, unit=unit)
        if any(top <= 0 for top in bounded) or sorted(set(bounded)) != bounded:
            raise Invalid(
                "price.unordered-steps", **at, unit=unit, steps=", ".join(map(str, bounded))
            )
    for name, written in plan.ceiling.items():
        kind, _, key = name.partition(".")
        if kind not in ("per", "fee", "once"):
            continue  # who approved it, and on what paper
        asked = [plan.once] if kind == "once" and plan.once else []
        asked += [plan.fee[key]] if kind == "fee" and key in plan.fee else []
        asked += [step.price for step in plan.per.get(key, ())] if kind == "per" else []
        highest = max((money.amount for money in asked), default=Decimal())
        if highest > Decimal(written.partition(" ")[0]):
            raise Invalid(
                "price.above-ceiling", **at, key=name, asked=str(highest), ceiling=written
            )
    if any(units < 0 for units in (*plan.included.values(), *plan.limit.values())):
        raise Invalid(
            "price.negative", **at, amount=str(min([*plan.included.values(), *plan.limit.values()]))
        )


def _amounts(plan: Plan) -> Iterator[Money]:
    yield from (money for money in (plan.once, plan.floor) if money is not None)
    for keys in (plan.fee, plan.minimum, plan.cap):
        yield from keys.values()
    for steps in plan.per.values():
        yield from (step.price for step in steps)


def stepped(steps: Sequence[PriceStep], units: int, how: str) -> Iterator[tuple[int, Money]]:
    """How many of `units` are at which price: `graduated` prices each unit at its own step,
    `volume` all of them at the last one reached.
    """
    below = 0
    for step in steps:
        if how == "volume":
            if step.to is None or units <= step.to:
                yield units, step.price
                return
            continue
        within = (units if step.to is None else min(units, step.to)) - below
        if within <= 0:
            return
        yield within, step.price
        below += within


def currency_of(plan: Plan) -> str:
    """The currency of a plan's amounts; CNY when it names none."""
    return next(_amounts(plan), Money(Decimal())).currency


def rate(written: str) -> Decimal:
    """`8%` → 0.08; Invalid price.not-a-rate for a bare number."""
    try:
        if written.endswith("%"):
            return Decimal(written[:-1]).scaleb(-2, EXACT)
    except InvalidOperation:
        pass
    raise Invalid("price.not-a-rate", value=written)
