"""One fixture over every store, one for each alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import AnyStore, OnPostgres, OnSqlite

from private_postgres import Server
from sanhua.store import SqlStore

STORES = ("sqlite", "postgres")


def open_on(where: str, request: pytest.FixtureRequest, folder: Path) -> AnyStore:
    if where == "sqlite":
        return OnSqlite(folder)
    return OnPostgres(folder, request.getfixturevalue("postgres"))


@pytest.fixture(params=STORES)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyStore]:
    """Every store of this suite."""
    opener = open_on(request.param, request, tmp_path)
    yield opener
    opener.close()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[OnSqlite]:
    opener = OnSqlite(tmp_path)
    yield opener
    opener.close()


@pytest.fixture
def on_postgres(tmp_path: Path, postgres: Server) -> Iterator[OnPostgres]:
    opener = OnPostgres(tmp_path, postgres)
    yield opener
    opener.close()


@pytest.fixture
def store(reopen: AnyStore) -> SqlStore:
    return reopen()
