"""The arms of the search differ in what they say, and all see as many pictures."""

from pathlib import Path

import pytest

from benchmarks.explore import (
    ARMS,
    FOUND,
    SEARCH,
    SMALL,
    SPACE,
    Source,
    _plan,
    preset_training,
)
from federated.search import SearchSpace, in_space

SOURCE = Source("drawn lesions", Path("nowhere"), SMALL, 32)


def test_the_presets_settings_could_be_found() -> None:
    assert in_space(SearchSpace.model_validate(SPACE), preset_training())


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_changes_what_it_says_and_no_work(arm: str) -> None:
    changes = ARMS[arm] | {"training": ARMS[arm].get("training", {})}
    plan, plain = (_plan(SOURCE, 3, 2, one) for one in (changes, {"training": {}}))
    told = {"strategy": plan.strategy, "search": plan.search, "training": plan.training}
    assert plain.model_copy(update=told) == plan
    assert (plan.training.epochs, plan.training.validation_fraction) == (5, 10 / 110)
    assert ("search" in ARMS[arm]) == (plan.search is not None)


def test_what_is_found_is_tried_after_it_was_searched() -> None:
    assert list(ARMS).index(FOUND) > list(ARMS).index(SEARCH)
