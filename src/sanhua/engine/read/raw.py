"""What a raw file is read into: headings and a relation of text.

Each value is the text that stood in the file, NULL for an empty cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, cast

from sanhua.kernel.errors import Diagnostic, Invalid, Severity

DIGITS_MAX = 400  # a JSON number with more is kept as it was written
COLUMNS_MAX = 4096
BATCH_ROWS = 20_000  # of records held in memory, and their text
BATCH_CHARS = 16 << 20


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
class Held:
    """Records already read, kept as Parquet in the scratch folder: for each of `headings` a text
    column `h<n>` with its number in `columns`, `record` and `line` of the file, and for the numbers
    in `flawed` a column `f<n>` that says why a text is no value. `misfits` holds what is no record
    at all: record, line, reason, row.
    """

    headings: tuple[str, ...]
    columns: tuple[int, ...]
    parts: tuple[Path, ...]
    flawed: frozenset[int]
    misfits: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """`partition` holds column and value of the folders that it lies in."""

    path: Path
    partition: tuple[tuple[str, str], ...] = ()


Raw = CsvFile | Held | ParquetFile


class Holder:
    """Keeps records as they are read, a batch in memory and the rest in files of `scratch`.

    A column is a number from 0; one that was not met before may come with any record.
    """

    def __init__(self, scratch: Path, name: str) -> None:
        self.scratch, self.name = scratch, name
        self.records = 0
        self._met: set[int] = set()
        self.first_misfit: tuple[int, str] | None = None  # its line and reason
        self._parts: list[Path] = []
        self._set_aside: list[Path] = []
        self._cells: dict[int, list[str | None]] = {}
        self._flaws: dict[int, dict[int, str]] = {}
        self._flawed: set[int] = set()
        self._lines: list[int] = []
        self._numbers: list[int] = []
        self._chars = 0
        self._misfits: list[tuple[int, int, str, str]] = []

    def add(self, line: int, cells: Mapping[int, Cell]) -> None:
        """One record that begins on `line`; a column that is not in `cells` is empty."""
        self.records += 1
        row = len(self._lines)
        self._lines.append(line)
        self._numbers.append(self.records)
        for n, cell in cells.items():
            if cell is None:
                continue
            column = self._cells.get(n)
            if column is None:
                column = self._column(n)
            if isinstance(cell, Flaw):
                self._flaws.setdefault(n, {})[row] = cell.reason
                cell = cell.text
            if len(column) < row:
                column += [None] * (row - len(column))
            column.append(cell)
            self._chars += len(cell)
        self._chars += 64
        if row >= BATCH_ROWS or self._chars > BATCH_CHARS:
            self._keep()

    def misfit(self, line: int, reason: str, text: str) -> None:
        """What stands where a record should, and why it is none."""
        self.records += 1
        self.first_misfit = self.first_misfit or (line, reason)
        self._misfits.append((self.records, line, reason, sound(text)))
        self._chars += len(text) + 64
        if self._chars > BATCH_CHARS:
            self._keep()

    def held(self, headings: Sequence[str], columns: Sequence[int] = ()) -> Held:
        """What was kept; `columns` are the numbers that the headings stand for, 0 … when empty."""
        numbers = tuple(columns or range(len(headings)))
        self._keep(numbers)  # every column stands in the last part at least
        flawed = frozenset(self._flawed)
        return Held(tuple(headings), numbers, tuple(self._parts), flawed, tuple(self._set_aside))

    def _column(self, n: int) -> list[str | None]:
        self._met.add(n)
        if len(self._met) > COLUMNS_MAX:
            raise Invalid("collect.too-many-columns", file=self.name, most=COLUMNS_MAX)
        return self._cells.setdefault(n, [])

    def _keep(self, columns: Iterable[int] = ()) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        size = len(self._lines)
        made: dict[str, Any] = {
            "record": pa.array(self._numbers, pa.int64()),
            "line": pa.array(self._lines, pa.int64()),
        }
        for n in columns or sorted(self._cells):  # in the last part all
            cells = self._cells.get(n, [])
            made[f"h{n}"] = pa.array(cells + [None] * (size - len(cells)), pa.string())
        for n, reasons in self._flaws.items():
            made[f"f{n}"] = pa.array([reasons.get(row) for row in range(size)], pa.string())
        self._flawed.update(self._flaws)
        path = self.scratch / f"held-{len(self._parts)}.parquet"
        pq.write_table(pa.table(made), path, compression="lz4", use_dictionary=False)
        if self._misfits:
            names = ("record", "line", "reason", "row")
            table = dict(zip(names, map(list, zip(*self._misfits, strict=True)), strict=True))
            aside = self.scratch / f"misfits-{len(self._set_aside)}.parquet"
            pq.write_table(pa.table(table), aside)
            self._set_aside.append(aside)
        self._parts.append(path)
        self._cells, self._flaws, self._lines, self._numbers = {}, {}, [], []
        self._misfits, self._chars = [], 0


def headings_of(
    cells: Iterable[Any], name: str, tell: Tell, wanted: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The names of the columns: blanks around them are taken off, an empty one is numbered.

    One that stands twice is refused. With `wanted` (the names that a contract reads) one that it
    has not is numbered instead, in whatever case it stands twice.
    """
    found: list[str] = []
    folded: set[str] = set()
    seen: dict[str, int] = {}
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
        if text in seen:
            raise Invalid("collect.duplicate-heading", file=name, heading=text,
                          columns=f"{seen[text]}, {n}")  # fmt: skip
        seen[text] = n
        found.append(text)
        folded.add(text.casefold())
    if not found:
        raise Invalid("collect.empty", file=name)
    if len(found) > COLUMNS_MAX:
        raise Invalid("collect.too-many-columns", file=name, most=COLUMNS_MAX)
    return tuple(found)


def text_of(value: Any) -> Cell:
    """A cell or JSON value as the text that a person would have written."""
    if type(value) is str:
        return _checked(value) if value else None
    if value is None or isinstance(value, Flaw):
        return value
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
    if isinstance(value, timedelta):
        minutes, seconds = divmod(value, timedelta(minutes=1))
        whole = f"{minutes // 60}:{minutes % 60:02}:{seconds.seconds:02}"
        return f"{whole}.{seconds.microseconds:06}" if seconds.microseconds else whole
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
