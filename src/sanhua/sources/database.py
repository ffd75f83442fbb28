"""Read a database: a table or one SELECT, whole or from a cursor on, in a read-only transaction, as
Parquet files of text.

Every value is written as the database says it: decimals with all their digits, moments with what
they carry, bytes in hex.

What is guaranteed with a cursor: a row (all its columns together) whose cursor lies at most
`overlap` below the greatest one seen when it is committed comes exactly as often as the query gives
it. It is told from what came before by its content, so rows of equal cursor, late commits and
repeats lose and double nothing. A changed row comes as a further row when its cursor moved; one
that changed without it, was committed later than `overlap`, or was deleted is not seen.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy import exc

from sanhua.kernel.errors import Diagnostic, Invalid, Severity, Unavailable
from sanhua.resource.collect import Database
from sanhua.sources.landing import Landing, keep_file

PART_ROWS = 500_000  # rows of one file
BATCH_ROWS = 5_000  # rows in memory
CONNECT_WAIT_S = 10
_HASH_BYTES = 16
_TOO_SLOW = re.compile(
    r"statement timeout|interrupted|execution was interrupted|read operation timed out"
)
_HASH_MODULUS = 1 << 128


@dataclass(frozen=True, slots=True)
class Driver:
    """A database that SQLAlchemy reaches: by which URL, module and extra. `tested`: this project's
    tests run against a real one.
    """

    database: str
    url: str
    module: str
    install: str
    tested: bool
    dialect: str = ""  # a module that teaches SQLAlchemy the dialect


_MYSQL = ("pymysql", "pip install 'sanhua[mysql]'")
_PSYCOPG = ("psycopg", "pip install 'sanhua[postgres]'")
_DAMENG = ("dmPython", "pip install 'sanhua[dameng]'", False, "sqlalchemy_dm")
DRIVERS = (
    Driver("SQLite", "sqlite:///FILE", "sqlite3", "–", True),
    Driver("PostgreSQL", "postgresql+psycopg://USER@HOST/DB", *_PSYCOPG, True),
    Driver("MariaDB", "mariadb+pymysql://USER@HOST/DB", *_MYSQL, True),
    Driver("MySQL", "mysql+pymysql://USER@HOST/DB", *_MYSQL, False),
    Driver("Oracle", "oracle+oracledb://USER@HOST/?service_name=S", "oracledb",
           "pip install 'sanhua[oracle]'", False),
    Driver("SQL Server", "mssql+pyodbc://USER@HOST/DB?driver=ODBC+Driver+18+for+SQL+Server",
           "pyodbc", "pip install 'sanhua[mssql]'", False),
    Driver("达梦 Dameng", "dm+dmPython://USER@HOST:5236", *_DAMENG),
    Driver("人大金仓 Kingbase", "postgresql+psycopg://USER@HOST:54321/DB", *_PSYCOPG, False),
    Driver("openGauss", "postgresql+psycopg://USER@HOST:5432/DB", *_PSYCOPG, False),
    Driver("OceanBase (MySQL)", "mysql+pymysql://USER@HOST:2881/DB", *_MYSQL, False),
    Driver("TiDB", "mysql+pymysql://USER@HOST:4000/DB", *_MYSQL, False),
)  # fmt: skip
_DEFAULT = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql",
            "mariadb": "mariadb+pymysql", "oracle": "oracle+oracledb", "mssql": "mssql+pyodbc",
            "dm": "dm+dmPython"}  # fmt: skip


def known_drivers() -> list[dict[str, Any]]:
    """Every database that can be read, whether its driver is here, and whether it was tested."""
    return [
        {
            "database": one.database,
            "url": one.url,
            "driver": one.module,
            "install": one.install,
            "installed": _is_here(one),
            "tested": one.tested,
        }
        for one in DRIVERS
    ]


def _is_here(driver: Driver) -> bool:
    return all(find_spec(m) is not None for m in (driver.module, driver.dialect) if m)


@dataclass(frozen=True, slots=True)
class Part:
    """One landed file of a fetch; `first` and `last` are its bounds in the cursor."""

    name: str
    content: str
    bytes: int
    rows: int
    first: str = ""
    last: str = ""


@dataclass(slots=True)
class Read:
    """What a fetch gave. `digest` tells one content from another whatever the order of its rows."""

    parts: list[Part] = field(default_factory=list[Part])
    rows: int = 0
    seen: int = 0  # rows that had come before
    digest: str = ""
    cursor: str = ""
    cursor_type: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the last fetch came to (empty: ask from the beginning), and the landed files that may
    hold rows behind that point.
    """

    value: str
    type: str
    landed: tuple[tuple[Path, str], ...] = ()  # file and its greatest cursor


def read(
    form: Database,
    source: str,
    stamp: str,
    landing: Landing,
    before: Cursor | None,
    tell: Callable[[Diagnostic], None],
) -> Read:
    """Land what the source's database holds (with `before`: what is new since then); `stamp` names
    the files. Nothing is landed when it fails.

    Unavailable database.unreachable, database.timeout, database.failed; Invalid
    database.no-driver, database.no-such-column, database.too-many-rows, database.cursor-type.
    """
    until = time.monotonic() + form.timeout_s
    with connected(form) as connection:
        query, bound = _query(form, connection, before)
        _count_undated(form, connection, query, tell)
        known = _seen(before, bound) if before is not None else Counter[bytes]()
        picked = query if bound is None else query.where(sa.column(form.cursor) >= bound)
        if form.cursor:
            picked = picked.order_by(sa.column(form.cursor))
        with closing(connection.execution_options(yield_per=BATCH_ROWS).execute(picked)) as rows:
            return _landed(form, rows, source, stamp, landing, before, known, until)


# Connecting


def parsed(written: str) -> sa.URL:
    """The parts of an address; Invalid database.bad-url, which quotes nothing of it: where a port
    is looked for may stand half a password.
    """
    try:
        return sa.make_url(written)
    except (exc.ArgumentError, ValueError):
        raise Invalid("database.bad-url") from None


def _url(form: Database) -> sa.URL:
    url = parsed(form.url)
    name = url.drivername
    if name in _DEFAULT:
        url = url.set(drivername=_DEFAULT[name])
    base, _, module = url.drivername.partition("+")
    driver = next(
        (d for d in DRIVERS if d.url.startswith((f"{base}+", f"{base}:")) and d.module), None
    )
    if driver is None:
        known = ", ".join(sorted({d.url.partition(":")[0] for d in DRIVERS}))
        raise Invalid("database.unknown", name=url.drivername, known=known)
    if not _is_here(driver) and find_spec(module or driver.module) is None:
        raise Invalid("database.no-driver", database=driver.database, install=driver.install)
    if base == "sqlite":
        if not url.database or not Path(url.database).is_file():
            raise Unavailable("database.unreachable", reason=f"no file {url.database or '–'}")
    return url


@contextmanager
def connected(form: Database) -> Iterator[sa.Connection]:
    """A connection on which nothing can be written, in one transaction; what fails while it is used
    is told without the password.
    """
    url = _url(form)
    with _errors(url, form.timeout_s), _connected(url, form) as connection:
        yield connection


@contextmanager
def _connected(url: sa.URL, form: Database) -> Iterator[sa.Connection]:
    """One connection in one read-only transaction that sees one state, as far as the database
    offers it.
    """
    kind = url.get_backend_name()
    options: dict[str, Any] = {
        "postgresql": {"connect_timeout": CONNECT_WAIT_S},
        "mysql": {"connect_timeout": CONNECT_WAIT_S, "read_timeout": form.timeout_s + 30},
        "sqlite": {"timeout": CONNECT_WAIT_S},
        "oracle": {"tcp_connect_timeout": CONNECT_WAIT_S},
        "mssql": {"timeout": CONNECT_WAIT_S},
    }.get("mysql" if kind == "mariadb" else kind, {})
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=options)
    try:
        try:
            connecting = engine.connect()
        except TypeError:  # how some drivers refuse a parameter of the address
            raise Invalid("database.bad-url") from None
        with connecting as connection:
            if kind == "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                connection.exec_driver_sql("SET TIME ZONE 'UTC'")
                connection.exec_driver_sql(f"SET statement_timeout = {form.timeout_s * 1000:d}")
                _as_text(connection)
            elif kind == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
                _stop_after(connection, form.timeout_s)
            elif kind in ("mysql", "mariadb"):
                connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
                connection.exec_driver_sql(
                    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
                slow = form.timeout_s * (
                    1 if getattr(connection.dialect, "is_mariadb", False) else 1000
                )
                name = "max_statement_time" if slow == form.timeout_s else "max_execution_time"
                connection.exec_driver_sql(f"SET SESSION {name} = {slow:d}")
                connection.rollback()
            elif kind in ("oracle", "dm"):
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def _as_text(connection: sa.Connection) -> None:
    """JSON as it stands, not parsed and written anew."""
    raw = connection.connection.driver_connection
    adapters = getattr(raw, "adapters", None)
    if adapters is not None:
        from psycopg.types.string import TextLoader

        for name in ("json", "jsonb"):
            adapters.register_loader(name, TextLoader)


def _stop_after(connection: sa.Connection, seconds: int) -> None:
    raw = connection.connection.driver_connection
    until = time.monotonic() + seconds
    if raw is not None:
        raw.set_progress_handler(lambda: time.monotonic() > until, 100_000)


@contextmanager
def _errors(url: sa.URL, seconds: int) -> Iterator[None]:
    """What the driver says, without the password."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()
        told = (reason or [type(error).__name__])[0][:300]
        if url.password:
            told = told.replace(str(url.password), "***")
        if _TOO_SLOW.search(told):
            raise Unavailable("database.timeout", seconds=seconds) from None
        if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError):
            raise Unavailable("database.unreachable", reason=told) from None
        if isinstance(error, exc.NoSuchTableError):
            raise Invalid("database.no-such-table", table=str(error)) from None
        raise Unavailable("database.failed", reason=told) from None


# Asking


def _query(
    form: Database, connection: sa.Connection, before: Cursor | None
) -> tuple[sa.Select[Any], Any]:
    """The query as a subquery, and the cursor from which on it is asked (None: everything)."""
    columns: list[sa.ColumnClause[Any]] = []
    if form.query:
        plain = form.query.strip().rstrip(";")
        text = sa.text(re.sub(r":(?=\w)", r"\\:", plain) + "\n")  # a colon is no parameter
        inner = text.columns(*([sa.column(form.cursor)] if form.cursor else [sa.column("x")]))
        chosen = sa.select(sa.text("q.*")).select_from(inner.subquery("q"))
    else:
        schema, _, name = form.table.rpartition(".")
        known = [c["name"] for c in sa.inspect(connection).get_columns(name, schema or None)]
        if form.cursor and form.cursor not in known:
            raise Invalid(
                "database.no-such-column",
                field=form.cursor,
                table=form.table,
                known=", ".join(known[:20]),
            )
        columns = [sa.column(name) for name in known]
        chosen = sa.select(*columns).select_from(sa.table(name, schema=schema or None))
    if not form.cursor or before is None or not before.value:
        return chosen, None
    return chosen, _back(form, before)


def _count_undated(
    form: Database,
    connection: sa.Connection,
    query: sa.Select[Any],
    tell: Callable[[Diagnostic], None],
) -> None:
    """Rows without a cursor never come: say how many there are."""
    if not form.cursor:
        return
    undated = query.where(sa.column(form.cursor).is_(None)).subquery("undated")
    count = connection.execute(sa.select(sa.func.count()).select_from(undated)).scalar_one()
    if count:
        facts = {"field": form.cursor, "count": int(count)}
        tell(Diagnostic(Severity.WARNING, "database.no-cursor-value", facts=facts))


_PARSE: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "str": str,
}


def _back(form: Database, before: Cursor) -> Any:
    """The last cursor less the overlap, typed as the database gave it."""
    value = _PARSE[before.type](before.value)
    if isinstance(value, datetime):
        return value - form.overlap
    if isinstance(value, date):
        return value - timedelta(days=-(-form.overlap // timedelta(days=1)))
    if isinstance(value, str):
        return _earlier(value, form.overlap)
    return value - form.overlap_count


_MOMENT = re.compile(
    r"(?P<year>\d{4})(?P<s>[-/.]?)(?P<month>\d\d)(?P=s)(?P<day>\d\d)"
    r"(?:(?P<t>[T ]?)(?P<hour>\d\d)(?P<c>:?)(?P<minute>\d\d)"
    r"(?:(?P=c)(?P<second>\d\d)(?P<part>\.\d+)?)?)?(?P<zone> ?(?:Z|[+-]\d\d:?\d\d))?"
)


def _earlier(value: str, by: timedelta) -> str:
    """A moment that is kept as text, earlier in the same form; other text as it is."""
    found = _MOMENT.fullmatch(value)
    if found is None:
        return value
    names = ("year", "month", "day", "hour", "minute", "second")
    try:
        year, month, day, *rest = (int(found[name] or 0) for name in names)
        hour, minute, second = rest
        moment = datetime(year, month, day, hour, minute, second) - by  # noqa: DTZ001
    except (ValueError, OverflowError):
        return value
    s, c = found["s"], found["c"]
    made = f"{moment.year:04}{s}{moment:%m}{s}{moment:%d}"
    if found["hour"]:
        made += f"{found['t']}{moment:%H}{c}{moment:%M}"
    if found["second"]:
        made += f"{c}{moment:%S}{found['part'] or ''}"
    return made + (found["zone"] or "")


def _seen(before: Cursor, bound: Any) -> Counter[bytes]:
    """How often each row of the landed files that reach behind `bound` (None: of all) has come."""
    found: Counter[bytes] = Counter()
    for path, last in before.landed:
        typed = bound is not None and last and before.type != "str"
        if typed and _PARSE[before.type](last) < bound:
            continue
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            names = batch.schema.names
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                found[_hash(names, row)] += 1
    return found


# Landing


def _landed(
    form: Database,
    rows: sa.CursorResult[Any],
    source: str,
    stamp: str,
    landing: Landing,
    before: Cursor | None,
    known: Counter[bytes],
    until: float,
) -> Read:
    names = list(rows.keys())
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise Invalid("database.column-twice", field=twice)
    at = -1
    if form.cursor:
        folded = [name.lower() for name in names]
        if form.cursor.lower() not in folded:
            raise Invalid(
                "database.no-such-column", field=form.cursor, table=form.table or "query",
                known=", ".join(names[:20]),
            )  # fmt: skip
        at = folded.index(form.cursor.lower())
    made = Read(cursor=before.value if before else "", cursor_type=before.type if before else "")
    total = 0
    writer = _Writer(source, stamp, names, landing)
    try:
        for batch in rows.partitions(BATCH_ROWS):
            if time.monotonic() > until:
                raise Unavailable("database.timeout", seconds=form.timeout_s)
            fresh: list[list[str | None]] = []
            first = last = here = ""
            for row in batch:
                if at >= 0 and row[at] is None:
                    continue  # told of above
                values = [_text(value) for value in row]
                hashed = _hash(names, values)
                made.rows += 1
                if made.rows > form.rows_max:
                    raise Invalid("database.too-many-rows", most=form.rows_max)
                if at >= 0:
                    here, kind = _cursor_of(row[at], form.cursor)
                    if before is None or not before.value or not _is_less(here, before):
                        made.cursor, made.cursor_type = here, kind
                if known and known[hashed] > 0:
                    known[hashed] -= 1
                    made.seen += 1
                    continue
                total = (total + int.from_bytes(hashed, "big")) % _HASH_MODULUS
                fresh.append(values)
                if at >= 0:
                    first, last = first or here, here
            writer.write(fresh, first, last)
        if before is None and not made.rows:
            writer.start("")  # a table without rows has columns
        made.parts = writer.close()
    except BaseException:
        writer.drop()
        raise
    body = json.dumps([names, made.rows - made.seen, f"{total:032x}"], ensure_ascii=False)
    made.digest = f"rows:{blake2b(body.encode(), digest_size=16).hexdigest()}"
    return made


def _cursor_of(value: Any, name: str) -> tuple[str, str]:
    for kind in (bool, float, bytes):
        if isinstance(value, kind):
            raise Invalid("database.cursor-type", field=name, type=type(value).__name__)
    if isinstance(value, datetime):
        return value.isoformat(sep=" "), "datetime"
    if isinstance(value, date):
        return value.isoformat(), "date"
    if isinstance(value, int | Decimal):
        return str(value), type(value).__name__
    return str(value), "str"


def _is_less(value: str, before: Cursor) -> bool:
    """Whether a cursor lies before the last one; of texts the database alone knows the order."""
    return before.type != "str" and _PARSE[before.type](value) < _PARSE[before.type](before.value)


class _Writer:
    """Parts of a fetch beside the landed files, kept together when all of them are whole."""

    def __init__(self, source: str, stamp: str, names: Sequence[str], landing: Landing) -> None:
        self._name = f"{source}-{stamp}"
        self._schema = pa.schema([(name, pa.string()) for name in names])
        self._landing = landing
        self._folder = landing.incoming
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._paths: list[tuple[Path, int, str, str]] = []
        self._open: pq.ParquetWriter | None = None
        self._rows, self._first, self._last = 0, "", ""

    def write(self, rows: list[list[str | None]], first: str, last: str) -> None:
        if not rows:
            return
        if self._open is None:
            self.start(first)
        assert self._open is not None
        columns = [pa.array(list(cells), pa.string()) for cells in zip(*rows, strict=True)]
        self._open.write_table(pa.table(columns, schema=self._schema))
        self._rows, self._last = self._rows + len(rows), last
        if self._rows >= PART_ROWS:
            self._finish()

    def start(self, first: str) -> None:
        """Begin the next part."""
        path = self._folder / f".{self._name}-{len(self._paths) + 1:04d}.parquet.part"
        self._paths.append((path, 0, "", ""))
        self._open = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows, self._first, self._last = 0, first, ""

    def _finish(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
            self._paths[-1] = (self._paths[-1][0], self._rows, self._first, self._last)

    def close(self) -> list[Part]:
        """The parts, landed."""
        self._finish()
        made: list[Part] = []
        for number, (path, rows, first, last) in enumerate(self._paths, 1):
            name = f"{self._name}-{number:04d}.parquet"
            content, size = keep_file(self._landing, path, name)
            path.unlink(missing_ok=True)
            made.append(Part(name, content, size, rows, first, last))
        return made

    def drop(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
        for path, *_ in self._paths:
            path.unlink(missing_ok=True)


def _hash(names: Sequence[str], values: Sequence[str | None]) -> bytes:
    """Of a row: its columns and texts, NULL apart from empty."""
    made = blake2b(digest_size=_HASH_BYTES)
    for name, value in zip(names, values, strict=True):
        if value is None:
            continue
        data = value.encode("utf-8", "surrogatepass")
        made.update(f"{name}\0{len(data)}\0".encode())
        made.update(data)
    return made.digest()


def _text(value: Any) -> str | None:
    """A value as text with nothing rounded or cut off."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | clock):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_json)
    return str(value)


def _json(value: Any) -> Any:
    return _text(value)


def asked(form: Database, before: Cursor | None) -> dict[str, str]:
    """What is asked, in words that hold no secret."""
    url = parsed(form.url)
    place = f"{url.drivername.partition('+')[0]} {url.host or ''} {Path(url.database or '').name}"
    found = {"database": " ".join(place.split()), "table": form.table, "query": form.query,
             "cursor": form.cursor, "from": before.value if before else ""}  # fmt: skip
    return {key: value for key, value in found.items() if value}
