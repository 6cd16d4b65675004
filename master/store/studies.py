"""Studies."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federated.errors import Conflict, NotFound
from federated.plan import Plan
from federated.study import Study
from federated.views import CurrentModel, StudyView
from master.store import events, versions
from master.store.tables import PictureRow, StudyRow, VersionRow


def create(session: Session, study: Study, plan: Plan, now: float) -> None:
    """A new study, still without a model.

    Raises:
        Conflict: There is a study of that id.
    """
    if session.get(StudyRow, study.id) is not None:
        raise Conflict(
            "There is a study of this name already",
            expected="another name, or an id of its own",
            received=study.id,
            code="study_exists",
        )
    session.add(
        StudyRow(
            id=study.id,
            document=study.model_dump(mode="json"),
            plan=plan.model_dump(mode="json"),
            created_at=now,
        )
    )
    events.record(session, now, "study_created", f"Study {study.name} was made", study=study.id)


def get(session: Session, study_id: str) -> StudyRow:
    """The study's row.

    Raises:
        NotFound: There is none.
    """
    row = session.get(StudyRow, study_id)
    if row is None:
        raise NotFound("There is no such study", received=study_id[:64])
    return row


def study_of(row: StudyRow) -> Study:
    """The study as a value."""
    return Study.model_validate(row.document)


def ids(session: Session) -> list[str]:
    """Ids of all studies."""
    return list(session.scalars(select(StudyRow.id).order_by(StudyRow.id)))


def without_model(session: Session) -> list[str]:
    """Studies whose initial model is still to be built."""
    query = select(StudyRow.id).where(StudyRow.version_id.is_(None), StudyRow.problem.is_(None))
    return list(session.scalars(query.order_by(StudyRow.created_at)))


def forget_problems(session: Session) -> None:
    """Lets a new start of the server try again to build what could not be built."""
    for row in session.scalars(select(StudyRow).where(StudyRow.problem.is_not(None))):
        row.problem = None


def set_current(session: Session, study_id: str, version_id: int) -> None:
    """Moves a study on to a version."""
    row = get(session, study_id)
    row.version_id, row.problem = version_id, None


def view(session: Session, row: StudyRow, licence: str | None) -> StudyView:
    """The study as people see it."""
    counted: dict[str, dict[str, int]] = {}
    query = (
        select(PictureRow.part, PictureRow.label, func.count())
        .where(PictureRow.study_id == row.id)
        .group_by(PictureRow.part, PictureRow.label)
    )
    for part, label, number in session.execute(query):
        counted.setdefault(part, {})[label] = number
    return StudyView(
        study=study_of(row),
        plan=Plan.model_validate(row.plan),
        created_at=row.created_at,
        current=_current(session, row),
        problem=row.problem,
        pictures=counted,
        licence=licence,
    )


def views(session: Session, licence: str | None) -> list[StudyView]:
    """All studies, oldest first."""
    rows = session.scalars(select(StudyRow).order_by(StudyRow.created_at, StudyRow.id))
    return [view(session, row, licence) for row in rows]


def _current(session: Session, row: StudyRow) -> CurrentModel | None:
    version = session.get(VersionRow, row.version_id) if row.version_id else None
    if version is None:
        return None
    frozen = versions.frozen_of(session, version)
    return CurrentModel(
        model=Plan.model_validate(version.plan).model.name,
        weights=version.weights,
        run=version.run_id,
        round=version.round,
        parameters=version.parameters,
        nbytes=version.nbytes,
        frozen=frozen.weights if frozen else None,
        frozen_parameters=frozen.signature.count if frozen else 0,
        frozen_nbytes=frozen.signature.nbytes if frozen else 0,
    )
