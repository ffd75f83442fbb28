"""Evidence.

Acts a second with record, edges and leaf in one transaction, and the time to verify a million.

    python bench/evidence.py [--events 1000000] [--out bench/results]

Beside each figure stands a bare sqlite3 insert of the same bytes in the same number of commits, in
the same run and on the same disk, so that the machine cancels out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from sanhua.kernel.ports import Rule
from sanhua.kernel.record import Ref, record
from sanhua.store import open_store
from sanhua.store.clock import SystemClock
from sanhua.store.keys import FileSigner


@record("bench_act")
@dataclass(frozen=True, slots=True)
class Act:
    id: str
    product: Annotated[str, Ref("metered_under")]
    purpose: str
    rows: int


class NoRules:
    def ask(self, instrument: str, name: str, *, on: date) -> Rule:
        raise LookupError(name)

    def working_days_after(self, start: date, days: int) -> date:
        raise LookupError(start)


def open_in(folder: Path):
    signer = FileSigner.open(folder / "log.key", "bench")
    return open_store(
        f"sqlite:///{folder / 'state.db'}",
        clock=SystemClock(),
        rules=NoRules(),
        signer=signer,
        published=folder / "published",
    )


def acts(store, events: int, batch: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, events, batch):
        with store.begin(actor="party:bench") as uow:
            for n in range(start, min(events, start + batch)):
                act = Act(uow.new_id("use"), f"product:p{n % 100}", "green_loan_review", n)
                uow.add(act, "usage.metered")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "events": events,
        "batch": batch,
        "seconds": round(wall, 2),
        "per_second": round(events / wall),
        "per_cpu_second": round(events / cpu),
    }


def bare(folder: Path, source: Path, batch: int) -> dict[str, float]:
    """The same rows by sqlite3 alone.

    Tables without indexes or triggers beyond the keys, the same commits.
    """
    rows: dict[str, list[tuple]] = {}
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as read:
        for table in ("record", "event", "edge", "merkle"):
            rows[table] = read.execute(f"SELECT * FROM {table}").fetchall()
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    keys = {"record": "PRIMARY KEY(c0, c1)", "event": "PRIMARY KEY(c0)"}
    keys |= {"edge": "PRIMARY KEY(c0, c1, c2)", "merkle": "PRIMARY KEY(c0, c1)"}
    for table, listed in rows.items():
        names = [f"c{n}" for n in range(len(listed[0]))]
        db.execute(f"CREATE TABLE {table} ({', '.join(names)}, {keys[table]})")
    events = len(rows["event"])
    wall = time.perf_counter()
    for start in range(0, events, batch):
        db.execute("BEGIN IMMEDIATE")
        for table, listed in rows.items():
            share = len(listed) / events
            part = listed[round(start * share) : round((start + batch) * share)]
            if part:
                db.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(part[0]))})", part)
        db.execute("COMMIT")
    wall = time.perf_counter() - wall
    db.close()
    return {"seconds": round(wall, 2), "per_second": round(events / wall)}


def verify(folder: Path) -> dict[str, float]:
    """In a process of its own, so that its memory is its own."""
    store = open_in(folder)
    wall, cpu = time.perf_counter(), time.process_time()
    faults = store.verify()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "events": store.size(),
        "faults": len(faults),
        "seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_memory_mb": round(peak / 1e6),
        "database_mb": round((folder / "state.db").stat().st_size / 1e6),
    }


def machine() -> dict[str, str | int]:
    model = ""
    if Path("/proc/cpuinfo").exists():
        found = [at for at in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in at]
        model = found[0].partition(":")[2].strip() if found else ""
    return {
        "cores": os.cpu_count() or 0,
        "processor": model,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--verify", type=Path, help="only verify the store in this folder")
    chosen = parser.parse_args()
    if chosen.verify:
        print(json.dumps(verify(chosen.verify)))
        return
    result: dict[str, object] = {"machine": machine(), "acts": [], "day": ""}
    listed: list[dict[str, object]] = []
    for batch, events in ((1, 2_000), (100, 50_000), (1_000, 100_000)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            store = open_in(folder)
            ours = acts(store, events, batch)
            store.close()
            one = ours | {"bare": bare(folder, folder / "state.db", batch)}
            listed.append(one)
            print(json.dumps(one), file=sys.stderr)
    result["acts"] = listed
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_in(folder)
        result["filling"] = acts(store, chosen.events, 1_000)
        store.checkpoint()
        store.close()
        arguments = [sys.executable, __file__, "--verify", str(folder)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        result["verify"] = json.loads(done.stdout)
        print(json.dumps(result["verify"]), file=sys.stderr)
    day = result["day"] = datetime.now(UTC).date().isoformat()
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
        (chosen.out / f"evidence-{day}.json").write_text(text)
        (chosen.out / f"evidence-{day}.md").write_text(markdown(result, listed))
    else:
        print(json.dumps(result, indent=2))


def markdown(result: dict, listed: list[dict]) -> str:
    about = ", ".join(str(value) for value in result["machine"].values())
    lines = [
        f"# Evidence, {result['day']}",
        "",
        f"Machine: {about} (cores, processor, system, Python, SQLite). WAL, synchronous FULL.",
        "",
        "| acts a commit | acts/s | acts/CPU s | bare SQLite, same bytes/s | ratio |",
        "|--:|--:|--:|--:|--:|",
    ]
    for one in listed:
        ratio = one["bare"]["per_second"] / one["per_second"]
        lines.append(
            f"| {one['batch']:,} | {one['per_second']:,} | {one['per_cpu_second']:,} "
            f"| {one['bare']['per_second']:,} | {ratio:.1f} |"
        )
    seen = result["verify"]
    lines += [
        "",
        f"Verify of {seen['events']:,} events: {seen['seconds']} s ({seen['cpu_seconds']} CPU s), "
        f"peak memory {seen['peak_memory_mb']} MB, database {seen['database_mb']} MB, "
        f"faults {seen['faults']}.",
        "",
        "An act is one record version with one edge and one event; goals: 10,000 acts/s batched, "
        "1 M events verified in 60 s.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
