"""Repair rules declared in a contract: a mended table beside the raw one, each rule counted, no row
lost, and a second run changes nothing.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.workspace.opening import Workspace
from sanhua.workspace.snapshots import Snapshots

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: shops
version: 1.0.0
status: active
name: 商户（已清洗）
schema:
  - name: shops
    customProperties: [{property: repairOf, value: shops_raw}]
    properties:
      - {name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - name: city
        logicalType: string
        customProperties:
          - {property: repair, value: [trim, collapse, {map: {SH: Shanghai}}, {majority: zip}]}
      - {name: zip, logicalType: string}
      - name: kg
        logicalType: number
        physicalType: decimal(8,1)
        customProperties:
          - {property: repair, value: [{missing: [N/A, '-']}, {unit: [kg, 公斤]}]}
      - name: opened
        physicalName: opened on
        logicalType: date
        customProperties: [{property: repair, value: [{dates: [d/M/yyyy, yyyy年M月d日]}]}]
      - name: state
        logicalType: string
        customProperties: [{property: repair, value: [{default: open}]}]
"""
ROWS = [
    ["id", "city", "zip", "kg", "opened on", "state"],
    ["1", " Shanghai", "200000", "1.5", "2025-01-02", "open"],
    ["2", "Shanghai  ", "200000", "2.0 kg", "3/2/2025", ""],
    ["3", "SH", "200000", "N/A", "2025年3月4日", "closed"],
    ["4", "Shanghia", "200000", "12公斤", "2025-01-02", "open"],
    ["5", "New   York", "10001", "3", "2025-01-02", "open"],
    ["6", "", "200000", "-", "", "open"],
    ["7", "New York", "10001", "heavy", "2025-01-02", "open"],  # no number
    ["8", "New York", "10001", "1.25", "2025-01-02", "open"],  # would be rounded
    ["9", "Boston", "", "4", "31/2/2025", "open"],  # no day
]


def said(*args: object, exit_code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def project(small_project: Path) -> Path:
    with (small_project / "raw" / "shops.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(ROWS)
    (small_project / "sources" / "shops_raw.yaml").write_text(
        "title: 商户\nfiles: raw/shops.csv\ncadence: day\n", encoding="utf-8"
    )
    (small_project / "contracts" / "shops.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    return small_project


def table(project: Path, name: str) -> list[tuple[Any, ...]]:
    with Workspace(project) as ws:
        Snapshots(ws).bind(name)
        return [
            tuple(map(str, row)) for row in ws.engine.query(f"SELECT * FROM {name} ORDER BY id")
        ]


def test_cells_are_mended_counted_and_no_row_is_lost(project: Path):
    run = said("run", "-C", project)
    assert run["ok"], run["diagnostics"]
    (step,) = [one for one in run["steps"] if one["step"] == "repair"]
    assert (step["rows"], step["rejected"]) == (6, 3)

    day, none = "2025-01-02", "None"
    assert table(project, "shops") == [
        ("1", "Shanghai", "200000", "1.5", day, "open"),
        ("2", "Shanghai", "200000", "2.0", "2025-02-03", "open"),
        ("3", "Shanghai", "200000", none, "2025-03-04", "closed"),
        ("4", "Shanghai", "200000", "12.0", day, "open"),
        ("5", "New York", "10001", "3.0", day, "open"),
        ("6", "Shanghai", "200000", none, none, "open"),
    ]
    rejects = table(project, "shops_rejects")
    assert [(row[0], row[3], row[-1]) for row in rejects] == [
        ("7", "heavy", "kg"), ("8", "1.25", "kg"), ("9", "4", "opened"),
    ]  # fmt: skip
    assert len(table(project, "shops_raw")) == len(ROWS) - 1

    # What a repair rejects stays part of what was handed over: it lowers the score of its table.
    (judged,) = said("report", "quality", "--id", "shops", "-C", project)["resources"]
    found = {f["id"].partition("/")[2]: f for f in judged["findings"]}
    figures = {name: (found[name]["numerator"], found[name]["denominator"]) for name in found}
    assert figures["rejects"] == (6, 9)
    assert (figures["kg.format"], figures["opened.format"]) == ((4, 6), (5, 6))
    assert figures["id.required"] == (6, 6)
    assert found["id.required"]["excluded"] == 3
    assert found["rejects"]["told"]["en"] == (
        "9 rows of shops_raw mended: 13 cells changed, 3 rejected"
    )
    (rate,) = [i for i in judged["indicators"] if i["code"] == "0305"]
    assert (rate["numerator"], rate["denominator"], rate["rate"]) == (3, 9, "0.333333")

    told = said("quality", "repaired", "shops", "-C", project)
    assert {(r["column"], r["rule"]): r["changed"] for r in told["rules"]} == {
        ("city", "trim"): 2, ("city", "collapse"): 1, ("city", "map"): 1,
        ("city", "majority zip"): 2, ("kg", "missing N/A, -"): 2, ("kg", "unit kg, 公斤"): 2,
        ("opened", "dates d/M/yyyy, yyyy年M月d日"): 2, ("state", "default open"): 1,
    }  # fmt: skip
    shown = next(rule for rule in told["rules"] if rule["rule"] == "unit kg, 公斤")
    assert {"before": "2.0 kg", "after": "2.0", "rows": 1} in shown["examples"]

    path = project / "contracts" / "shops.odcs.yaml"
    again = said("run", "-C", project)
    assert {one["status"] for one in again["steps"]} == {"skipped"}
    assert said("check", "-C", project)["ok"]
    with path.open("a", encoding="utf-8") as contract:
        contract.write("# edited since\n")
    stale = said("quality", "repaired", "shops", "-C", project, exit_code=4)
    assert stale["diagnostics"][0]["code"] == "repair.not-current"
    said("run", "-C", project)
    assert said("quality", "repaired", "shops", "-C", project)["rows"] == 9
    none_such = said("quality", "repaired", "readings", "-C", project, exit_code=3)
    assert none_such["diagnostics"][0]["code"] == "repair.none"
    shown = said("explain", "repair:shops", "-C", project)
    assert any(edge["edge"] == "made_from" for edge in shown["edges"])


def test_a_rule_that_cannot_be_is_told_where_it_stands(project: Path):
    path = project / "contracts" / "shops.odcs.yaml"
    path.write_text(
        CONTRACT.replace("[{default: open}]", "[polish]").replace("{majority: zip}", "{map: x}"),
        encoding="utf-8",
    )
    told = said("check", "-C", project, exit_code=1)
    places = {one["code"]: (one["path"], one["line"]) for one in told["diagnostics"]}
    assert places["repair.unknown"] == ("contracts/shops.odcs.yaml", 28)
    assert places["repair.wrong-form"] == ("contracts/shops.odcs.yaml", 15)
