"""PNG: how sanitised pictures rest, and how a stranger's file is taken apart.

References: PNG (Portable Network Graphics) Specification, third edition, W3C, 2025.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from imaging.errors import RefusedPicture
from imaging.metadata import Metadata, read_exif

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE_BYTES = 4 * 2**20
MAX_CHUNKS = 50_000
"""A picture of 20 MiB has a few thousand; each costs time, however short it is."""

# Whatever else a file carries never reaches the decoder.
_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PIECE = 2**20
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_SILENT_CHUNKS = {b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD", b"cICP", b"hIST"}
_WORDS = {b"tEXt": "comment", b"zTXt": "comment", b"iTXt": "comment", b"tIME": "date and time"}


def encode_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """`pixels`, uint8 `(height, width, 3)`, as a PNG file that holds nothing else.

    The lightest compression is used: a photograph gains about a tenth from the
    default one, which takes five times as long.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def decode_png(data: bytes) -> npt.NDArray[np.uint8]:
    """Pixels, uint8 `(height, width, 3)`, of a PNG that `encode_png` wrote.

    Only for files of our own: a stranger's go through `imaging.sanitise`.
    """
    with PngImagePlugin.PngImageFile(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB"), dtype=np.uint8)


def png_size(data: bytes) -> tuple[int, int]:
    """`(width, height)` that the header declares; nothing is unpacked.

    Raises:
        RefusedPicture: There is no header.
    """
    kind, payload = next(_chunks(data))
    if kind != b"IHDR" or len(payload) != 13:
        raise _damaged(
            "a header with the picture's size at its start",
            f"a part of another kind ({len(payload)} bytes)",
        )
    width, height = struct.unpack_from(">II", payload)
    return width, height


def strip_png(data: bytes) -> tuple[bytes, Metadata]:
    """The same PNG with its pixels only, and what else it said.

    Raises:
        RefusedPicture: The file is cut short, damaged or animated.
    """
    kept, words = [SIGNATURE], set[str]()
    orientation, profile, length = 1, b"", len(SIGNATURE)
    for kind, payload in _chunks(data):
        length += 12 + len(payload)
        if kind == b"acTL":
            raise RefusedPicture(
                "This picture is animated",
                expected="a still picture",
                received="a PNG file with several frames",
                code="animated",
            )
        if kind in _PIXEL_CHUNKS:
            kept.append(_chunk(kind, payload))
        elif kind == b"eXIf":
            exif = read_exif(payload)
            words, orientation = words | exif.words, exif.orientation
        elif kind == b"iCCP":
            words, profile = words | {"colour profile"}, _profile(payload)
        elif kind not in _SILENT_CHUNKS:
            words.add(_text_word(kind, payload))
    if length < len(data):
        words.add("data after the picture")
    _check_complete(kept)
    return b"".join(kept), Metadata(frozenset(words), orientation, profile)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """`(type, payload)` of each chunk up to the end of the picture, checksums verified."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        length = int.from_bytes(data[at : at + 4])
        kind, payload = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        end = at + 12 + length
        if end > len(data):
            raise _cut_short(f"one that ends after {len(data)} bytes, in the middle")
        if zlib.crc32(kind + payload) != int.from_bytes(data[end - 4 : end]):
            raise _damaged("parts that match their checksums", f"one at byte {at} that does not")
        yield kind, payload
        if kind == b"IEND":
            return
        at = end
    raise _damaged(f"at most {MAX_CHUNKS} parts", "more")


def _check_complete(chunks: list[bytes]) -> None:
    """Refuses pixel data that ends early: the decoder would leave the rest black."""
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[1][8:21])
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    bits = _CHANNELS.get(colours, 0) * depth
    expected = sum(
        _pass_bytes(max(0, -((x - width) // dx)), max(0, -((y - height) // dy)), bits)
        for x, y, dx, dy in passes
    )
    unpacker, size = zlib.decompressobj(), 0
    try:
        for chunk in chunks:
            packed = chunk[8:-4] if chunk[4:8] == b"IDAT" else b""
            while packed and size < expected:
                size += len(unpacker.decompress(packed, _PIECE))
                packed = unpacker.unconsumed_tail
    except zlib.error as error:
        raise _damaged("picture data that can be unpacked", str(error)) from error
    if size < expected:
        raise _cut_short(f"one with {size} of {expected} bytes of picture data")


def _pass_bytes(columns: int, rows: int, bits: int) -> int:
    return rows * (1 + (columns * bits + 7) // 8) if columns else 0


def _cut_short(received: str) -> RefusedPicture:
    return RefusedPicture(
        "This picture is cut short",
        expected="a complete PNG file",
        received=received,
        code="truncated",
    )


def _damaged(expected: str, received: str) -> RefusedPicture:
    return RefusedPicture(
        "This PNG file is damaged", expected=expected, received=received, code="corrupt"
    )


def _chunk(kind: bytes, payload: bytes) -> bytes:
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def _profile(payload: bytes) -> bytes:
    """The ICC profile of an `iCCP` chunk; empty if it is broken or unpacks to too much."""
    _, _, packed = payload.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    return profile if unpacker.eof else b""


def _text_word(kind: bytes, payload: bytes) -> str:
    if payload.startswith(b"XML:com.adobe.xmp\0"):
        return "editing history"
    if payload.startswith(b"Raw profile type"):
        return "camera settings"
    return _WORDS.get(kind, "other data")
