"""Standards in a run: codes on a row's day, mappings in SQL, forms, elements kept as a sheet."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

from click.testing import CliRunner
from openpyxl import Workbook, load_workbook

from sanhua.cli.commands import cli

FILES = {
    "sanhua.yaml": "sanhua: 1\nentities: {us: {}}\n",
    "parties.yaml": "us: {name: 本单位, roles: [holder]}\n",
    "data/t.csv": "id,region,day,phone\n1,A,2009-06-01,13800000000\n2,A,2010-06-01,1380000000\n"
    "3,B,2010-06-01,13900000000\n4,X,2010-06-01,\n",
    "sources/t.yaml": "files: data/t.csv\ncadence: once\n",
    "standards/codes/old.csv": "code,name,from,through\nA,甲,,2009-12-31\nB,乙,2010-01-01,\n",
    "standards/codes/new.csv": "code,name\n1,甲\n2,乙\n",
    "standards/codes/old_to_new.csv": "code,to_code\nA,1\nB,2\n",
    "standards/indicators.yaml": "n: {definition: 行数, table: t, formula: count(*)}\n"
    "by_region: {definition: 行数, table: t, formula: count(*), by: [region]}\n",
    "sql/mapped.sql": "SELECT t.id, m.to_code FROM t JOIN old_to_new AS m ON m.code = t.region\n",
    "contracts/t.odcs.yaml": """\
        apiVersion: v3.1.0
        kind: DataContract
        id: t
        version: 1.0.0
        status: active
        schema:
          - name: t
            properties:
              - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
              - name: region
                logicalType: string
                customProperties:
                  - {property: dataElement, value: region}
                  - {property: codesOn, value: day}
              - {name: day, logicalType: date}
              - name: phone
                logicalType: string
                customProperties: [{property: dataElement, value: phone}]
        """,
}


def test_codes_on_the_rows_day_forms_and_mappings_hold_in_a_run(tmp_path: Path):
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(dedent(text), encoding="utf-8")
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "数据元"
    for row in (
        ["标识符", "定义", "数据类型", "数据格式", "代码集"],
        ["region", "区划", "string", "an1", "old"],
        ["phone", "手机号", "string", "n11", None],
    ):
        sheet.append(row)
    book.save(tmp_path / "standards/elements.xlsx")

    def sanhua(*words: str) -> Any:
        done = CliRunner().invoke(cli, [*words, "-C", str(tmp_path), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    made = sanhua("run")
    told = {d["message"] for d in made["diagnostics"]}
    wrong = {text for text in told if "个不符" in text}
    assert any("region 取自代码集 old（day 有效）：4 个中 2 个不符" in text for text in wrong)
    assert any("phone 合乎数据格式 n11：3 个中 1 个不符" in text for text in wrong)
    (region,) = (c for c in sanhua("standards", "unknown")["columns"] if c["codes"] == "old")
    assert (region["unknown"], region["values"]) == (2, 4)
    assert [u["value"] for u in region["listed"]] == ["X"]
    assert [u["value"] for u in region["lapsed"]] == ["A"]
    first, second = sanhua("standards", "indicator")["indicators"]
    assert first["value"] == "4" and second["groups"] == [["A", "2"], ["B", "1"], ["X", "1"]]
    same = sanhua("standards", "compare", "old", "new")
    assert same["added"] == {"1": "甲", "2": "乙"} and same["recoded"] == {"A": "1", "B": "2"}

    # Elements kept as a sheet stay a sheet.
    sanhua("standards", "export", "-o", str(tmp_path / "all.xlsx"))
    whole = load_workbook(tmp_path / "all.xlsx")
    whole["数据元"]["D2"] = "行政区划"
    whole["old"]["B2"] = "甲地"
    whole.save(tmp_path / "all.xlsx")
    done = sanhua("standards", "import", str(tmp_path / "all.xlsx"))
    assert done["written"] == ["standards/codes/old.csv", "standards/elements.xlsx"]
    assert "A,甲地,,2009-12-31" in (tmp_path / "standards/codes/old.csv").read_text("utf-8")
    assert load_workbook(tmp_path / "standards/elements.xlsx")["数据元"]["D2"].value == "行政区划"
    again = sanhua("standards", "import", str(tmp_path / "all.xlsx"))
    assert again["written"] == []
