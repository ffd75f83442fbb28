"""A hundred figures at random: opened step by step, proven, verified apart, and with bytes flipped.

    python bench/explain_sample.py PROJECT [--period 2025] [--n 100] [--seed TEXT] [--flips 300]
                                   [--wide 10000] [--out bench/results]

PROJECT is copied, brought up to date and disclosed. From the figures that are kept (balance sheet,
tables, notes, revenue, stages) n are drawn as `sanhua audit sample` draws. Each is

- opened step by step: every node below it is opened as a page opens it, one level at a time; a step
  is one node, and the slowest is told with its node;
- proven, and the bundle verified by the single file in a Python of its own, without sanhua;
- checked after one byte of its bundle was flipped.

Then bytes of what is kept are flipped one at a time (database, lake, meter, raw copies, keys) and
`verify` of the project must find each. In a database page some bytes mean nothing to anybody
(unused room, free pages): a flip there leaves every table and index as it was, and is counted
apart. With --wide a figure posted from so many vouchers and carried by so many assets is added
first: it must open a page at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sanhua import verify
from sanhua.capital.recognise import AssetEntry, Route, Use
from sanhua.capital.voucher import Voucher, VoucherLine
from sanhua.kernel.errors import SanhuaError
from sanhua.kernel.figure import Figure, Posted
from sanhua.kernel.money import Money
from sanhua.kernel.text import Text
from sanhua.kernel.time import legal_day
from sanhua.workspace.browsing import Browser
from sanhua.workspace.explaining import explain, prove
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import report
from sanhua.workspace.running import run
from sanhua.workspace.verifying import verify_store

STEP_S = 1.0


def widen(ws: Workspace, count: int) -> str:
    """A figure posted from `count` vouchers and carried by as many assets."""
    today = legal_day(ws.clock.now())
    party, file = f"party:{ws.entity}", "sha256:" + "0" * 64
    line, zero = Money(Decimal("1.00")), Money(Decimal())
    with ws.store.begin(actor=ws.actor) as uow:
        for n in range(count):
            lines = (
                VoucherLine("1701.05", line, "wide", n + 2),
                VoucherLine("1002", -line, "wide", n + 3),
            )
            name = f"voucher:wide-{n}"
            uow.add(Voucher(name, party, f"wide-{n}", today, lines, "wide.csv", file), "bench.kept")
            asset = AssetEntry(
                f"asset:wide_{n}", Text(f"wide {n}"), party, Route.PURCHASED, Use.INTERNAL, file,
                line, zero, zero, zero, (),
            )  # fmt: skip
            uow.add(asset, "bench.kept")
        figure = Figure(
            f"figure:{ws.entity}/bench/wide/ending/{today.year}",
            Text("wide"),
            Decimal(count),
            "CNY",
            (),
            tuple(Posted(f"voucher:wide-{n}", Decimal(1)) for n in range(count)),
            tuple(f"asset:wide_{n}" for n in range(count)),
        )
        uow.add(figure, "bench.kept")
    return figure.id


def steps(
    browser: Browser, figure: str, most: int, cpu: list[float]
) -> tuple[list[float], str, int]:
    """Seconds of each step from the figure down, the node of the slowest, how deep it goes; CPU
    seconds go to `cpu`.
    """
    spent: list[float] = []
    slowest, worst, deepest = "", 0.0, 0
    waiting, seen = [(figure, 0)], {figure}
    while waiting and len(spent) < most:
        node, depth = waiting.pop(0)
        began, used = time.perf_counter(), time.process_time()
        opened = browser.open(node)
        took = time.perf_counter() - began
        cpu.append(time.process_time() - used)
        spent.append(took)
        deepest = max(deepest, depth)
        if took > worst:
            worst, slowest = took, node
        for below in opened.causes:
            if below.node not in seen and not below.node.startswith("rule:"):
                seen.add(below.node)
                waiting.append((below.node, depth + 1))
    return spent, slowest, deepest


def verified(alone: Path, bundle: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", str(alone), str(bundle), "--json"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0 and json.loads(done.stdout)["ok"]


def in_use(database: Path) -> dict[str, str]:
    """Every row of every table, to tell a byte that means something."""
    with sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True) as db:
        names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {n: repr(db.execute(f'SELECT * FROM "{n}"').fetchall()) for n in names}
    db.close()
    return rows


def flipped(folder: Path, flips: int, chance: random.Random) -> dict[str, dict[str, int]]:
    """Flip a byte at a time of what is kept, verify, put it back; counts by the place."""
    files = [
        p
        for p in sorted((folder / "state").rglob("*"))
        if p.is_file()
        and p.stat().st_size
        and p.suffix not in (".lock", ".key")
        and not p.name.startswith("quota.db")
        and not p.name.endswith(("-wal", "-shm"))
    ]
    database = folder / "state" / "state.db"
    rows = in_use(database)
    found: dict[str, Counter[str]] = {}
    for n in range(flips):
        path = database if n % 2 else chance.choice(files)
        place = path.relative_to(folder / "state").parts[0]
        whole = path.read_bytes()
        at = chance.randrange(len(whole))
        path.write_bytes(
            whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :]
        )
        try:
            with Workspace(folder) as ws:
                sound = verify_store(ws).ok
        except (SanhuaError, sqlite3.Error, ValueError, OSError):
            sound = False
        state = "found"
        if sound:
            state = "missed"
            if path == database:
                try:
                    state = "means nothing" if in_use(database) == rows else "missed"
                except (sqlite3.Error, UnicodeDecodeError):
                    state = "missed"
            if state == "missed":
                print(f"missed: {path.relative_to(folder)} at {at}", file=sys.stderr)
        path.write_bytes(whole)
        found.setdefault(place, Counter())[state] += 1
    return {place: dict(counts) for place, counts in found.items()}


def whole(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    said: dict[str, Any] = {"project": args.project.name, "seed": args.seed}
    with Workspace(folder) as ws:
        began = time.perf_counter()
        if args.period:
            made = run(ws)
            assert made.ok, [d.message("en") for d in made.diagnostics]
            for entity in ws.project.settings.entities:
                report(ws, "disclosure", period=args.period, entity=entity.id)
        said["made_s"] = round(time.perf_counter() - began, 2)
        wide = widen(ws, args.wide) if args.wide else ""
        browser = Browser(ws)
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            figures = [f for f in uow.all(Figure) if f.id != wide]
        lines = sorted(f"{f.id},{f.value:f},{f.unit}\n" for f in figures if f.value)
        text = "".join([verify.POPULATION, "\n", *lines]).encode()
        drawn = list(verify.draw(text, args.seed, args.n))
        said |= {"figures": len(figures), "not_zero": len(lines), "drawn": len(drawn)}
        said["events"] = ws.store.size()
        kinds = Counter(one.split("/")[1] for one in drawn)
        said["drawn_of"] = dict(kinds)
        spent: list[float] = []
        cpu: list[float] = []
        worst, slowest, deepest = 0.0, "", 0
        for figure in drawn:
            took, node, depth = steps(browser, figure, args.nodes, cpu)
            spent += took
            deepest = max(deepest, depth)
            if max(took) > worst:
                worst, slowest = max(took), node
        spent.sort()
        said["steps"] = {
            "opened": len(spent),
            "deepest": deepest,
            "median_ms": round(spent[len(spent) // 2] * 1000, 2),
            "p99_ms": round(spent[int(len(spent) * 0.99)] * 1000, 2),
            "max_ms": round(worst * 1000, 2),
            "cpu_median_ms": round(sorted(cpu)[len(cpu) // 2] * 1000, 2),
            "cpu_max_ms": round(max(cpu) * 1000, 2),
            "slowest": slowest,
            "over_1_s": sum(one > STEP_S for one in spent),
        }
        if wide:
            began = time.perf_counter()
            browser.open(wide)
            page = time.perf_counter() - began
            began = time.perf_counter()
            walk = explain(ws, wide, depth=1, limit=100)
            said["wide"] = {
                "parts": args.wide,
                "page_ms": round(page * 1000, 1),
                "explain_ms": round((time.perf_counter() - began) * 1000, 1),
                "goes_on_at": walk.after,
            }
        alone = folder / "alone.py"
        shutil.copyfile(verify.__file__, alone)
        chance = random.Random(args.seed)
        sizes: list[int] = []
        proven: list[float] = []
        sound = broken = 0
        for n, figure in enumerate(drawn):
            out = folder / f"figure-{n}.zip"
            began = time.perf_counter()
            prove(ws, figure, out)
            proven.append(time.perf_counter() - began)
            sizes.append(out.stat().st_size)
            sound += verified(alone, out)
            data = bytearray(out.read_bytes())
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            broken += not verify.check_bundle(bytes(data), None).ok
            out.unlink()
        said["proven"] = {
            "bundles": len(drawn),
            "verified_apart": sound,
            "flips_found": broken,
            "prove_max_s": round(max(proven), 2),
            "bytes_max": max(sizes),
        }
    said["flips"] = flipped(folder, args.flips, chance)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--period", default="")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", default="sanhua bench")
    parser.add_argument("--flips", type=int, default=300)
    parser.add_argument("--nodes", type=int, default=400, help="steps of a figure at most")
    parser.add_argument("--wide", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    began = os.times()
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp) / args.project.name
        shutil.copytree(args.project, folder)
        said = whole(folder, args)
    ended = os.times()
    said["cpu_s"] = round(ended.user + ended.system - began.user - began.system, 1)
    said["at"] = datetime.now(UTC).isoformat(timespec="seconds")
    said["on"] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(one, 1) for one in os.getloadavg()],
    }
    print(json.dumps(said, ensure_ascii=False, indent=1))
    if args.out:
        name = f"explain_sample-{args.project.name}-{said['at'][:10]}.json"
        (args.out / name).write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", "utf-8")
    good = said["steps"]["over_1_s"] == 0 and said["proven"]["verified_apart"] == said["drawn"]
    missed = any("missed" in counts for counts in said["flips"].values())
    sys.exit(0 if good and said["proven"]["flips_found"] == said["drawn"] and not missed else 1)


if __name__ == "__main__":
    main()
