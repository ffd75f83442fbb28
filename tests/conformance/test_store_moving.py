"""A store copied into another database is the same store, or nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from stores import BOOK, LI, TABLES, AnyStore, Column, OnPostgres, OnSqlite, Person, entry, keep

from sanhua.kernel.errors import Broken, Conflict, Unavailable
from sanhua.kernel.money import Money
from sanhua.kernel.text import Text
from sanhua.store import SqlStore, schema


def fill(store: SqlStore) -> str:
    keep(store, LI, BOOK, Person("party:he", Text("何", "He"), "1", pay=Money(Decimal("12.50"))))
    keep(store, *(Column(f"col:{n}", f"col:{n - 1}") for n in range(2500)))
    with store.begin(actor="party:clerk") as uow:
        uow.post(entry(1, ("5301", 250), ("2211", -250)))
    store.checkpoint()
    keep(store, Person(LI.id, LI.name, "13900000000"))
    store.erase("party:he", actor="party:dpo", reason="r")
    return store.checkpoint()


def rows(url: str) -> dict[str, Any]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = {
            name: sorted(tuple(row) for row in connection.execute(sa.select(table)))
            for name, table in schema.META.tables.items()
        }
        view = sa.text("SELECT id, seq, name_zh, phone, pay FROM test_person_v ORDER BY id")
        found["view"] = [tuple(row) for row in connection.execute(view)]
    engine.dispose()
    return found


def test_a_store_moves_to_postgresql_and_back_and_is_the_same(
    on_sqlite: OnSqlite, on_postgres: OnPostgres
):
    note = fill(on_sqlite())
    honest = rows(on_sqlite.url)
    assert [row[0] for row in honest["view"]] == ["party:li"]
    there = on_sqlite()
    told: list[tuple[str, int]] = []
    copied = there.copy_to(on_postgres.url, progress=lambda part, rows: told.append((part, rows)))
    assert copied.size == there.size() and copied.rows["record"] == len(honest["record"])
    assert ("record", copied.rows["record"]) in told and set(copied.rows) == {*TABLES, "meta"}
    assert rows(on_postgres.url) == honest
    moved = on_sqlite(url=on_postgres.url)
    assert moved.verify() == [] and moved.checkpoint() == note
    back = on_sqlite.another("back.db")
    assert moved.copy_to(back) == copied
    assert rows(back) == honest
    returned = on_sqlite(url=back, seed=9)
    assert returned.verify() == [] and returned.checkpoint() == note
    keep(moved, Column("col:late"))
    keep(returned, Column("col:late"))  # both go on; what was published tells them apart
    assert returned.verify() == []


def test_a_copy_refuses_to_forget_too(on_sqlite: OnSqlite, on_postgres: OnPostgres):
    store = on_sqlite()
    fill(store)
    store.copy_to(on_postgres.url)
    for table in TABLES:
        with pytest.raises(Exception, match="append-only"):
            on_postgres.do(f"DELETE FROM {table}")


def test_a_database_that_holds_anything_is_left_alone(reopen: AnyStore, on_postgres: OnPostgres):
    source = reopen()
    fill(source)
    on_postgres.do("CREATE TABLE theirs (n int)")
    for url in (on_postgres.url, reopen.url):
        with pytest.raises(Conflict) as refused:
            source.copy_to(url)
        assert refused.value.code == "store.target-not-empty"
    names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    assert on_postgres.do(names) == [("theirs",)]


def test_a_broken_store_is_not_moved(reopen: AnyStore, on_postgres: OnPostgres):
    source = reopen()
    fill(source)
    reopen.do("INSERT INTO record VALUES ('col:x', 1, 'test_column', '{}', '00')")
    target = on_postgres.another("target")
    with pytest.raises(Broken) as refused:
        source.copy_to(target)
    assert refused.value.code == "store.not-sound"
    assert "verify.no-event" in str(refused.value)
    engine = sa.create_engine(target)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_copy_that_comes_out_otherwise_is_not_kept(on_sqlite: OnSqlite, on_postgres: OnPostgres):
    """A trigger of the target changes a row on its way in."""
    source = on_sqlite()
    fill(source)
    on_postgres.do(
        "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.weight := '2'; RETURN NEW; END $$",
        "CREATE FUNCTION lay() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF to_regclass('edge') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = "
        "'other') THEN EXECUTE 'CREATE TRIGGER other BEFORE INSERT ON "
        "edge FOR EACH ROW EXECUTE FUNCTION other()'; END IF; END $$",
        "CREATE EVENT TRIGGER lay ON ddl_command_end WHEN TAG IN ('CREATE INDEX') "
        "EXECUTE FUNCTION lay()",
    )
    with pytest.raises(Broken) as refused:
        source.copy_to(on_postgres.url)
    assert "verify.trigger" in str(refused.value)
    assert on_postgres.do("SELECT to_regclass('edge')") == [(None,)]


def test_a_target_that_is_not_there_is_named_and_the_store_goes_on(on_sqlite: OnSqlite):
    store = on_sqlite()
    fill(store)
    with pytest.raises(Unavailable) as refused:
        store.copy_to(on_sqlite.another("none/state.db"))
    assert refused.value.code == "store.cannot-open"
    keep(store, Column("col:late"))
    assert store.verify() == []
