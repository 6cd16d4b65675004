"""Short transactions, on every kind of database."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from federated.errors import InvalidInput, Unavailable
from serving.database import Database, sqlite_url
from tests.databases import NewDatabase
from tests.postgres_server import PostgresServer

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
    op.create_table("words", sa.Column("word", sa.Text))
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
def url(new_database: NewDatabase, migrations: Path) -> str:
    return new_database(migrations)


@pytest.fixture
def database(url: str, migrations: Path) -> Iterator[Database]:
    database = Database(url, migrations)
    yield database
    database.close()


def value(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT value FROM counter")).scalar_one())


def set_value(database: Database, value: int) -> None:
    with database.write() as session:
        session.execute(text("UPDATE counter SET value = :value"), {"value": value})


def count(database: Database) -> None:
    for _ in range(25):
        with database.write() as session:
            now = session.execute(text("SELECT value FROM counter")).scalar_one()
            session.execute(text("UPDATE counter SET value = :v"), {"v": now + 1})


def together(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_an_exception_rolls_back(database: Database) -> None:
    def change_and_fail() -> None:
        with database.write() as session:
            session.execute(text("UPDATE counter SET value = 9"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert value(database) == 0


def test_writers_queue_up_and_no_change_is_lost(database: Database) -> None:
    together(*[lambda: count(database)] * 4)
    assert value(database) == 100


def test_writers_of_two_servers_queue_up_too(
    database: Database, url: str, migrations: Path
) -> None:
    another = Database(url, migrations)

    together(lambda: count(database), lambda: count(another))
    another.close()
    assert value(database) == 50


def test_a_reader_sees_one_state_whatever_is_written_meanwhile(database: Database) -> None:
    with database.read() as session:
        question = text("SELECT value FROM counter")
        before = session.execute(question).scalar_one()
        set_value(database, 7)
        assert session.execute(question).scalar_one() == before == 0
    assert value(database) == 7


def test_a_second_start_finds_its_tables(database: Database, url: str, migrations: Path) -> None:
    set_value(database, 5)
    again = Database(url, migrations)
    assert value(again) == 5
    again.close()


def test_two_first_starts_make_the_tables_once(
    postgres_server: PostgresServer, migrations: Path
) -> None:
    url = postgres_server.empty()
    opened: list[Database] = []
    together(*[lambda: opened.append(Database(url, migrations))] * 2)
    assert [value(database) for database in opened] == [0, 0]
    for database in opened:
        database.close()
    postgres_server.drop(url)


def test_any_text_of_a_stranger_can_be_kept_and_asked_for(database: Database) -> None:
    word = "a\0b, 母斑, \N{SKULL}, '; DROP TABLE words --"
    with database.write() as session:
        session.execute(text("INSERT INTO words VALUES (:word)"), {"word": word})
    with database.read() as session:
        same = text("SELECT count(*) FROM words WHERE word = :word")
        assert session.execute(same, {"word": word}).scalar_one() == 1
        assert session.execute(same, {"word": "a\0c"}).scalar_one() == 0
        kept = session.execute(text("SELECT word FROM words")).scalar_one()
        # PostgreSQL has no NUL.
        assert kept.replace("\N{REPLACEMENT CHARACTER}", "\0") == word


def test_a_database_that_was_away_is_used_again(
    postgres_server: PostgresServer, migrations: Path
) -> None:
    url = postgres_server.migrated(migrations)
    database = Database(url, migrations)

    def change_and_lose_the_connection() -> None:
        with database.write() as session:
            session.execute(text("UPDATE counter SET value = 9"))
            assert postgres_server.break_off(url) == 1
            session.execute(text("UPDATE counter SET value = 10"))

    with pytest.raises(OperationalError):
        change_and_lose_the_connection()
    assert value(database) == 0
    set_value(database, 4)
    assert value(database) == 4
    database.close()
    postgres_server.drop(url)


def test_the_tables_of_another_server_are_left_alone(
    database: Database, url: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / "versions").mkdir(parents=True)
    (other / "env.py").write_text(ENV)
    (other / "versions" / "first.py").write_text(FIRST.replace('"1"', '"9"'))
    set_value(database, 3)
    with pytest.raises(InvalidInput, match="of its own for each server"):
        Database(url, other)
    assert value(database) == 3


@pytest.mark.parametrize(
    "url",
    [
        "not a url with hunter2",
        "nonsense://user:hunter2@host/name",
        "postgresql://user:hunter2@host:port/name",
        "mysql+pymysql://user:hunter2@host/name",
        "postgresql+asyncpg://user:hunter2@host/name",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(
    url: str, migrations: Path
) -> None:
    with pytest.raises(InvalidInput, match="postgresql\\+psycopg") as caught:
        Database(url, migrations)
    assert "hunter2" not in caught.value.detail


def test_a_database_that_is_away_is_named_without_its_password(
    migrations: Path, tmp_path: Path
) -> None:
    pytest.importorskip("psycopg")
    place = f"user:hunter2@/name?host={tmp_path}"
    with pytest.raises(Unavailable, match=r"user:\*\*\*@/name") as caught:
        Database(f"postgresql+psycopg://{place}", migrations)
    assert "hunter2" not in caught.value.detail
    with pytest.raises(Unavailable, match="unable to open"):
        Database(sqlite_url(tmp_path / "missing" / "x.sqlite"), migrations)
