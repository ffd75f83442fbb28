"""Sample: a few of the rows that broke a rule, for whoever has to mend them.

Rows are data: they never enter a record or the evidence log. They lie in `.sanhua/failed_rows/`,
where anybody may delete them at any time, are replaced by the next judgement, and are kept only of
a table whose every column is graded below the setting `failed_rows_below`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, NotFound, Severity
from sanhua.kernel.metric import Measured
from sanhua.kernel.table import Manifest
from sanhua.resource.grade import Grade, Grading
from sanhua.resource.quality import Check
from sanhua.verify import sha256
from sanhua.workspace.opening import Workspace

ROWS_MAX = 1000  # of one check, whatever it asks for


def root(ws: Workspace) -> Path:
    return ws.root / ".sanhua" / "failed_rows"


def keep(
    ws: Workspace,
    manifest: Manifest,
    checks: Sequence[Check],
    measured: Iterable[Measured],
    grading: Grading | None,
) -> list[Diagnostic]:
    """Replace what is kept of a bound table by rows that break the checks which ask for some.

    A note quality.rows-not-kept for a table that is graded too high, or not at all.
    """
    folder = root(ws) / manifest.table
    shutil.rmtree(folder, ignore_errors=True)
    values = {result.metric.id: result.value for result in measured}
    asked = [
        check
        for check in checks
        if check.keep_rows
        and check.rows_where
        and check.violations is not None
        and int(values.get(check.violations.id) or 0)
    ]
    if not asked:
        return []
    below = Grade.parse(ws.project.settings.failed_rows_below)
    if grading is None or not grading.grade < below:
        facts = {
            "table": manifest.table,
            "grade": grading.grade.title if grading else "–",
            "below": below.title,
        }
        node = ids.node("table", manifest.table)
        return [Diagnostic(Severity.NOTE, "quality.rows-not-kept", node=node, facts=facts)]
    names = [column.name for column in manifest.columns]
    listed = ", ".join(f"CAST({sql.quote(name)} AS VARCHAR)" for name in names)
    order = ", ".join(map(sql.quote, names))
    for check in asked:
        many = min(check.keep_rows, ROWS_MAX)
        query = (
            f"SELECT {listed} FROM {sql.quote(manifest.table)} WHERE {check.rows_where} "
            f"ORDER BY {order} LIMIT {many}"
        )
        rows = ws.engine.query(query, rows_max=many)
        said = {
            "check": check.id,
            "snapshot": manifest.id,
            "columns": names,
            "rows": [list(row) for row in rows],
        }
        _write(_path(ws, check.id), json.dumps(said, ensure_ascii=False).encode())
    return []


def kept(ws: Workspace, check: str) -> dict[str, Any]:
    """The rows that are kept of a check, and when they were; NotFound quality.no-rows-kept."""
    name = check if check.startswith("check:") else ids.node("check", check)
    path = _path(ws, name)
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise NotFound("quality.no-rows-kept", check=name) from error
    return {**said, "kept_at": at.isoformat(timespec="seconds")}


def _path(ws: Workspace, check: str) -> Path:
    table, _, name = ids.key_of(check).partition("/")
    readable = "".join(char if char.isalnum() else "_" for char in name)[:40]
    mark = sha256(name.encode()).removeprefix("sha256:")[
        :12
    ]  # names may be long, or differ in case
    return root(ws) / table / f"{readable}-{mark}.json"


def _write(path: Path, body: bytes) -> None:
    """Readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
