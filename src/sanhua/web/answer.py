"""Answers: rows in the form that was asked for, refusals as problem+json (RFC 9457)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sanhua.kernel.messages import render
from sanhua.kernel.table import Column

JSON, CSV, ARROW = (
    "application/json",
    "text/csv; charset=utf-8",
    "application/vnd.apache.arrow.stream",
)
FORMATS = {"json": JSON, "csv": CSV, "arrow": ARROW}
STATUS = {
    "call.no-token": 401,
    "call.unknown-token": 401,
    "call.revoked-token": 401,
    "call.no-such-product": 404,
    "call.method": 405,
    "call.not-acceptable": 406,
    "call.bad-parameter": 422,
    "call.purpose-missing": 422,
    "call.limit": 429,
    "call.rate": 429,
    "call.clock-set-back": 503,
    "call.not-served": 503,
    "call.not-refreshed": 503,
    "call.crowded": 503,
    "store.meter-full": 503,
    "store.meter-failed": 503,
    "store.cannot-open": 503,
    "store.leases": 503,
}  # any other refusal is 403


class _Digits(str):
    """A JSON number as it was written."""


def _digits(text: str) -> Any:
    return _Digits(text)


def parsed(body: str) -> dict[str, Any]:
    """A row with its numbers as they were written."""
    return json.loads(body, parse_float=_digits, parse_int=_digits)


def projected(body: str, fields: Sequence[str]) -> str:
    """The row with some of its fields, digits kept."""
    row = parsed(body)
    return "{" + ",".join(f"{json.dumps(name)}:{_text(row[name])}" for name in fields) + "}"


def _text(value: Any) -> str:
    return value if isinstance(value, _Digits) else json.dumps(value, ensure_ascii=False)


def as_json(rows: Sequence[str], after: str) -> bytes:
    """`{"rows": […], "next": …}`; `next` is null when there is no more."""
    then = json.dumps(after) if after else "null"
    return f'{{"rows":[{",".join(rows)}],"next":{then}}}'.encode()


def as_csv(rows: Sequence[str], fields: Sequence[str]) -> bytes:
    """With a heading; null is an empty cell. A text that a spreadsheet would run as a formula keeps
    its characters: it is data.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(fields)
    for body in rows:
        row = parsed(body)
        writer.writerow(["" if row[name] is None else _cell(row[name]) for name in fields])
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_arrow(rows: Sequence[str], columns: Sequence[Column]) -> bytes:
    """An Arrow IPC stream with the types of the table."""
    import pyarrow as pa

    found = [parsed(body) for body in rows]
    arrays = [_array([row[column.name] for row in found], column.type) for column in columns]
    table = pa.table(arrays, names=[column.name for column in columns])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _array(values: list[Any], kind: str) -> Any:
    import pyarrow as pa

    if kind == "BOOLEAN":
        return pa.array(values, pa.bool_())
    texts = pa.array([None if value is None else str(value) for value in values], pa.string())
    name, _, inside = kind.rstrip(")").partition("(")
    if name == "DECIMAL":
        digits, _, scale = inside.partition(",")
        return texts.cast(pa.decimal128(int(digits), int(scale)))
    known = {
        "TINYINT": pa.int8(),
        "SMALLINT": pa.int16(),
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "FLOAT": pa.float32(),
        "DOUBLE": pa.float64(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
    }
    return texts.cast(known[name]) if name in known else texts


def problem(code: str, facts: Mapping[str, Any], language: str) -> tuple[int, bytes]:
    """Status and body of a refusal."""
    status = STATUS.get(code, 403)
    title, hint = render(code, dict(facts), language)
    said = {
        "type": f"urn:sanhua:error:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": hint,
    }
    return status, json.dumps(said, ensure_ascii=False).encode()
