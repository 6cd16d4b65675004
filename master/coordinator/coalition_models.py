"""The models of a round's coalitions: made of its updates, and measured on the audit pictures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session

from federated.errors import FederationError, NotFound
from federated.strategies import of_fewer, strategy
from federated.wire import encode_weights
from master.coordinator import credits
from master.coordinator.aggregation import Material, facts_of, material_of
from master.evaluation import EvaluatedModel, Evaluator, draft
from master.rewards import Coalition
from master.state_folder import StateFolder
from master.store import pictures, rounds, versions
from master.store.pictures import LabelledRows
from master.store.updates import Accepted
from master.store.versions import Version
from serving.blobs import BlobStore
from serving.worker import WorkerDied

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where models are made and measured.

    Attributes:
        blobs: Weights and updates.
        state: Where pictures lie, and what is made to be measured.
        evaluator: What measures.
    """

    blobs: BlobStore
    state: StateFolder
    evaluator: Evaluator


@dataclass(frozen=True, slots=True)
class Claims:
    """A round whose credits are worked out.

    Attributes:
        run: The run.
        number: The round.
        material: What it was averaged from, updates in the order of `credits.in_order`.
        after: The global model that it made.
        examples: The audit pictures that count.
    """

    run: str
    number: int
    material: Material
    after: Version
    examples: LabelledRows

    @property
    def updates(self) -> tuple[Accepted, ...]:
        """The round's updates, by place."""
        return self.material.accepted


def claims_of(session: Session, run: str, number: int, below: int) -> Claims:
    """A closed round, ready to be measured on the audit pictures of rows below a number."""
    material = material_of(session, run, number)
    after = rounds.get(session, run, number).after_id
    if after is None:
        raise NotFound("This round has made no global model", received=number)
    study = material.before.study
    return Claims(
        run=run,
        number=number,
        material=replace(material, accepted=credits.in_order(material.accepted)),
        after=versions.get(session, after),
        examples=pictures.labelled_rows(session, study.id, "audit", study.classes, below),
    )


def accuracies(bench: Bench, claims: Claims, coalitions: Sequence[Coalition]) -> list[float]:
    """Measures the models of some coalitions in one call of the evaluation process.

    A model that computes values that are not numbers is never right.

    Raises:
        NotFound: A blob of the round is no longer here.
        WorkerDied: The evaluation process ended twice.
    """
    pixels = bench.state.pixels(claims.after.study.id)
    with ExitStack() as drafts:
        models = [_model(bench, claims, one, drafts) for one in coalitions]
        try:
            found = bench.evaluator.accuracies(models, pixels, claims.examples)
        except WorkerDied:
            found = bench.evaluator.accuracies(models, pixels, claims.examples)
    return [accuracy or 0.0 for accuracy in found]


def _model(bench: Bench, claims: Claims, one: Coalition, drafts: ExitStack) -> EvaluatedModel:
    """A model as the evaluation process takes it; what is made for it alone goes with `drafts`."""
    before, after = claims.material.before, claims.after
    if not one.averaged:
        update = claims.updates[one.members[0]]
        weights, base = bench.blobs.path(update.sha256), bench.blobs.path(update.base)
        return _evaluated(bench, before, weights, base)
    if len(one.members) == len(claims.updates):
        return _evaluated(bench, after, bench.blobs.path(after.weights))
    made = _averaged(bench, claims, one, drafts) if one.members else None
    return _evaluated(bench, before, made or bench.blobs.path(before.weights))


def _averaged(bench: Bench, claims: Claims, one: Coalition, drafts: ExitStack) -> Path | None:
    """What the strategy makes of some updates; None where it makes nothing of them.

    The round would then have made no model, and the one before would stand.
    """
    some = tuple(claims.updates[place] for place in one.members)
    facts = facts_of(bench.blobs, claims.number, replace(claims.material, accepted=some))
    try:
        # A rule that refused so few would make everybody, hostile or not, one that it needs.
        choice = of_fewer(claims.material.plan.strategy, len(some))
        outcome = strategy(choice.name)(replace(facts, settings=choice.settings))
    except FederationError as error:
        log.info("A coalition makes no model: %s", error.detail)
        return None
    path = draft(bench.state.drafts)
    drafts.callback(path.unlink, missing_ok=True)
    path.write_bytes(encode_weights(outcome.weights))
    return path


def _evaluated(
    bench: Bench, version: Version, weights: Path, base: Path | None = None
) -> EvaluatedModel:
    frozen = bench.blobs.path(version.frozen.weights) if version.frozen else None
    return EvaluatedModel(version.study, version.plan.model, weights, base=base, frozen=frozen)
