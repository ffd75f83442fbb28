"""examples/own_books in short: two months of calls through the gateway, two closes, a sealed year.

The whole year is run by hand (bench/results). Here the data is that of 20 customers, each deal is
called three times a month, and November is the first close: it catches up on the months before it.

    load_profile_asset  1,275,500.00 / 36 = 35,430.56 January to June      = 212,583.36
                        48 months from July: 1,062,916.64 / 42 = 25,307.54, six times 151,845.24
                        1,275,500.00 - 364,428.60 = 911,071.40; recoverable 976,896.66: no loss
    weather_history     240,000.00 / 48 = 5,000.00 from April, nine times; 195,000.00;
                        recoverable 171,600.00: a loss of 23,400.00
    intangible.data     911,071.40 + 171,600.00                            = 1,082,671.40
    development.data    118,400.00 + 96,000.00 + 102,000.00 + 32,000.00    =   348,400.00
                        less the audit's adjustment of 2,000.00            =   346,400.00
                        at the beginning 412,000 + 58,300 + 126,500 + 433,500 = 1,030,300.00
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.workspace.opening import Workspace
from sanhua.workspace.templates import power

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "own_books" / "year.py"
FIRST_CLOSE = "2026-11"


def year_module() -> Any:
    spec = importlib.util.spec_from_file_location("own_books_year", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def errors(said: str) -> list[Any]:
    return [one for one in json.loads(said)["diagnostics"] if one["severity"] == "error"]


def in_this_process(words: list[str], env: Mapping[str, str]) -> str:
    done = CliRunner().invoke(cli, words, env=dict(env))
    assert done.exit_code == 0, (words, errors(done.stdout))
    return done.stdout


def test_two_months_are_sold_closed_booked_back_and_every_figure_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    module = year_module()
    monkeypatch.setattr(power, "CUSTOMERS", 20)  # of 290, and as much less dirt
    less = {kind: max(1, rows * 20 // 290) for kind, rows in power.DIRT["readings"].items()}
    monkeypatch.setitem(power.DIRT, "readings", less)
    monkeypatch.setitem(power.DIRT, "meters", {"unknown customer": 0})
    year = module.Year(tmp_path / "year", calls=3, command=in_this_process, told=lambda _: None)
    year.begin()
    for month in module.MONTHS:
        if month == FIRST_CLOSE:
            (year.folder / "deals" / "brook_trial.yaml").unlink()  # over by then
            year.on(date(2026, 11, 1))
            year.offer()
        if month < FIRST_CLOSE:
            year.arrive(SCRIPT.parent / "story" / month)
        else:
            year.month(month)
    shown = year.end()
    lines = {tuple(figure["id"].split("/")[2:4]): figure["amount"] for figure in shown["figures"]}
    assert lines["intangible.data", "ending"] == "1082671.40"
    assert lines["intangible.data", "beginning"] == "0.00"
    assert lines["development.data", "ending"] == "346400.00"
    assert lines["development.data", "beginning"] == "1030300.00"
    assert all(tie["ok"] for tie in shown["ties"])
    assert (shown["state"], shown["sealed_on"]) == ("audited", "2027-03-18")
    assert shown["signed"] == {"finance": "party:chen_yu", "auditor": "party:lin_mo"}
    table = {(c["row"], c["column"]): c["amount"] for c in shown["tables"]["A"]["cells"]}
    assert table["amortisation.closing", "self_developed"] == "364428.60"
    assert table["amortisation.closing", "purchased"] == "45000.00"
    assert table["impairment.closing", "total"] == "23400.00"

    # What the buyers count themselves is what they are billed for.
    calls = {"spark_2026": 3, "brook_2026": 3, "brook_archive": 3}
    assert year.counted == {month: calls for month in ("2026-11", "2026-12")}
    for month, closed in year.closed.items():
        for invoice in closed["invoices"]:
            assert invoice["counted"]["call"] == year.counted[month][invoice["deal"]]
    once = [i for c in year.closed.values() for i in c["invoices"] if i["deal"] == "brook_archive"]
    assert [invoice["total"] for invoice in once] == ["60000.00"]

    cells = [*shown["figures"], *(c for table in shown["tables"].values() for c in table["cells"])]
    figures = [cell["id"] for cell in cells if cell["amount"] != "0.00"]
    assert year.open(figures) == len(figures) > 25
    revenue = [f"figure:grid_co/revenue/load_profile_daily/net/{m}" for m in year.closed]
    assert year.open(revenue) == 2
    with Workspace(year.folder) as ws:
        from sanhua.workspace.explaining import explain

        kinds = {node["kind"] for node in explain(ws, revenue[-1]).to_json()["nodes"]}
    assert {"entry", "invoice", "segment", "contract", "column", "raw_file"} <= kinds
    assert json.loads(in_this_process(["verify", *year.at()], year.env))["ok"]
