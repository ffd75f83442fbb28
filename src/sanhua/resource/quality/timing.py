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
    step, for each value of the other columns of the primary key.
    """
    every = number(sla.value)
    if sla.property not in FREQUENCY or not every or not sla.unit_s():
        return
    step = int(every * sla.unit_s())
    for table, column in sla.columns():
        if table not in ("", made.table.name) or not _is_dated(made, column) or step <= 0:
            continue
        at, name = sql.quote(column), sql.quote(made.table.name)
        each = ", ".join(sql.quote(key) for key in made.table.key if key != column)
        months = {"mo": 1, "month": 1, "months": 1, "y": 12, "yr": 12, "year": 12, "years": 12}
        length = months.get(sla.unit.casefold(), 0)
        part, size = ("month", int(every) * length) if length else ("second", step)
        groups = (
            f"SELECT floor(date_diff('{part}', min({at}), max({at})) / {size}) + 1 AS wanted, "
            f"count(DISTINCT {at}) AS found FROM {name} WHERE {at} IS NOT NULL"
            + (f" GROUP BY {each}" if each else "")
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
    if timing.valid_at in made.types and listed is not None:
        at = sql.quote(timing.valid_at)
        invalid = _code_out_of_period(listed, quoted, at)
        made.add(
            f"{name}.valid_at.{timing.valid_at}",
            "0501",
            Text(
                f"{name} 的代码在 {timing.valid_at} 当日有效",
                f"the code in {name} is in force on {timing.valid_at}",
            ),
            prop.origin,
            column=name,
            violations=Metric("", f"count_if({invalid})") if invalid else None,
            total=Metric(
                f"pairs:{made.table.name}.{name}/{timing.valid_at}",
                f"count_if({both(quoted, at)})",
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


def _code_out_of_period(listed: CodeList, code: str, at: str) -> str:
    """True where the code was not in force on the day in `at`; an unknown code is another check's.
    Empty when the list gives no period.
    """
    if not {"from", "through"} & set(listed.columns):
        return ""
    place = {name: listed.columns.index(name) for name in listed.columns}
    periods: dict[str, list[str]] = {}
    for row in listed.rows:
        inside = [
            f"CAST({at} AS DATE) {operator} CAST({sql.literal(row[place[key]])} AS DATE)"
            for key, operator in (("from", ">="), ("through", "<="))
            if key in place and row[place[key]]
        ]
        periods.setdefault(row[place["code"]], []).append(" AND ".join(inside) or "TRUE")
    bounded = {code: options for code, options in periods.items() if "TRUE" not in options}
    if not bounded:
        return ""
    cases = " ".join(
        f"WHEN {sql.literal(known)} THEN NOT ({' OR '.join(f'({o})' for o in options)})"
        for known, options in sorted(bounded.items())
    )
    return f"CASE CAST({code} AS VARCHAR) {cases} ELSE FALSE END"
