"""DICOM files for the tests, as pydicom writes them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, JPEGBaseline8Bit

NAME = "Doe^Jane"


def dicom_file(
    pixels: np.ndarray,
    photometric: str = "MONOCHROME2",
    syntax: UID = ExplicitVRLittleEndian,
    frame: bytes | None = None,
    **elements: Any,
) -> bytes:
    """`pixels` as a DICOM file that names a patient.

    Args:
        pixels: uint8, uint16 or int16, `(height, width)` or `(height, width, 3)`.
        photometric: How values mean colours.
        syntax: How the pixels are packed.
        frame: The packed pixels, if they are packed.
        elements: More of the file, by keyword.
    """
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = syntax
    file = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    file.PatientName, file.PatientID = NAME, "4711"
    file.InstitutionName = "Clinic of the Sea"
    bits = pixels.dtype.itemsize * 8
    file.Rows, file.Columns = pixels.shape[:2]
    file.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    if pixels.ndim == 3:
        file.PlanarConfiguration = 0
    file.PhotometricInterpretation = photometric
    file.BitsAllocated = file.BitsStored = bits
    file.HighBit = bits - 1
    file.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(file, keyword, value)
    file.PixelData = encapsulate([frame]) if frame is not None else pixels.tobytes()
    file["PixelData"].VR = "OW" if bits > 8 else "OB"
    written = io.BytesIO()
    file.save_as(written, enforce_file_format=True)
    return written.getvalue()


def jpeg_dicom(pixels: np.ndarray, jpeg: bytes, **elements: Any) -> bytes:
    """The same with a JPEG frame."""
    colours = "MONOCHROME2" if pixels.ndim == 2 else "YBR_FULL_422"
    return dicom_file(pixels, colours, JPEGBaseline8Bit, jpeg, **elements)
