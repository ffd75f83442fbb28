"""What DCAT-AP 3.0 asks of a graph, from its SHACL shapes: counts, kinds, classes.

Cardinalities, node kinds, datatypes and ranges of the properties that we write, and all mandatory
ones. https://semiceu.github.io/DCAT-AP/releases/3.0.0/
"""

from __future__ import annotations

from rdflib import DCTERMS, FOAF, RDF, SKOS, XSD, Graph, Literal, Namespace, URIRef

DCAT = Namespace("http://www.w3.org/ns/dcat#")  # version 3; rdflib's own is version 2
ADMS = Namespace("http://www.w3.org/ns/adms#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
ODRL = Namespace("http://www.w3.org/ns/odrl/2/")

MANY = 10**9
TEMPORAL = {XSD.date, XSD.dateTime, XSD.gYear, XSD.gYearMonth}
TEXT, IRI = "literal", "resource"
# class → property → (at least, at most, what): a datatype, a class, TEXT or IRI
SHAPES = {
    FOAF.Agent: {FOAF.name: (1, MANY, TEXT), DCTERMS.type: (0, 1, SKOS.Concept)},
    DCAT.Catalog: {
        DCTERMS.title: (1, MANY, TEXT),
        DCTERMS.description: (1, MANY, TEXT),
        DCTERMS.publisher: (1, 1, FOAF.Agent),
        DCTERMS.issued: (0, 1, "temporal"),
        DCTERMS.modified: (0, 1, "temporal"),
        DCTERMS.language: (0, MANY, DCTERMS.LinguisticSystem),
        DCTERMS.license: (0, 1, DCTERMS.LicenseDocument),
        DCTERMS.rights: (0, 1, DCTERMS.RightsStatement),
        DCAT.dataset: (0, MANY, DCAT.Dataset),
        DCAT.service: (0, MANY, DCAT.DataService),
        DCAT.themeTaxonomy: (0, MANY, SKOS.ConceptScheme),
    },
    DCAT.Dataset: {
        DCTERMS.title: (1, MANY, TEXT),
        DCTERMS.description: (1, MANY, TEXT),
        DCTERMS.identifier: (0, MANY, TEXT),
        DCTERMS.publisher: (0, 1, FOAF.Agent),
        DCTERMS.issued: (0, 1, "temporal"),
        DCTERMS.modified: (0, 1, "temporal"),
        DCTERMS.accessRights: (0, 1, DCTERMS.RightsStatement),
        DCTERMS.accrualPeriodicity: (0, 1, DCTERMS.Frequency),
        DCTERMS.conformsTo: (0, MANY, DCTERMS.Standard),
        DCTERMS.temporal: (0, MANY, DCTERMS.PeriodOfTime),
        DCAT.distribution: (0, MANY, DCAT.Distribution),
        DCAT.keyword: (0, MANY, TEXT),
        DCAT.theme: (0, MANY, SKOS.Concept),
        DCAT.version: (0, 1, TEXT),
        DCTERMS.source: (0, MANY, IRI),
    },
    DCAT.Distribution: {
        DCAT.accessURL: (1, MANY, IRI),
        DCAT.accessService: (0, MANY, DCAT.DataService),
        DCAT.byteSize: (0, 1, XSD.nonNegativeInteger),
        DCAT.mediaType: (0, 1, DCTERMS.MediaType),
        DCTERMS.title: (0, MANY, TEXT),
        DCTERMS.rights: (0, 1, DCTERMS.RightsStatement),
        DCTERMS.license: (0, 1, DCTERMS.LicenseDocument),
        SPDX.checksum: (0, 1, SPDX.Checksum),
        ODRL.hasPolicy: (0, 1, ODRL.Policy),
    },
    DCAT.DataService: {
        DCTERMS.title: (1, MANY, TEXT),
        DCAT.endpointURL: (1, MANY, IRI),
        DCTERMS.description: (0, MANY, TEXT),
        DCTERMS.publisher: (0, 1, FOAF.Agent),
        DCTERMS.accessRights: (0, 1, DCTERMS.RightsStatement),
        DCTERMS.license: (0, 1, DCTERMS.LicenseDocument),
        DCAT.servesDataset: (0, MANY, DCAT.Dataset),
    },
    SPDX.Checksum: {
        SPDX.algorithm: (1, 1, SPDX.ChecksumAlgorithm),
        SPDX.checksumValue: (1, 1, XSD.hexBinary),
    },
    DCTERMS.PeriodOfTime: {
        DCAT.startDate: (0, 1, "temporal"),
        DCAT.endDate: (0, 1, "temporal"),
    },
    SKOS.Concept: {SKOS.prefLabel: (1, MANY, TEXT)},
    SKOS.ConceptScheme: {DCTERMS.title: (1, MANY, TEXT)},
    ADMS.Identifier: {SKOS.notation: (1, 1, TEXT)},
}
MAY_BE_OUTSIDE = {DCTERMS.source, DCAT.servesDataset}  # of another catalogue


def faults(graph: Graph) -> list[str]:
    """Every constraint that does not hold, as `class subject property: what`."""
    found: list[str] = []
    for kind, shape in SHAPES.items():
        for subject in graph.subjects(RDF.type, kind):
            for prop, (least, most, what) in shape.items():
                values = list(graph.objects(subject, prop))
                where = f"{kind} {subject} {prop}"
                if not least <= len(values) <= most:
                    found.append(f"{where}: {len(values)} values")
                found += [
                    f"{where}: {value!r}" for value in values if not _fits(graph, prop, value, what)
                ]
    if not list(graph.subjects(RDF.type, DCAT.Catalog)):
        found.append("no catalogue")
    return found


def _fits(graph: Graph, prop: URIRef, value: object, what: object) -> bool:
    if what == TEXT:
        return isinstance(value, Literal)
    if what == IRI:
        return isinstance(value, URIRef)
    if what == "temporal":
        return isinstance(value, Literal) and value.datatype in TEMPORAL and not value.ill_typed
    if isinstance(value, Literal):
        return value.datatype == what and not value.ill_typed
    if what in (XSD.nonNegativeInteger, XSD.hexBinary):
        return False
    typed = (value, RDF.type, what) in graph
    return typed or (prop in MAY_BE_OUTSIDE and (value, None, None) not in graph)
