"""FedAvg against worked numbers, an independent implementation, and its own symmetries."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federated.errors import InvalidInput, NotEnoughUpdates
from federated.signature import signature_of
from federated.strategies import Contribution, Outcome, RoundFacts, strategy
from federated.strategies.fedavg import fedavg
from tests.federated.blobs import Arrays, contribution


def average(*updates: Contribution) -> Outcome:
    names = updates[0].weights.keys()
    first = {name: updates[0].weights.get_tensor(name) for name in names}
    return fedavg(RoundFacts(1, signature_of(first), Arrays(first), updates))


def test_two_sites_with_unequal_examples() -> None:
    outcome = average(
        contribution("a", 1, {"w": np.array([0.0, 8.0], np.float32)}),
        contribution("b", 3, {"w": np.array([4.0, 4.0], np.float32)}),
    )
    # (1 * 0 + 3 * 4) / 4 = 3 and (1 * 8 + 3 * 4) / 4 = 5; unweighted it would be 2 and 6.
    np.testing.assert_array_equal(outcome.weights["w"], np.array([3.0, 5.0], np.float32))
    assert outcome.shares == {"a": 0.25, "b": 0.75}


def test_one_site_alone_gets_its_own_weights_back() -> None:
    weights = {"w": np.array([0.1, -7.3], np.float32), "b": np.array(3.3, np.float32)}
    outcome = average(contribution("only", 17, weights))
    for name, array in weights.items():
        np.testing.assert_array_equal(outcome.weights[name], array)


def test_scalars_and_empty_tensors_keep_their_shapes_and_dtypes() -> None:
    weights = {"scale": np.array(2.5, np.float64), "none": np.zeros((0, 3), np.float32)}
    outcome = average(contribution("a", 2, weights), contribution("b", 5, weights))
    assert outcome.weights["scale"].shape == ()
    assert outcome.weights["scale"].dtype == np.float64
    assert outcome.weights["none"].shape == (0, 3)


@st.composite
def rounds(draw: st.DrawFn) -> list[tuple[str, int, list[float]]]:
    size = draw(st.integers(1, 4))
    number = draw(st.integers(1, 6))
    values = st.floats(-100, 100, width=32)
    return [
        (
            f"site-{index}",
            draw(st.integers(1, 10**6)),
            draw(st.lists(values, min_size=size, max_size=size)),
        )
        for index in range(number)
    ]


@given(rounds(), st.randoms())
def test_any_order_gives_the_same_bytes(updates: list, random) -> None:
    ordered = [contribution(n, e, {"w": np.array(v, np.float32)}) for n, e, v in updates]
    shuffled = ordered.copy()
    random.shuffle(shuffled)
    first, second = average(*ordered), average(*shuffled)
    assert first.weights["w"].tobytes() == second.weights["w"].tobytes()


@given(rounds())
def test_it_agrees_with_exact_arithmetic(updates: list) -> None:
    outcome = average(*[contribution(n, e, {"w": np.array(v, np.float32)}) for n, e, v in updates])
    total = sum(examples for _, examples, _ in updates)
    for column, value in enumerate(outcome.weights["w"]):
        exact = sum(Fraction(v[column]) * examples for _, examples, v in updates) / total
        assert value == pytest.approx(float(exact), rel=1e-6, abs=1e-5)
    assert sum(outcome.shares.values()) == pytest.approx(1)


@given(st.floats(-100, 100, width=32), st.lists(st.integers(1, 1000), min_size=1, max_size=5))
def test_equal_weights_average_to_themselves(value: float, examples: list[int]) -> None:
    weights = {"w": np.array([value], np.float32)}
    outcome = average(*[contribution(f"s{i}", n, weights) for i, n in enumerate(examples)])
    assert outcome.weights["w"][0] == pytest.approx(value, rel=1e-6)


def test_no_update_is_an_error_and_not_zero_weights() -> None:
    signature = signature_of({"w": np.zeros(1, np.float32)})
    with pytest.raises(NotEnoughUpdates, match="nothing to average"):
        fedavg(RoundFacts(1, signature, Arrays({}), ()))


def test_an_unknown_strategy_is_named_in_the_refusal() -> None:
    assert strategy("fedavg") is fedavg
    with pytest.raises(InvalidInput, match="Received fedwrong"):
        strategy("fedwrong")
