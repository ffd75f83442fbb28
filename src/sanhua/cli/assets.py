"""Acts on assets: the registration of a data property right, from application to certificate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened
from sanhua.kernel.errors import Invalid

NAME = click.argument("name", metavar="ID")
AS = click.option("--as", "person", required=True, help="谁 who acts: a person of parties.yaml")
REASON = click.option("--reason", required=True, help="为何 why")
THROUGH = click.option("--through", default="", help="有效至 last day (default: the longest)")


def acting(command: Callable[..., None]) -> Callable[..., None]:
    """What each act takes: the registration, a person, the common options."""
    return NAME(AS(common(command)))


@click.group()
def asset() -> None:
    """资产：数据产权登记 register a data property right, step by step."""


class _Steps(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of a case


@asset.group(cls=_Steps)
def register() -> None:
    """数据产权登记 registration: 申请 受理 审查 公示 异议 存证 发证."""


def _do(
    step: str,
    name: str,
    person: str,
    folder: Path,
    as_json: bool,
    language: str | None,
    **said: Any,
) -> None:
    with show.answering(f"asset register {step}", as_json, language or "zh") as answer:
        from sanhua.workspace.registering import perform

        with opened(folder, answer, language, actor=person) as ws:
            answer.data = perform(ws, name, step, person, **said)
        told = answer.data
        answer.say(
            f"{told['registration']}：{told['state_label']['zh']}",
            f"{told['registration']}: {told['state_label']['en']}",
        )
        _say_clocks(answer)


def _say_clocks(answer: show.Answer) -> None:
    en = answer.language == "en"
    rows: list[tuple[str, ...]] = []
    for clock in answer.data["clocks"]:
        due = clock["due"] or ("停钟" if not en else "stopped")
        state = clock["done"] or ""
        if clock["overdue"]:
            state += " 逾期" if not en else " late"
        cited = f"{clock['rule']['number']} {clock['rule']['clause']}"
        rows.append((clock["title"]["en" if en else "zh"], clock["from"], due, state, cited))
    if rows:
        heads = ("时限", "起", "止", "完成", "依据")
        english = ("clock", "from", "due", "done", "rule")
        answer.lines += show.table([english if en else heads, *rows])


@register.command()
@NAME
@common
def status(name: str, folder: Path, as_json: bool, language: str | None) -> None:
    """状态、时限、待填项 where it stands, its clocks, what the form lacks."""
    with show.answering("asset register status", as_json, language or "zh") as answer:
        from sanhua.workspace.registering import status as stand

        with opened(folder, answer, language) as ws:
            answer.data = stand(ws, name)
        told, at = answer.data, "en" if answer.language == "en" else "zh"
        held = told["certificate"]
        answer.lines.append(f"{told['registration']}  {told['state_label'][at]}")
        if held:
            answer.say(
                "凭证 {number}，{holder} 持有，{from} 至 {through}".format(**held),
                "certificate {number} of {holder}, {from} to {through}".format(**held),
            )
        _say_clocks(answer)
        for one in told["missing"]:
            answer.say(f"待填：{one['title']['zh']} {one['field']}", f"to give: {one['field']}")
        answer.say(f"下一步：{'、'.join(told['next'])}", f"next: {', '.join(told['next'])}")


@register.command()
@acting
def apply(name: str, person: str, **opts: Any) -> None:
    """申请 apply with the form as it stands."""
    _do("apply", name, person, **opts)


@register.command()
@click.option("--refuse", default="", metavar="REASON", help="不予受理及理由 not accepted, and why")
@acting
def accept(name: str, person: str, refuse: str, **opts: Any) -> None:
    """受理 accept, within three working days."""
    _do("accept", name, person, refuse=refuse, **opts)


@register.command()
@REASON
@acting
def ask(name: str, person: str, reason: str, **opts: Any) -> None:
    """要求补正 ask for supplements; the clock of the case stops."""
    _do("ask", name, person, reason=reason, **opts)


@register.command()
@acting
def supply(name: str, person: str, **opts: Any) -> None:
    """补正 hand in the form as it now stands; the clock goes on."""
    _do("supply", name, person, **opts)


@register.command()
@click.option("--days", type=int, required=True, help="工作日 working days, at most ten")
@REASON
@acting
def extend(name: str, person: str, days: int, reason: str, **opts: Any) -> None:
    """延期 give a complex case more time, once."""
    _do("extend", name, person, days=days, reason=reason, **opts)


@register.command()
@click.option("--pass", "passed", is_flag=True, help="通过 it passes")
@click.option("--refuse", "ground", default="", metavar="GROUND", help="不予登记的情形 a ground")
@click.option("--reason", default="", help="为何 why")
@click.option("--number", default="", help="受让方的新凭证编号 a transferee's new number")
@acting
def review(
    name: str, person: str, passed: bool, ground: str, reason: str, number: str, **opts: Any
) -> None:
    """审查 review the application, or a request for renewal, transfer, change, cancellation."""
    if passed == bool(ground):
        with show.answering("asset register review", opts["as_json"], "zh"):
            raise Invalid("cli.usage", reason="--pass | --refuse GROUND")
    verdict = "pass" if passed else "refuse"
    said = {"verdict": verdict, "ground": ground, "reason": reason, "number": number}
    _do("review", name, person, **said, **opts)


@register.command()
@click.option("--withhold", multiple=True, help="不公示的项 an item not shown, may be repeated")
@acting
def publish(name: str, person: str, withhold: tuple[str, ...], **opts: Any) -> None:
    """公示 publish for five working days."""
    _do("publish", name, person, withheld=withhold, **opts)


@register.command("object")
@REASON
@click.option("--evidence", multiple=True, help="证据文件 a paper, path in the project folder")
@acting
def object_to(name: str, person: str, reason: str, evidence: tuple[str, ...], **opts: Any) -> None:
    """异议 object, by name and with evidence."""
    _do("object", name, person, reason=reason, papers=evidence, **opts)


@register.command()
@click.option("--objection", default="", help="哪项异议 which, when there are several")
@acting
def notify(name: str, person: str, objection: str, **opts: Any) -> None:
    """通知 tell the registrant of an objection after registration."""
    _do("notify", name, person, objection=objection, **opts)


@register.command()
@click.option(
    "--verdict",
    type=click.Choice(["upheld", "dismissed", "rectify", "court"]),
    required=True,
    help="公示期 upheld|dismissed；登记后 after registration: rectify|dismissed|court",
)
@REASON
@click.option("--objection", default="", help="哪项异议 which, when there are several")
@acting
def decide(name: str, person: str, verdict: str, reason: str, objection: str, **opts: Any) -> None:
    """异议处理 decide an objection."""
    _do("decide", name, person, verdict=verdict, reason=reason, objection=objection, **opts)


@register.command()
@click.option("--receipt", required=True, help="存证回执 what the evidence system answered")
@THROUGH
@acting
def deposit(name: str, person: str, receipt: str, through: str, **opts: Any) -> None:
    """信息存证 deposit the evidence; the validity begins."""
    _do("deposit", name, person, receipt=receipt, through=through, **opts)


@register.command()
@click.option("--number", required=True, help="凭证编号 SJ…, 15 characters")
@acting
def certify(name: str, person: str, number: str, **opts: Any) -> None:
    """核发凭证 issue the certificate."""
    _do("certify", name, person, number=number, **opts)


@register.command()
@THROUGH
@acting
def renew(name: str, person: str, through: str, **opts: Any) -> None:
    """续期 ask for renewal, in the last six months."""
    _do("renew", name, person, through=through, **opts)


@register.command()
@click.option("--to", required=True, help="受让方 the transferee, a party")
@acting
def transfer(name: str, person: str, to: str, **opts: Any) -> None:
    """转让 ask to transfer all registered rights."""
    _do("transfer", name, person, to=to, **opts)


@register.command()
@acting
def change(name: str, person: str, **opts: Any) -> None:
    """变更 ask to register the form as it now stands."""
    _do("change", name, person, **opts)


@register.command()
@REASON
@acting
def cancel(name: str, person: str, reason: str, **opts: Any) -> None:
    """注销 ask to cancel."""
    _do("cancel", name, person, reason=reason, **opts)
