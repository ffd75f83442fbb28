"""Metering 用量计量: what a call leaves behind, and the segments that are sealed into the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from sanhua.kernel.record import EvidencedBy, Ref, record


@dataclass(frozen=True, slots=True)
class Used:
    """The calls under one deal in a segment: permits, refusals, and the units of the permits."""

    deal: Annotated[str, Ref("used_under")]
    permits: int
    refusals: int
    units: Mapping[str, int] = field(default_factory=dict[str, int])  # call row byte


@record("segment")
@dataclass(frozen=True, slots=True)
class MeterSegment:
    """计量段 `segment:<name>`: a file of usage records as it was sealed.

    `content` is the file's hash, `chain` the end of its batch chain, `index` the hash of the
    columnar copy that is rated, `anonymous` the refusals that belong to no deal.
    """

    id: str
    content: EvidencedBy
    chain: str
    index: str
    lines: int
    first_at: str
    last_at: str
    used: tuple[Used, ...]
    anonymous: int
    snapshots: tuple[Annotated[str, Ref("served_from")], ...]


def head_of(
    deal: str, consumer: str, product: str, snapshot: str, terms: str, via: str = "api"
) -> str:
    """The part of a usage record (FORMATS §12) that is the same for all calls under a deal."""
    said = {
        "deal": deal,
        "consumer": consumer,
        "product": product,
        "snapshot": snapshot,
        "terms": terms,
        "via": via,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))[1:-1]


def spelt(text: str) -> str:
    """Text as it stands between the quotes of a JSON line."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def usage_line(
    number: int,
    at: str,
    head: str,
    purpose: str,
    units: tuple[int, int, int],
    decision: str,
    reason: str,
    request: str,
    times: int = 1,
    asked: str = "",
) -> bytes:
    """One usage record as its line of a segment. `number` is the id's 128 bits; `purpose` is
    `spelt`, `reason` and `request` need no escape in JSON; `units` are calls, rows, bytes. `times`
    above 1 stands for as many refusals that belong to no deal. `asked` is a keyed hash of the
    question, which tells a repeat of `request` from another question under the same key.
    """
    call, row, byte = units
    repeated = f'"{request}"' if request else "null"
    many = f',"times":{times}' if times > 1 else f',"asked":"{asked}"' if asked else ""
    return (
        f'{{"id":"use_{number:032x}","at":"{at}",{head},"purpose":"{purpose}",'
        f'"units":{{"call":{call},"row":{row},"byte":{byte}}},"decision":"{decision}",'
        f'"reason":"{reason}","request":{repeated},"consent":null{many}}}\n'
    ).encode()
