"""Class folders: `CLASS/picture.jpg`, or `train/CLASS/picture.jpg` and so on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from imaging.readers.entries import Entry
from imaging.readers.labels import as_label, part_of
from imaging.readers.picture_formats import FilePicture, take_picture
from imaging.source import OnSkip, Skipped


def read_folders(
    entries: Iterable[Entry], on_skip: OnSkip, *, root: PurePosixPath, has_parts: bool
) -> Iterator[FilePicture]:
    """Pictures of class folders, in the order of `entries`.

    Left out, and reported: files that are no pictures, folders in class folders, files beside
    class folders, and folders whose name cannot be a label.

    Args:
        entries: Files of a place.
        on_skip: Told what is left out.
        root: The folder that everything lies in; what lies elsewhere is left out.
        has_parts: Whether class folders lie in folders `train`, `test` and so on.
    """
    told = set[PurePosixPath]()
    for entry in entries:
        if reason := _misplaced(entry.path, root, has_parts):
            place, words = reason
            if place not in told:
                told.add(place)
                on_skip(Skipped(str(place), words))
            continue
        *parts, folder, _ = entry.path.relative_to(root).parts
        part = part_of(parts[0]) if has_parts else ""
        if picture := take_picture(entry, as_label(folder) or "", on_skip, part=part):
            yield picture


def _misplaced(
    path: PurePosixPath, root: PurePosixPath, has_parts: bool
) -> tuple[PurePosixPath, str] | None:
    """What is to be left out, and why: a file, or a whole folder."""
    if not path.is_relative_to(root):
        return path, "beside the folder of the pictures"
    if has_parts:
        part = path.relative_to(root).parts[0]
        if not part_of(part):
            return root / part, "belongs to no part of the data set"
        root = root / part
    within = path.relative_to(root).parts
    if len(within) < 2:
        return path, "not in a class folder"
    if as_label(within[0]) is None:
        return root / within[0], "the folder's name cannot be a label"
    if len(within) > 2:
        return root.joinpath(*within[:2]), "a folder in a class folder"
    return None
