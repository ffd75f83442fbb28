"""Standards 数据标准: data elements, code lists, model and indicators, and the columns bound to
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import BoundTo, DefinedBy, record
from sanhua.kernel.text import Text
from sanhua.resource.contract import DataContract, Property


@dataclass(frozen=True, slots=True)
class DataElement:
    """数据元 (ISO 11179, GB/T 18391). `type` is `string integer decimal(p,s) date timestamp
    boolean`.
    """

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
    """代码集. `columns` are the headings of the file; `rows` its text, for the table that SQL
    reads.
    """

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


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An element that a column may mean; a person binds it by writing `dataElement`."""

    element: str
    confidence: Decimal  # 0 to 1
    why: str  # id | synonym | words


@dataclass(frozen=True, slots=True)
class Binding:
    """What a column means. `how`: declared, suggested (nothing is bound), or none. `unit`, `codes`
    come along.
    """

    id: str  # standard:contract/table.column
    table: str
    column: str
    how: str
    element: BoundTo = ""
    definition: DefinedBy = ""  # the file that defines the element
    unit: str = ""
    codes: str = ""
    code_list: DefinedBy = ""
    authority: str = ""
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A column and its element do not fit together; `code` is the public code, `facts` what its
    text names.
    """

    code: str
    table: str
    column: str
    line: int = 0
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


@record("standard")
@dataclass(frozen=True, slots=True)
class StandardResult:
    """对标结果 `standard:<contract>`: each column with its data element, what does not fit, and
    coverage.

    `coverage` is bound over all columns, to four places; None without columns.
    """

    id: str
    contract: DefinedBy
    bindings: tuple[Binding, ...]
    disagreements: tuple[Disagreement, ...]
    columns: int
    bound: int
    suggested: int
    coverage: Decimal | None
    path: str = ""

    def diagnostics(self) -> list[Diagnostic]:
        """The disagreements as warnings at their place in the contract."""
        return [
            Diagnostic(
                Severity.WARNING,
                found.code,
                self.path,
                found.line,
                node=self.id,
                facts={"column": f"{found.table}.{found.column}", **found.facts},
            )
            for found in self.disagreements
        ]


def bind(
    contract: DataContract, elements: Mapping[str, DataElement], codes: Mapping[str, CodeList]
) -> StandardResult:
    """Bind each column to the element that it declares; an undeclared one gets suggestions, never a
    binding.

    Suggestions come from the column's name, heading and title against the ids, titles and synonyms
    of the elements.
    """
    bindings: list[Binding] = []
    faults: list[Disagreement] = []
    words = _Words(elements.values())
    for table in contract.tables:
        for prop in table.properties:
            node = ids.node("standard", f"{contract.id}/{table.name}.{prop.name}")
            element = elements.get(prop.element)
            if element is None:
                found = words.suggest(prop)
                how = "suggested" if found else "none"
                bindings.append(Binding(node, table.name, prop.name, how, suggestions=found))
                if prop.element:
                    faults.append(
                        Disagreement(
                            "standard.unknown-element",
                            table.name,
                            prop.name,
                            prop.origin.line,
                            {"element": prop.element},
                        )
                    )
                continue
            code_list = codes.get(element.codes)
            bindings.append(
                Binding(
                    node,
                    table.name,
                    prop.name,
                    "declared",
                    ids.node("element", element.id),
                    element.origin.sha256,
                    element.unit,
                    element.codes,
                    code_list.origin.sha256 if code_list else "",
                    element.authority,
                )
            )
            if not _fits(prop.logical_type, element.type):
                facts = {"element": element.id, "type": prop.logical_type, "wanted": element.type}
                faults.append(
                    Disagreement(
                        "standard.other-type", table.name, prop.name, prop.origin.line, facts
                    )
                )
            if element.codes and code_list is None:
                facts = {"element": element.id, "codes": element.codes}
                faults.append(
                    Disagreement(
                        "standard.no-code-list", table.name, prop.name, prop.origin.line, facts
                    )
                )
    bound = sum(binding.how == "declared" for binding in bindings)
    coverage = (
        (Decimal(bound) / len(bindings)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        if bindings
        else None
    )
    return StandardResult(
        ids.node("standard", contract.id),
        contract.origin.sha256,
        tuple(bindings),
        tuple(faults),
        len(bindings),
        bound,
        sum(binding.how == "suggested" for binding in bindings),
        coverage,
        contract.origin.path,
    )


def conflicts(elements: Mapping[str, DataElement]) -> list[Diagnostic]:
    """Two elements that share a title or synonym and are defined differently: `standard.conflict`,
    once a pair; an element whose range no value can lie in, or that is no range of its type.
    """
    found = [fault for element in elements.values() for fault in _range_faults(element)]
    owner: dict[str, DataElement] = {}
    told: set[tuple[str, str]] = set()
    for element in elements.values():
        for name in dict.fromkeys(
            filter(None, (element.title.zh, element.title.en, *element.synonyms))
        ):
            first = owner.setdefault(_plain(name), element)
            pair = (first.id, element.id)
            if (
                first.id != element.id
                and first.definition != element.definition
                and pair not in told
            ):
                told.add(pair)
                found.append(
                    Diagnostic(
                        Severity.ERROR,
                        "standard.conflict",
                        element.origin.path,
                        element.origin.line,
                        node=ids.node("element", element.id),
                        facts={"name": name, "element": element.id, "other": first.id},
                    )
                )
    return found


def _range_faults(element: DataElement) -> list[Diagnostic]:
    low, _, high = (part.strip() for part in element.range.partition(".."))
    if element.type == "string" or not element.range:
        return []
    facts = {"low": low, "high": high, "key": "range", "value": element.range}
    limits = [limit(written, element.type) for written in (low, high) if written]
    if None in limits:
        code = "format.not-a-range"
    elif crossed(low, high, element.type):
        code = "format.empty-range"
    else:
        return []
    at = (element.origin.path, element.origin.line, 0, ids.node("element", element.id))
    return [Diagnostic(Severity.ERROR, code, *at, facts=facts)]


def limit(written: str, type: str) -> Decimal | datetime | None:
    """A bound of values of that type, ours or SQL's; None when it is none."""
    try:
        if type == "TIME":
            return datetime.combine(date.min, time.fromisoformat(written))
        if type.casefold() in ("date", "timestamp"):
            return datetime.fromisoformat(written).replace(tzinfo=None)
        number = Decimal(written)
    except (ValueError, InvalidOperation):
        return None
    return number if number.is_finite() else None


def crossed(low: str, high: str, type: str) -> bool:
    """Whether no value lies between two bounds, of which either may be missing."""
    first, last = limit(low, type), limit(high, type)
    if isinstance(first, Decimal) and isinstance(last, Decimal):
        return first > last
    return isinstance(first, datetime) and isinstance(last, datetime) and first > last


_FITTING = {
    "string": {"string"},
    "integer": {"integer"},
    "number": {"decimal", "integer"},
    "date": {"date"},
    "timestamp": {"timestamp", "date"},
    "time": {"timestamp"},
    "boolean": {"boolean"},
}


def _fits(logical_type: str, element_type: str) -> bool:
    wanted = element_type.partition("(")[0].strip()
    return wanted in _FITTING.get(logical_type, set[str]())


def _plain(name: str) -> str:
    """Without case, blanks and separators: `Usage_kWh` and `usage kwh` are one name."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _tokens(name: str) -> frozenset[str]:
    """Latin words and Chinese character pairs."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    latin = re.findall(r"[a-z]+|\d+", spaced.casefold())
    chinese = re.findall(r"[\u4e00-\u9fff]+", name)
    return frozenset(
        [*latin, *(run[i : i + 2] for run in chinese for i in range(max(1, len(run) - 1)))]
    )


class _Words:
    """Names of elements, ready to be compared with many columns."""

    def __init__(self, elements: Iterable[DataElement]) -> None:
        self.by_id: dict[str, str] = {}
        self.by_name: dict[str, list[str]] = {}
        self.by_token: dict[str, list[tuple[str, frozenset[str]]]] = {}
        for element in elements:
            self.by_id[_plain(element.id)] = element.id
            for name in filter(None, (element.title.zh, element.title.en, *element.synonyms)):
                self.by_name.setdefault(_plain(name), []).append(element.id)
            for name in filter(
                None, (element.id, element.title.zh, element.title.en, *element.synonyms)
            ):
                tokens = _tokens(name)
                for token in tokens:
                    self.by_token.setdefault(token, []).append((element.id, tokens))

    def suggest(self, prop: Property) -> tuple[Suggestion, ...]:
        """The best three, strongest first; ties by id."""
        best: dict[str, Suggestion] = {}

        def offer(element: str, confidence: Decimal, why: str) -> None:
            if element not in best or best[element].confidence < confidence:
                best[element] = Suggestion(element, confidence, why)

        for name in dict.fromkeys(
            filter(None, (prop.name, prop.heading, prop.title.zh, prop.title.en))
        ):
            plain = _plain(name)
            if plain in self.by_id:
                offer(self.by_id[plain], Decimal("1.00"), "id")
            for element in self.by_name.get(plain, ()):
                offer(element, Decimal("0.95"), "synonym")
            tokens = _tokens(name)
            for token in tokens:
                for element, other in self.by_token.get(token, ()):
                    share = Decimal(len(tokens & other)) / len(tokens | other)
                    if share >= Decimal("0.5"):
                        confidence = (share * Decimal("0.8")).quantize(
                            Decimal("0.01"), ROUND_HALF_UP
                        )
                        offer(element, confidence, "words")
        return tuple(sorted(best.values(), key=lambda s: (-s.confidence, s.element))[:3])
