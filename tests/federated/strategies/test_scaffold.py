"""SCAFFOLD's server against algorithm 1 of the paper, over two rounds."""

import numpy as np
import pytest

from federated.errors import NotEnoughUpdates, ShapeMismatch
from tests.federated.blobs import Arrays
from tests.federated.strategies.rounds import aggregate, control, update

SITES = (
    update("a", 1, (12.0, 0.0), 2.0, extra=control((1.0, -4.0))),
    update("b", 3, (16.0, 2.0), 6.0, extra=control((3.0, 2.0))),
)


def test_weights_and_controls_move_by_plain_means() -> None:
    outcome = aggregate("scaffold", *SITES, before=(10.0, 0.0), nodes=8, server_lr=0.5)
    # Mean changes (4, 1), not weighed by examples: 10 + 0.5 * 4 and 0 + 0.5 * 1.
    np.testing.assert_allclose(outcome.weights["w"], [12.0, 0.5])
    # 2 of 8 sites: 2/8 * mean((1, -4), (3, 2))
    np.testing.assert_allclose(outcome.state["control/w"], [0.5, -0.25])
    assert outcome.shares == {"a": 0.5, "b": 0.5}
    after = aggregate("scaffold", *SITES, before=(12.0, 0.5), nodes=8, state=outcome.state)
    np.testing.assert_allclose(after.weights["w"], [14.0, 1.0])
    np.testing.assert_allclose(after.state["control/w"], [1.0, -0.5])


def test_the_control_stays_the_mean_of_the_sites_own_while_they_come_and_go() -> None:
    first = aggregate("scaffold", SITES[0], nodes=1).state
    np.testing.assert_allclose(first["control/w"], [1.0, -4.0])
    # Two more come, of which one has trained: c is the mean of (1, -4), (3, 2) and 0.
    second = aggregate("scaffold", SITES[1], nodes=3, state=first).state
    np.testing.assert_allclose(second["control/w"], [4 / 3, -2 / 3])
    # All but one are away, and what they have found out stays: (1 + 1, -4 - 4), (3, 2) and 0.
    third = aggregate("scaffold", SITES[0], nodes=1, state=second).state
    np.testing.assert_allclose(third["control/w"], [5 / 3, -2.0])
    assert third["sites"] == 3


def test_statistics_have_no_control_and_are_averaged_by_examples() -> None:
    outcome = aggregate("scaffold", *SITES, nodes=8)
    assert set(outcome.state) == {"control/w", "sites"}
    np.testing.assert_allclose(outcome.weights["v"], [(1 * 2 + 3 * 6) / 4])


@pytest.mark.parametrize("nodes", [0, 1, 2])
def test_at_least_those_that_took_part_could_have(nodes: int) -> None:
    outcome = aggregate("scaffold", *SITES, nodes=nodes)
    np.testing.assert_allclose(outcome.state["control/w"], [2.0, -1.0])


def test_an_update_without_controls_is_named() -> None:
    for extra in (None, Arrays({"control/v": np.zeros(1)})):
        bare = update("c", 5, (1.0, 1.0), extra=extra)
        with pytest.raises(NotEnoughUpdates, match=r"of c came without.*'control/w'"):
            aggregate("scaffold", *SITES, bare)


def test_a_control_of_another_shape_is_refused() -> None:
    wrong = update("c", 5, (1.0, 1.0), extra=Arrays({"control/w": np.zeros((2, 1))}))
    with pytest.raises(ShapeMismatch, match=r"of c does not fit.*\[2\].*\[2, 1\]"):
        aggregate("scaffold", *SITES, wrong)
