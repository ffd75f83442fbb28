"""Date patterns: JDK's, which people write, as DuckDB's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sanhua.kernel.errors import Invalid

# A letter run of a JDK date pattern → DuckDB's strptime.
_JDK = {
    letters: made
    for letters, _, made in (
        pair.partition("=")
        for pair in (
            "yyyy=%Y yy=%y MMM=%b MM=%m M=%-m dd=%d d=%-d HH=%H H=%-H hh=%I h=%-I mm=%M m=%-M "
            "ss=%S s=%-S SSSSSS=%f SSS=%g a=%p XXX=%z X=%z Z=%z z=%Z"
        ).split()
    )
}


def strptime_of(pattern: str) -> str:
    """A JDK date pattern as DuckDB's; Invalid collect.unknown-pattern names a letter that is not
    known.
    """
    made: list[str] = []
    for quoted, letters, other in _tokens(pattern):
        if letters:
            if letters not in _JDK:
                raise Invalid(
                    "collect.unknown-pattern",
                    pattern=pattern,
                    letters=letters,
                    known=" ".join(_JDK),
                )
            made.append(_JDK[letters])
        else:
            made.append((quoted or other).replace("%", "%%"))
    return "".join(made)


def _tokens(pattern: str) -> Iterator[tuple[str, str, str]]:
    """(quoted text, pattern letters, other character), one of them filled."""
    for match in re.finditer(r"'([^']*)'|(([A-Za-z])\3*)|(.)", pattern, re.DOTALL):
        yield match[1] or "", match[2] or "", match[4] or ""
