"""Suggested quality rules 规则建议: what a table's own values say that its rules should be.

A bounded sample proposes, the whole table decides: the sample (SAMPLE_ROWS rows as text) is looked
at here, each rule that it proposes is one piece of canonical SQL, and the engine counts over every
row what breaks it. A suggestion binds nothing until a person accepts it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from statistics import quantiles
from typing import Any

from sanhua import sql
from sanhua.kernel.errors import SanhuaError
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.ports import Engine
from sanhua.kernel.table import Column
from sanhua.kernel.text import Text

SAMPLE_ROWS = 20_000  # looked at closely
DEFAULT = Decimal("0.6")  # suggestions of less confidence are shown only when asked for
VALUES_MAX = 5_000  # distinct values of a column that are all counted
LISTED_MAX = 200  # values that one rule lists
PAIRED_COLUMNS = 60  # columns that are compared with one another,
PAIRED_VALUES = 3_000_000  # in so many values in all
DETERMINANTS = 3  # rules kept for each determined column, the strongest
PLACES = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a table as text, column by column: `values[n][i]` is row i of `columns[n]`.

    `rows` is how many the whole table has. `counts` holds, for a column of few distinct values, how
    often each occurs in the whole table.
    """

    table: str
    columns: tuple[Column, ...]
    rows: int
    values: tuple[Sequence[str | None], ...]
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule that the values propose.

    `predicate` is true for a row whose `column` is doubtful; of a dependency it is asked of the
    groups `determinant, column` with `rows_held` (rows of the group) and `rows_most` (rows of the
    most frequent value that the determinant has). `entry` is the rule as a contract writes it: one
    key of the property (`required`, `unique`) or a `quality` entry. `confidence` (0 to 1) is how
    sure it is that a value breaking the rule is wrong; each kind says how it is reckoned.
    `lists_values`: the rule's text holds values of the column.
    """

    id: str
    table: str
    kind: str
    column: str
    indicator: str  # GB/T 36344
    label: Text
    predicate: str
    entry: Mapping[str, Any]
    confidence: Decimal
    determinant: str = ""
    order: str = ""
    support: int = 0  # rows that the rule was tried on
    violations: int = 0
    lists_values: bool = False

    def groups(self, relation: str) -> str:
        """The groups of a dependency as a relation with `predicate`'s columns."""
        a, b = sql.quote(self.determinant), sql.quote(self.column)
        return (
            f"(SELECT {a}, {b}, count(*) AS rows_held, "
            f"max(count({b})) OVER (PARTITION BY {a}) AS rows_most "
            f"FROM {relation} WHERE {a} IS NOT NULL GROUP BY {a}, {b})"
        )

    def runs(self, relation: str) -> str:
        """The rows of a relation with `rows_run`."""
        value, order = sql.quote(self.column), sql.quote(self.order)
        return (
            f"(SELECT *, count(*) OVER (PARTITION BY {value}, run_no) AS rows_run FROM "
            f"(SELECT *, row_number() OVER (ORDER BY {order}) - row_number() OVER "
            f"(PARTITION BY {value} ORDER BY {order}) AS run_no FROM {relation} "
            f"WHERE {value} IS NOT NULL))"
        )

    def counting(self) -> str:
        """One SELECT of how many rows of the table break the rule."""
        table = sql.quote(self.table)
        if self.determinant:
            return (
                f"SELECT coalesce(sum(rows_held), 0) FROM {self.groups(table)} "
                f"WHERE {self.predicate}"
            )
        relation = self.runs(table) if self.order else table
        return f"SELECT count(*) FROM {relation} WHERE {self.predicate}"

    def doubtful(self, relation: str, key: str) -> str:
        """One SELECT of `key` of the rows in `relation` whose value the rule doubts."""
        if not self.determinant:
            relation = self.runs(relation) if self.order else relation
            return f"SELECT {key} FROM {relation} WHERE {self.predicate}"
        a, b = sql.quote(self.determinant), sql.quote(self.column)
        return (
            f"SELECT {key} FROM {relation} AS r JOIN (SELECT * FROM {self.groups(relation)} "
            f"WHERE {self.predicate}) AS g ON r.{a} = g.{a} AND r.{b} IS NOT DISTINCT FROM g.{b}"
        )


def suggest(engine: Engine, table: str, columns: Sequence[Column], rows: int) -> list[Suggestion]:
    """Suggestions for a bound table, those that something breaks first, then the surest.

    Two scans for all plain rules, one more for each dependency and each column of few values.
    """
    found: list[Suggestion] = []
    if not rows or not columns:
        return found
    taken = engine.sample(table, SAMPLE_ROWS)
    values = tuple(zip(*taken, strict=True)) if taken else tuple(() for _ in columns)
    sample = Sample(table, tuple(columns), rows, values)
    if len(taken) < rows:
        sample = replace(sample, counts=_counted(engine, sample))
    proposed = propose(sample)
    measured = engine.measure(table, [metric for one in proposed for metric in _metrics(one)])
    value = {one.metric.id: one.value for one in measured if one.error is None}
    for one in proposed:
        figures = [value.get(metric.id) for metric in _metrics(one)]
        told = [int(figure) for figure in figures if figure is not None]
        if len(told) == len(figures):  # a rule that does not run is none
            found.append(_decided(one, *told))
    return sorted(
        (one for one in found if one.confidence > 0),
        key=lambda one: (not one.violations, -one.confidence, one.column, one.kind, one.id),
    )


def _counted(engine: Engine, sample: Sample) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for column, values in zip(sample.columns, sample.values, strict=True):
        seen = {value for value in values if value is not None}
        if column.type != "VARCHAR" or not 1 < len(seen) <= VALUES_MAX:
            continue
        name = sql.quote(column.name)
        query = (
            f"SELECT {name}, count(*) FROM {sql.quote(sample.table)} WHERE {name} IS NOT NULL "
            f"GROUP BY {name}"
        )
        try:
            found = engine.query(query, rows_max=4 * VALUES_MAX)
        except SanhuaError:  # far more values than the sample had: no column of few values
            continue
        counts[column.name] = {value: int(count) for value, count in found}
    return counts


def _metrics(one: Suggestion) -> list[Metric]:
    """What a rule is tried on, what breaks it, and what would show that it is none."""
    tried = sql.quote(one.determinant or one.column)
    support = f"count({tried})" if one.kind not in ("missing", "carried_over") else "count(*)"
    if one.kind == "repeated":
        breaking = Metric(f"{one.id}#violations", tried, Scan.UNIQUE)
    elif one.order:
        against = replace(one, predicate=one.predicate.replace(_STUCK, _SHORT))
        return [
            Metric(f"{one.id}#support", support),
            Metric(f"{one.id}#violations", one.counting(), Scan.QUERY),
            Metric(f"{one.id}#against", against.counting(), Scan.QUERY),
        ]
    elif one.determinant or "SELECT" in one.predicate:
        breaking = Metric(f"{one.id}#violations", one.counting(), Scan.QUERY)
    else:
        breaking = Metric(f"{one.id}#violations", sql.count_if(one.predicate))
    return [Metric(f"{one.id}#support", support), breaking]


_STUCK, _SHORT = "rows_run >= 6", "rows_run BETWEEN 2 AND 5"
STUCK_ROWS = 500_000  # of a table whose order is looked at


def _decided(one: Suggestion, support: int, violations: int, against: int = 0) -> Suggestion:
    """With its figures over the whole table; a rule that breaks there much more often than the
    sample let expect loses its confidence.
    """
    one = replace(one, support=support, violations=violations)
    if one.kind == "stuck" and (not violations or against > violations / 5):
        return replace(one, confidence=Decimal())
    if one.kind == "dependency" and violations > _BROKEN_MAX * support:
        return replace(one, confidence=Decimal())
    if one.kind == "repeated" and violations > max(2, support // 500):
        return replace(one, confidence=Decimal())
    if one.kind == "missing" and support:
        return replace(one, confidence=_share(1 - 5 * violations / support))
    return one


_BROKEN_MAX = 0.75  # of a dependency's rows, however weak


# Proposing: one column


class _Column:
    """A column of the sample and what is found out about it once."""

    def __init__(self, sample: Sample, number: int) -> None:
        self.sample, self.values = sample, sample.values[number]
        self.name, self.type = sample.columns[number].name, sample.columns[number].type
        self.is_text = self.type == "VARCHAR"
        self.quoted = sql.quote(self.name)
        self.text = self.quoted if self.is_text else f"CAST({self.quoted} AS VARCHAR)"
        self.seen = Counter(value for value in self.values if value is not None)
        whole = sample.counts.get(self.name)
        self.counts: Counter[str] = Counter(whole) if whole else self.seen
        self.filled = sum(self.counts.values())
        self.nulls = len(self.values) - sum(self.seen.values())

    @cached_property
    def missing_words(self) -> list[str]:
        return sorted(v for v in self.counts if v.strip().casefold() in MISSING_WORDS)

    @cached_property
    def real(self) -> Counter[str]:
        """Values that are no word for a missing one."""
        words = MISSING_WORDS | DOUBTFUL_WORDS
        return Counter({v: n for v, n in self.counts.items() if v.strip().casefold() not in words})

    @cached_property
    def forms(self) -> Counter[str]:
        """Every run of digits as `#`: how values are written, whatever the figures."""
        found: Counter[str] = Counter()
        for value, count in self.real.items():
            found[form(value)] += count
        return found

    @cached_property
    def numbers(self) -> int:
        return sum(count for value, count in self.real.items() if _PLAIN.fullmatch(value))

    @cached_property
    def is_number(self) -> bool:
        if not self.is_text:
            return self.type in ("BIGINT", "DOUBLE") or self.type.startswith("DECIMAL")
        total = self.real.total()
        return total > 0 and self.numbers >= 0.95 * total

    @cached_property
    def is_time(self) -> bool:
        """Whether each row has a day or moment of its own, written so that its text sorts."""
        if self.nulls or len(self.seen) < len(self.values):
            return False
        if not self.is_text:
            return self.type in ("DATE", "TIMESTAMP")
        return all(_SORTED_TIME.fullmatch(value) for value in self.seen)

    @cached_property
    def figures(self) -> list[float]:
        """The numbers of the sample, sorted."""
        written = ((v, n) for v, n in self.seen.items() if _PLAIN.fullmatch(v))
        return sorted(float(v) for v, n in written for _ in range(n))

    def make(
        self,
        kind: str,
        indicator: str,
        label: Text,
        predicate: str,
        entry: Mapping[str, Any],
        confidence: float,
        *,
        determinant: str = "",
        order: str = "",
        lists_values: bool = False,
    ) -> Suggestion:
        table = self.sample.table
        told = "\0".join((table, kind, self.name, determinant, predicate * (kind in _BY_TEXT)))
        id = f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:10]}"
        one = Suggestion(
            id, table, kind, self.name, indicator, label, predicate, entry, _share(confidence),
            determinant, order, lists_values=lists_values,
        )  # fmt: skip
        if not entry:
            quality = {"type": "sql", "query": one.counting(), "mustBe": 0}
            one = replace(one, entry={"quality": quality})
        return one


# Kinds with several rules for one column; of the others, new values give the same rule new bounds.
_BY_TEXT = frozenset(
    {"missing_word", "characters", "blanks", "form", "spelling", "values", "order"}
)


def propose(sample: Sample) -> list[Suggestion]:
    """The rules that a sample speaks for, with no figures of the whole table yet."""
    columns = [_Column(sample, number) for number in range(len(sample.columns))]
    found: list[Suggestion] = []
    for column in columns:
        for look in _LOOKS:
            found += look(column)
    paired = [column for column in columns if len(column.seen) > 1][:PAIRED_COLUMNS]
    found += _dependencies(paired)
    found += _carried_over(paired)
    found += _misplaced(paired)
    found += _stuck(columns)
    found += _orders(paired)
    return found


def _missing(column: _Column) -> Iterator[Suggestion]:
    """A column that is nearly always filled. Confidence 1 - 5 x the share of empty cells."""
    if len(column.values) < 10 or column.nulls > 0.2 * len(column.values):
        return
    yield column.make(
        "missing",
        "0201",
        Text(f"{column.name} 必填", f"{column.name} has a value"),
        f"{column.quoted} IS NULL",
        {"required": True},
        1 - 5 * column.nulls / len(column.values),
    )


def _repeated(column: _Column) -> Iterator[Suggestion]:
    """A column whose values (at least 50) are all different but for one in 500."""
    total = sum(column.seen.values())
    if total < 50 or column.nulls or total - len(column.seen) > total // 500:
        return
    if column.type in ("DOUBLE", "BOOLEAN") or column.type.startswith("DECIMAL"):
        return
    group = f"SELECT {column.quoted} FROM {sql.quote(column.sample.table)} "
    again = f"{column.quoted} IN ({group}GROUP BY {column.quoted} HAVING count(*) > 1)"
    few = total - len(column.seen)
    looks_coded = not any(" " in v or "," in v or "." in v for v in column.seen)
    yield column.make(
        "repeated",
        "0304",
        Text(f"{column.name} 不重复", f"{column.name} is unique"),
        again,
        {"unique": True},
        (0.9 if not few else 0.65) if looks_coded else 0.55,
    )


def _missing_word(column: _Column) -> Iterator[Suggestion]:
    """A word that stands for no value: sure where all other values are numbers or dates, less so
    beside words; `empty`, `unknown` and the like may be values and are never sure.
    """
    if not column.is_text or not column.real:
        return
    digits = sum(n for v, n in column.real.items() if v.lstrip("+-")[:1].isdigit())
    numeric = digits >= 0.9 * column.real.total()
    codes = sum(n for v, n in column.real.items() if len(v) <= 3 and v.isalpha())
    sure: list[str] = []
    unsure: list[str] = []
    for word in column.counts:
        folded = word.strip().casefold()
        if folded in MISSING_WORDS:
            a_code = folded.isalpha() and codes >= 0.9 * column.real.total()
            a_word = folded in ("none", "nil")  # an answer in its own right beside other words
            (unsure if (a_code or a_word) and not numeric else sure).append(word)
        elif folded in DOUBTFUL_WORDS:
            unsure.append(word)
    for words, confidence in ((sure, 0.98 if numeric else 0.85), (unsure, 0.5 if numeric else 0.4)):
        if words:
            yield column.make(
                "missing_word",
                "0201",
                Text(
                    f"{column.name} 不以占位词代替缺失值",
                    f"{column.name} holds no word that means “missing”",
                ),
                sql.in_list(column.name, sorted(words)),
                _library("missingValues", "missingValues", sorted(words)),
                confidence,
                lists_values=True,
            )


def _sentinel(column: _Column) -> Iterator[Suggestion]:
    """A number of nines (or its negative) that lies far beyond all other values and recurs."""
    if not column.is_number or len(column.figures) < 50:
        return
    for value in (value for value in column.seen if _SENTINEL.fullmatch(value)):
        if column.seen[value] < (1 if value.startswith("99999") else 3):
            continue
        others = [one for one in column.figures if one != float(value)]
        if not others:
            continue
        spread = max(others) - min(others) or 1.0
        beyond = max(float(value) - max(others), min(others) - float(value))
        lone = value in ("-1", "-1.0") and min(others) > 0  # the one negative among counts
        if beyond > 2 * spread or lone:
            yield column.make(
                "missing_word",
                "0201",
                Text(
                    f"{column.name} 不以 {value} 代替缺失值",
                    f"{column.name} holds no {value} that means “missing”",
                ),
                f"{column.text} = {sql.literal(value)}",
                _library("missingValues", "missingValues", [value]),
                0.85,
                lists_values=True,
            )


def _blanks(column: _Column) -> Iterator[Suggestion]:
    """Blanks before or after a value (where fewer than half have them), and doubled blanks inside
    one that is also written with single blanks.
    """
    if not column.is_text:
        return
    edge = {v: n for v, n in column.counts.items() if v != v.strip() and v.strip()}
    if edge:
        share = sum(edge.values()) / column.filled
        yield column.make(
            "blanks",
            "0302",
            Text(f"{column.name} 首尾无空白", f"{column.name} has no blanks around it"),
            f"{column.quoted} <> trim({column.quoted}, {sql.literal(_BLANKS)})",
            {},
            0.8 if share < 0.5 else 0.35,
        )
    doubled = {v: n for v, n in column.counts.items() if "  " in v.strip()}
    if doubled:
        variants = sum(n for v, n in doubled.items() if re.sub(" {2,}", " ", v) in column.counts)
        sure = variants >= 0.5 * sum(doubled.values())
        yield column.make(
            "blanks",
            "0302",
            Text(f"{column.name} 中无连续空白", f"{column.name} has no doubled blanks"),
            f"trim({column.quoted}) LIKE '%  %'",
            {},
            0.7 if sure else 0.45,
        )


def _damaged(column: _Column) -> Iterator[Suggestion]:
    """Characters that only a wrong decoding leaves behind."""
    if not column.is_text:
        return
    damaged = sum(n for v, n in column.counts.items() if not v.isascii() and _MOJIBAKE.search(v))
    if damaged and damaged < 0.5 * column.filled:
        yield column.make(
            "damaged",
            "0302",
            Text(f"{column.name} 无乱码", f"{column.name} was decoded as it was written"),
            f"regexp_matches({column.quoted}, {sql.literal(_MOJIBAKE.pattern)})",
            {},
            0.85,
        )


def _characters(column: _Column) -> Iterator[Suggestion]:
    """A sign that names and places are not written with (`*`, `@`, `_` …) in fewer than one value
    of fifty, or a figure in fewer than one of two hundred; not in free text. Confidence 0.75, 0.65
    for figures.
    """
    total = column.real.total()
    free = len(column.real) > 0.5 * total or sum(map(len, column.real)) > 40 * len(column.real)
    if not column.is_text or total < 200 or free or column.is_number:
        return
    odd = sum(n for v, n in column.real.items() if _ODD.search(v))
    figures = sum(n for v, n in column.real.items() if _DIGITS.search(v))
    label = Text(f"{column.name} 只用通常的字符", f"{column.name} holds no unusual characters")
    for count, most, pattern, confidence in (
        (odd, 0.02, _ODD.pattern, 0.75),
        (figures, 0.005, "[0-9]", 0.65),
    ):
        if 0 < count <= most * total:
            predicate = f"regexp_matches({column.quoted}, {sql.literal(pattern)})"
            yield column.make("characters", "0302", label, predicate, {}, confidence)


def _number(column: _Column) -> Iterator[Suggestion]:
    """A number is a number alone.

    Where at least 60 % of the values are, what is not is doubtful: surely when it is a number with
    a unit or sign beside it, otherwise 1 - 4 x its share. Where nearly every value carries a unit,
    one spelling of it is a form like any other; several spellings are no form at all, and what each
    cell should hold is the number.
    """
    total = column.real.total()
    if not column.is_text or total < 10:
        return
    rest = total - column.numbers
    units: Counter[str] = Counter()
    apart = 0  # of what stands beside a number, what is no single letter written onto it
    for value, count in column.real.items():
        unit = _unit(value)
        if unit is not None:
            units[unit] += count
            apart += count if len(unit) > 1 or not unit.isalpha() or " " in value else 0
    carried = units.total()
    label = Text(f"{column.name} 只写数字", f"{column.name} is a number alone")
    if rest and column.numbers >= 0.6 * total:
        with_unit = apart >= 0.5 * rest and len(units) <= max(3, carried // 10)
        confidence = 0.9 - 0.3 * rest / total if with_unit else 0.95 - 4 * rest / total
        yield _shaped(column, "number", label, NUMBER, confidence)
        return
    spellings = {unit.casefold().strip(" .") for unit in units}
    one_unit = len({spelling[:1] for spelling in spellings}) == 1
    if (
        carried >= 0.95 * total
        and 1 < len(units) <= 30
        and units.most_common(1)[0][1] < 0.8 * carried
        and max(map(len, units)) <= 24
    ):
        yield _shaped(column, "number", label, NUMBER, 0.8 if one_unit else 0.55)


def _pattern(column: _Column) -> Iterator[Suggestion]:
    """Few forms cover nearly all values that hold digits, so that a rare form is doubtful.

    A form is common when it has 1.5 % of the values and five of them. Confidence is the share that
    the common forms cover. A form that is another, commoner one with something added (a date
    before a time, a unit behind a number) is doubtful up to a share of 40 %.
    """
    total = column.real.total()
    if not column.is_text or total < 20:
        return
    with_digits = sum(count for one, count in column.forms.items() if "#" in one)
    if with_digits < 0.5 * total or column.numbers >= 0.6 * total:
        yield from _one_length(column)
        return
    common = [
        (one, count) for one, count in column.forms.most_common(40) if count >= max(5, 0.01 * total)
    ]
    kept: list[str] = []
    decorated = 0
    for one, count in common:
        if count <= 0.4 * total and any(
            _decorates(one, other) for other in kept if column.forms[other] > count
        ):
            decorated += count
        else:
            kept.append(one)
    if kept and column.forms[kept[0]] >= 0.85 * total:
        often = [one for one in kept if column.forms[one] >= 0.03 * total]
        kept = kept[:1] + [one for one in often[1:] if _variant(one, kept[0])]
    rare = total - sum(column.forms[one] for one in kept)
    if len(kept) == 1 and kept[0] in _DAYS:
        yield from _years(column, kept[0])
    if not kept or not rare or rare - decorated > 0.15 * total or len(kept) > 30:
        return
    words = [form(word) for word in column.counts if word.casefold() in DOUBTFUL_WORDS]
    words += [form(word) for word in column.missing_words]
    regex = "^(?:" + "|".join(_regex_of(one) for one in [*kept, *sorted(set(words))]) + ")$"
    written = "、".join(kept[:4])
    label = Text(f"{column.name} 的写法：{written}", f"{column.name} is written {written}")
    yield _shaped(column, "form", label, regex, 1 - (rare - decorated) / total - 0.15)


def _years(column: _Column, one: str) -> Iterator[Suggestion]:
    """Days whose year is written with two digits here and with four there: the fewer are doubtful
    up to a share of 30 %. Confidence 0.9 - their share.
    """
    lengths: Counter[tuple[int, ...]] = Counter()
    for value, count in column.real.items():
        if form(value) == one:
            lengths[tuple(len(run) for run in _DIGITS.findall(value))] += count
    for at in (-1, 0):
        seen: Counter[int] = Counter()
        for runs, count in lengths.items():
            seen[runs[at]] += count
        if len(seen) != 2 or set(seen) != {2, 4}:
            continue
        (usual, many), (_, few) = seen.most_common(2)
        if few > 0.3 * (few + many):
            continue
        parts = ["[0-9]+"] * one.count("#")
        parts[at] = f"[0-9]{{{usual}}}"
        pieces = [re.escape(piece) for piece in one.split("#")]
        middle = "".join(a + b for a, b in zip(pieces, [*parts, ""], strict=True))
        label = Text(f"{column.name} 的年份为 {usual} 位", f"{column.name} has {usual}-digit years")
        yield _shaped(column, "form", label, f"^{middle}$", 0.9 - few / (few + many))


def _one_length(column: _Column) -> Iterator[Suggestion]:
    """Codes of one length. Digits: at least five and 98 % of one length, or any and 90 % where some
    begin with a zero, as no amount does; letters: two to four of them in 90 % of the values.
    """
    total = column.real.total()
    if len(column.real) < 3:
        return
    for kind, test, zh, en in (
        ("[0-9]", str.isdigit, "位数字", "digits"),
        ("[A-Za-z]", str.isalpha, "个字母", "letters"),
    ):
        lengths: Counter[int] = Counter()
        zeros = 0
        for value, count in column.real.items():
            if value.isascii() and test(value):
                lengths[len(value)] += count
                zeros += count if value[0] == "0" and len(value) > 1 else 0
        if lengths.total() < (0.9 if kind == "[0-9]" else 0.5) * total:
            continue
        length, count = lengths.most_common(1)[0]
        rest = (lengths.total() if kind == "[0-9]" else total) - count
        if kind == "[0-9]":
            wanted = 0.9 if zeros >= 3 else 0.98 if length >= 5 else 2
        else:
            wanted = 0.9 if 2 <= length <= 4 else 2
        if rest and count >= wanted * (count + rest) and len(column.real) >= 4:
            label = Text(f"{column.name} 为 {length} {zh}", f"{column.name} is {length} {en}")
            regex = f"^{kind}{{{length}}}$"
            yield _shaped(column, "form", label, regex, 0.9 - 2 * rest / total)


def _shaped(column: _Column, kind: str, label: Text, regex: str, confidence: float) -> Suggestion:
    words = sorted({*column.missing_words, *(w for w in column.counts
                    if w.casefold() in DOUBTFUL_WORDS)})  # fmt: skip
    predicate = f"NOT regexp_matches({column.quoted}, {sql.literal(regex)})"
    if words and kind == "number":  # told by a rule of their own
        regex = f"{regex[:-1]}|^({'|'.join(re.escape(w) for w in words)})$"
        predicate = f"NOT regexp_matches({column.quoted}, {sql.literal(regex)})"
    entry = _library("invalidValues", "pattern", regex)
    words_in_it = re.search(r"[^\W\d_]{3}", regex.replace("a-z", "").replace("A-Z", ""))
    lists = kind == "form" and words_in_it is not None
    return column.make(kind, "0302", label, predicate, entry, confidence, lists_values=lists)


def _spelling(column: _Column) -> Iterator[Suggestion]:
    """A rare value one or two letters away from a frequent one, or other in case alone.

    Figures never count as letters. Confidence 0.8; 0.7 for case.
    """
    if not column.is_text or len(column.counts) < 2:
        return
    forms: dict[str, list[str]] = defaultdict(list)
    for value in column.real:
        forms[form(value)].append(value)
    counts = column.forms
    if len(counts) > 4 * VALUES_MAX or counts.most_common(1)[0][1] < 5:
        return
    frequent = [(one, count) for one, count in counts.most_common(400) if count >= 5]
    top = frequent[0][1]
    near: list[str] = []
    cased: list[str] = []
    folded = {one.casefold(): count for one, count in reversed(frequent)}
    masked = [(one, count, _mask(one)) for one, count in frequent]
    for one, count in sorted(counts.items()):
        if count * 5 > top or len(near) > 5 * LISTED_MAX:
            continue
        if folded.get(one.casefold(), 0) >= 5 * count and any(c.isalpha() for c in one):
            cased += forms[one]
            continue
        edits = _edits(one, few=len(frequent) <= 20)
        if not edits:
            continue
        mask = _mask(one)
        for other, many, bits in masked:
            ratio = 50 if len(one) < 4 else 10 if len(one) < 12 else 5
            if many < ratio * count or many < 5:
                break  # sorted: no later one is frequent enough
            if (
                abs(len(one) - len(other)) <= edits
                and (mask ^ bits).bit_count() <= 2 * edits
                and _within(one, other, edits)
                and not _other_word(one, other)
            ):
                near += forms[one]
                break
    for found, confidence, zh, en in (
        (near, 0.8, "没有疑似误写的值", "has no value that looks mistyped"),
        (cased, 0.7, "大小写一致", "is written in one case"),
    ):
        for start in range(0, min(len(found), 5 * LISTED_MAX), LISTED_MAX):
            yield column.make(
                "spelling",
                "0301",
                Text(f"{column.name} {zh}", f"{column.name} {en}"),
                sql.in_list(column.name, sorted(found)[start : start + LISTED_MAX]),
                {},
                confidence,
                lists_values=True,
            )


def _values(column: _Column) -> Iterator[Suggestion]:
    """A closed set of at most 30 words. A value is of it when it has half a percent of the rows;
    confidence 0.55 with rare values outside it, which may be honest, 0.75 without.
    """
    total = column.real.total()
    if not column.is_text or not 1 < len(column.counts) <= 300 or column.filled < 100:
        return
    if sum(map(len, column.counts)) > 40 * len(column.counts) or column.is_number:
        return
    common = [v for v, n in column.counts.items() if n >= max(5, 0.005 * column.filled)]
    covered = sum(column.counts[v] for v in common)
    if not 1 < len(common) <= 30 or covered < 0.97 * column.filled or not total:
        return
    yield column.make(
        "values",
        "0105",
        Text(f"{column.name} 取自 {len(common)} 个值", f"{column.name} is one of {len(common)}"),
        f"{column.text} NOT IN ({', '.join(map(sql.literal, sorted(common)))})",
        _library("invalidValues", "validValues", sorted(common)),
        0.75 if covered == column.filled else 0.55,
        lists_values=True,
    )


def _range(column: _Column) -> Iterator[Suggestion]:
    """Bounds far outside what most rows hold: three times the span of the middle 98 % beyond it,
    reckoned on logarithms too where values are positive and skewed; the end itself where one value
    in a hundred stands there. Confidence 0.65.
    """
    figures = column.figures
    if not column.is_number or len(figures) < 100 or len(set(figures)) < 20:
        return
    cut = quantiles(figures, n=100, method="inclusive")
    low, middle, high = cut[0], cut[49], cut[98]
    span = high - low
    if span <= 0:
        return
    floor, ceiling = low - 3 * span, high + 3 * span
    if low > 0 and high - middle > 3 * (middle - low):
        ceiling = max(ceiling, high * (high / middle))
    least, most = figures[0], figures[-1]
    often = len(figures) // 100
    if figures[often] == least or (least >= 0 and floor < 0):  # many stand at the very end
        floor = least if figures[often] == least else 0.0
    if figures[-1 - often] == most:
        ceiling = most
    value = column.quoted if not column.is_text else f"TRY_CAST({column.quoted} AS DOUBLE)"
    floor_text, ceiling_text = _round_out(floor, down=True), _round_out(ceiling, down=False)
    outside = sum(one < float(floor_text) or one > float(ceiling_text) for one in figures)
    if outside > max(3, len(figures) // 200):
        return
    yield column.make(
        "range",
        "0301",
        Text(
            f"{column.name} 在 {floor_text} 与 {ceiling_text} 之间",
            f"{column.name} lies between {floor_text} and {ceiling_text}",
        ),
        f"{value} < {floor_text} OR {value} > {ceiling_text}",
        {},
        0.65 if most > 0 or least < 0 else 0.5,
    )


_LOOKS = (
    _missing, _repeated, _missing_word, _sentinel, _blanks, _damaged, _characters, _number,
    _pattern, _spelling, _values, _range,
)  # fmt: skip


# Proposing: between columns


@dataclass(frozen=True, slots=True)
class _Pair:
    determinant: _Column
    column: _Column
    held: float  # share of rows that have the most frequent value of their group
    mu: float  # the same, corrected for what chance would give (pdep, Piatetsky-Shapiro)
    strong: bool


def _dependencies(columns: Sequence[_Column]) -> Iterator[Suggestion]:
    """Columns that determine others (functional dependencies with few violations).

    A group is the rows of one value of the determinant; the value that fewer than half as many rows
    hold as the group's most frequent is the suspect. Strong: 90 % of the rows hold the most
    frequent value and it is no accident (mu 0.35). Weak, where many sources tell of the same things
    and often disagree: in groups of five and more most have a clear leader that chance does not
    explain, and few are of one mind (a hierarchy read upwards has such groups). Confidence is the
    share that holds; of a weak one mu / 10 and 0.6, or 0.5 where the determinant tells only one
    column so: a measure that varies looks the same.
    """
    wide = max(len(columns) * (len(columns) - 1), 1)
    some = max(2_000, PAIRED_VALUES // wide)
    coded = {id(column): _Coded.of(column.values[:some]) for column in columns}
    pairs: dict[tuple[str, str], _Pair] = {}
    for a in columns:
        for b in columns:
            if a is not b:
                pair = _pair(a, b, coded[id(a)], coded[id(b)])
                if pair is not None:
                    pairs[a.name, b.name] = pair
    kept: dict[str, list[_Pair]] = defaultdict(list)
    weak: Counter[str] = Counter()
    for (a_name, b_name), pair in pairs.items():
        back = pairs.get((b_name, a_name))
        if pair.strong and (back is None or back.strong):
            kept[b_name].append(pair)
        elif not pair.strong:
            kept[b_name].append(pair)
            weak[a_name] += 1
    for found in kept.values():
        strong = [pair for pair in found if pair.strong]
        ranked = sorted(
            strong or found,
            key=lambda p: (0 if p.strong else -weak[p.determinant.name], -p.held, -p.mu,
                           p.determinant.name),
        )  # fmt: skip
        for pair in ranked[:DETERMINANTS]:
            a, b = pair.determinant, pair.column
            yield b.make(
                "dependency",
                "0301",
                Text(f"{a.name} 决定 {b.name}", f"{a.name} determines {b.name}"),
                "rows_held * 2 <= rows_most "
                f"OR ({b.quoted} IS NULL AND rows_held <= 2 * rows_most)",
                {},
                pair.held if pair.strong else 0.5 + 0.1 * (weak[a.name] > 1) + pair.mu / 10,
                determinant=a.name,
            )


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column's values as numbers, -1 for NULL; of those that recur, how often each does."""

    codes: list[int]
    sizes: Mapping[int, int]
    rows: int

    @staticmethod
    def of(values: Sequence[str | None]) -> _Coded:
        known: dict[str | None, int] = {None: -1}
        codes = [known.setdefault(value, len(known) - 1) for value in values]
        sizes = {code: n for code, n in Counter(codes).items() if n > 1 and code >= 0}
        return _Coded(codes, sizes, sum(sizes.values()))


def _pair(a: _Column, b: _Column, left: _Coded, right: _Coded) -> _Pair | None:
    sizes, rows = left.sizes, left.rows
    if len(sizes) < 2 or rows < 20 or rows < 0.3 * len(left.codes):
        return None
    width = len(left.codes) + 1
    most: dict[int, int] = dict.fromkeys(sizes, 0)
    second: dict[int, int] = dict.fromkeys(sizes, 0)
    whole: dict[int, int] = defaultdict(int)
    squares = 0.0
    together = Counter(x * width + y + 1 for x, y in zip(left.codes, right.codes, strict=True))
    for code, count in together.items():
        x, y = divmod(code, width)
        size = sizes.get(x)
        if size is None:
            continue
        whole[y] += count
        squares += count * count / size
        if y and count > most[x]:
            most[x], second[x] = count, most[x]
        elif y and count > second[x]:
            second[x] = count
    if len(whole) < 2:
        return None
    held = sum(most.values()) / rows
    chance = sum(count * count for count in whole.values()) / rows**2
    mu = 1 - (1 - squares / rows) / (1 - chance) * (rows - 1) / (rows - len(sizes))
    if held >= 0.9 and mu >= 0.35:
        return _Pair(a, b, held, mu, True)
    large = [x for x, size in sizes.items() if size >= 5]
    clear = sum(most[x] >= 3 and most[x] >= 2 * second[x] for x in large)
    pure = sum(most[x] == sizes[x] for x in large)
    if (
        rows >= 5 * len(sizes)
        and held >= 0.35
        and chance <= 0.05
        and mu >= 0.2
        and len(large) >= 5
        and clear >= 0.6 * len(large)
        and pure <= 0.3 * len(large)
    ):
        return _Pair(a, b, held, mu, False)
    return None


def _carried_over(columns: Sequence[_Column]) -> Iterator[Suggestion]:
    """A value that slid into its neighbour: `Denver CO` in a column of places whose column of
    states, one of few short codes, is empty there. Confidence 0.9 where most of the empty rows show
    it.
    """
    narrow = [
        b for b in columns
        if b.is_text and b.nulls and 2 <= len(b.seen) <= 500 and max(map(len, b.seen)) <= 20
    ]  # fmt: skip
    for b in narrow:
        codes = set(b.seen)
        for a in columns:
            if a is b or not a.is_text:
                continue
            empty = carried = other = 0
            for left, right in zip(a.values, b.values, strict=True):
                tail = left.rpartition(" ")[2] if left and " " in left else ""
                if right is None:
                    empty += 1
                    carried += tail in codes
                elif tail and tail == right:
                    other += 1
            if carried < 3 or carried < 0.3 * empty or other > 0.3 * len(a.values):
                continue
            table = sql.quote(a.sample.table)
            tail = f"split_part({a.quoted}, ' ', -1)"
            known = f"SELECT {b.quoted} FROM {table} WHERE {b.quoted} IS NOT NULL"
            slid = f"{a.quoted} LIKE '% %' AND {b.quoted} IS NULL AND {tail} IN ({known})"
            label = Text(
                f"{a.name} 不含 {b.name} 的值", f"{a.name} does not hold the value of {b.name}"
            )
            for column in (a, b):
                yield column.make("carried_over", "0302", label, slid, {}, 0.9)


def _misplaced(columns: Sequence[_Column]) -> Iterator[Suggestion]:
    """A rare word that is at home in another column: at most one in a hundred here, at least one in
    fifty there, where the two columns share no frequent word. Confidence 0.75.
    """
    words = [
        column
        for column in columns
        if column.is_text and not column.is_number and len(column.seen) <= 0.5 * column.filled
    ]
    home = {
        column.name: {v for v, n in column.real.items() if n >= max(5, 0.02 * column.filled)}
        for column in words
    }
    for column in words:
        found: set[str] = set()
        for other in words:
            if other is not column and not home[column.name] & home[other.name]:
                found |= {
                    v
                    for v in home[other.name]
                    if 0 < column.counts[v] <= 0.01 * column.filled and len(v) > 1
                }
        if 0 < len(found) <= 10:
            yield column.make(
                "misplaced",
                "0301",
                Text(f"{column.name} 不含他列的值", f"{column.name} holds no other column's value"),
                sql.in_list(column.name, sorted(found)),
                {},
                0.75,
                lists_values=True,
            )


def _stuck(columns: Sequence[_Column]) -> Iterator[Suggestion]:
    """Six and more rows in a row, in order of time, with the same figure of many: a sensor that
    stands still. The figure that is most frequent of all (a zero at night) may stay.

    Confidence 0.8, none where runs of two to five are not rare beside: such figures are coarse.
    """
    sample = columns[0].sample
    times = [column for column in columns if column.is_time]
    if not times or sample.rows > STUCK_ROWS:
        return
    for column in columns:
        figures = column.figures
        if not column.is_number or len(figures) < 200 or len(set(figures)) < 100:
            continue
        if len(column.seen) == sum(column.seen.values()):
            continue
        value, count = column.seen.most_common(1)[0]
        usual = f" AND {column.text} <> {sql.literal(value)}" if count > 0.1 * len(figures) else ""
        label = Text(f"{column.name} 不长时间停在一个值", f"{column.name} does not stand still")
        yield column.make(
            "stuck", "0301", label, _STUCK + usual, {}, 0.8, order=times[0].name,
            lists_values=False,
        )  # fmt: skip


def _orders(columns: Sequence[_Column]) -> Iterator[Suggestion]:
    """One column never above another of the same kind: days and moments, or numbers of one scale.

    Confidence 0.75 for days and moments, 0.5 for numbers; both values are doubtful where it breaks.
    """
    for at, a in enumerate(columns):
        for b in columns[at + 1 :]:
            if a.type != b.type or a.type not in ("DATE", "TIMESTAMP"):
                continue
            rows = [(x, y) for x, y in zip(a.values, b.values, strict=True) if x and y]
            if len(rows) < 50:
                continue
            for low, high, kept in (
                (a, b, sum(x <= y for x, y in rows)),
                (b, a, sum(y <= x for x, y in rows)),
            ):
                same = sum(x == y for x, y in rows)
                if kept >= 0.99 * len(rows) and same < 0.9 * len(rows):
                    label = Text(
                        f"{low.name} 不晚于 {high.name}", f"{low.name} is not after {high.name}"
                    )
                    yield high.make(
                        "order", "0301", label, f"{low.quoted} > {high.quoted}", {}, 0.75
                    )


# Writing


def _library(metric: str, argument: str, value: Any) -> dict[str, Any]:
    return {"quality": {"metric": metric, "arguments": {argument: value}, "mustBe": 0}}


def written(one: Suggestion) -> dict[str, Any]:
    """The rule as a contract writes it: `{"required": True}`, or an entry of `quality`."""
    rule = one.entry.get("quality")
    if rule is None:
        return dict(one.entry)
    return {
        "name": one.id,
        "description": one.label.zh,
        **rule,
        "severity": "warning",
        "customProperties": [{"property": "indicator", "value": one.indicator}],
    }


def examples(engine: Engine, one: Suggestion, most: int) -> tuple[tuple[str, int], ...]:
    """The values that most often break a rule, and in how many rows; NULL is told as empty."""
    column = sql.quote(one.column)
    key = f"CAST({'r.' if one.determinant else ''}{column} AS VARCHAR) AS doubted"
    query = (
        f"SELECT coalesce(doubted, ''), count(*) AS times FROM "
        f"({one.doubtful(sql.quote(one.table), key)}) GROUP BY doubted "
        f"ORDER BY times DESC, doubted LIMIT {most}"
    )
    return tuple((str(value), int(times)) for value, times in engine.query(query))


# Forms of text

MISSING_WORDS = frozenset(
    "n/a|#n/a|na|n.a.|n.a|null|<null>|(null)|none|nan|nil|#null!|#value!|#ref!|#div/0!|#name?|\\n|"
    "-|--|---|–|—|?|??|???|.|..|/|//|*|_|无数据|暂无|暂无数据|空|空值|缺失|缺|未填|未填写".split(
        "|"
    )
)
# These may be a value in their own right.
DOUBTFUL_WORDS = frozenset(
    "empty|(empty)|blank|(blank)|unknown|unk|missing|not available|not applicable|not specified|"
    "undefined|tbd|tba|other|xxx|无|不详|未知|不明|其他|待定".split("|")
)

NUMBER = r"^[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_PLAIN = re.compile(NUMBER.strip("^$"), re.ASCII)
_SUFFIXED = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*\s*([^\d\s.,:/+-][^\d]{0,23})")
_PREFIXED = re.compile(r"([^\d\s.,:/+-][^\d+-]{0,3}?)\s*[0-9]+(?:[.,][0-9]+)*")
_BLANKS = " \t\r\n\u00a0\u3000"
_ODD = re.compile(r"[*@^~|\\<>{}\[\]_=+!$%;`]")
_SENTINEL = re.compile(r"-?9{3,}0*(\.0+)?|-1(\.0)?")
_DIGITS = re.compile(r"[0-9]+")
_MOJIBAKE = re.compile(
    "\ufffd|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac|\u00ef\u00bf|[\u0080-\u009f]|锟斤拷"
)
_SORTED_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([+-]\d{2}:?\d{2}|Z)?")
_DAYS = ("#/#/#", "#-#-#", "#.#.#")
_STAMP = re.compile(r"[^A-Za-z#]*#[-/.]#([-/.]#)?[ T,]*")


def form(value: str) -> str:
    """A value with every run of digits as `#`."""
    return _DIGITS.sub("#", value)


def _unit(value: str) -> str | None:
    """What stands beside the number, None when it is no number with a unit."""
    found = _SUFFIXED.fullmatch(value)
    if found is None and not value[:1].isdigit():
        found = _PREFIXED.fullmatch(value)
    return found[1] if found else None


def _decorates(one: str, plain: str) -> bool:
    """Whether a form is another with something added before or behind."""
    if len(one) <= len(plain) or "#" not in plain:
        return False
    if one.endswith(plain):
        added = one[: -len(plain)]
    elif one.startswith(plain):
        added = one[len(plain) :]
    else:
        return False
    if "#" not in added:
        return not _variant(one, plain)
    return plain.count("#") >= 2 and _STAMP.fullmatch(added) is not None


def _variant(one: str, other: str) -> bool:
    """Whether one form has a letter or two more than another at its end or beginning, as codes do
    (a check digit X, a class).
    """
    short, long = sorted((one, other), key=len)
    added = long.removeprefix(short) if long.startswith(short) else long.removesuffix(short)
    return added != long and len(added) <= 2 and added.isalnum()


def _regex_of(one: str) -> str:
    return "[0-9]+".join(re.sub(r"([^\w\s%/:,;@#&'\"<>=!~`-])", r"\\\1", part)
                         for part in one.split("#"))  # fmt: skip


def _mask(text: str) -> int:
    """The set of its characters, folded into 64 bits."""
    mask = 0
    for character in text:
        mask |= 1 << (ord(character) & 63)
    return mask


def _within(one: str, other: str, edits: int) -> bool:
    """Whether so many insertions, deletions and substitutions make one of the other."""
    if len(one) > len(other):
        one, other = other, one
    row = list(range(len(one) + 1))
    for at, character in enumerate(other, 1):
        above, row[0] = row[0], at
        least = at
        for n, own in enumerate(one, 1):
            above, row[n] = row[n], min(row[n] + 1, row[n - 1] + 1, above + (own != character))
            least = min(least, row[n])
        if least > edits:
            return False
    return row[-1] <= edits


def _edits(one: str, *, few: bool) -> int:
    """How many slips of the pen a form may have. None in the short codes of a long list, which lie
    close by nature, and one in Chinese, where a character is a word.
    """
    if not one.isascii() and sum(c > "\u2e7f" for c in one) * 2 > len(one):
        return int(len(one) >= 8)
    if sum(c.isalpha() for c in one) < 3 or (len(one) < 5 and not few):
        return 0
    return 1 if len(one) < 8 else 2 if len(one) < 20 else len(one) // 9


def _other_word(one: str, other: str) -> bool:
    """Whether they differ in a whole short word or in a number's place, as codes do."""
    left, right = re.split(r"[^\w#]+", one), re.split(r"[^\w#]+", other)
    if len(left) != len(right):
        return False
    differing = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    return any(
        ("#" in a and "#" in b and len(a) > 1 and len(b) > 1)
        or (len(left) > 1 and len(a) <= 2 and len(b) <= 2)
        for a, b in differing
    )


def _round_out(value: float, *, down: bool) -> str:
    """To two significant digits, away from the middle."""
    if value == 0:
        return "0"
    exact = Decimal(repr(value))
    step = Decimal(1).scaleb(exact.adjusted() - 1)
    whole = (exact / step).to_integral_value("ROUND_FLOOR" if down else "ROUND_CEILING")
    return format(whole * step, "f")


def _share(value: float | Decimal) -> Decimal:
    return min(max(Decimal(str(round(float(value), 3))), Decimal()), Decimal(1)).quantize(PLACES)
