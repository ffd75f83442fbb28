"""Consistency 一致性 between stores: the same datum in two tables (0401), how far their clocks are
apart (0503), sums that tie (0402), and control totals.

What a reconciliation needs is measured by one query that gives one text, for a metric has one
value; the search for a clock offset joins the two tables once for all offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sanhua import sql
from sanhua.kernel.metric import Metric, Scan
from sanhua.kernel.text import Text
from sanhua.resource.contract import DAY_S, HOUR_S, Clock, Reconciliation
from sanhua.resource.quality.maker import Maker
from sanhua.resource.quality.records import Check, Compared, Finding

OFFSETS_MAX = 400  # tried in one search
_SHARE = Decimal("0.0001")


def reconcile(made: Maker, given: Reconciliation) -> None:
    """The checks of one reconciliation: a pair of columns each, the clock, the totals by period."""
    own = [mine for mine, _ in (*given.match, *given.compare)]
    if any(column not in made.types for column in own):
        return  # told by `check`
    search = Metric("", _search(made, given), Scan.QUERY)
    shared: Metric | None = None
    for position, (mine, theirs) in enumerate(given.compare):
        made.add(
            f"{mine}.equal.{given.other}.{theirs}",
            "0401",
            Text(
                f"{mine} 与 {given.other}.{theirs} 相同",
                f"{mine} equals {given.other}.{theirs}",
            ),
            given.origin,
            column=mine,
            value=search,
            total=made.values(mine),
            operator="mustBeLessOrEqualTo",
            bounds=(100 - given.least,),
            percent=True,
            compared=Compared("equal", given, position),
            tables=(given.other,),
        )
        made.checks[-1] = replace(made.checks[-1], value=shared or made.checks[-1].value)
        shared = made.checks[-1].value
    if given.clock is not None:
        made.add(
            f"{given.clock.column}.clock.{given.other}",
            "0503",
            Text(
                f"{given.clock.column} 与 {given.other} 的时钟相合",
                f"the clock of {given.other} stands to {given.clock.column} as declared",
            ),
            given.origin,
            column=given.clock.column,
            value=search,
            bounds=(Decimal(given.clock.offset_s),),
            unit="s",
            compared=Compared("clock", given),
            tables=(given.other,),
        )
        made.checks[-1] = replace(made.checks[-1], value=shared)
    for position, (mine, theirs) in enumerate(given.compare if given.totals_by else ()):
        made.add(
            f"{mine}.totals.{given.other}.{theirs}",
            "0402",
            Text(
                f"{mine} 的{_BY[given.totals_by].zh}合计与 {given.other}.{theirs} 相合",
                f"sums of {mine} {_BY[given.totals_by].en} tie with {given.other}.{theirs}",
            ),
            given.origin,
            column=mine,
            value=Metric("", _totals(made, given, mine, theirs), Scan.QUERY),
            compared=Compared("totals", given, position),
            tables=(given.other,),
        )


_BY = {
    "all": Text("总", "over all"),
    "day": Text("逐日", "by day"),
    "month": Text("逐月", "by month"),
    "year": Text("逐年", "by year"),
}


def control_totals(made: Maker) -> None:
    """What the supplier says the table adds up to, against what it adds up to."""
    for total in made.table.totals:
        if total.column and total.column not in made.types:
            continue
        name = total.column or "rows"
        column = sql.quote(total.column)
        # Exact whatever the order of rows: a sum of doubles is rounded to what the total says.
        places = max(-int(total.amount.as_tuple().exponent), 0)
        summed = f"round(sum(CAST({column} AS DECIMAL(38, 6))), {places})"
        made.add(
            f"{name}.control_total",
            "0402" if total.column else "0202",
            Text(f"{name} 与控制总数相符", f"{name} adds up to the control total"),
            total.origin,
            column=total.column,
            value=Metric("", summed if total.column else "count(*)"),
            bounds=(total.amount,),
        )


# SQL. A name that starts with `_` is no table or column of a project.


def _equal(given: Reconciliation, own: str, other: str, kind: str) -> str:
    """True where two values, both there, are the same within the tolerance."""
    if kind == "VARCHAR":
        return f"{own} = CAST({other} AS VARCHAR)"
    if not given.tolerance:
        return f"{own} = {other}"
    bound = format(given.tolerance, "f")
    if given.percent:
        return f"abs({own} - {other}) <= abs({other}) * {bound} / 100"
    return f"abs({own} - {other}) <= {bound}"


def offsets(clock: Clock | None) -> list[int]:
    """The offsets to try, in seconds: the declared one, none at all, and the steps of a search."""
    if clock is None:
        return [0]
    steps = clock.reach_s // clock.step_s
    tried = {n * clock.step_s for n in range(-steps, steps + 1)}
    return sorted({0, clock.offset_s, *tried})


def _search(made: Maker, given: Reconciliation) -> str:
    """One text, `offset:pairs:equal:pairs:equal … offset:…`: for every offset and pair of columns
    how many values stand on both sides, and how many of them are the same.
    """
    names = [(f"m{i}", own, other) for i, (own, other) in enumerate(given.match)]
    pairs = [(f"v{i}", own, other) for i, (own, other) in enumerate(given.compare)]
    clock = given.clock.column if given.clock is not None else ""
    # The shifted moment is a column before the join: as a condition of it, the engine may join on
    # the other columns first, which multiplies the rows.
    shifted = "CAST({} AS TIMESTAMP) + _shift * INTERVAL 1 SECOND"
    mine = ", ".join(
        f"{shifted.format(sql.quote(own)) if own == clock else sql.quote(own)} AS {name}"
        for name, own, _ in (*names, *pairs)
    )
    theirs = ", ".join(
        f"CAST({sql.quote(other)} AS TIMESTAMP) AS {name}"
        if own == clock
        else f"{sql.quote(other)} AS {name}"
        for name, own, other in (*names, *pairs)
    )
    joined = [f"_theirs.{name} = _mine.{name}" for name, _, _ in names]
    counted: list[str] = []
    for name, own, _ in pairs:
        both = f"_mine.{name} IS NOT NULL AND _theirs.{name} IS NOT NULL"
        same = _equal(given, f"_mine.{name}", f"_theirs.{name}", made.types[own])
        counted += [
            f"CAST(count_if({both}) AS VARCHAR)",
            f"CAST(count_if({both} AND {same}) AS VARCHAR)",
        ]
    own_table = sql.quote(made.table.name)
    shifts = ", ".join(f"({shift})" for shift in offsets(given.clock))
    listed = " || ':' || ".join(["CAST(_shift AS VARCHAR)", *counted])
    return (
        f"WITH _shifts AS (SELECT _shift FROM (VALUES {shifts}) AS _s(_shift)), "
        f"_mine AS (SELECT _shift, {mine} FROM {own_table} CROSS JOIN _shifts), "
        f"_theirs AS (SELECT {theirs} FROM {sql.quote(given.other)}), "
        f"_tried AS (SELECT _shift, {listed} AS said FROM _mine "
        f"JOIN _theirs ON {' AND '.join(joined)} GROUP BY _shift) "
        "SELECT string_agg(said, ' ' ORDER BY _shift) FROM _tried"
    )


def _totals(made: Maker, given: Reconciliation, mine: str, theirs: str) -> str:
    """One text, `periods:differing:ours:theirs:alone:first that differs`: the periods in which both
    have values, how many of them differ, the sums over them, the periods of one side alone.
    """
    at = given.match[0] if given.clock is None else _clock_pair(given)
    shift = given.clock.offset_s if given.clock else 0

    def summed(table: str, column: str, when: str, shifted: int) -> str:
        moment = f"CAST({sql.quote(when)} AS TIMESTAMP)"
        if shifted:
            moment += f" {'-' if shifted > 0 else '+'} INTERVAL {abs(shifted)} SECOND"
        period = "'all'" if given.totals_by == "all" else _PERIOD[given.totals_by].format(moment)
        value = sql.quote(column)
        return (
            f"SELECT {period} AS period, sum(CAST({value} AS DECIMAL(38, 6))) AS total "
            f"FROM {sql.quote(table)} WHERE {value} IS NOT NULL GROUP BY 1"
        )

    bound = format(given.totals_tolerance, "f")
    both = "_ours.total IS NOT NULL AND _theirs.total IS NOT NULL"
    differs = f"abs(_ours.total - _theirs.total) > abs(_theirs.total) * {bound} / 100"
    return (
        f"WITH _ours AS ({summed(made.table.name, mine, at[0], 0)}), "
        f"_theirs AS ({summed(given.other, theirs, at[1], shift)}) "
        f"SELECT CAST(count_if({both}) AS VARCHAR) || ':' || "
        f"CAST(count_if({differs}) AS VARCHAR) || ':' || "
        f"coalesce(CAST(sum(CASE WHEN {both} THEN _ours.total END) AS VARCHAR), '') || ':' || "
        f"coalesce(CAST(sum(CASE WHEN {both} THEN _theirs.total END) AS VARCHAR), '') || ':' || "
        f"CAST(count_if(NOT ({both})) AS VARCHAR) || ':' || "
        f"coalesce(min(CASE WHEN {differs} THEN _ours.period END), '') "
        "FROM _ours FULL JOIN _theirs ON _theirs.period = _ours.period"
    )


_PERIOD = {
    "day": "strftime({}, '%Y-%m-%d')",
    "month": "strftime({}, '%Y-%m')",
    "year": "strftime({}, '%Y')",
}


def _clock_pair(given: Reconciliation) -> tuple[str, str]:
    assert given.clock is not None
    return next(pair for pair in given.match if pair[0] == given.clock.column)


# Judging


@dataclass(frozen=True, slots=True)
class Aligned:
    """How many values stand on both sides at an offset, and how many are the same; by pair of
    columns.
    """

    offset_s: int
    pairs: tuple[int, ...]
    equal: tuple[int, ...]

    @property
    def share(self) -> Decimal:
        return Decimal(sum(self.equal)) / (sum(self.pairs) or 1)


def read(text: str) -> list[Aligned]:
    """What `_search` gave."""
    found: list[Aligned] = []
    for said in text.split():
        offset, *counts = map(int, said.split(":"))
        found.append(Aligned(offset, tuple(counts[::2]), tuple(counts[1::2])))
    return found


def best(found: list[Aligned], declared: int = 0) -> Aligned | None:
    """The offset with the largest share of equal values among those that bring together at least
    half as many values as the best-overlapping one; of equals the nearest to the declared one, the
    smallest, the earlier.
    """
    most = max((sum(one.pairs) for one in found), default=0)
    fair = [one for one in found if 2 * sum(one.pairs) >= most and sum(one.pairs)]

    def rank(one: Aligned) -> tuple[Decimal, int, int, int]:
        return one.share, -abs(one.offset_s - declared), -abs(one.offset_s), -one.offset_s

    return max(fair, key=rank, default=None)


def judge_compared(
    finding: Finding, check: Check, numbers: Mapping[str, Any], holds: Callable[[Decimal], bool]
) -> Finding:
    """The finding of a check with `compared`. `holds(value)` says whether its bounds are met."""
    assert check.compared is not None and check.value is not None
    raw = numbers[check.value.id]
    if raw is None or raw == "":
        reason = Text("两表没有可对上的记录", "the two tables have no records in common")
        return replace(finding, state="not_assessable", reason=reason)
    if check.compared.part == "totals":
        return _judge_totals(finding, str(raw))
    tried = read(str(raw))
    clock = check.compared.reconciliation.clock
    plain = next((one for one in tried if one.offset_s == 0), None)
    found = best(tried, clock.offset_s if clock is not None else 0)
    if found is None:
        reason = Text("两表没有可对上的值", "the two tables have no values in common")
        return replace(finding, state="not_assessable", reason=reason)
    if check.compared.part == "clock":
        if not found.share:
            reason = Text(
                "没有一个值相同，无从判断时钟", "no value is equal: nothing tells the clock"
            )
            return replace(finding, state="not_assessable", reason=reason)
        return _judge_clock(finding, found, plain, holds)
    at = found
    if clock is not None and not clock.detect:
        at = next((one for one in tried if one.offset_s == clock.offset_s), None) or Aligned(
            clock.offset_s, (0,) * len(found.pairs), (0,) * len(found.pairs)
        )
    place = check.compared.position
    pairs, equal = at.pairs[place], at.equal[place]
    if not pairs:
        reason = Text("两表没有可对上的值", "the two tables have no values in common")
        return replace(finding, state="not_assessable", reason=reason)
    wrong = Decimal(pairs - equal) * 100 / pairs
    here = numbers[check.total.id] if check.total else None
    alone = max(int(here or 0) - pairs, 0)
    zh = f"{shown(at.offset_s).zh}：{pairs} 对值中 {equal} 对相同（{percent(equal, pairs)}）"
    en = f"{shown(at.offset_s).en}: {equal} of {pairs} pairs equal ({percent(equal, pairs)})"
    if at.offset_s and plain is not None and plain.pairs[place]:
        same = percent(plain.equal[place], plain.pairs[place])
        zh, en = zh + f"；不平移 {same}", en + f"; unshifted {same}"
    if alone:
        zh, en = zh + f"；{alone} 个值在对方没有对应", en + f"; {alone} have no counterpart"
    return replace(
        finding,
        state="passed" if holds(wrong) else "failed",
        numerator=equal,
        denominator=pairs,
        ratio=(Decimal(equal) / pairs).quantize(Decimal("0.000001"), ROUND_HALF_UP),
        value=f"{wrong.quantize(_SHARE, ROUND_HALF_UP).normalize():f}%",
        told=Text(zh, en),
    )


def _judge_clock(
    finding: Finding, found: Aligned, plain: Aligned | None, holds: Callable[[Decimal], bool]
) -> Finding:
    met = holds(Decimal(found.offset_s))
    share = percent(sum(found.equal), sum(found.pairs))
    zh = f"按{shown(found.offset_s).zh}对齐，相同的值最多：{share}"
    en = f"most values are equal {shown(found.offset_s).en}: {share}"
    if plain is not None and found.offset_s:
        same = percent(sum(plain.equal), sum(plain.pairs))
        zh, en = zh + f"；不平移只有 {same}", en + f"; {same} unshifted"
    return replace(
        finding,
        state="passed" if met else "failed",
        ratio=Decimal(int(met)),
        value=f"{found.offset_s} s",
        told=Text(zh, en),
    )


def _judge_totals(finding: Finding, raw: str) -> Finding:
    counted, wrong, ours, theirs, alone, first = raw.split(":", 5)
    periods, differing = int(counted), int(wrong)
    if not periods:
        reason = Text("两表没有共同的期间", "the two tables have no period in common")
        return replace(finding, state="not_assessable", reason=reason)
    zh = f"{periods} 期中 {differing} 期不符；合计 {_trim(ours)} 与 {_trim(theirs)}"
    en = f"{differing} of {periods} periods differ; {_trim(ours)} against {_trim(theirs)} in all"
    if int(alone):
        zh, en = zh + f"；另有 {alone} 期只在一方", en + f"; {alone} more on one side alone"
    if first:
        zh, en = zh + f"；最早不符 {first}", en + f"; first {first}"
    return replace(
        finding,
        state="failed" if differing else "passed",
        numerator=periods - differing,
        denominator=periods,
        ratio=(Decimal(periods - differing) / periods).quantize(Decimal("0.000001"), ROUND_HALF_UP),
        value=str(differing),
        told=Text(zh, en),
    )


def _trim(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def percent(part: int, whole: int) -> str:
    """A share as people read it; the exact figures stand beside it."""
    if not whole:
        return "–"
    return f"{(Decimal(part) * 100 / whole).quantize(Decimal('0.1'), ROUND_HALF_UP)} %"


def shown(offset_s: int) -> Text:
    """How much later the other clock is, in the largest unit that says it whole."""
    if not offset_s:
        return Text("不平移", "unshifted")
    size, zh, en = next(
        unit
        for unit in (
            (DAY_S, "天", "d"),
            (HOUR_S, "小时", "h"),
            (60, "分钟", "min"),
            (1, "秒", "s"),
        )
        if offset_s % unit[0] == 0
    )
    many = abs(offset_s) // size
    if offset_s < 0:
        return Text(f"对方时钟早 {many} {zh}", f"with the other clock {many} {en} behind")
    return Text(f"对方时钟晚 {many} {zh}", f"with the other clock {many} {en} ahead")
