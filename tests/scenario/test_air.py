"""examples/air: one sensor in two published sets, an hour apart; found, shown, and then guarded."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "air"
FILES = (
    "air_beijing_multisite/PRSA_Data_Nongzhanguan_20130301-20170228.csv.gz",
    "air_five_cities/BeijingPM20100101_20151231.csv.gz",
)


@pytest.fixture
def project(
    find_data: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the example, and of the two files that it is about."""
    folder, data = tmp_path / "air", tmp_path / "data"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    for name in FILES:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(find_data(name.partition("/")[0]).parent / name, data / name)
    monkeypatch.setenv("SANHUA_DATA", str(data))
    return folder


def commands(project: Path) -> list[list[str]]:
    """The README's lines that call sanhua or sed, on the copy."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    words = [
        shlex.split(line.replace("examples/air", str(project)), comments=True) for line in lines
    ]
    return [line for line in words if line and line[0] in ("sanhua", "sed")]


def findings(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (resource,) = made["resources"]
    return {finding["id"].rpartition("/")[2]: finding for finding in resource["findings"]}


def test_the_readme_finds_the_hour_between_two_sets_and_guards_it(project: Path):
    """The README of air_five_cities: equal at 97.0 % of the hours after a shift of one hour (its
    time is that of the other set less an hour), at 7 % unshifted.
    """
    said: dict[int, dict[str, Any]] = {}
    lines = commands(project)
    assert [line[1] for line in lines if line[0] == "sanhua"] == [
        *("check", "run", "report", "explain", "report")
    ]
    for number, line in enumerate(lines):
        if line[0] == "sed":
            path = Path(line[-1])
            before, after = re.fullmatch(r"s/(.*)/(.*)/", line[2]).groups()  # type: ignore[union-attr]
            text = path.read_text(encoding="utf-8")
            assert before in text
            path.write_text(text.replace(before, after), encoding="utf-8")
            continue
        done = CliRunner().invoke(cli, [*line[1:], "--json"])
        assert done.exit_code == 0, done.output
        said[number] = json.loads(done.stdout)
    first, last = (made for made in said.values() if made["command"] == "report quality")

    found = findings(first)
    clock = found["observed_at.clock.city_hours"]
    assert (clock["state"], clock["value"], clock["indicator"]) == ("failed", "-3600 s", "0503")
    assert "97.0 %" in clock["told"]["zh"] and "7.1 %" in clock["told"]["zh"]
    assert "1 h behind" in clock["told"]["en"]
    equal = found["pm25.equal.city_hours.pm_nongzhanguan"]
    assert (equal["numerator"], equal["denominator"]) == (23234, 23942)
    assert (equal["state"], equal["ratio"]) == ("passed", "0.970429")
    totals = found["pm25.totals.city_hours.pm_nongzhanguan"]
    assert (totals["numerator"], totals["denominator"]) == (20, 34)
    (resource,) = first["resources"]
    assert len(resource["indicators"]) == 20
    bare = {i["code"]: i["not_assessable"] for i in resource["indicators"] if i["score"] is None}
    assert set(bare) == {"0302", "0303", "0305", "0502", "0601", "0602"}
    assert all(reason["zh"] and reason["en"] for reason in bare.values())
    told = next(made for made in said.values() if made["command"] == "run")["diagnostics"]
    assert any(d["code"] == "quality.differs" and "97.0 %" in d["message"] for d in told)

    guarded = findings(last)
    assert guarded["observed_at.clock.city_hours"]["state"] == "passed"
    assert guarded["pm25.equal.city_hours.pm_nongzhanguan"]["ratio"] == "0.970429"
    trend = last["resources"][0]["trend"]
    assert len(trend) == 2 and float(trend[1]["score"]) > float(trend[0]["score"])
    html = (project / ".sanhua/out/quality/nongzhanguan_hours.html").read_text(encoding="utf-8")
    assert "97.0 %" in html and "http" not in html.replace(
        "http://www.w3.org/2000/svg", ""
    ).replace("http-equiv", "")
