"""Write docs/reference from the program itself: commands, error codes, file formats, settings.

`make docs` runs it; `tests/docs` holds that what is committed is what it writes.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from sanhua.cli.commands import cli
from sanhua.cli.show import EXIT, EXIT_DEFECT
from sanhua.kernel.messages import catalogue
from sanhua.project.model import Settings

HERE = Path(__file__).parent / "reference"
MADE = "<!-- 由 docs/generate.py 生成；请改源头 made by docs/generate.py; edit the source -->"

SETTINGS = {
    "title": ("项目名称", "the project's title", "—"),
    "entities": ("会计主体，首个为默认", "the entities; the first is the default", "—"),
    "language": ("zh 或 en", "zh or en", "zh"),
    "engine": ("关系引擎", "where relations run", "duckdb"),
    "store": (
        "状态库的 SQLAlchemy 地址；密码写成 `${变量}`",
        "SQLAlchemy URL of the store; a password as `${NAME}`",
        "SQLite, state/state.db",
    ),
    "lake": ("数据湖文件夹", "folder of the lake", "state/lake"),
    "rules": ("规则包", "rule packs", "cn"),
    "serve": (
        "`sanhua serve` 的地址与端口",
        "host and port of `sanhua serve`",
        "127.0.0.1:8765",
    ),
    "base": ("对外 IRI 的前缀", "prefix of IRIs outside", "urn:sanhua:PROJECT:"),
    "failed_rows_below": (
        "只有级别低于此的表才留存未通过的行",
        "failed rows are kept only of tables graded below this",
        "general2",
    ),
}
ENVIRONMENT = {
    "SANHUA_ACTOR": ("以谁的名义行事（parties.yaml 的编号）", "who acts: an id of parties.yaml"),
    "SANHUA_LANGUAGE": ("文字语言，优先于 language", "language of the text, before `language`"),
    "SANHUA_CLOCK_OFFSET_S": (
        "演练：把本项目的时钟拨快（或拨慢）若干秒",
        "a rehearsal: moves this project's clock by so many seconds",
    ),
    "SANHUA_STORE_PASSWORD": (
        "状态库密码的惯用变量；不影响运行结果，不留痕迹",
        "the usual variable of the store's password; changes no result and leaves no trace",
    ),
    "SANHUA_FONTS": (
        "排 PDF 用的字体文件夹，先于系统字体",
        "folder of fonts for PDF, tried before the system's",
    ),
    "SANHUA_DATA": (
        "示例与测试所用公开数据的文件夹",
        "folder of the public data that examples and tests use",
    ),
}


def commands() -> str:
    """Every verb with its options, as `--help` says."""
    lines = [MADE, "# 命令 Commands", ""]
    context = click.Context(cli, info_name="sanhua", terminal_width=100, **cli.context_settings)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        lines += _help(name, command, context)
    lines += ["## 退出码 Exit codes", "", "| 码 code | 类 class | |", "|---|---|---|"]
    lines += ["| 0 | | 成功 done |", "| 1 | | 检查发现错误 a check or gate found faults |"]
    for error, code in EXIT.items():
        lines.append(f"| {code} | `{error.__name__}` | {(error.__doc__ or '').strip()} |")
    lines.append(f"| {EXIT_DEFECT} | | 程序自身的错误 a mistake of the program itself |")
    return "\n".join(lines) + "\n"


def _help(name: str, command: click.Command, above: click.Context) -> list[str]:
    """The command's help, and below a group's that of its commands."""
    last = name.rpartition(" ")[2]
    context = click.Context(
        command, info_name=last, parent=above, max_content_width=100, terminal_width=100
    )
    lines = [f"## sanhua {name}", "", "```text", command.get_help(context), "```", ""]
    if isinstance(command, click.Group):
        within = click.Context(command, info_name=last, parent=above)
        for inner, act in command.commands.items():
            lines += _help(f"{name} {inner}", act, within)
    return lines


def errors() -> str:
    """Every code with its text and the way out."""
    lines = [
        MADE,
        "# 错误代码 Error codes",
        "",
        "代码公开且含义不变；文字可改。A code never changes its meaning; the text may.",
        "",
    ]
    lines += ["| 代码 code | 中文 | English |", "|---|---|---|"]
    for code, message in sorted(catalogue().items()):
        zh = message.zh + (f" → {message.hint_zh}" if message.hint_zh else "")
        en = message.en + (f" → {message.hint_en}" if message.hint_en else "")
        lines.append(f"| `{code}` | {_cell(zh)} | {_cell(en)} |")
    return "\n".join(lines) + "\n"


def settings() -> str:
    """The keys of sanhua.yaml and the environment."""
    named = [field.name for field in dataclasses.fields(Settings) if field.name != "origin"]
    missing = set(named) ^ set(SETTINGS)
    if missing:
        raise SystemExit(f"docs/generate.py: settings without a text: {sorted(missing)}")
    lines = [
        MADE,
        "# 设置 Settings",
        "",
        "`sanhua.yaml` 的键；各可用环境变量 `SANHUA_<键>` 覆盖。",
        "",
    ]
    lines += ["Keys of `sanhua.yaml`; each is overridden by `SANHUA_<KEY>`.", ""]
    lines += ["| 键 key | 含义 | meaning | 默认 default |", "|---|---|---|---|"]
    lines += [
        f"| `{key}` | {zh} | {en} | {default} |" for key, (zh, en, default) in SETTINGS.items()
    ]
    lines += ["", "## 环境变量 Environment", "", "| 变量 | 含义 | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {zh} | {en} |" for key, (zh, en) in ENVIRONMENT.items()]
    return "\n".join(lines) + "\n"


def formats() -> str:
    """Every JSON Schema that ships, with its keys."""
    import sanhua.project

    folder = Path(sanhua.project.__file__).parent / "schemas"
    lines = [
        MADE,
        "# 文件格式 File formats",
        "",
        "随包发布的 JSON Schema（`sanhua check` 所用即此）。",
        "",
    ]
    lines += ["The JSON Schemas that ship; `sanhua check` uses these very files.", ""]
    for path in sorted(folder.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        keys = list(schema.get("properties", {}))
        required = schema.get("required", [])
        shown = ", ".join(f"**{key}**" if key in required else key for key in keys) or "—"
        lines += [
            f"## {path.stem.removesuffix('.schema')}",
            "",
            schema.get("description", schema.get("title", "")),
            "",
        ]
        lines += [f"{shown}", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES = {
    "commands.md": commands,
    "errors.md": errors,
    "settings.md": settings,
    "formats.md": formats,
}

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
        print(f"docs/reference/{name}")
