"""What a user says of a data set; what is left out is recognised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from imaging.readers.table_columns import Wanted

Kind = Literal["class-folders", "file-names", "table", "arrays"]
KINDS: dict[str, str] = {
    "class-folders": "class folders",
    "file-names": "labels in file names",
    "table": "labels in a table",
    "arrays": "arrays of pictures and labels",
}
"""Kinds of data sets, in words."""


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
