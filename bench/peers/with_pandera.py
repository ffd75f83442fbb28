"""The thirty rules of `bench/rules.py` in pandera on Polars."""

from datetime import date, datetime

import pandera.polars as pa
import polars as pl
from asked import KEY, SETS, SHAPES, V, path, told

C = pa.Column


def text(name, *checks):
    return C(str, checks=list(checks), nullable=False)


def blanks(data):
    column = pl.col(data.key)
    return data.lazyframe.select(column.str.strip_chars(" ") == column)


def blank():
    return pa.Check(blanks, name="blanks")


def shape(name):
    return pa.Check.str_matches(SHAPES[name])


schema = pa.DataFrameSchema(
    {
        "id": C(int, nullable=False, unique=True),
        "customer": text("customer", shape("customer"), blank()),
        "uscc": text("uscc", shape("uscc")),
        "phone": text("phone", shape("phone"), pa.Check.notin(SETS["phone_missing"][1])),
        "name": text("name", pa.Check.str_length(2, 60), blank()),
        "district": text("district", shape("district"), pa.Check.isin(SETS["district_set"][1])),
        "status": text("status", pa.Check.isin(SETS["status_set"][1]), blank()),
        "read_at": C(nullable=False, checks=[pa.Check.ge(datetime.fromisoformat("2024-01-01"))]),
        "day": C(
            pl.Date,
            nullable=False,
            checks=[pa.Check.in_range(date(2024, 1, 1), date(2027, 12, 31))],
        ),
        "kwh": C(nullable=False, checks=[pa.Check.in_range(0, 900)]),
        "voltage": C(pl.Float64, nullable=False, checks=[pa.Check.in_range(198, 235.4)]),
        "meter": text("meter", pa.Check.str_length(11, 11), blank()),
    }
)
frame = pl.read_parquet(path)
cases = {}
try:
    schema.validate(frame, lazy=True)
except pa.errors.SchemaErrors as error:
    for one in error.schema_errors:
        known = one.failure_cases
        count = known.height if hasattr(known, "height") else None
        cases[f"{one.schema.name}:{one.check}"] = count
found = {}
for key, count in cases.items():
    column, _, check = key.partition(":")
    kind = (
        "null"
        if "not_nullable" in check or "nullable" in check
        else "shape"
        if "str_matches" in check
        else "set"
        if "isin" in check
        else "range"
        if "in_range" in check or "greater" in check
        else "length"
        if "str_length" in check
        else "blanks"
        if "blanks" in check
        else "missing"
        if "notin" in check
        else check
    )
    found[f"{column}_{kind}"] = count
told({rule: 0 for rule in [*V, KEY]} | found)  # a check that holds is not told of
