"""Identifiers: the shape of a number, which an engine can test, and its check digit, tested here.

A detector runs `shape` over a column in SQL, then `valid` over a few distinct values: numbers that
only look like an identity number seldom pass a check digit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from sanhua.kernel.errors import Invalid
from sanhua.kernel.ports import Rules
from sanhua.rules.packs import Packs

_SHAPES = "identifier_shapes"


class Kind(NamedTuple):
    """Where the rules of one kind of identifier stand; `checked` when it has a check digit."""

    instrument: str
    shape: str = "shape"
    checked: bool = True


KINDS: dict[str, Kind] = {
    "resident_id": Kind("gb_11643"),  # 公民身份号码
    "resident_id_15": Kind("gb_11643", "shape_15", checked=False),
    "uscc": Kind("gb_32100"),  # 统一社会信用代码
    "org_code": Kind("gb_11714"),  # 组织机构代码
    "business_licence": Kind("gs15_2006"),  # 营业执照注册号
    "bank_card": Kind("iso_7812"),
    "luhn": Kind("iso_7812", "shape_any"),  # any number with the check digit of bank cards
    "iso_7064_37_36": Kind("iso_7064_37_36"),
    "vin": Kind("gb_16735"),  # 车辆识别代号
    "phone": Kind(_SHAPES, "phone", checked=False),
    "email": Kind(_SHAPES, "email", checked=False),
    "plate": Kind(_SHAPES, "plate", checked=False),
    "passport": Kind(_SHAPES, "passport", checked=False),
    "hk_macao_permit": Kind(_SHAPES, "hk_macao_permit", checked=False),
    "taiwan_permit": Kind(_SHAPES, "taiwan_permit", checked=False),
    "hk_macao_travel_permit": Kind(_SHAPES, "hk_macao_travel_permit", checked=False),
    "permanent_resident_id": Kind(_SHAPES, "permanent_resident_id", checked=False),
}


@dataclass(frozen=True, slots=True)
class CheckDigit:
    """How a check character follows from the others.

    `weighted`: the values of the characters times `weights`, summed, modulo `modulus`, index
    `checks`; `hybrid`: ISO 7064 MOD M+1,M; `luhn`: every second digit from the right doubled.
    A character's value is its place in `alphabet`, or the number at that place in `values`.
    `position` counts from 1; None is the last character.
    """

    system: str
    alphabet: str
    modulus: int
    checks: str
    weights: tuple[int, ...] = ()
    values: tuple[int, ...] = ()
    position: int | None = None

    def split(self, text: str) -> tuple[str, str]:
        """The text without its check character, and that character."""
        at = len(text) - 1 if self.position is None else self.position - 1
        return text[:at] + text[at + 1 :], text[at]

    def expected(self, rest: str) -> str:
        """The check character that belongs to `rest`; "" when length or alphabet is foreign."""
        places = [self.alphabet.find(character) for character in rest]
        if not places or min(places) < 0:
            return ""
        values = [self.values[place] for place in places] if self.values else places
        if self.system == "weighted":
            weights = list(self.weights)
            if self.position is not None:
                del weights[self.position - 1]  # the check character weighs nothing
            if len(weights) != len(values):
                return ""
            total = sum(map(int.__mul__, values, weights))
        elif self.system == "hybrid":
            total = _hybrid(values, self.modulus)
        else:
            total = _luhn(values)
        return self.checks[total % self.modulus]


def _hybrid(values: Sequence[int], modulus: int) -> int:
    product = modulus
    for value in values:
        product = ((product + value) % modulus or modulus) * 2 % (modulus + 1)
    return modulus + 1 - product


def _luhn(values: Sequence[int]) -> int:
    doubled = [
        divmod(value * 2, 10) if at % 2 == 0 else (0, value)
        for at, value in enumerate(reversed(values))
    ]
    return -sum(map(sum, doubled))


def normalise(kind: str, text: str) -> str:
    """`text` as its standard writes it: half width, upper case, no blanks, no hyphens.

    A plate loses the middle dot, a phone number its +86; an e-mail address keeps hyphens and case.
    """
    _kind(kind)
    written = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    if kind == "email":
        return written
    written = re.sub(r"[-\u2010-\u2015\u2212]", "", written).upper()
    if kind == "plate":
        return re.sub("[\u00b7\u2022\u2027\u30fb.]", "", written)
    if kind == "phone":
        return re.sub(r"^(?:\+|00)?86(?=1[0-9]{10}$)", "", written)
    return written


def shape(kind: str, rules: Rules | None = None, on: date | None = None) -> str:
    """The form of `kind` as an anchored regular expression that every engine reads alike.

    Without `rules` and a day it is the latest form of the pack that ships with sanhua.
    """
    known = _kind(kind)
    if rules is None or on is None:
        return _shipped(known)
    return rules.ask(known.instrument, known.shape, on=on).value


@cache
def _shipped(known: Kind) -> str:
    return Packs.load().history(known.instrument)[known.shape].values[-1].rule.value


def check_digit(kind: str, rules: Rules, on: date) -> CheckDigit | None:
    """How the check character of `kind` is computed; None when it has none."""
    known = _kind(kind)
    if not known.checked:
        return None
    value: dict[str, Any] = rules.ask(known.instrument, "check_digit", on=on).value
    return CheckDigit(**value)


def valid(kind: str, text: str, rules: Rules, on: date) -> bool:
    """Whether `text`, once normalised, is well formed and its check character right on day `on`.

    An identity number must name a known province and a day of birth not after `on`; characters 9 to
    17 of a social credit code must be an organisation code. Whether the number was ever given to
    anyone is not known here.
    """
    written = normalise(kind, text)
    if not _compiled(shape(kind, rules, on)).fullmatch(written):
        return False
    known_check = check_digit(kind, rules, on)
    if known_check is not None:
        rest, check = known_check.split(written)
        if known_check.expected(rest) != check:
            return False
    if kind in ("resident_id", "resident_id_15"):
        birth = written[6:14] if kind == "resident_id" else "19" + written[6:12]
        return written[:2] in rules.ask("gb_11643", "areas", on=on).value and _born(birth, on)
    if kind == "uscc":
        return valid("org_code", written[8:17], rules, on)
    if kind == "permanent_resident_id" and len(written) == 18:
        return valid_check("resident_id", written, rules, on)
    return True


def valid_check(kind: str, text: str, rules: Rules, on: date) -> bool:
    """Whether the check character of `text` is right by the rule of `kind`, whatever its shape."""
    known_check = check_digit(kind, rules, on)
    if known_check is None:
        return True
    rest, check = known_check.split(text)
    return known_check.expected(rest) == check


def modern_resident_id(old: str, rules: Rules, on: date) -> str:
    """An identity number of 15 digits as one of 18: 19 before the year, the check added."""
    known_check = check_digit("resident_id", rules, on)
    if known_check is None or not valid("resident_id_15", old, rules, on):
        raise Invalid("rule.not-an-identifier", kind="resident_id_15")
    digits = normalise("resident_id_15", old)
    rest = digits[:6] + "19" + digits[6:]
    return rest + known_check.expected(rest)


def _kind(kind: str) -> Kind:
    known = KINDS.get(kind)
    if known is None:
        from difflib import get_close_matches

        nearest = get_close_matches(kind, KINDS, 3, 0.4) or list(KINDS)
        raise Invalid("rule.unknown-identifier", kind=kind, nearest=", ".join(nearest))
    return known


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _born(digits: str, on: date) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) <= on
    except ValueError:
        return False
