from typing import Any

import pytest

from federated.plan import Plan, Trigger
from federated.states import NodeState, RunState
from tests.webapp import sample
from webapp.next_step import Step, live_run, live_runs, next_step

BARE = sample.node("site-1", 0, 0)
FULL = sample.node("site-1", 3, 4)
STANDING = Plan(rounds=2, trigger=Trigger(kind="upload", min_new_pictures=7))


@pytest.mark.parametrize(
    ("facts", "page", "says"),
    [
        ((None, [], []), None, "no study"),
        ((sample.study(current=None), [], []), None, "first model"),
        ((sample.study(current=None, problem="No memory."), [], []), None, "No memory."),
        ((sample.study(), [], []), "sites", "No site has joined"),
        (
            (sample.study(), [sample.node("c", 1, 1, state=NodeState.PENDING)], []),
            "sites",
            "c asks",
        ),
        ((sample.study(), [BARE], []), "pictures", "No site has a labelled picture"),
        ((sample.study(), [BARE, FULL], []), "train", "Start a training"),
        ((sample.study(), [FULL], [sample.training_run()]), "train", "Round 2 of 2"),
        ((sample.study(), [FULL], [sample.run(state=RunState.PAUSED)]), "train", "paused"),
        (
            (sample.study(), [FULL], [sample.run(state=RunState.IDLE, plan=STANDING)]),
            "pictures",
            "waits for 7 new",
        ),
        ((sample.study(), [FULL], [sample.run()]), "results", "See what it learnt"),
        (
            (sample.study(), [FULL], [sample.run(state=RunState.FAILED), sample.run()]),
            "results",
            "The last run failed",
        ),
    ],
)
def test_the_next_step_follows_from_the_state(facts: Any, page: str | None, says: str) -> None:
    step = next_step(*facts)
    assert step == Step(step.sentence, page)
    assert says in step.sentence


def test_the_live_run_is_at_work_and_not_one_that_waits_for_its_turn() -> None:
    over = sample.run(id="c", created_at=3.0)
    waiting = sample.run(id="b", created_at=2.0, state=RunState.PENDING)
    paused = sample.run(id="a", created_at=1.0, state=RunState.PAUSED)
    assert live_runs([over, waiting, paused]) == [paused, waiting]
    assert live_run([over, waiting, paused]) == paused
    assert live_run([over]) is None
