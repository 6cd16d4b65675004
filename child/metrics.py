"""Figures of a child for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from federated.messages import Heartbeat


class Metrics:
    """The child's own figures.

    Args:
        compose: The heartbeat of this moment, which has all the counts.
    """

    def __init__(self, compose: Callable[[], Heartbeat]) -> None:
        self.registry = CollectorRegistry()
        self._compose = compose
        self._tasks = Counter(
            "commonsight_child_tasks",
            "Tasks through with, by what was delivered",
            ["outcome"],
            registry=self.registry,
        )
        pictures = Gauge(
            "commonsight_child_labelled_pictures", "Labelled pictures", registry=self.registry
        )
        pictures.set_function(self._labelled)

    def ended(self, outcome: str) -> None:
        """A task ended, its update or its failure delivered."""
        self._tasks.labels(outcome).inc()

    def _labelled(self) -> float:
        studies = self._compose().studies.values()
        return float(sum(sum(study.counts.values()) for study in studies))
