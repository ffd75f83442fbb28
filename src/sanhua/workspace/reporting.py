"""Report: what is handed to people, drawn up from what is kept. A report first brings the project
up to date.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sanhua.asset.bill import Closing
from sanhua.capital.recognise import AssetCard
from sanhua.capital.voucher import AccountingPolicy, role_of
from sanhua.kernel.errors import Diagnostic, Invalid, NotFound, SanhuaError, Severity
from sanhua.kernel.ids import key_of, node
from sanhua.kernel.ledger import Entry as LedgerEntry
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period, legal_day, parse_day
from sanhua.project.model import Entity
from sanhua.workspace.booking import adjustments, apart, booked, since_taken_over
from sanhua.workspace.measuring import metered
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run


@dataclass
class Report:
    """`data` is the JSON without the common keys; `told` are pairs (zh, en) for people."""

    data: dict[str, Any]
    told: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    ok: bool = True
    error: SanhuaError | None = None  # why nothing was drawn up

    def lines(self, language: str) -> list[str]:
        return [pair[language == "en"] for pair in self.told]


def report(
    ws: Workspace,
    kind: str,
    *,
    period: str = "",
    entity: str = "",
    of: str = "",
    scope: str = "",
    as_at: str = "",
) -> Report:
    """Bring the project up to date and draw up `kind` for an entity and a period (default: the
    latest with vouchers).

    `of` is the id of the registration or contract that it is about (default: all there are);
    `scope` (entity, parent, group) and `as_at` (an earlier day) are a disclosure's.

    A run that fails in a step that the report rests on is the report's `error`; another's failure
    stands among its diagnostics. Raises what the run raises, NotFound report.unknown-entity,
    Invalid time.not-a-period, report.not-begun.
    """
    if kind == "freshness":  # of what came, not of what is made from it
        return _freshness(ws, of)
    made = run(ws)
    failed = {step.step for step in made.steps if step.status not in ("done", "skipped")}
    if made.error is not None and (not made.steps or failed & RESTS_ON[kind]):
        return Report({}, [], made.diagnostics, False, made.error)
    chosen = _entity(ws, entity)
    if kind in BY_ID:
        drawn = BY_ID[kind](ws, of)
    else:
        when, left_out = _period(ws, chosen, period)
        if kind == "disclosure":
            drawn = _disclosure(ws, chosen, when, scope, as_at)
        else:
            drawn = KINDS[kind](ws, chosen, when)
        drawn.diagnostics += left_out if kind in BY_PERIOD else []
    seen = {(d.code, d.node, d.path, d.line) for d in drawn.diagnostics}
    from sanhua.workspace.approving import voided

    drawn.diagnostics += [
        d for d in [*voided(ws), *made.diagnostics] if (d.code, d.node, d.path, d.line) not in seen
    ]
    return drawn


def _entity(ws: Workspace, name: str) -> Entity:
    entities = {entity.id: entity for entity in ws.project.settings.entities}
    name = name or ws.entity
    if name not in entities:
        raise NotFound("report.unknown-entity", entity=name, known=", ".join(entities))
    return entities[name]


def _period(ws: Workspace, entity: Entity, name: str) -> tuple[Period, list[Diagnostic]]:
    """The period named, or the latest with vouchers, with a warning of what happened after it.

    Invalid report.not-begun for one to come.
    """
    today = legal_day(ws.clock.now())
    if name:
        period = Period.named(name, entity.fiscal_year)
        if period.starts_on > today:
            raise Invalid(
                "report.not-begun",
                period=period.id,
                starts=period.starts_on.isoformat(),
                today=today.isoformat(),
            )
        return period, []
    days = [v.dated for v in ws.project.vouchers.values() if v.entity == node("party", entity.id)]
    facts = [fact for fact in _facts(ws, entity) if fact[0] <= today]
    known = days or [day for day, _ in facts]
    period = Period.reporting(max(known, default=today), entity.fiscal_year)
    later = [fact for fact in facts if fact[0] >= period.ends_on]
    if not later:
        return period, []
    day, card = max(later, key=lambda fact: fact[0])
    said = {
        "period": period.id,
        "count": len(later),
        "asset": card.id,
        "day": day.isoformat(),
        "last": Period.reporting(day, entity.fiscal_year).id,
    }
    origin = card.origin
    at = (origin.path, origin.line, 0, node("asset", card.id), None)
    return period, [Diagnostic(Severity.WARNING, "report.later-facts", *at, said)]


def _facts(ws: Workspace, entity: Entity) -> list[tuple[date, AssetCard]]:
    """What the entity's asset files say happened, by day."""
    found: list[tuple[date, AssetCard]] = []
    for card in ws.project.assets.values():
        if card.entity == entity.id:
            facts = card.measurement
            found += [(day, card) for day in facts.days()]
            found += [(facts.available_on, card)] if facts.available_on else []
    return found


def _disclosure(
    ws: Workspace, entity: Entity, period: Period, scope: str = "", as_at: str = ""
) -> Report:
    """Balance-sheet lines, tables A and B, ties: XLSX and JSON."""
    from sanhua.capital import disclose as stage
    from sanhua.report.disclosure import write
    from sanhua.workspace.disclosing import draw
    from sanhua.workspace.noting import issue_of

    _addressed(ws, entity, period)
    day = parse_day(as_at) if as_at else None
    shown = draw(ws, entity, period, scope=stage.Scope(scope or "entity"), as_at=day)
    issue = issue_of(ws, entity, ws.store.checkpoint())
    first = entity.id == ws.project.settings.entities[0].id
    folder = ws.out if first else ws.out / entity.id
    written = (
        None if shown.differs else write(shown, folder, issue, fonts=ws.env.get("SANHUA_FONTS", ""))
    )
    # What was sealed stays as it was written.
    paths = written.paths if written else sorted(folder.glob(f"{shown.stem}.*"))
    files = [path.relative_to(ws.root).as_posix() for path in paths]
    data = stage.to_json(shown, files)
    whose = {"group": ("（合并）", " (group)"), "parent": ("（母公司）", " (parent)")}
    of = whose.get(shown.scope.value, ("", ""))
    told = [
        (
            f"{entity.id}{of[0]} {shown.period.id} 列示（{_state(shown.state.value)[0]}）",
            f"{entity.id}{of[1]} {shown.period.id}, as shown ({_state(shown.state.value)[1]})",
        )
    ]
    for figure in data["figures"]:
        label = shown.figures[figure["id"]].label
        rest = f"  {figure['amount']} {figure['currency']}  {figure['id']}"
        told.append((label.say("zh") + rest, label.say("en") + rest))
    for one in shown.restatements:
        told.append(
            (
                f"前期差错更正 {one.line}：上年年末 {one.reported.text} → {one.restated.text}",
                f"error of an earlier year, {one.line}: {one.reported.text} → {one.restated.text}",
            )
        )
    if shown.eliminations:
        count = len(shown.eliminations)
        told.append((f"合并抵销 {count} 笔", f"{count} eliminations"))
    broken = [tie for tie in data["ties"] if not tie["ok"]]
    told.append(
        (
            f"勾稽 {len(data['ties'])} 项，不符 {len(broken)} 项",
            f"{len(data['ties'])} ties, {len(broken)} broken",
        )
    )
    told.append((f"文件：{'、'.join(files)}", f"files: {', '.join(files)}"))
    diagnostics = [*shown.diagnostics, *(written.diagnostics if written else ())]
    sound = not any(d.severity is Severity.ERROR for d in diagnostics)
    return Report(data, told, diagnostics, not broken and sound)


def _state(value: str) -> tuple[str, str]:
    return {
        "draft": ("草稿", "draft"),
        "approved": ("已批准", "approved"),
        "audited": ("已审计", "audited"),
    }[value]


def _addressed(ws: Workspace, entity: Entity, period: Period) -> None:
    """Invalid recognise.other-regime for an entity that the instrument does not address."""
    from sanhua.capital.recognise import must_be_addressed

    place = ws.project.places.get(node("entity", entity.id))
    at = {"path": place.path, "line": place.line} if place else {"path": "sanhua.yaml", "line": 1}
    must_be_addressed(ws.rules, entity.regime, period.through, node=node("entity", entity.id), **at)


def _vouchers(ws: Workspace, entity: Entity, period: Period) -> Report:
    """What measurement requires beyond the ERP's own lines, as vouchers for the ERP to enter."""
    from sanhua.capital.disclose import recognition_of
    from sanhua.capital.earn import Earning
    from sanhua.capital.fulfil import carry_contract, contract_entries, revenue_of
    from sanhua.capital.measure import book_of, carry, entries, unbooked
    from sanhua.capital.recognise import AssetEntry
    from sanhua.capital.tieout import for_the_erp, second_charges
    from sanhua.kernel.origin import Origin

    _addressed(ws, entity, period)
    policy = ws.project.policy.get(entity.id) or AccountingPolicy(Origin("sanhua.yaml", 1), {})
    book = book_of(entity.id, entity.currency, entity.fiscal_year)
    today = legal_day(ws.clock.now())
    until = min(period.through, today)
    required: list[LedgerEntry] = []
    beside: list[LedgerEntry] = []  # of other months, which vouchers may have made up for
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        every = metered(uow, ws.project.assets.values())
        cards = [card for card in every if card.entity == entity.id]
        for card in cards:
            if entity.id in ws.project.policy:
                entry = uow.get(AssetEntry, node("asset", card.id))
                recognition = recognition_of(entry, entity.currency)
                if not card.measured:
                    came = revenue_of(card.fulfilment.deal, uow.all(Earning))
                    cost = carry_contract(card, recognition, uow.rules, until, came)
                    required += contract_entries(cost, policy, book, period)
                    continue
                carried = carry(card, recognition, policy, uow.rules, until)
                required += entries(carried, {}, policy, book, period)
                now = carried
                if until != today:
                    now = carry(card, recognition, policy, uow.rules, today)
                ever = Period("", date.min, today + timedelta(days=1))
                beside += entries(now, {}, policy, book, ever)
        closed = [uow.get(LedgerEntry, e) for one in uow.all(Closing) for e in one.proposed]
        closed += adjustments(uow, book)
        own, done = apart(uow, booked(ws, entity, uow))
    posted = {e.id: e for e in closed if e.book == book.id}
    if period.year:  # of an adjustment period only what it posted
        required, beside = [], []
        posted = {e.id: e for e in posted.values() if e.adjusts == period.id}
    ours = {e.id: e for e in posted.values() if e.effective_on in period and e.id not in done}
    theirs = [e for e in required if e.id not in posted]
    asked = {e.id for e in theirs}
    others = [e for e in beside if e.effective_on not in period and e.id not in posted]
    lacks = unbooked([*theirs, *others], own, policy, book)
    lacks.left = [e for e in lacks.left if e.id in asked]
    lacks.otherwise = [pair for pair in lacks.otherwise if pair[0].id in asked]
    found, otherwise, left = for_the_erp(lacks, (), policy, book)
    found += ours.values()  # a voucher that books one confirms it
    if not period.year:
        left += second_charges(lacks, since_taken_over(period, cards), policy, book)
    made = proposal(ws, entity, period, found, policy)
    made.diagnostics += left
    made.diagnostics += [
        Diagnostic(
            Severity.WARNING,
            "voucher.booked-otherwise",
            voucher.path,
            voucher.lines[0].line,
            node=voucher.id,
            facts={
                "number": voucher.number,
                "asset": key_of(entry.source),
                "day": entry.effective_on.isoformat(),
            },
        )
        for entry, voucher in otherwise
    ]
    return made


OWING = frozenset(
    "receivables payables other_receivables contract_asset contract_liability".split()
)  # roles whose lines name the party 往来单位


def proposal(
    ws: Workspace,
    entity: Entity,
    period: Period,
    found: Iterable[LedgerEntry],
    policy: AccountingPolicy,
) -> Report:
    """`found` as a file of vouchers by date, in the form in which the books read them back, and in
    the ERP's own columns where `books/erp.yaml` names them.

    An entry on a role without an account cannot be entered: it is left out with an error.
    """
    from sanhua.report.books import NAMES, is_red, number_of
    from sanhua.report.erp import write

    bare: dict[str, Diagnostic] = {}
    rows: list[dict[str, str]] = []
    for item in sorted(found, key=lambda item: (item.effective_on, item.id)):
        unmapped = [line.account for line in item.lines if not role_of(policy, line.account)]
        for role in unmapped:
            facts = {"role": role, "asset": key_of(item.source)}
            origin = policy.origin
            bare.setdefault(
                role,
                Diagnostic(
                    Severity.ERROR,
                    "chart.no-account",
                    origin.path,
                    origin.line,
                    node=node("chart", entity.id),
                    facts=facts,
                ),
            )
        for line in item.lines if not unmapped else ():
            role, left = role_of(policy, line.account), (line.amount > 0) is not is_red(item)
            amount = Money.of_fen(line.amount if left else -line.amount).text
            rows.append(
                {
                    "voucher": number_of(item),
                    "date": item.effective_on.isoformat(),
                    "summary": item.summary,
                    "account": line.account,
                    "name": NAMES.get(role, ""),
                    "debit": amount if left else "",
                    "credit": "" if left else amount,
                    "party": item.party if role in OWING else "",
                    "memo": line.memo,
                    "source": item.source,
                    "asset": key_of(item.source),
                }
            )
    columns = ("voucher", "date", "summary", "account", "debit", "credit", "party")
    path = _write_csv(
        ws.out / f"vouchers-{entity.id}-{period.id}.csv",
        [*columns, "note"],
        [[*(row[key] for key in columns), row["asset"]] for row in rows],
    )
    name, count = path.relative_to(ws.root).as_posix(), len({row["voucher"] for row in rows})
    data = {
        "period": {
            "id": period.id,
            "from": period.starts_on.isoformat(),
            "through": period.through.isoformat(),
        },
        "vouchers": rows,
        "files": [name],
    }
    told = [(f"建议凭证 {count} 张：{name}", f"{count} proposed vouchers: {name}")]
    form = ws.project.erp.get(entity.id)
    if form is not None and rows:
        base = ws.out / f"erp-{entity.id}-{period.id}"
        made = write(form, rows, base, entity.currency)
        theirs = made.relative_to(ws.root).as_posix()
        data["files"].append(theirs)
        told.append((f"ERP 导入文件：{theirs}", f"for the ERP's import: {theirs}"))
    return Report(data, told, list(bare.values()), not bare)


def _cost(ws: Workspace, entity: Entity, period: Period) -> Report:
    """What projects cost and what explains it; shared cost divided: XLSX, CSV, vouchers."""
    from sanhua.workspace.costing import draw_cost

    data, found = draw_cost(ws, entity, period)
    ws.store.checkpoint()
    told: list[tuple[str, str]] = []
    for one in data["projects"]:
        name, total, open_ = one["project"], one["total"], one["kinds"]["unexplained"]
        told.append(
            (
                f"{name}  归集 {total}，资本化 {one['capitalised']}，未说明 {open_}  "
                f"{one['figure']}",
                f"{name}  cost {total}, capitalised {one['capitalised']}, unexplained {open_}  "
                f"{one['figure']}",
            )
        )
    for one in data["allocations"]:
        parts = "；".join(f"{share['project']} {share['amount']}" for share in one["shares"])
        booked = one["booked"] or "—"
        told.append(
            (
                f"分摊 {one['allocation']}（{one['key']}）{one['pool']}：{parts}；"
                f"ERP 凭证 {booked}",
                f"allocation {one['allocation']} ({one['key']}) {one['pool']}: {parts}; "
                f"ERP voucher {booked}",
            )
        )
    cover = data["coverage"]
    lacking = ", ".join(cover["lacking"])
    told.append(
        (
            f"科目映射 {cover['mapped']}/{cover['needed']}"
            + (f"，缺 {lacking}" if lacking else ""),
            f"roles mapped {cover['mapped']}/{cover['needed']}"
            + (f", lacking {lacking}" if lacking else ""),
        )
    )
    told.append((f"文件：{'、'.join(data['files'])}", f"files: {', '.join(data['files'])}"))
    return Report(_spanning(period) | data, told, found)


def _spanning(period: Period) -> dict[str, Any]:
    return {
        "period": {
            "id": period.id,
            "from": period.starts_on.isoformat(),
            "through": period.through.isoformat(),
        }
    }


def _tie_out(ws: Workspace, entity: Entity, period: Period) -> Report:
    """The entity book against the ledger's trial balances, month by month: XLSX, CSV."""
    from sanhua.workspace.costing import draw_tie_out

    data, found = draw_tie_out(ws, entity, period)
    ws.store.checkpoint()
    told: list[tuple[str, str]] = []
    if not data["months"]:
        none = (
            "没有该期间的科目余额表（books/trial/）",
            "no trial balance of the period (books/trial/)",
        )
        told.append(none)
    for month in data["months"]:
        judged = [line for line in month["lines"] if line["judged"]]
        agrees = sum(line["ok"] for line in judged)
        told.append(
            (
                f"{month['period']}  数据科目 {len(judged)} 个，相符 {agrees}  {month['node']}",
                f"{month['period']}  {len(judged)} data accounts, {agrees} agree  {month['node']}",
            )
        )
    told.append((f"文件：{'、'.join(data['files'])}", f"files: {', '.join(data['files'])}"))
    ok = all(month["ok"] for month in data["months"])
    return Report(_spanning(period) | data, told, found, ok)


def _quality(ws: Workspace, of: str) -> Report:
    """Every resource's score, indicators, findings and trend as they stand: HTML, PDF, a badge."""
    from sanhua.workspace.assessing import assess, to_json

    made = assess(ws, of)
    told: list[tuple[str, str]] = []
    diagnostics: dict[str, Diagnostic] = {}
    for one in made:
        said = one.said
        shown, name = said["score"] or "—", said["contract"]
        bare = said["indicators_total"] - said["assessable"]
        told.append(
            (
                f"{name}  得分 {shown}，检查 {said['checks']}，未通过 {said['failed']}，"
                f"不可评估的指标 {bare}",
                f"{name}  score {shown}, checks {said['checks']}, failed {said['failed']}, "
                f"indicators not assessable {bare}",
            )
        )
        for finding in said["findings"]:
            if finding["told"]["zh"]:
                zh, en = finding["told"]["zh"], finding["told"]["en"]
                label = finding["label"]
                told.append((f"  {label['zh']}：{zh}", f"  {label['en'] or label['zh']}: {en}"))
        for lost in said["worse"]:
            label = lost["label"]
            told.append(
                (
                    f"  比上次差：{label['zh']}（{lost['before']['zh']} → {lost['after']['zh']}）",
                    f"  worse: {label['en'] or label['zh']} "
                    f"({lost['before']['en'] or lost['before']['zh']} → "
                    f"{lost['after']['en'] or lost['after']['zh']})",
                )
            )
        told.append((f"  文件：{'、'.join(one.files)}", f"  files: {', '.join(one.files)}"))
        diagnostics |= {found.code: found for found in one.diagnostics}
        for case in said["issues"]:
            if case["overdue"]:
                facts = {key: case[key] for key in ("title", "owner", "due")}
                late = Diagnostic(Severity.WARNING, "quality.overdue", node=case["id"], facts=facts)
                diagnostics[case["id"]] = late
    files = [file for one in made for file in one.files]
    data = {"resources": to_json(made), "files": files}
    return Report(data, told, list(diagnostics.values()))


def _freshness(ws: Workspace, of: str) -> Report:
    """How every source, or the one named, keeps to its cadence, from what came when."""
    from sanhua.workspace.arriving import freshness_of

    sources = ws.project.sources
    of = key_of(of)
    if of and of not in sources:
        from difflib import get_close_matches

        near = get_close_matches(of, sources, 1)
        nearest = near[0] if near else ", ".join(list(sources)[:5])
        raise NotFound("source.unknown", source=of, nearest=nearest)
    found = [freshness_of(ws, source) for key, source in sources.items() if not of or key == of]
    heads = (
        ("数据源", "频率", "状态", "应到", "准时", "迟到", "缺", "重复", "更正", "损坏", "乱序",
         "准时率", "目标"),
        ("source", "cadence", "state", "due", "on time", "late", "missing", "repeated",
         "corrected", "corrupt", "out of order", "share", "objective"),
    )  # fmt: skip
    rows: list[tuple[list[str], list[str]]] = [(list(heads[0]), list(heads[1]))]
    for one in found:
        state = STATES[one.state]
        counts = [
            one.expected, one.on_time, one.late, one.missing, one.repeated, one.corrected,
            one.unreadable, one.out_of_order,
        ]  # fmt: skip
        share = "—" if one.share is None else f"{one.share:.2%}"
        mark = {True: " ✓", False: " ✗", None: ""}[one.meets]
        rest = [*map(str, counts), share, f"{one.objective:.0%}{mark}"]
        cadence = one.cadence.value
        rows.append(
            ([one.source, cadence, state[0], *rest], [one.source, cadence, state[1], *rest])
        )
    told = list(
        zip(_aligned([zh for zh, _ in rows]), _aligned([en for _, en in rows]), strict=True)
    )
    for one in found:
        for first, last, count in one.absent[:LISTED]:
            span = first if count == 1 else f"{first} … {last}"
            told.append((f"  {one.source} 缺 {span}（{count} 期）",
                         f"  {one.source} missing {span} ({count})"))  # fmt: skip
        for period, name, at in one.lagging[:LISTED]:
            told.append((f"  {one.source} 迟到 {period} {name}，{at} 到",
                         f"  {one.source} late {period} {name}, came {at}"))  # fmt: skip
        for name, why in one.faults[:LISTED]:
            told.append((f"  {one.source} 损坏 {name}：{why}",
                         f"  {one.source} corrupt {name}: {why}"))  # fmt: skip
    ok = all(one.meets is not False for one in found)
    return Report({"sources": [one.to_json() for one in found]}, told, ok=ok)


STATES = {
    "on_time": ("准时", "on time"),
    "behind": ("落后", "behind"),
    "never": ("从未到达", "never came"),
    "undated": ("不分期", "no periods"),
}
LISTED = 10  # lines of each sort that people are shown; the JSON has them all


def _aligned(rows: list[list[str]]) -> list[str]:
    """Columns under each other; a Chinese character is two cells wide."""
    from unicodedata import east_asian_width

    def width(text: str) -> int:
        return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)

    widest = [max(width(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            cell + " " * (most - width(cell)) for cell, most in zip(row, widest, strict=True)
        ).rstrip()
        for row in rows
    ]


def _registration(ws: Workspace, of: str) -> Report:
    """The dossier of each registration of a property right, or of the one named."""
    from sanhua.asset.form import PROPERTY_RIGHT
    from sanhua.workspace.registering import dossier

    every = [e.id for e in ws.project.registrations.values() if e.kind == PROPERTY_RIGHT]
    made = [dossier(ws, name) for name in ([of] if of else every)]
    told: list[tuple[str, str]] = [] if made else [("没有登记申请", "no registration is declared")]
    for one in made:
        name, state = key_of(one["registration"]), one["state_label"]
        why, held = one["withheld_because"], "、".join(one["holds"])
        told.append(
            (f"{name}  {state['zh']}：{one['file']}", f"{name}  {state['en']}: {one['file']}")
        )
        told.append((f"  内含 {held}", f"  holds {', '.join(one['holds'])}"))
        if why:
            told.append((f"  不附样例：{why}", f"  no sample: {why}"))
        if one["missing"]:
            bare = ", ".join(one["missing"])
            told.append((f"  表中待填：{bare}", f"  the form still lacks: {bare}"))
    return Report({"dossiers": made, "files": [one["file"] for one in made]}, told)


def _catalogue(ws: Workspace, entity: Entity, period: Period) -> Report:
    """Published resources and products as DCAT 3, contracts as ODCS v3.1.0."""
    from sanhua.workspace.cataloguing import catalogue

    made = catalogue(ws, entity.id)
    counts, files = made.counts, made.files
    told = [
        (
            f"数据资源 {counts['resources']}，数据产品 {counts['products']}：{files[0]}",
            f"{counts['resources']} resources, {counts['products']} products: {files[0]}",
        ),
        *((f"数据契约：{path}", f"data contract: {path}") for path in files[1:]),
    ]
    return Report({"counts": counts, "files": files}, told)


def _standards(ws: Workspace, entity: Entity, period: Period) -> Report:
    """Coverage, conflicts, distribution, review list and unknown codes: XLSX and JSON."""
    from sanhua.workspace.governing import report as draw

    data = draw(ws)
    columns, conflicts = data["coverage"]["columns"], len(data["conflicts"])
    proposals = len(data["review"]["proposals"])
    files = data["files"]
    told = [
        (
            f"列 {columns['bound']}/{columns['of']} 已对标，冲突 {conflicts}，待审 {proposals}",
            f"{columns['bound']}/{columns['of']} columns bound, {conflicts} conflicts, "
            f"{proposals} proposals to review",
        ),
        (f"文件：{'、'.join(files)}", f"files: {', '.join(files)}"),
    ]
    return Report(data, told)


def _books_out(ws: Workspace, entity: Entity, period: Period) -> Report:
    """Beancount text of each book; trial balance and journal of the entity's own."""
    from sanhua.workspace.bookkeeping import books

    return books(ws, entity, period)


KINDS: dict[str, Callable[[Workspace, Entity, Period], Report]] = {
    "vouchers": _vouchers,
    "books": _books_out,
    "catalogue": _catalogue,
    "cost": _cost,
    "tie-out": _tie_out,
    "standards": _standards,
}
BY_ID: dict[str, Callable[[Workspace, str], Report]] = {
    "quality": _quality,
    "registration": _registration,
}


BY_PERIOD = ("disclosure", "vouchers", "books", "cost", "tie-out")
_BOOKS = frozenset({"freeze", "book", "recognise"})
_JUDGED = frozenset({"freeze", "collect", "build", "standard", "quality"})
RESTS_ON = {
    "disclosure": _BOOKS,
    "vouchers": _BOOKS,
    "cost": _BOOKS | {"cost"},
    "tie-out": _BOOKS | {"tie-out"},
    "books": _BOOKS,
    "quality": _JUDGED,
    "standards": _JUDGED,
    "catalogue": _JUDGED | {"grade", "publish", "rights", "product"},
    "registration": _JUDGED | {"grade", "publish", "rights", "register"},
}


def _write_csv(path: Path, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """CSV with a byte order mark, as spreadsheets want it; replaced whole."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(heading)
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(buffer.getvalue(), encoding="utf-8-sig", newline="")
    part.replace(path)
    return path
