"""Revenue under CAS 14: what is earned, billed and deferred, month by month, to the fen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua.asset.bill import Invoice, draw_up, taxed
from sanhua.asset.contract import Terms, UsageContract
from sanhua.asset.price import Plan, PriceStep, Share, Tax
from sanhua.asset.revenue import Settlement, divide, others
from sanhua.capital.earn import (
    Earning,
    Identity,
    Judged,
    Obligation,
    Served,
    confirmed,
    earn,
    earned,
)
from sanhua.capital.voucher import AccountingPolicy, Voucher, VoucherLine
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ledger import Book, BookKind, Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.time import Period, add_months

OWNER, BUYER, EXCHANGE = "party:plant", "party:bank", "party:exchange"
BOOK = Book("book:plant.entity", OWNER, BookKind.ENTITY)
CHART = {
    "receivables": "1122", "revenue": "6001", "output_tax": "2221", "cost_of_sales": "6401",
    "payables": "2202", "contract_asset": "1473", "contract_liability": "2205",
    "contract_cost": "1474",
}  # fmt: skip
POLICY = AccountingPolicy(Origin(""), {role: (code,) for role, code in CHART.items()})
NO_TAX = Tax(Decimal(), True)


def judged(obligation: str = "service", identity: str = "principal") -> Judged:
    earned_as = {"service": "over time", "licence_access": "over time", "licence_use": "at a point"}
    shows = "gross" if identity == "principal" else "net"
    return Judged(
        "revenue:energy", OWNER, "product:energy", Identity(identity), shows, (),
        Obligation(obligation), {}, earned_as, "", (), "party:cfo", date(2026, 1, 1), "",
    )  # fmt: skip


def plan(**said: Any) -> Plan:
    return Plan("standard", Origin(""), **said)


def yuan(text: str) -> Money:
    return Money(Decimal(text))


def contract(
    of: Plan, tax: Tax, shares: tuple[Share, ...], begins: date, ends: date
) -> UsageContract:
    terms = Terms(
        "deal:d", "product:energy", 1, "", OWNER, BUYER, {}, ("kwh",), {}, "", ("day",), (), (), (),
        (), (), "", "api", "", begins, ends, "L1", of, tax, shares,
    )  # fmt: skip
    return UsageContract(
        "deal:d",
        "sha256:0",
        terms,
        "product:energy",
        OWNER,
        BUYER,
        "plan:energy/standard",
        (),
        (),
        "",
    )


@dataclass
class Books:
    """Closes months as the close does, and keeps what was posted."""

    of: Plan
    begins: date
    ends: date
    judged: Judged | None = None
    tax: Tax = NO_TAX
    shares: tuple[Share, ...] = ()
    used: dict[str, int] = field(default_factory=dict[str, int])  # month → calls
    term_ends: date | None = None
    invoices: list[tuple[Invoice, Settlement]] = field(default_factory=list[Any])
    earnings: list[Earning] = field(default_factory=list[Earning])
    balances: Counter[str] = field(default_factory=Counter[str])
    revenue: dict[str, str] = field(default_factory=dict[str, str])

    def calls(self, period: Period, until: date) -> Mapping[str, int]:
        counted = (n for m, n in self.used.items() if Period.named(m).starts_on in period
                   and Period.named(m).starts_on < until)  # fmt: skip
        return {"call": sum(counted), "row": 0, "byte": 0}

    def close(self, name: str, late: tuple[str, ...] = ()) -> Earning | None:
        month = Period.named(name)
        deal = contract(self.of, self.tax, self.shares, self.begins, self.ends)
        lines, own = draw_up(
            self.of, month, [*(Period.named(m) for m in late), month], self.begins, self.ends,
            lambda period: self.calls(period, month.ends_on),
            lambda period: Money.sum(
                x.amount for i, _ in self.invoices for x in i.lines if x.period == period.id
            ),
        )  # fmt: skip

        def share(net: Money, gross: Money, part: Fraction) -> Mapping[str, Money]:
            found = divide(net, gross, self.shares, OWNER, part, {})
            return others(Settlement("", "", net, tuple(found)), OWNER)

        if lines:
            net, tax, total = taxed(lines, self.tax)
            invoice = Invoice(
                f"inv_{name}", "deal:d", "", BUYER, OWNER, "product:energy", name, (name,),
                month.through, own.id if own else "", {}, tuple(lines), net, tax, total, (), (),
            )  # fmt: skip
            found = divide(net, total, self.shares, OWNER, Fraction(1), {})
            self.invoices.append(
                (invoice, Settlement(f"set_{name}", invoice.id, net, tuple(found)))
            )
        served = Served(
            deal, self.of, self.begins, self.ends, self.term_ends or self.ends, self.invoices,
            lambda period: self.calls(period, month.ends_on), share, (f"closing:{name}",),
        )  # fmt: skip
        made = earn(served, month, self.judged, self.earnings[-1] if self.earnings else None)
        if made is None:
            return None
        self.earnings.append(made)
        pair = self.invoices[-1] if made.invoice else (None, None)
        before = self.balances["6001"]
        for entry in earned(made, *pair, POLICY, BOOK):
            entry.check()
            assert entry.source in (made.id, made.invoice, made.settlement)
            assert entry.effective_on in month  # so that no closed month is touched
            for line in entry.lines:
                self.balances[line.account] += line.amount
        assert before - self.balances["6001"] == made.revenue.fen
        self.revenue[name] = made.revenue.text
        position = made.after.position
        assert self.balances["1473"] == max(position, 0)
        return made

    def all(self, first: str, count: int) -> Books:
        for n in range(count):
            self.close(f"{add_months(date.fromisoformat(first + '-01'), n):%Y-%m}")
        return self


def test_a_yearly_fee_is_earned_by_days_and_billed_at_the_end():
    """3,650.00 for 2026 without tax: 31 days of January are 310.00, 28 of February 280.00."""
    books = Books(plan(fee={"year": yuan("3650.00")}), date(2026, 1, 1), date(2027, 1, 1), judged())
    books.all("2026-01", 2)
    assert books.revenue == {"2026-01": "310.00", "2026-02": "280.00"}
    assert books.balances["1473"] == 59000 and books.balances["6001"] == -59000
    books.all("2026-03", 10)
    assert books.balances["1473"] == 0 and books.balances["6001"] == -365000
    assert books.balances["1122"] == 365000


def test_a_fee_paid_once_is_a_liability_that_the_days_release():
    """7,300.00 at the start of two years (730 days): 10.00 a day, 310.00 of January."""
    books = Books(plan(once=yuan("7300.00")), date(2026, 1, 1), date(2028, 1, 1), judged())
    books.all("2026-01", 1)
    assert books.revenue == {"2026-01": "310.00"}
    assert books.balances["2205"] == -699000 and books.balances["1122"] == 730000
    books.all("2026-02", 23)
    assert books.balances["2205"] == 0 and books.balances["6001"] == -730000
    assert books.close("2028-01") is None  # all is earned; nothing is said any more


def test_a_right_of_use_is_earned_when_its_term_begins():
    books = Books(
        plan(once=yuan("7300.00")), date(2026, 1, 15), date(2028, 1, 1), judged("licence_use")
    )
    books.all("2026-01", 2)
    assert books.revenue == {"2026-01": "7300.00"} and books.balances["2205"] == 0


def test_a_right_of_use_for_a_fee_that_comes_back_is_refused():
    books = Books(
        plan(fee={"quarter": yuan("300.00")}), date(2026, 1, 1), date(2027, 1, 1),
        judged("licence_use"),
    )  # fmt: skip
    with pytest.raises(Invalid, match=r"earn\.point-with-fee"):
        books.close("2026-01")


def test_usage_of_a_quarter_is_earned_in_the_month_of_the_call():
    """Calls at 0.05, 1,000 in January and 200 in March: 50.00 and 10.00, billed in March."""
    books = Books(
        plan(minimum={"quarter": yuan("0.00")}, per={"call": (PriceStep(yuan("0.05")),)}),
        date(2026, 1, 1), date(2027, 1, 1), judged("licence_access"),
        used={"2026-01": 1000, "2026-03": 200},
    )  # fmt: skip
    books.all("2026-01", 3)
    assert books.revenue == {"2026-01": "50.00", "2026-03": "10.00"}
    assert books.balances["1473"] == 0 and books.balances["1122"] == 6000


def test_an_agent_shows_what_is_left_and_a_principal_shows_all():
    """1,000.00 a month, 30 % of it the exchange's: 700.00, or 1,000.00 less 300.00 of cost."""
    shares = (Share("exchange", rate=Decimal("0.3")),)
    for identity, revenue, cost in (("principal", "1000.00", 30000), ("agent", "700.00", 0)):
        books = Books(
            plan(fee={"month": yuan("1000.00")}), date(2026, 1, 1), date(2027, 1, 1),
            judged(identity=identity), shares=shares,
        )  # fmt: skip
        books.all("2026-01", 1)
        assert books.revenue == {"2026-01": revenue}
        assert books.balances["6401"] == cost and books.balances["2202"] == -30000


def test_shares_of_a_fee_paid_once_wait_with_it():
    """7,300.00 once for two years, 30 % others': 2,190.00 owed at once, 93.00 of it January's."""
    shares = (Share("exchange", rate=Decimal("0.3")),)
    for identity, liability, carried in (("principal", 699000, 209700), ("agent", 489300, 0)):
        books = Books(
            plan(once=yuan("7300.00")), date(2026, 1, 1), date(2028, 1, 1),
            judged(identity=identity), shares=shares,
        )  # fmt: skip
        books.all("2026-01", 1)
        assert books.balances["2202"] == -219000
        assert books.balances["2205"] == -liability and books.balances["1474"] == carried


def test_a_term_that_is_cut_short_is_spread_anew_from_its_month():
    """365.00 once for 2026, after January 334.00 are left; ended on 1 April, 59 days earn them."""
    books = Books(plan(once=yuan("365.00")), date(2026, 1, 1), date(2027, 1, 1), judged())
    books.all("2026-01", 1)
    books.ends = date(2026, 4, 1)
    books.all("2026-02", 3)
    # 334.00 x 28/59 = 158.508…
    assert books.revenue == {"2026-01": "31.00", "2026-02": "158.51", "2026-03": "175.49"}


def test_without_a_judgement_revenue_is_what_is_billed():
    books = Books(plan(once=yuan("365.00")), date(2026, 1, 1), date(2027, 1, 1))
    books.all("2026-01", 2)
    assert books.revenue == {"2026-01": "365.00"} and books.balances["2205"] == 0


def test_a_judgement_that_comes_later_holds_from_its_own_month():
    """365.00 were revenue in January; in February 59 days are earned and 306.00 are taken back."""
    books = Books(plan(once=yuan("365.00")), date(2026, 1, 1), date(2027, 1, 1))
    books.all("2026-01", 1)
    books.judged = judged()
    books.all("2026-02", 1)
    assert books.revenue == {"2026-01": "365.00", "2026-02": "-306.00"}
    assert books.balances["2205"] == -30600


def test_another_identity_moves_what_is_carried_too():
    books = Books(
        plan(once=yuan("7300.00")), date(2026, 1, 1), date(2028, 1, 1), judged(),
        shares=(Share("exchange", rate=Decimal("0.3")),),
    )  # fmt: skip
    books.all("2026-01", 1)
    books.judged = judged(identity="agent")
    books.all("2026-02", 23)
    assert books.balances["1474"] == 0 and books.balances["2205"] == 0
    assert books.balances["6001"] + books.balances["6401"] == -730000 + 219000


AMOUNT = st.integers(1, 10**7).map(lambda fen: Money.of_fen(fen))
PERIODS = st.sampled_from(("month", "quarter", "year"))


@st.composite
def sold(draw: st.DrawFn) -> Books:
    every = draw(PERIODS)
    low = draw(st.integers(0, 10**6))
    of = plan(
        once=draw(st.none() | AMOUNT),
        fee={every: draw(AMOUNT)} if draw(st.booleans()) else {},
        per={"call": (PriceStep(Money(Decimal(draw(st.integers(1, 999))).scaleb(-3))),)}
        if draw(st.booleans())
        else {},
        included={"call": draw(st.integers(0, 500))},
        minimum={every: Money.of_fen(low)} if draw(st.booleans()) else {},
        cap={every: Money.of_fen(low + draw(st.integers(0, 10**6)))} if draw(st.booleans()) else {},
        proration=draw(st.sampled_from(("day", "none"))),
    )
    begins = date(2026, 1, 1) + draw(st.integers(0, 100)) * (date(2026, 1, 2) - date(2026, 1, 1))
    ends = begins + draw(st.integers(1, 500)) * (date(2026, 1, 2) - date(2026, 1, 1))
    rate = Decimal(draw(st.integers(0, 60))) / 100
    amended = draw(st.none() | st.integers(1, 300))  # by a deal that goes on so many days
    books = Books(
        of, begins, ends,
        judged(draw(st.sampled_from(("service", "licence_access"))),
               draw(st.sampled_from(("principal", "agent")))),
        Tax(Decimal(draw(st.sampled_from(("0", "0.06", "0.13")))), draw(st.booleans())),
        (Share("exchange", rate=rate), Share("lab", rate=Decimal("0.2"), base="gross")),
        draw(st.dictionaries(st.integers(1, 12).map(lambda m: f"2026-{m:02d}"),
                             st.integers(0, 3000), max_size=6)),
    )  # fmt: skip
    if amended is not None:
        books.term_ends = ends + amended * (date(2026, 1, 2) - date(2026, 1, 1))
    return books


@settings(max_examples=150)
@given(sold(), st.integers(0, 20), st.integers(1, 400), st.booleans())
def test_over_the_term_what_was_earned_is_what_was_billed(
    books: Books, cut_in: int, days: int, twice: bool
):
    """Terms that are cut short or change hands, late calls, another identity: nothing is left on
    any contract account, and revenue less cost is what was billed less others' shares.
    """
    last = add_months((books.term_ends or books.ends).replace(day=1), 1)
    n, month = 0, date(2026, 1, 1)
    while month <= last:
        if n == cut_in:
            ends = min(books.ends, books.begins + days * (date(2026, 1, 2) - date(2026, 1, 1)))
            books.ends = max(ends, min(month, books.ends))
            if twice and books.judged:
                books.judged = judged("service", "agent")
            books.used[f"{add_months(month, -1):%Y-%m}"] = 77  # comes late
        books.close(f"{month:%Y-%m}", (f"{add_months(month, -1):%Y-%m}",) if n == cut_in else ())
        n, month = n + 1, add_months(month, 1)
    billed = sum(invoice.net.fen for invoice, _ in books.invoices)
    shared = sum(
        amount.fen for _, made in books.invoices for amount in others(made, OWNER).values()
    )
    assert [books.balances[code] for code in ("1473", "2205", "1474")] == [0, 0, 0]
    assert books.balances["2202"] == -shared
    assert books.balances["6001"] + books.balances["6401"] == shared - billed
    assert sum(books.balances.values()) == 0


def test_the_identity_and_the_timing_are_kept_with_the_rules_that_decide_them():
    from sanhua.capital.earn import RevenueJudgement, judge
    from sanhua.rules.packs import Packs

    class Uow:
        rules = Packs.load()

        def add(self, value: Any, event: str, **more: Any) -> None:
            self.kept = value

    said = RevenueJudgement(
        "energy", "plant", Origin(""), Identity.AGENT, (), Obligation.SERVICE,
        {"archive": Obligation.LICENCE_USE}, "", (), "cfo", date(2026, 1, 5),
    )  # fmt: skip
    uow: Any = Uow()
    kept = judge(uow, said)
    assert kept.shows == "net" and uow.kept is kept
    assert kept.timing("archive") == "at a point" and kept.timing("standard") == "over time"
    assert replace(kept, plans={}).timing("archive") == "over time"


def voucher(number: str, day: int, *lines: tuple[str, int], party: str = "") -> Voucher:
    made = tuple(
        VoucherLine(account, Money.of_fen(fen), "x", n, party=party)
        for n, (account, fen) in enumerate(lines, 1)
    )
    return Voucher(number, OWNER, number, date(2026, 3, day), made, "v.csv", "")


def posted(name: str, day: int, *lines: tuple[str, int], party: str = "") -> Entry:
    made = tuple(Line(account, fen) for account, fen in lines)
    return Entry(name, BOOK.id, date(2026, 3, day), made, "inv_1", "", party)


def test_the_erp_may_book_on_another_day_several_at_once_or_one_in_parts():
    """Sub-accounts answer for their account; the same amounts of another party do not."""
    one = posted("pst_1", 31, ("1122", 300), ("6001", -300))
    two = posted("pst_2", 31, ("1122", 200), ("6001", -200))
    early = voucher("a", 2, ("1122.01", 300), ("6001.09", -300))
    assert confirmed([early], [one, two], POLICY) == {"a": ("pst_1",)}
    both = voucher("b", 30, ("1122", 500), ("6001", -500))
    assert confirmed([both], [one, two], POLICY) == {"b": ("pst_1", "pst_2")}
    parts = [
        voucher(f"p{n}", n + 3, ("1122", fen), ("6001", -fen)) for n, fen in enumerate((120, 180))
    ]
    assert confirmed(parts, [one], POLICY) == {"p0": ("pst_1",), "p1": ("pst_1",)}
    assert confirmed(parts[:1], [one], POLICY) == {}
    assert confirmed([early, *parts], [one], POLICY) == {"a": ("pst_1",)}
    other = voucher("c", 3, ("1122", 300), ("6001", -300), party="shop")
    assert confirmed([other], [posted("pst_3", 31, ("1122", 300), ("6001", -300), party="bank")],
                     POLICY) == {}  # fmt: skip


def test_a_voucher_that_says_one_entry_exactly_is_not_taken_for_parts_of_others():
    """120 + 180 first and 180 alone: the exact one is confirmed, the rest by the other."""
    small = posted("pst_0", 5, ("1122", 120), ("6001", -120))
    large = posted("pst_1", 6, ("1122", 180), ("6001", -180))
    whole = voucher("w", 7, ("1122", 120), ("6001", -120))
    rest = voucher("z", 8, ("1122", 180), ("6001", -180))
    answers = confirmed([rest, whole], [small, large], POLICY)
    assert answers == {"w": ("pst_0",), "z": ("pst_1",)}


def test_what_adds_up_exactly_is_confirmed_whatever_would_be_taken_first():
    """160 books 100 and 60, though 90 stands before them; and 160 is booked by 100 and 60, though
    a voucher over 90 comes first.
    """

    def sale(name: str, day: int, fen: int) -> Entry:
        return posted(name, day, ("1122", fen), ("6001", -fen))

    def books(name: str, day: int, fen: int) -> Voucher:
        return voucher(name, day, ("1122", fen), ("6001", -fen))

    three = [sale("pst_0", 5, 90), sale("pst_1", 6, 100), sale("pst_2", 7, 60)]
    assert confirmed([books("v", 30, 160)], three, POLICY) == {"v": ("pst_1", "pst_2")}
    parts = [books("a", 5, 90), books("b", 6, 100), books("c", 7, 60)]
    answers = confirmed(parts, [sale("pst_9", 8, 160)], POLICY)
    assert answers == {"b": ("pst_9",), "c": ("pst_9",)}
    split = voucher("s", 9, ("1122", 160), ("6001", -100), ("6001", -60))
    assert confirmed([split], three, POLICY) == {"s": ("pst_1", "pst_2")}


def test_one_voucher_s_choice_leaves_another_the_entries_that_it_needs():
    """30 and 35 of 10, 20, 15, 15 and 25: 10 + 20 first would leave nothing that makes 35."""
    entries = [
        posted(f"pst_{n}", 5 + n, ("1122", fen), ("6001", -fen))
        for n, fen in enumerate((10, 20, 15, 15, 25))
    ]
    both = [voucher(f"v{fen}", 30, ("1122", fen), ("6001", -fen)) for fen in (30, 35)]
    answers = confirmed(both, entries, POLICY)
    assert answers == {"v30": ("pst_2", "pst_3"), "v35": ("pst_0", "pst_4")}


@pytest.mark.parametrize("step", [0, 7])
def test_thousands_of_vouchers_are_confirmed_in_seconds(step: int):
    """Each was compared with all that wait: ten minutes for ten thousand."""
    fens = [30_000 + step * n for n in range(2000)]
    entries = [posted(f"pst_{n:04}", 5, ("1122", f), ("6001", -f)) for n, f in enumerate(fens)]
    vouchers = [voucher(f"v{n:04}", 30, ("1122", f), ("6001", -f)) for n, f in enumerate(fens)]
    started = monotonic()
    assert len(confirmed(vouchers, entries, POLICY)) == 2000
    assert monotonic() - started < 10
