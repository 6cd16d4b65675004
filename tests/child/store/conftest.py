"""The child's store is tested on every kind of database that it may be given."""

from pathlib import Path

import pytest

from child.state_folder import StateFolder
from child.store.opening import MIGRATIONS
from tests.child.conftest import DatabaseOf
from tests.databases import NewDatabase


@pytest.fixture(params=["sqlite", "postgresql"])
def database_of(request: pytest.FixtureRequest, database_of: DatabaseOf) -> DatabaseOf:
    if request.param == "sqlite":
        return database_of
    new: NewDatabase = request.getfixturevalue("new_postgres")
    known: dict[Path, str] = {}

    def on_a_server(folder: StateFolder) -> str:
        # A second child on the same folder is a restart.
        if folder.root not in known:
            known[folder.root] = new(MIGRATIONS)
        return known[folder.root]

    return on_a_server
