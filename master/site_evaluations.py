"""Evaluations by sites are received: checked, and taken, refused, or noted as late."""

from __future__ import annotations

import hashlib

from pydantic import ValidationError
from sqlalchemy.orm import Session

from federated.errors import Conflict, InvalidInput
from federated.messages import UpdateReceipt
from federated.site_evaluation import SiteEvaluation, check_site_evaluation
from federated.states import TaskState
from master.services import Services
from master.store import cross_sites, measured_models, nodes, tasks, transitions, versions
from master.store.tables import TaskRow
from serving.sentences import validation_sentence


class RefusedEvaluation(InvalidInput):
    """The content of an evaluation is wrong; its task is over."""

    code = "refused_evaluation"


def receive_evaluation(
    services: Services, node_id: str, task_id: str, data: bytes
) -> UpdateReceipt:
    """Takes what a site measured; the same bytes get the same answer.

    Args:
        services: The parts of the master.
        node_id: The node that calls.
        task_id: The task that it names.
        data: The JSON, as it came.

    Raises:
        NotFound: The node holds no such task.
        Conflict: Other bytes came before, or the task asks for something else.
        RefusedEvaluation: The content is wrong; the task is over.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    fault: RefusedEvaluation | None = None
    with services.database.write() as session:
        row = tasks.of_node(session, task_id, node_id)
        _check_kind(row)
        if (known := _answered(session, row, sha256)) is not None:
            return known
        try:
            evaluation = _checked(session, row, data)
        except InvalidInput as error:
            fault = RefusedEvaluation(
                error.problem, expected=error.expected, received=error.received, code=error.code
            )
            if row.state in tasks.OPEN:
                cross_sites.refuse(session, row, fault.detail, services.now())
        else:
            _settle(session, row, sha256, len(data), evaluation, services.now())
        receipt = UpdateReceipt(state=row.state, sha256=sha256)
    services.failpoint("evaluation-taken")
    services.wakeup.notify()
    if fault is not None:
        raise fault
    return receipt


def _check_kind(row: TaskRow) -> None:
    if row.kind != tasks.EVALUATE:
        raise Conflict(
            "This task does not ask for an evaluation",
            expected="an update: PUT /tasks/<id>/update",
            code="wrong_kind",
        )


def _answered(session: Session, row: TaskRow, sha256: str) -> UpdateReceipt | None:
    """The answer that a task got before, if it did.

    Raises:
        Conflict: It was another one.
    """
    known = cross_sites.answer_of(session, row.id)
    if known is None:
        return None
    if known.sha256 != sha256:
        raise Conflict(
            "Another evaluation was delivered for this task",
            expected=known.sha256,
            received=sha256,
            code="other_evaluation",
        )
    return UpdateReceipt(state=row.state, sha256=sha256)


def _checked(session: Session, row: TaskRow, data: bytes) -> SiteEvaluation:
    try:
        evaluation = SiteEvaluation.model_validate_json(data)
    except ValidationError as error:
        raise InvalidInput(
            validation_sentence(error).removesuffix("."), code="bad_evaluation"
        ) from None
    study = versions.get(session, row.base_id).study
    models = measured_models.hashes(session, row.run_id)
    # Pictures may have been deleted, or have come, while the site measured.
    most = max(row.announced, nodes.announced(session, row.node_id, study.id))
    check_site_evaluation(evaluation, row.id, models, len(study.classes), most)
    return evaluation


def _settle(
    session: Session,
    row: TaskRow,
    sha256: str,
    nbytes: int,
    evaluation: SiteEvaluation,
    now: float,
) -> None:
    if row.state in tasks.OPEN:
        cross_sites.accept(session, row, sha256, nbytes, evaluation, now)
    elif row.state == TaskState.EXPIRED:
        reason = f"the evaluation came after the task had ended ({row.reason})"
        transitions.move_task(session, row, TaskState.LATE, now, reason)
