"""CSV: its dialect, its headings, and what the engine must be told to read it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sanhua.engine.read.raw import CsvFile, Tell, headings_of
from sanhua.engine.read.text import CHUNK_BYTES
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import Reading

LINE_BYTES_MAX = 32 << 20  # a longer line is rejected
SNIFFED_ROWS = 50
_DELIMITERS = ",\t;|"


csv.field_size_limit(LINE_BYTES_MAX)


def read_csv(path: Path, name: str, reading: Reading, scratch: Path, tell: Tell) -> CsvFile:
    with path.open("rb") as file:
        head = file.read(CHUNK_BYTES)
    if not head.strip():
        raise Invalid("collect.empty", file=name)
    delimiter = reading.delimiter.replace("\\t", "\t") or _delimiter(path, reading)
    quote = reading.quote or '"'
    path = _even(path, name, delimiter, quote, scratch)
    with path.open(encoding="utf-8", newline="") as file:
        lines = _bounded_lines(file)
        before = list(islice(lines, reading.skip))
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
        first = next((row for row in reader if row), [])
        consumed = reading.skip + reader.line_num
    if reading.header is False:
        headings = tuple(f"column{n}" for n in range(1, len(first) + 1))
        consumed = reading.skip
    else:
        headings = headings_of(first, name, tell)
    if any(quote in line for line in before) or consumed > reading.skip + 1:
        # The engine counts what it skips in records, and an open quote would swallow the file.
        return CsvFile(_without(path, consumed, scratch), headings, delimiter, quote, 0, consumed)
    return CsvFile(path, headings, delimiter, quote, consumed)


def _even(path: Path, name: str, delimiter: str, quote: str, scratch: Path) -> Path:
    """The file, or a copy of one that mixes line ends, in which every record ends in `\\n`, as the
    engine wants it; line ends inside quotes stay as they are. Invalid collect.mixed-line-ends.
    """
    if not _mixes_line_ends(path):
        return path
    target, ends, line = scratch / "even", set[str](), ""

    def watched(lines: Iterable[str]) -> Iterator[str]:
        nonlocal line
        for one in lines:
            line = one
            yield one

    with (
        path.open(encoding="utf-8", newline="") as source,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        form: Any = {"delimiter": delimiter, "quotechar": quote}
        reader = csv.reader(watched(source), strict=True, **form)
        writer = csv.writer(out, lineterminator="\n", **form)
        try:
            for row in reader:
                if end := line[len(line.rstrip("\r\n")) :]:
                    ends.add(end)
                writer.writerow(row)
        except csv.Error as error:
            if len(ends) > 1:
                raise Invalid(
                    "collect.mixed-line-ends", file=name, line=reader.line_num, reason=str(error)
                ) from error
    return target if len(ends) > 1 else path


def _mixes_line_ends(path: Path) -> bool:
    pairs = returns = feeds = 0
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
            returns += chunk.count(b"\r")
            feeds += chunk.count(b"\n")
            last = chunk[-1:]
    return sum((pairs > 0, returns > pairs, feeds > pairs)) > 1


def _without(path: Path, lines: int, scratch: Path) -> Path:
    """A copy without its first lines."""
    target = scratch / "records"
    with path.open("rb") as source, target.open("wb") as out:
        with path.open(encoding="utf-8", newline="") as text:
            size = sum(len(line.encode()) for line in islice(_bounded_lines(text), lines))
        source.seek(size)
        shutil.copyfileobj(source, out)
    return target


def _bounded_lines(file: IO[str]) -> Iterator[str]:
    while line := file.readline(LINE_BYTES_MAX):
        yield line


def _delimiter(path: Path, reading: Reading) -> str:
    """The candidate that splits the first records into the most, and equally many, fields."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(islice(_bounded_lines(file), reading.skip, reading.skip + SNIFFED_ROWS))

    def score(candidate: str) -> tuple[int, int]:
        rows = [
            row
            for row in csv.reader(lines, delimiter=candidate, quotechar=reading.quote or '"')
            if row
        ]
        if not rows or len(rows[0]) < 2:
            return (0, 0)
        return (sum(len(row) == len(rows[0]) for row in rows) * 100 // len(rows), len(rows[0]))

    return max(_DELIMITERS, key=score)
