"""The files that the reference of formats prints are read without a fault, and its JSON fits the shipped schemas."""

# ruff: noqa: E501 - files are quoted as people write them

from __future__ import annotations

import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import jsonschema_rs
import pytest

from sanhua.kernel.errors import Severity
from sanhua.kernel.money import Money
from sanhua.project import load, schema
from sanhua.project.checking import check
from sanhua.project.scaffold import SCHEMAS, editor_line
from sanhua.rules.packs import Packs

ON = date(2026, 11, 23)
PAPER = "paper"

STEEL = {
    "sanhua.yaml": """\
sanhua: 1                      # version of these formats
title: {zh: 钢铁企业能碳数据产品, en: Steel plant energy and carbon}
entities:                      # whose folder this is: parties of parties.yaml; the first is the default
  plant_co: {regime: CAS, currency: CNY, fiscal_year: 01-01}
language: zh
""",
    "parties.yaml": """\
plant_co:  {name: 某钢铁企业（演示）, uscc: 91350100M000100Y43, roles: [holder, operator]}
lake_bank: {name: 湖滨银行（演示）, uscc: 91310000MA1FL0XX7Y, roles: [buyer], public_key: keys/lake_bank.pem}
li_wei:    {name: 李薇（演示）, person: true, of: plant_co, roles: [data_steward]}
cfo:       {name: 财务负责人（演示）, person: true, of: plant_co, roles: [finance]}
owid:      {name: Our World in Data, roles: [supplier]}
region_op: {name: 区域运营, uscc: 91339900MA05FT053G, roles: [operator]}
soft_co:   {name: 软件公司, uscc: 91339900MA0RGN0441, roles: [developer]}
registrar: {name: 登记机构, roles: [registrar]}
""",
    "sources/steel_readings.yaml": """\
title: 电表十五分钟读数
files: ${SANHUA_DATA}/power_steel_kr/steel_*.csv.gz
cadence: month                 # realtime | 5min | hour | day | week | month | year | once
late: 10 days                  # how late an arrival still counts as in time
""",
    "sources/grid_factors.yaml": """\
title: 各国电力碳强度
files: ${SANHUA_DATA}/carbon_factors/global_energy_mix.json
read: {records: $, key: iso3}  # an object of objects: its keys become column iso3
supplier: owid
cadence: year
""",
    "standards/elements.yaml": """\
active_energy:
  title: {zh: 有功电量, en: Active energy}
  definition: 计量区间内消耗的有功电能
  type: decimal(12,2)
  unit: kWh
  range: 0..
  synonyms: [Usage_kWh, 用电量, 电量]
  authority: plant_co           # 一数一源: the one party whose value counts
plant_code:      {title: 厂区代码, definition: 企业内唯一标识一个用电厂区的代码, type: string, format: an..12, codes: plants}
calendar_day:    {definition: 日历日, type: date}
emission:        {definition: 二氧化碳排放量, type: "decimal(12,3)", unit: t}
emission_factor: {definition: 电力碳强度, type: "decimal(12,3)"}
load_level:      {definition: 负荷等级, type: string, codes: load_types}
""",
    "standards/codes/load_types.csv": """\
code,name,name_en
Light_Load,谷,light
Medium_Load,平,medium
Maximum_Load,峰,maximum
""",
    "standards/codes/plants.csv": "code,name\nP1,一号厂区\n",
    "standards/codes/purposes.csv": "code,name,parent\ncredit,信贷,\ngreen_loan_review,绿色信贷审核,credit\n",
    "standards/model.yaml": """\
energy:
  title: 能源
  objects:
    consumption:
      title: 能耗
      entities:
        daily_consumption: {title: 日能耗, table: steel_daily}
        meter: {title: 电表, attributes: {plant: plant_code, load: load_level}}   # not collected yet: attribute: element
""",
    "standards/indicators.yaml": """\
peak_share: {title: 峰段电量占比, definition: 峰段电量与总电量之比, table: steel_daily, \
formula: sum(peak_kwh) / sum(kwh), by: [plant, month(day)]}
""",
    "contracts/steel_daily.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: steel_daily
version: 1.0.0
status: active
name: 企业日能耗与碳排放
domain: 能源                            # 行业领域 of GB/T 43697
schema:
  - name: steel_daily
    properties:
      - {name: plant, logicalType: string, primaryKey: true, primaryKeyPosition: 1, \
customProperties: [{property: dataElement, value: plant_code}]}
      - name: day
        logicalType: date
        primaryKey: true
        primaryKeyPosition: 2
        partitioned: true              # kept and rebuilt by day
        customProperties: [{property: dataElement, value: calendar_day}]
      - name: kwh
        logicalType: number
        required: true
        classification: general2       # a floor set by a person; detectors and lineage may raise it
        customProperties: [{property: dataElement, value: active_energy}]
      - {name: peak_kwh, logicalType: number, customProperties: [{property: dataElement, value: active_energy}]}
      - {name: valley_kwh, logicalType: number, customProperties: [{property: dataElement, value: active_energy}]}
      - {name: tco2, logicalType: number, customProperties: [{property: dataElement, value: emission}]}
      - {name: factor, logicalType: number, customProperties: [{property: dataElement, value: emission_factor}]}
      - {name: factor_year, logicalType: integer}
    quality:
      - name: within 3 % of the plant's own figure
        type: sql
        query: SELECT abs(sum(tco2) / (SELECT sum(co2_t) FROM steel_readings) - 1) FROM steel_daily
        mustBeLessThan: 0.03
        severity: warning
        customProperties: [{property: indicator, value: '0301'}]   # GB/T 36344 code, quoted here
slaProperties:
  - {property: latency, value: 10, unit: d, element: steel_daily.day}
customProperties:
  - {property: openClass, value: conditional}    # 有条件开放
""",
    "contracts/steel_readings.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: steel_readings
version: 1.0.0
status: active
schema:
  - name: steel_readings
    properties:
      - name: ended_at
        physicalName: date             # the heading in the file; the same as `name` when absent
        logicalType: timestamp
        logicalTypeOptions: {format: d/M/yyyy H:mm, defaultTimezone: Asia/Seoul}
        required: true
      - {name: kwh, physicalName: Usage_kWh, logicalType: number}
      - {name: co2_t, physicalName: CO2(tCO2), logicalType: number}
      - {name: load_type, physicalName: Load_Type, logicalType: string}
""",
    "contracts/grid_factors.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: grid_factors
version: 1.0.0
status: active
schema:
  - name: grid_factors
    properties:
      - {name: iso3, logicalType: string}
      - {name: carbon_intensity, logicalType: number}
      - {name: year, logicalType: integer}
""",
    "sql/steel_interval.sql": """\
-- sql/steel_interval.sql
-- One row an interval, stamped at its start: the reading that closes a day is stamped 0:00 of the same date.
SELECT 'P1' AS plant,
       CASE WHEN date_trunc('day', ended_at) = ended_at THEN ended_at + INTERVAL 1 DAY ELSE ended_at END
         - INTERVAL 15 MINUTE AS started_at,
       kwh, load_type
FROM steel_readings
""",
    "sql/steel_daily.sql": """\
SELECT plant, CAST(started_at AS DATE) AS day, sum(kwh) AS kwh,
       sum(CASE WHEN load_type = 'Maximum_Load' THEN kwh ELSE 0 END) AS peak_kwh,
       sum(CASE WHEN load_type = 'Light_Load' THEN kwh ELSE 0 END) AS valley_kwh,
       sum(kwh) * max(f.carbon_intensity) / 1000000 AS tco2,
       max(f.carbon_intensity) AS factor, max(f.year) AS factor_year
FROM steel_interval CROSS JOIN grid_factors AS f
WHERE f.iso3 = 'KOR'
GROUP BY plant, CAST(started_at AS DATE)
""",
    "rights/rights.yaml": """\
claims:
  meters:
    resource: steel_readings       # a contract
    source: own_collection         # a row of the source→rights matrix; the rights follow from it
    from: 2018-01-01
    evidence: [evidence/meters.md]
  factors: {resource: grid_factors, source: open_collection, rights: [hold, use], evidence: [evidence/factors.md]}
  daily:   {resource: steel_daily, source: derived, evidence: [evidence/meters.md]}
grants:
  region:
    claim: daily                   # what it is carved from; or `parent`, another grant
    to: region_op
    mode: scenario                 # whole | domain | scenario
    scenario: green_loan_review
    fields: [plant, day, kwh, tco2]
    purposes: [credit]
    onward: true
    from: 2026-01-01
    through: 2028-12-31
    evidence: [evidence/meters.md]
    reviewers: [data_steward, finance]   # their verdicts are acts
  region_soft: {parent: region, to: soft_co, fields: [plant, day, tco2], through: 2026-12-31}
registrations:
  daily_2026: {kind: property_right, claim: daily, data_name: 2018年韩国钢铁行业企业日能耗与碳排放数据表, registrar: registrar}
""",
    "rights/consents/2026.ndjson": (
        '{"id":"cst_0198f3a0","given_at":"2026-01-05T02:11:00Z","subject":"hmac:5f0c","controller":"plant_co",'
        '"product":"steel_energy","purposes":["green_loan_review"],"fields":["kwh"],"from":"2026-01-05",'
        '"through":"2026-12-31","share":"2%","proof":"sha256:9b1d"}\n'
        '{"id":"cst_0198f3b7","given_at":"2026-03-01T00:40:00Z","subject":"hmac:5f0c","withdraws":"cst_0198f3a0",'
        '"proof":"sha256:77ac"}\n'
    ),
    "policies/credit_review.yaml": """\
title: 信贷审核使用条件
permit:
  actions: [read, derive]
  purposes: [credit]             # codes of standards/codes/purposes.csv; a code covers its children
  count: 100000 per month
forbid: [distribute, sell]
oblige:
  - {action: delete, within: 30 days, after: term}
level: L1                        # least assurance level a deal may have
""",
    "products/steel_energy.yaml": """\
title: 企业能碳日报
form: derivative                 # derivative | tool | service
table: steel_daily               # exactly one table with a contract
offer: [plant, day, kwh, peak_kwh, valley_kwh, tco2, factor, factor_year]   # fields that may be sold
policy: credit_review
delivery:
  api: {key: [plant, day]}
  file: {format: parquet, frequency: month}
plans:
  trial:   {free: true, for: 30 days, limit: {call: 100}}
  standard:
    fee: {month: 2000.00}
    per: {call: 0.05}
    included: {call: 10000}
    cap: {month: 5000.00}
  data_only: {per: {row: 0.002}, minimum: {month: 100.00}}
tax: {rate: 6%, included: true}
shares:
  - {party: plant_co, rest: true}
listings:
  own: {class: general}
""",
    "products/steel_lookup.yaml": """\
form: service                    # parameters: a data element each; only the answer leaves
table: steel_daily
query: products/steel_lookup.query.sql
parameters: {plant: plant_code, since: calendar_day}
answer: label                    # rows | label | score | yes_no
policy: credit_review
delivery: {api: {key: [plant]}}
plans:
  steps: {per: {call: [{to: 10000, price: 0.05}, {price: 0.03}]}}
""",
    "products/steel_lookup.query.sql": (
        "SELECT CASE WHEN sum(tco2) > 100 THEN 'high' ELSE 'low' END AS label\n"
        "FROM steel_daily WHERE plant = $plant AND day >= $since\n"
    ),
    "deals/lake_bank_2026.yaml": """\
product: steel_energy
consumer: lake_bank
plan: standard
fields: [plant, day, kwh, peak_kwh, tco2, factor, factor_year]
purposes: [green_loan_review]
delivery: api
frequency: day
from: 2026-01-01
through: 2026-12-31              # both days belong to the term
level: L1
contract: GF-2025-2615
""",
    "evidence/meters.md": PAPER,
    "keys/lake_bank.pem": PAPER,
    "evidence/factors.md": PAPER,
}

JIAHUA = {
    "sanhua.yaml": "sanhua: 1\nentities:\n  jiahua: {}\n",
    "parties.yaml": """\
jiahua: {name: 罗克佳华, uscc: 91350100M000100Y43, roles: [holder]}
cfo: {name: 财务负责人（演示）, person: true, of: jiahua, roles: [finance]}
bank: {name: 某银行（演示）, roles: [lender]}
appraiser: {name: 某评估机构（演示）, roles: [appraiser]}
""",
    "books/policy.yaml": """\
chart:                           # our role: accounts of the ERP (a code covers its sub-accounts)
  development_expensed: 5301.01       # 研发支出—费用化支出
  development_capitalised: 5301.02    # 研发支出—资本化支出
  research_expense: 6602.14           # 管理费用—研发费用
  intangible_data: 1701.05            # 无形资产—数据资源
  payroll: 2211
  payables: [2202, 2241]
amortisation: {method: straight_line, residual: 0%}
impairment_test: 12              # month of the yearly test
inventory_issue: weighted_average
""",
    "books/vouchers/2024-H1.csv": """\
voucher,date,summary,account,debit,credit,project,evidence
2024-03-0120,2024-03-31,一季度研发人员薪酬,5301.02,1023500.00,,YF2022-08,evidence/payroll_2024q1.md
2024-03-0120,2024-03-31,一季度研发人员薪酬,2211,,1023500.00,,
""",
    "books/assets/cloud_map_v2.yaml": """\
title: 生态环境双碳云图 V2.0
route: self_developed            # purchased | self_developed | other
use: serve_customers             # internal | serve_customers | sale
project:
  codes: [YF2022-08]             # as they stand in the vouchers
  budget: 9109200.00
  due: 2025-03-31
  research: 2022-03-01           # first day of the phase
  development: 2022-10-01
  progress:
    - {date: 2024-06-30, done: 66%, by: cfo}      # a management figure; never derived from spent/budget
recognition:                     # the five conditions of CAS 6 art. 9
  technical_feasibility: {date: 2022-09-20, evidence: [evidence/feasibility.md]}
  intention:             {date: 2022-09-26, evidence: [evidence/board_minutes.md]}
  future_benefit:        {date: 2022-09-20, evidence: [evidence/market.md]}
  resources:             {date: 2022-09-26, evidence: [evidence/budget.md]}
  reliable_measurement:  {date: 2022-10-01, evidence: [evidence/cost_collection.md]}
  judged: {by: cfo, date: 2024-07-15}
measurement:                     # from here on assumed, not published
  available_on: 2025-03-31
  evidence: [evidence/acceptance.md]
  life: {months: 36, reasons: [technology, update_frequency], judged: {by: cfo, date: 2025-03-31}}
""",
    "books/appraisals/cloud_map_2025.yaml": """\
asset: cloud_map_v2
purpose: pledge                  # pledge | contribute | trade | disclose; never booking
base_date: 2025-06-30
appraiser: appraiser
method: {income: share}          # income: direct share excess increment | cost: replacement expert9 | market: comparables
inputs:
  income: {2026: 3000000.00, 2027: 3600000.00, 2028: 4320000.00}
  share:  {2026: 35%, 2027: 35%, 2028: 30%}
  discount: {risk_free: 2.2%, premium: 9.8%}
value: 2864431.49
""",
    "books/financings/pledge_2025.yaml": """\
kind: pledge                     # pledge | credit | abs | equity | trust
asset: cloud_map_v2
appraisal: cloud_map_2025
lender: bank
amount: 1000000.00
from: 2025-07-15
through: 2026-07-14
ltv_max: 50%
covenants:                       # one measure, its bound, time to cure
  accuracy: {quality: 0301, at_least: 95%}
  calls:    {usage: call per month, at_least: 1000, cure: 30 days}
""",
    "books/balances/2024-06-30.csv": "line,ending,beginning\ndevelopment,16543210.00,\n",
    "books/timesheets/2024.csv": "date,person,project,hours,rate\n2024-03-01,cfo,YF2022-08,8,120.00\n",
    **{
        f"evidence/{name}.md": PAPER
        for name in (
            "payroll_2024q1 feasibility board_minutes market budget cost_collection acceptance".split()
        )
    },
}

OUTPUTS = {
    "check_output": """{"sanhua":1,"command":"check","project":"jiahua","ok":true,"compiled":{"parties":4,"sources":0,
"tables":0,"contracts":0,"products":0,"deals":0,"vouchers":6,"assets":1},"diagnostics":[{"severity":"warning",
"code":"recognise.already-expensed","path":"books/vouchers/2022-2023.csv","line":2,"column":1,
"node":"voucher:2022-12-0311","message":"1865200.00 …","hint":"leave it in profit or loss","rule":
{"instrument":"mof_2023_11","number":"财会〔2023〕11号","clause":"附则","tag":"V"}}]}""",
    "run_output": """{"sanhua":1,"command":"run","project":"steel_carbon","ok":true,"run":"run_0198f3aa","steps":[{
"step":"collect","node":"table:steel_readings","status":"done","why":"new input","rows":26208,"rejected":0,
"seconds":"0.41","snapshot":"sha256:41d0","event":"evt_0198f3ab"}],"skipped":0,"stages":{"resource":{"tables":4,
"rows":52902,"checks":19,"score":"0.998","not_assessable":9},"asset":{"products":1,"deals":1},"capital":
{"assets":0}},"diagnostics":[]}""",
    "close_output": """{"sanhua":1,"command":"close","project":"steel_carbon","ok":true,"period":{"id":"2026-03",
"from":"2026-03-01","through":"2026-03-31"},"usage":{"records":12040,"rated":12040,"refused":31},"invoices":[{
"id":"inv_0198f4","deal":"lake_bank_2026","lines":[{"reason":"fee","quantity":"1","price":"2000.00",
"amount":"2000.00"},{"reason":"usage","quantity":"2040","price":"0.05","amount":"102.00"}],"tax":"118.98",
"total":"2102.00","currency":"CNY"}],"shares":[{"party":"plant_co","amount":"1983.02","basis":"rest"}],"postings":[{
"book":"settlement","id":"pst_0198f5","debit":"receivable:lake_bank","credit":"income:steel_energy",
"amount":"1983.02"}],"proposed_vouchers":[],"checkpoint":{"size":512,"root":"sha256:0c2e"},"diagnostics":[]}""",
    "disclosure_output": """{"sanhua":1,"command":"report disclosure","project":"jiahua","ok":true,"period":{
"id":"2024-H1","from":"2024-01-01","through":"2024-06-30"},"figures":[{
"id":"figure:jiahua/balance_sheet/development.data/ending/2024-H1","label":"开发支出—其中：数据资源",
"amount":"2558700.00","currency":"CNY"}],"tables":{"A":{"rows":27,"columns":["purchased","self_developed","other",
"total"],"cells":[]},"B":{"rows":21,"cells":[]}},"ties":[{"code":"tie.sub-not-above-parent","ok":true}],
"files":["out/disclosure-2024-H1.xlsx"],"diagnostics":[]}""",
    "explain_output": """{"sanhua":1,"command":"explain","project":"jiahua","ok":true,"root":"figure:jiahua/x",
"nodes":[{"id":"figure:jiahua/x","kind":"figure","value":"2558700.00","unit":"CNY"},{"id":"voucher:2024-06-0140",
"kind":"voucher","value":"351000.00","unit":"CNY","at":{"path":"books/vouchers/2024-H1.csv","line":6,
"sha256":"77ab"},"event":"evt_0198f3d0"}],"edges":[{"from":"figure:jiahua/x","edge":"posted_from",
"to":"voucher:2024-06-0140","weight":"1"}],"rules":[{"instrument":"mof_2023_11",
"name":"expensed_spend_may_be_restated","value":"false","clause":"附则","tag":"V","nodes":["voucher:2022-12-0311"]}],
"more":null,"diagnostics":[]}""",
    "usage": """{"id":"use_0198f3c2","at":"2026-03-02T01:15:09.412Z","deal":"lake_bank_2026","consumer":"lake_bank",
"product":"steel_energy","snapshot":"sha256:41d0","terms":"sha256:c7e2","purpose":"green_loan_review","via":"api",
"units":{"call":1,"row":1,"byte":212},"decision":"permit","reason":"included","request":"idempotency-key",
"consent":null}""",
    "event": """{"seq":"412","id":"evt_0198f3c9","type":"rights.granted","recorded_at":"2026-01-02T03:04:05.000000Z",
"effective_on":"2026-01-01","actor":"party:li_wei","node":"grant:region","version":"1","seal":"sha256:5d1f"}""",
}


def folder(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def told(root: Path) -> list[str]:
    found = check(load(root, {"SANHUA_DATA": "data"}), Packs.load(("cn",)), ON)
    return [
        f"{d.code} {d.path}:{d.line} {d.message('en')}"
        for d in found
        if d.severity is Severity.ERROR
    ]


def test_the_steel_files_of_the_reference_compile_without_an_error(tmp_path: Path):
    assert told(folder(tmp_path, STEEL)) == []


def test_the_steel_files_carry_what_they_say(tmp_path: Path):
    """Values as the reference prints them: 2000.00 a month, 0.05 a call, a term of both days."""
    project = load(folder(tmp_path, STEEL), {"SANHUA_DATA": "data"})
    deal, product = project.deals["lake_bank_2026"], project.products["steel_energy"]
    assert (deal.starts_on, deal.ends_on) == (date(2026, 1, 1), date(2027, 1, 1))
    standard = next(plan for plan in product.plans if plan.id == "standard")
    assert standard.fee == {"month": Money(Decimal("2000.00"))}
    assert standard.per["call"][0].price == Money(Decimal("0.05"))
    assert product.tax.rate == Decimal("0.06")
    table = project.contracts["steel_daily"].tables[0]
    assert table.key == ("plant", "day")
    assert table.quality[0].indicator == "0301"
    assert table.quality[0].bounds == ("0.03",)
    assert [p.element for p in table.properties][:3] == [
        "plant_code",
        "calendar_day",
        "active_energy",
    ]
    assert project.sources["steel_readings"].files == "data/power_steel_kr/steel_*.csv.gz"
    assert project.sources["grid_factors"].reading.key == "iso3"
    raw = project.contracts["steel_readings"].tables[0].properties[0]
    assert (raw.heading, raw.options["format"]) == ("date", "d/M/yyyy H:mm")
    assert project.policies["credit_review"].permit == {"count": "100000 per month"}
    assert project.files["evidence/meters.md"].sha256.startswith("sha256:")


def test_the_jiahua_files_of_the_reference_compile_without_an_error(tmp_path: Path):
    assert told(folder(tmp_path, JIAHUA)) == []


def test_the_jiahua_voucher_and_asset_carry_what_they_say(tmp_path: Path):
    """The reference's example: 1,023,500.00 on 5301.02; five conditions, the latest on 2022-10-01."""
    project = load(folder(tmp_path, JIAHUA), {})
    voucher = project.vouchers["voucher:2024-03-0120"]
    assert [line.amount.text for line in voucher.lines] == ["1023500.00", "-1023500.00"]
    assert voucher.lines[0].evidence_names == ("evidence/payroll_2024q1.md",)
    card = project.assets["cloud_map_v2"]
    assert max(condition.date for condition in card.conditions.values()) == date(2022, 10, 1)
    assert card.progress[0].done == Decimal("0.66")
    assert project.policy["jiahua"].chart["payables"] == ("2202", "2241")
    assert project.balances["jiahua"][0].lines["development"][0] == Money(Decimal("16543210.00"))


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_the_json_of_the_reference_fits_its_schema(name: str):
    assert schema.valid(name, json.loads(OUTPUTS[name]))


@pytest.mark.parametrize("name", schema.names())
def test_every_shipped_schema_is_valid_json_schema_2020_12(name: str):
    jsonschema_rs.meta.validate(schema.read(name))
    assert schema.read(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_editors_find_the_schema_that_check_uses(tmp_path: Path):
    written = schema.write_schemas(tmp_path / SCHEMAS)
    assert tmp_path / SCHEMAS / "product.json" in written
    line = editor_line("products/steel_energy.yaml")
    assert line == "# yaml-language-server: $schema=../.sanhua/schemas/product.json\n"
    assert (tmp_path / "products" / line.split("=")[1].strip()).resolve() in written


def test_numbers_that_editors_type_pass_the_same_schemas():
    """An editor reads 2000.00 as a number and true as a boolean where sanhua reads text."""
    plan = {"fee": {"month": 2000.0}, "per": {"call": 0.05}, "included": {"call": 10000}}
    product = {"form": "derivative", "table": "t", "policy": "p", "delivery": {"sandbox": {}}}
    assert schema.valid(
        "product", {**product, "plans": {"standard": plan, "trial": {"free": True}}}
    )
    assert schema.valid("sanhua", {"sanhua": 1, "entities": {"a": None}})


DATA = (
    Path(os.environ.get("SANHUA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "std_docs"
)
ODCS = sorted(
    [*DATA.glob("odcs/**/*.odcs.yaml"), *DATA.glob("datacontract_fixtures/odcs_v3/*.odcs.yaml")]
)


@pytest.mark.skipif(
    not ODCS, reason="the example contracts are not beside this checkout (SANHUA_DATA)"
)
def test_the_official_example_contracts_are_read_with_every_key(tmp_path: Path):
    """Examples of the standard: their ids and table names are not ours, and a latency of theirs names
    a table that they do not have, but no key of theirs is unknown.
    """
    own = {
        "contract.id-differs",
        "format.not-an-id",
        "contract.one-operator",
        "contract.unknown-metric",
        "ref.column",
    }
    root = folder(
        tmp_path,
        {"sanhua.yaml": "sanhua: 1\nentities: {a: {}}\n", "parties.yaml": "a: {name: A}\n"},
    )
    for number, path in enumerate(ODCS):
        (root / "contracts").mkdir(exist_ok=True)
        (root / "contracts" / f"c{number}.odcs.yaml").write_bytes(path.read_bytes())
    found = [
        d for d in load(root, {}).diagnostics if d.severity is Severity.ERROR and d.code not in own
    ]
    names = {f"contracts/c{number}.odcs.yaml": path.name for number, path in enumerate(ODCS)}
    assert [f"{d.code} {names[d.path]}:{d.line} {dict(d.facts)}" for d in found] == []


OFFICIAL = DATA / "odcs" / "schema" / "odcs-json-schema-v3.1.0.json"


@pytest.mark.skipif(
    not OFFICIAL.exists(), reason="the official schema is not beside this checkout (SANHUA_DATA)"
)
def test_every_key_of_the_official_schema_is_accepted():
    official, ours = json.loads(OFFICIAL.read_text("utf-8")), schema.read("contract")
    assert set(official["properties"]) == set(ours["properties"])
    element = official["$defs"]["SchemaElement"]["properties"]
    tables = {**element, **official["$defs"]["SchemaObject"]["properties"]}
    assert set(tables) <= set(ours["$defs"]["table"]["properties"])
    columns = {**element, **official["$defs"]["SchemaBaseProperty"]["properties"]}
    assert set(columns) <= set(ours["$defs"]["property"]["properties"])
    quality = {
        **official["$defs"]["DataQuality"]["properties"],
        "metric": 0,
        "rule": 0,
        "query": 0,
        "engine": 0,
    }
    assert set(quality) <= set(ours["$defs"]["quality"]["properties"])
