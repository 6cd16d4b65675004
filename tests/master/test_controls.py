"""SCAFFOLD's control variates at the master: who is given what, and what comes back of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from federated.messages import Task
from federated.wire import UpdateDocument, encode_update
from federated.wire_checks import largest_update
from master.garbage_collection import ORPHAN_SECONDS, collect_garbage
from master.store import versions
from tests.master.federation import ChildInTest, Federation, base_of, trained

PLAN: dict[str, Any] = {
    "rounds": 3,
    "privacy": {"min_examples": 5},
    "training": {"epochs": 1},
    "strategy": {"name": "scaffold"},
}
SHAPES = {"control/dense/kernel": (3, 2), "control/dense/bias": (2,)}


def extras(change: float) -> dict[str, np.ndarray]:
    return {name: np.full(shape, change, np.float32) for name, shape in SHAPES.items()}


def controlled(
    child: ChildInTest, shift: float, num_examples: int, extra: dict[str, np.ndarray]
) -> bytes:
    """The update of a child's last task: every weight moved by `shift`."""
    task = child.tasks[-1]
    weights = {name: array + np.float32(shift) for name, array in base_of(child).items()}
    document = UpdateDocument(
        task=task.id, base=task.weights, num_examples=num_examples, num_steps=1
    )
    return encode_update(weights, document, extra=extra)


@pytest.fixture
def pair(federation: Federation) -> list[ChildInTest]:
    """A site that is called and one that asks, in the first round of a run."""
    federation.study()
    pair = [federation.site("clinic-a"), federation.site("clinic-b", pull=True)]
    federation.run(**PLAN)
    federation.poll(pair[1])
    return pair


def close_round(federation: Federation, pair: list[ChildInTest]) -> None:
    called, asks = pair
    for child, shift, change, number in ((called, 1.0, 2.0, 5), (asks, 3.0, -5.0, 11)):
        answer = federation.deliver(child, controlled(child, shift, number, extras(change)))
        assert answer.status_code == 200, answer.get_data(as_text=True)
    federation.poll(asks)


def current(child: ChildInTest) -> Task:
    return child.tasks[-1]


def test_each_round_hands_the_controls_of_the_one_before_to_both_kinds_of_site(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    first = [current(child) for child in pair]
    assert [(task.control, task.counted) for task in first] == [(None, None)] * 2
    before = base_of(pair[0])
    close_round(federation, pair)
    second = [current(child) for child in pair]
    assert [task.round for task in second] == [2, 2]
    assert [task.counted for task in second] == [task.id for task in first]
    (control,) = {task.control for task in second}
    assert control is not None
    tensors = federation.weights(control)
    # Plain means, of the changes and of the ways gone: not weighed by examples.
    for name, shape in SHAPES.items():
        np.testing.assert_array_equal(tensors[name], np.full(shape, (2 - 5) / 2))
    assert tensors["sites"] == 2
    for name, array in base_of(pair[0]).items():
        np.testing.assert_allclose(array, before[name] + (1 + 3) / 2, rtol=1e-6)
    assert all(child.blobs[control] for child in pair)
    close_round(federation, pair)
    third = current(pair[0])
    assert third.counted == second[0].id
    again = federation.weights(str(third.control))
    np.testing.assert_array_equal(again["control/dense/bias"], [-3.0, -3.0])


def test_of_a_model_that_is_there_the_controls_alone_are_sent(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    close_round(federation, pair)
    sent = [call[1] for call in federation.children.calls if call[0] == "clinic-a"]
    # The study's first model; then the version of round 1, and its controls when they lacked.
    assert sent == [
        *("put_study", "put_weights", "post_task"),
        *("put_study", "put_weights", "post_task", "put_weights", "post_task"),
    ]


def test_a_child_that_lost_everything_gets_all_of_it(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    called, asks = pair
    called.away = True
    federation.deliver(called, controlled(called, 1.0, 5, extras(1.0)))
    federation.deliver(asks, controlled(asks, 1.0, 5, extras(1.0)))
    assert len(called.tasks) == 1
    called.blobs.clear()
    called.away = False
    federation.beat(called)
    federation.settle()
    assert current(called).round == 2
    assert set(called.blobs) == set(current(called).blobs)


def test_only_a_node_whose_task_names_them_may_fetch_the_controls(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    close_round(federation, pair)
    _, asks = pair
    path = f"/weights/{current(asks).control}"
    stranger = federation.join("clinic-c", pull=True)
    codes = [
        federation.call("GET", path, token).status_code
        for token in (asks.token, federation.operator, stranger.token, federation.viewer)
    ]
    assert codes == [200, 200, 404, 404]
    federation.give_up(asks)
    assert federation.call("GET", path, asks.token).status_code == 404


def test_what_another_strategy_keeps_is_the_masters_alone(federation: Federation) -> None:
    federation.study()
    child = federation.site("clinic-a")
    run = federation.run(**PLAN | {"strategy": {"name": "fedavgm"}, "rounds": 2})
    federation.deliver(child, trained(child, 1.0, 5))
    assert (current(child).round, current(child).control, current(child).counted) == (2, None, None)
    with federation.services.database.read() as session:
        state = versions.of_round(session, run, 1).strategy_state
    assert federation.call("GET", f"/weights/{state}").status_code == 200
    assert federation.call("GET", f"/weights/{state}", child.token).status_code == 404


def test_an_update_that_did_not_count_is_none_to_go_on_from(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    called, asks = pair
    close_round(federation, pair)
    first = called.tasks[0].id
    federation.give_up(called)
    federation.deliver(asks, controlled(asks, 1.0, 7, extras(1.0)))
    assert (current(called).round, current(called).counted) == (3, first)
    # N stays 2 although one alone has answered: -1.5 + 1 / 2.
    tensors = federation.weights(str(current(called).control))
    np.testing.assert_array_equal(tensors["control/dense/bias"], [-1.0, -1.0])


def test_another_run_begins_without_controls(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    close_round(federation, pair)
    federation.post(f"/runs/{current(pair[0]).run}/stop")
    federation.settle()
    before = current(pair[0])
    federation.run(**PLAN)
    begun = current(pair[0])
    assert begun.weights == before.weights
    assert (begun.control, begun.counted) == (None, None)


def spoilt(change: float) -> dict[str, np.ndarray]:
    wrong = extras(1.0)
    wrong["control/dense/bias"][1] = change
    return wrong


FAULTS: dict[str, tuple[Callable[[], dict[str, np.ndarray]], str]] = {
    "none": (dict, "signature_mismatch"),
    "one missing": (lambda: {"control/dense/bias": np.zeros(2, np.float32)}, "signature_mismatch"),
    "one more": (lambda: extras(1.0) | {"sites": np.ones((), np.float32)}, "signature_mismatch"),
    "another shape": (
        lambda: extras(1.0) | {"control/dense/bias": np.zeros((2, 1), np.float32)},
        "signature_mismatch",
    ),
    "another dtype": (
        lambda: extras(1.0) | {"control/dense/bias": np.zeros(2, np.float16)},
        "signature_mismatch",
    ),
    "NaN": (lambda: spoilt(np.nan), "not_finite"),
    "infinity": (lambda: spoilt(np.inf), "not_finite"),
    "far too large": (lambda: extras(2e4), "bad_control"),
    "too large to be squared": (lambda: extras(3e38), "bad_control"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_extras_that_are_not_the_strategys_end_the_task(
    federation: Federation, pair: list[ChildInTest], fault: str
) -> None:
    make, code = FAULTS[fault]
    answer = federation.deliver(pair[0], controlled(pair[0], 1.0, 5, make()))
    assert (answer.status_code, answer.get_json()["error"]) == (422, code)
    assert federation.states(current(pair[0]).run)["clinic-a"] == "rejected"


def test_extras_that_the_strategy_does_not_want_are_refused(federation: Federation) -> None:
    federation.study()
    child = federation.site("clinic-a")
    federation.run(**PLAN | {"strategy": {"name": "fedavg"}})
    answer = federation.deliver(child, controlled(child, 1.0, 5, extras(1.0)))
    assert (answer.status_code, answer.get_json()["error"]) == (422, "signature_mismatch")


def test_a_body_may_be_as_large_as_the_strategy_needs(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    child = pair[0]
    signature = current(child).signature
    plain = largest_update(signature)
    huge = {"control/dense/bias": np.zeros(plain // 4 + 1, np.float32)}
    answer = federation.deliver(child, controlled(child, 1.0, 5, huge))
    # Longer than any update of another strategy, and read: so its shape is what is said of it.
    assert answer.get_json()["error"] == "signature_mismatch"
    far = {"control/dense/bias": np.zeros(plain, np.float32)}
    answer = federation.deliver(pair[1], controlled(pair[1], 1.0, 5, far))
    assert answer.get_json()["error"] == "too_large"


def test_garbage_collection_leaves_the_controls(
    federation: Federation, pair: list[ChildInTest]
) -> None:
    close_round(federation, pair)
    services = federation.services
    later = federation.clock() + 2 * ORPHAN_SECONDS + 1e9
    collect_garbage(services.database, services.blobs, keep_rounds=0, now=later)
    assert services.blobs.has(str(current(pair[0]).control))
