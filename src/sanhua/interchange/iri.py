"""IRIs: what our nodes are called in documents that leave the project."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

VOCABULARY = "urn:sanhua:ns:"  # terms of ours that no vocabulary has, by the prefix `sanhua:`
_LEGAL = ":/?#[]@!$&'()*+,;=%~"  # what an IRI may hold besides letters, digits and -._


@dataclass(frozen=True, slots=True)
class Iris:
    """Mints IRIs for one project: below `base` when it is set, else `urn:sanhua:<project>:`."""

    project: str
    base: str = ""

    @property
    def prefix(self) -> str:
        if not self.base:
            return f"urn:sanhua:{_part(self.project)}:"
        base = quote(self.base, safe=_LEGAL)
        return base if base[-1] in "/#:" else f"{base}/"

    @property
    def is_web(self) -> bool:
        """Whether what is minted may be opened by a browser."""
        return self.base.startswith(("http://", "https://"))

    def of(self, *parts: str) -> str:
        """The IRI of a thing by its kind and key; every part is percent-encoded as UTF-8."""
        prefix = self.prefix
        return prefix + (":" if prefix[-1] == ":" else "/").join(map(_part, parts))

    def node(self, node: str) -> str:
        """The IRI of a node id: `resource:daily` → `<prefix>resource/daily`."""
        kind, _, key = node.partition(":")
        return self.of(kind, key)


def _part(text: str) -> str:
    return quote(text, safe="", errors="replace")
