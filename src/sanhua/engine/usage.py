"""Usage 用量: sealed segments as columns, counted for bills.

Each segment of usage records has a columnar copy beside it. `once` is what a bill counts one time:
the deal, the data, the question and the buyer's request id, or the record's own id; so repeats,
duplicated segments and any order of them give the same counts.
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
  CASE WHEN request IS NULL THEN CAST(substr(id, 5) AS UUID)
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
        f'SELECT * FROM {_parquet(copies)} WHERE "at" >= {from_ms - back_ms:d} '
        f"AND \"at\" < {to_ms:d} AND permit AND deal <> ''"
    )
    with _connected(temp) as db:
        records, distinct, came = _one(
            db,
            f"SELECT count(*), count(DISTINCT once), count(*) FILTER ({inside}) FROM ({source})",
        )
        if records != distinct:  # count the few that came twice by the least id, the others as is
            db.execute(
                f"CREATE TEMP TABLE repeated AS SELECT once FROM ({source}) "
                "GROUP BY once HAVING count(*) > 1"
            )
            source = (
                f"SELECT * FROM ({source}) WHERE once NOT IN (FROM repeated) UNION ALL (SELECT "
                f"DISTINCT ON (once) * FROM ({source}) WHERE once IN (FROM repeated) "
                "ORDER BY once, id)"
            )
        permits = db.execute(
            'SELECT deal, \'\', count(*), sum("call"), sum("row"), sum("byte") '
            f"FROM ({source}) WHERE {inside} GROUP BY deal ORDER BY deal"
        ).fetchall()
        refused = db.execute(
            f"SELECT deal, reason, sum(times) FROM (SELECT DISTINCT ON (id) * FROM "
            f'{_parquet(copies)} WHERE {inside} AND "at" < {to_ms:d} AND NOT permit) '
            "GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    counts = [Count(*row) for row in [*permits, *refused]]
    return counts, came - sum(count.records for count in counts if not count.reason)


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


def _one(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = db.execute(query).fetchone()
    assert row is not None
    return row


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
