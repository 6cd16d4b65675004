import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save

from federated.errors import InvalidInput, NotEnoughUpdates, ShapeMismatch
from federated.signature import Signature, TensorSpec, signature_of
from federated.wire import METADATA_KEY, UpdateDocument, UpdateReader, encode_update, encode_weights
from federated.wire_checks import check_finite, check_update, check_weights, largest_update
from tests.federated.blobs import Arrays, opened

BASE = "a" * 64
WEIGHTS = {
    "conv1/kernel": np.arange(12, dtype=np.float32).reshape(3, 4) / 7,
    "conv1/bias": np.array([0.5, -2.0], dtype=np.float32),
}
SIGNATURE = signature_of(WEIGHTS)


def document(**changes: object) -> UpdateDocument:
    facts = {"task": "t1", "base": BASE, "num_examples": 3, "num_steps": 2} | changes
    return UpdateDocument.model_validate(facts)


def forged(**changes: object) -> bytes:
    """An update whose metadata says what no honest encoder would write."""
    facts = document().model_dump(mode="json") | changes
    return save(WEIGHTS, metadata={METADATA_KEY: json.dumps(facts)})


def test_equal_weights_give_equal_bytes_whatever_the_order() -> None:
    turned = dict(reversed(WEIGHTS.items()))
    assert encode_weights(WEIGHTS) == encode_weights(turned)


def test_the_hash_of_a_known_blob_never_changes() -> None:
    blob = encode_weights({"w": np.array([1.0, 2.0], dtype=np.float32)})
    header = b'{"__metadata__":{"commonsight":"{\\"format\\":1}"},"w":{"dtype":"F32",'
    assert header in blob
    # Outsiders name blobs by this hash: a change of the format must be a new format number.
    assert hashlib.sha256(blob).hexdigest() == (
        "71a03f5b111fc4b538b44006f938a28fbe19bdf52defd6cd8e37edc2ced5af03"
    )


def test_weights_survive_the_wire(tmp_path: Path) -> None:
    with opened(tmp_path, encode_weights(WEIGHTS)) as blob:
        check_weights(blob, SIGNATURE)
        for name, array in WEIGHTS.items():
            np.testing.assert_array_equal(blob.get_tensor(name), array)


floats = st.floats(-1e3, 1e3, width=32)
arrays = hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=5), elements=floats)


@given(
    arrays, st.sampled_from(["weights", "delta"]), st.sampled_from(["float32", "float16", "int8"])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_updates_survive_every_kind_and_encoding(
    tmp_path: Path, array: np.ndarray, kind: str, encoding: str
) -> None:
    base = {"w": np.full_like(array, 0.25)}
    told = document(kind=kind, encoding=encoding)
    with opened(tmp_path, encode_update({"w": array}, told, base=base)) as blob:
        assert check_update(blob, signature_of(base)) == told
        decoded = UpdateReader(blob, told, Arrays(base)).get_tensor("w")
    sent = array - base["w"] if kind == "delta" else array
    largest = float(np.abs(sent).max(initial=0.0))
    # float16 keeps 11 significant bits; int8 rounds to half of a 127th of the largest value.
    step = {"float32": 1e-6 * largest, "float16": largest / 2048, "int8": largest / 254}[encoding]
    np.testing.assert_allclose(decoded, array, rtol=0, atol=step + 1e-4)


def test_an_extra_tensor_travels_beside_the_weights(tmp_path: Path) -> None:
    extra = {"control/w": np.ones(3, dtype=np.float32)}
    with opened(tmp_path, encode_update(WEIGHTS, document(), extra=extra)) as blob:
        check_update(blob, SIGNATURE, extra=signature_of(extra))
        reader = UpdateReader(blob, document(), Arrays({}))
        assert sorted(reader.keys()) == sorted(WEIGHTS)
        np.testing.assert_array_equal(blob.get_tensor("extra/control/w"), extra["control/w"])


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


@pytest.mark.parametrize("num_examples", [0, -3, 10**12, 2.5, 32.0, "7", True, None])
def test_a_forged_number_of_examples_is_refused(tmp_path: Path, num_examples: object) -> None:
    with opened(tmp_path, forged(num_examples=num_examples)) as blob:
        with pytest.raises(InvalidInput) as caught:
            check_update(blob, SIGNATURE)
        assert caught.value.code == "bad_num_examples"


def test_what_a_document_says_besides_is_passed_over(tmp_path: Path) -> None:
    with opened(tmp_path, forged(surprise={"secret": [1]}, started_at="noon")) as blob:
        read = check_update(blob, SIGNATURE)
    assert "surprise" not in read.model_dump()
    assert "secret" not in read.model_dump_json()


def test_a_missing_field_is_told_without_what_stands_beside_it(tmp_path: Path) -> None:
    for text in ('{"aaa": "hush"}', '["hush"]', '"hush"'):
        blob = save(dict(WEIGHTS), metadata={METADATA_KEY: text})
        with opened(tmp_path, blob) as reader, pytest.raises(InvalidInput) as caught:
            check_update(reader, SIGNATURE)
        assert "hush" not in caught.value.detail
        assert "aaa" not in caught.value.detail


def test_figures_of_clients_of_another_make(tmp_path: Path) -> None:
    metrics = {"F1": 0.5, "Layer1/grad.norm-2": 3, "val_accuracy": 0.25}
    hyperparameters = {
        "optimizer.betas": [0.9, 0.999],
        "schedule/Steps": list(range(32)),
        "dropout": None,
        "nesterov": True,
        "batch_size": 32,
        "note": "ß" * 200,
        "mixed": ["adam", 1, False, 0.5],
        "nothing": [],
    }
    with opened(tmp_path, forged(metrics=metrics, hyperparameters=hyperparameters)) as blob:
        read = check_update(blob, SIGNATURE).model_dump(mode="json")
    assert read["metrics"] == metrics
    assert read["hyperparameters"] == hyperparameters
    assert read["hyperparameters"]["nesterov"] is True
    assert UpdateDocument.model_validate(read).model_dump(mode="json") == read


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"metrics": {"val_accuracy": float("nan")}}, "bad_metrics"),
        ({"base": "not a hash"}, "bad_base"),
        ({"encoding": "pickle"}, "bad_encoding"),
        ({"format": 2}, "bad_format"),
        ({"x" * 70_000: 1}, "bad_metadata"),
        ({"metrics": {"a b": 0.5}}, "bad_metrics"),
        ({"metrics": {".hidden": 0.5}}, "bad_metrics"),
        ({"metrics": {"loss": 10**400}}, "bad_metrics"),
        ({"metrics": {"loss": None}}, "bad_metrics"),
        ({"metrics": {"loss": [0.5]}}, "bad_metrics"),
        ({"metrics": {"loss": float("inf")}}, "bad_metrics"),
        ({"metrics": {f"m{i}": 0.5 for i in range(101)}}, "bad_metrics"),
        ({"hyperparameters": {"x": float("nan")}}, "bad_hyperparameters"),
        ({"hyperparameters": {"x": [0.5, float("nan")]}}, "bad_hyperparameters"),
        ({"hyperparameters": {"x": {"y": 1}}}, "bad_hyperparameters"),
        ({"hyperparameters": {"x": [[1]]}}, "bad_hyperparameters"),
        ({"hyperparameters": {"x": list(range(33))}}, "bad_hyperparameters"),
        ({"hyperparameters": {"x": ["y" * 201]}}, "bad_hyperparameters"),
        ({"hyperparameters": {"a\n": 1}}, "bad_hyperparameters"),
        ({"hyperparameters": {"note": "y" * 201}}, "bad_hyperparameters"),
        ({"metrics": {"z" * 5000: 0.5}}, "bad_metrics"),
        ({"hyperparameters": {f"note{i}": "y" * 200 for i in range(400)}}, "bad_metadata"),
    ],
)
def test_a_document_that_says_something_else_is_refused(
    tmp_path: Path, change: dict[str, object], code: str
) -> None:
    with opened(tmp_path, forged(**change)) as blob:
        with pytest.raises(InvalidInput) as caught:
            check_update(blob, SIGNATURE)
        assert caught.value.code == code
        assert len(caught.value.detail) < 600


@pytest.mark.parametrize("text", ["", "[1", "[]", "[" * 100_000])
def test_metadata_that_is_no_document_is_refused(tmp_path: Path, text: str) -> None:
    data = save(WEIGHTS, metadata={METADATA_KEY: text})
    with opened(tmp_path, data) as blob, pytest.raises(InvalidInput):
        check_update(blob, SIGNATURE)


def test_missing_metadata_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path, save(WEIGHTS)) as blob, pytest.raises(InvalidInput, match="is missing"):
        check_weights(blob, SIGNATURE)


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


def test_nothing_to_write_is_an_error() -> None:
    with pytest.raises(NotEnoughUpdates):
        encode_weights({})


def test_a_delta_needs_its_base() -> None:
    with pytest.raises(InvalidInput, match="delta"):
        encode_update(WEIGHTS, document(kind="delta"))


def test_honest_updates_stay_under_the_limit() -> None:
    extra = {f"control/{name}": array for name, array in WEIGHTS.items()}
    needed = signature_of(extra)
    assert len(encode_update(WEIGHTS, document(), extra=extra)) < largest_update(SIGNATURE, needed)
    big = Signature(tensors=(TensorSpec(name="w", shape=(1000, 1000)),))
    assert largest_update(big) < 2.5 * big.nbytes
    assert largest_update(big, big) == largest_update(big) + big.nbytes + 1024
