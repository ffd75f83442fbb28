"""Files that survive a crash: written whole, synced, held by one process."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

BINARY = getattr(os, "O_BINARY", 0)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that after a crash it holds the old bytes or the new, never a part."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        write_new(part, data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """A file that was not there, for its owner alone, on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_first(path: Path, data: bytes) -> None:
    """As `write_new`, whole at once; the file of a process that was first stands as it is."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        write_new(part, data)
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


if os.name == "posix":
    import fcntl

    sync = getattr(os, "fdatasync", os.fsync)

    def hold(file: int) -> bool:
        """Lock an open file as long as it stays open; False when another process has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def sync_folder(folder: Path) -> None:
        """Make a new or renamed name durable."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

else:
    import msvcrt

    sync = os.fsync

    def hold(file: int) -> bool:
        """Lock an open file as long as it stays open; False when another process has it."""
        at = os.lseek(file, 0, os.SEEK_CUR)
        os.lseek(file, 1 << 40, os.SEEK_SET)  # far behind the data
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, at, os.SEEK_SET)
        return True

    def sync_folder(folder: Path) -> None:
        """A rename is durable by itself here, and a folder cannot be opened."""
