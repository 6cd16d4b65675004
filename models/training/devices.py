"""The devices that share a batch out among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from federated.errors import InvalidInput


def sharing_devices(asked: Literal["one", "all"]) -> tuple[str, ...]:
    """Names of TensorFlow's devices that each take a share; none where there is nothing to share.

    All GPUs of this process, or, without any, all logical CPUs: one, unless TensorFlow was told
    otherwise before it started.
    """
    import tensorflow as tf

    if asked == "one":
        return ()
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tuple(device.name for device in found) if len(found) > 1 else ()


def refuse_sharing(asked: Literal["one", "all"], backend: str) -> None:
    """Holds what a plan asks for against a backend that trains on one device.

    Args:
        asked: The plan's word; of a site with one device, that is all of them.
        backend: `jax` or `torch`.

    Raises:
        InvalidInput: A batch is to be shared out, and there are several devices.
    """
    if asked == "all" and (count := _COUNTS[backend]()) > 1:
        raise InvalidInput(
            "Only TensorFlow shares a batch out over several devices",
            expected='devices = "one", or KERAS_BACKEND=tensorflow at this site',
            received=f'devices = "all", {backend} with {count} devices',
            code="cannot_share_out",
        )


def _jax_devices() -> int:
    import jax

    return int(jax.local_device_count())


def _torch_devices() -> int:
    import torch

    return int(torch.cuda.device_count())


_COUNTS: dict[str, Callable[[], int]] = {"jax": _jax_devices, "torch": _torch_devices}
