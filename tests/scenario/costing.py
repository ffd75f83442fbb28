"""A month of cost worked out by hand: two people, two projects, a cloud bill for both, a labelling
bill, the ERP's own allocation, and two trial balances.

    li    15 days x 8 h x 200.00 = 24,000.00   P1      120 h
    wang   5 days x 8 h x 200.00 =  8,000.00   P2       40 h
    cloud  1,000.01 and 60.00 tax, shared by hours 120 : 40
           100001 fen x 3/4 = 75000.75, x 1/4 = 25000.25: the fen over goes to P1
           P1 750.01, P2 250.00
    labels 5,300.00                            P1
    P1 = 24,000.00 + 5,300.00 + 750.01 = 30,050.01;  P2 = 8,000.00 + 250.00 = 8,250.00
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

ASSET = """\
title: 资产 {code}
route: self_developed
use: serve_customers
project: {{codes: [{code}], research: 2024-06-01, development: 2025-01-01}}
recognition:
  technical_feasibility: {{date: 2024-12-20, evidence: [evidence/a.md]}}
  intention: {{date: 2024-12-20, evidence: [evidence/a.md]}}
  future_benefit: {{date: 2024-12-20, evidence: [evidence/a.md]}}
  resources: {{date: 2024-12-20, evidence: [evidence/a.md]}}
  reliable_measurement: {{date: 2025-01-01, evidence: [evidence/cost_collection.md]}}
  judged: {{by: cfo, date: 2025-01-05}}
"""
HEAD = "凭证号,日期,摘要,科目编码,借方金额,贷方金额,项目,往来单位,附件,制单人,审核人,记账人"
HANDS = "张敏,赵强,赵强"


def line(*cells: str) -> str:
    return ",".join(cells)


def row(number: str, day: str, text: str, account: str, debit: str, credit: str, project: str = "",
        party: str = "") -> str:  # fmt: skip
    paper = "evidence/a.md" if project else ""
    return line(number, day, text, account, debit, credit, project, party, paper, HANDS)


VOUCHERS = [
    row("记-001", "2025-03-31", "三月研发薪酬", "5301.02", "24000.00", "", "P1"),
    row("记-001", "2025-03-31", "三月研发薪酬", "5301.02", "8000.00", "", "P2"),
    row("记-001", "2025-03-31", "三月研发薪酬", "2211", "", "32000.00"),
    row("记-002", "2025-03-31", "三月云资源", "5101.01", "1000.01", "", "GX"),
    row("记-002", "2025-03-31", "三月云资源", "2221.01", "60.00", ""),
    row("记-002", "2025-03-31", "三月云资源", "2202", "", "1060.01"),
    row("记-003", "2025-03-20", "数据标注", "5301.02", "5300.00", "", "P1"),
    row("记-003", "2025-03-20", "数据标注", "2202", "", "5300.00"),
]
BOOKED = [
    row("记-004", "2025-03-31", "云资源分摊", "5301.02", "750.01", "", "P1"),
    row("记-004", "2025-03-31", "云资源分摊", "5301.02", "250.00", "", "P2"),
    row("记-004", "2025-03-31", "云资源分摊", "5101.01", "", "1000.01", "GX"),
]
ALLOCATION = """\
title: 三月云资源
period: 2025-03
pool: {account: 5101.01, project: GX}
key: hours
to: [P1, P2]
into: 5301.02
judged: {by: cfo, date: 2025-04-02}
evidence: [evidence/a.md]
"""
BILLS = [
    "类别,日期,供应商,发票号码,金额,税额,项目,凭证号,附件",
    "云资源,2025-03-31,某云公司,24310001,1000.01,60.00,GX,记-002,evidence/a.md",
    "数据标注,2025-03-20,某标注公司,24310002,5300.00,,P1,记-003,evidence/a.md",
]
TRIAL = "科目编码,科目名称,期初借方,期初贷方,本期借方,本期贷方,期末借方,期末贷方"
FEBRUARY = [
    TRIAL,
    "5301.02,研发支出—资本化支出,100000.00,,,,100000.00,",
    "5101.01,共享费用,,,,,,",
    "2211,应付职工薪酬,,100000.00,,,,100000.00",
]
MARCH = [
    TRIAL,
    "5301.02,研发支出—资本化支出,100000.00,,38300.01,,138300.01,",
    "5101.01,共享费用,,,1000.01,1000.01,,",
    "2211,应付职工薪酬,,100000.00,,32000.00,,132000.00",
    "2202,应付账款,,,,6360.01,,6360.01",
    "2221.01,应交增值税,,,60.00,,60.00,",
]
CHART = [
    "科目编码,科目名称,方向,上级科目",
    "5301,研发支出,借,",
    "5301.02,研发支出—资本化支出,借,5301",
    "5301.01,研发支出—费用化支出,借,5301",
    "5101.01,共享费用,借,",
    "2211,应付职工薪酬,贷,",
    "2202,应付账款,贷,",
    "2221.01,应交增值税—进项,借,",
]


def timesheet() -> list[str]:
    """15 working days of li from the 3rd, 5 of wang."""
    days = [date(2025, 3, 3) + timedelta(days=n) for n in range(28)]
    worked = [day for day in days if day.weekday() < 5]
    rows = [f"{day},li,P1,8,200.00,记-001" for day in worked[:15]]
    rows += [f"{day},王芳,P2,8,200.00," for day in worked[:5]]
    return ["date,person,project,hours,rate,voucher", *rows]


def files(**changed: str | list[str]) -> dict[str, str]:
    """The folder's files; a list is lines."""
    made: dict[str, str | list[str]] = {
        "sanhua.yaml": "sanhua: 1\nentities:\n  co: {}\n",
        "parties.yaml": [
            "co: {name: 达数, roles: [holder, operator]}",
            "cfo: {name: 财务负责人, person: true, of: co, roles: [finance]}",
            "zhang: {name: 张敏, person: true, of: co}",
            "zhao: {name: 赵强, person: true, of: co}",
            "li: {name: 李雷, person: true, of: co}",
            "wang: {name: 王芳, person: true, of: co}",
            "outside: {name: 外协, roles: [supplier]}",
            "guest: {name: 客座, person: true, of: outside}",
        ],
        "evidence/a.md": "a",
        "evidence/cost_collection.md": "c",
        "books/policy.yaml": [
            "chart:",
            "  development_capitalised: 5301.02",
            "  development_expensed: 5301.01",
            "  shared_cost: 5101.01",
            "  payroll: 2211",
            "  payables: 2202",
            "  input_tax: 2221.01",
        ],
        "books/assets/a1.yaml": ASSET.format(code="P1"),
        "books/assets/a2.yaml": ASSET.format(code="P2"),
        "books/vouchers/2025-03.csv": [HEAD, *VOUCHERS, *BOOKED],
        "books/timesheets/2025-03.csv": timesheet(),
        "books/bills/2025.csv": BILLS,
        "books/allocations/cloud_2025_03.yaml": ALLOCATION,
        "books/chart.csv": CHART,
        "books/trial/2025-02.csv": FEBRUARY,
        "books/trial/2025-03.csv": MARCH,
    }
    made |= changed
    return {
        path: text if isinstance(text, str) else "\n".join([*text, ""])
        for path, text in made.items()
    }


def write(root: Path, **changed: str | list[str]) -> Path:
    for name, text in files(**changed).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
