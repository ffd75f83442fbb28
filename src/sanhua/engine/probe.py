"""Probe a raw file: whether it can be read at all, and which days its rows are about."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import duckdb

from sanhua.engine.read import open_raw
from sanhua.engine.staging import _typed as typed  # one way to read a date
from sanhua.engine.staging import must_have, one, relation_of
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import RawColumn, Reading


@dataclass(frozen=True, slots=True)
class Probed:
    """Rows of the right shape, and the bounds of the dated column as ISO text (empty: none)."""

    rows: int
    first: str = ""
    last: str = ""


class Prober:
    """One connection for many files; nothing of them stays."""

    def __init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="sanhua-probe-"))
        self._db = duckdb.connect(
            config={
                "memory_limit": "512MB",
                "threads": 1,
                "temp_directory": str(self._scratch),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._db.execute("SET TimeZone = 'UTC'")

    def __enter__(self) -> Prober:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._db.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def probe(
        self,
        path: Path,
        name: str,
        reading: Reading,
        columns: Sequence[RawColumn] | None,
        dated: RawColumn | None = None,
    ) -> Probed:
        """What `path` holds. Invalid collect.* when it cannot be read: cut off, no such format,
        another encoding, a heading missing, or not one row that has the headings' shape.
        """
        part = Path(tempfile.mkdtemp(prefix="part-", dir=self._scratch))
        try:
            raw = open_raw(path, name, reading, part, lambda said: None)
            try:
                relation, headings, _ = relation_of(self._db, raw, name, lambda said: None)
                must_have(columns or (), headings, name)
                bounds = "NULL, NULL"
                if dated is not None:
                    must_have([dated], headings, name)
                    at = f"h{headings.index(dated.source_name.strip())}"
                    moment = f"CAST({typed(at, dated)} AS TIMESTAMP)"
                    bounds = f"min({moment}), max({moment})"
                counted = f"SELECT count(*), {bounds} FROM {relation}"
                (found,) = self._db.execute(counted).fetchall()
                misshapen = self._misshapen()
            except duckdb.Error as error:
                reason = str(error).splitlines()[0][:300]
                raise Invalid("collect.cannot-read", file=name, reason=reason) from error
            rows, first, last = found
            if not rows and misshapen:
                raise Invalid("collect.no-row-fits", file=name, count=misshapen)
            return Probed(rows, *(t.isoformat() if t else "" for t in (first, last)))
        finally:
            with suppress(duckdb.Error):
                self._db.unregister("held")
            shutil.rmtree(part, ignore_errors=True)

    def _misshapen(self) -> int:
        """How many lines had another shape; forgotten for the next file."""
        with suppress(duckdb.Error):
            count = one(self._db, "SELECT count(DISTINCT line) FROM reject_errors")
            self._db.execute("DELETE FROM reject_errors")
            self._db.execute("DELETE FROM reject_scans")
            return count
        return 0
