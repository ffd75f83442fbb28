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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import duckdb

from sanhua import sql
from sanhua.engine.by_value import ROWS, by_value
from sanhua.engine.kept import KeptStates, attach
from sanhua.engine.lake import Lake, describe, sweep, unfinished
from sanhua.engine.read import Held, Raw, Tell, open_raw, parts_of, reread
from sanhua.engine.staging import (
    literal,
    make_staging,
    misread,
    must_have,
    one,
    quote,
    ragged,
    relation_of,
    stage,
    unstage,
    untyped,
)
from sanhua.kernel.errors import Diagnostic, Invalid, SanhuaError, Severity, Unavailable
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.table import (
    Column,
    Division,
    Kept,
    LakeFile,
    Manifest,
    Part,
    RawColumn,
    Reading,
    Sold,
)

ROW_GROUP_ROWS = 122_880
READ_MEMORY = "700MB"  # what reading raw files may hold beside the readers' own
SAMPLED_GROUPS = 20  # one row group in so many is sampled,
SAMPLED_GROUPS_MAX = 64  # never more of them than this,
SAMPLED_ROWS = 1 << 18  # and of those every so-manieth row that about as many are looked at
KEPT_FROM_ROWS = 500_000  # a smaller table is scanned anew each time
REPEATING_ROWS_MIN = 50_000  # below, a further statement costs more than it saves
REPEATING_VALUES_MAX = 4_000_000  # entries of a column's dictionaries, over all row groups
REPEATS_MIN = 4  # rows an entry; a row group without a dictionary counts a row an entry
BITS_MAX = 1 << 28  # 32 MB a thread
BITS_PER_ROW = 32  # of a key's numbers: when they lie further apart, they are grouped
MERGED_PARTS = 32  # so many small parts become one
PARTITIONS_MAX = 10_000
BUILD_TIMEOUT_S = 6 * 3600
QUERY_TIMEOUT_S = 600
DICTIONARY_MAX = 10_000  # entries of a column's; a larger one costs more than it saves
DICTIONARIES_MAX = 1_000_000  # entries of all columns, whose room is taken before a row is written


def _parquet(columns: int) -> str:
    """How a file is written. Version 2 (delta encodings) is written faster, a quarter smaller and
    read twice as fast.
    """
    entries = min(DICTIONARY_MAX, DICTIONARIES_MAX // max(1, columns))
    return (
        f"(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT {entries}, "
        f"ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
    )


# No bytes of a raw file give these: the SQL that was made for it is wrong, or the engine is.
_OURS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.InternalException,
    duckdb.FatalException,
)


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
        kept: Path | None = None,
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
        self._kept = attach(self._db, kept) if kept else None
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
        self._seen: dict[tuple[str, str], frozenset[str | None]] = {}
        self._repeat: dict[str, frozenset[str]] = {}  # by table, once asked

    def close(self) -> None:
        self._builds.close()
        self._db.close()
        shutil.rmtree(self._temp, ignore_errors=True)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        db = duckdb.connect(config={**self._options, "temp_directory": str(self._temp)})
        db.execute("SET GLOBAL TimeZone = 'UTC'")  # else a cursor has the machine's
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
        self._repeat.pop(table, None)
        kind = self._db.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_name = ?", [table]
        ).fetchone()
        if kind:
            self._db.execute(f"DROP {'VIEW' if kind[0] == 'VIEW' else 'TABLE'} {quote(table)}")

    def _scan(
        self, manifest: Manifest, more: str = "", files: Sequence[LakeFile] | None = None
    ) -> str:
        folder = self.lake.path(manifest).resolve()
        chosen = manifest.files if files is None else files
        paths = ", ".join(literal((folder / file.path).as_posix()) for file in chosen)
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
        before: Sequence[Kept] = (),
        seen: Callable[[Raw], None] = lambda raw: None,
        passing: bool = False,
    ) -> Manifest:
        """Raw files into a `raw` snapshot, a part each, in the order given; rows that do not fit go
        to the part's rejects with reasons. `tell` hears what was left unread. Of several files one
        that cannot be read at all is a reject too, unless it is the first, none can be or the
        fault is not the file's. `seen` hears how each file is read. A `passing` snapshot is soon
        thrown away: what needs no typing is not staged, and its bytes may differ from one time to
        the next.

        Parts of `before` (kept from a snapshot of the same step) whose files are all wanted still
        are taken over as they are; runs of small parts are merged.
        """
        place = {pair: n for n, pair in enumerate(zip(inputs, names, strict=True))}
        # Without a contract the first file names the columns: it must be the one that did so then.
        named = columns is not None or (inputs[0], names[0]) in [one.first for one in before[:1]]
        kept = [one for one in before if named and one.read <= place.keys()]
        have = frozenset[tuple[str, str]]().union(*(one.read for one in kept))
        new = [(n, path, pair) for path, (pair, n) in zip(files, place.items(), strict=True)
               if pair not in have]  # fmt: skip
        with self.lake.writing() as folder, self._reader() as (db, scratch):
            parts = {min(place[pair] for pair in one.read): one.part for one in kept}
            for n, one in zip(parts, kept, strict=True):
                parts[n] = self._take_over(table, one, folder, n)
            typed = columns
            if columns is None and named:
                found = self.lake.load("raw", table, before[0].snapshot).columns
                typed = [RawColumn(column.name, column.type) for column in found]
            bad: SanhuaError | None = None
            for n, path, (node, name) in new:
                target = folder / f"part-{n}.parquet"
                inside = scratch / str(n)
                inside.mkdir()
                try:
                    read, begun = 0, False
                    copied: int | None = None
                    members = parts_of(path, name)
                    for member in members:
                        wanted = [column.source_name.strip() for column in typed or ()]
                        raw = open_raw(path, member, reading, inside, tell, wanted)
                        seen(raw)
                        with _translated("collect.cannot-read", file=member):
                            relation, headings, flawed = relation_of(db, raw, member, tell)
                            typed = typed or untyped(headings, member)
                            must_have(typed, headings, member)
                            if not begun:
                                make_staging(db, typed)
                            begun, held = True, isinstance(raw, Held)
                            straight = passing and len(members) == 1 and not held and not flawed
                            if straight and all(c.type == "VARCHAR" for c in typed):
                                rows = copied = _straight(db, relation, headings, typed, target)
                            else:
                                rows = stage(
                                    db, relation, headings, flawed, typed, member, numbered=held
                                )
                            if form := misread(db, raw):
                                if copied is None:
                                    unstage(db, member, rows)
                                copied = None
                                raw = reread(form, inside, member, tell)
                                relation, headings, flawed = relation_of(db, raw, member, tell)
                                rows = stage(db, relation, headings, flawed, typed, member)
                            read += rows + ragged(db, raw, member)
                        _emptied(inside)
                    with _translated("collect.cannot-read", file=name):
                        parts[n] = _keep_part(db, typed or (), read, node, name, target, copied)
                except Invalid as error:
                    if typed is None or len(files) == 1 or isinstance(error.__cause__, _OURS):
                        raise
                    bad = error
                    parts[n] = _set_aside(db, typed, error, node, name, target)
                    facts = {"file": name, "code": error.code, "reason": str(error)}
                    tell(Diagnostic(Severity.WARNING, "collect.set-aside", facts=facts))
                shutil.rmtree(inside, ignore_errors=True)
            if bad and not any(part.file.rows for part in parts.values()):
                raise bad
            assert typed is not None, "a table is collected from at least one file"
            listed = _merged(db, [part for _, part in sorted(parts.items())], folder)
            listed = [_numbered(part, n, folder) for n, part in enumerate(listed)]
            made = tuple(Column(column.name, column.type) for column in typed)
            whole = dict.fromkeys(node for part in listed for node in part.inputs)
            manifest = Manifest(table, "raw", made, tuple(listed), tuple(whole), step)
            return self.lake.keep(folder, manifest)

    def _take_over(self, table: str, one: Kept, folder: Path, n: int) -> Part:
        def link(file: LakeFile, name: str) -> LakeFile:
            return self.lake.link("raw", table, one.snapshot, file, folder / name)

        rejects = one.part.rejects and link(one.part.rejects, f"rejects-{n}.parquet")
        return replace(one.part, file=link(one.part.file, f"part-{n}.parquet"), rejects=rejects)

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
        division: Division | None = None,
    ) -> Manifest:
        """One SELECT into a `built` snapshot: columns cast as `types` says, rows in a total order;
        with a `division` a part for each value, in that order of each.

        Invalid engine.cannot-bind, engine.cannot-run (a value that does not fit its type, division
        of text …), engine.too-many-partitions.
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
        made = tuple(Column(c.name, types.get(c.name, c.type)) for c in columns)
        whole = f"SELECT {selected} FROM ({_bare(sql)}\n) ORDER BY {ordered}"
        with self.lake.writing() as folder:
            if division is None:
                path = folder / "part-0.parquet"
                parts = [Part(describe(path, self._copied(whole, path, table, len(made))))]
            else:
                first = quote(division.column)
                whole = whole.replace(" ORDER BY ", f" ORDER BY {first} NULLS FIRST, ")
                parts = self._divided(table, whole, division, folder, made)
            manifest = Manifest(table, "built", made, tuple(parts), tuple(inputs), step)
            return self.lake.keep(folder, manifest)

    def _copied(self, select: str, path: Path, table: str, columns: int) -> int:
        with _translated("engine.cannot-run", table=table):
            target = literal(path.resolve().as_posix())
            done = self._builds.execute(f"COPY ({select}) TO {target} {_parquet(columns)}")
            return int(done.fetchall()[0][0])

    def _divided(
        self,
        table: str,
        whole: str,
        division: Division,
        folder: Path,
        columns: Sequence[Column],
    ) -> list[Part]:
        """A part for each value of the division; those whose rows did not change are taken over."""
        source = self._tables[division.table]
        kept: dict[str | None, Part] = {}
        narrowed: Sequence[LakeFile] | None = None
        changed: set[str | None] = set()
        wanted = next(one.type for one in columns if one.name == division.column)
        told_apart = wanted not in ("DOUBLE", "FLOAT")  # -0.0 is 0.0, but not as text
        if told_apart and division.before is not None and division.then is not None:
            changed = self._changed(division, source, division.then)
            kept = {
                part.partition[0]: part
                for part in division.before.parts
                if part.partition and part.partition[0] not in changed
            }
            narrowed = [
                file
                for file in source.files
                if not changed.isdisjoint(self._values(division, source, file))
            ]
        path = folder / "whole.parquet"
        with self._only(division, source, narrowed, changed):
            self._copied(whole, path, table, len(columns))
        column = quote(division.column)
        with _translated("engine.cannot-run", table=table):
            found = self._builds.execute(
                f"SELECT CAST({column} AS VARCHAR), count(*) FROM "
                f"read_parquet({literal(path.resolve().as_posix())}) GROUP BY {column}"
            ).fetchall()
        new = dict(found)
        if len(new) + len(kept) > PARTITIONS_MAX:
            raise Invalid(
                "engine.too-many-partitions",
                table=table,
                field=division.column,
                count=len(new) + len(kept),
                most=PARTITIONS_MAX,
            )
        # What is known of NULLs in the other parts' rows changes how a part is written; a union,
        # with nothing, takes that knowledge away.
        every = f"SELECT * FROM read_parquet({literal(path.resolve().as_posix())})"
        some = f"SELECT * FROM ({every} UNION ALL {every} WHERE false) WHERE"
        parts: list[Part] = []
        for n, value in enumerate(sorted({*new, *kept}, key=lambda v: (v is not None, v or ""))):
            target = folder / f"part-{n}.parquet"
            if value in kept:
                assert division.before is not None
                file = self.lake.link("built", table, division.before.id, kept[value].file, target)
            else:
                of = f"= CAST({literal(value)} AS {wanted})" if value is not None else "IS NULL"
                rows = self._copied(f"{some} {column} {of}", target, table, len(columns))
                file = describe(target, rows)
                assert rows == new[value], f"{table}: {rows} of {new[value]} rows of {value}"
            parts.append(Part(file, partition=(value,)))
        if not parts:
            target = folder / "part-0.parquet"
            parts = [
                Part(describe(target, self._copied(f"{some} false", target, table, len(columns))))
            ]
        path.unlink()
        return parts

    def _changed(self, division: Division, now: Manifest, then: Manifest) -> set[str | None]:
        """The values in files of the source that came or went."""
        found: set[str | None] = set()
        counts = [Counter(file.sha256 for file in one.files) for one in (now, then)]
        for manifest, mine, other in ((now, *counts), (then, *reversed(counts))):
            for file in manifest.files:
                if mine[file.sha256] > other[file.sha256]:
                    found |= self._values(division, manifest, file)
        return found

    def _values(
        self, division: Division, manifest: Manifest, file: LakeFile
    ) -> frozenset[str | None]:
        """The values that rows of a file have, as text; remembered by the bytes of the file."""
        key = (division.expression, file.sha256)
        if key not in self._seen:
            relation = self._scan(manifest, "", [file])
            with _translated("engine.cannot-run", table=manifest.table):
                rows = self._builds.execute(
                    f"SELECT DISTINCT {_as_value(division)} FROM {relation}"
                ).fetchall()
            self._seen[key] = frozenset(row[0] for row in rows)
        return self._seen[key]

    @contextmanager
    def _only(
        self,
        division: Division,
        source: Manifest,
        files: Sequence[LakeFile] | None,
        values: set[str | None],
    ) -> Iterator[None]:
        """Within, the source's name stands for its rows of `values` alone; None: for all."""
        if files is None:
            yield
            return
        listed = ", ".join(literal(value) for value in sorted(v for v in values if v is not None))
        value = _as_value(division)
        wanted = [f"{value} IN ({listed})"] if listed else []
        wanted += [f"{value} IS NULL"] if None in values else []
        chosen = files or source.files[:1]
        where = " OR ".join(wanted) if files and wanted else "FALSE"
        self._db.execute(
            f"CREATE OR REPLACE VIEW {quote(source.table)} AS "
            f"SELECT * FROM {self._scan(source, '', chosen)} WHERE {where}"
        )
        try:
            yield
        finally:
            self.bind(source)

    # Measure

    def measure(self, table: str, metrics: Sequence[Metric]) -> list[Measured]:
        """All SHARED metrics in one scan (a QUERY over this table alone is one of them), all SAMPLE
        metrics in one small scan, the others each alone.
        """
        found: dict[int, Measured] = {}
        manifest = self._tables.get(table)
        asked = [self._fusable(table, metric) for metric in metrics]
        shared = self._whole(table, manifest, [m for m in asked if m.scan is Scan.SHARED])
        sample = self._fused(
            self._sample(table, manifest), table, [m for m in asked if m.scan is Scan.SAMPLE]
        )
        fused = {Scan.SHARED: iter(shared), Scan.SAMPLE: iter(sample)}
        for number, (metric, own) in enumerate(zip(asked, metrics, strict=True)):
            if metric.scan in fused:
                found[number] = replace(next(fused[metric.scan]), metric=own)
            else:
                found[number] = self._alone(table, metric, manifest)
        return [found[number] for number in range(len(metrics))]

    def _fusable(self, table: str, metric: Metric) -> Metric:
        """A SELECT over this table alone is measured in the shared scan."""
        if metric.scan is Scan.QUERY and "GROUP BY" not in metric.expression:
            made = sql.as_aggregate(metric.expression)
            if made is not None and made[0] == table:
                return Metric(metric.id, made[1])
        return metric

    def _whole(
        self, table: str, manifest: Manifest | None, metrics: Sequence[Metric]
    ) -> list[Measured]:
        """Over all rows; of a large table of several files the new files alone are scanned."""
        kept = self._kept_of(manifest)
        if kept is None or manifest is None or not metrics:
            return self._fused(quote(table), table, metrics)
        unique = list(dict.fromkeys(metric.expression for metric in metrics))
        try:
            values = kept.measure(manifest, unique, lambda files: self._scan(manifest, "", files))
        except duckdb.Error:
            values = {}  # a value that an expression cannot take: found in one scan of all
        rest = [metric for metric in metrics if metric.expression not in values]
        others = iter(self._fused(quote(table), table, rest))
        return [
            Measured(metric, _plain(values[metric.expression]))
            if metric.expression in values
            else next(others)
            for metric in metrics
        ]

    def _kept_of(self, manifest: Manifest | None) -> KeptStates | None:
        if manifest is None or len(manifest.files) < 2 or manifest.rows < KEPT_FROM_ROWS:
            return None
        return self._kept

    def sample(self, table: str, rows_max: int) -> list[tuple[str | None, ...]]:
        """Rows of a bound snapshot as text: all when they are at most `rows_max`, otherwise about
        so many, spread over the row groups of the fixed sample, always the same ones.
        """
        manifest = self._tables[table]
        sampled = manifest.rows if manifest.rows <= 2 * ROW_GROUP_ROWS else SAMPLED_ROWS
        every = -(-sampled // rows_max)
        # By hash, for a row in so many could fall on the same hour of each day.
        picked = f"QUALIFY hash(row_number() OVER ()) % {every} = 0" if every > 1 else ""
        listed = ", ".join(f"CAST({quote(c.name)} AS VARCHAR)" for c in manifest.columns)
        relation = self._sample(table, manifest)
        return self.query(f"SELECT {listed} FROM {relation} {picked}", rows_max=4 * rows_max)

    def _sample(self, table: str, manifest: Manifest | None) -> str:
        """Every so-manieth row of one row group in SAMPLED_GROUPS, always the same ones; all of a
        table with few groups.

        Row groups are skipped unread by their numbers, so a sample costs its share; the error of a
        share found in it is below 0.2 % (SAMPLED_ROWS rows, 95 %) where rows do not cluster.
        """
        if manifest is None or manifest.rows <= 2 * ROW_GROUP_ROWS:
            return quote(table)
        groups = [
            (file, start)
            for file in manifest.files
            for start in range(0, file.rows, ROW_GROUP_ROWS)
        ]
        step = max(SAMPLED_GROUPS, -(-len(groups) // SAMPLED_GROUPS_MAX))
        taken = groups[::step]
        every = -(-len(taken) * ROW_GROUP_ROWS // SAMPLED_ROWS)
        starts: dict[LakeFile, list[int]] = {}
        for file, start in taken:
            starts.setdefault(file, []).append(start)
        shares: list[str] = []
        for file, begun in starts.items():
            wanted = " OR ".join(
                f"file_row_number BETWEEN {n} AND {n + ROW_GROUP_ROWS - 1}" for n in begun
            )
            numbered = self._scan(manifest, ", file_row_number = true", [file])
            chosen = f"({wanted}) AND file_row_number % {every} = 0"
            shares.append(f"SELECT * FROM {numbered} WHERE {chosen}")
        return f"({' UNION ALL '.join(shares)})"

    def _fused(self, relation: str, table: str, metrics: Sequence[Metric]) -> list[Measured]:
        if not metrics:
            return []
        unique = list(dict.fromkeys(metric.expression for metric in metrics))
        bound, errors = self._bindable(table, unique)
        values: dict[str, Any] = {}
        manifest = self._tables.get(table)
        names = [column.name for column in manifest.columns] if manifest else []
        for column, counts in by_value(bound, names, self._repeating(table)).items():
            values.update(self._per_value(relation, column, counts))
        self._scan_all(relation, [one for one in bound if one not in values], values, errors)
        return [
            Measured(metric, _plain(values.get(metric.expression)), errors.get(metric.expression))
            for metric in metrics
        ]

    def _repeating(self, table: str) -> frozenset[str]:
        """The text columns of which the row groups keep dictionaries: few values, often repeated.

        Nothing is said of a small table, where it does not pay to ask.
        """
        if table not in self._repeat:
            found: set[str] = set()
            manifest = self._tables.get(table)
            if manifest is not None and manifest.rows >= REPEATING_ROWS_MIN:
                texts = {column.name for column in manifest.columns if column.type == "VARCHAR"}
                listed = self._db.execute(
                    "SELECT path_in_schema FROM "
                    f"{self._scan(manifest).replace('read_parquet', 'parquet_metadata', 1)} "
                    "GROUP BY path_in_schema "
                    "HAVING sum(coalesce(stats_distinct_count, num_values)) BETWEEN 1 AND "
                    f"{min(REPEATING_VALUES_MAX, manifest.rows // REPEATS_MIN)}"
                ).fetchall()
                found = texts & {row[0] for row in listed}
            self._repeat[table] = frozenset(found)
        return self._repeat[table]

    def _per_value(
        self, relation: str, column: str, counts: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Counts of a column's predicates asked once of each distinct value; none when that fails,
        for the plain scan tells which predicate is at fault.
        """
        name = quote(column)
        listed = ", ".join(f"({made})" for made in counts.values())
        try:
            row = self._db.execute(
                f"SELECT {listed} FROM (SELECT {name}, count(*) AS {quote(ROWS)} "
                f"FROM {relation} GROUP BY {name})"
            ).fetchone()
        except duckdb.Error as error:
            if outside := _outside(error):
                raise outside from error
            return {}
        return dict(zip(counts, row or (), strict=True))

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

    def _alone(self, table: str, metric: Metric, manifest: Manifest | None) -> Measured:
        kept = self._kept_of(manifest)
        if metric.scan is Scan.UNIQUE and kept is not None and manifest is not None:
            key = _key_columns(metric.expression)
            with _translated("engine.cannot-run", table=table):
                found = kept.surplus(manifest, key, lambda files: self._scan(manifest, "", files))
            return Measured(metric, found)
        if metric.scan is Scan.UNIQUE and (query := self._by_bits(table, metric, manifest)):
            pass
        elif metric.scan is Scan.UNIQUE:
            key = metric.expression
            query = (
                f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {quote(table)} "
                f"WHERE {_no_null(key)} GROUP BY {key} HAVING count(*) > 1)"
            )
        else:
            query = _bare(metric.expression)
        try:
            rows = self._db.execute(query).fetchmany(2)
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

    def _by_bits(self, table: str, metric: Metric, manifest: Manifest | None) -> str:
        """Surplus rows of a key that is one column of whole numbers close together: a bit for each
        number, a seventh of the work of grouping and hardly any memory. "" for another key.
        """
        names = _key_columns(metric.expression)
        whole = (
            {quote(c.name): c for c in manifest.columns if c.type == "BIGINT"} if manifest else {}
        )
        if len(names) != 1 or manifest is None or quote(names[0].strip('"')) not in whole:
            return ""
        name = names[0]
        ends = self._db.execute(f"SELECT min({name}), max({name}) FROM {quote(table)}").fetchone()
        if ends is None or ends[0] is None:
            return ""
        least, most = ends
        if most - least >= min(BITS_MAX, BITS_PER_ROW * manifest.rows):
            return ""
        bits = f"bitstring_agg({name}, CAST({least} AS BIGINT), CAST({most} AS BIGINT))"
        return f"SELECT count({name}) - bit_count({bits}) FROM {quote(table)}"

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


# Parts


def _straight(
    db: duckdb.DuckDBPyConnection,
    relation: str,
    headings: Sequence[str],
    columns: Sequence[RawColumn],
    target: Path,
) -> int:
    """Columns of text as they are read, into a file; how many rows. What is empty is NULL."""
    at = {heading: f"h{n}" for n, heading in enumerate(headings)}
    listed = ", ".join(
        f"nullif({at[c.source_name.strip()]}, '') AS {quote(c.name)}" for c in columns
    )
    return one(
        db,
        f"COPY (SELECT {listed} FROM {relation}) "
        f"TO {literal(target.as_posix())} {_parquet(len(columns))}",
    )


def _keep_part(
    db: duckdb.DuckDBPyConnection,
    columns: Sequence[RawColumn],
    read: int,
    node: str,
    name: str,
    target: Path,
    copied: int | None = None,
) -> Part:
    """What `staging` and `rejected` hold, as files; `copied` rows are in `target` already."""
    listed = ", ".join(f"v{n} AS {quote(column.name)}" for n, column in enumerate(columns))
    bad = target.with_name(_beside(target.name))
    if copied is None:
        db.execute(
            f"COPY (SELECT {listed} FROM staging WHERE reasons IS NULL) "
            f"TO {literal(target.as_posix())} {_parquet(len(columns))}"
        )
        copied = one(db, "SELECT count(*) FROM staging WHERE reasons IS NULL")
    rows = copied
    rejected = one(db, "SELECT count(*) FROM rejected")
    if rows + rejected != read:
        raise AssertionError(f"{name}: {read} rows read, {rows} kept and {rejected} rejected")
    if not rejected:
        return Part(describe(target, rows), (node,), (name,))
    db.execute(
        "COPY (SELECT input, record, line, reasons, row FROM rejected "
        "ORDER BY input, record, line, row) "
        f"TO {literal(bad.as_posix())} {_parquet(5)}"
    )
    counted = db.execute(
        "SELECT split_part(reason, ':', 1) AS name, count(*) FROM "
        "(SELECT unnest(reasons) AS reason FROM rejected) GROUP BY name ORDER BY name"
    ).fetchall()
    known = {column.name for column in columns}
    by_column = {name: count for name, count in counted if name in known}
    rejects = describe(bad, rejected)
    return Part(describe(target, rows), (node,), (name,), 1, rejects, by_column)


def _set_aside(
    db: duckdb.DuckDBPyConnection,
    columns: Sequence[RawColumn],
    error: SanhuaError,
    node: str,
    name: str,
    target: Path,
) -> Part:
    """A file that gave nothing: no rows, and one reject that says why."""
    make_staging(db, columns)
    found = error.diagnostic
    db.execute(
        "INSERT INTO rejected VALUES (?, NULL, ?, [?], NULL)", [name, found.line or 1, str(error)]
    )
    return _keep_part(db, columns, 1, node, name, target)


def _merged(db: duckdb.DuckDBPyConnection, parts: list[Part], folder: Path) -> list[Part]:
    """The parts with every run of MERGED_PARTS that hold equally many raw files, few rows each,
    made one: what comes every five minutes leaves some dozens of parts, not thousands.
    """
    n = 0
    while n + MERGED_PARTS <= len(parts):
        run = parts[n : n + MERGED_PARTS]
        small = all(part.file.rows < ROW_GROUP_ROWS for part in run)
        # Raw files and parts merged before are of two kinds: made now, a part waits for the next.
        if small and len({(part.files, bool(part.names)) for part in run}) == 1:
            parts[n : n + MERGED_PARTS] = [_one_of(db, run, folder)]
            n = max(0, n - MERGED_PARTS + 1)
        else:
            n += 1
    return parts


def _one_of(db: duckdb.DuckDBPyConnection, run: Sequence[Part], folder: Path) -> Part:
    name = run[0].file.path
    by_column: dict[str, int] = {}
    for part in run:
        for column, count in part.rejected_by_column.items():
            by_column[column] = by_column.get(column, 0) + count
    file = _concatenated(db, [part.file for part in run], folder, name)
    bad = [part.rejects for part in run if part.rejects]
    rejects = _concatenated(db, bad, folder, _beside(name)) if bad else None
    inputs = tuple(node for part in run for node in part.inputs)
    names = tuple(name for part in run for name in part.names)
    return Part(file, inputs, names, sum(part.files for part in run), rejects, by_column)


def _numbered(part: Part, n: int, folder: Path) -> Part:
    """The part under the name of its place; never a later one's, as places only move down."""

    def called(file: LakeFile, name: str) -> LakeFile:
        if file.path != name:
            (folder / file.path).rename(folder / name)
        return replace(file, path=name)

    name = f"part-{n}.parquet"
    rejects = part.rejects and called(part.rejects, _beside(name))
    return replace(part, file=called(part.file, name), rejects=rejects)


def _beside(name: str) -> str:
    """The name of a part's rejects."""
    return name.replace("part-", "rejects-")


def _concatenated(
    db: duckdb.DuckDBPyConnection, files: Sequence[LakeFile], folder: Path, name: str
) -> LakeFile:
    """Files of equal columns as one, in order; the files are gone."""
    paths = [folder / file.path for file in files]
    whole = folder / f"whole-{name}"
    listed = ", ".join(literal(path.resolve().as_posix()) for path in paths)
    with _translated("engine.cannot-run", table=name):
        columns = len(db.execute(f"DESCRIBE FROM read_parquet([{listed}])").fetchall())
        db.execute(
            f"COPY (SELECT * FROM read_parquet([{listed}])) "
            f"TO {literal(whole.resolve().as_posix())} {_parquet(columns)}"
        )
    for path in paths:
        path.unlink()
    whole.rename(folder / name)
    return describe(folder / name, sum(file.rows for file in files))


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


# Names, values, errors


def compile_regex(pattern: str) -> None:
    """Invalid engine.bad-pattern when DuckDB (RE2) does not take a regular expression."""
    with _translated("engine.bad-pattern", pattern=pattern), duckdb.connect() as db:
        db.execute("SELECT regexp_matches('', ?)", [pattern])


def _bare(sql: str) -> str:
    return sql.strip().rstrip(";")


def _as_value(division: Division) -> str:
    """The value of a row as text; NULL of a row that has none, for the query may leave it out."""
    return f"TRY(CAST({division.expression} AS VARCHAR))"


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


_OF_DATA = (  # errors whose text quotes the value that caused them
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.ConstraintException,
    duckdb.TypeMismatchException,
)
_VALUES = re.compile(r"'.*'|\".*\"|(?<![A-Za-z0-9])[+-]?\.?[0-9][0-9.:eE+-]*")


def _reason(error: duckdb.Error, *, running: bool = False) -> str:
    """What the engine says, in a line. Of SQL `running` over data no value is told: reasons are
    kept in records, where none may stand, and answered to callers who may not see the column.
    """
    first = str(error).split("\n\n")[0].replace("\n", " ")
    told = re.sub(r"^[A-Za-z ]+ Error: ", "", first)
    return _short(_VALUES.sub("…", told) if running and isinstance(error, _OF_DATA) else told)


def _diagnostic(code: str, error: duckdb.Error, **facts: Any) -> Diagnostic:
    reason = _reason(error, running=code == _RUNNING)
    return Diagnostic(Severity.ERROR, code, facts={"reason": reason, **facts})


_RUNNING = "engine.cannot-run"


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
        reason = _reason(error, running=code == _RUNNING)
        raise outside or Invalid(code, reason=reason, **facts) from error
