"""What the master says of itself: disk, database, worker, settings in force, log."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from federated.views import DiskView, SystemView, WorkerView
from master import VERSION
from master.evaluation import WorkerEvaluator
from master.services import Services
from master.settings import Settings
from master.store.state_counts import count_by_state

LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "SQLAlchemy", "Flask")


def system_view(services: Services) -> SystemView:
    """The state of this master, as an operator may see it; nothing in it is secret."""
    with services.database.read() as session:
        states = count_by_state(session)
    return SystemView(
        started_at=services.started_at,
        now=services.now(),
        versions=versions(),
        database=_database(services),
        remote_blobs=_folder(services.settings.remote_blobs),
        disk=disk(services.state.root, services.state.blobs, services.state.database),
        worker=_worker(services),
        settings=told(services.settings),
        waiting_polls=len(services.polls.waiting),
        states=states,
        log=services.log.lines,
    )


def versions() -> dict[str, str]:
    """Versions by name; a library that is not installed is left out."""
    return {"Commonsight": VERSION, "Python": platform.python_version()} | dict(_libraries())


def _libraries() -> Iterator[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def told(settings: Settings) -> dict[str, str]:
    """The settings in force by the names of their options; of an address only where it leads."""
    plain = {
        field.name.replace("_", "-"): getattr(settings, field.name) for field in fields(settings)
    }
    plain["database"] = _bare(settings.database)
    plain["blobs"] = _folder(plain.pop("remote-blobs"))
    return {name: _as_text(value) for name, value in plain.items()}


def disk(root: Path, blobs: Path, database: Path) -> DiskView:
    """How full the disk under a state folder is, and with what.

    Args:
        root: The state folder.
        blobs: Folder of the blobs.
        database: File of the database; it need not be there.
    """
    usage = shutil.disk_usage(root)
    sizes = [size for path in blobs.glob("*") if (size := _size(path)) is not None]
    parts = [_size(database.with_name(database.name + end)) for end in ("", "-wal", "-shm")]
    known = [size for size in parts if size is not None]
    return DiskView(
        total=usage.total,
        free=usage.free,
        blobs=sum(sizes),
        blob_count=len(sizes),
        database=sum(known) if known else None,
    )


def _size(path: Path) -> int | None:
    """Bytes of a file; None where there is none, or no longer."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def _database(services: Services) -> str:
    names: Mapping[str, str] = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    dialect = services.database.engine.dialect
    question = "select sqlite_version()" if dialect.name == "sqlite" else "show server_version"
    with services.database.read() as session:
        number = str(session.execute(text(question)).scalar_one())
    return f"{names.get(dialect.name, dialect.name)} {number.split(' ')[0]}"


def _worker(services: Services) -> WorkerView:
    evaluator = services.evaluator
    return WorkerView(alive=not isinstance(evaluator, WorkerEvaluator) or evaluator.pid is not None)


def _bare(url: str | None) -> str | None:
    """Where an address leads: its name, password and question are left out."""
    if url is None:
        return None
    found = make_url(url)
    place = f"{found.host or ''}{f':{found.port}' if found.port else ''}"
    return f"{found.drivername}://{place}/{found.database or ''}"


def _folder(url: str | None) -> str | None:
    """Where blobs are kept, in any form that fsspec takes; what may be secret is left out."""
    kind, found, place = (url or "").rpartition("://")
    if not found:
        return url
    if re.search(r"[?#].*@", place):
        # Either may be part of the other: nobody can tell where a password ends.
        return f"{kind}://…"
    return f"{kind}://{re.split('[?#]', place.rpartition('@')[2])[0]}"


def _as_text(value: object) -> str:
    return "–" if value is None else str(value)
