"""Kinds 内容类型: what a column of text holds, told by a sample of its values.

`look` reads the sample; `typed` is SQL that gives each value in its kind, or NULL where it is
something else, so that the whole column is then held against what the sample said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from sanhua import sql
from sanhua.kernel.ports import Rules
from sanhua.kernel.text import Text
from sanhua.rules import identifiers

BLANK = " \t\r\n\u00a0\u3000\ufeff"
FITS_MIN = Decimal("0.95")  # of the sampled values, for a column to be of a kind
LEADING_ZEROS_MIN = Decimal("0.01")  # of the numbers: more, and they are codes
CHECKED_MIN = 20  # distinct values with a check digit: fewer may hold by chance
CHECKED_MAX = 400
TRIED = 40  # values that tell which ways of writing days are worth trying on all
SHAPES_SHOWN = 5


class Kind(StrEnum):
    """What the values of a column are."""

    EMPTY = "empty"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    CODE = "code"  # short, of few shapes, or a number whose leading zeros count
    TEXT = "text"

    @property
    def label(self) -> Text:
        return _LABELS[self]

    @property
    def is_number(self) -> bool:
        return self in (Kind.INTEGER, Kind.DECIMAL)

    @property
    def is_moment(self) -> bool:
        return self in (Kind.DATE, Kind.TIMESTAMP)

    @property
    def is_text(self) -> bool:
        return self in (Kind.CODE, Kind.TEXT)


_LABELS = {
    Kind.EMPTY: Text("空", "empty"),
    Kind.INTEGER: Text("整数", "integer"),
    Kind.DECIMAL: Text("小数", "decimal"),
    Kind.BOOLEAN: Text("是否", "boolean"),
    Kind.DATE: Text("日期", "date"),
    Kind.TIMESTAMP: Text("时间戳", "timestamp"),
    Kind.TIME: Text("时刻", "time of day"),
    Kind.CODE: Text("代码", "code"),
    Kind.TEXT: Text("文本", "text"),
}

PLACEHOLDERS = (
    "NULL null Null None none N/A n/a NA na #N/A NaN nan NAN - -- --- / \\N ? ?? . "
    "无 空 未知 不详 暂无 缺失 待补 unknown Unknown UNKNOWN TBD tbd"
).split()
_PLACEHOLDER = frozenset(PLACEHOLDERS)
BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "是", "真"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "否", "假"), False),
}

_INTEGER = r"[+-]?[0-9]{1,18}"
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_GROUPED = r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?"
_PERCENT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s?[%％]"
_MONEY = r"[+-]?[¥￥$€£]\s?[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?"
NUMBERS = {"": _NUMBER, "1,234.5": _GROUPED, "12.5%": _PERCENT, "¥1,234.5": _MONEY}
"""How a number may be written → its shape, the plainest first."""


class Form(NamedTuple):
    """A way of writing days: JDK pattern, the engine's pattern, shape, which group is what."""

    pattern: str
    strptime: str
    shape: re.Pattern[str]
    order: str = "ymd"


def _form(pattern: str, strptime: str, shape: str, order: str = "ymd") -> Form:
    return Form(pattern, strptime, re.compile(shape), order)


_D, _DD, _Y = r"(\d{1,2})", r"(\d{2})", r"(\d{4})"
_MONTHS: tuple[str, ...] = (*"jan feb mar apr may jun jul aug sep oct nov dec".split(),)
_B = rf"((?i:{'|'.join(_MONTHS)}))"
DAYS = (
    _form("yyyy-MM-dd", "%Y-%m-%d", f"{_Y}-{_DD}-{_DD}"),
    _form("yyyy-M-d", "%Y-%-m-%-d", f"{_Y}-{_D}-{_D}"),
    _form("yyyy/MM/dd", "%Y/%m/%d", f"{_Y}/{_DD}/{_DD}"),
    _form("yyyy/M/d", "%Y/%-m/%-d", f"{_Y}/{_D}/{_D}"),
    _form("yyyy.M.d", "%Y.%-m.%-d", rf"{_Y}\.{_D}\.{_D}"),
    _form("yyyyMMdd", "%Y%m%d", f"((?:19|20){_DD[1:-1]}){_DD}{_DD}"),
    _form("yyyy年M月d日", "%Y年%-m月%-d日", f"{_Y}年{_D}月{_D}日"),
    _form("d/M/yyyy", "%-d/%-m/%Y", f"{_D}/{_D}/{_Y}", "dmy"),
    _form("M/d/yyyy", "%-m/%-d/%Y", f"{_D}/{_D}/{_Y}", "mdy"),
    _form("d-M-yyyy", "%-d-%-m-%Y", f"{_D}-{_D}-{_Y}", "dmy"),
    _form("d.M.yyyy", "%-d.%-m.%Y", rf"{_D}\.{_D}\.{_Y}", "dmy"),
    _form("d-MMM-yyyy", "%-d-%b-%Y", f"{_D}-{_B}-{_Y}", "dmy"),
    _form("d-MMM-yy", "%-d-%b-%y", f"{_D}-{_B}-{_DD}", "dmy"),
    _form("d/M/yy", "%-d/%-m/%y", f"{_D}/{_D}/{_DD}", "dmy"),
    _form("M/d/yy", "%-m/%-d/%y", f"{_D}/{_D}/{_DD}", "mdy"),
)
_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d"
CLOCKS = (
    ("HH:mm:ss", "%H:%M:%S", re.compile(rf"{_CLOCK}:[0-5]\d")),
    ("HH:mm", "%H:%M", re.compile(_CLOCK)),
    ("HH:mm:ss.SSS", "%H:%M:%S.%g", re.compile(rf"{_CLOCK}:[0-5]\d\.\d{{1,3}}")),
    ("HH:mm:ss.SSSSSS", "%H:%M:%S.%f", re.compile(rf"{_CLOCK}:[0-5]\d\.\d{{4,9}}")),
    ("HH:mm:ssXXX", "", re.compile(rf"{_CLOCK}:[0-5]\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")),
)
_DAY = re.compile(r"(\S{6,11}?|\S+ \d{1,2}, \d{4})(?:[ T]+(\d\S*))?\Z")
_ISO = ("yyyy-MM-dd", "yyyy-M-d")
_FORMS = {
    "url": r"(?i)https?://\S+",
    "uuid": r"(?i)[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
    "ipv4": r"(\d{1,3}\.){3}\d{1,3}",
    "json": r"(?s)[\[{].*[\]}]",
}


@dataclass(frozen=True, slots=True)
class Identified:
    """Sampled distinct values of an identifier kind (rules.identifiers) whose check digit holds."""

    kind: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class Look:
    """What a sample says of a column. `pattern` is how a day or a number is written (JDK; empty:
    the plain way), `also` the other pattern that fits as well. `fits` of `seen` values are of the
    kind; `shapes` with their share of the sample: 9 a digit, A a, 汉 letters.
    """

    name: str
    kind: Kind
    pattern: str = ""
    also: str = ""
    seen: int = 0
    fits: int = 0
    leading_zeros: bool = False
    form: str = ""  # url uuid ipv4 json
    between: tuple[float, float] | None = None  # 1 % and 99 % of numbers, of days in seconds
    shapes: tuple[tuple[str, Decimal], ...] = ()
    identified: tuple[Identified, ...] = ()


def look(name: str, values: Iterable[str | None], rules: Rules, today: date) -> Look:
    """What `values` of a column (a sample, NULLs with it) look like."""
    counted = Counter(value.strip(BLANK) for value in values if value is not None)
    del counted[""]
    for word in _PLACEHOLDER & counted.keys():
        if len(counted) > 1 or counted.keys() == {word}:
            del counted[word]
    seen = counted.total()
    if not seen:
        return Look(name, Kind.EMPTY)
    kind, pattern, also, fits = _kind(counted, seen)
    zeros = sum(n for v, n in counted.items() if len(v) > 1 and v[0] == "0" and v.isdigit())
    leading = kind is Kind.INTEGER and _share(zeros, seen) >= LEADING_ZEROS_MIN
    if leading:
        kind, fits = Kind.CODE, seen
    shapes = _shapes(counted, seen) if kind in (Kind.INTEGER, Kind.CODE, Kind.TEXT) else ()
    if kind is Kind.TEXT and _is_code(counted, shapes):
        kind = Kind.CODE
    form = ""
    if kind.is_text:
        form = next((f for f, shape in _FORMS.items() if _fitting(counted, shape) == seen), "")
    maybe = kind.is_text or kind is Kind.INTEGER
    identified = _identified(list(counted), rules, today) if maybe else ()
    between = _between(counted, kind, pattern)
    shown = shapes if maybe else ()
    return Look(name, kind, pattern, also, seen, fits, leading, form, between, shown, identified)


def _share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _fitting(counted: Counter[str], shape: str) -> int:
    match = re.compile(shape).fullmatch
    return sum(n for value, n in counted.items() if match(value))


def _kind(counted: Counter[str], seen: int) -> tuple[Kind, str, str, int]:
    """Kind, pattern, the other pattern that fits, how many values fit."""
    enough = FITS_MIN * seen
    words = {value.lower() for value in counted}
    if len(words) > 1 and len({BOOLEANS.get(word) for word in words} & {True, False}) == 2:
        fits = sum(n for value, n in counted.items() if value.lower() in BOOLEANS)
        if fits >= enough:
            return Kind.BOOLEAN, "", "", fits
    days = _days(counted, enough)
    if days and days[0][1] == "yyyyMMdd" and len(counted) >= 3 and days[0][3] == seen:
        return days[0]
    fits = _fitting(counted, _INTEGER)
    if fits >= enough:
        more = _fitting(counted, _NUMBER)
        return (Kind.DECIMAL, "", "", more) if more > fits else (Kind.INTEGER, "", "", fits)
    for pattern, shape in NUMBERS.items():
        fits = _fitting(counted, shape)
        # A number too long for an integer is a code; one with a point is not.
        if fits >= enough and any(not value.isdigit() for value in counted):
            return Kind.DECIMAL, pattern, "", fits
    for found in days:
        if found[1] != "yyyyMMdd":
            return found
    for pattern, _, shape in CLOCKS[:-1]:
        fits = sum(n for value, n in counted.items() if shape.fullmatch(value))
        if fits >= enough:
            return Kind.TIME, pattern, "", fits
    return Kind.TEXT, "", "", seen


def _days(counted: Counter[str], enough: Decimal) -> list[tuple[Kind, str, str, int]]:
    """The first pattern that enough values fit, the one that fits most where two compete."""
    tried = [_DAY.match(value) for value in islice(counted, TRIED)]
    days = [match[1] for match in tried if match]
    forms = [form for form in DAYS if any(form.shape.fullmatch(day) for day in days)]
    if not forms:
        return []
    found: list[tuple[Kind, str, int]] = []
    split = Counter[tuple[str, str]]()
    for value, n in counted.items():
        if match := _DAY.match(value):
            split[match[1], match[2] or ""] += n
    timed = sum(n for (_, clock), n in split.items() if clock)
    clocks = CLOCKS if timed >= enough else (("", "", re.compile("")),)
    for form in forms:
        parts = Counter[str]()
        for (day, clock), n in split.items():
            if (match := form.shape.fullmatch(day)) and _day(match.groups(), form.order):
                parts[clock] += n
        if parts.total() < enough:
            continue
        for clock_pattern, _, shape in clocks:
            fits = sum(n for clock, n in parts.items() if shape.fullmatch(clock))
            if fits >= enough:
                kind = Kind.TIMESTAMP if clock_pattern else Kind.DATE
                found.append((kind, f"{form.pattern} {clock_pattern}".strip(), fits))
                break
    if not found:
        return []
    best = max(found, key=lambda one: one[2])
    rivals = [p for _, p, fits in found if fits == best[2] and p != best[1]]
    swapped = best[1].replace("d/M", "M/d")
    also = swapped if swapped != best[1] and swapped in rivals else ""
    return [(best[0], best[1], also, best[2])]


def _day(groups: Sequence[str], order: str) -> date | None:
    parts = dict(zip(order, groups, strict=True))
    month = parts["m"]
    number = int(month) if month.isdigit() else _MONTHS.index(month.lower()) + 1
    year = int(parts["y"])
    try:
        return date(year + 2000 if len(parts["y"]) == 2 else year, number, int(parts["d"]))
    except ValueError:
        return None


def number_of(text: str) -> Decimal | None:
    """A number as `NUMBERS` writes it; a percentage is its figure."""
    try:
        made = Decimal(re.sub("[,%％¥￥$€£\\s]", "", text))
    except InvalidOperation:
        return None
    return made if made.is_finite() else None


def _between(counted: Counter[str], kind: Kind, pattern: str) -> tuple[float, float] | None:
    found: list[tuple[float, int]] = []
    if kind.is_number:
        for value, n in counted.items():
            if (number := number_of(value)) is not None:
                found.append((float(number), n))
    elif kind.is_moment:
        form = next(one for one in DAYS if one.pattern == pattern.partition(" ")[0])
        for value, n in counted.items():
            match = _DAY.match(value)
            day = match and form.shape.fullmatch(match[1])
            if day and (made := _day(day.groups(), form.order)):
                found.append(((made - date(1970, 1, 1)).days * 86400.0, n))
    if not found:
        return None
    found.sort()
    total = sum(n for _, n in found)
    low = high = found[0][0]
    passed = 0
    for value, n in found:
        if passed < total / 100:
            low = value
        passed += n
        if passed - n < total * 0.99:
            high = value
    return low, high + (86400.0 if kind is Kind.TIMESTAMP else 0.0)


def _is_code(counted: Counter[str], shapes: Sequence[tuple[str, Decimal]]) -> bool:
    if any(len(value) > 40 or " " in value for value in counted):
        return False
    if not any(letter.isdigit() or letter.isupper() for value in counted for letter in value):
        return False
    if any("汉" in shape for shape, _ in shapes):
        return False
    return sum(share for _, share in shapes[:3]) >= Decimal("0.9")


_LETTERS = (
    (re.compile(r"[0-9]"), "9"),
    (re.compile(r"[A-Z]"), "A"),
    (re.compile(r"[a-z]"), "a"),
    (re.compile(r"[\u3400-\u9fff]"), "汉"),
    (re.compile(r"[^\x00-\x7f汉]"), "…"),  # no other letter is shown as it stands
)
_RUN = re.compile(r"(.)\1{3,}")


def shape_of(value: str) -> str:
    """`京A·12345` → `汉A…9{5}`: letters and digits by class, long runs counted."""
    for letters, sign in _LETTERS:
        value = letters.sub(sign, value)
    return _RUN.sub(lambda run: f"{run[1]}{{{len(run[0])}}}", value)


def _shapes(counted: Counter[str], seen: int) -> tuple[tuple[str, Decimal], ...]:
    shapes = Counter[str]()
    for value, n in counted.items():
        shapes[shape_of(value[:60])] += n
    ranked = sorted(shapes.items(), key=lambda one: (-one[1], one[0]))
    return tuple((shape, _share(n, seen)) for shape, n in ranked[:SHAPES_SHOWN])


def _identified(values: list[str], rules: Rules, today: date) -> tuple[Identified, ...]:
    """Kinds whose shape nearly all values have and whose check digit two thirds hold."""
    tried = sorted(values)[:: -(-len(values) // CHECKED_MAX)]
    found: list[Identified] = []
    for kind, known in identifiers.KINDS.items():
        if not known.checked or len(tried) < CHECKED_MIN:
            continue
        pattern = re.compile(identifiers.shape(kind, rules, today))
        if not pattern.search(tried[0]) and not pattern.search(tried[-1]):
            continue  # seldom worth the rest
        shaped = [value for value in tried if pattern.search(value)]
        if len(shaped) < max(CHECKED_MIN, len(tried) // 2):
            continue
        held = 0
        for n, value in enumerate(shaped):
            if n == CHECKED_MIN and held * 2 < n:
                break  # numbers of another kind: one in ten holds by chance
            held += identifiers.valid(kind, value, rules, today)
        if held * 3 >= len(shaped) * 2:
            found.append(Identified(kind, _share(held, len(tried))))
    known_better = {one.kind for one in found} - {"luhn", "iso_7064_37_36"}
    return tuple(one for one in found if not known_better or one.kind in known_better)


def typed(seen: Look) -> str:
    """SQL for the value of the column in its kind, NULL where it is none; "" for text.

    Days come as TIMESTAMP or DATE, numbers as BIGINT or DOUBLE.
    """
    column = sql.quote(seen.name)
    if seen.kind is Kind.INTEGER:
        return f"TRY_CAST({shaped(column, _INTEGER)} AS BIGINT)"
    if seen.kind is Kind.DECIMAL:
        bare = shaped(column, NUMBERS[seen.pattern])
        if seen.pattern:
            bare = f"regexp_replace({bare}, '[,%％ ¥￥$€£]', '', 'g')"
        return f"TRY_CAST({bare} AS DOUBLE)"
    if seen.kind is Kind.BOOLEAN:
        words = ", ".join(f"{sql.literal(w)}: {int(truth)}" for w, truth in BOOLEANS.items())
        said = f"lower(trim({column}, {sql.literal(BLANK)}))"
        return f"map_extract_value(MAP {{{words}}}, {said})"
    if seen.kind is Kind.TIME:
        shape = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
        return f"TRY_CAST({shaped(column, shape)} AS TIME)"
    if seen.kind.is_moment:
        day, _, clock = seen.pattern.partition(" ")
        if day in _ISO and clock:
            shape = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ T].*"
            return f"TRY_CAST({shaped(column, shape)} AS TIMESTAMP)"
        form = next(one for one in DAYS if one.pattern == day)
        text = f"trim({column}, {sql.literal(BLANK)})"
        if not clock:
            return f"CAST(try_strptime({text}, {sql.literal(form.strptime)}) AS DATE)"
        hours = next(made for pattern, made, _ in CLOCKS if pattern == clock)
        if not hours:  # a zone: the engine reads days with a zone in one form only
            return f"TRY_CAST(replace({text}, '/', '-') AS TIMESTAMP)"
        whole = sql.literal(f"{form.strptime} {hours}")
        apart = text if "MMM" in day else f"replace({text}, 'T', ' ')"
        return f"try_strptime({apart}, {whole})"
    return ""


def shaped(column: str, shape: str) -> str:
    """The text, without blanks around it, where it has the shape, else NULL or ''. The engine asks
    this once of each value that a file's dictionary holds; a test and CASE it would ask of every
    row.
    """
    pattern = f"^[{BLANK}]*((?:{shape}))[{BLANK}]*$"
    return f"regexp_extract({column}, {sql.literal(pattern)}, 1)"
