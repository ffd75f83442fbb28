"""The seven errors, grouped by what the caller can do next, and the diagnostic that each carries.

    SanhuaError
      Invalid       the input is wrong; change it          HTTP 422   exit 2
      NotFound      no such thing, or not yours to see     HTTP 404   exit 3
      Conflict      the state moved on; read again         HTTP 409   exit 4
      Denied        a right, policy or contract forbids it HTTP 403   exit 5
      RuleGap       no rule in force on that date          HTTP 422   exit 6
      Unavailable   an outside system failed; retry later  HTTP 503   exit 7
      Broken        what we kept does not match its seal   HTTP 500   exit 8

A code is public and never changes its meaning; the text is looked up by code in `kernel.messages`
(zh, en) and filled with the named facts. `check` collects diagnostics; everything else raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Citation:
    """The clause that a refusal or a figure rests on; `tag` says how sure the source is (V S R
    R?).
    """

    instrument: str
    number: str
    clause: str
    tag: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about the input: where it is, what it is (code + facts) and the rule behind it.

    `path` is relative to the project folder; `line` and `column` count from 1, 0 means unknown.
    """

    severity: Severity
    code: str
    path: str = ""
    line: int = 0
    column: int = 0
    node: str = ""
    rule: Citation | None = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def message(self, language: str = "zh") -> str:
        from sanhua.kernel.messages import render

        return render(self.code, self._said, language)[0]

    def hint(self, language: str = "zh") -> str:
        from sanhua.kernel.messages import render

        return render(self.code, self._said, language)[1]

    @property
    def _said(self) -> dict[str, Any]:
        return {"path": self.path, "line": self.line, "node": self.node, **self.facts}


class SanhuaError(Exception):
    """A failure with a public code; `facts` are the values that the text names."""

    def __init__(
        self,
        code: str,
        *,
        path: str = "",
        line: int = 0,
        column: int = 0,
        node: str = "",
        rule: Citation | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(code)
        self.diagnostic = Diagnostic(Severity.ERROR, code, path, line, column, node, rule, facts)

    @property
    def code(self) -> str:
        return self.diagnostic.code

    def __str__(self) -> str:
        return f"{self.code} {self.diagnostic.message('en')}"


class Invalid(SanhuaError):
    """The input is wrong; change it."""


class NotFound(SanhuaError):
    """No such thing, or not yours to see."""


class Conflict(SanhuaError):
    """The state moved on; read again."""


class Denied(SanhuaError):
    """A right, a policy or a contract forbids it."""


class RuleGap(SanhuaError):
    """No rule is in force on that date; nothing is guessed."""


class Unavailable(SanhuaError):
    """An outside system (disk, network, engine) failed; retry later."""


class Broken(SanhuaError):
    """What was kept does not match its seal."""
