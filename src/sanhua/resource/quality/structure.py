"""Checks of what contract, model, grading and snapshot tell without measuring: 0102, 0103, 0106."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sanhua.kernel.text import Text
from sanhua.resource.collect import canonical_type
from sanhua.resource.contract import Property
from sanhua.resource.grade import Grading
from sanhua.resource.quality.maker import Maker
from sanhua.resource.standard import DataElement


def model_check(made: Maker, elements: Mapping[str, DataElement]) -> None:
    """0102: every attribute of the entity that the table realises stands in it, with its type."""
    lacking = [
        prop.name
        for prop in made.table.properties
        if not _as_declared(made.types.get(prop.name, ""), prop, elements.get(prop.element))
    ]
    declared = {prop.name for prop in made.table.properties}
    beyond = [name for name in made.types if name not in declared]
    _structural(
        made,
        "model",
        "0102",
        Text("属性齐备且类型相符", "attributes as the model declares them"),
        lacking + beyond,
        len(declared) + len(beyond),
    )


def _as_declared(kind: str, prop: Property, element: DataElement | None) -> bool:
    wanted = canonical_type(prop, element)
    if prop.logical_type == "number" and wanted == "DOUBLE":  # says nothing exact: any number is
        return kind.startswith(("DECIMAL", "DOUBLE", "BIGINT"))
    return kind == wanted


def metadata_check(made: Maker, elements: Mapping[str, DataElement]) -> None:
    """0103: a column is defined when its data element defines it, or the contract describes it. No
    basis when no column is.
    """
    defined = {
        prop.name
        for prop in made.table.properties
        if prop.description or (prop.element in elements and elements[prop.element].definition)
    }
    bare = [name for name in made.types if name not in defined]
    if len(bare) < len(made.types):
        label = Text("列有定义", "columns are defined")
        _structural(made, "metadata", "0103", label, bare, len(made.types))


def security_check(made: Maker, grading: Grading) -> None:
    """0106: nothing was found in a column above the grade that a person set for it, and what was
    found in a column was graded by a person. No basis when no person graded or classed anything.
    """
    by_person = ("floor", "class")
    persons = any(
        reason.by in by_person for column in grading.columns for reason in column.reasons
    ) or any(reason.by in by_person for reason in grading.reasons)
    contract = made.contract
    classed = contract.category or contract.open_class or contract.share_class
    if not (persons or classed or any(prop.category for prop in made.table.properties)):
        return
    wrong: list[str] = []
    for column in grading.columns:
        floors = [reason.grade for reason in column.reasons if reason.by in by_person]
        found = [r.grade for r in column.reasons if r.by in ("value", "name", "inherited")]
        if floors:
            faulty = bool(found) and max(found) > max(floors)
        else:  # what is inherited alone was graded where it comes from
            faulty = any(reason.by in ("value", "name") for reason in column.reasons)
        if faulty:
            wrong.append(column.name)
    _structural(
        made,
        "security",
        "0106",
        Text("分类分级到位", "classified and graded as found"),
        wrong,
        len(grading.columns),
    )


def _structural(
    made: Maker, name: str, indicator: str, label: Text, wrong: Sequence[str], total: int
) -> None:
    """A check over the columns of a table."""
    if not total:
        return
    listed = "、".join(wrong[:12]) + ("…" if len(wrong) > 12 else "")
    told = Text(f"不符的列：{listed}", f"not conforming: {listed}") if wrong else Text()
    made.add(
        name,
        indicator,
        label,
        made.table.origin,
        counted=(total - len(wrong), total),
        severity="note",
        told=told,
    )
