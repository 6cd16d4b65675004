"""Packed frames of DICOM files: whether they unpack to the size that the file declares.

The decoders believe the frame, not the file, so the two are compared before anything unpacks.

References: DICOM PS3.5 2024e, annexes A.4 and G (RLE); ISO/IEC 15444-1 (JPEG 2000), A.5.1.
"""

from __future__ import annotations

import struct

import pydicom
from pydicom.encaps import get_frame
from pydicom.uid import RLELossless

from imaging import jpeg
from imaging.errors import RefusedPicture

_J2K_START = b"\xff\x4f\xff\x51"
_MAX_SEGMENTS = 15


def check_frame(file: pydicom.Dataset) -> None:
    """Refuses a packed frame that is of another size than the file says.

    Raises:
        RefusedPicture: It is, or it cannot be told.
    """
    if not file.file_meta.TransferSyntaxUID.is_compressed:
        return
    frame = get_frame(file.PixelData, 0, number_of_frames=1)
    rows, columns = int(file.Rows), int(file.Columns)
    if file.file_meta.TransferSyntaxUID == RLELossless:
        _check_run_lengths(frame, rows * columns)
    elif _declared_size(frame) != (columns, rows):
        raise _other_size()


def _declared_size(frame: bytes) -> tuple[int, int]:
    if frame.startswith(_J2K_START):
        right, bottom, left, top = struct.unpack_from(">IIII", frame, 8)
        return right - left, bottom - top
    return jpeg.jpeg_size(frame)


def _check_run_lengths(frame: bytes, pixels: int) -> None:
    """Each segment of a frame holds one byte of each pixel."""
    count, *starts = struct.unpack_from("<16I", frame)
    if not 0 < count <= _MAX_SEGMENTS:
        raise _other_size()
    ends = [*starts[1:count], len(frame)]
    for start, end in zip(starts[:count], ends, strict=True):
        if not 64 <= start <= end <= len(frame) or _unpacked_length(frame, start, end) < pixels:
            raise _other_size()
        if _unpacked_length(frame, start, end) > pixels + 128:
            raise _other_size()


def _unpacked_length(frame: bytes, start: int, end: int) -> int:
    at, length = start, 0
    while at < end:
        code = frame[at]
        if code < 128:
            length += code + 1
            at += code + 2
        else:
            length += 257 - code if code > 128 else 0
            at += 2 if code > 128 else 1
    return length


def _other_size() -> RefusedPicture:
    return RefusedPicture(
        "This DICOM file is damaged",
        expected="a packed picture of the size that the file declares",
        received="one of another size",
        code="corrupt",
    )
