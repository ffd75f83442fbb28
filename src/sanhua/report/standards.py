"""Sheets of the standards (XLSX): to be filled in by an officer, or to be read as a report."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from sanhua import __version__
from sanhua.kernel.errors import Invalid

FONT = "Microsoft YaHei"
MADE = datetime(1980, 1, 1, tzinfo=UTC)  # no day of its own: the same standards, the same bytes
CELL_MAX = 32_767  # characters that a cell of Excel holds
SPARE_ROWS = 500  # empty rows below that offer the drop-down lists too
OPTIONS, NOTES = "选项", "说明"
WIDTH_MIN, WIDTH_MAX = 8, 48


@dataclass(frozen=True, slots=True)
class Sheet:
    """`heads` in the first row; `notes` a comment a column; `choices` column → name of an option
    list.
    """

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    choices: Mapping[int, str] = field(default_factory=dict[int, str])


def workbook(
    title: str,
    sheets: Sequence[Sheet],
    options: Mapping[str, Sequence[str]] | None = None,
    notes: Sequence[Sequence[str]] = (),
) -> bytes:
    """The workbook's bytes: every cell text, the first row frozen, `options` as drop-down lists.

    Invalid standard.too-long where a text does not fit a cell.
    """
    buffer = io.BytesIO()
    as_written = {"strings_to_formulas": False, "strings_to_urls": False}
    book: Any = xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_numbers": False} | as_written
    )
    book.set_properties({"title": title, "comments": f"sanhua {__version__}", "created": MADE})
    base = {"font_name": FONT, "font_size": 10, "valign": "top", "text_wrap": True}
    text = book.add_format(base | {"num_format": "@"})
    head = book.add_format(
        base | {"bold": True, "bg_color": "#DDEBF7", "border": 1, "border_color": "#BFBFBF"}
    )
    if notes:
        sheet = book.add_worksheet(NOTES)
        for row, line in enumerate(notes):
            for column, cell in enumerate(line):
                sheet.write_string(row, column, cell, head if row == 0 else text)
        for column, width in enumerate((16, 18, 18, 60)):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(1, 0)
    listed = {name: values for name, values in (options or {}).items() if values}
    ranges: dict[str, str] = {}
    for column, (name, values) in enumerate(listed.items()):
        letter = xl_col_to_name(column, col_abs=True)
        ranges[name] = f"='{OPTIONS}'!{letter}$2:{letter}${len(values) + 1}"
    for sheet in sheets:
        _write(book.add_worksheet(sheet.name), sheet, head, text, ranges)
    if listed:
        kept = book.add_worksheet(OPTIONS)
        for column, (name, values) in enumerate(listed.items()):
            for row, value in enumerate([name, *values]):
                kept.write_string(row, column, value, text)
        kept.hide()
    book.close()
    return buffer.getvalue()


def _write(at: Any, sheet: Sheet, head: Any, text: Any, ranges: Mapping[str, str]) -> None:
    widths = [len(name) * 2 + 2 for name in sheet.heads]
    for column, name in enumerate(sheet.heads):
        at.write_string(0, column, name, head)
        if column < len(sheet.notes) and sheet.notes[column]:
            at.write_comment(0, column, sheet.notes[column], {"x_scale": 2, "font_size": 9})
    for row, cells in enumerate(sheet.rows, 1):
        for column, cell in enumerate(cells):
            if len(cell) > CELL_MAX:
                facts = {"sheet": sheet.name, "row": row + 1, "size": len(cell), "limit": CELL_MAX}
                raise Invalid("standard.too-long", **facts)
            if cell:
                at.write_string(row, column, cell, text)
                wide = sum(2 if ord(char) > 0x2E7F else 1 for char in cell[:WIDTH_MAX])
                widths[column] = max(widths[column], wide + 1)
    for column, width in enumerate(widths):
        at.set_column(column, column, min(max(width, WIDTH_MIN), WIDTH_MAX), text)
    for column, name in sheet.choices.items():
        if name in ranges:
            last = len(sheet.rows) + SPARE_ROWS
            rule = {"validate": "list", "source": ranges[name], "error_type": "warning"}
            at.data_validation(1, column, last, column, rule)
    at.freeze_panes(1, 1)
    if sheet.rows:
        at.autofilter(0, 0, len(sheet.rows), len(sheet.heads) - 1)
