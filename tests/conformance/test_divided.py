"""A partitioned table brought up to date equals one that is built whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import sanhua.engine.duck as duck
from sanhua import sql
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import Column, Division, Kept, Manifest, RawColumn, Reading

COLUMNS = [RawColumn("at", "TIMESTAMP"), RawColumn("meter", "VARCHAR"), RawColumn("kwh", "BIGINT")]
SCHEMAS = {
    "r": {"at": "TIMESTAMP", "meter": "VARCHAR", "kwh": "BIGINT"},
    "m": {"meter": "VARCHAR", "region": "VARCHAR"},
}
DAILY = (
    "SELECT CAST(r.at AS DATE) AS day, m.region, sum(r.kwh) AS kwh, count(*) AS n "
    "FROM r LEFT JOIN m ON r.meter = m.meter WHERE r.kwh <> 3 "
    "GROUP BY CAST(r.at AS DATE), m.region"
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckEngine]:
    made = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path / "tmp")
    regions = [["a", "north"], ["b", "south"]]
    made.bind_rows("m", [Column("meter", "VARCHAR"), Column("region", "VARCHAR")], regions)
    yield made
    made.close()


def collect(
    engine: DuckEngine, folder: Path, files: dict[str, list[str]], before: Manifest | None = None
) -> Manifest:
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        (folder / name).write_text("\n".join(["at,meter,kwh", *rows]) + "\n", "utf-8")
    kept = [
        Kept(part, before.id, frozenset(zip(part.inputs, part.names, strict=True)))
        for part in (before.parts if before else ())
    ]
    made = engine.collect(
        "r",
        [folder / name for name in files],
        Reading(),
        COLUMNS,
        inputs=[f"raw_file:{name}@{hash(tuple(rows))}" for name, rows in files.items()],
        step="s",
        names=list(files),
        before=kept,
    )
    engine.bind(made)
    return made


def build(
    engine: DuckEngine,
    before: Manifest | None = None,
    then: Manifest | None = None,
    query: str = DAILY,
) -> Manifest:
    found = sql.partition(sql.parse(query), "day", SCHEMAS)
    assert found is not None
    return engine.build(
        "daily",
        query,
        order_by=["day", "region"],
        types={},
        inputs=["x"],
        step="s",
        division=Division(found.column, found.table, found.expression, before, then),
    )


row = st.builds(
    "{},{},{}".format,
    st.sampled_from(["2026-01-01 00:00", "2026-01-01 23:00", "2026-01-02 01:00", "2025-12-31", ""]),
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 5),
)
file = st.lists(row, max_size=5)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(file, min_size=1, max_size=3), st.lists(file, min_size=1, max_size=3))
@example(  # the meter c has no region: a NULL beside what did not change
    [["2026-01-01 00:00,a,0", "2026-01-02 01:00,a,0"]],
    [["2026-01-01 00:00,c,0"], ["2026-01-01 00:00,a,0", "2026-01-02 01:00,a,0"]],
)
@example([[]], [[], ["2026-01-01 00:00,a,3"]])  # nothing, for another reason
def test_brought_up_to_date_is_built_whole_byte_for_byte(
    engine: DuckEngine, tmp_path: Path, first: list[list[str]], second: list[list[str]]
):
    one = collect(engine, tmp_path / "raw", {f"{n}.csv": rows for n, rows in enumerate(first)})
    before = build(engine)
    named = {f"{n}.csv": rows for n, rows in enumerate(second)}
    collect(engine, tmp_path / "raw", named, one)
    assert build(engine, before, one) == build(engine)


def test_a_part_whose_value_did_not_change_is_taken_over_uncopied(
    engine: DuckEngine, tmp_path: Path
):
    files = {
        "1.csv": ["2026-01-01 10:00,a,1"],
        "2.csv": ["2026-01-02 10:00,a,2"],
        "3.csv": [",b,4"],
    }
    one = collect(engine, tmp_path / "raw", files)
    before = build(engine)
    assert [part.partition for part in before.parts] == [(None,), ("2026-01-01",), ("2026-01-02",)]
    files["4.csv"] = ["2026-01-02 11:00,b,5"]
    collect(engine, tmp_path / "raw", files, one)
    found = build(engine, before, one)
    inode = [
        (engine.lake.path(made) / made.parts[1].file.path).stat().st_ino for made in (before, found)
    ]
    assert inode[0] == inode[1] and [part.file.rows for part in found.parts] == [1, 1, 2]


def test_a_value_whose_rows_are_gone_is_no_part_and_a_table_may_be_empty(
    engine: DuckEngine, tmp_path: Path
):
    files = {"1.csv": ["2026-01-01 10:00,a,1"], "2.csv": ["2026-01-02 10:00,a,2"]}
    one = collect(engine, tmp_path / "raw", files)
    before = build(engine)
    files["1.csv"] = ["2026-01-02 10:00,a,9"]
    two = collect(engine, tmp_path / "raw", files, one)
    found = build(engine, before, one)
    assert [part.partition for part in found.parts] == [("2026-01-02",)]
    files = {"1.csv": [], "2.csv": []}
    collect(engine, tmp_path / "raw", files, two)
    empty = build(engine, found, two)
    assert empty.rows == 0 and empty == replace(build(engine))
    engine.bind(empty)
    assert engine.query("SELECT count(*) FROM daily") == [(0,)]


def test_too_many_values_are_refused(
    engine: DuckEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(duck, "PARTITIONS_MAX", 1)
    collect(engine, tmp_path / "raw", {"1.csv": ["2026-01-01,a,1", "2026-01-02,a,1"]})
    with pytest.raises(Invalid) as error:
        build(engine)
    assert error.value.code == "engine.too-many-partitions"


def test_rows_that_the_query_leaves_out_need_no_value(engine: DuckEngine, tmp_path: Path):
    query = "SELECT CAST(meter AS DATE) AS day, kwh FROM r WHERE meter <> 'none'"
    files = {"1.csv": ["2026-01-01,2026-01-01,1"]}
    one = collect(engine, tmp_path / "raw", files)
    before = build(engine, query=query)
    files["2.csv"] = ["2026-01-01,none,1", "2026-01-01,2026-01-02,5"]
    collect(engine, tmp_path / "raw", files, one)
    assert build(engine, before, one, query=query) == build(engine, query=query)


def test_a_negative_zero_is_the_zero_that_is_there(engine: DuckEngine, tmp_path: Path):
    query = "SELECT CAST(meter AS DOUBLE) AS day, sum(kwh) AS kwh FROM r GROUP BY 1"
    files = {"1.csv": ["2026-01-01,0.0,1"]}
    one = collect(engine, tmp_path / "raw", files)
    before = build(engine, query=query)
    files["2.csv"] = ["2026-01-01,-0.0,5"]
    collect(engine, tmp_path / "raw", files, one)
    assert build(engine, before, one, query=query).rows == 1


def test_a_table_is_built_in_utc_wherever_the_machine_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    made = DuckEngine(Lake(tmp_path / "lake"))
    text = "SELECT CAST(CAST('2026-01-01 20:00+00' AS TIMESTAMPTZ) AS DATE) AS day"
    made.bind(made.build("t", text, order_by=[], types={}, inputs=[], step="s"))
    assert made.query("SELECT CAST(day AS VARCHAR) FROM t") == [("2026-01-01",)]
    made.close()
