"""How values are written: forms, units, words that mean “missing”, slips of the pen."""

from __future__ import annotations

import re

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
PLAIN = re.compile(NUMBER.strip("^$"), re.ASCII)
_SUFFIXED = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*\s*([^\d\s.,:/+-][^\d]{0,23})")
_PREFIXED = re.compile(r"([^\d\s.,:/+-][^\d+-]{0,3}?)\s*[0-9]+(?:[.,][0-9]+)*")
BLANKS = " \t\r\n\u00a0\u3000"
ODD = re.compile(r"[*@^~|\\<>{}\[\]_=+!$%;`]")
SENTINEL = re.compile(r"-?9{3,}0*(\.0+)?|-1(\.0)?")
DIGITS = re.compile(r"[0-9]+")
MOJIBAKE = re.compile(
    "\ufffd|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac|\u00ef\u00bf|[\u0080-\u009f]|锟斤拷"
)
SORTED_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([+-]\d{2}:?\d{2}|Z)?")
DAYS = ("#/#/#", "#-#-#", "#.#.#")
_STAMP = re.compile(r"[^A-Za-z#]*#[-/.]#([-/.]#)?[ T,]*")


def form(value: str) -> str:
    """A value with every run of digits as `#`."""
    return DIGITS.sub("#", value)


def unit_of(value: str) -> str | None:
    """What stands beside the number, None when it is no number with a unit."""
    found = _SUFFIXED.fullmatch(value)
    if found is None and not value[:1].isdigit():
        found = _PREFIXED.fullmatch(value)
    return found[1] if found else None


def decorates(one: str, plain: str) -> bool:
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
        return not is_variant(one, plain)
    return plain.count("#") >= 2 and _STAMP.fullmatch(added) is not None


def is_variant(one: str, other: str) -> bool:
    """Whether one form has a letter or two more than another at its end or beginning, as codes do
    (a check digit X, a class).
    """
    short, long = sorted((one, other), key=len)
    added = long.removeprefix(short) if long.startswith(short) else long.removesuffix(short)
    return added != long and len(added) <= 2 and added.isalnum()


def regex_of(one: str) -> str:
    return "[0-9]+".join(re.sub(r"([^\w\s%/:,;@#&'\"<>=!~`-])", r"\\\1", part)
                         for part in one.split("#"))  # fmt: skip


def mask_of(text: str) -> int:
    """The set of its characters, folded into 64 bits."""
    mask = 0
    for character in text:
        mask |= 1 << (ord(character) & 63)
    return mask


def is_within(one: str, other: str, edits: int) -> bool:
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


def edits_of(one: str, *, few: bool) -> int:
    """How many slips of the pen a form may have. None in the short codes of a long list, which lie
    close by nature, and one in Chinese, where a character is a word.
    """
    if not one.isascii() and sum(c > "\u2e7f" for c in one) * 2 > len(one):
        return int(len(one) >= 8)
    if sum(c.isalpha() for c in one) < 3 or (len(one) < 5 and not few):
        return 0
    return 1 if len(one) < 8 else 2 if len(one) < 20 else len(one) // 9


def is_other_word(one: str, other: str) -> bool:
    """Whether they differ in a whole short word or in a number's place, as codes do."""
    left, right = re.split(r"[^\w#]+", one), re.split(r"[^\w#]+", other)
    if len(left) != len(right):
        return False
    differing = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    if "#" in one and any(a.isupper() and b.isupper() and len(a) <= 4 for a, b in differing):
        return True
    return any(
        ("#" in a and "#" in b and len(a) > 1 and len(b) > 1)
        or (len(left) > 1 and len(a) <= 2 and len(b) <= 2)
        for a, b in differing
    )
