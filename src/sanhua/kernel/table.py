"""Tables as the engine knows them: columns, how a raw file is read, and lake manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sanhua.verify import canonical, sha256


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is the canonical SQL type: VARCHAR BIGINT DOUBLE DECIMAL(p,s) BOOLEAN DATE TIMESTAMP
    TIME.
    """

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class RawColumn:
    """A column of a raw file: its heading, the name and type it gets, and how its text is parsed.

    `format` is a JDK date pattern (`d/M/yyyy H:mm`), empty for ISO. A value that does not fit
    rejects its row.
    """

    name: str
    type: str
    heading: str = ""
    format: str = ""

    @property
    def source_name(self) -> str:
        return self.heading or self.name


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a raw file; an empty field is detected. Keys as `read:` of a source (FORMATS
    §3).
    """

    format: str = ""  # csv excel json ndjson parquet fixed gtfs
    encoding: str = ""
    delimiter: str = ""
    quote: str = ""
    escape: str = ""  # `\\` where a backslash stands before a quote; else the quote is doubled
    header: int | None = None  # rows of headings; True is one, False none
    skip: int = 0
    footer: int = 0  # rows at the end that are none of the table
    mend: bool | None = None  # False: a row of another shape is never put right
    sheet: str = ""
    range: str = ""
    records: str = ""  # a path into JSON: `$`, `$.data`, `$.data[*].items`
    key: str = ""  # name of the column that an object of objects gets for its keys
    widths: tuple[int, ...] = ()  # of the fields of a fixed-width line
    columns: Mapping[str, str] = field(default_factory=dict[str, str])  # name: first-last position
    positions: str = ""  # what widths and columns count: characters, bytes


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file of the lake: path relative to the snapshot's folder, size, content hash."""

    path: str
    rows: int
    bytes: int
    sha256: str  # sha256:<hex>


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a snapshot's rows, in a file of its own; of a raw table what one raw file held, or
    a run of small ones.

    `inputs` are the raw files, or parts kept before, that it was read from, in order; `names` what
    the source calls these files. `files` counts the raw files in it. `rejects` has the columns
    input, record, line, reasons, row (JSON text of the raw row). `partition` is the one value, as
    text, that the rows of a partitioned table have in its column (None: NULL); empty otherwise.
    """

    file: LakeFile
    inputs: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    files: int = 1
    rejects: LakeFile | None = None
    rejected_by_column: Mapping[str, int] = field(default_factory=dict[str, int])
    partition: tuple[str | None, ...] = ()

    @property
    def node(self) -> str:
        """`part:<hash of its bytes and of what it was read from>`, for other files may hold equal
        bytes; of a part merged before, the node it has.
        """
        if self.files > 1 and not self.names and len(self.inputs) == 1:
            return self.inputs[0]
        of = canonical([self.file.sha256, list(self.inputs), list(self.names)])
        return f"part:{sha256(of).removeprefix('sha256:')}"

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Part:
        return cls(
            LakeFile(**raw["file"]),
            tuple(raw["inputs"]),
            tuple(raw["names"]),
            raw["files"],
            LakeFile(**raw["rejects"]) if raw["rejects"] else None,
            raw["rejected_by_column"],
            tuple(raw["partition"]),
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of an earlier snapshot that may go on: where its files lie, and (input, name) of every
    raw file in it and of the first.
    """

    part: Part
    snapshot: str
    read: frozenset[tuple[str, str]]
    first: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Manifest:
    """An immutable snapshot of one table; its id is the hash of this, so equal content in equal
    parts has one id.

    `inputs` are the node ids it was made from (raw files, parts, snapshots, code lists), `step`
    the hash of what made it (SQL or reading, contract, engine). No time, run or machine stands in
    it.
    """

    table: str
    layer: str  # raw | built
    columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    inputs: tuple[str, ...]
    step: str
    written: bytes = field(default=b"", repr=False, compare=False)  # of the form before parts

    @property
    def rows(self) -> int:
        return sum(part.file.rows for part in self.parts)

    @property
    def files(self) -> tuple[LakeFile, ...]:
        """Where the rows are, in order."""
        return tuple(part.file for part in self.parts)

    @property
    def rejects(self) -> tuple[LakeFile, ...]:
        """Where the rows are that did not fit."""
        return tuple(part.rejects for part in self.parts if part.rejects)

    @property
    def rejected(self) -> int:
        return sum(file.rows for file in self.rejects)

    @property
    def rejected_by_column(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for part in self.parts:
            for name, count in part.rejected_by_column.items():
                total[name] = total.get(name, 0) + count
        return dict(sorted(total.items()))

    @property
    def body(self) -> bytes:
        """Canonical JSON: what `manifest.json` holds."""
        if self.written:
            return self.written
        made = asdict(self)
        del made["written"]
        return canonical(made)

    @property
    def id(self) -> str:
        return sha256(self.body)

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        import json

        raw: dict[str, Any] = json.loads(text)
        raw["columns"] = tuple(Column(**column) for column in raw["columns"])
        raw["inputs"] = tuple(raw["inputs"])
        if "parts" in raw:
            raw["parts"] = tuple(Part.of(part) for part in raw["parts"])
            return cls(**raw)
        files = [LakeFile(**file) for file in raw["files"]]
        rejects = LakeFile(**raw["rejects"]) if raw["rejects"] else None
        by_column = raw["rejected_by_column"]
        parts = (
            Part(files[0], rejects=rejects, rejected_by_column=by_column),
            *map(Part, files[1:]),
        )
        place = (raw["table"], raw["layer"], raw["columns"])
        return cls(*place, parts, raw["inputs"], raw["step"], text)


@dataclass(frozen=True, slots=True)
class Division:
    """A table is built by the values of `column`, each of which is `expression` over rows of
    `table` alone.

    `before` is the snapshot that may be brought up to date, made when `table` was `then`; None:
    everything is built.
    """

    column: str
    table: str
    expression: str
    before: Manifest | None = None
    then: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Sold:
    """What one contract may see of a table: `fields` in order, looked up by `key` (some of them),
    the rows that meet the predicate `rows` ("": all), each field masked as `mask` says; `salt` is
    the secret of its tokens.
    """

    table: str
    fields: tuple[str, ...]
    key: tuple[str, ...]
    rows: str = ""
    mask: Mapping[str, str] = field(default_factory=dict[str, str])
    salt: str = field(default="", repr=False)
