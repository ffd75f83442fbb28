"""Spread 摊销方法: the pattern in which a cost is consumed, as weights of the months of a life.

A month is charged the base by its weight among the weights left, to the fen, half up; the last
month takes the remainder. Whenever an estimate, the cost or an impairment changes, what is left
becomes the new base for the months left: prospective by construction, one law for every method.

    straight_line        直线法          every month alike
    sum_of_years         年数总和法      years left over the sum of the years
    double_declining     双倍余额递减法  2/n of what is left each year; the last two years alike
    units_of_production  产量法          the month's units; the total is an estimate

The year of a declining method is twelve months from the first month amortised, its months alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm

STRAIGHT, SUM, DECLINING, UNITS = (
    "straight_line",
    "sum_of_years",
    "double_declining",
    "units_of_production",
)
ALIASES = {"declining_balance": DECLINING}
WHOLE_YEARS = (SUM, DECLINING)


def weights(method: str, months: int, residual: Decimal) -> tuple[int, ...]:
    """The weight of each month of a life; the declining methods want whole years.

    Three years without residual by the double declining balance are 2/3, 1/6 and 1/6 of the cost;
    by the sum of the years 3/6, 2/6 and 1/6.
    """
    years = months // 12
    if method == STRAIGHT:
        return (1,) * months
    if method == SUM:
        return tuple(years - month // 12 for month in range(months))
    left, least = Fraction(1), Fraction(residual)
    yearly: list[Fraction] = []
    for year in range(years):
        to_go = years - year
        if to_go <= 2:
            yearly += [max(left - least, Fraction()) / to_go] * to_go
            break
        yearly.append(max(min(left * Fraction(2, years), left - least), Fraction()))
        left -= yearly[-1]
    whole = lcm(*(share.denominator for share in yearly))
    return tuple(int(share * whole) for share in yearly for _ in range(12))


def by_weight(base: int, weight: int | Fraction, rest: int | Fraction) -> int:
    """`weight` of `rest` of `base`, half up; nothing where nothing weighs."""
    return int((2 * base * weight + rest) // (2 * rest)) if rest else 0


@dataclass(slots=True)
class Spread:
    """How an asset is amortised as estimates stand, and how far it has come."""

    method: str
    residual: Decimal
    total: Fraction = Fraction()  # of units, those used included
    months: int = 0  # the whole life; 0: bounded by units alone
    weights: Sequence[int] = ()
    charged: int = 0  # months so far
    used: Fraction = Fraction()  # units so far
    base: int | None = None  # what is spread; None: what is left by then
    rest: int | Fraction = 0  # the weight that the base is spread over

    def over(self, months: int) -> None:
        """Take `months` as the whole life."""
        self.months = months
        self.weights = () if self.method == UNITS else weights(self.method, months, self.residual)

    def done(self, base: int) -> int:
        """What of `base` the months so far have consumed by the pattern."""
        if self.method == UNITS:
            return by_weight(base, self.used, self.total)
        return by_weight(base, sum(self.weights[: self.charged]), sum(self.weights))

    def start(self, left: int) -> None:
        """Spread what is `left` over what is to come."""
        self.base = left
        if self.method == UNITS:
            self.rest = max(self.total - self.used, Fraction())
        else:
            self.rest = sum(self.weights[self.charged :])

    def month(self, left: int, units: Fraction | None) -> int:
        """The charge of the month that follows, of what is `left` (fen); and go on to the next."""
        if left > 0 and self.base is None:
            self.start(left)
        over, weight = False, units or 0
        if self.method == UNITS:
            self.used += weight
            over = self.used >= self.total
        elif self.charged < len(self.weights):
            weight = self.weights[self.charged]
        self.charged += 1
        if left <= 0:
            return 0
        if over or 0 < self.months <= self.charged:
            return left
        return min(by_weight(self.base or 0, weight, self.rest), left)
