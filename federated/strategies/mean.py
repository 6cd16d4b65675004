"""The plain mean: every update counts the same, whatever it was trained on.

References:
    W ← W − (1/n) Σ (W − Wᵢ), one step of size 1 on what the n sites changed. It is the update of
    "local SGD" with equal sites: S. U. Stich, "Local SGD Converges Fast and Communicates Little",
    ICLR 2019. https://arxiv.org/abs/1805.09767
"""

from __future__ import annotations

from federated.strategies.fedavg import require_updates, scaled_sum
from federated.strategies.round import Outcome, RoundFacts, shares_of


def mean(facts: RoundFacts) -> Outcome:
    """W ← W − (1/n) Σ (W − Wᵢ), which is (1/n) Σ Wᵢ; the number of examples does not count.

    BatchNorm's moving statistics are tensors like any other. One tensor of one update is in
    memory at a time.

    Raises:
        NotEnoughUpdates: There is no update.
    """
    updates = facts.ordered
    require_updates(updates)
    equal = [1 / len(updates)] * len(updates)
    return Outcome(
        weights={
            spec.name: scaled_sum(updates, equal, spec).astype(spec.dtype)
            for spec in facts.signature.tensors
        },
        shares=shares_of(updates, equal),
    )
