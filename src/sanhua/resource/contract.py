"""The data contract 数据契约: ODCS v3.1 read into what sanhua acts on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text


@dataclass(frozen=True, slots=True)
class QualityRule:
    """A rule written in `quality`. `operator` is the ODCS word (`mustBeLessThan`), `bounds` its one
    or two values.

    `type` is `metric` (ODCS library rule: `metric` names it) or `sql` (`query`: one SELECT of one
    value).
    """

    name: str
    type: str
    operator: str
    bounds: tuple[str, ...]
    origin: Origin
    metric: str = ""
    arguments: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # e.g. validValues, pattern, unit
    query: str = ""
    column: str = ""
    indicator: str = ""  # GB/T 36344 code; empty when neither written nor given by the dimension
    severity: str = "warning"
    weight: str = "1"
    keep_failed_rows: int = 0


@dataclass(frozen=True, slots=True)
class Property:
    """A column. `options` are ODCS logicalTypeOptions as text (`format pattern minLength maximum
    …`).
    """

    name: str
    origin: Origin
    heading: str = ""
    title: Text = Text()
    logical_type: str = "string"
    physical_type: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    required: bool = False
    unique: bool = False
    key_position: int = 0  # position in the primary key from 1; 0: not part of it
    partitioned: bool = False
    classification: str = ""  # a grade set as a floor: core important general4..general1
    element: str = ""  # data element id
    category: str = ""
    deidentify: str = ""
    references: tuple[str, ...] = ()  # `table.column` from relationships
    quality: tuple[QualityRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSchema:
    name: str
    properties: tuple[Property, ...]
    origin: Origin
    physical_type: str = "table"  # table | view
    quality: tuple[QualityRule, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns in order."""
        keyed = [prop for prop in self.properties if prop.key_position]
        return tuple(prop.name for prop in sorted(keyed, key=lambda prop: prop.key_position))


@dataclass(frozen=True, slots=True)
class Sla:
    property: str  # latency frequency retention availability …
    value: str
    unit: str = ""
    element: str = ""


@dataclass(frozen=True, slots=True)
class DataContract:
    """One resource; `id` equals the file's name."""

    id: str
    origin: Origin
    tables: tuple[TableSchema, ...]
    version: str = ""
    status: str = ""
    name: Text = Text()
    domain: str = ""
    description: Text = Text()
    tags: tuple[str, ...] = ()
    category: str = ""
    sla: tuple[Sla, ...] = ()
    share_class: str = ""
    open_class: str = ""
    share_basis: str = ""
    open_conditions: str = ""
