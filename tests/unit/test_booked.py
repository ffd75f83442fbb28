"""Which entries the ERP's vouchers have booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from time import monotonic

import pytest

from sanhua.capital.measure import book_of, unbooked
from sanhua.capital.voucher import AccountingPolicy, Voucher, VoucherLine
from sanhua.kernel.ledger import Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin

CHART = {
    "amortisation_expense": ("6602",),
    "accumulated_amortisation": ("1702",),
    "intangible_data": ("1701",),
    "impairment_loss": ("6701",),
    "intangible_impairment": ("1703",),
}
POLICY = AccountingPolicy(Origin("books/policy.yaml"), CHART)
BOOK = book_of("plant")


def charge(name: str, month: int, fen: int, *accounts: str) -> Entry:
    debit, credit = accounts or ("6602", "1702")
    lines = (Line(debit, fen), Line(credit, -fen))
    return Entry(name, BOOK.id, date(2026, month, 28), lines, f"asset:{name}", "摊销")


def voucher(name: str, month: int, *lines: tuple[str, int]) -> Voucher:
    made = tuple(VoucherLine(a, Money.of_fen(fen), "x", n) for n, (a, fen) in enumerate(lines, 2))
    return Voucher(name, "party:plant", name, date(2026, month, 20), made, "v.csv", "")


def books(name: str, month: int, fen: int) -> Voucher:
    return voucher(name, month, ("6602", fen), ("1702", -fen))


def told(entries: list[Entry], vouchers: list[Voucher]) -> tuple[list[str], list[str], list[str]]:
    found = unbooked(entries, vouchers, POLICY, BOOK)
    return (
        [entry.id for entry in found.left],
        [f"{entry.id} {near.id}" for entry, near in found.otherwise],
        [f"{spare.id} {fen}" for spare, fen in found.spare],
    )


def test_a_voucher_for_two_of_three_leaves_the_third_alone():
    """160 books 100 and 60, on one credit line or two; 40 is left, and is not booked otherwise.
    Both were told as booked otherwise, so that 40 was never posted.
    """
    three = [charge("a", 3, 100), charge("b", 3, 40), charge("c", 3, 60)]
    one = books("v", 3, 160)
    split = voucher("v", 3, ("6602", 160), ("1702", -100), ("1702", -60))
    for said in (one, split):
        assert told(three, [said]) == (["b"], [], [])
    assert told(three, [one, books("w", 3, 40)]) == ([], [], [])


def test_several_vouchers_for_one_entry_leave_the_others_theirs():
    """100 in two vouchers of 70 and 30; 60 stands alone and is not booked."""
    two = [charge("a", 3, 100), charge("b", 3, 60)]
    assert told(two, [books("v", 3, 70), books("w", 3, 30)]) == (["b"], [], [])


def test_no_line_answers_twice():
    """One voucher of 100 and two entries: of one month, or of two."""
    assert told([charge("a", 3, 100), charge("b", 3, 100)], [books("v", 3, 100)])[0] == ["b"]
    assert told([charge("a", 3, 100), charge("b", 4, 100)], [books("v", 4, 100)])[0] == ["a"]


def test_a_later_month_makes_up_for_amortisation_alone():
    """A loss that April's voucher books at March's amount is April's own affair."""
    late = [charge("a", 3, 100), charge("b", 4, 60)]
    assert told(late, [books("v", 4, 160)]) == ([], [], [])
    assert told(late, [books("v", 4, 60), books("w", 5, 100)]) == ([], [], [])
    assert told(late, [books("v", 2, 100), books("w", 4, 60)]) == (["a"], [], ["v 100"])
    loss = charge("a", 3, 100, "6701", "1703")
    assert told([loss], [voucher("v", 4, ("6701", 100), ("1703", -100))])[0] == ["a"]


def test_what_a_voucher_amortises_beside_what_is_asked_for_is_spare():
    """Not of a derecognition, nor what is taken back, nor what is told as booked otherwise."""
    asked = [charge("a", 3, 100)]
    gone = voucher("g", 3, ("6602", 5), ("1702", 5), ("1701", -10))
    red = replace(books("r", 3, -70), reverses="w")
    assert told(asked, [books("v", 3, 100), books("w", 3, 70), red, gone]) == ([], [], [])
    assert told(asked, [books("v", 3, 100), books("w", 3, 70)]) == ([], [], ["w 70"])
    assert told(asked, [books("v", 3, 90), books("w", 3, 80)]) == (["a"], ["a w"], ["v 90"])


def test_a_red_voucher_that_names_none_takes_a_second_charge_back():
    """100 twice and 100 in red: the book holds 100. Of another amount it takes nothing back."""
    asked, both = [charge("a", 3, 100)], [books("v", 3, 100), books("w", 3, 100)]
    assert told(asked, [*both, books("r", 4, -100)]) == ([], [], [])
    assert told(asked, [*both, books("r", 4, -70)]) == ([], [], ["w 100"])


@pytest.mark.parametrize("off", [0, 1])
@pytest.mark.parametrize("step", [0, 7])
@pytest.mark.parametrize("month", [3, 4])
def test_thousands_of_entries_and_vouchers_are_compared_in_seconds(off: int, step: int, month: int):
    """Equal amounts and distinct ones, booked in their month or the next, each right or a fen off:
    one after the other against all of the rest, that took minutes.
    """
    fens = [123_456 + step * n for n in range(2000)]
    entries = [charge(f"e{n:04}", 3, fen) for n, fen in enumerate(fens)]
    vouchers = [books(f"v{n:04}", month, fen + off) for n, fen in enumerate(fens)]
    started = monotonic()
    left, _, spare = told(entries, vouchers)
    assert monotonic() - started < 20
    assert (len(left), len(spare) > 0) == ((2000, True) if off else (0, False))


def test_a_voucher_of_thousands_of_lines_is_read_in_seconds():
    fens = [123_456 + 7 * n for n in range(5000)]
    entries = [charge(f"e{n:04}", 3, fen) for n, fen in enumerate(fens)]
    lines = [line for fen in fens for line in (("6602", fen), ("1702", -fen))]
    started = monotonic()
    assert told(entries, [voucher("v", 3, *lines)]) == ([], [], [])
    assert monotonic() - started < 20
