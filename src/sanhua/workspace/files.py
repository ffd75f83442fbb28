"""The raw files that a source names, with their content hashes."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

from sanhua.kernel.errors import NotFound, Unavailable
from sanhua.resource.collect import Source
from sanhua.workspace.opening import Workspace


@dataclass(frozen=True, slots=True)
class RawInput:
    """`name` as the source names it (without the machine's folders above its glob), `part` a member
    of a zip.
    """

    path: Path
    name: str
    sha256: str
    bytes: int
    part: str = ""


def find_files(ws: Workspace, source: Source) -> list[RawInput]:
    """The files of `source` by name; NotFound collect.no-files when its glob meets none."""
    if source.elsewhere:
        raise Unavailable(
            "collect.not-built",
            path=source.origin.path,
            line=source.origin.line,
            source=source.id,
            key=source.elsewhere,
        )
    pattern, _, part = source.files.partition("!")
    whole = pattern if Path(pattern).is_absolute() else str(ws.root / pattern)
    matched = sorted(
        Path(path) for path in glob.glob(whole, recursive=True) if Path(path).is_file()
    )
    if not matched:
        raise NotFound(
            "collect.no-files",
            path=source.origin.path,
            line=source.origin.line,
            source=source.id,
            pattern=source.files,
        )
    return [RawInput(path, path.name, *hash_of(ws, path), part) for path in matched]


def shown_path(ws: Workspace, path: Path) -> str:
    """`path` for people: relative to the project when it lies in it."""
    return path.relative_to(ws.root).as_posix() if path.is_relative_to(ws.root) else str(path)


def hash_of(ws: Workspace, path: Path) -> tuple[str, int]:
    """`sha256:…` and the size of a file; Unavailable collect.unreadable."""
    try:
        return ws.hashes.of(path)
    except OSError as error:
        raise Unavailable(
            "collect.unreadable", path=str(path), reason=error.strerror or str(error)
        ) from error
