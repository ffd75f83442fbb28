"""Sheets as rows: titles above the headings, headings of several rows, merged cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import Any

from sanhua.engine.read.raw import Held, Holder, Tell, headings_of, text_of
from sanhua.engine.read.workbook import Merges, Row, Sheet, open_book
from sanhua.kernel.errors import Diagnostic, Invalid, NotFound, Severity
from sanhua.kernel.table import Reading

LOOKED_AT_ROWS = 60  # to tell titles and headings from data
HEADING_ROWS_MAX = 5


def read_sheet(
    path: Path, name: str, wanted: str, reading: Reading, scratch: Path, tell: Tell
) -> Held:
    """The values of one sheet (`wanted`, else `reading.sheet`, else the first that is shown and
    holds something) below its headings; NotFound collect.no-sheet.
    """
    sheet = _chosen(open_book(path, name), name, wanted or reading.sheet, tell)
    rows = _area(sheet.rows(), reading)
    head = list(islice(rows, LOOKED_AT_ROWS))
    if not head:
        raise Invalid("collect.empty", file=name)
    headings: dict[int, str] = {}
    left = _corners(reading.range)[1] if reading.range else 0
    if reading.header is None or reading.header:
        below = _titles(head, sheet.merged, reading, name, tell)
        said = 0 if reading.header is True else reading.header or 0
        count = said or _heading_rows(head[below:], sheet.merged)
        headings = _headings(head[below : below + count], sheet.merged, said > 1)
        if count > 1:
            _note(tell, "collect.headings-joined", name, rows=count)
        head = head[below + count :]
    holder = Holder(scratch, name)
    met, down = set(headings), _Down(sheet.merged)
    for number, cells in chain(head, rows):
        cells = down.row(number, cells) if sheet.merged else cells
        holder.add(number, {column: text_of(value) for column, value in cells.items()})
        met.update(cells)
    if down.filled:
        _note(tell, "collect.merged-filled", name, cells=down.filled)
    columns = sorted(met)
    names = [headings.get(column) or f"column{column - left + 1}" for column in columns]
    return holder.held(headings_of(names, name, tell), columns)


def _note(tell: Tell, code: str, name: str, **facts: Any) -> None:
    tell(Diagnostic(Severity.NOTE, code, facts={"file": name, **facts}))


def _chosen(book: Sequence[Sheet], name: str, wanted: str, tell: Tell) -> Sheet:
    if wanted:
        for sheet in book:
            if sheet.name == wanted:
                return sheet
        known = ", ".join(sheet.name for sheet in book[:50])
        raise NotFound("collect.no-sheet", file=name, sheet=wanted, known=known)
    full = [sheet for sheet in book if next(sheet.rows(), None) is not None]
    first = next((sheet for sheet in full if sheet.visible), full[0] if full else book[0])
    others = [sheet.name for sheet in full if sheet is not first]
    if others:
        facts = {"file": name, "sheet": first.name, "others": ", ".join(others[:50])}
        tell(Diagnostic(Severity.WARNING, "collect.sheets-unread", facts=facts))
    return first


def _corners(area: str) -> tuple[int, int, int, int]:
    """First row (from 1), first column (from 0), last row, last column of `B2:F40`, whose corners
    may stand in any order.
    """
    places: list[tuple[int, int]] = []
    for letters, digits in re.findall(r"([A-Z]+)(\d+)", area.upper().replace("$", "")):
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        places.append((int(digits), column - 1))
    (row, column), (other_row, other_column) = places
    return (
        min(row, other_row),
        min(column, other_column),
        max(row, other_row),
        max(column, other_column),
    )


def _area(rows: Iterator[Row], reading: Reading) -> Iterator[Row]:
    """The rows below those skipped, inside the range."""
    if not reading.range:
        yield from (row for row in rows if row[0] > reading.skip)
        return
    top, left, bottom, right = _corners(reading.range)
    for number, cells in rows:
        if top + reading.skip <= number <= bottom:
            inside = {column: v for column, v in cells.items() if left <= column <= right}
            if inside:
                yield number, inside


def _titles(head: Sequence[Row], merged: Merges, reading: Reading, name: str, tell: Tell) -> int:
    """How many rows stand above the headings: a title alone in its row, or a line that fills less
    than half of what rows fill. They are told, with their text.
    """
    if reading.skip or reading.range or len(head) < 2:
        return 0
    usual = median(len(cells) for _, cells in head[1:])
    leftmost = min(min(cells) for _, cells in head[1:])
    count = 0
    while count < len(head) - 1 and usual >= 2:
        number, cells = head[count]
        across = {c: merged.get((number, c), (number, c))[1] - c + 1 for c in cells}
        (first, *others) = sorted(cells)
        alone = not others and (across[first] == 1 or first <= leftmost)
        if not alone and sum(across.values()) * 2 >= usual:
            break
        count += 1
    if count:
        texts = " / ".join(
            str(value) for _, cells in head[:count] for _, value in sorted(cells.items())
        )
        _note(tell, "collect.title-rows", name, rows=count, text=texts[:200])
    return count


def _heading_rows(head: Sequence[Row], merged: Merges) -> int:
    """How many rows the headings take: one, and one more below each that merges cells across."""
    count, last = 0, head[0][0] if head else 0
    for number, cells in head[: HEADING_ROWS_MAX + 1]:
        if number > last or count == HEADING_ROWS_MAX:
            break
        count += 1
        for column in cells:
            bottom, right = merged.get((number, column), (number, column))
            last = max(last, bottom + 1 if right > column else bottom)
    return max(1, min(count, len(head)))


def _headings(head: Sequence[Row], merged: Merges, spread: bool) -> dict[int, str]:
    """The headings by column; those of several rows are joined, `上级/下级`. `spread`: a heading
    also stands for the blank cells right of it, in all rows but the last.
    """
    parts: dict[int, list[str]] = {}
    width = max(max(cells) for _, cells in head) + 1
    for at, (number, cells) in enumerate(head):
        shown: dict[int, Any] = dict(cells)
        for column, value in cells.items():
            bottom, right = merged.get((number, column), (number, column))
            for one in range(column, min(right, width - 1) + 1):
                shown[one] = value
            if bottom > number and right > column:  # the rows below repeat it
                for later, others in head[at + 1 :]:
                    if later <= bottom:
                        others.setdefault(column, value)
        if spread and at < len(head) - 1:
            carried = None
            for column in range(width):
                carried = shown.get(column, carried)
                if carried is not None:
                    shown[column] = carried
        for column, value in shown.items():
            text = str(text_of(value) or "")
            if "\n" in text:
                text = " ".join(line.strip() for line in text.split("\n"))
            said = parts.setdefault(column, [])
            if text and (not said or said[-1] != text):
                said.append(text)
    return {column: "/".join(said) for column, said in parts.items()}


class _Down:
    """Gives rows the value of each cell that is merged with ones above; `filled` counts them."""

    def __init__(self, merged: Merges) -> None:
        self.merged, self.filled = merged, 0
        self._open: dict[int, tuple[int, Any]] = {}

    def row(self, number: int, cells: dict[int, Any]) -> dict[int, Any]:
        whole = cells
        for column, (bottom, value) in list(self._open.items()):
            if number > bottom:
                del self._open[column]
            elif column not in cells:
                whole = {**whole, column: value}
                self.filled += 1
        for column, value in cells.items():
            bottom, _ = self.merged.get((number, column), (number, column))
            if bottom > number:
                self._open[column] = (bottom, value)
        return whole
