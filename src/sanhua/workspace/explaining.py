"""Explain and prove: the walk over edges from a figure down to bytes, rules and people."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sanhua.kernel.errors import NotFound
from sanhua.kernel.ids import is_act
from sanhua.kernel.record import KINDS, Edge, restore
from sanhua.workspace.opening import Workspace

NODES_MAX = 2000  # nodes of one answer; the rest is counted in `more`

# Edges that lead back up or sideways are left out of the drill-down: it goes from the number to its causes.
_UPWARD = frozenset({"made", "closes", "supersedes"})


@dataclass(slots=True)
class Walk:
    """What lies below `root`: nodes in the order met, edges between them, and how many nodes were left out."""

    root: str
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    edges: list[Edge] = field(default_factory=list[Edge])
    rules: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    left: int = 0
    records: list[str] = field(default_factory=list[str])  # record ids met, for a bundle


def resolve(ws: Workspace, name: str) -> str:
    """The node that a user's id means: a node, an act, or a figure without `figure:BOOK/`; NotFound otherwise."""
    candidates = [name]
    if not name.startswith("figure:") and name.count("/") == 3:
        candidates.insert(0, f"figure:{ws.entity}/{name}")
    elif not name.startswith("figure:") and name.count("/") == 4:
        candidates.insert(0, f"figure:{name}")
    if ":" not in name and not is_act(name):
        candidates += [f"{kind}:{name}" for kind in KINDS]
    for candidate in candidates:
        if ws.store.version_of(candidate) or ws.store.touches(candidate):
            return candidate
    raise NotFound("explain.no-such-node", node=name)


def walk(ws: Workspace, root: str, *, nodes_max: int = NODES_MAX) -> Walk:
    """Breadth first over edges; rules are gathered apart with the nodes they decided."""
    found = Walk(root)
    queue, seen = [root], {root}
    with ws.store.begin(actor=ws.actor) as uow:
        while queue:
            node = queue.pop(0)
            if len(found.nodes) >= nodes_max:
                found.left = len(queue) + 1
                break
            found.nodes[node] = _describe(ws, node)
            owner = found.nodes[node].pop("record", "")
            if owner and owner not in found.records:
                found.records.append(owner)
            for edge in _below(uow.edges_from(node)):
                if edge.dst.startswith("rule:"):
                    deciders = found.rules.setdefault(edge.dst, [])
                    if edge.src not in deciders:
                        deciders.append(edge.src)
                    continue
                found.edges.append(edge)
                if edge.dst not in seen:
                    seen.add(edge.dst)
                    queue.append(edge.dst)
    return found


def _below(edges: list[Edge]) -> Iterator[Edge]:
    return (edge for edge in edges if edge.verb not in _UPWARD)


def _describe(ws: Workspace, node: str) -> dict[str, Any]:
    """What a reader needs to know of one node, from its latest record."""
    kind = node.partition(":")[0] if ":" in node else node.partition("_")[0]
    shown: dict[str, Any] = {"id": node, "kind": {"col": "column"}.get(kind, kind)}
    version = ws.store.version_of(node)
    if not version:
        shown.update(_nested(ws, node))
        return shown
    sealed = ws.store.sealed(node)
    shown["record"] = node
    shown["event"] = sealed.event.id
    if sealed.body is None:
        shown["erased"] = True
        return shown
    shown["kind"] = sealed.kind
    value = restore(KINDS[sealed.kind], sealed.fields)
    shown.update(_facts(value, ws.project.settings.language))
    return shown


def _nested(ws: Workspace, node: str) -> dict[str, Any]:
    """A node that lives inside another record (a column, a check, a verdict) or is content known by its hash."""
    owner = ws.store.owner_of(node)
    if not owner:
        return {}
    sealed = ws.store.sealed(owner)
    part = _find_part(restore(KINDS[sealed.kind], sealed.fields), node) if sealed.body is not None else None
    shown: dict[str, Any] = {"record": owner, "event": sealed.event.id, "within": owner}
    return shown | _facts(part, ws.project.settings.language) if part is not None else shown


def _find_part(value: Any, node: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for name in (f.name for f in dataclasses.fields(value)):
            inner = getattr(value, name)
            if name == "id" and inner == node:
                return value
            found = _find_part(inner, node)
            if found is not None:
                return found
    elif isinstance(value, tuple):
        for element in value:  # pyright: ignore[reportUnknownVariableType]
            found = _find_part(element, node)
            if found is not None:
                return found
    return None
