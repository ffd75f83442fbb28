"""JSON and NDJSON: objects as rows, read piece by piece: a large file needs little memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, cast

from sanhua.engine.read.raw import (
    DIGITS_MAX,
    HALF,
    Cell,
    Flaw,
    Held,
    Holder,
    Tell,
    headings_of,
    sound,
    text_of,
)
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import Reading

VALUE_CHARS_MAX = 16 << 20  # of one record
CHUNK_CHARS = 1 << 20
_BLANK = re.compile(r"[ \t\r\n]*")
_STEP = re.compile(r"\.?([^.\[\]']+)|\['([^']*)'\]|\[(\*)\]")


def read_json(path: Path, name: str, reading: Reading, scratch: Path, tell: Tell) -> Held:
    """The records at `reading.records`: the objects of a list, the values of an object (with `key`)
    or one object.
    """
    table = _Table(Holder(scratch, name), name)
    steps = _steps(reading.records, name)
    with path.open(encoding="utf-8", newline="") as file:
        text = _Text(file, name)
        twice = _twice(text, reading, steps) if reading.key else frozenset[str]()
        text.start()
        for line, key, item in _found(text, steps, reading, ()):
            if key in twice and not isinstance(item, Flaw):
                item = Flaw(_written(item), f"is given under key {sound(key)} more than once")
            table.add(line, item, reading.key, key)
        text.end()
    return table.held(tell)


def read_ndjson(path: Path, name: str, scratch: Path, tell: Tell) -> Held:
    """One record a line; a line that is no JSON is set aside with its number and reason."""
    table = _Table(Holder(scratch, name), name)
    with path.open(encoding="utf-8") as file:
        number, begun = 0, ""
        while line := file.readline(VALUE_CHARS_MAX + 1):
            whole = line.endswith("\n") or len(line) <= VALUE_CHARS_MAX
            if not whole or begun:
                begun = begun or line[:VALUE_CHARS_MAX]
                if whole:
                    number += 1
                    reason = f"is longer than {VALUE_CHARS_MAX} characters; kept up to there"
                    table.holder.misfit(number, reason, begun)
                    begun = ""
                continue
            number += 1
            if not line.strip():
                continue
            try:
                table.add(number, _DECODER.decode(line.rstrip()))
            except json.JSONDecodeError as error:
                reason = f"is not JSON: {error.msg} (column {error.colno})"
                table.holder.misfit(number, reason, line.rstrip("\n"))
            except RecursionError:
                table.holder.misfit(number, "is not JSON: nested too deeply", line.rstrip("\n"))
    return table.held(tell)


class _Table:
    """Records as rows; a column for each key, in the order in which keys are met."""

    def __init__(self, holder: Holder, name: str) -> None:
        self.holder, self.name = holder, name
        self.columns: dict[str, int] = {}

    def add(self, line: int, item: Any, column: str = "", key: str = "") -> None:
        """A record, or what stands in its place; the key that it stands under as its `column`."""
        if isinstance(item, Flaw):
            text = f"{key}: {item}" if column else item.text
            self.holder.misfit(line, f"'{text[:60]}' {item.reason}", text)
            return
        record = cast("dict[str, Any]", item) if isinstance(item, dict) else {"value": item}
        cells: dict[int, Cell] = {}
        if column:
            cells[self._column(column)] = text_of(key)
        for name, value in record.items():
            cells[self._column(name)] = text_of(value)
        self.holder.add(line, cells)

    def _column(self, name: str) -> int:
        found = self.columns.get(name)
        if found is None:
            if HALF.search(name):
                reason = f"half of a surrogate pair in the key {sound(name)}"
                raise Invalid("collect.bad-json", file=self.name, reason=reason)
            found = self.columns[name] = len(self.columns)
        return found

    def held(self, tell: Tell) -> Held:
        """Invalid collect.bad-json when nothing in the file was a record, collect.empty."""
        if not self.columns:
            if self.holder.first_misfit:
                line, reason = self.holder.first_misfit
                raise Invalid("collect.bad-json", file=self.name, line=line, reason=reason)
            raise Invalid("collect.empty", file=self.name)
        return self.holder.held(headings_of(self.columns, self.name, tell))


# Values


def _number(written: str) -> int | Decimal | Flaw:
    try:
        return int(written) if written.lstrip("-").isdigit() else Decimal(written)
    except (ValueError, InvalidOperation):
        return Flaw(written[:DIGITS_MAX], "is too long a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        values: dict[str, list[Any]] = {}
        for key, value in pairs:
            values.setdefault(key, []).append(value)
        for key, several in values.items():
            if len(several) > 1:
                reason = f"is given under key {sound(key)} more than once"
                made[key] = Flaw(_written(several), reason)
    return made


def _written(value: Any) -> str:
    return sound(json.dumps(value, ensure_ascii=False, default=str))


_DECODER = json.JSONDecoder(
    parse_float=_number,
    parse_int=_number,
    parse_constant=lambda word: Flaw(word, "is no JSON number"),
    object_pairs_hook=_object,
)


# A JSON text of any length


def _steps(records: str, name: str) -> tuple[str | None, ...]:
    """`$.data['a.b'][*].items` as keys; None stands for each item of a list."""
    rest = records.strip().removeprefix("$")
    found: list[str | None] = []
    at = 0
    for match in _STEP.finditer(rest):
        if match.start() != at:
            break
        found.append(None if match[3] else match[2] if match[2] is not None else match[1])
        at = match.end()
    if rest[at:].strip("."):
        raise Invalid("collect.no-records", file=name, records=records, step=rest[at:])
    return tuple(found)


def _twice(text: _Text, reading: Reading, steps: Sequence[str | None]) -> frozenset[str]:
    text.start()
    counted = Counter(key for _, key, _ in _found(text, steps, reading, ()))
    return frozenset(key for key, times in counted.items() if times > 1)


def _found(
    text: _Text, steps: Sequence[str | None], reading: Reading, path: tuple[str, ...]
) -> Iterator[tuple[int, str, Any]]:
    """Line, key and value of each record below `steps`."""
    first = text.next()
    if not steps:
        if first == "[":
            for _ in text.items():
                yield text.line(), "", text.value()
        elif first == "{" and reading.key:
            for key in text.keys():
                yield text.line(), key, text.value()
        elif first == "{":
            yield text.line(), "", text.value()
        else:
            item = text.value()
            if isinstance(item, Flaw):
                raise Invalid(
                    "collect.bad-json", file=text.name, reason=f"{item.text[:60]} {item.reason}"
                )
            raise _nothing(text, reading, path or ("$",))
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        if first != "[":
            raise _nothing(text, reading, (*path, "[*]"))
        for _ in text.items():
            if not rest and text.next() != "[":
                yield text.line(), "", text.value()
            else:
                yield from _found(text, rest, reading, (*path, "[*]"))
        return
    line, met = text.line(), False
    for key in text.keys() if first == "{" else ():
        if key != step:
            text.skip()
            continue
        if met:
            reason = f"key {sound(step)} is given more than once"
            raise Invalid("collect.bad-json", file=text.name, line=text.line(), reason=reason)
        met = True
        yield from _found(text, rest, reading, (*path, step))
    if met:
        return
    if "[*]" not in path:
        raise _nothing(text, reading, (*path, step))
    if first != "{":
        text.skip()
    yield line, "", Flaw(step, "is the key of records that this item does not have")


def _nothing(text: _Text, reading: Reading, path: Sequence[str]) -> Invalid:
    records = reading.records or "$"
    return Invalid("collect.no-records", file=text.name, records=records, step=path[-1])


class _Text:
    """A JSON text of which a piece is in memory, and where reading stands in it."""

    def __init__(self, file: IO[str], name: str) -> None:
        self.file, self.name = file, name
        self.start()

    def start(self) -> None:
        self.file.seek(0)
        self.piece, self.at = "", 0
        self.lines, self.counted, self.column = 1, 0, 0  # of what is done with

    def line(self) -> int:
        """The line on which the next value begins."""
        self.next()
        return self._line()

    def _line(self) -> int:
        last = self.piece.rfind("\n", self.counted, self.at)
        self.column = self.at - last - 1 if last >= 0 else self.column + self.at - self.counted
        self.lines += self.piece.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.lines

    def next(self) -> str:
        """The next character that is no blank, not taken; empty at the end."""
        while True:
            match = _BLANK.match(self.piece, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.piece):
                return self.piece[self.at]
            if not self._more():
                return ""

    def items(self) -> Iterator[None]:
        """Stands before each item of the list in turn."""
        self._take("[")
        if self.next() == "]":
            self._take("]")
            return
        while True:
            yield
            if self.next() != ",":
                self._take("]")
                return
            self._take(",")

    def keys(self) -> Iterator[str]:
        """The keys of the object; stands before the value of each."""
        self._take("{")
        if self.next() == "}":
            self._take("}")
            return
        while True:
            if self.next() != '"':
                raise self._wrong("Expecting property name enclosed in double quotes", self.at)
            key = self.value()
            self._take(":")
            yield str(key)
            if self.next() != ",":
                self._take("}")
                return
            self._take(",")

    def value(self) -> Any:
        first = self.next()
        if not first:
            raise self._wrong("Expecting value", self.at)
        while True:
            try:
                found, end = _DECODER.raw_decode(self.piece, self.at)
            except json.JSONDecodeError as error:
                after = error.pos - self.at
                if not self._more():
                    raise self._wrong(error.msg, after) from error
                continue
            if end < len(self.piece) or first in '{["':
                self.at = end
                return found
            if not self._more():  # a number ends where the text does
                self.at = len(self.piece)
                return found

    def skip(self) -> None:
        """Past a value that nobody asked for, however long it is."""
        first = self.next()
        if first == "[":
            for _ in self.items():
                self.skip()
        elif first == "{":
            for _ in self.keys():
                self.skip()
        else:
            self.value()

    def end(self) -> None:
        if self.next():
            raise self._wrong("Extra data", self.at)

    def _take(self, char: str) -> None:
        if self.next() != char:
            raise self._wrong(f"Expecting '{char}'", self.at)
        self.at += 1

    def _more(self) -> bool:
        """Whether there was more to read; what is done with leaves memory."""
        left = len(self.piece) - self.at
        if left >= VALUE_CHARS_MAX:
            raise Invalid(
                "collect.value-too-long", file=self.name, line=self._line(), most=VALUE_CHARS_MAX
            )
        self._line()
        read = self.file.read(min(max(CHUNK_CHARS, left), VALUE_CHARS_MAX - left))
        self.piece, self.at, self.counted = self.piece[self.at :] + read, 0, 0
        return bool(read)

    def _wrong(self, reason: str, at: int) -> Invalid:
        self.at = max(at, self.counted)
        return Invalid("collect.bad-json", file=self.name, line=self._line(),
                       column=self.column + 1, reason=reason)  # fmt: skip
