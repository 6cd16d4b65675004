"""Control variates: how they travel, and what a site makes of its own.

The server's c says which way an average step goes, a site's cᵢ which way its own pictures pull.
A site adds c − cᵢ to each of its steps, so that all sites go the same way.

References:
    S. P. Karimireddy, S. Kale, M. Mohri, S. Reddi, S. Stich, A. T. Suresh, "SCAFFOLD: Stochastic
    Controlled Averaging for Federated Learning", ICML 2020. https://arxiv.org/abs/1910.06378
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from federated.signature import Signature, TensorSpec

CONTROL_PREFIX = "control/"
"""What the control variate of a tensor is called after: c, cᵢ, and Δcᵢ on its way."""

SITES = "sites"
"""The number of sites that c is the mean of the cᵢ of, as the server keeps it: a scalar."""


def control_signature(signature: Signature) -> Signature:
    """Names, shapes and dtypes of the control variates of a model: one a trainable tensor."""
    return Signature(
        tensors=tuple(
            spec.model_copy(update={"name": CONTROL_PREFIX + spec.name})
            for spec in signature.tensors
            if spec.trainable
        )
    )


def kept_signature(signature: Signature) -> Signature:
    """What the server keeps of a round and gives to the sites: c, and of how many it is a mean."""
    controls = control_signature(signature).tensors
    return Signature(tensors=(*controls, TensorSpec(name=SITES, shape=())))


def correction(
    everyones: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What a site adds to each of its steps, times the learning rate: c − cᵢ by tensor name.

    Args:
        everyones: The server's c, under `control/`.
        own: The site's cᵢ, under the same names.
    """
    return {
        name.removeprefix(CONTROL_PREFIX): control - own[name]
        for name, control in everyones.items()
    }


def control_change(
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    everyones: Mapping[str, np.ndarray],
    rate_sum: float,
) -> dict[str, np.ndarray]:
    """Δcᵢ = (x − yᵢ) / Ση − c: the paper's option II, Ση being its K·η_l under any schedule.

    (x − yᵢ) / Ση is the mean step, correction included, per unit of learning rate. So the new
    cᵢ = cᵢ + Δcᵢ is the mean of what the site's own optimiser would have stepped by: with plain
    SGD the mean gradient, with another optimiser the mean of its steps.

    Args:
        before: Weights x that the site began from.
        after: Weights yᵢ that it came to.
        everyones: The server's c, under `control/`.
        rate_sum: Sum of the learning rates of the steps in between; 0 where there was none,
            and then nothing changes.

    Returns:
        In the dtypes of c, under its names.
    """
    return {
        name: _change(before, after, name, control, rate_sum).astype(control.dtype)
        for name, control in everyones.items()
    }


def _change(
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    name: str,
    control: np.ndarray,
    rate_sum: float,
) -> np.ndarray:
    if rate_sum == 0:
        return np.zeros_like(control)
    tensor = name.removeprefix(CONTROL_PREFIX)
    distance = before[tensor].astype(np.float64) - after[tensor]
    mean_step: np.ndarray = distance / rate_sum - control
    return mean_step
