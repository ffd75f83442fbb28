"""The tutorial, word for word: its commands in its order, its figures, its exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial" / "straight-line.md").read_text("utf-8")
REFUSED = {
    "sanhua approve asset:load_profile_asset --as wang_jie": 5,
    "sanhua verify bad.zip": 8,
}


def test_the_tutorial_does_what_it_says(tmp_path: Path):
    lines = re.findall(r"^\$ (.*)$", PAGE.partition("## 1.")[2], flags=re.MULTILINE)
    folder, answers = tmp_path, dict[str, list[str]]()
    programs = str(Path(sys.executable).parent)
    env = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for line in lines:
        if line.startswith("cd "):
            folder /= line[3:]
            continue
        done = subprocess.run(
            ["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == REFUSED.get(line, 0), (line, done.stdout, done.stderr)
        answers.setdefault(line, []).append(done.stdout + done.stderr)

    assert "0 个错误、1 个警告" in PAGE and "0 个错误，1 个警告" in answers["sanhua check"][0]
    first, again, changed = answers["sanhua run"]
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
