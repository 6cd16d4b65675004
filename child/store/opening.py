"""Opening the child's database, its tables brought up to date first."""

from __future__ import annotations

from pathlib import Path

from child.state_folder import StateFolder
from serving import state_folder
from serving.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(folder: StateFolder, url: str | None = None) -> Database:
    """The child's database: SQLite in its state folder, or another by URL."""
    return state_folder.open_database(folder.database, url, MIGRATIONS)
