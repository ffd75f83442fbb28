"""The quality report says what was judged, as one HTML file, as PDF, and on a badge."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sanhua.kernel.errors import Unavailable
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.report import chart, typeset
from sanhua.report.quality import Sheet, badge, charts, content, html, pdf
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.resource.quality import Check, judge
from sanhua.resource.quality.trend import Worse, points
from sanhua.rules.packs import Packs

PACKS = Packs.load()
TODAY = date(2026, 11, 23)
HERE = Origin("contracts/t.odcs.yaml", 7, "sha256:c0")
SNAPSHOT = "sha256:" + "41d0" * 16


def sheet(**more: object) -> Sheet:
    """Three of four rows conform to one rule; two judgements, the later one worse."""
    agreed = DataContract("t", HERE, (TableSchema("t", (), HERE),), version="1.2.0")
    label = Text("<script>alert(1)</script> #eval(“x”) 必填", "has a *value*")
    found = [
        Check("check:t/a", "t", "t", SNAPSHOT, "0201", label, HERE, counted=(3, 4), impact="考核"),
        Check("check:t/b", "t", "t", SNAPSHOT, "0303", Text("重复"), HERE, counted=(4, 4)),
    ]
    judged = judge(found, [], PACKS, TODAY, contract=agreed)
    before = judge([replace(found[0], counted=(4, 4))], [], PACKS, TODAY, contract=agreed)
    made = Sheet(
        Text("项目", "Project"),
        Text("日电量", "Daily energy"),
        judged,
        PACKS.ask("gbt_36344", "indicators", on=TODAY),
        "2026-11-23",
        points([(1, "2026-11-22", before), (2, "2026-11-23", judged)]),
        [Worse("check:t/a", label, "1.000000", "0.750000")],
    )
    return replace(made, **more)


def test_the_html_is_one_file_that_runs_nothing_and_fetches_nothing():
    page = html(content(sheet()))
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page
    assert not re.search(r"(src|href)=", page) and "url(" not in page
    assert "Content-Security-Policy" in page and "default-src 'none'" in page
    assert page.count("<svg") == 2 and "1.2.0" in page and SNAPSHOT in page
    for word in (
        "六个维度",
        "二十项指标",
        "未通过",
        "0.875000",
        "lower is better",
        "影响 impact: 考核",
    ):
        assert word in page, word
    assert page.count("不可评估：") == 18  # two of the twenty have a basis


def test_the_content_carries_formula_numerator_denominator_and_polarity():
    said = content(sheet())
    by_code = {one["code"]: one for one in said["indicators"]}
    assert len(by_code) == 20
    elements = by_code["0201"]
    assert (elements["formula"], elements["numerator"], elements["denominator"]) == ("X=A/B", 3, 4)
    assert elements["a"] == "被赋值的数据元素个数"
    assert (by_code["0303"]["polarity"], by_code["0303"]["rate"]) == ("negative", "0.000000")
    assert by_code["0601"]["score"] is None and by_code["0601"]["not_assessable"]["en"]
    assert [point["score"] for point in said["trend"]] == ["1.000000", "0.875000"]


def test_the_badge_says_of_what_and_when_it_holds():
    drawn = badge(content(sheet()))
    text = "".join(ElementTree.fromstring(drawn).itertext())
    for word in (
        "t 1.2.0",
        "0.8750",
        "2/20",
        "2026-11-23",
        "41d041d0",
        SNAPSHOT,
        "GB/T 36344-2018",
    ):
        assert word in text, word


def test_charts_are_drawn_to_the_shares_and_a_fall_is_red():
    drawn = charts(content(sheet()))
    for name in ("dimensions", "trend"):
        ElementTree.fromstring(drawn[name])
    assert drawn["trend"].count(chart.BAD) == 1 and "2026-11-22" in drawn["trend"]
    full = chart.bars([chart.Bar("x", "", Decimal(1), "")], title="t")
    half = chart.bars([chart.Bar("x", "", Decimal("0.5"), "")], title="t")
    width = re.compile(rf'width="([\d.]+)" height="15" rx="2" fill="{chart.FILL}"')
    assert float(width.findall(full)[0]) == 2 * float(width.findall(half)[0])
    once = sheet(points=sheet().points[:1])
    assert charts(content(once))["trend"] == "" and "还没有趋势" in html(content(once))


def test_a_line_of_any_shares_stays_inside_its_frame():
    for shares in ([None, Decimal(0)], [Decimal(1)] * 3, [Decimal("0.123"), None, Decimal("0.9")]):
        drawn = chart.line([(f"{n}", share) for n, share in enumerate(shares)], title="t")
        for y in re.findall(r'cy="([\d.-]+)"', drawn):
            assert 0 <= float(y) <= 210


def chinese() -> None:
    pytest.importorskip("typst", reason="typst, the extra `documents`, is not installed")
    try:
        typeset._fonts("")
    except Unavailable:
        pytest.skip("no font with Chinese is installed")


def test_the_pdf_is_the_same_bytes_each_time_and_its_text_is_no_markup():
    chinese()
    said = content(sheet())
    first, again = pdf(said), pdf(said)
    assert first == again and first.startswith(b"%PDF-")
    assert b"/CreationDate" not in first
    issue = {
        "id": "iss_1", "title": "#panic()", "owner": "li", "due": "2026-12-01", "overdue": True,
        "due_label": {"zh": "2026-12-01", "en": "2026-12-01"},
        "state_label": {"zh": "待处理", "en": "open"},
    }  # fmt: skip
    assert pdf(content(sheet(issues=[issue], points=sheet().points[:1]))) != first


def test_without_the_extra_or_a_font_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(Unavailable, match=r"report\.no-typst"):
        pdf(content(sheet()))
    monkeypatch.undo()
    pytest.importorskip("typst", reason="typst, the extra `documents`, is not installed")
    with pytest.raises(Unavailable, match=r"report\.no-font"):
        pdf(content(sheet()), fonts=str(tmp_path / "nowhere"))
    monkeypatch.setattr(typeset, "FAMILIES", ("No Such Family",))
    typeset._fonts.cache_clear()
    with pytest.raises(Unavailable, match=r"report\.no-font"):
        pdf(content(sheet()))
    typeset._fonts.cache_clear()
