"""Books out: Beancount text that bean-check accepts, what is read back, the trial balance."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.capital.measure import mirror
from sanhua.capital.voucher import Voucher, VoucherLine
from sanhua.kernel.ledger import Book, BookKind, Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period
from sanhua.project.read import beancount as read_back
from sanhua.report.books import Bound, beancount, journal, root_of, trial_balance

BOOK = Book("book:plant.entity", "party:plant", BookKind.ENTITY)
MARCH = Period.named("2026-03")
ROLES = {"5301.02": "development_capitalised", "2211": "payroll", "1122": "receivables",
         "6001": "revenue", "2221.01": "output_tax", "1702": "accumulated_amortisation",
         "6401": "cost_of_sales"}  # fmt: skip


def line(account: str, amount: str, at: int, **more: object) -> VoucherLine:
    made = VoucherLine(account, Money(Decimal(amount)), "三月薪酬", at)
    return replace(made, **more)  # pyright: ignore[reportArgumentType]


SALARY = Voucher(
    "voucher:2026-03-0007", "party:plant", "2026-03-0007", date(2026, 3, 5),
    (
        line("5301.02", "1200.00", 2, project="P1", evidence=("sha256:ab",),
             evidence_names=("evidence/paper.md",)),
        line("2211", "-1200.00", 3),
    ),
    "books/vouchers/2026.csv", "sha256:cd",
)  # fmt: skip
BACK = Voucher(
    "voucher:2026-03-0009", "party:plant", "2026-03-0009", date(2026, 3, 9),
    (line("5301.02", "-200.00", 4, red=True), line("2211", "200.00", 5, red=True)),
    "books/vouchers/2026.csv", "sha256:cd", SALARY.id,
)  # fmt: skip


def sale() -> Entry:
    lines = (Line("1122", 10600, "bank"), Line("6001", -10000, "energy"), Line("2221.01", -600))
    return Entry("pst_" + "0" * 26 + "abc123", BOOK.id, date(2026, 3, 31), lines, "inv_1",
                 '数据产品收入 "energy" 2026-03', "bank")  # fmt: skip


def bound(book: Book = BOOK) -> Bound:
    vouchers = {one.id: one for one in (SALARY, BACK)}
    entries = [mirror(SALARY, book), mirror(BACK, book), sale()]
    opening = {"5301.02": 50000, "2211": -50000}
    return Bound(book, MARCH, opening, entries, vouchers, lambda code: ROLES.get(code, ""))


def bean_check(path: Path) -> str:
    """What the program says of a file; skipped, saying so, where it is not installed."""
    program = Path(sys.executable).with_name("bean-check")
    if not program.exists():
        pytest.skip("bean-check is not installed; `make setup-dev` brings it")
    done = subprocess.run([program, path], capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr) if done.returncode else ""


def test_bean_check_accepts_the_book_and_would_find_a_wrong_amount(tmp_path: Path):
    text = beancount(bound())
    path = tmp_path / "book.beancount"
    path.write_text(text, encoding="utf-8")
    assert bean_check(path) == ""
    path.write_text(text.replace("-1200.00 CNY", "-1200.01 CNY"), encoding="utf-8")
    assert "1200" in bean_check(path)
    settled = Book("book:plant.settlement", "party:plant", BookKind.SETTLEMENT)
    lines = (Line("receivable:bank", 5), Line("income:energy", -5))
    share = (Line("share:energy", 2), Line("payable:exchange", -2))
    odd = (Line("tax:output", 1), Line('payable:x"研 y', -1))
    made = [Entry(f"pst_{n}", settled.id, date(2026, 3, n + 1), each, "inv_1", "x")
            for n, each in enumerate((lines, share, odd))]  # fmt: skip
    path.write_text(
        beancount(Bound(settled, MARCH, {}, made, {}, lambda code: "")), encoding="utf-8"
    )
    assert bean_check(path) == ""
    path.write_text(beancount(Bound(BOOK, MARCH, {}, [], {}, lambda code: "")), encoding="utf-8")
    assert bean_check(path) == ""


def test_what_is_written_is_read_back_as_vouchers():
    told: list[tuple[str, str]] = []

    def say(code: str, path: str, at: object, **facts: object) -> None:
        told.append((code, str(facts.get("value"))))

    rows = [{key: cell.text for key, cell in row.cells.items()}
            for row in read_back(beancount(bound()), "b.beancount", say, say)]  # fmt: skip
    first, second, back, _, debtor, *_ = rows
    assert (first["voucher"], first["date"]) == ("2026-03-0007", "2026-03-05")
    assert (first["account"], first["debit"], first["project"]) == ("5301.02", "1200.00", "P1")
    assert first["evidence"] == "evidence/paper.md" and first["content"] == "sha256:ab"
    assert (second["account"], second["credit"]) == ("2211", "1200.00")
    assert (back["voucher"], back["reverses"]) == ("2026-03-0009", "2026-03-0007")
    assert (debtor["voucher"], debtor["account"]) == ("P2026-03-31-abc123", "1122")
    assert debtor["summary"] == '数据产品收入 "energy" 2026-03' and debtor["party"] == "bank"
    assert len(rows) == 7  # the opening balances are no voucher
    assert {code for code, _ in told} == {"voucher.beancount-not-applied"}
    assert {value for _, value in told} == {"S", "balance"}


def test_the_trial_balance_says_red_on_the_side_that_it_takes_back():
    """5301.02: 500.00 + 1,200.00 − 200.00 in red = 1,500.00, all on the debit side."""
    rows = {row["account"]: row for row in trial_balance(bound())}
    spent = rows["5301.02"]
    assert (spent["opening_debit"], spent["debit"], spent["credit"]) == (
        "500.00",
        "1000.00",
        "0.00",
    )
    assert spent["ending_debit"] == "1500.00" and spent["name"] == "研发支出—资本化支出"
    total = rows["合计"]
    assert total["debit"] == total["credit"] == "1106.00"
    assert total["ending_debit"] == total["ending_credit"]
    red = [row for row in journal(bound()) if row["voucher"] == "2026-03-0009"]
    assert [(row["debit"], row["credit"]) for row in red] == [("-200.00", ""), ("", "-200.00")]


def test_roots_follow_the_role_then_the_code():
    assert root_of("6602.14", "") == "Expenses" and root_of("6115", "") == "Income"
    assert root_of("5301.01", "development_expensed") == "Expenses"
    assert root_of("9999", "output_tax") == "Liabilities" and root_of("6901", "") == "Equity"
    assert root_of("share:energy", "") == "Expenses" and root_of("tax:output", "") == "Liabilities"


FEN = st.integers(-(10**9), 10**9).filter(bool)


@given(st.lists(st.tuples(FEN, st.sampled_from("123456"), st.sampled_from("123456")), max_size=30),
       st.dictionaries(st.sampled_from("123456"), FEN, max_size=5))  # fmt: skip
def test_a_trial_balance_ties(moves: list[tuple[int, str, str]], held: dict[str, int]):
    """Σ debit = Σ credit; opening + movement = ending, for every account and in all."""
    opening = {**held, "7": -sum(held.values())}
    entries = [Entry(f"pst_{n}", BOOK.id, date(2026, 3, 1), (Line(a, fen), Line(b, -fen)), "inv_1")
               for n, (fen, a, b) in enumerate(moves)]  # fmt: skip
    made = Bound(BOOK, MARCH, opening, entries, {}, lambda code: "")
    kept = dict(opening)
    for fen, debit, credit in moves:
        kept[debit] = kept.get(debit, 0) + fen
        kept[credit] = kept.get(credit, 0) - fen
    ties = made.ties({code: Money.of_fen(fen) for code, fen in kept.items()})
    assert all(tie["ok"] for tie in ties)
    kept["1"] = kept.get("1", 0) + 1
    ties = made.ties({code: Money.of_fen(fen) for code, fen in kept.items()})
    assert [tie["ok"] for tie in ties] == [True, True, True, False]
