"""A registration case 登记案件: where it stands, which clocks run, what may follow.

By 国数综政策〔2026〕35号: 申请→受理→审查→公示→异议处理→信息存证→凭证核发. A case is the
fold of its acts; nothing else keeps its state. Clocks run in working days, day 0 is the event's
day; a late act is an act all the same, and shown as late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any

from sanhua.asset.form import INSTRUMENT, Registration
from sanhua.asset.rights import Right
from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, NotFound
from sanhua.kernel.ports import Rule, Rules, Uow
from sanhua.kernel.record import DefinedBy, EvidencedBy, HeldBy, Ref, record
from sanhua.kernel.text import Text
from sanhua.kernel.time import add_months


class State(StrEnum):
    """Where a case stands."""

    DRAFT = "draft"
    APPLIED = "applied"
    ACCEPTED = "accepted"
    WAITING = "waiting"  # for supplements
    PASSED = "passed"
    PUBLISHED = "published"
    OBJECTED = "objected"
    DEPOSITED = "deposited"
    REGISTERED = "registered"
    REFUSED = "refused"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> Text:
        return _STATES[self]


_STATES = {
    State.DRAFT: Text("未申请", "not applied for"),
    State.APPLIED: Text("已申请，待受理", "applied for, to be accepted"),
    State.ACCEPTED: Text("已受理，审查中", "accepted, under review"),
    State.WAITING: Text("待补正材料", "waiting for supplements"),
    State.PASSED: Text("审查通过，待公示", "review passed, to be published"),
    State.PUBLISHED: Text("公示中", "published"),
    State.OBJECTED: Text("异议处理中", "objected to"),
    State.DEPOSITED: Text("已存证，待核发凭证", "evidence deposited, to be certified"),
    State.REGISTERED: Text("已登记", "registered"),
    State.REFUSED: Text("不予登记", "refused"),
    State.LAPSED: Text("已失效", "lapsed"),
    State.CANCELLED: Text("已注销", "cancelled"),
}


class Step(StrEnum):
    """What a person does in a case."""

    APPLY = "apply"
    ACCEPT = "accept"
    ASK = "ask"
    SUPPLY = "supply"
    EXTEND = "extend"
    REVIEW = "review"
    PUBLISH = "publish"
    OBJECT = "object"
    NOTIFY = "notify"
    DECIDE = "decide"
    DEPOSIT = "deposit"
    CERTIFY = "certify"
    RENEW = "renew"
    TRANSFER = "transfer"
    CHANGE = "change"
    CANCEL = "cancel"


REQUESTS = (Step.RENEW, Step.TRANSFER, Step.CHANGE, Step.CANCEL)  # of what is registered
_FROM: dict[Step, frozenset[State]] = {
    Step.APPLY: frozenset({State.DRAFT, State.REFUSED}),
    Step.ACCEPT: frozenset({State.APPLIED}),
    Step.ASK: frozenset({State.ACCEPTED}),
    Step.SUPPLY: frozenset({State.WAITING}),
    Step.EXTEND: frozenset({State.ACCEPTED, State.PASSED, State.PUBLISHED}),
    Step.REVIEW: frozenset({State.ACCEPTED}),  # and of a request
    Step.PUBLISH: frozenset({State.PASSED}),
    Step.OBJECT: frozenset({State.PUBLISHED, State.OBJECTED, State.REGISTERED}),
    Step.NOTIFY: frozenset({State.REGISTERED}),
    Step.DECIDE: frozenset({State.OBJECTED, State.REGISTERED}),
    Step.DEPOSIT: frozenset({State.PUBLISHED}),
    Step.CERTIFY: frozenset({State.DEPOSITED}),
    **dict.fromkeys(REQUESTS, frozenset({State.REGISTERED})),
}


@record("registration_act")
@dataclass(frozen=True, slots=True)
class RegistrationAct:
    """One act of a case: `number` is its place from 1, `content` the hash of the form it was done
    on.

    `verdict`: pass | refuse, upheld | dismissed | rectify | court. `due` is the day that ends the
    clock which the act starts, `ends_on` the first day after the validity. `before` are the fields
    that a change replaces; `form`, `declared` and `definition` are what it proposes.
    """

    id: str
    registration: Annotated[str, Ref("advances")]
    step: Step
    number: int
    by: Annotated[str, Ref("done_by")]
    on: date
    content: str
    due: date | None = None
    verdict: str = ""
    ground: str = ""
    reason: str = ""
    evidence: tuple[EvidencedBy, ...] = ()
    answers: Annotated[str, Ref("answers")] = ""
    days: int = 0
    withheld: tuple[str, ...] = ()
    receipt: str = ""
    ends_on: date | None = None
    certificate: str = ""
    to: Annotated[str, Ref("transferred_to")] = ""
    before: Mapping[str, str] = field(default_factory=dict[str, str])
    form: Mapping[str, str] = field(default_factory=dict[str, str])
    declared: str = ""
    definition: DefinedBy = ""


@record("certificate")
@dataclass(frozen=True, slots=True)
class Certificate:
    """登记凭证 `certificate:<number>`; `starts_on <= day < ends_on`. `status`: valid, transferred,
    cancelled. A number belongs to one case for ever.
    """

    id: str
    registration: Annotated[str, Ref("certifies")]
    holder: HeldBy
    rights: frozenset[Right]
    content: str
    issued_on: date
    starts_on: date
    ends_on: date
    status: str = "valid"


@dataclass(frozen=True, slots=True)
class Clock:
    """A time limit. `due` is None while it is stopped; `done_on` when what it is for was done."""

    id: str
    title: Text
    starts_on: date
    due: date | None
    rule: Rule
    days: int = 0
    done_on: date | None = None

    def overdue(self, today: date) -> bool:
        return self.due is not None and (self.done_on or today) > self.due


@dataclass(slots=True)
class Case:
    """A registration with its acts folded to a day. `request` is a renewal, transfer, change or
    cancellation that is not decided yet; `objections` are the open ones.
    """

    registration: Registration
    today: date
    rules: Rules
    state: State = State.DRAFT
    acts: list[RegistrationAct] = field(default_factory=list[RegistrationAct])
    applied_on: date | None = None
    accepted_on: date | None = None
    accepted_by: str = ""
    published_on: date | None = None
    closed_on: date | None = None  # refused, or the certificate issued
    extended: int = 0
    pauses: list[tuple[date, date | None]] = field(default_factory=list[tuple[date, date | None]])
    objections: dict[str, RegistrationAct] = field(default_factory=dict[str, RegistrationAct])
    notified: dict[str, date] = field(default_factory=dict[str, date])
    rectify: bool = False
    deposit: RegistrationAct | None = None
    request: RegistrationAct | None = None
    certificate: Certificate | None = None

    @property
    def holder(self) -> str:
        """Whose registration it is: the applicant, later whoever holds the certificate."""
        return self.certificate.holder if self.certificate else self.registration.applicant

    def working_days(self, name: str, on: date) -> tuple[int, Rule]:
        rule = self.rules.ask(INSTRUMENT, "clocks", on=on)
        return rule.value[name], rule

    def ends(self, name: str, start: date) -> date:
        """The day that ends the named clock from `start`."""
        return self.rules.working_days_after(start, self.working_days(name, start)[0])

    def silent_from(self, applied_on: date) -> date:
        """The day on which an unanswered application counts as accepted."""
        more = self.rules.ask(INSTRUMENT, "silence_accepts_after", on=applied_on).value
        return self.rules.working_days_after(self.ends("acceptance", applied_on), more)

    def total_due(self) -> date | None:
        """The end of the whole case: working days from acceptance on that fall into no supplement,
        notice or objection; None while one of these is open.
        """
        assert self.accepted_on is not None
        if any(end is None for _, end in self.pauses):
            return None
        left = self.working_days("total", self.accepted_on)[0] + self.extended
        day = self.accepted_on
        while left:
            day = self.rules.working_days_after(day, 1)
            left -= not any(start < day <= (end or day) for start, end in self.pauses)
        return day

    def settle(self, on: date) -> None:
        """What the passing of days alone does: acceptance by silence."""
        if self.state is State.APPLIED and self.applied_on:
            silent = self.silent_from(self.applied_on)
            if on >= silent:
                self.state, self.accepted_on = State.ACCEPTED, silent

    def lapse(self) -> None:
        """After its validity a registration is void, unless a renewal was asked for in time."""
        certificate = self.certificate
        renewing = self.request is not None and self.request.step is Step.RENEW
        if certificate is None or self.state is not State.REGISTERED or renewing:
            return
        if self.today >= certificate.ends_on:
            self.state, self.request = State.LAPSED, None

    def fold(self, act: RegistrationAct) -> None:
        """The case after `act`."""
        self.settle(act.on)
        self.acts.append(act)
        step, on = act.step, act.on
        if step is Step.APPLY:
            self.applied_on, self.accepted_on, self.accepted_by = on, None, ""
            self.published_on = self.closed_on = None
            self.pauses, self.extended = [], 0
            self.state = State.APPLIED
        elif step is Step.ACCEPT:
            self.accepted_on, self.accepted_by = on, act.by
            self._pass_or_refuse(act, State.ACCEPTED)
        elif step is Step.ASK:
            self.pauses.append((on, None))
            self.state = State.WAITING
        elif step is Step.SUPPLY:
            self.pauses[-1] = (self.pauses[-1][0], on)
            self.state = State.ACCEPTED
        elif step is Step.EXTEND:
            self.extended += act.days
        elif step is Step.REVIEW and self.request is not None:
            if act.verdict == "pass" and self.request.step is Step.CANCEL:
                self.state = State.CANCELLED
            self.request = None
        elif step is Step.REVIEW:
            self._pass_or_refuse(act, State.PASSED)
        elif step is Step.PUBLISH:
            self.published_on, self.state = on, State.PUBLISHED
            self.pauses.append((on, act.due))
        elif step is Step.OBJECT:
            if self.state is not State.REGISTERED:
                if not self.objections:
                    self.pauses.append((on, None))
                self.state = State.OBJECTED
            self.objections[act.id] = act
        elif step is Step.NOTIFY:
            self.notified[act.answers] = on
        elif step is Step.DECIDE:
            self._decided(act)
        elif step is Step.DEPOSIT:
            self.deposit, self.state = act, State.DEPOSITED
        elif step is Step.CERTIFY:
            self.closed_on, self.state = on, State.REGISTERED
        else:
            self.request = act
            self.rectify = self.rectify and step is not Step.CHANGE

    def _pass_or_refuse(self, act: RegistrationAct, passed: State) -> None:
        self.state = State.REFUSED if act.verdict == "refuse" else passed
        if self.state is State.REFUSED:
            self.closed_on = act.on

    def _decided(self, act: RegistrationAct) -> None:
        del self.objections[act.answers]
        if self.state is State.REGISTERED:
            self.rectify = self.rectify or act.verdict == "rectify"
            return
        if act.verdict == "upheld":
            self.objections.clear()
        if not self.objections:
            self.pauses = [(start, end or act.on) for start, end in self.pauses]
            self.state = State.REFUSED if act.verdict == "upheld" else State.PUBLISHED
            self.closed_on = act.on if act.verdict == "upheld" else None

    # What a reader is told

    def clocks(self) -> list[Clock]:
        """Every time limit that runs or ran in this case, with its due day and rule."""
        found: list[Clock] = []

        def add(name: str, title: Text, start: date, due: date | None, done: date | None) -> None:
            days, rule = self.working_days(name, start)
            more = self.extended if name == "total" else 0
            found.append(Clock(name, title, start, due, rule, days + more, done))

        if self.applied_on:
            title = Text("受理答复", "answer to the application")
            due = self.ends("acceptance", self.applied_on)
            silent = self.accepted_on and not self.accepted_by
            done = due if silent else self.accepted_on or self.closed_on
            add("acceptance", title, self.applied_on, due, done)
        if self.accepted_on:
            title = Text("全案办结", "the whole case")
            done = self.closed_on
            add("total", title, self.accepted_on, self.total_due(), done)
        if self.published_on:
            due = self.ends("publicity", self.published_on)
            done = due if self.today > due else None
            add("publicity", Text("公示", "notice"), self.published_on, due, done)
        for objection in self.objections.values():
            name = "objection_decision"
            title = Text("异议处理", "decision on the objection")
            done = None
            if self.certificate:
                name = "post_objection_notice"
                title = Text("异议通知登记主体", "notice of the objection to the registrant")
                done = self.notified.get(objection.id)
            add(name, title, objection.on, self.ends(name, objection.on), done)
        if self.request:
            title = Text("办理所提申请", "decision on the request")
            add("total", title, self.request.on, self.ends("total", self.request.on), None)
        if self.certificate and self.state is State.REGISTERED:
            opens, rule = self.renewable_from()
            last = self.certificate.ends_on - timedelta(days=1)
            title = Text("续期申请", "application for renewal")
            asked = self.request.on if self.request and self.request.step is Step.RENEW else None
            found.append(Clock("renewal", title, opens, last, rule, 0, asked))
        return found

    def renewable_from(self) -> tuple[date, Rule]:
        """The first day on which renewal may be asked for; the last is the day before expiry."""
        assert self.certificate is not None
        rule = self.rules.ask(INSTRUMENT, "renewal_window_months", on=self.today)
        return add_months(self.certificate.ends_on, -rule.value), rule

    def next_steps(self) -> list[Step]:
        """What can be done now, in the order of the guide."""
        return [step for step in Step if self.refusal(step) is None]

    def refusal(self, step: Step) -> Conflict | None:
        """Why a step is out of order, if it is."""
        facts: dict[str, Any] = {
            "node": self.registration.id,
            "registration": ids.key_of(self.registration.id),
            "step": step.value,
            "state_zh": self.state.label.zh,
            "state_en": self.state.label.en,
        }
        allowed = self.state in _FROM[step]
        if step is Step.REVIEW and self.request is not None:
            allowed = True
        if step in REQUESTS and self.request is not None:
            return Conflict("registration.request-open", **facts, open=self.request.step.value)
        if step in (Step.DECIDE, Step.NOTIFY) and allowed and not self.objections:
            return Conflict("registration.no-objection", **facts)
        if not allowed:
            others = [other.value for other in Step if self.state in _FROM[other]]
            return Conflict("registration.wrong-step", **facts, next=", ".join(others) or "–")
        if step is Step.OBJECT and self.state is not State.REGISTERED:
            return self._notice_over(facts)
        if step is Step.DEPOSIT and self.published_on:
            due = self.ends("publicity", self.published_on)
            if self.today <= due:
                return Conflict("registration.notice-running", **facts, due=due.isoformat())
        if step is Step.EXTEND and self.extended:
            return Conflict("registration.extended-before", **facts)
        if step is Step.RENEW:
            opens, rule = self.renewable_from()
            if self.today < opens:
                return Conflict(
                    "registration.renewal-too-early",
                    rule=rule.citation,
                    **facts,
                    opens=opens.isoformat(),
                )
        return None

    def _notice_over(self, facts: dict[str, Any]) -> Conflict | None:
        assert self.published_on is not None
        due = self.ends("publicity", self.published_on)
        if self.today <= due:
            return None
        return Conflict("registration.notice-over", **facts, due=due.isoformat())


def case_of(uow: Uow, name: str) -> Case:
    """The case of a registration (id or node) as it stands today; NotFound registration.unknown."""
    node = ids.node("registration", ids.key_of(name))
    registration = uow.find(Registration, node)
    if registration is None:
        known = ", ".join(ids.key_of(one.id) for one in uow.all(Registration)) or "–"
        raise NotFound(
            "registration.unknown", node=node, registration=ids.key_of(name), known=known
        )
    return folded(uow, registration)


def folded(uow: Uow, registration: Registration) -> Case:
    """The case of a kept registration."""
    case = Case(registration, uow.today(), uow.rules)
    edges = uow.edges_to(registration.id)
    acts = [uow.get(RegistrationAct, edge.src) for edge in edges if edge.verb == "advances"]
    certificates = [uow.get(Certificate, edge.src) for edge in edges if edge.verb == "certifies"]
    for act in sorted(acts, key=lambda one: one.number):
        case.fold(act)
    case.certificate = next((one for one in certificates if one.status != "transferred"), None)
    case.settle(case.today)
    case.lapse()
    return case
