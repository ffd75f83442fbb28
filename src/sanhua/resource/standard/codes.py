"""Code lists 代码集: trees, validity, two versions compared, the nearest known code, mappings."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from sanhua import sql
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import parse_day

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NEAREST_OF = 20_000  # a list longer than this is searched only by what begins alike


@dataclass(frozen=True, slots=True)
class CodeList:
    """代码集. `columns` are the headings of the file; `rows` its text, for the table that SQL
    reads.

    `from` and `through`, both days included, bound a row's validity; a code may then stand in
    several rows whose terms do not meet. A list with `to_code` is a mapping: `x_to_y`.
    """

    id: str
    origin: Origin
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: Text = Text()
    version: str = ""
    source: str = ""  # the standard or body that it is taken from
    replaces: str = ""  # the list whose next version this is
    authority: str = ""
    status: str = ""

    def codes(self) -> frozenset[str]:
        at = self.columns.index("code")
        return frozenset(row[at] for row in self.rows)

    def codes_on(self, on: date) -> frozenset[str]:
        """The codes valid on a day; all of a list without validity."""
        day = on.isoformat()
        found = (
            codes for (start, end), codes in self.terms().items() if _covers_day(start, end, day)
        )
        return frozenset(code for codes in found for code in codes)

    def terms(self) -> dict[tuple[str, str], frozenset[str]]:
        """Codes by their term (from, through), an open end is empty."""
        groups: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for row in self._maps():
            groups[row.get("from", ""), row.get("through", "")].add(row["code"])
        return {term: frozenset(codes) for term, codes in groups.items()}

    @property
    def has_terms(self) -> bool:
        return "from" in self.columns or "through" in self.columns

    @property
    def maps(self) -> tuple[str, str] | None:
        """The two lists that a mapping stands between, by its name; None for a plain list."""
        if "to_code" not in self.columns:
            return None
        left, _, right = self.id.partition("_to_")
        return left, right

    def names(self, on: date | None = None) -> dict[str, str]:
        """Code → name; of several rows of a code the one valid on `on`, else the last."""
        day = on.isoformat() if on else ""
        found: dict[str, str] = {}
        for row in self._maps():
            code, name = row["code"], row.get("name", "")
            valid = _covers_day(row.get("from", ""), row.get("through", ""), day)
            if code not in found or (day and valid):
                found[code] = name
        return found

    def parents(self) -> dict[str, str]:
        if "parent" not in self.columns:
            return {}
        return {row["code"]: row.get("parent", "") for row in self._maps()}

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

    def violations(self, quoted: str, kind: str, on: str = "") -> str:
        """A predicate, true for a value that is no code of the list, not for NULL.

        `on` is a day (`2023-12-31`) or, quoted, the column that holds the row's day: then the code
        must be valid on it; a row without a day is judged against all codes.
        """
        text = quoted if kind == "VARCHAR" else f"CAST({quoted} AS VARCHAR)"
        if not on or not self.has_terms:
            return _outside(text, self.codes())
        if DAY.fullmatch(on):
            return _outside(text, self.codes_on(parse_day(on)))
        inside = [f"({on} IS NULL AND NOT ({_outside(text, self.codes())}))"]
        for (start, end), codes in sorted(self.terms().items()):
            parts = [f"NOT ({_outside(text, codes)})"]
            parts += [f"CAST({on} AS DATE) >= CAST({sql.literal(start)} AS DATE)"] if start else []
            parts += [f"CAST({on} AS DATE) <= CAST({sql.literal(end)} AS DATE)"] if end else []
            inside.append(f"({' AND '.join(parts)})")
        return f"({quoted} IS NOT NULL AND NOT ({' OR '.join(inside)}))"

    def _maps(self) -> list[dict[str, str]]:
        return [dict(zip(self.columns, row, strict=False)) for row in self.rows]


def _outside(text: str, codes: Iterable[str]) -> str:
    known = ", ".join(sql.literal(code) for code in sorted(codes))
    return f"{text} NOT IN ({known})" if known else f"{text} IS NOT NULL"


def _covers_day(start: str, end: str, day: str) -> bool:
    return (not start or start <= day) and (not end or day <= end)


def meeting(rows: Iterable[tuple[str, str]]) -> bool:
    """Whether two of these terms (from, through) have a day in common."""
    ordered = sorted((start, end or "9999-12-31") for start, end in rows)
    return any(b[0] <= a[1] for a, b in zip(ordered, ordered[1:], strict=False))


# Two versions


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of a list. `renamed` code → (old name, new name); `moved` code → (old parent, new
    parent); `recoded` old code → new code: dropped and added under one name that is no other's.
    """

    old: str
    new: str
    same: int
    added: Mapping[str, str] = field(default_factory=dict[str, str])
    dropped: Mapping[str, str] = field(default_factory=dict[str, str])
    renamed: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    moved: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    recoded: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def equal(self) -> bool:
        return not (self.added or self.dropped or self.renamed or self.moved)


def compare(old: CodeList, new: CodeList, on: date | None = None) -> Comparison:
    """What the second list adds, drops and renames; `on` takes the codes valid on that day only.

    Names are the same when they differ only in width, case or blanks.
    """
    before, after = _named(old, on), _named(new, on)
    added = {code: name for code, name in after.items() if code not in before}
    dropped = {code: name for code, name in before.items() if code not in after}
    both = [code for code in before if code in after]
    renamed = {
        code: (before[code], after[code])
        for code in both
        if before[code] and after[code] and _plain(before[code]) != _plain(after[code])
    }
    above, below = old.parents(), new.parents()
    moved = {
        code: (above.get(code, ""), below.get(code, ""))
        for code in both
        if above and below and above.get(code, "") != below.get(code, "")
    }
    gone, come = Counter(map(_plain, dropped.values())), Counter(map(_plain, added.values()))
    by_name = {_plain(name): code for code, name in added.items()}
    recoded = {
        code: by_name[_plain(name)]
        for code, name in dropped.items()
        if name and gone[_plain(name)] == 1 and come[_plain(name)] == 1
    }
    same = len(both) - len({*renamed, *moved})
    return Comparison(old.id, new.id, same, added, dropped, renamed, moved, recoded)


def _named(codes: CodeList, on: date | None) -> dict[str, str]:
    names = codes.names(on)
    if on is None:
        return names
    valid = codes.codes_on(on)
    return {code: name for code, name in names.items() if code in valid}


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


# Codes found in data


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value of a column that its code list lacks, how often it occurs, and the known code that it
    may mean: `how` same (but for width, case, blanks or leading zeros), name (a name of the list),
    near (a letter or two apart), or nothing.
    """

    value: str
    count: int
    nearest: str = ""
    how: str = ""


def unknown(codes: CodeList, found: Iterable[tuple[str, int]]) -> list[Unknown]:
    """Each value with the nearest known code; values that are codes are left out."""
    names = codes.names()
    by_plain = {_plain(code): code for code in names}
    by_bare = {_plain(code).lstrip("0"): code for code in names}
    name_count = Counter(_plain(name) for name in names.values())
    by_name = {_plain(n): c for c, n in names.items() if n and name_count[_plain(n)] == 1}
    return [
        Unknown(value, count, *_nearest(value, names, by_plain, by_bare, by_name))
        for value, count in found
        if value not in names
    ]


def _nearest(
    value: str,
    names: Mapping[str, str],
    by_plain: Mapping[str, str],
    by_bare: Mapping[str, str],
    by_name: Mapping[str, str],
) -> tuple[str, str]:
    plain = _plain(value)
    if plain in by_plain:
        return by_plain[plain], "same"
    if plain.lstrip("0") in by_bare and plain.isdigit():
        return by_bare[plain.lstrip("0")], "same"
    if plain in by_name:
        return by_name[plain], "name"
    known: Iterable[str] = names
    if len(names) > NEAREST_OF:
        known = [code for code in names if code[:2] == value[:2]]
    close = difflib.get_close_matches(value, known, n=1, cutoff=0.75)
    return (close[0], "near") if close else ("", "")
