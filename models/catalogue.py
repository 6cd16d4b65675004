"""The catalogue of the zoo: names, settings and defaults. Imports without Keras."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from federated.errors import InvalidInput
from federated.plan import ModelChoice, Setting
from federated.study import Study
from models import zoo
from models.architecture import Architecture
from models.own_config import checked_config


@functools.cache
def catalogue() -> Mapping[str, Architecture]:
    """Every architecture by name: one for each file in `models/zoo/`."""
    names = sorted(module.name for module in pkgutil.iter_modules(zoo.__path__))
    return MappingProxyType({name: _entry(name) for name in names})


def check_model(choice: ModelChoice, study: Study) -> dict[str, Setting]:
    """All settings of the chosen architecture, the plan's own or by default.

    Args:
        choice: The plan's model; it may come from a stranger.
        study: The study that the model is for.

    Returns:
        A value for every setting, in the type of its default.

    Raises:
        InvalidInput: There is no such architecture, or settings or pictures are not
            allowed; the error names every one at once.
    """
    architecture = catalogue().get(choice.name)
    if architecture is None:
        raise InvalidInput(
            "There is no such model",
            expected=f"one of {list(catalogue())}",
            received=repr(choice.name),
            code="unknown_model",
        )
    objections = list(objections_to(choice, study))
    if objections:
        raise InvalidInput(
            f"Model '{choice.name}' cannot be built like this: {'; '.join(objections)}",
            code="invalid_model",
        )
    return architecture.filled(choice.settings)


def objections_to(choice: ModelChoice, study: Study) -> Iterator[str]:
    """Every reason, to be seen without Keras, why a known architecture cannot be built so."""
    architecture = catalogue()[choice.name]
    yield from architecture.objections(choice.settings, study)
    if choice.weights == "imagenet" and not architecture.imagenet:
        yield "there are no ImageNet weights for it, only files of your own"
    if choice.config is not None:
        try:
            checked_config(choice.config)
        except InvalidInput as error:
            yield error.problem


def _entry(name: str) -> Architecture:
    entry: Architecture = importlib.import_module(f"{zoo.__name__}.{name}").ARCHITECTURE
    return entry
