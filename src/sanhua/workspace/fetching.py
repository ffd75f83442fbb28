"""Fetch: databases, APIs and documents, asked and landed."""

from __future__ import annotations

from collections.abc import Callable

from sanhua.kernel.errors import Diagnostic, Unavailable
from sanhua.resource.collect import Source
from sanhua.workspace.opening import Workspace


def fetch(
    ws: Workspace,
    source: Source,
    report: Callable[[str, str], None],
    tell: Callable[[Diagnostic], None],
) -> tuple[int, str]:
    raise Unavailable("source.not-built", source=source.id)
