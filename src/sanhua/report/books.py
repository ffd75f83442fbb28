"""Books out: one book of one owner as Beancount text, trial balance 科目余额表, journal 序时账.

The books are never mixed: each file holds one. `bean-check` accepts the text, and it is read back
as vouchers: the ERP's own under their numbers, ours under the numbers that they are proposed by. A
settlement book says no voucher numbers, so that it cannot be taken for the ERP's.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sanhua.capital.voucher import Voucher, VoucherLine
from sanhua.kernel import ids
from sanhua.kernel.ledger import Book, BookKind, Entry, Line
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period

# Beancount's five roots, by our role; else by what a code of 企业会计准则 begins with, and in a
# settlement book by the word before the colon.
ROOT_OF_ROLE = {
    "development_expensed": "Expenses",
    "development_capitalised": "Assets",
    "accumulated_amortisation": "Assets",
    "prior_year_adjustment": "Equity",
    "disposal_result": "Income",
    "other_income": "Income",
    "revenue": "Income",
    "input_tax": "Assets",
    "output_tax": "Liabilities",
    "deferred_income": "Liabilities",
    "contract_liability": "Liabilities",
    "payables": "Liabilities",
    "payroll": "Liabilities",
    "capital": "Equity",
    "capital_reserve": "Equity",
    "contract_cost": "Assets",
}
_ROOTS = (
    (r"1|3|5", "Assets"),  # 资产, 共同, 成本 (carried until it is transferred)
    (r"2", "Liabilities"),
    (r"4|6901", "Equity"),
    (r"6[0-3]", "Income"),
    (r"6", "Expenses"),
    (r"receivable:", "Assets"),
    (r"(payable|tax):", "Liabilities"),
    (r"income:", "Income"),
    (r"share:", "Expenses"),
    (r".*(expense|cost|loss)", "Expenses"),
)
NAMES = {
    "development_expensed": "研发支出—费用化支出",
    "development_capitalised": "研发支出—资本化支出",
    "research_expense": "管理费用—研发费用",
    "data_service_expense": "外购数据服务费",
    "intangible_data": "无形资产—数据资源",
    "accumulated_amortisation": "累计摊销—数据资源",
    "intangible_impairment": "无形资产减值准备—数据资源",
    "inventory_data": "数据资源存货",
    "inventory_provision": "存货跌价准备",
    "amortisation_expense": "摊销费用",
    "impairment_loss": "资产减值损失",
    "cost_of_sales": "主营业务成本",
    "disposal_result": "资产处置损益",
    "lapse_loss": "营业外支出",
    "input_tax": "应交税费—进项税额",
    "output_tax": "应交税费—销项税额",
    "payroll": "应付职工薪酬",
    "payables": "应付账款",
    "receivables": "应收账款",
    "bank": "银行存款",
    "revenue": "主营业务收入",
    "contract_asset": "合同资产",
    "contract_cost": "合同履约成本",
    "contract_liability": "合同负债",
    "deferred_income": "递延收益",
    "other_income": "其他收益",
    "other_receivables": "其他应收款",
    "held_for_sale": "持有待售资产",
    "held_for_sale_provision": "持有待售资产减值准备",
    "long_term_equity": "长期股权投资",
    "prior_year_adjustment": "以前年度损益调整",
    "capital": "实收资本",
    "capital_reserve": "资本公积",
    "development_impairment": "开发支出减值准备",
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account over a period, in minor units, debit positive; `debit` and `credit` are what was
    posted on each side.
    """

    code: str
    role: str
    opening: int
    debit: int
    credit: int

    @property
    def ending(self) -> int:
        return self.opening + self.debit - self.credit


@dataclass(frozen=True, slots=True)
class Bound:
    """One book over a period: what it opened with, its entries, and the vouchers behind them."""

    book: Book
    period: Period
    opening: Mapping[str, int]
    entries: Sequence[Entry]
    vouchers: Mapping[str, Voucher]  # by node
    role_of: Callable[[str], str]

    def lines(self) -> Iterator[tuple[Entry, Line, VoucherLine | None, int, int]]:
        """Every line with the voucher's own that it mirrors and what stands on its debit and its
        credit side: red (红字) is negative on the side that it takes back.
        """
        for entry in self.entries:
            voucher = self.vouchers.get(entry.source)
            whole = voucher is not None and len(voucher.lines) == len(entry.lines)
            bill = is_red(entry)
            for at, line in enumerate(entry.lines):
                said = voucher.lines[at] if voucher is not None and whole else None
                red = said.red if said else bill
                if (line.amount > 0) is not red:
                    yield entry, line, said, line.amount, 0
                else:
                    yield entry, line, said, 0, -line.amount

    def accounts(self) -> list[Account]:
        """Every account that has a balance or moved, by code."""
        debit: dict[str, int] = {}
        credit: dict[str, int] = {}
        for _, line, _, left, right in self.lines():
            debit[line.account] = debit.get(line.account, 0) + left
            credit[line.account] = credit.get(line.account, 0) + right
        held = {code for code, fen in self.opening.items() if fen}
        return [
            Account(
                code, self.role_of(code), self.opening.get(code, 0), debit.get(code, 0),
                credit.get(code, 0),
            )
            for code in sorted({*held, *debit})
        ]  # fmt: skip

    def ties(self, kept: Mapping[str, Money]) -> list[dict[str, Any]]:
        """What must hold of a trial balance; `kept` are the ledger's own balances at the end."""
        found = self.accounts()
        opening, ending = sum(a.opening for a in found), sum(a.ending for a in found)
        debit, credit = sum(a.debit for a in found), sum(a.credit for a in found)
        ended = {a.code: a.ending for a in found}
        apart = [code for code, amount in kept.items() if amount.fen != ended.get(code, 0)]
        return [
            _tie("tie.opening-balances", opening, 0),
            _tie("tie.debit-is-credit", debit, credit),
            _tie("tie.ending-balances", ending, 0),
            {"code": "tie.opening-and-movement-is-ending", "ok": not apart, "accounts": apart},
        ]


def _tie(code: str, left: int, right: int) -> dict[str, Any]:
    said = {"left": Money.of_fen(left).text, "right": Money.of_fen(right).text}
    return {"code": code, "ok": left == right, **said}


def is_red(entry: Entry) -> bool:
    """Whether it takes back what its like say (红字): a credit note and its shares."""
    return entry.source.startswith(("inv_", "set_")) and entry.lines[0].amount < 0


def number_of(entry: Entry) -> str:
    """The number that an entry is proposed to the ERP by: its day and its own, so that a later file
    of the year does not use it again.
    """
    return f"P{entry.effective_on}-{entry.id[-6:]}"


# Beancount


def beancount(bound: Bound) -> str:
    """The book from the period's opening balances to its last day, with what each account must hold
    then.
    """
    book, period, currency = bound.book, bound.period, bound.book.currency
    accounts = bound.accounts()
    named = _named([account.code for account in accounts], bound.role_of)
    lines = [
        f'option "title" {_quoted(book.id)}',
        f'option "operating_currency" "{currency}"',
        "",
        f"{period.starts_on} commodity {currency}",
        "",
    ]
    for one in accounts:
        lines += [f"{period.starts_on} open {named[one.code]} {currency}"]
        lines += [f"  erp: {_quoted(one.code)}"]
        lines += [f"  role: {_quoted(one.role)}"] if one.role else []
    if any(one.opening for one in accounts):
        lines += ["", f'{period.starts_on} S "期初余额 opening balances"']
        lines += [
            f"  {named[one.code]}  {_amount(one.opening, currency)}"
            for one in accounts
            if one.opening
        ]
    for entry in bound.entries:
        lines += ["", *_transaction(bound, entry, named)]
    if accounts:
        lines.append("")
    lines += [
        f"{period.ends_on} balance {named[one.code]}  {_amount(one.ending, currency)}"
        for one in accounts
    ]
    return "\n".join(lines) + "\n"


def _transaction(bound: Bound, entry: Entry, named: Mapping[str, str]) -> list[str]:
    voucher = bound.vouchers.get(entry.source)
    lines = [f"{entry.effective_on} * {_quoted(entry.summary)}"]
    if bound.book.kind is BookKind.ENTITY:
        number = voucher.number if voucher else number_of(entry)
        lines.append(f"  voucher: {_quoted(number)}")
        if voucher and voucher.reverses:
            reversed_ = bound.vouchers.get(voucher.reverses)
            told = reversed_.number if reversed_ else ids.key_of(voucher.reverses)
            lines.append(f"  reverses: {_quoted(told)}")
    lines += [f"  id: {_quoted(entry.id)}", f"  source: {_quoted(entry.source)}"]
    if entry.adjusts:
        lines.append(f"  adjusts: {_quoted(entry.adjusts)}")
    for at, line in enumerate(entry.lines):
        said = voucher.lines[at] if voucher and len(voucher.lines) == len(entry.lines) else None
        lines.append(f"  {named[line.account]}  {_amount(line.amount, bound.book.currency)}")
        if named[line.account].rpartition(":")[2].replace("-", ".") != line.account:
            lines.append(f"    account: {_quoted(line.account)}")
        meta = {"memo": line.memo} if said is None else {"summary": said.summary}
        meta |= {"party": entry.party} if said is None else {}
        if said is not None:
            meta |= {"project": said.project, "phase": said.phase, "party": said.party}
            meta |= {"evidence": ";".join(said.evidence_names)}
            meta |= {"content": ";".join(said.evidence)}
        lines += [f"    {key}: {_quoted(value)}" for key, value in meta.items() if value]
    return lines


def root_of(code: str, role: str) -> str:
    """Assets, Liabilities, Equity, Income or Expenses."""
    if role in ROOT_OF_ROLE:
        return ROOT_OF_ROLE[role]
    return next((root for start, root in _ROOTS if re.match(start, code)), "Equity")


def _named(codes: Iterable[str], role_of: Callable[[str], str]) -> dict[str, str]:
    """Code → a legal and unique Beancount account."""
    found: dict[str, str] = {}
    for code in codes:
        part = re.sub(r"[\W_]+", "-", code).strip("-") or "X"
        part = part[0].upper() + part[1:] if part[0].isascii() and part[0].isalpha() else part
        part = part if re.match(r"[A-Z0-9]", part) else f"X{part}"
        wanted = name = f"{root_of(code, role_of(code))}:{part}"
        n = 2
        while name in found.values():
            name, n = f"{wanted}-{n}", n + 1
        found[code] = name
    return found


def _amount(fen: int, currency: str) -> str:
    return f"{Money.of_fen(fen).text} {currency}"


def _quoted(text: str) -> str:
    plain = re.sub(r"\s+", " ", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


# Tables


TRIAL = ("account", "name", "opening_debit", "opening_credit", "debit", "credit",
         "ending_debit", "ending_credit")  # fmt: skip
TRIAL_ZH = ("科目编码", "科目名称", "期初借方", "期初贷方", "本期借方", "本期贷方", "期末借方",
            "期末贷方")  # fmt: skip
JOURNAL = ("date", "voucher", "summary", "account", "name", "debit", "credit", "party", "source",
           "entry")  # fmt: skip
JOURNAL_ZH = ("日期", "凭证号", "摘要", "科目编码", "科目名称", "借方金额", "贷方金额", "往来单位",
              "依据", "分录")  # fmt: skip


def trial_balance(bound: Bound) -> list[dict[str, str]]:
    """A row an account, and the sums."""
    found = bound.accounts()
    rows = [_row(one.code, NAMES.get(one.role, ""), [one]) for one in found]
    return [*rows, _row("合计", "total", found)]


def _row(code: str, name: str, of: Sequence[Account]) -> dict[str, str]:
    sides = [
        sum(max(one.opening, 0) for one in of),
        sum(max(-one.opening, 0) for one in of),
        sum(one.debit for one in of),
        sum(one.credit for one in of),
        sum(max(one.ending, 0) for one in of),
        sum(max(-one.ending, 0) for one in of),
    ]
    amounts = [Money.of_fen(fen).text for fen in sides]
    return dict(zip(TRIAL, (code, name, *amounts), strict=True))


def journal(bound: Bound) -> list[dict[str, str]]:
    """A row a line, in the order of days and of posting."""
    rows: list[dict[str, str]] = []
    for entry, line, said, debit, credit in bound.lines():
        voucher = bound.vouchers.get(entry.source)
        rows.append(
            {
                "date": entry.effective_on.isoformat(),
                "voucher": voucher.number if voucher else number_of(entry),
                "summary": said.summary if said else entry.summary,
                "account": line.account,
                "name": NAMES.get(bound.role_of(line.account), ""),
                "debit": Money.of_fen(debit).text if debit else "",
                "credit": Money.of_fen(credit).text if credit else "",
                "party": said.party if said else entry.party,
                "source": entry.source,
                "entry": entry.id,
            }
        )
    return rows


def write_text(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """The file, replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding=encoding, newline="")
    part.replace(path)
    return path


def as_csv(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV text; a cell that a spreadsheet would take for a formula is led by an apostrophe."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(heading)
    writer.writerows(
        [f"'{cell}" if cell[:1] in "=+@" and cell[:1] else cell for cell in row] for row in rows
    )
    return buffer.getvalue()
