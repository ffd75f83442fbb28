"""The disclosure as tagged PDF/A, set by Typst."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sanhua.report.typeset import pdf as typeset

STANDARDS = ("a-2a", "ua-1")  # PDF/A-2a for archives, PDF/UA-1 for readers by ear


def pdf(said: Mapping[str, Any], *, fonts: str = "") -> bytes:
    """Tagged PDF/A-2a and PDF/UA-1; raises what report.typeset raises."""
    made_on = date.fromisoformat(said["through"])
    return typeset("disclosure", said, fonts=fonts, standards=STANDARDS, made_on=made_on)
