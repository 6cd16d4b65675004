"""Single DICOM pictures: their pixels, shown as a viewer would show them, and nothing else.

Only the elements that say how pixels are stored and shown, and whether they may show who the
patient is, are read at all; the patient's name, and where and when the picture was taken, never
reach this program's memory as a value.

References: DICOM PS3.10 2024e, 7.1 (group 2: `dicom_group_2`); PS3.3 2024e, C.7.3.1 (kinds of
devices), C.7.6.1 (burned-in text, faces), C.7.6.3 (image pixels), C.11.1 (modality), C.11.2
(window).
"""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi

from imaging.depth import to_8_bits
from imaging.errors import RefusedPicture
from imaging.png import encode_png
from imaging.readers.content import Content
from imaging.readers.content_file import ContentFile
from imaging.readers.dicom_frames import check_frame
from imaging.readers.dicom_group_2 import why_not_group_2
from imaging.sanitise import DEFAULT_LIMITS

MAX_BYTES = 256 * 2**20
PERCENTILES = (0.5, 99.5)
"""What becomes black and white where the file names no window."""

_COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
_GREYS = {"MONOCHROME1", "MONOCHROME2"}
_OFTEN_WRITTEN_ON = {
    "US": "an ultrasound",
    "SC": "a secondary capture",
    "OT": "of another modality",
}
"""Devices and screenshots of these write names into the pixels, and rarely say that they do."""
_HEADER = [
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "Modality",
    "BurnedInAnnotation",
    "RecognizableVisualFeatures",
    "RescaleIntercept",
    "RescaleSlope",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
]

# pydicom would warn of a wrong value by showing it, and it may be a patient's name.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
pydicom.config.logger.setLevel(logging.ERROR)


def why_not(content: Content) -> str | None:
    """Why a DICOM file's picture cannot be read, from its header; `None` where it can be."""
    if content.size > MAX_BYTES:
        return f"a DICOM file of more than {MAX_BYTES / 2**20:.0f} MiB"
    if reason := why_not_group_2(content):
        return reason
    try:
        return _why_not_header(_read(content, with_pixels=False))
    except MemoryError:
        raise
    except Exception:
        # What pydicom raises on a damaged file is not documented, and differs.
        return "a damaged DICOM file"


def as_png(content: Content) -> bytes:
    """A DICOM file's picture as a PNG of 8 bits, grey or colour.

    Grey values are rescaled and windowed as the file says (the first window or table of
    values, where it has several), or, where it says nothing, from the 0.5th to the 99.5th
    percentile; 8-bit values without a window stay as they are. `MONOCHROME1` is inverted.

    Raises:
        RefusedPicture: The file is damaged, or its pixels cannot be decoded.
    """
    if reason := why_not(content):
        raise _refused(reason)
    try:
        return encode_png(_shown(_read(content, with_pixels=True)))
    except (MemoryError, RefusedPicture):
        raise
    except Exception as error:
        # As above; the error's words may quote the file.
        raise _refused("one whose pixels are damaged or incomplete") from error


def _read(content: Content, *, with_pixels: bool) -> pydicom.Dataset:
    tags = [*_HEADER, "PixelData"] if with_pixels else _HEADER
    file = ContentFile(content, MAX_BYTES if with_pixels else 2**24)
    return pydicom.dcmread(
        io.BufferedReader(file), stop_before_pixels=not with_pixels, specific_tags=list(tags)
    )


def _why_not_header(header: pydicom.Dataset) -> str | None:
    syntax = header.file_meta.TransferSyntaxUID
    limits = DEFAULT_LIMITS
    rows, columns = int(header.Rows), int(header.Columns)
    photometric = str(header.PhotometricInterpretation)
    if int(header.get("NumberOfFrames") or 1) != 1:
        return "a DICOM file of several frames"
    if reason := _why_not_private(header):
        return reason
    if photometric not in _COLOURS | _GREYS | {"PALETTE COLOR"}:
        return "a DICOM picture in colours that are not read"
    if int(header.BitsAllocated) not in (8, 16):
        return f"a DICOM picture of {int(header.BitsAllocated)} bits (8 and 16 are read)"
    if int(header.SamplesPerPixel) != (3 if photometric in _COLOURS else 1):
        return "a damaged DICOM file"
    if not rows or not columns:
        return "a DICOM file without a picture"
    if rows * columns > limits.max_pixels or max(rows, columns) > limits.max_side:
        return f"a DICOM picture of {columns} × {rows} pixels, which is too many"
    try:
        readable = get_decoder(syntax).is_available
    except NotImplementedError:
        readable = False
    return None if readable else f"a DICOM picture packed as {syntax.name}, which is not read here"


def _why_not_private(header: pydicom.Dataset) -> str | None:
    """Why the pixels themselves may show who the patient is."""
    written, modality, features = (
        str(header.get(name) or "").strip().upper()
        for name in ("BurnedInAnnotation", "Modality", "RecognizableVisualFeatures")
    )
    if written == "YES":
        return "a DICOM picture with text burned into it, which may name the patient"
    if features == "YES":
        return "a DICOM picture that shows what the patient may be recognised by"
    if written != "NO" and (what := _OFTEN_WRITTEN_ON.get(modality)):
        return f"a DICOM picture that does not say that no text is burned into it, and is {what}"
    return None


def _shown(file: pydicom.Dataset) -> npt.NDArray[np.uint8]:
    """Pixels as a viewer shows them, uint8 `(height, width)` or `(height, width, 3)`."""
    check_frame(file)
    stored = file.pixel_array
    if file.PhotometricInterpretation == "PALETTE COLOR":
        return to_8_bits(apply_color_lut(stored, file))
    if stored.ndim == 3:
        return to_8_bits(stored)
    grey = _windowed(stored, file)
    return 255 - grey if file.PhotometricInterpretation == "MONOCHROME1" else grey


def _windowed(stored: npt.NDArray[Any], file: pydicom.Dataset) -> npt.NDArray[np.uint8]:
    values = apply_modality_lut(stored, file)
    if file.get("VOILUTSequence"):
        depth = int(file.VOILUTSequence[0].LUTDescriptor[2])
        return _stretch(apply_voi(values.astype(np.int64), file), 0, 2**depth - 1)
    if file.get("WindowWidth") is not None and file.get("WindowCenter") is not None:
        return _by_window(values, file)
    if values.dtype == np.uint8:
        return np.asarray(values)
    padding = file.get("PixelPaddingValue")
    seen = values[stored != padding] if padding is not None else values
    low, high = np.percentile(seen if seen.size else values, PERCENTILES)
    return _stretch(values, float(low), float(high))


def _by_window(values: npt.NDArray[Any], file: pydicom.Dataset) -> npt.NDArray[np.uint8]:
    centre, width = (float(_first(file[name].value)) for name in ("WindowCenter", "WindowWidth"))
    function = str(file.get("VOILUTFunction", "LINEAR"))
    if not np.isfinite([centre, width]).all() or width < (1 if function == "LINEAR" else 1e-9):
        raise _refused("one whose window has no width")
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            curve = 1 / (1 + np.exp(-4 * (values.astype(np.float64) - centre) / width))
        return _stretch(curve, 0, 1)
    if function == "LINEAR":
        # C.11.2.1.2.1: the linear function is off by half a value, for historical reasons.
        centre, width = centre - 0.5, width - 1
    return _stretch(values, centre - width / 2, centre + width / 2)


def _stretch(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    """`low` and below become 0, `high` and above 255; all that lies between is in proportion."""
    if high <= low:
        return np.where(values > low, 255, 0).astype(np.uint8)
    share = (values.astype(np.float64) - low) / (high - low)
    return np.asarray((np.nan_to_num(share).clip(0, 1) * 255).round().astype(np.uint8))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, pydicom.multival.MultiValue) else value


def _refused(received: str) -> RefusedPicture:
    return RefusedPicture(
        "This DICOM file is not read",
        expected="a single picture, whole, in a packing that this computer can read",
        received=received,
        code="unsupported",
    )
