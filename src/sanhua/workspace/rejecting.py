"""Rejects 拒收: the rows that did not fit, out of the lake, for a person to mend."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sanhua.kernel.errors import Broken, NotFound
from sanhua.kernel.table import Manifest
from sanhua.workspace.opening import Workspace
from sanhua.workspace.snapshots import Snapshots

COLUMNS = ("input", "record", "line", "reasons", "row")
SHOWN = 20


def rejects(ws: Workspace, table: str, target: Path | None = None) -> dict[str, Any]:
    """How many rows of the current snapshot were rejected, by reason, and the first SHOWN; all of
    them go to `target` as CSV when it is given. They are counted again as soon as the file or the
    contract is mended and `run` reads it.

    NotFound run.unknown-target; Broken lake.differs.
    """
    manifest = _collected(ws, table)
    reasons: Counter[str] = Counter()
    first: list[dict[str, Any]] = []
    out = target.open("w", encoding="utf-8-sig", newline="") if target else None
    try:
        writer = csv.writer(out) if out else None
        if writer:
            writer.writerow(COLUMNS)
        for row in _rows(ws, manifest):
            reasons.update(_kind(reason) for reason in row["reasons"])
            if len(first) < SHOWN:
                first.append(row)
            if writer:
                said = "; ".join(row["reasons"])
                writer.writerow([row[c] if c != "reasons" else said for c in COLUMNS])
    finally:
        if out:
            out.close()
    return {
        "table": table,
        "snapshot": manifest.id,
        "rows": manifest.rows,
        "rejected": manifest.rejected,
        "reasons": [{"reason": why, "rows": n} for why, n in reasons.most_common()],
        "first": first,
        "file": str(target) if target else None,
    }


def _collected(ws: Workspace, table: str) -> Manifest:
    try:
        manifest = Snapshots(ws).manifest(table) if ws.has_store else None
    except NotFound:
        manifest = None
    if manifest is None or manifest.layer != "raw":
        raise NotFound("run.unknown-target", name=table, nearest="sanhua run")
    if faults := ws.lake.verify(manifest, whole=False):
        raise Broken("lake.differs", table=table, fault=faults[0])
    return manifest


def _rows(ws: Workspace, manifest: Manifest) -> Iterator[dict[str, Any]]:
    folder = ws.lake.path(manifest)
    for file in manifest.rejects:
        for batch in pq.ParquetFile(folder / file.path).iter_batches(columns=list(COLUMNS)):
            yield from batch.to_pylist()


def _kind(reason: str) -> str:
    """A reason without the value: `kwh: 'abc' is not DOUBLE` → `kwh: is not DOUBLE`."""
    name, quote, rest = reason.partition(": '")
    return f"{name}: {rest.rpartition(chr(39) + ' ')[2]}" if quote else reason
