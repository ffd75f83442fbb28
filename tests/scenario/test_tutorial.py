"""The tutorial, word for word: its commands in its order, its figures, its exit codes."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial" / "straight-line.md").read_text("utf-8")
REFUSED = {  # (command, how often it was given before) → exit code
    ("sanhua approve asset:load_profile_asset --as wang_jie", 0): 5,
    ("sanhua verify bad.zip", 0): 8,
    ("sanhua close $MONTH", 0): 4,
}
MARK = "@@@ exit code"


@pytest.mark.skipif(shutil.which("bash") is None, reason="the tutorial speaks to a POSIX shell")
@pytest.mark.parametrize("kept_in", ["sqlite", "postgresql"])
def test_the_tutorial_does_what_it_says(
    tmp_path: Path, kept_in: str, request: pytest.FixtureRequest
):
    """All its commands in one shell, on either store; only the port is another."""
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    if kept_in == "postgresql":
        server = request.getfixturevalue("postgres")
        name = server.database()
        env["SANHUA_STORE"] = server.url(name)
    lines = re.findall(r"^\$ (.*)$", PAGE.partition("## 1.")[2], flags=re.MULTILINE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = "".join(f'{line.replace("8787", port)}\necho "{MARK} $?"\n' for line in lines)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=580,
    )
    told = re.split(rf"{MARK} (\d+)\n", done.stdout)
    answers: dict[str, list[str]] = {}
    for at, line in enumerate(lines):
        times = len(answers.setdefault(line, []))
        wanted = REFUSED.get((line, times), 0)
        assert int(told[2 * at + 1]) == wanted, (line, told[2 * at])
        answers[line].append(told[2 * at])
    folder = tmp_path / "my-grid"

    assert "0 个错误、1 个警告" in PAGE and "0 个错误，1 个警告" in answers["sanhua check"][0]
    first, again, changed, _ = answers["sanhua run"]
    (listed,) = re.findall(r"步骤依次是 ([a-z、]+)，", PAGE)
    done = dict.fromkeys(re.findall(r"^done +(\w+)", first, flags=re.MULTILINE))
    assert sorted(done) == sorted(listed.split("、"))
    for stage, row in re.findall(r"^\| (..化) \| (.*) \|$", PAGE, flags=re.MULTILINE):
        for figure in re.findall(r"[\d,.]*\d", row):
            assert re.search(rf"{stage} .* {figure} ", first), figure
    assert "全部跳过" in again
    (skipped,) = re.findall(r"其余 (\d+) 步跳过", PAGE)
    assert f"{skipped} 步未变" in changed
    states = [text for text in answers["sanhua report disclosure"]]
    assert "草稿" in states[0] and "已批准" in states[1]

    product = folder / "products" / "load_profile_daily.yaml"
    product.write_text(product.read_text("utf-8").replace("policy:", "polcy:"), "utf-8")
    slip = subprocess.run(
        ["bash", "-c", "sanhua check"], cwd=folder, env=env, capture_output=True, text=True
    )
    assert "它报 2 个错误" in PAGE and "2 个错误" in slip.stdout

    assert '{"answered": 600, "refused": {}}' in PAGE
    client = next(line for line in lines if line.startswith("python client.py"))
    assert answers[client] == ['{"answered": 600, "refused": {}}\n']
    bill = answers["sanhua close $MONTH"][1]
    assert re.search(r"usage +\S+ +\d+ +0.05 +", bill)
    assert "5% of net" in bill
    revenue = answers["sanhua explain grid_co/revenue/total.cny/net/$MONTH"][0]
    for kind in ("inv_", "segment:", "sig_", "col:", "closing:"):
        assert kind in revenue
