"""Bring in: what came to the inboxes and what databases, APIs and documents hold is landed as raw
files and entered into the store, before a run collects it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakKeyDictionary

from sanhua.engine.read import READERS
from sanhua.kernel import ids
from sanhua.kernel.errors import Broken, Diagnostic, Invalid, SanhuaError, Severity, Unavailable
from sanhua.kernel.table import RawColumn
from sanhua.kernel.time import moment_text
from sanhua.resource.arrival import (
    Arrival,
    Fetch,
    Freshness,
    Slot,
    arrival_id,
    freshness,
    overlapping,
    reads_period_column,
    slots,
)
from sanhua.resource.collect import Inbox, RawFile, Source, raw_columns
from sanhua.sources import inbox as inboxes
from sanhua.sources.landing import Landing, landing_errors
from sanhua.workspace.opening import Workspace
from sanhua.workspace.stepping import StepResult, digest

BATCH = 500  # notes entered in one act
LEFT_OVER_S = 3600  # age at which an upload that nobody goes on with is removed
TOLD_MAX = 20  # files that a run names one by one


@dataclass
class Brought:
    """What bringing in came to: a step a source that had something to do, and what there is to say.
    `errors` are of sources that could not be asked; what was here before still counts.
    """

    steps: list[StepResult] = field(default_factory=list[StepResult])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    errors: list[SanhuaError] = field(default_factory=list[SanhuaError])


def landing_of(ws: Workspace, source: str) -> Landing:
    """Where what comes of a source lies; cannot be made again."""
    return Landing(ws.state / "raw" / source)


def inbox_folder(ws: Workspace, inbox: Inbox) -> Path:
    path = Path(inbox.folder)
    return path if path.is_absolute() else ws.root / path


def bring_in(
    ws: Workspace,
    sources: Iterable[Source],
    report: Callable[[str, str], None] = lambda step, node: None,
) -> Brought:
    """Ask every source that is no folder of files, and enter what came. The caller holds
    `ws.exclusive()`. One that fails is told of and keeps no other from coming.
    """
    brought = Brought()
    forget(ws)
    for source in sources:
        if source.fetched is None:
            continue
        node = ids.node("source", source.id)
        landing_of(ws, source.id).sweep(time.time() - LEFT_OVER_S)
        began = time.perf_counter()
        try:
            if isinstance(source.fetched, Inbox):
                new, why = _take(ws, source, source.fetched, report, brought)
            else:
                from sanhua.workspace.fetching import fetch

                new, why = fetch(ws, source, report, brought.diagnostics.append)
            new += _judge_again(ws, source)
        except SanhuaError as error:
            found = error.diagnostic
            error.diagnostic = replace(
                found,
                path=found.path or source.origin.path,
                line=found.line or source.origin.line,
                node=found.node or node,
            )
            brought.errors.append(error)
            brought.diagnostics.append(error.diagnostic)
            spent = time.perf_counter() - began
            brought.steps.append(StepResult("fetch", node, "failed", error.code, spent))
            continue
        if new:
            spent = time.perf_counter() - began
            brought.steps.append(StepResult("fetch", node, "done", why, spent))
    return brought


# The inbox


def _take(
    ws: Workspace,
    source: Source,
    inbox: Inbox,
    report: Callable[[str, str], None],
    brought: Brought,
) -> tuple[int, str]:
    folder = inbox_folder(ws, inbox)
    landing = landing_of(ws, source.id)
    with landing_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    told = brought.diagnostics
    now = ws.clock.now()
    node = ids.node("source", source.id)

    def tell(found: Diagnostic) -> None:
        place = replace(found, path=source.origin.path, line=source.origin.line, node=node)
        told.append(replace(place, facts={**found.facts, "source": source.id}))

    def moment(changed: float) -> str:
        """By the clock of the host, as far as that is not set apart from the project's."""
        return moment_text(min(now, datetime.fromtimestamp(changed, UTC) + ws.clock_offset))

    entered = 0
    try:
        for _ in inboxes.take(inbox, folder, landing, moment, tell):
            report("fetch", node)
    finally:
        entered = enter(ws, source, inbox, landing)
    return entered, f"{entered} arrivals"


def enter(ws: Workspace, source: Source, inbox: Inbox, landing: Landing) -> int:
    """Enter what was noted, each note exactly once, in the order it came; how many."""
    from sanhua.engine.probe import Prober

    waiting = landing.notes()
    if not waiting:
        return 0
    ws.store.must_go_on()
    identity = ids.node("fetch", source.id)
    entered = 0
    with Prober() as prober:
        while waiting:
            with ws.store.begin(actor=ws.actor, read_only=True) as uow:
                before = uow.find(Fetch, identity)
            known = set(before.notes) if before else set[str]()
            landing.entered([n.id for n in waiting[:BATCH] if n.id in known])
            batch = [n for n in waiting[:BATCH] if n.id not in known]
            waiting = waiting[BATCH:]
            if not batch:
                continue
            with ws.store.begin(actor=ws.actor, read_only=True) as uow:
                named = {arrival_id(source.id, n.name, n.content) for n in batch}
                kept = {name: found for name in named if (found := uow.find(Arrival, name))}
            order = before.order if before else 0
            made: list[tuple[Arrival, str]] = []
            for note in batch:
                name = arrival_id(source.id, note.name, note.content)
                if name in kept:
                    again = kept[name]
                    if again.fault:
                        again = judged(ws, source, landing, again, prober)
                    again = replace(again, again=again.again + 1, again_at=note.at)
                    kept[name] = again
                    made.append((again, "raw.repeated"))
                    continue
                order += 1
                arrival = Arrival(
                    name, source.id, note.name, note.content, note.bytes, note.at, order,
                    note.via, note.sender,
                )  # fmt: skip
                arrival = judged(ws, source, landing, arrival, prober)
                kept[name] = arrival
                made.append((arrival, "raw.unreadable" if arrival.fault else "raw.arrived"))
            told = Fetch(
                identity,
                source.id,
                {"inbox": inbox.folder},
                batch[0].at,
                batch[-1].at,
                0,
                0,
                sum(note.bytes for note in batch),
                sum(event != "raw.repeated" for _, event in made),
                good_at=batch[-1].at,
                order=order,
                notes=tuple(note.id for note in batch),
            )
            with ws.store.begin(actor=ws.actor) as uow:
                for arrival, event in made:
                    uow.add(arrival, event)
                uow.add(told, "source.taken")
            landing.entered([note.id for note in batch])
            entered += len(batch)
    forget(ws)
    return entered


# Whether it can be read


def judged(
    ws: Workspace, source: Source, landing: Landing, arrival: Arrival, prober: object
) -> Arrival:
    """The arrival with what trying to read it gave, under the contract as it is now."""
    from sanhua.engine.probe import Prober

    assert isinstance(prober, Prober)
    path = must_be_there(landing, arrival)
    fault = reason = first = last = ""
    try:
        for number, (part, columns, dated) in enumerate(_tables(ws, source)):
            shown = f"{arrival.name}!{part}" if part else arrival.name
            found = prober.probe(path, shown, source.reading, columns, dated)
            if number == 0:
                first, last = found.first, found.last
        if reads_period_column(source) and not first:
            raise Invalid("period.no-value", field=source.period)
    except (Unavailable, OSError):
        raise
    except SanhuaError as error:
        fault, reason = error.code, error.diagnostic.message("en")
    except Exception as error:  # one file must not keep the others out
        fault, reason = "collect.cannot-read", f"{type(error).__name__}: {error}"[:300]
    return replace(
        arrival, reading=reading_digest(ws, source), fault=fault, reason=reason, first=first,
        last=last,
    )  # fmt: skip


def _tables(
    ws: Workspace, source: Source
) -> Iterator[tuple[str, list[RawColumn] | None, RawColumn | None]]:
    """Part, columns and dated column of each table of a source."""
    contracts = {t.name: t for c in ws.project.contracts.values() for t in c.tables}
    wanted = reads_period_column(source)
    for table, part in (source.tables or {source.id: ""}).items():
        schema = contracts.get(table)
        columns = list(raw_columns(schema, ws.project.elements)) if schema else None
        dated = None
        if wanted:
            dated = next((c for c in columns or () if c.name == wanted), None)
            dated = dated or RawColumn(wanted, "TIMESTAMP")
        yield part, columns, dated


def reading_digest(ws: Workspace, source: Source) -> str:
    """The hash of all that decides whether a file can be read, our own readers among it."""
    return digest(
        {
            "readers": READERS,
            "reading": asdict(source.reading),
            "tables": [
                [part, [c.source_name for c in columns or ()], asdict(dated) if dated else None]
                for part, columns, dated in _tables(ws, source)
            ],
        }
    )


def _judge_again(ws: Workspace, source: Source) -> int:
    """Try anew what was tried under another contract or another way of reading; how many."""
    if not isinstance(source.fetched, Inbox):
        return 0
    now = reading_digest(ws, source)
    stale = [one for one in arrivals_of(ws, source.id) if one.reading != now]
    if not stale:
        return 0
    from sanhua.engine.probe import Prober

    landing = landing_of(ws, source.id)
    changed = 0
    with Prober() as prober:
        again = [judged(ws, source, landing, one, prober) for one in stale]
    with ws.store.begin(actor=ws.actor) as uow:
        for before, after in zip(stale, again, strict=True):
            changed += (before.fault, before.first) != (after.fault, after.first)
            uow.add(after, "raw.judged")
    forget(ws)
    return changed


# What counts


_read: WeakKeyDictionary[Workspace, dict[str, list[Arrival]]] = WeakKeyDictionary()


def arrivals_of(ws: Workspace, source: str) -> list[Arrival]:
    """Everything that ever came of a source; read once until something comes."""
    if not ws.has_store:
        return []
    read = _read.setdefault(ws, {})
    if source not in read:
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            read[source] = list(uow.under(Arrival, f"arrival:{source}/"))
    return read[source]


def forget(ws: Workspace) -> None:
    """Something came: what was read of the arrivals holds no more."""
    _read.pop(ws, None)


def fetch_of(ws: Workspace, source: str) -> Fetch | None:
    """The last time a source was asked."""
    if not ws.has_store:
        return None
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return uow.find(Fetch, ids.node("fetch", source))


def counting(ws: Workspace, source: Source) -> list[Arrival]:
    """The arrivals that count now, in the order of their periods."""
    if isinstance(source.fetched, Inbox):
        return [slot.counts for slot in slots_of(ws, source) if slot.counts]
    everything = arrivals_of(ws, source.id)
    last = fetch_of(ws, source.id)
    if last is not None and last.adds_from:
        counted = (one for one in everything if one.order >= last.adds_from)
        return sorted(counted, key=lambda one: one.order)
    by_id = {one.id: one for one in everything}
    return [by_id[name] for name in (last.brings if last else ()) if name in by_id]


def slots_of(ws: Workspace, source: Source) -> list[Slot]:
    return slots(source, arrivals_of(ws, source.id))


def must_be_there(landing: Landing, arrival: Arrival) -> Path:
    """Where its bytes lie; Broken collect.raw-missing when they are not as they came (their hash
    is checked by `verify`, not here).
    """
    path = landing.path(arrival.name, arrival.content)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = -1
    if size != arrival.bytes:
        raise Broken("collect.raw-missing", path=str(path), arrival=arrival.id)
    return path


def raw_faults(ws: Workspace) -> Iterator[tuple[str, str]]:
    """(arrival, what is wrong) of every arrival; nothing is wrong with most. Reads every byte."""
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        every = [one for _, one in uow.each(Arrival) if one is not None]
    for one in every:
        path = landing_of(ws, one.source).path(one.name, one.content)
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            yield one.id, "" if f"sha256:{found}" == one.content else "not as it came"
        except OSError as error:
            yield one.id, error.strerror or str(error)


def unheard(ws: Workspace, source: Source, found: Sequence[Slot]) -> list[Diagnostic]:
    """What came and does not count, as far as nothing came after it that does; and what counts
    twice.
    """
    node = ids.node("source", source.id)
    told: list[Diagnostic] = []
    for slot in found:
        for lost in slot.superseded:
            if lost.why in ("unreadable", "no-period"):
                after = slot.counts is not None and slot.counts.order > lost.arrival.order
                facts = {
                    "source": source.id,
                    "name": lost.arrival.name,
                    "reason": lost.arrival.reason or f"{source.period} does not match",
                }
                if not after:
                    code = f"arrival.{lost.why}"
                    told.append(_warned(source, node, code, facts))
    if len(told) > TOLD_MAX:
        rest = {"source": source.id, "count": len(told) - TOLD_MAX}
        told = [*told[-TOLD_MAX:], _warned(source, node, "arrival.more-unreadable", rest)]
    twice = overlapping(found)
    if twice:
        one, other = twice[-1]
        facts = {"source": source.id, "name": one.name, "other": other.name, "count": len(twice)}
        told.append(_warned(source, node, "arrival.overlapping", facts))
    return told


def _warned(source: Source, node: str, code: str, facts: Mapping[str, object]) -> Diagnostic:
    return Diagnostic(
        Severity.WARNING, code, source.origin.path, source.origin.line, node=node, facts=facts
    )


# Freshness


def freshness_of(ws: Workspace, source: Source) -> Freshness:
    """How a source stands now. A source of files is dated by when `run` first saw each."""
    if source.fetched is None:
        return freshness(source, _files_seen(ws, source), ws.clock.now())
    fetch = None if isinstance(source.fetched, Inbox) else fetch_of(ws, source.id)
    return freshness(source, arrivals_of(ws, source.id), ws.clock.now(), fetch)


def _files_seen(ws: Workspace, source: Source) -> list[Arrival]:
    if not ws.has_store:
        return []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        files = [one for one in uow.all(RawFile) if one.source == source.id]
    found: list[Arrival] = []
    for number, file in enumerate(files):
        at = ws.store.history(file.id)[0][0].recorded_at
        name = arrival_id(source.id, file.path, file.content)
        found.append(
            Arrival(name, source.id, file.path, file.content, file.bytes, at, number, "files")
        )
    return sorted(found, key=lambda one: one.at)
