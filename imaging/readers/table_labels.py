"""Labels in a table: HAM10000's metadata, ISIC's ground truth, any two named columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from imaging.readers.entries import Entry
from imaging.readers.grouping import group_names
from imaging.readers.labels import NO_LABEL, NO_SINGLE_CLASS, as_label, one_of, part_of
from imaging.readers.picture_formats import FilePicture, take_picture
from imaging.readers.table import Table
from imaging.readers.table_columns import MARKS, Columns, Wanted, image_column
from imaging.source import OnSkip, Skipped


class FileIndex:
    """Finds a data set's files by what tables call them.

    Args:
        entries: All files.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Remembers each by its path, its name and its name without extension."""
        self._found: dict[str, list[Entry]] = {}
        for level in (_path, _name, _stem):
            # A path is a path, even if another file's name looks the same.
            found = defaultdict[str, list[Entry]](list)
            for entry in entries:
                found[level(entry.path)].append(entry)
            self._found = found | self._found

    def find(self, name: str, fields: Mapping[str, str]) -> Entry | str:
        """The file, or why there is none.

        Args:
            name: As a table says it.
            fields: The row; of several files of a name it means the one in the folders that it
                names: `train` and `nevus` of `train/nevus/1.jpg`.
        """
        found = self._found.get(str(PurePosixPath(name.replace("\\", "/"))), [])
        if len(found) > 1:
            found = _in_named_folders(found, set(fields.values())) or found
        if len(found) > 1:
            return "there are several files of this name"
        return found[0] if found else "there is no such file"


def _in_named_folders(entries: Sequence[Entry], named: set[str]) -> list[Entry]:
    """Those of which every folder is named; if there are none, every one that is no part."""
    folders = [entry.path.parts[:-1] for entry in entries]
    strictly = [entry for entry, own in zip(entries, folders, strict=True) if named.issuperset(own)]
    return strictly or [
        entry
        for entry, own in zip(entries, folders, strict=True)
        if named.issuperset(name for name in own if not part_of(name))
    ]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of which a picture is known."""

    name: str
    entry: Entry
    label: str | None
    reason: str
    fields: Mapping[str, str]


def read_labels(
    table: Table,
    columns: Columns,
    entries: Sequence[Entry],
    on_skip: OnSkip,
    more: Mapping[PurePosixPath, Mapping[str, str]],
    wanted: Wanted,
) -> Iterator[FilePicture]:
    """Pictures that a table names, in its order.

    Left out, and reported: rows of the wrong length, without a class or with one that cannot
    be a label; pictures that are missing, named twice (the second time) or with two classes
    (both times); files that are no pictures; and files that the table does not name.

    Args:
        table: The table.
        columns: What its columns say.
        entries: All files of the place.
        on_skip: Told what is left out.
        more: What other tables say of pictures, by path.
        wanted: Which column names groups.
    """
    index = FileIndex(entries)
    rows = list(_placed(table, columns, index, on_skip))
    classes = defaultdict[PurePosixPath, set[str | None]](set)
    for row in rows:
        classes[row.entry.path].add(row.label)
    known = [_both(more.get(row.entry.path, {}), row.fields) for row in rows]
    seen = set[PurePosixPath]()
    for row, metadata, group in zip(rows, known, group_names(known, wanted), strict=True):
        path = row.entry.path
        reason = row.reason
        if len(classes[path]) > 1:
            reason = "the table gives it two classes"
        elif path in seen:
            reason = "the table names it twice"
        seen.add(path)
        if reason:
            on_skip(Skipped(row.name, reason))
            continue
        picture = take_picture(
            row.entry,
            row.label or "",
            on_skip,
            part=part_of(row.fields[columns.part]) if columns.part else "",
            group=group,
            metadata=metadata,
        )
        if picture:
            yield picture
    for entry in entries:
        if entry.path not in seen and str(entry.path) != table.name:
            on_skip(Skipped(str(entry.path), "not named in the table"))


def metadata_by_path(
    tables: Sequence[Table], entries: Sequence[Entry]
) -> dict[PurePosixPath, dict[str, str]]:
    """What tables say of files, by path; a table that names no files says nothing."""
    index = FileIndex(entries if any(map(image_column, tables)) else ())
    found: dict[PurePosixPath, dict[str, str]] = {}
    for table in tables:
        column = image_column(table)
        for _, row in table.rows if column else ():
            entry = index.find(row[column], row) if row and column else ""
            if row and isinstance(entry, Entry):
                found[entry.path] = _both(found.get(entry.path, {}), row)
    return found


def with_metadata(
    pictures: Iterator[FilePicture],
    found: Mapping[PurePosixPath, Mapping[str, str]],
    wanted: Wanted,
) -> Iterator[FilePicture]:
    """Pictures with what tables say of them, in their groups by it."""
    groups = dict(zip(found, group_names(list(found.values()), wanted), strict=True))
    for picture in pictures:
        group = groups.get(picture.within) or picture.group
        yield replace(picture, metadata=found.get(picture.within, {}), group=group)


def _placed(table: Table, columns: Columns, index: FileIndex, on_skip: OnSkip) -> Iterator[_Row]:
    for number, fields in table.rows:
        if fields is None:
            on_skip(Skipped(f"{table.name}, line {number}", "has too few or too many fields"))
            continue
        name = fields[columns.image]
        entry = index.find(name, fields) if name else "names no picture"
        if isinstance(entry, str):
            on_skip(Skipped(name or f"{table.name}, line {number}", entry))
            continue
        label, reason = _label(fields, columns.labels)
        yield _Row(name, entry, label, reason, fields)


def _label(fields: Mapping[str, str], columns: tuple[str, ...]) -> tuple[str | None, str]:
    """A row's class, or why it has none."""
    if len(columns) == 1:
        text = fields[columns[0]]
        label = as_label(text)
        return label, "" if label else ("its class cannot be a label" if text else NO_LABEL)
    place = one_of([MARKS.get(fields[name]) for name in columns])
    if place is None:
        return None, NO_SINGLE_CLASS
    label = as_label(columns[place])
    return label, "" if label else "its class cannot be a label"


def _both(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """What two tables say; an empty cell takes nothing away."""
    said = {column: text for column, text in second.items() if text or column not in first}
    return {**first, **said}


def _path(path: PurePosixPath) -> str:
    return str(path)


def _name(path: PurePosixPath) -> str:
    return path.name


def _stem(path: PurePosixPath) -> str:
    return path.stem
