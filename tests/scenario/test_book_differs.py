"""A close compares amortisation and provisions in the entity's book with what is measured: silent
in lives that are in order, and told where something is booked twice, whatever else was told before.

Data bought for 60,000.00 on 2024-11-05, used over 60 months: 1,000.00 a month from November.
Synthetic figures.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from test_year_end import AUDIT, BOOK, FILES

from sanhua.kernel.errors import Diagnostic
from sanhua.store.clock import SetClock
from sanhua.workspace.closing import close
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import report

HEAD = "voucher,date,summary,account,debit,credit\n"
ASSET, POLICY = "books/assets/data.yaml", "books/policy.yaml"
OPENED = """
title: 看板
route: self_developed
use: internal
project: {codes: [D], research: 2023-01-01, development: 2023-02-01}
control: [evidence/paper.md]
recognition:
  technical_feasibility: {date: 2023-02-01, evidence: [evidence/paper.md]}
  intention: {date: 2023-02-01, evidence: [evidence/paper.md]}
  future_benefit: {date: 2023-02-01, evidence: [evidence/paper.md]}
  resources: {date: 2023-02-01, evidence: [evidence/paper.md]}
  reliable_measurement: {date: 2023-02-01, evidence: [evidence/paper.md]}
  judged: {by: cfo, date: 2024-02-05}
measurement:
  available_on: 2023-11-05
  evidence: [evidence/paper.md]
  life: {months: 60, reasons: [technology], judged: {by: cfo, date: 2024-01-31}}
  opening: {date: 2024-12-31, cost: 60000.00, amortisation: 14000.00, months_charged: 14,
            evidence: [evidence/paper.md], judged: {by: cfo, date: 2025-01-05}}
"""
DISPOSAL = """
  disposals:
    - {date: 2025-02-20, proceeds: 40000.00, evidence: [evidence/paper.md],
       judged: {by: cfo, date: 2025-02-20}}
"""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(dedent(text).lstrip(), "utf-8")
    return tmp_path


def add(root: Path, path: str, text: str) -> None:
    with (root / path).open("a", encoding="utf-8") as file:
        file.write(text.lstrip("\n"))


def book(root: Path, number: str, day: str, **amounts: str) -> None:
    """A voucher of the ERP: `a1702_05="-1000.00"` credits the account 1702.05."""
    rows = [HEAD]
    for account, amount in amounts.items():
        code, credit = account[1:].replace("_", "."), amount.startswith("-")
        sides = f",{amount[1:]}" if credit else f"{amount},"
        rows.append(f"{number},{day},凭证,{code},{sides}\n")
    (root / f"books/vouchers/{number}.csv").write_text("".join(rows), "utf-8")


def amortised(root: Path, number: str, day: str, amount: str = "1000.00") -> None:
    book(root, number, day, a6602_20=amount, a1702_05=f"-{amount}")


def shut(root: Path, day: str, *names: str) -> list[Diagnostic]:
    """What the closes say of amortisation and of the book."""
    found: list[Diagnostic] = []
    moment = datetime.fromisoformat(f"{day}T04:00:00").replace(tzinfo=UTC)
    for name in names:
        with Workspace(root, env={}, clock=SetClock(moment)) as ws:
            found += close(ws, name).diagnostics
    told = ("close.", "amortisation.", "voucher.booked")
    return [one for one in found if one.code.startswith(told)]


def balance(root: Path, account: str, day: date) -> str:
    with Workspace(root, env={}) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return uow.balances(BOOK, day)[account].text


def test_a_month_that_is_closed_after_an_adjustment_does_not_take_it_for_its_own(books: Path):
    """The audit decides 500.00 on 1 February and they are posted; January is closed after that and
    knows only of 3,000.00: the book holds 3,500.00, and nothing is wrong.
    """
    assert shut(books, "2025-01-10", "2024-12") == []
    add(books, ASSET, AUDIT)
    assert shut(books, "2025-02-06", "2024-ADJ", "2025-01") == []
    assert balance(books, "1702.05", date(2025, 1, 31)) == "-3500.00"
    assert shut(books, "2025-03-10", "2025-02") == []


def test_an_adjustment_that_the_erp_books_once_more_is_told_and_february_is_still_charged(
    books: Path,
):
    """(60,000 - 3,500) / 57 = 991.23 in February: 3,000.00 + 991.23 in months, and 500.00 in the
    adjustment period. The ERP's 500.00 of February charge an earlier year: they are no amortisation
    of February, stand in the book twice, and are told by their voucher.
    """
    shut(books, "2025-01-10", "2024-12")
    add(books, ASSET, AUDIT)
    shut(books, "2025-02-06", "2024-ADJ", "2025-01")
    book(books, "A-1", "2025-02-20", a6901="500.00", a1702_05="-500.00")
    (told,) = shut(books, "2025-03-10", "2025-02")
    assert told.code == "amortisation.twice"
    assert told.facts == {"number": "A-1", "month": "2025-02", "amount": "500.00"}
    assert balance(books, "6602.20", date(2025, 2, 28)) == "4491.23"


@pytest.mark.parametrize(
    ("january", "february", "codes"),
    [
        ("", ["1000.00", "1000.00"], ["amortisation.erp-missing"]),
        ("1000.01", ["999.99"], ["amortisation.erp-differs", "close.book-differs"]),
    ],
)
def test_what_the_erp_made_up_for_is_told_no_more(
    books: Path, january: str, february: list[str], codes: list[str]
):
    """January is missing or a fen too high when it is closed, and put right in February: from
    March on 1,000.00 a month stand in the book, and nothing is told.
    """
    add(books, POLICY, "amortises: erp\n")
    amortised(books, "A-0", "2024-11-30")
    amortised(books, "A-1", "2024-12-31")
    if january:
        amortised(books, "A-2", "2025-01-31", january)
    told = shut(books, "2025-02-10", "2024-12", "2025-01")
    assert [one.code for one in told] == codes and told[0].facts["day"] == "2025-01-31"
    for number, amount in enumerate(february, 3):
        amortised(books, f"A-{number}", "2025-02-28", amount)
    assert "2025-01-31" not in [one.facts["day"] for one in shut(books, "2025-03-10", "2025-02")]
    amortised(books, "A-5", "2025-03-31")
    assert shut(books, "2025-04-10", "2025-03") == []


def test_what_the_erp_booked_before_its_month_or_charged_to_the_earlier_year_is_not_lacking(
    books: Path,
):
    """December is booked in January against 以前年度损益调整; 2,000.00 in February are March's too:
    the book holds what is measured, January's voucher is no second charge, and nothing of March is
    to be booked.
    """
    add(books, POLICY, "amortises: erp\n")
    amortised(books, "A-0", "2024-11-30")
    (one,) = shut(books, "2025-01-10", "2024-12")
    assert one.code == "amortisation.erp-missing"
    book(books, "A-1", "2025-01-05", a6901="1000.00", a1702_05="-1000.00")
    amortised(books, "A-2", "2025-01-31")
    assert shut(books, "2025-02-10", "2025-01") == []
    amortised(books, "A-3", "2025-02-28", "2000.00")
    assert "close.book-differs" in {one.code for one in shut(books, "2025-03-10", "2025-02")}
    assert shut(books, "2025-04-10", "2025-03") == []


@pytest.mark.parametrize("amortises", ["erp", ""])
def test_a_month_that_differed_does_not_hide_what_is_booked_twice_later(
    books: Path, amortises: str
):
    """January stands one fen too high in the ERP, which is told; February is booked twice: 4 months
    measure 4,000.00, the book holds 5,000.01, and no voucher says all of that.
    """
    if amortises:
        add(books, POLICY, f"amortises: {amortises}\n")
    for number, day, amount in (
        ("A-0", "2024-11-30", "1000.00"),
        ("A-1", "2024-12-31", "1000.00"),
        ("A-2", "2025-01-31", "1000.01"),
    ):
        amortised(books, number, day, amount)
    differs = "amortisation.erp-differs" if amortises else "voucher.booked-otherwise"
    told = shut(books, "2025-02-10", "2024-12", "2025-01")
    assert [one.code for one in told] == [differs, "close.book-differs"]
    amortised(books, "A-3", "2025-02-28")
    amortised(books, "A-4", "2025-02-28")
    (summed,) = shut(books, "2025-03-10", "2025-02")
    assert (summed.facts["measured"], summed.facts["booked"]) == ("4000.00", "5000.01")
    assert summed.message("zh") == (
        "plant 的主体账上，1702.05（accumulated_amortisation）截至 2025-02-28 记了 5000.01，"
        "计量应记 4000.00（均不含期初与调整期）"
    )
    assert "by 2025-02-28 the book of plant holds 5000.01 on 1702.05" in summed.message("en")


def test_vouchers_from_before_an_opening_are_no_difference(books: Path):
    """Balances are taken over at the end of 2024: 46,000.00 over 46 more months. The ERP's
    amortisation of December stands in the book beside them. February is booked twice: 1,000.00 too
    many since the opening.
    """
    (books / ASSET).write_text(OPENED.lstrip(), "utf-8")
    (books / "books/vouchers/2024.csv").unlink()
    amortised(books, "A-1", "2024-12-31")
    assert shut(books, "2025-02-10", "2024-12", "2025-01") == []
    assert told(books, "2024-12") == told(books, "2024") == []
    for number in ("A-2", "A-3", "A-4"):  # one of them is January's
        amortised(books, number, "2025-02-28")
    (twice,) = shut(books, "2025-03-10", "2025-02")
    assert twice.code == "amortisation.twice"
    assert twice.facts == {"number": "A-4", "month": "2025-02", "amount": "1000.00"}
    assert told(books, "2025") == ["amortisation.twice"]


def test_a_disposal_that_the_erp_booked_otherwise_is_not_booked_again(books: Path):
    """The ERP amortises the month of the disposal too and disposes of 56,000.00; asked for are
    57,000.00. Its vouchers stand, both are told, and the proceeds come in once.
    """
    roles = "disposal_result: 6115\n  bank: 1002\n  output_tax: 2221\n  payables"
    path = books / POLICY
    path.write_text(path.read_text("utf-8").replace("payables", roles), "utf-8")
    add(books, ASSET, DISPOSAL)
    amortised(books, "A-1", "2025-02-20")
    book(
        books,
        "D-1",
        "2025-02-20",
        a1702_05="4000.00",
        a1002="42400.00",
        a1701_05="-60000.00",
        a2221="-2400.00",
        a6115="16000.00",
    )
    told = shut(books, "2025-03-10", "2024-12", "2025-01", "2025-02")
    assert [(one.code, one.facts["number"]) for one in told] == [
        ("voucher.booked-otherwise", "D-1"),
        ("amortisation.twice", "A-1"),
    ]
    assert balance(books, "1002", date(2025, 2, 28)) == "42400.00"
    assert balance(books, "1701.05", date(2025, 2, 28)) == "0.00"


@pytest.mark.parametrize("day", ["2024-12-31", "2025-02-20"])
def test_an_adjustment_is_proposed_to_the_erp_and_its_voucher_confirms_it(books: Path, day: str):
    """500.00 of 2024-ADJ: asked of the ERP for the year and for the period, booked by it on the
    year's last day or when it has the audit's letter, and in the book once.
    """
    shut(books, "2025-01-10", "2024-12")
    add(books, ASSET, AUDIT)
    shut(books, "2025-02-06", "2024-ADJ", "2025-01")
    asked = [("2024-12-31", "1702.05", "500.00"), ("2024-12-31", "6602.20", "")]
    assert proposed(books, "2024-ADJ") == asked
    assert set(asked) < set(proposed(books, "2024"))
    assert ("2024-12-31", "1702.05", "500.00") not in proposed(books, "2025")
    book(books, "Z-1", day, a6602_20="500.00", a1702_05="-500.00")
    assert shut(books, "2025-03-10", "2025-02") == []
    assert proposed(books, "2024-ADJ") == []
    assert balance(books, "1702.05", date(2025, 2, 28)) == "-4491.23"


def test_an_adjustment_is_confirmed_where_the_erp_amortises_too(books: Path):
    """500.00 of 2024-ADJ in February beside the month's own 991.23: neither is a second charge."""
    add(books, POLICY, "amortises: erp\n")
    for number, day in (("A-1", "2024-11-30"), ("A-2", "2024-12-31"), ("A-3", "2025-01-31")):
        amortised(books, number, day)
    shut(books, "2025-01-10", "2024-12")
    add(books, ASSET, AUDIT)
    shut(books, "2025-02-06", "2024-ADJ", "2025-01")
    amortised(books, "Z-1", "2025-02-20", "500.00")
    amortised(books, "A-4", "2025-02-28", "991.23")
    assert shut(books, "2025-03-10", "2025-02") == []
    assert proposed(books, "2024-ADJ") == []
    assert balance(books, "1702.05", date(2025, 2, 28)) == "-4491.23"


def test_what_a_close_posted_is_proposed_whatever_else_the_erp_booked(books: Path):
    """The ERP books 1,000.00 in December, and 1,991.23 for January and February on 5 February,
    before January is closed: the report asks for what the closes asked
    for. It was silent of January, and December's voucher was told to have booked the adjustment
    otherwise.
    """
    add(books, POLICY, "amortises: erp\namortises_from: 2024-11-01\n")
    for number, day in (("A-1", "2024-11-30"), ("A-2", "2024-12-31")):
        amortised(books, number, day)
    shut(books, "2025-01-10", "2024-12")
    add(books, ASSET, AUDIT)
    text = (books / POLICY).read_text("utf-8")
    (books / POLICY).write_text(text.partition("amortises:")[0], "utf-8")
    amortised(books, "A-3", "2025-02-05", "1991.23")
    shut(books, "2025-02-06", "2025-01", "2024-ADJ")
    asked = [("2024-12-31", "1702.05", "500.00"), ("2024-12-31", "6602.20", "")]
    assert proposed(books, "2024-ADJ") == proposed(books, "2024") == asked
    assert proposed(books, "2025-01") == [
        ("2025-01-31", "6602.20", ""),
        ("2025-01-31", "1702.05", "1000.00"),
    ]
    assert told(books, "2024-ADJ") == told(books, "2024") == []


def test_books_handed_out_hold_an_adjustment_in_its_year_and_not_in_december(books: Path):
    """Amortised 2,000.00 by the end of December; 500.00 of 2024-ADJ; 1,000.00 in January."""
    shut(books, "2025-01-10", "2024-12")
    add(books, ASSET, AUDIT)
    shut(books, "2025-02-06", "2024-ADJ", "2025-01")
    sides = "opening_credit", "credit", "ending_credit"
    for period, said in {
        "2024-12": ("1000.00", "1000.00", "2000.00"),
        "2024-ADJ": ("2000.00", "500.00", "2500.00"),
        "2024": ("0.00", "2500.00", "2500.00"),
        "2024-Q4": ("0.00", "2500.00", "2500.00"),
        "2025-01": ("2500.00", "1000.00", "3500.00"),
    }.items():
        with Workspace(books, env={}, clock=SetClock(datetime(2025, 3, 10, 4, tzinfo=UTC))) as ws:
            made = report(ws, "books", period=period)
        rows = {row["account"]: row for row in made.data["books"][0]["accounts"]}
        assert made.ok, (period, made.data["books"][0]["ties"])
        assert tuple(rows["1702.05"][side] for side in sides) == said, period


def proposed(root: Path, period: str) -> list[tuple[str, str, str]]:
    """(day, account, credit) that the ERP is asked to book."""
    with Workspace(root, env={}, clock=SetClock(datetime(2025, 3, 10, 4, tzinfo=UTC))) as ws:
        rows = report(ws, "vouchers", period=period).data["vouchers"]
    return [(row["date"], row["account"], row["credit"]) for row in rows]


def told(root: Path, period: str) -> list[str]:
    """The codes of what `report vouchers` says of amortisation and of its vouchers."""
    with Workspace(root, env={}, clock=SetClock(datetime(2025, 3, 10, 4, tzinfo=UTC))) as ws:
        codes = [one.code for one in report(ws, "vouchers", period=period).diagnostics]
    return [code for code in codes if code.startswith(("amortisation.", "voucher.booked"))]
