"""Which columns of a table say what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imaging.readers.errors import UnknownLayout
from imaging.readers.table import Table

IMAGES = ("file", "filename", "file_name", "path", "image_path", "image", "image_id", "isic_id")
LABELS = ("label", "class", "dx", "diagnosis", "target", "category")
GROUPS = ("group", "patient_id", "patient", "lesion_id")
"""All that a table has of these count; the first names a group."""
PARTS = ("split", "part", "subset")
MARKS = {"0": 0, "0.0": 0, "0.": 0, "1": 1, "1.0": 1, "1.": 1}
"""How tables write that a picture is of a class, or is not."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns by what they say.

    Attributes:
        image: Names a picture: its path, its file's name, or that without extension.
        labels: One column that holds the class, or one for each class, 1 where it is that.
        part: Names the part of the data set, or `None`.
    """

    image: str
    labels: tuple[str, ...]
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Columns that a user names; `None` leaves it to `recognise_columns`.

    Attributes:
        image: As in `Columns`.
        labels: Likewise; several are parted by commas.
        group: The column that names what pictures were taken from, instead of `GROUPS`; an empty
            text says that there is none.
    """

    image: str | None = None
    labels: str | None = None
    group: str | None = None

    @property
    def any_named(self) -> bool:
        """Whether the user names any."""
        return any((self.image, self.labels, self.group))


def recognise_columns(table: Table, wanted: Wanted = Wanted()) -> Columns | None:
    """The columns that say which picture is of which class; `None` where none do.

    Raises:
        UnknownLayout: A column that is wanted is not there.
    """
    image = _named(table, wanted.image) or _first(table.columns, IMAGES)
    if image is None:
        return None
    if wanted.labels is not None:
        labels = tuple(_named(table, name) or "" for name in wanted.labels.split(","))
    elif label := _first(table.columns, LABELS):
        labels = (label,)
    else:
        labels = _mark_columns(table, image)
    _named(table, wanted.group)
    return Columns(image, labels, _first(table.columns, PARTS)) if labels else None


def image_column(table: Table) -> str | None:
    """The column that names pictures; `None` where none is known to."""
    return _first(table.columns, IMAGES)


def group_columns(columns: Iterable[str], wanted: Wanted) -> list[tuple[int, str]]:
    """The columns that name what pictures were taken from, each after its place in `GROUPS`."""
    if wanted.group is not None:
        return [(0, wanted.group.strip())] if wanted.group else []
    keys = ((column.lower(), column) for column in columns)
    return sorted((GROUPS.index(key), column) for key, column in keys if key in GROUPS)


def _named(table: Table, name: str | None) -> str | None:
    """A column that must be there, if it is named."""
    if not name:
        return None
    if name.strip() not in table.columns:
        raise UnknownLayout(
            f"The table {table.name} has no such column",
            expected=f"one of {', '.join(column for column in table.columns if column)}",
            received=name,
        )
    return name.strip()


def _first(columns: Iterable[str], names: Iterable[str]) -> str | None:
    by_key = {column.lower(): column for column in columns}
    return next((by_key[name] for name in names if name in by_key), None)


def _mark_columns(table: Table, image: str) -> tuple[str, ...]:
    """Columns that hold marks only, as in the ground truth of ISIC 2019; two or more."""
    rows = [row for _, row in table.rows if row is not None]
    marked = tuple(
        column
        for column in table.columns
        if column and column != image and "weight" not in column.lower()
        if all(row[column] in MARKS for row in rows)
    )
    return marked if rows and len(marked) >= 2 else ()
