"""Sealed records: the codec there and back, and the edges read off their fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.money import Money
from sanhua.kernel.record import Edge, Ref, body, edges_of, kind_of, record, restore
from sanhua.kernel.text import Text


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Piece:
    node: Annotated[str, Ref("summed_from")]
    weight: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Named:
    id: str
    made_from: tuple[Annotated[str, Ref("made_from")], ...] = ()


@record("test_whole")
@dataclass(frozen=True, slots=True)
class Whole:
    """Every kind of field that a record may have."""

    id: str
    owner: Annotated[str, Ref("held_by")] = ""
    maybe: Annotated[str, Ref("may_be")] | None = None
    pieces: tuple[Piece, ...] = ()
    parts: tuple[Named, ...] = ()
    tags: frozenset[str] = frozenset()
    colours: frozenset[Colour] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    by_key: Mapping[str, Annotated[str, Ref("by_key")]] = field(default_factory=dict[str, str])
    title: Text = Text()
    price: Money | None = None
    exact: Decimal = Decimal()
    count: int = 0
    done: bool = False
    day: date | None = None
    moment: datetime | None = None


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
EXACT = st.decimals(allow_nan=False, allow_infinity=False, places=3).filter(
    lambda d: abs(d) < 10**20
)
MONEY = st.builds(Money, EXACT, st.sampled_from(["CNY", "USD"]))
MOMENT = st.integers(0, 2**53 - 1).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
WHOLE = st.builds(
    Whole,
    id=TEXT,
    owner=TEXT,
    maybe=st.none() | TEXT.filter(bool),
    pieces=st.lists(st.builds(Piece, TEXT, EXACT), max_size=3).map(tuple),
    parts=st.lists(st.builds(Named, TEXT, st.lists(TEXT, max_size=2).map(tuple)), max_size=2).map(
        tuple
    ),
    tags=st.frozensets(TEXT, max_size=3),
    colours=st.frozensets(st.sampled_from(Colour)),
    names=st.dictionaries(TEXT, TEXT, max_size=3),
    by_key=st.dictionaries(TEXT, TEXT, max_size=3),
    title=st.builds(Text, TEXT, TEXT),
    price=st.none() | MONEY,
    exact=EXACT,
    count=st.integers(-(2**53) + 1, 2**53 - 1),
    done=st.booleans(),
    day=st.none() | st.dates(),
    moment=st.none() | MOMENT,
)


@given(WHOLE)
def test_a_record_comes_back_from_its_body_and_gives_the_same_bytes(value: Whole):
    sealed = body(value)
    back = restore(Whole, json.loads(sealed)["fields"])
    assert back == value
    assert body(back) == sealed


@given(WHOLE)
def test_the_edges_in_the_body_are_those_of_the_fields_without_repeats(value: Whole):
    edges = [Edge(*edge) for edge in json.loads(body(value))["edges"]]
    assert edges == list(dict.fromkeys(edges_of(value)))


def test_edges_come_in_field_order_from_the_record_or_the_part_that_has_an_id():
    whole = Whole(
        "test:a",
        owner="party:x",
        pieces=(Piece("figure:1", Decimal("0.25")), Piece("figure:2")),
        parts=(Named("col:a.b@s", ("col:c.d@s",)),),
        by_key={"z": "n:2", "a": "n:1"},
    )
    assert edges_of(whole) == [
        Edge("test:a", "held_by", "party:x", "1"),
        Edge("test:a", "summed_from", "figure:1", "0.25"),
        Edge("test:a", "summed_from", "figure:2", "1"),
        Edge("col:a.b@s", "made_from", "col:c.d@s", "1"),
        Edge("test:a", "by_key", "n:1", "1"),
        Edge("test:a", "by_key", "n:2", "1"),
    ]


def test_the_rules_asked_are_edges_of_the_sealed_body():
    sealed = json.loads(body(Whole("test:a"), ("rule:i/n@2026-01-01",)))
    assert sealed["edges"] == [["test:a", "decided_by", "rule:i/n@2026-01-01", "1"]]


def test_a_body_written_before_a_field_was_added_reads_with_its_default():
    assert restore(Whole, {"id": "test:a", "count": 3}) == Whole("test:a", count=3)


@pytest.mark.parametrize("hint", [float, list[str], int | str, bytes, Any])
def test_a_field_that_has_no_exact_canonical_form_is_refused(hint: Any):
    cls = make_dataclass("Odd", [("id", str), ("odd", hint)], frozen=True)
    record(f"test_odd_{hint}")(cls)
    with pytest.raises(TypeError):
        body(cls("test:a", None))


def test_a_kind_means_one_class_for_ever():
    assert kind_of(Whole) == "test_whole"
    with pytest.raises(TypeError):
        record("test_whole")(Named)
