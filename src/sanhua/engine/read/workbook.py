"""Workbooks as cells: `.xlsx`, `.ods` and `.xls`, told apart by what they hold.

Sheets are streamed, and a cell keeps what a reader of values alone would lose: a formula that no
program has computed and an error (`#N/A`) are Flaws.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat

from sanhua.engine.read.archive import BROKEN, chunks, is_bomb
from sanhua.engine.read.raw import Flaw
from sanhua.kernel.errors import Invalid

ROWS_MAX = 1 << 20  # as in Excel and LibreOffice
SHEET_COLUMNS_MAX = 1 << 14
STRINGS_BYTES_MAX = 256 << 20  # of a workbook's shared strings, in memory
MERGES_MAX = 100_000
FORMULA_CHARS_MAX = 200

Row = tuple[int, dict[int, Any]]
Merges = dict[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` gives each row that holds something: its number from 1 and its cells by column from 0.
    `merged` maps the first cell (row, column) of a merged area to its last; it is whole up to the
    row that was given.
    """

    name: str
    visible: bool
    rows: Callable[[], Iterator[Row]]
    merged: Merges = field(default_factory=dict[tuple[int, int], tuple[int, int]])


def open_book(path: Path, name: str) -> list[Sheet]:
    """The sheets of a workbook; Invalid collect.broken-archive, collect.encrypted."""
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _xls(path, name)
    if magic[:2] != b"PK":
        raise broken(name, "no workbook")
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
        if "content.xml" in names:
            return _ods(path, name)
        return _xlsx(path, name, names)
    except (*BROKEN, KeyError, RuntimeError) as error:
        raise broken(name, str(error)) from error


def broken(name: str, reason: str) -> Invalid:
    return Invalid("collect.broken-archive", file=name, reason=reason.split("\n")[0][:200])


class _Xml(ABC):
    """Handlers of one XML part, by local names; `parse` yields each time a piece was handled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._local: dict[str, str] = {}

    @abstractmethod
    def start(self, tag: str, said: dict[str, str]) -> None: ...

    @abstractmethod
    def end(self, tag: str) -> None: ...

    @abstractmethod
    def chars(self, text: str) -> None: ...

    def parse(self, path: Path, part: str) -> Iterator[None]:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        local = self._local

        def tagged(tag: str) -> str:
            found = local[tag] = tag.rpartition(":")[2]
            return found

        def start(tag: str, said: dict[str, str]) -> None:
            self.start(local.get(tag) or tagged(tag), said)

        def end(tag: str) -> None:
            self.end(local.get(tag) or tagged(tag))

        def doctype(*_: object) -> None:
            raise broken(self.name, f"{part} declares a document type")

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = self.chars
        parser.StartDoctypeDeclHandler = doctype
        try:
            with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
                for chunk in chunks(stream, path.stat().st_size, self.name):
                    parser.Parse(chunk, False)
                    yield
                parser.Parse(b"", True)
                yield
        except (expat.ExpatError, *BROKEN, KeyError, RuntimeError) as error:
            raise broken(self.name, f"{part}: {error}") from error


def _attribute(said: dict[str, str], local: str) -> str:
    """An attribute whatever the prefix of its namespace."""
    if local in said:
        return said[local]
    return next((text for key, text in said.items() if key.endswith(f":{local}")), "")


def _count(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1


# Excel


class _Elements(_Xml):
    """The elements of a small part, with their attributes."""

    def __init__(self, name: str, wanted: tuple[str, ...]) -> None:
        super().__init__(name)
        self.wanted = wanted
        self.found: list[tuple[str, dict[str, str]]] = []
        self.path: list[str] = []

    def start(self, tag: str, said: dict[str, str]) -> None:
        self.path.append(tag)
        if tag in self.wanted:
            if len(self.found) > 1 << 18:
                raise broken(self.name, f"more than {1 << 18} of {tag}")
            self.found.append(("/".join(self.path[-2:]), said))

    def end(self, tag: str) -> None:
        self.path.pop()

    def chars(self, text: str) -> None:
        pass

    @classmethod
    def of(cls, path: Path, part: str, name: str, *wanted: str) -> list[tuple[str, dict[str, str]]]:
        made = cls(name, wanted)
        for _ in made.parse(path, part):
            pass
        return made.found


def _related(path: Path, part: str, name: str, names: set[str]) -> dict[str, tuple[str, str]]:
    """The parts that `part` points to: id → (kind, part)."""
    folder, _, file = part.rpartition("/")
    rels = f"{folder}/_rels/{file}.rels".lstrip("/")
    if rels not in names:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for _, said in _Elements.of(path, rels, name, "Relationship"):
        target = said.get("Target", "")
        whole = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}".lstrip("/")
        kind = said.get("Type", "").rpartition("/")[2]
        found[said.get("Id", "")] = (kind, str(PurePosixPath(whole)))
    return found


def _xlsx(path: Path, name: str, names: set[str]) -> list[Sheet]:
    top = _related(path, "", name, names)
    book = next((part for kind, part in top.values() if kind == "officeDocument"), "")
    if book not in names:
        raise broken(name, "no workbook in it")
    parts = _related(path, book, name, names)
    found = _Elements.of(path, book, name, "sheet", "workbookPr")
    epoch_1904 = any(
        said.get("date1904", "") in ("1", "true") for at, said in found if "workbookPr" in at
    )
    by_kind = {kind: part for kind, part in parts.values() if part in names}
    shared = _Shared(path, name, by_kind.get("sharedStrings", ""), by_kind.get("styles", ""))
    sheets: list[Sheet] = []
    for at, said in found:
        kind, part = parts.get(_attribute({k: v for k, v in said.items() if ":" in k}, "id"),
                               ("", ""))  # fmt: skip
        if at != "sheets/sheet" or kind != "worksheet" or part not in names:
            continue
        visible = said.get("state", "visible") == "visible"
        merged: Merges = {}

        def rows(part: str = part, merged: Merges = merged) -> Iterator[Row]:
            if not merged:
                merged.update(_merges(path, part, name))
            made = _XlsxRows(name, shared.load(), epoch_1904)
            for _ in made.parse(path, part):
                yield from made.made
                made.made.clear()

        sheets.append(Sheet(said.get("name", ""), visible, rows, merged))
    if not sheets:
        raise broken(name, "no sheet in it")
    return sheets


_MERGE = re.compile(
    rb'<(?:\w+:)?mergeCell\s+ref="\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})"'
)


def _merges(path: Path, part: str, name: str) -> Merges:
    """Excel writes merged areas after the rows; they are looked for first."""
    found: Merges = {}
    with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
        last = b""
        for chunk in chunks(stream, path.stat().st_size, name):
            piece = last + chunk
            for match in _MERGE.finditer(piece):
                left, right = _column(match[1].decode()), _column(match[3].decode())
                found[int(match[2]), left] = (int(match[4]), right)
            if len(found) > MERGES_MAX:
                raise broken(name, f"more than {MERGES_MAX} merged areas")
            last = piece[-64:]
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


class _Shared:
    """Texts and date styles that the sheets of a workbook share, read when a sheet is."""

    def __init__(self, path: Path, name: str, strings: str, styles: str) -> None:
        self.path, self.name = path, name
        self.strings_part, self.styles_part = strings, styles
        self.strings: list[str] | None = None
        self.dated: list[str] = []  # by style: "date", "duration" or nothing

    def load(self) -> _Shared:
        if self.strings is None:
            made = _Strings(self.name)
            if self.strings_part:
                for _ in made.parse(self.path, self.strings_part):
                    pass
            self.strings = made.found
            if self.styles_part:
                self.dated = self._styles()
        return self

    def _styles(self) -> list[str]:
        from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

        formats: dict[int, str] = dict(BUILTIN_FORMATS)
        found = _Elements.of(self.path, self.styles_part, self.name, "numFmt", "xf")
        for at, said in found:
            if at == "numFmts/numFmt":
                formats[_count(said.get("numFmtId"))] = said.get("formatCode", "")
        dated: list[str] = []
        for at, said in found:
            if at == "cellXfs/xf":
                code = formats.get(_count(said.get("numFmtId") or "0"), "")
                date = bool(code) and is_date_format(code)
                dated.append(
                    "duration" if date and is_timedelta_format(code) else "date" if date else ""
                )
        return dated


_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class _Strings(_Xml):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.found: list[str] = []
        self.text: list[str] = []
        self.taken = self.spoken = False
        self.bytes = 0

    def start(self, tag: str, said: dict[str, str]) -> None:
        if tag == "t":
            self.taken = not self.spoken
        elif tag == "rPh":  # how it is spoken
            self.spoken = True

    def end(self, tag: str) -> None:
        if tag == "t":
            self.taken = False
        elif tag == "rPh":
            self.spoken = False
        elif tag == "si":
            text = _unescaped("".join(self.text))
            self.text = []
            self.found.append(text)
            self.bytes += 64 + 2 * len(text)
            if self.bytes > STRINGS_BYTES_MAX:
                raise Invalid("collect.unpacks-too-large", file=self.name, bytes=self.bytes)

    def chars(self, text: str) -> None:
        if self.taken:
            self.text.append(text)


class _XlsxRows(_Xml):
    def __init__(self, name: str, shared: _Shared, epoch_1904: bool) -> None:
        super().__init__(name)
        from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

        self._from_excel = from_excel
        self._epoch = CALENDAR_MAC_1904 if epoch_1904 else CALENDAR_WINDOWS_1900
        self._strings, self._dated = shared.strings or [], shared.dated
        self.made: list[Row] = []
        self.row, self.cells = 0, dict[int, Any]()
        self.column, self.kind, self.style = -1, "", ""
        self.value, self.formula = list[str](), list[str]()
        self.into: list[str] | None = None
        self.has_value = self.has_formula = self.spoken = False
        self._columns: dict[str, int] = {}

    def start(self, tag: str, said: dict[str, str]) -> None:
        if tag == "c":
            reference = said.get("r")
            if reference:
                letters = reference.rstrip("0123456789")
                column = self._columns.get(letters)
                if column is None:
                    column = self._placed(letters)
                self.column = column
            else:
                self.column += 1
            self.kind, self.style = said.get("t", "n"), said.get("s", "")
            self.value, self.formula = [], []
            self.has_value = self.has_formula = False
        elif tag == "v" or tag == "t":
            if not self.spoken:
                self.has_value, self.into = True, self.value
        elif tag == "f":
            self.has_formula, self.into = True, self.formula
        elif tag == "row":
            number = said.get("r", "")
            self.row = _count(number) if number else self.row + 1
            self.cells, self.column = {}, -1
            if self.row > ROWS_MAX:
                raise broken(self.name, f"row {self.row} is beyond {ROWS_MAX}")
        elif tag == "rPh":
            self.spoken = True

    def end(self, tag: str) -> None:
        if tag == "c":
            value = self._value()
            if value is not None:
                self.cells[self.column] = value
        elif tag == "v" or tag == "t" or tag == "f":
            self.into = None
        elif tag == "row":
            if self.cells:
                self.made.append((self.row, self.cells))
                self.cells = {}
        elif tag == "rPh":
            self.spoken = False

    def chars(self, text: str) -> None:
        if self.into is not None:
            self.into.append(text)

    def _placed(self, letters: str) -> int:
        if not (letters.isascii() and letters.isalpha() and letters.isupper()):
            raise broken(self.name, f"no cell {letters[:20]}")
        column = _column(letters) if len(letters) < 4 else SHEET_COLUMNS_MAX
        if column >= SHEET_COLUMNS_MAX:
            raise broken(self.name, f"column {letters[:20]} is beyond XFD")
        self._columns[letters] = column
        return column

    def _value(self) -> Any:
        text = "".join(self.value)
        if self.kind == "s":
            try:
                return self._strings[int(text)] or None
            except (ValueError, IndexError):
                return Flaw(text, "points to a text that the workbook does not have")
        if self.kind in ("str", "inlineStr"):
            return _unescaped(text) or None
        if not text.strip():
            if not self.has_formula:
                return None
            formula = "".join(self.formula)[:FORMULA_CHARS_MAX]
            return Flaw(f"={formula}", "is a formula without a stored value")
        if self.kind == "e":
            return Flaw(text, "is an error value")
        if self.kind == "b":
            return text.strip() not in ("0", "false")
        if self.kind == "d":
            return text.strip().replace("T", " ").removesuffix("Z")
        return self._number(text.strip())

    def _number(self, text: str) -> Any:
        try:
            number = int(text) if text.lstrip("-").isdigit() and len(text) < 20 else float(text)
        except ValueError:
            return Flaw(text, "is no number")
        if number != number or number in (float("inf"), float("-inf")):
            return Flaw(text, "is no number")
        style = int(self.style) if self.style.isdigit() and len(self.style) < 7 else 0
        dated = self._dated[style] if style < len(self._dated) else ""
        if not dated:
            return number
        try:
            return self._from_excel(number, self._epoch, timedelta=dated == "duration")
        except (ValueError, OverflowError):
            return Flaw(text, "is formatted as a date and is none")


# OpenDocument


def _ods(path: Path, name: str) -> list[Sheet]:
    made = _Elements(name, ("table",))
    for _ in made.parse(path, "content.xml"):
        pass
    titles = [_attribute(said, "name") for at, said in made.found if at == "spreadsheet/table"]
    if not titles:
        raise broken(name, "no sheet in it")
    sheets: list[Sheet] = []
    for number, title in enumerate(titles):
        merged: Merges = {}

        def rows(number: int = number, merged: Merges = merged) -> Iterator[Row]:
            found = _OdsRows(name, number, merged, path.stat().st_size)
            for _ in found.parse(path, "content.xml"):
                for first, times, cells in found.made:
                    for row in range(first, first + times):
                        yield row, cells
                found.made.clear()

        sheets.append(Sheet(title, True, rows, merged))
    return sheets


class _OdsRows(_Xml):
    """Rows of one sheet as (first number, how often repeated, cells)."""

    def __init__(self, name: str, wanted: int, merged: Merges, packed: int) -> None:
        super().__init__(name)
        self.wanted, self.merged, self.packed = wanted, merged, packed
        self.sheet, self.depth = -1, 0
        self.made: list[tuple[int, int, dict[int, Any]]] = []
        self.row, self.times, self.cells = 1, 1, dict[int, Any]()
        self.column, self.said = 0, dict[str, str]()
        self.text: list[str] = []
        self.paragraphs = 0
        self.in_cell = self.in_text = False
        self.aside = 0  # depth inside a comment or drawing
        self.given = 0

    def start(self, tag: str, said: dict[str, str]) -> None:
        if self.aside or tag in ("annotation", "frame", "shapes"):
            self.aside += 1
        elif tag == "table":
            self.depth += 1
            self.sheet += self.depth == 1
            self.row = 1 if self.depth == 1 else self.row
        elif self.sheet != self.wanted or self.depth != 1:
            return
        elif tag == "table-row":
            self.times = _count(_attribute(said, "number-rows-repeated"))
            self.cells, self.column = {}, 0
        elif tag in ("table-cell", "covered-table-cell"):
            self.said, self.text, self.paragraphs, self.in_cell = said, [], 0, True
        elif tag == "p" and self.in_cell:
            if self.paragraphs:
                self.text.append("\n")
            self.paragraphs += 1
            self.in_text = True
        elif self.in_text and tag == "s":
            self.text.append(" " * min(_count(_attribute(said, "c")), 1000))
        elif self.in_text and tag in ("tab", "line-break"):
            self.text.append("\t" if tag == "tab" else "\n")

    def end(self, tag: str) -> None:
        if self.aside:
            self.aside -= 1
        elif tag == "table":
            self.depth -= 1
        elif self.sheet != self.wanted or self.depth != 1:
            return
        elif tag == "p":
            self.in_text = False
        elif tag in ("table-cell", "covered-table-cell"):
            self._cell()
            self.in_cell = False
        elif tag == "table-row":
            if self.cells:
                if self.row + self.times - 1 > ROWS_MAX:
                    raise broken(self.name, f"rows go beyond {ROWS_MAX}")
                self.given += len(self.cells) * self.times
                if is_bomb(self.given * 16, self.packed):
                    raise Invalid("collect.unpacks-too-large", file=self.name, bytes=self.given)
                self.made.append((self.row, self.times, self.cells))
            self.row += self.times

    def chars(self, text: str) -> None:
        if self.in_text and not self.aside:
            self.text.append(text)

    def _cell(self) -> None:
        times = _count(_attribute(self.said, "number-columns-repeated"))
        value = self._value()
        if value is not None:
            if self.column + times > SHEET_COLUMNS_MAX:
                raise broken(self.name, f"columns go beyond {SHEET_COLUMNS_MAX}")
            for column in range(self.column, self.column + times):
                self.cells[column] = value
            down = _count(_attribute(self.said, "number-rows-spanned"))
            across = _count(_attribute(self.said, "number-columns-spanned"))
            if down > 1 or across > 1:
                if len(self.merged) >= MERGES_MAX:
                    raise broken(self.name, f"more than {MERGES_MAX} merged areas")
                last = (self.row + down - 1, self.column + across - 1)
                self.merged[self.row, self.column] = last
        self.column += times

    def _value(self) -> Any:
        said, text = self.said, "".join(self.text)
        kind = said.get("office:value-type", "")
        formula = said.get("table:formula", "")
        if said.get("calcext:value-type") == "error":
            return Flaw(text, "is an error value")
        if kind in ("float", "percentage", "currency"):
            written = said.get("office:value", "")
            try:
                whole = written.lstrip("-").isdigit() and len(written) < 20
                number = int(written) if whole else float(written)
            except ValueError:
                return Flaw(written, "is no number")
            if number != number or number in (float("inf"), float("-inf")):
                return Flaw(written, "is no number")
            return number
        if kind == "date":
            day, _, clock = said.get("office:date-value", "").partition("T")
            return f"{day} {clock}" if clock.strip("0:.") else day or None
        if kind == "time":
            return _duration(said.get("office:time-value", ""))
        if kind == "boolean":
            return said.get("office:boolean-value") == "true"
        if kind == "string":
            return said.get("office:string-value") or text or None
        if formula and not text:
            shown = formula.removeprefix("of:")[:FORMULA_CHARS_MAX]
            return Flaw(shown, "is a formula without a stored value")
        return text or None


_DURATION = re.compile(r"PT(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,9}))?S)?")


def _duration(written: str) -> Any:
    match = _DURATION.fullmatch(written)
    if match is None:
        return Flaw(written, "is no time")
    hours, minutes, seconds = (int(match[n] or 0) for n in (1, 2, 3))
    micro = int((match[4] or "").ljust(6, "0")[:6] or 0)
    try:
        made = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micro)
    except OverflowError:
        return Flaw(written, "is no time")
    if made < datetime.timedelta(days=1):
        return (datetime.datetime(1, 1, 1, tzinfo=datetime.UTC) + made).time()
    return made


# Excel 97-2003


def _xls(path: Path, name: str) -> list[Sheet]:
    import xlrd

    content = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise Invalid("collect.encrypted", file=name, member=name)
    try:
        book = xlrd.open_workbook(
            file_contents=content, logfile=io.StringIO(), formatting_info=True, ragged_rows=True
        )
    except Exception as error:  # xlrd lets struct, index and assertion errors through
        if "encrypted" in str(error).lower():
            raise Invalid("collect.encrypted", file=name, member=name) from error
        raise broken(name, f"{type(error).__name__}: {error}") from error
    sheets: list[Sheet] = []
    for sheet in book.sheets():
        merged = {
            (top + 1, left): (bottom, right - 1)
            for top, bottom, left, right in sheet.merged_cells[:MERGES_MAX]
        }

        def rows(sheet: Any = sheet) -> Iterator[Row]:
            for number in range(sheet.nrows):
                cells = {
                    column: value
                    for column, cell in enumerate(sheet.row(number))
                    if (value := _xls_value(cell, book.datemode)) is not None
                }
                if cells:
                    yield number + 1, cells

        sheets.append(Sheet(sheet.name, sheet.visibility == 0, rows, merged))
    return sheets


def _xls_value(cell: Any, datemode: Any) -> Any:
    import xlrd

    value, kind = cell.value, cell.ctype
    if kind == xlrd.XL_CELL_TEXT:
        return value or None
    if kind == xlrd.XL_CELL_NUMBER:
        return value if value == value and abs(value) != float("inf") else Flaw(
            str(value), "is no number")  # fmt: skip
    if kind == xlrd.XL_CELL_BOOLEAN:
        return bool(value)
    if kind == xlrd.XL_CELL_ERROR:
        return Flaw(xlrd.error_text_from_code.get(value, "#?"), "is an error value")
    if kind == xlrd.XL_CELL_DATE:
        try:
            if 0 <= value < 1:
                return xlrd.xldate_as_datetime(value + 1, datemode).time()
            return xlrd.xldate_as_datetime(value, datemode)
        except (ValueError, OverflowError, xlrd.XLDateError):
            return Flaw(str(value), "is formatted as a date and is none")
    return None
