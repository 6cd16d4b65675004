"""Files of a ZIP archive, read where they lie.

References: PKWARE, ".ZIP File Format Specification", version 6.3.10, 2022.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from imaging.readers.bounds import BOUNDS, PIECE, Bounds
from imaging.readers.content import Content, PartContent, Unpacked
from imaging.readers.content_file import ContentFile
from imaging.readers.entries import Entry, inner_path, is_hidden
from imaging.readers.errors import BrokenSource, OversizedSource
from imaging.source import OnSkip, Skipped

SIGNATURE = b"PK\x03\x04"
_HEADER = struct.Struct("<4s22sHH")
_DIRECTORY_BYTES = 256 * 2**20

# What zipfile raises on a damaged directory; an empty name is an IndexError.
_BAD_ARCHIVE = (zipfile.BadZipFile, NotImplementedError, ValueError, IndexError, struct.error)


@dataclass(frozen=True, slots=True)
class ZipPlace:
    """A ZIP archive.

    Attributes:
        archive: Its bytes.
        bounds: How many files, and how much they may unpack to.
    """

    archive: Content
    bounds: Bounds = BOUNDS

    @property
    def words(self) -> str:
        """What it is."""
        return "a ZIP archive"

    def entries(self, on_skip: OnSkip) -> Iterator[Entry]:
        """Its files by path; see `Place.entries`."""
        seen = set[str]()
        total = 0
        for info in self._directory():
            total += info.file_size
            path = inner_path(info.filename)
            reason = self._why_not(info) if path else "its path leads out of the data set"
            if not reason and info.filename in seen:
                reason = "there is another file of this name"
            seen.add(info.filename)
            if reason or path is None:
                on_skip(Skipped(info.filename, reason or ""))
                continue
            if total > self.bounds.unpacked:
                raise OversizedSource(
                    "This archive unpacks to too much",
                    expected=self.bounds.words,
                    received=f"more, at {path}",
                )
            yield Entry(path, self._content(info))

    def _directory(self) -> list[zipfile.ZipInfo]:
        """What the archive says that it holds, by path; folders left out."""
        try:
            file = ContentFile(self.archive, _DIRECTORY_BYTES)
            with zipfile.ZipFile(file) as archive:
                infos = [info for info in archive.infolist() if not info.is_dir()]
        except _BAD_ARCHIVE as error:
            raise BrokenSource(
                "This ZIP archive cannot be read", expected="a whole one", received=error
            ) from error
        if len(infos) > self.bounds.entries:
            raise OversizedSource(
                "There are too many files",
                expected=f"at most {self.bounds.entries} in an archive",
                received=len(infos),
            )
        return sorted(infos, key=lambda info: info.filename.split("/"))

    def _why_not(self, info: zipfile.ZipInfo) -> str | None:
        if (path := inner_path(info.filename)) and is_hidden(path):
            return "hidden"
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            return "a link"
        if kind not in (0, stat.S_IFREG):
            return "not a file"
        if info.flag_bits & 0x1:
            return "encrypted"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return "packed in a way that is not read here (deflate is)"
        if self.bounds.is_bomb(info.compress_size, info.file_size):
            return "would unpack to far more than its size"
        if info.header_offset + info.compress_size > self.archive.size:
            return "cut short"
        return None

    def _content(self, info: zipfile.ZipInfo) -> Content:
        packed = ZipContent(
            self.archive, info.header_offset, info.compress_size, info.file_size, self.bounds
        )
        return packed if info.compress_type == zipfile.ZIP_DEFLATED else packed.packed()


@dataclass(frozen=True, slots=True)
class ZipContent:
    """A deflated file of an archive.

    Attributes:
        archive: The archive's bytes.
        offset: Where the file's own header begins.
        packed_size: Its bytes in the archive.
        size: Its bytes, as the archive says; never more are unpacked.
        bounds: How much may be unpacked.
    """

    archive: Content
    offset: int
    packed_size: int
    size: int
    bounds: Bounds

    @property
    def stamp(self) -> str:
        """See `Content.stamp`."""
        return f"{self.archive.stamp} {self.offset} {self.size}"

    def packed(self) -> PartContent:
        """Its bytes as they lie in the archive.

        Raises:
            BrokenSource: There is no file where the archive says that one is.
        """
        header = self.archive.read(self.offset, _HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(SIGNATURE):
            raise BrokenSource(
                "This ZIP archive is damaged",
                expected=f"a file at byte {self.offset}",
                received="something else",
            )
        _, _, name, extra = _HEADER.unpack(header)
        start = self.offset + _HEADER.size + name + extra
        return PartContent(self.archive, start, self.packed_size)

    def read(self, start: int, length: int) -> bytes:
        """See `Content.read`; unpacks from the beginning on."""
        wanted = max(0, min(start + length, self.size))
        data = bytearray()
        for piece in self._pieces():
            data += piece
            if len(data) >= wanted:
                break
        return bytes(data[start:wanted])

    def seekable(self) -> Content:
        """The whole file, unpacked once into a temporary one."""
        return Unpacked(self._pieces(), self.packed(), self.bounds)

    def _pieces(self) -> Iterator[bytes]:
        packed, unpacker, at = self.packed(), zlib.decompressobj(-zlib.MAX_WBITS), 0
        size = 0
        try:
            while not unpacker.eof and size < self.size:
                given = unpacker.unconsumed_tail
                if not given:
                    given = packed.read(at, PIECE)
                    at += len(given)
                    if not given:
                        return
                piece = unpacker.decompress(given, min(PIECE, self.size - size))
                size += len(piece)
                yield piece
        except zlib.error as error:
            raise BrokenSource(
                "A file of this ZIP archive is damaged", expected="a whole one", received=error
            ) from error
