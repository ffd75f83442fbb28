"""Write answers: stdout carries the answer (text or one JSON object), stderr the rest."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sanhua.kernel.errors import (
    Broken,
    Conflict,
    Denied,
    Diagnostic,
    Invalid,
    NotFound,
    RuleGap,
    SanhuaError,
    Severity,
    Unavailable,
)

EXIT_FAULTS = 1  # a check or gate found faults
EXIT_DEFECT = 70  # a mistake of the program itself (EX_SOFTWARE)
EXIT: dict[type[SanhuaError], int] = {
    Invalid: 2,
    NotFound: 3,
    Conflict: 4,
    Denied: 5,
    RuleGap: 6,
    Unavailable: 7,
    Broken: 8,
}


def exit_code(error: SanhuaError) -> int:
    return next(code for kind, code in EXIT.items() if isinstance(error, kind))


def diagnostic_json(found: Diagnostic, language: str) -> dict[str, Any]:
    """FORMATS §13."""
    rule = found.rule
    return {
        "severity": found.severity.value,
        "code": found.code,
        "path": found.path,
        "line": found.line,
        "column": found.column,
        "node": found.node,
        "message": found.message(language),
        "hint": found.hint(language),
        "rule": {
            "instrument": rule.instrument,
            "number": rule.number,
            "clause": rule.clause,
            "tag": rule.tag,
        }
        if rule
        else None,
    }


_COLOUR = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_WORD = {
    Severity.ERROR: ("错误", "error"),
    Severity.WARNING: ("警告", "warning"),
    Severity.NOTE: ("提示", "note"),
}


def diagnostics(found: Iterable[Diagnostic], language: str) -> None:
    """Compiler-like lines on stderr: `path:line:column: 错误 code message`, then the clause and the
    way out.
    """
    for item in found:
        place = (
            ":".join(str(part) for part in (item.path, item.line, item.column) if part) or item.node
        )
        word = _WORD[item.severity][language == "en"]
        head = click.style(word, fg=_COLOUR[item.severity])
        click.echo(
            f"{place + ': ' if place else ''}{head} {item.code} {item.message(language)}", err=True
        )
        if item.rule:
            tag = "" if item.rule.tag in ("V", "S") else f" [{item.rule.tag}]"
            click.echo(f"    {item.rule.number} {item.rule.clause}{tag}", err=True)
        hint = item.hint(language)
        if hint:
            click.echo(f"    → {hint}", err=True)


class Answer:
    """What one command says: `data` as the JSON object's own keys, `text` as lines for people."""

    def __init__(self, command: str, as_json: bool, language: str = "") -> None:
        self.command, self.as_json = command, as_json
        self.language = language or "zh"
        self.project = ""
        self.ok = True
        self.code = 0
        self.data: dict[str, Any] = {}
        self.lines: list[str] = []
        self.found: list[Diagnostic] = []
        self.said = False  # all that there is to say has been written

    def say(self, zh: str, en: str) -> None:
        self.lines.append(en if self.language == "en" else zh)

    def finish(self) -> None:
        if self.as_json:
            whole = {
                "sanhua": 1,
                "command": self.command,
                "project": self.project,
                "ok": self.ok,
                **self.data,
                "diagnostics": [diagnostic_json(item, self.language) for item in self.found],
            }
            import json

            click.echo(json.dumps(whole, ensure_ascii=False))
        else:
            diagnostics(self.found, self.language)
            for line in self.lines:
                click.echo(line)
        sys.stdout.flush()


@contextmanager
def answering(command: str, as_json: bool, language: str) -> Iterator[Answer]:
    """Every failure becomes a coded diagnostic and an exit code; the answer is written once."""
    answer = Answer(command, as_json, language)
    try:
        try:
            yield answer
        except OSError as error:
            raise _from_os(error) from error
    except SanhuaError as error:
        answer.ok, answer.code = False, exit_code(error)
        answer.found = [error.diagnostic, *(d for d in answer.found if d != error.diagnostic)]
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        import logging

        logging.getLogger(__name__).debug("a defect", exc_info=True)
        answer.ok, answer.code = False, EXIT_DEFECT
        answer.found = [_defect(error), *answer.found]
    if not answer.said or answer.code:
        answer.finish()
    if answer.code:
        raise SystemExit(answer.code)


def _from_os(error: OSError) -> SanhuaError:
    path = str(error.filename or "").removesuffix(".part")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable("run.disk-full", path=path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Unavailable("run.no-access", path=path, reason=error.strerror or "")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotFound("run.no-file", path=path)
    return Unavailable("run.system", path=path, reason=str(error))


def _defect(error: Exception) -> Diagnostic:
    """A mistake of ours: what it was and the last of our lines that it passed, without a
    traceback.
    """
    import traceback

    ours = [f for f in traceback.extract_tb(error.__traceback__) if "sanhua" in f.filename]
    at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "–"
    facts = {"kind": type(error).__name__, "reason": str(error)[:300], "at": at}
    return Diagnostic(Severity.ERROR, "run.defect", facts=facts)


@contextmanager
def progress(show: bool, language: str) -> Iterator[Callable[[str, str], None]]:
    """A live line on stderr, drawn on a terminal only: the step under way and how many are done."""
    if not show or not sys.stderr.isatty():
        yield lambda step, node: None
        return
    done = 0
    word = "第 {n} 步" if language != "en" else "step {n}"

    def tell(step: str, node: str) -> None:
        nonlocal done
        done += 1
        click.echo(f"\r\x1b[2K{word.format(n=done)} · {step} {node}", err=True, nl=False)

    try:
        yield tell
    finally:
        click.echo("\r\x1b[2K", err=True, nl=False)


def table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows in aligned columns; a Chinese character is two cells wide."""
    listed = list(rows)
    widths = (
        [max(_width(row[i]) for row in listed) for i in range(len(listed[0]))] if listed else []
    )
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in listed
    ]


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def mapping(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {item}" for key, item in value.items())
