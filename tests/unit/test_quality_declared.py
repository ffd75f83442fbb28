"""What a contract declares of quality: read as it stands, and each slip told at its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sanhua.project import load
from sanhua.project.checking import check
from sanhua.project.model import Project
from sanhua.resource.contract import Clock, Timing
from sanhua.rules.packs import Packs

RULES = Packs.load(("cn",))
ON = date(2026, 11, 23)
PATH = "contracts/raw.odcs.yaml"
BARE = """\
apiVersion: v3.1.0
kind: DataContract
id: raw
version: 1.0.0
status: active
schema:
  - name: raw
    properties:
      - {name: meter, logicalType: string, description: 表号}
      - {name: sent_at, logicalType: timestamp}
      - {name: kwh, logicalType: number}
"""
FILES = {
    "sanhua.yaml": "sanhua: 1\nentities:\n  us: {}\n",
    "parties.yaml": "us: {name: 我们, uscc: 91350100M000100Y43, roles: [holder]}\n",
    "sources/raw.yaml": "files: raw.csv\ncadence: day\n",
    "sources/bill.yaml": "files: bill.csv\ncadence: day\n",
    "contracts/bill.odcs.yaml": BARE.replace(": raw", ": bill"),
}


def compiled(root: Path, contract: str) -> tuple[Project, list[tuple[str, str, int]]]:
    """The project, and what is told of the contract: code, severity, line."""
    for name, text in {**FILES, PATH: contract}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    project = load(root, {})
    found = [d for d in check(project, RULES, ON) if d.path == PATH]
    return project, [(d.code, d.severity.value, d.line) for d in found]


def custom(name: str, value: str, line: str = "sent_at") -> str:
    """The bare contract with a custom property on a column, or on the table (`line` empty)."""
    written = f"customProperties: [{{property: {name}, value: {value}}}]"
    if not line:
        return BARE + f"    {written}\n"
    return BARE.replace(f"name: {line},", f"name: {line}, {written},")


RECONCILES = (
    "{with: bill, match: {meter: meter, sent_at: sent_at}, compare: {kwh: kwh}, tolerance: 0.5%, "
    "at_least: 99%, clock: {column: sent_at, offset: -1 h}, totals: {by: month, tolerance: 1%}}"
)


def test_what_is_said_of_a_column_in_time_is_read(tmp_path: Path):
    for value, timing in (
        ("2024-01-01..2024-12-31", Timing("2024-01-01", "2024-12-31")),
        ("2024-01-01..", Timing("2024-01-01")),
        ("{from: sent_at, through: 2024-12-31}", Timing("sent_at", "2024-12-31")),
        ("{at: sent_at}", Timing(valid_at="sent_at")),
    ):
        project, told = compiled(tmp_path, custom("validity", value))
        assert told == [], value
        assert project.contracts["raw"].tables[0].properties[1].timing == timing
    for name, value, timing in (
        ("follows", "sent_at", Timing(follows="sent_at")),
        ("follows", "{column: sent_at, within: 10 min}", Timing(follows="sent_at", within_s=600)),
        ("ordered", "file", Timing(order_by="file")),
        ("ordered", "{by: kwh, within: [meter]}", Timing(order_by="kwh", order_within=("meter",))),
    ):
        project, told = compiled(tmp_path, custom(name, value))
        assert told == [], value
        assert project.contracts["raw"].tables[0].properties[1].timing == timing


def test_a_reconciliation_and_control_totals_are_read(tmp_path: Path):
    text = custom("reconciles", RECONCILES, "").rstrip("\n").removesuffix("]")
    text += ", {property: controlTotals, value: {rows: 3, kwh: 12.50}}]\n"
    project, told = compiled(tmp_path, text)
    assert told == []
    (table,) = project.contracts["raw"].tables
    (given,) = table.reconciles
    assert (given.other, given.tolerance, given.percent) == ("bill", Decimal("0.5"), True)
    assert given.match == (("meter", "meter"), ("sent_at", "sent_at"))
    assert given.clock == Clock("sent_at", offset_s=-3600) and given.least == 99
    assert (given.totals_by, given.totals_tolerance) == ("month", 1)
    assert [(t.column, t.amount) for t in table.totals] == [("", 3), ("kwh", Decimal("12.50"))]
    assert table.properties[0].description.zh == "表号"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("validity", "2024", "format.wrong-form"),
        ("validity", "2024-12-31..2024-01-01", "format.empty-range"),
        ("validity", "2024-02-30..", "format.wrong-form"),
        ("validity", "{at: sentat}", "ref.column"),
        ("validity", "{form: sent_at}", "format.unknown-key"),
        ("follows", "sentat", "ref.column"),
        ("follows", "{column: sent_at, within: soon}", "format.wrong-form"),
        ("ordered", "{within: [meter]}", "format.missing-key"),
        ("ordered", "{by: kwhh}", "ref.column"),
    ],
)
def test_a_slip_in_time_is_told_at_its_line(tmp_path: Path, name: str, value: str, code: str):
    _, told = compiled(tmp_path, custom(name, value))
    assert told == [(code, "error", 10)]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("with: bill", "with: bil", "ref.table"),
        ("compare: {kwh: kwh}", "compare: {kwh: kw}", "ref.column"),
        ("compare: {kwh: kwh}", "compare: {kw: kwh}", "ref.column"),
        ("compare: {kwh: kwh}, ", "", "format.missing-key"),
        ("tolerance: 0.5%", "tolerence: 0.5%", "format.unknown-key"),
        ("column: sent_at", "column: kwh", "ref.column"),
        ("offset: -1 h", "offset: an hour", "format.wrong-form"),
        ("offset: -1 h", "offset: detect, reach: 9 d, step: 1 s", "contract.too-many-offsets"),
        ("by: month", "by: week", "format.not-one-of"),
    ],
)
def test_a_slip_in_a_reconciliation_is_told_at_its_line(
    tmp_path: Path, old: str, new: str, code: str
):
    assert old in RECONCILES
    _, told = compiled(tmp_path, custom("reconciles", RECONCILES.replace(old, new), ""))
    assert told == [(code, "error", 12)]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (
            "{type: custom, engine: soda, implementation: 'x', name: r}",
            [("contract.rule-of-other-engine", "warning", 13)],
        ),
        (
            "{metric: rowCount, mustBeGreaterThan: 1, schedule: '0 20 * * *'}",
            [("contract.rule-schedule", "note", 13)],
        ),
        (
            "{metric: rowCount, mustBeGreaterThan: 1, unit: apples}",
            [("contract.rule-word", "warning", 13)],
        ),
        (
            "{metric: rowCount, mustBeGreaterThan: 1, severity: loud}",
            [("contract.rule-word", "warning", 13)],
        ),
        ("{type: text, description: 每月由两人复核}", []),
    ],
)
def test_what_of_a_rule_is_kept_and_not_run_is_told(
    tmp_path: Path, rule: str, told: list[tuple[str, str, int]]
):
    project, found = compiled(tmp_path, BARE + f"    quality:\n      - {rule}\n")
    assert found == told
    rules = project.contracts["raw"].tables[0].quality
    assert [r.type for r in rules] == ([] if "custom" in rule else [
        "text" if "text" in rule else "metric"
    ])  # fmt: skip
