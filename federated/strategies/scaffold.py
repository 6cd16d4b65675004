"""SCAFFOLD: control variates tell each site how its pictures pull away from the others'.

This is the server's part. A site's part is to add c − cᵢ to each step, and to return Δcᵢ:
`federated.control`. With an optimiser other than plain SGD the control variates are means of its
steps, which it may scale as it likes, and no longer means of gradients.

References:
    S. P. Karimireddy, S. Kale, M. Mohri, S. Reddi, S. Stich, A. T. Suresh, "SCAFFOLD: Stochastic
    Controlled Averaging for Federated Learning", ICML 2020, algorithm 1.
    https://arxiv.org/abs/1910.06378
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from federated.control import CONTROL_PREFIX, SITES
from federated.errors import NotEnoughUpdates, ShapeMismatch
from federated.signature import Signature, TensorSpec
from federated.strategies.fedavg import add_scaled, require_updates, scaled_sum, weighted_mean
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of
from federated.strategies.server_state import kept
from federated.values import Value


class ScaffoldSettings(Value):
    """Settings of SCAFFOLD.

    Attributes:
        server_lr: Step size of the server (the paper's η_g).
    """

    server_lr: Annotated[float, Field(gt=0, le=10)] = 1.0


def scaffold(facts: RoundFacts) -> Outcome:
    """W ← W + η (1/|S|) Σ (Wᵢ − W); c ← c + (|S|/N) (1/|S|) Σ Δcᵢ; c is at first 0.

    As in the paper every site counts the same, whatever its examples. N is `facts.nodes`, the
    number of sites that could have taken part, or |S| where that is not known. It never falls
    in a run, for the cᵢ of a site that is away goes on counting, and where it grows, c is the
    mean over more, the new ones' being 0. Statistics have no control variate and are averaged
    by examples.

    State: `control/<tensor>` for each trainable tensor, in its dtype, and `sites`, which is N:
    it travels to the sites. Each update carries its Δcᵢ as `extra`, under the same names.

    Raises:
        NotEnoughUpdates: There is no update, or one came without its control variates.
        ShapeMismatch: A control variate does not fit its tensor.
    """
    updates = facts.ordered
    require_updates(updates)
    settings = ScaffoldSettings.model_validate(dict(facts.settings))
    for update in updates:
        _require_controls(update, facts.signature)
    size, known = len(updates), int(facts.state.get(SITES, 0))
    sites = max(facts.nodes, size, known)
    steps = [settings.server_lr / size] * size
    weights: dict[str, np.ndarray] = {}
    state: dict[str, np.ndarray] = {SITES: np.array(sites, np.float32)}
    for spec in facts.signature.tensors:
        if spec.trainable:
            total = scaled_sum(updates, steps, spec)
            add_scaled(total, facts.previous.get_tensor(spec.name), 1 - settings.server_lr)
            weights[spec.name] = total.astype(spec.dtype)
            name = CONTROL_PREFIX + spec.name
            state[name] = (_sum(facts, updates, spec, known) / sites).astype(spec.dtype)
        else:
            weights[spec.name] = weighted_mean(updates, spec)
    return Outcome(weights, shares_of(updates, [1 / size] * size), state)


def _sum(
    facts: RoundFacts, updates: Sequence[Contribution], spec: TensorSpec, known: int
) -> np.ndarray:
    """The sum of all cᵢ of one tensor, float64: of those known before, and what has changed."""
    name = CONTROL_PREFIX + spec.name
    total = known * kept(facts, name, spec)
    for update in updates:
        change = update.extra.get_tensor(name) if update.extra else np.zeros(0)
        if change.shape != spec.shape:
            raise ShapeMismatch(
                f"The control variate '{name}' of {update.node} does not fit the model",
                expected=f"{list(spec.shape)}",
                received=f"{list(change.shape)}",
            )
        add_scaled(total, change, 1)
    return total


def _require_controls(update: Contribution, signature: Signature) -> None:
    names = set(update.extra.keys()) if update.extra is not None else set()
    needed = {CONTROL_PREFIX + spec.name for spec in signature.tensors if spec.trainable}
    if missing := sorted(needed - names):
        raise NotEnoughUpdates(
            f"The update of {update.node} came without its control variates",
            expected=f"{len(needed)} tensors under 'extra/{CONTROL_PREFIX}'",
            received=f"none for {len(missing)} of them, the first '{missing[0]}'",
        )
