"""What the notes of a disclosure are drawn from: agreements, appraisals, what people wrote, and
what resources, rights, products, deals and bills say for the voluntary items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sanhua.asset.bill import Invoice
from sanhua.asset.product import DataProduct
from sanhua.asset.rights import RightsClaim
from sanhua.capital.known import known_card
from sanhua.capital.note import Agreement, Known, Listed, Sum, Valued
from sanhua.kernel.figure import Part
from sanhua.kernel.ids import key_of, node
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence
from sanhua.kernel.ports import Uow
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, parse_day
from sanhua.project.model import Entity
from sanhua.report.disclosure import Issue
from sanhua.resource.publish import DataResource
from sanhua.resource.quality import Quality
from sanhua.verify import open_note
from sanhua.workspace.measuring import metered
from sanhua.workspace.opening import Workspace

ROWS_MAX = 60  # of what an item lists; the rest is counted
_FORMS = {
    "derivative": Text("衍生品", "derivative"),
    "tool": Text("工具", "tool"),
    "service": Text("服务", "service"),
}
_RIGHTS = {
    "hold": Text("持有", "hold"),
    "use": Text("使用", "use"),
    "operate": Text("经营", "operate"),
}
_PURPOSES = {
    "pledge": "质押",
    "contribute": "作价出资",
    "trade": "交易",
    "disclose": "披露",
}


def together(found: Sequence[Known]) -> Known:
    """What is known of a group, its head first; people speak for it in the head's books."""
    listed: dict[str, Listed] = {}
    for one in found:
        for item, of in one.listed.items():
            before = listed[item].rows if item in listed else ()
            listed[item] = Listed(of.columns, (*before, *of.rows))
    return Known(
        {key: card for one in found for key, card in one.cards.items()},
        tuple(agreement for one in found for agreement in one.agreements),
        tuple(valued for one in found for valued in one.valued),
        listed,
        found[0].said,
    )


def known(
    ws: Workspace, uow: Uow, entity: Entity, period: Period, as_at: date | None = None
) -> Known:
    """What the project and the store know for the notes of `entity` over `period`.

    As at an earlier day: what was decided, agreed, valued and said by then; what resources and
    products were on that day is not drawn up.
    """
    found = _now(ws, uow, entity, period)
    if as_at is None:
        return found
    return Known(
        {key: known_card(card, as_at) for key, card in found.cards.items()},
        tuple(a for a in found.agreements if a.starts_on is None or a.starts_on <= as_at),
        tuple(one for one in found.valued if one.base_date <= as_at),
        {},
        {item: said for item, said in found.said.items() if said.date <= as_at},
    )


def _now(ws: Workspace, uow: Uow, entity: Entity, period: Period) -> Known:
    project, party = ws.project, node("party", entity.id)
    resources = [
        one
        for one in uow.all(DataResource)
        if one.owner == party and key_of(one.id) in project.contracts
    ]
    products = [
        one
        for one in uow.all(DataProduct)
        if one.provider == party and key_of(one.id) in project.products
    ]
    claims = [one for one in uow.all(RightsClaim) if key_of(one.id) in project.claims]
    bills = [one for one in uow.all(Invoice) if one.provider == party and one.dated in period]
    drawn = {
        "scenarios": _scenarios(ws, products, period),
        "raw_data": _raw_data(ws, uow, resources, claims),
        "processing": _processing(uow, resources),
        "application": _application(ws, products, bills, entity.currency, period),
        "limits": _limits(ws, resources, products, claims),
    }
    own = (card for card in project.assets.values() if card.entity == entity.id and card.measured)
    cards = {card.id: card for card in metered(uow, own)}
    agreements = (
        _agreement(ws, one, entity)
        for one in project.financings.values()
        if one["entity"] == entity.id
    )
    return Known(
        cards,
        tuple(agreements),
        tuple(_valued(ws, one) for one in project.appraisals.values() if one["asset"] in cards),
        {item: listed for item, listed in drawn.items() if listed.rows},
        project.notes.get(entity.id, {}).get(period.id, {}),
    )


def issue_of(ws: Workspace, entity: Entity, checkpoint: str) -> Issue:
    """Whose documents they are, and the signed checkpoint that they stand at."""
    party = ws.project.parties.get(entity.id)
    signed = open_note(checkpoint, None)
    return Issue(
        party.name if party else entity.id,
        party.uscc if party else "",
        f"sha256:{signed.root.hex()}",
        signed.size,
        {key: one.name for key, one in ws.project.parties.items()},
    )


def _agreement(ws: Workspace, said: Mapping[str, Any], entity: Entity) -> Agreement:
    through = said.get("through")
    amount = said.get("amount")
    return Agreement(
        said["id"],
        said["kind"],
        tuple(said.get("assets") or ([said["asset"]] if said.get("asset") else [])),
        _party(ws, said.get("lender", "")),
        Money.parse(str(amount), entity.currency) if amount else None,
        said["origin"],
        parse_day(str(said["from"])) if said.get("from") else None,
        parse_day(str(through)) + timedelta(days=1) if through else None,
    )


def _valued(ws: Workspace, said: Mapping[str, Any]) -> Valued:
    asset = ws.project.assets[said["asset"]]
    method = " ".join(f"{kind} {form}" for kind, form in said["method"].items() if kind != "note")
    return Valued(
        said["id"],
        asset.title.say("zh"),
        _PURPOSES[said["purpose"]],
        method,
        parse_day(str(said["base_date"])),
        _party(ws, said["appraiser"]),
        f"{Money.parse(str(said['value'])).posted().amount:,.2f}",
        tuple(_flat(said["inputs"])),
        tuple(_paper(ws, paper) for paper in said.get("evidence", ())),
    )


def _paper(ws: Workspace, said: Any) -> Evidence:
    if isinstance(said, Mapping):
        return Evidence(str(said["sha256"]), title=str(said["title"]))
    return Evidence(ws.project.files[said].sha256, path=said)


def _flat(said: Any, under: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(said, Mapping):
        for key, value in said.items():
            yield from _flat(value, f"{under}.{key}" if under else str(key))
    elif isinstance(said, (list, tuple)):
        yield under, " ".join(map(str, said))
    else:
        yield under, str(said)


def _party(ws: Workspace, id: str) -> str:
    found = ws.project.parties.get(id)
    return found.name if found else id


# The voluntary items


def _scenarios(ws: Workspace, products: list[DataProduct], period: Period) -> Listed:
    columns = (
        Text("产品", "Product"),
        Text("形态", "Form"),
        Text("合约用途（场景）", "Purposes agreed"),
        Text("期内合约的买方数", "Buyers in the period"),
    )
    rows: list[tuple[Text | Sum, ...]] = []
    for product in products:
        deals = _deals(ws, product, period)
        purposes = sorted({purpose for deal in deals for purpose in deal.purposes})
        rows.append(
            (
                product.title,
                _FORMS[product.form.value],
                _same("、".join(purposes) or "—"),
                _same(str(len({deal.consumer for deal in deals}))),
            )
        )
    return _listed(columns, rows)


def _raw_data(
    ws: Workspace, uow: Uow, resources: list[DataResource], claims: list[RightsClaim]
) -> Listed:
    columns = (
        Text("数据资源", "Resource"),
        Text("类型（领域）", "Kind (domain)"),
        Text("规模：表 / 行", "Size: tables, rows"),
        Text("来源", "Source"),
        Text("权属", "Rights"),
        Text("质量得分（可评估指标）", "Quality (indicators with a basis)"),
    )
    rows: list[tuple[Text | Sum, ...]] = []
    for resource in resources:
        of = [one for one in claims if key_of(one.resource) == key_of(resource.id)]
        contract = ws.project.contracts[key_of(resource.id)]
        judged = uow.find(Quality, resource.quality)
        quality = "—"
        if judged is not None and judged.score is not None:
            total = len(judged.indicators)
            quality = f"{judged.score:.4f}（{total - judged.not_assessable}/{total}）"
        held = sorted({right.value for one in of for right in one.rights})
        rows.append(
            (
                resource.title,
                _same(contract.domain or "—"),
                _same(f"{len(resource.tables)} / {resource.rows:,}"),
                _same("、".join(sorted({one.source for one in of})) or "—"),
                Text(
                    "、".join(_RIGHTS[right].zh for right in held) or "—",
                    ", ".join(_RIGHTS[right].en for right in held) or "—",
                ),
                _same(quality),
            )
        )
    return _listed(columns, rows)


def _processing(uow: Uow, resources: list[DataResource]) -> Listed:
    columns = (
        Text("数据资源", "Resource"),
        Text("更新频率", "Cadence"),
        Text("质量检查：通过 / 共", "Checks: passed, all"),
        Text("分级（GB/T 43697）", "Grade (GB/T 43697)"),
    )
    rows: list[tuple[Text | Sum, ...]] = []
    for resource in resources:
        judged = uow.find(Quality, resource.quality)
        checks = "—" if judged is None else f"{judged.passed} / {judged.checks}"
        rows.append(
            (
                resource.title,
                _same(resource.cadence.value),
                _same(checks),
                _same(resource.grade.name.lower()),
            )
        )
    return _listed(columns, rows)


def _application(
    ws: Workspace,
    products: list[DataProduct],
    bills: list[Invoice],
    currency: str,
    period: Period,
) -> Listed:
    columns = (
        Text("产品", "Product"),
        Text("交付", "Delivery"),
        Text("计费方案", "Plans"),
        Text("期内合约", "Deals in the period"),
        Text("本期账单（不含税）", "Billed in the period, net"),
    )
    rows: list[tuple[Text | Sum, ...]] = []
    for product in products:
        key = key_of(product.id)
        parts = tuple(
            Part(bill.id, bill.net.posted().amount, "net.amount")
            for bill in bills
            if key_of(bill.product) == key and bill.net.currency == currency
        )
        label = Text(
            f"{product.title.zh} 本期账单（不含税）", f"{product.title.say('en')}, billed net"
        )
        rows.append(
            (
                product.title,
                _same("、".join(product.delivery)),
                _same("、".join(plan.id for plan in ws.project.products[key].plans) or "—"),
                _same(str(len(_deals(ws, product, period)))),
                Sum(f"application.{key}", "billed", label, parts),
            )
        )
    return _listed(columns, rows)


def _limits(
    ws: Workspace,
    resources: list[DataResource],
    products: list[DataProduct],
    claims: list[RightsClaim],
) -> Listed:
    """Limits written in claims, and what the policies of products forbid or bound."""
    columns = (Text("对象", "Of"), Text("限制", "Limit"), Text("出处", "Said in"))
    rows: list[tuple[Text | Sum, ...]] = []
    titles = {key_of(one.id): one.title for one in resources}
    for claim in claims:
        key = key_of(claim.resource)
        if key not in titles:
            continue
        said = [claim.limits] if claim.limits else []
        said += [f"{right}：{what}" for right, what in claim.conditions.items()]
        if claim.ends_on:
            said.append(f"至 {claim.ends_on} 前 until {claim.ends_on}")
        if said:
            rows.append((titles[key], _same("；".join(said)), _same(claim.id)))
    for product in products:
        policy = ws.project.policies.get(key_of(product.policy))
        if policy is None:
            continue
        said = [f"{key} {value}" for key, value in policy.permit.items()]
        said += [f"禁止 forbid {what}" for what in policy.forbid]
        if said:
            rows.append((product.title, _same("；".join(said)), _same(f"policy:{policy.id}")))
    return _listed(columns, rows)


def _deals(ws: Workspace, product: DataProduct, period: Period) -> list[Any]:
    return [
        deal
        for deal in ws.project.deals.values()
        if deal.product == key_of(product.id)
        and deal.starts_on < period.ends_on
        and deal.ends_on > period.starts_on
    ]


def _listed(columns: tuple[Text, ...], rows: list[tuple[Text | Sum, ...]]) -> Listed:
    left = len(rows) - ROWS_MAX
    if left > 0:
        rest = tuple(_same("…") for _ in columns[1:])
        rows = [*rows[:ROWS_MAX], (Text(f"另有 {left} 项", f"{left} more"), *rest)]
    return Listed(columns, tuple(rows))


def _same(text: str) -> Text:
    return Text(text, text)
