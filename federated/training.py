"""How a child trains in one round: loss, optimiser, schedule, augmentation, precision, limits."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from federated.values import Value

Share = Annotated[float, Field(ge=0, le=1)]

Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]


class Schedule(Value):
    """How the learning rate moves from the first step to the last.

    Attributes:
        kind: `constant`; `cosine` and `linear` fall to `final`; `exponential` falls to it by
            the same factor each step.
        over: What is the whole: the `run` (each round goes on where the last one ended) or
            each `round` anew.
        warmup: Share of the whole in which the rate first rises from 0, linearly.
        final: Learning rate at the end, as a share of the plan's.

    References:
        I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
        ICLR 2017 (cosine). https://arxiv.org/abs/1608.03983
    """

    kind: Literal["constant", "cosine", "linear", "exponential"] = "constant"
    over: Literal["run", "round"] = "run"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    final: Share = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "exponential" and self.final == 0:
            raise ValueError("an exponential schedule never reaches 0: final must be above it")
        return self


class Augmentation(Value):
    """What is done to a training picture, drawn anew each time that it is seen.

    Attributes:
        horizontal_flip: Mirrored left to right, half of the time.
        vertical_flip: Mirrored top to bottom, half of the time.
        quarter_turns: Turned by 0, 90, 180 or 270 degrees.
        rotation: Turned by up to so many degrees either way.
        zoom: Enlarged or made smaller by up to this share.
        brightness: Made lighter or darker by up to this share of the full range.
        contrast: Contrast raised or lowered by up to this share.
        saturation: Colours made stronger or paler by up to this share; nothing for grey.
        hue: Colours turned by up to this share of the colour circle; nothing for grey.
    """

    horizontal_flip: bool = False
    vertical_flip: bool = False
    quarter_turns: bool = False
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    brightness: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    saturation: Share = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0


class EarlyStopping(Value):
    """Training in a round ends when the validation part gets no better; the best weights count.

    A site without a validation part trains all its epochs.

    Attributes:
        patience: Epochs in a row without a gain after which training ends.
        monitor: The figure that is to gain.
        min_delta: The least change that is a gain.
    """

    patience: Annotated[int, Field(ge=1, le=1000)] = 5
    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    min_delta: Annotated[float, Field(ge=0, le=1)] = 0.0


class Training(Value):
    """How a child trains in one round.

    Attributes:
        epochs: Passes over the training part per round; 0 trains nothing.
        batch_size: Pictures per step.
        optimizer: Made fresh in every round.
        learning_rate: Step size of the optimiser, before the schedule.
        schedule: How the learning rate moves.
        momentum: Of `sgd` and `rmsprop`; the others have their own.
        weight_decay: Decoupled decay of the weights, of any optimiser.
        loss: `cross_entropy` over the classes; `binary_cross_entropy`: each class against the
            rest; `focal`; `smooth_l1`: Huber's loss between the probabilities and 0 or 1.
        focal_gamma: How much less a sure answer counts, of `focal`.
        class_weights: `balanced`: each picture counts by how rare its class is at the site.
        augmentation: What is done to the pictures; none in features mode.
        early_stopping: When to end before the last epoch; None for never.
        clip_norm: Largest norm of all gradients together; None for no limit.
        proximal: FedProx's mu: how strongly the weights are held to those of the round's start.
        precision: What is computed in. The weights stay float32.
        devices: `all` shares each batch out over all devices of the child.
        validation_fraction: Share of a site's labelled pictures kept out of training. What an
            earlier plan has kept out stays out.

    References:
        T.-Y. Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.
        https://arxiv.org/abs/1708.02002
        T. Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020 (FedProx).
        https://arxiv.org/abs/1812.06127
    """

    epochs: Annotated[int, Field(ge=0, le=1000)] = 1
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    optimizer: Optimizer = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-3
    schedule: Schedule = Schedule()
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    loss: Literal["cross_entropy", "binary_cross_entropy", "focal", "smooth_l1"] = "cross_entropy"
    focal_gamma: Annotated[float, Field(ge=0, le=10)] = 2.0
    class_weights: Literal["none", "balanced"] = "none"
    augmentation: Augmentation = Augmentation()
    early_stopping: EarlyStopping | None = None
    clip_norm: Annotated[float, Field(gt=0, le=1e6)] | None = None
    proximal: Annotated[float, Field(ge=0, le=1000)] = 0.0
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    devices: Literal["one", "all"] = "one"
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
