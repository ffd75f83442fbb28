"""From snapshots to a catalogue record, rights claims and a product, on a real store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.asset.party import Party, enrol
from sanhua.asset.price import Plan
from sanhua.asset.product import DataProduct, Form, Product, make_product
from sanhua.asset.rights import Claim, Right, RightsClaim, claim_rights, given_by
from sanhua.kernel.errors import Denied, Invalid, SanhuaError
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Evidence, Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.table import Column, LakeFile, Manifest, Part
from sanhua.kernel.text import Text
from sanhua.resource.collect import Cadence
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.grade import Detection, Grade, grade, inheritable
from sanhua.resource.lineage import Table, impact, snapshot_record
from sanhua.resource.publish import DataResource, publish
from sanhua.resource.quality import judge
from sanhua.resource.standard import bind
from sanhua.rules.packs import Packs
from sanhua.sql import ColumnLineage
from sanhua.store import SqlStore, open_store
from sanhua.store.clock import SetClock

PACKS = Packs.load()
TODAY = date(2026, 11, 23)
EVIDENCE = (Evidence("sha256:e0", "evidence/meters.md"),)


def at(path: str, line: int = 1) -> Origin:
    return Origin(path, line, f"sha256:{path}")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    clock = SetClock(datetime(2026, 11, 23, 1, tzinfo=UTC))
    opened = open_store(f"sqlite:///{tmp_path}/state.db", clock=clock, rules=PACKS)
    yield opened
    opened.close()


def contract(table: str, *columns: str, **more: Any) -> DataContract:
    origin = at(f"contracts/{table}.odcs.yaml")
    properties = tuple(Property(name, origin) for name in columns)
    tables = (TableSchema(table, properties, origin),)
    return DataContract(table, origin, tables, name=Text(table), **more)


READINGS = contract("readings", "plant", "kwh", "phone")
DAILY = contract("daily", "plant", "kwh", "contact")


def manifest(agreed: DataContract, *inputs: str) -> Manifest:
    columns = tuple(Column(prop.name, "VARCHAR") for prop in agreed.tables[0].properties)
    layer = "built" if inputs and inputs[0] != "sha256:raw" else "raw"
    return Manifest(
        agreed.id,
        layer,
        columns,
        (Part(LakeFile("part-0.parquet", 96, 1, "sha256:file")),),
        inputs,
        "sha256:step",
    )


def put(
    uow: Uow, agreed: DataContract, made: Manifest, lineage: Any = None, **of: Any
) -> DataResource:
    """What the steps before publishing leave behind."""
    snapshot = snapshot_record(made, lineage, of.pop("inputs", {}))
    uow.add(snapshot, "snapshot.made")
    uow.add(Table(f"table:{agreed.id}", snapshot.id, "s", made.layer, 96, 0), "table.built")
    uow.add(bind(agreed, {}, {}), "standard.bound")
    uow.add(judge([], [], uow.rules, TODAY, contract=agreed), "quality.judged")
    graded = grade(
        agreed.id, made.columns, of.pop("detections", []), uow.rules, TODAY, snapshot=snapshot.id,
        schema=agreed.tables[0], contract=agreed, lineage=lineage, **of,
    )  # fmt: skip
    uow.add(graded, "table.graded")
    return publish(uow, agreed, owner="plant_co", cadence=Cadence.MONTH)


def path(uow: Uow) -> None:
    """Two resources: raw readings with a phone number, and a daily table made from them."""
    raw = manifest(READINGS, "sha256:raw")
    put(uow, READINGS, raw, detections=[Detection("phone", "phone", Decimal(1), False)])
    built = manifest(DAILY, raw.id)
    lineage = [
        ColumnLineage("plant", (("readings", "plant"),), "copy", ()),
        ColumnLineage("kwh", (("readings", "kwh"),), "aggregate", (("readings", "plant"),)),
        ColumnLineage("contact", (("readings", "phone"),), "copy", ()),
    ]
    from sanhua.resource.grade import Grading

    known = inheritable([uow.get(Grading, "grade:readings")])
    put(uow, DAILY, built, lineage, inputs={"readings": raw.id}, inherited=known)


def claim(id: str, resource: str, source: str, **more: Any) -> Claim:
    return Claim(id, resource, source, "plant_co", EVIDENCE, at("rights/claims.yaml", 4), **more)


METERS = claim("meters", "readings", "own_collection")
DERIVED = claim("daily", "daily", "derived")
PLAN = Plan("standard", at("products/energy.yaml"), fee={"month": Money(Decimal(2000))})
ENERGY = Product(
    "energy",
    Text("日报"),
    Form.DERIVATIVE,
    "credit",
    at("products/energy.yaml", 2),
    table="daily",
    offer=("plant", "kwh"),
    delivery={"api": {}},
    plans=(PLAN,),
    listings={"own": {"class": "general3"}},
)


def everything(uow: Uow, product: Product = ENERGY) -> DataProduct:
    path(uow)
    claim_rights(uow, METERS)
    claim_rights(uow, DERIVED, inputs=["readings"])
    return make_product(uow, product, provider="plant_co")


def test_a_product_takes_inputs_grade_and_rights_from_lineage(store: SqlStore):
    with store.begin(actor="party:li_wei") as uow:
        made = everything(uow)
        edges = {(e.src, e.verb, e.dst) for e in uow.edges_from("product:energy")}
        field = {(e.verb, e.dst) for e in uow.edges_from("product:energy.kwh")}
    assert (made.version, made.inputs, made.grade) == (1, ("resource:daily",), Grade.GENERAL1)
    assert made.rights == frozenset(Right) and not made.personal
    assert ("product:energy", "granted_by", "claim:daily") in edges
    assert ("product:energy", "priced_by", "plan:energy/standard") in edges
    assert ("graded_by", "grade:daily.kwh") in field
    assert any(
        verb == "made_from" and dst.startswith("col:daily.kwh@sha256:") for verb, dst in field
    )


def test_a_column_graded_above_its_listing_is_refused_with_grade_reason_and_class(store: SqlStore):
    product = replace(ENERGY, offer=("plant", "contact"))
    with pytest.raises(Denied) as refused, store.begin(actor="party:li_wei") as uow:
        everything(uow, product)
    told = refused.value.diagnostic
    assert told.code == "listing.grade-above-class"
    assert (told.facts["field"], told.facts["grade"], told.facts["allowed"]) == (
        "contact", "general4", "general3",
    )  # fmt: skip
    assert "readings.phone" in told.message("zh") and "readings.phone" in told.message("en")
    assert told.rule is not None and told.rule.number == "GB/T 43697-2024"
    assert (told.path, told.line) == ("products/energy.yaml", 2)
    assert "{" not in told.message("zh") + told.message("en") + told.hint("zh")
    with store.begin(actor="party:li_wei") as uow:
        assert uow.find(DataProduct, "product:energy") is None


def test_offering_everything_includes_the_graded_column(store: SqlStore):
    with pytest.raises(Denied) as refused, store.begin(actor="party:li_wei") as uow:
        everything(uow, replace(ENERGY, offer=()))
    assert refused.value.code == "listing.grade-above-class"


def test_running_again_changes_nothing_and_other_fields_raise_the_version(store: SqlStore):
    with store.begin(actor="party:li_wei") as uow:
        everything(uow)
    with store.begin(actor="party:li_wei") as uow:
        before = {node: uow.get(kind, node) for kind, node in KEPT}
        assert everything(uow).version == 1
        assert {node: uow.get(kind, node) for kind, node in KEPT} == before
        retitled = make_product(uow, replace(ENERGY, title=Text("新名")), provider="plant_co")
        narrower = make_product(uow, replace(ENERGY, offer=("kwh",)), provider="plant_co")
    assert (retitled.version, narrower.version) == (1, 2)
    assert all(store.version_of(node) == 1 for _, node in KEPT if node != "product:energy")


KEPT: list[tuple[Any, str]] = [
    (DataResource, "resource:readings"),
    (DataResource, "resource:daily"),
    (RightsClaim, "claim:meters"),
    (RightsClaim, "claim:daily"),
    (DataProduct, "product:energy"),
]


def test_a_service_shows_what_its_query_gives(store: SqlStore):
    service = replace(
        ENERGY, id="lookup", form=Form.SERVICE, offer=(), query="SELECT …", answer="label",
        listings={"own": {"class": "general4"}},
    )  # fmt: skip
    lineage = [ColumnLineage("known", (("daily", "contact"),), "compute", ())]
    with store.begin(actor="party:li_wei") as uow:
        everything(uow)
        made = make_product(uow, service, provider="plant_co", lineage=lineage)
    assert [(f.name, f.grade, f.category) for f in made.fields] == [
        ("known", Grade.GENERAL4, "personal")
    ]
    assert made.personal


REFUSED: list[tuple[str, type[SanhuaError], Callable[[Uow], Any]]] = [
    (
        "product.no-operate-right",
        Denied,
        lambda uow: make_product(uow, ENERGY, provider="plant_co"),
    ),
    (
        "product.input-without-contract",
        Invalid,
        lambda uow: make_product(uow, replace(ENERGY, table="interval"), provider="plant_co"),
    ),
    (
        "rights.none-from-entrusted",
        Denied,
        lambda uow: claim_rights(uow, claim("c", "daily", "entrusted")),
    ),
    (
        "rights.exceeds-source",
        Denied,
        lambda uow: claim_rights(
            uow, claim("c", "daily", "open_collection", rights=frozenset({Right.OPERATE}))
        ),
    ),
    (
        "rights.unknown-source",
        Invalid,
        lambda uow: claim_rights(uow, claim("c", "daily", "found_somewhere")),
    ),
    (
        "rights.no-such-resource",
        Invalid,
        lambda uow: claim_rights(uow, claim("c", "nowhere", "own_collection")),
    ),
    (
        "rights.input-not-covered",
        Denied,
        lambda uow: claim_rights(uow, DERIVED, inputs=["readings"]),
    ),
    (
        "rights.no-evidence",
        Invalid,
        lambda uow: claim_rights(uow, replace(METERS, evidence=())),
    ),
    (
        "rights.empty-term",
        Invalid,
        lambda uow: claim_rights(uow, replace(METERS, starts_on=TODAY, ends_on=TODAY)),
    ),
]


@pytest.mark.parametrize(("code", "kind", "act"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_the_rules_forbid_is_refused_by_code(
    store: SqlStore, code: str, kind: type[SanhuaError], act: Callable[[Uow], Any]
):
    with pytest.raises(kind) as refused, store.begin(actor="party:li_wei") as uow:
        path(uow)
        act(uow)
    told = refused.value.diagnostic
    assert told.code == code
    assert "{" not in told.message("zh") + told.message("en") + told.hint("zh") + told.hint("en")
    if code in ("rights.none-from-entrusted", "rights.exceeds-source"):
        assert told.rule is not None and told.rule.clause == "第二十一条"


def test_an_input_whose_right_has_ended_does_not_carry_a_derived_claim(store: SqlStore):
    ended = replace(METERS, starts_on=date(2018, 1, 1), ends_on=TODAY)
    with pytest.raises(Denied) as refused, store.begin(actor="party:li_wei") as uow:
        path(uow)
        claim_rights(uow, ended)
        claim_rights(uow, DERIVED, inputs=["readings"])
    assert refused.value.code == "rights.input-not-covered"


def test_a_claim_is_decided_by_the_matrix_and_rests_on_its_inputs(store: SqlStore):
    with store.begin(actor="party:li_wei") as uow:
        path(uow)
        claim_rights(uow, METERS)
        derived = claim_rights(uow, DERIVED, inputs=["readings"])
        edges = {(e.verb, e.dst) for e in uow.edges_from("claim:daily")}
        affected = impact(uow, "claim:meters")
    assert derived.rights == frozenset(Right)
    assert {
        ("decided_by", "rule:nda_2026_35/rights_by_source@2026-07-03"),
        ("rests_on", "claim:meters"),
        ("over", "resource:daily"),
        ("held_by", "party:plant_co"),
        ("evidenced_by", "sha256:e0"),
    } <= edges
    assert affected == ["claim:daily"]


def test_fusion_holds_and_uses_but_waits_for_consent_to_operate(store: SqlStore):
    with store.begin(actor="party:li_wei") as uow:
        path(uow)
        fused = claim_rights(uow, claim("c", "daily", "fusion"))
        open_ = claim_rights(uow, claim("d", "daily", "open_collection"))
    assert fused.rights == {Right.HOLD, Right.USE}
    assert fused.consent_needed == {Right.OPERATE} and not fused.covers(Right.OPERATE, TODAY)
    assert open_.conditions == {"operate": "only_non_substituting_product"}


@given(
    st.sampled_from(
        ["own_collection", "agreement", "personal", "open_collection", "fusion", "derived"]
    ),
    st.sets(st.sampled_from(list(Right))),
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
def test_declared_rights_only_narrow_what_the_source_gives(
    source: str, asked: set[Right], day: date
):
    """The matrix of 第二十一条; no right outside it and no day outside the term is covered."""
    rule = PACKS.ask("nda_2026_35", "rights_by_source", on=TODAY)
    given_rights = given_by(source, rule)
    assert given_rights is not None
    held = RightsClaim(
        "claim:c", "resource:r", "party:p", source, frozenset(asked) & given_rights.rights, (), "",
        starts_on=date(2026, 3, 1), ends_on=date(2027, 3, 1),
    )  # fmt: skip
    for right in Right:
        covered = held.covers(right, day)
        assert not covered or right in given_rights.rights
        assert not covered or date(2026, 3, 1) <= day < date(2027, 3, 1)


# Publishing


def publish_as(
    uow: Uow, open_class: str, *detections: Detection, classification: str = ""
) -> DataResource:
    agreed = contract("readings", "plant", "phone", open_class=open_class)
    table = agreed.tables[0]
    marked = tuple(replace(p, classification=classification) for p in table.properties)
    agreed = replace(agreed, tables=(replace(table, properties=marked),))
    return put(uow, agreed, manifest(agreed, "sha256:raw"), detections=list(detections))


PHONE = Detection("phone", "phone", Decimal(1), False)


def test_the_catalogue_record_names_tables_rows_grade_and_where_they_come_from(store: SqlStore):
    with store.begin(actor="party:li_wei") as uow:
        resource = publish_as(uow, "conditional", PHONE)
        edges = {(e.verb, e.dst) for e in uow.edges_from(resource.id)}
    assert (resource.rows, resource.grade, resource.personal) == (96, Grade.GENERAL4, True)
    assert (resource.cadence, resource.published_on, resource.score) == (Cadence.MONTH, TODAY, None)
    assert {
        ("held_by", "party:plant_co"),
        ("made_from", "table:readings"),
        ("checked_by", "quality:readings"),
        ("graded_by", "grade:readings"),
        ("bound_to", "standard:readings"),
        ("defined_by", "sha256:contracts/readings.odcs.yaml"),
    } <= edges


@pytest.mark.parametrize(
    ("open_class", "classification", "detections", "code"),
    [
        ("unconditional", "important", (), "publish.grade-forbids-open"),
        ("conditional", "core", (), "publish.grade-forbids-open"),
        ("unconditional", "", (PHONE,), "publish.personal-open"),
        ("partly", "", (), "publish.unknown-class"),
    ],
)
def test_a_grade_that_forbids_it_keeps_a_resource_from_being_opened(
    store: SqlStore, open_class: str, classification: str, detections: Any, code: str
):
    with pytest.raises(SanhuaError) as refused, store.begin(actor="party:li_wei") as uow:
        publish_as(uow, open_class, *detections, classification=classification)
    told = refused.value.diagnostic
    assert told.code == code
    assert "{" not in told.message("zh") + told.message("en") + told.hint("zh")


def test_important_data_that_is_not_opened_is_published(store: SqlStore):
    with store.begin(actor="party:li_wei") as uow:
        assert publish_as(uow, "none", classification="important").grade is Grade.IMPORTANT
        assert publish_as(uow, "", classification="core").grade is Grade.CORE


# Parties


def test_a_person_never_brings_a_number_and_roles_are_a_closed_set(store: SqlStore):
    plant = Party("party:plant_co", "厂", ("holder", "operator"), "91350100M000100Y43")
    with store.begin(actor="party:li_wei") as uow:
        assert enrol(uow, plant) is not None
        assert enrol(uow, plant) is None
    for party, code in (
        (replace(plant, roles=("boss",)), "party.unknown-role"),
        (replace(plant, person=True), "party.person-with-number"),
    ):
        with pytest.raises(Invalid) as refused, store.begin(actor="party:li_wei") as uow:
            enrol(uow, party)
        assert refused.value.code == code
