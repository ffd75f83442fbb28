"""Writing a rule into a contract's text: lines are added, nothing else is touched, so that comments
and layout stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from sanhua.kernel.errors import Invalid


def with_rule(text: str, path: str, table: str, column: str, entry: Mapping[str, Any]) -> str:
    """The text of a contract with `entry` added to a column: `{"quality": rule}` is one more rule
    in its list, any other key is set.

    Raises Invalid contract.no-such-column, contract.cannot-write-rule when the file is written in a
    way that cannot be added to (then a person writes it).
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        wanted = _expected(yaml.safe_load(text), table, column, entry)
    except yaml.YAMLError as error:
        raise Invalid("contract.cannot-write-rule", path=path, line=1, field=column) from error
    found = _property(root, table, column)
    if found is None or wanted is None:
        raise Invalid("contract.no-such-column", path=path, line=1, table=table, field=column)
    key, value = next(iter(entry.items()))
    edited = _edited(text, found, key, value)
    if _read(edited) != wanted:
        line = found.start_mark.line + 1
        raise Invalid("contract.cannot-write-rule", path=path, line=line, field=column)
    return edited


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _expected(read: Any, table: str, column: str, entry: Mapping[str, Any]) -> Any:
    wanted = deepcopy(read)
    for schema in wanted.get("schema") or ():
        for prop in schema.get("properties") or () if schema.get("name") == table else ():
            if prop.get("name") == column:
                for key, value in entry.items():
                    if key == "quality":
                        prop[key] = [*(prop.get(key) or []), value]
                    else:
                        prop[key] = value
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
    held = _items(found, key)
    flow = json.dumps(value, ensure_ascii=False)
    if key == "quality" and isinstance(held, SequenceNode) and held.value:
        if held.flow_style:
            return _inserted(text, held.value[-1].end_mark.index, f", {flow}")
        indent = " " * held.start_mark.column
        return _line_after(text, _end(held), f"{indent}- {flow}")
    if held is not None:
        written = f"[{flow}]" if key == "quality" else flow
        return text[: held.start_mark.index] + written + text[held.end_mark.index :]
    if found.flow_style:
        written = f"[{flow}]" if key == "quality" else flow
        return _inserted(text, found.value[-1][1].end_mark.index, f", {key}: {written}")
    indent = " " * found.start_mark.column
    lines = [f"{indent}{key}:", f"{indent}  - {flow}"] if key == "quality" else [
        f"{indent}{key}: {flow}"
    ]  # fmt: skip
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
    if at and text[at - 1] == "\n":
        at -= 1
    end = text.find("\n", at)
    joined = "\n".join(lines)
    return text + f"\n{joined}\n" if end < 0 else text[: end + 1] + joined + "\n" + text[end + 1 :]
