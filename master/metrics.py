"""Figures for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """The master's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rounds = Counter(
            "commonsight_rounds", "Rounds that ended", ["state"], registry=self.registry
        )
        self.tasks = Counter(
            "commonsight_tasks", "Tasks that ended", ["state"], registry=self.registry
        )
        self.update_bytes = Counter(
            "commonsight_update_bytes", "Bytes of updates received", registry=self.registry
        )
        self.model_bytes = Counter(
            "commonsight_model_bytes", "Bytes of global models sent", registry=self.registry
        )
        self.round_seconds = Histogram(
            "commonsight_round_seconds",
            "Seconds from the opening of a round to its end",
            registry=self.registry,
            buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200),
        )
        self.aggregation_seconds = Histogram(
            "commonsight_aggregation_seconds",
            "Seconds that averaging took",
            registry=self.registry,
        )
