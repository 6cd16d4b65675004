"""Files of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.content import file_content
from imaging.readers.entries import Entry
from imaging.readers.errors import OversizedSource
from imaging.source import OnSkip, Skipped

LEADS_OUT = "a link that leads out of the data set"


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder and the folders in it.

    Attributes:
        root: The folder.
        bounds: How many files, and how deep.
    """

    root: Path
    bounds: Bounds = BOUNDS

    @property
    def words(self) -> str:
        """What it is."""
        return "a folder"

    def entries(self, on_skip: OnSkip) -> Iterator[Entry]:
        """Its files, folder by folder; see `Place.entries`.

        Links count where they stay inside the folder.
        """
        found = self._walk(self.root, PurePosixPath(), (self.root.resolve(),), on_skip)
        for number, entry in enumerate(found):
            if number >= self.bounds.entries:
                raise OversizedSource(
                    "There are too many files",
                    expected=f"at most {self.bounds.entries} in a folder",
                    received=f"more in {self.root}",
                )
            yield entry

    def _walk(
        self, folder: Path, within: PurePosixPath, above: tuple[Path, ...], on_skip: OnSkip
    ) -> Iterator[Entry]:
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            name = within / path.name
            if reason := self._why_not(path, above):
                on_skip(Skipped(str(name), reason))
            elif path.is_dir():
                yield from self._walk(path, name, (*above, path.resolve()), on_skip)
            else:
                yield Entry(name, file_content(path))

    def _why_not(self, path: Path, above: tuple[Path, ...]) -> str | None:
        if path.name.startswith("."):
            return "hidden"
        try:
            target = path.resolve()
        except (OSError, RuntimeError):
            # A link that leads to itself; which of the two is raised depends on the Python.
            return LEADS_OUT
        if not target.is_relative_to(above[0]):
            return LEADS_OUT
        if path.is_dir():
            return self._why_not_folder(path, target, above)
        if not path.is_file():
            return "not a file"
        return None if os.access(path, os.R_OK) else "may not be read"

    def _why_not_folder(self, path: Path, target: Path, above: tuple[Path, ...]) -> str | None:
        if target in above:
            return "a link that leads in a circle"
        if len(above) > self.bounds.depth:
            return f"more than {self.bounds.depth} folders deep"
        return None if os.access(path, os.R_OK | os.X_OK) else "may not be read"
