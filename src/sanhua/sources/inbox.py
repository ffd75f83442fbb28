"""The inbox folder: files that others put there are taken when they are whole."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.resource.collect import Inbox
from sanhua.sources.landing import HALF, Landing, Note, checked_name, landing_errors


@dataclass(frozen=True, slots=True)
class Lying:
    """A file of the folder, last `changed` at (epoch s). `mark` tells it from another of the same
    name: a crash between note and removal makes the same note again.
    """

    path: Path
    mark: str
    changed: float


def lying(inbox: Inbox, folder: Path, now: float | None = None) -> tuple[list[Lying], list[str]]:
    """The files that are whole, oldest first, and the names of those that are not yet.

    Links, folders and hidden files are no files here.
    """
    now = time.time() if now is None else now
    whole: list[Lying] = []
    waiting: list[str] = []
    if not folder.is_dir():
        return [], []
    with landing_errors(folder):
        entries = list(os.scandir(folder))
    names = {entry.name for entry in entries}
    for entry in entries:
        name = entry.name
        if name.startswith(".") or (inbox.done and name.endswith(inbox.done)):
            continue
        if not entry.is_file(follow_symlinks=False):
            continue
        if name.lower().endswith(HALF):
            waiting.append(name)
            continue
        stat = entry.stat(follow_symlinks=False)
        # A copy may keep the old time of writing; when its entry changed cannot be set.
        changed = max(stat.st_mtime, stat.st_ctime) if os.name != "posix" else stat.st_ctime
        still = now - changed >= inbox.settle.total_seconds()
        if f"{name}{inbox.done}" in names if inbox.done else still:
            mark = f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_size}"
            whole.append(Lying(Path(entry.path), mark, changed))
        else:
            waiting.append(name)
    whole.sort(key=lambda one: (one.changed, one.path.name))
    return whole, sorted(waiting)


def take(
    inbox: Inbox,
    folder: Path,
    landing: Landing,
    moment: Callable[[float], str],
    tell: Callable[[Diagnostic], None],
) -> Iterator[Note]:
    """Land every whole file of the folder, note it, and remove it from the folder. It came when it
    was last changed, which `moment` puts into words.

    A file that changes while it is read is left for next time; one whose name is none for a file
    stays where it is and is told of.
    """
    for number, one in enumerate(lying(inbox, folder)[0]):
        try:
            name = checked_name(one.path.name)
        except Invalid as error:
            found = error.diagnostic
            tell(Diagnostic(Severity.WARNING, found.code, facts=found.facts))
            continue
        with landing_errors(folder):
            with landing.receiving(name) as receiving:
                try:
                    descriptor = os.open(one.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
                except FileNotFoundError:
                    continue
                with os.fdopen(descriptor, "rb") as file:
                    receiving.copy(file)
                    stat = os.fstat(file.fileno())
                if f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_size}" != one.mark:
                    continue
                content = receiving.keep()
            key = hashlib.sha256(f"{name} {one.mark}".encode()).hexdigest()[:16]
            at = moment(one.changed)
            digits = "".join(c for c in at if c.isdigit())
            note = Note(
                f"{digits}-{number:06d}-{key}", name, content, receiving.bytes, at, "folder"
            )
            known = next(landing.incoming.glob(f"*-{key}.json"), None)
            if known is None:
                landing.note(note)
            one.path.unlink(missing_ok=True)
            if inbox.done:
                (folder / f"{one.path.name}{inbox.done}").unlink(missing_ok=True)
        yield note
