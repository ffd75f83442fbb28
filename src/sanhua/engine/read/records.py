"""JSON and NDJSON: objects as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from sanhua.engine.read.raw import DIGITS_MAX, HALF, Flaw, Rows, Tell, headings_of, sound, text_of
from sanhua.kernel.errors import Invalid
from sanhua.kernel.table import Reading


def _loads(text: str) -> Any:
    return json.loads(
        text,
        parse_float=_number,
        parse_int=_number,
        parse_constant=lambda word: Flaw(word, "is no JSON number"),
        object_pairs_hook=_object,
    )


def _number(written: str) -> int | Decimal | Flaw:
    try:
        return int(written) if written.lstrip("-").isdigit() else Decimal(written)
    except (ValueError, InvalidOperation):
        return Flaw(written[:DIGITS_MAX], "is too long a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        for key in made:
            values = [value for name, value in pairs if name == key]
            if len(values) > 1:
                listed = json.dumps(values, ensure_ascii=False, default=str)
                made[key] = Flaw(sound(listed), f"is given under key {sound(key)} more than once")
    return made


def read_json(path: Path, name: str, reading: Reading, tell: Tell) -> Rows:
    try:
        value = _loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise Invalid(
            "collect.bad-json", file=name, line=error.lineno, column=error.colno, reason=error.msg
        ) from error
    for step in (reading.records or "$").removeprefix("$").strip(".").split("."):
        if step:
            if not isinstance(value, dict) or step not in value:
                raise Invalid("collect.no-records", file=name, records=reading.records, step=step)
            value = cast("dict[str, Any]", value)[step]
    if isinstance(value, Flaw):
        raise Invalid("collect.bad-json", file=name, reason=f"{value.text[:60]} {value.reason}")
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        records = [items]
        if reading.key:
            records = [_as_record(item, reading.key, key) for key, item in items.items()]
    elif isinstance(value, list):
        records = [_as_record(item) for item in cast("list[Any]", value)]
    else:
        raise Invalid("collect.no-records", file=name, records=reading.records or "$", step="$")
    return _from_records(records, name, tell)


def read_ndjson(path: Path, name: str, tell: Tell) -> Rows:
    records: list[Mapping[str, Any] | Flaw] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    records.append(_as_record(_loads(line)))
                except (json.JSONDecodeError, RecursionError) as error:
                    reason = getattr(error, "msg", "nested too deeply")
                    raise Invalid(
                        "collect.bad-json", file=name, line=number, reason=reason
                    ) from error
    return _from_records(records, name, tell)


def _as_record(item: Any, column: str = "", key: str = "") -> Mapping[str, Any] | Flaw:
    """An item as a record, the `key` that it stands under as its `column`."""
    if isinstance(item, Flaw):
        return replace(item, text=f"{key}: {item}") if key else item
    record = cast("dict[str, Any]", item) if isinstance(item, dict) else {"value": item}
    return {column: key, **record} if column else record


def _from_records(records: Sequence[Mapping[str, Any] | Flaw], name: str, tell: Tell) -> Rows:
    """A record that is a Flaw has it in every column."""
    whole = [record for record in records if not isinstance(record, Flaw)]
    keys = list(dict.fromkeys(key for record in whole for key in record))
    if not keys:
        raise Invalid("collect.empty", file=name)
    if bad := next((key for key in keys if HALF.search(key)), ""):
        reason = f"half of a surrogate pair in the key {sound(bad)}"
        raise Invalid("collect.bad-json", file=name, reason=reason)
    rows = [
        [record if isinstance(record, Flaw) else text_of(record.get(key)) for key in keys]
        for record in records
    ]
    return Rows(headings_of(keys, name, tell), rows)
