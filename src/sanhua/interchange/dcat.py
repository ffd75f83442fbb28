"""The catalogue 数据目录 as DCAT 3 in JSON-LD, with the properties that DCAT-AP 3 makes mandatory.

A published resource is a `Dataset`, each file of its snapshots a `Distribution`. A derivative is a
`Dataset` of its own, a service a `DataService`, both with their usage policy as an ODRL `Offer`.
The context stands in the document, so reading it fetches nothing. What is not known is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sanhua.asset.party import Party
from sanhua.asset.policy import UsagePolicy
from sanhua.asset.product import DataProduct, Form
from sanhua.interchange.iri import VOCABULARY, Iris
from sanhua.kernel.ids import key_of
from sanhua.kernel.table import LakeFile, Manifest
from sanhua.kernel.text import Text
from sanhua.resource.collect import Cadence
from sanhua.resource.contract import DataContract
from sanhua.resource.grade import Grade, Grading
from sanhua.resource.profile import Profile
from sanhua.resource.publish import PERSONAL, DataResource
from sanhua.resource.quality import Quality

Node = dict[str, Any]

_EU = "http://publications.europa.eu/resource/authority/"
_WORDS = {"@container": "@language"}
_LINK = {"@type": "@id"}
_DAY = {"@type": "xsd:date"}
_COUNT = {"@type": "xsd:nonNegativeInteger"}


def _terms(prefix: str, words: str, **how: Any) -> dict[str, Any]:
    return {word: {"@id": f"{prefix}:{word}", **how} for word in words.split()}


CONTEXT: dict[str, Any] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "sanhua": VOCABULARY,
    "Catalog": "dcat:Catalog",
    "Dataset": "dcat:Dataset",
    "Distribution": "dcat:Distribution",
    "DataService": "dcat:DataService",
    "Offer": "odrl:Offer",
    "Policy": "odrl:Policy",
    **_terms("dcterms", "title description", **_WORDS),
    **_terms("dcterms", "identifier"),
    **_terms("dcterms", "publisher accrualPeriodicity temporal language", **_LINK),
    **_terms("dcterms", "accessRights rights conformsTo source", **_LINK),
    **_terms("dcterms", "issued modified", **_DAY),
    **_terms("dcat", "dataset service resource distribution accessService", **_LINK),
    **_terms("dcat", "servesDataset theme themeTaxonomy", **_LINK),
    **_terms("dcat", "accessURL endpointURL mediaType", **_LINK),
    **_terms("dcat", "startDate endDate", **_DAY),
    **_terms("dcat", "byteSize", **_COUNT),
    **_terms("dcat", "keyword version"),
    **_terms("foaf", "name"),
    **_terms("skos", "prefLabel", **_WORDS),
    **_terms("skos", "notation"),
    **_terms("skos", "inScheme", **_LINK),
    **_terms("rdfs", "label", **_WORDS),
    **_terms("spdx", "checksum"),
    **_terms("spdx", "algorithm", **_LINK),
    "checksumValue": {"@id": "spdx:checksumValue", "@type": "xsd:hexBinary"},
    **_terms("dqv", "hasQualityMeasurement isMeasurementOf inDimension", **_LINK),
    **_terms("dqv", "value", **{"@type": "xsd:decimal"}),
    **_terms("odrl", "hasPolicy assigner", **_LINK),
    **_terms("odrl", "permission prohibition obligation constraint rightOperand"),
    **_terms("odrl", "action leftOperand operator", **{"@type": "@vocab"}),
    **_terms("sanhua", "grade", **_LINK),
    **_terms("sanhua", "shareClass openClass personal form productVersion snapshot definition"),
    **_terms("sanhua", "rows rejectedRows", **_COUNT),
}

FREQUENCIES = {
    Cadence.REALTIME: "UPDATE_CONT",
    Cadence.FIVE_MINUTES: "5MIN",
    Cadence.HOUR: "HOURLY",
    Cadence.DAY: "DAILY",
    Cadence.WEEK: "WEEKLY",
    Cadence.MONTH: "MONTHLY",
    Cadence.YEAR: "ANNUAL",
    Cadence.ONCE: "NEVER",
}
ACCESS = {"unconditional": "PUBLIC", "conditional": "RESTRICTED", "none": "NON_PUBLIC"}
LANGUAGES = {"zh": "ZHO", "en": "ENG"}
_CLASSES = {
    "unconditional": Text("无条件", "unconditional"),
    "conditional": Text("有条件", "conditional"),
    "none": Text("不予", "none"),
}
ODRL_ACTIONS = frozenset(
    "acceptTracking aggregate annotate anonymize archive attribute compensate concurrentUse delete"
    " derive digitize display distribute ensureExclusivity execute extract give grantUse include"
    " index inform install modify move nextPolicy obtainConsent play present print read reproduce"
    " reviewPolicy sell stream synchronize textToSpeech transfer transform translate uninstall use"
    " watermark".split()
)
_DURATIONS = {  # the forms of an xsd:duration of one unit
    "year": "P{}Y",
    "month": "P{}M",
    "week": "P{}W",
    "day": "P{}D",
    "hour": "PT{}H",
    "minute": "PT{}M",
    "second": "PT{}S",
}
_PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True, slots=True)
class Published:
    """A resource with what the run found of it. `manifests` and `profiles` are of its tables.

    `issued` is the day (ISO) of its first version; `from_resources` the resources that its tables
    were made from.
    """

    resource: DataResource
    contract: DataContract
    quality: Quality
    manifests: tuple[Manifest, ...]
    gradings: tuple[Grading, ...] = ()
    profiles: tuple[Profile, ...] = ()
    issued: str = ""
    from_resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offered:
    """A product with the policy under which it is offered, and the days of its first and latest
    version.
    """

    product: DataProduct
    policy: UsagePolicy | None = None
    issued: str = ""
    modified: str = ""


@dataclass
class _Shared:
    """Nodes that several others point at: each stands once, after the catalogue."""

    iris: Iris
    language: str  # of what a project says in one language only
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    themes: dict[str, Node] = field(default_factory=dict[str, Node])

    def link(self, iri: str, kind: str | list[str], **said: Any) -> str:
        self.nodes.setdefault(iri, {"@id": iri, "@type": kind, **said})
        return iri

    def theme(self, scheme: str, name: str) -> str:
        iri = self.iris.of("theme", scheme, name)
        self.themes[iri] = self.nodes[iri] = {
            "@id": iri,
            "@type": "skos:Concept",
            "prefLabel": {self.language: name},
            "inScheme": self.iris.of("themes"),
        }
        return iri


def catalogue(
    published: Iterable[Published],
    offered: Iterable[Offered],
    parties: Mapping[str, Party],
    iris: Iris,
    *,
    title: Text,
    publisher: str,
    language: str = "zh",
) -> Node:
    """The JSON-LD document. `parties` by node id; `publisher` is one of them.

    `language` is the project's. The same records give the same document, whatever their order.
    """
    shared = _Shared(iris, language)
    items = sorted(published, key=lambda item: item.resource.id)
    products = sorted(offered, key=lambda item: item.product.id)
    datasets = [_dataset(item, shared) for item in items]
    services: list[Node] = []
    others: list[Node] = []
    for item in products:
        made = _product(item, shared)
        for kind, where in (("Dataset", datasets), ("DataService", services)):
            where += [node for node in made if node["@type"] == kind]
        others += [node for node in made if node["@type"] == "dcat:Resource"]
    for owner in {
        publisher,
        *(i.resource.owner for i in items),
        *(o.product.provider for o in products),
    }:
        _agent(parties[owner], shared)
    spoken = _languages(
        [title, *(i.resource.title for i in items), *(o.product.title for o in products)]
    )
    zh, en = (
        f"{len(items)} 项数据资源、{len(products)} 个数据产品",
        (f"{len(items)} data resources and {len(products)} data products"),
    )
    days = [str(node["modified"]) for node in (*datasets, *services) if node.get("modified")]
    if shared.themes:
        shared.link(
            iris.of("themes"), "skos:ConceptScheme", title={"zh": "主题与分类", "en": "Themes"}
        )
    catalog = _filled(
        {
            "@id": iris.of("catalogue"),
            "@type": "Catalog",
            "title": _words(title),
            "description": {"zh": zh, "en": en},
            "publisher": iris.node(publisher),
            "modified": max(days, default=""),
            "language": [
                shared.link(f"{_EU}language/{LANGUAGES[word]}", "dcterms:LinguisticSystem")
                for word in spoken
            ],
            "themeTaxonomy": iris.of("themes") if shared.themes else "",
            "dataset": datasets,
            "service": services,
            "resource": others,
        }
    )
    nodes = [shared.nodes[iri] for iri in sorted(shared.nodes)]
    return {"@context": CONTEXT, "@graph": [catalog, *nodes]}


def to_bytes(document: Node) -> bytes:
    """UTF-8 JSON with a line a member; a half of a surrogate pair becomes `?`."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return (text + "\n").encode("utf-8", errors="replace")


# Resources


def _dataset(item: Published, shared: _Shared) -> Node:
    found, iris = item.resource, shared.iris
    own = iris.node(found.id)
    themes = [shared.theme(*pair) for pair in _themes(found)]
    distributions = [
        _distribution(manifest, file, own, shared)
        for manifest in item.manifests
        for file in manifest.files
    ]
    return _filled(
        {
            "@id": own,
            "@type": "Dataset",
            "identifier": found.id,
            "title": _words(found.title),
            "description": _words(found.description or _described(item)),
            "publisher": iris.node(found.owner),
            "issued": item.issued,
            "modified": found.published_on.isoformat(),
            "version": found.version,
            "accrualPeriodicity": shared.link(
                f"{_EU}frequency/{FREQUENCIES[found.cadence]}", "dcterms:Frequency"
            ),
            "temporal": _temporal(item, iris),
            "accessRights": _access(found.open_class, shared),
            "rights": _rights(found, iris),
            "conformsTo": shared.link(
                iris.of("contract", key_of(found.id)),
                "dcterms:Standard",
                **_filled(
                    {
                        "identifier": f"contract:{key_of(found.id)}",
                        "title": _words(found.title),
                        "version": found.version,
                        "definition": found.definition,
                    }
                ),
            ),
            "theme": themes,
            "keyword": list(dict.fromkeys(tag for tag in found.tags if tag)),
            "source": [iris.node(one) for one in sorted(set(item.from_resources))],
            "distribution": distributions,
            "hasQualityMeasurement": _measurements(item.quality, shared),
            "grade": _grade(found.grade, shared),
            "personal": found.personal,
            "shareClass": found.share_class,
            "openClass": found.open_class,
            "rows": found.rows,
            "rejectedRows": sum(table.rejected for table in found.tables),
        }
    )


def _themes(found: DataResource) -> list[tuple[str, str]]:
    pairs = (("domain", found.domain), ("category", found.category))
    return [(scheme, name) for scheme, name in pairs if name]


def _described(item: Published) -> Text:
    """What can be said of a resource whose contract describes nothing: DCAT-AP wants a text."""
    tables = [f"{m.table} ({len(m.columns)})" for m in item.manifests]
    named = ", ".join(tables) or "–"
    return Text(f"数据表（列数）：{named}", f"Tables (columns): {named}")


def _distribution(manifest: Manifest, file: LakeFile, dataset: str, shared: _Shared) -> Node:
    parts = [
        manifest.table,
        manifest.id.removeprefix("sha256:"),
        *([file.path] if len(manifest.files) > 1 else []),
    ]
    named = manifest.table if len(manifest.files) == 1 else f"{manifest.table} {file.path}"
    return {
        "@id": shared.iris.of("snapshot", *parts),
        "@type": "Distribution",
        "title": {"zh": f"{named} 快照", "en": f"{named}, snapshot"},
        "accessURL": dataset,
        "mediaType": _media(_PARQUET, shared),
        "byteSize": file.bytes,
        "checksum": {
            "@id": shared.iris.of("checksum", *parts),
            "@type": "spdx:Checksum",
            "algorithm": shared.link("spdx:checksumAlgorithm_sha256", "spdx:ChecksumAlgorithm"),
            "checksumValue": file.sha256.removeprefix("sha256:"),
        },
        "snapshot": manifest.id,
        "rows": file.rows,
    }


def _temporal(item: Published, iris: Iris) -> Node | str:
    """From the least to the most of the days in keys and partitions that are no personal data."""
    personal = {
        f"{grading.table}.{column.name}"
        for grading in item.gradings
        for column in grading.columns
        if column.category in PERSONAL
    }
    timed = {
        f"{table.name}.{prop.name}"
        for table in item.contract.tables
        for prop in table.properties
        if prop.key_position or prop.partitioned
    }
    days = [
        day[:10]
        for profile in item.profiles
        for column in profile.columns
        if column.type in ("DATE", "TIMESTAMP")
        and f"{key_of(profile.id)}.{column.name}" in timed - personal
        for day in (column.least, column.most)
        if day is not None and re.match(r"\d{4}-\d{2}-\d{2}", day)
    ]
    if not days:
        return ""
    return {
        "@id": iris.of("period", key_of(item.resource.id)),
        "@type": "dcterms:PeriodOfTime",
        "startDate": min(days),
        "endDate": max(days),
    }


def _access(open_class: str, shared: _Shared) -> str:
    code = ACCESS.get(open_class)
    return shared.link(f"{_EU}access-right/{code}", "dcterms:RightsStatement") if code else ""


def _rights(found: DataResource, iris: Iris) -> Node | str:
    """How it may be shared and opened, in words; nothing when the contract says nothing."""
    zh: list[str] = []
    en: list[str] = []
    for (told_zh, told_en), value, condition in (
        (("共享", "sharing"), found.share_class, found.share_basis),
        (("开放", "opening"), found.open_class, found.open_conditions),
    ):
        if value:
            label = _CLASSES.get(value, Text(value, value))
            zh.append(f"{label.zh}{told_zh}" + (f"：{condition}" if condition else ""))
            en.append(f"{told_en}: {label.en}" + (f" ({condition})" if condition else ""))
    if not zh:
        return ""
    return {
        "@id": iris.of("rights", key_of(found.id)),
        "@type": "dcterms:RightsStatement",
        "label": {"zh": "；".join(zh), "en": "; ".join(en)},
    }


def _measurements(quality: Quality, shared: _Shared) -> list[Node]:
    """The score and those of the dimensions; one that was not assessable has no measurement."""
    scores: list[tuple[str, Text, Decimal | None]] = [
        ("score", Text("质量得分（GB/T 36344）", "quality score (GB/T 36344)"), quality.score),
        *((d.id, d.title, d.score) for d in quality.dimensions),
    ]
    made: list[Node] = []
    for name, title, score in scores:
        if score is None:
            continue
        label = _words(title) or {"zh": name}
        said: Node = {"prefLabel": label}
        if name != "score":
            said["inDimension"] = shared.link(
                f"sanhua:dimension-{name}", "dqv:Dimension", prefLabel=label
            )
        made.append(
            {
                "@id": shared.iris.of("quality", quality.contract, name),
                "@type": "dqv:QualityMeasurement",
                "isMeasurementOf": shared.link(f"sanhua:metric-{name}", "dqv:Metric", **said),
                "value": format(score, "f"),
            }
        )
    return made


def _grade(grade: Grade, shared: _Shared) -> str:
    return shared.link(
        f"sanhua:grade-{grade.value}",
        "skos:Concept",
        prefLabel=_words(grade.title),
        notation=grade.value,
    )


def _media(kind: str, shared: _Shared) -> str:
    iri = f"https://www.iana.org/assignments/media-types/{kind}"
    return shared.link(iri, "dcterms:MediaType")


def _agent(party: Party, shared: _Shared) -> None:
    """Name and 统一社会信用代码; a person has neither number nor address here."""
    iri = shared.iris.node(party.id)
    kind = "foaf:Person" if party.person else "foaf:Organization"
    said: Node = {"name": party.name, "identifier": party.uscc}
    if party.uscc:
        said["adms:identifier"] = {
            "@id": shared.iris.of("uscc", party.uscc),
            "@type": "adms:Identifier",
            "notation": party.uscc,
            "adms:schemaAgency": "统一社会信用代码 GB 32100",
        }
    shared.link(iri, ["foaf:Agent", kind], **_filled(said))


# Products


def _product(item: Offered, shared: _Shared) -> list[Node]:
    """A derivative: its dataset and, with an api, the service before it; a service: itself."""
    product, iris = item.product, shared.iris
    own = iris.node(product.id)
    common = {
        "identifier": product.id,
        "title": _words(product.title),
        "description": _words(_fields(product)),
        "publisher": iris.node(product.provider),
        "issued": item.issued,
        "modified": item.modified,
        "accessRights": _access("conditional", shared),
        "hasPolicy": offer(item.policy, product, iris) if item.policy else "",
        "grade": _grade(product.grade, shared),
        "personal": product.personal,
        "form": product.form.value,
        "productVersion": product.version,
    }
    key = key_of(product.id)
    endpoint = f"{iris.prefix}v1/data/{key}" if iris.is_web else iris.of("endpoint", key)
    inputs = [iris.node(resource) for resource in sorted(product.inputs)]
    if product.form is Form.SERVICE:
        served = {"endpointURL": endpoint, "servesDataset": inputs}
        return [_filled({"@id": own, "@type": "DataService", **common, **served})]
    if product.form is Form.TOOL:
        return [_filled({"@id": own, "@type": "dcat:Resource", **common, "source": inputs})]
    services: list[Node] = []
    distributions: list[Node] = []
    for delivery in product.delivery:
        distribution: Node = {
            "@id": iris.of("delivery", key, delivery),
            "@type": "Distribution",
            "title": {"zh": delivery, "en": delivery},
            "accessURL": own,
        }
        if delivery == "api":
            service = iris.of("service", key)
            distribution |= {
                "accessURL": endpoint,
                "mediaType": _media("application/json", shared),
                "accessService": service,
            }
            named = {lang: f"{text} API" for lang, text in _words(product.title).items()}
            said = {"title": named, "publisher": common["publisher"], "endpointURL": endpoint}
            services.append({"@id": service, "@type": "DataService", **said, "servesDataset": own})
        distributions.append(distribution)
    more = {"source": inputs, "distribution": distributions}
    return [_filled({"@id": own, "@type": "Dataset", **common, **more}), *services]


def _fields(product: DataProduct) -> Text:
    names = ", ".join(made.name for made in product.fields) or "–"
    return Text(f"可售字段：{names}", f"Fields on offer: {names}")


# Offers


def offer(policy: UsagePolicy, product: DataProduct, iris: Iris) -> Node:
    """The policy as an ODRL offer of the product's provider; `project.odrl` reads it back.

    Its target is the thing that has the policy, as DSP asks. Prices are no part of it: ODRL has no
    words for plans.
    """
    constraints = [
        _constraint("odrl:purpose", "odrl:isAnyOf", _codes("purpose", policy.purposes, iris))
    ]
    for name, left in (("places", "odrl:spatial"), ("recipients", "odrl:recipient")):
        if policy.permit.get(name):
            listed = _codes(name, policy.permit[name].split(), iris)
            constraints.append(_constraint(left, "odrl:isAnyOf", listed))
    if counted := re.fullmatch(r"(\d+) per ([a-z]+)", policy.permit.get("count", "")):
        left = f"sanhua:countPer{counted[2].capitalize()}"
        constraints.append(_constraint(left, "odrl:lteq", int(counted[1])))
    if policy.permit.get("min_group"):
        least = int(policy.permit["min_group"])
        constraints.append(_constraint("sanhua:minGroup", "odrl:gteq", least))
    if policy.permit.get("environment"):
        where = policy.permit["environment"]
        constraints.append(_constraint("sanhua:environment", "odrl:eq", where))
    if policy.level:
        constraints.append(_constraint("sanhua:level", "odrl:gteq", policy.level))
    permission = {"action": _actions(policy.actions), "constraint": constraints}
    return _filled(
        {
            "@id": iris.of("offer", key_of(product.id)),
            "@type": ["Offer", "Policy"],
            "assigner": iris.node(product.provider),
            "permission": [permission],
            "prohibition": [{"action": _actions(policy.forbid)}] if policy.forbid else [],
            "obligation": [_duty(duty) for duty in policy.oblige],
        }
    )


def _constraint(left: str, operator: str, right: Any) -> Node:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _codes(kind: str, codes: Sequence[str], iris: Iris) -> list[Node]:
    return [{"@id": iris.of(kind, code)} for code in codes]


def _actions(actions: Iterable[str]) -> list[str]:
    return [f"{'odrl' if name in ODRL_ACTIONS else 'sanhua'}:{name}" for name in actions]


def _duty(duty: Mapping[str, str]) -> Node:
    constraints: list[Node] = []
    within = re.fullmatch(r"(\d+) ([a-z]+?)s?", duty.get("within", ""))
    if within:
        lasting = {"@value": _DURATIONS[within[2]].format(within[1]), "@type": "xsd:duration"}
        constraints.append(_constraint("odrl:elapsedTime", "odrl:lteq", lasting))
    known = {"action", "note", *(("within",) if within else ())}
    for key, value in duty.items():
        if key not in known and (key, value) != ("after", "term"):
            constraints.append(_constraint(f"sanhua:{key}", "odrl:eq", value))
    return _filled({"action": _actions([duty["action"]]), "constraint": constraints})


# Words


def _words(text: Text) -> dict[str, str]:
    return {word: said for word, said in (("zh", text.zh), ("en", text.en)) if said}


def _languages(texts: Iterable[Text]) -> list[str]:
    spoken = {word for text in texts for word in _words(text)}
    return [word for word in LANGUAGES if word in spoken]


def _filled(node: Node) -> Node:
    """Without what is empty: an empty text, list or mapping says nothing."""
    return {key: value for key, value in node.items() if value not in ("", [], {}, None)}
