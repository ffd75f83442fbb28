"""Sheets of figures (XLSX with live sums, CSV): what was collected, and how it ties out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from sanhua import __version__
from sanhua.report.standards import FONT, MADE

Cell = str | int | Decimal | None
WIDTH_MAX = 48


@dataclass(frozen=True, slots=True)
class Sheet:
    """`heads` are (zh, en); amounts are Decimals with two digits, and `sums` the columns added
    up.
    """

    name: str
    heads: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]]
    sums: Sequence[int] = ()


def workbook(title: str, notes: Sequence[str], sheets: Sequence[Sheet]) -> bytes:
    """The workbook's bytes, the same for the same figures."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book: Any = xlsxwriter.Workbook(buffer, options | {"strings_to_numbers": False})
    book.set_properties({"title": title, "comments": f"sanhua {__version__}", "created": MADE})
    base = {"font_name": FONT, "font_size": 10, "valign": "top"}
    head = book.add_format(
        base | {"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True}
    )
    text = book.add_format(base | {"num_format": "@"})
    plain = {"money": "#,##0.00", "count": "#,##0", "exact": "#,##0.####"}
    forms = {kind: book.add_format(base | {"num_format": form}) for kind, form in plain.items()}
    total = book.add_format(base | {"num_format": plain["money"], "bold": True, "top": 1})
    strong = book.add_format(base | {"bold": True})
    for number, sheet in enumerate(sheets):
        at = book.add_worksheet(sheet.name)
        row = 0
        for note in [title, *notes] if number == 0 else []:
            at.write_string(row, 0, note, strong if row == 0 else text)
            row += 1
        row += row > 0
        for column, (zh, en) in enumerate(sheet.heads):
            at.write_string(row, column, f"{zh}\n{en}", head)
        first = row + 1
        for row, cells in enumerate(sheet.rows, first):
            for column, cell in enumerate(cells):
                if isinstance(cell, str):
                    at.write_string(row, column, cell, text)
                elif isinstance(cell, Decimal):
                    two = cell == cell.quantize(Decimal("0.01"))
                    at.write_number(row, column, cell, forms["money" if two else "exact"])
                elif cell is not None:
                    at.write_number(row, column, cell, forms["count"])
        last = first + len(sheet.rows) - 1
        for column in sheet.sums if sheet.rows else ():
            value = sum((c for r in sheet.rows if isinstance(c := r[column], Decimal)), Decimal())
            top, bottom = xl_rowcol_to_cell(first, column), xl_rowcol_to_cell(last, column)
            at.write_formula(last + 1, column, f"=SUM({top}:{bottom})", total, value)
        if sheet.sums and sheet.rows:
            at.write_string(last + 1, 0, "合计 total", strong)
        _widths(at, sheet, first)
    book.close()
    return buffer.getvalue()


def _widths(at: Any, sheet: Sheet, first: int) -> None:
    for column, (zh, en) in enumerate(sheet.heads):
        said = [_wide(zh), len(en), *(_wide(str(row[column] or "")) for row in sheet.rows[:500])]
        at.set_column(column, column, min(max(said) + 3, WIDTH_MAX))
    at.freeze_panes(first, 1)


def _wide(text: str) -> int:
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """CSV with a byte order mark, as spreadsheets want it."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(heads)
    writer.writerows(["" if cell is None else str(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig")
