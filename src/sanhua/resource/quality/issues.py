"""Issues 质量问题 and objections 数据异议: opened by a person or from a failed check, answered
within a clock, closed by a second person, and opened anew when the check fails again.

An issue is what was opened; each step after it is an act of its own. Where a case stands is folded
from its acts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated

from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Denied, Invalid, NotFound, RuleGap
from sanhua.kernel.ports import Rules, Uow
from sanhua.kernel.record import DefinedBy, EvidencedBy, Ref, record
from sanhua.kernel.text import Text
from sanhua.resource.contract import DAY_S, DataContract
from sanhua.resource.quality.maker import number
from sanhua.resource.quality.records import Finding, Quality

ISSUE, OBJECTION = "issue", "objection"
PROMISES = {  # kind → the service level that promises how long it takes
    ISSUE: ("timeToRepair", "tr"),
    OBJECTION: ("timeToNotify", "tn"),
}


class State(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    ANSWERED = "answered"
    FIXED = "fixed"
    CLOSED = "closed"

    @property
    def label(self) -> Text:
        return _LABELS[self]


_LABELS = {
    State.OPEN: Text("待处理", "open"),
    State.ACCEPTED: Text("已受理", "accepted"),
    State.ANSWERED: Text("已答复", "answered"),
    State.FIXED: Text("已整改", "fixed"),
    State.CLOSED: Text("已了结", "closed"),
}


class Step(StrEnum):
    """What is done in a case. `REOPEN` is done by a judgement in which the check fails again."""

    ASSIGN = "assign"
    ACCEPT = "accept"
    REJECT = "reject"
    REPLY = "reply"
    FIX = "fix"
    CLOSE = "close"
    REOPEN = "reopen"


_UNDER_WAY = frozenset({State.OPEN, State.ACCEPTED, State.ANSWERED})
_FROM: dict[tuple[str, Step], frozenset[State]] = {
    (ISSUE, Step.ASSIGN): _UNDER_WAY,
    (ISSUE, Step.REPLY): _UNDER_WAY,
    (ISSUE, Step.FIX): _UNDER_WAY,
    (ISSUE, Step.CLOSE): _UNDER_WAY | {State.FIXED},
    (ISSUE, Step.REOPEN): frozenset({State.FIXED, State.CLOSED}),
    (OBJECTION, Step.ACCEPT): frozenset({State.OPEN}),
    (OBJECTION, Step.REJECT): frozenset({State.OPEN}),
    (OBJECTION, Step.REPLY): frozenset({State.ACCEPTED, State.ANSWERED}),
    (OBJECTION, Step.CLOSE): frozenset({State.ANSWERED}),
}
_TO = {
    Step.ACCEPT: State.ACCEPTED,
    Step.REJECT: State.CLOSED,
    Step.REPLY: State.ANSWERED,
    Step.FIX: State.FIXED,
    Step.CLOSE: State.CLOSED,
    Step.REOPEN: State.OPEN,
}
_EVENTS = {  # after the kind: objection.accepted
    Step.ASSIGN: "assigned",
    Step.ACCEPT: "accepted",
    Step.REJECT: "rejected",
    Step.REPLY: "answered",
    Step.FIX: "fixed",
    Step.CLOSE: "closed",
    Step.REOPEN: "reopened",
}


@record("issue")
@dataclass(frozen=True, slots=True)
class Issue:
    """`iss_…`, an issue or an objection as it was opened. `about` is a check, a column or the
    resource; `days` the working days that the contract promises, 0 when it promises none.
    """

    id: str
    kind: str
    contract: str
    about: Annotated[str, Ref("raised_on")]
    title: str
    by: Annotated[str, Ref("done_by")]
    owner: Annotated[str, Ref("assigned_to")]
    opened_on: date
    reason: str = ""
    days: int = 0
    definition: DefinedBy = ""  # the contract as it promised
    evidence: tuple[EvidencedBy, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict[str, str])  # of the check, when opened
    answers: Annotated[str, Ref("answers")] = ""  # the objection that led to this issue


@record("issue_act")
@dataclass(frozen=True, slots=True)
class IssueAct:
    """One step; `number` is its place from 1. A fix names the snapshots and the contract in which
    the check passed again, a commit, or papers. `verdict` of a reply to an objection: upheld |
    dismissed.
    """

    id: str
    issue: Annotated[str, Ref("handles")]
    step: Step
    number: int
    by: Annotated[str, Ref("done_by")]
    on: date
    to: Annotated[str, Ref("assigned_to")] = ""
    text: str = ""
    verdict: str = ""
    commit: str = ""
    snapshots: tuple[Annotated[str, Ref("fixed_in")], ...] = ()
    definition: DefinedBy = ""
    evidence: tuple[EvidencedBy, ...] = ()


@dataclass(slots=True)
class Handled:
    """A case as it stands on `today`. `due` is None without a promise, or where the calendar of its
    end is not known yet; the clock starts anew when a case is opened anew.
    """

    issue: Issue
    today: date
    rules: Rules
    acts: list[IssueAct] = field(default_factory=list[IssueAct])
    state: State = State.OPEN
    owner: str = ""
    started_on: date | None = None
    done_on: date | None = None

    def fold(self, act: IssueAct) -> None:
        self.acts.append(act)
        self.state = _TO.get(act.step, self.state)
        self.owner = act.to or self.owner
        if act.step is Step.REOPEN:
            self.started_on, self.done_on = act.on, None
        ends = (Step.FIX, Step.CLOSE) if self.issue.kind == ISSUE else (Step.REPLY, Step.REJECT)
        if act.step in ends and self.done_on is None:
            self.done_on = act.on

    @property
    def due(self) -> date | None:
        if not self.issue.days:
            return None
        start = self.started_on or self.issue.opened_on
        try:
            return self.rules.working_days_after(start, self.issue.days)
        except RuleGap:  # no notice of that year's holidays yet: nothing is guessed
            return None

    @property
    def due_label(self) -> Text:
        """The day, or why there is none."""
        if self.due is not None:
            return Text(self.due.isoformat(), self.due.isoformat())
        if not self.issue.days:
            return Text("无约定", "no promise")
        many = self.issue.days
        return Text(
            f"{many} 个工作日，届时的放假安排尚未公布",
            f"{many} working days; the holidays of that year are not announced",
        )

    @property
    def overdue(self) -> bool:
        due = self.due
        return due is not None and (self.done_on or self.today) > due

    @property
    def reopened(self) -> int:
        return sum(act.step is Step.REOPEN for act in self.acts)

    @property
    def next_steps(self) -> list[Step]:
        return [
            step
            for step in Step
            if step is not Step.REOPEN
            and self.state in _FROM.get((self.issue.kind, step), frozenset[State]())
        ]


def case_of(uow: Uow, issue_id: str) -> Handled:
    """NotFound quality.no-such-issue."""
    issue = uow.find(Issue, issue_id)
    if issue is None:
        raise NotFound("quality.no-such-issue", issue=issue_id)
    return folded(uow, issue)


def folded(uow: Uow, issue: Issue) -> Handled:
    case = Handled(issue, uow.today(), uow.rules, owner=issue.owner)
    acts = [uow.get(IssueAct, e.src) for e in uow.edges_to(issue.id) if e.verb == "handles"]
    for act in sorted(acts, key=lambda one: one.number):
        case.fold(act)
    return case


def cases(uow: Uow, *, contract: str = "", kind: str = "", all: bool = False) -> list[Handled]:
    """The cases not closed (or all), those overdue first, then by the day they are due."""
    found = [
        folded(uow, issue)
        for issue in uow.all(Issue)
        if contract in ("", issue.contract) and kind in ("", issue.kind)
    ]
    open_ones = [case for case in found if all or case.state is not State.CLOSED]
    return sorted(
        open_ones, key=lambda c: (not c.overdue, c.due or date.max, c.issue.opened_on, c.issue.id)
    )


# Acts


def open_issue(
    uow: Uow,
    contract: DataContract,
    about: str,
    by: str,
    owner: str,
    *,
    kind: str = ISSUE,
    title: str = "",
    reason: str = "",
    evidence: Sequence[str] = (),
    answers: str = "",
) -> Issue:
    """Open a case on a check (`check:table/name`), a column (`col:table.column`) or the resource.

    One open issue a check: Conflict quality.issue-open. Invalid quality.not-of-contract when the
    contract has no such thing, quality.untold without a title or reason where no check tells it.
    """
    finding = _finding(uow, contract, about)
    tables = {table.name: {p.name for p in table.properties} for table in contract.tables}
    if about.startswith("col:"):
        table, _, column = ids.key_of(about).partition("@")[0].rpartition(".")
        if column not in tables.get(table, ()):
            raise Invalid("quality.not-of-contract", about=about, contract=contract.id)
    elif finding is None and about != ids.node("resource", contract.id):
        raise Invalid("quality.not-of-contract", about=about, contract=contract.id)
    if finding is None and not (title or reason):
        raise Invalid("quality.untold", about=about)
    if kind == ISSUE and finding is not None:
        for case in cases(uow, contract=contract.id, kind=ISSUE):
            if case.issue.about == about:
                raise Conflict("quality.issue-open", issue=case.issue.id, check=about)
    if answers:
        objection = case_of(uow, answers)
        if objection.issue.kind != OBJECTION:
            raise Invalid("quality.not-an-objection", issue=answers)
    found = (
        {"state": finding.state, "value": finding.value, "wanted": finding.wanted}
        if finding
        else {}
    )
    made = Issue(
        uow.new_id("iss" if kind == ISSUE else "obj"),
        kind,
        contract.id,
        about,
        title or (finding.label.zh if finding else reason[:60]),
        by,
        owner,
        uow.today(),
        reason,
        promised_days(contract, kind),
        contract.origin.sha256,
        tuple(evidence),
        found,
        answers,
    )
    uow.add(made, f"{kind}.opened")
    return made


def promised_days(contract: DataContract, kind: str) -> int:
    """The working days that the contract promises (`timeToRepair` for an issue, `timeToNotify` for
    the reply to an objection; a day is a working day, hours count as their days); 0 without.
    """
    for sla in contract.sla:
        many = number(sla.value)
        if sla.property in PROMISES[kind] and many is not None and sla.unit_s():
            return max(int(-(-many * sla.unit_s() // DAY_S)), 1)
    return 0


def act(
    uow: Uow,
    issue_id: str,
    step: Step,
    by: str,
    *,
    kind: str,
    to: str = "",
    text: str = "",
    verdict: str = "",
    commit: str = "",
    evidence: Sequence[str] = (),
    contract: DataContract | None = None,
) -> IssueAct:
    """One step of a case.

    Conflict quality.not-in-order when the state does not allow it, quality.still-failing when the
    check of an issue that is to be fixed does not pass now; Denied quality.same-person when who
    fixed or answered would close; Invalid quality.untold for a step without the words or links that
    it takes.
    """
    case = case_of(uow, issue_id)
    if case.issue.kind != kind:
        raise NotFound("quality.no-such-issue", issue=issue_id)
    if case.state not in _FROM.get((kind, step), frozenset[State]()):
        known = ", ".join(case.next_steps)
        raise Conflict(
            "quality.not-in-order",
            issue=issue_id,
            step=step.value,
            state=case.state.label,
            known=known or "–",
        )
    snapshots: tuple[str, ...] = ()
    definition = ""
    if step in (Step.REPLY, Step.REJECT) and not text:
        raise Invalid("quality.untold", about=issue_id)
    if step is Step.FIX:
        snapshots, definition = _fixed(uow, case, commit, evidence, contract)
    if step is Step.CLOSE:
        _second_person(case, by, text)
    made = IssueAct(
        uow.new_id("isa"),
        issue_id,
        step,
        len(case.acts) + 1,
        by,
        uow.today(),
        to,
        text,
        verdict,
        commit,
        snapshots,
        definition,
        tuple(evidence),
    )
    uow.add(made, f"{kind}.{_EVENTS[step]}")
    return made


def _fixed(
    uow: Uow, case: Handled, commit: str, evidence: Sequence[str], contract: DataContract | None
) -> tuple[tuple[str, ...], str]:
    """Where it shows that the fault is gone: the snapshots and the contract of the judgement in
    which the check passes; without a check a commit or a paper must show it.
    """
    if case.issue.about.startswith("check:"):
        judged = uow.find(Quality, ids.node("quality", case.issue.contract))
        finding = (
            next((f for f in judged.findings if f.id == case.issue.about), None) if judged else None
        )
        if judged is None or finding is None or finding.state != "passed":
            raise Conflict(
                "quality.still-failing",
                issue=case.issue.id,
                check=case.issue.about,
                state=finding.state if finding else "–",
            )
        return judged.snapshots, finding.definition
    if not (commit or evidence):
        raise Invalid("quality.fix-unshown", issue=case.issue.id)
    return (), contract.origin.sha256 if contract else ""


def _second_person(case: Handled, by: str, text: str) -> None:
    """Who fixed or answered last does not close. One that was not fixed is closed with a reason."""
    doers = [act.by for act in case.acts if act.step in (Step.FIX, Step.REPLY)]
    if doers and doers[-1] == by:
        raise Denied("quality.same-person", issue=case.issue.id, person=ids.key_of(by))
    if case.issue.kind == ISSUE and case.state is not State.FIXED and not text:
        raise Invalid("quality.untold", about=case.issue.id)


def review(uow: Uow, judged: Quality) -> list[IssueAct]:
    """Open anew every issue whose check was shown to pass and fails in this judgement."""
    failing = {f.id: f for f in judged.findings if f.state in ("failed", "error")}
    made: list[IssueAct] = []
    for issue in uow.all(Issue):
        if issue.kind != ISSUE or issue.contract != judged.contract or issue.about not in failing:
            continue
        case = folded(uow, issue)
        fixed = case.acts and any(a.step is Step.FIX for a in case.acts)
        if fixed and case.state in _FROM[(ISSUE, Step.REOPEN)]:
            reopened = IssueAct(
                uow.new_id("isa"),
                issue.id,
                Step.REOPEN,
                len(case.acts) + 1,
                uow.actor,
                uow.today(),
                snapshots=judged.snapshots,
                definition=failing[issue.about].definition,
            )
            uow.add(reopened, f"{ISSUE}.{_EVENTS[Step.REOPEN]}")
            made.append(reopened)
    return made


def _finding(uow: Uow, contract: DataContract, about: str) -> Finding | None:
    judged = uow.find(Quality, ids.node("quality", contract.id))
    return next((f for f in judged.findings if f.id == about), None) if judged else None
