"""A node that keeps to the protocol of a child that pulls, over real HTTP, without a model.

What it sends is its work's affair: `benchmarks.light_work`. Hundreds of such nodes fit into one
thread, so that what is measured is the master and not them.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from safetensors.numpy import load

from benchmarks.connection import Answer, Connection
from benchmarks.light_work import Work, refused
from federated.errors import FederationError
from federated.messages import (
    Enrolment,
    Heartbeat,
    HeartbeatAnswer,
    JoinRequest,
    Progress,
    StudyCounts,
    Task,
)
from federated.values import Message
from federated.wire import CONTENT_TYPE

WAIT_SECONDS = 25
"""How long the master is asked to hold a poll that has no task."""


@dataclass
class Record:
    """What the nodes have seen.

    Attributes:
        received: When each task first came, in seconds since the epoch.
        polls: Polls that were answered.
        turned_away: Polls that the master answered at once because too many waited.
    """

    received: dict[str, float] = field(default_factory=dict)
    polls: int = 0
    turned_away: int = 0


class LightNode:
    """One node with a lifetime; its connections are its own, as a child's are.

    Args:
        master: Address of the master.
        name: The node's name.
        study: The id of the study that it holds pictures of.
        work: What it trains on and sends.
        seed: Of the moment of its first heartbeat.
        record: Where it notes what it sees.
    """

    def __init__(
        self, master: str, name: str, study: str, work: Work, seed: int, record: Record
    ) -> None:
        self.name = name
        # As a child has them: one connection for heartbeats, one for everything else.
        self._beating, self._working = Connection(master), Connection(master)
        self._headers: dict[str, str] = {}
        self._study = study
        self._work = work
        self._rng = np.random.default_rng(seed)
        self._record = record
        self._id = ""
        self._interval = 5.0
        self._held: str | None = None
        self._task: str | None = None
        self._tensors: dict[str, np.ndarray] = {}

    async def take_part(self, entry: str | Enrolment, enrolled: Callable[[], None]) -> None:
        """Enrols, tells its counts, and works until it is cancelled.

        Args:
            entry: A join token; or its enrolment, if it has been there before.
            enrolled: Called once the master knows what it holds.

        Raises:
            FederationError: A call was refused, or did not go through.
        """
        try:
            enrolment = await self._enrolled(entry) if isinstance(entry, str) else entry
            self._headers = {"Authorization": f"Bearer {enrolment.token}"}
            self._id = enrolment.node_id
            await self._beat(self._beating)
            enrolled()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._beats())
                both.create_task(self._works())
        finally:
            self._beating.close()
            self._working.close()

    async def _enrolled(self, join_token: str) -> Enrolment:
        request = JoinRequest(join_token=join_token, name=self.name)
        return Enrolment.model_validate_json(await self._post(self._beating, "/nodes", request))

    async def _beats(self) -> None:
        # Nodes that joined together would otherwise call together for ever.
        await asyncio.sleep(self._interval * self._rng.random())
        while True:
            await self._beat(self._beating)
            await asyncio.sleep(self._interval)

    async def _beat(self, connection: Connection) -> None:
        """Says what it holds, and fetches the model that it is told to hold."""
        held = StudyCounts(counts=dict(self._work.counts), weights=self._held)
        message = Heartbeat(
            studies={self._study: held},
            activity="training" if self._task else "idle",
            tasks=(self._task,) if self._task else (),
        )
        answer = HeartbeatAnswer.model_validate_json(
            await self._post(connection, f"/nodes/{self._id}/heartbeat", message)
        )
        self._interval = answer.interval_seconds
        for model in answer.models:
            await self._fetch(connection, model.weights)

    async def _works(self) -> None:
        while True:
            path = f"/tasks/next?wait={WAIT_SECONDS}"
            answer = await self._call(self._working, "GET", path)
            received = time.time()
            self._record.polls += 1
            if answer.status == 200:
                task = Task.model_validate_json(answer.body)
                self._record.received.setdefault(task.id, received)
                await self._do(task)
            elif "retry-after" in answer.headers:
                self._record.turned_away += 1
                await asyncio.sleep(float(answer.headers["retry-after"]))

    async def _do(self, task: Task) -> None:
        """Takes a task, claims to train, and delivers, in the order in which a child does."""
        self._task = task.id
        path = f"/tasks/{task.id}"
        await self._post(self._working, f"{path}/progress", Progress(epochs=1))
        start = await self._fetch(self._working, task.weights)
        await self._post(self._working, f"{path}/progress", Progress(epoch=1, epochs=1))
        await self._beat(self._working)
        body = await self._work.update(task, start)
        answer = await self._ask(self._working, "PUT", f"{path}/update", body, CONTENT_TYPE)
        self._work.answered(task, answer)
        self._task = None

    async def _fetch(self, connection: Connection, sha256: str) -> dict[str, np.ndarray]:
        """The tensors of a blob, which are from then on those that it holds."""
        if sha256 == self._held:
            return self._tensors
        body = (await self._call(connection, "GET", f"/weights/{sha256}")).body
        if hashlib.sha256(body).hexdigest() != sha256:
            raise FederationError(f"{self.name} was sent other weights than it asked for")
        self._tensors, self._held = load(body), sha256
        return self._tensors

    async def _post(self, connection: Connection, path: str, message: Message) -> bytes:
        data = message.model_dump_json().encode()
        return (await self._call(connection, "POST", path, data)).body

    async def _call(
        self, connection: Connection, method: str, path: str, body: bytes = b""
    ) -> Answer:
        """One call with JSON.

        Raises:
            FederationError: It did not go through, or was refused.
        """
        answer = await self._ask(connection, method, path, body, "application/json")
        if answer.status >= 400:
            raise refused(f"{self.name}: {method} {path}", answer)
        return answer

    async def _ask(
        self, connection: Connection, method: str, path: str, body: bytes, content_type: str
    ) -> Answer:
        headers = self._headers | ({"Content-Type": content_type} if body else {})
        return await connection.call(method, f"/api/v1{path}", headers, body)
