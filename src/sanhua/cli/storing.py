"""`sanhua store`: where the records live, and what of the lake may go."""

from __future__ import annotations

from pathlib import Path

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened


@click.group()
def store() -> None:
    """状态库与数据湖 where the records live, and what of the lake may go."""


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


@store.command()
@click.option("--days", type=int, default=30, show_default=True, help="保留天数 kept for so long")
@click.option("--dry-run", is_flag=True, help="只列出，不删除 only say which")
@common
def prune(days: int, dry_run: bool, folder: Path, as_json: bool, language: str | None) -> None:
    """删去不再被引用的旧快照 let the bytes of old snapshots go that nothing stands on.

    现行的表、资源、产品、合约所依据的快照都保留；删去的每一个都记入日志，其哈希仍在。
    What a table, a resource, a product or a deal stands on is kept; each that goes is an act in the
    log, and its hash stays.
    """
    with show.answering("store prune", as_json, language or "zh") as answer:
        from sanhua.workspace.pruning import prune as let_go

        with opened(folder, answer, language) as ws:
            answer.data = let_go(ws, days, dry=dry_run)
        found, size = len(answer.data["snapshots"]), answer.data["bytes"]
        done = ("可删去", "may go") if dry_run else ("已删去", "have gone")
        answer.say(
            f"{found} 个快照（{size} 字节）{done[0]}，{answer.data['kept']} 个保留。",
            f"{found} snapshots ({size} bytes) {done[1]}, {answer.data['kept']} are kept.",
        )
        for one in answer.data["snapshots"]:
            answer.lines.append(f"  {one['table']}  {one['id'][:23]}  {one['rows']}")
