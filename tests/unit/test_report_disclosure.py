"""The workbook: the same bytes twice, kept values equal to the figures, formulas that agree."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from test_disclose import BOUGHT, H1, MAP, STOCK, balances, shown

from sanhua.capital.disclose import Disclosure
from sanhua.kernel.time import Period
from sanhua.report.disclosure import TABLES, TOP, workbook, write


@pytest.fixture(scope="module")
def year() -> Disclosure:
    given = balances(date(2025, 12, 31), intangible=("20283101.05", "9069314.79"))
    return shown(Period.named("2025"), MAP, BOUGHT, STOCK, balances=[given])


def opened(content: bytes, *, formulas: bool) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content), data_only=not formulas)


def test_the_same_disclosure_gives_the_same_bytes(year: Disclosure):
    assert workbook(year) == workbook(year)


def test_the_kept_values_are_the_figures_and_stand_on_formulas(year: Disclosure):
    content = workbook(year)
    values, formulas = opened(content, formulas=False), opened(content, formulas=True)
    for name, table in year.tables.items():
        for index, row in enumerate(table.rows):
            for place, (column, _) in enumerate(table.columns, 3):
                if not row.heading:
                    where = {"row": TOP + 1 + index, "column": place}
                    kept = values[TABLES[name]].cell(**where).value
                    assert f"{kept:.2f}" == table.amount(row.id, column).text
                    assert formulas[TABLES[name]].cell(**where).value.startswith("=")


def test_text_of_a_voucher_is_never_a_formula():
    from dataclasses import replace

    card, found = MAP
    evil = replace(found.verdicts[0], summary='=HYPERLINK("http://x","y")')
    made = shown(H1, (card, replace(found, verdicts=(evil,))))
    cell = opened(workbook(made), formulas=True)["明细"].cell(TOP + 1, 4)
    assert (cell.value, cell.data_type) == ('=HYPERLINK("http://x","y")', "s")


def test_a_draft_says_so_on_every_sheet(year: Disclosure):
    book = opened(workbook(year), formulas=False)
    assert [sheet.title for sheet in book] == [
        "资产负债表",
        "表A 无形资产",
        "表B 存货",
        "表A 无形资产 上期",
        "表B 存货 上期",
        "附注",
        "明细",
        "变动",
        "勾稽",
        "说明",
    ]
    for sheet in book:
        assert sheet.cell(1, sheet.max_column).value == "草稿 DRAFT"


def test_workbook_and_json_are_written_whole(year: Disclosure, tmp_path: Path):
    names = [path.name for path in write(year, tmp_path / "out").paths]
    assert names[:2] == ["disclosure-2025.xlsx", "disclosure-2025.json"]
    assert not list((tmp_path / "out").rglob("*.part"))
    assert json.loads((tmp_path / "out" / names[1]).read_bytes())["period"]["id"] == "2025"


def without_values(content: bytes) -> bytes:
    """The workbook with formulas and no kept values, so that a reader must compute them."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as ours, zipfile.ZipFile(made, "w") as bare:
        for name in ours.namelist():
            bare.writestr(name, re.sub(rb"</f><v>[^<]*</v>", b"</f>", ours.read(name)))
    return made.getvalue()


@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed"
)
def test_another_program_computes_the_same_values(year: Disclosure, tmp_path: Path):
    (tmp_path / "ours.xlsx").write_bytes(without_values(workbook(year)))
    home = (tmp_path / "home").as_uri()
    (tmp_path / "back").mkdir()
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation={home}", "--convert-to", "xlsx"),
            *("--outdir", str(tmp_path / "back"), str(tmp_path / "ours.xlsx")),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    ours = opened(workbook(year), formulas=False)
    theirs = opened((tmp_path / "back" / "ours.xlsx").read_bytes(), formulas=False)
    formulas = opened((tmp_path / "ours.xlsx").read_bytes(), formulas=True)
    compared = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    where = (sheet.title, cell.coordinate)
                    mine, other = (book[where[0]][where[1]].value for book in (ours, theirs))
                    if isinstance(mine, str):
                        assert mine == other, where
                    else:
                        assert f"{mine:.2f}" == f"{other or 0:.2f}", where
                    compared += 1
    assert compared > 200
