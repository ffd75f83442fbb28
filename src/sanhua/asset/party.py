"""Parties 主体: organisations and people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from sanhua.kernel.errors import Invalid
from sanhua.kernel.ports import Event, Uow
from sanhua.kernel.record import Ref, record

ROLES = frozenset(
    "holder operator developer buyer supplier registrar appraiser lender finance auditor regulator"
    " data_steward admin".split()
)


@record("party")
@dataclass(frozen=True, slots=True)
class Party:
    """`party:plant_co`. A person has `of` (the organisation) and no identity number. `keys` are the
    public keys (raw, base64) that it declared so far, the present one last.
    """

    id: str
    name: str
    roles: tuple[str, ...] = ()
    uscc: str = ""
    person: bool = False
    of: Annotated[str, Ref("acts_for")] = ""
    public_key: str = ""
    name_en: str = ""  # beside a Chinese name
    keys: tuple[str, ...] = ()


def enrol(uow: Uow, party: Party) -> Event | None:
    """Keep a party as it is declared now; None when nothing changed.

    Raises Invalid party.unknown-role, or party.person-with-number: no identity number of a person
    is ever kept.
    """
    unknown = sorted(set(party.roles) - ROLES)
    if unknown:
        raise Invalid(
            "party.unknown-role", party=party.id, role=unknown[0], known=", ".join(sorted(ROLES))
        )
    if party.person and party.uscc:
        raise Invalid("party.person-with-number", party=party.id)
    before = uow.find(Party, party.id)
    earlier = [key for key in (before.keys if before else ()) if key not in party.keys]
    return uow.add(replace(party, keys=(*earlier, *party.keys)), "party.enrolled")
