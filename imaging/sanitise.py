"""The border where a stranger's bytes become a picture.

What the file says beyond its pixels is dropped before anything is decoded, with the
orientation applied first; sizes are checked in the header, so that a small file which
unpacks to a huge picture costs nothing.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from imaging import colour, jpeg, png
from imaging.errors import OversizedPicture, RefusedPicture
from imaging.identity import picture_identity
from imaging.metadata import Metadata

Format = Literal["JPEG", "PNG"]

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_OTHER_FORMATS = (
    (0, b"GIF8", "a GIF file"),
    (0, b"BM", "a BMP file"),
    (0, b"II*\0", "a TIFF file"),
    (0, b"MM\0*", "a TIFF file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (4, b"ftypavif", "an AVIF file"),
    (4, b"ftyphei", "a HEIC file"),
    (4, b"ftypmif1", "a HEIC file"),
    (8, b"WEBP", "a WebP file"),
    (128, b"DICM", "a DICOM file"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture may be.

    Attributes:
        max_bytes: Of the file as it arrives.
        max_pixels: Width times height, as the file declares it.
        max_side: The longer side in pixels, as the file declares it.
        kept_side: A picture whose longer side has more pixels is scaled down to this.
    """

    max_bytes: int = 20 * 2**20
    max_pixels: int = 40_000_000
    max_side: int = 20_000
    kept_side: int = 2048


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class SanitisedPicture:
    """A picture that holds its pixels and nothing else.

    Attributes:
        png: The file to keep: lossless, so that its pixels' hash stays true.
        pixels: The same picture, uint8 `(height, width, 3)`, RGB, 0-255.
        width: Pixels from left to right, as kept.
        height: Pixels from top to bottom, as kept.
        original_width: As the file declared it, before it was turned upright.
        original_height: As the file declared it, before it was turned upright.
        original_format: `JPEG` or `PNG`, by content.
        sha256: Identity: `imaging.identity.picture_identity` of the pixels.
        removed: What was found and dropped, in words: `GPS position`, `comment`.
        changed: What was done to the pixels, in words: `turned upright`.
    """

    png: bytes = field(repr=False)
    pixels: npt.NDArray[np.uint8] = field(repr=False)
    width: int
    height: int
    original_width: int
    original_height: int
    original_format: Format
    sha256: str
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def sanitise(data: bytes, limits: Limits = DEFAULT_LIMITS) -> SanitisedPicture:
    """The picture in `data`, a whole JPEG or PNG file, without anything but its pixels.

    Raises:
        RefusedPicture: It cannot be kept. The code is one of `empty`, `too_large`,
            `not_a_picture`, `unsupported`, `too_many_pixels`, `truncated`, `corrupt`
            and `animated`.
    """
    taken = take_in(data, limits)
    pixels = taken.pixels
    return SanitisedPicture(
        png=png.encode_png(pixels),
        pixels=pixels,
        width=pixels.shape[1],
        height=pixels.shape[0],
        original_width=taken.width,
        original_height=taken.height,
        original_format=taken.format,
        sha256=picture_identity(pixels),
        removed=tuple(sorted(taken.metadata.words)),
        changed=taken.changed,
    )


def read_pixels(data: bytes, limits: Limits = DEFAULT_LIMITS) -> npt.NDArray[np.uint8]:
    """The pixels of the picture that `sanitise` would make, without its file and its name.

    Raises:
        RefusedPicture: As `sanitise` does.
    """
    return take_in(data, limits).pixels


@dataclass(frozen=True, slots=True, eq=False)
class TakenPicture:
    """What a file was, and its pixels.

    Attributes:
        format: `JPEG` or `PNG`, by content.
        width: As the file declared it, before it was turned upright.
        height: As the file declared it, before it was turned upright.
        metadata: What was found beside the pixels, and dropped.
        pixels: uint8 `(height, width, 3)`, RGB, upright.
        changed: What was done to the pixels, in words.
    """

    format: Format
    width: int
    height: int
    metadata: Metadata
    pixels: npt.NDArray[np.uint8]
    changed: tuple[str, ...]


def take_in(data: bytes, limits: Limits = DEFAULT_LIMITS) -> TakenPicture:
    """The pixels of the picture that `sanitise` would make, and what was dropped.

    No file is made of them: who only looks at a picture does not wait for one.

    Raises:
        RefusedPicture: As `sanitise` does.
    """
    if len(data) > limits.max_bytes:
        raise OversizedPicture(
            "This file is too large",
            expected=f"at most {limits.max_bytes / 2**20:.0f} MiB",
            received=f"{len(data) / 2**20:.1f} MiB",
            code="too_large",
        )
    original_format = _format_of(data)
    is_png = original_format == "PNG"
    width, height = png.png_size(data) if is_png else jpeg.jpeg_size(data)
    _check_size(width, height, limits)
    stripped, metadata = png.strip_png(data) if is_png else jpeg.strip_jpeg(data)
    pixels, changed = _decode(stripped, original_format, metadata, limits.kept_side)
    return TakenPicture(original_format, width, height, metadata, pixels, changed)


def _format_of(data: bytes) -> Format:
    if data.startswith(png.SIGNATURE):
        return "PNG"
    if data.startswith(jpeg.SIGNATURE):
        return "JPEG"
    if not data:
        raise RefusedPicture(
            "This file is empty", expected="a JPEG or PNG picture", received="0 bytes", code="empty"
        )
    for offset, start, name in _OTHER_FORMATS:
        if data[offset:].startswith(start):
            raise RefusedPicture(
                "This kind of file is not supported",
                expected="a JPEG or PNG picture (most programs can save or export one)",
                received=name,
                code="unsupported",
            )
    raise RefusedPicture(
        "This file is not a picture",
        expected="a JPEG or PNG picture, whatever the file is called",
        received="a file whose content is neither",
        code="not_a_picture",
    )


def _check_size(width: int, height: int, limits: Limits) -> None:
    if not width or not height:
        raise RefusedPicture(
            "This picture has no size",
            expected="at least one pixel",
            received=f"{width} × {height} pixels",
            code="corrupt",
        )
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise OversizedPicture(
            "This picture has too many pixels",
            expected=f"at most {limits.max_pixels / 1e6:.0f} megapixels and "
            f"{limits.max_side} pixels a side",
            received=f"{width} × {height} pixels",
            code="too_many_pixels",
        )


def _decode(
    stripped: bytes, original_format: Format, metadata: Metadata, kept_side: int
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Upright sRGB pixels of a bounded size, and what was done to get there."""
    try:
        with _open(stripped, original_format) as picture:
            picture.load()
            mode, kept = picture.mode, colour.plain(picture)
    except MemoryError:
        raise
    except Exception as error:
        # Pillow does not say which errors its decoders raise, and they differ by version.
        code = "truncated" if "truncated" in str(error) else "corrupt"
        raise RefusedPicture(
            "This picture cannot be decoded",
            expected=f"a complete, undamaged {original_format} file",
            received="one whose picture data is damaged or incomplete",
            code=code,
        ) from error
    changed = [f"converted from {colour.NAMES[mode]}"] if mode in colour.NAMES else []
    if metadata.orientation in _TURNS:
        kept = kept.transpose(_TURNS[metadata.orientation])
        changed.append("turned upright")
    if max(kept.size) > kept_side:
        kept = _scale_down(kept, kept_side)
        changed.append(f"scaled down to {kept.width} × {kept.height} pixels")
    return np.array(colour.to_srgb(kept, metadata.colour_profile)), tuple(changed)


def _open(stripped: bytes, original_format: Format) -> ImageFile.ImageFile:
    # The decoders are called by name: `Image.open` would try others, and warn of bombs.
    decoder = {"PNG": PngImagePlugin.PngImageFile, "JPEG": JpegImagePlugin.JpegImageFile}
    return decoder[original_format](io.BytesIO(stripped))


def _scale_down(picture: Image.Image, side: int) -> Image.Image:
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)
