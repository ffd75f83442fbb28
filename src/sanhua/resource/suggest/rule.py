"""A sample of a table, and a rule that it proposes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sanhua import sql
from sanhua.kernel.table import Column
from sanhua.kernel.text import Text

DEFAULT = Decimal("0.6")  # suggestions of less confidence are shown only when asked for
PLACES = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a table as text, column by column: `values[n][i]` is row i of `columns[n]`.

    `rows` is how many the whole table has. `counts` holds, for a column of few distinct values, how
    often each occurs in the whole table.
    """

    table: str
    columns: tuple[Column, ...]
    rows: int
    values: tuple[Sequence[str | None], ...]
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule that the values propose.

    `predicate` is true for a row whose `column` is doubtful; of a dependency it is asked of the
    groups `determinant, column` with `rows_held` (rows of the group) and `rows_most` (rows of the
    most frequent value that the determinant has). `entry` is the rule as a contract writes it: one
    key of the property (`required`, `unique`) or a `quality` entry. `confidence` (0 to 1) is how
    sure it is that a value breaking the rule is wrong; each kind says how it is reckoned.
    `lists_values`: the rule's text holds values of the column.
    """

    id: str
    table: str
    kind: str
    column: str
    indicator: str  # GB/T 36344
    label: Text
    predicate: str
    entry: Mapping[str, Any]
    confidence: Decimal
    determinant: tuple[str, ...] = ()
    order: str = ""
    support: int = 0  # rows that the rule was tried on
    violations: int = 0
    lists_values: bool = False

    def groups(self, relation: str) -> str:
        """The groups of a dependency as a relation with `predicate`'s columns."""
        names, b = [sql.quote(name) for name in self.determinant], sql.quote(self.column)
        a, known = ", ".join(names), " AND ".join(f"{name} IS NOT NULL" for name in names)
        return (
            f"(SELECT {a}, {b}, count(*) AS rows_held, "
            f"max(count({b})) OVER (PARTITION BY {a}) AS rows_most "
            f"FROM {relation} WHERE {known} GROUP BY {a}, {b})"
        )

    def runs(self, relation: str) -> str:
        """The rows of a relation with `rows_run`."""
        value, order = sql.quote(self.column), sql.quote(self.order)
        return (
            f"(SELECT *, count(*) OVER (PARTITION BY {value}, run_no) AS rows_run FROM "
            f"(SELECT *, row_number() OVER (ORDER BY {order}) - row_number() OVER "
            f"(PARTITION BY {value} ORDER BY {order}) AS run_no FROM {relation} "
            f"WHERE {value} IS NOT NULL))"
        )

    def counting(self) -> str:
        """One SELECT of how many rows of the table break the rule."""
        table = sql.quote(self.table)
        if self.determinant:
            return (
                f"SELECT coalesce(sum(rows_held), 0) FROM {self.groups(table)} "
                f"WHERE {self.predicate}"
            )
        relation = self.runs(table) if self.order else table
        return f"SELECT count(*) FROM {relation} WHERE {self.predicate}"

    def doubtful(self, relation: str, key: str) -> str:
        """One SELECT of `key` of the rows in `relation` whose value the rule doubts."""
        if not self.determinant:
            relation = self.runs(relation) if self.order else relation
            return f"SELECT {key} FROM {relation} WHERE {self.predicate}"
        b = sql.quote(self.column)
        same = " AND ".join(f"r.{a} = g.{a}" for a in map(sql.quote, self.determinant))
        return (
            f"SELECT {key} FROM {relation} AS r JOIN (SELECT * FROM {self.groups(relation)} "
            f"WHERE {self.predicate}) AS g ON {same} AND r.{b} IS NOT DISTINCT FROM g.{b}"
        )


def library(metric: str, argument: str, value: Any) -> dict[str, Any]:
    return {"quality": {"metric": metric, "arguments": {argument: value}, "mustBe": 0}}


def written(one: Suggestion) -> dict[str, Any]:
    """The rule as a contract writes it: `{"required": True}`, or an entry of `quality`."""
    rule = one.entry.get("quality")
    if rule is None:
        return dict(one.entry)
    return {
        "name": one.id,
        "description": one.label.zh,
        **rule,
        "severity": "warning",
        "customProperties": [{"property": "indicator", "value": one.indicator}],
    }


def share(value: float | Decimal) -> Decimal:
    return min(max(Decimal(str(round(float(value), 3))), Decimal()), Decimal(1)).quantize(PLACES)
