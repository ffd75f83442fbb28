"""standards/: data elements, code lists, model, indicators and glossary, as YAML or as sheets, and
from one into the other.

`FORMS` says once what each sheet's columns are; the loader reads by it, `rows_of` and `tree_of`
turn a tree of the YAML spelling into rows and back, `yaml_text` writes the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sanhua.kernel.errors import Invalid
from sanhua.kernel.ids import NAME, node
from sanhua.kernel.text import Text
from sanhua.kernel.time import parse_day
from sanhua.project.read import (
    Columns,
    Keys,
    Node,
    Row,
    Rows,
    Scalar,
    join_cell,
    nearest,
    plain,
)
from sanhua.resource.standard import CodeList, DataElement, Indicator, LogicalEntity, Term
from sanhua.resource.standard.codes import meeting

if TYPE_CHECKING:
    from sanhua.project.loading import Loader

TOP = "standards/"


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a sheet: the key of the YAML spelling, the Chinese heading, what it holds.

    `kind`: text, code (a spreadsheet must not turn it into a number), list (`;` between).
    """

    key: str
    zh: str
    says: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of standard: its file's stem, its sheet's Chinese name, its columns."""

    stem: str
    zh: str
    fields: tuple[Field, ...]
    required: tuple[str, ...]
    open: bool = False

    @property
    def columns(self) -> Columns:
        spelled = {name: field.key for field in self.fields for name in (field.key, field.zh)}
        return Columns(
            spelled,
            self.required,
            frozenset(field.key for field in self.fields if field.kind == "code"),
            lists=frozenset(field.key for field in self.fields if field.kind == "list"),
            open=self.open,
        )


NOTE = Field("note", "备注", "for people; means nothing to the program")
FORMS = {
    form.stem: form
    for form in (
        Form(
            "elements",
            "数据元",
            (
                Field("id", "标识符", "a-z, 0-9 and _; the name that contracts bind to", "code"),
                Field("title", "中文名称", "what people call it"),
                Field("title_en", "英文名称", "its English name"),
                Field("definition", "定义", "what a value means; two elements of one name agree"),
                Field("definition_en", "英文定义", "the definition in English"),
                Field("type", "数据类型", "string integer decimal(p,s) date timestamp boolean"),
                Field("format", "数据格式", "a..20 n8 an3 n..10,2 d8 YYYYMMDD"),
                Field("unit", "计量单位", "UCUM or the trade's word"),
                Field("codes", "代码集", "id of a code list", "code"),
                Field("range", "值域", "low..high, either end may be missing", "code"),
                Field("synonyms", "同义名称", "other names, `;` between them", "list"),
                Field("object_class", "对象类词", "the thing that it is about"),
                Field("property", "特性词", "what of the thing"),
                Field("representation", "表示词", "how it is written: code, name, amount, day"),
                Field("context", "语境", "where the name is used"),
                Field("authority", "权威来源", "the one party whose value counts", "code"),
                Field("status", "状态", "its place in the life of a standard"),
                Field("version", "版本", "1.0", "code"),
                Field("submitted_by", "提交机构", "who proposed it"),
                Field("registered_by", "注册机构", "who keeps it"),
                Field("approved", "批准日期", "a day"),
                Field("pinyin", "中文全拼", "its name in pinyin"),
                Field("constraint", "应用约束", "when it may be used"),
                Field("scheme", "分类方案", "the classification that it belongs to"),
                Field("relation", "关系", "how it stands to other elements"),
                NOTE,
                Field("formerly", "曾用标识符", "its id before a rename", "code"),
            ),
            ("id", "definition", "type"),
        ),
        Form(
            "codes",
            "代码集",
            (
                Field("id", "标识符", "the list's name, its file and its table", "code"),
                Field("sheet", "工作表", "the sheet of this workbook that holds it", "code"),
                Field("title", "中文名称", "what people call it"),
                Field("title_en", "英文名称", "its English name"),
                Field("version", "版本", "2023", "code"),
                Field("source", "来源标准", "the standard or body that it is taken from"),
                Field("replaces", "取代", "the list whose next version this is", "code"),
                Field("authority", "权威来源", "the party that keeps it", "code"),
                Field("status", "状态", "its place in the life of a standard"),
                NOTE,
            ),
            ("id",),
        ),
        Form(
            "model",
            "模型",
            (
                Field("domain", "主题域", "blank repeats the cell above", "code"),
                Field("domain_title", "主题域名称", "what people call it"),
                Field("domain_title_en", "主题域英文名称", "its English name"),
                Field("object", "业务对象", "blank repeats the cell above", "code"),
                Field("object_title", "业务对象名称", "what people call it"),
                Field("object_title_en", "业务对象英文名称", "its English name"),
                Field("entity", "逻辑实体", "blank repeats the cell above", "code"),
                Field("entity_title", "逻辑实体名称", "what people call it"),
                Field("entity_title_en", "逻辑实体英文名称", "its English name"),
                Field("table", "表", "the table that realises the entity", "code"),
                Field("attribute", "属性", "one a row, where there is no table yet", "code"),
                Field("element", "数据元", "the element that the attribute stands for", "code"),
                Field("owner", "责任人", "a party, of the last level named in the row", "code"),
                Field(
                    "steward", "数据管家", "a person, of the last level named in the row", "code"
                ),
                NOTE,
            ),
            (),
        ),
        Form(
            "indicators",
            "指标",
            (
                Field("id", "标识符", "a-z, 0-9 and _", "code"),
                Field("title", "指标名称", "what people call it"),
                Field("title_en", "英文名称", "its English name"),
                Field("definition", "口径", "what is counted, and what is not"),
                Field("definition_en", "英文口径", "the same in English"),
                Field("formula", "公式", "one aggregate over the table"),
                Field("table", "表", "the table", "code"),
                Field("by", "维度", "columns or expressions, `;` between them", "list"),
                Field("unit", "单位", "UCUM or the trade's word"),
                NOTE,
                Field("formerly", "曾用标识符", "its id before a rename", "code"),
            ),
            ("id", "definition", "formula", "table"),
        ),
        Form(
            "glossary",
            "业务术语",
            (
                Field("id", "标识符", "a-z, 0-9 and _", "code"),
                Field("title", "术语", "the word"),
                Field("title_en", "英文术语", "the English word"),
                Field("definition", "定义", "what it means here"),
                Field("definition_en", "英文定义", "the definition in English"),
                Field("synonyms", "同义词", "other words, `;` between them", "list"),
                Field("elements", "相关数据元", "ids of data elements, `;` between them", "list"),
                Field("status", "状态", "its place in the life of a standard"),
                NOTE,
            ),
            ("id", "definition"),
        ),
    )
}
CODE_FIELDS = (
    Field("code", "代码", "the code, as text", "code"),
    Field("name", "名称", "what it stands for"),
    Field("name_en", "英文名称", "the same in English"),
    Field("parent", "上级代码", "the code that covers it", "code"),
    Field("from", "起始日期", "first day of its validity"),
    Field("through", "截止日期", "last day of its validity"),
    Field("to_code", "目标代码", "of a mapping x_to_y: the code of y", "code"),
)
CODE_COLUMNS = Form("", "", CODE_FIELDS, ("code",), open=True).columns
LEVELS: tuple[str, ...] = ("domain", "object", "entity")
INSIDE = {"domain": "objects", "object": "entities"}


def load_standards(loader: Loader) -> None:
    """Everything under standards/ into the project."""
    _Standards(loader).read()


class _Standards:
    def __init__(self, loader: Loader) -> None:
        self.loader, self.folder, self.project = loader, loader.folder, loader.project

    def read(self) -> None:
        self.codes()
        for stem, keep in (
            ("elements", self.element),
            ("indicators", self.indicator),
            ("glossary", self.term),
        ):
            path, root = self.either(stem)
            if path:
                for key, place, value in self.loader.things(path, stem, root):
                    keep(key, path, place, value)
        self.model()

    def either(self, stem: str) -> tuple[str, Node | None]:
        """A standard written as YAML or as a sheet of Excel: its path and its tree."""
        yaml_path, excel_path = self.loader.replaced(TOP, stem)
        if yaml_path or not excel_path:
            return yaml_path, self.folder.yaml(yaml_path) if yaml_path else None
        form = FORMS[stem]
        rows = self.folder.excel(excel_path, form.columns, (stem, form.zh))
        return excel_path, tree_of(self.loader, stem, rows) if rows else None

    def title(self, key: str, value: Keys) -> Text:
        return self.folder.words(value.get("title")) or self.folder.words(Scalar(key, 1, 1))

    def both(self, value: Keys, name: str) -> tuple[str, str]:
        """A text as (the language of the project, English beside it)."""
        found = value.get(name)
        if isinstance(found, Keys):
            return found.text("zh") or found.text("en"), found.text("en")
        return value.text(name), ""

    # Code lists

    def codes(self) -> None:
        path, root = self.either("codes")
        said: dict[str, tuple[Scalar, Keys]] = {}
        if path:
            things = self.loader.things(path, "codes", root)
            said = {key: (place, value) for key, place, value in things}
        for file in self.loader.files("standards/codes", ".csv", ".xlsx"):
            if file.endswith(".csv"):
                key = self.loader.stem(file, ".csv")
                rows = self.folder.csv(file, CODE_COLUMNS)
                if key and rows is not None:
                    self.code_list(key, file, rows, said)
                continue
            for sheet in self.folder.sheets(file):
                if not NAME.fullmatch(sheet):
                    self.folder.error("format.not-an-id", file, 1, value=sheet, key=sheet)
                    continue
                rows = self.folder.excel(file, CODE_COLUMNS, (sheet,))
                if rows is not None:
                    self.code_list(sheet, file, rows, said)
        for key, (place, value) in said.items():
            self.loader.mark(node("codes", key), value, path)
            for name, wanted in ((key, place), (value.text("replaces"), value.scalar("replaces"))):
                if name and name not in self.project.codes:
                    near = nearest(name, self.project.codes) or "–"
                    self.folder.error("ref.codes", path, wanted, value=name, nearest=near)

    def code_list(
        self, key: str, path: str, rows: Rows, said: Mapping[str, tuple[Scalar, Keys]]
    ) -> None:
        kept = rows_of_codes(self.loader, key, rows)
        if kept is None:
            return
        columns, cells, lines = kept
        value = said[key][1] if key in said else Keys({}, 0, 0)
        made = CodeList(
            key,
            self.folder.origin(path, 1),
            columns,
            cells,
            self.title(key, value),
            value.text("version"),
            value.text("source"),
            value.text("replaces"),
            value.text("authority"),
            value.text("status"),
        )
        for code in _looping(made):
            self.folder.error("standard.code-cycle", path, lines[code], code=code)
        self.loader.keep(self.project.codes, key, made, path, None, "codes")

    # Elements, indicators, terms

    def element(self, key: str, path: str, place: Scalar, value: Keys) -> None:
        self.loader.mark(node("element", key), value, path)
        definition, english = self.both(value, "definition")
        same = (
            *("format", "unit", "codes", "range", "authority", "status", "version"),
            *("object_class", "property", "representation", "context", "submitted_by"),
            *("approved", "registered_by", "pinyin", "constraint", "scheme", "relation"),
        )
        self.project.elements[key] = DataElement(
            key,
            definition,
            value.text("type"),
            self.folder.origin(path, place),
            self.title(key, value),
            synonyms=value.words("synonyms"),
            definition_en=english,
            **{name: value.text(name) for name in same},
        )
        day = value.scalar("approved")
        if day is not None:
            self.loader.typed(path, day, lambda: parse_day(day.text))

    def indicator(self, key: str, path: str, place: Scalar, value: Keys) -> None:
        self.loader.mark(node("indicator", key), value, path)
        self.project.indicators[key] = Indicator(
            key,
            self.title(key, value),
            self.both(value, "definition")[0],
            value.text("table"),
            value.text("formula"),
            self.folder.origin(path, place),
            value.words("by"),
            value.text("unit"),
        )

    def term(self, key: str, path: str, place: Scalar, value: Keys) -> None:
        self.loader.mark(node("term", key), value, path)
        definition, english = self.both(value, "definition")
        self.project.terms[key] = Term(
            key,
            self.title(key, value),
            definition,
            self.folder.origin(path, place),
            value.words("synonyms"),
            value.words("elements"),
            english,
            value.text("status"),
        )

    # Model

    def model(self) -> None:
        path, root = self.either("model")
        if not path:
            return
        for domain, _, inside in self.loader.things(path, "model", root):
            for thing, _, holder in (inside.keys("objects") or Keys({}, 0, 0)).maps():
                for key, place, value in (holder.keys("entities") or Keys({}, 0, 0)).maps():
                    self.entity(path, (domain, inside), (thing, holder), (key, value), place)

    def entity(
        self,
        path: str,
        domain: tuple[str, Keys],
        thing: tuple[str, Keys],
        entity: tuple[str, Keys],
        place: Scalar,
    ) -> None:
        key, value = entity
        if "table" in value and "attributes" in value:
            where = value.place("attributes")
            self.folder.error("standard.attributes-twice", path, where, key=key)

        def duty(name: str) -> str:
            return next((t for _, at in (entity, thing, domain) if (t := at.text(name))), "")

        made = LogicalEntity(
            key,
            domain[0],
            thing[0],
            self.title(*entity),
            self.folder.origin(path, place),
            value.text("table"),
            value.flat("attributes") if value.keys("attributes") else None,
            self.title(*domain),
            self.title(*thing),
            duty("owner"),
            duty("steward"),
        )
        self.loader.mark(node("entity", f"model/{key}"), value, path)
        self.loader.keep(self.project.model, key, made, path, place, "entity")


def rows_of_codes(
    loader: Loader, key: str, rows: Rows
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], dict[str, int]] | None:
    """Columns, rows and the line of each code of a list; faulty rows are told and left out.

    A code may be written again when the terms do not meet; in a mapping it may go to several.
    """
    folder, path = loader.folder, rows.path
    second = "to_code" if "to_code" in rows.columns else "name"
    if second not in rows.columns:
        folder.error("format.missing-column", path, 1, key="name / 名称")
        return None
    order = ["code", second, *(c for c in rows.columns if c not in ("code", second))]
    lines: dict[str, int] = {}
    terms: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    kept: list[tuple[str, ...]] = []
    for row in rows.rows:
        code = row.text("code")
        if not code or not row.text(second):
            folder.error("format.missing-cell", path, row, key=second if code else "code")
            continue
        unit = (code, row.text("to_code")) if second == "to_code" else (code,)
        term = (row.text("from"), row.text("through"))
        if not _term(loader, path, row):
            continue
        if unit in terms and meeting([*terms[unit], term]):
            folder.error("standard.duplicate-code", path, row, code=code, first=lines[code])
            continue
        terms.setdefault(unit, []).append(term)
        lines.setdefault(code, row.line)
        kept.append(tuple(row.text(column) for column in order))
    for row in rows.rows:
        parent = row.text("parent")
        if parent and parent not in lines:
            near = nearest(parent, lines) or "–"
            folder.error("ref.code", path, row, value=parent, nearest=near, codes=key)
    return tuple(order), tuple(kept), lines


def _term(loader: Loader, path: str, row: Row) -> bool:
    days: list[str] = []
    for name in ("from", "through"):
        cell = row.cells.get(name)
        if cell is None:
            continue
        try:
            days.append(parse_day(cell.text).isoformat())
        except Invalid:
            loader.folder.error("format.not-a-day", path, cell, key=name, value=cell.text)
            return False
    if len(days) == 2 and days[1] < days[0]:
        cell = row.cells["through"]
        loader.folder.error("format.term-backwards", path, cell, value=days[1], starts=days[0])
        return False
    return True


def _looping(codes: CodeList) -> list[str]:
    parents = codes.parents()
    found: list[str] = []
    done: set[str] = set()
    for code in parents:
        trail: set[str] = set()
        here = code
        while here and here not in done and here not in trail:
            trail.add(here)
            here = parents.get(here, "")
        if here in trail:
            found.append(here)
        done |= trail
    return found


# A tree as rows, and back


def tree_of(loader: Loader, stem: str, rows: Rows) -> Keys:
    """Rows of a sheet as the tree that the YAML spelling would give."""
    if stem != "model":
        return loader.rows_as_map(rows, FORMS[stem].columns)
    return _model_tree(loader, rows)


def _model_tree(loader: Loader, rows: Rows) -> Keys:
    whole = Keys({}, 1, 1)
    above: dict[str, str] = dict.fromkeys(LEVELS, "")
    at: dict[str, Keys] = {}
    for row in rows.rows:
        for place, level in enumerate(LEVELS):
            cell = row.cells.get(level)
            if cell is None:
                continue
            if cell.text != above[level]:
                above.update(dict.fromkeys(LEVELS[place + 1 :], ""))
            above[level] = cell.text
            holder = whole if place == 0 else at.get(LEVELS[place - 1])
            if holder is None or (place and not above[LEVELS[place - 1]]):
                loader.folder.error("format.missing-cell", rows.path, row, key=LEVELS[place - 1])
                break
            if place:
                holder = _inside(holder, INSIDE[LEVELS[place - 1]], cell)
            if cell.text not in holder.entries:
                holder.entries[cell.text] = (cell, Keys({}, cell.line, cell.column))
            found = holder.entries[cell.text][1]
            assert isinstance(found, Keys)
            at[level] = found
        else:
            _fill(loader, rows.path, row, above, at)
    return whole


def _inside(holder: Keys, key: str, place: Scalar) -> Keys:
    if key not in holder.entries:
        holder.entries[key] = (place, Keys({}, place.line, place.column))
    found = holder.entries[key][1]
    assert isinstance(found, Keys)
    return found


def _fill(
    loader: Loader, path: str, row: Row, above: Mapping[str, str], at: Mapping[str, Keys]
) -> None:
    """What a row says of the levels that it names, and the attribute that it adds."""
    for level in LEVELS:
        zh, en = row.cells.get(f"{level}_title"), row.cells.get(f"{level}_title_en")
        if (zh or en) and above[level]:
            both: dict[str, tuple[Scalar, Node]] = {}
            both |= {"zh": (zh, zh)} if zh else {}
            both |= {"en": (en, en)} if en else {}
            place = zh or en
            assert place is not None
            value: Node = Keys(both, row.line, place.column) if en else place
            at[level].entries["title"] = (place, value)
    named = next((level for level in reversed(LEVELS) if level in row.cells), "")
    last = named or next((level for level in reversed(LEVELS) if above[level]), "")
    if not last:
        loader.folder.error("format.missing-cell", path, row, key="domain")
        return
    for key in ("owner", "steward", "note"):
        if key in row.cells:
            at[last].entries[key] = (row.cells[key], row.cells[key])
    needs = [key for key in ("table", "attribute") if key in row.cells]
    if needs and not above["entity"]:
        loader.folder.error("format.missing-cell", path, row, key="entity")
        return
    if "table" in row.cells:
        at["entity"].entries["table"] = (row.cells["table"], row.cells["table"])
    cell = row.cells.get("attribute")
    if cell is not None:
        attributes = _inside(at["entity"], "attributes", cell)
        element = row.cells.get("element") or Scalar("", cell.line, cell.column)
        if cell.text in attributes.entries:
            first = attributes.entries[cell.text][0].line
            loader.folder.error("format.duplicate-key", path, cell, key=cell.text, first=first)
        attributes.entries.setdefault(cell.text, (cell, element))


def rows_of(stem: str, tree: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of a sheet for a tree of plain dicts, lists and texts (`read.plain`)."""
    if stem == "model":
        return _model_rows(tree)
    lists = FORMS[stem].columns.lists
    rows: list[dict[str, str]] = []
    for key, entry in tree.items():
        row = {"id": key}
        for name, value in (entry or {}).items():
            if isinstance(value, dict):
                row |= {name: str(value.get("zh") or ""), f"{name}_en": str(value.get("en") or "")}
            elif name in lists:
                parts: list[str] = value if isinstance(value, list) else [str(value)]
                row[name] = join_cell(parts)
            elif value is not None:
                row[name] = str(value)
        rows.append({name: text for name, text in row.items() if text})
    return rows


def _model_rows(tree: Mapping[str, Any]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []

    def start(level: str, key: str, entry: Mapping[str, Any]) -> dict[str, str]:
        """The row that begins a level: it joins the one above while that only names."""
        joins = rows and rows[-1].get("open") == "1" and level not in rows[-1]
        row = rows.pop() if joins else {}
        row[level] = key
        title = entry.get("title")
        if isinstance(title, dict):
            row[f"{level}_title"] = str(title.get("zh") or "")
            row[f"{level}_title_en"] = str(title.get("en") or "")
        elif title is not None:
            row[f"{level}_title"] = str(title)
        said = {k: str(entry[k]) for k in ("owner", "steward", "note") if entry.get(k) is not None}
        row |= said
        row["open"] = "" if said or level == "entity" else "1"
        rows.append(row)
        return row

    for domain, inside in tree.items():
        start("domain", domain, inside or {})
        for thing, holder in ((inside or {}).get("objects") or {}).items():
            start("object", thing, holder or {})
            for key, entity in ((holder or {}).get("entities") or {}).items():
                row = start("entity", key, entity or {})
                if (entity or {}).get("table") is not None:
                    row["table"] = str(entity["table"])
                for name, element in ((entity or {}).get("attributes") or {}).items():
                    if "attribute" in row:
                        row = {}
                        rows.append(row)
                    row |= {"attribute": name, "element": str(element or "")}
        rows[-1]["open"] = ""
    return [{k: v for k, v in row.items() if k != "open" and v} for row in rows]


# YAML written

_PLAIN = re.compile(r"[A-Za-z0-9\u4e00-\u9fff][\w\u4e00-\u9fff .()/+%·、，。（）-]*")


def scalar(text: str) -> str:
    """A YAML scalar that reads back as exactly this text."""
    if _PLAIN.fullmatch(text) and not text.endswith(" ") and text.isprintable():
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """In double quotes; what YAML does not print is escaped."""
    escaped = (
        f"\\{char}" if char in '"\\' else char if char.isprintable() else f"\\U{ord(char):08x}"
        for char in text
    )
    return f'"{"".join(escaped)}"'


def yaml_text(tree: Mapping[str, Any], head: Sequence[str] = ()) -> str:
    """A tree of dicts, lists of texts, and texts as block YAML; `head` are comment lines."""
    lines = [f"# {line}" for line in head]
    _write(tree, 0, lines)
    return "\n".join(lines) + "\n"


def _write(tree: Mapping[str, Any], depth: int, lines: list[str]) -> None:
    for key, value in tree.items():
        name = "  " * depth + scalar(key)
        if isinstance(value, dict) and set(value) <= {"zh", "en"} and value:
            both = ", ".join(f"{k}: {quoted(str(v))}" for k, v in value.items())
            lines.append(f"{name}: {{{both}}}")
        elif isinstance(value, dict):
            lines.append(f"{name}:" if value else f"{name}: {{}}")
            _write(value, depth + 1, lines)
        elif isinstance(value, list):
            lines.append(f"{name}: [{', '.join(quoted(str(v)) for v in value)}]")
        else:
            lines.append(f"{name}:" if value in (None, "") else f"{name}: {scalar(str(value))}")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A code list as its file holds it."""
    import csv
    import io

    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def read_tree(loader: Loader, stem: str) -> Node | None:
    """A standard as it is written in the folder, whichever way; None when it is not there."""
    return _Standards(loader).either(stem)[1]


def as_tree(root: Node | None) -> dict[str, Any]:
    """A node as plain dicts, lists and texts; empty when there is none."""
    found = plain(root) if isinstance(root, Keys) else {}
    return found if isinstance(found, dict) else {}
