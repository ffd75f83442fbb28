"""The project's own papers: links lead somewhere, locks name no host, texts in both languages."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

from sanhua.kernel.messages import catalogue

ROOT = Path(__file__).resolve().parents[2]
USED_BY_NAME = {"httptools"}  # uvicorn takes it when it is there
PROVIDED_BY = {
    "docx": "python-docx",  # import name → distribution, where they differ
    "chinese_calendar": "chinesecalendar",
    "jsonschema_rs": "jsonschema-rs",
    "yaml": "pyyaml",
}


def _pages() -> list[Path]:
    folders = ("docs", "examples", "changelog.d", "src")
    nested = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.md"))]
    return [*sorted(ROOT.glob("*.md")), *nested]


def _project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _imported() -> set[str]:
    """Top-level names that the package imports, its own and the standard library's left out."""
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module":
                if isinstance(name := node.args[0], ast.Constant):
                    found.add(str(name.value).partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"sanhua"}


def test_every_link_of_a_page_leads_to_something_that_is_there():
    dead: list[str] = []
    for page in _pages():
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.partition("#")[0]
            if path and "://" not in path and not (page.parent / path).exists():
                dead.append(f"{page.relative_to(ROOT).as_posix()}: {target}")
    assert not dead, "\n".join(dead)


def test_the_package_declares_just_what_it_imports():
    """And, where it is at hand, what an extra brings."""

    def names(written: list[object]) -> set[str]:
        return {re.split(r"[<>=;\[ ]", text, maxsplit=1)[0] for text in map(str, written)}

    declared = names(_project()["dependencies"])
    extra = {n for more in _project()["optional-dependencies"].values() for n in names(more)}
    imported = {PROVIDED_BY.get(name, name) for name in _imported()}
    assert (imported | USED_BY_NAME) - extra == declared


def test_locks_pin_every_package_by_hash_and_name_no_host():
    for lock in sorted(ROOT.glob("requirements*.lock")):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text and "--index" not in text and "--find-links" not in text, lock.name
        entries = re.split(r"\n(?=\S)", text.strip())
        assert entries and all("==" in e and "--hash=sha256:" in e for e in entries), lock.name


def test_the_base_installation_is_at_most_forty_packages():
    """DESIGN's budget for the base install: ≤ 40 packages."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert len(set(re.findall(r"^([a-z0-9-]+)==", text, flags=re.MULTILINE))) <= 40


def test_every_code_has_its_text_in_chinese_and_in_english():
    for code, message in catalogue().items():
        assert re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", code), code
        assert message.zh and message.en, code
        assert bool(message.hint_zh) == bool(message.hint_en), code


def test_a_text_names_the_same_facts_in_both_languages():
    for code, message in catalogue().items():
        facts = [re.findall(r"(?<!\{)\{(\w+)", text) for text in (message.zh, message.en)]
        zh, en = ({re.sub("_(zh|en)$", "", name) for name in names} for names in facts)
        assert zh == en, code


def test_every_change_note_says_what_changed():
    notes = sorted((ROOT / "changelog.d").glob("*.md"))
    assert notes
    for note in notes:
        assert re.fullmatch(r"[a-z0-9-]+\.md", note.name)
        assert note.read_text(encoding="utf-8").startswith("- "), note.name


def test_every_decision_says_what_why_and_what_follows_on_a_page():
    for page in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]+\.md", page.name)
        headings = re.findall(r"^## (\w+)", text, flags=re.MULTILINE)
        assert headings == ["Decision", "Rationale", "Consequences"], page.name
        assert len(text.splitlines()) <= 60, page.name
