"""What is measured part by part equals what one scan of all rows gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sanhua.engine.duck as duck
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.table import Kept, Manifest, RawColumn, Reading

COLUMNS = [
    RawColumn("id", "BIGINT"),
    RawColumn("name", "VARCHAR"),
    RawColumn("kwh", "DECIMAL(12,2)"),
    RawColumn("day", "DATE"),
]
METRICS = [
    Metric("rows", "count(*)"),
    Metric("values", "count(name)"),
    Metric("low", "count_if(kwh < 1)"),
    Metric("sum", "sum(kwh)"),
    Metric("mean", "round(avg(kwh), 9)"),
    Metric("spread", "round(stddev_samp(kwh), 9)"),
    Metric("kinds", "approx_count_distinct(name)"),
    Metric("exactly", "count(DISTINCT name)"),
    Metric("first", "min(name)"),
    Metric("last", "max(day)"),
    Metric("range", "max(id) - min(id)"),
    Metric("share", "round(count_if(name = 'b') * 1.0 / count(*), 6)"),
    Metric("rule", "SELECT count(*) FROM t WHERE kwh > 3 AND name <> 'a'", Scan.QUERY),
    Metric("all_later", "SELECT bool_and(day >= DATE '2026-01-01') FROM t", Scan.QUERY),
    Metric("by_name", '"name"', Scan.UNIQUE),
    Metric("by_pair", '"id", "day"', Scan.UNIQUE),
    Metric("broken", "sum(nothing)"),
    Metric("fails", "max(CAST(name AS INTEGER))"),
]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckEngine]:
    monkeypatch.setattr(duck, "KEPT_FROM_ROWS", 0)
    made = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path / "tmp", kept=tmp_path / "kept.duckdb")
    yield made
    made.close()


def collect(
    engine: DuckEngine, folder: Path, files: dict[str, list[str]], before: Manifest | None = None
) -> Manifest:
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        (folder / name).write_text("\n".join(["id,name,kwh,day", *rows]) + "\n", "utf-8")
    kept = [
        Kept(part, before.id, frozenset(zip(part.inputs, part.names, strict=True)))
        for part in (before.parts if before else ())
    ]
    return engine.collect(
        "t",
        [folder / name for name in files],
        Reading(),
        COLUMNS,
        inputs=[f"raw_file:{name}@{hash(tuple(rows))}" for name, rows in files.items()],
        step="s",
        names=list(files),
        before=kept,
    )


def values(engine: DuckEngine, manifest: Manifest, *, whole: bool = False) -> dict[str, object]:
    engine.bind(manifest)
    kept, engine._kept = engine._kept, None if whole else engine._kept
    try:
        found = engine.measure("t", METRICS)
    finally:
        engine._kept = kept
    assert [one.metric for one in found] == METRICS
    return {one.metric.id: one.error.code if one.error else one.value for one in found}


row = st.builds(
    "{},{},{},2026-01-{:02}".format,
    st.integers(0, 30),
    st.sampled_from(["a", "b", "中文", "", "7"]),
    st.sampled_from(["0.10", "2.50", "99999.99", ""]),
    st.integers(1, 28),
)
file = st.lists(row, max_size=6)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(file, min_size=2, max_size=4), file, st.booleans())
def test_part_by_part_equals_one_scan_also_after_a_file_more_and_a_correction(
    engine: DuckEngine, tmp_path: Path, files: list[list[str]], more: list[str], corrected: bool
):
    named = {f"f{n}.csv": ["1,a,1.00,2026-01-01", *rows] for n, rows in enumerate(files)}
    first = collect(engine, tmp_path / "raw", named)
    assert values(engine, first) == values(engine, first, whole=True)
    named["f9.csv"] = ["2,7,1.00,2026-01-02", *more]
    if corrected:
        named["f0.csv"] = ["1,a,5.00,2026-01-01"]
    second = collect(engine, tmp_path / "raw", named, first)
    assert values(engine, second) == values(engine, second, whole=True)


def test_the_values_are_the_right_ones(engine: DuckEngine, tmp_path: Path):
    files = {
        "a.csv": ["1,a,1.00,2026-01-01", "2,b,4.00,2026-01-02"],
        "b.csv": ["1,b,9.00,2026-01-01", "5,,0.50,2025-12-31"],
    }
    found = values(engine, collect(engine, tmp_path / "raw", files))
    assert found | {"spread": 0} == {
        "rows": 4, "values": 3, "low": 1, "sum": Decimal("14.50"), "mean": Decimal("3.625"),
        "spread": 0, "kinds": 2, "exactly": 2, "first": "a", "last": found["last"], "range": 4,
        "share": Decimal("0.5"), "rule": 2, "all_later": False, "by_name": 1, "by_pair": 1,
        "broken": "engine.cannot-bind", "fails": "engine.cannot-run",
    }  # fmt: skip


def test_only_new_files_are_scanned(
    engine: DuckEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    files = {f"f{n}.csv": [f"{n},a,1.00,2026-01-01"] for n in range(5)}
    first = collect(engine, tmp_path / "raw", files)
    plain = [m for m in METRICS if m.id in ("rows", "sum", "low", "kinds", "rule", "by_pair")]
    engine.bind(first)
    engine.measure("t", plain)
    files["f9.csv"] = ["9,b,2.00,2026-01-09"]
    second = collect(engine, tmp_path / "raw", files, first)
    engine.bind(second)
    old = {part.file.sha256 for part in first.parts}
    for part in second.parts[:5]:  # whoever reads them now fails
        path = engine.lake.path(second) / part.file.path
        path.unlink()
        path.write_bytes(b"nothing")
    plain = [metric for metric in plain if metric.scan is not Scan.UNIQUE]
    found = {one.metric.id: one.value for one in engine.measure("t", plain)}
    assert found == {"rows": 6, "sum": 7, "low": 0, "kinds": 2, "rule": 0}
    assert {part.file.sha256 for part in second.parts[:5]} == old


def test_what_is_kept_may_be_deleted_or_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(duck, "KEPT_FROM_ROWS", 0)
    kept, manifest = tmp_path / "kept.duckdb", None
    for damage in (None, b"not a database", b"", None):
        if damage is not None:
            kept.write_bytes(damage)
        made = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path / "tmp", kept=kept)
        files = {f"f{n}.csv": [f"{n},a,1.00,2026-01-01"] for n in range(3)}
        manifest = collect(made, tmp_path / "raw", files)
        assert values(made, manifest)["rows"] == 3
        made.close()
    first = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path / "tmp", kept=kept)
    assert first._kept is not None and replace(manifest) == manifest
    first.close()
