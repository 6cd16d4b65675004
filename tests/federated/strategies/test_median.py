"""The median and the trimmed mean of each weight, by hand."""

import numpy as np
import pytest

from federated.errors import InvalidInput, NotEnoughUpdates
from federated.plan import StrategyChoice
from federated.signature import signature_of
from federated.strategies import RULES, RoundFacts, settings_of
from federated.strategies.blocks import BLOCK, blocks
from tests.federated.blobs import Arrays, contribution
from tests.federated.strategies.rounds import aggregate, update

SITES = (
    update("a", 1, (1.0, 50.0), 1.0),
    update("b", 900, (2.0, 40.0), 4.0),
    update("c", 3, (4.0, 30.0), 2.0),
    update("d", 5, (8.0, 20.0), 3.0),
    update("e", 7, (16.0, 10.0), 9.0),
)


def test_the_median_of_five_is_the_third_of_each_weight() -> None:
    outcome = aggregate("median", *SITES)
    np.testing.assert_array_equal(outcome.weights["w"], [4.0, 30.0])
    np.testing.assert_array_equal(outcome.weights["v"], [3.0])
    # Both weights are those of c, the statistic that of d.
    assert outcome.shares == pytest.approx({"a": 0, "b": 0, "c": 2 / 3, "d": 1 / 3, "e": 0})


def test_the_median_of_four_is_halfway_between_two() -> None:
    outcome = aggregate("median", *SITES[:4])
    np.testing.assert_array_equal(outcome.weights["w"], [3.0, 35.0])
    np.testing.assert_array_equal(outcome.weights["v"], [2.5])


def test_the_trimmed_mean_leaves_out_both_ends() -> None:
    outcome = aggregate("trimmed_mean", *SITES, beta=0.2)
    np.testing.assert_allclose(outcome.weights["w"], [(2 + 4 + 8) / 3, (20 + 30 + 40) / 3])
    np.testing.assert_allclose(outcome.weights["v"], [(2 + 3 + 4) / 3])
    assert outcome.shares == pytest.approx({"a": 0, "b": 3 / 9, "c": 3 / 9, "d": 3 / 9, "e": 0})


def test_what_is_cut_off_is_rounded_up_but_something_is_left() -> None:
    # 0.3 * 5 = 1.5: two at either end, which leaves the median; a fifth is one of four, or five.
    np.testing.assert_array_equal(
        aggregate("trimmed_mean", *SITES, beta=0.3).weights["w"],
        aggregate("median", *SITES).weights["w"],
    )
    outcome = aggregate("trimmed_mean", *SITES[:4], beta=0.2)
    np.testing.assert_allclose(outcome.weights["w"], [3.0, 35.0])
    np.testing.assert_array_equal(
        aggregate("trimmed_mean", *SITES[:2], beta=0.49).weights["w"], [1.5, 45.0]
    )


def test_no_trimming_is_the_plain_mean() -> None:
    np.testing.assert_allclose(
        aggregate("trimmed_mean", *SITES, beta=0.0).weights["w"],
        aggregate("mean", *SITES).weights["w"],
    )


def test_half_of_all_cannot_be_cut_off_at_either_end() -> None:
    with pytest.raises(InvalidInput, match="setting beta of the strategy trimmed_mean"):
        settings_of(StrategyChoice(name="trimmed_mean", settings={"beta": 0.5}))


@pytest.mark.parametrize("name", ["median", "trimmed_mean", "geometric_median"])
def test_no_update_is_an_error(name: str) -> None:
    with pytest.raises(NotEnoughUpdates, match="nothing to average"):
        aggregate(name)


def test_tensors_longer_than_a_block_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    monkeypatch.setattr("federated.strategies.blocks.BLOCK", 7 * 300)
    arrays = [
        {"w": rng.normal(size=(13, 101)).astype(np.float32), "s": np.float32(place).reshape(())}
        for place in range(7)
    ]
    arrays.append({"w": np.zeros((13, 101), np.float32), "s": np.zeros((), np.float32)})
    updates = tuple(contribution(f"s{n}", n + 1, array) for n, array in enumerate(arrays))
    facts = RoundFacts(1, signature_of(arrays[0]), Arrays(arrays[0]), updates)
    weights = RULES["median"].aggregate(facts).weights
    np.testing.assert_allclose(
        weights["w"], np.median([array["w"] for array in arrays], axis=0), rtol=1e-6
    )
    assert (weights["s"].shape, weights["w"].dtype) == ((), np.float32)
    pieces = [piece for piece, _ in blocks(updates, facts.signature.tensors[0])]
    assert len(pieces) > 3
    assert BLOCK > 7 * 300


def test_an_empty_tensor_stays_empty() -> None:
    arrays = {"w": np.zeros((0, 3), np.float32)}
    updates = tuple(contribution(f"s{n}", n + 1, arrays) for n in range(5))
    facts = RoundFacts(1, signature_of(arrays), Arrays(arrays), updates)
    for name in ("median", "krum", "geometric_median"):
        outcome = RULES[name].aggregate(facts)
        assert outcome.weights["w"].shape == (0, 3)
        assert sum(outcome.shares.values()) == pytest.approx(1)
