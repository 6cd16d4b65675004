"""Recognises how a data set says which picture is of which class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from imaging.errors import NoPictures
from imaging.readers.arrays import SUFFIXES, array_sets, read_arrays
from imaging.readers.bounds import Bounds
from imaging.readers.choice import KINDS, Choice, Kind
from imaging.readers.class_folders import read_folders
from imaging.readers.content import file_content
from imaging.readers.entries import Entry
from imaging.readers.errors import BrokenSource, UnknownLayout
from imaging.readers.file_names import read_names
from imaging.readers.found import Found
from imaging.readers.recognising import are_arrays, lie_in_folders, root_of
from imaging.readers.table import Table, read_table
from imaging.readers.table_columns import Columns, image_column, recognise_columns
from imaging.readers.table_labels import metadata_by_path, read_labels, with_metadata
from imaging.source import OnSkip, Skipped


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How a data set says which picture is of which class.

    Attributes:
        kind: In a word.
        words: The same as a phrase.
        read: Called with an `on_skip`: every labelled picture.
    """

    kind: Kind
    words: str
    read: Callable[[OnSkip], Iterator[Found]]


def recognise(entries: Sequence[Entry], choice: Choice, bounds: Bounds) -> Layout:
    """The layout of a data set.

    Args:
        entries: All its files.
        choice: What is known of it.
        bounds: How large tables and arrays may be.

    Raises:
        NoPictures: The table that the choice names is not there.
        UnknownLayout: Nothing says which picture is of which class.
        BrokenSource: The table that the choice names, or an array, is damaged or too large.
    """
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


def _table(entries: Sequence[Entry], tables: Sequence[Table], choice: Choice) -> Layout:
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

    return Layout("table", f"{KINDS['table']} ({table.name})", read)


def _arrays(entries: Sequence[Entry], bounds: Bounds) -> Layout:
    files = [entry for entry in entries if entry.path.suffix.lower() in SUFFIXES]
    sets = array_sets(files, bounds)

    def read(on_skip: OnSkip) -> Iterator[Found]:
        for entry in entries:
            if entry not in files:
                on_skip(Skipped(str(entry.path), "no file of arrays"))
        yield from read_arrays(sets, on_skip)

    return Layout("arrays", KINDS["arrays"], read)


def _files(
    entries: Sequence[Entry],
    tables: Sequence[Table],
    choice: Choice,
    kind: Literal["class-folders", "file-names"],
    root: PurePosixPath,
    has_parts: bool,
) -> Layout:
    read_files = read_folders if kind == "class-folders" else read_names
    found = metadata_by_path(tables, entries)
    used = {table.name for table in tables if image_column(table)}
    files = [entry for entry in entries if str(entry.path) not in used]

    def read(on_skip: OnSkip) -> Iterator[Found]:
        pictures = read_files(files, on_skip, root=root, has_parts=has_parts)
        return with_metadata(pictures, found, choice.columns)

    return Layout(kind, KINDS[kind], read)
