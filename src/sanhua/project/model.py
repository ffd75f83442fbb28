"""A project as compiled from its folder: every declared thing by id, with where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sanhua.asset.form import RegistrationPlan
from sanhua.asset.party import Party
from sanhua.asset.policy import Deal, UsagePolicy
from sanhua.asset.product import Product
from sanhua.asset.rights import Claim, Grant
from sanhua.capital.allocate import Allocation
from sanhua.capital.cost import Paper
from sanhua.capital.earn import RevenueJudgement
from sanhua.capital.note import Said
from sanhua.capital.recognise import AssetCard
from sanhua.capital.subsidy import Subsidy
from sanhua.capital.tieout import Trial
from sanhua.capital.voucher import AccountingPolicy, Balances, Voucher
from sanhua.kernel.errors import Diagnostic
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.report.erp import ErpForm
from sanhua.resource.collect import Source
from sanhua.resource.contract import DataContract
from sanhua.resource.standard import CodeList, DataElement, Indicator, LogicalEntity, Term


@dataclass(frozen=True, slots=True)
class Entity:
    """Whose folder it is: a party with its accounting regime."""

    id: str
    regime: str = "CAS"
    currency: str = "CNY"
    fiscal_year: str = "01-01"
    parent: str = ""
    share: str = ""
    control: str = ""  # who judged that a share of half or less controls it, and when


@dataclass(frozen=True, slots=True)
class Settings:
    """`sanhua.yaml`, each overridden by `SANHUA_<KEY>`. `entities` are in the order written; the
    first is the default.
    """

    title: Text
    entities: tuple[Entity, ...]
    origin: Origin
    language: str = "zh"
    engine: str = "duckdb"
    store: str = field(default="", repr=False)  # empty: state/state.db; else a URL with its secret
    lake: str = ""  # empty: state/lake
    rules: tuple[str, ...] = ("cn",)
    serve: Mapping[str, str] = field(default_factory=dict[str, str])
    base: str = ""
    failed_rows_below: str = "general2"  # the grade that a table must be below to keep failed rows


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A transform; `id` is the table it makes."""

    id: str
    text: str
    origin: Origin


@dataclass(slots=True)
class Project:
    """What the folder declares. A thing that could not be read is missing here and has an error in
    `diagnostics`.
    """

    root: Path
    name: str
    settings: Settings
    parties: dict[str, Party] = field(default_factory=dict[str, Party])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    elements: dict[str, DataElement] = field(default_factory=dict[str, DataElement])
    codes: dict[str, CodeList] = field(default_factory=dict[str, CodeList])
    model: dict[str, LogicalEntity] = field(default_factory=dict[str, LogicalEntity])
    indicators: dict[str, Indicator] = field(default_factory=dict[str, Indicator])
    terms: dict[str, Term] = field(default_factory=dict[str, Term])
    sql: dict[str, SqlFile] = field(default_factory=dict[str, SqlFile])
    contracts: dict[str, DataContract] = field(default_factory=dict[str, DataContract])
    claims: dict[str, Claim] = field(default_factory=dict[str, Claim])
    grants: dict[str, Grant] = field(default_factory=dict[str, Grant])
    registrations: dict[str, RegistrationPlan] = field(default_factory=dict[str, RegistrationPlan])
    products: dict[str, Product] = field(default_factory=dict[str, Product])
    consents: dict[str, tuple[Origin, Mapping[str, Any]]] = field(
        default_factory=dict[str, tuple[Origin, Mapping[str, Any]]]
    )  # to import, as JSON
    policies: dict[str, UsagePolicy] = field(default_factory=dict[str, UsagePolicy])
    deals: dict[str, Deal] = field(default_factory=dict[str, Deal])
    policy: dict[str, AccountingPolicy] = field(
        default_factory=dict[str, AccountingPolicy]
    )  # by entity
    vouchers: dict[str, Voucher] = field(
        default_factory=dict[str, Voucher]
    )  # by node id, all entities
    balances: dict[str, tuple[Balances, ...]] = field(
        default_factory=dict[str, tuple[Balances, ...]]
    )  # by entity; those of a group under `<head>.group`
    papers: dict[str, tuple[Paper, ...]] = field(
        default_factory=dict[str, tuple[Paper, ...]]
    )  # timesheets and bills, by entity
    allocations: dict[str, Allocation] = field(default_factory=dict[str, Allocation])
    trials: dict[str, tuple[Trial, ...]] = field(
        default_factory=dict[str, tuple[Trial, ...]]
    )  # by entity, the earliest first
    assets: dict[str, AssetCard] = field(default_factory=dict[str, AssetCard])
    revenue: dict[str, RevenueJudgement] = field(
        default_factory=dict[str, RevenueJudgement]
    )  # by product
    subsidies: dict[str, Subsidy] = field(default_factory=dict[str, Subsidy])
    erp: dict[str, ErpForm] = field(default_factory=dict[str, ErpForm])  # by entity
    appraisals: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    financings: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    notes: dict[str, dict[str, dict[str, Said]]] = field(
        default_factory=dict[str, dict[str, dict[str, Said]]]
    )  # by entity, period and item
    files: dict[str, Origin] = field(default_factory=dict[str, Origin])  # every file read, by path
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    places: dict[str, Origin] = field(
        default_factory=dict[str, Origin]
    )  # node id → where, for things without origin
    unread: set[str] = field(
        default_factory=set[str]
    )  # things left out for a fault of their own (`party:x`; `party:*`: no saying which)
