"""`sanhua profile`: look at a file, an address or a database without any project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from sanhua.cli import show


@click.command()
@click.argument("target")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="把报告写成一个网页 write the report as one page",
)
@click.option("--open", "opening", is_flag=True, help="写成网页并打开 write the page and open it")
@click.option("--format", "kind", default="", help="csv | excel | json | ndjson | parquet")
@click.option("--sheet", default="", help="工作表 the sheet of a workbook (default: the first)")
@click.option("--delimiter", default="", help="分隔符 of a CSV; \\t is a tab")
@click.option("--quote", default="", help="引号 of a CSV")
@click.option("--encoding", default="", help="编码 e.g. gb18030")
@click.option(
    "--skip", type=click.IntRange(0), default=0, help="表头之前的行数 lines before the head"
)
@click.option("--no-header", is_flag=True, help="第一行就是数据 the first line is data")
@click.option("--records", default="", help="JSON 中记录的路径 a path into JSON: $.data")
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=None,
    help="数据库表最多读多少行 rows of a table to read",
)
@click.option(
    "--json", "as_json", is_flag=True, help="stdout 输出一个 JSON 对象 one JSON object on stdout"
)
@click.option("--language", type=click.Choice(["zh", "en"]), envvar="SANHUA_LANGUAGE", default=None)
def profile(
    target: str,
    page: Path | None,
    opening: bool,
    as_json: bool,
    language: str | None,
    **given: Any,
) -> None:
    """看一个文件、网址或数据库里有什么 see what a file, an address or a database holds.

    TARGET: a.csv, 'in/*.csv', a.zip!b.csv, https://…/a.xlsx, sqlite:///x.db#table,
    postgresql://…#schema.table
    """
    with show.answering("profile", as_json, language or "zh") as answer:
        from sanhua.kernel.table import Reading
        from sanhua.report.profile import lines, to_json
        from sanhua.workspace import profiling

        reading = Reading(
            format=given["kind"],
            encoding=given["encoding"],
            delimiter=given["delimiter"],
            quote=given["quote"],
            header=False if given["no_header"] else None,
            skip=given["skip"],
            sheet=given["sheet"],
            records=given["records"],
        )
        with show.progress(not as_json, answer.language) as told:
            report = profiling.profile(
                target,
                reading,
                rows_max=given["rows"] or profiling.DATABASE_ROWS_MAX,
                told=told,
            )
        answer.data = to_json(report)
        answer.found = report.diagnostics
        answer.lines = lines(report, answer.language, _width())
        if not as_json and page is None and not opening and _on_terminal():
            answer.finish()
            answer.said = True
            asked = "打开网页报告？" if answer.language == "zh" else "Open the report as a page?"
            opening = click.confirm(asked, default=False, err=True)
            answer.lines, answer.found = [], []
        if page is not None or opening:
            page = page or profiling.page_for(target)
            profiling.write_page(report, page)
            answer.data["html"] = str(page)
            answer.say(f"网页报告：{page}", f"the report as a page: {page}")
            if answer.said:
                click.echo(answer.lines[-1])
        if opening and page is not None:
            click.launch(page.resolve().as_uri())


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _width() -> int:
    from shutil import get_terminal_size

    return max(80, get_terminal_size((120, 40)).columns) if sys.stdout.isatty() else 140
