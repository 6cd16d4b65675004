"""Tasks, as their nodes speak of them."""

from __future__ import annotations

import io

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field, ValidationError

from federated.errors import InvalidInput
from federated.messages import Failure, Progress, Task, UpdateReceipt
from federated.states import TaskState
from federated.text_update import JsonUpdate, update_blob
from federated.values import Message
from federated.wire import MAX_DOCUMENT
from master.api.context import NODE, services
from master.api.query import number_in_query
from master.polls import TurnedAway
from master.store import task_queue, tasks
from master.store.task_queue import Waiting
from master.update_ingestion import largest_body, receive_update
from master.update_terms import terms_of
from serving.auth import AUTH, caller
from serving.sentences import validation_sentence
from serving.server import MAX_BODY

blueprint = APIBlueprint("tasks", __name__, url_prefix="/api/v1", tag="Tasks")


JSON_FRAME = MAX_DOCUMENT + 1024
"""Bytes of an update's JSON form beside the update itself: what is told of it."""


LONGEST_WAIT = 60
"""Seconds that a poll may wait; proxies give up on a silent connection soon after."""

CLIENT_GONE = "waitress.client_disconnected"
"""Where the server tells whether the caller has hung up."""

TURNED_AWAY_SECONDS = 5
"""How soon a node may poll again that could not wait."""


class TaskReceipt(Message):
    """The state that a task is in now."""

    state: TaskState = Field(description="Anything but queued, leased or training: it is over")


@blueprint.get("/tasks/next")
@blueprint.auth_required(AUTH, roles=NODE)
@blueprint.output(Task)
@blueprint.doc(
    summary="Wait for a task",
    description=f"Answered as soon as there is a task for the node, and with 204 after `wait` "
    f"seconds (0 to {LONGEST_WAIT}) without one. The task is the node's once it reports "
    "progress (epoch 0: it is being prepared); until then the next call brings the same task. "
    "A node's newest call ends the one before it. `Retry-After`: the call could not wait.",
    responses={204: "There is nothing to do"},
)
def next_task() -> Response:
    """The oldest task of the calling node that it has not taken yet."""
    master, node = services(), caller().id
    wait = min(number_in_query("wait") or 0, LONGEST_WAIT)
    began = master.now()

    def look() -> Waiting | None:
        with master.database.read() as session:
            return task_queue.next_of(session, node, master.settings.lease_seconds)

    answered = master.metrics.polls_answered
    try:
        found = master.polls.wait(node, wait, look, request.environ.get(CLIENT_GONE, _never))
    except TurnedAway:
        answered.labels("turned away").inc()
        return Response(status=204, headers={"Retry-After": str(TURNED_AWAY_SECONDS)})
    if found is None:
        answered.labels("nothing").inc()
        return Response(status=204)
    answered.labels("task").inc()
    master.metrics.poll_seconds.observe(max(0.0, master.now() - max(began, found.since)))
    return Response(found.task.model_dump_json(), content_type="application/json")


def _never() -> bool:
    return False


@blueprint.post("/tasks/<task_id>/progress")
@blueprint.auth_required(AUTH, roles=NODE)
@blueprint.input(Progress, arg_name="message")
@blueprint.output(TaskReceipt)
def report_progress(task_id: str, message: Progress) -> TaskReceipt:
    """How far a training is; renews the task's lease."""
    master = services()
    with master.database.write() as session:
        row = tasks.of_node(session, task_id, caller().id)
        waited = row.state == TaskState.QUEUED
        tasks.progress(session, row, message, master.now(), master.settings.lease_seconds)
        state = TaskState(row.state)
    if waited:
        master.failpoint("task-leased")
    return TaskReceipt(state=state)


@blueprint.post("/tasks/<task_id>/failure")
@blueprint.auth_required(AUTH, roles=NODE)
@blueprint.input(Failure, arg_name="message")
@blueprint.output(TaskReceipt)
def report_failure(task_id: str, message: Failure) -> TaskReceipt:
    """The node will not answer this task; the round goes on with the others."""
    master = services()
    with master.database.write() as session:
        row = tasks.of_node(session, task_id, caller().id)
        tasks.fail(session, row, message, master.now())
        state = TaskState(row.state)
    master.wakeup.notify()
    return TaskReceipt(state=state)


@blueprint.put("/tasks/<task_id>/update")
@blueprint.auth_required(AUTH, roles=NODE)
@blueprint.output(UpdateReceipt)
@blueprint.doc(
    summary="Deliver an update",
    description="Body: safetensors (`application/x-safetensors`), or JSON "
    '`{"model": "<base64 of the safetensors>", "accuracy": 0.83, "parameters": {...}, '
    '"num_examples": 100, "num_steps": 40}`: what the file\'s metadata say need not be told, and '
    "what is told needs no metadata. The same bytes get the same answer.",
)
def deliver_update(task_id: str) -> UpdateReceipt:
    """Takes the update of a task from the node that holds it."""
    master, node = services(), caller().id
    request.max_content_length = MAX_BODY
    if request.is_json:
        # Base64 makes three bytes four; the rest is for the braces around it.
        longest = 4 * largest_body(master, node, task_id) // 3 + JSON_FRAME
        request.max_content_length = min(longest, MAX_BODY)
        message, terms = _json_update(), terms_of(master, node, task_id)
        data = update_blob(message, task_id, terms.base, terms.announced)
        return receive_update(master, node, task_id, io.BytesIO(data), len(data))
    return receive_update(master, node, task_id, request.stream, request.content_length)


def _json_update() -> JsonUpdate:
    try:
        return JsonUpdate.model_validate_json(request.stream.read())
    except ValidationError as error:
        raise InvalidInput(validation_sentence(error).removesuffix(".")) from None
