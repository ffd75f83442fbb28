"""How the lines of a delimited text fall into cells: delimiter, quote, escape, and finding them.

`Dialect.split` reads a well-formed record only. `Dialect.readings` gives every way to read one
whose quotes do not match; which of them is meant is for others to say.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import IO

LINE_BYTES_MAX = 32 << 20  # a longer line is rejected
LINES_MAX = 10_000  # of one record
BLOCK_CHARS = 1 << 18  # looked at in one
READINGS_MAX = 2_000  # steps looking for ways to read one line,
MARKS_MAX = 200  # of no more quotes
WIDTH_MAX = 300  # and cells
KIND_CHARS_MAX = 64  # a longer cell is a text
DELIMITERS = (",", "\t", ";", "|", "\x01", " ")
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_CELL = {
    "number": r"\(?[-+]?[$£€¥￥]?\s?[-+]?(\d[\d.,' ]*|\.\d+)([eE][-+]?\d+)?\s?[%‰]?\)?",
    "date": r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?([ T]\d{1,2}:\d{2}\S*)?"
    rf"|\d{{1,2}}[-/. ]{_MONTH}[-/. ]\d{{2,4}}|{_MONTH}[-/. ]\d{{2,4}}",
    "time": r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?",
}
_TYPED = {kind: re.compile(pattern) for kind, pattern in _CELL.items()}
_NOTHING = re.compile(r"(?i)n/?a|nan|null|none|nil|nd|missing|not available|[-–.*?\\]+|\\n|无|空")
_BLANKS = re.compile(" *")
_WORDS = re.compile(r"[^\s,;|\t\"](?:[^,;|\t\"]*[^\s,;|\t\"])?")


def kind(cell: str) -> str:
    """`number`, `date`, `time`, `text`; "" of a cell that holds nothing or says so."""
    text = cell.strip()
    if len(text) > KIND_CHARS_MAX:
        return "text"
    if not text or _NOTHING.fullmatch(text):
        return ""
    return next((name for name, shape in _TYPED.items() if shape.fullmatch(text)), "text")


@dataclass(frozen=True, slots=True)
class Record:
    """A record at its first line (from 1); `cells` is None when its quotes do not match or it is
    too long, `quoted` says which of them stood in quotes. `even`: many records, line by line, each
    a row as it stands.
    """

    line: int
    text: str
    cells: tuple[str, ...] | None
    quoted: frozenset[int] = frozenset()
    even: bool = False

    @property
    def filled(self) -> int:
        return sum(bool(cell.strip()) for cell in self.cells or ())


@dataclass(frozen=True, slots=True)
class Dialect:
    """`escape` is the quote itself (it is doubled) or a backslash; without quotes both are ""."""

    delimiter: str
    quote: str = '"'
    escape: str = '"'
    _quoted: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.quote:
            object.__setattr__(self, "_quoted", re.compile("(?!)"))
            return
        q, e = re.escape(self.quote), re.escape(self.escape)
        inner = f"[^{q}]*+(?:{q}{q}[^{q}]*+)*+"
        if self.escape != self.quote:
            inner = f"[^{q}{e}]*+(?:(?:{e}.|{q}{q})[^{q}{e}]*+)*+"
        object.__setattr__(self, "_quoted", re.compile(f"{q}({inner}){q}", re.DOTALL))

    def plain(self, text: str) -> str:
        """A quoted text without its escapes; a backslash before anything else stays."""
        if self.escape != self.quote:
            text = text.replace(self.escape + self.quote, self.quote)
            text = text.replace(self.escape * 2, self.escape)
        return text.replace(self.quote * 2, self.quote)

    def split(self, text: str) -> tuple[list[str], list[int]] | None:
        """The cells of a well-formed record and which are quoted; [] when a quote is open, None
        when a quoted cell goes on behind its quotes.
        """
        if not self.quote or self.quote not in text:
            return text.split(self.delimiter), []
        cells: list[str] = []
        quoted: list[int] = []
        at = 0
        while True:
            if text.startswith(self.quote, at):
                found = self._quoted.match(text, at)
                if found is None:
                    return [], []
                end = found.end()
                if end < len(text) and not text.startswith(self.delimiter, end):
                    return None
                quoted.append(len(cells))
                cells.append(self.plain(found[1]))
            else:
                end = text.find(self.delimiter, at)
                end = len(text) if end < 0 else end
                cells.append(text[at:end])
            if end == len(text):
                return cells, quoted
            at = end + len(self.delimiter)

    def readings(self, text: str, width: int) -> list[list[str]]:
        """Every way to read a line into `width` cells, the quotes of which do not match: a quoted
        cell ends at a quote before a delimiter, or a single quote is a mark like others. Blanks
        around quotes do not matter.
        """
        found: list[list[str]] = []
        steps = 0
        delimiter, quote = self.delimiter, self.quote
        marks = [n for n, one in enumerate(text) if one == quote]
        if width > WIDTH_MAX or len(marks) > MARKS_MAX:
            return []

        def ended(at: int) -> int | None:
            """Where the cell ends that may end at `at`, blanks not counted."""
            behind = _BLANKS.match(text, at)
            for end in (at, behind.end() if behind else at):
                if text.startswith(delimiter, end) or end == len(text):
                    return end
            return None

        def go_on(end: int | None, cells: list[str]) -> None:
            assert end is not None
            if end < len(text):
                go(end + len(delimiter), cells)
            elif len(cells) == width:
                found.append(cells)

        def go(at: int, cells: list[str]) -> None:
            nonlocal steps
            steps += 1
            if len(cells) >= width or steps > READINGS_MAX:
                return
            blanks = _BLANKS.match(text, at)
            start = blanks.end() if blanks else at
            if text.startswith(quote, start):
                clean = self._quoted.match(text, start)
                if clean and (end := ended(clean.end())) is not None:
                    go_on(end, [*cells, self.plain(clean[1])])
                    return
                for mark in marks:
                    if mark > start and (end := ended(mark + 1)) is not None:
                        go_on(end, [*cells, self.plain(text[start + 1 : mark])])
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            cell = text[at:end]
            if not text.startswith(quote, start) or cell.count(quote) == 1:
                go_on(end, [*cells, cell])

        go(0, [])
        return found if steps <= READINGS_MAX else []

    def join(self, cells: Sequence[str]) -> str:
        """A record of doubled quotes."""
        if not any(cells):
            return self.delimiter.join([self.quote * 2] * len(cells))
        return self.delimiter.join(map(self._written, cells))

    def _written(self, cell: str) -> str:
        q = self.quote
        if q in cell or self.delimiter in cell or "\n" in cell or "\r" in cell:
            return q + cell.replace(q, q * 2) + q
        return cell


def lines_of(file: IO[str], first: int = 1) -> Iterator[tuple[int, str]]:
    """Lines and their numbers; a line that is too long is cut, and has no line end."""
    number = first
    while line := file.readline(LINE_BYTES_MAX):
        yield number, line
        number += 1
        while len(line) == LINE_BYTES_MAX and line[-1] not in "\r\n":
            line = file.readline(LINE_BYTES_MAX)


class Blocks:
    """The lines of a file from `first` on, or many at once where all of them match `even`."""

    def __init__(self, file: IO[str], first: int, even: re.Pattern[str]) -> None:
        self._file, self._number, self._even = file, first, even
        self._held, self._size = StringIO(), 0  # what was read ahead

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while line := self._readline():
            self._number += 1
            yield self._number - 1, line
            cut = len(line) == LINE_BYTES_MAX
            while cut and line and line[-1] not in "\r\n":
                line = self._readline()

    def _readline(self) -> str:
        return self._held.readline(LINE_BYTES_MAX) or self._file.readline(LINE_BYTES_MAX)

    def block(self) -> Record | None:
        """The lines that come next when they and one more, which is left, are even."""
        if self._held.tell() < self._size:
            return None
        text = self._file.read(BLOCK_CHARS)
        text += self._file.readline(LINE_BYTES_MAX)
        plain = text.replace("\r\n", "\n")
        end = plain.rfind("\n", 0, len(plain) - 1)
        ended = plain if plain.endswith("\n") else plain + "\n"
        found = self._even.fullmatch(ended) if end > 0 else None
        rest = plain[end + 1 :] if found else text
        self._held, self._size = StringIO(rest, newline=""), len(rest)
        if not found:
            return None
        record = Record(self._number, plain[:end], None, even=True)
        self._number += plain.count("\n", 0, end + 1)
        return record


def records(
    lines: Iterable[tuple[int, str]], dialect: Dialect, width: int | None = None
) -> Iterator[Record]:
    """Records in order; of Blocks the even ones many at once. One on several lines ends where its
    quotes do; when that gives no record of `width` cells, its first line stands alone.
    """
    source, waiting = iter(lines), deque[tuple[int, str]]()
    quote, escape = dialect.quote, dialect.escape

    def take() -> tuple[int, str] | None:
        return waiting.popleft() if waiting else next(source, None)

    while True:
        if isinstance(lines, Blocks) and not waiting and (block := lines.block()):
            yield block
            continue
        if (first := take()) is None:
            return
        number, line = first
        text = line.rstrip("\r\n")
        if len(line) >= LINE_BYTES_MAX:
            yield Record(number, text, None)
            continue
        got = dialect.split(text)
        if got is not None and not got[0]:
            taken, size, whole = [first], len(line), line
            while size < LINE_BYTES_MAX and len(taken) < LINES_MAX and (more := take()):
                taken.append(more)
                size += len(more[1])
                marks = more[1].count(quote)
                if escape != quote:
                    marks -= more[1].count(escape + quote)
                if marks % 2:
                    whole = "".join(one for _, one in taken).rstrip("\r\n")
                    got = dialect.split(whole)
                    break
            if not got or not got[0] or (width and len(got[0]) != width):
                waiting.extendleft(reversed(taken[1:]))
                got = None
            else:
                text = whole
        if got:
            yield Record(number, text, tuple(got[0]), frozenset(got[1]))
        else:
            yield Record(number, text, None)


def detect(lines: Sequence[tuple[int, str]], delimiter: str, quote: str, escape: str) -> Dialect:
    """The dialect under which the lines fall most evenly into cells that look like values; what is
    given (not "") is kept. The delimiter of a file of one column is a character it does not hold.
    """
    text = "".join(line for _, line in lines)
    best, dialect = 0.0, None
    for one in [delimiter] if delimiter else [d for d in DELIMITERS if d in text]:
        for mark in [quote] if quote else _quotes(text, one):
            for escaped in [escape] if escape else _escapes(text, mark):
                made = Dialect(one, "" if mark == "none" else mark, escaped)
                score = _score(lines, made)
                if score > best:
                    best, dialect = score, made
    if dialect is None:
        return Dialect(delimiter or "\x1f", "" if quote == "none" else quote or '"', quote or '"')
    wider = {",": " ", ";": " ", "|": " |", "\t": "\t"}.get(dialect.delimiter, "")
    for more in "" if delimiter else wider:
        made = Dialect(dialect.delimiter + more, dialect.quote, dialect.escape)
        if _never_without(lines, dialect.delimiter, made):
            return made
    return dialect


def _quotes(text: str, delimiter: str) -> list[str]:
    """`"`, or `'` where cells stand in it and none in the other."""
    d = re.escape(delimiter)
    double, single = (
        len(re.findall(rf"(?:^|{d}){q}[^{q}\r\n]*{q}(?={d}|$)", text, re.MULTILINE))
        for q in ('"', "'")
    )
    return ["'"] if single > 1 and not double else ['"']


def _escapes(text: str, quote: str) -> list[str]:
    return [quote, "\\"] if f"\\{quote}" in text else [quote]


def _score(lines: Sequence[tuple[int, str]], dialect: Dialect) -> float:
    widths: Counter[int] = Counter()
    cells = known = firm = odd = 0
    least = first = 0
    for record in records(lines, dialect):
        row = record.cells
        if row is None:
            odd += 1
            row = tuple(record.text.split(dialect.delimiter))
        if not any(cell.strip() for cell in row):
            continue
        widths[len(row)] += 1
        first = first or len(row)
        least = min(least or len(row), len(row))
        for n, cell in enumerate(row):
            cells += 1
            typed = kind(cell) != "text" if n not in record.quoted else True
            firm += typed
            known += typed or _WORDS.fullmatch(cell.strip()) is not None
    rows = sum(widths.values())
    if not rows or max(widths) < 2:
        return 0.0
    if dialect.delimiter == " " and not (first >= 3 and least >= first and firm > cells / 2):
        return 0.0  # words of a text
    even = sum((count / rows) ** 2 * (width - 1) / width for width, count in widths.items())
    return even * (known / cells) * (1 - odd / (rows + odd))


def _never_without(lines: Sequence[tuple[int, str]], delimiter: str, wider: Dialect) -> bool:
    """Whether the delimiter stands nowhere but as a part of a wider one, quoted cells aside."""
    widest = 0
    for record in records(lines, wider):
        cells = record.cells or (delimiter,)
        if any(delimiter in cell for n, cell in enumerate(cells) if n not in record.quoted):
            return False
        widest = max(widest, len(cells))
    return widest > 1
