"""First weights from a file of the operator's, or from Keras's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
from safetensors import SafetensorError, safe_open

from federated.errors import InvalidInput, NotFound
from federated.wire_checks import declared_shapes
from models.h5_files import check_h5
from models.layer_variables import named_variables
from models.network import Network
from models.own_file import read_model

IMAGENET = "imagenet"
SPARE = 4
"""A file may hold so many times the model's values: an optimiser's are among them."""


def find_weights(folder: Path, name: str) -> Path:
    """The file `name` of `folder`.

    Raises:
        NotFound: There is no such file, or it leads out of the folder.
    """
    path = folder / name
    if path.resolve().parent != folder.resolve() or not path.is_file():
        raise NotFound(
            f"There is no file of weights named {name}",
            expected=f"a file in the folder of pretrained weights, which has {_listed(folder)}",
            code="unknown_weights",
        )
    return path


def load_weights(network: Network, path: Path) -> None:
    """Takes over the weights of `path`.

    All tensors of the base must be there; the head's are taken where all of them fit, and stay
    fresh otherwise, for another study has other classes.

    Args:
        network: Not yet frozen.
        path: `.h5` as `keras.applications` ships them, without top; `.weights.h5` of Keras;
            `.safetensors` with our tensor names; or a whole `.keras` of ours.

    Raises:
        InvalidInput: The file cannot be read, or is not of this architecture.
    """
    for ending, load in _LOADERS.items():
        if path.name.endswith(ending):
            return load(network, path)
    raise InvalidInput(
        f"The file {path.name} is of no kind that holds weights",
        expected=f"a name that ends in one of {list(_LOADERS)}",
        code="invalid_weights_file",
    )


def load_imagenet(network: Network, make_base: Callable[..., keras.Model]) -> None:
    """Takes over the ImageNet weights that Keras downloads, or has downloaded before.

    Args:
        network: Not yet frozen.
        make_base: Builds the base, given `keras.applications`' own arguments.

    Raises:
        InvalidInput: Keras has no such weights, or cannot be reached.
    """
    try:
        # At this size every network has them; convolutions fit any size.
        given = make_base(weights=IMAGENET, input_shape=(224, 224, 3))
    except Exception as error:
        raise InvalidInput(
            "Keras could not give the ImageNet weights of this model",
            expected="settings that it has weights for, and a network to download them; or a "
            "file in the folder of pretrained weights",
            received=str(error),
            code="no_imagenet_weights",
        ) from error
    ours, theirs = (list(named_variables(base).values()) for base in (network.base, given))
    for variable, value in zip(ours, theirs, strict=True):
        variable.assign(value)


def take_over(
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    read: Callable[[str], Any],
    source: str,
) -> None:
    """Assigns tensors by canonical name: all of the base, and the head if all of it fits.

    Args:
        network: Takes the tensors.
        shapes: The shape of each tensor that is given, by name.
        read: Gives the tensor of a name; asked only for what fits.
        source: Whose tensors they are, for errors.

    Raises:
        InvalidInput: A tensor of the base is missing or of another shape, or one is unknown.
    """
    base, whole = named_variables(network.base), named_variables(network.model)
    unfitting = {name for name, variable in whole.items() if shapes.get(name) != variable.shape}
    wrong = [name for name in base if name in unfitting]
    unknown = sorted(set(shapes) - set(whole))
    if wrong or unknown:
        raise unfit(source, f"missing or of another shape {wrong[:4]}, unknown {unknown[:4]}")
    for name, variable in (base if unfitting else whole).items():
        variable.assign(read(name))


def unfit(source: str, received: str) -> InvalidInput:
    """The error for weights of another model."""
    return InvalidInput(
        f"The weights of {source} are not those of this model",
        expected="the architecture and settings of the plan",
        received=received,
        code="unfit_weights",
    )


def _load_no_top(network: Network, path: Path) -> None:
    base = network.base
    check_h5(path, SPARE * base.count_params())
    _load_by_keras(base, path)


def _load_keras_weights(network: Network, path: Path) -> None:
    check_h5(path, SPARE * network.model.count_params())
    fresh = network.model.get_weights()
    try:
        _load_by_keras(network.model, path)
    except InvalidInput:
        network.model.set_weights(fresh)
        _load_by_keras(network.base, path)


def _load_safetensors(network: Network, path: Path) -> None:
    try:
        with safe_open(path, framework="numpy") as file:
            shapes = {name: shape for name, (shape, _) in declared_shapes(file).items()}
            take_over(network, shapes, file.get_tensor, path.name)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(
            f"The file {path.name} cannot be read",
            expected="a safetensors file",
            received=str(error),
            code="invalid_weights_file",
        ) from error


def _load_whole_model(network: Network, path: Path) -> None:
    _, model = read_model(path)
    given = named_variables(model)
    shapes = {name: tuple(variable.shape) for name, variable in given.items()}
    take_over(network, shapes, lambda name: given[name].value, path.name)


_LOADERS: dict[str, Callable[[Network, Path], None]] = {
    ".weights.h5": _load_keras_weights,
    ".h5": _load_no_top,
    ".safetensors": _load_safetensors,
    ".keras": _load_whole_model,
}


def _load_by_keras(model: keras.Model, path: Path) -> None:
    fixed = [layer for layer in model.layers if isinstance(layer, keras.layers.Normalization)]
    values = [layer.get_weights() for layer in fixed]
    try:
        model.load_weights(path)
    except Exception as error:
        # Keras raises whatever a file that it did not expect led it to.
        raise unfit(path.name, str(error).partition("\n")[0]) from error
    # Pixels are scaled as the zoo says, which a file may say otherwise.
    for layer, own in zip(fixed, values, strict=True):
        layer.set_weights(own)
        layer.finalize_state()


def _listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))[:20]
