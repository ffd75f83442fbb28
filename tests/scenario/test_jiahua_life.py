"""Jiahua through its whole life: what each line is at each date, worked out by hand.

Published (专栏 10): 2,558,700.00 of 2024 H1; budget 9,109,200.00, of it 6,886,500.00 spent by
2024-06-30, which leaves 2,222,700.00. Everything after that day is assumed:

    2024-H2  742,000.00 + 688,500.00 + 214,300.00                      = 1,644,800.00
    2025-Q1  396,800.00 + 93,400.00                                    =   490,200.00
    together 2,135,000.00, within the 2,222,700.00; spent in all 9,021,500.00 of 9,109,200.00

    2024-06-30  development                                              2,558,700.00
    2024-12-31  development    2,558,700.00 + 1,644,800.00             = 4,203,500.00
    2025-03-31  available: intangible at 4,203,500.00 + 490,200.00     = 4,693,700.00
                a month's amortisation 4,693,700.00 / 36 = 130,380.5555…  = 130,380.56
                from the month available, so March 2025 is the first
    2025-03-31  4,693,700.00 -  1 x 130,380.56 (130,380.56)            = 4,563,319.44
    2025-06-30  4,693,700.00 -  4 x 130,380.56 (521,522.24)            = 4,172,177.76
    2025-12-31  4,693,700.00 - 10 x 130,380.56 (1,303,805.60)          = 3,389,894.40
                recoverable, by the flows of the test memo at 10 %:
                1,650,000 / 1.1 + 1,815,000 / 1.21 + 332,750 / 1.331   = 3,250,000.00
                loss 3,389,894.40 - 3,250,000.00 = 139,894.40          → 3,250,000.00
                26 months left: 3,250,000.00 / 26                      =   125,000.00
    2026-06-30  3,250,000.00 - 6 x 125,000.00 (750,000.00)             = 2,500,000.00
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanhua.capital.measure import Layer, carry
from sanhua.capital.recognise import Outcome, judge
from sanhua.cli.commands import cli
from sanhua.kernel.money import Money
from sanhua.project import load
from sanhua.rules.packs import Packs

JIAHUA = Path(__file__).resolve().parents[2] / "examples" / "jiahua"
RULES = Packs.load()
ZERO = "0.00"
# period → development and intangible lines, ending and beginning of the year
LINES = {
    "2024-H1": (("2558700.00", ZERO), (ZERO, ZERO)),
    "2024": (("4203500.00", ZERO), (ZERO, ZERO)),
    "2025-Q1": ((ZERO, "4203500.00"), ("4563319.44", ZERO)),
    "2025-H1": ((ZERO, "4203500.00"), ("4172177.76", ZERO)),
    "2025": ((ZERO, "4203500.00"), ("3250000.00", ZERO)),
    "2026-H1": ((ZERO, ZERO), ("2500000.00", "3250000.00")),
}
# table A, its column 自行开发, of the periods in which it moves
TABLE_A = {
    "2025": {
        "cost.opening": ZERO,
        "cost.increase": "4693700.00",
        "cost.increase.developed": "4693700.00",
        "cost.decrease": ZERO,
        "cost.closing": "4693700.00",
        "amortisation.opening": ZERO,
        "amortisation.increase": "1303805.60",
        "amortisation.closing": "1303805.60",
        "impairment.opening": ZERO,
        "impairment.increase": "139894.40",
        "impairment.closing": "139894.40",
        "carrying.closing": "3250000.00",
        "carrying.opening": ZERO,
    },
    "2026-H1": {
        "cost.opening": "4693700.00",
        "cost.increase": ZERO,
        "cost.closing": "4693700.00",
        "amortisation.opening": "1303805.60",
        "amortisation.increase": "750000.00",
        "amortisation.closing": "2053805.60",
        "impairment.opening": "139894.40",
        "impairment.increase": ZERO,
        "impairment.closing": "139894.40",
        "carrying.closing": "2500000.00",
        "carrying.opening": "3250000.00",
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that was run once; the tests only read it."""
    folder = tmp_path_factory.mktemp("life") / "jiahua"
    shutil.copytree(JIAHUA, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    said("run", "-C", folder)
    return folder


def said(*args: object, exit_code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("period", LINES)
def test_each_line_is_exact_at_each_date_and_everything_ties(project: Path, period: str):
    made = said("report", "disclosure", "--period", period, "-C", project)
    shown = {figure["id"]: figure["amount"] for figure in made["figures"]}
    for line, (ending, beginning) in zip(("development", "intangible"), LINES[period], strict=True):
        of = f"figure:jiahua/balance_sheet/{line}.data"
        assert shown[f"{of}/ending/{period}"] == ending, line
        assert shown[f"{of}/beginning/{period}"] == beginning, line
    assert all(tie["ok"] for tie in made["ties"])
    cells = {(cell["row"], cell["column"]): cell["amount"] for cell in made["tables"]["A"]["cells"]}
    for row, amount in TABLE_A.get(period, {}).items():
        assert cells[row, "self_developed"] == cells[row, "total"] == amount, row


def test_the_half_year_of_2024_still_refuses_4327800_and_warns_of_progress(project: Path):
    """What came later changes nothing of it: 432.78 万 refused, 75.6 % against 66 %."""
    made = said("report", "disclosure", "--period", "2024-H1", "-C", project)
    verdicts = made["assets"][0]["verdicts"]
    sums = {
        outcome: sum(Decimal(v["amount"]) for v in verdicts if v["outcome"] == outcome)
        for outcome in ("capitalised", "refused", "expensed", "waiting")
    }
    wanted = {"capitalised": "2558700.00", "refused": "4327800.00"}
    assert sums == {k: Decimal(wanted.get(k, "0")) for k in sums}
    told = said("check", "-C", project)["diagnostics"]
    (differs,) = (d for d in told if d["code"] == "progress.differs")
    assert "75.6%" in differs["message"] and "66%" in differs["message"]


def test_what_is_assumed_after_the_published_figures_stays_within_the_budget():
    project = load(JIAHUA, {})
    card, policy = project.assets["cloud_map_v2"], project.policy["jiahua"]
    found = judge(card, project.vouchers.values(), policy, RULES, date(2026, 11, 23))
    assert card.budget is not None
    assert (card.budget - found.total()).text == "87700.00"  # 9,109,200.00 - 9,021,500.00
    later = [v for v in found.verdicts if v.dated > date(2024, 6, 30)]
    assert Money.sum((v.amount for v in later), "CNY").text == "2135000.00"
    assert all("（假设）" in v.summary for v in later)
    assert {v.outcome for v in later} == {Outcome.CAPITALISED}


def test_the_whole_life_ends_at_nothing_in_thirty_six_months():
    """March 2025 to February 2028; 26 equal months of 125,000.00 after the loss."""
    project = load(JIAHUA, {})
    card, policy = project.assets["cloud_map_v2"], project.policy["jiahua"]
    found = judge(card, project.vouchers.values(), policy, RULES, date(2026, 11, 23))
    carried = carry(card, found, policy, RULES, date(2030, 12, 31))
    assert carried.carried(date(2028, 2, 1)).text == "125000.00"
    assert not carried.carried(date(2028, 3, 1))
    charges = [m for m in carried.movements if m.layer is Layer.AMORTISATION]
    assert (len(charges), charges[0].day, charges[-1].day) == (
        36,
        date(2025, 3, 31),
        date(2028, 2, 29),
    )


def test_every_figure_of_2025_opens_to_its_voucher_or_memo_and_its_papers(project: Path):
    said("report", "disclosure", "--period", "2025", "-C", project)
    line = "balance_sheet/intangible.data/ending/2025"
    opened = said("explain", line, "-C", project)
    posted = {e["to"] for e in opened["edges"] if e["edge"] == "posted_from"}
    spent = {"voucher:2024-03-0120", "voucher:2024-12-0177", "voucher:2025-03-0098"}
    assert spent | {"asset:cloud_map_v2"} <= posted
    kinds = {node["kind"] for node in opened["nodes"]}
    assert {"figure", "voucher", "asset", "party"} <= kinds
    memo = JIAHUA / "evidence" / "impairment_2025.md"
    for amount in ("4,693,700.00", "1,303,805.60", "3,389,894.40", "3,250,000.00", "139,894.40"):
        assert amount in memo.read_text("utf-8")


def test_the_erp_is_told_the_transfer_ten_months_and_the_loss_of_2025(project: Path):
    made = said("report", "vouchers", "--period", "2025", "-C", project)
    sums: dict[str, Decimal] = {}
    for row in made["vouchers"]:
        if row["debit"]:
            sums[row["account"]] = sums.get(row["account"], Decimal()) + Decimal(row["debit"])
    assert sums == {
        "1701.05": Decimal("4693700.00"),
        "6401.09": Decimal("1303805.60"),
        "6701": Decimal("139894.40"),
    }
    assert len({row["voucher"] for row in made["vouchers"]}) == 1 + 10 + 1


def test_the_disclosure_of_2025_is_approved_by_a_second_person_and_sealed_by_an_auditor(
    project: Path,
):
    """Assumed as all of 2025: the seal is of 2026-03-27, by a person of the audit firm."""
    shown = "disclosure:jiahua/2025"
    assert said("report", "disclosure", "--period", "2025", "-C", project)["state"] == "draft"
    said("approve", shown, "--as", "second_cpa", "-C", project, exit_code=4)  # assets first
    said("approve", "asset:cloud_map_v2", "--as", "second_cpa", "-C", project)
    said("approve", shown, "--as", "second_cpa", "-C", project)
    said("approve", shown, "--as", "cpa", "--sealed-on", "2026-03-27", "-C", project)
    made = said("report", "disclosure", "--period", "2025", "-C", project)
    assert (made["state"], made["sealed_on"]) == ("audited", "2026-03-27")
    assert made["signed"] == {"finance": "party:second_cpa", "auditor": "party:cpa"}
