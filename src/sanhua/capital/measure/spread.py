"""Spread 摊销方法: the pattern in which a cost is consumed, as weights of the months of a life.

A month is charged the base by its weight among the months left, to the fen, half up; the last month
takes the remainder. Whenever an estimate, the cost or an impairment changes, what is left becomes
the new base for the months left: prospective by construction, one law for every method.

    straight_line        直线法        every month alike
    sum_of_years         年数总和法    years left over the sum of the years
    double_declining     双倍余额递减法  2/n of what is left each year; the last two years alike
    units_of_production  产量法        the month's units; the total is an estimate

The year of a declining method is twelve months from the first month amortised, its months alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def weights(method: str, months: int, residual: Decimal) -> tuple[int, ...]:
    """The weight of each month of a life; the declining methods want whole years.

    Three years without residual by the double declining balance are 2/3, 1/6 and 1/6 of the cost
    (8 : 2 : 2 of 12); by the sum of the years 3/6, 2/6 and 1/6.
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


def share(base: int, weight: int | Fraction, rest: int | Fraction, left: int, *, last: bool) -> int:
    """A month's charge in fen: `weight` of `rest` of `base`, never more than is `left`."""
    if last:
        return left
    return min(int((2 * base * weight + rest) // (2 * rest)), left) if rest else 0


def charges(
    base: int, left: int, to_come: Sequence[int], rest: int | Fraction = 0
) -> Iterator[int]:
    """What the months to come are charged; `rest` is the weight that `base` was spread over."""
    rest = rest or sum(to_come)
    for at, weight in enumerate(to_come):
        charged = share(base, weight, rest, left, last=at == len(to_come) - 1)
        left -= charged
        yield charged
