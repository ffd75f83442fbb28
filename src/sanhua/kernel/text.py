"""A text for people, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """One text in two languages; a language that was not written falls back to the other."""

    zh: str = ""
    en: str = ""

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)

    def __str__(self) -> str:
        return self.zh or self.en

    def say(self, language: str) -> str:
        """The text in `language`, or the other one when it is missing."""
        return (self.en or self.zh) if language == "en" else (self.zh or self.en)
