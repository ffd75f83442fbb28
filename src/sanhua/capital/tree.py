"""The decision tree 判断树 of 财会〔2023〕11号: what a data resource is in the accounts, question
by question, before any line of a voucher is judged.

    企业会计准则            regime            no → refused, other-regime
    过去的交易或事项        past_transaction  no → not-an-asset            open → definition-open
    合法拥有或者控制        controlled        no → not-controlled          open → control-open
    预期带来经济利益        expected_benefit  no → not-an-asset            open → definition-open
    利益很可能流入          benefit_probable  no → not-recognisable        open → definition-open
    成本能够可靠计量        cost_measurable   no → not-recognisable        open → definition-open
    最终目的是出售          held_for_sale     yes → 存货, CAS 1
    可辨认                  identifiable      yes → 无形资产, CAS 6; in progress 开发支出
    为履行一份合同而发生    fulfils_contract  yes → 合同履约成本, CAS 14   no → expense

An asset file states an answer with its day and papers, or one follows from what else it says; the
step then says from what. `use` is the answer to held_for_sale, `recognise_as: contract_cost` a no
to identifiable. A resource that stops at a no may still be disclosed (自愿披露).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sanhua.kernel.errors import Citation
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence
from sanhua.kernel.ports import Rule, Rules
from sanhua.kernel.text import Text


class Route(StrEnum):
    """外购, 自行开发, 其他."""

    PURCHASED = "purchased"
    SELF_DEVELOPED = "self_developed"
    OTHER = "other"


class Use(StrEnum):
    INTERNAL = "internal"
    SERVE_CUSTOMERS = "serve_customers"
    SALE = "sale"  # final purpose is sale in daily activities: inventory


class Standing(StrEnum):
    """What the tree leads to."""

    INVENTORY = "inventory"
    INTANGIBLE = "intangible"
    CONTRACT_COST = "contract_cost"
    NONE = "none"  # stopped on the way


@dataclass(frozen=True, slots=True)
class Judged:
    """Who answers for a judgement, and since when."""

    by: str
    date: date


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer of the asset file: since when, by which papers; `met` false is a no."""

    date: date | None
    evidence: tuple[Evidence, ...] = ()
    met: bool = True
    line: int = 0


@dataclass(frozen=True, slots=True)
class Control:
    """控制 of data that another's agreement gives (授权运营, 许可), and what it gives.

    `benefits`: one may take the economic benefit; `excludes`: one may keep others from it. None is
    not answered. `starts_on <= day < ends_on` is the agreement's term, of `grant` where one is
    named.
    """

    benefits: bool | None = None
    excludes: bool | None = None
    grant: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    evidence: tuple[Evidence, ...] = ()
    judged: Judged | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Purpose:
    """持有目的, 形成方式, 业务模式, 预期消耗方式: what the choice of standard is weighed by."""

    holding: str = ""  # a Use
    formation: str = ""
    business_model: str = ""  # internal | licence | service | transfer
    consumption: str = ""  # over_time | once
    evidence: tuple[Evidence, ...] = ()
    judged: Judged | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement or allocation that an asset got in another way is measured by; it may cite an
    appraisal, the amount is its own.
    """

    by: str
    amount: Money
    date: date
    evidence: tuple[Evidence, ...]
    judged: Judged | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Memo:
    """What an asset file says of the tree, beside the five conditions."""

    definition: Mapping[str, Stated] = field(default_factory=dict[str, Stated])
    control: Control | None = None
    purpose: Purpose | None = None
    agreement: Agreement | None = None
    components: Mapping[str, str] = field(default_factory=dict[str, str])  # voucher → 成本构成
    contract_cost: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A row of the tree; `no` and `open` are codes, `yes` what it leads to (empty: the next)."""

    id: str
    asks: Text
    rule: tuple[str, str]
    no: str = ""
    open: str = ""
    yes: str = ""


TREE = (
    Question(
        "regime",
        Text("会计主体执行企业会计准则吗", "does the entity follow 企业会计准则"),
        ("mof_2023_11", "accounting_regimes"),
        no="recognise.other-regime",
    ),
    Question(
        "past_transaction",
        Text("由过去的交易或者事项形成吗", "did it arise from past transactions or events"),
        ("cas_basic", "asset_definition"),
        no="recognise.not-an-asset",
        open="recognise.definition-open",
    ),
    Question(
        "controlled",
        Text("由企业合法拥有或者控制吗", "is it lawfully owned or controlled"),
        ("cas_basic", "asset_definition"),
        no="recognise.not-controlled",
        open="recognise.control-open",
    ),
    Question(
        "expected_benefit",
        Text("预期会给企业带来经济利益吗", "is it expected to bring economic benefit"),
        ("cas_basic", "asset_definition"),
        no="recognise.not-an-asset",
        open="recognise.definition-open",
    ),
    Question(
        "benefit_probable",
        Text("经济利益很可能流入企业吗", "is it probable that the benefit flows in"),
        ("cas_basic", "recognition_conditions"),
        no="recognise.not-recognisable",
        open="recognise.definition-open",
    ),
    Question(
        "cost_measurable",
        Text("成本或者价值能够可靠计量吗", "can its cost or value be measured reliably"),
        ("cas_basic", "recognition_conditions"),
        no="recognise.not-recognisable",
        open="recognise.definition-open",
    ),
    Question(
        "held_for_sale",
        Text(
            "在日常活动中持有、最终目的用于出售吗",
            "is it held in daily activities with sale as its final purpose",
        ),
        ("mof_2023_11", "inventory_purpose_is_sale"),
        yes="inventory",
    ),
    Question(
        "identifiable",
        Text("可辨认，供自用或对外提供服务吗", "is it identifiable, for use or to serve customers"),
        ("cas_6", "identifiable"),
        yes="intangible",
    ),
    Question(
        "fulfils_contract",
        Text("是为履行一份合同发生的成本吗", "is it cost of fulfilling a contract"),
        ("cas_14", "fulfilment_cost_conditions"),
        no="recognise.fulfilment-failed",
        open="recognise.fulfilment-open",
        yes="contract_cost",
    ),
)


@dataclass(frozen=True, slots=True)
class Step:
    """How a question was answered: yes, no or open; `basis` is stated, or what it follows from."""

    question: str
    answer: str
    basis: str
    rule: Rule
    line: int = 0

    @property
    def citation(self) -> Citation:
        return self.rule.citation


@dataclass(frozen=True, slots=True)
class Walk:
    """The way through the tree; `stop` is the last step's code when it goes no further."""

    steps: tuple[Step, ...]
    standing: Standing
    stop: str = ""

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def refused(self) -> bool:
        return bool(self.stop) and self.last.answer == "no"


def walk(
    memo: Memo,
    rules: Rules,
    on: date,
    *,
    regime: str,
    route: Route,
    use: Use,
    owned: bool,
    judged: bool = True,
    met: Sequence[str] = (),
    fulfilment: tuple[str, str, int] = ("yes", "stated", 0),
) -> Walk:
    """The way of a resource through the tree on a day.

    `owned` says that papers of ownership or control are named, `judged` that a person answers for
    what the asset file states; `met` are the conditions of CAS 6
    art. 9 that are shown; `fulfilment` is the answer to the last question.
    """
    steps: list[Step] = []

    def take(question: Question) -> Step:
        rule = rules.ask(*question.rule, on=on)
        answer, basis, line = _answer(question.id, memo, rule, regime, route, owned, judged, met)
        if question.id == "held_for_sale":
            answer, basis = ("yes" if use is Use.SALE else "no"), "use"
        elif question.id == "identifiable":
            answer = "no" if memo.contract_cost else answer
        elif question.id == "fulfils_contract":
            answer, basis, line = fulfilment
        step = Step(question.id, answer, basis, rule, line)
        steps.append(step)
        return step

    for question in TREE:
        step = take(question)
        if step.answer == "open":
            return Walk(tuple(steps), Standing.NONE, question.open)
        if step.answer == "no" and question.no:
            return Walk(tuple(steps), Standing.NONE, question.no)
        if step.answer == "yes" and question.yes:
            return Walk(tuple(steps), Standing(question.yes))
    raise AssertionError("the tree has no end")


# What an answer follows from where the asset file does not state it.
_FROM_CONDITION = {
    "expected_benefit": "future_benefit",
    "benefit_probable": "future_benefit",
    "cost_measurable": "reliable_measurement",
}


def _answer(
    question: str,
    memo: Memo,
    rule: Rule,
    regime: str,
    route: Route,
    owned: bool,
    judged: bool,
    met: Sequence[str],
) -> tuple[str, str, int]:
    """The answer, what it rests on, and the line of the asset file that says so."""
    if question == "regime":
        return ("yes" if regime in rule.value else "no"), "entity", 0
    if question == "controlled" and memo.control is not None:
        return _controlled(memo.control)
    said = memo.definition.get(question)
    if said is not None:
        shown = bool(said.evidence) and said.date is not None and judged
        return ("no" if not said.met else "yes" if shown else "open"), "stated", said.line
    if question == "controlled":
        if owned:
            return "yes", "papers", 0
        return ("yes", "", 0) if route is Route.SELF_DEVELOPED else ("open", "", 0)
    if memo.definition and question in _DEFINING:
        return "open", "", next(iter(memo.definition.values())).line
    if question == "past_transaction":
        return "yes", "vouchers", 0
    condition = _FROM_CONDITION.get(question, "")
    return "yes", (condition if condition in met else "cost"), 0


_DEFINING = frozenset(
    {"past_transaction", "expected_benefit", "benefit_probable", "cost_measurable"}
)


def _controlled(control: Control) -> tuple[str, str, int]:
    """Control of what is another's: the right to the benefit, the power to keep others from it, a
    term, papers and a person who judged it.
    """
    basis = "grant" if control.grant else "agreement"
    if control.benefits is False or control.excludes is False:
        return "no", basis, control.line
    whole = control.benefits and control.excludes and control.evidence and control.judged
    return ("yes" if whole and control.starts_on else "open"), basis, control.line


def lacking(control: Control) -> str:
    """What the control test still wants."""
    wanted = {
        "benefits": control.benefits,
        "excludes": control.excludes,
        "evidence": control.evidence,
        "judged": control.judged,
        "from": control.starts_on,
    }
    return ", ".join(name for name, said in wanted.items() if not said)
