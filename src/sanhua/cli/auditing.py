"""`sanhua audit`: samples that both sides draw alike, and the bundle behind a disclosure."""

from __future__ import annotations

from pathlib import Path

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened

PERIOD = click.option("--period", required=True, help="2024-06 | 2024-Q2 | 2024-H1 | 2024")
ENTITY = click.option("--entity", default="", help="会计主体 entity (default: the first)")


@click.group()
def audit() -> None:
    """审计：抽样、审计包 samples by a seed both sides know, and the bundle of a disclosure."""


@audit.command()
@PERIOD
@ENTITY
@click.option(
    "--seed",
    default="",
    help="种子，由审计方在看到总体摘要之后给出；不给则只写出总体 named by the auditor after seeing "
    "the population's hash; without it the population alone is written",
)
@click.option("--n", "size", default=25, show_default=True, help="样本量 how many items")
@click.option(
    "--of",
    "what",
    type=click.Choice(["figures", "vouchers", "entries"]),
    default="figures",
    show_default=True,
    help="从什么中抽 figures shown, vouchers or entries of the period",
)
@click.option(
    "--report", default="", help="只抽一张表 one report: balance_sheet | table_a | table_b"
)
@click.option(
    "--by",
    type=click.Choice(["count", "value"]),
    default="count",
    show_default=True,
    help="等概率抽样，或货币单元抽样 each item alike, or each unit of money",
)
@click.option(
    "--interval", default="", help="货币单元抽样的间隔 of money units (default: total / n)"
)
@click.option("--no-bundle", is_flag=True, help="不写证据包 write no bundle")
@common
def sample(
    period: str,
    entity: str,
    seed: str,
    size: int,
    what: str,
    report: str,
    by: str,
    interval: str,
    no_bundle: bool,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """抽样 draw items that both sides can draw again; population, working paper, bundle."""
    with show.answering("audit sample", as_json, language or "zh") as answer:
        from sanhua.workspace.auditing import sample as take

        with opened(folder, answer, language) as ws:
            answer.data = take(
                ws,
                period,
                seed,
                entity=entity,
                size=size,
                what=what,
                report=report,
                by_value=by == "value",
                interval=interval,
                language=answer.language,
                bundle=not no_bundle,
            )
        held = answer.data["population"]
        answer.say(
            f"总体：{held['count']} 项，绝对额 {held['total']} {held['currency']}，"
            f"摘要 {held['hash']}",
            f"population: {held['count']} items, absolute amount {held['total']} "
            f"{held['currency']}, hash {held['hash']}",
        )
        if not seed:
            answer.say(
                "把摘要交给审计方，再用其给出的 --seed 抽样",
                "hand over the hash; then draw with the --seed that the auditor names",
            )
        answer.lines += show.table(
            [
                (str(n), row["id"], row["amount"], f"×{row['times']}", row["label"])
                for n, row in enumerate(answer.data["drawn"], 1)
            ]
        )
        answer.lines += answer.data["files"]


@audit.command()
@PERIOD
@ENTITY
@click.option("-o", "out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option(
    "--with-files",
    is_flag=True,
    help="附上证据与账簿原件（原始数据和人员资料除外）evidence and books too (no raw data, nothing "
    "that tells of people)",
)
@common
def bundle(
    period: str,
    entity: str,
    out: Path,
    with_files: bool,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """审计包 everything behind a disclosure as one signed bundle with its verifier and README."""
    with show.answering("audit bundle", as_json, language or "zh") as answer:
        from sanhua.workspace.auditing import audit_bundle

        with opened(folder, answer, language) as ws:
            answer.data = audit_bundle(ws, period, out, entity=entity, with_files=with_files)
        made = answer.data
        answer.say(
            f"已写出 {out}：{made['records']} 条记录，{made['figures']} 个数字，{made['vouchers']} "
            f"张凭证，{made['entries']} 张分录，{made['rules']} 条规则，证据 {made['evidence']} 份"
            f"（附原件 {made['files']} 份）。验证：sanhua verify {out}，或 python verify.py {out}",
            f"{out}: {made['records']} records, {made['figures']} figures, {made['vouchers']} "
            f"vouchers, {made['entries']} entries, {made['rules']} rules, {made['evidence']} "
            f"papers of evidence ({made['files']} with it). Verify: sanhua verify {out}, or "
            f"python verify.py {out}",
        )
