"""Binding 对标: the columns that declare their data element, proposals for the others, and what a
person decided on one. A proposal binds nothing.

How sure a proposal is. Three signs speak for an element, each between 0 and 1:

    name      0.95 x how well the names fit (`names.Names.scores`: id 1, title or synonym 0.95,
              common words up to 0.8, the unit in the name 0.45)
    content   0.85 x C^2 x S: C is the share of the values that are inside the element's code list,
              form and range, S how much that says
    likeness  0.80 x how much the values look like those of columns already bound to the element

They count as independent: confidence = 1 - (1 - name)(1 - content)(1 - likeness), times C where
the element says what its values are (values outside speak against it), times T for the type: 1 when
it fits, 0.95 when the column is text whose values read as the type, 0.5 otherwise. S of a code list
is log2(k) x mean code length / 12, at most 1, for k codes that the column holds, divided by the
number of elements with that list: `Y N` say little, thirty codes of six digits nearly all. S of a
form alone is 0.3 when it is a day or a fixed length of six or more, else 0; of a range 0.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Annotated

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.record import BoundTo, DefinedBy, Ref, record
from sanhua.kernel.table import Column
from sanhua.resource.contract import DataContract, Property
from sanhua.resource.standard.codes import CodeList
from sanhua.resource.standard.element import DataElement, fits, parse_form, range_violations
from sanhua.resource.standard.names import Names


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
    names = Names(elements.values())
    for table in contract.tables:
        for prop in table.properties:
            node = ids.node("standard", f"{contract.id}/{table.name}.{prop.name}")
            element = elements.get(prop.element)
            if element is None:
                found = _suggest(names, prop)
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
            if not fits(prop.logical_type, element.type):
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


def _suggest(names: Names, prop: Property) -> tuple[Suggestion, ...]:
    """The best three by name, strongest first; ties by id."""
    found = [Suggestion(e, score, why) for e, (score, why) in names.scores(prop).items()]
    return tuple(sorted(found, key=lambda s: (-s.confidence, s.element))[:3])


# Proposals: names, content and likeness together

SAMPLED_VALUES = 400  # distinct values of a column that are looked at
FOR_EACH = 3  # proposals for a column
LEAST = Decimal("0.4")  # a proposal below it is not made
CANDIDATES = 6  # of a column, whose share of rows is measured
INSIDE_MIN = 0.6  # share of the distinct values that makes a code list a candidate
LIKE_MIN = 0.35
NAME, CONTENT, LIKE = 0.95, 0.85, 0.80
READS, MISFIT = 0.95, 0.5
FORM_STRENGTH, CODE_BITS = 0.3, 12
SHORT_FORM = 6
ALIKE, AHEAD = 0.45, 0.1  # left of a likeness with a rival as near; the lead that leaves it whole
SHARED_MIN = 5  # distinct values of a column from which values in common say something


@dataclass(frozen=True, slots=True)
class Proposal:
    """An element for a column that declares none, and each sign that speaks for it.

    `inside` is the share of the sampled rows' values that the element's codes, form and range
    admit, None when it says nothing of them or nothing was measured; `like` the bound column that
    the values resemble most.
    """

    contract: str
    table: str
    column: str
    element: str
    confidence: Decimal
    name: Decimal
    why: str  # id | synonym | words | unit | empty
    inside: Decimal | None = None
    likeness: Decimal = Decimal()
    like: str = ""
    fits: bool = True
    line: int = 0

    @property
    def node(self) -> str:
        """The binding of its column, as `StandardResult` names it."""
        return ids.node("standard", f"{self.contract}/{self.table}.{self.column}")


@record("binding_decision")
@dataclass(frozen=True, slots=True)
class BindingDecision:
    """对标决定: a person accepted or rejected an element for a column. `edited` is the content hash
    of the contract after an acceptance was written into it.
    """

    id: str
    column: Annotated[str, Ref("about")]
    element: Annotated[str, Ref("considers")]
    verdict: str  # accepted | rejected
    person: Annotated[str, Ref("judged_by")]
    at: str
    confidence: Decimal | None = None
    reason: str = ""
    edited: DefinedBy = ""


def sample_metrics(table: str, columns: Iterable[Column]) -> list[Metric]:
    """Some distinct values of each column, by the order of their hashes: the same every time and
    spread over all.
    """
    made: list[Metric] = []
    for column in columns:
        text = f"CAST({sql.quote(column.name)} AS VARCHAR)"
        picked = f"arg_min(DISTINCT {text}, md5({text}), {SAMPLED_VALUES})"
        made.append(Metric(f"sample:{table}.{column.name}", picked, Scan.SAMPLE))
    return made


@dataclass(slots=True)
class Candidate:
    """An element that may be meant, before its share of rows is measured."""

    prop: Property
    element: DataElement
    name: float
    why: str
    strength: float = 0.0
    likeness: float = 0.0
    like: str = ""
    type_factor: float = 1.0
    share: Metric | None = None
    values: Metric | None = None

    def confidence(self, inside: float | None) -> float:
        kept = (1 - NAME * self.name) * (1 - LIKE * self.likeness)
        if inside is not None:
            kept *= 1 - CONTENT * inside**2 * self.strength
        return (1 - kept) * (1 if inside is None else inside) * self.type_factor


class Proposer:
    """Compares columns with every element: by name, by content, by what is bound already.

    `bound` are samples of columns that declare their element: `table.column` → (element, values).
    """

    def __init__(
        self,
        elements: Mapping[str, DataElement],
        codes: Mapping[str, CodeList],
        bound: Mapping[str, tuple[str, Sequence[str]]],
    ) -> None:
        self.elements, self.codes = elements, codes
        self.names = Names(elements.values())
        self.users: defaultdict[str, list[str]] = defaultdict(list)  # code list → elements
        self.formed: defaultdict[str, list[str]] = defaultdict(list)  # format → elements
        for element in elements.values():
            if element.codes in codes:
                self.users[element.codes].append(element.id)
            elif element.format and _distinctive(element.format):
                self.formed[element.format].append(element.id)
        self.lists: defaultdict[str, list[str]] = defaultdict(list)  # code → code lists
        for name in self.users:
            for code in codes[name].codes():
                self.lists[code].append(name)
        self.looks = [(at, e, Look(values)) for at, (e, values) in bound.items() if values]

    def candidates(self, prop: Property, kind: str, values: Sequence[str]) -> list[Candidate]:
        """The elements worth measuring for one column, best first; `kind` is its SQL type."""
        found: dict[str, Candidate] = {}

        def at(element: str) -> Candidate:
            if element not in found:
                found[element] = Candidate(prop, self.elements[element], 0.0, "")
            return found[element]

        for element, (score, why) in self.names.scores(prop).items():
            at(element).name, at(element).why = float(score), why
        inside = Counter(name for value in values for name in self.lists.get(value, ()))
        for name, count in inside.items():
            for element in self.users[name] if count >= INSIDE_MIN * len(values) else ():
                at(element)
        for form, users in self.formed.items():
            read = parse_form(form)
            if read and values and sum(map(read.fits, values)) >= INSIDE_MIN * len(values):
                for element in users:
                    at(element)
        for element, (likeness, like) in self._likeness(values).items():
            at(element).likeness, at(element).like = likeness, like
        for one in found.values():
            one.strength = self._strength(one.element, values)
            one.type_factor = _type_factor(prop, kind, one.element, values)
            _shares(one, kind, self.codes.get(one.element.codes))
        best = sorted(found.values(), key=lambda c: (-c.confidence(1.0), c.element.id))
        return best[:CANDIDATES]

    def _strength(self, element: DataElement, values: Sequence[str]) -> float:
        codes = self.codes.get(element.codes)
        if codes is not None:
            known = codes.codes()
            held = [value for value in values if value in known]
            if len(held) < 2:
                return 0.0
            length = sum(map(len, held)) / len(held)
            bits = math.log2(len(held)) * length / CODE_BITS
            return min(1.0, bits) / len(self.users[element.codes])
        if element.format in self.formed:
            return FORM_STRENGTH / len(self.formed[element.format])
        return 0.0

    def _likeness(self, values: Sequence[str]) -> dict[str, tuple[float, str]]:
        """Element → (likeness, the bound column): the nearest one, less what the next element is
        as near.
        """
        if not values or not self.looks:
            return {}
        own = Look(values)
        best: dict[str, tuple[float, str]] = {}
        for at, element, look in self.looks:
            near = own.like(look)
            if near > best.get(element, (0.0, ""))[0]:
                best[element] = (near, at)
        ranked = sorted((near for near, _ in best.values()), reverse=True)
        rival = ranked[1] if len(ranked) > 1 else 0.0
        found: dict[str, tuple[float, str]] = {}
        for element, (near, at) in best.items():
            ahead = max(0.0, 1 - rival / near) if near else 0.0
            likeness = near * (ALIKE + (1 - ALIKE) * min(1.0, ahead / AHEAD))
            if likeness >= LIKE_MIN:
                found[element] = (likeness, at)
        return found


class Look:
    """What values look like: their shapes (9 a digit, A a and 字 letters), the pairs of characters
    and triples of shape that they are made of, and the values themselves.
    """

    def __init__(self, values: Sequence[str]) -> None:
        self.values = frozenset(values)
        shapes = [_shape(value) for value in self.values]
        self.fine = _spread(shapes)
        self.coarse = _spread(re.sub(r"(.)\1+", r"\1", shape) for shape in shapes)
        digitless = [re.sub(r"[0-9]", "9", value[:64].casefold()) for value in self.values]
        self.pairs, self.triples = _grams(digitless, 2), _grams(shapes, 3)

    @cached_property
    def says(self) -> float:
        """How much the shape says, 0.4 (one word, one number) to 1."""
        shape, part = max(self.fine.items(), key=lambda item: (item[1], item[0]))
        if part >= 0.9 and len(shape) >= SHORT_FORM:
            return 1.0
        runs = sum(len(shape) * part for shape, part in self.coarse.items())
        return min(1.0, 0.4 + 0.2 * max(0.0, runs - 1))

    def like(self, other: Look) -> float:
        """0 to 1: the values in common, or the form in common as far as it says anything."""
        least = min(len(self.values), len(other.values))
        common = len(self.values & other.values) / least if least >= SHARED_MIN else 0.0
        shapes = (_common(self.fine, other.fine) + _common(self.coarse, other.coarse)) / 2
        form = 0.3 * shapes + 0.35 * (
            _cosine(self.pairs, other.pairs) + _cosine(self.triples, other.triples)
        )
        says = min(self.says, other.says)
        return max(common * says, min(1.0, max(0.0, form - 0.4) / 0.5) * says)


def _shape(value: str) -> str:
    text = re.sub(r"[0-9]", "9", value[:64])
    text = re.sub(r"[\u3400-\u9fff]", "字", text)
    text = re.sub(r"[A-Z]", "A", text)
    return re.sub(r"[a-z]", "a", text)


def _spread(shapes: Iterable[str]) -> dict[str, float]:
    counts = Counter(shapes)
    total = sum(counts.values())
    return {shape: count / total for shape, count in counts.items()}


def _common(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    return sum(min(part, right.get(shape, 0.0)) for shape, part in left.items())


def _grams(texts: Sequence[str], size: int) -> dict[str, float]:
    """Each run of `size` characters, ends marked, by its weight in the mean text; of length one."""
    found: defaultdict[str, float] = defaultdict(float)
    for text in texts:
        whole = f"^{text}$"
        runs = [whole[at : at + size] for at in range(len(whole) - size + 1)]
        for run in runs:
            found[run] += 1 / len(runs)
    norm = math.sqrt(sum(weight * weight for weight in found.values())) or 1.0
    return {run: weight / norm for run, weight in found.items()}


def _cosine(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    return sum(weight * right.get(run, 0.0) for run, weight in left.items())


def _distinctive(written: str) -> bool:
    form = parse_form(written)
    if form is None:
        return False
    return form.kind == "date" or (form.least == form.most and form.least >= SHORT_FORM)


def _type_factor(prop: Property, kind: str, element: DataElement, values: Sequence[str]) -> float:
    if fits(prop.logical_type, element.type):
        return 1.0
    if kind == "VARCHAR" and values:
        read = sum(_reads(value, element.type) for value in values)
        return READS if read >= 0.9 * len(values) else MISFIT
    integer_codes = kind == "BIGINT" and element.type == "string" and element.codes
    return READS if integer_codes else MISFIT


def _reads(value: str, type: str) -> bool:
    wanted = type.partition("(")[0].strip()
    try:
        if wanted in ("date", "timestamp"):
            datetime.fromisoformat(value)
        elif wanted == "boolean":
            return value.casefold() in (
                "true",
                "false",
                "0",
                "1",
                "y",
                "n",
                "yes",
                "no",
                "是",
                "否",
            )
        elif wanted in ("integer", "decimal"):
            number = Decimal(value)
            return number.is_finite() and (wanted == "decimal" or number == int(number))
    except (ValueError, InvalidOperation, OverflowError):
        return False
    return True


def _shares(one: Candidate, kind: str, codes: CodeList | None) -> None:
    """The metrics of a candidate's share of rows, where its element says what values are."""
    quoted = sql.quote(one.prop.name)
    outside: list[str] = []
    if codes is not None:
        outside.append(codes.violations(quoted, kind))
    form = parse_form(one.element.format) if one.element.format else None
    outside += form.violations(quoted, kind) if form else []
    outside += range_violations(one.element.range, quoted, kind)
    if outside:
        name = f"{one.prop.name}#{one.element.id}"
        out = f"count_if({' OR '.join(outside)})"
        one.share = Metric(f"outside:{name}", out, Scan.SAMPLE)
        one.values = Metric(f"values:{one.prop.name}", f"count({quoted})", Scan.SAMPLE)


def share_metrics(candidates: Iterable[Candidate]) -> list[Metric]:
    """What is to be measured of them, each once."""
    metrics = [m for one in candidates for m in (one.share, one.values) if m is not None]
    return list(dict.fromkeys(metrics))


def propose(
    contract: str,
    table: str,
    candidates: Iterable[Sequence[Candidate]],
    measured: Iterable[Measured],
    rejected: frozenset[tuple[str, str]] = frozenset(),
) -> list[Proposal]:
    """The proposals of a table, each column's best first; `rejected` (column, element) stay out."""
    found = {one.metric: one.value for one in measured if one.error is None}
    made: list[Proposal] = []
    for column in candidates:
        listed = [
            _proposal(contract, table, one, found)
            for one in column
            if (one.prop.name, one.element.id) not in rejected
        ]
        listed.sort(key=lambda p: (-p.confidence, p.element))
        made += [p for p in listed if p.confidence >= LEAST][:FOR_EACH]
    return made


def _proposal(
    contract: str, table: str, one: Candidate, found: Mapping[Metric, object]
) -> Proposal:
    outside, values = (found.get(m) if m else None for m in (one.share, one.values))
    inside = None
    if isinstance(outside, int) and isinstance(values, int) and values:
        inside = Decimal(values - outside) / values
    confidence = one.confidence(float(inside) if inside is not None else None)
    return Proposal(
        contract,
        table,
        one.prop.name,
        one.element.id,
        _two(confidence),
        _two(one.name),
        one.why,
        None if inside is None else inside.quantize(Decimal("0.0001"), ROUND_HALF_UP),
        _two(one.likeness),
        one.like,
        one.type_factor == 1.0,
        one.prop.origin.line,
    )


def _two(value: float) -> Decimal:
    return Decimal(repr(round(value, 9))).quantize(Decimal("0.01"), ROUND_HALF_UP)
