"""Where a replay comes from: a run at the master, or the recording that comes along."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from federated.views import RoundView
from webapp.api import ApiError, MasterApi
from webapp.api.blob import RemoteBlob, update_at
from webapp.lesson.replay import AFTER, BEFORE, Replay, ReplayRound, ReplayRun, ReplayUpdate, opened

RECORDING = Path(__file__).parent / "assets" / "lesson" / "replay.safetensors"


@functools.cache
def recording() -> Replay:
    """The run that was recorded for the classroom: synthetic pictures, three sites."""
    return opened(RECORDING.read_bytes())


def replay_of(master: MasterApi, run: str, picture: np.ndarray | None) -> Replay:
    """A run at the master; only what is looked at is fetched.

    Args:
        master: An operator's.
        run: The run's identifier.
        picture: To look at through filters, uint8 (height, width, 3).

    Raises:
        ApiError: The master refused or is away.
    """
    view = master.run(run)
    connection = master.connection
    closed = view.round if view.finished_at and _closed(master, run, view.round) else view.round - 1
    newest = RemoteBlob(connection, view.weights)
    shapes = newest.shapes

    def read(number: int, who: str, name: str) -> np.ndarray | None:
        told = master.round(run, number)
        try:
            return _tensor(master, told, who, name)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    return Replay(
        ReplayRun(
            model=view.plan.model.name,
            strategy=view.plan.strategy.name,
            rounds=max(closed, 0),
            kernels={
                name: shape
                for name, shape in shapes.items()
                if name.endswith("kernel") and len(shape) == 4
            },
        ),
        lambda number: _round(master.round(run, number)),
        read,
        picture,
    )


def _closed(master: MasterApi, run: str, number: int) -> bool:
    return number > 0 and master.round(run, number).weights_after is not None


def _tensor(master: MasterApi, told: RoundView, who: str, name: str) -> np.ndarray | None:
    connection = master.connection
    if who == AFTER:
        after = told.weights_after
        return RemoteBlob(connection, after).get_tensor(name) if after else None
    before = RemoteBlob(connection, told.weights_before)
    if who == BEFORE:
        return before.get_tensor(name)
    found = [update for update in told.updates if update.node_name == who]
    return update_at(connection, found[0].sha256, before).get_tensor(name) if found else None


def _round(told: RoundView) -> ReplayRound:
    updates = (
        ReplayUpdate(
            node=update.node_name,
            num_examples=update.num_examples,
            share=update.share,
            status=update.status,
        )
        for update in told.updates
    )
    return ReplayRound(
        number=told.number,
        updates=tuple(sorted(updates, key=lambda update: update.node)),
        accuracy=(told.evaluation or {}).get("accuracy"),
    )
