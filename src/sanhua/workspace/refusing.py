"""Refusals: an act on rights or money that was refused is itself an act in the log."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from sanhua.kernel import ids
from sanhua.kernel.errors import SanhuaError
from sanhua.kernel.record import Ref, record
from sanhua.workspace.opening import Workspace

NAME_MAX = 80  # of what somebody typed, in a log that forgets nothing
_UNLIKE = re.compile(r"[^\w.:/@-]")
P = ParamSpec("P")
R = TypeVar("R")


@record("refusal")
@dataclass(frozen=True, slots=True)
class Refusal:
    """拒绝 `rfs_…`: what was asked of `node` and refused, with the code that was answered."""

    id: str
    act: str
    node: Annotated[str, Ref("refuses")]
    code: str


def refusals(
    act: str, kind: str = "deal"
) -> Callable[
    [Callable[Concatenate[Workspace, str, P], R]], Callable[Concatenate[Workspace, str, P], R]
]:
    """Keep every refusal of the decorated act on a thing of `kind`, which its second argument
    names, if there is a store to keep it in.
    """

    def keeping(
        asked: Callable[Concatenate[Workspace, str, P], R],
    ) -> Callable[Concatenate[Workspace, str, P], R]:
        @wraps(asked)
        def ask(ws: Workspace, name: str, *args: P.args, **more: P.kwargs) -> R:
            try:
                return asked(ws, name, *args, **more)
            except SanhuaError as error:
                node = ids.node(kind, _UNLIKE.sub("?", ids.key_of(name))[:NAME_MAX])
                try:
                    if ws.has_store:
                        with ws.store.begin(actor=ws.actor) as uow:
                            refusal = Refusal(uow.new_id("rfs"), act, node, error.code)
                            uow.add(refusal, "act.refused")
                except SanhuaError as other:  # the reason for the refusal comes first
                    raise error from other
                raise

        return ask

    return keeping
