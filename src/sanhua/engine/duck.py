"""The engine on DuckDB: collect, build, measure, query.

SQL from people runs on one connection that may read the lake and nothing else: no other files, no network, no
extensions, settings locked. Raw files are read by connections of their own, whose SQL is all made here.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from sanhua.engine.lake import Lake, describe
from sanhua.engine.read import LINE_BYTES_MAX, CsvFile, ParquetFile, Raw, Rows, open_raw
from sanhua.kernel.errors import Diagnostic, Invalid, SanhuaError, Severity, Unavailable
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.table import Column, Manifest, RawColumn, Reading

ROW_GROUP_ROWS = 122_880
SAMPLED_GROUPS = 20  # one row group in so many is sampled
BUILD_TIMEOUT_S = 6 * 3600.0
QUERY_TIMEOUT_S = 600.0
_BLANK = " \t\r\n\u00a0\u3000\ufeff"
_PARQUET = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"


class DuckEngine:
    """`kernel.ports.Engine` over a lake. `memory` bounds DuckDB's buffers; it spills to `temp` beyond that."""

    def __init__(
        self, lake: Lake, *, memory: str = "1GB", threads: int | None = None, temp: Path | None = None
    ) -> None:
        self.version = f"duckdb {duckdb.__version__}"
        self.lake = lake
        self._options: dict[str, Any] = {
            "memory_limit": memory,
            "threads": threads or os.cpu_count() or 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._temp = Path(tempfile.mkdtemp(prefix="sanhua-", dir=temp))
        self._db = self._connect()
        for statement in (
            f"SET allowed_directories = [{_literal(f'{lake.root.resolve()}/')}, {_literal(f'{self._temp}/')}]",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            self._db.execute(statement)
        self._tables: dict[str, Manifest] = {}

    def close(self) -> None:
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
        self._db.execute(f"CREATE VIEW {_quote(manifest.table)} AS SELECT * FROM {self._scan(manifest)}")
        self._tables[manifest.table] = manifest

    def bind_rows(self, table: str, columns: Sequence[Column], rows: Sequence[Sequence[str | None]]) -> None:
        """A small table given as text; an empty cell is NULL."""
        self._forget(table)
        listed = ", ".join(f"{_quote(column.name)} VARCHAR" for column in columns)
        self._db.execute(f"CREATE TABLE {_quote(table)} ({listed})")
        if rows:
            marks = ", ".join("?" for _ in columns)
            values = [[cell or None for cell in row] for row in rows]
            self._db.executemany(f"INSERT INTO {_quote(table)} VALUES ({marks})", values)

    def _forget(self, table: str) -> None:
        if not table.isidentifier():
            raise ValueError(f"not a table name: {table}")
        self._tables.pop(table, None)
        kind = self._db.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_name = ?", [table]
        ).fetchone()
        if kind:
            self._db.execute(f"DROP {'VIEW' if kind[0] == 'VIEW' else 'TABLE'} {_quote(table)}")

    def _scan(self, manifest: Manifest, more: str = "") -> str:
        folder = self.lake.path(manifest).resolve()
        paths = ", ".join(_literal((folder / file.path).as_posix()) for file in manifest.files)
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
    ) -> Manifest:
        """Raw files into a `raw` snapshot in file order; rows that do not fit go to `rejects.parquet` with reasons."""
        with self._reader() as (db, scratch), self.lake.writing() as folder:
            typed: Sequence[RawColumn] | None = columns
            read = 0
            for number, (path, name) in enumerate(zip(files, names, strict=True)):
                part = scratch / str(number)
                part.mkdir()
                raw = open_raw(path, name, reading, part)
                with _translated("collect.cannot-read", file=name):
                    relation, headings = _relation(db, raw, name)
                    if typed is None:
                        typed = [RawColumn(heading, "VARCHAR") for heading in headings]
                    _must_have(typed, headings, name)
                    if number == 0:
                        _make_staging(db, typed)
                    read += _stage(db, relation, headings, typed, name)
                    read += _ragged(db, raw, name)
                shutil.rmtree(part, ignore_errors=True)
            assert typed is not None, "a table is collected from at least one file"
            with _translated("collect.cannot-read", file=names[0]):
                return self._keep_raw(db, folder, table, typed, read, inputs, step)

    @contextmanager
    def _reader(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
        scratch = Path(tempfile.mkdtemp(prefix="raw-", dir=self._temp))
        db = self._connect()
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
        listed = ", ".join(_quote(column.name) for column in columns)
        good, bad = folder / "part-0.parquet", folder / "rejects.parquet"
        db.execute(
            f"COPY (SELECT {listed} FROM staging WHERE __reasons IS NULL ORDER BY __at) "
            f"TO {_literal(good.as_posix())} {_PARQUET}"
        )
        rows = _one(db, "SELECT count(*) FROM staging WHERE __reasons IS NULL")
        rejected = _one(db, "SELECT count(*) FROM rejected")
        if rows + rejected != read:
            raise AssertionError(f"{table}: {read} rows read, {rows} kept and {rejected} rejected")
        rejects = None
        by_column: dict[str, int] = {}
        if rejected:
            db.execute(
                "COPY (SELECT input, record, line, reasons, row FROM rejected ORDER BY input, record, line, row) "
                f"TO {_literal(bad.as_posix())} {_PARQUET}"
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
            table, "raw", made, rows, (describe(good, rows),), tuple(inputs), step, rejected, rejects, by_column
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

        Invalid engine.cannot-bind, engine.cannot-run (a value that does not fit its type, division of text …).
        """
        columns = self.describe(sql)
        names = [column.name for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Invalid("engine.column-twice", table=table, field=twice[0])
        selected = ", ".join(
            f"CAST({_quote(c.name)} AS {types[c.name]}) AS {_quote(c.name)}"
            if types.get(c.name, c.type) != c.type
            else _quote(c.name)
            for c in columns
        )
        keys = [name for name in order_by if name in names]
        ordered = ", ".join(
            f"{_quote(name)} NULLS FIRST" for name in [*keys, *(name for name in names if name not in keys)]
        )
        with self.lake.writing() as folder:
            path = folder / "part-0.parquet"
            whole = f"SELECT {selected} FROM ({_bare(sql)}\n) ORDER BY {ordered}"
            with _translated("engine.cannot-run", table=table), self._timed(BUILD_TIMEOUT_S):
                done = self._db.execute(f"COPY ({whole}) TO {_literal(path.resolve().as_posix())} {_PARQUET}")
                rows = int(done.fetchall()[0][0])
            made = tuple(Column(c.name, types.get(c.name, c.type)) for c in columns)
            manifest = Manifest(table, "built", made, rows, (describe(path, rows),), tuple(inputs), step)
            return self.lake.keep(folder, manifest)

    # Measure

    def measure(self, table: str, metrics: Sequence[Metric]) -> list[Measured]:
        """All SHARED metrics in one scan, all SAMPLE metrics in one small scan, the others each alone."""
        found: dict[int, Measured] = {}
        manifest = self._tables.get(table)
        shared = self._fused(_quote(table), table, [m for m in metrics if m.scan is Scan.SHARED])
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
        """Whole row groups, one in SAMPLED_GROUPS, always the same ones; all of a table with few groups.

        Row groups are skipped unread by their numbers, so a sample costs its share.
        """
        if manifest is None or manifest.rows <= 2 * ROW_GROUP_ROWS or len(manifest.files) != 1:
            return _quote(table)
        starts = range(0, manifest.rows, SAMPLED_GROUPS * ROW_GROUP_ROWS)
        wanted = " OR ".join(
            f"file_row_number BETWEEN {start} AND {start + ROW_GROUP_ROWS - 1}" for start in starts
        )
        return f"(SELECT * FROM {self._scan(manifest, ', file_row_number = true')} WHERE {wanted})"

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
        empty = f"FROM {_quote(table)} WHERE FALSE"
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
                errors[expression] = _diagnostic("engine.cannot-bind", error, expression=_short(expression))
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
            with self._timed(QUERY_TIMEOUT_S):
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
                f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {_quote(table)} "
                f"WHERE {_no_null(key)} GROUP BY {key} HAVING count(*) > 1)"
            )
        else:
            sql = _bare(metric.expression)
        try:
            with self._timed(QUERY_TIMEOUT_S):
                rows = self._db.execute(sql).fetchmany(2)
        except duckdb.Error as error:
            outside = _outside(error)
            if outside is not None:
                raise outside from error
            return Measured(metric, None, _diagnostic("engine.cannot-run", error, expression=_short(metric.expression)))
        if len(rows) != 1 or len(rows[0]) != 1:
            facts = {"expression": _short(metric.expression)}
            return Measured(metric, None, Diagnostic(Severity.ERROR, "engine.not-one-value", facts=facts))
        return Measured(metric, _plain(rows[0][0]))

    # Query

    def query(self, sql: str, parameters: Sequence[Any] = (), *, rows_max: int = 10_000) -> list[tuple[Any, ...]]:
        """Rows of one SELECT; Invalid engine.too-many-rows beyond `rows_max`."""
        with _translated("engine.cannot-run", table=""), self._timed(QUERY_TIMEOUT_S):
            rows = self._db.execute(_bare(sql), list(parameters) or None).fetchmany(rows_max + 1)
        if len(rows) > rows_max:
            raise Invalid("engine.too-many-rows", most=rows_max)
        return rows

    @contextmanager
    def _timed(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self._db.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


# Reading raw rows


def _relation(db: duckdb.DuckDBPyConnection, raw: Raw, name: str) -> tuple[str, tuple[str, ...]]:
    """A relation of text columns `h0 …` in file order, and their headings."""
    if isinstance(raw, CsvFile):
        columns = ", ".join(f"{_literal(f'h{n}')}: 'VARCHAR'" for n in range(len(raw.headings)))
        relation = (
            f"read_csv({_literal(raw.path.as_posix())}, auto_detect = false, header = false, skip = {raw.skip}, "
            f"delim = {_literal(raw.delimiter)}, quote = {_literal(raw.quote)}, escape = {_literal(raw.quote)}, "
            f"columns = {{{columns}}}, store_rejects = true, rejects_limit = 0, max_line_size = {LINE_BYTES_MAX}, "
            f"buffer_size = {LINE_BYTES_MAX * 2}, null_padding = false, strict_mode = true, encoding = 'utf-8')"
        )
        return relation, raw.headings
    if isinstance(raw, ParquetFile):
        path = f"read_parquet({_literal(raw.path.as_posix())})"
        found = db.execute(f"DESCRIBE SELECT * FROM {path}").fetchall()
        listed = ", ".join(f"CAST({_quote(row[0])} AS VARCHAR) AS h{n}" for n, row in enumerate(found))
        return f"(SELECT {listed} FROM {path})", tuple(row[0] for row in found)
    import pyarrow as pa

    arrays = [pa.array([row[n] for row in raw.rows], pa.string()) for n in range(len(raw.headings))]
    held = pa.Table.from_arrays(arrays, names=[f"h{n}" for n in range(len(raw.headings))])
    db.register("held", held)
    return "held", raw.headings


def _must_have(columns: Sequence[RawColumn], headings: Sequence[str], name: str) -> None:
    from difflib import get_close_matches

    for column in columns:
        if column.source_name not in headings:
            near = get_close_matches(column.source_name, headings, 1)
            raise Invalid(
                "collect.missing-heading", file=name, heading=column.source_name, field=column.name,
                nearest=near[0] if near else "–", found=", ".join(headings[:20]),
            )  # fmt: skip


def _make_staging(db: duckdb.DuckDBPyConnection, columns: Sequence[RawColumn]) -> None:
    listed = ", ".join(f"{_quote(column.name)} {column.type}" for column in columns)
    db.execute("CREATE SEQUENCE row_order")
    db.execute(f"CREATE TABLE staging (__at BIGINT, __reasons VARCHAR[], __row VARCHAR, {listed})")
    db.execute("CREATE TABLE rejected (input VARCHAR, record BIGINT, line BIGINT, reasons VARCHAR[], row VARCHAR)")


def _stage(
    db: duckdb.DuckDBPyConnection,
    relation: str,
    headings: Sequence[str],
    columns: Sequence[RawColumn],
    name: str,
) -> int:
    """Type every row of one file into `staging`, the misfits into `rejected`; how many rows were read."""
    at = {heading: f"h{n}" for n, heading in enumerate(headings)}
    before = _one(db, "SELECT count(*) FROM staging")
    values = ", ".join(f"{_typed(at[c.source_name], c)} AS v{n}" for n, c in enumerate(columns))
    reasons = ", ".join(
        f"CASE WHEN v{n} IS NULL AND {_given(at[c.source_name])} THEN "
        f"{_literal(f'{c.name}: ')} || {_shown(at[c.source_name])} || {_literal(f' is not {_wanted(c)}')} END"
        for n, c in enumerate(columns)
        if c.type != "VARCHAR"
    )
    found = f"list_filter([{reasons}], lambda x: x IS NOT NULL)" if reasons else "[]::VARCHAR[]"
    whole = ", ".join(f"{_literal(heading)}: {column}" for heading, column in at.items())
    listed = ", ".join(f"v{n}" for n in range(len(columns)))
    db.execute(
        f"INSERT INTO staging SELECT {before} + row_number() OVER (), "
        "CASE WHEN len(why) > 0 THEN why END, CASE WHEN len(why) > 0 THEN raw END, "
        f"{listed} FROM (SELECT *, {found} AS why, to_json({{{whole}}})::VARCHAR AS raw "
        f"FROM (SELECT *, {values} FROM {relation}))"
    )
    after = _one(db, "SELECT count(*) FROM staging")
    db.execute(
        "INSERT INTO rejected SELECT ?, __at - ?, NULL, __reasons, __row FROM staging "
        "WHERE __reasons IS NOT NULL AND __at > ?",
        [name, before, before],
    )
    return after - before


def _ragged(db: duckdb.DuckDBPyConnection, raw: Raw, name: str) -> int:
    """Rows that have no such shape at all, as DuckDB set them aside, each once with its whole line."""
    if not isinstance(raw, CsvFile):
        return 0
    db.execute(
        "INSERT INTO rejected SELECT ?, NULL, line, list(DISTINCT reason ORDER BY reason), any_value(csv_line) FROM "
        "(SELECT line, lower(replace(error_type::VARCHAR, '_', ' ')) AS reason, csv_line FROM reject_errors) "
        "GROUP BY line ORDER BY line",
        [name],
    )
    count = _one(db, "SELECT count(DISTINCT line) FROM reject_errors")
    db.execute("DELETE FROM reject_errors")
    db.execute("DELETE FROM reject_scans")
    return count


def _trimmed(column: str) -> str:
    return f"nullif(trim({column}, {_literal(_BLANK)}), '')"


def _given(column: str) -> str:
    return f"{_trimmed(column)} IS NOT NULL"


def _shown(column: str) -> str:
    """The value as a reason quotes it, cut short."""
    return f"'''' || left({column}, 60) || ''''"


def _wanted(column: RawColumn) -> str:
    return f"{column.type} ({column.format})" if column.format else column.type


def _typed(column: str, wanted: RawColumn) -> str:
    """The value of a text column in its type; NULL when it does not fit exactly."""
    text = _trimmed(column)
    if wanted.type == "VARCHAR":
        return f"nullif({column}, '')"
    if wanted.type == "BIGINT":
        return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+(\\.0+)?') THEN TRY_CAST({text} AS BIGINT) END"
    if decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", wanted.type):
        scale = int(decimal[2])
        shape = f"[+-]?([0-9]+(\\.[0-9]{{0,{scale}}}0*)?|\\.[0-9]{{1,{max(scale, 1)}}}0*)"
        return f"CASE WHEN regexp_full_match({text}, '{shape}') THEN TRY_CAST({text} AS {wanted.type}) END"
    if wanted.type == "DOUBLE":
        cast = f"TRY_CAST({text} AS DOUBLE)"
        return f"CASE WHEN isfinite({cast}) THEN {cast} END"
    if wanted.type == "BOOLEAN":
        return (
            f"CASE lower({text}) WHEN 'true' THEN TRUE WHEN 't' THEN TRUE WHEN '1' THEN TRUE WHEN 'yes' THEN TRUE "
            "WHEN 'y' THEN TRUE WHEN '是' THEN TRUE WHEN 'false' THEN FALSE WHEN 'f' THEN FALSE WHEN '0' THEN FALSE "
            "WHEN 'no' THEN FALSE WHEN 'n' THEN FALSE WHEN '否' THEN FALSE END"
        )
    if wanted.type in ("DATE", "TIMESTAMP", "TIME"):
        if wanted.format:
            return f"CAST(try_strptime({text}, {_literal(strptime_of(wanted.format))}) AS {wanted.type})"
        if wanted.type == "DATE":
            return f"CAST(try_strptime({text}, ['%Y-%m-%d', '%Y/%m/%d', '%Y%m%d']) AS DATE)"
        return f"TRY_CAST({text} AS {wanted.type})"
    raise Invalid("collect.unknown-type", type=wanted.type, field=wanted.name)


_JDK = {
    "yyyy": "%Y", "yy": "%y", "MMM": "%b", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H",
    "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSSSSS": "%f", "SSS": "%g", "a": "%p",
    "XXX": "%z", "X": "%z", "Z": "%z", "z": "%Z",
}  # fmt: skip


def strptime_of(pattern: str) -> str:
    """A JDK date pattern as DuckDB's; Invalid collect.unknown-pattern names a letter that is not known."""
    made: list[str] = []
    for quoted, letters, other in _tokens(pattern):
        if letters:
            if letters not in _JDK:
                raise Invalid("collect.unknown-pattern", pattern=pattern, letters=letters, known=" ".join(_JDK))
            made.append(_JDK[letters])
        else:
            made.append((quoted or other).replace("%", "%%"))
    return "".join(made)


def _tokens(pattern: str) -> Iterator[tuple[str, str, str]]:
    """(quoted text, pattern letters, other character), one of them filled."""
    for match in re.finditer(r"'([^']*)'|(([A-Za-z])\3*)|(.)", pattern, re.DOTALL):
        yield match[1] or "", match[2] or "", match[4] or ""


# Names, values, errors


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _bare(sql: str) -> str:
    return sql.strip().rstrip(";")


def _listed(expressions: Sequence[str]) -> str:
    return ", ".join(f"({expression}\n)" for expression in expressions)


def _no_null(key: str) -> str:
    return " AND ".join(f"{name} IS NOT NULL" for name in _key_columns(key))


def _key_columns(key: str) -> list[str]:
    return [f'"{match[1]}"' if match[1] else match[2] for match in re.finditer(r'"((?:[^"]|"")*)"|(\w+)', key)]


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = db.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _plain(value: Any) -> Any:
    """A float as the Decimal of its shortest form."""
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
    if "No space left" in text or "could not write" in text.lower() or "disk" in text.lower() and "full" in text.lower():
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
