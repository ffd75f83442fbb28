"""The engine on DuckDB: collect, build, measure, query.

SQL from people runs on one connection that may read the lake and nothing else: no other files, no
network, no extensions, settings locked. Raw files are read by connections of their own, whose SQL
is all made here.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import duckdb

from sanhua.engine.lake import Lake, describe, sweep, unfinished
from sanhua.engine.read import Held, Tell, open_raw, parts_of
from sanhua.engine.staging import (
    literal,
    make_staging,
    must_have,
    one,
    quote,
    ragged,
    relation_of,
    stage,
    untyped,
)
from sanhua.kernel.errors import Diagnostic, Invalid, SanhuaError, Severity, Unavailable
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.table import Column, Manifest, RawColumn, Reading, Sold

ROW_GROUP_ROWS = 122_880
READ_MEMORY = "700MB"  # what reading raw files may hold beside the readers' own
SAMPLED_GROUPS = 20  # one row group in so many is sampled,
SAMPLED_ROWS = 1 << 18  # and of those every so-manieth row that about as many are looked at
BUILD_TIMEOUT_S = 6 * 3600
QUERY_TIMEOUT_S = 600
_PARQUET = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"


class DuckEngine:
    """`kernel.ports.Engine` over a lake. `memory` bounds DuckDB's buffers; it spills to a folder of
    its own in `temp` (the lake's when not said) beyond that, which the next engine there clears
    when this one was killed.
    """

    def __init__(
        self,
        lake: Lake,
        *,
        memory: str = "1GB",
        threads: int | None = None,
        temp: Path | None = None,
    ) -> None:
        self.version = f"duckdb {duckdb.__version__}"
        self.lake = lake
        self._options: dict[str, Any] = {
            "memory_limit": memory,
            "threads": threads or os.cpu_count() or 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        temp = (temp or lake.root).resolve()
        temp.mkdir(parents=True, exist_ok=True)
        sweep(temp)
        self._temp = unfinished(temp)
        self._temp.mkdir()
        self._db = self._connect()
        self._builds = self._db.cursor()  # the same tables, a longer time limit
        allowed = ", ".join(literal(f"{folder}/") for folder in (lake.root.resolve(), self._temp))
        for statement in (
            f"SET allowed_directories = [{allowed}]",
            "SET enable_external_access = false",
            f"SET max_execution_time = {QUERY_TIMEOUT_S * 1000}",
        ):
            self._db.execute(statement)
        self._builds.execute(f"SET max_execution_time = {BUILD_TIMEOUT_S * 1000}")
        self._db.execute("SET lock_configuration = true")
        self._tables: dict[str, Manifest] = {}

    def close(self) -> None:
        self._builds.close()
        self._db.close()
        shutil.rmtree(self._temp, ignore_errors=True)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        db = duckdb.connect(config={**self._options, "temp_directory": str(self._temp)})
        db.execute("SET TimeZone = 'UTC'")
        return db

    # Binding

    def bind(self, manifest: Manifest) -> None:
        """Let SQL read `manifest.table`."""
        self._forget(manifest.table)
        self._db.execute(
            f"CREATE VIEW {quote(manifest.table)} AS SELECT * FROM {self._scan(manifest)}"
        )
        self._tables[manifest.table] = manifest

    def bind_rows(
        self, table: str, columns: Sequence[Column], rows: Sequence[Sequence[str | None]]
    ) -> None:
        """A small table given as text; an empty cell is NULL."""
        self._forget(table)
        listed = ", ".join(f"{quote(column.name)} VARCHAR" for column in columns)
        self._db.execute(f"CREATE TABLE {quote(table)} ({listed})")
        if rows:
            marks = ", ".join("?" for _ in columns)
            values = [[cell or None for cell in row] for row in rows]
            self._db.executemany(f"INSERT INTO {quote(table)} VALUES ({marks})", values)

    def _forget(self, table: str) -> None:
        if not table.isidentifier():
            raise ValueError(f"not a table name: {table}")
        self._tables.pop(table, None)
        kind = self._db.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_name = ?", [table]
        ).fetchone()
        if kind:
            self._db.execute(f"DROP {'VIEW' if kind[0] == 'VIEW' else 'TABLE'} {quote(table)}")

    def _scan(self, manifest: Manifest, more: str = "") -> str:
        folder = self.lake.path(manifest).resolve()
        paths = ", ".join(literal((folder / file.path).as_posix()) for file in manifest.files)
        return f"read_parquet([{paths}]{more})"

    def describe(self, sql: str) -> tuple[Column, ...]:
        """Bind one SELECT without running it; Invalid engine.cannot-bind."""
        with _translated("engine.cannot-bind"):
            found = self._db.execute(f"DESCRIBE ({_bare(sql)}\n)").fetchall()
        return tuple(Column(row[0], row[1]) for row in found)

    # Collect

    def collect(
        self,
        table: str,
        files: Sequence[Path],
        reading: Reading,
        columns: Sequence[RawColumn] | None,
        *,
        inputs: Sequence[str],
        step: str,
        names: Sequence[str],
        tell: Tell = lambda said: None,
    ) -> Manifest:
        """Raw files into a `raw` snapshot in file order; rows that do not fit go to
        `rejects.parquet` with reasons. `tell` hears what was left unread.
        """
        with self._reader() as (db, scratch), self.lake.writing() as folder:
            typed: Sequence[RawColumn] | None = columns
            read = 0
            parts = (
                (path, part)
                for path, name in zip(files, names, strict=True)
                for part in parts_of(path, name)
            )
            for number, (path, name) in enumerate(parts):
                part = scratch / str(number)
                part.mkdir()
                raw = open_raw(path, name, reading, part, tell)
                with _translated("collect.cannot-read", file=name):
                    relation, headings, flawed = relation_of(db, raw, name, tell)
                    if typed is None:
                        typed = untyped(headings, name)
                    must_have(typed, headings, name)
                    if number == 0:
                        make_staging(db, typed)
                    read += stage(
                        db,
                        relation,
                        headings,
                        flawed,
                        typed,
                        name,
                        numbered=isinstance(raw, Held),
                    )
                    read += ragged(db, raw, name)
                shutil.rmtree(part, ignore_errors=True)
            assert typed is not None, "a table is collected from at least one file"
            with _translated("collect.cannot-read", file=names[0]):
                return self._keep_raw(db, folder, table, typed, read, inputs, step)

    @contextmanager
    def _reader(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
        scratch = Path(tempfile.mkdtemp(prefix="raw-", dir=self._temp))
        db = self._connect()
        db.execute(f"SET memory_limit = '{READ_MEMORY}'")
        try:
            yield db, scratch
        finally:
            db.close()
            shutil.rmtree(scratch, ignore_errors=True)

    def _keep_raw(
        self,
        db: duckdb.DuckDBPyConnection,
        folder: Path,
        table: str,
        columns: Sequence[RawColumn],
        read: int,
        inputs: Sequence[str],
        step: str,
    ) -> Manifest:
        listed = ", ".join(f"v{n} AS {quote(column.name)}" for n, column in enumerate(columns))
        good, bad = folder / "part-0.parquet", folder / "rejects.parquet"
        db.execute(
            f"COPY (SELECT {listed} FROM staging WHERE reasons IS NULL) "
            f"TO {literal(good.as_posix())} {_PARQUET}"
        )
        rows = one(db, "SELECT count(*) FROM staging WHERE reasons IS NULL")
        rejected = one(db, "SELECT count(*) FROM rejected")
        if rows + rejected != read:
            raise AssertionError(f"{table}: {read} rows read, {rows} kept and {rejected} rejected")
        rejects = None
        by_column: dict[str, int] = {}
        if rejected:
            db.execute(
                "COPY (SELECT input, record, line, reasons, row FROM rejected "
                "ORDER BY input, record, line, row) "
                f"TO {literal(bad.as_posix())} {_PARQUET}"
            )
            rejects = describe(bad, rejected)
            counted = db.execute(
                "SELECT split_part(reason, ':', 1) AS name, count(*) FROM "
                "(SELECT unnest(reasons) AS reason FROM rejected) GROUP BY name ORDER BY name"
            ).fetchall()
            known = {column.name for column in columns}
            by_column = {name: count for name, count in counted if name in known}
        made = tuple(Column(column.name, column.type) for column in columns)
        manifest = Manifest(
            table,
            "raw",
            made,
            rows,
            (describe(good, rows),),
            tuple(inputs),
            step,
            rejected,
            rejects,
            by_column,
        )
        return self.lake.keep(folder, manifest)

    # Build

    def build(
        self,
        table: str,
        sql: str,
        *,
        order_by: Sequence[str],
        types: Mapping[str, str],
        inputs: Sequence[str],
        step: str,
    ) -> Manifest:
        """One SELECT into a `built` snapshot: columns cast as `types` says, rows in a total order.

        Invalid engine.cannot-bind, engine.cannot-run (a value that does not fit its type, division
        of text …).
        """
        columns = self.describe(sql)
        names = [column.name for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Invalid("engine.column-twice", table=table, field=twice[0])
        selected = ", ".join(
            f"CAST({quote(c.name)} AS {types[c.name]}) AS {quote(c.name)}"
            if types.get(c.name, c.type) != c.type
            else quote(c.name)
            for c in columns
        )
        keys = [name for name in order_by if name in names]
        ordered = ", ".join(
            f"{quote(name)} NULLS FIRST"
            for name in [*keys, *(name for name in names if name not in keys)]
        )
        with self.lake.writing() as folder:
            path = folder / "part-0.parquet"
            whole = f"SELECT {selected} FROM ({_bare(sql)}\n) ORDER BY {ordered}"
            with _translated("engine.cannot-run", table=table):
                done = self._builds.execute(
                    f"COPY ({whole}) TO {literal(path.resolve().as_posix())} {_PARQUET}"
                )
                rows = int(done.fetchall()[0][0])
            made = tuple(Column(c.name, types.get(c.name, c.type)) for c in columns)
            manifest = Manifest(
                table, "built", made, rows, (describe(path, rows),), tuple(inputs), step
            )
            return self.lake.keep(folder, manifest)

    # Measure

    def measure(self, table: str, metrics: Sequence[Metric]) -> list[Measured]:
        """All SHARED metrics in one scan, all SAMPLE metrics in one small scan, the others each
        alone.
        """
        found: dict[int, Measured] = {}
        manifest = self._tables.get(table)
        shared = self._fused(quote(table), table, [m for m in metrics if m.scan is Scan.SHARED])
        sample = self._fused(
            self._sample(table, manifest), table, [m for m in metrics if m.scan is Scan.SAMPLE]
        )
        fused = {Scan.SHARED: iter(shared), Scan.SAMPLE: iter(sample)}
        for number, metric in enumerate(metrics):
            if metric.scan in fused:
                found[number] = next(fused[metric.scan])
            else:
                found[number] = self._alone(table, metric)
        return [found[number] for number in range(len(metrics))]

    def _sample(self, table: str, manifest: Manifest | None) -> str:
        """Every so-manieth row of one row group in SAMPLED_GROUPS, always the same ones; all of a
        table with few groups.

        Row groups are skipped unread by their numbers, so a sample costs its share; the error of a
        share found in it is below 0.2 % (SAMPLED_ROWS rows, 95 %) where rows do not cluster.
        """
        if manifest is None or manifest.rows <= 2 * ROW_GROUP_ROWS or len(manifest.files) != 1:
            return quote(table)
        starts = range(0, manifest.rows, SAMPLED_GROUPS * ROW_GROUP_ROWS)
        wanted = " OR ".join(
            f"file_row_number BETWEEN {start} AND {start + ROW_GROUP_ROWS - 1}" for start in starts
        )
        every = -(-len(starts) * ROW_GROUP_ROWS // SAMPLED_ROWS)
        numbered = self._scan(manifest, ", file_row_number = true")
        return f"(SELECT * FROM {numbered} WHERE ({wanted}) AND file_row_number % {every} = 0)"

    def _fused(self, relation: str, table: str, metrics: Sequence[Metric]) -> list[Measured]:
        if not metrics:
            return []
        unique = list(dict.fromkeys(metric.expression for metric in metrics))
        bound, errors = self._bindable(table, unique)
        values: dict[str, Any] = {}
        self._scan_all(relation, bound, values, errors)
        return [
            Measured(metric, _plain(values.get(metric.expression)), errors.get(metric.expression))
            for metric in metrics
        ]

    def _bindable(
        self, table: str, expressions: Sequence[str]
    ) -> tuple[list[str], dict[str, Diagnostic]]:
        """The expressions that bind; all at once first, one by one only when that fails."""
        empty = f"FROM {quote(table)} WHERE FALSE"
        errors: dict[str, Diagnostic] = {}
        with _translated("engine.cannot-bind"):
            self._db.execute(f"DESCRIBE (SELECT 1 {empty})")
        try:
            self._db.execute(f"DESCRIBE (SELECT {_listed(expressions)} {empty})")
            return list(expressions), errors
        except duckdb.Error:
            pass
        bound: list[str] = []
        for expression in expressions:
            try:
                self._db.execute(f"DESCRIBE (SELECT {expression}\n {empty})")
                bound.append(expression)
            except duckdb.Error as error:
                errors[expression] = _diagnostic(
                    "engine.cannot-bind", error, expression=_short(expression)
                )
        return bound, errors

    def _scan_all(
        self,
        relation: str,
        expressions: Sequence[str],
        values: dict[str, Any],
        errors: dict[str, Diagnostic],
    ) -> None:
        """One scan; when a value makes it fail, halves until the guilty expressions stand alone."""
        if not expressions:
            return
        try:
            row = self._db.execute(f"SELECT {_listed(expressions)} FROM {relation}").fetchone()
            values.update(zip(expressions, row or (), strict=True))
        except duckdb.Error as error:
            outside = _outside(error)
            if outside is not None:
                raise outside from error
            if len(expressions) == 1:
                errors[expressions[0]] = _diagnostic(
                    "engine.cannot-run", error, expression=_short(expressions[0])
                )
                return
            half = len(expressions) // 2
            self._scan_all(relation, expressions[:half], values, errors)
            self._scan_all(relation, expressions[half:], values, errors)

    def _alone(self, table: str, metric: Metric) -> Measured:
        if metric.scan is Scan.UNIQUE:
            key = metric.expression
            sql = (
                f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {quote(table)} "
                f"WHERE {_no_null(key)} GROUP BY {key} HAVING count(*) > 1)"
            )
        else:
            sql = _bare(metric.expression)
        try:
            rows = self._db.execute(sql).fetchmany(2)
        except duckdb.Error as error:
            outside = _outside(error)
            if outside is not None:
                raise outside from error
            return Measured(
                metric,
                None,
                _diagnostic("engine.cannot-run", error, expression=_short(metric.expression)),
            )
        if len(rows) != 1 or len(rows[0]) != 1:
            facts = {"expression": _short(metric.expression)}
            return Measured(
                metric, None, Diagnostic(Severity.ERROR, "engine.not-one-value", facts=facts)
            )
        return Measured(metric, _plain(rows[0][0]))

    # Keyed files

    def keyed(self, sold: Sold, path: Path) -> int:
        """Write what is sold of a bound table as a keyed file; Invalid engine.no-such-column,
        engine.cannot-run, Unavailable engine.keyed-not-written.
        """
        from sanhua.engine.keyed import write

        columns = self._tables[sold.table].columns
        with _translated("engine.cannot-run", table=sold.table):
            return write(self._builds, sold, columns, path)

    # Query

    def query(
        self, sql: str, parameters: Sequence[Any] = (), *, rows_max: int = 10_000
    ) -> list[tuple[Any, ...]]:
        """Rows of one SELECT; Invalid engine.too-many-rows beyond `rows_max`."""
        with _translated("engine.cannot-run", table=""):
            rows = self._db.execute(_bare(sql), list(parameters) or None).fetchmany(rows_max + 1)
        if len(rows) > rows_max:
            raise Invalid("engine.too-many-rows", most=rows_max)
        return rows


# Names, values, errors


def compile_regex(pattern: str) -> None:
    """Invalid engine.bad-pattern when DuckDB (RE2) does not take a regular expression."""
    with _translated("engine.bad-pattern", pattern=pattern), duckdb.connect() as db:
        db.execute("SELECT regexp_matches('', ?)", [pattern])


def _bare(sql: str) -> str:
    return sql.strip().rstrip(";")


def _listed(expressions: Sequence[str]) -> str:
    return ", ".join(f"({expression}\n)" for expression in expressions)


def _no_null(key: str) -> str:
    return " AND ".join(f"{name} IS NOT NULL" for name in _key_columns(key))


def _key_columns(key: str) -> list[str]:
    return [
        f'"{match[1]}"' if match[1] else match[2]
        for match in re.finditer(r'"((?:[^"]|"")*)"|(\w+)', key)
    ]


def _plain(value: Any) -> Any:
    """A float as the Decimal of its shortest form."""
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value)]
    return Decimal(repr(value)) if isinstance(value, float) else value


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "…"


def _reason(error: duckdb.Error) -> str:
    first = str(error).split("\n\n")[0].replace("\n", " ")
    return _short(re.sub(r"^[A-Za-z ]+ Error: ", "", first))


def _diagnostic(code: str, error: duckdb.Error, **facts: Any) -> Diagnostic:
    return Diagnostic(Severity.ERROR, code, facts={"reason": _reason(error), **facts})


def _outside(error: duckdb.Error) -> SanhuaError | None:
    """A failure that is not the SQL's or the data's: no room, no memory, time is up."""
    text = str(error)
    if (
        "No space left" in text
        or "could not write" in text.lower()
        or "disk" in text.lower()
        and "full" in text.lower()
    ):
        return Unavailable("lake.disk-full", path="")
    if isinstance(error, duckdb.OutOfMemoryException):
        return Unavailable("engine.out-of-memory", reason=_reason(error))
    if isinstance(error, duckdb.InterruptException):
        return Unavailable("engine.out-of-time")
    return None


@contextmanager
def _translated(code: str, **facts: Any) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        outside = _outside(error)
        raise outside or Invalid(code, reason=_reason(error), **facts) from error
