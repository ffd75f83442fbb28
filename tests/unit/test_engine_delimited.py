"""How delimited text is read when nobody says how: rules on small texts."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.engine.read import CsvFile, dialect, open_raw
from sanhua.engine.read.dialect import Dialect, kind
from sanhua.kernel.errors import Diagnostic, Invalid
from sanhua.kernel.table import Reading


class Read:
    """What the file holds to its reader, as the engine would have it."""

    def __init__(self, folder: Path, text: str | bytes, wanted: tuple[str, ...], **said: Any):
        path = folder / "a.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.told: list[Diagnostic] = []
        raw = open_raw(path, "a.csv", Reading(**said), folder, self.told.append, wanted)
        assert isinstance(raw, CsvFile)
        self.headings, self.as_it_stands = raw.headings, raw.rejects is None
        with raw.path.open(encoding="utf-8", newline="") as file:
            lines = file.readlines()[raw.skip :]
        form: dict[str, Any] = {"delimiter": raw.delimiter, "quotechar": raw.quote or None}
        found = csv.reader(lines, quoting=0 if raw.quote else csv.QUOTE_NONE, **form)
        self.rows = [tuple(row) for row in found if any(row)]
        self.rejects: list[tuple[int, str]] = []
        if raw.rejects:
            listed = pq.read_table(raw.rejects).to_pylist()
            self.rejects = [(one["line"], one["text"]) for one in listed]
        self.codes = [one.code.removeprefix("collect.") for one in self.told]


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def made(text: str | bytes, wanted: tuple[str, ...] = (), **said: Any) -> Read:
        return Read(tmp_path, text, wanted, **said)

    return made


METERS = [("meter", "day", "kwh", "place"), *(
    (f"M-{n:03}", f"2026-01-{n:02}", f"{n * 1.5:.2f}", f"Hall {'ABCDEFGHIJKL'[n % 12]} north")
    for n in range(1, 25)
)]  # fmt: skip


def text_of(rows: list[tuple[str, ...]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(row) + "\n" for row in rows)


def lines(edit: dict[int, str]) -> str:
    """The meters with some lines (from 1) written otherwise."""
    made = text_of(METERS).splitlines()
    for number, line in edit.items():
        made[number - 1] = line
    return "\n".join(made) + "\n"


# Dialect


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "\x01", ", ", "; ", "\t\t", "||"])
def test_a_delimiter_is_found(read: Any, delimiter: str):
    got = read(text_of(METERS, delimiter))
    assert (got.headings, got.rows) == (METERS[0], METERS[1:])


def test_blanks_part_cells_when_most_of_them_are_values(read: Any):
    rows = [tuple(cell.replace(" north", "") for cell in row[:3]) for row in METERS]
    assert read(text_of(rows, " ")).rows == rows[1:]
    prose = "full name\nJohn Smith\nJane Doe\n"
    got = read(prose)
    assert (got.headings, got.rows) == (("full name",), [("John Smith",), ("Jane Doe",)])


def test_decimal_commas_are_no_delimiters(read: Any):
    assert read("a;b\n1,5;2,25\n2,5;3,75\n").rows == [("1,5", "2,25"), ("2,5", "3,75")]


def test_cells_in_single_quotes_are_told(read: Any):
    got = read("n,word,y\n1,'a, b',2\n2,'c',3\n3,'d',4\n")
    assert got.rows == [("1", "a, b", "2"), ("2", "c", "3"), ("3", "d", "4")]
    assert got.codes == ["read-as"]


def test_an_apostrophe_is_no_quote(read: Any):
    got = read("n,word\n1,it's\n2,'tis\n3,o'clock\n")
    assert got.rows == [("1", "it's"), ("2", "'tis"), ("3", "o'clock")]


def test_a_backslash_before_a_quote_is_its_escape(read: Any):
    got = read('n,word\n1,"say \\"hi\\", he"\n2,"c:\\\\x"\n')
    assert got.rows == [("1", 'say "hi", he'), ("2", "c:\\x")]


def test_a_doubled_quote_is_one(read: Any):
    assert read('n,word\n1,"say ""hi"", he"\n').rows == [("1", 'say "hi", he')]


def test_what_is_said_is_not_detected(read: Any):
    got = read("a;b,c\n1;2,3\n", delimiter=",")
    assert got.headings == ("a;b", "c")
    got = read('a,b\n"1,2"\n', quote="none")
    assert got.rows == [('"1', '2"')]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_ends_a_record(read: Any, end: str):
    assert read(text_of(METERS).replace("\n", end)).rows == METERS[1:]


def test_line_ends_may_be_mixed(read: Any):
    text = text_of(METERS)
    got = read(text[:200].replace("\n", "\r\n") + text[200:])
    assert got.rows == METERS[1:] and not got.as_it_stands


# Encoding


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]
)
def test_chinese_is_read_in_its_encodings(read: Any, encoding: str):
    rows = [("户号", "电量"), ("甲一号", "1.5"), ("乙，二号", "2.5")]
    got = read(text_of(rows).encode(encoding))
    assert (got.headings, got.rows, got.codes) == (rows[0], rows[1:], [])


def test_text_of_the_west_is_the_last_resort_and_told(read: Any):
    rows = [("name", "price"), ("Renée Müller", "£2.50"), ("Château d’Y", "€3.00")]
    got = read(text_of(rows).encode("cp1252"))
    assert (got.rows, got.codes) == (rows[1:], ["encoding-guessed"])


def test_one_broken_byte_does_not_make_chinese_western(read: Any):
    with pytest.raises(Invalid) as refused:
        read("户号,电量\n甲一号,1.5\n".encode() + b"x,\xff\xff\n")
    assert refused.value.code == "collect.wrong-encoding"


def test_controls_that_were_windows_characters_are_put_right_unless_said(read: Any):
    text = "name,n\nCh\u00e2teau d\u0092Y,1\n"
    got = read(text)
    assert (got.rows, got.codes) == ([("Château d’Y", "1")], ["controls-decoded"])
    assert read(text, encoding="utf-8").rows == [("Ch\u00e2teau d\u0092Y", "1")]


# Where the table is


@pytest.mark.parametrize(
    "above",
    ["Energy of the plant\n\n", "Energy,,,\n,,,\n", "Energy,,,\n", "Made 2026\nby, the plant\n\n"],
)
def test_what_stands_above_the_table_is_told(read: Any, above: str):
    got = read(above + text_of(METERS))
    assert (got.headings, got.rows, got.codes) == (METERS[0], METERS[1:], ["above-the-table"])
    assert got.told[0].facts["first"] == 1
    assert "Energy" in got.told[0].facts["text"] or "Made" in got.told[0].facts["text"]


def test_what_stands_below_the_table_is_rejected_whole(read: Any):
    got = read(text_of(METERS) + "\nSource: the plant\n")
    assert got.rows == METERS[1:] and got.rejects == [(27, "Source: the plant")]


def test_a_footer_that_looks_like_rows_is_left_out_when_said(read: Any):
    total = "total,,36.00,\n"
    assert len(read(text_of(METERS) + total).rows) == 25
    got = read(text_of(METERS) + total, footer=1)
    assert got.rows == METERS[1:] and got.rejects == [(26, "total,,36.00,")]


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("1,2026-01-01\n2,2026-01-02\n", 0),
        ("n,day\n1,2026-01-01\n", 1),
        ("n,day\nx,y\n", 1),
        ("0,0\n0.01,0\n", 0),
        ("Country,2001,2002\nA,3.5,4\nB,5.5,6\n", 1),
        ("name,city\n", 1),
        ("n,day\n1,NA\n2,NA\n", 1),
        ("NA,1\n2,2\n3,3\n", 0),
    ],
)
def test_headings_are_of_another_kind_than_their_columns(read: Any, text: str, headings: int):
    got = read(text)
    assert len(got.rows) == text.count("\n") - headings
    assert ("no-headings" in got.codes) == (headings == 0)


def test_headings_on_two_rows_are_joined(read: Any):
    got = read(
        "Day,Travel,,Total\n,Rail,Taxi,\n"
        + "".join(f"2026-01-{n},1.0,2,3\n" for n in range(10, 22))
    )
    assert got.headings == ("Day", "Travel Rail", "Travel Taxi", "Total")
    assert (len(got.rows), got.codes) == (12, ["headings-joined"])
    assert len(read("a,b\nx,y\n1,2\n3,4\n", header=1).rows) == 3


def test_the_headings_of_a_contract_show_where_the_table_begins(read: Any):
    got = read("about,this\na,b\nx,y\nz,w\n", ("b",))
    assert (got.headings, got.rows) == (("a", "b"), [("x", "y"), ("z", "w")])


def test_headings_that_are_too_few_or_too_many_are_told(read: Any):
    got = read("a,b\n1,2,\n3,4,\n5,6,\n")
    assert (got.headings, got.rows[0]) == (("a", "b", "column3"), ("1", "2", ""))
    assert got.codes == ["headings-differ"]
    got = read("a,b,c\n1,2\n3,4\n5,6\n")
    assert (got.headings, got.rows[0]) == (("a", "b", "c"), ("1", "2", ""))
    got = read("a,,b\n1,2\n3,4\n5,6\n")
    assert (got.headings, got.rows[0]) == (("a", "b"), ("1", "2"))


def test_rows_of_delimiters_alone_are_no_rows_and_told(read: Any):
    got = read('a,b\n1,2\n,\n\n , \n"",""\n3,4\n')
    assert got.codes == ["blank-rows"] and got.told[0].facts["lines"] == "3, 5"
    assert read("a,b\n\n1,2\n\n").codes == []


def test_headings_that_stand_again_are_rejected_with_their_title(read: Any):
    rows = text_of(METERS)
    got = read(rows + "\nFebruary,,,\n" + rows)
    assert got.rows == METERS[1:] * 2
    assert [line for line, _ in got.rejects] == [27, 28]


def test_another_table_below_is_rejected_row_by_row(read: Any):
    other = "place,n\nx,1\ny,2\nz,3\n"
    got = read(text_of(METERS) + other)
    assert got.rows == METERS[1:] and [line for line, _ in got.rejects] == [26, 27, 28, 29]


# Rows of another shape

AT = 9  # of the meters: M-008,2026-01-08,12.00,Hall I north
MENDED = [
    ('M-008,"2026-01-08,12.00,Hall I north', "quotes", ('M-008', '"2026-01-08', "12.00")),
    ('M-008,2026-01-08,12.00,""Hall I, north"', "quotes", ("M-008", "2026-01-08", "12.00")),
    ("M-008;2026-01-08;12.00;Hall I north", "other-delimiter", METERS[8][:3]),
    ("M-008 2026-01-08 12.00 Hall I north", "other-delimiter", METERS[8][:3]),
    ("M-008,,2026-01-08,12.00,Hall I north", "delimiter-too-many", METERS[8][:3]),
    ("M-0082026-01-08,12.00,Hall I north", "delimiter-missing", METERS[8][:3]),
    ("M-008,2026-01-0812.00,Hall I north", "delimiter-missing", METERS[8][:3]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "amiss", "cells"), MENDED)
def test_a_slip_is_put_right_where_one_way_fits_and_told(
    read: Any, line: str, amiss: str, cells: tuple[str, ...]
):
    got = read(lines({AT: line}))
    assert got.rows[AT - 2][:3] == cells
    assert len(got.rows) == len(METERS) - 1 and got.rejects == []
    assert [(one.code, one.facts["lines"]) for one in got.told] == [
        (f"collect.mended-{amiss}", str(AT))
    ]


@pytest.mark.parametrize(("line", "amiss", "cells"), MENDED)
def test_no_row_is_put_right_when_that_is_said(
    read: Any, line: str, amiss: str, cells: tuple[str, ...]
):
    got = read(lines({AT: line}), mend=False)
    assert got.rejects == [(AT, line)] and got.told == []
    assert got.rows == [row for row in METERS[1:] if row != METERS[AT - 1]]


@pytest.mark.parametrize(
    "line",
    [
        "M-008,2026-01-08,12.00",  # the line may have been cut
        "M-008,12.00,Hall I north",
        "M-008,2026-01-08,12.00,Hall, I, north, more",
        "M-008,2026-01-08,12.00Hall,I north,1",
        "Total of the month",
        'M-008,2026-01-08,12.00,"Hall" I "north',
    ],
)
def test_a_row_that_no_way_or_several_make_fit_is_rejected_whole(read: Any, line: str):
    got = read(lines({AT: line}))
    assert (got.rejects, got.told) == ([(AT, line)], [])
    assert len(got.rows) == len(METERS) - 2


def test_a_delimiter_inside_a_cell_is_a_part_of_it_where_that_alone_fits(read: Any):
    rows = [("id", "name", "n"), *((f"{n}", f"{'Ann Bob Cy Dee'.split()[n % 4]} {'x' * n}, Jr"[:n + 4], f"{n}.5") for n in range(1, 30))]  # noqa: E501  # fmt: skip
    names = [row[1].replace(",", ";") for row in rows]
    plain = [(row[0], name, row[2]) for row, name in zip(rows, names, strict=True)]
    text = text_of(plain).splitlines()
    text[8] = "8,Ann, Bob,8.5"
    got = read("\n".join(text) + "\n")
    assert got.codes in (["mended-delimiter-in-a-cell"], [])
    assert ("8", "Ann, Bob", "8.5") in got.rows or got.rejects == [(9, "8,Ann, Bob,8.5")]


def test_too_few_rows_teach_nothing(read: Any):
    got = read("a,b,c\n1,2026-01-01,x\n2,,2026-01-02,y\n")
    assert got.rejects == [(3, "2,,2026-01-02,y")]


def test_a_record_on_several_lines_is_one(read: Any):
    rows = [*METERS[:9], ("M-009", "2026-01-09", "13.50", 'Hall "J"\nnorth, east')]
    text = text_of(rows[:-1]) + 'M-009,2026-01-09,13.50,"Hall ""J""\nnorth, east"\nbad\n'
    got = read(text)
    assert got.rows[-1] == rows[-1] and got.rejects == [(12, "bad")]


def test_an_open_quote_swallows_no_row(read: Any):
    got = read(lines({AT: 'M-008,2026-01-08,12.00,"Hall I north'}))
    assert got.rows == [*METERS[1:8], (*METERS[8][:3], '"Hall I north'), *METERS[9:]]
    assert got.codes == ["mended-quotes"]


# The parts


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [("1,234.50", "number"), ("-£5.00", "number"), ("12%", "number"), ("2026-01-31", "date"),
     ("31/01/2018 00:15", "date"), ("2026年1月31日", "date"), ("09-Mar-11", "date"),
     ("00:15", "time"), ("N/A", ""), ("-", ""), (" ", ""), ("MG-8769", "text")],
)  # fmt: skip
def test_kinds_of_cells(cell: str, wanted: str):
    assert kind(cell) == wanted


def test_an_open_quote_and_a_closed_one_are_told_apart():
    comma = Dialect(",")
    assert comma.split('a,"b') == ([], [])
    assert comma.split('a,"b ""c""') == ([], [])
    assert comma.split('a,"b"c') is None
    assert comma.split('a,"b""c",') == (["a", 'b"c', ""], [1])


def test_one_column_of_names_with_numbers_has_one_heading(read: Any):
    names = "\n".join(["brewery", *(f"brewery {n}" for n in range(60))]) + "\n"
    made = read(names)
    assert made.headings == ("brewery",) and len(made.rows) == 60


def test_a_number_that_may_be_written_with_commas_is_not_split(read: Any):
    text = "day,meter,kwh\n" + "".join(f"2026-01-{n:02},M{n},{n}.5\n" for n in range(1, 29))
    got = read(text + "2026-01-29,M7,1,500.5\n")
    assert got.rejects == [(30, "2026-01-29,M7,1,500.5")] and len(got.rows) == 28


def test_blank_rows_are_told_wherever_they_stand(read: Any):
    text = "a,b\n,\n" + "".join(f"{n},x\n" for n in range(3000)) + ",\n,\n1,y\n"
    got = read(text)
    assert [one.facts["lines"] for one in got.told] == ["2", "3003, 3004"]
    assert len(got.rows) == 3001


CELL = st.sampled_from(["1", "22", "a b", "2026-01-01", "", " ", "é"])
LINE = st.one_of(
    st.tuples(CELL, CELL).map(",".join),
    st.sampled_from(
        ["h,g", " h , g", ",", '"q\nz",1', 'x"', "title", "title,", '"open', "", "a,b,c"]
    ),
)


@given(st.lists(LINE, min_size=4, max_size=40), st.sampled_from(["\n", "\r\n"]))
def test_many_lines_at_once_are_the_rows_that_they_are_one_by_one(lines: list[str], end: str):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        text = end.join(["h,g", *lines, ",", "1,2"])
        patch.setattr(dialect, "BLOCK_CHARS", 32)
        blocks = Read(Path(folder), text, ("h", "g"))
        patch.setattr(dialect.Blocks, "block", lambda self: None)  # pyright: ignore
        one_by_one = Read(Path(folder), text, ("h", "g"))
    assert blocks.__dict__ == one_by_one.__dict__
