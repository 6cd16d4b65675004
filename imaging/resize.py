"""The one way in which a picture becomes a model's input, and its thumbnail."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.errors import WrongPixels


def to_model_pixels(
    pixels: npt.NDArray[np.uint8], size: int, channels: int
) -> npt.NDArray[np.uint8]:
    """`pixels` as a model sees them: uint8 `(size, size, channels)`, 0-255.

    Training, prediction, audit and test all go through here, so that none of them sees
    pictures that another would not. The whole picture is squashed into the square: a
    crop could lose a lesion at the edge, bars around it would tell the model which
    camera took it, and a heat map over the input lies over the whole picture as it is.
    Scaling is antialiased (Lanczos), and leaves a picture alone that fits already.

    Args:
        pixels: uint8 `(height, width, 3)`, RGB, or `(height, width, 1)`, grey.
        size: Height and width of the result.
        channels: 3 (RGB) or 1 (grey, by the luma weights of ITU-R BT.601).

    Raises:
        WrongPixels: `pixels` have another dtype or shape, or `channels` is neither.
    """
    if channels not in (1, 3):
        raise WrongPixels("A model sees 1 or 3 channels", expected="1 or 3", received=channels)
    picture = _image(pixels).convert("L" if channels == 1 else "RGB")
    scaled = picture.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(scaled, dtype=np.uint8).reshape(size, size, channels)


def thumbnail(pixels: npt.NDArray[np.uint8], side: int = 160) -> bytes:
    """A JPEG of `pixels`, uint8 `(height, width, 1 or 3)`, that fits into a square of `side`.

    It keeps its proportions, is never enlarged, and holds no metadata.

    Raises:
        WrongPixels: `pixels` have another dtype or shape.
    """
    picture = _image(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()


def _image(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] not in (1, 3) or 0 in shape:
        raise WrongPixels(
            "These are not the pixels of a picture",
            expected="uint8 (height, width, 3) or (height, width, 1)",
            received=f"{pixels.dtype} {shape}",
        )
    return Image.fromarray(pixels[:, :, 0] if shape[2] == 1 else pixels)
