"""Encoded bytes as a UTF-8 file."""

from __future__ import annotations

import codecs
import re
from io import BufferedReader
from pathlib import Path
from typing import IO

from sanhua.engine.read.archive import CHUNK_BYTES, chunks
from sanhua.engine.read.raw import Tell
from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.table import Reading


def decoded(
    stream: IO[bytes], path: Path, name: str, reading: Reading, scratch: Path, tell: Tell
) -> Path:
    """The file as UTF-8 without a byte order mark: itself when it is that already, else a copy.

    What has no mark and is not UTF-8 is GB18030 when its bytes pair as Chinese does, else, told,
    Windows-1252 when they stand alone as accents do; anything else is Invalid.
    """
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
    except _Controls:
        facts = {"file": name, "encoding": "Windows-1252"}
        tell(Diagnostic(Severity.WARNING, "collect.controls-decoded", facts=facts))
        return _transcode(unpacked, "utf-8", name, scratch, controls=True)
    except Invalid as utf8:
        first, last = ("cp1252", "gb18030") if _accents(first) else ("gb18030", "")
        for encoding in filter(None, (first, last)):
            try:
                made = _transcode(unpacked, encoding, name, scratch)
            except Invalid:
                continue
            if encoding == "cp1252":
                facts = {"file": name, "encoding": "Windows-1252"}
                tell(Diagnostic(Severity.WARNING, "collect.encoding-guessed", facts=facts))
            return made
        raise utf8 from None


class _Controls(Exception):
    """UTF-8 text holds control characters of U+0080–U+009F: Windows-1252 was taken for Latin-1."""


_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_FROM_C1 = {
    n: bytes([n]).decode("cp1252") for n in range(0x80, 0xA0) if n not in b"\x81\x8d\x8f\x90\x9d"
}
_PAIRS = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_LONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")


def _accents(sample: bytes) -> bool:
    """Whether most bytes beyond ASCII stand alone, as letters with accents do in text of the West;
    those of Chinese stand in pairs.
    """
    high = sum(byte > 0x7F for byte in sample)
    lone = len(_LONE.findall(sample))
    return lone > 2 * len(_PAIRS.findall(sample)) and lone > high / 2


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
    for encoding, nul in (("utf-16-le", 1), ("utf-16-be", 0)):
        high, low = first[nul::2].count(0), first[1 - nul :: 2].count(0)
        if high > len(first) / 20 and low < high / 4:
            text = first[: len(first) & ~1].decode(encoding, "replace")
            if "\n" in text and sum(map(str.isascii, text)) > len(text) / 10:
                return encoding
    return None


def _transcode(
    source: Path, encoding: str, name: str, scratch: Path, controls: bool = False
) -> Path:
    """Check every byte; UTF-8 needs no copy, unless its `controls` are to be put right. Invalid
    collect.wrong-encoding at byte and line, collect.not-text at the line of a NUL.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    copy = scratch / "text" if controls or encoding != "utf-8" else None
    offset = lines = 0
    odd = False
    with (
        source.open("rb") as stream,
        (copy or Path(source)).open("rb" if copy is None else "wb") as out,
    ):
        while True:
            chunk = stream.read(CHUNK_BYTES)
            pending = len(decoder.getstate()[0])
            if copy is None and chunk.isascii() and chunk and not pending and b"\0" not in chunk:
                offset += len(chunk)
                lines += chunk.count(b"\n")
                continue
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
                out.write((text.translate(_FROM_C1) if controls else text).encode())
            elif _C1.search(chunk):
                odd = True
            if not chunk:
                break
            offset += len(chunk)
            lines += text.count("\n")
    if odd:
        raise _Controls
    return copy or source
