"""Reader of class folders: `ROOT/CLASS/picture.jpg`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from federated.values import Label
from imaging import jpeg, png
from imaging.errors import NoPictures
from imaging.sanitise import DEFAULT_LIMITS
from imaging.source import OnSkip, Skipped, ignore

_LABEL: TypeAdapter[str] = TypeAdapter(Label)


@dataclass(frozen=True, slots=True)
class Found:
    """A picture in a class folder; one kind of `imaging.source.SourcePicture`.

    Attributes:
        path: The file.
        label: The name of the folder that it lies in, in Unicode's composed form.
        part: The part of the data set that it lies in, if the reader knows.
        metadata: What a table says of it besides, by column.
    """

    path: Path
    label: str
    part: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """Class folder and file name."""
        return f"{self.label}/{self.path.name}"

    @property
    def group(self) -> str:
        """Its name: what it shares with no other picture."""
        return self.name

    def read(self) -> bytes:
        """The file's bytes; of one that is too large, just enough for it to be refused."""
        with self.path.open("rb") as file:
            return file.read(DEFAULT_LIMITS.max_bytes + 1)


def read_class_folders(root: Path, on_skip: OnSkip = ignore) -> Iterator[Found]:
    """Pictures of the class folders in `root`, by class and then by file name.

    Left out, and reported: hidden files, files that are neither JPEG nor PNG by their
    content, links that lead out of `root`, folders in folders, files beside the class
    folders, and folders whose name cannot be a label.

    Raises:
        NoPictures: `root` is not a folder, or there is no picture in its class folders.
    """
    if not root.is_dir():
        raise NoPictures("There is no such folder", expected="a folder", received=root)
    inside = root.resolve()
    count = 0
    for folder in _sorted(root):
        reason = _why_not_class(folder, inside)
        if reason:
            on_skip(Skipped(folder.name, reason))
            continue
        for path in _sorted(folder):
            reason = _why_not_picture(path, inside)
            if reason:
                on_skip(Skipped(f"{folder.name}/{path.name}", reason))
            else:
                count += 1
                # Composed: macOS hands out names with their accents apart.
                yield Found(path, _LABEL.validate_python(folder.name))
    if not count:
        raise NoPictures(
            "There are no pictures in class folders here",
            expected="JPEG or PNG files in one folder a class, as in FOLDER/CLASS/picture.jpg",
            received=root,
        )


def _sorted(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: path.name)


def _why_not_class(folder: Path, inside: Path) -> str | None:
    if folder.name.startswith("."):
        return "hidden"
    if not _is_inside(folder, inside):
        return "a link that leads out of the data set"
    if not folder.is_dir():
        return "not in a class folder"
    if not os.access(folder, os.R_OK | os.X_OK):
        return "may not be read"
    try:
        _LABEL.validate_python(folder.name)
    except ValidationError:
        return "the folder's name cannot be a label"
    return None


def _why_not_picture(path: Path, inside: Path) -> str | None:
    if path.name.startswith("."):
        return "hidden"
    if not _is_inside(path, inside):
        return "a link that leads out of the data set"
    if path.is_dir():
        return "a folder in a class folder"
    if not path.is_file():
        return "not a file"
    if not os.access(path, os.R_OK):
        return "may not be read"
    with path.open("rb") as file:
        if not file.read(8).startswith((png.SIGNATURE, jpeg.SIGNATURE)):
            return "not a JPEG or PNG picture"
    return None


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):
        # A link that leads to itself; which of the two is raised depends on the Python.
        return False
