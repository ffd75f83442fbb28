"""examples/peers_2024: published figures only, their sums, and Jiahua's line set against them."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "peers_2024"
GOLDEN = yaml.safe_load((ROOT / "tests" / "rules" / "golden.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("peers") / "peers_2024"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    with Workspace(folder) as ws:
        assert run(ws).error is None
        yield ws


def facts() -> list[dict[str, str]]:
    with (EXAMPLE / "raw" / "facts.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_figure_names_a_known_source_and_an_unknown_one_is_empty():
    with (EXAMPLE / "raw" / "sources.csv").open(encoding="utf-8") as file:
        known = {row["source"]: row["tag"] for row in csv.DictReader(file)}
    for fact in facts():
        if not fact["value"]:
            assert (fact["source"], fact["tag"]) == ("", "") and "没有来源" in fact["note"], fact
            continue
        sources = fact["source"].split(";")
        assert set(sources) <= set(known), fact
        if fact["tag"] != "C":
            assert {fact["tag"]} == {known[source] for source in sources}, fact
        else:
            assert fact["note"], fact  # the arithmetic


def test_the_figures_are_those_of_the_golden_table():
    """`cases_yi_yuan` (亿元) and `cases_yuan` of the golden numbers, 2 to 5."""
    value = {fact["fact"]: fact["value"] for fact in facts()}
    pairs = {
        "telcos_fy2024": "t2024_amount",
        "china_telecom_fy2024": "t2024_telecom",
        "a_share_2025h1": "a2025h1_amount",
        "a_share_2025h1_intangible": "a2025h1_intangible",
        "a_share_2025q3": "a2025q3_amount",
        "listed_2024_10": "a2024oct_amount",
    }
    for key, fact in pairs.items():
        golden = GOLDEN[f"cases_yi_yuan.{key}"]["value"]
        assert Decimal(value[fact]) == Decimal(str(golden)), key
    assert value["a2024oct_companies"] == "54" and value["a2025h1_companies"] == "109"
    with (EXAMPLE / "raw" / "companies.csv").open(encoding="utf-8") as file:
        lines = {row["company"]: row for row in csv.DictReader(file)}
    lingdian = GOLDEN["cases_yuan.lingdian_fy2024"]["value"]
    assert lines["zero_point"]["amount"] == lingdian["data_resource"]
    assert lines["jiahua"]["amount"] == "2558700.00"
    assert lines["china_telecom"]["line"] == "development"  # `china_telecom_line`


def test_sums_hold_and_the_one_that_was_printed_wrong_is_shown(peers: Workspace):
    """27 - 4 = 23; 3.71 + 9.95 = 13.66; 16 / 26.40 = 60.6 %, printed 60.7 %."""
    words = ["report", "quality", "--id", "facts", "-C", str(peers.root), "--json"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    (made,) = json.loads(done.stdout)["resources"]
    written = re.findall(r"- name: (\S+( \S+)*)\n +description", _contract())
    assert len(written) == 7
    found = {str(f["label"]): f["state"] for f in made["findings"]}
    states = {
        name: next(state for label, state in found.items() if name in label) for name, _ in written
    }
    failed = [name for name, state in states.items() if state != "passed"]
    assert failed == ["运营商占比印得对"]


def _contract() -> str:
    return (EXAMPLE / "contracts" / "facts.odcs.yaml").read_text("utf-8")


def test_the_benchmark_holds_what_is_known_and_nothing_else(peers: Workspace):
    rows = peers.engine.query(
        "SELECT universe, period, stage, companies, amount_yi, amount_yuan FROM benchmark"
    )
    yi = 100_000_000
    assert {(u, p, s): (n, y and Decimal(y), f and Decimal(f)) for u, p, s, n, y, f in rows} == {
        ("a_share", "2024-Q1", "first_filed"): (23, Decimal("14.77"), Decimal("14.77") * yi),
        ("a_share", "2024-Q1", "corrected"): (18, None, None),
        ("a_share", "2024-H1", "by_2024-08-28"): (23, None, None),
        ("a_share", "2024-10", "by_2024-10-31"): (54, Decimal("10.94"), Decimal(1_094_000_000)),
        ("a_share", "2025-H1", "as_reported"): (109, Decimal("26.40"), Decimal("26.40") * yi),
        ("a_share", "2025-Q3", "as_reported"): (101, Decimal("29.71"), Decimal("29.71") * yi),
        ("telcos", "2024", "as_reported"): (None, Decimal("13.66"), Decimal("13.66") * yi),
        ("telcos", "2024-H1", "as_reported"): (None, Decimal("2.56"), Decimal("2.56") * yi),
        ("telcos", "2024-H1", "as_reported_elsewhere"): (None, Decimal("2.6"), Decimal("2.6") * yi),
    }
    cover = peers.engine.query("SELECT kind, named, of_companies, not_named FROM group_cover")
    assert sorted(cover) == [("region", 37, 54, 17), ("sector", 31, 54, 23)]


def test_jiahua_is_set_against_the_total_of_1094_million(peers: Workspace):
    """2,558,700 / 1,094,000,000 = 0.23388… %; 1,094,000,000 / 54 = 20,259,259.259…; 0.12629…"""
    [row] = peers.engine.query(
        "SELECT percent_of_total, mean_yuan, times_mean, tag_of_company, tags_of_peers "
        "FROM against_peers WHERE company = 'jiahua' AND period = '2024-10'"
    )
    assert [str(value) for value in row] == ["0.2339", "20259259.26", "0.1263", "V", "V"]
    periods = peers.engine.query("SELECT DISTINCT period FROM against_peers")
    assert sorted(periods) == [("2024-10",), ("2025-H1",), ("2025-Q3",)]


def test_the_readme_says_what_the_program_says(peers: Workspace):
    page = (EXAMPLE / "README.md").read_text("utf-8")
    for line in re.findall(r"^sanhua (.*) -C examples/peers_2024$", page, flags=re.MULTILINE):
        done = CliRunner().invoke(cli, [*line.split(), "-C", str(peers.root), "--json"])
        assert done.exit_code == 0, (line, done.output)
    told: list[tuple[Any, ...]] = peers.engine.query(
        "SELECT amount, percent_of_total, times_mean FROM against_peers WHERE period = '2024-10'"
    )
    for amount, percent, times in told:
        assert f"{Decimal(amount):,.2f}" in page
        assert f"{percent} %" in page and f"{times} 倍" in page
