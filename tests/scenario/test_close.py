"""From metered calls to a closed month: bills, shares, postings, late records, crashes."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from deals import (
    DEAL,
    Gateway,
    codes,
    month_after,
    offer,
    records,
    say,
    serving,
    shut,
    sign,
    this_month,
    token,
    when_over,
)

from sanhua.asset.bill import Closing, Invoice, month_of
from sanhua.asset.meter import head_of, usage_line
from sanhua.capital.voucher import Voucher
from sanhua.kernel.ledger import Entry
from sanhua.project.schema import valid
from sanhua.store.segment import SegmentWriter
from sanhua.workspace.opening import Workspace
from sanhua.workspace.refusing import Refusal
from sanhua.workspace.verifying import verify_bundle, verify_store

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
KILLS = int(os.environ.get("SANHUA_CRASH_KILLS", "40"))  # 100 and more by hand

SHARED = """
shares:
  - {party: exchange, rate: 5%}
  - {rest: {by: lineage}}
tax: {rate: 6%, included: true}
"""
CHART = """
  receivables: 1122
  revenue: 6001.09
  output_tax: 2221.01
  cost_of_sales: 6401
  payables: 2202
"""
CALL = {"meter": "M1", "day": "2024-02-01"}


@pytest.fixture
def selling(small_project: Path) -> Path:
    """The small project, sold to a bank, with an exchange that has a share and a full chart."""
    return sold(small_project)


def sold(small_project: Path, deal: str = DEAL) -> Path:
    product = small_project / "products" / "energy.yaml"
    text = product.read_text(encoding="utf-8")
    text = text.replace("shares:\n  - {party: plant, rest: true}\n", SHARED.lstrip())
    text = text.replace("{call: 1000}", "{call: 10}")
    product.write_text(text, encoding="utf-8")
    policy = small_project / "books" / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("  payroll: 2211\n", "  payroll: 2211" + CHART), "utf-8")
    with (small_project / "parties.yaml").open("a", encoding="utf-8") as file:
        file.write("exchange: {name: 交易所, roles: [operator]}\n")
    offer(small_project, deal)
    sign(small_project)
    return small_project


def prorated(line: dict[str, Any], whole: int) -> int:
    """So many of `whole` included units come with a fee for some days."""
    days, of = map(int, line.get("days", "1/1").split("/"))
    return whole * days // of


def test_a_month_of_calls_becomes_a_bill_shares_postings_and_a_figure(selling: Path):
    month = this_month()
    _, secret = token(selling)
    with serving(selling) as gateway:
        for number in range(25):
            assert gateway.get(secret, **CALL, headers={"Idempotency-Key": f"k{number}"})[0] == 200
        for number in range(3):  # a client that repeats itself pays once
            assert gateway.get(secret, **CALL, headers={"Idempotency-Key": f"k{number}"})[0] == 200
        assert gateway.code(secret, **CALL, fields="phone") == (403, "call.field")
        assert gateway.code("", **CALL)[0] == 401
    assert codes(say(selling, "close", month, code=4)) == ["close.period-running"]
    told = shut(selling, month)
    assert valid("close_output", told)
    counted = {"records": 28, "rated": 25, "repeats": 3, "refused": 2, "late": 0}
    assert told["usage"] == counted
    [invoice] = told["invoices"]
    fee, usage = invoice["lines"]
    days, whole = map(int, fee.get("days", "1/1").split("/"))
    by_days = (Decimal(100) * days / whole).quantize(Decimal("0.01"))
    assert (fee["reason"], Decimal(fee["amount"])) == ("fee", by_days)
    beyond = 25 - prorated(fee, 10)
    assert (usage["quantity"], usage["price"]) == (str(beyond), "0.05")
    total = by_days + beyond * Decimal("0.05")
    net = (total / Decimal("1.06")).quantize(Decimal("0.01"))
    assert Decimal(invoice["total"]) == total and Decimal(invoice["tax"]) == total - net
    shares = {share["party"]: Decimal(share["amount"]) for share in told["shares"]}
    assert sum(shares.values()) == net
    assert shares["exchange"] == (net * Decimal("0.05")).quantize(Decimal("0.01"))
    entity = [p for p in told["postings"] if p["book"] == "entity"]
    assert {(p["debit"], p["credit"]) for p in entity} == {
        ("1122", "6001.09"),
        ("1122", "2221.01"),
        ("6401", "2202"),
    }
    assert len({row["voucher"] for row in told["proposed_vouchers"]}) == 2

    figure = f"plant/revenue/energy/net/{month}"
    opened = say(selling, "explain", figure)
    kinds = {node["kind"] for node in opened["nodes"]}
    assert {"entry", "invoice", "closing", "segment", "contract", "column", "raw_file"} <= kinds
    assert Decimal(opened["nodes"][0]["value"]) == net
    call = say(selling, "explain", records(selling)[0]["id"])
    assert {"call", "segment", "contract", "column", "raw_file"} <= {
        node["kind"] for node in call["nodes"]
    }
    nodes = {node["id"]: node for node in call["nodes"]}
    served = next(e["to"] for e in call["edges"] if e["edge"] == "answered_from")
    assert 'FROM "daily"' in nodes[served]["select"] and "phone" not in nodes[served]["select"]
    deal = nodes["deal:bank_2026"]
    written = (selling / "deals" / "bank_2026.yaml").read_text("utf-8").splitlines()
    for key in ("plan", "fields", "purposes"):
        path, _, line = deal["clauses"][key].rpartition(":")
        assert path == "deals/bank_2026.yaml" and written[int(line) - 1].startswith(f"{key}:")
    [plan] = [node for node in nodes.values() if node["kind"] == "plan"]
    assert plan["plan"]["per"]["call"] == "0.05" and plan["at"]["line"] > 1
    bundle = selling.parent / "call.zip"
    proven = say(selling, "prove", records(selling)[0]["id"], "-o", str(bundle))
    assert proven["root"].startswith("segment:") and proven["line"] == 2
    assert verify_bundle(bundle, None).ok
    assert say(selling, "run", env=when_over(month))["stages"]["asset"]["revenue"] == f"{net}"
    with Workspace(selling) as ws:
        assert verify_store(ws).ok
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            for book in ("book:plant.settlement", "book:plant.entity"):
                balances = uow.balances(book, date(2100, 1, 1))
                assert sum(amount.fen for amount in balances.values()) == 0
            asked = {(r.act, r.code) for r in uow.all(Refusal)}
    assert ("close", "close.period-running") in asked


def test_months_are_closed_in_their_order_and_once(selling: Path):
    month = this_month()
    last = month_after(month, 2)
    assert codes(shut(selling, month_after(month), 4, last)) == ["close.out-of-order"]
    shut(selling, month, at=last)
    assert codes(shut(selling, month, 4, last)) == ["close.already-closed"]
    assert codes(shut(selling, last, 4, last)) == ["close.out-of-order"]
    for wrong in ("2026", "2026-Q1", "2026-13", "nonsense"):
        assert codes(shut(selling, wrong, 2, last)) == ["close.not-a-month"]
    with Workspace(selling) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        kept = sorted(r.code for r in uow.all(Refusal))
    assert kept == sorted(
        ["close.already-closed", *["close.out-of-order"] * 2, *["close.not-a-month"] * 4]
    )


def test_what_the_erp_books_afterwards_is_confirmed_and_not_posted_again(selling: Path):
    month = this_month()
    told = shut(selling, month)
    env = when_over(month)
    path = selling / "books" / "vouchers" / "erp.csv"
    written = (selling / told["files"][0]).read_text(encoding="utf-8-sig")
    path.write_text(written, encoding="utf-8")
    with Workspace(selling) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        before = sorted(entry.id for entry in uow.all(Entry))
    assert say(selling, "run", env=env)["ok"]
    with Workspace(selling) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        assert sorted(entry.id for entry in uow.all(Entry)) == before
    for number in {row["voucher"] for row in told["proposed_vouchers"]}:
        voucher = say(selling, "explain", f"voucher:{number}")
        [confirmed] = [edge["to"] for edge in voucher["edges"] if edge["edge"] == "confirms"]
        assert confirmed in before
    # One voucher for all, a day later, on sub-accounts: still the same, the chart covers them.
    rows = [row.split(",") for row in written.splitlines()]
    for row in rows[1:]:
        row[0], row[1] = f"{month}-0999", f"{month_after(month)}-01"
        row[3] = {"1122": "1122.01", "6001.09": "6001.09.02"}.get(row[3], row[3])
    path.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    assert say(selling, "run", env=env)["ok"]
    with Workspace(selling) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        assert sorted(entry.id for entry in uow.all(Entry)) == before
        assert uow.get(Voucher, f"voucher:{month}-0999").confirms
    path.write_text(written.replace("6401", "2211"), encoding="utf-8")
    other = say(selling, "run", env=env, code=1)
    assert "voucher.period-closed" in codes(other)


def segment_of(project: Path, name: str, deal: str, at: datetime, calls: int) -> None:
    """A segment as another machine's gateway would leave it, closed and not sealed yet."""
    head = head_of(deal, "party:bank", "product:energy", "sha256:5a", "sha256:7e")
    ms = int(at.timestamp() * 1000)
    text = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    writer = SegmentWriter(project / "state" / "meter", name)
    lines = [
        usage_line(
            (ms << 80) | 7 << 76 | n, text, head, "credit", (1, 1, 60), "permit", "usage", ""
        )
        for n in range(calls)
    ]
    writer.commit(lines)
    writer.close()


def test_what_comes_late_is_an_adjustment_of_the_next_month(selling: Path):
    month, following = this_month(), month_after(this_month())
    _, secret = token(selling)
    with serving(selling) as gateway:
        for _ in range(12):
            assert gateway.get(secret, **CALL)[0] == 200
    first = shut(selling, month)
    included = prorated(first["invoices"][0]["lines"][0], 10)
    assert first["invoices"][0]["lines"][1]["quantity"] == str(12 - included)
    segment_of(selling, "late", "deal:bank_2026", datetime.now(UTC), 30)
    segment_of(selling, "ghost", "deal:nobody", datetime.now(UTC), 4)
    second = shut(selling, following)
    lines = {line["reason"]: line for line in second["invoices"][0]["lines"]}
    assert lines["fee"]["period"] == following and lines["fee"]["amount"] == "100.00"
    assert (lines["adjustment"]["period"], lines["adjustment"]["amount"]) == (month, "1.50")
    assert (second["usage"]["records"], second["usage"]["late"]) == (0, 34)
    assert codes(second).count("close.unknown-deal") == 1
    with Workspace(selling) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        kept = uow.get(Closing, f"closing:{following}")
        assert kept.unbilled == ("deal:nobody",)
        assert verify_store(ws).ok
    third = shut(selling, month_after(following))
    assert [line["reason"] for line in third["invoices"][0]["lines"]] == ["fee"]


def test_a_changed_meter_stops_the_close_and_nothing_is_posted(selling: Path):
    _, secret = token(selling)
    with serving(selling) as gateway:
        for _ in range(3):
            assert gateway.get(secret, **CALL)[0] == 200
    say(selling, "run")
    [segment] = (selling / "state" / "meter").glob("*.ndjson")
    segment.write_bytes(segment.read_bytes().replace(b'"row":1', b'"row":9', 1))
    assert codes(shut(selling, this_month(), code=8)) == ["store.meter-broken"]
    with Workspace(selling) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        assert list(uow.all(Invoice)) == [] and list(uow.all(Closing)) == []


def test_a_deal_that_ends_is_billed_to_its_last_day(selling: Path):
    month, following = this_month(), month_after(this_month())
    shut(selling, month)
    env = when_over(month)
    say(selling, "deal", "end", "bank_2026", "--on", f"{following}-11", env=env)
    told = shut(selling, following)
    whole = (month_of(date.fromisoformat(f"{following}-01")).through).day
    assert told["invoices"][0]["lines"][0]["days"] == f"10/{whole}"
    assert shut(selling, month_after(following))["invoices"] == []


def test_who_holds_the_data_together_shares_what_it_earns(small_project: Path):
    """As it stood when the deal was signed: striking a holder out later moves no share."""
    claims = small_project / "rights" / "claims.yaml"
    text = claims.read_text(encoding="utf-8")
    held = "source: own_collection\n    with: [exchange]\n"
    claims.write_text(text.replace("source: own_collection\n", held), "utf-8")
    sold(small_project)
    claims.write_text(text, "utf-8")
    told = shut(small_project, this_month())
    shares = [(s["party"], Decimal(s["amount"]), s["basis"]) for s in told["shares"]]
    assert [(party, basis) for party, _, basis in shares] == [
        ("exchange", "5% of net"),
        ("exchange", "rest by lineage 1/2"),
        ("plant", "rest by lineage 1/2"),
    ]
    assert 0 <= shares[1][1] - shares[2][1] <= Decimal("0.01")


def test_the_close_waits_for_what_a_gateway_is_writing(selling: Path):
    """Calls of the month's last minutes, the close in the first of the next, `serve` still up."""
    _, secret = token(selling)
    month = this_month()
    late = {
        "SANHUA_CLOCK_OFFSET_S": str(int(when_over(month)["SANHUA_CLOCK_OFFSET_S"]) - 9 * 3600 - 20)
    }
    with serving(selling, env=late) as gateway:
        for _ in range(7):
            assert gateway.get(secret, **CALL)[0] == 200
        told = shut(selling, month)
    assert told["usage"]["rated"] == 7


def test_a_chart_that_is_mended_later_catches_up(selling: Path):
    policy = selling / "books" / "policy.yaml"
    whole = policy.read_text(encoding="utf-8")
    policy.write_text(whole.replace("  output_tax: 2221.01\n", ""), "utf-8")
    month = this_month()
    first = shut(selling, month)
    assert "close.chart-lacks" in codes(first)
    assert not any(p["book"] == "entity" for p in first["postings"])  # no half of it either
    policy.write_text(whole, "utf-8")
    second = shut(selling, month_after(month))
    posted = sum(Decimal(p["amount"]) for p in second["postings"] if p["credit"] == "6001.09")
    nets = [Decimal(told["invoices"][0]["net"]) for told in (first, second)]
    assert posted == sum(nets)


def test_measurement_is_trued_up_and_not_doubled(selling: Path):
    """A life that turns out shorter after a close; a charge that the ERP booked at its own
    amount.
    """
    policy = selling / "books" / "policy.yaml"
    chart = "  accumulated_amortisation: 1702.05\n  amortisation_expense: 6401.09\n  payroll: 2211"
    policy.write_text(policy.read_text("utf-8").replace("  payroll: 2211", chart), "utf-8")
    card = selling / "books" / "assets" / "energy_data.yaml"
    month = this_month()
    text = card.read_text(encoding="utf-8")
    life = """measurement:
  available_on: 2024-04-01
  evidence: [evidence/paper.md]
  life: {months: %d, reasons: [technology], judged: {by: maker, date: 2024-04-01}}
"""
    card.write_text(text + life % 100, "utf-8")
    shut(selling, month)
    card.write_text(text + life % 50, "utf-8")
    shut(selling, month_after(month))
    with Workspace(selling) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        last = date.fromisoformat(month_after(month, 2) + "-01")
        booked = uow.balances("book:plant.entity", last)["1702.05"].fen
        months = (last.year - 2024) * 12 + last.month - 4
    assert -booked == (2469 * months if months < 50 else 123456)  # 1,234.56 / 50 = 24.69 a month


def test_plans_that_mix_periods_are_refused(small_project: Path):
    product = small_project / "products" / "energy.yaml"
    text = product.read_text(encoding="utf-8")
    mixed = "included: {call: 1000}\n    cap: {year: 900.00}\n"
    product.write_text(text.replace("included: {call: 1000}\n", mixed), "utf-8")
    offer(small_project, DEAL)
    assert "deal.cannot-bind" in codes(say(small_project, "run"))


# Crashes


def _kept(project: Path) -> dict[str, int]:
    """How many records of each kind are committed, read past the program."""
    with sqlite3.connect(project / "state" / "state.db") as db:
        found = db.execute("SELECT kind, count(*) FROM record GROUP BY kind").fetchall()
    return {kind: count for kind, count in found if kind in ("closing", "invoice", "settlement")}


@POSIX
def test_killed_in_serving_and_closing_every_answered_call_is_billed_once(
    selling: Path, tmp_path: Path
):
    """Half of the kills fall on the gateway under load, half on the close. The client repeats what
    got no answer, as clients do, and keeps its own count.
    """
    seeded = random.Random(20261129)
    month = this_month()
    _, secret = token(selling)
    answered, number, kills = 0, 0, 0
    while kills < KILLS // 2:
        gateway = Gateway(selling)
        group = gateway.process.pid
        timer = threading.Timer(seeded.uniform(0.02, 0.25), os.killpg, (group, signal.SIGKILL))
        timer.start()
        try:
            while True:
                key = {"Idempotency-Key": f"call-{number}"}
                if gateway.get(secret, **CALL, headers=key)[0] == 200:
                    answered, number = answered + 1, number + 1
        except (OSError, http.client.HTTPException):
            kills += 1
        timer.join()
        gateway.end()
    with serving(selling) as gateway:
        key = {"Idempotency-Key": f"call-{number}"}
        assert gateway.get(secret, **CALL, headers=key)[0] == 200
        answered += 1

    whole = tmp_path / "whole"
    shutil.copytree(selling, whole)
    began = time.monotonic()
    expected = shut(whole, month)
    length = time.monotonic() - began
    assert expected["usage"]["rated"] == answered
    assert expected["invoices"][0]["counted"]["call"] == answered

    while kills < KILLS:
        life = tmp_path / f"life{kills}"
        shutil.copytree(selling, life)
        while "closing" not in _kept(life) and kills < KILLS:
            command = [sys.executable, "-m", "sanhua", "close", month, "-C", str(life), "--json"]
            process = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **when_over(month)},
            )
            try:
                process.communicate(timeout=seeded.uniform(0.4, 1.05) * length)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
            assert _kept(life) in ({}, {"closing": 1, "invoice": 1, "settlement": 1})
        if "closing" in _kept(life):
            assert codes(shut(life, month, code=4)) == ["close.already-closed"]
        else:
            assert shut(life, month)["invoices"] == expected["invoices"]
        with Workspace(life) as ws:
            assert verify_store(ws).ok
            with ws.store.begin(actor=ws.actor, read_only=True) as uow:
                [invoice] = uow.all(Invoice)
                assert invoice.counted["call"] == answered
                for book in ("book:plant.settlement", "book:plant.entity"):
                    balances = uow.balances(book, date(2100, 1, 1))
                    assert sum(amount.fen for amount in balances.values()) == 0
        shutil.rmtree(life)
