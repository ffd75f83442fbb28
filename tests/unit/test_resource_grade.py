"""Detectors on real SQL, the level matrix, and grades that lineage carries on."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Invalid
from sanhua.kernel.metric import Measured, Scan
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import body, edges_of, restore
from sanhua.kernel.table import Column
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.grade import (
    ColumnGrade,
    Detection,
    Grade,
    Grading,
    detect,
    detectors,
    grade,
    inheritable,
    level,
    reassess,
    samples,
)
from sanhua.rules.packs import Packs
from sanhua.sql import ColumnLineage, parse_expression

PACKS = Packs.load()
TODAY = date(2026, 11, 23)
HERE = Origin("contracts/t.odcs.yaml", 5, "sha256:c0")


def found_in(values: dict[str, list[Any]], *, sample: bool = True) -> dict[str, list[Detection]]:
    """Detections by column, with the shapes and the samples taken by the real engine's SQL."""
    columns = [
        Column(name, "BIGINT" if isinstance(listed[0], int) else "VARCHAR")
        for name, listed in values.items()
    ]
    wanted = detectors(columns, PACKS, TODAY)
    for metric in wanted:
        assert metric.scan is Scan.SAMPLE
        parse_expression(metric.expression)  # passes the allow-list
    with duckdb.connect() as db:
        db.execute("CREATE TABLE t (" + ", ".join(f"{c.name} {c.type}" for c in columns) + ")")
        db.executemany(
            f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})",
            list(zip(*values.values(), strict=True)),
        )
        row = db.execute(f"SELECT {', '.join(m.expression for m in wanted)} FROM t").fetchall()[0]
        measured = [Measured(metric, value) for metric, value in zip(wanted, row, strict=True)]
        sampled: dict[str, list[str]] = {}
        for name, metric in (samples(columns, measured) if sample else {}).items():
            assert metric.scan is Scan.SAMPLE
            parse_expression(metric.expression)
            ((sampled[name],),) = db.execute(f"SELECT {metric.expression} FROM t").fetchall()
    found = detect(columns, measured, sampled, PACKS, TODAY)
    return {name: [d for d in found if d.column == name] for name in values}


def test_identifiers_are_told_apart_and_check_digits_confirm_them():
    """The numbers are the published vectors of GB 11643, GB 32100, ISO 7812 and GB 16735."""
    found = found_in(
        {
            "a": ["11010519491231002X", "440524188001010014", "34052419800101001X"],
            "b": ["914403001922038216", "91330100799655058B", "91350100M000100Y43"],
            "c": ["13800000000", "15912345678", "19900001111"],
            "d": ["li@example.com", "wang@example.cn", None],
            "e": ["6222021234567890128", "6222021234567890128", None],
            "f": ["王小明", "欧阳修", "李薇"],
            "g": [
                "福州市鼓楼区五四路128号",
                "北京市海淀区中关村大街27号",
                "上海市浦东新区世纪大道100号",
            ],
            "h": ["1M8GDM9AXKP042788", "1M8GDM9AXKP042788", None],
            "i": [13800000000, 15912345678, 19900001111],
        }
    )
    said = {name: [(d.kind, d.confirmed) for d in listed] for name, listed in found.items()}
    assert said == {
        "a": [("resident_id", True)],
        "b": [("uscc", True)],
        "c": [("phone", False)],
        "d": [("email", False)],
        "e": [("bank_card", True)],
        "f": [("name", False)],
        "g": [("address", False)],
        "h": [("vin", True)],
        "i": [("phone", False)],
    }


def test_order_numbers_that_only_look_like_bank_cards_are_let_go():
    orders = [f"62220212345678901{n:02d}" for n in range(40)]
    assert found_in({"a": orders})["a"] == []
    assert [d.kind for d in found_in({"a": orders}, sample=False)["a"]] == ["bank_card"]


def test_company_names_provinces_and_codes_are_no_personal_names():
    found = found_in(
        {
            "company": ["福建云海电力有限公司", "湖滨银行", "绿贷软件公司", "某钢铁企业"],
            "province": ["福建", "浙江", "广东", "上海"],
            "load": ["Light_Load", "Maximum_Load", "谷", "峰"],
        }
    )
    assert found == {"company": [], "province": [], "load": []}


def test_a_few_identity_numbers_among_many_remarks_are_found():
    remarks = ["已核对"] * 60 + ["11010519491231002X"]
    (found,) = found_in({"note": remarks})["note"]
    assert (found.kind, found.confirmed, found.share) == ("resident_id", True, Decimal("0.0164"))


def test_a_name_alone_is_a_weaker_sign_and_stays_below_what_values_show():
    (hint,) = found_in({"身份证号": ["x", "y"]})["身份证号"]
    assert (hint.kind, hint.by, hint.confirmed) == ("resident_id", "name", False)
    result = graded([hint], "身份证号")
    assert (result.columns[0].grade, result.columns[0].category) == (
        Grade.GENERAL2,
        "sensitive_personal",
    )
    assert result.columns[0].reasons[0].by == "name"


# The matrix


MATRIX = {
    "national_security": ["core", "core", "important"],
    "economy": ["core", "important", "general4"],
    "social_order": ["core", "important", "general4"],
    "public_interest": ["core", "important", "general4"],
    "organisation_or_person": ["general4", "general3", "general2"],
}


@pytest.mark.parametrize(("object", "wanted"), MATRIX.items())
def test_the_matrix_of_gbt_43697_holds_cell_by_cell(object: str, wanted: list[str]):
    """GB/T 43697-2024 §6 and 附录H."""
    said = [
        level(object, severity, PACKS, TODAY)[0].value
        for severity in ("extremely_serious", "serious", "general")
    ]
    assert said == wanted


def test_no_harm_to_anyone_is_the_lowest_level_and_the_highest_pair_decides():
    assert level("organisation_or_person", "none", PACKS, TODAY)[0] is Grade.GENERAL1
    found, cited = reassess(
        [("organisation_or_person", "extremely_serious"), ("economy", "serious")], PACKS, TODAY
    )
    assert found is Grade.IMPORTANT
    assert cited[0].node == "rule:gbt_43697/level_matrix@2024-10-01"
    with pytest.raises(Invalid) as refused:
        level("weather", "serious", PACKS, TODAY)
    assert refused.value.code == "grade.unknown-impact"


def test_grades_are_ordered_and_general_alone_means_its_highest_level():
    assert sorted(Grade, reverse=True)[0] is Grade.CORE
    assert Grade.GENERAL1 < Grade.GENERAL4 < Grade.IMPORTANT < Grade.CORE
    assert Grade.parse("general") is Grade.GENERAL4
    with pytest.raises(Invalid) as refused:
        Grade.parse("secret")
    assert refused.value.code == "grade.unknown"


# Grades along lineage


def schema(*properties: Property) -> TableSchema:
    return TableSchema("t", properties, HERE)


def prop(name: str, **more: Any) -> Property:
    return Property(name, HERE, **more)


def graded(
    detections: list[Detection],
    *names: str,
    table: str = "t",
    properties: tuple[Property, ...] = (),
    lineage: list[ColumnLineage] | None = None,
    inherited: dict[str, ColumnGrade] | None = None,
    surviving: dict[str, int] | None = None,
    **of_contract: str,
) -> Grading:
    tables = schema(*properties)
    return grade(
        table,
        [Column(name, "VARCHAR") for name in names],
        detections,
        PACKS,
        TODAY,
        snapshot="sha256:5a",
        schema=tables,
        contract=DataContract("t", HERE, (tables,), **of_contract),
        lineage=lineage,
        inherited=inherited,
        surviving=surviving,
    )


PHONE = graded([Detection("phone", "phone", Decimal(1), False)], "phone", "plain", table="src")


def made(name: str, *sources: str, transform: str = "copy") -> ColumnLineage:
    return ColumnLineage(name, tuple(("src", source) for source in sources), transform, ())


def test_a_column_is_graded_by_what_it_holds_with_the_clause_that_says_so():
    phone, plain = PHONE.columns
    assert (phone.grade, phone.category) == (Grade.GENERAL4, "personal")
    assert phone.reasons[0].cite == "GB/T 43697-2024 附录H"
    assert (plain.grade, plain.reasons[0].by) == (Grade.GENERAL1, "default")
    assert (PHONE.grade, PHONE.graded_by) == (Grade.GENERAL4, ("grade:src.phone",))
    edges = {(edge.src, edge.verb, edge.dst) for edge in edges_of(PHONE)}
    assert ("grade:src.phone", "decided_by", "rule:gbt_43697/identifier_grades@2024-10-01") in edges
    assert ("grade:src.phone", "about", "col:src.phone@sha256:5a") in edges
    assert restore(Grading, json.loads(body(PHONE))["fields"]) == PHONE


def test_a_public_code_of_an_enterprise_stays_at_the_lowest_level():
    (found,) = graded([Detection("a", "uscc", Decimal(1), True)], "a").columns
    assert (found.grade, found.category) == (Grade.GENERAL1, "enterprise")


def test_an_aggregate_inherits_and_says_from_where():
    result = graded(
        [],
        "n",
        lineage=[made("n", "phone", "plain", transform="aggregate")],
        inherited=inheritable([PHONE]),
    )
    (found,) = result.columns
    assert (found.grade, found.category) == (Grade.GENERAL4, "personal")
    assert found.reasons[0].inherited_from == "grade:src.phone"
    assert "src.phone" in found.reason.zh


def test_a_floor_of_a_person_raises_and_cannot_lower():
    up = graded([], "a", properties=(prop("a", classification="important"),))
    assert up.columns[0].grade is Grade.IMPORTANT
    assert up.columns[0].reasons[0].definition == "sha256:c0"
    down = graded(
        [], "phone", properties=(prop("phone", classification="general1"),),
        lineage=[made("phone", "phone")], inherited=inheritable([PHONE]),
    )  # fmt: skip
    assert down.columns[0].grade is Grade.GENERAL4
    (told,) = down.diagnostics()
    assert (told.code, told.line) == ("grade.raised", 5)


def masked(transform: str, left: int | None = 0, **more: str) -> Grading:
    return graded(
        [Detection("phone", "phone", Decimal(), False, "name")],
        "phone",
        properties=(prop("phone", deidentify="mask", **more),),
        lineage=[made("phone", "phone", transform=transform)],
        inherited=inheritable([PHONE]),
        surviving=None if left is None else {"phone": left},
    )


@pytest.mark.parametrize("left", [1, 300, None])
def test_a_value_of_the_source_that_is_left_or_was_not_counted_lowers_nothing(left: int | None):
    still = masked("aggregate", left, classification="general1")
    assert still.columns[0].grade is Grade.GENERAL4
    assert "grade.not-deidentified" in [d.code for d in still.diagnostics()]


def test_only_a_deidentification_that_was_carried_out_and_assessed_lowers():
    lowered = masked("compute", classification="general1").columns[0]
    assert (lowered.grade, lowered.lowered_from) == (Grade.GENERAL1, Grade.GENERAL4)
    copied = masked("copy", classification="general1")
    assert copied.columns[0].grade is Grade.GENERAL4
    assert [d.code for d in copied.diagnostics()] == ["grade.not-deidentified", "grade.raised"]
    unassessed = masked("compute")
    assert unassessed.columns[0].grade is Grade.GENERAL4
    assert [d.code for d in unassessed.diagnostics()] == ["grade.not-reassessed"]


def test_a_masked_column_that_still_shows_numbers_is_graded_by_them():
    still = graded(
        [Detection("phone", "phone", Decimal(1), False)],
        "phone",
        properties=(prop("phone", deidentify="mask", classification="general1"),),
        lineage=[made("phone", "phone", transform="compute")],
        inherited=inheritable([PHONE]),
    )
    assert still.columns[0].grade is Grade.GENERAL4


def test_data_that_may_go_nowhere_is_at_least_general_4_and_other_classes_set_less():
    """GB/T 43697 附录H, floors for public data."""
    assert graded([], "a", open_class="none").grade is Grade.GENERAL4
    assert graded([], "a", open_class="none", share_class="none").grade is Grade.GENERAL4
    assert graded([], "a", open_class="none", share_class="conditional").grade is Grade.GENERAL2
    assert graded([], "a", open_class="conditional").grade is Grade.GENERAL2
    assert graded([], "a", open_class="unconditional").grade is Grade.GENERAL1


grades = st.sampled_from(sorted(Grade))


@given(
    st.lists(grades, min_size=1, max_size=4),
    st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=1, max_size=3),
    st.sampled_from(["", *(g.value for g in Grade)]),
    st.sampled_from(["copy", "compute", "aggregate"]),
)
def test_a_grade_never_falls_along_lineage(
    given_grades: list[Grade], picks: list[set[int]], floor: str, transform: str
):
    """Without a declared de-identification no copy, expression or aggregate lowers it."""
    source = graded(
        [],
        *(f"c{i}" for i in range(len(given_grades))),
        table="src",
        properties=tuple(prop(f"c{i}", classification=g.value) for i, g in enumerate(given_grades)),
    )
    known, table = inheritable([source]), "src"
    for step, pick in enumerate(picks):
        read = [f"c{i}" for i in sorted(pick) if f"{table}.c{i}" in known] or ["c0"]
        following = grade(
            f"t{step}",
            [Column("c0", "VARCHAR")],
            [],
            PACKS,
            TODAY,
            snapshot="sha256:5b",
            schema=schema(prop("c0", classification=floor)),
            lineage=[ColumnLineage("c0", tuple((table, name) for name in read), transform, ())],
            inherited=known,
        )
        highest = max(known[f"{table}.{name}"].grade for name in read)
        assert following.columns[0].grade >= highest
        assert following.grade >= highest
        known, table = inheritable([following]), f"t{step}"
