"""The disclosure as a workbook (XLSX) with live formulas.

Sheets: 资产负债表, 表A, 表B, 附注, 明细 (a verdict a line of a voucher), 变动 (every movement of a
layer), 勾稽, 合并抵销 (of a group) and 说明. Leaves add up the movements, totals and ties add up
cells; the values kept in the file are those of the figures. The same disclosure gives the same
bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from sanhua import __version__
from sanhua.capital.disclose import (
    LINE_LAYERS,
    Disclosure,
    Row,
    State,
    Table,
    Tie,
    row_of,
    sign_of,
)
from sanhua.capital.measure import Kind, Layer
from sanhua.capital.note import Cell, Item
from sanhua.capital.recognise import AssetEntry, Outcome, Verdict
from sanhua.kernel.messages import render
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period
from sanhua.report.disclosure.content import (
    LABELS,
    PARTS,
    SCOPES,
    STATUSES,
    TAGS,
    Issue,
    statement,
)

BALANCE, NOTES, DETAIL, MOVES, TIES = "资产负债表", "附注", "明细", "变动", "勾稽"
PRIOR = " 上期"  # after the name of a table: its comparatives
GROUP, ABOUT = "合并抵销", "说明"
TABLES = {"A": "表A 无形资产", "B": "表B 存货"}
STATES = {state: f"{label.zh} {label.en}" for state, label in LABELS.items()}
OUTCOMES = {
    Outcome.CAPITALISED: "资本化 capitalised",
    Outcome.EXPENSED: "费用化 expensed",
    Outcome.WAITING: "待定 waiting",
    Outcome.REFUSED: "拒绝 refused",
}
KINDS = {
    Kind.SPENT: "开发支出 spent",
    Kind.TRANSFERRED: "转入无形资产 transferred",
    Kind.PURCHASED: "购入 purchased",
    Kind.DEVELOPED: "内部研发 developed",
    Kind.PROCESSED: "采集加工 processed",
    Kind.OTHER_IN: "其他增加 other increase",
    Kind.CHARGED: "计提 charged",
    Kind.REVERSED: "转回 reversed",
    Kind.DISPOSED: "处置 disposed of",
    Kind.LAPSED: "失效且终止确认 lapsed",
    Kind.SOLD: "出售 sold",
    Kind.OTHER_OUT: "其他减少 other decrease",
    Kind.OPENING: "期初结转 opening",
    Kind.CONTRIBUTED: "作价出资 contributed",
    Kind.CONTRIBUTED_IN_GROUP: "同一控制下作价出资 contributed in the group",
    Kind.HELD: "划分为持有待售 held for sale",
    Kind.RETURNED: "不再划分为持有待售 no longer held for sale",
    Kind.CORRECTED: "更正 corrected",
}
FONT = "Microsoft YaHei"
NOTE_COLUMNS = 9  # of the sheet of notes: eight of a form, and the figures
NO_ADVICE = "不构成法律、会计、税务或评估意见 no legal, accounting, tax or appraisal advice"
TOP = 5  # the first row of a sheet's table, below title, subtitle and state


def workbook(shown: Disclosure, issue: Issue | None = None) -> bytes:
    """The workbook's bytes."""
    buffer = io.BytesIO()
    as_written = {"strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(buffer, {"in_memory": True} | as_written)
    book.set_properties(
        {
            "title": f"数据资源列示与披露 {shown.entity} {shown.period.id}",
            "comments": f"sanhua {__version__} · {STATES[shown.state]}",
            "created": datetime.combine(shown.period.through, time(), UTC),
        }
    )
    book.set_calc_mode("auto")
    _Book(book, shown, issue or Issue()).write()
    book.close()
    return buffer.getvalue()


@dataclass
class _Book:
    """One workbook being written; `at` remembers the cell of every figure."""

    book: Any
    shown: Disclosure
    issue: Issue
    at: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])

    def write(self) -> None:
        self.formats = self._formats()
        names = [BALANCE, *TABLES.values()]
        names += [f"{TABLES[name]}{PRIOR}" for name in self.shown.comparatives]
        names += [NOTES, DETAIL, MOVES, TIES]
        names += [GROUP, ABOUT] if self.shown.eliminations else [ABOUT]
        self.sheets = {name: self.book.add_worksheet(name) for name in names}
        self.move_rows = self._moves()
        self._names()
        for table in self.shown.tables.values():
            self._table(table, self.shown.period)
        for table in self.shown.comparatives.values():
            assert self.shown.comparative is not None
            self._table(table, self.shown.comparative, prior=True)
        self._balance_sheet()
        self._notes()
        self._detail()
        self._ties()
        self._group()
        self._about()
        self.sheets[BALANCE].activate()

    def _formats(self) -> dict[str, Any]:
        base = {"font_name": FONT, "font_size": 10, "valign": "vcenter"}
        box = base | {"border": 1, "border_color": "#BFBFBF"}
        plain = '#,##0.00;[Red]-#,##0.00;"—"'
        amount = box | {"num_format": plain, "align": "right", "indent": 1}
        state = {"font_color": "#C00000" if self.shown.state is State.DRAFT else "#00703C"}
        kinds: dict[str, dict[str, Any]] = {
            "title": base | {"bold": True, "font_size": 14},
            "note": base | {"font_color": "#595959", "font_size": 9},
            "state": base | state | {"bold": True, "font_size": 14, "align": "right"},
            "head": box
            | {"bold": True, "align": "center", "text_wrap": True, "bg_color": "#DDEBF7"},
            "text": box | {"text_wrap": True},
            "id": box | {"font_color": "#7F7F7F", "font_size": 8, "text_wrap": True},
            "heading": box | {"bold": True, "bg_color": "#F2F2F2"},
            "sub": box | {"indent": 1},
            "part": box | {"indent": 2},
            "day": box | {"num_format": "yyyy-mm-dd", "align": "center"},
            "centre": box | {"align": "center"},
            "amount": amount,
            "input": amount | {"font_color": "#1F4E79"},
            "total": amount | {"bold": True},
            "total_text": box | {"bold": True},
            "wanting": box | {"text_wrap": True, "font_color": "#C00000"},
        }
        return {name: self.book.add_format(kind) for name, kind in kinds.items()}

    def _open(
        self, sheet_name: str, title: str, widths: Sequence[float], heads: Sequence[str]
    ) -> Any:
        """Title, entity and period, state, column heads; A4 landscape, one page wide."""
        sheet, shown, last = self.sheets[sheet_name], self.shown, len(widths) - 1
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.write(0, 0, title, self.formats["title"])
        sheet.write(0, last, STATES[shown.state], self.formats["state"])
        first, through = shown.period.starts_on, shown.period.through
        scope, name = SCOPES[shown.scope], self.issue.name or shown.title.zh
        told = f"{name}（{scope.zh}）    {first} 至 {through}    单位：{shown.currency} 元"
        english = f"{self.issue.name or shown.title.say('en')} ({scope.en}), {first} to {through}"
        sheet.write(1, 0, told, self.formats["note"])
        sheet.write(2, 0, f"{english}, amounts in {shown.currency}", self.formats["note"])
        root = f"    检查点 checkpoint {self.issue.root}" if self.issue.root else ""
        sheet.write(3, 0, f"{NO_ADVICE}{root}", self.formats["note"])
        sheet.set_row(TOP - 1, 32)
        for column, head in enumerate(heads):
            sheet.write(TOP - 1, column, head, self.formats["head"])
        sheet.freeze_panes(TOP, 0)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, TOP - 1)
        sheet.set_footer(
            f"&L{shown.entity} {shown.period.id} · {sheet_name}&C&P / &N&Rsanhua {__version__}"
        )
        return sheet

    def _put(self, name: str, key: tuple[str, ...], row: int, column: int) -> None:
        self.at[key] = f"'{name}'!{xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)}"

    def _formula(
        self, sheet: Any, row: int, column: int, formula: str, value: Money, style: str
    ) -> None:
        sheet.write_formula(row, column, f"={formula}", self.formats[style], _number(value))

    # Movements: what every formula adds up

    def _moves(self) -> int:
        heads = (
            *("日期\nDate", "资产\nAsset", "取得方式\nRoute", "层\nLayer", "行\nRow"),
            *("金额（增加为正）\nAmount", "来源\nSource", "说明\nKind"),
        )
        sheet = self._open(MOVES, "变动 Movements", (12, 26, 16, 22, 30, 18, 28, 26), heads)
        row = TOP
        for carrying in self.shown.carryings:
            for move in carrying.movements:
                if move.day >= self.shown.period.ends_on:
                    continue
                place = row_of(move)
                layer = f"{place[0]}.{place[1]}" if place else move.layer.value
                sheet.write_datetime(row, 0, _moment(move.day), self.formats["day"])
                sheet.write(row, 1, carrying.asset, self.formats["text"])
                sheet.write(row, 2, carrying.route.value, self.formats["centre"])
                sheet.write(row, 3, layer, self.formats["text"])
                sheet.write(row, 4, f"{place[0]}.{place[2]}" if place else "", self.formats["text"])
                sheet.write(row, 5, _number(move.amount), self.formats["input"])
                sheet.write(row, 6, move.source, self.formats["text"])
                sheet.write(row, 7, KINDS[move.kind], self.formats["text"])
                row += 1
        if row == TOP:
            sheet.write(row, 0, "（无）none", self.formats["text"])
            row += 1
        sheet.autofilter(TOP - 1, 0, row - 1, 7)
        return row

    def _names(self) -> None:
        for name, column in (
            *(("mv_day", "A"), ("mv_asset", "B"), ("mv_route", "C"), ("mv_layer", "D")),
            *(("mv_row", "E"), ("mv_amount", "F")),
        ):
            area = f"='{MOVES}'!${column}${TOP + 1}:${column}${self.move_rows}"
            self.book.define_name(name, area)

    def _layer(self, layer: str, before: date, route: str = "", asset: str = "") -> str:
        """What a layer holds at the start of a day."""
        of_route = f',mv_route,"{route}"' if route else ""
        of_route += f',mv_asset,"{asset}"' if asset else ""
        return f'SUMIFS(mv_amount,mv_layer,"{layer}"{of_route},mv_day,"<"&{_day(before)})'

    def _line(self, line: str, before: date, asset: str = "") -> str:
        terms: list[str] = []
        for layer, sign in LINE_LAYERS[line].items():
            held = self._layer(_LAYER_NAMES[layer], before, asset=asset)
            terms.append(f"{'+' if sign > 0 else '-'}{held}")
        return f"ROUND({''.join(terms).lstrip('+')},2)"

    # Statement and tables

    def _balance_sheet(self) -> None:
        shown = self.shown
        heads = (
            *("项目", "Item", f"期末余额\n{shown.period.through}"),
            f"上年年末余额\n{date.fromordinal(shown.beginning.toordinal() - 1)}",
            "图号（可逐层打开）\nFigure",
        )
        title = "资产负债表列示「其中：数据资源」 Balance sheet"
        sheet = self._open(BALANCE, title, (26, 40, 20, 20, 62), heads)
        row = TOP
        for line in shown.lines:
            sheet.write(row, 0, line.label.zh, self.formats["heading"])
            sheet.write(row, 1, line.label.en, self.formats["heading"])
            for column, (key, amount) in enumerate(
                (("ending", line.parent_ending), ("beginning", line.parent_beginning)), 2
            ):
                self._put(BALANCE, (line.id, key), row, column)
                if amount is None:
                    sheet.write(row, column, "未提供 not given", self.formats["centre"])
                else:
                    sheet.write(row, column, _number(amount), self.formats["input"])
            sheet.write(row, 4, "", self.formats["id"])
            row += 1
            sheet.write(row, 0, line.sub_label.zh.partition("—")[2], self.formats["sub"])
            sheet.write(row, 1, line.sub_label.en.partition(", ")[2], self.formats["sub"])
            table = {"intangible": "A", "inventory": "B"}.get(line.id)
            ending = self._line(line.id, shown.period.ends_on)
            if table:
                ending = self.at[(table, "carrying.closing", "total")]
            self._formula(sheet, row, 2, ending, line.ending, "total")
            beginning = self._line(line.id, shown.beginning)
            self._formula(sheet, row, 3, beginning, line.beginning, "total")
            for column, key in ((2, "ending"), (3, "beginning")):
                self._put(BALANCE, (f"{line.id}.data", key), row, column)
            figure = f"figure:{shown.entity}/balance_sheet/{line.id}.data/ending/{shown.period.id}"
            sheet.write(row, 4, figure, self.formats["id"])
            row += 1
        for diagnostic in shown.diagnostics:
            row += 1
            for language in ("zh", "en"):
                told = diagnostic.message(language)
                sheet.write(row, 0, f"※ {told}", self.formats["note"])
                row += 1

    def _table(self, table: Table, period: Period, *, prior: bool = False) -> None:
        name = TABLES[table.id] + (PRIOR if prior else "")
        heads = ("项目", "Item", *(f"{text.zh}\n{text.en}" for _, text in table.columns))
        widths = (28, 30, *(24 for _ in table.columns))
        what = {"A": ("无形资产", "intangible assets"), "B": ("存货", "inventories")}[table.id]
        title = f"表{table.id} 确认为{what[0]}的数据资源 Data resources recognised as {what[1]}"
        if prior:
            title = f"{title}：上期比较数 comparatives {period.id}"
        sheet = self._open(name, title, widths, heads)
        key = f"{table.id}{PRIOR if prior else ''}"
        rows = {row.id: TOP + index for index, row in enumerate(table.rows)}
        columns = {column: 2 + index for index, (column, _) in enumerate(table.columns)}
        for row in table.rows:
            for column in columns:
                self._put(name, (key, row.id, column), rows[row.id], columns[column])
        for row in table.rows:
            style = "heading" if row.heading else "part" if row.part_of else "sub"
            sheet.write(rows[row.id], 0, row.label.zh, self.formats[style])
            sheet.write(rows[row.id], 1, row.label.en, self.formats[style])
            for column, where in columns.items():
                if row.heading:
                    sheet.write_blank(rows[row.id], where, None, self.formats["heading"])
                    continue
                formula = self._cell(table, row, column, period, key)
                total = column == "total" or row.layer == "carrying" or "closing" in row.id
                amount = table.amount(row.id, column)
                style = "total" if total else "amount"
                self._formula(sheet, rows[row.id], where, formula, amount, style)

    def _cell(self, table: Table, row: Row, column: str, period: Period, key: str) -> str:
        def at(other: str, of: str = column) -> str:
            return self.at[(key, other, of)].rpartition("!")[2].replace("$", "")

        if column == "total":
            routes = [other for other, _ in table.columns if other != "total"]
            return f"SUM({at(row.id, routes[0])}:{at(row.id, routes[-1])})"
        layers = list(dict.fromkeys(r.layer for r in table.rows if r.layer != "carrying"))
        what = row.id.rpartition(".")[2]
        if row.layer == "carrying":
            first, *rest = (at(f"{layer}.{what}") for layer in layers)
            return f"ROUND({first}{''.join(f'-{cell}' for cell in rest)},2)"
        if what == "closing":
            opening, up, down = (
                at(f"{row.layer}.{w}") for w in ("opening", "increase", "decrease")
            )
            return f"ROUND({opening}+{up}-{down},2)"
        if parts := [other.id for other in table.rows if other.part_of == row.id]:
            return f"SUM({at(parts[0])}:{at(parts[-1])})"
        if what == "opening":
            start = period.starts_on
            return f"ROUND({self._layer(f'{table.id}.{row.layer}', start, column)},2)"
        sign = "-" if sign_of(row.id) < 0 else ""
        return (
            f'ROUND({sign}SUMIFS(mv_amount,mv_row,"{table.id}.{row.id}",mv_route,"{column}",'
            f'mv_day,">="&{_day(period.starts_on)},mv_day,"<"&{_day(period.ends_on)}),2)'
        )

    # Notes

    def _notes(self) -> None:
        heads = ("附注\nNote", *("" for _ in range(NOTE_COLUMNS - 2)), "图号\nFigures")
        widths = (28, *(16 for _ in range(NOTE_COLUMNS - 2)), 38)
        sheet = self._open(NOTES, "附注：其他应当披露与自愿披露的项目 Notes", widths, heads)
        last, row = NOTE_COLUMNS - 1, TOP
        for number, item in enumerate(self.shown.notes, 1):
            status = STATUSES[item.status]
            part = PARTS[item.part]
            title = f"{number}. {item.label.zh}  {item.label.en}"
            sheet.merge_range(row, 0, row, last - 1, title, self.formats["heading"])
            kind = "应当披露 mandatory" if item.mandatory else "自愿 voluntary"
            cite = f"[{item.rule.tag}] {item.rule.number} {item.rule.clause}"
            marked = f"{status.zh} {status.en} · {kind} · {part.zh} · {cite}"
            sheet.write(row, last, marked, self.formats["id"])
            sheet.set_row(row, 26)
            row += 1
            for told in item.told:
                row = self._words(sheet, row, f"{told.zh}\n{told.en}", "text")
            if item.rows:
                for column, head in enumerate(item.columns):
                    sheet.write(row, column, f"{head.zh}\n{head.say('en')}", self.formats["head"])
                sheet.set_row(row, 42)
                row += 1
            for cells in item.rows:
                for column, cell in enumerate(cells):
                    if cell.amount is None:
                        sheet.write_string(row, column, cell.text.say("zh"), self.formats["text"])
                    else:
                        self._noted(sheet, row, column, item, cell)
                figures = "\n".join(cell.figure for cell in cells if cell.figure and cell.amount)
                sheet.write_string(row, last, figures, self.formats["id"])
                longest = max(_lines(cell.text.say("zh"), 7) for cell in cells)
                sheet.set_row(row, 14 * max(longest, figures.count("\n") * 2 + 2, 1) + 4)
                row += 1
            if item.said:
                by = f"—— {self.issue.named(item.said.by)} {item.said.date} {item.said.origin.path}"
                row = self._words(sheet, row, f"{item.said.text.say('zh')}\n{by}", "text")
            if item.wanted:
                wanted = f"未填：{item.wanted.zh}  Not filled: {item.wanted.en}"
                row = self._words(sheet, row, wanted, "wanting")
            row += 1

    def _words(self, sheet: Any, row: int, text: str, style: str) -> int:
        """A paragraph across the sheet; the row after it."""
        sheet.merge_range(row, 0, row, NOTE_COLUMNS - 2, "", self.formats[style])
        sheet.write_string(row, 0, text, self.formats[style])
        sheet.set_row(row, 14 * _lines(text, 66) + 4)
        return row + 1

    def _noted(self, sheet: Any, row: int, column: int, item: Item, cell: Cell) -> None:
        """An amount of a note: what one asset is carried at is added up, the rest is written."""
        assert cell.amount is not None
        figure = self.shown.figures.get(cell.figure)
        of = figure.recognised_in if figure else ()
        line = item.id.partition("_")[0]
        if len(of) == 1 and line in LINE_LAYERS and cell.figure.split("/")[-2] == "carrying":
            formula = self._line(line, self.shown.period.ends_on, of[0])
            self._formula(sheet, row, column, formula, cell.amount, "amount")
        else:
            sheet.write(row, column, _number(cell.amount), self.formats["input"])

    # Verdicts

    def _detail(self) -> None:
        heads = (
            *("资产\nAsset", "凭证\nVoucher", "日期\nDate", "摘要\nSummary", "科目\nAccount"),
            *("金额\nAmount", "结论\nVerdict", "资产科目\nAsset account", "理由\nReason"),
            *("依据\nClause", "位置\nPlace"),
        )
        widths = (20, 21, 12, 24, 10, 17, 18, 11, 44, 28, 24)
        sheet = self._open(DETAIL, "明细：逐行判定 Verdict on each line", widths, heads)
        row = TOP
        for entry in self.shown.entries:
            for verdict in entry.verdicts:
                if verdict.dated >= self.shown.period.ends_on:
                    continue
                reason = render(verdict.code, _facts(entry, verdict), "zh")[0]
                place = f"{verdict.path}:{verdict.line}"
                style = self.formats
                sheet.write(row, 0, entry.id, style["text"])
                sheet.write(row, 1, verdict.voucher, style["text"])
                sheet.write_datetime(row, 2, _moment(verdict.dated), style["day"])
                sheet.write(row, 3, verdict.summary, style["text"])
                sheet.write_string(row, 4, verdict.account, style["centre"])
                if verdict.amount.currency == self.shown.currency:
                    sheet.write(row, 5, _number(verdict.amount), style["input"])
                else:
                    sheet.write(row, 5, str(verdict.amount), style["text"])
                sheet.write(row, 6, OUTCOMES[verdict.outcome], style["centre"])
                sheet.write(row, 7, "是" if verdict.on_asset_account else "否", style["centre"])
                sheet.write(row, 8, f"{reason}\n{verdict.code}", style["text"])
                sheet.write(row, 9, verdict.citation, style["text"])
                sheet.write(row, 10, place, style["id"])
                sheet.set_row(row, 45)
                row += 1
        last = max(row, TOP + 1)
        for name, column in (
            *(("ln_asset", "A"), ("ln_amount", "F"), ("ln_verdict", "G"), ("ln_booked", "H")),
        ):
            self.book.define_name(name, f"='{DETAIL}'!${column}${TOP + 1}:${column}${last}")
        sheet.autofilter(TOP - 1, 0, last - 1, len(heads) - 1)
        row = last + 1
        for outcome, told in OUTCOMES.items():
            total = Money.sum(
                (
                    verdict.amount
                    for entry in self.shown.entries
                    for verdict in entry.verdicts
                    if verdict.outcome is outcome
                    and verdict.dated < self.shown.period.ends_on
                    and verdict.amount.currency == self.shown.currency
                ),
                self.shown.currency,
            )
            sheet.write(row, 4, "合计 total", self.formats["total_text"])
            formula = f'ROUND(SUMIFS(ln_amount,ln_verdict,"{told}"),2)'
            self._formula(sheet, row, 5, formula, total, "total")
            sheet.write(row, 6, told, self.formats["total_text"])
            row += 1

    # Ties

    def _ties(self) -> None:
        heads = (
            *("勾稽关系", "Tie", "对象\nSubject", "左\nLeft", "关系\nRelation", "右\nRight"),
            *("差额\nDifference", "结果\nResult"),
        )
        widths = (36, 44, 28, 20, 9, 20, 17, 16)
        sheet = self._open(TIES, "勾稽 Ties", widths, heads)
        for row, tie in enumerate(self.shown.ties, TOP):
            left, right = self._sides(tie)
            sheet.write(row, 0, render(tie.code, {}, "zh")[0], self.formats["text"])
            sheet.write(row, 1, render(tie.code, {}, "en")[0], self.formats["text"])
            sheet.write(row, 2, tie.subject, self.formats["text"])
            self._formula(sheet, row, 3, left, tie.left, "amount")
            sheet.write(row, 4, "=" if tie.relation == "=" else "≤", self.formats["centre"])
            self._formula(sheet, row, 5, right, tie.right, "amount")
            self._formula(
                sheet, row, 6, f"ROUND(D{row + 1}-F{row + 1},2)", tie.left - tie.right, "amount"
            )
            holds = f"G{row + 1}=0" if tie.relation == "=" else f"G{row + 1}<=0"
            told = "✓ 相符 ok" if tie.ok else "✗ 不符 fails"
            sheet.write_formula(
                row,
                7,
                f'=IF({holds},"✓ 相符 ok","✗ 不符 fails")',
                self.formats["centre"],
                told,
            )
            sheet.set_row(row, 30)

    # Group, and what to know

    def _group(self) -> None:
        if not self.shown.eliminations:
            return
        heads = (
            *("抵销\nElimination", "日期\nDay", "事由\nWhat", "层或科目\nLayer or account"),
            *("取得方式\nRoute", "金额\nAmount", "卖方资产\nSold", "买方资产\nBought"),
        )
        widths = (50, 12, 16, 24, 16, 20, 28, 28)
        sheet = self._open(GROUP, "合并抵销 Eliminations of the group", widths, heads)
        row = TOP
        for one in self.shown.eliminations:
            for line in one.lines:
                said = (one.id, one.day, one.what, line.layer, line.route, line.amount)
                for column, value in enumerate((*said, one.sold, one.bought)):
                    if isinstance(value, date):
                        sheet.write_datetime(row, column, _moment(value), self.formats["day"])
                    elif isinstance(value, Money):
                        sheet.write(row, column, _number(value), self.formats["input"])
                    else:
                        sheet.write_string(row, column, value, self.formats["text"])
                row += 1

    def _about(self) -> None:
        """State, advice, rules with their tags, and how to verify."""
        shown = self.shown
        sheet = self._open(
            ABOUT, "说明 About this file", (30, 90, 24), ("项", "说明 What", "标签 Tag")
        )
        rows: list[tuple[str, str, str]] = [
            ("声明 Statement", f"{told.zh}\n{told.en}", "") for told in statement(shown)
        ]
        rows += [
            (f"签署 signed: {role}", self.issue.named(by), "") for role, by in shown.signed.items()
        ]
        days = (("签章日 sealed on", shown.sealed_on), ("截至日所知 as known on", shown.as_at))
        rows += [(what, day.isoformat(), "") for what, day in days if day]
        rows += [
            (f"更正 restated: {one.line}", f"{one.reported} → {one.restated}", one.effect.text)
            for one in shown.restatements
        ]
        if self.issue.root:
            told = f"{self.issue.root}（{self.issue.size} 条 events）"
            rows.append(("检查点 checkpoint", f"{told}；sanhua prove / sanhua verify", ""))
        rows += [(f"[{tag}]", f"{told.zh}\n{told.en}", tag) for tag, told in TAGS.items()]
        cited = sorted({(one.number, one.clause, one.tag) for one in shown.cited})
        rows += [(number, clause, f"[{tag}]") for number, clause, tag in cited]
        for row, said in enumerate(rows, TOP):
            for column, text in enumerate(said):
                sheet.write_string(row, column, text, self.formats["text"])
            sheet.set_row(row, 14 * _lines(said[1], 60) + 4)

    def _sides(self, tie: Tie) -> tuple[str, str]:
        """The two sides as formulas over cells and movements."""
        period = self.shown.period
        if tie.code == "tie.sub-not-above-parent":
            given = {line.id: line.parent_ending for line in self.shown.lines}[tie.subject]
            parent = self.at[(tie.subject, "ending")] if given is not None else tie.right.text
            return self.at[(f"{tie.subject}.data", "ending")], parent
        if tie.code in ("tie.spending-accounted", "tie.books-agree"):
            of_asset = f'ln_amount,ln_asset,"{tie.subject}"'
            if tie.code == "tie.books-agree":
                carried = OUTCOMES[Outcome.CAPITALISED]
                left = f'SUMIFS({of_asset},ln_verdict,"{carried}")'
                return f"ROUND({left},2)", f'ROUND(SUMIFS({of_asset},ln_booked,"是"),2)'
            parts = "+".join(
                f'SUMIFS({of_asset},ln_verdict,"{told}")' for told in OUTCOMES.values()
            )
            return f"ROUND({parts},2)", f"ROUND(SUMIFS({of_asset}),2)"
        if tie.code.endswith("-to-balance-sheet"):
            table = "A" if tie.subject == "intangible" else "B"
            left = self.at[(table, "carrying.closing", "total")]
            return left, self.at[(f"{tie.subject}.data", "ending")]
        table, _, what = tie.subject.partition("/")
        if table not in self.shown.tables or what == "carrying":  # against other statements
            return tie.left.text, tie.right.text
        if tie.code == "tie.roll-forward":
            left = self.at[(table, f"{what}.closing", "total")]
            return left, f"ROUND({self._layer(f'{table}.{what}', period.ends_on)},2)"
        if tie.code == "tie.carrying":
            line = "intangible" if table == "A" else "inventory"
            before = period.ends_on if what.endswith("closing") else period.starts_on
            return self.at[(table, what, "total")], self._line(line, before)
        if tie.code == "tie.columns-add-up":
            routes = [c for c, _ in self.shown.tables[table].columns if c != "total"]
            across = "+".join(self.at[(table, what, route)] for route in routes)
            return f"ROUND({across},2)", self.at[(table, what, "total")]
        if tie.code == "tie.opens-as-closed":
            closed = self.at[(f"{table}{PRIOR}", "carrying.closing", "total")]
            return self.at[(table, "carrying.opening", "total")], closed
        if tie.code == "tie.group-less-eliminations":
            return self.at[(f"{tie.subject}.data", "ending")], tie.right.text
        if tie.code != "tie.parts-not-above-whole":  # what no sheet here holds
            return tie.left.text, tie.right.text
        rows = self.shown.tables[table].rows
        parts = [self.at[(table, row.id, "total")] for row in rows if row.part_of == what]
        return f"ROUND({'+'.join(parts)},2)", self.at[(table, what, "total")]


_LAYER_NAMES = {
    Layer.DEVELOPMENT: "development",
    Layer.DEVELOPMENT_IMPAIRMENT: "development_impairment",
    Layer.COST: "A.cost",
    Layer.AMORTISATION: "A.amortisation",
    Layer.IMPAIRMENT: "A.impairment",
    Layer.INVENTORY: "B.cost",
    Layer.WRITE_DOWN: "B.write_down",
}


def _facts(entry: AssetEntry, verdict: Verdict) -> Mapping[str, Any]:
    """What the text of a verdict's code names."""
    return {
        "amount": verdict.amount.text,
        "currency": verdict.amount.currency,
        "expected": entry.capitalised.currency,
        "account": verdict.account,
        "dated": verdict.dated.isoformat(),
        "cite": verdict.citation,
        "condition": verdict.open,
        "starts_on": str(entry.starts_on or ""),
        "available_on": str(entry.available_on or ""),
        "development": str(entry.development or ""),
        "use": entry.use.value,
        "asset": entry.id,
        "regime": "",
        "known": "",
    }


def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a cell that holds `width` Chinese characters."""
    return sum(
        1 + sum(2 - char.isascii() for char in line) // (2 * width) for line in text.split("\n")
    )


def _number(amount: Money) -> Decimal:
    """A cell holds a binary double: exact to the fen below ten trillion."""
    return amount.posted().amount


def _day(day: date) -> str:
    return f"DATE({day.year},{day.month},{day.day})"


def _moment(day: date) -> datetime:
    return datetime.combine(day, time())  # a workbook's days have no zone
