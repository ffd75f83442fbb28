"""The report of `sanhua profile`: for a terminal, as JSON, as one HTML page.

The page needs no script and fetches nothing; it says everything in Chinese with English beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.text import Text
from sanhua.resource.content import Bin, Content, TableContent, percent, plain


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why rows were set aside: how many, and the first places: `input:line`, `input #record`."""

    reason: str
    rows: int
    places: tuple[str, ...]


@dataclass(slots=True)
class TableReport:
    """One table: how it was read (facts in order), what it holds; `suggested` are rules that would
    fit it.
    """

    name: str
    read: dict[str, str]
    bytes: int
    rejected: int
    rejects: tuple[Rejected, ...]
    found: TableContent
    told: list[Diagnostic]
    suggested: list[Text] = field(default_factory=list[Text])

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [*self.told, *self.found.alerts]


@dataclass(slots=True)
class Report:
    """What `sanhua profile` found at `target`."""

    target: str
    made_at: datetime
    engine: str
    tables: list[TableReport] = field(default_factory=list[TableReport])
    told: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [*self.told, *(one for table in self.tables for one in table.diagnostics)]


_READ = {
    "format": Text("格式", "format"),
    "encoding": Text("编码", "encoding"),
    "delimiter": Text("分隔符", "delimiter"),
    "quote": Text("引号", "quote"),
    "skipped_lines": Text("跳过行数", "lines skipped"),
    "sheet": Text("工作表", "sheet"),
    "packed": Text("压缩", "packed"),
    "files": Text("文件数", "files"),
    "database": Text("数据库", "database"),
    "types": Text("库中类型", "types there"),
}
_SEVERITY = {
    Severity.ERROR: Text("错误", "error"),
    Severity.WARNING: Text("警告", "warning"),
    Severity.NOTE: Text("提示", "note"),
}


def _size(bytes: int) -> str:
    size = float(bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def _figure(value: Any) -> str:
    """A figure for people: six digits of a mean, thousands set apart."""
    text = plain(value)
    whole, point, rest = text.partition(".")
    bare = whole.removeprefix("-")
    if not bare.isdigit() or len(bare) < 5:
        return text
    return f"{'-' if whole != bare else ''}{int(bare):,}{point}{rest}"


def _distinct(column: Content) -> str:
    return f"{'' if column.exact else '≈ '}{column.distinct:,}"


def _kind(column: Content) -> Text:
    label = column.kind.label
    more = column.look.pattern or column.look.form
    if column.look.identified:
        more = ", ".join(one.kind for one in column.look.identified)
    return Text(f"{label.zh} {more}".strip(), f"{label.en} {more}".strip())


# JSON


def to_json(report: Report) -> dict[str, Any]:
    """Counts as numbers, figures as text, as everywhere (FORMATS §13)."""
    return {
        "target": report.target,
        "made_at": report.made_at.isoformat(),
        "engine": report.engine,
        "tables": [_table_json(table) for table in report.tables],
    }


def _table_json(table: TableReport) -> dict[str, Any]:
    return {
        "name": table.name,
        "read": table.read,
        "bytes": table.bytes,
        "rows": table.found.rows,
        "rejected": table.rejected,
        "rejects": [
            {"reason": one.reason, "rows": one.rows, "places": list(one.places)}
            for one in table.rejects
        ],
        "duplicate_rows": table.found.duplicates,
        "keys": list(table.found.keys),
        "columns": [_column_json(column) for column in table.found.columns],
        "alerts": [
            {
                "code": one.code,
                "severity": one.severity.value,
                "column": one.facts.get("column", ""),
                "zh": one.message("zh"),
                "en": one.message("en"),
            }
            for one in table.diagnostics
        ],
        "suggested": [{"zh": one.zh, "en": one.en} for one in table.suggested],
    }


def _column_json(column: Content) -> dict[str, Any]:
    seen = column.look
    made: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind.value,
        "pattern": seen.pattern,
        "form": seen.form,
        "rows": column.rows,
        "nulls": column.nulls,
        "blanks": column.blanks,
        "placeholders": column.placeholders,
        "misfits": column.misfits,
        "distinct": column.distinct,
        "distinct_exact": column.exact,
        "key": column.is_key,
        "personal": column.personal,
        "detected": [
            {"kind": one.kind, "share": str(one.share), "confirmed": one.confirmed, "by": one.by}
            for one in column.detections
        ],
        "identifiers": [{"kind": one.kind, "share": str(one.share)} for one in seen.identified],
        "shapes": [{"shape": shape, "share": str(share)} for shape, share in seen.shapes],
        "lengths": [column.shortest, column.longest] if column.longest is not None else None,
        "least": _or_none(column.least),
        "most": _or_none(column.most),
        "mean": _or_none(column.mean),
        "deviation": _or_none(column.deviation),
        "quantiles": [plain(one) for one in column.quantiles],
        "bins": [{"low": one.low, "high": one.high, "count": one.count} for one in column.bins],
        "top": [{"value": value, "count": n} for value, n in column.top],
        "misfit_values": [{"value": value, "count": n} for value, n in column.misfits_shown],
    }
    return made


def _or_none(value: Any) -> str | None:
    return None if value is None else plain(value)


# Terminal

_BLOCKS = " ▁▂▃▄▅▆▇█"


def lines(report: Report, language: str, width: int = 100) -> list[str]:
    """The report as aligned lines of at most `width` cells."""
    en = language == "en"
    made: list[str] = []
    for table in report.tables:
        found = table.found
        facts = [
            value if key in ("format", "encoding") else f"{_READ[key].say(language)} {value}"
            for key, value in table.read.items()
            if key not in ("quote", "types")
        ]
        made += [f"{table.name}  {' · '.join([*facts, _size(table.bytes)])}"]
        keys = ", ".join(found.keys) or "–"
        equal = "–" if found.duplicates is None else f"{found.duplicates:,}"
        made.append(
            f"{found.rows:,} rows × {len(found.columns)} columns · {table.rejected:,} rejected · "
            f"{equal} duplicate rows · keys: {keys}"
            if en
            else f"{found.rows:,} 行 × {len(found.columns)} 列 · 拒收 {table.rejected:,} 行 · "
            f"重复 {equal} 行 · 可作主键：{keys}"
        )
        for one in table.rejects:
            places = ", ".join(one.places)
            made.append(f"  ✗ {one.reason}  × {one.rows:,}  ({places})")
        made.append("")
        head = ("column", "kind", "empty", "distinct", "spread", "what it holds")
        zh = ("列", "类型", "空", "不同值", "分布", "概要")
        rows: list[Sequence[str]] = [head if en else zh]
        rows += [_row(column, language) for column in found.columns]
        made += _aligned(rows, width)
        made.append("")
        for said in table.suggested:
            made.append(f"  + {said.say(language)}")
    return made


def _row(column: Content, language: str) -> Sequence[str]:
    empty = percent(column.nulls, column.rows) if column.nulls else "–"
    name = f"{column.name} 🔑" if column.is_key else column.name
    return (
        name,
        _kind(column).say(language),
        empty,
        _distinct(column) if column.values else "–",
        _spark(column.bins),
        _summary(column, language),
    )


def _spark(bins: Sequence[Bin]) -> str:
    most = max((one.count for one in bins), default=0)
    return "".join(_BLOCKS[-(-one.count * 8 // most)] for one in bins) if most else ""


def _summary(column: Content, language: str) -> str:
    en = language == "en"
    if column.personal:
        return "values not shown: personal" if en else "不显示：疑为个人信息"
    if column.kind.is_number and column.least is not None:
        mean = "" if column.mean is None else f"{'mean' if en else '均值'} {_figure(column.mean)}"
        return f"{_figure(column.least)} … {_figure(column.most)}  {mean}".rstrip()
    if column.least is not None and not column.kind.is_text and column.kind.value != "boolean":
        return f"{plain(column.least)} … {plain(column.most)}"
    if column.top:
        return "  ".join(f"{value} {percent(n, column.values)}" for value, n in column.top[:4])
    shape = column.look.shapes[0] if column.look.shapes else None
    parts: list[str] = []
    if shape and shape[1] * 10 >= 3:
        parts.append(shape[0])
    if column.longest is not None:
        few = column.shortest == column.longest
        lengths = f"{column.longest}" if few else f"{column.shortest}–{column.longest}"
        parts.append(f"length {lengths}" if en else f"长 {lengths}")
    return "  ".join(parts)


def _cells(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _cut(text: str, width: int) -> str:
    text = "".join(char if char.isprintable() else "␣" for char in text)
    if _cells(text) <= width:
        return text
    made, used = "", 0
    for char in text:
        used += _cells(char)
        if used > width - 1:
            break
        made += char
    return made + "…"


def _aligned(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Columns as wide as they need, names and kinds bounded, the last one cut to what is left."""
    most = (28, 26, 8, 12, 24)
    rows = [[*(_cut(cell, most[n]) for n, cell in enumerate(row[:5])), row[5]] for row in rows]
    widths = [max(_cells(row[n]) for row in rows) for n in range(5)]
    left = max(16, width - sum(widths) - 2 * len(widths))
    made: list[str] = []
    for row in rows:
        padded = [
            " " * (at - _cells(cell)) + cell if n in (2, 3) else cell + " " * (at - _cells(cell))
            for n, (cell, at) in enumerate(zip(row[:5], widths, strict=True))
        ]
        made.append("  ".join([*padded, _cut(row[5], left)]).rstrip())
    return made


# HTML


def html(report: Report, version: str) -> str:
    """One page in UTF-8 that stands alone."""
    style = Path(__file__).with_name("profile.css").read_text("utf-8")
    made = report.made_at.strftime("%Y-%m-%d %H:%M UTC")
    several = len(report.tables) > 1
    body = "".join(_table_html(table, n, several) for n, table in enumerate(report.tables))
    contents = ""
    if several:
        links = "".join(
            f'<li><a href="#t{n}">{escape(table.name)}</a> <span class="quiet">'
            f"{table.found.rows:,} × {len(table.found.columns)}</span></li>"
            for n, table in enumerate(report.tables)
        )
        contents = (
            f'<nav class="card" aria-label="表 tables"><ul class="bare cols">{links}</ul></nav>'
        )
    told = _alerts_html(report.told)
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>数据画像 {escape(report.target)}</title><style>{style}</style></head>"
        f'<body><a class="skip" href="#main">跳到正文 skip to content</a>'
        f'<header><div class="frame"><p class="mark">三化 <span>数据画像 data profile</span></p>'
        f'<h1>{escape(report.target)}</h1><p class="quiet">{made} · {escape(report.engine)} · '
        f"sanhua {escape(version)}</p></div></header>"
        f'<main id="main" class="frame">{told}{contents}{body}</main>'
        '<footer class="frame quiet"><p>疑含个人信息的列不显示任何值。'
        "近似的不同值个数前有 ≈（误差约 2%）；分位数与分布在大表上取自固定抽样。 "
        '<span lang="en">Columns that seem to hold personal information show no values. ≈ marks an '
        "estimate (about 2 %); quantiles and spreads of large tables come from a fixed sample."
        "</span></p></footer></body></html>\n"
    )


def _two(zh: str, en: str) -> str:
    return f'{escape(zh)} <span lang="en">{escape(en)}</span>'


def _said(text: Text) -> str:
    return _two(text.zh, text.en)


def _table_html(table: TableReport, number: int, several: bool) -> str:
    found = table.found
    facts = "".join(
        f"<div><dt>{_said(_READ[key])}</dt><dd>{escape(value)}</dd></div>"
        for key, value in table.read.items()
        if key != "types"
    )
    equal = "–" if found.duplicates is None else f"{found.duplicates:,}"
    tiles = "".join(
        f'<div class="tile{" bad" if bad else ""}"><b>{value}</b>{_two(zh, en)}</div>'
        for value, zh, en, bad in (
            (f"{found.rows:,}", "行", "rows", False),
            (f"{len(found.columns):,}", "列", "columns", False),
            (_empty_cells(found), "空单元格", "empty cells", False),
            (f"{table.rejected:,}", "拒收行", "rejected rows", table.rejected > 0),
            (equal, "重复行", "duplicate rows", bool(found.duplicates)),
            (_size(table.bytes), "大小", "size", False),
        )
    )
    keys = ", ".join(f"<code>{escape(key)}</code>" for key in found.keys) or "–"
    overview = "".join(_overview_row(column, number, n) for n, column in enumerate(found.columns))
    cards = "".join(_card(column, number, n) for n, column in enumerate(found.columns))
    suggested = ""
    if table.suggested:
        items = "".join(f"<li>{_said(one)}</li>" for one in table.suggested)
        suggested = (
            f'<section class="card"><h3>{_two("可用的规则", "rules that would fit")}</h3>'
            f'<ul class="found">{items}</ul></section>'
        )
    head = f"<h2>{escape(table.name)}</h2>" if several else ""
    return (
        f'<section id="t{number}">{head}<div class="tiles">{tiles}</div>'
        f'<dl class="facts card">{facts}<div><dt>{_two("可作主键", "keys")}</dt>'
        f"<dd>{keys}</dd></div></dl>{_rejects_html(table)}{_alerts_html(table.diagnostics)}{suggested}"
        f'<div class="card scroll"><table class="over"><caption>{_two("各列", "columns")}</caption>'
        f"<thead><tr>{_heads(('列', 'column'), ('类型', 'kind'))}"
        f'<th scope="col" class="n">{_two("空", "empty")}</th>'
        f'<th scope="col" class="n">{_two("不同值", "distinct")}</th>'
        f"{_heads(('分布', 'spread'), ('概要', 'holds'))}</tr></thead>"
        f'<tbody>{overview}</tbody></table></div><div class="cards">{cards}</div></section>'
    )


def _heads(*heads: tuple[str, str]) -> str:
    return "".join(f'<th scope="col">{_two(*head)}</th>' for head in heads)


def _empty_cells(found: TableContent) -> str:
    cells = found.rows * len(found.columns)
    return percent(sum(column.nulls for column in found.columns), cells) if cells else "–"


def _rejects_html(table: TableReport) -> str:
    if not table.rejects:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(one.reason)}</th><td class="n">{one.rows:,}</td>'
        f"<td><code>{escape(', '.join(one.places))}</code></td></tr>"
        for one in table.rejects
    )
    return (
        f'<div class="card"><table><caption>{_two("拒收的行", "rejected rows")}</caption>'
        f"<thead><tr>"
        f'{_heads(("原因", "reason"))}<th scope="col" class="n">{_two("行", "rows")}</th>'
        f"{_heads(('位置', 'where'))}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _alerts_html(found: Iterable[Diagnostic]) -> str:
    items = "".join(
        f'<li><span class="sev {one.severity.value}">{_said(_SEVERITY[one.severity])}</span> '
        f'{escape(one.message("zh"))} <span lang="en">{escape(one.message("en"))}</span></li>'
        for one in found
    )
    if not items:
        return ""
    return (
        f'<section class="card"><h3>{_two("值得留意", "worth a look")}</h3>'
        f'<ul class="found">{items}</ul></section>'
    )


def _overview_row(column: Content, table: int, n: int) -> str:
    empty = percent(column.nulls, column.rows) if column.nulls else "–"
    kind = _kind(column)
    key = f' <span class="tag">{_two("主键", "key")}</span>' if column.is_key else ""
    shown = escape(_summary(column, "zh"))
    if column.personal:
        shown = _two(_summary(column, "zh"), _summary(column, "en"))
    return (
        f'<tr><th scope="row"><a href="#c{table}-{n}">{escape(column.name)}</a>{key}</th>'
        f'<td>{_said(kind)}</td><td class="n">{empty}</td>'
        f'<td class="n">{_distinct(column) if column.values else "–"}</td>'
        f"<td>{_small(column)}</td><td class='what'>{shown}</td></tr>"
    )


def _small(column: Content) -> str:
    if column.bins:
        return _svg(column, 120, 24)
    return ""


def _svg(column: Content, width: int, height: int) -> str:
    """Bars of the bins; what they show is said in words to who cannot see them."""
    bins = column.bins
    most = max(one.count for one in bins) or 1
    step = width / len(bins)
    bars: list[str] = []
    for n, one in enumerate(bins):
        tall = one.count / most * (height - 1)
        if one.count:
            tall = max(1.0, tall)
        title = f"<title>{escape(one.low)} – {escape(one.high)}: {one.count:,}</title>"
        bars.append(
            f'<rect x="{n * step:.1f}" y="{height - tall:.1f}" width="{max(step - 1, 1):.1f}" '
            f'height="{tall:.1f}">{title}</rect>'
        )
    peak = max(bins, key=lambda one: one.count)
    told = (
        f"{column.name}：{bins[0].low} 至 {bins[-1].high}，"
        f"最多在 {peak.low} 至 {peak.high}（{peak.count:,}）"
    )
    return (
        f'<svg class="bars" role="img" aria-label="{escape(told)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" preserveAspectRatio="none">{"".join(bars)}</svg>'
    )


def _card(column: Content, table: int, n: int) -> str:
    facts: list[tuple[str, str, str]] = [
        ("行", "rows", f"{column.rows:,}"),
        ("空", "empty", _share(column.nulls, column.rows)),
    ]
    for zh, en, figure in (
        ("只有空白", "blank", column.blanks),
        ("占位值", "stand-ins", column.placeholders),
        ("首尾空白", "padded", column.padded),
        ("不合类型", "misfits", column.misfits),
        ("乱码", "garbled", column.garbled),
    ):
        if figure > 0:
            facts.append((zh, en, _share(figure, column.rows)))
    if column.values:
        facts.append(("不同值", "distinct", _distinct(column)))
    if column.surplus and column.surplus * 20 <= column.rows:
        facts.append(("重复行", "repeats", f"{column.surplus:,}"))
    if column.longest is not None:
        facts.append(("长度", "length", f"{column.shortest} – {column.longest}"))
    for zh, en, value in (
        ("最小", "least", column.least),
        ("最大", "most", column.most),
        ("均值", "mean", column.mean),
        ("标准差", "deviation", column.deviation),
    ):
        if value is not None:
            facts.append((zh, en, _figure(value)))
    for zh, en, figure in (("为零", "zeros", column.zeros), ("为负", "negative", column.negatives)):
        if figure and not column.personal:
            facts.append((zh, en, _share(figure, column.rows)))
    for one in column.look.identified:
        facts.append(("校验位相符", "check digit holds", f"{one.kind} {one.share:.0%}"))
    listed = "".join(
        f"<div><dt>{_two(zh, en)}</dt><dd>{escape(value)}</dd></div>" for zh, en, value in facts
    )
    tags = f'<span class="tag">{_said(_kind(column))}</span>'
    if column.is_key:
        tags += f' <span class="tag good">{_two("可作主键", "key")}</span>'
    if column.personal:
        said = _two("疑含个人信息，不显示值", "personal: values not shown")
        tags += f' <span class="tag bad">{said}</span>'
    return (
        f'<article class="card col" id="c{table}-{n}"><h3>{escape(column.name)} {tags}</h3>'
        f'<div class="split"><dl>{listed}</dl><div>{_picture(column)}</div></div></article>'
    )


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({percent(part, whole)})" if part else "0"


def _picture(column: Content) -> str:
    made = ""
    few = bool(column.top) and column.distinct <= 12
    if column.bins and not few:
        made += (
            f"<figure>{_svg(column, 480, 96)}<figcaption><span>{escape(column.bins[0].low)}</span>"
            f"<span>{escape(column.bins[-1].high)}</span></figcaption></figure>"
        )
    if len(column.quantiles) == 7 and not few:
        heads = "".join(f'<th scope="col" class="n">{q}</th>' for q in _QUANTILE_HEADS)
        cells = "".join(f'<td class="n">{escape(_figure(one))}</td>' for one in column.quantiles)
        made += (
            f'<div class="scroll"><table class="quant"><caption>{_two("分位数", "quantiles")}'
            f"</caption><thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table></div>"
        )
    if column.top and (few or column.kind.is_text or not column.bins):
        rest = column.values - sum(n for _, n in column.top)
        pairs: list[tuple[str, str, int]] = [
            (f"<code>{_visible(value)}</code>", "", n) for value, n in column.top
        ]
        if rest > 0:
            pairs.append((_two("其余", "others"), " quiet", rest))
        made += _bars(_two("最多的值", "most frequent"), pairs, column.values)
    if column.misfits_shown:
        pairs = [(f"<code>{_visible(value)}</code>", "", n) for value, n in column.misfits_shown]
        made += _bars(_two("不合类型的值", "values that do not fit"), pairs, column.values)
    if column.look.shapes and not column.top and not column.bins:
        shapes = "".join(
            f'<tr><th scope="row"><code>{escape(shape)}</code></th>'
            f'<td class="n">{share:.1%}</td></tr>'
            for shape, share in column.look.shapes
        )
        made += (
            f'<table class="tops"><caption>{_two("字形（9 数字，A a 字母，汉 汉字）", "shapes")}'
            f"</caption><tbody>{shapes}</tbody></table>"
        )
    return made


_QUANTILE_HEADS = ("1%", "5%", "25%", "50%", "75%", "95%", "99%")


def _visible(value: str) -> str:
    """Blanks at the ends and what does not print are shown for what they are."""
    shown = "".join(char if char.isprintable() and char != "\u3000" else "␣" for char in value)
    left, right = len(shown) - len(shown.lstrip()), len(shown) - len(shown.rstrip())
    return escape("␣" * left + shown.strip() + ("␣" * right if shown.strip() else ""))


def _bars(caption: str, pairs: Sequence[tuple[str, str, int]], whole: int) -> str:
    most = max(n for _, _, n in pairs)
    rows = "".join(
        f'<tr class="{quiet.strip()}"><th scope="row">{name}</th>'
        f'<td class="bar"><span style="width:{n * 100 / most:.1f}%"></span></td>'
        f'<td class="n">{n:,}</td><td class="n">{percent(n, whole)}</td></tr>'
        for name, quiet, n in pairs
    )
    return f'<table class="tops"><caption>{caption}</caption><tbody>{rows}</tbody></table>'
