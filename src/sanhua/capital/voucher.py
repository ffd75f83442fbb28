"""Vouchers 记账凭证: the ERP's own lines, and the entity's accounting policy that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated

from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import DefinedBy, EvidencedBy, Ref, record


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """`amount`: debit positive, credit negative. `line` is the line (row) of the file."""

    account: str
    amount: Money
    summary: str
    line: int
    project: str = ""
    phase: str = ""
    party: str = ""
    evidence: tuple[EvidencedBy, ...] = ()  # content hashes
    evidence_names: tuple[str, ...] = ()


@record("voucher")
@dataclass(frozen=True, slots=True)
class Voucher:
    """`voucher:2024-03-0120`: the lines of one number balance and share one day and one currency."""

    id: str
    entity: Annotated[str, Ref("booked_by")]
    number: str
    dated: date
    lines: tuple[VoucherLine, ...]
    path: str
    file: DefinedBy
    reverses: Annotated[str, Ref("reverses")] = ""


@dataclass(frozen=True, slots=True)
class AccountingPolicy:
    """`books/policy.yaml`. `chart` maps a role to ERP accounts; a code covers its sub-accounts (`.` or digits below)."""

    origin: Origin
    chart: Mapping[str, tuple[str, ...]]
    amortisation: str = "straight_line"
    residual: Decimal = Decimal()
    impairment_test: int = 12
    inventory_issue: str = "weighted_average"
    vat: Decimal | None = None
    materiality: Money | None = None
    expense_lines: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Balances:
    """`books/balances/<day>.csv`: parent lines that the vouchers here do not cover (line → ending, beginning)."""

    on: date
    origin: Origin
    lines: Mapping[str, tuple[Money | None, Money | None]]


