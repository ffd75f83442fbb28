"""Raw files as relations of text.

Every reader gives the file's headings and a relation in which each value is the text that stood in
the file (NULL for an empty cell). Compressed, zipped and non-UTF-8 files are turned into a UTF-8
file in a scratch folder first.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from sanhua.kernel.errors import Diagnostic, Invalid, NotFound, Severity, Unavailable
from sanhua.kernel.table import Reading

EXPANDED_BYTES_MAX = 64 << 30  # what a compressed file may unfold to
EXPANSION_MAX = 1000  # and how many times its size, once past EXPANSION_FROM_BYTES
EXPANSION_FROM_BYTES = 256 << 20
LINE_BYTES_MAX = 32 << 20  # a longer line is rejected
SNIFFED_ROWS = 50
DIGITS_MAX = 400  # a JSON number with more is kept as it was written
_CHUNK_BYTES = 1 << 20
_DELIMITERS = ",\t;|"
_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A UTF-8 CSV and its dialect; `skip` lines stand before the first record, `cut` lines of the
    user's file before those.
    """

    path: Path
    headings: tuple[str, ...]
    delimiter: str
    quote: str
    skip: int
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Flaw:
    """What stood in a cell that has no value, and why; it rejects the rows of who reads it."""

    text: str
    reason: str

    def __str__(self) -> str:
        return self.text


Cell = str | Flaw | None
Tell = Callable[[Diagnostic], None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Records already read, each as long as `headings`."""

    headings: tuple[str, ...]
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class ParquetFile:
    path: Path


Raw = CsvFile | Rows | ParquetFile


def open_raw(path: Path, name: str, reading: Reading, scratch: Path, tell: Tell) -> Raw:
    """What `path` holds; `name` is how the user calls it, with `!member` for a part of a zip;
    `tell` hears what was left unread or read otherwise than it stands.

    Raises NotFound collect.no-such-file, Invalid collect.* (empty, not what its name says, wrong
    encoding, headings twice, too large when unpacked), Unavailable collect.unreadable.
    """
    member = name.partition("!")[2]
    try:
        kind = reading.format or _kind(member or path.name, name)
        if kind == "parquet":
            return ParquetFile(_plain_file(path, name, member, scratch, ".parquet"))
        if kind == "excel":
            return _excel(_plain_file(path, name, member, scratch, ".xlsx"), name, reading, tell)
        with _open(path, name, member) as stream:
            text = _decoded(stream, path, name, reading, scratch)
        if kind == "csv":
            return _csv(text, name, reading, scratch, tell)
        if kind == "json":
            return _json(text, name, reading, tell)
        if kind == "ndjson":
            return _ndjson(text, name, tell)
        raise Invalid(
            "collect.unknown-format",
            file=name,
            format=kind,
            known=", ".join(sorted({*_SUFFIX.values()})),
        )
    except FileNotFoundError as error:
        raise NotFound("collect.no-such-file", file=name) from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Invalid("collect.broken-archive", file=name, reason=str(error)) from error
    except RecursionError as error:
        raise Invalid("collect.bad-json", file=name, reason="nested too deeply") from error
    except PermissionError as error:
        raise Unavailable("collect.unreadable", path=name, reason=error.strerror or "") from error


def _kind(file: str, name: str) -> str:
    lower = file.lower().removesuffix(".gz")
    for suffix, kind in _SUFFIX.items():
        if lower.endswith(suffix):
            return kind
    raise Invalid("collect.unknown-format", file=name, format=Path(lower).suffix or "–",
                  known=", ".join(sorted({*_SUFFIX.values()})))  # fmt: skip


def _open(path: Path, name: str, member: str) -> IO[bytes]:
    if member:
        archive = zipfile.ZipFile(path)
        if member not in archive.namelist():
            near = get_close_matches(member, archive.namelist(), 1)
            raise NotFound(
                "collect.no-member", file=name, member=member, nearest=near[0] if near else "–"
            )
        return archive.open(member)
    with path.open("rb") as file:
        magic = file.read(2)
    if not magic:
        raise Invalid("collect.empty", file=name)
    if magic == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.name.lower().endswith(".gz"):
        raise Invalid("collect.broken-archive", file=name, reason="not gzip")
    return path.open("rb")


def _chunks(stream: IO[bytes], packed: int, name: str) -> Iterator[bytes]:
    seen = 0
    while chunk := stream.read(_CHUNK_BYTES):
        seen += len(chunk)
        if seen > EXPANDED_BYTES_MAX or (
            seen > EXPANSION_FROM_BYTES and seen > packed * EXPANSION_MAX
        ):
            raise Invalid("collect.unpacks-too-large", file=name, bytes=seen)
        yield chunk


def _plain_file(path: Path, name: str, member: str, scratch: Path, suffix: str) -> Path:
    """The file itself, or its unpacked copy; Invalid collect.empty."""
    if not member and not path.name.lower().endswith(".gz"):
        if path.stat().st_size == 0:
            raise Invalid("collect.empty", file=name)
        return path
    target = scratch / f"unpacked{suffix}"
    with _open(path, name, member) as stream, target.open("wb") as out:
        for chunk in _chunks(stream, path.stat().st_size, name):
            out.write(chunk)
    return target


# Text


def _decoded(stream: IO[bytes], path: Path, name: str, reading: Reading, scratch: Path) -> Path:
    """The file as UTF-8 without a byte order mark: itself when it is that already, else a copy."""
    first = stream.read(_CHUNK_BYTES)
    if not first:
        raise Invalid("collect.empty", file=name)
    packed = path.stat().st_size
    encoding = _codec(reading.encoding, name) if reading.encoding else _marked(first)
    unpacked = path
    if not isinstance(stream, BufferedReader):  # a packed file
        unpacked = scratch / "raw"
        with unpacked.open("wb") as out:
            out.write(first)
            for chunk in _chunks(stream, packed, name):
                out.write(chunk)
    if encoding is not None:
        return _transcode(unpacked, encoding, name, scratch)
    try:
        return _transcode(unpacked, "utf-8", name, scratch)
    except Invalid as utf8:
        try:
            return _transcode(unpacked, "gb18030", name, scratch)
        except Invalid:
            raise utf8 from None


def _codec(written: str, name: str) -> str:
    try:
        found = codecs.lookup(written).name
    except LookupError as error:
        raise Invalid("collect.unknown-encoding", file=name, encoding=written) from error
    return {"gbk": "gb18030", "gb2312": "gb18030", "utf-8": "utf-8-sig"}.get(found, found)


def _marked(first: bytes) -> str | None:
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _transcode(source: Path, encoding: str, name: str, scratch: Path) -> Path:
    """Check every byte; UTF-8 needs no copy. Invalid collect.wrong-encoding at byte and line,
    collect.not-text at the line of a NUL.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    copy = None if encoding == "utf-8" else scratch / "text"
    offset = lines = 0
    with (
        source.open("rb") as stream,
        (copy or Path(source)).open("rb" if copy is None else "wb") as out,
    ):
        while True:
            chunk = stream.read(_CHUNK_BYTES)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = offset - pending + error.start
                line = lines + error.object[: error.start].count(b"\n") + 1
                raise Invalid(
                    "collect.wrong-encoding",
                    file=name,
                    line=line,
                    encoding=encoding.removesuffix("-sig"),
                    offset=at,
                    byte=f"0x{error.object[error.start]:02x}",
                ) from error
            if (nul := text.find("\0")) >= 0:
                line = lines + text.count("\n", 0, nul) + 1
                raise Invalid("collect.not-text", file=name, line=line)
            if copy is not None:
                out.write(text.encode())
            if not chunk:
                break
            offset += len(chunk)
            lines += text.count("\n")
    return copy or source


# CSV


csv.field_size_limit(LINE_BYTES_MAX)


def _csv(path: Path, name: str, reading: Reading, scratch: Path, tell: Tell) -> CsvFile:
    with path.open("rb") as file:
        head = file.read(_CHUNK_BYTES)
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
        while chunk := file.read(_CHUNK_BYTES):
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


def headings_of(cells: Iterable[Any], name: str, tell: Tell) -> tuple[str, ...]:
    """The names of the columns: blanks around them are taken off, an empty one is numbered."""
    found: list[str] = []
    for n, cell in enumerate(cells, 1):
        written = str(cell or "")
        text = written.strip() or f"column{n}"
        if written.strip() and written != text:
            facts = {"file": name, "heading": text}
            tell(Diagnostic(Severity.NOTE, "collect.heading-trimmed", facts=facts))
        if text in found:
            raise Invalid("collect.duplicate-heading", file=name, heading=text,
                          columns=f"{found.index(text) + 1}, {n}")  # fmt: skip
        found.append(text)
    if not found:
        raise Invalid("collect.empty", file=name)
    return tuple(found)


# Excel


def _excel(path: Path, name: str, reading: Reading, tell: Tell) -> Rows:
    """The cached values of one sheet (the first, or `sheet`) below its first row, or of `range`."""
    rows = [
        row
        for row in islice(_cells(path, name, reading, tell), reading.skip, None)
        if any(value is not None for value in row)
    ]
    if not rows:
        raise Invalid("collect.empty", file=name)
    while (
        rows[0]
        and rows[0][-1] is None
        and all(len(r) < len(rows[0]) or r[len(rows[0]) - 1] is None for r in rows)
    ):
        rows = [row[: len(rows[0]) - 1] for row in rows]
    if reading.header is False:
        headings = tuple(f"column{n}" for n in range(1, len(rows[0]) + 1))
    else:
        headings = headings_of(rows.pop(0), name, tell)
    width = len(headings)
    return Rows(
        headings, [[_text(value) for value in [*row, *[None] * width][:width]] for row in rows]
    )


def _cells(path: Path, name: str, reading: Reading, tell: Tell) -> Iterator[list[Any]]:
    """The values of the sheet row by row; a formula that no program has computed is a Flaw."""
    with _workbook(path, name, data_only=True) as book:
        if reading.sheet and reading.sheet not in book.sheetnames:
            raise NotFound(
                "collect.no-sheet", file=name, sheet=reading.sheet, known=", ".join(book.sheetnames)
            )
        first = reading.sheet or book.worksheets[0].title
        others = [sheet.title for sheet in book.worksheets if sheet.title != first]
        unread = [
            title
            for title in ([] if reading.sheet else others)
            if any(
                cell is not None for row in book[title].iter_rows(values_only=True) for cell in row
            )
        ]
        if unread:
            facts = {"file": name, "sheet": first, "others": ", ".join(unread)}
            tell(Diagnostic(Severity.WARNING, "collect.sheets-unread", facts=facts))
        values = _area(book[first], reading)
        if not _has_formulas(path):
            yield from ([cell.value for cell in row] for row in values)
            return
        with _workbook(path, name, data_only=False) as written:
            for row, beside in zip(values, _area(written[first], reading), strict=True):
                yield [_computed(*pair) for pair in zip(row, beside, strict=True)]


def _area(sheet: Any, reading: Reading) -> Iterator[Any]:
    """The rows of the sheet, or of a range whose corners may stand in any order."""
    if not reading.range:
        return sheet.iter_rows()
    from openpyxl.utils import range_boundaries

    left, top, right, bottom = cast("tuple[int, int, int, int]", range_boundaries(reading.range))
    (top, bottom), (left, right) = sorted((top, bottom)), sorted((left, right))
    return sheet.iter_rows(top, bottom, left, right)


def _computed(cell: Any, formula: Any) -> Any:
    """An untyped cell without a value is what a formula leaves that was never computed."""
    if formula.data_type == "f" and cell.value is None and cell.data_type == "n":
        text = str(getattr(formula.value, "text", formula.value))
        return Flaw(text, "is a formula without a stored value")
    return cell.value


@contextmanager
def _workbook(path: Path, name: str, *, data_only: bool) -> Iterator[Any]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=data_only)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid(
            "collect.broken-archive", file=name, reason=str(error).split("\n")[0]
        ) from error
    try:
        yield book
    finally:
        book.close()


def _has_formulas(path: Path) -> bool:
    """Whether any sheet holds a formula; the sheets are read twice only then."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                with archive.open(part) as stream:
                    last = b""
                    while chunk := stream.read(_CHUNK_BYTES):
                        if _FORMULA.search(last + chunk):
                            return True
                        last = chunk[-32:]
    return False


_FORMULA = re.compile(rb"<(\w+:)?f[ />]")


def _text(value: Any) -> Cell:
    """A cell or JSON value as the text that a person would have written."""
    if value is None or value == "" or isinstance(value, Flaw):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
        value = value.to_integral_value() if value == value.to_integral_value() else value
    if isinstance(value, Decimal):
        plain = max(abs(value.adjusted()), len(value.as_tuple().digits)) <= DIGITS_MAX
        return format(value, "f") if plain else str(value)
    if isinstance(value, datetime):  # a date cell is a midnight to the workbook's reader
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        inner = _flaw_in(value)
        return Flaw(_sound(text), inner.reason) if inner else _checked(text)
    return _checked(str(value))


def _flaw_in(value: Any) -> Flaw | None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Flaw):
            return one
        if isinstance(one, dict | list):
            waiting += cast("dict[str, Any]", one).values() if isinstance(one, dict) else one
    return None


_HALF = re.compile("[\ud800-\udfff]")


def _sound(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _checked(text: str) -> Cell:
    if not text.isascii() and _HALF.search(text):
        return Flaw(_sound(text), "holds half of a surrogate pair")
    return text


# JSON


def _loads(text: str) -> Any:
    return json.loads(
        text,
        parse_float=_number,
        parse_int=_number,
        parse_constant=lambda word: Flaw(word, "is no JSON number"),
        object_pairs_hook=_object,
    )


def _number(written: str) -> int | Decimal | Flaw:
    try:
        return int(written) if written.lstrip("-").isdigit() else Decimal(written)
    except (ValueError, InvalidOperation):
        return Flaw(written[:DIGITS_MAX], "is too long a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        for key in made:
            values = [value for name, value in pairs if name == key]
            if len(values) > 1:
                listed = json.dumps(values, ensure_ascii=False, default=str)
                made[key] = Flaw(_sound(listed), f"is given under key {_sound(key)} more than once")
    return made


def _json(path: Path, name: str, reading: Reading, tell: Tell) -> Rows:
    try:
        value = _loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise Invalid(
            "collect.bad-json", file=name, line=error.lineno, column=error.colno, reason=error.msg
        ) from error
    for step in (reading.records or "$").removeprefix("$").strip(".").split("."):
        if step:
            if not isinstance(value, dict) or step not in value:
                raise Invalid("collect.no-records", file=name, records=reading.records, step=step)
            value = cast("dict[str, Any]", value)[step]
    if isinstance(value, Flaw):
        raise Invalid("collect.bad-json", file=name, reason=f"{value.text[:60]} {value.reason}")
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        records = [items]
        if reading.key:
            records = [_as_record(item, reading.key, key) for key, item in items.items()]
    elif isinstance(value, list):
        records = [_as_record(item) for item in cast("list[Any]", value)]
    else:
        raise Invalid("collect.no-records", file=name, records=reading.records or "$", step="$")
    return _from_records(records, name, tell)


def _ndjson(path: Path, name: str, tell: Tell) -> Rows:
    records: list[Mapping[str, Any] | Flaw] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    records.append(_as_record(_loads(line)))
                except (json.JSONDecodeError, RecursionError) as error:
                    reason = getattr(error, "msg", "nested too deeply")
                    raise Invalid(
                        "collect.bad-json", file=name, line=number, reason=reason
                    ) from error
    return _from_records(records, name, tell)


def _as_record(item: Any, column: str = "", key: str = "") -> Mapping[str, Any] | Flaw:
    """An item as a record, the `key` that it stands under as its `column`."""
    if isinstance(item, Flaw):
        return replace(item, text=f"{key}: {item}") if key else item
    record = cast("dict[str, Any]", item) if isinstance(item, dict) else {"value": item}
    return {column: key, **record} if column else record


def _from_records(records: Sequence[Mapping[str, Any] | Flaw], name: str, tell: Tell) -> Rows:
    """A record that is a Flaw has it in every column."""
    whole = [record for record in records if not isinstance(record, Flaw)]
    keys = list(dict.fromkeys(key for record in whole for key in record))
    if not keys:
        raise Invalid("collect.empty", file=name)
    if bad := next((key for key in keys if _HALF.search(key)), ""):
        reason = f"half of a surrogate pair in the key {_sound(bad)}"
        raise Invalid("collect.bad-json", file=name, reason=reason)
    rows = [
        [record if isinstance(record, Flaw) else _text(record.get(key)) for key in keys]
        for record in records
    ]
    return Rows(headings_of(keys, name, tell), rows)
