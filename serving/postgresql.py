"""PostgreSQL as our servers use it; imported only where a database's URL names one."""

from __future__ import annotations

from typing import Any

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import Connection, Engine, event

WRITERS_LOCK = 0x436F6D6D6F6E
"""Advisory lock that writers hold, one after the other, as `BEGIN IMMEDIATE` makes them."""


def readers_and_writers(engine: Engine, patience: int) -> tuple[Engine, Engine]:
    """The engine for those who read one state, and the one for those who change it.

    Args:
        engine: The engine that makes the connections.
        patience: Seconds that a writer waits for the one before it.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(str, _WithoutNul)
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{patience}s'")
            # A machine that was cut off in a transaction must not hold up the others for hours.
            cursor.execute("SET idle_in_transaction_session_timeout = '5min'")
        connection.commit()

    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    # Each statement sees what was committed before it, and nobody commits while the lock is held.
    writer = engine.execution_options(isolation_level="READ COMMITTED")

    @event.listens_for(writer, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")

    return reader, writer


class _WithoutNul(StrDumperUnknown):
    """Text as PostgreSQL takes it: all characters but NUL, which a stranger may send anywhere."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))
