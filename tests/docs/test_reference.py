"""The reference pages are what the program says of itself; each code raised has its text."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import click
import pytest

from sanhua.kernel.messages import catalogue

ROOT = Path(__file__).resolve().parents[2]
PAGES = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]
RAISED = frozenset(
    "Invalid NotFound Conflict Denied RuleGap Unavailable Broken SanhuaError Diagnostic".split()
)


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_program_says(name: str):
    """`make docs` writes them."""
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"docs/reference/{name} is out of date: run `make docs`"


def test_every_code_that_the_program_raises_has_its_text():
    """Codes written as text where an error or a diagnostic is made."""
    known = catalogue()
    missing: list[str] = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED:
                for argument in node.args[:2]:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        code = argument.value
                        if re.fullmatch(r"[a-z]+\.[a-z0-9.-]+", code) and code not in known:
                            missing.append(
                                f"{path.relative_to(ROOT).as_posix()}:{node.lineno} {code}"
                            )
    assert not missing, "\n".join(missing)


def test_every_console_line_of_the_docs_names_a_command_that_exists():
    import click

    from sanhua.cli.commands import cli

    context = click.Context(cli)
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for line in re.findall(
            r"^ *\$ sanhua (\w.*)", page.read_text(encoding="utf-8"), re.MULTILINE
        ):
            command: click.Command | None = cli
            for word in line.split():
                if not isinstance(command, click.Group):
                    break
                command = command.get_command(context, word)
            assert command is not None, f"{page.name}: {line}"
