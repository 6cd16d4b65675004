"""FedNova: a site that took more steps does not pull the others towards its own optimum.

References:
    J. Wang, Q. Liu, H. Liang, G. Joshi, H. V. Poor, "Tackling the Objective Inconsistency Problem
    in Heterogeneous Federated Optimization", NeurIPS 2020. https://arxiv.org/abs/2007.07481
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from federated.errors import NotEnoughUpdates
from federated.signature import TensorSpec
from federated.steps import steps_of
from federated.strategies.fedavg import add_scaled, by_examples, scaled_sum, weighted_mean
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of


def fednova(facts: RoundFacts) -> Outcome:
    """W ← W + τ Σ pᵢ (Wᵢ − W) / ‖aᵢ‖, with τ = Σ pᵢ ‖aᵢ‖ and pᵢ the share by examples.

    ‖aᵢ‖ says for how many plain steps the update of site i stands: see `accumulated`. Where
    all sites took as many, this is FedAvg. An update of no step has no direction and is left
    out; of the others the steps are those of the plan, not those that a site claims: see
    `steps_of`. Statistics are averaged by examples, over the same updates.

    Raises:
        NotEnoughUpdates: There is no update of at least one step.
    """
    updates = [update for update in facts.ordered if update.num_steps > 0]
    if not updates:
        raise NotEnoughUpdates(
            "There is nothing to average",
            expected="at least one update of at least one step",
            received=f"{len(facts.contributions)} updates without any",
        )
    shares, lengths = by_examples(updates), [_length(update) for update in updates]
    steps = sum(share * length for share, length in zip(shares, lengths, strict=True))
    scales = [steps * share / length for share, length in zip(shares, lengths, strict=True)]
    weights = {
        spec.name: _stepped(facts, updates, scales, spec)
        if spec.trainable
        else weighted_mean(updates, spec)
        for spec in facts.signature.tensors
    }
    parts = [scale / sum(scales) for scale in scales]
    left_out = dict.fromkeys((update.node for update in facts.ordered), 0.0)
    return Outcome(weights, left_out | shares_of(updates, parts))


def accumulated(steps: int, momentum: float = 0.0, pull: float = 0.0) -> float:
    """‖a‖₁: what so many steps with the same gradient g come to, in steps of plain SGD.

    For plain SGD it is `steps`; with momentum ρ it is [τ − ρ (1 − ρ^τ) / (1 − ρ)] / (1 − ρ), and
    with a proximal pull α it is [1 − (1 − α)^τ] / α, as in the paper; both together follow from
    the same recurrence: u ← ρ u − α D + 1 and D ← D + u, with ‖a‖₁ = D after τ steps.

    Args:
        steps: The number τ of local steps, at least 1.
        momentum: The local optimiser's ρ, 0 up to 1.
        pull: FedProx's μ times the learning rate, 0 to 1.
    """
    recurrence = np.array([[1 - pull, momentum, 1.0], [-pull, momentum, 1.0], [0.0, 0.0, 1.0]])
    return float(np.linalg.matrix_power(recurrence, steps)[0, 2])


def _length(update: Contribution) -> float:
    training = update.training
    if training is None:
        return float(update.num_steps)
    # At least one, whatever the plan says: to be divided by.
    steps = max(1, steps_of(training, update.num_examples, update.num_steps))
    if training.optimizer != "sgd":
        # The paper's forms are those of SGD; of the others every step counts the same.
        return float(steps)
    pull = min(training.learning_rate * training.proximal, 1.0)
    return accumulated(steps, training.momentum, pull)


def _stepped(
    facts: RoundFacts, updates: Sequence[Contribution], scales: Sequence[float], spec: TensorSpec
) -> np.ndarray:
    total = scaled_sum(updates, scales, spec)
    add_scaled(total, facts.previous.get_tensor(spec.name), 1 - sum(scales))
    return total.astype(spec.dtype)
