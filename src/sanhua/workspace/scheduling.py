"""Schedule: while `serve` runs, each source is asked and what is made from it built, as often as it
comes.

An inbox is looked into every few seconds and a run begins when something lies there. Every other
source is due one cadence after it was last asked; after a failure sooner, with growing waits. What
was asked when stands in the store, so a restart goes on where the last process ended. There is one
run at a time: this process does them in turn, and `ws.exclusive()` keeps others out.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, SanhuaError, Severity
from sanhua.kernel.record import Ref, record
from sanhua.kernel.time import moment_text
from sanhua.resource.collect import Cadence, Inbox, Source
from sanhua.sources import inbox as inboxes
from sanhua.sources.landing import is_name
from sanhua.workspace.arriving import fetch_of, inbox_folder, landing_of
from sanhua.workspace.opening import Workspace
from sanhua.workspace.plan import Plan
from sanhua.workspace.running import run

LOOK_S = 2.0  # between two looks
REALTIME_S = 60  # between two fetches of a source that comes in real time
RETRY_S = 60  # after the first failure, doubled after each
RELOAD_S = 30  # how long an edited project may go unseen
_LENGTH = {
    Cadence.REALTIME: timedelta(seconds=REALTIME_S),
    Cadence.FIVE_MINUTES: timedelta(minutes=5),
    Cadence.HOUR: timedelta(hours=1),
    Cadence.DAY: timedelta(days=1),
    Cadence.WEEK: timedelta(weeks=1),
    Cadence.MONTH: timedelta(days=30),
    Cadence.YEAR: timedelta(days=365),
}


@record("scheduled_run")
@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """定时运行 `schedule:metro`: the last run that the scheduler began for a source. `fault` is the
    code of what failed, `failures` how often in a row.
    """

    id: str
    source: Annotated[str, Ref("runs_for")]
    begun_at: str
    ended_at: str
    ok: bool
    fault: str = ""
    failures: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """When a source is next: now when `at` is past, never by the clock when it is None."""

    source: str
    at: datetime | None
    why: str


def due_of(ws: Workspace, source: Source) -> Due:
    """When a source is next to be run for."""
    last = _last(ws, source.id)
    retry = _retry(source, last)
    if isinstance(source.fetched, Inbox):
        return Due(source.id, retry or datetime.min.replace(tzinfo=UTC), "inbox")
    fetch = fetch_of(ws, source.id)
    if source.cadence is Cadence.ONCE:
        done = fetch.good_at if fetch else source.fetched is None and _built_at(ws)
        if done or (last and last.ok):
            return Due(source.id, None, "once")
        return Due(source.id, retry or ws.clock.now(), "once")
    if retry is not None:
        return Due(source.id, retry, "retry")
    asked = max(fetch.begun_at if fetch else "", last.begun_at if last else "")
    if source.fetched is None:
        asked = max(asked, _built_at(ws))
    if not asked:
        return Due(source.id, ws.clock.now(), "first")
    return Due(
        source.id, datetime.fromisoformat(asked) + _LENGTH[source.cadence], source.cadence.value
    )


def _built_at(ws: Workspace) -> str:
    """When a whole run last changed something; empty when none did."""
    if not ws.has_store:
        return ""
    try:
        return ws.store.told(ids.node("project", ws.project.name)).recorded_at
    except SanhuaError:
        return ""


def _last(ws: Workspace, source: str) -> ScheduledRun | None:
    if not ws.has_store:
        return None
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return uow.find(ScheduledRun, ids.node("schedule", source))


def _retry(source: Source, last: ScheduledRun | None) -> datetime | None:
    """After a failure: with growing waits, but not later than it would come anyway."""
    if last is None or last.ok:
        return None
    wait = timedelta(seconds=RETRY_S * 2 ** min(last.failures - 1, 10))
    most = _LENGTH.get(source.cadence, timedelta(hours=1))
    return datetime.fromisoformat(last.ended_at) + min(wait, max(most, timedelta(minutes=1)))


def has_something(ws: Workspace, source: Source, inbox: Inbox) -> bool:
    """Whether a file lies in the inbox that may be taken; one of a bad name stays there."""
    if landing_of(ws, source.id).notes():
        return True
    whole, _ = inboxes.lying(inbox, inbox_folder(ws, inbox))
    return any(is_name(one.path.name) for one in whole)


def affected(ws: Workspace, source: Source) -> list[str]:
    """The tables of a source and everything that is made from them."""
    plan = Plan(ws.project)
    own = {table for table, (of, _) in plan.raw_tables.items() if of.id == source.id}
    return [table for table in plan.tables if own & plan.upstream([table])]


def overview(ws: Workspace) -> list[dict[str, Any]]:
    """Every source: how it comes, when it was last asked or heard of, and is next."""
    found: list[dict[str, Any]] = []
    for source in ws.project.sources.values():
        due, last, fetch = due_of(ws, source), _last(ws, source.id), fetch_of(ws, source.id)
        inbox = isinstance(source.fetched, Inbox)
        at = max(fetch.ended_at if fetch else "", last.ended_at if last else "")
        found.append(
            {
                "source": source.id,
                "kind": type(source.fetched).__name__.lower() if source.fetched else "files",
                "cadence": source.cadence.value,
                "last_at": at,
                "next_at": "" if inbox or due.at is None else moment_text(due.at),
                "fault": (fetch.fault if fetch else "") or (last.fault if last else ""),
                "failures": last.failures if last else 0,
            }
        )
    return found


# The scheduler's own process


@dataclass
class Scheduler:
    """Looks every LOOK_S and runs what is due, until `stopped()`. `open` opens the folder anew, so
    that edits of the project are seen; `tell` hears of each run.
    """

    open: Callable[[], Workspace]
    stopped: Callable[[], bool]
    tell: Callable[[str], None] = lambda line: None
    _ws: Workspace | None = field(default=None, repr=False)
    _opened: float = 0.0
    _due: dict[str, Due] = field(default_factory=dict[str, Due])
    _written: dict[str, Due] | None = field(default=None, repr=False)

    def go_on(self) -> None:
        """The loop. What fails in it is told of and tried again."""
        try:
            while not self.stopped():
                wait = LOOK_S
                try:
                    self.look()
                except Exception as error:  # this process lives as long as the server
                    said = str(error) if isinstance(error, SanhuaError) else repr(error)
                    self.tell(f"schedule: {said}")
                    wait = RETRY_S
                    self._close()
                _wait(wait, self.stopped)
        finally:
            self._close()

    def look(self) -> list[str]:
        """Run for every source that is due, one after the other; which."""
        ws = self._workspace()
        ran: list[str] = []
        for source in list(ws.project.sources.values()):
            if self.stopped():
                break
            if not self._is_due(ws, source):
                continue
            self._run(ws, source)
            ran.append(source.id)
        if ran or self._written != self._due:
            self._write(ws)
            self._written = dict(self._due)
        return ran

    def _is_due(self, ws: Workspace, source: Source) -> bool:
        due = self._due.get(source.id)
        if due is None:
            due = self._due[source.id] = due_of(ws, source)
        if due.at is None or due.at > ws.clock.now():
            return False
        form = source.fetched
        return not isinstance(form, Inbox) or has_something(ws, source, form)

    def _run(self, ws: Workspace, source: Source) -> None:
        begun = moment_text(ws.clock.now())
        before = _last(ws, source.id)
        fault, steps = "", 0
        try:
            made = run(ws, affected(ws, source), asking=source.id)  # the others have their own time
            steps = sum(step.status == "done" for step in made.steps)
            if not made.ok:
                wrong = [d.code for d in made.diagnostics if d.severity is Severity.ERROR]
                fault = made.error.code if made.error else (wrong or ["run.failed"])[0]
        except Conflict as error:
            if error.code == "run.busy":  # somebody's own run; theirs takes what is there too
                self.tell(f"schedule: {source.id}: {error}")
                return
            fault = error.code
        except SanhuaError as error:
            fault = error.code
        except Exception as error:  # a defect of ours must not keep the other sources waiting
            fault = "run.defect"
            at = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(at.filename).name}:{at.lineno}"
            self.tell(f"schedule: {source.id}: {type(error).__name__} {place}")
        failures = (before.failures if before else 0) + 1 if fault else 0
        told = ScheduledRun(
            ids.node("schedule", source.id),
            ids.node("source", source.id),
            begun,
            moment_text(ws.clock.now()),
            not fault,
            fault,
            failures,
            steps,
        )
        with ws.store.begin(actor=ws.actor) as uow:
            uow.add(told, "run.failed" if fault else "run.scheduled")
        self.tell(f"schedule: {source.id} {fault or f'{steps} steps'}")
        self._due = {}  # another source may have been built along

    def _workspace(self) -> Workspace:
        if self._ws is None or time.monotonic() - self._opened > RELOAD_S:
            self._close()
            self._ws = self.open()
            self._opened = time.monotonic()
            self._due = {}
        return self._ws

    def _close(self) -> None:
        if self._ws is not None:
            self._ws.close()
            self._ws = None

    def _write(self, ws: Workspace) -> None:
        """What `/healthz` shows."""
        now = ws.clock.now()
        for source in ws.project.sources.values():
            self._due.setdefault(source.id, due_of(ws, source))
        body = {
            "at": moment_text(now),
            "sources": [
                {
                    "source": name,
                    "next_at": None
                    if due.at is None or due.why == "inbox"  # when something comes
                    else moment_text(max(due.at, now)),
                    "why": due.why,
                    "fault": (last.fault if (last := _last(ws, name)) else ""),
                }
                for name, due in self._due.items()
            ],
        }
        path = schedule_file(ws.root)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
        part.replace(path)


def schedule_file(root: Path) -> Path:
    """What the scheduler last said; may be deleted."""
    return root / ".sanhua" / "schedule.json"


def _wait(seconds: float, stopped: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopped():
        time.sleep(0.05)
