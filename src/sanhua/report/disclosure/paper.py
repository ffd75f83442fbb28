"""The disclosure as tagged PDF/A, set by Typst."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from sanhua.kernel.errors import Unavailable
from sanhua.report.typeset import pdf as typeset

STANDARDS = ("a-2a", "ua-1")  # PDF/A-2a for archives, PDF/UA-1 for readers by ear
MISSING = "\u25a1"  # □ stands for what the fonts cannot show
TRIES_MAX = 20  # characters without a glyph, one a try
_NO_GLYPH = re.compile(r"\\u\{([0-9a-f]+)\}|text `\"(.)\"` could not be displayed")


def pdf(said: Mapping[str, Any], *, fonts: str = "") -> bytes:
    """Tagged PDF/A-2a and PDF/UA-1; raises what report.typeset raises.

    PDF/A admits no character without a glyph: those, and what is no character to read, are shown
    as a box.
    """
    made_on = date.fromisoformat(said["through"])
    said = _legible(said)
    for _ in range(TRIES_MAX):
        try:
            return typeset("disclosure", said, fonts=fonts, standards=STANDARDS, made_on=made_on)
        except Unavailable as error:
            reason = str(error.diagnostic.facts.get("reason", ""))
            found = _NO_GLYPH.search(reason) if "could not be displayed" in reason else None
            if found is None:
                raise
            lost = chr(int(found[1], 16)) if found[1] else found[2]
            said = _replaced(said, lost)
    return typeset("disclosure", said, fonts=fonts, standards=STANDARDS, made_on=made_on)


def _legible(value: Any) -> Any:
    """Without control (but for line ends), format, private and unassigned characters."""
    if isinstance(value, str):
        return "".join(
            MISSING if unicodedata.category(c)[0] == "C" and c != "\n" else c for c in value
        )
    return _walked(value, _legible)


def _replaced(value: Any, lost: str) -> Any:
    if isinstance(value, str):
        return value.replace(lost, MISSING)
    return _walked(value, lambda inner: _replaced(inner, lost))


def _walked(value: Any, change: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: change(inner) for key, inner in value.items()}
    return [change(inner) for inner in value] if isinstance(value, list) else value
