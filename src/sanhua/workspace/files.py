"""The raw files that a source names, with their content hashes."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

from sanhua.kernel.errors import Invalid, NotFound, Unavailable
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
    whole = ws.root / pattern
    folder = _fixed_part(whole)
    matched = _matched(whole)
    if not matched:
        raise NotFound(
            "collect.no-files",
            path=source.origin.path,
            line=source.origin.line,
            source=source.id,
            pattern=source.files,
        )
    for path in matched:
        # A path written out is followed; what only lies in a folder may not lead out of it.
        if whole != path and not path.resolve().is_relative_to(folder.resolve()):
            raise Invalid(
                "collect.link-outside",
                path=source.origin.path,
                line=source.origin.line,
                file=shown_path(ws, path),
                folder=shown_path(ws, folder),
            )
    return [
        RawInput(path, path.relative_to(folder).as_posix(), *hash_of(ws, path), part)
        for path in matched
    ]


def _fixed_part(whole: Path) -> Path:
    """The folder above the first wildcard."""
    if not glob.has_magic(str(whole)):
        return whole if whole.is_dir() else whole.parent
    return next(parent for parent in whole.parents if not glob.has_magic(str(parent)))


def _matched(whole: Path) -> list[Path]:
    """The files that a glob meets, by name; of a folder its Parquet files, else all in it."""
    if whole.is_dir():
        inside = [path for path in sorted(whole.rglob("*")) if path.is_file()]
        shown = [p for p in inside if not _hidden(p.relative_to(whole))]
        return [path for path in shown if path.suffix == ".parquet"] or shown
    found = glob.glob(str(whole), recursive=True)
    return sorted(Path(path) for path in found if Path(path).is_file())


def _hidden(path: Path) -> bool:
    """Whether tools put it there for themselves: `_SUCCESS`, `.crc`."""
    return any(part.startswith((".", "_")) for part in path.parts)


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
