"""What the values of one column propose."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from statistics import quantiles
from typing import Any

from sanhua import sql
from sanhua.kernel.text import Text
from sanhua.resource.suggest.form import (
    BLANKS,
    DAYS,
    DIGITS,
    DOUBTFUL_WORDS,
    MISSING_WORDS,
    MOJIBAKE,
    NUMBER,
    ODD,
    PLAIN,
    SENTINEL,
    SORTED_TIME,
    decorates,
    edits_of,
    form,
    is_other_word,
    is_variant,
    is_within,
    mask_of,
    regex_of,
    unit_of,
)
from sanhua.resource.suggest.rule import Sample, Suggestion, library, share

VALUES_MAX = 5_000  # distinct values of a column that are all counted
LISTED_MAX = 200  # values that one rule lists

# Kinds with several rules for one column; of the others, new values give the same rule new bounds.
BY_TEXT = frozenset({"missing_word", "characters", "blanks", "form", "spelling", "values", "order"})


class SampledColumn:
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
    def known(self) -> Sequence[str | None]:
        """The sample's values, a word for a missing one as NULL."""
        words = set(self.missing_words)
        return [None if v in words else v for v in self.values] if words else self.values

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
        return sum(count for value, count in self.real.items() if PLAIN.fullmatch(value))

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
        return all(SORTED_TIME.fullmatch(value) for value in self.seen)

    @cached_property
    def is_measure(self) -> bool:
        """Whether it is a number with decimals, which names nothing."""
        figures = not self.is_text or self.numbers >= 0.5 * self.real.total()
        return figures and sum("." in value for value in self.seen) > 0.01 * len(self.seen)

    @cached_property
    def figures(self) -> list[float]:
        """The numbers of the sample, sorted."""
        written = ((v, n) for v, n in self.seen.items() if PLAIN.fullmatch(v))
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
        determinant: tuple[str, ...] = (),
        order: str = "",
        lists_values: bool = False,
    ) -> Suggestion:
        table = self.sample.table
        by = "\0".join(determinant)
        told = "\0".join((table, kind, self.name, by, predicate * (kind in BY_TEXT)))
        id = f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:10]}"
        one = Suggestion(
            id, table, kind, self.name, indicator, label, predicate, entry, share(confidence),
            determinant, order, lists_values=lists_values,
        )  # fmt: skip
        if not entry:
            quality = {"type": "sql", "query": one.counting(), "mustBe": 0}
            one = replace(one, entry={"quality": quality})
        return one


def _missing(column: SampledColumn) -> Iterator[Suggestion]:
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


def _repeated(column: SampledColumn) -> Iterator[Suggestion]:
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


def _missing_word(column: SampledColumn) -> Iterator[Suggestion]:
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
                library("missingValues", "missingValues", sorted(words)),
                confidence,
                lists_values=True,
            )


def _sentinel(column: SampledColumn) -> Iterator[Suggestion]:
    """A number of nines (or its negative) that lies far beyond all other values and recurs."""
    if not column.is_number or len(column.figures) < 50:
        return
    for value in (value for value in column.seen if SENTINEL.fullmatch(value)):
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
                library("missingValues", "missingValues", [value]),
                0.85,
                lists_values=True,
            )


def _blanks(column: SampledColumn) -> Iterator[Suggestion]:
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
            f"{column.quoted} <> trim({column.quoted}, {sql.literal(BLANKS)})",
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


def _damaged(column: SampledColumn) -> Iterator[Suggestion]:
    """Characters that only a wrong decoding leaves behind."""
    if not column.is_text:
        return
    damaged = sum(n for v, n in column.counts.items() if not v.isascii() and MOJIBAKE.search(v))
    if damaged and damaged < 0.5 * column.filled:
        yield column.make(
            "damaged",
            "0302",
            Text(f"{column.name} 无乱码", f"{column.name} was decoded as it was written"),
            f"regexp_matches({column.quoted}, {sql.literal(MOJIBAKE.pattern)})",
            {},
            0.85,
        )


def _characters(column: SampledColumn) -> Iterator[Suggestion]:
    """A sign that names and places are not written with (`*`, `@`, `_` …) in fewer than one value
    of fifty, or a figure in fewer than one of two hundred; not in free text. Confidence 0.75 where
    a value in three without its sign is one of the column, 0.5 otherwise; 0.65 for figures.
    """
    total = column.real.total()
    free = len(column.real) > 0.5 * total or sum(map(len, column.real)) > 40 * len(column.real)
    if not column.is_text or total < 200 or free or column.is_number:
        return
    signed = {v: n for v, n in column.real.items() if ODD.search(v)}
    known = sum(n for v, n in signed.items() if ODD.sub("", v).strip(" -.,") in column.real)
    odd = sum(signed.values())
    figures = sum(n for v, n in column.real.items() if DIGITS.search(v))
    label = Text(f"{column.name} 只用通常的字符", f"{column.name} holds no unusual characters")
    for count, most, pattern, confidence in (
        (odd, 0.02, ODD.pattern, 0.75 if known * 3 >= odd else 0.5),
        (figures, 0.005, "[0-9]", 0.65),
    ):
        if 0 < count <= most * total:
            predicate = f"regexp_matches({column.quoted}, {sql.literal(pattern)})"
            yield column.make("characters", "0302", label, predicate, {}, confidence)


def _number(column: SampledColumn) -> Iterator[Suggestion]:
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
        unit = unit_of(value)
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


def _pattern(column: SampledColumn) -> Iterator[Suggestion]:
    """Few forms cover nearly all values that hold digits, so that a rare form is doubtful.

    A form is common when it has half a percent of the values and five of them. Confidence is the
    share that the common forms cover, less 0.15. A form that is another, commoner one with
    something added (a date before a time, a unit behind a number) is doubtful up to a share of
    40 %.
    """
    total = column.real.total()
    if not column.is_text or total < 20:
        return
    with_digits = sum(count for one, count in column.forms.items() if "#" in one)
    if with_digits < 0.5 * total or column.numbers >= 0.6 * total:
        yield from _one_length(column)
        return
    common = [
        (one, count)
        for one, count in column.forms.most_common(40)
        if count >= max(5, 0.005 * total)
    ]
    kept: list[str] = []
    decorated = 0
    for one, count in common:
        if count <= 0.4 * total and any(
            decorates(one, other) for other in kept if column.forms[other] > count
        ):
            decorated += count
        else:
            kept.append(one)
    if kept and column.forms[kept[0]] >= 0.85 * total:
        often = [one for one in kept if column.forms[one] >= 0.03 * total]
        kept = kept[:1] + [one for one in often[1:] if is_variant(one, kept[0])]
    rare = total - sum(column.forms[one] for one in kept)
    if len(kept) == 1 and kept[0] in DAYS:
        yield from _years(column, kept[0])
    if not kept or not rare or rare - decorated > 0.15 * total or len(kept) > 30:
        return
    words = [form(word) for word in column.counts if word.casefold() in DOUBTFUL_WORDS]
    words += [form(word) for word in column.missing_words]
    regex = "^(?:" + "|".join(regex_of(one) for one in [*kept, *sorted(set(words))]) + ")$"
    written = "、".join(kept[:4])
    label = Text(f"{column.name} 的写法：{written}", f"{column.name} is written {written}")
    yield _shaped(column, "form", label, regex, 1 - (rare - decorated) / total - 0.15)


def _years(column: SampledColumn, one: str) -> Iterator[Suggestion]:
    """Days whose year is written with two digits here and with four there: the fewer are doubtful
    up to a share of 30 %. Confidence 0.9 - their share.
    """
    lengths: Counter[tuple[int, ...]] = Counter()
    for value, count in column.real.items():
        if form(value) == one:
            lengths[tuple(len(run) for run in DIGITS.findall(value))] += count
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


def _one_length(column: SampledColumn) -> Iterator[Suggestion]:
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


def _shaped(
    column: SampledColumn, kind: str, label: Text, regex: str, confidence: float
) -> Suggestion:
    words = sorted({*column.missing_words, *(w for w in column.counts
                    if w.casefold() in DOUBTFUL_WORDS)})  # fmt: skip
    predicate = f"NOT regexp_matches({column.quoted}, {sql.literal(regex)})"
    if words and kind == "number":  # told by a rule of their own
        regex = f"{regex[:-1]}|^({'|'.join(re.escape(w) for w in words)})$"
        predicate = f"NOT regexp_matches({column.quoted}, {sql.literal(regex)})"
    entry = library("invalidValues", "pattern", regex)
    spelled = regex.replace("a-z", "").replace("A-Z", "")
    words_in_it = re.search(r"[^\W\d_]{3}|[\u3400-\u9fff]{2}", spelled)  # two are a Chinese name
    lists = kind == "form" and words_in_it is not None
    return column.make(kind, "0302", label, predicate, entry, confidence, lists_values=lists)


def _spelling(column: SampledColumn) -> Iterator[Suggestion]:
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
    masked = [(one, count, mask_of(one)) for one, count in frequent]
    for one, count in sorted(counts.items()):
        if count * 5 > top or len(near) > 5 * LISTED_MAX:
            continue
        if folded.get(one.casefold(), 0) >= 5 * count and any(c.isalpha() for c in one):
            cased += forms[one]
            continue
        edits = edits_of(one, few=len(frequent) <= 20)
        if not edits:
            continue
        mask = mask_of(one)
        for other, many, bits in masked:
            ratio = 50 if len(one) < 4 else 10 if len(one) < 12 else 5
            if many < ratio * count or many < 5:
                break  # sorted: no later one is frequent enough
            if (
                abs(len(one) - len(other)) <= edits
                and (mask ^ bits).bit_count() <= 2 * edits
                and is_within(one, other, edits)
                and not is_other_word(one, other)
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


def _values(column: SampledColumn) -> Iterator[Suggestion]:
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
        library("invalidValues", "validValues", sorted(common)),
        0.75 if covered == column.filled else 0.55,
        lists_values=True,
    )


def _range(column: SampledColumn) -> Iterator[Suggestion]:
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
        lists_values=any(float(end) in {least, most} - {0} for end in (floor_text, ceiling_text)),
    )


LOOKS = (
    _missing, _repeated, _missing_word, _sentinel, _blanks, _damaged, _characters, _number,
    _pattern, _spelling, _values, _range,
)  # fmt: skip


def _round_out(value: float, *, down: bool) -> str:
    """To two significant digits, away from the middle."""
    if value == 0:
        return "0"
    exact = Decimal(repr(value))
    step = Decimal(1).scaleb(exact.adjusted() - 1)
    whole = (exact / step).to_integral_value("ROUND_FLOOR" if down else "ROUND_CEILING")
    return format(whole * step, "f")
