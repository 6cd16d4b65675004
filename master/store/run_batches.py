"""The public pictures of a run: the index of its batches, as it was when the run was made."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.plan import OwnPictures, Plan
from federated.views import BatchesView, BatchView
from imaging.batch_index import BatchIndex
from master.store import runs
from master.store.tables import RunBatchesRow

MOST_PARSED = 8

_PARSED: dict[str, BatchIndex] = {}
"""Indexes by their hash, which says all of them: a large one takes seconds to be read again."""


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """An index, and the SHA-256 of the bytes of its file: a child must read the same ones."""

    sha256: str
    index: BatchIndex


def keep(session: Session, run_id: str, kept: KeptIndex) -> None:
    """Keeps the index of a run that has just been made."""
    document = kept.index.model_dump(mode="json")
    session.add(RunBatchesRow(run_id=run_id, sha256=kept.sha256, document=document))
    session.flush()


def of_run(session: Session, run_id: str) -> KeptIndex | None:
    """The index of a run; None where it trains on the sites' own pictures."""
    sha256 = index_sha256(session, run_id)
    if sha256 is None:
        return None
    index = _PARSED.get(sha256)
    if index is None:
        index = BatchIndex.model_validate(session.get_one(RunBatchesRow, run_id).document)
        if len(_PARSED) >= MOST_PARSED:
            _PARSED.clear()
        _PARSED[sha256] = index
    return KeptIndex(sha256, index)


def index_sha256(session: Session, run_id: str) -> str | None:
    """The hash of a run's index, without reading the index itself."""
    query = select(RunBatchesRow.sha256).where(RunBatchesRow.run_id == run_id)
    return session.scalar(query)


def view(session: Session, run_id: str) -> BatchesView:
    """The public pictures of a run as people see them.

    Raises:
        NotFound: There is no such run, or it trains on the sites' own pictures.
    """
    data = Plan.model_validate(runs.get(session, run_id).plan).data
    kept = of_run(session, run_id)
    if kept is None or isinstance(data, OwnPictures):
        raise NotFound(
            "This run has no batches: its sites train on their own pictures", code="no_batches"
        )
    index = kept.index
    return BatchesView(
        run=run_id,
        url=data.url,
        index=kept.sha256,
        classes=index.classes,
        train=index.train_counts,
        validation=index.validation_counts,
        batches=[BatchView.model_validate(entry, from_attributes=True) for entry in index.batches],
    )
