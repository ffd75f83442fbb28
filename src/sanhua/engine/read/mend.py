"""A row of another shape than its table, put right where the table's columns leave one way only.

What a column holds is learned from rows that fit. A slip of the pen is put right: a quote too
many, another delimiter, a delimiter too many or too few, a delimiter inside a cell. Two ways that
both fit are none, and a run of rows of another shape is another table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from sanhua.engine.read.dialect import DELIMITERS, Dialect, Record

ROWS_MIN = 10  # that fit, before a column is known
SHAPES_MAX = 8
TEXT_MAX = 4_000  # characters of a row that is looked at
_LETTERS = re.compile(r"[^\W\d_]")
_RUNS = re.compile(r"(.)\1+")
_THOUSANDS = re.compile(r"[-+(]?[^\w\s]?\d{1,3}(,\d{3})+(\.\d+)?\D?")
_DECIMALS = re.compile(r"9[.,]9")


def shape(text: str) -> str:
    """`2026-01-31` → `9999-99-99`, `MG-8` → `AA-9`, `Méter` → `Aaaaa`."""
    text = re.sub(r"\d", "9", text)
    return _LETTERS.sub(lambda found: "A" if found[0].isupper() else "a", text)


def rough(text: str) -> str:
    """A shape without lengths and decimals: `$1.50` and `$72` are both `$9`."""
    return _DECIMALS.sub("9", _RUNS.sub(r"\1", shape(text)))


class Columns:
    """What the cells of each column look like, learned from rows that fit when it is asked."""

    def __init__(self, rows: Sequence[Sequence[str]], width: int) -> None:
        self.known = len(rows) >= ROWS_MIN
        self._rows, self._width = rows, width

    @cached_property
    def _columns(self) -> list[_Column]:
        return [_Column([row[n].strip() for row in self._rows]) for n in range(self._width)]

    def fit(self, cells: Sequence[str]) -> bool:
        return all(map(_Column.fits, self._columns, cells))

    def fit_but_for_thousands(self, cells: Sequence[str]) -> bool:
        """Whether cells fit, one of which is a number written with commas."""
        wide = [bool(_THOUSANDS.fullmatch(cell.strip())) for cell in cells]
        fits = map(_Column.fits, self._columns, cells)
        return any(wide) and all(big or fit for big, fit in zip(wide, fits, strict=True))

    def always_empty(self, n: int) -> bool:
        return not self._columns[n].exact


class _Column:
    def __init__(self, cells: Sequence[str]) -> None:
        there = [cell for cell in cells if cell]
        self.may_be_empty = len(there) < len(cells)
        self.exact = {shape(cell) for cell in there}
        self.rough = {rough(cell) for cell in there}
        self.first = {shape(cell[0]) for cell in there}

    def fits(self, cell: str) -> bool:
        cell = cell.strip()
        if not cell:
            return self.may_be_empty
        found = shape(cell)
        if len(self.exact) <= 1:
            return found in self.exact
        if len(self.rough) <= SHAPES_MAX:
            return rough(cell) in self.rough
        return found[0] in self.first


def mended(
    record: Record, dialect: Dialect, columns: Columns, width: int, alone: bool
) -> tuple[list[str], str] | None:
    """The cells of the row and what was amiss; None when no way to put it right, or several, fit.
    A delimiter is taken away or set only in a row that stands `alone`.
    """
    if len(record.text) > TEXT_MAX:
        return None
    if dialect.quote and dialect.quote in record.text:
        found = _distinct(dialect.readings(record.text, width))
        fitting = [one for one in found if columns.known and columns.fit(one)]
        if one := _only(fitting) or (record.cells is None and _only(found)):
            return one, "quotes"
    if not columns.known:
        return None
    ways = [
        (_other_delimiter(record, dialect, width), "other-delimiter"),
        (_without(record, dialect, width) if alone else (), "delimiter-too-many"),
        (_joined(record, dialect, width), "delimiter-in-a-cell"),
        (_with_one_more(record, dialect, columns, width) if alone else (), "delimiter-missing"),
    ]
    for made, amiss in ways:
        every = _distinct(made)
        found = [one for one in every if columns.fit(one)]
        if amiss == "delimiter-in-a-cell" and dialect.delimiter == ",":
            rivals = [one for one in every if columns.fit_but_for_thousands(one)]
            found += [one for one in rivals if one not in found]
        if found:
            return (found[0], amiss) if len(found) == 1 and columns.fit(found[0]) else None
    return None


def inside(record: Record, dialect: Dialect) -> bool:
    """Whether a quote stands in a cell that is not in quotes."""
    return bool(dialect.quote) and any(
        dialect.quote in cell for n, cell in enumerate(record.cells or ()) if n not in record.quoted
    )


def _distinct(found: Iterable[list[str]]) -> list[list[str]]:
    return [list(one) for one in dict.fromkeys(map(tuple, found))]


def _only(found: list[list[str]]) -> list[str] | None:
    return found[0] if len(found) == 1 else None


def _other_delimiter(record: Record, dialect: Dialect, width: int) -> Iterator[list[str]]:
    spaced = tuple(f"{one} " for one in ",;|")
    for other in (*DELIMITERS, *spaced):
        if other != dialect.delimiter and other in record.text:
            got = Dialect(other, dialect.quote, dialect.escape).split(record.text)
            if got and len(got[0]) >= width:
                yield from _joins(*got, other, width)


def _joined(record: Record, dialect: Dialect, width: int) -> Iterator[list[str]]:
    if record.cells and len(record.cells) > width:
        yield from _joins(record.cells, record.quoted, dialect.delimiter, width)


def _joins(
    cells: Sequence[str], quoted: Iterable[int], delimiter: str, width: int
) -> Iterator[list[str]]:
    """Every way to have `width` cells by joining neighbours into one; a cell in quotes is whole."""
    more = len(cells) - width + 1
    if more == 1:
        yield list(cells)
        return
    for n in range(width):
        if not any(n <= at < n + more for at in quoted):
            yield [*cells[:n], delimiter.join(cells[n : n + more]), *cells[n + more :]]


def _without(record: Record, dialect: Dialect, width: int) -> Iterator[list[str]]:
    """Without one of its empty cells."""
    cells = record.cells or ()
    if len(cells) == width + 1:
        for n, cell in enumerate(cells):
            if not cell and n not in record.quoted:
                yield [*cells[:n], *cells[n + 1 :]]


def _with_one_more(
    record: Record, dialect: Dialect, columns: Columns, width: int
) -> Iterator[list[str]]:
    """With a delimiter anywhere but between small letters, and no quote left inside a cell. At
    either end only when that column is empty in every row: the line may have been cut.
    """
    text = record.text
    if record.cells is None or len(record.cells) == width - 1 or inside(record, dialect):
        for at in range(len(text) + 1):
            if at in (0, len(text)):
                apart = columns.always_empty(0 if at == 0 else width - 1)
            else:
                apart = not (text[at - 1].islower() and text[at].islower())
            if apart:
                got = dialect.split(text[:at] + dialect.delimiter + text[at:])
                if got and len(got[0]) == width:
                    made = Record(record.line, "", tuple(got[0]), frozenset(got[1]))
                    if not inside(made, dialect):
                        yield got[0]
