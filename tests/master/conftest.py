from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from master.store import MIGRATIONS
from serving.database import Database
from tests.databases import NewDatabase
from tests.master.federation import Clock, Federation


@pytest.fixture
def database(new_database: NewDatabase) -> Iterator[Database]:
    """The master's tables, once on each kind of database."""
    database = Database(new_database(MIGRATIONS), MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def federation(tmp_path: Path, clock: Clock) -> Iterator[Federation]:
    federation = Federation(tmp_path / "state", clock)
    yield federation
    federation.services.database.close()
