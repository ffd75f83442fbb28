"""The scheduler: each source by its cadence, failures again with growing waits, one at a time."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from test_databases import START, change, erp  # noqa: F401

from sanhua.store.clock import SetClock
from sanhua.workspace.arriving import fetch_of
from sanhua.workspace.opening import Workspace
from sanhua.workspace.scheduling import Scheduler, affected, overview, schedule_file

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START)


def test_each_source_is_run_for_at_its_cadence_and_again_after_a_failure(
    erp: Path,  # noqa: F811
    clock: SetClock,
):
    def opened() -> Workspace:
        return Workspace(erp, env={"ERP": str(erp.parent / "erp.db")}, clock=clock)

    told: list[str] = []
    scheduler = Scheduler(opened, lambda: False, told.append)
    try:
        assert scheduler.look() == ["orders", "rates"], "nothing was ever fetched"
        assert scheduler.look() == []
        clock.advance(59 * MINUTE)
        assert scheduler.look() == []
        change(erp, "INSERT INTO orders VALUES (9, '1.00', '2026-03-02 09:00:00')")
        clock.advance(2 * MINUTE)
        assert scheduler.look() == ["orders"], "an hour is past, a day is not"
        with opened() as ws:
            assert affected(ws, ws.project.sources["orders"]) == ["orders", "latest"]
            fetch = fetch_of(ws, "orders")
            assert fetch is not None and fetch.cursor == "2026-03-02 09:00:00"
        (erp.parent / "erp.db").rename(erp.parent / "away.db")
        clock.advance(61 * MINUTE)
        assert scheduler.look() == ["orders"]
        assert told[-1] == "schedule: orders database.unreachable"
        clock.advance(timedelta(seconds=50))
        assert scheduler.look() == []
        clock.advance(timedelta(seconds=20))
        assert scheduler.look() == ["orders"], "a minute after the first failure"
        clock.advance(timedelta(seconds=70))
        assert scheduler.look() == [], "two after the second"
        shown = {
            one["source"]: one for one in json.loads(schedule_file(erp).read_text())["sources"]
        }
        assert shown["orders"]["fault"] == "database.unreachable" and not shown["rates"]["fault"]
    finally:
        scheduler._close()
    (erp.parent / "away.db").rename(erp.parent / "erp.db")
    again = Scheduler(opened, lambda: False)  # another process: what was done stands in the store
    try:
        clock.advance(MINUTE)
        assert again.look() == ["orders"]
        assert again.look() == []
        with opened() as ws:
            found = {one["source"]: one for one in overview(ws)}
        assert found["orders"]["failures"] == 0 and found["orders"]["next_at"]
    finally:
        again._close()


def test_a_source_is_not_asked_when_another_is_due_though_a_table_is_made_of_both(
    erp: Path,  # noqa: F811
    clock: SetClock,
):
    """`rates` comes once a day and cannot be reached: `orders` comes every hour all the same."""
    (erp / "sql" / "both.sql").write_text("SELECT count(*) AS n FROM orders, rates", "utf-8")
    text = (erp / "sources" / "rates.yaml").read_text("utf-8")
    (erp / "sources" / "rates.yaml").write_text(text.replace("${ERP}", "${RATES}"), "utf-8")
    (erp.parent / "rates.db").write_bytes((erp.parent / "erp.db").read_bytes())

    def opened() -> Workspace:
        places = {"ERP": str(erp.parent / "erp.db"), "RATES": str(erp.parent / "rates.db")}
        return Workspace(erp, env=places, clock=clock)

    told: list[str] = []
    scheduler = Scheduler(opened, lambda: False, told.append)
    try:
        assert scheduler.look() == ["orders"], "what was never asked is, with the first"
        with opened() as ws:
            before = fetch_of(ws, "rates")
        (erp.parent / "rates.db").unlink()
        told.clear()
        for _ in range(3):
            change(erp, "INSERT INTO orders SELECT max(id) + 1, '1.00', '2026-03-02 09:00:00' "
                   "FROM orders")  # fmt: skip
            clock.advance(61 * MINUTE)
            assert scheduler.look() == ["orders"]
        assert not any("unreachable" in line for line in told)
        with opened() as ws:
            assert fetch_of(ws, "rates") == before
    finally:
        scheduler._close()


def test_a_defect_at_one_source_keeps_no_other_waiting(
    erp: Path,  # noqa: F811
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
):
    from sanhua.workspace import scheduling

    whole = scheduling.run

    def broken(ws: Workspace, select: list[str], *, asking: str) -> object:
        if asking == "orders":
            raise ZeroDivisionError("s3cret")
        return whole(ws, select, asking=asking)

    monkeypatch.setattr(scheduling, "run", broken)
    told: list[str] = []
    env = {"ERP": str(erp.parent / "erp.db")}
    scheduler = Scheduler(lambda: Workspace(erp, env=env, clock=clock), lambda: False, told.append)
    try:
        assert scheduler.look() == ["orders", "rates"]
        assert scheduler.look() == [], "the broken one waits its time too"
        assert not any("s3cret" in line for line in told) and "ZeroDivisionError" in told[0]
    finally:
        scheduler._close()


def test_while_somebody_runs_the_scheduler_waits_its_turn(
    erp: Path,  # noqa: F811
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
):
    from sanhua.workspace import opening

    def opened() -> Workspace:
        return Workspace(erp, env={"ERP": str(erp.parent / "erp.db")}, clock=clock)

    monkeypatch.setattr(opening, "LOCK_WAIT_S", 0.05)
    told: list[str] = []
    scheduler = Scheduler(opened, lambda: False, told.append)
    try:
        with opened() as other, other.exclusive():
            scheduler.look()
        assert all("run.busy" in line for line in told) and told
        told.clear()
        assert scheduler.look() == ["orders", "rates"]
        assert not any("busy" in line for line in told)
    finally:
        scheduler._close()
