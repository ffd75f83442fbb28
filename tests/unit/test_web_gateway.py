"""The gateway's hot path."""

from __future__ import annotations

from sanhua.asset.contract import Decision
from sanhua.web.gateway import Gateway, Opened
from sanhua.workspace.dealing import Access

MARCH_MS, APRIL_MS = 1_772_323_200_000, 1_775_001_600_000


def opened(included: dict[str, int]) -> Opened:
    decision = Decision(
        "deal:a", "sha256:7e", "product:p", "party:b", frozenset({"x"}), frozenset({"credit"}),
        "credit", 0, 1 << 50, 1 << 50, included=included,
    )  # fmt: skip
    access = Access("tok_1", "deal:a", "party:b", "product:p", decision=decision)
    return Opened(access, None)


class CountedLeases:
    """One bound of units, and how often it was asked for some."""

    def __init__(self, left: int) -> None:
        self.left, self.asked = left, 0

    def take(self, counter: str, least: int, bound: int) -> int:
        self.asked += 1
        got = least if self.left >= least else 0
        self.left -= got
        return got


def test_included_units_that_are_spent_are_not_asked_for_again_in_their_month():
    leases = CountedLeases(3)
    gateway = Gateway(None, leases, None)  # type: ignore[arg-type]
    access = opened({"row": 3})

    def reason(rows: int, ms: int) -> str:
        gateway._at(ms)
        assert access.decision is not None
        return gateway._reason(access, access.decision, ms, (1, rows, 10))

    assert [reason(2, MARCH_MS), reason(2, MARCH_MS)] == ["included", "usage"]
    asked = leases.asked
    assert [reason(2, MARCH_MS) for _ in range(5)] == ["usage"] * 5 and leases.asked == asked
    assert reason(1, MARCH_MS) == "included"  # fewer may still be had
    leases.left = 2
    assert reason(2, APRIL_MS) == "included"
