"""Judgements of revenue, and government grants: `books/revenue/` and `books/subsidies/`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sanhua.capital.earn import Identity, Indicator, Obligation, RevenueJudgement
from sanhua.capital.subsidy import Condition, Purpose, Receipt, Repayment, Subsidy
from sanhua.kernel.errors import RuleGap, Severity
from sanhua.kernel.ids import node
from sanhua.kernel.money import Money
from sanhua.project.loading import day
from sanhua.project.read import Keys, Scalar, nearest_or_some

if TYPE_CHECKING:
    from sanhua.project.checking import _Check as Checking
    from sanhua.project.loading import Loader
    from sanhua.project.model import Entity


def load_earning(loader: Loader, entity: Entity, base: str) -> None:
    """The judgements of an entity's books below `base`."""
    for key, path, found in loader.documents(f"{base}/revenue", "revenue", "revenue"):
        loader.typed(path, found, lambda k=key, p=path, f=found: _revenue(loader, entity, k, p, f))
    for key, path, found in loader.documents(f"{base}/subsidies", "subsidy", "subsidy"):
        loader.typed(path, found, lambda k=key, p=path, f=found: _subsidy(loader, entity, k, p, f))


def _revenue(loader: Loader, entity: Entity, key: str, path: str, found: Keys) -> None:
    folder, label = loader.folder, node("revenue", key)
    indicators = found.keys("indicators") or Keys({}, 0, 0)
    judged = found.keys("judged") or Keys({}, 0, 0)
    on = day(judged, "date", path)
    assert on is not None  # required by the schema
    made = RevenueJudgement(
        key,
        entity.id,
        folder.origin(path, 1),
        Identity(found.text("identity")),
        tuple(
            Indicator(name, value.flag("holds"), value.text("reason"))
            for name, _, value in indicators.maps()
        ),
        Obligation(found.text("obligation")),
        {plan: Obligation(said) for plan, said in found.flat("plans").items()},
        found.text("reason"),
        tuple(paper.sha256 for paper in folder.evidence(found.get("evidence"), path, label)),
        judged.text("by"),
        on,
    )
    loader.keep(loader.project.revenue, key, made, path, found, "revenue")


def _subsidy(loader: Loader, entity: Entity, key: str, path: str, found: Keys) -> None:
    folder, label = loader.folder, node("subsidy", key)
    judged = found.keys("judged") or Keys({}, 0, 0)

    def papers(of: Keys) -> tuple[str, ...]:
        return tuple(one.sha256 for one in folder.evidence(of.get("evidence"), path, label))

    def items(name: str) -> list[Keys]:
        return [item for item in found.items(name) if isinstance(item, Keys)]

    starts, through = day(found, "from", path), day(found, "through", path)
    made = Subsidy(
        key,
        folder.words(found.get("title")) or folder.words(Scalar(key, 1, 1)),
        entity.id,
        folder.origin(path, 1),
        found.text("payer"),
        Purpose(found.text("purpose")),
        Money.parse(found.text("amount"), entity.currency),
        found.text("asset"),
        day(found, "certain_on", path),
        tuple(
            Receipt(
                _day(one, "date", path),
                Money.parse(one.text("amount"), entity.currency),
                one.text("voucher"),
                one.line,
            )
            for one in items("receipts")
        ),
        tuple(
            Condition(one.text("text"), day(one, "due", path), day(one, "met", path), papers(one))
            for one in items("conditions")
        ),
        (starts, through + timedelta(days=1)) if starts and through else None,
        tuple(
            Repayment(
                _day(one, "date", path),
                Money.parse(one.text("amount"), entity.currency),
                one.text("reason"),
                papers(one),
            )
            for one in items("repayments")
        ),
        papers(found),
        judged.text("by"),
        day(judged, "date", path),
    )
    if found.text("method", "gross") == "net":
        folder.error("subsidy.net-not-built", path, found.place("method"), node=label, subsidy=key)
    loader.keep(loader.project.subsidies, key, made, path, found, "subsidy")


def _day(found: Keys, key: str, path: str) -> date:
    on = day(found, key, path)
    assert on is not None  # required by the schema
    return on


def check_earning(checking: Checking) -> None:
    """What can be said of the judgements before anything is closed."""
    for said in checking.project.revenue.values():
        _check_revenue(checking, said)
    for subsidy in checking.project.subsidies.values():
        _check_subsidy(checking, subsidy)


def _check_revenue(checking: Checking, said: RevenueJudgement) -> None:
    of = node("revenue", said.product)
    project = checking.project
    _check_judge(checking, said.judged_by, of)
    if not checking.ref("product", said.product, project.products, said.origin, of):
        return
    try:
        rule = checking.rules.ask("cas_14", "identity_indicators", on=said.judged_on)
    except RuleGap as gap:
        checking.found.append(gap.diagnostic)
        return
    known = [str(one["id"]) for one in rule.value]
    for one in said.indicators:
        if one.id not in known:
            at = checking.at(of, "indicators", one.id)
            near = nearest_or_some(one.id, known)
            checking.say(
                "format.not-one-of", at, of, key="indicators", value=one.id, nearest=near,
                known=", ".join(known),
            )  # fmt: skip
    bare = sorted(set(known) - {one.id for one in said.indicators})
    at = checking.at(of, "indicators")
    if bare:
        checking.warn("earn.indicator-missing", at, of, product=said.product, names=", ".join(bare))
    holds = {one.holds for one in said.indicators}
    if not bare and holds == {said.identity is Identity.AGENT}:
        at = checking.at(of, "identity")
        checking.say(
            "earn.against-indicators", at, of, severity=Severity.WARNING, rule=rule.citation,
            product=said.product, identity=said.identity.value,
        )  # fmt: skip
    plans = {plan.id: plan for plan in project.products[said.product].plans}
    for name in said.plans:
        checking.ref("plan", name, plans, checking.at(of, "plans", name), of)
    for plan in plans.values():
        obligation = said.plans.get(plan.id, said.obligation)
        if obligation is Obligation.LICENCE_USE and (plan.fee or plan.minimum):
            at = checking.at(of, "plans", plan.id) if plan.id in said.plans else said.origin
            checking.say("earn.point-with-fee", at, of, plan=plan.id, deal="–")


def _check_judge(checking: Checking, by: str, of: str) -> None:
    """Who judges is a person of finance."""
    at = checking.at(of, "judged", "by")
    if not checking.ref("party", by, checking.project.parties, at, of):
        return
    party = checking.project.parties[by]
    if "finance" not in party.roles or not party.person:
        checking.say("earn.judged-role", at, of, of=of, party=by)


def _check_subsidy(checking: Checking, said: Subsidy) -> None:
    of = node("subsidy", said.id)
    project = checking.project
    _check_judge(checking, said.judged_by, of)
    if said.asset:
        checking.ref("asset", said.asset, project.assets, checking.at(of, "asset"), of)
    entity = node("party", said.entity)
    numbers = {v.number: v for v in project.vouchers.values() if v.entity == entity}
    for at, receipt in enumerate(said.receipts):
        place = checking.at(of, "receipts", str(at))
        if checking.ref("voucher", receipt.voucher, numbers, place, of):
            dated = numbers[receipt.voucher].dated
            if dated != receipt.on:
                checking.say(
                    "subsidy.other-day", place, of, number=receipt.voucher,
                    dated=dated.isoformat(), day=receipt.on.isoformat(),
                )  # fmt: skip
    amounts = [one.amount for one in (*said.receipts, *said.repayments)]
    own = next(e.currency for e in project.settings.entities if e.id == said.entity)
    wrong = [one for one in (said.amount, *amounts) if one.currency != own]
    if wrong or min([said.amount.fen, *(one.fen for one in amounts)]) <= 0:
        checking.say("subsidy.amounts", said.origin, of, subsidy=said.id)
        return
    received = sum(one.amount.fen for one in said.receipts)
    repaid = sum(one.amount.fen for one in said.repayments)
    if received > said.amount.fen or repaid > received:
        checking.say("subsidy.amounts", said.origin, of, subsidy=said.id)
    if said.spans and said.spans[1] <= said.spans[0]:
        at = checking.at(of, "through")
        checking.say("subsidy.spans", at, of, subsidy=said.id)
    if not said.receipts and said.certain_on is None:
        checking.warn("subsidy.nothing-yet", said.origin, of, subsidy=said.id)
