"""Units that the platform counted, for assets amortised by what their product was used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sanhua.asset.bill import Closing, Counted
from sanhua.asset.contract import UsageContract
from sanhua.capital.recognise import AssetCard
from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ports import Uow


def asks_units(cards: Iterable[AssetCard]) -> bool:
    """Whether some asset is amortised by what its product was used."""
    return any("product" in card.measurement.method for card in cards)


def metered(uow: Uow, cards: Iterable[AssetCard]) -> list[AssetCard]:
    """`cards` with the units of every closed month, where the asset file names a product."""
    cards = list(cards)
    if not asks_units(cards):
        return cards
    closings = sorted(uow.all(Closing), key=lambda one: one.starts_on)
    latest = {(one.deal, one.month): one for closing in closings for one in closing.counts}
    return with_units(uow, cards, [ids.key_of(one.id) for one in closings], latest.values())


def with_units(
    uow: Uow, cards: Sequence[AssetCard], months: Iterable[str], counts: Iterable[Counted]
) -> list[AssetCard]:
    """… of `months`, by the latest count of each deal; a month without calls has none."""
    if not asks_units(cards):
        return list(cards)
    of = {contract.id: ids.key_of(contract.product) for contract in uow.all(UsageContract)}
    used: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for one in counts:
        used[of.get(one.deal, "")][one.month].update(one.units)
    closed = sorted({*months, *(month for by_month in used.values() for month in by_month)})
    return [_measured(card, closed, used) for card in cards]


def _measured(
    card: AssetCard, months: Sequence[str], used: dict[str, dict[str, Counter[str]]]
) -> AssetCard:
    method = card.measurement.method
    if "product" not in method:
        return card
    if card.measurement.usage:
        origin = card.origin
        raise Invalid(
            "measure.usage-twice",
            path=origin.path,
            line=origin.line,
            node=ids.node("asset", card.id),
            asset=card.id,
            product=method["product"],
        )
    counted = used[method["product"]]
    unit = method.get("unit", "call")
    usage = tuple({"month": m, "units": str(counted[m][unit])} for m in months)
    return replace(card, measurement=replace(card.measurement, usage=usage))
