"""Quality: issues and objections, failed rows, what repairs changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened

AS = click.option("--as", "person", required=True, help="谁 who acts: a person of parties.yaml")
ISSUE_ID = click.argument("issue_id", metavar="ID")
TEXT = click.option("--text", default="", help="说明 what is said")
PAPERS = click.option(
    "--evidence", "papers", multiple=True, help="证据文件 a paper, path in the project folder"
)
CONTRACT = click.option("--contract", default="", help="哪个契约 which contract (default: all)")
ALL = click.option("--all", "every", is_flag=True, help="含已了结的 closed ones too")


@click.group()
def quality() -> None:
    """质量：问题、异议、未通过的行、清洗前后 issues, objections, failed rows, repairs."""


class _Steps(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of a case


@quality.group(cls=_Steps)
def issue() -> None:
    """质量问题 an issue: 开 派 答 改 结 open, assign, reply, fix, close."""


@quality.group(cls=_Steps)
def objection() -> None:
    """数据异议 an objection: 提出 受理 答复 了结 file, accept, reply, close."""


def _say(answer: show.Answer, one: dict[str, Any]) -> None:
    en = answer.language == "en"
    state = one["state_label"]["en" if en else "zh"]
    due = one["due_label"]["en" if en else "zh"]
    late = ("，逾期", ", overdue")[en] if one["overdue"] else ""
    answer.say(
        f"{one['id']}  {state}，负责人 {one['owner']}，限期 {due}{late}  {one['title']}",
        f"{one['id']}  {state}, owner {one['owner']}, due {due}{late}  {one['title']}",
    )


def _open(
    command: str, about: str, person: str, kind: str, folder: Path, as_json: bool,
    language: str | None, **said: Any,
) -> None:  # fmt: skip
    with show.answering(f"quality {command}", as_json, language or "zh") as answer:
        from sanhua.workspace.disputing import raise_case

        with opened(folder, answer, language, actor=person) as ws:
            answer.data = raise_case(ws, about, person, kind=kind, **said)
        _say(answer, answer.data)


def _do(
    kind: str, step: str, issue_id: str, person: str, folder: Path, as_json: bool,
    language: str | None, **said: Any,
) -> None:  # fmt: skip
    with show.answering(f"quality {kind} {step}", as_json, language or "zh") as answer:
        from sanhua.resource.quality.issues import Step
        from sanhua.workspace.disputing import perform

        with opened(folder, answer, language, actor=person) as ws:
            answer.data = perform(ws, issue_id, Step(step), person, kind=kind, **said)
        _say(answer, answer.data)


def _list(
    kind: str, contract: str, every: bool, folder: Path, as_json: bool, language: str | None
) -> None:
    with show.answering(f"quality {kind} list", as_json, language or "zh") as answer:
        from sanhua.workspace.disputing import listed

        with opened(folder, answer, language) as ws:
            found = listed(ws, kind=kind, contract=contract, all=every)
        answer.data = {"cases": found}
        for one in found:
            _say(answer, one)
        if not found:
            answer.say("没有", "none")


def _show(kind: str, issue_id: str, folder: Path, as_json: bool, language: str | None) -> None:
    with show.answering(f"quality {kind} show", as_json, language or "zh") as answer:
        from sanhua.workspace.disputing import shown

        with opened(folder, answer, language) as ws:
            answer.data = shown(ws, issue_id)
        _say(answer, answer.data)
        for act in answer.data["acts"]:
            links = [*act["snapshots"], act["commit"], act["definition"], *act["evidence"]]
            said = "  ".join(filter(None, (act["verdict"], act["text"], *links)))
            answer.lines.append(f"  {act['on']}  {act['step']:8} {act['by']}  {said}".rstrip())


@quality.command()
@click.argument("check", metavar="CHECK")
@common
def rows(check: str, folder: Path, as_json: bool, language: str | None) -> None:
    """未通过的行 the failed rows that a rule keeps (keepFailedRows), of low-graded tables only."""
    with show.answering("quality rows", as_json, language or "zh") as answer:
        from sanhua.workspace.sampling import kept

        with opened(folder, answer, language) as ws:
            answer.data = kept(ws, check)
        cells = [answer.data["columns"], *answer.data["rows"]]
        answer.lines += show.table([tuple("" if c is None else c for c in row) for row in cells])


@quality.command()
@click.argument("table", metavar="TABLE")
@common
def repaired(table: str, folder: Path, as_json: bool, language: str | None) -> None:
    """清洗前后：每条规则改了多少格 what each repair rule of a table changed."""
    with show.answering("quality repaired", as_json, language or "zh") as answer:
        from sanhua.workspace.repairing import changes

        with opened(folder, answer, language) as ws:
            answer.data = told = changes(ws, table)
        rows = [
            (
                rule["column"],
                rule["rule"],
                str(rule["changed"]),
                "、".join(f"{e['before']!r}→{e['after']!r}×{e['rows']}" for e in rule["examples"]),
            )
            for rule in told["rules"]
        ]
        answer.lines += show.table(rows)
        answer.say(
            f"{told['of']} 的 {told['rows']} 行，{told['table']} 留下 {told['kept']} 行，"
            f"拒绝 {told['rejected']} 行",
            f"{told['rows']} rows of {told['of']}: {told['kept']} kept in {told['table']}, "
            f"{told['rejected']} rejected",
        )


@issue.command("open")
@click.argument("about", metavar="CHECK|COLUMN|CONTRACT")
@click.option("--title", default="", help="标题 (default: the check's)")
@click.option("--reason", default="", help="为何 why")
@click.option("--owner", default="", help="负责人 owner (default: the entity's steward)")
@click.option("--objection", "answers", default="", help="由哪项异议而来 the objection it is from")
@PAPERS
@AS
@common
def open_(about: str, person: str, **opts: Any) -> None:
    """开 open one on a check (check:table/name), col:table.column or a contract."""
    _open("issue open", about, person, "issue", **opts)


@issue.command()
@ISSUE_ID
@click.option("--to", required=True, help="派给谁 to whom: a person")
@TEXT
@AS
@common
def assign(issue_id: str, person: str, **opts: Any) -> None:
    """派 give it to another owner."""
    _do("issue", "assign", issue_id, person, **opts)


@issue.command()
@ISSUE_ID
@TEXT
@AS
@common
def reply(issue_id: str, person: str, **opts: Any) -> None:
    """答 say what will be done."""
    _do("issue", "reply", issue_id, person, **opts)


@issue.command()
@ISSUE_ID
@click.option("--commit", default="", help="改动 the commit that mends it")
@TEXT
@PAPERS
@AS
@common
def fix(issue_id: str, person: str, **opts: Any) -> None:
    """改 it is mended: its check passes now."""
    _do("issue", "fix", issue_id, person, **opts)


@issue.command()
@ISSUE_ID
@TEXT
@AS
@common
def close(issue_id: str, person: str, **opts: Any) -> None:
    """结 close it; a second person does, and says why when it was not mended."""
    _do("issue", "close", issue_id, person, **opts)


@issue.command("list")
@CONTRACT
@ALL
@common
def list_issues(contract: str, every: bool, **opts: Any) -> None:
    """未了的问题 what is open, overdue first."""
    _list("issue", contract, every, **opts)


@issue.command("show")
@ISSUE_ID
@common
def show_issue(issue_id: str, **opts: Any) -> None:
    """一项问题的始末 one with its steps."""
    _show("issue", issue_id, **opts)


@objection.command("file")
@click.argument("about", metavar="COLUMN|CONTRACT|CHECK")
@click.option("--reason", required=True, help="为何 why")
@click.option("--title", default="", help="标题 title")
@PAPERS
@AS
@common
def file_(about: str, person: str, **opts: Any) -> None:
    """提出 object to data, by name."""
    _open("objection file", about, person, "objection", **opts)


@objection.command()
@ISSUE_ID
@TEXT
@AS
@common
def accept(issue_id: str, person: str, **opts: Any) -> None:
    """受理 accept it for examination."""
    _do("objection", "accept", issue_id, person, **opts)


@objection.command()
@ISSUE_ID
@TEXT
@AS
@common
def reject(issue_id: str, person: str, **opts: Any) -> None:
    """不予受理 do not accept it, and say why."""
    _do("objection", "reject", issue_id, person, **opts)


@objection.command("reply")
@ISSUE_ID
@click.option(
    "--verdict", type=click.Choice(["upheld", "dismissed"]), required=True,
    help="成立 upheld | 不成立 dismissed",
)  # fmt: skip
@TEXT
@PAPERS
@AS
@common
def answer_objection(issue_id: str, person: str, **opts: Any) -> None:
    """答复 answer it."""
    _do("objection", "reply", issue_id, person, **opts)


@objection.command("close")
@ISSUE_ID
@TEXT
@AS
@common
def close_objection(issue_id: str, person: str, **opts: Any) -> None:
    """了结 close it; not who answered."""
    _do("objection", "close", issue_id, person, **opts)


@objection.command("list")
@CONTRACT
@ALL
@common
def list_objections(contract: str, every: bool, **opts: Any) -> None:
    """未了的异议 what is open, overdue first."""
    _list("objection", contract, every, **opts)


@objection.command("show")
@ISSUE_ID
@common
def show_objection(issue_id: str, **opts: Any) -> None:
    """一项异议的始末 one with its steps."""
    _show("objection", issue_id, **opts)
