"""Exact amounts: kept with every digit, rounded once when posted, shared to the fen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from math import floor

from sanhua.kernel.errors import Invalid

FEN = Decimal("0.01")
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
    GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD
    KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
    NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
    VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)  # ISO 4217, in circulation
EXACT = Context(
    prec=60
)  # enough for any sum of amounts; overflow of precision would be a silent rounding
_WRITTEN = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,2})?)(?: ([A-Z]{3}))?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. `amount` keeps every digit; `posted()` keeps two."""

    amount: Decimal
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if type(self.amount) is not Decimal:
            raise TypeError(f"Money takes a Decimal, not {type(self.amount).__name__}")
        if not self.amount.is_finite():
            raise Invalid("money.not-exact", value=str(self.amount))

    @classmethod
    def parse(cls, written: str, currency: str = "CNY") -> Money:
        """`2000.00` or `2000.00 USD`; anything else (separators, 万, a third decimal) is Invalid
        money.not-exact.
        """
        match = _WRITTEN.fullmatch(written.strip())
        if match is None:
            raise Invalid("money.not-exact", value=written)
        return cls(Decimal(match[1]), match[2] or currency)

    @classmethod
    def of_fen(cls, fen: int, currency: str = "CNY") -> Money:
        """From integer minor units."""
        return _made(Decimal(fen).scaleb(-2, EXACT), currency)

    @classmethod
    def sum(cls, amounts: Iterable[Money], currency: str = "CNY") -> Money:
        """The exact sum; the empty sum is zero in `currency`."""
        rest = iter(amounts)
        first = next(rest, None)
        if first is None:
            return cls(Decimal(), currency)
        total, add = first.amount, EXACT.add
        for amount in rest:
            if amount.currency != first.currency:
                raise Invalid("money.mixed-currency", left=str(first), right=str(amount))
            total = add(total, amount.amount)
        return _made(total, first.currency)

    @property
    def fen(self) -> int:
        """Integer minor units of the posted amount."""
        return int(self.amount.quantize(FEN, ROUND_HALF_UP, EXACT).scaleb(2, EXACT))

    def posted(self) -> Money:
        """Rounded to two decimals, half up (四舍五入), away from zero for negative amounts."""
        return _made(self.amount.quantize(FEN, ROUND_HALF_UP, EXACT), self.currency)

    def __add__(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise Invalid("money.mixed-currency", left=str(self), right=str(other))
        return _made(EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise Invalid("money.mixed-currency", left=str(self), right=str(other))
        return _made(EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Money:
        return _made(self.amount.copy_negate(), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        if factor == 1:
            return self
        return _made(EXACT.multiply(self.amount, Decimal(factor)), self.currency)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    @property
    def text(self) -> str:
        """The posted amount in plain digits: `2558700.00`."""
        return format(self.posted().amount, "f")

    def split(self, weights: Sequence[Decimal]) -> list[Money]:
        """Share by weight so that the parts add up to `posted()` exactly.

        The fen left over by rounding down go to the largest remainders, ties to the first. Weights
        are non-negative with a positive sum.
        """
        total = sum(map(Fraction, weights), Fraction())
        if not weights or total <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative with a positive sum")
        fen = self.fen
        exact = [fen * Fraction(weight) / total for weight in weights]
        parts = [floor(share) for share in exact]
        by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
        for i in by_remainder[: fen - sum(parts)]:
            parts[i] += 1
        return [Money.of_fen(part, self.currency) for part in parts]


def _made(amount: Decimal, currency: str) -> Money:
    """Money whose amount was computed from finite ones: there is nothing to check."""
    money = object.__new__(Money)
    _set(money, "amount", amount)
    _set(money, "currency", currency)
    return money


_set = object.__setattr__  # Money is frozen
