"""The verbs and their options. Each opens the folder, calls one function of `workspace` and says
what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from sanhua.cli import show
from sanhua.kernel.errors import Invalid, Severity

COMMON = (
    click.option(
        "-C",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        help="项目文件夹 project folder (default: here or above)",
    ),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="stdout 输出一个 JSON 对象 one JSON object on stdout",
    ),
    click.option(
        "--language",
        type=click.Choice(["zh", "en"]),
        envvar="SANHUA_LANGUAGE",
        default=None,
        help="文字语言 language of the text (default: the project's)",
    ),
)


def common(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(COMMON):
        command = option(command)
    return command


def opened(folder: Path, answer: show.Answer, language: str | None, actor: str = "") -> Any:
    from sanhua.workspace.opening import Workspace, find_root

    ws = Workspace(find_root(folder), actor=actor)
    answer.project = ws.root.name
    answer.project = ws.project.name
    answer.language = language or ws.project.settings.language
    return ws


# Groups of acts and commands, each in a module that is loaded when it is named: name → module,
# help.
GROUPS = {
    "asset": (
        "sanhua.cli.assets",
        "资产：数据产权登记 register a data property right, step by step.",
    ),
    "audit": (
        "sanhua.cli.auditing",
        "审计：抽样、审计包 samples by a seed both sides know, the bundle of a disclosure.",
    ),
    "deal": (
        "sanhua.cli.deals",
        "合约：签署、令牌、终止 sign a deal, open it with tokens, end it.",
    ),
    "profile": (
        "sanhua.cli.profiling",
        "看数据：文件、网址、数据库 see what a file, an address or a database holds.",
    ),
    "quality": (
        "sanhua.cli.quality",
        "质量：问题、异议、未通过的行、清洗前后 issues, objections, failed rows, repairs.",
    ),
    "source": (
        "sanhua.cli.sourcing",
        "数据源：令牌、拒收、驱动 senders' tokens, rejected rows, drivers.",
    ),
    "suggest": (
        "sanhua.cli.suggesting",
        "质量规则建议：列出、采纳、不采纳 quality rules that a table's own values propose.",
    ),
    "standards": (
        "sanhua.cli.standards",
        "数据标准：表格往返、对标、冲突、覆盖 standards: sheets, bindings, conflicts, coverage.",
    ),
    "store": (
        "sanhua.cli.storing",
        "存储：换库、清理旧快照 move the records, prune old snapshots.",
    ),
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *GROUPS]  # in the order a newcomer meets them

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in GROUPS:
            return getattr(import_module(GROUPS[cmd_name][0]), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The groups by their lines here, so that help loads none of them."""
        rows = [(name, command.get_short_help_str(90)) for name, command in self.commands.items()]
        rows += [(name, told) for name, (_, told) in GROUPS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """With --json a wrong option or argument is told as JSON too."""
        if "--json" not in ctx.args:
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            with show.answering(ctx.invoked_subcommand or "", True, "zh"):
                raise Invalid("cli.usage", reason=error.format_message()) from error


@click.group(
    cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="sanhua", message="%(prog)s %(version)s")
def cli() -> None:
    """三化：数据资源化、资产化、资本化。From raw files to the balance sheet, every figure provable.

    第一次使用 first time: sanhua demo
    """


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--template", default="blank", show_default=True, help="power | blank")
@click.option("--json", "as_json", is_flag=True)
@click.option("--language", type=click.Choice(["zh", "en"]), envvar="SANHUA_LANGUAGE", default=None)
def init(folder: Path, template: str, as_json: bool, language: str | None) -> None:
    """新建可运行的项目 make a project that runs end to end."""
    with show.answering("init", as_json, language or "zh") as answer:
        from sanhua.workspace.starting import init as start

        written = start(folder, template)
        answer.project = folder.resolve().name
        answer.data = {"folder": str(folder), "template": template, "files": written}
        answer.say(
            f"已在 {folder} 写入 {len(written)} 个文件。下一步：sanhua run -C {folder}",
            f"{len(written)} files written to {folder}. Next: sanhua run -C {folder}",
        )


@cli.command()
@common
def check(folder: Path, as_json: bool, language: str | None) -> None:
    """静态检查全部文件 compile the whole path without running it."""
    with show.answering("check", as_json, language or "zh") as answer:
        from sanhua.workspace.checking import check as compile_path

        with opened(folder, answer, language) as ws:
            compiled, found = compile_path(ws)
        answer.found = found
        errors = sum(item.severity is Severity.ERROR for item in found)
        warnings = sum(item.severity is Severity.WARNING for item in found)
        answer.ok, answer.code = not errors, show.EXIT_FAULTS if errors else 0
        answer.data = {"compiled": compiled}
        answer.say(
            f"{'通过' if not errors else '未通过'}：{errors} 个错误，{warnings} 个警告。"
            f"编译了 {show.mapping(compiled)}",
            f"{'passed' if not errors else 'failed'}: {errors} errors, {warnings} warnings; "
            f"compiled {show.mapping(compiled)}",
        )


@cli.command()
@click.argument("select", nargs=-1)
@common
def run(select: tuple[str, ...], folder: Path, as_json: bool, language: str | None) -> None:
    """增量构建 bring everything (or SELECT and what it needs) up to date."""
    with show.answering("run", as_json, language or "zh") as answer:
        from sanhua.workspace.running import run as build

        with (
            opened(folder, answer, language) as ws,
            show.progress(not as_json, answer.language) as told,
        ):
            result = build(ws, select, told)
            answer.found = result.diagnostics
            answer.data = result.to_json()
            answer.ok = result.ok
            if result.error is not None:
                answer.code = show.exit_code(result.error)
            elif not result.ok:
                answer.code = show.EXIT_FAULTS
            _say_run(answer, result)


def _say_run(answer: show.Answer, result: Any) -> None:
    done = [step for step in result.steps if step.status != "skipped"]
    if result.steps and not done:
        answer.say(
            f"没有变化，{len(result.steps)} 步全部跳过。",
            f"Nothing changed; all {len(result.steps)} steps skipped.",
        )
    for step in done:
        counts = "" if step.rows is None else f"{step.rows:,} rows"
        if step.rejected:
            counts += f", {step.rejected:,} rejected"
        answer.lines.append(
            f"{step.status:8} {step.step:10} {step.node}  {counts}  "
            f"({step.why}, {step.seconds:.2f} s)"
        )
    skipped = len(result.steps) - len(done)
    if done and skipped:
        answer.say(f"{skipped} 步未变，已跳过", f"{skipped} steps unchanged, skipped")
    answer.lines.append("")
    answer.lines += show.table(result.stage_rows(answer.language))
    if result.checkpoint:
        answer.say(f"证据日志 {result.checkpoint}", f"evidence log {result.checkpoint}")


@cli.command()
@click.argument("period")
@common
def close(period: str, folder: Path, as_json: bool, language: str | None) -> None:
    """月结 close a month (2026-03): rate the calls, bill, share, post, freeze."""
    with show.answering("close", as_json, language or "zh") as answer:
        from sanhua.workspace.closing import close as finish

        with opened(folder, answer, language) as ws:
            made = finish(ws, period)
            answer.data, answer.found = made.data, made.diagnostics
        if "usage" not in made.data:  # an adjustment period
            posted = len(made.data["entries"])
            answer.say(f"{period}：调整分录 {posted} 笔", f"{period}: {posted} adjusting entries")
            return
        usage = made.data["usage"]
        answer.say(
            f"{period} 已结：计量 {usage['records']} 条，计费 {usage['rated']}，"
            f"重复 {usage['repeats']}，拒绝 {usage['refused']}，迟到 {usage['late']}",
            f"{period} is closed: {usage['records']} records, {usage['rated']} rated, "
            f"{usage['repeats']} repeats, {usage['refused']} refused, {usage['late']} late",
        )
        for invoice in made.data["invoices"]:
            answer.say(
                f"账单 {invoice['id']}  {invoice['deal']}  {invoice['total']} "
                f"{invoice['currency']}（税 {invoice['tax']}）",
                f"invoice {invoice['id']}  {invoice['deal']}  {invoice['total']} "
                f"{invoice['currency']} (tax {invoice['tax']})",
            )
            answer.lines += show.table(
                [
                    (
                        line["reason"],
                        line["period"],
                        line["quantity"],
                        line["price"],
                        line["amount"],
                    )
                    for line in invoice["lines"]
                ]
            )
        answer.lines += show.table(
            [(s["party"], s["amount"], s["basis"]) for s in made.data["shares"]]
        )
        proposed = len({row["voucher"] for row in made.data["proposed_vouchers"]})
        answer.say(
            f"借贷 {len(made.data['postings'])} 对；建议 ERP 入账 {proposed} 张凭证",
            f"{len(made.data['postings'])} debits and credits; {proposed} vouchers proposed to the "
            "ERP",
        )
        answer.lines += made.data["figures"]


@cli.command()
@click.argument(
    "kind",
    type=click.Choice(
        [
            "books",
            "catalogue",
            "cost",
            "disclosure",
            "freshness",
            "quality",
            "registration",
            "standards",
            "tie-out",
            "vouchers",
        ]
    ),
)
@click.option(
    "--period", default="", help="2024-06 | 2024-Q2 | 2024-H1 | 2024 (default: the latest)"
)
@click.option("--entity", default="", help="会计主体 entity (default: the first)")
@click.option(
    "--id", "of", default="", help="哪一项登记、契约或数据源 which registration, contract or source"
)
@click.option(
    "--scope",
    type=click.Choice(["entity", "parent", "group"]),
    default="entity",
    show_default=True,
    help="列示：本主体、母公司或合并 a disclosure's: the entity, the parent alone, or the group",
)
@click.option(
    "--as-at", default="", help="按该日所知与当日规定重列 a disclosure as it was known on this day"
)
@common
def report(
    kind: str,
    period: str,
    entity: str,
    of: str,
    scope: str,
    as_at: str,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """出具报告 write a report: XLSX, PDF, HTML, JSON, JSON-LD, YAML; a signed dossier."""
    with show.answering(f"report {kind}", as_json, language or "zh") as answer:
        from sanhua.workspace.reporting import report as make

        with opened(folder, answer, language) as ws:
            made = make(ws, kind, period=period, entity=entity, of=of, scope=scope, as_at=as_at)
            answer.data, answer.found, answer.ok = made.data, made.diagnostics, made.ok
            answer.code = 0 if made.ok else show.EXIT_FAULTS
            if made.error is not None:
                answer.code = show.exit_code(made.error)
            answer.lines += made.lines(answer.language)


@cli.command()
@click.argument("node")
@click.option("--limit", default=2000, show_default=True, help="最多节点数 nodes at most")
@click.option("--depth", default=0, help="只展开几步（0：到底）steps to open (0: to the bottom)")
@click.option("--after", default=0, help="略过本节点的前几项 leave out its first so many items")
@common
def explain(
    node: str,
    limit: int,
    depth: int,
    after: int,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """逐层打开一个数字 open a figure (or any id) down to bytes, rules and people."""
    with show.answering("explain", as_json, language or "zh") as answer:
        from sanhua.workspace.explaining import explain as open_up

        with opened(folder, answer, language) as ws:
            told = open_up(ws, node, limit=limit, depth=depth, after=after)
            answer.data = told.to_json()
            answer.lines += told.lines(answer.language)


@cli.command()
@click.argument("node")
@click.option("-o", "out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@common
def prove(node: str, out: Path, folder: Path, as_json: bool, language: str | None) -> None:
    """写出可离线验证的证据包 write a signed bundle that verifies offline."""
    with show.answering("prove", as_json, language or "zh") as answer:
        from sanhua.workspace.explaining import prove as bundle

        with opened(folder, answer, language) as ws:
            answer.data = bundle(ws, node, out)
        records, size = answer.data["records"], answer.data["checkpoint"]["size"]
        answer.say(
            f"已写出 {out}：{records} 条记录，检查点大小 {size}。验证：sanhua verify {out}",
            f"{out}: {records} records, checkpoint size {size}. Verify: sanhua verify {out}",
        )


@cli.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="预期的公钥 the public key you expect (PEM)",
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="交出过的证据包或检查点，本项目的日志须由它续成 a bundle or checkpoint handed out, from "
    "which this project's log must go on",
)
@common
def verify(
    bundle: Path | None,
    key: Path | None,
    against: tuple[Path, ...],
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """验证证据包，或本项目的全部状态 verify a bundle, or everything this project keeps."""
    if bundle is not None and against:
        raise click.UsageError("--against 只用于本项目的状态 is for the project's own state")
    with show.answering("verify", as_json, language or "zh") as answer:
        from sanhua.workspace import verifying

        if bundle is not None:
            verdict = verifying.verify_bundle(bundle, key)
        else:
            with (
                opened(folder, answer, language) as ws,
                show.progress(not as_json, answer.language) as told,
            ):
                verdict = verifying.verify_store(ws, told, against)
        answer.data, answer.found, answer.ok = verdict.data, verdict.diagnostics, verdict.ok
        answer.code = 0 if verdict.ok else show.EXIT[show.Broken]
        answer.lines += verdict.lines(answer.language)


@cli.command()
@click.argument("node")
@click.option("--as", "person", required=True, help="谁批准 who approves: an id of parties.yaml")
@click.option(
    "--role", default="", help="以何角色 in which role (default: the person's first fitting one)"
)
@click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), help="本人私钥 own private key (PEM)"
)
@click.option(
    "--sealed-on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="审计签章日/报出日：此后不再改写 an auditor's: the day the statements are sealed on",
)
@common
def approve(
    node: str,
    person: str,
    role: str,
    key: Path | None,
    sealed_on: datetime | None,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """由第二人批准 a second person answers for the content as it stands."""
    with show.answering("approve", as_json, language or "zh") as answer:
        from sanhua.workspace.approving import approve as sign

        with opened(folder, answer, language, actor=person) as ws:
            day = sealed_on.date() if sealed_on else None
            answer.data = sign(ws, node, person, role=role, key=key, sealed_on=day)
        answer.say(
            f"{person} 已批准 {answer.data['node']}，内容 {answer.data['content']}",
            f"{person} approved {answer.data['node']}, content {answer.data['content']}",
        )


@cli.command()
@click.argument("party")
@click.argument("product")
@click.option("--field", "fields", multiple=True, help="字段 a field, may be repeated")
@click.option("--purpose", default="", help="用途 a code of standards/codes/purposes.csv")
@click.option("--on", "day", default="", help="哪一天 a legal day (default: now)")
@common
def can(
    party: str,
    product: str,
    fields: tuple[str, ...],
    purpose: str,
    day: str,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """是否准许，及其依据 yes or no, with the chain of rights, policy and deal."""
    with show.answering("can", as_json, language or "zh") as answer:
        from sanhua.workspace.dealing import can as ask

        with opened(folder, answer, language) as ws:
            answer.data = ask(ws, party, product, fields, purpose, day)
        yes = answer.data["answer"] == "yes"
        answer.code = 0 if yes else show.EXIT[show.Denied]
        reason = answer.data["message"].get(answer.language, "")
        answer.say("是" if yes else f"否：{reason}", "yes" if yes else f"no: {reason}")
        answer.lines += [f"  {link['node']}  {link['says']}" for link in answer.data["chain"]]


@cli.command()
@click.option("--host", default="", help="监听地址 address (default: sanhua.yaml, 127.0.0.1)")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="端口 0: any free one")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="进程数")
@click.option(
    "--meter",
    type=click.Choice(["ack", "window"]),
    default="ack",
    show_default=True,
    help="ack: 记录落盘后才答复 on disk before the answer; window: within 50 ms",
)
@click.option(
    "--schedule/--no-schedule",
    default=True,
    help="按频率采集和运行（默认） fetch and run by cadence (the default)",
)
@common
def serve(
    host: str,
    port: int | None,
    workers: int,
    meter: str,
    schedule: bool,
    folder: Path,
    as_json: bool,
    language: str | None,
) -> None:
    """数据网关与首页 the data gateway and the first pages, on one port."""
    with show.answering("serve", as_json, language or "zh") as answer:
        from sanhua.web.server import serve as run_server

        with opened(folder, answer, language) as ws:
            at = ws.project.settings.serve

            def told(url: str) -> None:
                answer.say(f"服务于 {url}", f"serving at {url}")
                answer.data = {"url": url}
                answer.finish()
                answer.lines, answer.data = [], {}

            run_server(
                ws,
                host or at["host"],
                int(at["port"]) if port is None else port,
                workers=workers,
                ack=meter == "ack",
                schedule=schedule,
                told=told,
            )
        answer.said = True


@cli.command()
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="保留在此文件夹 keep it in this folder",
)
@click.option("--json", "as_json", is_flag=True)
@click.option("--language", type=click.Choice(["zh", "en"]), envvar="SANHUA_LANGUAGE", default=None)
def demo(keep: Path | None, as_json: bool, language: str | None) -> None:
    """在眼前走完全程 the whole path on synthetic data, in front of you."""
    with show.answering("demo", as_json, language or "zh") as answer:
        from sanhua.workspace.starting import demo as tour

        with show.progress(not as_json, answer.language) as told:
            shown = tour(keep, told, answer.language)
        answer.project = "power"
        answer.data, answer.found, answer.ok = shown.data, shown.diagnostics, shown.ok
        answer.code = 0 if shown.ok else show.EXIT_FAULTS
        answer.lines += [*show.table(shown.rows), "", *shown.lines]
