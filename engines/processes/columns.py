"""What is known of pictures besides their class: a column of the `labels.csv` beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engines.processes.errors import WrongOption
from federated.errors import cut
from imaging.folders import Found

LABELS_FILE = "labels.csv"

MOST_ROWS = 10_000_000
LONGEST_VALUE = 200
"""Bounds: the file may be a stranger's."""


def column_values(path: Path, column: str, pictures: Sequence[Found]) -> np.ndarray:
    """The value of a column for each picture.

    Args:
        path: CSV with a line of names; `file` is the picture's file name, and `class`, where
            there is one, the folder that it lies in. Not looked at where the pictures' reader
            knew such a column.
        column: Name of the column.
        pictures: Pictures in class folders.

    Returns:
        Texts, str (n,); an empty one where the file says nothing of a picture.

    Raises:
        WrongOption: There is no such file or column, or it knows none of the pictures.
    """
    if any(column in found.metadata for found in pictures):
        return np.array([found.metadata.get(column, "")[:LONGEST_VALUE] for found in pictures])
    known = dict(_rows(path, column))
    # A file may name its pictures with their class or without.
    values = [
        known.get((found.label, found.path.name)) or known.get(("", found.path.name)) or ""
        for found in pictures
    ]
    if not any(values):
        raise WrongOption(
            f"The column '{cut(column, 80)}' of {path.name} says nothing of any picture",
            expected="a value in at least one row whose file is a training picture",
            received=path,
        )
    return np.array(values)


def _rows(path: Path, column: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Class and file name of each row, with its value."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = [*(rows.fieldnames or ())]
            if column not in names or "file" not in names:
                raise WrongOption(
                    f"{path.name} lacks a column that the partition needs",
                    expected=f"the columns 'file' and '{cut(column, 80)}'",
                    received=names,
                )
            for number, row in enumerate(rows):
                if number >= MOST_ROWS:
                    raise WrongOption(f"{path.name} has too many rows", expected=str(MOST_ROWS))
                value = (row[column] or "").strip()[:LONGEST_VALUE]
                yield ((row.get("class") or "").strip(), (row["file"] or "").strip()), value
    except FileNotFoundError:
        raise WrongOption(
            "A partition by a column needs to know it", expected=f"the file {path}"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise WrongOption(f"{path.name} cannot be read as CSV ({error})", received=path) from None
