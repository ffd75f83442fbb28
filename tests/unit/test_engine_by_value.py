"""A predicate asked once of each distinct value answers as one asked of every row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.engine import duck
from sanhua.engine.by_value import ROWS, by_value
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.table import RawColumn, Reading

EXPRESSIONS = (
    "count_if(\"a b\" IS NULL)",
    "count_if(NOT regexp_matches(\"a b\", '^C[0-9]{2}$'))",
    "count_if(regexp_matches(\"a b\", '^$|x*y'))",
    "count_if(\"a b\" NOT IN ('', 'C01', 'x'))",
    "count_if(coalesce(\"a b\", '') IN ('', 'N/A'))",
    "count_if(length(\"a b\") < 2 OR length(\"a b\") > 5)",
    "count_if(CASE WHEN length(\"a b\") = 3 THEN regexp_matches(\"a b\", 'C') ELSE FALSE END)",
    "count_if(trim(\"a b\") <> \"a b\")",
    "count(\"a b\")",
    "count(TRY_CAST(regexp_extract(\"a b\", '^[+-]?[0-9]+$') AS BIGINT))",
    "min(TRY_CAST(\"a b\" AS DOUBLE))",
    "max(length(\"a b\"))",
    "min(\"a b\")",
    "approx_count_distinct(\"a b\")",
    "count_if(\"a b\" = 'it''s')",
)  # fmt: skip


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "C01", "C02 ", "x", "xy", "N/A", "12", "-0", "1e3", "nan", "it's"]),
    st.text(max_size=6),
)


@given(st.lists(TEXTS, max_size=40))
def test_each_figure_is_the_same_over_values_as_over_rows(
    db: duckdb.DuckDBPyConnection, texts: list[str | None]
):
    cells = [text.replace("\0", "") if text else text for text in texts]
    db.execute('CREATE OR REPLACE TABLE t ("a b" VARCHAR, other INTEGER)')
    if cells:
        db.execute("INSERT INTO t SELECT unnest(?::VARCHAR[]), 1", [cells])
    made = by_value(EXPRESSIONS, ["a b", "other"], {"a b"})["a b"]
    assert list(made) == list(EXPRESSIONS)
    plain = db.execute(f"SELECT {', '.join(EXPRESSIONS)} FROM t").fetchall()
    listed = ", ".join(f"({one})" for one in made.values())
    grouped = db.execute(
        f'SELECT {listed} FROM (SELECT "a b", count(*) AS "{ROWS}" FROM t GROUP BY "a b")'
    ).fetchall()
    assert repr(plain) == repr(grouped)


@pytest.mark.parametrize(
    "expression",
    [
        "count(*)",
        "count_if(a IN ('x') AND b IN ('y'))",  # two columns
        "count_if(a IN (SELECT b FROM u))",
        "count_if(a IN ('x')) + count_if(a IN ('y'))",  # no one call
        "count_if(t.a IN ('x'))",
        "count_if(random() < 0.5 AND a IN ('x'))",
        "count(DISTINCT a)",
        "avg(length(a))",
        "sum(CASE WHEN a = 'x' THEN 1 END)",
        "count_if(COLUMNS(*) IN ('x'))",
        "count_if(\"A B\" IN ('x'))",  # no column of the table
        "count_if(a IN ('x')) FILTER (WHERE a > 'b')",
        "count_if(count_if(a) OVER () IN (1))",
    ],
)
def test_what_may_not_follow_from_one_value_is_asked_of_every_row(expression: str):
    assert by_value([expression, "count_if(b IN ('z'))"], ["a", "b"], {"a"}) == {}


def test_a_column_whose_predicates_are_cheap_is_left_alone():
    assert by_value(["count_if(a IS NULL)", "count(a)"], ["a"], {"a"}) == {}
    found = by_value(["count_if(a IS NULL)", "count_if(A IN ('x'))"], ["a"], {"a"})
    assert [*found["a"]] == ["count_if(a IS NULL)", "count_if(A IN ('x'))"]


def test_the_engine_answers_alike_and_finds_the_guilty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Rules of two columns, one of few values; a cast that fails is told of its own metric."""
    path = tmp_path / "a.csv"
    lines = [f"{'CAB'[n % 3]}{n % 7},{n},{'' if n % 5 else 'x'}" for n in range(5000)]
    path.write_text("few,many,seldom\n" + "\n".join(lines) + "\n")
    asked = [
        Metric(f"{n}", expression, scan)
        for scan in (Scan.SHARED, Scan.SAMPLE)
        for n, expression in enumerate(
            [
                "count_if(NOT regexp_matches(few, '^C[0-9]$'))",
                "count_if(few NOT IN ('C1', 'A2'))",
                "count_if(seldom IN ('x'))",
                "count_if(regexp_matches(many, '9$'))",
                "count_if(CAST(few AS INTEGER) IN (1))",
                "count(few)",
                "avg(length(few))",
            ]
        )
    ]
    answers: list[Any] = []
    grouped: list[str] = []
    real = DuckEngine._per_value  # pyright: ignore[reportPrivateUsage]

    def watched(self: DuckEngine, relation: str, column: str, counts: Any) -> Any:
        grouped.append(column)
        return real(self, relation, column, counts)

    monkeypatch.setattr(DuckEngine, "_per_value", watched)
    for least in (1 << 60, 0):
        monkeypatch.setattr(duck, "REPEATING_ROWS_MIN", least)
        engine = DuckEngine(Lake(tmp_path / f"lake{least}"), temp=tmp_path)
        manifest = engine.collect(
            "t", [path], Reading(), None, inputs=["f"], step="s", names=["a.csv"]
        )
        engine.bind(manifest)
        answers.append([(m.value, m.error and m.error.code) for m in engine.measure("t", asked)])
        engine.close()
    assert answers[0] == answers[1] and answers[0][4] == (None, "engine.cannot-run")
    assert sorted(grouped) == ["few", "few", "seldom", "seldom"]


def test_a_key_of_whole_numbers_is_counted_by_bits_and_by_groups_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Numbers close together, negative, missing, all missing, at the ends of their type."""
    cells: dict[str, list[int | None]] = {
        "near": [n // 2 - 100 for n in range(1000)],
        "unique": [1000 - n for n in range(1000)],
        "gaps": [n % 300 if n % 7 else None for n in range(1000)],
        "none": [None] * 1000,
        "far": [(n % 900) * 10**15 for n in range(1000)],
        "ends": [(-(2**63), 2**63 - 1, n)[n % 3] for n in range(1000)],
    }
    path = tmp_path / "a.csv"
    rows = zip(*cells.values(), strict=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_text(",".join(cells) + "\n" + "\n".join(lines) + "\n")
    wanted = [len(there) - len({*there}) for there in ([v for v in column if v is not None]
              for column in cells.values())]  # fmt: skip
    for most in (1 << 28, 0):
        monkeypatch.setattr(duck, "BITS_MAX", most)
        engine = DuckEngine(Lake(tmp_path / f"lake{most}"), temp=tmp_path)
        typed = [RawColumn(name, "BIGINT") for name in cells]
        manifest = engine.collect(
            "t", [path], Reading(), typed, inputs=["f"], step="s", names=["a.csv"]
        )
        engine.bind(manifest)
        keys = [Metric(name, f'"{name}"', Scan.UNIQUE) for name in cells]
        assert [one.value for one in engine.measure("t", keys)] == wanted
        engine.close()
