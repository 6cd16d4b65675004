"""A place that a data set lies in, and the files that are in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from imaging.readers.content import Content
from imaging.source import OnSkip


@dataclass(frozen=True, slots=True)
class Entry:
    """One file.

    Attributes:
        path: Where it lies within the place: no `..`, no root.
        content: Its bytes.
    """

    path: PurePosixPath
    content: Content


class Place(Protocol):
    """A folder or an archive."""

    @property
    def words(self) -> str:
        """What it is: `a folder`, `a ZIP archive`."""
        ...

    def entries(self, on_skip: OnSkip) -> Iterator[Entry]:
        """Its files, by folder and name; told: hidden ones, and what leads elsewhere.

        Raises:
            BrokenSource: The place itself cannot be read.
        """
        ...


def is_hidden(path: PurePosixPath) -> bool:
    """Whether a file, or a folder that it lies in, is hidden or a program's own."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def inner_path(name: str) -> PurePosixPath | None:
    """The path that an archive states, or `None` where it leads out of the archive."""
    # Windows takes a backslash for a slash, and a colon for a drive or a second stream.
    if not name or "\\" in name or ":" in name.split("/")[0] or "\0" in name:
        return None
    path = PurePosixPath(name)
    return None if path.is_absolute() or ".." in path.parts else path
