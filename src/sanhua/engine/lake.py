"""The lake 数据湖: `<layer>/<table>/<snapshot>/` with Parquet files and `manifest.json`.

A snapshot is never changed once it is there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from uuid import uuid4

from sanhua.engine.hashes import Hashes, hash_of
from sanhua.kernel.errors import Broken, Unavailable
from sanhua.kernel.table import LakeFile, Manifest

MANIFEST = "manifest.json"
UNFINISHED_DAYS_MAX = 7  # far longer than any step runs
_UNFINISHED = ".tmp-"


class Lake:
    """Snapshots below one folder. Opening it clears what killed processes left unfinished.

    `hashes` remembers which files were read whole before; without it every look reads them.
    """

    def __init__(self, root: Path, hashes: Hashes | None = None) -> None:
        self.root = root
        self.hashes = hashes or Hashes()
        root.mkdir(parents=True, exist_ok=True)
        sweep(root)

    def folder(self, layer: str, table: str, snapshot: str) -> Path:
        return self.root / layer / table / snapshot.removeprefix("sha256:")

    def path(self, manifest: Manifest) -> Path:
        return self.folder(manifest.layer, manifest.table, manifest.id)

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """A folder to write files into; gone afterwards. Unavailable lake.disk-full when there is
        no room.
        """
        folder = unfinished(self.root)
        try:
            folder.mkdir(parents=True)
            yield folder
        except OSError as error:
            if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
                raise Unavailable("lake.disk-full", path=str(self.root)) from error
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, folder: Path, manifest: Manifest) -> Manifest:
        """Move the files that `writing` gave into place as the snapshot of `manifest`; durable when
        it returns.

        An equal snapshot that is there already and whole is left alone.
        """
        target = self.path(manifest)
        if target.exists():
            if not self.verify(manifest):
                return manifest
            shutil.rmtree(target)
        (folder / MANIFEST).write_bytes(manifest.body)
        for path in folder.iterdir():
            _sync(path)
        _sync(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
        _sync(target.parent)
        return manifest

    def load(self, layer: str, table: str, snapshot: str) -> Manifest:
        """The manifest of a snapshot; Broken lake.missing or lake.manifest-differs."""
        path = self.folder(layer, table, snapshot) / MANIFEST
        try:
            text = path.read_bytes()
        except OSError as error:
            raise Broken("lake.missing", path=self._shown(path), table=table) from error
        try:
            manifest = Manifest.parse(text)
        except (ValueError, KeyError, TypeError) as error:
            raise Broken("lake.manifest-differs", path=self._shown(path), table=table) from error
        if manifest.id != snapshot or manifest.body != text:
            raise Broken("lake.manifest-differs", path=self._shown(path), table=table)
        return manifest

    def link(self, layer: str, table: str, snapshot: str, file: LakeFile, target: Path) -> LakeFile:
        """Give a file of a snapshot a second name in another; nothing is copied where the disk can
        do that.
        """
        source = self.folder(layer, table, snapshot) / file.path
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
        return replace(file, path=target.name)

    def verify(self, manifest: Manifest, *, whole: bool = True) -> list[str]:
        """What of a snapshot's bytes is not as its manifest says, each as `path: what`; when not
        `whole`, a file that is the same as when it was read last is not read again.
        """
        folder = self.path(manifest)
        listed = [*manifest.files, *manifest.rejects]
        hashed = hash_of if whole else self.hashes.of
        faults: list[str] = []
        for file in listed:
            path = folder / file.path
            with suppress(OSError):
                if path.stat().st_size == file.bytes and hashed(path)[0] == file.sha256:
                    continue
            faults.append(f"{self._shown(path)}: {'differs' if path.exists() else 'missing'}")
        if (
            (folder / MANIFEST).read_bytes() != manifest.body
            if (folder / MANIFEST).exists()
            else True
        ):
            faults.append(f"{self._shown(folder / MANIFEST)}: differs")
        known = {MANIFEST, *(file.path for file in listed)}
        more = sorted({path.name for path in folder.iterdir()} - known) if folder.exists() else []
        return faults + [f"{self._shown(folder / name)}: not in the manifest" for name in more]

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def describe(path: Path, rows: int) -> LakeFile:
    """The manifest's entry of a file just written."""
    sha256, size = hash_of(path)
    return LakeFile(path.name, rows, size, sha256)


def unfinished(root: Path) -> Path:
    """The name of a folder in `root` that `sweep` clears when this process was killed."""
    return root / f"{_UNFINISHED}{_here()}-{os.getpid()}-{uuid4().hex}"


def sweep(root: Path) -> None:
    """Clear what killed processes left in `root`: here once their process is gone, of another
    machine (`root` may be shared) once nothing in it was written for UNFINISHED_DAYS_MAX.
    """
    for left in root.glob(f"{_UNFINISHED}*"):
        if not _alive(left):
            shutil.rmtree(left, ignore_errors=True)


@cache
def _here() -> str:
    """Where a process number means one process: a boot of a machine, and a container on it."""
    known = [platform.node()]
    with suppress(OSError):
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        known.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:12]


def _alive(folder: Path) -> bool:
    place, _, rest = folder.name.removeprefix(_UNFINISHED).partition("-")
    process = rest.partition("-")[0]
    if place == _here() and process.isdigit() and os.name != "nt":
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True
    try:
        last = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except FileNotFoundError:  # it is being written, or cleared
        return True
    return time.time() - last < UNFINISHED_DAYS_MAX * 86400


def _sync(path: Path) -> None:
    """Make a file or folder durable; Windows keeps folders by itself."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
