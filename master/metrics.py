"""Figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Tally = Mapping[str, Mapping[str, int]]
"""For each kind of thing how many are in each state."""


class Metrics:
    """The master's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.update_bytes = Counter(
            "commonsight_update_bytes", "Bytes of updates received", registry=self.registry
        )
        self.model_bytes = Counter(
            "commonsight_model_bytes", "Bytes of global models sent", registry=self.registry
        )
        self.polls_waiting = Gauge(
            "commonsight_polls_waiting", "Nodes that wait for work", registry=self.registry
        )
        self.polls_answered = Counter(
            "commonsight_polls_answered",
            "Polls answered, by what they brought",
            ["outcome"],
            registry=self.registry,
        )
        self.poll_seconds = Histogram(
            "commonsight_poll_seconds",
            "Seconds from when a task and its node's poll were both there to the answer",
            registry=self.registry,
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
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


class StateCollector(Collector):
    """Counts by state, asked of the database when they are read: right after a restart too.

    Args:
        tally: For `nodes`, `runs`, `rounds` and `tasks` how many are in each state.
    """

    def __init__(self, tally: Callable[[], Tally]) -> None:
        self._tally = tally

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge a kind, by state."""
        for kind, counts in self._tally().items():
            gauge = GaugeMetricFamily(f"commonsight_{kind}", f"{kind} by state", labels=["state"])
            for state, number in counts.items():
                gauge.add_metric([state], number)
            yield gauge
