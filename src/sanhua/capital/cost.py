"""Cost collection 成本归集: what explains the project lines of vouchers, row by row.

A timesheet row 工时 or a bill row 账单 costs nothing by itself: the voucher's line is the cost, and
the row is tied to it. Rows that name a voucher, and those for which exactly one voucher of their
month fits, must add up to the voucher's lines of their project to the fen:

    cost lines of a voucher and project  =  hours x rate of its timesheets + amounts of its bills

Cost lines are those on the accounts in `COST_ROLES`; what only moves between them sums to zero and
asks for no paper. A timesheet without a rate says hours and no money. Sums are rounded once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from sanhua.capital.voucher import AccountingPolicy, Voucher, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, RuleGap, Severity
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Rules, Uow
from sanhua.kernel.record import DefinedBy, EvidencedBy, Ref, record
from sanhua.kernel.text import Text
from sanhua.kernel.time import add_months

Facts = dict[str, Any]
TIMESHEET = "timesheet"
BILLS = ("cloud", "annotation", "purchase", "service", "other")
LABELS = {
    TIMESHEET: Text("人工", "staff"),
    "cloud": Text("云资源", "cloud"),
    "annotation": Text("数据标注", "annotation"),
    "purchase": Text("外购数据", "purchased data"),
    "service": Text("技术服务", "services"),
    "other": Text("其他", "other"),
}
COST_ROLES = frozenset(
    "development_expensed development_capitalised research_expense data_service_expense"
    " intangible_data inventory_data contract_cost shared_cost".split()
)
CAPITAL_ROLES = frozenset({"development_capitalised", "intangible_data", "inventory_data"})
BOUGHT_ROLES = frozenset({"intangible_data", "inventory_data"})
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Paper:
    """A row of `books/timesheets/` or `books/bills/`: `voucher` is the number as written.

    Of a timesheet `person hours rate` are given, of a bill `vendor invoice amount tax`.
    """

    kind: str
    dated: date
    project: str
    origin: Origin
    voucher: str = ""
    phase: str = ""
    person: str = ""
    hours: Decimal = Decimal()
    rate: Money | None = None
    vendor: str = ""
    invoice: str = ""
    amount: Money | None = None
    tax: Money | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def cost(self) -> Money | None:
        """What the row says was spent, with every digit; None when it says hours only."""
        if self.kind != TIMESHEET:
            return self.amount
        return None if self.rate is None else self.rate * self.hours


@dataclass(frozen=True, slots=True)
class Explaining:
    """A row as it is kept with the cost lines that it explains; `found` 自动匹配 when it named no
    voucher.
    """

    kind: str
    date: date
    amount: Money | None
    path: str
    line: int
    file: DefinedBy
    found: bool = False
    hours: Decimal = Decimal()
    person: Annotated[str, Ref("worked_by")] = ""
    vendor: str = ""
    invoice: str = ""
    evidence: tuple[EvidencedBy, ...] = ()


@record("cost")
@dataclass(frozen=True, slots=True)
class Cost:
    """成本归集 `cost:2024-03-0120/YF2022-08`: a voucher's cost lines of one project, and the rows
    that explain them.
    """

    id: str
    voucher: Annotated[str, Ref("explains")]
    project: str
    dated: date
    amount: Money
    explained: Money
    hours: Decimal
    papers: tuple[Explaining, ...]
    allocated_by: Annotated[str, Ref("allocated_by")] = ""  # the allocation that the ERP booked

    @property
    def difference(self) -> Money:
        return self.explained - self.amount


@dataclass(slots=True)
class Collected:
    """Every voucher and project with cost lines; `loose` are rows that no voucher was found for."""

    costs: list[Cost] = field(default_factory=list[Cost])
    loose: list[Paper] = field(default_factory=list[Paper])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])


def collect(
    vouchers: Sequence[Voucher],
    papers: Sequence[Paper],
    policy: AccountingPolicy,
    currency: str = "CNY",
    allocated: Mapping[str, str] | None = None,
) -> Collected:
    """Tie `papers` to the cost lines of `vouchers`; what does not agree is told at its line.

    `allocated` maps a voucher to the allocation that it is the ERP's booking of: that explains it.
    """
    return _Collecting(vouchers, papers, policy, currency, allocated or {}).collected()


def cost_lines(voucher: Voucher, role: Callable[[str], str]) -> dict[str, Money]:
    """Project → the sum of the voucher's lines on cost accounts; what was bought for no project
    stands under the empty text.
    """
    found: dict[str, Money] = {}
    for line in voucher.lines:
        of = role(line.account)
        if of in (COST_ROLES if line.project else BOUGHT_ROLES):
            found[line.project] = (
                found[line.project] + line.amount if line.project in found else line.amount
            )
    return found


def roles(policy: AccountingPolicy) -> Callable[[str], str]:
    """`role_of` that looks an account up once."""
    known: dict[str, str] = {}

    def role(account: str) -> str:
        found = known.get(account)
        if found is None:
            found = known[account] = role_of(policy, account)
        return found

    return role


class _Collecting:
    def __init__(
        self,
        vouchers: Sequence[Voucher],
        papers: Sequence[Paper],
        policy: AccountingPolicy,
        currency: str,
        allocated: Mapping[str, str],
    ) -> None:
        self.policy, self.currency, self.allocated = policy, currency, allocated
        self.role = roles(policy)
        self.lines = {v.id: cost_lines(v, self.role) for v in vouchers}
        self.vouchers = {v.id: v for v in vouchers}
        self.numbered: dict[str, list[Voucher]] = defaultdict(list)
        for voucher in vouchers:
            self.numbered[voucher.number].append(voucher)
        self.monthly: dict[date, list[Voucher]] = defaultdict(list)
        for voucher in vouchers:
            if self.lines[voucher.id]:
                self.monthly[_month(voucher.dated)].append(voucher)
        self.papers = papers
        self.made = Collected()
        self.tied: dict[tuple[str, str], list[tuple[Paper, bool]]] = defaultdict(list)

    def collected(self) -> Collected:
        self._match()
        for voucher in sorted(self.vouchers.values(), key=lambda v: (v.dated, v.id)):
            for project, amount in self.lines[voucher.id].items():
                rows = self.tied.get((voucher.id, project), [])
                if amount.currency == self.currency and (rows or (amount and project)):
                    self._weigh(voucher, project, amount.posted(), rows)
            self._taxes(voucher)
        return self.made

    # Which voucher a row explains

    def _match(self) -> None:
        guessed: dict[tuple[str, str], list[Paper]] = defaultdict(list)
        loose: dict[tuple[str, str, str, str], list[tuple[Paper, int]]] = defaultdict(list)
        for paper in self.papers:
            if paper.voucher:
                voucher = self._named(paper)
                if voucher is not None:
                    self.tied[voucher.id, paper.project].append((paper, False))
                continue
            fits = self._fitting(paper)
            if len(fits) == 1:
                self.tied[fits[0].id, paper.project].append((paper, True))
                guessed[paper.origin.path, fits[0].id].append(paper)
            else:
                self.made.loose.append(paper)
                month = f"{paper.dated:%Y-%m}"
                same = (paper.origin.path, paper.project, month, "" if paper.person else paper.kind)
                loose[same].append((paper, len(fits)))
        for (_, voucher), papers in guessed.items():
            number = self.vouchers[voucher].number
            facts: Facts = {
                "rows": len(papers),
                "number": number,
                "project": papers[0].project,
            }
            self._say(Severity.NOTE, "cost.matched", papers[0], voucher, **facts)
        for (_, project, month, _), found in loose.items():
            facts: Facts = {
                "rows": len(found),
                "project": project,
                "month": month,
                "fits": found[0][1],
            }
            self._say(Severity.WARNING, "cost.no-voucher", found[0][0], "", **facts)

    def _named(self, paper: Paper) -> Voucher | None:
        """The voucher of that number, of the row's own year when there are several."""
        known = self.numbered.get(paper.voucher, [])
        if not known:
            near = _nearest(paper.voucher, self.numbered)
            facts: Facts = {"value": paper.voucher, "nearest": near}
            self._say(Severity.ERROR, "cost.no-such-voucher", paper, "", **facts)
            return None
        same = [v for v in known if v.dated.year == paper.dated.year]
        voucher = (same or sorted(known, key=lambda v: v.dated))[-1]
        if paper.project not in self.lines[voucher.id]:
            facts: Facts = {
                "number": voucher.number,
                "project": paper.project,
                "known": ", ".join(one or "–" for one in self.lines[voucher.id]) or "–",
            }
            self._say(Severity.ERROR, "cost.other-project", paper, voucher.id, **facts)
            return None
        return voucher

    def _fitting(self, paper: Paper) -> list[Voucher]:
        """Vouchers of the row's month with cost lines of its project, paid as such a row is:
        against payroll for a timesheet, against anything else for a bill, of its vendor when the
        voucher names one.
        """
        found: list[Voucher] = []
        for voucher in self.monthly.get(_month(paper.dated), []):
            if not self.lines[voucher.id].get(paper.project):
                continue
            against = {self.role(line.account) for line in voucher.lines}
            if ("payroll" in against) is not (paper.kind == TIMESHEET):
                continue
            parties = {line.party for line in voucher.lines if line.party}
            if paper.vendor and parties and paper.vendor not in parties:
                continue
            found.append(voucher)
        return found

    # Whether they agree

    def _weigh(
        self, voucher: Voucher, project: str, amount: Money, rows: list[tuple[Paper, bool]]
    ) -> None:
        costs = [cost for paper, _ in rows if (cost := paper.cost) is not None]
        explained = Money.sum(costs, amount.currency).posted()
        hours = sum((paper.hours for paper, _ in rows), Decimal())
        kept = tuple(_explaining(paper, found) for paper, found in rows)
        name = ids.node("cost", f"{ids.key_of(voucher.id)}/{project or '-'}")
        by = self.allocated.get(voucher.id, "")
        if by and not costs:
            explained = amount
        cost = Cost(name, voucher.id, project, voucher.dated, amount, explained, hours, kept, by)
        self.made.costs.append(cost)
        first = next(
            line
            for line in voucher.lines
            if line.project == project and self.role(line.account) in COST_ROLES
        )
        facts: Facts = {
            "number": voucher.number,
            "project": project,
            "amount": amount.text,
        }
        at = Origin(voucher.path, first.line)
        if not costs and not by:
            least = self.policy.materiality
            if self.papers and amount and (least is None or _over(amount, least)):
                self._at(Severity.WARNING, "cost.unexplained", at, voucher.id, **facts)
        elif cost.difference:
            facts |= {"explained": explained.text, "difference": cost.difference.text}
            named = any(not found for _, found in rows)  # matched ones may be only some of them
            severity = Severity.ERROR if named else Severity.WARNING
            self._at(severity, "cost.differs", at, voucher.id, **facts)
        self._phases(voucher, project, rows)
        self._cut_off(voucher, [paper for paper, _ in rows])

    def _phases(self, voucher: Voucher, project: str, rows: list[tuple[Paper, bool]]) -> None:
        phases = {line.phase for line in voucher.lines if line.project == project and line.phase}
        for paper, _ in rows:
            if paper.phase and phases and paper.phase not in phases:
                facts: Facts = {
                    "number": voucher.number,
                    "phase": paper.phase,
                    "known": ", ".join(phases),
                }
                self._say(Severity.ERROR, "cost.other-phase", paper, voucher.id, **facts)

    def _cut_off(self, voucher: Voucher, papers: Sequence[Paper]) -> None:
        """A bill of another month than its voucher; work booked before it was done, or in another
        year.
        """
        late: dict[str, list[Paper]] = defaultdict(list)
        for paper in papers:
            months = (paper.dated.year, paper.dated.month)
            booked = (voucher.dated.year, voucher.dated.month)
            apart = months > booked or months[0] != booked[0]
            if apart if paper.kind == TIMESHEET else months != booked:
                late[paper.origin.path if paper.kind == TIMESHEET else repr(paper)].append(paper)
        for found in late.values():
            facts: Facts = {
                "rows": len(found),
                "day": found[0].dated.isoformat(),
                "number": voucher.number,
                "dated": voucher.dated.isoformat(),
            }
            self._say(Severity.WARNING, "cost.cut-off", found[0], voucher.id, **facts)

    def _taxes(self, voucher: Voucher) -> None:
        """The tax of a voucher's bills against its lines on input tax."""
        bills = [
            paper
            for project in self.lines[voucher.id]
            for paper, _ in self.tied.get((voucher.id, project), [])
            if paper.tax is not None
        ]
        booked = [line.amount for line in voucher.lines if self.role(line.account) == "input_tax"]
        if not (bills and booked):
            return
        said = Money.sum((b.tax for b in bills if b.tax is not None), booked[0].currency).posted()
        held = Money.sum(booked, booked[0].currency)
        if said.fen != held.fen:
            facts: Facts = {
                "number": voucher.number,
                "tax": said.text,
                "booked": held.text,
            }
            self._say(Severity.WARNING, "cost.tax-differs", bills[0], voucher.id, **facts)

    def _say(self, severity: Severity, code: str, at: Paper, of: str, **facts: Any) -> None:
        self._at(severity, code, at.origin, of, **facts)

    def _at(self, severity: Severity, code: str, at: Origin, of: str, **facts: Any) -> None:
        self.made.diagnostics.append(
            Diagnostic(severity, code, at.path, at.line, node=of, facts=facts)
        )


def _explaining(paper: Paper, found: bool) -> Explaining:
    return Explaining(
        paper.kind,
        paper.dated,
        paper.cost,
        paper.origin.path,
        paper.origin.line,
        paper.origin.sha256,
        found,
        paper.hours,
        ids.node("party", paper.person) if paper.person else "",
        paper.vendor,
        paper.invoice,
        tuple(one.sha256 for one in paper.evidence),
    )


def _over(amount: Money, least: Money) -> bool:
    return abs(amount.fen) > least.fen


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    some = list(known)
    return next(iter(get_close_matches(word, some, 1)), "") or ", ".join(some[:5]) or "–"


# What is wrong with the rows by themselves


def faults(papers: Sequence[Paper], rules: Rules) -> Iterator[Diagnostic]:
    """Rows given twice, days with more hours than a day has, invoices counted twice, work on days
    off.
    """
    rows: dict[tuple[Any, ...], Paper] = {}
    days: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    invoices: dict[tuple[str, str], Paper] = {}
    off: dict[tuple[str, str, int, int], list[Paper]] = defaultdict(list)
    for paper in papers:
        if paper.kind == TIMESHEET:
            same = (paper.person, paper.dated, paper.project, paper.phase, paper.hours)
            before = days[paper.person, paper.dated]
            days[paper.person, paper.dated] += paper.hours
            if before <= HOURS_A_DAY < before + paper.hours:
                facts: Facts = {
                    "person": paper.person,
                    "day": paper.dated.isoformat(),
                    "hours": f"{before + paper.hours:f}",
                }
                yield _fault("timesheet.too-many-hours", paper, **facts)
            if not _worked(rules, paper.dated):
                month = (paper.dated.year, paper.dated.month)
                off[paper.origin.path, paper.person, *month].append(paper)
        else:
            same = (paper.kind, paper.vendor, paper.invoice, paper.dated, paper.project)
            same = (*same, paper.phase, paper.amount, paper.voucher)
            invoice = invoices.setdefault((paper.vendor, paper.invoice), paper)
            split = (invoice.dated, invoice.voucher) == (paper.dated, paper.voucher)
            shared = invoice is paper or (
                split and (invoice.project, invoice.phase) != (paper.project, paper.phase)
            )
            if paper.invoice and not shared and same not in rows:
                facts: Facts = {
                    "invoice": paper.invoice,
                    "vendor": paper.vendor,
                    "other": _place(invoice),
                }
                yield _fault("bill.duplicate-invoice", paper, **facts)
        first = rows.setdefault(same, paper)
        if first is not paper:
            yield _fault("cost.duplicate-row", paper, other=_place(first))
    for found in off.values():
        facts: Facts = {
            "person": found[0].person,
            "days": len({paper.dated for paper in found}),
            "day": found[0].dated.isoformat(),
        }
        yield _fault("timesheet.day-off", found[0], severity=Severity.NOTE, **facts)


def _place(paper: Paper) -> str:
    return f"{paper.origin.path}:{paper.origin.line}"


def _fault(
    code: str, paper: Paper, *, severity: Severity = Severity.ERROR, **facts: Any
) -> Diagnostic:
    return Diagnostic(severity, code, paper.origin.path, paper.origin.line, facts=facts)


def _worked(rules: Rules, day: date) -> bool:
    """Whether it is a working day, as far as the year's notice is known."""
    try:
        return rules.working_days_after(day - timedelta(days=1), 1) == day
    except RuleGap:
        return True


def gaps(
    vouchers: Iterable[Voucher],
    costs: Iterable[Cost],
    papers: Iterable[Paper],
    policy: AccountingPolicy,
) -> Iterator[tuple[str, str, str, int, str]]:
    """Months in which a project with timesheets ran, and no hours or no pay stand: (project, first,
    last, how many, what lacks). It ran from its first month with either to its last; a voucher
    against payroll pays for its own month and for the hours tied to it.
    """
    worked: dict[str, set[date]] = defaultdict(set)
    for paper in papers:
        if paper.kind == TIMESHEET:
            worked[paper.project].add(_month(paper.dated))
    paid: dict[str, set[date]] = defaultdict(set)
    role = roles(policy)
    for voucher in vouchers if worked else ():
        if any(role(line.account) == "payroll" for line in voucher.lines):
            for line in voucher.lines:
                paid[line.project].add(_month(voucher.dated))
    for cost in costs:
        of_people = {_month(row.date) for row in cost.papers if row.kind == TIMESHEET}
        paid[cost.project] |= of_people
    for project in worked:
        for gap in _lacking(worked[project], paid[project]):
            yield (project, *gap)


def _lacking(worked: set[date], paid: set[date]) -> list[tuple[str, str, int, str]]:
    months: list[date] = []
    month = min(worked | paid)
    while month <= max(worked | paid):
        months.append(month)
        month = add_months(month, 1)
    found: list[tuple[str, str, int, str]] = []
    for lacking, there in (("timesheet", worked), ("payroll", paid)):
        run: list[date] = []
        for month in [*months, None]:
            if month is not None and month not in there:
                run.append(month)
            elif run:
                found.append((f"{run[0]:%Y-%m}", f"{run[-1]:%Y-%m}", len(run), lacking))
                run = []
    return found


def _month(day: date) -> date:
    return day.replace(day=1)


def keep(uow: Uow, costs: Iterable[Cost]) -> int:
    """Keep what explains each voucher; how many were new or changed."""
    return sum(
        uow.add(cost, "cost.collected", effective_on=cost.dated) is not None for cost in costs
    )
