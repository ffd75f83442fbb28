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
class Repair:
    """One rule of one column.

    trim       blanks around a value are taken off; nothing left is no value
    collapse   runs of blanks inside become one
    missing    these words (whatever their case) mean no value
    map        a value on the left becomes the one on the right
    unit       one of these units behind a number is taken off (`*`: any)
    dates      a text in one of these JDK patterns becomes an ISO day, with `H` in it a moment
    majority   the value that more than half of the rows with the same value of that column hold
    default    what an empty cell becomes
    """

    kind: str
    words: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.kind + (f" {', '.join(self.words)}" if self.words else "")


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
    repair: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSchema:
    name: str
    properties: tuple[Property, ...]
    origin: Origin
    physical_type: str = "table"  # table | view
    quality: tuple[QualityRule, ...] = ()
    repair_of: str = ""  # the table that this one is, repaired

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns in order."""
        keyed = [prop for prop in self.properties if prop.key_position]
        return tuple(prop.name for prop in sorted(keyed, key=lambda prop: prop.key_position))

    @property
    def partitioned(self) -> tuple[str, ...]:
        """The columns by whose values the table is kept."""
        return tuple(prop.name for prop in self.properties if prop.partitioned)


HOUR_S, DAY_S = 3600, 86400
UNIT_S = {  # the units of a service level, in seconds; `m` is none: minute or month?
    word: seconds
    for words, seconds in (
        ("s sec second seconds", 1),
        ("min minute minutes", 60),
        ("h hr hour hours", HOUR_S),
        ("d day days", DAY_S),
        ("w wk week weeks", 7 * DAY_S),
        ("mo month months", 30 * DAY_S),
        ("y yr year years", 365 * DAY_S),
    )
    for word in words.split()
}
LATENCY = ("latency", "ly")


@dataclass(frozen=True, slots=True)
class Sla:
    property: str  # latency frequency retention availability …
    value: str
    unit: str = ""
    element: str = ""
    origin: Origin = Origin("")

    def unit_s(self) -> int:
        """The unit in seconds, a day when none is written; 0 when it is not known."""
        return UNIT_S.get(self.unit.casefold() or "d", 0)

    def columns(self) -> list[tuple[str, str]]:
        """(table, column) of each element promised; the table is empty where it is not written."""
        parts = (part.strip().rpartition(".") for part in self.element.split(","))
        return [(table, column) for table, _, column in parts if column]


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

    @property
    def hourly(self) -> bool:
        """Whether a latency is promised in less than days, so that what is true now may be false
        in an hour.
        """
        return any(sla.property in LATENCY and 0 < sla.unit_s() < DAY_S for sla in self.sla)
