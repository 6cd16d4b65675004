"""FedNova: a site that took more steps does not pull the others towards its own optimum.

References:
    J. Wang, Q. Liu, H. Liang, G. Joshi, H. V. Poor, "Tackling the Objective Inconsistency Problem
    in Heterogeneous Federated Optimization", NeurIPS 2020. https://arxiv.org/abs/2007.07481
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Annotated

import numpy as np
from pydantic import Field

from federated.errors import NotEnoughUpdates
from federated.signature import TensorSpec
from federated.steps import steps_of, steps_of_epoch
from federated.strategies.fedavg import add_scaled, by_examples, scaled_sum, weighted_mean
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of
from federated.values import Value


class FedNovaSettings(Value):
    """Settings of FedNova.

    Attributes:
        extrapolation: How far a round goes at most, as a multiple of the way to a mean of the
            updates. Beyond 2, what every site has already reached is missed by more than
            before, on the other side: such rounds can swing ever wider.
    """

    extrapolation: Annotated[float, Field(ge=1, le=100)] = 2.0


def fednova(facts: RoundFacts) -> Outcome:
    """W ← W + τ Σ pᵢ (Wᵢ − W) / ‖aᵢ‖, with τ = Σ pᵢ ‖aᵢ‖ and pᵢ the share by examples.

    ‖aᵢ‖ says for how many plain steps the update of site i stands: see `accumulated`. Where
    all sites took as many, this is FedAvg. Where not, Σ τ pᵢ / ‖aᵢ‖ is above 1, and the round
    goes beyond any mean of the updates: in the paper by as much as comes of it, 3 times as far
    where one site of ten has half of the pictures; here by a setting at most, τ being smaller
    then. An update of no step has no direction and is left out; of the others the steps are
    those of the plan, not those that a site claims: see `_least_epochs`. Statistics are averaged
    by examples, over the same updates.

    Raises:
        NotEnoughUpdates: There is no update of at least one step.
    """
    settings = FedNovaSettings.model_validate(dict(facts.settings))
    updates = [update for update in facts.ordered if update.num_steps > 0]
    if not updates:
        raise NotEnoughUpdates(
            "There is nothing to average",
            expected="at least one update of at least one step",
            received=f"{len(facts.contributions)} updates without any",
        )
    scales = _scales(updates, settings.extrapolation)
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


def _scales(updates: Sequence[Contribution], most: float) -> list[float]:
    """τ pᵢ / ‖aᵢ‖ for each update; together no more than `most`."""
    least = _least_epochs(updates)
    lengths = [_length(update, least) for update in updates]
    pairs = list(zip(by_examples(updates), lengths, strict=True))
    steps = sum(share * length for share, length in pairs)
    reach = steps * sum(share / length for share, length in pairs)
    steps *= min(1.0, most / reach)
    return [steps * share / length for share, length in pairs]


def _least_epochs(updates: Sequence[Contribution]) -> float:
    """Epochs that an update which may have stopped early is taken to have trained at least.

    The fewer it claims, the more it counts: half as many as the middle one of the round are
    believed, so that a lie makes an update count twice as much at most.
    """
    claimed = [
        steps_of(training, update.num_examples, update.num_steps)
        / steps_of_epoch(training, update.num_examples)
        for update in updates
        if (training := update.training) is not None
    ]
    return median(claimed) / 2 if claimed else 0.0


def _length(update: Contribution, least_epochs: float) -> float:
    training = update.training
    if training is None:
        return float(update.num_steps)
    least = math.ceil(least_epochs * steps_of_epoch(training, update.num_examples))
    # At least one, whatever the plan says: to be divided by.
    steps = max(1, least, steps_of(training, update.num_examples, update.num_steps))
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
