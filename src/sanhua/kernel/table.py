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
    header: bool | None = None
    skip: int = 0
    sheet: str = ""
    range: str = ""
    records: str = ""  # a path into JSON: `$`, `$.data`, `$.data[*].items`
    key: str = ""  # name of the column that an object of objects gets for its keys
    header_rows: int = 0  # how many rows the headings of a sheet take
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
class Manifest:
    """An immutable snapshot of one table; its id is the hash of this, so equal content has one id.

    `inputs` are the node ids it was made from (raw files, snapshots, code lists), `step`
    the hash of what made it (SQL or reading, contract, engine). No time, run or machine stands in
    it.
    """

    table: str
    layer: str  # raw | built
    columns: tuple[Column, ...]
    rows: int
    files: tuple[LakeFile, ...]
    inputs: tuple[str, ...]
    step: str
    rejected: int = 0
    rejects: LakeFile | None = (
        None  # columns: input, record, line, reasons, row (JSON text of the raw row)
    )
    rejected_by_column: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def body(self) -> bytes:
        """Canonical JSON: what `manifest.json` holds."""
        return canonical(asdict(self))

    @property
    def id(self) -> str:
        return sha256(self.body)

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        import json

        raw: dict[str, Any] = json.loads(text)
        raw["columns"] = tuple(Column(**column) for column in raw["columns"])
        raw["files"] = tuple(LakeFile(**file) for file in raw["files"])
        raw["inputs"] = tuple(raw["inputs"])
        raw["rejects"] = LakeFile(**raw["rejects"]) if raw["rejects"] else None
        return cls(**raw)


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
