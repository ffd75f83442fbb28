"""What explains the books: timesheets, bills, allocations, the ERP's chart and trial balances; and
the people of a voucher.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sanhua.capital import cost
from sanhua.capital.allocate import FEEDS, Allocation, allocate
from sanhua.capital.cost import BILLS, CAPITAL_ROLES, LABELS, TIMESHEET, Paper
from sanhua.capital.recognise import Judged
from sanhua.capital.tieout import Trial, TrialLine, key, roll
from sanhua.capital.voucher import Account, AccountingPolicy, Voucher, covers, role_of
from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.ids import node
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Rules
from sanhua.kernel.time import Period, parse_day
from sanhua.project.read import Columns, Keys, Row, Rows, Scalar, nearest_or_some

if TYPE_CHECKING:
    from sanhua.project.loading import Loader
    from sanhua.project.model import Entity, Project

PHASES = {
    **{"research": "research", "研究": "research", "研究阶段": "research"},
    **{"development": "development", "开发": "development", "开发阶段": "development"},
}
TIMESHEET_COLUMNS = Columns(
    {
        **{"date": "date", "日期": "date", "person": "person", "人员": "person", "姓名": "person"},
        **{"project": "project", "项目": "project", "项目编码": "project"},
        **{"phase": "phase", "阶段": "phase", "hours": "hours", "工时": "hours"},
        **{"rate": "rate", "单价": "rate", "小时成本": "rate"},
        **{"voucher": "voucher", "凭证号": "voucher"},
    },
    ("date", "person", "project", "hours"),
    frozenset({"person", "project", "voucher"}),
    frozenset({"rate"}),
)
BILL_COLUMNS = Columns(
    {
        **{"kind": "kind", "类别": "kind", "date": "date", "日期": "date", "开票日期": "date"},
        **{"vendor": "vendor", "供应商": "vendor", "invoice": "invoice", "发票号码": "invoice"},
        **{"发票号": "invoice", "amount": "amount", "金额": "amount", "不含税金额": "amount"},
        **{"tax": "tax", "税额": "tax", "project": "project", "项目": "project"},
        **{"项目编码": "project", "phase": "phase", "阶段": "phase"},
        **{"voucher": "voucher", "凭证号": "voucher", "evidence": "evidence", "附件": "evidence"},
    },
    ("kind", "date", "vendor", "invoice", "amount"),
    frozenset({"vendor", "invoice", "project", "voucher"}),
    frozenset({"amount", "tax"}),
)
CHART_COLUMNS = Columns(
    {
        **{"account": "account", "科目编码": "account", "科目代码": "account"},
        **{"name": "name", "科目名称": "name", "side": "side", "方向": "side"},
        **{"余额方向": "side", "parent": "parent", "上级科目": "parent"},
    },
    ("account", "name"),
    frozenset({"account", "parent"}),
)
TRIAL_COLUMNS = Columns(
    {
        **{"account": "account", "科目编码": "account", "科目代码": "account"},
        **{"name": "name", "科目名称": "name", "side": "side", "方向": "side"},
        **{"opening": "opening", "期初余额": "opening", "期初方向": "opening_side"},
        **{"opening_side": "opening_side", "opening_debit": "opening_debit"},
        **{"期初借方": "opening_debit", "期初借方余额": "opening_debit"},
        **{"opening_credit": "opening_credit", "期初贷方": "opening_credit"},
        **{"期初贷方余额": "opening_credit", "debit": "debit", "本期借方": "debit"},
        **{"本期借方发生额": "debit", "credit": "credit", "本期贷方": "credit"},
        **{"本期贷方发生额": "credit", "ending": "ending", "期末余额": "ending"},
        **{"期末": "ending", "期末方向": "ending_side", "ending_side": "ending_side"},
        **{"ending_debit": "ending_debit", "期末借方": "ending_debit"},
        **{"期末借方余额": "ending_debit", "ending_credit": "ending_credit"},
        **{"期末贷方": "ending_credit", "期末贷方余额": "ending_credit"},
    },
    ("account", "debit", "credit"),
    frozenset({"account"}),
    frozenset(
        "opening opening_debit opening_credit debit credit"
        " ending ending_debit ending_credit".split()
    ),
)
SIDES = {"借": "debit", "debit": "debit", "贷": "credit", "credit": "credit", "平": "", "": ""}
_KINDS = {
    **{kind: kind for kind in BILLS},
    **{LABELS[kind].zh: kind for kind in BILLS},
    **{"云": "cloud", "标注": "annotation", "采购": "purchase", "服务": "service"},
}
_AMOUNT = re.compile(r"-?\d{1,18}(?:\.\d{1,2})?")
_HOURS = re.compile(r"\d{1,3}(?:\.\d{1,4})?")
HANDS = ("prepared_by", "reviewed_by", "posted_by")  # 制单人, 审核人, 记账人


def load_costing(loader: Loader, entity: Entity, base: str) -> None:
    """`timesheets/`, `bills/`, `allocations/`, `chart.csv` and `trial/` of an entity's books."""
    _Costing(loader, entity, base).load()


def hands(loader: Loader, path: str, label: str, rows: Sequence[Row]) -> tuple[str, str, str]:
    """Who prepared, reviewed and posted a voucher: people of parties.yaml, by id or name.

    On a voucher with a project line somebody unknown is an error, and so is one person who prepared
    what he reviewed.
    """
    of_project = any(row.text("project") for row in rows)
    found: dict[str, str] = {}
    written: dict[str, Scalar] = {}
    for what in HANDS:
        cells = [cell for row in rows if (cell := row.cells.get(what)) is not None]
        if not cells:
            continue
        written[what] = cells[0]
        other = next((cell for cell in cells if cell.text != cells[0].text), None)
        if other is not None:
            facts = {"key": what, "value": other.text, "other": cells[0].text}
            loader.folder.error("voucher.two-people", path, other, node=label, **facts)
        person = _person(loader, cells[0].text)
        if person:
            found[what] = node("party", person)
            continue
        say = loader.folder.error if of_project else loader.folder.warn
        people = [name for name, party in loader.project.parties.items() if party.person]
        near = nearest_or_some(cells[0].text, people)
        facts = {"key": what, "value": cells[0].text, "nearest": near}
        if not loader.project.unread & {"party:*"}:
            say("voucher.unknown-person", path, cells[0], node=label, **facts)
    if of_project and len(written) > 1 and "reviewed_by" in written:
        made, checked = written.get("prepared_by"), written["reviewed_by"]
        person = found.get("reviewed_by", checked.text)
        if made is not None and found.get("prepared_by", made.text) == person:
            facts = {"value": checked.text, "number": rows[0].text("voucher")}
            loader.folder.error("voucher.maker-is-checker", path, checked, node=label, **facts)
    made_by, reviewed, posted = (found.get(what, "") for what in HANDS)
    return made_by, reviewed, posted


def _person(loader: Loader, written: str) -> str:
    """The id of the person who is called so; empty when nobody is, or several are."""
    parties = loader.project.parties
    if written in parties:
        return written if parties[written].person else ""
    named = [
        name
        for name, party in parties.items()
        if party.person and written in (party.name, party.name_en)
    ]
    return named[0] if len(named) == 1 else ""


class _Costing:
    def __init__(self, loader: Loader, entity: Entity, base: str) -> None:
        self.loader, self.folder, self.entity, self.base = loader, loader.folder, entity, base
        self.project = loader.project

    def load(self) -> None:
        papers = [
            paper
            for kind, columns, read in (
                ("timesheets", TIMESHEET_COLUMNS, self._timesheet),
                ("bills", BILL_COLUMNS, self._bill),
            )
            for path in self.loader.files(f"{self.base}/{kind}", ".csv", ".xlsx", deep=True)
            for row in self._rows(path, columns)
            if (paper := read(path, row)) is not None
        ]
        if papers:
            self.project.papers[self.entity.id] = tuple(papers)
        for name, path, found in self.loader.documents(
            f"{self.base}/allocations", "allocation", "allocation"
        ):
            self.loader.typed(
                path, found, lambda k=name, p=path, f=found: self._allocation(k, p, f)
            )
        self._chart()
        self._trials()

    def _rows(self, path: str, columns: Columns) -> list[Row]:
        read = self.folder.csv if path.endswith(".csv") else self.folder.excel
        found: Rows | None = read(path, columns)
        lacking = [
            (row, key) for row in (found.rows if found else ()) for key in columns.required
            if key not in ("debit", "credit") and not row.text(key)
        ]  # fmt: skip
        for row, missing in lacking:
            self.folder.error("format.missing-cell", path, row, key=missing)
        faulty = {id(row) for row, _ in lacking}
        return [row for row in (found.rows if found else ()) if id(row) not in faulty]

    # Timesheets and bills

    def _timesheet(self, path: str, row: Row) -> Paper | None:
        dated, phase = self._day(path, row), self._phase(path, row)
        rate = self._money(path, row, "rate")
        hours = row.cells["hours"]
        if not _HOURS.fullmatch(hours.text) or not 0 < Decimal(hours.text) <= cost.HOURS_A_DAY:
            self.folder.error("timesheet.hours", path, hours, value=hours.text)
            return None
        person = self._worker(path, row.cells["person"])
        if dated is None or phase is None or person is None or rate is _FAULTY:
            return None
        return Paper(
            TIMESHEET,
            dated,
            row.text("project"),
            self.folder.origin(path, row),
            row.text("voucher"),
            phase,
            person,
            Decimal(hours.text),
            rate,
        )

    def _worker(self, path: str, written: Scalar) -> str | None:
        person = _person(self.loader, written.text)
        if not person:
            if not self.project.unread & {"party:*", node("party", written.text)}:
                people = [name for name, party in self.project.parties.items() if party.person]
                near = nearest_or_some(written.text, people)
                facts = {"value": written.text, "nearest": near}
                self.folder.error("timesheet.unknown-person", path, written, **facts)
            return None
        of = self.project.parties[person].of
        if of != node("party", self.entity.id):
            facts = {"value": written.text, "of": of.partition(":")[2] or "–"}
            facts |= {"entity": self.entity.id}
            self.folder.error("timesheet.other-entity", path, written, **facts)
            return None
        return person

    def _bill(self, path: str, row: Row) -> Paper | None:
        dated, phase = self._day(path, row), self._phase(path, row)
        amount, tax = self._money(path, row, "amount"), self._money(path, row, "tax")
        written = row.cells["kind"]
        kind = _KINDS.get(written.text, "")
        if not kind:
            known = ", ".join(BILLS)
            facts = {"key": "kind", "value": written.text, "known": known}
            near = nearest_or_some(written.text, _KINDS)
            self.folder.error("format.not-one-of", path, written, nearest=near, **facts)
        papers = self._papers(path, row)
        if dated is None or phase is None or not kind or _FAULTY in (amount, tax):
            return None
        return Paper(
            kind,
            dated,
            row.text("project"),
            self.folder.origin(path, row),
            row.text("voucher"),
            phase,
            vendor=row.text("vendor"),
            invoice=row.text("invoice"),
            amount=amount,
            tax=tax,
            evidence=papers,
        )

    def _papers(self, path: str, row: Row) -> tuple[Evidence, ...]:
        written = row.cells.get("evidence")
        found: list[Evidence] = []
        for part in re.split("[;；]", written.text) if written else []:
            name = Scalar(part.strip(), row.line, written.column if written else 0, True)
            digest = self.folder.paper(name, path) if name.text else ""
            if digest:
                found.append(Evidence(digest, path=name.text))
        return tuple(found)

    def _day(self, path: str, row: Row) -> date | None:
        written = row.cells["date"]
        try:
            return parse_day(written.text)
        except Invalid:
            self.folder.error("format.not-a-day", path, written, key="date", value=written.text)
            return None

    def _phase(self, path: str, row: Row) -> str | None:
        written = row.cells.get("phase")
        if written is None:
            return ""
        if written.text in PHASES:
            return PHASES[written.text]
        known = "research, development"
        facts = {"key": "phase", "value": written.text, "nearest": known, "known": known}
        self.folder.error("format.not-one-of", path, written, **facts)
        return None

    def _money(self, path: str, row: Row, name: str) -> Money | None:
        """The amount in a cell, None for an empty one; `_FAULTY` with an error when it is none."""
        written = row.cells.get(name)
        if written is None:
            return None
        if not _AMOUNT.fullmatch(written.text):
            self.folder.error("format.not-money", path, written, key=name, value=written.text)
            return _FAULTY
        return Money(Decimal(written.text), self.entity.currency).posted()

    # Allocations

    def _allocation(self, name: str, path: str, found: Keys) -> None:
        period = found.scalar("period")
        assert period is not None  # required by the schema
        try:
            when = Period.named(period.text, self.entity.fiscal_year)
        except (Invalid, ValueError):
            facts = {"value": period.text}
            self.folder.error("time.not-a-period", path, period, **facts)
            return
        pool, judged = found.keys("pool"), found.keys("judged")
        assert pool is not None and judged is not None  # required by the schema
        to = found.keys("to")
        receivers = {one: to.words(one) for one in to.entries} if to else {
            one: () for one in found.words("to")
        }  # fmt: skip
        plan = Allocation(
            name,
            self.entity.id,
            self.folder.words(found.get("title")),
            when,
            found.text("key"),
            receivers,
            Judged(judged.text("by"), parse_day(judged.text("date"))),
            self.folder.evidence(found.get("evidence"), path, node("allocation", name)),
            self.folder.origin(path, 1),
            pool.text("account"),
            pool.text("project"),
            pool.words("vouchers"),
            found.text("booked"),
            found.flat("into") if found.keys("into") else {"": found.text("into")},
        )
        if not plan.vouchers and not (plan.account and plan.project):
            self.folder.error("allocation.pool", path, found.place("pool"), value=name)
            return
        if plan.key == "fixed":
            shares = [said[0] if said else "" for said in receivers.values()]
            whole = all(re.fullmatch(r"\d{1,3}(\.\d{1,10})?%", one) for one in shares)
            total = sum((Decimal(one[:-1]) for one in shares), Decimal()) if whole else Decimal()
            if total != 100:
                facts = {"total": f"{total:f}%", "shares": ", ".join(shares)}
                place = found.place("to")
                self.folder.error("allocation.shares-not-whole", path, place, **facts)
                return
        elif plan.key == "headcount":
            for one, said in receivers.items():
                if said and not re.fullmatch(r"\d{1,9}", said[0]):
                    facts = {"key": one, "value": said[0]}
                    self.folder.error("format.not-a-count", path, found.place("to"), **facts)
                    return
        self.loader.keep(self.project.allocations, name, plan, path, found, "allocation")

    # The ERP's chart and trial balances

    def _chart(self) -> None:
        path = next(
            (p for s in ("csv", "xlsx") if self.folder.exists(p := f"{self.base}/chart.{s}")), ""
        )
        if not path:
            return
        self.loader.read_paths.add(path)
        accounts: dict[str, Account] = {}
        for row in self._rows(path, CHART_COLUMNS):
            code = row.text("account")
            side = SIDES.get(row.text("side"))
            if side is None:
                facts = {"key": "side", "value": row.text("side"), "known": "借, 贷"}
                self.folder.error(
                    "format.not-one-of", path, row.cells["side"], nearest="借, 贷", **facts
                )
            if code in accounts:
                first = accounts[code].origin.line
                self.folder.error("format.duplicate-key", path, row, key=code, first=first)
                continue
            origin = self.folder.origin(path, row)
            accounts[code] = Account(code, row.text("name"), origin, side or "", row.text("parent"))
        for account in accounts.values():
            if account.parent and account.parent not in accounts:
                near = nearest_or_some(account.parent, accounts)
                facts = {"account": account.parent, "count": 1, "nearest": near}
                self.folder.error("chart.unknown-account", path, account.origin.line, **facts)
        policy = self.project.policy.get(self.entity.id)
        if policy is not None:
            self.project.policy[self.entity.id] = replace(
                policy, accounts=accounts, chart=_under(policy, accounts)
            )

    def _trials(self) -> None:
        found: list[Trial] = []
        for path in self.loader.files(f"{self.base}/trial", ".csv", ".xlsx"):
            name = PurePosixPath(path).stem
            try:
                month = Period.named(name)
                if not re.fullmatch(r"\d{4}-\d{2}", name):
                    raise ValueError(name)
            except (Invalid, ValueError):
                self.folder.error("trial.not-a-month", path, 1, value=name)
                continue
            lines: dict[str, TrialLine] = {}
            for row in self._rows(path, TRIAL_COLUMNS):
                line = self._trial(path, row)
                if line is None:
                    continue
                if key(line.account) in lines:
                    first = lines[key(line.account)].line
                    facts = {"key": line.account, "first": first}
                    self.folder.error("format.duplicate-key", path, row, **facts)
                    continue
                lines[key(line.account)] = line
            found.append(
                Trial(
                    node("trial", f"{self.entity.id}/{name}"),
                    node("party", self.entity.id),
                    name,
                    month.starts_on,
                    month.ends_on,
                    lines,
                    path,
                    self.folder.files[path].sha256 if path in self.folder.files else "",
                )
            )
        if found:
            self.project.trials[self.entity.id] = tuple(sorted(found, key=lambda t: t.starts_on))

    def _trial(self, path: str, row: Row) -> TrialLine | None:
        balances: list[Money] = []
        for when in ("opening", "ending"):
            balance = self._balance(path, row, when)
            if balance is None:
                return None
            balances.append(balance)
        moved = [self._money(path, row, side) for side in ("debit", "credit")]
        if _FAULTY in moved:
            return None
        zero = Money(Decimal(), self.entity.currency)
        debit, credit = (one or zero for one in moved)
        return TrialLine(
            row.text("account"),
            row.text("name"),
            balances[0],
            debit,
            credit,
            balances[1],
            row.line,
        )

    def _balance(self, path: str, row: Row, when: str) -> Money | None:
        """Debit positive: from a debit and a credit column, or from one whose side 方向 is told."""
        debit, credit = (self._money(path, row, f"{when}_{side}") for side in ("debit", "credit"))
        one = self._money(path, row, when)
        if _FAULTY in (debit, credit, one):
            return None
        zero = Money(Decimal(), self.entity.currency)
        if one is None:
            return (debit or zero) - (credit or zero)
        written = row.cells.get(f"{when}_side") or row.cells.get("side")
        side = SIDES.get(written.text if written else "")
        if side is None:
            facts = {"key": "side", "value": written.text if written else "", "known": "借, 贷, 平"}
            self.folder.error("format.not-one-of", path, written or row, nearest="借, 贷", **facts)
            return None
        return -one if side == "credit" else one


_FAULTY: Any = object()


def _under(
    policy: AccountingPolicy, accounts: Mapping[str, Account]
) -> Mapping[str, tuple[str, ...]]:
    """The policy's chart, where a role's account covers those that the ERP's chart puts under it
    though their codes do not begin with its.
    """
    chart = {role: list(codes) for role, codes in policy.chart.items()}
    mapped = {code: role for role, codes in policy.chart.items() for code in codes}
    for account in accounts.values():
        if account.code in mapped:
            continue
        above, seen = account.parent, {account.code}
        while above and above not in mapped and above in accounts and above not in seen:
            seen.add(above)
            above = accounts[above].parent
        if above in mapped and not covers(above, account.code):
            if role_of(policy, account.code) != mapped[above]:
                chart[mapped[above]].append(account.code)
    return {role: tuple(codes) for role, codes in chart.items()}


# What `check` says of them


def check_costing(project: Project, rules: Rules) -> Iterator[Diagnostic]:
    """Everything about what explains the books that can be told without running."""
    for entity in project.settings.entities:
        policy = project.policy.get(entity.id)
        vouchers = [v for v in project.vouchers.values() if v.entity == node("party", entity.id)]
        papers = project.papers.get(entity.id, ())
        yield from cost.faults(papers, rules)
        yield from roll(project.trials.get(entity.id, ()))
        plans = plans_of(project, entity.id)
        yield from _plans(project, plans, vouchers)
        if policy is None:
            continue
        yield from _accounts(policy, vouchers)
        yield from _reviewed(policy, vouchers)
        if not (papers or plans):
            continue
        done = allocate(plans, vouchers, papers, policy, currency=entity.currency)
        yield from done.diagnostics
        made = cost.collect(vouchers, papers, policy, entity.currency, done.booked)
        lost = any(name.startswith("voucher:") for name in project.unread)
        yield from (d for d in made.diagnostics if not (lost and d.code in _NEED_ALL_VOUCHERS))
        yield from _projects(project, entity.id, plans, vouchers, papers)
        at = {code: card for card in project.assets.values() for code in card.codes}
        for code, first, last, count, lacking in cost.gaps(vouchers, made.costs, papers, policy):
            card = at.get(code)
            if card is None or card.entity != entity.id:
                continue
            facts = {"project": code, "first": first, "last": last, "count": count}
            place = (card.origin.path, card.origin.line, 0, node("asset", card.id), None)
            yield Diagnostic(Severity.WARNING, f"cost.no-{lacking}", *place, facts)


_NEED_ALL_VOUCHERS = ("cost.no-such-voucher", "cost.no-voucher")


def plans_of(project: Project, entity: str) -> dict[str, Allocation]:
    """The allocations of one entity."""
    return {name: plan for name, plan in project.allocations.items() if plan.entity == entity}


def pools_of(project: Project, entity: str) -> set[str]:
    """The project codes that allocations draw from or give to."""
    found: set[str] = set()
    for plan in plans_of(project, entity).values():
        found |= {plan.project, *(one for one in plan.receivers if not one.startswith(FEEDS))}
    return found - {""}


def _plans(
    project: Project, plans: Mapping[str, Allocation], vouchers: Sequence[Voucher]
) -> Iterator[Diagnostic]:
    numbers = {voucher.number for voucher in vouchers}
    pools: dict[tuple[str, str, str], Allocation] = {}
    for plan in plans.values():
        of, origin = node("allocation", plan.id), plan.origin

        def said(code: str, *at: str, of: str = of, origin: Origin = origin, **facts: Any):
            place = project.places.get("/".join((of, *at)), origin)
            return Diagnostic(Severity.ERROR, code, place.path, place.line, node=of, facts=facts)

        person = project.parties.get(plan.judged.by)
        if person is None or not person.person:
            people = [name for name, party in project.parties.items() if party.person]
            near = nearest_or_some(plan.judged.by, people)
            yield said("ref.party", "judged", "by", value=plan.judged.by, nearest=near)
        for number in plan.vouchers:
            if number not in numbers and not project.unread & {
                node("voucher", number),
                "voucher:*",
            }:
                near = nearest_or_some(number, numbers)
                yield said("ref.voucher", "pool", "vouchers", value=number, nearest=near)
        for fed in plan.feeds:
            into = plans.get(fed)
            if into is None:
                near = nearest_or_some(fed, plans)
                yield said("allocation.unknown", "to", value=fed, nearest=near)
            elif not (into.account and into.project):
                yield said("allocation.no-pool-code", "to", value=fed)
        names = set(project.products) if plan.key in ("calls", "sold_rows") else _tables(project)
        for receiver, listed in plan.receivers.items():
            if plan.key not in ("rows", "bytes", "calls", "sold_rows"):
                continue
            for name in listed or ("",):
                if name not in names:
                    near = nearest_or_some(name, names)
                    value = name or "–"
                    at = ("to", receiver)
                    yield said(
                        "allocation.uncounted", *at, receiver=receiver, value=value, nearest=near
                    )
        for pool in [(plan.account, plan.project, ""), *(("", "", n) for n in plan.vouchers)]:
            if not any(pool) or (plan.vouchers and not pool[2]):
                continue
            other = pools.setdefault(pool, plan)
            apart = other.period.ends_on <= plan.period.starts_on
            apart = apart or plan.period.ends_on <= other.period.starts_on
            if other is not plan and not (apart and not plan.vouchers):
                yield said("allocation.pool-twice", "pool", value=plan.id, other=other.id)


def _tables(project: Project) -> set[str]:
    made = {table for source in project.sources.values() for table in source.tables or (source.id,)}
    return made | set(project.sql)


def _accounts(policy: AccountingPolicy, vouchers: Iterable[Voucher]) -> Iterator[Diagnostic]:
    """Accounts that the ERP's chart does not have."""
    if not policy.accounts:
        return
    used: dict[str, list[tuple[Voucher, int]]] = defaultdict(list)
    for voucher in vouchers:
        for line in voucher.lines:
            if line.account not in policy.accounts:
                used[line.account].append((voucher, line.line))
    for account, found in used.items():
        near = nearest_or_some(account, policy.accounts)
        facts = {"account": account, "count": len(found), "nearest": near}
        voucher, line = found[0]
        yield Diagnostic(
            Severity.ERROR,
            "chart.unknown-account",
            voucher.path,
            line,
            node=voucher.id,
            facts=facts,
        )
    for codes in policy.chart.values():
        for code in codes:
            if code not in policy.accounts:
                near = nearest_or_some(code, policy.accounts)
                facts = {"account": code, "count": 1, "nearest": near}
                at = policy.origin
                yield Diagnostic(
                    Severity.ERROR, "chart.unknown-account", at.path, at.line, facts=facts
                )


def _reviewed(policy: AccountingPolicy, vouchers: Sequence[Voucher]) -> Iterator[Diagnostic]:
    """Carried lines that nobody reviewed, where the ERP tells who did."""
    if not any(v.prepared_by or v.reviewed_by or v.posted_by for v in vouchers):
        return
    for voucher in vouchers:
        for line in voucher.lines:
            if voucher.reviewed_by:
                break
            capital = role_of(policy, line.account) in CAPITAL_ROLES
            if line.project and capital and line.amount.fen > 0:
                facts = {"number": voucher.number, "amount": line.amount.text}
                yield Diagnostic(
                    Severity.WARNING,
                    "voucher.not-reviewed",
                    voucher.path,
                    line.line,
                    node=voucher.id,
                    facts=facts,
                )
                break


def _projects(
    project: Project,
    entity: str,
    plans: Mapping[str, Allocation],
    vouchers: Iterable[Voucher],
    papers: Iterable[Paper],
) -> Iterator[Diagnostic]:
    """Rows for a project that neither an asset, nor a voucher, nor an allocation knows."""
    known = {
        code for card in project.assets.values() if card.entity == entity for code in card.codes
    }
    known |= {line.project for voucher in vouchers for line in voucher.lines}
    for plan in plans.values():
        known |= {plan.project, *plan.receivers}
    told: set[str] = set()
    for paper in papers:
        if paper.project not in known and paper.project not in told:
            told.add(paper.project)
            near = nearest_or_some(paper.project, known - {""})
            facts = {"value": paper.project, "nearest": near}
            at = paper.origin
            yield Diagnostic(
                Severity.WARNING, "cost.unknown-project", at.path, at.line, facts=facts
            )
