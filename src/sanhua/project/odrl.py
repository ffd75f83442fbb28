"""The other spelling of a policy: ODRL 2.2 JSON-LD. A term that has no executable meaning here is
refused, not skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sanhua.asset.policy import UsagePolicy
from sanhua.project.read import Folder, Scalar, nearest_or_some

ACTIONS_OF_DUTY = ("delete", "inform", "anonymize", "compensate", "attribute", "watermark")
LISTS = {"purpose": "purposes", "spatial": "places", "recipient": "recipients"}
PERIODS = ("Minute", "Hour", "Day", "Week", "Month", "Quarter", "Year")
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
        found = self.text.find(json.dumps(term, ensure_ascii=False))
        line = self.text.count("\n", 0, found) + 1 if found >= 0 else 1
        near = nearest_or_some(term, known) if known else "–"
        self.folder.error(
            "policy.not-executable",
            self.path,
            line,
            node=f"policy:{self.key}",
            term=term,
            nearest=near,
        )

    def read(self, whole: dict[str, Any]) -> UsagePolicy | None:
        for name in whole:
            if name not in KEYS:
                self.refuse(name, KEYS)
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
            for left, operator, right in self._constraints(rule):
                if left in LISTS and operator in ("isAnyOf", "eq"):
                    lists[LISTS[left]] += [_local(item) for item in _many_texts(right)]
                elif (
                    count := re.fullmatch(rf"sanhua:countPer({'|'.join(PERIODS)})", left)
                ) and operator == "lteq":
                    permit["count"] = f"{right} per {count[1].lower()}"
                elif left == "sanhua:minGroup" and operator == "gteq":
                    permit["min_group"] = str(right)
                elif left == "sanhua:level" and operator in ("gteq", "eq"):
                    level = str(right)
                else:
                    self.refuse(
                        left, (*LISTS, "sanhua:countPerMonth", "sanhua:minGroup", "sanhua:level")
                    )
        forbid: list[str] = []
        for rule in _many(whole.get("prohibition")):
            self._keys(rule)
            forbid += self._actions(rule)
            for left, _, _ in self._constraints(rule):
                self.refuse(left)
        oblige: list[dict[str, str]] = []
        for rule in _many(whole.get("obligation")):
            self._keys(rule)
            for action in self._actions(rule):
                duty = {"action": action}
                if action not in ACTIONS_OF_DUTY:
                    self.refuse(action, ACTIONS_OF_DUTY)
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

    def _actions(self, rule: dict[str, Any]) -> list[str]:
        found = _many_texts(rule.get("action"))
        if not found:
            self.refuse("action")
        return [_local(action) for action in found]

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
            yield _left(left), _local(operator), right


def _many(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [] if value is None else [value]
    return [item if isinstance(item, dict) else {"": item} for item in found]


def _many_texts(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item.get("@id", "")) if isinstance(item, dict) else str(item) for item in found]


def _left(word: str) -> str:
    return word if word.startswith("sanhua:") else _local(word)


def _local(word: str) -> str:
    """The last part of an IRI or prefixed name: `purpose:credit` → `credit`."""
    return re.split(r"[#/:]", word)[-1]
