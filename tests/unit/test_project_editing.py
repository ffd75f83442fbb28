"""A rule is written into a contract's text and nothing else changes."""

from __future__ import annotations

import pytest
import yaml

from sanhua.kernel.errors import Invalid
from sanhua.project.editing import with_entry

TEXT = """\
# the plant's readings
schema:
  - name: t
    properties:
      - name: meter   # as on the device
        logicalType: string

      - {name: kwh, logicalType: number}   # kept
      - name: state
        logicalType: string
        quality:
          - name: own
            metric: nullValues
            mustBe: 0
          # written by hand
      - {name: city, quality: [{metric: nullValues, mustBe: 0}]}
      - name: note
        description: |
          two
          lines
    quality: []
  - name: other
    properties:
      - {name: meter, logicalType: string, required: false}
"""
RULE = {"name": "form-1", "metric": "invalidValues", "arguments": {"pattern": "^[a-z]{2}$"},
        "mustBe": 0}  # fmt: skip


@pytest.mark.parametrize("column", ["meter", "kwh", "state", "city", "note"])
@pytest.mark.parametrize("entry", [{"required": True}, {"quality": RULE}])
def test_only_lines_are_added(column: str, entry: dict[str, object]):
    edited = with_entry(TEXT.encode(), "c.yaml", "t", column, entry).decode()
    before, after = TEXT.splitlines(), edited.splitlines()
    kept = [line for line in before if line in after]
    assert len(before) - len(kept) <= 1  # a column written on one line is that line, longer
    assert edited.count("#") == TEXT.count("#")
    prop = next(p for p in yaml.safe_load(edited)["schema"][0]["properties"]
                if p["name"] == column)  # fmt: skip
    if "quality" in entry:
        assert prop["quality"][-1] == RULE
    else:
        assert prop["required"] is True


def test_a_value_written_before_is_replaced():
    edited = with_entry(TEXT.encode(), "c.yaml", "other", "meter", {"required": True}).decode()
    assert "{name: meter, logicalType: string, required: true}" in edited


def test_two_rules_one_after_the_other():
    once = with_entry(TEXT.encode(), "c.yaml", "t", "meter", {"quality": RULE}).decode()
    twice = with_entry(
        once.encode(), "c.yaml", "t", "meter", {"quality": RULE | {"name": "form-2"}}
    ).decode()
    (prop,) = [p for p in yaml.safe_load(twice)["schema"][0]["properties"] if p["name"] == "meter"]
    assert [rule["name"] for rule in prop["quality"]] == ["form-1", "form-2"]


@pytest.mark.parametrize(
    ("text", "column", "code"),
    [
        (TEXT, "nowhere", "contract.no-such-column"),
        ("schema: [", "meter", "contract.cannot-write"),
    ],
)
def test_what_cannot_be_written_is_said(text: str, column: str, code: str):
    with pytest.raises(Invalid) as caught:
        with_entry(text.encode(), "c.yaml", "t", column, {"required": True})
    assert caught.value.code == code
