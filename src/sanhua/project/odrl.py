"""The other spelling of a policy: ODRL 2.2 JSON-LD. A term that has no executable meaning here is
refused, not skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from sanhua.asset.policy import UsagePolicy
from sanhua.project import schema
from sanhua.project.read import Folder, Scalar, nearest_or_some

ACTIONS_OF_DUTY = ("delete", "inform", "anonymize", "compensate", "attribute", "watermark")
PERIODS = ("Minute", "Hour", "Day", "Week", "Month", "Quarter", "Year")
LISTS = {"purpose": "purposes", "spatial": "places", "recipient": "recipients"}
OPERATORS = tuple(
    "eq gt gteq lt lteq neq hasPart isA isAllOf isAnyOf isNoneOf isPartOf".split()
)  # of ODRL 2.2
OPERANDS = (
    {name: ("isAnyOf", "eq") for name in LISTS}
    | {"sanhua:minGroup": ("gteq",), "sanhua:level": ("gteq", "eq")}
    | {f"sanhua:countPer{period}": ("lteq",) for period in PERIODS}
)
VALUES = {"sanhua:level": "L1 | L2 | L3"}  # the rest of ours are whole numbers
LASTING = {"PD": "days", "PW": "weeks", "PM": "months", "PY": "years"} | {
    "PTH": "hours",
    "PTM": "minutes",
    "PTS": "seconds",
}  # an xsd:duration of one unit
KEYS = (
    "@context",
    "@type",
    "@id",
    "uid",
    "profile",
    "permission",
    "prohibition",
    "obligation",
    "assigner",
    "assignee",
    "title",
    "dct:title",
    "target",
)
RULE_KEYS = ("action", "target", "constraint", "assigner", "assignee", "@type", "uid", "duty")


def read_odrl(key: str, text: str, path: str, folder: Folder) -> UsagePolicy | None:
    """The usage policy that the file states, or None with an error for each term that is
    refused.
    """
    try:
        whole: Any = json.loads(text)
    except json.JSONDecodeError as failure:
        folder.error("format.json", path, failure.lineno, reason=failure.msg)
        return None
    except RecursionError:
        folder.error("format.too-deep", path, 1, limit=0)
        return None
    if not isinstance(whole, dict):
        folder.error("format.not-a-mapping", path, 1)
        return None
    return _Reader(key, text, path, folder).read(whole)


class _Reader:
    def __init__(self, key: str, text: str, path: str, folder: Folder) -> None:
        self.key, self.text, self.path, self.folder = key, text, path, folder
        self.refused = False

    def refuse(self, term: str, known: tuple[str, ...] = ()) -> None:
        self.refused = True
        near = nearest_or_some(term, known) if known else "–"
        self.folder.error(
            "policy.not-executable",
            self.path,
            self._line(term),
            node=f"policy:{self.key}",
            term=term,
            nearest=near,
        )

    def _line(self, term: str) -> int:
        """The line of the first place where the term is written, perhaps with its prefix."""
        found = re.search(rf'"(?:[^"]*[#/:])?{re.escape(term)}"', self.text)
        return self.text.count("\n", 0, found.start()) + 1 if found else 1

    def read(self, whole: dict[str, Any]) -> UsagePolicy | None:
        for name in whole:
            if name not in KEYS:
                self.refuse(name, KEYS)
        self._named(whole)
        lists: dict[str, list[str]] = {"purposes": [], "places": [], "recipients": []}
        permit: dict[str, str] = {}
        actions: list[str] = []
        level = ""
        permissions = _many(whole.get("permission"))
        if len(permissions) != 1:
            self.refuse("permission")
        for rule in permissions[:1]:
            self._keys(rule)
            actions += self._actions(rule)
            seen: set[str] = set()
            for left, operator, right in self._constraints(rule):
                kind = "count" if left.startswith("sanhua:count") else left
                if left not in OPERANDS:
                    self.refuse(left, tuple(OPERANDS))
                elif operator not in OPERANDS[left]:
                    self.refuse(operator, OPERANDS[left])
                elif kind in seen:  # two must both hold: their union would be wider
                    self.refuse(left)
                elif left in LISTS:
                    lists[LISTS[left]] = self._texts(left, operator, right)
                elif left == "sanhua:level":
                    level = self._value(left, right, r"L[123]")
                elif left == "sanhua:minGroup":
                    permit["min_group"] = self._value(left, right, r"[1-9]\d{0,17}")
                else:
                    count = self._value(left, right, r"[1-9]\d{0,17}")
                    permit["count"] = f"{count} per {left.removeprefix('sanhua:countPer').lower()}"
                seen.add(kind)
        forbid: list[str] = []
        for rule in _many(whole.get("prohibition")):
            self._keys(rule)
            forbid += self._actions(rule)
            for left, _, _ in self._constraints(rule):
                self.refuse(left)
        oblige: list[dict[str, str]] = []
        for rule in _many(whole.get("obligation")):
            self._keys(rule)
            for action in self._actions(rule, ACTIONS_OF_DUTY):
                duty = {"action": action}
                for left, operator, right in self._constraints(rule):
                    lasting = re.fullmatch(r"(PT?)(\d+)([A-Z])", str(right))
                    unit = LASTING.get(lasting[1] + lasting[3]) if lasting else None
                    if (
                        left in ("elapsedTime", "delayPeriod")
                        and operator in ("lteq", "lt", "eq")
                        and lasting
                        and unit
                    ):
                        duty |= {"within": f"{lasting[2]} {unit}", "after": "term"}
                    else:
                        self.refuse(left, ("elapsedTime",))
                oblige.append(duty)
        if permissions and not lists["purposes"]:
            self.refuse("purpose")
        if self.refused:
            return None
        permit |= {
            name: " ".join(values)
            for name, values in lists.items()
            if values and name != "purposes"
        }
        title = whole.get("dct:title") or whole.get("title") or self.key
        return UsagePolicy(
            self.key,
            self.folder.words(Scalar(str(title), 1, 1)),
            self.folder.origin(self.path, 1),
            tuple(actions),
            tuple(lists["purposes"]),
            tuple(forbid),
            permit,
            tuple(oblige),
            level,
        )

    def _keys(self, rule: dict[str, Any]) -> None:
        for name in rule:
            if name not in RULE_KEYS or name == "duty":
                self.refuse(name, RULE_KEYS)
        self._named(rule)

    def _named(self, holder: dict[str, Any]) -> None:
        for name in ("target", "assigner", "assignee"):
            for item in _many(holder.get(name)):
                self._plain(item)

    def _plain(self, item: dict[str, Any]) -> None:
        """Refuse what narrows a name further (a refinement): it would be lost."""
        for key in item:
            if key not in ("", "@id", "@type", "@value", "uid", "rdf:value"):
                self.refuse(key)

    def _actions(self, rule: dict[str, Any], known: tuple[str, ...] = ()) -> list[str]:
        known = known or tuple(_known_actions())
        found: list[str] = []
        for item in _many(rule.get("action")):
            self._plain(item)
            said = item.get("", item.get("@id", item.get("rdf:value", "")))
            said = said.get("@id", "") if isinstance(said, dict) else said
            action = _local(str(said))
            if action not in known:
                self.refuse(action or "action", known)
            found.append(action)
        if not found:
            self.refuse("action")
        return found

    def _texts(self, left: str, operator: str, right: Any) -> list[str]:
        found: list[str] = []
        for item in _many(right):
            self._plain(item)
            found.append(_local(str(item.get("", item.get("@id", item.get("@value", ""))))))
        if not all(found) or not found or (operator == "eq" and len(found) > 1):
            self._wrong(left, right, "isAnyOf [id, …]")
        return found

    def _value(self, left: str, right: Any, form: str) -> str:
        if not re.fullmatch(form, str(right)):
            self._wrong(left, right, VALUES.get(left, "1, 2, 3 …"))
        return str(right)

    def _wrong(self, term: str, value: Any, wanted: str) -> None:
        self.refused = True
        self.folder.error(
            "policy.wrong-value",
            self.path,
            self._line(term),
            node=f"policy:{self.key}",
            term=term,
            value=json.dumps(value, ensure_ascii=False),
            wanted=wanted,
        )

    def _constraints(self, rule: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
        for item in _many(rule.get("constraint")):
            left, operator = item.get("leftOperand"), item.get("operator")
            if (
                not isinstance(left, str)
                or not isinstance(operator, str)
                or set(item) - {"leftOperand", "operator", "rightOperand", "@type", "uid"}
            ):
                self.refuse(
                    str(
                        next(
                            (
                                k
                                for k in item
                                if k not in ("leftOperand", "operator", "rightOperand")
                            ),
                            left,
                        )
                    )
                )
                continue
            right = item.get("rightOperand")
            if isinstance(right, dict) and "@value" in right:
                right = right["@value"]
            if _local(operator) not in OPERATORS:
                self.refuse(_local(operator), OPERATORS)
                continue
            yield _left(left), _local(operator), right


def _many(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [] if value is None else [value]
    return [item if isinstance(item, dict) else {"": item} for item in found]


@cache
def _known_actions() -> list[str]:
    """The actions that the short form knows."""
    permit = schema.read("policy")["properties"]["permit"]["properties"]
    return permit["actions"]["items"]["enum"]


def _left(word: str) -> str:
    return word if word.startswith("sanhua:") else _local(word)


def _local(word: str) -> str:
    """The last part of an IRI or prefixed name: `purpose:credit` → `credit`."""
    return re.split(r"[#/:]", word)[-1]
