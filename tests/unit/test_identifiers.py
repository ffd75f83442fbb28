"""Check digits find the mistakes that they are made to find."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Invalid
from sanhua.rules import identifiers
from sanhua.rules.identifiers import KINDS, CheckDigit, check_digit, normalise, shape, valid
from sanhua.rules.packs import Packs

PACKS = Packs.load()
TODAY = date(2026, 11, 23)
CHECKED = [kind for kind, known in KINDS.items() if known.checked]
LENGTHS = {
    "bank_card": 18, "luhn": 10, "iso_7064_37_36": 17, "business_licence": 14, "resident_id": 17,
    "uscc": 17, "org_code": 8, "vin": 16,
}  # fmt: skip


def rule(kind: str) -> CheckDigit:
    found = check_digit(kind, PACKS, TODAY)
    assert found is not None
    return found


def full(kind: str, rest: str) -> str:
    """`rest` with its check character at its place."""
    found = rule(kind)
    at = len(rest) if found.position is None else found.position - 1
    return rest[:at] + found.expected(rest) + rest[at:]


def holds(kind: str, text: str) -> bool:
    return identifiers.valid_check(kind, text, PACKS, TODAY)


@pytest.mark.parametrize("kind", CHECKED)
@given(data=st.data())
def test_one_changed_digit_is_found(kind: str, data: st.DataObject):
    digits = st.text("0123456789", min_size=LENGTHS[kind], max_size=LENGTHS[kind])
    text = full(kind, data.draw(digits))
    assert holds(kind, text)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("0123456789"))
    if other != text[at]:
        assert not holds(kind, text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("kind", ["resident_id", "uscc"])
@given(data=st.data())
def test_two_neighbours_exchanged_are_found(kind: str, data: st.DataObject):
    """True of every modulus that is prime when neighbours weigh differently (ISO 7064 MOD 11-2)."""
    digits = st.text("0123456789", min_size=LENGTHS[kind], max_size=LENGTHS[kind])
    text = full(kind, data.draw(digits))
    at = data.draw(st.integers(0, len(text) - 2))
    left, right = text[at], text[at + 1]
    if left != right and right in rule(kind).alphabet:
        assert not holds(kind, text[:at] + right + left + text[at + 2 :])


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.data())
def test_any_changed_character_of_a_social_credit_code_is_found(rest: str, data: st.DataObject):
    text = full("uscc", rest)
    at = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from(rule("uscc").alphabet))
    if other != text[at]:
        assert not holds("uscc", text[:at] + other + text[at + 1 :])


def test_a_social_credit_code_whose_organisation_code_is_wrong_is_refused():
    """Characters 9 to 17 of 91350100M000100Y43 are the organisation code M000100Y4."""
    wrong = full("uscc", "91350100M000100Y5")
    assert holds("uscc", wrong) and not valid("uscc", wrong, PACKS, TODAY)


@given(st.text(max_size=40))
def test_any_text_has_an_answer(text: str):
    assert all(valid(kind, text, PACKS, TODAY) in (True, False) for kind in KINDS)


@given(st.text("0189aXzé-—·.+@ \u3000０９Ａｘ京学", max_size=40))
def test_what_is_normalised_stays_as_it_is(text: str):
    for kind in KINDS:
        once = normalise(kind, text)
        assert normalise(kind, once) == once


@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.integers(1, 999))
def test_an_identity_number_of_15_digits_becomes_the_one_of_18(born: date, serial: int):
    old = f"110105{born:%y%m%d}{serial:03}"
    new = identifiers.modern_resident_id(old, PACKS, TODAY)
    assert valid("resident_id", new, PACKS, TODAY)
    assert new[:6] + new[8:17] == old and new[6:8] == "19"


def test_what_is_not_an_identity_number_of_15_digits_cannot_become_one_of_18():
    with pytest.raises(Invalid) as refused:
        identifiers.modern_resident_id("11010549123100", PACKS, TODAY)
    assert refused.value.code == "rule.not-an-identifier"


def test_an_unknown_kind_is_answered_with_the_nearest():
    with pytest.raises(Invalid) as refused:
        shape("resident", PACKS, TODAY)
    assert "resident_id" in refused.value.diagnostic.facts["nearest"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_is_read_alike_by_every_engine(kind: str):
    pattern = shape(kind, PACKS, TODAY)
    assert pattern.startswith("^") and pattern.endswith("$")
    assert not re.search(r"\(\?[^:]|\\|\[\[", pattern), "look-around, escapes and classes differ"
    assert shape(kind) == pattern


@pytest.mark.parametrize("kind", KINDS)
def test_duckdb_reads_every_shape_as_python_does(kind: str):
    duckdb = pytest.importorskip("duckdb")
    texts = [
        "11010519491231002X", "110105491231002", "91350100M000100Y43", "D2143569X", "京AD12345",
        "6222021234567890128", "1M8GDM9AXKP042788", "13800138000", "a.b@c.com", "E12345678",
        "H12345678", "C12345678", "12345678", "A12425GABC1234002M", "110108000000016", "粤B1234学",
        "FRA310078010112", "", "京", "１３８００１３８０００", "13800138000\n",
    ]  # fmt: skip
    query = "SELECT regexp_matches(t, $1) FROM (SELECT unnest($2::VARCHAR[]) AS t)"
    with duckdb.connect() as engine:
        rows = engine.execute(query, [shape(kind), texts]).fetchall()
    assert [row[0] for row in rows] == [
        re.fullmatch(shape(kind)[1:-1], text) is not None for text in texts
    ]
