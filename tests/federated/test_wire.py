import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save

from federated.errors import InvalidInput, NotEnoughUpdates
from federated.signature import signature_of
from federated.wire import METADATA_KEY, UpdateDocument, UpdateReader, encode_update, encode_weights
from federated.wire_checks import check_update, check_weights
from tests.federated.blobs import SIGNATURE, WEIGHTS, Arrays, document, opened


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
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_nothing_to_write_is_an_error() -> None:
    with pytest.raises(NotEnoughUpdates):
        encode_weights({})


def test_a_delta_needs_its_base() -> None:
    with pytest.raises(InvalidInput, match="delta"):
        encode_update(WEIGHTS, document(kind="delta"))
