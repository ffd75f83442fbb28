"""Standards 数据标准: sheets out and back, the review of bindings, codes, indicators, conflicts,
coverage.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from sanhua.cli import show
from sanhua.cli.commands import common, opened
from sanhua.kernel.errors import Invalid, Severity

AS = click.option("--as", "person", required=True, help="谁 who decides: a person of parties.yaml")
TABLES = click.argument("tables", nargs=-1)
FILE = click.Path(path_type=Path, dir_okay=False)
LISTED = 20  # lines of one part that people are shown; --json and the report have all
WITHHELD_ZH = "  该列级别不允许列出值"
WITHHELD_EN = "  the grade of the column does not allow to list its values"


class _Steps(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Steps)
def standards() -> None:
    """数据标准：表格往返、对标、冲突、覆盖 standards: sheets, bindings, conflicts, coverage."""


@standards.command()
@click.option("-o", "out", type=FILE, required=True, help="工作簿 the workbook")
@common
def export(out: Path, folder: Path, as_json: bool, language: str | None) -> None:
    """写成一本可填的工作簿 every standard as one workbook to fill in."""
    with show.answering("standards export", as_json, language or "zh") as answer:
        from sanhua.workspace.standards import export as write

        with opened(folder, answer, language) as ws:
            answer.data = write(ws, out)
        rows = answer.data["rows"]
        answer.say(
            f"已写出 {out}：{show.mapping(rows)}，代码集 {answer.data['code_lists']} 个",
            f"{out} is written: {show.mapping(rows)}, {answer.data['code_lists']} code lists",
        )


@standards.command("import")
@click.argument("book", type=FILE)
@click.option("--replace", is_flag=True, help="连注释一并重写 rewrite files with comments inside")
@common
def take_in(book: Path, replace: bool, folder: Path, as_json: bool, language: str | None) -> None:
    """读回工作簿，只改写有变化的文件 read a workbook back; only files that differ are written."""
    with show.answering("standards import", as_json, language or "zh") as answer:
        from sanhua.workspace.standards import import_book

        with opened(folder, answer, language) as ws:
            made = import_book(ws, book, replace_files=replace)
        answer.found = made.pop("found")
        answer.data = made
        errors = sum(one.severity is Severity.ERROR for one in answer.found)
        answer.ok, answer.code = not errors, show.EXIT_FAULTS if errors else 0
        if errors:
            answer.say(f"{errors} 处有误，没有写入", f"{errors} faults; nothing is written")
        else:
            written = "、".join(made["written"]) or "无"
            answer.say(
                f"已改写：{written}；未变 {len(made['unchanged'])} 个文件。下一步：sanhua check",
                f"written: {', '.join(made['written']) or 'none'}; {len(made['unchanged'])} files "
                "unchanged. Next: sanhua check",
            )


@standards.command()
@TABLES
@common
def review(tables: tuple[str, ...], folder: Path, as_json: bool, language: str | None) -> None:
    """待审的对标建议 which data element each unbound column may mean."""
    with show.answering("standards review", as_json, language or "zh") as answer:
        from sanhua.workspace.binding import review as look

        with opened(folder, answer, language) as ws:
            answer.data = look(ws, tables)
        told = answer.data
        at = "en" if answer.language == "en" else "zh"
        head = ("列", "数据元", "名称", "置信度", "名称依据", "值在内", "相似列")
        english = ("column", "element", "title", "confidence", "by name", "inside", "looks like")
        rows = [
            (
                *(p["column"], p["element"], p["title"][at], p["confidence"]),
                *(p["name"]["by"] or "–", p["inside"] or "–", p["likeness"]["column"] or "–"),
            )
            for p in told["proposals"]
        ]
        answer.lines += show.table([english if at == "en" else head, *rows]) if rows else []
        answer.say(
            f"{len(rows)} 条建议；{len(told['nothing_found'])} 列没有建议；"
            f"{len(told['not_built'])} 张表尚未构建，只看了名称",
            f"{len(rows)} proposals; {len(told['nothing_found'])} columns without one; "
            f"{len(told['not_built'])} tables are not built and were judged by name only",
        )


def _decide(
    accept: bool,
    column: str,
    element: str,
    person: str,
    reason: str,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    command = "standards accept" if accept else "standards reject"
    with show.answering(command, as_json, language or "zh") as answer:
        from sanhua.workspace.binding import decide

        with opened(folder, answer, language, actor=person) as ws:
            answer.data = decide(ws, column, element, person, accept=accept, reason=reason)
        if accept:
            answer.say(
                f"{column} 已绑定 {element}，写入契约",
                f"{column} is bound to {element} in its contract",
            )
        else:
            answer.say(
                f"{column} 不再建议 {element}", f"{element} is not proposed again for {column}"
            )


@standards.command()
@click.argument("column", metavar="TABLE.COLUMN", required=False, default="")
@click.argument("element", required=False, default="")
@click.option(
    "--at-least", default="", help="接受置信度不低于此的首条建议 every first proposal from"
)
@click.option("--reason", default="", help="为何 why")
@AS
@common
def accept(
    column: str,
    element: str,
    at_least: str,
    reason: str,
    person: str,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """接受：记入日志并写入契约 bind a column: an act in the log, written into the contract."""
    if bool(at_least) == bool(column and element):
        raise click.UsageError("TABLE.COLUMN ELEMENT | --at-least 0.9")
    if not at_least:
        _decide(True, column, element, person, reason, folder, as_json, language)
        return
    with show.answering("standards accept", as_json, language or "zh") as answer:
        from sanhua.workspace.binding import accept_all

        try:
            least = Decimal(at_least)
        except InvalidOperation:
            raise Invalid("cli.usage", reason=f"--at-least {at_least}") from None
        with opened(folder, answer, language, actor=person) as ws:
            made = accept_all(ws, least, person, reason=reason)
        answer.data = {"accepted": made}
        answer.say(f"已绑定 {len(made)} 列", f"{len(made)} columns are bound")
        answer.lines += show.table((m["column"], m["element"], m["confidence"]) for m in made)


@standards.command()
@click.argument("column", metavar="TABLE.COLUMN")
@click.argument("element")
@click.option("--reason", default="", help="为何 why")
@AS
@common
def reject(
    column: str,
    element: str,
    reason: str,
    person: str,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """拒绝：不再建议 not this one: an act in the log; it is not proposed again."""
    _decide(False, column, element, person, reason, folder, as_json, language)


@standards.command()
@common
def conflicts(folder: Path, as_json: bool, language: str | None) -> None:
    """标准冲突与一数一源 elements and columns that disagree, data without one source."""
    with show.answering("standards conflicts", as_json, language or "zh") as answer:
        from sanhua.workspace.governing import Standing

        with opened(folder, answer, language) as ws:
            answer.found = Standing(ws).conflicts
        found = answer.found
        by_code: dict[str, int] = {}
        for one in found:
            by_code[one.code] = by_code.get(one.code, 0) + 1
        answer.data = {"conflicts": len(found), "by_code": by_code}
        answer.ok, answer.code = not found, show.EXIT_FAULTS if found else 0
        answer.say(f"冲突 {len(found)} 处", f"{len(found)} conflicts")
        answer.lines += show.table((code, str(n)) for code, n in sorted(by_code.items()))


@standards.command()
@common
def coverage(folder: Path, as_json: bool, language: str | None) -> None:
    """覆盖率：域、对象、实体 how much of the standards is used, by domain, object and entity."""
    with show.answering("standards coverage", as_json, language or "zh") as answer:
        from sanhua.workspace.governing import Standing

        with opened(folder, answer, language) as ws:
            answer.data = {"coverage": Standing(ws).coverage_json()}
        _say_coverage(answer, answer.data["coverage"])


def _say_coverage(answer: show.Answer, told: dict[str, Any]) -> None:
    elements, columns = told["elements"], told["columns"]
    answer.say(
        f"数据元 {elements['used']}/{elements['of']} 被使用；列 {columns['bound']}/{columns['of']} "
        f"已对标；代码集 {told['codes']['used']}/{told['codes']['of']} 被使用",
        f"{elements['used']}/{elements['of']} elements used; {columns['bound']}/{columns['of']} "
        f"columns bound; {told['codes']['used']}/{told['codes']['of']} code lists used",
    )
    head = ("主题域", "属性", "已对标", "已落表", "实体", "有表")
    english = ("domain", "attributes", "bound", "realised", "entities", "with table")
    rows = [
        (
            one["title"] or one["id"],
            str(one["attributes"]),
            one["bound_share"] or "–",
            one["realised_share"] or "–",
            str(one["entities"]),
            str(one["held"]),
        )
        for one in told["model"]["domains"]
    ]
    answer.lines += (
        show.table([english if answer.language == "en" else head, *rows]) if rows else []
    )


@standards.command()
@common
def distribution(folder: Path, as_json: bool, language: str | None) -> None:
    """数据分布：系统×实体 which system holds which entity, the golden source and its copies."""
    with show.answering("standards distribution", as_json, language or "zh") as answer:
        from sanhua.workspace.governing import ROLES, Standing

        with opened(folder, answer, language) as ws:
            answer.data = {"distribution": Standing(ws).distribution_json()}
        told = answer.data["distribution"]
        at = answer.language == "en"
        rows = [
            (one["entity"], one["table"], source, ROLES[role].split(" ")[at])
            for one in told["entities"]
            for source, role in one["held"].items()
        ]
        head = ("实体", "表", "系统", "角色") if not at else ("entity", "table", "system", "role")
        answer.lines += show.table([head, *rows]) if rows else []
        without = ", ".join(told["without_golden_source"][:LISTED])
        if without:
            answer.say(f"没有黄金源：{without}", f"without a golden source: {without}")


@standards.command()
@TABLES
@common
def unknown(tables: tuple[str, ...], folder: Path, as_json: bool, language: str | None) -> None:
    """数据中的未知代码及最近的代码 codes in data that the list lacks, and the nearest one."""
    with show.answering("standards unknown", as_json, language or "zh") as answer:
        from sanhua.workspace.governing import unknown_codes

        with opened(folder, answer, language) as ws:
            answer.data = {"columns": unknown_codes(ws, tables)}
        for one in answer.data["columns"]:
            name, values, out = f"{one['column']} ({one['codes']})", one["values"], one["unknown"]
            used = f"{one['codes_used']}/{one['codes_known']}"
            answer.say(
                f"{name}：{values} 个值中 {out} 个未知；用到 {used} 个代码",
                f"{name}: {out} of {values} values unknown; {used} codes used",
            )
            answer.lines += show.table(
                (f"  {u['value']}", str(u["count"]), u["nearest"] or "–", u["how"] or "–")
                for u in one["listed"][:LISTED]
            )
            if one["withheld"] and out:
                answer.say(WITHHELD_ZH, WITHHELD_EN)


@standards.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--code", default="code", show_default=True, help="代码列 the column of the codes")
@click.option("--name", default="name", show_default=True, help="名称列 the column of the names")
@click.option("--cut", type=click.IntRange(1), help="只比较前几位 only the first characters")
@common
def compare(
    old: str,
    new: str,
    code: str,
    name: str,
    cut: int | None,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """比较两版代码集：新增、撤销、更名 two versions of a code list: an id, or a csv file."""
    with show.answering("standards compare", as_json, language or "zh") as answer:
        from sanhua.workspace.governing import compare_lists, list_of

        with opened(folder, answer, language) as ws:
            lists = [list_of(ws, one, code, name, cut) for one in (old, new)]
            answer.data = compare_lists(*lists)
        told = answer.data
        counts = {k: len(told[k]) for k in ("added", "dropped", "renamed", "moved", "recoded")}
        answer.say(
            f"相同 {told['same']}，新增 {counts['added']}，撤销 {counts['dropped']}，"
            f"更名 {counts['renamed']}，改隶 {counts['moved']}，换码 {counts['recoded']}",
            f"{told['same']} the same, {show.mapping(counts)}",
        )
        for key in ("added", "dropped"):
            sign = "+" if key == "added" else "-"
            answer.lines += [f"{sign} {c}  {n}" for c, n in list(told[key].items())[:LISTED]]
        answer.lines += [
            f"~ {c}  {a} → {b}" for c, (a, b) in list(told["renamed"].items())[:LISTED]
        ]


@standards.command()
@click.argument("names", nargs=-1, metavar="[ID]...")
@common
def indicator(names: tuple[str, ...], folder: Path, as_json: bool, language: str | None) -> None:
    """计算指标 compute indicators on the tables as they stand."""
    with show.answering("standards indicator", as_json, language or "zh") as answer:
        from sanhua.workspace.governing import compute

        with opened(folder, answer, language) as ws:
            answer.data = {"indicators": compute(ws, names)}
        at = "en" if answer.language == "en" else "zh"
        failed = [one for one in answer.data["indicators"] if one["error"]]
        answer.ok, answer.code = not failed, show.EXIT_FAULTS if failed else 0
        for one in answer.data["indicators"]:
            told = one["error"] or f"{one['value'] or '–'} {one['unit']}"
            groups = f"  ({', '.join(one['by'])}: {one['groups_counted']})" if one["by"] else ""
            answer.lines.append(f"{one['indicator']}  {one['title'][at]}  {told}{groups}")
            if names:
                answer.lines += show.table(
                    tuple("–" if cell is None else str(cell) for cell in row)
                    for row in one["groups"][:LISTED]
                )
                if one["withheld"]:
                    answer.say(WITHHELD_ZH, WITHHELD_EN)
