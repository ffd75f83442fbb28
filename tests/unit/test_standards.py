"""Standards: forms, code lists, sheets out and back, bindings written into contracts, conflicts."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from sanhua.kernel.errors import Conflict, Diagnostic, Invalid
from sanhua.kernel.origin import Origin
from sanhua.project import load
from sanhua.project.checking import check, systems
from sanhua.project.editing import with_entry
from sanhua.project.model import Project
from sanhua.project.read import join_cell, reordering, split_cell
from sanhua.project.standards import FORMS, csv_text, yaml_text
from sanhua.resource.contract import Member, Property
from sanhua.resource.standard import (
    CodeList,
    DataElement,
    column_conflicts,
    compare,
    conflicts,
    one_source,
    parse_form,
    unknown,
)
from sanhua.resource.standard.bind import Proposer, propose
from sanhua.rules.packs import Packs
from sanhua.workspace.governing import Standing
from sanhua.workspace.opening import Workspace
from sanhua.workspace.standards import export, import_book

BOUND = {"customProperties": {"property": "dataElement", "value": "kwh"}}
RULES = Packs.load()
DAY = date(2026, 11, 1)
BENCH = Path(__file__).resolve().parents[2] / "bench"
BASE = {
    "sanhua.yaml": "sanhua: 1\nentities: {us: {}}\n",
    "parties.yaml": "us: {name: 本单位, roles: [holder]}\n"
    "other: {name: 他单位, roles: [supplier]}\n"
    "li: {name: 李, person: true, of: us, roles: [data_steward]}\n",
}


def made(root: Path, files: dict[str, str]) -> Path:
    for path, text in {**BASE, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def codes_of(found: list[Diagnostic]) -> list[str]:
    return [one.code for one in found]


# Forms


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("a3", ["abc", "汉字名"], ["ab", "abcd", "a1c"]),
        ("a..4", ["", "abcd"], ["abcde", "a1"]),
        ("n8", ["20240131", "00000000"], ["2024013", "2024-1-3"]),
        ("an3..8", ["ab1", "abcd-678"], ["ab", "abcdefghi"]),
        ("n..10,2", ["12345678.90", "-1.5", "7"], ["1.234", "12345678901", "x"]),
        ("d8", ["20240229"], ["20230229", "2024022", "20241301"]),
        ("YYYY-MM-DD", ["2024-02-29"], ["2023-02-29", "20240229"]),
        ("YYYYMM", ["202402"], ["202413"]),
        ("hh:mm:ss", ["23:59:60"], ["24:00:00"]),
        ("dt15", ["20240229T235959"], ["20240230T235959"]),
        ("ul", ["anything at all"], []),
    ],
)
def test_a_form_is_judged_alike_in_python_and_in_the_engine(
    form: str, good: list[str], bad: list[str]
):
    read = parse_form(form)
    assert read is not None
    broken = " OR ".join(read.violations("v", "VARCHAR")) or "FALSE"
    for values, fits in ((good, True), (bad, False)):
        for value in values:
            assert read.fits(value) is fits, value
            told = duckdb.execute(f"SELECT {broken} FROM (SELECT ?::VARCHAR AS v)", [value])
            assert told.fetchone() == (not fits,), value
    null = duckdb.execute(f"SELECT count(*) FILTER ({broken}) FROM (SELECT NULL::VARCHAR AS v)")
    assert null.fetchone() == (0,)


@pytest.mark.parametrize("form", ["b3", "n0", "a9..3", "n3,3", "an..2,1", "YYYYMM/", "", "..20"])
def test_what_is_no_notation_is_not_guessed(form: str):
    assert parse_form(form) is None or form == "YYYYMM/"


def test_a_number_is_judged_by_digits_only_for_it_keeps_no_leading_zeros():
    form = parse_form("n..5,2")
    assert form is not None
    broken = " OR ".join(form.violations("v", "DECIMAL(12,4)"))
    rows = duckdb.execute(
        f"SELECT v, {broken} FROM (VALUES (999.99), (1000.00), (1.005)) AS t(v) ORDER BY v"
    ).fetchall()
    assert [bad for _, bad in rows] == [True, False, True]


def test_elements_take_every_attribute_of_gbt_19488_from_yaml_and_a_wrong_form_is_told(
    tmp_path: Path,
):
    rule = RULES.ask("gbt_19488", "attributes", on=DAY)
    keys = {field.key for field in FORMS["elements"].fields}
    assert set(rule.value) <= keys and rule.tag == "R"
    text = (
        "kwh: {title: 电量, definition: d, type: 'decimal(12,2)', format: 'n..12,2', unit: kWh,"
        " representation: 量, context: 计量, submitted_by: 某局, registered_by: 某所, pinyin: dian,"
        " approved: 2024-05-01, constraint: c, scheme: s, relation: r, status: 标准,"
        " version: 1.2}\n"
        "bad: {definition: d, type: string, format: z9, status: 标转, version: v1}\n"
    )
    project = load(made(tmp_path, {"standards/elements.yaml": text}), {})
    one = project.elements["kwh"]
    assert (one.representation, one.approved, one.pinyin) == ("量", "2024-05-01", "dian")
    told = [(d.code, d.line) for d in check(project, RULES, DAY) if d.code.startswith("standard.")]
    assert told == [
        ("standard.unknown-form", 2),
        ("standard.unknown-status", 2),
        ("standard.version-form", 2),
    ]


# Code lists

LIST = (
    ("a", "甲", "2000-01-01", "2009-12-31"),
    ("b", "乙", "", ""),
    ("a", "新甲", "2010-01-01", ""),
)


def listed(*rows: tuple[str, ...], columns: tuple[str, ...] = ("code", "name")) -> CodeList:
    return CodeList("list", Origin("x"), columns, rows)


def test_a_code_is_judged_on_the_day_of_its_row():
    codes = listed(*LIST, columns=("code", "name", "from", "through"))
    assert codes.codes_on(date(1999, 1, 1)) == {"b"}
    assert codes.names(date(2005, 1, 1))["a"] == "甲" and codes.names()["a"] == "甲"
    assert codes.names(date(2011, 1, 1))["a"] == "新甲"
    rows = "(VALUES ('a', DATE '1999-06-01'), ('a', DATE '2005-06-01'), ('b', DATE '1999-06-01'), \
('c', DATE '2005-06-01'), ('a', NULL), (NULL, DATE '2005-06-01')) AS t(v, d)"
    for on, wanted in (("d", 2), ("1999-06-01", 4), ("", 1)):
        broken = codes.violations("v", "VARCHAR", on)
        told = duckdb.execute(f"SELECT count(*) FILTER ({broken}) FROM {rows}").fetchone()
        assert told == (wanted,), on


def test_two_terms_of_one_code_may_not_meet_and_a_mapping_names_known_codes(tmp_path: Path):
    project = load(
        made(
            tmp_path,
            {
                "standards/codes/old.csv": "code,name,from,through\na,x,2000-01-01,2005-12-31\n"
                "a,y,2006-01-01,\na,z,2007-01-01,\nb,q,2001-02-30,\nc,q,2002-01-01,2001-01-01\n",
                "standards/codes/new.csv": "code,name\n1,x\n",
                "standards/codes/old_to_new.csv": "code,to_code\na,1\na,2\n",
                "standards/codes/to_nowhere.csv": "code,to_code\na,1\n",
                "standards/codes.yaml": "new: {title: 新表, version: 2024, replaces: gone}\n",
            },
        ),
        {},
    )
    told = [(d.code, d.path.rpartition("/")[2], d.line) for d in check(project, RULES, DAY)]
    assert ("standard.duplicate-code", "old.csv", 4) in told
    assert ("format.not-a-day", "old.csv", 5) in told
    assert ("format.term-backwards", "old.csv", 6) in told
    assert ("standard.maps-unknown", "old_to_new.csv", 1) in told
    assert ("standard.mapping-name", "to_nowhere.csv", 1) in told
    assert ("ref.codes", "codes.yaml", 1) in told
    assert project.codes["new"].title.zh == "新表" and project.codes["old_to_new"].maps


def read_codes(path: Path, name: str = "name") -> CodeList:
    rows = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8-sig")))
    return listed(*dict.fromkeys((row["code"][:6], row[name]) for row in rows))


def test_two_lists_of_counties_differ_as_their_readme_says(find_data: Callable[[str], Path]):
    """cn_admin_divisions/README: 152 county codes only in NBS, 20 only in pcc (330103 …)."""
    folder = find_data("cn_admin_divisions")
    nbs, pcc = (read_codes(folder / name) for name in ("nbs2023_areas.csv.gz", "pcc_area.csv.gz"))
    found = compare(pcc, nbs)
    assert len(found.added) == 152 and len(found.dropped) == 20
    assert {"330103", "330104"} <= found.dropped.keys()
    assert compare(nbs, nbs).equal and compare(nbs, nbs).same == len(nbs.codes())


def test_a_comparison_tells_renamed_moved_and_recoded():
    old = listed(
        ("1", "甲", ""), ("2", "乙", "1"), ("3", "丙", "1"), columns=("code", "name", "parent")
    )
    new = listed(("1", "甲（市）", ""), ("2", "乙", ""), ("9", "丙", "1"), columns=old.columns)
    found = compare(old, new)
    assert found.renamed == {"1": ("甲", "甲（市）")} and found.moved == {"2": ("1", "")}
    assert found.recoded == {"3": "9"} and (found.same, found.equal) == (0, False)


def test_an_unknown_value_gets_the_nearest_known_code():
    codes = listed(("0101", "峰"), ("0102", "平"), ("ABC", "谷"))
    found = unknown(
        codes, [("101", 5), ("abc", 4), ("谷", 3), ("0102x", 2), ("0101", 9), ("zz", 1)]
    )
    assert [(u.value, u.nearest, u.how) for u in found] == [
        ("101", "0101", "same"),
        ("abc", "ABC", "same"),
        ("谷", "ABC", "name"),
        ("0102x", "0102", "near"),
        ("zz", "", ""),
    ]


# Sheets out and back

WORD = st.text(
    st.characters(
        codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
    max_size=12,
).filter(lambda t: t == t.strip() and not t.startswith("_x") and not reordering(t))
ID = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
TEXT = st.one_of(WORD, st.fixed_dictionaries({"zh": WORD, "en": WORD}))
MAYBE = {
    name: WORD
    for name in ("unit", "object_class", "property", "representation", "context", "note", "pinyin")
}
ELEMENT = st.fixed_dictionaries(
    {"definition": TEXT, "type": st.sampled_from(["string", "decimal(12,2)", "date"])},
    optional={
        "title": TEXT,
        "synonyms": st.lists(WORD, min_size=1, max_size=3),
        "format": st.sampled_from(["a..20", "n8"]),
        "approved": st.just("2024-01-31"),
        "version": st.sampled_from(["1.0", "01", "1.10"]),
        **MAYBE,
    },
)
ENTITY = st.one_of(
    st.fixed_dictionaries({"table": ID}, optional={"title": TEXT, "owner": ID, "note": WORD}),
    st.fixed_dictionaries(
        {},
        optional={
            "title": TEXT,
            "attributes": st.dictionaries(WORD, st.one_of(ID, st.none()), min_size=1, max_size=3),
        },
    ),
)
OBJECT = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXT,
        "steward": ID,
        "entities": st.dictionaries(ID, ENTITY, min_size=1, max_size=3),
    },
)
DOMAIN = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXT,
        "owner": ID,
        "objects": st.dictionaries(ID, OBJECT, min_size=1, max_size=3),
    },
)
TREES = st.fixed_dictionaries(
    {
        "elements": st.dictionaries(ID, ELEMENT, min_size=1, max_size=4),
        "model": st.dictionaries(ID, DOMAIN, min_size=1, max_size=3),
        "indicators": st.dictionaries(
            ID,
            st.fixed_dictionaries(
                {"definition": TEXT, "table": ID, "formula": WORD},
                optional={"by": st.lists(WORD, min_size=1, max_size=2), "unit": WORD},
            ),
            min_size=1,
            max_size=2,
        ),
        "glossary": st.dictionaries(
            ID,
            st.fixed_dictionaries(
                {"definition": TEXT},
                optional={"title": TEXT, "elements": st.lists(ID, min_size=1, max_size=2)},
            ),
            min_size=1,
            max_size=2,
        ),
    }
)
LISTS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,40}", fullmatch=True),
    st.dictionaries(WORD, st.tuples(WORD, WORD), min_size=1, max_size=4),
    max_size=2,
)


def meaning(project: Project) -> dict[str, Any]:
    """Everything that the standards say, without where it stands."""

    def bare(things: dict[str, Any]) -> dict[str, Any]:
        return {key: replace(value, origin=Origin("")) for key, value in things.items()}

    kinds = (project.elements, project.codes, project.model, project.indicators, project.terms)
    return {str(at): bare(kind) for at, kind in enumerate(kinds)}


@given(st.lists(st.text(alphabet="a\\;； \n", min_size=1).map(str.strip).filter(bool)))
def test_a_cell_of_several_values_is_read_as_it_was_written(values: list[str]):
    assert split_cell(join_cell(values)) == values


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(trees=TREES, lists=LISTS)
def test_what_is_exported_and_imported_is_what_was(
    trees: dict[str, Any], lists: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
):
    root = tmp_path_factory.mktemp("sheets")
    files = {f"standards/{stem}.yaml": yaml_text(tree) for stem, tree in trees.items()}
    for name, rows in lists.items():
        cells = [(code, *more) for code, more in rows.items()]
        files[f"standards/codes/{name}.csv"] = csv_text(("code", "name", "region"), cells)
    first, second = made(root / "a", files), made(root / "b", {})
    before = load(first, {})
    faulty = [d for d in before.diagnostics if d.severity == "error"]
    assert faulty == [] or set(codes_of(faulty)) <= {"format.duplicate-id"}
    if faulty:
        return
    with Workspace(first, env={}) as ws:
        export(ws, root / "all.xlsx")
    with Workspace(second, env={}) as ws:
        told = import_book(ws, root / "all.xlsx")
    assert told["found"] == []
    assert meaning(load(second, {})) == meaning(before)
    with Workspace(first, env={}) as ws:
        assert import_book(ws, root / "all.xlsx")["written"] == []


ELEMENTS = (
    "# 数据元 of the bureau\nkwh: {title: 电量, definition: d, type: 'decimal(12,2)', unit: kWh}\n"
)


def test_the_workbook_has_chinese_headings_notes_lists_and_a_frozen_head(tmp_path: Path):
    root = made(
        tmp_path / "p",
        {"standards/elements.yaml": ELEMENTS, "standards/codes/c.csv": "code,name\n01,x\n"},
    )
    with Workspace(root, env={}) as ws:
        export(ws, tmp_path / "s.xlsx")
        first = (tmp_path / "s.xlsx").read_bytes()
        export(ws, tmp_path / "s.xlsx")
    assert (tmp_path / "s.xlsx").read_bytes() == first
    book = load_workbook(tmp_path / "s.xlsx")
    assert book.sheetnames == ["说明", *(form.zh for form in FORMS.values()), "c", "选项"]
    sheet = book["数据元"]
    assert [cell.value for cell in sheet[1]][:6] == [
        *("标识符", "中文名称", "英文名称", "定义", "英文定义", "数据类型"),
    ]
    assert sheet.freeze_panes == "B2" and sheet["A1"].comment is not None
    lists = {str(rule.sqref).split(":")[0] for rule in sheet.data_validations.dataValidation}
    assert {"F2", "I2", "Q2"} <= lists
    assert book["c"]["A2"].value == "01" and book["选项"].sheet_state == "hidden"


def test_an_error_names_sheet_row_and_column_and_nothing_is_written(tmp_path: Path):
    root = made(tmp_path / "p", {"standards/elements.yaml": ELEMENTS})
    with Workspace(root, env={}) as ws:
        export(ws, tmp_path / "s.xlsx")
    book = load_workbook(tmp_path / "s.xlsx")
    book["数据元"]["A3"], book["数据元"]["F3"] = "hz", "decimals"
    book["数据元"]["D3"], book["数据元"]["R3"] = "=1+1", 1.1
    book.save(tmp_path / "s.xlsx")
    with Workspace(root, env={}) as ws:
        told = import_book(ws, tmp_path / "s.xlsx")
    places = {(d.code, d.path, d.line, d.column) for d in told["found"]}
    assert ("format.formula", "s.xlsx!数据元", 3, 4) in places
    assert ("format.number-cell", "s.xlsx!数据元", 3, 18) in places
    assert any(c == "format.not-a-type" and (p, r) == ("s.xlsx!数据元", 3) for c, p, r, _ in places)
    assert (root / "standards/elements.yaml").read_text("utf-8") == ELEMENTS


def test_a_workbook_that_cannot_be_one_is_told_and_nothing_is_written(tmp_path: Path):
    root = made(tmp_path / "p", {"standards/elements.yaml": ELEMENTS})
    (tmp_path / "no.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    book = Workbook()
    book.active.title = "数据元"
    book.active.append(["标识符", "定义", "数据类型"])
    book.create_sheet("elements").append(["id", "definition", "type"])
    book.create_sheet("代码集").append(["标识符", "工作表"])
    book["代码集"].append(["gone", "nowhere"])
    book.create_sheet("Sheet1").append(["什么", "都不是"])
    book.save(tmp_path / "odd.xlsx")
    with Workspace(root, env={}) as ws:
        assert codes_of(import_book(ws, tmp_path / "no.xlsx")["found"]) == ["format.not-a-workbook"]
        told = import_book(ws, tmp_path / "odd.xlsx")
    found = {(d.code, d.path) for d in told["found"]}
    assert ("format.two-sources", "odd.xlsx!elements") in found
    assert ("standard.no-such-sheet", "odd.xlsx") in found
    assert ("format.missing-column", "odd.xlsx!Sheet1") in found
    assert told["written"] == []
    assert (root / "standards/elements.yaml").read_text("utf-8") == ELEMENTS


def test_what_the_workbook_lacks_is_taken_out_and_told(tmp_path: Path):
    """A colleague added an element and a code after the export; the old workbook comes back."""
    files = {
        "standards/elements.yaml": "a: {definition: d, type: string}\n",
        "standards/codes/yn.csv": "code,name\ny,是\n",
    }
    root = made(tmp_path / "p", files)
    with Workspace(root, env={}) as ws:
        export(ws, tmp_path / "s.xlsx")
    for name, more in {
        "elements.yaml": "b: {definition: e, type: date}\n",
        "codes/yn.csv": "n,否\n",
    }.items():
        with (root / "standards" / name).open("a", encoding="utf-8") as file:
            file.write(more)
    with Workspace(root, env={}) as ws:
        told = import_book(ws, tmp_path / "s.xlsx")
    taken = {d.path: d.facts["names"] for d in told["found"] if d.code == "standard.taken-out"}
    assert taken == {"standards/elements.yaml": "b", "standards/codes/yn.csv": "n"}


def test_a_changed_file_keeps_its_head_and_one_with_comments_inside_is_not_rewritten(
    tmp_path: Path,
):
    root = made(tmp_path / "p", {"standards/elements.yaml": ELEMENTS})
    with Workspace(root, env={}) as ws:
        export(ws, tmp_path / "s.xlsx")
    book = load_workbook(tmp_path / "s.xlsx")
    book["数据元"]["D2"] = "又一个定义"
    book.save(tmp_path / "s.xlsx")
    with Workspace(root, env={}) as ws:
        assert import_book(ws, tmp_path / "s.xlsx")["written"] == ["standards/elements.yaml"]
    text = (root / "standards/elements.yaml").read_text("utf-8")
    assert text.startswith("# 数据元 of the bureau\n") and "又一个定义" in text
    (root / "standards/elements.yaml").write_text(ELEMENTS + "# 末尾\n", encoding="utf-8")
    with Workspace(root, env={}) as ws:
        with pytest.raises(Conflict) as refused:
            import_book(ws, tmp_path / "s.xlsx")
        assert (refused.value.code, refused.value.diagnostic.line) == ("standard.comments-lost", 3)
        import_book(ws, tmp_path / "s.xlsx", replace_files=True)
    assert "又一个定义" in (root / "standards/elements.yaml").read_text("utf-8")


# Bindings written into contracts

CONTRACT = """\
# the bureau's contract
schema:
  - name: t
    properties:
      - name: a   # the first
        logicalType: string
        # a remark

      - {name: b, logicalType: string}
      - name: c
        customProperties:   # ours
          - {property: category, value: x}
        logicalType: string
      - {name: d, customProperties: [{property: category, value: x}]}
      - {name: e, customProperties: []}
      - name: f
        quality:
          - {metric: nullValues, mustBe: 0}
  - name: u
    properties: [{name: a}]
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_binding_is_one_line_or_entry_more_and_the_rest_stays_to_the_byte(end: str, bom: bytes):
    before = bom + CONTRACT.replace("\n", end).encode()
    for column in "abcdef":
        after = with_entry(before, "c.odcs.yaml", "t", column, BOUND)
        tree: Any = yaml.safe_load(after.decode("utf-8-sig"))
        prop = next(p for p in tree["schema"][0]["properties"] if p["name"] == column)
        assert {"property": "dataElement", "value": "kwh"} in prop["customProperties"]
        old, new = before.decode().split(end), after.decode().split(end)
        gone = [line for line in old if line not in new]
        assert len(new) - len(old) in (0, 1) and len(gone) <= 1, column


def test_a_layout_that_takes_no_line_is_left_alone_and_the_line_to_write_is_told():
    text = CONTRACT.replace(
        "- {name: b, logicalType: string}", "- name: b\n        customProperties: {x: 1}"
    )
    with pytest.raises(Invalid) as refused:
        with_entry(text.encode(), "c.odcs.yaml", "t", "b", BOUND)
    assert refused.value.code == "contract.cannot-write"
    assert "{property: dataElement, value: kwh}" in refused.value.diagnostic.hint("zh")


# Proposals


def element(key: str, type: str = "string", **more: Any) -> DataElement:
    return DataElement(key, f"definition of {key}", type, Origin("e", 1), **more)


def test_content_finds_a_column_whose_name_says_nothing_and_speaks_against_a_name_that_misleads():
    regions = [f"{n}0000" for n in range(11, 40)]
    codes = {"regions": listed(*((code, "x") for code in regions))}
    elements = {
        "region": element("region", codes="regions"),
        "birth": element("birth", format="d8"),
        "kwh": element("kwh", "decimal(12,2)", unit="kWh"),
    }
    proposer = Proposer(elements, codes, {})

    def best(name: str, values: list[str]) -> tuple[str, Decimal] | None:
        found = proposer.candidates(Property(name, Origin("c", 3)), "VARCHAR", values)
        made = propose("c", "t", [found], [])
        return (made[0].element, made[0].confidence) if made else None

    found = best("x1", regions)
    assert found is None or found[0] == "region"  # nothing is measured: nothing is claimed
    candidates = proposer.candidates(Property("x1", Origin("c", 3)), "VARCHAR", regions)
    assert candidates[0].element.id == "region" and candidates[0].confidence(1.0) > 0.8
    named = proposer.candidates(Property("region", Origin("c", 3)), "VARCHAR", ["甲", "乙"])
    assert named[0].confidence(0.1) < 0.2 < named[0].confidence(1.0)
    assert best("total_kwh", ["1.5", "2"]) == ("kwh", Decimal("0.41"))
    assert best("nothing", ["free text", "more"]) is None


# Conflicts, 一数一源

SOURCE = "files: data/*.csv\ncadence: day\n"


def contract(name: str, *columns: str, more: str = "") -> str:
    listed = "".join(f"      - {column}\n" for column in columns)
    return (
        f"apiVersion: v3.1.0\nkind: DataContract\nid: {name}\nversion: 1.0.0\nstatus: active\n"
        f"schema:\n  - name: {name}\n    properties:\n{listed}{more}"
    )


def column(name: str, of: str, *custom: str, **more: str) -> str:
    said = [f"{{property: dataElement, value: {of}}}", *custom]
    rest = "".join(f", {key}: {value}" for key, value in {"logicalType": "string", **more}.items())
    return f"{{name: {name}{rest}, customProperties: [{', '.join(said)}]}}"


GOLDEN = "{property: authoritative, value: true}"


def test_one_datum_has_one_source(tmp_path: Path):
    files = {
        "standards/elements.yaml": "".join(
            f"e{n}: {{definition: d{n}, type: string{', authority: us' if n else ''}}}\n"
            for n in range(6)
        ),
        "sources/a.yaml": SOURCE,
        "sources/b.yaml": SOURCE,
        "sources/c.yaml": SOURCE + "supplier: other\n",
        "contracts/a.odcs.yaml": contract(
            "a",
            column("k", "e5", primaryKey="true", primaryKeyPosition="1"),
            *(
                column("x0", "e0"),
                column("x1", "e1", GOLDEN),
                column("x2", "e2"),
                column("x3", "e3", GOLDEN),
            ),
        ),
        "contracts/b.odcs.yaml": contract("b", column("x0", "e0"), column("x1", "e1", GOLDEN)),
        "contracts/c.odcs.yaml": contract(
            "c",
            column("k", "e5", primaryKey="true", primaryKeyPosition="1"),
            *(column("x2", "e2"), column("x3", "e3"), column("x4", "e4", GOLDEN)),
        ),
    }
    project = load(made(tmp_path, files), {})
    found = one_source(project.contracts.values(), project.elements, systems(project))
    told = sorted((d.code, d.facts["element"], d.facts.get("column", "")) for d in found)
    assert told == [
        ("standard.collected-twice", "e2", "c.x2"),  # by the authority in a, by another in c
        ("standard.no-authority", "e0", ""),  # two systems, nobody answers
        ("standard.not-the-authority", "e4", "c.x4"),
        ("standard.two-authorities", "e1", "b.x1"),
    ]  # e3 is declared in a, so its copy in c is none; e5 is a key in both


def test_columns_of_one_element_agree_on_type_unit_and_codes(tmp_path: Path):
    admits = "metric: invalidValues, arguments: {validValues: ['1', '9']}, mustBe: 0"
    rule = f"quality: [{{name: r, {admits}}}]"
    files = {
        "standards/codes/yn.csv": "code,name\n1,是\n0,否\n",
        "standards/elements.yaml": "e: {title: 电量, definition: d, type: 'decimal(9,2)',"
        " unit: kWh}\n"
        "f: {title: 电能, definition: d, type: 'decimal(9,2)', unit: MWh, synonyms: [电量]}\n"
        "yn: {definition: d, type: string, codes: yn}\n"
        "old: {definition: d, type: string, status: 废止}\n",
        "sources/t.yaml": SOURCE,
        "contracts/t.odcs.yaml": contract(
            "t",
            column("a", "e", logicalType="number"),
            column("b", "e", "{property: unit, value: MWh}", logicalType="number"),
            column("c", "e", logicalType="date"),
            f"{column('d', 'yn')[:-1]}, {rule}}}",
            column("g", "old"),
        ),
    }
    project = load(made(tmp_path, files), {})
    assert [d for d in project.diagnostics if d.severity == "error"] == []
    assert codes_of(conflicts(project.elements)) == ["standard.other-representation"]
    found = column_conflicts(project.contracts.values(), project.elements, project.codes)
    assert [(d.code, d.facts["column"]) for d in found] == [
        ("standard.other-unit", "t.b"),
        ("standard.other-type", "t.c"),
        ("standard.other-codes", "t.d"),
        ("standard.retired-bound", "t.g"),
    ]


# Who answers


def test_a_team_member_serves_between_the_days_and_by_the_role():
    li = Member("li", "Data Steward", since="2024-01-01", until="2025-12-31")
    assert (li.duty, Member("x", "数据责任人").duty, Member("x", "developer").duty) == (
        *("steward", "owner", ""),
    )
    assert li.serves(date(2025, 12, 31)) and not li.serves(date(2026, 1, 1))


def test_owner_and_steward_come_from_the_team_else_the_model_and_are_missed_once_anyone_is_named(
    tmp_path: Path,
):
    team = "team:\n  members: [{username: li, role: steward}, {username: ghost, role: owner}]\n"
    files = {
        "sources/a.yaml": SOURCE,
        "sources/b.yaml": SOURCE,
        "contracts/a.odcs.yaml": contract("a", "{name: x}", more=team),
        "contracts/b.odcs.yaml": contract("b", "{name: x}"),
        "standards/model.yaml": "d: {owner: us, objects: {o: {entities: {e: {table: b}}}}}\n",
    }
    root = made(tmp_path, files)
    found = [d for d in check(load(root, {}), RULES, DAY) if d.code.startswith("standard.")]
    assert [(d.code, d.path) for d in found] == [
        ("standard.team-no-party", "contracts/a.odcs.yaml"),
        ("standard.no-steward", "contracts/b.odcs.yaml"),
    ] or sorted(codes_of(found)) == ["standard.no-steward", "standard.team-no-party"]
    with Workspace(root, env={}) as ws:
        told = {a.resource: (a.owner, a.steward, dict(a.said_in)) for a in Standing(ws).accountable}
    assert told["b"] == ("us", "", {"owner": "model"})
    assert told["a"][1:] == ("li", {"owner": "team", "steward": "team"})


def test_coverage_counts_by_domain_object_and_entity(tmp_path: Path):
    files = {
        "sources/a.yaml": SOURCE,
        "contracts/a.odcs.yaml": contract("a", column("x", "e"), "{name: y}"),
        "standards/elements.yaml": "e: {definition: d, type: string}\n"
        "f: {definition: d, type: string}\n"
        "g: {definition: g, type: string}\n",
        "standards/model.yaml": "d: {title: 域, objects: {o: {entities: {one: {table: a}, "
        "two: {attributes: {p: f, q: }}}}}}\n",
        "standards/glossary.yaml": "t: {definition: d, elements: [e]}\n",
    }
    with Workspace(made(tmp_path, files), env={}) as ws:
        told = Standing(ws).coverage_json()
        spread = Standing(ws).distribution_json()
    assert (told["elements"]["used"], told["elements"]["unused"]) == (2, ["g"])
    assert (told["columns"]["bound"], told["columns"]["of"]) == (1, 2)
    total = told["model"]["total"]
    assert (total["attributes"], total["bound"], total["realised"]) == (4, 2, 2)
    assert told["model"]["domains"][0]["title"] == "域" and told["terms"]["linked"] == 1
    assert spread["entities"][0]["held"] == {"a": "feeds"}


def test_every_one_of_fifty_seeded_conflicts_is_found_and_none_that_is_not_there(tmp_path: Path):
    """bench/check_model.py does the same on 3,812 attributes."""
    spec = importlib.util.spec_from_file_location("check_model", BENCH / "check_model.py")
    assert spec is not None and spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    sys.modules["check_model"] = bench
    spec.loader.exec_module(bench)
    small = bench.Size(2, 6, 20, 300, 200, 10, 10)
    for seeded in (False, True):
        model = bench.Model(small, seeded=seeded)
        model.write(tmp_path / str(seeded))
        assert len(model.expected) == 50 * seeded
        assert bench.found(tmp_path / str(seeded)) == model.expected
