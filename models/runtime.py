"""How TensorFlow runs in this process. Called first in every worker process."""

from __future__ import annotations

import os


def configure(threads: int, deterministic: bool) -> None:
    """Sets up Keras on TensorFlow; call it before anything else of Keras.

    Args:
        threads: Threads within one operation, at least 1. One process per core, each
            with one thread, trains more pictures a second than one process with many.
        deterministic: Whether the same seed, data, machine and number of threads give the
            same bytes.

    Raises:
        RuntimeError: TensorFlow already ran in this process with other threads.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    # A user's keras.json may say otherwise, and would change what our models compute.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    if deterministic:
        tf.config.experimental.enable_op_determinism()
