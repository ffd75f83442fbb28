"""A year's end: many assets amortised month by month, posted to the entity's book and disclosed.

    python bench/year_end.py [--assets 10000] [--months 60] [--out bench/results]

Each asset is a card with its capitalised vouchers. Measured apart: `carry` (every movement of every
asset), `entries` and posting them (one journal entry an asset and month, as an act with its record,
edges, ledger lines and leaf), and the disclosure of the last fiscal year with its figures kept. The
same disclosure is drawn up again from what is kept, as a second run of a report does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

from sanhua.capital.disclose import disclose
from sanhua.capital.measure import book_of, carry, entries
from sanhua.capital.recognise import (
    AssetCard,
    AssetEntry,
    Grounds,
    Judged,
    Life,
    Measurement,
    Outcome,
    Recognition,
    Route,
    Use,
    Verdict,
    entry_of,
)
from sanhua.capital.voucher import ROLES, AccountingPolicy
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months, legal_day
from sanhua.rules.packs import Packs
from sanhua.store import open_store
from sanhua.store.clock import SystemClock
from sanhua.store.keys import FileSigner

FIRST = date(2024, 1, 1)  # the first month amortised
POLICY = AccountingPolicy(Origin("books/policy.yaml"), {role: (role,) for role in ROLES})


def made(n: int) -> tuple[AssetCard, AssetEntry, Recognition]:
    """Lives of 72 to 119 months, so that every month charges; every third is self-developed."""
    day = FIRST.replace(day=1 + n % 28)
    route = Route.SELF_DEVELOPED if n % 3 == 0 else Route.PURCHASED
    judged = Judged("cfo", day)
    card = AssetCard(
        f"data_{n}",
        Text(f"数据 {n}"),
        "plant",
        route,
        Use.INTERNAL,
        Origin(f"books/assets/data_{n}.yaml", 1, "sha256:b"),
        measurement=Measurement(day, (), Life(72 + n % 48, ("contract",), judged)),
    )
    verdicts = tuple(
        Verdict(
            line,
            "1701.05",
            day,
            Money(Decimal(100_000 + n * 7 + line).scaleb(-2) * 100),
            Outcome.CAPITALISED,
            "recognise.purchased",
            Grounds(f"voucher:{n}-{line}", ()),
            recognised=f"voucher:{n}-{line}",
            on_asset_account=True,
        )
        for line in (1, 2)
    )
    found = Recognition(f"asset:data_{n}", "CNY", verdicts, day)
    return card, entry_of(card, found), found


class Taken:
    """Wall and CPU seconds of each stage."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(self, name: str):
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.stages[name] = {
            "seconds": round(time.perf_counter() - wall, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
        }
        print(f"{name:<24} {self.stages[name]}", file=sys.stderr)


def whole(folder: Path, assets: int, months: int) -> dict[str, object]:
    rules = Packs.load()
    store = open_store(
        f"sqlite:///{folder / 'state.db'}",
        clock=SystemClock(),
        rules=rules,
        signer=FileSigner.open(folder / "log.key", "bench"),
        published=folder / "published",
    )
    cards = [made(n) for n in range(assets)]
    through = add_months(FIRST, months)
    year = Period.named(str(through.year - 1))
    book = book_of("plant")
    taken = Taken()
    with taken.stage("keep the memos"), store.begin(actor="party:bench") as uow:
        uow.add(book, "book.opened")
        for _, entry, _ in cards:
            uow.add(entry, "asset.recognised")
    wall, cpu = time.perf_counter(), time.process_time()
    since = Period("", date.min, date.max)
    posted = 0
    with taken.stage("measure"):
        carried = [carry(card, found, POLICY, rules, year.through) for card, _, found in cards]
    with taken.stage("entries and posting"):
        for start in range(0, assets, 500):
            with store.begin(actor="party:bench") as uow:
                for one in carried[start : start + 500]:
                    for made_entry in entries(one, {}, POLICY, book, since):
                        posted += uow.post(made_entry) is not None
    pairs = [(card, entry) for card, entry, _ in cards]
    for name in ("disclose", "disclose again"):
        with taken.stage(name), store.begin(actor="party:bench") as uow:
            shown = disclose(uow, "plant", pairs, POLICY, year)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert all(tie.ok for tie in shown.ties)
    figures = {id: str(figure.value) for id, figure in shown.figures.items() if figure.value}
    store.close()
    return {
        "assets": assets,
        "months": months,
        "movements": sum(len(one.movements) for one in carried),
        "entries": posted,
        "figures": len(shown.figures),
        "carrying": next(value for id, value in figures.items() if "intangible.data/ending" in id),
        "stages": taken.stages,
        "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "state_mb": round((folder / "state.db").stat().st_size / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--months", type=int, default=60)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder:
        found = whole(Path(folder), given.assets, given.months)
    told = {
        "date": legal_day(SystemClock().now()).isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}",
        "python": platform.python_version(),
        "load": {"before": load, "after": os.getloadavg()},
        **found,
    }
    text = json.dumps(told, ensure_ascii=False, indent=1)
    print(text)
    if given.out:
        (given.out / f"year_end-{told['date']}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
