"""Fetch: databases, APIs and documents are asked, what they give is landed, and the asking is an
act: what was asked, from where on, how much came, which content, or why nothing did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, SanhuaError, Severity
from sanhua.kernel.time import moment_text
from sanhua.resource.arrival import Arrival, Fetch, arrival_id
from sanhua.resource.collect import Api, Cadence, Database, Documents, Source
from sanhua.sources.landing import Landing
from sanhua.workspace.arriving import arrivals_of, fetch_of, forget, landing_of
from sanhua.workspace.opening import Workspace


@dataclass(frozen=True, slots=True)
class Landed:
    """One file that a fetch landed; `first` and `last` bound it in the cursor."""

    name: str
    content: str
    bytes: int
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Gained:
    """What a fetch gave. `adds`: the files join those of before instead of replacing them."""

    files: list[Landed]
    asked: dict[str, str]
    via: str
    rows: int = 0
    pages: int = 0
    digest: str = ""
    cursor: str = ""
    cursor_type: str = ""
    adds: bool = False


def fetch(
    ws: Workspace,
    source: Source,
    report: Callable[[str, str], None],
    tell: Callable[[Diagnostic], None],
) -> tuple[int, str]:
    """Ask a source and enter what it gave in one act; how many files are new, and what came in
    words. A failure is an act too, and what came before still counts.
    """
    before = fetch_of(ws, source.id)
    if source.cadence is Cadence.ONCE and before is not None and before.good_at:
        return 0, "once"
    node = ids.node("source", source.id)
    report("fetch", node)
    ws.store.must_go_on()
    begun = moment_text(ws.clock.now())
    landing = landing_of(ws, source.id)

    def told(found: Diagnostic) -> None:
        tell(replace(found, path=source.origin.path, line=source.origin.line, node=node))

    try:
        gained = _ask(ws, source, landing, before, begun, told)
    except SanhuaError as error:
        _failed(ws, source, before, begun, error)
        raise
    return _entered(ws, source, before, begun, gained)


def _ask(
    ws: Workspace,
    source: Source,
    landing: Landing,
    before: Fetch | None,
    begun: str,
    tell: Callable[[Diagnostic], None],
) -> Gained:
    stamp = "".join(c for c in begun if c.isdigit() or c == "T")[:15] + "Z"
    form = source.fetched
    if isinstance(form, Database):
        return _database(ws, source, form, landing, before, stamp, tell)
    if isinstance(form, Api):
        from sanhua.sources import api

        answer = api.read(form, source.id, source.reading.records, landing, source.reading.format)
        files = [Landed(one.name, one.content, one.bytes) for one in answer.files]
        return Gained(
            files,
            api.asked(form),
            "api",
            answer.records,
            len(files),
            answer.digest,
            adds=form.adds,
        )
    assert isinstance(form, Documents)
    from sanhua.sources import documents

    kept = {one.id: one for one in arrivals_of(ws, source.id)}
    last = next((kept[n] for n in (before.brings if before else ()) if n in kept), None)
    register = landing.path(last.name, last.content) if last else None
    found = documents.register(form, ws.root, source.id, landing, register, tell)
    return Gained(
        [Landed(found.name, found.content, found.bytes)],
        {"documents": form.glob},
        "documents",
        found.rows,
        digest=found.content,
    )


def _database(
    ws: Workspace,
    source: Source,
    form: Database,
    landing: Landing,
    before: Fetch | None,
    stamp: str,
    tell: Callable[[Diagnostic], None],
) -> Gained:
    from sanhua.sources import database

    cursor = None
    if form.cursor and before is not None and before.good_at:
        first = _adds_from(ws, source, before)
        landed: tuple[tuple[Path, str], ...] = tuple(
            (landing.path(one.name, one.content), one.last)
            for one in arrivals_of(ws, source.id)
            if one.order >= first
        )
        cursor = database.Cursor(before.cursor, before.cursor_type, landed)
        now, then = database.asked(form, None), {**before.asked}
        then.pop("from", "")
        if now != then:  # where the other question came to says nothing of this one
            cursor = replace(cursor, value="")
            if then.get("cursor"):
                tell(Diagnostic(Severity.WARNING, "database.asked-anew"))
    made = database.read(form, source.id, stamp, landing, cursor, tell)
    files = [Landed(p.name, p.content, p.bytes, p.first, p.last) for p in made.parts]
    return Gained(
        files,
        database.asked(form, cursor),
        "database",
        made.rows - made.seen,
        digest=made.digest,
        cursor=made.cursor,
        cursor_type=made.cursor_type,
        adds=bool(form.cursor),
    )


def _adds_from(ws: Workspace, source: Source, before: Fetch | None) -> int:
    """The order of the first arrival that a fetch which adds may add to: what was replaced before
    the source began to add counts no more.
    """
    if before is None or before.adds_from:
        return before.adds_from if before else 1
    orders = [one.order for one in arrivals_of(ws, source.id) if one.id in before.brings]
    return min(orders, default=before.order + 1)


def _entered(
    ws: Workspace, source: Source, before: Fetch | None, begun: str, gained: Gained
) -> tuple[int, str]:
    ended = moment_text(ws.clock.now())
    same = before is not None and bool(before.digest) and before.digest == gained.digest
    if gained.adds:
        same = not gained.files
    order = before.order if before else 0
    said = "; ".join(f"{key}: {value}" for key, value in gained.asked.items())
    made: list[Arrival] = []
    named: list[str] = []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        for one in [] if same else gained.files:
            name = arrival_id(source.id, one.name, one.content)
            named.append(name)
            if uow.find(Arrival, name) is None:
                order += 1
                made.append(
                    Arrival(
                        name, source.id, one.name, one.content, one.bytes, ended, order,
                        gained.via, first=one.first, last=one.last, asked=said,
                    )
                )  # fmt: skip
    brings = before.brings if same and before and not gained.adds else tuple(named)
    told = Fetch(
        ids.node("fetch", source.id),
        source.id,
        gained.asked,
        begun,
        ended,
        gained.rows,
        gained.pages,
        sum(one.bytes for one in gained.files),
        0 if same else len(made),
        gained.digest,
        gained.cursor,
        gained.cursor_type,
        brings,
        good_at=ended,
        order=order,
        adds_from=_adds_from(ws, source, before) if gained.adds else 0,
    )
    with ws.store.begin(actor=ws.actor) as uow:
        for arrival in made:
            uow.add(arrival, "raw.arrived")
        uow.add(told, "source.fetched")
    forget(ws)
    if same:
        return 0, "nothing new"
    return max(len(made), 1), f"{gained.rows} rows, {len(gained.files)} files"


def _failed(
    ws: Workspace, source: Source, before: Fetch | None, begun: str, error: SanhuaError
) -> None:
    """The failure as a version: what counts stays as it was."""
    kept = before or Fetch(ids.node("fetch", source.id), source.id, {}, begun, begun, 0, 0, 0, 0)
    told = replace(
        kept,
        begun_at=begun,
        ended_at=moment_text(ws.clock.now()),
        new=0,
        fault=error.code,
        failures=kept.failures + 1,
    )
    with ws.store.begin(actor=ws.actor) as uow:
        uow.add(told, "source.fetch-failed")
