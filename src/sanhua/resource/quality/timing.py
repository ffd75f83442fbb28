"""Checks of time: the newest value, the records expected, how long they are kept, and columns in
their order and period.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from sanhua import sql
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.text import Text
from sanhua.resource.contract import (
    DAY_S,
    FREQUENCY,
    HOUR_S,
    LATENCY,
    RETENTION,
    Property,
    Sla,
)
from sanhua.resource.quality.maker import Maker, bound_sql, number
from sanhua.resource.standard import CodeList, DataElement


def promises(made: Maker, slas: Iterable[Sla], today: date) -> None:
    """The checks of every service level that says something of a column."""
    for sla in slas:
        _latency_check(made, sla)
        _frequency_check(made, sla)
        _retention_check(made, sla, today)


def _latency_check(made: Maker, sla: Sla) -> None:
    """The newest value of a promised column is not older than the promise: counted in legal days,
    or in hours when the unit is shorter than a day.
    """
    limit, types = number(sla.value), made.types
    if sla.property not in LATENCY or limit is None or not sla.unit_s():
        return  # told by `check`
    fine = sla.unit_s() < DAY_S
    for table, column in sla.columns():
        if table not in ("", made.table.name) or types.get(column) not in ("DATE", "TIMESTAMP"):
            continue
        zones = (
            p.options.get("defaultTimezone", "") for p in made.table.properties if p.name == column
        )
        made.add(
            f"{column}.latency",
            "0502",
            Text(
                f"{column} 的最新值不早于 {sla.value}{sla.unit or 'd'} 前",
                f"newest {column} within {sla.value} {sla.unit or 'd'}",
            ),
            sla.origin if sla.origin.path else made.contract.origin,
            column=column,
            value=Metric("", f"max({sql.quote(column)})"),
            operator="mustBeLessOrEqualTo",
            bounds=(limit * sla.unit_s() / (HOUR_S if fine else DAY_S),),
            latest=True,
            unit="h" if fine else "d",
            zone=next(zones, ""),
            severity="warning",
        )


def _frequency_check(made: Maker, sla: Sla) -> None:
    """0202: between the first and the last moment of a promised column there is a record at every
    step, for each value of the other columns of the primary key; of the table as a whole where the
    column is no part of the key. Steps are counted from the first moment and a record stands for
    the nearest, so that one between two steps does not make up for one that is lacking.
    """
    every = number(sla.value)
    if sla.property not in FREQUENCY or not every or not sla.unit_s():
        return
    step = int(every * sla.unit_s())
    for table, column in sla.columns():
        if table not in ("", made.table.name) or not _is_dated(made, column) or step <= 0:
            continue
        at, name = sql.quote(column), sql.quote(made.table.name)
        keys = made.table.key if column in made.table.key else ()
        each = [sql.quote(key) for key in keys if key != column]
        months = {"mo": 1, "month": 1, "months": 1, "y": 12, "yr": 12, "year": 12, "years": 12}
        length = months.get(sla.unit.casefold(), 0)
        part, size = ("month", int(every) * length) if length else ("second", step)
        listed = "".join(f"{key}, " for key in each)
        grouped = f" GROUP BY {', '.join(each)}" if each else ""
        same = " AND ".join(f"_t.{key} IS NOT DISTINCT FROM _f.{key}" for key in each)
        nearest = "floor" if length else "round"
        nth = f"{nearest}(date_diff('{part}', _f._first, _t.{at}) / {size})"
        by = f" GROUP BY {', '.join(f'_f.{key}' for key in each)}" if each else ""
        groups = (
            f"SELECT max({nth}) + 1 AS wanted, count(DISTINCT {nth}) AS found FROM {name} AS _t "
            f"JOIN (SELECT {listed}min({at}) AS _first FROM {name} WHERE {at} IS NOT NULL{grouped})"
            f" AS _f ON {same or 'TRUE'} WHERE _t.{at} IS NOT NULL{by}"
        )
        lacking = "CASE WHEN found < wanted THEN wanted - found ELSE 0 END"
        counted = f"CAST(coalesce(sum({lacking}), 0) AS BIGINT)"
        wanted = "CAST(coalesce(sum(wanted), 0) AS BIGINT)"
        said = f"{sla.value} {sla.unit or 'd'}"
        made.add(
            f"{column}.frequency",
            "0202",
            Text(f"{column} 每 {said} 有一条记录", f"a record of {column} every {said}"),
            sla.origin if sla.origin.path else made.contract.origin,
            column=column,
            violations=Metric("", f"SELECT {counted} FROM ({groups}) AS spans", Scan.QUERY),
            total=Metric(
                f"slots:{made.table.name}.{column}/{part}{size}",
                f"SELECT {wanted} FROM ({groups}) AS spans",
                Scan.QUERY,
            ),
        )


def _retention_check(made: Maker, sla: Sla, today: date) -> None:
    """0602: a record is usable while it is no older than it is promised to be kept for."""
    term = number(sla.value)
    if sla.property not in RETENTION or term is None or not sla.unit_s():
        return
    days = int(term * sla.unit_s() / DAY_S)
    for table, column in sla.columns():
        if table not in ("", made.table.name) or not _is_dated(made, column):
            continue
        oldest = f"CAST({sql.literal(today.isoformat())} AS DATE) - INTERVAL {days} DAY"
        said = f"{sla.value} {sla.unit or 'd'}"
        made.add(
            f"{column}.retention",
            "0602",
            Text(f"{column} 未超过 {said} 的有效期", f"{column} is within its {said}"),
            sla.origin if sla.origin.path else made.contract.origin,
            column=column,
            violations=Metric("", f"count_if({sql.quote(column)} < {oldest})"),
            total=made.values(column),
        )


def _is_dated(made: Maker, column: str) -> bool:
    return made.types.get(column) in ("DATE", "TIMESTAMP")


# A column in time


def timing_checks(
    made: Maker, prop: Property, element: DataElement | None, codes: Mapping[str, CodeList]
) -> None:
    timing, name, quoted = prop.timing, prop.name, sql.quote(prop.name)
    both = "{} IS NOT NULL AND {} IS NOT NULL".format
    if timing.valid_from or timing.valid_through:
        kind = made.types[name]
        outside: list[str] = []
        for written, operator in ((timing.valid_from, "<"), (timing.valid_through, ">")):
            other = sql.quote(written) if written in made.types else bound_sql(written, "DATE")
            if other:
                value = f"CAST({quoted} AS DATE)" if kind == "TIMESTAMP" else quoted
                outside.append(f"{value} {operator} {other}")
        period = f"{timing.valid_from}..{timing.valid_through}"
        made.add(
            f"{name}.validity",
            "0501",
            Text(f"{name} 在有效期 {period} 内", f"{name} lies in the period {period}"),
            prop.origin,
            column=name,
            violations=Metric("", f"count_if({' OR '.join(outside)})"),
            total=made.values(name),
        )
    listed = codes.get(element.codes) if element is not None else None
    if prop.codes_on in made.types and listed is not None and listed.has_terms:
        at = sql.quote(prop.codes_on)
        valid, known = (listed.violations(quoted, made.types[name], on) for on in (at, ""))
        made.add(
            f"{name}.valid_on.{prop.codes_on}",
            "0501",
            Text(
                f"{name} 的代码在 {prop.codes_on} 当日有效",
                f"the code in {name} is in force on {prop.codes_on}",
            ),
            prop.origin,
            column=name,
            violations=Metric("", f"count_if({at} IS NOT NULL AND {valid} AND NOT ({known}))"),
            total=Metric(
                f"pairs:{made.table.name}.{name}/{prop.codes_on}", f"count_if({both(quoted, at)})"
            ),
        )
    if timing.follows in made.types:
        before = sql.quote(timing.follows)
        pairs = Metric(
            f"pairs:{made.table.name}.{name}/{timing.follows}", f"count_if({both(quoted, before)})"
        )
        made.add(
            f"{name}.follows.{timing.follows}",
            "0503",
            Text(f"{name} 不早于 {timing.follows}", f"{name} is not before {timing.follows}"),
            prop.origin,
            column=name,
            violations=Metric("", f"count_if({quoted} < {before})"),
            total=pairs,
        )
        if timing.within_s:
            due = f"{before} + INTERVAL {timing.within_s} SECOND"
            made.add(
                f"{name}.within.{timing.follows}",
                "0502",
                Text(
                    f"{name} 在 {timing.follows} 之后 {timing.within_s} 秒内",
                    f"{name} within {timing.within_s} s after {timing.follows}",
                ),
                prop.origin,
                column=name,
                violations=Metric("", f"count_if({quoted} > {due})"),
                total=pairs,
            )
    if timing.order_by == "file" or timing.order_by in made.types:
        parts = [sql.quote(column) for column in timing.order_within if column in made.types]
        window = f"PARTITION BY {', '.join(parts)} " if parts else ""
        if timing.order_by != "file":
            window += f"ORDER BY {sql.quote(timing.order_by)}"
        query = (
            f"SELECT count(*) FROM (SELECT {quoted} AS now, lag({quoted}) OVER ({window}) AS before"
            f" FROM {sql.quote(made.table.name)} WHERE {quoted} IS NOT NULL) AS t "
            "WHERE now < before"
        )
        by = ("读入的次序", "the order of reading") if timing.order_by == "file" else None
        zh, en = by or (timing.order_by, timing.order_by)
        made.add(
            f"{name}.order",
            "0503",
            Text(f"{name} 按 {zh} 不回退", f"{name} does not fall in {en}"),
            prop.origin,
            column=name,
            violations=Metric("", query, Scan.QUERY),
            total=made.values(name),
        )
