"""Types of raw columns, cadences, binding to data elements."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.resource.collect import Cadence, canonical_type, raw_columns, slowest
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.standard import CodeList, DataElement, bind, conflicts

HERE = Origin("contracts/t.odcs.yaml", 3, "sha256:c0")


def prop(name: str, logical_type: str = "string", **more: object) -> Property:
    return Property(name, HERE, logical_type=logical_type, **more)  # type: ignore[arg-type]


def element(id: str, type: str, **more: object) -> DataElement:
    return DataElement(id, f"definition of {id}", type, HERE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "its_element", "wanted"),
    [
        (prop("a"), None, "VARCHAR"),
        (prop("a", "integer"), None, "BIGINT"),
        (prop("a", "number"), None, "DOUBLE"),
        (prop("a", "number"), element("e", "decimal(12,2)"), "DECIMAL(12,2)"),
        (prop("a", "number"), element("e", "integer"), "BIGINT"),
        (prop("a", "number", physical_type="decimal( 9 , 3 )"), None, "DECIMAL(9,3)"),
        (prop("a", "number", physical_type="NUMBER(18)"), None, "DOUBLE"),
        (prop("a", "number", physical_type="DECIMAL(2,9)"), None, "DOUBLE"),
        (prop("a", "string", physical_type="date"), None, "DATE"),
        (prop("a", "timestamp"), None, "TIMESTAMP"),
        (prop("a", "time"), None, "TIME"),
        (prop("a", "boolean"), None, "BOOLEAN"),
        (prop("a", "array"), None, "VARCHAR"),
    ],
)
def test_a_column_takes_its_own_canonical_type_then_that_of_its_element(
    column: Property, its_element: DataElement | None, wanted: str
):
    assert canonical_type(column, its_element) == wanted


def test_a_raw_column_keeps_its_heading_and_only_dates_keep_a_pattern():
    table = TableSchema(
        "readings",
        (
            prop("ended_at", "timestamp", heading="date", options={"format": "d/M/yyyy H:mm"}),
            prop("mail", "string", options={"format": "email"}),
        ),
        HERE,
    )
    ended_at, mail = raw_columns(table, {})
    assert (ended_at.source_name, ended_at.type, ended_at.format) == (
        "date",
        "TIMESTAMP",
        "d/M/yyyy H:mm",
    )
    assert (mail.source_name, mail.type, mail.format) == ("mail", "VARCHAR", "")


def test_what_has_several_inputs_comes_as_often_as_the_slowest():
    assert slowest([Cadence.HOUR, Cadence.YEAR, Cadence.DAY]) is Cadence.YEAR
    assert slowest([]) is Cadence.ONCE


def contract(*properties: Property) -> DataContract:
    return DataContract("t", HERE, (TableSchema("t", properties, HERE),))


ELEMENTS = {
    "energy": element(
        "energy",
        "decimal(12,2)",
        unit="kWh",
        synonyms=("Usage_kWh", "用电量"),
        title=Text("有功电量"),
    ),
    "plant_code": element("plant_code", "string", codes="plants"),
}
PLANTS = CodeList("plants", HERE, ("code", "name"), (("P1", "一厂"),))


def test_a_declared_column_is_bound_with_unit_and_code_list():
    result = bind(
        contract(prop("kwh", "number", element="energy"), prop("plant", element="plant_code")),
        ELEMENTS,
        {"plants": PLANTS},
    )
    kwh, plant = result.bindings
    assert (kwh.how, kwh.element, kwh.unit) == ("declared", "element:energy", "kWh")
    assert (plant.codes, plant.code_list) == ("plants", "sha256:c0")
    assert (result.bound, result.coverage, result.disagreements) == (2, Decimal("1.0000"), ())


def test_a_synonym_is_suggested_and_never_bound():
    result = bind(contract(prop("q", "number", heading="usage kwh")), ELEMENTS, {})
    (binding,) = result.bindings
    assert (binding.how, binding.element) == ("suggested", "")
    assert binding.suggestions[0].element == "energy"
    assert binding.suggestions[0].confidence == Decimal("0.95")
    assert (result.bound, result.coverage) == (0, Decimal("0.0000"))


def test_a_column_of_another_type_and_a_missing_code_list_are_told_at_their_line():
    result = bind(
        contract(prop("kwh", "string", element="energy"), prop("p", element="plant_code")),
        ELEMENTS,
        {},
    )
    told = result.diagnostics()
    assert [d.code for d in told] == ["standard.other-type", "standard.no-code-list"]
    assert told[0].line == 3 and "kwh" in told[0].message("zh") and "{" not in told[0].message("en")


def test_one_name_with_two_definitions_is_a_conflict_told_once():
    twins = {
        "a": element("a", "string", title=Text("电量", "energy"), synonyms=("kWh",)),
        "b": element("b", "string", title=Text("电量", "energy")),
        "c": element("c", "string", synonyms=("other",)),
    }
    (told,) = conflicts(twins)
    assert (told.code, told.facts["element"], told.facts["other"]) == (
        "standard.conflict",
        "b",
        "a",
    )


def test_a_name_of_two_contexts_or_of_a_retired_element_is_no_conflict():
    """订单的状态与设备的状态; one without a context is in every one."""
    state = {"type": "string", "title": Text("状态", "state")}
    order = element("order_state", **state, context="订单")
    device = element("device_state", **state, context="设备")
    old = element("old_state", **state, status="废止")
    apart = {one.id: one for one in (order, device, old)}
    assert conflicts(apart) == []
    anywhere = element("state", **state)
    told = conflicts({**apart, "state": anywhere})
    assert [(d.facts["element"], d.facts["other"]) for d in told] == [("state", "order_state")]
