"""A database with short transactions: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from federated.errors import FederationError, InvalidInput, Unavailable

DRIVERS = (("sqlite", "pysqlite"), ("postgresql", "psycopg"))

CONNECTIONS = 20
"""Connections that stay open. Those beyond are opened for one session each, at the cost of
several: hundreds of nodes that wake at the same moment would make most of them so."""

PATIENCE_SECONDS = 15
"""How long a writer waits for the one before it."""


def sqlite_url(path: Path) -> str:
    """URL of a SQLite database file."""
    return f"sqlite:///{path}"


class Database:
    """Sessions on one database.

    On every database a reader sees one state, and writers come one after the other: what one
    of them has read, nobody else changes before it has written.

    SQLite: write-ahead log, and `BEGIN IMMEDIATE` for writers, so that a read-modify-write
    never meets "database is locked" halfway; foreign keys are on.
    PostgreSQL: readers have a snapshot (`REPEATABLE READ`), writers an advisory lock.

    Args:
        url: SQLAlchemy URL.
        migrations: Folder of the Alembic migrations that this database is brought up to.

    Raises:
        InvalidInput: The URL is of no database that can be used here.
        Unavailable: The database cannot be reached, or does not let us in.
    """

    def __init__(self, url: str, migrations: Path) -> None:
        self.engine = _engine(url)
        self._reader = self._writer = self.engine
        self._turn: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if self.engine.dialect.name == "sqlite":
            self._writer = _prepare_sqlite(self.engine)
            # SQLite lets writers sleep ever longer and in no order; here each is woken in time.
            self._turn = threading.RLock()
        else:
            from serving.postgresql import readers_and_writers

            self._reader, self._writer = readers_and_writers(self.engine, PATIENCE_SECONDS)
        try:
            upgrade(self._writer, migrations)
        except (OperationalError, ProgrammingError, CommandError) as error:
            self.close()
            raise _unusable(self.engine, error) from None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the database and changes nothing."""
        with Session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back by any exception."""
        with self._turn, Session(self._writer) as session, session.begin():
            yield session

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def upgrade(engine: Engine, migrations: Path) -> None:
    """Brings a database's tables up to date with the migrations in a folder."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _engine(url: str) -> Engine:
    problem = "This is no database that can be used here"
    expected = (
        "sqlite:///…, or postgresql+psycopg://user@host/name with the package psycopg installed"
    )
    try:
        # Statements are logged when they fail; what strangers and patients wrote is not.
        engine = create_engine(
            url,
            pool_pre_ping=not url.startswith("sqlite"),
            pool_size=CONNECTIONS,
            hide_parameters=True,
        )
    except (ArgumentError, ImportError, ValueError) as error:
        # A URL that cannot be read may carry a password.
        received = str(error).replace(url, "another URL")
        raise InvalidInput(problem, expected=expected, received=received) from None
    if (engine.dialect.name, engine.driver) not in DRIVERS:
        raise InvalidInput(problem, expected=expected, received=engine.url.drivername)
    return engine


def _unusable(
    engine: Engine, error: OperationalError | ProgrammingError | CommandError
) -> FederationError:
    told = " ".join(str(getattr(error, "orig", error)).split())
    if isinstance(error, OperationalError):
        place = engine.url.render_as_string(hide_password=True)
        return Unavailable(
            "The database cannot be opened", expected=f"one at {place}", received=told
        )
    return InvalidInput(
        "The tables of this database are not those of this server",
        expected="a database of its own for each server, made by no newer version",
        received=told,
    )


def _prepare_sqlite(engine: Engine) -> Engine:
    """Sets up the connections; returns the engine for writers."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # SQLAlchemy emits BEGIN itself (below); the driver's own guesses must be off.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"busy_timeout={PATIENCE_SECONDS * 1000}",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("commonsight_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine.execution_options(commonsight_write=True)
