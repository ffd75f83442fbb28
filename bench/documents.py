"""Documents registered by hash and metadata: files a minute.

    python bench/documents.py [--files 4000] [--write]

A third each of DICOM files (those of medical_dicom, 50 to 200 KB, made different in the preamble;
SANHUA_DATA), PDFs of ten pages and PNG pictures of 100 KB. First all of them, then again with
one picture in 33 changed. Wall and CPU seconds of `documents.register` alone.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import random
import struct
import tempfile
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf

from sanhua.resource.collect import Documents
from sanhua.sources import documents
from sanhua.sources.landing import Landing

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SANHUA_DATA", ROOT.parent / "shared" / "data"))


def png(draw: random.Random) -> bytes:
    width, height = 400, 250

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    body = zlib.compress(b"".join(b"\0" + draw.randbytes(width) for _ in range(height)), 1)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def pdf(number: int) -> bytes:
    out, writer = io.BytesIO(), pypdf.PdfWriter()
    for _ in range(10):
        writer.add_blank_page(595, 842)
    writer.add_metadata({"/Subject": str(number)})
    writer.write(out)
    return out.getvalue()


def make(folder: Path, count: int) -> dict[str, int]:
    draw = random.Random(3)
    scans = [path.read_bytes() for path in sorted((DATA / "medical_dicom").glob("*.dcm"))]
    kinds: dict[str, int] = {"dicom": 0, "pdf": 0, "png": 0}
    for number in range(count):
        place = folder / f"{number % 50:02d}"
        place.mkdir(exist_ok=True)
        kind = ("dicom", "pdf", "png")[number % 3]
        if kind == "dicom" and scans:
            data = scans[number % len(scans)]
            data = data[:128].replace(b"\0" * 8, number.to_bytes(8, "big"), 1) + data[128:]
        else:
            kind = "pdf" if kind == "pdf" else "png"
            data = pdf(number) if kind == "pdf" else png(draw)
        kinds[kind] += 1
        (place / f"{number}.{kind}").write_bytes(data)
    return kinds


def measured(form: Documents, root: Path, landing: Landing, before: Path | None) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    made = documents.register(form, root, "d", landing, before, lambda said: None)
    spent, used = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "files": made.rows,
        "seconds": round(spent, 2),
        "cpu_s": round(used, 2),
        "files_a_minute": round(made.rows / spent * 60),
        "register": made,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="documents-") as name:
        root = Path(name)
        (root / "papers").mkdir()
        kinds = make(root / "papers", asked.files)
        size = sum(p.stat().st_size for p in (root / "papers").rglob("*.*"))
        landing, form = Landing(root / "landing"), Documents("papers/**/*")
        first = measured(form, root, landing, None)
        made = first.pop("register")
        for path in sorted((root / "papers").rglob("*.png"))[::33]:
            path.write_bytes(path.read_bytes() + b"x")
        again = measured(form, root, landing, landing.path(made.name, made.content))
        again.pop("register")
        unread = [r for r in documents._known(landing.path(made.name, made.content)).values()]
    result = {
        "bench": "documents",
        "at": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "load": [round(x, 1) for x in os.getloadavg()],
        "kinds": kinds,
        "megabytes": size >> 20,
        "described": len(unread),
        "first": first,
        "again": again,
    }
    print(json.dumps(result, indent=2))
    if asked.write:
        path = ROOT / "bench" / "results" / f"documents-{result['at']}.json"
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
