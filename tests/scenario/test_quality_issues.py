"""Issues and objections on a real project: from a failed check to the fix, and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.kernel.errors import Conflict, Denied, Invalid, NotFound
from sanhua.resource.quality.issues import Step
from sanhua.store.clock import SetClock
from sanhua.workspace import disputing
from sanhua.workspace.explaining import explain
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import report
from sanhua.workspace.running import run

CHECK = "check:readings/meter.codes"
SLA = """
slaProperties:
  - {property: timeToRepair, value: 3, unit: d}
  - {property: timeToNotify, value: 10, unit: d}
"""


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 3, 2, 1, tzinfo=UTC))  # a Monday


@pytest.fixture
def project(small_project: Path) -> Path:
    """The small project with promises of time; its twelfth reading names a meter M9 that no list
    knows.
    """
    path = small_project / "contracts" / "readings.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8") + SLA.lstrip("\n"), encoding="utf-8")
    parties = small_project / "parties.yaml"
    parties.write_text(
        parties.read_text(encoding="utf-8") + "bank: {name: 银行, roles: [buyer]}\n"
        "buyer: {name: 买方, person: true, of: bank, roles: [buyer]}\n"
        "second: {name: 二管家, person: true, of: plant, roles: [data_steward]}\n",
        encoding="utf-8",
    )
    return small_project


def meters(project: Path, wrong: str, right: str) -> None:
    path = project / "raw" / "readings.csv"
    text = path.read_text(encoding="utf-8")
    assert wrong in text
    path.write_text(text.replace(wrong, right), encoding="utf-8")


def test_an_issue_leads_from_the_failed_check_to_the_fix_and_opens_anew(
    project: Path, clock: SetClock
):
    """Three working days from Monday 2026-03-02 end on Thursday 2026-03-05."""
    with Workspace(project, clock=clock) as ws:
        run(ws)
        made = disputing.raise_case(ws, CHECK.removeprefix("check:"), "checker")
        assert made["about"] == CHECK
        assert (made["state"], made["owner"], made["due"]) == ("open", "steward", "2026-03-05")
        assert made["found"] == {"state": "failed", "value": "1", "wanted": "mustBe 0"}
        issue = made["id"]
        with pytest.raises(Conflict, match=r"quality\.issue-open"):
            disputing.raise_case(ws, CHECK, "maker")
        with pytest.raises(Denied, match=r"quality\.may-not"):
            disputing.perform(ws, issue, Step.ASSIGN, "maker", to="second")
        disputing.perform(ws, issue, Step.ASSIGN, "steward", to="second")
        said = disputing.perform(ws, issue, Step.REPLY, "second", text="表号录错，改为 M1")
        assert (said["state"], said["owner"]) == ("answered", "second")
        with pytest.raises(Conflict, match=r"quality\.still-failing"):
            disputing.perform(ws, issue, Step.FIX, "second")
        clock.advance(timedelta(days=4))  # Friday
        (late,) = disputing.listed(ws)
        assert late["overdue"] and late["done_on"] == ""
        told = [d for d in report(ws, "quality").diagnostics if d.code == "quality.overdue"]
        assert [d.node for d in told] == [issue] and "2026-03-05" in told[0].message("zh")
        meters(project, "M9,", "M1,")
    with Workspace(project, clock=clock) as ws:
        run(ws)
        fixed = disputing.perform(ws, issue, Step.FIX, "second", commit="a1b2c3d")
        (fix,) = [act for act in fixed["acts"] if act["step"] == "fix"]
        assert fix["snapshots"][0].startswith("sha256:") and fix["definition"]
        with pytest.raises(Denied, match=r"quality\.same-person"):
            disputing.perform(ws, issue, Step.CLOSE, "second")
        closed = disputing.perform(ws, issue, Step.CLOSE, "steward")
        assert closed["state"] == "closed" and closed["overdue"] and not disputing.listed(ws)
        edges = {edge.verb: edge.dst for edge in explain(ws, fix["id"]).edges}
        assert edges["fixed_in"] == fix["snapshots"][0] and edges["handles"] == issue
        meters(project, "M1,1/2/2024 5:00", "M8,1/2/2024 5:00")
    with Workspace(project, clock=clock) as ws:
        run(ws)
        (again,) = disputing.listed(ws)
        assert (again["state"], again["reopened"], again["due"]) == ("open", 1, "2026-03-11")
        assert [act["step"] for act in again["acts"]][-1] == "reopen"
        run(ws)
        assert disputing.listed(ws) == [again]  # it is opened anew once


def test_a_clock_whose_end_no_calendar_knows_yet_is_not_called_no_promise(
    project: Path, clock: SetClock
):
    """400 working days from 2026-03-02 end in 2027, whose holidays were not announced then."""
    path = project / "contracts" / "readings.odcs.yaml"
    text = path.read_text("utf-8")
    promised = "{property: timeToNotify, value: 10, unit: d}"
    assert promised in text
    path.write_text(text.replace(promised, promised.replace("10", "400")), encoding="utf-8")
    with Workspace(project, clock=clock) as ws:
        run(ws)
        made = disputing.raise_case(ws, "readings", "buyer", kind="objection", reason="x")
        assert (made["days"], made["due"], made["overdue"]) == (400, "", False)
        assert made["due_label"]["en"].startswith("400 working days; the holidays")
        assert disputing.raise_case(ws, "readings", "buyer", reason="x")["due_label"]["zh"] != ""


def test_an_objection_is_answered_within_what_the_contract_promises(project: Path, clock: SetClock):
    """Ten working days from Monday 2026-03-02 end on Monday 2026-03-16."""
    with Workspace(project, clock=clock) as ws:
        run(ws)
        made = disputing.raise_case(
            ws, "col:readings.kwh", "buyer", kind="objection", reason="二月一日的电量与账单不符"
        )
        objection = made["id"]
        assert (made["state"], made["due"]) == ("open", "2026-03-16")
        with pytest.raises(Denied, match=r"quality\.may-not"):
            disputing.perform(ws, objection, Step.ACCEPT, "buyer", kind="objection")
        with pytest.raises(Conflict, match=r"quality\.not-in-order"):
            disputing.perform(ws, objection, Step.REPLY, "steward", kind="objection", text="x")
        disputing.perform(ws, objection, Step.ACCEPT, "steward", kind="objection")
        issue = disputing.raise_case(
            ws, "col:readings.kwh", "steward", reason="核对账单", answers=objection
        )
        said = disputing.perform(
            ws, objection, Step.REPLY, "steward", kind="objection", text="属实", verdict="upheld"
        )
        assert said["acts"][-1]["verdict"] == "upheld" and said["done_on"] == "2026-03-02"
        with pytest.raises(Invalid, match=r"quality\.fix-unshown"):
            disputing.perform(ws, issue["id"], Step.FIX, "steward")
        disputing.perform(ws, issue["id"], Step.FIX, "steward", papers=["evidence/paper.md"])
        ended = disputing.perform(ws, objection, Step.CLOSE, "buyer", kind="objection")
        assert ended["state"] == "closed" and not ended["overdue"]
        with pytest.raises(NotFound, match=r"quality\.no-such-issue"):
            disputing.perform(ws, objection, Step.CLOSE, "second")  # it is no issue
        with pytest.raises(Invalid, match=r"quality\.not-of-contract"):
            disputing.raise_case(ws, "col:readings.kw", "steward", reason="x")
        told = explain(ws, issue["id"])
        assert objection in {node["id"] for node in told.to_json()["nodes"]}


def test_the_commands_say_it_in_both_languages_and_in_the_report(project: Path):
    def said(*args: str) -> dict[str, Any]:
        done = CliRunner().invoke(cli, [*args, "-C", str(project), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    said("run")
    made = said("quality", "issue", "open", CHECK, "--as", "steward", "--title", "<b>表号</b>")
    listed = said("quality", "issue", "list", "--contract", "readings")
    assert [one["id"] for one in listed["cases"]] == [made["id"]]
    shown = CliRunner().invoke(cli, ["quality", "issue", "show", made["id"], "-C", str(project)])
    assert "待处理" in shown.stdout and made["id"] in shown.stdout
    report = said("report", "quality", "--id", "readings")
    (resource,) = report["resources"]
    assert [one["id"] for one in resource["issues"]] == [made["id"]]
    html = (project / ".sanhua/out/quality/readings.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;表号&lt;/b&gt;" in html and "<b>表号" not in html
    bad = CliRunner().invoke(
        cli, ["quality", "objection", "list", "-C", str(project), "--language", "en"]
    )
    assert bad.stdout.strip() == "none"
