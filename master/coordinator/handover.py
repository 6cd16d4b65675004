"""Models and tasks on their way to a child. Runs in the child's queue, in the background."""

from __future__ import annotations

from federated.messages import StudyPush, Task
from federated.states import TaskState
from master.child_client import Answer, Child, Unreachable
from master.services import Services
from master.store import deliveries, nodes, tasks, transitions, versions
from master.store.deliveries import Due
from master.store.tables import TaskRow
from master.store.versions import Version

RECEIVED = "received global model"


def send_model(services: Services, due: Due) -> None:
    """Sends a child the current model of a study, unless it has it by now."""
    with services.database.read() as session:
        child = services.child(session, due.node)
        wanted = versions.wanted(session, due.study)
        if child is None or wanted is None:
            return
        version = versions.get(session, wanted)
        if deliveries.has(session, due.node, due.study, version.weights):
            return
    push(services, child, version)


def hand_over(services: Services, task_id: str) -> None:
    """Hands a task over: first the model, if the child does not hold it, then the task."""
    with services.database.read() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state != TaskState.QUEUED:
            return
        child = services.child(session, row.node_id)
        version = versions.get(session, row.base_id)
        message = tasks.message(session, row, version, services.settings.lease_seconds)
        held = deliveries.has(session, row.node_id, version.study.id, version.weights)
    if child is None:
        fail(services, task_id, "the site may not be called any more")
        return
    if not held and (problem := push(services, child, version)) is not None:
        fail(services, task_id, problem)
        return
    _post(services, child, version, message)


def push(services: Services, child: Child, version: Version) -> str | None:
    """Sends a model and notes how it went; returns what went wrong, as words."""
    status: int | None = None
    try:
        answer = _send(services, child, version)
        status = answer.status
        problem = None if answer.ok else answer.problem
    except Unreachable as error:
        problem = error.problem
    with services.database.write() as session:
        now = services.now()
        model = (version.study.id, version.weights, version.round)
        words = problem or RECEIVED
        deliveries.note_receipt(session, (child.id, child.name), model, status, words, now)
        if status is None:
            nodes.failed(session, child.id, now)
    return problem


def drop(services: Services, node_id: str, task_id: str) -> None:
    """Tells a child that a task is over; if that does not reach it, the next heartbeat will."""
    with services.database.read() as session:
        child = services.child(session, node_id)
    if child is not None:
        try:
            services.children.delete_task(child, task_id)
        except Unreachable:
            return


def fail(services: Services, task_id: str, reason: str) -> None:
    """Ends a task that could not be handed over; the round goes on with the others."""
    with services.database.write() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state == TaskState.QUEUED:
            transitions.move_task(session, row, TaskState.FAILED, services.now(), reason)
    services.wakeup.notify()


def _send(services: Services, child: Child, version: Version) -> Answer:
    message = StudyPush(
        study=version.study,
        plan=version.plan,
        signature=version.signature,
        weights=version.weights,
        run=version.run,
        round=version.round,
    )
    answer = services.children.put_study(child, message)
    if not answer.ok or answer.body.get("missing_blob") is not True:
        return answer
    path = services.blobs.path(version.weights)
    services.metrics.model_bytes.inc(path.stat().st_size)
    return services.children.put_weights(child, version.weights, path)


def _post(services: Services, child: Child, version: Version, message: Task) -> None:
    try:
        answer = services.children.post_task(child, message)
        if answer.status == 409 and answer.body.get("error") == "missing_blob":
            # The child has lost what it once had; it gets it again.
            push(services, child, version)
            answer = services.children.post_task(child, message)
    except Unreachable as error:
        with services.database.write() as session:
            nodes.failed(session, child.id, services.now())
        fail(services, message.id, error.problem)
        return
    if not answer.ok:
        fail(services, message.id, f"the site did not take the task: {answer.problem}")
        return
    with services.database.write() as session:
        tasks.lease(session, message.id, services.now(), services.settings.lease_seconds)
