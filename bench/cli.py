"""What starting costs: `--help` and a second `run` that finds nothing to do. CPU seconds of the
whole process.

python bench/cli.py [--write]        --write keeps the figures in bench/results
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

RUNS = 21
RESULTS = Path(__file__).parent / "results"


def cpu_of(command: list[str]) -> float:
    """CPU seconds (user and system) of one finished command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measured(command: list[str]) -> dict[str, str]:
    cpu_of(command)  # bytecode and page cache
    seconds = [cpu_of(command) for _ in range(RUNS)]
    return {
        "min_ms": f"{min(seconds) * 1000:.0f}",
        "median_ms": f"{statistics.median(seconds) * 1000:.0f}",
        "max_ms": f"{max(seconds) * 1000:.0f}",
    }


def main() -> None:
    sanhua = [sys.executable, "-m", "sanhua"]
    with tempfile.TemporaryDirectory() as temp:
        project = Path(temp) / "power"
        subprocess.run(
            [*sanhua, "init", str(project), "--template", "power"], check=True, stdout=-3
        )
        subprocess.run([*sanhua, "run", "-C", str(project)], check=True, stdout=-3, stderr=-3)
        figures = {
            "python, nothing": measured([sys.executable, "-c", "pass"]),
            "python, import click": measured([sys.executable, "-c", "import click"]),
            "sanhua --help": measured([*sanhua, "--help"]),
            "sanhua run, nothing changed (template power)": measured(
                [*sanhua, "run", "-C", str(project)]
            ),
        }
    machine = {
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "load": " ".join(f"{x:.1f}" for x in os.getloadavg()),
        "measured": datetime.now(UTC).date().isoformat(),
        "runs": str(RUNS),
    }
    print(json.dumps({"machine": machine, "cpu": figures}, indent=1, ensure_ascii=False))
    if "--write" in sys.argv:
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps({"machine": machine, "cpu": figures}, indent=1, ensure_ascii=False)
        (RESULTS / f"cli-{machine['measured']}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
