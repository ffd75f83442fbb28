"""Grade 分类分级 by GB/T 43697: detectors of identifiers, the level matrix, and grades that lineage
carries on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from functools import total_ordering
from typing import Annotated, Any, cast

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.ports import Rule, Rules
from sanhua.kernel.record import DecidedBy, DefinedBy, MadeFrom, Ref, record
from sanhua.kernel.table import Column
from sanhua.kernel.text import Text
from sanhua.resource.contract import DataContract, Property, TableSchema
from sanhua.resource.standard import DataElement
from sanhua.rules import identifiers

INSTRUMENT = "gbt_43697"
SAMPLED_VALUES = 400  # distinct values of a column whose check digits are tried


@total_ordering
class Grade(Enum):
    """级别, ordered: 核心数据 > 重要数据 > 一般数据 4 > 3 > 2 > 1."""

    GENERAL1 = "general1"
    GENERAL2 = "general2"
    GENERAL3 = "general3"
    GENERAL4 = "general4"
    IMPORTANT = "important"
    CORE = "core"

    def __lt__(self, other: Grade) -> bool:
        return _ORDER[self] < _ORDER[other]

    @property
    def is_general(self) -> bool:
        return self <= Grade.GENERAL4

    @property
    def title(self) -> Text:
        return _TITLES[self]

    @classmethod
    def parse(cls, written: str, *, code: str = "grade.unknown", **facts: Any) -> Grade:
        """`general3`, `important` …; `general` alone is its highest sub-level. Invalid `code` for
        anything else.
        """
        if written == "general":
            return cls.GENERAL4
        try:
            return cls(written)
        except ValueError:
            known = ", ".join(grade.value for grade in cls)
            raise Invalid(code, value=written, known=known, **facts) from None


_ORDER = {grade: rank for rank, grade in enumerate(Grade)}
_TITLES = {
    Grade.GENERAL1: Text("一般数据1级", "general data, level 1"),
    Grade.GENERAL2: Text("一般数据2级", "general data, level 2"),
    Grade.GENERAL3: Text("一般数据3级", "general data, level 3"),
    Grade.GENERAL4: Text("一般数据4级", "general data, level 4"),
    Grade.IMPORTANT: Text("重要数据", "important data"),
    Grade.CORE: Text("核心数据", "core data"),
}


def level(
    impact_object: str, severity: str, rules: Rules, on: date
) -> tuple[Grade, tuple[Rule, ...]]:
    """The grade for harm of `severity` to `impact_object`, with the rules that say so; the matrix
    of GB/T 43697.

    General data is placed on a sub-level by the severity of the harm to an organisation or person;
    a rule of its own places what is general although it hits the economy, society or the public.
    Invalid grade.unknown-impact for words that the matrix lacks.
    """
    matrix = rules.ask(INSTRUMENT, "level_matrix", on=on)
    rows = cast("Mapping[str, Mapping[str, str]]", matrix.value)
    sublevels = rules.ask(INSTRUMENT, "general_sublevels", on=on)
    placed = cast("Mapping[str, Any]", sublevels.value)
    if impact_object not in rows or severity not in placed:
        raise Invalid(
            "grade.unknown-impact",
            instrument=matrix.number,
            object=impact_object,
            severity=severity,
            known=f"{', '.join(rows)} × {', '.join(placed)}",
        )
    found = rows[impact_object].get(severity)
    if found in ("core", "important"):
        return Grade(found), (matrix,)
    if found == "general" and impact_object != OWN_RIGHTS:
        public = rules.ask(INSTRUMENT, "public_object_general_sublevel", on=on)
        return _sublevel(public.value), (matrix, public)
    return _sublevel(placed[severity]), (matrix, sublevels)


OWN_RIGHTS = (
    "organisation_or_person"  # the impact object whose general data has sub-levels of its own
)


def _sublevel(written: Any) -> Grade:
    text = str(written)
    return Grade(f"general{text}" if text.isdigit() else text)


def reassess(
    impacts: Iterable[tuple[str, str]], rules: Rules, on: date
) -> tuple[Grade, tuple[Rule, ...]]:
    """The highest level over all (impact object, severity) pairs (就高从严); general1 when there is
    none.
    """
    best, why = Grade.GENERAL1, ()
    for impact_object, severity in impacts:
        found, cited = level(impact_object, severity, rules, on)
        if found > best or not why:
            best, why = max(best, found), cited
    return best, why


# Detectors


@dataclass(frozen=True, slots=True)
class Detector:
    """What values of a kind look like. `share` of the values must match; `checked`: it has a check
    digit.

    `lengths` is tried before the shape, which is dearer; empty: no such bound. `names` are words
    that a column of the kind is called by, matched whole.
    """

    kind: str
    title: Text
    share: Decimal
    lengths: tuple[int, int] = (0, 0)
    checked: bool = False
    digits_only: bool = False  # may be kept in an integer column
    names: tuple[str, ...] = ()
    pattern: str = ""  # own shape; empty: that of rules.identifiers


# The surnames that most people bear: the first hundred of the yearly report of the Ministry of
# Public Security (全国姓名报告), and compound surnames still common.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡"
    "蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹"
    "薛闫雷龙史陶贺毛段郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文"
)
_COMPOUND = "欧阳|上官|司马|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|司徒|东方"
_NAME = f"^(({_COMPOUND})[一-龥]{{1,2}}|[{_SURNAMES}][一-龥]{{1,2}})$"
_ADDRESS = (
    "[省市区县镇乡旗街].{0,20}"
    "(路|街|道|巷|弄|胡同|村|组|大厦|小区|花园|公寓|[0-9０-９]+(号|栋|幢|室|单元))"
)

DETECTORS = (
    Detector(
        "resident_id",
        Text("公民身份号码", "resident identity number"),
        Decimal("0.01"),
        (18, 18),
        True,
        True,
        (
            "身份证",
            "身份证号",
            "身份证号码",
            "公民身份号码",
            "证件号码",
            "idcard",
            "idcardno",
            "idnumber",
            "residentid",
        ),
    ),
    Detector(
        "uscc",
        Text("统一社会信用代码", "unified social credit code"),
        Decimal("0.05"),
        (18, 18),
        True,
        False,
        ("统一社会信用代码", "社会信用代码", "信用代码", "uscc", "creditcode"),
    ),
    Detector(
        "phone",
        Text("手机号码", "mobile phone number"),
        Decimal("0.05"),
        (11, 11),
        False,
        True,
        (
            "手机",
            "手机号",
            "手机号码",
            "联系电话",
            "电话",
            "电话号码",
            "phone",
            "mobile",
            "telephone",
            "phoneno",
        ),
    ),
    Detector(
        "email",
        Text("电子邮箱", "e-mail address"),
        Decimal("0.05"),
        (6, 254),
        False,
        False,
        ("邮箱", "电子邮箱", "电子邮件", "email", "mail"),
    ),
    Detector(
        "bank_card",
        Text("银行卡号", "bank card number"),
        Decimal("0.05"),
        (13, 19),
        True,
        True,
        ("银行卡", "银行卡号", "银行账号", "卡号", "bankcard", "cardno", "bankaccount"),
    ),
    Detector(
        "plate",
        Text("机动车号牌", "vehicle plate"),
        Decimal("0.20"),
        (7, 8),
        False,
        False,
        ("车牌", "车牌号", "号牌号码", "plate", "plateno", "licenseplate"),
    ),
    Detector(
        "passport",
        Text("护照号码", "passport number"),
        Decimal("0.30"),
        (9, 9),
        False,
        False,
        ("护照", "护照号", "护照号码", "passport", "passportno"),
    ),
    Detector(
        "vin",
        Text("车辆识别代号", "vehicle identification number"),
        Decimal("0.20"),
        (17, 17),
        True,
        False,
        ("车架号", "车辆识别代号", "vin"),
    ),
    Detector(
        "name",
        Text("自然人姓名", "personal name"),
        Decimal("0.60"),
        (2, 4),
        False,
        False,
        ("姓名", "联系人", "户主", "患者姓名", "personname", "contactname", "contact", "fullname"),
        _NAME,
    ),
    Detector(
        "address",
        Text("住址", "postal address"),
        Decimal("0.30"),
        (6, 200),
        False,
        False,
        ("地址", "住址", "家庭住址", "通信地址", "用电地址", "address", "homeaddress"),
        _ADDRESS,
    ),
)
_BY_KIND = {detector.kind: detector for detector in DETECTORS}


@dataclass(frozen=True, slots=True)
class Detection:
    """What a column's values (or only its name) look like.

    `share` of the sampled values has the shape; `confirmed`: check digits were tried and hold.
    `by`: value | name.
    """

    column: str
    kind: str
    share: Decimal
    confirmed: bool
    by: str = "value"


def detectors(columns: Sequence[Column], rules: Rules, today: date) -> list[Metric]:
    """What to measure in one cheap scan of a sample: a column's values, and how many have each
    kind's shape.
    """
    patterns = {detector.kind: _pattern(detector, rules, today) for detector in DETECTORS}
    wanted: list[Metric] = []
    for column in columns:
        if not _may_identify(column):
            continue
        wanted.append(
            Metric(f"grade:{column.name}#values", f"count({sql.quote(column.name)})", Scan.SAMPLE)
        )
        wanted += [
            Metric(
                f"grade:{column.name}#{detector.kind}",
                _shape_count(detector, column, patterns[detector.kind]),
                Scan.SAMPLE,
            )
            for detector in DETECTORS
            if column.type == "VARCHAR" or detector.digits_only
        ]
    return wanted


def _may_identify(column: Column) -> bool:
    return column.type in ("VARCHAR", "BIGINT")


def _shape_count(detector: Detector, column: Column, pattern: str) -> str:
    """The regular expression runs only on values of the right length."""
    quoted = sql.quote(column.name)
    text = quoted if column.type == "VARCHAR" else f"CAST({quoted} AS VARCHAR)"
    low, high = detector.lengths
    fits = f"length({text}) = {low}" if low == high else f"length({text}) BETWEEN {low} AND {high}"
    matches = f"regexp_matches({text}, {sql.literal(pattern)})"
    return f"count_if(CASE WHEN {fits} THEN {matches} ELSE FALSE END)"


def _pattern(detector: Detector, rules: Rules, today: date) -> str:
    return detector.pattern or identifiers.shape(detector.kind, rules, today)


def samples(columns: Sequence[Column], measured: Iterable[Measured]) -> dict[str, Metric]:
    """By column where a kind with a check digit passed its shape: the distinct values to try.

    They are picked by the order of their hashes, so that they are the same every time and spread
    over all values; the metric's value is their list.
    """
    shares = _shares(measured)
    checked = [detector for detector in DETECTORS if detector.checked]
    wanted: dict[str, Metric] = {}
    for column in columns:
        if any(shares.get((column.name, d.kind), Decimal()) >= d.share for d in checked):
            text = f"CAST({sql.quote(column.name)} AS VARCHAR)"
            picked = f"arg_min(DISTINCT {text}, md5({text}), {SAMPLED_VALUES})"
            wanted[column.name] = Metric(f"grade:{column.name}#sample", picked, Scan.SAMPLE)
    return wanted


def _shares(measured: Iterable[Measured]) -> dict[tuple[str, str], Decimal]:
    counts: dict[tuple[str, str], int] = {}
    for result in measured:
        prefix, _, rest = result.metric.id.partition(":")
        if prefix == "grade" and result.error is None and result.value is not None:
            column, _, kind = rest.rpartition("#")
            counts[column, kind] = int(result.value)
    return {
        (column, kind): Decimal(count) / counts[column, "values"]
        for (column, kind), count in counts.items()
        if kind != "values" and counts.get((column, "values"))
    }


def detect(
    columns: Sequence[Column],
    measured: Iterable[Measured],
    sampled: Mapping[str, Sequence[str]],
    rules: Rules,
    today: date,
    *,
    names: Mapping[str, Sequence[str]] | None = None,
) -> list[Detection]:
    """What each column holds, by its values and, as a weaker sign, by its names.

    `sampled` are distinct values by column (`samples`). A kind with check digits whose
    sample has the shape but mostly fails the digits is something else (an order number) and is
    dropped; without a sample the shape alone counts, unconfirmed. `names` are further names of a
    column: heading, title, synonyms of its data element.
    """
    shares = _shares(measured)
    found: list[Detection] = []
    for column in columns:
        seen: set[str] = set()
        explained: set[str] = set()  # values that an earlier kind's check digit accounts for
        for detector in DETECTORS:
            share = shares.get((column.name, detector.kind), Decimal())
            if share < detector.share or share == 0:
                continue
            sample = sampled.get(column.name)
            confirmed = False
            if detector.checked and sample:
                held = _holding(detector, set(sample) - explained, rules, today)
                confirmed = bool(held)
                if not confirmed:
                    continue
                explained |= held
            seen.add(detector.kind)
            rounded = share.quantize(Decimal("0.0001"), ROUND_HALF_UP)
            found.append(Detection(column.name, detector.kind, rounded, confirmed))
        if _may_identify(column):
            called = {_plain(name) for name in (column.name, *(names or {}).get(column.name, ()))}
            for detector in DETECTORS:
                if detector.kind not in seen and called.intersection(map(_plain, detector.names)):
                    found.append(Detection(column.name, detector.kind, Decimal(), False, "name"))
    return found


def _holding(detector: Detector, sample: set[str], rules: Rules, today: date) -> set[str]:
    """The values whose check digit holds, if they are two thirds of those with the shape.

    By chance about one in ten would hold. Empty when they are fewer.
    """
    pattern = re.compile(_pattern(detector, rules, today))
    shaped = [value for value in sample if pattern.search(value)]
    held = {value for value in shaped if identifiers.valid(detector.kind, value, rules, today)}
    return held if len(held) * 3 >= len(shaped) * 2 else set()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def names_of(
    schema: TableSchema, elements: Mapping[str, DataElement]
) -> dict[str, tuple[str, ...]]:
    """Column → its heading, titles and the names of its data element, for `detect`."""
    found: dict[str, tuple[str, ...]] = {}
    for prop in schema.properties:
        element = elements.get(prop.element)
        more = (
            (element.id, element.title.zh, element.title.en, *element.synonyms) if element else ()
        )
        found[prop.name] = tuple(filter(None, (prop.heading, prop.title.zh, prop.title.en, *more)))
    return found


# Grades


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a grade is at least `grade`. `by`: value, name, floor, inherited, class (open or share
    class), default.
    """

    by: str
    grade: Grade
    text: Text
    decided_by: DecidedBy = ""
    cite: str = ""
    definition: DefinedBy = ""
    inherited_from: Annotated[str, Ref("inherited_from")] = ""


@dataclass(frozen=True, slots=True)
class ColumnGrade:
    """`grade:<table>.<column>`: the highest of its reasons, which come highest first.

    `category` is the declared classification path, or personal, sensitive_personal, enterprise, or
    empty. `lowered_from`: the inherited grade that a recorded de-identification and a person's
    assessment took away.
    """

    id: str
    name: str
    column: Annotated[str, Ref("about")]
    grade: Grade
    category: str
    reasons: tuple[Reason, ...]
    lowered_from: Grade | None = None
    deidentified: str = ""

    @property
    def reason(self) -> Text:
        return self.reasons[0].text


@record("grade")
@dataclass(frozen=True, slots=True)
class Grading:
    """`grade:<table>`: a table is as high as its highest column, or higher by what applies to the
    whole of it.
    """

    id: str
    table: str
    snapshot: MadeFrom
    grade: Grade
    columns: tuple[ColumnGrade, ...]
    reasons: tuple[Reason, ...]
    graded_by: tuple[
        Annotated[str, Ref("graded_by")], ...
    ]  # the columns that the table's grade comes from
    notes: tuple[Note, ...] = ()

    def column(self, name: str) -> ColumnGrade:
        return next(column for column in self.columns if column.name == name)

    def diagnostics(self) -> list[Diagnostic]:
        return [
            Diagnostic(
                Severity(note.severity),
                note.code,
                note.path,
                note.line,
                node=self.id,
                facts=note.facts,
            )
            for note in self.notes
        ]


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should see about a column's grade."""

    severity: str
    code: str
    path: str
    line: int
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


def inheritable(gradings: Iterable[Grading]) -> dict[str, ColumnGrade]:
    """`table.column` → its grade, for the tables that are made from these."""
    return {
        f"{grading.table}.{column.name}": column
        for grading in gradings
        for column in grading.columns
    }


def surviving(
    table: str,
    columns: Sequence[Column],
    schema: TableSchema | None,
    lineage: Sequence[sql.ColumnLineage],
) -> dict[str, Metric]:
    """By text column declared de-identified: how many of its values still stand in what it was made
    from. A method that was only declared, or a max() of names, leaves them all.
    """
    declared = (
        {prop.name for prop in schema.properties if prop.deidentify} if schema else set[str]()
    )
    made_of = {made.name: made.sources for made in lineage}
    wanted: dict[str, Metric] = {}
    for column in columns:
        if column.name not in declared or column.type != "VARCHAR" or not made_of.get(column.name):
            continue
        kept = sql.quote(column.name)
        found = " OR ".join(
            f"value IN (SELECT CAST({sql.quote(c)} AS VARCHAR) FROM {sql.quote(t)})"
            for t, c in made_of[column.name]
        )
        query = (
            f"SELECT count(*) FROM (SELECT DISTINCT {kept} AS value FROM {sql.quote(table)} "
            f"WHERE {kept} IS NOT NULL) WHERE {found}"
        )
        wanted[column.name] = Metric(f"grade:{column.name}#surviving", query, Scan.QUERY)
    return wanted


def grade(
    table: str,
    columns: Sequence[Column],
    detections: Sequence[Detection],
    rules: Rules,
    today: date,
    *,
    snapshot: str,
    schema: TableSchema | None = None,
    contract: DataContract | None = None,
    lineage: Sequence[sql.ColumnLineage] | None = None,
    inherited: Mapping[str, ColumnGrade] | None = None,
    surviving: Mapping[str, int] | None = None,
) -> Grading:
    """Grade every column and the table, each with all its reasons; the highest wins (就高从严).

    A column is at least what its values (or name) identify, what a person set (`classification`),
    and the highest of the columns it was made from, through aggregates too. Only this lowers an
    inherited grade: `deidentify` declared, a `classification` beside it (the assessment
    afterwards), an SQL that does not merely copy, and no value of the source left in it
    (`surviving`, a count by column; without one nothing is shown to be gone). Columns that only
    filter or join do not pass on their grade. `inherited` are the inputs' grades by
    `table.column`.
    """
    properties = {prop.name: prop for prop in schema.properties} if schema else {}
    sources = {made.name: made for made in lineage or ()}
    kinds = rules.ask(INSTRUMENT, "identifier_grades", on=today)
    floors = rules.ask(INSTRUMENT, "floors", on=today)
    notes: list[Note] = []
    graded: list[ColumnGrade] = []
    for column in columns:
        prop = properties.get(column.name)
        assessed = bool(prop and prop.deidentify and prop.classification)
        own = [
            detection
            for detection in detections
            if detection.column == column.name
            and detection.kind in kinds.value
            and not (assessed and detection.by == "name")
        ]
        reasons = [_by_detection(detection, kinds, floors) for detection in own]
        category = _category([detection.kind for detection in own], kinds)
        floor = Grade.parse(prop.classification) if prop and prop.classification else None
        definition = contract.origin.sha256 if contract else ""
        if floor is not None:
            reasons.append(
                Reason(
                    "floor",
                    floor,
                    Text("由人设定的下限", "a floor set by a person"),
                    definition=definition,
                )
            )
        from_inputs, source_category = _inherit(sources.get(column.name), inherited or {})
        lowered: Grade | None = None
        if from_inputs:
            highest = max(reason.grade for reason in from_inputs)
            left = (surviving or {}).get(column.name, 0 if column.type != "VARCHAR" else 1)
            made = sources[column.name]
            if _deidentified(prop, floor, made, left, highest, column.name, table, notes, contract):
                lowered = highest if floor is not None and floor < highest else None
            else:
                reasons += from_inputs
                category = category or source_category
        if not reasons:
            text = Text(
                "未发现标识信息，也没有人设定级别",
                "nothing identifying was found and nobody set a grade",
            )
            reasons = [Reason("default", Grade.GENERAL1, text)]
        reasons.sort(key=lambda reason: _ORDER[reason.grade], reverse=True)
        if floor is not None and reasons[0].grade > floor and prop is not None:
            facts = {
                "column": f"{table}.{column.name}",
                "declared": floor.value,
                "grade": reasons[0].grade.value,
                "reason": str(reasons[0].text),
            }
            notes.append(
                Note(
                    "note",
                    "grade.raised",
                    contract.origin.path if contract else "",
                    prop.origin.line,
                    facts,
                )
            )
        declared = (prop.category if prop else "") or (contract.category if contract else "")
        graded.append(
            ColumnGrade(
                ids.node("grade", f"{table}.{column.name}"),
                column.name,
                ids.column(table, column.name, snapshot),
                reasons[0].grade,
                category or declared,
                tuple(reasons),
                lowered,
                prop.deidentify if prop else "",
            )
        )
    highest = max((column.grade for column in graded), default=Grade.GENERAL1)
    whole = _by_class(contract, rules, today)
    return Grading(
        ids.node("grade", table),
        table,
        snapshot,
        max([highest, *(reason.grade for reason in whole)]),
        tuple(graded),
        tuple(whole),
        tuple(column.id for column in graded if column.grade == highest),
        tuple(notes),
    )


def _inherit(
    made: sql.ColumnLineage | None, inherited: Mapping[str, ColumnGrade]
) -> tuple[list[Reason], str]:
    found: list[Reason] = []
    category, strongest = "", Grade.GENERAL1
    for source_table, source_column in made.sources if made else ():
        source = inherited.get(f"{source_table}.{source_column}")
        if source is None:
            continue
        name = f"{source_table}.{source_column}"
        text = Text(
            f"承自 {name}：{source.reason.zh}", f"inherited from {name}: {source.reason.say('en')}"
        )
        first = source.reasons[0]
        found.append(
            Reason("inherited", source.grade, text, first.decided_by, first.cite, "", source.id)
        )
        if source.category and source.grade >= strongest:
            category, strongest = source.category, source.grade
    return found, category


def _deidentified(
    prop: Property | None,
    floor: Grade | None,
    made: sql.ColumnLineage,
    left: int,
    highest: Grade,
    column: str,
    table: str,
    notes: list[Note],
    contract: DataContract | None,
) -> bool:
    """Whether the inherited grade may be left behind; says in `notes` why not."""
    if prop is None or not prop.deidentify:
        return False
    facts = {"column": f"{table}.{column}", "method": prop.deidentify, "grade": highest.value}
    path = contract.origin.path if contract else ""
    if made.transform == "copy" or left:
        facts["source"] = ", ".join(f"{t}.{c}" for t, c in made.sources)
        notes.append(Note("warning", "grade.not-deidentified", path, prop.origin.line, facts))
        return False
    if floor is None:
        notes.append(Note("note", "grade.not-reassessed", path, prop.origin.line, facts))
        return False
    return True


def _by_detection(detection: Detection, kinds: Rule, floors: Rule) -> Reason:
    """A name alone raises a column no higher than ordinary personal information; its values can."""
    found = _sublevel(_entry(kinds, detection.kind)["floor"])
    title = _BY_KIND[detection.kind].title
    percent = f"{(detection.share * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"
    if detection.by == "name":
        found = min(found, _sublevel(floors.value["personal"]))
        text = Text(
            f"列名表明为{title.zh}（未见其值）", f"named like a {title.en} (values do not show it)"
        )
    elif detection.confirmed:
        text = Text(
            f"{percent} 的值为{title.zh}（校验位相符）",
            f"{percent} of the values are a {title.en} (check digits hold)",
        )
    else:
        text = Text(
            f"{percent} 的值形如{title.zh}", f"{percent} of the values look like a {title.en}"
        )
    return Reason(detection.by, found, text, kinds.node, kinds.cite)


def _entry(kinds: Rule, kind: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Mapping[str, Any]]", kinds.value)[kind]


def personal_kinds(rules: Rules, today: date) -> frozenset[str]:
    """The kinds of identifiers that are personal information."""
    kinds = rules.ask(INSTRUMENT, "identifier_grades", on=today)
    return frozenset(
        kind for kind in kinds.value if _category((kind,), kinds) not in ("", "enterprise")
    )


def _category(kinds_found: Sequence[str], kinds: Rule) -> str:
    """The most sensitive category among what was detected."""
    order = ("", "enterprise", "personal", "sensitive_personal")
    found: list[str] = []
    for kind in kinds_found:
        if kind in kinds.value:
            entry = _entry(kinds, kind)
            personal = "sensitive_personal" if entry.get("sensitive") else "personal"
            found.append(personal if entry.get("category") else "enterprise")
    return max(found, key=order.index, default="")


def _by_class(contract: DataContract | None, rules: Rules, today: date) -> list[Reason]:
    """The floor for public data by its classes: closed when it may go nowhere, else conditional.

    Data that one class lets out is not closed; unconditional classes alone set no floor.
    """
    if contract is None:
        return []
    said = {"shareClass": contract.share_class, "openClass": contract.open_class}
    classes = {name: written for name, written in said.items() if written}
    if set(classes.values()) <= {"unconditional"}:
        return []
    floors = rules.ask(INSTRUMENT, "floors", on=today)
    key = "closed" if set(classes.values()) == {"none"} else "conditionally_open"
    text = ", ".join(f"{name}: {written}" for name, written in classes.items())
    return [
        Reason(
            "class",
            _sublevel(floors.value[key]),
            Text(text, text),
            floors.node,
            floors.cite,
            contract.origin.sha256,
        )
    ]
