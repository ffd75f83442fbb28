"""Column lineage: whole source sets of every output column, and columns that do not exist."""

from __future__ import annotations

import pytest

from sanhua import sql
from sanhua.kernel.errors import Invalid
from sanhua.sql import ColumnLineage

SCHEMAS = {
    "t": {"id": "BIGINT", "a": "BIGINT", "b": "VARCHAR", "at": "TIMESTAMP"},
    "u": {"id": "BIGINT", "c": "DOUBLE", "d": "VARCHAR"},
    "v": {"id": "BIGINT", "up": "BIGINT", "name": "VARCHAR"},
    "读数": {"户号": "VARCHAR", "时刻": "TIMESTAMP", "电量": "DECIMAL(12,2)"},
}


def made(text: str) -> dict[str, ColumnLineage]:
    return {column.name: column for column in sql.lineage(sql.parse(text), SCHEMAS)}


def sources(text: str) -> dict[str, str]:
    """`t.a t.b` a column."""
    return {
        name: " ".join(f"{table}.{column}" for table, column in column.sources)
        for name, column in made(text).items()
    }


FORMS = {
    "copy": ("SELECT a FROM t", {"a": "t.a"}),
    "rename": ("SELECT a AS x FROM t AS q", {"x": "t.a"}),
    "compute": ("SELECT a + length(b) AS x FROM t", {"x": "t.a t.b"}),
    "constant": ("SELECT 1 AS one, a FROM t", {"one": "", "a": "t.a"}),
    "aggregate": ("SELECT b, sum(a) AS s, count(*) AS n FROM t GROUP BY b",
                  {"b": "t.b", "s": "t.a", "n": ""}),
    "join": ("SELECT t.a, u.c FROM t JOIN u ON t.id = u.id", {"a": "t.a", "c": "u.c"}),
    "using": ("SELECT id, a, c FROM t LEFT JOIN u USING (id)",
              {"id": "t.id u.id", "a": "t.a", "c": "u.c"}),
    "star": ("SELECT * FROM u", {"id": "u.id", "c": "u.c", "d": "u.d"}),
    "star over a join": ("SELECT u.*, a FROM t JOIN u ON t.id = u.id",
                         {"id": "u.id", "c": "u.c", "d": "u.d", "a": "t.a"}),
    "exclude": ("SELECT * EXCLUDE (id) FROM u", {"c": "u.c", "d": "u.d"}),
    "replace": ("SELECT * REPLACE (c * 2 AS c) FROM u", {"id": "u.id", "c": "u.c", "d": "u.d"}),
    "cte": ("WITH x AS (SELECT a AS p FROM t) SELECT p + 1 AS q FROM x", {"q": "t.a"}),
    "nested cte": (
        "WITH x AS (SELECT a, b FROM t), y AS (SELECT a + length(b) AS p FROM x) SELECT p FROM y",
        {"p": "t.a t.b"},
    ),
    "cte with names": ("WITH x(p, q) AS (SELECT a, b FROM t) SELECT q, p FROM x",
                       {"q": "t.b", "p": "t.a"}),
    "cte that hides": ("WITH t AS (SELECT c AS a FROM u) SELECT a FROM t", {"a": "u.c"}),
    "subquery": ("SELECT p FROM (SELECT a * 2 AS p FROM t) AS x", {"p": "t.a"}),
    "union": ("SELECT a AS x FROM t UNION ALL SELECT c FROM u", {"x": "t.a u.c"}),
    "except": ("SELECT a AS x FROM t EXCEPT SELECT id FROM u", {"x": "t.a"}),
    "intersect": ("SELECT a AS x FROM t INTERSECT SELECT id FROM u", {"x": "t.a u.id"}),
    "scalar subquery": ("SELECT a, (SELECT max(c) FROM u) AS m FROM t", {"a": "t.a", "m": "u.c"}),
    "correlated": ("SELECT (SELECT sum(c) FROM u WHERE u.id = t.id) AS s FROM t", {"s": "u.c"}),
    "exists": ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)", {"a": "t.a"}),
    "in": ("SELECT a IN (SELECT id FROM u) AS known FROM t", {"known": "t.a"}),
    "case": ("SELECT CASE WHEN a > 0 THEN b ELSE 'x' END AS y FROM t", {"y": "t.a t.b"}),
    "window": ("SELECT sum(a) OVER (PARTITION BY b ORDER BY at) AS s FROM t", {"s": "t.a"}),
    "named window": ("SELECT lag(a) OVER w AS p FROM t WINDOW w AS (PARTITION BY b ORDER BY at)",
                     {"p": "t.a"}),
    "filter": ("SELECT sum(a) FILTER (WHERE b = 'x') AS s FROM t", {"s": "t.a"}),
    "qualify": (
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY at) = 1", {"a": "t.a"},
    ),
    "self join": ("SELECT one.name AS child, two.name AS parent FROM v one JOIN v two "
                  "ON one.up = two.id", {"child": "v.name", "parent": "v.name"}),
    "recursive": (
        "WITH RECURSIVE r AS (SELECT id, name FROM v WHERE up IS NULL UNION ALL "
        "SELECT v.id, r.name || v.name FROM v JOIN r ON v.up = r.id) SELECT name FROM r",
        {"name": "v.name"},
    ),
    "recursive swap": (
        "WITH RECURSIVE r(x, y) AS (SELECT a, length(b) FROM t UNION ALL "
        "SELECT y, x FROM r WHERE x < 9) SELECT x FROM r",
        {"x": "t.a t.b"},
    ),
    "values": ("SELECT n, a FROM t, (VALUES (1), (2)) AS w(n)", {"n": "", "a": "t.a"}),
    "joined brackets": ("SELECT a, c FROM (t JOIN u ON t.id = u.id)", {"a": "t.a", "c": "u.c"}),
    "natural": ("SELECT a, c FROM t NATURAL JOIN u", {"a": "t.a", "c": "u.c"}),
    "alias used again": ("SELECT a + 1 AS p, p * 2 AS q FROM t", {"p": "t.a", "q": "t.a"}),
    "from first": ("FROM t SELECT b", {"b": "t.b"}),
    "chinese names": ("SELECT 户号, sum(电量) AS 日电量 FROM 读数 GROUP BY 户号",
                      {"户号": "读数.户号", "日电量": "读数.电量"}),
    "other case": ("SELECT A, U.C FROM T JOIN U ON T.ID = U.ID", {"A": "t.a", "C": "u.c"}),
    "quoted": ('SELECT "a" AS "The A" FROM "t"', {"The A": "t.a"}),
    "cast": ("SELECT try_cast(b AS BIGINT) AS n FROM t", {"n": "t.b"}),
    "union in a subquery": (
        "SELECT sum(x) AS s FROM (SELECT a AS x FROM t UNION ALL SELECT c FROM u)",
        {"s": "t.a u.c"},
    ),
    "order inside an aggregate": ("SELECT string_agg(b, ',' ORDER BY at) AS s FROM t",
                                  {"s": "t.b"}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_whole_source_set_of_every_column(form: str):
    text, wanted = FORMS[form]
    assert sources(text) == wanted


UNREPEATABLE = {
    "SELECT sum(c) AS x FROM u": [("sql.inexact", "sum()", 1)],
    "SELECT b,\n  avg(a / 2) AS x FROM t GROUP BY b": [("sql.inexact", "avg()", 2)],
    "SELECT sum(CAST(a AS DOUBLE)) AS x FROM unknown": [("sql.inexact", "sum()", 1)],
    "WITH y AS (SELECT c + 1 AS p FROM u) SELECT sum(p) AS x FROM y": [("sql.inexact", "sum()", 1)],
    "SELECT stddev(a) AS x FROM t": [("sql.inexact", "stddev()", 1)],
    "SELECT corr(a, id) AS x FROM t": [("sql.inexact", "corr()", 1)],
    "SELECT mode(b) AS x FROM t": [("sql.ties", "mode()", 1)],
    "SELECT arg_max(b, a) AS x FROM t": [("sql.ties", "arg_max()", 1)],
    "SELECT arg_min(b, a) AS x FROM t": [("sql.ties", "arg_min()", 1)],
    "SELECT any_value(b) AS x FROM t": [("sql.ties", "any_value()", 1)],
    "SELECT a FROM t LIMIT 3": [("sql.unordered", "LIMIT", 1)],
    "SELECT sum(电量) AS x, avg(电量) AS y, median(电量) AS z FROM 读数": [],
    "SELECT sum(a) AS x, avg(a) AS y, max(a) AS z FROM t": [],
    "SELECT sum(CAST(c AS DECIMAL(12,2))) AS x, max(c) AS y, count(c) AS n FROM u": [],
}


@pytest.mark.parametrize("text", UNREPEATABLE)
def test_what_may_give_other_bytes_each_run_is_told_at_its_line(text: str):
    assert sql.unrepeatable(sql.parse(text), SCHEMAS) == UNREPEATABLE[text]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_can_be_asked_whether_it_repeats(form: str):
    sql.unrepeatable(sql.parse(FORMS[form][0]), SCHEMAS)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("SELECT 1 AS x FROM t", None),
        ("SELECT NULL AS x FROM t", None),
        ("SELECT count(*) AS x FROM t WHERE id IN (SELECT id FROM u)", ("t",)),
        ("SELECT sum(1) + 1 AS x FROM t JOIN u ON t.id = u.id", ("t", "u")),
        ("SELECT row_number() OVER (ORDER BY a) AS x FROM t", ("t",)),
        ("WITH y AS (SELECT count(*) AS n FROM t) SELECT n * 2 AS x FROM y", ("t",)),
        ("SELECT (SELECT count(*) FROM u) AS x FROM t", ("u",)),
        ("SELECT count(*) AS x FROM t UNION ALL SELECT count(*) FROM u", ("t", "u")),
        ("SELECT count(*) AS x FROM 读数", ("读数",)),
    ],
)
def test_a_column_of_no_source_is_a_constant_or_counts_rows(
    text: str, counts: tuple[str, ...] | None
):
    x = made(text)["x"]
    assert (x.sources, x.transform) == ((), "count" if counts else "constant")
    assert x.counts == (counts or ())


@pytest.mark.parametrize(
    ("text", "transform"),
    [
        ("SELECT a AS x FROM t", "copy"),
        ("SELECT (a) AS x FROM t", "copy"),
        ("SELECT a + 1 AS x FROM t", "compute"),
        ("SELECT 1 AS x FROM t", "constant"),
        ("SELECT max(a) AS x FROM t", "aggregate"),
        ("SELECT 1 + max(a) AS x FROM t", "aggregate"),
        ("WITH y AS (SELECT sum(a) AS s FROM t) SELECT s AS x FROM y", "aggregate"),
        ("SELECT a AS x FROM t UNION ALL SELECT c FROM u", "copy"),
        ("SELECT a AS x FROM t UNION ALL SELECT c * 2 FROM u", "compute"),
    ],
)
def test_a_copy_a_computation_and_an_aggregate_are_told_apart(text: str, transform: str):
    assert made(text)["x"].transform == transform


@pytest.mark.parametrize(
    ("text", "filtered_by"),
    [
        ("SELECT a AS x FROM t WHERE b = 'y'", {("t", "b")}),
        ("SELECT t.a AS x FROM t JOIN u ON t.id = u.id", {("t", "id"), ("u", "id")}),
        ("SELECT sum(a) AS x FROM t GROUP BY b HAVING count(at) > 1", {("t", "b"), ("t", "at")}),
        ("SELECT a AS x FROM t ORDER BY at LIMIT 1", {("t", "at")}),
        ("SELECT a AS x FROM t ORDER BY at", set()),
        (
            "SELECT a AS x FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.d = t.b)",
            {("t", "b"), ("u", "d")},
        ),
        ("SELECT a AS x FROM t WHERE id IN (SELECT id FROM u)", {("t", "id"), ("u", "id")}),
        ("SELECT sum(a) OVER (PARTITION BY b ORDER BY at) AS x FROM t", {("t", "b"), ("t", "at")}),
        (
            "SELECT sum(a) OVER w AS x FROM t WINDOW w AS (PARTITION BY b)",
            {("t", "b")},
        ),
        ("WITH y AS (SELECT a FROM t WHERE b = 'z') SELECT a AS x FROM y", {("t", "b")}),
        ("SELECT a AS x FROM t EXCEPT SELECT id FROM u", {("u", "id")}),
        ("SELECT sum(a) FILTER (WHERE b = 'x') AS x FROM t", {("t", "b")}),
    ],
)
def test_what_only_decides_which_rows_count_stands_apart(
    text: str, filtered_by: set[tuple[str, str]]
):
    column = made(text)["x"]
    assert set(column.filtered_by) == filtered_by
    assert column.sources == ((("t", "a"),))


def test_a_source_that_also_filters_is_named_in_both():
    column = made("SELECT a FROM t WHERE a > 0")["a"]
    assert (column.sources, column.filtered_by) == ((("t", "a"),), (("t", "a"),))


def test_columns_come_in_the_order_written():
    assert list(made("SELECT b, u.*, a AS z FROM t JOIN u ON t.id = u.id")) == [
        "b", "id", "c", "d", "z",
    ]  # fmt: skip


def test_an_unknown_column_names_place_and_nearest():
    query = sql.parse("SELECT a,\n       bb\nFROM t", path="x.sql", first_line=3)
    with pytest.raises(Invalid) as refused:
        sql.check_columns(query, SCHEMAS)
    at = refused.value.diagnostic
    assert (at.code, at.path, at.line) == ("sql.unknown-column", "x.sql", 4)
    assert (at.facts["name"], at.facts["nearest"]) == ("bb", "b")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT zz FROM t",
        "SELECT t.zz FROM t",
        "SELECT a FROM t WHERE zz = 1",
        "SELECT a FROM t GROUP BY zz",
        "WITH x AS (SELECT a FROM t) SELECT b FROM x",
        "SELECT a FROM t JOIN u ON t.id = u.zz",
        "SELECT (SELECT zz FROM u) AS m FROM t",
        "SELECT q.a FROM t",
    ],
)
def test_a_column_that_is_not_there_is_found_wherever_it_stands(text: str):
    with pytest.raises(Invalid) as refused:
        sql.check_columns(sql.parse(text), SCHEMAS)
    assert refused.value.code == "sql.unknown-column"


def test_an_ambiguous_column_names_its_tables():
    with pytest.raises(Invalid) as refused:
        sql.check_columns(sql.parse("SELECT id FROM t JOIN u ON t.id = u.id"), SCHEMAS)
    assert refused.value.code == "sql.ambiguous-column"
    assert refused.value.diagnostic.facts["tables"] == "t, u"


def test_a_table_without_a_known_schema_is_not_judged():
    sql.check_columns(sql.parse("SELECT anything FROM later"), {"later": None})


def test_sides_of_a_union_that_do_not_match_are_refused():
    with pytest.raises(Invalid) as refused:
        made("SELECT a, b FROM t UNION ALL SELECT c FROM u")
    assert refused.value.code == "sql.syntax"
    assert "2 and 1" in refused.value.diagnostic.message("en")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT z.p AS x FROM t, (VALUES (t.a)) AS z(p)", "t.a"),
        ("SELECT (SELECT reverse(z.p) FROM (VALUES (t.b)) AS z(p)) AS x FROM t", "t.b"),
        ("SELECT v.b AS x FROM (VALUES ((SELECT max(c) FROM u)), (1)) AS v(b)", "u.c"),
        ("SELECT CAST(u AS VARCHAR) AS x FROM u", "u.c u.d u.id"),
        ("SELECT reverse(k.r.d) AS x FROM (SELECT q AS r FROM u AS q) AS k", "u.c u.d u.id"),
    ],
)
def test_neither_a_list_of_values_nor_a_whole_row_hides_a_source(text: str, wanted: str):
    assert sources(text)["x"] == wanted


def test_columns_matched_by_name_are_refused():
    with pytest.raises(Invalid) as refused:
        sql.lineage(sql.parse("SELECT a, b FROM t UNION ALL BY NAME SELECT b, a FROM t"), SCHEMAS)
    assert refused.value.code == "sql.no-lineage"
