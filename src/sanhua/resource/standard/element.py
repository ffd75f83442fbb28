"""Data elements 数据元 and business terms 业务术语: what a value means and which form it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache

from sanhua import sql
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text


@dataclass(frozen=True, slots=True)
class DataElement:
    """数据元 (ISO 11179, GB/T 18391, GB/T 19488.1). `type` is `string integer decimal(p,s) date
    timestamp boolean`; `format` the notation that `parse_form` reads.
    """

    id: str
    definition: str
    type: str
    origin: Origin
    title: Text = Text()
    format: str = ""
    unit: str = ""
    codes: str = ""  # code list id
    range: str = ""  # low..high, either end may be missing
    synonyms: tuple[str, ...] = ()
    authority: str = ""  # the one party whose value counts (一数一源)
    status: str = ""
    version: str = ""
    object_class: str = ""
    property: str = ""
    representation: str = ""
    context: str = ""
    submitted_by: str = ""
    approved: str = ""  # the day
    registered_by: str = ""
    pinyin: str = ""
    constraint: str = ""
    scheme: str = ""
    relation: str = ""
    definition_en: str = ""


def names_of(element: DataElement) -> tuple[str, ...]:
    """Title and synonyms, as written, each once."""
    listed = (element.title.zh, element.title.en, *element.synonyms)
    return tuple(dict.fromkeys(filter(None, listed)))


@dataclass(frozen=True, slots=True)
class Term:
    """业务术语: a word of the trade, its definition and the data elements that stand for it."""

    id: str
    title: Text
    definition: str
    origin: Origin
    synonyms: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    definition_en: str = ""
    status: str = ""


# Ranges


def limit(written: str, type: str) -> Decimal | datetime | None:
    """A bound of values of that type, ours or SQL's; None when it is none."""
    try:
        if type == "TIME":
            return datetime.combine(date.min, time.fromisoformat(written))
        if type.casefold() in ("date", "timestamp"):
            return datetime.fromisoformat(written).replace(tzinfo=None)
        number = Decimal(written)
    except (ValueError, InvalidOperation):
        return None
    return number if number.is_finite() else None


def crossed(low: str, high: str, type: str) -> bool:
    """Whether no value lies between two bounds, of which either may be missing."""
    first, last = limit(low, type), limit(high, type)
    if isinstance(first, Decimal) and isinstance(last, Decimal):
        return first > last
    return isinstance(first, datetime) and isinstance(last, datetime) and first > last


def range_violations(written: str, quoted: str, kind: str) -> list[str]:
    """Predicates, true for a value of SQL type `kind` outside `low..high`, not for NULL; none for
    text.
    """
    low, dots, high = (part.strip() for part in written.partition(".."))
    if not dots or kind == "VARCHAR":
        return []
    found: list[str] = []
    for bound, operator in ((low, "<"), (high, ">")):
        value = limit(bound, kind)
        if isinstance(value, Decimal):
            found.append(f"{quoted} {operator} {value:f}")
        elif value is not None:
            found.append(f"{quoted} {operator} CAST({sql.literal(bound)} AS {kind})")
    return found


# Forms 数据格式


@dataclass(frozen=True, slots=True)
class Form:
    """A representation format of GB/T 19488.1, read.

    `kind` is `a` (no digit in it), `n` (digits only; a number may have a sign and `decimals`), `an`
    or `c` (any characters), or `date` (`parts`: YYYY MM DD hh mm ss and what stands between). A
    Chinese character counts as one; `most` None is unlimited.
    """

    kind: str
    least: int = 0
    most: int | None = None
    decimals: int = 0
    parts: tuple[str, ...] = ()

    def pattern(self) -> str:
        """A regular expression for the whole value, without its length; RE2 and Python alike."""
        if self.kind == "date":
            return "^" + "".join(_PARTS.get(p, re.escape(p)) for p in self.parts) + "$"
        if self.kind == "n":
            return rf"^-?[0-9]+(\.[0-9]{{1,{self.decimals}}})?$" if self.decimals else "^[0-9]+$"
        return "^[^0-9]*$" if self.kind == "a" else ""

    def fits(self, value: str) -> bool:
        """Whether a text has this form."""
        pattern = self.pattern()
        if pattern and not re.fullmatch(pattern[1:-1], value):
            return False
        if self.kind == "date":
            return self._is_day(value)
        size = len(re.sub(r"[-.]", "", value)) if self.decimals else len(value)
        return self.least <= size and (self.most is None or size <= self.most)

    def _is_day(self, value: str) -> bool:
        at = self._places()
        if not {"YYYY", "MM", "DD"} <= at.keys():
            return True
        year, month, day = (int(value[at[p] : at[p] + len(p)]) for p in ("YYYY", "MM", "DD"))
        try:
            date(year, month, day)
        except ValueError:
            return False
        return True

    def _places(self) -> dict[str, int]:
        at: dict[str, int] = {}
        place = 0
        for part in self.parts:
            at[part] = place
            place += len(part)
        return at

    def violations(self, quoted: str, kind: str) -> list[str]:
        """Predicates, true for a value of SQL type `kind` that has not this form, not for NULL.

        A number keeps no leading zeros, so of a number only too many digits are told; of a DATE or
        TIMESTAMP nothing, its notation is its type's.
        """
        if kind != "VARCHAR":
            return self._of_number(quoted, kind)
        broken: list[str] = []
        pattern = self.pattern()
        if pattern:
            broken.append(f"NOT regexp_matches({quoted}, {sql.literal(pattern)})")
        if self.kind == "date":
            at = self._places()
            if {"YYYY", "MM", "DD"} <= at.keys():
                ymd = " || '-' || ".join(
                    f"substring({quoted}, {at[p] + 1}, {len(p)})" for p in ("YYYY", "MM", "DD")
                )
                broken.append(f"({quoted} IS NOT NULL AND TRY_CAST({ymd} AS DATE) IS NULL)")
            return broken
        size = f"length({quoted})"
        if self.decimals:
            size = f"length(replace(replace({quoted}, '-', ''), '.', ''))"
        if self.least and self.least == self.most:
            return [*broken, f"{size} <> {self.least}"]
        if self.least:
            broken.append(f"{size} < {self.least}")
        if self.most is not None:
            broken.append(f"{size} > {self.most}")
        return broken

    def _of_number(self, quoted: str, kind: str) -> list[str]:
        numeric = kind in ("BIGINT", "DOUBLE") or kind.startswith("DECIMAL")
        if self.kind not in ("n", "an", "c") or not numeric or self.most is None:
            return []
        whole = self.most - self.decimals
        broken = [f"abs({quoted}) >= 1{'0' * whole}"] if 0 < whole <= 18 else []
        if self.kind == "n" and kind != "BIGINT":
            broken.append(f"{quoted} <> round({quoted}, {self.decimals})")
        return broken


_PARTS = {
    "YYYY": "[0-9]{4}",
    "MM": "(0[1-9]|1[0-2])",
    "DD": "(0[1-9]|[12][0-9]|3[01])",
    "hh": "([01][0-9]|2[0-3])",
    "mm": "[0-5][0-9]",
    "ss": "([0-5][0-9]|60)",
}
_SHORT = {  # the length notation of a day or moment
    "d8": "YYYYMMDD",
    "d10": "YYYY-MM-DD",
    "t6": "hhmmss",
    "t8": "hh:mm:ss",
    "dt14": "YYYYMMDDhhmmss",
    "dt15": "YYYYMMDDThhmmss",
    "dt19": "YYYY-MM-DDThh:mm:ss",
}
_LENGTHS = re.compile(r"(an|a|n|c)(?:(\d{1,6})?(\.\.)(\d{1,6})?|(\d{1,6}))?(?:,(\d{1,2}))?")
_MOMENT = re.compile(r"(YYYY|MM|DD|hh|mm|ss|[-/:. T年月日时分秒])+")


@cache
def parse_form(written: str) -> Form | None:
    """The form that a notation means; None when it is none.

    `a3` three characters, `a..20` at most twenty, `an3..8` three to eight, `n..10,2` at most ten
    digits of which two behind the point, `a` or `ul` any length; `d8 d10 t6 t8 dt14 dt15 dt19`,
    or the notation itself: `YYYYMMDD`, `YYYY-MM-DD hh:mm`.
    """
    text = written.strip()
    if text == "ul":
        return Form("c")
    text = _SHORT.get(text.casefold(), text)
    if _MOMENT.fullmatch(text) and "YYYY" in text or text in ("hhmmss", "hh:mm:ss", "hh:mm"):
        return Form("date", parts=tuple(re.findall(r"YYYY|MM|DD|hh|mm|ss|.", text)))
    match = _LENGTHS.fullmatch(text)
    if match is None:
        return None
    kind, low, dots, high, exact, decimals = match.groups()
    places = int(decimals or 0)
    if places and kind != "n":
        return None
    if dots:
        least, most = int(low or 0), int(high) if high else None
    else:
        least, most = (int(exact), int(exact)) if exact else (0, None)
    if most is not None and (least > most or most == 0 or places >= most):
        return None
    if places:
        least = 0  # a number written shorter is the same number
    return Form(kind, least, most, places)


FITTING: Mapping[str, frozenset[str]] = {
    logical: frozenset(types)
    for logical, types in {
        "string": ("string",),
        "integer": ("integer",),
        "number": ("decimal", "integer"),
        "date": ("date",),
        "timestamp": ("timestamp", "date"),
        "time": ("timestamp",),
        "boolean": ("boolean",),
    }.items()
}


def fits(logical_type: str, element_type: str) -> bool:
    """Whether a column of an ODCS logical type can hold values of an element's type."""
    return element_type.partition("(")[0].strip() in FITTING.get(logical_type, frozenset())
