"""Raw rows typed by the contract: what fits goes to `staging`, what does not to `rejected`.

All SQL here is made here and runs on a connection of its own that reads one raw file at a time.
A value that does not fit its type exactly rejects its row with column, value and wanted type; a
line that has no such shape at all (too few fields, an open quote) is kept as it stood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb

from sanhua.engine.read import (
    LINE_BYTES_MAX,
    CsvFile,
    Held,
    ParquetFile,
    Raw,
    Tell,
    headings_of,
)
from sanhua.engine.read.archive import is_bomb
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import RawColumn
from sanhua.sql.dates import strptime_of

PARQUET_VALUES_FROM = 64 << 20  # more values than this
PARQUET_VALUES_A_BYTE_MAX = 250  # may not come out of a file at more than so many a byte
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_BLANK = " \t\r\n\u00a0\u3000\ufeff"


def relation_of(
    db: duckdb.DuckDBPyConnection, raw: Raw, name: str, tell: Tell
) -> tuple[str, tuple[str, ...], frozenset[int]]:
    """A relation of text columns `h0 …` in file order, their headings, and the numbers of those
    that have a column `f0 …` beside them: why the text there is no value.
    """
    if isinstance(raw, CsvFile):
        quoted = literal(raw.quote)
        options = {
            "auto_detect": "false",
            "header": "false",
            "skip": raw.skip,
            "delim": literal(raw.delimiter),
            "quote": quoted,
            "escape": quoted,
            "columns": "{" + ", ".join(f"h{n}: 'VARCHAR'" for n in range(len(raw.headings))) + "}",
            "null_padding": "false",
            "allow_quoted_nulls": "false",
            "strict_mode": "true",
            "store_rejects": "true",
            "rejects_limit": 0,
            "max_line_size": LINE_BYTES_MAX,
            "buffer_size": LINE_BYTES_MAX * 2,
            "encoding": "'utf-8'",
        }
        if raw.rejects:
            options["new_line"] = r"'\n'"  # the even copy's, whatever stands in its quotes
        listed = ", ".join(f"{key} = {value}" for key, value in options.items())
        there = " OR ".join(f"h{n} IS NOT NULL" for n in range(len(raw.headings)))
        relation = f"(FROM read_csv({literal(raw.path.as_posix())}, {listed}) WHERE {there})"
        return relation, raw.headings, frozenset()
    if isinstance(raw, ParquetFile):
        path = f"read_parquet({literal(raw.path.as_posix())})"
        found = db.execute(f"DESCRIBE SELECT * FROM {path}").fetchall()
        names = [row[0] for row in found]
        more = [pair for pair in raw.partition if pair[0] not in names]
        headings = headings_of([*names, *(column for column, _ in more)], name, tell)
        _no_bomb(db, raw.path, len(found), name)
        texts = [_as_text(*row[:2]) for row in found]
        texts += ["NULL" if v in ("", _HIVE_NULL) else literal(v) for _, v in more]
        listed = ", ".join(f"{text} AS h{n}" for n, text in enumerate(texts))
        return f"(SELECT {listed} FROM {path})", headings, frozenset()
    renamed = [
        f"{letter}{n} AS {letter}{at}"
        for at, n in enumerate(raw.columns)
        for letter in ("h", "f")
        if letter == "h" or n in raw.flawed
    ]
    flawed = frozenset(at for at, n in enumerate(raw.columns) if n in raw.flawed)
    listed = ", ".join(["record", "line", *renamed])
    return f"(SELECT {listed} FROM {_parquet(raw.parts)})", raw.headings, flawed


def _no_bomb(db: duckdb.DuckDBPyConnection, path: Path, columns: int, name: str) -> None:
    """Invalid collect.unpacks-too-large when a Parquet file says that it holds far more than its
    size can, in values or in one chunk of a column, which is unpacked in memory.
    """
    file, packed = literal(path.as_posix()), path.stat().st_size
    values = columns * one(db, f"SELECT num_rows FROM parquet_file_metadata({file})")
    chunk = one(
        db, f"SELECT coalesce(max(total_uncompressed_size), 0) FROM parquet_metadata({file})"
    )
    if is_bomb(chunk, packed) or (
        values > PARQUET_VALUES_FROM and values > packed * PARQUET_VALUES_A_BYTE_MAX
    ):
        raise Invalid("collect.unpacks-too-large", file=name, bytes=max(values, chunk))


def _as_text(name: str, type: str) -> str:
    """A column as text; what is nested as JSON."""
    nested = type.endswith("]") or type.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))
    text = f"to_json({quote(name)})" if nested else quote(name)
    return f"CAST({text} AS VARCHAR)"


def untyped(headings: Sequence[str], name: str) -> list[RawColumn]:
    """All columns as text; Invalid collect.duplicate-heading when two differ by case only, which
    SQL cannot tell apart.
    """
    folded = [heading.casefold() for heading in headings]
    for n, heading in enumerate(folded):
        if (first := folded.index(heading)) < n:
            columns = f"{first + 1}, {n + 1}"
            raise Invalid(
                "collect.duplicate-heading", file=name, heading=headings[n], columns=columns
            )
    return [RawColumn(heading, "VARCHAR") for heading in headings]


def must_have(columns: Sequence[RawColumn], headings: Sequence[str], name: str) -> None:
    for column in columns:
        if column.source_name.strip() not in headings:
            near = get_close_matches(column.source_name, headings, 1)
            raise Invalid(
                "collect.missing-heading",
                file=name,
                heading=column.source_name,
                field=column.name,
                nearest=near[0] if near else "–",
                found=", ".join(headings[:20]),
            )


def make_staging(db: duckdb.DuckDBPyConnection, columns: Sequence[RawColumn]) -> None:
    """`staging` keeps rows in file order (by rowid): values v0 …; of a misfit why, and its row."""
    listed = ", ".join(f"v{n} {column.type}" for n, column in enumerate(columns))
    db.execute(
        "CREATE OR REPLACE TABLE staging "
        f"(record BIGINT, line BIGINT, reasons VARCHAR[], raw VARCHAR, {listed})"
    )
    db.execute(
        "CREATE OR REPLACE TABLE rejected "
        "(input VARCHAR, record BIGINT, line BIGINT, reasons VARCHAR[], row VARCHAR)"
    )


def stage(
    db: duckdb.DuckDBPyConnection,
    relation: str,
    headings: Sequence[str],
    flawed: frozenset[int],
    columns: Sequence[RawColumn],
    name: str,
    *,
    numbered: bool = False,
) -> int:
    """Type every row of one file into `staging`, the misfits into `rejected`; how many rows were
    read. Why a row does not fit, and the row as JSON, are made of misfits only. `numbered`: the
    relation says `record` and `line` of each row.
    """
    at = {heading: f"h{n}" for n, heading in enumerate(headings)}
    last = one(db, "SELECT coalesce(max(rowid), -1) FROM staging")
    pairs = [(at[column.source_name.strip()], column) for column in columns]
    values = ", ".join(f"{_typed(h, c)} AS v{n}" for n, (h, c) in enumerate(pairs))
    misfits: list[tuple[str, str]] = []  # a test and, where it is true, the reason
    for n, (h, column) in enumerate(pairs):
        flaw = f"f{h[1:]}" if int(h[1:]) in flawed else ""
        if flaw:
            misfits.append((f"{flaw} IS NOT NULL", _why(column, h, flaw)))
        if _may_misfit(column):
            wanted = f"{column.type} ({column.format})" if column.format else column.type
            test = f"{flaw} IS NULL AND {_misfit(f'v{n}', h)}" if flaw else _misfit(f"v{n}", h)
            misfits.append((test, _why(column, h, literal(f"is not {wanted}"))))
    misfit = " OR ".join(f"({test})" for test, _ in misfits) or "FALSE"
    if misfits and not flawed:  # most rows have all their values: one look at each is enough
        missing = " OR ".join(f"v{n} IS NULL" for n, (_, c) in enumerate(pairs) if _may_misfit(c))
        misfit = f"CASE WHEN {missing} THEN {misfit} ELSE FALSE END"
    reasons = ", ".join(f"CASE WHEN {test} THEN {why} END" for test, why in misfits)
    whole = ", ".join(f"{literal(heading)}, nullif({column}, '')" for heading, column in at.items())
    listed = ", ".join(f"v{n}" for n in range(len(columns)))
    db.execute(
        f"INSERT INTO staging SELECT {'record, line' if numbered else 'NULL, NULL'}, "
        f"CASE WHEN misfit THEN list_filter([{reasons}]::VARCHAR[], lambda x: x IS NOT NULL) END, "
        f"CASE WHEN misfit THEN json_object({whole})::VARCHAR END, {listed} "
        f"FROM (SELECT *, {misfit} AS misfit FROM (SELECT *, {values} FROM {relation}))"
    )
    first = one(db, f"SELECT coalesce(min(rowid), 0) FROM staging WHERE rowid > {last}")
    rows = one(db, f"SELECT count(*) FROM staging WHERE rowid > {last}")
    db.execute(
        "INSERT INTO rejected SELECT ?, coalesce(record, rowid - ? + 1), line, reasons, raw "
        "FROM staging "
        "WHERE reasons IS NOT NULL AND rowid > ?",
        [name, first, last],
    )
    return rows


def unstage(db: duckdb.DuckDBPyConnection, name: str, rows: int) -> None:
    """Take back the last `rows` rows staged, which were of `name`."""
    db.execute("DELETE FROM staging WHERE rowid > (SELECT max(rowid) FROM staging) - ?", [rows])
    db.execute("DELETE FROM rejected WHERE input = ?", [name])


def misread(db: duckdb.DuckDBPyConnection, raw: Raw) -> Any:
    """How to read a CSV again line by line when rows of it were of no such shape; else None."""
    if not isinstance(raw, CsvFile) or raw.form is None:
        return None
    if not one(db, "SELECT count(*) FROM reject_errors"):
        return None
    _clear(db)
    return raw.form


def ragged(db: duckdb.DuckDBPyConnection, raw: Raw, name: str) -> int:
    """Rows of no such shape at all, as they were set aside: each once, with its whole line."""
    if isinstance(raw, Held) and raw.misfits:
        kept = _parquet(raw.misfits)
        db.execute(
            f"INSERT INTO rejected SELECT ?, record, line, [reason], row FROM {kept}", [name]
        )
        return one(db, f"SELECT count(*) FROM {kept}")
    if not isinstance(raw, CsvFile):
        return 0
    count = 0
    if raw.rejects:
        aside = f"read_parquet({literal(raw.rejects.as_posix())})"
        db.execute(
            f"INSERT INTO rejected SELECT ?, NULL, line, [reason], text FROM {aside} ORDER BY line",
            [name],
        )
        count = one(db, f"SELECT count(*) FROM {aside}")
    db.execute(
        "INSERT INTO rejected "
        "SELECT ?, NULL, line + ?, list(DISTINCT reason ORDER BY reason), any_value(csv_line) "
        "FROM (SELECT line, lower(replace(error_type::VARCHAR, '_', ' ')) AS reason, csv_line "
        "FROM reject_errors) GROUP BY line ORDER BY line",
        [name, raw.cut],
    )
    count += one(db, "SELECT count(DISTINCT line) FROM reject_errors")
    _clear(db)
    return count


def _clear(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("DELETE FROM reject_errors")
    db.execute("DELETE FROM reject_scans")


def _may_misfit(column: RawColumn) -> bool:
    return column.type != "VARCHAR"


def _trimmed(column: str) -> str:
    return f"nullif(trim({column}, {literal(_BLANK)}), '')"


def _misfit(value: str, given: str) -> str:
    """Whether a text that is there gave no value; the slow part is asked of few rows."""
    doubtful = f"{value} IS NULL AND {given} IS NOT NULL"
    return f"CASE WHEN {doubtful} THEN {_trimmed(given)} IS NOT NULL ELSE FALSE END"


def _why(column: RawColumn, given: str, reason: str) -> str:
    """`kwh: 'abc' is not DECIMAL(12,2)`, the value cut short; `reason` is SQL."""
    before, after = literal(f"{column.name}: '"), literal("' ")
    return f"{before} || left({given}, 60) || {after} || {reason}"


def _typed(column: str, wanted: RawColumn) -> str:
    """The value of a text column in its type; NULL when it does not fit exactly."""
    text = _trimmed(column)
    if wanted.type == "VARCHAR":
        return f"nullif({column}, '')"
    if wanted.type == "BIGINT":
        return _exact(column, wanted.type, _if_shaped(text, r"[+-]?[0-9]+(\.0+)?", "BIGINT"))
    if decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", wanted.type):
        scale = int(decimal[2])  # more decimals only if they are zeros: nothing is rounded away
        shape = rf"[+-]?([0-9]+(\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{1,{max(scale, 1)}}}0*)"
        return _exact(column, wanted.type, _if_shaped(text, shape, wanted.type))
    if wanted.type == "DOUBLE":
        shape = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
        cast = _if_shaped(text, shape, "DOUBLE")
        return f"CASE WHEN isfinite({cast}) THEN {cast} END"
    if wanted.type == "BOOLEAN":
        yes, no = (", ".join(map(literal, words)) for words in (_YES, _NO))
        said = f"lower({text})"
        return f"CASE WHEN {said} IN ({yes}) THEN TRUE WHEN {said} IN ({no}) THEN FALSE END"
    if wanted.type in ("DATE", "TIMESTAMP", "TIME"):
        told = f"CASE WHEN lower({text}) NOT IN ('infinity', '-infinity', 'epoch') THEN {text} END"
        if wanted.format:
            pattern = literal(strptime_of(wanted.format))
            return f"CAST(try_strptime({told}, {pattern}) AS {wanted.type})"
        if wanted.type == "DATE":
            days = f"CAST(try_strptime({told}, ['%Y-%m-%d', '%Y/%m/%d', '%Y%m%d']) AS DATE)"
            return _exact(column, wanted.type, days)
        # No zone is dropped and nothing finer than a microsecond: what has either does not fit.
        day = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
        clock = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
        shape = clock if wanted.type == "TIME" else f"{day}([ T]{clock})?"
        return _exact(column, wanted.type, _if_shaped(told, shape, wanted.type))
    raise Invalid("collect.unknown-type", type=wanted.type, field=wanted.name)


def _exact(column: str, type: str, otherwise: str) -> str:
    """Text that reads the same when written back needs no closer look; most does. (`infinity`,
    which engines take for a date, is none.)
    """
    cast = f"TRY_CAST({column} AS {type})"
    same = f"CAST({cast} AS VARCHAR) = {column}"
    if type in ("DATE", "TIMESTAMP"):
        same += f" AND isfinite({cast})"
    return f"CASE WHEN {same} THEN {cast} ELSE {otherwise} END"


def _if_shaped(text: str, shape: str, type: str) -> str:
    shaped = f"regexp_full_match({text}, {literal(shape)})"
    return f"CASE WHEN {shaped} THEN TRY_CAST({text} AS {type}) END"


_YES = ("true", "t", "1", "yes", "y", "是")
_NO = ("false", "f", "0", "no", "n", "否")


# Names and values as SQL text


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _parquet(parts: Iterable[Path]) -> str:
    paths = ", ".join(literal(part.as_posix()) for part in parts)
    return f"read_parquet([{paths}], union_by_name = true)"


def one(db: duckdb.DuckDBPyConnection, sql: str) -> int:
    rows = db.execute(sql).fetchall()  # to its end: an open result bars what comes next
    return int(rows[0][0]) if rows else 0
