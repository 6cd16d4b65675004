"""Models and tasks on their way to a child. Runs in the child's queue, in the background."""

from __future__ import annotations

from contextlib import suppress

from federated.messages import Task
from federated.states import TaskState
from master.child_client import Answer, Child, Unreachable
from master.services import Services
from master.store import deliveries, nodes, tasks, transitions, versions
from master.store.deliveries import Due, SentModel
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
        if deliveries.has(session, due.node, due.study, version.key):
            return
    with suppress(Unreachable):
        push(services, child, version)


def hand_over(services: Services, task_id: str) -> None:
    """Hands a task over: first the study's model, if the child does not hold it, then the task.

    A child that cannot be reached keeps its task in the queue, until it is heard of again.
    """
    with services.database.read() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state != TaskState.QUEUED:
            return
        child = services.child(session, row.node_id)
        base = versions.get(session, row.base_id)
        message = tasks.message(session, row, base, services.settings.lease_seconds)
        wanted = versions.wanted(session, base.study.id)
        # What the task starts from is not always what the site's people use: an asynchronous
        # run may have moved on, and one that is only compared with others never leads there.
        current = base if wanted is None or wanted == base.id else versions.get(session, wanted)
        held = deliveries.has(session, row.node_id, base.study.id, current.key)
    if child is None:
        _end(services, task_id, "the site may not be called any more")
        return
    try:
        answer = Answer(200) if held else push(services, child, current)
        if answer.ok:
            answer = _post(services, child, base, current, message)
    except Unreachable as error:
        _lose(services, child, task_id, error.problem)
        return
    if not answer.ok:
        _end(services, task_id, f"the site did not take the task: {answer.problem}")
        return
    with services.database.write() as session:
        tasks.lease(session, task_id, services.now(), services.settings.lease_seconds)
    services.failpoint("task-leased")


def push(services: Services, child: Child, version: Version) -> Answer:
    """Sends a model and notes how it went.

    Raises:
        Unreachable: The child gave no usable answer.
    """
    try:
        answer = _send(services, child, version)
    except Unreachable as error:
        _note(services, child, version, None, error.problem)
        raise
    _note(services, child, version, answer.status, RECEIVED if answer.ok else answer.problem)
    return _usable(answer)


def drop(services: Services, node_id: str, task_id: str) -> None:
    """Tells a child that a task is over; if that does not reach it, the next heartbeat will."""
    with services.database.read() as session:
        child = services.child(session, node_id)
    if child is not None:
        with suppress(Unreachable):
            services.children.delete_task(child, task_id)


def _post(
    services: Services, child: Child, base: Version, current: Version, message: Task
) -> Answer:
    answer = _usable(services.children.post_task(child, message))
    if message.control is not None and _lacks_a_blob(answer):
        # Of a model that is there, these are what is new in each round.
        sent = _usable(_send_blob(services, child, message.control))
        answer = _usable(services.children.post_task(child, message)) if sent.ok else sent
    if not _lacks_a_blob(answer):
        return answer
    # The child has lost what it once had, or never had what this task alone needs.
    is_current = message.kind == "train" and base.key == current.key
    sent = push(services, child, base) if is_current else _send_all(services, child, message)
    return _usable(services.children.post_task(child, message)) if sent.ok else sent


def _lacks_a_blob(answer: Answer) -> bool:
    return answer.status == 409 and answer.body.get("error") == "missing_blob"


def _send_all(services: Services, child: Child, message: Task) -> Answer:
    """Sends what a task names; a child takes it because it has refused the task for want of it."""
    answer = Answer(200)
    for sha256 in message.blobs:
        if answer.ok:
            answer = _usable(_send_blob(services, child, sha256))
    return answer


def _send(services: Services, child: Child, version: Version) -> Answer:
    message = version.push()
    answer = services.children.put_study(child, message)
    if not answer.ok or answer.body.get("missing_blob") is not True:
        return answer
    # A child of an older version does not say which.
    missing = answer.body.get("missing") or [version.weights]
    wanted = missing if isinstance(missing, list) else []
    for sha256 in message.blobs:
        if answer.ok and sha256 in wanted:
            answer = _send_blob(services, child, sha256)
    return answer


def _send_blob(services: Services, child: Child, sha256: str) -> Answer:
    path = services.blobs.path(sha256)
    services.metrics.model_bytes.inc(path.stat().st_size)
    return services.children.put_weights(child, sha256, path)


def _usable(answer: Answer) -> Answer:
    """An answer, unless it says that there is nobody behind it: a proxy's, say.

    Raises:
        Unreachable: The same call may get another answer a little later.
    """
    if answer.status >= 500:
        raise Unreachable(f"The site gives no answer ({answer.problem})")
    return answer


def _note(
    services: Services, child: Child, version: Version, status: int | None, words: str
) -> None:
    with services.database.write() as session:
        now = services.now()
        model = SentModel(version.study.id, version.key, version.round)
        deliveries.note_receipt(session, (child.id, child.name), model, status, words, now)
        if status is None:
            nodes.failed(session, child.id, now)


def _lose(services: Services, child: Child, task_id: str, reason: str) -> None:
    with services.database.write() as session:
        now = services.now()
        nodes.failed(session, child.id, now)
        row = session.get_one(TaskRow, task_id)
        if row.state == TaskState.QUEUED:
            tasks.lose(session, row, reason, now)
    services.wakeup.notify()


def _end(services: Services, task_id: str, reason: str) -> None:
    """Ends a task that its node will not take; the round goes on with the others."""
    with services.database.write() as session:
        row = session.get_one(TaskRow, task_id)
        if row.state == TaskState.QUEUED:
            transitions.move_task(session, row, TaskState.FAILED, services.now(), reason)
    services.wakeup.notify()
