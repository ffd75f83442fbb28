"""Custom properties of a contract that say more than one word: a column in time, reconciliation,
control totals. Their form is held by the schema; here is what it cannot see.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from decimal import Decimal

from sanhua.kernel.origin import Origin
from sanhua.project.read import Folder, Keys, Node, Scalar, decimal, nearest_or_some
from sanhua.resource.contract import Clock, ControlTotal, Reconciliation, Timing
from sanhua.resource.quality.consistency import OFFSETS_MAX, offsets
from sanhua.resource.standard import crossed, limit

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def _is_day(written: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", written)) and limit(written, "date") is not None


def seconds(written: str) -> int:
    """`10 min` in seconds, `-1 h` too; the schema holds the form."""
    found = re.fullmatch(r"(-?\d+) ?(s|min|h|d)?", written)
    return int(found[1]) * _SECONDS[found[2] or "s"] if found else 0


class Custom:
    """Reads the values at one place; faults are told to the folder."""

    def __init__(self, folder: Folder, path: str, columns: Sequence[str]) -> None:
        self.folder, self.path, self.columns = folder, path, columns

    def _column(self, name: str, at: Node | None, known: Collection[str] | None = None) -> bool:
        listed = self.columns if known is None else known
        if name in listed:
            return True
        near = nearest_or_some(name, listed)
        self.folder.error("ref.column", self.path, at, value=name, nearest=near)
        return False

    def timing(self, found: dict[str, Node]) -> Timing:
        """`validity`, `follows`, `ordered` of a column."""
        validity, follows, ordered = (found.get(n) for n in ("validity", "follows", "ordered"))
        start, end, at = "", "", ""
        if isinstance(validity, Scalar):
            start, dots, end = (part.strip() for part in validity.text.partition(".."))
            if not dots or not (start or end) or not all(map(_is_day, filter(None, (start, end)))):
                self.folder.error(
                    "format.wrong-form",
                    self.path,
                    validity,
                    key="validity",
                    value=validity.text,
                    wanted="2024-01-01..2024-12-31",
                )
                start = end = ""
            elif crossed(start, end, "date"):
                self.folder.error("format.empty-range", self.path, validity, low=start, high=end)
        elif isinstance(validity, Keys):
            start, end, at = (validity.text(key) for key in ("from", "through", "at"))
            for key, name in (("from", start), ("through", end), ("at", at)):
                if name and (key == "at" or not _is_day(name)):
                    self._column(name, validity.place(key))
        before, within = "", 0
        if isinstance(follows, Scalar):
            before = follows.text
        elif isinstance(follows, Keys):
            before, within = follows.text("column"), seconds(follows.text("within", "0"))
        if before:
            self._column(before, follows)
        by, inside = "", ()
        if isinstance(ordered, Scalar):
            by = ordered.text
        elif isinstance(ordered, Keys):
            by, inside = ordered.text("by"), ordered.words("within")
        for name in (*([] if by in ("", "file") else [by]), *inside):
            self._column(name, ordered)
        return Timing(start, end, at, before, within, by, inside)

    def reconciliation(self, value: Node, origin: Origin) -> Reconciliation | None:
        """`reconciles` of a table. The other table's columns are looked up when the whole project
        is checked.
        """
        if not isinstance(value, Keys):
            return None
        match = self._pairs(value, "match")
        compare = self._pairs(value, "compare")
        tolerance, percent = _amount(value.text("tolerance", "0"))
        least, _ = _amount(value.text("at_least", "100"))
        totals, clock = value.keys("totals"), value.keys("clock")
        made = Reconciliation(
            value.text("with"),
            match,
            compare,
            origin,
            tolerance,
            percent,
            least,
            self._clock(clock, [own for own, _ in match]) if clock else None,
            totals.text("by") if totals else "",
            _amount(totals.text("tolerance", "0"))[0] if totals else Decimal(),
        )
        if clock is not None and len(offsets(made.clock)) > OFFSETS_MAX:
            self.folder.error(
                "contract.too-many-offsets",
                self.path,
                clock,
                count=len(offsets(made.clock)),
                most=OFFSETS_MAX,
            )
            return None
        return made

    def _pairs(self, value: Keys, key: str) -> tuple[tuple[str, str], ...]:
        holder = value.keys(key)
        found: list[tuple[str, str]] = []
        for own, (place, other) in (holder.entries if holder else {}).items():
            if self._column(own, place) and isinstance(other, Scalar):
                found.append((own, other.text))
        return tuple(found)

    def _clock(self, value: Keys, matched: Sequence[str]) -> Clock:
        offset = value.text("offset")
        self._column(value.text("column"), value.place("column"), matched)
        reach = abs(seconds(value.text("reach", "24 h")))
        step = abs(seconds(value.text("step", "1 h"))) or 1
        detect = offset == "detect"
        return Clock(value.text("column"), detect, 0 if detect else seconds(offset), reach, step)

    def totals(self, value: Node | None, origin: Origin) -> tuple[ControlTotal, ...]:
        """`controlTotals`: `rows` and columns with the sums that the supplier stated."""
        found: list[ControlTotal] = []
        for name, (place, stated) in (value.entries if isinstance(value, Keys) else {}).items():
            amount = decimal(stated.text) if isinstance(stated, Scalar) else None
            if amount is not None and (name == "rows" or self._column(name, place)):
                found.append(ControlTotal("" if name == "rows" else name, amount, origin))
        return tuple(found)


def _amount(written: str) -> tuple[Decimal, bool]:
    """A number, and whether it is in percent."""
    return decimal(written.removesuffix("%")) or Decimal(), written.endswith("%")
