"""Cost collection: each fault gets its code at its line, and what agrees is exact to the fen."""

# ruff: noqa: E501 - files are quoted as people write them

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from sanhua.capital.allocate import Allocation, allocate, circles
from sanhua.capital.recognise import Judged
from sanhua.capital.tieout import booked_twice
from sanhua.capital.voucher import AccountingPolicy, Voucher, VoucherLine
from sanhua.kernel.errors import Diagnostic
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import body, restore
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period
from sanhua.project import load
from sanhua.project.checking import check
from sanhua.rules.packs import Packs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenario"))
import costing

RULES = Packs.load(("cn",))
ON = date(2025, 4, 30)
V, T, B = "books/vouchers/2025-03.csv", "books/timesheets/2025-03.csv", "books/bills/2025.csv"
A, C = "books/allocations/cloud_2025_03.yaml", "books/chart.csv"
FEB, MAR, POLICY = "books/trial/2025-02.csv", "books/trial/2025-03.csv", "books/policy.yaml"


def told(root: Path, **changed: str | list[str]) -> list[Diagnostic]:
    return check(load(costing.write(root, **changed), {}), RULES, ON)


def lines_of(path: str) -> list[str]:
    return costing.files()[path].splitlines()


def test_the_month_worked_out_by_hand_compiles_with_one_note(tmp_path: Path):
    """wang's rows name no voucher and only 记-001 fits."""
    found = told(tmp_path)
    assert [(d.code, d.severity, d.path, d.line) for d in found] == [
        ("cost.matched", "note", T, 17)
    ]
    assert found[0].facts == {"rows": 5, "number": "记-001", "project": "P2"}


@pytest.mark.parametrize(
    ("path", "old", "new", "code", "line"),
    [
        (T, "03,li,P1,8,200.00", "03,li,P1,25,200.00", "timesheet.hours", 2),
        (T, "03,li,P1,8,200.00", "03,li,P1,0,200.00", "timesheet.hours", 2),
        (T, "03,li,P1,8,200.00", "03,lii,P1,8,200.00", "timesheet.unknown-person", 2),
        (T, "03,li,P1,8,200.00", "03,co,P1,8,200.00", "timesheet.unknown-person", 2),
        (T, "03,li,P1,8,200.00", "03,guest,P1,8,200.00", "timesheet.other-entity", 2),
        (T, "03,li,P1,8,200.00", "03,li,P1,8,2e2", "format.not-money", 2),
        (T, "2025-03-03,li", "2025-02-30,li", "format.not-a-day", 2),
        (T, "03,li,P1,8,200.00", "03,li,P1,8,200.01", "cost.differs", None),
        (T, "2025-03-04,li,P1", "2025-03-03,li,P1", "cost.duplicate-row", 3),
        (T, "03,li,P1,8,200.00,记-001", "03,li,P1,8,200.00,记-009", "cost.no-such-voucher", 2),
        (T, "03,li,P1,8,200.00,记-001", "03,li,P1,8,200.00,记-003", "cost.differs", None),
        (T, "03,li,P1,8,200.00,记-001", "03,li,P2,8,200.00,记-003", "cost.other-project", 2),
        (T, "2025-03-03,li", "2025-04-01,li", "cost.cut-off", 2),
        (T, "2025-03-04,li", "2025-03-02,li", "timesheet.day-off", 3),
        (T, "2025-03-03,王芳", "2025-05-06,王芳", "cost.no-voucher", 17),
        (T, "2025-03-03,王芳", "2025-05-06,王芳", "cost.no-timesheet", 1),
        (B, "某标注公司,24310002", "某云公司,24310001", "bill.duplicate-invoice", 3),
        (B, "数据标注,", "数据标记,", "format.not-one-of", 3),
        (B, "5300.00", "5299.99", "cost.differs", None),
        (B, "2025-03-20", "2025-02-28", "cost.cut-off", 3),
        (B, "60.00", "59.99", "cost.tax-differs", 2),
        (B, "1000.01,60", "1000.011,60", "format.not-money", 2),
        (B, "记-003,evidence/a.md", "记-003,evidence/b.md", "ref.evidence", 3),
        (A, "key: hours", "key: hour", "format.not-one-of", 4),
        (A, "by: cfo", "by: cf", "ref.party", None),
        (A, "evidence: [evidence/a.md]", "note: x", "format.missing-key", None),
        (A, "hours\nto: [P1, P2]", "fixed\nto: {P1: 60%, P2: 30%}", "allocation.shares-not-whole", 5),
        (A, "hours\nto: [P1, P2]", "fixed\nto: {P1: 60%, P2: 40%}", "cost.allocated-otherwise", None),
        (A, "hours\nto: [P1, P2]", "rows\nto: {P1: [t], P2: [u]}", "allocation.uncounted", None),
        (A, "account: 5101.01, project: GX", "account: 5101.01", "allocation.pool", 3),
        (A, "2025-03\n", "2025-13\n", "time.not-a-period", 2),
        (A, "project: GX", "project: GY", "allocation.empty-pool", 1),
        (C, "2202,应付账款,贷,", "2203,应付账款,贷,", "chart.unknown-account", None),
        (C, "贷,\n2202", "贷,2299\n2202", "chart.unknown-account", 6),
        (C, "2211,应付职工薪酬,贷", "2211,应付职工薪酬,左", "format.not-one-of", 6),
        (MAR, "100000.00,,38300.01,,138300.01", "100000.00,,38300.00,,138300.01", "trial.does-not-add", 2),
        (FEB, "100000.00,,,,100000.00,\n5101", "99999.00,,,,99999.00,\n5101", "trial.does-not-roll", 2),
        (V, "张敏,赵强,赵强", "赵强,赵强,赵强", "voucher.maker-is-checker", 2),
        (V, "张敏,赵强,赵强", "张三,赵强,赵强", "voucher.unknown-person", 2),
        (V, "张敏,赵强,赵强", "李雷,赵强,赵强", "voucher.two-people", 3),
        (V, "-20,", "-20,", "voucher.outside-file-period", 8),
        (V, "24000.00", "24000.01", "voucher.unbalanced", 2),
        (POLICY, "chart:", "amortises: both\nchart:", "format.not-one-of", 1),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_code_at_its_line(
    tmp_path: Path, path: str, old: str, new: str, code: str, line: int | None
):
    text = costing.files()[path]
    assert old in text
    changed = text.replace(old, new, 1)
    if code == "voucher.outside-file-period":
        changed = text.replace("记-003,2025-03-20", "记-003,2025-04-20")
    found = told(tmp_path, **{path: changed})
    hits = [d for d in found if d.code == code]
    assert hits, [(d.code, d.path, d.line) for d in found]
    if line is not None:
        assert line in [d.line for d in hits]
    assert "{" not in hits[0].message("zh") + hits[0].message("en") + hits[0].hint("zh")


def test_what_is_not_explained_is_told_above_materiality_only(tmp_path: Path):
    bills = lines_of(B)[:-1]  # the labels' bill is missing
    found = told(tmp_path, **{B: bills})
    assert [(d.code, d.line) for d in found if d.severity == "warning"] == [("cost.unexplained", 8)]
    policy = costing.files()[POLICY] + "materiality: 5300.00\n"
    found = told(tmp_path, **{B: bills, POLICY: policy})
    assert not [d for d in found if d.severity == "warning"]


def test_two_vouchers_of_one_spending_and_a_missing_number_are_told(tmp_path: Path):
    """记-006 books the labels again; 记-005 is missing between them."""
    again = [
        line.replace("记-003", "记-006").replace("数据标注", "标注") for line in lines_of(V)[7:9]
    ]
    found = told(tmp_path, **{V: lines_of(V) + again})
    codes = {d.code: d for d in found}
    double, gap = codes["voucher.suspected-double"], codes["voucher.number-gap"]
    assert (double.line, double.facts["other"], double.facts["number"]) == (13, "记-003", "记-006")
    assert (gap.severity, gap.facts["missing"]) == ("note", "记-005")


def test_hours_of_a_day_are_counted_over_all_projects(tmp_path: Path):
    rows = [*lines_of(T), "2025-03-03,li,P2,8,,", "2025-03-03,li,GX,9,,"]
    found = told(tmp_path, **{T: rows})
    day = next(d for d in found if d.code == "timesheet.too-many-hours")
    assert (day.path, day.line, day.facts["hours"]) == (T, 23, "25")


def test_without_a_policy_on_reviewers_a_carried_line_that_nobody_reviewed_is_told(tmp_path: Path):
    changed = [x.replace("张敏,赵强,赵强", "张敏,,") if "记-003" in x else x for x in lines_of(V)]
    found = [d for d in told(tmp_path, **{V: changed}) if d.code == "voucher.not-reviewed"]
    assert [(d.severity, d.line) for d in found] == [("warning", 8)]


def test_excel_and_beancount_say_the_same_as_csv(tmp_path: Path):
    """Amounts as numbers in Excel, people as metadata in Beancount."""
    root = costing.write(tmp_path / "csv")
    expected = load(root, {})
    other = costing.write(tmp_path / "other")
    for name in ("books/bills/2025.csv", "books/timesheets/2025-03.csv", "books/trial/2025-03.csv"):
        book = Workbook()
        rows = (other / name).read_text("utf-8").splitlines()
        for n, row in enumerate(rows):
            cells = row.split(",")
            book.active.append([_number(c) if n and _is_amount(c) else c for c in cells])
        (other / name).unlink()
        book.save((other / name).with_suffix(".xlsx"))
    text = ""
    for voucher in expected.vouchers.values():
        text += f'{voucher.dated} * "{voucher.lines[0].summary}"\n'
        text += f'  voucher: "{voucher.number}"\n  prepared_by: "张敏"\n'
        text += '  reviewed_by: "赵强"\n  posted_by: "zhao"\n'
        for line in voucher.lines:
            text += f"  {line.account}  {line.amount.text} CNY\n"
            if line.project:
                text += f'    project: "{line.project}"\n    evidence: "evidence/a.md"\n'
    (other / V).unlink()
    (other / "books/vouchers/2025-03.beancount").write_text(text, "utf-8")
    project = load(other, {})
    assert [d.code for d in check(project, RULES, ON)] == ["cost.matched"]
    hands = [
        (v.number, v.prepared_by, v.reviewed_by, v.posted_by) for v in project.vouchers.values()
    ]
    assert hands == [
        (v.number, v.prepared_by, v.reviewed_by, v.posted_by) for v in expected.vouchers.values()
    ]
    assert hands[0][1:] == ("party:zhang", "party:zhao", "party:zhao")
    plain = [
        [(p.kind, p.dated, p.cost, p.hours, p.voucher) for p in q.papers["co"]]
        for q in (project, expected)
    ]
    assert sorted(map(str, plain[0])) == sorted(map(str, plain[1]))
    march = [q.trials["co"][1].lines["5301-02"] for q in (project, expected)]
    assert replace(march[0], line=0) == replace(march[1], line=0)


def _is_amount(cell: str) -> bool:
    return (
        cell.replace(".", "", 1).isdigit()
        and "." in cell
        and len(cell.split(".")[1]) == 2
        and cell not in ("5301.02", "5101.01", "2221.01")
    )


def _number(cell: str) -> float:
    return float(cell)


def test_a_signed_balance_with_its_side_is_read_too(tmp_path: Path):
    rows = ["科目编码,科目名称,方向,期初余额,本期借方,本期贷方,期末余额"]
    rows += [
        "5301.02,研发,借,100000.00,38300.01,,138300.01",
        "2211,薪酬,贷,100000.00,,32000.00,132000.00",
    ]
    rows += ["5101.01,共享,平,,1000.01,1000.01,"]
    project = load(costing.write(tmp_path, **{MAR: rows}), {})
    lines = project.trials["co"][1].lines
    assert (lines["2211"].opening.text, lines["2211"].ending.text) == ("-100000.00", "-132000.00")


def test_a_role_covers_what_the_chart_puts_under_its_account(tmp_path: Path):
    """ZB01 does not begin with 5301.02; the ERP's chart says that it is part of it."""
    chart = [*costing.CHART, "ZB01,资本化支出—云图,借,5301.02"]
    project = load(costing.write(tmp_path, **{C: chart}), {})
    policy = project.policy["co"]
    assert policy.chart["development_capitalised"] == ("5301.02", "ZB01")
    assert policy.accounts["ZB01"].name == "资本化支出—云图"


# Allocations

JUDGED, AT = Judged("cfo", date(2025, 4, 2)), Origin("books/allocations/x.yaml", 1)
POLICY_OF = AccountingPolicy(
    AT, {"shared_cost": ("5101",), "payables": ("2202",), "development_capitalised": ("5301.02",)}
)


def plan(name: str, project: str, *receivers: str, shares: tuple[int, ...] = ()) -> Allocation:
    to = {one: (f"{share}%",) for one, share in zip(receivers, shares, strict=True)}
    month = Period.named("2025-03")
    return Allocation(name, "co", Text(name), month, "fixed", to, JUDGED, (), AT, "5101", project)


def spent(number: str, project: str, amount: str) -> Voucher:
    money = Money(Decimal(amount))
    lines = (VoucherLine("5101", money, "x", 2, project), VoucherLine("2202", -money, "x", 3))
    return Voucher(
        f"voucher:{number}", "party:co", number, date(2025, 3, 31), lines, "v.csv", "sha256:0"
    )


def test_allocations_in_a_circle_divide_nothing_and_the_circle_is_named():
    plans = {
        "a": plan("a", "A", "P", "allocation:b", shares=(50, 50)),
        "b": plan("b", "B", "P", "allocation:c", shares=(50, 50)),
        "c": plan("c", "C", "P", "allocation:a", shares=(50, 50)),
        "d": plan("d", "D", "P", shares=(100,)),
    }
    assert circles(plans) == [("a", "b", "c")]
    made = allocate(plans, [spent("1", "D", "10.00")], (), POLICY_OF)
    assert made.allocations == []
    (found,) = made.diagnostics
    assert (found.code, found.facts["circle"]) == ("allocation.circular", "a → b → c → a")


def test_a_pool_that_feeds_another_is_divided_first():
    """100.00: 40 % to P1, 60.00 into B with its own 0.01; half of 60.01 each, the fen to the first."""
    plans = {
        "b": plan("b", "B", "P1", "P2", shares=(50, 50)),
        "z": plan("z", "A", "P1", "allocation:b", shares=(40, 60)),
    }
    made = allocate(plans, [spent("1", "A", "100.00"), spent("2", "B", "0.01")], (), POLICY_OF)
    first, second = made.allocations
    assert [(s.receiver, s.amount.text) for s in first.shares] == [("P1", "40.00"), ("B", "60.00")]
    assert [(s.receiver, s.amount.text) for s in second.shares] == [
        ("P1", "30.01"),
        ("P2", "30.00"),
    ]
    assert second.pool.text == "60.01"
    assert first.lines() == [("5101", "P1", Money(Decimal("40.00"))), ("5101", "B", Money(Decimal("60.00"))),
                             ("5101", "A", Money(Decimal("-100.00")))]  # fmt: skip


@given(st.integers(1, 10**12), st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_an_allocation_balances_and_gives_the_whole_pool(fen: int, weights: list[int]):
    weights = [*weights, 100]
    total = sum(weights)
    names = [f"P{n}" for n in range(len(weights))]
    one = replace(plan("a", "A"), key="headcount",
                  receivers={n: (str(w),) for n, w in zip(names, weights, strict=True)})  # fmt: skip
    voucher = spent("1", "A", Money.of_fen(fen).text)
    (done,) = allocate({"a": one}, [voucher], (), POLICY_OF).allocations
    assert sum(share.amount.fen for share in done.shares) == fen == done.pool.fen
    assert sum(amount.fen for _, _, amount in done.lines()) == 0
    for share, weight in zip(done.shares, weights, strict=True):
        assert abs(share.amount.fen - fen * weight / total) <= 1


def test_the_voucher_of_the_erp_that_says_the_same_is_found_and_another_is_told():
    plans = {"a": plan("a", "A", "P1", "P2", shares=(50, 50))}

    def moved(first: str, second: str) -> Voucher:
        lines = [("P1", first), ("P2", second), ("A", "-100.01")]
        found = tuple(
            VoucherLine("5101", Money(Decimal(a)), "x", n, p) for n, (p, a) in enumerate(lines, 2)
        )
        return Voucher("voucher:9", "party:co", "9", date(2025, 3, 31), found, "v.csv", "sha256:0")

    pool = spent("1", "A", "100.01")
    made = allocate(plans, [pool, moved("50.01", "50.00")], (), POLICY_OF)
    assert made.allocations[0].booked == "voucher:9" and not made.diagnostics
    made = allocate(plans, [pool, moved("50.00", "50.01")], (), POLICY_OF)
    assert [(d.code, d.path, d.line) for d in made.diagnostics] == [
        ("cost.allocated-otherwise", "v.csv", 2)
    ]
    assert made.allocations[0].booked == ""


# What was kept before


def test_a_voucher_without_people_says_what_it_said_before_there_were_people():
    """A state of before verifies and is not kept anew: the body has no trace of the new columns."""
    voucher = spent("1", "P", "1.00")
    text = body(voucher).decode()
    assert "prepared_by" not in text and "posted_by" not in text
    signed = replace(voucher, prepared_by="party:zhang")
    assert '["voucher:1","prepared_by","party:zhang","1"]' in body(signed).decode()
    import json

    assert restore(Voucher, json.loads(text)["fields"]) == voucher
    assert restore(Voucher, json.loads(body(signed))["fields"]) == signed


def test_the_erps_amortisation_is_an_error_where_it_is_ours():
    chart = {
        "accumulated_amortisation": ("1702",),
        "amortisation_expense": ("6602",),
        "intangible_data": ("1701",),
    }
    policy = AccountingPolicy(AT, chart, amortises="sanhua", amortises_from=date(2025, 1, 1))

    def charged(number: str, day: date, *lines: tuple[str, str], reverses: str = "") -> Voucher:
        found = tuple(
            VoucherLine(a, Money(Decimal(m)), "x", n) for n, (a, m) in enumerate(lines, 2)
        )
        return Voucher(
            f"voucher:{number}", "party:co", number, day, found, "v.csv", "sha256:0", reverses
        )

    charge = (("6602", "5.00"), ("1702", "-5.00"))
    then, now = date(2024, 12, 31), date(2025, 3, 31)
    gone = charged("4", now, ("1702", "5.00"), ("6602", "1.00"), ("1701", "-6.00"))
    vouchers = [
        charged("1", then, *charge), charged("2", now, *charge), charged("3", now, *charge), gone,
        charged("5", now, *charge), charged("6", now, ("6602", "-5.00"), ("1702", "5.00"), reverses="voucher:5"),
    ]  # fmt: skip
    found = booked_twice(vouchers, {"voucher:3"}, policy)
    assert [(d.code, d.node, d.line, d.facts["amount"]) for d in found] == [
        ("amortisation.booked-twice", "voucher:2", 3, "5.00")
    ]
    assert not booked_twice(vouchers, (), replace(policy, amortises="erp"))
    assert not booked_twice(vouchers, (), replace(policy, amortises=""))


def test_a_bill_of_data_bought_for_no_project_explains_its_voucher(tmp_path: Path):
    """记-005 buys data for 70,000.00; a bill of a fen less is told at the voucher's line."""
    policy = costing.files()[POLICY] + "  intangible_data: 1701.05\n"
    bought = [
        costing.row("记-005", "2025-03-28", "外购数据", "1701.05", "70000.00", ""),
        costing.row("记-005", "2025-03-28", "外购数据", "2202", "", "70000.00"),
    ]
    changed: dict[str, str | list[str]] = {
        POLICY: policy,
        V: lines_of(V) + bought,
        C: [*costing.CHART, "1701.05,无形资产—数据资源,借,"],
        B: [*costing.BILLS, "外购数据,2025-03-28,某数商,24310003,70000.00,,,记-005,evidence/a.md"],
    }
    assert [d.code for d in told(tmp_path, **changed)] == ["cost.matched"]
    changed[B] = [line.replace("70000.00", "69999.99") for line in changed[B]]
    (found,) = [d for d in told(tmp_path, **changed) if d.severity == "error"]
    assert (found.code, found.line, found.facts["difference"]) == ("cost.differs", 13, "-0.01")


def test_a_difference_is_an_error_where_rows_name_the_voucher_and_a_warning_where_matched(
    tmp_path: Path,
):
    """li's rows name 记-001, wang's are matched to it by their month: a day less of each."""
    for person, severity in (("li", "error"), ("王芳", "warning")):
        rows = lines_of(T)
        rows.remove(next(row for row in rows if f",{person},P" in row))
        (found,) = [d for d in told(tmp_path, **{T: rows}) if d.code == "cost.differs"]
        assert (found.severity, found.facts["number"]) == (severity, "记-001")


def test_calls_sold_are_counted_by_product_in_the_latest_closing():
    """March: 300 calls of maps after a recount, 100 of indexes: 3 to 1; April is not of the period."""
    from types import SimpleNamespace

    from sanhua.asset.bill import Closing, Counted
    from sanhua.asset.contract import UsageContract
    from sanhua.workspace.costing import _Counts  # pyright: ignore[reportPrivateUsage]

    def counted(deal: str, month: str, calls: int) -> Counted:
        return Counted(f"deal:{deal}", month, calls, {"call": calls, "row": 0, "byte": 0})

    def closing(month: str, *counts: Counted) -> SimpleNamespace:
        return SimpleNamespace(
            id=f"closing:{month}", starts_on=Period.named(month).starts_on, counts=counts
        )

    march = closing("2025-03", counted("a", "2025-03", 299), counted("b", "2025-03", 100))
    april = closing("2025-04", counted("a", "2025-03", 300), counted("a", "2025-04", 7))
    deals = [
        SimpleNamespace(id="deal:a", product="product:maps"),
        SimpleNamespace(id="deal:b", product="product:indexes"),
    ]
    kept = {Closing: [april, march], UsageContract: deals}
    clock = SimpleNamespace(
        now=lambda: __import__("datetime").datetime(2025, 5, 1, tzinfo=__import__("datetime").UTC)
    )
    uow = SimpleNamespace(all=lambda kind: kept[kind], find=lambda *_: None)
    counts = _Counts(SimpleNamespace(clock=clock), uow)  # pyright: ignore[reportArgumentType]
    one = replace(plan("a", "A"), key="calls", receivers={"P1": ("maps",), "P2": ("indexes",)})
    made = allocate({"a": one}, [spent("1", "A", "4.01")], (), POLICY_OF, counts.weigh)
    assert [(s.basis, s.amount.text, s.counted) for s in made.allocations[0].shares] == [
        (Decimal(300), "3.01", ("closing:2025-04",)), (Decimal(100), "1.00", ("closing:2025-03",)),
    ]  # fmt: skip
