"""One suite over every engine: collect, build, measure, query, and the lock around people's SQL."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sanhua.engine.duck import ROW_GROUP_ROWS, SAMPLED_GROUPS, SAMPLED_ROWS, DuckEngine
from sanhua.engine.lake import MANIFEST, UNFINISHED_DAYS_MAX, Lake
from sanhua.kernel.errors import Broken, Diagnostic, Invalid, SanhuaError, Unavailable
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.ports import Engine
from sanhua.kernel.table import Column, Manifest, RawColumn, Reading

at = datetime.fromisoformat
ENGINES: dict[str, Callable[..., Any]] = {"duckdb": DuckEngine}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made = ENGINES[request.param](Lake(tmp_path / "lake"), temp=tmp_path)
    yield made
    made.close()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def collect(
    engine: Engine,
    path: Path | Sequence[Path],
    columns: Sequence[RawColumn] | None = None,
    name: str = "",
    tell: Callable[[Diagnostic], None] = lambda said: None,
    **reading: Any,
) -> Manifest:
    paths = [path] if isinstance(path, Path) else list(path)
    manifest = engine.collect(
        "t",
        paths,
        Reading(**reading),
        columns,
        inputs=[f"sha256:{n}" for n in range(len(paths))],
        step="sha256:step",
        names=[name or p.name for p in paths],
        tell=tell,
    )
    engine.bind(manifest)
    return manifest


def rows(engine: Engine, table: str = "t") -> list[tuple[Any, ...]]:
    return engine.query(f"SELECT * FROM {table}")


def rejects(engine: Any, manifest: Manifest) -> list[dict[str, Any]]:
    folder = engine.lake.path(manifest)
    return [
        row for file in manifest.rejects for row in pq.read_table(folder / file.path).to_pylist()
    ]


NAMES = ["户号", "名称", "电量"]
ROWS = [["001", "甲公司", "1.50"], ["002", "乙,公司", "2.25"], ["003", '丙"公司', "3.00"]]
TYPED = (
    RawColumn("id", "VARCHAR", "户号"),
    RawColumn("name", "VARCHAR", "名称"),
    RawColumn("kwh", "DECIMAL(12,2)", "电量"),
)
WANTED = [(one, two, Decimal(three)) for one, two, three in ROWS]


def csv_text(delimiter: str = ",", newline: str = "\n") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
    writer.writerows([NAMES, *ROWS])
    return out.getvalue()


def as_excel(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [NAMES, *ROWS]:
        sheet.append(row)
    book.save(path)


def as_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("在/数据.csv", csv_text())


RECORDS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
FORMS: dict[str, tuple[str, Callable[[Path], object], dict[str, Any]]] = {
    "utf-8": ("a.csv", lambda p: p.write_text(csv_text(), "utf-8"), {}),
    "byte order mark": ("a.csv", lambda p: p.write_text(csv_text(), "utf-8-sig"), {}),
    "gb18030": ("a.csv", lambda p: p.write_text(csv_text(), "gb18030"), {}),
    "gbk named": ("a.csv", lambda p: p.write_text(csv_text(), "gbk"), {"encoding": "GBK"}),
    "utf-16": ("a.csv", lambda p: p.write_text(csv_text(), "utf-16"), {}),
    "crlf": ("a.csv", lambda p: p.write_bytes(csv_text(newline="\r\n").encode()), {}),
    "no last newline": ("a.csv", lambda p: p.write_text(csv_text().rstrip("\n"), "utf-8"), {}),
    "semicolon": ("a.csv", lambda p: p.write_text(csv_text(";"), "utf-8"), {}),
    "tab": ("a.tsv", lambda p: p.write_text(csv_text("\t"), "utf-8"), {}),
    "bar": ("a.txt", lambda p: p.write_text(csv_text("|"), "utf-8"), {}),
    "named delimiter": ("a.csv", lambda p: p.write_text(csv_text("^"), "utf-8"),
                        {"delimiter": "^"}),
    "preamble": ("a.csv", lambda p: p.write_text("某市\n2026年\n" + csv_text(), "utf-8"),
                 {"skip": 2}),
    "gzip": ("a.csv.gz", lambda p: p.write_bytes(gzip.compress(csv_text().encode())), {}),
    "gzip gb18030": ("a.csv.gz",
                     lambda p: p.write_bytes(gzip.compress(csv_text().encode("gb18030"))), {}),
    "zip": ("a.zip!在/数据.csv", as_zip, {}),
    "excel": ("a.xlsx", as_excel, {}),
    "json": ("a.json", lambda p: p.write_text(json.dumps(RECORDS), "utf-8"), {}),
    "json below a path": ("a.json",
                          lambda p: p.write_text(json.dumps({"data": {"rows": RECORDS}}), "utf-8"),
                          {"records": "$.data.rows"}),
    "ndjson": ("a.ndjson", lambda p: p.write_text("\n".join(map(json.dumps, RECORDS)), "utf-8"),
               {}),
    "parquet": ("a.parquet", lambda p: pq.write_table(pa.Table.from_pylist(RECORDS), p), {}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_same_rows_come_out_of_every_form(engine: Any, inbox: Path, form: str):
    name, write, reading = FORMS[form]
    path = inbox / name.partition("!")[0]
    write(path)
    manifest = collect(engine, path, TYPED, name, **reading)
    assert rows(engine) == WANTED
    assert (manifest.rows, manifest.rejected, manifest.rejects) == (3, 0, ())
    assert manifest.columns == (
        Column("id", "VARCHAR"),
        Column("name", "VARCHAR"),
        Column("kwh", "DECIMAL(12,2)"),
    )


@pytest.mark.parametrize("form", FORMS)
def test_without_types_all_is_text_under_its_own_headings(engine: Any, inbox: Path, form: str):
    name, write, reading = FORMS[form]
    path = inbox / name.partition("!")[0]
    write(path)
    manifest = collect(engine, path, None, name, **reading)
    assert [column.name for column in manifest.columns] == NAMES
    assert [list(row) for row in rows(engine)] == ROWS


def test_an_excel_cell_is_the_text_that_a_person_sees(engine: Any, inbox: Path):
    book = openpyxl.Workbook()
    other = book.create_sheet("数据")
    other.append(["附注"])
    other.append(["日期", "数", "小数", "是", "空", None])
    other.append([date(2026, 1, 2), 3, 0.1, True, None])
    other.append([at("2026-01-02 03:04:05"), 12345678901, 1e-7, False, None])
    book.save(inbox / "a.xlsx")
    collect(engine, inbox / "a.xlsx", None, sheet="数据", skip=1)
    assert rows(engine) == [
        ("2026-01-02", "3", "0.1", "true", None),
        ("2026-01-02 03:04:05", "12345678901", "0.0000001", "false", None),
    ]


def test_a_range_of_a_sheet(engine: Any, inbox: Path):
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["x", "x", "x"], ["x", "a", "b"], ["x", 1, 2], ["x", "x", "x"]):
        sheet.append(row)
    book.save(inbox / "a.xlsx")
    for corners in ("B2:C3", "$C$3:b2"):
        collect(engine, inbox / "a.xlsx", None, range=corners)
    assert rows(engine) == [("1", "2")]


def workbook(path: Path, *rows: list[Any]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book


def reasons(engine: Any, manifest: Manifest) -> list[tuple[int | None, list[str]]]:
    return [(row["record"], row["reasons"]) for row in rejects(engine, manifest)]


def test_a_formula_that_nothing_has_computed_rejects_its_row(engine: Any, inbox: Path):
    path = inbox / "a.xlsx"
    workbook(
        path, ["户号", "名称", "电量", "注"], ["1", "a", 1.5, "=A2"], ["2", "b", "=C2*2", None]
    )
    manifest = collect(engine, path, TYPED)
    assert rows(engine) == [("1", "a", Decimal("1.50"))]  # nobody reads 注
    assert reasons(engine, manifest) == [(2, ["kwh: '=C2*2' is a formula without a stored value"])]
    assert json.loads(rejects(engine, manifest)[0]["row"])["电量"] == "=C2*2"
    assert manifest.rejected_by_column == {"kwh": 1}
    assert collect(engine, path).rejected == 2  # without a contract every column is read


def test_a_computed_formula_is_its_value_even_when_that_is_empty_text(engine: Any, inbox: Path):
    workbook(inbox / "a.xlsx", ["a", "b"], ["=1+1", '=""'])
    with zipfile.ZipFile(inbox / "a.xlsx") as old, zipfile.ZipFile(inbox / "b.xlsx", "w") as new:
        for part in old.namelist():
            data = old.read(part)
            if part == "xl/worksheets/sheet1.xml":  # as Excel stores what it has computed
                data = data.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
                data = data.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
                data = data.replace(b'r="B2"', b'r="B2" t="str"')
            new.writestr(part, data)
    manifest = collect(engine, inbox / "b.xlsx")
    assert (rows(engine), manifest.rejected) == ([("2", None)], 0)


def test_a_number_beyond_28_digits_keeps_them(engine: Any, inbox: Path):
    workbook(inbox / "a.xlsx", ["a", "b"], [1e30, -2.5e-9])
    collect(engine, inbox / "a.xlsx")
    assert rows(engine) == [("1" + "0" * 30, "-0.0000000025")]


def test_sheets_that_are_not_read_are_told_unless_one_was_named(engine: Any, inbox: Path):
    book = workbook(inbox / "a.xlsx", ["a"], [1])
    book.create_sheet("二月").append(["a"])
    book.create_sheet("空")
    book.save(inbox / "a.xlsx")
    told: list[Diagnostic] = []
    collect(engine, inbox / "a.xlsx", tell=told.append)
    assert [(d.code, d.severity.value, d.facts["others"]) for d in told] == [
        ("collect.sheets-unread", "warning", "二月")
    ]
    told.clear()
    collect(engine, inbox / "a.xlsx", tell=told.append, sheet="Sheet")
    assert told == []


BAD_JSON = {
    "a key given twice": ('{"a": 1, "a": 2}', "'[1, 2]' is given under key a more than once"),
    "a key given twice inside": ('{"a": {"x": 1, "x": 2}}', "more than once"),
    "an infinity": ('{"a": -Infinity}', "'-Infinity' is no JSON number"),
    "no number": ('{"a": [NaN]}', "is no JSON number"),
    "half a character": ('{"a": "\\ud83d"}', "'\\ud83d' holds half of a surrogate pair"),
    "half a character inside": ('{"a": ["\\ud83d"]}', "holds half of a surrogate pair"),
    "a number without end": (f'{{"a": {"9" * 5000}}}', "is too long a number"),
    "an exponent without end": ('{"a": 1e99999999999999999999}', "is too long a number"),
    "no record at all": ("NaN", "'NaN' is no JSON number"),
}


@pytest.mark.parametrize("what", BAD_JSON)
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_record_that_json_cannot_mean_is_rejected_with_its_reason(
    engine: Any, inbox: Path, what: str, form: str
):
    bad, reason = BAD_JSON[what]
    lines = ['{"a": 0, "b": "x"}', bad, '{"a": "\\ud83d\\ude00", "b": "z"}']
    text = f"[{', '.join(lines)}]" if form == "json" else "\n".join(lines)
    (inbox / f"a.{form}").write_text(text, "utf-8")
    manifest = collect(engine, inbox / f"a.{form}", [RawColumn("a", "VARCHAR")])
    assert rows(engine) == [("0",), ("😀",)]
    ((record, (why,)),) = reasons(engine, manifest)
    assert record == 2 and why.endswith(reason)
    assert why.startswith("a: ") or bad == "NaN"  # no record has no column


def test_json_whose_records_or_keys_are_not_clear_is_refused(engine: Any, inbox: Path):
    for text, reading in (
        ('{"data": [{"a": 1}], "data": []}', {"records": "$.data"}),
        ('[{"\\ud83d": 1}]', {}),
        ("NaN", {}),
    ):
        (inbox / "a.json").write_text(text, "utf-8")
        with pytest.raises(Invalid) as caught:
            collect(engine, inbox / "a.json", **reading)
        assert caught.value.code == "collect.bad-json"


def test_objects_given_under_one_key_are_both_rejected(engine: Any, inbox: Path):
    (inbox / "a.json").write_text('{"KOR": {"v": 1}, "KOR": {"v": 2}, "CHN": {"v": 3}}')
    manifest = collect(engine, inbox / "a.json", key="country")
    assert rows(engine) == [("CHN", "3")]
    assert [(number, "KOR" in why) for number, (why,) in reasons(engine, manifest)] == [
        (1, True),
        (2, True),
    ]
    assert [row["row"] for row in rejects(engine, manifest)] == ['KOR: {"v": 1}', 'KOR: {"v": 2}']


def test_a_json_exponent_is_not_written_out_beyond_measure(engine: Any, inbox: Path):
    (inbox / "a.json").write_text('[{"a": 1e5, "b": 1e999999999}]')
    collect(engine, inbox / "a.json")
    assert rows(engine) == [("100000", "1E+999999999")]


@pytest.mark.parametrize("where", [0, 3 << 20])
def test_a_nul_byte_anywhere_is_refused_at_its_line(engine: Any, inbox: Path, where: int):
    before = "a,b\n" + "1,2\n" * (where // 4)
    (inbox / "a.csv").write_bytes(f"{before}x,\0y\n3,4\n".encode())
    with pytest.raises(Invalid) as caught:
        collect(engine, inbox / "a.csv")
    told = caught.value.diagnostic
    assert (told.code, told.line) == ("collect.not-text", where // 4 + 2)


@pytest.mark.parametrize("first", ["\n", "\r\n", "\r"])
def test_a_file_of_mixed_line_ends_loses_no_row_and_changes_no_value(
    engine: Any, inbox: Path, first: str
):
    lines = [("a,b", first), ('1,"x\r\ny"', "\r\n"), ("2,p", "\n"), ("3,q", "\r"), ('4,""', "\n"),
             ("5", "\r\n"), ('6,"r\ns"', "\n"), ("7,t", "")]  # fmt: skip
    (inbox / "a.csv").write_bytes("".join(map("".join, lines)).encode())
    manifest = collect(engine, inbox / "a.csv")
    assert rows(engine) == [
        ("1", "x\r\ny"), ("2", "p"), ("3", "q"), ("4", None), ("6", "r\ns"), ("7", "t"),
    ]  # fmt: skip
    assert manifest.rejected == 1
    assert rejects(engine, manifest)[0]["row"].strip() == "5"


def test_mixed_line_ends_and_quotes_that_do_not_match_lose_no_row(engine: Any, inbox: Path):
    """One quote that opens nothing is a mark like others, and told; no other reading has two
    cells.
    """
    (inbox / "a.csv").write_bytes(b'a,b\n1,2\r\n3,"x\n4,y\r\n')
    told: list[Diagnostic] = []
    collect(engine, inbox / "a.csv", tell=told.append)
    assert rows(engine) == [("1", "2"), ("3", '"x'), ("4", "y")]
    assert [(d.code, d.facts["lines"]) for d in told] == [("collect.mended-quotes", "3")]


def test_line_ends_inside_quotes_alone_are_no_mixture(engine: Any, inbox: Path):
    """One row with a stray quote is rejected as ever, the others are read."""
    (inbox / "a.csv").write_bytes(b'a,b\r\n1,"x\ny"\r\n2,"p"q\r\n3,z\r\n')
    manifest = collect(engine, inbox / "a.csv")
    assert rows(engine) == [("1", "x\ny"), ("3", "z")] and manifest.rejected == 1


def test_headings_that_stand_twice_are_told_apart_by_a_number(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("id,kWh,KWH,id\n1,2,3,4\n")
    collect(engine, inbox / "a.csv", [RawColumn("metered", "BIGINT", "KWH")])
    assert rows(engine) == [(3,)]
    told: list[Diagnostic] = []
    manifest = collect(engine, inbox / "a.csv", tell=told.append)
    assert [column.name for column in manifest.columns] == ["id", "kWh", "KWH_2", "id_2"]
    assert {d.code for d in told} == {"collect.heading-again"} and len(told) == 2
    with pytest.raises(Invalid) as caught:
        collect(engine, inbox / "a.csv", [RawColumn("id", "BIGINT")])
    said = caught.value.diagnostic
    assert (said.code, said.facts["columns"]) == ("collect.duplicate-heading", "1, 4")


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "parquet"])
def test_blanks_around_a_heading_do_not_matter_and_are_told(engine: Any, inbox: Path, form: str):
    path = inbox / f"a.{form}"
    table = {"户号 ": "1", "\u3000电量": "2.50"}
    {
        "csv": lambda: path.write_text("户号 ,\u3000电量\n1,2.50\n", "utf-8"),
        "xlsx": lambda: workbook(path, list(table), list(table.values())),
        "json": lambda: path.write_text(json.dumps([table]), "utf-8"),
        "parquet": lambda: pq.write_table(pa.Table.from_pylist([table]), path),
    }[form]()
    told: list[Diagnostic] = []
    typed = [RawColumn("id", "VARCHAR", "户号  "), RawColumn("kwh", "DECIMAL(12,2)", "电量")]
    collect(engine, path, typed, tell=told.append)
    assert rows(engine) == [("1", Decimal("2.50"))]
    assert [(d.code, d.facts["heading"]) for d in told] == [
        ("collect.heading-trimmed", "户号"),
        ("collect.heading-trimmed", "电量"),
    ]


def test_an_object_of_objects_keeps_its_keys(engine: Any, inbox: Path):
    (inbox / "a.json").write_text('{"KOR": {"v": 1.10}, "CHN": {"v": [1, 2]}}')
    collect(engine, inbox / "a.json", None, key="country")
    assert rows(engine) == [("KOR", "1.10"), ("CHN", "[1, 2]")]


def test_json_numbers_keep_every_digit(engine: Any, inbox: Path):
    (inbox / "a.json").write_text('[{"v": 0.1000000000000000000001}, {"v": 12345678901234567890}]')
    collect(engine, inbox / "a.json")
    assert rows(engine) == [("0.1000000000000000000001",), ("12345678901234567890",)]


def test_a_file_without_headings(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("1,x\n2,y\n")
    manifest = collect(engine, inbox / "a.csv", None, header=False)
    assert [column.name for column in manifest.columns] == ["column1", "column2"]
    assert rows(engine) == [("1", "x"), ("2", "y")]


def test_one_column_and_headings_on_several_lines(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text('"kwh\n(per hour)"\n1\n2\n')
    collect(engine, inbox / "a.csv", [RawColumn("kwh", "BIGINT", "kwh\n(per hour)")])
    assert rows(engine) == [(1,), (2,)]


@pytest.mark.parametrize("preamble", ['"某市"\n', '"open\n', 'it"s\n"x', '\n"\n\n'])
def test_a_quote_in_the_preamble_swallows_no_row(engine: Any, inbox: Path, preamble: str):
    text = preamble.rstrip("\n") + "\na,b\n1,2\n3\n4,5\n"
    (inbox / "a.csv").write_text(text, "utf-8")
    columns = [RawColumn("a", "BIGINT"), RawColumn("b", "BIGINT")]
    skip = text.count("\n") - 4
    manifest = collect(engine, inbox / "a.csv", columns, skip=skip)
    assert rows(engine) == [(1, 2), (4, 5)]
    (bad,) = rejects(engine, manifest)
    assert (bad["row"], bad["line"]) == ("3", skip + 3)


def test_headings_that_differ_in_case_alone_are_two_columns(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("A,a\n1,x\n2,y\nz,z\n")
    columns = [RawColumn("one", "BIGINT", "A"), RawColumn("two", "VARCHAR", "a")]
    manifest = collect(engine, inbox / "a.csv", columns)
    assert rows(engine) == [(1, "x"), (2, "y")]
    assert json.loads(rejects(engine, manifest)[0]["row"]) == {"A": "z", "a": "z"}


def test_blank_lines_are_no_rows(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("a,b\n\n1,2\n\n\n3,4\n\n")
    manifest = collect(
        engine, inbox / "a.csv", [RawColumn("a", "BIGINT"), RawColumn("b", "BIGINT")]
    )
    assert rows(engine) == [(1, 2), (3, 4)]
    assert manifest.rejected == 0


def test_several_files_keep_their_order_and_may_order_their_columns_differently(
    engine: Any, inbox: Path
):
    (inbox / "a.csv").write_text("a,b\n1,x\n2,y\n")
    (inbox / "b.csv").write_text("b,more,a\nz,?,3\nw,?,no\n")
    columns = [RawColumn("a", "BIGINT"), RawColumn("b", "VARCHAR")]
    manifest = collect(engine, [inbox / "a.csv", inbox / "b.csv"], columns)
    assert rows(engine) == [(1, "x"), (2, "y"), (3, "z")]
    (bad,) = rejects(engine, manifest)
    assert (bad["input"], bad["record"]) == ("b.csv", 2)
    assert bad["reasons"] == ["a: 'no' is not BIGINT"]


# What does not fit


@pytest.mark.parametrize(
    ("type", "fits", "misfits"),
    [
        ("BIGINT", {"7": 7, "-7": -7, "+7": 7, " 7 ": 7, "7.0": 7, "007": 7},
         ["7.5", "1e3", "7 kWh", "１", "9223372036854775808", "0x1F", "1_000", "1,000", "NaN"]),
        ("DECIMAL(6,2)", {"1.5": Decimal("1.50"), "1.500": Decimal("1.50"), ".5": Decimal("0.50"),
                          "-0": Decimal(0), "1.": Decimal(1)},
         ["1.505", "1e2", "99999.00", "一", "￥1", "(1)", "1.5.0", "inf"]),
        ("DOUBLE", {"1.5": 1.5, "1e3": 1000.0, "-.5": -0.5}, ["NaN", "inf", "-Infinity", "1,5"]),
        ("BOOLEAN", {"是": True, "否": False, "TRUE": True, "n": False, "0": False},
         ["2", "maybe", "是的"]),
        ("DATE", {"2026-02-28": date(2026, 2, 28), "2026/2/8": date(2026, 2, 8),
                  "20260228": date(2026, 2, 28)},
         ["2026-02-30", "28/02/2026", "2026-02", "today", "infinity", "2026-02-28 03:00"]),
        ("TIMESTAMP", {"2026-02-28 03:04:05": at("2026-02-28 03:04:05"),
                       "2026-02-28T03:04:05": at("2026-02-28 03:04:05")},
         ["2026-02-28 25:00:00", "soon", "infinity", "epoch", "2026-02-30 00:00:00"]),
    ],
)  # fmt: skip
def test_a_value_fits_its_type_exactly_or_its_row_is_rejected(
    engine: Any, inbox: Path, type: str, fits: dict[str, Any], misfits: list[str]
):
    with (inbox / "a.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["v", "n"])
        writer.writerows([text, str(n)] for n, text in enumerate([*fits, *misfits]))
    manifest = collect(engine, inbox / "a.csv", [RawColumn("v", type), RawColumn("n", "BIGINT")])
    assert [row[0] for row in rows(engine)] == list(fits.values())
    bad = rejects(engine, manifest)
    assert [json.loads(one["row"])["v"] for one in bad] == misfits
    assert [one["reasons"] for one in bad] == [[f"v: '{text}' is not {type}"] for text in misfits]
    assert manifest.rejected_by_column == {"v": len(misfits)}


def test_an_empty_cell_fits_every_type(engine: Any, inbox: Path):
    types = ["VARCHAR", "BIGINT", "DECIMAL(6,2)", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "TIME"]
    names = [f"c{n}" for n in range(len(types))]
    (inbox / "a.csv").write_text(
        ",".join([*names, "n"]) + "\n" + "," * 8 + "1\n" + ",".join(['""'] * 9) + "\n"
    )
    columns = [RawColumn(name, type) for name, type in zip(names, types, strict=True)]
    collect(engine, inbox / "a.csv", columns)
    assert rows(engine) == [(None,) * 8, (None,) * 8]


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("d/M/yyyy H:mm", "3/1/2018 0:15", at("2018-01-03 00:15:00")),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2018-01-03 00:15:01.25", at("2018-01-03 00:15:01.250000")),
        ("yyyy年MM月dd日", "2018年01月03日", at("2018-01-03 00:00:00")),
        ("yyyyMMddHHmm", "201801030015", at("2018-01-03 00:15:00")),
        ("dd MMM yyyy hh:mm a", "03 Jan 2018 12:15 AM", at("2018-01-03 00:15:00")),
        ("yyyy-MM-dd'T'HH:mm", "2018-01-03T00:15", at("2018-01-03 00:15:00")),
        ("yy.M.d", "18.1.3", at("2018-01-03 00:00:00")),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(
    engine: Any, inbox: Path, pattern: str, text: str, wanted: datetime
):
    (inbox / "a.csv").write_text(f"at\n{text}\nnever\ninfinity\n", "utf-8")
    manifest = collect(engine, inbox / "a.csv", [RawColumn("at", "TIMESTAMP", format=pattern)])
    assert rows(engine) == [(wanted,)]
    assert rejects(engine, manifest)[0]["reasons"] == [f"at: 'never' is not TIMESTAMP ({pattern})"]


def test_a_pattern_letter_that_is_not_known_is_named(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("at\n2018\n")
    with pytest.raises(Invalid) as refused:
        collect(engine, inbox / "a.csv", [RawColumn("at", "DATE", format="yyyy-MM-QQ")])
    assert (refused.value.code, refused.value.diagnostic.facts["letters"]) == (
        "collect.unknown-pattern",
        "QQ",
    )


def test_ragged_rows_are_kept_whole_with_line_and_reason(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text('a,b\n1,2\n3\n4,5,6\n"open,7\n8,9\n')
    manifest = collect(
        engine, inbox / "a.csv", [RawColumn("a", "BIGINT"), RawColumn("b", "BIGINT")]
    )
    bad = rejects(engine, manifest)
    assert manifest.rows + manifest.rejected >= 4
    assert {(one["line"], one["row"]) for one in bad} >= {(3, "3"), (4, "4,5,6")}
    assert all(one["reasons"] and one["input"] == "a.csv" for one in bad)
    kept = " ".join(one["row"] or "" for one in bad) + str(rows(engine))
    assert "open" in kept and "7" in kept


def test_a_line_too_long_is_rejected_and_the_rest_is_read(engine: Any, inbox: Path):
    with (inbox / "a.csv").open("w") as file:
        file.write("a,b\n1,x\n2," + "y" * (40 << 20) + "\n3,z\n")
    try:
        manifest = collect(
            engine, inbox / "a.csv", [RawColumn("a", "BIGINT"), RawColumn("b", "VARCHAR")]
        )
    except Invalid as refused:
        assert refused.code == "collect.cannot-read"
    else:
        assert [row[0] for row in rows(engine)] == [1, 3]
        assert manifest.rejected == 1


def test_a_field_of_ten_megabytes_is_data(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("a,b\n1," + "y" * (10 << 20) + "\n2,z\n")
    collect(engine, inbox / "a.csv", [RawColumn("a", "BIGINT"), RawColumn("b", "VARCHAR")])
    assert engine.query("SELECT a, length(b) FROM t") == [(1, 10 << 20), (2, 1)]


CELL = st.one_of(
    st.from_regex(r"-?[0-9]{1,5}(\.[0-9]{1,3})?", fullmatch=True),
    st.text(alphabet='ab1-. ,"\n\r;电', max_size=6),
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=12))
def test_no_row_is_lost_whatever_stands_in_it(
    engine: Any, tmp_path: Path, cells: list[tuple[str, str]]
):
    path = tmp_path / "p.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([("a", "b"), *cells])
    manifest = collect(engine, path, [RawColumn("a", "BIGINT"), RawColumn("b", "VARCHAR")],
                       delimiter=",")  # fmt: skip
    bad = [json.loads(one["row"]) for one in rejects(engine, manifest)]
    assert manifest.rows + manifest.rejected == len(cells)
    kept = iter(rows(engine))
    rejected = iter(bad)
    for a, b in cells:
        given = a.strip(" \t\r\n")
        try:
            number = int(Decimal(given)) if given else None
            fits = not given or (Decimal(given) == number and "e" not in given.lower())
        except ArithmeticError:
            number, fits = None, False
        if fits and (not given or given.lstrip("+-")[:1].isdigit() and not given.endswith(".")):
            assert next(kept) == (number, b or None)
        else:
            assert next(rejected) == {"a": a, "b": b or None}


# What cannot be read at all


def missing(path: Path) -> None:
    return None


BROKEN: dict[str, tuple[str, Callable[[Path], object], dict[str, Any], str]] = {
    "not there": ("a.csv", missing, {}, "collect.no-such-file"),
    "empty": ("a.csv", lambda p: p.write_bytes(b""), {}, "collect.empty"),
    "blank": ("a.csv", lambda p: p.write_text("\n\n  \n"), {}, "collect.empty"),
    "binary": ("a.csv", lambda p: p.write_bytes(b"a,b\n\0\0\0"), {}, "collect.not-text"),
    "neither encoding": ("a.csv", lambda p: p.write_bytes(b"a,b\n\xff\xff\x81\n"), {},
                         "collect.wrong-encoding"),
    "not the encoding named": ("a.csv", lambda p: p.write_bytes("户".encode("gbk") + b"\n1\n"),
                               {"encoding": "utf-8"}, "collect.wrong-encoding"),
    "no such encoding": ("a.csv", lambda p: p.write_text("a\n1\n"), {"encoding": "gb-18030-x"},
                         "collect.unknown-encoding"),
    "heading twice": ("a.xlsx", lambda p: workbook(p, ["a", "b", "a"], [1, 2, 3]), {},
                      "collect.duplicate-heading"),
    "unknown ending": ("a.dat", lambda p: p.write_text("a\n1\n"), {}, "collect.unknown-format"),
    "no gzip": ("a.csv.gz", lambda p: p.write_text("a\n1\n"), {}, "collect.broken-archive"),
    "torn gzip": ("a.csv.gz", lambda p: p.write_bytes(gzip.compress(b"a\n1\n" * 999)[:-9]), {},
                  "collect.broken-archive"),
    "no zip": ("a.zip!x.csv", lambda p: p.write_text("a\n1\n"), {}, "collect.broken-archive"),
    "no such member": ("a.zip!x.csv", as_zip, {}, "collect.no-member"),
    "no excel": ("a.xlsx", lambda p: p.write_text("a\n1\n"), {}, "collect.broken-archive"),
    "no such sheet": ("a.xlsx", as_excel, {"sheet": "二月"}, "collect.no-sheet"),
    "bad json": ("a.json", lambda p: p.write_text('[{"a": 1},\n{'), {}, "collect.bad-json"),
    "deep json": ("a.json", lambda p: p.write_text("[" * 200_000), {}, "collect.bad-json"),
    "bad ndjson": ("a.ndjson", lambda p: p.write_text("yes\nno\n"), {}, "collect.bad-json"),
    "no records there": ("a.json", lambda p: p.write_text('{"a": 1}'), {"records": "$.b"},
                         "collect.no-records"),
    "no parquet": ("a.parquet", lambda p: p.write_text("PAR1 no"), {}, "collect.cannot-read"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_says_so_and_leaves_nothing(engine: Any, inbox: Path, case: str):
    name, write, reading, code = BROKEN[case]
    path = inbox / name.partition("!")[0]
    write(path)
    with pytest.raises(SanhuaError) as refused:
        collect(engine, path, None, name, **reading)
    assert refused.value.code == code
    assert refused.value.diagnostic.facts.get("file") == name
    assert [p for p in engine.lake.root.rglob("*") if p.is_file()] == []


def test_wrong_bytes_are_placed(engine: Any, inbox: Path):
    (inbox / "a.csv").write_bytes(b"a,b\n1,2\n3,\xff\xff\n")
    with pytest.raises(Invalid) as refused:
        collect(engine, inbox / "a.csv", encoding="utf-8")
    facts = refused.value.diagnostic.facts
    assert (refused.value.diagnostic.line, facts["offset"], facts["byte"]) == (3, 10, "0xff")


def test_a_fault_of_the_engine_is_not_laid_on_a_file(
    engine: Any, inbox: Path, monkeypatch: pytest.MonkeyPatch
):
    from sanhua.engine import duck

    def broken(db: Any, relation: str, *given: Any, **how: Any) -> int:
        wrong = relation if "a.csv" in relation else "nothing_of_that_name"
        return stage(db, wrong, *given, **how)

    stage = duck.stage
    monkeypatch.setattr(duck, "stage", broken)
    for name in ("a.csv", "b.csv"):
        (inbox / name).write_text("a,b\n1,2\n")
    with pytest.raises(Invalid) as refused:
        engine.collect(
            "t",
            [inbox / "a.csv", inbox / "b.csv"],
            Reading(),
            None,
            inputs=["raw_file:1", "raw_file:2"],
            step="s",
            names=["a.csv", "b.csv"],
        )
    assert refused.value.code == "collect.cannot-read"


def test_a_missing_heading_names_the_nearest(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("Usage_kWh,b\n1,2\n")
    with pytest.raises(Invalid) as refused:
        collect(engine, inbox / "a.csv", [RawColumn("kwh", "BIGINT", "Usage_kwh")])
    facts = refused.value.diagnostic.facts
    assert (refused.value.code, facts["heading"], facts["nearest"]) == (
        "collect.missing-heading",
        "Usage_kwh",
        "Usage_kWh",
    )


def test_a_bomb_is_not_unpacked(engine: Any, inbox: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sanhua.engine.read.archive.EXPANSION_FROM_BYTES", 4 << 20)
    (inbox / "a.csv.gz").write_bytes(gzip.compress(b"a\n" + b"\0" * (64 << 20)))
    with pytest.raises(Invalid) as refused:
        collect(engine, inbox / "a.csv.gz")
    assert refused.value.code == "collect.unpacks-too-large"


# Same bytes


def many(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write("n,k,v\n")
        file.writelines(f"{n},k{n * 7919 % 1000:04},{n % 97}.{n % 10}\n" for n in range(count))


MANY = (
    RawColumn("n", "BIGINT"),
    RawColumn("k", "VARCHAR"),
    RawColumn("v", "DECIMAL(12,2)"),
)


def test_the_bytes_do_not_depend_on_the_number_of_threads(inbox: Path, tmp_path: Path):
    many(inbox / "a.csv", 3 * ROW_GROUP_ROWS)
    found: list[tuple[str, str, str]] = []
    for threads in (1, 2, 4):
        engine = DuckEngine(Lake(tmp_path / f"lake{threads}"), threads=threads, temp=tmp_path)
        raw = collect(engine, inbox / "a.csv", MANY)
        sums = engine.build(
            "sums",
            "SELECT k, sum(v) AS total, count(*) AS n FROM t GROUP BY k",
            order_by=["k"],
            types={"total": "DECIMAL(18,2)"},
            inputs=[raw.id],
            step="s",
        )
        same = engine.build("same", "SELECT * FROM t", order_by=[], types={}, inputs=[], step="s")
        found.append((raw.id, sums.id, same.id))
        engine.close()
    assert len(set(found)) == 1


def test_a_build_is_ordered_typed_and_whole(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("n,k,v\n2,b,1\n1,b,1\n3,a,\n,a,9\n")
    collect(engine, inbox / "a.csv", MANY)
    made = engine.build(
        "made", "SELECT k, n, v FROM t;", order_by=["k"], types={"v": "DOUBLE"}, inputs=["x"],
        step="s",
    )  # fmt: skip
    engine.bind(made)
    assert rows(engine, "made") == [("a", None, 9.0), ("a", 3, None), ("b", 1, 1.0), ("b", 2, 1.0)]
    assert made.columns == (Column("k", "VARCHAR"), Column("n", "BIGINT"), Column("v", "DOUBLE"))
    assert (made.layer, made.rows, made.inputs) == ("built", 4, ("x",))
    again = engine.build(
        "made", "SELECT k, n, v FROM t", order_by=["k"], types={"v": "DOUBLE"}, inputs=["x"],
        step="s",
    )  # fmt: skip
    assert again == made


def test_sums_of_whole_numbers_never_overflow(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("n\n" + f"{2**63 - 1}\n" * 3)
    collect(engine, inbox / "a.csv", [RawColumn("n", "BIGINT")])
    (total,) = engine.measure("t", [Metric("s", "sum(n)")])
    assert int(total.value) == 3 * (2**63 - 1)


@pytest.mark.parametrize(
    ("sql", "types", "code"),
    [
        ("SELECT nothing FROM t", {}, "engine.cannot-bind"),
        ("SELECT a FROM nowhere", {}, "engine.cannot-bind"),
        ("SELECT CAST(b AS INTEGER) AS x FROM t", {}, "engine.cannot-run"),
        ("SELECT b FROM t", {"b": "BIGINT"}, "engine.cannot-run"),
        ("SELECT a AS x, b AS x FROM t", {}, "engine.column-twice"),
    ],
)
def test_a_build_that_fails_leaves_nothing(
    engine: Any, inbox: Path, sql: str, types: dict[str, str], code: str
):
    (inbox / "a.csv").write_text("a,b\n1,x\n")
    collect(engine, inbox / "a.csv", [RawColumn("a", "BIGINT"), RawColumn("b", "VARCHAR")])
    before = sorted(engine.lake.root.rglob("*"))
    with pytest.raises(Invalid) as refused:
        engine.build("made", sql, order_by=[], types=types, inputs=[], step="s")
    assert refused.value.code == code
    assert sorted(engine.lake.root.rglob("*")) == before


def test_no_rows_are_a_table_too(engine: Any, inbox: Path):
    (inbox / "a.csv").write_text("a,b\n")
    manifest = collect(engine, inbox / "a.csv", [RawColumn("a", "BIGINT")])
    assert (manifest.rows, rows(engine)) == (0, [])
    made = engine.build("made", "SELECT a FROM t", order_by=["a"], types={}, inputs=[], step="s")
    assert made.rows == 0


# Measure


@pytest.fixture
def measured(engine: Any, inbox: Path) -> Any:
    (inbox / "a.csv").write_text("n,k,v\n1,x,1.5\n2,x,-2\n3,y,\n4,,1.5\n")
    collect(engine, inbox / "a.csv", MANY)
    return engine


def values(found: list[Measured]) -> dict[str, Any]:
    return {one.metric.id: one.error.code if one.error else one.value for one in found}


def test_every_kind_of_metric_in_the_order_asked(measured: Any):
    asked = [
        Metric("rows", "count(*)"),
        Metric("negative", "count_if(v < 0)"),
        Metric("twice", "v", Scan.UNIQUE),
        Metric("pairs", '"k", "v"', Scan.UNIQUE),
        Metric("orphans", "SELECT count(*) FROM t WHERE k IS NULL", Scan.QUERY),
        Metric("sampled", "count(k)", Scan.SAMPLE),
        Metric("mean", "avg(v)"),
        Metric("latest", "max(n)"),
        Metric("none", "max(k) FILTER (WHERE n > 9)"),
    ]
    found = measured.measure("t", asked)
    assert [one.metric for one in found] == asked
    assert values(found) == {
        "rows": 4, "negative": 1, "twice": 1, "pairs": 0, "orphans": 1, "sampled": 3,
        "mean": Decimal(repr(1 / 3)), "latest": 4, "none": None,
    }  # fmt: skip


def test_one_guilty_metric_among_280_takes_none_with_it(measured: Any):
    bad = {
        17: ("count_if(nothing < 0)", "engine.cannot-bind"),
        100: ("sum(CAST(k AS INTEGER))", "engine.cannot-run"),
        200: ("max(k + 1)", "engine.cannot-run"),
        279: ("count_if(", "engine.cannot-bind"),
    }
    asked = [
        Metric(f"m{n}", bad[n][0] if n in bad else f"count_if(v < {n} AND n <> {n})")
        for n in range(280)
    ]
    found = values(measured.measure("t", asked))
    for n in range(280):
        if n in bad:
            assert found[f"m{n}"] in ("engine.cannot-bind", "engine.cannot-run"), n
        else:
            assert isinstance(found[f"m{n}"], int), n


@pytest.mark.parametrize(
    ("expression", "scan"),
    [
        ("SELECT n FROM t", Scan.QUERY),
        ("SELECT n, k FROM t LIMIT 1", Scan.QUERY),
        ("SELECT n FROM t WHERE FALSE", Scan.QUERY),
    ],
)
def test_a_query_that_is_not_one_value_says_so(measured: Any, expression: str, scan: Scan):
    assert values(measured.measure("t", [Metric("m", expression, scan)])) == {
        "m": "engine.not-one-value"
    }


def test_rows_of_a_key_with_a_gap_count_as_their_own(engine: Any):
    engine.bind_rows(
        "t",
        [Column("a", "VARCHAR"), Column("b", "VARCHAR")],
        [["1", "x"], ["1", "x"], ["1", "x"], ["1", None], ["1", ""], ["2", "x"]],
    )
    assert values(engine.measure("t", [Metric("m", "a, b", Scan.UNIQUE)])) == {"m": 2}


def test_a_sample_is_a_fixed_share_of_a_large_table(engine: Any, inbox: Path):
    count = ROW_GROUP_ROWS * 45
    many(inbox / "a.csv", count)
    collect(engine, inbox / "a.csv", MANY)
    asked = [
        Metric("sampled", "count(*)", Scan.SAMPLE),
        Metric("last", "max(n)", Scan.SAMPLE),
        Metric("all", "count(*)"),
    ]
    found = values(engine.measure("t", asked))
    every = -(-3 * ROW_GROUP_ROWS // SAMPLED_ROWS)
    assert found["sampled"] == 3 * ROW_GROUP_ROWS // every <= SAMPLED_ROWS
    assert found["last"] == (2 * SAMPLED_GROUPS + 1) * ROW_GROUP_ROWS - every
    assert found["all"] == count


def test_binding_again_replaces(engine: Any, inbox: Path):
    for text in ("1", "2"):
        (inbox / "a.csv").write_text(f"a\n{text}\n")
        collect(engine, inbox / "a.csv")
        assert rows(engine) == [(text,)]
    engine.bind_rows("t", [Column("b", "VARCHAR")], [["3"]])
    assert rows(engine) == [("3",)]


def test_more_rows_than_asked_for_are_refused(measured: Any):
    with pytest.raises(Invalid) as refused:
        measured.query("SELECT * FROM t", rows_max=3)
    assert refused.value.code == "engine.too-many-rows"
    assert len(measured.query("SELECT * FROM t", rows_max=4)) == 4


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sanhua.engine.duck.QUERY_TIMEOUT_S", 1)
    engine = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path)
    engine.bind_rows("t", [Column("a", "VARCHAR")], [[str(n)] for n in range(300)])
    with pytest.raises(Unavailable) as refused:
        engine.query("SELECT count(*) FROM t a, t b, t c, t d WHERE a.a || b.a || c.a || d.a = 'x'")
    assert refused.value.code == "engine.out-of-time"
    assert engine.query("SELECT count(*) FROM t") == [(300,)]
    engine.close()


# The lock: even SQL that got past the allow-list reads the lake and nothing else

ESCAPES = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_blob('{outside}')",
    "SELECT * FROM '{outside}'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_parquet('{outside}')",
    "SELECT * FROM read_csv('https://example.com/x.csv')",
    "COPY (SELECT 1) TO '{outside}'",
    "COPY (SELECT 1) TO '{outside}.parquet' (FORMAT parquet)",
    "ATTACH '{outside}.db' AS x",
    "EXPORT DATABASE '{outside}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "SET max_execution_time = 0",
    "RESET enable_external_access",
    "PRAGMA enable_profiling",
    "SELECT getenv('HOME')",
    "CREATE SECRET s (TYPE s3)",
    "FORCE CHECKPOINT",
]


@pytest.mark.parametrize("escape", ESCAPES)
def test_the_connection_is_locked(engine: Any, tmp_path: Path, escape: str):
    outside = tmp_path / "outside.csv"
    outside.write_text("secret\nsecret\n")
    before = sorted(os.listdir(tmp_path))
    text = escape.format(outside=outside)
    if "secret" not in text and text.startswith(("FORCE", "PRAGMA")):
        with pytest.raises((SanhuaError, AssertionError)):
            assert engine.query(text) == "refused"
    else:
        with pytest.raises(SanhuaError):
            engine.query(text)
    assert sorted(os.listdir(tmp_path)) == before
    assert outside.read_text() == "secret\nsecret\n"


# The lake


def snapshot(engine: Any, inbox: Path) -> tuple[Lake, Manifest]:
    (inbox / "a.csv").write_text("a,b\n1,x\nno,y\n")
    manifest = collect(
        engine, inbox / "a.csv", [RawColumn("a", "BIGINT"), RawColumn("b", "VARCHAR")]
    )
    return engine.lake, manifest


def test_a_snapshot_is_found_by_its_id(engine: Any, inbox: Path):
    lake, manifest = snapshot(engine, inbox)
    assert lake.load("raw", "t", manifest.id) == manifest
    assert lake.verify(manifest) == []


@pytest.mark.parametrize("name", ["part-0.parquet", "rejects-0.parquet", MANIFEST])
def test_any_changed_byte_of_a_snapshot_is_found(engine: Any, inbox: Path, name: str):
    lake, manifest = snapshot(engine, inbox)
    path = lake.path(manifest) / name
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert lake.verify(manifest), (name, at)
        if name == MANIFEST:
            with pytest.raises(Broken):
                lake.load("raw", "t", manifest.id)
    path.write_bytes(whole)
    assert lake.verify(manifest) == []


def test_a_missing_and_an_added_file_are_found(engine: Any, inbox: Path):
    lake, manifest = snapshot(engine, inbox)
    (lake.path(manifest) / "more.parquet").write_bytes(b"x")
    assert lake.verify(manifest) == [
        f"raw/t/{manifest.id.removeprefix('sha256:')}/more.parquet: not in the manifest"
    ]
    (lake.path(manifest) / "more.parquet").unlink()
    (lake.path(manifest) / "part-0.parquet").unlink()
    assert any("missing" in fault for fault in lake.verify(manifest))
    with pytest.raises(Broken):
        lake.load("raw", "t", "sha256:" + "0" * 64)


def test_a_damaged_snapshot_is_made_whole_by_collecting_again(engine: Any, inbox: Path):
    lake, manifest = snapshot(engine, inbox)
    (lake.path(manifest) / "part-0.parquet").write_bytes(b"broken")
    _, again = snapshot(engine, inbox)
    assert again.id == manifest.id
    assert lake.verify(manifest) == []


def test_what_a_killed_process_left_is_cleared_and_a_living_one_is_left_alone(tmp_path: Path):
    """Whether in the lake or in the scratch of an engine that was killed with `kill -9`."""
    code = (
        "import os, sys; from pathlib import Path; from sanhua.engine.lake import Lake;"
        "from sanhua.engine.duck import DuckEngine; root = Path(sys.argv[1]);"
        "engine = DuckEngine(Lake(root / 'lake'), temp=root / 'tmp');"
        "held = engine.lake.writing(); folder = held.__enter__();"
        "(folder / 'part-0.parquet').write_bytes(b'half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)])
    (dead,) = (tmp_path / "lake").glob(".tmp-*")
    (scratch,) = (tmp_path / "tmp").glob(".tmp-*")
    first = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path / "tmp")
    with first.lake.writing() as alive:
        second = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path / "tmp")
        assert len(list((tmp_path / "tmp").iterdir())) == 2
        assert (dead.exists(), scratch.exists(), alive.exists()) == (False, False, True)
    first.close()
    second.close()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_another_machine_s_unfinished_folder_goes_only_when_it_is_old(tmp_path: Path):
    """On a shared lake its process number means nothing here."""
    lake = Lake(tmp_path / "lake")
    fresh = lake.root / ".tmp-0123456789ab-999999999-x"
    old = lake.root / ".tmp-0123456789ab-1-x"
    for folder, age_s in ((fresh, 0), (old, (UNFINISHED_DAYS_MAX + 1) * 86400)):
        folder.mkdir()
        (folder / "part-0.parquet").write_bytes(b"half")
        for path in (folder / "part-0.parquet", folder):
            os.utime(path, (time.time() - age_s,) * 2)
    Lake(tmp_path / "lake")
    assert (fresh.exists(), old.exists()) == (True, False)


def test_a_full_disk_says_so_and_leaves_nothing(
    engine: Any, inbox: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    (inbox / "a.csv").write_text("a\n1\n")
    monkeypatch.setattr("sanhua.engine.lake._sync", full)
    with pytest.raises(Unavailable) as refused:
        collect(engine, inbox / "a.csv")
    assert refused.value.code == "lake.disk-full"
    assert [p for p in engine.lake.root.rglob("*") if p.is_file()] == []


def test_a_file_name_is_text_to_the_engine(engine: Any, tmp_path: Path):
    folder = tmp_path / "o'brien [1] *"
    folder.mkdir()
    path = folder / "a'; DROP TABLE t; --{x}.csv"
    path.write_text("a\n1\n")
    collect(engine, path)
    assert rows(engine) == [("1",)]
