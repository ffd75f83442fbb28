"""Keyed files: what a narrower deal gives is part of what the wider one gives, and never more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sanhua.engine.keyed import KeyedFile, write
from sanhua.kernel.table import Column, Sold

COLUMNS = (
    Column("id", "VARCHAR"),
    Column("name", "VARCHAR"),
    Column("day", "DATE"),
    Column("kwh", "DECIMAL(12,2)"),
    Column("hours", "BIGINT"),
)
FIELDS = tuple(column.name for column in COLUMNS)
MASKS = {
    "name": ["token", "null", "first 1", "first 2"],
    "day": ["year", "month", "null"],
    "kwh": ["round 0", "round -1", "null"],
    "hours": ["null", "round -1"],
}
PREDICATES = [
    "kwh > 5",
    "hours IS NOT NULL",
    "name <> 'b'",
    "day >= DATE '2026-02-01'",
    "hours < 3",
]

rows = st.lists(
    st.tuples(
        st.sampled_from(["k1", "k2", "k3", "k'4", ""]),
        st.none() | st.text("ab'\"\\ 用", max_size=3),
        st.none() | st.dates().map(str),
        st.none() | st.decimals(0, 1000, places=2),
        st.none() | st.integers(-5, 5),
    ),
    max_size=12,
)
masks = st.fixed_dictionaries({}, optional={n: st.sampled_from(m) for n, m in MASKS.items()})


def kept(db: duckdb.DuckDBPyConnection, sold: Sold, path: Path) -> dict[str, list[dict[str, Any]]]:
    """Key → rows, as lookups and as pages: both give the same."""
    path.unlink(missing_ok=True)
    count = write(db, sold, COLUMNS, path)
    file = KeyedFile(path)
    try:
        paged: list[str] = []
        after: tuple[str | int, ...] = ()
        while True:
            page, after = file.page((), after, 2)
            paged += page
            if not after:
                break
        keys = sorted({str(row[0]) for row in db.execute("SELECT id FROM t").fetchall()})
        found = {key: [json.loads(body) for body in file.rows_at([key])] for key in keys}
        assert count == len(paged) == sum(map(len, found.values()))
        return found
    finally:
        file.close()


@given(
    rows,
    st.sets(st.sampled_from(FIELDS)),
    st.sets(st.sampled_from(FIELDS)),
    masks,
    masks,
    st.sets(st.sampled_from(PREDICATES), max_size=2),
    st.sets(st.sampled_from(PREDICATES), max_size=2),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_narrower_deal_gives_no_field_row_or_value_that_the_wider_one_hides(
    tmp_path_factory,
    rows: list[tuple[Any, ...]],
    fields: set[str],
    fewer: set[str],
    hidden: dict[str, str],
    more_hidden: dict[str, str],
    conditions: set[str],
    more_conditions: set[str],
):
    folder = tmp_path_factory.mktemp("keyed")
    listed = tuple(name for name in FIELDS if name in fields | {"id"})
    wide = Sold("t", listed, ("id",), " AND ".join(sorted(conditions)), hidden, "salt")
    narrow = replace(
        wide,
        fields=tuple(name for name in listed if name in fewer | {"id"}),
        rows=" AND ".join(sorted(conditions | more_conditions)),
        mask=more_hidden | hidden,  # what the wider one masks stays masked as it is
    )
    db = duckdb.connect()
    try:
        spelt = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
        db.execute(f"CREATE TABLE t ({spelt})")
        if rows:
            db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        given_wide = kept(db, wide, folder / "wide")
        given_narrow = kept(db, narrow, folder / "narrow")
        raw = {
            name: {str(row[0]) for row in db.execute(f"SELECT {name} FROM t").fetchall()}
            for name in FIELDS
        }
    finally:
        db.close()
    for key, answered in given_narrow.items():
        wider = list(given_wide[key])
        assert len(answered) <= len(wider)
        for row in answered:
            assert set(row) == set(narrow.fields) <= set(wide.fields)
            shared = [name for name in row if name not in set(more_hidden) - set(hidden)]
            match = next(w for w in wider if all(w[name] == row[name] for name in shared))
            wider.remove(match)
            for name in set(row) & set(more_hidden) - set(hidden):
                masked = more_hidden[name]
                if masked == "null":
                    assert row[name] is None
                elif masked == "token" and row[name] is not None:
                    assert str(row[name]) not in raw[name] and len(row[name]) == 32
                elif masked.startswith("first") and row[name] is not None:
                    assert len(row[name]) <= int(masked[-1])


def test_a_predicate_from_a_deal_cannot_leave_its_place(tmp_path: Path):
    """Comments, statements and unbalanced brackets are refused when it is parsed again."""
    import pytest

    from sanhua.kernel.errors import Invalid

    db = duckdb.connect()
    try:
        db.execute("CREATE TABLE t (id VARCHAR, name VARCHAR)")
        for rows in ("1=1) UNION SELECT * FROM (t", "1=1; DROP TABLE t", "id = (SELECT 1", "("):
            with pytest.raises(Invalid):
                write(db, Sold("t", ("id",), ("id",), rows), COLUMNS[:2], tmp_path / "x")
        write(db, Sold("t", ("id",), ("id",), "id = 'a' OR 1=1 -- "), COLUMNS[:2], tmp_path / "x")
    finally:
        db.close()
