"""The folder of everything that a master owns: where what lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from master.settings import Settings
from master.store import MIGRATIONS
from serving.blobs import BlobStore
from serving.database import Database
from serving.state_folder import make_private, open_database


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Places in a master's state folder."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite database, where no other database is named."""
        return self.root / "master.sqlite"

    @property
    def blobs(self) -> Path:
        """Weights and updates, by hash."""
        return self.root / "blobs"

    @property
    def exports(self) -> Path:
        """Models to take away, as `.keras` files."""
        return self.root / "exports"

    @property
    def drafts(self) -> Path:
        """Models that the evaluator is writing."""
        return self.root / "work"

    @property
    def coordinator(self) -> Path:
        """File of the name under which this folder's coordinator holds its lease."""
        return self.root / "secrets" / "coordinator.id"

    @property
    def logs(self) -> Path:
        """What the evaluator prints."""
        return self.root / "logs"

    def remove_drafts(self) -> None:
        """Deletes what a crash left unfinished; only the server that holds the folder may."""
        for folder, drafts in (
            (self.blobs, "draft-*"),
            (self.exports, "draft-*"),
            (self.drafts, "*"),
        ):
            for path in folder.glob(drafts):
                path.unlink(missing_ok=True)

    def pictures(self, study_id: str) -> Path:
        """The master's own pictures of a study."""
        return self.root / "pictures" / study_id

    def pixels(self, study_id: str) -> Path:
        """The array of those pictures' pixels."""
        return self.pictures(study_id) / "pixels.u8"

    def push_token(self, node_id: str) -> Path:
        """File of the token that a child accepts from this master."""
        return self.root / "secrets" / "nodes" / f"{node_id}.token"


def open_state(settings: Settings) -> tuple[Database, BlobStore]:
    """The tables and the blobs of a state folder, made if missing."""
    make_private(settings.state)
    folder = StateFolder(settings.state)
    database = open_database(folder.database, settings.database, MIGRATIONS)
    return database, BlobStore(folder.blobs, settings.remote_blobs)
