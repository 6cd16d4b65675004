"""First weights from files: those that fit are taken over, all others refused in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from federated.errors import InvalidInput, NotFound
from federated.plan import ModelChoice
from tests.models.studies import a_study

pytestmark = pytest.mark.usefixtures("keras_runtime")

SMALL: dict[str, Any] = {"alpha": 0.1}
REAL = "mobilenet_2_5_224_tf_no_top.h5"


def a_model(folder: Path | None, weights: str | None, classes: int = 3, **changes: Any) -> Any:
    from models.named import build_model

    values: dict[str, Any] = {"name": "mobilenet", "settings": SMALL, "weights": weights}
    choice = ModelChoice.model_validate(values | changes)
    return build_model(a_study(classes, size=32), choice, seed=4, pretrained=folder)


def other_weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    fresh: dict[str, np.ndarray] = a_model(None, None).read()
    return {name: rng.random(array.shape, np.float32) for name, array in fresh.items()}


def of_head(name: str) -> bool:
    return name.startswith(("head_", "output/"))


def test_the_weights_that_keras_ships_are_taken_over(pytestconfig: pytest.Config) -> None:
    folder = pytestconfig.rootpath.parent / "shared" / "data" / "weights"
    if not (folder / REAL).exists():
        pytest.skip("the shared folder of real data is missing")
    model = a_model(folder, REAL, settings={"alpha": 0.25})
    with h5py.File(folder / REAL) as file:
        layer = file["conv_pw_7_bn"]["conv_pw_7_bn"]
        expected = {name.partition(":")[0]: np.asarray(layer[name]) for name in layer}
    taken = {
        key.partition("/")[2]: array
        for key, array in model.read().items()
        if key.startswith("conv_pw_7_bn/")
    }
    assert set(taken) == set(expected) == {"gamma", "beta", "moving_mean", "moving_variance"}
    assert all(np.array_equal(taken[name], expected[name]) for name in expected)


def write_safetensors(path: Path, weights: dict[str, np.ndarray]) -> None:
    save_file(weights, path)


def write_weights_h5(path: Path, weights: dict[str, np.ndarray]) -> None:
    model = a_model(None, None)
    model.assign(weights)
    model.keras_model.save_weights(path)


KINDS = pytest.mark.parametrize(
    ("ending", "write"),
    [(".safetensors", write_safetensors), (".weights.h5", write_weights_h5)],
)


@KINDS
def test_a_whole_models_weights_are_taken_over(
    tmp_path: Path, ending: str, write: Callable[..., None]
) -> None:
    weights = other_weights()
    write(tmp_path / f"lesions{ending}", weights)
    taken = a_model(tmp_path, f"lesions{ending}").read()
    assert all(np.array_equal(taken[name], weights[name]) for name in weights)


def test_the_head_stays_fresh_where_the_classes_are_others(tmp_path: Path) -> None:
    weights = other_weights()
    write_safetensors(tmp_path / "lesions.safetensors", weights)
    taken = a_model(tmp_path, "lesions.safetensors", classes=4).read()
    fresh = a_model(None, None, classes=4).read()
    for name, array in taken.items():
        assert np.array_equal(array, fresh[name] if of_head(name) else weights[name])


def test_weights_of_the_base_alone_are_enough(tmp_path: Path) -> None:
    from models.named import NamedModel

    model = a_model(None, None, trained="features")
    model.assign_frozen({n: a + np.float32(0.5) for n, a in model.read_frozen().items()})
    base: NamedModel = model.features.base
    base.keras_model.save_weights(tmp_path / "base.weights.h5")
    write_safetensors(tmp_path / "base.safetensors", base.read())
    for name in ("base.weights.h5", "base.safetensors"):
        taken = a_model(tmp_path, name, trained="head")
        assert all(np.array_equal(taken.read_frozen()[n], a) for n, a in base.read().items())
        fresh = a_model(None, None, trained="head").read()
        assert all(np.array_equal(taken.read()[n], a) for n, a in fresh.items())


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    weights = other_weights()
    write_safetensors(tmp_path / "other.safetensors", {**weights, "stranger": np.zeros(3)})
    write_weights_h5(tmp_path / "other.weights.h5", weights)
    wider = {"alpha": 0.2}
    for name in ("other.safetensors", "other.weights.h5"):
        with pytest.raises(InvalidInput, match=f"The weights of {name} are not those") as error:
            a_model(tmp_path, name, settings=wider)
        assert error.value.code == "unfit_weights"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.h5", b"no HDF5 at all", "invalid_weights_file"),
        ("a.weights.h5", b"", "invalid_weights_file"),
        ("a.safetensors", b"\xff" * 64, "invalid_weights_file"),
        ("a.pkl", b"\x80\x04N.", "invalid_weights_file"),
    ],
)
def test_files_that_are_no_weights_are_refused(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput) as error:
        a_model(tmp_path, name)
    assert error.value.code == code
    assert name in error.value.detail


def test_a_missing_file_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "there.h5").touch()
    with pytest.raises(NotFound, match=re.escape("['there.h5']")):
        a_model(tmp_path, "missing.h5")
    with pytest.raises(InvalidInput, match="--pretrained"):
        a_model(None, "missing.h5")


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    write_safetensors(tmp_path / "secret.safetensors", other_weights())
    (folder / "lesions.safetensors").symlink_to(tmp_path / "secret.safetensors")
    with pytest.raises(NotFound):
        a_model(folder, "lesions.safetensors")


def external_link(file: h5py.File) -> None:
    file["layers"] = h5py.ExternalLink("secret.h5", "/")


def soft_link(file: h5py.File) -> None:
    file["layers"] = h5py.SoftLink("/elsewhere")


def data_of_another_file(file: h5py.File) -> None:
    file.create_dataset("kernel", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def a_virtual_tensor(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("secret.h5", "kernel", (4,))
    file.create_virtual_dataset("kernel", layout)


def a_shape_without_data(file: h5py.File) -> None:
    file.create_dataset("kernel", (2**20, 2**20), "f4", chunks=(1, 1024))


def words(file: h5py.File) -> None:
    file["kernel"] = ["a", "b"]


def groups_without_end(file: h5py.File) -> None:
    file.create_group("a")["a"] = file["/"]


@pytest.mark.parametrize(
    "harm",
    [
        external_link,
        soft_link,
        data_of_another_file,
        a_virtual_tensor,
        a_shape_without_data,
        words,
        groups_without_end,
    ],
)
@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5"])
def test_a_harmful_h5_file_is_refused_unread(
    tmp_path: Path, harm: Callable[[h5py.File], None], name: str
) -> None:
    with h5py.File(tmp_path / name, "w") as file:
        harm(file)
    with pytest.raises(InvalidInput) as error:
        a_model(tmp_path, name)
    assert error.value.code in ("invalid_weights_file", "too_large")


def test_imagenet_weights_are_those_of_keras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    shared = pytestconfig.rootpath.parent / "shared" / "data" / "weights" / REAL
    if not shared.exists():
        pytest.skip("the shared folder of real data is missing")
    # Keras looks into its own folder before it downloads.
    from keras.src.utils import file_utils

    (tmp_path / "models").mkdir()
    (tmp_path / "models" / REAL).write_bytes(shared.read_bytes())
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    wide = {"alpha": 0.25}
    ours = a_model(None, "imagenet", settings=wide).read()
    same = a_model(shared.parent, REAL, settings=wide).read()
    assert all(np.array_equal(ours[name], array) for name, array in same.items())


def test_imagenet_weights_that_keras_does_not_have_are_refused() -> None:
    with pytest.raises(InvalidInput, match="alpha can be one of") as error:
        a_model(None, "imagenet")
    assert error.value.code == "no_imagenet_weights"
    with pytest.raises(InvalidInput, match="no ImageNet weights for it"):
        a_model(None, "imagenet", name="cnn10", settings={})
