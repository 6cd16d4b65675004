"""The one folder that a child owns: where what lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.state_folder import make_private


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Places in a child's state folder."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite database, where no other database is named."""
        return self.root / "child.sqlite"

    @property
    def blobs(self) -> Path:
        """Weights and updates, by hash."""
        return self.root / "blobs"

    @property
    def pictures(self) -> Path:
        """A folder for each study: pictures and the array of their pixels."""
        return self.root / "pictures"

    @property
    def drafts(self) -> Path:
        """What tasks under way are making; whatever lies here at start is of no use."""
        return self.root / "drafts"

    @property
    def batches(self) -> Path:
        """Batches of public pictures, by hash; they can be fetched again."""
        return self.root / "batches"

    @property
    def statistics(self) -> Path:
        """BatchNorm's statistics that this site keeps to itself, by run."""
        return self.root / "statistics"

    @property
    def controls(self) -> Path:
        """Control variates that this site keeps to itself, by task."""
        return self.root / "controls"

    @property
    def cards(self) -> Path:
        """What the master tells of the models, by study."""
        return self.root / "cards"

    @property
    def secrets(self) -> Path:
        """What this child must present, readable by its owner alone."""
        return self.root / "secrets"

    @property
    def group_secret(self) -> Path:
        """What the words for groups of pictures are hashed under; it never leaves."""
        return self.secrets / "picture-groups"

    @property
    def logs(self) -> Path:
        """What the worker processes print."""
        return self.root / "logs"

    def make(self) -> None:
        """Makes the folder, closed to other users of the machine, and those in it."""
        make_private(self.root)
        for folder in (
            self.blobs,
            self.pictures,
            self.drafts,
            self.batches,
            self.statistics,
            self.controls,
            self.cards,
            self.secrets,
            self.logs,
        ):
            folder.mkdir(exist_ok=True, mode=0o700)
