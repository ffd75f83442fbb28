"""A feed of five-minute files: late, repeated, out of order, corrupt, corrected; nothing is lost
and nothing counts twice.
"""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from sanhua.kernel.errors import Conflict
from sanhua.resource.arrival import Arrival
from sanhua.resource.collect import Inbox
from sanhua.store.clock import SetClock
from sanhua.workspace.arriving import arrivals_of, bring_in, freshness_of, slots_of
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run
from sanhua.workspace.scheduling import has_something

FILES = {
    "sanhua.yaml": "sanhua: 1\ntitle: 客流\nentities:\n  metro: {regime: CAS}\n",
    "parties.yaml": """
        metro: {name: 测试地铁, uscc: 91350100M000100Y43, roles: [holder, operator]}
        gates: {name: 闸机厂, uscc: 91310000MA1FL0XX7Y, roles: [supplier]}
        """,
    "sources/flow.yaml": """
        title: 五分钟进站量
        inbox: {folder: inbox/flow, done: .ok}
        cadence: 5min
        period: "flow_{yyyyMMdd_HHmm}.csv"
        late: 5 minutes
        supplier: gates
        """,
    "contracts/flow.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: flow
        version: 1.0.0
        status: active
        schema:
          - name: flow
            properties:
              - {name: station, logicalType: integer, required: true}
              - {name: started_at, logicalType: timestamp, required: true}
              - {name: inflow, logicalType: integer}
        """,
    "sql/by_hour.sql": """
        SELECT date_trunc('hour', started_at) AS hour, sum(inflow) AS inflow, count(*) AS rows
        FROM flow GROUP BY date_trunc('hour', started_at)
        """,
}
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    project = tmp_path / "metro"
    for name, text in FILES.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return project


def name_of(number: int) -> str:
    return f"flow_20260302_12{number * 5:02d}.csv"


def body(number: int, more: int = 0) -> str:
    rows = [f"{station},2026-03-02 12:{number * 5:02d}:00,{station + number + more}"
            for station in range(3)]  # fmt: skip
    return "\n".join(["station,started_at,inflow", *rows]) + "\n"


def drop(project: Path, name: str, data: str | bytes, *, whole: bool = True) -> None:
    folder = project / "inbox" / "flow"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    if whole:
        (folder / f"{name}.ok").touch()


def at(project: Path, moment: datetime) -> Workspace:
    return Workspace(project, env={}, clock=SetClock(moment))


def total(ws: Workspace) -> tuple[int, int]:
    """Rows and passengers of the table as it stands."""
    from sanhua.workspace.snapshots import Snapshots

    Snapshots(ws).bind("flow")
    rows = ws.engine.query("SELECT count(*), CAST(coalesce(sum(inflow), 0) AS BIGINT) FROM flow")
    return rows[0][0], rows[0][1]


def came(project: Path, moment: datetime) -> Any:
    """A run at a moment."""
    with at(project, moment) as ws:
        return run(ws)


def took(project: Path, moment: datetime) -> None:
    """What a run does first: what came is taken and entered."""
    with at(project, moment) as ws, ws.exclusive():
        brought = bring_in(ws, ws.project.sources.values())
        assert not brought.errors


def test_what_comes_late_twice_broken_or_out_of_order_is_counted_once(feed: Path):
    minutes = timedelta(minutes=1)
    drop(feed, name_of(0), body(0))
    took(feed, NOON + 6 * minutes)  # 12:00–12:05 came at 12:06
    drop(feed, name_of(2), body(2))
    drop(feed, name_of(0), body(0))  # the same again
    took(feed, NOON + 16 * minutes)
    drop(feed, name_of(1), body(1))  # out of order, and 11 minutes late
    drop(feed, name_of(3), "\x00\x01 not a table")
    drop(feed, name_of(4), body(4), whole=False)  # still being written
    made = came(feed, NOON + 21 * minutes)
    assert [d.code for d in made.diagnostics if d.code.startswith("arrival")] == [
        "arrival.unreadable"
    ]
    drop(feed, name_of(3), body(3))  # in its place
    drop(feed, name_of(2), body(2, more=10))  # a correction
    made = came(feed, NOON + 24 * minutes)
    assert not [d for d in made.diagnostics if d.code.startswith("arrival")]
    with at(feed, NOON + 36 * minutes) as ws:
        made = run(ws)
        assert made.ok and all(step.status == "skipped" for step in made.steps)
        assert total(ws) == (12, sum(s + n for n in range(4) for s in range(3)) + 30)
        source = ws.project.sources["flow"]
        found = freshness_of(ws, source)
        assert (feed / "inbox" / "flow" / name_of(4)).exists(), "it is not whole yet"
        # 12:00 to 12:25 are due at 12:36 with five minutes' grace
        assert (found.expected, found.on_time, found.late, found.missing) == (6, 3, 1, 2)
        assert (found.repeated, found.corrected, found.unreadable) == (1, 1, 1)
        assert found.out_of_order == 1
        assert found.absent == (("2026-03-02T12:20", "2026-03-02T12:25", 2),)
        assert found.state == "behind" and found.meets is False
        assert len(arrivals_of(ws, "flow")) == 6
        kept = list((feed / "state" / "raw" / "flow").glob("*.csv"))
        assert len(kept) == 6, "every content that came is kept"


def test_the_same_bytes_after_a_correction_do_not_undo_it(feed: Path):
    for data in (body(0), body(0, more=5), body(0)):
        drop(feed, name_of(0), data)
        took(feed, NOON)
    came(feed, NOON)
    with at(feed, NOON) as ws:
        assert total(ws) == (3, sum(range(3)) + 15)
        (slot,) = slots_of(ws, ws.project.sources["flow"])
        assert [(one.why, one.by) for one in slot.superseded] == [("corrected", slot.counts.id)]  # type: ignore[union-attr]


def test_a_file_of_another_name_is_kept_told_of_and_not_counted(feed: Path):
    drop(feed, name_of(0), body(0))
    drop(feed, "readme.csv", body(1))
    drop(feed, "flow_20269999_1205.csv", body(1))  # no such day
    made = came(feed, NOON)
    told = [d.facts["name"] for d in made.diagnostics if d.code == "arrival.no-period"]
    assert told == ["flow_20269999_1205.csv", "readme.csv"]
    with at(feed, NOON) as ws:
        assert total(ws)[0] == 3


def test_what_could_not_be_read_counts_as_soon_as_the_contract_is_mended(feed: Path):
    contract = feed / "contracts" / "flow.odcs.yaml"
    right = contract.read_text("utf-8")
    contract.write_text(right.replace("name: inflow", "name: inflow, physicalName: in"), "utf-8")
    drop(feed, name_of(0), body(0))
    made = came(feed, NOON)
    assert made.error is not None and made.error.code == "collect.nothing-came"
    contract.write_text(right, "utf-8")
    assert came(feed, NOON).ok
    with at(feed, NOON) as ws:
        assert total(ws)[0] == 3


def test_what_an_older_reader_could_not_read_is_tried_by_a_newer_one(
    feed: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as older:
        older.setattr("sanhua.workspace.arriving.READERS", 0)
        older.setattr("sanhua.engine.probe.Prober.probe", None)  # it ends in a defect of ours
        drop(feed, name_of(0), body(0))
        assert not came(feed, NOON).ok
    assert came(feed, NOON).ok
    with at(feed, NOON) as ws:
        assert total(ws)[0] == 3


def test_the_period_may_stand_in_a_column(feed: Path):
    source = feed / "sources" / "flow.yaml"
    text = source.read_text("utf-8").replace('"flow_{yyyyMMdd_HHmm}.csv"', "started_at")
    source.write_text(text, "utf-8")
    for number in (1, 0):
        drop(feed, "current.csv", body(number))  # a sender that has one name for all
        took(feed, NOON + timedelta(minutes=5 * number))
    drop(feed, "again.csv", body(0, more=1))  # the first period, corrected
    assert came(feed, NOON + timedelta(minutes=20)).ok
    with at(feed, NOON + timedelta(minutes=20)) as ws:
        assert total(ws) == (6, sum(range(3)) + 3 + sum(range(3)) + 3)
        found = freshness_of(ws, ws.project.sources["flow"])
        assert (found.first, found.last) == ("2026-03-02T12:00", "2026-03-02T12:05")
        assert found.corrected == 1


def test_a_file_that_overlaps_another_is_told_of_and_one_that_covers_it_corrects_it(feed: Path):
    source = feed / "sources" / "flow.yaml"
    text = source.read_text("utf-8").replace('"flow_{yyyyMMdd_HHmm}.csv"', "started_at")
    source.write_text(text, "utf-8")
    rows = [body(number).partition("\n")[2] for number in range(3)]
    head = body(0).partition("\n")[0]
    for names, count, told in (((0,), 3, 0), ((0, 1), 6, 0), ((1, 2), 12, 1), ((0, 1, 2), 9, 0)):
        drop(feed, "grown.csv", head + "\n" + "".join(rows[n] for n in names))
        made = came(feed, NOON + timedelta(minutes=20))
        assert [d.code for d in made.diagnostics].count("arrival.overlapping") == told
        with at(feed, NOON + timedelta(minutes=20)) as ws:
            assert total(ws)[0] == count


def test_a_compressed_file_cut_short_is_told_of_and_replaced(feed: Path):
    source = feed / "sources" / "flow.yaml"
    source.write_text(source.read_text("utf-8").replace(".csv", ".csv.gz"), "utf-8")
    packed = gzip.compress(body(0).encode())
    drop(feed, name_of(0) + ".gz", packed[:-12])
    made = came(feed, NOON)
    assert [d.code for d in made.diagnostics if d.code == "arrival.unreadable"]
    drop(feed, name_of(0) + ".gz", packed)
    assert came(feed, NOON).ok


def test_a_kill_between_any_two_steps_loses_nothing_and_doubles_nothing(
    feed: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each place where taking a file can stop, once; then the next run."""
    from sanhua.sources import landing

    class Killed(BaseException):
        pass

    places = ["keep", "note", "entered"]
    for number, place in enumerate(places):
        owner = landing.Receiving if place == "keep" else landing.Landing
        whole = getattr(owner, place)
        for after in (False, True):
            drop(feed, name_of(number * 2 + after), body(number * 2 + after))

            def dying(*args: Any, whole: Any = whole, after: bool = after) -> Any:
                if after:
                    whole(*args)
                raise Killed

            monkeypatch.setattr(owner, place, dying)
            with pytest.raises(Killed):
                took(feed, NOON)
            monkeypatch.setattr(owner, place, whole)
            took(feed, NOON)
    came(feed, NOON)
    with at(feed, NOON) as ws:
        assert total(ws)[0] == 18
        found: list[Arrival] = arrivals_of(ws, "flow")
        assert len(found) == 6 and not any(one.again for one in found)


def test_verify_finds_a_raw_file_that_was_changed(feed: Path):
    from sanhua.workspace.verifying import verify_store

    drop(feed, name_of(0), body(0))
    came(feed, NOON)
    with at(feed, NOON) as ws:
        assert verify_store(ws).ok
        (kept,) = (feed / "state" / "raw" / "flow").glob("*.csv")
        kept.chmod(0o600)
        kept.write_text(body(0).replace("2\n", "3\n"), "utf-8")
        verdict = verify_store(ws)
        assert not verdict.ok
        assert [d for d in verdict.diagnostics if "arrival:flow/" in str(d.facts)]


def test_a_link_in_the_inbox_is_not_followed_and_an_odd_name_stays(feed: Path, tmp_path: Path):
    secret = tmp_path / "secret.csv"
    secret.write_text(body(0), "utf-8")
    folder = feed / "inbox" / "flow"
    folder.mkdir(parents=True)
    (folder / name_of(0)).symlink_to(secret)
    (folder / f"{name_of(0)}.ok").touch()
    drop(feed, name_of(1), body(1))
    drop(feed, "a\u202eb.csv", body(2))
    drop(feed, os.fsdecode("客流.csv".encode("gbk")), body(2))
    made = came(feed, NOON + timedelta(minutes=5))
    told = [d.code for d in made.diagnostics if d.code.startswith("inbox")]
    assert told == ["inbox.bad-name"] * 2
    assert secret.exists() and (folder / name_of(0)).is_symlink()
    with at(feed, NOON) as ws:
        assert total(ws)[0] == 3
        flow = ws.project.sources["flow"]
        assert isinstance(flow.fetched, Inbox)
        assert not has_something(ws, flow, flow.fetched), "or the scheduler would never rest"


def test_two_files_of_a_folder_about_one_period_are_refused(feed: Path):
    source = feed / "sources" / "flow.yaml"
    text = source.read_text("utf-8").replace(
        "inbox: {folder: inbox/flow, done: .ok}", "files: given/*.csv"
    )
    source.write_text(text.replace('.csv"', '*.csv"'), "utf-8")
    (feed / "given").mkdir()
    (feed / "given" / name_of(0)).write_text(body(0), "utf-8")
    assert came(feed, NOON + timedelta(minutes=6)).ok
    with at(feed, NOON + timedelta(minutes=11)) as ws:
        found = freshness_of(ws, ws.project.sources["flow"])
        assert (found.expected, found.on_time) == (1, 1), "dated by when run first saw it"
    (feed / "given" / name_of(0).replace(".csv", "b.csv")).write_text(body(0, 1), "utf-8")
    with pytest.raises(Conflict) as error:
        came(feed, NOON)
    assert error.value.code == "collect.period-twice"


def test_check_says_what_is_wrong_with_a_period(feed: Path):
    from datetime import date

    from sanhua.project import load
    from sanhua.project.checking import check
    from sanhua.rules.packs import Packs

    path = feed / "sources" / "flow.yaml"
    base, packs = path.read_text("utf-8"), Packs.load(("cn",))
    for old, new, code in (
        ("{yyyyMMdd_HHmm}", "{yyyyMMdd}", "period.too-coarse"),
        ("{yyyyMMdd_HHmm}", "{yyMMdd}", "period.pattern"),
        ('"flow_{yyyyMMdd_HHmm}.csv"', "started", "period.no-column"),
        ('"flow_{yyyyMMdd_HHmm}.csv"', "inflow", "period.not-dated"),
        ("cadence: 5min", "cadence: once", "period.no-cadence"),
        ('period: "flow_{yyyyMMdd_HHmm}.csv"', "stamped: end", "source.needs-key"),
        ("late: 5 minutes", "late: 5 min", "format.not-a-duration"),
        ("late: 5 minutes", "cursor: id", "source.wrong-key"),
        ("done: .ok", "dune: .ok", "format.unknown-key"),
    ):
        assert old in base
        path.write_text(base.replace(old, new), "utf-8")
        found = check(load(feed, {}), packs, date(2026, 3, 2))
        assert code in {d.code for d in found if d.path == "sources/flow.yaml"}, new
    path.write_text(base, "utf-8")
    assert not [d for d in check(load(feed, {}), packs, date(2026, 3, 2)) if d.path.startswith("s")]
