"""The master's own public pictures: which there are, and where each lies in the array file."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federated.views import PictureView
from master.store.tables import PictureRow


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Pictures that a model is measured on: rows of the array file, and the class index of each."""

    rows: tuple[int, ...]
    labels: tuple[int, ...]


def find(session: Session, study_id: str, sha256: str) -> PictureView | None:
    """A picture, if it is there already."""
    row = session.get(PictureRow, (study_id, sha256))
    return view(row) if row else None


def next_row(session: Session, study_id: str) -> int:
    """The first row of the array file that no picture has."""
    highest = session.scalar(
        select(func.max(PictureRow.row)).where(PictureRow.study_id == study_id)
    )
    return 0 if highest is None else highest + 1


def add(session: Session, row: PictureRow) -> PictureView:
    """A picture becomes real: its file and its row of pixels are already there."""
    session.add(row)
    session.flush()
    return view(row)


def labelled_rows(
    session: Session,
    study_id: str,
    part: str,
    classes: tuple[str, ...],
    below: int | None = None,
) -> LabelledRows:
    """The pictures of a part, in order of their hashes: the order of arrival plays no role.

    Args:
        session: The transaction.
        study_id: The study.
        part: `audit` or `test`.
        classes: The study's.
        below: Row below which they lie, which leaves out what came later; None for all.
    """
    query = (
        select(PictureRow.row, PictureRow.label)
        .where(PictureRow.study_id == study_id, PictureRow.part == part)
        .order_by(PictureRow.sha256)
    )
    if below is not None:
        query = query.where(PictureRow.row < below)
    found = list(session.execute(query))
    return LabelledRows(
        rows=tuple(row for row, _ in found),
        labels=tuple(classes.index(label) for _, label in found),
    )


def view(row: PictureRow) -> PictureView:
    """A picture as people see it."""
    return PictureView(
        id=row.sha256,
        study=row.study_id,
        label=row.label,
        part=row.part,
        width=row.width,
        height=row.height,
        added_at=row.added_at,
    )
