"""The JSON Schemas of the formats, and what a schema's finding means: a code of ours at the line
where it was written.

A file's values are validated as text (data contracts: as ordinary YAML types them), so the forms
are patterns; a form's `$comment` is the code of its error. The schemas also serve editors:
`write_schemas` copies them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.text import Text
from sanhua.project.read import (
    FAULTS_MAX,
    Items,
    Keys,
    Node,
    Scalar,
    nearest,
    nearest_or_some,
    ordinary,
    plain,
)

WORDS = {
    "object": Text("映射", "mapping"),
    "array": Text("列表", "list"),
    "string": Text("文本", "text"),
    "number": Text("数字", "number"),
    "integer": Text("整数", "whole number"),
    "boolean": Text("true/false"),
    "null": Text("空", "null"),
}


class Fault(NamedTuple):
    """A finding and the path of keys and positions that it lies under."""

    at: tuple[str | int, ...]
    diagnostic: Diagnostic


def names() -> list[str]:
    """Every schema by its file stem."""
    return sorted(
        item.name.removesuffix(".json")
        for item in _folder().iterdir()
        if item.name.endswith(".json")
    )


@cache
def read(name: str) -> dict[str, Any]:
    """A schema as it is shipped."""
    return json.loads(text(name))


def text(name: str) -> str:
    """The schema file's text."""
    return (_folder() / f"{name}.json").read_text("utf-8")


def write_schemas(folder: Path) -> list[Path]:
    """Copy every schema into `folder` (made when not there), for editors; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.json" for name in names()]
    for path in written:
        path.write_text(text(path.stem), encoding="utf-8", newline="\n")
    return written


def _folder() -> Any:
    return files("sanhua.project") / "schemas"


@cache
def _validator(name: str) -> Any:
    import jsonschema_rs as rs

    registry = rs.Registry([("json-schema:///common.json", read("common"))])
    return rs.Draft202012Validator(read(name), registry=registry)


@cache
def _forms() -> dict[str, str]:
    """Pattern → code, from the `$comment` beside each pattern."""
    found: dict[str, str] = {}

    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            if "pattern" in schema and "$comment" in schema:
                found[schema["pattern"]] = schema["$comment"]
            for part in schema.values():
                walk(part)
        elif isinstance(schema, list):
            for part in schema:
                walk(part)

    for name in names():
        walk(read(name))
    return found


def valid(name: str, value: Any) -> bool:
    """Whether a JSON value (an output, a consent, an event) has the form of schema `name`."""
    return _validator(name).is_valid(value)


def faults(name: str, node: Node, path: str, *, typed: bool = False) -> list[Fault]:
    """What is wrong with `node` by schema `name`, each at its line; `typed` for files that other
    tools read too.
    """
    value = ordinary(node) if typed else plain(node)
    validator = _validator(name)
    if validator.is_valid(value):
        return []
    found: list[Fault] = []
    seen: set[tuple[int, int, str]] = set()
    for error in validator.iter_errors(value):
        for fault in _told(name, node, path, error):
            told = fault.diagnostic
            if (told.line, told.column, told.code) not in seen:
                seen.add((told.line, told.column, told.code))
                found.append(fault)
            if len(found) >= FAULTS_MAX:
                return found
    return found


def _told(name: str, node: Node, path: str, error: Any) -> Iterator[Fault]:
    at = tuple(error.instance_path)
    place, key = _place(node, at)
    kind = error.kind
    what = kind.name
    written = _written(_at(node, at))

    def fault(
        code: str,
        where: Scalar | Items | Keys = place,
        under: tuple[str | int, ...] = at,
        **facts: Any,
    ) -> Fault:
        facts = {"key": key, **facts}
        return Fault(
            under, Diagnostic(Severity.ERROR, code, path, where.line, where.column, "", None, facts)
        )

    if what in ("additionalProperties", "unevaluatedProperties"):
        holder = _at(node, at)
        known = _known(name, error.schema_path)
        for unknown in kind.unexpected:
            where = holder.place(unknown) if isinstance(holder, Keys) else place
            near = nearest(unknown, known)
            yield fault(
                "format.unknown-key",
                where,
                (*at, unknown),
                key=unknown,
                nearest=near or nearest_or_some(unknown, known),
            )
    elif what == "required":
        yield fault("format.missing-key", key=kind.property, under_key=key or "–")
    elif what == "propertyNames":
        holder = _at(node, at)
        bad = (
            str(kind.error.instance)
            if hasattr(kind, "error") and hasattr(kind.error, "instance")
            else ""
        )
        where = holder.place(bad) if isinstance(holder, Keys) and bad else place
        yield fault(
            "format.not-an-id", where, (*at, bad) if bad else at, value=bad or written, key=bad
        )
    elif what == "pattern":
        yield fault(
            _forms().get(kind.pattern, "format.wrong-form"), value=written, wanted=kind.pattern
        )
    elif what in ("enum", "const"):
        options = [str(o) for o in (kind.options if what == "enum" else [kind.expected_value])]
        near = nearest_or_some(written, options)
        yield fault("format.not-one-of", value=written, nearest=near, known=", ".join(options))
    elif what == "type":
        words = [WORDS[str(t)] for t in kind.types]
        wanted = Text(*(" / ".join(word.say(said) for word in words) for said in ("zh", "en")))
        yield fault(
            "format.empty-value" if written == "" else "format.wrong-type",
            value=written,
            wanted=wanted,
        )
    elif what in ("oneOf", "anyOf", "oneOfNotValid", "oneOfMultipleValid"):
        keys = _alternatives(name, error.schema_path)
        holder = _at(node, at)
        given = [k for k in keys if isinstance(holder, Keys) and k in holder]
        where = holder.place(given[1]) if isinstance(holder, Keys) and len(given) > 1 else place
        yield fault(
            "format.exactly-one", where, keys=", ".join(keys), given=", ".join(given) or "–"
        )
    elif what in ("minItems", "minProperties", "minLength"):
        yield fault("format.empty-value", value=written)
    elif what == "maxItems":
        yield fault("format.too-many-items", value=written)
    elif what == "maxProperties":
        yield fault("format.one-key-only", value=written)
    else:
        yield fault("format.wrong-form", value=written, wanted=error.message[:200])


def _at(node: Node, path: tuple[str | int, ...]) -> Node:
    for step in path:
        if isinstance(node, Keys) and isinstance(step, str) and step in node.entries:
            node = node.entries[step][1]
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            break
    return node


def _place(node: Node, path: tuple[str | int, ...]) -> tuple[Node, str]:
    """Where the value stands (for a mapping or list: its key), and the last key of the path."""
    key = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    found = _at(node, path)
    if path and isinstance(path[-1], str) and not (isinstance(found, Scalar) and found.text):
        holder = _at(node, path[:-1])
        if isinstance(holder, Keys):
            return holder.place(path[-1]), key
    return found, key


def _written(node: Node) -> str:
    written = node.text if isinstance(node, Scalar) else json.dumps(plain(node), ensure_ascii=False)
    return written if len(written) <= 80 else written[:77] + "…"


def _schemas_at(name: str, path: list[str | int]) -> Iterator[dict[str, Any]]:
    """The schema object that holds the keyword at the end of `path`, in the file itself or in the
    shared forms.
    """
    for root in (read(name), read("common")):
        part: Any = root
        for step in path[:-1]:
            if isinstance(part, dict) and str(step) in part:
                part = part[str(step)]
            elif isinstance(part, list) and isinstance(step, int) and step < len(part):
                part = part[step]
            elif isinstance(part, dict) and "$ref" in part:
                part = None
                break
            else:
                part = None
                break
        if isinstance(part, dict):
            yield part


def _known(name: str, path: list[str | int]) -> list[str]:
    for part in _schemas_at(name, path):
        if "properties" in part:
            return [key for key in part["properties"] if key != "note"]
    return []


def _alternatives(name: str, path: list[str | int]) -> list[str]:
    for part in _schemas_at(name, path):
        for word in ("oneOf", "anyOf"):
            if word in part:
                return [key for option in part[word] for key in option.get("required", ())]
    return []


def faults_of_json(name: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(code, facts) of what is wrong with a JSON value that has no lines of its own."""
    for fault in faults(name, _as_node(value), ""):
        yield fault.diagnostic.code, dict(fault.diagnostic.facts)


def _as_node(value: Any) -> Node:
    if isinstance(value, dict):
        return Keys({k: (Scalar(k, 1, 1), _as_node(v)) for k, v in value.items()}, 1, 1)
    if isinstance(value, list):
        return Items([_as_node(v) for v in value], 1, 1)
    return Scalar("" if value is None else str(value), 1, 1, value is not None)
