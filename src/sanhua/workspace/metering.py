"""Metering: segments that workers have closed are sealed into the log, and counted for bills."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sanhua.asset.meter import MeterSegment, Used
from sanhua.kernel import ids
from sanhua.kernel.errors import Broken
from sanhua.kernel.time import SHANGHAI, legal_day, moment_text
from sanhua.resource.quality import Calls
from sanhua.store.disk import BINARY, hold
from sanhua.store.lease import set_anew
from sanhua.store.segment import BROKEN, OPEN, WHOLE, is_whole, look, recover, set_aside
from sanhua.workspace.opening import Workspace

CALL = re.compile(r"use_[0-9a-f]{32}")
NEAR = timedelta(hours=1)  # between the moment in a call's id and the one in its record
ACCESS_DAYS = 30  # whole legal days before today, over which a resource was accessible or not
OURS = (  # refusals that are the service's own fault, not the caller's or the terms'
    *("call.not-served", "call.not-refreshed", "call.crowded", "call.clock-set-back"),
)
LOOK_BACK = timedelta(days=1)  # a request repeated within it over a month's end is counted once
EVER = "9999"  # behind every moment
_log = logging.getLogger(__name__)


def meter_root(ws: Workspace) -> Path:
    """Where usage is kept; cannot be made again."""
    return ws.state / "meter"


def copy_of(segment: Path) -> Path:
    """The columnar copy beside a segment."""
    return segment.with_suffix(".parquet")


def seal(ws: Workspace, known: set[str] | None = None) -> list[MeterSegment]:
    """Seal every closed segment, and those of writers that are gone, into the log; what was sealed
    now. One process at a time: another's turn leaves nothing to do. `known` keeps the names of what
    is sealed from one call to the next.

    A damaged segment is set aside (`damaged`) and its provable batches are sealed; one whose lines
    are no usage records is left, and Broken store.meter-broken is raised after all others.
    """
    root, known = meter_root(ws), set[str]() if known is None else known
    if not root.is_dir():
        return []
    made: list[MeterSegment] = []
    left: Broken | None = None
    with _turn(root) as mine:
        if not mine:
            return []
        recover(root)
        for path in _waiting(ws, root, known):
            try:
                if is_whole(path) or set_aside(path):
                    made.append(_seal(ws, path))
                    known.add(path.stem)
            except Broken as error:
                left = error
    if left is not None:
        raise left
    return made


def unsealed(ws: Workspace) -> set[str]:
    """The names of segments that hold records and are not in the log yet."""
    root, found = meter_root(ws), set[str]()
    if root.is_dir():
        for path in [*root.glob(f"*{OPEN}"), *_waiting(ws, root, set())]:
            try:
                if look(path).lines:
                    found.add(path.stem)
            except (FileNotFoundError, Broken):
                continue  # it moved on, or was only just begun
    return found


def _waiting(ws: Workspace, root: Path, known: set[str]) -> list[Path]:
    """The closed segments that are not sealed yet, by name."""
    with os.scandir(root) as entries:
        names = {entry.name[: -len(WHOLE)] for entry in entries if entry.name.endswith(WHOLE)}
    asked = [ids.node("segment", name) for name in names - known]
    known |= {ids.key_of(node) for node in ws.store.among(asked)}
    return [root / f"{name}{WHOLE}" for name in sorted(names - known)]


def damaged(ws: Workspace) -> Broken | None:
    """What was set aside and waits for a person; None when nothing does."""
    files = sorted(path.name for path in meter_root(ws).glob(f"*{BROKEN}"))
    return Broken("store.meter-aside", files=", ".join(files)) if files else None


def _seal(ws: Workspace, path: Path) -> MeterSegment:
    from sanhua.engine.usage import index

    found = look(path)
    rows = index(path, copy_of(path), ws.temp)
    if not rows:
        raise Broken("store.meter-broken", file=path.name, at=0)
    used: dict[str, Used] = {}
    anonymous = 0
    for deal, _, permit, times, call, row, byte, _, _ in rows:
        if not deal:
            anonymous += times
            continue
        before = used.get(deal, Used(deal, 0, 0, {"call": 0, "row": 0, "byte": 0}))
        units = {"call": int(call), "row": int(row), "byte": int(byte)}
        used[deal] = Used(
            deal,
            before.permits + (times if permit else 0),
            before.refusals + (0 if permit else times),
            {unit: before.units[unit] + n for unit, n in units.items()},
        )
    record = MeterSegment(
        ids.node("segment", path.stem),
        file_hash(path),
        found.chain,
        file_hash(copy_of(path)),
        found.lines,
        _moment(min(row[7] for row in rows)),
        _moment(max(row[8] for row in rows)),
        tuple(used.values()),
        anonymous,
        tuple(sorted({row[1] for row in rows if row[2] and row[1]})),
    )
    with ws.store.begin(actor=ws.actor) as uow:
        uow.add(record, "usage.sealed")
    return record


def _moment(ms: int) -> str:
    return moment_text(datetime.fromtimestamp(ms / 1000, UTC))


def sealed(ws: Workspace, first: str, last: str = EVER) -> list[MeterSegment]:
    """The sealed segments that may hold records between two moments (as texts), by name."""
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return list(uow.overlapping(MeterSegment, "first_at", "last_at", first, last))


def segment_fault(ws: Workspace, segment: MeterSegment) -> str:
    """What is wrong with the file of a sealed segment; empty when it holds the sealed bytes."""
    path = meter_root(ws) / f"{ids.key_of(segment.id)}{WHOLE}"
    if not path.exists():
        return f"{path.name}: missing"
    return "" if file_hash(path) == segment.content else f"{path.name}: differs"


def copy_fault(ws: Workspace, segment: MeterSegment) -> str:
    """What is wrong with the columnar copy of a sealed segment that is sound; empty when it has the
    sealed bytes, is what this program's engine makes of the segment, or is not there: what is
    counted is `copies`, which makes it again.
    """
    path = meter_root(ws) / f"{ids.key_of(segment.id)}{WHOLE}"
    copy = copy_of(path)
    if not copy.exists() or file_hash(copy) == segment.index:
        return ""
    from sanhua.engine.usage import index

    made = ws.temp / copy.name
    try:
        index(path, made, ws.temp)
        sound = file_hash(made) == file_hash(copy)
    finally:
        made.unlink(missing_ok=True)
    return "" if sound else f"{copy.name}: differs"


def copies(ws: Workspace, segments: Iterable[MeterSegment]) -> list[Path]:
    """The columnar copies of sealed segments, each with the bytes that were sealed; one that is
    missing is made again. Broken store.meter-broken when a file was changed.
    """
    found: list[Path] = []
    for segment in segments:
        path = meter_root(ws) / f"{ids.key_of(segment.id)}{WHOLE}"
        copy = copy_of(path)
        if segment_fault(ws, segment):
            raise Broken("store.meter-broken", file=path.name, at=0)
        if not copy.exists() or file_hash(copy) != segment.index:
            from sanhua.engine.usage import index

            index(path, copy, ws.temp)
        found.append(copy)
    return found


def answered(ws: Workspace, deals: Collection[str], today: date) -> Calls | None:
    """What was called under the deals in the ACCESS_DAYS before `today`, and how much of it the
    gateway answered; refusals for which caller or terms are the cause are not asked for. None when
    nothing was.
    """
    if not deals or not meter_root(ws).is_dir():
        return None
    since = today - timedelta(days=ACCESS_DAYS)
    recent = [
        segment
        for segment in sealed(ws, moment_text(_midnight(since)), moment_text(_midnight(today)))
        if any(used.deal in deals for used in segment.used)
    ]
    if not recent:
        return None
    from sanhua.engine.usage import rate

    counts, _ = rate(copies(ws, recent), _day_ms(since), _day_ms(today), ws.temp)
    given = sum(c.records for c in counts if c.deal in deals and not c.reason)
    failed = sum(c.records for c in counts if c.deal in deals and c.reason in OURS)
    if not given + failed:
        return None
    return Calls(given + failed, given, tuple(segment.id for segment in recent))


def find_call(ws: Workspace, name: str) -> tuple[MeterSegment, int, dict[str, Any]] | None:
    """The sealed usage record `use_…`: its segment, its line there and what it says. Its id holds
    the moment, so only segments of about that time are looked into.
    """
    from sanhua.engine.usage import find

    if not CALL.fullmatch(name):
        return None
    number = name.removeprefix("use_")
    at = datetime.fromtimestamp(int(number[:12], 16) / 1000, UTC)
    near = sealed(ws, moment_text(at - NEAR), moment_text(at + NEAR))
    found = find(copies(ws, near), number, ws.temp) if near else None
    if found is None:
        return None
    segment, line = near[found[0]], found[1]
    path = meter_root(ws) / f"{ids.key_of(segment.id)}{WHOLE}"
    with path.open("rb") as file:
        return segment, line, json.loads(next(islice(file, line - 1, None)))


def first_calls(ws: Workspace, segment: str, most: int) -> list[str]:
    """The ids of the first calls of a sealed segment; none when its file is gone."""
    path = meter_root(ws) / f"{ids.key_of(segment)}{WHOLE}"
    found: list[str] = []
    try:
        with path.open("rb") as file:
            for line in islice(file, most * 4):
                said = json.loads(line)
                if "id" in said and len(found) < most:
                    found.append(said["id"])
    except (OSError, ValueError):
        return found
    return found


def file_hash(path: Path) -> str:
    """`sha256:…` of a file's bytes."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def start_counters(ws: Workspace) -> int:
    """Set the shared counters to what was used in the windows that still run; the last moment that
    the meter knows of, in epoch milliseconds (0 when the clock is behind it).

    Of closed months what their close counted is taken, of the days since then the sealed files,
    which must hold what was sealed: Broken store.meter-broken. A contract that cannot be read is
    left out, since nothing is given under it.
    """
    from sanhua.asset.bill import Closing, Counted
    from sanhua.asset.contract import UsageContract, compile_decision, window_of
    from sanhua.engine.usage import rate

    now = ws.clock.now()
    today = legal_day(now)
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        contracts = [contract for _, contract in uow.each(UsageContract) if contract is not None]
        closings = sorted(uow.all(Closing), key=lambda one: one.starts_on)
    closed_on = closings[-1].ends_on if closings else date.min
    closed: dict[tuple[str, str], Counted] = {
        (one.deal, one.month): one for closing in closings for one in closing.counts
    }
    back_ms = int(LOOK_BACK.total_seconds() * 1000)
    used: dict[str, int] = {}
    found: dict[date, dict[str, Mapping[str, int]]] = {}  # first day → deal → units since then
    for contract in contracts:
        decision = compile_decision(contract, contract.terms.ends_on)
        wanted = [(f"{unit}", unit, window) for unit, _, window in decision.limits]
        wanted += [(f"included.{unit}", unit, "month") for unit in decision.included]
        for name, unit, window in wanted:
            first = _first_day(window, today)
            since = max(first, closed_on)
            if since not in found:
                recent = sealed(ws, moment_text(_midnight(since) - LOOK_BACK))
                paths = copies(ws, recent)
                counts, _ = rate(paths, _day_ms(since), 1 << 50, ws.temp, back_ms=back_ms)
                found[since] = {
                    c.deal: {"call": c.call, "row": c.row, "byte": c.byte}
                    for c in counts
                    if not c.reason
                }
            parts = [found[since].get(contract.id, {})]
            for (deal, month), counted in closed.items():
                if deal == contract.id and month >= f"{first:%Y-%m}":
                    parts.append(counted.units)
            counter = f"{contract.id}|{name}|{window_of(window, today)}"
            of = "byte" if unit == "mb" else unit
            used[counter] = sum(units.get(of, 0) for units in parts)
    set_anew(meter_root(ws) / "quota.db", used)
    last = max((segment.last_at for segment in sealed(ws, moment_text(now))), default="")
    return int(datetime.fromisoformat(last).timestamp() * 1000) if last else 0


def _first_day(window: str, today: date) -> date:
    if window == "term":
        return date(2000, 1, 1)
    return {"day": today, "month": today.replace(day=1)}.get(window, today.replace(month=1, day=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def _day_ms(day: date) -> int:
    return int(_midnight(day).timestamp() * 1000)


def serving_lock(ws: Workspace) -> AbstractContextManager[bool]:
    """Whether this process is the one that serves the folder."""
    meter_root(ws).mkdir(parents=True, exist_ok=True, mode=0o700)
    return _turn(meter_root(ws), "serve.lock")


def worker_lock(ws: Workspace, number: int) -> AbstractContextManager[bool]:
    """Held by a worker as long as it lives."""
    return _turn(meter_root(ws), f"worker-{number}.lock")


def await_workers(ws: Workspace, seconds: float) -> None:
    """Wait until the workers of a serve that was killed have ended, so that what they answered is
    counted; `seconds` at most.
    """
    deadline = monotonic() + seconds
    for path in meter_root(ws).glob("worker-*.lock"):
        while True:
            with _turn(meter_root(ws), path.name) as ended:
                if ended:
                    break
            if monotonic() > deadline:
                _log.error("%s: a worker of an earlier serve has not ended", path.stem)
                break
            sleep(0.05)


@contextmanager
def _turn(root: Path, name: str = "seal.lock") -> Iterator[bool]:
    """Whether it is this process's turn."""
    file = os.open(root / name, os.O_RDWR | os.O_CREAT | BINARY, 0o600)
    try:
        yield hold(file)
    finally:
        os.close(file)
