"""Leases: counters shared by processes, handed out in blocks, so that a bound is never passed.

A process takes a block of a counter and counts it down alone; a bound is kept because the blocks
together never pass it. What a process did not use it gives back; what a killed one held is freed
when the counters are set anew from the meter.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sanhua.kernel.errors import Unavailable

BLOCK = 1024  # units at most that one process holds of a counter
_log = logging.getLogger(__name__)


class Leases:
    """Counters in one small SQLite file; every call is one transaction. Unavailable store.leases
    when it fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: sqlite3.Connection | None = None

    def take(self, counter: str, least: int, bound: int) -> int:
        """At least `least` units when the bound leaves them, else 0. Blocks grow smaller towards
        the bound.
        """
        with self._transaction() as db:
            row = db.execute("SELECT units FROM taken WHERE counter = ?", [counter]).fetchone()
            left = bound - (row[0] if row else 0)
            got = max(least, min(BLOCK, left // 16)) if left >= least else 0
            if got:
                db.execute(
                    "INSERT INTO taken VALUES (?, ?) ON CONFLICT (counter) "
                    "DO UPDATE SET units = units + excluded.units",
                    [counter, got],
                )
        return got

    def give_back(self, counter: str, units: int) -> None:
        with self._transaction() as db:
            db.execute("UPDATE taken SET units = units - ? WHERE counter = ?", [units, counter])

    def set(self, used: Mapping[str, int]) -> None:
        """Replace all counters: what was used, nothing held."""
        with self._transaction() as db:
            db.execute("DELETE FROM taken")
            db.executemany("INSERT INTO taken VALUES (?, ?)", list(used.items()))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._opened = self._opened or _connected(self._path)
            with db:  # commits, or rolls back
                db.execute("BEGIN IMMEDIATE")
                yield db
        except sqlite3.Error as error:
            raise Unavailable("store.leases", file=self._path.name, reason=str(error)) from error

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _connected(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")  # counters are set anew after a crash
        db.execute(
            "CREATE TABLE IF NOT EXISTS taken (counter TEXT PRIMARY KEY, units INTEGER NOT NULL) "
            "WITHOUT ROWID"
        )
    except BaseException:
        db.close()
        raise
    return db


def set_anew(path: Path, used: Mapping[str, int]) -> None:
    """Begin the counters in a file of their own: what was used, nothing held. Whoever still has the
    old file open changes nothing here (on Windows it stays, and is set to the same).
    """
    if path.exists():
        try:
            with closing(_connected(path)) as old:
                old.execute("SELECT sum(units) FROM taken").fetchone()
        except sqlite3.Error as error:
            _log.error("%s could not be read (%s); counted anew from the meter", path.name, error)
    for ending in ("", "-wal", "-shm"):
        with suppress(PermissionError):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    leases = Leases(path)
    try:
        leases.set(used)
    finally:
        leases.close()
