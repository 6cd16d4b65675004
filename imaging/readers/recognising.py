"""What the paths of a data set's files tell of how it is laid out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from imaging.readers.arrays import SUFFIXES
from imaging.readers.entries import Entry
from imaging.readers.labels import part_of

_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".dcm", ".dicom")
_OTHER_SUFFIXES = (".csv", ".txt", ".md", ".json", ".xml", ".html", ".pdf")


def are_arrays(entries: Sequence[Entry]) -> bool:
    """Whether there are files of arrays, and no pictures."""
    suffixes = Counter(entry.path.suffix.lower() for entry in entries)
    return any(suffixes[one] for one in SUFFIXES) and not any(
        suffixes[one] for one in _PICTURE_SUFFIXES
    )


def root_of(entries: Sequence[Entry]) -> tuple[PurePosixPath, bool]:
    """The folder that all pictures lie in, and whether the folders in it are parts.

    Archives often hold one folder that holds everything.
    """
    root = PurePosixPath()
    folders = [entry.path.parent for entry in entries if _may_be_picture(entry)]
    while folders:
        inside = {folder.relative_to(root).parts[:1] for folder in folders}
        names = {part_of(parts[0]) for parts in inside if parts}
        if "train" in names:
            return root, True
        only = next(iter(inside))
        deeper = all(len(folder.relative_to(root).parts) > 1 for folder in folders)
        if len(inside) > 1 or not only or not deeper:
            return root, False
        root = root / only[0]
    return root, False


def lie_in_folders(entries: Sequence[Entry], root: PurePosixPath, has_parts: bool) -> bool:
    """Whether most pictures lie in class folders, and not beside each other."""
    depths = [len(entry.path.relative_to(root).parts) for entry in entries if _in(entry, root)]
    least = 3 if has_parts else 2
    return sum(depth >= least for depth in depths) * 2 > len(depths)


def _in(entry: Entry, root: PurePosixPath) -> bool:
    return _may_be_picture(entry) and entry.path.is_relative_to(root)


def _may_be_picture(entry: Entry) -> bool:
    """By its name, for a look at the whole; the reader looks at the content."""
    suffix = entry.path.suffix.lower()
    return suffix not in (*_OTHER_SUFFIXES, *SUFFIXES)
