"""The canonical SQL: what passes, what is refused, which tables are read, their order."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua import sql
from sanhua.kernel.errors import Invalid

PASSES = [
    "SELECT 1",
    "FROM t SELECT a",
    "SELECT a, b FROM t WHERE a IN (1, 2) AND b LIKE 'x%' ORDER BY a LIMIT 3",
    "WITH x AS (SELECT a FROM t) SELECT x.a, y.b FROM x LEFT JOIN y USING (a)",
    "SELECT a FROM t UNION ALL SELECT a FROM u EXCEPT SELECT a FROM v",
    "SELECT count(*), count_if(a < 0), sum(a)::DECIMAL(18,2), avg(a), median(a) FROM t GROUP BY b",
    "SELECT date_trunc('day', at) AS day, extract(hour FROM at), date_diff('day', at, b) FROM t",
    "SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS n FROM t QUALIFY n = 1",
    "SELECT CASE WHEN a > 1 THEN 'x' ELSE coalesce(b, 'y') END FROM t",
    "SELECT t.* EXCLUDE (a), b REPLACE_ FROM t",
    "SELECT * REPLACE (upper(a) AS a) FROM t",
    "SELECT regexp_matches(a, '^[0-9]{18}$'), trim(a), substring(a, 1, 2), a[1:2] FROM t",
    "SELECT try_cast(a AS INTEGER), TRY_CAST(b AS DATE), strftime(c, '%Y-%m') FROM t",
    "SELECT string_agg(a, ',' ORDER BY a) FROM t",
    "SELECT (SELECT max(b) FROM u WHERE u.a = t.a) FROM t WHERE EXISTS (SELECT 1 FROM v)",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
    "SELECT 用电量 FROM 读数 WHERE 户号 = $customer",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name)",
    "SELECT sum(a) FILTER (WHERE b), quantile_cont(a, 0.5) FROM t",
    "SELECT a FROM t ASOF JOIN u ON t.at >= u.at",
    "SELECT * FROM (t JOIN u ON t.a = u.a)",
]


@pytest.mark.parametrize("text", PASSES)
def test_ordinary_analysis_passes(text: str):
    assert sql.parse(text).tree is not None


REFUSED = [
    # reads the host
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('lake/x.parquet')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json_auto('x.json')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'data.parquet'",
    'SELECT * FROM "/etc/passwd"',
    "SELECT * FROM sqlite_scan('x.db', 't')",
    "SELECT * FROM postgres_scan('host=x', 's', 't')",
    "SELECT * FROM parquet_metadata('x')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM pragma_table_info('t')",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM other.t",
    "SELECT getenv('HOME')",
    "SELECT current_setting('threads')",
    "SELECT getvariable('x')",
    "SELECT read_text('/etc/passwd')",
    "SELECT a FROM t WHERE a = (SELECT content FROM read_text('/etc/passwd'))",
    "WITH t AS (SELECT * FROM read_csv('x')) SELECT * FROM t",
    # clock and randomness
    "SELECT now()",
    "SELECT current_date",
    "SELECT current_timestamp",
    "SELECT today()",
    "SELECT get_current_timestamp()",
    "SELECT age(a) FROM t",
    "SELECT random()",
    "SELECT uuid()",
    "SELECT gen_random_uuid()",
    "SELECT a FROM t ORDER BY random()",
    "SELECT nextval('s')",
    "SELECT a FROM t USING SAMPLE 10 ROWS",
    "SELECT a FROM t TABLESAMPLE RESERVOIR(5)",
    "SELECT txid_current()",
    # whose answer the engine alone decides
    "SELECT list(a) FROM t",
    "SELECT array_agg(a) FROM t",
    "SELECT string_agg(a, ',') FROM t",
    "SELECT hash(a) FROM t",
    "SELECT a FROM t POSITIONAL JOIN u",
    "SELECT unnest([1, 2])",
    "SELECT * FROM range(1000000000)",
    "SELECT * FROM generate_series(1, 10)",
    "SELECT repeat_row(1, num_rows = 10)",
    "SELECT columns('a.*') FROM t",
    "SELECT a FROM t FOR UPDATE",
    "SELECT a FROM t AT (VERSION => 3)",
    "SELECT eval('x')",
    "SELECT error('x')",
    "SELECT query('SELECT 1')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('t')",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_reads_the_host_the_clock_or_chance_is_refused(text: str):
    with pytest.raises(Invalid) as refused:
        sql.parse(text, path="transform/x.sql")
    assert refused.value.code in ("sql.not-allowed", "sql.syntax")
    at = refused.value.diagnostic
    assert (at.path, at.line) == ("transform/x.sql", 1)


STATEMENTS = [
    "DROP TABLE t",
    "DELETE FROM t",
    "UPDATE t SET a = 1",
    "INSERT INTO t VALUES (1)",
    "CREATE TABLE x AS SELECT 1",
    "ALTER TABLE t ADD COLUMN b INT",
    "COPY t TO '/tmp/x'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "ATTACH 'x.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 1",
    "PRAGMA version",
    "CALL pragma_version()",
    "EXPORT DATABASE 'x'",
    "DESCRIBE t",
    "SUMMARIZE t",
    "EXPLAIN SELECT 1",
    "VACUUM",
    "PIVOT t ON a USING sum(b)",
    "CHECKPOINT",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE t",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("text", STATEMENTS)
def test_only_one_select_passes(text: str):
    with pytest.raises(Invalid) as refused:
        sql.parse(text)
    assert refused.value.code in ("sql.not-one-select", "sql.syntax", "sql.not-allowed")


def test_a_data_changing_select_is_refused():
    for text in (
        "WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x",
        "SELECT a INTO u FROM t",
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x",
    ):
        with pytest.raises(Invalid):
            sql.parse(text)


def test_a_refusal_says_where_and_what_is_near():
    text = "SELECT\n  kwh,\n  uper(name) AS name\nFROM t"
    with pytest.raises(Invalid) as refused:
        sql.parse(text, path="transform/x.sql", first_line=10)
    at = refused.value.diagnostic
    assert (at.code, at.path, at.line) == ("sql.not-allowed", "transform/x.sql", 12)
    assert (at.facts["what"], at.facts["nearest"]) == ("uper", "upper")


def test_a_syntax_error_says_where():
    with pytest.raises(Invalid) as refused:
        sql.parse("SELECT a\nFROM t\nWHERE (a > ", path="x.sql", first_line=5)
    assert refused.value.code == "sql.syntax"
    assert 5 <= refused.value.diagnostic.line <= 7


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
        "SELECT " + "NOT " * 5_000 + "true",
        "SELECT " + "- " * 5_000 + "1",
        "SELECT " + " + ".join(["1"] * 5_000),
        " UNION ALL ".join(["SELECT 1"] * 5_000),
        "SELECT " + "CASE WHEN true THEN " * 500 + "1" + " END" * 500,
        "SELECT '" + "x" * 300_000 + "'",
        "SELECT " + "[" * 5_000 + "]" * 5_000,
    ],
    ids=["brackets", "not", "minus", "sum", "union", "case", "text", "lists"],
)
def test_what_would_exhaust_the_parser_is_refused(text: str):
    with pytest.raises(Invalid) as refused:
        sql.parse(text)
    assert refused.value.code in ("sql.too-deep", "sql.too-long")


def test_a_wide_query_is_no_deep_query():
    wide = ", ".join(f"count_if(c{n} < 0) AS m{n}" for n in range(400))
    assert len(sql.parse(f"SELECT {wide} FROM t").tree.selects) == 400
    any_of = sql.parse(f"SELECT a FROM t WHERE a IN ({', '.join(map(str, range(5000)))})")
    assert any_of.tables == ("t",)


@given(st.text(alphabet="SELECT FROMt(),'\"\n;-*/$[]{}:=<>0a.|\\\0一", max_size=60))
def test_no_text_breaks_the_parser(text: str):
    try:
        sql.parse(text)
    except Invalid as refused:
        assert refused.code.startswith("sql.")


# Tables and parameters


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT 1", ()),
        ("SELECT * FROM b, a", ("a", "b")),
        ("WITH x AS (SELECT * FROM t) SELECT * FROM x", ("t",)),
        ("WITH t AS (SELECT * FROM t) SELECT * FROM t", ("t",)),
        ("WITH x AS (SELECT * FROM t), y AS (SELECT * FROM x) SELECT * FROM y, z", ("t", "z")),
        ("WITH X AS (SELECT * FROM t) SELECT * FROM x", ("t",)),
        (
            "SELECT * FROM (WITH x AS (SELECT * FROM t) SELECT * FROM x) JOIN x USING (a)",
            ("t", "x"),
        ),
        (
            "WITH RECURSIVE r AS (SELECT a FROM t UNION ALL SELECT a FROM r) SELECT * FROM r",
            ("t",),
        ),
        ("SELECT (SELECT max(a) FROM u) FROM t WHERE a IN (SELECT a FROM v)", ("t", "u", "v")),
        ("SELECT a FROM t UNION SELECT a FROM u", ("t", "u")),
        ("SELECT a AS b FROM t b", ("t",)),
    ],
)
def test_the_tables_a_query_reads(text: str, tables: tuple[str, ...]):
    assert sql.parse(text).tables == tables


def test_parameters_are_found_once_each():
    query = sql.parse("SELECT $day FROM t WHERE a = $customer OR b = $day")
    assert sorted(query.parameters) == ["customer", "day"]


# Order


def queries(**texts: str) -> dict[str, sql.Query]:
    return {name: sql.parse(text, path=f"{name}.sql") for name, text in texts.items()}


def test_each_table_follows_what_it_reads():
    made = queries(
        report="SELECT * FROM daily JOIN city USING (c)",
        daily="SELECT * FROM clean",
        city="SELECT * FROM raw_city",
        clean="SELECT * FROM raw",
    )
    assert sql.order(made, ["raw", "raw_city"]) == ["city", "clean", "daily", "report"]


def test_an_unknown_table_names_the_nearest():
    with pytest.raises(Invalid) as refused:
        sql.order(queries(a="SELECT *\nFROM reading"), ["readings"])
    at = refused.value.diagnostic
    assert (at.code, at.path, at.line) == ("sql.unknown-table", "a.sql", 2)
    assert (at.facts["table"], at.facts["nearest"]) == ("reading", "readings")


def test_a_cycle_is_named_whole():
    made = queries(a="SELECT * FROM b", b="SELECT * FROM c", c="SELECT * FROM a")
    with pytest.raises(Invalid) as refused:
        sql.order(made, [])
    assert refused.value.code == "sql.cycle"
    assert refused.value.diagnostic.facts["cycle"] == "a → b → c → a"
    with pytest.raises(Invalid):
        sql.order(queries(a="SELECT * FROM a"), [])


def test_a_chain_of_a_thousand_tables_is_ordered():
    chain = {f"t{n:04}": sql.parse(f"SELECT * FROM t{n - 1:04}") for n in range(1, 1001)}
    assert sql.order(chain, ["t0000"]) == sorted(chain)


# Order of rows


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT a FROM t LIMIT 1", [("LIMIT", 1)]),
        ("SELECT a FROM t ORDER BY a LIMIT 1", []),
        ("SELECT a FROM (\nSELECT b AS a FROM t OFFSET 2) ORDER BY a", [("LIMIT", 2)]),
        ("SELECT DISTINCT ON (a) b FROM t", [("DISTINCT ON", 1)]),
        ("SELECT DISTINCT a FROM t", []),
        ("SELECT\n row_number() OVER (PARTITION BY a) FROM t", [("row_number() OVER", 2)]),
        ("SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t", []),
        ("SELECT lag(a) OVER w FROM t WINDOW w AS (ORDER BY b)", []),
        ("SELECT sum(a) OVER (PARTITION BY b) FROM t", []),
        ("SELECT a FROM t UNION ALL SELECT a FROM u", []),
    ],
)
def test_what_has_no_order_is_named(text: str, found: list[tuple[str, int]]):
    assert sql.unordered(sql.parse(text)) == found


# Fingerprints


def test_layout_and_comments_leave_the_fingerprint_alone():
    one = sql.parse("SELECT a, b -- note\nFROM t /* all */ WHERE a > 1")
    two = sql.parse("select a,b from t\n\nwhere a>1")
    other = sql.parse("SELECT a, b FROM t WHERE a > 2")
    assert sql.fingerprint(one) == sql.fingerprint(two) != sql.fingerprint(other)


def test_a_text_in_quotes_is_no_layout():
    assert sql.fingerprint(sql.parse("SELECT 'a  b' FROM t")) != sql.fingerprint(
        sql.parse("SELECT 'a b' FROM t")
    )


# Expressions


def test_an_expression_stands_alone():
    assert sql.parse_expression("kwh < 0 AND kvarh IS NULL").sql("duckdb") == (
        "kwh < 0 AND kvarh IS NULL"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a, b",
        "a FROM t",
        "a FROM other",
        "1 FROM t WHERE true --",
        "(SELECT max(a) FROM u)",
        "EXISTS (SELECT 1 FROM u)",
        "a) FROM t UNION SELECT (b",
        "a; DROP TABLE t",
        "read_text('x')",
        "",
    ],
)
def test_an_expression_brings_no_query_with_it(text: str):
    with pytest.raises(Invalid):
        sql.parse_expression(text)


# Building text


VALUES: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"), max_size=40),
    st.decimals(min_value=-(10**12), max_value=10**12, places=4),
    st.dates(),
    st.datetimes(),
)


def _one(text: str) -> Any:
    ((found,),) = duckdb.sql(text).fetchall()
    return found


@given(VALUES)
def test_a_value_comes_back_from_the_engine_as_it_went(value: Any):
    found = _one(f"SELECT {sql.literal(value)}")
    if isinstance(value, Decimal):
        assert Decimal(found) == value
    else:
        assert found == value
        assert isinstance(found, type(value)) or isinstance(value, date | datetime)


@given(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_a_name_stays_one_name(name: str):
    made = duckdb.sql(f"SELECT 1 AS {sql.quote(name)}")
    assert made.columns == [name]


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"))))
def test_membership_finds_exactly_the_listed(values: list[str]):
    for probe in [*values, "not in it ''"]:
        text = f"SELECT {sql.in_list('c', values)} FROM (SELECT {sql.literal(probe)} AS c)"
        found = _one(text)
        assert found is (probe in values)
