"""What the documents say, as blocks of JSON values: headings, paragraphs and tables.

PDF and DOCX set the same blocks. Chinese comes first and English beside it; amounts are text with
thousands separators, the fen always shown; below an amount stands its figure, shortened by what all
figures of the document share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sanhua import __version__
from sanhua.capital import note
from sanhua.capital.disclose import Disclosure, Scope, State, Table
from sanhua.kernel import ids
from sanhua.kernel.messages import render
from sanhua.kernel.money import Money
from sanhua.kernel.text import Text

LABELS = {
    State.DRAFT: Text("草稿", "DRAFT"),
    State.APPROVED: Text("已批准", "APPROVED"),
    State.AUDITED: Text("已审计", "AUDITED"),
}
SCOPES = {
    Scope.ENTITY: Text("本企业", "the entity"),
    Scope.PARENT: Text("母公司", "parent alone"),
    Scope.GROUP: Text("合并", "consolidated"),
}
STATUSES = {
    note.Status.FILLED: Text("已填", "given"),
    note.Status.PARTLY: Text("部分填写", "partly given"),
    note.Status.NONE: Text("无", "none"),
    note.Status.WANTING: Text("未填", "not filled"),
}
PARTS = {
    "intangible": Text("确认为无形资产的数据资源", "Recognised as intangible assets"),
    "inventory": Text("确认为存货的数据资源", "Recognised as inventories"),
    "valued": Text("评估", "Valuation"),
    "voluntary": Text("自愿披露", "Disclosed of the entity's own accord"),
}
TAGS = {
    "V": Text("已读原文全文", "the source was read in full"),
    "S": Text("据二手来源", "from a secondary source"),
    "R": Text("凭记忆，须对照原文", "recalled: check against the source"),
    "R?": Text("凭记忆且把握不大，须对照原文", "recalled with low confidence: check"),
}
TITLE = Text("数据资源列示与披露", "Data resources: presentation and disclosure")
ADVICE = Text(
    "本文件由程序根据账册与证据生成，不构成法律、会计、税务或评估意见；采用与否由企业和注册会计师判断。",
    "Drawn up by a program from books and evidence: no legal, accounting, tax or appraisal advice. "
    "The entity and its auditor decide whether to adopt it.",
)
NO_AMOUNT = "—"


@dataclass(frozen=True, slots=True)
class Issue:
    """What a document says besides what is shown: whose it is, and the checkpoint that a reader can
    verify it against. `people` names the parties by id.
    """

    name: str = ""
    uscc: str = ""
    root: str = ""  # sha256 root of the evidence log, and how many events it covers
    size: int = 0
    people: Mapping[str, str] = field(default_factory=dict[str, str])

    def named(self, party: str) -> str:
        key = ids.key_of(party)
        return self.people.get(key, key)


def content(shown: Disclosure, issue: Issue | None = None) -> dict[str, Any]:
    """The document: a head, and blocks in the order in which they are read."""
    issue = issue or Issue()
    drawn = _Content(shown, issue)
    state, scope = LABELS[shown.state], SCOPES[shown.scope]
    return {
        "title": _both(TITLE),
        "name": issue.name or shown.title.say("zh"),
        "uscc": issue.uscc,
        "project": _both(shown.title),
        "entity": shown.entity,
        "period": shown.period.id,
        "from": shown.period.starts_on.isoformat(),
        "through": shown.period.through.isoformat(),
        "currency": shown.currency,
        "state": {**_both(state), "id": shown.state.value},
        "scope": _both(scope),
        "facts": drawn.facts(),
        "blocks": drawn.blocks(),
        "version": __version__,
    }


def thousands(amount: Money) -> str:
    """`2,558,700.00`; nothing is a dash."""
    return f"{amount.posted().amount:,.2f}" if amount else NO_AMOUNT


def statement(shown: Disclosure) -> list[Text]:
    """What stands on every document: state, advice, tags."""
    told = {
        State.DRAFT: Text(
            "草稿：尚未由第二人批准，不得作为报表附注提供。",
            "Draft: no second person has approved it; not to be handed out as notes.",
        ),
        State.APPROVED: Text(
            "已批准：财务人员以外的第二人已对其中每项资产的确认备忘签名批准；未经审计。",
            "Approved: a second person signed for each asset's memo; not audited.",
        ),
        State.AUDITED: Text(
            f"已审计：{shown.sealed_on or ''} 由其他机构的审计人员签章。",
            f"Audited: sealed on {shown.sealed_on or ''} by an auditor of another organisation.",
        ),
    }[shown.state]
    return [told, ADVICE]


class _Content:
    def __init__(self, shown: Disclosure, issue: Issue) -> None:
        self.shown, self.issue = shown, issue
        self.ends = f"/{shown.period.id}"
        self.starts = f"figure:{shown.entity}/"

    def short(self, figure: str) -> str:
        """A figure without what all figures of the document share."""
        return figure.removeprefix(self.starts).removesuffix(self.ends)

    def _amount(self, amount: Money, figure: str) -> dict[str, str]:
        return {"zh": thousands(amount), "note": figure if amount else ""}

    def facts(self) -> list[list[dict[str, str]]]:
        """The head of the document: pairs of what and which."""
        shown, issue = self.shown, self.issue
        first, through = shown.period.starts_on, shown.period.through
        pairs = [
            (Text("编制主体", "Entity"), issue.name or shown.entity),
            (Text("统一社会信用代码", "Credit code"), issue.uscc or "未提供 not given"),
            (Text("报表范围", "Scope"), _joined(SCOPES[shown.scope])),
            (Text("期间", "Period"), f"{shown.period.id}（{first} — {through}）"),
            (Text("金额单位", "Amounts in"), f"{shown.currency} 元（保留两位小数 two decimals）"),
            (Text("状态", "State"), _joined(LABELS[shown.state])),
        ]
        if shown.sealed_on:
            pairs.append((Text("签章日", "Sealed on"), shown.sealed_on.isoformat()))
        if shown.as_at:
            pairs.append((Text("截至日所知", "As known on"), shown.as_at.isoformat()))
        if shown.members:
            pairs.append((Text("合并范围", "Members"), "、".join(map(issue.named, shown.members))))
        for role, person in shown.signed.items():
            label = _SIGNED.get(role, Text(role, role))
            pairs.append((label, issue.named(person)))
        return [[_both(label), {"zh": said, "en": ""}] for label, said in pairs]

    def blocks(self) -> list[dict[str, Any]]:
        shown = self.shown
        found: list[dict[str, Any]] = [
            *(_text(told, "strong" if index == 0 else "") for index, told in
              enumerate(statement(shown))),
            _text(self._about_figures(), "quiet"),
            _heading(1, "一、资产负债表列示", "Balance sheet"),
            self._balance_sheet(),
        ]  # fmt: skip
        for number, name in (("二", "A"), ("三", "B")):
            what = _TABLES[name]
            title = _heading(1, f"{number}、表{name}　{what.zh}", f"Table {name}: {what.en}")
            found.append({**title, "page": True})
            found.append(self._table(shown.tables[name], shown.period.id))
            if name in shown.comparatives and shown.comparative:
                id = shown.comparative.id
                title = _heading(2, f"表{name} 上期比较数 {id}", f"Comparatives {id}")
                found.append({**title, "page": True})
                found.append(self._table(shown.comparatives[name], id))
        found += [{**_heading(1, "四、附注", "Notes"), "page": True}, *self._notes()]
        number = iter("五六七八九")
        if shown.eliminations:
            found.append(_heading(1, f"{next(number)}、合并抵销", "Eliminations of the group"))
            found.append(self._eliminations())
        if shown.restatements:
            found.append(_heading(1, f"{next(number)}、前期差错更正", "Prior-period errors"))
            found.append(self._restatements())
        found += [
            _heading(1, f"{next(number)}、逐项资产与判定", "Assets and verdicts"),
            self._assets(),
            _heading(1, f"{next(number)}、勾稽", "Ties"),
            self._ties(),
        ]
        if shown.diagnostics:
            found.append(_heading(2, "提示", "Warnings"))
            for one in shown.diagnostics:
                found.append(_text(Text(one.message("zh"), one.message("en")), "quiet"))
        found += [_heading(1, f"{next(number)}、依据与核验", "Rules, and how to verify")]
        found += self._sources()
        return found

    def _about_figures(self) -> Text:
        starts, ends = self.starts, self.ends
        return Text(
            f"金额下的小字是图号：前加 {starts}、后加 {ends}，"
            "即可用 sanhua explain 逐层打开到凭证、条款与人。",
            f"Below an amount stands its figure: put {starts} before and {ends} after it, "
            "and `sanhua explain` opens it down to vouchers, clauses and people.",
        )

    # Tables

    def _balance_sheet(self) -> dict[str, Any]:
        shown = self.shown
        before = date.fromordinal(shown.beginning.toordinal() - 1)
        columns = [
            _column("项目", "Item", 2.2),
            _column("期末余额", shown.period.through.isoformat(), 1, "right"),
            _column("上年年末余额", before.isoformat(), 1, "right"),
        ]
        rows: list[dict[str, Any]] = []
        for line in shown.lines:
            parents = [
                {"zh": thousands(amount) if amount is not None else "未提供 not given"}
                for amount in (line.parent_ending, line.parent_beginning)
            ]
            rows.append(_row("heading", [_both(line.label), *parents]))
            sub = Text(line.sub_label.zh.partition("—")[2], line.sub_label.en.partition(", ")[2])
            cells = [
                self._amount(amount, f"balance_sheet/{line.id}.data/{column}")
                for column, amount in (("ending", line.ending), ("beginning", line.beginning))
            ]
            rows.append(_row("sub", [_both(sub), *cells]))
        return _table(columns, rows)

    def _table(self, table: Table, period: str) -> dict[str, Any]:
        columns = [
            _column("项目", "Item", 2.1),
            *(
                {**_column(text.zh, text.en, 1, "right"), "note": column}
                for column, text in table.columns
            ),
        ]
        rows: list[dict[str, Any]] = []
        for row in table.rows:
            label = {**_both(row.label), "note": "" if row.heading else row.id}
            if row.heading:
                rows.append(_row("heading", [label, *({"zh": ""} for _ in table.columns)]))
                continue
            total = row.layer == "carrying" or "closing" in row.id
            style = "total" if total else "part" if row.part_of else "sub"
            cells = [{"zh": thousands(table.amount(row.id, column))} for column, _ in table.columns]
            rows.append(_row(style, [label, *cells]))
        empty = not any(cell.amount for cell in table.cells)
        kind = table.id.lower()
        foot = Text(
            f"图号：table_{kind}/<行>/<列>，行与列见小字，期间 {period}。",
            f"Figures: table_{kind}/<row>/<column> by the small words, period {period}.",
        )
        if empty:
            foot = Text(
                f"本表期初、期末余额与本期发生额均为零。{foot.zh}",
                f"This table has no balances and no movements. {foot.en}",
            )
        return {**_table(columns, rows), "foot": _both(foot), "empty": empty}

    # Notes

    def _notes(self) -> Iterable[dict[str, Any]]:
        if not self.shown.notes:
            yield _text(Text("附注没有编制。", "The notes were not drawn up."), "wanting")
        if self.shown.scope is Scope.GROUP:
            yield _text(
                Text(
                    "逐项资产的金额是各成员账面数，合并抵销另列。",
                    "Amounts of single assets are their entities' own; eliminations stand apart.",
                ),
                "quiet",
            )
        number = 0
        for part in note.PARTS:
            items = [item for item in self.shown.notes if item.part == part]
            if not items:
                continue
            must = "应当披露" if part != "voluntary" else "可以披露"
            must_en = "mandatory" if part != "voluntary" else "voluntary"
            rule = items[0].rule
            yield _heading(2, PARTS[part].zh, f"{PARTS[part].en} ({must_en})")
            cite = f"{rule.number} {rule.clause}{_tag(rule.tag)}"
            yield _text(Text(f"{must}。{cite}", ""), "quiet")
            for item in items:
                number += 1
                yield from self._item(item, number)

    def _item(self, item: note.Item, number: int) -> Iterable[dict[str, Any]]:
        state = STATUSES[item.status]
        yield {
            **_heading(3, f"{number}. {item.label.zh}", item.label.en),
            "mark": {**_both(state), "id": item.status.value},
        }
        for told in item.told:
            yield _text(told)
        if item.rows:
            money = [any(row[at].amount is not None for row in item.rows)
                     for at in range(len(item.columns))]  # fmt: skip
            weights = [
                1.3 if is_money else max(0.9, min(2.4, _longest(item, at) / 9))
                for at, is_money in enumerate(money)
            ]
            columns = [
                _column(text.zh, text.en, weight, "right" if is_money else "left")
                for text, weight, is_money in zip(item.columns, weights, money, strict=True)
            ]
            rows = [_row("plain", [self._cell(cell) for cell in row]) for row in item.rows]
            yield _table(columns, rows)
        if item.said:
            yield _text(item.said.text)
            papers = "；".join(p.title or p.path for p in item.said.evidence)
            by = f"{self.issue.named(item.said.by)}　{item.said.date}　{item.said.origin.path}"
            yield _text(Text(f"—— {by}{f'　附件 {papers}' if papers else ''}"), "quiet")
        if item.wanted:
            wanted = Text(
                f"未填：{item.wanted.zh}（books/notes/{self.shown.period.id}.yaml 的 {item.id}）",
                f"Not filled: {item.wanted.en}",
            )
            yield _text(wanted, "wanting" if item.mandatory else "quiet")

    def _cell(self, cell: note.Cell) -> dict[str, str]:
        if cell.amount is not None:
            return self._amount(cell.amount, self.short(cell.figure))
        return _both(cell.text)

    # Group, errors, assets, ties

    def _eliminations(self) -> dict[str, Any]:
        columns = [
            _column("抵销", "Elimination", 2),
            _column("日期", "Day", 0.9),
            _column("事由", "What", 0.9),
            _column("层或科目", "Layer or account", 1.2),
            _column("金额", "Amount", 1.2, "right"),
        ]
        rows = [
            _row(
                "plain",
                [
                    {"zh": one.id.removeprefix("elimination:")},
                    {"zh": one.day.isoformat()},
                    {"zh": one.what},
                    {"zh": f"{line.layer} {line.route}".strip()},
                    {"zh": thousands(line.amount)},
                ],
            )
            for one in self.shown.eliminations
            for line in one.lines
        ]
        return _table(columns, rows)

    def _restatements(self) -> dict[str, Any]:
        named = {line.id: line.sub_label for line in self.shown.lines}
        columns = [
            _column("项目", "Line", 2),
            _column("原列报", "As reported", 1, "right"),
            _column("更正后", "Restated", 1, "right"),
            _column("影响", "Effect", 1, "right"),
            _column("资产", "Assets", 1.5),
        ]
        rows = [
            _row(
                "plain",
                [
                    _both(named[one.line]) if one.line in named else {"zh": one.line},
                    *({"zh": thousands(m)} for m in (one.reported, one.restated, one.effect)),
                    {"zh": "、".join(map(ids.key_of, one.assets))},
                ],
            )
            for one in self.shown.restatements
        ]
        return _table(columns, rows)

    def _assets(self) -> dict[str, Any]:
        columns = [
            _column("资产", "Asset", 1.9),
            _column("取得方式", "Route", 0.9),
            _column("资本化", "Capitalised", 1.1, "right"),
            _column("费用化", "Expensed", 1.1, "right"),
            _column("待定", "Waiting", 1, "right"),
            _column("拒绝", "Refused", 1.1, "right"),
            _column("备忘批准", "Approved", 0.8, "center"),
        ]
        entries = self.shown.entries
        rows = [
            _row(
                "plain",
                [
                    {**_both(entry.title), "note": entry.id},
                    _both(note.ROUTES[entry.route]),
                    *(
                        {"zh": thousands(amount)}
                        for amount in (
                            *(entry.capitalised, entry.expensed),
                            *(entry.waiting, entry.refused),
                        )
                    ),
                    {"zh": "✓" if self.shown.approvals.get(entry.id) else "—"},
                ],
            )
            for entry in entries[:ASSETS_MAX]
        ]
        if len(entries) > ASSETS_MAX:
            left = len(entries) - ASSETS_MAX
            rest = {"zh": f"另有 {left} 项，见 XLSX", "en": f"{left} more: see the XLSX"}
            rows.append(_row("plain", [rest, *({"zh": "…"} for _ in columns[1:])]))
        foot = Text(
            "累计至编制时的逐行判定；期间内的研发支出见附注。",
            "Verdicts on all lines so far; the period's spending stands in the notes.",
        )
        return {**_table(columns, rows), "foot": _both(foot)}

    def _ties(self) -> dict[str, Any]:
        columns = [
            _column("勾稽关系", "Tie", 2.4),
            _column("对象", "Subject", 1.6),
            _column("左", "Left", 1.1, "right"),
            _column("", "", 0.3, "center"),
            _column("右", "Right", 1.1, "right"),
            _column("结果", "Result", 0.7, "center"),
        ]
        ties = self.shown.ties
        listed = ties if len(ties) <= TIES_MAX else [
            *(tie for tie in ties if not tie.ok),
            *[tie for tie in ties if tie.ok][:TIES_MAX],
        ]  # fmt: skip
        rows = [
            _row(
                "plain" if tie.ok else "bad",
                [
                    {"zh": render(tie.code, {}, "zh")[0], "en": render(tie.code, {}, "en")[0]},
                    {"zh": tie.subject},
                    {"zh": thousands(tie.left)},
                    {"zh": "=" if tie.relation == "=" else "≤"},
                    {"zh": thousands(tie.right)},
                    {"zh": "✓ 相符" if tie.ok else "✗ 不符"},
                ],
            )
            for tie in listed
        ]
        broken = sum(not tie.ok for tie in ties)
        foot = Text(f"共 {len(ties)} 项，不符 {broken} 项。", f"{len(ties)} ties, {broken} broken.")
        return {**_table(columns, rows), "foot": _both(foot)}

    # Rules and verification

    def _sources(self) -> Iterable[dict[str, Any]]:
        columns = [
            _column("依据", "Instrument", 1.6),
            _column("条款", "Clause", 2.4),
            _column("把握", "Tag", 1.2),
        ]
        rows = [
            _row(
                "plain",
                [
                    {"zh": number},
                    {"zh": clause},
                    {"zh": f"[{tag}] {TAGS[tag].zh}", "en": TAGS[tag].en},
                ],
            )
            for number, clause, tag in self._cited()
        ]
        yield _table(columns, rows)
        yield _text(
            Text(
                "方括号内的字母说明条文的来源："
                + "；".join(f"[{tag}] {told.zh}" for tag, told in TAGS.items())
                + "。",
                "A letter in brackets says how sure the wording of a clause is.",
            ),
            "quiet",
        )
        if self.issue.root:
            yield _text(
                Text(
                    f"证据日志检查点：{self.issue.size} 条，根 {self.issue.root}。"
                    "核验：sanhua prove <图号> -o bundle.zip，然后 sanhua verify bundle.zip，"
                    "此后没有新的记录时，其中的根与此处相同。",
                    f"Checkpoint of the evidence log: {self.issue.size} events, the root above. "
                    "To verify: `sanhua prove <figure> -o bundle.zip`, `sanhua verify bundle.zip`, "
                    "whose root is this one as long as nothing was logged since.",
                )
            )

    def _cited(self) -> list[tuple[str, str, str]]:
        """The clauses that it rests on, each once with the weakest tag of what was asked there."""
        found: dict[tuple[str, str], str] = {}
        order = list(TAGS)
        said = [one.rule for one in self.shown.diagnostics if one.rule is not None]
        for rule in (*self.shown.cited, *said):
            key = (rule.number, rule.clause)
            found[key] = max(found.get(key, "V"), rule.tag, key=order.index)
        return [(number, clause, tag) for (number, clause), tag in sorted(found.items())]


ASSETS_MAX = 200  # assets that PDF and DOCX list; the XLSX lists all
TIES_MAX = 120
_TABLES = {
    "A": Text("确认为无形资产的数据资源", "Data resources recognised as intangible assets"),
    "B": Text("确认为存货的数据资源", "Data resources recognised as inventories"),
}
_SIGNED = {
    "finance": Text("批准人（财务）", "Approved by (finance)"),
    "auditor": Text("签章人（审计）", "Sealed by (auditor)"),
}


def _both(text: Text) -> dict[str, str]:
    zh, en = text.say("zh"), text.say("en")
    return {"zh": zh, "en": en if en != zh else ""}


def _joined(text: Text) -> str:
    return f"{text.zh} {text.en}".strip()


def _tag(tag: str) -> str:
    """A tag is printed where the wording is not sure."""
    return f" [{tag}]" if tag not in ("V", "S") else ""


def _heading(level: int, zh: str, en: str) -> dict[str, Any]:
    return {
        "type": "heading",
        "level": level,
        "zh": zh,
        "en": en if en != zh else "",
        "page": False,
    }


def _text(text: Text, style: str = "") -> dict[str, Any]:
    return {"type": "text", "style": style, **_both(text)}


def _column(zh: str, en: str, weight: float, align: str = "left") -> dict[str, Any]:
    return {"zh": zh, "en": en, "weight": f"{weight:.2f}", "align": align, "note": ""}


def _row(style: str, cells: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    empty = {"zh": "", "en": "", "note": ""}
    return {"style": style, "cells": [empty | dict(cell) for cell in cells]}


def _table(columns: Sequence[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "table",
        "columns": list(columns),
        "rows": rows,
        "foot": {"zh": "", "en": ""},
        "empty": not rows,
    }


def _longest(item: note.Item, at: int) -> int:
    return max(len(row[at].text.zh) for row in item.rows)
