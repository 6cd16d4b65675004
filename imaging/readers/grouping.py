"""Which pictures belong together, by what tables say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imaging.readers.table_columns import Wanted, group_columns

_Mark = tuple[int, str, str]
"""A column's place in `GROUPS`, the column, and what it says."""


def group_names(rows: Sequence[Mapping[str, str]], wanted: Wanted) -> list[str]:
    """For each row the name of its group; empty where nothing says what it was taken from.

    Rows that share a patient or a lesion are of one group, and so is whatever they share with
    others; an empty cell is shared with nobody. A group has the same name in whatever order the
    rows come: the first of its patients, or of its lesions where no patient is known.

    Args:
        rows: What is known of each picture, by column.
        wanted: The column that a user names, which then counts alone.
    """
    marks = [_marks(row, wanted) for row in rows]
    above: dict[_Mark, _Mark] = {}
    for first, *others in filter(None, marks):
        for other in others:
            _join(above, first, other)
    return [_name(_top(above, own[0])) if own else "" for own in marks]


def _marks(row: Mapping[str, str], wanted: Wanted) -> list[_Mark]:
    columns = group_columns(row, wanted)
    return [(rank, column, row[column]) for rank, column in columns if row.get(column)]


def _join(above: dict[_Mark, _Mark], one: _Mark, other: _Mark) -> None:
    low, high = sorted((_top(above, one), _top(above, other)))
    if low != high:
        above[high] = low


def _top(above: dict[_Mark, _Mark], mark: _Mark) -> _Mark:
    while (higher := above.get(mark)) is not None:
        # Halved on the way, or long chains of patients and lesions would cost their square.
        above[mark] = above.get(higher, higher)
        mark = above[mark]
    return mark


def _name(mark: _Mark) -> str:
    _, column, value = mark
    return f"{column} {value}"
