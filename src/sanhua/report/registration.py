"""The forms of a registration as a workbook (XLSX): a sheet a form, a row a field."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import xlsxwriter

from sanhua import __version__
from sanhua.asset.case import State
from sanhua.asset.register import FilledForm

FONT = "Microsoft YaHei"
MADE = datetime(1980, 1, 1, tzinfo=UTC)  # no day of its own: the same forms give the same bytes
LINE_HEIGHT, LINE_CHARS = 16, 40
EMPTY = "（待填 to be given）"


def workbook(registration: str, state: State, forms: Sequence[FilledForm]) -> bytes:
    """The workbook's bytes; what nobody gave yet is said in red."""
    buffer = io.BytesIO()
    as_written = {"strings_to_formulas": False, "strings_to_urls": False}
    book: Any = xlsxwriter.Workbook(buffer, {"in_memory": True} | as_written)
    book.set_properties(
        {"title": registration, "comments": f"sanhua {__version__}", "created": MADE}
    )
    base = {"font_name": FONT, "font_size": 11, "valign": "vcenter", "text_wrap": True}
    box = base | {"border": 1, "border_color": "#7F7F7F"}
    title = book.add_format(base | {"bold": True, "font_size": 16, "align": "center"})
    note = book.add_format(base | {"font_size": 9, "font_color": "#595959", "text_wrap": False})
    head = book.add_format(box | {"bg_color": "#F2F2F2"})
    text = book.add_format(box)
    bare = book.add_format(box | {"font_color": "#C00000"})
    used: dict[str, int] = {}
    for form in forms:
        used[form.id] = used.get(form.id, 0) + 1
        number = f" {used[form.id]}" if used[form.id] > 1 else ""
        sheet: Any = book.add_worksheet(form.title.zh + number)
        for column, width in enumerate((14, 20, 28, 64)):
            sheet.set_column(column, column, width)
        sheet.merge_range(0, 0, 0, 3, f"数据产权{form.title.zh}", title)
        sheet.set_row(0, 32)
        told = f"{registration}    {state.label.zh} {state.label.en}"
        sheet.write(1, 0, told, note)
        for row, (field, written) in enumerate(form.rows, 2):
            sheet.write_string(row, 0, field.part, head)
            sheet.write_string(row, 1, field.title.zh, head)
            sheet.write_string(row, 2, field.title.en, head)
            sheet.write_string(row, 3, written or EMPTY, text if written else bare)
            lines = sum(1 + len(line) // LINE_CHARS for line in (written or " ").split("\n"))
            sheet.set_row(row, max(1, lines) * LINE_HEIGHT + 4)
        sheet.set_paper(9)
        sheet.set_portrait()
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        sheet.set_footer(f"&L{registration}&C&P / &N&Rsanhua {__version__}")
    book.close()
    return buffer.getvalue()
