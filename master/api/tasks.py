"""Tasks, as their nodes speak of them."""

from __future__ import annotations

import base64
import binascii
import io

from apiflask import APIBlueprint
from flask import request
from pydantic import Field, ValidationError

from federated.errors import InvalidInput
from federated.messages import Failure, JsonUpdate, Progress, UpdateReceipt
from federated.states import TaskState
from federated.values import Message
from master.api.context import NODE, services
from master.store import tasks
from master.update_ingestion import largest_body, receive_update
from serving.auth import AUTH, caller
from serving.errors import validation_sentence
from serving.server import MAX_BODY

blueprint = APIBlueprint("tasks", __name__, url_prefix="/api/v1", tag="Tasks")


JSON_FRAME = 1024
"""Bytes of an update's JSON form beside the update itself."""


class TaskReceipt(Message):
    """The state that a task is in now."""

    state: TaskState = Field(description="Anything but queued, leased or training: it is over")


@blueprint.post("/tasks/<task_id>/progress")
@blueprint.auth_required(AUTH, roles=NODE)
@blueprint.input(Progress, arg_name="message")
@blueprint.output(TaskReceipt)
def report_progress(task_id: str, message: Progress) -> TaskReceipt:
    """How far a training is; renews the task's lease."""
    master = services()
    with master.database.write() as session:
        row = tasks.of_node(session, task_id, caller().id)
        tasks.progress(session, row, message, master.now(), master.settings.lease_seconds)
        return TaskReceipt(state=TaskState(row.state))


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
    '`{"model": "<base64 of the safetensors>"}`. The same bytes get the same answer.',
)
def deliver_update(task_id: str) -> UpdateReceipt:
    """Takes the update of a task from the node that holds it."""
    master, node = services(), caller().id
    request.max_content_length = MAX_BODY
    if request.is_json:
        # Base64 makes three bytes four; the rest is for the braces around it.
        longest = 4 * largest_body(master, node, task_id) // 3 + JSON_FRAME
        request.max_content_length = min(longest, MAX_BODY)
        data = _decoded(_json_update())
        return receive_update(master, node, task_id, io.BytesIO(data), len(data))
    return receive_update(master, node, task_id, request.stream, request.content_length)


def _json_update() -> JsonUpdate:
    try:
        return JsonUpdate.model_validate_json(request.stream.read())
    except ValidationError as error:
        raise InvalidInput(validation_sentence(error).removesuffix(".")) from None


def _decoded(message: JsonUpdate) -> bytes:
    """The bytes of an update that came as text.

    Raises:
        InvalidInput: The text is not base64.
    """
    try:
        return base64.b64decode(message.model, validate=True)
    except binascii.Error:
        raise InvalidInput(
            "The field 'model' cannot be decoded",
            expected="base64 of the safetensors bytes",
            code="not_base64",
        ) from None
