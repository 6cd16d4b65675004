"""What is looked at before a blob from elsewhere is believed."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from federated.errors import InvalidInput, ShapeMismatch
from federated.signature import Signature, TensorSpec, signature_of
from federated.wire import METADATA_KEY, encode_update
from federated.wire_checks import check_finite, check_update, check_weights, largest_update
from tests.federated.blobs import SIGNATURE, WEIGHTS, Arrays, document, opened

NEEDED = Signature(tensors=(TensorSpec(name="control/w", shape=(3,)),))
CONTROL = np.ones(3, np.float32)


@pytest.mark.parametrize(
    ("extra", "needed", "sentence"),
    [
        ({"control/w": CONTROL}, None, "nobody asked for.*Expected none.*'control/w'"),
        ({"control/w": CONTROL, "w": CONTROL}, NEEDED, "nobody asked for.*Expected those 1.*'w'"),
        ({}, NEEDED, "needs tensors under 'extra/' that the blob lacks.*'control/w'"),
        ({"control/w": CONTROL[:2]}, NEEDED, r"float32\[3\].*float32\[2\]"),
        ({"control/w": CONTROL.astype(np.float64)}, NEEDED, r"float32\[3\].*float64\[3\]"),
        (
            {f"w{i}": CONTROL for i in range(90)},
            NEEDED,
            "more tensors.*at most 5.*Received 92",
        ),
    ],
)
def test_extra_tensors_are_exactly_those_that_are_needed(
    tmp_path: Path, extra: dict[str, np.ndarray], needed: Signature | None, sentence: str
) -> None:
    with (
        opened(tmp_path, encode_update(WEIGHTS, document(), extra=extra)) as blob,
        pytest.raises(ShapeMismatch, match=sentence),
    ):
        check_update(blob, SIGNATURE, extra=needed)


def test_the_number_of_tensors_is_looked_at_before_anything_else(tmp_path: Path) -> None:
    many = {f"t{i}": np.zeros(0, np.int64) for i in range(500)}
    with opened(tmp_path, save(many, metadata={METADATA_KEY: "no document"})) as blob:
        for check in (check_update, check_weights):
            with pytest.raises(ShapeMismatch, match="Received 500"):
                check(blob, SIGNATURE)


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("conv1/bias", None, "missing .'conv1/bias'."),
        ("conv2/bias", np.zeros(2, np.float32), "unknown .'conv2/bias'."),
        ("conv1/bias", np.zeros(3, np.float32), r"float32\[2\].*float32\[3\]"),
        ("conv1/bias", np.zeros(2, np.float64), r"float32\[2\].*float64\[2\]"),
        ("conv1/bias", np.zeros(2, np.int64), "does not travel"),
        ("u" * 9000, np.zeros(2, np.int64), "^.{,400}$"),
        ("u" * 9000, np.zeros(2, np.float32), "^.{,400}$"),
    ],
)
def test_tensors_that_do_not_fit_the_signature_are_refused(
    tmp_path: Path, name: str, array: np.ndarray | None, sentence: str
) -> None:
    tensors = {key: value for key, value in (WEIGHTS | {name: array}).items() if value is not None}
    data = save(tensors, metadata={METADATA_KEY: document().model_dump_json()})
    with opened(tmp_path, data) as blob, pytest.raises(ShapeMismatch, match=sentence):
        check_update(blob, SIGNATURE)


def test_int8_without_its_scales_is_refused(tmp_path: Path) -> None:
    told = document(encoding="int8")
    tensors = {name: array.astype(np.int8) for name, array in WEIGHTS.items()}
    data = save(tensors, metadata={METADATA_KEY: told.model_dump_json()})
    with opened(tmp_path, data) as blob, pytest.raises(ShapeMismatch, match="scale tensors"):
        check_update(blob, SIGNATURE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers_are_refused(value: float) -> None:
    spoilt = WEIGHTS["conv1/kernel"].copy()
    spoilt[1, 2] = value
    with pytest.raises(InvalidInput, match="1 of 12 not finite"):
        check_finite(Arrays(WEIGHTS | {"conv1/kernel": spoilt}))


def test_honest_updates_stay_under_the_limit() -> None:
    extra = {f"control/{name}": array for name, array in WEIGHTS.items()}
    needed = signature_of(extra)
    assert len(encode_update(WEIGHTS, document(), extra=extra)) < largest_update(SIGNATURE, needed)
    big = Signature(tensors=(TensorSpec(name="w", shape=(1000, 1000)),))
    assert largest_update(big) < 2.5 * big.nbytes
    assert largest_update(big, big) == largest_update(big) + big.nbytes + 1024
