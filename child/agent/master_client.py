"""The master's endpoints for nodes, as calls."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from child.agent.answers import Arrival, MasterAway
from child.agent.transport import Body, Transport
from federated.messages import (
    Enrolment,
    Failure,
    Heartbeat,
    HeartbeatAnswer,
    JoinRequest,
    Progress,
    Task,
    TaskId,
    UpdateReceipt,
)
from federated.values import Message
from federated.wire import CONTENT_TYPE

MAX_SIGNATURES = 32 * 2**20
"""Bytes of an answer that carries signatures: some hundred for each tensor of a model."""
POLL_MARGIN_SECONDS = 15.0
"""How much later than asked the answer to a poll may come."""
BLOB_SECONDS = 30.0
"""Silence after which a transfer counts as broken off."""

Parsed = TypeVar("Parsed", bound=BaseModel)


class TaskReceipt(Message):
    """Answer to a report of progress or failure: the task's state at the master."""

    state: str = "training"


@dataclass(frozen=True, slots=True)
class Node:
    """Who this child is at the master.

    Attributes:
        called: Whether it has enrolled with an address where the master calls it.
    """

    id: str
    token: str
    called: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """Answer to a poll.

    Attributes:
        task: What to do, if there is something.
        unreadable: Name of a task that this child's software does not understand.
        retry_after: Seconds that the master asks to be left alone for.
    """

    task: Task | None = None
    unreadable: str | None = None
    retry_after: float = 0.0


class MasterClient:
    """Calls to the master.

    All raise `MasterAway` where there was no usable answer, and `MasterRefused` where the
    answer is that the call is not accepted.

    Args:
        transport: Carries them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def enrol(self, request: JoinRequest) -> Enrolment:
        """Asks to take part."""
        return _parsed(Enrolment, self._post("/nodes", request, token=None))

    def heartbeat(self, node: Node, heartbeat: Heartbeat) -> HeartbeatAnswer:
        """Tells that this child lives, and what it holds."""
        path = f"/nodes/{node.id}/heartbeat"
        answer = self._transport.call(
            "POST", path, node.token, _json(heartbeat), limit=MAX_SIGNATURES
        )
        return _parsed(HeartbeatAnswer, answer.document)

    def next_task(self, node: Node, wait: int) -> Offer:
        """Asks for work, and waits for it for so many seconds."""
        answer = self._transport.call(
            "GET",
            f"/tasks/next?wait={wait}",
            node.token,
            seconds=wait + POLL_MARGIN_SECONDS,
            limit=MAX_SIGNATURES,
        )
        if answer.status == 204:
            return Offer(retry_after=answer.retry_after)
        try:
            return Offer(task=Task.model_validate(answer.document))
        except ValidationError as error:
            return Offer(unreadable=_name_of(answer.document, error))

    def weights(self, node: Node, sha256: str, start: int) -> Arrival:
        """Weights from byte `start` on, if the master can; the answer is as it came."""
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": f'"{sha256}"'}
        path = f"/weights/{sha256}"
        return self._transport.open("GET", path, node.token, headers=headers, seconds=BLOB_SECONDS)

    def progress(self, node: Node, task: str, progress: Progress) -> str:
        """Tells how far a task is; returns the task's state at the master."""
        answer = self._post(f"/tasks/{task}/progress", progress, node.token)
        return _parsed(TaskReceipt, answer).state

    def failure(self, node: Node, task: str, failure: Failure) -> str:
        """Tells that a task will not be answered; returns the task's state at the master."""
        answer = self._post(f"/tasks/{task}/failure", failure, node.token)
        return _parsed(TaskReceipt, answer).state

    def update(
        self, node: Node, task: str, path: Path, sha256: str, norm: float | None = None
    ) -> UpdateReceipt:
        """Delivers an update; its norm is kept on record."""
        with path.open("rb") as blob:
            body = Body(blob, path.stat().st_size, sha256, CONTENT_TYPE, norm=norm)
            answer = self._transport.call("PUT", f"/tasks/{task}/update", node.token, body)
        return _parsed(UpdateReceipt, answer.document)

    def evaluation(self, node: Node, task: str, data: bytes) -> UpdateReceipt:
        """Delivers what models were measured to be, as JSON; the figures are kept on record."""
        sha256, told = hashlib.sha256(data).hexdigest(), data.decode()
        body = Body(data, len(data), sha256, "application/json", told)
        answer = self._transport.call("PUT", f"/tasks/{task}/evaluation", node.token, body)
        return _parsed(UpdateReceipt, answer.document)

    def _post(self, path: str, message: BaseModel, token: str | None) -> Any:
        return self._transport.call("POST", path, token, _json(message)).document


def _json(message: BaseModel) -> Body:
    data = message.model_dump_json().encode()
    return Body(data, len(data), hashlib.sha256(data).hexdigest(), "application/json")


def _parsed(kind: type[Parsed], document: Any) -> Parsed:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise _senseless(error) from None


def _name_of(document: Any, error: ValidationError) -> str:
    """The name of a task whose rest makes no sense here.

    Raises:
        MasterAway: It has none; so there is nobody to tell.
    """
    try:
        name: str = TypeAdapter(TaskId).validate_python(document["id"])
        return name
    except (ValidationError, TypeError, KeyError, IndexError):
        raise _senseless(error) from None


def _senseless(error: ValidationError) -> MasterAway:
    return MasterAway(
        "The master's answer makes no sense", received=f"{error.error_count()} wrong fields"
    )
