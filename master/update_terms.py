"""What the update of a task has to fit, and whether what it says of itself does."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from federated.errors import Conflict, InvalidInput
from federated.plan import Plan
from federated.search import Hyperparameters, trained_with
from federated.signature import Signature
from federated.strategies import controls_of
from federated.wire import UpdateDocument
from federated.wire_checks import largest_update
from master.control_check import ControlTerms
from master.services import Services
from master.store import nodes, tasks, updates, versions
from master.store.tables import RunRow, TaskRow
from models.training.schedule import Span


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an update has to fit.

    Attributes:
        task: The task that it answers.
        base: SHA-256 of the weights that the task named.
        signature: Names, shapes and dtypes.
        announced: Labelled pictures that the node has told of, or that it was assigned.
        is_public: Whether it was assigned them: then it may have others that only judge.
        hyperparameters: What the task was to be trained with, where the plan searches.
        controls: What its control variates have to fit; None where the strategy has none.
    """

    task: str
    base: str
    signature: Signature
    announced: int
    is_public: bool = False
    hyperparameters: Hyperparameters | None = None
    controls: ControlTerms | None = None

    @property
    def extra(self) -> Signature | None:
        """What has to be under `extra/`."""
        return self.controls.signature if self.controls else None

    @property
    def largest(self) -> int:
        """Bytes above which it is refused."""
        return largest_update(self.signature, self.extra)


def terms_of(services: Services, node_id: str, task_id: str) -> Expectation:
    """What the update of a task has to fit.

    Raises:
        NotFound: The node holds no such task.
    """
    with services.database.read() as session:
        return _expectation(session, tasks.of_node(session, task_id, node_id))


def check_document(document: UpdateDocument, expected: Expectation) -> None:
    """Compares what an update says of itself with its task.

    Raises:
        InvalidInput: It says another thing.
    """
    if document.task != expected.task:
        raise InvalidInput(
            "The update is for another task",
            expected=expected.task,
            received=document.task,
            code="wrong_task",
        )
    if document.base != expected.base:
        raise InvalidInput(
            "The update starts from other weights than the task named",
            expected=expected.base,
            received=document.base,
            code="wrong_base",
        )
    if document.num_examples > expected.announced:
        raise InvalidInput(
            "The update claims more pictures than the site has announced",
            expected=f"at most {expected.announced}",
            received=document.num_examples,
            code="bad_num_examples",
        )
    _check_judging(document, expected)
    _check_hyperparameters(document, expected)


def _check_hyperparameters(document: UpdateDocument, expected: Expectation) -> None:
    if expected.hyperparameters is None:
        return
    # A trial is told to the search as what it was to be: any other training would mislead it.
    if differing := expected.hyperparameters.differing(document.hyperparameters):
        raise InvalidInput(
            "The update was trained with other hyperparameters than the task named",
            expected=", ".join(f"{name} {value}" for name, value in differing.items()),
            received=", ".join(
                f"{name} {document.hyperparameters.get(name, 'not told')}" for name in differing
            ),
            code="wrong_hyperparameters",
        )


def _check_judging(document: UpdateDocument, expected: Expectation) -> None:
    """No picture trains and judges as well: together they cannot be more than there are."""
    judged = max(0.0, document.metrics.get("val_examples", 0.0))
    used = document.num_examples + judged
    if not expected.is_public and used > expected.announced:
        raise InvalidInput(
            "The update claims to be trained and measured on more pictures than the site has "
            "announced",
            expected=f"at most {expected.announced}",
            received=f"{document.num_examples} and {judged:.0f}",
            code="bad_num_examples",
        )


def _expectation(session: Session, row: TaskRow) -> Expectation:
    if row.kind == tasks.EVALUATE:
        raise Conflict(
            "This task does not ask for an update",
            expected="an evaluation: PUT /tasks/<id>/evaluation",
            code="wrong_kind",
        )
    base = versions.get(session, row.base_id)
    hyperparameters = tasks.hyperparameters_of(row)
    return Expectation(
        task=row.id,
        base=row.weights,
        signature=base.signature,
        announced=_announced(session, row, base.study.id),
        is_public=updates.is_public(row),
        hyperparameters=hyperparameters,
        controls=_controls(session, row, base, hyperparameters),
    )


def _controls(
    session: Session,
    row: TaskRow,
    base: versions.Version,
    hyperparameters: Hyperparameters | None,
) -> ControlTerms | None:
    plan = Plan.model_validate(session.get_one(RunRow, row.run_id).plan)
    signature = controls_of(plan.strategy, base.signature)
    if signature is None:
        return None
    return ControlTerms(
        signature=signature,
        training=trained_with(plan.training, plan.search, hyperparameters),
        span=Span.of_round(row.base_round + 1, plan.rounds),
        everyones=tasks.control_of(plan, row, base),
    )


def _announced(session: Session, row: TaskRow, study_id: str) -> int:
    """The most pictures that the update of a task may claim."""
    if updates.is_public(row):
        return row.announced
    # Pictures may have been deleted, or have come, while the node trained.
    return max(row.announced, nodes.announced(session, row.node_id, study_id))
