"""Packed files: what is in an archive, one member's bytes, and bombs that are not unpacked.

`a.zip!stops.txt` is a member of a zip or tar; one that is alone in its archive need not be named.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

from sanhua.kernel.errors import Invalid, NotFound

EXPANDED_BYTES_MAX = 64 << 30  # what a packed file may unfold to
EXPANSION_MAX = 250  # and how many times its size, once past EXPANSION_FROM_BYTES
EXPANSION_FROM_BYTES = 256 << 20
MEMBERS_MAX = 100_000
CHUNK_BYTES = 1 << 20
PACKED = (".gz", ".bz2", ".xz")
BROKEN = (
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    NotImplementedError,  # a compression that is not built in
    EOFError,
)
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
_GLOB = re.compile(r"[*?\[]")

Member = zipfile.ZipInfo | tarfile.TarInfo


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(_ARCHIVES)


def members_of(path: Path, name: str, pattern: str) -> list[str]:
    """The members that `pattern` names, sorted when it is a glob; NotFound collect.no-member."""
    if not _GLOB.search(pattern):
        return [pattern]
    with _Archive(path, name) as archive:
        if pattern in archive.members:
            return [pattern]
        found = sorted(one for one in archive.members if fnmatchcase(one, pattern))
        if not found:
            raise archive.missing(pattern)
        for member in found:
            archive.checked(member)
    return found


def member_in(path: Path, name: str, part: str) -> tuple[str, str]:
    """The member that `part` names and what stands after it (`book.xlsx!Sheet`); without a part the
    only member. Invalid collect.which-member when there are several, and what a member may not be.
    """
    with _Archive(path, name) as archive:
        if not part:
            files = [one for one in archive.members if not _litter(one)]
            if len(files) != 1:
                listed = ", ".join(files[:20])
                raise Invalid("collect.which-member", file=name, members=listed or "–")
            return files[0], ""
        member, _, rest = (part, "", "") if part in archive.members else part.partition("!")
        archive.checked(member)
        return member, rest


@contextmanager
def open_bytes(path: Path, name: str, member: str) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked, or of a member of an archive; Invalid collect.empty,
    collect.broken-archive and what a member may not be, NotFound collect.no-member.
    """
    if member:
        with _Archive(path, name) as archive, archive.open(member) as stream:
            yield stream
        return
    with path.open("rb") as file:
        magic = file.read(6)
    if not magic:
        raise Invalid("collect.empty", file=name)
    lower = path.name.lower()
    unpack: Any = None
    if magic[:2] == b"\x1f\x8b":
        unpack = gzip.open
    elif magic[:3] == b"BZh" and lower.endswith(".bz2"):
        unpack = bz2.open
    elif magic == b"\xfd7zXZ\0":
        unpack = lzma.open
    elif lower.endswith(PACKED):
        kind = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}[path.suffix.lower()]
        raise Invalid("collect.broken-archive", file=name, reason=f"not {kind}")
    with unpack(path) if unpack else path.open("rb") as stream:
        yield stream


def chunks(stream: IO[bytes], packed: int, name: str) -> Iterator[bytes]:
    """The stream piece by piece; Invalid collect.unpacks-too-large for a bomb of `packed` bytes."""
    seen = 0
    while chunk := stream.read(CHUNK_BYTES):
        seen += len(chunk)
        if seen > EXPANDED_BYTES_MAX or is_bomb(seen, packed):
            raise Invalid("collect.unpacks-too-large", file=name, bytes=seen)
        yield chunk


def is_bomb(seen: int, packed: int) -> bool:
    """Whether so many bytes may not come out of so few."""
    return seen > EXPANSION_FROM_BYTES and seen > packed * EXPANSION_MAX


def plain_file(path: Path, name: str, member: str, scratch: Path, suffix: str) -> Path:
    """The file itself, or its unpacked copy; Invalid collect.empty."""
    if not member and not path.name.lower().endswith(PACKED):
        if path.stat().st_size == 0:
            raise Invalid("collect.empty", file=name)
        return path
    target = scratch / f"unpacked{suffix}"
    with open_bytes(path, name, member) as stream, target.open("wb") as out:
        for chunk in chunks(stream, path.stat().st_size, name):
            out.write(chunk)
    if target.stat().st_size == 0:
        raise Invalid("collect.empty", file=name)
    return target


class _Archive:
    """A zip or tar file by the names of its members; folders are left out."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        with path.open("rb") as file:
            magic = file.read(4)
        if not magic:
            raise Invalid("collect.empty", file=name)
        self.members: dict[str, Member] = {}
        self.twice: set[str] = set()
        self._zip = self._tar = None
        if magic[:2] == b"PK" or path.name.lower().endswith(".zip"):
            self._zip = zipfile.ZipFile(path)
            for info in self._zip.infolist():
                if not info.is_dir():
                    self._add(_spelled(info), info)
        elif path.name.lower().endswith(_ARCHIVES):
            self._tar = tarfile.open(path, "r:*")
            for entry in self._tar:
                if not entry.isdir():
                    self._add(entry.name.removeprefix("./"), entry)
        else:
            raise Invalid("collect.broken-archive", file=name, reason="neither zip nor tar")

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *_: object) -> None:
        for archive in (self._zip, self._tar):
            if archive is not None:
                archive.close()

    def _add(self, member: str, entry: Member) -> None:
        if member in self.members:
            self.twice.add(member)
        self.members[member] = entry
        if len(self.members) > MEMBERS_MAX:
            raise Invalid("collect.unpacks-too-large", file=self.name, bytes=len(self.members))

    def missing(self, member: str) -> NotFound:
        near = get_close_matches(member, self.members, 1) or sorted(self.members)[:8]
        nearest = ", ".join(near) or "–"
        return NotFound("collect.no-member", file=self.name, member=member, nearest=nearest)

    def checked(self, member: str) -> Member:
        """The entry, when it is one that may be read."""
        entry = self.members.get(member)
        if entry is None:
            raise self.missing(member)
        reason = ""
        if member.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", member):
            reason = "absolute"
        elif ".." in re.split(r"[/\\]", member):
            reason = "leaves"
        elif member in self.twice:
            reason = "twice"
        elif isinstance(entry, zipfile.ZipInfo):
            if stat.S_ISLNK(entry.external_attr >> 16):
                reason = "link"
            elif entry.flag_bits & 0x1:
                raise Invalid("collect.encrypted", file=self.name, member=member)
        elif not entry.isreg():
            reason = "link"
        if reason:
            raise Invalid("collect.unsafe-member", file=self.name, member=member, reason=reason)
        if member.lower().endswith(_ARCHIVES):
            raise Invalid("collect.nested-archive", file=self.name, member=member)
        return entry

    def open(self, member: str) -> IO[bytes]:
        entry = self.checked(member)
        if isinstance(entry, zipfile.ZipInfo):
            assert self._zip is not None
            return self._zip.open(entry)
        assert self._tar is not None
        stream = self._tar.extractfile(entry)
        assert stream is not None, "a regular file has content"
        return stream


def _spelled(info: zipfile.ZipInfo) -> str:
    """A member's name: zip tools of Chinese Windows write it in GBK and do not say so."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            name = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Two bytes of GBK are often two of UTF-8 too, for a letter that stands in no such name.
        if encoding != "utf-8" or not any("\x7f" < letter < "\u0800" for letter in name):
            return name
    return info.filename


def _litter(member: str) -> bool:
    return member.startswith("__MACOSX/") or member.rpartition("/")[2] in (".DS_Store", "Thumbs.db")
