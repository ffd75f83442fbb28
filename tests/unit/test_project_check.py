"""Loading and compiling: each fault of the folder gets its code at its line, and nothing stops at the first."""

# ruff: noqa: E501 - files are quoted as people write them

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook

from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.messages import render
from sanhua.project import load
from sanhua.project.checking import check, income_value
from sanhua.project.model import Project
from sanhua.rules.packs import Packs

RULES = Packs.load(("cn",))
ON = date(2026, 11, 23)
GOOD = "91350100M000100Y43"

BASE = {
    "sanhua.yaml": "sanhua: 1\nentities:\n  us: {}\n",
    "parties.yaml": f"""\
us: {{name: 我们, uscc: {GOOD}, roles: [holder, operator]}}
buyer: {{name: 买方, uscc: 91310000MA1FL0XX7Y, roles: [buyer]}}
cfo: {{name: 财务, person: true, of: us, roles: [finance]}}
clerk: {{name: 职员, person: true, of: us, roles: [data_steward]}}
""",
    "evidence/a.md": "a",
    "standards/codes/purposes.csv": "code,name,parent\ncredit,信贷,\nloan,贷款,credit\nads,广告,\n",
    "sources/raw.yaml": "files: raw.csv\ncadence: day\n",
    "contracts/raw.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: raw
version: 1.0.0
status: active
schema:
  - name: raw
    properties:
      - {name: day, logicalType: date}
      - {name: kwh, logicalType: number}
""",
    "rights/r.yaml": "claims:\n  all: {resource: raw, source: own_collection, evidence: [evidence/a.md]}\n",
    "policies/p.yaml": "permit: {actions: [read], purposes: [credit], count: 100000 per month}\nlevel: L2\n",
    "products/x.yaml": """\
form: derivative
table: raw
policy: p
delivery: {api: {key: [day]}}
plans:
  std: {fee: {month: 10.00}}
""",
    "deals/d.yaml": """\
product: x
consumer: buyer
plan: std
fields: [day, kwh]
purposes: [loan]
from: 2026-01-01
through: 2026-12-31
level: L2
""",
}

VOUCHERS = "voucher,date,summary,account,debit,credit,currency,project,evidence,reverses\n"
BOOKS = {
    "sanhua.yaml": BASE["sanhua.yaml"],
    "parties.yaml": BASE["parties.yaml"],
    "evidence/a.md": "a",
    "books/policy.yaml": "chart: {development_capitalised: 5301.02, payroll: 2211}\n",
}


def made(root: Path, files: dict[str, str], **changed: str) -> Path:
    for name, text in {**files, **changed}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def compiled(
    root: Path, files: dict[str, str], changed: dict[str, str] | None = None
) -> list[Diagnostic]:
    return check(load(made(root, files, **(changed or {})), {}), RULES, ON)


def places(found: list[Diagnostic]) -> list[tuple[str, str, int]]:
    return [(d.code, d.path, d.line) for d in found]


def test_the_base_compiles_without_a_word(tmp_path: Path):
    assert places(compiled(tmp_path, BASE)) == []


def test_a_folder_without_sanhua_yaml_is_no_project(tmp_path: Path):
    with pytest.raises(Invalid) as caught:
        load(tmp_path, {})
    assert caught.value.code == "project.not-a-project"


@pytest.mark.parametrize(
    ("path", "old", "new", "code", "line"),
    [
        ("sanhua.yaml", "sanhua: 1", "sanhua: 2", "format.version", 1),
        ("sanhua.yaml", "us: {}", "us: {regim: CAS}", "format.unknown-key", 3),
        ("sanhua.yaml", "us: {}", "them: {}", "ref.party", 3),
        ("sanhua.yaml", "us: {}", "us: {regime: CASS}", "format.not-one-of", 3),
        ("sanhua.yaml", "us: {}", "us: {currency: RMB}", "format.not-a-currency", 3),
        ("sanhua.yaml", "entities", "engine: postgres\nentities", "project.engine-not-built", 2),
        ("sanhua.yaml", "entities", "serve: {port: 99999}\nentities", "format.not-a-port", 2),
        ("parties.yaml", GOOD, GOOD[:-1] + "5", "party.uscc-wrong", 1),
        ("parties.yaml", "of: us", "of: uss", "ref.party", 3),
        ("parties.yaml", "91310000MA1FL0XX7Y", GOOD, "party.same-uscc", 2),
        ("parties.yaml", "of: us", "of: us, public_key: keys/none.pem", "party.no-key-file", 3),
        (
            "sanhua.yaml",
            "us: {}",
            "us: {parent: buyer}\n  buyer: {parent: us}",
            "entity.parent-cycle",
            3,
        ),
        ("sanhua.yaml", "us: {}", "us: {share: 101%}", "format.not-a-part", 3),
        ("products/x.yaml", "plans:", "tax: {rate: 600%}\nplans:", "format.not-a-part", 5),
        ("products/x.yaml", "plans:", "listings: {onw: {}}\nplans:", "ref.listing", 5),
        ("deals/d.yaml", "level: L2", "level: L2\nmask: {kwh: tokn}", "deal.unknown-mask", 9),
        ("parties.yaml", "[finance]", "[financ]", "format.not-one-of", 3),
        ("sources/raw.yaml", "cadence: day", "cadence: daily", "format.not-one-of", 2),
        (
            "sources/raw.yaml",
            "files: raw.csv",
            "files: raw.csv\nurl: http://x",
            "format.exactly-one",
            2,
        ),
        ("sources/raw.yaml", "files: raw.csv\n", "", "format.exactly-one", 1),
        ("sources/raw.yaml", "raw.csv", "${NOWHERE}/raw.csv", "format.unset-variable", 1),
        ("sources/raw.yaml", "cadence: day", "cadence: day\nsuplier: us", "format.unknown-key", 3),
        *(
            ("sources/raw.yaml", "cadence: day", f"cadence: day\nread: {{{wrong}}}", code, 3)
            for wrong, code in (
                ('delimiter: ";;;;;"', "format.not-a-delimiter"),
                ("escape: '^'", "format.not-an-escape"),
                ("header: two", "format.not-rows-of-headings"),
                ("footer: all", "format.not-a-count"),
                ("mend: never", "format.not-a-flag"),
                ("delimiter: '\"'", "format.not-a-delimiter"),
                ("quote: ab", "format.not-a-quote"),
                ("quote: ','", "format.not-a-quote"),
                ("range: D5-B3", "format.not-cells"),
                ("range: B2", "format.not-cells"),
                ("format: sas", "format.not-one-of"),
            )
        ),
        ("contracts/raw.odcs.yaml", "id: raw", "id: row", "contract.id-differs", 3),
        (
            "contracts/raw.odcs.yaml",
            "status: active",
            "status: active\nstatis: x",
            "format.unknown-key",
            6,
        ),
        (
            "contracts/raw.odcs.yaml",
            "status: active",
            "status: active\nprice: {}",
            "contract.kept-only",
            6,
        ),
        ("contracts/raw.odcs.yaml", "version: 1.0.0", "version: 010", "format.quote-it", 4),
        (
            "contracts/raw.odcs.yaml",
            "name: kwh,",
            "name: kwh, dataelement: x,",
            "format.unknown-key",
            10,
        ),
        (
            "contracts/raw.odcs.yaml",
            "name: kwh,",
            "name: kwh, customProperties: [{property: dataelement, value: x}],",
            "contract.near-miss",
            10,
        ),
        (
            "contracts/raw.odcs.yaml",
            "name: kwh,",
            "name: kwh, customProperties: [{property: dataElement, value: nowhere}],",
            "ref.element",
            10,
        ),
        ("contracts/raw.odcs.yaml", "- name: raw", "- name: rau", "ref.table", 7),
        ("rights/r.yaml", "own_collection", "own_colection", "rights.unknown-source", 2),
        ("rights/r.yaml", "own_collection", "entrusted", "rights.none-from-entrusted", 2),
        (
            "rights/r.yaml",
            "own_collection",
            "open_collection, rights: [operate]",
            "rights.exceeds-source",
            2,
        ),
        ("rights/r.yaml", "evidence/a.md", "evidence/b.md", "ref.evidence", 2),
        ("rights/r.yaml", "evidence/a.md", "../a.md", "format.outside", 2),
        ("rights/r.yaml", "resource: raw", "resource: row", "ref.resource", 2),
        (
            "rights/r.yaml",
            "resource: raw",
            "resource: raw, from: 2026-02-30",
            "format.not-a-day",
            2,
        ),
        (
            "rights/r.yaml",
            "resource: raw",
            "resource: raw, from: 2026-03-01, through: 2026-01-01",
            "format.term-backwards",
            2,
        ),
        ("policies/p.yaml", "[credit]", "[credits]", "ref.purpose", 1),
        ("policies/p.yaml", "actions: [read]", "actions: [raed]", "format.not-one-of", 1),
        (
            "policies/p.yaml",
            "level: L2",
            "level: L2\nforbid: [read]",
            "policy.permit-and-forbid",
            3,
        ),
        ("policies/p.yaml", "100000 per month", "100000", "format.not-a-count-per", 1),
        ("products/x.yaml", "policy: p", "policy: q", "ref.policy", 3),
        ("products/x.yaml", "table: raw", "table: rau", "ref.table", 2),
        ("products/x.yaml", "[day]", "[dya]", "ref.column", 4),
        ("products/x.yaml", "month: 10.00", "month: 1万", "format.not-money", 6),
        ("products/x.yaml", "month: 10.00", "month: 10.005", "format.not-money", 6),
        ("products/x.yaml", "{fee: {month: 10.00}}", "{}", "price.no-price", 6),
        ("products/x.yaml", "{fee:", "{next: other, fee:", "ref.plan", 6),
        ("products/x.yaml", "plans:", "tax: {rate: 0.06}\nplans:", "format.not-a-rate", 5),
        (
            "products/x.yaml",
            "plans:",
            "shares: [{party: us, rate: 10%}]\nplans:",
            "share.one-rest",
            5,
        ),
        (
            "products/x.yaml",
            "plans:",
            "shares: [{party: us, rate: 90%}, {party: buyer, rate: 20%}, {party: us, rest: true}]\nplans:",
            "share.over-100",
            5,
        ),
        (
            "products/x.yaml",
            "{fee: {month: 10.00}}",
            "{per: {call: [{to: 9, price: 1}, {to: 5, price: 2}, {price: 3}]}}",
            "price.unordered-steps",
            6,
        ),
        (
            "products/x.yaml",
            "{fee: {month: 10.00}}",
            "{bundle: {products: [x], fee: {month: 1.00}, split: {x: 90%}}}",
            "price.bundle-split",
            6,
        ),
        (
            "products/x.yaml",
            "  std:",
            "  roof: {ceiling: {approved: evidence/a.md, fee: {month: 9.00}}}\n  std:",
            "price.over-ceiling",
            7,
        ),
        (
            "products/x.yaml",
            "{fee: {month: 10.00}}",
            "{fee: {month: 1.00}, included: {call: 100000}, per: {call: [{to: 200000, price: 1}, {price: 2}]}}",
            "policy.count-below-plan",
            6,
        ),
        ("deals/d.yaml", "[day, kwh]", "[day, kw]", "deal.field-not-offered", 4),
        ("deals/d.yaml", "[loan]", "[ads]", "deal.purpose-not-permitted", 5),
        ("deals/d.yaml", "level: L2", "level: L1", "deal.level-too-low", 8),
        ("deals/d.yaml", "plan: std", "plan: standard", "ref.plan", 3),
        ("deals/d.yaml", "consumer: buyer", "consumer: byer", "ref.party", 2),
        ("deals/d.yaml", "level: L2", "level: L2\nmask: {hour: token}", "deal.mask-field", 9),
        ("deals/d.yaml", "level: L2", "level: L2\ndelivery: push", "deal.delivery-not-offered", 9),
        ("deals/d.yaml", "from: 2026-01-01", "from: 01/01/2026", "format.not-a-day", 6),
        ("deals/d.yaml", "product: x\n", "", "format.missing-key", 1),
        ("deals/d.yaml", "plan:", "formerly: c\nplan:", "format.formerly-not-built", 3),
        ("parties.yaml", "of: us", "formerly: boss, of: us", "format.formerly-not-built", 3),
    ],
)
def test_one_slip_gets_its_code_at_its_line(
    tmp_path: Path, path: str, old: str, new: str, code: str, line: int
):
    assert old in BASE[path]
    found = compiled(tmp_path, BASE, {path: BASE[path].replace(old, new, 1)})
    assert (code, path, line) in places(found)
    for item in found:
        assert item.message("zh") != item.message("en")
        filled = item.message("zh") + item.message("en") + item.hint("zh") + item.hint("en")
        assert not re.search(r"(?<!\$)\{[a-z_]+\}", filled)


def test_an_unknown_key_names_the_nearest(tmp_path: Path):
    found = compiled(
        tmp_path, BASE, {"deals/d.yaml": BASE["deals/d.yaml"].replace("consumer", "consumr")}
    )
    told = next(d for d in found if d.code == "format.unknown-key")
    assert (told.line, told.column, told.facts["nearest"]) == (2, 1, "consumer")
    assert "consumer" in told.hint("zh")


def test_reading_goes_on_past_the_first_fault(tmp_path: Path):
    changed = {
        "deals/d.yaml": "product: [\n",
        "products/x.yaml": BASE["products/x.yaml"].replace("policy: p", "polic: p"),
        "rights/r.yaml": BASE["rights/r.yaml"]
        + "  two: {resource: raw, surce: derived, evidence: [evidence/a.md]}\n",
    }
    root = made(tmp_path, BASE, **changed)
    project = load(root, {})
    assert {d.path for d in project.diagnostics} == {
        "deals/d.yaml",
        "products/x.yaml",
        "rights/r.yaml",
    }
    assert set(project.claims) == {"all"} and not project.deals


def test_a_child_grant_only_narrows(tmp_path: Path):
    rights = """\
claims:
  all: {resource: raw, source: own_collection, evidence: [evidence/a.md]}
grants:
  top: {claim: all, to: us, mode: whole, purposes: [loan], fields: [day], from: 2026-01-01, through: 2026-12-31, evidence: [evidence/a.md]}
  low: {parent: top, to: buyer, fields: [day, kwh], purposes: [credit], through: 2027-12-31}
  loop: {parent: pool, to: buyer}
  pool: {parent: loop, to: buyer}
"""
    found = places(compiled(tmp_path, BASE, {"rights/r.yaml": rights}))
    told = [code for code, path, line in found if line == 5]
    assert told == ["rights.not-onward"] + ["rights.wider-than-parent"] * 3
    assert ("rights.grant-cycle", "rights/r.yaml", 6) in found


def test_two_spellings_of_one_thing_are_refused(tmp_path: Path):
    root = made(tmp_path, BASE)
    book = Workbook()
    book.active.append(["id", "name"])
    book.active.append(["us", "x"])
    book.save(root / "parties.xlsx")
    assert ("format.two-sources", "parties.xlsx", 1) in places(load(root, {}).diagnostics)


def test_standards_from_excel_equal_those_from_yaml(tmp_path: Path):
    yaml_root, excel_root = tmp_path / "y", tmp_path / "x"
    (yaml_root).mkdir()
    (excel_root).mkdir()
    element = "kwh: {title: {zh: 电量, en: energy}, definition: d, type: 'decimal(12,2)', range: 0.., synonyms: [a, b]}\n"
    made(yaml_root, BASE, **{"standards/elements.yaml": element})
    made(excel_root, BASE)
    book = Workbook()
    book.active.title = "elements"
    book.active.append(["标识符", "中文名称", "英文名称", "定义", "数据类型", "值域", "同义名称"])
    book.active.append(["kwh", "电量", "energy", "d", "decimal(12,2)", "0..", "a;b"])
    book.save(excel_root / "standards" / "elements.xlsx")

    def bare(project: Project) -> tuple[object, ...]:
        e = project.elements["kwh"]
        return e.title, e.definition, e.type, e.range, e.synonyms

    assert bare(load(yaml_root, {})) == bare(load(excel_root, {}))


def test_the_model_sheet_repeats_blank_cells_from_above(tmp_path: Path):
    root = made(tmp_path, BASE)
    book = Workbook()
    book.active.append(["主题域", "业务对象", "逻辑实体", "属性", "数据元", "表"])
    book.active.append(["能源", "能耗", "电表", "编号", None, None])
    book.active.append([None, None, None, "容量", None, None])
    book.active.append([None, None, "日能耗", None, None, "raw"])
    book.save(root / "standards" / "model.xlsx")
    model = load(root, {}).model
    assert model["电表"].attributes == {"编号": "", "容量": ""}
    assert (model["日能耗"].domain, model["日能耗"].table) == ("能源", "raw")


def test_elements_that_share_a_name_but_not_a_definition_conflict(tmp_path: Path):
    text = "a: {title: 电量, definition: x, type: string}\nb: {title: 电能, definition: y, type: string, synonyms: [电量]}\n"
    assert ("standard.conflict", "standards/elements.yaml", 2) in places(
        compiled(tmp_path, BASE, {"standards/elements.yaml": text})
    )


def test_environment_overrides_settings(tmp_path: Path):
    root = made(tmp_path, BASE)
    settings = load(
        root, {"SANHUA_LANGUAGE": "en", "SANHUA_STORE": "postgresql://x", "SANHUA_SERVE_PORT": "9"}
    ).settings
    assert (settings.language, settings.store, settings.serve["port"]) == (
        "en",
        "postgresql://x",
        "9",
    )
    assert (load(root, {}).settings.language, load(root, {}).settings.serve["host"]) == (
        "zh",
        "127.0.0.1",
    )


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("SANHUA_ENGINE", "spark", "project.engine-not-built"),
        ("SANHUA_SERVE_PORT", "http", "format.not-a-port"),
    ],
)
def test_a_setting_from_the_environment_is_checked_too(
    tmp_path: Path, name: str, value: str, code: str
):
    project = load(made(tmp_path, BASE), {name: value})
    assert [(d.code, d.facts["value"]) for d in project.diagnostics] == [(code, value)]


def test_defaults_of_the_environment_fill_files(tmp_path: Path):
    root = made(tmp_path, BASE, **{"sources/raw.yaml": "files: ${HERE:-raw}/x.csv\ncadence: day\n"})
    assert load(root, {}).sources["raw"].files == "raw/x.csv"
    assert load(root, {"HERE": "there"}).sources["raw"].files == "there/x.csv"


def test_a_code_list_with_doubles_strangers_and_loops_is_told(tmp_path: Path):
    text = "code,name,parent\na,A,b\nb,B,a\na,A2,\nc,C,nowhere\nd,,\n"
    found = places(compiled(tmp_path, BASE, {"standards/codes/x.csv": text}))
    assert [(code, line) for code, path, line in found if path.endswith("x.csv")] == [
        ("standard.code-cycle", 2),
        ("standard.duplicate-code", 4),
        ("ref.code", 5),
        ("format.missing-cell", 6),
    ]


# SQL


def test_sql_that_names_nothing_known_is_told(tmp_path: Path):
    found = compiled(tmp_path, BASE, {"sql/t.sql": "SELECT day\nFROM rwa\n"})
    assert [d.path for d in found if d.code.startswith("sql.")] == ["sql/t.sql"]


SLA = "slaProperties:\n  - {property: latency, value: 2, unit: h, element: raw.at}\n"
TIMED = BASE["contracts/raw.odcs.yaml"] + "      - {name: at, logicalType: timestamp}\n" + SLA


@pytest.mark.parametrize(
    ("old", "new", "code", "near"),
    [
        ("latency", "latencey", "contract.unknown-sla", "latency"),
        ("raw.at", "raw.att", "ref.column", "raw.at"),
        ("raw.at", "rav.at", "ref.column", "raw.at"),
        ("raw.at", "raw", "ref.column", ""),
        ("unit: h", "unit: hous", "format.not-one-of", "hours"),
        ("unit: h", "unit: m", "format.not-one-of", ""),
        ("value: 2", "value: 2h", "format.not-a-number", ""),
        ("raw.at", "raw.kwh", "contract.latency-type", ""),
        ("raw.at", "raw.day", "contract.latency-type", ""),
    ],
)
def test_a_promise_that_could_not_be_measured_is_refused(
    tmp_path: Path, old: str, new: str, code: str, near: str
):
    sound = compiled(tmp_path / "sound", BASE, {"contracts/raw.odcs.yaml": TIMED})
    assert places(sound) == []
    found = compiled(tmp_path, BASE, {"contracts/raw.odcs.yaml": TIMED.replace(old, new)})
    assert places(found) == [(code, "contracts/raw.odcs.yaml", 13)]
    assert found[0].severity is Severity.ERROR and near in found[0].facts.get("nearest", "")


def test_a_promise_by_the_hour_needs_a_zone_that_exists(tmp_path: Path):
    zone = "logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Asia/Shangai}"
    text = TIMED.replace("logicalType: timestamp", zone)
    found = compiled(tmp_path, BASE, {"contracts/raw.odcs.yaml": text})
    assert places(found) == [("contract.unknown-zone", "contracts/raw.odcs.yaml", 11)]


def test_a_promise_about_nothing_and_a_foreign_one_are_told(tmp_path: Path):
    about = TIMED.replace(", element: raw.at", "") + "  - {property: happiness, value: 1}\n"
    found = compiled(tmp_path, BASE, {"contracts/raw.odcs.yaml": about})
    assert [(d.code, d.severity.value, d.line) for d in found] == [
        ("contract.latency-of-nothing", "warning", 13),
        ("contract.unknown-sla", "note", 14),
    ]


@pytest.mark.parametrize(
    ("rule", "code", "near"),
    [
        ("metric: duplicateValues, arguments: {properties: [day, kwg]}", "ref.column", "kwh"),
        ("metric: duplicateValues", "contract.rule-lacks", ""),
        ("metric: missingValues", "contract.rule-of-no-column", ""),
        ("metric: duplicateValues, arguments: {propertys: [day]}", "format.unknown-key", "prop"),
    ],
)
def test_a_metric_that_could_not_be_measured_is_refused(
    tmp_path: Path, rule: str, code: str, near: str
):
    text = BASE["contracts/raw.odcs.yaml"] + f"    quality:\n      - {{{rule}, mustBe: 0}}\n"
    found = compiled(tmp_path, BASE, {"contracts/raw.odcs.yaml": text})
    assert (code, "contracts/raw.odcs.yaml", 12) in places(found)
    assert near in next(d.facts.get("nearest", "") for d in found if d.code == code)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("metric: invalidValues, mustBe: 0", "contract.rule-lacks"),
        ("metric: nullValues, mustBe: none", "format.not-a-number"),
        ("metric: nullValues, mustBeBetween: [5, 1]", "format.empty-range"),
    ],
)
def test_a_bound_or_list_that_says_nothing_is_refused(tmp_path: Path, rule: str, code: str):
    text = BASE["contracts/raw.odcs.yaml"].replace(
        "name: kwh,", f"name: kwh, quality: [{{{rule}}}],"
    )
    found = compiled(tmp_path, BASE, {"contracts/raw.odcs.yaml": text})
    assert places(found) == [(code, "contracts/raw.odcs.yaml", 10)]


@pytest.mark.parametrize("delimiter", [";", "\\t", "'\t'", "，", "' '", "'|'", "'||'", "', '"])
def test_a_delimiter_is_one_to_four_characters(tmp_path: Path, delimiter: str):
    read = f'read: {{delimiter: {delimiter}, quote: "\'", range: $b$2:A1}}\n'
    assert compiled(tmp_path, BASE, {"sources/raw.yaml": BASE["sources/raw.yaml"] + read}) == []


@pytest.mark.parametrize(
    ("column", "options", "code"),
    [
        ("kwh", "minimum: 10, maximum: 5", "format.empty-range"),
        ("kwh", "exclusiveMinimum: 1, exclusiveMaximum: 0.5", "format.empty-range"),
        ("day", "minimum: '2026-02-01', maximum: '2026-01-31'", "format.empty-range"),
        ("kwh", "minimum: ten", "format.wrong-form"),
        ("day", "maximum: tomorrow", "format.wrong-form"),
        ("kwh", "minimum: 5, maximum: 5", ""),
        ("day", "minimum: '2026-01-31'", ""),
    ],
)
def test_bounds_that_no_value_can_meet_are_refused(
    tmp_path: Path, column: str, options: str, code: str
):
    text = BASE["contracts/raw.odcs.yaml"].replace(
        f"name: {column},", f"name: {column}, logicalTypeOptions: {{{options}}},"
    )
    found = compiled(tmp_path, BASE, {"contracts/raw.odcs.yaml": text})
    line = 9 if column == "day" else 10
    assert places(found) == ([(code, "contracts/raw.odcs.yaml", line)] if code else [])


@pytest.mark.parametrize(
    ("range", "type", "code"),
    [
        ("10..5", "decimal(12,2)", "format.empty-range"),
        ("2026-02-01..2026-01-01", "date", "format.empty-range"),
        ("0..many", "integer", "format.not-a-range"),
        ("5..5", "integer", ""),
        ("..10", "decimal(12,2)", ""),
    ],
)
def test_a_range_of_an_element_that_holds_no_value_is_refused(
    tmp_path: Path, range: str, type: str, code: str
):
    text = f'power: {{definition: 电量, type: "{type}", range: {range}}}\n'
    found = compiled(tmp_path, BASE, {"standards/elements.yaml": text})
    assert places(found) == ([(code, "standards/elements.yaml", 1)] if code else [])


@pytest.mark.parametrize("contract", [True, False])
@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("SELECT kwh AS n,\n  day AS N FROM raw", 2),
        ("SELECT a.kwh,\n  b.kwh\nFROM raw a JOIN raw b ON a.day = b.day", 2),
    ],
)
def test_two_columns_of_one_name_are_found_before_any_run(
    tmp_path: Path, query: str, line: int, contract: bool
):
    root = made(tmp_path, BASE, **{"sql/t.sql": query})
    if not contract:
        for path in (*root.glob("[rpd]*/*"), *root.glob("contracts/*")):
            path.unlink()
    found = [d for d in check(load(root, {}), RULES, ON) if d.severity is Severity.ERROR]
    assert places(found) == [("sql.column-twice", "sql/t.sql", line)]


def test_a_star_that_brings_a_name_twice_is_found_too(tmp_path: Path):
    found = compiled(tmp_path, BASE, {"sql/t.sql": "SELECT *, day FROM raw"})
    assert ("sql.column-twice", "sql/t.sql", 1) in places(found)


def test_a_table_whose_bytes_may_differ_each_run_is_warned_of_at_its_line(tmp_path: Path):
    query = "SELECT day,\n  sum(kwh) AS kwh,\n  mode(day) AS most\nFROM raw GROUP BY day\nLIMIT 5"
    found = compiled(tmp_path, BASE, {"sql/t.sql": query})
    assert [(d.code, d.path, d.line) for d in found if d.severity is Severity.WARNING] == [
        ("sql.unordered", "sql/t.sql", 1),
        ("sql.inexact", "sql/t.sql", 2),
        ("sql.ties", "sql/t.sql", 3),
    ]


def test_a_rule_of_two_values_is_refused(tmp_path: Path):
    rule = "    quality:\n      - {type: sql, query: 'SELECT 1, 2', mustBe: 1}\n"
    text = BASE["contracts/raw.odcs.yaml"] + rule
    found = compiled(tmp_path, BASE, {"contracts/raw.odcs.yaml": text})
    assert places(found) == [("engine.not-one-value", "contracts/raw.odcs.yaml", 12)]


def test_a_contract_column_that_the_sql_does_not_make_is_told(tmp_path: Path):
    contract = BASE["contracts/raw.odcs.yaml"].replace("raw", "t").replace("kwh", "kwh_total")
    changed = {
        "sql/t.sql": "SELECT day, sum(kwh) AS total_kwh FROM raw GROUP BY day\n",
        "contracts/t.odcs.yaml": contract,
    }
    found = compiled(tmp_path, BASE, changed)
    assert ("contract.unknown-column", "contracts/t.odcs.yaml", 10) in places(found)
    note = next(d for d in found if d.code == "contract.unlisted-column")
    assert (note.severity, note.facts["value"]) == ("note", "total_kwh")


def test_a_column_that_no_table_has_is_told_wherever_it_is_read(tmp_path: Path):
    """In a transform at its own line, in an indicator and a service query too."""
    service = (
        "form: service\ntable: raw\nquery: products/s.query.sql\nanswer: rows\npolicy: p\n"
        "parameters: {since: d}\ndelivery: {api: {}}\nplans: {a: {free: true}}\n"
    )
    changed = {
        "sql/t.sql": "SELECT day,\n  hwk AS x\nFROM raw\n",
        "standards/elements.yaml": "d: {definition: d, type: date}\n",
        "standards/indicators.yaml": "i: {definition: x, table: raw, formula: sum(kw), by: [day]}\n"
        "j: {definition: x, table: raw, formula: kwh + 1}\n",
        "products/s.yaml": service,
        "products/s.query.sql": "SELECT kwh\nFROM raw\nWHERE dya >= $since AND day < $till\n",
    }
    found = places(compiled(tmp_path, BASE, changed))
    assert ("sql.unknown-column", "sql/t.sql", 2) in found
    assert ("sql.unknown-column", "standards/indicators.yaml", 1) in found
    assert ("standard.not-an-aggregate", "standards/indicators.yaml", 2) in found
    assert ("sql.unknown-column", "products/s.query.sql", 3) in found
    changed["products/s.query.sql"] = changed["products/s.query.sql"].replace("dya", "day")
    found = places(compiled(tmp_path, BASE, changed))
    assert ("product.unknown-parameter", "products/s.yaml", 3) in found


def test_every_broken_transform_is_told_and_the_others_still_compile(tmp_path: Path):
    changed = {
        "sql/a.sql": "SELECT day FROM b\n",
        "sql/b.sql": "SELECT day FROM a\n",
        "sql/c.sql": "SELECT day FROM nowhere\n",
        "sql/d.sql": "SELECT day FRM raw\n",
        "sql/e.sql": "SELECT\n dya FROM raw\n",
        "sql/f.sql": "DELETE FROM raw\n",
    }
    found = [
        (d.code, d.path) for d in compiled(tmp_path, BASE, changed) if d.code.startswith("sql.")
    ]
    assert ("sql.cycle", "sql/a.sql") in found or ("sql.cycle", "sql/b.sql") in found
    assert {path for _, path in found} >= {f"sql/{name}.sql" for name in "cdef"}


# Books


@pytest.mark.parametrize(
    ("rows", "code", "line"),
    [
        (
            "1,2024-01-31,x,5301.02,一百,,,,,\n1,2024-01-31,x,2211,,100.00,,,,\n",
            "voucher.text-amount",
            2,
        ),
        (
            '1,2024-01-31,x,5301.02,"1,000.00",,,,,\n1,2024-01-31,x,2211,,1000.00,,,,\n',
            "voucher.text-amount",
            2,
        ),
        (
            "1,2024-01-31,x,5301.02,100.001,,,,,\n1,2024-01-31,x,2211,,100.00,,,,\n",
            "voucher.too-many-decimals",
            2,
        ),
        (
            "1,2024-01-31,x,5301.02,100.00,,,,,\n1,2024-01-31,x,2211,,90.00,,,,\n",
            "voucher.unbalanced",
            2,
        ),
        (
            "1,2024-01-31,x,5301.02,100.00,,CNY,,,\n1,2024-01-31,x,2211,,100.00,USD,,,\n",
            "voucher.two-currencies",
            3,
        ),
        (
            "1,2024-01-31,x,5301.02,100.00,5.00,,,,\n1,2024-01-31,x,2211,,95.00,,,,\n",
            "voucher.both-sides",
            2,
        ),
        ("1,2024-01-31,x,5301.02,,,,,,\n1,2024-01-31,x,2211,,95.00,,,,\n", "voucher.no-amount", 2),
        ("1,2024-1-31,x,5301.02,1.00,,,,,\n1,2024-01-31,x,2211,,1.00,,,,\n", "format.not-a-day", 2),
        (
            "1,2024-01-31,x,5301.02,1.00,,,,,\n1,2024-02-01,x,2211,,1.00,,,,\n",
            "voucher.two-dates",
            3,
        ),
        ("1,2024-01-31,x,9999,1.00,,,,,\n1,2024-01-31,x,2211,,1.00,,,,\n", "chart.unmapped", 2),
        (
            "1,2024-01-31,x,5301.02,1.00,,,P1,,\n1,2024-01-31,x,2211,,1.00,,,,\n",
            "voucher.no-evidence",
            2,
        ),
        (
            "1,2024-01-31,x,5301.02,1.00,,,,evidence/none.md,\n1,2024-01-31,x,2211,,1.00,,,,\n",
            "ref.evidence",
            2,
        ),
        ("1,2024-01-31,x,5301.02,-1.00,,,,,0\n1,2024-01-31,x,2211,,-1.00,,,,\n", "ref.voucher", 2),
    ],
)
def test_a_voucher_slip_gets_its_code_at_its_line(tmp_path: Path, rows: str, code: str, line: int):
    found = compiled(tmp_path, BOOKS, {"books/vouchers/v.csv": VOUCHERS + rows})
    assert (code, "books/vouchers/v.csv", line) in places(found)


def test_a_number_twice_in_a_fiscal_year_is_refused_and_in_another_year_kept(tmp_path: Path):
    def pair(day: str) -> str:
        return f"1,{day},x,5301.02,1.00,,,,,\n1,{day},x,2211,,1.00,,,,\n"

    changed = {
        "books/vouchers/a.csv": VOUCHERS + pair("2024-01-31"),
        "books/vouchers/b.csv": VOUCHERS + pair("2024-12-31"),
        "books/vouchers/c.csv": VOUCHERS + pair("2025-01-31"),
    }
    root = made(tmp_path, BOOKS, **changed)
    project = load(root, {})
    assert places(project.diagnostics) == [("voucher.duplicate-number", "books/vouchers/b.csv", 2)]
    assert set(project.vouchers) == {"voucher:1", "voucher:1@2025"}


def test_the_three_voucher_spellings_say_the_same(tmp_path: Path):
    rows = [
        ["1", "2024-01-31", "x", "5301.02", "1.50", ""],
        ["1", "2024-01-31", "x", "2211", "", "1.50"],
    ]
    columns = "voucher,date,summary,account,debit,credit"
    made(
        tmp_path / "a",
        BOOKS,
        **{"books/vouchers/v.csv": "\n".join([columns, *(",".join(r) for r in rows)])},
    )
    made(tmp_path / "b", BOOKS, **{"books/vouchers/.keep": ""})
    book = Workbook()
    book.active.append(columns.split(","))
    for row in rows:
        book.active.append([*row[:4], *(float(cell) if cell else None for cell in row[4:])])
    book.save(tmp_path / "b" / "books" / "vouchers" / "v.xlsx")
    text = '2024-01-31 * "x"\n  voucher: "1"\n  5301.02  1.50 CNY\n  2211  -1.50 CNY\n'
    made(tmp_path / "c", BOOKS, **{"books/vouchers/v.beancount": text})
    found = []
    for name in "abc":
        project = load(tmp_path / name, {})
        assert project.diagnostics == []
        found.append(
            [
                (line.account, line.amount, line.summary)
                for line in project.vouchers["voucher:1"].lines
            ]
        )
    assert found[0] == found[1] == found[2]


ASSET = """\
route: self_developed
use: internal
project: {codes: [P1]}
recognition:
  technical_feasibility: {date: 2024-01-01, evidence: [evidence/a.md]}
  intention: {date: 2024-01-01, evidence: [evidence/a.md]}
  future_benefit: {date: 2024-01-01, evidence: [evidence/a.md]}
  resources: {date: 2024-01-01, evidence: [evidence/a.md]}
  reliable_measurement: {date: 2024-01-01, evidence: [evidence/a.md]}
  judged: {by: cfo, date: 2024-01-02}
"""


@pytest.mark.parametrize(
    ("path", "old", "new", "code", "line"),
    [
        (
            "books/assets/a.yaml",
            "  intention: {date: 2024-01-01, evidence: [evidence/a.md]}\n",
            "",
            "format.missing-key",
            4,
        ),
        ("books/assets/a.yaml", "by: cfo", "by: clerk", "asset.judged-role", 10),
        ("books/assets/a.yaml", "by: cfo", "by: cof", "ref.party", 10),
        (
            "books/assets/a.yaml",
            "codes: [P1]",
            "codes: [P1], appraisal: x",
            "format.unknown-key",
            3,
        ),
        (
            "books/assets/a.yaml",
            "route: self_developed",
            "route: purchased",
            "format.missing-key",
            1,
        ),
        ("sanhua.yaml", "us: {}", "us: {regime: GAS}", "recognise.other-regime", 3),
        ("books/policy.yaml", "payroll", "pay_roll", "chart.unknown-role", 1),
    ],
)
def test_an_asset_slip_gets_its_code_at_its_line(
    tmp_path: Path, path: str, old: str, new: str, code: str, line: int
):
    files = {**BOOKS, "books/assets/a.yaml": ASSET}
    found = compiled(tmp_path, files, {path: files[path].replace(old, new, 1)})
    assert (code, path, line) in places(found)


LIFE = (
    ASSET
    + """\
measurement:
  available_on: 2024-06-30
  evidence: [evidence/a.md]
  life: {months: 36, rights_until: 2027-12-31, reasons: [contract], judged: {by: cfo, date: 2024-07-01}}
  method: {kind: units_of_production, total: 9000, unit: 次, reason: 按次收费,
           evidence: [evidence/a.md], judged: {by: cfo, date: 2024-07-01}}
  usage:
    - {month: 2024-06, units: 1200, evidence: [evidence/b.md]}
  opening: {date: 2024-03-31, development: 100.00, evidence: [evidence/a.md],
            judged: {by: cfo, date: 2024-04-01}}
  estimates:
    - {date: 2024-09-01, total: 8000, reason: 更新, judged: {by: cfo, date: 2024-09-01}}
  impairments:
    - date: 2024-12-31
      test: {value_in_use: {cash_flows: {2025: 100.00, 2026: 90.00}, discount: 12%},
             fair_value_less_cost: 60.00}
      indications: [价格下跌]
      evidence: [evidence/a.md]
      judged: {by: cfo, date: 2025-01-10}
  held_for_sale:
    - {date: 2025-02-10, act: classified, saleable: true, resolution: 2025-02-01,
       commitment: 2025-02-05, expected_by: 2025-12-31, agreement: [evidence/b.md],
       fair_value: 50.00, cost_to_sell: 1.00, evidence: [evidence/a.md],
       judged: {by: cfo, date: 2025-02-10}}
  disposals:
    - {date: 2025-06-30, reason: contribution, agreed: 55.00, agreement: [evidence/b.md],
       judged: {by: cfo, date: 2025-06-30}}
  corrections:
    - {date: 2025-03-20, concerns: "2024", kind: audit, layer: cost, amount: -1.00, reason: 误记,
       evidence: [evidence/a.md], judged: {by: cfo, date: 2025-03-20}}
"""
)


def test_a_whole_life_is_read_with_all_its_papers(tmp_path: Path):
    files = {**BOOKS, "books/assets/a.yaml": LIFE, "evidence/b.md": "b"}
    project = load(made(tmp_path, files), {})
    assert [told.code for told in check(project, RULES, ON)] == ["recognise.one-paper"]
    facts = project.assets["a"].measurement
    said = {one.about: one.evidence for one in project.assets["a"].judgements}
    assert {len(set(papers)) for papers in (said["held_for_sale"], said["impairments"])} == {2, 1}
    assert facts.corrections[0].through.isoformat() == "2024-12-31"
    assert facts.impairments[0]["test.value_in_use.cash_flows.2026"] == "90.00"
    assert facts.method["total"] == "9000" and facts.life is not None
    assert max(facts.days()).isoformat() == "2025-06-30"


def test_a_life_ends_with_the_claim_that_it_stands_on(tmp_path: Path):
    claim = BASE["rights/r.yaml"].replace("evidence:", "through: 2026-06-30, evidence:")
    asset = LIFE.replace("rights_until: 2027-12-31", "rights: [all], rights_until: 2027-12-31")
    files = {**BASE, **BOOKS, "books/assets/a.yaml": asset, "evidence/b.md": "b"}
    project = load(made(tmp_path, files, **{"rights/r.yaml": claim}), {})
    life = project.assets["a"].measurement.life
    assert life is not None and str(life.rights_until) == "2026-06-30"


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("rights_until: 2027-12-31", "rights: [none]", "ref.claim", 14),
        ("act: classified", "act: sold", "format.not-one-of", 31),
        ("resolution: 2025-02-01", "resolution: 2025-02-30", "format.not-a-day", 31),
        ('concerns: "2024"', "concerns: last", "time.not-a-period", 39),
        ("total: 8000, reason: 更新, judged: {by: cfo", "total: 8000, judged: {by: clerk",
         "asset.judged-role", 22),
        (", judged: {by: cfo, date: 2024-09-01}", "", "measure.fact-not-judged", 22),
        ("judged: {by: cfo, date: 2024-09-01}", "judged: {by: cfo, date: 2999-09-01}",
         "asset.judged-ahead", 22),
        ("{month: 2024-06, ", "{month: 2024-13, ", "format.not-a-month", 18),
    ],
)  # fmt: skip
def test_a_slip_in_a_life_gets_its_code(tmp_path: Path, old: str, new: str, code: str, line: int):
    assert old in LIFE
    files = {**BOOKS, "books/assets/a.yaml": LIFE.replace(old, new, 1), "evidence/b.md": "b"}
    found = compiled(tmp_path, files)
    assert (code, "books/assets/a.yaml", line) in places(found)


def test_a_refused_regime_cites_the_instrument(tmp_path: Path):
    files = {
        **BOOKS,
        "books/assets/a.yaml": ASSET,
        "sanhua.yaml": "sanhua: 1\nentities: {us: {regime: GAS}}\n",
    }
    told = next(d for d in compiled(tmp_path, files) if d.code == "recognise.other-regime")
    assert told.rule is not None and told.rule.number == "财会〔2023〕11号"


APPRAISAL = """\
asset: a
purpose: pledge
base_date: 2025-06-30
appraiser: us
method: {income: share}
inputs:
  income: {2026: 3000000.00, 2027: 3600000.00, 2028: 4320000.00}
  share: {2026: 35%, 2027: 35%, 2028: 30%}
  discount: {risk_free: 2.2%, premium: 9.8%}
value: 2864431.49
"""


def test_an_appraisal_is_recomputed_from_its_inputs(tmp_path: Path):
    """The reference's example gives 2,864,431.49."""
    files = {**BOOKS, "books/assets/a.yaml": ASSET, "books/appraisals/v.yaml": APPRAISAL}
    assert "appraisal.value-differs" not in {d.code for d in compiled(tmp_path, files)}
    changed = {"books/appraisals/v.yaml": APPRAISAL.replace("2864431.49", "2864431.00")}
    found = compiled(tmp_path, files, changed)
    told = next(d for d in found if d.code == "appraisal.value-differs")
    assert (told.line, told.facts["computed"]) == (10, "2864431.49")


def test_discounting_at_year_ends_gives_the_published_value():
    """Regulation reference 2.2: F = 100, 120, 144 at 12 % is 287.445335."""
    inputs = {"income": {"2026": "100", "2027": "120", "2028": "144"}, "discount": "12%"}
    assert round(income_value("direct", inputs), 6) == Decimal("287.445335")


def test_a_loan_above_its_bound_is_told(tmp_path: Path):
    """Yantai: 500 against 1,001.94 (万元) is 49.90 %, so a bound of 49 % is broken and 50 % is kept."""
    appraisal = (
        APPRAISAL.split("inputs:")[0]
        + "inputs: {discount: 12%, income: {2026: 11221728.00}}\nvalue: 10019400.00\n"
    )
    appraisal = appraisal.replace("income: share", "income: direct")
    loan = "kind: pledge\nasset: a\nappraisal: v\nlender: buyer\namount: 5000000.00\nfrom: 2025-07-01\nthrough: 2026-06-30\nltv_max: {}\n"
    files = {**BOOKS, "books/assets/a.yaml": ASSET, "books/appraisals/v.yaml": appraisal}
    for bound, told in (("49%", True), ("50%", False)):
        found = compiled(tmp_path, files, {"books/financings/f.yaml": loan.format(bound)})
        assert (("financing.over-ltv", "books/financings/f.yaml", 5) in places(found)) is told


def test_several_entities_keep_their_own_books(tmp_path: Path):
    files = {name: text for name, text in BOOKS.items() if not name.startswith("books/")}
    files["sanhua.yaml"] = "sanhua: 1\nentities:\n  us: {}\n  buyer: {parent: us, share: 51%}\n"
    for entity in ("us", "buyer"):
        files[f"books/{entity}/policy.yaml"] = BOOKS["books/policy.yaml"]
        files[f"books/{entity}/vouchers/v.csv"] = (
            VOUCHERS + "1,2024-01-31,x,5301.02,1.00,,,,,\n1,2024-01-31,x,2211,,1.00,,,,\n"
        )
    project = load(made(tmp_path, files), {})
    assert project.diagnostics == []
    assert set(project.vouchers) == {"voucher:us/1", "voucher:buyer/1"}
    assert {v.entity for v in project.vouchers.values()} == {"party:us", "party:buyer"}


# ODRL, the other spelling of a policy

ODRL = """\
{"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Set", "uid": "policy:q",
 "permission": [{"action": ["read"], "target": "product:x", "constraint": [
   {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": ["purpose:credit"]},
   {"leftOperand": "sanhua:countPerMonth", "operator": "lteq", "rightOperand": 100000}]}],
 "prohibition": [{"action": ["sell"], "target": "product:x"}],
 "obligation": [{"action": "delete", "constraint": [
   {"leftOperand": "elapsedTime", "operator": "lteq", "rightOperand": "P30D"}]}]}
"""


def test_an_odrl_policy_says_the_same_as_the_short_form(tmp_path: Path):
    policy = load(made(tmp_path, BASE, **{"policies/q.odrl.json": ODRL}), {}).policies["q"]
    assert (policy.actions, policy.purposes, policy.forbid) == (("read",), ("credit",), ("sell",))
    assert policy.permit == {"count": "100000 per month"}
    assert policy.oblige == ({"action": "delete", "within": "30 days", "after": "term"},)


def test_an_odrl_term_without_meaning_is_refused(tmp_path: Path):
    text = ODRL.replace("sanhua:countPerMonth", "systemDevice")
    project = load(made(tmp_path, BASE, **{"policies/q.odrl.json": text}), {})
    assert places(project.diagnostics) == [("policy.not-executable", "policies/q.odrl.json", 4)]
    assert "q" not in project.policies


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "nearest"),
    [
        ('["read"]', '["raed"]', "policy.not-executable", 2, "read"),
        ('"delete"', '"deletee"', "policy.not-executable", 6, "delete"),
        ('["sell"]', '["odrl:sel"]', "policy.not-executable", 5, "sell"),
        ('"purpose"', '"purpos"', "policy.not-executable", 3, "purpose"),
        ('"isAnyOf"', '"isAnyof"', "policy.not-executable", 3, "isAnyOf"),
        ('"isAnyOf"', '"isNoneOf"', "policy.not-executable", 3, "isAnyOf"),
        (
            '"lteq", "rightOperand": 100000',
            '"lteq", "rightOperand": -1',
            "policy.wrong-value",
            4,
            "",
        ),
        ('["purpose:credit"]', "[]", "policy.wrong-value", 3, ""),
        ("sanhua:countPerMonth", "sanhua:level", "policy.not-executable", 4, "gteq"),
        (
            '["read"]',
            '[{"rdf:value": {"@id": "odrl:read"}, "refinement": [{"leftOperand": "count"}]}]',
            "policy.not-executable",
            2,
            "–",
        ),
        (
            '"uid": "policy:q"',
            '"target": {"@id": "product:x", "refinement": []}',
            "policy.not-executable",
            1,
            "–",
        ),
        (
            '"target": "product:x", "constraint"',
            '"target": {"@id": "product:x", "refinement": []}, "constraint"',
            "policy.not-executable",
            2,
            "–",
        ),
        (
            '{"leftOperand": "sanhua:countPerMonth"',
            '{"leftOperand": "purpose", "operator": "eq", "rightOperand": "ads"},'
            '{"leftOperand": "sanhua:countPerMonth"',
            "policy.not-executable",
            3,
            "–",
        ),
    ],
)
def test_an_odrl_word_value_or_refinement_without_meaning_is_refused(
    tmp_path: Path, old: str, new: str, code: str, line: int, nearest: str
):
    assert old in ODRL
    changed = {"policies/q.odrl.json": ODRL.replace(old, new, 1)}
    project = load(made(tmp_path, BASE, **changed), {})
    told = next(d for d in project.diagnostics if d.code == code)
    assert (told.line, told.facts.get("nearest", "")) == (line, nearest)
    assert "q" not in project.policies


def test_an_odrl_action_may_be_an_object_and_a_value_typed(tmp_path: Path):
    text = ODRL.replace('["read"]', '[{"@id": "odrl:read"}, {"rdf:value": {"@id": "odrl:derive"}}]')
    text = text.replace('"purpose:credit"', '{"@id": "urn:x:purpose:credit"}')
    policy = load(made(tmp_path, BASE, **{"policies/q.odrl.json": text}), {}).policies["q"]
    assert (policy.actions, policy.purposes) == (("read", "derive"), ("credit",))


def test_a_buyer_who_is_no_recipient_of_the_policy_is_refused(tmp_path: Path):
    for recipients, told in (("[us]", ["deal.not-a-recipient"]), ("[us, buyer]", [])):
        policy = BASE["policies/p.yaml"].replace("count:", f"recipients: {recipients}, count:")
        found = compiled(tmp_path, BASE, {"policies/p.yaml": policy})
        assert [d.code for d in found if d.path == "deals/d.yaml"] == told


def test_a_misnamed_file_is_told(tmp_path: Path):
    changed = {
        "contracts/other.yaml": "a: 1\n",
        "party.yaml": "a: 1\n",
        "deals/x.txt": "",
        "sql/a.sqll": "SELECT 1",
    }
    found = places(compiled(tmp_path, BASE, changed))
    assert [path for code, path, _ in found if code == "project.unknown-file"] == [
        "contracts/other.yaml",
        "party.yaml",
        "sql/a.sqll",
    ]


def test_every_code_has_its_text():
    from sanhua.kernel.messages.format import MESSAGES

    for code, message in MESSAGES.items():
        assert message.zh and message.en and message.zh != message.en, code
        assert bool(message.hint_zh) == bool(message.hint_en), code
        render(code, {}, "zh")


@pytest.mark.parametrize(
    ("floor", "offer", "found"),
    [
        ("general4", "", [("listing.grade-above-class", "products/x.yaml", 8)]),
        ("general4", "offer: [day]\n", []),
        ("general2", "", []),
        ("important", "", [("listing.grade-above-class", "products/x.yaml", 8)]),
    ],
)
def test_a_floor_above_what_a_listing_allows_is_told_before_the_run(
    tmp_path: Path, floor: str, offer: str, found: list[tuple[str, str, int]]
):
    contract = BASE["contracts/raw.odcs.yaml"].replace(
        "logicalType: number", f"logicalType: number, classification: {floor}"
    )
    product = BASE["products/x.yaml"] + "listings:\n  own: {class: general2}\n" + offer
    deal = BASE["deals/d.yaml"].replace("[day, kwh]", "[day]")
    changed = {
        "contracts/raw.odcs.yaml": contract, "products/x.yaml": product, "deals/d.yaml": deal,
    }  # fmt: skip
    told = compiled(tmp_path, BASE, changed)
    assert places([d for d in told if d.code.startswith("listing.")]) == found
    assert all(d.severity == "warning" for d in told if d.code.startswith("listing."))


def test_a_balance_on_an_unknown_line_is_refused_with_the_nearest(tmp_path: Path):
    text = "line,ending\nintangible,100.00\n开发支出,50.00\n无型资产,20.00\n"
    found = compiled(tmp_path, BOOKS, {"books/balances/2024-06-30.csv": text})
    told = [d for d in found if d.code == "ref.line"]
    assert places(told) == [("ref.line", "books/balances/2024-06-30.csv", 4)]
    assert told[0].facts == {"value": "无型资产", "nearest": "无形资产"}


def test_a_red_voucher_remembers_the_side_it_was_written_on(tmp_path: Path):
    rows = "1,2024-01-31,x,5301.02,-5.00,,,,,\n1,2024-01-31,x,2211,,-5.00,,,,\n"
    project = load(made(tmp_path, BOOKS, **{"books/vouchers/v.csv": VOUCHERS + rows}), {})
    lines = project.vouchers["voucher:1"].lines
    assert [(line.amount.text, line.red) for line in lines] == [("-5.00", True), ("5.00", True)]


def test_a_beancount_file_with_an_amount_left_out_is_a_voucher(tmp_path: Path):
    text = """\
option "operating_currency" "CNY"
2020-01-01 open Assets:RD:5301-02 CNY
2024-03-31 * "薪酬"
  voucher: "7"
  Assets:RD:5301-02  1000.00 CNY
  Liabilities:2211
2024-04-30 * "薪酬"
  voucher: "8"
  Assets:RD:5301-02  10 * 2 CNY
  Liabilities:2211
"""
    root = made(tmp_path, BOOKS, **{"books/vouchers/v.beancount": text})
    project = load(root, {})
    (voucher,) = project.vouchers.values()
    assert [(line.account, line.amount.text) for line in voucher.lines] == [
        ("5301.02", "1000.00"),
        ("2211", "-1000.00"),
    ]
    assert places(project.diagnostics) == [("voucher.text-amount", "books/vouchers/v.beancount", 9)]


def test_a_party_may_have_a_name_in_each_language(tmp_path: Path):
    parties = BASE["parties.yaml"].replace("name: 买方", "name: {zh: 买方, en: The buyer}")
    root = made(tmp_path, BASE, **{"parties.yaml": parties})
    project = load(root, {})
    buyer = project.parties["buyer"]
    assert (buyer.name, buyer.name_en) == ("买方", "The buyer")
    assert check(project, RULES, ON) == []
    english = parties.replace("{zh: 买方, en: The buyer}", "{en: The buyer}")
    buyer = load(made(tmp_path, BASE, **{"parties.yaml": english}), {}).parties["buyer"]
    assert (buyer.name, buyer.name_en) == ("The buyer", "")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("parties.yaml", "roles: [buyer]", "rolls: [buyer]"),
        ("parties.yaml", "us: {name", "us: [name"),
        ("standards/codes/purposes.csv", "loan,贷款,credit", "loan,,credit"),
        ("standards/codes/purposes.csv", "loan,贷款,credit", "loan"),
        ("contracts/raw.odcs.yaml", "logicalType: number", "logicalType: nmber"),
        ("policies/p.yaml", "[read]", "[reed]"),
        ("products/x.yaml", "month: 10.00", "month: ten"),
        ("rights/r.yaml", "resource: raw", "resorce: raw"),
    ],
)
def test_one_faulty_thing_makes_no_false_errors_elsewhere(
    tmp_path: Path, path: str, old: str, new: str
):
    assert old in BASE[path]
    rights = BASE["rights/r.yaml"] + (
        "grants:\n  g: {claim: all, to: buyer, mode: whole, purposes: [loan], from: 2026-01-01,"
        " through: 2026-12-31, evidence: [evidence/a.md], reviewers: [finance]}\n"
    )
    files = BASE | {"rights/r.yaml": rights}
    found = compiled(tmp_path, files, {path: files[path].replace(old, new, 1)})
    assert {d.path for d in found} == {path}


def test_a_faulty_voucher_or_asset_makes_no_false_errors_elsewhere(tmp_path: Path):
    asset = """\
route: purchased
use: internal
vouchers: ['1']
control: [evidence/a.md]
"""
    rows = "1,2024-01-31,x,5301.02,1.0x,,,,,\n1,2024-01-31,x,2211,,1.00,,,,\n"
    red = "2,2024-02-28,x,5301.02,-1.00,,,,,1\n2,2024-02-28,x,2211,,-1.00,,,,\n"
    files = BOOKS | {"books/vouchers/v.csv": VOUCHERS + rows + red, "books/assets/a.yaml": asset}
    found = [(d.code, d.path) for d in compiled(tmp_path, files) if d.severity == "error"]
    assert found == [("voucher.text-amount", "books/vouchers/v.csv")]
    paid = (
        VOUCHERS
        + "1,2024-01-31,x,5301.02,1.00,,,P1,evidence/a.md,\n1,2024-01-31,x,2211,,1.00,,,,\n"
    )
    changed = {"books/vouchers/v.csv": paid, "books/assets/a.yaml": asset.replace("use", "yse")}
    assert {d.path for d in compiled(tmp_path, files, changed)} == {"books/assets/a.yaml"}
    changed = {"books/vouchers/v.csv": paid.replace("P1", ""), "books/policy.yaml": "chart: []\n"}
    assert {d.path for d in compiled(tmp_path, files, changed)} == {"books/policy.yaml"}


@pytest.mark.parametrize(
    ("count", "plan", "told"),
    [
        # 200,000 at 1, then 2: the 200,001st is the first at 2
        ("200000 per month", "per: {call: [{to: 200000, price: 1}, {price: 2}]}", True),
        ("200001 per month", "per: {call: [{to: 200000, price: 1}, {price: 2}]}", False),
        ("100000 per month", "included: {call: 100000}, per: {call: 1}", True),
        ("100001 per month", "included: {call: 100000}, per: {call: 1}", False),
        # steps begin after what is included
        (
            "15 per month",
            "included: {call: 10}, per: {call: [{to: 5, price: 1}, {price: 2}]}",
            True,
        ),
        (
            "16 per month",
            "included: {call: 10}, per: {call: [{to: 5, price: 1}, {price: 2}]}",
            False,
        ),
        ("100000 per month", "limit: {call: 100000}", False),
        ("99999 per month", "limit: {call: 100000}", True),
        ("10 per day", "included: {call: 309}, per: {call: 1}", False),  # a month has up to 31 days
        ("10 per day", "included: {call: 310}, per: {call: 1}", True),
        ("1 per minute", "included: {call: 44639}, per: {call: 1}", False),
        ("1 per minute", "included: {call: 44640}, per: {call: 1}", True),
        ("10 per week", "per: {call: 1}", False),
    ],
)
def test_a_count_that_leaves_a_priced_unit_unreachable_is_told(
    tmp_path: Path, count: str, plan: str, told: bool
):
    changed = {
        "policies/p.yaml": BASE["policies/p.yaml"].replace("100000 per month", count),
        "products/x.yaml": BASE["products/x.yaml"].replace("10.00}}", f"10.00}}, {plan}}}"),
    }
    found = compiled(tmp_path, BASE, changed)
    assert [d.code for d in found] == ["policy.count-below-plan"] * told


@pytest.mark.parametrize("method", ["cost: expert9", "market: comparables", "income: excess"])
def test_an_appraisal_that_is_not_recomputed_says_so(tmp_path: Path, method: str):
    appraisal = APPRAISAL.replace("income: share", method)
    files = {**BOOKS, "books/assets/a.yaml": ASSET, "books/appraisals/v.yaml": appraisal}
    told = next(d for d in compiled(tmp_path, files) if d.code == "appraisal.not-recomputed")
    assert (told.severity, told.facts["method"]) == ("note", method)


def test_with_several_entities_a_file_of_nobody_is_refused(tmp_path: Path):
    changed = {
        "sanhua.yaml": "sanhua: 1\nentities: {us: {}, buyer: {}}\n",
        "books/vouchers/v.csv": VOUCHERS,
        "books/vouchers/w.csv": VOUCHERS,
    }
    found = compiled(tmp_path, BOOKS, changed)
    assert places(found) == [
        ("books.which-entity", "books/policy.yaml", 1),
        ("books.which-entity", "books/vouchers/v.csv", 1),
    ]
    assert found[0].facts["known"] == "books/buyer/, books/us/"


@pytest.mark.parametrize(
    ("price", "told"),
    [
        ("once: 999.99", "999.99"),
        ("once: 1000.00", ""),
        ("fee: {month: 200.00}, minimum: {year: 1000.00}", ""),
        ("fee: {month: 200.00}, per: {call: 2000}", "200.00"),
        ("per: {call: 2000}", "–"),
        ("once: 5000.00 USD", "–"),
    ],
)
def test_a_negotiated_price_that_assures_less_than_the_floor_is_refused(
    tmp_path: Path, price: str, told: str
):
    plan = "std: {negotiated: true, floor: 1000.00}"
    changed = {
        "products/x.yaml": BASE["products/x.yaml"].replace("std: {fee: {month: 10.00}}", plan),
        "deals/d.yaml": BASE["deals/d.yaml"] + f"price: {{{price}}}\n",
    }
    found = [d for d in compiled(tmp_path, BASE, changed) if d.code == "deal.below-floor"]
    assert [(d.facts["value"], d.line) for d in found] == ([(told, 9)] if told else [])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("us", "su", "ref.party"),
        ("x", "y", "ref.product"),
        ("loan", "lone", "ref.purpose"),
        ("kwh", "kw", "ref.column"),
    ],
)
def test_a_consent_speaks_of_what_is_there(tmp_path: Path, old: str, new: str, code: str):
    given = (
        '{"id":"cst_01","given_at":"2026-01-05T02:11:00Z","subject":"hmac:5f","controller":"us",'
        '"product":"x","purposes":["loan"],"fields":["kwh"],"from":"2026-01-05","proof":"sha256:9b"}'
    )
    gone = (
        '{"id":"cst_02","given_at":"2026-03-01T00:40:00Z","subject":"hmac:5f",'
        '"withdraws":"cst_%s","proof":"sha256:77"}'
    )
    path = "rights/consents/c.ndjson"
    files = BASE | {path: f"{given}\n{gone % '01'}\n"}
    assert compiled(tmp_path, files) == []
    assert places(compiled(tmp_path, files, {path: f"{given}\n{gone % '03'}\n"})) == [
        ("ref.consent", path, 2)
    ]
    changed = {path: given.replace(f'"{old}"', f'"{new}"') + "\n"}
    assert places(compiled(tmp_path, files, changed)) == [(code, path, 1)]


@pytest.mark.parametrize(
    ("covenant", "code"),
    [
        ("{quality: 0399, at_least: 95%}", "ref.indicator"),
        ("{quality: 0301, at_least: 95%}", ""),
        ("{usage: call per fortnight, at_least: 10}", "financing.usage-measure"),
        ("{usage: cal per month, at_least: 10}", "financing.usage-measure"),
        ("{usage: call per month, at_least: 10}", ""),
        ("{revenu: x, at_least: 10}", "ref.measure"),
    ],
)
def test_a_covenant_measures_what_is_known(tmp_path: Path, covenant: str, code: str):
    loan = f"kind: credit\nlender: buyer\ncovenants:\n  c: {covenant}\n"
    path = "books/financings/f.yaml"
    found = [d for d in compiled(tmp_path, BOOKS | {path: loan}) if d.severity == "error"]
    assert places(found) == ([(code, path, 4)] if code else [])
