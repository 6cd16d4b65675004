"""Every kind of database that a server may be given, fresh for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.database import Database, sqlite_url
from tests.postgres_server import PostgresServer

NewDatabase = Callable[[Path], str]
"""From a folder of migrations to the URL of a database that they have been done on."""


@pytest.fixture(scope="session")
def new_sqlite(tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """Copies of a database whose migrations were done once."""
    templates: dict[Path, Path] = {}

    def new(migrations: Path) -> str:
        if migrations not in templates:
            templates[migrations] = tmp_path_factory.mktemp("template") / "empty.sqlite"
            Database(sqlite_url(templates[migrations]), migrations).close()
        path = tmp_path_factory.mktemp("database") / "test.sqlite"
        shutil.copyfile(templates[migrations], path)
        return sqlite_url(path)

    return new


@pytest.fixture
def new_postgres(postgres_server: PostgresServer) -> Iterator[NewDatabase]:
    """The same on PostgreSQL; they are dropped after the test."""
    urls: list[str] = []

    def new(migrations: Path) -> str:
        urls.append(postgres_server.migrated(migrations))
        return urls[-1]

    yield new
    for url in urls:
        postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Runs a test once on each kind of database."""
    name = {"sqlite": "new_sqlite", "postgresql": "new_postgres"}[request.param]
    found: NewDatabase = request.getfixturevalue(name)
    return found
