"""Conflicts 冲突: elements that disagree, columns that disagree with their element, and data that
has not one source (一数一源).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.resource.contract import DataContract, Property
from sanhua.resource.standard.codes import CodeList
from sanhua.resource.standard.element import (
    DataElement,
    crossed,
    fits,
    limit,
    names_of,
    parse_form,
)
from sanhua.resource.standard.model import System
from sanhua.resource.standard.names import plain

RETIRED = frozenset({"retired", "superseded", "废止", "被替代"})


def conflicts(elements: Mapping[str, DataElement]) -> list[Diagnostic]:
    """Two elements that share a title or synonym and are defined differently (`standard.conflict`)
    or have another type, unit or code list (`standard.other-representation`), once a pair; an
    element whose range no value can lie in, whose range or format is none of its type.

    A name holds within a context (语境): elements that name different ones share none. A retired
    element has given its names up.
    """
    found = [fault for element in elements.values() for fault in _form_faults(element)]
    holders: dict[str, list[DataElement]] = {}
    told: set[tuple[str, str]] = set()
    for element in elements.values():
        if element.status.casefold() in RETIRED:
            continue
        for name in names_of(element):
            known = holders.setdefault(plain(name), [])
            first = next((one for one in known if _meet(one, element)), None)
            known.append(element)
            if first is None or first.id == element.id or (first.id, element.id) in told:
                continue
            pair = (first.id, element.id)
            facts = {"name": name, "element": element.id, "other": first.id}
            if first.definition != element.definition:
                told.add(pair)
                found.append(_of(element, Severity.ERROR, "standard.conflict", facts))
                continue
            for key in ("type", "unit", "codes"):
                values = (getattr(first, key), getattr(element, key))
                if values[0] != values[1]:
                    told.add(pair)
                    more = {"key": key, "value": values[1] or "–", "wanted": values[0] or "–"}
                    code = "standard.other-representation"
                    found.append(_of(element, Severity.WARNING, code, {**facts, **more}))
                    break
    return found


def _meet(one: DataElement, other: DataElement) -> bool:
    """Whether a name of both is one name; an element without a context is in every one."""
    contexts = {plain(one.context), plain(other.context)} - {""}
    return len(contexts) < 2


def _of(
    element: DataElement, severity: Severity, code: str, facts: Mapping[str, str]
) -> Diagnostic:
    at = element.origin
    node = ids.node("element", element.id)
    return Diagnostic(severity, code, at.path, at.line, node=node, facts=facts)


def _form_faults(element: DataElement) -> Iterator[Diagnostic]:
    low, _, high = (part.strip() for part in element.range.partition(".."))
    if element.type != "string" and element.range:
        facts = {"low": low, "high": high, "key": "range", "value": element.range}
        limits = [limit(written, element.type) for written in (low, high) if written]
        if None in limits:
            yield _of(element, Severity.ERROR, "format.not-a-range", facts)
        elif crossed(low, high, element.type):
            yield _of(element, Severity.ERROR, "format.empty-range", facts)
    if element.format and parse_form(element.format) is None:
        facts = {"element": element.id, "value": element.format}
        yield _of(element, Severity.WARNING, "standard.unknown-form", facts)


# Columns and their elements


def column_conflicts(
    contracts: Iterable[DataContract],
    elements: Mapping[str, DataElement],
    codes: Mapping[str, CodeList],
) -> list[Diagnostic]:
    """Columns of any table that say otherwise than the one element that they are bound to: another
    type, another unit, values that its code list lacks; and columns bound to a retired element.
    """
    found: list[Diagnostic] = []
    for contract in contracts:
        for table in contract.tables:
            for prop in table.properties:
                element = elements.get(prop.element)
                if element is not None:
                    place = Place(contract.id, table.name, prop)
                    found += _disagreeing(place, element, codes.get(element.codes))
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a contract."""

    contract: str
    table: str
    prop: Property

    @property
    def column(self) -> str:
        return f"{self.table}.{self.prop.name}"


def _disagreeing(
    place: Place, element: DataElement, codes: CodeList | None
) -> Iterator[Diagnostic]:
    prop = place.prop
    facts = {"element": element.id}
    if not fits(prop.logical_type, element.type):
        said = {"type": prop.logical_type, "wanted": element.type}
        yield _at(place, "standard.other-type", {**facts, **said})
    if prop.unit and prop.unit != element.unit:
        said = {"unit": prop.unit, "wanted": element.unit or "–"}
        yield _at(place, "standard.other-unit", {**facts, **said})
    if codes is not None and prop.enumeration:
        strange = [value for value in prop.enumeration if value not in codes.codes()]
        if strange:
            said = {"codes": codes.id, "values": ", ".join(strange[:5])}
            yield _at(place, "standard.other-codes", {**facts, **said})
    if element.status.casefold() in RETIRED:
        yield _at(place, "standard.retired-bound", facts)


def _at(place: Place, code: str, facts: Mapping[str, str]) -> Diagnostic:
    at, node = place.prop.origin, ids.node("standard", place.contract)
    said = {"column": place.column, **facts}
    return Diagnostic(Severity.WARNING, code, at.path, at.line, node=node, facts=said)


# 一数一源


def one_source(
    contracts: Iterable[DataContract],
    elements: Mapping[str, DataElement],
    systems: Mapping[str, System],
) -> list[Diagnostic]:
    """Where one datum has not one source. `systems` are the raw tables.

    `standard.two-authorities`: two tables of two systems whose columns are both declared
    `authoritative` for one element; `standard.not-the-authority`: the declared column comes from
    another party than the element's authority; `standard.collected-twice`: two parties hand over
    one element outside keys and references, none of the columns declared; `standard.no-authority`:
    an element that two systems carry and nobody answers for.
    """
    marked: dict[str, list[Place]] = {}
    carried: dict[str, list[Place]] = {}
    for contract in contracts:
        for table in contract.tables:
            for prop in table.properties:
                if prop.element not in elements:
                    continue
                place = Place(contract.id, table.name, prop)
                if prop.authoritative:
                    marked.setdefault(prop.element, []).append(place)
                if table.name in systems and not prop.key_position and not prop.references:
                    carried.setdefault(prop.element, []).append(place)
    found: list[Diagnostic] = []
    for name, places in marked.items():
        found += _declared(elements[name], places, systems)
    for name, places in carried.items():
        found += _collected(elements[name], places, systems, name in marked)
    return found


def _declared(
    element: DataElement, places: list[Place], systems: Mapping[str, System]
) -> Iterator[Diagnostic]:
    first = places[0]
    for place in places[1:]:
        if _system(place, systems) != _system(first, systems):
            facts = {"other": first.column, "element": element.id}
            yield _at(place, "standard.two-authorities", facts)
    for place in places:
        system = systems.get(place.table)
        if system and element.authority and system.supplier != element.authority:
            said = {"supplier": system.supplier, "authority": element.authority}
            yield _at(place, "standard.not-the-authority", {"element": element.id, **said})


def _system(place: Place, systems: Mapping[str, System]) -> str:
    return systems[place.table].source if place.table in systems else place.table


def _collected(
    element: DataElement, places: list[Place], systems: Mapping[str, System], declared: bool
) -> Iterator[Diagnostic]:
    sources = {systems[place.table].source for place in places}
    if not element.authority:
        if len(sources) > 1:
            facts = {"element": element.id, "systems": ", ".join(sorted(sources)[:5])}
            yield _of(element, Severity.WARNING, "standard.no-authority", facts)
        return
    if declared:
        return
    golden = (p for p in places if systems[p.table].supplier == element.authority)
    first = next(golden, places[0])
    for place in places:
        supplier = systems[place.table].supplier
        if supplier != systems[first.table].supplier:
            said = {"supplier": supplier, "other": first.column, "authority": element.authority}
            yield _at(place, "standard.collected-twice", {"element": element.id, **said})
