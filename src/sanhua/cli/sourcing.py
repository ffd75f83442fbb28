"""Acts on sources: tokens of those who send, which databases can be read."""

from __future__ import annotations

from pathlib import Path

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened


@click.group()
def source() -> None:
    """数据源：送数令牌、驱动 tokens for senders, drivers of databases."""


@source.command("list")
@common
def listing(folder: Path, as_json: bool, language: str | None) -> None:
    """数据源、上次与下次采集 every source, when it was last asked and is next."""
    with show.answering("source list", as_json, language or "zh") as answer:
        from sanhua.workspace.scheduling import overview

        with opened(folder, answer, language) as ws:
            answer.data = {"sources": overview(ws)}
        rows = [
            (s["source"], s["kind"], s["cadence"], s["last_at"] or "–", s["next_at"] or "–",
             s["fault"])
            for s in answer.data["sources"]
        ]  # fmt: skip
        answer.lines += show.table(rows)


@source.command()
@click.argument("name", metavar="SOURCE")
@click.option("--party", required=True, help="谁送数 who sends: an id of parties.yaml")
@click.option("--label", default="", help="备注 a label")
@common
def token(
    name: str, party: str, label: str, folder: Path, as_json: bool, language: str | None
) -> None:
    """发一个送数令牌，只显示一次 make a token with which files are sent; shown once."""
    with show.answering("source token", as_json, language or "zh") as answer:
        from sanhua.workspace.sending import new_sender

        with opened(folder, answer, language) as ws:
            answer.data = new_sender(ws, name, party, label)
        told = answer.data
        answer.say(
            f"{told['id']} 令牌（请立即保存，不再显示）：{told['token']}",
            f"{told['id']} token (keep it now, it is not shown again): {told['token']}",
        )
        answer.say(
            f"送数：curl --data-binary @FILE -H 'Authorization: Bearer …' URL/inbox/{name}/FILE",
            f"send: curl --data-binary @FILE -H 'Authorization: Bearer …' URL/inbox/{name}/FILE",
        )


@source.command()
@click.argument("token_id", metavar="TOKEN")
@click.option("--reason", default="", help="原因 why")
@common
def revoke(token_id: str, reason: str, folder: Path, as_json: bool, language: str | None) -> None:
    """撤销送数令牌 close a sender's token."""
    with show.answering("source revoke", as_json, language or "zh") as answer:
        from sanhua.workspace.sending import revoke_sender

        with opened(folder, answer, language) as ws:
            answer.data = revoke_sender(ws, token_id, reason)
        answer.say(f"{token_id} 已撤销", f"{token_id} is revoked")


@source.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--language", type=click.Choice(["zh", "en"]), envvar="SANHUA_LANGUAGE", default=None)
def drivers(as_json: bool, language: str | None) -> None:
    """能读哪些数据库，哪些测过 which databases can be read, and which were tested."""
    with show.answering("source drivers", as_json, language or "zh") as answer:
        from sanhua.sources.database import known_drivers

        found = known_drivers()
        answer.data = {"drivers": found}
        words = {"zh": ("已装", "未装", "实测", "未测"), "en": ("here", "–", "tested", "untested")}
        here, absent, tested, untested = words[answer.language]
        answer.lines += show.table(
            [
                (
                    d["database"], d["url"], here if d["installed"] else absent,
                    tested if d["tested"] else untested, d["install"],
                )
                for d in found
            ]
        )  # fmt: skip
