"""Tables: CSV files, as spreadsheets and archives write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.content import Content, whole
from imaging.readers.errors import BrokenSource

MAX_COLUMNS = 1000
_SEPARATORS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file's columns and rows.

    Attributes:
        name: Its path within the data set.
        columns: Names, in order, each once.
        rows: Line number, and the fields by column; `None` where there are too few or too many.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str] | None], ...]


def read_table(content: Content, name: str, bounds: Bounds = BOUNDS) -> Table:
    """A CSV file: UTF-8 with or without a mark at its start, UTF-16, or Windows's Western code.

    What parts fields (comma, semicolon, tab or bar) is what its first line has most of. Fields
    may stand in quotes. Blanks around fields do not count.

    Raises:
        BrokenSource: It has no columns, two of one name, or is no table.
        OversizedSource: It is too large.
    """
    text = _decoded(whole(content, bounds.table))
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = tuple(field.strip() for field in next(reader, []))
        _check_columns(columns, name)
        rows = tuple(_rows(reader, columns))
    except csv.Error as error:
        raise BrokenSource(
            f"The table {name} is damaged", expected="a CSV file", received=error
        ) from error
    return Table(name, columns, rows)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _check_columns(columns: tuple[str, ...], name: str) -> None:
    named = [column for column in columns if column]
    if len(named) < 2 or len(set(named)) < len(named) or len(columns) > MAX_COLUMNS:
        raise BrokenSource(
            f"The table {name} cannot be read",
            expected=f"2 to {MAX_COLUMNS} columns, each with a name of its own in the first line",
            received=", ".join(columns) or "nothing",
        )


def _rows(
    reader: Iterator[list[str]], columns: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str] | None]]:
    for number, fields in enumerate(reader, 2):
        if not any(field.strip() for field in fields):
            continue
        whole_row = len(fields) == len(columns)
        yield number, _by_column(columns, fields) if whole_row else None


def _by_column(columns: tuple[str, ...], fields: list[str]) -> dict[str, str]:
    pairs = zip(columns, fields, strict=True)
    return {column: field.strip() for column, field in pairs if column}
