"""Amounts that add up to others: whatever can be matched exactly is."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from time import monotonic

from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua.capital.matching import adding_up, sharing_out


def both(fen: int) -> dict[str, int]:
    return {"expense": fen, "off": -fen}


def test_what_is_taken_first_does_not_hide_what_adds_up():
    """160 of 90, 100 and 60: from 90 on only 60 fits, and 10 are left."""
    assert adding_up(both(160), [both(90), both(100), both(60)]) == (1, 2)
    assert adding_up(both(160), [both(90), both(100), both(61)]) is None
    assert adding_up(both(160), [both(100), both(60), both(160)]) == (0, 1)  # earlier ones first


def test_an_amount_on_another_role_or_side_is_no_part():
    assert adding_up(both(100), [{"expense": 100}, {"off": -100}]) == (0, 1)
    assert adding_up(both(100), [both(100) | {"tax": 1}]) is None
    assert adding_up(both(100), [both(120), both(-20)]) is None
    assert adding_up({}, [both(1)]) is None


def test_one_voucher_s_choice_leaves_the_other_its_own():
    """30 and 35 of 10, 20, 15, 15 and 25: 10 + 20 leaves no 35, 15 + 15 leaves 10 + 25; nor does
    30 and 20 + 15.
    """
    parts = [both(fen) for fen in (10, 20, 15, 15, 25)]
    made = sharing_out([both(30), both(35)], parts, lambda whole, part: True)
    assert made == {0: (2, 3), 1: (0, 4)}
    apart = sharing_out([both(30), both(35)], parts, lambda whole, part: (whole, part) != (0, 2))
    assert apart == {0: (0, 1)} or apart == {1: (0, 4)}


def test_a_search_without_end_is_given_up():
    """Forty even amounts never make an odd one; neither do forty vouchers of them."""
    parts = [both(2 * 3**n) for n in range(40)]
    started = monotonic()
    assert adding_up(both(3**39), parts) is None
    assert sharing_out([both(3**39 - 2 * n) for n in range(40)], parts, lambda w, p: True) == {}
    assert monotonic() - started < 30


def test_an_amount_that_anything_would_make_is_made_by_nothing():
    """Of fifty amounts over a thousand each, some choice makes almost any sum to the fen: that says
    nothing. Forty months of one amount make forty sums.
    """
    parts = [both(100000 + 3701 * n) for n in range(50)]
    assert adding_up(both(3333333), parts) is None
    assert adding_up(both(70000), [both(10000)] * 40) == (0, 1, 2, 3, 4, 5, 6)
    odd = [both(20000), *[both(10000)] * 40, both(5000)]
    assert adding_up(both(15000), odd) == (1, 41)
    assert adding_up(both(30000), [both(20001), *odd[1:]]) == (1, 2, 3)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=8), st.integers(1, 120))
def test_it_finds_what_trying_all_finds(fens: list[int], whole: int):
    found = adding_up(both(whole), [both(fen) for fen in fens])
    sums = {sum(c) for n in range(1, len(fens) + 1) for c in combinations(fens, n)}
    assert (found is not None) == (whole in sums)
    if found is not None:
        assert sum(fens[place] for place in found) == whole and len(set(found)) == len(found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=3), max_size=4), st.randoms())
def test_amounts_shared_out_and_shuffled_are_all_matched_again(
    shares: list[list[int]], random: st.DataObject
):
    wholes = [both(sum(share)) for share in shares]
    fens = [fen for share in shares for fen in share]
    random.shuffle(fens)  # type: ignore[attr-defined]
    made = sharing_out(wholes, [both(fen) for fen in fens], lambda whole, part: True)
    assert len(made) == len(wholes)
    taken = Counter(place for places in made.values() for place in places)
    assert not taken or max(taken.values()) == 1
    for n, places in made.items():
        assert sum(fens[place] for place in places) == wholes[n]["expense"]
