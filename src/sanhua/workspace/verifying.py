"""Verify: a bundle, or everything that this project keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.workspace.opening import Workspace


@dataclass
class Verdict:
    """What was checked and what was found wrong; `ok` only when nothing was."""

    data: dict[str, Any]
    faults: list[str] = field(default_factory=list[str])
    notes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # zh, en

    @property
    def ok(self) -> bool:
        return not self.faults

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [
            Diagnostic(Severity.ERROR, "verify.broken", facts={"fault": fault})
            for fault in self.faults
        ]

    def lines(self, language: str) -> list[str]:
        head = ("完好：封印、证明和哈希全部相符", "intact: every seal, proof and hash agrees")
        if self.faults:
            head = (
                f"已损坏：{len(self.faults)} 处不符",
                f"broken: {len(self.faults)} disagreements",
            )
        return [pair[language == "en"] for pair in [head, *self.notes]]


def verify_bundle(path: Path, key: Path | None) -> Verdict:
    """Check a bundle offline; `key` pins the public key that must have signed it."""
    from sanhua.verify import check_bundle, public_raw

    pinned = key.read_bytes() if key else None
    try:
        if pinned is not None:
            public_raw(pinned)
    except ValueError as error:
        raise Invalid("verify.key", path=str(key)) from error
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise Invalid("verify.no-bundle", path=str(path)) from error
    report = check_bundle(data, pinned)
    return Verdict(
        {"bundle": str(path), **report.to_json()}, list(report.faults), [(report.zh, report.en)]
    )


def verify_store(
    ws: Workspace, told: Callable[[str, str], None] = lambda step, node: None
) -> Verdict:
    """Check the log, records, edges, ledger, checkpoints, and every byte of the lake's current
    snapshots.
    """
    from sanhua.kernel.errors import SanhuaError
    from sanhua.kernel.ids import key_of
    from sanhua.resource.lineage import Table

    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    told("verify", "log")
    faults = [str(fault) for fault in ws.store.verify()]
    erased = ws.store.erasures()
    tables = 0
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        current = list(uow.all(Table))
    for table in current:
        told("verify", table.id)
        try:
            manifest = ws.lake.load(table.layer, key_of(table.id), table.snapshot)
            faults += [f"{table.id}: {fault}" for fault in ws.lake.verify(manifest)]
            tables += 1
        except SanhuaError as error:
            faults.append(f"{table.id}: {error}")
    size = ws.store.size()
    return Verdict(
        {"events": size, "tables": tables, "erased": [one.node for _, one in erased]},
        faults,
        [(f"{size} 条事件，{tables} 张表的快照", f"{size} events, snapshots of {tables} tables")],
    )
