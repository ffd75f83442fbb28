"""Verify: a bundle, or everything that this project keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from sanhua.kernel.errors import Broken, Diagnostic, Invalid, Severity
from sanhua.kernel.ids import key_of
from sanhua.verify import check_bundle, public_raw, unpack
from sanhua.workspace.opening import Workspace

if TYPE_CHECKING:
    from sanhua.store import Fault


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


def _load_kinds() -> None:
    """Every record class, for what the views should show."""
    import sanhua.asset
    import sanhua.capital
    import sanhua.resource
    import sanhua.workspace

    for package in (sanhua.resource, sanhua.asset, sanhua.capital, sanhua.workspace):
        for module in iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)


def _public_key(ws: Workspace) -> Iterator[Fault]:
    """The public key that is handed out belongs to the private one."""
    from sanhua.store.audit import Fault
    from sanhua.store.keys import FileSigner

    path = ws.state / "keys" / "log.key"
    public = path.with_name("log.key.pub")
    try:
        same = public_raw(public.read_bytes()) == FileSigner.open(path, "").public_key
    except ValueError:
        same = False
    if not same:
        yield Fault("keys.public-differs", "", {"file": str(public)})


def _against(ws: Workspace, path: Path) -> list[str]:
    """Whether the log goes on from the checkpoint of a bundle (or of a file that is one alone)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Invalid("verify.no-bundle", path=str(path)) from error
    note, faults = data.decode("utf-8", "replace"), list[str]()
    if data.startswith(b"PK"):
        faults = [f"{path.name}: {fault}" for fault in check_bundle(data, None).faults]
        if not faults:
            note = json.loads(unpack(data)["bundle.json"])["checkpoint"]
    fault = None if faults else ws.store.held_against(note)
    return [*faults, *([f"{path.name}: {fault}"] if fault else [])]


def _unsealed(ws: Workspace, sealed: set[str]) -> tuple[int, list[str]]:
    """How many usage records wait to be sealed into the log, in segments that are not among
    `sealed`, and where such a segment breaks its own chain. A batch that a gateway is just writing
    is not counted yet.

    Nothing tells of a segment that was taken away whole, or cut behind a batch, before its sealing.
    """
    from sanhua.asset.meter import MeterSegment
    from sanhua.kernel.ids import node
    from sanhua.store.segment import OPEN, WHOLE
    from sanhua.workspace.metering import meter_root

    found: dict[str, tuple[int, str]] = {}
    for ending in (OPEN, WHOLE):  # in the order of a segment's life: one that moves on is met
        for path in sorted(meter_root(ws).glob(f"*{ending}")):
            if path.stem not in sealed:
                found[path.stem] = _chained(path) or found.get(path.stem, (0, ""))
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        waiting = [
            told
            for name, told in sorted(found.items())
            if uow.find(MeterSegment, node("segment", name)) is None
        ]
    return sum(records for records, _ in waiting), [fault for _, fault in waiting if fault]


def _chained(path: Path) -> tuple[int, str] | None:
    """Records of a segment's whole batches, and what is wrong; None when it is gone meanwhile."""
    from sanhua.store.segment import OPEN, ends_batch, lines_behind, look

    try:
        if path.suffix == OPEN and not any(line[-1:] == b"\n" for line in lines_behind(path, 0)):
            return 0, ""  # it has only just been begun
        segment = look(path)
        while segment.good < segment.size:
            behind = lines_behind(path, segment.good)
            if path.suffix == OPEN and not any(map(ends_batch, behind)):
                break
            again = look(path)
            if again.good == segment.good:
                return again.lines, str(Broken("store.meter-broken", file=path.name, at=again.good))
            segment = again
        return segment.lines, ""
    except FileNotFoundError:
        return None
    except Broken as error:
        return 0, str(error)


def verify_store(
    ws: Workspace,
    told: Callable[[str, str], None] = lambda step, node: None,
    against: Sequence[Path] = (),
) -> Verdict:
    """Check the log, records, edges, ledger, checkpoints, every byte of the lake's snapshots
    (current or not) and of the sealed meter, and the signatures under deals and approvals.
    `against` are bundles or checkpoints that were handed out: the log must go on from each.
    """
    from sanhua.asset.contract import Signature
    from sanhua.asset.meter import MeterSegment
    from sanhua.kernel.errors import SanhuaError
    from sanhua.resource.lineage import Snapshot
    from sanhua.workspace.approving import Approval, is_sound
    from sanhua.workspace.arriving import raw_faults
    from sanhua.workspace.dealing import is_signed
    from sanhua.workspace.metering import copy_fault, damaged, segment_fault
    from sanhua.workspace.pruning import LetGo

    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    told("verify", "log")
    _load_kinds()
    faults = [str(fault) for fault in [*ws.store.verify(), *_public_key(ws)]]
    for path in against:
        faults += _against(ws, path)
    erased: list[str] = []
    kept: list[Snapshot] = []
    let_go = 0
    segments: list[MeterSegment] = []
    signatures: list[tuple[Signature, bool]] = []
    approvals: list[Approval] = []
    size = ws.store.size()
    try:  # what the audit found broken may not be readable at all
        erased = [one.node for _, one in ws.store.erasures()]
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            gone = {one.snapshot for one in uow.all(LetGo)}
            made = list(uow.all(Snapshot))
            kept = [
                one
                for one in made
                if one.id not in gone or ws.lake_has(one.layer, one.table, one.id)
            ]
            let_go = len(made) - len(kept)
            segments = list(uow.all(MeterSegment))
            signatures = [(one, is_signed(uow, one)) for one in uow.all(Signature)]
            approvals = [one for one in uow.all(Approval) if one.signature]
    except (SanhuaError, ValueError, TypeError, KeyError, AttributeError) as error:
        faults.append(f"records: {type(error).__name__}: {error}")
    sound = 0
    for snapshot in kept:
        told("verify", snapshot.id)
        name = f"{snapshot.table} {snapshot.id}"
        try:
            manifest = ws.lake.load(snapshot.layer, snapshot.table, snapshot.id)
            faults += [f"{name}: {fault}" for fault in ws.lake.verify(manifest)]
            sound += 1
        except SanhuaError as error:
            faults.append(f"{name}: {error}")
    for segment in segments:
        told("verify", segment.id)
        fault = segment_fault(ws, segment) or copy_fault(ws, segment)
        faults += [f"{segment.id}: {fault}"] if fault else []
    told("verify", "raw")
    came = list(raw_faults(ws))
    faults += [f"{arrival}: {fault}" for arrival, fault in came if fault]
    unsealed, broken = _unsealed(ws, {key_of(segment.id) for segment in segments})
    faults += broken
    if aside := damaged(ws):
        faults.append(str(aside))
    faults += [f"{one.id}: bad signature" for one, sound in signatures if not sound]
    faults += [f"{one.id}: bad signature" for one in approvals if not is_sound(one)]
    notes = [(f"{size} 条事件，{sound} 个快照", f"{size} events, {sound} snapshots")]
    if let_go:
        notes.append(
            (
                f"另有 {let_go} 个旧快照的内容已按记录删去，只剩其哈希",
                f"the bytes of {let_go} old snapshots were let go on record: their hashes remain",
            )
        )
    if unsealed:
        notes.append(
            (
                f"另有 {unsealed} 条用量记录尚未封存入日志：只核对了它们自身的批次链",
                f"{unsealed} usage records are not sealed into the log yet: only their own chain "
                "of batches was checked",
            )
        )
    return Verdict(
        {
            "events": size,
            "tables": len({snapshot.table for snapshot in kept}),
            "snapshots": sound,
            "let_go": let_go,
            "segments": len(segments),
            "unsealed": unsealed,
            "signatures": len(signatures) + len(approvals),
            "erased": erased,
            "against": len(against),
        },
        faults,
        notes,
    )
