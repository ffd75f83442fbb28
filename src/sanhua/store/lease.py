"""Leases: counters shared by processes, handed out in blocks, so that a bound is never passed.

A process takes a block of a counter and counts it down alone; a bound is kept because the blocks
together never pass it. What a process did not use it gives back; what a killed one held is freed
when the counters are set anew from the meter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

BLOCK = 1024  # units at most that one process holds of a counter


class Leases:
    """Counters in one small SQLite file; every call is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")  # counters are set anew after a crash
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS taken (counter TEXT PRIMARY KEY, units INTEGER NOT NULL) "
            "WITHOUT ROWID"
        )

    def take(self, counter: str, least: int, bound: int) -> int:
        """At least `least` units when the bound leaves them, else 0. Blocks grow smaller towards
        the bound.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            row = self._db.execute(
                "SELECT units FROM taken WHERE counter = ?", [counter]
            ).fetchone()
            taken = row[0] if row else 0
            left = bound - taken
            got = max(least, min(BLOCK, left // 16)) if left >= least else 0
            if got:
                self._db.execute(
                    "INSERT INTO taken VALUES (?, ?) ON CONFLICT (counter) "
                    "DO UPDATE SET units = units + excluded.units",
                    [counter, got],
                )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return got

    def give_back(self, counter: str, units: int) -> None:
        self._db.execute("UPDATE taken SET units = units - ? WHERE counter = ?", [units, counter])

    def set_anew(self, used: Mapping[str, int]) -> None:
        """Replace all counters: what was used, nothing held."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM taken")
        self._db.executemany("INSERT INTO taken VALUES (?, ?)", list(used.items()))
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()
