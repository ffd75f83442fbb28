"""Notes 附注: every other item that 财会〔2023〕11号 asks for or admits, each as a form.

A form takes what the system knows; what only a person can say stands in `books/notes/<period>.yaml`
with name and day. What nobody gave is said to be missing, with what is wanted. Every amount is a
figure. An appraised value is shown as text alone: it is no figure of the books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from sanhua.capital.measure import Carrying, Kind, Layer, Movement, carry
from sanhua.capital.measure.spread import ALIASES, UNITS
from sanhua.capital.recognise import (
    AssetCard,
    AssetEntry,
    Judged,
    Life,
    Outcome,
    Recognition,
    Route,
    Use,
    Verdict,
)
from sanhua.capital.voucher import AccountingPolicy
from sanhua.kernel import ids
from sanhua.kernel.errors import Citation, Invalid
from sanhua.kernel.figure import Figure, Part, Posted
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Rules
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months, parse_day

INSTRUMENT = "mof_2023_11"
LISTED_MAX = 30  # assets that a note lists one by one
PARTS = ("intangible", "inventory", "valued", "voluntary")  # in the order of the instrument


class Status(StrEnum):
    FILLED = "filled"  # 已填
    PARTLY = "partly"  # 部分: a person must still say something
    NONE = "none"  # 无: the books show no such thing
    WANTING = "wanting"  # 未填


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of an item, who and when (`books/notes/<period>.yaml`)."""

    text: Text
    by: str
    date: date
    origin: Origin
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """A financing 融资 in force or made in the period, as `books/financings/` says it."""

    id: str
    kind: str  # pledge credit abs equity trust
    assets: tuple[str, ...]
    party: str
    amount: Money | None
    origin: Origin
    starts_on: date | None = None
    ends_on: date | None = None

    @property
    def restricts(self) -> bool:
        """Whether its assets stand as security or title is given up."""
        return self.kind in ("pledge", "abs", "trust")


@dataclass(frozen=True, slots=True)
class Valued:
    """An appraisal 评估, for display only."""

    id: str
    asset: str
    purpose: str
    method: str
    base_date: date
    appraiser: str
    value: str
    inputs: tuple[tuple[str, str], ...]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of an earlier stage that a note shows: what adds up to it."""

    line: str
    column: str
    label: Text
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """What the stages before know for an item, drawn up by the workspace."""

    columns: tuple[Text, ...]
    rows: tuple[tuple[Text | Sum, ...], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What the notes of an entity are drawn from. `cards` by asset id, `listed` and `said` by
    item.
    """

    cards: Mapping[str, AssetCard] = field(default_factory=dict[str, AssetCard])
    agreements: tuple[Agreement, ...] = ()
    valued: tuple[Valued, ...] = ()
    listed: Mapping[str, Listed] = field(default_factory=dict[str, Listed])
    said: Mapping[str, Said] = field(default_factory=dict[str, Said])


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a note: words, or an amount with its figure."""

    text: Text = Text()
    figure: str = ""
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the notes. `wanted` says what is missing; empty when nothing is."""

    id: str
    part: str
    label: Text
    rule: Citation
    status: Status
    columns: tuple[Text, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    told: tuple[Text, ...] = ()
    said: Said | None = None
    wanted: Text = Text()

    @property
    def mandatory(self) -> bool:
        return self.part != "voluntary"


@dataclass(frozen=True, slots=True)
class Form:
    """What was found for an item. `applies` is whether the books show such a thing at all, `lacks`
    whether a person must still say something.
    """

    columns: tuple[Text, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    told: tuple[Text, ...] = ()
    applies: bool = True
    lacks: bool = False


ROUTES = {
    Route.PURCHASED: Text("外购", "purchased"),
    Route.SELF_DEVELOPED: Text("自行开发", "self-developed"),
    Route.OTHER: Text("其他方式", "otherwise obtained"),
}
METHODS = {
    "straight_line": Text("年限平均法（直线法）", "straight line"),
    "units_of_production": Text("产量法", "units of production"),
    "double_declining": Text("双倍余额递减法", "double declining balance"),
    "sum_of_years": Text("年数总和法", "sum of the years' digits"),
}
FINANCINGS = {
    "pledge": Text("质押", "pledge"),
    "credit": Text("增信", "credit"),
    "abs": Text("证券化", "securitisation"),
    "equity": Text("作价入股", "contribution in kind"),
    "trust": Text("信托", "trust"),
}
_ACTS = {
    "classified": Text("划分为持有待售", "classified as held for sale"),
    "remeasured": Text("重新计量", "remeasured"),
    "returned": Text("不再划分为持有待售", "no longer held for sale"),
}
_HELD_SAID = {  # keys of `measurement.held_for_sale`, the latest of each
    "fair_value": Text("公允价值", "Fair value"),
    "cost_to_sell": Text("预计出售费用", "Costs to sell"),
    "expected_by": Text("预计出售时间", "Sale expected by"),
}
HELD = {Layer.HELD: 1, Layer.HELD_PROVISION: -1}
_ASSET = Text("资产", "Asset")
_CARRYING = Text("期末账面价值", "Carrying amount")
_JUDGED = Text("判断人与日期", "Judged by, on")
_BASIS = Text("依据", "Basis")
_DAY = Text("日期", "Date")
_CONTENT = Text("内容", "Content")
_REASON = Text("原因", "Reason")
_AGREEMENT = Text("限制（协议）", "Restricted by")
_TERM = Text("期限", "Term")
_NOTHING = Text("账册中无此事项。", "The books show no such thing.")


def draw(
    entity: str,
    period: Period,
    currency: str,
    entries: Sequence[AssetEntry],
    carryings: Sequence[Carrying],
    policy: AccountingPolicy,
    known: Known,
    rules: Rules,
    layers: Mapping[str, Mapping[Layer, int]],
    on: date,
) -> tuple[tuple[Item, ...], dict[str, Figure]]:
    """The items in the order of the instrument, and the figures of their amounts, by the rules in
    force on `on`.

    `layers` are those behind each balance-sheet line, with their signs.
    """
    noting = _Noting(
        *(ids.key_of(entity), period, currency, entries, carryings, policy),
        *(known, rules, layers, on),
    )
    items: list[Item] = []
    for part in PARTS:
        asked = rules.ask(INSTRUMENT, f"notes_{part}", on=on)
        for one in asked.value:
            form = noting.form(one["id"])
            said = known.said.get(one["id"])
            wanted = Text(one["wanted"], one["wanted_en"])
            if form.rows or said:
                status = Status.FILLED
            elif part != "voluntary" and not form.applies:
                status = Status.NONE
            elif form.told and not form.lacks:
                status = Status.FILLED
            else:
                status = Status.WANTING
            missing = status is Status.WANTING or (form.lacks and said is None)
            if missing and status is Status.FILLED:
                status = Status.PARTLY
            items.append(
                Item(
                    one["id"],
                    part,
                    Text(one["zh"], one["en"]),
                    asked.citation,
                    status,
                    form.columns if form.rows else (),
                    form.rows,
                    form.told or ((_NOTHING,) if status is Status.NONE else ()),
                    said,
                    wanted if missing else Text(),
                )
            )
    return tuple(items), noting.figures


def months_left(card: AssetCard, on: date) -> int | None:
    """The months still to be amortised after `on`; None without a finite life in months."""
    life, ready = card.measurement.life, card.measurement.available_on
    if life is None or life.indefinite or not life.months or ready is None:
        return None
    months = life.months
    for entry in _by_day(card.measurement.estimates):
        if "months" in entry and parse_day(entry["date"]) <= on:
            months = int(entry["months"])
    gone = (on.year - ready.year) * 12 + on.month - ready.month + 1
    return max(0, months - max(0, gone))


class _Noting:
    """Draws the forms of one entity and period; keeps the figures."""

    def __init__(
        self,
        entity: str,
        period: Period,
        currency: str,
        entries: Sequence[AssetEntry],
        carryings: Sequence[Carrying],
        policy: AccountingPolicy,
        known: Known,
        rules: Rules,
        layers: Mapping[str, Mapping[Layer, int]],
        on: date,
    ) -> None:
        self.entity, self.period, self.currency = entity, period, currency
        self.entries, self.carryings, self.policy = entries, carryings, policy
        self.known, self.rules, self.layers, self.on = known, rules, layers, on
        self.figures: dict[str, Figure] = {}
        self.forms: dict[str, Callable[[], Form]] = {
            "intangible_lives": self.lives,
            "intangible_indefinite": self.indefinite,
            "intangible_changes": self.changes,
            "intangible_material": lambda: self.material("intangible"),
            "intangible_restricted": lambda: self.restricted("intangible"),
            "intangible_research": self.research,
            "intangible_impairment": self.impairment,
            "intangible_held_for_sale": self.held_for_sale,
            "inventory_issue": self.issue,
            "inventory_nrv": self.realisable,
            "inventory_material": lambda: self.material("inventory"),
            "inventory_restricted": lambda: self.restricted("inventory"),
            "valued": self.valued,
            "transactions": self.transactions,
            "lapsed": self.lapsed,
        }

    def form(self, item: str) -> Form:
        """The form of an item; an item that only people can fill has an empty one."""
        draw = self.forms.get(item)
        if draw is not None:
            return draw()
        listed = self.known.listed.get(item)
        if listed is None:
            return Form(applies=False)
        rows = tuple(tuple(self._listed(cell) for cell in row) for row in listed.rows)
        return Form(listed.columns, rows, lacks=True)

    # Intangible assets

    def lives(self) -> Form:
        columns = (
            _ASSET,
            Text("取得方式", "Route"),
            Text("使用寿命（月）", "Life, months"),
            Text("摊销方法", "Method"),
            Text("残值率", "Residual"),
            Text("可供使用日", "Available on"),
            Text("寿命依据；判断人", "Reasons; judged by"),
            _CARRYING,
        )
        found: list[tuple[Carrying, AssetCard, Life, tuple[Text, str, Text, str]]] = []
        for carrying, card, life in self._with_life():
            if not life.indefinite:
                found.append((carrying, card, life, self._estimated(carrying, card, life)))
        rows: list[tuple[Cell, ...]] = []
        if len(found) <= LISTED_MAX:
            for carrying, card, life, how in found:
                reasons = "、".join(life.reasons)
                rows.append(
                    (
                        Cell(carrying.title),
                        *map(_cell, how),
                        _plain(str(card.measurement.available_on or "")),
                        _plain("；".join(part for part in (reasons, _judged(life)) if part)),
                        self._carried("intangible", "intangible_lives", [carrying]),
                    )
                )
        else:  # too many to list: by how they are amortised
            alike: dict[tuple[Text, str, Text, str], list[Carrying]] = {}
            for carrying, _, _, how in found:
                alike.setdefault(how, []).append(carrying)
            for number, (how, group) in enumerate(alike.items(), 1):
                rows.append(
                    (
                        Cell(Text(f"{len(group)} 项", f"{len(group)} items")),
                        *map(_cell, how),
                        _plain("—"),
                        _plain("—"),
                        self._carried("intangible", f"intangible_lives.group_{number}", group),
                    )
                )
        lacks = any(life.judged is None for _, _, life, _ in found)
        return Form(columns, tuple(rows), applies=bool(rows), lacks=lacks)

    def _estimated(
        self, carrying: Carrying, card: AssetCard, life: Life
    ) -> tuple[Text, str, Text, str]:
        """Route, months, method and residual as they stand at the end of the period."""
        months, residual = life.months, self.policy.residual
        method = card.measurement.method.get("kind", self.policy.amortisation)
        for entry in _by_day(card.measurement.estimates):
            if parse_day(entry["date"]) < self.period.ends_on:
                months = int(entry.get("months", months))
                method = entry.get("method", method)
                if "residual" in entry:
                    residual = Decimal(entry["residual"].removesuffix("%")) / 100
        method = ALIASES.get(method, method)
        named = METHODS.get(method, Text(method, method))
        return ROUTES[carrying.route], str(months or "—"), named, f"{residual:.2%}"

    def indefinite(self) -> Form:
        rows = tuple(
            (
                Cell(carrying.title),
                self._carried("intangible", "intangible_indefinite", [carrying]),
                _plain("、".join(life.reasons)),
                _plain(_judged(life)),
            )
            for carrying, _, life in self._with_life()
            if life.indefinite
        )
        columns = (_ASSET, _CARRYING, _BASIS, _JUDGED)
        return Form(columns, rows, applies=bool(rows))

    def changes(self) -> Form:
        """Estimates changed in the period; the effect is amortisation with less without them."""
        columns = (
            _ASSET,
            _DAY,
            _CONTENT,
            Text("原因；判断人", "Reason; judged by"),
            Text("对本期摊销的影响", "Effect on amortisation now"),
            Text("对其后 12 个月的影响", "Effect in the 12 months after"),
        )
        rows: list[tuple[Cell, ...]] = []
        lacks = False
        for carrying in self._intangible():
            card = self.known.cards.get(ids.key_of(carrying.asset))
            changed = (
                [e for e in _by_day(card.measurement.estimates) if self._now(e)] if card else []
            )
            if card is None or not changed:
                continue
            entry = changed[-1]
            before = tuple(e for e in card.measurement.estimates if e not in changed)
            content = "；".join(
                f"{day} {what}" for day, what in ((e["date"], _told(e, _CHANGE)) for e in changed)
            )
            reason = "；".join(filter(None, (_reason(e) for e in changed)))
            lacks = lacks or not reason
            by = f"{entry.get('judged.by', '')} {entry.get('judged.date', '')}".strip()
            alone = not any(m.source.startswith("elimination:") for m in carrying.movements)
            now, later = self._effect(card, before) if alone else (None, None)
            line = f"intangible_changes.{card.id}"
            rows.append(
                (
                    Cell(carrying.title),
                    _plain(entry["date"]),
                    _plain(content),
                    _plain("；".join(filter(None, (reason, by)))),
                    self._computed(line, "now", carrying, columns[4], now),
                    self._computed(line, "later", carrying, columns[5], later),
                )
            )
        return Form(columns, tuple(rows), applies=bool(rows), lacks=lacks)

    def _effect(
        self, card: AssetCard, before: tuple[Mapping[str, str], ...]
    ) -> tuple[Money | None, Money | None]:
        entry = next((e for e in self.entries if ids.key_of(e.id) == card.id), None)
        if entry is None:
            return None, None
        ends = add_months(self.period.ends_on, 12)
        found: list[tuple[Money, Money]] = []
        was = replace(card, measurement=replace(card.measurement, estimates=before))
        recognition = Recognition(entry.id, self.currency, entry.verdicts, entry.starts_on)
        for one in (card, was):
            try:
                made = carry(one, recognition, self.policy, self.rules, ends - timedelta(days=1))
            except Invalid:
                return None, None
            after = Period("", self.period.ends_on, ends)
            charged = (Kind.CHARGED,)
            found.append(
                (
                    made.moved(Layer.AMORTISATION, self.period, charged),
                    made.moved(Layer.AMORTISATION, after, charged),
                )
            )
        return found[0][0] - found[1][0], found[0][1] - found[1][1]

    def material(self, line: str) -> Form:
        """Items whose carrying amount reaches the policy's `materiality`."""
        level = self.policy.materiality
        carried = self._intangible() if line == "intangible" else self._stock()
        there = [c for c in carried if self._amount(line, c)]
        if level is None:
            return Form(applies=bool(there), lacks=bool(there))
        last = (
            Text("剩余摊销期限（月）", "Months left")
            if line == "intangible"
            else Text("可变现净值", "Net realisable value")
        )
        rows: list[tuple[Cell, ...]] = []
        for carrying in there:
            if (self._amount(line, carrying) - level).amount < 0:
                continue
            card = self.known.cards.get(ids.key_of(carrying.asset))
            left: int | None = months_left(card, self.period.through) if card else None
            if line == "intangible":
                shown = _plain("—" if left is None else str(left))
            else:
                nrv = self._latest_nrv(card)
                shown = _plain(nrv.text if nrv is not None else "—")
            rows.append(
                (
                    Cell(carrying.title),
                    Cell(ROUTES[carrying.route]),
                    self._carried(line, f"{line}_material", [carrying]),
                    shown,
                )
            )
        told = Text(
            f"重要性水平 {level.text} {level.currency}，达到的 {len(rows)} 项。",
            f"Materiality {level.text} {level.currency}; {len(rows)} items reach it.",
        )
        columns = (_ASSET, Text("取得方式", "Route"), _CARRYING, last)
        return Form(columns, tuple(rows), (told,))

    def restricted(self, line: str) -> Form:
        """What stands as security at the end of the period; not what was released before it."""
        carried = self._intangible() if line == "intangible" else self._stock()
        columns = (_ASSET, _AGREEMENT, _TERM, _CARRYING)
        if line == "intangible":
            columns += (Text("本期摊销额", "Amortisation of the period"),)
        rows: list[tuple[Cell, ...]] = []
        for agreement in self.known.agreements:
            lifted = agreement.ends_on and agreement.ends_on < self.period.ends_on
            if not agreement.restricts or lifted or not self._in_force(agreement):
                continue
            for carrying in carried:
                if ids.key_of(carrying.asset) not in agreement.assets:
                    continue
                of = f"{line}_restricted.{agreement.id}"
                kind = FINANCINGS[agreement.kind]
                row = (
                    Cell(carrying.title),
                    Cell(
                        Text(
                            f"{kind.zh} {agreement.id}（{agreement.party}）",
                            f"{kind.en} {agreement.id} ({agreement.party})",
                        )
                    ),
                    _plain(_term(agreement)),
                    self._carried(line, of, [carrying]),
                )
                if line == "intangible":
                    row += (self._amortised(of, carrying),)
                rows.append(row)
        return Form(columns, tuple(rows), applies=bool(rows))

    def research(self) -> Form:
        """Spending of the period on self-developed projects, by what became of it."""
        outcomes = {
            Outcome.CAPITALISED: Text("资本化", "Capitalised"),
            Outcome.EXPENSED: Text("费用化", "Expensed"),
            Outcome.REFUSED: Text("不得资本化", "May not be carried"),
            Outcome.WAITING: Text("待定", "Waiting"),
        }
        found: list[tuple[AssetEntry, list[Verdict]]] = []
        for entry in self.entries:
            lines = [
                v
                for v in entry.verdicts
                if v.dated in self.period and v.amount.currency == self.currency
            ]
            if lines and entry.route is Route.SELF_DEVELOPED:
                found.append((entry, lines))
        groups = [[one] for one in found] if len(found) <= LISTED_MAX else [found]
        rows: list[tuple[Cell, ...]] = []
        for group in groups:
            first = group[0][0]
            title = first.title
            if len(group) > 1:
                title = Text(f"{len(group)} 个项目", f"{len(group)} projects")
            cells: list[Cell] = [Cell(title)]
            for outcome, label in outcomes.items():
                by: dict[str, Money] = {}
                for verdict in (v for _, lines in group for v in lines if v.outcome is outcome):
                    by[verdict.voucher] = by.get(verdict.voucher, self._zero) + verdict.amount
                line = "intangible_research"
                line += "" if len(group) > 1 else f".{ids.key_of(first.id)}"
                assets = [entry.id for entry, _ in group]
                named = self._named(title, label)
                cells.append(self._keep(line, outcome.value, named, by, assets))
            rows.append(tuple(cells))
        columns = (Text("研发项目", "Project"), *outcomes.values())
        return Form(columns, tuple(rows), applies=bool(rows))

    def impairment(self) -> Form:
        columns = (
            _ASSET,
            Text("期末减值准备", "Provision at the end"),
            Text("本期计提", "Charged in the period"),
            Text("测试（日期、可收回金额与依据、判断人）", "Tests"),
        )
        rows: list[tuple[Cell, ...]] = []
        for carrying in self._intangible():
            card = self.known.cards.get(ids.key_of(carrying.asset))
            tests = [e for e in card.measurement.impairments if self._now(e)] if card else []
            if not tests and not carrying.balance(Layer.IMPAIRMENT, self.period.ends_on):
                continue
            line = f"intangible_impairment.{ids.key_of(carrying.asset)}"
            rows.append(
                (
                    Cell(carrying.title),
                    self._moved(
                        line, "closing", columns[1], carrying, lambda m: m.layer is Layer.IMPAIRMENT
                    ),
                    self._moved(
                        line,
                        "charged",
                        columns[2],
                        carrying,
                        lambda m: (
                            m.layer is Layer.IMPAIRMENT
                            and m.kind is Kind.CHARGED
                            and m.day in self.period
                        ),
                    ),
                    _plain("；".join(f"{e['date']} {_told(e)}" for e in tests) or "本期未测试"),
                )
            )
        return Form(columns, tuple(rows), applies=bool(rows))

    def held_for_sale(self) -> Form:
        """What is held for sale at the end, and what was so in the period: a row an asset. Its
        carrying amount is 持有待售资产 less its provision, on none of the lines of data.
        """
        rows: list[tuple[Cell, ...]] = []
        for carrying in self._intangible():
            card = self.known.cards.get(ids.key_of(carrying.asset))
            facts = _by_day(card.measurement.held_for_sale) if card else []
            facts = [f for f in facts if parse_day(f["date"]) < self.period.ends_on]
            there = bool(carrying.balance(Layer.HELD, self.period.ends_on))
            was = bool(carrying.balance(Layer.HELD, self.period.starts_on))
            if not facts or not (there or was or any(map(self._now, facts))):
                continue
            stands = {key: value for fact in facts for key, value in fact.items()}
            happened = [
                Text(
                    "，".join(filter(None, (f["date"], _ACTS[f["act"]].zh, _why(f)))),
                    ", ".join(filter(None, (f["date"], _ACTS[f["act"]].en, _why(f)))),
                )
                for f in facts
            ]
            rows.append(
                (
                    Cell(carrying.title),
                    Cell(
                        Text(
                            "；".join(one.zh for one in happened),
                            "; ".join(one.en for one in happened),
                        )
                    ),
                    *(_plain(stands.get(key, "—")) for key in _HELD_SAID),
                    self._carried(HELD, "intangible_held_for_sale", [carrying]),
                )
            )
        columns = (_ASSET, _CONTENT, *_HELD_SAID.values(), _CARRYING)
        return Form(columns, tuple(rows), applies=bool(rows))

    # Inventories

    def issue(self) -> Form:
        if not self._stock():
            return Form(applies=False)
        methods = self.rules.ask("cas_1", "issue_methods", on=self.on)
        chosen = {"first_in_first_out": "fifo"}.get(
            self.policy.inventory_issue, self.policy.inventory_issue
        )
        named = {one["id"]: Text(one["zh"], one["en"]) for one in methods.value}
        method = named.get(chosen, Text(chosen))
        told = Text(
            f"发出数据资源存货按{method.zh}计价（{methods.cite}）。",
            f"Issued data inventory is costed by {method.say('en')} ({methods.cite}).",
        )
        return Form(told=(told,))

    def realisable(self) -> Form:
        columns = (
            _ASSET,
            Text("可变现净值及依据", "Net realisable value and basis"),
            Text("本期计提", "Provided"),
            Text("本期转回", "Reversed"),
            Text("期末跌价准备", "Write-down at the end"),
        )
        rows: list[tuple[Cell, ...]] = []
        for carrying in self._stock():
            card = self.known.cards.get(ids.key_of(carrying.asset))
            tests = [e for e in card.measurement.nrv if self._now(e)] if card else []
            if not tests and not carrying.balance(Layer.WRITE_DOWN, self.period.ends_on):
                continue
            basis = "；".join(
                f"{e['date']} {value.text if (value := self._nrv(e)) else '—'}（{_told(e)}）"
                for e in tests
            )
            line = f"inventory_nrv.{ids.key_of(carrying.asset)}"

            def kind(of: Kind) -> Callable[[Movement], bool]:
                return lambda m: (
                    m.layer is Layer.WRITE_DOWN and m.kind is of and m.day in self.period
                )

            rows.append(
                (
                    Cell(carrying.title),
                    _plain(basis or "本期未测试"),
                    self._moved(line, "provided", columns[2], carrying, kind(Kind.CHARGED)),
                    self._moved(line, "reversed", columns[3], carrying, kind(Kind.REVERSED), -1),
                    self._moved(
                        line, "closing", columns[4], carrying, lambda m: m.layer is Layer.WRITE_DOWN
                    ),
                )
            )
        told = Text(
            "期末按成本与可变现净值孰低计量；"
            "可变现净值 = 估计售价 − 至完工成本 − 销售费用 − 相关税费。",
            "Measured at the lower of cost and net realisable value: estimated price less cost to "
            "finish, cost to sell and tax.",
        )
        return Form(columns, tuple(rows), (told,) if self._stock() else (), bool(self._stock()))

    def _nrv(self, entry: Mapping[str, str]) -> Money | None:
        if "price" not in entry:
            return None
        value = Money.parse(entry["price"], self.currency)
        for less in ("cost_to_finish", "cost_to_sell", "tax"):
            if less in entry:
                value = value - Money.parse(entry[less], self.currency)
        return value

    def _latest_nrv(self, card: AssetCard | None) -> Money | None:
        tests = card.measurement.nrv if card else ()
        before = [e for e in tests if parse_day(e["date"]) < self.period.ends_on]
        return self._nrv(max(before, key=lambda e: e["date"])) if before else None

    # Valued data, transactions, lapse

    def valued(self) -> Form:
        columns = (
            _ASSET,
            Text("评估基准日、目的", "Base day, purpose"),
            Text("方法", "Method"),
            Text("评估机构；信息来源", "Appraiser; sources"),
            Text("关键参数", "Key parameters"),
            Text("评估值（仅供展示）", "Value (for display only)"),
        )
        rows = tuple(
            (
                _plain(one.asset),
                _plain(f"{one.base_date} {one.purpose}"),
                _plain(one.method),
                _plain("；".join([one.appraiser, *(p.title or p.path for p in one.evidence)])),
                _plain("；".join(f"{key} {value}" for key, value in one.inputs)),
                _plain(one.value),
            )
            for one in self.known.valued
            if one.base_date < self.period.ends_on
        )
        if not rows:
            return Form(applies=False)
        wall = self._wall()
        return Form(columns, rows, (wall,), lacks=True)

    def _wall(self) -> Text:
        from sanhua.kernel.errors import RuleGap

        told = Text(
            "评估值不是入账或调账的依据，本报告的任何金额都不取自评估。",
            "An appraised value is no basis of booking; no amount of this report comes from one.",
        )
        try:
            rule = self.rules.ask("mof_2025_33", "posting_may_rest_on_appraisal", on=self.on)
        except RuleGap:
            return told
        return Text(f"{told.zh}（{rule.cite}）", f"{told.en} ({rule.cite})")

    def transactions(self) -> Form:
        columns = (
            Text("事项", "Transaction"),
            Text("对方", "Party"),
            Text("所涉资产", "Assets"),
            _TERM,
            Text("协议金额", "Amount agreed"),
        )
        rows: list[tuple[Cell, ...]] = []
        for one in self.known.agreements:
            if not self._in_force(one):
                continue
            kind = FINANCINGS[one.kind]
            amount = Cell(Text("—", "—"))
            if one.amount is not None and one.amount.currency == self.currency:
                label = Text(f"{kind.zh} {one.id} 协议金额", f"{kind.en} {one.id}, amount agreed")
                part = Part(one.origin.sha256, one.amount.posted().amount)
                amount = self._summed(f"transactions.{one.id}", "agreed", label, (part,))
            elif one.amount is not None:
                amount = _plain(str(one.amount))
            rows.append(
                (
                    Cell(Text(f"{kind.zh} {one.id}", f"{kind.en} {one.id}")),
                    _plain(one.party),
                    _plain("、".join(one.assets)),
                    _plain(_term(one)),
                    amount,
                )
            )
        return Form(columns, tuple(rows), lacks=bool(rows))

    def lapsed(self) -> Form:
        columns = (
            _ASSET,
            _DAY,
            _REASON,
            Text("转出原值", "Gross amount"),
            Text("转出摊销", "Amortisation"),
            Text("转出减值", "Impairment"),
        )
        rows: list[tuple[Cell, ...]] = []
        for carrying in self.carryings:
            days = sorted(
                {
                    m.day
                    for m in carrying.movements
                    if m.kind is Kind.LAPSED and m.day in self.period
                }
            )
            card = self.known.cards.get(ids.key_of(carrying.asset))
            for day in days:
                said = [
                    e
                    for e in (card.measurement.disposals if card else ())
                    if e.get("date") == day.isoformat()
                ]

                line = f"lapsed.{ids.key_of(carrying.asset)}@{day.isoformat()}"
                rows.append(
                    (
                        Cell(carrying.title),
                        _plain(day.isoformat()),
                        _plain("；".join(_told(e) for e in said)),
                        self._moved(
                            *(line, "cost", columns[3], carrying),
                            *(_lapsed_on(day, Layer.COST, Layer.INVENTORY), -1),
                        ),
                        self._moved(
                            *(line, "amortisation", columns[4], carrying),
                            *(_lapsed_on(day, Layer.AMORTISATION), -1),
                        ),
                        self._moved(
                            *(line, "impairment", columns[5], carrying),
                            *(_lapsed_on(day, Layer.IMPAIRMENT, Layer.WRITE_DOWN), -1),
                        ),
                    )
                )
        return Form(columns, tuple(rows), lacks=bool(rows))

    # What is asked of an asset

    def _intangible(self) -> list[Carrying]:
        return [c for c in self.carryings if c.use is not Use.SALE]

    def _stock(self) -> list[Carrying]:
        return [c for c in self.carryings if c.use is Use.SALE]

    def _with_life(self) -> list[tuple[Carrying, AssetCard, Life]]:
        """Intangible assets that were available for use by the end of the period."""
        found: list[tuple[Carrying, AssetCard, Life]] = []
        for carrying in self._intangible():
            card = self.known.cards.get(ids.key_of(carrying.asset))
            if card is None:
                continue
            facts = card.measurement
            life = facts.life
            if life is None and facts.method.get("kind") == UNITS:  # bounded by its units alone
                judged, day = facts.method.get("judged.by"), facts.method.get("judged.date")
                by = Judged(judged, parse_day(day)) if judged and day else None
                life = Life(0, tuple(filter(None, (facts.method.get("reason"),))), by)
            if life is None:
                continue
            ready = card.measurement.available_on
            if ready is not None and ready < self.period.ends_on:
                found.append((carrying, card, life))
        return found

    def _now(self, entry: Mapping[str, str]) -> bool:
        return parse_day(entry["date"]) in self.period

    def _in_force(self, agreement: Agreement) -> bool:
        starts, ends = agreement.starts_on, agreement.ends_on
        return not (starts and starts >= self.period.ends_on) and not (
            ends and ends <= self.period.starts_on
        )

    # Cells and figures

    @property
    def _zero(self) -> Money:
        return Money(Decimal(), self.currency)

    def _amount(self, line: str, carrying: Carrying) -> Money:
        signs = self.layers[line]
        return Money.sum(
            (carrying.balance(layer, self.period.ends_on) * sign for layer, sign in signs.items()),
            self.currency,
        )

    def _carried(
        self, line: str | Mapping[Layer, int], item: str, carried: Sequence[Carrying]
    ) -> Cell:
        """What assets are carried at on a balance-sheet line, or in the layers given with their
        signs, at the end of the period.
        """
        signs = self.layers[line] if isinstance(line, str) else line
        by: dict[str, Money] = {}
        for carrying in carried:
            for m in carrying.movements:
                if m.layer in signs and m.day < self.period.ends_on:
                    by[m.source] = by.get(m.source, self._zero) + m.amount * signs[m.layer]
        one = carried[0] if len(carried) == 1 else None
        where = f"{item}.{ids.key_of(one.asset)}" if one else item
        title = one.title if one else Text(f"{len(carried)} 项", f"{len(carried)} items")
        label = self._named(title, _CARRYING)
        return self._keep(where, "carrying", label, by, [c.asset for c in carried])

    def _amortised(self, item: str, carrying: Carrying) -> Cell:
        label = Text("本期摊销额", "Amortisation of the period")
        where = f"{item}.{ids.key_of(carrying.asset)}"
        return self._moved(
            *(where, "amortisation", label, carrying),
            lambda m: (
                m.layer is Layer.AMORTISATION and m.kind is Kind.CHARGED and m.day in self.period
            ),
        )

    def _moved(
        self,
        line: str,
        column: str,
        label: Text,
        carrying: Carrying,
        which: Callable[[Movement], bool],
        sign: int = 1,
    ) -> Cell:
        by: dict[str, Money] = {}
        for m in carrying.movements:
            if m.day < self.period.ends_on and which(m):
                by[m.source] = by.get(m.source, self._zero) + m.amount * sign
        return self._keep(line, column, self._named(carrying.title, label), by, [carrying.asset])

    def _keep(
        self, line: str, column: str, label: Text, by: Mapping[str, Money], assets: Iterable[str]
    ) -> Cell:
        """A figure posted from vouchers and memos, one posting a source."""
        postings = tuple(Posted(source, m.posted().amount) for source, m in by.items() if m)
        value = Money.sum((Money(p.amount, self.currency) for p in postings), self.currency)
        assets = tuple(assets) if postings else ()
        return self._figure(line, column, label, value, postings=postings, assets=assets)

    def _summed(self, line: str, column: str, label: Text, parts: tuple[Part, ...]) -> Cell:
        value = Money.sum((Money(part.amount, self.currency) for part in parts), self.currency)
        return self._figure(line, column, label, value, parts=tuple(p for p in parts if p.amount))

    def _computed(
        self, line: str, column: str, carrying: Carrying, label: Text, value: Money | None
    ) -> Cell:
        """A figure computed from the asset's memo and file, not added up from postings."""
        if value is None:
            return _plain("—")
        parts = (Part(carrying.asset, value.posted().amount),)
        named = self._named(carrying.title, label)
        return self._figure(line, column, named, value, parts=parts, additive=False)

    def _figure(
        self,
        line: str,
        column: str,
        label: Text,
        value: Money,
        *,
        parts: tuple[Part, ...] = (),
        postings: tuple[Posted, ...] = (),
        assets: tuple[str, ...] = (),
        additive: bool = True,
    ) -> Cell:
        id = ids.figure(self.entity, "note", line, column, self.period.id)
        posted = value.posted()
        self.figures[id] = Figure(
            id, label, posted.amount, self.currency, parts, postings, assets, additive
        )
        return Cell(figure=id, amount=posted)

    def _listed(self, cell: Text | Sum) -> Cell:
        if isinstance(cell, Text):
            return Cell(cell)
        return self._summed(cell.line, cell.column, cell.label, cell.parts)

    def _named(self, title: Text, label: Text) -> Text:
        return Text(f"{title.zh} {label.zh}", f"{title.say('en')}, {label.say('en')}")


def _lapsed_on(day: date, *layers: Layer) -> Callable[[Movement], bool]:
    return lambda m: m.kind is Kind.LAPSED and m.day == day and m.layer in layers


_CHANGE = ("months", "residual", "method")
_QUIET = ("date", "reason", "note", "judged.by", "judged.date")
_WORDS = {
    "months": "寿命（月）",
    "residual": "残值率",
    "method": "方法",
    "amount": "金额",
    "recoverable": "可收回金额",
    "price": "估计售价",
    "cost_to_finish": "至完工成本",
    "cost_to_sell": "销售费用",
    "tax": "相关税费",
    "share": "比例",
    "proceeds": "处置收入",
}


def _cell(said: Text | str) -> Cell:
    return Cell(said) if isinstance(said, Text) else _plain(said)


def _plain(text: str) -> Cell:
    return Cell(Text(text, text))


def _judged(life: Life) -> str:
    return f"{life.judged.by} {life.judged.date}" if life.judged else ""


def _reason(entry: Mapping[str, str]) -> str:
    return "、".join(v for k, v in entry.items() if k.partition(".")[0] in ("reason", "reasons"))


def _told(entry: Mapping[str, str], keys: Sequence[str] = ()) -> str:
    """An entry of a list under `measurement`, in words: what it says, then why and by whom."""
    told = [
        f"{_WORDS.get(key, key)} {value}"
        for key, value in entry.items()
        if (key in keys if keys else key not in _QUIET and not key.startswith("evidence"))
    ]
    if not keys:
        told += filter(None, (_reason(entry), entry.get("judged.by", "")))
    return "，".join(told)


def _term(agreement: Agreement) -> str:
    if agreement.starts_on is None and agreement.ends_on is None:
        return "—"
    through = agreement.ends_on - timedelta(days=1) if agreement.ends_on else None
    return f"{agreement.starts_on or ''} — {through or ''}"


def _by_day(facts: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    return sorted(facts, key=lambda fact: parse_day(fact["date"]))


def _why(fact: Mapping[str, str]) -> str:
    return " ".join(filter(None, (_reason(fact), fact.get("judged.by", ""))))
