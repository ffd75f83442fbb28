"""What a raw file is read into: headings and a relation of text.

Each value is the text that stood in the file, NULL for an empty cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, cast

from sanhua.kernel.errors import Diagnostic, Invalid, Severity

DIGITS_MAX = 400  # a JSON number with more is kept as it was written


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A UTF-8 CSV and its dialect; `skip` lines stand before the first record, `cut` lines of the
    user's file before those. `rejects` is a CSV of lines that are no rows (line, reason, text);
    `form` is how to read the file again line by line, None once that was done.
    """

    path: Path
    headings: tuple[str, ...]
    delimiter: str
    quote: str
    skip: int
    cut: int = 0
    rejects: Path | None = None
    form: Any = None


@dataclass(frozen=True, slots=True)
class Flaw:
    """What stood in a cell that has no value, and why; it rejects the rows of who reads it."""

    text: str
    reason: str

    def __str__(self) -> str:
        return self.text


Cell = str | Flaw | None
Tell = Callable[[Diagnostic], None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Records already read, each as long as `headings`."""

    headings: tuple[str, ...]
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class ParquetFile:
    path: Path


Raw = CsvFile | Rows | ParquetFile


def headings_of(
    cells: Iterable[Any], name: str, tell: Tell, wanted: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The names of the columns: blanks around them are taken off, an empty one is numbered.

    One that stands twice is refused. With `wanted` (the names that a contract reads) one that it
    has not is numbered instead, in whatever case it stands twice.
    """
    found: list[str] = []
    folded: set[str] = set()
    for n, cell in enumerate(cells, 1):
        written = str(cell or "")
        text = written.strip() or f"column{n}"
        if written.strip() and written != text:
            facts = {"file": name, "heading": text}
            tell(Diagnostic(Severity.NOTE, "collect.heading-trimmed", facts=facts))
        if wanted is not None and text.casefold() in folded and text not in wanted:
            more = (f"{text}_{k}" for k in count(2))
            again = next(one for one in more if one.casefold() not in folded)
            facts = {"file": name, "heading": text, "column": n, "named": again}
            tell(Diagnostic(Severity.NOTE, "collect.heading-again", facts=facts))
            text = again
        if text in found:
            raise Invalid("collect.duplicate-heading", file=name, heading=text,
                          columns=f"{found.index(text) + 1}, {n}")  # fmt: skip
        found.append(text)
        folded.add(text.casefold())
    if not found:
        raise Invalid("collect.empty", file=name)
    return tuple(found)


def text_of(value: Any) -> Cell:
    """A cell or JSON value as the text that a person would have written."""
    if value is None or value == "" or isinstance(value, Flaw):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
        value = value.to_integral_value() if value == value.to_integral_value() else value
    if isinstance(value, Decimal):
        plain = max(abs(value.adjusted()), len(value.as_tuple().digits)) <= DIGITS_MAX
        return format(value, "f") if plain else str(value)
    if isinstance(value, datetime):  # a date cell is a midnight to the workbook's reader
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        inner = _flaw_in(value)
        return Flaw(sound(text), inner.reason) if inner else _checked(text)
    return _checked(str(value))


def _flaw_in(value: Any) -> Flaw | None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Flaw):
            return one
        if isinstance(one, dict | list):
            waiting += cast("dict[str, Any]", one).values() if isinstance(one, dict) else one
    return None


HALF = re.compile("[\ud800-\udfff]")


def sound(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _checked(text: str) -> Cell:
    if not text.isascii() and HALF.search(text):
        return Flaw(sound(text), "holds half of a surrogate pair")
    return text
