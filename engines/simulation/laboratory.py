"""Where plans are simulated, and what its sites keep between rounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from child.local_controls import LocalControls
from child.local_statistics import LocalStatistics
from engines.simulation.workers import Workers
from federated.study import Study
from serving.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Where plans are simulated.

    Attributes:
        study: The classification problem.
        pixels: The array file of all pictures.
        workers: Do the work.
        folder: For weights and updates.
        pretrained: Folder of the weights that plans may name.
    """

    study: Study
    pixels: Path
    workers: Workers
    folder: Path
    pretrained: Path

    @property
    def blobs(self) -> BlobStore:
        """Weights and updates, by their hashes."""
        return BlobStore(self.folder / "blobs")

    def site_folder(self, name: str) -> Path:
        """Where a site keeps what its child would."""
        place = self.folder / "sites" / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def statistics_of(self, name: str) -> LocalStatistics:
        """BatchNorm's statistics that a site keeps to itself."""
        place = self.site_folder(name) / "own"
        place.mkdir(exist_ok=True)
        return LocalStatistics(place)

    def controls_of(self, name: str) -> LocalControls:
        """Control variates that a site keeps to itself."""
        place = self.site_folder(name) / "controls"
        place.mkdir(exist_ok=True)
        return LocalControls(place)
