"""Where a declared thing was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """`path` relative to the project folder, `line` from 1, `sha256` of the whole file
    (`sha256:<hex>`).
    """

    path: str
    line: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A paper that something rests on: a file of the folder (`path`), or one kept elsewhere
    (`title`), by its hash.
    """

    sha256: str
    path: str = ""
    title: str = ""
