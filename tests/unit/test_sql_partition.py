"""Which column divides a query's work, and what does not."""

from __future__ import annotations

import pytest

from sanhua.sql import parse, partition

SCHEMAS = {
    "r": {"at": "TIMESTAMP", "day": "DATE", "kwh": "DOUBLE", "meter": "VARCHAR"},
    "m": {"meter": "VARCHAR", "region": "VARCHAR", "day": "DATE"},
}
DAY = 'CAST("at" AS DATE)'

DIVIDED = {
    "SELECT day, kwh FROM r": ("r", "day"),
    "SELECT CAST(at AS DATE) AS day, kwh FROM r WHERE kwh > 0": ("r", DAY),
    "SELECT CAST(at AS DATE) AS day, sum(kwh) AS kwh FROM r GROUP BY CAST(at AS DATE)": ("r", DAY),
    "SELECT CAST(at AS DATE) AS day, sum(kwh) AS kwh FROM r GROUP BY 1 HAVING sum(kwh) > 1": (
        "r", DAY,
    ),
    "SELECT x.day, m.region, sum(x.kwh) AS kwh FROM r x JOIN m ON x.meter = m.meter "
    "GROUP BY x.day, m.region": ("r", "day"),
    "SELECT x.day, m.region FROM r x LEFT JOIN m ON x.meter = m.meter": ("r", "day"),
    "SELECT DISTINCT day FROM r": ("r", "day"),
    "SELECT day, kwh FROM r WHERE meter IN (SELECT meter FROM m)": ("r", "day"),
    "SELECT r.day, m.region FROM m JOIN r ON r.meter = m.meter": ("r", "day"),
}  # fmt: skip
NOT_DIVIDED = [
    "SELECT day, lag(kwh) OVER (ORDER BY at) AS k FROM r",
    "SELECT max(day) AS day, meter FROM r GROUP BY meter",
    "SELECT max(day) AS day FROM r",
    "SELECT day, kwh FROM r UNION ALL SELECT day, 0 AS kwh FROM m",
    "SELECT a.day, b.kwh FROM r a JOIN r b ON a.meter = b.meter",
    "SELECT day, kwh FROM r WHERE kwh > (SELECT avg(kwh) FROM r)",
    "SELECT r.day, m.region FROM m LEFT JOIN r ON r.meter = m.meter",
    "SELECT r.day, m.region FROM m ASOF JOIN r ON r.meter = m.meter AND m.day >= r.day",
    "SELECT r.day, m.region FROM r FULL JOIN m ON r.meter = m.meter",
    "SELECT r.day, m.region FROM r RIGHT JOIN m ON r.meter = m.meter",
    "SELECT day, kwh FROM r ORDER BY kwh LIMIT 10",
    "WITH x AS (SELECT day, kwh FROM r) SELECT day, kwh FROM x",
    "SELECT coalesce(r.day, m.day) AS day FROM r JOIN m ON r.meter = m.meter",
    "SELECT DATE '2026-01-01' AS day, kwh FROM r",
    "SELECT DISTINCT ON (meter) day, meter FROM r ORDER BY meter, day",
    "SELECT day, sum(kwh) AS k FROM r GROUP BY ROLLUP (day)",
]


@pytest.mark.parametrize("text", DIVIDED)
def test_a_column_divides_the_work_where_each_value_is_of_rows_of_one_table(text: str):
    found = partition(parse(text), "day", SCHEMAS)
    assert found is not None and (found.table, found.expression) == DIVIDED[text]


@pytest.mark.parametrize("text", NOT_DIVIDED)
def test_what_may_look_at_other_rows_divides_nothing(text: str):
    assert partition(parse(text), "day", SCHEMAS) is None
