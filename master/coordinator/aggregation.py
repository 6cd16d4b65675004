"""The end of a round: the average, the credits, and the study moves on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from federated.errors import FederationError
from federated.plan import Plan
from federated.search import trained_with
from federated.states import RoundState
from federated.strategies import Contribution, Outcome, RoundFacts, strategy
from federated.wire import ExtraReader, UpdateReader, encode_weights
from master.coordinator import credits
from master.coordinator.assignment import UNDRAWN
from master.coordinator.round_steps import fail_round
from master.services import Services
from master.store import (
    evaluations,
    round_tasks,
    rounds,
    runs,
    studies,
    transitions,
    updates,
    versions,
)
from master.store.tables import RoundRow, RunRow
from master.store.updates import Accepted
from master.store.versions import Version
from serving.blobs import BlobStore, StoredTensors, open_blob


@dataclass(frozen=True, slots=True)
class Material:
    """What a round is averaged from.

    Attributes:
        plan: The run's plan.
        before: The global model that the round started from.
        accepted: The updates that count.
        nodes: Nodes that had work in the round, or could have.
        state: Blob of what the strategy kept of the round before; None in a run's first.
    """

    plan: Plan
    before: Version
    accepted: tuple[Accepted, ...]
    nodes: int = 0
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """Blobs that a round has made, and the share that each update had, by `names_of`."""

    weights: str
    strategy_state: str | None
    shares: dict[str, float]


def close_round(services: Services, run_id: str, number: int) -> None:
    """Averages a round and closes it; done again after a crash, it comes to the same bytes.

    A round whose updates cannot be averaged fails; an error of disk or database is raised,
    and the round stays as it is.
    """
    with services.database.read() as session:
        material = material_of(session, run_id, number)
    started = time.perf_counter()
    try:
        made = average(services, number, material)
    except FederationError as error:
        _give_up(services, run_id, number, error.detail)
        return
    services.failpoint("round-averaged")
    services.metrics.aggregation_seconds.observe(time.perf_counter() - started)
    now = services.now()
    with services.database.write() as session:
        run, row = runs.get(session, run_id), rounds.get(session, run_id, number)
        if row.state != RoundState.AGGREGATING:
            return
        _settle(session, run, row, material, made, now)
        seconds = now - row.opened_at
    services.failpoint("round-closed")
    services.metrics.round_seconds.observe(seconds)


def average(services: Services, number: int, material: Material) -> Made:
    """The new global weights as a blob; reads memory-mapped blobs, tensor by tensor."""
    facts = facts_of(services.blobs, number, material)
    return _keep(services, strategy(material.plan.strategy.name)(facts))


def facts_of(blobs: BlobStore, number: int, material: Material) -> RoundFacts:
    """What the strategy is given; nothing of it is read yet.

    Raises:
        NotFound: A blob is not here.
    """
    before = material.before
    return RoundFacts(
        number=number,
        signature=before.signature,
        previous=_tensors(blobs, before.weights),
        contributions=tuple(
            _contribution(blobs, material, update, name)
            for update, name in zip(material.accepted, names_of(material.accepted), strict=True)
        ),
        settings=material.plan.strategy.settings,
        state=_strategy_state(blobs, material.state),
        nodes=material.nodes,
    )


def names_of(accepted: Sequence[Accepted]) -> list[str]:
    """A name for each update of a round: its node's, with its task where a node has several."""
    times = Counter(update.node_name for update in accepted)
    return [
        update.node_name if times[update.node_name] == 1 else f"{update.node_name}/{update.task}"
        for update in accepted
    ]


def _contribution(
    blobs: BlobStore, material: Material, update: Accepted, name: str
) -> Contribution:
    plan = material.plan
    blob, base = _tensors(blobs, update.sha256), _tensors(blobs, update.base)
    return Contribution(
        node=name,
        num_examples=update.document.num_examples,
        num_steps=update.document.num_steps,
        weights=UpdateReader(blob, update.document, base),
        staleness=update.staleness,
        base=None if update.base == material.before.weights else base,
        score=update.measured.get("accuracy"),
        extra=ExtraReader(blob),
        training=trained_with(plan.training, plan.search, update.hyperparameters),
    )


def _tensors(blobs: BlobStore, sha256: str) -> StoredTensors:
    return StoredTensors(blobs.path(sha256))


def material_of(session: Session, run_id: str, number: int) -> Material:
    """What a round is averaged from, or was."""
    row = rounds.get(session, run_id, number)
    before = versions.get(session, row.before_id)
    working = {task.node for task in round_tasks.of_round(session, run_id, number, carried=False)}
    undrawn = sum(node["reason"] == UNDRAWN for node in row.excluded)
    return Material(
        plan=Plan.model_validate(runs.get(session, run_id).plan),
        before=before,
        accepted=tuple(updates.accepted(session, run_id, number)),
        nodes=len(working) + undrawn,
        # The study's model may be another run's, whose strategy kept something of its own.
        state=before.strategy_state if before.run == run_id else None,
    )


def _strategy_state(blobs: BlobStore, sha256: str | None) -> dict[str, np.ndarray]:
    if sha256 is None:
        return {}
    with open_blob(blobs.path(sha256)) as blob:
        return {name: blob.get_tensor(name) for name in blob.keys()}  # noqa: SIM118


def _keep(services: Services, outcome: Outcome) -> Made:
    return Made(
        weights=services.blobs.put(encode_weights(outcome.weights)),
        strategy_state=services.blobs.put(encode_weights(outcome.state)) if outcome.state else None,
        shares=outcome.shares,
    )


def _settle(
    session: Session, run: RunRow, row: RoundRow, material: Material, made: Made, now: float
) -> None:
    """Everything that a closed round changes, in one transaction: nothing counts twice."""
    after = versions.add(
        session,
        run.study_id,
        material.plan,
        material.before.signature,
        made.weights,
        now,
        run=run.id,
        round_number=row.number,
        strategy_state=made.strategy_state,
        frozen=material.before.frozen,
    )
    for update, name in zip(material.accepted, names_of(material.accepted), strict=True):
        updates.set_share(session, update.task, made.shares.get(name, 0.0))
    credits.begin(session, run, row.number, material.plan, material.accepted, now)
    evaluations.demand(session, after.id, run.id, run.study_id, now)
    row.after_id = run.version_id = after.id
    if run.publish:
        studies.set_current(session, run.study_id, after.id)
    transitions.move_round(session, row, RoundState.CLOSED, now)


def _give_up(services: Services, run_id: str, number: int, reason: str) -> None:
    with services.database.write() as session:
        run, row = runs.get(session, run_id), rounds.get(session, run_id, number)
        if row.state == RoundState.AGGREGATING:
            fail_round(session, run, row, reason, services.now())
