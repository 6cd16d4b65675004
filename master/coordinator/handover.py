"""Models and tasks on their way to a child. Runs in the child's lane, in the background."""

from __future__ import annotations

from federated.messages import StudyPush, Task
from federated.states import TaskState
from master.children import Answer, Child, Unreachable
from master.house import House
from master.store import deliveries, moves, nodes, rounds, studies, tasks, versions
from master.store.deliveries import Due
from master.store.tables import TaskRow
from master.store.versions import Version

RECEIVED = "received global model"


def send_model(house: House, due: Due) -> None:
    """Sends a child the current model of a study, unless it has it by now."""
    with house.database.read() as session:
        child = house.child(session, due.node)
        wanted = versions.wanted(session, due.study)
        if child is None or wanted is None:
            return
        version = versions.get(session, wanted)
        if deliveries.has(session, due.node, due.study, version.weights):
            return
    push(house, child, version)


def hand_over(house: House, task_id: str) -> None:
    """Hands a task over: first the model, if the child does not hold it, then the task."""
    with house.database.read() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state != TaskState.QUEUED:
            return
        child = house.child(session, row.node_id)
        version = versions.get(session, rounds.get(session, row.run_id, row.round).before_id)
        message = tasks.message(session, row, version, house.settings.lease_seconds)
        held = deliveries.has(session, row.node_id, version.study.id, version.weights)
    if child is None:
        fail(house, task_id, "the site may not be called any more")
        return
    if not held and (problem := push(house, child, version)) is not None:
        fail(house, task_id, problem)
        return
    _post(house, child, version, message)


def push(house: House, child: Child, version: Version) -> str | None:
    """Sends a model and notes how it went; returns what went wrong, as words."""
    status: int | None = None
    try:
        answer = _send(house, child, version)
        status = answer.status
        problem = None if answer.ok else answer.problem
    except Unreachable as error:
        problem = error.problem
    with house.database.write() as session:
        now = house.now()
        facts = (version.study.id, version.weights, version.round)
        words = problem or RECEIVED
        studies.note_receipt(session, child.id, child.name, facts, status, words, now)
        if status is None:
            nodes.failed(session, child.id, now)
    return problem


def drop(house: House, node_id: str, task_id: str) -> None:
    """Tells a child that a task is over; if that does not reach it, the next heartbeat will."""
    with house.database.read() as session:
        child = house.child(session, node_id)
    if child is not None:
        try:
            house.children.delete_task(child, task_id)
        except Unreachable:
            return


def fail(house: House, task_id: str, reason: str) -> None:
    """Ends a task that could not be handed over; the round goes on with the others."""
    with house.database.write() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state == TaskState.QUEUED:
            moves.move_task(session, row, TaskState.FAILED, house.now(), reason)
    house.bell.ring()


def _send(house: House, child: Child, version: Version) -> Answer:
    message = StudyPush(
        study=version.study,
        plan=version.plan,
        signature=version.signature,
        weights=version.weights,
        run=version.run,
        round=version.round,
    )
    answer = house.children.put_study(child, message)
    if not answer.ok or answer.body.get("missing_blob") is not True:
        return answer
    path = house.blobs.path(version.weights)
    house.metrics.model_bytes.inc(path.stat().st_size)
    return house.children.put_weights(child, version.weights, path)


def _post(house: House, child: Child, version: Version, message: Task) -> None:
    try:
        answer = house.children.post_task(child, message)
        if answer.status == 409 and answer.body.get("error") == "missing_blob":
            # The child has lost what it once had; it gets it again.
            push(house, child, version)
            answer = house.children.post_task(child, message)
    except Unreachable as error:
        with house.database.write() as session:
            nodes.failed(session, child.id, house.now())
        fail(house, message.id, error.problem)
        return
    if not answer.ok:
        fail(house, message.id, f"the site did not take the task: {answer.problem}")
        return
    with house.database.write() as session:
        tasks.lease(session, message.id, house.now(), house.settings.lease_seconds)
