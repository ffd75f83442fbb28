"""The text of every public code, in Chinese and English, one module an area; the code's first word
names no module.

A template is filled with the facts of its diagnostic (`str.format`); a hint is the way out.
`tests/docs` holds that each code that the program can raise stands here and in the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

from sanhua.kernel.text import Text


class Message(NamedTuple):
    """What a code says: the text and the way out, each in Chinese and English."""

    zh: str
    en: str
    hint_zh: str = ""
    hint_en: str = ""


@cache
def catalogue() -> dict[str, Message]:
    """Every code with its message."""
    found: dict[str, Message] = {}
    for module in iter_modules(__path__):
        found.update(import_module(f"{__name__}.{module.name}").MESSAGES)
    return found


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def render(code: str, facts: Mapping[str, Any], language: str) -> tuple[str, str]:
    """The message and the hint of `code` in `language` (zh or en); an unknown code prints itself
    with its facts.
    """
    message = catalogue().get(code)
    if message is None:
        return (" ".join([code, *(f"{key}={value}" for key, value in facts.items())]), "")
    text, hint = (
        (message.zh, message.hint_zh) if language == "zh" else (message.en, message.hint_en)
    )
    said = _Facts(
        {key: fact.say(language) if isinstance(fact, Text) else fact for key, fact in facts.items()}
    )
    return text.format_map(said), hint.format_map(said)
