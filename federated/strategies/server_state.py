"""What a server optimiser works with: the mean change of a round, and what it keeps of a tensor.

Only trainable tensors go through an optimiser. The others, such as BatchNorm's moving
statistics, are averaged by examples: a variance that was stepped could turn negative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from federated.errors import ShapeMismatch
from federated.signature import TensorSpec
from federated.strategies.fedavg import by_examples, require_updates, scaled_sum, weighted_mean
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of

State = dict[str, np.ndarray]

Optimizer = Callable[[TensorSpec, np.ndarray, State], np.ndarray]
"""Takes a trainable tensor's spec, its mean change (float64) and the new state, which it may
write to; returns the step, float64 of the same shape."""


def optimised(facts: RoundFacts, step_of: Optimizer) -> Outcome:
    """W ← W + step(Δ), with Δ the mean by examples of what the updates changed.

    Args:
        facts: The round.
        step_of: The server's optimiser.

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    updates = facts.ordered
    require_updates(updates)
    weights: dict[str, np.ndarray] = {}
    state: State = {}
    for spec in facts.signature.tensors:
        if spec.trainable:
            before = facts.previous.get_tensor(spec.name)
            step = step_of(spec, mean_change(updates, spec, before), state)
            weights[spec.name] = (before + step).astype(spec.dtype)
        else:
            weights[spec.name] = weighted_mean(updates, spec)
    return Outcome(weights, shares_of(updates, by_examples(updates)), state)


def mean_change(
    updates: Sequence[Contribution], spec: TensorSpec, before: np.ndarray
) -> np.ndarray:
    """Mean by examples of Wᵢ − W for one tensor, float64.

    Args:
        updates: In a fixed order.
        spec: The tensor.
        before: Its values at the start of the round.
    """
    change = scaled_sum(updates, by_examples(updates), spec)
    change -= before
    return change


def kept(facts: RoundFacts, name: str, spec: TensorSpec, start: float = 0.0) -> np.ndarray:
    """What the strategy kept of a tensor under `name`, as float64; at first `start` everywhere.

    Raises:
        ShapeMismatch: It was kept of a tensor of another shape.
    """
    array = facts.state.get(name)
    if array is None:
        return np.full(spec.shape, start, dtype=np.float64)
    if array.shape != spec.shape:
        raise ShapeMismatch(
            f"What the strategy kept as '{name}' does not fit the model",
            expected=f"{list(spec.shape)}",
            received=f"{list(array.shape)}",
        )
    return np.array(array, dtype=np.float64)
