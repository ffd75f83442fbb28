"""Standards 数据标准: data elements, code lists, model and indicators, and the columns bound to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text


@dataclass(frozen=True, slots=True)
class DataElement:
    """数据元 (ISO 11179, GB/T 18391). `type` is `string integer decimal(p,s) date timestamp boolean`."""

    id: str
    definition: str
    type: str
    origin: Origin
    title: Text = Text()
    format: str = ""
    unit: str = ""
    codes: str = ""  # code list id
    range: str = ""  # low..high, either end may be missing
    synonyms: tuple[str, ...] = ()
    authority: str = ""  # the one party whose value counts (一数一源)
    status: str = ""
    version: str = ""
    object_class: str = ""
    property: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    name: str
    parent: str = ""
    more: tuple[str, ...] = ()  # the further columns in the list's order


@dataclass(frozen=True, slots=True)
class CodeList:
    """代码集. `columns` are the headings of the file; `rows` its text, for the table that SQL reads."""

    id: str
    origin: Origin
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def codes(self) -> frozenset[str]:
        at = self.columns.index("code")
        return frozenset(row[at] for row in self.rows)

    def covers(self, code: str, wanted: str) -> bool:
        """Whether `wanted` is `code` or stands below it in the tree."""
        if "parent" not in self.columns:
            return code == wanted
        at, up = self.columns.index("code"), self.columns.index("parent")
        parents = {row[at]: row[up] for row in self.rows}
        seen: set[str] = set()
        while wanted and wanted not in seen:
            if wanted == code:
                return True
            seen.add(wanted)
            wanted = parents.get(wanted, "")
        return False


@dataclass(frozen=True, slots=True)
class LogicalEntity:
    """逻辑实体: `table`, or attributes that are not collected yet (attribute → element id)."""

    id: str
    domain: str
    object: str
    title: Text
    origin: Origin
    table: str = ""
    attributes: Mapping[str, str] | None = None


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
