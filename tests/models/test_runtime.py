"""TensorFlow is set up once, and later calls cannot quietly ask for something else."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("keras_runtime")


def test_the_threads_are_those_asked_for() -> None:
    import keras
    import tensorflow as tf

    assert tf.config.threading.get_intra_op_parallelism_threads() == 1
    assert tf.config.threading.get_inter_op_parallelism_threads() == 1
    assert keras.config.backend() == "tensorflow"


def test_asking_for_the_same_again_is_fine_and_for_other_threads_is_not() -> None:
    import tensorflow as tf

    from models import runtime

    tf.zeros(1).numpy()
    runtime.configure(threads=1, deterministic=True)
    with pytest.raises(RuntimeError):
        runtime.configure(threads=3, deterministic=True)
