"""The application form 初次登记申请表: what the system knows fills it, what is left a person gives.

By 国数综政策〔2026〕35号. Texts on the form are Chinese, as the form is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, cast

from sanhua.asset.party import Party
from sanhua.asset.rights import Right, RightsClaim, transferred
from sanhua.kernel import ids
from sanhua.kernel.errors import Denied, Invalid, SanhuaError
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Rule, Rules, Uow
from sanhua.kernel.record import DefinedBy, HeldBy, Ref, record
from sanhua.kernel.text import Text
from sanhua.resource.profile import Profile
from sanhua.resource.publish import DataResource
from sanhua.verify import canonical, sha256

INSTRUMENT = "nda_2026_35"
PROPERTY_RIGHT = "property_right"

# Fields of the form that a registration's entry in rights/*.yaml may give, under the same name.
GIVEN = (
    "data_name", "summary", "applicant_type", "contact", "phone", "address", "business",
    "industry", "source", "region", "time_range", "update", "form", "structure",
)  # fmt: skip
CHOICES = {"applicant_type": "applicant"} | {
    name: name for name in ("source", "region", "update", "form", "structure")
}
SHOWN_IN_PERSON = "由申请人本人向登记机构出示"  # no identity number of a person is ever kept
NONE = "无"


@dataclass(frozen=True, slots=True)
class RegistrationPlan:
    """A registration that is meant to be applied for; its steps are acts.

    `given` are fields of the form by name (GIVEN). `public_data`: "" or duty, authorised_product,
    utility; `public_registration` the code of an earlier registration as public data resource.
    """

    id: str
    kind: str  # property_right public_resource data_ip exchange
    origin: Origin
    claim: str = ""
    registrar: str = ""
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    public_data: str = ""
    public_registration: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form; `part` is the block that it stands in."""

    id: str
    title: Text
    part: str = ""


@record("registration")
@dataclass(frozen=True, slots=True)
class Registration:
    """登记 `registration:<id>`: what is applied for. `form` has the text of each field by name.

    `declared` is the hash of what people wrote (the entry and its claim) apart from what was
    measured, so that a data set that grows is no edit.
    """

    id: str
    kind: str
    claim: Annotated[str, Ref("registers")]
    applicant: HeldBy
    registrar: Annotated[str, Ref("registered_with")]
    source: str
    rights: frozenset[Right]
    form: Mapping[str, str]
    declared: str
    definition: DefinedBy

    @property
    def hash(self) -> str:
        """The content hash of the filled form: what an act is done on."""
        return sha256(canonical(dict(self.form)))


def fields_of(form: str, rules: Rules, on: date) -> tuple[Field, ...]:
    """The fields of a form (`initial`, `transfer`, `change`, `renewal`, `cancellation`)."""
    listed = cast(
        "tuple[Mapping[str, str], ...]", rules.ask(INSTRUMENT, f"{form}_form", on=on).value
    )
    return tuple(
        Field(one["id"], Text(one["zh"], one["en"]), one.get("part", "")) for one in listed
    )


def missing(registration: Registration, rules: Rules, on: date) -> list[Field]:
    """The fields of the application that nobody has given yet."""
    lacking = [f for f in fields_of("initial", rules, on) if not registration.form.get(f.id)]
    if not registration.registrar:
        lacking.append(Field("registrar", Text("登记机构", "registrar")))
    return lacking


def wrong(plan: RegistrationPlan, rules: Rules, on: date) -> Iterator[tuple[str, SanhuaError]]:
    """What cannot be registered as written, by the key that says it: length, choice, code, and
    public data that is not registrable.
    """
    at: dict[str, Any] = {
        "path": plan.origin.path,
        "line": plan.origin.line,
        "node": ids.node("registration", plan.id),
        "registration": plan.id,
    }
    if plan.public_data:
        rule = rules.ask(INSTRUMENT, "public_data", on=on)
        answer = rule.value.get(plan.public_data)
        if answer is None:
            yield (
                "public_data",
                _not_a_choice(at, rule, "public_data", plan.public_data, rule.value),
            )
        elif answer == "no":
            yield "public_data", Denied("registration.duty-data", **at, rule=rule.citation)
        elif answer != "yes" and not plan.public_registration:
            yield "public_data", Denied("registration.public-first", **at, rule=rule.citation)
    for key, name in (("data_name", "name_max_chars"), ("summary", "summary_max_chars")):
        rule = rules.ask(INSTRUMENT, name, on=on)
        written = plan.given.get(key, "")
        if len(written) > rule.value:
            yield (
                key,
                Invalid(
                    "registration.too-long",
                    **at,
                    rule=rule.citation,
                    key=key,
                    length=len(written),
                    most=rule.value,
                ),
            )
    rule = rules.ask(INSTRUMENT, "form_choices", on=on)
    for key, name in CHOICES.items():
        written = plan.given.get(key, "")
        if written and written not in rule.value[name]:
            yield key, _not_a_choice(at, rule, key, written, rule.value[name])
    industry = plan.given.get("industry", "")
    rule = rules.ask(INSTRUMENT, "industry_code", on=on)
    if industry and not re.search(rule.value, industry.split(" ")[0]):
        yield (
            "industry",
            Invalid("registration.industry", **at, rule=rule.citation, value=industry),
        )


def _not_a_choice(
    at: dict[str, Any], rule: Rule, key: str, written: str, known: Any
) -> SanhuaError:
    words = [str(word) for word in known]
    near = get_close_matches(written, words, 1, 0.3)
    return Invalid(
        "registration.not-a-choice",
        **at,
        rule=rule.citation,
        key=key,
        value=written,
        nearest=near[0] if near else "–",
        known=", ".join(words),
    )


def fill(uow: Uow, plan: RegistrationPlan) -> Registration:
    """The form filled with what is known of claim, resource and parties, and what the entry gives.

    Raises the first fault of `wrong`, Invalid registration.source-differs when the entry names
    another source than the claim's, NotFound when claim or resource were not made.
    """
    today, rules = uow.today(), uow.rules
    for _, error in wrong(plan, rules, today):
        raise error
    claim = uow.get(RightsClaim, ids.node("claim", plan.claim))
    resource = uow.get(DataResource, claim.resource)
    applicant = uow.get(Party, claim.party)
    rights = claim.rights | transferred(uow, claim.id)
    given = plan.given
    choices = rules.ask(INSTRUMENT, "form_choices", on=today).value
    tables = rules.ask(INSTRUMENT, "table_on_form", on=today).value
    contact = uow.find(Party, ids.node("party", given.get("contact", "")))
    form = {
        "applicant_name": applicant.name,
        "applicant_type": given.get("applicant_type")
        or (choices["applicant"][0] if applicant.person else ""),
        "id_number": SHOWN_IN_PERSON if applicant.person else applicant.uscc,
        "contact": contact.name if contact else "",
        "phone": given.get("phone", ""),
        "address": given.get("address", ""),
        "business": given.get("business", ""),
        "data_name": given.get("data_name", ""),
        "summary": given.get("summary") or str(resource.description),
        "industry": given.get("industry", ""),
        "source": _source(plan, claim, rules, today),
        "region": given.get("region", ""),
        "time_range": given.get("time_range") or _time_range(uow, resource),
        "update": given.get("update")
        or rules.ask(INSTRUMENT, "update_on_form", on=today).value.get(resource.cadence.value, ""),
        "volume": f"{resource.rows} 条，{sum(table.columns for table in resource.tables)} 列",
        "form": given.get("form") or tables["form"],
        "structure": given.get("structure") or tables["structure"],
        "limits": claim.limits or NONE,
        "rights": _configuration(uow, claim, rights, today),
    }
    most = rules.ask(INSTRUMENT, "summary_max_chars", on=today)
    if len(form["summary"]) > most.value:
        raise Invalid(
            "registration.too-long",
            path=plan.origin.path,
            line=plan.origin.line,
            rule=most.citation,
            registration=plan.id,
            key="summary",
            length=len(form["summary"]),
            most=most.value,
        )
    return Registration(
        ids.node("registration", plan.id),
        plan.kind,
        claim.id,
        claim.party,
        ids.node("party", plan.registrar) if plan.registrar else "",
        claim.source,
        rights,
        form,
        _declared(plan, claim, rights),
        plan.origin.sha256,
    )


def _source(plan: RegistrationPlan, claim: RightsClaim, rules: Rules, on: date) -> str:
    """The source as the form calls it; a row that falls under no choice is named by a person."""
    rule = rules.ask(INSTRUMENT, "source_on_form", on=on)
    clear, written = rule.value.get(claim.source, ""), plan.given.get("source", "")
    if clear and written and clear != written:
        raise Invalid(
            "registration.source-differs",
            path=plan.origin.path,
            line=plan.origin.line,
            rule=rule.citation,
            registration=plan.id,
            written=written,
            source=claim.source,
            wanted=clear,
        )
    return clear or written


def _time_range(uow: Uow, resource: DataResource) -> str:
    """From the first to the last day in the dated columns; empty when there is none."""
    days: list[str] = []
    for table in resource.tables:
        profile = uow.find(Profile, ids.node("profile", ids.key_of(table.table)))
        for column in profile.columns if profile else ():
            if column.type in ("DATE", "TIMESTAMP"):
                days += [text[:10] for text in (column.least, column.most) if text]
    return f"{min(days)} 至 {max(days)}" if days else ""


def _configuration(uow: Uow, claim: RightsClaim, rights: frozenset[Right], on: date) -> str:
    """权利配置说明: a line a holder: party, code, rights, term, limits."""
    listed = cast("tuple[Mapping[str, str], ...]", uow.rules.ask(INSTRUMENT, "rights", on=on).value)
    words = "、".join(one["zh"] for one in listed if Right(one["id"]) in rights)
    if not words:
        return ""
    lines: list[str] = []
    for holder in (claim.party, *claim.co_holders):
        party = uow.get(Party, holder)
        code = party.uscc or (SHOWN_IN_PERSON if party.person else "")
        lines.append(
            f"{party.name}（{code or NONE}）：{words}；期限：{_term(claim)}；"
            f"限制：{claim.limits or NONE}"
        )
    return "\n".join(lines)


def _term(claim: RightsClaim) -> str:
    since = claim.starts_on.isoformat() if claim.starts_on else ""
    last = (claim.ends_on - timedelta(days=1)).isoformat() if claim.ends_on else "登记有效期届满"
    return f"{since} 至 {last}" if since else f"至 {last}"


def _declared(plan: RegistrationPlan, claim: RightsClaim, rights: frozenset[Right]) -> str:
    said = {
        "entry": {**plan.given, "registrar": plan.registrar, "claim": plan.claim},
        "public": [plan.public_data, plan.public_registration],
        "claim": [claim.source, claim.party, *claim.co_holders, claim.limits],
        "term": [str(claim.starts_on or ""), str(claim.ends_on or "")],
        "rights": sorted(right.value for right in rights),
    }
    return sha256(canonical(said))
