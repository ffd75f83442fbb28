"""Government grants under CAS 16, worked out by hand beside each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from sanhua.capital.measure import Carrying, Kind, Layer, Movement
from sanhua.capital.recognise import Route, Use
from sanhua.capital.subsidy import (
    Condition,
    Granted,
    Move,
    Purpose,
    Receipt,
    Repayment,
    Subsidy,
    entries,
    over,
    treat,
)
from sanhua.capital.voucher import AccountingPolicy, Voucher, VoucherLine
from sanhua.kernel.ledger import Book, BookKind
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months

BOOK = Book("book:plant.entity", "party:plant", BookKind.ENTITY)
CHART = {"bank": "1002", "deferred_income": "2401", "other_income": "6117",
         "other_receivables": "1221"}  # fmt: skip
POLICY = AccountingPolicy(Origin(""), {role: (code,) for role, code in CHART.items()})


def yuan(amount: str | int) -> Money:
    return Money(Decimal(amount))


def voucher(number: str, on: date, amount: str, credit: str) -> Voucher:
    lines = (
        VoucherLine("1002", yuan(amount), "补助", 1),
        VoucherLine(credit, -yuan(amount), "补助", 2),
    )
    return Voucher(f"voucher:{number}", "party:plant", number, on, lines, "v.csv", "sha256:0")


def grant(purpose: Purpose, amount: str = "1200.00", **more: object) -> Subsidy:
    received = (Receipt(date(2026, 1, 20), yuan(amount), "7"),)
    at = Origin("g.yaml", 1)
    made = Subsidy("g", Text("专项", ""), "plant", at, "某市", purpose, yuan(amount))
    made = replace(made, receipts=received, judged_by="cfo")
    return replace(made, **more)  # pyright: ignore[reportArgumentType]


def came(credit: str = "2401", amount: str = "1200.00") -> list[Voucher]:
    return [voucher("7", date(2026, 1, 20), amount, credit)]


def asset(months: int, first: date, cost: str = "2400.00", sold: date | None = None) -> Carrying:
    """A straight line from the month of `first`; gone on `sold`."""
    total, moves = yuan(cost), list[Movement]()
    moves.append(Movement(first, Layer.COST, Kind.DEVELOPED, total, "voucher:1"))
    charged = yuan(0)
    for n in range(months):
        day = add_months(first.replace(day=1), n + 1) - timedelta(days=1)
        if sold is not None and day >= sold:
            moves.append(Movement(sold, Layer.COST, Kind.DISPOSED, -total, "asset:a"))
            moves.append(Movement(sold, Layer.AMORTISATION, Kind.DISPOSED, -charged, "asset:a"))
            break
        amount = Money.of_fen(total.fen // months) if n < months - 1 else total - charged
        charged = charged + amount
        moves.append(Movement(day, Layer.AMORTISATION, Kind.CHARGED, amount, "asset:a"))
    return Carrying(
        "asset:a", Text("a", ""), Route.SELF_DEVELOPED, Use.INTERNAL, "CNY", tuple(moves)
    )


def month(name: str) -> Period:
    return Period.named(name)


def test_a_grant_for_an_asset_follows_its_amortisation_from_the_month_it_came():
    """1,200.00 in January for an asset of 24 months from March: 50.00 a month from March."""
    made = treat(grant(Purpose.ASSET, asset="a"), came(), POLICY, asset(24, date(2026, 3, 1)),
                 date(2026, 6, 30))  # fmt: skip
    assert made.income(month("2026-02")) == yuan(0)
    assert [made.income(month(f"2026-0{n}")).text for n in (3, 4, 5, 6)] == ["50.00"] * 4
    assert made.deferred(date(2026, 7, 1)) == yuan("1000.00")
    shown = over(made, month("2026-Q1"))
    assert (shown.opening.text, shown.received.text, shown.to_income.text) == (
        "0.00", "1200.00", "50.00",
    )  # fmt: skip
    assert shown.ending == yuan("1150.00")


def test_what_came_when_half_was_amortised_follows_the_other_half():
    """The asset of 24 months began in January 2025: from January 2026 on 100.00 a month."""
    made = treat(grant(Purpose.ASSET, asset="a"), came(), POLICY, asset(24, date(2025, 1, 1)),
                 date(2026, 12, 31))  # fmt: skip
    assert made.income(month("2026-01")) == yuan("100.00")
    assert made.income(month("2026")) == yuan("1200.00")


def test_the_rest_follows_an_asset_that_is_sold_early():
    """Three months of 50.00, then 1,050.00 in the month of the sale."""
    carrying = asset(24, date(2026, 1, 1), sold=date(2026, 4, 10))
    made = treat(grant(Purpose.ASSET, asset="a"), came(), POLICY, carrying, date(2026, 5, 31))
    found = [made.income(month(f"2026-0{n}")).text for n in (1, 2, 3, 4, 5)]
    assert found == ["50.00", "50.00", "50.00", "1050.00", "0.00"]


def test_past_cost_is_income_at_once_wherever_the_erp_booked_it():
    deferred = treat(grant(Purpose.PAST_COST), came(), POLICY, None, date(2026, 1, 31))
    assert deferred.income(month("2026-01")) == yuan("1200.00")
    assert [e.lines[0].amount for e in entries(deferred, POLICY, BOOK)] == [120000]
    direct = treat(grant(Purpose.PAST_COST), came("6117"), POLICY, None, date(2026, 1, 31))
    assert direct.income(month("2026-01")) == yuan("1200.00")
    assert entries(direct, POLICY, BOOK) == []


def test_cost_to_come_is_released_by_days_with_what_had_passed():
    """365.00 for 2026, received on 20 March: 90 days at the end of March, then 30 of April."""
    said = grant(Purpose.COST_TO_COME, "365.00", spans=(date(2026, 1, 1), date(2027, 1, 1)),
                 receipts=(Receipt(date(2026, 3, 20), yuan("365.00"), "7"),))  # fmt: skip
    paid = [voucher("7", date(2026, 3, 20), "365.00", "2401")]
    made = treat(said, paid, POLICY, None, date(2027, 3, 31))
    assert made.income(month("2026-03")) == yuan("90.00")
    assert made.income(month("2026-04")) == yuan("30.00")
    assert made.income(month("2026")) == yuan("365.00") and not made.deferred(date(2027, 4, 1))


def test_nothing_is_released_while_a_condition_waits():
    waits = (Condition("验收", date(2026, 2, 28)),)
    said = grant(Purpose.PAST_COST, conditions=waits)
    made = treat(said, came(), POLICY, None, date(2026, 3, 31))
    assert not made.income(month("2026")) and made.deferred(date(2026, 4, 1)) == yuan("1200.00")
    assert [d.code for d in made.diagnostics] == ["subsidy.condition-overdue"]
    met = replace(said, conditions=(Condition("验收", date(2026, 2, 28), date(2026, 2, 10)),))
    made = treat(met, came(), POLICY, None, date(2026, 3, 31))
    assert made.income(month("2026-02")) == yuan("1200.00") and not made.diagnostics


def test_what_is_certain_is_receivable_and_settled_when_it_comes():
    said = grant(Purpose.PAST_COST, certain_on=date(2025, 12, 20))
    made = treat(said, came("1221"), POLICY, None, date(2026, 1, 31))
    due, released = entries(made, POLICY, BOOK)
    assert [(line.account, line.amount) for line in due.lines] == [
        ("2401", -120000),
        ("1221", 120000),
    ]
    assert (due.effective_on, released.effective_on) == (date(2025, 12, 20), date(2025, 12, 31))
    assert [m.move for m in made.movements] == [Move.DUE, Move.RELEASED, Move.SETTLED]


def test_what_is_repaid_is_taken_from_what_is_deferred_first():
    """1,150.00 deferred at the end of January; 1,170.00 back: 20.00 are a loss of the period."""
    paid = (Repayment(date(2026, 2, 5), yuan("1170.00"), "未达标"),)
    said = grant(Purpose.ASSET, asset="a", repayments=paid)
    made = treat(said, came(), POLICY, asset(24, date(2026, 1, 1)), date(2026, 2, 28))
    back = entries(made, POLICY, BOOK)[1]
    assert {line.account: line.amount for line in back.lines} == {
        "2401": 115000, "6117": 2000, "1002": -117000,
    }  # fmt: skip
    assert not made.deferred(date(2026, 3, 1)) and made.repaid(month("2026-02")) == yuan("1170.00")


def test_a_voucher_that_says_otherwise_is_told_and_nothing_is_posted():
    for credit, amount, code in (("6117", "1200.00", "subsidy.not-deferred"),
                                 ("2202", "1200.00", "subsidy.voucher-differs"),
                                 ("2401", "1200.01", "subsidy.voucher-differs")):  # fmt: skip
        said = grant(Purpose.ASSET, asset="a")
        made = treat(said, came(credit, amount), POLICY, None, date(2026, 12, 31))
        assert [d.code for d in made.diagnostics] == [code] and not made.movements


@settings(max_examples=60)
@given(
    st.sampled_from(Purpose), st.lists(st.integers(1, 10**8), min_size=1, max_size=4),
    st.integers(1, 40), st.integers(0, 30), st.integers(0, 700), st.none() | st.integers(0, 40),
)  # fmt: skip
def test_what_comes_in_goes_to_income_to_the_fen_and_never_more(
    purpose: Purpose, amounts: list[int], months: int, since: int, span: int, sold: int | None
):
    """Every entry balances; deferred income is never negative; in the end all of it is income; a
    later day only adds movements.
    """
    first = add_months(date(2026, 1, 1), since)
    receipts = tuple(
        Receipt(add_months(date(2026, 1, 9), 3 * n), Money.of_fen(fen), str(n))
        for n, fen in enumerate(amounts)
    )
    paid = [voucher(r.voucher, r.on, r.amount.text, "2401") for r in receipts]
    said = Subsidy(
        "g", Text("专项", ""), "plant", Origin("g.yaml", 1), "某市", purpose,
        Money.of_fen(sum(amounts)), "a", None, receipts,
        spans=(first, first + timedelta(days=span + 1)),
    )  # fmt: skip
    carrying = asset(months, first, sold=add_months(first, sold) if sold is not None else None)
    whole = treat(said, paid, POLICY, carrying, date(2036, 12, 31))
    assert sum(m.income.fen for m in whole.movements) == sum(amounts)
    held: Counter[str] = Counter()
    for entry in entries(whole, POLICY, BOOK):
        entry.check()
        assert entry.source == "subsidy:g"
        for line in entry.lines:
            held[line.account] += line.amount
    assert held["2401"] == sum(amounts) == -held["6117"]
    for n in range(0, 60, 7):
        day = add_months(date(2026, 1, 1), n) - timedelta(days=1)
        part: Granted = treat(said, paid, POLICY, carrying, day)
        assert part.movements == tuple(m for m in whole.movements if m.day <= day)
        assert part.deferred(date.max).fen >= 0
