"""Reader of class folders: `ROOT/CLASS/picture.jpg`.

The plainest layout under its plain name; `imaging.readers` knows more of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from imaging.errors import NoPictures
from imaging.readers.class_folders import read_folders
from imaging.readers.folder_place import FolderPlace
from imaging.readers.found import Found
from imaging.readers.picture_formats import FilePicture
from imaging.source import OnSkip, ignore

__all__ = ["Found", "read_class_folders"]


def read_class_folders(root: Path, on_skip: OnSkip = ignore) -> Iterator[FilePicture]:
    """Pictures of the class folders in `root`, by class and then by file name.

    Left out, and reported: hidden files, files that are no JPEG, PNG or DICOM picture by
    their content, links that lead out of `root`, folders in folders, files beside the class
    folders, and folders whose name cannot be a label.

    Raises:
        NoPictures: `root` is not a folder, or there is no picture in its class folders.
    """
    if not root.is_dir():
        raise NoPictures("There is no such folder", expected="a folder", received=root)
    entries = FolderPlace(root).entries(on_skip)
    count = 0
    for found in read_folders(entries, on_skip, root=PurePosixPath(), has_parts=False):
        count += 1
        yield found
    if not count:
        raise NoPictures(
            "There are no pictures in class folders here",
            expected="JPEG or PNG files in one folder a class, as in FOLDER/CLASS/picture.jpg",
            received=root,
        )
