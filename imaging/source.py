"""What every reader of a data set gives: labelled pictures, and what it left out.

A reader is a function from a place (a folder, an archive, a table) to an iterator of
`SourcePicture`, in an order that is the same each time. It reports what it leaves out
to the `on_skip` that it is given, and decodes nothing: the bytes of a picture are a
stranger's until `imaging.sanitise` has seen them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


class SourcePicture(Protocol):
    """One labelled picture of a data set."""

    @property
    def name(self) -> str:
        """Where it lies within the data set, for messages; never kept."""
        ...

    @property
    def label(self) -> str:
        """Its class."""
        ...

    @property
    def part(self) -> str:
        """`train`, `validation`, `test` or `audit` where the data set says so, else empty."""
        ...

    @property
    def group(self) -> str:
        """What it was taken from: a patient, a lesion, a larger picture.

        Pictures of one group are never on both sides of a split. One that has no group
        of its own has its name for one.
        """
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """What a table says of it besides, by column; empty where there is no table."""
        ...

    @property
    def stamp(self) -> str:
        """A text that is another one once its bytes may be others; for caches."""
        ...

    def read(self) -> bytes:
        """Its file's bytes, never much more than the sanitiser accepts."""
        ...


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a data set that was left out.

    Attributes:
        name: Where it lies within the data set.
        reason: Why, as a phrase: `hidden`, `not a JPEG, PNG or DICOM picture`.
    """

    name: str
    reason: str


OnSkip = Callable[[Skipped], None]


def ignore(skipped: Skipped) -> None:
    """The `on_skip` of someone who does not want to know."""
