"""Data contracts out as ODCS v3.1.0: every key that was written, v3.0 spellings brought up to date,
and what the run found wherever the standard has a place for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import yaml

from sanhua.interchange.iri import Iris
from sanhua.kernel.ids import key_of
from sanhua.resource.grade import Grade, Grading
from sanhua.resource.lineage import Snapshot
from sanhua.resource.standard import StandardResult

VERSION = "v3.1.0"
RULES_OF_3_0 = {
    "duplicateCount": "duplicateValues",
    "duplicatePercent": "duplicateValues",
    "uniqueCheck": "duplicateValues",
    "validValues": "invalidValues",
    "nullCheck": "nullValues",
    "countCheck": "rowCount",
    "rowCount": "rowCount",
}
_GRADES = frozenset(grade.value for grade in Grade)

Keys = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """`sources` are `table.column`, or the raw files that the column was read from; `element` is
    the IRI of the data element that it is bound to.
    """

    physical_type: str
    grade: str = ""
    transform: str = ""
    sources: tuple[str, ...] = ()
    element: str = ""


@dataclass(frozen=True, slots=True)
class FoundTable:
    """What the run found of a table, at one snapshot."""

    snapshot: str
    columns: Mapping[str, FoundColumn] = field(default_factory=dict[str, FoundColumn])


def found_of(
    snapshot: Snapshot,
    grading: Grading | None,
    standard: StandardResult | None,
    files: Mapping[str, str],
    iris: Iris,
) -> FoundTable:
    """Of the records of a table; `files` names raw files and code lists by their node."""
    grades = {column.name: column.grade.value for column in grading.columns} if grading else {}
    bound = {
        binding.column: iris.node(binding.element)
        for binding in (standard.bindings if standard else ())
        if binding.table == snapshot.table and binding.element
    }
    columns = {
        made.name: FoundColumn(
            made.type,
            grades.get(made.name, ""),
            made.transform,
            tuple(dict.fromkeys(_source(node, files) for node in made.made_from)),
            bound.get(made.name, ""),
        )
        for made in snapshot.columns
    }
    return FoundTable(snapshot.id, columns)


def _source(node: str, files: Mapping[str, str]) -> str:
    if node.startswith("col:"):
        return key_of(node).partition("@")[0]
    return files.get(node, node)


def contract_out(
    written: Mapping[str, Any], found: Mapping[str, FoundTable], *, dataset: str = ""
) -> Keys:
    """The contract as a document of ODCS v3.1.0. `written` is the file as ordinary YAML types it;
    `found` tables by name; `dataset` the IRI of the resource in the catalogue.

    What a person wrote is never replaced, except a grade set as a floor that the run found to be
    higher: the floor is then kept as the custom property `classificationWritten`.
    """
    made = _up_to_date(dict(written))
    if dataset:
        _define(made, dataset, "dataCatalog")
    if "schema" in made:
        made["schema"] = [_table(table, found.get(table["name"])) for table in made["schema"]]
    return made


def to_yaml(document: Mapping[str, Any]) -> bytes:
    """YAML that every reader types alike: a text that looks like a number is quoted, a Decimal
    keeps its digits.
    """
    text = yaml.dump(
        document,
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=math.inf,
        default_flow_style=False,
    )
    return text.encode("utf-8")


# From v3.0 to v3.1


def _up_to_date(made: Keys) -> Keys:
    made = _said(made) | {"apiVersion": VERSION}
    if isinstance(made.get("description"), str):
        made["description"] = {"purpose": made["description"]}
    _custom(made)
    if isinstance(made.get("description"), dict):
        made["description"] = _custom(dict(made["description"]))
    if made.get("schema"):
        made["schema"] = [_element(table) for table in made["schema"]]
    return made


def _element(written: Mapping[str, Any]) -> Keys:
    """A table or property, and the properties below it."""
    made = _custom(_said(written))
    if made.get("quality"):
        made["quality"] = [_rule(rule) for rule in made["quality"]]
    if made.get("relationships"):
        made["relationships"] = [_custom(dict(related)) for related in made["relationships"]]
    if made.get("properties"):
        made["properties"] = [_element(part) for part in made["properties"]]
    if isinstance(made.get("items"), dict):
        made["items"] = _element(made["items"])
    return made


def _rule(written: Mapping[str, Any]) -> Keys:
    """A quality rule: `rule` is `metric` now, its `validValues` are an argument."""
    made = _custom(_said(written))
    if "query" in made and "metric" not in made:
        made.setdefault("type", "sql")
    if made.get("type", "library") != "library":
        return made
    old = made.pop("rule", None)
    if old is not None:
        made.setdefault("metric", RULES_OF_3_0.get(str(old), old))
        made.setdefault("name", old)
        if old == "duplicatePercent":
            made.setdefault("unit", "percent")
    if "validValues" in made:
        arguments = dict(made.get("arguments") or {})
        arguments.setdefault("validValues", made.pop("validValues"))
        made["arguments"] = arguments
    return made


def _said(written: Mapping[str, Any]) -> Keys:
    """Without the keys that nothing was written for; `mustBe:` asks for NULL."""
    return {k: v for k, v in written.items() if v is not None or k in ("mustBe", "mustNotBe")}


def _custom(holder: Keys) -> Keys:
    """`vendor` of a custom property has no place any more: its description tells it."""
    if any("vendor" in item for item in holder.get("customProperties") or ()):
        holder["customProperties"] = [
            _without_vendor(dict(item)) for item in holder["customProperties"]
        ]
    return holder


def _without_vendor(item: Keys) -> Keys:
    vendor = item.pop("vendor", None)
    if vendor is not None:
        told = item.get("description")
        item["description"] = f"{told} (vendor: {vendor})" if told else f"vendor: {vendor}"
    return item


# What the run found


def _table(table: Keys, found: FoundTable | None) -> Keys:
    if found is None:
        return table
    if table.get("properties"):
        columns = found.columns
        table["properties"] = [_column(p, columns.get(p["name"])) for p in table["properties"]]
    _add_custom(table, "snapshot", found.snapshot)
    return table


def _column(prop: Keys, found: FoundColumn | None) -> Keys:
    if found is None:
        return prop
    prop.setdefault("physicalType", found.physical_type)
    floor = prop.get("classification")
    if found.grade and floor != found.grade:
        if floor is None or floor in _GRADES:
            prop["classification"] = found.grade
            if floor is not None:
                _add_custom(prop, "classificationWritten", floor)
        else:
            _add_custom(prop, "gradeFound", found.grade)
    if found.sources:
        prop.setdefault("transformSourceObjects", list(found.sources))
    if found.transform:
        prop.setdefault("transformDescription", found.transform)
    if found.element:
        _define(prop, found.element, "businessDefinition")
    return prop


def _define(holder: Keys, url: str, kind: str) -> None:
    definitions = list(cast("list[Keys]", holder.get("authoritativeDefinitions") or ()))
    if all(one.get("url") != url for one in definitions):
        holder["authoritativeDefinitions"] = [*definitions, {"url": url, "type": kind}]


def _add_custom(holder: Keys, name: str, value: str) -> None:
    kept = list(cast("list[Keys]", holder.get("customProperties") or ()))
    if all(one.get("property") != name for one in kept):
        holder["customProperties"] = [*kept, {"property": name, "value": value}]


# YAML


class _Dumper(yaml.SafeDumper):
    """Block style, indented lists, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


_LIKE_A_NUMBER = re.compile(r"[-+.]*\d")
_SPECIAL = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")


def _text(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if _SPECIAL.search(text) or (text != text.strip() and "\n" in text):
        style = '"'  # the one style in which every character is kept as it is
    elif "\n" in text:
        style = "|"
    else:
        style = "'" if _LIKE_A_NUMBER.match(text) else None
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


def _number(_dumper: yaml.SafeDumper, number: Decimal) -> yaml.ScalarNode:
    text = format(number, "f")
    kind = "float" if "." in text else "int"
    return yaml.ScalarNode(f"tag:yaml.org,2002:{kind}", text)


def _nothing(_dumper: yaml.SafeDumper, _: None) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:null", "")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(type(None), _nothing)
_Dumper.add_representer(Decimal, _number)
