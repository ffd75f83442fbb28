"""Products 数据产品: derivative, tool, service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from sanhua import sql
from sanhua.asset.price import Plan, Share, Tax, freeze_plan
from sanhua.asset.rights import Right, RightsClaim, claims_over
from sanhua.kernel import ids
from sanhua.kernel.errors import Citation, Denied, Invalid
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import DefinedBy, GrantedBy, HeldBy, MadeFrom, PricedBy, Ref, record
from sanhua.kernel.text import Text
from sanhua.resource.grade import ColumnGrade, Grade, Grading
from sanhua.resource.publish import PERSONAL, DataResource
from sanhua.verify import canonical, sha256


class Form(StrEnum):
    """衍生品, 工具, 服务."""

    DERIVATIVE = "derivative"
    TOOL = "tool"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Product:
    """A product as declared. `listings` maps an exchange to what it asks (`class` is the highest
    grade shown).
    """

    id: str
    title: Text
    form: Form
    policy: str
    origin: Origin
    table: str = ""
    package: str = ""
    sql: str = ""
    query: str = ""  # the text of the service's SELECT
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    answer: str = ""
    offer: tuple[str, ...] = ()  # empty: all fields
    delivery: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    plans: tuple[Plan, ...] = ()
    tax: Tax = Tax()
    shares: tuple[Share, ...] = ()
    listings: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    retired: date | None = None


@dataclass(frozen=True, slots=True)
class OfferedField:
    """`product:<id>.<field>`: a field that may be sold, the columns it shows, and the highest of
    their grades.
    """

    id: str
    name: str
    made_from: tuple[MadeFrom, ...]
    graded_by: tuple[Annotated[str, Ref("graded_by")], ...]
    grade: Grade
    category: str
    reason: Text


@dataclass(frozen=True, slots=True)
class ListingChecked:
    """A listing that was allowed: nothing offered is graded above `allowed`."""

    exchange: str
    allowed: Grade
    asks: Mapping[str, str] = field(default_factory=dict[str, str])


@record("product")
@dataclass(frozen=True, slots=True)
class DataProduct:
    """数据产品 `product:<id>`. `version` counts the shapes (fields, inputs, query, parameters) that
    it has had.

    `rights` are what the provider holds in every input at once, `grade` the highest of the offered
    fields.
    """

    id: str
    title: Text
    form: Form
    version: int
    shape: str  # content hash of what a buyer would notice
    provider: HeldBy
    inputs: tuple[MadeFrom, ...]  # resources
    tables: tuple[Annotated[str, Ref("reads")], ...]
    fields: tuple[OfferedField, ...]
    grade: Grade
    personal: bool
    rights: frozenset[Right]
    granted_by: tuple[GrantedBy, ...]
    plans: tuple[PricedBy, ...]
    listings: tuple[ListingChecked, ...]
    definition: DefinedBy
    policy: str
    delivery: tuple[str, ...]
    answer: str = ""
    retired: date | None = None


def make_product(
    uow: Uow,
    product: Product,
    *,
    provider: str,
    tables: Sequence[str] = (),
    lineage: Sequence[sql.ColumnLineage] | None = None,
) -> DataProduct:
    """Make (or bring up to date) a product on published resources, with its price plans.

    A derivative shows the columns of `product.table`. A service or SQL tool shows what its query
    gives: `lineage` is that query's column lineage and `tables` what it reads. Raises Denied
    product.no-operate-right when the provider may not operate one of the inputs today, Denied
    listing.grade-above-class when an offered field is graded above what a listing allows, Invalid
    product.* and price.* for what does not fit together.
    """
    today = uow.today()
    at: dict[str, Any] = {
        "path": product.origin.path,
        "line": product.origin.line,
        "node": ids.node("product", product.id),
    }
    party = provider if ":" in provider else ids.node("party", provider)
    named = [name for name in (product.table, *tables) if name]
    read = tuple(dict.fromkeys(named))
    resources = _resources(uow, product, read)
    claims: list[RightsClaim] = []
    rights = frozenset(Right)
    for resource in resources:
        held = claims_over(uow, resource, party)
        operating = [claim for claim in held if claim.covers(Right.OPERATE, today)]
        if not operating:
            raise Denied(
                "product.no-operate-right",
                **at,
                product=product.id,
                party=ids.key_of(party),
                resource=ids.key_of(resource),
                day=today.isoformat(),
            )
        claims += operating
        rights &= frozenset(
            right for right in Right if any(claim.covers(right, today) for claim in held)
        )
    fields = _fields(uow, product, read, lineage)
    listings = tuple(
        _listing(uow, product, name, asks, fields) for name, asks in product.listings.items()
    )
    plans = tuple(freeze_plan(product.id, plan, product.tax) for plan in product.plans)
    for plan in plans:
        uow.add(plan, "plan.priced")
    shape = sha256(
        canonical(
            {
                "form": product.form.value,
                "fields": [made.name for made in fields],
                "tables": list(read),
                "query": product.query,
                "sql": product.sql,
                "package": product.package,
                "parameters": dict(product.parameters),
                "answer": product.answer,
            }
        )
    )
    node = ids.node("product", product.id)
    before = uow.find(DataProduct, node)
    version = 1 if before is None else before.version + (before.shape != shape)
    made = DataProduct(
        node,
        product.title,
        product.form,
        version,
        shape,
        party,
        tuple(resources),
        tuple(ids.node("table", table) for table in read),
        fields,
        max((made.grade for made in fields), default=Grade.GENERAL1),
        any(made.category in PERSONAL for made in fields),
        rights if resources else frozenset(),
        tuple(dict.fromkeys(claim.id for claim in claims)),
        tuple(plan.id for plan in plans),
        listings,
        product.origin.sha256,
        product.policy,
        tuple(product.delivery),
        product.answer,
        product.retired,
    )
    uow.add(
        made, "product.made" if before is None or before.version != version else "product.updated"
    )
    return made


def _resources(uow: Uow, product: Product, tables: Sequence[str]) -> list[str]:
    """The published resource of each table; Invalid product.input-without-contract."""
    owner = {
        table.table: resource.id for resource in uow.all(DataResource) for table in resource.tables
    }
    found: list[str] = []
    for table in tables:
        resource = owner.get(ids.node("table", table))
        if resource is None:
            raise Invalid(
                "product.input-without-contract",
                path=product.origin.path,
                line=product.origin.line,
                product=product.id,
                table=table,
            )
        found.append(resource)
    return list(dict.fromkeys(found))


def _fields(
    uow: Uow, product: Product, tables: Sequence[str], lineage: Sequence[sql.ColumnLineage] | None
) -> tuple[OfferedField, ...]:
    gradings = {table: uow.get(Grading, ids.node("grade", table)) for table in tables}
    if lineage is None:
        grading = gradings.get(product.table)
        columns = {column.name: [column] for column in grading.columns} if grading else {}
    else:
        graded = {
            f"{table}.{column.name}": column
            for table, g in gradings.items()
            for column in g.columns
        }
        columns = {
            made.name: [graded[f"{t}.{c}"] for t, c in made.sources if f"{t}.{c}" in graded]
            for made in lineage
        }
    offered = product.offer or tuple(columns)
    fields: list[OfferedField] = []
    for name in offered:
        if name not in columns:
            raise Invalid(
                "product.unknown-field",
                path=product.origin.path,
                line=product.origin.line,
                product=product.id,
                field=name,
                table=product.table,
                known=", ".join(columns),
            )
        fields.append(_field(product, name, columns[name]))
    return tuple(fields)


def _field(product: Product, name: str, sources: Sequence[ColumnGrade]) -> OfferedField:
    ranked = sorted(sources, key=lambda column: column.grade, reverse=True)
    return OfferedField(
        ids.node("product", f"{product.id}.{name}"),
        name,
        tuple(column.column for column in sources),
        tuple(column.id for column in sources),
        ranked[0].grade if ranked else Grade.GENERAL1,
        next((column.category for column in ranked if column.category), ""),
        ranked[0].reason if ranked else Text("不取自任何列", "made from no column"),
    )


def _listing(
    uow: Uow,
    product: Product,
    exchange: str,
    asks: Mapping[str, str],
    fields: Sequence[OfferedField],
) -> ListingChecked:
    allowed = Grade.parse(
        asks.get("class", "general"),
        code="listing.unknown-class",
        path=product.origin.path,
        line=product.origin.line,
        listing=exchange,
    )
    for found in sorted(fields, key=lambda f: f.grade, reverse=True):
        if found.grade > allowed:
            raise Denied(
                "listing.grade-above-class",
                path=product.origin.path,
                line=product.origin.line,
                node=found.id,
                rule=_cited(uow, found),
                product=product.id,
                field=found.name,
                grade=found.grade.value,
                reason=found.reason,
                listing=exchange,
                allowed=allowed.value,
            )
    return ListingChecked(
        exchange, allowed, {key: text for key, text in asks.items() if key != "class"}
    )


def _cited(uow: Uow, found: OfferedField) -> Citation | None:
    """The rule behind the field's grade, when one of its columns was graded by a rule."""
    for node in found.graded_by:
        for edge in uow.edges_from(node):
            if edge.verb == "decided_by":
                instrument, _, rest = edge.dst.removeprefix("rule:").partition("/")
                rule = uow.rules.ask(instrument, rest.partition("@")[0], on=uow.today())
                return rule.citation
    return None
