"""Vouchers for the ERP 凭证导入文件: what is proposed, in the columns of its own template.

Which columns an ERP asks for differs by product, version and local template, so the user writes
them once, in `books/erp.yaml`; nothing is guessed of them here.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sanhua.kernel.origin import Origin
from sanhua.report.books import as_csv, write_text

FIELDS = ("date", "period", "word", "number", "voucher", "line", "summary", "account", "name",
          "debit", "credit", "currency", "party", "memo", "source")  # fmt: skip
DATES = {"YYYY-MM-DD": "%Y-%m-%d", "YYYY/MM/DD": "%Y/%m/%d", "YYYYMMDD": "%Y%m%d"}
AMOUNTS = ("debit", "credit")


@dataclass(frozen=True, slots=True)
class ErpForm:
    """`books/erp.yaml`: their heading → a field of ours, or `=text` for a fixed one, in order."""

    origin: Origin
    columns: Mapping[str, str]
    file: str = "xlsx"  # xlsx | csv
    encoding: str = "utf-8-sig"  # of a CSV
    dates: str = "YYYY-MM-DD"
    word: str = "记"  # 凭证字


def write(form: ErpForm, rows: Sequence[Mapping[str, str]], path: Path, currency: str) -> Path:
    """The file beside `path` (without a suffix). `rows` are lines of vouchers, those of one
    `voucher` after each other; they are numbered from 1 in the file, and our own number is the
    field `voucher`.
    """
    filled = list(_filled(form, rows, currency))
    if form.file == "csv":
        text = as_csv(list(form.columns), filled)
        return write_text(path.with_name(path.name + ".csv"), text, form.encoding)
    target = path.with_name(path.name + ".xlsx")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_bytes(_workbook(form, filled))
    part.replace(target)
    return target


def _filled(form: ErpForm, rows: Iterable[Mapping[str, str]], currency: str) -> Iterable[list[str]]:
    number, line, last = 0, 0, ""
    for row in rows:
        if row["voucher"] != last:
            number, line, last = number + 1, 0, row["voucher"]
        line += 1
        day = datetime.strptime(row["date"], "%Y-%m-%d").replace(tzinfo=UTC)
        said = {
            **{field: row.get(field, "") for field in FIELDS},
            "date": day.strftime(DATES[form.dates]),
            "period": row["date"][:7],
            "word": form.word,
            "number": str(number),
            "line": str(line),
            "currency": currency,
        }
        yield [
            field.removeprefix("=") if field.startswith("=") else said[field]
            for field in form.columns.values()
        ]


def _workbook(form: ErpForm, rows: Iterable[Sequence[str]]) -> bytes:
    """Text as text, amounts as numbers; the same rows make the same bytes."""
    import xlsxwriter  # slow, and most projects have no form

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
    amount = book.add_format({"num_format": "0.00"})
    sheet = book.add_worksheet("vouchers")
    fields = list(form.columns.values())
    for column, heading in enumerate(form.columns):
        sheet.write_string(0, column, heading)
    for at, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if fields[column] in AMOUNTS and cell:
                sheet.write_number(at, column, float(cell), amount)
            elif cell:
                sheet.write_string(at, column, cell)
    book.close()
    return buffer.getvalue()
