"""docs/howto/accountant.md, then docs/howto/auditor.md in the same folder, word for word."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
REFUSED = {  # (command, how often it was given before) → exit code
    ("sanhua check", 0): 1,
    ("sanhua approve asset:price_index --as zhang_min", 0): 5,
    ("python verify.py bad.zip --key log.key.pub", 0): 8,
}


def follow(page: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Write its files and give its commands in their order; what each printed."""
    told: dict[str, list[str]] = {}
    for kind, path, text in BLOCK.findall((HOWTO / page).read_text("utf-8")):
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, encoding="utf-8")
        elif kind == "console":
            for line in re.findall(r"^\$ (.*)$", text, flags=re.MULTILINE):
                if line.startswith("cd "):
                    monkeypatch.chdir(line.removeprefix("cd "))
                    continue
                code, said = give(line)
                wanted = REFUSED.get((line, len(told.get(line, ()))), 0)
                assert code == wanted, (line, said)
                told.setdefault(line, []).append(said)
    return told


def give(line: str) -> tuple[int, str]:
    words = shlex.split(line)
    if words[0] == "sanhua":
        done = CliRunner().invoke(cli, words[1:])
        return done.exit_code, done.stdout + done.stderr
    if words[0] == "cp":
        shutil.copy(words[1], words[2])
        return 0, ""
    assert words[0] == "python"
    ran = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True)
    return ran.returncode, ran.stdout + ran.stderr


def test_books_are_handed_out_as_the_page_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Jiahua's books: 396,800.00 of 2025-03-31 stand in the text; the ERP's form has its words."""
    folder = tmp_path / "jiahua"
    shutil.copytree(HOWTO.parents[1] / "examples" / "jiahua", folder)
    monkeypatch.chdir(folder)
    assert give("sanhua run")[0] == 0
    page = (HOWTO / "books-out.md").read_text("utf-8")
    for kind, path, text in BLOCK.findall(page):
        if path:
            Path(path).write_text(text, encoding="utf-8")
        for line in re.findall(r"^\$ (sanhua .*)$", text, flags=re.MULTILINE):
            assert kind == "console" and give(line)[0] == 0, line
    assert give("sanhua report vouchers --period 2025-H1")[0] == 0  # with the form, now that it is
    out = Path(".sanhua/out")
    for name in re.findall(r"`ENTITY\.(entity[^`]+)`", page):
        assert (out / "books" / f"jiahua.{name}").is_file(), name
    assert "396800.00 CNY" in (out / "books/jiahua.entity-2025.beancount").read_text("utf-8")
    sheet = openpyxl.load_workbook(out / "erp-jiahua-2025-H1.xlsx").worksheets[0]
    first, *rows = sheet.iter_rows(values_only=True)
    assert first == ("凭证日期", "凭证字", "凭证号", "摘要", "科目代码", "借方", "贷方")
    assert len({str(row[2]) for row in rows}) == 5 and {str(row[1]) for row in rows} == {"记"}
    debits, credits = (sum(Decimal(str(row[at] or 0)) for row in rows) for at in (5, 6))
    assert debits == credits > 0


def test_accountant_and_auditor_follow_their_pages_word_for_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """180,000 + 156,000 + 24,000 = 360,000; / 36 = 10,000 a month; 8 months leave 280,000.00."""
    monkeypatch.chdir(tmp_path)
    told = follow("accountant.md", monkeypatch)
    wrong, right = told["sanhua check"]
    assert "recognise.capitalised-too-early" in wrong and "2025.csv:4:" in wrong
    assert "0 个错误" in right
    assert "360,000.00 CNY" in told["sanhua run"][0]
    assert "建议 ERP 入账 9 张凭证" in told["sanhua close 2025-12"][0]  # a transfer, eight months
    assert "建议凭证 0 张" in told["sanhua report vouchers --period 2025"][0]
    first, last = told["sanhua report disclosure --period 2025"]
    assert "无形资产—其中：数据资源  280000.00 CNY" in first and "不符 0 项" in first
    assert "草稿" in first and "已批准" in last
    book = openpyxl.load_workbook(".sanhua/out/disclosure-2025.xlsx", read_only=True)
    cited = [tuple(map(str, row)) for row in book["说明"].iter_rows(values_only=True)]
    assert any("CAS 6" in row[0] and "第十七条" in row[1] for row in cited)  # how it was amortised
    opened = told["sanhua explain balance_sheet/intangible.data/ending/2025"][0]
    assert "value 280000.00" in opened and "CAS 6 第九条 [R]" in opened
    assert "posted_from 180000.00 → voucher:2025-03-0019" in opened
    assert "posted_from -80000.00 → asset:price_index" in opened  # they add up to 280,000.00
    refused = told["sanhua approve asset:price_index --as zhang_min"][0]
    assert "approve.maker-is-checker" in refused

    told = follow("auditor.md", monkeypatch)
    memo = told["sanhua explain asset:price_index"][0]
    assert "intention 2025-03-10" in memo and "starts_on 2025-03-10" in memo
    assert "considered expensed 60000.00 recognise.research-phase → voucher:2025-02-0007" in memo
    early = told["sanhua explain voucher:2025-03-0004"][0]
    assert "asset:price_index refused 30000.00 recognise.capitalised-too-early" in early
    assert "reversed_by → voucher:2025-06-0002" in early and "第九条 [R]" in early
    samples = [said for line, (said,) in told.items() if line.startswith("sanhua audit sample")]
    population, drawn, vouchers = samples
    (held,) = re.findall(r"sha256:\w+", population)
    assert held in drawn and "figure:my_co/" in drawn and "voucher:" in vouchers
    assert "自证" not in told["sanhua verify audit.zip --key log.key.pub"][0]
    assert "已审计" in told["sanhua report disclosure --period 2025"][0]
