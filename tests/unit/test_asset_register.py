"""A registration of a data property right under 国数综政策〔2026〕35号, on a real store and a set
clock.

Working days of 2026: Sunday 09-20 and Saturday 10-10 are worked (调休), 09-25 to 27 and 10-01 to 07
are free (notice of the State Council for 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sanhua.asset import register as stage
from sanhua.asset.case import Case, Certificate, Clock, RegistrationAct, State, Step, case_of
from sanhua.asset.form import Registration, RegistrationPlan, fill, missing, wrong
from sanhua.asset.party import Party, enrol
from sanhua.asset.rights import Claim, Right, RightsClaim, claim_rights
from sanhua.kernel.errors import Conflict, Denied, Invalid, NotFound, RuleGap, SanhuaError
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.text import Text
from sanhua.resource.collect import Cadence
from sanhua.resource.grade import Grade
from sanhua.resource.profile import ColumnProfile, Profile
from sanhua.resource.publish import DataResource, PublishedTable
from sanhua.rules.packs import Packs
from sanhua.store import SqlStore, open_store
from sanhua.store.clock import SetClock
from sanhua.store.unit import SqlUow

PACKS = Packs.load()
PARTIES = (
    Party("party:plant", "测试工厂", ("holder",), "91350100M000100Y43"),
    Party("party:buyer", "受让公司", ("buyer",), "91310000MA1FL0XX7Y"),
    Party("party:registry", "登记机构", ("registrar",)),
    Party("party:steward", "管家", ("data_steward",), person=True, of="party:plant"),
    Party("party:window", "受理员", ("registrar",), person=True, of="party:registry"),
    Party("party:examiner", "审查员", ("registrar",), person=True, of="party:registry"),
    Party("party:clerk", "文员", (), person=True, of="party:registry"),
    Party("party:rival", "异议人", (), person=True, of="party:buyer"),
)
GIVEN = {
    "data_name": "2024年示例地区电力行业日用电量数据表",
    "summary": "两块电表的日用电量",
    "applicant_type": "法人",
    "contact": "steward",
    "phone": "0591-87000000",
    "address": "示例市示例路1号",
    "business": "存续",
    "industry": "D44",
    "region": "市级",
}
CLAIM = Claim(
    "daily",
    "daily",
    "own_collection",
    "plant",
    (Evidence("sha256:e0", "evidence/paper.md"),),
    Origin("rights/claims.yaml", 2, "sha256:claims"),
)
PLAN = RegistrationPlan(
    "daily_2026",
    "property_right",
    Origin("rights/claims.yaml", 9, "sha256:claims"),
    "daily",
    "registry",
    GIVEN,
)
NUMBER = "SJ3512026090001"


class Registry:
    """A store whose clock is moved by the test; every act is one transaction."""

    def __init__(self, folder: Path, rules: Packs = PACKS) -> None:
        self.store: SqlStore = open_store(
            f"sqlite:///{folder}/state.db", clock=self.clock_on(date(2026, 9, 1)), rules=rules
        )

    def clock_on(self, day: date) -> SetClock:
        self.clock = SetClock(datetime(day.year, day.month, day.day, 1, tzinfo=UTC))
        return self.clock

    def go(self, day: str) -> None:
        self.clock.set(datetime.fromisoformat(f"{day}T01:00:00+00:00"))

    def do(self, work: Callable[[SqlUow], Any]) -> Any:
        with self.store.begin(actor="party:test") as uow:
            return work(uow)

    def act(self, step: str, person: str, **said: Any) -> RegistrationAct:
        name = {"object": "object_to"}.get(step, step)
        return self.do(lambda uow: getattr(stage, name)(uow, "daily_2026", person, **said))

    def apply(self, plan: RegistrationPlan = PLAN) -> RegistrationAct:
        return self.do(lambda uow: stage.apply(uow, "daily_2026", "steward", fresh=fill(uow, plan)))

    def freeze(self, plan: RegistrationPlan = PLAN) -> Any:
        return self.do(lambda uow: stage.freeze(uow, plan))

    @property
    def case(self) -> Case:
        return self.do(lambda uow: case_of(uow, "daily_2026"))

    def clock_named(self, name: str) -> Clock:
        return next(clock for clock in self.case.clocks() if clock.id == name)

    def refused(self, kind: type[SanhuaError], code: str, step: str, person: str, **said: Any):
        with pytest.raises(kind) as refused:
            self.act(step, person, **said)
        assert refused.value.code == code
        return refused.value.diagnostic


def prepare(uow: SqlUow, claim: Claim = CLAIM) -> None:
    for party in PARTIES:
        enrol(uow, party)
    table = PublishedTable("table:daily", "sha256:s1", "grade:daily", 4, 0, 3, Grade.GENERAL1)
    resource = DataResource(
        "resource:daily", Text("日电量"), "party:plant", "sha256:c", (table,), "quality:daily",
        "standard:daily", 4, Grade.GENERAL1, Decimal("0.9"), Cadence.DAY, date(2026, 9, 1),
    )  # fmt: skip
    uow.add(resource, "resource.published")
    columns = (
        ColumnProfile("meter", "VARCHAR", 0, 2, "2", "2"),
        ColumnProfile("day", "DATE", 0, 2, "2024-02-01", "2024-02-02"),
    )
    uow.add(Profile("profile:daily", "sha256:s1", 4, columns), "table.profiled")
    claim_rights(uow, claim)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path)
    made.do(prepare)
    made.freeze()
    yield made
    made.store.close()


def to_published(registry: Registry) -> None:
    registry.apply()
    registry.act("accept", "window")
    registry.act("review", "examiner", verdict="pass")
    registry.act("publish", "window")


def to_registered(registry: Registry) -> None:
    to_published(registry)
    registry.go("2026-09-09")
    registry.act("deposit", "window", receipt="回执 1")
    registry.act("certify", "window", number=NUMBER)


# The form


def test_the_form_is_filled_with_what_is_known_and_the_rest_is_listed(registry: Registry):
    bare = replace(PLAN, given={})

    def filled(uow: SqlUow) -> tuple[Registration, list[str]]:
        made = fill(uow, bare)
        return made, [one.id for one in missing(made, uow.rules, uow.today())]

    made, lacking = registry.do(filled)
    known = {name: text for name, text in made.form.items() if text}
    assert known == {
        "applicant_name": "测试工厂",
        "id_number": "91350100M000100Y43",
        "source": "采集生成",
        "time_range": "2024-02-01 至 2024-02-02",
        "update": "按天更新",
        "volume": "4 条，3 列",
        "form": "表格",
        "structure": "结构化",
        "limits": "无",
        "rights": "测试工厂（91350100M000100Y43）：数据持有权、数据使用权、数据经营权；"
        "期限：至 登记有效期届满；限制：无",
    }
    assert lacking == [
        "applicant_type", "contact", "phone", "address", "business", "data_name", "summary",
        "industry", "region",
    ]  # fmt: skip
    assert not registry.do(lambda uow: missing(fill(uow, PLAN), uow.rules, uow.today()))


def test_no_identity_number_of_a_person_stands_on_the_form(registry: Registry):
    person = replace(CLAIM, id="own", party="rival", source="personal")
    plan = replace(PLAN, id="own_2026", claim="own", given=GIVEN | {"source": "采集生成"})
    registry.do(lambda uow: claim_rights(uow, person))
    form = registry.do(lambda uow: fill(uow, plan)).form
    assert form["id_number"] == "由申请人本人向登记机构出示" and form["source"] == "采集生成"


@pytest.mark.parametrize(
    "source, rights, on_form",
    [
        ("own_collection", "hold operate use", "采集生成"),
        ("agreement", "hold operate use", "协议取得"),
        ("open_collection", "hold use", "通过自动化程序收集公开数据"),
        ("derived", "hold operate use", "衍生创造"),
        ("personal", "hold operate use", ""),
        ("fusion", "hold use", ""),
    ],
)
def test_the_source_decides_what_is_registered_and_how_the_form_calls_it(
    registry: Registry, source: str, rights: str, on_form: str
):
    """第二十一条; 自然人 and 融合 fall under no choice of the form: a person names one."""
    registry.do(lambda uow: claim_rights(uow, replace(CLAIM, source=source)))
    made = registry.do(lambda uow: fill(uow, PLAN))
    assert sorted(right.value for right in made.rights) == rights.split()
    assert made.form["source"] == on_form


def test_processed_data_gives_nothing_to_register(registry: Registry):
    with pytest.raises(Denied) as refused:
        registry.do(lambda uow: claim_rights(uow, replace(CLAIM, source="entrusted")))
    assert refused.value.code == "rights.none-from-entrusted"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name of 41": ({"given": GIVEN | {"data_name": "数" * 41}}, "registration.too-long"),
    "a summary of 401": ({"given": GIVEN | {"summary": "数" * 401}}, "registration.too-long"),
    "a region": ({"given": GIVEN | {"region": "地市级"}}, "registration.not-a-choice"),
    "an industry": ({"given": GIVEN | {"industry": "4400"}}, "registration.industry"),
    "duty data": ({"public_data": "duty"}, "registration.duty-data"),
    "other public data": ({"public_data": "dutty"}, "registration.not-a-choice"),
    "a product not registered": ({"public_data": "authorised_product"},
                                 "registration.public-first"),
    "another source": ({"given": GIVEN | {"source": "衍生创造"}}, "registration.source-differs"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_the_form_does_not_take_is_refused_with_the_clause(registry: Registry, what: str):
    edit, code = WRONG[what]
    with pytest.raises(SanhuaError) as refused:
        registry.freeze(replace(PLAN, **edit))
    found = refused.value.diagnostic
    assert found.code == code and found.path == "rights/claims.yaml" and found.line == 9
    assert found.rule is not None and found.rule.number == "国数综政策〔2026〕35号"
    assert "{" not in found.message("zh") + found.message("en") + found.hint("zh")


def test_names_of_40_and_summaries_of_400_fit_and_so_does_registered_public_data():
    fits = replace(
        PLAN,
        given=GIVEN | {"data_name": "数" * 40, "summary": "数" * 400, "industry": "D44 电力"},
        public_data="authorised_product",
        public_registration="GG-1",
    )
    on = date(2026, 9, 1)
    assert not list(wrong(fits, PACKS, on))
    assert not list(wrong(replace(PLAN, public_data="utility"), PACKS, on))
    with pytest.raises(RuleGap):
        list(wrong(fits, PACKS, date(2026, 7, 2)))


# The way to the certificate


def test_a_case_goes_from_application_to_certificate(registry: Registry):
    assert registry.case.state is State.DRAFT
    assert registry.apply().due == date(2026, 9, 4)
    assert registry.act("accept", "window").due == date(2026, 9, 15)
    registry.act("review", "examiner", verdict="pass")
    assert registry.act("publish", "window", withheld=["applicant"]).due == date(2026, 9, 8)
    assert registry.case.state is State.PUBLISHED
    shown = registry.do(lambda uow: stage.notice(case_of(uow, "daily_2026")))
    assert list(shown) == ["data_name", "summary", "limits"]
    registry.go("2026-09-08")
    early = registry.refused(
        Conflict, "registration.notice-running", "deposit", "window", receipt="回执"
    )
    assert early.facts["due"] == "2026-09-08"
    registry.go("2026-09-09")
    deposited = registry.act("deposit", "window", receipt="回执 1")
    assert deposited.ends_on == date(2031, 9, 9)  # five years from the deposit
    registry.act("certify", "window", number=NUMBER)
    case = registry.case
    assert case.state is State.REGISTERED and case.certificate is not None
    assert (case.certificate.starts_on, case.certificate.ends_on) == (
        date(2026, 9, 9),
        date(2031, 9, 9),
    )
    assert case.certificate.content == case.registration.hash
    assert [act.number for act in case.acts] == list(range(1, 7))
    assert not registry.store.verify()


def test_every_step_out_of_order_is_a_conflict_that_says_what_can_be_done(registry: Registry):
    said: dict[str, dict[str, Any]] = {
        "accept": {}, "ask": {"reason": "r"}, "extend": {"days": 1, "reason": "r"},
        "review": {"verdict": "pass"}, "publish": {}, "object": {"reason": "r"}, "notify": {},
        "decide": {"verdict": "upheld", "reason": "r"}, "deposit": {"receipt": "r"},
        "certify": {"number": NUMBER}, "renew": {}, "transfer": {"to": "buyer"},
        "cancel": {"reason": "r"},
    }  # fmt: skip
    for step, words in said.items():
        found = registry.refused(Conflict, "registration.wrong-step", step, "window", **words)
        assert found.facts["next"] == "apply"
        assert "{" not in found.message("zh") + found.hint("en")
    registry.apply()
    with pytest.raises(Conflict):
        registry.apply()
    assert registry.case.next_steps() == [Step.ACCEPT]


def test_an_incomplete_form_and_one_edited_since_the_run_cannot_be_applied_with(
    registry: Registry,
):
    with pytest.raises(Conflict) as refused:
        registry.apply(replace(PLAN, given=GIVEN | {"region": "省级"}))
    assert refused.value.code == "registration.edited-since-run"
    bare = replace(PLAN, given={k: v for k, v in GIVEN.items() if k != "phone"}, registrar="")
    registry.freeze(bare)
    with pytest.raises(Invalid) as refused:
        registry.apply(bare)
    assert refused.value.code == "registration.incomplete"
    assert refused.value.diagnostic.facts["fields"] == "phone, registrar"


def test_rights_that_the_claim_does_not_give_today_are_not_registrable(registry: Registry):
    later = replace(CLAIM, starts_on=date(2026, 10, 1))
    registry.do(lambda uow: claim_rights(uow, later))
    registry.freeze()
    with pytest.raises(Denied) as refused:
        registry.apply()
    assert refused.value.code == "registration.nothing-registrable"


def test_only_the_applicant_applies_and_only_its_registrar_registers(registry: Registry):
    with pytest.raises(Denied) as refused:
        registry.do(lambda uow: stage.apply(uow, "daily_2026", "rival", fresh=fill(uow, PLAN)))
    assert refused.value.code == "registration.not-applicant"
    registry.apply()
    for person in ("steward", "clerk", "rival"):
        registry.refused(Denied, "registration.not-registrar", "accept", person)
    registry.refused(NotFound, "approve.no-such-person", "accept", "registry")


def test_who_accepted_a_case_does_not_review_it(registry: Registry):
    registry.apply()
    registry.act("accept", "window")
    registry.refused(Denied, "registration.maker-is-checker", "review", "window", verdict="pass")
    registry.act("review", "examiner", verdict="pass")


def test_a_registrar_cannot_register_its_own_data(registry: Registry):
    own = replace(PLAN, registrar="plant")
    registry.freeze(own)
    with pytest.raises(Denied) as refused:
        registry.apply(own)
    assert refused.value.code == "registration.own-registrar"


def test_a_refusal_names_a_ground_of_the_guide_and_one_may_apply_again(registry: Registry):
    registry.apply()
    registry.act("accept", "window")
    for words in ({"verdict": "refuse"}, {"verdict": "refuse", "ground": "ugly"},
                  {"verdict": "pass", "ground": "disputed"}):  # fmt: skip
        registry.refused(Invalid, "registration.ground", "review", "examiner", **words)
    registry.act("review", "examiner", verdict="refuse", ground="disputed", reason="权属争议")
    assert registry.case.state is State.REFUSED
    registry.go("2026-09-14")
    registry.apply()
    case = registry.case
    assert case.state is State.APPLIED and case.applied_on == date(2026, 9, 14)
    registry.act("accept", "window", refuse="材料不全")
    assert registry.case.state is State.REFUSED


# Clocks


def test_silence_of_three_working_days_accepts_on_the_fourth(registry: Registry):
    """Applied on Thursday 09-17: Friday, the worked Sunday 20 and Monday 21 are the three."""
    registry.go("2026-09-17")
    registry.apply()
    registry.go("2026-09-21")
    assert registry.case.state is State.APPLIED
    assert registry.clock_named("acceptance").due == date(2026, 9, 21)
    registry.go("2026-09-22")
    case = registry.case
    assert case.state is State.ACCEPTED and case.accepted_on == date(2026, 9, 22)
    registry.refused(Conflict, "registration.wrong-step", "accept", "window", refuse="迟了")
    registry.act("review", "window", verdict="pass")
    assert registry.case.state is State.PASSED


def test_the_case_has_ten_working_days_across_the_national_day(registry: Registry):
    """Accepted on Monday 09-21: 22 23 24, 28 29 30, 10-08 09, the worked Saturday 10, Monday 12."""
    registry.go("2026-09-18")
    registry.apply()
    registry.go("2026-09-21")
    assert registry.act("accept", "window").due == date(2026, 10, 12)
    clock = registry.clock_named("total")
    assert (clock.due, clock.days, clock.rule.cite) == (
        date(2026, 10, 12),
        10,
        "国数综政策〔2026〕35号 登记程序",
    )


@pytest.mark.parametrize("days, fits", [(0, False), (9, True), (10, True), (11, False)])
def test_a_complex_case_gets_at_most_ten_more_once(registry: Registry, days: int, fits: bool):
    registry.apply()
    registry.act("accept", "window")
    if not fits:
        registry.refused(
            Denied, "registration.extension-too-long", "extend", "window", days=days, reason="r"
        )
        return
    registry.act("extend", "window", days=days, reason="案情复杂")
    assert registry.clock_named("total").days == 10 + days
    assert registry.clock_named("total").due == PACKS.working_days_after(
        date(2026, 9, 1), 10 + days
    )
    registry.refused(
        Conflict, "registration.extended-before", "extend", "window", days=1, reason="r"
    )


def test_supplements_notice_and_objections_do_not_count(registry: Registry):
    """Accepted Tue 09-01, asked Thu 03, supplied Tue 08: Fri 4, Mon 7, Tue 8 are left out."""
    registry.apply()
    registry.act("accept", "window")
    registry.go("2026-09-03")
    registry.act("ask", "window", reason="样例")
    assert registry.clock_named("total").due is None
    registry.go("2026-09-08")
    registry.do(lambda uow: stage.supply(uow, "daily_2026", "steward", fresh=fill(uow, PLAN)))
    assert registry.clock_named("total").due == date(2026, 9, 18)  # 3 days later than 09-15
    registry.act("review", "examiner", verdict="pass")
    registry.act("publish", "window")
    assert registry.clock_named("publicity").due == date(2026, 9, 15)
    # 2 3 | 9..15 are the notice | 16 17 18 20(Sun) 21 22 23 24 are the other eight
    assert registry.clock_named("total").due == date(2026, 9, 24)
    registry.go("2026-09-15")
    objected = registry.act("object", "rival", reason="权属", evidence=["sha256:e1"])
    assert objected.due == date(2026, 9, 29)  # ten working days: 16 17 18 20 21 22 23 24 28 29
    assert registry.clock_named("total").due is None
    registry.go("2026-09-17")
    registry.act("decide", "examiner", verdict="dismissed", reason="证据不足")
    # 16 and 17 are left out: 18 20 21 22 23 24 28 29
    assert registry.clock_named("total").due == date(2026, 9, 29)
    registry.act("deposit", "window", receipt="回执")
    registry.act("certify", "window", number=NUMBER)
    total = registry.clock_named("total")
    assert total.done_on == date(2026, 9, 17) and not total.overdue(date(2026, 12, 1))


def test_a_late_act_is_kept_and_shown_as_late(registry: Registry):
    registry.apply()
    registry.act("accept", "window")
    registry.go("2026-09-16")
    assert registry.clock_named("total").overdue(date(2026, 9, 16))
    registry.act("review", "examiner", verdict="refuse", ground="unlawful_source")
    total = registry.clock_named("total")
    assert total.done_on == date(2026, 9, 16) and total.overdue(date(2026, 9, 17))


def test_a_clock_into_a_year_without_calendar_is_a_gap_and_nothing_is_kept(registry: Registry):
    registry.go("2026-12-28")
    with pytest.raises(RuleGap) as refused:
        registry.apply()
    assert refused.value.code == "calendar.no-year"
    assert registry.case.state is State.DRAFT


def test_a_users_calendar_fills_the_gap(tmp_path: Path):
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("day,kind\n2027-01-01,holiday\n2027-10-01,holiday\n", encoding="utf-8")
    registry = Registry(tmp_path, Packs.load(calendar=calendar))
    registry.do(prepare)
    registry.freeze()
    registry.go("2026-12-28")
    assert registry.apply().due == date(2026, 12, 31)
    registry.store.close()


def test_there_is_no_registration_before_the_guide(tmp_path: Path):
    registry = Registry(tmp_path)
    registry.go("2026-07-02")
    with pytest.raises(RuleGap):
        registry.do(prepare)
    registry.store.close()


# Objections


def test_an_objection_in_the_notice_is_decided_by_a_second_person(registry: Registry):
    to_published(registry)
    registry.refused(Denied, "registration.own-objection", "object", "steward", reason="r")
    first = registry.act("object", "rival", reason="权属")
    second = registry.act("object", "window", reason="同上")
    assert registry.case.state is State.OBJECTED
    registry.refused(
        Invalid, "registration.which-objection", "decide", "examiner", verdict="dismissed",
        reason="r",
    )  # fmt: skip
    registry.refused(
        Denied, "registration.maker-is-checker", "decide", "window", verdict="dismissed",
        reason="r", objection=second.id,
    )  # fmt: skip
    registry.refused(
        Invalid, "registration.verdict", "decide", "examiner", verdict="court", reason="r",
        objection=first.id,
    )  # fmt: skip
    registry.act("decide", "examiner", verdict="dismissed", reason="r", objection=first.id)
    assert registry.case.state is State.OBJECTED and registry.case.total_due() is None
    registry.act("decide", "examiner", verdict="dismissed", reason="r")
    assert registry.case.state is State.PUBLISHED


def test_an_upheld_objection_ends_the_case(registry: Registry):
    to_published(registry)
    registry.act("object", "rival", reason="权属")
    registry.act("decide", "examiner", verdict="upheld", reason="成立")
    case = registry.case
    assert case.state is State.REFUSED and not case.objections


def test_after_the_notice_one_objects_to_the_registration_itself(registry: Registry):
    to_published(registry)
    registry.go("2026-09-09")
    registry.refused(Conflict, "registration.notice-over", "object", "rival", reason="r")
    registry.act("deposit", "window", receipt="回执")
    registry.act("certify", "window", number=NUMBER)
    registry.go("2026-09-18")
    objected = registry.act("object", "rival", reason="r")
    assert objected.due == date(2026, 9, 24)  # five working days: 20(Sun) 21 22 23 24
    assert registry.case.state is State.REGISTERED
    registry.act("notify", "window")
    assert registry.clock_named("post_objection_notice").done_on == date(2026, 9, 18)
    registry.act("decide", "examiner", verdict="rectify", reason="概述有误")
    assert registry.case.rectify and not registry.case.objections


# The certificate


@pytest.mark.parametrize(
    "number, kind, code",
    [
        ("SJ351202609001", Invalid, "registration.number-form"),
        ("SJ3512026090000", Invalid, "registration.number-form"),
        ("SJ3512026130001", Invalid, "registration.number-form"),
        ("SJ3512026080001", Invalid, "registration.number-month"),
        ("SJ3512026100001", Invalid, "registration.number-month"),
    ],
)
def test_a_number_has_the_form_of_the_guide_and_names_the_month_of_issue(
    registry: Registry, number: str, kind: type[SanhuaError], code: str
):
    to_published(registry)
    registry.go("2026-09-09")
    registry.act("deposit", "window", receipt="回执")
    assert registry.refused(kind, code, "certify", "window", number=number).rule
    assert registry.case.state is State.DEPOSITED


def test_a_number_is_held_once_only(registry: Registry):
    to_registered(registry)
    other = replace(PLAN, id="other", given=GIVEN | {"data_name": "另一份"})
    registry.freeze(other)

    def through(uow: SqlUow) -> None:
        stage.apply(uow, "other", "steward", fresh=fill(uow, other))
        stage.accept(uow, "other", "window")
        stage.review(uow, "other", "examiner", verdict="pass")
        stage.publish(uow, "other", "window")

    registry.do(through)
    registry.go("2026-09-17")
    registry.do(lambda uow: stage.deposit(uow, "other", "window", receipt="2"))
    with pytest.raises(Conflict) as refused:
        registry.do(lambda uow: stage.certify(uow, "other", "window", number=NUMBER))
    assert refused.value.code == "registration.number-taken"
    registry.do(lambda uow: stage.certify(uow, "other", "window", number="SJ3512026090002"))


@pytest.mark.parametrize(
    "through, fits",
    [("2031-09-07", True), ("2031-09-08", True), ("2031-09-09", False), ("2026-09-08", False)],
)
def test_a_registration_holds_at_most_five_years(registry: Registry, through: str, fits: bool):
    to_published(registry)
    registry.go("2026-09-09")
    day = date.fromisoformat(through)
    if fits:
        made = registry.act("deposit", "window", receipt="r", through=day)
        assert made.ends_on == day + timedelta(days=1)
        return
    registry.refused(Denied, "registration.validity", "deposit", "window", receipt="r", through=day)


def test_a_registration_does_not_outlive_the_claim(registry: Registry):
    registry.do(lambda uow: claim_rights(uow, replace(CLAIM, ends_on=date(2027, 1, 1))))
    registry.freeze()
    to_published(registry)
    registry.go("2026-09-09")
    assert registry.act("deposit", "window", receipt="r").ends_on == date(2027, 1, 1)


# After registration


def test_what_is_written_after_applying_changes_nothing_and_is_told(registry: Registry):
    edited = replace(PLAN, given=GIVEN | {"summary": "另一段概述"})
    kept, found = registry.freeze(edited)
    assert kept.form["summary"] == "另一段概述" and not found  # still a draft
    registry.freeze()
    registry.apply()
    kept, found = registry.freeze(edited)
    assert kept.form["summary"] == GIVEN["summary"]
    assert [(d.code, d.facts["fields"]) for d in found] == [("registration.edited", "summary")]
    registry.act("accept", "window")
    registry.act("ask", "window", reason="改概述")
    registry.do(lambda uow: stage.supply(uow, "daily_2026", "steward", fresh=fill(uow, edited)))
    case = registry.case
    assert case.registration.form["summary"] == "另一段概述"
    assert case.acts[-1].content == case.registration.hash != case.acts[0].content


def test_a_resource_that_grows_is_no_edit(registry: Registry):
    registry.apply()

    def grow(uow: SqlUow) -> None:
        resource = uow.get(DataResource, "resource:daily")
        uow.add(replace(resource, rows=400), "resource.published")

    registry.do(grow)
    kept, found = registry.freeze()
    assert not found and kept.form["volume"] == "4 条，3 列"


def short_lived(registry: Registry) -> None:
    """Registered 2026-09-09 to 2026-12-08."""
    to_published(registry)
    registry.go("2026-09-09")
    registry.act("deposit", "window", receipt="r", through=date(2026, 12, 8))
    registry.act("certify", "window", number=NUMBER)


def test_a_registration_lapses_after_its_last_day(registry: Registry):
    short_lived(registry)
    registry.go("2026-12-08")
    assert registry.case.state is State.REGISTERED
    registry.go("2026-12-09")
    assert registry.case.state is State.LAPSED
    registry.refused(Conflict, "registration.wrong-step", "renew", "steward")


def test_renewal_opens_six_months_before_expiry_and_ends_the_day_before(registry: Registry):
    to_registered(registry)
    clock = registry.clock_named("renewal")
    assert (clock.starts_on, clock.due) == (date(2031, 3, 9), date(2031, 9, 8))
    early = registry.refused(Conflict, "registration.renewal-too-early", "renew", "steward")
    assert early.facts["opens"] == "2031-03-09" and early.rule is not None
    registry.refused(Conflict, "registration.wrong-step", "review", "examiner", verdict="pass")


def test_a_renewal_asked_for_in_time_holds_until_it_is_decided(registry: Registry):
    short_lived(registry)
    registry.go("2026-12-08")
    registry.refused(Denied, "registration.not-applicant", "renew", "rival")
    registry.refused(
        Denied, "registration.renewal-adds-nothing", "renew", "steward", through=date(2026, 12, 8)
    )
    assert registry.act("renew", "steward").due == date(2026, 12, 22)
    registry.refused(Conflict, "registration.request-open", "cancel", "steward", reason="r")
    registry.go("2026-12-10")
    assert registry.case.state is State.REGISTERED
    registry.act("review", "examiner", verdict="pass")
    held = registry.case.certificate
    assert held is not None and held.ends_on == date(2031, 12, 10)
    assert held.starts_on == date(2026, 9, 9) and registry.case.request is None


def test_a_renewal_that_is_refused_leaves_the_old_term(registry: Registry):
    short_lived(registry)
    registry.act("renew", "steward")
    registry.act("review", "examiner", verdict="refuse", ground="disputed")
    held = registry.case.certificate
    assert held is not None and held.ends_on == date(2026, 12, 9)


def test_a_transfer_leaves_nothing_with_the_transferor(registry: Registry):
    to_registered(registry)
    registry.refused(Invalid, "registration.transferee", "transfer", "steward", to="plant")
    registry.act("transfer", "steward", to="buyer")
    registry.act("review", "examiner", verdict="pass")
    case = registry.case
    assert case.holder == "party:buyer" and case.certificate is not None
    assert case.certificate.id == f"certificate:{NUMBER}"
    claim = registry.do(lambda uow: uow.get(RightsClaim, "claim:daily"))
    assert not claim.rights
    again = registry.do(lambda uow: claim_rights(uow, CLAIM))  # as the next run does
    assert not again.rights
    assert registry.freeze()[1] == []  # nobody edited anything
    registry.refused(Denied, "registration.not-applicant", "cancel", "steward", reason="r")
    registry.act("cancel", "rival", reason="不再使用")
    registry.act("review", "examiner", verdict="pass")
    assert registry.case.state is State.CANCELLED
    assert not registry.store.verify()


def test_a_transfer_may_get_a_number_of_its_own(registry: Registry):
    to_registered(registry)
    registry.act("transfer", "steward", to="buyer")
    registry.refused(
        Conflict, "registration.number-taken", "review", "examiner", verdict="pass", number=NUMBER
    )
    registry.act("review", "examiner", verdict="pass", number="SJ3512026090007")
    case = registry.case
    assert case.certificate is not None
    assert (case.certificate.id, case.holder) == ("certificate:SJ3512026090007", "party:buyer")
    old = registry.do(lambda uow: uow.get(Certificate, f"certificate:{NUMBER}"))
    assert (old.status, old.holder) == ("transferred", "party:plant")


def test_a_transferor_with_another_claim_to_the_same_right_is_refused(registry: Registry):
    to_registered(registry)
    other = replace(CLAIM, id="daily_too", source="agreement", rights=frozenset({Right.USE}))
    registry.do(lambda uow: claim_rights(uow, other))
    found = registry.refused(
        Denied, "registration.transferor-keeps", "transfer", "steward", to="buyer"
    )
    assert found.facts["claims"] == "daily_too" and found.rule is not None


def test_a_change_alters_the_form_and_neither_holder_nor_source(registry: Registry):
    to_registered(registry)

    def ask(plan: RegistrationPlan, claim: Claim = CLAIM) -> RegistrationAct:
        def work(uow: SqlUow) -> RegistrationAct:
            claim_rights(uow, claim)
            return stage.change(uow, "daily_2026", "steward", fresh=fill(uow, plan))

        return registry.do(work)

    for claim, code in (
        (replace(CLAIM, party="buyer"), "right_holder"),
        (replace(CLAIM, source="agreement"), "source"),
    ):
        with pytest.raises(Denied) as refused:
            ask(PLAN, claim)
        assert refused.value.code == "registration.not-by-change"
        assert refused.value.diagnostic.facts["what"] == code
    with pytest.raises(Conflict) as nothing:
        ask(PLAN)
    assert nothing.value.code == "registration.nothing-changed"
    edited = replace(PLAN, given=GIVEN | {"summary": "改过的概述"})
    act = ask(edited)
    assert act.before == {"summary": GIVEN["summary"]}
    assert registry.case.registration.form["summary"] == GIVEN["summary"]
    registry.act("review", "examiner", verdict="pass")
    case = registry.case
    assert case.registration.form["summary"] == "改过的概述"
    assert case.certificate is not None and case.certificate.content == case.registration.hash
    forms = registry.do(lambda uow: stage.filled_forms(uow, case_of(uow, "daily_2026")))
    assert [form.title.zh for form in forms] == ["初次登记申请表", "变更登记申请表"]
    assert [text for _, text in forms[1].rows] == [
        f"summary：{GIVEN['summary']}",
        "summary：改过的概述",
    ]


def test_the_rules_that_decided_an_act_hang_on_it(registry: Registry):
    act = registry.apply()
    edges = registry.do(lambda uow: uow.edges_from(act.id))
    cited = {edge.dst for edge in edges if edge.verb == "decided_by"}
    assert {
        "rule:nda_2026_35/clocks@2026-07-03",
        "rule:nda_2026_35/rights_by_source@2026-07-03",
    } <= (cited)
    assert ("done_by", "party:steward") in {(edge.verb, edge.dst) for edge in edges}
