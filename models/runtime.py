"""How Keras runs in this process. Called first in every worker process."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from federated.errors import InvalidInput


def configure(threads: int, deterministic: bool) -> None:
    """Sets up Keras and its backend; call it before anything else of Keras.

    The backend is that of the environment variable `KERAS_BACKEND`: `tensorflow` where it is
    not set, else `jax` or `torch`.

    Args:
        threads: Threads within one operation, at least 1. One process per core, each
            with one thread, trains more pictures a second than one process with many.
        deterministic: Whether the same seed, data, machine and number of threads give the
            same bytes.

    Raises:
        InvalidInput: `KERAS_BACKEND` names none of these.
        RuntimeError: TensorFlow already ran in this process with other threads.
    """
    # Named even where it is not set: a user's keras.json may say otherwise.
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend not in _BACKENDS:
        raise InvalidInput(
            "Nothing can be trained on this KERAS_BACKEND",
            expected=f"one of {sorted(_BACKENDS)}",
            received=backend,
        )
    with _not_importing("pandas", "sklearn"), _not_collecting():
        _BACKENDS[backend](threads, deterministic)
        import keras

    # These too would change what our models compute.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")


@contextmanager
def _not_importing(*packages: str) -> Iterator[None]:
    """Lets packages that are not there yet seem missing for the moment.

    Keras imports pandas, and scikit-learn with much of SciPy, where it finds them, for inputs that
    we never give it: a third of a worker's start, and 120 MB of its memory.
    """
    absent = [name for name in packages if name not in sys.modules]
    # An import of what stands as None is an ImportError, which is what Keras looks for.
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


@contextmanager
def _not_collecting() -> Iterator[None]:
    """Looks for no garbage meanwhile: there is none, and looking took a fourth of the import."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _tensorflow(threads: int, deterministic: bool) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        # A trainer, a predictor and an evaluator share one GPU: none may take all of its memory.
        tf.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def _jax(threads: int, deterministic: bool) -> None:
    options = [os.environ.get("XLA_FLAGS", "")]
    if threads == 1:
        options.append("--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    if deterministic:
        options.append("--xla_gpu_deterministic_ops=true")
    os.environ["XLA_FLAGS"] = " ".join(options).strip()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def _torch(threads: int, deterministic: bool) -> None:
    import torch

    # On cards, some sums repeat exactly only with this.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
