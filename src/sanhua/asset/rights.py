"""Rights 数据产权: claims that follow from the source, and grants that only narrow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sanhua.kernel.origin import Evidence, Origin


class Right(StrEnum):
    """持有, 使用, 经营."""

    HOLD = "hold"
    USE = "use"
    OPERATE = "operate"


class GrantMode(StrEnum):
    """整体, 分领域, 依场景."""

    WHOLE = "whole"
    DOMAIN = "domain"
    SCENARIO = "scenario"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as declared; `rights` None means what the source gives."""

    id: str
    resource: str
    source: str  # a row of the source→rights matrix
    party: str
    evidence: tuple[Evidence, ...]
    origin: Origin
    rights: frozenset[Right] | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    limits: str = ""
    co_holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """An operating grant as declared; None and empty are inherited from `parent`."""

    id: str
    to: str
    origin: Origin
    claim: str = ""
    parent: str = ""
    mode: GrantMode | None = None
    scenario: str = ""
    fields: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    onward: bool = False
    volume: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    evidence: tuple[Evidence, ...] = ()
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegistrationPlan:
    """A registration that is meant to be applied for; its steps are acts."""

    id: str
    kind: str  # property_right public_resource data_ip exchange
    origin: Origin
    claim: str = ""
    data_name: str = ""
    registrar: str = ""
