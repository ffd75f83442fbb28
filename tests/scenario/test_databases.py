"""Sources that are databases, on real ones: SQLite, PostgreSQL, MariaDB where it is installed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import private_mariadb
from private_postgres import Server
from sanhua.kernel.errors import Diagnostic, Invalid, SanhuaError, Unavailable
from sanhua.project import load
from sanhua.resource.collect import Database
from sanhua.sources import database
from sanhua.sources.landing import Landing
from sanhua.store.clock import SetClock
from sanhua.workspace.arriving import arrivals_of, fetch_of
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[private_mariadb.Server]:
    found = private_mariadb.program()
    if found is None:
        pytest.skip("mariadbd is not installed")
    yield from private_mariadb.running(found)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, sa.Engine]:
    """A URL, and an engine that writes there."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'erp.db'}"
    elif request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.database())
    else:
        other: private_mariadb.Server = request.getfixturevalue("mariadb")
        name = f"t{abs(hash(str(tmp_path))) % 10**9}"
        other.do(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        url = other.url(name)
    return url, sa.create_engine(url, poolclass=sa.pool.NullPool)


def do(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as line:
        for statement in statements:
            line.exec_driver_sql(statement)


def rows_of(landing: Landing, made: database.Read) -> list[dict[str, Any]]:
    return [
        row
        for part in made.parts
        for row in pq.ParquetFile(landing.path(part.name, part.content)).read().to_pylist()
    ]


def cursor_of(landing: Landing, *reads: database.Read) -> database.Cursor:
    last = reads[-1]
    landed = tuple((landing.path(p.name, p.content), p.last) for r in reads for p in r.parts)
    return database.Cursor(last.cursor, last.cursor_type, landed)


def nothing(found: Diagnostic) -> None:
    raise AssertionError(found)


def test_values_keep_every_digit_and_sign(base: tuple[str, sa.Engine], tmp_path: Path):
    url, engine = base
    number = "TEXT" if url.startswith("sqlite") else "DECIMAL(30,6)"
    do(
        engine,
        f"CREATE TABLE paid (id INTEGER PRIMARY KEY, name VARCHAR(40), amount {number}, day DATE)",
        "INSERT INTO paid VALUES (1, '湖滨 😀', '123456789012345678901234.100000', '2026-02-28')",
        "INSERT INTO paid VALUES (2, '', '-0.000001', NULL)",
    )
    landing = Landing(tmp_path / "landing")
    made = database.read(Database(url, table="paid"), "paid", "s", landing, None, nothing)
    assert rows_of(landing, made) == [
        {
            "id": "1",
            "name": "湖滨 😀",
            "amount": "123456789012345678901234.100000",
            "day": "2026-02-28",
        },
        {"id": "2", "name": "", "amount": "-0.000001", "day": None},
    ]


def test_a_cursor_loses_and_doubles_nothing_with_ties_late_commits_and_equal_rows(
    base: tuple[str, sa.Engine], tmp_path: Path
):
    """Rows at the same moment as the last one seen, committed later; below it, within the overlap;
    twice the same row; one row again with another value.
    """
    url, engine = base
    do(
        engine,
        "CREATE TABLE reading (meter VARCHAR(9), kwh INTEGER, seen TIMESTAMP(3) NULL)"
        if not url.startswith("sqlite")
        else "CREATE TABLE reading (meter TEXT, kwh INTEGER, seen TEXT)",
        "INSERT INTO reading VALUES ('a', 1, '2026-03-02 08:00:00.000')",
        "INSERT INTO reading VALUES ('b', 2, '2026-03-02 08:05:00.000')",
        "INSERT INTO reading VALUES ('b', 2, '2026-03-02 08:05:00.000')",
    )
    landing = Landing(tmp_path / "landing")
    form = Database(url, table="reading", cursor="seen", overlap=timedelta(minutes=10))
    first = database.read(form, "r", "1", landing, None, nothing)
    assert first.rows == 3
    again = database.read(form, "r", "2", landing, cursor_of(landing, first), nothing)
    assert not again.parts and again.seen == 3
    do(
        engine,
        "INSERT INTO reading VALUES ('c', 3, '2026-03-02 08:05:00.000')",  # a tie
        "INSERT INTO reading VALUES ('d', 4, '2026-03-02 07:58:00.000')",  # committed late
        "INSERT INTO reading VALUES ('b', 2, '2026-03-02 08:05:00.000')",  # a third equal row
        "UPDATE reading SET kwh = 9, seen = '2026-03-02 08:07:00.000' WHERE meter = 'a'",
    )
    second = database.read(form, "r", "3", landing, cursor_of(landing, first), nothing)
    new = sorted((row["meter"], row["kwh"]) for row in rows_of(landing, second))
    assert new == [("a", "9"), ("b", "2"), ("c", "3"), ("d", "4")]
    third = database.read(form, "r", "4", landing, cursor_of(landing, first, second), nothing)
    assert not third.parts
    do(engine, "INSERT INTO reading VALUES ('e', 5, NULL)")
    told: list[Diagnostic] = []
    database.read(form, "r", "5", landing, cursor_of(landing, first, second), told.append)
    assert database.read(form, "r", "6", landing, None, told.append).rows == 6, "'e' did not come"
    del told[1:]
    assert [(d.code, d.facts["count"]) for d in told] == [("database.no-cursor-value", 1)]


def test_the_connection_writes_nothing(base: tuple[str, sa.Engine], tmp_path: Path):
    url, engine = base
    do(engine, "CREATE TABLE t (id INTEGER)", "INSERT INTO t VALUES (1)")
    landing = Landing(tmp_path / "landing")
    wrong = ["DELETE FROM t", "INSERT INTO t VALUES (2) RETURNING id", "SELECT 1; DELETE FROM t"]
    for query in wrong:
        with pytest.raises(SanhuaError) as error:
            database.read(Database(url, query=query), "t", "s", landing, None, nothing)
        assert error.value.code in ("database.failed", "database.unreachable"), query
    with engine.begin() as line:
        assert line.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 1
    if url.startswith("postgresql"):  # functions that write are refused too
        do(engine, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING id'")
        with pytest.raises(SanhuaError):
            database.read(Database(url, query="SELECT f() AS x"), "t", "s", landing, None, nothing)


def test_limits_stop_a_read_and_leave_nothing(base: tuple[str, sa.Engine], tmp_path: Path):
    url, engine = base
    do(engine, "CREATE TABLE t (id INTEGER)", *(f"INSERT INTO t VALUES ({n})" for n in range(20)))
    landing = Landing(tmp_path / "landing")
    with pytest.raises(Invalid) as error:
        database.read(Database(url, table="t", rows_max=10), "t", "s", landing, None, nothing)
    assert error.value.code == "database.too-many-rows"
    assert not [p for p in landing.folder.rglob("*") if p.is_file()]


def test_an_unreachable_database_is_told_of_without_its_password(tmp_path: Path):
    landing = Landing(tmp_path / "landing")
    url = f"postgresql://reader:s3cret@/none?host={tmp_path}"
    with pytest.raises(Unavailable) as error:
        database.read(Database(url, table="t"), "t", "s", landing, None, nothing)
    assert error.value.code == "database.unreachable" and "s3cret" not in str(error.value)
    with pytest.raises(Unavailable):
        missing = f"sqlite:///{tmp_path / 'none.db'}"
        database.read(Database(missing, table="t"), "t", "s", landing, None, nothing)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(Invalid) as refused:
        database.read(Database("oracle://u@h/x", table="t"), "t", "s", landing, None, nothing)
    assert refused.value.code == "database.no-driver"
    assert "sanhua[oracle]" in str(refused.value.diagnostic.facts["install"])


# Through a project


@pytest.fixture
def erp(tmp_path: Path) -> Path:
    project = tmp_path / "plant"
    for name, text in {
        "sanhua.yaml": "sanhua: 1\ntitle: 厂\nentities:\n  plant: {regime: CAS}\n",
        "parties.yaml": "plant: {name: 测试工厂, roles: [holder]}\n",
        "sources/orders.yaml": """
            database: sqlite:///${ERP}
            table: orders
            cursor: updated_at
            cadence: hour
            """,
        "sources/rates.yaml": """
            database: sqlite:///${ERP}
            query: SELECT code, rate FROM rates WHERE code <> 'x'
            cadence: day
            """,
        "sql/latest.sql": """
            SELECT id, max(updated_at) AS updated_at FROM orders GROUP BY id
            """,
    }.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    line = sqlite3.connect(tmp_path / "erp.db")
    line.executescript(
        "CREATE TABLE orders (id INTEGER, amount TEXT, updated_at TEXT);"
        "INSERT INTO orders VALUES (1, '10.00', '2026-03-02 08:00:00');"
        "CREATE TABLE rates (code TEXT, rate TEXT); INSERT INTO rates VALUES ('a', '0.10');"
    )
    line.close()
    return project


def opened(project: Path, at: datetime = START) -> Workspace:
    env = {"ERP": str(project.parent / "erp.db")}
    return Workspace(project, env=env, clock=SetClock(at))


def change(project: Path, sql: str) -> None:
    line = sqlite3.connect(project.parent / "erp.db")
    line.executescript(sql)
    line.close()


def counts(ws: Workspace, *tables: str) -> list[int]:
    from sanhua.workspace.snapshots import Snapshots

    kept = Snapshots(ws)
    for table in tables:
        kept.bind(table)
    return [ws.engine.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


def test_run_fetches_what_is_new_and_a_failure_leaves_what_was_there(erp: Path):
    with opened(erp) as ws:
        assert run(ws).ok
        assert counts(ws, "orders", "rates", "latest") == [1, 1, 1]
    with opened(erp) as ws:
        size = ws.store.size()
        made = run(ws)
        assert all(step.status == "skipped" for step in made.steps)
        assert ws.store.size() == size + 2, "two fetches that brought nothing"
    change(
        erp,
        "INSERT INTO orders VALUES (2, '5.00', '2026-03-02 08:30:00');"
        "UPDATE orders SET amount = '11.00', updated_at = '2026-03-02 08:40:00' WHERE id = 1;"
        "UPDATE rates SET rate = '0.20'",
    )
    with opened(erp) as ws:
        assert run(ws).ok
        assert counts(ws, "orders", "rates", "latest") == [3, 1, 2]
        assert ws.engine.query("SELECT rate FROM rates") == [("0.20",)]
        told = fetch_of(ws, "orders")
        assert told is not None and told.cursor == "2026-03-02 08:40:00" and told.new == 1
        assert told.asked["from"] == "2026-03-02 08:00:00"
        assert len(arrivals_of(ws, "rates")) == 2, "the former snapshot is kept"
        assert not any("erp.db" in str(e) and "/" in str(e) for e in told.asked.values())
    (erp.parent / "erp.db").rename(erp.parent / "away.db")
    with opened(erp) as ws:
        made = run(ws)
        assert not made.ok and made.error is not None
        assert made.error.code == "database.unreachable"
        assert counts(ws, "orders", "rates") == [3, 1]
        failed = fetch_of(ws, "orders")
        assert failed is not None and failed.failures == 1 and failed.cursor == told.cursor
    (erp.parent / "away.db").rename(erp.parent / "erp.db")
    with opened(erp) as ws:
        assert run(ws).ok


def test_another_question_is_asked_from_the_beginning_and_doubles_nothing(erp: Path):
    """First without a cursor, two snapshots; then with one; then of another table."""
    source = erp / "sources" / "orders.yaml"
    text = source.read_text("utf-8")

    def ran(written: str) -> tuple[int, list[str]]:
        source.write_text(written, "utf-8")
        with opened(erp) as ws:
            made = run(ws, ["orders"])
            assert made.ok
            return counts(ws, "orders")[0], [d.code for d in made.diagnostics]

    whole = text.replace("cursor: updated_at\n", "")
    assert ran(whole)[0] == 1
    change(erp, "INSERT INTO orders VALUES (2, '5.00', '2026-03-02 08:30:00')")
    assert ran(whole)[0] == 2
    assert ran(text)[0] == 2, "the snapshots of before are not added up"
    change(erp, "CREATE TABLE old (id INTEGER, amount TEXT, updated_at TEXT);"
           "INSERT INTO old VALUES (9, '1.00', '2020-01-01 00:00:00'), "
           "(2, '5.00', '2026-03-02 08:30:00')")  # fmt: skip
    found, said = ran(text.replace("table: orders", "table: old"))
    assert found == 3 and "database.asked-anew" in said, "a row far behind the old cursor came"
    assert ran(text.replace("table: orders", "table: old"))[0] == 3


@pytest.mark.parametrize(
    ("written", "earlier"),
    [
        ("2026-03-01T00:30:00Z", "2026-02-28T23:30:00Z"),
        ("2026-03-01T00:30:00.250+08:00", "2026-02-28T23:30:00.250+08:00"),
        ("2026-03-01 00:30", "2026-02-28 23:30"),
        ("2026/03/01 00:30:00", "2026/02/28 23:30:00"),
        ("20260301003000", "20260228233000"),
        ("2026-03-01", "2026-02-28"),
        ("A-17", "A-17"),
        ("2026-13-01 00:00:00", "2026-13-01 00:00:00"),
    ],
)
def test_a_moment_kept_as_text_is_read_back_by_the_overlap(written: str, earlier: str):
    form = Database("", table="t", cursor="at")
    assert database._back(form, database.Cursor(written, "str")) == earlier


def test_a_malformed_address_is_refused_without_quoting_it(tmp_path: Path):
    landing = Landing(tmp_path / "landing")
    for url in (
        "postgresql://u:p@ss:s3cret@h/db",
        "mysql+pymysql://u:s3cret@127.0.0.1:1/db?s3cret=1",
        "s3cret",
    ):
        with pytest.raises(Invalid) as error:
            database.read(Database(url, table="t"), "t", "s", landing, None, nothing)
        assert error.value.code == "database.bad-url" and "s3cret" not in str(error.value)


@pytest.mark.parametrize("place", ["keep", "act"])
def test_a_kill_amid_a_fetch_neither_loses_nor_doubles(
    erp: Path, monkeypatch: pytest.MonkeyPatch, place: str
):
    from sanhua.sources import landing
    from sanhua.workspace import fetching

    class Killed(BaseException):
        pass

    def dying(*args: Any, **more: Any) -> Any:
        raise Killed

    owner: Any = landing.Receiving if place == "keep" else fetching
    name = "keep" if place == "keep" else "_entered"
    whole: Callable[..., Any] = getattr(owner, name)
    monkeypatch.setattr(owner, name, dying)
    with opened(erp) as ws, pytest.raises(Killed):
        run(ws)
    monkeypatch.setattr(owner, name, whole)
    left = erp / "state" / "raw" / "orders" / "incoming" / ".orders-0001.parquet.part"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    os.utime(left, (0, 0))
    with opened(erp) as ws:
        assert run(ws).ok
        assert counts(ws, "orders", "rates") == [1, 1]
    assert not left.exists(), "what a kill -9 left behind is taken away"


def test_check_says_what_is_wrong_with_a_database_source(erp: Path):
    path = erp / "sources" / "orders.yaml"
    env = {"ERP": str(erp.parent / "erp.db")}

    def codes(text: str) -> set[str]:
        from datetime import date

        from sanhua.project.checking import check
        from sanhua.rules.packs import Packs

        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        project = load(erp, env)
        found = check(project, Packs.load(("cn",)), date(2026, 3, 2))
        return {d.code for d in found if d.path == "sources/orders.yaml"}

    base = "cadence: hour\ndatabase: sqlite:///${ERP}\n"
    assert "format.exactly-one" in codes(base)
    assert "format.exactly-one" in codes(base + "table: a\nquery: SELECT 1\n")
    assert "source.needs-key" in codes(base + "table: a\noverlap: 1 hour\n")
    assert "source.wrong-key" in codes(base + "table: a\npages: {by: page}\n")
    assert "format.unset-variable" in codes("cadence: hour\ndatabase: ${NOT_SET}\ntable: a\n")
    assert "format.secret-written" in codes(
        "cadence: hour\ndatabase: postgresql://u:hunter2@h/d\ntable: a\n"
    )
    assert "format.unknown-key" in codes(base + "table: a\ncursr: id\n")


def test_a_query_that_takes_too_long_is_ended(base: tuple[str, sa.Engine], tmp_path: Path):
    url, engine = base
    do(engine, "CREATE TABLE n (id INTEGER)", *(f"INSERT INTO n VALUES ({i})" for i in range(200)))
    slow = "SELECT count(*) AS x FROM n a, n b, n c, n d, n e WHERE a.id + b.id + c.id < d.id"
    with pytest.raises(Unavailable) as error:
        form = Database(url, query=slow, timeout_s=1)
        database.read(form, "n", "s", Landing(tmp_path / "landing"), None, nothing)
    assert error.value.code == "database.timeout"


def test_a_table_opens_into_what_was_asked_of_the_database(erp: Path):
    from sanhua.workspace.explaining import explain

    with opened(erp) as ws:
        assert run(ws).ok
        told = explain(ws, "table:rates").to_json()
    arrival = next(node for node in told["nodes"] if node["kind"] == "arrival")
    assert "SELECT code, rate FROM rates" in str(arrival)
    assert {"made_from", "came_as"} <= {edge["edge"] for edge in told["edges"]}
