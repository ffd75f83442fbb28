"""Run: bring everything up to date, doing only what changed; the steps themselves are in `path`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

from sanhua import __version__
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Invalid, SanhuaError, Severity
from sanhua.kernel.figure import Figure
from sanhua.kernel.record import record
from sanhua.kernel.text import Text
from sanhua.resource.collect import Inbox, Source
from sanhua.workspace.arriving import Brought, bring_in, fetch_of, slots_of, unheard
from sanhua.workspace.booking import SET_ASIDE
from sanhua.workspace.files import find_files
from sanhua.workspace.opening import Workspace
from sanhua.workspace.plan import Plan
from sanhua.workspace.stepping import StepResult, digest

STAGES = {
    "resource": Text("资源化", "resource"),
    "asset": Text("资产化", "asset"),
    "capital": Text("资本化", "capital"),
}


@record("project")
@dataclass(frozen=True, slots=True)
class ProjectState:
    """`project:steel_carbon`: `key` is the hash of all that the last complete run was made from.

    `steps` are `step node` in order, `figures` the ids of the stage figures.
    """

    id: str
    key: str
    steps: tuple[str, ...]
    figures: tuple[str, ...]
    run: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did. `figures` are the stage figures in the order of the stages; `run` is its id,
    of the last one when nothing changed, empty when nothing was begun.
    """

    steps: list[StepResult]
    figures: list[Figure]
    diagnostics: list[Diagnostic]
    ok: bool
    error: SanhuaError | None = None  # the first step's own failure
    checkpoint: str = ""
    run: str = ""

    def to_json(self) -> dict[str, Any]:
        """FORMATS §13, without the common keys."""
        stages: dict[str, dict[str, Any]] = {stage: {} for stage in STAGES}
        for figure in self.figures:
            book, _, line, _, _ = figure.id.split("/")
            stage, _, name = line.partition(".")
            if name in stages[stage]:  # another entity's
                name += f".{book.removeprefix('figure:')}"
            stages[stage][name] = int(figure.value) if figure.unit in COUNTED else text_of(figure)
        return {
            "run": self.run,
            "steps": [
                {key: value for key, value in asdict(step).items() if value not in (None, "")}
                | {"seconds": f"{step.seconds:.2f}"}
                for step in self.steps
            ],
            "skipped": sum(step.status == "skipped" for step in self.steps),
            "stages": stages,
            "figures": [figure.id for figure in self.figures],
            "checkpoint": self.checkpoint,
        }

    def stage_rows(self, language: str) -> list[tuple[str, ...]]:
        """The three-stage table: stage, what, figure, the id that opens it."""
        rows: list[tuple[str, ...]] = []
        for figure in self.figures:
            stage = STAGES[figure.id.split("/")[2].partition(".")[0]]
            rows.append((stage.say(language), figure.label.say(language), shown(figure), figure.id))
        return rows


COUNTED = (
    "tables",
    "rows",
    "checks",
    "indicators",
    "products",
    "deals",
    "assets",
)  # units of counts


def text_of(figure: Figure) -> str:
    """The value in plain digits."""
    return format(figure.value, "f")


def shown(figure: Figure) -> str:
    """The value for people, with separators and its currency."""
    value = f"{figure.value:,}"
    return f"{value} {figure.unit}" if figure.unit.isupper() else value


def run(
    ws: Workspace,
    select: Sequence[str] = (),
    report: Callable[[str, str], None] = lambda step, node: None,
    asking: str = "",
) -> RunResult:
    """Bring everything (or the tables and products of `select` with what they need) up to date;
    with `asking` only that source is asked, and those that never were.

    Raises the first error that stops everything (a project that does not compile, another run in
    progress); a step's own failure is in the result, and what does not depend on it is still done.
    """
    ws.state.mkdir(parents=True, exist_ok=True)
    from sanhua.engine.lake import sweep
    from sanhua.workspace.checking import check

    with ws.exclusive():
        sweep(ws.temp)  # also when nothing changed and no engine is opened
        if faults(ws.project.diagnostics):
            return _refused(check(ws)[1])
        sources = _sources(ws, select)
        brought = bring_in(
            ws,
            (one for one in sources if asking in ("", one.id) or fetch_of(ws, one.id) is None),
            report,
        )
        found = {source.id: find_files(ws, source) for source in sources}
        key = _key(ws, found)
        if not select:
            again = _unchanged(ws, key)
            if again is not None:
                return _with(again, ws, sources, brought)
        _, diagnostics = check(ws)
        if faults(d for d in diagnostics if d.code not in SET_ASIDE):
            return _refused(diagnostics)
        ws.store.must_go_on()
        _begin(ws)
        from sanhua.workspace.figures import StageFigures
        from sanhua.workspace.path import Path

        path = Path(ws, found, report, select)
        path.walk()
        stepper = path.stepper
        figures = StageFigures(ws, path.plan.tables, path.today).state()
        with ws.store.begin(actor=ws.actor) as uow:
            this = uow.new_id("run")
            if stepper.ok and not select:
                steps = tuple(f"{result.step} {result.node}" for result in stepper.results)
                state = ProjectState(
                    ids.node("project", ws.project.name),
                    key,
                    steps,
                    tuple(figure.id for figure in figures),
                    this,
                )
                uow.add(state, "project.built")
        note = ws.store.checkpoint()
        known = {(d.code, d.node, d.path, d.line) for d in diagnostics}
        new = [d for d in stepper.diagnostics if (d.code, d.node, d.path, d.line) not in known]
        made = RunResult(
            stepper.results,
            figures,
            diagnostics + new,
            stepper.ok,
            stepper.errors[0] if stepper.errors else None,
            note.splitlines()[1] + " " + note.splitlines()[2],
            this,
        )
        return _with(made, ws, sources, brought)


def _sources(ws: Workspace, select: Sequence[str]) -> list[Source]:
    """The sources that a run needs: of what is selected, those that it is made from."""
    every = list(ws.project.sources.values())
    if not select:
        return every
    try:
        plan = Plan(ws.project, select)
    except SanhuaError:  # told by `check`, or where it is wanted
        return every
    needed = {plan.raw_tables[t][0].id for t in plan.wanted if t in plan.raw_tables}
    return [source for source in every if source.id in needed]


def _with(made: RunResult, ws: Workspace, sources: Sequence[Source], brought: Brought) -> RunResult:
    """The run's result with what bringing in came to and what arrived and does not count."""
    lost = [
        told
        for source in sources
        if isinstance(source.fetched, Inbox)
        for told in unheard(ws, source, slots_of(ws, source))
    ]
    return replace(
        made,
        steps=[*brought.steps, *made.steps],
        diagnostics=[*brought.diagnostics, *made.diagnostics, *lost],
        ok=made.ok and not brought.errors,
        error=made.error or (brought.errors[0] if brought.errors else None),
    )


def _begin(ws: Workspace) -> None:
    """What the last run was made from counts no more: from here on tables may move, and only a run
    that ends whole says again that nothing is left to do.
    """
    with ws.store.begin(actor=ws.actor) as uow:
        before = uow.find(ProjectState, ids.node("project", ws.project.name))
        if before is not None and before.key:
            uow.add(replace(before, key=""), "project.changing")


def faults(found: Iterable[Diagnostic]) -> int:
    """How many are errors."""
    return sum(item.severity is Severity.ERROR for item in found)


def _refused(found: list[Diagnostic]) -> RunResult:
    """The project has errors: all of them, and no step."""
    error = Invalid("run.does-not-compile", count=faults(found))
    return RunResult([], [], [error.diagnostic, *found], False, error)


def _key(ws: Workspace, found: dict[str, Any]) -> str:
    """The hash of all that a run is made from: files, raw files, settings from the environment,
    rules, legal day. Where the store is changes nothing, and its password must not be guessed from
    this.
    """
    from sanhua.kernel.time import legal_day

    return digest(
        {
            "version": __version__,
            "engine": version("duckdb"),
            "files": {path: origin.sha256 for path, origin in ws.project.files.items()},
            "raw": {source: [[f.name, f.sha256] for f in files] for source, files in found.items()},
            "settings": {
                k: v
                for k, v in ws.env.items()
                if k.startswith("SANHUA_") and not k.startswith(("SANHUA_LANGUAGE", "SANHUA_STORE"))
            },
            "rules": ws.rules.fingerprint,
            "closed": _closed(ws),
            "day": legal_day(ws.clock.now()).isoformat(),
            **({"hour": ws.hour} if any(c.hourly for c in ws.project.contracts.values()) else {}),
        }
    )


def _closed(ws: Workspace) -> list[str]:
    """The months that were closed; their figures count into the stages'."""
    if not ws.has_store:
        return []
    from sanhua.asset.bill import Closing

    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return [closing.id for closing in uow.all(Closing)]


def _unchanged(ws: Workspace, key: str) -> RunResult | None:
    """The last run's steps as skipped, when nothing it was made from has changed and its snapshots
    and the files of its deals are all there.
    """
    if not ws.has_store:
        return None
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        state = uow.find(ProjectState, ids.node("project", ws.project.name))
        if state is None or state.key != key:
            return None
        from sanhua.resource.lineage import Table

        for table in uow.all(Table):
            if not ws.lake_has(table.layer, ids.key_of(table.id), table.snapshot):
                return None
        if ws.project.deals:
            from sanhua.workspace.dealing import served_files, serving_root

            if not all((serving_root(ws) / name).exists() for name in served_files(uow)):
                return None
        figures = [uow.get(Figure, figure) for figure in state.figures]
    named = [step.partition(" ") for step in state.steps]
    steps = [StepResult(step, node, "skipped", "unchanged") for step, _, node in named]
    return RunResult(steps, figures, [], True, run=state.run)
