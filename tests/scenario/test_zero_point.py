"""examples/zero_point: published lines of 301169 for 2024, and books that tie to them."""

from __future__ import annotations

import csv
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "zero_point"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("zero") / "zero_point"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    words = ["report", "disclosure", "--period", "2024", "-C", str(folder), "--json"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_every_published_cell_is_what_the_books_give_and_what_is_unknown_stays_empty(
    made: dict[str, Any],
):
    """Golden 2 and `cases_yuan.lingdian_fy2024`: 1,238,301.37 inside 20,283,101.05 [S]."""
    shown = {figure["id"]: figure["amount"] for figure in made["figures"]}
    with (EXAMPLE / "published.csv").open(encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    known = {(c["line"], c["column"]): c["amount"] for c in cells if c["amount"]}
    assert known == {
        ("intangible", "ending"): "20283101.05",
        ("intangible", "beginning"): "9069314.79",
        ("intangible.data", "ending"): "1238301.37",
        ("inventory", "ending"): "50271071.78",
    }
    for (line, column), amount in known.items():
        assert shown[f"figure:zero_point/balance_sheet/{line}/{column}/2024"] == amount
    blank = {c["line"] for c in cells if not c["amount"] and c["source"]}
    assert blank == {"inventory.data", "development", "development.data"}
    for line in ("inventory.data", "development.data"):
        assert shown[f"figure:zero_point/balance_sheet/{line}/ending/2024"] == "0.00"
    for cell in cells:
        assert bool(cell["tag"]) == bool(cell["source"])
        if not cell["source"]:  # not known: nothing stands there, and it says so
            assert not cell["amount"] and "不知道" in cell["note"]
    assert "figure:zero_point/balance_sheet/inventory/beginning/2024" not in shown


def test_the_line_ties_to_its_parent_and_to_table_a(made: dict[str, Any]):
    """1,303,475.14 / 60 = 21,724.59; three months 65,173.77; 1,238,301.37 is left."""
    assert all(tie["ok"] for tie in made["ties"])
    ties = {(tie["code"], tie["subject"]): tie for tie in made["ties"]}
    above = ties["tie.sub-not-above-parent", "intangible"]
    assert (above["left"], above["right"]) == ("1238301.37", "20283101.05")
    assert ties["tie.table-a-to-balance-sheet", "intangible"]["left"] == "1238301.37"
    cells = {(c["row"], c["column"]): c["amount"] for c in made["tables"]["A"]["cells"]}
    assert cells["cost.closing", "purchased"] == "1303475.14"
    assert cells["amortisation.closing", "purchased"] == "65173.77"
    assert cells["carrying.closing", "total"] == "1238301.37"
    share = Decimal("1238301.37") / Decimal("20283101.05")
    assert f"{share:.1%}" == "6.1%"  # of the README
    assert "disclose.line-equals-parent" not in [d["code"] for d in made["diagnostics"]]
