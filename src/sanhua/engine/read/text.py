"""Packed and encoded bytes as a UTF-8 file."""

from __future__ import annotations

import codecs
import gzip
import zipfile
from collections.abc import Iterator
from difflib import get_close_matches
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from sanhua.kernel.errors import Invalid, NotFound
from sanhua.kernel.table import Reading

EXPANDED_BYTES_MAX = 64 << 30  # what a compressed file may unfold to
EXPANSION_MAX = 1000  # and how many times its size, once past EXPANSION_FROM_BYTES
EXPANSION_FROM_BYTES = 256 << 20
CHUNK_BYTES = 1 << 20


def open_bytes(path: Path, name: str, member: str) -> IO[bytes]:
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
    while chunk := stream.read(CHUNK_BYTES):
        seen += len(chunk)
        if seen > EXPANDED_BYTES_MAX or (
            seen > EXPANSION_FROM_BYTES and seen > packed * EXPANSION_MAX
        ):
            raise Invalid("collect.unpacks-too-large", file=name, bytes=seen)
        yield chunk


def plain_file(path: Path, name: str, member: str, scratch: Path, suffix: str) -> Path:
    """The file itself, or its unpacked copy; Invalid collect.empty."""
    if not member and not path.name.lower().endswith(".gz"):
        if path.stat().st_size == 0:
            raise Invalid("collect.empty", file=name)
        return path
    target = scratch / f"unpacked{suffix}"
    with open_bytes(path, name, member) as stream, target.open("wb") as out:
        for chunk in _chunks(stream, path.stat().st_size, name):
            out.write(chunk)
    return target


def decoded(stream: IO[bytes], path: Path, name: str, reading: Reading, scratch: Path) -> Path:
    """The file as UTF-8 without a byte order mark: itself when it is that already, else a copy."""
    first = stream.read(CHUNK_BYTES)
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
