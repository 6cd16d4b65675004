"""Opening the child's database, its tables brought up to date first."""

from __future__ import annotations

from pathlib import Path

from child.state_folder import StateFolder, one_at_a_time
from serving.database import Database, sqlite_url

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(folder: StateFolder, url: str | None = None) -> Database:
    """The child's database: SQLite in its state folder, or another by URL."""
    with one_at_a_time(folder):
        return Database(url or sqlite_url(folder.database), MIGRATIONS)
