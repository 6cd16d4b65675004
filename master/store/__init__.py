"""The master's database: tables, one module a concept, and all SQL of this side.

Functions take a session and leave committing to the caller's `with` block, so that a change
and the event that tells of it are always in the same transaction.
"""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
