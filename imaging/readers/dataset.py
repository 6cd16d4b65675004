"""Recognises what a data set lies in and how it says what is what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from imaging.errors import NoPictures
from imaging.readers.arrays import SUFFIXES, array_sets, read_arrays
from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.class_folders import read_folders
from imaging.readers.content import Content, file_content
from imaging.readers.entries import Entry, Place
from imaging.readers.errors import BrokenSource, UnknownLayout
from imaging.readers.file_names import read_names
from imaging.readers.folder_place import FolderPlace
from imaging.readers.found import Found
from imaging.readers.recognising import are_arrays, lie_in_folders, root_of
from imaging.readers.table import Table, read_table
from imaging.readers.table_columns import Columns, Wanted, image_column, recognise_columns
from imaging.readers.table_labels import metadata_by_path, read_labels, with_metadata
from imaging.readers.tar_place import GZIP_SIGNATURE, TarPlace, unpack_gzip
from imaging.readers.zip_place import SIGNATURE as ZIP_SIGNATURE
from imaging.readers.zip_place import ZipPlace
from imaging.source import OnSkip, Skipped

Kind = Literal["class-folders", "file-names", "table", "arrays"]
KINDS: dict[str, str] = {
    "class-folders": "class folders",
    "file-names": "labels in file names",
    "table": "labels in a table",
    "arrays": "arrays of pictures and labels",
}
"""Kinds of data sets, in words."""

_TAR_MAGIC = (257, b"ustar")


@dataclass(frozen=True, slots=True, eq=False)
class OpenedDataset:
    """A data set whose place and layout are known.

    Attributes:
        place: Where it is.
        kind: How it says which picture is of which class.
        words: The same as a phrase: `class folders in a ZIP archive`.
        pictures: Called with an `on_skip`: every labelled picture, in an order that is the same
            each time, nothing read before it is needed. Raises `NoPictures` where there is none.
    """

    place: Path
    kind: Kind
    words: str
    pictures: Callable[[OnSkip], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a user says of a data set; what is left out is recognised.

    Attributes:
        kind: How it says which picture is of which class; `auto` finds out.
        labels_file: The table, as a path of this computer or within the place.
        columns: Which of its columns say what.
    """

    kind: Kind | Literal["auto"] = "auto"
    labels_file: str | None = None
    columns: Wanted = field(default_factory=Wanted)


RECOGNISED = Choice()
"""Nothing is known of the data set."""


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
    layout = _recognise(entries, choice, bounds)

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

    return OpenedDataset(place, layout.kind, f"{layout.words} in {lies.words}", pictures)


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    kind: Kind
    words: str
    read: Callable[[OnSkip], Iterator[Found]]


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


def _recognise(entries: Sequence[Entry], choice: Choice, bounds: Bounds) -> _Layout:
    tables = _tables(entries, choice, bounds)
    if choice.kind == "arrays" or (choice.kind == "auto" and are_arrays(entries)):
        return _arrays(entries, bounds)
    if choice.kind == "table" or choice.labels_file or choice.columns.labels:
        return _table(entries, tables, choice)
    root, has_parts = root_of(entries)
    in_folders = lie_in_folders(entries, root, has_parts)
    if choice.kind == "auto" and not (has_parts and in_folders) and _labelled(tables, choice):
        return _table(entries, tables, choice)
    if choice.kind == "class-folders" or (choice.kind == "auto" and in_folders):
        return _files(entries, tables, choice, "class-folders", root, has_parts)
    return _files(entries, tables, choice, "file-names", root, has_parts)


def _tables(entries: Sequence[Entry], choice: Choice, bounds: Bounds) -> list[Table]:
    """Tables of the place, the one that is named first; those that cannot be read left out."""
    found = [entry for entry in entries if entry.path.suffix.lower() == ".csv"]
    wanted = choice.labels_file
    named = [entry for entry in found if wanted in (str(entry.path), entry.path.name)][:1]
    if choice.labels_file and not named:
        path = Path(choice.labels_file)
        if not path.is_file():
            raise NoPictures(
                "There is no such table", expected="a CSV file", received=choice.labels_file
            )
        named = [Entry(PurePosixPath(path.name), file_content(path))]
    tables = [read_table(entry.content, str(entry.path), bounds) for entry in named]
    for entry in found:
        if entry not in named:
            try:
                tables.append(read_table(entry.content, str(entry.path), bounds))
            except BrokenSource:
                # Not every CSV file of a data set is a table of pictures.
                continue
    return tables


def _labelled(tables: Sequence[Table], choice: Choice) -> tuple[Table, Columns] | None:
    """The first table that says which picture is of which class."""
    for table in tables:
        try:
            columns = recognise_columns(table, choice.columns)
        except UnknownLayout:
            if choice.labels_file:
                raise
            continue
        if columns:
            return table, columns
        if choice.labels_file:
            break
    return None


def _table(entries: Sequence[Entry], tables: Sequence[Table], choice: Choice) -> _Layout:
    found = _labelled(tables, choice)
    if found is None:
        seen = [", ".join(table.columns)[:80] for table in tables]
        raise UnknownLayout(
            "No table says which picture is of which class",
            expected="a CSV file with a column of pictures and one of classes; --image-column "
            "and --label-column name them",
            received="; ".join(seen) or "no CSV file",
        )
    table, columns = found
    more = metadata_by_path([one for one in tables if one is not table], entries)

    def read(on_skip: OnSkip) -> Iterator[Found]:
        return read_labels(table, columns, entries, on_skip, more, choice.columns)

    return _Layout("table", f"{KINDS['table']} ({table.name})", read)


def _arrays(entries: Sequence[Entry], bounds: Bounds) -> _Layout:
    files = [entry for entry in entries if entry.path.suffix.lower() in SUFFIXES]
    sets = array_sets(files, bounds)

    def read(on_skip: OnSkip) -> Iterator[Found]:
        for entry in entries:
            if entry not in files:
                on_skip(Skipped(str(entry.path), "no file of arrays"))
        yield from read_arrays(sets, on_skip)

    return _Layout("arrays", KINDS["arrays"], read)


def _files(
    entries: Sequence[Entry],
    tables: Sequence[Table],
    choice: Choice,
    kind: Literal["class-folders", "file-names"],
    root: PurePosixPath,
    has_parts: bool,
) -> _Layout:
    read_files = read_folders if kind == "class-folders" else read_names
    found = metadata_by_path(tables, entries)
    used = {table.name for table in tables if image_column(table)}
    files = [entry for entry in entries if str(entry.path) not in used]

    def read(on_skip: OnSkip) -> Iterator[Found]:
        pictures = read_files(files, on_skip, root=root, has_parts=has_parts)
        return with_metadata(pictures, found, choice.columns)

    return _Layout(kind, KINDS[kind], read)
