"""Segments: append-only files of lines, committed in groups and chained batch by batch.

A segment starts with a line that names it; every commit adds the waiting lines and one line
`{"batch": H, "lines": N}` with H = SHA-256 over the previous H and the lines, then waits for the
disk. So what was acknowledged is in a whole batch, and a cut or changed line breaks the chain.
While it is written the file ends in `.open` and its writer holds a lock on it; `close` renames it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sanhua.kernel.errors import Broken, Unavailable
from sanhua.store.disk import BINARY, hold, sync, sync_folder

OPEN, WHOLE = ".open", ".ndjson"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_BATCH = b'{"batch":"'


class SegmentWriter:
    """One segment being written, by one process. `commit` is called by one thread at a time."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.lines = name, 0
        self.path = folder / f"{name}{OPEN}"
        new = self.path if BINARY else folder / f"{name}.new"  # Windows renames no open file
        try:
            self._file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        except OSError as error:
            raise _full(error, self.path) from error
        hold(self._file)  # before the name is there, so that `recover` never takes it for dead
        if new != self.path:
            new.rename(self.path)
        head = json.dumps({"segment": name, "format": "sanhua-meter/1"}).encode() + b"\n"
        self._chain = hashlib.sha256(head).hexdigest()
        self._size = 0
        try:
            self._write(head)
            sync_folder(folder)
        except OSError as error:
            self.discard()
            raise _full(error, self.path) from error

    def commit(self, lines: Sequence[bytes]) -> None:
        """Add `lines` (each ends in a newline) as one batch and wait until the disk has it.

        Unavailable store.meter-full when it could not be written: then nothing of it is kept.
        """
        body = b"".join(lines)
        chain = hashlib.sha256(self._chain.encode() + body).hexdigest()
        try:
            self._write(body + b'%s%s","lines":%d}\n' % (_BATCH, chain.encode(), len(lines)))
        except OSError as error:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise _full(error, self.path) from error
        self._chain = chain
        self.lines += len(lines)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        sync(self._file)
        self._size += len(data)

    def close(self) -> Path | None:
        """End the segment; its path, or None when it held nothing."""
        if not self.lines:
            self.discard()
            return None
        whole = self.path.with_suffix(WHOLE)
        if BINARY:
            os.close(self._file)
            self.path.rename(whole)
        else:
            self.path.rename(whole)
            os.close(self._file)
        sync_folder(whole.parent)
        return whole

    def discard(self) -> None:
        os.close(self._file)
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds: whole batches, their lines, the chain's end, and bytes after it."""

    batches: int
    lines: int
    chain: str
    good: int
    size: int


def batches(path: Path) -> Iterator[tuple[list[bytes], str, int]]:
    """The lines of each whole batch in order, the chain after it and the offset behind it.

    Stops at the first batch that is not whole or does not chain; Broken store.meter-broken for a
    file that is no segment.
    """
    with path.open("rb") as file:
        head = file.readline()
        try:
            named = json.loads(head)["segment"] == path.stem and head.endswith(b"\n")
        except (ValueError, KeyError, TypeError):
            named = False
        if not named:
            raise Broken("store.meter-broken", file=path.name, at=0)
        chain, waiting, offset = hashlib.sha256(head).hexdigest(), list[bytes](), len(head)
        for line in file:
            offset += len(line)
            if not line.startswith(_BATCH):
                waiting.append(line)
                continue
            chain = hashlib.sha256(chain.encode() + b"".join(waiting)).hexdigest()
            if line != b'%s%s","lines":%d}\n' % (_BATCH, chain.encode(), len(waiting)):
                return
            yield waiting, chain, offset
            waiting = []


def look(path: Path) -> Found:
    """Count a segment and check its chain; `good` < `size` when something stands behind it."""
    count, lines, chain, good = 0, 0, "", 0
    for found, after, offset in batches(path):
        count, lines, chain, good = count + 1, lines + len(found), after, offset
    return Found(count, lines, chain, good, path.stat().st_size)


def recover(folder: Path) -> list[Path]:
    """Close the segments whose writers are gone; what stands behind the last whole batch (never
    acknowledged) goes to `<name>.torn`.
    """
    closed: list[Path] = []
    for path in sorted(folder.glob(f"*{OPEN}")):
        try:
            file = os.open(path, os.O_RDWR | BINARY)
        except FileNotFoundError:
            continue  # its writer was quicker
        try:
            if not hold(file):
                continue
            try:
                found = look(path)
            except Broken:  # not even its first line is whole
                found = Found(0, 0, "", 0, path.stat().st_size)
            if found.good < found.size:
                with path.open("rb") as whole:
                    whole.seek(found.good)
                    path.with_suffix(".torn").write_bytes(whole.read())
                os.ftruncate(file, found.good)
                sync(file)
        finally:
            os.close(file)
        if found.lines:
            path.rename(path.with_suffix(WHOLE))
            closed.append(path.with_suffix(WHOLE))
        else:
            path.unlink()
    if closed:
        sync_folder(folder)
    return closed


def _full(error: OSError, path: Path) -> Exception:
    if error.errno in _FULL:
        return Unavailable("store.meter-full", file=path.name, reason=error.strerror or "")
    return Unavailable("store.cannot-open", file=path.name, reason=error.strerror or str(error))
