"""Text with its place: YAML, CSV, Excel and Beancount read so that every value keeps its line and
column.

Nothing is typed here: a scalar is the text that was written. What a reader refuses (aliases, tags,
duplicate keys, formula cells …) becomes a coded diagnostic at its place; reading goes on where
that can lose nothing.
"""

from __future__ import annotations

import csv
import datetime
import difflib
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sanhua.kernel.errors import Diagnostic, Invalid, SanhuaError, Severity
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.text import Text
from sanhua.project.location import filled

FILE_BYTES_MAX = 32 << 20
WORKBOOK_BYTES_MAX = 128 << 20  # unpacked
DEPTH_MAX = 48
NODES_MAX = 400_000
ROWS_MAX = 1_000_000
FAULTS_MAX = 200  # of one file; more are counted, not listed


@dataclass(slots=True)
class Scalar:
    """One value as it was written; `line` and `column` count from 1."""

    text: str
    line: int
    column: int
    quoted: bool = False


@dataclass(slots=True)
class Items:
    """A list."""

    items: list[Node]
    line: int
    column: int


@dataclass(slots=True)
class Keys:
    """A mapping in the order written; each key keeps its own place."""

    entries: dict[str, tuple[Scalar, Node]]
    line: int
    column: int

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def get(self, key: str) -> Node | None:
        found = self.entries.get(key)
        return None if found is None or is_empty(found[1]) else found[1]

    def place(self, key: str) -> Scalar:
        """Where `key` stands, or the mapping itself when it does not."""
        found = self.entries.get(key)
        return found[0] if found else Scalar("", self.line, self.column)

    def scalar(self, key: str) -> Scalar | None:
        found = self.get(key)
        return found if isinstance(found, Scalar) else None

    def text(self, key: str, default: str = "") -> str:
        found = self.scalar(key)
        return default if found is None else found.text

    def flag(self, key: str, default: bool = False) -> bool:
        found = self.scalar(key)
        return default if found is None else found.text == "true"

    def keys(self, key: str) -> Keys | None:
        found = self.get(key)
        return found if isinstance(found, Keys) else None

    def items(self, key: str) -> list[Node]:
        found = self.get(key)
        return found.items if isinstance(found, Items) else []

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single text counts as a list of one."""
        found = self.get(key)
        if isinstance(found, Scalar):
            return (found.text,)
        return tuple(item.text for item in self.items(key) if isinstance(item, Scalar))

    def maps(self) -> Iterator[tuple[str, Scalar, Keys]]:
        """The entries that are mappings; an empty value counts as an empty mapping."""
        for key, (place, value) in self.entries.items():
            if isinstance(value, Keys):
                yield key, place, value
            elif is_empty(value):
                yield key, place, Keys({}, place.line, place.column)

    def flat(self, key: str = "") -> dict[str, str]:
        """The scalars below `key` (or below this mapping) as text, nested keys joined by dots,
        lists by spaces.
        """
        whole = self.get(key) if key else self
        return dict(_flat(whole, "")) if whole is not None else {}


Node = Scalar | Items | Keys


def is_empty(node: Node) -> bool:
    """Whether nothing was written (`key:`)."""
    return isinstance(node, Scalar) and not node.text and not node.quoted


def _flat(node: Node, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Scalar):
        yield prefix, node.text
    elif isinstance(node, Items) and all(isinstance(item, Scalar) for item in node.items):
        yield prefix, " ".join(item.text for item in node.items if isinstance(item, Scalar))
    elif isinstance(node, Items):
        for at, item in enumerate(node.items):
            yield from _flat(item, f"{prefix}.{at}" if prefix else str(at))
    else:
        for key, (_, value) in node.entries.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else key)


def plain(node: Node) -> Any:
    """Dicts, lists and texts; nothing written is None."""
    if isinstance(node, Scalar):
        return None if is_empty(node) else node.text
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, (_, value) in node.entries.items()}


_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
)
_TRAP = re.compile(r"0[0-9_]+|[0-9]+(?::[0-5]?[0-9])+|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")


def ordinary(node: Node) -> Any:
    """Dicts, lists and values as ordinary YAML types them (true, 1, 0.5, null); what readers
    disagree on stays text.
    """
    if isinstance(node, Items):
        return [ordinary(item) for item in node.items]
    if isinstance(node, Keys):
        return {key: ordinary(value) for key, (_, value) in node.entries.items()}
    if node.quoted:
        return node.text
    text = node.text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) and len(text) <= 18:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def reordering(text: str) -> str:
    """The first character that turns the display of what follows the text around, as U+202E; ""
    when each is closed within it.
    """
    still: list[str] = []
    for found in _BIDI.findall(text):
        if found not in "\u202c\u2069":
            still.append(found)
        elif still:
            still.pop()
    return f"U+{ord(still[0]):04X}" if still else ""


def traps(node: Node) -> Iterator[Scalar]:
    """Unquoted scalars that one YAML reader takes for text and another for something else: `0301`,
    `12:30`, `no`.
    """
    if isinstance(node, Scalar):
        if not node.quoted and _TRAP.fullmatch(node.text):
            yield node
    elif isinstance(node, Items):
        for item in node.items:
            yield from traps(item)
    else:
        for _, value in node.entries.values():
            yield from traps(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word closest to `word`, or empty."""
    found = difflib.get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)
    return found[0] if found else ""


def nearest_or_some(word: str, known: Iterable[str]) -> str:
    """For a hint: the nearest known word, else a few of them, else a dash."""
    some = sorted(set(known))
    return nearest(word, some) or ", ".join(some[:8]) + (" …" if len(some) > 8 else "") or "–"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table format. `headings` maps every spelling (key, 中文) to the key.

    `codes` hold text that a spreadsheet must not turn into numbers, `amounts` two decimals at
    most, `lists` several values (`split_cell`). `open` keeps further columns instead of
    reporting them.
    """

    headings: Mapping[str, str]
    required: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    amounts: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    open: bool = False


def split_cell(text: str) -> list[str]:
    """The values of a cell of several: separated by `;` or `；`, where a value may hold either
    behind a backslash, and a backslash behind another.
    """
    values = re.findall(r"(?:\\[\\;；]|[^;；])+", text)
    return [v for v in (re.sub(r"\\([\\;；])", r"\1", v).strip() for v in values) if v]


def join_cell(values: Iterable[str]) -> str:
    """The cell that `split_cell` reads back as the same values."""
    return "; ".join(re.sub(r"([\\;；])", r"\\\1", value) for value in values)


@dataclass(slots=True)
class Row:
    line: int
    cells: dict[str, Scalar]  # only what was written

    def text(self, key: str) -> str:
        found = self.cells.get(key)
        return found.text if found else ""


@dataclass(slots=True)
class Rows:
    """A table of texts; `columns` are the keys in the file's order."""

    path: str
    columns: tuple[str, ...]
    rows: list[Row]


@dataclass(slots=True)
class Folder:
    """The project's folder: reads files once, hashes them, collects what is wrong with them."""

    root: Path
    env: Mapping[str, str]
    language: str = "zh"
    files: dict[str, Origin] = field(default_factory=dict[str, Origin])
    found: list[Diagnostic] = field(default_factory=list[Diagnostic])

    # What is said

    def say(
        self,
        severity: Severity,
        code: str,
        path: str,
        at: Node | Row | int | None = None,
        /,
        *,
        node: str = "",
        **facts: Any,
    ) -> None:
        line = at if isinstance(at, int) else at.line if at is not None else 0
        column = at.column if isinstance(at, (Scalar, Items, Keys)) else 0
        self.found.append(Diagnostic(severity, code, path, line, column, node, None, facts))

    def error(
        self,
        code: str,
        path: str,
        at: Node | Row | int | None = None,
        /,
        *,
        node: str = "",
        **facts: Any,
    ) -> None:
        self.say(Severity.ERROR, code, path, at, node=node, **facts)

    def warn(
        self,
        code: str,
        path: str,
        at: Node | Row | int | None = None,
        /,
        *,
        node: str = "",
        **facts: Any,
    ) -> None:
        self.say(Severity.WARNING, code, path, at, node=node, **facts)

    def note(
        self,
        code: str,
        path: str,
        at: Node | Row | int | None = None,
        /,
        *,
        node: str = "",
        **facts: Any,
    ) -> None:
        self.say(Severity.NOTE, code, path, at, node=node, **facts)

    def take(self, failure: SanhuaError, path: str, at: Node | None = None) -> None:
        """Collect a failure raised while typing a value, at its own place when it has one."""
        told = failure.diagnostic
        line, column = (
            (told.line, told.column) if told.line else ((at.line, at.column) if at else (0, 0))
        )
        self.found.append(
            Diagnostic(
                told.severity,
                told.code,
                told.path or path,
                line,
                column,
                told.node,
                told.rule,
                told.facts,
            )
        )

    # Bytes and texts

    def exists(self, path: str) -> bool:
        """Whether a file of that name is there; a name that no file can have is not there."""
        try:
            return (self.root / path).is_file()
        except (OSError, ValueError):
            return False

    def holds(self, path: str) -> bool:
        """Whether a file or folder of that name is there."""
        try:
            return (self.root / path).exists()
        except (OSError, ValueError):
            return False

    def under(self, folder: str) -> list[str]:
        """Every file below `folder` by path, hidden ones left out."""
        top = self.root / folder
        if not top.is_dir():
            return []
        names = (item for item in sorted(top.rglob("*")) if item.is_file())
        paths = [item.relative_to(self.root).as_posix() for item in names]
        return [
            path
            for path in paths
            if not any(part.startswith((".", "~$")) for part in path.split("/"))
        ]

    def bytes(self, path: str) -> bytes | None:
        """The content, hashed into `files`; None with an error when it cannot be read."""
        try:
            whole = self.root / path
            size = whole.stat().st_size
            if size > FILE_BYTES_MAX:
                self.error("format.too-large", path, size=size, limit=FILE_BYTES_MAX)
                return None
            content = whole.read_bytes()
        except OSError as failure:
            self.error("format.unreadable", path, reason=failure.strerror or str(failure))
            return None
        self.files[path] = Origin(path, 0, f"sha256:{hashlib.sha256(content).hexdigest()}")
        return content

    def text(self, path: str) -> str | None:
        """UTF-8 text without its byte-order mark and with `\\n` line ends."""
        content = self.bytes(path)
        if content is None:
            return None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as failure:
            line = content.count(b"\n", 0, failure.start) + 1
            self.error(
                "format.not-utf8",
                path,
                line,
                byte=failure.start,
                value=f"0x{content[failure.start]:02X}",
            )
            return None
        if "\0" in text:
            self.error("format.nul", path, text.count("\n", 0, text.index("\0")) + 1)
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def origin(self, path: str, at: Node | Row | int | None = None) -> Origin:
        line = at if isinstance(at, int) else at.line if at is not None else 0
        return Origin(path, line, self.files[path].sha256 if path in self.files else "")

    def evidence(self, value: Node | None, path: str, node: str = "") -> tuple[Evidence, ...]:
        """A list of papers: paths in the folder, hashed now, or `{title, sha256}`."""
        if value is None:
            return ()
        found: list[Evidence] = []
        for item in value.items if isinstance(value, Items) else [value]:
            if isinstance(item, Scalar):
                digest = self.paper(item, path, node)
                if digest:
                    found.append(Evidence(digest, path=item.text))
            elif isinstance(item, Keys):
                digest = item.text("sha256")
                digest = digest if digest.startswith("sha256:") else f"sha256:{digest}"
                found.append(Evidence(digest, title=item.text("title")))
        return tuple(found)

    def paper(self, name: Scalar, path: str, node: str = "") -> str:
        """The content hash of a file of the folder that `name` names; empty with an error when it
        is not there.
        """
        if name.text in self.files:
            return self.files[name.text].sha256
        if not self.inside(name.text):
            self.error("format.outside", path, name, node=node, value=name.text)
            return ""
        if not self.exists(name.text):
            near = nearest_or_some(name.text, self.under(name.text.split("/")[0]))
            self.error("ref.evidence", path, name, node=node, value=name.text, nearest=near)
            return ""
        self.bytes(name.text)
        return self.files[name.text].sha256 if name.text in self.files else ""

    def inside(self, name: str) -> bool:
        """Whether `name` is a relative path that stays in the folder."""
        if (
            not name
            or name.startswith(("/", "\\"))
            or re.match(r"[A-Za-z]:", name)
            or ".." in name.split("/")
        ):
            return False
        try:
            return (self.root / name).resolve().is_relative_to(self.root.resolve())
        except (OSError, ValueError):
            return False

    def filled(self, value: Scalar, path: str) -> str:
        """`value` with `${NAME}` and `${NAME:-default}` taken from the environment."""
        text, missing = filled(value.text, self.env)
        for name in missing:
            self.error("format.unset-variable", path, value, name=name)
        return text

    def words(self, value: Node | None) -> Text:
        """A text for people: one string in the project's language, or `{zh, en}`."""
        if isinstance(value, Scalar):
            return Text(en=value.text) if self.language == "en" else Text(zh=value.text)
        if isinstance(value, Keys):
            return Text(value.text("zh"), value.text("en"))
        return Text()

    # YAML

    def yaml(self, path: str) -> Node | None:
        """The one document of a file; None with errors when it cannot be read as one."""
        text = self.text(path)
        return None if text is None else self.compose(text, path)

    def compose(self, text: str, path: str) -> Node | None:
        return _Composer(self, path).compose(text)

    # Tables

    def csv(self, path: str, columns: Columns) -> Rows | None:
        """A comma-separated table whose first row is headings; None when it cannot be read."""
        text = self.text(path)
        if text is None:
            return None
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        records: list[tuple[int, list[str]]] = []
        before = 0
        try:
            for record in reader:
                if any(cell.strip() for cell in record):
                    records.append((before + 1, record))
                before = reader.line_num
        except csv.Error as failure:
            self.error("format.csv", path, before + 1, reason=str(failure))
            return None
        if not records:
            self.error("format.empty-table", path, 1)
            return None
        (heading_line, headings), *rest = records
        keys = self._headings(
            path, [Scalar(h.strip(), heading_line, i + 1) for i, h in enumerate(headings)], columns
        )
        if keys is None:
            return None
        rows: list[Row] = []
        for line, record in rest:
            if len(record) != len(headings):
                self.error("format.ragged", path, line, cells=len(record), headings=len(headings))
                continue
            cells = {
                key: Scalar(cell.strip(), line, i + 1, True)
                for i, (key, cell) in enumerate(zip(keys, record, strict=True))
                if key and cell.strip()
            }
            for cell in cells.values():
                if found := reordering(cell.text):
                    self.error("format.reorders", path, cell, value=found)
            rows.append(Row(line, cells))
        return Rows(path, tuple(key for key in keys if key), rows)

    def sheets(self, path: str) -> list[str]:
        """The names of a workbook's sheets."""
        book = self._workbook(path)
        if book is None:
            return []
        with _closing(book):
            return [str(name) for name in book.sheetnames]

    def excel(self, path: str, columns: Columns, sheets: tuple[str, ...] = ()) -> Rows | None:
        """The sheet called one of `sheets` (else the first) as a table; formulas and number cells
        in codes are refused.
        """
        book = self._workbook(path)
        if book is None:
            return None
        with _closing(book):
            names = [str(name) for name in book.sheetnames]
            if not names:
                self.error("format.not-a-workbook", path, 1, reason="no sheet")
                return None
            name = next((name for name in sheets if name in names), names[0])
            return self._sheet(book[name], path, columns)

    def workbook(self, path: str, forms: Callable[[str], Columns | None]) -> dict[str, Rows]:
        """Each sheet that `forms` has columns for, by its name; its faults and places are told
        under `book.xlsx!sheet`.
        """
        book = self._workbook(path)
        if book is None:
            return {}
        found: dict[str, Rows] = {}
        with _closing(book):
            for name in map(str, book.sheetnames):
                columns = forms(name)
                rows = self._sheet(book[name], f"{path}!{name}", columns) if columns else None
                if rows is not None:
                    found[name] = rows
        return found

    def _sheet(self, sheet: Any, path: str, columns: Columns) -> Rows | None:
        try:
            records = [
                (number, cells)
                for number, cells in enumerate(sheet.iter_rows(max_row=ROWS_MAX), 1)
                if any(cell.value not in (None, "") for cell in cells)
            ]
        except Exception as failure:  # a sheet is parsed as it is read; whatever is wrong with it
            reason = f"{type(failure).__name__}: {failure}"
            self.error("format.not-a-workbook", path, 1, reason=reason)
            return None
        if not records:
            self.error("format.empty-table", path, 1)
            return None
        (line, first), *rest = records
        headings = [
            Scalar("" if c.value is None else str(c.value).strip(), line, i + 1)
            for i, c in enumerate(first)
        ]
        keys = self._headings(path, headings, columns)
        if keys is None:
            return None
        rows: list[Row] = []
        for line, cells in rest:
            row = Row(line, {})
            for i, cell in enumerate(cells):
                key = keys[i] if i < len(keys) else ""
                if cell.value in (None, "") or not (key or (columns.open and i < len(keys))):
                    continue
                written = self._cell(path, key, cell, line, i + 1, columns)
                if found := reordering(written):
                    at = Scalar(written, line, i + 1)
                    self.error("format.reorders", path, at, value=found)
                elif written:
                    row.cells[key] = Scalar(written, line, i + 1, True)
            rows.append(row)
        return Rows(path, tuple(key for key in keys if key), rows)

    def _workbook(self, path: str) -> Any:
        content = self.bytes(path)
        if content is None:
            return None
        from openpyxl import load_workbook

        try:
            with zipfile.ZipFile(io.BytesIO(content)) as parts:
                size = sum(part.file_size for part in parts.infolist())
            if size > WORKBOOK_BYTES_MAX:
                self.error("format.too-large", path, size=size, limit=WORKBOOK_BYTES_MAX)
                return None
            return load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        except Exception as failure:  # openpyxl lets zip, XML and key errors through
            self.error("format.not-a-workbook", path, reason=f"{type(failure).__name__}: {failure}")
            return None

    def _cell(
        self, path: str, key: str, cell: Any, line: int, column: int, columns: Columns
    ) -> str:
        value, place = cell.value, Scalar("", line, column)
        if cell.data_type == "f":
            self.error(
                "format.formula", path, place, key=key, cell=cell.coordinate, value=str(value)
            )
            return ""
        if cell.data_type == "e":
            self.error(
                "format.error-cell", path, place, key=key, cell=cell.coordinate, value=str(value)
            )
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime.datetime):
            exact = value.time() == datetime.time()
            return value.date().isoformat() if exact else value.isoformat(sep=" ")
        if isinstance(value, datetime.date):
            return value.isoformat()
        if isinstance(value, (int, float)):
            if key in columns.codes:
                self.error(
                    "format.number-cell",
                    path,
                    place,
                    key=key,
                    cell=cell.coordinate,
                    value=repr(value),
                )
                return ""
            exact_value = Decimal(repr(value))
            if key in columns.amounts and exact_value != round(exact_value, 2):
                self.error(
                    "format.too-many-decimals",
                    path,
                    place,
                    key=key,
                    cell=cell.coordinate,
                    value=repr(value),
                )
                return ""
            return format(
                exact_value.normalize()
                if exact_value == exact_value.to_integral()
                else exact_value,
                "f",
            )
        return str(value).strip()

    def _headings(self, path: str, written: list[Scalar], columns: Columns) -> list[str] | None:
        """The key of each column, empty for one that is left out; None when a required one is
        missing.
        """
        keys: list[str] = []
        for place in written:
            name = place.text
            key = columns.headings.get(name) or columns.headings.get(name.split(" ")[0]) or ""
            if not key and name and name != "note":
                if columns.open:
                    key = name
                elif near := nearest(name, columns.headings):
                    self.error("format.unknown-column", path, place, key=name, nearest=near)
                else:
                    self.warn("format.unused-column", path, place, key=name)
            if key and key in keys:
                self.error("format.duplicate-column", path, place, key=name)
                return None
            keys.append(key)
        missing = [key for key in columns.required if key not in keys]
        for key in missing:
            spelled = " / ".join(name for name, wanted in columns.headings.items() if wanted == key)
            self.error(
                "format.missing-column", path, written[0] if written else 1, key=spelled or key
            )
        return None if missing else keys


class _closing:
    def __init__(self, book: Any) -> None:
        self.book = book

    def __enter__(self) -> Any:
        return self.book

    def __exit__(self, *_: object) -> None:
        self.book.close()


class _Composer:
    """Builds the tree from parser events, so that depth and size are bounded while reading."""

    def __init__(self, folder: Folder, path: str) -> None:
        self.folder, self.path = folder, path
        self.nodes = 0
        self.faults = 0

    def compose(self, text: str) -> Node | None:
        import yaml

        loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        try:
            return self._build(yaml.parse(text, Loader=loader))
        except Invalid as failure:
            self.folder.take(failure, self.path)
        except yaml.YAMLError as failure:
            mark = getattr(failure, "problem_mark", None) or getattr(failure, "context_mark", None)
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            reason = str(
                getattr(failure, "problem", None) or getattr(failure, "reason", None) or failure
            )
            lines = text.split("\n")
            indent = lines[line - 1][: column - 1 or None] if line <= len(lines) else ""
            code = (
                "format.tab"
                if "\t" in indent[: len(indent) - len(indent.lstrip()) + 1]
                else "format.yaml"
            )
            self.folder.error(code, self.path, Scalar("", line, column), reason=reason)
        return None

    def _fault(self, code: str, event: Any, **facts: Any) -> None:
        mark = event.start_mark
        self._at(code, Scalar("", mark.line + 1, mark.column + 1), **facts)

    def _at(self, code: str, place: Scalar, **facts: Any) -> None:
        self.faults += 1
        if self.faults <= FAULTS_MAX:
            self.folder.error(code, self.path, place, **facts)

    def _stop(self, code: str, event: Any, **facts: Any) -> Invalid:
        mark = event.start_mark
        return Invalid(code, path=self.path, line=mark.line + 1, column=mark.column + 1, **facts)

    def _build(self, events: Iterable[Any]) -> Node | None:
        import yaml

        documents = 0
        root: Node | None = None
        stack: list[
            tuple[Node, Scalar | None]
        ] = []  # open containers; the key that waits for its value

        def place(node: Node) -> None:
            nonlocal root
            if not stack:
                root = node
                return
            parent, key = stack[-1]
            if isinstance(parent, Items):
                parent.items.append(node)
            elif isinstance(parent, Keys) and key is not None:
                if key.text == "<<" and not key.quoted:
                    self._at("format.merge-key", key)
                elif key.text in parent.entries:
                    first = parent.entries[key.text][0].line
                    self._at("format.duplicate-key", key, key=key.text, first=first)
                else:
                    parent.entries[key.text] = (key, node)
                stack[-1] = (parent, None)

        for event in events:
            kind = type(event)
            if (
                kind is yaml.ScalarEvent
                or kind is yaml.MappingStartEvent
                or kind is yaml.SequenceStartEvent
            ):
                self.nodes += 1
                if self.nodes > NODES_MAX:
                    raise self._stop("format.too-many", event, limit=NODES_MAX)
                if event.anchor is not None:
                    self._fault("format.anchor", event, value=f"&{event.anchor}")
                if event.tag is not None:
                    self._fault("format.tag", event, value=event.tag)
                mark = event.start_mark
                line, column = mark.line + 1, mark.column + 1
                parent, key = stack[-1] if stack else (None, None)
                waiting_key = key is None and type(parent) is Keys
                if kind is yaml.ScalarEvent:
                    if found := reordering(event.value):
                        self._fault("format.reorders", event, value=found)
                    scalar = Scalar(event.value, line, column, bool(event.style))
                    if waiting_key:
                        stack[-1] = (stack[-1][0], scalar)
                    else:
                        place(scalar)
                    continue
                if waiting_key:
                    raise self._stop("format.complex-key", event)
                if len(stack) >= DEPTH_MAX:
                    raise self._stop("format.too-deep", event, limit=DEPTH_MAX)
                is_list = kind is yaml.SequenceStartEvent
                stack.append((Items([], line, column) if is_list else Keys({}, line, column), None))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                node, _ = stack.pop()
                place(node)
            elif kind is yaml.AliasEvent:
                raise self._stop("format.alias", event, value=f"*{event.anchor}")
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise self._stop("format.second-document", event)
                if event.tags:
                    self._fault("format.tag", event, value="%TAG")
        if root is None:
            self.folder.error("format.empty-file", self.path, 1)
        return root


_DIRECTIVE = re.compile(r"(\d{4}[-/]\d{2}[-/]\d{2})\s+(\S+)(.*)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_META = re.compile(r"\s+([a-z][A-Za-z0-9_-]*):\s*(.*)")
_POSTING = re.compile(r"\s+(?:([*!])\s+)?([^\s;\"]+)(?:\s+([^;]*))?(?:;.*)?")
_UNITS = re.compile(r"(\S+)\s+([A-Z][A-Z0-9'._-]*)\s*")
# What Beancount may say beside transactions: words that change no amount, and those that do.
SKIPPED = frozenset(
    "open close commodity note document event query custom price option pushtag poptag".split()
)
UNAPPLIED = frozenset("balance pad include plugin pushmeta popmeta S".split())  # S: a summary


def beancount(
    text: str, path: str, error: Callable[..., None], warn: Callable[..., None]
) -> list[Row]:
    """Posting rows of a Beancount file's transactions: one row a posting, keys as in a voucher CSV.

    `2024-03-31 * "摘要"` with the metadata `voucher: "2024-03-0120"`; a posting is an account, an
    amount and a currency; its metadata may give `account` (the ERP's code) `project phase party
    evidence`, the transaction's `reverses`. Without `account` the last part of the account's name
    is the code, `-` standing for `.` (`Expenses:RD:5301-02` is 5301.02). One posting may leave out
    its amount: it takes what the others leave. Of other directives those without effect on amounts
    are skipped, those with one are told, and an unknown one is an error at its line.
    """
    rows: list[Row] = []
    head: dict[str, Scalar] = {}
    made: list[Row] = []  # the postings of the transaction
    apart = False  # below a directive that is not read

    def close() -> None:
        rows.extend(_balanced(made))
        made.clear()

    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip()
        if not line or line[0] in "*#:" or line.lstrip().startswith(";"):
            continue
        if not line.startswith((" ", "\t")):
            close()
            head, apart = {}, True
            match = _DIRECTIVE.fullmatch(line)
            word = match[2] if match else line.split()[0]
            if word in SKIPPED:
                continue
            if word in UNAPPLIED:
                warn("voucher.beancount-not-applied", path, number, value=word)
                continue
            if match is None or word not in ("*", "!", "txn"):
                near = nearest_or_some(word, ("*", "!", "txn", *SKIPPED, *UNAPPLIED))
                error("voucher.beancount-directive", path, number, value=word, nearest=near)
                continue
            apart = False
            texts = [unescape(found) for found in _QUOTED.findall(match[3])]
            head = {"date": Scalar(match[1].replace("/", "-"), number, 1, True)}
            if texts:
                head["summary"] = Scalar(texts[-1], number, 1, True)
            continue
        if apart:
            continue
        meta = _META.fullmatch(line)
        if meta is not None and head:
            quoted = _QUOTED.match(meta[2])
            value = Scalar(unescape(quoted[1]) if quoted else meta[2].strip(), number, 1, True)
            (made[-1].cells if made else head)[meta[1]] = value
            continue
        found = _POSTING.fullmatch(line)
        if found is None or not head:
            error("voucher.beancount-directive", path, number, value=line.strip()[:40], nearest="–")
            continue
        account = found[2].rpartition(":")[2].replace("-", ".") if ":" in found[2] else found[2]
        made.append(Row(number, {**head, "account": Scalar(account, number, 3, True)}))
        said = (found[3] or "").strip()
        units = _UNITS.fullmatch(said)
        if units is not None:
            _amount(made[-1], units[1].replace(",", ""), units[2])
        elif said:
            made[-1].cells["debit"] = Scalar(said, number, 3, True)  # refused where it is typed
    close()
    return rows


def _amount(row: Row, amount: str, currency: str) -> None:
    side = "credit" if amount.startswith("-") else "debit"
    row.cells[side] = Scalar(amount.lstrip("-+"), row.line, 3, True)
    row.cells["currency"] = Scalar(currency, row.line, 3, True)


def _balanced(made: list[Row]) -> list[Row]:
    """A transaction's postings, the one without an amount filled in; nothing left leaves it out."""
    bare = [row for row in made if "debit" not in row.cells and "credit" not in row.cells]
    currencies = {row.text("currency") for row in made if row not in bare}
    if len(bare) != 1 or len(currencies) != 1:
        return made
    sides = [(decimal(r.text("debit") or "0"), decimal(r.text("credit") or "0")) for r in made]
    left = sum((credit or Decimal()) - (debit or Decimal()) for debit, credit in sides)
    if not left or any(None in pair for pair in sides):
        return [row for row in made if row not in bare]
    _amount(bare[0], format(left, "f"), currencies.pop())
    return made


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def decimal(text: str) -> Decimal | None:
    """A plain decimal number, or None."""
    try:
        return Decimal(text) if re.fullmatch(r"-?\d+(?:\.\d+)?", text) else None
    except InvalidOperation:
        return None
