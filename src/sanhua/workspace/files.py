"""The raw files that a source names, with their content hashes."""

from __future__ import annotations

import glob
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sanhua.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from sanhua.resource.arrival import period_name, period_of_name
from sanhua.resource.collect import Source
from sanhua.workspace.arriving import counting, landing_of, must_be_there
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
    """The files of `source` that count: by name, or, of what arrived, by period. NotFound
    collect.no-files when its glob meets none; of a source that nothing came from yet, none.

    Conflict collect.period-twice when two files of a folder are about the same period.
    """
    if source.fetched is not None:
        return _arrived(ws, source)
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
    seen: dict[int, str] = {}
    for path in matched:
        period = period_of_name(source, path.name) if source.period else None
        if period is not None and seen.setdefault(period, path.name) != path.name:
            raise Conflict(
                "collect.period-twice",
                path=source.origin.path,
                line=source.origin.line,
                source=source.id,
                period=period_name(source.cadence, period),
                one=seen[period],
                other=path.name,
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


def _arrived(ws: Workspace, source: Source) -> list[RawInput]:
    landing = landing_of(ws, source.id)
    found = counting(ws, source)
    twice = {name for name, count in Counter(one.name for one in found).items() if count > 1}
    return [
        RawInput(
            must_be_there(landing, one),
            f"{one.name}@{one.content[7:19]}" if one.name in twice else one.name,
            one.content,
            one.bytes,
        )
        for one in found
    ]


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
