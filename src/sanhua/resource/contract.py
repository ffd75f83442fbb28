"""The data contract 数据契约: ODCS v3.1 read into what sanhua acts on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text


@dataclass(frozen=True, slots=True)
class QualityRule:
    """A rule written in `quality`. `operator` is the ODCS word (`mustBeLessThan`), `bounds` its one
    or two values.

    `type` is `metric` (ODCS library rule: `metric` names it), `sql` (`query`: one SELECT of one
    value) or `text` (`told` says it in words: kept and shown, never measured).
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
    told: str = ""  # `description`
    impact: str = ""  # `businessImpact`


@dataclass(frozen=True, slots=True)
class Timing:
    """What is declared of a column in time; empty where nothing is.

    `valid_from`, `valid_through`: the days between which its values lie, both included; each may be
    a column of the row instead. `valid_at`: the column with the day on which a code must be valid.
    `follows`: a column that it is never earlier than, and by `within_s` seconds at most later.
    `order_by`: in the order of this column (`file`: as the rows were read), among rows of the same
    `order_within`, its values never fall.
    """

    valid_from: str = ""
    valid_through: str = ""
    valid_at: str = ""
    follows: str = ""
    within_s: int = 0
    order_by: str = ""
    order_within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """How the other table's clock stands to ours: its time is ours plus `offset_s`.

    `detect`: nobody knows yet; every offset up to `reach_s` either way is tried in steps.
    """

    column: str  # ours, one of `match`
    detect: bool = False
    offset_s: int = 0
    reach_s: int = 86400
    step_s: int = 3600


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """对账: the same datum as another table keeps it. `match` pairs the columns that name a datum
    (a key on both sides), `compare` those that hold it: ours and theirs.

    `tolerance` is absolute or, with `percent`, in percent of theirs. `least` is the share in
    percent that must be equal. `totals_by` (day month year all) also compares sums by period, which
    may differ by `totals_tolerance` percent.
    """

    other: str
    match: tuple[tuple[str, str], ...]
    compare: tuple[tuple[str, str], ...]
    origin: Origin
    tolerance: Decimal = Decimal()
    percent: bool = False
    least: Decimal = Decimal(100)
    clock: Clock | None = None
    totals_by: str = ""
    totals_tolerance: Decimal = Decimal()


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """控制总数: what whoever handed the table over says it adds up to; no column: its rows."""

    column: str
    amount: Decimal
    origin: Origin


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
    unit: str = ""  # where it is not its data element's
    authoritative: bool = False  # the column whose value counts (一数一源)
    codes_on: str = ""  # the day on which its codes are valid, or the column that holds it
    description: Text = Text()
    timing: Timing = Timing()

    @property
    def enumeration(self) -> tuple[str, ...]:
        """The values that a rule of its own admits (`validValues`), as text."""
        listed = next(
            (r.arguments["validValues"] for r in self.quality if r.arguments.get("validValues")), ""
        )
        values: Any = json.loads(listed) if listed.startswith("[") else []
        return tuple(str(value) for value in values)


@dataclass(frozen=True, slots=True)
class TableSchema:
    name: str
    properties: tuple[Property, ...]
    origin: Origin
    physical_type: str = "table"  # table | view
    quality: tuple[QualityRule, ...] = ()
    repair_of: str = ""  # the table that this one is, repaired
    reconciles: tuple[Reconciliation, ...] = ()
    totals: tuple[ControlTotal, ...] = ()

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
FREQUENCY = ("frequency", "fy")
RETENTION = ("retention", "re")
AVAILABILITY = ("availability", "av")


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


_DUTIES = {
    "owner": ("owner", "dataowner", "businessowner", "责任人", "数据责任人", "数据所有者"),
    "steward": ("steward", "datasteward", "businesssteward", "数据管家", "数据管理员", "管家"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """Someone of a contract's `team` (ODCS). `since` and `until` are days, both included."""

    username: str
    role: str = ""
    name: str = ""
    since: str = ""
    until: str = ""
    origin: Origin = Origin("")

    @property
    def duty(self) -> str:
        """owner, steward, or empty for any other role."""
        said = "".join(char for char in self.role.casefold() if char.isalnum())
        return next((duty for duty, words in _DUTIES.items() if said in words), "")

    def serves(self, on: date) -> bool:
        """Whether on the team on that day."""
        day = on.isoformat()
        return (not self.since or self.since <= day) and (not self.until or day <= self.until)


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
    team: tuple[Member, ...] = ()

    @property
    def hourly(self) -> bool:
        """Whether a latency is promised in less than days, so that what is true now may be false
        in an hour.
        """
        return any(sla.property in LATENCY and 0 < sla.unit_s() < DAY_S for sla in self.sla)
