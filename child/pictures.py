"""Pictures on the disk: a folder a study, files named by the hash of their sanitised pixels.

A picture becomes real in three steps: its file (synced, renamed), its row in the array file,
its row in the database. What a crash leaves between them is tidied at the next start.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from child.feature_array import erase_features
from federated.errors import NotFound, StorageFailure
from federated.study import Study
from imaging.array_file import PixelArray
from serving.files import write_file

log = logging.getLogger(__name__)

FEATURES, FEATURES_END = "features-", ".f32"
KEPT_FEATURES = 4
"""Bases of a study's models whose features are kept, so that runs can take turns."""


class PictureFolder:
    """The pictures of all studies.

    Args:
        root: Where the studies' folders lie.
        write: Writes one file; an argument so that a test can let the disk fail.
    """

    def __init__(self, root: Path, write: Callable[[Path, bytes], None] = write_file) -> None:
        self._root = root
        self._write = write

    def array(self, study: Study) -> PixelArray:
        """The array of a study's pixels as its model sees them."""
        return PixelArray(self._folder(study.id) / "pixels.u8", study.picture_shape)

    def features(self, study: Study, key: str) -> Path:
        """The file of what a model makes of a study's pictures, which need not be there yet.

        Those of other models go, but for the latest: each is as good as a copy of the pictures.
        """
        path = self._folder(study.id) / f"{FEATURES}{key}{FEATURES_END}"
        others = [other for other in self._feature_files(study.id) if other != path]
        others.sort(key=lambda other: other.stat().st_mtime)
        for other in others[: 1 - KEPT_FEATURES]:
            other.unlink(missing_ok=True)
        return path

    def keep(self, study: Study, files: Mapping[str, bytes], pixels: np.ndarray) -> dict[str, int]:
        """Writes pictures and their pixels: all, or none.

        Args:
            study: Their study.
            files: PNG files by name (SHA-256).
            pixels: uint8 (n, size, size, channels), in the order of `files`.

        Returns:
            The row of each picture in the array file.

        Raises:
            StorageFailure: The disk refused; nothing of these pictures is left.
        """
        try:
            self._folder(study.id).mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, png in files.items():
                self._write(self._path(study.id, name), png)
            rows = self.array(study).append(pixels)
        except BaseException as error:
            self._give_up(study, files)
            if isinstance(error, OSError):
                raise _failure(error) from error
            raise
        return dict(zip(files, rows, strict=True))

    def discard(self, study: Study, names: Iterable[str], rows: Iterable[int] = ()) -> None:
        """Removes pictures that no database row makes real, and their pixels.

        A training under way then sees black in their place: what is gone is gone at once.
        """
        for name in names:
            self._path(study.id, name).unlink(missing_ok=True)
        array, gone = self.array(study), np.array(list(rows), np.int64)
        for row in gone:
            array.erase(int(row))
        # After the pixels: what computes features looks at those once more before it writes.
        for path in self._feature_files(study.id):
            erase_features(path, lambda numbers: np.intersect1d(numbers, gone))

    def read(self, study_id: str, name: str) -> bytes:
        """A picture's PNG file.

        Raises:
            NotFound: The file is gone.
        """
        try:
            return self._path(study_id, name).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                "The picture's file is missing", received=name, code="unknown_picture"
            ) from None

    def reset(self, study: Study) -> None:
        """Clears a study's folder, which holds no picture that is real."""
        shutil.rmtree(self._folder(study.id), ignore_errors=True)

    def tidy(self, study: Study, places: Mapping[str, int]) -> None:
        """Removes what a crash left: files and rows that the database does not know.

        Args:
            study: The study.
            places: The array row of every real picture, by name.
        """
        folder = self._folder(study.id)
        if not folder.exists():
            return
        if not places:
            self.reset(study)
            return
        real = {f"{name}.png" for name in places} | {"pixels.u8"}
        features = self._feature_files(study.id)
        for path in folder.iterdir():
            if path.name not in real and path not in features:
                path.unlink()
        self._erase_unknown(study, set(places.values()))
        known = np.array(list(places.values()), np.int64)
        for path in features:
            erase_features(path, lambda numbers: np.setdiff1d(numbers, known))

    def _give_up(self, study: Study, names: Iterable[str]) -> None:
        try:
            self.discard(study, names)
        except OSError:
            # What made the writing fail is what is to be told; the next start tidies.
            log.exception("Files of a failed upload could not be removed")

    def _erase_unknown(self, study: Study, known: set[int]) -> None:
        array = self.array(study)
        pixels = array.open()
        for row in sorted(set(range(len(pixels))) - known):
            if pixels[row].any():
                array.erase(row)

    def _feature_files(self, study_id: str) -> list[Path]:
        return list(self._folder(study_id).glob(f"{FEATURES}*{FEATURES_END}"))

    def _folder(self, study_id: str) -> Path:
        return self._root / study_id

    def _path(self, study_id: str, name: str) -> Path:
        return self._folder(study_id) / f"{name}.png"


def _failure(error: OSError) -> StorageFailure:
    return StorageFailure(
        "The picture could not be written to this site's disk; nothing of it was kept",
        expected="room on the disk and the right to write",
        received=error.strerror or type(error).__name__,
    )
