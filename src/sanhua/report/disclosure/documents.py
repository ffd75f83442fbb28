"""The documents of a disclosure, written into a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sanhua.capital.disclose import Disclosure, to_json
from sanhua.kernel.errors import Diagnostic, SanhuaError, Severity
from sanhua.report.disclosure.content import Issue, content
from sanhua.report.disclosure.workbook import workbook


@dataclass(frozen=True, slots=True)
class Written:
    """The files, and a note for each document that could not be made here."""

    paths: tuple[Path, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def write(
    shown: Disclosure, folder: Path, issue: Issue | None = None, *, fonts: str = ""
) -> Written:
    """Write `<stem>.xlsx`, `.json`, `<stem>-xbrl/`, and `.pdf` and `.docx` where the extra
    `documents` is there, each file replaced whole. What an earlier report left of a document not
    made now is deleted.
    """
    from sanhua.report.disclosure import instance, paper, word

    said = content(shown, issue)
    data = json.dumps(to_json(shown), ensure_ascii=False, indent=1) + "\n"
    makers: dict[str, Callable[[], bytes]] = {
        ".xlsx": lambda: workbook(shown, issue),
        ".json": data.encode,
        ".pdf": lambda: paper.pdf(said, fonts=fonts),
        ".docx": lambda: word.docx(said),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    told: list[Diagnostic] = []
    for ending, make in makers.items():
        path = folder / f"{shown.stem}{ending}"
        try:
            paths.append(_replaced(path, make()))
        except SanhuaError as error:
            told.append(replace(error.diagnostic, severity=Severity.NOTE))
            path.unlink(missing_ok=True)
    (folder / f"{shown.stem}-xbrl").mkdir(exist_ok=True)
    for name, body in instance.package(shown, issue).items():
        paths.append(_replaced(folder / f"{shown.stem}-xbrl" / name, body))
    if not (issue and issue.uscc):
        facts = {"entity": issue.name if issue and issue.name else shown.entity}
        told.append(Diagnostic(Severity.NOTE, "report.no-identifier", facts=facts))
    return Written(tuple(paths), tuple(told))


def _replaced(path: Path, body: bytes) -> Path:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(body)
    part.replace(path)
    return path
