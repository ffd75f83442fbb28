"""The page on sampling draws what the program draws."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sanhua.verify import POPULATION, draw

PAGE = Path(__file__).parents[2] / "docs" / "explain" / "sampling.md"


def test_the_lines_on_the_page_draw_what_the_program_draws(tmp_path: Path):
    lines = [f"figure:a/balance_sheet/l{n:03}/ending/2025,{n}.00,CNY\n" for n in range(60)]
    text = "".join([POPULATION, "\n", *lines]).encode()
    (tmp_path / "population.csv").write_bytes(text)
    code = PAGE.read_text("utf-8").split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == list(draw(text, "2026-03-02 7719", 25))
