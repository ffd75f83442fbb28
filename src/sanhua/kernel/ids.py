"""One kind of id: the node text.

A declared thing is `kind:key` with the file's own name (`product:steel_energy`); an act is its kind
and a UUIDv7 (`run_0198f3aa…`); content is `sha256:<hex>`; a column is `col:table.column@snapshot`,
a rule `rule:instrument/name@day`, a figure `figure:book/report/line/column/period`.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime

from sanhua.verify import canonical

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")  # the id of a declared thing
_ACT = re.compile(r"([a-z]{3})_[0-9a-f]{32}")


def node(kind: str, key: str) -> str:
    """`kind:key`."""
    return f"{kind}:{key}"


def key_of(node_id: str) -> str:
    """What follows the kind: `product:steel_energy` → `steel_energy`; an act is its own key."""
    return node_id.partition(":")[2] or node_id


def column(table: str, name: str, snapshot: str) -> str:
    """`col:table.column@sha256:…`."""
    return f"col:{table}.{name}@{snapshot}"


def rule(instrument: str, name: str, on: date) -> str:
    """`rule:instrument/name@day`."""
    return f"rule:{instrument}/{name}@{on.isoformat()}"


def figure(book: str, report: str, line: str, col: str, period: str) -> str:
    """`figure:book/report/line/column/period`."""
    return f"figure:{book}/{report}/{line}/{col}/{period}"


def is_act(node_id: str) -> bool:
    """Whether the id names an act (kind and UUIDv7)."""
    return _ACT.fullmatch(node_id) is not None


def uuid7(moment: datetime, entropy: bytes) -> str:
    """32 hex digits of a version 7 UUID: `moment` in milliseconds, then 74 bits of `entropy` (10
    bytes are read).
    """
    milliseconds = int(moment.timestamp() * 1000)
    value = (milliseconds << 80) | int.from_bytes(entropy[:10], "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return f"{value:032x}"


def derived(kind: str, *said: str) -> str:
    """`kind_` and a UUID of version 8, SHA-256 over `said`: whoever says the same has the same
    id.
    """
    value = int.from_bytes(hashlib.sha256(canonical(list(said))).digest()[:16], "big")
    value = value & ~(0xF << 76) | (0x8 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return f"{kind}_{value:032x}"
