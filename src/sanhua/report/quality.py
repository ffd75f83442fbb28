"""The quality report of a contract: one HTML file with its charts inside, a PDF, and a badge.

All three are drawn from the same `content`, Chinese first and English beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from sanhua.kernel import ids
from sanhua.kernel.ports import Rule
from sanhua.kernel.text import Text
from sanhua.report import chart
from sanhua.resource.quality import Finding, IndicatorScore, Quality
from sanhua.resource.quality.trend import Point, Worse

if TYPE_CHECKING:
    import jinja2

POINTS_MAX = 60  # of the trend, the latest
_STATES = {
    "passed": Text("通过", "passed"),
    "failed": Text("未通过", "failed"),
    "not_assessable": Text("不可评估", "not assessable"),
    "error": Text("未能测量", "not measured"),
}
_ORDER = ("failed", "error", "passed", "not_assessable")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a report is drawn from. `rule` is that of the twenty indicators, `day` the legal day of
    the judgement, `issues` are lines (zh, en) of what is open.
    """

    project: Text
    title: Text
    quality: Quality
    rule: Rule
    day: str
    points: Sequence[Point]
    worse: Sequence[Worse]
    issues: Sequence[Mapping[str, Any]] = ()


def content(sheet: Sheet) -> dict[str, Any]:
    """Everything the report says, as JSON values: shares and rates as text."""
    judged, listed = sheet.quality, cast("Mapping[str, Mapping[str, Any]]", sheet.rule.value)
    points = sheet.points[-POINTS_MAX:]
    return {
        "project": _both(sheet.project),
        "title": _both(sheet.title),
        "contract": judged.contract,
        "version": judged.version,
        "day": sheet.day,
        "snapshots": list(judged.snapshots),
        "score": _share(judged.score),
        "checks": judged.checks,
        "passed": judged.passed,
        "failed": judged.failed,
        "errors": judged.errors,
        "assessable": sum(one.score is not None for one in judged.indicators),
        "indicators_total": len(judged.indicators),
        "rule": {"number": sheet.rule.number, "clause": sheet.rule.clause, "tag": sheet.rule.tag},
        "dimensions": [
            {
                "id": one.id,
                "title": _both(one.title),
                "score": _share(one.score),
                "assessable": one.assessable,
                "indicators": one.indicators,
            }
            for one in judged.dimensions
        ],
        "indicators": [_indicator(one, listed.get(one.code, {})) for one in judged.indicators],
        "findings": [
            _finding(one, listed)
            for one in sorted(judged.findings, key=lambda f: (_ORDER.index(f.state), f.indicator))
        ],
        "trend": [
            {
                "version": point.version,
                "day": point.day,
                "contract_version": point.contract_version,
                "snapshots": list(point.snapshots),
                "score": _share(point.score),
                "dimensions": {name: _share(score) for name, score in point.dimensions.items()},
                "checks": point.checks,
                "failed": list(point.failed),
            }
            for point in points
        ],
        "worse": [
            {
                "check": one.check,
                "label": _both(
                    Text(
                        f"{one.label.zh}（其间契约已改）",
                        f"{one.label.say('en')} (contract changed)",
                    )
                    if one.redefined
                    else one.label
                ),
                "redefined": one.redefined,
                "before": _said(one.before),
                "after": _said(one.after),
            }
            for one in sheet.worse
        ],
        "issues": [dict(one) for one in sheet.issues],
    }


def _both(text: Text) -> dict[str, str]:
    zh, en = text.say("zh"), text.say("en")
    return {"zh": zh, "en": en if en != zh else ""}


def _share(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _said(value: str) -> dict[str, str]:
    return _both(_STATES.get(value, Text(value)))


def _indicator(one: IndicatorScore, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "code": one.code,
        "title": _both(one.title),
        "dimension": one.dimension,
        "formula": str(entry.get("formula", "X=A/B")),
        "a": str(entry.get("numerator", "")),
        "b": str(entry.get("denominator", "")),
        "polarity": one.polarity,
        "numerator": one.numerator,
        "denominator": one.denominator,
        "score": _share(one.score),
        "rate": _share(one.rate),
        "checks": one.checks,
        "weight": format(one.weighs, "f"),
        "not_assessable": _both(one.not_assessable) if one.score is None else None,
    }


def _finding(one: Finding, listed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    entry = listed.get(one.indicator, {})
    return {
        "id": one.id,
        "label": _both(one.label),
        "indicator": one.indicator,
        "indicator_title": str(entry.get("zh", "")),
        "state": one.state,
        "state_label": _both(_STATES[one.state]),
        "column": ids.key_of(one.column).partition("@")[0] if one.column else "",
        "numerator": one.numerator,
        "denominator": one.denominator,
        "ratio": _share(one.ratio),
        "value": _short(one.value),
        "wanted": one.wanted,
        "weight": format(one.weighs, "f"),
        "severity": one.severity,
        "excluded": one.excluded,
        "reason": _both(one.reason),
        "told": _both(one.told),
        "impact": one.impact,
        "error": one.error,
    }


def _short(value: str) -> str:
    """A number to six places; the record keeps every digit."""
    _, point, rest = value.partition(".")
    if not point or not rest.isdigit() or len(rest) <= 6:
        return value
    return format(Decimal(value).quantize(Decimal("0.000001"), ROUND_HALF_UP), "f")


# Drawn


def charts(said: Mapping[str, Any]) -> dict[str, str]:
    """The bars of the dimensions and the line of the score, as SVG."""
    rows = [
        chart.Bar(
            one["title"]["zh"],
            one["title"]["en"],
            None if one["score"] is None else Decimal(one["score"]),
            f"不可评估 0/{one['indicators']}"
            if one["score"] is None
            else f"{one['assessable']}/{one['indicators']}",
        )
        for one in said["dimensions"]
    ]
    trend = said["trend"]
    days = ["", *(point["day"] for point in trend)]
    shares = [
        (
            point["day"] if point["day"] != before else f"#{point['version']}",
            None if point["score"] is None else Decimal(point["score"]),
        )
        for point, before in zip(trend, days, strict=False)
    ]
    fell = [
        place > 0 and share is not None and before is not None and share < before
        for place, ((_, share), (_, before)) in enumerate(
            zip(shares, [("", None), *shares[:-1]], strict=True)
        )
    ]
    return {
        "dimensions": chart.bars(rows, title="各维度得分 score by dimension"),
        "trend": chart.line(shares, title="得分的趋势 trend of the score", marked=fell)
        if len(shares) > 1
        else "",
    }


def html(said: Mapping[str, Any]) -> str:
    """One file that needs nothing else: style and charts are inside."""
    return _pages().get_template("quality.html").render(r=said, charts=charts(said))


def pdf(said: Mapping[str, Any], *, fonts: str = "") -> bytes:
    """The same as PDF; what report.typeset raises."""
    from sanhua.report.typeset import pdf as typeset

    return typeset("quality", {**said, "charts": charts(said)}, fonts=fonts)


def badge(said: Mapping[str, Any]) -> str:
    """Score, day, contract version and snapshot on one line: what it is of is part of it."""
    snapshots = said["snapshots"]
    at = snapshots[0].removeprefix("sha256:")[:8] if snapshots else "–"
    more = f"+{len(snapshots) - 1}" if len(snapshots) > 1 else ""
    score = "不可评估" if said["score"] is None else f"{Decimal(said['score']):.4f}"
    left = f"数据质量 {said['contract']} {said['version']}".strip()
    right = (
        f"{score} · {said['assessable']}/{said['indicators_total']} · {said['day']} · {at}{more}"
    )
    told = (
        f"{said['rule']['number']}：{said['contract']} {said['version']}，得分 {score}，"
        f"可评估指标 {said['assessable']}/{said['indicators_total']}，{said['day']}，"
        f"快照 {', '.join(snapshots) or '–'}"
    )
    return chart.badge(left, right, told=told)


@cache
def _pages() -> jinja2.Environment:
    import jinja2

    folder = files("sanhua.report").joinpath("templates")
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
