"""What readers give."""

from __future__ import annotations

from typing import TypeAlias

from imaging.readers.array_pictures import ArrayPicture
from imaging.readers.picture_formats import FilePicture

Found: TypeAlias = FilePicture | ArrayPicture
"""A labelled picture: a file, or a row of an array; both are `imaging.source.SourcePicture`."""
