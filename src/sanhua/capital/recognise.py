"""Recognise 确认: which spending may be carried as an asset, judged line by line.

The decision tree for a line of a voucher; the first that fits gives verdict and code
(`recognise.` before it):

    another currency than the entity's            refused      other-currency
    takes back a line judged before                            the verdict of that line
      … yet no line of this asset                 refused      reversal-unmatched
    moves an expense to an asset account          refused      recapitalised
    expensed before the day in force              refused      already-expensed
    part of the cost that never counts            expensed     component-excluded
      … yet on an asset account                   refused      component-capitalised
    part of the cost that is not known            waiting      component-unknown
    asset account that the use has no place for   refused      use-differs
    outside the term of the agreement             expensed     outside-term (asset account: refused)
    research phase (self-developed)               expensed     research-phase
      … yet on an asset account                   refused      capitalised-in-research
    bought-in service that is no asset            expensed     service-fee
    the tree stops at a no (tree.TREE)            expensed     not-an-asset, not-controlled,
                                                               not-recognisable, fulfilment-failed
      … yet on an asset account                   refused      the same
    the tree waits for an answer                  waiting      definition-open, control-open,
                                                               fulfilment-open
    a condition, judgement or paper is open       waiting      condition-open, not-judged, no-paper
    got in another way without its agreement      waiting      agreement-open
    before the latest of the five conditions      expensed     before-conditions
      … yet on an asset account                   refused      capitalised-too-early
    after the asset was available for use         expensed     after-available
      … yet on an asset account                   refused      capitalised-after-available
    before or after a contract is fulfilled       expensed     before-fulfilment, after-fulfilment
      … yet on an asset account                   refused      the same
    on an expense account                         expensed     account-differs
    otherwise                                     capitalised  conditions-met, purchased, acquired,
                                                               stock, fulfilment-met

An entity of another regime has every line refused (other-regime). On the way to it the asset file
itself is looked at: days, papers and people (`_discipline`).

Lines of one voucher and project that move cost between accounts without spending (their sum is
zero) are transfers and no candidates, except from an expense to an asset account (refused) and
back (a write-off, which counts).
The ERP's lines are never changed: where it and the law disagree, a diagnostic says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Any

from sanhua.capital.fulfil import Fulfilment
from sanhua.capital.judgement import Judgement
from sanhua.capital.tree import Control, Judged, Memo, Route, Standing, Use, Walk, lacking, walk
from sanhua.capital.voucher import AccountingPolicy, Voucher, VoucherLine, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Citation, Diagnostic, Invalid, RuleGap, Severity
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Rule, Rules, Uow
from sanhua.kernel.record import (
    ADDED,
    DecidedBy,
    DefinedBy,
    EvidencedBy,
    HeldBy,
    JudgedBy,
    Ref,
    record,
)
from sanhua.kernel.text import Text
from sanhua.kernel.time import add_months, parse_day

CONDITIONS = (
    "technical_feasibility",
    "intention",
    "future_benefit",
    "resources",
    "reliable_measurement",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the five conditions of CAS 6 art. 9, with its day and papers."""

    date: date
    evidence: tuple[Evidence, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    date: date
    done: Decimal
    by: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    months: int
    reasons: tuple[str, ...]
    judged: Judged | None
    indefinite: bool = False
    rights_until: date | None = None  # of the contract or legal right that the asset stands on
    renewal: str = ""  # why it may outlast them


@dataclass(frozen=True, slots=True)
class Correction:
    """更正 of a period that is over, decided on `date`: audit (审计调整), event after the
    balance-sheet date (日后调整事项) or prior-period error (前期差错).

    `through` is the last day of the period concerned; `amount` is added to the layer.
    """

    date: date
    concerns: str
    through: date
    kind: str  # audit | event | error
    layer: str
    amount: Money
    reason: str = ""
    judged: Judged | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """The facts that measurement rests on keep their keys as text (FORMATS §11), nested ones joined
    by dots.
    """

    available_on: date | None = None
    evidence: tuple[Evidence, ...] = ()
    life: Life | None = None
    estimates: tuple[Mapping[str, str], ...] = ()
    impairments: tuple[Mapping[str, str], ...] = ()
    disposals: tuple[Mapping[str, str], ...] = ()
    nrv: tuple[Mapping[str, str], ...] = ()
    corrections: tuple[Correction, ...] = ()
    method: Mapping[str, str] = field(default_factory=dict[str, str])
    usage: tuple[Mapping[str, str], ...] = ()
    opening: Mapping[str, str] = field(default_factory=dict[str, str])
    held_for_sale: tuple[Mapping[str, str], ...] = ()
    lots: Mapping[str, str] = field(default_factory=dict[str, str])

    def days(self) -> list[date]:
        """The days on which something is said to have happened after the asset was ready."""
        later = (*self.estimates, *self.impairments, *self.disposals, *self.nrv)
        later = (*later, *self.held_for_sale)
        return [parse_day(str(entry["date"])) for entry in later] + [
            correction.date for correction in self.corrections
        ]


@dataclass(frozen=True, slots=True)
class Acquired:
    """What an asset of another entity of the group became this one (`acquired_from`).

    `vouchers` are the buyer's numbers for it (default: all), `date` the day of the seller's
    disposal where it has several. `carried` is what the group carries it at when the seller has no
    asset of it, as `judged`.
    """

    entity: str
    asset: str = ""
    vouchers: tuple[str, ...] = ()
    date: date | None = None
    carried: Money | None = None
    judged: Judged | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class AssetCard:
    """A file of `books/assets/`: one asset from project to disposal."""

    id: str
    title: Text
    entity: str
    route: Route
    use: Use
    origin: Origin
    codes: tuple[str, ...] = ()  # project codes as they stand in the vouchers
    budget: Money | None = None
    due: date | None = None
    research: date | None = None
    development: date | None = None
    progress: tuple[Progress, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict[str, Condition])
    judged: Judged | None = None
    vouchers: tuple[str, ...] = ()  # purchased: voucher numbers
    control: tuple[Evidence, ...] = ()
    measurement: Measurement = Measurement()
    memo: Memo = Memo()
    fulfilment: Fulfilment = Fulfilment()
    acquired: Acquired | None = None  # inside a group
    judgements: tuple[Judgement, ...] = ()  # those under `measurement`, as they are written
    products: tuple[str, ...] = ()  # the data that the asset is, by their ids
    resources: tuple[str, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether `measure` carries it and a line shows it; a contract cost is `fulfil`'s."""
        return not self.memo.contract_cost

    @property
    def developed(self) -> bool:
        """Whether the five conditions are asked of it."""
        intangible = self.use is not Use.SALE and not self.memo.contract_cost
        return self.route is Route.SELF_DEVELOPED and intangible


class Outcome(StrEnum):
    CAPITALISED = "capitalised"
    EXPENSED = "expensed"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Grounds:
    """The rules that decided on a voucher; the voucher (`id`) is the source of the edges."""

    id: str
    rules: tuple[DecidedBy, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one line of a voucher, and why (`code`).

    `recognised` names the voucher when the line is carried, `considered` when it is not. `open` is
    the condition that a waiting line waits for. `citation` is the clause in words.
    """

    line: int
    account: str
    dated: date
    amount: Money
    outcome: Outcome
    code: str
    grounds: Grounds
    citation: str = ""
    recognised: Annotated[str, Ref("recognised")] = ""
    considered: Annotated[str, Ref("considered")] = ""
    open: str = ""
    path: str = ""
    summary: str = ""
    on_asset_account: bool = False  # where the ERP booked it

    @property
    def voucher(self) -> str:
        return self.recognised or self.considered


@dataclass(frozen=True, slots=True)
class Met:
    """A condition as it stood when it was judged."""

    name: str
    date: date
    evidence: tuple[EvidencedBy, ...]
    met: Annotated[bool, ADDED] = True


@record("asset")
@dataclass(frozen=True, slots=True)
class AssetEntry:
    """`asset:cloud_map_v2`: the recognition memo 确认备忘, which a second person approves.

    `starts_on` is the first day of capitalisation; None while a condition is open or none is asked.
    """

    id: str
    title: Text
    entity: HeldBy
    route: Route
    use: Use
    file: DefinedBy
    capitalised: Money
    expensed: Money
    waiting: Money
    refused: Money
    verdicts: tuple[Verdict, ...]
    conditions: tuple[Met, ...] = ()
    development: date | None = None  # first day of the phase
    starts_on: date | None = None
    available_on: date | None = None
    life_months: int | None = None
    control: tuple[EvidencedBy, ...] = ()
    measurement_evidence: tuple[EvidencedBy, ...] = ()
    answers: Annotated[tuple[Met, ...], ADDED] = ()  # to the tree's questions, as they are stated
    controlled_until: Annotated[date | None, ADDED] = None  # the first day after the agreement
    standing: Annotated[str, ADDED] = ""  # what the tree leads to, where it is no matter of `use`
    judged_by: JudgedBy = ""
    judged_on: date | None = None
    judged_in: Annotated[tuple[Annotated[str, Ref("judged_in")], ...], ADDED] = ()
    judgements: Annotated[tuple[Judgement, ...], ADDED] = ()
    data: Annotated[tuple[Annotated[str, Ref("consists_of")], ...], ADDED] = ()  # what it is


@dataclass(frozen=True, slots=True)
class Recognition:
    """The verdicts over an asset's candidate lines, in the order of the books.

    `transfers` are the vouchers that only move cost between accounts.
    """

    asset: str
    currency: str
    verdicts: tuple[Verdict, ...]
    starts_on: date | None
    transfers: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def total(self, *outcomes: Outcome) -> Money:
        """The sum of the lines with one of `outcomes` (none: all), in the entity's currency."""
        return Money.sum(
            (
                verdict.amount
                for verdict in self.verdicts
                if verdict.amount.currency == self.currency
                and (not outcomes or verdict.outcome in outcomes)
            ),
            self.currency,
        )


EXPENSE_ROLES = frozenset({"development_expensed", "research_expense", "data_service_expense"})
STOCK_ROLES = frozenset({"inventory_data"})
CONTRACT_ROLES = frozenset({"contract_cost"})
CARRIED_ROLES = (
    frozenset({"development_capitalised", "intangible_data"}) | STOCK_ROLES | CONTRACT_ROLES
)
COST_ROLES = EXPENSE_ROLES | CARRIED_ROLES
PROGRESS_TOLERANCE = Decimal(
    "0.01"
)  # one percentage point between cost and reported progress is rounding


def judge(
    card: AssetCard,
    vouchers: Iterable[Voucher],
    policy: AccountingPolicy,
    rules: Rules,
    on: date,
    *,
    regime: str = "CAS",
    currency: str = "CNY",
) -> Recognition:
    """The verdict on every candidate line booked until `on`, by the law in force on `on`."""
    return _Judgement(card, policy, rules, on, regime, currency).over(vouchers)


def recognise(
    uow: Uow,
    card: AssetCard,
    vouchers: Iterable[Voucher],
    policy: AccountingPolicy,
    on: date,
    *,
    regime: str = "CAS",
    currency: str = "CNY",
) -> tuple[AssetEntry, list[Diagnostic]]:
    """Judge the asset's lines and keep the memo; the same memo again is no act."""
    found = judge(card, vouchers, policy, uow.rules, on, regime=regime, currency=currency)
    entry = entry_of(card, found)
    uow.add(entry, "asset.recognised", effective_on=on)
    return entry, list(found.diagnostics)


def entry_of(card: AssetCard, found: Recognition) -> AssetEntry:
    """The memo of `found`."""
    life = card.measurement.life
    return AssetEntry(
        id=found.asset,
        title=card.title,
        entity=named("party", card.entity),
        route=card.route,
        use=card.use,
        file=card.origin.sha256,
        capitalised=found.total(Outcome.CAPITALISED),
        expensed=found.total(Outcome.EXPENSED),
        waiting=found.total(Outcome.WAITING),
        refused=found.total(Outcome.REFUSED),
        verdicts=found.verdicts,
        conditions=tuple(
            Met(name, condition.date, _hashes(condition.evidence))
            for name, condition in card.conditions.items()
        ),
        development=card.development,
        starts_on=found.starts_on,
        available_on=card.measurement.available_on,
        life_months=None if life is None or life.indefinite else life.months,
        control=_hashes(card.control),
        measurement_evidence=_hashes(card.measurement.evidence),
        answers=tuple(_answers(card)),
        controlled_until=card.memo.control.ends_on if card.memo.control else None,
        standing=Standing.CONTRACT_COST.value if card.memo.contract_cost else "",
        judged_by=named("party", card.judged.by) if card.judged else "",
        judged_on=card.judged.date if card.judged else None,
        judged_in=tuple(judgement.id for judgement in card.judgements),
        judgements=card.judgements,
        data=(
            *(ids.node("product", name) for name in card.products),
            *(ids.node("resource", name) for name in card.resources),
        ),
    )


def _answers(card: AssetCard) -> Iterator[Met]:
    """What the asset file states of the tree, with its papers."""
    memo = card.memo
    stated = dict(memo.definition) | dict(card.fulfilment.conditions)
    for name, said in stated.items():
        if said.date is not None:
            yield Met(name, said.date, _hashes(said.evidence), said.met)
    if memo.control is not None and memo.control.starts_on is not None:
        held = bool(memo.control.benefits and memo.control.excludes)
        yield Met("control", memo.control.starts_on, _hashes(memo.control.evidence), held)
    if memo.agreement is not None:
        yield Met(memo.agreement.by, memo.agreement.date, _hashes(memo.agreement.evidence))


def overlaps(cards: Iterable[AssetCard]) -> list[Diagnostic]:
    """A project code or a purchase that two assets claim: its cost would be carried twice."""
    claimed: dict[tuple[str, str, str], AssetCard] = {}
    found: list[Diagnostic] = []
    for card in cards:
        keys = [("project", code) for code in card.codes] + [
            ("voucher", number) for number in card.vouchers
        ]
        for kind, key in keys:
            first = claimed.setdefault((card.entity, kind, key), card)
            if first is not card:
                found.append(
                    Diagnostic(
                        Severity.ERROR,
                        "recognise.claimed-twice",
                        card.origin.path,
                        card.origin.line,
                        0,
                        named("asset", card.id),
                        None,
                        {"key": key, "asset": card.id, "other": first.id},
                    )
                )
    return found


def named(kind: str, key: str) -> str:
    """`kind:key`, whether or not the kind was written."""
    return key if key.startswith(f"{kind}:") else ids.node(kind, key)


def _hashes(papers: Sequence[Evidence]) -> tuple[str, ...]:
    return tuple(paper.sha256 for paper in papers)


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: Outcome
    code: str
    rules: tuple[Rule, ...] = ()
    open: str = ""


@dataclass
class _Held:
    """What of a judged line has not been taken back, with the answer it was given."""

    account: str
    left: Money
    answer: _Answer


class _Judgement:
    """One asset's lines in the order of the books; a later line may take back an earlier one."""

    def __init__(
        self,
        card: AssetCard,
        policy: AccountingPolicy,
        rules: Rules,
        on: date,
        regime: str,
        currency: str,
    ) -> None:
        self.card, self.policy, self.rules, self.on = card, policy, rules, on
        self.regime, self.currency = regime, currency
        self.node = named("asset", card.id)
        self.in_force = self.ask("mof_2023_11", "in_force")
        self.diagnostics: list[Diagnostic] = []
        self.open, self.starts_on = self._conditions()
        self.walk = self._walk()
        self.judged: dict[str, list[_Held]] = {}

    def ask(self, instrument: str, name: str) -> Rule:
        return self.rules.ask(instrument, name, on=self.on)

    def _conditions(self) -> tuple[str, date | None]:
        """The first open condition (empty: none), and the first day of capitalisation.

        A condition of a day to come is not met, and a judgement covers what was met on its day.
        """
        card = self.card
        if card.memo.contract_cost:
            return "", card.fulfilment.first_day
        if not card.developed:
            return "", None
        for wanted in self.ask("cas_6", "development_conditions").value:
            condition = card.conditions.get(wanted["id"])
            if condition is None or not condition.evidence or condition.date > self.on:
                return wanted["id"], None
        latest = max(condition.date for condition in card.conditions.values())
        if card.judged is None or card.judged.date < latest:
            return "judged", None
        return "", latest

    def _walk(self) -> Walk:
        """The asset's way through the tree."""
        card = self.card
        shown = [n for n, c in card.conditions.items() if c.evidence and c.date <= self.on]
        return walk(
            card.memo,
            self.rules,
            self.on,
            regime=self.regime,
            route=card.route,
            use=card.use,
            owned=bool(card.control),
            judged=card.judged is not None,
            met=shown,
            fulfilment=card.fulfilment.answer(self.on),
        )

    # The lines

    def over(self, vouchers: Iterable[Voucher]) -> Recognition:
        booked = _in_order([v for v in vouchers if v.dated <= self.on and self._ours(v)])
        taken_back = {named("voucher", v.reverses) for v in booked if v.reverses}
        verdicts: list[Verdict] = []
        transfers: list[str] = []
        outside = self.walk.stop == "recognise.other-regime"
        regime = self.walk.last.rule
        if any(self._candidates(v) for v in booked):
            if outside:
                where = elsewhere(self.rules, self.regime, self.on)
                known = ", ".join(regime.value)
                said: dict[str, Any] = {"regime": self.regime, "known": known, "where": where}
                self._say(Severity.ERROR, "recognise.other-regime", regime.citation, **said)
            else:
                self._discipline()
        for voucher in booked:
            lines = self._candidates(voucher)
            # An ERP may put the project on one side only: the whole voucher says what it does.
            whole = [line for line in voucher.lines if self._costs(line)] if lines else []
            moving = _moves(self.policy, whole)
            if moving == "transfer":
                transfers.append(voucher.id)
                continue
            for line in lines:
                if outside:
                    answer = _Answer(Outcome.REFUSED, "recognise.other-regime", (regime,))
                else:
                    answer = self._decide(voucher, line, moving)
                    self._tell(voucher, line, answer, voucher.id in taken_back)
                held = _Held(line.account, line.amount, answer)
                self.judged.setdefault(voucher.id, []).append(held)
                verdicts.append(_verdict(voucher, line, answer, self.policy))
        self._missing(booked)
        found = Recognition(
            self.node, self.currency, tuple(verdicts), self.starts_on, tuple(transfers)
        )
        self._progress(found)
        self._agreed(found)
        return Recognition(
            self.node,
            self.currency,
            found.verdicts,
            found.starts_on,
            found.transfers,
            tuple(self.diagnostics),
        )

    def _ours(self, voucher: Voucher) -> bool:
        return ids.key_of(voucher.entity) == ids.key_of(self.card.entity)

    def _candidates(self, voucher: Voucher) -> list[VoucherLine]:
        bought = voucher.number in self.card.vouchers
        codes = () if self.card.route is Route.PURCHASED else self.card.codes
        return [
            line
            for line in voucher.lines
            if (bought or (line.project and line.project in codes)) and self._costs(line)
        ]

    def _costs(self, line: VoucherLine) -> bool:
        """Whether the line is on an account that a data asset's cost may stand on."""
        return role_of(self.policy, line.account) in COST_ROLES

    def _decide(self, voucher: Voucher, line: VoucherLine, moving: str) -> _Answer:
        card = self.card
        role = role_of(self.policy, line.account)
        expense = role in EXPENSE_ROLES
        if line.amount.currency != self.currency:
            return _Answer(Outcome.REFUSED, "recognise.other-currency")
        before = self._taken_back(voucher, line)
        if before is not None:
            return before
        restate = self.ask("mof_2023_11", "expensed_spend_may_be_restated")
        if moving == "recapitalised" and not restate.value:
            return _Answer(
                Outcome.REFUSED, "recognise.recapitalised", (self._no_way_back(restate),)
            )
        if expense and voucher.dated < self.in_force.starts_on and not restate.value:
            return _Answer(Outcome.REFUSED, "recognise.already-expensed", (restate,))
        component = line.component or card.memo.components.get(voucher.number, "")
        weighed = self._component(component, expense)
        if weighed is not None:
            return weighed
        if not expense and role not in self._accounts():
            purpose = self.ask("mof_2023_11", "inventory_purpose_is_sale")
            return _Answer(Outcome.REFUSED, "recognise.use-differs", (purpose,))
        control = card.memo.control
        if control is not None and _outside(control, voucher.dated):
            rule = self.ask("mof_2023_11", "public_data_control_test")
            outcome = Outcome.EXPENSED if expense else Outcome.REFUSED
            return _Answer(outcome, "recognise.outside-term", (rule,))
        if card.memo.contract_cost:
            return self._fulfilling(voucher, expense)
        if card.developed:
            return self._developed(voucher, line, expense, moving)
        return self._acquired(voucher, expense, component)

    def _accounts(self) -> frozenset[str]:
        """The roles on which what the tree leads to may stand."""
        if self.card.memo.contract_cost:
            return CONTRACT_ROLES
        sale = self.card.use is Use.SALE
        return STOCK_ROLES if sale else CARRIED_ROLES - STOCK_ROLES - CONTRACT_ROLES

    def _component(self, component: str, expense: bool) -> _Answer | None:
        """What the line's part of the cost decides: what never counts, and what is no part."""
        if not component:
            return None
        card = self.card
        never = [self.ask("mof_2023_11", "excluded_cost_components")]
        if card.memo.contract_cost:
            never.append(self.ask("cas_14", "fulfilment_cost_excludes"))
        for rule in never:
            if component in (part["id"] for part in rule.value):
                if expense:
                    return _Answer(Outcome.EXPENSED, "recognise.component-excluded", (rule,))
                code = "recognise.component-capitalised"
                return _Answer(Outcome.REFUSED, code, (rule,), component)
        if card.memo.contract_cost:
            return None
        if card.use is Use.SALE:
            counted = self.ask("mof_2023_11", "inventory_cost_components")
        elif card.developed:
            counted = self.ask("cas_6", "development_cost_components")
        else:
            counted = self.ask("mof_2023_11", "purchased_cost_components")
        if component in (part["id"] for part in counted.value):
            return None
        return _Answer(Outcome.WAITING, "recognise.component-unknown", (counted,), component)

    def _stopped(self, expense: bool) -> _Answer:
        """The tree goes no further: refused with its clause, or waiting for an answer."""
        last, code = self.walk.last, self.walk.stop
        if not self.walk.refused:
            wanted = last.question
            if last.question == "controlled" and self.card.memo.control is not None:
                wanted = lacking(self.card.memo.control)
            elif last.question == "fulfils_contract":
                wanted = last.basis
            return _Answer(Outcome.WAITING, code, (last.rule,), wanted)
        outcome = Outcome.EXPENSED if expense else Outcome.REFUSED
        return _Answer(outcome, code, (last.rule,), last.question)

    def _fulfilling(self, voucher: Voucher, expense: bool) -> _Answer:
        """Cost of fulfilling a contract: the three conditions, and while it is fulfilled."""
        conditions = self.ask("cas_14", "fulfilment_cost_conditions")
        outcome = Outcome.EXPENSED if expense else Outcome.REFUSED
        if self.walk.stop:
            return self._stopped(expense)
        if not any(line.evidence for line in voucher.lines):
            return _Answer(Outcome.WAITING, "recognise.no-paper", (conditions,), "evidence")
        if self.starts_on is not None and voucher.dated < self.starts_on:
            return _Answer(outcome, "recognise.before-fulfilment", (conditions,))
        ends = self.card.fulfilment.ends_on
        if ends is not None and voucher.dated >= ends:
            done = self.ask("cas_14", "fulfilment_cost_excludes")
            return _Answer(outcome, "recognise.after-fulfilment", (done,))
        if expense:
            return _Answer(Outcome.EXPENSED, "recognise.account-differs", (conditions,))
        return _Answer(Outcome.CAPITALISED, "recognise.fulfilment-met", (conditions,))

    def _developed(
        self, voucher: Voucher, line: VoucherLine, expense: bool, moving: str
    ) -> _Answer:
        """Self-developed, an intangible: phases, the five conditions, the day it is available."""
        conditions = self.ask("cas_6", "development_conditions")
        outcome = Outcome.EXPENSED if expense else Outcome.REFUSED
        began = self.card.development
        research = line.phase == "research" or (
            line.phase != "development" and began is not None and voucher.dated < began
        )
        if research:
            code = "research-phase" if expense else "capitalised-in-research"
            return _Answer(
                outcome, f"recognise.{code}", (self.ask("cas_6", "research_is_expensed"),)
            )
        if role_of(self.policy, line.account) == "data_service_expense":
            return self._service()
        if self.walk.stop:
            return self._stopped(expense)
        if self.open == "judged":
            return _Answer(Outcome.WAITING, "recognise.not-judged", (conditions,), self.open)
        if self.open:
            return _Answer(Outcome.WAITING, "recognise.condition-open", (conditions,), self.open)
        if line.amount.amount > 0 and not line.evidence:
            return _Answer(Outcome.WAITING, "recognise.no-paper", (conditions,), "evidence")
        if self.starts_on is not None and voucher.dated < self.starts_on:
            code = "before-conditions" if expense else "capitalised-too-early"
            return _Answer(outcome, f"recognise.{code}", (conditions,))
        ready = self.card.measurement.available_on
        if ready is not None and voucher.dated > ready:
            code = "after-available" if expense else "capitalised-after-available"
            return _Answer(outcome, f"recognise.{code}", (conditions,))
        if moving == "written-off":
            kept = Outcome.EXPENSED if expense else Outcome.CAPITALISED
            return _Answer(kept, "recognise.written-off", (conditions,))
        if expense:
            return _Answer(Outcome.EXPENSED, "recognise.account-differs", (conditions,))
        return _Answer(Outcome.CAPITALISED, "recognise.conditions-met", (conditions, self.in_force))

    def _acquired(self, voucher: Voucher, expense: bool, component: str) -> _Answer:
        """Bought, got in another way, or made for sale: services, control, cost."""
        if self.walk.refused:
            return self._stopped(expense)
        components = self.ask("mof_2023_11", "purchased_cost_components")
        if expense and component:
            return _Answer(Outcome.EXPENSED, "recognise.account-differs", (components,))
        if expense:
            return self._service()
        if self.walk.stop:
            return self._stopped(expense)
        if not any(line.evidence for line in voucher.lines):
            return _Answer(Outcome.WAITING, "recognise.no-paper", (components,), "evidence")
        if self.card.route is Route.OTHER and self.card.memo.agreement is None:
            other = self.ask("cas_6", "other_routes")
            return _Answer(Outcome.WAITING, "recognise.agreement-open", (other,), "agreement")
        code = "recognise.stock" if self.card.use is Use.SALE else "recognise.purchased"
        if self.card.route is Route.OTHER:
            code = "recognise.acquired"
        return _Answer(Outcome.CAPITALISED, code, (components, self.in_force))

    def _service(self) -> _Answer:
        rule = self.ask("mof_2023_11", "service_fee_outside_definition_is_expensed")
        return _Answer(Outcome.EXPENSED, "recognise.service-fee", (rule,))

    def _no_way_back(self, otherwise: Rule) -> Rule:
        """财会〔2025〕33号 once it is in force, the supplementary provisions of 11号 before."""
        try:
            return self.ask("mof_2025_33", "expensed_may_be_recapitalised")
        except RuleGap:
            return otherwise

    def _taken_back(self, voucher: Voucher, line: VoucherLine) -> _Answer | None:
        """The answer on what this line takes back of an earlier one; each fen is taken back once.

        One that takes back nothing of this asset is refused: it would lower what another line adds.
        """
        if not voucher.reverses:
            return None
        earlier = self.judged.get(named("voucher", voucher.reverses), [])
        held = [one for one in earlier if one.account == line.account and one.left]
        exact = next((one for one in held if one.left == -line.amount), None)
        if exact is not None:
            exact.left = exact.left + line.amount
            return exact.answer
        for one in held:
            if one.left.fen * line.amount.fen < 0 and abs(line.amount.fen) < abs(one.left.fen):
                one.left = one.left + line.amount
                return one.answer
        whole = Money.sum((one.left for one in held), line.amount.currency)
        if held and whole == -line.amount and len({one.answer for one in held}) == 1:
            for one in held:
                one.left = one.left * 0
            return held[0].answer
        return _Answer(Outcome.REFUSED, "recognise.reversal-unmatched")

    # What the reader is told

    def _discipline(self) -> None:
        """What is amiss with days, papers and people of the asset file itself."""
        card, memo = self.card, self.card.memo
        asks = "development_conditions"
        for name, condition in card.conditions.items() if card.developed else ():
            told: dict[str, Any] = {"condition": name, "date": condition.date.isoformat()}
            began = min((d for d in (card.research, card.development) if d), default=None)
            if condition.date > self.on:
                rule = self.ask("cas_6", asks).citation
                day = self.on.isoformat()
                self._warn("recognise.condition-ahead", rule, condition.line, **told, day=day)
            elif began is not None and condition.date < began:
                rule = self.ask("cas_6", asks).citation
                told["began"] = began.isoformat()
                self._warn("recognise.condition-early", rule, condition.line, **told)
        latest = max((c.date for c in card.conditions.values()), default=None)
        if card.developed and latest is not None:
            rule = self.ask("cas_6", asks).citation
            if card.judged is not None and card.judged.date < latest:
                facts: dict[str, Any] = {
                    "judged": card.judged.date.isoformat(),
                    "latest": latest.isoformat(),
                }
                self._warn("recognise.judged-too-early", rule, **facts, by=card.judged.by)
            if card.development is not None and latest < card.development:
                facts = {"latest": latest.isoformat(), "development": card.development.isoformat()}
                self._warn("recognise.phase-differs", rule, **facts)
        controlled = self.walk.steps[2] if len(self.walk.steps) > 2 else None
        if controlled is not None and controlled.answer == "yes" and not controlled.basis:
            self._warn("recognise.control-not-stated", controlled.citation)
        purpose = memo.purpose
        if purpose is not None:
            rule = self.ask("mof_2023_11", "purpose_criteria").citation
            if purpose.holding and purpose.holding != card.use.value:
                said = {"holding": purpose.holding, "use": card.use.value}
                self._say(Severity.ERROR, "recognise.purpose-differs", rule, purpose.line, **said)
            lets = purpose.business_model and purpose.business_model != "transfer"
            if card.use is Use.SALE and lets:
                rule = self.ask("mof_2023_11", "licence_is_sale").citation
                self._warn("recognise.licence-is-no-sale", rule, purpose.line, of="purpose")
        self._term()

    def _term(self) -> None:
        """A life that goes beyond the agreement it rests on."""
        control, life = self.card.memo.control, self.card.measurement.life
        ready = self.card.measurement.available_on
        if control is None or control.ends_on is None or life is None or ready is None:
            return
        bound = self.ask("cas_6", "life_within_rights")
        last = control.ends_on - timedelta(days=1)
        ends = add_months(ready.replace(day=1), life.months) - timedelta(days=1)
        # The month in which the agreement ends counts whole.
        over = life.indefinite or (ends.year, ends.month) > (last.year, last.month)
        if over and bound.value and not life.renewal:
            said: dict[str, Any] = {"months": "∞" if life.indefinite else life.months}
            said["through"] = last.isoformat()
            self._say(
                Severity.ERROR, "recognise.life-beyond-term", bound.citation, control.line, **said
            )

    def _agreed(self, found: Recognition) -> None:
        """What is carried against the agreement that measures it."""
        agreement = self.card.memo.agreement
        if agreement is None or self.card.route is not Route.OTHER:
            return
        carried = found.total(Outcome.CAPITALISED)
        if agreement.date <= self.on and carried and carried != agreement.amount:
            rule = self.ask("cas_6", "other_routes")
            by = next((one["by"] for one in rule.value if one["id"] == agreement.by), "")
            said = {"carried": carried.text, "agreed": agreement.amount.text, "standard": by}
            self._warn("recognise.agreement-differs", rule.citation, agreement.line, **said)

    def _warn(self, code: str, rule: Citation | None, line: int = 0, **facts: Any) -> None:
        self._say(Severity.WARNING, code, rule, line, **facts)

    def _tell(self, voucher: Voucher, line: VoucherLine, answer: _Answer, taken_back: bool) -> None:
        severity = _SEVERITY.get(answer.code)
        if voucher.reverses and answer.code != "recognise.reversal-unmatched":
            if (
                answer.code == "recognise.already-expensed"
                and voucher.dated >= self.in_force.starts_on
            ):
                code = "recognise.expensed-reversed"
                self._point(Severity.WARNING, code, voucher, line, answer)
            return
        if severity is None or answer.outcome is Outcome.EXPENSED and answer.code in _ON_ASSET:
            return
        if taken_back and severity is Severity.ERROR:
            severity = Severity.WARNING
        self._point(severity, answer.code, voucher, line, answer)

    def _point(
        self, severity: Severity, code: str, voucher: Voucher, line: VoucherLine, answer: _Answer
    ) -> None:
        self.diagnostics.append(
            Diagnostic(
                severity,
                code,
                voucher.path,
                line.line,
                1,
                voucher.id,
                answer.rules[0].citation if answer.rules else None,
                {
                    "amount": line.amount.text,
                    "currency": line.amount.currency,
                    "expected": self.currency,
                    "account": line.account,
                    "dated": voucher.dated.isoformat(),
                    "original": ids.key_of(voucher.reverses) if voucher.reverses else "",
                    "cite": answer.rules[0].cite if answer.rules else "",
                    "condition": answer.open,
                    "ends_on": str(self.card.fulfilment.ends_on or ""),
                    "starts_on": self.starts_on.isoformat() if self.starts_on else "",
                    "available_on": str(self.card.measurement.available_on or ""),
                    "development": str(self.card.development or ""),
                    "use": self.card.use.value,
                    "phase": line.phase,
                    "asset": self.card.id,
                },
            )
        )

    def _say(
        self, severity: Severity, code: str, rule: Citation | None, line: int = 0, **facts: Any
    ) -> None:
        origin = self.card.origin
        self.diagnostics.append(
            Diagnostic(
                severity,
                code,
                origin.path,
                line or origin.line,
                1,
                self.node,
                rule,
                {"asset": self.card.id, **facts},
            )
        )

    def _missing(self, booked: Sequence[Voucher]) -> None:
        numbers = {voucher.number for voucher in booked}
        for number in self.card.vouchers:
            if number not in numbers:
                self._say(
                    Severity.WARNING,
                    "recognise.no-such-voucher",
                    None,
                    voucher=number,
                    day=self.on.isoformat(),
                )

    def _progress(self, found: Recognition) -> None:
        """Cost progress and reported progress are two figures: derive neither from the other."""
        budget = self.card.budget
        if budget is None or not budget:
            return
        reported = [progress for progress in self.card.progress if progress.date <= self.on]
        if not reported:
            return
        last = max(reported, key=lambda progress: progress.date)
        spent = Money.sum(
            (
                v.amount
                for v in found.verdicts
                if v.dated <= last.date and v.amount.currency == self.currency
            ),
            self.currency,
        )
        ratio = EXACT.divide(spent.amount, budget.amount)
        if abs(ratio - last.done) > PROGRESS_TOLERANCE:
            self._say(
                Severity.WARNING,
                "progress.differs",
                None,
                last.line,
                spent=spent.text,
                budget=budget.text,
                ratio=percent(ratio),
                done=percent(last.done),
                date=last.date.isoformat(),
            )


_SEVERITY = {
    "recognise.already-expensed": Severity.WARNING,
    "recognise.other-currency": Severity.ERROR,
    "recognise.recapitalised": Severity.ERROR,
    "recognise.reversal-unmatched": Severity.ERROR,
    "recognise.use-differs": Severity.ERROR,
    "recognise.capitalised-in-research": Severity.ERROR,
    "recognise.capitalised-too-early": Severity.ERROR,
    "recognise.capitalised-after-available": Severity.ERROR,
    "recognise.condition-open": Severity.WARNING,
    "recognise.control-open": Severity.WARNING,
    "recognise.not-judged": Severity.WARNING,
    "recognise.no-paper": Severity.WARNING,
    "recognise.account-differs": Severity.WARNING,
    "recognise.definition-open": Severity.WARNING,
    "recognise.fulfilment-open": Severity.WARNING,
    "recognise.agreement-open": Severity.WARNING,
    "recognise.component-unknown": Severity.ERROR,
    "recognise.component-capitalised": Severity.ERROR,
    "recognise.not-an-asset": Severity.ERROR,
    "recognise.not-controlled": Severity.ERROR,
    "recognise.not-recognisable": Severity.ERROR,
    "recognise.outside-term": Severity.ERROR,
    "recognise.fulfilment-failed": Severity.ERROR,
    "recognise.before-fulfilment": Severity.ERROR,
    "recognise.after-fulfilment": Severity.ERROR,
}
# Told where the ERP has the line on an asset account; expensed, it needs no word.
_ON_ASSET = frozenset(
    f"recognise.{code}"
    for code in (
        "not-an-asset not-controlled not-recognisable outside-term fulfilment-failed"
        " before-fulfilment after-fulfilment"
    ).split()
)


def _in_order(vouchers: Sequence[Voucher]) -> list[Voucher]:
    """By day, on one day a reversal after what it reverses, then by number."""
    by_id = {voucher.id: voucher for voucher in vouchers}

    def depth(voucher: Voucher) -> int:
        steps = 0
        at = by_id.get(named("voucher", voucher.reverses)) if voucher.reverses else None
        while at is not None and at.dated == voucher.dated and steps < len(by_id):
            steps += 1
            at = by_id.get(named("voucher", at.reverses)) if at.reverses else None
        return steps

    return sorted(vouchers, key=lambda v: (v.dated, depth(v), v.number))


def _outside(control: Control, day: date) -> bool:
    """Whether the agreement does not run on the day."""
    begun = control.starts_on is None or control.starts_on <= day
    return not begun or (control.ends_on is not None and day >= control.ends_on)


def must_be_addressed(rules: Rules, regime: str, on: date, **at: Any) -> None:
    """Invalid recognise.other-regime for an entity that the instrument does not address."""
    rule = rules.ask("mof_2023_11", "accounting_regimes", on=on)
    if regime not in rule.value:
        raise Invalid(
            "recognise.other-regime",
            rule=rule.citation,
            regime=regime,
            known=", ".join(rule.value),
            where=elsewhere(rules, regime, on),
            **at,
        )


def elsewhere(rules: Rules, regime: str, on: date) -> Text:
    """Where an entity of another regime looks."""
    known = rules.ask("mof_2023_11", "other_regimes", on=on).value
    found = next((one for one in known if one["id"] == regime), None)
    if found is None:
        return Text("该主体自己的会计制度", "the entity's own regime")
    return Text(found["zh"], found["en"])


def percent(ratio: Decimal) -> str:
    """`75.6%`; whole percents without a decimal."""
    tenth = (ratio * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{tenth.to_integral_value() if tenth == tenth.to_integral_value() else tenth}%"


def _moves(policy: AccountingPolicy, lines: Sequence[VoucherLine]) -> str:
    """transfer, recapitalised or written-off for a voucher that spends nothing; else empty."""
    if len(lines) < 2 or len({line.amount.currency for line in lines}) > 1:
        return ""
    if Money.sum(line.amount for line in lines):
        return ""
    given = {role_of(policy, line.account) for line in lines if line.amount.amount < 0}
    taken = {role_of(policy, line.account) for line in lines if line.amount.amount > 0}
    if given & EXPENSE_ROLES and taken & CARRIED_ROLES:
        return "recapitalised"
    if given & CARRIED_ROLES and taken & EXPENSE_ROLES:
        return "written-off"
    return "transfer"


def _verdict(
    voucher: Voucher, line: VoucherLine, answer: _Answer, policy: AccountingPolicy
) -> Verdict:
    carried = answer.outcome is Outcome.CAPITALISED
    return Verdict(
        line=line.line,
        account=line.account,
        dated=voucher.dated,
        amount=line.amount,
        outcome=answer.outcome,
        code=answer.code,
        grounds=Grounds(voucher.id, tuple(rule.node for rule in answer.rules)),
        citation="; ".join(_cited(rule) for rule in answer.rules),
        recognised=voucher.id if carried else "",
        considered="" if carried else voucher.id,
        open=answer.open,
        path=voucher.path,
        summary=line.summary,
        on_asset_account=role_of(policy, line.account) in CARRIED_ROLES,
    )


def _cited(rule: Rule) -> str:
    return rule.cite if rule.tag in ("V", "S") else f"{rule.cite} [{rule.tag}]"
