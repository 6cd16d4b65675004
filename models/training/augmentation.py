"""Pictures changed at random while a model learns: drawn here, done in the compiled step.

What happens to a picture is drawn outside, by NumPy, so that a seed means the same on every
backend; the compiled step only follows the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from keras import ops

from federated.errors import InvalidInput
from federated.training import Augmentation
from models.training.colour_matrix import colour_matrices
from models.training.losses import Tensor

LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue are (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Which kinds of change there are; each is compiled only where a plan asks for it.

    Attributes:
        transposes: Whether rows may become columns, as in a quarter turn.
        down: Whether pictures may be mirrored top to bottom.
        across: Whether they may be mirrored left to right.
        resampling: Rotation and zoom, together with flips and turns in one resampling.
        colour: Brightness, contrast, saturation and hue, in one matrix.
    """

    transposes: bool = False
    down: bool = False
    across: bool = False
    resampling: bool = False
    colour: bool = False

    @classmethod
    def of(cls, asked: Augmentation) -> Self:
        """Those that the plan asks for."""
        resampling = asked.rotation > 0 or asked.zoom > 0
        return cls(
            transposes=asked.quarter_turns and not resampling,
            down=(asked.vertical_flip or asked.quarter_turns) and not resampling,
            across=(asked.horizontal_flip or asked.quarter_turns) and not resampling,
            resampling=resampling,
            colour=max(asked.brightness, asked.contrast, asked.saturation, asked.hue) > 0,
        )

    @property
    def moves(self) -> bool:
        """Whether whole pixels are moved; none is changed by that."""
        return self.transposes or self.down or self.across

    def __bool__(self) -> bool:
        return self.moves or self.resampling or self.colour


def check_augmentation(asked: Augmentation, shape: tuple[int, ...]) -> None:
    """Holds what the plan asks for against the model's input.

    Raises:
        InvalidInput: The input is no picture, or not as high as wide and is to be turned.
    """
    if Stages.of(asked) and len(shape) != 3:
        raise InvalidInput("Only pictures can be augmented", received=f"inputs {shape}")
    if asked.quarter_turns and shape[0] != shape[1]:
        raise InvalidInput("Only square pictures can be turned", received=f"pictures {shape}")


def draw(asked: Augmentation, channels: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """What is to happen to each of `count` pictures; what the plan does not ask for does not.

    Returns:
        float32 (count, columns): by `Stages.of(asked)`, three flags of the moves, or the four
        numbers of the resampling's matrix; then contrast, brightness and the matrix of the colours.
    """
    # One row a picture, always of the same width: chunks of any size draw the same.
    chance = rng.random((count, 9))
    stages = Stages.of(asked)
    columns = []
    if stages.moves or stages.resampling:
        flags = _turns(asked, chance[:, :3])
        columns.append(_inverse_maps(asked, flags, chance[:, 3:5]) if stages.resampling else flags)
    if stages.colour:
        columns.append(_colours(asked, channels, chance[:, 5:9]))
    if not columns:
        return np.zeros((count, 0), np.float32)
    return np.concatenate(columns, axis=1).astype(np.float32)


def augmented(stages: Stages, images: Tensor, draws: Tensor) -> Tensor:
    """The pictures, changed as was drawn.

    Args:
        stages: What there is to do.
        images: uint8 (b, height, width, channels).
        draws: float32 (b, columns), from `draw`.

    Returns:
        The same shape; uint8 if only turned, else float32, 0–255.
    """
    used = 0
    if stages.moves:
        images, used = _moved(stages, images, ops.cast(draws[:, :3], "int32")), 3
    if stages.resampling:
        images, used = _resampled(images, draws[:, :4]), 4
    if stages.colour:
        images = _coloured(images, draws[:, used:])
    return images


def _turns(asked: Augmentation, chance: np.ndarray) -> np.ndarray:
    """Flags (count, 3): transpose, then mirror top to bottom, then left to right."""
    down = asked.vertical_flip & (chance[:, 0] < 0.5)
    across = asked.horizontal_flip & (chance[:, 1] < 0.5)
    quarters = np.floor(chance[:, 2] * 4) if asked.quarter_turns else np.zeros(len(chance))
    # A turn by 90 degrees is a transposition and one mirroring, by 180 it is both mirrorings.
    return np.stack(
        [quarters % 2 == 1, down ^ (quarters >= 2), across ^ np.isin(quarters, (1, 2))], axis=1
    )


def _inverse_maps(asked: Augmentation, flags: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """(count, 4): from a place in the new picture to that in the old, about the centre."""
    either = 2 * chance - 1
    angle = np.deg2rad(asked.rotation * either[:, 0])
    scale = 1 / (1 + asked.zoom * either[:, 1])
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    transpose, down, across = flags.T
    # Columns are x and y; the mirrorings were done last, so they are undone first.
    x, y = np.where(across, -1, 1), np.where(down, -1, 1)
    rows = np.stack([cosine * x, -sine * y, sine * x, cosine * y], axis=1)
    return np.where(transpose[:, None], rows[:, [2, 3, 0, 1]], rows)


def _colours(asked: Augmentation, channels: int, chance: np.ndarray) -> np.ndarray:
    either = 2 * chance - 1
    contrast = 1 + asked.contrast * either[:, 0]
    brightness = 255 * asked.brightness * either[:, 1]
    matrices = colour_matrices(
        channels, 1 + asked.saturation * either[:, 2], 2 * np.pi * asked.hue * either[:, 3]
    )
    flat = (contrast[:, None, None] * matrices).reshape(-1, channels**2)
    return np.concatenate([contrast[:, None], brightness[:, None], flat], axis=1)


def _moved(stages: Stages, images: Tensor, flags: Tensor) -> Tensor:
    # Whole pictures, rows and pixels are moved, never chosen value by value: a broadcast
    # selection would take a hundred times as long on a CPU.
    if stages.transposes:
        images = _either(images, ops.transpose(images, (0, 2, 1, 3)), flags[:, 0])
    height, width, channels = images.shape[1:]
    if stages.down:
        rows = ops.arange(height)[None]
        rows = rows + flags[:, 1:2] * (height - 1 - 2 * rows)
        rows = rows + height * ops.arange(ops.shape(images)[0])[:, None]
        images = ops.take(ops.reshape(images, (-1, width * channels)), rows, axis=0)
        images = ops.reshape(images, (-1, height, width, channels))
    if stages.across:
        mirrored = ops.flip(ops.reshape(images, (-1, width, channels)), axis=1)
        mirrored = ops.reshape(mirrored, (-1, height, width, channels))
        images = _either(images, mirrored, flags[:, 2])
    return images


def _either(one: Tensor, other: Tensor, is_other: Tensor) -> Tensor:
    count = ops.shape(one)[0]
    both = ops.reshape(ops.stack([one, other]), (-1, *one.shape[1:]))
    return ops.take(both, ops.arange(count) + count * is_other, axis=0)


def _resampled(images: Tensor, maps: Tensor) -> Tensor:
    height, width, _ = images.shape[1:]
    across, down = (width - 1) / 2, (height - 1) / 2
    a, b, c, d = (maps[:, k] for k in range(4))
    zero = ops.zeros_like(a)
    x, y = across - a * across - b * down, down - c * across - d * down
    return ops.image.affine_transform(
        ops.cast(images, "float32"),
        ops.stack([a, b, x, c, d, y, zero, zero], axis=1),
        interpolation="bilinear",
        # No invented corners: a black wedge would say more of the angle than of the picture.
        fill_mode="reflect",
        data_format="channels_last",
    )


def _coloured(images: Tensor, colours: Tensor) -> Tensor:
    height, width, channels = images.shape[1:]
    pixels = ops.reshape(ops.cast(images, "float32"), (-1, height * width, channels))
    contrast, brightness = colours[:, 0], colours[:, 1]
    matrices = ops.reshape(colours[:, 2:], (-1, channels, channels))
    weights = LUMA if channels == 3 else (1 / channels,) * channels
    means = ops.matmul(ops.mean(pixels, axis=1), ops.convert_to_tensor(weights, "float32"))
    # Contrast is about the picture's own mean brightness, so that a dark one stays dark.
    shift = (1 - contrast) * means + brightness
    pixels = ops.matmul(pixels, ops.transpose(matrices, (0, 2, 1))) + shift[:, None, None]
    return ops.reshape(ops.clip(pixels, 0.0, 255.0), (-1, height, width, channels))
