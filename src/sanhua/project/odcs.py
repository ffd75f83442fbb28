"""Data contracts (Open Data Contract Standard v3) into the part that sanhua acts on.

These files follow ordinary YAML typing because other tools read them too; v3.0 spellings are read,
unknown custom properties are left alone, a near miss of ours is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sanhua.interchange.odcs import RULES_OF_3_0
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ids import NAME, node
from sanhua.kernel.text import Text
from sanhua.project import schema
from sanhua.project.custom import Custom
from sanhua.project.model import SqlFile
from sanhua.project.read import (
    Folder,
    Items,
    Keys,
    Node,
    Scalar,
    decimal,
    nearest,
    nearest_or_some,
    ordinary,
    traps,
)
from sanhua.resource.collect import canonical_type
from sanhua.resource.contract import (
    DAY_S,
    LATENCY,
    UNIT_S,
    DataContract,
    Member,
    Property,
    QualityRule,
    Repair,
    Sla,
    TableSchema,
)
from sanhua.resource.quality import SEVERITIES, listed_values
from sanhua.resource.standard import crossed, limit
from sanhua.resource.standard.codes import DAY

if TYPE_CHECKING:
    from sanhua.project.loading import Loader

OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
SLA = (  # as ODCS names them; only a latency is measured
    *LATENCY,
    *("frequency", "fy", "retention", "re", "availability", "av", "timeOfAvailability", "ta"),
    *("throughput", "th", "errorRate", "er", "generalAvailability", "ga", "endOfSupport", "es"),
    *("endOfLife", "el", "timeToDetect", "td", "timeToNotify", "tn", "timeToRepair", "tr"),
)
LIMITS = (("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"))
ARGUMENTS = ("missingValues", "validValues", "pattern", "properties", "unit")
METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
UNITS = ("rows", "percent")
DIMENSIONS = {
    "conformity": "0104",
    "completeness": "0201",
    "accuracy": "0301",
    "consistency": "0402",
    "timeliness": "0502",
    "uniqueness": "0304",
    "coverage": "0202",
}
CUSTOM = {
    "property": (
        *("dataElement", "category", "deidentify", "repair"),
        *("unit", "authoritative", "codesOn"),
        *("validity", "follows", "ordered"),
    ),
    "quality": ("indicator", "weight", "keepFailedRows"),
    "contract": ("category", "shareClass", "openClass", "shareBasis", "openConditions"),
    "table": ("category", "repairOf", "reconciles", "controlTotals"),
}
OURS = sorted({name for names in CUSTOM.values() for name in names})
GRADES = ("core", "important", "general4", "general3", "general2", "general1")
DEIDENTIFY = ("mask", "generalise", "token", "k_anonymity")
CLASSES = ("unconditional", "conditional", "none")
KEPT = {"price": "products/", "servers": "sources/", "roles": "deals/"}


def load_contracts(loader: Loader) -> None:
    """Every file of `contracts/` into `project.contracts`."""
    folder = loader.folder
    for path in loader.files("contracts", ".odcs.yaml", ".odcs.yml"):
        key = loader.stem(path, ".odcs.yaml" if path.endswith(".yaml") else ".odcs.yml")
        root = folder.yaml(path)
        if root is None or not isinstance(root, Keys):
            if root is not None:
                folder.error("format.not-a-mapping", path, root)
            continue
        for trap in traps(root):
            folder.warn("format.quote-it", path, trap, value=trap.text)
        faults = schema.faults("contract", root, path, typed=True)
        folder.found += [fault.diagnostic for fault in faults]
        if key and not faults:
            loader.mark(node("contract", key), root, path)
            loader.typed(path, root, lambda r=root, p=path, k=key: _Contract(loader, p, k).read(r))
    for path in folder.under("contracts"):
        if path.endswith((".yaml", ".yml")) and ".odcs." not in path:
            loader.read_paths.add(path)
            folder.warn(
                "project.unknown-file", path, nearest=re.sub(r"\.ya?ml$", ".odcs.yaml", path)
            )


def repairs_as_sql(loader: Loader) -> None:
    """Each repaired table, and its rejects, as a statement of `project.sql`."""
    from sanhua.resource import repair

    project = loader.project
    for contract in project.contracts.values():
        for table in contract.tables:
            if not table.repair_of:
                continue
            origin = replace(table.origin, sha256=contract.origin.sha256)
            try:
                plan = repair.plan_of(table, project.elements)
            except Invalid as fault:
                loader.folder.error(fault.code, origin.path, origin.line, **fault.diagnostic.facts)
                continue
            made = {table.name: plan.repaired(), table.name + repair.REJECTS: plan.rejects()}
            for name, text in made.items():
                if text and name in project.sql:
                    other = project.sql[name].origin.path
                    loader.folder.error("contract.table-twice", origin.path, origin.line,
                                        table=name, other=other)  # fmt: skip
                elif text:
                    project.sql[name] = SqlFile(name, text, origin)


def as_written(root: Path, path: str, env: Mapping[str, str]) -> dict[str, Any]:
    """A contract's file as ordinary YAML types it; a number with a point is a Decimal of its
    digits. Empty when it is no mapping.
    """
    tree = Folder(root, env).yaml(path)
    return {k: _exact(v) for k, (_, v) in tree.entries.items()} if isinstance(tree, Keys) else {}


def _exact(node: Node) -> Any:
    if isinstance(node, Items):
        return [_exact(item) for item in node.items]
    if isinstance(node, Keys):
        return {key: _exact(value) for key, (_, value) in node.entries.items()}
    typed = ordinary(node)
    if isinstance(typed, float):
        return Decimal(node.text)
    long = isinstance(typed, str) and not node.quoted and re.fullmatch(r"[-+]?[1-9]\d{17,}", typed)
    return int(typed) if long else typed


class _Contract:
    def __init__(self, loader: Loader, path: str, key: str) -> None:
        self.loader, self.folder, self.path, self.key = loader, loader.folder, path, key
        self.node = node("contract", key)
        self.columns: list[str] = []  # of the table that is read

    def read(self, root: Keys) -> None:
        if root.text("id") != self.key:
            place = root.scalar("id")
            self.folder.error(
                "contract.id-differs", self.path, place, value=root.text("id"), file=self.key
            )
        for key, instead in KEPT.items():
            if key in root:
                self.folder.warn(
                    "contract.kept-only", self.path, root.place(key), key=key, instead=instead
                )
        custom = self.custom(root, "contract")
        for name in ("shareClass", "openClass"):
            self.one_of(custom.get(name), CLASSES, name)
        told = root.get("description")
        words = (
            told.text("purpose")
            if isinstance(told, Keys)
            else told.text
            if isinstance(told, Scalar)
            else ""
        )
        tables = tuple(self.table(item) for item in root.items("schema") if isinstance(item, Keys))
        default = root.text("slaDefaultElement")
        contract = DataContract(
            self.key,
            self.folder.origin(self.path, 1),
            tables,
            root.text("version"),
            root.text("status"),
            self.words(root.text("name") or self.key),
            root.text("domain"),
            self.words(words),
            root.words("tags"),
            self.text_of(custom, "category"),
            tuple(
                self.sla(item, tables, default)
                for item in root.items("slaProperties")
                if isinstance(item, Keys)
            ),
            self.text_of(custom, "shareClass"),
            self.text_of(custom, "openClass"),
            self.text_of(custom, "shareBasis"),
            self.text_of(custom, "openConditions"),
            self.team(root.get("team")),
        )
        self.loader.keep(
            self.loader.project.contracts, self.key, contract, self.path, root, "contract"
        )

    def sla(self, found: Keys, tables: tuple[TableSchema, ...], default: str) -> Sla:
        """A service level; what would keep a promised latency from being judged is an error."""
        made = Sla(
            found.text("property"),
            found.text("value"),
            found.text("unit"),
            found.text("element", default),
            self.folder.origin(self.path, found),
        )
        if made.property not in SLA:
            near = nearest(made.property, SLA)
            say = self.folder.error if near else self.folder.note
            hint = near or nearest_or_some(made.property, SLA)
            at = found.place("property")
            say("contract.unknown-sla", self.path, at, value=made.property, nearest=hint)
        measured = made.property in LATENCY
        tell = self.folder.error if measured else self.folder.warn
        columns = {table.name: {p.name: p for p in table.properties} for table in tables}
        promised: list[Property] = []
        for table, column in made.columns():
            inside = [columns[t] for t in columns if table in ("", t)]
            known = {column: prop for props in inside for column, prop in props.items()}
            if column in known:
                promised.append(known[column])
            elif table or column not in columns or measured:
                listed = [f"{t}.{c}" for t in columns for c in columns[t]]
                written = f"{table}.{column}" if table else column
                near = nearest_or_some(written, listed if table else known)
                tell("ref.column", self.path, found.place("element"), value=written, nearest=near)
        if measured:
            self.latency(found, made, promised)
        return made

    def latency(self, found: Keys, made: Sla, promised: Sequence[Property]) -> None:
        """Number, unit and columns of a latency, without which nothing is measured."""
        unit, path = made.unit or "d", self.path
        if not re.fullmatch(r"\d+(\.\d+)?", made.value):
            at = found.place("value")
            self.folder.error("format.not-a-number", path, at, key="value", value=made.value)
        if not made.unit_s():
            near, known = nearest_or_some(unit, UNIT_S), ", ".join(UNIT_S)
            at = found.place("unit")
            self.folder.error(
                "format.not-one-of", path, at, key="unit", value=unit, nearest=near, known=known
            )
            return
        if not made.columns():
            self.folder.warn("contract.latency-of-nothing", path, found)
        fine = made.unit_s() < DAY_S
        wanted = ("TIMESTAMP",) if fine else ("DATE", "TIMESTAMP")
        for prop in promised:
            zone = prop.options.get("defaultTimezone", "UTC")
            if fine and not _is_zone(zone):
                self.folder.error("contract.unknown-zone", path, prop.origin.line, value=zone)
            kind = canonical_type(prop, self.loader.project.elements.get(prop.element))
            if kind not in wanted:
                facts = {"column_name": prop.name, "type": kind, "wanted": " / ".join(wanted)}
                at = found.place("element")
                self.folder.error("contract.latency-type", path, at, unit=unit, **facts)

    def table(self, found: Keys) -> TableSchema:
        name = found.scalar("name")
        assert name is not None  # required by the schema
        if not NAME.fullmatch(name.text):
            raise Invalid(
                "format.not-an-id",
                path=self.path,
                line=name.line,
                column=name.column,
                value=name.text,
                key="name",
            )
        self.columns = [
            item.text("name") for item in found.items("properties") if isinstance(item, Keys)
        ]
        custom, words = self.custom(found, "table"), Custom(self.folder, self.path, self.columns)
        repair_of = self.text_of(custom, "repairOf")
        reconciles = [
            words.reconciliation(item.entries["value"][1], self.folder.origin(self.path, item))
            for item in found.items("customProperties")
            if isinstance(item, Keys) and item.text("property") == "reconciles"
        ]
        totals = words.totals(
            custom.get("controlTotals"),
            self.folder.origin(self.path, custom.get("controlTotals") or name),
        )
        properties = [
            self.property(item, name.text)
            for item in found.items("properties")
            if isinstance(item, Keys)
        ]
        seen: dict[str, int] = {}
        for prop in properties:
            if prop.name.casefold() in seen:
                raise Invalid(
                    "contract.duplicate-column",
                    path=self.path,
                    line=prop.origin.line,
                    column_name=prop.name,
                    first=seen[prop.name.casefold()],
                )
            seen[prop.name.casefold()] = prop.origin.line
        related = self.related(found)
        if related:
            properties = [
                replace(p, references=(*p.references, *related[p.name])) if p.name in related else p
                for p in properties
            ]
        physical = found.text("physicalType", "table").lower()
        return TableSchema(
            name.text,
            tuple(properties),
            self.folder.origin(self.path, name),
            "view" if physical == "view" else "table",
            self.rules(found, ""),
            repair_of,
            tuple(one for one in reconciles if one is not None),
            totals,
        )

    def related(self, found: Keys) -> dict[str, list[str]]:
        """Column → what it refers to, from the relationships of the table (composite keys
        pairwise).
        """
        pairs: dict[str, list[str]] = {}
        for item in found.items("relationships"):
            if not isinstance(item, Keys):
                continue
            sources, targets = item.words("from"), item.words("to")
            if len(sources) != len(targets):
                self.folder.error(
                    "contract.relationship", self.path, item, left=len(sources), right=len(targets)
                )
                continue
            for source, target in zip(sources, targets, strict=True):
                pairs.setdefault(source.rpartition(".")[2], []).append(target)
        return pairs

    def property(self, found: Keys, table: str) -> Property:
        name = found.scalar("name")
        assert name is not None  # required by the schema
        custom = self.custom(found, "property")
        grade = found.scalar("classification")
        classification = grade.text if grade else ""
        if grade and grade.text not in GRADES:
            near = nearest_or_some(grade.text, GRADES)
            self.folder.warn(
                "contract.foreign-classification", self.path, grade, value=grade.text, nearest=near
            )
            classification = ""
        deidentify = custom.get("deidentify")
        self.one_of(
            deidentify if isinstance(deidentify, Scalar) else _method(deidentify),
            DEIDENTIFY,
            "deidentify",
        )
        keyed = ordinary(found.get("primaryKey") or Scalar("false", 0, 0)) is True
        position = int(found.text("primaryKeyPosition", "0") or 0)
        references = [
            to
            for item in found.items("relationships")
            if isinstance(item, Keys)
            for to in item.words("to")
        ]
        made = Property(
            name.text,
            self.folder.origin(self.path, name),
            found.text("physicalName"),
            self.words(found.text("businessName")),
            found.text("logicalType", "string"),
            found.text("physicalType"),
            _options(found.keys("logicalTypeOptions")),
            _true(found, "required"),
            _true(found, "unique"),
            (position if position > 0 else 1) if keyed else 0,
            _true(found, "partitioned"),
            classification,
            self.text_of(custom, "dataElement"),
            self.text_of(custom, "category"),
            self.text_of(custom, "deidentify"),
            tuple(references),
            self.rules(found, name.text),
            self.repairs(custom.get("repair")),
            self.text_of(custom, "unit"),
            self.flag(custom, "authoritative"),
            self.codes_on(custom),
            self.words(found.text("description")),
            Custom(self.folder, self.path, self.columns).timing(custom),
        )
        if options := found.keys("logicalTypeOptions"):
            self.bounds(options, made)
        return made

    def repairs(self, written: Node | None) -> tuple[Repair, ...]:
        from sanhua.resource import repair

        try:
            return repair.read(_exact(written)) if written is not None else ()
        except Invalid as fault:
            self.folder.error(fault.code, self.path, written, **fault.diagnostic.facts)
            return ()

    def flag(self, custom: Mapping[str, Node], name: str) -> bool:
        value = custom.get(name)
        if isinstance(value, Scalar) and value.text not in ("true", "false"):
            near = nearest_or_some(value.text, ("true", "false"))
            facts = {"key": name, "value": value.text, "nearest": near, "known": "true, false"}
            self.folder.error("format.not-one-of", self.path, value, **facts)
        return isinstance(value, Scalar) and value.text == "true"

    def codes_on(self, custom: Mapping[str, Node]) -> str:
        """A day, or a column of the table, on which a code must be valid."""
        value = custom.get("codesOn")
        if not isinstance(value, Scalar):
            return ""
        if not DAY.fullmatch(value.text) and value.text not in self.columns:
            near = nearest_or_some(value.text, self.columns)
            self.folder.error("ref.column", self.path, value, value=value.text, nearest=near)
            return ""
        return value.text

    def team(self, found: Node | None) -> tuple[Member, ...]:
        """The members of `team`: its `members`, or the list that v3.0 wrote."""
        listed = found.items("members") if isinstance(found, Keys) else []
        listed = found.items if isinstance(found, Items) else listed
        return tuple(
            Member(
                item.text("username"),
                item.text("role"),
                item.text("name"),
                item.text("dateIn"),
                item.text("dateOut"),
                self.folder.origin(self.path, item),
            )
            for item in listed
            if isinstance(item, Keys) and item.text("username")
        )

    def bounds(self, found: Keys, prop: Property) -> None:
        """A bound that is none of its column's type, or that no value can meet, is told."""
        kind = canonical_type(prop, self.loader.project.elements.get(prop.element))
        type = "BIGINT" if kind == "VARCHAR" else kind
        pairs = (("minLength", "maxLength"),) if kind == "VARCHAR" else LIMITS
        for low, high in pairs:
            written = [prop.options.get(key, "") for key in (low, high)]
            for key, value in zip((low, high), written, strict=True):
                if value and limit(value, type) is None:
                    at = found.place(key)
                    self.folder.error(
                        "format.wrong-form", self.path, at, key=key, value=value, wanted=type
                    )
            if crossed(written[0], written[1], type):
                at = found.place(high)
                self.folder.error(
                    "format.empty-range", self.path, at, low=written[0], high=written[1]
                )

    def rules(self, holder: Keys, column: str) -> tuple[QualityRule, ...]:
        found = [
            self.rule(item, column) for item in holder.items("quality") if isinstance(item, Keys)
        ]
        return tuple(rule for rule in found if rule is not None)

    def rule(self, found: Keys, column: str) -> QualityRule | None:
        kind = found.text("type") or (
            "sql" if "query" in found and "metric" not in found else "library"
        )
        custom = self.custom(found, "quality")
        name = (
            found.text("name")
            or found.text("metric")
            or found.text("rule")
            or found.text("description")
        )
        if kind == "custom":
            engine = found.text("engine") or "–"
            self.folder.warn(
                "contract.rule-of-other-engine", self.path, found, name=name or kind, engine=engine
            )
            return None
        if kind == "text":
            return self.worded(found, column, name, custom)
        if "schedule" in found or "scheduler" in found:
            self.folder.note("contract.rule-schedule", self.path, found, name=name)
        metric = found.text("metric")
        if kind == "library" and not metric:
            metric = RULES_OF_3_0.get(found.text("rule"), found.text("rule"))
        if kind == "library" and metric not in METRICS:
            near = nearest_or_some(metric, METRICS)
            self.folder.error(
                "contract.unknown-metric", self.path, found, value=metric or "–", nearest=near
            )
            return None
        given = [operator for operator in OPERATORS if operator in found]
        if len(given) != 1:
            self.folder.error(
                "contract.one-operator",
                self.path,
                found,
                name=name,
                given=", ".join(given) or "–",
                known=OPERATORS[0],
            )
            return None
        bounds = found.words(given[0]) or ("",)
        arguments = _options(found.keys("arguments"))
        if found.text("unit"):
            arguments["unit"] = found.text("unit")
        elif found.text("rule") == "duplicatePercent":
            arguments["unit"] = "percent"
        valid_values = found.get("validValues")
        if valid_values is not None and "validValues" not in arguments:
            arguments["validValues"] = _compact(valid_values)
        if not self.measurable(found, metric, column, arguments, given[0], bounds):
            return None
        self.kept_only(found, name, metric)
        indicator = custom.get("indicator")
        code = (
            indicator.text
            if isinstance(indicator, Scalar)
            else DIMENSIONS.get(found.text("dimension"), "")
        )
        if isinstance(indicator, Scalar) and not re.fullmatch(r"0[1-6]\d\d", code):
            self.folder.error("contract.not-an-indicator", self.path, indicator, value=code)
        for name_of, form in (("weight", r"\d{1,6}(\.\d{1,6})?"), ("keepFailedRows", r"\d{1,6}")):
            value = custom.get(name_of)
            if isinstance(value, Scalar) and not re.fullmatch(form, value.text):
                self.folder.error(
                    "format.not-a-number", self.path, value, key=name_of, value=value.text
                )
                return None
        if int(self.text_of(custom, "keepFailedRows") or 0) and metric in ("", "rowCount"):
            at = custom["keepFailedRows"]
            self.folder.warn("contract.rule-keeps-nothing", self.path, at, name=name)
        return QualityRule(
            name or f"{column or 'table'} {metric or kind}",
            "sql" if kind == "sql" else "metric",
            given[0],
            bounds,
            self.folder.origin(self.path, found),
            metric if kind != "sql" else "",
            arguments,
            found.text("query") if kind == "sql" else "",
            column,
            code,
            found.text("severity", "warning"),
            self.text_of(custom, "weight") or "1",
            int(self.text_of(custom, "keepFailedRows") or 0),
            found.text("description"),
            found.text("businessImpact"),
        )

    def kept_only(self, found: Keys, name: str, metric: str) -> None:
        """A unit or a severity that nothing acts on is told."""
        for key, known in (("unit", UNITS if metric else ()), ("severity", SEVERITIES)):
            value = found.scalar(key)
            if value is not None and known and value.text not in known:
                self.folder.warn(
                    "contract.rule-word",
                    self.path,
                    value,
                    name=name,
                    key=key,
                    value=value.text,
                    known=", ".join(known),
                )

    def worded(
        self, found: Keys, column: str, name: str, custom: Mapping[str, Node]
    ) -> QualityRule:
        """A rule in words: kept and shown, for a person to judge."""
        indicator = custom.get("indicator")
        return QualityRule(
            name or "text",
            "text",
            "",
            (),
            self.folder.origin(self.path, found),
            column=column,
            indicator=indicator.text
            if isinstance(indicator, Scalar)
            else DIMENSIONS.get(found.text("dimension"), ""),
            told=found.text("description"),
            impact=found.text("businessImpact"),
        )

    def measurable(
        self,
        found: Keys,
        metric: str,
        column: str,
        arguments: Mapping[str, str],
        operator: str,
        bounds: Sequence[str],
    ) -> bool:
        """Whether a rule says all that measuring it takes; what it lacks is told."""
        folder, path, given = self.folder, self.path, found.keys("arguments")
        before = len(folder.found)
        for bound in bounds:
            if bound not in ("true", "false") and decimal(bound) is None:
                folder.error(
                    "format.not-a-number", path, found.place(operator), key=operator, value=bound
                )
                return False
        if len(bounds) == 2 and Decimal(bounds[0]) > Decimal(bounds[1]):
            folder.error(
                "format.empty-range", path, found.place(operator), low=bounds[0], high=bounds[1]
            )
        for key, (place, _) in given.entries.items() if given and metric else ():
            if key not in ARGUMENTS:
                near = nearest_or_some(key, ARGUMENTS)
                folder.error("format.unknown-key", path, place, key=key, nearest=near)
        if metric == "duplicateValues":
            at = given.place("properties") if given else found
            listed = listed_values(arguments.get("properties", ""))
            for name in listed:
                if str(name).rpartition(".")[2] not in self.columns:
                    near = nearest_or_some(str(name), self.columns)
                    folder.error("ref.column", path, at, value=str(name), nearest=near)
            if not listed and not column:
                folder.error("contract.rule-lacks", path, found, metric=metric, key="properties")
        elif metric in ("nullValues", "missingValues", "invalidValues") and not column:
            folder.error("contract.rule-of-no-column", path, found, metric=metric)
        elif metric == "invalidValues" and not {"validValues", "pattern"} & arguments.keys():
            keys = "validValues / pattern"
            folder.error("contract.rule-lacks", path, found, metric=metric, key=keys)
        return len(folder.found) == before

    # customProperties

    def custom(self, holder: Keys, level: str) -> dict[str, Node]:
        """Our custom properties of `holder`; a near miss or a misplaced one is told."""
        found: dict[str, Node] = {}
        for item in holder.items("customProperties"):
            name = item.scalar("property") if isinstance(item, Keys) else None
            if name is None or not isinstance(item, Keys):
                continue
            value = item.get("value")
            if name.text in CUSTOM[level] and value is not None:
                found[name.text] = value
            elif name.text in OURS:
                where = ", ".join(place for place, names in CUSTOM.items() if name.text in names)
                self.folder.warn(
                    "contract.misplaced-property", self.path, name, key=name.text, where=where
                )
            elif name.text.replace("_", "").casefold() in {ours.casefold() for ours in OURS} or (
                (near := nearest(name.text, OURS))
                and abs(len(near) - len(name.text)) <= 2
                and _close(near, name.text)
            ):
                self.folder.warn(
                    "contract.near-miss",
                    self.path,
                    name,
                    key=name.text,
                    nearest=nearest(name.text, OURS) or nearest(name.text.replace("_", ""), OURS),
                )
        return found

    def words(self, text: str) -> Text:
        """A text of the contract, which is in the project's language."""
        return self.folder.words(Scalar(text, 1, 1))

    def text_of(self, custom: dict[str, Node], name: str) -> str:
        value = custom.get(name)
        if isinstance(value, Keys):
            method = value.text("method")
            rest = " ".join(
                f"{key}={text}" for key, text in value.flat().items() if key != "method"
            )
            return f"{method} {rest}".strip()
        return value.text if isinstance(value, Scalar) else ""

    def one_of(self, value: Node | None, known: tuple[str, ...], key: str) -> None:
        if isinstance(value, Scalar) and value.text.split(" ")[0] not in known:
            near = nearest_or_some(value.text, known)
            self.folder.error(
                "format.not-one-of",
                self.path,
                value,
                key=key,
                value=value.text,
                nearest=near,
                known=", ".join(known),
            )


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        return bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return False


def _close(left: str, right: str) -> bool:
    import difflib

    return difflib.SequenceMatcher(None, left.casefold(), right.casefold()).ratio() >= 0.85


def _true(found: Keys, key: str) -> bool:
    value = found.get(key)
    return isinstance(value, Scalar) and ordinary(value) is True


def _method(value: Node | None) -> Scalar | None:
    return value.scalar("method") if isinstance(value, Keys) else None


def _compact(value: Node) -> str:
    return (
        value.text if isinstance(value, Scalar) else json.dumps(_texts(value), ensure_ascii=False)
    )


def _texts(value: Node) -> Any:
    if isinstance(value, Items):
        return [_texts(item) for item in value.items]
    return ordinary(value)


def _options(found: Keys | None) -> dict[str, str]:
    """Scalars as their text, lists and mappings as JSON text."""
    return {key: _compact(value) for key, (_, value) in found.entries.items()} if found else {}
