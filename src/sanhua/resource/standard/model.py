"""The model 主题域 > 业务对象 > 逻辑实体 > 属性, indicators 指标, and what of them is there:
coverage 覆盖率, distribution 数据分布, who answers for a resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sanhua.kernel.origin import Origin
from sanhua.kernel.record import DefinedBy, MadeFrom, record
from sanhua.kernel.text import Text
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.resource.standard.codes import CodeList
from sanhua.resource.standard.element import DataElement, Term


@dataclass(frozen=True, slots=True)
class LogicalEntity:
    """逻辑实体: `table`, or attributes that are not collected yet (attribute → element id, or
    empty). `owner` and `steward` are its own, else its object's, else its domain's.
    """

    id: str
    domain: str
    object: str
    title: Text
    origin: Origin
    table: str = ""
    attributes: Mapping[str, str] | None = None
    domain_title: Text = Text()
    object_title: Text = Text()
    owner: str = ""
    steward: str = ""


@dataclass(frozen=True, slots=True)
class Indicator:
    """指标: one aggregate over one table."""

    id: str
    title: Text
    definition: str
    table: str
    formula: str
    origin: Origin
    by: tuple[str, ...] = ()
    unit: str = ""


@record("indicator")
@dataclass(frozen=True, slots=True)
class IndicatorFigure:
    """An indicator's value over the whole table at a snapshot, and the columns of its formula.
    `groups` is the number of rows by its dimensions, which are computed anew and not kept.
    """

    id: str  # indicator:<id>
    value: str
    unit: str
    groups: int
    snapshot: MadeFrom
    definition: DefinedBy
    columns: tuple[MadeFrom, ...] = ()


# Coverage


@dataclass(frozen=True, slots=True)
class Counts:
    """Of attributes: how many there are, stand for a data element, are realised by a table.

    `entities` and `held`: logical entities, and those whose table has a contract.
    """

    attributes: int = 0
    bound: int = 0
    realised: int = 0
    entities: int = 0
    held: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.attributes + other.attributes,
            self.bound + other.bound,
            self.realised + other.realised,
            self.entities + other.entities,
            self.held + other.held,
        )


def share(done: int, of: int) -> Decimal | None:
    """To four places; None of nothing."""
    if not of:
        return None
    return (Decimal(done) / of).quantize(Decimal("0.0001"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of the standards is used. `domains`, `objects` and `entities` by id in the model's
    order; an object is `domain/object`.
    """

    elements_used: tuple[str, ...]
    elements_unused: tuple[str, ...]
    codes_used: tuple[str, ...]
    codes_unused: tuple[str, ...]
    columns: int
    columns_bound: int
    tables: int
    tables_modelled: int
    terms: int
    terms_linked: int
    domains: Mapping[str, Counts]
    objects: Mapping[str, Counts]
    entities: Mapping[str, Counts]
    total: Counts


def coverage(
    elements: Mapping[str, DataElement],
    codes: Mapping[str, CodeList],
    model: Mapping[str, LogicalEntity],
    contracts: Iterable[DataContract],
    terms: Mapping[str, Term],
) -> Coverage:
    """Counts over everything that is declared; nothing is measured."""
    tables = {table.name: table for contract in contracts for table in contract.tables}
    columns = [prop for table in tables.values() for prop in table.properties]
    bound = [prop.element for prop in columns if prop.element in elements]
    planned = [e for entity in model.values() for e in (entity.attributes or {}).values()]
    used = {*bound, *(e for e in planned if e in elements)}
    listed = {elements[e].codes for e in used} - {""}
    domains: dict[str, Counts] = {}
    objects: dict[str, Counts] = {}
    entities: dict[str, Counts] = {}
    for entity in model.values():
        counts = _counts(entity, tables.get(entity.table), elements)
        entities[entity.id] = counts
        for level, key in ((domains, entity.domain), (objects, f"{entity.domain}/{entity.object}")):
            level[key] = level.get(key, Counts()) + counts
    lists = {name for name, one in codes.items() if one.maps is None}
    modelled = {entity.table for entity in model.values()} & tables.keys()
    return Coverage(
        tuple(e for e in elements if e in used),
        tuple(e for e in elements if e not in used),
        tuple(sorted(lists & listed)),
        tuple(sorted(lists - listed)),
        len(columns),
        len(bound),
        len(tables),
        len(modelled),
        len(terms),
        sum(bool(term.elements) for term in terms.values()),
        domains,
        objects,
        entities,
        sum(entities.values(), Counts()),
    )


def _counts(
    entity: LogicalEntity, table: TableSchema | None, elements: Mapping[str, DataElement]
) -> Counts:
    if table is not None:
        bound = sum(prop.element in elements for prop in table.properties)
        return Counts(len(table.properties), bound, len(table.properties), 1, 1)
    attributes = entity.attributes or {}
    return Counts(len(attributes), sum(e in elements for e in attributes.values()), 0, 1, 0)


# Distribution


@dataclass(frozen=True, slots=True)
class System:
    """A source as a system: the raw table that it fills and who hands it over."""

    source: str
    supplier: str


@dataclass(frozen=True, slots=True)
class Holding:
    """A system that holds a logical entity. `role`: golden (it is handed over by the authority of
    the elements), copy (another party is), feeds (no authority is named for what it carries).
    `elements` are those that it carries, `marked` whether a column is declared authoritative.
    """

    entity: str
    source: str
    supplier: str
    role: str
    elements: tuple[str, ...]
    marked: bool = False


def distribution(
    model: Mapping[str, LogicalEntity],
    elements: Mapping[str, DataElement],
    contracts: Iterable[DataContract],
    systems: Mapping[str, System],
    upstream: Callable[[str], Iterable[str]],
) -> list[Holding]:
    """数据分布: each logical entity that has a table, and the systems that hold it.

    A system holds an entity when the entity's table is made from its raw table, or when its own
    table carries, outside keys and references, a data element that the entity's table carries so.
    `systems` are raw tables, `upstream` the tables that a table is made from, itself included.
    """
    tables = {table.name: table for contract in contracts for table in contract.tables}
    carried = {name: _own(tables[name], elements) for name in systems if name in tables}
    every = {name: _all(tables[name], elements) for name in systems if name in tables}
    carriers: dict[str, list[str]] = {}
    for table, found in carried.items():
        for element in found:
            carriers.setdefault(element, []).append(table)
    made: list[Holding] = []
    for entity in model.values():
        table = tables.get(entity.table)
        if table is None and entity.table not in systems:
            continue
        own = _own(table, elements) if table else {}
        whole = _all(table, elements) if table else {}
        raw = [name for name in upstream(entity.table) if name in systems]
        beside = [other for element in own for other in carriers.get(element, ())]
        for name in sorted({*raw, *beside}):
            system = systems[name]
            shared = {e: mark for e, mark in every.get(name, {}).items() if e in whole}
            parties = {elements[e].authority for e in shared} - {""}
            role = "feeds"
            if system.supplier in parties:
                role = "golden"
            elif parties and name in beside:
                role = "copy"
            made.append(
                Holding(
                    entity.id,
                    system.source,
                    system.supplier,
                    role,
                    tuple(sorted(shared)),
                    any(shared.values()),
                )
            )
    return made


def _all(table: TableSchema, elements: Mapping[str, DataElement]) -> dict[str, bool]:
    """Element → whether a column declares itself its authoritative one."""
    found: dict[str, bool] = {}
    for prop in table.properties:
        if prop.element in elements:
            found[prop.element] = found.get(prop.element, False) or prop.authoritative
    return found


def _own(table: TableSchema, elements: Mapping[str, DataElement]) -> dict[str, bool]:
    """The same outside keys and references: what the table says, not what it points at."""
    found: dict[str, bool] = {}
    for prop in table.properties:
        if prop.element in elements and not prop.key_position and not prop.references:
            found[prop.element] = found.get(prop.element, False) or prop.authoritative
    return found


# Who answers


@dataclass(frozen=True, slots=True)
class Accountable:
    """责任人: the owner and the steward (数据管家) of a resource, empty where nobody is named, and
    where each was said (`team`, `model`).
    """

    resource: str
    owner: str = ""
    steward: str = ""
    said_in: Mapping[str, str] = field(default_factory=dict[str, str])


def accountable(
    contract: DataContract, model: Mapping[str, LogicalEntity], on: date
) -> Accountable:
    """By the contract's `team` on that day, else by the model's entity, object or domain of its
    tables.
    """
    names = {table.name for table in contract.tables}
    entities = [entity for entity in model.values() if entity.table in names]
    found: dict[str, str] = {}
    said_in: dict[str, str] = {}
    for duty in ("owner", "steward"):
        team = next((m.username for m in contract.team if m.duty == duty and m.serves(on)), "")
        modelled = next((said for e in entities if (said := getattr(e, duty))), "")
        if team or modelled:
            found[duty] = team or modelled
            said_in[duty] = "team" if team else "model"
    return Accountable(contract.id, found.get("owner", ""), found.get("steward", ""), said_in)
