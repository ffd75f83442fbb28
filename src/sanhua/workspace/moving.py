"""Move: the store into another database, proven before it counts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from sanhua.kernel.errors import Invalid
from sanhua.project.location import shown, store_url
from sanhua.workspace.opening import Workspace


def move(
    ws: Workspace, to: str, told: Callable[[str, str], None] = lambda step, node: None
) -> dict[str, Any]:
    """Copy the store into the empty database at `to`, written as `store:` is: rows a table, size
    and root of the log, and what to write in sanhua.yaml. The old one stays as it is.

    Invalid format.unset-variable, Conflict store.target-not-empty, Broken store.not-sound.
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    url, missing = store_url(to, ws.env, ws.root)
    if missing:
        raise Invalid("format.unset-variable", name=missing[0])
    with ws.exclusive():
        copied = ws.store.copy_to(url, progress=lambda part, rows: told("move", f"{part} {rows}"))
    return {
        "store": shown(to),
        "rows": copied.rows,
        "events": copied.size,
        "root": base64.b64encode(copied.root).decode(),
    }
