"""Vouchers 记账凭证: the ERP's own lines, and the entity's accounting policy that reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated

from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import ADDED, DefinedBy, EvidencedBy, Ref, record

ROLES = (
    "development_expensed",  # 研发支出—费用化支出
    "development_capitalised",  # 研发支出—资本化支出
    "research_expense",  # 管理费用—研发费用
    "data_service_expense",  # bought-in data services that are no asset
    "intangible_data",  # 无形资产—数据资源
    "accumulated_amortisation",  # 累计摊销—数据资源
    "intangible_impairment",  # 无形资产减值准备—数据资源
    "inventory_data",  # 数据资源存货
    "inventory_provision",  # 存货跌价准备
    "shared_cost",  # 待分摊费用: a pool that allocations divide over projects
    "amortisation_expense",
    "impairment_loss",  # 资产减值损失
    "cost_of_sales",  # 主营业务成本
    "disposal_result",  # 资产处置损益
    "lapse_loss",  # 营业外支出
    "input_tax",
    "output_tax",
    "payroll",
    "payables",
    "receivables",
    "bank",
    "revenue",
    "contract_asset",  # 合同资产
    "contract_cost",  # 合同履约成本
    "contract_cost_provision",  # 合同履约成本减值准备
    "contract_liability",  # 合同负债
    "deferred_income",  # 递延收益
    "other_income",  # 其他收益
    "other_receivables",  # 其他应收款
    "held_for_sale",  # 持有待售资产
    "held_for_sale_provision",  # 持有待售资产减值准备
    "long_term_equity",  # 长期股权投资
    "prior_year_adjustment",  # 以前年度损益调整
    "capital",  # 实收资本
    "capital_reserve",  # 资本公积
    "development_impairment",  # 开发支出减值准备
)


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """`amount`: debit positive, credit negative. `line` is the line (row) of the file; `red` 红字:
    written as a negative amount on the other side.
    """

    account: str
    amount: Money
    summary: str
    line: int
    project: str = ""
    phase: str = ""
    party: str = ""
    evidence: tuple[EvidencedBy, ...] = ()  # content hashes
    evidence_names: tuple[str, ...] = ()
    red: bool = False
    component: Annotated[str, ADDED] = ""  # 成本构成


@record("voucher")
@dataclass(frozen=True, slots=True)
class Voucher:
    """`voucher:2024-03-0120`: the lines of one number balance and share a day and a currency.

    制单人, 审核人, 记账人 are people of parties.yaml: whoever prepares does not review.
    """

    id: str
    entity: Annotated[str, Ref("booked_by")]
    number: str
    dated: date
    lines: tuple[VoucherLine, ...]
    path: str
    file: DefinedBy
    reverses: Annotated[str, Ref("reverses")] = ""
    confirms: tuple[Annotated[str, Ref("confirms")], ...] = ()  # entries of closes that it books
    prepared_by: Annotated[str, Ref("prepared_by"), ADDED] = ""
    reviewed_by: Annotated[str, Ref("reviewed_by"), ADDED] = ""
    posted_by: Annotated[str, Ref("entered_by"), ADDED] = ""


@dataclass(frozen=True, slots=True)
class AccountingPolicy:
    """`books/policy.yaml`. `chart` maps a role to ERP accounts.

    A code covers its sub-accounts (`.` or digits below).
    """

    origin: Origin
    chart: Mapping[str, tuple[str, ...]]
    amortisation: str = "straight_line"
    residual: Decimal = Decimal()
    impairment_test: int = 12
    inventory_issue: str = "weighted_average"
    vat: Decimal | None = None
    materiality: Money | None = None
    expense_lines: Mapping[str, str] = field(default_factory=dict[str, str])
    accounts: Mapping[str, Account] = field(default_factory=dict[str, "Account"])
    amortises: str = ""  # sanhua | erp: who books amortisation; whoever is first when empty
    amortises_from: date | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A line of `books/chart.csv` 会计科目表; `side` is debit, credit or empty."""

    code: str
    name: str
    origin: Origin
    side: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Balances:
    """`books/balances/<day>.csv`: parent lines that the vouchers here do not cover.

    A line maps to its ending and beginning.
    """

    on: date
    origin: Origin
    lines: Mapping[str, tuple[Money | None, Money | None]]


def account_of(policy: AccountingPolicy, role: str) -> str:
    """The ERP account of `role`, or the role's own name when the chart does not map it."""
    accounts = policy.chart.get(role, ())
    return accounts[0] if accounts else role


def role_of(policy: AccountingPolicy, account: str) -> str:
    """The role whose code covers `account` most closely; empty when none does."""
    found = ""
    longest = 0
    for role, codes in policy.chart.items():
        for code in codes:
            if len(code) > longest and covers(code, account):
                found, longest = role, len(code)
    return found


def covers(code: str, account: str) -> bool:
    """Whether `account` is `code` or one of its sub-accounts."""
    rest = account.removeprefix(code)
    return account.startswith(code) and (not rest or rest[0] == "." or rest.isdigit())


def book_vouchers(uow: Uow, vouchers: Iterable[Voucher]) -> int:
    """Keep the ERP's vouchers as they stand; how many were new or changed."""
    return sum(
        uow.add(voucher, "voucher.booked", effective_on=voucher.dated) is not None
        for voucher in vouchers
    )
