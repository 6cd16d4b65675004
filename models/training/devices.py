"""The devices that share a batch out among them."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf


def sharing_devices(asked: Literal["one", "all"]) -> tuple[str, ...]:
    """Names of the devices that each take a share; none where there is nothing to share.

    All GPUs of this process, or, without any, all logical CPUs: one, unless TensorFlow was told
    otherwise before it started.
    """
    if asked == "one":
        return ()
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tuple(device.name for device in found) if len(found) > 1 else ()
