"""Usage 用量: sealed segments as columns, counted for bills.

Each segment of usage records has a columnar copy beside it. `once` is what a bill counts one time:
a permit's deal, data, question and request id, or the record's own id; so repeats, duplicated
segments and any order of them give the same counts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from sanhua.engine.lake import unfinished
from sanhua.engine.staging import literal
from sanhua.kernel.errors import Broken, Unavailable

MEMORY = "3GB"

_COLUMNS = {
    "id": "VARCHAR",
    "at": "VARCHAR",
    "deal": "VARCHAR",
    "snapshot": "VARCHAR",
    "units": 'STRUCT("call" BIGINT, "row" BIGINT, "byte" BIGINT)',
    "decision": "VARCHAR",
    "reason": "VARCHAR",
    "request": "VARCHAR",
    "asked": "VARCHAR",
    "times": "BIGINT",
}
_INDEXED = """
SELECT CAST(substr(id, 5) AS UUID) AS id,
  CASE WHEN request IS NULL OR decision <> 'permit' THEN CAST(substr(id, 5) AS UUID)
    ELSE CAST(md5(concat_ws(' ', deal, snapshot, coalesce(asked, ''), request)) AS UUID)
    END AS once,
  epoch_ms(CAST("at" AS TIMESTAMP)) AS "at",
  deal, snapshot, decision = 'permit' AS permit, reason,
  units."call" AS "call", units."row" AS "row", units."byte" AS "byte",
  coalesce(times, 1) AS times,
  CAST(line AS INTEGER) AS line
"""


@dataclass(frozen=True, slots=True)
class Count:
    """What one deal used in a window: `reason` is the refusal's code, empty for permits."""

    deal: str
    reason: str
    records: int
    call: int = 0
    row: int = 0
    byte: int = 0


def index(segment: Path, copy: Path, temp: Path) -> list[tuple[Any, ...]]:
    """Write the columnar copy; (deal, snapshot, permit, records, call, row, byte, first, last)
    rows, moments in epoch milliseconds.
    """
    listed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in _COLUMNS.items())
    source = (
        f"SELECT *, row_number() OVER () AS line FROM read_json({literal(str(segment))}, "
        f"format = 'newline_delimited', columns = {{{listed}}}, maximum_object_size = 65536)"
    )
    part = copy.with_name(f".{copy.name}.part")
    try:
        with _connected(temp) as db:
            db.execute(
                f"COPY ({_INDEXED} FROM ({source}) WHERE id IS NOT NULL) TO "
                f"{literal(str(part))} (FORMAT parquet, COMPRESSION zstd)"
            )
            rows = db.execute(
                'SELECT deal, snapshot, permit, sum(times), sum("call"), sum("row"), sum("byte"), '
                f'min("at"), max("at") FROM '
                f" {_parquet([part])} GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
    return rows


def rate(
    copies: Sequence[Path], from_ms: int, to_ms: int, temp: Path, *, back_ms: int = 0
) -> tuple[list[Count], int]:
    """Counts by deal of the records with `from_ms <= at < to_ms`, each counted once, and how many
    repeats there were.

    Of records with the same `once` the one with the least id counts, whatever the order; one that
    came up to `back_ms` before `from_ms` was counted there.
    """
    if not copies:
        return [], 0
    inside = f'"at" >= {from_ms:d}'
    source = (
        f"SELECT *, CASE WHEN permit THEN '' ELSE reason END AS why FROM {_parquet(copies)} "
        f'WHERE "at" >= {from_ms - back_ms:d} AND "at" < {to_ms:d} '
        f"AND CASE WHEN permit THEN deal <> '' ELSE {inside} END"
    )
    # All are summed, then those that had come before are taken off. They are found among the few
    # that may have come twice: equal hashes, next to each other when sorted, which takes half the
    # time and memory of grouping all.
    twice = (
        "SELECT DISTINCT h FROM (SELECT h, lag(h) OVER (ORDER BY h) AS before "
        f"FROM (SELECT hash(once) AS h FROM ({source}))) WHERE h = before"
    )
    came = (
        "SELECT *, row_number() OVER (PARTITION BY permit, once ORDER BY id) AS nth "
        f"FROM ({source}) WHERE hash(once) IN (FROM twice)"
    )
    units = 'times, "call", "row", "byte"'
    with _connected(temp) as db:
        db.execute(f"CREATE TEMP TABLE twice AS {twice}")
        rows = db.execute(
            'SELECT deal, why, sum(n * times), sum(n * "call"), sum(n * "row"), sum(n * "byte"), '
            "count(*) FILTER (n < 0) FROM ("
            f"SELECT deal, why, {units}, 1 AS n FROM ({source}) WHERE {inside} UNION ALL "
            f"SELECT deal, why, {units}, -1 FROM ({came}) WHERE nth > 1 AND {inside}) "
            "GROUP BY deal, why ORDER BY why <> '', deal, why"
        ).fetchall()
    counts = [Count(deal, why, *map(int, used)) for deal, why, *used, _ in rows if used[0]]
    return counts, sum(repeats for _, why, *_, repeats in rows if not why)


def tally(
    copies: Sequence[Path], from_ms: int, to_ms: int, temp: Path
) -> tuple[dict[str, tuple[int, int, int, int]], int]:
    """Deal → its permits with their calls, rows and bytes in the segments, repeats and all, and how
    many of the permits lie in `from_ms <= at < to_ms`.
    """
    if not copies:
        return {}, 0
    with _connected(temp) as db:
        rows = db.execute(
            'SELECT deal, count(*), sum("call"), sum("row"), sum("byte"), count(*) FILTER '
            f'("at" >= {from_ms:d} AND "at" < {to_ms:d}) FROM {_parquet(copies)} '
            "WHERE permit GROUP BY deal"
        ).fetchall()
    return {r[0]: (r[1], int(r[2]), int(r[3]), int(r[4])) for r in rows}, sum(r[5] for r in rows)


def find(copies: Sequence[Path], number: str, temp: Path) -> tuple[int, int] | None:
    """Of a usage record's id (32 hex digits): the index of the copy that holds it, and the line of
    its segment.
    """
    with _connected(temp) as db:
        for at, copy in enumerate(copies):
            row = db.execute(
                f"SELECT line FROM {_parquet([copy])} WHERE id = CAST(? AS UUID)", [number]
            ).fetchone()
            if row is not None:
                return at, int(row[0])
    return None


def _parquet(paths: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])"


@contextmanager
def _connected(temp: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = unfinished(temp)
    folder.mkdir(parents=True)
    db = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "temp_directory": str(folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        db.execute("SET TimeZone = 'UTC'")
        yield db
    except duckdb.IOException as error:
        raise Unavailable("lake.disk-full", path=str(temp)) from error
    except duckdb.Error as error:
        raise Broken("store.meter-broken", file="index", at=0, reason=str(error)[:200]) from error
    finally:
        db.close()
        shutil.rmtree(folder, ignore_errors=True)
