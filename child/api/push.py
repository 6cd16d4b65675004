"""What the master calls: studies, weights and tasks. Nothing here leads to a picture."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import request

from child.api.context import services
from child.api.images import MAX_UPLOAD
from federated.errors import InvalidInput
from federated.messages import StudyPush, StudyReceipt, Task
from serving.auth import AUTH

blueprint = APIBlueprint("push", __name__, tag="Push")


@blueprint.put("/studies/<study>")
@blueprint.auth_required(AUTH, roles=["master"])
@blueprint.input(StudyPush, arg_name="push")
@blueprint.output(StudyReceipt)
def put_study(study: str, push: StudyPush) -> StudyReceipt:
    """A study with its model, and the weights that are to be held for it."""
    if study != push.study.id:
        raise InvalidInput(
            "The address names another study than the message",
            expected=push.study.id,
            received=study,
        )
    missing = services().models.push(push)
    return StudyReceipt(missing_blob=bool(missing), missing=missing)


@blueprint.put("/weights/<sha256>")
@blueprint.auth_required(AUTH, roles=["master"])
def put_weights(sha256: str) -> dict[str, Any]:
    """The weights that a study asked for."""
    request.max_content_length = MAX_UPLOAD
    services().models.receive(sha256, request.stream)
    return {"sha256": sha256}


@blueprint.post("/tasks")
@blueprint.auth_required(AUTH, roles=["master"])
@blueprint.input(Task, arg_name="task")
def post_task(task: Task) -> tuple[dict[str, Any], int]:
    """A task; it is queued, and its end is told to the master."""
    services().tasks.accept(task)
    return {"id": task.id}, 202


@blueprint.delete("/tasks/<task>")
@blueprint.auth_required(AUTH, roles=["master"])
def delete_task(task: str) -> tuple[str, int]:
    """Ends a task."""
    services().tasks.drop(task)
    return "", 204
