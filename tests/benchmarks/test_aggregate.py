"""Every strategy is measured on the same updates, each read as often as it is aggregated."""

from pathlib import Path

import pytest

from benchmarks import aggregate
from federated.strategies import RULES


@pytest.fixture
def updates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(aggregate, "SHAPES", {"kernel": (30, 40), "bias": (7,)})
    monkeypatch.setattr(aggregate, "_available", lambda: 12 * aggregate._nbytes())
    # A quarter of what is free has room for three.
    assert aggregate.write_updates(tmp_path, 20) == 3
    return tmp_path


@pytest.mark.parametrize("name", RULES)
def test_a_strategy_and_the_reading_take_turns(updates: Path, name: str) -> None:
    found = aggregate.measure(updates, 20, name)
    assert len(found["seconds"]) == len(found["read"]) == aggregate.TIMES
    assert found["megabytes"][0] >= 0
