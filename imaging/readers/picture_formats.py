"""Which files of a data set are pictures, and how each becomes what the sanitiser accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from imaging import jpeg, png
from imaging.readers.content import Content, FileContent, MemoryContent
from imaging.readers.entries import Entry
from imaging.readers.errors import refusing_broken
from imaging.readers.fragment_names import picture_of_fragment
from imaging.sanitise import DEFAULT_LIMITS
from imaging.source import OnSkip, Skipped

_DICOM_AT, _DICOM = 128, b"DICM"

PictureFormat = Literal["JPEG", "PNG", "DICOM"]


@dataclass(frozen=True, slots=True)
class FilePicture:
    """A picture that is a file; one kind of `imaging.source.SourcePicture`.

    Attributes:
        within: Where it lies within the data set.
        label: Its class.
        content: The file's bytes.
        format: By content, not by name.
        part: `train`, `validation`, `test`, `audit`, or empty.
        group: What it was taken from; its own path where that is not known.
        metadata: What a table says of it besides, by column.
    """

    within: PurePosixPath
    label: str
    content: Content = field(default=MemoryContent(b""), repr=False)
    format: PictureFormat = "JPEG"
    part: str = ""
    group: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """Where it lies within the data set."""
        return str(self.within)

    @property
    def path(self) -> Path:
        """Its file; in an archive, where it lies there."""
        content = self.content
        return content.path if isinstance(content, FileContent) else Path(self.within)

    @property
    def stamp(self) -> str:
        """See `SourcePicture.stamp`."""
        return self.content.stamp

    def read(self) -> bytes:
        """A JPEG or PNG file; of one that is too large, just enough for it to be refused.

        Raises:
            RefusedPicture: It is a DICOM file whose pixels cannot be read, or the archive that
                it lies in is damaged here.
        """
        with refusing_broken(self.name):
            if self.format == "DICOM":
                # pydicom takes long to import, and most data sets have no use for it.
                from imaging.readers import dicom

                return dicom.as_png(self.content)
            return self.content.read(0, DEFAULT_LIMITS.max_bytes + 1)


def picture_format(content: Content) -> PictureFormat | None:
    """What kind of picture a file is, by its first bytes."""
    head = content.read(0, _DICOM_AT + len(_DICOM))
    if head.startswith(png.SIGNATURE):
        return "PNG"
    if head.startswith(jpeg.SIGNATURE):
        return "JPEG"
    return "DICOM" if head[_DICOM_AT:] == _DICOM else None


def take_picture(
    entry: Entry,
    label: str,
    on_skip: OnSkip,
    *,
    part: str = "",
    group: str = "",
    metadata: Mapping[str, str] | None = None,
) -> FilePicture | None:
    """A file as a picture of a class; `None`, and `on_skip` is told why, if it is none.

    Its group is what `group` says, else the picture that it is a fragment of, else itself.
    """
    kind = picture_format(entry.content)
    reason = _why_not_dicom(entry.content) if kind == "DICOM" else None
    if kind is None or reason:
        on_skip(Skipped(str(entry.path), reason or "not a JPEG, PNG or DICOM picture"))
        return None
    own = PurePosixPath(part) / label / (picture_of_fragment(entry.path.name) or entry.path.name)
    return FilePicture(
        entry.path, label, entry.content, kind, part, group or str(own), metadata or {}
    )


def _why_not_dicom(content: Content) -> str | None:
    from imaging.readers import dicom

    return dicom.why_not(content)
