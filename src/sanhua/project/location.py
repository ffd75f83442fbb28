"""Where the store is, as `store:`, SANHUA_STORE or a command names it: secrets come from the
environment, a relative SQLite file lies in the project's folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

VARIABLE = r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}"
PASSWORD_FROM = "${SANHUA_STORE_PASSWORD}"  # what is shown in place of a password
# The last @ ends a password, so that one with an @ in it is never shown by half.
_PASSWORD = re.compile(r"^([\w+]+://[^:/@]*:)(.*)(@[^@]*)$", re.DOTALL)
_OPTION = re.compile(r"([?&](?:password|sslpassword)=)([^&]*)")
_SQLITE = re.compile(r"^(sqlite(?:\+\w+)?:///)(?!/|file:|:memory:|[A-Za-z]:|$)")


def filled(text: str, env: Mapping[str, str]) -> tuple[str, list[str]]:
    """`text` with `${NAME}` and `${NAME:-default}` taken from the environment, and the names that
    are not set.
    """
    missing: list[str] = []

    def one(match: re.Match[str]) -> str:
        value = env.get(match[1], "") or match[2]
        if value is None:
            missing.append(match[1])
            return match[0]
        return value

    return re.sub(VARIABLE, one, text), missing


def store_url(text: str, env: Mapping[str, str], root: Path) -> tuple[str, list[str]]:
    """The URL to connect to, and the variables that are not set.

    A variable that is the whole password may hold any character.
    """
    missing: list[str] = []

    def password(match: re.Match[str]) -> str:
        if not re.fullmatch(VARIABLE, match[2]):
            return match[0]
        value, lacking = filled(match[2], env)
        missing.extend(lacking)
        return match[1] + (match[2] if lacking else quote(value, safe="")) + match[3]

    url, more = filled(_PASSWORD.sub(password, text), env)
    missing += [name for name in more if name not in missing]
    return _SQLITE.sub(lambda match: match[1] + root.resolve().as_posix() + "/", url), missing


def has_written_password(text: str) -> bool:
    """Whether a password stands in it in so many words."""
    return shown(text) != text


def shown(text: str) -> str:
    """The URL as it may be printed and written into sanhua.yaml."""

    def hidden(match: re.Match[str]) -> str:
        end = match[3] if len(match.groups()) > 2 else ""
        plain = not match[2] or re.fullmatch(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", match[2])
        return match[0] if plain else match[1] + PASSWORD_FROM + end

    return _OPTION.sub(hidden, _PASSWORD.sub(hidden, text))
