"""Register 数据产权登记: each act of a case, from the application to the certificate and after it.

By 国数综政策〔2026〕35号. An act checks the order, who may do it and what the guide asks; then it
is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sanhua.asset.case import (
    REQUESTS,
    Case,
    Certificate,
    RegistrationAct,
    State,
    Step,
    case_of,
    folded,
)
from sanhua.asset.form import (
    INSTRUMENT,
    Field,
    Registration,
    RegistrationPlan,
    fields_of,
    fill,
    missing,
)
from sanhua.asset.party import Party
from sanhua.asset.rights import RightsClaim, RightsTransfer, claims_over, given_by
from sanhua.kernel import ids
from sanhua.kernel.errors import Conflict, Denied, Diagnostic, Invalid, NotFound, Severity
from sanhua.kernel.ports import Uow
from sanhua.kernel.text import Text
from sanhua.kernel.time import add_months

_EVENTS = {
    Step.APPLY: "registration.applied",
    Step.ACCEPT: "registration.accepted",
    Step.ASK: "registration.supplement-asked",
    Step.SUPPLY: "registration.supplemented",
    Step.EXTEND: "registration.extended",
    Step.REVIEW: "registration.reviewed",
    Step.PUBLISH: "registration.published",
    Step.OBJECT: "registration.objected",
    Step.NOTIFY: "registration.notified",
    Step.DECIDE: "registration.decided",
    Step.DEPOSIT: "registration.deposited",
    Step.CERTIFY: "registration.certified",
    Step.RENEW: "registration.renewal-asked",
    Step.TRANSFER: "registration.transfer-asked",
    Step.CHANGE: "registration.change-asked",
    Step.CANCEL: "registration.cancellation-asked",
}


def freeze(uow: Uow, plan: RegistrationPlan) -> tuple[Registration, list[Diagnostic]]:
    """Keep what the entry declares, while the applicant may still write it: before applying, while
    supplements are asked for, after a refusal. Later edits are told and change nothing.
    """
    fresh = fill(uow, plan)
    kept = uow.find(Registration, fresh.id)
    if kept is not None and kept.declared == fresh.declared and kept.form == fresh.form:
        return kept, []
    if kept is not None:
        state = folded(uow, kept).state
        if state not in (State.DRAFT, State.WAITING, State.REFUSED):
            if kept.declared == fresh.declared:
                return kept, []
            return kept, [
                Diagnostic(
                    Severity.WARNING,
                    "registration.edited",
                    plan.origin.path,
                    plan.origin.line,
                    node=kept.id,
                    facts={
                        "registration": plan.id,
                        "fields": ", ".join(differing(kept, fresh)) or "–",
                        "state_zh": state.label.zh,
                        "state_en": state.label.en,
                    },
                )
            ]
    uow.add(fresh, "registration.declared")
    return fresh, []


def differing(kept: Registration, fresh: Registration) -> list[str]:
    """The fields of the form that are not the same."""
    return [name for name in fresh.form if fresh.form[name] != kept.form.get(name, "")]


# Who may


def _person(uow: Uow, person_id: str) -> Party:
    found = uow.find(Party, ids.node("party", ids.key_of(person_id)))
    if found is None or not found.person:
        raise NotFound("approve.no-such-person", person=ids.key_of(person_id))
    return found


def _acts_for(person: Party) -> str:
    return person.of or person.id


def _opened(uow: Uow, name: str, step: Step) -> Case:
    """The case when the step is in order; Conflict otherwise."""
    case = case_of(uow, name)
    refused = case.refusal(step)
    if refused is not None:
        raise refused
    return case


def _for_holder(case: Case, person: Party) -> None:
    if _acts_for(person) != case.holder:
        raise Denied(
            "registration.not-applicant",
            node=case.registration.id,
            person=ids.key_of(person.id),
            holder=ids.key_of(case.holder),
        )


def _for_registrar(case: Case, person: Party) -> None:
    registrar = case.registration.registrar
    if "registrar" not in person.roles or _acts_for(person) != registrar:
        raise Denied(
            "registration.not-registrar",
            node=case.registration.id,
            person=ids.key_of(person.id),
            registrar=ids.key_of(registrar) or "–",
        )


def _second_person(case: Case, person: Party, makers: Sequence[str]) -> None:
    """A verdict is given by someone who has no hand in what is judged."""
    if person.id in makers:
        raise Denied(
            "registration.maker-is-checker",
            node=case.registration.id,
            person=ids.key_of(person.id),
        )


def _do(uow: Uow, case: Case, step: Step, person: Party, **said: Any) -> RegistrationAct:
    registration = said.pop("on_form", case.registration)
    act = RegistrationAct(
        uow.new_id("rga"),
        registration.id,
        step,
        len(case.acts) + 1,
        person.id,
        uow.today(),
        registration.hash,
        **said,
    )
    uow.add(act, _EVENTS[step])
    return act


# From application to certificate


def apply(uow: Uow, name: str, person_id: str, *, fresh: Registration) -> RegistrationAct:
    """申请. The form is complete, and the claim gives the rights today by the matrix of 第二十一条.

    `fresh` is the form as the folder says it now. Conflict registration.edited-since-run, Invalid
    registration.incomplete, Denied registration.nothing-registrable, registration.own-registrar.
    """
    case, person = _opened(uow, name, Step.APPLY), _person(uow, person_id)
    _for_holder(case, person)
    kept, today = case.registration, uow.today()
    if fresh.declared != kept.declared or fresh.form != kept.form:
        raise Conflict(
            "registration.edited-since-run", node=kept.id, registration=ids.key_of(kept.id)
        )
    _complete(case, kept)
    if kept.registrar == kept.applicant:
        raise Denied("registration.own-registrar", node=kept.id, party=ids.key_of(kept.applicant))
    claim = uow.get(RightsClaim, kept.claim)
    matrix = uow.rules.ask(INSTRUMENT, "rights_by_source", on=today)
    given = given_by(claim.source, matrix)
    held = frozenset(right for right in kept.rights if claim.covers(right, today))
    if given is None or not held or held != kept.rights or held - given.rights:
        raise Denied(
            "registration.nothing-registrable",
            node=kept.id,
            rule=matrix.citation,
            registration=ids.key_of(kept.id),
            claim=ids.key_of(claim.id),
            source=claim.source,
            day=today.isoformat(),
        )
    return _do(uow, case, Step.APPLY, person, due=case.ends("acceptance", today))


def _complete(case: Case, registration: Registration) -> None:
    lacking = missing(registration, case.rules, case.today)
    if lacking:
        raise Invalid(
            "registration.incomplete",
            node=registration.id,
            registration=ids.key_of(registration.id),
            fields=", ".join(one.id for one in lacking),
            count=len(lacking),
        )


def accept(uow: Uow, name: str, person_id: str, *, refuse: str = "") -> RegistrationAct:
    """受理, or not with a reason. After three working days of silence it is accepted anyway."""
    case, person = _opened(uow, name, Step.ACCEPT), _person(uow, person_id)
    _for_registrar(case, person)
    if refuse:
        return _do(uow, case, Step.ACCEPT, person, verdict="refuse", reason=refuse)
    due = case.ends("total", uow.today())
    return _do(uow, case, Step.ACCEPT, person, verdict="pass", due=due)


def ask(uow: Uow, name: str, person_id: str, *, reason: str) -> RegistrationAct:
    """The registrar asks for supplements; the clock of the case stops."""
    case, person = _opened(uow, name, Step.ASK), _person(uow, person_id)
    _for_registrar(case, person)
    return _do(uow, case, Step.ASK, person, reason=reason)


def supply(uow: Uow, name: str, person_id: str, *, fresh: Registration) -> RegistrationAct:
    """The applicant hands in the form as the folder says it now; the clock goes on."""
    case, person = _opened(uow, name, Step.SUPPLY), _person(uow, person_id)
    _for_holder(case, person)
    _complete(case, fresh)
    _same_holder_and_source(case, fresh)
    if fresh != case.registration:
        uow.add(fresh, "registration.declared")
    return _do(uow, case, Step.SUPPLY, person, on_form=fresh)


def extend(uow: Uow, name: str, person_id: str, *, days: int, reason: str) -> RegistrationAct:
    """A complex case gets up to ten more working days, once."""
    case, person = _opened(uow, name, Step.EXTEND), _person(uow, person_id)
    _for_registrar(case, person)
    assert case.accepted_on is not None
    most, rule = case.working_days("extension_max", case.accepted_on)
    if not 0 < days <= most:
        raise Denied(
            "registration.extension-too-long",
            node=case.registration.id,
            rule=rule.citation,
            days=days,
            most=most,
        )
    return _do(uow, case, Step.EXTEND, person, days=days, reason=reason)


def review(
    uow: Uow,
    name: str,
    person_id: str,
    *,
    verdict: str,
    ground: str = "",
    reason: str = "",
    number: str = "",
) -> RegistrationAct:
    """审查: pass means accurate description, lawful source and clear rights; a refusal names its
    ground. Of a request it is the decision, and a pass carries the request out; `number` is the
    certificate number of a transferee, where the registrar gives a new one.

    Denied registration.maker-is-checker for who acted for the applicant or accepted the case.
    """
    case, person = _opened(uow, name, Step.REVIEW), _person(uow, person_id)
    _for_registrar(case, person)
    applicants = [act.by for act in case.acts if act.step in (Step.APPLY, Step.SUPPLY, *REQUESTS)]
    accepted = [case.accepted_by] if case.request is None else []
    _second_person(case, person, [*applicants, *accepted])
    grounds = uow.rules.ask(INSTRUMENT, "refusal_grounds", on=uow.today())
    uow.rules.ask(INSTRUMENT, "review_criteria", on=uow.today())
    if (verdict == "refuse") != bool(ground) or (ground and ground not in grounds.value):
        raise Invalid(
            "registration.ground",
            node=case.registration.id,
            rule=grounds.citation,
            value=ground or "–",
            known=", ".join(grounds.value),
        )
    said = {"verdict": verdict, "ground": ground, "reason": reason}
    if case.request is None:
        return _do(uow, case, Step.REVIEW, person, **said)
    if verdict == "pass":
        _carry_out(uow, case, case.request, number)
    return _do(uow, case, Step.REVIEW, person, **said, answers=case.request.id, certificate=number)


def publish(
    uow: Uow, name: str, person_id: str, *, withheld: Sequence[str] = ()
) -> RegistrationAct:
    """公示 for five working days; `withheld` are the items that the applicant asked not to show."""
    case, person = _opened(uow, name, Step.PUBLISH), _person(uow, person_id)
    _for_registrar(case, person)
    items = uow.rules.ask(INSTRUMENT, "publicity_items", on=uow.today())
    for item in withheld:
        if item not in items.value:
            raise Invalid(
                "registration.not-published",
                node=case.registration.id,
                rule=items.citation,
                value=item,
                known=", ".join(items.value),
            )
    due = case.ends("publicity", uow.today())
    return _do(uow, case, Step.PUBLISH, person, withheld=tuple(withheld), due=due)


def notice(case: Case) -> dict[str, str]:
    """What is shown to the public, by item: all that the applicant did not ask to withhold."""
    published = [act for act in case.acts if act.step is Step.PUBLISH]
    items = case.rules.ask(INSTRUMENT, "publicity_items", on=case.today).value
    form = case.registration.form
    texts = {"applicant": form["applicant_name"]} | {
        name: form[name] for name in ("data_name", "summary", "limits")
    }
    shown = [name for name in items if published and name not in published[-1].withheld]
    return {name: texts[name] for name in shown}


def object_to(
    uow: Uow, name: str, person_id: str, *, reason: str, evidence: Sequence[str] = ()
) -> RegistrationAct:
    """异议, in the notice or after registration, by name, with evidence (hashes)."""
    case, person = _opened(uow, name, Step.OBJECT), _person(uow, person_id)
    if _acts_for(person) == case.holder:
        raise Denied(
            "registration.own-objection",
            node=case.registration.id,
            person=ids.key_of(person.id),
        )
    clock = "post_objection_notice" if case.state is State.REGISTERED else "objection_decision"
    due = case.ends(clock, uow.today())
    return _do(uow, case, Step.OBJECT, person, reason=reason, evidence=tuple(evidence), due=due)


def notify(uow: Uow, name: str, person_id: str, *, objection: str = "") -> RegistrationAct:
    """The registrant is told of an objection that came after registration."""
    case, person = _opened(uow, name, Step.NOTIFY), _person(uow, person_id)
    _for_registrar(case, person)
    return _do(uow, case, Step.NOTIFY, person, answers=_objection(case, objection).id)


def decide(
    uow: Uow, name: str, person_id: str, *, verdict: str, reason: str, objection: str = ""
) -> RegistrationAct:
    """异议处理: in the notice `upheld` ends the case, `dismissed` lets it go on; after registration
    `rectify` asks for a change, `dismissed` closes it, `court` leaves it to arbitration or a court.
    """
    case, person = _opened(uow, name, Step.DECIDE), _person(uow, person_id)
    _for_registrar(case, person)
    objected = _objection(case, objection)
    _second_person(case, person, [objected.by])
    after = case.state is State.REGISTERED
    known = ("rectify", "dismissed", "court") if after else ("upheld", "dismissed")
    if verdict not in known:
        raise Invalid(
            "registration.verdict",
            node=case.registration.id,
            value=verdict,
            known=", ".join(known),
        )
    return _do(uow, case, Step.DECIDE, person, verdict=verdict, reason=reason, answers=objected.id)


def _objection(case: Case, wanted: str) -> RegistrationAct:
    found = [one for one in case.objections.values() if wanted in ("", one.id)]
    if len(found) != 1:
        raise Invalid(
            "registration.which-objection",
            node=case.registration.id,
            value=wanted or "–",
            known=", ".join(case.objections),
        )
    return found[0]


def deposit(
    uow: Uow, name: str, person_id: str, *, receipt: str, through: date | None = None
) -> RegistrationAct:
    """信息存证: the registration is complete, its validity begins. It ends with `through`, at the
    latest after five years and with the claim. `receipt` is what the evidence system answered.
    """
    case, person = _opened(uow, name, Step.DEPOSIT), _person(uow, person_id)
    _for_registrar(case, person)
    ends_on = _validity(uow, case, uow.today(), through)
    return _do(uow, case, Step.DEPOSIT, person, receipt=receipt, ends_on=ends_on)


def _validity(uow: Uow, case: Case, starts_on: date, through: date | None) -> date:
    """The first day after a validity that starts on a day."""
    rule = uow.rules.ask(INSTRUMENT, "validity_years_max", on=starts_on)
    latest = add_months(starts_on, 12 * rule.value)
    claim = uow.get(RightsClaim, case.registration.claim)
    if claim.ends_on is not None:
        latest = min(latest, claim.ends_on)
    ends_on = through + timedelta(days=1) if through else latest
    if not starts_on < ends_on <= latest:
        raise Denied(
            "registration.validity",
            node=case.registration.id,
            rule=rule.citation,
            through=(ends_on - timedelta(days=1)).isoformat(),
            starts_on=starts_on.isoformat(),
            latest=(latest - timedelta(days=1)).isoformat(),
        )
    return ends_on


def certify(uow: Uow, name: str, person_id: str, *, number: str) -> RegistrationAct:
    """凭证核发: the number has the form of the guide, names this month, and was never given before.

    On conflict the deposited evidence beats the paper.
    """
    case, person = _opened(uow, name, Step.CERTIFY), _person(uow, person_id)
    _for_registrar(case, person)
    registration, today, deposited = case.registration, uow.today(), case.deposit
    assert deposited is not None and deposited.ends_on is not None
    _fresh_number(uow, case, number)
    certificate = Certificate(
        ids.node("certificate", number),
        registration.id,
        registration.applicant,
        registration.rights,
        registration.hash,
        today,
        deposited.on,
        deposited.ends_on,
    )
    uow.add(certificate, "certificate.issued", effective_on=deposited.on)
    return _do(uow, case, Step.CERTIFY, person, certificate=number, ends_on=deposited.ends_on)


def _fresh_number(uow: Uow, case: Case, number: str) -> None:
    today, node = uow.today(), case.registration.id
    pattern = uow.rules.ask(INSTRUMENT, "certificate_number", on=today)
    if not re.search(pattern.value, number):
        raise Invalid("registration.number-form", node=node, rule=pattern.citation, number=number)
    if number[5:11] != f"{today:%Y%m}":
        raise Invalid(
            "registration.number-month",
            node=node,
            rule=pattern.citation,
            number=number,
            month=f"{today:%Y%m}",
        )
    held = uow.find(Certificate, ids.node("certificate", number))
    if held is not None:
        raise Conflict(
            "registration.number-taken",
            node=node,
            number=number,
            other=ids.key_of(held.registration),
        )


# What is registered: renewal, transfer, change, cancellation


def renew(uow: Uow, name: str, person_id: str, *, through: date | None = None) -> RegistrationAct:
    """续期, asked for from six months before expiry to the day before."""
    case, person = _opened(uow, name, Step.RENEW), _person(uow, person_id)
    _for_holder(case, person)
    ends_on = _renewed(uow, case, through + timedelta(days=1) if through else None)
    return _request(uow, case, Step.RENEW, person, ends_on=ends_on if through else None)


def _renewed(uow: Uow, case: Case, ends_on: date | None) -> date:
    """The end of a renewal that is completed today: five years at most, and later than before."""
    assert case.certificate is not None
    asked = ends_on - timedelta(days=1) if ends_on else None
    found = _validity(uow, case, uow.today(), asked)
    if found <= case.certificate.ends_on:
        rule = uow.rules.ask(INSTRUMENT, "validity_years_max", on=uow.today())
        raise Denied(
            "registration.renewal-adds-nothing",
            node=case.registration.id,
            rule=rule.citation,
            through=(found - timedelta(days=1)).isoformat(),
            before=(case.certificate.ends_on - timedelta(days=1)).isoformat(),
        )
    return found


def transfer(uow: Uow, name: str, person_id: str, *, to: str) -> RegistrationAct:
    """转让 of all registered rights to another party; the transferor keeps nothing of them."""
    case, person = _opened(uow, name, Step.TRANSFER), _person(uow, person_id)
    _for_holder(case, person)
    party = uow.find(Party, ids.node("party", ids.key_of(to)))
    if party is None or party.id == case.holder:
        raise Invalid("registration.transferee", node=case.registration.id, value=to)
    _keeps_nothing(uow, case)
    return _request(uow, case, Step.TRANSFER, person, to=party.id)


def _keeps_nothing(uow: Uow, case: Case) -> None:
    """No other claim may leave a transferred right with the transferor."""
    assert case.certificate is not None
    rule = uow.rules.ask(INSTRUMENT, "transferor_keeps_nothing", on=uow.today())
    claim = uow.get(RightsClaim, case.registration.claim)
    others = [
        other
        for other in claims_over(uow, claim.resource, case.holder)
        if other.id != claim.id
        and any(other.covers(right, case.today) for right in case.certificate.rights)
    ]
    if rule.value and others:
        raise Denied(
            "registration.transferor-keeps",
            node=case.registration.id,
            rule=rule.citation,
            party=ids.key_of(case.holder),
            claims=", ".join(ids.key_of(other.id) for other in others),
        )


def change(uow: Uow, name: str, person_id: str, *, fresh: Registration) -> RegistrationAct:
    """变更 to the form as the folder says it now; holder and source cannot change."""
    case, person = _opened(uow, name, Step.CHANGE), _person(uow, person_id)
    _for_holder(case, person)
    _same_holder_and_source(case, fresh)
    _complete(case, fresh)
    changed = differing(case.registration, fresh)
    if not changed:
        raise Conflict("registration.nothing-changed", node=fresh.id)
    return _request(
        uow,
        case,
        Step.CHANGE,
        person,
        before={name: case.registration.form.get(name, "") for name in changed},
        form=fresh.form,
        declared=fresh.declared,
        definition=fresh.definition,
    )


def _same_holder_and_source(case: Case, fresh: Registration) -> None:
    kept = case.registration
    rule = case.rules.ask(INSTRUMENT, "change_excludes", on=case.today)
    changed = {
        "right_holder": fresh.applicant != kept.applicant,
        "source": fresh.source != kept.source,
    }
    for name in rule.value:
        if changed.get(name):
            raise Denied("registration.not-by-change", node=kept.id, rule=rule.citation, what=name)


def cancel(uow: Uow, name: str, person_id: str, *, reason: str) -> RegistrationAct:
    """注销, for a reason."""
    case, person = _opened(uow, name, Step.CANCEL), _person(uow, person_id)
    _for_holder(case, person)
    return _request(uow, case, Step.CANCEL, person, reason=reason)


def _request(uow: Uow, case: Case, step: Step, person: Party, **said: Any) -> RegistrationAct:
    due = case.ends("total", uow.today())
    return _do(uow, case, step, person, due=due, **said)


def _carry_out(uow: Uow, case: Case, asked: RegistrationAct, number: str) -> None:
    """What a request does once it has passed."""
    held, today = case.certificate, uow.today()
    assert held is not None
    if asked.step is Step.RENEW:
        renewed = replace(held, ends_on=_renewed(uow, case, asked.ends_on))
        uow.add(renewed, "certificate.renewed", effective_on=held.ends_on)
    elif asked.step is Step.CHANGE:
        changed = replace(
            case.registration,
            form=asked.form,
            declared=asked.declared,
            definition=asked.definition,
        )
        uow.add(changed, "registration.changed")
        uow.add(replace(held, content=changed.hash), "certificate.changed")
    elif asked.step is Step.CANCEL:
        uow.add(replace(held, status="cancelled"), "certificate.cancelled")
    else:
        _keeps_nothing(uow, case)
        claim = uow.get(RightsClaim, case.registration.claim)
        if number:
            _fresh_number(uow, case, number)
            uow.add(replace(held, status="transferred"), "certificate.transferred")
            uow.add(
                replace(held, id=ids.node("certificate", number), holder=asked.to, issued_on=today),
                "certificate.issued",
            )
        else:
            uow.add(replace(held, holder=asked.to), "certificate.transferred")
        if held.holder == claim.party:
            moved = RightsTransfer(uow.new_id("rtr"), claim.id, asked.to, held.rights, today)
            uow.add(moved, "rights.transferred")
            uow.add(replace(claim, rights=claim.rights - held.rights), "rights.reduced")


# The forms as they are handed in


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A form of the guide with what stands in it: a row is a field and its text."""

    id: str
    title: Text
    rows: tuple[tuple[Field, str], ...]


def filled_forms(uow: Uow, case: Case) -> list[FilledForm]:
    """The application, and the form of each request that was made."""
    types = uow.rules.ask(INSTRUMENT, "registration_types", on=case.today).value
    names = ("initial", "transfer", "change", "renewal", "cancellation")
    titles: dict[str, str] = dict(zip(names, types, strict=True))

    def form(name: str, values: Mapping[str, str]) -> FilledForm:
        listed = fields_of(name, uow.rules, case.today)
        rows = tuple((one, values.get(one.id, "")) for one in listed)
        return FilledForm(name, Text(f"{titles[name]}申请表", f"application, {name}"), rows)

    found = [form("initial", case.registration.form)]
    for act in case.acts:
        if act.step is Step.TRANSFER:
            before = [one.to for one in case.acts[: act.number - 1] if one.step is Step.TRANSFER]
            giver = uow.get(Party, before[-1] if before else case.registration.applicant)
            taker = uow.get(Party, act.to)
            values = {
                "certificate": _number_of(case),
                "transferor": f"{giver.name}（{giver.uscc}）",
                "transferee": f"{taker.name}（{taker.uscc}）",
                "rights": case.registration.form["rights"],
            }
            found.append(form("transfer", values))
        elif act.step is Step.CHANGE:
            values = {
                "before": "\n".join(f"{name}：{text}" for name, text in act.before.items()),
                "after": "\n".join(f"{name}：{act.form[name]}" for name in act.before),
            }
            found.append(form("change", values))
        elif act.step is Step.RENEW:
            through = act.ends_on - timedelta(days=1) if act.ends_on else "最长期限"
            found.append(form("renewal", {"matter": f"{_number_of(case)} 续期至 {through}"}))
        elif act.step is Step.CANCEL:
            found.append(form("cancellation", {"reason": act.reason}))
    return found


def _number_of(case: Case) -> str:
    return ids.key_of(case.certificate.id) if case.certificate else ""
