"""Rules suggested from a table's values, and what a person makes of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened
from sanhua.kernel.errors import Invalid


@click.command()
@click.argument("table", metavar="TABLE|FILE")
@click.option("--accept", "accepted", multiple=True, metavar="ID",
              help="写入契约 write the rule into the contract (repeatable)")  # fmt: skip
@click.option("--reject", "rejected", multiple=True, metavar="ID",
              help="不采纳并记住 remember that it does not hold (repeatable)")  # fmt: skip
@click.option("--as", "person", default="", help="谁 who decides: an id of parties.yaml")
@click.option("--reason", default="", help="为何不采纳 why it is rejected")
@click.option("--least", type=float, default=None, metavar="0..1",
              help="最低把握 least confidence that is shown (default 0.6)")  # fmt: skip
@common
def suggest(
    table: str,
    accepted: tuple[str, ...],
    rejected: tuple[str, ...],
    person: str,
    reason: str,
    least: float | None,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """质量规则建议：列出、采纳、不采纳 quality rules that a table's own values propose."""
    with show.answering("suggest", as_json, language or "zh") as answer:
        from sanhua.resource.suggest.rule import DEFAULT
        from sanhua.workspace import suggesting

        at_least = DEFAULT if least is None else Decimal(str(least))
        before = 0
        if Path(table).is_file():
            if accepted or rejected:
                raise Invalid("cli.usage", reason="--accept, --reject: TABLE")
            fresh, below = suggesting.offered_of_file(Path(table), least=at_least)
        else:
            if (accepted or rejected) and not person:
                raise Invalid("cli.usage", reason="--as PERSON")
            with opened(folder, answer, language, actor=person) as ws:
                if rejected:
                    answer.data = suggesting.reject(ws, table, rejected, person, reason)
                    answer.say(
                        f"已记住 {len(rejected)} 条不采纳", f"{len(rejected)} rejections kept"
                    )
                if accepted:
                    told = suggesting.accept(ws, table, accepted, person)
                    answer.data |= told
                    answer.say(
                        f"{len(told['accepted'])} 条规则已写入 {told['contract']}；下次 run 起检查",
                        f"{len(told['accepted'])} rules written to {told['contract']}; "
                        "checked from the next run on",
                    )
                if accepted or rejected:
                    return
                fresh, below, before = suggesting.offered(ws, table, least=at_least)
        answer.data = {
            "table": table,
            "least": str(at_least),
            "suggestions": [one.told(answer.language) for one in fresh],
            "below": below,
            "rejected_before": before,
        }
        rows = [("id", "0–1", "✗", "∑", "GB/T 36344", "")]
        for one in fresh:
            it = one.suggestion
            shown = "、".join(f"{value!r}×{count}" for value, count in one.examples)
            rows.append((
                it.id, str(it.confidence), str(it.violations), str(it.support), it.indicator,
                one.label.say(answer.language) + (f"：{shown}" if shown else ""),
            ))  # fmt: skip
        answer.lines += show.table(rows)
        answer.say(
            f"{len(fresh)} 条建议；把握低于 {at_least} 的另有 {below} 条，从前不采纳 {before} 条",
            f"{len(fresh)} suggestions; {below} more below {at_least}, {before} rejected before",
        )
        if answer.project:
            answer.say(
                f"采纳：sanhua suggest {table} --accept ID --as PERSON",
                f"accept: sanhua suggest {table} --accept ID --as PERSON",
            )
