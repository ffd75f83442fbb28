"""Register documents: images, DICOM, PDF, Office, video and audio by hash and metadata, one row
each. No content is read out, and nothing that tells of a person: of DICOM a list of allowed tags,
of Office files neither author nor last editor.

The media type comes from the first bytes, not from the name. A file that cannot be parsed is
registered all the same, by hash, with the reason.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from sanhua.kernel.errors import Diagnostic, NotFound, Severity
from sanhua.resource.collect import Documents
from sanhua.sources.landing import Landing, keep_file

CHUNK_BYTES = 1 << 20
PARSED_BYTES_MAX = 512 << 20  # a larger PDF or DICOM file is registered by hash alone
BOXES_MAX = 10_000  # parts of a video that are walked over
COLUMNS = (
    "path", "sha256", "bytes", "modified_at", "media_type", "width", "height", "pages", "frames",
    "duration_s", "title", "created_at", "modality", "body_part", "details", "withheld", "reason",
)  # fmt: skip

# DICOM: what says how the picture was made and nothing of whom, when or where (cf. PS3.15, E).
ALLOWED = (
    "SOPClassUID", "Modality", "BodyPartExamined", "Manufacturer", "ManufacturerModelName", "Rows",
    "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated",
    "BitsStored", "PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "KVP",
    "MagneticFieldStrength", "ImageType", "LossyImageCompression", "ScanningSequence",
)  # fmt: skip
PERSONAL = re.compile(
    r"Patient|Physician|Operator|Person|Institution|Name$|Date|Time$|DateTime|Address|Telephone|"
    r"Accession|StudyID|Requested|Station|Serial|Comment|Description|Identi|History|Allerg|"
    r"InstanceUID|FrameOfReferenceUID|Responsible|Occupation|Religi|Ethnic|Insurance"
)


@dataclass(frozen=True, slots=True)
class Registered:
    """The landed register."""

    name: str
    content: str
    bytes: int
    rows: int


Row = dict[str, str | None]


def register(
    form: Documents,
    root: Path,
    source: str,
    landing: Landing,
    before: Path | None,
    tell: Callable[[Diagnostic], None],
) -> Registered:
    """Land a Parquet file of COLUMNS (text), ordered by path, of every file that the glob meets.

    `before` is the last register: a file of the same path, size and time is not read again.
    NotFound document.none when there is no file.
    """
    pattern = form.glob if Path(form.glob).is_absolute() else str(root / form.glob)
    known = _known(before)
    rows: list[Row] = []
    for path in _files(pattern):
        rows.append(_row(path, root, known))
    if not rows:
        raise NotFound("document.none", pattern=form.glob)
    rows.sort(key=lambda row: row["path"] or "")
    _tell(rows, tell)
    landing.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = landing.incoming / f".{source}-{os.getpid()}.parquet.part"
    try:
        columns = [pa.array([row.get(name) for row in rows], pa.string()) for name in COLUMNS]
        pq.write_table(pa.table(columns, names=list(COLUMNS)), part, compression="zstd")
        name = f"{source}.parquet"
        content, size = keep_file(landing, part, name)
    finally:
        part.unlink(missing_ok=True)
    return Registered(name, content, size, len(rows))


def _files(pattern: str) -> Iterator[Path]:
    for found in sorted(glob.glob(pattern, recursive=True)):
        path = Path(found)
        if path.is_file() and not path.name.startswith("."):
            yield path


def _known(before: Path | None) -> dict[tuple[str, str, str], Row]:
    """The rows of the last register by path, size and time."""
    if before is None or not before.exists():
        return {}
    rows: list[Row] = pq.ParquetFile(before).read().to_pylist()
    read = [row for row in rows if not row["reason"]]  # what failed is tried again
    return {(str(r["path"]), str(r["bytes"]), str(r["modified_at"])): r for r in read}


def _tell(rows: list[Row], tell: Callable[[Diagnostic], None]) -> None:
    unread = Counter(row["reason"] for row in rows if row.get("reason"))
    for reason, count in unread.most_common(5):
        facts = {"count": count, "reason": reason}
        tell(Diagnostic(Severity.WARNING, "document.unread", facts=facts))
    withheld = [row["withheld"] or "" for row in rows if row.get("withheld")]
    if withheld:
        tags = sorted({tag for listed in withheld for tag in listed.split(" ")})
        facts = {"count": len(withheld), "tags": " ".join(tags)}
        tell(Diagnostic(Severity.NOTE, "document.withheld", facts=facts))


def _row(path: Path, root: Path, known: dict[tuple[str, str, str], Row]) -> Row:
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    try:
        stat = path.stat()
        at = datetime.fromtimestamp(stat.st_mtime_ns // 10**9, UTC)
        modified = f"{at:%Y-%m-%d %H:%M:%S}.{stat.st_mtime_ns // 1000 % 10**6:06d}"
        before = known.get((shown, str(stat.st_size), modified))
        if before is not None:
            return before
        row: Row = {"path": shown, "bytes": str(stat.st_size), "modified_at": modified}
        with path.open("rb") as file:
            row["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            head = file.read(4096)
            kind = media_type(head, path)
            row["media_type"] = kind
            try:
                row |= _described(kind, file, path, stat.st_size)
            except Exception as error:  # whatever stands in a file of others
                said = str(error).splitlines()[0][:160] if str(error) else ""
                row["reason"] = f"{type(error).__name__}: {said}".rstrip(": ")
        return row
    except OSError as error:
        return {"path": shown, "reason": f"{type(error).__name__}: {error.strerror}"}


# What it is


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (128, b"DICM", "application/dicom"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
)
_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def media_type(head: bytes, path: Path) -> str:
    """The media type that the first bytes tell; text and unknown bytes by how they look."""
    for at, magic, kind in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(
            head[8:12], "application/octet-stream"
        )
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"mif1", b"avif"):
            return "image/avif" if brand == b"avif" else "image/heic"
        return "audio/mp4" if brand.startswith(b"M4A") else "video/mp4"
    if head[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError):
            return "application/zip"
        for prefix, kind in _OFFICE.items():
            if any(name.startswith(prefix) for name in names):
                return kind
        return "application/zip"
    if head and b"\0" not in head:
        try:
            head.decode("utf-8", "strict" if len(head) < 4096 else "ignore")
            return "text/plain"
        except UnicodeDecodeError:
            pass
    return "application/octet-stream"


def _described(kind: str, file: IO[bytes], path: Path, size: int) -> Row:
    """What can be said of a file of that type."""
    file.seek(0)
    if kind in _IMAGES:
        width, height = _IMAGES[kind](file)
        return {"width": str(width), "height": str(height)}
    if kind == "application/dicom":
        return _dicom(path, size)
    if kind == "application/pdf":
        return _pdf(path, size)
    if kind in _OFFICE.values():
        return _office(path)
    if kind in ("video/mp4", "audio/mp4"):
        return {"duration_s": _mp4(file, size)}
    if kind == "video/x-matroska":
        return {"duration_s": _matroska(file)}
    if kind == "audio/wav":
        return {"duration_s": _wav(file, size)}
    if kind == "audio/flac":
        data = _exactly(file, 26)[8:]
        packed = int.from_bytes(data[10:18], "big")
        return {"duration_s": _seconds((packed & ((1 << 36) - 1)), packed >> 44)}
    return {}


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("the file is cut short")
    return data


def _seconds(units: int, per_second: int) -> str:
    if not per_second:
        raise ValueError("no time scale")
    return f"{units / per_second:.3f}"


# Images


def _png(file: IO[bytes]) -> tuple[int, int]:
    data = _exactly(file, 24)
    if data[12:16] != b"IHDR":
        raise ValueError("no IHDR")
    return struct.unpack(">II", data[16:24])


def _gif(file: IO[bytes]) -> tuple[int, int]:
    return struct.unpack("<HH", _exactly(file, 10)[6:])


def _bmp(file: IO[bytes]) -> tuple[int, int]:
    width, height = struct.unpack("<ii", _exactly(file, 26)[18:26])
    return width, abs(height)


def _jpeg(file: IO[bytes]) -> tuple[int, int]:
    _exactly(file, 2)
    for _ in range(BOXES_MAX):
        if _exactly(file, 1) != b"\xff":
            raise ValueError("a marker is missing")
        marker = _exactly(file, 1)[0]
        while marker == 0xFF:
            marker = _exactly(file, 1)[0]
        length = struct.unpack(">H", _exactly(file, 2))[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", _exactly(file, 5)[1:])
            return width, height
        if length < 2:
            raise ValueError("a segment without length")
        file.seek(length - 2, 1)
    raise ValueError("no frame")


def _webp(file: IO[bytes]) -> tuple[int, int]:
    data = _exactly(file, 30)
    form = data[12:16]
    if form == b"VP8X":
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise ValueError("no picture")


def _tiff(file: IO[bytes]) -> tuple[int, int]:
    head = _exactly(file, 8)
    order = "<" if head[:2] == b"II" else ">"
    file.seek(struct.unpack(f"{order}I", head[4:])[0])
    found: dict[int, int] = {}
    for _ in range(min(struct.unpack(f"{order}H", _exactly(file, 2))[0], 512)):
        tag, kind, _, value = struct.unpack(f"{order}HHI4s", _exactly(file, 12))
        if tag in (256, 257):
            form, width = ("H", 2) if kind == 3 else ("I", 4)
            found[tag] = struct.unpack(f"{order}{form}", value[:width])[0]
    return found[256], found[257]


_IMAGES: dict[str, Callable[[IO[bytes]], tuple[int, int]]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
    "image/tiff": _tiff,
}


# DICOM, PDF, Office


def _dicom(path: Path, size: int) -> Row:
    if find_spec("pydicom") is None:
        raise LookupError("pip install 'sanhua[media]' reads it")
    if size > PARSED_BYTES_MAX:
        raise ValueError(f"larger than {PARSED_BYTES_MAX >> 20} MB")
    import logging
    import warnings

    import pydicom

    logging.getLogger("pydicom").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pydicom.dcmread(path, stop_before_pixels=True, defer_size=1 << 16)
        allowed: dict[str, str] = {}
        withheld: set[str] = set()
        private = 0
        for element in found:
            name = element.keyword
            if element.tag.is_private:
                private += 1
            elif name in ALLOWED:
                allowed[name] = str(element.value)[:200]
            elif element.tag.group == 0x0010 or element.VR == "PN" or PERSONAL.search(name):
                withheld.add(name or f"({element.tag.group:04x},{element.tag.element:04x})")
        if private:
            withheld.add(f"private×{private}")
        syntax = getattr(found.file_meta, "TransferSyntaxUID", None)
        if syntax is not None:
            allowed["TransferSyntaxUID"] = str(syntax)
    taken = {"Rows": "height", "Columns": "width", "NumberOfFrames": "frames",
             "Modality": "modality", "BodyPartExamined": "body_part"}  # fmt: skip
    row: Row = {column: allowed.pop(name, None) for name, column in taken.items()}
    row["details"] = json.dumps(allowed, ensure_ascii=False, sort_keys=True)
    row["withheld"] = " ".join(sorted(withheld)) or None
    return row


def _pdf(path: Path, size: int) -> Row:
    if find_spec("pypdf") is None:
        raise LookupError("pip install 'sanhua[media]' reads it")
    if size > PARSED_BYTES_MAX:
        raise ValueError(f"larger than {PARSED_BYTES_MAX >> 20} MB")
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with path.open("rb") as file:
        reader = pypdf.PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("it is encrypted")
        return {"pages": str(reader.get_num_pages())}


def _office(path: Path) -> Row:
    """Title, date and pages as the file says; who wrote it is not read."""

    def part(archive: zipfile.ZipFile, name: str) -> str:
        try:
            with archive.open(name) as file:
                return file.read(1 << 20).decode("utf-8", "replace")
        except KeyError:
            return ""

    def said(text: str, name: str) -> str | None:
        from html import unescape

        match = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>([^<]*)<", text)
        return unescape(match[1]).strip()[:300] or None if match else None

    with zipfile.ZipFile(path) as archive:
        core, app = part(archive, "docProps/core.xml"), part(archive, "docProps/app.xml")
    held = [n for n in ("creator", "lastModifiedBy") if said(core, n)]
    return {
        "title": said(core, "title"),
        "created_at": said(core, "created"),
        "pages": said(app, "Pages") or said(app, "Slides"),
        "withheld": " ".join(held) or None,
    }


# Video and sound


def _mp4(file: IO[bytes], size: int) -> str:
    """The duration in `moov/mvhd`."""

    def walk(until: int) -> Iterator[tuple[bytes, int]]:
        for _ in range(BOXES_MAX):
            start = file.tell()
            if start + 8 > until:
                return
            length, name = struct.unpack(">I4s", _exactly(file, 8))
            if length == 1:
                length = struct.unpack(">Q", _exactly(file, 8))[0]
            elif length == 0:
                length = until - start
            if length < 8:
                raise ValueError("a box without length")
            yield name, min(start + length, until)
            file.seek(start + length)

    for name, end in walk(size):
        if name == b"moov":
            for inner, _ in walk(end):
                if inner == b"mvhd":
                    long = _exactly(file, 4)[0] == 1
                    data = _exactly(file, 28 if long else 16)
                    form = ">IQ" if long else ">II"
                    scale, units = struct.unpack(form, data[16:28] if long else data[8:16])
                    return _seconds(units, scale)
    raise ValueError("no moov/mvhd: the file is cut short")


def _matroska(file: IO[bytes]) -> str:
    """TimecodeScale and Duration of the segment's Info."""
    data = file.read(CHUNK_BYTES)
    at = data.find(b"\x15\x49\xa9\x66")
    if at < 0:
        raise ValueError("no Info in the first megabyte")
    info = data[at : at + 4096]
    scale = re.search(rb"\x2a\xd7\xb1([\x81-\x88])", info)
    per = 1_000_000
    if scale:
        length = scale[1][0] & 0x7F
        per = int.from_bytes(info[scale.end() : scale.end() + length], "big")
    found = re.search(rb"\x44\x89([\x84\x88])", info)
    if not found:
        raise ValueError("no Duration")
    wide = found[1] == b"\x88"
    value = info[found.end() : found.end() + (8 if wide else 4)]
    return f"{struct.unpack('>d' if wide else '>f', value)[0] * per / 1e9:.3f}"


def _wav(file: IO[bytes], size: int) -> str:
    _exactly(file, 12)
    rate = 0
    for _ in range(BOXES_MAX):
        name, length = struct.unpack("<4sI", _exactly(file, 8))
        if name == b"fmt ":
            rate = struct.unpack("<I", _exactly(file, length)[8:12])[0]
            continue
        if name == b"data":
            return _seconds(min(length, size - file.tell()), rate)
        file.seek(length + length % 2, 1)
    raise ValueError("no data")
