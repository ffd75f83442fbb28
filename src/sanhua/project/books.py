"""The books of an entity: accounting policy, vouchers, balances, assets, appraisals, financings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sanhua.capital.recognise import (
    CONDITIONS,
    AssetCard,
    Condition,
    Progress,
    Route,
    Use,
)
from sanhua.capital.voucher import AccountingPolicy, Balances, Voucher, VoucherLine
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ids import node
from sanhua.kernel.money import CURRENCIES, Money
from sanhua.kernel.time import parse_day
from sanhua.project.costing import hands, load_costing
from sanhua.project.earning import load_earning
from sanhua.project.erp import load_erp
from sanhua.project.grouping import acquired
from sanhua.project.loading import day, rate
from sanhua.project.measurement import judged, judgements, measurement
from sanhua.project.noting import load_notes
from sanhua.project.read import Columns, Items, Keys, Row, Scalar, beancount, plain
from sanhua.project.recognition import read_fulfilment, read_memo

if TYPE_CHECKING:
    from sanhua.project.loading import Loader
    from sanhua.project.model import Entity

VOUCHER_COLUMNS = Columns(
    {
        **{"voucher": "voucher", "凭证号": "voucher", "date": "date", "日期": "date"},
        **{"summary": "summary", "摘要": "summary", "account": "account", "科目编码": "account"},
        **{"debit": "debit", "借方金额": "debit", "credit": "credit", "贷方金额": "credit"},
        **{"currency": "currency", "币种": "currency", "project": "project", "项目": "project"},
        **{"component": "component", "成本构成": "component"},
        **{"phase": "phase", "阶段": "phase", "party": "party", "往来单位": "party"},
        **{
            "evidence": "evidence",
            "附件": "evidence",
            "reverses": "reverses",
            "冲销凭证号": "reverses",
        },
        **{"prepared_by": "prepared_by", "制单人": "prepared_by", "制单": "prepared_by"},
        **{"reviewed_by": "reviewed_by", "审核人": "reviewed_by", "审核": "reviewed_by"},
        **{"posted_by": "posted_by", "记账人": "posted_by", "记账": "posted_by"},
    },
    ("voucher", "date", "summary", "account", "debit", "credit"),
    frozenset({"voucher", "account", "project", "party", "reverses"}),
    frozenset({"debit", "credit"}),
)
BALANCE_COLUMNS = Columns(
    {
        **{"line": "line", "项目": "line", "ending": "ending", "期末余额": "ending"},
        **{"beginning": "beginning", "期初余额": "beginning", "上年年末余额": "beginning"},
    },
    ("line", "ending"),
    frozenset({"line"}),
    frozenset({"ending", "beginning"}),
)
PHASES = ("research", "development", "研究", "开发", "研究阶段", "开发阶段")
_AMOUNT = re.compile(r"-?\d{1,18}(?:\.\d+)?")


def load_books(loader: Loader) -> None:
    """`books/`, or `books/<entity>/` for each entity when there are several."""
    entities = loader.project.settings.entities
    if not entities:
        return
    if len(entities) == 1:
        _Books(loader, entities[0], "books").load()
    else:
        _whose(loader, {entity.id for entity in entities})
    for entity in entities:
        if (loader.folder.root / "books" / entity.id).is_dir():
            _Books(loader, entity, f"books/{entity.id}").load()


def _whose(loader: Loader, entities: set[str]) -> None:
    """With several entities each file belongs to one of them: others would not be read."""
    told: set[str] = set()
    for path in loader.folder.under("books"):
        top = path.split("/")[1]
        if top in entities or path.endswith((".md", ".txt")):
            continue
        loader.read_paths.add(path)
        if top not in told:
            told.add(top)
            known = ", ".join(f"books/{entity}/" for entity in sorted(entities))
            loader.folder.error("books.which-entity", path, 1, value=top, known=known)


class _Books:
    def __init__(self, loader: Loader, entity: Entity, base: str) -> None:
        self.loader, self.folder, self.entity, self.base = loader, loader.folder, entity, base
        self.several = len(loader.project.settings.entities) > 1

    def load(self) -> None:
        self._policy()
        self._vouchers()
        self._balances()
        self._balances("group", f"{self.entity.id}.group")
        load_costing(self.loader, self.entity, self.base)
        self._assets()
        load_earning(self.loader, self.entity, self.base)
        load_erp(self.loader, self.entity, self.base)
        for kind in ("appraisal", "financing"):
            self._kept(kind)
        load_notes(self.loader, self.entity, self.base)

    def _policy(self) -> None:
        path = f"{self.base}/policy.yaml"
        if not self.folder.exists(path):
            return
        found = self.loader.document(path, "books_policy")
        if found is None:
            return
        amortisation = found.keys("amortisation") or Keys({}, 0, 0)
        chart = found.keys("chart") or Keys({}, 0, 0)
        self.loader.project.policy[self.entity.id] = AccountingPolicy(
            self.folder.origin(path, 1),
            {role: chart.words(role) for role in chart.entries},
            amortisation.text("method", "straight_line"),
            rate(amortisation.text("residual", "0%")),
            int(found.text("impairment_test", "12")),
            found.text("inventory_issue", "weighted_average"),
            rate(found.text("vat")) if found.text("vat") else None,
            self._money(found, "materiality"),
            found.flat("expense_lines"),
            amortises=found.text("amortises"),
            amortises_from=day(found, "amortises_from", path),
        )
        for role in chart.entries:
            self.loader.project.places[f"chart:{self.entity.id}/{role}"] = self.folder.origin(
                path, chart.place(role)
            )

    def _money(self, found: Keys, key: str) -> Money | None:
        return Money.parse(found.text(key), self.entity.currency) if found.text(key) else None

    # Vouchers

    def _vouchers(self) -> None:
        numbered: dict[tuple[int, str], Voucher] = {}
        unread = self.loader.project.unread
        for path in self.loader.files(
            f"{self.base}/vouchers", ".csv", ".xlsx", ".beancount", deep=True
        ):
            groups: dict[tuple[int, str], list[Row]] = defaultdict(list)
            for row in self._rows(path):
                made = self._heading(path, row)
                if made is not None:
                    groups[made].append(row)
                else:
                    unread.add(node("voucher", row.text("voucher") or "*"))
            for (year, number), rows in groups.items():
                voucher = self._voucher(path, number, rows)
                if voucher is None:
                    unread.add(node("voucher", number))
                    continue
                other = numbered.get((year, number))
                if other is not None:
                    where = f"{other.path}:{other.lines[0].line}"
                    self.folder.error(
                        "voucher.duplicate-number",
                        path,
                        rows[0],
                        node=node("voucher", number),
                        number=number,
                        other=where,
                    )
                    continue
                numbered[year, number] = voucher
        first_year: dict[str, int] = {}
        for year, number in sorted(numbered):
            first_year.setdefault(number, year)
        by_year = {key: self._id(*key, first_year[key[1]]) for key in numbered}
        for (year, number), voucher in numbered.items():
            reverses = ""
            if voucher.reverses:
                years = [
                    y
                    for y in (year, year - 1, *range(year - 2, year - 10, -1))
                    if (y, voucher.reverses) in by_year
                ]
                if years:
                    reverses = by_year[years[0], voucher.reverses]
                elif not unread & {node("voucher", voucher.reverses), "voucher:*"}:
                    self.folder.error(
                        "ref.voucher",
                        voucher.path,
                        voucher.lines[0].line,
                        node=by_year[year, number],
                        value=voucher.reverses,
                        nearest=_near(voucher.reverses, (n for _, n in numbered)),
                    )
            kept = replace(voucher, id=by_year[year, number], reverses=reverses)
            self.loader.project.vouchers[kept.id] = kept

    def _id(self, year: int, number: str, first: int) -> str:
        key = number if year == first else f"{number}@{year}"
        return node("voucher", f"{self.entity.id}/{key}" if self.several else key)

    def _rows(self, path: str) -> list[Row]:
        if path.endswith(".beancount"):
            text = self.folder.text(path)
            told = self.folder.error, self.folder.warn
            rows = beancount(text, path, *told) if text is not None else None
        else:
            found = (
                self.folder.excel(path, VOUCHER_COLUMNS, ("vouchers", "凭证"))
                if path.endswith(".xlsx")
                else self.folder.csv(path, VOUCHER_COLUMNS)
            )
            rows = found.rows if found else None
        if rows is None:
            self.loader.project.unread.add("voucher:*")
        return rows or []

    def _heading(self, path: str, row: Row) -> tuple[int, str] | None:
        """The fiscal year and number that a row belongs to."""
        for key in ("voucher", "date", "account"):
            if not row.text(key):
                self.folder.error("format.missing-cell", path, row, key=key)
                return None
        written = row.cells["date"]
        try:
            dated = parse_day(written.text)
        except Invalid:
            self.folder.error("format.not-a-day", path, written, key="date", value=written.text)
            return None
        return fiscal_year(dated, self.entity.fiscal_year), row.text("voucher")

    def _voucher(self, path: str, number: str, rows: list[Row]) -> Voucher | None:
        label = node("voucher", number)
        days = {row.text("date") for row in rows}
        if len(days) > 1:
            other = next(row for row in rows if row.text("date") != rows[0].text("date"))
            self.folder.error(
                "voucher.two-dates",
                path,
                other,
                node=label,
                number=number,
                dates=", ".join(sorted(days)),
            )
            return None
        if all(not row.text("summary") for row in rows):
            self.folder.error("format.missing-cell", path, rows[0], key="summary")
        currencies = {row.text("currency") or self.entity.currency for row in rows}
        if len(currencies) > 1:
            first = rows[0].text("currency") or self.entity.currency
            other = next(
                row for row in rows if (row.text("currency") or self.entity.currency) != first
            )
            told = ", ".join(sorted(currencies))
            self.folder.error(
                "voucher.two-currencies", path, other, node=label, number=number, currencies=told
            )
            return None
        currency = currencies.pop()
        if currency not in CURRENCIES:
            place = rows[0].cells.get("currency", rows[0])
            self.folder.error(
                "format.not-a-currency", path, place, node=label, key="currency", value=currency
            )
            return None
        lines = [self._line(path, row, number, currency) for row in rows]
        whole = [line for line in lines if line is not None]
        if len(whole) < len(lines):
            return None
        total = Money.sum((line.amount for line in whole), currency)
        if total:
            self.folder.error(
                "voucher.unbalanced",
                path,
                rows[0],
                node=label,
                number=number,
                difference=total.text,
                lines=len(rows),
            )
            return None
        return Voucher(
            label,
            self.entity_node,
            number,
            parse_day(rows[0].text("date")),
            tuple(whole),
            path,
            self.folder.files[path].sha256,
            next((row.text("reverses") for row in rows if row.text("reverses")), ""),
            (),
            *hands(self.loader, path, label, rows),
        )

    @property
    def entity_node(self) -> str:
        return node("party", self.entity.id)

    def _line(self, path: str, row: Row, number: str, currency: str) -> VoucherLine | None:
        label = node("voucher", number)
        sides: dict[str, Decimal] = {}
        for side in ("debit", "credit"):
            written = row.cells.get(side)
            if written is None:
                continue
            if not _AMOUNT.fullmatch(written.text):
                self.folder.error(
                    "voucher.text-amount",
                    path,
                    written,
                    node=label,
                    number=number,
                    key=side,
                    value=written.text,
                )
                return None
            if len(written.text.partition(".")[2]) > 2:
                self.folder.error(
                    "voucher.too-many-decimals",
                    path,
                    written,
                    node=label,
                    number=number,
                    key=side,
                    value=written.text,
                )
                return None
            if Decimal(written.text):
                sides[side] = Decimal(written.text)
        if len(sides) != 1:
            code = "voucher.both-sides" if sides else "voucher.no-amount"
            self.folder.error(code, path, row, node=label, number=number)
            return None
        ((side, amount),) = sides.items()
        phase = row.text("phase")
        if phase and phase not in PHASES:
            self.folder.error(
                "format.not-one-of",
                path,
                row.cells["phase"],
                node=label,
                key="phase",
                value=phase,
                nearest="research, development",
                known="research, development",
            )
        papers = row.cells.get("evidence")
        names: list[str] = []
        hashes: list[str] = []
        for part in re.split("[;；]", papers.text) if papers else []:
            name = Scalar(part.strip(), row.line, papers.column if papers else 0, True)
            if name.text:
                digest = self.folder.paper(name, path, label)
                if digest:
                    names.append(name.text)
                    hashes.append(digest)
        if row.text("project") and papers is None:
            self.folder.error(
                "voucher.no-evidence",
                path,
                row,
                node=label,
                number=number,
                project=row.text("project"),
            )
        return VoucherLine(
            row.text("account"),
            Money(amount if side == "debit" else -amount, currency),
            row.text("summary"),
            row.line,
            row.text("project"),
            {"研究": "research", "开发": "development"}.get(phase[:2], phase),
            row.text("party"),
            tuple(hashes),
            tuple(names),
            amount < 0,
            row.text("component"),
        )

    # Balances, assets, and what is kept as text

    def _balances(self, folder: str = "balances", key: str = "") -> None:
        """Parent lines by day; those of the group that the entity heads in `group/`."""
        key, found = key or self.entity.id, list[Balances]()
        for path in self.loader.files(f"{self.base}/{folder}", ".csv", ".xlsx"):
            name = PurePosixPath(path).stem
            try:
                dated = parse_day(name)
            except Invalid:
                self.folder.error("format.not-a-day", path, 1, key="balances", value=name)
                continue
            is_csv = path.endswith(".csv")
            rows = (
                self.folder.csv(path, BALANCE_COLUMNS)
                if is_csv
                else self.folder.excel(path, BALANCE_COLUMNS)
            )
            lines: dict[str, tuple[Money | None, Money | None]] = {}
            for row in rows.rows if rows else []:
                amounts = [self._balance(path, row, key) for key in ("ending", "beginning")]
                if not row.text("line"):
                    self.folder.error("format.missing-cell", path, row, key="line")
                elif row.text("line") in lines:
                    self.folder.error(
                        "format.duplicate-key", path, row, key=row.text("line"), first=0
                    )
                else:
                    lines[row.text("line")] = (amounts[0], amounts[1])
                    of = node("balances", f"{key}/{name}/{row.text('line')}")
                    self.loader.project.places[of] = self.folder.origin(path, row)
            found.append(Balances(dated, self.folder.origin(path, 1), lines))
        if found:
            self.loader.project.balances[key] = tuple(sorted(found, key=lambda item: item.on))

    def _balance(self, path: str, row: Row, key: str) -> Money | None:
        written = row.cells.get(key)
        if written is None:
            return None
        if not _AMOUNT.fullmatch(written.text) or len(written.text.partition(".")[2]) > 2:
            self.folder.error("format.not-money", path, written, key=key, value=written.text)
            return None
        return Money(Decimal(written.text), self.entity.currency)

    def _assets(self) -> None:
        for key, path, found in self.loader.documents(f"{self.base}/assets", "asset", "asset"):
            self.loader.typed(path, found, lambda k=key, p=path, f=found: self._asset(k, p, f))

    def _asset(self, key: str, path: str, found: Keys) -> None:
        label = node("asset", key)
        project = found.keys("project") or Keys({}, 0, 0)
        recognition = found.keys("recognition") or Keys({}, 0, 0)
        conditions: dict[str, Condition] = {}
        for name in CONDITIONS:
            condition = recognition.keys(name)
            if condition is not None:
                met = day(condition, "date", path)
                assert met is not None  # required by the schema
                papers = self.folder.evidence(condition.get("evidence"), path, label)
                conditions[name] = Condition(met, papers, recognition.place(name).line)
        progress: list[Progress] = []
        for item in project.items("progress"):
            if isinstance(item, Keys):
                on = day(item, "date", path)
                assert on is not None  # required by the schema
                progress.append(Progress(on, rate(item.text("done")), item.text("by"), item.line))
        card = AssetCard(
            key,
            self.folder.words(found.get("title")) or self.folder.words(Scalar(key, 1, 1)),
            self.entity.id,
            Route(found.text("route")),
            Use(found.text("use")),
            self.folder.origin(path, 1),
            project.words("codes"),
            self._money(project, "budget"),
            day(project, "due", path),
            day(project, "research", path),
            day(project, "development", path),
            tuple(progress),
            conditions,
            judged(recognition.keys("judged"), path),
            found.words("vouchers"),
            self.folder.evidence(found.get("control"), path, label),
            measurement(self.loader, self.entity, found.keys("measurement"), path, label),
            read_memo(self.loader, self.entity, found, path, judged),
            read_fulfilment(self.loader, self.entity, found.keys("fulfilment"), path, judged),
            acquired=acquired(found.keys("acquired_from"), path, self.entity.currency),
            judgements=judgements(self.loader, key, found.keys("measurement"), path),
            products=found.words("products"),
            resources=found.words("resources"),
        )
        self.loader.keep(self.loader.project.assets, key, card, path, found, "asset")

    def _kept(self, kind: str) -> None:
        """Appraisals and financings, as text under their keys, with `id`, `entity` and `origin`
        added.
        """
        kept: dict[str, Any] = (
            self.loader.project.appraisals
            if kind == "appraisal"
            else self.loader.project.financings
        )
        for key, path, found in self.loader.documents(f"{self.base}/{kind}s", kind, kind):
            for name in ("base_date", "from", "through"):
                if name in found:
                    self.loader.typed(path, found, lambda f=found, n=name, p=path: day(f, n, p))
            self.folder.evidence(found.get("evidence"), path, node(kind, key))
            if key in kept:
                other = kept[key]["origin"]
                told = f"{other.path}:{other.line}"
                self.folder.error(
                    "format.duplicate-id", path, found, node=node(kind, key), key=key, other=told
                )
                continue
            origin = self.folder.origin(path, 1)
            kept[key] = {**plain(found), "id": key, "entity": self.entity.id, "origin": origin}


def fiscal_year(dated: date, first: str) -> int:
    """The year in which the fiscal year of `dated` begins on `first` (MM-DD)."""
    month, first_day = int(first[:2]), int(first[3:])
    return dated.year if (dated.month, dated.day) >= (month, first_day) else dated.year - 1


def _near(word: str, known: Iterable[str]) -> str:
    from sanhua.project.read import nearest_or_some

    return nearest_or_some(word, known)


__all__ = ["Items", "fiscal_year", "load_books"]
