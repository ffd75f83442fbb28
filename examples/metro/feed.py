"""Hand over what a metro's ticket gates count: every five minutes a file, and one a day.

    python feed.py [--of 2019-01-15] [--hours 2 | --day 2026-11-28]
                   [--correct N] [--repeat N] [--break N]

The counts are those of the data set metro_hangzhou_flow on the day `--of` (ten minutes each, split
in two halves; nobody enters between 0:00 and 6:00), handed over as those of the last `--hours`, or
as all of one `--day` with its closing file. The last N files can be sent again corrected,
repeated, or broken (the end of the file lost to zeros). A file is whole once `<name>.ok` stands
beside it.
"""

from __future__ import annotations

import argparse
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

SHANGHAI = ZoneInfo("Asia/Shanghai")
STEP = timedelta(minutes=5)
STATIONS = 80
HERE = Path(__file__).parent


def counts(of: date) -> dict[int, list[int]]:
    """Period of the day (0 … 287) → passengers by station."""
    data = Path(os.environ["SANHUA_DATA"], "metro_hangzhou_flow")
    rows = duckdb.execute(
        f"SELECT slot, station_id, inflow FROM read_parquet('{data}/*.parquet') WHERE date = ?",
        [of.isoformat()],
    ).fetchall()
    if not rows:
        raise SystemExit(f"no counts of {of} in {data}")
    found = {period: [0] * STATIONS for period in range(288)}
    for slot, station, inflow in rows:
        first = 72 + 2 * slot  # from 6:00
        found[first][station] = inflow // 2
        found[first + 1][station] = inflow - inflow // 2
    return found


def put(folder: Path, name: str, lines: list[str], *, cut: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = ("\n".join(lines) + "\n").encode()
    (folder / name).write_bytes(text[:200] + bytes(200) if cut else text)
    (folder / f"{name}.ok").touch()


def send(start: datetime, passengers: list[int], *, more: int = 0, cut: bool = False) -> None:
    lines = ["station,started_at,inflow"]
    lines += [f"{n},{start:%Y-%m-%d %H:%M}:00,{count + more}" for n, count in enumerate(passengers)]
    put(HERE / "inbox/flow", f"flow_{start:%Y%m%d_%H%M}.csv", lines, cut=cut)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--of", type=date.fromisoformat, default=date(2019, 1, 15))
    asked.add_argument("--hours", type=int, default=2)
    asked.add_argument("--day", type=date.fromisoformat)
    for what in ("correct", "repeat", "break"):
        asked.add_argument(f"--{what}", type=int, default=0)
    given = asked.parse_args()
    found = counts(given.of)
    if given.day:
        midnight = datetime(given.day.year, given.day.month, given.day.day, tzinfo=SHANGHAI)
        starts = [midnight + n * STEP for n in range(288)]
    else:
        now = datetime.now(SHANGHAI) + timedelta(
            seconds=int(os.environ.get("SANHUA_CLOCK_OFFSET_S", 0))
        )
        last = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0) - STEP
        starts = [last - n * STEP for n in range(12 * given.hours)][::-1]
    chosen = max(given.correct, given.repeat, vars(given)["break"])
    for start in starts[-chosen:] if chosen else starts:
        period = (start.hour * 60 + start.minute) // 5
        send(start, found[period], more=2 if given.correct else 0, cut=bool(vars(given)["break"]))
    if given.day and not chosen:
        totals = [sum(found[n][station] for n in found) for station in range(STATIONS)]
        lines = [
            "station,day,inflow",
            *(f"{n},{given.day},{total}" for n, total in enumerate(totals)),
        ]
        put(HERE / "inbox/day", f"day_{given.day:%Y%m%d}.csv", lines)
    print(f"{chosen or len(starts)} files put into {HERE / 'inbox/flow'}")


if __name__ == "__main__":
    main()
