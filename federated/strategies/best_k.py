"""The mean of the best: only the updates count that did best on the master's audit pictures.

References:
    Selection by loss on the server's own pictures, as in C. Xie, S. Koyejo, I. Gupta, "Zeno:
    Distributed Stochastic Gradient Descent with Suspicion-based Fault-tolerance", ICML 2019,
    there by the gain of a step, here by the accuracy of the model.
    https://arxiv.org/abs/1805.10032
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federated.errors import NotEnoughUpdates
from federated.strategies.fedavg import by_examples, require_updates, scaled_sum
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of
from federated.values import Value


class BestKSettings(Value):
    """Settings of the mean of the best.

    Attributes:
        k: Updates that count, at most.
    """

    k: Annotated[int, Field(ge=1, le=100_000)] = 3


def best_k(facts: RoundFacts) -> Outcome:
    """W ← Σ nᵢ Wᵢ / Σ nᵢ over the k updates with the best scores, nᵢ being their examples.

    Of equal scores that of the first node by name counts. BatchNorm's moving statistics are
    averaged like any tensor: they were part of the models that scored.

    Raises:
        NotEnoughUpdates: There is no update, or one of them has no score.
    """
    updates = facts.ordered
    require_updates(updates)
    settings = BestKSettings.model_validate(dict(facts.settings))
    # The sort is stable, and the updates are in order of name.
    best = sorted(updates, key=lambda update: -_score(update))[: settings.k]
    chosen = sorted(best, key=lambda update: update.node)
    scales = by_examples(chosen)
    return Outcome(
        weights={
            spec.name: scaled_sum(chosen, scales, spec).astype(spec.dtype)
            for spec in facts.signature.tensors
        },
        shares=shares_of(updates, [0.0] * len(updates)) | shares_of(chosen, scales),
    )


def _score(update: Contribution) -> float:
    if update.score is None:
        raise NotEnoughUpdates(
            f"The update of {update.node} has no score",
            expected="an accuracy that was measured on audit pictures for each update",
            received="none",
        )
    return update.score
