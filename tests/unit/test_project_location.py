"""Where the store is: variables, relative files, and what may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sanhua.project.location import has_written_password, shown, store_url

ROOT = Path(__file__).parent
HERE = ROOT.resolve().as_posix()
ENV = {"PW": "p@s:s/w#1%", "HOST": "db:5433", "WHOLE": "postgresql+psycopg://u:x@h/d"}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (
            "postgresql+psycopg://u:${PW}@${HOST}/d",
            "postgresql+psycopg://u:p%40s%3As%2Fw%231%25@db:5433/d",
        ),
        ("postgresql+psycopg://u@${HOST}/d", "postgresql+psycopg://u@db:5433/d"),
        ("postgresql+psycopg://u:${NONE:-x}@h/d", "postgresql+psycopg://u:x@h/d"),
        ("${WHOLE}", "postgresql+psycopg://u:x@h/d"),
        ("sqlite:///state/other.db", f"sqlite:///{HERE}/state/other.db"),
        ("sqlite:////data/other.db", "sqlite:////data/other.db"),
        ("sqlite:///C:/data/other.db", "sqlite:///C:/data/other.db"),
        ("sqlite:///file:x?mode=ro&uri=true", "sqlite:///file:x?mode=ro&uri=true"),
        ("sqlite://", "sqlite://"),
        ("", ""),
    ],
)
def test_a_url_is_filled_from_the_environment_and_the_folder(text: str, url: str):
    assert store_url(text, ENV, ROOT) == (url, [])


def test_a_variable_that_is_not_set_is_named_once():
    assert store_url("postgresql+psycopg://u:${A}@${B}/d", {}, ROOT)[1] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (
            "postgresql+psycopg://u:s3cret@h/d",
            "postgresql+psycopg://u:${SANHUA_STORE_PASSWORD}@h/d",
        ),
        (
            "postgresql+psycopg://u:s3@cret@h/d",
            "postgresql+psycopg://u:${SANHUA_STORE_PASSWORD}@h/d",
        ),
        ("postgresql+psycopg://u:${X:-s3cret}@h/d", None),
        ("postgresql+psycopg://u:x${X}@h/d", None),
        (
            "postgresql+psycopg://u@h/d?password=s3cret&sslmode=require",
            "postgresql+psycopg://u@h/d?password=${SANHUA_STORE_PASSWORD}&sslmode=require",
        ),
    ],
)
def test_a_password_that_is_written_is_not_shown(text: str, safe: str | None):
    assert shown(text) == (safe or "postgresql+psycopg://u:${SANHUA_STORE_PASSWORD}@h/d")
    assert has_written_password(text) and "s3" not in shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://u:${PW}@h/d",
        "postgresql+psycopg://u@h:5432/d?host=/run",
        "postgresql+psycopg://u@/d?password=${PW}",
        "postgresql+psycopg:///d",
        "sqlite:///state/a@b.db",
        "",
    ],
)
def test_a_url_without_a_written_password_is_shown_as_it_is(text: str):
    assert shown(text) == text and not has_written_password(text)
