"""Prune: let the bytes of snapshots go that nothing stands on any more; their records stay."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from sanhua.engine.lake import unfinished
from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, record
from sanhua.resource.lineage import Snapshot
from sanhua.workspace.opening import Workspace

DAYS = 30


@record("let_go")
@dataclass(frozen=True, slots=True)
class LetGo:
    """`let_go:<hash>`: the bytes of a snapshot were deleted on purpose. Its record, with the hash
    of its manifest, stays in the log.
    """

    id: str
    snapshot: Annotated[str, Ref("let_go")]
    table: str
    rows: int


def let_go_id(snapshot: str) -> str:
    return ids.node("let_go", snapshot.removeprefix("sha256:"))


def prune(ws: Workspace, days: int = DAYS, *, dry: bool = False) -> dict[str, Any]:
    """Delete the bytes of every snapshot made more than `days` days ago on which no latest version
    of any record stands (a table, a resource, a product, a deal …), nor a snapshot made from it
    that is kept; each as an act. `dry` only says which.

    Bytes count files by the names they have: what a kept snapshot shares is freed later.
    """
    if days < 0:
        raise Invalid("prune.negative", days=days)
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    with ws.exclusive():
        before = ws.clock.now() - timedelta(days=days)
        made = {
            event.node: datetime.fromisoformat(event.recorded_at)
            for event in ws.store.events()
            if event.type == "snapshot.made"
        }
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            known = {one.id: one for one in uow.all(Snapshot)}
            kept = _needed(uow, known)
        gone = [
            one
            for one in known.values()
            if one.id not in kept and made[one.id] < before and _folder(ws, one).exists()
        ]
        freed = 0
        for one in gone:
            folder = _folder(ws, one)
            freed += sum(path.stat().st_size for path in folder.iterdir())
            if dry:
                continue
            with ws.store.begin(actor=ws.actor) as uow:
                uow.add(LetGo(let_go_id(one.id), one.id, one.table, one.rows), "snapshot.let-go")
            aside = unfinished(ws.lake_root)  # a kill from here on leaves what the next run clears
            folder.rename(aside)
            shutil.rmtree(aside)
        if gone and not dry:
            ws.store.checkpoint()
    return {
        "days": days,
        "dry": dry,
        "snapshots": [{"id": one.id, "table": one.table, "rows": one.rows} for one in gone],
        "bytes": freed,
        "kept": len(known) - len(gone),
    }


def _needed(uow: Uow, known: dict[str, Snapshot]) -> set[str]:
    """The snapshots that something stands on, and what those were made from."""
    waiting = [
        one.id
        for one in known.values()
        if any(
            not edge.src.startswith(("sha256:", "col:", "let_go:"))
            for node in (one.id, *(column.id for column in one.columns))
            for edge in uow.edges_to(node)
        )
    ]
    found: set[str] = set()
    while waiting:
        snapshot = waiting.pop()
        if snapshot not in found:
            found.add(snapshot)
            waiting += [node for node in known[snapshot].made_from if node in known]
    return found


def _folder(ws: Workspace, snapshot: Snapshot) -> Path:
    return ws.lake.folder(snapshot.layer, snapshot.table, snapshot.id)
