"""The first elements of a DICOM file, group 2, which say how the rest of it is written.

They are read alone and before anything else, as the standard has them and in no other way:
pydicom unpacks a file that is deflated as a whole at once, however much it unpacks to.

References: DICOM PS3.10 2024e, 7.1; PS3.5 2024e, 7.1.2 and annex A.5.
"""

from __future__ import annotations

import struct

from pydicom.uid import DeflatedExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16

from imaging.readers.content import Content

MAX_BYTES = 64 * 2**10
"""It has a few hundred."""

_TOO_LARGE = f"a DICOM file whose group 2 is larger than {MAX_BYTES // 2**10} KiB"
_START = 132
_GROUP = 2
_TRANSFER_SYNTAX = 0x0010
_SHORT = {vr.value.encode() for vr in EXPLICIT_VR_LENGTH_16}
_LONG = {b"OB", b"OW", b"UC", b"UR", b"UT"}
"""Without sequences and unknown kinds, of which readers make different things."""


def why_not_group_2(content: Content) -> str | None:
    """Why a DICOM file may not be read beyond its group 2; `None` where it may be."""
    data = content.read(_START, MAX_BYTES)
    at = 0
    try:
        while (element := struct.unpack_from("<HH2sH", data, at))[0] == _GROUP:
            _, number, kind, length = element
            at += 8
            if kind in _LONG:
                (length,) = struct.unpack_from("<I", data, at)
                at += 4
            elif kind not in _SHORT:
                return "a damaged DICOM file"
            value, at = data[at : at + length], at + length
            if number == _TRANSFER_SYNTAX and DeflatedExplicitVRLittleEndian.encode() in value:
                return "a DICOM file that is deflated as a whole"
    except struct.error:
        # It ends nowhere in what was looked at.
        cut = content.size > _START + MAX_BYTES
        return _TOO_LARGE if cut else "a damaged DICOM file"
    return None
