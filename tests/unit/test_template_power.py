"""The synthetic data of template `power`: the same by seed, dirty as announced, of nobody."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sanhua.capital.recognise import Outcome, judge
from sanhua.kernel.errors import Severity
from sanhua.kernel.money import Money
from sanhua.project import load
from sanhua.rules.packs import Packs
from sanhua.workspace import templates
from sanhua.workspace.templates.power import DIRT, credit_check, organisation_check


@pytest.fixture(scope="module")
def power(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("power")
    templates.write("power", folder)
    return folder


@pytest.fixture(scope="module")
def readings(power: Path) -> list[list[str]]:
    rows: list[list[str]] = []
    for path in sorted((power / "raw").glob("readings_*.csv.gz")):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        assert lines[0] == "meter_no,hour_start,kwh,received_at"
        rows += [line.split(",") for line in lines[1:]]
    return rows


def _customers(folder: Path) -> list[list[str]]:
    text = (folder / "raw" / "customers.csv").read_bytes().decode("gb18030")
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes(power: Path, tmp_path: Path):
    templates.write("power", tmp_path)
    assert _hashes(tmp_path) == _hashes(power)


def test_another_seed_writes_other_data_and_the_same_project(power: Path, tmp_path: Path):
    templates.write("power", tmp_path, seed=7)
    first, second = _hashes(power), _hashes(tmp_path)
    changed = {name for name, sha in second.items() if first[name] != sha}
    assert {"raw/customers.csv", "raw/readings_2026-01.csv.gz"} <= changed
    assert all(name.startswith("raw/") for name in changed)


def test_there_are_some_430_thousand_readings_of_290_customers(
    power: Path, readings: list[list[str]]
):
    """290 customers by 62 days by 24 hours are 431,520; what is missing or more is in DIRT."""
    wanted = DIRT["readings"]
    more = ("sent twice", "sent again with another value", "time that does not exist")
    more += ("row cut short", "unknown meter")
    expected = 290 * 62 * 24 - wanted["reading missing"] + sum(wanted[kind] for kind in more)
    assert len(readings) == expected
    assert len({row[0] for row in _customers(power)}) == 290


def test_readings_hold_the_announced_dirt_and_no_other(readings: list[list[str]]):
    seen: Counter[str] = Counter()
    for row in readings:
        if len(row) != 4:
            seen["row cut short"] += 1
            continue
        meter, time, kwh, _ = row
        seen["unknown meter"] += meter.startswith("M999")
        try:
            datetime.fromisoformat(time)
        except ValueError:
            seen["time that does not exist"] += 1
        if not kwh:
            seen["no value"] += 1
        elif kwh == "表计故障":
            seen["text for a number"] += 1
        elif float(kwh) < 0:
            seen["negative"] += 1
        elif float(kwh) > 2000:
            seen["out of range"] += 1
    assert seen == {kind: DIRT["readings"][kind] for kind in seen}
    assert len(seen) == 7


def test_late_readings_came_within_ten_days_in_a_file_of_their_own(power: Path):
    lines = gzip.decompress((power / "raw" / "readings_2025-12_late.csv.gz").read_bytes())
    rows = [line.split(",") for line in lines.decode().splitlines()[1:]]
    whole = [row for row in rows if len(row) == 4 and "24:61" not in row[1]]
    waits = [datetime.fromisoformat(row[3]) - datetime.fromisoformat(row[1]) for row in whole]
    assert len(rows) > 1000
    assert max(waits).days <= 9


def test_credit_codes_have_valid_check_digits_except_the_announced_ones(power: Path):
    """GB 32100 and GB 11714; the vector 91350100M000100Y43 is printed in GB 32100's annex."""
    assert credit_check("91350100M000100Y4") == "3"
    assert organisation_check("M000100Y") == "4"
    codes = {row[0]: row[2] for row in _customers(power)}
    wrong = [code for code in codes.values() if code and credit_check(code[:17]) != code[17]]
    assert len(wrong) == DIRT["customers"]["credit code with a wrong check digit"]
    assert sum(not c for c in codes.values()) == DIRT["customers"]["credit code missing"]
    assert all(organisation_check(code[8:16]) == code[16] for code in codes.values() if code)


def test_no_credit_code_can_belong_to_a_real_organisation(power: Path):
    """Area 339900 is in no edition of GB/T 2260."""
    codes = [row[2] for row in _customers(power) if row[2]]
    parties = (power / "parties.yaml").read_text(encoding="utf-8")
    codes += [part.split(",")[0].strip() for part in parties.split("uscc:")[1:]]
    assert {code[2:8] for code in codes} == {"339900"}


def test_a_token_is_unique_and_tells_nothing_of_the_number(power: Path):
    lines = (power / "raw" / "token_vault.csv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [line.split(",") for line in lines]
    assert len({token for _, token in pairs}) == len(pairs) == 290
    by_number = [token for _, token in sorted(pairs)]
    assert by_number != sorted(by_number)


def test_weather_says_when_it_has_no_value(power: Path):
    lines = (power / "raw" / "weather.ndjson").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 62
    assert sum(isinstance(row["high_c"], str) for row in rows) == 1
    assert sum(row["low_c"] is None for row in rows) == 2
    new_year = {row["day"]: row["rest_day"] for row in rows}
    assert new_year["2026-01-02"] and not new_year["2026-01-04"]


def test_every_text_that_a_reader_meets_says_that_the_data_is_synthetic(power: Path):
    for name in ("README.md", "sanhua.yaml", "products/load_profile_daily.yaml"):
        assert "合成" in (power / name).read_text(encoding="utf-8"), name
    for path in (power / "sources").iterdir():
        assert "合成" in path.read_text(encoding="utf-8"), path.name


def test_editors_find_the_schema_of_each_file_from_its_first_line(power: Path):
    said = {
        "sanhua.yaml": ".sanhua/schemas/sanhua.json",
        "sources/readings.yaml": "../.sanhua/schemas/source.json",
        "books/assets/load_profile_asset.yaml": "../../.sanhua/schemas/asset.json",
    }
    for name, schema in said.items():
        first = (power / name).read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# yaml-language-server: $schema={schema}"


def test_both_projects_compile_and_the_books_carry_what_was_spent_after_the_conditions(
    power: Path, tmp_path: Path
):
    """Capitalised: 412,000 + 58,300 + 126,500 + 433,500 + 36,800 + 208,400 = 1,275,500.00.

    Expensed: 186,000 of research and 96,000 before 2025-09-15, the day of the last condition.
    """
    templates.write("blank", tmp_path)
    assert load(tmp_path, {}).diagnostics == []
    project = load(power, {})
    notes = [(found.severity, found.code) for found in project.diagnostics]
    assert notes == [(Severity.NOTE, "party.no-key-file")] * 3  # the parties make their own
    card, policy = project.assets["load_profile_asset"], project.policy["grid_co"]
    rules = Packs.load(("cn",), None)
    found = judge(card, project.vouchers.values(), policy, rules, date(2026, 6, 30))
    assert found.total(Outcome.CAPITALISED) == Money(Decimal("1275500.00"))
    assert found.total(Outcome.EXPENSED) == Money(Decimal("282000.00"))


def test_a_blank_project_has_its_two_files_and_keeps_its_state_out_of_git(tmp_path: Path):
    templates.write("blank", tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"sanhua.yaml", "parties.yaml", "README.md", ".gitignore"}
    assert "state/" in (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
