"""A book as Beancount text, so that an outside program can audit it."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from sanhua.kernel.errors import NotFound
from sanhua.kernel.money import Money
from sanhua.store.schema import entry_line, event, record

# The first digits of an ERP code (企业会计准则) say its class, as does the first word of our roles.
_ROOTS = (
    (r"1|3|5", "Assets"),  # 资产, 共同, 成本 (carried until it is transferred)
    (r"2", "Liabilities"),
    (r"4", "Equity"),
    (r"6[0-3]", "Income"),
    (r"6", "Expenses"),
    (r"(receivable|cash|asset|bank)\b", "Assets"),
    (r"(payable|tax|liability)\b", "Liabilities"),
    (r"(income|revenue)\b", "Income"),
    (r"(expense|cost)\b", "Expenses"),
)


def journal(connection: sa.Connection, book: str) -> str:
    """Accounts with the ERP's own code as `erp`, entries by day, a balance assertion an account."""
    owner = _fields(connection, book)
    entries = connection.execute(
        sa.select(record.c.body)
        .join(event, sa.and_(event.c.node == record.c.id, event.c.version == record.c.seq))
        .where(
            record.c.kind == "entry",
            record.c.id.in_(sa.select(entry_line.c.entry).where(entry_line.c.book == book)),
        )
        .order_by(event.c.seq)
    ).scalars()
    fields = sorted(
        (json.loads(body)["fields"] for body in entries), key=lambda entry: entry["effective_on"]
    )
    codes = sorted({line["account"] for entry in fields for line in entry["lines"]})
    accounts = _accounts(codes)
    currency = owner["currency"]
    first = fields[0]["effective_on"] if fields else "1970-01-01"
    lines = [
        f'option "title" {_quoted(book)}',
        f'option "operating_currency" "{currency}"',
        "",
        f"{first} commodity {currency}",
        "",
    ]
    for code in codes:
        lines += [f"{first} open {accounts[code]} {currency}", f"  erp: {_quoted(code)}"]
    totals = dict.fromkeys(codes, 0)
    for entry in fields:
        lines += ["", f"{entry['effective_on']} * {_quoted(entry['summary'])}"]
        lines += [f"  id: {_quoted(entry['id'])}", f"  source: {_quoted(entry['source'])}"]
        if entry.get("adjusts"):
            lines.append(f"  adjusts: {_quoted(entry['adjusts'])}")
        for line in entry["lines"]:
            totals[line["account"]] += line["amount"]
            lines.append(f"  {accounts[line['account']]}  {_amount(line['amount'], currency)}")
            if line["memo"]:
                lines.append(f"    memo: {_quoted(line['memo'])}")
    if fields:
        day = date.fromisoformat(fields[-1]["effective_on"]) + timedelta(days=1)
        lines.append("")
        lines += [
            f"{day} balance {accounts[code]}  {_amount(totals[code], currency)}" for code in codes
        ]
    return "\n".join(lines) + "\n"


def _fields(connection: sa.Connection, book: str) -> dict[str, Any]:
    found = connection.execute(
        sa.select(record.c.body).where(record.c.id == book, record.c.kind == "book")
    ).scalar()
    if found is None:
        raise NotFound("ledger.no-such-book", book=book)
    return json.loads(found)["fields"]


def _accounts(codes: list[str]) -> dict[str, str]:
    """Code → a legal and unique Beancount account."""
    found: dict[str, str] = {}
    for code in codes:
        root = next((root for start, root in _ROOTS if re.match(start, code)), "Equity")
        part = re.sub(r"[\W_]+", "-", code).strip("-") or "X"
        part = part[0].upper() + part[1:] if part[0].isascii() and part[0].isalpha() else part
        name = f"{root}:{part}" if re.match(r"[A-Z0-9]", part) else f"{root}:X{part}"
        wanted, n = name, 2
        while name in found.values():
            name, n = f"{wanted}-{n}", n + 1
        found[code] = name
    return found


def _amount(fen: int, currency: str) -> str:
    return f"{Money.of_fen(fen).text} {currency}"


def _quoted(text: str) -> str:
    plain = re.sub(r"\s+", " ", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'
