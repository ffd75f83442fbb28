"""The profile of a snapshot: figures as counted by hand, and no text of a person kept."""

from __future__ import annotations

import csv
import statistics
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.table import RawColumn, Reading
from sanhua.resource import profile

COLUMNS = [
    RawColumn("name", "VARCHAR"),
    RawColumn("n", "BIGINT"),
    RawColumn("kwh", "DECIMAL(12,2)"),
    RawColumn("x", "DOUBLE"),
    RawColumn("ok", "BOOLEAN"),
    RawColumn("day", "DATE"),
    RawColumn("at", "TIMESTAMP"),
]


def profiled(folder: Path, rows: list[list[Any]]) -> dict[str, profile.ColumnProfile]:
    with (folder / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)  # an empty row is one in quotes only
        writer.writerow([column.name for column in COLUMNS])
        writer.writerows(rows)
    engine = DuckEngine(Lake(folder / "lake"), temp=folder)
    try:
        manifest = engine.collect(
            "t",
            [folder / "a.csv"],
            Reading(),
            COLUMNS,
            inputs=["raw_file:a"],
            step="s",
            names=["a.csv"],
        )
        engine.bind(manifest)
        measured = engine.measure("t", profile.metrics("t", manifest.columns))
    finally:
        engine.close()
    made = profile.of(manifest, measured)
    assert (made.id, made.snapshot, made.rows) == ("profile:t", manifest.id, len(rows))
    return {column.name: column for column in made.columns}


def test_figures_of_every_type(tmp_path: Path):
    found = profiled(
        tmp_path,
        [
            ["张三", 1, "1.50", 0.5, "true", "2026-01-01", "2026-01-01 00:00:00"],
            ["李小四", 2, "2.50", 1.5, "false", "2026-01-03", "2026-01-01 06:00:00"],
            ["", "", "", "", "", "", ""],
            ["王五", 3, "9.00", 4.0, "true", "2026-01-02", ""],
        ],
    )
    name, n, kwh = found["name"], found["n"], found["kwh"]
    assert (name.nulls, name.distinct, name.least, name.most) == (1, 3, "2", "3")
    assert name.mean == Decimal("2.33333333")
    assert (n.least, n.most, n.mean, n.deviation) == ("1", "3", Decimal(2), Decimal(1))
    assert (kwh.least, kwh.most, kwh.quantiles[2]) == ("1.50", "9.00", "2.50")
    assert found["x"].deviation == Decimal("1.80277564")
    assert (found["ok"].nulls, found["ok"].distinct, found["ok"].least) == (1, 2, None)
    assert (found["day"].least, found["day"].most) == ("2026-01-01", "2026-01-03")
    assert found["at"].most == "2026-01-01 06:00:00"
    assert "张三" not in repr(found)


def test_a_table_of_no_rows_has_a_profile(tmp_path: Path):
    for column in profiled(tmp_path, []).values():
        assert (column.nulls, column.distinct, column.least, column.mean) == (0, 0, None, None)
        assert column.quantiles == ()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(min_value=-(10**9), max_value=10**9), min_size=2, max_size=40))
def test_mean_and_deviation_are_those_of_the_values(tmp_path: Path, values: list[int]):
    n = profiled(tmp_path, [["", value, "", "", "", "", ""] for value in values])["n"]
    assert n.mean is not None and n.deviation is not None
    assert abs(float(n.mean) - statistics.fmean(values)) <= 1e-8 * max(map(abs, [*values, 1]))
    assert abs(float(n.deviation) - statistics.stdev(values)) <= 1e-6 * max(map(abs, [*values, 1]))
