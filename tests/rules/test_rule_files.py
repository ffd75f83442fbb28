"""Every rule file of the pack: its form, its citations, and that no day it claims is left open."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sanhua.kernel.errors import Invalid, RuleGap
from sanhua.kernel.time import add_months
from sanhua.rules.packs import HERE, History, Packs
from sanhua.verify import canonical

PACKS = Packs.load()
RULES = [
    pytest.param(instrument, name, history, id=f"{instrument}/{name}")
    for instrument in PACKS.instruments
    for name, history in PACKS.history(instrument).items()
]
FROZEN = Path(__file__).parent / "frozen.txt"


def test_every_rule_file_keeps_to_the_schema_and_stands_in_its_own_folder():
    files = {path.parent.name for path in (HERE / "cn").glob("*/*") if path.name == "rules.yaml"}
    assert files == set(PACKS.instruments) and len(files) >= 17
    assert all(PACKS.history(instrument) for instrument in files)


@pytest.mark.parametrize("instrument, name, history", RULES)
def test_every_value_says_title_number_unit_clause_and_tag(
    instrument: str, name: str, history: History
):
    assert history.what.strip()
    for held in history.values:
        rule = held.rule
        assert all([rule.title, rule.number, rule.unit, rule.clause])
        assert rule.tag in ("V", "S", "C", "R", "R?")
        assert rule.cite == f"{rule.number} {rule.clause}"
        assert held.checked >= rule.starts_on
        assert rule.node == f"rule:{instrument}/{name}@{rule.starts_on}"
        assert PACKS.ask(instrument, name, on=rule.starts_on) is rule


@pytest.mark.parametrize("instrument, name, history", RULES)
def test_no_rule_has_a_gap_between_its_first_day_and_the_day_its_source_was_checked(
    instrument: str, name: str, history: History
):
    day, checked = history.values[0].rule.starts_on, history.values[-1].checked
    while day <= checked:
        assert PACKS.ask(instrument, name, on=day).starts_on <= day
        day = add_months(day.replace(day=1), 3 - (day.month - 1) % 3)
    assert PACKS.ask(instrument, name, on=checked)


@pytest.mark.parametrize("instrument, name, history", RULES)
def test_no_value_of_a_rule_is_a_float_or_may_be_changed_in_a_list(
    instrument: str, name: str, history: History
):
    def walk(value: Any) -> None:
        assert isinstance(value, (bool, int, str, Decimal, tuple, dict)), value
        if isinstance(value, (tuple, dict)):
            for item in value.values() if isinstance(value, dict) else value:
                walk(item)

    for held in history.values:
        walk(held.rule.value)


def test_a_value_once_in_force_is_never_edited():
    """A change of law is a further value; `frozen.txt` holds the hash of each value so far."""
    now = {
        held.rule.node: hashlib.sha256(canonical(_text(held.rule.value))).hexdigest()[:16]
        for _, _, history in (row.values for row in RULES)
        for held in history.values
    }
    frozen = dict(line.split() for line in FROZEN.read_text(encoding="utf-8").splitlines())
    changed = [node for node, digest in frozen.items() if now.get(node) != digest]
    fresh = "\n".join(f"{node} {now[node]}" for node in now if node not in frozen)
    assert not changed, f"these values were edited or removed; add a later value instead: {changed}"
    assert not fresh, f"add to {FROZEN.name}:\n{fresh}"


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    return [_text(item) for item in value] if isinstance(value, tuple) else str(value)


GOOD = """\
instrument: local
title: 地方规定
issuer: 某省
number: 某发〔2025〕1号
rules:
  term_max:
    what: How long.
    unit: years
    values:
      2025-01-01: {value: 3, clause: 第一条, checked: 2026-11-23, tag: V, ends_on: 2026-01-01}
      2026-03-01: {value: 5, clause: 第一条, checked: 2026-11-23, tag: V}
  share:
    what: How much.
    unit: map of rate
    values:
      2025-01-01: {value: {a: 6%, b: 0.5%}, clause: 第二条, checked: 2026-11-23, tag: R?}
"""


def pack(folder: Path, text: str, instrument: str = "local") -> Path:
    (folder / instrument).mkdir(parents=True)
    (folder / instrument / "rules.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_later_pack_adds_an_instrument_with_dated_values(tmp_path: Path):
    packs = Packs([HERE / "cn", pack(tmp_path, GOOD)])
    assert packs.ask("local", "term_max", on=date(2025, 12, 31)).value == 3
    assert packs.ask("local", "term_max", on=date(2026, 3, 1)).value == 5
    assert packs.ask("local", "share", on=date(2026, 3, 1)).value == {
        "a": Decimal("0.06"),
        "b": Decimal("0.005"),
    }
    assert packs.ask("mof_2023_11", "in_force", on=date(2026, 3, 1)).value is True
    with pytest.raises(RuleGap) as gap:
        packs.ask("local", "term_max", on=date(2026, 2, 28))
    assert gap.value.code == "rule.gap"
    with pytest.raises(RuleGap) as gap:
        packs.ask("local", "term_max", on=date(2024, 12, 31))
    assert gap.value.diagnostic.facts["first"] == "2025-01-01"
    assert gap.value.diagnostic.rule is not None
    assert "2024-12-31" in gap.value.diagnostic.message()
    assert packs.fingerprint != PACKS.fingerprint


def test_a_later_pack_cannot_change_a_rule_of_an_earlier_one(tmp_path: Path):
    first, second = pack(tmp_path / "one", GOOD), pack(tmp_path / "two", GOOD.replace("3,", "9,"))
    with pytest.raises(Invalid) as refused:
        Packs([first, second]).ask("local", "term_max", on=date(2025, 6, 1))
    assert refused.value.code == "rule.redefined"


@pytest.mark.parametrize(
    "wrong, line, reason",
    [
        (GOOD.replace(", tag: R?", ""), 16, "tag"),
        (GOOD.replace("clause: 第二条, ", ""), 16, "clause"),
        (GOOD.replace("unit: years", "unit: fortnights"), 8, "fortnights"),
        (GOOD.replace("value: 5", "value: five"), 11, "five"),
        (GOOD.replace("a: 6%", "a: 0.06"), 16, "0.06"),
        (GOOD.replace("a: 6%", "a: [6%]"), 16, "rate"),
        (GOOD.replace("ends_on: 2026-01-01", "ends_on: 2026-06-01"), 11, "below"),
        (GOOD.replace("ends_on: 2026-01-01", "ends_on: 2025-01-01"), 10, "after"),
        (GOOD.replace("2026-03-01: {", "2026-02-30: {"), 11, "2026-02-30"),
        (GOOD.replace("2026-03-01: {", "2025-01-01: {"), 11, "twice"),
        (GOOD.replace("instrument: local", "instrument: other"), 1, "other"),
        (GOOD.replace("  share:", "  share: ["), 13, ""),
        (GOOD + "extra: 1\n", 1, "extra"),
        ("", 1, "required"),
    ],
)
def test_a_faulty_rule_file_is_refused_with_its_line(
    tmp_path: Path, wrong: str, line: int, reason: str
):
    assert wrong != GOOD
    with pytest.raises(Invalid) as refused:
        Packs([pack(tmp_path, wrong)]).history("local")
    found = refused.value.diagnostic
    assert found.code == "rule.bad-file"
    assert reason in str(found.facts["reason"]) or reason in str(found.facts["at"])
    assert abs(found.line - line) <= 1


def test_a_wrong_name_is_answered_with_the_nearest():
    for instrument, name, code, nearest in (
        ("mof_2023_11", "balance_sheet_parent", "rule.unknown", "balance_sheet_parents"),
        ("mof_2023_12", "in_force", "rule.unknown-instrument", "mof_2023_11"),
        ("../../kernel", "in_force", "rule.unknown-instrument", ""),
    ):
        with pytest.raises(Invalid) as refused:
            PACKS.ask(instrument, name, on=date(2026, 1, 1))
        assert refused.value.code == code
        assert nearest in refused.value.diagnostic.facts["nearest"]
    with pytest.raises(Invalid) as refused:
        Packs.load(["cm"])
    assert refused.value.code == "rule.unknown-pack"
