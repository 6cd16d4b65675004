"""What a picture file says beyond its pixels, in words for the person who uploaded it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

ORIENTATION = 0x0112
_EXIF_FOLDER = 0x8769

WORDS = {
    0x010E: "comment",
    0x010F: "camera model",
    0x0110: "camera model",
    0x0131: "software name",
    0x0132: "date and time",
    0x013B: "author or owner",
    0x8298: "author or owner",
    0x8825: "GPS position",
    0x9003: "date and time",
    0x9004: "date and time",
    0x927C: "maker's notes",
    0x9286: "comment",
    0x9C9B: "comment",
    0x9C9C: "comment",
    0x9C9D: "author or owner",
    0xA430: "author or owner",
    0xA431: "serial number",
    0xA433: "camera model",
    0xA434: "camera model",
    0xA435: "serial number",
}
"""EXIF tags that say something about the patient, the place or the photographer.

References: CIPA DC-008 (Exif 2.32), sections 4.6.4 to 4.6.6.
"""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What was found beside the pixels.

    Attributes:
        words: What it was, in words, each once.
        orientation: The EXIF orientation, 1 (upright) to 8.
        colour_profile: The ICC profile's bytes, empty if there is none.
    """

    words: frozenset[str] = field(default_factory=frozenset)
    orientation: int = 1
    colour_profile: bytes = b""


@dataclass(frozen=True, slots=True)
class Exif:
    """The two things that are read from an EXIF block."""

    words: frozenset[str]
    orientation: int


def read_exif(block: bytes) -> Exif:
    """What an EXIF block (a small TIFF file) talks about, and which way up the picture is.

    It is read here, not by Pillow, because a broken block must neither raise nor warn:
    it is dropped all the same. Only two folders are visited, each at most once.
    """
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return Exif(frozenset({"unreadable camera data"}), 1)
    (start,) = struct.unpack_from(order + "I", block, 4)
    entries = dict(_entries(block, start, order))
    words = {WORDS[tag] for tag in entries if tag in WORDS}
    inner = entries.get(_EXIF_FOLDER)
    if inner is not None:
        (offset,) = struct.unpack(order + "I", inner)
        words |= {WORDS[tag] for tag, _ in _entries(block, offset, order) if tag in WORDS}
    if _has_second_folder(block, start, order):
        words.add("thumbnail")
    if set(entries) - set(WORDS) - {ORIENTATION}:
        words.add("camera settings")
    (orientation,) = struct.unpack_from(order + "H", entries.get(ORIENTATION, b"\0\0"))
    return Exif(frozenset(words), orientation if 1 <= orientation <= 8 else 1)


def _entries(block: bytes, start: int, order: str) -> Iterator[tuple[int, bytes]]:
    """`(tag, the four bytes of its value or offset)` of one folder, as far as it goes."""
    if start + 2 > len(block):
        return
    (count,) = struct.unpack_from(order + "H", block, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        (tag,) = struct.unpack_from(order + "H", block, at)
        yield tag, block[at + 8 : at + 12]


def _has_second_folder(block: bytes, start: int, order: str) -> bool:
    if start + 2 > len(block):
        return False
    (count,) = struct.unpack_from(order + "H", block, start)
    link = block[start + 2 + 12 * count :][:4]
    return len(link) == 4 and any(link)
