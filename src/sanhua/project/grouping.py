"""What an asset file says of a purchase inside the group (`acquired_from`)."""

from __future__ import annotations

from sanhua.capital.recognise import Acquired, Judged
from sanhua.kernel.money import Money
from sanhua.project.loading import day
from sanhua.project.read import Keys


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
