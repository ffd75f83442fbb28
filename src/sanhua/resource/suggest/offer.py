"""Suggestions for a table: a sample proposes, the whole table decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sanhua import sql
from sanhua.kernel.errors import SanhuaError
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.ports import Engine
from sanhua.kernel.table import Column
from sanhua.resource.suggest.between import (
    SHORT,
    STUCK,
    carried_over,
    dependencies,
    misplaced,
    orders,
    stuck,
)
from sanhua.resource.suggest.column import LOOKS, VALUES_MAX, SampledColumn
from sanhua.resource.suggest.rule import Sample, Suggestion, share

SAMPLE_ROWS = 20_000  # looked at closely
PAIRED_COLUMNS = 60  # columns that are compared with one another
_BROKEN_MAX = 0.75  # of a dependency's rows, however weak


def suggest(engine: Engine, table: str, columns: Sequence[Column], rows: int) -> list[Suggestion]:
    """Suggestions for a bound table, those that something breaks first, then the surest.

    Two scans for all plain rules, one more for each dependency and each column of few values.
    """
    found: list[Suggestion] = []
    if not rows or not columns:
        return found
    taken = engine.sample(table, SAMPLE_ROWS)
    values = tuple(zip(*taken, strict=True)) if taken else tuple(() for _ in columns)
    sample = Sample(table, tuple(columns), rows, values)
    if len(taken) < rows:
        sample = replace(sample, counts=_counted(engine, sample))
    proposed = propose(sample)
    measured = engine.measure(table, [metric for one in proposed for metric in _metrics(one)])
    value = {one.metric.id: one.value for one in measured if one.error is None}
    for one in proposed:
        figures = [value.get(metric.id) for metric in _metrics(one)]
        told = [int(figure) for figure in figures if figure is not None]
        if len(told) == len(figures):  # a rule that does not run is none
            found.append(_decided(one, *told))
    return sorted(
        (one for one in found if one.confidence > 0),
        key=lambda one: (not one.violations, -one.confidence, one.column, one.kind, one.id),
    )


def _counted(engine: Engine, sample: Sample) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for column, values in zip(sample.columns, sample.values, strict=True):
        seen = {value for value in values if value is not None}
        if column.type != "VARCHAR" or not 1 < len(seen) <= VALUES_MAX:
            continue
        name = sql.quote(column.name)
        query = (
            f"SELECT {name}, count(*) FROM {sql.quote(sample.table)} WHERE {name} IS NOT NULL "
            f"GROUP BY {name}"
        )
        try:
            found = engine.query(query, rows_max=4 * VALUES_MAX)
        except SanhuaError:  # far more values than the sample had: no column of few values
            continue
        counts[column.name] = {value: int(count) for value, count in found}
    return counts


def _metrics(one: Suggestion) -> list[Metric]:
    """What a rule is tried on, what breaks it, and what would show that it is none."""
    tried = sql.quote(one.determinant[0] if one.determinant else one.column)
    support = f"count({tried})" if one.kind not in ("missing", "carried_over") else "count(*)"
    if one.kind == "repeated":
        breaking = Metric(f"{one.id}#violations", tried, Scan.UNIQUE)
    elif one.order:
        against = replace(one, predicate=one.predicate.replace(STUCK, SHORT))
        return [
            Metric(f"{one.id}#support", support),
            Metric(f"{one.id}#violations", one.counting(), Scan.QUERY),
            Metric(f"{one.id}#against", against.counting(), Scan.QUERY),
        ]
    elif one.determinant or "SELECT" in one.predicate:
        breaking = Metric(f"{one.id}#violations", one.counting(), Scan.QUERY)
    else:
        breaking = Metric(f"{one.id}#violations", sql.count_if(one.predicate))
    return [Metric(f"{one.id}#support", support), breaking]


def propose(sample: Sample) -> list[Suggestion]:
    """The rules that a sample speaks for, with no figures of the whole table yet."""
    columns = [SampledColumn(sample, number) for number in range(len(sample.columns))]
    found: list[Suggestion] = []
    for column in columns:
        for look in LOOKS:
            found += look(column)
    paired = [column for column in columns if len(column.seen) > 1][:PAIRED_COLUMNS]
    found += dependencies(paired)
    found += carried_over(paired)
    found += misplaced(paired)
    found += stuck(columns)
    found += orders(paired)
    return found


def _decided(one: Suggestion, support: int, violations: int, against: int = 0) -> Suggestion:
    """With its figures over the whole table; a rule that breaks there much more often than the
    sample let expect loses its confidence.
    """
    one = replace(one, support=support, violations=violations)
    if one.kind == "stuck" and (not violations or against > violations / 5):
        return replace(one, confidence=Decimal())
    if one.kind == "dependency" and violations > _BROKEN_MAX * support:
        return replace(one, confidence=Decimal())
    if one.kind == "repeated" and violations > max(2, support // 500):
        return replace(one, confidence=Decimal())
    if one.kind == "missing" and support:
        return replace(one, confidence=share(1 - 5 * violations / support))
    return one


def examples(engine: Engine, one: Suggestion, most: int) -> tuple[tuple[str, int], ...]:
    """The values that most often break a rule, and in how many rows; NULL is told as empty."""
    column = sql.quote(one.column)
    key = f"CAST({'r.' if one.determinant else ''}{column} AS VARCHAR) AS doubted"
    query = (
        f"SELECT coalesce(doubted, ''), count(*) AS times FROM "
        f"({one.doubtful(sql.quote(one.table), key)}) GROUP BY doubted "
        f"ORDER BY times DESC, doubted LIMIT {most}"
    )
    return tuple((str(value), int(times)) for value, times in engine.query(query))
