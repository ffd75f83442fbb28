"""`profile`: what a file, an address or a database holds, with no project at all.

The data are read into a lake in a temporary folder by the engine that reads everything else, looked
at in three rounds (`resource.content`), and deleted.
"""

from __future__ import annotations

import contextlib
import glob
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from time import monotonic
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from sanhua import sql
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.engine.read import CsvFile, ParquetFile, Raw, parts_of
from sanhua.engine.read.archive import is_archive
from sanhua.kernel.errors import Diagnostic, Invalid, NotFound, Severity, Unavailable
from sanhua.kernel.metric import Measured
from sanhua.kernel.table import Manifest, Reading
from sanhua.kernel.text import Text
from sanhua.report.profile import Rejected, Report, TableReport
from sanhua.resource import content, grade
from sanhua.resource.kind import look
from sanhua.rules.packs import Packs

COLUMNS_AT_ONCE = 100  # measured in one scan
SAMPLED = 1000  # rows that tell what a column is
DOWNLOAD_BYTES_MAX = 2 << 30
DOWNLOAD_WAIT_S = 30.0  # for the next bytes,
DOWNLOAD_S = 3600  # and for all of them
DATABASE_WAIT_S = 600
CHUNK_BYTES = 1 << 20
TABLES_MAX = 20
DATABASE_ROWS_MAX = 5_000_000
BATCH_ROWS = 20_000
REASONS_SHOWN = 8
PLAIN = Reading()
SHANGHAI = timezone(timedelta(hours=8))
_BOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
_FILES = (".csv", ".tsv", ".txt", *_BOOKS, ".json", ".ndjson", ".jsonl", ".parquet")
_PACKED = (".gz", ".bz2", ".xz")

Told = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """A table to be read: files of one form, as the user calls them."""

    name: str
    files: tuple[Path, ...]
    names: tuple[str, ...]
    reading: Reading
    read: tuple[tuple[str, str], ...] = ()


def profile(
    target: str,
    reading: Reading = PLAIN,
    *,
    rows_max: int = DATABASE_ROWS_MAX,
    suggesting: bool = False,
    now: datetime | None = None,
    told: Told = lambda step, node: None,
) -> Report:
    """Read `target` (path, glob, zip, `a.zip!member`, http(s) address, database URL with `#table`)
    and look at all that it holds; with `suggesting` also at the rules that would fit it.

    Raises what reading raises (collect.*), NotFound profile.no-target, profile.no-table,
    Unavailable profile.download-failed, Invalid profile.*.
    """
    moment = now or datetime.now(UTC)
    with _scratch() as folder:
        engine = DuckEngine(Lake(folder / "lake"), temp=folder / "temp")
        try:
            report = Report(shown_of(target), moment, engine.version)
            rules = Packs.load(("cn",))
            today = moment.astimezone(SHANGHAI).date()
            for part in _parts(target, reading, folder, rows_max, report.told, told):
                told("profile", part.name)
                report.tables.append(_table(engine, part, rules, today, suggesting))
            return report
        finally:
            engine.close()


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sanhua-profile-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def shown_of(target: str) -> str:
    """The target as it may be printed and passed on: an address without who asks and how."""
    scheme, apart, rest = target.partition("://")
    if not apart or scheme.lower() == "file":
        return target
    rest, mark, table = rest.rpartition("@")[2].partition("#")
    place, query, _ = rest.partition("?")
    return f"{scheme}://{place}{'?…' if query else ''}{mark}{table}"


# What there is to read


def _parts(
    target: str, reading: Reading, folder: Path, rows_max: int, said: list[Diagnostic], told: Told
) -> Iterator[_Part]:
    scheme = target.partition("://")[0].lower() if "://" in target else ""
    if scheme in ("http", "https"):
        told("fetch", shown_of(target))
        path, name, reading = _fetched(target, reading, folder)
        yield from _of_file(path, name, "", reading)
    elif scheme and scheme != "file":
        yield from _of_database(target, folder, rows_max, said, told)
    else:
        written = target.removeprefix("file://")
        whole, _, member = written.partition("!")
        if Path(written).exists():  # a name that holds `!` or `*`
            whole, member = written, ""
        matched = [whole] if Path(whole).is_file() else sorted(glob.glob(whole, recursive=True))
        paths = [Path(one) for one in matched if Path(one).is_file()]
        if not paths:
            raise NotFound("profile.no-target", target=target)
        if len(paths) > 1:
            names = tuple(f"{path.name}{f'!{member}' if member else ''}" for path in paths)
            yield _Part(Path(whole).name, tuple(paths), names, reading)
        else:
            yield from _of_file(paths[0], paths[0].name, member, reading)


def _of_file(path: Path, name: str, member: str, reading: Reading) -> Iterator[_Part]:
    """The file; of an archive its members that are tables, a table each, or as one table those that
    a glob after `!` names.
    """
    archive = is_archive(path)
    if archive and not member:
        parts = parts_of(path, f"{name}!*")
        tables = [one for one in parts if _suffix(one) in _FILES]
        if not tables:
            raise NotFound("profile.no-tables", target=name)
        for one in tables:
            yield _Part(one.partition("!")[2], (path,), (one,), reading)
        return
    parts = parts_of(path, f"{name}!{member}" if member else name)
    yield _Part(member or name, (path,) * len(parts), tuple(parts), reading)


def _suffix(name: str) -> str:
    """`.csv` of `a.csv.gz`."""
    lower = name.lower()
    for packed in _PACKED:
        lower = lower.removesuffix(packed)
    return Path(lower).suffix


_TYPES = {
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/plain": "csv",
    "application/json": "json",
    "application/geo+json": "json",
    "application/x-ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "excel",
    "application/vnd.apache.parquet": "parquet",
    "application/zip": "zip",
}


def _fetched(url: str, reading: Reading, folder: Path) -> tuple[Path, str, Reading]:
    """The file at `url` in `folder`, its name, and how to read it where the name does not say."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    path, seen = folder / "fetched", 0
    until = monotonic() + DOWNLOAD_S
    asked = Request(url, headers={"User-Agent": "sanhua", "Accept": "*/*"})
    url = shown_of(url)
    try:
        with urlopen(asked, timeout=DOWNLOAD_WAIT_S) as answer, path.open("wb") as out:
            while chunk := answer.read1(CHUNK_BYTES):
                if monotonic() > until:
                    raise TimeoutError(f"not whole after {DOWNLOAD_S} s")
                seen += len(chunk)
                if seen > DOWNLOAD_BYTES_MAX:
                    raise Invalid("profile.download-too-large", url=url, most=DOWNLOAD_BYTES_MAX)
                out.write(chunk)
            length = answer.headers.get("Content-Length", "")
            if length.isdigit() and seen < int(length):
                reason = f"{seen} of {length} bytes came"
                raise Unavailable("profile.download-failed", url=url, reason=reason)
            kind = answer.headers.get_content_type().lower()
            said = answer.headers.get("Content-Disposition", "")
            last = unquote(urlsplit(answer.geturl()).path)
    except HTTPError as error:
        error.close()
        if error.code in (404, 410):
            raise NotFound("profile.no-target", target=url) from error
        reason = f"HTTP {error.code}"
        raise Unavailable("profile.download-failed", url=url, reason=reason) from error
    except (URLError, HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        raise Unavailable("profile.download-failed", url=url, reason=reason) from error
    given = re.search(r'filename="?([^";]+)', said)
    name = Path(given[1] if given else last).name or "fetched"
    if not reading.format and _suffix(name) not in (*_FILES, ".zip", ".tar", ".tgz"):
        format = _TYPES.get(kind)
        if format is None:
            raise Invalid(
                "profile.no-format", url=url, type=kind, known=", ".join(sorted({*_TYPES.values()}))
            )
        if format == "zip":
            name += ".zip"
        else:
            reading = replace(reading, format=format)
    kept = path.with_name(
        name if name.lower().endswith((".gz", ".zip")) else "fetched" + Path(name).suffix
    )
    path.rename(kept)
    return kept, name, reading


def _of_database(
    target: str, folder: Path, rows_max: int, said: list[Diagnostic], told: Told
) -> Iterator[_Part]:
    """The table after `#`, or the first TABLES_MAX tables, each copied to a Parquet file."""
    import sqlalchemy as sa

    from sanhua.resource.collect import Database
    from sanhua.sources import database

    address, at, rest = target.rpartition("@")  # a password may hold a #
    rest, _, named = rest.partition("#")
    form = Database(f"{address}{at}{rest}", timeout_s=DATABASE_WAIT_S)
    shown = shown_of(target).partition("#")[0]
    with database.connected(form) as db:
        seer = sa.inspect(db)
        schema, _, only = named.rpartition(".")
        known = [*seer.get_table_names(schema or None), *seer.get_view_names(schema or None)]
        if named and only not in known:
            raise NotFound("profile.no-table", table=named, known=", ".join(known[:20]))
        if not known:
            raise NotFound("profile.no-tables", target=shown)
        wanted = [only] if named else known[:TABLES_MAX]
        if not named and len(known) > TABLES_MAX:
            facts = {
                "shown": TABLES_MAX,
                "left": len(known) - TABLES_MAX,
                "names": ", ".join(known[TABLES_MAX:][:30]),
            }
            said.append(Diagnostic(Severity.NOTE, "profile.tables-left", facts=facts))
        for number, name in enumerate(wanted):
            told("fetch", name)
            path = folder / f"table-{number}.parquet"
            types = {
                str(column["name"]): str(column["type"])
                for column in seer.get_columns(name, schema or None)
            }
            if _copied(db, name, schema, path, rows_max):
                facts = {"table": name, "rows": rows_max}
                said.append(Diagnostic(Severity.WARNING, "profile.rows-left", facts=facts))
            listed = ", ".join(f"{column} {type}" for column, type in types.items())
            yield _Part(
                name,
                (path,),
                (name,),
                Reading(format="parquet"),
                (("database", shown), ("types", listed)),
            )
            path.unlink()


def _copied(db: Any, name: str, schema: str, path: Path, rows_max: int) -> bool:
    """Write a table as text to a Parquet file; whether rows were left. A cursor on the server
    keeps memory flat.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    import sqlalchemy as sa

    from sanhua.engine.read.raw import text_of

    query = sa.select(sa.text("*")).select_from(sa.table(name, schema=schema or None))
    rows = db.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(query)
    form = pa.schema([pa.field(str(key), pa.string()) for key in rows.keys()])
    left = rows_max
    with pq.ParquetWriter(path, form) as writer:
        for fetched in rows.partitions(BATCH_ROWS):
            batch = fetched[:left]
            texts = [[_text(cell, text_of) for cell in row] for row in batch]
            columns = list(zip(*texts, strict=True)) if texts else [[] for _ in form]
            writer.write_table(
                pa.table([pa.array(column, pa.string()) for column in columns], schema=form)
            )
            left -= len(batch)
            if left <= 0:
                more = len(fetched) > len(batch) or next(iter(rows), None) is not None
                rows.close()
                return more
    return False


def _text(cell: Any, text_of: Callable[[Any], Any]) -> str | None:
    if isinstance(cell, bytes | memoryview):
        return f"({len(cell)} bytes)"
    made = text_of(cell)
    return None if made is None else str(made)


# Reading and looking


def _table(
    engine: DuckEngine, part: _Part, rules: Packs, today: date, suggesting: bool
) -> TableReport:
    told: list[Diagnostic] = []
    raws: list[Raw] = []
    manifest = _collected(engine, part, told, raws)
    engine.bind(manifest)
    rows = engine.sample("t", SAMPLED)
    looks = [
        look(column.name, (row[n] for row in rows), rules, today)
        for n, column in enumerate(manifest.columns)
    ]
    measured: list[Measured] = []
    wide = len(looks) > COLUMNS_AT_ONCE
    for start in range(0, len(looks), COLUMNS_AT_ONCE):
        some = looks[start : start + COLUMNS_AT_ONCE]
        first = engine.measure("t", content.scan(some))
        asked = content.details("t", some, first, rules, today, wide=wide)
        measured += [*first, *engine.measure("t", asked)]
    picked = grade.samples(manifest.columns, measured)
    values = engine.measure("t", list(picked.values()))
    sampled = {
        name: cast("Sequence[str]", one.value or ())
        for name, one in zip(picked, values, strict=True)
    }
    measured += engine.measure("t", content.duplicates("t", looks, measured))
    failed = [one.error for one in [*measured, *values] if one.error is not None]
    detections = grade.detect(manifest.columns, measured, sampled, rules, today)
    personal = grade.personal_kinds(rules, today)
    kinds = {seen.name: seen.kind for seen in looks}
    detections = [  # a day or a measurement is not a number of somebody's, whatever its name
        one
        for one in detections
        if kinds[one.column].is_text or kinds[one.column].value == "integer"
    ]
    found = content.of(looks, measured, detections, personal, manifest.rejected, today)
    size = sum(path.stat().st_size for path in part.files)
    return TableReport(
        part.name,
        {**_reading(part, raws), **dict(part.read)},
        size,
        manifest.rejected,
        tuple(_rejects(engine, manifest)),
        found,
        [*(_without_people(one, personal) for one in told), *failed],
        _suggested(engine, manifest, found) if suggesting else [],
    )


def _without_people(said: Diagnostic, personal: frozenset[str]) -> Diagnostic:
    """What reading told may quote the file: a title that names who drew it up, and a number."""
    facts = {
        key: content.without_people(value, personal) if isinstance(value, str) else value
        for key, value in said.facts.items()
    }
    return replace(said, facts=facts)


def _suggested(engine: DuckEngine, manifest: Manifest, found: content.TableContent) -> list[Text]:
    """The surer rules that the values propose, with how many rows break each; none that lists
    values of a personal column.
    """
    from sanhua.resource.suggest.offer import suggest
    from sanhua.resource.suggest.rule import DEFAULT

    hidden = {column.name for column in found.columns if column.personal}
    made: list[Text] = []
    for one in suggest(engine, "t", manifest.columns, manifest.rows):
        if one.confidence < DEFAULT or hidden & {one.column, *one.determinant}:
            continue
        n = one.violations
        made.append(
            Text(f"{one.label.zh}（{n:,} 行不符）", f"{one.label.say('en')} ({n:,} rows break it)")
        )
    return made


def _collected(
    engine: DuckEngine, part: _Part, told: list[Diagnostic], raws: list[Raw]
) -> Manifest:
    return engine.collect(
        "t",
        part.files,
        part.reading,
        None,
        inputs=[f"file:{n}" for n in range(len(part.files))],
        step="profile",
        names=part.names,
        tell=told.append,
        seen=raws.append,
        passing=True,
    )


def _reading(part: _Part, raws: Sequence[Raw]) -> dict[str, str]:
    """How the (first) file was read."""
    raw, path = raws[0], part.files[0]
    made: dict[str, str] = {}
    if len(part.files) > 1:
        made["files"] = str(len(part.files))
    if isinstance(raw, CsvFile):
        made["format"] = "CSV"
        made["encoding"] = part.reading.encoding or _encoding(path, raw)
        made["delimiter"] = {"\t": "\\t"}.get(raw.delimiter, raw.delimiter)
        made["quote"] = raw.quote
        skipped = raw.skip + raw.cut - (part.reading.header is not False)
        if skipped > 0:
            made["skipped_lines"] = str(skipped)
    elif isinstance(raw, ParquetFile):
        made["format"] = "Parquet" if not part.read else ""
    else:
        suffix = _suffix(part.names[0].partition("!")[0] if not is_archive(path) else part.names[0])
        format = part.reading.format or ("excel" if suffix in _BOOKS else suffix.lstrip("."))
        made["format"] = {"excel": "Excel", "json": "JSON", "ndjson": "NDJSON"}.get(
            {"jsonl": "ndjson"}.get(format, format), format
        )
        if format == "excel":
            made["sheet"] = part.reading.sheet or _first_sheet(path, part.names[0])
    if is_archive(path) or path.name.lower().endswith(_PACKED):
        made["packed"] = path.suffix.lstrip(".").lower()
    return {key: value for key, value in made.items() if value}


def _encoding(path: Path, raw: CsvFile) -> str:
    """The file itself was read: it is UTF-8. A copy was: its mark says, or what else it can be."""
    known = getattr(raw, "encoding", "")
    if known:
        return known
    if raw.path == path:
        return "UTF-8"
    with contextlib.suppress(OSError), path.open("rb") as file:
        first = file.read(4)
        if first.startswith(b"\xef\xbb\xbf"):
            return "UTF-8 (BOM)"
        if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "UTF-16"
        if first.startswith((b"\x1f\x8b", b"PK\x03\x04")):
            return ""
        import codecs

        decoder = codecs.getincrementaldecoder("utf-8")()
        file.seek(0)
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
        except UnicodeDecodeError:
            return "GB18030"
    return "UTF-8"


def _first_sheet(path: Path, name: str) -> str:
    import openpyxl

    if "!" in name:
        return name.partition("!")[2]
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return ""
    try:
        book = openpyxl.load_workbook(path, read_only=True)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return ""
    try:
        return str(book.worksheets[0].title)
    finally:
        book.close()


def _rejects(engine: DuckEngine, manifest: Manifest) -> Iterator[Rejected]:
    if not manifest.rejects:
        return
    folder = engine.lake.path(manifest).resolve()
    files = ", ".join(sql.literal((folder / one.path).as_posix()) for one in manifest.rejects)
    rows = engine.query(
        "SELECT reason, count(*), list(coalesce(input || ':' || line, input || ' #' || record) "
        "ORDER BY input, line, record)[:5] FROM (SELECT unnest(reasons) AS reason, input, line, "
        f"record FROM read_parquet([{files}])) GROUP BY reason ORDER BY count(*) DESC, reason "
        f"LIMIT {REASONS_SHOWN}"
    )
    for reason, count, places in rows:
        yield Rejected(reason, int(count), tuple(places))


def page_for(target: str) -> Path:
    """Where the page goes when nobody said: a folder of the user's own, by the target's name."""
    name = re.sub(r"[^\w.-]+", "-", target.partition("://")[2] or Path(target).name).strip("-")
    return Path(tempfile.mkdtemp(prefix="sanhua-")) / f"{name[-80:] or 'profile'}.html"


def write_page(report: Report, path: Path) -> None:
    """The report as one page, whole or not at all."""
    from importlib.metadata import version

    from sanhua.report.profile import html

    beside = path.with_name(f"{path.name}.part")
    beside.write_text(html(report, version("sanhua")), encoding="utf-8")
    beside.replace(path)
