"""Assess: the quality of each resource as it stands, its trend over earlier judgements, and the
report that people are handed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, NotFound, SanhuaError, Severity
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import restore
from sanhua.kernel.time import legal_day
from sanhua.project.read import nearest_or_some
from sanhua.report.quality import POINTS_MAX, Sheet, content
from sanhua.resource.quality import INSTRUMENT, Quality
from sanhua.resource.quality.issues import cases
from sanhua.resource.quality.trend import Point, Worse, points, worse
from sanhua.workspace.disputing import to_json as to_json_case
from sanhua.workspace.opening import Workspace


@dataclass(frozen=True, slots=True)
class Trend:
    """The judgements of one contract, oldest first, and what the last of them found worse."""

    points: tuple[Point, ...]
    worse: tuple[Worse, ...]


def trend(ws: Workspace, contract: str) -> Trend:
    """From the newest POINTS_MAX versions of the quality record; an erased one is left out."""
    from datetime import datetime

    told: list[tuple[int, str, Quality]] = []
    for event, body in ws.store.history(ids.node("quality", contract), newest=POINTS_MAX):
        if body is not None:
            at = datetime.fromisoformat(event.recorded_at)
            judged = restore(Quality, json.loads(body)["fields"])
            told.append((event.version, legal_day(at).isoformat(), judged))
    return Trend(
        tuple(points(told)), tuple(worse(told[-2][2], told[-1][2])) if len(told) > 1 else ()
    )


@dataclass(frozen=True, slots=True)
class Assessed:
    """One contract: what the report says, and the files that say it."""

    said: dict[str, Any]
    files: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def assess(ws: Workspace, of: str = "") -> list[Assessed]:
    """Every resource's quality (or that of the contract `of`) and its files in `out/quality/`.

    NotFound quality.unknown-contract. Without the extra `documents`, or without a Chinese font,
    the PDF is left out and told.
    """
    return [_written(ws, content(sheet)) for sheet in _sheets(ws, of)]


def said_of(ws: Workspace, contract: str) -> dict[str, Any]:
    """What the report of one contract says, without writing it; NotFound
    quality.unknown-contract.
    """
    found = _sheets(ws, contract)
    if not found:
        raise NotFound("quality.unknown-contract", contract=contract, nearest="–")
    return content(found[0])


def _sheets(ws: Workspace, of: str) -> list[Sheet]:
    contracts, name = ws.project.contracts, ids.key_of(of)
    if name and name not in contracts:
        near = nearest_or_some(name, contracts)
        raise NotFound("quality.unknown-contract", contract=name, nearest=near)
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return [
            _sheet(ws, uow, judged)
            for judged in uow.all(Quality)
            if judged.contract in contracts and name in ("", judged.contract)
        ]


def _sheet(ws: Workspace, uow: Uow, judged: Quality) -> Sheet:
    found = trend(ws, judged.contract)
    return Sheet(
        ws.project.settings.title,
        ws.project.contracts[judged.contract].name,
        judged,
        uow.rules.ask(INSTRUMENT, "indicators", on=uow.today()),
        found.points[-1].day,
        found.points,
        found.worse,
        [to_json_case(case) for case in cases(uow, contract=judged.contract)],
    )


def _written(ws: Workspace, said: dict[str, Any]) -> Assessed:
    from sanhua.report import quality as report

    folder = ws.out / "quality"
    name = said["contract"]
    made = {
        f"{name}.html": report.html(said).encode(),
        f"{name}.svg": report.badge(said).encode(),
    }
    found: list[Diagnostic] = []
    try:
        made[f"{name}.pdf"] = report.pdf(said, fonts=ws.env.get("SANHUA_FONTS", ""))
    except SanhuaError as error:
        found.append(replace(error.diagnostic, severity=Severity.NOTE))
        (folder / f"{name}.pdf").unlink(missing_ok=True)  # of an earlier report: not this one
    paths = [_replaced(folder / file, body) for file, body in made.items()]
    return Assessed(
        said, tuple(path.relative_to(ws.root).as_posix() for path in paths), tuple(found)
    )


def _replaced(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(body)
    part.replace(path)
    return path


def to_json(made: Sequence[Assessed]) -> list[dict[str, Any]]:
    """One entry a resource (FORMATS §13): titles as text, shares as text."""
    resources: list[dict[str, Any]] = []
    for one in made:
        said = one.said
        resources.append(
            {
                **{key: said[key] for key in _PLAIN},
                "id": ids.node("quality", said["contract"]),
                "score": said["score"] or "",
                "not_assessable": said["indicators_total"] - said["assessable"],
                "dimensions": [{**d, "title": d["title"]["zh"]} for d in said["dimensions"]],
                "indicators": said["indicators"],
                "findings": [
                    {**f, "label": f["label"]["zh"], "state_label": f["state_label"]["zh"]}
                    for f in said["findings"]
                ],
                "files": list(one.files),
            }
        )
    return resources


_PLAIN = (
    *("contract", "version", "day", "snapshots", "checks", "passed", "failed", "errors"),
    *("rule", "trend", "worse", "issues"),
)
