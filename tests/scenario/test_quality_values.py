"""What quality and standards say of a column that is graded high never holds a value of it: neither
in what is printed, nor in a record, where it could not be taken back.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli

PERSON = "张三丰110101199003071233"
FILES = {
    "sanhua.yaml": "sanhua: 1\ntitle: 人员\nentities: {plant: {regime: CAS}}\n",
    "parties.yaml": "plant: {name: 测试工厂, uscc: 91350100M000100Y43, roles: [holder]}\n",
    "sources/people.yaml": "title: 人员\nfiles: raw/people.csv\ncadence: day\n",
    "standards/elements.yaml": "sex: {title: 性别, definition: 性别, type: string, codes: sexes}\n",
    "standards/codes/sexes.csv": "code,name\nM,男\nF,女\n",
    "standards/indicators.yaml": (
        "most: {title: 最大, definition: 最大, table: people, formula: max(sex)}\n"
        "heads: {title: 人数, definition: 人数, table: people, formula: count(*), by: [sex]}\n"
    ),
    "raw/people.csv": f"id,sex\n1,M\n2,F\n3,{PERSON}\n4,M\n",
    "contracts/people.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
name: 人员
schema:
  - name: people
    properties:
      - {name: id, logicalType: string}
      - name: sex
        logicalType: string
        classification: general3
        customProperties: [{property: dataElement, value: sex}]
    quality:
      - {name: cast, type: sql, query: SELECT sum(CAST(sex AS INTEGER)) FROM people, mustBe: 0}
      - {name: text, type: sql, query: SELECT max(sex) FROM people, mustBe: 0}
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("values") / "people"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["run", "-C", str(folder)])
    assert PERSON not in result.output
    return folder


def said(folder: Path, *args: str) -> str:
    return CliRunner().invoke(cli, [*args, "-C", str(folder)]).output


def test_a_rule_that_fails_over_data_quotes_no_value_in_record_report_or_terminal(project: Path):
    told = json.loads(said(project, "report", "quality", "--json"))
    errors = {f["error"] for f in told["resources"][0]["findings"] if f["state"] == "error"}
    assert errors == {"engine.cannot-run", "quality.not-a-number"}
    kept = [p for p in (project / "state").rglob("*") if p.is_file() and p.suffix != ".parquet"]
    kept += [p for p in (project / ".sanhua" / "out").rglob("*") if p.is_file()]
    assert kept
    assert [path.name for path in kept if PERSON.encode() in path.read_bytes()] == []
    assert "INT32" in said(project, "run")  # the way to mend it is still told


def test_unknown_codes_of_a_closed_column_are_counted_and_not_listed(project: Path):
    (column,) = json.loads(said(project, "standards", "unknown", "--json"))["columns"]
    assert (column["unknown"], column["values"], column["withheld"]) == (1, 4, True)
    assert (column["listed"], column["lapsed"]) == ([], [])
    said(project, "report", "standards")
    written = (project / ".sanhua" / "out" / "standards.json").read_text("utf-8")
    assert PERSON not in written + said(project, "standards", "unknown")


def test_an_indicator_is_a_number_and_lists_no_group_of_a_closed_column(project: Path):
    text = said(project, "standards", "indicator", "most", "heads", "--json")
    most, heads = json.loads(text)["indicators"]
    assert (most["value"], heads["value"], heads["groups"]) == (None, "4", [])
    assert most["error"] and heads["withheld"] and heads["groups_counted"] == 3
    kept = [path for path in (project / "state").glob("state.db*")]
    assert kept and not [p for p in kept if PERSON.encode() in p.read_bytes()]
    assert PERSON not in text + said(project, "standards", "indicator", "heads")
