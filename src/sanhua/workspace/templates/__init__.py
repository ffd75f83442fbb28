"""Projects that `sanhua init` writes: texts of `files/<template>/`, raw data where one needs it.

power  a grid company's hourly readings: every step of the path once, on generated data
blank  an empty project to start from
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

TEMPLATES = ("power", "blank")
SEED = 20260101


def write(template: str, folder: Path, *, seed: int = SEED) -> None:
    """Write `template` into `folder`; the same seed writes the same data."""
    from sanhua.project.scaffold import GITIGNORE, editor_line

    with as_file(files(__name__) / "files" / template) as texts:
        for path in sorted(texts.rglob("*")):
            if path.is_file():
                name = path.relative_to(texts).as_posix()
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(editor_line(name).encode() + path.read_bytes())
    (folder / ".gitignore").write_text(GITIGNORE, encoding="utf-8", newline="\n")
    if template == "power":
        from sanhua.workspace.templates import power

        power.write_raw(folder / "raw", seed=seed)
