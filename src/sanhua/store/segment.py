"""Segments: append-only files of lines, committed in groups and chained batch by batch.

A segment starts with a line that names it; every commit adds the waiting lines and one line
`{"batch": H, "lines": N}` with H = SHA-256 over the previous H and the lines, then waits for the
disk. So what was acknowledged is in a whole batch, and a cut or changed line breaks the chain.
While it is written the file ends in `.open` and its writer holds a lock on it; `close` renames it.

What is found broken is of two kinds. A writer that is killed leaves a part of its last batch,
without the batch's end: that was never acknowledged, is cut and kept as `.torn`. Where an end of a
batch stands behind the broken place, something was changed afterwards: the whole file is kept as
`.broken` for a person to look into, and the batches that can still be proven go on as the segment.
Not told apart from a part of a batch are a last batch whose end was cut off or overwritten beyond
recognition, and a segment that was cut just behind a batch or taken away whole. A power cut may
leave the end of a last batch without all that stands before it: that is taken for damage.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sanhua.kernel.errors import Broken, Unavailable
from sanhua.store.disk import BINARY, hold, sync, sync_folder, write_whole

OPEN, WHOLE, TORN, BROKEN, NEW = ".open", ".ndjson", ".torn", ".broken", ".new"
NEW_S = 60  # a segment has its name at once; one that is older was left by a crash
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_BATCH = b'{"batch":"'
_END = re.compile(rb'\{"batch":"([0-9a-f]{64})","lines":[0-9]+\}.', re.DOTALL)
_COUNT = re.compile(rb'","lines":[0-9]+\}.', re.DOTALL)  # no usage record says such a thing
_log = logging.getLogger(__name__)


def _head(name: str) -> bytes:
    return json.dumps({"segment": name, "format": "sanhua-meter/1"}).encode() + b"\n"


def _chained(chain: str, body: bytes) -> str:
    return hashlib.sha256(chain.encode() + body).hexdigest()


def _end(chain: str, lines: int) -> bytes:
    return b'%s%s","lines":%d}\n' % (_BATCH, chain.encode(), lines)


def ends_batch(line: bytes) -> bool:
    """Whether the line is the end of a batch, or was before a byte of it was changed."""
    return line.startswith(_BATCH) and line.endswith(b"\n") or _COUNT.search(line) is not None


class SegmentWriter:
    """One segment being written, by one process; its methods are called by one thread at a time.

    `spoilt`: it takes no more lines, what was acknowledged is kept by `close`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.lines, self.spoilt = name, 0, False
        self.path = folder / f"{name}{OPEN}"
        new = self.path if BINARY else folder / f"{name}{NEW}"  # Windows renames no open file
        head = _head(name)
        self._chain = hashlib.sha256(head).hexdigest()
        self._size, self._file = 0, -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
            hold(self._file)  # before the name is there, so that `recover` never takes it for dead
            if new != self.path:
                new.rename(self.path)
            self._write(head)
            sync_folder(folder)
        except OSError as error:
            with suppress(OSError):
                self.discard()
                new.unlink(missing_ok=True)
            raise _full(error, self.path) from error

    def commit(self, lines: Sequence[bytes]) -> None:
        """Add `lines` (each ends in a newline) as one batch and wait until the disk has it.

        Unavailable store.meter-full when it could not be written: then nothing of it is kept.
        """
        body = b"".join(lines)
        chain = _chained(self._chain, body)
        try:
            if not self._is_here():
                self.spoilt = True
                raise FileNotFoundError(errno.ENOENT, "taken away while it was written")
            self._write(body + _end(chain, len(lines)))
        except OSError as error:
            try:
                self._cut()
            except OSError:  # a part of it may stand there, and nothing may come behind that
                self.spoilt = True
            raise _full(error, self.path) from error
        self._chain = chain
        self.lines += len(lines)

    def _is_here(self) -> bool:
        """Whether the name still leads to the file that is written."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _cut(self) -> None:
        """Back to the last whole batch."""
        os.ftruncate(self._file, self._size)
        os.lseek(self._file, self._size, os.SEEK_SET)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        sync(self._file)
        self._size += len(data)

    def close(self) -> Path | None:
        """End the segment; its path, or None when it held nothing (or is for `recover` to close,
        which may find a last batch in it that was not acknowledged). What was acknowledged is kept
        even when somebody took the name away meanwhile. Unavailable when that cannot be done just
        now: to be called again. Again after that changes nothing.
        """
        if not self.lines:
            self.discard()
            return None
        whole = self.path.with_suffix(WHOLE)
        if self._file < 0 and self.path == whole:
            return whole
        if self.spoilt and self._file >= 0:
            try:
                self._cut()
            except OSError:
                if self.path.exists():  # `recover` cuts it, once nobody holds it
                    self._let_go()
                    return None
        try:
            if BINARY:
                self._let_go()
            if not BINARY and not self._is_here():
                whole.parent.mkdir(parents=True, exist_ok=True)
                write_whole(whole, os.pread(self._file, self._size, 0))
                _log.error("%s was taken away; written again as %s", self.path.name, whole.name)
            else:
                self.path.rename(whole)
            self.path = whole
            sync_folder(whole.parent)
        except OSError as error:
            raise _full(error, self.path) from error
        self._let_go()
        return whole

    def discard(self) -> None:
        self._let_go()
        self.path.unlink(missing_ok=True)

    def _let_go(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            with suppress(OSError):
                os.close(file)


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
            chain = _chained(chain, b"".join(waiting))
            if line != _end(chain, len(waiting)):
                return
            yield waiting, chain, offset
            waiting = []


def look(path: Path) -> Found:
    """Count a segment and check its chain; `good` < `size` when something stands behind it."""
    count, lines, chain, good = 0, 0, "", 0
    for found, after, offset in batches(path):
        count, lines, chain, good = count + 1, lines + len(found), after, offset
    return Found(count, lines, chain, good, path.stat().st_size)


def is_whole(path: Path) -> bool:
    """Whether everything in a closed segment is in a whole batch."""
    try:
        found = look(path)
    except Broken:
        return False
    return found.good == found.size


def recover(folder: Path) -> list[Path]:
    """Close the segments whose writers are gone. A part of a batch behind the last whole one (never
    acknowledged) goes to `<name>.torn`; a damaged segment is set aside.
    """
    closed: list[Path] = []
    with os.scandir(folder) as entries:
        found = sorted(entry.name for entry in entries if entry.name.endswith((OPEN, NEW)))
    for path in (folder / name for name in found):
        try:
            file = os.open(path, os.O_RDWR | BINARY)
        except FileNotFoundError:
            continue  # its writer was quicker
        try:
            if path.suffix == NEW and time.time() - os.fstat(file).st_mtime < NEW_S:
                continue
            if not hold(file):
                continue
            if path.suffix == NEW:
                path.unlink(missing_ok=True)
                continue
            try:
                found = look(path)
            except Broken:  # not even its first line is whole
                found = Found(0, 0, "", 0, path.stat().st_size)
            damaged = any(map(ends_batch, lines_behind(path, found.good)))
            if found.good < found.size and not damaged:
                with path.open("rb") as whole:
                    whole.seek(found.good)
                    path.with_suffix(TORN).write_bytes(whole.read())
                os.ftruncate(file, found.good)
                sync(file)
        finally:
            os.close(file)
        if damaged:
            if set_aside(path):
                closed.append(path.with_suffix(WHOLE))
        elif found.lines:
            path.rename(path.with_suffix(WHOLE))
            closed.append(path.with_suffix(WHOLE))
        else:
            path.unlink()
    if closed:
        sync_folder(folder)
    return closed


def set_aside(path: Path) -> bool:
    """Keep a damaged segment as `<name>.<hash>.broken` and let the batches that it still proves go
    on as `<name>.ndjson`; False when there is none. Broken off at any point it can be done again.
    """
    data, whole = path.read_bytes(), path.with_suffix(WHOLE)
    aside = path.with_name(f"{path.stem}.{hashlib.sha256(data).hexdigest()[:8]}{BROKEN}")
    write_whole(aside, data)
    head = _head(path.stem)
    chain, parts, lines = hashlib.sha256(head).hexdigest(), [head], 0
    for batch in _provable(path):
        body = b"".join(batch)
        chain = _chained(chain, body)
        parts += [body, _end(chain, len(batch))]
        lines += len(batch)
    if lines:
        write_whole(whole, b"".join(parts))
    if path != whole or not lines:
        path.unlink()
    _log.error("%s is damaged: kept as %s; %d records can be proven", path.name, aside.name, lines)
    return lines > 0


def _provable(path: Path) -> Iterator[list[bytes]]:
    """The batches of a damaged segment that chain from the end of the batch before them, either as
    that is written or, when the end itself is damaged, as its lines give it (which proves them).
    """
    bases: list[tuple[str, list[bytes]]] = [(hashlib.sha256(_head(path.stem)).hexdigest(), [])]
    waiting: list[bytes] = []
    with path.open("rb") as file:
        file.readline()
        for line in file:
            if not ends_batch(line):
                waiting.append(line)
                continue
            told = _END.search(line)  # lines grow together where a newline was changed
            written = told[1].decode() if told else ""
            body = b"".join(waiting)
            proven = [doubted for chain, doubted in bases if _chained(chain, body) == written]
            if proven:
                yield from filter(None, (proven[0], waiting))
                bases = [(written, [])]
            else:
                made = _chained(bases[0][0], body), waiting
                bases = [(written, []), made] if written else [made]
            rest = line[told.end() :] if told else b""
            waiting = [rest] if rest else []


def lines_behind(path: Path, offset: int) -> list[bytes]:
    """What stands behind `offset`; the last may be no whole line."""
    with path.open("rb") as file:
        file.seek(offset)
        return list(file)


def _full(error: OSError, path: Path) -> Exception:
    if error.errno in _FULL:
        return Unavailable("store.meter-full", file=path.name, reason=error.strerror or "")
    return Unavailable("store.cannot-open", file=path.name, reason=error.strerror or str(error))
