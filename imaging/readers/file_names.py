"""Labels in file names: `cat.12.jpg`, Kylberg's `blanket1-a-p001.png`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from imaging.readers.entries import Entry
from imaging.readers.fragment_names import kylberg_label, picture_of_fragment
from imaging.readers.labels import as_label, part_of
from imaging.readers.picture_formats import FilePicture, take_picture
from imaging.source import OnSkip, Skipped

_NUMBERED = re.compile(r"(?P<label>.*?)[\s._-]*\(?\d+\)?")


def label_in_name(name: str) -> str | None:
    """The class in a file's name: what stands before its number.

    `cat.12.jpg` is a `cat`, `benign_keratosis_003.png` a `benign_keratosis`, and
    `blanket1-a-p001.png`, by Kylberg's rule, a `blanket1`. A name without a number is the
    class itself; a number alone names none.
    """
    base = picture_of_fragment(name) or PurePosixPath(name).stem
    if label := kylberg_label(name):
        return as_label(label)
    numbered = _NUMBERED.fullmatch(base)
    return as_label(numbered["label"] if numbered else base)


def read_names(
    entries: Iterable[Entry], on_skip: OnSkip, *, root: PurePosixPath, has_parts: bool
) -> Iterator[FilePicture]:
    """Pictures whose names say their class, in the order of `entries`.

    Left out, and reported: files that are no pictures, and names without a class.

    Args:
        entries: Files of a place.
        on_skip: Told what is left out.
        root: The folder that everything lies in.
        has_parts: Whether the folders in it are `train`, `test` and so on.
    """
    for entry in entries:
        label = label_in_name(entry.path.name)
        if label is None:
            on_skip(Skipped(str(entry.path), "its name has no class"))
            continue
        inside = entry.path.relative_to(root) if entry.path.is_relative_to(root) else entry.path
        part = part_of(inside.parts[0]) if has_parts and len(inside.parts) > 1 else ""
        if picture := take_picture(entry, label, on_skip, part=part):
            yield picture
