"""Folders of documents: each file a row with its hash and what its own head says."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pytest

from sanhua.kernel.errors import Diagnostic
from sanhua.sources import documents
from sanhua.store.clock import SetClock
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run
from sanhua.workspace.snapshots import Snapshots


def png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + b"\0" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    segment = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    return b"\xff\xd8" + segment + frame + b"\xff\xd9"


def tiff(width: int, height: int) -> bytes:
    tags = struct.pack(">HHIHH", 256, 3, 1, width, 0) + struct.pack(">HHII", 257, 4, 1, height)
    return b"MM\0*" + struct.pack(">IH", 8, 2) + tags + b"\0\0\0\0"


def mp4(seconds: float) -> bytes:
    def box(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(data), name) + data

    head = struct.pack(">IIIII", 0, 0, 0, 1000, int(seconds * 1000)) + b"\0" * 80
    return box(b"ftyp", b"isom\0\0\2\0isom") + box(b"mdat", b"\0" * 99) + box(
        b"moov", box(b"mvhd", head)
    )  # fmt: skip


def matroska(seconds: float) -> bytes:
    info = b"\x2a\xd7\xb1\x83\x0f\x42\x40" + b"\x44\x89\x88" + struct.pack(">d", seconds * 1000)
    return b"\x1a\x45\xdf\xa3\x84\0\0\0\0" + b"\x15\x49\xa9\x66" + b"\x95" + info


def wav(seconds: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 8000 * seconds)
    return out.getvalue()


def word(title: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
        archive.writestr(
            "docProps/core.xml",
            f"<cp:coreProperties><dc:title>{title}</dc:title><dc:creator>张三</dc:creator>"
            "<dcterms:created xsi:type='x'>2026-01-02T03:04:05Z</dcterms:created>"
            "</cp:coreProperties>",
        )
        archive.writestr("docProps/app.xml", "<Properties><Pages>3</Pages></Properties>")
    return out.getvalue()


def pdf(pages: int) -> bytes:
    out, writer = io.BytesIO(), pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    writer.write(out)
    return out.getvalue()


FILES: dict[str, tuple[bytes, dict[str, str]]] = {
    "a.png": (png(17, 9), {"media_type": "image/png", "width": "17", "height": "9"}),
    "b.dat": (jpeg(640, 480), {"media_type": "image/jpeg", "width": "640", "height": "480"}),
    "c.tif": (tiff(5, 70000), {"media_type": "image/tiff", "width": "5", "height": "70000"}),
    "d.mp4": (mp4(12.5), {"media_type": "video/mp4", "duration_s": "12.500"}),
    "e.mkv": (matroska(3.25), {"media_type": "video/x-matroska", "duration_s": "3.250"}),
    "f.wav": (wav(2), {"media_type": "audio/wav", "duration_s": "2.000"}),
    "g.docx": (word("A &amp; B"), {"title": "A & B", "pages": "3", "withheld": "creator"}),
    "h.pdf": (pdf(4), {"media_type": "application/pdf", "pages": "4"}),
    "i.png": (png(9, 9)[:20], {"reason": "ValueError: the file is cut short"}),
    "j.txt": ("备注".encode(), {"media_type": "text/plain"}),
    "k.bin": (b"\0\1\2", {"media_type": "application/octet-stream"}),
    "l.mp4": (mp4(1)[:60], {"media_type": "video/mp4"}),
}  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    project = tmp_path / "archive"
    for name, text in {
        "sanhua.yaml": "sanhua: 1\ntitle: 档案\nentities:\n  office: {regime: CAS}\n",
        "parties.yaml": "office: {name: 测试单位, roles: [holder]}\n",
        "sources/papers.yaml": "documents: papers/**/*\ncadence: day\n",
    }.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    for name, (data, _) in FILES.items():
        path = project / "papers" / ("deep" if name < "c" else "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return project


def rows_of(project: Path) -> tuple[dict[str, dict[str, Any]], list[Diagnostic]]:
    with Workspace(project, env={}, clock=SetClock(datetime(2026, 3, 2, tzinfo=UTC))) as ws:
        made = run(ws)
        assert made.error is None, made.error
        Snapshots(ws).bind("papers")
        listed = ", ".join(documents.COLUMNS)
        rows = ws.engine.query(f"SELECT {listed} FROM papers ORDER BY path")
    named = [dict(zip(documents.COLUMNS, row, strict=True)) for row in rows]
    return {Path(str(row["path"])).name: row for row in named}, made.diagnostics


def test_every_file_is_a_row_with_its_hash_and_what_its_head_says(archive: Path):
    rows, told = rows_of(archive)
    assert rows.keys() == FILES.keys()
    for name, (data, said) in FILES.items():
        row = rows[name]
        assert row["sha256"] == hashlib.sha256(data).hexdigest() and row["bytes"] == str(len(data))
        assert said.items() <= row.items(), (name, row)
    assert rows["l.mp4"]["reason"], "a video cut short is registered with the reason"
    assert "张三" not in json.dumps(rows, ensure_ascii=False)
    assert sum(d.facts["count"] for d in told if d.code == "document.unread") == 2
    size = sum(p.stat().st_size for p in (archive / "state" / "raw" / "papers").glob("*"))
    assert size < 20_000, "documents stay where they are"


def test_only_what_changed_is_read_again(archive: Path, monkeypatch: pytest.MonkeyPatch):
    rows_of(archive)
    read: list[str] = []
    whole: Callable[..., Any] = documents.media_type
    monkeypatch.setattr(
        documents, "media_type", lambda head, path: (read.append(path.name), whole(head, path))[1]
    )
    (archive / "papers" / "k.bin").write_bytes(b"\0other")
    rows, _ = rows_of(archive)
    assert sorted(read) == ["i.png", "k.bin", "l.mp4"], "what changed, and what failed"
    assert rows["k.bin"]["bytes"] == "6" and rows["d.mp4"]["duration_s"] == "12.500"


def test_of_dicom_files_nothing_is_read_that_tells_of_a_person(
    archive: Path, find_data: Callable[[str], Path]
):
    """The eight files of medical_dicom; their patients' names and numbers stay in them."""
    import pydicom

    held: set[str] = set()
    for path in find_data("medical_dicom").glob("*.dcm"):
        (archive / "papers" / path.name).write_bytes(path.read_bytes())
        found = pydicom.dcmread(path, stop_before_pixels=True)
        held |= {str(found.get(name, "")) for name in ("PatientName", "PatientID", "StudyDate",
                 "StudyInstanceUID", "InstitutionName", "ReferringPhysicianName")}  # fmt: skip
    rows, told = rows_of(archive)
    dicom = {name: row for name, row in rows.items() if name.endswith(".dcm")}
    assert len(dicom) == 8
    for row in dicom.values():
        assert row["media_type"] == "application/dicom" and row["modality"] and row["height"]
        assert "PatientName" in str(row["withheld"]).split()
    shown = json.dumps([{**row, "path": ""} for row in dicom.values()], ensure_ascii=False)
    assert not [value for value in held if len(value) > 4 and value in shown]
    assert [d.facts["count"] for d in told if d.code == "document.withheld"] == [9]
