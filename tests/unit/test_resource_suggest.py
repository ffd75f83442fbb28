"""Suggested rules: what values propose, counted by the engine over every row."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from sanhua import sql
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.table import RawColumn, Reading
from sanhua.resource.suggest.form import form
from sanhua.resource.suggest.offer import examples, suggest
from sanhua.resource.suggest.rule import DEFAULT, Suggestion, written

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SANHUA_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    made = DuckEngine(Lake(tmp_path_factory.mktemp("lake")))
    yield made
    made.close()


def suggested(
    engine: DuckEngine,
    folder: Path,
    heading: Sequence[str],
    rows: Sequence[Sequence[str]],
    columns: Sequence[RawColumn] | None = None,
) -> list[Suggestion]:
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([heading, *rows])
    manifest = engine.collect(
        "t", [folder / "t.csv"], Reading(), columns, inputs=["f"], step="s", names=["t.csv"]
    )
    engine.bind(manifest)
    return suggest(engine, "t", manifest.columns, manifest.rows)


def shown(found: list[Suggestion], kind: str, column: str = "") -> list[Suggestion]:
    return [
        one
        for one in found
        if one.kind == kind and one.column in ("", column or one.column)
        if one.confidence >= DEFAULT
    ]


def doubted(engine: DuckEngine, one: Suggestion) -> list[int]:
    numbered = "(SELECT *, row_number() OVER () - 1 AS row_no FROM t)"
    return sorted(int(row[0]) for row in engine.query(one.doubtful(numbered, "row_no")))


def test_a_minority_in_a_group_is_the_suspect_and_a_tie_is_not(engine: DuckEngine, tmp_path: Path):
    rows = [[f"c{n % 9}", f"City {n % 9}"] for n in range(90)]
    rows[3][1] = "Ctiy 3"  # 9 of 10 say otherwise
    rows += [["c99", "Here"], ["c99", "There"]]
    found = suggested(engine, tmp_path, ["code", "city"], rows)
    (one,) = shown(found, "dependency", "city")
    assert (one.determinant, one.violations, one.support) == (("code",), 1, 92)
    assert doubted(engine, one) == [3]
    assert one.confidence == Decimal("0.978")  # 90 of 92 rows hold their group's leader


def test_an_empty_cell_is_doubted_where_its_group_knows_the_value(
    engine: DuckEngine, tmp_path: Path
):
    rows = [[f"c{n % 9}", f"City {n % 9}"] for n in range(90)]
    rows[4][1] = ""
    found = suggested(engine, tmp_path, ["code", "city"], rows)
    (one,) = shown(found, "dependency", "city")
    assert doubted(engine, one) == [4]


def test_sources_that_disagree_are_measured_against_their_group(engine: DuckEngine, tmp_path: Path):
    """Forty flights told by twelve sources each, a third of the times wrong."""
    chance = random.Random(3)
    rows: list[list[str]] = []
    wrong: set[int] = set()
    for flight in range(40):
        true = [f"{chance.randint(1, 12)}:{chance.randint(10, 59)}" for _ in range(2)]
        for source in range(12):
            told = list(true)
            if chance.random() < 0.33:
                told[0] = f"{chance.randint(1, 12)}:{chance.randint(10, 59)}"
                wrong.add(len(rows))
            if chance.random() < 0.33:
                told[1] = f"{chance.randint(1, 12)}:{chance.randint(10, 59)}"
            rows.append([f"F{flight}", f"s{source}", *told])
    found = suggested(engine, tmp_path, ["flight", "source", "leaves", "lands"], rows)
    of = [one for one in shown(found, "dependency", "leaves") if one.determinant == ("flight",)]
    flagged = set(doubted(engine, of[0]))
    assert len(flagged & wrong) > 0.9 * len(wrong)
    assert len(flagged - wrong) < 0.05 * len(flagged)


def test_a_hierarchy_read_upwards_determines_nothing(engine: DuckEngine, tmp_path: Path):
    """Each brewery lies in one city; a city has several breweries, which are no errors."""
    rows = [[f"brewery {n % 60}", f"city {n % 60 // 3}"] for n in range(600)]
    found = suggested(engine, tmp_path, ["brewery", "city"], rows)
    assert [one.determinant for one in shown(found, "dependency")] == [("brewery",)]


@pytest.mark.parametrize(
    ("values", "wrong", "kind"),
    [
        (["12.0 oz", "12.0 oz.", "16.0 ounce", "12.0 OZ."] * 10, "every", "number"),
        (["0.05"] * 28 + ["0.071"] * 9 + ["0.09%"] * 7, "0.09%", "number"),
        (["95 min"] * 30 + ["120 min"] * 20 + ["1 hr. 30 min."] * 4, "1 hr. 30 min.", "form"),
        ([f"6:{n} a.m." for n in range(10, 60)] + ["12/02/2011 6:15 a.m."] * 9, "12/", "form"),
        ([f"3/{n}/15" for n in range(1, 29)] * 2 + ["3/4/2015"] * 2, "3/4/2015", "form"),
        ([f"{n:05d}" for n in range(900, 1000)] + ["901", "902"], "901,902", "form"),
        (["birmingham"] * 40 + ["dothan"] * 20 + ["birminghxm"], "birminghxm", "spelling"),
        (["Oslo"] * 40 + ["Bergen"] * 20 + ["OSLO"], "OSLO", "spelling"),
        (["12", "15", "20"] * 20 + ["N/A"] * 30, "N/A", "missing_word"),
        (["12", "15", "20", "31"] * 20 + ["999990"] * 3, "999990", "missing_word"),
        (["Kölsch", "Ale", "Stout"] * 20 + ["KÃ¶lsch"], "KÃ¶lsch", "damaged"),
        (["Ale", "Stout"] * 20 + [" Ale", "Stout "], " Ale,Stout ", "blanks"),
    ],
)
def test_forms_that_do_not_belong(
    engine: DuckEngine, tmp_path: Path, values: list[str], wrong: str, kind: str
):
    found = suggested(engine, tmp_path, ["x", "n"], [[v, str(n)] for n, v in enumerate(values)])
    rows = {row for one in shown(found, kind, "x") for row in doubted(engine, one)}
    if wrong == "every":
        assert rows == set(range(len(values)))
    else:
        starts = tuple(wrong.split(","))
        assert rows == {n for n, v in enumerate(values) if v.startswith(starts)}


@pytest.mark.parametrize(
    "values",
    [
        ["12 oz", "16 oz", "20 oz"] * 20,  # one spelling of a unit is a form like any other
        ["ami-1", "ami-2", "pn-5", "pn-5b", "pn-5c"] * 20,  # a letter more is another code
        ["OSL", "BGO", "TRD", "SVG", "KRS", "AES"] * 20 + ["BGD"],  # codes lie close by nature
        ["1234-567X"] * 5 + [f"1234-5{n}" for n in range(10, 99)],  # a check digit
        ["none", "guarantor", "co-applicant"] * 30,  # `none` is an answer beside other words
        ["会计专业人员"] * 40 + ["审计专业人员"],  # a character is a word
        [str(n) for n in range(1, 1001)],  # numbers have all lengths
    ],
)
def test_honest_values_are_left_alone(engine: DuckEngine, tmp_path: Path, values: list[str]):
    found = suggested(engine, tmp_path, ["x", "n"], [[v, f"a{n}"] for n, v in enumerate(values)])
    told = [(one.kind, one.violations) for one in found if one.violations]
    assert [one for one in found if one.violations and one.confidence >= DEFAULT] == [], told


def test_two_columns_together_determine_a_third(engine: DuckEngine, tmp_path: Path):
    rows = [[f"s{n % 5}", "MS"[n // 5 % 2], str(100 * (n % 5) + 10 * (n // 5 % 2)), f"i{n}"]
            for n in range(400)]  # fmt: skip
    rows[9][2] = "999"
    found = suggested(engine, tmp_path, ["state", "marital", "rate", "id"], rows)
    (one,) = [one for one in shown(found, "dependency", "rate") if len(one.determinant) == 2]
    assert (set(one.determinant), doubted(engine, one)) == ({"state", "marital"}, [9])
    assert int(engine.query(one.counting())[0][0]) == 1


def test_a_value_that_slid_into_its_neighbour(engine: DuckEngine, tmp_path: Path):
    places = [["San Diego", "CA"], ["Austin", "TX"], ["Portland", "OR"]] * 20
    rows = [list(one) for one in places] + [["San Diego CA", ""], ["Austin TX", ""],
                                            ["Portland OR", ""]]  # fmt: skip
    found = suggested(engine, tmp_path, ["city", "state"], rows)
    for column in ("city", "state"):
        (one,) = shown(found, "carried_over", column)
        assert doubted(engine, one) == [60, 61, 62]


def test_a_key_and_a_filled_column_are_proposed_with_nothing_broken(
    engine: DuckEngine, tmp_path: Path
):
    found = suggested(engine, tmp_path, ["id", "n"], [[f"k{n}", str(n % 7)] for n in range(100)])
    (key,) = shown(found, "repeated")
    assert (key.column, key.violations, key.entry) == ("id", 0, {"unique": True})
    assert {one.column for one in shown(found, "missing")} == {"id", "n"}


def test_days_in_order(engine: DuckEngine, tmp_path: Path):
    rows = [[f"2025-01-{n % 20 + 1:02d}", f"2025-01-{n % 20 + 2 + n % 5:02d}"] for n in range(200)]
    rows[7] = ["2025-01-20", "2025-01-02"]
    columns = [RawColumn("start", "DATE"), RawColumn("stop", "DATE")]
    found = suggested(engine, tmp_path, ["start", "stop"], rows, columns)
    (one,) = shown(found, "order")
    assert (one.violations, doubted(engine, one)) == (1, [7])


def test_every_rule_is_canonical_sql_and_its_count_is_that_of_its_rows(
    engine: DuckEngine, tmp_path: Path
):
    rows = [[f"c{n % 9}", f"City {n % 9}", f"{n}.5 kg" if n % 8 else f"{n}.5"] for n in range(300)]
    rows[3][1], rows[30][1], rows[31][0] = "Ctiy 3", "", "n/a"
    found = suggested(engine, tmp_path, ["code", "the city", "w"], rows)
    assert len(found) >= 8
    for one in found:
        sql.parse(one.counting())
        rule = written(one).get("query")
        if rule:
            assert int(engine.query(rule)[0][0]) == one.violations
        if one.kind != "repeated":
            assert len(doubted(engine, one)) == one.violations
    broken = next(one for one in found if one.kind == "dependency" and one.violations)
    assert examples(engine, broken, 2)


def test_a_large_table_is_proposed_from_a_sample_and_counted_whole(
    engine: DuckEngine, tmp_path: Path
):
    """60,000 rows, of which 20,000 are looked at; each of the 30 wrong ones is counted."""
    rows = [[f"z{n % 50}", f"State {n % 50 // 5}"] for n in range(60_000)]
    for n in range(0, 60_000, 2_000):
        rows[n][1] = "Stxte 1"
    found = suggested(engine, tmp_path, ["zip", "state"], rows)
    (one,) = [one for one in shown(found, "dependency") if one.column == "state"]
    assert (one.support, one.violations) == (60_000, 30)
    (typo,) = shown(found, "spelling", "state")
    assert typo.violations == 30


def test_a_form_that_spells_a_name_lists_values(engine: DuckEngine, tmp_path: Path):
    """Two Chinese characters are a name; the signs beside figures are not."""
    for made, lists in (("张三{}", True), ("{}元", False)):
        rows = [[made.format(n)] for n in range(199)] + [["7 / 7"]]
        (one,) = shown(suggested(engine, tmp_path, ["v"], rows), "form")
        assert one.lists_values is lists


def test_a_bound_that_is_a_value_of_the_column_counts_as_listing_it(
    engine: DuckEngine, tmp_path: Path
):
    """Ages that end at 95, held by many: the bound is that age. Pay spreads wide: it is no pay."""
    ages = [[str(20 + n % 60)] for n in range(290)] + [["95"]] * 10
    pay = [[str(5000 + 7 * n)] for n in range(300)]
    for rows, lists in ((ages, True), (pay, False)):
        found = suggested(engine, tmp_path, ["v"], rows, [RawColumn("v", "BIGINT")])
        (one,) = [one for one in found if one.kind == "range"]
        assert one.lists_values is lists, one.label


def test_the_form_of_a_value_hides_its_figures():
    assert form("1720 university blvd") == "# university blvd"


@pytest.mark.parametrize(("name", "least"), [("hospital", 0.95), ("beers", 0.97)])
def test_wrong_cells_of_labelled_tables_are_found_by_suggestions_alone(name: str, least: float):
    """Raha / HoloClean pairs (data/clean_bench); measured 0.980 and 0.984 on 2026-11-29."""
    folder = DATA / "clean_bench" / name
    if not folder.exists():
        pytest.skip(f"no labelled pair at {folder}")
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "clean_bench.py"), str(folder), "--json"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert set(told) == {"precision", "recall", "f1"}
    assert told["f1"] >= least


def test_a_word_that_is_at_home_in_another_column(engine: DuckEngine, tmp_path: Path):
    rows = [[f"city {'abcdefgh'[n % 8]}", ("north", "south", "west")[n % 3]] for n in range(400)]
    rows[7] = ["south", "city b"]
    found = suggested(engine, tmp_path, ["city", "region"], rows)
    for column in ("city", "region"):
        (one,) = shown(found, "misplaced", column)
        assert doubted(engine, one) == [7]


def test_signs_that_places_are_not_written_with(engine: DuckEngine, tmp_path: Path):
    rows = [[f"{'ABCDEFGH'[n % 8] * 3} Town", f"x{n}"] for n in range(600)]
    rows[5][0], rows[6][0] = "BBB Town-*", "CC9 Town"
    found = suggested(engine, tmp_path, ["city", "id"], rows)
    flagged = {row for one in shown(found, "characters", "city") for row in doubted(engine, one)}
    assert flagged == {5, 6}


def test_a_sensor_that_stands_still_is_told_from_the_night(engine: DuckEngine):
    """NREL inverter 2173 (data/power_pv_nrel): 245 rows are labelled stuck, 1,015 zeros are not."""
    path = DATA / "power_pv_nrel" / "ac_power_inv_2173_stale_data.csv.gz"
    if not path.exists():
        pytest.skip(f"no labelled series at {path}")
    manifest = engine.collect("t", [path], Reading(), None, inputs=["f"], step="s",
                              names=[path.name])  # fmt: skip
    engine.bind(manifest)
    (one,) = shown(suggest(engine, "t", manifest.columns, manifest.rows), "stuck")
    labels = [row[0] for row in engine.query(one.doubtful("t", "stale_data_mask"))]
    assert labels == ["True"] * 245
    sql.parse(one.counting())
