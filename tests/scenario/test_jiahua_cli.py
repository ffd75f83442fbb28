"""Jiahua on the command line: 生态环境双碳云图 V2.0 (case 3.10), 688.65 万元 spent, 255.87
carried.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sanhua.cli.commands import cli
from sanhua.project import schema
from sanhua.workspace.approving import Approval, is_sound

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "jiahua"
LINE = "figure:jiahua/balance_sheet/development.data/ending/2024-H1"
SHOWN = "disclosure:jiahua/2024-H1"
ASSET = "asset:cloud_map_v2"
REPORT = ("report", "disclosure", "--period", "2024-H1")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "jiahua"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    return folder


def said(*args: object, exit_code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def amount(report: dict[str, Any]) -> str:
    return next(figure["amount"] for figure in report["figures"] if figure["id"] == LINE)


def test_the_report_shows_exactly_what_was_spent_under_the_rule(project: Path):
    report = said(*REPORT, "-C", project)
    assert schema.valid("disclosure_output", report)
    assert amount(report) == "2558700.00"
    figure = next(figure for figure in report["figures"] if figure["id"] == LINE)
    assert figure["label"] == "开发支出—其中：数据资源"
    assert report["period"]["id"] == "2024-H1"
    assert (report["tables"]["A"]["rows"], report["tables"]["B"]["rows"]) == (27, 21)
    assert all(tie["ok"] for tie in report["ties"])
    assert [Path(name).suffix for name in report["files"]].count(".xlsx") == 1
    assert all((project / name).is_file() for name in report["files"])


def test_check_refuses_what_was_expensed_with_instrument_and_clause(project: Path):
    """1,865,200.00 + 1,210,400.00 + 1,252,200.00 = 4,327,800.00."""
    told = said("check", "-C", project)
    assert schema.valid("check_output", told)
    refused = [d for d in told["diagnostics"] if d["code"] == "recognise.already-expensed"]
    amounts = [d["message"].split(" ")[0] for d in refused]
    assert amounts == ["1865200.00", "1210400.00", "1252200.00"]
    assert sum(int(text.removesuffix(".00")) for text in amounts) == 4_327_800
    for found in refused:
        assert found["path"] == "books/vouchers/2022-2023.csv" and found["line"] > 1
        assert found["rule"]["number"] == "财会〔2023〕11号"
        assert (found["rule"]["instrument"], found["rule"]["clause"]) == ("mof_2023_11", "附则")
    (differs,) = (d for d in told["diagnostics"] if d["code"] == "progress.differs")
    assert differs["severity"] == "warning"
    assert "75.6%" in differs["message"] and "66%" in differs["message"]


def test_the_line_opens_to_each_voucher_and_its_file(project: Path):
    said(*REPORT, "-C", project)
    told = said("explain", "balance_sheet/development.data/ending/2024-H1", "-C", project)
    assert schema.valid("explain_output", told)
    assert told["root"] == LINE
    posted = {e["to"] for e in told["edges"] if (e["from"], e["edge"]) == (LINE, "posted_from")}
    vouchers = {node["id"]: node for node in told["nodes"] if node["kind"] == "voucher"}
    assert {name: vouchers[name]["value"] for name in posted} == {
        "voucher:2024-03-0120": "1023500.00",
        "voucher:2024-06-0138": "1184200.00",
        "voucher:2024-06-0140": "351000.00",
    }
    nodes = {node["id"] for node in told["nodes"]}
    for voucher in vouchers.values():
        assert f"sha256:{voucher['at']['sha256']}" in nodes
        opened = said("explain", voucher["id"], "-C", project)
        assert opened["nodes"][0]["value"] == voucher["value"]
    (restated,) = (r for r in told["rules"] if r["name"] == "expensed_spend_may_be_restated")
    assert (restated["number"], restated["value"]) == ("财会〔2023〕11号", "false")
    assert len(restated["nodes"]) >= 3


def test_a_second_person_approves_and_a_changed_memo_is_a_draft_again(project: Path):
    assert said(*REPORT, "-C", project)["state"] == "draft"
    refused = said("approve", ASSET, "--as", "cfo", "-C", project, exit_code=5)
    assert refused["diagnostics"][0]["code"] == "approve.maker-is-checker"
    assert said(*REPORT, "-C", project)["state"] == "draft"
    approved = said("approve", ASSET, "--as", "second_cpa", "-C", project)
    assert (approved["person"], approved["role"]) == ("party:second_cpa", "finance")
    assert said(*REPORT, "-C", project)["state"] == "draft"  # of its assets only
    said("approve", SHOWN, "--as", "second_cpa", "-C", project)
    report = said(*REPORT, "-C", project)
    assert (report["state"], report["signed"]) == ("approved", {"finance": "party:second_cpa"})

    memo = project / "books" / "assets" / "cloud_map_v2.yaml"
    text = memo.read_text("utf-8")
    memo.write_text(text.replace("date: 2024-07-15", "date: 2024-07-16"), "utf-8")
    stale = said("approve", ASSET, "--as", "second_cpa", "-C", project, exit_code=4)
    assert stale["diagnostics"][0]["code"] == "approve.not-current"
    report = said(*REPORT, "-C", project)
    assert (report["state"], amount(report)) == ("draft", "2558700.00")
    told = next(d for d in report["diagnostics"] if d["code"] == "approve.voided")
    assert (told["node"], told["path"]) == (ASSET, "books/assets/cloud_map_v2.yaml")
    shown = {n["id"]: n for n in said("explain", ASSET, "-C", project)["nodes"]}
    assert (shown[approved["id"]]["state"], shown[approved["id"]]["role"]) == ("void", "finance")
    said("approve", ASSET, "--as", "second_cpa", "-C", project)
    assert said(*REPORT, "-C", project)["state"] == "approved"
    assert said("verify", "-C", project)["ok"]


def test_an_approval_is_signed_once_shown_in_explain_and_proven(project: Path, tmp_path: Path):
    private = Ed25519PrivateKey.generate()
    own, public = tmp_path / "own.pem", private.public_key()
    own.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (project / "keys").mkdir()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (project / "keys" / "cpa.pem").write_bytes(pem)
    parties = project / "parties.yaml"
    text = parties.read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("second_cpa"))
    parties.write_text(text.replace(line, line[:-1] + ", public_key: keys/cpa.pem}"), "utf-8")
    said("run", "-C", project)
    bare = said("approve", ASSET, "--as", "second_cpa", "-C", project)
    signed = said("approve", ASSET, "--as", "second_cpa", "--key", own, "-C", project)
    again = said("approve", ASSET, "--as", "second_cpa", "--key", own, "-C", project)
    assert (bare["signed"], signed["signed"], again) == (False, True, signed)
    assert said("approve", ASSET, "--as", "second_cpa", "-C", project)["event"] == signed["event"]
    said(*REPORT, "-C", project)
    said("approve", SHOWN, "--as", "second_cpa", "--key", own, "-C", project)
    report = said(*REPORT, "-C", project)
    assert report["state"] == "approved"
    assert not [d for d in report["diagnostics"] if d["code"].startswith("approve.")]
    told = said("explain", LINE, "-C", project)
    shown = {n["id"]: n for n in told["nodes"]}
    assert shown[signed["id"]]["state"] == "holds" and "party:second_cpa" in shown
    said("prove", LINE, "-o", tmp_path / "line.zip", "-C", project)
    assert said("verify", tmp_path / "line.zip")["ok"] and said("verify", "-C", project)["ok"]


def test_an_approval_whose_signature_is_over_something_else_does_not_hold():
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    given = Approval("apr_1", ASSET, "sha256:a", "party:p", "finance", "2026-01-01", key=public)
    signed = replace(given, signature=base64.b64encode(private.sign(given.statement())).decode())
    assert is_sound(given) and is_sound(signed)
    assert not is_sound(replace(signed, content="sha256:b"))
    assert not is_sound(replace(signed, key=""))


def test_the_line_is_proven_offline(project: Path, tmp_path: Path):
    said(*REPORT, "-C", project)
    bundle = tmp_path / "line.zip"
    said("prove", LINE, "-o", bundle, "-C", project)
    assert said("verify", bundle)["ok"]


def test_in_english_nothing_of_the_program_is_chinese(project: Path):
    """What it says itself: titles are the project's own words, a rule is cited as it is called."""
    own = re.findall(r"name: ([^,}]+)", (project / "parties.yaml").read_text("utf-8"))
    for command in (("check",), ("run",), ("report", "disclosure"), ("report", "vouchers")):
        result = CliRunner().invoke(cli, [*command, "-C", str(project), "--language", "en"])
        told = result.output
        for name in own:
            told = told.replace(name, "")
        lines = [line for line in told.splitlines() if "财会" not in line]
        assert [line for line in lines if re.search(r"[\u4e00-\u9fff]", line)] == []
