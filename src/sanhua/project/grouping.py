"""What an asset file says of a purchase inside the group (`acquired_from`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sanhua.capital.recognise import Acquired, AssetCard, Judged
from sanhua.kernel.ids import node
from sanhua.kernel.money import Money
from sanhua.project.loading import day
from sanhua.project.read import Keys

if TYPE_CHECKING:
    from sanhua.project.checking import _Check as Checking


def acquired(found: Keys | None, path: str, currency: str) -> Acquired | None:
    """None when it was bought outside, or made."""
    if found is None:
        return None
    carried, judged = found.text("carried"), found.keys("judged")
    decided = day(judged, "date", path) if judged else None
    return Acquired(
        found.text("entity"),
        found.text("asset"),
        found.words("voucher"),
        day(found, "date", path),
        Money.parse(carried, currency) if carried else None,
        Judged(judged.text("by"), decided) if judged and decided else None,
        found.line,
    )


def check_acquired(checking: Checking, card: AssetCard) -> None:
    """What an asset says it came from is there, and of the entity that it names."""
    found = card.acquired
    if found is None:
        return
    of = node("asset", card.id)
    at = checking.at(of, "acquired_from")
    entities = [entity.id for entity in checking.project.settings.entities]
    assets = checking.project.assets
    checking.ref("party", found.entity, entities, at, of)
    if found.asset and checking.ref("asset", found.asset, assets, at, of):
        owner = assets[found.asset].entity
        if owner != found.entity:
            checking.say(
                "consolidate.other-owner", at, of, asset=found.asset, owner=owner, said=found.entity
            )
