"""A day of five-minute files of a metro through the inbox, each minute that something came a `run`.

    python bench/feed_day.py [--of 2019-01-15] [--stations 80] [--seed 7] [--write] [--json]

289 files (0:00 to 24:00) of 80 stations. The inflows are those of the data set metro_hangzhou_flow
(ten minutes each, halved; SANHUA_DATA says where it is), made when it is not there; they are
replayed on a day for which the program has rules. 5 % come late,
2 % come twice, 1 % come broken and are sent again, 1 % are corrected, 3 % overtake the next; which
and when is drawn from the seed. The clock is set, everything else is the program's own: files are
put into the folder, `run` takes, enters, collects and builds. What must come out is counted apart
from the program: rows, passengers by station, and every figure of the freshness report.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import platform
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from sanhua.kernel.time import SHANGHAI
from sanhua.store.clock import SetClock
from sanhua.workspace.arriving import freshness_of
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run
from sanhua.workspace.snapshots import Snapshots
from sanhua.workspace.verifying import verify_store

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SANHUA_DATA", ROOT.parent / "shared" / "data"))
FILES = 289
DAY = date(2026, 11, 16)
STEP = timedelta(minutes=5)
SOURCE = """\
title: 五分钟进站量
inbox: {folder: inbox/flow, done: .ok}
cadence: 5min
period: "flow_{yyyyMMdd_HHmm}.csv.gz"
late: 5 minutes
"""
CONTRACT = """\
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
      - {name: inflow, logicalType: integer, required: true}
"""
HOURLY = """\
SELECT date_trunc('hour', started_at) AS hour, station, sum(inflow) AS inflow
FROM flow GROUP BY date_trunc('hour', started_at), station
"""


@dataclass(frozen=True)
class Sent:
    """One file on its way: `good` when it can be read, `rows` what it then says."""

    at: datetime
    period: int
    data: bytes
    good: bool
    rows: tuple[int, ...] = ()


def inflows(day: date, stations: int) -> list[list[int]]:
    """Period → station → passengers."""
    path = DATA / "metro_hangzhou_flow" / "inflow_20190101_20190120.parquet"
    made = [[0] * stations for _ in range(FILES)]
    if path.exists():
        rows = duckdb.connect().execute(
            f"SELECT slot, station_id, inflow FROM read_parquet('{path}') WHERE date = ?",
            [day.isoformat()],
        ).fetchall()  # fmt: skip
        for slot, station, inflow in rows:
            if station < stations:
                first = 72 + 2 * int(slot)  # from 06:00
                made[first][station] = int(inflow) // 2
                made[first + 1][station] = int(inflow) - int(inflow) // 2
        if rows:
            return made
    draw = random.Random(1)
    return [[draw.randrange(200) for _ in range(stations)] for _ in range(FILES)]


def written(at: datetime, rows: list[int]) -> bytes:
    lines = ["station,started_at,inflow"]
    lines += [f"{n},{at:%Y-%m-%d %H:%M}:00,{inflow}" for n, inflow in enumerate(rows)]
    return gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)


def plan(
    day: date, of: date, stations: int, draw: random.Random
) -> tuple[list[Sent], dict[str, int]]:
    """Everything that is sent, in order, and how often each thing befalls."""
    truth = inflows(of, stations)
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    numbers = list(range(FILES))
    draw.shuffle(numbers)
    shares = {"late": 0.05, "repeated": 0.02, "corrupt": 0.01, "corrected": 0.01, "overtaken": 0.03}
    befalls: dict[int, str] = {}
    for what, share in shares.items():
        for _ in range(round(FILES * share)):
            befalls[numbers.pop()] = what
    sent: list[Sent] = []

    def send(period: int, delay_s: float, data: bytes, good: bool, rows: list[int]) -> None:
        ends = start + (period + 1) * STEP
        sent.append(Sent(ends + timedelta(seconds=delay_s), period, data, good, tuple(rows)))

    for period, rows in enumerate(truth):
        what = befalls.get(period, "")
        data = written(start + period * STEP, rows)
        soon = draw.uniform(5, 60)
        if what == "late":
            send(period, draw.uniform(360, 7200), data, True, rows)
        elif what == "overtaken":
            send(period, draw.uniform(5, 60), data, True, rows)
            sent[-1] = Sent(start + (period + 2) * STEP - timedelta(seconds=3), *_rest(sent[-1]))
        elif what == "corrupt":
            broken = draw.choice([data[: len(data) // 2], b"\x00\xff" * 40, data[:-9]])
            send(period, soon, broken, False, [])
            send(period, draw.uniform(600, 3600), data, True, rows)
        else:
            first = [max(0, n - 1) for n in rows] if what == "corrected" else rows
            send(period, soon, written(start + period * STEP, first), True, first)
            if what == "corrected":
                more = [n + 2 for n in rows]
                send(period, draw.uniform(120, 7200), written(start + period * STEP, more), True,
                     more)  # fmt: skip
            if what == "repeated":
                send(period, draw.uniform(120, 7200), data, True, rows)
    # one that is overtaken comes after its successor
    sent.sort(key=lambda one: one.at)
    return sent, Counter(befalls.values())


def _rest(one: Sent) -> tuple[int, bytes, bool, tuple[int, ...]]:
    return one.period, one.data, one.good, one.rows


def name_of(day: date, period: int) -> str:
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return f"flow_{start + period * STEP:%Y%m%d_%H%M}.csv.gz"


def expected(sent: list[Sent], start: datetime) -> dict[str, Any]:
    """What must come out, from what was sent alone."""
    counts: dict[int, tuple[int, ...]] = {}
    since: dict[int, datetime] = {}
    seen: set[tuple[int, bytes]] = set()
    result: Counter[str] = Counter()
    high = -1
    for one in sent:
        if (one.period, one.data) in seen:
            result["repeated"] += 1
            continue
        seen.add((one.period, one.data))
        if not one.good:
            result["unreadable"] += 1
            continue
        if one.period in counts:
            result["corrected"] += 1
        else:
            result["out_of_order"] += one.period < high
            high = max(high, one.period)
            since[one.period] = one.at
        counts[one.period] = one.rows
    late = sum(at > start + (period + 2) * STEP for period, at in since.items())
    return {
        "rows": sum(len(rows) for rows in counts.values()),
        "inflow": sum(sum(rows) for rows in counts.values()),
        "expected": FILES,
        "late": late,
        "on_time": FILES - late,
        "missing": FILES - len(counts),
        **{k: result[k] for k in ("repeated", "corrected", "unreadable", "out_of_order")},
    }


def minutes(sent: list[Sent]) -> Iterator[tuple[datetime, list[Sent]]]:
    """What comes within each minute, by the end of it."""
    by: dict[datetime, list[Sent]] = {}
    for one in sent:
        by.setdefault(one.at.replace(second=0, microsecond=0) + timedelta(minutes=1), []).append(
            one
        )
    yield from sorted(by.items())


def simulate(folder: Path, of: date, stations: int, seed: int) -> dict[str, Any]:
    for name, text in {
        "sanhua.yaml": "sanhua: 1\ntitle: 地铁\nentities:\n  metro: {regime: CAS}\n",
        "parties.yaml": "metro: {name: 某地铁（演示）, roles: [holder, operator]}\n",
        "sources/flow.yaml": SOURCE,
        "contracts/flow.odcs.yaml": CONTRACT,
        "sql/by_hour.sql": HOURLY,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    day = DAY
    inbox = folder / "inbox" / "flow"
    inbox.mkdir(parents=True)
    sent, befell = plan(day, of, stations, random.Random(seed))
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    # the moment of arrival that the program sees is the end of its minute
    seen = [Sent(end, *_rest(one)) for end, batch in minutes(sent) for one in batch]
    wanted = expected(seen, start)
    spent: list[float] = []
    for end, batch in minutes(sent):
        for one in batch:
            name = name_of(day, one.period)
            (inbox / name).write_bytes(one.data)
            (inbox / f"{name}.ok").touch()
        began = time.process_time()
        with Workspace(folder, env={}, clock=SetClock(end)) as ws:
            made = run(ws)
            failed = [step for step in made.steps if step.status in ("failed", "blocked")]
            assert not failed, failed
        spent.append(time.process_time() - began)
    with Workspace(folder, env={}, clock=SetClock(start + (FILES + 1.5) * STEP)) as ws:
        found = freshness_of(ws, ws.project.sources["flow"])
        Snapshots(ws).bind("flow")
        Snapshots(ws).bind("by_hour")
        rows, inflow = ws.engine.query("SELECT count(*), CAST(sum(inflow) AS BIGINT) FROM flow")[0]
        hourly = ws.engine.query("SELECT CAST(sum(inflow) AS BIGINT) FROM by_hour")[0][0]
        events = ws.store.size()
        sound = verify_store(ws).ok
    got = {
        "rows": rows,
        "inflow": inflow,
        **{name: getattr(found, name) for name in wanted if name not in ("rows", "inflow")},
    }
    landed = {p.stem.split(".")[0] for p in (folder / "state" / "raw" / "flow").glob("*.gz")}
    lost = sum(hashlib.sha256(one.data).hexdigest() not in landed for one in sent)
    return {
        "files": FILES,
        "stations": stations,
        "sent": len(sent),
        "befell": dict(befell),
        "runs": len(spent),
        "wanted": wanted,
        "got": got,
        "equal": wanted == got and hourly == inflow,
        "lost": lost,
        "share_on_time": format(found.share or 0, "f"),
        "verified": sound,
        "events": events,
        "cpu_s_first_20_runs": round(sum(spent[:20]) / 20, 3),
        "cpu_s_last_20_runs": round(sum(spent[-20:]) / 20, 3),
        "cpu_s": round(sum(spent), 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", type=date.fromisoformat, default=date(2019, 1, 15))
    parser.add_argument("--stations", type=int, default=80)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="feed-") as folder:
        made = simulate(Path(folder), asked.of, asked.stations, asked.seed)
    result = {
        "bench": "feed_day",
        "at": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "load": [round(x, 1) for x in os.getloadavg()],
        "seconds": round(time.perf_counter() - began, 1),
        "real_data": (DATA / "metro_hangzhou_flow").is_dir(),
        **made,
    }
    print(json.dumps(result, ensure_ascii=False, indent=None if asked.json else 2))
    if asked.write:
        path = ROOT / "bench" / "results" / f"feed_day-{result['at']}.json"
        path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    raise SystemExit(0 if made["equal"] and not made["lost"] else 1)


if __name__ == "__main__":
    main()
