"""Collect 采集: where raw data is, and what was read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from sanhua.kernel.origin import Origin
from sanhua.kernel.record import Ref, record
from sanhua.kernel.table import Reading
from sanhua.kernel.text import Text


class Cadence(StrEnum):
    """How often a source comes, fastest first."""

    REALTIME = "realtime"
    FIVE_MINUTES = "5min"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Source:
    """A file of `sources/`. `files` is a glob with the environment already filled in.

    `tables` maps a table to its part of the source (`stops: stops.txt`); empty means one table named as the source.
    `elsewhere` names the key (`database`, `url`, `inbox`, `documents`) when the data is not in files.
    """

    id: str
    title: Text
    cadence: Cadence
    origin: Origin
    files: str = ""
    elsewhere: str = ""
    reading: Reading = Reading()
    supplier: str = ""
    late: str = ""
    tables: Mapping[str, str] = field(default_factory=dict[str, str])


@record("raw_file")
@dataclass(frozen=True, slots=True)
class RawFile:
    """原始数据: one file as it was handed over; `id` is its content hash, `path` as the source names it."""

    id: str
    source: str
    path: str
    bytes: int
    supplier: Annotated[str, Ref("supplied_by")] = ""
