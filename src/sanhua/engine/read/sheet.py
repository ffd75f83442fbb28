"""Excel workbooks: the cached values of a sheet."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast

from sanhua.engine.read.raw import Flaw, Rows, Tell, headings_of, text_of
from sanhua.engine.read.text import CHUNK_BYTES
from sanhua.kernel.errors import Diagnostic, Invalid, NotFound, Severity
from sanhua.kernel.table import Reading


def read_excel(path: Path, name: str, reading: Reading, tell: Tell) -> Rows:
    """The cached values of one sheet (the first, or `sheet`) below its first row, or of `range`."""
    rows = [
        row
        for row in islice(_cells(path, name, reading, tell), reading.skip, None)
        if any(value is not None for value in row)
    ]
    if not rows:
        raise Invalid("collect.empty", file=name)
    while (
        rows[0]
        and rows[0][-1] is None
        and all(len(r) < len(rows[0]) or r[len(rows[0]) - 1] is None for r in rows)
    ):
        rows = [row[: len(rows[0]) - 1] for row in rows]
    if reading.header is False:
        headings = tuple(f"column{n}" for n in range(1, len(rows[0]) + 1))
    else:
        headings = headings_of(rows.pop(0), name, tell)
    width = len(headings)
    return Rows(
        headings, [[text_of(value) for value in [*row, *[None] * width][:width]] for row in rows]
    )


def _cells(path: Path, name: str, reading: Reading, tell: Tell) -> Iterator[list[Any]]:
    """The values of the sheet row by row; a formula that no program has computed is a Flaw."""
    with _workbook(path, name, data_only=True) as book:
        if reading.sheet and reading.sheet not in book.sheetnames:
            raise NotFound(
                "collect.no-sheet", file=name, sheet=reading.sheet, known=", ".join(book.sheetnames)
            )
        first = reading.sheet or book.worksheets[0].title
        others = [sheet.title for sheet in book.worksheets if sheet.title != first]
        unread = [
            title
            for title in ([] if reading.sheet else others)
            if any(
                cell is not None for row in book[title].iter_rows(values_only=True) for cell in row
            )
        ]
        if unread:
            facts = {"file": name, "sheet": first, "others": ", ".join(unread)}
            tell(Diagnostic(Severity.WARNING, "collect.sheets-unread", facts=facts))
        values = _area(book[first], reading)
        if not _has_formulas(path):
            yield from ([cell.value for cell in row] for row in values)
            return
        with _workbook(path, name, data_only=False) as written:
            for row, beside in zip(values, _area(written[first], reading), strict=True):
                yield [_computed(*pair) for pair in zip(row, beside, strict=True)]


def _area(sheet: Any, reading: Reading) -> Iterator[Any]:
    """The rows of the sheet, or of a range whose corners may stand in any order."""
    if not reading.range:
        return sheet.iter_rows()
    from openpyxl.utils import range_boundaries

    left, top, right, bottom = cast("tuple[int, int, int, int]", range_boundaries(reading.range))
    (top, bottom), (left, right) = sorted((top, bottom)), sorted((left, right))
    return sheet.iter_rows(top, bottom, left, right)


def _computed(cell: Any, formula: Any) -> Any:
    """An untyped cell without a value is what a formula leaves that was never computed."""
    if formula.data_type == "f" and cell.value is None and cell.data_type == "n":
        text = str(getattr(formula.value, "text", formula.value))
        return Flaw(text, "is a formula without a stored value")
    return cell.value


@contextmanager
def _workbook(path: Path, name: str, *, data_only: bool) -> Iterator[Any]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=data_only)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid(
            "collect.broken-archive", file=name, reason=str(error).split("\n")[0]
        ) from error
    try:
        yield book
    finally:
        book.close()


def _has_formulas(path: Path) -> bool:
    """Whether any sheet holds a formula; the sheets are read twice only then."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                with archive.open(part) as stream:
                    last = b""
                    while chunk := stream.read(CHUNK_BYTES):
                        if _FORMULA.search(last + chunk):
                            return True
                        last = chunk[-32:]
    return False


_FORMULA = re.compile(rb"<(\w+:)?f[ />]")
