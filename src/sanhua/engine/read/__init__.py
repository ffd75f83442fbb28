"""Raw files as relations of text.

`open_raw` finds the format; `text` unpacks and decodes, `delimited`, `sheet` and `records` read,
and `raw` says what they give. Compressed, zipped and non-UTF-8 files are turned into a UTF-8 file
in a scratch folder first.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from sanhua.engine.read.delimited import read_csv, reread
from sanhua.engine.read.dialect import LINE_BYTES_MAX
from sanhua.engine.read.raw import (
    CsvFile,
    Flaw,
    ParquetFile,
    Raw,
    Rows,
    Tell,
    headings_of,
)
from sanhua.engine.read.records import read_json, read_ndjson
from sanhua.engine.read.sheet import read_excel
from sanhua.engine.read.text import decoded, open_bytes, plain_file
from sanhua.kernel.errors import Invalid, NotFound, Unavailable
from sanhua.kernel.table import Reading

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

__all__ = [
    "LINE_BYTES_MAX",
    "CsvFile",
    "Flaw",
    "ParquetFile",
    "Raw",
    "Rows",
    "Tell",
    "headings_of",
    "open_raw",
    "reread",
]


def open_raw(
    path: Path, name: str, reading: Reading, scratch: Path, tell: Tell, wanted: Sequence[str] = ()
) -> Raw:
    """What `path` holds; `name` is how the user calls it, with `!member` for a part of a zip;
    `tell` hears what was left unread or read otherwise than it stands; `wanted` are the headings
    that a contract names.

    Raises NotFound collect.no-such-file, Invalid collect.* (empty, not what its name says, wrong
    encoding, headings twice, too large when unpacked), Unavailable collect.unreadable.
    """
    member = name.partition("!")[2]
    try:
        kind = reading.format or _kind(member or path.name, name)
        if kind == "parquet":
            return ParquetFile(plain_file(path, name, member, scratch, ".parquet"))
        if kind == "excel":
            return read_excel(plain_file(path, name, member, scratch, ".xlsx"), name, reading, tell)
        with open_bytes(path, name, member) as stream:
            text = decoded(stream, path, name, reading, scratch, tell)
        if kind == "csv":
            return read_csv(text, name, reading, scratch, tell, wanted)
        if kind == "json":
            return read_json(text, name, reading, tell)
        if kind == "ndjson":
            return read_ndjson(text, name, tell)
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
