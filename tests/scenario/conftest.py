"""A small project with every step of the path: 40 readings of two meters, a daily product, one
capitalised project.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import deals
import pytest

FILES = {
    "sanhua.yaml": """
        sanhua: 1
        title: {zh: 小项目, en: Small}
        entities:
          plant: {regime: CAS}
        """,
    "parties.yaml": """
        plant: {name: 测试工厂, uscc: 91350100M000100Y43, roles: [holder, operator]}
        maker: {name: 制单人, person: true, of: plant, roles: [finance]}
        checker: {name: 复核人, person: true, of: plant, roles: [finance]}
        steward: {name: 管家, person: true, of: plant, roles: [data_steward]}
        """,
    "sources/readings.yaml": """
        title: 读数
        files: raw/readings.csv
        cadence: day
        """,
    "standards/elements.yaml": """
        energy:
          title: {zh: 有功电量, en: Active energy}
          definition: 计量区间内消耗的有功电能
          type: decimal(12,2)
          unit: kWh
          range: 0..
        meter_code: {title: 表号, definition: 唯一标识一个电表的代码, type: string, codes: meters}
        """,
    "standards/codes/meters.csv": """
        code,name
        M1,一号表
        M2,二号表
        """,
    "standards/codes/purposes.csv": """
        code,name
        credit,信贷审核
        """,
    "contracts/readings.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: readings
        version: 1.0.0
        status: active
        name: 读数
        schema:
          - name: readings
            properties:
              - name: meter
                logicalType: string
                required: true
                customProperties: [{property: dataElement, value: meter_code}]
              - name: read_at
                physicalName: 时间
                logicalType: timestamp
                logicalTypeOptions: {format: d/M/yyyy H:mm}
              - name: kwh
                logicalType: number
                customProperties: [{property: dataElement, value: energy}]
              - {name: phone, logicalType: string}
        """,
    "contracts/daily.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: daily
        version: 1.0.0
        status: active
        name: 日电量
        schema:
          - name: daily
            properties:
              - {name: meter, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
              - {name: day, logicalType: date, primaryKey: true, primaryKeyPosition: 2}
              - name: kwh
                logicalType: number
                required: true
                customProperties: [{property: dataElement, value: energy}]
        """,
    "sql/daily.sql": """
        SELECT meter, CAST(read_at AS DATE) AS day, sum(kwh) AS kwh
        FROM readings
        WHERE meter IN (SELECT code FROM meters)
        GROUP BY meter, CAST(read_at AS DATE)
        """,
    "rights/claims.yaml": """
        claims:
          readings:
            resource: readings
            source: own_collection
            from: 2024-01-01
            evidence: [evidence/paper.md]
          daily: {resource: daily, source: derived, evidence: [evidence/paper.md]}
        """,
    "policies/credit.yaml": """
        title: 信贷
        permit:
          actions: [read]
          purposes: [credit]
        level: L1
        """,
    "products/energy.yaml": """
        title: 日电量
        form: derivative
        table: daily
        policy: credit
        delivery:
          api: {key: [meter, day]}
        plans:
          standard:
            fee: {month: 100.00}
            per: {call: 0.05}
            included: {call: 1000}
        shares:
          - {party: plant, rest: true}
        listings:
          own: {class: general}
        """,
    "books/policy.yaml": """
        chart:
          development_expensed: 5301.01
          development_capitalised: 5301.02
          intangible_data: 1701.05
          payroll: 2211
        amortisation: {method: straight_line, residual: 0%}
        """,
    "books/vouchers/2024.csv": """
        voucher,date,summary,account,debit,credit,project,evidence
        2024-02-01,2024-02-29,薪酬,5301.02,1200.00,,P1,evidence/paper.md
        2024-02-01,2024-02-29,薪酬,2211,,1200.00,,
        2024-03-01,2024-03-31,薪酬,5301.02,34.56,,P1,evidence/paper.md
        2024-03-01,2024-03-31,薪酬,2211,,34.56,,
        """,
    "books/assets/energy_data.yaml": """
        title: 电量数据
        route: self_developed
        use: serve_customers
        project:
          codes: [P1]
          budget: 2000.00
          research: 2023-10-01
          development: 2024-01-10
        recognition:
          technical_feasibility: {date: 2024-01-02, evidence: [evidence/paper.md]}
          intention:             {date: 2024-01-02, evidence: [evidence/paper.md]}
          future_benefit:        {date: 2024-01-02, evidence: [evidence/paper.md]}
          resources:             {date: 2024-01-02, evidence: [evidence/paper.md]}
          reliable_measurement:  {date: 2024-01-03, evidence: [evidence/paper.md]}
          judged: {by: maker, date: 2024-03-01}
        """,
    "evidence/paper.md": "证明\n",
}


def readings() -> str:
    """40 rows; one has text for a number, one a wrong day, one an unknown meter."""
    rows = ["meter,时间,kwh,phone"]
    for hour in range(20):
        at = f"{hour // 10 + 1}/2/2024 {hour % 10}:00"
        for index, meter in enumerate(("M1", "M2")):
            rows.append(f"{meter},{at},{hour}.5{index},1380013800{hour % 10}")
    rows[5] = "M1,1/2/2024 2:00,n/a,13800138002"
    rows[9] = "M1,31/2/2024 4:00,4.50,13800138004"
    rows[12] = "M9,1/2/2024 5:00,5.51,13800138005"
    return "\n".join(rows) + "\n"


def write_project(folder: Path) -> Path:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    (folder / "raw").mkdir()
    (folder / "raw" / "readings.csv").write_text(readings(), encoding="utf-8")
    return folder


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """The project's folder, not run yet."""
    return write_project(tmp_path / "small")


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project with the deals `bank_2026` and `bank_2027` in force; to be copied with the
    folder that it stands in.
    """
    project = write_project(tmp_path_factory.mktemp("signed") / "small")
    deals.offer(project)
    (project / "deals" / "bank_2027.yaml").write_text(deals.DEAL, encoding="utf-8")
    deals.sign(project)
    for person, party in (("steward", "plant"), ("banker", "bank")):
        key = f"{project.parent / 'keys' / party}.key"
        deals.say(project, "deal", "sign", "bank_2027", "--as", person, "--key", key)
    return project
