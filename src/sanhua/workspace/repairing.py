"""What repair rules changed: the counts that a run recorded, and the most frequent changes."""

from __future__ import annotations

from typing import Any

from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Invalid, NotFound
from sanhua.resource.grade import Grading
from sanhua.resource.repair import Repaired, plan_of
from sanhua.workspace.opening import Workspace
from sanhua.workspace.snapshots import Snapshots
from sanhua.workspace.suggesting import closed_columns

EXAMPLES = 5


def changes(ws: Workspace, table: str) -> dict[str, Any]:
    """The last repair of a table: rows in, out and rejected; per rule how many cells it changed,
    and what into what where the column's grade allows values to be shown.

    NotFound repair.none when no run repaired the table; Conflict repair.not-current when the
    contract or that table changed since: neither figures nor grades hold for what it is now.
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    schemas = {t.name: t for c in ws.project.contracts.values() for t in c.tables if t.repair_of}
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        found = uow.find(Repaired, ids.node("repair", table)) if table in schemas else None
        graded = uow.find(Grading, ids.node("grade", table)) if found else None
    if found is None:
        raise NotFound("repair.none", table=table, known=", ".join(schemas) or "–")
    contract = next(c for c in ws.project.contracts.values() if schemas[table] in c.tables)
    snapshots = Snapshots(ws)
    now = (contract.origin.sha256, snapshots.id_of(schemas[table].repair_of))
    if now != (found.definition, found.before):
        raise Conflict("repair.not-current", path=contract.origin.path, table=table)
    plan = plan_of(schemas[table], ws.project.elements)
    closed = closed_columns(graded)
    snapshots.bind(plan.of)
    rules: list[dict[str, Any]] = []
    for (column, n, _), mended in zip(plan.rules, found.rules, strict=True):
        shown = closed is not None and column.name not in closed and mended.changed > 0
        pairs = ws.engine.query(plan.changes(column, n, EXAMPLES)) if shown else []
        rules.append(
            {
                "column": mended.column,
                "rule": mended.rule,
                "changed": mended.changed,
                "withheld": closed is None or column.name in closed,
                "examples": [{"before": b, "after": a, "rows": int(rows)} for b, a, rows in pairs],
            }
        )
    return {
        "table": table,
        "of": plan.of,
        "before": found.before,
        "after": found.after,
        "rows": found.rows,
        "kept": found.kept,
        "rejected": found.rejected,
        "rules": rules,
    }
