from typing import Any

import pytest

from federated.plan import Plan, Privacy, Training, Trigger
from federated.states import NodeState, RunState
from tests.webapp import sample
from webapp.next_step import Step, live_run, next_step, why_not

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
    ],
)
def test_the_next_step_follows_from_the_state(facts: Any, page: str | None, says: str) -> None:
    step = next_step(*facts)
    assert step == Step(step.sentence, page)
    assert says in step.sentence


def test_the_live_run_is_the_newest_that_is_not_over() -> None:
    over, running = sample.run(id="b"), sample.run(id="a", state=RunState.RUNNING)
    assert live_run([over, running]) == running
    assert live_run([over]) is None


PLAN = Plan(privacy=Privacy(min_examples=7), training=Training(validation_fraction=0.25))


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (sample.node("x", 9, 9), None),
        (BARE, "has 0 labelled pictures, of which 0 would train"),
        (sample.node("x", 3, 3), "has 6 labelled pictures, of which 4 would train; the plan asks"),
        (sample.node("x", 4, 5), None),
        (sample.node("x", 9, 9, reachable=False), "cannot be reached"),
        (sample.node("x", 9, 9, state=NodeState.SUSPENDED), "suspended"),
        (sample.node("x", 9, 9, state=NodeState.PENDING), "not yet approved"),
    ],
)
def test_why_a_site_would_be_left_out(node: Any, reason: str | None) -> None:
    found = why_not(node, sample.study(), PLAN)
    assert found is None if reason is None else reason in str(found)
