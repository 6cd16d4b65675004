"""Versions: every global model that there ever was, and which one a study is at."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.messages import StudyPush
from federated.plan import Plan, StrategyChoice
from federated.signature import Signature
from federated.states import NodeState, RoundState, TaskState
from federated.strategies import has_controls
from federated.study import Study
from master.store import measured_models
from master.store.tables import (
    NodeRow,
    RoundRow,
    RunRow,
    SignatureRow,
    StudyRow,
    TaskRow,
    VersionRow,
)

_IN_ROUND = (
    select(RoundRow.before_id)
    .join(RunRow, RunRow.id == RoundRow.run_id)
    .where(RunRow.study_id == StudyRow.id, RunRow.publish)
    .where(RoundRow.state.in_([RoundState.OPEN, RoundState.AGGREGATING]))
    .order_by(RoundRow.opened_at)
    .limit(1)
    .correlate(StudyRow)
    .scalar_subquery()
)
"""What the open round of a study starts from, of the run that moves its model on."""

WITH_NODE = (TaskState.QUEUED, TaskState.LEASED, TaskState.TRAINING)
"""States in which a task's node may still need what it starts from."""


Key = tuple[str, str | None]
"""The hashes of a model's weights and of its frozen part, which make it what it is."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The frozen part of a model.

    Attributes:
        weights: SHA-256 of its blob.
        signature: Names, shapes and dtypes.
    """

    weights: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class Version:
    """A global model with all that is needed to use it.

    Attributes:
        id: Number of the version.
        study: The classification problem.
        plan: The plan whose model the weights belong to.
        signature: Names, shapes and dtypes of the weights.
        weights: SHA-256 of the weights.
        run: Run that made them; None for an initial model.
        round: Round that made them; 0 for an initial model.
        strategy_state: SHA-256 of what the strategy wants back in the next round.
        frozen: The part that nothing trains; None where the whole model travels.
    """

    id: int
    study: Study
    plan: Plan
    signature: Signature
    weights: str
    run: str | None
    round: int
    strategy_state: str | None
    frozen: Frozen | None = None

    @property
    def key(self) -> Key:
        """Its hashes: an equal head on another base is another model."""
        return self.weights, self.frozen.weights if self.frozen else None

    def push(self) -> StudyPush:
        """The version as children are told of it."""
        return StudyPush(
            study=self.study,
            plan=self.plan,
            signature=self.signature,
            weights=self.weights,
            frozen=self.frozen.weights if self.frozen else None,
            frozen_signature=self.frozen.signature if self.frozen else None,
            run=self.run,
            round=self.round,
        )


def add(
    session: Session,
    study_id: str,
    plan: Plan,
    signature: Signature,
    weights: str,
    now: float,
    *,
    run: str | None = None,
    round_number: int = 0,
    strategy_state: str | None = None,
    frozen: Frozen | None = None,
) -> VersionRow:
    """A new version."""
    row = VersionRow(
        study_id=study_id,
        run_id=run,
        round=round_number,
        plan=plan.model_dump(mode="json"),
        weights=weights,
        signature=_kept(session, signature),
        strategy_state=strategy_state,
        frozen=frozen.weights if frozen else None,
        frozen_signature=_kept(session, frozen.signature) if frozen else None,
        parameters=signature.count,
        nbytes=signature.nbytes,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _kept(session: Session, signature: Signature) -> str:
    """The name of a signature that the tables hold from now on."""
    name = signature.sha256
    if session.get(SignatureRow, name) is None:
        session.add(SignatureRow(sha256=name, document=signature.model_dump(mode="json")))
        session.flush()
    return name


def get(session: Session, version_id: int) -> Version:
    """A version, whole.

    Raises:
        NotFound: There is none.
    """
    query = (
        select(VersionRow, StudyRow.document, SignatureRow.document)
        .join(StudyRow, StudyRow.id == VersionRow.study_id)
        .join(SignatureRow, SignatureRow.sha256 == VersionRow.signature)
        .where(VersionRow.id == version_id)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There is no such version", received=version_id)
    row, study, signature_document = found
    return Version(
        id=row.id,
        study=Study.model_validate(study),
        plan=Plan.model_validate(row.plan),
        signature=Signature.model_validate(signature_document),
        weights=row.weights,
        run=row.run_id,
        round=row.round,
        strategy_state=row.strategy_state,
        frozen=frozen_of(session, row),
    )


def frozen_of(session: Session, row: VersionRow) -> Frozen | None:
    """The frozen part of a version, if it has one."""
    if row.frozen is None or row.frozen_signature is None:
        return None
    return Frozen(row.frozen, signature(session, row.frozen_signature))


def signature(session: Session, sha256: str) -> Signature:
    """A signature by its name."""
    return Signature.model_validate(session.get_one(SignatureRow, sha256).document)


def wanted(session: Session, study_id: str) -> int | None:
    """The version that every child of a study should hold now.

    That is the one which an open round starts from, else the study's current one. Models of
    runs that only compare are nobody's to use: they come with the tasks that need them.
    """
    query = select(func.coalesce(_IN_ROUND, StudyRow.version_id)).where(StudyRow.id == study_id)
    found: int | None = session.scalar(query)
    return found


def wanted_weights(session: Session) -> dict[str, tuple[int, Key]]:
    """By study what `wanted` says: the version's number and its key."""
    query = select(StudyRow.id, VersionRow.id, VersionRow.weights, VersionRow.frozen).join(
        VersionRow, VersionRow.id == func.coalesce(_IN_ROUND, StudyRow.version_id)
    )
    found = session.execute(query)
    return {study: (number, (weights, frozen)) for study, number, weights, frozen in found}


def of_round(session: Session, run_id: str, number: int) -> Version:
    """The version that a round of a run made; number 0 is the one that round 1 started from.

    Raises:
        NotFound: The run has not made it.
    """
    row = session.get(RoundRow, (run_id, number or 1))
    found = row and (row.after_id if number else row.before_id)
    if not found:
        raise NotFound(
            "This round has made no global model",
            expected="a closed round of this run",
            received=number,
        )
    return get(session, found)


def is_global(session: Session, weights: str) -> bool:
    """Whether a blob is, or was, a global model, or the frozen part of one."""
    named = or_(VersionRow.weights == weights, VersionRow.frozen == weights)
    found = select(VersionRow.id).where(named).limit(1)
    return session.scalar(found) is not None


def may_fetch(session: Session, node_id: str, weights: str) -> bool:
    """Whether a node that takes part has work on these weights, or should hold them anyway."""
    if session.get_one(NodeRow, node_id).state != NodeState.ACTIVE:
        return False
    query = (
        select(TaskRow.id)
        .join(VersionRow, VersionRow.id == TaskRow.base_id)
        .where(TaskRow.node_id == node_id, TaskRow.state.in_(WITH_NODE))
        .where(or_(TaskRow.weights == weights, VersionRow.frozen == weights))
    )
    if session.scalar(query.limit(1)) is not None or _measures(session, node_id, weights):
        return True
    if _is_controlled_by(session, node_id, weights):
        return True
    return any(weights in key for _, key in wanted_weights(session).values())


def _measures(session: Session, node_id: str, weights: str) -> bool:
    """Whether a node is to measure these weights."""
    query = select(TaskRow.run_id).where(
        TaskRow.node_id == node_id, TaskRow.kind == "evaluate", TaskRow.state.in_(WITH_NODE)
    )
    runs = session.scalars(query).all()
    return any(weights in measured_models.hashes(session, run) for run in runs)


def _is_controlled_by(session: Session, node_id: str, state: str) -> bool:
    """Whether a node's task names what a strategy has kept; of most it is the master's alone."""
    query = (
        select(RunRow.plan)
        .join(TaskRow, TaskRow.run_id == RunRow.id)
        .join(VersionRow, (VersionRow.id == TaskRow.base_id) & (VersionRow.run_id == RunRow.id))
        .where(TaskRow.node_id == node_id, TaskRow.kind == "train")
        .where(TaskRow.state.in_(WITH_NODE), VersionRow.strategy_state == state)
    )
    plan = session.scalar(query.limit(1))
    return plan is not None and has_controls(StrategyChoice.model_validate(plan["strategy"]))


def with_weights(session: Session, weights: str, study_id: str | None = None) -> Version:
    """The newest version with these weights, of one study or of any.

    Raises:
        NotFound: There is none.
    """
    query = select(VersionRow.id).where(VersionRow.weights == weights)
    if study_id is not None:
        query = query.where(VersionRow.study_id == study_id)
    found = session.scalar(query.order_by(VersionRow.id.desc()).limit(1))
    if found is None:
        raise NotFound("There is no such global model", received=weights[:64])
    return get(session, found)
