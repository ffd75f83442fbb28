"""Land: bytes become files named by their content hash, on the disk before anybody is told.

    state/raw/<source>/<sha256>.csv         what came, never changed; the same bytes once
    state/raw/<source>/incoming/<id>.json   notes of what came and is not entered in the store yet

A crash leaves at most a file that nothing names, or a note that is entered next time.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from sanhua.kernel.errors import Invalid, Unavailable

CHUNK_BYTES = 1 << 20
NAME_MAX = 200
PART = ".part"
HALF = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".swp", "~")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8}){1,2}$")
# A path, signs that do not show, and what is left of a name in another encoding (\ud800, \ufffd).
_UNNAMEABLE = re.compile(
    r"[/\\:*?\"<>|\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffd]"
)


@dataclass(frozen=True, slots=True)
class Note:
    """What came: under which name, with which content, when, by whom. Its id orders the notes."""

    id: str
    name: str
    content: str  # sha256:<hex>
    bytes: int
    at: str
    via: str
    sender: str = ""


@dataclass(slots=True)
class Landing:
    """The raw folder of one source."""

    folder: Path
    _synced: bool = field(default=False, repr=False)

    def path(self, name: str, content: str) -> Path:
        """Where a content lies; it keeps the ending of the name, by which its format is known."""
        found = _SUFFIX.search(name.lower())
        return self.folder / f"{content.removeprefix('sha256:')}{found[0] if found else ''}"

    @property
    def incoming(self) -> Path:
        return self.folder / "incoming"

    def has(self, name: str, content: str) -> bool:
        return self.path(name, content).exists()

    @contextmanager
    def receiving(self, name: str) -> Iterator[Receiving]:
        """Bytes on their way in: write them, then `keep`; what is not kept is gone."""
        self._made()
        part = self.folder / f".{secrets.token_hex(8)}{PART}"
        with landing_errors(self.folder):
            file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            receiving = Receiving(self, name, part, file)
            try:
                yield receiving
            finally:
                file.close()
                part.unlink(missing_ok=True)

    def note(self, note: Note) -> None:
        """Write the note, on the disk when this returns; a note of the same id is this one."""
        self._made()
        body = json.dumps(asdict(note), ensure_ascii=False).encode()
        part = self.incoming / f".{secrets.token_hex(8)}{PART}"
        with landing_errors(self.folder):
            try:
                _write(part, body)
                part.replace(self.incoming / f"{note.id}.json")
            finally:
                part.unlink(missing_ok=True)
            sync_folder(self.incoming)

    def notes(self) -> list[Note]:
        """What waits, in the order of the ids."""
        if not self.incoming.is_dir():
            return []
        found: list[Note] = []
        for path in sorted(self.incoming.glob("*.json")):
            with suppress(FileNotFoundError):
                found.append(Note(**json.loads(path.read_bytes())))
        return found

    def entered(self, ids: list[str]) -> None:
        """Take the notes away that are in the store."""
        for one in ids:
            (self.incoming / f"{one}.json").unlink(missing_ok=True)

    def sweep(self, older_than: float) -> None:
        """Take away what a killed receiver left, last written before `older_than` (epoch s)."""
        for folder in (self.folder, self.incoming):
            for path in folder.glob(f".*{PART}") if folder.is_dir() else ():
                with suppress(OSError):
                    if path.stat().st_mtime < older_than:
                        path.unlink()

    def _made(self) -> None:
        if not self._synced:
            with landing_errors(self.folder):
                self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
                sync_folder(self.folder)
                sync_folder(self.folder.parent)
            self._synced = True


class Receiving:
    """A file under way: hashed while it is written."""

    def __init__(self, landing: Landing, name: str, part: Path, file: IO[bytes]) -> None:
        self.landing, self.name, self.part, self.file = landing, name, part, file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self._hash.update(data)
        self.bytes += len(data)

    def restart(self) -> None:
        """Forget what was written."""
        self.file.seek(0)
        self.file.truncate()
        self._hash, self.bytes = hashlib.sha256(), 0

    def copy(self, source: IO[bytes]) -> None:
        while data := source.read(CHUNK_BYTES):
            self.write(data)

    @property
    def content(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    def keep(self) -> str:
        """Make it durable under its content hash; the hash."""
        self.file.flush()
        os.fsync(self.file.fileno())
        place = self.landing.path(self.name, self.content)
        with suppress(FileExistsError):
            _link(self.part, place)
        sync_folder(self.landing.folder)
        return self.content


def _link(part: Path, place: Path) -> None:
    try:
        os.link(part, place)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise
        part.replace(place)  # a file system without links


def keep_file(landing: Landing, path: Path, name: str) -> tuple[str, int]:
    """Land a file that was made here; its content hash and size."""
    with landing.receiving(name) as receiving, path.open("rb") as file:
        receiving.copy(file)
        return receiving.keep(), receiving.bytes


def checked_name(name: str) -> str:
    """A name that somebody outside gave, in NFC; Invalid inbox.bad-name when it is none for a
    file: a path, hidden, half written by its ending, not in UTF-8, or with signs that do not show.
    """
    plain = unicodedata.normalize("NFC", name)
    bad = (
        not plain
        or _UNNAMEABLE.search(plain)
        or len(plain.encode()) > NAME_MAX
        or plain != plain.strip()
        or plain.startswith(".")
        or plain.lower().endswith(HALF)
    )
    if bad:
        raise Invalid("inbox.bad-name", name=_UNNAMEABLE.sub("?", plain)[:80])
    return plain


def is_name(name: str) -> bool:
    """Whether `checked_name` takes it."""
    try:
        checked_name(name)
    except Invalid:
        return False
    return True


@contextmanager
def landing_errors(folder: Path) -> Iterator[None]:
    """A full disk or a missing right as what it is."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable("run.disk-full", path=str(folder)) from error
        raise Unavailable(
            "run.no-access", path=str(error.filename or folder), reason=error.strerror or ""
        ) from error


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a new or renamed name durable, where a folder can be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
