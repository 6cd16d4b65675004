"""Recognises what a data set lies in, and opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from imaging.errors import NoPictures
from imaging.readers.arrays import SUFFIXES
from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.choice import RECOGNISED, Choice, Kind
from imaging.readers.content import Content, file_content
from imaging.readers.entries import Entry, Place
from imaging.readers.errors import BrokenSource
from imaging.readers.folder_place import FolderPlace
from imaging.readers.found import Found
from imaging.readers.layout import recognise
from imaging.readers.tar_place import GZIP_SIGNATURE, TarPlace, unpack_gzip
from imaging.readers.zip_place import SIGNATURE as ZIP_SIGNATURE
from imaging.readers.zip_place import ZipPlace
from imaging.source import OnSkip, Skipped

_TAR_MAGIC = (257, b"ustar")


@dataclass(frozen=True, slots=True, eq=False)
class OpenedDataset:
    """A data set whose place and layout are known.

    Attributes:
        place: Where it is.
        kind: How it says which picture is of which class.
        words: The same as a phrase: `class folders in a ZIP archive`.
        files: How many files there are; an array of many pictures is one.
        pictures: Called with an `on_skip`: every labelled picture, in an order that is the same
            each time, nothing read before it is needed. Raises `NoPictures` where there is none.
    """

    place: Path
    kind: Kind
    words: str
    files: int
    pictures: Callable[[OnSkip], Iterator[Found]]


def open_dataset(
    place: Path, choice: Choice = RECOGNISED, bounds: Bounds = BOUNDS
) -> OpenedDataset:
    """Looks at a data set: a folder, a `.zip`, `.tar` or `.tar.gz`, or a file of arrays.

    Args:
        place: Where it is.
        choice: What is known of it.
        bounds: How large it, and what it unpacks to, may be.

    Raises:
        NoPictures: There is no such place.
        UnknownLayout: Nothing says which picture is of which class.
        BrokenSource: It is damaged, or too large (`OversizedSource`).
    """
    if place.suffix.lower() == ".csv" and place.is_file():
        choice = Choice(choice.kind, choice.labels_file or place.name, choice.columns)
        place = place.parent
    if not place.exists():
        raise NoPictures("There is no such folder or file", expected="a data set", received=place)
    lies, skipped = _place(place, bounds), list[Skipped]()
    entries = list(lies.entries(skipped.append))
    layout = recognise(entries, choice, bounds)

    def pictures(on_skip: OnSkip) -> Iterator[Found]:
        for one in skipped:
            on_skip(one)
        count = 0
        for picture in layout.read(on_skip):
            count += 1
            yield picture
        if not count:
            raise NoPictures(
                "There are no labelled pictures here",
                expected=f"JPEG, PNG or DICOM files; looked at it as {layout.words}",
                received=place,
            )

    words = f"{layout.words} in {lies.words}"
    return OpenedDataset(place, layout.kind, words, len(entries), pictures)


@dataclass(frozen=True, slots=True)
class _SingleFile:
    """One file as a place of its own."""

    entry: Entry
    words: str = "one file"

    def entries(self, on_skip: OnSkip) -> Iterator[Entry]:
        yield self.entry


def _place(place: Path, bounds: Bounds) -> Place:
    if place.is_dir():
        return FolderPlace(place, bounds)
    content: Content = file_content(place)
    if place.suffix.lower() in SUFFIXES:
        return _SingleFile(Entry(PurePosixPath(place.name), content))
    start = content.read(0, 512)
    if start.startswith(ZIP_SIGNATURE) or start.startswith(b"PK\x05\x06"):
        return ZipPlace(content, bounds)
    if start.startswith(GZIP_SIGNATURE):
        return TarPlace(unpack_gzip(content, bounds), bounds, was_packed=True)
    if start[_TAR_MAGIC[0] :].startswith(_TAR_MAGIC[1]):
        return TarPlace(content, bounds)
    raise BrokenSource(
        "This file is no data set",
        expected="a ZIP or tar archive, a .npz file or pickled arrays",
        received=place.name,
    )
