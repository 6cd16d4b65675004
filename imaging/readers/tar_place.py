"""Files of a tar archive, read where they lie; one in gzip is unpacked once.

References: IEEE Std 1003.1-2024, "pax - portable archive interchange".
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from imaging.readers.bounds import BOUNDS, PIECE, Bounds
from imaging.readers.content import Content, PartContent, Unpacked
from imaging.readers.content_file import ContentFile
from imaging.readers.entries import Entry, inner_path, is_hidden
from imaging.readers.errors import BrokenSource, OversizedSource
from imaging.source import OnSkip, Skipped

GZIP_SIGNATURE = b"\x1f\x8b"
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class TarPlace:
    """A tar archive.

    Attributes:
        archive: Its bytes, out of gzip.
        bounds: How many files.
        was_packed: Whether it came in gzip.
    """

    archive: Content
    bounds: Bounds = BOUNDS
    was_packed: bool = False

    @property
    def words(self) -> str:
        """What it is."""
        return "a tar archive in gzip" if self.was_packed else "a tar archive"

    def entries(self, on_skip: OnSkip) -> Iterator[Entry]:
        """Its files by path; see `Place.entries`."""
        found: dict[str, Entry] = {}
        for member in self._members(on_skip):
            path = inner_path(member.name)
            reason = _why_not(member, self.archive.size)
            if path is None:
                reason = "its path leads out of the data set"
            elif not reason and is_hidden(path):
                reason = "hidden"
            elif not reason and str(path) in found:
                reason = "there is another file of this name"
            if reason or path is None:
                on_skip(Skipped(member.name, reason or ""))
                continue
            content = PartContent(self.archive, member.offset_data, member.size)
            found[str(path)] = Entry(path, content)
        yield from sorted(found.values(), key=lambda entry: entry.path.parts)

    def _members(self, on_skip: OnSkip) -> Iterator[tarfile.TarInfo]:
        count = 0
        try:
            with tarfile.open(fileobj=ContentFile(self.archive, PIECE), mode="r:") as archive:
                while (member := _next(archive, count)) is not None:
                    count += 1
                    if count > self.bounds.entries:
                        raise OversizedSource(
                            "There are too many files",
                            expected=f"at most {self.bounds.entries} in an archive",
                            received="more",
                        )
                    if not member.isdir():
                        yield member
                end = archive.offset
        except (tarfile.TarError, ValueError, OSError) as error:
            raise BrokenSource(
                "This tar archive cannot be read", expected="a whole one", received=error
            ) from error
        last = self.archive.read(end, _BLOCK)
        if len(last) < _BLOCK or any(last):
            on_skip(Skipped(f"the archive after {count} files", "cut short or damaged"))


def _next(archive: tarfile.TarFile, count: int) -> tarfile.TarInfo | None:
    """The next member; none where the archive breaks off, of which tarfile says little."""
    # It would keep every one that it has seen.
    archive.members.clear()  # type: ignore[attr-defined]
    try:
        return archive.next()
    except tarfile.ReadError:
        if count:
            return None
        raise


def _why_not(member: tarfile.TarInfo, size: int) -> str | None:
    if member.issym() or member.islnk():
        return "a link"
    if not member.isreg() or member.issparse():
        return "not a plain file"
    return "cut short" if member.offset_data + member.size > size else None


def unpack_gzip(packed: Content, bounds: Bounds = BOUNDS) -> Content:
    """What a gzip file holds, unpacked once into a temporary file.

    Raises:
        BrokenSource: It is damaged or cut short.
        OversizedSource: It unpacks to too much.
    """
    return Unpacked(_unpacked(packed), packed, bounds)


def _unpacked(packed: Content) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=ContentFile(packed), mode="rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BrokenSource(
            "This gzip file cannot be unpacked", expected="a whole one", received=error
        ) from error
