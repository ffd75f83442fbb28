"""A thousand hostile files through the real paths: nothing may end but in a code or in rejects.

    python bench/hostile.py [--files 1000] [--seed 20261129] [--only NAME] [--json] [--write]

Small files of every format are spoiled (cut, bits turned, pieces moved, re-encoded, inner parts of
zips changed and packed again), and by the side stand built ones: bombs of every kind, far cells,
links, members that leave their archive. A raw file is collected; a file of a project's folder is
put there and `check` is run. Each in a process of its own, with a limit in memory and time, inside
a tree whose every file is compared afterwards. Both memory and time are the child's own.

The last line is a JSON object: `files`, `coded` (refused with a code), `read`, `rejected_rows`,
`crashed` (anything else, with its case), `outside_writes`, `peak_mb`, `slowest_s`.
"""

# ruff: noqa: E501 - a case a line

from __future__ import annotations

import argparse
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import resource
import select
import signal
import stat
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SANHUA_DATA") or ROOT.parent / "shared" / "data")
TIME_S_MAX = 120
ADDRESS_BYTES_MAX = 8 << 30
MEMORY_MB_MAX = 1024


@dataclass(frozen=True)
class Case:
    """One file. `at` is its path in a project when `check` is to read it, else it is collected;
    `link` makes it a symbolic link.
    """

    name: str
    file: str  # as the source names it, with !member
    content: bytes | Callable[[Path], None]
    reading: dict[str, Any] = field(default_factory=dict[str, Any])
    at: str = ""


# Sound files


def sound() -> dict[str, Case]:
    """A small file of every format."""
    rows = [("P1", "东区", "0012.50", "2026-01-02"), ("P2", "西,区", "3.00", "2026-01-03")] * 20
    head = ("code", "名称", "kwh", "day")
    table = "\n".join(",".join(f'"{c}"' if "," in c else c for c in row) for row in (head, *rows))
    records = [dict(zip(head, row, strict=True)) | {"n": {"x": [1, None, 2.5]}} for row in rows]
    text = table.encode()
    made = {
        "csv": ("a.csv", text, {}),
        "gbk csv": ("a.csv", table.encode("gb18030"), {}),
        "utf-16 csv": ("a.csv", table.encode("utf-16"), {}),
        "tsv": ("a.tsv", text.replace(b",", b"\t"), {}),
        "json": ("a.json", json.dumps({"data": records}, ensure_ascii=False).encode(),
                 {"records": "$.data"}),
        "keyed json": ("a.json", json.dumps({f"k{n}": r for n, r in enumerate(records)}).encode(),
                       {"key": "k"}),
        "ndjson": ("a.ndjson", "\n".join(json.dumps(r, ensure_ascii=False) for r in records)
                   .encode(), {}),
        "fixed": ("a.txt", "".join(f"{a:<4}{b:<6}{c:>9}{d}\n" for a, b, c, d in rows).encode(),
                  {"format": "fixed", "widths": (4, 6, 9, 10), "header": False}),
        "xlsx": ("a.xlsx", _xlsx(rows), {}),
        "ods": ("a.ods", _ods(rows), {}),
        "parquet": ("a.parquet", _parquet("snappy"), {}),
        "zstd parquet": ("a.parquet", _parquet("zstd"), {}),
        "zip": ("a.zip!in/a.csv", _zip({"in/a.csv": text, "b.txt": b"x"}), {}),
        "zip glob": ("a.zip!*.csv", _zip({"a.csv": text, "b.csv": text}), {}),
        "gz": ("a.csv.gz", gzip.compress(text), {}),
        "bz2": ("a.csv.bz2", bz2.compress(text), {}),
        "xz": ("a.csv.xz", lzma.compress(text), {}),
        "tar": ("a.tar.gz!a.csv", _tar({"a.csv": text}, "w:gz"), {}),
    }  # fmt: skip
    for name in ("table.xls", "table-with-ints-floats-dates.xls"):
        path = DATA / "csv_suites" / "frictionless_fixtures" / name
        if path.exists():
            made[name] = ("a.xls", path.read_bytes(), {})
    return {name: Case(name, *case) for name, case in made.items()}


PROJECT = {
    "sanhua.yaml": "sanhua: 1\ntitle: {zh: 小, en: Small}\nentities:\n  us: {regime: CAS}\n",
    "parties.yaml": "us: {name: 我们, roles: [holder, operator]}\n"
    "cfo: {name: 财务, person: true, of: us, roles: [finance]}\n",
    "sources/raw.yaml": "title: 读数\nfiles: raw/a.csv\ncadence: day\nread: {header: true}\n",
    "contracts/raw.odcs.yaml": "apiVersion: v3.1.0\nkind: DataContract\nid: raw\nversion: 1.0.0\n"
    "status: active\nname: 读数\nschema:\n  - name: raw\n    properties:\n"
    "      - {name: code, logicalType: string, required: true}\n"
    "      - {name: kwh, logicalType: number}\n",
    "standards/elements.yaml": "energy: {title: 电量, definition: 量, type: \"decimal(12,2)\"}\n",
    "standards/codes/plants.csv": "code,name\nP1,东区\nP2,西区\n",
    "sql/daily.sql": "SELECT code, sum(kwh) AS kwh FROM raw GROUP BY code\n",
    "books/policy.yaml": "chart:\n  development_capitalised: 5301.02\n  payroll: 2211\n",
    "books/vouchers/2024.csv": "voucher,date,summary,account,debit,credit,project,evidence\n"
    "2024-02-01,2024-02-29,薪酬,5301.02,1200.00,,P1,evidence/a.md\n"
    "2024-02-01,2024-02-29,薪酬,2211,,1200.00,,\n",
    "evidence/a.md": "a\n",
}  # fmt: skip
BEANCOUNT = """2024-01-31 * "薪酬"
  voucher: "2024-01-01"
  evidence: "evidence/a.md"
  Expenses:RD:5301-02  1200.00 CNY
    project: "P1"
  Liabilities:Payroll:2211
"""


def sound_project() -> dict[str, Case]:
    """A file of each kind that a project's folder holds."""
    made = {at: Case(at, "", text.encode(), at=at) for at, text in PROJECT.items()}
    at = "books/vouchers/2025.beancount"
    made["beancount"] = Case("beancount", "", BEANCOUNT.encode(), at=at)
    made["vouchers.xlsx"] = Case("vouchers.xlsx", "", _vouchers(), at="books/vouchers/2025.xlsx")
    made["codes.xlsx"] = Case("codes.xlsx", "", _codes(), at="standards/codes/more.xlsx")
    odrl = {"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Offer", "uid": "x",
            "permission": [{"action": "read", "target": "x"}]}  # fmt: skip
    made["odrl"] = Case("odrl", "", json.dumps(odrl).encode(), at="policies/p.odrl.json")
    return made


def _xlsx(rows: list[tuple[str, ...]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (("title", None), ("code", "名称", "kwh", "day"), *rows):
        sheet.append(row)
    sheet.append(["P3", "=A1", 1.5, date(2026, 1, 2)])
    sheet.merge_cells("A1:D1")
    sheet.merge_cells("A4:A5")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _vouchers() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (
        ("voucher", "date", "summary", "account", "debit", "credit", "evidence"),
        ("2025-01-01", "2025-01-31", "薪酬", "5301.02", "10.00", None, "evidence/a.md"),
        ("2025-01-01", "2025-01-31", "薪酬", "2211", None, "10.00", None),
    ):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _codes() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "loads"
    for row in (("code", "name"), ("A", "峰"), ("B", "=A1")):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


ODS = (
    '<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:table="t" '
    'xmlns:text="x"><office:body><office:spreadsheet><table:table table:name="一">{rows}'
    "</table:table></office:spreadsheet></office:body></office:document-content>"
)


def _ods(rows: list[tuple[str, ...]]) -> bytes:
    def cell(text: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'

    lines = [
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in (rows[0], *rows)
    ]
    return _zip({"mimetype": b"x", "content.xml": ODS.format(rows="".join(lines)).encode()})


def _parquet(codec: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    at = datetime(2026, 1, 2, tzinfo=UTC)
    table = pa.table(
        {
            "id": pa.array(range(200)),
            "text": pa.array([f"名称{n % 7}" for n in range(200)]),
            "kwh": pa.array([Decimal(n) / 4 for n in range(200)], pa.decimal128(12, 2)),
            "at": pa.array([at] * 200, pa.timestamp("us", "UTC")),
            "nested": pa.array([{"a": [n, None], "b": str(n)} for n in range(200)]),
            "f": pa.array([n / 3 for n in range(200)]),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression=codec, row_group_size=64)
    return out.getvalue()


def _zip(members: dict[str, bytes], pack: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", pack) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _tar(members: dict[str, bytes], mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


# Spoiling


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def turn_bits(data: bytes, dice: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(dice.choice((1, 1, 3, 20, 200))):
        made[dice.randrange(len(made))] ^= 1 << dice.randrange(8)
    return bytes(made)


def overwrite(data: bytes, dice: random.Random) -> bytes:
    at, size = dice.randrange(len(data)), dice.choice((1, 2, 4, 8, 64, 1000))
    piece = dice.choice((b"\0" * size, b"\xff" * size, b"\x7f" + b"\xff" * (size - 1),
                         dice.randbytes(size), b"9" * size, b'"' * size, b"\n" * size))  # fmt: skip
    return data[:at] + piece + data[at + size :]


def repeat(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at : at + dice.randrange(1, 400)] * dice.choice((2, 50)) + data[at:]


def move(data: bytes, dice: random.Random) -> bytes:
    a, b = sorted(dice.randrange(len(data)) for _ in range(2))
    return data[b:] + data[a:b] + data[:a]


def recode(data: bytes, dice: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(dice.choice(("utf-16", "utf-32", "gb18030", "utf-7", "big5")), "replace")


def insert(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    strange = (b"\0", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"1e999999", b"-" + b"9" * 400, b"\x1a",
               b"=cmd|'/c calc'!A1", b"../../../../etc/passwd", b"${HOME}", b"%s%n", b"[" * 500,
               b"{" * 500, b"&a ", b"*a", b"!!python/object/apply:os.system [id]\n", b"\r",
               "\u202e\u2028".encode(), b"<!DOCTYPE a>", b"'); DROP TABLE staging; --")  # fmt: skip
    return data[:at] + dice.choice(strange) + data[at:]


SPOILS = (cut, turn_bits, overwrite, repeat, move, recode, insert)


def spoil(case: Case, dice: random.Random) -> Case:
    """The file changed in one to three ways; of a zip as often a part inside it as the whole."""
    assert isinstance(case.content, bytes)
    data = case.content
    inside = data[:2] == b"PK" and dice.random() < 0.6
    ways: list[str] = []
    for _ in range(dice.choice((1, 1, 2, 3))):
        way = dice.choice(SPOILS)
        if data:
            data = _inside(data, way, dice) if inside else way(data, dice)
        ways.append(f"{way.__name__}{' inside' if inside else ''}")
    return Case(f"{case.name}: {', '.join(ways)}", case.file, data, case.reading, case.at)


def _inside(
    data: bytes, way: Callable[[bytes, random.Random], bytes], dice: random.Random
) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = dice.choice([name for name, content in parts.items() if content] or [""])
    if name:
        parts[name] = way(parts[name], dice)
    return _zip(parts)


# Built ones


def _deflated(unit: bytes, times: int) -> bytes:
    """gzip of a unit repeated, made without holding it."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0) as packed:
        for _ in range(times):
            packed.write(unit)
    return out.getvalue()


def _zip_of(name: str, head: bytes, unit: bytes, times: int, tail: bytes,
            beside: dict[str, bytes] | None = None) -> bytes:  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for other, content in (beside or {}).items():
            archive.writestr(other, content)
        with archive.open(name, "w", force_zip64=True) as part:
            part.write(head)
            for _ in range(times):
                part.write(unit)
            part.write(tail)
    return out.getvalue()


def _book_parts(sheet: bytes | None = None) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(_xlsx([("a", "b", "1", "2")]))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if sheet is not None:
        parts["xl/worksheets/sheet1.xml"] = sheet
    return parts


def _sheet(inside: str) -> bytes:
    return f'<worksheet xmlns="x"><sheetData>{inside}</sheetData></worksheet>'.encode()


SHEET = "xl/worksheets/sheet1.xml"
CELLS = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in (1, 2))


def _repeated(columns: int, rows: int) -> str:
    cell = (
        '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated'
    )
    return f'<table:table-row table:number-rows-repeated="{rows}">{cell}="{columns}"/></table:table-row>'


def _later(make: Callable[..., bytes], *args: Any) -> Callable[[Path], None]:
    """Content that is made when it is put."""

    def put(path: Path) -> None:
        path.write_bytes(make(*args))

    return put


def built() -> Iterator[Case]:
    """Bombs and traps, each of its kind once; raw files first."""
    mib = b"\0" * (1 << 20)
    line = b"1,2\n" * (1 << 18)
    yield Case(
        "gzip of 4 GB",
        "a.csv.gz",
        _later(_deflated, b"a" * (8 << 20), 512),
    )
    yield Case("gzip of 600 MB of rows", "a.csv.gz", _later(_deflated, line, 600))
    yield Case("xz of 2 GB", "a.csv.xz", lambda p: _xz(p, 2048))
    yield Case("bz2 of 1 GB", "a.csv.bz2", lambda p: _bz2(p, 1024))
    yield Case(
        "zip member of 2 GB", "a.zip!a.csv", _later(_zip_of, "a.csv", b"a,b\n", mib, 2048, b"")
    )
    yield Case("zip of zips", "a.zip!b.zip", _zip({"b.zip": _zip({"c.csv": b"a\n1\n"})}))
    yield Case("100,001 members", "a.zip!*.csv", lambda p: _many_members(p, 100_001))
    for name in (
        "../../../canary/x.csv",
        "/etc/passwd",
        "C:\\x.csv",
        "..\\..\\x.csv",
        "a/../../x.csv",
    ):
        yield Case(f"member {name}", f"a.zip!{name}", _zip({name: b"a\n1\n"}), {"format": "csv"})
        yield Case(
            f"tar member {name}", f"a.tar!{name}", _tar({name: b"a\n1\n"}, "w"), {"format": "csv"}
        )
    yield Case("zip link", "a.zip!l.csv", _zip_link())
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        yield Case(f"tar entry of type {kind!r}", "a.tar!l.csv", _tar_entry(kind))
    yield Case("link to a secret", "a.csv", lambda p: p.symlink_to("/etc/passwd"))
    yield Case("link to itself", "a.csv", lambda p: p.symlink_to(p))
    yield Case("a folder", "a.csv", lambda p: p.mkdir())
    yield Case("encrypted zip", "a.zip!a.csv", _encrypted())
    # Workbooks
    strings = b"<si><t>" + b"x" * 100 + b"</t></si>"
    beside = {k: v for k, v in _book_parts(_sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')).items()
              if k != "xl/sharedStrings.xml"}  # fmt: skip
    yield Case(
        "shared texts of 1 GB",
        "a.xlsx",
        _later(
            _zip_of, "xl/sharedStrings.xml", b"<sst>", strings * 10_000, 1000, b"</sst>", beside
        ),
    )
    empty = {k: v for k, v in _book_parts().items() if k != SHEET}
    yield Case(
        "a sheet of 1 GB of empty cells",
        "a.xlsx",
        _later(
            _zip_of,
            SHEET,
            b"<worksheet><sheetData><row>",
            b"<c/>" * (1 << 18),
            1000,
            b"</row></sheetData></worksheet>",
            empty,
        ),
    )
    yield Case(
        "one text of 500 MB",
        "a.xlsx",
        _later(
            _zip_of,
            SHEET,
            b'<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>',
            b"x" * (1 << 20),
            500,
            b"</t></is></c></row></sheetData></worksheet>",
            empty,
        ),
    )
    yield Case(
        "one attribute of 500 MB",
        "a.xlsx",
        _later(_zip_of, SHEET, b'<worksheet a="', b"x" * (1 << 20), 500, b'"/>', empty),
    )
    yield Case(
        "2 million merged areas",
        "a.xlsx",
        _later(
            _zip_of,
            SHEET,
            b"<worksheet><sheetData>" + CELLS.encode() + b"</sheetData><mergeCells>",
            "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(1, 2001)).encode(),
            1000,
            b"</mergeCells></worksheet>",
            empty,
        ),
    )
    for what, inside in {
        "far cells": '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "a cell beyond all": '<row r="1"><c r="ZZZZZZZZ1"><v>1</v></c></row>',
        "a row beyond all": '<row r="99999999999999999999"><c r="A1"><v>1</v></c></row>',
        "no number": CELLS + '<row r="3"><c r="A3"><v>1e999</v></c><c r="B3"><v>NaN</v></c><c r="C3" t="s"><v>-5</v></c></row>',
        "a date beyond all": CELLS + '<row r="3"><c r="A3" s="1"><v>9e99</v></c></row>',
        "half a character": CELLS + '<row r="3"><c r="A3" t="str"><v>_xD83D_</v></c><c r="B3" t="str"><v>_x0000_</v></c></row>',
        "deep": "<a>" * 200_000,
        "formulas": CELLS + "".join(f'<row r="{n}"><c r="A{n}"><f>HYPERLINK("http://x","y")</f></c></row>' for n in range(3, 2000)),
    }.items():  # fmt: skip
        yield Case(f"sheet with {what}", "a.xlsx", _zip(_book_parts(_sheet(inside))))
    entities = '<!DOCTYPE l [<!ENTITY a0 "lol">' + "".join(
        f'<!ENTITY a{n} "' + f"&a{n - 1};" * 10 + '">' for n in range(1, 12)) + "]>"  # fmt: skip
    yield Case(
        "a billion laughs in xlsx",
        "a.xlsx",
        _zip(_book_parts(entities.encode() + b"<worksheet>&a11;</worksheet>")),
    )
    yield Case(
        "a billion laughs in ods",
        "a.ods",
        _zip({"content.xml": entities.encode() + b"<a>&a11;</a>"}),
    )
    outside = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    yield Case("an outside entity", "a.ods", _zip({"content.xml": outside}))
    for what, row in {
        "a cell repeated a million times": _repeated(1_000_000, 1),
        "a row repeated a million times": _repeated(1, 1_000_000),
        "4,000 columns of a million rows": _repeated(4000, 1_000_000),
        "spaces without end": '<table:table-row><table:table-cell office:value-type="string"><text:p>' + '<text:s text:c="999999999"/>' * 500 + "</text:p></table:table-cell></table:table-row>",
    }.items():  # fmt: skip
        yield Case(
            f"ods with {what}", "a.ods", _zip({"content.xml": ODS.format(rows=row).encode()})
        )
    # JSON
    for form in ("json", "ndjson"):
        yield Case(f"{form} nested deep", f"a.{form}", b"[" * 5_000_000)
        yield Case(f"{form} of objects nested deep", f"a.{form}", b'{"a":' * 1_000_000)
        yield Case(
            f"{form}: one value of 200 MB",
            f"a.{form}",
            lambda p: _write(p, b'[{"a": "', b"x" * (1 << 20), 200, b'"}]'),
        )
        yield Case(
            f"{form}: 50 million empty lists",
            f"a.{form}",
            lambda p: _write(p, b"[[", b"[]," * (1 << 20), 50, b"[]]]"),
        )
        yield Case(
            f"{form}: a list of 4 million numbers",
            f"a.{form}",
            lambda p: _write(p, b"[", b"1," * (1 << 20), 4, b"1]"),
        )
        yield Case(
            f"{form}: a number of 10 MB", f"a.{form}", b'[{"a": ' + b"9" * (10 << 20) + b"}]"
        )
    yield Case(
        "ndjson: 100,000 keys",
        "a.ndjson",
        "\n".join(f'{{"k{n}": 1}}' for n in range(100_000)).encode(),
    )
    yield Case(
        "json: an object of 100,000 keys",
        "a.json",
        json.dumps({f"k{n}": 1 for n in range(100_000)}).encode(),
    )
    # CSV
    yield Case(
        "csv: one line of 100 MB",
        "a.csv",
        lambda p: _write(p, b"a,b\n", b"x" * (1 << 20), 100, b""),
    )
    yield Case(
        "csv: a quote that never ends",
        "a.csv",
        lambda p: _write(p, b'a,b\n1,"', b"x\n" * (1 << 19), 100, b""),
    )
    yield Case(
        "csv: a million columns",
        "a.csv",
        ",".join(f"c{n}" for n in range(1_000_000)).encode() + b"\n1\n",
    )
    yield Case(
        "csv: 60 MB of line ends",
        "a.csv",
        lambda p: _write(p, b"a\n", b"\n" * (1 << 20), 60, b"1\n"),
    )
    yield Case(
        "csv: formulas",
        "a.csv",
        b'a,b\n=cmd|\'/c calc\'!A1,"=HYPERLINK(""http://x"")"\n@SUM(1),+1\n',
    )
    yield Case(
        "fixed: one line of 100 MB",
        "a.txt",
        lambda p: _write(p, b"", b"x" * (1 << 20), 100, b""),
        {"format": "fixed", "widths": (1, 2)},
    )
    yield Case(
        "fixed: a width of a million",
        "a.txt",
        b"ab\n" * 1000,
        {"format": "fixed", "widths": (999_999, 2), "header": False},
    )
    # Parquet
    yield Case("parquet: a billion equal rows", "a.parquet", _constant_parquet)
    yield Case("parquet: one page of 1 GB", "a.parquet", _long_page)
    yield Case("parquet: 20,000 columns", "a.parquet", _wide_parquet)
    footer = (1 << 31) - 1
    yield Case(
        "parquet: a footer longer than the file",
        "a.parquet",
        b"PAR1" + footer.to_bytes(4, "little") + b"PAR1",
    )
    # A project's folder
    for what, text in {
        "an alias bomb": "a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [{'*a,' * 9}]\n" for n in range(9)),
        "flow nested deep": "a: " + "[" * 1_000_000,
        "maps nested deep": "a: " + "{a: " * 300_000,
        "blocks nested deep": "".join(" " * n + "a:\n" for n in range(3000)),
        "dashes nested deep": "- " * 500_000,
        "a scalar of 30 MB": "title: " + "x" * (30 << 20),
        "400,000 keys": "".join(f"k{n}: 1\n" for n in range(400_000)),
        "a million questions": "? " * 1_000_000,
        "a file too large": "#" * (33 << 20),
        "python objects": "title: !!python/object/apply:os.system ['touch /tmp/x']\n",
        "a million anchors": "".join(f"- &a{n} x\n" for n in range(300_000)),
        "300,000 errors": "".join(f"x{n}: &a 1\n" for n in range(300_000)),
        "one key a million times": "title: x\n" * 1_000_000,
        "quotes without end": 'title: "' + "\\n" * 5_000_000,
        "a folded scalar of many lines": "title: >\n" + "  x\n" * 2_000_000,
    }.items():  # fmt: skip
        for at in ("sources/raw.yaml", "sanhua.yaml", "contracts/raw.odcs.yaml"):
            yield Case(f"{at}: {what}", "", text.encode(), at=at)
    yield Case(
        "a source that leaves the folder",
        "",
        b"files: ../../../../etc/passwd\ncadence: day\n",
        at="sources/raw.yaml",
    )
    yield Case(
        "a paper that leaves the folder",
        "",
        b"claims: {a: {resource: raw, source: own_collection, evidence: [../../../etc/passwd]}}",
        at="rights/a.yaml",
    )
    yield Case(
        "a link in the folder", "", lambda p: p.symlink_to("/etc/passwd"), at="sources/raw.yaml"
    )
    yield Case(
        "a link to itself in the folder", "", lambda p: p.symlink_to(p), at="sources/raw.yaml"
    )
    yield Case("vouchers: far cells", "", _zip(_book_parts(_sheet(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))), at="books/vouchers/2025.xlsx")  # fmt: skip
    yield Case("vouchers: every row far", "", _zip(_book_parts(_sheet("".join(
        f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 20_000))))), at="books/vouchers/2025.xlsx")  # fmt: skip
    yield Case(
        "vouchers: shared texts of 1 GB",
        "",
        _later(
            _zip_of, "xl/sharedStrings.xml", b"<sst>", strings * 10_000, 1000, b"</sst>", beside
        ),
        at="books/vouchers/2025.xlsx",
    )
    yield Case(
        "vouchers: a sheet of 1 GB",
        "",
        _later(
            _zip_of,
            SHEET,
            b"<worksheet><sheetData><row>",
            b"<c/>" * (1 << 18),
            1000,
            b"</row></sheetData></worksheet>",
            empty,
        ),
        at="books/vouchers/2025.xlsx",
    )
    yield Case(
        "vouchers: a million rows",
        "",
        _later(
            _zip_of,
            SHEET,
            b"<worksheet><sheetData>",
            b'<row><c t="str"><v>voucher</v></c></row>' * 1000,
            1000,
            b"</sheetData></worksheet>",
            empty,
        ),
        at="books/vouchers/2025.xlsx",
    )
    yield Case(
        "vouchers: a billion laughs",
        "",
        _zip(_book_parts(entities.encode() + b"<worksheet>&a11;</worksheet>")),
        at="books/vouchers/2025.xlsx",
    )
    yield Case(
        "vouchers: a csv of 30 MB of quotes",
        "",
        b'voucher,date\n"' + b'""' * (15 << 20),
        at="books/vouchers/2025.csv",
    )
    yield Case(
        "vouchers: beancount of 20 MB in one line",
        "",
        b"2024-01-31 * " + b'"a" ' * (5 << 20),
        at="books/vouchers/2025.beancount",
    )
    yield Case(
        "vouchers: beancount postings of blanks",
        "",
        b'2024-01-31 * "a"\n  A' + b" " * 2_000_000 + b"x\n",
        at="books/vouchers/2025.beancount",
    )
    yield Case(
        "sql nested deep",
        "",
        b"SELECT " + b"(" * 20_000 + b"1" + b")" * 20_000 + b" AS a",
        at="sql/daily.sql",
    )
    yield Case("sql of many sums", "", b"SELECT " + b"1+" * 50_000 + b"1 AS a", at="sql/daily.sql")
    yield Case("odrl nested deep", "", b'{"permission":' * 50_000, at="policies/p.odrl.json")
    yield Case(
        "codes in a million rows",
        "",
        b"code,name\n" + b"".join(b"c%d,x\n" % n for n in range(1_000_000)),
        at="standards/codes/plants.csv",
    )


def _write(path: Path, head: bytes, unit: bytes, times: int, tail: bytes) -> None:
    with path.open("wb") as out:
        out.write(head)
        for _ in range(times):
            out.write(unit)
        out.write(tail)


def _xz(path: Path, mib: int) -> None:
    with lzma.open(path, "wb", preset=0) as out:
        for _ in range(mib):
            out.write(b"a" * (1 << 20))


def _bz2(path: Path, mib: int) -> None:
    with bz2.open(path, "wb", compresslevel=1) as out:
        for _ in range(mib):
            out.write(b"a" * (1 << 20))


def _many_members(path: Path, count: int) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.csv", b"a\n1\n")


def _zip_link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("l.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _tar_entry(kind: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("l.csv")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    return out.getvalue()


def _encrypted() -> bytes:
    data = bytearray(_zip({"a.csv": b"a\n1\n"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _constant_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.array([7], pa.int8()).take(pa.array([0] * (1 << 20)))
    schema = pa.schema([("a", pa.int8())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for _ in range(1000):
            writer.write_table(pa.table([column], schema=schema), row_group_size=1 << 20)


def _long_page(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = "x" * (64 << 20)
    pq.write_table(pa.table({"a": [text] * 8}), path, compression="zstd", use_dictionary=False,
                   data_page_size=1 << 30, write_statistics=False)  # fmt: skip


def _wide_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({f"c{n}": [1] for n in range(20_000)}), path)


def cases(count: int, seed: int) -> Iterator[Case]:
    """`count` files: the built ones, then spoiled ones of each format in turn."""
    number = 0
    for case in built():
        if number < count:
            number += 1
            yield case
    dice = random.Random(seed)
    sources = [*sound().values(), *sound_project().values()]
    while number < count:
        yield spoil(sources[number % len(sources)], dice)
        number += 1


# Running


def put_project(root: Path) -> None:
    for name, text in PROJECT.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (root / "raw").mkdir()
    (root / "raw" / "a.csv").write_text("code,kwh\nP1,1\n")


def put(case: Case, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    if isinstance(case.content, bytes):
        path.write_bytes(case.content)
    else:
        case.content(path)


def put_apart(case: Case, path: Path) -> None:
    """As `put`, in a process of its own: what is held here counts as held by each case."""
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            put(case, path)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError(f"{case.name}: not written")


def run_case(case: Case, root: Path) -> dict[str, Any]:
    """What came of one file; anything but a code and rows is a crash."""
    from sanhua.kernel.errors import SanhuaError

    try:
        return _check(case, root) if case.at else _collect(case, root)
    except SanhuaError as error:
        return {"kind": "coded", "code": error.code}
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return {"kind": "crashed", "error": f"{type(error).__name__} at {place}: {error}"[:300]}


def _collect(case: Case, root: Path) -> dict[str, Any]:
    from sanhua.engine.duck import DuckEngine
    from sanhua.engine.lake import Lake
    from sanhua.kernel.table import Reading

    name = case.file
    engine = DuckEngine(Lake(root / "lake"), temp=root)
    try:
        path = root / "raw" / name.partition("!")[0]
        manifest = engine.collect("t", [path], Reading(**case.reading), None,
                                  inputs=["sha256:0"], step="sha256:1", names=[name])  # fmt: skip
        return {"kind": "read", "rows": manifest.rows, "rejected": manifest.rejected}
    finally:
        engine.close()


def _check(case: Case, root: Path) -> dict[str, Any]:
    from click.testing import CliRunner

    from sanhua.cli.commands import cli

    result = CliRunner().invoke(cli, ["check", "-C", str(root), "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    said = json.loads(result.stdout)
    found = [one for one in said["diagnostics"] if one["severity"] == "error"]
    if any(not one["code"] or one["code"] == "run.defect" for one in found) or "Traceback" in (
        result.output
    ):
        return {"kind": "crashed", "error": f"no code: {found[:1]}"}
    if said["ok"] != (not found):
        return {"kind": "crashed", "error": "ok and errors do not agree"}
    if found:
        return {"kind": "coded", "code": found[0]["code"]}
    return {"kind": "read", "rows": 0, "rejected": 0}


def apart(case: Case, base: Path) -> dict[str, Any]:
    """The case in a process of its own."""
    root = base / "project"
    reading, writing = os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            os.close(reading)
            warnings.simplefilter("ignore")
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES_MAX, ADDRESS_BYTES_MAX))
            os.chdir(base / "cwd")
            os.environ["TMPDIR"] = tempfile.tempdir = str(base / "tmp")
            os.environ["HOME"] = str(base / "home")
            os.environ.pop("SANHUA_DATA", None)
            made = run_case(case, root)
            made["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            with os.fdopen(writing, "w") as pipe:
                json.dump(made, pipe)
        finally:
            os._exit(0)
    os.close(writing)
    text = ""
    with os.fdopen(reading) as pipe:
        ready, _, _ = select.select([pipe], [], [], TIME_S_MAX)
        if ready:
            text = pipe.read()
        else:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(text) if text else {"kind": "crashed", "mb": 0}
    if not text:
        reason = f"no answer in {TIME_S_MAX} s" if not ready else f"status {status}"
        found["error"] = f"the process died: {reason}"
    found["seconds"] = round(time.perf_counter() - began, 2)
    return found


def tree(base: Path, without: Path) -> dict[str, str]:
    """Every path below `base` but the project's own, with a hash of what it holds."""
    found: dict[str, str] = {}
    for path in sorted(base.rglob("*")):
        if path.is_relative_to(without):
            continue
        held = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        kind = stat.S_IFMT(path.lstat().st_mode)
        found[str(path.relative_to(base))] = f"{kind}:{hashlib.sha256(held).hexdigest()}"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--json", action="store_true", help="nothing but the summary")
    parser.add_argument("--write", action="store_true", help="keep it in bench/results")
    args = parser.parse_args()
    import duckdb  # noqa: F401 - what children share
    import openpyxl  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import sanhua.cli.commands
    import sanhua.engine.duck  # noqa: F401

    kinds: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    faults: list[dict[str, Any]] = []
    rejected = outside = peak = 0
    slowest, slow_case, peak_case = 0.0, "", ""
    import shutil

    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        base = Path(folder)
        for name in ("tmp", "home", "cwd", "beside"):
            (base / name).mkdir()
            (base / name / "canary.txt").write_text(name)
        project = base / "project"
        ended: list[int] = []  # SIGTERM: the summary is of what was done so far
        signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
        for case in cases(args.files, args.seed):
            if ended:
                break
            if args.only and args.only not in case.name:
                continue
            shutil.rmtree(project, ignore_errors=True)
            project.mkdir()
            put_project(project)
            put_apart(case, project / (case.at or f"raw/{case.file.partition('!')[0]}"))
            before = tree(base, project)
            found = apart(case, base)
            if (after := tree(base, project)) != before:
                outside += 1
                found["outside"] = sorted(after.items() ^ before.items())[:3]
            kinds[found["kind"]] += 1
            codes[found.get("code", found["kind"])] += 1
            rejected += found.get("rejected", 0)
            if found["mb"] > peak:
                peak, peak_case = found["mb"], case.name
            if found["seconds"] > slowest:
                slowest, slow_case = found["seconds"], case.name
            bad = found["kind"] == "crashed" or "outside" in found or found["mb"] > MEMORY_MB_MAX
            if bad:
                faults.append({"case": case.name} | found)
            if not args.json and sum(kinds.values()) % 100 == 0:
                print(dict(kinds), file=sys.stderr, flush=True)
            if not args.json and (bad or args.only or found["seconds"] > 5 or found["mb"] > 700):
                print(case.name, found, file=sys.stderr, flush=True)
    summary = {
        "files": sum(kinds.values()),
        "seed": args.seed,
        "coded": kinds["coded"],
        "read": kinds["read"],
        "rejected_rows": rejected,
        "crashed": kinds["crashed"],
        "outside_writes": outside,
        "over_1_gb": sum(one["mb"] > MEMORY_MB_MAX for one in faults),
        "peak_mb": peak,
        "peak_case": peak_case,
        "slowest_s": slowest,
        "slowest_case": slow_case,
        "codes": dict(codes.most_common()),
        "faults": faults,
    }
    if args.write:
        day = datetime.now(UTC).date().isoformat()
        target = ROOT / "bench" / "results" / f"hostile-{day}.json"
        target.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(summary, ensure_ascii=False))


if __name__ == "__main__":
    main()
