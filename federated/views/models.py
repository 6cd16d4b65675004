"""The architectures that a plan may name, as the master shows them."""

from __future__ import annotations

from federated.plan import Setting
from federated.values import Message


class ModelSetting(Message):
    """One free setting of an architecture.

    Attributes:
        default: Value where the plan is silent; its type is the setting's type.
        help: What it does, in one sentence.
        minimum: Least number allowed.
        maximum: Greatest number allowed.
        choices: The values allowed; empty where the range says it.
    """

    name: str
    default: Setting
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Setting, ...] = ()


class ModelView(Message):
    """An architecture.

    Attributes:
        summary: What it is, in one sentence.
        imagenet: Whether Keras has ImageNet weights for it.
    """

    name: str
    summary: str
    settings: tuple[ModelSetting, ...] = ()
    imagenet: bool = False


class ModelsView(Message):
    """Answer of `GET /models`.

    Attributes:
        models: Every architecture, in order of name.
        weights: Files of pretrained weights that a plan may name.
    """

    models: tuple[ModelView, ...] = ()
    weights: tuple[str, ...] = ()
