"""States of aggregates kept for each file of the lake, so that a file is scanned once for each.

A table of many parts is then measured by scanning the new ones: what is kept of the others is
combined by the engine itself (`EXPORT_STATE`, `combine_aggr`, `finalize`). A mean, or a sum of
floating-point numbers, may differ from that of one scan in its last digits; all else is equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from sanhua import sql
from sanhua.engine.staging import literal
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import LakeFile, Manifest
from sanhua.verify import canonical, sha256

# Small states, whose combination is the value over all rows whatever their order.
_MERGED = re.compile(
    r"(COUNT|COUNT_IF|SUM|MIN|MAX|AVG|STDDEV\w*|VAR\w*|APPROX_COUNT_DISTINCT|BOOL_AND|BOOL_OR)\("
)

Scan = Callable[[Sequence[LakeFile]], str]


def attach(db: duckdb.DuckDBPyConnection, path: Path) -> KeptStates | None:
    """Open what is kept at `path`; it may be deleted. None while another process holds it."""
    for _ in range(2):
        try:
            db.execute(f"ATTACH {literal(path.as_posix())} AS kept")
            return KeptStates(db)
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                return None
            path.unlink(missing_ok=True)
        except duckdb.Error:  # of another version, or not whole
            path.unlink(missing_ok=True)
    return None


class KeptStates:
    """A table for each batch of aggregates that were first measured together, a row a file."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        db.execute(
            "CREATE TABLE IF NOT EXISTS kept.aggregate "
            "(source VARCHAR, batch INTEGER, place INTEGER, expression VARCHAR)"
        )
        db.execute("CREATE TABLE IF NOT EXISTS kept.failing (source VARCHAR, expression VARCHAR)")
        db.execute(
            "CREATE TABLE IF NOT EXISTS kept.surplus "
            "(source VARCHAR, key VARCHAR, files VARCHAR[], surplus BIGINT)"
        )

    def measure(self, manifest: Manifest, expressions: Sequence[str], scan: Scan) -> dict[str, Any]:
        """Expression → value over all files; one that has no state to keep is not in it. Raises
        duckdb.Error when a value makes a scan fail.
        """
        forms: dict[str, tuple[str, tuple[str, ...]]] = {}
        for expression in expressions:
            try:
                forms[expression] = sql.aggregates(expression)
            except Invalid:
                continue
        source, files = _source(manifest), _named(manifest.files)
        wanted = list(dict.fromkeys(one for _, parts in forms.values() for one in parts))
        place = self._filled(source, wanted, files, scan)
        batches = sorted({batch for batch, _ in place.values()})
        column = {one: f"b{batch}.s{n}" for one, (batch, n) in place.items()}
        whole = {
            expression: template.format(*(column[one] for one in parts))
            for expression, (template, parts) in forms.items()
            if all(one in column for one in parts)
        }
        if not whole:
            return {}
        listed_files = ", ".join(map(literal, files))
        combined: list[str] = []
        for batch in batches:
            listed = ", ".join(
                f"finalize(combine_aggr(s{n})) AS s{n}" for b, n in place.values() if b == batch
            )
            combined.append(
                f"(SELECT {listed} FROM kept.b{batch} WHERE file IN ({listed_files})) AS b{batch}"
            )
        values = ", ".join(f"({value})" for value in whole.values())
        row = self._db.execute(f"SELECT {values} FROM {', '.join(combined)}").fetchone()
        return dict(zip(whole, row or (), strict=True))

    def _filled(
        self, source: str, wanted: Sequence[str], files: Mapping[str, LakeFile], scan: Scan
    ) -> dict[str, tuple[int, int]]:
        """Aggregate → where its state of every file stands. One that a value makes fail is found,
        and never kept again.
        """
        whole = scan(list(files.values()))
        while True:
            failing = self._db.execute(
                "SELECT expression FROM kept.failing WHERE source = ?", [source]
            ).fetchall()
            place = self._batches(source, [w for w in wanted if (w,) not in failing], whole)
            batches = sorted({batch for batch, _ in place.values()})
            try:
                self._fill(source, files, batches, scan)
                return place
            except duckdb.Error as error:
                guilty = self._guilty(list(place), whole)
                if not guilty:
                    raise error
                self._db.executemany(
                    "INSERT INTO kept.failing VALUES (?, ?)", [(source, one) for one in guilty]
                )
                for batch in {place[one][0] for one in guilty}:
                    self._drop(batch)

    def _guilty(self, aggregates: Sequence[str], relation: str) -> list[str]:
        try:
            self._db.execute(f"SELECT {', '.join(aggregates)} FROM {relation}")
            return []
        except duckdb.Error:
            if len(aggregates) == 1:
                return list(aggregates)
            half = len(aggregates) // 2
            return self._guilty(aggregates[:half], relation) + self._guilty(
                aggregates[half:], relation
            )

    def _drop(self, batch: int) -> None:
        self._db.execute(f"DROP TABLE IF EXISTS kept.b{batch}")
        self._db.execute("DELETE FROM kept.aggregate WHERE batch = ?", [batch])

    def _batches(
        self, source: str, wanted: Sequence[str], relation: str
    ) -> dict[str, tuple[int, int]]:
        """Aggregate → (batch, its column there), those measured for the first time in a new batch.
        A batch of which most is wanted no more is dropped.
        """
        rows = self._db.execute(
            "SELECT expression, batch, place FROM kept.aggregate WHERE source = ?", [source]
        ).fetchall()
        known = {expression: (batch, place) for expression, batch, place in rows}
        for batch in {batch for batch, _ in known.values()}:
            own = [one for one, (b, _) in known.items() if b == batch]
            if 2 * sum(one in wanted for one in own) < len(own):
                self._drop(batch)
                known = {one: at for one, at in known.items() if at[0] != batch}
        fresh = [one for one in wanted if one not in known and self._has_state(one, relation)]
        if fresh:
            last = self._db.execute("SELECT coalesce(max(batch), 0) FROM kept.aggregate").fetchone()
            batch = (last[0] if last else 0) + 1
            self._db.execute(
                f"CREATE OR REPLACE TABLE kept.b{batch} AS "
                f"SELECT '' AS file, {_states(list(enumerate(fresh)))} FROM {relation} LIMIT 0"
            )
            self._db.executemany(
                "INSERT INTO kept.aggregate VALUES (?, ?, ?, ?)",
                [(source, batch, n, one) for n, one in enumerate(fresh)],
            )
            known |= {one: (batch, n) for n, one in enumerate(fresh)}
        return {one: at for one, at in known.items() if one in wanted}

    def _has_state(self, aggregate: str, relation: str) -> bool:
        if not _MERGED.match(aggregate) or "(DISTINCT " in aggregate:
            return False
        if "(SELECT " in aggregate:  # another table may change while the file does not
            return False
        try:
            self._db.execute(f"DESCRIBE SELECT {aggregate} EXPORT_STATE FROM {relation}")
        except duckdb.Error:
            return False
        return True

    def _fill(
        self, source: str, files: Mapping[str, LakeFile], batches: Sequence[int], scan: Scan
    ) -> None:
        """Scan each file once for all batches that lack it; forget the files of other snapshots."""
        columns: dict[int, list[tuple[int, str]]] = {}
        for batch, n, expression in self._db.execute(
            "SELECT batch, place, expression FROM kept.aggregate WHERE source = ? ORDER BY 1, 2",
            [source],
        ).fetchall():
            columns.setdefault(batch, []).append((n, expression))
        have = {
            batch: {
                row[0] for row in self._db.execute(f"SELECT file FROM kept.b{batch}").fetchall()
            }
            for batch in batches
        }
        for batch in batches:
            gone = sorted(have[batch] - files.keys())
            if gone:
                self._db.execute(f"DELETE FROM kept.b{batch} WHERE list_contains(?, file)", [gone])
        for name, file in files.items():
            lacking = [batch for batch in batches if name not in have[batch]]
            if len(lacking) == 1:
                self._db.execute(
                    f"INSERT INTO kept.b{lacking[0]} "
                    f"SELECT {literal(name)}, {_states(columns[lacking[0]])} FROM {scan([file])}"
                )
            elif lacking:
                listed = ", ".join(
                    f"{expression} EXPORT_STATE AS b{batch}_{n}"
                    for batch in lacking
                    for n, expression in columns[batch]
                )
                self._db.execute(
                    f"CREATE OR REPLACE TEMP TABLE scanned AS SELECT {listed} FROM {scan([file])}"
                )
                for batch in lacking:
                    own = ", ".join(f"b{batch}_{n}" for n, _ in columns[batch])
                    self._db.execute(
                        f"INSERT INTO kept.b{batch} SELECT {literal(name)}, {own} FROM scanned"
                    )
                self._db.execute("DROP TABLE scanned")

    def surplus(self, manifest: Manifest, key: Sequence[str], scan: Scan) -> int:
        """How many rows repeat a key without NULL: kept for the files seen before; a new file adds
        its own and its keys that stand in an old one. `key` are columns as SQL names.

        The key columns of the old files are read as far as their ranges meet those of the new.
        """
        source, listed = _source(manifest), ", ".join(key)
        named = _named(manifest.files)
        row = self._db.execute(
            "SELECT files, surplus FROM kept.surplus WHERE source = ? AND key = ?", [source, listed]
        ).fetchone()
        old = [sha for sha in row[0] if sha in named] if row else []
        if row is None or len(old) < len(row[0]):  # a file is gone: nothing kept holds
            old, total = [], 0
        else:
            total = int(row[1])
        new = [file for sha, file in named.items() if sha not in set(old)]
        if new:
            there = " AND ".join(f"{name} IS NOT NULL" for name in key)
            self._db.execute(
                f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT {listed}, count(*) AS times "
                f"FROM {scan(new)} WHERE {there} GROUP BY {listed}"
            )
            total += _one(self._db, "SELECT coalesce(sum(times - 1), 0) FROM fresh")
            if old:
                total += _one(
                    self._db,
                    f"SELECT count(*) FROM (SELECT DISTINCT {listed} "
                    f"FROM {scan([named[sha] for sha in old])} JOIN fresh USING ({listed}))",
                )
            self._db.execute("DROP TABLE fresh")
        self._db.execute("DELETE FROM kept.surplus WHERE source = ? AND key = ?", [source, listed])
        self._db.execute(
            "INSERT INTO kept.surplus VALUES (?, ?, ?, ?)", [source, listed, list(named), total]
        )
        return total


def _named(files: Sequence[LakeFile]) -> dict[str, LakeFile]:
    """Files by content hash, the second of equal bytes with a number."""
    named: dict[str, LakeFile] = {}
    for file in files:
        name, turn = file.sha256, 1
        while name in named:
            turn += 1
            name = f"{file.sha256}#{turn}"
        named[name] = file
    return named


def _source(manifest: Manifest) -> str:
    """The table with the columns it has now: a state fits no other type."""
    columns = [[column.name, column.type] for column in manifest.columns]
    return f"{manifest.table} {sha256(canonical(columns))}"


def _states(columns: Sequence[tuple[int, str]]) -> str:
    return ", ".join(f"{expression} EXPORT_STATE AS s{n}" for n, expression in columns)


def _one(db: duckdb.DuckDBPyConnection, query: str) -> int:
    row = db.execute(query).fetchone()
    return int(row[0]) if row else 0
