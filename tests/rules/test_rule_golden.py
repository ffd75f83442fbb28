"""The packs give the figures of `golden.yaml`; where its published twin is at hand, they agree."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import RuleGap
from sanhua.rules import identifiers
from sanhua.rules.packs import Packs

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SANHUA_DATA") or ROOT.parent / "shared" / "data")
TWIN = DATA.parent / "reference" / "regulation_golden.json"
GOLDEN: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "golden.yaml").read_text(encoding="utf-8")
)
PACKS = Packs.load()
TODAY = date(2026, 11, 23)


def golden(key: str) -> Any:
    return GOLDEN[key]["value"]


def ask(instrument: str, name: str) -> Any:
    return PACKS.ask(instrument, name, on=TODAY).value


@pytest.mark.parametrize("key", GOLDEN)
def test_a_row_has_a_source_and_is_that_of_the_published_twin(key: str):
    assert GOLDEN[key]["source"]
    if not TWIN.is_file():
        pytest.skip(f"no {TWIN.name} beside the data sets; point SANHUA_DATA at the data sets")
    found: Any = json.loads(TWIN.read_bytes())
    for part in key.split("."):
        found = found[part]
    assert found == golden(key)


@pytest.mark.parametrize(
    "key, kind",
    [
        ("identifiers.resident_id_gb11643", "resident_id"),
        ("identifiers.uscc_gb32100", "uscc"),
        ("identifiers.org_code_gb11714", "org_code"),
        ("identifiers.biz_licence_15_mod11_10", "business_licence"),
        ("identifiers.iso7064_mod37_36", "iso_7064_37_36"),
        ("identifiers.luhn", "luhn"),
        ("identifiers.vin", "vin"),
    ],
)
def test_check_digits_hold_on_the_published_vectors(key: str, kind: str):
    vectors = golden(key)
    assert all(identifiers.valid(kind, text, PACKS, TODAY) for text in vectors["valid"])
    assert not any(
        identifiers.valid(kind, text, PACKS, TODAY) for text in vectors.get("invalid", [])
    )
    rule = identifiers.check_digit(kind, PACKS, TODAY)
    assert rule is not None
    assert list(rule.weights) == vectors.get("weights", list(rule.weights))
    assert rule.alphabet == vectors.get("charset", rule.alphabet)


def test_the_weights_of_the_social_credit_code_are_powers_of_three():
    rule = identifiers.check_digit("uscc", PACKS, TODAY)
    assert rule is not None
    assert list(rule.weights) == [pow(3, place, 31) for place in range(17)]


def test_the_balance_sheet_shows_data_resources_under_three_lines():
    parents = ask("mof_2023_11", "balance_sheet_parents")
    assert [line["zh"] for line in parents] == golden("balance_sheet_lines.parents")
    assert {line["sub"] for line in parents} == {golden("balance_sheet_lines.sub")}
    assert [line["id"] for line in parents] == ["inventory", "intangible", "development"]


@pytest.mark.parametrize(
    "table, key, rows",
    [("table_a", "disclosure_intangible", 27), ("table_b", "disclosure_inventory", 21)],
)
def test_the_tables_have_the_rows_and_columns_of_the_instrument(table: str, key: str, rows: int):
    found = ask("mof_2023_11", f"{table}_rows")
    columns = ask("mof_2023_11", f"{table}_columns")
    assert [row["zh"] for row in found] == golden(f"{key}.rows")
    assert len(found) == rows == len({row["id"] for row in found})
    heading = ask("mof_2023_11", "table_item_heading")
    assert [heading, *(column["zh"] for column in columns)] == golden(f"{key}.columns")
    assert len(columns) == 4
    ids = {row["id"] for row in found}
    assert all(row.get("part_of", row["id"]) in ids for row in found)
    assert all(row["id"].split(".")[0] == row["layer"] for row in found)


def test_the_level_matrix_is_five_objects_by_three_severities():
    objects = ask("gbt_43697", "impact_objects")
    severities = ask("gbt_43697", "severities")
    grades = ask("gbt_43697", "grades")
    matrix = ask("gbt_43697", "level_matrix")
    shown = {
        objects[name]: [grades[row[severity]] for severity in severities if severity in row]
        for name, row in matrix.items()
    }
    assert shown == golden("grading_matrix_gbt43697.rows")
    assert list(severities.values())[:3] == golden("grading_matrix_gbt43697.impact")
    sublevels = ask("gbt_43697", "general_sublevels")
    assert {severities[name]: level for name, level in sublevels.items()} == golden(
        "general_sublevels.map"
    )


def test_a_patients_identity_number_is_level_4_and_the_name_level_3():
    """GB/T 43697 附录H as used in health care: 患者身份证号 4, 患者姓名 3 (S41)."""
    grades = ask("gbt_43697", "identifier_grades")
    sublevels = ask("gbt_43697", "general_sublevels")
    assert (grades["resident_id"]["floor"], grades["name"]["floor"]) == (4, 3)
    assert {kind for kind, row in grades.items() if row["tag"] == "S"} == {
        "resident_id",
        "phone",
        "address",
        "name",
        "birthday",
    }
    for row in grades.values():
        assert row["floor"] == sublevels[row["severity"]]
        assert row["object"] in ask("gbt_43697", "impact_objects")
        assert row.get("category", "other") in ask("gbt_43697", "personal_categories")


def test_quality_has_six_dimensions_and_twenty_indicators():
    dimensions = {row["id"]: row["zh"] for row in ask("gbt_36344", "dimensions")}
    indicators = ask("gbt_36344", "indicators")
    shown: dict[str, dict[str, str]] = {name: {} for name in dimensions.values()}
    for code, row in indicators.items():
        shown[dimensions[row["dimension"]]][code] = row["zh"]
    assert shown == golden("quality_gbt36344.dims")
    assert [len(part) for part in shown.values()] == [6, 2, 5, 2, 3, 2]
    negative = [code for code, row in indicators.items() if row["polarity"] == "negative"]
    assert negative == golden("quality_gbt36344.negative_polarity.codes")
    assert negative == list(ask("gbt_36344", "negative_polarity"))
    assert {row["formula"] for row in indicators.values()} == {golden("quality_gbt36344.formula")}


def test_public_data_registration_has_the_clocks_of_its_instrument():
    want = golden("public_data_registration")
    assert ask("ndrc_2025_26", "clocks") == want["clocks_wd"]
    assert list(ask("ndrc_2025_26", "registration_types")) == want["types"]
    assert list(ask("ndrc_2025_26", "steps")) == want["steps"]
    for name in ("validity_years", "renewal_window_days", "renewal_max_years"):
        assert ask("ndrc_2025_26", name) == want[name]
    rule = PACKS.ask("ndrc_2025_26", "clocks", on=TODAY)
    assert (rule.number, rule.starts_on.isoformat()) == (want["basis"], want["effective"])
    with pytest.raises(RuleGap):
        PACKS.ask("ndrc_2025_26", "clocks", on=date(2025 + want["valid_years_of_rule"], 3, 1))


def test_property_right_registration_has_the_clocks_of_its_guide():
    want = golden("property_right_registration")
    assert PACKS.ask("nda_2026_35", "clocks", on=TODAY).number == want["basis"]
    assert [right["zh"] for right in ask("nda_2026_35", "rights")] == want["rights"]
    assert list(ask("nda_2026_35", "registration_types")) == want["types"]
    assert list(ask("nda_2026_35", "steps")) == want["steps"]
    assert ask("nda_2026_35", "clocks") == want["clocks_wd"]
    for name in (
        "validity_years_max",
        "renewal_window_months",
        "record_retention_years_min",
        "name_max_chars",
        "summary_max_chars",
    ):
        assert ask("nda_2026_35", name) == want[name]
    choices = ask("nda_2026_35", "form_choices")
    assert {key: list(choices[key]) for key in choices} == want["enums"]
    assert ask("nda_2026_35", "certificate_length") == want["cert_len"] == len(want["cert_sample"])


def test_the_words_that_we_put_on_the_form_are_choices_that_it_has():
    choices = ask("nda_2026_35", "form_choices")
    assert set(ask("nda_2026_35", "source_on_form").values()) <= set(choices["source"])
    assert set(ask("nda_2026_35", "update_on_form").values()) <= set(choices["update"])
    fields = {field["id"] for field in ask("nda_2026_35", "initial_form")}
    assert {"source", "region", "update", "form", "structure"} <= fields and len(fields) == 19
    assert set(ask("nda_2026_35", "source_on_form")) < set(ask("nda_2026_35", "rights_by_source"))


def test_the_price_of_public_data_has_the_gates_of_its_notice():
    want = golden("public_price")
    assert PACKS.ask("ndrc_2025_65", "deviation_gate", on=TODAY).number == want["basis"]
    assert ask("ndrc_2025_65", "deviation_gate") == Decimal(str(want["deviation_gate"]))
    assert ask("ndrc_2025_65", "assessment_period_years_max") == want["period_years_max"]
    assert ask("ndrc_2025_65", "report_day") == want["report_deadline"]
    assert ask("ndrc_2025_65", "profit_margin_max") == Decimal(str(want["test"]["x"]))


def test_the_source_decides_the_rights():
    """国数综政策〔2026〕35号 第二十一条; the product row is the condition of open_collection."""
    want = golden("property_right_registration")["rights_matrix"]
    words = {
        "yes": 1,
        "no": 0,
        "consent": "consent",
        "only_non_substituting_product": 0,
    }
    rows = ask("nda_2026_35", "rights_by_source")
    shown = {
        row["zh"]: [words[row[right]] for right in ("hold", "use", "operate")]
        for row in rows.values()
    }
    product = "自动化收集公开数据形成的不实质替代产品"
    assert {**shown, product: [1, 1, 1]} == want
    assert rows["open_collection"]["operate"] == "only_non_substituting_product"
    rule = PACKS.ask("nda_2026_35", "rights_by_source", on=TODAY)
    assert (rule.clause, rule.tag) == ("第二十一条", "V")


@given(
    st.from_regex(r"\ASJ[0-9]{9}(0[0-9]|1[0-9])?[0-9]{0,4}\Z")
    | st.from_regex(r"\ASJ441202607[0-9]{4}\Z")
)
def test_the_certificate_pattern_needs_no_look_ahead_and_says_the_same(text: str):
    want = golden("property_right_registration")
    ours = ask("nda_2026_35", "certificate_number")
    assert bool(re.search(ours, text)) == bool(re.search(want["cert_regex"], text))
    assert "(?!" not in ours and re.search(ours, want["cert_sample"])


def test_jiahua_carries_only_what_it_spent_after_the_rule_took_effect():
    """CAICT report 2024, box 10: 688.65 spent, 255.87 of it in 2024, budget 910.92 (万元)."""
    want = {
        key: Decimal(str(value))
        for key, value in golden("cases_wan_yuan.jiahua_2024h1").items()
        if isinstance(value, (int, float))
    }
    restate = PACKS.ask("mof_2023_11", "expensed_spend_may_be_restated", on=date(2024, 6, 30))
    assert restate.value is False and restate.cite == "财会〔2023〕11号 附则"
    assert want["cumulative"] - want["year_2024"] == want["expensed_before_2024"]
    ratio = want["cumulative"] / want["budget"]
    assert ratio.quantize(Decimal("0.000001")) == want["spent_ratio"] != want["progress_reported"]
