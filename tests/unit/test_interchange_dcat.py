"""The catalogue as JSON-LD: mandatory properties, one graph for every reader, nothing made up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dcat_ap import DCAT, ODRL, SPDX, faults
from hypothesis import given
from hypothesis import strategies as st
from rdflib import DCTERMS, FOAF, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

from sanhua.asset.party import Party
from sanhua.asset.policy import UsagePolicy
from sanhua.asset.product import DataProduct, Form
from sanhua.asset.rights import Right
from sanhua.interchange import dcat
from sanhua.interchange.iri import Iris
from sanhua.kernel.origin import Origin
from sanhua.kernel.table import Column, LakeFile, Manifest, Part
from sanhua.kernel.text import Text
from sanhua.project.odrl import read_odrl
from sanhua.project.read import Folder
from sanhua.resource.collect import Cadence
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.grade import ColumnGrade, Grade, Grading
from sanhua.resource.profile import ColumnProfile, Profile
from sanhua.resource.publish import DataResource, PublishedTable
from sanhua.resource.quality import DimensionScore, Quality

# rdflib's reader of JSON-LD uses a class that rdflib itself calls old
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

DQV = Namespace("http://www.w3.org/ns/dqv#")
OURS = Namespace("urn:sanhua:ns:")
AT = Origin("contracts/daily.odcs.yaml", 1, "sha256:contract")
PLANT = Party("party:plant", "测试工厂", ("holder",), "91350100M000100Y43")
SMALL = Iris("small")
WEB = Iris("small", "https://data.example.org/plant")
MANIFEST = Manifest(
    "daily",
    "built",
    (Column("meter", "VARCHAR"), Column("day", "DATE"), Column("kwh", "DECIMAL(12,2)")),
    (Part(LakeFile("part-0.parquet", 4, 1234, f"sha256:{'ab' * 32}")),),
    (),
    "sha256:step",
)
RESOURCE = DataResource(
    "resource:daily",
    Text("日电量", "Daily energy"),
    PLANT.id,
    AT.sha256,
    (PublishedTable("table:daily", MANIFEST.id, "grade:daily", 4, 2, 3, Grade.GENERAL2),),
    "quality:daily",
    "standard:daily",
    4,
    Grade.GENERAL2,
    Decimal("0.987654"),
    Cadence.DAY,
    date(2026, 11, 23),
    domain="能源",
    category="能源/电力",
    tags=("电量", "表"),
    share_class="conditional",
    open_class="conditional",
    share_basis="《条例》第八条",
    open_conditions="签订数字合约",
    version="1.0.0",
)
CONTRACT = DataContract(
    "daily",
    AT,
    (TableSchema("daily", (Property("day", AT, key_position=1), Property("kwh", AT)), AT),),
)
QUALITY = Quality(
    "quality:daily",
    "daily",
    (),
    (),
    (),
    (
        DimensionScore("accuracy", Text("准确性", "Accuracy"), Decimal("0.5"), 1, 5),
        DimensionScore("accessibility", Text("可访问性", "Accessibility"), None, 0, 2),
    ),
    Decimal("0.987654"),
    3,
    2,
    1,
    0,
    15,
)
PROFILE = Profile(
    "profile:daily",
    MANIFEST.id,
    4,
    (
        ColumnProfile("day", "DATE", 0, 2, "2024-02-01", "2024-02-02"),
        ColumnProfile("kwh", "DECIMAL(12,2)", 0, 4, "1.00", "9.00"),
    ),
)
ITEM = dcat.Published(
    RESOURCE, CONTRACT, QUALITY, (MANIFEST,), (), (PROFILE,), "2026-01-02", ("resource:readings",)
)
POLICY = UsagePolicy(
    "credit",
    Text("信贷"),
    Origin("policies/credit.yaml"),
    ("read", "derive"),
    ("credit", "audit"),
    ("distribute", "sell"),
    {"count": "100000 per month", "places": "cn hk", "min_group": "5"},
    ({"action": "delete", "within": "30 days", "after": "term"}, {"action": "inform"}),
    "L1",
)
PRODUCT = DataProduct(
    "product:energy",
    Text("日电量产品"),
    Form.DERIVATIVE,
    2,
    "sha256:shape",
    PLANT.id,
    ("resource:daily",),
    ("table:daily",),
    (),
    Grade.GENERAL2,
    False,
    frozenset(Right),
    (),
    (),
    (),
    "sha256:product",
    "credit",
    ("api", "file"),
)
OFFERED = dcat.Offered(PRODUCT, POLICY, "2026-01-02", "2026-11-23")


def document(
    *items: dcat.Published, offered: tuple[dcat.Offered, ...] = (OFFERED,), iris: Iris = SMALL
) -> dict[str, Any]:
    return dcat.catalogue(
        items or (ITEM,),
        offered,
        {PLANT.id: PLANT},
        iris,
        title=Text("小项目", "Small"),
        publisher=PLANT.id,
    )


def graph(made: dict[str, Any]) -> Graph:
    return Graph().parse(data=dcat.to_bytes(made).decode(), format="json-ld")


@pytest.mark.parametrize("iris", [SMALL, WEB])
@pytest.mark.parametrize("form", Form)
def test_every_class_has_what_dcat_ap_3_makes_mandatory(iris: Iris, form: Form):
    offered = dcat.Offered(replace(PRODUCT, form=form), POLICY)
    assert faults(graph(document(offered=(offered,), iris=iris))) == []


def test_the_check_of_dcat_ap_sees_what_is_missing_and_what_is_typed_wrongly():
    made = document()
    catalog = made["@graph"][0]
    del catalog["publisher"]
    del catalog["dataset"][0]["title"]
    del catalog["dataset"][0]["distribution"][0]["accessURL"]
    catalog["dataset"][0]["modified"] = {"@value": "2026", "@type": "xsd:string"}
    told = "\n".join(faults(graph(made)))
    for wanted in ("publisher", "title", "accessURL", "modified"):
        assert wanted in told


def test_every_form_of_rdf_holds_the_same_triples_and_nothing_is_fetched():
    found = graph(document())
    assert len(found) > 100
    for form in ("nt", "turtle", "json-ld", "xml"):
        assert isomorphic(found, Graph().parse(data=found.serialize(format=form), format=form))
    assert all("http" not in str(key) for key in document())
    assert isinstance(document()["@context"], dict)


def test_the_same_records_in_any_order_give_the_same_bytes():
    other = replace(ITEM, resource=replace(RESOURCE, id="resource:a"))
    one, two = document(ITEM, other), document(other, ITEM)
    assert dcat.to_bytes(one) == dcat.to_bytes(two) == dcat.to_bytes(document(ITEM, other))


def test_a_resource_says_whose_it_is_how_good_how_graded_and_of_which_bytes():
    found = graph(document())
    own = URIRef("urn:sanhua:small:resource:daily")
    assert set(found.objects(own, DCTERMS.title)) == {
        Literal("日电量", "zh"),
        Literal("Daily energy", "en"),
    }
    (agent,) = found.objects(own, DCTERMS.publisher)
    assert found.value(agent, FOAF.name) == Literal("测试工厂")
    assert found.value(agent, DCTERMS.identifier) == Literal("91350100M000100Y43")
    frequency = found.value(own, DCTERMS.accrualPeriodicity)
    assert str(frequency).endswith("/frequency/DAILY")
    period = found.value(own, DCTERMS.temporal)
    span = [found.value(period, edge) for edge in (DCAT.startDate, DCAT.endDate)]
    assert [day.toPython() for day in span if isinstance(day, Literal)] == [
        date(2024, 2, 1),
        date(2024, 2, 2),
    ]
    assert found.value(own, OURS.grade) == OURS["grade-general2"]
    assert found.value(own, DCTERMS.conformsTo) == URIRef("urn:sanhua:small:contract:daily")
    (distribution,) = found.objects(own, DCAT.distribution)
    size = found.value(distribution, DCAT.byteSize)
    assert isinstance(size, Literal) and size.toPython() == 1234
    checksum = found.value(distribution, SPDX.checksum)
    assert str(found.value(checksum, SPDX.checksumValue)) == "ab" * 32
    rights = {str(x) for x in found.objects(found.value(own, DCTERMS.rights))}
    assert "有条件共享：《条例》第八条；有条件开放：签订数字合约" in rights


def test_what_was_not_assessable_has_no_measurement():
    found = graph(document())
    values = {
        str(found.value(one, DQV.isMeasurementOf)): str(found.value(one, DQV.value))
        for one in found.subjects(DQV.value)
    }
    assert values == {str(OURS["metric-score"]): "0.987654", str(OURS["metric-accuracy"]): "0.5"}
    none = replace(ITEM, quality=replace(QUALITY, score=None, dimensions=()))
    assert not list(graph(document(none)).subjects(DQV.value))


def test_a_day_that_is_personal_or_no_key_tells_no_period():
    own = URIRef("urn:sanhua:small:resource:daily")
    personal = ColumnGrade("grade:daily.day", "day", "", Grade.GENERAL4, "personal", ())
    grading = Grading("grade:daily", "daily", MANIFEST.id, Grade.GENERAL4, (personal,), (), ())
    keyless = replace(CONTRACT, tables=(TableSchema("daily", (Property("day", AT),), AT),))
    for item in (replace(ITEM, gradings=(grading,)), replace(ITEM, contract=keyless)):
        assert graph(document(item)).value(own, DCTERMS.temporal) is None


def test_several_files_of_a_snapshot_are_distributions_with_a_checksum_each():
    files = [LakeFile(f"part-{n}.parquet", 2, n, f"sha256:{n:064x}") for n in (1, 2)]
    manifest = replace(MANIFEST, parts=tuple(map(Part, files)))
    found = graph(document(replace(ITEM, manifests=(manifest,))))
    own = URIRef("urn:sanhua:small:resource:daily")
    sums = {
        str(found.value(found.value(one, SPDX.checksum), SPDX.checksumValue))
        for one in found.objects(own, DCAT.distribution)
    }
    assert sums == {f"{1:064x}", f"{2:064x}"}
    assert faults(found) == []


def test_a_contract_that_says_nothing_leaves_out_rights_access_themes_and_licence():
    bare = replace(
        RESOURCE, domain="", category="", tags=(), share_class="", open_class="", version=""
    )
    made = document(replace(ITEM, resource=bare), offered=())
    dataset = made["@graph"][0]["dataset"][0]
    gone = {"rights", "accessRights", "theme", "keyword", "version", "license", "hasPolicy"}
    assert not gone & set(dataset)
    assert faults(graph(made)) == []


def test_a_catalogue_of_nothing_has_no_empty_lists():
    made = dcat.catalogue(
        (), (), {PLANT.id: PLANT}, SMALL, title=Text("空"), publisher=PLANT.id
    )  # fmt: skip
    assert not {"dataset", "service", "resource"} & set(made["@graph"][0])
    assert faults(graph(made)) == []


def test_an_offer_is_read_back_as_the_policy_that_it_was_made_from(tmp_path: Path):
    made = dcat.offer(POLICY, PRODUCT, SMALL)
    assert "target" not in made
    folder = Folder(tmp_path, {})
    text = json.dumps({"@context": {}, **made, "title": "信贷"}, ensure_ascii=False)
    read = read_odrl("credit", text, "policies/credit.yaml", folder)
    assert folder.found == []
    assert read is not None
    assert replace(read, origin=POLICY.origin) == POLICY
    found = graph(document())
    (policy,) = found.objects(URIRef("urn:sanhua:small:product:energy"), ODRL.hasPolicy)
    (permission,) = found.objects(policy, ODRL.permission)
    assert set(found.objects(permission, ODRL.action)) == {ODRL.read, ODRL.derive}


@pytest.mark.parametrize("within", ["2 weeks", "12 hours", "90 minutes", "1 year", "6 months"])
def test_every_duration_of_a_duty_is_read_back(tmp_path: Path, within: str):
    duty = {"action": "delete", "within": within, "after": "term"}
    text = json.dumps(dcat.offer(replace(POLICY, oblige=(duty,)), PRODUCT, SMALL))
    read = read_odrl("credit", text, "policies/credit.yaml", Folder(tmp_path, {}))
    assert read is not None
    assert read.oblige[0]["within"].rstrip("s") == within.rstrip("s")


def test_a_product_with_an_api_is_served_below_the_base():
    found = graph(document(iris=WEB))
    base = "https://data.example.org/plant"
    (service,) = found.subjects(DCAT.servesDataset, URIRef(f"{base}/product/energy"))
    assert found.value(service, DCAT.endpointURL) == URIRef(f"{base}/v1/data/energy")


def test_a_service_is_a_data_service_and_a_tool_a_resource():
    serving = dcat.Offered(replace(PRODUCT, form=Form.SERVICE), POLICY)
    assert document(offered=(serving,))["@graph"][0]["service"][0]["@id"].endswith("energy")
    tool = dcat.Offered(replace(PRODUCT, form=Form.TOOL), POLICY)
    assert document(offered=(tool,))["@graph"][0]["resource"][0]["@type"] == "dcat:Resource"


ODD = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30) | st.sampled_from(
    [
        '"引号" \\',
        "a\nb\tc\r\x00\x07",
        "\u202eمرحبا\u202c",
        "<script>{}|^`",
        " ",
        "\u2028\x85\ufeff",
    ]
)


@given(title=ODD, name=ODD, domain=ODD, tag=ODD, project=ODD)
def test_odd_texts_stay_what_they_are_and_iris_stay_legal(
    title: str, name: str, domain: str, tag: str, project: str
):
    odd = replace(RESOURCE, title=Text(title, title), domain=domain, tags=(tag,))
    made = dcat.catalogue(
        (replace(ITEM, resource=odd),),
        (OFFERED,),
        {PLANT.id: replace(PLANT, name=name)},
        Iris(project),
        title=Text(title),
        publisher=PLANT.id,
    )
    assert json.loads(dcat.to_bytes(made)) == json.loads(json.dumps(made))
    found = graph(made)
    assert faults(found) == []
    own = URIRef(Iris(project).node("resource:daily"))
    assert {str(one) for one in found.objects(own, DCTERMS.title)} == {title}
    assert {str(one) for one in found.objects(own, DCAT.keyword)} == {tag}
    assert {str(one) for one in found.objects(None, FOAF.name)} == {name}
    again = Graph().parse(data=found.serialize(format="json-ld"), format="json-ld")
    assert isomorphic(found, again)


@given(project=ODD, key=ODD)
def test_two_things_never_share_an_iri_and_no_iri_holds_a_character_it_may_not(
    project: str, key: str
):
    for iris in (Iris(project), Iris(project, "https://数据.example/a b?")):
        made = iris.of("resource", key)
        assert made.isascii() and not set(made) & set(' <>"{}|\\^`')
        assert made != iris.of("resource", f"{key}x") != iris.of("resource", "x", key)


def test_half_of_a_surrogate_pair_stops_nothing():
    made = document(replace(ITEM, resource=replace(RESOURCE, title=Text("\ud800x"), tags=())))
    assert faults(graph(made)) == []
