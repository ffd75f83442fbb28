"""Keyed files: what one contract may see of one snapshot, for lookups by key.

A file is SQLite, `WITHOUT ROWID`, opened immutable and mapped: a row is its key columns as text and
the contracted fields as one finished JSON object, so decimals keep their digits and a lookup copies
bytes. Fields, row filter and masks are applied by DuckDB while the file is written; what is not
sold is not in it.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import duckdb

from sanhua.engine.staging import literal, quote
from sanhua.kernel.errors import Broken, Invalid, Unavailable
from sanhua.kernel.table import Column, Sold
from sanhua.sql import parse_expression

BATCH_ROWS = 20_000
MMAP_BYTES = 1 << 34  # at most; a smaller file is mapped whole
FORMAT = "sanhua-keyed/1"


def select_of(sold: Sold, columns: Sequence[Column]) -> tuple[str, tuple[Column, ...]]:
    """The SELECT of the key texts and the JSON object, and the columns as a reader sees them.

    Columns are named one by one, masks are part of their expressions, text from people is only the
    predicate, which is parsed again here.
    """
    types = {column.name: column.type for column in columns}
    masks = sold.mask
    shown: list[Column] = []
    values: dict[str, str] = {}
    for name in sold.fields:
        if name not in types:
            raise Invalid("engine.no-such-column", table=sold.table, field=name)
        values[name], kind = _masked(name, types[name], masks.get(name, ""), sold.salt)
        shown.append(Column(name, kind))
    pieces = [
        f"{literal((',' if at else '') + json.dumps(column.name, ensure_ascii=False) + ':')} || "
        f"{_json(values[column.name], column.type)}"
        for at, column in enumerate(shown)
    ]
    body = " || ".join(["'{'", *pieces, "'}'"])
    keys = [f"coalesce(CAST({values[name]} AS VARCHAR), '')" for name in sold.key]
    where = ""
    if sold.rows:
        predicate = parse_expression(sold.rows).sql(dialect="duckdb")
        where = f" WHERE ({predicate})"
    listed = ", ".join([*keys, body])
    order = ", ".join(str(at + 1) for at in range(len(keys) + 1))
    return f"SELECT {listed} FROM {quote(sold.table)}{where} ORDER BY {order}", tuple(shown)


def _masked(name: str, kind: str, mask: str, salt: str) -> tuple[str, str]:
    """The expression and type of a field under its mask."""
    column = quote(name)
    word, _, number = mask.partition(" ")
    text = f"CAST({column} AS VARCHAR)"
    if not mask:
        return column, kind
    if word == "token":  # a keyed hash, twice so that no suffix can be added
        inner = f"sha256({literal(salt)} || {text})"
        return f"left(sha256({literal(salt)} || {inner}), 32)", "VARCHAR"
    if word == "null":
        return f"CAST(NULL AS {kind})", kind
    if word in ("year", "month"):
        return f"left({text}, {4 if word == 'year' else 7})", "VARCHAR"
    if word == "round":
        return f"round({column}, {int(number)})", kind
    if word == "first":
        return f"left({text}, {int(number)})", "VARCHAR"
    raise Invalid("engine.unknown-mask", field=name, mask=mask)


_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|BOOLEAN)$")


def _json(expression: str, kind: str) -> str:
    """The JSON text of a value; a number that JSON cannot hold is null."""
    if _NUMBER.match(kind):
        text = f"CAST({expression} AS VARCHAR)"
    elif kind in ("DOUBLE", "FLOAT"):
        text = f"CASE WHEN isfinite({expression}) THEN CAST({expression} AS VARCHAR) END"
    else:
        text = f"CAST(to_json(CAST({expression} AS VARCHAR)) AS VARCHAR)"
    return f"coalesce({text}, 'null')"


def write(db: duckdb.DuckDBPyConnection, sold: Sold, columns: Sequence[Column], path: Path) -> int:
    """Write the file whole or not at all; how many rows it holds."""
    query, shown = select_of(sold, columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        file = sqlite3.connect(part, isolation_level=None)
        try:
            rows = _fill(file, db, query, sold, shown)
        finally:
            file.close()
        part.replace(path)
    except sqlite3.OperationalError as error:
        raise Unavailable("engine.keyed-not-written", file=path.name, reason=str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    return rows


def _fill(
    file: sqlite3.Connection,
    db: duckdb.DuckDBPyConnection,
    query: str,
    sold: Sold,
    shown: Sequence[Column],
) -> int:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "page_size = 8192"):
        file.execute(f"PRAGMA {pragma}")
    keys = [f"k{at}" for at in range(len(sold.key))]
    file.execute(
        f"CREATE TABLE row ({', '.join(f'{key} TEXT NOT NULL' for key in keys)}, "
        f"n INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY ({', '.join([*keys, 'n'])})) "
        "WITHOUT ROWID"
    )
    file.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
    marks = ", ".join("?" for _ in range(len(keys) + 2))
    width, rows, n, last = len(keys), 0, 0, None
    found = db.execute(query)
    file.execute("BEGIN")
    while batch := found.fetchmany(BATCH_ROWS):
        made = []
        for row in batch:
            n = n + 1 if row[:width] == last else 0  # several rows of one key, in their order
            last = row[:width]
            made.append((*last, n, row[width]))
        file.executemany(f"INSERT INTO row VALUES ({marks})", made)
        rows += len(batch)
    about = {
        "format": FORMAT,
        "key": list(sold.key),
        "columns": [[column.name, column.type] for column in shown],
        "rows": rows,
    }
    file.execute("INSERT INTO meta VALUES ('about', ?)", [json.dumps(about, ensure_ascii=False)])
    file.execute("COMMIT")
    return rows


class KeyedFile:
    """One file, read only. `key` and `columns` are the file's own; lookups give JSON objects."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=64,
            )
            self._db.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
            row = self._db.execute("SELECT value FROM meta WHERE name = 'about'").fetchone()
            about = json.loads(row[0])
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise Broken("engine.keyed-unreadable", file=path.name, reason=str(error)) from error
        self.key: tuple[str, ...] = tuple(about["key"])
        self.columns = tuple(Column(name, kind) for name, kind in about["columns"])
        self.rows: int = about["rows"]
        whole = " AND ".join(f"k{at} = ?" for at in range(len(self.key)))
        self._one = f"SELECT body FROM row WHERE {whole} ORDER BY n"
        self._cursor = self._db.cursor()

    def close(self) -> None:
        self._db.close()

    def rows_at(self, key: Sequence[str]) -> list[str]:
        """The rows of a whole key as JSON texts, mostly one."""
        return [row[0] for row in self._cursor.execute(self._one, key).fetchall()]

    def page(
        self, prefix: Sequence[str], after: Sequence[str | int], limit: int
    ) -> tuple[list[str], tuple[str | int, ...]]:
        """Up to `limit` rows whose first key columns are `prefix`, from behind the position `after`
        (empty: from the start), and the position of the last one (empty when there is no more).
        """
        names = [*(f"k{at}" for at in range(len(self.key))), "n"]
        where = [f"k{at} = ?" for at in range(len(prefix))]
        values: list[str | int] = list(prefix)
        if after:
            where.append(f"({', '.join(names)}) > ({', '.join('?' for _ in names)})")
            values += after
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        listed = ", ".join(names)
        found = self._db.execute(
            f"SELECT {listed}, body FROM row{condition} ORDER BY {listed} LIMIT ?",
            [*values, limit + 1],
        ).fetchall()
        more = len(found) > limit
        return [row[-1] for row in found[:limit]], tuple(found[limit - 1][:-1]) if more else ()
