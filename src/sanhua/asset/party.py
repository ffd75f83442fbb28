"""Parties 主体: organisations and people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sanhua.kernel.record import Ref, record


@record("party")
@dataclass(frozen=True, slots=True)
class Party:
    """`party:plant_co`. A person has `of` (the organisation) and no identity number."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    uscc: str = ""
    person: bool = False
    of: Annotated[str, Ref("acts_for")] = ""
    public_key: str = ""
