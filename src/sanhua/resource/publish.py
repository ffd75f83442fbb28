"""Publish 发布: the catalogue record of a data resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from sanhua.kernel import ids
from sanhua.kernel.errors import Denied, Invalid
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import CheckedBy, DefinedBy, HeldBy, MadeFrom, Ref, record
from sanhua.kernel.text import Text
from sanhua.resource.collect import Cadence
from sanhua.resource.contract import DataContract
from sanhua.resource.grade import ColumnGrade, Grade, Grading
from sanhua.resource.lineage import Table
from sanhua.resource.quality import Quality
from sanhua.resource.standard import StandardResult

CLASSES = ("unconditional", "conditional", "none")
PERSONAL = frozenset({"personal", "sensitive_personal"})


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of the resource at the snapshot that was published."""

    table: MadeFrom
    snapshot: MadeFrom
    graded_by: Annotated[str, Ref("graded_by")]
    rows: int
    rejected: int
    columns: int
    grade: Grade


@dataclass(frozen=True, slots=True)
class Promise:
    """A service level as the contract states it (ODCS slaProperties)."""

    property: str
    value: str
    unit: str = ""
    element: str = ""


@record("resource")
@dataclass(frozen=True, slots=True)
class DataResource:
    """数据资源 `resource:<id>`: what the catalogue says of it. `share_class` and `open_class` as in
    政务信息资源目录.

    `published_on` is the legal day on which this version was published.
    """

    id: str
    title: Text
    owner: HeldBy
    definition: DefinedBy
    tables: tuple[PublishedTable, ...]
    quality: CheckedBy
    standard: Annotated[str, Ref("bound_to")]
    rows: int
    grade: Grade
    score: Decimal | None
    cadence: Cadence
    published_on: date
    description: Text = Text()
    domain: str = ""
    category: str = ""
    personal: bool = False
    tags: tuple[str, ...] = ()
    share_class: str = ""
    open_class: str = ""
    share_basis: str = ""
    open_conditions: str = ""
    promises: tuple[Promise, ...] = ()
    version: str = ""
    status: str = ""
    accountable: Annotated[str, Ref("accountable_to")] = ""  # who answers for it (责任人)
    steward: Annotated[str, Ref("stewarded_by")] = ""  # who looks after it (数据管家)


def publish(
    uow: Uow,
    contract: DataContract,
    *,
    owner: str,
    cadence: Cadence,
    accountable: str = "",
    steward: str = "",
) -> DataResource:
    """Publish a contract's tables at their current snapshots, with what was found of quality, grade
    and standard.

    `owner` is a party; `cadence` the slowest of the sources; `accountable` and `steward` are nodes
    of parties, empty where nobody is named. Unchanged content stays the version (and day) it was.
    Raises Denied publish.* when the grade forbids the class under which it would be open, NotFound
    when a table was not built, checked or graded.
    """
    quality = uow.get(Quality, ids.node("quality", contract.id))
    standard = uow.get(StandardResult, ids.node("standard", contract.id))
    tables: list[PublishedTable] = []
    gradings: list[Grading] = []
    for schema in contract.tables:
        table = uow.get(Table, ids.node("table", schema.name))
        grading = uow.get(Grading, ids.node("grade", schema.name))
        gradings.append(grading)
        tables.append(
            PublishedTable(
                table.id,
                table.snapshot,
                grading.id,
                table.rows,
                table.rejected,
                len(grading.columns),
                grading.grade,
            )
        )
    may_open(contract, gradings)
    highest = max((grading.grade for grading in gradings), default=Grade.GENERAL1)
    resource = DataResource(
        ids.node("resource", contract.id),
        contract.name or Text(contract.id, contract.id),
        owner if ":" in owner else ids.node("party", owner),
        contract.origin.sha256,
        tuple(tables),
        quality.id,
        standard.id,
        sum(table.rows for table in tables),
        highest,
        quality.score,
        cadence,
        uow.today(),
        contract.description,
        contract.domain,
        contract.category,
        any(column.category in PERSONAL for grading in gradings for column in grading.columns),
        contract.tags,
        contract.share_class,
        contract.open_class,
        contract.share_basis,
        contract.open_conditions,
        tuple(Promise(sla.property, sla.value, sla.unit, sla.element) for sla in contract.sla),
        contract.version,
        contract.status,
        accountable,
        steward,
    )
    before = uow.find(DataResource, resource.id)
    if before is not None:
        same_day = replace(resource, published_on=before.published_on)
        resource = before if same_day == before else resource
    uow.add(resource, "resource.published")
    return resource


def may_open(contract: DataContract, gradings: Sequence[Grading]) -> None:
    """Raises Invalid or Denied publish.* when the resource may not be shared or opened as the
    contract says.
    """
    for key, value in (("shareClass", contract.share_class), ("openClass", contract.open_class)):
        if value and value not in CLASSES:
            raise Invalid(
                "publish.unknown-class",
                path=contract.origin.path,
                resource=contract.id,
                key=key,
                value=value,
                known=", ".join(CLASSES),
            )
    if contract.open_class not in ("unconditional", "conditional"):
        return
    for grading in gradings:
        worst = max(grading.columns, key=_grade_of, default=None)
        if not grading.grade.is_general:
            raise Denied(
                "publish.grade-forbids-open",
                path=contract.origin.path,
                node=grading.id,
                resource=contract.id,
                grade=grading.grade.title.zh,
                open_class=contract.open_class,
                field=f"{grading.table}.{worst.name}" if worst else grading.table,
                reason=str(worst.reason if worst else ""),
            )
        if contract.open_class == "unconditional":
            personal = [column for column in grading.columns if column.category in PERSONAL]
            if personal:
                raise Denied(
                    "publish.personal-open",
                    path=contract.origin.path,
                    node=personal[0].id,
                    resource=contract.id,
                    field=f"{grading.table}.{personal[0].name}",
                )


def _grade_of(column: ColumnGrade) -> Grade:
    return column.grade
