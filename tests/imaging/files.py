"""Picture files for the tests, made byte by byte where Pillow would not make them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]


def picture(height: int = 30, width: int = 40, seed: int = 7) -> Pixels:
    """A soft colour gradient with a little noise: no two rows or columns are the same."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    planes = np.stack([rows * 200 / height, columns * 200 / width, (rows + columns) * 1.5], -1)
    return (planes + rng.uniform(0, 20, planes.shape)).clip(0, 255).astype(np.uint8)


def file_of(pixels: Pixels, kind: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    """`pixels` as a file that Pillow writes."""
    image = Image.fromarray(pixels)
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, payload: bytes) -> bytes:
    """One chunk of a PNG file."""
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def png_of(width: int, height: int, depth: int, colours: int, rows: bytes, *more: bytes) -> bytes:
    """A PNG file from its raw rows (each begins with its filter's byte)."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            *more,
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG file with more chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def with_segment(jpeg: bytes, marker: int, payload: bytes) -> bytes:
    """A JPEG file with one more segment at its start."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload + jpeg[2:]
