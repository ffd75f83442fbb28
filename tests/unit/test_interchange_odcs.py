"""Contracts out: nothing written is lost, the official schema passes, our loader reads the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sanhua.interchange.odcs import FoundColumn, FoundTable, contract_out, to_yaml
from sanhua.kernel.errors import Severity
from sanhua.kernel.origin import Origin
from sanhua.project import load
from sanhua.project.odcs import as_written
from sanhua.project.read import Folder, ordinary, reordering
from sanhua.resource.contract import DataContract

SCHEMA = json.loads((files("open_data_contract_standard") / "schema.json").read_text("utf-8"))
OFFICIAL = jsonschema_rs.Draft201909Validator(SCHEMA)

RICH = """\
apiVersion: v3.1.0
kind: DataContract
id: meters
version: 1.0.0
status: active
name: "电表：'引号'与 \\"双引号\\""
domain: 能源
tenant: plant
description: {purpose: 用途, usage: 用法, limitations: 限制, customProperties: [{property: tone, value: dry}]}
tags: [电, 'no', '0301']
servers:
  - {server: prod, type: postgres, host: db.example, port: 5432, database: d, schema: public}
price: {priceAmount: 9.950, priceCurrency: CNY, priceUnit: 次}
team: {name: 数据组, members: [{username: li_wei, role: 数据管家}]}
roles: [{role: reader, access: read}]
support: [{channel: 电话, url: 'tel:12345'}]
contractCreatedTs: '2024-01-02T03:04:05Z'
authoritativeDefinitions: [{url: 'https://example.org/meters', type: tutorial}]
schema:
  - name: meters
    physicalType: table
    businessName: 电表
    quality:
      - {name: rows, metric: rowCount, mustBeGreaterThan: 0.00010, severity: error}
      - name: sql
        type: sql
        query: |
          SELECT count(*)
          FROM meters
        mustBeBetween: [0, 12345678901234567]
        customProperties: [{property: indicator, value: '0301'}, {property: team.x, value: {a: [1, null]}}]
      - {type: text, description: 人工检查}
    properties:
      - {name: meter, logicalType: string, primaryKey: true, primaryKeyPosition: 1, physicalType: VARCHAR(20), examples: ['01', '12:30', 1e5]}
      - name: owner
        logicalType: string
        classification: general2
        encryptedName: owner_x
        criticalDataElement: true
        customProperties: [{property: dataElement, value: party_code}, {property: vendorThing, value: [x, 12345678901234567890123]}]
        relationships: [{to: parties.id}]
      - name: secret
        logicalType: string
        classification: confidential
        logicalTypeOptions: {pattern: '^\\d+$', maxLength: 20}
slaProperties:
  - {property: frequency, value: 1.50, unit: d, element: meters.meter}
customProperties:
  - {property: openClass, value: conditional}
  - {property: openConditions, value: 签约}
  - {property: somethingOfTheirs, value: {deep: [true, '是', 0.1]}}
"""  # noqa: E501
OLD = """\
apiVersion: v3.0.2
kind: DataContract
id: meters
version: 1.0.0
status: active
description: 一句话
team: [{username: li_wei, role: 数据管家}]
schema:
  - name: meters
    logicalType: object
    quality:
      - {rule: countCheck, mustBeGreaterThan: 0}
      - {query: SELECT count(*) FROM meters, mustBe: 2}
    properties:
      - name: meter
        logicalType: string
        quality:
          - {rule: duplicateCount, mustBe: 0, unit: rows}
          - {rule: duplicatePercent, mustBeLessThan: 1}
          - {type: library, rule: validValues, validValues: [M1, '02'], mustBe: 0}
          - {rule: nullCheck, mustBe: 0, description: 不空}
        customProperties: [{property: x, value: y, vendor: acme}]
"""
FOUND = {
    "meters": FoundTable(
        "sha256:snap",
        {
            "meter": FoundColumn("VARCHAR", "general1", "read", ("meters.csv",)),
            "owner": FoundColumn(
                "VARCHAR", "general4", "copy", ("parties.id",), "urn:sanhua:p:element:party_code"
            ),
            "secret": FoundColumn("VARCHAR", "general3", "compute"),
        },
    )
}


def loaded(root: Path, text: str | bytes, language: str = "zh") -> DataContract:
    """The contract as our own loader reads it, without the places where things stand."""
    (root / "contracts").mkdir(parents=True, exist_ok=True)
    content = text.encode() if isinstance(text, str) else text
    (root / "contracts" / "meters.odcs.yaml").write_bytes(content)
    (root / "sanhua.yaml").write_text(f"sanhua: 1\nentities: {{a: {{}}}}\nlanguage: {language}\n")
    (root / "parties.yaml").write_text("a: {name: A}\n")
    project = load(root, {})
    errors = [d for d in project.diagnostics if d.severity is Severity.ERROR]
    assert errors == []
    return placeless(project.contracts["meters"])


def placeless(value: Any) -> Any:
    if isinstance(value, Origin):
        return Origin("")
    if isinstance(value, tuple):
        return tuple(placeless(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: placeless(getattr(value, f.name)) for f in fields(value)})
    return value


def out(root: Path, found: dict[str, FoundTable] | None = None) -> bytes:
    written = as_written(root, "contracts/meters.odcs.yaml", {})
    return to_yaml(contract_out(written, found or {}, dataset="urn:sanhua:p:resource:meters"))


def official(content: bytes) -> list[str]:
    document = yaml.safe_load(content)
    return [f"{list(e.instance_path)} {e.message}" for e in OFFICIAL.iter_errors(document)]


@pytest.mark.parametrize("text", [RICH, OLD], ids=["v3.1.0", "v3.0.2"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_goes_out_passes_the_official_schema_and_is_the_same_contract_read_again(
    tmp_path: Path, text: str, language: str
):
    before = loaded(tmp_path / "a", text, language)
    content = out(tmp_path / "a")
    assert official(content) == []
    assert loaded(tmp_path / "b", content, language) == before
    assert out(tmp_path / "b") == content  # and once more gives the same bytes
    assert yaml.safe_load(content)["apiVersion"] == "v3.1.0"


def test_the_official_schema_does_refuse_the_old_spelling():
    assert official(OLD.replace("v3.0.2", "v3.1.0").encode())


def test_every_key_and_value_that_was_written_goes_out(tmp_path: Path):
    loaded(tmp_path, RICH)
    made, written = yaml.safe_load(out(tmp_path)), yaml.safe_load(RICH)
    definitions = made.pop("authoritativeDefinitions")
    assert definitions[0] == written.pop("authoritativeDefinitions")[0]
    # PyYAML takes 1e5 for text, other readers for a number: as a number it is written out in full
    written["schema"][0]["properties"][0]["examples"][2] = 100000
    assert made == written
    assert "9.950" in out(tmp_path).decode() and "0.00010" in out(tmp_path).decode()


def test_what_the_run_found_stands_where_the_standard_has_a_place_for_it(tmp_path: Path):
    before = loaded(tmp_path / "a", RICH)
    content = out(tmp_path / "a", FOUND)
    assert official(content) == []
    (table,) = yaml.safe_load(content)["schema"]
    meter, owner, secret = table["properties"]
    assert meter["physicalType"] == "VARCHAR(20)"  # written by a person: kept
    assert (meter["classification"], meter["transformSourceObjects"]) == (
        "general1",
        ["meters.csv"],
    )
    assert (owner["physicalType"], owner["classification"]) == ("VARCHAR", "general4")
    assert {"property": "classificationWritten", "value": "general2"} in owner["customProperties"]
    definition = {"url": "urn:sanhua:p:element:party_code", "type": "businessDefinition"}
    assert owner["authoritativeDefinitions"] == [definition]
    assert secret["classification"] == "confidential"
    assert {"property": "gradeFound", "value": "general3"} in secret["customProperties"]
    assert {"property": "snapshot", "value": "sha256:snap"} in table["customProperties"]
    # read again: the declared contract, with the found types and grades
    again = loaded(tmp_path / "b", content)
    (one,) = before.tables
    expected = (
        replace(one.properties[0], classification="general1"),
        replace(one.properties[1], physical_type="VARCHAR", classification="general4"),
        replace(one.properties[2], physical_type="VARCHAR"),
    )
    assert again == replace(before, tables=(replace(one, properties=expected),))
    assert out(tmp_path / "b", FOUND) == content


def test_rules_of_v3_0_are_said_in_the_words_of_v3_1(tmp_path: Path):
    loaded(tmp_path, OLD)
    made = yaml.safe_load(out(tmp_path))
    (table,) = made["schema"]
    (prop,) = table["properties"]
    assert made["description"] == {"purpose": "一句话"}
    assert [rule.get("metric") for rule in prop["quality"]] == [
        "duplicateValues",
        "duplicateValues",
        "invalidValues",
        "nullValues",
    ]
    assert prop["quality"][1]["unit"] == "percent"
    assert prop["quality"][2]["arguments"] == {"validValues": ["M1", "02"]}
    assert table["quality"][1]["type"] == "sql"
    assert prop["customProperties"] == [
        {"property": "x", "value": "y", "description": "vendor: acme"}
    ]


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | st.sampled_from(
    ["no", "0301", "12:30", "1e5", ".5", "~", "null", "2024-01-01", "<<", "=", "- a", "a: b", "#x"]
    + [
        " a",
        "a\n",
        "\na ",
        "a\n b\n\nc",
        "\u202eمر\u2028",
        "\x85",
        "\ufeff",
        "\x07\t",
        "'\"\\",
        "@",
    ]
)
VALUES = st.recursive(
    TEXT.filter(lambda text: not reordering(text))
    | st.booleans()
    | st.none()
    | st.integers(-(10**16), 10**16),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abz_", min_size=1), inner),
    max_leaves=8,
)


@given(value=VALUES)
def test_any_custom_value_is_read_back_as_it_was_by_both_readers(
    tmp_path_factory: pytest.TempPathFactory, value: Any
):
    content = to_yaml({"value": value})
    assert yaml.safe_load(content) == {"value": value}
    folder = Folder(tmp_path_factory.getbasetemp(), {})
    node = folder.compose(content.decode(), "x.yaml")
    assert folder.found == []
    assert node is not None
    assert ordinary(node) == {"value": value}


@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
)
def test_a_number_keeps_its_digits(number: Decimal):
    content = to_yaml({"n": number}).decode()
    assert Decimal(content.removeprefix("n: ")) == number


def test_every_official_example_goes_out_as_v3_1_0_with_every_key(
    tmp_path: Path, find_data: Callable[[str], Path]
):
    """The examples of the standard, of v3.0.x and v3.1.0, against its own schema file."""
    folder = find_data("std_docs") / "odcs"
    newest = json.loads((folder / "schema" / "odcs-json-schema-v3.1.0.json").read_text("utf-8"))
    validator = jsonschema_rs.Draft201909Validator(newest)
    examples = sorted(folder.glob("**/*.odcs.yaml"))
    assert len(examples) > 10
    for path in examples:
        (tmp_path / "x.odcs.yaml").write_bytes(path.read_bytes())
        written = as_written(tmp_path, "x.odcs.yaml", {})
        made = yaml.safe_load(to_yaml(contract_out(written, {})))
        before = yaml.safe_load(path.read_text("utf-8"))
        before = json.loads(json.dumps(before, default=str))  # a date of YAML 1.1 is text
        told = [f"{list(e.instance_path)} {e.message[:200]}" for e in validator.iter_errors(made)]
        own = [f"{list(e.instance_path)} {e.message[:200]}" for e in validator.iter_errors(before)]
        assert set(told) <= set(own), path.name  # what the example itself gets wrong
        assert set(before) <= set(made), path.name
        if told:
            print(path.name, told)
