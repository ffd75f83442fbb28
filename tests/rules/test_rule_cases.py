"""Runs the rows of `cases/*.yaml`, which say what a rule, a number or a clock gives on a day.

A row is one of these, with `because` for the reader:

    {ask: instrument/name, on: DAY, is: VALUE}            the value; `at: [key, …]` looks inside it
    {ask: instrument/name, on: DAY, gap: true}            no value in force
    {ask: instrument/name, on: DAY, given: N, within: …}  a number against a greatest value
    {ask: instrument/name, on: DAY, text: …, matches: …}  a text against a pattern
    {identifier: kind, text: …, on: DAY, valid: …}
    {after: DAY, days: N, is: DAY}                        a clock of working days
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from sanhua.kernel.errors import RuleGap
from sanhua.kernel.time import parse_day
from sanhua.rules import identifiers
from sanhua.rules.packs import Packs

PACKS = Packs.load()
ROWS = [
    pytest.param(row, id=f"{path.stem}-{number}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for number, row in enumerate(yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader), 1)
]


@pytest.mark.parametrize("row", ROWS)
def test_the_rule_gives_what_the_row_says(row: dict[str, Any]):
    why = row.get("because", "")
    if "after" in row:
        end = PACKS.working_days_after(parse_day(row["after"]), int(row["days"]))
        assert end.isoformat() == row["is"], why
        return
    on = parse_day(row["on"])
    if "identifier" in row:
        found = identifiers.valid(row["identifier"], row["text"], PACKS, on)
        assert found == (row["valid"] == "true"), why
        return
    instrument, name = row["ask"].split("/")
    if row.get("gap") == "true":
        with pytest.raises(RuleGap):
            PACKS.ask(instrument, name, on=on)
        return
    value: Any = PACKS.ask(instrument, name, on=on).value
    for key in row.get("at", []):
        value = value[int(key)] if isinstance(value, tuple) else value[key]
    if "given" in row:
        assert (Decimal(row["given"]) <= value) == (row["within"] == "true"), why
    elif "text" in row:
        assert bool(re.search(value, row["text"])) == (row["matches"] == "true"), why
    else:
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        assert shown == row["is"], why
