"""Content hashes that are not computed again while a file is the same.

A file is the same while its place on the disk, its size and its time of change are. Whoever sets
times back can deceive this: `sanhua verify` reads every byte.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_SETTLED_NS = 2_000_000_000  # a file changed later than this before it was read may change unseen


class Hashes:
    """Hashes by file, kept in a small database at `path`; it may be deleted, and without one
    nothing is kept.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._db: sqlite3.Connection | None = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS hash "
            "(device TEXT, inode TEXT, bytes INT, changed INT, sha256 TEXT, "
            "PRIMARY KEY (device, inode)) WITHOUT ROWID"
        )

    def of(self, path: Path) -> tuple[str, int]:
        """`sha256:<hex>` and the size of a file's bytes."""
        found = path.stat()
        where = (str(found.st_dev), str(found.st_ino))
        if self._db is not None:
            row = self._db.execute(
                "SELECT bytes, changed, sha256 FROM hash WHERE device = ? AND inode = ?", where
            ).fetchone()
            if row and row[:2] == (found.st_size, found.st_mtime_ns):
                return row[2], found.st_size
        sha256, size = hash_of(path)
        after = path.stat()
        settled = time.time_ns() - after.st_mtime_ns > _SETTLED_NS
        same = (after.st_size, after.st_mtime_ns) == (found.st_size, found.st_mtime_ns)
        if self._db is not None and settled and same:
            self._db.execute(
                "INSERT OR REPLACE INTO hash VALUES (?, ?, ?, ?, ?)",
                (*where, size, after.st_mtime_ns, sha256),
            )
        return sha256, size

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


def hash_of(path: Path) -> tuple[str, int]:
    """`sha256:<hex>` and the size of a file, by reading it."""
    total, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            total.update(chunk)
            size += len(chunk)
    return f"sha256:{total.hexdigest()}", size
