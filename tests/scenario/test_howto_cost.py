"""docs/howto/collect-cost.md, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli

PAGE = (Path(__file__).parents[2] / "docs/howto/collect-cost.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def test_a_month_is_collected_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    told: dict[str, list[str]] = {}
    for kind, path, text in BLOCK.findall(PAGE):
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, encoding="utf-8")
        for line in (
            re.findall(r"^\$ sanhua (.*)$", text, re.MULTILINE) if kind == "console" else ()
        ):
            result = CliRunner().invoke(cli, line.split())
            assert result.exit_code == 0, result.output
            told.setdefault(line, []).append(result.output)
    (checked,) = told["check"]
    assert "0 个错误" in checked and "cost.matched" in checked
    codes = set(re.findall(r"警告 (\S+) ", checked))
    assert codes == {"voucher.project-unclaimed", "measure.impairment-test-missing"}
    before, after = told["report cost --period 2025-03"]
    assert "P1 750.01；P2 250.00；ERP 凭证 —" in before
    assert "P1 750.01；P2 250.00；ERP 凭证 记-003" in after
    assert "P1  归集 5550.01，资本化 5550.01，未说明 0.00" in after
    assert "P2  归集 1850.00，资本化 1850.00，未说明 0.00" in after
    opened = told["explain figure:co/cost/P1/total/2025-03"][0]
    for name in (
        "books/timesheets/2025-03.csv",
        "party:li",
        "allocation:cloud_2025_03",
        "party:cfo",
    ):
        assert name in opened
    (tied,) = told["report tie-out --period 2025-03"]
    assert "数据科目 2 个，相符 2" in tied
    assert "107400.01" in told["explain figure:co/tie_out/5301.02/ending/2025-03"][0]
