"""Raw files as relations of text.

`open_raw` finds the format; `archive` unpacks, `text` decodes, `delimited`, `fixed`, `records` and
`sheet` (over the cells of `workbook`) read, and `raw` says what they give. Compressed, zipped and
non-UTF-8 files are turned into a UTF-8 file in a scratch folder first.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from sanhua.engine.read.archive import (
    BROKEN,
    PACKED,
    is_archive,
    member_in,
    members_of,
    open_bytes,
    plain_file,
)
from sanhua.engine.read.delimited import read_csv, reread
from sanhua.engine.read.dialect import LINE_BYTES_MAX
from sanhua.engine.read.fixed import read_fixed
from sanhua.engine.read.raw import (
    CsvFile,
    Flaw,
    Held,
    ParquetFile,
    Raw,
    Tell,
    headings_of,
)
from sanhua.engine.read.records import read_json, read_ndjson
from sanhua.engine.read.sheet import read_sheet
from sanhua.engine.read.text import decoded
from sanhua.kernel.errors import Invalid, NotFound, Unavailable
from sanhua.kernel.table import Reading

READERS = 1  # raised when a file is read otherwise than before: then what was kept is read again
_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}

__all__ = [
    "LINE_BYTES_MAX",
    "READERS",
    "CsvFile",
    "Flaw",
    "ParquetFile",
    "Raw",
    "Held",
    "Tell",
    "headings_of",
    "open_raw",
    "parts_of",
    "reread",
]


def open_raw(
    path: Path, name: str, reading: Reading, scratch: Path, tell: Tell, wanted: Sequence[str] = ()
) -> Raw:
    """What `path` holds; `name` is how the user calls it, with `!member` for a part of an archive
    and `!sheet` for one of a workbook; `tell` hears what was left unread or read otherwise than it
    stands; `wanted` are the headings that a contract names.

    Raises NotFound collect.no-such-file, Invalid collect.* (empty, not what its name says, wrong
    encoding, headings twice, too large when unpacked), Unavailable collect.unreadable.
    """
    member, sheet = "", name.partition("!")[2]
    with _coded(name):
        if is_archive(path):
            member, sheet = member_in(path, name, sheet)
        kind = reading.format if reading.format in _KINDS else _kind(member or path.name, name)
        if sheet and kind != "excel":
            member, sheet = sheet, ""
        if kind == "parquet":
            plain = plain_file(path, name, member, scratch, ".parquet")
            return ParquetFile(plain, _partition(name))
        if kind == "excel":
            plain = plain_file(path, name, member, scratch, ".xlsx")
            return read_sheet(plain, name, sheet, reading, scratch, tell)
        with open_bytes(path, name, member) as stream:
            text = decoded(stream, path, name, reading, scratch, tell)
        if kind == "csv":
            return read_csv(text, name, reading, scratch, tell, wanted)
        if kind == "json":
            return read_json(text, name, reading, scratch, tell)
        if kind == "fixed":
            return read_fixed(text, name, reading, scratch, tell)
        return read_ndjson(text, name, scratch, tell)


def parts_of(path: Path, name: str) -> list[str]:
    """`name`, or one name a member when its part is a glob over an archive: `a.zip!*.txt`."""
    file, _, part = name.partition("!")
    if not part or not is_archive(path):
        return [name]
    with _coded(name):
        return [f"{file}!{member}" for member in members_of(path, name, part)]


@contextmanager
def _coded(name: str) -> Iterator[None]:
    """What the readers of bytes raise, under its code."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("collect.no-such-file", file=name) from error
    except (*BROKEN, zlib.error) as error:
        raise Invalid("collect.broken-archive", file=name, reason=str(error)) from error
    except RecursionError as error:
        raise Invalid("collect.bad-json", file=name, reason="nested too deeply") from error
    except OSError as error:
        raise Unavailable("collect.unreadable", path=name, reason=str(error)) from error


_KINDS = frozenset({*_SUFFIX.values(), "fixed"})


def _partition(name: str) -> tuple[tuple[str, str], ...]:
    """The columns that folders stand for: `day=2026-01-02/part-0.parquet`."""
    found = (re.fullmatch(r"([^=/!]+)=([^/]*)", folder) for folder in name.split("/")[:-1])
    return tuple((match[1], unquote(match[2])) for match in found if match)


def _kind(file: str, name: str) -> str:
    lower = file.lower()
    for packed in PACKED:
        lower = lower.removesuffix(packed)
    for suffix, kind in _SUFFIX.items():
        if lower.endswith(suffix):
            return kind
    raise Invalid("collect.unknown-format", file=name, format=Path(lower).suffix or "–",
                  known=", ".join(sorted(_KINDS)))  # fmt: skip
