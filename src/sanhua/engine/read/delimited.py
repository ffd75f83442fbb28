"""CSV: its dialect, where its table begins, and what the engine must be told to read it.

DuckDB's strict reader reads the plain files. What it cannot read exactly (mixed line ends, quotes
that do not match, rows of another shape) is read here line by line into an even copy, and what is
no row of the table into a list of rejects, each whole, with its line and why.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sanhua.engine.read.archive import CHUNK_BYTES
from sanhua.engine.read.dialect import (
    LINE_BYTES_MAX,
    Blocks,
    Dialect,
    Record,
    detect,
    kind,
    lines_of,
    records,
)
from sanhua.engine.read.mend import Columns, inside, mended, shape
from sanhua.engine.read.raw import CsvFile, Tell, headings_of
from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.table import Reading

SNIFFED_BYTES = 1 << 20
SNIFFED_LINES = 2_000
DIALECT_LINES = 200
HEADING_ROWS_MAX = 5
RUN_MIN = 3  # rows of another shape in a row are another table
LOOKED_AT_MAX = 1 << 20  # characters of a file's rows of another shape, to put them right
LINES_TOLD = 20
_USUAL = (",", "\t", ";", "|", "\x1f")


@dataclass(frozen=True, slots=True)
class Form:
    """How the file at `path` is read: `width` cells a row, from line `first` on; `short` is how
    many its rows have when all of them lack the last, `above` the rows above the table when they
    are so many that they are a table of their own.
    """

    path: Path
    dialect: Dialect
    headings: tuple[str, ...]
    width: int
    first: int
    footer: int
    columns: Columns
    mend: bool
    short: int
    above: tuple[Record, ...]


def read_csv(
    path: Path, name: str, reading: Reading, scratch: Path, tell: Tell, wanted: Sequence[str] = ()
) -> CsvFile:
    """The file as its reader must know it; `wanted` are the headings that a contract names."""
    with path.open("rb") as file:
        if not file.read(CHUNK_BYTES).strip():
            raise Invalid("collect.empty", file=name)
    lines = _first_lines(path, reading.skip)
    dialect = detect(
        lines[:DIALECT_LINES],
        reading.delimiter.replace("\\t", "\t"),
        reading.quote,
        "\\" if reading.escape == "\\" else "",
    )
    all_of_them = list(records(lines, dialect))
    seen = [record for record in all_of_them if not _blank(record, dialect)]
    if not seen:
        raise Invalid("collect.empty", file=name)
    form = _layout(path, seen, dialect, reading, wanted, name, tell)
    _tell_dialect(dialect, name, tell)
    plain = (
        _verbatim(dialect)
        and not form.footer
        and not form.short
        and not form.above
        and not any(_odd(one, form) for one in seen if one.line >= form.first)
        and not any(_blank(one, dialect) and one.text.strip() for one in all_of_them)
        and not _mixes_line_ends(path)
        and not _holds_blank_rows(path, dialect, form.width)
    )
    headed = max((one.line for one in seen if one.line < form.first), default=form.first)
    between = [one for one in all_of_them if headed < one.line < form.first and one.text.strip()]
    if between:
        lines_told = [one.line for one in between]
        tell(_of_lines("collect.blank-rows", Severity.NOTE, name, lines_told))
    if not plain:
        return reread(form, scratch, name, tell)
    return _as_it_stands(form, scratch)


def _as_it_stands(form: Form, scratch: Path) -> CsvFile:
    path, dialect, skipped = form.path, form.dialect, form.first - 1
    made = CsvFile(path, form.headings, dialect.delimiter, dialect.quote, skipped, 0, None, form)
    with path.open(encoding="utf-8", newline="") as file:
        before = (line for _, line in islice(lines_of(file), skipped))
        if not any(dialect.quote and dialect.quote in line for line in before):
            return made
    # The engine counts what it skips in records, and an open quote would swallow the file.
    return replace(made, path=_without(path, skipped, scratch), skip=0, cut=skipped)


def _first_lines(path: Path, skip: int) -> list[tuple[int, str]]:
    """Numbered lines below the first `skip`."""
    found: list[tuple[int, str]] = []
    size = 0
    with path.open(encoding="utf-8", newline="") as file:
        for number, line in islice(lines_of(file), skip, skip + SNIFFED_LINES):
            found.append((number, line))
            size += len(line)
            if size > SNIFFED_BYTES:
                break
    return found


def _blank(record: Record, dialect: Dialect) -> bool:
    """Whether nothing stands there, not even quotes."""
    return not record.text.replace(dialect.delimiter, "").strip()


def _fits(record: Record, width: int) -> bool:
    return record.cells is not None and len(record.cells) == width


def _odd(record: Record, form: Form) -> bool:
    """Whether the engine would read a row otherwise than it is meant, or not at all."""
    width = form.short or form.width
    if record.cells is None or len(record.cells) != width or _again(record, form):
        return True
    return inside(record, form.dialect) and not form.columns.fit(record.cells)


def _again(record: Record, form: Form) -> bool:
    """Whether a row is the headings once more."""
    return tuple(cell.strip() for cell in record.cells or ()) == form.headings


# Where the table begins


def _layout(
    path: Path,
    seen: Sequence[Record],
    dialect: Dialect,
    reading: Reading,
    wanted: Sequence[str],
    name: str,
    tell: Tell,
) -> Form:
    """The table among the first records: the rows above it are told, its headings named."""
    width = _width(seen, dialect)
    said = reading.header is not None
    start = 0 if reading.skip or said else _start(seen, width, dialect)
    at = _where(seen, dialect, wanted)
    if at is not None and not said:
        start, rows = at, 1
        if not any(_fits(one, width) for one in seen[:at]):
            width = len(_cells(seen[at], dialect, width) or ()) or width
    elif not said:
        rows = _heading_rows(seen, start, width, dialect)
    else:
        rows = int(reading.header or 0)
    heads = [_cells(one, dialect, width) or [one.text] for one in seen[start : start + rows]]
    body = seen[start + rows :]
    if start:
        _tell_above(seen[:start], name, tell)
    widths = {len(one.cells) for one in body if one.cells is not None}
    short = 0
    if not rows:
        facts: dict[str, Any] = {"file": name, "columns": width}
        if reading.header is None:
            tell(Diagnostic(Severity.NOTE, "collect.no-headings", facts=facts))
        headings = tuple(f"column{n}" for n in range(1, width + 1))
    else:
        cells = _joined_headings(heads)
        if len(heads) > 1:
            facts = {"file": name, "rows": len(heads), "line": seen[start].line}
            tell(Diagnostic(Severity.NOTE, "collect.headings-joined", facts=facts))
        if wanted or not widths:
            width = len(cells)
        elif len(cells) != width:
            cells = _as_wide(cells, width, widths, name, tell)
            short, width = width, len(cells)
        headings = headings_of(cells, name, tell, wanted)
    first = body[0].line if body else seen[-1].line + seen[-1].text.count("\n") + 1
    if not rows and not start:
        first = reading.skip + 1
    short = short if short < width else 0
    fitting = [
        one.cells
        for one in body
        if one.cells is not None and len(one.cells) == width and not inside(one, dialect)
    ]
    return Form(
        path,
        dialect,
        headings,
        width,
        first,
        reading.footer,
        Columns(fitting, width),
        reading.mend is not False,
        short,
        tuple(seen[:start]) if start > LINES_TOLD else (),
    )


def _width(seen: Sequence[Record], dialect: Dialect) -> int:
    """The width of most rows, of the first table when two are as long; of the first row when blanks
    part the cells, for values hold blanks.
    """
    widths = Counter(len(one.cells) for one in seen if one.cells is not None)
    if not widths:
        return 1
    if dialect.delimiter == " ":
        return next(len(one.cells) for one in seen if one.cells is not None and one.filled > 1)
    most = max(widths.values())
    alike = [width for width, count in widths.items() if count == most]
    return next(
        width for width in alike if most > 1 and 2 * width >= max(alike) or width == max(alike)
    )


def _start(seen: Sequence[Record], width: int, dialect: Dialect) -> int:
    """The first row of the table: titles (one text alone) and lines of another shape stand above
    it, but for headings that are a few too many or too few.
    """
    if width < 2:
        return 0
    for n, one in enumerate(seen):
        if _fits(one, width) and not _title(seen, n, width):
            above = n and (n == 1 and seen[0].cells is None or _names(seen[n - 1], width))
            return n - 1 if above and not _heading_rows(seen, n, width, dialect) else n
    return 0


def _names(record: Record, width: int) -> bool:
    """Whether a row of another shape may be the headings of the rows below it."""
    cells = record.cells
    if cells and record.filled > 1 and abs(len(cells) - width) <= max(1, width // 3):
        return all(kind(cell) in ("", "text") for cell in cells)
    return _another_delimiter(record, width) is not None


def _title(seen: Sequence[Record], n: int, width: int) -> bool:
    one = seen[n]
    if one.filled != 1:
        return False
    (text,) = (cell for cell in one.cells or () if cell.strip())
    after = seen[n + 1].line - one.line - one.text.count("\n") if n + 1 < len(seen) else 1
    return kind(text) == "text" and (width > 2 or after > 1)


def _where(seen: Sequence[Record], dialect: Dialect, wanted: Sequence[str]) -> int | None:
    """The row that holds all headings of the contract."""
    names = {one.strip() for one in wanted}
    for n, one in enumerate(seen[:SNIFFED_LINES] if names else ()):
        if names <= {cell.strip() for cell in one.cells or ()}:
            return n
    return None


def _heading_rows(seen: Sequence[Record], start: int, width: int, dialect: Dialect) -> int:
    """How many rows of headings there are: rows whose cells are not of the kind that their
    columns hold.
    """
    head = [_cells(one, dialect, width) or [] for one in seen[start : start + HEADING_ROWS_MAX]]
    rows = [one.cells for one in seen[start + 1 :] if one.cells and len(one.cells) == width]
    more = min(HEADING_ROWS_MAX - 1, len(rows) // 3)  # of which may be headings too
    if not rows:
        kinds = [kind(cell) for cell in head[0]]
        return 0 if kinds.count("text") < len(kinds) / 2 and any(kinds) else 1
    counted = [Counter(row[n] for row in rows[more:]) for n in range(width)]
    typed = [_kind_of(cells) for cells in counted]
    kinds = [of_kind or _shape_of(cells) for of_kind, cells in zip(typed, counted, strict=True)]
    count = 0
    for n, cells in enumerate(head):
        same = other = filled = 0
        # A text of another shape than most may be a value: it is no sign of a second heading.
        for cell, wanted in zip(cells, typed if n else kinds, strict=False):
            filled += bool(cell.strip())
            if wanted and kind(cell):
                agrees = wanted(cell)
                same += agrees
                other += not agrees
        years = _years(cells, rows) if n == 0 else False
        if n == 0 and not (other > same or years or not any(kinds)):
            return 0
        if n and (same or other < max(1, filled / 2)):
            break
        count += 1
        if n + 1 >= len(rows):
            break
    return count


def _kind_of(counted: Counter[str]) -> Any:
    """A test of a cell for the kind that most cells of a column have; None of a column of texts."""
    found: Counter[str] = Counter()
    for cell, n in counted.items():
        found[kind(cell)] += n
    del found[""]
    most, count = next(iter(found.most_common(1)), ("text", 0))
    if most == "text" or count < 0.8 * found.total():
        return None
    return lambda cell: kind(cell) == most


def _shape_of(counted: Counter[str]) -> Any:
    """A test of a cell for the shape, with figures in it, that the texts of a column have; None of
    a column that holds something else.
    """
    found: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for cell, n in counted.items():
        if held := kind(cell):
            found[shape(cell)] += n
            kinds[held] += n
    if not kinds or kinds.most_common(1)[0][0] != "text":
        return None
    (form, count), *_ = found.most_common(1)
    if "9" in form and count >= 0.9 * found.total() and found.total() > 4:
        return lambda cell: shape(cell) == form
    return None


def _years(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the cells are years one after another and those below them are not."""
    at = [n for n, cell in enumerate(cells) if cell.strip().isdecimal() and len(cell.strip()) == 4]
    years = [int(cells[n]) for n in at]
    if len(years) < 2 or not 1800 <= min(years) <= max(years) <= 2200:
        return False
    if {abs(b - a) for a, b in zip(years, years[1:], strict=False)} != {1}:
        return False
    return any(rows[0][n].strip() not in {str(year) for year in range(1800, 2201)} for n in at)


def _cells(record: Record, dialect: Dialect, width: int) -> list[str] | None:
    """The cells of a row of headings, be it of odd quotes or of another delimiter."""
    if record.cells is not None and (len(record.cells) == width or record.filled > 1):
        return list(record.cells)
    found = dialect.readings(record.text, width) if dialect.quote else []
    if len(found) == 1:
        return found[0]
    return _another_delimiter(record, width) or list(record.cells or ()) or None


def _another_delimiter(record: Record, width: int) -> list[str] | None:
    for delimiter in (";", "\t", "|", ", ", " ", ","):
        got = Dialect(delimiter).split(record.text)
        if got and len(got[0]) == width > 1 and all(cell.strip() for cell in got[0]):
            return got[0]
    return None


def _joined_headings(heads: Sequence[Sequence[str]]) -> list[str]:
    """Headings on several rows as one: a heading above spans the empty cells on its right that
    have another below.
    """
    made = list(heads[-1])
    for above in reversed(heads[:-1]):
        spanning = ""
        for n, below in enumerate(made):
            own = above[n].strip() if n < len(above) else ""
            spanning = own or (spanning if below.strip() else "")
            made[n] = " ".join(filter(None, (spanning, below.strip())))
    return made


def _as_wide(cells: list[str], width: int, widths: set[int], name: str, tell: Tell) -> list[str]:
    """Headings as many as the columns: one that is empty is taken out when every row is shorter
    by one; else they stand from the left, and columns without one are numbered.
    """
    if len(cells) == width + 1 and sum(not cell.strip() for cell in cells) == 1:
        made = [cell for cell in cells if cell.strip()]
    elif len(cells) > width and widths == {width}:
        made = cells
    else:
        made = [*cells[:width], *[""] * (width - len(cells))]
    facts: dict[str, Any] = {"file": name, "headings": len(cells), "columns": width}
    tell(Diagnostic(Severity.WARNING, "collect.headings-differ", facts=facts))
    return made


# What is told


def _tell_dialect(dialect: Dialect, name: str, tell: Tell) -> None:
    odd = dialect.quote == "'" or dialect.escape == "\\"
    if odd or dialect.delimiter not in _USUAL:
        words = {"\x01": "\\x01", " ": "' '", ", ": "', '"}
        facts = {
            "file": name,
            "delimiter": words.get(dialect.delimiter, dialect.delimiter),
            "quote": dialect.quote or "–",
            "escape": dialect.escape or "–",
        }
        tell(Diagnostic(Severity.NOTE, "collect.read-as", facts=facts))


def _tell_above(above: Sequence[Record], name: str, tell: Tell) -> None:
    said = " / ".join(one.text.strip(" ,;\t|").replace("\n", " ") for one in above)
    facts = {
        "file": name,
        "first": above[0].line,
        "last": above[-1].line,
        "text": said if len(said) <= 200 else said[:197] + "…",
    }
    tell(Diagnostic(Severity.NOTE, "collect.above-the-table", facts=facts))


# Line by line


def reread(form: Form, scratch: Path, name: str, tell: Tell) -> CsvFile:
    """The file again, line by line: its rows in an even copy, what is no row in a list."""
    even, left = scratch / "even", scratch / "rejects"
    dialect = form.dialect if _verbatim(form.dialect) else Dialect(",")
    with (
        form.path.open(encoding="utf-8", newline="") as source,
        even.open("w", encoding="utf-8", newline="") as out,
        _Rejects(left) as rejects,
    ):
        for record in form.above:
            rejects.add(record, "stands above the table")
        lines: Iterable[tuple[int, str]]
        if _verbatim(form.dialect) and not form.footer:
            for _ in islice(lines_of(source), form.first - 1):
                pass
            lines = Blocks(source, form.first, _even(form))
        else:
            lines = islice(lines_of(source), form.first - 1, None)
        found = records(lines, form.dialect, form.short or form.width)
        blanks: list[int] = []
        rows = _without_footer(found, form, rejects, blanks)
        for row in _Rows(form, rejects, name, tell).of(rows):
            out.write(dialect.join(row) if isinstance(row, list) else row)
            out.write("\n")
    if blanks:
        tell(_of_lines("collect.blank-rows", Severity.NOTE, name, blanks))
    return CsvFile(even, form.headings, dialect.delimiter, dialect.quote, 0, 0, left, None)


def _even(form: Form) -> re.Pattern[str]:
    """Lines that are rows as they stand: of the right width, without quotes, not blank and not the
    headings again.
    """
    delimiter, quote, blank = re.escape(form.dialect.delimiter), form.dialect.quote, r"[^\S\n]*+"
    cell = rf"[^{re.escape(quote)}{delimiter}\r\n]*+"
    nothing = rf"(?:[^\S\n]|{delimiter})*+\n"
    again = f"{blank}{delimiter}{blank}".join(map(re.escape, form.headings))
    row = rf"{cell}(?:{delimiter}{cell}){{{(form.short or form.width) - 1}}}\n"
    return re.compile(rf"(?:(?!{nothing})(?!{blank}{again}{blank}\n){row})++")


def _of_lines(code: str, severity: Severity, name: str, lines: Sequence[int]) -> Diagnostic:
    listed = ", ".join(map(str, lines[:LINES_TOLD])) + (" …" if len(lines) > LINES_TOLD else "")
    return Diagnostic(severity, code, facts={"file": name, "rows": len(lines), "lines": listed})


def _verbatim(dialect: Dialect) -> bool:
    """Whether the engine reads records of this dialect as they stand."""
    return bool(dialect.quote) and dialect.escape == dialect.quote and len(dialect.delimiter) == 1


def _without_footer(
    found: Iterator[Record], form: Form, rejects: _Rejects, blanks: list[int]
) -> Iterator[Record]:
    """Records but for the last `footer`, and for those in which nothing but delimiters stands,
    the lines of which go to `blanks`.
    """
    held: list[Record] = []
    for record in found:
        if not record.even and _blank(record, form.dialect):
            blanks.extend([record.line] if record.text.strip() else ())
            continue
        held.append(record)
        if len(held) > form.footer:
            yield held.pop(0)
    for record in held:
        rejects.add(record, "is of the footer")


class _Rejects:
    """Lines that are no rows, written to a Parquet file: line, reason, text."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        fields = {"line": pa.int64(), "reason": pa.string(), "text": pa.string()}
        self._path, self._schema = path, pa.schema(fields.items())
        self._held: list[tuple[int, str, str]] = []
        self._size = 0

    def __enter__(self) -> _Rejects:
        import pyarrow.parquet as pq

        self._out = pq.ParquetWriter(self._path, self._schema)
        return self

    def add(self, record: Record, reason: str) -> None:
        self._held.append((record.line, reason, record.text))
        self._size += len(record.text) + 64
        if self._size > LINE_BYTES_MAX:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa

        columns = [list(column) for column in zip(*self._held, strict=True)]
        if columns:
            self._out.write_table(pa.table(columns, self._schema))
        self._held, self._size = [], 0

    def __exit__(self, *raised: object) -> None:
        self._write()
        self._out.close()


class _Rows:
    """The rows of the table in order, as text or, put right, as cells; the others are rejected."""

    def __init__(self, form: Form, rejects: _Rejects, name: str, tell: Tell) -> None:
        self.form, self.rejects, self.name, self.tell = form, rejects, name, tell
        self.lines: dict[str, list[int]] = {}
        self.looked_at = 0

    def of(self, found: Iterator[Record]) -> Iterator[str | list[str]]:
        form = self.form
        verbatim = _verbatim(form.dialect)
        more = form.dialect.delimiter
        odd: list[Record] = []
        table = False  # whether the rows of another shape are many
        for record in self._once(found):
            if record.even:
                yield from self._flushed(odd, table)
                odd, table = [], False
                missing = more * (form.width - (form.short or form.width))
                yield record.text.replace("\n", f"{missing}\n") + missing
                continue
            if not _odd(record, form):
                yield from self._flushed(odd, table)
                odd, table = [], False
                cells = list(record.cells or ())
                missing = form.width - len(cells)
                yield record.text + more * missing if verbatim else cells + [""] * missing
                continue
            odd.append(record)
            if len(odd) >= RUN_MIN:
                table = True
                yield from self._flushed(odd, table)
                odd = []
        yield from self._flushed(odd, table)
        for amiss, lines in self.lines.items():
            told = _of_lines(f"collect.mended-{amiss}", Severity.WARNING, self.name, lines)
            self.tell(told)

    def _once(self, found: Iterator[Record]) -> Iterator[Record]:
        """Without the headings where they stand again, and a title over them."""
        title: Record | None = None
        for record in found:
            if record.even:
                if title:
                    yield title
                title = None
                yield record
                continue
            if _again(record, self.form):
                if title:
                    self.rejects.add(title, "is a title over headings that stand again")
                self.rejects.add(record, "is the headings once more")
                title = None
                continue
            if title:
                yield title
            title = record if record.filled == 1 else None
            if title is None:
                yield record
        if title:
            yield title

    def _flushed(self, odd: list[Record], table: bool) -> Iterator[list[str]]:
        for record in odd:
            if row := self._mended(record, not table):
                yield row
            elif record.cells is not None and len(record.cells) == self.form.width:
                yield list(record.cells)
            else:
                self.rejects.add(record, self._why(record))

    def _mended(self, record: Record, alone: bool) -> list[str] | None:
        form = self.form
        self.looked_at += len(record.text)
        if not form.mend or self.looked_at > LOOKED_AT_MAX:
            return None
        made = mended(record, form.dialect, form.columns, form.width, alone)
        if made is None:
            return None
        self.lines.setdefault(made[1], []).append(record.line)
        return made[0]

    def _why(self, record: Record) -> str:
        if len(record.text) >= LINE_BYTES_MAX - 2:
            return "is too long a line"
        if record.cells is None:
            return "has quotes that do not match"
        return f"has {len(record.cells)} values, not {self.form.width}"


def _mixes_line_ends(path: Path) -> bool:
    pairs = returns = 0
    feeds = False  # whether one stands alone
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if b"\r" in chunk or last == b"\r":
                paired = chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
                pairs += paired
                returns += chunk.count(b"\r")
                feeds = feeds or chunk.count(b"\n") > paired
            else:
                feeds = feeds or b"\n" in chunk
            last = chunk[-1:]
    return (pairs > 0) + (returns > pairs) + feeds > 1


def _holds_blank_rows(path: Path, dialect: Dialect, width: int) -> bool:
    """Whether a line holds nothing but the delimiters of a row; the engine would say nothing."""
    row = b"\n" + dialect.delimiter.encode() * (width - 1)
    if width < 2:
        return False
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            both = last + chunk
            if row + b"\n" in both or row + b"\r" in both:
                return True
            last = both[-len(row) - 1 :]
    return last.endswith(row)


def _without(path: Path, lines: int, scratch: Path) -> Path:
    """A copy without its first lines."""
    target = scratch / "records"
    with path.open("rb") as source, target.open("wb") as out:
        with path.open(encoding="utf-8", newline="") as text:
            size = sum(len(line.encode()) for _, line in islice(lines_of(text), lines))
        source.seek(size)
        shutil.copyfileobj(source, out)
    return target
