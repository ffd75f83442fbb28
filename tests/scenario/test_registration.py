"""Registration of a data property right from the command line, to a dossier that a stranger can
check: 国数综政策〔2026〕35号.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

import sanhua.verify
from sanhua.cli.commands import cli
from sanhua.verify import canonical, check_bundle, pack, sha256, unpack

FAULTS, INVALID, NOT_FOUND, CONFLICT, DENIED, RULE_GAP, UNAVAILABLE, BROKEN = range(1, 9)
RIGHTS = "rights/claims.yaml"
ENTRY = """
registrations:
  daily_2026:
    kind: property_right
    claim: daily
    registrar: registry
    data_name: 2024年示例地区电力行业日用电量数据表
    summary: 两块电表的日用电量
    applicant_type: 法人
    contact: steward
    phone: 0591-87000000
    address: 示例市示例路1号
    business: 存续
    industry: D44
    region: 市级
  readings_2026:
    kind: property_right
    claim: readings
    registrar: registry
    data_name: 2024年示例地区电力行业电表读数
"""
PARTIES = """
registry: {name: 登记机构, roles: [registrar]}
window: {name: 受理员, person: true, of: registry, roles: [registrar]}
examiner: {name: 审查员, person: true, of: registry, roles: [registrar]}
rival: {name: 异议人, person: true, of: other, roles: [buyer]}
other: {name: 另一公司, roles: [buyer]}
"""


class Office:
    """The project, and the day on which its commands are given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.day = folder, "2026-09-01"

    def told(self, *args: object) -> tuple[int, dict[str, Any]]:
        """The exit code and the JSON of a command given at nine in the morning of the day."""
        at = datetime.fromisoformat(f"{self.day}T01:00:00+00:00")
        offset = int((at - datetime.now(UTC)).total_seconds())
        words = [*(str(arg) for arg in args), "-C", str(self.folder), "--json"]
        result = CliRunner().invoke(cli, words, env={"SANHUA_CLOCK_OFFSET_S": str(offset)})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        said = json.loads(result.stdout)
        for found in said["diagnostics"]:
            assert found["code"] != "run.defect", found
            assert not re.search(r"(?<!\$)\{[a-z_]+\}", found["message"] + found["hint"]), found
            assert found["hint"] or found["severity"] != "error", found
        return result.exit_code, said

    def done(self, *args: object) -> dict[str, Any]:
        code, said = self.told(*args)
        assert code == 0, said["diagnostics"]
        return said

    def register(self, act: str, *args: object) -> dict[str, Any]:
        return self.done("asset", "register", act, "daily_2026", *args)

    def refused(self, *args: object) -> tuple[int, str]:
        code, said = self.told("asset", "register", *args)
        return code, said["diagnostics"][0]["code"]

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def to_certificate(self) -> dict[str, Any]:
        self.register("apply", "--as", "steward")
        self.register("accept", "--as", "window")
        self.register("review", "--pass", "--as", "examiner")
        self.register("publish", "--as", "window")
        self.day = "2026-09-09"
        self.register("deposit", "--receipt", "CZ-1", "--as", "window")
        return self.register("certify", "--number", "SJ3512026090001", "--as", "window")

    def dossier(self, name: str = "daily_2026") -> dict[str, Any]:
        return self.done("report", "registration", "--id", name)["dossiers"][0]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the state of the first run is kept for the others."""
    return tmp_path_factory.mktemp("built") / "state"


@pytest.fixture
def office(small_project: Path, state: Path) -> Office:
    for name, text in ((RIGHTS, ENTRY), ("parties.yaml", PARTIES)):
        path = small_project / name
        path.write_text(path.read_text("utf-8") + dedent(text).lstrip("\n"), "utf-8")
    made = Office(small_project)
    if state.exists():
        shutil.copytree(state, small_project / "state")
    else:
        made.done("run")
        shutil.copytree(small_project / "state", state)
    return made


def test_a_right_is_registered_step_by_step(office: Office):
    told = office.register("status")
    assert told["state"] == "draft" and told["next"] == ["apply"] and not told["missing"]
    assert told["rights"] == ["hold", "operate", "use"]
    assert (
        told["form"]
        | {
            "source": "衍生创造",
            "time_range": "2024-02-01 至 2024-02-02",
            "update": "按天更新",
            "volume": "4 条，3 列",
            "contact": "管家",
        }
        == told["form"]
    )
    applied = office.register("apply", "--as", "steward")
    assert applied["clocks"][0]["due"] == "2026-09-04"
    assert applied["clocks"][0]["rule"]["number"] == "国数综政策〔2026〕35号"
    office.register("accept", "--as", "window")
    office.register("review", "--pass", "--as", "examiner")
    shown = office.register("publish", "--withhold", "applicant", "--as", "window")
    assert shown["notice"] == {
        "data_name": "2024年示例地区电力行业日用电量数据表",
        "summary": "两块电表的日用电量",
        "limits": "无",
    }
    office.day = "2026-09-09"
    office.register("deposit", "--receipt", "CZ-1", "--as", "window")
    told = office.register("certify", "--number", "SJ3512026090001", "--as", "window")
    assert told["certificate"] == {
        "number": "SJ3512026090001",
        "holder": "plant",
        "rights": ["hold", "operate", "use"],
        "issued": "2026-09-09",
        "from": "2026-09-09",
        "through": "2031-09-08",
        "status": "valid",
    }
    clocks = {clock["id"]: clock for clock in told["clocks"]}
    assert clocks["renewal"]["from"] == "2031-03-09" and not clocks["total"]["overdue"]
    opened = office.done("explain", "certificate:SJ3512026090001")
    kinds = {node["kind"] for node in opened["nodes"]}
    assert {"certificate", "registration", "claim", "resource", "quality", "raw_file"} <= kinds
    assert office.done("verify")["ok"]


def test_people_read_the_clocks_and_what_the_form_lacks(office: Office):
    for language, words in (
        ("zh", ("待填：联系人 contact", "未申请", "下一步：apply")),
        ("en", ("to give: contact", "not applied for", "next: apply")),
    ):
        at = ["-C", str(office.folder), "--language", language]
        result = CliRunner().invoke(cli, ["asset", "register", "status", "readings_2026", *at])
        assert result.exit_code == 0, result.output
        assert all(word in result.stdout for word in words), result.stdout
    office.register("apply", "--as", "steward")
    result = CliRunner().invoke(
        cli, ["asset", "register", "status", "daily_2026", "-C", str(office.folder)]
    )
    assert "2026-09-04" in result.stdout and "国数综政策〔2026〕35号 登记程序" in result.stdout


def test_supplements_objections_and_a_refusal(office: Office):
    office.register("apply", "--as", "steward")
    office.register("accept", "--as", "window")
    asked = office.register("ask", "--reason", "补充概述", "--as", "window")
    assert asked["state"] == "waiting" and asked["clocks"][1]["stopped"]
    assert asked["next"] == ["supply"]
    office.edit(RIGHTS, "summary: 两块电表的日用电量", "summary: 两块电表每日的用电量")
    office.day = "2026-09-03"
    supplied = office.register("supply", "--as", "steward")
    assert supplied["form"]["summary"] == "两块电表每日的用电量"
    assert supplied["clocks"][1]["due"] == "2026-09-17"  # two days later than 09-15
    office.register("extend", "--days", 5, "--reason", "复杂", "--as", "window")
    office.register("review", "--pass", "--as", "examiner")
    office.register("publish", "--as", "window")
    paper = office.folder / "evidence" / "objection.md"
    paper.write_text("权属\n", encoding="utf-8")
    objected = office.register(
        "object", "--reason", "权属", "--evidence", "evidence/objection.md", "--as", "rival"
    )
    assert objected["act"]["evidence"] == [sha256(paper.read_bytes())]
    told = office.register("decide", "--verdict", "upheld", "--reason", "成立", "--as", "examiner")
    assert told["state"] == "refused" and told["next"] == ["apply"]


def test_what_is_edited_after_applying_is_told_by_run_and_changes_nothing(office: Office):
    office.register("apply", "--as", "steward")
    office.edit(RIGHTS, "region: 市级", "region: 省级")
    made = office.done("run")
    assert [d["code"] for d in made["diagnostics"] if d["code"].startswith("registration")] == [
        "registration.edited"
    ]
    assert office.register("status")["form"]["region"] == "市级"


def test_change_transfer_and_cancellation(office: Office):
    office.to_certificate()
    office.edit(RIGHTS, "region: 市级", "region: 省级")
    assert office.register("change", "--as", "steward")["request"] == "change"
    told = office.register("review", "--pass", "--as", "examiner")
    assert told["form"]["region"] == "省级" and told["request"] == ""
    office.register("transfer", "--to", "other", "--as", "steward")
    told = office.register("review", "--pass", "--as", "examiner")
    assert told["holder"] == "other" and told["applicant"] == "plant"
    code, made = office.told("run")  # the plant may no longer operate what its product sells
    assert code == DENIED
    errors = [d["code"] for d in made["diagnostics"] if d["severity"] == "error"]
    assert errors == ["product.no-operate-right"]
    office.register("cancel", "--reason", "停用", "--as", "rival")
    told = office.register("review", "--pass", "--as", "examiner")
    assert told["state"] == "cancelled" and told["certificate"]["status"] == "cancelled"


def test_a_renewal_in_time_goes_on_and_one_too_late_finds_it_lapsed(office: Office):
    office.register("apply", "--as", "steward")
    office.register("accept", "--as", "window")
    office.register("review", "--pass", "--as", "examiner")
    office.register("publish", "--as", "window")
    office.day = "2026-09-09"
    office.register("deposit", "--receipt", "1", "--through", "2026-11-30", "--as", "window")
    office.register("certify", "--number", "SJ3512026090001", "--as", "window")
    office.day = "2026-11-30"
    office.register("renew", "--through", "2027-11-29", "--as", "steward")
    told = office.register("review", "--pass", "--as", "examiner")
    assert told["certificate"]["through"] == "2027-11-29"
    office.day = "2027-11-30"
    assert office.register("status")["state"] == "lapsed"
    assert office.refused("renew", "daily_2026", "--as", "steward") == (
        CONFLICT,
        "registration.wrong-step",
    )


def test_the_dossier_holds_form_description_sample_and_proofs(office: Office, tmp_path: Path):
    office.to_certificate()
    made = office.dossier()
    assert made["file"] == ".sanhua/out/registration-daily_2026.zip" and made["sample"]
    path = office.folder / made["file"]
    entries = unpack(path.read_bytes())
    form = json.loads(entries["files/form.json"])
    assert form["certificate"] == "SJ3512026090001" and form["missing"] == []
    texts = {one["zh"]: one["value"] for one in form["forms"][0]["fields"]}
    assert len(texts) == 19 and texts["申请人名称"] == "测试工厂" and texts["数据形态"] == "表格"
    book = openpyxl.load_workbook(io.BytesIO(entries["files/form.xlsx"]))
    sheet = book["初次登记申请表"]
    rows = {sheet.cell(row, 2).value: sheet.cell(row, 4).value for row in range(3, 22)}
    assert rows == texts
    told = json.loads(entries["files/description.json"])
    assert [c["name"] for c in told["tables"][0]["columns"]] == ["meter", "day", "kwh"]
    paper = office.folder / "evidence" / "paper.md"
    assert told["evidence"] == [{"sha256": sha256(paper.read_bytes()), "name": "evidence/paper.md"}]
    assert told["claim"]["id"] == "claim:daily" and told["quality"]["checks"] > 0
    sample = entries["files/sample-daily.csv"].decode("utf-8-sig").splitlines()
    assert sample[0] == "meter,day,kwh" and len(sample) == 5
    again = office.dossier()
    assert unpack(path.read_bytes())["files/form.xlsx"] == entries["files/form.xlsx"] and again

    key = office.folder / "state" / "keys" / "log.key.pub"
    verdict = office.done("verify", path, "--key", key)
    assert verdict["files"] == 4 and verdict["attested"] == "pinned-key"
    alone = tmp_path / "verify.py"
    alone.write_bytes(Path(str(sanhua.verify.__file__)).read_bytes())
    ran = subprocess.run(
        [sys.executable, "-I", str(alone), str(path), "--key", str(key), "--json"],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0 and json.loads(ran.stdout)["files"] == 4


def test_no_byte_of_the_dossier_can_be_changed(office: Office):
    office.register("apply", "--as", "steward")
    data = (office.folder / office.dossier()["file"]).read_bytes()
    assert check_bundle(data, None).ok
    step = max(1, len(data) // 400)
    for at in range(0, len(data), step):
        changed = bytearray(data)
        changed[at] ^= 1
        assert not check_bundle(bytes(changed), None).ok, at
    entries = unpack(data)
    for name in [name for name in entries if name.startswith("files/")]:
        other = entries | {name: entries[name] + b" "}
        assert not check_bundle(pack(other), None).ok, name
        gone = {key: value for key, value in entries.items() if key != name}
        assert not check_bundle(pack(gone), None).ok, name
    for name in ("files/extra.txt", "files/../../x", "extra.txt"):
        assert not check_bundle(pack(entries | {name: b"x"}), None).ok, name


def test_a_file_that_no_record_names_is_refused_even_when_the_bundle_is_signed(office: Office):
    """Whoever holds the key can sign anew, but not put a file under records that do not name it."""
    from sanhua.store.keys import FileSigner

    office.register("apply", "--as", "steward")
    entries = unpack((office.folder / office.dossier()["file"]).read_bytes())
    manifest = json.loads(entries["bundle.json"])
    entries["files/extra.txt"] = b"x"
    manifest["entries"]["files/extra.txt"] = sha256(b"x")
    entries["bundle.json"] = canonical(manifest)
    signer = FileSigner.open(office.folder / "state" / "keys" / "log.key", "x")
    entries["bundle.sig"] = signer.sign(entries["bundle.json"])
    report = check_bundle(pack(entries), None)
    assert any("files/extra.txt" in fault for fault in report.faults)


def test_a_sample_with_personal_columns_stays_at_home(office: Office):
    made = office.dossier("readings_2026")
    assert not made["sample"] and made["withheld_because"].startswith("readings.phone")
    entries = unpack((office.folder / made["file"]).read_bytes())
    assert not [name for name in entries if "sample" in name]
    assert all(b"1380013" not in data for data in entries.values())
    assert made["missing"][:2] == ["applicant_type", "contact"]


def test_without_an_id_each_registration_gets_its_dossier(office: Office):
    said = office.done("report", "registration")
    assert [one["registration"] for one in said["dossiers"]] == [
        "registration:daily_2026",
        "registration:readings_2026",
    ]
    assert all((office.folder / name).stat().st_size for name in said["files"])


WRONG: dict[str, tuple[str, str, str, int]] = {
    "an unknown key": ("region: 市级", "regoin: 市级", "format.unknown-key", 21),
    "an unknown region": ("region: 市级", "region: 市", "registration.not-a-choice", 21),
    "an industry without section": ("industry: D44", "industry: '44'", "registration.industry", 20),
    "a name of 41 characters": ("2024年示例地区电力行业日用电量数据表", "数" * 41,
                                "registration.too-long", 13),
    "duty data": ("region: 市级", "region: 市级\n    public_data: duty", "registration.duty-data",
                  22),
    "an unknown contact": ("contact: steward", "contact: stewart", "ref.party", 16),
    "no claim": ("    claim: daily\n    registrar", "    registrar", "registration.no-claim", 9),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_check_shows_at_its_line_what_the_form_does_not_take(office: Office, what: str):
    old, new, code, line = WRONG[what]
    office.edit(RIGHTS, old, new)
    exit_code, said = office.told("check")
    assert exit_code == FAULTS
    found = {d["code"]: d for d in said["diagnostics"] if d["severity"] == "error"}
    assert (found[code]["path"], found[code]["line"]) == (RIGHTS, line)
    if code == "format.unknown-key":
        assert "region" in found[code]["hint"]


REFUSED: dict[str, tuple[tuple[object, ...], int, str]] = {
    "an unknown registration": (("status", "daily_2025"), NOT_FOUND, "registration.unknown"),
    "an unknown person": (("apply", "daily_2026", "--as", "nobody"), INVALID, "run.unknown-actor"),
    "an organisation": (("apply", "daily_2026", "--as", "plant"), NOT_FOUND,
                        "approve.no-such-person"),
    "somebody else's": (("apply", "daily_2026", "--as", "rival"), DENIED,
                        "registration.not-applicant"),
    "an incomplete form": (("apply", "readings_2026", "--as", "steward"), INVALID,
                           "registration.incomplete"),
    "out of order": (("certify", "daily_2026", "--number", "SJ3512026090001", "--as", "window"),
                     CONFLICT, "registration.wrong-step"),
    "a day that is none": (("deposit", "daily_2026", "--receipt", "1", "--through", "2026-13-01",
                            "--as", "window"), INVALID, "time.not-a-day"),
    "a review of both kinds": (("review", "daily_2026", "--pass", "--refuse", "disputed", "--as",
                                "examiner"), INVALID, "cli.usage"),
    "nobody": (("apply", "daily_2026"), INVALID, "cli.usage"),
    "a paper that is not there": (("object", "daily_2026", "--reason", "r", "--evidence", "no.md",
                                   "--as", "rival"), NOT_FOUND, "run.no-file"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_an_act_that_cannot_be_is_refused_with_a_code_and_leaves_nothing(office: Office, what: str):
    args, exit_code, code = REFUSED[what]
    size = office.done("verify")["events"]
    assert office.refused(*args) == (exit_code, code)
    assert office.done("verify")["events"] == size


def test_a_case_into_a_year_without_a_calendar_waits_for_one(office: Office):
    office.day = "2026-12-29"
    office.done("run")
    assert office.refused("apply", "daily_2026", "--as", "steward") == (
        RULE_GAP,
        "calendar.no-year",
    )
    (office.folder / "calendar.csv").write_text(
        "day,kind\n2027-01-01,holiday\n2027-10-01,holiday\n", encoding="utf-8"
    )
    assert office.register("apply", "--as", "steward")["act"]["due"] == "2027-01-04"


def test_every_step_that_status_names_is_a_command():
    from sanhua.asset.case import Step
    from sanhua.cli.assets import register

    assert set(register.commands) == {"status", *Step}


def test_another_kind_of_registration_has_no_steps_here(office: Office):
    office.edit(RIGHTS, "kind: property_right\n    claim: daily", "kind: data_ip\n    claim: daily")
    assert office.refused("status", "daily_2026") == (INVALID, "registration.other-kind")
