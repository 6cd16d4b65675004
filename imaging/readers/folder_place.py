"""Files of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.content import FileContent
from imaging.readers.entries import Entry
from imaging.readers.errors import OversizedSource
from imaging.source import OnSkip, Skipped


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
        """Files of one folder, whose real path stands last in `above`."""
        with os.scandir(folder) as found:
            listed = sorted(found, key=lambda one: one.name)
        for one in listed:
            name = within / one.name
            target = _target(one, above)
            if reason := self._why_not(one, target, above):
                on_skip(Skipped(str(name), reason))
            elif os.path.isdir(one.path):
                yield from self._walk(Path(one.path), name, (*above, target), on_skip)
            else:
                yield Entry(name, FileContent(Path(one.path), 0, one.stat().st_size))

    def _why_not(self, one: os.DirEntry[str], target: Path, above: tuple[Path, ...]) -> str | None:
        if one.name.startswith("."):
            return "hidden"
        if not target.is_relative_to(above[0]):
            return "a link that leads out of the data set"
        # `one.is_dir()` would raise on a link that leads to itself.
        is_folder = os.path.isdir(one.path)
        if is_folder:
            if target in above:
                return "a link that leads in a circle"
            if len(above) > self.bounds.depth:
                return f"more than {self.bounds.depth} folders deep"
        elif not os.path.isfile(one.path):
            return "not a file"
        needed = os.R_OK | os.X_OK if is_folder else os.R_OK
        return None if os.access(one.path, needed) else "may not be read"


def _target(one: os.DirEntry[str], above: tuple[Path, ...]) -> Path:
    """Where a file or folder really is; only links need to be asked, and they cost time."""
    if not one.is_symlink():
        return above[-1] / one.name
    try:
        return Path(one.path).resolve()
    except (OSError, RuntimeError):
        # A link that leads to itself; which of the two is raised depends on the Python.
        return Path(os.devnull)
