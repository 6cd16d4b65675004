"""The rows that make stored pictures real: a picture counts once its row is committed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import cast

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from child.store.picture_rows import Example, NewPicture, PictureRow, Tally
from federated.errors import Conflict, InvalidInput, NotFound
from federated.split import Part, validation_split
from federated.views import PictureView
from serving.database import Database

DEALT = (
    PictureRow.number,
    PictureRow.sha256,
    PictureRow.label,
    PictureRow.part,
    PictureRow.row,
    PictureRow.group_hash,
)
"""Columns that dealing needs; whole rows would be built for nothing."""


class PictureStore:
    """The rows of all pictures."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def add(self, study: str, pictures: Sequence[NewPicture]) -> list[PictureView]:
        """Makes pictures real: all of them, or none."""
        rows = [
            PictureRow(
                study=study,
                sha256=picture.sha256,
                label=picture.label,
                width=picture.width,
                height=picture.height,
                row=picture.row,
                group_hash=picture.group_hash,
                added_at=self._now(),
            )
            for picture in pictures
        ]
        with self._database.write() as session:
            session.add_all(rows)
            session.flush()
            return [_view(row) for row in rows]

    def find(self, study: str, sha256s: Iterable[str]) -> dict[str, PictureView]:
        """Those of the named pictures that are stored, by name."""
        named = _of(study) & PictureRow.sha256.in_(list(sha256s))
        with self._database.read() as session:
            rows = session.scalars(select(PictureRow).where(named))
            return {row.sha256: _view(row) for row in rows}

    def get(self, study: str, sha256: str) -> PictureView:
        """One picture.

        Raises:
            NotFound: It is not stored.
        """
        with self._database.read() as session:
            return _view(_picture(session, study, sha256))

    def study_of(self, sha256: str) -> str:
        """The one study that a picture is stored for.

        Raises:
            NotFound: It is stored for none.
            InvalidInput: It is stored for several; the caller must say which.
        """
        holding = select(PictureRow.study).where(PictureRow.sha256 == sha256)
        with self._database.read() as session:
            studies = sorted(session.scalars(holding))
        if not studies:
            raise _unknown(sha256)
        if len(studies) > 1:
            raise InvalidInput(
                "This picture is stored for several studies; 'study' must say which is meant",
                expected=f"one of {studies}",
                received="no 'study'",
                code="study_needed",
            )
        return studies[0]

    def page(
        self,
        study: str | None = None,
        *,
        labels: Collection[str] | None = None,
        part: str | None = None,
        unlabelled: bool = False,
        added: tuple[float | None, float | None] = (None, None),
        same_as: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[list[PictureView], int]:
        """A page of pictures, newest first, and how many there are on all pages.

        Args:
            study: Pictures of this study alone; None for all studies.
            labels: Pictures with one of these labels alone.
            part: Pictures of this part alone.
            unlabelled: Pictures without a label alone.
            added: Pictures added from the first time on, and before the second, alone.
            same_as: Pictures that were taken from the same as the one of this name, alone.
            offset: Pictures to pass over.
            limit: Pictures on the page.
        """
        chosen = _of(study) if study else PictureRow.number.is_not(None)
        if labels is not None:
            chosen &= PictureRow.label.in_(labels)
        chosen &= PictureRow.part == part if part else PictureRow.number.is_not(None)
        chosen &= PictureRow.label.is_(None) if unlabelled else PictureRow.number.is_not(None)
        since, until = added
        if since is not None:
            chosen &= PictureRow.added_at >= since
        if until is not None:
            chosen &= PictureRow.added_at < until
        if same_as is not None:
            own = select(PictureRow.study, PictureRow.group_hash).where(
                PictureRow.sha256 == same_as, PictureRow.group_hash.is_not(None)
            )
            chosen &= tuple_(PictureRow.study, PictureRow.group_hash).in_(own)
        newest = select(PictureRow).where(chosen).order_by(PictureRow.number.desc())
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(PictureRow).where(chosen))
            rows = session.scalars(newest.offset(offset).limit(limit))
            return [_view(row) for row in rows], total or 0

    def relabel(self, study: str, sha256: str, label: str | None) -> PictureView:
        """Gives a picture another label; it then counts as new.

        Raises:
            NotFound: It is not stored.
        """
        with self._database.write() as session:
            row = _picture(session, study, sha256)
            if row.label != label:
                row.label, row.trained, row.claimed_by = label, False, None
            return _view(row)

    def join_group(self, study: str, hashes: Mapping[str, str]) -> None:
        """Puts pictures that are in no group yet into one.

        Args:
            study: Id of the study.
            hashes: The group's hash of each picture, by the picture's name.
        """
        with self._database.write() as session:
            for sha256, group_hash in hashes.items():
                alone = _of(study) & PictureRow.group_hash.is_(None)
                into = update(PictureRow).where(alone, PictureRow.sha256 == sha256)
                session.execute(into.values(group_hash=group_hash))

    def remove(self, study: str, sha256: str) -> int:
        """Ends a picture's being; returns its row in the array file.

        Raises:
            NotFound: It is not stored.
        """
        gone = delete(PictureRow).where(_of(study), PictureRow.sha256 == sha256)
        with self._database.write() as session:
            row: int | None = session.scalar(gone.returning(PictureRow.row))
            if row is None:
                raise _unknown(sha256)
            return row

    def places(self, study: str) -> dict[str, int]:
        """The array row of every picture, by name."""
        places = select(PictureRow.sha256, PictureRow.row).where(_of(study))
        with self._database.read() as session:
            return {found.sha256: found.row for found in session.execute(places)}

    def judging(self, study: str, labels: Collection[str], most: int) -> list[Example]:
        """At most so many pictures of the validation part, by name, with one of these labels.

        A name is a hash, so that these are as good as drawn by chance, and always the same.
        """
        chosen = _of(study) & (PictureRow.part == "validation") & PictureRow.label.in_(labels)
        query = select(*DEALT).where(chosen).order_by(PictureRow.sha256).limit(most)
        with self._database.read() as session:
            found = session.execute(query).all()
        return [Example(row.sha256, row.label or "", "validation", row.row) for row in found]

    def tally(self, study: str) -> Tally:
        """How many pictures there are."""
        new = func.count().filter(~PictureRow.trained)
        groups = select(PictureRow.label, func.count(), new).where(_of(study))
        with self._database.read() as session:
            found = session.execute(groups.group_by(PictureRow.label)).all()
        return Tally(
            counts={label: count for label, count, _ in sorted(found, key=str) if label},
            unlabelled=sum(count for label, count, _ in found if not label),
            new_labelled=sum(int(fresh) for label, _, fresh in found if label),
        )

    def deal(
        self, study: str, task: str | None, *, fraction: float, seed: int, least: int = 0
    ) -> list[Example]:
        """The labelled pictures for a task, by name, each with its part.

        Parts once dealt are kept, and pictures of one group have one part. The pictures count
        as new until `confirm`.

        Args:
            study: Id of the study.
            task: Id of the task that will train on them; None where they stay new, for the
                study's model learns nothing from it.
            fraction: Share of each class that judges.
            seed: Decides which pictures judge.
            least: Pictures that must train, or no part is dealt at all.

        Raises:
            Conflict: Fewer would train.
        """
        labelled = _of(study) & PictureRow.label.is_not(None)
        # One whose label was taken away has a part, which its group goes by.
        known = labelled | (_of(study) & PictureRow.part.is_not(None))
        query = select(*DEALT).where(known).order_by(PictureRow.sha256)
        with self._database.write() as session:
            rows = session.execute(query).all()
            found = [row for row in rows if row.label is not None]
            parts = validation_split(
                {row.sha256: row.label or "" for row in found},
                fraction=fraction,
                seed=seed,
                assigned={row.sha256: cast(Part, row.part) for row in rows if row.part},
                groups={row.sha256: row.group_hash for row in rows if row.group_hash},
            )
            _check_enough(parts, least)
            _set_parts(session, {row.number: parts[row.sha256] for row in found if not row.part})
            if task is not None:
                _claim(session, labelled, task)
        return [Example(row.sha256, row.label or "", parts[row.sha256], row.row) for row in found]

    def confirm(self, task: str) -> None:
        """A task's update has arrived: the pictures that it trained on are no longer new."""
        seen = update(PictureRow).where(PictureRow.claimed_by == task)
        with self._database.write() as session:
            session.execute(seen.values(trained=True, claimed_by=None))


def _of(study: str) -> ColumnElement[bool]:
    return PictureRow.study == study


def _check_enough(parts: Mapping[str, Part], least: int) -> None:
    # Pictures that judge hide nobody: an update shows only what it was trained on.
    train = sum(part == "train" for part in parts.values())
    if train < least:
        raise Conflict(
            "This site has too few labelled pictures to train on",
            expected=f"at least {least} beside those that only judge",
            received=f"{train}, and {len(parts) - train} that judge",
            code="too_few_examples",
        )


def _set_parts(session: Session, parts: dict[int, Part]) -> None:
    if parts:
        changes = [{"number": number, "part": part} for number, part in parts.items()]
        session.execute(update(PictureRow), changes)


def _claim(session: Session, labelled: ColumnElement[bool], task: str) -> None:
    """Notes for which task the pictures are used that no confirmed task has used yet."""
    session.execute(
        update(PictureRow)
        .where(labelled, ~PictureRow.trained)
        .values(claimed_by=task)
        .execution_options(synchronize_session=False)
    )


def _picture(session: Session, study: str, sha256: str) -> PictureRow:
    chosen = select(PictureRow).where(_of(study), PictureRow.sha256 == sha256)
    row = session.scalar(chosen)
    if row is None:
        raise _unknown(sha256)
    return row


def _unknown(sha256: str) -> NotFound:
    return NotFound(
        "There is no such picture in this study",
        expected="the id of a stored picture",
        received=repr(sha256)[:80],
        code="unknown_picture",
    )


def _view(row: PictureRow) -> PictureView:
    return PictureView(
        id=row.sha256,
        study=row.study,
        label=row.label,
        part=row.part,
        width=row.width,
        height=row.height,
        added_at=row.added_at,
        grouped=row.group_hash is not None,
    )
