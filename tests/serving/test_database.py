"""Short transactions, on SQLite; the stores' own suites run on PostgreSQL too."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from serving.database import Database, sqlite_url

ENV = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""
FIRST = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "1", None
def upgrade():
    op.create_table("counter", sa.Column("value", sa.Integer))
    op.execute("INSERT INTO counter VALUES (0)")
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations with 100 % of care"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "script.py.mako").write_text("")
    (folder / "versions" / "first.py").write_text(FIRST)
    return folder


@pytest.fixture
def database(tmp_path: Path, migrations: Path) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path / "x.sqlite"), migrations)
    yield database
    database.close()


def value(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT value FROM counter")).scalar_one())


def test_an_exception_rolls_back(database: Database) -> None:
    def change_and_fail() -> None:
        with database.write() as session:
            session.execute(text("UPDATE counter SET value = 9"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert value(database) == 0


def test_writers_queue_up_and_no_change_is_lost(database: Database) -> None:
    def add() -> None:
        for _ in range(25):
            with database.write() as session:
                now = session.execute(text("SELECT value FROM counter")).scalar_one()
                session.execute(text("UPDATE counter SET value = :v"), {"v": now + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value(database) == 100


def test_a_second_start_finds_its_tables(
    database: Database, tmp_path: Path, migrations: Path
) -> None:
    with database.write() as session:
        session.execute(text("UPDATE counter SET value = 5"))
    database.close()
    again = Database(sqlite_url(tmp_path / "x.sqlite"), migrations)
    assert value(again) == 5
    again.close()
