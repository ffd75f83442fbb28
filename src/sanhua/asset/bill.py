"""Bill 账单: what the calls under a deal cost in a period, line by line, to the fen.

A bill follows calendar months, quarters or years: the one that the plan's fee, minimum and cap
name. It is drawn up when the period or the deal is over. In a period that the deal covers in part,
fee, minimum, cap and included units count by days in force (unless `proration: none`), so that a
deal and the one that amends it make one whole. Each line is rounded to the fen; tax is worked out
once over their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated

from sanhua.asset.price import MONTHS, Plan, Tax, currency_of, stepped
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.record import Ref, record
from sanhua.kernel.time import Period

MB = 1_000_000
TOTAL = "total."  # the line of the revenue over all products, with its currency; no product's name


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """`amount` is `quantity` x `price` to the fen; of a fee by days, `price` x `days` ("15/31").

    `reason` is once, fee, usage, minimum, cap, trial or adjustment, `period` what it is for.
    """

    reason: str
    quantity: Decimal
    price: Money
    amount: Money
    period: str
    unit: str = ""
    days: str = ""


@record("invoice")
@dataclass(frozen=True, slots=True)
class Invoice:
    """账单 `inv_…`: one deal's bill in the close of one month; `period` is that month, `periods`
    those that its lines are for. `counted` are the units of the period that is billed.

    A negative `total` is owed to the consumer.
    """

    id: str
    deal: Annotated[str, Ref("billed_under")]
    terms: str
    consumer: Annotated[str, Ref("billed_to")]
    provider: Annotated[str, Ref("billed_by")]
    product: str
    period: str
    periods: tuple[str, ...]
    dated: date
    billed: str  # the period that it bills for the first time; empty in an adjustment alone
    counted: Mapping[str, int]
    lines: tuple[InvoiceLine, ...]
    net: Money
    tax: Money
    total: Money
    rated_in: tuple[Annotated[str, Ref("rated_in")], ...]  # closings whose counts it stands on
    signatures: tuple[Annotated[str, Ref("agreed_in")], ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """What one deal used in a calendar month, each call once."""

    deal: Annotated[str, Ref("counted_for")]
    month: str
    records: int
    units: Mapping[str, int]  # call row byte


@record("closing")
@dataclass(frozen=True, slots=True)
class Closing:
    """月结 `closing:2026-03`: what the close of a month counted and billed.

    `segments` are those that no close before had counted, `counts` the months that they touch (a
    later closing's count replaces an earlier one's). `unbilled` are deals that bind nobody, whose
    usage is kept and not billed. `reconciled` holds the numbers that were found to agree.
    `corrects` names, for each proposed entry that puts an earlier one right, that one.
    """

    id: str
    starts_on: date
    ends_on: date
    segments: tuple[Annotated[str, Ref("metered_in")], ...]
    counts: tuple[Counted, ...]
    unbilled: tuple[str, ...]
    reconciled: Mapping[str, int]
    proposed: tuple[Annotated[str, Ref("proposes")], ...]  # entries for the ERP to book
    figures: tuple[str, ...]
    corrects: Mapping[str, str] = field(default_factory=dict[str, str])


def month_of(day: date) -> Period:
    """The calendar month of a legal day."""
    return Period.named(f"{day:%Y-%m}")


def billing_period(plan: Plan, day: date) -> Period:
    """The calendar month, quarter or year of `day` that the plan bills by."""
    quarter = f"Q{(day.month + 2) // 3}"
    named = {1: f"{day:%Y-%m}", 3: f"{day:%Y}-{quarter}", 12: f"{day:%Y}"}
    return Period.named(named[months_of(plan)])


def due_in(period: Period, starts_on: date, ends_on: date) -> Period:
    """The month whose close bills `period` of a deal in force `starts_on <= day < ends_on`: the
    last of the two; its first month when the deal is over before it.
    """
    last = max(min(period.ends_on, ends_on), period.starts_on)
    before = Period("", period.starts_on, last).through
    return month_of(max(before, period.starts_on))


def lines_of(
    plan: Plan, period: Period, starts_on: date, ends_on: date, used: Mapping[str, int]
) -> list[InvoiceLine]:
    """What a whole billing period costs. `used` counts call, row, byte; the deal is in force
    `starts_on <= day < ends_on`. Amounts are with or without tax as the plan's are.
    """
    zero = Money(Decimal(), currency_of(plan))
    found: list[InvoiceLine] = []

    def add(reason: str, quantity: int | Decimal, price: Money, unit: str = "") -> None:
        amount = (price * Decimal(quantity)).posted()
        found.append(InvoiceLine(reason, Decimal(quantity), price, amount, period.id, unit))

    if plan.free:
        if used.get("call", 0):
            add("trial", used["call"], zero, "call")
        return found
    if plan.once is not None and starts_on in period and starts_on < ends_on:
        add("once", 1, plan.once)
    days, whole = days_in(plan, period, starts_on, ends_on)
    for fee in plan.fee.values():
        if days:
            quantity = round(Decimal(days) / whole, 6) if days < whole else Decimal(1)
            shown = f"{days}/{whole}" if days < whole else ""
            amount = _by_days(fee, days, whole)
            found.append(InvoiceLine("fee", quantity, fee, amount, period.id, "", shown))
    units = {**used, "mb": -(-used.get("byte", 0) // MB)}
    for unit, steps in plan.per.items():
        included = plan.included.get(unit, 0) * days // whole if days else 0
        beyond = max(0, units.get(unit, 0) - included)
        for quantity, price in stepped(steps, beyond, plan.steps):
            if quantity:
                add("usage", quantity, price, unit)
    for low in plan.minimum.values():
        short = _by_days(low, days, whole) - _sum(found, "fee", "usage", zero=zero)
        if short.fen > 0:
            add("minimum", 1, short)
    for cap in plan.cap.values():
        most = _by_days(cap, days, whole) if days else cap.posted()
        over = _sum(found, "fee", "usage", "minimum", zero=zero) - most
        if over.fen > 0:
            add("cap", 1, -over)
    return found


def days_in(plan: Plan, period: Period, starts_on: date, ends_on: date) -> tuple[int, int]:
    """The days of a period that count, and all its days; every one of a plan without proration."""
    whole = (period.ends_on - period.starts_on).days
    days = max((min(ends_on, period.ends_on) - max(starts_on, period.starts_on)).days, 0)
    return whole if days and plan.proration == "none" else days, whole


def draw_up(
    plan: Plan,
    month: Period,
    touched: Iterable[Period],
    starts_on: date,
    ends_on: date,
    used: Callable[[Period], Mapping[str, int]],
    billed: Callable[[Period], Money],
) -> tuple[list[InvoiceLine], Period | None]:
    """The lines of a deal's invoice in the close of `month`, and the period that it bills for the
    first time (none when only earlier ones are adjusted).

    `touched` are the months that were counted in this close, `used` counts a period as it is now,
    `billed` is what earlier invoices said for a period: a difference becomes an adjustment.
    """
    lines: list[InvoiceLine] = []
    own: Period | None = None
    for period in dict.fromkeys(billing_period(plan, one.starts_on) for one in touched):
        due = due_in(period, starts_on, ends_on)
        if period.ends_on <= starts_on or due.starts_on > month.starts_on:
            continue
        asked = lines_of(plan, period, starts_on, ends_on, used(period))
        if due == month:
            lines, own = asked + lines, period if asked else None
        else:
            more = Money.sum((x.amount for x in asked), currency_of(plan)) - billed(period)
            if more:
                lines.append(InvoiceLine("adjustment", Decimal(1), more, more, period.id))
    return lines, own


def months_of(plan: Plan) -> int:
    """How many months one bill covers."""
    return MONTHS[next(iter((*plan.fee, *plan.minimum, *plan.cap)), "month")]


def _by_days(amount: Money, days: int, whole: int) -> Money:
    exact = EXACT.divide((amount * days).amount, Decimal(whole))
    return Money(exact, amount.currency).posted()


def _sum(lines: Iterable[InvoiceLine], *reasons: str, zero: Money) -> Money:
    return Money.sum((x.amount for x in lines if x.reason in reasons), zero.currency)


def taxed(lines: Sequence[InvoiceLine], tax: Tax) -> tuple[Money, Money, Money]:
    """Net, tax and total of lines that hold tax or have it added, as `tax` says."""
    said = Money.sum((line.amount for line in lines), lines[0].amount.currency)
    if tax.included:
        net = Money(EXACT.divide(said.amount, 1 + tax.rate), said.currency).posted()
        return net, said - net, said
    added = (said * tax.rate).posted()
    return said, added, said + added
