"""Governing by standards: coverage, conflicts, distribution, what data holds against code lists,
indicators computed, and the report of it all.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlglot.expressions import Column

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.errors import (
    Diagnostic,
    Invalid,
    NotFound,
    SanhuaError,
    Severity,
)
from sanhua.kernel.metric import Metric
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import legal_day
from sanhua.project.checking import systems
from sanhua.project.read import nearest_or_some
from sanhua.report.standards import Sheet, workbook
from sanhua.resource import standard
from sanhua.resource.contract import Property
from sanhua.resource.grade import Grading
from sanhua.resource.standard import CodeList
from sanhua.resource.standard.codes import DAY
from sanhua.resource.standard.model import IndicatorFigure, share
from sanhua.workspace.binding import review
from sanhua.workspace.opening import Workspace
from sanhua.workspace.plan import Plan
from sanhua.workspace.snapshots import Snapshots
from sanhua.workspace.standards import put
from sanhua.workspace.suggesting import closed_columns

UNKNOWN_MAX = 50  # unknown values of a column that are listed
GROUPS_MAX = 100_000  # rows of an indicator by its dimensions


# Codes in data


def unknown_codes(ws: Workspace, tables: Sequence[str] = ()) -> list[dict[str, Any]]:
    """For each built column that is bound to a code list: the values that the list lacks, how many
    rows each, and the nearest known code. Only the most frequent are listed, all are counted.

    Of a column whose grade forbids to show its values none is listed (`withheld`).
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    snapshots, project = Snapshots(ws), ws.project
    found: list[dict[str, Any]] = []
    for contract in project.contracts.values():
        for table in contract.tables:
            if (tables and table.name not in tables) or not snapshots.usable(table.name):
                continue
            kinds = {c.name: c.type for c in snapshots.manifest(table.name).columns}
            closed = _closed(ws, table.name)
            for prop in table.properties:
                element = project.elements.get(prop.element)
                codes = project.codes.get(element.codes) if element else None
                if codes is None or prop.name not in kinds:
                    continue
                snapshots.bind(table.name)
                withheld = prop.name in closed
                found.append(_unknown(ws, table.name, prop, kinds[prop.name], codes, withheld))
    return found


def _unknown(
    ws: Workspace, table: str, prop: Property, kind: str, codes: CodeList, withheld: bool
) -> dict[str, Any]:
    quoted, name = sql.quote(prop.name), sql.quote(table)
    on = prop.codes_on
    on = on if DAY.fullmatch(on) or not on else sql.quote(on)
    out = codes.violations(quoted, kind, on)
    metrics = [
        Metric("values", f"count({quoted})"),
        Metric("unknown", f"count_if({out})"),
        Metric("used", f"count(DISTINCT CASE WHEN NOT ({out}) THEN {quoted} END)"),
    ]
    values, outside, used = (one.value for one in ws.engine.measure(table, metrics))
    query = (
        f"SELECT CAST({quoted} AS VARCHAR), count(*) FROM {name} WHERE {out} "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {UNKNOWN_MAX}"
    )
    rows = [] if withheld else ws.engine.query(query)
    strange = standard.unknown(codes, [(str(value), int(count)) for value, count in rows])
    known = {value.value for value in strange}
    lapsed = [
        {"value": v, "count": n, "how": "not valid on the day"} for v, n in rows if v not in known
    ]
    return {
        "column": f"{table}.{prop.name}",
        "codes": codes.id,
        "values": values,
        "unknown": outside,
        "codes_used": used,
        "codes_known": len(codes.codes()),
        "listed": [asdict(one) for one in strange],
        "lapsed": lapsed,
        "withheld": withheld,
    }


def list_of(ws: Workspace, name: str, code: str, title: str, cut: int | None) -> CodeList:
    """A code list of the project by id, or one read from a CSV file (`.gz` too) by two headings."""
    known = ws.project.codes.get(name)
    if known is not None and cut is None:
        return known
    if known is not None:
        found = list(known.names().items())
    else:
        path = Path(name)
        if not path.is_file():
            near = nearest_or_some(name, ws.project.codes)
            raise NotFound("ref.codes", value=name, nearest=near)
        found = _pairs(path, code, title)
    pairs = {key[:cut]: value for key, value in found if key}
    return CodeList(name, Origin(name), ("code", "name"), tuple(pairs.items()))


def _pairs(path: Path, code: str, title: str) -> list[tuple[str, str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    known = list(rows.fieldnames or ())
    for wanted in (code, title):
        if wanted not in known:
            raise Invalid(
                "ref.column",
                path=str(path),
                line=1,
                value=wanted,
                nearest=nearest_or_some(wanted, known),
            )
    return [((row[code] or "").strip(), (row[title] or "").strip()) for row in rows]


def compare_lists(old: CodeList, new: CodeList) -> dict[str, Any]:
    """The comparison of two code lists as JSON."""
    found = standard.compare(old, new)
    return {
        "old": found.old,
        "new": found.new,
        "equal": found.equal,
        "same": found.same,
        "added": dict(found.added),
        "dropped": dict(found.dropped),
        "renamed": {code: list(names) for code, names in found.renamed.items()},
        "moved": {code: list(parents) for code, parents in found.moved.items()},
        "recoded": dict(found.recoded),
    }


# Indicators


def compute(ws: Workspace, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The indicators named (default: all) on the tables' current snapshots: one scan a table for
    all that have no dimensions, one a table and set of dimensions for the others. Kept as
    `indicator:<id>` with the columns and the snapshot that it was made from.

    A figure is a number or a day: a text would be a value of somebody's column in a record. Groups
    by a column whose grade forbids to show its values are counted and not listed (`withheld`).
    """
    project = ws.project
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    for name in names:
        if name not in project.indicators:
            near = nearest_or_some(name, project.indicators)
            raise NotFound("standard.no-such-indicator", indicator=name, nearest=near)
    wanted = [project.indicators[name] for name in names or project.indicators]
    snapshots = Snapshots(ws)
    groups: dict[tuple[str, tuple[str, ...]], list[standard.Indicator]] = {}
    told: dict[str, dict[str, Any]] = {}
    for one in wanted:
        built = one.table in project.codes or snapshots.usable(one.table)
        if not built:
            told[one.id] = _indicator_json(one, error="not built")
            continue
        sql.parse(
            f"SELECT {', '.join([one.formula, *one.by])} FROM {one.table}", path=one.origin.path
        )
        groups.setdefault((one.table, one.by), []).append(one)
    figures: list[IndicatorFigure] = []
    for (table, by), members in groups.items():
        snapshots.bind(table)
        closed = _closed(ws, table)
        whole = ws.engine.measure(table, [Metric(one.id, one.formula) for one in members])
        rows, failed = _grouped(ws, table, by, members) if by else ({}, {})
        for one, measured in zip(members, whole, strict=True):
            error = measured.error or failed.get(one.id)
            if isinstance(measured.value, str | list):
                error = Diagnostic(Severity.ERROR, "quality.not-a-number")
            value = None if measured.value is None or error else _number(measured.value)
            groups_of = [] if error else rows.get(one.id, [])
            told[one.id] = _indicator_json(one, value, groups_of, error.message() if error else "")
            if groups_of and _columns(one.table, by) & closed:
                told[one.id] |= {"groups": [], "withheld": True}
            if error is None:
                figures.append(_figure(one, value, len(groups_of), snapshots))
    with ws.store.begin(actor=ws.actor) as uow:
        for figure in figures:
            uow.add(figure, "indicator.computed")
    ws.store.checkpoint()
    return [told[one.id] for one in wanted]


def _columns(table: str, expressions: Sequence[str]) -> set[str]:
    query = sql.parse(f"SELECT {', '.join(expressions)} FROM {table}")
    return {found.name for found in query.tree.find_all(Column)}


def _closed(ws: Workspace, table: str) -> set[str]:
    """The columns of a table whose values are not shown: none of a code list."""
    if table in ws.project.codes:
        return set()
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        found = closed_columns(uow.find(Grading, ids.node("grade", table)))
    columns = Snapshots(ws).schemas([table])[table]
    return set(columns) if found is None else found


def _grouped(
    ws: Workspace, table: str, by: tuple[str, ...], members: Sequence[standard.Indicator]
) -> tuple[dict[str, list[list[Any]]], dict[str, Diagnostic]]:
    """Indicator → rows of its dimensions and its value: all in one query, apart when that fails."""
    dimensions = ", ".join(by)
    places = ", ".join(str(at + 1) for at in range(len(by)))

    def rows_of(formulas: Sequence[str]) -> list[tuple[Any, ...]]:
        return ws.engine.query(
            f"SELECT {dimensions}, {', '.join(formulas)} FROM {sql.quote(table)} "
            f"GROUP BY {places} ORDER BY {places}",
            rows_max=GROUPS_MAX,
        )

    found: dict[str, list[list[Any]]] = {}
    failed: dict[str, Diagnostic] = {}
    try:
        rows = rows_of([one.formula for one in members])
        for at, one in enumerate(members):
            found[one.id] = [
                [*map(_number, row[: len(by)]), _number(row[len(by) + at])] for row in rows
            ]
    except SanhuaError as error:
        if len(members) == 1:
            return {}, {members[0].id: error.diagnostic}
        for one in members:
            alone, why = _grouped(ws, table, by, [one])
            found |= alone
            failed |= why
    return found, failed


def _number(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        value = Decimal(repr(value))
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _indicator_json(
    one: standard.Indicator,
    value: str | None = None,
    groups: Sequence[Sequence[Any]] = (),
    error: str = "",
) -> dict[str, Any]:
    return {
        "indicator": one.id,
        "title": {"zh": one.title.say("zh"), "en": one.title.say("en")},
        "value": value,
        "unit": one.unit,
        "by": list(one.by),
        "groups": [list(row) for row in groups],
        "groups_counted": len(groups),
        "table": one.table,
        "formula": one.formula,
        "error": error,
        "withheld": False,
    }


def _figure(
    one: standard.Indicator, value: str | None, groups: int, snapshots: Snapshots
) -> IndicatorFigure:
    snapshot = snapshots.id_of(one.table)
    named = sorted(_columns(one.table, [one.formula]))
    columns = snapshots.schemas([one.table])[one.table]
    return IndicatorFigure(
        ids.node("indicator", one.id),
        value or "",
        one.unit,
        groups,
        snapshot,
        one.origin.sha256,
        tuple(ids.column(one.table, name, snapshot) for name in named if name in columns),
    )


# Coverage, conflicts, distribution


class Standing:
    """How the standards stand: nothing here is measured, everything follows from the files."""

    def __init__(self, ws: Workspace) -> None:
        self.ws, self.project = ws, ws.project
        self.today = legal_day(ws.clock.now())

    @cached_property
    def coverage(self) -> standard.Coverage:
        p = self.project
        return standard.coverage(p.elements, p.codes, p.model, p.contracts.values(), p.terms)

    @cached_property
    def holdings(self) -> list[standard.Holding]:
        p, plan = self.project, Plan(self.project)
        return standard.distribution(
            p.model, p.elements, p.contracts.values(), systems(p), lambda t: plan.upstream([t])
        )

    @cached_property
    def conflicts(self) -> list[Diagnostic]:
        """Of elements, of columns, of sources; and authorities that are no party."""
        p, contracts = self.project, list(self.project.contracts.values())
        found = standard.conflicts(p.elements)
        found += standard.column_conflicts(contracts, p.elements, p.codes)
        found += standard.one_source(contracts, p.elements, systems(p))
        for element in p.elements.values():
            if element.authority and element.authority not in p.parties:
                node = ids.node("element", element.id)
                at = p.places.get(f"{node}/authority", element.origin)
                facts = {
                    "value": element.authority,
                    "nearest": nearest_or_some(element.authority, p.parties),
                }
                found.append(
                    Diagnostic(
                        Severity.ERROR, "ref.party", at.path, at.line, node=node, facts=facts
                    )
                )
        return sorted(found, key=lambda d: (d.path, d.line, d.code))

    @cached_property
    def accountable(self) -> list[standard.Accountable]:
        contracts = self.project.contracts.values()
        return [standard.accountable(c, self.project.model, self.today) for c in contracts]

    def coverage_json(self) -> dict[str, Any]:
        found = self.coverage
        return {
            "elements": {
                "used": len(found.elements_used),
                "of": len(self.project.elements),
                "share": _said(share(len(found.elements_used), len(self.project.elements))),
                "unused": list(found.elements_unused),
            },
            "codes": {
                "used": len(found.codes_used),
                "of": len(found.codes_used) + len(found.codes_unused),
                "unused": list(found.codes_unused),
            },
            "columns": {
                "bound": found.columns_bound,
                "of": found.columns,
                "share": _said(share(found.columns_bound, found.columns)),
            },
            "tables": {"modelled": found.tables_modelled, "of": found.tables},
            "terms": {"linked": found.terms_linked, "of": found.terms},
            "indicators": len(self.project.indicators),
            "model": self._levels(),
            "accountable": [
                {
                    "resource": a.resource,
                    "owner": a.owner,
                    "steward": a.steward,
                    "said_in": dict(a.said_in),
                }
                for a in self.accountable
            ],
        }

    def _levels(self) -> dict[str, Any]:
        found, titles = self.coverage, self._titles()
        levels = {"domains": found.domains, "objects": found.objects, "entities": found.entities}
        return {
            "total": _counts_json(found.total),
            **{
                level: [
                    {
                        "id": key,
                        "title": titles[level].get(key, Text(key)).say("zh"),
                        **_counts_json(counts),
                    }
                    for key, counts in listed.items()
                ]
                for level, listed in levels.items()
            },
        }

    def _titles(self) -> dict[str, dict[str, Text]]:
        model = self.project.model.values()
        return {
            "domains": {e.domain: e.domain_title for e in model},
            "objects": {f"{e.domain}/{e.object}": e.object_title for e in model},
            "entities": {e.id: e.title for e in model},
        }

    def distribution_json(self) -> dict[str, Any]:
        """System × entity: rows are entities, a cell is golden, copy or feeds."""
        names = sorted({one.source for one in self.holdings})
        matrix: dict[str, dict[str, str]] = {}
        for one in self.holdings:
            matrix.setdefault(one.entity, {})[one.source] = one.role
        without = [e for e, row in matrix.items() if "golden" not in row.values()]
        return {
            "systems": [
                {
                    "source": name,
                    "supplier": next(h.supplier for h in self.holdings if h.source == name),
                }
                for name in names
            ],
            "entities": [
                {
                    "entity": entity,
                    "title": self.project.model[entity].title.say("zh"),
                    "table": self.project.model[entity].table,
                    "held": row,
                }
                for entity, row in matrix.items()
            ],
            "without_golden_source": without,
        }


def _counts_json(counts: Any) -> dict[str, Any]:
    return {
        "attributes": counts.attributes,
        "bound": counts.bound,
        "realised": counts.realised,
        "entities": counts.entities,
        "held": counts.held,
        "bound_share": _said(share(counts.bound, counts.attributes)),
        "realised_share": _said(share(counts.realised, counts.attributes)),
    }


def _said(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


HEADS = {
    "覆盖率": (
        "层级",
        "标识符",
        "名称",
        "属性",
        "已对标",
        "对标率",
        "已落表",
        "落表率",
        "实体",
        "有表的实体",
    ),
    "数据元使用": ("数据元", "名称", "是否使用", "权威来源", "状态", "版本"),
    "冲突": ("级别", "代码", "位置", "行", "说明", "处理"),
    "数据分布": ("实体", "名称", "表"),
    "责任人": ("数据资源", "责任人", "数据管家", "出处"),
    "待审对标": (
        "契约",
        "列",
        "建议数据元",
        "名称",
        "置信度",
        "名称依据",
        "值在范围内",
        "相似列",
        "文件",
        "行",
    ),
    "未知代码": ("列", "代码集", "值", "行数", "最近的代码", "依据"),
}
ROLES = {"golden": "黄金源 golden", "copy": "副本 copy", "feeds": "来源 feeds"}


def report(ws: Workspace) -> dict[str, Any]:
    """Coverage, conflicts, distribution, who answers, unknown codes and the review list, as JSON
    and XLSX in `.sanhua/out/`.
    """
    standing = Standing(ws)
    data: dict[str, Any] = {
        "coverage": standing.coverage_json(),
        "conflicts": [_conflict_json(one) for one in standing.conflicts],
        "distribution": standing.distribution_json(),
        "review": review(ws),
        "unknown_codes": unknown_codes(ws),
    }
    rows = {
        "覆盖率": _coverage_rows(data["coverage"]["model"]),
        "数据元使用": _element_rows(standing),
        "冲突": [
            [
                c["severity"],
                c["code"],
                c["path"],
                str(c["line"]),
                c["message"]["zh"],
                c["hint"]["zh"],
            ]
            for c in data["conflicts"]
        ],
        "责任人": [
            [
                a["resource"],
                a["owner"],
                a["steward"],
                ", ".join(f"{k}: {v}" for k, v in a["said_in"].items()),
            ]
            for a in data["coverage"]["accountable"]
        ],
        "待审对标": [
            [
                *(p["contract"], p["column"], p["element"], p["title"]["zh"], p["confidence"]),
                *(
                    p["name"]["by"],
                    p["inside"] or "",
                    p["likeness"]["column"],
                    p["path"],
                    str(p["line"]),
                ),
            ]
            for p in data["review"]["proposals"]
        ],
        "未知代码": [
            [c["column"], c["codes"], u["value"], str(u["count"]), u.get("nearest", ""), u["how"]]
            for c in data["unknown_codes"]
            for u in [*c["listed"], *c["lapsed"]]
        ],
    }
    names = [one["source"] for one in data["distribution"]["systems"]]
    matrix = [
        [
            one["entity"],
            one["title"],
            one["table"],
            *(ROLES.get(one["held"].get(n, ""), "") for n in names),
        ]
        for one in data["distribution"]["entities"]
    ]
    sheets = [
        Sheet(name, [*heads, *names], matrix)
        if name == "数据分布"
        else Sheet(name, heads, rows[name])
        for name, heads in HEADS.items()
    ]
    ws.out.mkdir(parents=True, exist_ok=True)
    files = {
        "standards.xlsx": workbook(f"数据标准报告 {ws.project.name}", sheets),
        "standards.json": (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode(),
    }
    for name, content in files.items():
        put(ws.out / name, content)
    return {**data, "files": [(ws.out / name).relative_to(ws.root).as_posix() for name in files]}


def _conflict_json(one: Diagnostic) -> dict[str, Any]:
    return {
        "severity": one.severity.value,
        "code": one.code,
        "node": one.node,
        "path": one.path,
        "line": one.line,
        "message": {"zh": one.message("zh"), "en": one.message("en")},
        "hint": {"zh": one.hint("zh"), "en": one.hint("en")},
    }


def _coverage_rows(model: Mapping[str, Any]) -> list[list[str]]:
    rows = [["合计", "", "", *_cells(model["total"])]]
    for level, zh in (("domains", "主题域"), ("objects", "业务对象"), ("entities", "逻辑实体")):
        rows += [[zh, one["id"], one["title"], *_cells(one)] for one in model[level]]
    return rows


def _cells(one: Mapping[str, Any]) -> list[str]:
    keys = ("attributes", "bound", "bound_share", "realised", "realised_share", "entities", "held")
    return ["" if one[key] is None else str(one[key]) for key in keys]


def _element_rows(standing: Standing) -> list[list[str]]:
    used = frozenset(standing.coverage.elements_used)
    return [
        [e.id, e.title.say("zh"), "是" if e.id in used else "否", e.authority, e.status, e.version]
        for e in standing.project.elements.values()
    ]
