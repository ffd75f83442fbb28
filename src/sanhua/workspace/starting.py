"""Init and demo: a project that runs end to end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sanhua.kernel.errors import Conflict, Diagnostic, Invalid, Unavailable
from sanhua.kernel.time import SHANGHAI
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


# The demo tells a story of October 2026: signed, called, and closed on the second of November.
OPENING = datetime(2026, 10, 9, 10, tzinfo=SHANGHAI)
CLOSING = datetime(2026, 11, 2, 10, tzinfo=SHANGHAI)
SIGNERS = {
    "spark_2026": (("he_lan", "grid_co"), ("sun_yi", "spark_co")),
    "brook_trial": (("he_lan", "grid_co"), ("qian_bo", "brook_co")),
}


def demo(
    keep: Path | None,
    told: Callable[[str, str], None],
    language: str,
) -> Shown:
    """Make the template `power` in `keep` (or a new temporary folder), run it, sell it to two
    buyers who call it over HTTP, close the month, draw up the disclosure, open three figures.

    The project's clock is set to the days of the story. Private keys go to `<folder>-keys`.
    """
    from sanhua.workspace.closing import close
    from sanhua.workspace.explaining import explain, prove
    from sanhua.workspace.reporting import report
    from sanhua.workspace.running import run
    from sanhua.workspace.verifying import verify_bundle

    folder = (keep or Path(tempfile.mkdtemp(prefix="sanhua-demo-")) / "grid").resolve()
    files = init(folder, "power")
    now = datetime.now(UTC)

    def say(zh: str, en: str) -> str:
        return en if language == "en" else zh

    with Workspace(folder, offset=OPENING - now) as ws:
        result = run(ws, (), told)
        shown = Shown(
            {"folder": str(folder), "files": len(files), **result.to_json()},
            diagnostics=result.diagnostics,
            ok=result.error is None,
        )
        if result.error is not None:
            return shown
        told("sign", "deal:spark_2026")
        tokens = _sign(ws, folder.with_name(f"{folder.name}-keys"))
    told("serve", "product:load_profile_daily")
    clients = _call(folder, OPENING - now, tokens)
    with Workspace(folder, offset=CLOSING - now) as ws:
        told("close", f"{OPENING:%Y-%m}")
        closed = close(ws, f"{OPENING:%Y-%m}").data
        result = run(ws, (), told)
        disclosed = report(ws, "disclosure")
        opened = _three(result.figures, disclosed.data["figures"])
        shown.rows = result.stage_rows(language)
        shown.lines = [*_sold(closed, clients, say), "", *disclosed.lines(language), ""]
        depths: dict[str, dict[str, int]] = {}
        for figure in opened:
            walk = explain(ws, figure)
            kinds = [node["kind"] for node in walk.nodes.values()]
            depths[figure] = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        bundle = ws.out / "figure.zip"
        bundle.parent.mkdir(parents=True, exist_ok=True)
        prove(ws, opened[-1], bundle)
        verdict = verify_bundle(bundle, None)
    agreed = all(
        invoice["counted"]["call"] == clients[invoice["deal"]]["answered"]
        for invoice in closed["invoices"]
    )
    shown.ok = shown.ok and verdict.ok and agreed
    shown.data |= {
        "clients": clients,
        "closed": closed,
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


def _sign(ws: Workspace, keys: Path) -> dict[str, str]:
    """Sign every deal for both its sides, each with a key of its own; deal → token."""
    from sanhua.workspace.dealing import key_pair, new_token, sign_deal

    keys.mkdir()
    for party in dict.fromkeys(party for pairs in SIGNERS.values() for _, party in pairs):
        key_pair(ws, party, keys / f"{party}.key")
    for deal, pairs in SIGNERS.items():
        for person, party in pairs:
            sign_deal(ws, deal, person, keys / f"{party}.key")
    return {deal: new_token(ws, deal, "demo")["token"] for deal in SIGNERS}


def _call(folder: Path, offset: timedelta, tokens: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Serve the folder and let the buyers' own program call it; what each counted."""
    seconds = str(int(offset.total_seconds()))
    python = [sys.executable, "-m", "sanhua", "serve", "--port", "0", "--json", "-C", str(folder)]
    env = {**os.environ, "SANHUA_CLOCK_OFFSET_S": seconds}
    server = subprocess.Popen(python, stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line.strip():
            raise Unavailable("demo.not-served", status=server.wait())
        url = str(json.loads(line)["url"])
        return {deal: _client(folder, url, token, CALLS[deal]) for deal, token in tokens.items()}
    finally:
        server.terminate()
        server.wait(timeout=60)


# Deal → runs of the client: how many calls, and what goes with each. The last are refused.
CALLS = {
    "spark_2026": ((1000, ""), (2, "purpose=credit"), (2, "fields=charge")),
    "brook_trial": ((240, ""),),
}


def _client(folder: Path, url: str, token: str, runs: Sequence[tuple[int, str]]) -> dict[str, Any]:
    answered, refused = 0, Counter[str]()
    for calls, always in runs:
        words = [url, "load_profile_daily", str(calls), "token", "day", *filter(None, [always])]
        done = subprocess.run(
            [sys.executable, str(folder / "client.py"), *words],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "SANHUA_TOKEN": token},
        )
        counted = json.loads(done.stdout)
        answered += counted["answered"]
        refused.update(counted["refused"])
    return {"answered": answered, "refused": dict(refused)}


def _sold(
    closed: Mapping[str, Any],
    clients: Mapping[str, Mapping[str, Any]],
    say: Callable[[str, str], str],
) -> list[str]:
    """What was called and billed, the buyers' own count beside ours."""
    lines: list[str] = []
    for invoice in closed["invoices"]:
        client = clients[invoice["deal"]]
        refused = ", ".join(f"{code} {n}" for code, n in client["refused"].items()) or "0"
        lines.append(
            say(
                f"合约 {invoice['deal']}：买方自己数到 {client['answered']} 次应答，账单 "
                f"{invoice['counted']['call']} 次；拒绝：{refused}",
                f"deal {invoice['deal']}: the buyer counts {client['answered']} answers, the bill "
                f"{invoice['counted']['call']}; refused: {refused}",
            )
        )
        lines += [
            f"  {line['reason']:8} {line['quantity']:>9} × {line['price']:>8} = {line['amount']:>9}"
            for line in invoice["lines"]
        ]
        lines.append(
            say(
                f"  合计 {invoice['total']} {invoice['currency']}，其中税 {invoice['tax']}",
                f"  total {invoice['total']} {invoice['currency']}, of which tax {invoice['tax']}",
            )
        )
    parts = ", ".join(f"{share['party']} {share['amount']}" for share in closed["shares"])
    lines.append(say(f"收益分配：{parts}", f"shared: {parts}"))
    return lines


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
    """A figure of each stage: the score, what was earned, what stands on the balance sheet."""
    wanted = [
        next(f.id for f in stages if f"/{line}/" in f.id)
        for line in ("resource.score", "asset.revenue")
    ]
    carried = [figure["id"] for figure in disclosed if figure["amount"] not in ("0.00", "")]
    return [*wanted, carried[0] if carried else stages[-1].id]
