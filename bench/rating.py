"""A month of usage records counted for its bills: 37 million within 30 s, the same bill twice?

    .venv/bin/python bench/rating.py --apart 86400 --write

    [--records 37000000] [--lines 500000] [--repeats 0.01] [--apart N] [--keep FOLDER] [--json]
    [--write]

Records are made by the gateway's own `usage_line` and written by its own `SegmentWriter`: 33 deals
(the report's 33 banks), in the order of their moments, evenly over a month, 1 in 200 a refusal, all
permits with an Idempotency-Key, 1 in 100 of them the key of an earlier call of the same deal. Each
segment is indexed as it is closed (`engine.usage.index`); in practice the sealer does that all
through the month, so that at rating the columnar copies are there: `index_s` stands apart, as do
the seconds to check the chain (`chain_s`) and to hash the segments (`hash_s`, which `close` does
again before it counts). Segments are deleted once they are indexed, so that the disk need not hold
them all: 0.5 KB a record; the copies take about 30 bytes.

`rate` and `tally` then run over the whole month in a process of their own, twice; both must give
the counts that the records were made with. Peak memory is that process's. `--lines` is a busy
gateway's segment: it is closed at 30 s or 256 MB. A gateway with few calls closes one every 30 s
too, 86,400 a month, and a file costs more than its records: `--apart 86400` counts the same records
once more in so many copies. The bar is for the first. Writing and indexing 37 M records takes about
10 minutes, the small copies 4 more; `--keep` keeps the copies, or takes what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sanhua.asset.meter import head_of, usage_line
from sanhua.engine.usage import index, rate, tally
from sanhua.store.segment import SegmentWriter, look
from sanhua.workspace.metering import file_hash

ROOT = Path(__file__).resolve().parents[1]
BAR_S = 30
SEED = 20261123
DEALS = 33
BATCH_LINES = 5000
FROM_MS = int(datetime(2026, 2, 28, 16, tzinfo=UTC).timestamp() * 1000)  # March in Shanghai
TO_MS = FROM_MS + 31 * 86_400_000
BACK_MS = 86_400_000
RECENT = 100_000  # a key is repeated within so many calls
SALT = 0x2BCDEF01


class Month:
    """The records of the month in order, and what a bill must say of them."""

    def __init__(self, records: int, repeats: float) -> None:
        self.records, self.repeats = records, repeats
        draw = self.draw = random.Random(SEED)
        weights = [1 / (n + 1) for n in range(DEALS)]
        self.dealt = draw.choices(range(DEALS), weights, k=65_536)
        snapshot, terms = f"sha256:{'5a' * 32}", f"sha256:{'7e' * 32}"
        self.heads = [
            head_of(f"deal:bank_{n:02d}", f"party:bank_{n:02d}", "product:energy", snapshot, terms)
            for n in range(DEALS)
        ]
        self.n, self.second, self.text = 0, 0, ""
        self.recent: list[tuple[int, str]] = []
        self.permits: Counter[int] = Counter()  # counted once
        self.rows: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.repeated = 0

    def line(self) -> bytes:
        """The next record, as the gateway writes it."""
        n = self.n
        self.n = n + 1
        ms = FROM_MS + n * (TO_MS - FROM_MS) // self.records
        second, rest = divmod(ms, 1000)
        if second != self.second:
            moment = datetime.fromtimestamp(second, UTC)
            self.second, self.text = second, moment.strftime("%Y-%m-%dT%H:%M:%S.")
        at = f"{self.text}{rest:03d}Z"
        number = (ms << 80) | (7 << 76) | (n >> 32 & 0xFFF) << 64 | 2 << 62 | SALT << 32 | n
        deal = self.dealt[n & 0xFFFF]
        chance = self.draw.random()
        if chance < 0.005:
            self.refused[deal] += 1
            head = self.heads[deal]
            return usage_line(number, at, head, "credit", (0, 0, 0), "deny", "call.limit", "")
        rows = n % 3
        if chance < 0.005 + self.repeats and self.recent:
            deal, request = self.recent[int(self.draw.random() * len(self.recent))]
            self.repeated += 1
        else:
            request = f"{self.draw.getrandbits(128):032x}"
            if len(self.recent) < RECENT:
                self.recent.append((deal, request))
            else:
                self.recent[n % RECENT] = (deal, request)
            self.permits[deal] += 1
            self.rows[deal] += rows
        units = (1, rows, 90 + 100 * rows)
        return usage_line(number, at, self.heads[deal], "credit", units, "permit", "usage", request)

    def truth(self) -> dict[str, Any]:
        """What `counted` must say of the month."""
        return {
            "permits": {f"deal:bank_{n:02d}": [c, self.rows[n]] for n, c in self.permits.items()},
            "refused": {f"deal:bank_{n:02d}": c for n, c in self.refused.items()},
            "repeats": self.repeated,
        }


def make(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Write, check, hash and index the month's segments one by one; the seconds of each."""
    month, left = Month(given.records, given.repeats), given.records
    taken = dict.fromkeys(("write_s", "chain_s", "hash_s", "index_s"), 0.0)
    sizes = {"segment_mb": 0.0, "copy_mb": 0.0}
    copies = folder / "copies"
    copies.mkdir(parents=True, exist_ok=True)

    def timed(what: str, began: float) -> float:
        now = time.perf_counter()
        taken[what] += now - began
        return now

    number, cpu = 0, 0.0
    while left:
        began = time.perf_counter()
        writer = SegmentWriter(folder, f"20260301T000000-00000000-0-{number:05d}")
        lines = min(given.lines, left)
        for start in range(0, lines, BATCH_LINES):
            writer.commit([month.line() for _ in range(min(BATCH_LINES, lines - start))])
        path = writer.close()
        assert path is not None
        began = timed("write_s", began)
        found = look(path)
        assert found.good == found.size and found.lines == lines
        began = timed("chain_s", began)
        file_hash(path)
        began = timed("hash_s", began)
        copy = copies / f"{path.stem}.parquet"
        spent = time.process_time()
        index(path, copy, folder / "tmp")
        timed("index_s", began)
        cpu += time.process_time() - spent
        sizes["segment_mb"] += path.stat().st_size / 1e6
        sizes["copy_mb"] += copy.stat().st_size / 1e6
        path.unlink()
        number, left = number + 1, left - lines
        print(f"{given.records - left:,} records written and indexed", file=sys.stderr)
    made = {name: round(value, 1) for name, value in {**taken, **sizes}.items()}
    made |= {"segments": number, "index_cpu_s": round(cpu, 1)}
    made["index_us_a_record"] = round(taken["index_s"] / given.records * 1e6, 2)
    (folder / "made.json").write_text(
        json.dumps({"records": given.records, "truth": month.truth(), "made": made})
    )
    return made


def part(folder: Path, files: int) -> None:
    """The same copies again as so many small ones."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = sorted((folder / "copies").glob("*.parquet"))
    apart = folder / "apart" / "copies"
    apart.mkdir(parents=True, exist_ok=True)
    rows = -(-sum(pq.read_metadata(path).num_rows for path in whole) // files)
    number, left = 0, None
    for path in whole:
        table = pq.read_table(path)
        table = table if left is None else pa.concat_tables([left, table])
        last = path == whole[-1]
        stop = table.num_rows if last else table.num_rows - table.num_rows % rows
        for start in range(0, stop, rows):
            pq.write_table(
                table.slice(start, min(rows, stop - start)),
                apart / f"{number:06d}.parquet",
                compression="zstd",
            )
            number += 1
        left = table.slice(stop)


def counted(folder: Path) -> dict[str, Any]:
    """Rate and tally the month, in this process."""
    copies = sorted((folder / "copies").glob("*.parquet"))
    cpu, began = time.process_time(), time.perf_counter()
    counts, repeats = rate(copies, FROM_MS, TO_MS, folder / "tmp", back_ms=BACK_MS)
    rated = time.perf_counter()
    kept, inside = tally(copies, FROM_MS, TO_MS, folder / "tmp")
    ended = time.perf_counter()
    permits = {one.deal: [one.records, int(one.row)] for one in counts if not one.reason}
    assert inside == repeats + sum(records for records, _ in permits.values())
    assert inside == sum(one[0] for one in kept.values())
    return {
        "rate_s": rated - began,
        "tally_s": ended - rated,
        "cpu_s": time.process_time() - cpu,
        "files": len(copies),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "said": {
            "permits": permits,
            "refused": {one.deal: int(one.records) for one in counts if one.reason},
            "repeats": repeats,
        },
    }


def alone(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--count", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def machine() -> dict[str, Any]:
    model = ""
    if Path("/proc/cpuinfo").exists():
        info = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next((at.partition(":")[2].strip() for at in info if "model name" in at), "")
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {model}",
        "load": [round(one, 1) for one in os.getloadavg()],
        "python": platform.python_version(),
        "duckdb": version("duckdb"),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def table(found: dict[str, Any]) -> str:
    made, first, again = found["made"], found["first"], found["again"]
    lines = [
        f"| {found['records']:,} records in {made['segments']:,} segments | seconds | |",
        "|---|--:|---|",
        f"| written | {made['write_s']} | {made['segment_mb']:,.0f} MB |",
        f"| chains checked, when sealed | {made['chain_s']} | |",
        f"| indexed, when sealed | {made['index_s']} | {made['index_us_a_record']} µs a record, "
        f"copies {made['copy_mb']:,.0f} MB |",
        f"| hashed, when sealed and by `close` | {made['hash_s']} | |",
        f"| **rate** | {first['rate_s']:.1f} | again {again['rate_s']:.1f} |",
        f"| tally | {first['tally_s']:.1f} | again {again['tally_s']:.1f} |",
        f"| rate and tally, CPU | {first['cpu_s']:.1f} | peak {first['peak_mb']:,} MB |",
        "",
        f"{'kept  ' if found['kept'] else 'MISSED'}  rate and tally over the columnar copies that "
        f"sealing made: {found['seconds']:.1f} s (≤ {BAR_S})",
        f"the second time: {'the same counts' if found['same'] else 'OTHER COUNTS'}; "
        f"{found['repeats']:,} repeats",
    ]
    if found["apart"]:
        apart = found["apart"]
        lines.append(
            f"the same records in {apart['files']:,} copies: rate {apart['rate_s']:.1f} s, tally "
            f"{apart['tally_s']:.1f} s, CPU {apart['cpu_s']:.1f} s, peak {apart['peak_mb']:,} MB"
        )
    return "\n".join(lines)


def main() -> None:
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--records", type=int, default=37_000_000)
    asked.add_argument("--lines", type=int, default=500_000, help="of a segment")
    asked.add_argument("--repeats", type=float, default=0.01)
    asked.add_argument("--apart", type=int, default=0, help="count so many small copies too")
    asked.add_argument("--keep", type=Path, help="make there, or use what was made there")
    asked.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked.add_argument("--write", action="store_true", help="keep them in bench/results")
    asked.add_argument("--count", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.count:
        print(json.dumps(counted(given.count)))
        return
    begun = machine()
    with tempfile.TemporaryDirectory(prefix="rating-") as name:
        folder = given.keep or Path(name)
        if not (folder / "made.json").exists():
            make(folder, given)
        known = json.loads((folder / "made.json").read_text("utf-8"))
        if known["records"] != given.records:
            sys.exit(f"{folder} holds {known['records']} records")
        first, again = alone(folder), alone(folder)
        apart = None
        if given.apart:
            if not (folder / "apart").exists():
                part(folder, given.apart)
            apart = alone(folder / "apart")
            if apart.pop("said") != known["truth"]:
                sys.exit("the counts of the small copies are not those of the records")
    said, told = first.pop("said"), again.pop("said")
    if said != known["truth"]:
        sys.exit("the counts are not those of the records")
    seconds = first["rate_s"] + first["tally_s"]
    found: dict[str, Any] = {
        "records": given.records,
        "made": known["made"],
        "first": {key: round(value, 2) for key, value in first.items()},
        "again": {key: round(value, 2) for key, value in again.items()},
        "apart": apart and {key: round(value, 2) for key, value in apart.items()},
        "repeats": said["repeats"],
        "same": said == told,
        "seconds": round(seconds, 2),
        "kept": seconds <= BAR_S and said == told,
        **begun,
    }
    if given.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print(table(found))
        print("\n".join(f"{key}: {value}" for key, value in begun.items()))
    if given.write:
        path = ROOT / "bench" / "results" / f"rating-{begun['date']}.json"
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
