"""The catalogue as DCAT, and each contract as ODCS, written for other systems to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sanhua.asset.party import Party
from sanhua.asset.product import DataProduct
from sanhua.interchange import dcat, odcs
from sanhua.interchange.iri import Iris
from sanhua.kernel.ids import key_of, node
from sanhua.kernel.ports import Uow
from sanhua.kernel.time import legal_day
from sanhua.project.odcs import as_written
from sanhua.resource.collect import RawFile
from sanhua.resource.contract import DataContract
from sanhua.resource.grade import Grading
from sanhua.resource.lineage import Snapshot
from sanhua.resource.profile import Profile
from sanhua.resource.publish import DataResource
from sanhua.resource.quality import Quality
from sanhua.resource.standard import StandardResult
from sanhua.workspace.opening import Workspace

CATALOGUE = "catalogue.jsonld"
CONTRACTS = "odcs"


@dataclass(frozen=True, slots=True)
class _Resource:
    """A published resource with the records that the run left of it."""

    contract: DataContract
    resource: DataResource
    quality: Quality
    standard: StandardResult | None
    snapshots: tuple[Snapshot, ...]
    gradings: tuple[Grading, ...]
    profiles: tuple[Profile, ...]
    beneath: frozenset[str] = frozenset()  # the resources that it was made from


@dataclass(frozen=True, slots=True)
class Catalogued:
    """What was written: counts by kind, and the files below the project."""

    counts: dict[str, int]
    files: list[str]


def catalogue(ws: Workspace, entity: str) -> Catalogued:
    """Write `catalogue.jsonld` and `odcs/<id>.odcs.yaml` of what is published now.

    `entity` publishes the catalogue. Products that are retired today are left out. Files of
    contracts that are gone are deleted.
    """
    iris = Iris(ws.project.name, ws.project.settings.base)
    parties, resources, products, files = _records(ws)
    document = dcat.catalogue(
        _published(ws, resources),
        _offered(ws, products),
        parties,
        iris,
        title=ws.project.settings.title,
        publisher=node("party", entity),
        language=ws.project.settings.language,
    )
    written = {ws.out / CATALOGUE: dcat.to_bytes(document)}
    for item in resources:
        found = {
            snapshot.table: odcs.found_of(snapshot, grading, item.standard, files, iris)
            for snapshot, grading in zip(item.snapshots, item.gradings, strict=True)
        }
        said = as_written(ws.root, item.contract.origin.path, ws.env)
        made = odcs.contract_out(said, found, dataset=iris.node(item.resource.id))
        written[ws.out / CONTRACTS / f"{item.contract.id}.odcs.yaml"] = odcs.to_yaml(made)
    _write(written, ws.out / CONTRACTS)
    kinds = [made["@type"] for made in _members(document["@graph"][0])]
    counts = {
        "resources": len(resources),
        "products": len(products),
        "datasets": kinds.count("Dataset"),
        "services": kinds.count("DataService"),
        "distributions": sum(
            len(m.get("distribution", ())) for m in _members(document["@graph"][0])
        ),
        "contracts": len(resources),
    }
    return Catalogued(counts, [path.relative_to(ws.root).as_posix() for path in written])


def _members(catalog: dict[str, Any]) -> list[dict[str, Any]]:
    return [made for key in ("dataset", "service", "resource") for made in catalog.get(key, ())]


def _records(
    ws: Workspace,
) -> tuple[dict[str, Party], list[_Resource], list[DataProduct], dict[str, str]]:
    """Parties, published resources, products on offer; raw files and code lists by content hash."""
    today = legal_day(ws.clock.now())
    resources: list[_Resource] = []
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        for name, contract in sorted(ws.project.contracts.items()):
            resource = uow.find(DataResource, node("resource", name))
            if resource is None:
                continue
            tables = [key_of(table.table) for table in resource.tables]
            profiles = [uow.find(Profile, node("profile", table)) for table in tables]
            resources.append(
                _Resource(
                    contract,
                    resource,
                    uow.get(Quality, resource.quality),
                    uow.find(StandardResult, resource.standard),
                    tuple(uow.get(Snapshot, table.snapshot) for table in resource.tables),
                    tuple(uow.get(Grading, table.graded_by) for table in resource.tables),
                    tuple(profile for profile in profiles if profile is not None),
                )
            )
        products = [
            product
            for product in uow.all(DataProduct)
            if key_of(product.id) in ws.project.products
            and not (product.retired and product.retired <= today)
        ]
        parties = {party.id: party for party in uow.all(Party)}
        files = {raw.id: raw.path for raw in uow.all(RawFile)}
        owner = {one.id: item.resource.id for item in resources for one in item.snapshots}
        resources = [replace(item, beneath=_beneath(uow, item, owner)) for item in resources]
    files |= {codes.origin.sha256: codes.id for codes in ws.project.codes.values()}
    return parties, resources, products, files


def _beneath(uow: Uow, item: _Resource, owner: Mapping[str, str]) -> frozenset[str]:
    """The resources next below, through tables that have no contract."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [one for snapshot in item.snapshots for one in snapshot.made_from]
    while waiting:
        node_id = waiting.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        if node_id in owner:
            found.add(owner[node_id])
        elif (snapshot := uow.find(Snapshot, node_id)) is not None:
            waiting += snapshot.made_from
    return frozenset(found - {item.resource.id})


def _published(ws: Workspace, resources: Iterable[_Resource]) -> list[dcat.Published]:
    made: list[dcat.Published] = []
    for item in resources:
        manifests = (ws.lake.load(s.layer, s.table, s.id) for s in item.snapshots)
        made.append(
            dcat.Published(
                item.resource,
                item.contract,
                item.quality,
                tuple(manifests),
                item.gradings,
                item.profiles,
                _days(ws, item.resource.id)[0],
                tuple(sorted(item.beneath)),
            )
        )
    return made


def _offered(ws: Workspace, products: Iterable[DataProduct]) -> list[dcat.Offered]:
    return [
        dcat.Offered(product, ws.project.policies.get(product.policy), *_days(ws, product.id))
        for product in products
    ]


def _days(ws: Workspace, record: str) -> tuple[str, str]:
    """The legal days of a record's first and latest version."""
    history = ws.store.history(record)
    return history[0][0].effective_on, history[-1][0].effective_on


def _write(files: dict[Path, bytes], contracts: Path) -> None:
    """Every file replaced whole; a contract's file that is none of them is deleted."""
    contracts.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(content)
        part.replace(path)
    for path in contracts.glob("*.odcs.yaml"):
        if path not in files:
            path.unlink()
