"""Acts on deals: keys, signatures, tokens, an early end."""

from __future__ import annotations

from pathlib import Path

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened

AS = click.option("--as", "person", required=True, help="谁 who acts: an id of parties.yaml")


@click.group()
def deal() -> None:
    """合约：签署、令牌、终止 sign a deal, open it with tokens, end it."""


@deal.command("list")
@common
def listing(folder: Path, as_json: bool, language: str | None) -> None:
    """合约及其状态 every deal and its state."""
    with show.answering("deal list", as_json, language or "zh") as answer:
        from sanhua.workspace.dealing import overview

        with opened(folder, answer, language) as ws:
            answer.data = {"deals": overview(ws)}
        rows = [(d["deal"], d["consumer"], d["state"], d["through"]) for d in answer.data["deals"]]
        answer.lines += show.table(rows)


@deal.command()
@click.argument("party")
@click.option(
    "-o",
    "out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="私钥文件，放在项目之外 the private key's file, outside the project",
)
@common
def key(party: str, out: Path, folder: Path, as_json: bool, language: str | None) -> None:
    """生成签署用的密钥对 make the key pair that a party signs with."""
    with show.answering("deal key", as_json, language or "zh") as answer:
        from sanhua.workspace.dealing import key_pair

        with opened(folder, answer, language) as ws:
            answer.data = key_pair(ws, party, out)
        answer.say(
            f"私钥 {out}（自行保管），公钥 {answer.data['public']}",
            f"private key {out} (keep it), public key {answer.data['public']}",
        )


@deal.command()
@click.argument("name", metavar="DEAL")
@AS
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="本人或机构的私钥 private key (PEM)",
)
@common
def sign(
    name: str, person: str, key_file: Path, folder: Path, as_json: bool, language: str | None
) -> None:
    """签署现行条款 sign the terms as they stand."""
    with show.answering("deal sign", as_json, language or "zh") as answer:
        from sanhua.workspace.dealing import sign_deal

        with opened(folder, answer, language, actor=person) as ws:
            answer.data = sign_deal(ws, name, person, key_file)
        told = answer.data
        answer.say(
            f"{told['party']} 已签署 {told['deal']}，条款 {told['terms']}；"
            + ("双方已签，合约生效" if told["in_force"] else "等待另一方"),
            f"{told['party']} signed {told['deal']}, terms {told['terms']}; "
            + ("both sides have signed" if told["in_force"] else "waiting for the other side"),
        )


@deal.command()
@click.argument("name", metavar="DEAL")
@click.option("--label", default="", help="给谁用 whom it is for")
@common
def token(name: str, label: str, folder: Path, as_json: bool, language: str | None) -> None:
    """发放令牌，只显示一次 issue a bearer token; it is shown once."""
    with show.answering("deal token", as_json, language or "zh") as answer:
        from sanhua.workspace.dealing import new_token

        with opened(folder, answer, language) as ws:
            answer.data = new_token(ws, name, label)
        answer.lines.append(f"{answer.data['id']}  {answer.data['token']}")


@deal.command()
@click.argument("token_id", metavar="TOKEN")
@click.option("--reason", default="", help="为何 why")
@common
def revoke(token_id: str, reason: str, folder: Path, as_json: bool, language: str | None) -> None:
    """撤销令牌，一秒内生效 revoke a token; gateways see it within a second."""
    with show.answering("deal revoke", as_json, language or "zh") as answer:
        from sanhua.workspace.dealing import revoke_token

        with opened(folder, answer, language) as ws:
            answer.data = revoke_token(ws, token_id, reason)
        answer.say(f"已撤销 {token_id}", f"{token_id} is revoked")


@deal.command()
@click.argument("name", metavar="DEAL")
@click.option("--on", "day", default="", help="自哪日起 first day without it (default: today)")
@click.option("--reason", default="", help="为何 why")
@common
def end(
    name: str, day: str, reason: str, folder: Path, as_json: bool, language: str | None
) -> None:
    """提前终止 end a deal early."""
    with show.answering("deal end", as_json, language or "zh") as answer:
        from sanhua.workspace.dealing import end as finish

        with opened(folder, answer, language) as ws:
            answer.data = finish(ws, name, day, reason)
        answer.say(
            f"{answer.data['deal']} 自 {answer.data['ends_on']} 起终止",
            f"{answer.data['deal']} ends; nothing is given from {answer.data['ends_on']} on",
        )
