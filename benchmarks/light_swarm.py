"""Many light nodes in one thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.light_node import LightNode
from benchmarks.waiting import wait_until
from engines.processes.client import Master
from federated.errors import FederationError
from federated.messages import Enrolment

END_SECONDS = 30.0
"""Time in which all nodes have closed their connections: far more than it takes."""


class LightSwarm:
    """Light nodes in a thread of their own, with a lifetime.

    Args:
        nodes: The nodes.
    """

    def __init__(self, nodes: list[LightNode]) -> None:
        self._nodes = nodes
        self._ready = 0
        self._errors: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="swarm", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether every node has enrolled and told its counts.

        Raises:
            FederationError: Something has gone wrong at a node.
        """
        self.check()
        return self._ready == len(self._nodes)

    def start(self, entries: Sequence[str | Enrolment]) -> None:
        """Lets every node join with a token of its own, or come back as what it was."""
        self._thread.start()
        for node, entry in zip(self._nodes, entries, strict=True):
            asyncio.run_coroutine_threadsafe(self._live(node, entry), self._loop)

    def check(self) -> None:
        """Raises the first error that a node has met.

        Raises:
            FederationError: There was one.
        """
        if self._errors:
            raise FederationError(f"{len(self._errors)} errors, the first: {self._errors[0]}")

    def stop(self) -> None:
        """Ends all nodes and closes their connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(END_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _live(self, node: LightNode, entry: str | Enrolment) -> None:
        try:
            await node.take_part(entry, self._enrolled)
        except* Exception as group:
            self._errors.append(_first(group))

    def _enrolled(self) -> None:
        self._ready += 1

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _first(group: BaseExceptionGroup[Exception]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error.detail if isinstance(error, FederationError) else repr(error)


@contextmanager
def joined(master: Master, nodes: list[LightNode], patience: float) -> Iterator[LightSwarm]:
    """Nodes that have joined a master, and that it knows with their counts.

    Args:
        master: The master.
        nodes: The nodes.
        patience: Seconds in which they join.

    Raises:
        FederationError: They did not, or a node met an error until the end.
    """
    swarm = LightSwarm(nodes)
    swarm.start([master.join_token(approve=True) for _ in nodes])
    try:
        wait_until(lambda: swarm.ready, "the nodes to join", patience)
        yield swarm
        swarm.check()
    finally:
        swarm.stop()
