"""Imports: pictures of the site's own disk go through the same door as uploaded ones.

One runs at a time, in a thread; what it has done so far can be asked for at any time. A picture
that was taken stays, however the import ends, and the same import run again passes it over.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from child.import_files import BOUNDS, files_of
from child.import_folder import ImportFolder
from child.import_tally import Tally
from child.upload_outcomes import Outcome
from child.uploads import File, Uploads
from federated.errors import Conflict, FederationError, NotFound
from federated.study import Study
from federated.views.imports import ImportState, ImportView, LabelsFrom
from imaging.readers.bounds import Bounds
from imaging.readers.choice import Choice
from imaging.readers.dataset import open_dataset

log = logging.getLogger(__name__)

KEPT = 20
"""Imports that are remembered."""
LEAVING_SECONDS = 10.0
"""How long closing waits for the pictures under way."""


class _Stopped(Exception):
    """The site, or the end of the child, has stopped the import."""


@dataclass(slots=True)
class _Job:
    """One import; `view` is replaced as a whole, so that any thread may read it."""

    study: Study
    view: ImportView
    tally: Tally = field(default_factory=Tally)
    stop: threading.Event = field(default_factory=threading.Event)


class Imports:
    """Imports of one child.

    Args:
        folder: Where sources lie.
        uploads: Takes the pictures in.
        changed: Called when counts have changed.
        now: The clock, seconds since the epoch.
        bounds: How large a source may be.
    """

    def __init__(
        self,
        folder: ImportFolder,
        uploads: Uploads,
        changed: Callable[[], None],
        now: Callable[[], float],
        bounds: Bounds = BOUNDS,
    ) -> None:
        self.folder = folder
        self._uploads = uploads
        self._changed = changed
        self._now = now
        self._bounds = bounds
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(
        self, study: Study, source: str, *, dry_run: bool, labels_from: LabelsFrom
    ) -> ImportView:
        """Begins an import and returns at once.

        Raises:
            NotFound: There is no such source, or no folder to import from.
            Conflict: Another import runs.
        """
        self.folder.place(source)
        view = ImportView(
            id=secrets.token_hex(8),
            study=study.id,
            source=source,
            dry_run=dry_run,
            labels_from=labels_from,
            state="running",
            started_at=self._now(),
        )
        job = _Job(study, view)
        with self._lock:
            self._check_free()
            self._jobs[view.id] = job
            for old in list(self._jobs)[:-KEPT]:
                del self._jobs[old]
            self._thread = threading.Thread(
                target=self._run, args=(job,), name="import", daemon=True
            )
            self._thread.start()
        return view

    def get(self, number: str) -> ImportView:
        """How far an import is.

        Raises:
            NotFound: There is none of this id, or the child has started anew since.
        """
        return self._job(number).view

    def all(self) -> list[ImportView]:
        """Imports since the child started, newest first."""
        with self._lock:
            return [job.view for job in reversed(self._jobs.values())]

    def stop(self, number: str) -> None:
        """Stops an import after the pictures under way; one that is over stays as it is.

        Raises:
            NotFound: There is none of this id.
        """
        self._job(number).stop.set()

    def close(self) -> None:
        """Stops what runs and waits for it."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                job.stop.set()
        if self._thread is not None:
            self._thread.join(LEAVING_SECONDS)

    def _check_free(self) -> None:
        if self._closed or any(job.view.state == "running" for job in self._jobs.values()):
            raise Conflict(
                "Another import is under way",
                expected="one import at a time; wait for it, or stop it",
                code="import_running",
            )

    def _job(self, number: str) -> _Job:
        with self._lock:
            job = self._jobs.get(number)
        if job is None:
            raise NotFound(
                "There is no such import; it is forgotten when the child starts anew",
                received=repr(number)[:80],
                code="unknown_import",
            )
        return job

    def _run(self, job: _Job) -> None:
        try:
            self._take(job)
            self._end(job, "done")
        except _Stopped:
            self._end(job, "stopped")
        except FederationError as error:
            self._end(job, "failed", error.detail)
        except Exception:
            # The trace may hold a picture's name: it stays in this site's own log.
            log.exception("An import has failed")
            self._end(job, "failed", "Something unexpected happened; the child's log says more.")
        if not job.view.dry_run:
            self._changed()

    def _take(self, job: _Job) -> None:
        view = job.view
        place, choice = self.folder.place(view.source), Choice(view.labels_from)
        opened = open_dataset(place, choice, self._bounds)
        # An array of many pictures is one file, which would tell nothing of how far it is.
        files = opened.files if opened.kind != "arrays" else None
        job.view = view.model_copy(update={"layout": opened.words, "files": files})
        found = files_of(opened.pictures, opened.kind, job.study, self._refusing(job))
        for outcome, label in self._outcomes(job, found):
            job.tally.take(outcome, label)
            self._publish(job)

    def _outcomes(self, job: _Job, found: Iterator[File]) -> Iterator[tuple[Outcome, str | None]]:
        files = self._stopping(job, found)
        if job.view.dry_run:
            yield from self._uploads.look(job.study, files)
            return
        for outcome in self._uploads.add(job.study, files, None):
            picture = outcome.view.picture
            yield outcome, picture.label if picture else None

    def _stopping(self, job: _Job, found: Iterator[File]) -> Iterator[File]:
        for file in found:
            yield file
            if job.stop.is_set():
                raise _Stopped

    def _refusing(self, job: _Job) -> Callable[[str, str], None]:
        def refuse(name: str, reason: str) -> None:
            # Millions of files that are no pictures must not keep it from ending, either.
            if job.stop.is_set():
                raise _Stopped
            job.tally.refuse(name, reason)
            self._publish(job)

        return refuse

    def _publish(self, job: _Job) -> None:
        tally = job.tally
        seen = {
            "looked": tally.looked,
            "counts": dict(tally.counts),
            "unlabelled": tally.unlabelled,
            "duplicates": tally.duplicates,
            "refused": tally.refused.total(),
            "refusals": tally.refusals(),
        }
        job.view = job.view.model_copy(update=seen)

    def _end(self, job: _Job, state: ImportState, detail: str | None = None) -> None:
        over = {"state": state, "detail": detail, "ended_at": self._now()}
        job.view = job.view.model_copy(update=over)
