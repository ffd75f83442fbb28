"""One suite over every store.

What the unit of work, the log and the ledger promise, whatever the database.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from stores import (
    BOOK,
    LI,
    START,
    TABLES,
    AnyStore,
    Column,
    OneRule,
    OnPostgres,
    OnSqlite,
    Person,
    Snapshot,
    entry,
    keep,
)

from sanhua.kernel.errors import Broken, Conflict, Denied, Invalid, NotFound, Unavailable
from sanhua.kernel.ledger import Book, BookKind, Entry
from sanhua.kernel.money import Money
from sanhua.kernel.record import Edge, Ref, body, record, restore
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period
from sanhua.store import SqlStore, open_store, schema
from sanhua.store.clock import SetClock
from sanhua.store.unit import Noting
from sanhua.verify import (
    check_bundle,
    is_consistent,
    leaf_hash,
    open_note,
    pack,
    root_by_inclusion,
    seal,
)

# Records


def test_a_record_is_read_back_in_the_same_transaction_and_after_it(store: SqlStore):
    with store.begin(actor="party:clerk") as uow:
        told = uow.add(LI, "party.enrolled")
        assert told is not None and (told.seq, told.version, told.actor) == (1, 1, "party:clerk")
        assert uow.get(Person, "party:li") == LI
        assert list(uow.all(Person)) == [LI]
        assert uow.edges_from("party:li") == [Edge("party:li", "works_for", "party:plant", "1")]
    with store.begin(actor="party:clerk", read_only=True) as uow:
        assert uow.get(Person, "party:li") == LI
        assert uow.edges_to("party:plant") == [Edge("party:li", "works_for", "party:plant", "1")]


def test_the_same_body_again_is_nothing_and_another_is_a_version(store: SqlStore):
    keep(store, LI)
    with store.begin(actor="party:clerk") as uow:
        assert uow.add(LI, "party.enrolled") is None
    moved = Person(LI.id, LI.name, LI.phone, "party:other")
    keep(store, moved)
    assert [told.version for told, _ in store.history(LI.id)] == [1, 2]
    assert [told.version for told, _ in store.history(LI.id, newest=1)] == [2]
    assert store.history(LI.id, newest=9) == store.history(LI.id)
    assert store.version_of(LI.id) == 2 and store.size() == 2
    with store.begin(actor="party:clerk") as uow:
        assert uow.edges_to("party:plant") == []  # the latest version alone is answered for
        assert len(uow.edges_to("party:other")) == 1


def test_an_act_is_said_once(store: SqlStore):
    with store.begin(actor="party:clerk") as uow:
        node = uow.new_id("act")
        uow.add(Column(node, "a"), "thing.done")
    with store.begin(actor="party:clerk") as uow:
        assert uow.add(Column(node, "a"), "thing.done") is None
        with pytest.raises(Conflict) as refused:
            uow.add(Column(node, "b"), "thing.done")
    assert refused.value.code == "store.same-id-other-body"


def test_a_book_an_entry_and_a_closed_period_are_said_again_whatever_was_asked_before(
    store: SqlStore,
):
    """A rule asked on the way decides nothing of what stands already; other fields still clash."""
    posted = entry(1, ("5301.02", 100), ("2211", -100), on=date(2025, 1, 31))
    with store.begin(actor="party:clerk") as uow:
        uow.add(BOOK, "book.opened")
        uow.post(posted)
        uow.close_period(BOOK.id, Period.named("2025-01"))
    size = store.size()
    with store.begin(actor="party:clerk") as uow:
        for again in (
            lambda: uow.add(BOOK, "book.opened"),
            lambda: uow.post(posted),
            lambda: uow.close_period(BOOK.id, Period.named("2025-01")),
        ):
            uow.rules.ask("cas_6", "one", on=date(2025, 2, 1))
            assert again() is None
        with pytest.raises(Conflict) as refused:
            uow.add(replace(BOOK, currency="USD"), "book.opened")
    assert refused.value.code == "store.same-id-other-body"
    assert store.size() == size


def test_an_id_is_of_one_kind(store: SqlStore):
    keep(store, LI)
    with store.begin(actor="party:clerk") as uow, pytest.raises(Conflict) as refused:
        uow.add(Column(LI.id), "thing.kept")
    assert refused.value.code == "store.same-id-other-kind"
    with store.begin(actor="party:clerk") as uow:
        assert uow.find(Column, LI.id) is None
        with pytest.raises(NotFound):
            uow.get(Column, LI.id)


def test_an_exception_takes_everything_back(store: SqlStore):
    keep(store, LI)
    with pytest.raises(ZeroDivisionError), store.begin(actor="party:clerk") as uow:
        uow.add(Column("col:a"), "thing.kept")
        assert uow.find(Column, "col:a") is not None  # written, so it must be undone
        raise ZeroDivisionError
    assert (store.size(), store.version_of("col:a"), store.verify()) == (1, 0, [])
    keep(store, Column("col:b"))
    assert store.verify() == []


def test_a_transaction_inside_another_is_part_of_it_and_its_failure_dooms_the_whole(
    store: SqlStore,
):
    with store.begin(actor="party:clerk") as outer:
        outer.add(LI, "party.enrolled")
        with store.begin(actor="party:other") as inner:
            told = inner.add(Column("col:a"), "thing.kept")
            assert told is not None and told.actor == "party:other"
    assert store.size() == 2
    with pytest.raises(ZeroDivisionError), store.begin(actor="party:clerk") as outer:
        outer.add(Column("col:b"), "thing.kept")
        try:
            with store.begin(actor="party:clerk"):
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass  # swallowed, but half an act must not be kept
    assert store.size() == 2


def test_a_read_only_transaction_writes_nothing(store: SqlStore):
    with store.begin(actor="party:clerk", read_only=True) as uow, pytest.raises(RuntimeError):
        uow.add(LI, "party.enrolled")


def test_what_stood_at_a_moment_is_still_known(store: SqlStore, reopen: AnyStore):
    later = Person(LI.id, LI.name, "13900000000")
    keep(store, LI)
    reopen.clock.advance(timedelta(days=1))
    keep(store, later)
    with store.begin(actor="party:clerk") as uow:
        assert uow.find(Person, LI.id) == later
        assert uow.find(Person, LI.id, as_of=START) == LI
        assert uow.find(Person, LI.id, as_of=START + timedelta(hours=23)) == LI
        assert uow.find(Person, LI.id, as_of=START + timedelta(days=1)) == later
        assert uow.find(Person, LI.id, as_of=START - timedelta(seconds=1)) is None


def test_a_part_that_bears_edges_is_found_and_has_an_owner(store: SqlStore):
    snapshot = Snapshot(
        "sha256:s", (Column("col:t.a@sha256:s", "col:r.a@sha256:r"), Column("col:t.b@sha256:s"))
    )
    keep(store, snapshot)
    with store.begin(actor="party:clerk") as uow:
        assert uow.edges_from("col:t.a@sha256:s") == [
            Edge("col:t.a@sha256:s", "made_from", "col:r.a@sha256:r", "1")
        ]
        assert uow.edges_from("sha256:s") == []
    assert store.owner_of("col:t.a@sha256:s") == "sha256:s"
    assert store.owner_of("sha256:s") == ""


def test_neighbours_come_a_page_at_a_time_and_each_once(store: SqlStore):
    """What pages read: the same edges as one by one, and only of the latest versions."""
    keep(store, *(Person(f"party:p{n}", Text(f"人{n}"), "1", "party:firm") for n in range(7)))
    keep(store, Person("party:p0", Text("人零"), "1", "party:other"))
    with store.begin(actor="party:clerk") as uow:
        whole = uow.edges_to("party:firm")
    pages = [store.neighbours("party:firm", into=True, after=n, limit=4) for n in (0, 4, 8)]
    assert [len(page) for page in pages] == [4, 2, 0]
    assert sorted(pages[0] + pages[1]) == sorted(whole)
    assert store.neighbours("party:p0") == [Edge("party:p0", "works_for", "party:other", "1")]
    assert store.sources(["party:other", "party:none"], "works_for") == {"party:other": "party:p0"}
    assert store.formerly("party:firm") == [Edge("party:p0@v1", "works_for", "party:firm", "1")]
    assert store.formerly("party:other") == []


def test_many_records_and_parts_are_read_at_once(store: SqlStore):
    snapshot = Snapshot(
        "sha256:s",
        (Column("col:t.b@sha256:s", "col:r.b@sha256:r"), Column("col:t.a@sha256:s", "x:1")),
    )
    keep(store, snapshot, *(Column(f"table:t{n}", "x:1") for n in range(600)))
    found = store.latest([f"table:t{n}" for n in range(600)] + ["table:none"])
    assert len(found) == 600
    assert found["table:t7"] == ("test_column", {"id": "table:t7", "made_from": "x:1"})
    assert store.parts("sha256:s") == ["col:t.b@sha256:s", "col:t.a@sha256:s"]  # as they stand
    assert store.parts("sha256:s", after=1, limit=5) == ["col:t.a@sha256:s"]
    assert store.owners(["col:t.b@sha256:s", "table:t1"]) == {"col:t.b@sha256:s": "sha256:s"}
    assert store.neighbours("col:t.b@sha256:s")[0].dst == "col:r.b@sha256:r"


def test_the_last_event_of_a_record_and_the_last_checkpoint(store: SqlStore):
    assert store.last_checkpoint() == ""
    keep(store, Column("table:t", "x:1"))
    keep(store, Column("table:t", "x:2"))
    assert (store.told("table:t").version, store.told("table:t").node) == (2, "table:t")
    with pytest.raises(NotFound):
        store.told("table:none")
    note = store.checkpoint()
    keep(store, Column("table:u", "x:1"))
    assert store.last_checkpoint() == note != store.checkpoint() == store.last_checkpoint()


def test_an_id_is_found_by_its_key_alone(store: SqlStore):
    keep(
        store,
        Column("table:energy_a"),
        Column("product:energy_a"),
        Column("table:energyXa"),
        Column("x:y:energy_a"),
    )
    assert store.ids_named("energy_a") == ["product:energy_a", "table:energy_a"]


def test_the_rules_asked_are_edges_of_the_next_act_alone(store: SqlStore):
    with store.begin(actor="party:clerk") as uow:
        uow.rules.ask("law", "term", on=date(2026, 1, 1))
        uow.rules.ask("law", "term", on=date(2026, 1, 1))
        uow.add(Column("col:a"), "thing.decided")
        uow.add(Column("col:b"), "thing.decided")
        assert uow.edges_from("col:a") == [
            Edge("col:a", "decided_by", "rule:law/term@2026-01-01", "1")
        ]
        assert uow.edges_from("col:b") == []
    assert isinstance(uow.rules, Noting)


def test_people_ask_the_state_in_plain_sql(store: SqlStore, reopen: AnyStore):
    keep(store, LI, Person("party:he", Text("何", ""), "1", pay=Money(Decimal("12.50"))))
    keep(store, Person(LI.id, LI.name, "new"))
    engine = sa.create_engine(reopen.url)
    with engine.connect() as connection:
        query = "SELECT id, seq, name_zh, phone, pay, pay_currency FROM test_person_v ORDER BY id"
        assert list(connection.execute(sa.text(query))) == [
            ("party:he", 1, "何", "1", "12.50", "CNY"),
            ("party:li", 2, "李薇", "new", None, None),
        ]
    engine.dispose()


def test_a_thousand_acts_are_one_commit_and_one_log(store: SqlStore):
    with store.begin(actor="party:clerk") as uow:
        for n in range(1000):
            uow.add(Column(uow.new_id("act"), f"col:{n}"), "thing.done")
        assert sum(1 for _ in uow.all(Column)) == 1000
    assert store.size() == 1000
    assert [told.seq for told in store.events()] == list(range(1, 1001))
    assert store.verify() == []


def test_a_name_with_a_nul_is_refused_and_a_text_with_one_is_kept(store: SqlStore):
    """PostgreSQL has no text with a NUL in it; JSON writes one as an escape."""
    for wrong in (Column("col:a\0"), Column("col:a", "col:\0b")):
        with pytest.raises(Invalid) as refused:
            keep(store, wrong)
        assert refused.value.code == "store.nul" and "\0" not in str(refused.value)
    with pytest.raises(Invalid):
        keep(store, Column("col:a"), kind="thing.\0kept")
    odd = Person("party:odd", Text("a\0b", "c\\u0000d"), "")
    keep(store, odd)
    with store.begin(actor="party:clerk") as uow:
        assert uow.get(Person, "party:odd") == odd
    assert store.size() == 1 and store.verify() == []


# Time, ids


def history(reopen: AnyStore, name: str, seed: int) -> list[Any]:
    """Every row and the checkpoint of a few acts."""
    url = reopen.another(f"{name}.db")
    store = reopen(url=url, published=f"{name}.published", seed=seed)
    reopen.clock.set(START)
    keep(store, LI, BOOK)
    reopen.clock.advance(timedelta(seconds=1))
    with store.begin(actor="party:clerk") as uow:
        uow.add(Column(uow.new_id("act")), "thing.done")
        uow.post(entry(1, ("1", 5), ("2", -5)))
    note = store.checkpoint()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        tables = [schema.META.tables[name] for name in TABLES]
        rows = [
            sorted(tuple(row) for row in connection.execute(sa.select(table))) for table in tables
        ]
    engine.dispose()
    return [rows, note]


def test_the_same_acts_with_the_same_seed_and_clock_give_the_same_bytes(reopen: AnyStore):
    assert history(reopen, "a", 7) == history(reopen, "b", 7)
    assert history(reopen, "a2", 7) != history(reopen, "c", 8)


def test_the_same_acts_are_the_same_rows_in_every_database(
    on_sqlite: OnSqlite, on_postgres: OnPostgres
):
    assert history(on_sqlite, "a", 7) == history(on_postgres, "b", 7)


def test_a_clock_set_back_a_little_never_dates_an_event_before_the_last(
    store: SqlStore, reopen: AnyStore
):
    keep(store, LI)
    reopen.clock.advance(timedelta(minutes=-4))
    with store.begin(actor="party:clerk") as uow:
        assert uow.now() == START
        told = uow.add(Column("col:a"), "thing.kept")
    assert told is not None and told.recorded_at == "2026-01-02T03:04:05.000000Z"


def test_a_clock_set_back_a_lot_is_refused(store: SqlStore, reopen: AnyStore):
    keep(store, LI)
    reopen.clock.advance(timedelta(minutes=-6))
    with pytest.raises(Conflict) as refused, store.begin(actor="party:clerk") as uow:
        uow.add(Column("col:a"), "thing.kept")
    assert refused.value.code == "store.clock-back"
    assert store.size() == 1


def test_the_legal_day_is_shanghais(store: SqlStore, reopen: AnyStore):
    reopen.clock.set(datetime(2026, 1, 2, 16, 0, tzinfo=UTC))
    with store.begin(actor="party:clerk") as uow:
        assert uow.today() == date(2026, 1, 3)
        told = uow.add(LI, "party.enrolled")
    assert told is not None and told.effective_on == "2026-01-03"


# The log


def test_every_event_is_proven_in_every_later_checkpoint(store: SqlStore):
    points = []
    for n in range(9):
        keep(store, Column(f"col:{n}"))
        points.append(open_note(store.checkpoint(), None))
    for point in points:
        for seq in range(1, point.size + 1):
            told, salt, sealed = store.sealed(f"col:{seq - 1}")
            assert (told.seq, told.seal) == (seq, seal(salt, sealed))
            path = store.proof(seq, point.size)
            leaf = leaf_hash(_leaf(store, seq))
            assert root_by_inclusion(leaf, seq - 1, point.size, path) == point.root
        for later in points[point.size - 1 :]:
            path = store.consistency(point.size, later.size)
            assert is_consistent(point.size, point.root, later.size, later.root, path)


def _leaf(store: SqlStore, seq: int) -> bytes:
    from sanhua.store.log import leaf_of

    return leaf_of(store.event(seq))


def test_the_leaf_written_straight_is_canonical_json(store: SqlStore):
    from dataclasses import asdict

    from sanhua.store.log import leaf_of
    from sanhua.verify import canonical

    with store.begin(actor='party:"甲"\\\n\x1f') as uow:
        told = uow.add(LI, "party.enrolled")
    assert told is not None
    assert leaf_of(told) == canonical({key: str(value) for key, value in asdict(told).items()})


def test_a_checkpoint_without_news_is_the_same_note(store: SqlStore, reopen: AnyStore):
    keep(store, LI)
    note = store.checkpoint()
    assert store.checkpoint() == note == (reopen.folder / "published").read_text("utf-8")


def test_an_empty_log_has_a_checkpoint(store: SqlStore):
    assert open_note(store.checkpoint(), None).size == 0
    assert store.verify() == []


def test_a_log_behind_the_published_checkpoint_is_not_gone_on_with(reopen: AnyStore):
    """A backup taken before the last checkpoint was handed out, and restored."""
    first = reopen()
    keep(first, LI)
    first.checkpoint()
    first.close()
    backup = reopen.copy()
    second = reopen(seed=2)
    keep(second, Column("col:a"))
    second.checkpoint()
    second.close()
    restored = reopen(url=backup, seed=3)
    for act in (restored.checkpoint, lambda: keep(restored, Column("col:another"))):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "store.behind-published"
    gone = "verify.checkpoint-gone"
    assert [fault.code for fault in restored.verify()] == ["verify.truncated", gone]
    unknowing = reopen(url=backup, seed=3, published="none")
    keep(unknowing, Column("col:another"))
    unknowing.close()
    with pytest.raises(Broken) as refused_too:
        restored.checkpoint()
    assert refused_too.value.code == "store.not-published"
    assert [fault.code for fault in restored.verify()] == ["verify.checkpoint", gone]


def test_two_writers_wait_for_each_other_and_none_is_lost(reopen: AnyStore):
    stores = [reopen(seed=seed) for seed in range(4)]

    def work(store: SqlStore, name: int) -> None:
        for n in range(15):
            keep(store, Column(f"col:{name}.{n}"))

    threads = [threading.Thread(target=work, args=(store, n)) for n, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].size() == 60
    assert stores[0].verify() == []


def test_one_store_serves_many_threads(store: SqlStore):
    failed: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for n in range(15):
                keep(store, Column(f"col:{name}.{n}"))
                assert store.version_of(f"col:{name}.{n}") == 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert store.size() == 60 and store.verify() == []


# Ledger


def test_an_entry_is_posted_once_and_counts_in_the_balances(store: SqlStore):
    keep(store, BOOK)
    with store.begin(actor="party:clerk") as uow:
        first = entry(1, ("5301.02", 1023_500_00), ("2211", -1023_500_00))
        told = uow.post(first)
        assert told is not None and (told.type, told.effective_on) == (
            "ledger.posted",
            "2026-01-01",
        )
        assert uow.post(first) is None
        uow.post(entry(2, ("5301.02", 1), ("2211", -1), on=date(2026, 1, 2)))
        assert uow.balances("book:plant", date(2026, 1, 1)) == {
            "2211": Money.parse("-1023500.00"),
            "5301.02": Money.parse("1023500.00"),
        }
        assert uow.balances("book:plant", date(2026, 1, 2))["2211"] == Money.parse("-1023500.01")
        with pytest.raises(Conflict):
            uow.post(entry(1, ("5301.02", 2), ("2211", -2)))
        for wrong, code in (
            (entry(3, ("a", 1), ("b", -2)), "ledger.unbalanced"),
            (entry(4, ("a", 0)), "ledger.one-line"),
        ):
            with pytest.raises(Invalid) as refused:
                uow.post(wrong)
            assert refused.value.code == code
    assert store.verify() == []


def test_an_entry_needs_its_book(store: SqlStore):
    with store.begin(actor="party:clerk") as uow:
        with pytest.raises(NotFound) as refused:
            uow.post(entry(1, ("a", 1), ("b", -1)))
    assert refused.value.code == "ledger.no-such-book"


@pytest.mark.parametrize(
    ("on", "open_"),
    [
        (date(2025, 12, 31), True),
        (date(2026, 1, 1), False),
        (date(2026, 1, 31), False),
        (date(2026, 2, 1), True),
    ],
)
def test_nothing_is_posted_into_a_closed_period(store: SqlStore, on: date, open_: bool):
    keep(store, BOOK)
    early = entry(1, ("a", 1), ("b", -1), on=date(2026, 1, 15))
    with store.begin(actor="party:clerk") as uow:
        uow.post(early)
        assert uow.close_period("book:plant", Period.named("2026-01")) is not None
        assert uow.close_period("book:plant", Period.named("2026-01")) is None
        assert uow.post(early) is None  # said before the close: saying it again is still nothing
    with store.begin(actor="party:clerk") as uow:
        late = entry(2, ("a", 1), ("b", -1), on=on)
        if open_:
            assert uow.post(late) is not None
        else:
            with pytest.raises(Denied) as refused:
                uow.add(late, "ledger.posted")  # the other way in is closed as well
            assert refused.value.code == "ledger.period-closed"


def test_an_adjustment_period_is_of_the_year_and_of_none_of_its_months(store: SqlStore):
    """Open from the close of the last month until it is closed; the month's balances stay."""
    keep(store, BOOK)
    last, following = date(2026, 12, 31), date(2027, 1, 1)
    of_month = entry(1, ("a", 100), ("b", -100), on=last)
    late = replace(entry(2, ("a", 7), ("b", -7), on=last), adjusts="2026-ADJ")
    with store.begin(actor="party:clerk") as uow:
        uow.post(of_month)
        for refused, kind, code in (
            (late, Denied, "ledger.adjusts-open"),
            (replace(late, effective_on=date(2026, 12, 30)), Invalid, "ledger.adjusts-day"),
            (replace(late, adjusts="2026-12"), Invalid, "ledger.adjusts-day"),
        ):
            with pytest.raises(kind) as found:
                uow.post(refused)
            assert found.value.code == code
        uow.close_period("book:plant", Period.named("2026-12"))
        with pytest.raises(Denied):
            uow.post(replace(late, adjusts=""))
        assert uow.post(late) is not None
        assert uow.post(late) is None
        assert uow.balances("book:plant", last)["a"].fen == 100
        assert uow.balances("book:plant", last, adjusted=True)["a"].fen == 107
        assert uow.balances("book:plant", following)["a"].fen == 107
        uow.close_period("book:plant", Period.named("2026-ADJ"))
        more = replace(entry(3, ("a", 1), ("b", -1), on=last), adjusts="2026-ADJ")
        with pytest.raises(Denied) as found:
            uow.post(more)
        assert found.value.code == "ledger.period-closed"
    assert list(store.verify()) == []


def test_a_field_thought_of_later_leaves_the_bodies_of_before_as_they_were():
    assert b"adjusts" not in body(entry(1, ("a", 1), ("b", -1)))
    marked = replace(entry(1, ("a", 1), ("b", -1)), adjusts="2026-ADJ")
    assert restore(Entry, json.loads(body(marked))["fields"]) == marked


def test_a_closed_period_and_a_book_are_not_rewritten(store: SqlStore):
    from sanhua.kernel.ledger import PeriodClose

    keep(store, BOOK)
    with store.begin(actor="party:clerk") as uow:
        uow.close_period("book:plant", Period.named("2026-01"))
        with pytest.raises(Conflict):
            uow.add(
                PeriodClose(
                    "close:plant/2026-01", "book:plant", date(2020, 1, 1), date(2020, 1, 2)
                ),
                "x",
            )
        with pytest.raises(Conflict):
            uow.add(Book("book:plant", "party:plant", BookKind.ENTITY, "USD"), "book.opened")
        with pytest.raises(Invalid):
            uow.add(
                PeriodClose("close:plant/x", "book:plant", date(2026, 1, 1), date(2026, 1, 1)), "x"
            )


def test_an_entry_that_stands_on_an_appraisal_or_on_another_book_s_account_is_not_posted(
    store: SqlStore,
):
    keep(store, BOOK)
    with store.begin(actor="party:clerk") as uow:
        good = entry(1, ("5301.02", 1), ("2211", -1))
        with pytest.raises(Denied, match=r"ledger\.source-is-appraisal"):
            uow.post(replace(good, source="appraisal:cloud_map_2025"))
        with pytest.raises(Invalid, match=r"ledger\.account-of-other-book"):
            uow.post(entry(2, ("receivable:bank", 1), ("income:energy", -1)))
        assert uow.post(good) is not None


# Erasure


def test_an_erased_person_is_gone_from_every_file_while_the_log_still_verifies(
    store: SqlStore, reopen: AnyStore
):
    keep(store, LI, Column("col:a", LI.id))
    keep(store, Person(LI.id, LI.name, "13911112222"))
    note = store.checkpoint()
    told = store.erase(LI.id, actor="party:dpo", reason="个人请求删除")
    assert told is not None and (told.type, told.actor) == ("record.erased", "party:dpo")
    assert store.erase(LI.id, actor="party:dpo", reason="again") is None
    found = reopen.bytes()
    for secret in (LI.phone, "13911112222", "李薇", "Li Wei"):
        assert secret.encode() not in found
    assert store.verify() == []
    with store.begin(actor="party:clerk") as uow:
        assert uow.find(Person, LI.id) is None
        assert uow.find(Person, LI.id, as_of=START) is None
        assert list(uow.all(Person)) == []
        assert uow.edges_from(LI.id) == []
        with pytest.raises(NotFound) as refused:
            uow.get(Person, LI.id)
    assert refused.value.code == "store.erased"
    assert store.kept(LI.id).fields is None
    [(event, erasure)] = store.erasures()
    assert (event.actor, erasure.node, erasure.through) == ("party:dpo", LI.id, 2)
    point = open_note(note, None)
    later = open_note(store.checkpoint(), None)
    path = store.consistency(point.size, later.size)
    assert is_consistent(point.size, point.root, later.size, later.root, path)
    entries, _ = store.bundle("col:a", [("col:a", 1), (LI.id, 2)], store.checkpoint())
    report = check_bundle(pack(entries), None)
    assert report.ok and report.erased == [LI.id], report.faults
    keep(store, LI)  # declared again: a new version after the erased ones
    assert store.version_of(LI.id) == 3 and store.verify() == []


def test_what_the_ledger_stands_on_is_not_erased(store: SqlStore):
    keep(store, BOOK)
    with store.begin(actor="party:clerk") as uow:
        uow.post(entry(1, ("a", 1), ("b", -1)))
    for node in ("book:plant", entry(1).id):
        with pytest.raises(Denied) as refused:
            store.erase(node, actor="party:dpo", reason="")
        assert refused.value.code == "store.not-erasable"
    with pytest.raises(NotFound):
        store.erase("party:none", actor="party:dpo", reason="")


@record("test_recall")
@dataclass(frozen=True, slots=True)
class Recall:
    """Takes something back."""

    id: str
    token: Annotated[str, Ref("revokes")]


def test_what_took_something_back_is_not_erased(store: SqlStore):
    keep(store, LI, Recall("recall:1", LI.id))
    with pytest.raises(Denied) as refused:
        store.erase("recall:1", actor="party:dpo", reason="")
    assert refused.value.code == "store.holds-closed"
    assert store.erase(LI.id, actor="party:dpo", reason="") is not None


# Reading many


def test_every_record_of_a_kind_is_named_also_one_that_cannot_be_read(store: SqlStore):
    other = replace(LI, id="party:wu", phone='"\\\x07"')
    keep(store, LI, other, Column("col:a"))
    keep(store, replace(LI, phone="1"))
    size = store.size()
    store.erase(LI.id, actor="party:dpo", reason="")
    with store.begin(actor="", read_only=True) as uow:
        assert list(uow.each(Person)) == [(LI.id, None), (other.id, other)]
        assert uow.ids(Person) == [LI.id, other.id] and uow.ids(Snapshot) == []
    assert store.among([LI.id, "col:a", "party:none"]) == {LI.id, "col:a"}
    assert store.kinds(0) == {"test_person", "test_column", "erasure"}
    assert store.kinds(size) == {"erasure"} and store.kinds(size + 1) == set()


def test_records_are_found_by_the_span_between_two_of_their_texts(store: SqlStore):
    spans = {"a": ("2026-01", "2026-03"), "b": ("2026-02", "2026-02"), "c": ("2026-04", "2026-05")}

    def found(first: str, last: str) -> list[str]:
        with store.begin(actor="", read_only=True) as uow:
            return [p.id[-1] for p in uow.overlapping(Person, "phone", "employer", first, last)]

    assert found("", "9999") == []
    people = [replace(LI, id=f"party:{one}", phone=a, employer=b) for one, (a, b) in spans.items()]
    keep(store, *(replace(one, phone="2030", employer="2030") for one in people), *people)
    assert found("", "9999") == ["a", "b", "c"] and found("2026-06", "9999") == []
    assert found("2026-03", "2026-03") == ["a"] and found("2026-02", "2026-04") == ["a", "b", "c"]
    assert found("", "2026-01") == ["a"] and found("2026-05", "9999") == ["c"]


# Bundles


def test_a_bundle_of_the_store_is_sound_and_covers_what_it_names(store: SqlStore):
    from sanhua.kernel.figure import Figure, Part, Posted

    keep(store, BOOK)
    with store.begin(actor="party:clerk") as uow:
        first = entry(1, ("a", 250), ("b", -250))
        uow.post(first)
        amount = Decimal("2.50")
        postings = (Posted(first.id, amount),)
        part = Figure("figure:b/r/p/c/q", Text("分"), amount, "CNY", (), postings)
        uow.add(part, "figure.made")
        parts = (Part(part.id, part.value),)
        uow.add(Figure("figure:b/r/t/c/q", Text("总"), amount, "CNY", parts), "figure.made")
    note = store.checkpoint()
    owners = ["figure:b/r/t/c/q", "figure:b/r/p/c/q", first.id, "book:plant"]
    entries, size = store.bundle("figure:b/r/t/c/q", [(node, 1) for node in owners], note)
    report = check_bundle(pack(entries), None)
    assert (report.faults, report.records, report.figures, size) == ([], 4, 2, 4)
    assert (report.parts, report.unsaid) == (2, 0)
    assert report.outside == {"party": 1, "voucher": 1}
    keep(store, Column("col:late"))
    with pytest.raises(Conflict) as refused:
        store.bundle("col:late", [("col:late", 1)], note)
    assert refused.value.code == "store.after-checkpoint"


def test_a_figure_stands_on_the_versions_that_were_there_when_it_was_made(store: SqlStore):
    from sanhua.kernel.figure import Figure, Part

    part, total = "figure:b/r/p/c/q", "figure:b/r/t/c/q"
    parts = (Part(part, Decimal(3)), Part("file:x", Decimal()))

    def stated(value: int) -> Figure:
        counted = (Part("file:y", Decimal(value)),)
        return Figure(part, Text("分"), Decimal(value), "rows", counted)

    def summed() -> Figure:
        return Figure(total, Text("总"), Decimal(3), "rows", parts)

    keep(store, stated(3), summed())
    keep(store, stated(4))
    first, second = (store.told(part, version) for version in (1, 2))
    made = store.standing(total)
    assert made is not None and made.seq == 2
    assert store.kept(total).fields["cites"] == {part: first.seal}  # what is no record has none
    assert store.standing(part, made.seq) == (part, 1, first.seq, 2)
    assert store.standing(part) == (part, 2, second.seq, 2)
    assert store.superseded([part, total], made.seq) == {part: 1}
    assert (store.kept(part, 1).fields["value"], store.kept(part).fields["value"]) == ("3", "4")
    entries, _ = store.bundle(total, [(total, 1), (part, 1)], store.checkpoint())
    assert check_bundle(pack(entries), None).ok
    entries, _ = store.bundle(total, [(total, 1), (part, 2)], store.checkpoint())
    [fault] = check_bundle(pack(entries), None).faults
    assert "the version cited is not here" in fault
    keep(store, summed())
    assert store.kept(total).fields["cites"] == {part: second.seal}  # said anew


def test_edges_of_a_moment_are_those_of_the_versions_that_stood(store: SqlStore):
    one, two = Column("col:t.a@sha256:1", "sha256:1"), Column("col:t.a@sha256:2", "sha256:2")
    keep(store, Snapshot("snap:t", (one,)))
    keep(store, Snapshot("snap:t", (two,)))
    assert [edge.dst for edge in store.edges_of(one.id, 1)] == ["sha256:1"]
    assert store.edges_of(one.id, 2) == [] and store.standing(one.id, 2) is None
    assert store.standing(one.id, 1) == ("snap:t", 1, 1, 2)
    assert store.parts("snap:t", at=1) == [one.id] and store.parts("snap:t") == [two.id]
    keep(store, Column("col:late"))
    assert store.standing("col:late", 1) == ("col:late", 1, 3, 1)  # it came later: its first


# What goes wrong outside


def test_a_database_of_another_kind_is_named(reopen: AnyStore):
    with pytest.raises(Invalid) as refused:
        reopen(url="mysql://host/db")
    assert refused.value.code == "store.unknown-url"


def test_a_newer_schema_is_left_alone(store: SqlStore, reopen: AnyStore):
    reopen.do("UPDATE meta SET value = '99' WHERE name = 'schema'")
    with pytest.raises(Conflict) as refused:
        reopen()
    assert refused.value.code == "store.newer-schema"


def test_the_tables_refuse_to_forget(store: SqlStore, reopen: AnyStore):
    keep(store, BOOK, LI)
    with store.begin(actor="party:clerk") as uow:
        uow.post(entry(1, ("a", 1), ("b", -1)))
    store.checkpoint()
    tries = [
        f"DELETE FROM {t}"
        for t in ("record", "event", "merkle", "edge", "entry_line", "checkpoint", "meta")
    ]
    tries += [
        "UPDATE record SET body = 'x'",
        "UPDATE record SET seq = 9, body = NULL, salt = NULL",
        "UPDATE event SET type = 'x'",
        "UPDATE merkle SET hash = NULL",
        "UPDATE edge SET dst = 'x'",
        "UPDATE entry_line SET amount = 0",
        "UPDATE checkpoint SET note = 'x'",
        "UPDATE meta SET value = 'x' WHERE name = 'origin'",
    ]
    if isinstance(reopen, OnPostgres):
        tries += [f"TRUNCATE {t} CASCADE" for t in (*TABLES, "meta")]
    for statement in tries:
        with pytest.raises(Exception, match="append-only") as refused:
            reopen.do(statement)
        assert "IntegrityError" in str(type(refused.value).__mro__)


def raises_unavailable(code: str, work: Callable[[], Any]) -> None:
    with pytest.raises(Unavailable) as refused:
        work()
    assert refused.value.code == code


def test_a_full_disk_loses_nothing_and_says_so(on_sqlite: OnSqlite):
    """SQLite's own page limit gives the same error as the disk (SQLITE_FULL)."""
    store = on_sqlite()
    keep(store, LI)
    with store._transaction(read_only=True) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with store.begin(actor="party:clerk") as uow:
            for n in range(2000):
                uow.add(Column(f"col:{n}", "x" * 200), "thing.kept")

    raises_unavailable("store.disk-full", fill)
    assert store.size() == 1 and store.verify() == []
    again = on_sqlite(seed=2)
    keep(again, Column("col:a"))
    assert again.verify() == []


def test_a_read_only_database_is_read_and_refuses_acts(store: SqlStore, reopen: AnyStore):
    keep(store, LI)
    locked = reopen(url=reopen.read_only)
    with locked.begin(actor="party:clerk", read_only=True) as uow:
        assert uow.get(Person, LI.id) == LI
    raises_unavailable("store.read-only", lambda: keep(locked, Column("col:a")))


def test_a_locked_database_is_waited_for_and_then_named(store: SqlStore, reopen: AnyStore):
    with store._transaction(read_only=True) as connection:
        connection.exec_driver_sql(reopen.wait_a_little)
    with reopen.busy():
        with pytest.raises(Conflict) as refused:
            keep(store, LI)
        assert refused.value.code == "store.busy"
        assert store.size() == 0  # reading goes on
    keep(store, LI)


@pytest.mark.parametrize("data", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 4080])
def test_a_file_that_is_no_database_is_named(on_sqlite: OnSqlite, data: bytes):
    on_sqlite.file.write_bytes(data)
    with pytest.raises(Broken) as refused:
        on_sqlite()
    assert refused.value.code == "store.corrupt"


def test_a_folder_that_is_not_there_is_named(on_sqlite: OnSqlite):
    raises_unavailable(
        "store.cannot-open", lambda: on_sqlite(url=on_sqlite.another("none/state.db"))
    )


def test_an_error_of_the_database_shows_no_values(store: SqlStore):
    keep(store, LI)
    with (
        pytest.raises(sa.exc.IntegrityError) as refused,
        store._transaction(read_only=False) as connection,
    ):
        connection.execute(
            sa.text("INSERT INTO record VALUES (:id, 1, 'k', :body, 'x')"),
            {"id": LI.id, "body": "秘密"},
        )
    assert "秘密" not in str(refused.value)


def test_a_store_in_memory_keeps_the_same_promises():
    store = open_store("sqlite://", clock=SetClock(START), rules=OneRule())
    keep(store, LI)
    assert store.erase(LI.id, actor="party:dpo", reason="") is not None
    assert store.size() == 2 and store.verify() == []
    with pytest.raises(Invalid) as refused:
        store.checkpoint()
    assert refused.value.code == "store.no-key"
    store.close()
