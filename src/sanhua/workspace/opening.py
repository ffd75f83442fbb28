"""Open a project folder: its texts, rules, store, engine and keys."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sanhua.kernel.errors import Broken, Conflict, Invalid
from sanhua.kernel.ids import node
from sanhua.kernel.ports import Clock, Engine
from sanhua.project import load
from sanhua.project.location import VARIABLE
from sanhua.project.model import Project
from sanhua.rules.packs import Packs

if TYPE_CHECKING:
    from sanhua.engine.hashes import Hashes
    from sanhua.engine.lake import Lake
    from sanhua.store import SqlStore

LOCK_WAIT_S = 30.0


class Workspace:
    """One project folder in use. Parts are opened when first asked for; `close()` lets them go.

    `clock` and `entropy` are given by replays and tests; a seeded replay with a set clock gives the
    same bytes.
    """

    _held = False  # whether this is the one writer

    def __init__(
        self,
        root: Path,
        *,
        env: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        actor: str = "",
        offset: timedelta | None = None,
    ) -> None:
        self.root = root.resolve()
        self.env = dict(os.environ if env is None else env)
        self._offset = offset
        self._clock = clock
        self._entropy = entropy
        self._actor = actor or self.env.get("SANHUA_ACTOR", "")

    @cached_property
    def project(self) -> Project:
        return load(self.root, self.env)

    @cached_property
    def rules(self) -> Packs:
        calendar = self.root / "calendar.csv"
        return Packs.load(self.project.settings.rules, calendar if calendar.exists() else None)

    @cached_property
    def clock(self) -> Clock:
        from sanhua.store.clock import SystemClock

        return self._clock or SystemClock(self.clock_offset)

    @property
    def clock_offset(self) -> timedelta:
        """How far this project's clock is set from the host's, for a rehearsal: whole seconds from
        SANHUA_CLOCK_OFFSET_S. Invalid run.clock-offset.
        """
        written = self.env.get("SANHUA_CLOCK_OFFSET_S", "0")
        if self._offset is not None:
            return self._offset
        try:
            return timedelta(seconds=int(written))
        except (ValueError, OverflowError) as error:
            raise Invalid("run.clock-offset", value=written) from error

    @property
    def hour(self) -> str:
        """The hour of the clock, which what is promised by the hour is judged anew in."""
        return f"{self.clock.now():%Y-%m-%dT%H}"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def out(self) -> Path:
        """Where reports are written; may be deleted."""
        return self.root / ".sanhua" / "out"

    @property
    def temp(self) -> Path:
        """Scratch of the engine; may be deleted when nothing runs."""
        return self.root / ".sanhua" / "tmp"

    @property
    def entity(self) -> str:
        """The default entity's id."""
        return self.project.settings.entities[0].id

    @property
    def actor(self) -> str:
        """The node of whoever acts: `--as`, SANHUA_ACTOR, else the default entity."""
        if self._actor and self._actor not in self.project.parties:
            raise Invalid(
                "run.unknown-actor", actor=self._actor, known=", ".join(self.project.parties)
            )
        return node("party", self._actor or self.entity)

    @cached_property
    def store(self) -> SqlStore:
        from sanhua.store import open_store
        from sanhua.store.keys import FileSigner

        keys = self.state / "keys"
        keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (self.state / "state.db").exists() and not (keys / "log.key").exists():
            raise Broken("keys.missing", file=str(keys / "log.key"))
        return open_store(
            self._store_url,
            clock=self.clock,
            rules=self.rules,
            signer=FileSigner.open(keys / "log.key", f"sanhua/{self.project.name}"),
            published=keys / "published.checkpoint",
            apart=self.root / ".sanhua" / "published.checkpoint",
            entropy=self._entropy,
        )

    @property
    def _store_url(self) -> str:
        url = self.project.settings.store
        lacking = re.search(VARIABLE, url)
        if lacking:
            raise Invalid("format.unset-variable", path="sanhua.yaml", name=lacking[1])
        return url or f"sqlite:///{(self.state / 'state.db').as_posix()}"

    @property
    def has_store(self) -> bool:
        """Whether anything was ever run here."""
        if "store" in self.__dict__:
            return True
        if not self.project.settings.store:
            return (self.state / "state.db").exists()
        from sanhua.store import is_kept

        return is_kept(self._store_url)

    @property
    def lake_root(self) -> Path:
        return (
            Path(self.project.settings.lake) if self.project.settings.lake else self.state / "lake"
        )

    @cached_property
    def lake(self) -> Lake:
        from sanhua.engine.lake import Lake

        return Lake(self.lake_root, self.hashes)

    @cached_property
    def hashes(self) -> Hashes:
        """Content hashes of raw files and of the lake that were computed before."""
        from sanhua.engine.hashes import Hashes

        return Hashes(self.root / ".sanhua" / "hashes.db")

    def lake_has(self, layer: str, table: str, snapshot: str) -> bool:
        """Whether the snapshot's folder is there (its bytes are checked by `verify`, not here)."""
        return (
            self.lake_root / layer / table / snapshot.removeprefix("sha256:") / "manifest.json"
        ).exists()

    @cached_property
    def engine(self) -> Engine:
        from sanhua.engine.duck import DuckEngine

        kept = self.root / ".sanhua" / "measured.duckdb" if self._held else None
        return DuckEngine(self.lake, temp=self.temp, kept=kept)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One writer of this folder at a time; waits LOCK_WAIT_S, then Conflict run.busy. A killed
        holder lets go.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        held = sqlite3.connect(self.state / "run.lock", timeout=LOCK_WAIT_S, isolation_level=None)
        try:
            try:
                held.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                raise Conflict(
                    "run.busy", folder=str(self.root), seconds=int(LOCK_WAIT_S)
                ) from error
            self._held = True
            yield
        finally:
            self._held = False
            held.close()

    def close(self) -> None:
        for part in ("store", "engine", "hashes"):
            opened = self.__dict__.pop(part, None)
            if opened is not None and hasattr(opened, "close"):
                opened.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds sanhua.yaml; Invalid project.not-a-project
    otherwise.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "sanhua.yaml").exists():
            return folder
    raise Invalid("project.not-a-project", path=str(start))
