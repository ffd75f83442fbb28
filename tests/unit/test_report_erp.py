"""Vouchers in the columns of an ERP's import template."""

from __future__ import annotations

from pathlib import Path

import openpyxl

from sanhua.kernel.origin import Origin
from sanhua.report.erp import ErpForm, write

COLUMNS = {
    "制单日期": "date", "凭证字": "word", "凭证号": "number", "分录号": "line", "摘要": "summary",
    "科目编码": "account", "借方": "debit", "贷方": "credit", "客户": "party", "账套": "=001",
    "外部号": "voucher",
}  # fmt: skip
ROWS = [
    {"voucher": "P1", "date": "2026-03-31", "summary": "=SUM(A1)", "account": "1122.01",
     "debit": "106.00", "credit": "", "party": "bank"},
    {"voucher": "P1", "date": "2026-03-31", "summary": "收入", "account": "6001", "debit": "",
     "credit": "106.00", "party": ""},
    {"voucher": "P2", "date": "2026-03-31", "summary": "红字", "account": "1122.01",
     "debit": "-5.00", "credit": "", "party": "bank"},
]  # fmt: skip


def test_a_workbook_keeps_codes_as_text_amounts_as_numbers_and_its_bytes(tmp_path: Path):
    form = ErpForm(Origin("books/erp.yaml", 1), COLUMNS, dates="YYYY/MM/DD")
    path = write(form, ROWS, tmp_path / "erp", "CNY")
    rows = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    assert rows[0] == tuple(COLUMNS)
    assert rows[1] == ("2026/03/31", "记", "1", "1", "=SUM(A1)", "1122.01", 106, None, "bank",
                       "001", "P1")  # fmt: skip
    assert openpyxl.load_workbook(path).active["E2"].data_type == "s"  # text, no formula
    assert [row[2:4] for row in rows[1:]] == [("1", "1"), ("1", "2"), ("2", "1")]
    assert rows[3][6] == -5
    before = path.read_bytes()
    assert write(form, ROWS, tmp_path / "erp", "CNY").read_bytes() == before


def test_a_csv_is_in_the_encoding_that_the_erp_reads(tmp_path: Path):
    form = ErpForm(Origin("books/erp.yaml", 1), COLUMNS, "csv", "gb18030", "YYYYMMDD", "转")
    path = write(form, ROWS, tmp_path / "erp", "CNY")
    lines = path.read_bytes().decode("gb18030").splitlines()
    assert lines[0].startswith("制单日期,凭证字") and len(lines) == 4
    assert lines[1].startswith("20260331,转,1,1,'=SUM(A1),1122.01,106.00")
