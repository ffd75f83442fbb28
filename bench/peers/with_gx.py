"""The thirty rules of `bench/rules.py` in Great Expectations on pandas."""

import os

from asked import KEY, LENGTHS, SETS, SHAPES, path, told

os.environ["GX_ANALYTICS_ENABLED"] = "False"

import great_expectations as gx
import great_expectations.expectations as E
import pandas as pd

frame = pd.read_parquet(path)
context = gx.get_context(mode="ephemeral")
batch = (
    context.data_sources.add_pandas("p")
    .add_dataframe_asset("a")
    .add_batch_definition_whole_dataframe("b")
)
suite = gx.ExpectationSuite("s")
rules = {}


def add(rule, one):
    rules[id(one)] = rule
    one.meta = {"rule": rule}
    suite.add_expectation(one)


for name in frame.columns:
    add(f"{name}_null", E.ExpectColumnValuesToNotBeNull(column=name))
for name, pattern in SHAPES.items():
    add(f"{name}_shape", E.ExpectColumnValuesToMatchRegex(column=name, regex=pattern))
for rule, (column, values, bad) in SETS.items():
    kind = E.ExpectColumnValuesToNotBeInSet if bad else E.ExpectColumnValuesToBeInSet
    add(rule, kind(column=column, value_set=values))
frame["day"] = pd.to_datetime(frame["day"])
frame["kwh"] = frame["kwh"].astype(float)
add(
    "read_at_range",
    E.ExpectColumnValuesToBeBetween(column="read_at", min_value=pd.Timestamp(2024, 1, 1)),
)
add(
    "day_range",
    E.ExpectColumnValuesToBeBetween(
        column="day", min_value=pd.Timestamp(2024, 1, 1), max_value=pd.Timestamp(2027, 12, 31)
    ),
)
add("kwh_range", E.ExpectColumnValuesToBeBetween(column="kwh", min_value=0, max_value=900))
add(
    "voltage_range",
    E.ExpectColumnValuesToBeBetween(column="voltage", min_value=198, max_value=235.4),
)
for name, (low, high) in LENGTHS.items():
    add(
        f"{name}_length",
        E.ExpectColumnValueLengthsToBeBetween(column=name, min_value=low, max_value=high),
    )
for name in ("customer", "name", "status", "meter"):
    add(f"{name}_blanks", E.ExpectColumnValuesToNotMatchRegex(column=name, regex="^ | $"))
add(KEY, E.ExpectColumnValuesToBeUnique(column="id"))
done = batch.get_batch(batch_parameters={"dataframe": frame}).validate(suite, result_format="BASIC")
told({one.expectation_config.meta["rule"]: one.result["unexpected_count"] for one in done.results})
