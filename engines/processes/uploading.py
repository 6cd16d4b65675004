"""Brings a data set's pictures to where they belong: to the children and to the master."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from engines.processes.client import Child, Master
from engines.processes.dataset import Call, Dataset, calls
from engines.processes.errors import RunFailed
from engines.processes.federation import Federation
from engines.processes.progress import Say, bar
from federated.views import UploadView
from imaging.folders import Found

Send = Callable[[Call], list[UploadView]]
"""Sends files of one class somewhere."""


class Arrivals:
    """Counts what became of the pictures sent, for a bar and a sentence at the end.

    A context manager: the bar ends with the block.

    Args:
        total: Pictures that will be sent.
    """

    def __init__(self, total: int) -> None:
        self._lock = threading.Lock()
        self._bar = bar(total, "Importing", "pictures")
        self._refusals: list[UploadView] = []
        self._duplicates = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def note(self, views: Iterable[UploadView]) -> None:
        """Counts one answer; called from several threads."""
        with self._lock:
            for view in views:
                self._bar.update()
                self._duplicates += view.status == "duplicate"
                if view.status == "refused":
                    self._refusals.append(view)

    def tell(self, say: Say) -> None:
        """Tells what was not stored."""
        if self._duplicates:
            say(f"{self._duplicates} pictures were there already and count once.")
        if self._refusals:
            first = self._refusals[0]
            say(f"{len(self._refusals)} pictures were refused; {first.name}: {first.detail}")


def import_dataset(
    federation: Federation,
    study: str,
    dataset: Dataset,
    dealt: Mapping[str, Sequence[Found]],
    say: Say,
) -> None:
    """Sends every picture to its place, all places at the same time.

    Args:
        federation: Running servers.
        study: The study, which the children hold already.
        dataset: Whose `test` and `audit` parts go to the master.
        dealt: Training pictures by site.
        say: Tells what was not stored.
    """
    total = sum(map(len, dealt.values())) + len(dataset.test) + len(dataset.audit)
    shipments: list[tuple[Send, Sequence[Found]]] = [
        (_to_child(federation.children[site], study), pictures) for site, pictures in dealt.items()
    ]
    shipments.append((_to_master(federation.master, study, "test"), dataset.test))
    shipments.append((_to_master(federation.master, study, "audit"), dataset.audit))

    with Arrivals(total) as arrivals, ThreadPoolExecutor(len(shipments)) as pool:

        def ship(shipment: tuple[Send, Sequence[Found]]) -> None:
            send, pictures = shipment
            for call in calls(pictures):
                arrivals.note(send(call))

        list(pool.map(ship, shipments))
    arrivals.tell(say)
    for site, child in federation.children.items():
        if dealt[site] and not _holds_any(child, study):
            raise RunFailed(f"None of the pictures for {site} could be stored")


def _to_child(child: Child, study: str) -> Send:
    return lambda call: child.add_pictures(study, call.files, call.label, call.groups)


def _to_master(master: Master, study: str, part: str) -> Send:
    return lambda call: master.add_pictures(study, call.files, call.label, part)


def _holds_any(child: Child, study: str) -> bool:
    held = next(held for held in child.status().studies if held.study.id == study)
    return sum(held.counts.values()) > 0
