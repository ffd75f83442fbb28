"""Raw files of every format but CSV: what stands in them comes out, and what cannot is told."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.engine.read import parts_of
from sanhua.engine.read import records as records_module
from sanhua.kernel.errors import Diagnostic, Invalid, NotFound
from sanhua.kernel.table import Manifest, RawColumn, Reading


class Raw:
    """An engine, a folder to put files in and what reading one gave."""

    def __init__(self, folder: Path) -> None:
        self.inbox = folder / "in"
        self.inbox.mkdir()
        self.engine = DuckEngine(Lake(folder / "lake"), temp=folder)
        self.told: list[Diagnostic] = []

    def read(
        self, name: str, typed: list[RawColumn] | None = None, /, **reading: Any
    ) -> list[tuple[Any, ...]]:
        self.told.clear()
        path = self.inbox / name.partition("!")[0]
        self.manifest: Manifest = self.engine.collect(
            "t", [path], Reading(**reading), typed,
            inputs=["sha256:0"], step="sha256:1", names=[name], tell=self.told.append,
        )  # fmt: skip
        self.engine.bind(self.manifest)
        return self.engine.query("SELECT * FROM t")

    @property
    def headings(self) -> list[str]:
        return [column.name for column in self.manifest.columns]

    @property
    def notes(self) -> list[str]:
        return [told.code for told in self.told]

    @property
    def rejects(self) -> list[tuple[int, str, str]]:
        """Line, first reason and row."""
        folder = self.engine.lake.path(self.manifest)
        found = (pq.read_table(folder / one.path).to_pylist() for one in self.manifest.rejects)
        return [(row["line"], row["reasons"][0], row["row"]) for rows in found for row in rows]

    def refused(self, name: str, **reading: Any) -> str:
        with pytest.raises((Invalid, NotFound)) as caught:
            self.read(name, **reading)
        assert caught.value.diagnostic.facts["file"]
        return caught.value.code


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Raw]:
    made = Raw(tmp_path)
    yield made
    made.engine.close()


# Sheets


def book(path: Path, *rows: list[Any], merge: tuple[str, ...] = (), **sheets: list[list[Any]]):
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for area in merge:
        sheet.merge_cells(area)
    for title, others in sheets.items():
        other = made.create_sheet(title)
        for row in others:
            other.append(row)
    made.save(path)


def test_titles_above_the_headings_are_told_with_their_text(raw: Raw):
    book(raw.inbox / "a.xlsx", ["某市用电量统计表", None, None], ["单位：万千瓦时", None, None],
         ["地区", "月份", "电量"], ["东区", "1月", 1.5], ["西区", "1月", 2],
         merge=("A1:C1",))  # fmt: skip
    assert raw.read("a.xlsx") == [("东区", "1月", "1.5"), ("西区", "1月", "2")]
    assert raw.headings == ["地区", "月份", "电量"]
    (told,) = raw.told
    assert told.code == "collect.title-rows"
    assert told.facts["rows"] == 2
    assert told.facts["text"] == "某市用电量统计表 / 单位：万千瓦时"


def test_headings_of_several_rows_are_joined_upper_to_lower(raw: Raw):
    rows: list[list[Any]] = [
        ["表一", None, None, None, None],
        ["地区", "2024年", None, "2025年", None],
        [None, "上半年", "下半年", "上半年", "下半年"],
        ["东区", 1, 2, 3, 4],
    ]
    book(raw.inbox / "a.xlsx", *rows, merge=("A1:E1", "A2:A3", "B2:C2", "D2:E2"))
    assert raw.read("a.xlsx") == [("东区", "1", "2", "3", "4")]
    assert raw.headings == [
        "地区", "2024年/上半年", "2024年/下半年", "2025年/上半年", "2025年/下半年",
    ]  # fmt: skip
    assert raw.notes == ["collect.title-rows", "collect.headings-joined"]
    # Without merged cells it must be said; a heading stands for the blanks right of it.
    book(raw.inbox / "b.xlsx", *rows[1:])
    raw.read("b.xlsx", header=2)
    assert raw.headings[2:] == ["2024年/下半年", "2025年/上半年", "2025年/下半年"]


def test_cells_merged_down_have_the_value_of_the_first_and_that_is_told(raw: Raw):
    book(raw.inbox / "a.xlsx", ["区", "表", "值"], ["东", "a", 1], [None, "b", 2],
         ["西", "c", 3], merge=("A2:A3",))  # fmt: skip
    assert raw.read("a.xlsx") == [("东", "a", "1"), ("东", "b", "2"), ("西", "c", "3")]
    assert [(told.code, told.facts["cells"]) for told in raw.told] == [("collect.merged-filled", 1)]


def test_a_sheet_is_named_after_the_file_and_sheets_unread_are_told(raw: Raw):
    book(raw.inbox / "a.xlsx", ["a"], [1], 二月=[["b"], [2]], 空=[])
    assert raw.read("a.xlsx!二月") == [("2",)] and raw.notes == []
    assert raw.read("a.xlsx") == [("1",)] and raw.notes == ["collect.sheets-unread"]
    assert raw.refused("a.xlsx!三月") == "collect.no-sheet"
    with zipfile.ZipFile(raw.inbox / "a.zip", "w") as archive:
        archive.write(raw.inbox / "a.xlsx", "in/a.xlsx")
    assert raw.read("a.zip!in/a.xlsx!二月") == [("2",)]


def test_an_empty_first_sheet_is_passed_over(raw: Raw):
    book(raw.inbox / "a.xlsx", 数据=[["b"], [2]])
    assert raw.read("a.xlsx") == [("2",)]


def test_error_cells_reject_their_rows_and_keep_line_and_reason(raw: Raw):
    book(raw.inbox / "a.xlsx", ["a", "b"], [1, "=1/0"], [2, "#N/A"], [3, "x"])
    assert raw.read("a.xlsx") == [("3", "x")]
    assert [(line, reason) for line, reason, _ in raw.rejects] == [
        (2, "b: '=1/0' is a formula without a stored value"),
        (3, "b: '#N/A' is an error value"),
    ]


def test_dates_times_and_durations_are_read_by_their_format(raw: Raw):
    moment = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001 - cells have no zone
    book(raw.inbox / "a.xlsx", ["d", "t", "s"],
         [date(2026, 3, 4), moment, timedelta(hours=26, minutes=3)])  # fmt: skip
    assert raw.read("a.xlsx") == [("2026-03-04", "2026-03-04 05:06:07", "26:03:00")]


def test_a_column_wider_than_the_headings_is_a_column_too(raw: Raw):
    book(raw.inbox / "a.xlsx", ["a", "b"], [1, 2, None, "more"])
    assert raw.read("a.xlsx") == [("1", "2", "more")]
    assert raw.headings == ["a", "b", "column4"]


def test_a_workbook_of_too_many_columns_or_rows_is_refused_with_a_code(raw: Raw):
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active["A1"], made.active["XFD1048576"] = "a", 1
    made.save(raw.inbox / "far.xlsx")  # two cells, 17,179,869,184 apart
    assert raw.read("far.xlsx") == [(None, "1")]
    assert raw.headings == ["a", "column16384"]
    ods(raw.inbox / "wide.ods", '<table:table-row><table:table-cell office:value-type="string" '
        'table:number-columns-repeated="9000"><text:p>x</text:p></table:table-cell>'
        "</table:table-row>")  # fmt: skip
    assert raw.refused("wide.ods") == "collect.duplicate-heading"
    assert raw.refused("wide.ods", header=False) == "collect.too-many-columns"
    cell = '<table:table-cell office:value-type="float" office:value="1"/>'
    ods(raw.inbox / "tall.ods", f'<table:table-row table:number-rows-repeated="9999999">{cell}'
        "</table:table-row>")  # fmt: skip
    assert raw.refused("tall.ods") == "collect.broken-archive"


def ods(path: Path, rows: str) -> None:
    namespaces = " ".join(
        f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"'
        for one in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {namespaces} xmlns:calcext="c">'
        f'<office:body><office:spreadsheet><table:table table:name="一">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)


def test_an_ods_cell_is_its_value_its_error_or_its_formula(raw: Raw):
    def cell(kind: str, more: str = "", text: str = "") -> str:
        inside = f"<text:p>{text}</text:p></table:table-cell>"
        return f'<table:table-cell office:value-type="{kind}" {more}>{inside}'

    head = "".join(cell("string", "", f"c{n}") for n in range(6))
    values = (
        cell("float", 'office:value="0.1"', "0,1")
        + cell("date", 'office:date-value="2026-01-02T00:00:00"')
        + cell("time", 'office:time-value="PT26H03M00S"')
        + cell("boolean", 'office:boolean-value="true"')
        + '<table:table-cell office:value-type="string"><office:annotation><text:p>note</text:p>'
        "</office:annotation><text:p>two</text:p><text:p>li<text:s/>nes</text:p></table:table-cell>"
    )
    error = cell("string", 'calcext:value-type="error"', "#N/A")
    formula = '<table:table-cell table:formula="of:=[.A2]"/>'
    ods(raw.inbox / "a.ods", "".join(
        f"<table:table-row>{row}</table:table-row>"
        for row in (head, values, error, values + formula)))  # fmt: skip
    assert raw.read("a.ods") == [("0.1", "2026-01-02", "26:03:00", "true", "two\nli nes", None)]
    assert [(line, reason) for line, reason, _ in raw.rejects] == [
        (3, "c0: '#N/A' is an error value"),
        (4, "c5: '=[.A2]' is a formula without a stored value"),
    ]


def test_a_document_type_in_a_workbook_is_refused(raw: Raw):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><x>&a;</x>'
    with zipfile.ZipFile(raw.inbox / "a.ods", "w") as archive:
        archive.writestr("content.xml", bomb)
    assert raw.refused("a.ods") == "collect.broken-archive"


FIXTURES: dict[str, list[tuple[str | None, ...]]] = {
    "table.xls": [("1", "english"), ("2", "中国人")],
    "table.xlsx": [("1", "english"), ("2", "中国人")],
    "table.ods": [("1", "english"), ("2", "中国人")],
    "sheet2.xls": [("1", "english"), ("2", "中国人")],
    "sheet2.xlsx": [("1", "english"), ("2", "中国人")],
    "table-with-booleans.xls": [("1", "true"), ("2", "false")],
    "table-with-booleans.ods": [("1", "true"), ("2", "false")],
    "table-with-ints-floats-dates.xls": [
        ("2013", "3.3", "2009-08-16"), ("1997", "5.6", "2009-09-20"),
        ("1969", "11.7", "2012-08-23"),
    ],
    "table-with-ints-floats-dates.ods": [
        ("2013", "3.3", "2009-08-16", "2009-08-16 05:43:21"),
        ("1997", "5.6", "2009-09-20", "2009-09-20 15:30:00"),
        ("1969", "11.7", "2012-08-23", "2012-08-23 20:40:59"),
    ],
    "cast-int-to-string-issue-1251.xls": [("001", "b", "1", "a", "1"), ("002", "c", "1", "1", "1")],
    "skip-rows.xlsx": [("8", "9"), (None, "TOTAL")],
    "table.csv.zip": [("1", "english"), ("2", "中国人")],
}  # fmt: skip


@pytest.mark.parametrize("name", FIXTURES)
def test_real_files_of_several_writers(raw: Raw, find_data: Callable[[str], Path], name: str):
    """frictionless 5.21.0, data/: read as its tests expect; dates as ISO text."""
    source = find_data("csv_suites") / "frictionless_fixtures" / name
    (raw.inbox / name).write_bytes(source.read_bytes())
    assert raw.read(name) == FIXTURES[name]


# JSON


def test_records_are_found_below_a_path_through_lists(raw: Raw):
    pages = [{"rows": [{"v": 1}, {"v": 2}]}, {"rows": []}, {"rows": [{"v": 3, "w": {"x": [1]}}]}]
    document = {"code": 0, "page": {"a.b": [*pages, {"no": 1}]}}
    (raw.inbox / "a.json").write_text(json.dumps(document))
    found = raw.read("a.json", records="$.page['a.b'][*].rows")
    assert found == [("1", None), ("2", None), ("3", '{"x": [1]}')]
    assert [reason for _, reason, _ in raw.rejects] == [
        "'rows' is the key of records that this item does not have"
    ]
    assert raw.refused("a.json", records="$.page[*]") == "collect.no-records"
    assert raw.refused("a.json", records="$.page[0].x") == "collect.no-records"
    assert raw.refused("a.json", records="$.pages") == "collect.no-records"


@pytest.mark.parametrize("size", [1, 7, 64])
def test_json_is_the_same_however_it_is_cut_into_pieces(
    raw: Raw, monkeypatch: pytest.MonkeyPatch, size: int
):
    monkeypatch.setattr(records_module, "CHUNK_CHARS", size)
    records = [{"a": n * 11, "b": '引"号\\' * n, "c": [n, {"d": None}]} for n in range(30)]
    text = json.dumps({"n": 12345, "skip": [1, "x", {}], "data": records, "z": 0}, indent=1)
    (raw.inbox / "a.json").write_text(text)
    found = raw.read("a.json", records="$.data")
    assert found == [
        (str(r["a"]), r["b"] or None, json.dumps(r["c"], ensure_ascii=False)) for r in records
    ]
    (raw.inbox / "b.json").write_text(text.replace('"z": 0', '"z": 0,'))
    with pytest.raises(Invalid) as caught:
        raw.read("b.json", records="$.data")
    lines = text.count("\n") + 1
    assert (caught.value.code, caught.value.diagnostic.line) == ("collect.bad-json", lines)


def test_a_bad_line_of_ndjson_is_a_reject_and_the_rest_is_read(raw: Raw):
    lines = ['{"a": 1}', "", '{"a": 2', "no", '{"b": "x"}', "[" * 100_000]
    (raw.inbox / "a.ndjson").write_text("\n".join(lines))
    assert raw.read("a.ndjson") == [("1", None), (None, "x")]
    assert [(line, reason) for line, reason, _ in raw.rejects] == [
        (3, "is not JSON: Expecting ',' delimiter (column 8)"),
        (4, "is not JSON: Expecting value (column 1)"),
        (6, "is not JSON: nested too deeply"),
    ]
    assert [row for _, _, row in raw.rejects][:2] == ['{"a": 2', "no"]


def test_many_records_need_little_memory_and_keep_order_and_late_columns(
    raw: Raw, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sanhua.engine.read.raw.BATCH_ROWS", 100)
    with (raw.inbox / "a.ndjson").open("w") as file:
        for n in range(1000):
            file.write(json.dumps({"n": n} | ({f"k{n // 300}": "x"} if n % 300 == 7 else {})))
            file.write("\n" if n != 500 else "\n{\n")
    found = raw.read("a.ndjson")
    assert [int(row[0]) for row in found] == list(range(1000))
    assert raw.headings == ["n", "k0", "k1", "k2", "k3"]
    assert [row[4] for row in found if row[4]] == ["x"]
    assert [line for line, _, _ in raw.rejects] == [502]
    typed = raw.read("a.ndjson", [RawColumn("late", "VARCHAR", "k3")])
    assert len(typed) == 1000


def test_keys_without_end_are_refused(raw: Raw):
    (raw.inbox / "a.ndjson").write_text("\n".join(f'{{"k{n}": 1}}' for n in range(5000)))
    assert raw.refused("a.ndjson") == "collect.too-many-columns"


# Parquet


def test_nested_decimal_and_zoned_values_of_parquet_are_exact(raw: Raw):
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    table = pa.table({
        "d": pa.array([Decimal("12345678901234567890.123456789"), None], pa.decimal128(38, 9)),
        "t": pa.array([at, None], pa.timestamp("us", "Asia/Shanghai")),
        "n": pa.array([1767322845678901234, None], pa.timestamp("ns")),
        "s": pa.array([{"a": Decimal("0.10"), "b": ["x", None]}, None],
                      pa.struct([("a", pa.decimal128(20, 2)), ("b", pa.list_(pa.string()))])),
        "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "f": pa.array([0.1, 1e300], pa.float64()),
    })  # fmt: skip
    pq.write_table(table, raw.inbox / "a.parquet", row_group_size=1)
    first, second = raw.read("a.parquet")
    assert first == (
        "12345678901234567890.123456789", "2026-01-02 03:04:05.678901+00",
        "2026-01-02 03:00:45.678901234", '{"a":0.10,"b":["x",null]}', '{"k":1}', "0.1",
    )  # fmt: skip
    assert second == (None, None, None, None, None, "1e+300")


def test_row_groups_keep_their_order(raw: Raw):
    pq.write_table(pa.table({"n": list(range(5000))}), raw.inbox / "a.parquet", row_group_size=100)
    assert [int(row[0]) for row in raw.read("a.parquet")] == list(range(5000))


def test_rows_without_end_in_a_small_parquet_are_refused(raw: Raw, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sanhua.engine.staging.PARQUET_VALUES_FROM", 1 << 20)
    monkeypatch.setattr("sanhua.engine.staging.PARQUET_VALUES_A_BYTE_MAX", 100)
    column = pa.array([7], pa.int8()).take(pa.array([0] * (2 << 20)))
    pq.write_table(pa.table({"a": column}), raw.inbox / "a.parquet", row_group_size=2 << 20)
    assert (raw.inbox / "a.parquet").stat().st_size < 20_000
    assert raw.refused("a.parquet") == "collect.unpacks-too-large"


def test_a_long_page_in_a_small_parquet_is_refused(raw: Raw, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sanhua.engine.read.archive.EXPANSION_FROM_BYTES", 4 << 20)
    table = pa.table({"a": ["x" * (8 << 20)]})
    pq.write_table(table, raw.inbox / "a.parquet", compression="zstd", use_dictionary=False)
    assert raw.refused("a.parquet") == "collect.unpacks-too-large"


# Fixed width


def test_fixed_width_fields_by_width_or_by_place(raw: Raw):
    (raw.inbox / "a.txt").write_text("P1  东区 0012.50\nP2  西  0003.00\n", "utf-8")
    wanted = [("P1", "东区", "0012.50"), ("P2", "西", "0003.00")]
    assert raw.read("a.txt", format="fixed", widths=(4, 3, 7), header=False) == wanted
    assert raw.headings == ["column1", "column2", "column3"]
    places = {"code": "1-4", "kwh": "8-14", "first": "1"}
    assert raw.read("a.txt", format="fixed", columns=places)[0] == ("P1", "0012.50", "P")
    assert raw.headings == ["code", "kwh", "first"]


def test_fixed_width_in_bytes_of_gb18030(raw: Raw):
    """A hanzi takes two places, as in the files of banks and mainframes."""
    lines = "CODENAME  AMOUNT \r\nP1  东区  0012.50\r\nP2  西    0003.00\r\n"
    (raw.inbox / "a.dat").write_bytes(lines.encode("gb18030"))
    form = {"format": "fixed", "widths": (4, 6, 7), "positions": "bytes", "encoding": "gb18030"}
    assert raw.read("a.dat", **form) == [("P1", "东区", "0012.50"), ("P2", "西", "0003.00")]
    assert raw.headings == ["CODE", "NAME", "AMOUNT"]
    assert raw.refused("a.dat", **form | {"encoding": ""}) == "collect.no-encoding"


def test_lines_shorter_or_longer_than_their_fields_are_rejects(raw: Raw):
    (raw.inbox / "a.txt").write_text("aabbb\n1122\n\n1122233\n11222\n")
    assert raw.read("a.txt", format="fixed", widths=(2, 3)) == [("11", "222")]
    assert raw.rejects == [
        (2, "is shorter than 5: 4", "1122"),
        (4, "is longer than 5: 7", "1122233"),
    ]
    assert raw.refused("a.txt", format="fixed") == "collect.no-widths"


# Archives


def zipped(path: Path, members: dict[str, bytes], **more: Any) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_file_alone_in_its_archive_need_not_be_named(raw: Raw):
    zipped(raw.inbox / "a.zip", {"x/a.csv": b"a\n1\n", "__MACOSX/x/._a.csv": b"\0"})
    assert raw.read("a.zip") == [("1",)]
    zipped(raw.inbox / "b.zip", {"a.csv": b"a\n1\n", "b.csv": b"a\n2\n"})
    assert raw.refused("b.zip") == "collect.which-member"
    assert parts_of(raw.inbox / "b.zip", "b.zip!*.csv") == ["b.zip!a.csv", "b.zip!b.csv"]
    assert raw.read("b.zip!?.csv") == [("1",), ("2",)]
    assert raw.refused("b.zip!*.txt") == "collect.no-member"


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.xz", "tgz"])
def test_a_member_of_a_tar(raw: Raw, form: str):
    mode = {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz", "tgz": "w:gz"}[form]
    with tarfile.open(raw.inbox / f"a.{form}", mode) as archive:
        for name in ("x/a.csv", "b.csv"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"a\n1\n"))
        link = tarfile.TarInfo("link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert raw.read(f"a.{form}!x/a.csv") == [("1",)]
    assert raw.refused(f"a.{form}!link.csv") == "collect.unsafe-member"


@pytest.mark.parametrize("pack", ["gz", "bz2", "xz"])
def test_packed_files(raw: Raw, pack: str):
    import bz2
    import gzip
    import lzma

    module = {"gz": gzip, "bz2": bz2, "xz": lzma}[pack]
    (raw.inbox / f"a.csv.{pack}").write_bytes(module.compress("户号\n一\n".encode("gb18030")))
    assert raw.read(f"a.csv.{pack}") == [("一",)]
    (raw.inbox / f"b.csv.{pack}").write_bytes(b"a\n1\n")
    assert raw.refused(f"b.csv.{pack}") == "collect.broken-archive"


def test_members_that_leave_the_archive_link_or_hide_are_refused(raw: Raw, tmp_path: Path):
    path = raw.inbox / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "in.zip", "ok.csv"):
            archive.writestr(name, "a\n1\n")
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("ok.csv", "a\n2\n")
    for member in ("../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "link.csv", "ok.csv"):
        assert raw.refused(f"a.zip!{member}", format="csv") == "collect.unsafe-member", member
    assert raw.refused("a.zip!in.zip") == "collect.nested-archive"
    assert raw.refused("a.zip!/etc/passwd", format="csv") == "collect.no-member"
    assert not list(tmp_path.rglob("evil.csv"))


def test_an_encrypted_member_is_refused(raw: Raw):
    zipped(raw.inbox / "a.zip", {"a.csv": b"a\n1\n"})
    data = bytearray((raw.inbox / "a.zip").read_bytes())
    data[6] |= 1  # bit 0 of the flags: in the local header …
    data[data.index(b"PK\x01\x02") + 8] |= 1  # … and in the directory
    (raw.inbox / "a.zip").write_bytes(data)
    assert raw.refused("a.zip!a.csv") == "collect.encrypted"


def test_names_that_chinese_windows_wrote_are_read(raw: Raw):
    zipped(raw.inbox / "a.zip", {"xx.csv": b"a\n1\n"})
    data = (raw.inbox / "a.zip").read_bytes().replace(b"xx.csv", "站.csv".encode("gb18030"))
    (raw.inbox / "a.zip").write_bytes(data)
    assert raw.read("a.zip!站.csv") == [("1",)]
