"""Contracts edited as text: a line more, every comment and blank as it was."""

from __future__ import annotations

import json
from typing import Any

from sanhua.kernel.errors import Invalid


def with_binding(content: bytes, path: str, table: str, column: str, element: str) -> bytes:
    """The contract's file with `dataElement` on a column, everything else to the byte as it was.

    Invalid standard.cannot-write, which says the line to write by hand, where the file's layout
    does not take one more property.
    """
    import yaml

    entry = f"{{property: dataElement, value: {element}}}"
    bom = content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    prop = _property_node(yaml.compose(text, Loader=yaml.BaseLoader), table, column)
    edited = _edited(text, prop, entry) if prop is not None else ""
    line = prop.start_mark.line + 1 if prop is not None else 1
    before: Any = yaml.load(text, Loader=yaml.BaseLoader)
    try:
        after: Any = yaml.load(edited, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        after = None
    for one in before["schema"]:
        for wanted in one["properties"] if one["name"] == table else ():
            if wanted["name"] == column:
                added = {"property": "dataElement", "value": element}
                listed = wanted.get("customProperties") or []
                wanted["customProperties"] = [*listed, added]
    if _sorted(after) != _sorted(before):
        raise Invalid(
            "standard.cannot-write",
            path=path,
            line=line,
            column_name=f"{table}.{column}",
            written=f"customProperties: [{entry}]",
        )
    return (b"\xef\xbb\xbf" if bom else b"") + edited.encode()


def _sorted(value: Any) -> Any:
    """With custom properties in one order: where the new one stands is free."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list):
        listed = [_sorted(item) for item in value]
        custom = listed and all(isinstance(item, dict) and "property" in item for item in listed)
        return (
            sorted(listed, key=lambda item: json.dumps(item, sort_keys=True)) if custom else listed
        )
    return value


def _child(mapping: Any, key: str) -> tuple[Any, Any] | None:
    pairs = mapping.value if mapping is not None and mapping.id == "mapping" else []
    return next(((k, v) for k, v in pairs if k.value == key), None)


def _named(sequence: tuple[Any, Any] | None, name: str) -> Any:
    for item in sequence[1].value if sequence else []:
        found = _child(item, "name")
        if found and found[1].value == name:
            return item
    return None


def _property_node(root: Any, table: str, column: str) -> Any:
    return _named(_child(_named(_child(root, "schema"), table), "properties"), column)


def _edited(text: str, prop: Any, entry: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    custom = _child(prop, "customProperties")
    if custom is not None:
        listed = custom[1]
        if listed.id != "sequence":
            return ""
        if listed.flow_style:
            return _before(text, listed.end_mark.index - 1, entry, bool(listed.value))
        first = text.rfind("-", 0, listed.value[0].start_mark.index)
        start = text.rfind("\n", 0, first) + 1
        return f"{text[:start]}{' ' * (first - start)}- {entry}{end}{text[start:]}"
    if prop.flow_style:
        return _before(text, prop.end_mark.index - 1, f"customProperties: [{entry}]", True)
    key = prop.value[0][0]
    stop = text.find("\n", _end(prop))
    line = f"{' ' * key.start_mark.column}customProperties: [{entry}]"
    if stop < 0:
        return f"{text}{end}{line}{end}"
    return f"{text[: stop + 1]}{line}{end}{text[stop + 1 :]}"


def _end(node: Any) -> int:
    """Where the last value of a node ends; a block's own mark lies behind comments and blanks."""
    if node.id == "scalar" or node.flow_style or not node.value:
        return node.end_mark.index
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _before(text: str, place: int, entry: str, more: bool) -> str:
    """Insert before a closing bracket, after what stands there."""
    kept = text[:place].rstrip()
    comma = ", " if more and not kept.endswith(",") else " " if kept.endswith(",") else ""
    return f"{kept}{comma}{entry}{text[len(kept) : place]}{text[place:]}"
