"""The next thing to do at a site: one sentence and one page for each state of things."""

from __future__ import annotations

from typing import Any

import pytest

from federated.states import NodeState
from tests.webapp.sample.at_a_site import held, status
from webapp.site_step import site_step

FULL: dict[str, Any] = {"unlabelled": 0}
EMPTY: dict[str, Any] = {"unlabelled": 0, "counts": {}, "round": 0, "run": None}


@pytest.mark.parametrize(
    ("study", "changes", "words", "page"),
    [
        (FULL, {}, "The trained model is here", "classify"),
        ({"unlabelled": 3}, {}, "3 pictures have no label", "pictures"),
        (FULL | {"round": 0}, {}, "Your pictures are ready", "taking_part"),
        (EMPTY, {}, "no labelled picture yet", "pictures"),
        (EMPTY, {"node_state": NodeState.PENDING}, "has not let this site in", "pictures"),
        (FULL, {"node_state": NodeState.SUSPENDED}, "has suspended", "taking_part"),
        (FULL, {"node_state": None}, "has not reached the master", "pictures"),
        ({"unlabelled": 3}, {"activity": "training"}, "is learning from", "taking_part"),
        (None, {}, "has sent no study yet", None),
    ],
)
def test_next_thing_to_do(
    study: dict[str, Any] | None, changes: dict[str, Any], words: str, page: str | None
) -> None:
    studies = [] if study is None else [held(**study)]
    step = site_step(status(studies=studies, **changes))
    assert words in step.sentence
    assert step.page == page


def test_a_plan_that_waits_comes_before_labels() -> None:
    waiting = site_step(status(studies=[held(unlabelled=3)]), undecided=2)
    assert "2 plans" in waiting.sentence
    assert waiting.page == "taking_part"
