"""Init and demo: a project that runs end to end."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sanhua.kernel.errors import Conflict, Diagnostic, Invalid
from sanhua.workspace.opening import Workspace


def init(folder: Path, template: str) -> list[str]:
    """Write the template's files into an empty or new folder; their names. What exists is never
    touched.
    """
    from sanhua.project.schema import write_schemas
    from sanhua.workspace import templates

    if template not in templates.TEMPLATES:
        raise Invalid("init.no-template", template=template, known=", ".join(templates.TEMPLATES))
    if folder.exists():
        there = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if there:
            raise Conflict("init.not-empty", folder=str(folder), name=there[0])
    folder.mkdir(parents=True, exist_ok=True)
    templates.write(template, folder)
    write_schemas(folder / ".sanhua" / "schemas")
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".sanhua" not in path.parts
    )


@dataclass
class Shown:
    """What the demo showed."""

    data: dict[str, Any]
    rows: list[tuple[str, ...]] = field(
        default_factory=list[tuple[str, ...]]
    )  # the three-stage table
    lines: list[str] = field(default_factory=list[str])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    ok: bool = True


def demo(
    keep: Path | None,
    told: Callable[[str, str], None],
    language: str,
) -> Shown:
    """Make the template `power` in `keep` (or a new temporary folder), run it, close its books,
    open three figures.
    """
    from sanhua.workspace.explaining import explain, prove
    from sanhua.workspace.reporting import report
    from sanhua.workspace.running import run
    from sanhua.workspace.verifying import verify_bundle

    folder = keep or Path(tempfile.mkdtemp(prefix="sanhua-demo-"))
    files = init(folder, "power")

    def say(zh: str, en: str) -> str:
        return en if language == "en" else zh

    with Workspace(folder) as ws:
        result = run(ws, (), told)
        shown = Shown(
            {"folder": str(folder), "files": len(files), **result.to_json()},
            diagnostics=result.diagnostics,
            ok=result.error is None,
        )
        if result.error is not None:
            return shown
        disclosed = report(ws, "disclosure")
        opened = _three(result.figures, disclosed.data["figures"])
        shown.rows = result.stage_rows(language)
        shown.lines = [*disclosed.lines(language), ""]
        depths: dict[str, dict[str, int]] = {}
        for figure in opened:
            walk = explain(ws, figure)
            kinds = [node["kind"] for node in walk.nodes.values()]
            depths[figure] = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        bundle = ws.out / "figure.zip"
        bundle.parent.mkdir(parents=True, exist_ok=True)
        prove(ws, opened[-1], bundle)
        verdict = verify_bundle(bundle, None)
    shown.ok = shown.ok and verdict.ok
    shown.data |= {
        "explain": opened,
        "opened": depths,
        "bundle": str(bundle),
        "verified": verdict.ok,
    }
    command = _command()
    shown.lines += [
        say("全部数据为合成数据。The data is synthetic.", "All data is synthetic."),
        say(f"项目在 {folder}", f"The project is in {folder}"),
        say(
            "打开三个数字，直到源文件的哈希与行数：",
            "Open three figures down to file hashes and row counts:",
        ),
        *(f"  {command} explain {figure} -C {folder}" for figure in opened),
        say("证明其一，并离线验证：", "Prove one of them and verify it offline:"),
        f"  {command} prove {opened[-1]} -C {folder} -o figure.zip",
        f"  {command} verify figure.zip",
    ]
    return shown


def _command() -> str:
    """How this program is called from where the user stands: by name, or in its environment."""
    if shutil.which("sanhua"):
        return "sanhua"
    script = Path(sys.executable).with_name("sanhua")
    if not script.exists():
        return f"{sys.executable} -m sanhua"
    with suppress(ValueError):
        return str(script.relative_to(Path.cwd()))
    return str(script)


def _three(stages: list[Any], disclosed: list[dict[str, Any]]) -> list[str]:
    """A figure of each stage: rows kept, products, and what stands on the balance sheet."""
    wanted = [
        next(f.id for f in stages if f"/{line}/" in f.id)
        for line in ("resource.score", "asset.products")
    ]
    carried = [figure["id"] for figure in disclosed if figure["amount"] not in ("0.00", "")]
    return [*wanted, carried[0] if carried else stages[-1].id]
