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
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from sanhua.kernel.errors import Invalid, NotFound, Unavailable
from sanhua.kernel.table import Reading

EXPANDED_BYTES_MAX = 64 << 30  # what a compressed file may unfold to
EXPANSION_MAX = 1000  # and how many times its size, once past EXPANSION_FROM_BYTES
EXPANSION_FROM_BYTES = 256 << 20
LINE_BYTES_MAX = 32 << 20  # a longer line is rejected
SNIFFED_ROWS = 50
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
class Rows:
    """Records already read: each a sequence of text or None, as long as `headings`."""

    headings: tuple[str, ...]
    rows: list[list[str | None]]


@dataclass(frozen=True, slots=True)
class ParquetFile:
    path: Path


Raw = CsvFile | Rows | ParquetFile


def open_raw(path: Path, name: str, reading: Reading, scratch: Path) -> Raw:
    """What `path` holds; `name` is how the user calls it, with `!member` for a part of a zip.

    Raises NotFound collect.no-such-file, Invalid collect.* (empty, not what its name says, wrong
    encoding, headings twice, too large when unpacked), Unavailable collect.unreadable.
    """
    member = name.partition("!")[2]
    try:
        kind = reading.format or _kind(member or path.name, name)
        if kind == "parquet":
            return ParquetFile(_plain_file(path, name, member, scratch, ".parquet"))
        if kind == "excel":
            return _excel(_plain_file(path, name, member, scratch, ".xlsx"), name, reading)
        with _open(path, name, member) as stream:
            text = _decoded(stream, path, name, reading, scratch)
        if kind == "csv":
            return _csv(text, name, reading, scratch)
        if kind == "json":
            return _json(text, name, reading)
        if kind == "ndjson":
            return _ndjson(text, name)
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
    """Check every byte; UTF-8 needs no copy. Invalid collect.wrong-encoding at byte and line."""
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
            if copy is not None:
                out.write(text.encode())
            if not chunk:
                break
            offset += len(chunk)
            lines += chunk.count(b"\n")
    return copy or source


# CSV


def _csv(path: Path, name: str, reading: Reading, scratch: Path) -> CsvFile:
    with path.open("rb") as file:
        head = file.read(_CHUNK_BYTES)
    if not head.strip():
        raise Invalid("collect.empty", file=name)
    if b"\0" in head:
        raise Invalid("collect.not-text", file=name)
    delimiter = reading.delimiter.replace("\\t", "\t") or _delimiter(path, reading)
    quote = reading.quote or '"'
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
        headings = _headings(first, name)
    if any(quote in line for line in before) or consumed > reading.skip + 1:
        # The engine counts what it skips in records, and an open quote would swallow the file.
        return CsvFile(_without(path, consumed, scratch), headings, delimiter, quote, 0, consumed)
    return CsvFile(path, headings, delimiter, quote, consumed)


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

    csv.field_size_limit(LINE_BYTES_MAX)
    return max(_DELIMITERS, key=score)


def _headings(cells: Iterable[Any], name: str) -> tuple[str, ...]:
    found: list[str] = []
    for n, cell in enumerate(cells, 1):
        text = str(cell or "").strip() or f"column{n}"
        if text in found:
            raise Invalid("collect.duplicate-heading", file=name, heading=text,
                          columns=f"{found.index(text) + 1}, {n}")  # fmt: skip
        found.append(text)
    if not found:
        raise Invalid("collect.empty", file=name)
    return tuple(found)


# Excel


def _excel(path: Path, name: str, reading: Reading) -> Rows:
    """The cached values of one sheet (the first, or `sheet`) below its first row, or of `range`."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid(
            "collect.broken-archive", file=name, reason=str(error).split("\n")[0]
        ) from error
    try:
        if reading.sheet and reading.sheet not in book.sheetnames:
            raise NotFound(
                "collect.no-sheet", file=name, sheet=reading.sheet, known=", ".join(book.sheetnames)
            )
        sheet: Any = book[reading.sheet] if reading.sheet else book.worksheets[0]
        if reading.range:
            cells = ([cell.value for cell in row] for row in sheet[reading.range])
        else:
            cells = (list(row) for row in sheet.iter_rows(values_only=True))
        rows = [
            row
            for row in islice(cells, reading.skip, None)
            if any(value is not None for value in row)
        ]
    finally:
        book.close()
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
        headings = _headings(rows.pop(0), name)
    width = len(headings)
    return Rows(
        headings, [[_text(value) for value in [*row, *[None] * width][:width]] for row in rows]
    )


def _text(value: Any) -> str | None:
    """A cell or JSON value as the text that a person would have written."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        exact = Decimal(repr(value))
        return format(
            exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact, "f"
        )
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):  # a date cell is a midnight to the workbook's reader
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)


# JSON


def _json(path: Path, name: str, reading: Reading) -> Rows:
    try:
        whole = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise Invalid(
            "collect.bad-json", file=name, line=error.lineno, column=error.colno, reason=error.msg
        ) from error
    except RecursionError as error:
        raise Invalid("collect.bad-json", file=name, reason="nested too deeply") from error
    value = whole
    for step in (reading.records or "$").removeprefix("$").strip(".").split("."):
        if step:
            if not isinstance(value, dict) or step not in value:
                raise Invalid("collect.no-records", file=name, records=reading.records, step=step)
            value = cast("dict[str, Any]", value)[step]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        if reading.key:
            records = [{reading.key: key, **_as_record(item)} for key, item in items.items()]
        else:
            records = [items]
    elif isinstance(value, list):
        records = [_as_record(item) for item in cast("list[Any]", value)]
    else:
        raise Invalid("collect.no-records", file=name, records=reading.records or "$", step="$")
    return _from_records(records, name)


def _ndjson(path: Path, name: str) -> Rows:
    records: list[dict[str, Any]] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    records.append(_as_record(json.loads(line, parse_float=Decimal)))
                except (json.JSONDecodeError, RecursionError) as error:
                    reason = getattr(error, "msg", "nested too deeply")
                    raise Invalid(
                        "collect.bad-json", file=name, line=number, reason=reason
                    ) from error
    return _from_records(records, name)


def _as_record(item: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", item) if isinstance(item, dict) else {"value": item}


def _from_records(records: Sequence[Mapping[str, Any]], name: str) -> Rows:
    headings = tuple(dict.fromkeys(key for record in records for key in record))
    if not headings:
        raise Invalid("collect.empty", file=name)
    return Rows(headings, [[_text(record.get(key)) for key in headings] for record in records])
