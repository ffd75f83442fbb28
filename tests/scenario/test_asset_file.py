"""An asset file as a person writes it: the tree, control of granted data, contract cost, people."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

import deals
import pytest
from click.testing import CliRunner

from sanhua.capital.recognise import AssetEntry
from sanhua.cli.commands import cli
from sanhua.workspace.opening import Workspace

HEAD = "voucher,date,summary,account,debit,credit,project,evidence,component\n"
CARD = "books/assets/city.yaml"


def told(*args: object) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def codes(folder: Path, path: str = CARD) -> list[tuple[str, str]]:
    _, said = told("check", "-C", folder)
    return [(d["severity"], d["code"]) for d in said["diagnostics"] if d["path"] == path]


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(dedent(text).lstrip("\n"), encoding="utf-8")


BOUGHT = """
    title: 城市数据
    route: purchased
    use: serve_customers
    vouchers: [C1]
    recognition:
      control:
        grant: city
        benefits: true
        excludes: true
        evidence: [evidence/paper.md]
        judged: {by: maker, date: 2024-04-01}
      judged: {by: maker, date: 2024-04-01}
    measurement:
      available_on: 2024-04-30
      life: {months: 24, reasons: [contract], judged: {by: maker, date: 2024-04-30}}
"""


@pytest.fixture
def city(small_project: Path) -> Path:
    """Data of a city, operated under a grant through 2026, bought with two parts of cost."""
    write(
        small_project,
        "rights/city.yaml",
        """
        grants:
          city: {claim: readings, to: plant, mode: scenario, scenario: credit, purposes: [credit],
                 from: 2024-01-01, through: 2026-12-31, evidence: [evidence/paper.md]}
        """,
    )
    (small_project / "books/vouchers/city.csv").write_text(
        HEAD
        + "C1,2024-04-01,授权运营费,1701.05,90.00,,,evidence/paper.md,price\n"
        + "C1,2024-04-01,培训,6602.15,10.00,,,evidence/paper.md,training\n"
        + "C1,2024-04-01,付款,2211,,100.00,,,\n",
        encoding="utf-8",
    )
    policy = small_project / "books/policy.yaml"
    text = policy.read_text("utf-8")
    policy.write_text(
        text.replace(
            "payroll:",
            "data_service_expense: 6602.15\n  contract_cost: 1470\n"
            "  contract_cost_provision: 1471\n  cost_of_sales: 6401\n  payroll:",
        ),
        "utf-8",
    )
    write(small_project, CARD, BOUGHT)
    return small_project


def test_granted_data_is_carried_under_the_term_of_its_grant(city: Path):
    assert [code for severity, code in codes(city) if severity == "error"] == []
    assert told("run", "-C", city)[0] == 0
    with Workspace(city) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        memo = uow.get(AssetEntry, "asset:city")
    assert [(v.amount.text, v.code) for v in memo.verdicts] == [
        ("90.00", "recognise.purchased"),
        ("10.00", "recognise.component-excluded"),
    ]
    assert memo.controlled_until == date(2027, 1, 1)
    assert [(answer.name, answer.met) for answer in memo.answers] == [("control", True)]


@pytest.mark.parametrize(
    ("old", "new", "severity", "code"),
    [
        ("excludes: true", "excludes: false", "error", "recognise.not-controlled"),
        ("months: 24", "months: 36", "error", "recognise.life-beyond-term"),
        ("grant: city", "grant: town", "error", "ref.grant"),
        ("use: serve_customers", "use: serve_customers\nfulfilment: {deal: x}", "error",
         "asset.key-misplaced"),
        ("use: serve_customers", "use: internal\nrecognise_as: contract_cost", "error",
         "asset.key-misplaced"),
        ("vouchers: [C1]", "vouchers: [C1]\ncomponents: {C9: price}", "error", "ref.voucher"),
        ("by: maker, date: 2024-04-01}\n  judged", "by: steward, date: 2024-04-01}\n  judged",
         "error", "asset.judged-role"),
        ("by: maker, date: 2024-04-30", "by: maker, date: 2099-04-30", "error",
         "asset.judged-ahead"),
        ("by: maker, date: 2024-04-30", "by: guest, date: 2024-04-30", "warning",
         "asset.judged-outside"),
        ("excludes: true", "exclude: true", "error", "format.unknown-key"),
        ("use: serve_customers", "use: sale\nproducts: [energy]", "warning",
         "recognise.licence-is-no-sale"),
    ],
)  # fmt: skip
def test_a_slip_in_the_asset_file_has_its_code_at_its_place(
    city: Path, old: str, new: str, severity: str, code: str
):
    deals.offer(city)
    parties = city / "parties.yaml"
    guest = "guest: {name: 外人, person: true, of: bank, roles: [finance]}\n"
    parties.write_text(parties.read_text("utf-8") + guest, "utf-8")
    path = city / CARD
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    found = codes(city) + codes(city, "books/vouchers/city.csv")
    assert (severity, code) in found


def test_one_paper_for_all_five_conditions_is_told(city: Path):
    assert ("warning", "recognise.one-paper") in codes(city, "books/assets/energy_data.yaml")


CONTRACT = """
    title: 为银行备数
    route: self_developed
    use: serve_customers
    recognise_as: contract_cost
    control: [evidence/paper.md]
    project: {codes: [P7]}
    fulfilment:
      related:   {date: 2024-03-01, evidence: [evidence/paper.md]}
      enhances:  {date: 2024-03-01, evidence: [evidence/paper.md]}
      recovered: {date: 2024-03-01, evidence: [evidence/paper.md]}
      judged: {by: maker, date: 2024-03-05}
      from: 2024-04-01
      through: 2024-07-31
"""


def test_contract_cost_is_on_no_line_and_its_amortisation_is_proposed(city: Path):
    """120.00 over the four months from April: 30.00 a month."""
    write(city, CARD, CONTRACT)
    (city / "books/vouchers/city.csv").write_text(
        HEAD
        + "C1,2024-04-02,备数,1470,120.00,,P7,evidence/paper.md,labour\n"
        + "C1,2024-04-02,备数,2211,,120.00,,,\n",
        encoding="utf-8",
    )
    code, said = told("run", "-C", city)
    assert code == 0, said["diagnostics"]
    assert said["stages"]["capital"]["capitalised"] == "1234.56"  # the other asset alone
    _, said = told("report", "disclosure", "-C", city, "--period", "2024")
    lines = {f["id"].split("/")[2]: f["amount"] for f in said["figures"] if f["amount"] != "0.00"}
    assert lines == {"development.data": "1234.56"}
    _, said = told("report", "vouchers", "-C", city, "--period", "2024")
    rows = [(r["date"], r["account"], r["debit"], r["credit"]) for r in said["vouchers"]]
    assert len(rows) == 8
    assert rows[:2] == [("2024-04-30", "6401", "30.00", ""), ("2024-04-30", "1470", "", "30.00")]


def regime(folder: Path) -> None:
    path = folder / "sanhua.yaml"
    path.write_text(path.read_text("utf-8").replace("regime: CAS", "regime: SME"), "utf-8")


def no_cards(folder: Path) -> None:
    regime(folder)
    for card in (folder / "books/assets").glob("*.yaml"):
        card.unlink()


@pytest.mark.parametrize("change", [regime, no_cards])
def test_another_regime_is_refused_in_recognition_and_in_reports(
    city: Path, change: Callable[[Path], None]
):
    change(city)
    if change is regime:
        assert told("run", "-C", city)[0] != 0
    for kind in ("disclosure", "vouchers"):
        code, said = told("report", kind, "-C", city, "--period", "2024")
        errors = [d for d in said["diagnostics"] if d["code"] == "recognise.other-regime"]
        assert code != 0 and "sanhua.yaml" in {d["path"] for d in errors}
        assert all("小企业会计准则" in d["hint"] for d in errors)
