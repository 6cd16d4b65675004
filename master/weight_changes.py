"""How far each tensor moved in each round, worked out when asked for and kept for a while."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from federated.signature import Signature
from federated.statistics import relative_change
from federated.views import WeightChanges
from master.services import Services
from master.store import courses, rounds, versions
from master.store.rounds import Closed
from serving.blobs import open_blob

MOST_ROUNDS = 30
"""Columns of a heat map that a screen has room for."""

MOST_VALUES = 60_000_000
"""Weights that are read for one answer, which takes about a second; of larger models fewer
rounds are told."""

KEPT = 2000
"""Rounds whose changes are remembered: a blob's name is its hash, so that none ever changes."""

Moved = tuple[float | None, ...]


def changes(services: Services, run_id: str) -> WeightChanges:
    """The changes of a run's closed rounds, by tensor.

    Raises:
        NotFound: There is no such run.
    """
    with services.database.read() as session:
        closed = rounds.closed(session, run_id)
        if not closed:
            return WeightChanges(run=run_id)
        signature = versions.get(session, closed[-1].after).signature
        shown = courses.thinned(closed, affordable(signature.count))
        hashes = {one.number: _hashes(session, one) for one in shown}
    path = services.blobs.path
    moved = [_moved(path(before), path(after), signature) for before, after in hashes.values()]
    return WeightChanges(
        run=run_id, rounds=list(hashes), total=len(closed), tensors=_by_tensor(signature, moved)
    )


def _hashes(session: Session, one: Closed) -> tuple[str, str]:
    before, after = versions.get(session, one.before), versions.get(session, one.after)
    return before.weights, after.weights


def affordable(values: int) -> int:
    """Rounds of a model with so many values that one answer tells, at least 2."""
    return max(2, min(MOST_ROUNDS, MOST_VALUES // (2 * max(values, 1))))


def _by_tensor(signature: Signature, moved: Sequence[Moved]) -> dict[str, list[float | None]]:
    return {name: [one[place] for one in moved] for place, name in enumerate(signature.names)}


@lru_cache(maxsize=KEPT)
def _moved(before: Path, after: Path, signature: Signature) -> Moved:
    with open_blob(before) as old, open_blob(after) as new:
        return tuple(
            relative_change(old.get_tensor(name), new.get_tensor(name)) for name in signature.names
        )
