"""The swarm itself, small: a real master, real HTTP, and a few nodes."""

import pytest

from benchmarks.swarm import ROUNDS, _figures, _measure


@pytest.mark.e2e
def test_a_small_swarm_goes_through_and_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.swarm.SETTLE_SECONDS", 0.0)
    measured = _measure(5, repetitions=2, idle_seconds=1.0)
    assert [len(waits) for waits in measured.waits] == [5 * ROUNDS] * 2
    assert all(0 < wait < 60 for waits in measured.waits for wait in waits)
    assert len(measured.seconds) == len(measured.master) == len(measured.nodes) == 2
    assert measured.memory[1] >= measured.memory[0] > 10
    assert measured.turned_away == 0
    figures = {figure.name: figure.median for figure in _figures(5, measured)}
    assert figures["p99_seconds_5"] >= figures["p50_seconds_5"] > 0
    assert figures["master_cpu_seconds_5"] > 0
