import numpy as np
import pytest

from child.update_norm import update_norm
from federated.wire import UpdateDocument, encode_update, encode_weights

BEFORE = {"a": np.array([1.0, 2.0], np.float32), "b": np.array([[3.0]], np.float32)}
AFTER = {"a": np.array([4.0, 2.0], np.float32), "b": np.array([[7.0]], np.float32)}


@pytest.mark.parametrize("kind", ["weights", "delta"])
def test_the_norm_is_that_of_the_difference_of_all_tensors(tmp_path, kind):
    base, update = tmp_path / "base", tmp_path / "update"
    base.write_bytes(encode_weights(BEFORE))
    document = UpdateDocument(task="t", kind=kind, base="0" * 64, num_examples=3, num_steps=1)
    update.write_bytes(encode_update(AFTER, document, base=BEFORE, extra={"x": np.ones(9)}))
    assert update_norm(base, update) == pytest.approx(5.0)
