"""Reading: every scalar stays the text that was written, and what is refused is told at its line."""

# ruff: noqa: E501 - files are quoted as people write them

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from sanhua.project.books import VOUCHER_COLUMNS
from sanhua.project.loading import PARTY_COLUMNS
from sanhua.project.read import Columns, Folder, Keys, Rows, beancount, ordinary, plain


def composed(text: str, root: Path = Path()) -> tuple[object, list[tuple[str, int, int]]]:
    folder = Folder(root, {})
    node = folder.compose(text, "a.yaml")
    return None if node is None else plain(node), [(d.code, d.line, d.column) for d in folder.found]


@pytest.mark.parametrize(
    "written",
    [
        "010",
        "no",
        "12:30",
        "yes",
        "1e3",
        "2000.00",
        "0x1F",
        "2026-01-31",
        "true",
        "~",
        "null",
        ".5",
        "1_000",
        "NO",
    ],
)
def test_every_scalar_stays_text(written: str):
    assert composed(f"a: {written}\nb: [{written}]\n") == ({"a": written, "b": [written]}, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: &x [1]\nb: 2\n", ("format.anchor", 1, 4)),
        ("a: 1\nb: *x\n", ("format.alias", 2, 4)),
        ("a: 1\nb: !!int 3\n", ("format.tag", 2, 4)),
        ("a: !x {b: 1}\n", ("format.tag", 1, 4)),
        ("a:\n  <<: {b: 1}\n", ("format.merge-key", 2, 3)),
        ("a: 1\n---\nb: 2\n", ("format.second-document", 2, 1)),
        ("a: 1\nb: 2\na: 3\n", ("format.duplicate-key", 3, 1)),
        ("a:\n\tb: 1\n", ("format.tab", 2, 1)),
        ("a: [1, 2\nb: 3\n", ("format.yaml", 2, 2)),
        ("{a: 1}: b\n", ("format.complex-key", 1, 1)),
        ("", ("format.empty-file", 1, 0)),
        ("a: " + "[" * 60 + "]" * 60, ("format.too-deep", 1, 51)),
    ],
)
def test_what_yaml_hides_is_refused_at_its_place(text: str, found: tuple[str, int, int]):
    assert found in composed(text)[1]


def test_a_yaml_bomb_stops_at_its_first_alias():
    """Nine levels of nine aliases would be 387,420,489 values."""
    levels = ["a0: &a0 [x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
    ]
    value, found = composed("\n".join(levels))
    assert value is None
    assert ("format.alias", 2, 10) in found


def test_a_duplicate_key_keeps_the_first_value():
    assert composed("a: 1\na: 2\n")[0] == {"a": "1"}


def test_bytes_that_are_not_utf8_are_told_at_their_line(tmp_path: Path):
    (tmp_path / "a.yaml").write_bytes("a: 1\nb: 钢".encode("gb18030"))
    folder = Folder(tmp_path, {})
    assert folder.yaml("a.yaml") is None
    assert [(d.code, d.line) for d in folder.found] == [("format.not-utf8", 2)]


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    folder = Folder(tmp_path, {})
    node = folder.yaml("a.yaml")
    assert node is not None and plain(node) == {"a": "1", "b": "2"}
    assert folder.found == []


def test_text_that_is_shown_in_another_order_than_written_is_refused(tmp_path: Path):
    """A name with U+202E turns the year behind it around: 2025 is read as 5202."""
    (tmp_path / "raw.yaml").write_text("a: 1\nb: x\u202ey\n", encoding="utf-8")
    (tmp_path / "escape.yaml").write_text('a: "x\\u202ey"\n', encoding="utf-8")
    (tmp_path / "table.csv").write_text("a,b\n1,x\u2067y\n", encoding="utf-8")
    (tmp_path / "plain.yaml").write_text("a: 👩\u200d👩 שלום\n", encoding="utf-8")
    (tmp_path / "closed.yaml").write_text("a: \u202eمرحبا\u202c\n", encoding="utf-8")
    folder = Folder(tmp_path, {})
    for name in ("raw.yaml", "escape.yaml", "plain.yaml", "closed.yaml"):
        folder.yaml(name)
    folder.csv("table.csv", Columns({"a": "a", "b": "b"}))
    told = [(d.code, d.path, d.line, d.facts["value"]) for d in folder.found]
    assert told == [
        ("format.reorders", "raw.yaml", 2, "U+202E"),
        ("format.reorders", "escape.yaml", 1, "U+202E"),
        ("format.reorders", "table.csv", 2, "U+2067"),
    ]


def test_nul_and_oversize_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "nul.yaml").write_bytes(b"a: 1\nb: \0\n")
    (tmp_path / "big.yaml").write_bytes(b"a: " + b"x" * 100)
    monkeypatch.setattr("sanhua.project.read.FILE_BYTES_MAX", 50)
    folder = Folder(tmp_path, {})
    assert folder.yaml("nul.yaml") is None and folder.yaml("big.yaml") is None
    assert [(d.code, d.line) for d in folder.found] == [("format.nul", 2), ("format.too-large", 0)]


def test_ordinary_yaml_keeps_as_text_what_readers_disagree_on():
    node = Folder(Path(), {}).compose(
        "{a: 0301, b: 12:30, c: no, d: true, e: 5, f: 0.5, g: '5', h: }", "a.odcs.yaml"
    )
    assert node is not None
    assert ordinary(node) == {
        "a": "0301",
        "b": "12:30",
        "c": "no",
        "d": True,
        "e": 5,
        "f": 0.5,
        "g": "5",
        "h": None,
    }


ids = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        ids,
        st.one_of(ids, st.lists(ids, max_size=4), st.dictionaries(ids, ids, max_size=4)),
        min_size=1,
    )
)
def test_any_mapping_of_ids_survives_as_text(value: dict[str, object]):
    """`no`, `on`, `null`, `y`, `e1` are ids too; a writer quotes what it thinks is no text, the reader keeps the text."""
    assert composed(yaml.safe_dump(value, sort_keys=False)) == (value, [])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(ids, ids, min_size=1))
def test_any_unquoted_mapping_of_ids_survives_as_text(value: dict[str, str]):
    text = "".join(f"{key}: {word}\n" for key, word in value.items())
    assert composed(text) == (value, [])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text: str):
    folder = Folder(Path(), {})
    node = folder.compose(text.replace("\0", ""), "a.yaml")
    assert node is not None or folder.found


# Tables


def sheet(
    root: Path,
    rows: list[list[object]],
    name: str = "a.xlsx",
    formats: dict[str, str] | None = None,
) -> None:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for cell, form in (formats or {}).items():
        book.active[cell].number_format = form
    book.save(root / name)


def excel(root: Path, columns=VOUCHER_COLUMNS) -> tuple[Rows | None, list[tuple[str, int, int]]]:
    folder = Folder(root, {})
    rows = folder.excel("a.xlsx", columns)
    return rows, [(d.code, d.line, d.column) for d in folder.found]


HEADINGS = ["凭证号", "日期", "摘要", "科目编码", "借方金额", "贷方金额"]


def test_excel_refuses_a_number_where_a_code_stands(tmp_path: Path):
    """5301.10 as a number would become 5301.1."""
    sheet(tmp_path, [HEADINGS, ["记-1", "2024-01-31", "x", 5301.10, 10, None]])
    rows, found = excel(tmp_path)
    assert found == [("format.number-cell", 2, 4)]
    assert rows is not None and "account" not in rows.rows[0].cells


def test_excel_refuses_formulas_and_a_third_decimal(tmp_path: Path):
    sheet(
        tmp_path,
        [
            HEADINGS,
            ["记-1", "2024-01-31", "x", "5301.10", "=1+1", None],
            ["记-1", "2024-01-31", "x", "22", None, 1.005],
        ],
    )
    assert excel(tmp_path)[1] == [("format.formula", 2, 5), ("format.too-many-decimals", 3, 6)]


def test_excel_amounts_and_days_become_exact_text(tmp_path: Path):
    from datetime import datetime

    day = datetime(2024, 1, 31)  # noqa: DTZ001
    sheet(tmp_path, [HEADINGS, ["记-1", day, "x", "5301.10", 1023500.1, None]])
    rows, found = excel(tmp_path)
    assert rows is not None and found == []
    assert (rows.rows[0].text("date"), rows.rows[0].text("debit")) == ("2024-01-31", "1023500.1")


def test_a_file_that_is_no_workbook_is_told(tmp_path: Path):
    (tmp_path / "a.xlsx").write_text("not a zip")
    assert excel(tmp_path) == (None, [("format.not-a-workbook", 0, 0)])


def test_a_workbook_whose_sheet_is_spoiled_is_none(tmp_path: Path):
    book = Workbook()
    assert book.active is not None
    book.active.append(["id", "name"])
    book.save(tmp_path / "whole.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "whole.xlsx") as whole,
        zipfile.ZipFile(tmp_path / "a.xlsx", "w") as spoiled,
    ):
        for part in whole.namelist():
            data = whole.read(part)
            spoiled.writestr(part, data.replace(b"<row", b"<\x01ow") if "sheet1" in part else data)
    assert excel(tmp_path) == (None, [("format.not-a-workbook", 1, 0)])


def csv(
    root: Path, text: str, columns=VOUCHER_COLUMNS
) -> tuple[Rows | None, list[tuple[str, int, int]]]:
    (root / "a.csv").write_text(text, encoding="utf-8")
    folder = Folder(root, {})
    rows = folder.csv("a.csv", columns)
    return rows, [(d.code, d.line, d.column) for d in folder.found]


def test_csv_headings_are_chinese_or_english(tmp_path: Path):
    for headings in (",".join(HEADINGS), "voucher,date,summary,account,debit,credit"):
        rows, found = csv(
            tmp_path, headings + '\n1,2024-01-31,"a,\nb",22,1.00,\n2,2024-01-31,b,22,1.00,\n'
        )
        assert rows is not None and found == []
        assert [(row.line, row.text("summary")) for row in rows.rows] == [(2, "a,\nb"), (4, "b")]


def test_csv_faults_are_told_at_their_line(tmp_path: Path):
    head = "voucher,date,summary,account,debit,credit"
    assert csv(tmp_path, head + ",evidense\n1,2024-01-31,a,22,1.00,,x\n")[1] == [
        ("format.unknown-column", 1, 7)
    ]
    assert csv(tmp_path, head + ",xyzzy\n1,2024-01-31,a,22,1.00,,x\n")[1] == [
        ("format.unused-column", 1, 7)
    ]
    assert csv(tmp_path, head + "\n1,2024-01-31,a\n")[1] == [("format.ragged", 2, 0)]
    assert csv(tmp_path, "voucher,date,summary,account,debit\n")[1] == [
        ("format.missing-column", 1, 1)
    ]
    assert csv(tmp_path, head + ",debit\n")[1] == [("format.duplicate-column", 1, 7)]
    assert csv(tmp_path, head + '\n1,"2024\n')[1] == [("format.csv", 2, 0)]
    assert csv(tmp_path, "\n\n")[1] == [("format.empty-table", 1, 0)]


def test_a_party_sheet_is_read_like_the_yaml(tmp_path: Path):
    sheet(
        tmp_path,
        [
            ["id", "name", "uscc", "person", "of", "roles"],
            ["li", "李", None, True, "a", "finance;auditor"],
        ],
    )
    rows, found = excel(tmp_path, PARTY_COLUMNS)
    assert rows is not None and found == []
    assert rows.rows[0].text("person") == "true"


def from_beancount(text: str) -> tuple[list[dict[str, str]], list[tuple[str, int]]]:
    told: list[tuple[str, int]] = []

    def say(code: str, path: str, line: int, **facts: object) -> None:
        told.append((code, line))

    rows = beancount(text, "v.beancount", say, say)
    return [{key: cell.text for key, cell in row.cells.items()} for row in rows], told


def test_beancount_transactions_become_voucher_lines():
    rows, told = from_beancount(
        '2024-03-31 * "一季度研发人员薪酬"\n'
        '  voucher: "2024-03-0120"\n'
        "  Expenses:RD:5301-02  1023500.00 CNY\n"
        '    project: "YF2022-08"\n'
        '    evidence: "evidence/payroll.md"\n'
        "  2211  -1023500.00 CNY\n"
        "\n"
        "2024-04-01 opne Assets:Cash\n"
        '2024-04-02 * "x"\n'
        "  2211  10 * 2 CNY\n",
    )
    first, second = rows[0], rows[1]
    assert (first["voucher"], first["account"], first["debit"]) == (
        "2024-03-0120",
        "5301.02",
        "1023500.00",
    )
    assert (first["project"], second.get("project"), second["credit"]) == (
        "YF2022-08",
        None,
        "1023500.00",
    )
    assert told == [("voucher.beancount-directive", 8)] and rows[2]["debit"] == "10 * 2 CNY"


def test_a_beancount_file_as_people_keep_them_is_read():
    """Options, accounts with metadata, notes, tags, links, slashes, an amount left out."""
    rows, told = from_beancount(
        "* 账簿\n"
        'option "title" "账"\n'
        'option "operating_currency" "CNY"\n'
        'plugin "beancount.plugins.auto"\n'
        "2020-01-01 commodity CNY\n"
        '  name: "人民币"\n'
        "2020-01-01 open Expenses:RD:5301-02 CNY\n"
        '  erp: "5301.02"\n'
        "2020-01-01 open Liabilities:2211\n"
        '2024-03-30 note Liabilities:2211 "工资"\n'
        '2024/03/31 ! "张三" "薪酬" #q1 ^hr\n'
        '  voucher: "7"\n'
        "  Expenses:RD:5301-02  1,000.00 CNY ; 开发\n"
        "  Expenses:RD:5301-02  23.50 CNY\n"
        "  Liabilities:2211\n"
        "2024-04-01 balance Liabilities:2211 -1023.50 CNY\n"
        "2024-04-02 pad Liabilities:2211 Equity:9999\n"
        "2025-01-01 close Liabilities:2211\n"
    )
    assert [(r["account"], r.get("debit"), r.get("credit")) for r in rows] == [
        ("5301.02", "1000.00", None),
        ("5301.02", "23.50", None),
        ("2211", None, "1023.50"),
    ]
    assert {(r["date"], r["voucher"], r["summary"], r["currency"]) for r in rows} == {
        ("2024-03-31", "7", "薪酬", "CNY")
    }
    assert told == [("voucher.beancount-not-applied", line) for line in (4, 16, 17)]


def test_two_amounts_left_out_are_not_guessed():
    rows, _ = from_beancount('2024-03-31 * "x"\n  voucher: "7"\n  A:1  5 CNY\n  A:2\n  A:3\n')
    assert [("debit" in row, "credit" in row) for row in rows] == [(True, False)] + [
        (False, False)
    ] * 2


def test_places_of_keys_are_kept():
    node = Folder(Path(), {}).compose("a:\n  b: 1\n  钢: {c: 2}\n", "a.yaml")
    assert isinstance(node, Keys)
    inner = node.keys("a")
    assert inner is not None and (inner.place("钢").line, inner.place("钢").column) == (3, 3)
    deepest = inner.keys("钢")
    assert deepest is not None
    scalar = deepest.scalar("c")
    assert scalar is not None and (scalar.line, scalar.column) == (3, 10)
