"""Contracts edited as text: what is added is written in, every comment and blank stays."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from sanhua.kernel.errors import Invalid

_LISTS = ("quality", "customProperties")  # keys that take one more item
_BOM = b"\xef\xbb\xbf"


def with_entry(
    content: bytes, path: str, table: str, column: str, entry: Mapping[str, Any]
) -> bytes:
    """The file of a contract with `entry`, one key and its value, on a column: one more item of its
    `quality` or `customProperties`; any other key is set.

    Invalid contract.no-such-column; contract.cannot-write, with what to write by hand, where the
    file's layout does not take it.
    """
    key, value = next(iter(entry.items()))
    text = content.decode("utf-8-sig")
    written = f"{key}: [{_flow(value)}]" if key in _LISTS else f"{key}: {_flow(value)}"
    facts: dict[str, Any] = {"column_name": f"{table}.{column}", "written": written}
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        wanted = _expected(yaml.safe_load(text), table, column, key, value)
    except yaml.YAMLError as error:
        raise Invalid("contract.cannot-write", path=path, line=1, **facts) from error
    found = _property(root, table, column)
    if found is None or wanted is None:
        raise Invalid("contract.no-such-column", path=path, line=1, table=table, field=column)
    edited = _edited(text, found, key, value)
    if _read(edited) != wanted:
        line = found.start_mark.line + 1
        raise Invalid("contract.cannot-write", path=path, line=line, **facts)
    return (_BOM if content.startswith(_BOM) else b"") + edited.encode()


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=1 << 30
    )
    return text.removesuffix("...\n").strip()


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _expected(read: Any, table: str, column: str, key: str, value: Any) -> Any:
    wanted = deepcopy(read)
    for schema in wanted.get("schema") or ():
        for prop in schema.get("properties") or () if schema.get("name") == table else ():
            if prop.get("name") == column:
                prop[key] = [*(prop.get(key) or []), value] if key in _LISTS else value
                return wanted
    return None


def _items(node: Node | None, key: str) -> Node | None:
    for name, value in node.value if isinstance(node, MappingNode) else ():
        if name.value == key:
            return cast("Node", value)
    return None


def _property(root: Node | None, table: str, column: str) -> MappingNode | None:
    schemas = _items(root, "schema")
    for schema in schemas.value if isinstance(schemas, SequenceNode) else ():
        name = _items(schema, "name")
        if name is None or name.value != table:
            continue
        properties = _items(schema, "properties")
        for prop in properties.value if isinstance(properties, SequenceNode) else ():
            own = _items(prop, "name")
            if own is not None and own.value == column:
                return cast("MappingNode", prop)
    return None


def _edited(text: str, found: MappingNode, key: str, value: Any) -> str:
    held, flow = _items(found, key), _flow(value)
    if key in _LISTS and isinstance(held, SequenceNode) and held.value:
        if held.flow_style:
            return _inserted(text, held.value[-1].end_mark.index, f", {flow}")
        indent = " " * held.start_mark.column
        return _line_after(text, _end(held), f"{indent}- {flow}")
    written = f"[{flow}]" if key in _LISTS else flow
    if held is not None:
        return text[: held.start_mark.index] + written + text[held.end_mark.index :]
    if found.flow_style:
        return _inserted(text, found.value[-1][1].end_mark.index, f", {key}: {written}")
    indent = " " * found.start_mark.column
    lines = [f"{indent}{key}: {written}"]
    if key == "quality":  # rules grow: a line each
        lines = [f"{indent}{key}:", f"{indent}  - {flow}"]
    return _line_after(text, _end(found), *lines)


def _inserted(text: str, at: int, added: str) -> str:
    return text[:at] + added + text[at:]


def _end(node: Node) -> int:
    """Where the last written character of a node stands; a block's own mark is past what follows
    it.
    """
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _line_after(text: str, at: int, *lines: str) -> str:
    """After the line that `at` stands in; a block of text ends with its own line."""
    mark = "\r\n" if "\r\n" in text else "\n"
    if at and text[at - 1] == "\n":
        at -= 1
    end = text.find("\n", at)
    joined = mark.join(lines)
    if end < 0:
        return f"{text}{mark}{joined}{mark}"
    return text[: end + 1] + joined + mark + text[end + 1 :]
