"""`sanhua store`: where the records live."""

from __future__ import annotations

from pathlib import Path

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened


@click.group()
def store() -> None:
    """状态库在哪里 where the records live: SQLite, PostgreSQL."""


@store.command()
@click.argument("url")
@common
def move(url: str, folder: Path, as_json: bool, language: str | None) -> None:
    """搬到另一个空数据库，并在那里验证 copy into another empty database and verify it there.

    URL: sqlite:///state/other.db | postgresql+psycopg://USER@HOST/DATABASE

    口令放在环境变量里，地址中写 '${NAME}'（单引号）。
    A password stays in the environment; write '${NAME}' in the URL, in single quotes.
    """
    with show.answering("store move", as_json, language or "zh") as answer:
        from sanhua.workspace.moving import move as copy

        with (
            opened(folder, answer, language) as ws,
            show.progress(not as_json, answer.language) as told,
        ):
            answer.data = copy(ws, url, told)
        rows, events = sum(answer.data["rows"].values()), answer.data["events"]
        answer.say(
            f"已复制 {rows} 行（{events} 条事件）并验证，日志根 {answer.data['root']}。原库未动。",
            f"{rows} rows ({events} events) copied and verified, log root {answer.data['root']}; "
            "the old store is as it was.",
        )
        answer.say(
            "现在把这一行写进 sanhua.yaml（或设 SANHUA_STORE），再执行 sanhua verify：",
            "Now write this line in sanhua.yaml (or set SANHUA_STORE), then run `sanhua verify`:",
        )
        answer.lines.append(f"store: {answer.data['store']}")
