"""Encoded bytes as a UTF-8 file."""

from __future__ import annotations

import codecs
from io import BufferedReader
from pathlib import Path
from typing import IO

from sanhua.engine.read.archive import CHUNK_BYTES, chunks
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import Reading


def decoded(stream: IO[bytes], path: Path, name: str, reading: Reading, scratch: Path) -> Path:
    """The file as UTF-8 without a byte order mark: itself when it is that already, else a copy."""
    first = stream.read(CHUNK_BYTES)
    if not first:
        raise Invalid("collect.empty", file=name)
    packed = path.stat().st_size
    encoding = _codec(reading.encoding, name) if reading.encoding else _marked(first)
    unpacked = path
    if type(stream) is not BufferedReader:  # a packed file
        unpacked = scratch / "raw"
        with unpacked.open("wb") as out:
            out.write(first)
            for chunk in chunks(stream, packed, name):
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
            chunk = stream.read(CHUNK_BYTES)
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
