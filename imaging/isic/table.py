"""`metadata.csv`: one row for each picture that is there, with its licence and whom to name.

Rows are added as pictures come, so that what an interruption leaves can be gone on with; a row
counts only where its picture is there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from federated.errors import StorageFailure
from imaging.isic.records import ArchiveImage

FACTS = (
    "age_approx",
    "sex",
    "anatom_site_general",
    "image_type",
    "diagnosis_1",
    "diagnosis_2",
    "diagnosis_3",
    "diagnosis_confirm_type",
    "lesion_id",
    "patient_id",
)
"""Kept of what the archive knows: for labels, for partitions, for splits by patient."""
COLUMNS = ("isic_id", "file", "label", "copyright_license", "attribution", *FACTS)

Row = dict[str, str]


def row_of(image: ArchiveImage, label: str, file: str) -> Row:
    """The row of one picture."""
    facts = {name: image.fact(name) or "" for name in FACTS}
    return {
        "isic_id": image.isic_id,
        "file": file,
        "label": label,
        "copyright_license": image.copyright_license,
        "attribution": image.attribution,
        **facts,
    }


class MetadataTable:
    """The table in a folder; one writer at a time.

    Args:
        path: The file; made by the first row.

    Raises:
        StorageFailure: There is a file of that name that is no such table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = {row["isic_id"]: row for row in _read(path)}

    def add(self, rows: Iterable[Row]) -> None:
        """Adds rows, those of pictures that have none; whole lines, at once."""
        fresh = {row["isic_id"]: row for row in rows if row["isic_id"] not in self.rows}
        if not fresh:
            return
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        if not self.path.exists():
            writer.writeheader()
        writer.writerows(fresh.values())
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
        self.rows |= fresh


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise StorageFailure(
                "There is another metadata.csv in this folder",
                expected="a new folder, or one that this command made",
                received=path,
            )
        # A line that an interruption cut is a picture without a row: it gets one again.
        rows = [row for row in reader if None not in row.values()]
    _end_last_line(path)
    return rows


def _end_last_line(path: Path) -> None:
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])
