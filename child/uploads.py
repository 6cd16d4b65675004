"""Uploads: uploaded files become pictures, or get the reason why not.

A file's name is read once, for its label, and told back to the sender; it is never stored.
Nor is the word for what it was taken from: see `child.picture_groups`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from child.picture_groups import PictureGroups
from child.pictures import PictureFolder
from child.store.picture_rows import NewPicture
from child.store.pictures import PictureStore
from child.upload_outcomes import (
    Candidate,
    LabelSource,
    Outcome,
    after_failure,
    candidate_of,
    first_of_each,
    outcome,
    refused,
    stored_sentence,
)
from federated.errors import FederationError, StorageFailure
from federated.study import Study
from federated.views import PictureView
from imaging.errors import RefusedPicture
from imaging.labels import label_from_name
from imaging.sanitise import DEFAULT_LIMITS, Limits, sanitise

GROUP = 32
"""Pictures that are stored together: one sync of the array file and one commit for all."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was sent.

    Attributes:
        group: The uploader's word for what it was taken from, as `checked_word` gives it; empty
            for none.
        label: Its class as the study spells it; None for that of the whole upload.
    """

    name: str
    data: bytes = field(repr=False)
    group: str = field(default="", repr=False)
    label: str | None = None


class Uploads:
    """Takes pictures in; one group of one upload is stored at a time.

    Args:
        folder: The pictures on the disk.
        store: Their rows.
        groups: What is kept of a group's word.
        in_use: Whether a task may hold the places of pictures in a study's array.
        limits: How large a picture may be.
    """

    def __init__(
        self,
        folder: PictureFolder,
        store: PictureStore,
        groups: PictureGroups,
        in_use: Callable[[], bool],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._folder = folder
        self._store = store
        self._groups = groups
        self._in_use = in_use
        self._limits = limits
        self._storing = threading.Lock()

    def add(self, study: Study, files: Iterable[File], label: str | None) -> Iterator[Outcome]:
        """Stores files one group after the other, and says what became of each.

        Args:
            study: The study that the pictures are for.
            files: Read as they are needed, so that few are in memory at a time.
            label: The class of all of them; None to read it from the files' names.

        Raises:
            InvalidInput: The study has no such class; nothing was stored.
        """
        known = check_label(study, label)
        remaining = iter(files)
        while group := list(islice(remaining, GROUP)):
            yield from self._add_group(study, group, known)

    def look(self, study: Study, files: Iterable[File]) -> Iterator[tuple[Outcome, str | None]]:
        """Says what `add` would make of files, and of which class each is; nothing is stored.

        Args:
            study: The study that the pictures are for.
            files: Read as they are needed.
        """
        seen = set[str]()
        for file in files:
            understood = self._understand(study, file, None)
            if isinstance(understood, Outcome):
                yield understood, None
                continue
            name = understood.sha256
            known = name in seen or bool(self._store.find(study.id, [name]))
            seen.add(name)
            status = "duplicate" if known else "stored"
            yield outcome(understood, status, "", None), understood.label

    def relabel(self, study: Study, picture: str, label: str | None) -> PictureView:
        """Gives a picture another label, or takes it away.

        Raises:
            InvalidInput: The study has no such class.
            NotFound: The picture is not stored.
        """
        return self._store.relabel(study.id, picture, check_label(study, label))

    def remove(self, study: Study, picture: str) -> None:
        """Deletes a picture: row, file and pixels.

        Raises:
            NotFound: It is not stored.
        """
        with self._storing:
            row = self._store.remove(study.id, picture)
            self._folder.discard(study, [picture], [row])
            self._reset_if_empty(study)

    def _reset_if_empty(self, study: Study) -> None:
        """Clears the folder of a study without pictures, which may be sent anew in another size.

        Not while a task may hold places in its array: other pictures would come to stand there.
        """
        if not self._store.places(study.id) and not self._in_use():
            self._folder.reset(study)

    def _add_group(self, study: Study, group: list[File], label: str | None) -> list[Outcome]:
        understood = [self._understand(study, file, label) for file in group]
        candidates = [c for c in understood if isinstance(c, Candidate)]
        with self._storing:
            known = self._store.find(study.id, {c.sha256 for c in candidates})
            fresh = first_of_each(c for c in candidates if c.sha256 not in known)
            self._reset_if_empty(study)
            try:
                stored = self._keep(study, list(fresh.values()))
                self._join_groups(study, known, candidates)
            except FederationError as error:
                return [after_failure(c, fresh, known, error) for c in understood]
            return [self._told(c, known | stored, fresh) for c in understood]

    def _understand(self, study: Study, file: File, label: str | None) -> Candidate | Outcome:
        group_hash = self._groups.hash(study.id, file.group)
        try:
            picture = sanitise(file.data, self._limits)
        except RefusedPicture as error:
            return refused(file.name, error)
        given = label or file.label
        found = given or label_from_name(file.name, study.classes).label
        source: LabelSource = "given" if given else "file_name" if found else "none"
        return candidate_of(study, file.name, picture, found, source, group_hash)

    def _join_groups(
        self, study: Study, known: Collection[str], candidates: list[Candidate]
    ) -> None:
        """A picture that was alone joins a group when it is sent again with a word."""
        hashes: dict[str, str] = {}
        for candidate in candidates:
            if candidate.sha256 in known and candidate.group_hash:
                hashes.setdefault(candidate.sha256, candidate.group_hash)
        if hashes:
            self._store.join_group(study.id, hashes)

    def _keep(self, study: Study, fresh: list[Candidate]) -> dict[str, PictureView]:
        if not fresh:
            return {}
        files = {c.sha256: c.png for c in fresh}
        rows = self._folder.keep(study, files, np.stack([c.pixels for c in fresh]))
        new = [
            NewPicture(c.sha256, c.label, *c.size, row=rows[c.sha256], group_hash=c.group_hash)
            for c in fresh
        ]
        try:
            return {view.id: view for view in self._store.add(study.id, new)}
        except BaseException as error:
            self._folder.discard(study, files, rows.values())
            if isinstance(error, SQLAlchemyError):
                raise StorageFailure(
                    "The database refused the pictures; nothing of them was kept"
                ) from error
            raise

    def _told(
        self,
        candidate: Candidate | Outcome,
        views: dict[str, PictureView],
        fresh: dict[str, Candidate],
    ) -> Outcome:
        if isinstance(candidate, Outcome):
            return candidate
        view = views[candidate.sha256]
        if fresh.get(candidate.sha256) is candidate:
            return outcome(candidate, "stored", stored_sentence(candidate), view)
        if view.label is None and candidate.label is not None:
            view = self._store.relabel(view.study, view.id, candidate.label)
            detail = f"This picture was here already; it now has the label “{view.label}”."
        elif candidate.label not in (None, view.label):
            detail = f"This picture is here already, with the label “{view.label}”, which it keeps."
        else:
            detail = "This picture is here already; nothing was stored twice."
        return outcome(candidate, "duplicate", detail, view)


def check_label(study: Study, label: str | None) -> str | None:
    """The label as the study spells it; None for none.

    Raises:
        InvalidInput: The study has no such class.
    """
    return study.known_label(label) if label else None
