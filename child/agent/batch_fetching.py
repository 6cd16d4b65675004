"""Batches of public pictures come here: fetched once, kept in a cache, each fetch on record.

This talks out, and reads no picture: to it a batch is bytes with a hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from child.agent.batch_servers import BatchServers, place_of
from child.agent.transport import Record
from child.batch_cache import BatchCache
from federated.errors import Conflict, StorageFailure
from federated.messages import AssignedBatch
from imaging.batch_index import INDEX, BatchIndex, file_name
from imaging.batch_server import Patience, fetch, read_index
from imaging.errors import NoSuchBatch

PATIENCE = Patience()
"""A batch server that is away for a moment is asked again, before the task is given up."""


class BatchFetcher:
    """Fetches batches and their index.

    Args:
        servers: Which batch servers this site fetches from.
        cache: Where batches are kept.
        record: Where departures are written down; a batch server learns who asks for what.
        patience: How long to wait for a batch server.
    """

    def __init__(
        self,
        servers: BatchServers,
        cache: BatchCache,
        record: Record,
        patience: Patience = PATIENCE,
    ) -> None:
        self._servers = servers
        self._cache = cache
        self._record = record
        self._patience = patience

    def index(self, url: str, sha256: str, sleep: Callable[[float], None]) -> BatchIndex:
        """The index that a task was made from.

        Args:
            url: Where the batches lie.
            sha256: The index's hash as the task says it.
            sleep: Waits between two tries; may raise, to stop.

        Raises:
            NotAllowed: This site does not fetch from there.
            Conflict: Another index lies there now.
            FederationError: The batch server does not give it.
        """
        self._servers.check(url)
        with self._recorded(url, INDEX):
            index, found = read_index(
                url,
                patience=replace(self._patience, sleep=sleep),
                keys=self._servers.names(url),
            )
        if found != sha256:
            raise Conflict(
                "The batch server has another index than when the run began",
                expected=sha256,
                received=found,
                code="index_changed",
            )
        return index

    def fetch(
        self,
        url: str,
        batch: AssignedBatch,
        on_bytes: Callable[[int], None],
        sleep: Callable[[float], None],
    ) -> Path:
        """A batch as a file that stays until the next call.

        Args:
            url: Where the batches lie.
            batch: Which one.
            on_bytes: Hears how many of its bytes are here; may raise, to stop.
            sleep: Waits between two tries; may raise, to stop.

        Raises:
            NotAllowed: This site does not fetch from there.
            TooLarge: The batch is larger than the cache.
            StorageFailure: There is no room on the disk; nothing of the batch stays.
            FederationError: The batch server does not give it.
        """
        self._servers.check(url)
        path = self._cache.path(batch)
        if not self._cache.holds(batch):
            self._cache.make_room(batch)
            patience = replace(self._patience, sleep=sleep)
            try:
                with self._recorded(url, file_name(batch.sha256)):
                    fetch(
                        url,
                        batch.sha256,
                        batch.bytes,
                        path,
                        on_bytes=on_bytes,
                        patience=patience,
                        keys=self._servers.names(url),
                    )
            except StorageFailure:
                self._cache.discard(batch)
                raise
        self._cache.used(batch)
        return path

    def holds(self, batch: AssignedBatch) -> bool:
        """Whether a batch is here already."""
        return self._cache.holds(batch)

    def discard(self, batch: AssignedBatch) -> None:
        """Forgets a batch that makes no sense."""
        self._cache.discard(batch)

    @contextmanager
    def _recorded(self, url: str, name: str) -> Iterator[None]:
        if place_of(url).scheme == "file":
            yield
            return
        number = self._record.leave("GET", f"{url.partition('://')[2]}/{name}", 0, None)
        try:
            yield
        except NoSuchBatch:
            self._record.answered(number, 404)
            raise
        self._record.answered(number, 200)
