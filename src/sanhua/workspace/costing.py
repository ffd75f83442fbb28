"""Cost collection and tie-out as they stand: what explains the vouchers, shared cost divided, the
ledger's trial balances; and the reports of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sanhua.asset.bill import Closing, Counted
from sanhua.asset.contract import UsageContract
from sanhua.capital.allocate import (
    PLATFORM_KEYS,
    Allocated,
    Allocation,
    Divided,
    allocate,
)
from sanhua.capital.cost import BILLS, LABELS, TIMESHEET, Collected, Cost, collect, cost_lines
from sanhua.capital.cost import roles as roles_of
from sanhua.capital.measure import book_of
from sanhua.capital.tieout import Tied, TieLine, TieOut, tie
from sanhua.capital.voucher import ROLES, AccountingPolicy, Voucher, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, NotFound, Severity
from sanhua.kernel.figure import Figure, Part
from sanhua.kernel.ledger import Book
from sanhua.kernel.money import Money
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, legal_day
from sanhua.project.costing import check_costing, plans_of
from sanhua.project.model import Entity, Project
from sanhua.resource.lineage import Table
from sanhua.workspace.booking import booked
from sanhua.workspace.opening import Workspace
from sanhua.workspace.stepping import digest

_KINDS: tuple[str, ...] = (TIMESHEET, *BILLS)


def charted(project: Project, policy: AccountingPolicy) -> str:
    """The hash of what maps accounts to roles: the policy, and the ERP's chart when it is there."""
    if not policy.accounts:
        return policy.origin.sha256
    chart = {role: list(codes) for role, codes in policy.chart.items()}
    return digest({"policy": policy.origin.sha256, "chart": chart})


def policy_of(project: Project, entity: Entity) -> AccountingPolicy:
    """NotFound report.no-books when the entity keeps none here."""
    if entity.id not in project.policy:
        raise NotFound("report.no-books", entity=entity.id)
    return project.policy[entity.id]


# What the platform counted, for keys of allocations


def what_was_counted(ws: Workspace, plans: Iterable[Allocation], today: date) -> dict[str, Any]:
    """What the platform's own counts of the plans stand on now; empty without such a plan."""
    wanted = [plan for plan in plans if plan.key in PLATFORM_KEYS]
    if not wanted:
        return {}
    found: dict[str, Any] = {"over": [plan.id for plan in wanted if plan.period.ends_on <= today]}
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        found["closings"] = [closing.id for closing in uow.all(Closing)]
        for plan in wanted:
            for name in (name for names in plan.receivers.values() for name in names):
                table = uow.find(Table, ids.node("table", name))
                found[name] = table.snapshot if table is not None else ""
    return found


class _Counts:
    """The weights under the platform's keys; one that was counted after its period was over
    stays as it was.
    """

    def __init__(self, ws: Workspace, uow: Any) -> None:
        self.ws, self.uow = ws, uow
        self.today = legal_day(ws.clock.now())
        self.latest: dict[tuple[str, str], tuple[Counted, str]] = {}
        for closing in sorted(uow.all(Closing), key=lambda one: one.starts_on):
            for counted in closing.counts:
                self.latest[counted.deal, counted.month] = (counted, closing.id)
        self.product = {c.id: ids.key_of(c.product) for c in uow.all(UsageContract)}

    def kept(self, plan: Allocation) -> Allocated | None:
        before: Allocated | None = self.uow.find(Allocated, ids.node("allocation", plan.id))
        if before is None or before.file != plan.origin.sha256 or before.counted_on is None:
            return None
        return before if before.counted_on >= plan.period.ends_on else None

    def weigh(self, plan: Allocation, receiver: str) -> tuple[Decimal, tuple[str, ...]]:
        before = self.kept(plan)
        if before is not None:
            share = before.shares[list(plan.receivers).index(receiver)]
            return share.basis, share.counted
        names = plan.receivers[receiver]
        if plan.key in ("calls", "sold_rows"):
            return self._sold(plan, names)
        total, nodes = 0, list[str]()
        for name in names:
            table = self.uow.find(Table, ids.node("table", name))
            if table is None:
                continue
            total += table.rows if plan.key == "rows" else self._bytes(table)
            nodes.append(table.snapshot)
        return Decimal(total), tuple(nodes)

    def _bytes(self, table: Table) -> int:
        manifest = self.ws.lake.load(table.layer, ids.key_of(table.id), table.snapshot)
        return sum(part.file.bytes for part in manifest.parts)

    def _sold(self, plan: Allocation, products: Sequence[str]) -> tuple[Decimal, tuple[str, ...]]:
        unit = "call" if plan.key == "calls" else "row"
        total, nodes = 0, dict[str, None]()
        for (deal, month), (counted, closing) in sorted(self.latest.items()):
            within = Period.named(month).starts_on in plan.period
            if within and self.product.get(deal) in products:
                total += counted.units.get(unit, 0)
                nodes[closing] = None
        return Decimal(total), tuple(nodes)


def collected(ws: Workspace, uow: Any, entity: Entity) -> tuple[Divided, Collected]:
    """Everything that explains an entity's vouchers, as it stands."""
    project = ws.project
    policy = project.policy[entity.id]
    vouchers = booked(ws, entity, uow)
    papers = project.papers.get(entity.id, ())
    plans = plans_of(project, entity.id)
    counts = _Counts(ws, uow) if any(p.key in PLATFORM_KEYS for p in plans.values()) else None
    weigh = counts.weigh if counts else None
    done = allocate(plans, vouchers, papers, policy, weigh, entity.currency)
    if counts is not None:
        done.allocations = [_dated(one, plans, counts) for one in done.allocations]
    return done, collect(vouchers, papers, policy, entity.currency, done.booked)


def _dated(done: Allocated, plans: dict[str, Allocation], counts: _Counts) -> Allocated:
    """With the day on which the platform's count was taken."""
    plan = plans[ids.key_of(done.id)]
    if plan.key not in PLATFORM_KEYS:
        return done
    before = counts.kept(plan)
    return replace(done, counted_on=before.counted_on if before else counts.today)


# Tie-out


def tied_out(uow: Any, project: Project, entity: Entity) -> Tied:
    """Tie every trial balance of an entity out, and keep what came of it."""
    trials = project.trials.get(entity.id, ())
    policy = project.policy[entity.id]
    book = book_of(entity.id, entity.currency, entity.fiscal_year)
    made = tie(trials, uow.lines_of(book.id), policy, entity.currency)
    last = {trial.id: trial.month.through for trial in trials}
    for trial in trials:
        uow.add(trial, "trial.received", effective_on=trial.month.through)
    for figure in made.figures:
        uow.add(figure, "figure.stated")
    for one in made.tieouts:
        uow.add(one, "ledger.tied-out", effective_on=last[one.trial])
    return made


def tie_month(ws: Workspace, month: Period) -> list[Diagnostic]:
    """What closing a month finds: the entities whose trial balance of it does not agree."""
    found: list[Diagnostic] = []
    for entity in ws.project.settings.entities:
        trials = ws.project.trials.get(entity.id, ())
        if entity.id not in ws.project.policy or month.id not in [t.period for t in trials]:
            continue
        with ws.store.begin(actor=ws.actor) as uow:
            if uow.find(Book, book_of(entity.id).id) is None:
                continue
            made = tied_out(uow, ws.project, entity)
        one = next(one for one in made.tieouts if one.period == month.id)
        if not one.ok:
            count = sum(not line.ok for line in one.lines)
            facts = {"period": month.id, "count": count}
            found.append(Diagnostic(Severity.WARNING, "tie.not-whole", node=one.id, facts=facts))
    return found


# Reports


@dataclass(frozen=True, slots=True)
class Role:
    """A role that what the entity does needs, and where the chart puts it."""

    role: str
    accounts: tuple[str, ...]
    names: tuple[str, ...]
    needed_for: str  # empty: mapped and not needed


def coverage(project: Project, entity: Entity, policy: AccountingPolicy) -> list[Role]:
    """Every role that is mapped or needed; a needed one without accounts is a gap."""
    needed: dict[str, str] = {}

    def need(why: str, roles: str) -> None:
        for role in roles.split():
            needed.setdefault(role, why)

    for card in project.assets.values():
        if card.entity != entity.id:
            continue
        facts, stock = card.measurement, card.use.value == "sale"
        if stock:
            need(card.id, "inventory_data")
        elif card.route.value == "self_developed":
            need(card.id, "development_capitalised development_expensed")
        else:
            need(card.id, "intangible_data")
        if facts.available_on and not stock:
            need(card.id, "intangible_data accumulated_amortisation amortisation_expense")
        if facts.impairments:
            need(card.id, "impairment_loss intangible_impairment")
        if facts.nrv:
            need(card.id, "impairment_loss inventory_provision")
        for gone in facts.disposals:
            reason = str(gone.get("reason", "sale" if stock else "disposal"))
            result = {"lapse": "lapse_loss", "sale": "cost_of_sales"}.get(reason, "disposal_result")
            need(card.id, result)
    papers = project.papers.get(entity.id, ())
    if any(paper.kind == TIMESHEET for paper in papers):
        need("timesheets", "payroll")
    if any(paper.kind in BILLS for paper in papers):
        need("bills", "payables")
    if any(paper.tax for paper in papers):
        need("bills", "input_tax")
    for deal in project.deals.values():
        product = project.products.get(deal.product)
        if product is not None and entity.id == project.settings.entities[0].id:
            need(deal.id, "receivables revenue output_tax")
            if len(product.shares) > 1:
                need(deal.id, "cost_of_sales payables")
    found: list[Role] = []
    for role in dict.fromkeys([*needed, *policy.chart]):
        accounts = policy.chart.get(role, ())
        names = tuple(policy.accounts[a].name for a in accounts if a in policy.accounts)
        found.append(Role(role, accounts, names, needed.get(role, "")))
    return sorted(found, key=lambda one: ROLES.index(one.role) if one.role in ROLES else 99)


def _yuan(amount: Money) -> Decimal:
    return amount.posted().amount


def _by_project(
    costs: Iterable[Cost], vouchers: dict[str, Voucher], policy: AccountingPolicy
) -> dict[str, dict[str, Any]]:
    """Project → what was spent by kind of paper, by what was carried and what was expensed."""
    found: dict[str, dict[str, Any]] = {}
    for cost in costs:
        of = found.setdefault(
            cost.project,
            {
                "kinds": dict.fromkeys((TIMESHEET, *BILLS, "allocated", "unexplained"), Decimal()),
                "total": Decimal(),
                "explained": Decimal(),
                "capitalised": Decimal(),
                "expensed": Decimal(),
                "hours": Decimal(),
                "parts": [],
            },
        )
        exact: dict[str, Decimal] = dict.fromkeys(_KINDS, Decimal())
        for row in cost.papers:
            if row.amount is not None:
                exact[row.kind] += row.amount.amount
        kinds: dict[str, Decimal] = {
            kind: Money(amount).posted().amount for kind, amount in exact.items()
        }
        if cost.allocated_by and not any(kinds.values()):
            kinds["allocated"] = _yuan(cost.amount)
        kinds["unexplained"] = _yuan(cost.amount) - sum(kinds.values(), Decimal())
        for kind, amount in kinds.items():
            of["kinds"][kind] += amount
        of["total"] += _yuan(cost.amount)
        of["explained"] += _yuan(cost.explained)
        of["hours"] += cost.hours
        of["parts"].append(Part(cost.id, cost.amount.amount, "amount.amount"))
        for line in vouchers[cost.voucher].lines:
            if line.project == cost.project:
                role = role_of(policy, line.account)
                if role in ("development_capitalised", "intangible_data", "inventory_data"):
                    of["capitalised"] += line.amount.amount
                elif role.endswith(("_expensed", "_expense")):
                    of["expensed"] += line.amount.amount
    return found


def cost_data(ws: Workspace, entity: Entity, period: Period) -> dict[str, Any]:
    """What `report cost` says, without files; figures of it are kept."""
    project = ws.project
    policy = policy_of(project, entity)
    with ws.store.begin(actor=ws.actor) as uow:
        done, made = collected(ws, uow, entity)
        vouchers = {v.id: v for v in booked(ws, entity, uow)}
        costs = [cost for cost in made.costs if cost.dated in period]
        known = {cost.id for cost in costs if uow.find(Cost, cost.id) is not None}
        for cost in costs:
            if cost.id not in known:  # nothing explains any, so that the run kept none
                uow.add(cost, "cost.collected", effective_on=cost.dated)
        projects = _by_project(costs, vouchers, policy)
        figures: list[Figure] = []
        for name, of in projects.items():
            line = name.replace("/", "_") or "no_project"
            figure = Figure(
                ids.figure(entity.id, "cost", line, "total", period.id),
                Text(f"项目 {name} 归集成本", f"cost collected of {name}"),
                of["total"],
                entity.currency,
                tuple(of.pop("parts")),
            )
            uow.add(figure, "figure.stated")
            figures.append(figure)
    divided = [one for one in done.allocations if Period.named(one.period).starts_on in period]
    asset = {c: a.id for a in project.assets.values() for c in a.codes if a.entity == entity.id}
    role = roles_of(policy)
    checked = [v for v in vouchers.values() if cost_lines(v, role) and v.dated in period]
    roles = coverage(project, entity, policy)
    return {
        "entity": entity.id,
        "projects": [
            {
                "project": name,
                "asset": asset.get(name, ""),
                "total": _text(of["total"]),
                "capitalised": _text(of["capitalised"]),
                "expensed": _text(of["expensed"]),
                "kinds": {kind: _text(amount) for kind, amount in of["kinds"].items()},
                "hours": f"{of['hours']:f}",
                "figure": figure.id,
            }
            for (name, of), figure in zip(projects.items(), figures, strict=True)
        ],
        "vouchers": [
            {
                "voucher": vouchers[cost.voucher].number,
                "date": cost.dated.isoformat(),
                "project": cost.project,
                "amount": cost.amount.text,
                "explained": cost.explained.text,
                "difference": cost.difference.text,
                "hours": f"{cost.hours:f}",
                "rows": len(cost.papers),
                "matched": sum(row.found for row in cost.papers),
                "allocated_by": ids.key_of(cost.allocated_by),
                "prepared_by": ids.key_of(vouchers[cost.voucher].prepared_by),
                "reviewed_by": ids.key_of(vouchers[cost.voucher].reviewed_by),
                "node": cost.id,
            }
            for cost in costs
        ],
        "loose": [
            {
                "path": paper.origin.path,
                "line": paper.origin.line,
                "date": paper.dated.isoformat(),
                "kind": paper.kind,
                "project": paper.project,
                "amount": paper.cost.text if paper.cost is not None else "",
                "hours": f"{paper.hours:f}",
            }
            for paper in made.loose
            if paper.dated in period
        ],
        "allocations": [_shown(one) for one in divided],
        "proposed_vouchers": [
            row
            for one in divided
            if not one.booked
            for row in _proposed(project.allocations[ids.key_of(one.id)], one)
        ],
        "chart": [
            {
                "role": one.role,
                "accounts": list(one.accounts),
                "names": list(one.names),
                "needed_for": one.needed_for,
                "mapped": bool(one.accounts),
            }
            for one in roles
        ],
        "coverage": {
            "needed": sum(bool(one.needed_for) for one in roles),
            "mapped": sum(bool(one.needed_for and one.accounts) for one in roles),
            "lacking": [one.role for one in roles if one.needed_for and not one.accounts],
        },
        "reviewed": {"vouchers": len(checked), "by": sum(bool(v.reviewed_by) for v in checked)},
        "figures": [figure.id for figure in figures],
    }


def _text(amount: Decimal) -> str:
    return Money(amount).text


def _shown(one: Allocated) -> dict[str, Any]:
    return {
        "allocation": ids.key_of(one.id),
        "period": one.period,
        "key": one.key,
        "pool": one.pool.text,
        "shares": [
            {
                "project": share.receiver,
                "basis": f"{share.basis:f}",
                "amount": Money.sum(share.amounts.values(), one.pool.currency).text,
            }
            for share in one.shares
        ],
        "judged": {"by": ids.key_of(one.judged_by), "date": one.judged_on.isoformat()},
        "booked": ids.key_of(one.booked),
        "node": one.id,
    }


def _proposed(plan: Allocation, one: Allocated) -> list[dict[str, str]]:
    """The rows of the voucher that the ERP is asked to enter, in the form that the books read."""
    day = plan.period.through.isoformat()
    papers = ";".join(paper.path for paper in plan.evidence if paper.path)
    return [
        {
            "voucher": f"F{day}-{plan.id}",
            "date": day,
            "summary": f"分摊 {plan.title or plan.id} {plan.period.id}",
            "account": account,
            "debit": amount.text if amount.fen > 0 else "",
            "credit": (-amount).text if amount.fen < 0 else "",
            "project": project,
            "evidence": papers if project else "",
        }
        for account, project, amount in one.lines()
    ]


_COLUMNS = ("total", "capitalised", "expensed")


def draw_cost(
    ws: Workspace, entity: Entity, period: Period
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """`report cost`: XLSX, CSV and, where shared cost is to be entered, vouchers for the ERP."""
    from sanhua.report.ledger import Sheet, table, workbook

    data = cost_data(ws, entity, period)
    said: list[Diagnostic] = [
        d
        for d in check_costing(ws.project, ws.rules)
        if d.code.startswith(("cost.", "timesheet.", "bill.", "allocation."))
    ]
    money = Decimal
    kinds = [(LABELS[kind].zh, LABELS[kind].en) for kind in _KINDS]
    kinds += [("分摊转入", "allocated"), ("未说明", "unexplained")]
    by_project = Sheet(
        "项目成本",
        [("项目", "project"), ("资产", "asset"), ("归集成本", "cost"), ("资本化", "capitalised"),
         ("费用化", "expensed"), *kinds, ("工时", "hours")],
        [
            [one["project"], one["asset"], *(money(one[of]) for of in _COLUMNS),
             *(money(amount) for amount in one["kinds"].values()), money(one["hours"])]
            for one in data["projects"]
        ],
        tuple(range(2, 14)),
    )  # fmt: skip
    by_voucher = Sheet(
        "凭证勾稽",
        [("凭证号", "voucher"), ("日期", "date"), ("项目", "project"), ("记账金额", "booked"),
         ("工时与账单", "explained"), ("差额", "difference"), ("工时", "hours"), ("行数", "rows"),
         ("自动匹配", "matched"), ("分摊", "allocation"), ("制单", "prepared"),
         ("审核", "reviewed")],
        [
            [v["voucher"], v["date"], v["project"], money(v["amount"]), money(v["explained"]),
             money(v["difference"]), money(v["hours"]), v["rows"], v["matched"], v["allocated_by"],
             v["prepared_by"], v["reviewed_by"]]
            for v in data["vouchers"]
        ],
        (3, 4, 5, 6),
    )  # fmt: skip
    divided = Sheet(
        "费用分摊",
        [("分摊", "allocation"), ("期间", "period"), ("依据", "key"), ("归集池", "pool"),
         ("接收", "to"), ("权重", "basis"), ("金额", "amount"), ("判断人", "judged by"),
         ("ERP 凭证", "booked")],
        [
            [a["allocation"], a["period"], a["key"], money(a["pool"]), s["project"],
             money(s["basis"]), money(s["amount"]), a["judged"]["by"], a["booked"]]
            for a in data["allocations"] for s in a["shares"]
        ],
        (6,),
    )  # fmt: skip
    chart = Sheet(
        "科目映射",
        [("角色", "role"), ("科目", "accounts"), ("名称", "names"), ("需要它的", "needed for"),
         ("已映射", "mapped")],
        [
            [c["role"], "、".join(c["accounts"]), "、".join(c["names"]), c["needed_for"],
             "是 yes" if c["mapped"] else "否 no"]
            for c in data["chart"]
        ],
    )  # fmt: skip
    findings = Sheet(
        "发现",
        [("级别", "severity"), ("代码", "code"), ("位置", "where"), ("说明", "what")],
        [[d.severity.value, d.code, f"{d.path}:{d.line}", d.message("zh")] for d in said],
    )
    note = "工时与账单只说明凭证行，不另计成本。Timesheets and bills explain lines, they add none."
    title = f"成本归集 {entity.id} {period.id}"
    stem = f"cost-{entity.id}-{period.id}"
    sheets = [by_project, by_voucher, divided, chart, findings]
    data["files"] = [
        _write(ws, f"{stem}.xlsx", workbook(title, [note], sheets)),
        _write(ws, f"{stem}.csv", table([en for _, en in by_voucher.heads], by_voucher.rows)),
    ]
    rows = data["proposed_vouchers"]
    if rows:
        heads = list(rows[0])
        name = f"allocations-{entity.id}-{period.id}.csv"
        made = table(heads, [[row[head] for head in heads] for row in rows])
        data["files"].append(_write(ws, name, made))
    return data, said


def draw_tie_out(
    ws: Workspace, entity: Entity, period: Period
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """`report tie-out`: each month of the period against the ledger, XLSX and CSV."""
    from sanhua.report.ledger import Sheet, table, workbook

    policy_of(ws.project, entity)
    with ws.store.begin(actor=ws.actor) as uow:
        made = tied_out(uow, ws.project, entity) if ws.project.trials.get(entity.id) else Tied()
    wanted = [one for one in made.tieouts if Period.named(one.period).starts_on in period]
    heads = [("月份", "month"), ("科目", "account"), ("名称", "name"), ("角色", "role"),
             ("总账净发生", "ledger moved"), ("账簿净发生", "book moved"),
             ("总账期末", "ledger ending"), ("账簿期末", "book ending"), ("差额", "difference"),
             ("结果", "result")]  # fmt: skip
    rows = [
        [one.period, line.account, line.name, line.role, _yuan(line.ledger_movement),
         _yuan(line.movement), _yuan(line.ledger_ending), _yuan(line.ending),
         _yuan(line.difference), _RESULT[line.told, line.ok]]
        for one in wanted for line in one.lines
    ]  # fmt: skip
    note = (
        "数据科目须分毫不差；其他科目只列示。Data accounts agree to the fen; others are only told."
    )
    stem = f"tie-out-{entity.id}-{period.id}"
    sheet = Sheet("总账对账", heads, rows)
    files = [
        _write(ws, f"{stem}.xlsx", workbook(f"总账对账 {entity.id} {period.id}", [note], [sheet])),
        _write(ws, f"{stem}.csv", table([en for _, en in heads], rows)),
    ]
    data = {
        "entity": entity.id,
        "months": [
            {
                "period": one.period,
                "ok": one.ok,
                "node": one.id,
                "lines": [_tie_json(entity, one, line) for line in one.lines],
            }
            for one in wanted
        ],
        "figures": [figure for one in wanted for figure in one.figures],
        "files": files,
    }
    months = {trial.id: trial for trial in ws.project.trials.get(entity.id, ())}
    said = [d for d in made.diagnostics if months[d.node].period in {one.period for one in wanted}]
    return data, said


_RESULT = {
    (False, True): "相符 agrees",
    (False, False): "不符 differs",
    (True, True): "仅列示 told",
}


def _tie_json(entity: Entity, one: TieOut, line: TieLine) -> dict[str, Any]:
    return {
        "account": line.account,
        "name": line.name,
        "role": line.role,
        "ledger": {"movement": line.ledger_movement.text, "ending": line.ledger_ending.text},
        "book": {"movement": line.movement.text, "ending": line.ending.text},
        "difference": line.difference.text,
        "ok": line.ok,
        "judged": not line.told,
        "figure": ""
        if line.told
        else ids.figure(entity.id, "tie_out", line.account, "ending", one.period),
    }


def _write(ws: Workspace, name: str, content: bytes) -> str:
    """A file of `out`, replaced whole; its path in the folder."""
    ws.out.mkdir(parents=True, exist_ok=True)
    path = ws.out / name
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
    return path.relative_to(ws.root).as_posix()
