"""A group of two companies over eighteen months, every amount worked out by hand beside it.

Alpha builds a dashboard (research, then development), buys a data set and sells it again, and
prepares data for sale; beta, 60 % its own, develops a corpus. Synthetic figures.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from textwrap import dedent
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli

POLICY = """
chart:
  development_expensed: 5301.01
  development_capitalised: 5301.02
  research_expense: 6602.14
  intangible_data: 1701.05
  payroll: 2211
  payables: [2202, 2241]
  bank: 1002
  inventory_data: 1405.09
amortisation: {method: straight_line, residual: 0%}
impairment_test: 12
inventory_issue: weighted_average
"""


def recognition(**days: str) -> str:
    said = {
        name: f"{{date: {days.get(name, days['rest'])}, evidence: [evidence/paper.md]}}"
        for name in (
            "technical_feasibility", "intention", "future_benefit", "resources",
            "reliable_measurement",
        )
    }  # fmt: skip
    said["resources"] = said["resources"].replace("paper", "budget")
    lines = [f"  {name}: {value}" for name, value in said.items()]
    return (
        "\n".join(
            [
                "control: [evidence/paper.md]",
                "recognition:",
                *lines,
                "  judged: {by: cfo, date: 2025-07-01}",
            ]
        )
        + "\n"
    )


FILES = {
    "sanhua.yaml": """
        sanhua: 1
        title: 两家公司
        entities:
          alpha: {}
          beta: {parent: alpha, share: 60%}
        """,
    "parties.yaml": """
        alpha: {name: 甲数据集团, uscc: 91350100M000100Y43, roles: [holder, operator]}
        beta: {name: 乙数据公司, uscc: 91310000MA1FL0XX7Y, roles: [holder, developer]}
        cfo: {name: 财务总监, person: true, of: alpha, roles: [finance]}
        """,
    "evidence/paper.md": "# 依据\n",
    "evidence/budget.md": "# 预算\n",
    "books/alpha/policy.yaml": POLICY,
    "books/beta/policy.yaml": POLICY,
    "books/alpha/assets/dash.yaml": """
        title: 运行看板
        route: self_developed
        use: internal
        project:
          codes: [DASH]
          budget: 700000.00
          due: 2025-06-30
          research: 2025-01-01
          development: 2025-03-01
        measurement:
          available_on: 2025-06-30
          evidence: [evidence/paper.md]
          life: {months: 50, reasons: [technology], judged: {by: cfo, date: 2025-06-30}}
          estimates:
            - {date: 2026-01-01, months: 24, reason: 技术更新, judged: {by: cfo, date: 2026-01-05}}
          impairments:
            - {date: 2026-06-30, recoverable: 250000.00, judged: {by: cfo, date: 2026-07-02}}
        """,
    "books/alpha/assets/bought.yaml": """
        title: 外购数据集
        route: purchased
        use: internal
        vouchers: [V-101]
        control: [evidence/paper.md]
        recognition: {judged: {by: cfo, date: 2025-07-10}}
        measurement:
          available_on: 2025-07-05
          evidence: [evidence/paper.md]
          life: {months: 60, reasons: [contract], judged: {by: cfo, date: 2025-07-10}}
          disposals:
            - {date: 2026-03-31, proceeds: 90000.00, judged: {by: cfo, date: 2026-04-01}}
        """,
    "books/alpha/assets/stock.yaml": """
        title: 待售行业数据
        route: self_developed
        use: sale
        project: {codes: [SALE]}
        control: [evidence/paper.md]
        recognition: {judged: {by: cfo, date: 2025-09-30}}
        measurement:
          nrv:
            - {date: 2025-12-31, price: 88000.00, cost_to_finish: 2000.00, cost_to_sell: 1000.00,
               tax: 500.00, judged: {by: cfo, date: 2025-12-31}}
            - {date: 2026-06-30, price: 95000.00, cost_to_finish: 1000.00, cost_to_sell: 1000.00,
               tax: 500.00, judged: {by: cfo, date: 2026-06-30}}
        """,
    "books/beta/assets/corpus.yaml": """
        title: 标注语料
        route: self_developed
        use: serve_customers
        project: {codes: [CORPUS], research: 2025-01-01, development: 2025-02-01}
        measurement:
          impairments:
            - {date: 2025-12-31, amount: 0.00, judged: {by: cfo, date: 2026-01-15}}
        """,
}
HEADINGS = ["voucher", "date", "summary", "account", "debit", "credit", "project", "evidence"]
表头 = ["凭证号", "日期", "摘要", "科目编码", "借方金额", "贷方金额", "项目", "附件"]


def voucher(number: str, day: str, account: str, amount: str, project: str) -> list[list[str]]:
    return [
        [number, day, "支出", account, amount, "", project, "evidence/paper.md"],
        [number, day, "支出", "2211", "", amount, "", ""],
    ]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("group")
    memos = {
        "books/alpha/assets/dash.yaml": recognition(rest="2025-03-01", intention="2025-03-15"),
        "books/beta/assets/corpus.yaml": recognition(rest="2025-02-01"),
    }
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(dedent(text).lstrip() + memos.get(path, ""), "utf-8")
    lines = [
        *voucher("V-001", "2025-02-10", "5301.01", "100000.00", "DASH"),  # research
        *voucher("V-002", "2025-03-10", "5301.01", "50000.00", "DASH"),  # conditions not all met
        *voucher("V-003", "2025-04-10", "5301.02", "300000.00", "DASH"),
        *voucher("V-004", "2025-05-10", "5301.02", "200000.00", "DASH"),
        *voucher("V-005", "2025-06-30", "5301.02", "0.07", "DASH"),
    ]
    for entity in ("alpha", "beta"):
        (root / "books" / entity / "vouchers").mkdir()
    with (root / "books/alpha/vouchers/2025-H1.csv").open("w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([HEADINGS, *lines])
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [
        表头,
        *voucher("V-101", "2025-07-05", "1701.05", "120000.00", ""),
        *voucher("V-102", "2025-08-05", "1405.09", "60000.00", "SALE"),
        *voucher("V-103", "2025-09-05", "1405.09", "30000.01", "SALE"),
    ]:
        sheet.append(row)
    book.save(root / "books/alpha/vouchers/2025-H2.xlsx")
    with (root / "books/beta/vouchers/2025.csv").open("w", encoding="utf-8", newline="") as f:
        corpus = voucher("B-001", "2025-04-10", "5301.02", "80000.00", "CORPUS")
        csv.writer(f).writerows([HEADINGS, *corpus])
    return root


def said(*args: object) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def lines(report: dict[str, Any]) -> dict[str, str]:
    return {
        "/".join(figure["id"].split("/")[2:4]): figure["amount"]
        for figure in report["figures"]
        if figure["amount"] != "0.00"
    }


def shown(root: Path, period: str, entity: str = "alpha") -> dict[str, Any]:
    return said("report", "disclosure", "-C", root, "--period", period, "--entity", entity)


def test_the_project_compiles_and_runs(group: Path):
    found = said("check", "-C", group)
    assert found["diagnostics"] == []
    assert said("run", "-C", group)["ok"]


@pytest.mark.parametrize(
    ("period", "wanted"),
    [
        # 500,000.07 / 50 = 10,000.00 a month from June: one month
        ("2025-H1", {"intangible.data/ending": "490000.07"}),
        # seven months of the dashboard, six of 120,000 / 60; stock at 88,000 - 3,500 < 90,000.01
        (
            "2025",
            {"intangible.data/ending": "538000.07", "inventory.data/ending": "84500.00"},
        ),
        # 430,000.07 over the 24 - 7 months left = 25,294.12 a month; the data set is sold
        (
            "2026-Q1",
            {
                "intangible.data/ending": "354117.71",
                "intangible.data/beginning": "538000.07",
                "inventory.data/ending": "84500.00",
                "inventory.data/beginning": "84500.00",
            },
        ),
        # written down to 250,000.00; stock written up again, to its cost and no further
        (
            "2026-H1",
            {
                "intangible.data/ending": "250000.00",
                "intangible.data/beginning": "538000.07",
                "inventory.data/ending": "90000.01",
                "inventory.data/beginning": "84500.00",
            },
        ),
    ],
)
def test_the_lines_are_those_worked_out_by_hand(group: Path, period: str, wanted: dict[str, str]):
    report = shown(group, period)
    assert lines(report) == wanted
    assert all(tie["ok"] for tie in report["ties"])


def test_the_movement_of_the_half_year(group: Path):
    cells = {
        (cell["row"], cell["column"]): cell["amount"]
        for cell in shown(group, "2026-H1")["tables"]["A"]["cells"]
    }
    wanted = {
        ("cost.opening", "total"): "620000.07",
        ("cost.decrease.disposed", "purchased"): "120000.00",
        ("cost.closing", "self_developed"): "500000.07",
        ("amortisation.opening", "total"): "82000.00",
        # January and February of the data set (none in the month it is sold); six months
        ("amortisation.increase", "purchased"): "4000.00",
        ("amortisation.increase", "self_developed"): "151764.72",
        ("amortisation.decrease.disposed", "purchased"): "16000.00",
        ("impairment.increase", "self_developed"): "28235.35",
        ("carrying.closing", "total"): "250000.00",
        ("carrying.opening", "total"): "538000.07",
    }
    assert {key: cells[key] for key in wanted} == wanted


def test_each_entity_has_its_own_lines_and_files(group: Path):
    alpha, beta = shown(group, "2025-H1"), shown(group, "2025-H1", "beta")
    assert lines(beta) == {"development.data/ending": "80000.00"}
    assert not set(alpha["files"]) & set(beta["files"])
    for report in (alpha, beta):
        assert all((group / file).is_file() for file in report["files"])


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        ("books/alpha/assets/bought.yaml", "proceeds: 90000.00", "shar: 40%", "format.unknown-key"),
        ("books/alpha/assets/stock.yaml", "cost_to_sell", "cost_to_sel", "format.unknown-key"),
        ("books/alpha/assets/dash.yaml", "months: 24", "monhts: 24", "format.unknown-key"),
        ("books/alpha/assets/dash.yaml", "months: 24", "months: 3", "measure.life-already-over"),
        ("books/alpha/policy.yaml", "intangible_data:", "intangible_dat:", "chart.unknown-role"),
    ],
)
def test_a_slip_that_would_change_an_amount_stops_the_check(
    group: Path, tmp_path: Path, path: str, old: str, new: str, code: str
):
    copy = tmp_path / "group"
    shutil.copytree(group, copy, ignore=shutil.ignore_patterns("state", ".sanhua"))
    text = (copy / path).read_text("utf-8")
    assert old in text
    (copy / path).write_text(text.replace(old, new, 1), "utf-8")
    result = CliRunner().invoke(cli, ["check", "-C", str(copy), "--json"])
    errors = {
        d["code"] for d in json.loads(result.stdout)["diagnostics"] if d["severity"] == "error"
    }
    assert result.exit_code == 1
    assert code in errors


def test_entities_of_two_currencies_have_a_figure_each(group: Path, tmp_path: Path):
    copy = tmp_path / "group"
    shutil.copytree(group, copy, ignore=shutil.ignore_patterns("state", ".sanhua"))
    settings = (copy / "sanhua.yaml").read_text("utf-8")
    (copy / "sanhua.yaml").write_text(settings.replace("share: 60%", "share: 60%, currency: USD"))
    made = said("run", "-C", copy)
    assert made["stages"]["capital"]["capitalised"] == "710000.08"
    assert made["stages"]["capital"]["capitalised.beta"] == "80000.00"
    figures = [figure for figure in made["figures"] if "capital.capitalised" in figure]
    assert len(set(figures)) == 2


WHOLE = """\
  accumulated_amortisation: 1702.05
  amortisation_expense: 6602.20
  intangible_impairment: 1703.05
  inventory_provision: 1471.05
  impairment_loss: 6701
  disposal_result: 6115
"""


@pytest.fixture
def charted(group: Path, tmp_path: Path) -> Path:
    """The group with an account for every role that its measurement asks for."""
    root = tmp_path / "group"
    shutil.copytree(group, root, ignore=shutil.ignore_patterns("state", ".sanhua"))
    path = root / "books/alpha/policy.yaml"
    path.write_text(path.read_text("utf-8").replace("chart:\n", f"chart:\n{WHOLE}"), "utf-8")
    return root


def proposed(root: Path, period: str) -> dict[str, Any]:
    return said("report", "vouchers", "-C", root, "--period", period)


def test_a_proposal_on_a_role_without_account_is_an_error_that_names_it(group: Path):
    result = CliRunner().invoke(
        cli, ["report", "vouchers", "-C", str(group), "--period", "2025-H1", "--json"]
    )
    report = json.loads(result.stdout)
    errors = [d for d in report["diagnostics"] if d["severity"] == "error"]
    assert result.exit_code == 1 and {d["code"] for d in errors} == {"chart.no-account"}
    assert {d["message"].split(" ")[1] for d in errors} == {
        "amortisation_expense", "accumulated_amortisation",
    }  # fmt: skip
    assert [row["account"] for row in report["vouchers"]] == ["1701.05", "5301.02"]


def test_a_proposal_comes_back_as_vouchers_and_is_not_proposed_again(charted: Path):
    report = proposed(charted, "2025")
    rows = report["vouchers"]
    assert [row["date"] for row in rows] == sorted(row["date"] for row in rows)
    # the transfer, seven months and six of amortisation, the write-down of the stock
    assert len({row["voucher"] for row in rows}) == 1 + 7 + 6 + 1
    shutil.copy(charted / report["files"][0], charted / "books/alpha/vouchers/2025-proposed.csv")
    assert said("check", "-C", charted)["diagnostics"] == []
    assert proposed(charted, "2025")["vouchers"] == []
    again = proposed(charted, "2026-H1")["vouchers"]
    shutil.copy(
        charted / ".sanhua/out/vouchers-alpha-2026-H1.csv",
        charted / "books/alpha/vouchers/2026-proposed.csv",
    )
    assert again and said("check", "-C", charted)["diagnostics"] == []
    # 104,000.00 carried, sold for 90,000.00
    assert "14000.00" in [row["debit"] for row in again if row["account"] == "6115"]


def test_what_the_erp_booked_in_one_sum_is_not_proposed_and_another_sum_is_told(charted: Path):
    """10,000.00 a month of the dashboard and 2,000.00 of the data set, as the ERP booked them."""
    text = "".join(
        f"A-{month},2025-0{month}-30,摊销,6602.20,{amount},\n"
        f"A-{month},2025-0{month}-30,摊销,1702.05,,{amount}\n"
        for month, amount in ((7, "12000.00"), (8, "11000.00"))
    )
    path = charted / "books/alpha/vouchers/2025-Q3.csv"
    path.write_text(f"voucher,date,summary,account,debit,credit\n{text}", "utf-8")
    assert proposed(charted, "2025-07")["vouchers"] == []
    report = proposed(charted, "2025-08")
    credits = [row["credit"] for row in report["vouchers"] if row["credit"]]
    assert sorted(credits) == ["10000.00", "2000.00"]
    told = [d for d in report["diagnostics"] if d["code"] == "voucher.booked-otherwise"]
    assert {(d["path"], d["line"]) for d in told} == {("books/alpha/vouchers/2025-Q3.csv", 4)}


def test_a_red_voucher_is_shown_below_zero(charted: Path):
    rows = (
        "voucher,date,summary,account,debit,credit\n"
        "R-1,2025-09-30,冲回,6602.20,-12.00,\nR-1,2025-09-30,冲回,1702.05,,-12.00\n"
    )
    (charted / "books/alpha/vouchers/red.csv").write_text(rows, "utf-8")
    said("run", "-C", charted)
    told = said("explain", "voucher:alpha/R-1", "-C", charted)
    assert told["nodes"][0]["value"] == "-12.00"


def test_a_period_that_is_not_named_says_what_happened_after_it(group: Path):
    """The last voucher is of September 2025; a new estimate, a sale and two tests are of 2026."""
    report = said("report", "disclosure", "-C", group)
    (told,) = (d for d in report["diagnostics"] if d["code"] == "report.later-facts")
    assert report["period"]["id"] == "2025" and told["severity"] == "warning"
    assert "2026-06-30" in told["message"] and "2026-H1" in told["hint"]
    assert "还有 4 项事实" in told["message"]
    codes = {d["code"] for d in shown(group, "2026-H1")["diagnostics"]}
    assert "report.later-facts" not in codes


def test_a_period_that_has_not_begun_is_refused(group: Path):
    args = ["report", "disclosure", "-C", str(group), "--period", "2099-H1", "--json"]
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["diagnostics"][0]["code"] == "report.not-begun"


# The group's own statements


@pytest.fixture
def sold_inside(group: Path, tmp_path: Path) -> Path:
    """Alpha's data set goes to beta for 90,000.00, to be used over 40 months."""
    root = tmp_path / "group"
    shutil.copytree(group, root, ignore=shutil.ignore_patterns("state", ".sanhua"))
    bought = """
        title: 内部购入数据集
        route: purchased
        use: internal
        vouchers: [B-101]
        control: [evidence/paper.md]
        acquired_from: {entity: alpha, asset: bought}
        recognition: {judged: {by: cfo, date: 2026-04-01}}
        measurement:
          available_on: 2026-03-31
          evidence: [evidence/paper.md]
          life: {months: 40, reasons: [contract], judged: {by: cfo, date: 2026-04-01}}
        """
    (root / "books/beta/assets/inside.yaml").write_text(dedent(bought).lstrip(), "utf-8")
    with (root / "books/beta/vouchers/2026.csv").open("w", encoding="utf-8", newline="") as f:
        lines = voucher("B-101", "2026-03-31", "1701.05", "90000.00", "")
        csv.writer(f).writerows([HEADINGS, *lines])
    return root


def test_the_groups_statements_carry_on_what_was_sold_inside(sold_inside: Path):
    """Alpha carried 104,000 (120,000 less 16,000), sold for 90,000. Over 40 months from March the
    group amortises 2,600.00 a month: 93,600.00 are left by June, beside the 250,000.00 of the
    dashboard; beta by itself has 90,000 less 4 × 2,250.00.
    """
    made = said(
        "report", "disclosure", "-C", sold_inside, "--period", "2026-H1", "--scope", "group"
    )
    assert (made["scope"], made["members"]) == ("group", ["alpha", "beta"])
    assert lines(made) == {
        "intangible.data/ending": "343600.00",
        "intangible.data/beginning": "538000.07",
        "inventory.data/ending": "90000.01",
        "inventory.data/beginning": "84500.00",
        "development.data/ending": "80000.00",
        "development.data/beginning": "80000.00",
    }
    assert all(tie["ok"] for tie in made["ties"])
    assert {one["what"] for one in made["eliminations"]} == {"transfer", "amortisation"}
    own = {name: shown(sold_inside, "2026-H1", name) for name in ("alpha", "beta")}
    assert lines(own["beta"])["intangible.data/ending"] == "81000.00"
    assert not set(made["files"]) & {file for one in own.values() for file in one["files"]}
    line = "figure:alpha.group/balance_sheet/intangible.data/ending/2026-H1"
    told = said("explain", line, "-C", sold_inside)
    nodes = {node["id"] for node in told["nodes"]}
    assert "elimination:alpha/inside/amortisation@2026-04-30" in nodes
    assert "figure:beta/balance_sheet/intangible.data/ending/2026-H1" in nodes
    assert {"asset:inside", "asset:bought", "voucher:beta/B-101"} <= nodes
    alone = said(
        "report", "disclosure", "-C", sold_inside, "--period", "2026-H1", "--scope", "parent"
    )
    assert lines(alone) == lines(own["alpha"]) and alone["scope"] == "parent"
    assert said("verify", "-C", sold_inside)["ok"]


def test_a_group_that_does_not_hang_together_is_told(sold_inside: Path):
    def codes(*more: str) -> set[str]:
        args = ["report", "disclosure", "-C", str(sold_inside), "--period", "2026-H1", "--json"]
        result = CliRunner().invoke(cli, [*args, "--scope", "group", *more])
        return {d["code"] for d in json.loads(result.stdout)["diagnostics"]}

    assert "consolidate.no-members" in codes("--entity", "beta")
    asset = sold_inside / "books/beta/assets/inside.yaml"
    text = asset.read_text("utf-8")
    asset.write_text(text.replace("asset: bought}", "asset: stock}"), "utf-8")
    assert "consolidate.no-counterpart" in codes()
    asset.write_text(text.replace("acquired_from:", "note:"), "utf-8")
    books = sold_inside / "books/beta/vouchers/2026.csv"
    rows = books.read_text("utf-8").splitlines()
    rows = [f"{row},{'party' if n == 0 else 'alpha'}" for n, row in enumerate(rows)]
    books.write_text("\n".join(rows) + "\n", "utf-8")
    assert "consolidate.unexplained" in codes()
    settings = sold_inside / "sanhua.yaml"
    settings.write_text(settings.read_text("utf-8").replace("share: 60%", "share: 50%"), "utf-8")
    assert "consolidate.no-members" in codes()


def test_a_purchase_inside_that_names_nothing_there_stops_the_check(sold_inside: Path):
    asset = sold_inside / "books/beta/assets/inside.yaml"
    text = asset.read_text("utf-8")
    for said_, code in (
        ("{entity: alpha, asset: bougth}", "ref.asset"),
        ("{entity: alhpa, asset: bought}", "ref.party"),
        ("{entity: beta, asset: bought}", "consolidate.other-owner"),
        ("{entity: alpha, carried: 0.00}", "format.missing-key"),
        ("{entity: alpha}", "format.exactly-one"),
    ):
        asset.write_text(text.replace("{entity: alpha, asset: bought}", said_), "utf-8")
        result = CliRunner().invoke(cli, ["check", "-C", str(sold_inside), "--json"])
        found = json.loads(result.stdout)["diagnostics"]
        errors = {d["code"] for d in found if d["severity"] == "error"}
        assert code in errors, (said_, errors)
