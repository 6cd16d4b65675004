"""TensorFlow is set up once, and later calls cannot quietly ask for something else."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

import pytest

from federated.errors import InvalidInput

pytestmark = pytest.mark.usefixtures("keras_runtime")

on_tensorflow = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow",
    reason="This is about TensorFlow, and Keras runs on another backend.",
)


@on_tensorflow
def test_the_threads_are_those_asked_for() -> None:
    import keras
    import tensorflow as tf

    assert tf.config.threading.get_intra_op_parallelism_threads() == 1
    assert tf.config.threading.get_inter_op_parallelism_threads() == 1
    assert keras.config.backend() == "tensorflow"


@on_tensorflow
def test_asking_for_the_same_again_is_fine_and_for_other_threads_is_not() -> None:
    import tensorflow as tf

    from models import runtime

    tf.zeros(1).numpy()
    runtime.configure(threads=1, deterministic=True)
    with pytest.raises(RuntimeError):
        runtime.configure(threads=3, deterministic=True)


def test_a_backend_that_nothing_can_train_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from models import runtime

    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    with pytest.raises(InvalidInput, match=r"tensorflow.*torch.*abacus"):
        runtime.configure(threads=1, deterministic=True)


def test_jax_keeps_the_options_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from models import runtime

    monkeypatch.setenv("XLA_FLAGS", "--xla_given=1")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    runtime._jax(threads=1, deterministic=True)
    given, *added = os.environ["XLA_FLAGS"].split()
    assert given == "--xla_given=1"
    assert "intra_op_parallelism_threads=1" in added
    assert "--xla_gpu_deterministic_ops=true" in added
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"


def test_what_keras_need_not_import_seems_missing_for_the_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from models import runtime

    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with runtime._not_importing("wave", "json"):
        import json

        with pytest.raises(ImportError):
            import wave
    import wave

    assert (json.loads("1"), wave.__name__) == (1, "wave")


def test_garbage_is_looked_for_again_once_all_is_imported() -> None:
    from models import runtime

    with contextlib.suppress(InvalidInput), runtime._not_collecting():
        assert not gc.isenabled()
        raise InvalidInput("Nothing", expected="something", received="nothing")
    assert gc.isenabled()
