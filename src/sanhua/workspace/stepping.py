"""The steps of a run: each is skipped while what it is made from is the same, and is one act when
it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Annotated, Any

from sanhua.kernel.errors import Diagnostic, SanhuaError, Severity
from sanhua.kernel.ids import key_of
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, record
from sanhua.verify import canonical, sha256


@record("step")
@dataclass(frozen=True, slots=True)
class Step:
    """`step:collect/steel_readings`. `parts` names what it was made from; equal parts let a run
    skip it.
    """

    id: str
    parts: Mapping[str, str]
    made: tuple[Annotated[str, Ref("made")], ...]


@dataclass(frozen=True, slots=True)
class Made:
    """What a step's act left behind; `diagnostics` are findings that do not fail it."""

    nodes: tuple[str, ...]
    rows: int | None = None
    rejected: int | None = None
    snapshot: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """`status`: done, skipped, failed (its own error), blocked (something it needs failed)."""

    step: str
    node: str
    status: str
    why: str
    seconds: float = 0.0
    rows: int | None = None
    rejected: int | None = None
    snapshot: str = ""
    event: str = ""


Act = Callable[[Uow], Made]


def digest(value: Any) -> str:
    """The content hash of plain data (or text) for a step's parts."""
    return sha256(canonical(value))


@dataclass
class Stepper:
    """Runs steps in the order given and keeps what came of them. `report(step, node)` is told
    before each.
    """

    begin: Callable[[bool], Any]  # opens a unit of work, read-only or not
    report: Callable[[str, str], None] = lambda step, node: None
    results: list[StepResult] = field(default_factory=list[StepResult])
    errors: list[SanhuaError] = field(default_factory=list[SanhuaError])
    notes: list[Diagnostic] = field(default_factory=list[Diagnostic])
    failed: set[str] = field(default_factory=set[str])

    def step(
        self,
        name: str,
        node: str,
        parts: Mapping[str, Any],
        work: Callable[[], Act],
        *,
        needs: Collection[str] = (),
        usable: Callable[[], bool] = lambda: True,
        at: Origin | None = None,
    ) -> bool:
        """Do the step unless its parts are those of last time and what it made is `usable`; True
        when it stands.

        `work` does what is slow (engine, files) outside a transaction and returns the act, which
        runs in one. A failure that names no place gets `at` and `node`.
        """
        blocked = sorted(self.failed.intersection(needs))
        if blocked:
            self.failed.add(node)
            self.results.append(StepResult(name, node, "blocked", f"needs {blocked[0]}"))
            return False
        identity = f"step:{name}/{key_of(node)}"
        hashes = {
            key: value if isinstance(value, str) else digest(value) for key, value in parts.items()
        }
        with self.begin(True) as uow:
            before = uow.find(Step, identity)
        why = _why(before, hashes)
        if not why and usable():
            self.results.append(StepResult(name, node, "skipped", "unchanged"))
            return True
        self.report(name, node)
        started = perf_counter()
        try:
            act = work()
            with self.begin(False) as uow:
                made = act(uow)
                # One that found errors is done anew each time, so that they are told each time.
                faulty = any(d.severity is Severity.ERROR for d in made.diagnostics)
                parts_kept = {} if faulty else hashes
                event = uow.add(Step(identity, parts_kept, made.nodes), f"{name}.done")
        except SanhuaError as error:
            self.failed.add(node)
            self.errors.append(_placed(error, node, at))
            spent = perf_counter() - started
            self.results.append(StepResult(name, node, "failed", error.code, spent))
            return False
        self.notes.extend(made.diagnostics)
        self.results.append(
            StepResult(
                name,
                node,
                "done",
                why or "missing from the lake",
                perf_counter() - started,
                made.rows,
                made.rejected,
                made.snapshot,
                event.id if event else "",
            )
        )
        return True

    def did(self, name: str, node: str) -> bool:
        """Whether the step was ever done: what it left behind may have to go."""
        with self.begin(True) as uow:
            return uow.find(Step, f"step:{name}/{key_of(node)}") is not None

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [*(error.diagnostic for error in self.errors), *self.notes]

    @property
    def ok(self) -> bool:
        return not self.errors and not any(d.severity is Severity.ERROR for d in self.notes)


def _placed(error: SanhuaError, node: str, at: Origin | None) -> SanhuaError:
    found = error.diagnostic
    if at is not None and not found.path:
        found = replace(found, path=at.path, line=found.line or at.line or 1)
    error.diagnostic = found if found.node else replace(found, node=node)
    return error


def _why(before: Step | None, parts: Mapping[str, str]) -> str:
    if before is None:
        return "new"
    changed = [key for key in parts if before.parts.get(key) != parts[key]]
    return (
        f"changed: {', '.join(changed)}" if changed or before.parts.keys() != parts.keys() else ""
    )
