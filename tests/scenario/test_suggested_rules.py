"""Rules suggested from a source's values: a person accepts one into the contract and rejects
another; the next run checks it, the rejected one is not offered again.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.verify import canonical, sha256
from sanhua.workspace.opening import Workspace
from sanhua.workspace.suggesting import Verdict

FILES = {
    "sanhua.yaml": "sanhua: 1\ntitle: 商户\nentities: {plant: {regime: CAS}}\n",
    "parties.yaml": (
        "plant: {name: 测试工厂, uscc: 91350100M000100Y43, roles: [holder, operator]}\n"
        "maker: {name: 制单人, person: true, of: plant, roles: [finance]}\n"
        "steward: {name: 管家, person: true, of: plant, roles: [data_steward]}\n"
    ),
    "sources/shops.yaml": "title: 商户\nfiles: raw/shops.csv\ncadence: day\n",
    "contracts/shops.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: shops
version: 1.0.0
status: active
name: 商户
schema:
  - name: shops
    properties:
      # 商户编号
      - {name: id, logicalType: string, required: true}
      - name: city
        logicalType: string
      - {name: area, logicalType: string}   # 行政区
      - {name: phone, logicalType: string}
""",
}


def said(*args: object, exit_code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ran") / "small"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "raw").mkdir()
    rows = ["id,city,area,phone"]
    for n in range(200):
        city = f"city {'abcdefgh'[n % 8] * 4}"
        rows.append(f"S{n},{city},area {n % 8 // 2},138001{n % 4 + 38000}")
    rows[9] = rows[9].replace("aaaa", "aaax")
    rows[10] = rows[10].replace("area 0", "area 3")
    (folder / "raw" / "shops.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    said("run", "-C", folder)
    return folder


@pytest.fixture
def project(ran: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ran, tmp_path / "small"))


def test_from_the_values_to_a_rule_in_force(project: Path):
    told = said("suggest", "shops", "-C", project)
    by_kind = {(one["kind"], one["column"]): one for one in told["suggestions"]}
    typo, area = by_kind["spelling", "city"], by_kind["dependency", "area"]
    assert (typo["violations"], typo["indicator"]) == (1, "0301")
    assert typo["examples"] == [{"value": "city aaax", "rows": 1}]
    assert (area["determinant"], area["violations"]) == (["city"], 1)

    before = (project / "contracts" / "shops.odcs.yaml").read_text(encoding="utf-8")
    filled = by_kind["missing", "city"]
    made = said("suggest", "shops", "-C", project, "--as", "steward", "--accept", area["id"],
                "--accept", filled["id"])  # fmt: skip
    after = (project / "contracts" / "shops.odcs.yaml").read_text(encoding="utf-8")
    assert made["contract"] == "contracts/shops.odcs.yaml"
    assert after.count("#") == before.count("#")
    assert said("check", "-C", project)["ok"]

    run = said("run", "shops", "-C", project)
    assert [d["code"] for d in run["diagnostics"] if area["id"] in d["node"]] == ["quality.not-met"]
    again = said("suggest", "shops", "-C", project)
    assert not {area["id"], filled["id"]} & {one["id"] for one in again["suggestions"]}

    shown = said("explain", f"suggestion:shops/{area['id']}", "-C", project)
    verbs = {(edge["edge"], edge["to"]) for edge in shown["edges"]}
    assert ("judged_by", "party:steward") in verbs
    (table,) = yaml.safe_load(after)["schema"]
    (rule,) = next(p for p in table["properties"] if p["name"] == "area")["quality"]
    with Workspace(project) as ws, ws.store.begin(actor="", read_only=True) as uow:
        verdict = uow.get(Verdict, f"suggestion:shops/{area['id']}")
    assert verdict.rule == sha256(canonical(rule))
    assert verdict.content == sha256((project / "contracts" / "shops.odcs.yaml").read_bytes())


def test_a_rejection_is_remembered_with_its_reason(project: Path):
    told = said("suggest", "shops", "-C", project)
    typo = next(one for one in told["suggestions"] if one["kind"] == "spelling")
    no_reason = said("suggest", "shops", "-C", project, "--as", "steward", "--reject", typo["id"],
                     exit_code=2)  # fmt: skip
    assert no_reason["diagnostics"][0]["code"] == "suggest.no-reason"
    said("suggest", "shops", "-C", project, "--as", "steward", "--reject", typo["id"],
         "--reason", "两个不同的地方")  # fmt: skip
    again = said("suggest", "shops", "-C", project)
    assert typo["id"] not in {one["id"] for one in again["suggestions"]}
    assert again["rejected_before"] == 1


def test_values_of_a_personal_column_are_neither_shown_nor_written(project: Path):
    told = said("suggest", "shops", "-C", project, "--least", "0")
    phones = [one for one in told["suggestions"] if one["column"] == "phone"]
    assert phones and all(one["withheld"] and not one["examples"] for one in phones)
    assert "13800138" not in json.dumps(told)
    listed = [one for one in phones if one["rule"] is None]
    for one in listed:
        refused = said("suggest", "shops", "-C", project, "--as", "steward", "--accept",
                       one["id"], exit_code=5)  # fmt: skip
        assert refused["diagnostics"][0]["code"] == "suggest.values-withheld"


def test_who_may_decide_and_on_what(project: Path):
    told = said("suggest", "shops", "-C", project)
    id = told["suggestions"][0]["id"]
    for args, code, exit_code in (
        (("shops", "--accept", id), "cli.usage", 2),
        (("shops", "--accept", id, "--as", "maker"), "suggest.role", 5),
        (("shops", "--accept", id, "--as", "plant"), "approve.no-such-person", 3),
        (("shops", "--accept", "form-0", "--as", "steward"), "suggest.no-such-suggestion", 3),
        (("nowhere",), "suggest.no-such-table", 3),
    ):
        refused = said("suggest", *args, "-C", project, exit_code=exit_code)
        assert refused["diagnostics"][0]["code"] == code, args


def test_a_file_needs_no_project(project: Path):
    file = project / "raw" / "shops.csv"
    told = said("suggest", file)
    typo = next(one for one in told["suggestions"] if one["kind"] == "spelling")
    assert typo["examples"] == [{"value": "city aaax", "rows": 1}]
    assert typo["rule"]["query"].startswith("SELECT count(*) FROM")
    assert "13800138" not in json.dumps(told)  # a telephone number is personal
    refused = said("suggest", file, "--accept", typo["id"], "--as", "steward", exit_code=2)
    assert refused["diagnostics"][0]["code"] == "cli.usage"
