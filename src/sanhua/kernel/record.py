"""Sealed records: frozen dataclasses, their canonical JSON, and the edges read off fields typed
`Ref`.

A record's body is `{"kind", "fields", "edges"}` in canonical JSON (RFC 8785; no floats). Edges are
derived from the fields when the body is made, so that the seal covers them and a verifier needs no
class to check the edge index.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    NamedTuple,
    Protocol,
    TypeVar,
    cast,
    get_args,
    get_origin,
)

from sanhua.kernel.money import Money
from sanhua.kernel.text import Text
from sanhua.kernel.time import moment_text
from sanhua.verify import INTEGER_MAX, canonical


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a field that names another node: `party: Annotated[str, Ref("held_by")]`; empty text is
    no edge.

    In a nested dataclass a sibling field `weight: Decimal` is the edge's weight, and a sibling `id`
    makes the nested thing the edge's source (a column of a snapshot, say); otherwise the record is.
    """

    verb: str


class Added:
    """Marks a field that a kind was given after records of it were kept: `Annotated[str, ADDED]`.

    It is left out of the body while it has its default, so that what was kept before it says the
    same and is not kept anew.
    """


ADDED = Added()

MadeFrom = Annotated[str, Ref("made_from")]
DefinedBy = Annotated[
    str, Ref("defined_by")
]  # the content hash of the file that declares the thing
DecidedBy = Annotated[str, Ref("decided_by")]
CheckedBy = Annotated[str, Ref("checked_by")]
GrantedBy = Annotated[str, Ref("granted_by")]
BoundTo = Annotated[str, Ref("bound_to")]
PricedBy = Annotated[str, Ref("priced_by")]
PostedFrom = Annotated[str, Ref("posted_from")]
DisclosedIn = Annotated[str, Ref("disclosed_in")]
HeldBy = Annotated[str, Ref("held_by")]
EvidencedBy = Annotated[str, Ref("evidenced_by")]
JudgedBy = Annotated[str, Ref("judged_by")]
SummedFrom = Annotated[str, Ref("summed_from")]


class Edge(NamedTuple):
    """`src` came by `verb` from `dst`; `weight` is text ("1" unless the part says otherwise)."""

    src: str
    verb: str
    dst: str
    weight: str


class Record(Protocol):
    """What the store keeps: a frozen dataclass with a node id, registered by `@record(kind)`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Record)
_C = TypeVar("_C")  # a class whose dataclass fields a type checker does not see yet
KINDS: dict[str, type[Any]] = {}
_KIND_OF: dict[type[Any], str] = {}


def record(kind: str) -> Callable[[type[_C]], type[_C]]:
    """Register a dataclass as a record kind; the name is what `record.kind` holds for ever."""

    def mark(cls: type[_C]) -> type[_C]:
        known = KINDS.get(kind)
        if known is not None and (known.__module__, known.__qualname__) != (
            cls.__module__,
            cls.__qualname__,
        ):
            raise TypeError(f"record kind {kind} is {known.__qualname__} already")
        KINDS[kind] = cls
        _KIND_OF[cls] = kind
        return cls

    return mark


def kind_of(cls: type[Any]) -> str:
    """The registered kind of a record class."""
    return _KIND_OF[cls]


def body(value: Record, decided_by: tuple[str, ...] = ()) -> bytes:
    """The canonical JSON that is sealed; `decided_by` adds the rules asked while deciding it."""
    return body_and_edges(value, decided_by)[0]


def body_and_edges(
    value: Record, decided_by: tuple[str, ...] = ()
) -> tuple[bytes, list[list[str]]]:
    """`body`, and the edges that it says."""
    fields = cast("dict[str, Any]", _encoder(type(value))(value))
    found = [*edges_of(value), *(Edge(value.id, "decided_by", r, "1") for r in decided_by)]
    edges = [list(edge) for edge in dict.fromkeys(found)]
    whole = {"kind": kind_of(type(value)), "fields": fields, "edges": edges}
    return (canonical if _has_keys(type(value)) else _written)(whole), edges


# `canonical` for what the encoders below gave of a record whose only keys are its fields' names:
# text, booleans, integers that were looked at, lists and objects.
_WRITER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _written(value: Any) -> bytes:
    return _WRITER.encode(value).encode()


@cache
def _has_keys(hint: Any) -> bool:
    """Whether a value of the type can hold an object whose keys are data."""
    origin = get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return True
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return any(_has_keys(field) for field in _hints(hint).values())
    return any(_has_keys(part) for part in get_args(hint) if part is not Ellipsis)


def _exact(value: int) -> int:
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise ValueError(f"{value} is not exact in JSON; write it as text")
    return value


def plain(value: Any) -> Any:
    """A dataclass as the JSON values of a record's field: for a hash over a part of a record."""
    return _encoder(cast("Any", type(value)))(value)


def restore(cls: type[R], fields: Mapping[str, Any]) -> R:
    """The record from the `fields` of its body; fields that it lacks take their defaults."""
    return cast("R", _decoder(cls)(fields))


def edges_of(value: Record) -> list[Edge]:
    """The edges in the order of the fields."""
    found: list[Edge] = []
    _walker(type(value))(value, value.id, value, found)
    return found


_Walk = Callable[[Any, str, Any, list[Edge]], None]  # of a value: its source and what holds it


@cache
def _walker(hint: Any) -> _Walk:
    """Adds the edges of a value of the type to the list, as they stand."""
    origin = get_origin(hint)
    if not _bears_edges(hint):
        return _walk_past
    if origin is Annotated:
        inner, *marks = get_args(hint)
        verbs = [mark.verb for mark in marks if isinstance(mark, Ref)]
        if not verbs:
            return _walker(inner)
        verb = verbs[0]

        def edge(value: Any, source: str, parent: Any, found: list[Edge]) -> None:
            if value:
                found.append(Edge(source, verb, value, str(getattr(parent, "weight", "1"))))

        return edge
    if origin in (tuple, frozenset):
        item, as_set = _walker(get_args(hint)[0]), origin is frozenset

        def each(value: Any, source: str, parent: Any, found: list[Edge]) -> None:
            for element in sorted(value) if as_set else value or ():
                item(element, source, parent, found)

        return each
    if origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        item = _walker(get_args(hint)[1])

        def values(value: Any, source: str, parent: Any, found: list[Edge]) -> None:
            for key in sorted(value or {}):
                item(value[key], source, parent, found)

        return values
    if origin in (types.UnionType, typing.Union):
        options = [_walker(option) for option in get_args(hint) if _bears_edges(option)]

        def either(value: Any, source: str, parent: Any, found: list[Edge]) -> None:
            if value is not None:
                for option in options:
                    option(value, source, parent, found)

        return either
    hints = _hints(hint)
    fields = [(name, _walker(of)) for name, of in hints.items() if _bears_edges(of)]
    named = "id" in hints

    def whole(value: Any, source: str, parent: Any, found: list[Edge]) -> None:
        inner = str(value.id) if named else source
        for name, walk in fields:
            walk(getattr(value, name), inner, value, found)

    return whole


def _walk_past(value: Any, source: str, parent: Any, found: list[Edge]) -> None:
    """Nothing in it names another node."""


@cache
def _bears_edges(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return any(isinstance(mark, Ref) for mark in get_args(hint)[1:]) or _bears_edges(
            get_args(hint)[0]
        )
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint not in (Money, Text) and any(
            _bears_edges(field) for field in _hints(hint).values()
        )
    return any(_bears_edges(part) for part in get_args(hint) if part is not Ellipsis)


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _added(cls: type[Any]) -> dict[str, Any]:
    """The fields marked `ADDED`, with the default that each is left out at."""
    marked = {
        name
        for name, hint in _hints(cls).items()
        if get_origin(hint) is Annotated and any(isinstance(m, Added) for m in get_args(hint)[1:])
    }
    return {
        field.name: field.default
        if field.default_factory is dataclasses.MISSING
        else field.default_factory()
        for field in dataclasses.fields(cls)
        if field.name in marked
    }


def _plain(value: Any) -> Any:
    return value


@cache
def _encoder(hint: Any) -> Callable[[Any], Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        return _encoder(get_args(hint)[0])
    if origin in (types.UnionType, typing.Union):
        options = [option for option in get_args(hint) if option is not type(None)]
        if len(options) != 1:
            raise TypeError(f"a record field cannot be {hint}")
        inner = _encoder(options[0])
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _encoder(get_args(hint)[0])
        return lambda value: [item(element) for element in value]
    if origin is frozenset:
        item = _encoder(get_args(hint)[0])
        return lambda value: sorted(item(element) for element in value)
    if origin is not None and issubclass(origin, Mapping):
        item = _encoder(get_args(hint)[1])
        return lambda value: {str(key): item(element) for key, element in value.items()}
    if hint is Decimal:
        return lambda value: format(value, "f")
    if hint is datetime:
        return moment_text
    if hint is date:
        return lambda value: value.isoformat()
    if hint is Money:
        return lambda value: {"amount": format(value.amount, "f"), "currency": value.currency}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: value.value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        fields = [(name, _encoder(field)) for name, field in _hints(hint).items()]
        added = _added(hint)
        if not added:
            return lambda value: {name: encode(getattr(value, name)) for name, encode in fields}
        return lambda value: {
            name: encode(getattr(value, name))
            for name, encode in fields
            if name not in added or getattr(value, name) != added[name]
        }
    if hint is int:
        return _exact
    if hint in (str, bool):
        return _plain
    raise TypeError(f"a record field cannot be {hint}")


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        return _decoder(get_args(hint)[0])
    if origin in (types.UnionType, typing.Union):
        inner = _decoder(next(option for option in get_args(hint) if option is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _decoder(get_args(hint)[0])
        return lambda value: tuple(item(element) for element in value)
    if origin is frozenset:
        item = _decoder(get_args(hint)[0])
        return lambda value: frozenset(item(element) for element in value)
    if origin is not None and issubclass(origin, Mapping):
        item = _decoder(get_args(hint)[1])
        return lambda value: {key: item(element) for key, element in value.items()}
    if hint is Decimal:
        return Decimal
    if hint is datetime or hint is date:
        return hint.fromisoformat
    if hint is Money:
        return lambda value: Money(Decimal(value["amount"]), value["currency"])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        fields = [(name, _decoder(field)) for name, field in _hints(hint).items()]
        cls = hint
        return lambda value: cls(
            **{name: decode(value[name]) for name, decode in fields if name in value}
        )
    return _plain
