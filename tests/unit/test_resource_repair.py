"""Repair rules as SQL: read from a contract, and idempotent cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua import sql
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.errors import Broken, Invalid
from sanhua.kernel.table import Column
from sanhua.resource.repair import RepairColumn, RepairPlan, read, repaired

RULES = read(
    [
        "trim",
        "collapse",
        {"missing": ["N/A", "-"]},
        {"map": {"SH": "Shanghai"}},
        {"unit": ["oz", "%"]},
        {"dates": ["d/M/yyyy", "yyyy-MM-dd HH:mm"]},
        {"default": "none said"},
    ]
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    made = DuckEngine(Lake(tmp_path_factory.mktemp("lake")))
    yield made
    made.close()


def mended(engine: DuckEngine, cells: list[str | None]) -> tuple[list[Any], list[int]]:
    engine.bind_rows("t", [Column("x", "VARCHAR")], [[cell] for cell in cells])
    plan = RepairPlan("made", "t", [RepairColumn("x", "x", "", RULES)])
    sql.parse(plan.repaired())
    rows = engine.query(plan.repaired())
    return [row[0] for row in rows], [int(n) for n in engine.query(plan.counts())[0]]


CELLS = st.one_of(
    st.none(),
    st.sampled_from(["N/A", " n/a ", "SH", "12 oz", "0.5%", "3/2/2025", "2025-01-02 3:04", "a  b"]),
    st.text(alphabet="aSH1.-/% \t　", max_size=6),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_second_repair_changes_nothing(engine: DuckEngine, cells: list[str | None]):
    once, _ = mended(engine, cells)
    twice, changed = mended(engine, once)
    assert (once, changed[:-1]) == (twice, [0] * len(RULES))
    assert len(once) == len(cells) == changed[-1]


def test_each_rule_and_its_count(engine: DuckEngine):
    cells = [" SH ", "a  b", "n/a", "12 OZ", "3/2/2025", "2025-01-02 03:04", None, "12 kg"]
    made, changed = mended(engine, cells)
    assert made == ["Shanghai", "a b", "none said", "12", "2025-02-03", "2025-01-02 03:04:00",
                    "none said", "12 kg"]  # fmt: skip
    assert changed == [1, 1, 1, 1, 1, 2, 2, 8]


def test_a_majority_of_a_half_mends_nothing(engine: DuckEngine):
    rows = [["a", "1"], ["a", "2"], ["b", "1"], ["b", "1"], ["b", None], ["b", "3"], [None, "9"]]
    engine.bind_rows("t", [Column("k", "VARCHAR"), Column("v", "VARCHAR")], rows)
    columns = [RepairColumn("k", "k", "", ()),
               RepairColumn("v", "v", "BIGINT", read([{"majority": "k"}]))]  # fmt: skip
    plan = RepairPlan("made", "t", columns)
    assert sorted(engine.query(plan.repaired()), key=str) == sorted(
        [("a", 1), ("a", 2), ("b", 1), ("b", 1), ("b", 1), ("b", 1), (None, 9)], key=str
    )
    assert engine.query(plan.rejects()) == []
    assert engine.query(plan.counts()) == [(2, 7)]


def test_of_several_ways_to_write_a_day_the_first_that_reads_it_counts(engine: DuckEngine):
    engine.bind_rows("t", [Column("d", "VARCHAR")], [["03/04/2025"], ["03/14/2025"]])
    for words, day in ((["d/M/yyyy", "M/d/yyyy"], "04-03"), (["M/d/yyyy", "d/M/yyyy"], "03-04")):
        plan = RepairPlan("made", "t", [RepairColumn("d", "d", "DATE", read([{"dates": words}]))])
        days = {str(row[0]) for row in engine.query(plan.repaired())}
        assert days == {f"2025-{day}", "2025-03-14"}


def test_a_day_with_a_time_of_day_does_not_fit_a_day(engine: DuckEngine):
    cells = ["2025-01-02", "2025-01-02 00:00:00", "2025-01-02 10:30:00", "2025/1/3", None, "soon"]
    engine.bind_rows("t", [Column("d", "VARCHAR")], [[cell] for cell in cells])
    plan = RepairPlan("made", "t", [RepairColumn("d", "d", "DATE", ())])
    assert sorted(str(row[0]) for row in engine.query(plan.repaired())) == [
        "2025-01-02", "2025-01-02", "2025-01-03", "None",
    ]  # fmt: skip
    rejected = engine.query(plan.rejects())
    assert sorted(rejected) == [("2025-01-02 10:30:00", "d"), ("soon", "d")]


def test_rows_that_do_not_add_up_are_an_error():
    plan = RepairPlan("made", "t", [RepairColumn("x", "x", "", RULES[:1])])
    facts = {"before": "s1", "after": "s2", "definition": "d"}
    assert repaired("repair:made", plan, [3, 10], kept=9, rejected=1, **facts).rules[0].changed == 3
    with pytest.raises(Broken) as caught:
        repaired("repair:made", plan, [3, 10], kept=8, rejected=1, **facts)
    assert caught.value.code == "repair.rows-lost"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (["polish"], "repair.unknown"),
        ([{"missing": []}], "repair.wrong-form"),
        ([{"missing": [None]}], "repair.wrong-form"),
        ([{"trim": 1}], "repair.wrong-form"),
        (["missing"], "repair.wrong-form"),
        ([{"map": "x"}], "repair.wrong-form"),
        ([{"majority": ["a", "b"]}], "repair.wrong-form"),
        ([{"default": ""}], "repair.wrong-form"),
        ([{"map": {"a": "b"}, "unit": "kg"}], "repair.wrong-form"),
        ([{"dates": ["qq"]}], "collect.unknown-pattern"),
    ],
)
def test_what_is_no_rule_is_refused(written: Any, code: str):
    with pytest.raises(Invalid) as caught:
        read(written)
    assert caught.value.code == code


def test_a_majority_needs_another_column_of_the_table():
    for by in ("y", "x"):
        with pytest.raises(Invalid) as caught:
            RepairPlan("m", "t", [RepairColumn("x", "x", "", read([{"majority": by}]))])
        assert caught.value.code == "repair.majority-of-unknown"
