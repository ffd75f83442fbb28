"""Measure 会计计量: what is carried, as dated movements of layers; prospective only, at cost.

movements    the layers, why they move, and one asset's movements until a day (`Carrying`)
spread       摊销方法: the pattern in which a cost is consumed, month by month
fold         events in the order of their days; corrections of periods that are over
recoverable  an impairment test, recomputed
held         held for sale
intangible   development, cost, amortisation, impairment, disposal, contribution
stock        lots, their issue, and net realisable value
entries      what the movements ask of the entity's own book
booked       which of these entries the ERP's vouchers book

In: an asset file, its recognised spending, the accounting policy, the law, counted usage. Out:
movements, each with its day, reason and source, and entries of double entry. What the asset file
says under `measurement` is read in `intangible` and `stock`, where it is told key by key.
"""

from __future__ import annotations

from datetime import date

from sanhua.capital.measure.booked import Unbooked, unbooked
from sanhua.capital.measure.entries import (
    ADJUSTING,
    adjusts,
    book_of,
    entries,
    mirror,
    post,
    unlike_book,
)
from sanhua.capital.measure.intangible import Intangible
from sanhua.capital.measure.movements import Carrying, Kind, Layer, Movement
from sanhua.capital.measure.stock import Stock
from sanhua.capital.recognise import AssetCard, Recognition, Use
from sanhua.capital.voucher import AccountingPolicy
from sanhua.kernel.ports import Rules


def carry(
    card: AssetCard,
    recognition: Recognition,
    policy: AccountingPolicy,
    rules: Rules,
    on: date,
) -> Carrying:
    """The movements of the asset's layers until and including `on`.

    A later day only adds movements, but for a correction decided by then. Raises Invalid measure.*
    where the card asks for what the standards refuse.
    """
    kind = Stock if card.use is Use.SALE else Intangible
    return kind(card, recognition, policy, rules, on).carrying()


__all__ = [
    "ADJUSTING",
    "Carrying",
    "Kind",
    "Layer",
    "Movement",
    "Unbooked",
    "adjusts",
    "book_of",
    "carry",
    "entries",
    "mirror",
    "post",
    "unbooked",
    "unlike_book",
]
