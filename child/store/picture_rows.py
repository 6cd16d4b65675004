"""The table of pictures, and what is said of its rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Boolean, Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from federated.split import Part


class PictureRow(Base):
    """One picture of one study; `row` is its place in the study's array file.

    `group_hash` is the same for pictures that were taken from the same (`child.picture_groups`);
    a picture without one is alone.
    """

    __tablename__ = "pictures"
    __table_args__ = (
        UniqueConstraint("study", "sha256"),
        UniqueConstraint("study", "row"),
        Index("ix_pictures_study_label", "study", "label"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    study: Mapped[str] = mapped_column(String(64), ForeignKey("studies.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    label: Mapped[str | None] = mapped_column(String(64))
    part: Mapped[str | None] = mapped_column(String(16))
    width: Mapped[int]
    height: Mapped[int]
    added_at: Mapped[float] = mapped_column(Float)
    row: Mapped[int]
    trained: Mapped[bool] = mapped_column(Boolean, default=False)
    claimed_by: Mapped[str | None] = mapped_column(String(64), index=True)
    group_hash: Mapped[str | None] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture whose file and array row are on the disk."""

    sha256: str
    label: str | None
    width: int
    height: int
    row: int
    group_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled picture as training sees it."""

    sha256: str
    label: str
    part: Part
    row: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many pictures of a study there are.

    Attributes:
        counts: Labelled pictures by class.
        unlabelled: Pictures without a label.
        new_labelled: Labelled pictures that no accepted round has trained on yet.
    """

    counts: dict[str, int]
    unlabelled: int
    new_labelled: int

    @property
    def labelled(self) -> int:
        """Labelled pictures of all classes."""
        return sum(self.counts.values())
