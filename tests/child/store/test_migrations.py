from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from child.server import Child
from child.store.base import Base
from child.store.opening import MIGRATIONS
from serving.database import Database


def test_the_migrations_make_the_tables_that_the_code_declares(new_database):
    # The server's imports are what declares every table.
    assert Child.__module__ == "child.server"
    assert len(Base.metadata.tables) == 9
    database = Database(new_database(MIGRATIONS), MIGRATIONS)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
    database.close()
