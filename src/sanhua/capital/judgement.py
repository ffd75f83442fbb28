"""Judgements 职业判断 on an asset after its recognition: who said what, on which day and papers.

A life, an estimate, a test, a disposal or a correction changes figures without a voucher of its
own; in the memo each is a node, so that a figure opens to the person who answers for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sanhua.kernel.record import EvidencedBy, JudgedBy


@dataclass(frozen=True, slots=True)
class Judgement:
    """`judgement:<asset>/<about>/<n>`: the n-th entry of a list under `measurement`, or the life.

    `about` is the key in the asset file, `value` what is said under it, in the file's words.
    """

    id: str
    about: str  # life | estimates | impairments | disposals | nrv | corrections …
    value: str
    dated: date | None
    line: int
    judged_by: JudgedBy = ""
    judged_on: date | None = None
    reason: str = ""
    evidence: tuple[EvidencedBy, ...] = ()
