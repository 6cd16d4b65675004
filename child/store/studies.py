"""Studies as the master pushed them: the model that it wants held, and the one held now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Float, String, Text, exists, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from child.store.picture_rows import PictureRow
from federated.errors import Conflict, NotFound
from federated.messages import StudyPush
from federated.study import Study
from serving.database import Database


class StudyRow(Base):
    """One study."""

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    wanted: Mapped[str] = mapped_column(Text)
    wanted_weights: Mapped[str] = mapped_column(String(64))
    wanted_frozen: Mapped[str | None] = mapped_column(String(64))
    current: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[float | None] = mapped_column(Float)


@dataclass(frozen=True, slots=True)
class HeldStudy:
    """A study as the child holds it.

    Attributes:
        wanted: The latest push.
        current: The push whose weights are here and fit; None before the first.
        received_at: When those weights came.
    """

    wanted: StudyPush
    current: StudyPush | None
    received_at: float | None

    @property
    def study(self) -> Study:
        """The classification problem."""
        return self.wanted.study


class StudyStore:
    """The studies that this child takes part in."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def want(self, push: StudyPush) -> None:
        """Notes a push; its weights become current with `adopt`.

        Raises:
            Conflict: Pictures were stored under the same id for another set of classes or
                another size: they would not fit.
        """
        with self._database.write() as session:
            row = session.get(StudyRow, push.study.id)
            if row is None:
                row = StudyRow(id=push.study.id, current=None, received_at=None)
                session.add(row)
            elif session.scalar(select(exists().where(PictureRow.study == row.id))):
                check_same(_held(row).study, push.study)
            row.wanted = push.model_dump_json()
            row.wanted_weights, row.wanted_frozen = push.weights, push.frozen

    def wanting(self, sha256: str) -> list[StudyPush]:
        """The pushes that asked for a blob."""
        names = or_(StudyRow.wanted_weights == sha256, StudyRow.wanted_frozen == sha256)
        wanted = select(StudyRow.wanted).where(names)
        with self._database.read() as session:
            return [StudyPush.model_validate_json(text) for text in session.scalars(wanted)]

    def adopt(self, push: StudyPush) -> bool:
        """Makes a push current, its blobs being here and checked.

        Returns:
            Whether that changed the study's model.
        """
        with self._database.write() as session:
            row = session.get_one(StudyRow, push.study.id)
            held = _held(row)
            row.current = push.model_dump_json()
            if held.current is not None and held.current.blobs.keys() == push.blobs.keys():
                return False
            row.received_at = self._now()
            return True

    def get(self, study_id: str) -> HeldStudy:
        """A study.

        Raises:
            NotFound: The master has pushed no such study.
        """
        held = self.find(study_id)
        if held is None:
            raise NotFound(
                "There is no such study at this site",
                expected="a study that the master has sent",
                received=repr(study_id)[:80],
                code="unknown_study",
            )
        return held

    def find(self, study_id: str) -> HeldStudy | None:
        """A study, or None where the master has sent none of that id."""
        with self._database.read() as session:
            row = session.get(StudyRow, study_id)
            return _held(row) if row is not None else None

    def all(self) -> list[HeldStudy]:
        """All studies, by id."""
        with self._database.read() as session:
            return [_held(row) for row in session.scalars(select(StudyRow).order_by(StudyRow.id))]

    def blobs_in_use(self) -> set[str]:
        """Hashes of the blobs that are held or asked for."""
        pushes = [push for held in self.all() for push in (held.wanted, held.current) if push]
        return {sha256 for push in pushes for sha256 in push.blobs}


def same_pictures(before: Study, after: Study) -> bool:
    """Whether pictures stored for one study fit the other: the same classes and size."""
    return (before.classes, before.picture_shape) == (after.classes, after.picture_shape)


def check_same(before: Study, after: Study) -> None:
    """Refuses another set of classes or another size under the same id.

    Raises:
        Conflict: They differ.
    """
    if not same_pictures(before, after):
        raise Conflict(
            "This site holds pictures for another study of the same id",
            expected=f"classes {list(before.classes)} at {before.size} px",
            received=f"classes {list(after.classes)} at {after.size} px",
            code="study_changed",
        )


def _held(row: StudyRow) -> HeldStudy:
    return HeldStudy(
        wanted=StudyPush.model_validate_json(row.wanted),
        current=StudyPush.model_validate_json(row.current) if row.current else None,
        received_at=row.received_at,
    )
