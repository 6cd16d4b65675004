"""A part of a tensor, read from a blob's file, is what safetensors itself reads."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from federated.errors import InvalidInput
from federated.wire import encode_weights
from federated.wire_checks import check_finite
from serving.blob_layout import layout_of
from serving.blobs import StoredTensors

WEIGHTS = {
    "conv/kernel": np.arange(60, dtype=np.float32).reshape(3, 4, 5),
    "conv/bias": np.array([1.5, -2.5], np.float64),
    "none": np.zeros((0, 7), np.float32),
    "scale": np.array(0.5, np.float16),
}


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blobs") / "blob"
    path.write_bytes(encode_weights(WEIGHTS))
    return path


def test_every_tensor_comes_back_with_its_shape_and_dtype(blob: Path) -> None:
    reader = StoredTensors(blob)
    assert sorted(reader.keys()) == sorted(WEIGHTS)
    for name, array in WEIGHTS.items():
        read = reader.get_tensor(name)
        assert (read.shape, read.dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(read, array)


@given(st.integers(0, 60), st.integers(0, 60))
def test_any_range_is_that_of_the_flat_tensor(blob: Path, one: int, other: int) -> None:
    start, stop = sorted((one, other))
    read = StoredTensors(blob).get_range("conv/kernel", start, stop)
    np.testing.assert_array_equal(read, WEIGHTS["conv/kernel"].reshape(-1)[start:stop])


def test_blobs_of_one_model_share_one_table(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    arrays = {"w": np.zeros(3, np.float32)}
    first.write_bytes(save(arrays, metadata={"commonsight": "short"}))
    second.write_bytes(save(arrays, metadata={"commonsight": "somewhat longer"}))
    assert layout_of(first).places is layout_of(second).places
    assert layout_of(first).begin != layout_of(second).begin


def test_what_a_blob_does_not_hold_is_refused_in_words(blob: Path, tmp_path: Path) -> None:
    reader = StoredTensors(blob)
    with pytest.raises(InvalidInput, match="no tensor 'dense/kernel'"):
        reader.get_tensor("dense/kernel")
    # Not the values of the tensor that lies behind it in the file.
    with pytest.raises(InvalidInput, match="does not hold all values of the tensor 'conv/bias'"):
        reader.get_range("conv/bias", 1, 3)
    cut = tmp_path / "cut"
    cut.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(InvalidInput, match="does not hold all values"):
        check_finite(StoredTensors(cut))
    whole = tmp_path / "integers"
    whole.write_bytes(save({"w": np.zeros(2, np.int64)}))
    with pytest.raises(InvalidInput, match="dtype that does not travel"):
        StoredTensors(whole).keys()
