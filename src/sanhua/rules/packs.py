"""Rule packs: the rule files of one or more folders, answered by day."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from sanhua.kernel.errors import Invalid, RuleGap
from sanhua.kernel.ids import rule as rule_node
from sanhua.kernel.ports import Rule
from sanhua.kernel.time import parse_day
from sanhua.rules.calendar import WorkingDays

HERE = Path(__file__).parent
_WHOLE = ("count", "days", "working_days", "months", "years")


@dataclass(frozen=True, slots=True)
class Held:
    """`rule.starts_on <= day < ends_on`; `checked` is the last day someone read the source."""

    rule: Rule
    ends_on: date | None
    checked: date
    note: str


@dataclass(frozen=True, slots=True)
class History:
    """All values of one rule, the earliest first."""

    what: str
    values: tuple[Held, ...]

    def on(self, day: date) -> Rule | None:
        index = bisect_right(self.values, day, key=_starts_on) - 1
        held = self.values[index] if index >= 0 else None
        if held is None or (held.ends_on is not None and day >= held.ends_on):
            return None
        return held.rule

    @property
    def known(self) -> tuple[date, date | None]:
        """The first day with a value, and the day on which the last one ends (None: open)."""
        return self.values[0].rule.starts_on, self.values[-1].ends_on


def _starts_on(held: Held) -> date:
    return held.rule.starts_on


class Packs:
    """The rules of several packs; a later one may add instruments and rules, not change a rule.

    A value is shared by all who ask: a list is a tuple, a map is a dict that nobody changes.
    """

    def __init__(self, folders: Sequence[Path], calendar: Path | None = None) -> None:
        self._folders = tuple(folders)
        self._calendar = calendar
        self._instruments: dict[str, dict[str, History]] = {}

    @classmethod
    def load(cls, names: Sequence[str] = ("cn",), calendar: Path | None = None) -> Packs:
        """The packs that ship with the package, by name; Invalid rule.unknown-pack.

        `calendar` is a user's file of working days (`WorkingDays.load`). A rule file is read when
        first asked.
        """
        for name in names:
            if name not in _packs():
                raise Invalid("rule.unknown-pack", name=name, nearest=_nearest(name, _packs()))
        return cls([HERE / name for name in names], calendar)

    def ask(self, instrument: str, name: str, *, on: date) -> Rule:
        """The value in force on `on`; RuleGap rule.gap when there is none.

        Invalid rule.unknown-instrument or rule.unknown for a wrong name.
        """
        history = self.history(instrument).get(name)
        if history is None:
            raise Invalid(
                "rule.unknown",
                name=f"{instrument}/{name}",
                nearest=_nearest(name, self.history(instrument)),
            )
        rule = history.on(on)
        if rule is None:
            first, end = history.known
            raise RuleGap(
                "rule.gap",
                rule=history.values[0].rule.citation,
                name=f"{instrument}/{name}",
                on=on.isoformat(),
                first=first.isoformat(),
                last=end.isoformat() if end else "—",
            )
        return rule

    def working_days_after(self, start: date, days: int) -> date:
        """The day that ends a clock of `days` working days; day 1 is the next one after `start`."""
        return self.working_days.after(start, days)

    @cached_property
    def working_days(self) -> WorkingDays:
        return WorkingDays.load(self._calendar)

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """The ids of all instruments, sorted."""
        return tuple(
            sorted({path.parent.name for folder in self._folders for path in _files(folder)})
        )

    def history(self, instrument: str) -> Mapping[str, History]:
        """Every rule of an instrument by name; Invalid rule.unknown-instrument."""
        found = self._instruments.get(instrument)
        if found is None:
            paths = [folder / instrument / "rules.yaml" for folder in self._folders]
            paths = [path for path in paths if instrument in self.instruments and path.is_file()]
            if not paths:
                nearest = _nearest(instrument, self.instruments)
                raise Invalid("rule.unknown-instrument", name=instrument, nearest=nearest)
            found = {}
            for path in paths:
                for name, history in _read(path).items():
                    if name in found:
                        raise Invalid("rule.redefined", path=str(path), name=f"{instrument}/{name}")
                    found[name] = history
            self._instruments[instrument] = found
        return found

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that an answer can depend on: rule files, calendar, its edition."""
        digest = hashlib.sha256()
        for folder in self._folders:
            for path in _files(folder):
                digest.update(f"{folder.name}/{path.parent.name}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        digest.update(self.working_days.edition.encode())
        if self._calendar is not None:
            digest.update(self._calendar.read_bytes())
        return digest.hexdigest()


@cache
def _packs() -> tuple[str, ...]:
    return tuple(sorted({path.parent.parent.name for path in HERE.glob("*/*/rules.yaml")}))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/rules.yaml"))


def _nearest(written: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    names = list(known)
    return ", ".join(get_close_matches(written, names, 3, 0.4) or sorted(names)[:8])


def _read(path: Path) -> dict[str, History]:
    """One rule file: checked against its schema, then every value typed by its rule's unit."""
    text = path.read_text(encoding="utf-8")
    tree, lines = _texts(path, text)
    for error in _schema().iter_errors(tree):
        where = tuple(str(part) for part in error.instance_path)
        line = _line(lines, where)
        raise Invalid(
            "rule.bad-file", path=str(path), line=line, at="/".join(where), reason=error.message
        )
    if tree["instrument"] != path.parent.name:
        raise Invalid(
            "rule.bad-file",
            path=str(path),
            line=1,
            at="instrument",
            reason=f"{tree['instrument']} is not its folder's name {path.parent.name}",
        )
    found: dict[str, History] = {}
    for name, written in tree["rules"].items():
        held: list[Held] = []
        for starts_on, value in written["values"].items():
            where = ("rules", name, "values", starts_on)
            try:
                held.append(_held(tree, name, written, starts_on, value))
            except (ValueError, InvalidOperation) as error:
                line = _line(lines, where)
                at = "/".join(where)
                raise Invalid(
                    "rule.bad-file", path=str(path), line=line, at=at, reason=str(error)
                ) from error
            before = held[-2] if len(held) > 1 else None
            if before and (before.ends_on or before.rule.starts_on) > held[-1].rule.starts_on:
                at, line = "/".join(where), _line(lines, where)
                reason = "a value stands below the earlier ones and starts when they have ended"
                raise Invalid("rule.bad-file", path=str(path), line=line, at=at, reason=reason)
        found[name] = History(written["what"], tuple(held))
    return found


def _held(
    tree: dict[str, Any], name: str, written: dict[str, Any], day: str, value: dict[str, Any]
) -> Held:
    starts_on = _day(day)
    ends_on = _day(value["ends_on"]) if "ends_on" in value else None
    if ends_on is not None and ends_on <= starts_on:
        raise ValueError(f"ends_on {ends_on} is not after {starts_on}")
    rule = Rule(
        node=rule_node(tree["instrument"], name, starts_on),
        instrument=tree["instrument"],
        name=name,
        value=_typed(written["unit"], written.get("fields", {}), value["value"]),
        unit=written["unit"],
        title=tree["title"],
        number=tree["number"],
        clause=value["clause"],
        tag=value["tag"],
        starts_on=starts_on,
    )
    return Held(rule, ends_on, _day(value["checked"]), value.get("note", ""))


def _day(written: str) -> date:
    try:
        return parse_day(written)
    except Invalid as error:
        raise ValueError(f"{written} is not a day") from error


def _typed(unit: str, fields: Mapping[str, str], written: Any) -> Any:
    kind, _, inner = unit.partition(" of ")
    if kind == "list" and isinstance(written, list):
        return tuple(_typed(inner, fields, item) for item in cast("list[Any]", written))
    if kind == "map" and isinstance(written, dict):
        entries = cast("dict[str, Any]", written)
        return {key: _typed(inner, fields, item) for key, item in entries.items()}
    if kind == "record" and isinstance(written, dict):
        return _record(fields, cast("dict[str, Any]", written))
    if not isinstance(written, str) or kind in ("list", "map", "record"):
        raise ValueError(f"{written!r} is not a {unit}")
    if kind == "bool":
        if written not in ("true", "false"):
            raise ValueError(f"{written!r} is neither true nor false")
        return written == "true"
    if kind in _WHOLE:
        return int(written)
    if kind in ("decimal", "rate"):
        return _decimal(kind, written)
    return written


def _record(fields: Mapping[str, str], written: dict[str, Any]) -> dict[str, Any]:
    unknown = [name for name in written if name not in fields]
    missing = [
        name for name, unit in fields.items() if name not in written and not unit.endswith("?")
    ]
    if unknown or missing:
        raise ValueError(f"a record has unknown {unknown} and lacks {missing}")
    return {
        name: _typed(fields[name].removesuffix("?"), {}, value) for name, value in written.items()
    }


def _decimal(kind: str, written: str) -> Decimal:
    """`0.06`; a rate is written `6%`, as people write it."""
    if kind == "rate":
        if not written.endswith("%"):
            raise ValueError(f"{written!r} is not a rate such as 6%")
        return Decimal(written.removesuffix("%")).scaleb(-2)
    value = Decimal(written)
    if not value.is_finite():
        raise ValueError(f"{written!r} is not a number")
    return value


@cache
def _schema() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads((HERE / "rules.schema.json").read_bytes()))


def _texts(path: Path, text: str) -> tuple[dict[str, Any], Any]:
    """The file with every scalar as text, and its node tree; a key given twice is refused."""
    import yaml

    source: Any = yaml
    loader = getattr(source, "CBaseLoader", source.BaseLoader)
    try:
        root = source.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise Invalid(
            "rule.bad-file", path=str(path), line=line, at="", reason=str(error.problem)
        ) from error

    def plain(node: Any) -> Any:
        if node.id == "scalar":
            return str(node.value)
        if node.id == "sequence":
            return [plain(item) for item in node.value]
        entries: dict[str, Any] = {}
        for key, item in node.value:
            if key.value in entries:
                raise Invalid(
                    "rule.bad-file",
                    path=str(path),
                    line=key.start_mark.line + 1,
                    at=key.value,
                    reason=f"{key.value} is given twice",
                )
            entries[key.value] = plain(item)
        return entries

    return ({} if root is None else plain(root)), root


def _line(root: Any, where: Sequence[str]) -> int:
    node, line = root, 1
    for part in where:
        if node is None or isinstance(node.value, str):
            break
        if node.id == "sequence":
            node = node.value[int(part)]
            line = node.start_mark.line + 1
            continue
        for key, item in node.value:
            if key.value == part:
                node, line = item, key.start_mark.line + 1
                break
    return line
