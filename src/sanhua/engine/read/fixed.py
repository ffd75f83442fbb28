"""Fixed-width lines: each field stands at its place."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from sanhua.engine.read.raw import Held, Holder, Tell, headings_of
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import Reading

LINE_CHARS_MAX = 16 << 20


def read_fixed(path: Path, name: str, reading: Reading, scratch: Path, tell: Tell) -> Held:
    """Fields at `reading.columns` (named there) or of `reading.widths` (headings on the first line
    unless `header: false`), blanks around them taken off; a line that is shorter or longer than
    its fields is set aside.

    Raises Invalid collect.no-widths, collect.no-encoding (bytes are counted in the file's own
    encoding, which must be said), collect.empty.
    """
    fields = _fields(reading, name)
    total = max(last for _, last in fields)
    encoding = ""
    if reading.positions == "bytes":
        encoding = reading.encoding
        if not encoding:
            raise Invalid("collect.no-encoding", file=name)
    whole = total if reading.widths else None
    headings = list(reading.columns) or [f"column{n}" for n in range(1, len(fields) + 1)]
    named = bool(reading.columns) or reading.header is not None and not reading.header
    holder = Holder(scratch, name)
    with path.open(encoding="utf-8") as file:
        number, begun = 0, ""
        while line := file.readline(LINE_CHARS_MAX):
            if begun or not line.endswith("\n") and len(line) == LINE_CHARS_MAX:
                begun = begun or line
                if line.endswith("\n"):
                    number += 1
                    holder.misfit(number, f"is longer than {LINE_CHARS_MAX} characters", begun)
                    begun = ""
                continue
            number += 1
            text = line.rstrip("\n")
            if number <= reading.skip or not text.strip():
                continue
            cut, length = _cut(text, fields, encoding)
            if not named:
                headings, named = list(map(str.strip, cut)), True
                continue
            if length < total or whole is not None and length > whole:
                wanted = "shorter" if length < total else "longer"
                holder.misfit(number, f"is {wanted} than {total}: {length}", text)
            elif encoding and any("\ufffd" in one for one in cut):
                holder.misfit(number, "is cut within a character", text)
            else:
                holder.add(number, {n: one.strip() or None for n, one in enumerate(cut)})
        if begun:
            number += 1
            holder.misfit(number, f"is longer than {LINE_CHARS_MAX} characters", begun)
    if not named or not number:
        raise Invalid("collect.empty", file=name)
    return holder.held(headings_of(headings, name, tell))


def _fields(reading: Reading, name: str) -> list[tuple[int, int]]:
    """Where each field begins (from 0) and ends."""
    if reading.widths:
        ends = list(accumulate(reading.widths))
        return list(zip([0, *ends], ends, strict=False))
    fields: list[tuple[int, int]] = []
    for place in reading.columns.values():
        first, _, last = place.partition("-")
        fields.append((int(first) - 1, int(last or first)))
        if fields[-1][0] >= fields[-1][1]:
            raise Invalid("collect.no-widths", file=name)
    if not fields:
        raise Invalid("collect.no-widths", file=name)
    return fields


def _cut(text: str, fields: list[tuple[int, int]], encoding: str) -> tuple[list[str], int]:
    """The fields of a line and how long it is."""
    if not encoding:
        return [text[first:last] for first, last in fields], len(text)
    raw = text.encode(encoding, "replace")
    return [raw[a:b].decode(encoding, "replace") for a, b in fields], len(raw)
