"""What can be wrong with a data set as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from federated.errors import InvalidInput, TooLarge
from imaging.errors import ImagingError, RefusedPicture


class BrokenSource(ImagingError, InvalidInput):
    """A file of a data set is damaged, or not of the kind that it should be."""

    code = "broken_source"


class OversizedSource(BrokenSource, TooLarge):
    """A data set has, or says that it has, more bytes or files than is allowed."""

    code = "too_large"


class UnknownLayout(ImagingError, InvalidInput):
    """Nothing says which class its pictures are of, or too much does."""

    code = "unknown_layout"


@contextmanager
def refusing_broken(name: str) -> Iterator[None]:
    """Makes what is broken while one picture is read cost that picture only.

    Raises:
        RefusedPicture: Instead of `BrokenSource`.
    """
    try:
        yield
    except BrokenSource as error:
        raise RefusedPicture(
            f"{name} cannot be read. {error.detail.removesuffix('.')}", code="corrupt"
        ) from error
