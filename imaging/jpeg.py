"""JPEG: how a stranger's file is taken apart before its pixels are decoded.

References: ITU-T T.81 (JPEG), annex B; CIPA DC-008 (Exif); ICC.1:2022, annex B.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from imaging.errors import RefusedPicture
from imaging.metadata import Metadata, read_exif

SIGNATURE = b"\xff\xd8\xff"
MAX_SCANS = 100
"""A progressive JPEG has about ten scans; each costs a pass over all pixels."""

MAX_SEGMENTS = 10_000
"""A photograph has a few dozen; each costs time, however short it is."""

_END, _SCAN, _COMMENT = 0xD9, 0xDA, 0xFE
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE = {0x01, 0xD8}

# In pixel data 0xFF is followed by zero or by a restart marker, so neither matches.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")

_WORDS = {
    (0xE0, b"JFXX"): "thumbnail",
    (0xE1, b"http://ns.adobe.com/x"): "editing history",
    (0xE2, b"MPF\0"): "further pictures",
    (0xED, b"Photoshop 3.0"): "caption",
    (_COMMENT, b""): "comment",
}


def jpeg_size(data: bytes) -> tuple[int, int]:
    """`(width, height)` that the header declares; nothing is unpacked.

    Raises:
        RefusedPicture: There is no header, or one of a kind that is not supported.
    """
    for marker, start, end in _segments(data):
        if marker in _FRAMES:
            return _frame_size(data[start + 4 : end])
        if marker == _SCAN:
            break
    raise _damaged("a header with the picture's size", "none")


def strip_jpeg(data: bytes) -> tuple[bytes, Metadata]:
    """The same JPEG with its pixels only, and what else it said.

    Raises:
        RefusedPicture: The file is cut short, damaged or made to be slow.
    """
    kept, cut = [], 0
    words, orientation, profile = set[str](), 1, dict[int, bytes]()
    markers = list(_segments(data))
    _check_structure([marker for marker, _, _ in markers])
    for marker, start, end in markers:
        payload = data[start + 4 : end]
        if not _is_metadata(marker, payload):
            continue
        kept.append(data[cut:start])
        cut = end
        if marker == 0xE1 and payload.startswith(b"Exif\0\0"):
            exif = read_exif(payload[6:])
            words |= exif.words
            orientation = exif.orientation if orientation == 1 else orientation
        elif marker == 0xE2 and payload.startswith(b"ICC_PROFILE\0"):
            words.add("colour profile")
            profile[payload[12] if len(payload) > 12 else 0] = payload[14:]
        else:
            words.add(_word(marker, payload))
    end = markers[-1][2]
    kept.append(data[cut:end])
    if data[end:].strip(b"\0"):
        words.add("data after the picture")
    whole_profile = b"".join(profile[number] for number in sorted(profile))
    return b"".join(kept), Metadata(frozenset(words), orientation, whole_profile)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """`(marker, start, end)` of each segment up to the end of the picture."""
    at, count = 2, 0
    while found := _MARKER.search(data, at):
        count += 1
        if count > MAX_SEGMENTS:
            raise _damaged(f"at most {MAX_SEGMENTS} parts", "more")
        marker, start = found[1][0], found.start()
        if marker == _END:
            yield marker, start, found.end()
            return
        length = 0 if marker in _LONE else int.from_bytes(data[start + 2 : start + 4])
        at = start + 2 + length
        if at > len(data):
            break
        if marker not in _LONE:
            if length < 2:
                raise _damaged("parts that state their length", f"one at byte {start} without")
            yield marker, start, at
    raise RefusedPicture(
        "This picture is cut short",
        expected="a complete JPEG file",
        received=f"one that ends after {len(data)} bytes, in the middle",
        code="truncated",
    )


def _frame_size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 6:
        raise _damaged("a header with the picture's size", f"one of {len(frame)} bytes")
    if frame[0] != 8 or frame[5] not in (1, 3, 4):
        raise RefusedPicture(
            "This kind of JPEG file is not supported",
            expected="8 bits a colour, in grey, colour or CMYK",
            received=f"{frame[0]} bits a colour in {frame[5]} colours",
            code="unsupported",
        )
    return int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3])


def _check_structure(markers: list[int]) -> None:
    frames = sum(marker in _FRAMES for marker in markers)
    if frames != 1:
        raise _damaged("one picture in it", f"{frames}")
    if markers.count(_SCAN) > MAX_SCANS:
        raise RefusedPicture(
            "This JPEG file would take very long to decode",
            expected=f"at most {MAX_SCANS} passes over the picture",
            received=f"{markers.count(_SCAN)}",
            code="unsupported",
        )


def _is_metadata(marker: int, payload: bytes) -> bool:
    """Whether a segment is dropped; JFIF and Adobe say how colours are coded."""
    if marker == _COMMENT:
        return True
    says_colours = (marker == 0xE0 and payload.startswith(b"JFIF\0")) or (
        marker == 0xEE and payload.startswith(b"Adobe")
    )
    return 0xE0 <= marker <= 0xEF and not says_colours


def _word(marker: int, payload: bytes) -> str:
    for (kind, start), word in _WORDS.items():
        if marker == kind and payload.startswith(start):
            return word
    return "other data"


def _damaged(expected: str, received: str) -> RefusedPicture:
    return RefusedPicture(
        "This JPEG file is damaged", expected=expected, received=received, code="corrupt"
    )
