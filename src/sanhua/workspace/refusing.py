"""Refusals: an act on rights or money that was refused is itself an act in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from sanhua.kernel.errors import Conflict, Denied, Invalid, NotFound, SanhuaError
from sanhua.kernel.record import Ref, record
from sanhua.workspace.opening import Workspace


@record("refusal")
@dataclass(frozen=True, slots=True)
class Refusal:
    """拒绝 `rfs_…`: what was asked of `node` and refused, with the code that was answered."""

    id: str
    act: str
    node: Annotated[str, Ref("refuses")]
    code: str


@contextmanager
def recorded(ws: Workspace, act: str, node: str, actor: str = "") -> Iterator[None]:
    """Keep the refusal that the block ends with, if there is a store to keep it in."""
    try:
        yield
    except (Conflict, Denied, Invalid, NotFound) as error:
        if ws.has_store:
            try:
                with ws.store.begin(actor=actor or ws.actor) as uow:
                    uow.add(Refusal(uow.new_id("rfs"), act, node, error.code), "act.refused")
            except SanhuaError as other:
                raise error from other  # the reason for the refusal comes first
        raise
