"""What the ISIC archive answers, held against what we rely on; the rest of it is left alone.

Source: https://api.isic-archive.com/api/docs/swagger/
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Text = Annotated[str, Field(max_length=2000)]
LARGEST_NUMBER = 2**53


def _as_text(value: object) -> object:
    """Numbers and truth values of the metadata as they would stand in a table."""
    return str(value).lower() if isinstance(value, bool) else str(value)


Facts = dict[str, Annotated[str, BeforeValidator(_as_text), Field(max_length=2000)] | None]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ArchiveFile(_Answer):
    """Where a picture's file lies.

    Attributes:
        url: Its address; the archive signs it, so it is good for a while only.
        size: Bytes.
    """

    url: Annotated[str, Field(pattern=r"^https?://", max_length=4000)]
    size: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class ArchiveFiles(_Answer):
    """The files of a picture; there are smaller ones too."""

    full: ArchiveFile


class ArchiveMetadata(_Answer):
    """What is known of a picture: how it was taken, and of whom."""

    acquisition: Facts = Field(default_factory=dict)
    clinical: Facts = Field(default_factory=dict)


class ArchiveImage(_Answer):
    """One picture of the archive.

    Attributes:
        isic_id: Its name; also its file's, so it is held to one form.
        copyright_license: Such as `CC-0` or `CC-BY-NC`.
        attribution: Whom to name.
        files: Where its bytes lie.
        metadata: What is known of it.
    """

    isic_id: Annotated[str, Field(pattern=r"^ISIC_[0-9]{7,10}$")]
    copyright_license: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$")]
    attribution: Text = ""
    files: ArchiveFiles
    metadata: ArchiveMetadata = ArchiveMetadata()

    def fact(self, name: str) -> str | None:
        """One field of the metadata, wherever it stands."""
        return self.metadata.clinical.get(name) or self.metadata.acquisition.get(name)


class Page(_Answer):
    """One page of a search.

    Attributes:
        count: Pictures that the search finds, on all pages; told by the first one at least.
        next: Address of the next page; None after the last.
        results: Its pictures, each still to be checked on its own.
    """

    count: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] | None = None
    next: Annotated[str, Field(max_length=4000)] | None = None
    results: Annotated[list[object], Field(max_length=10_000)]
