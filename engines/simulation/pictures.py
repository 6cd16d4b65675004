"""The pictures of a data set as the models see them: one array file, decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from engines.processes.dataset import group_of
from federated.study import Study
from federated.values import Sha256, Value, sha256_of
from imaging.array_file import PixelArray
from imaging.errors import RefusedPicture
from imaging.folders import Found
from imaging.identity import picture_identity
from imaging.resize import to_model_pixels
from imaging.sanitise import read_pixels
from serving.files import write_file

GROUP = 64
"""Pictures that are written together: one sync of the array file for all."""

OnRefused = Callable[[Found, RefusedPicture], None]


class Picture(Value):
    """A picture in the array file.

    Attributes:
        sha256: Its identity: the hash of its sanitised pixels, as a child names it.
        label: Its class.
        row: Its place in the array file.
        group: What it was taken from; empty where it is alone.
    """

    sha256: Sha256
    label: str
    row: int
    group: str = ""


class _Index(Value):
    """What an array file was made of, and what is in it; refused pictures have None."""

    made_of: Sha256
    pictures: tuple[Picture | None, ...]


def decoded(
    found: Sequence[Found],
    study: Study,
    folder: Path,
    on_picture: Callable[[], object] = lambda: None,
    on_refused: OnRefused = lambda found, error: None,
) -> tuple[Path, list[Picture | None]]:
    """The pictures of a data set in an array file, which is made anew only where they changed.

    Args:
        found: The files.
        study: Gives size and channels.
        folder: Where the array file lies.
        on_picture: Called for each picture that is decoded.
        on_refused: Hears of files that are no pictures after all.

    Returns:
        The array file, and for each of `found` its picture; None for a refused one.
    """
    pixels, place = folder / "pixels.u8", folder / "pixels.json"
    made_of = sha256_of([study.picture_shape, [_stamp(one) for one in found]])
    if (index := _read(place)) and index.made_of == made_of and pixels.exists():
        return pixels, list(index.pictures)
    folder.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    pixels.unlink(missing_ok=True)
    array = PixelArray(pixels, study.picture_shape)
    pictures: list[Picture | None] = []
    remaining = iter(found)
    while group := list(islice(remaining, GROUP)):
        pictures += _stored(group, study, array, on_picture, on_refused)
    # Written last: without it, the array file is made again.
    write_file(place, _Index(made_of=made_of, pictures=tuple(pictures)).model_dump_json().encode())
    return pixels, pictures


def _stored(
    group: Sequence[Found],
    study: Study,
    array: PixelArray,
    on_picture: Callable[[], object],
    on_refused: OnRefused,
) -> Iterator[Picture | None]:
    names: list[str | None] = []
    rows: list[np.ndarray] = []
    for one in group:
        try:
            whole = read_pixels(one.read())
        except RefusedPicture as error:
            on_refused(one, error)
            names.append(None)
        else:
            names.append(picture_identity(whole))
            rows.append(to_model_pixels(whole, study.size, study.channels))
        on_picture()
    places = iter(array.append(np.stack(rows)) if rows else ())
    for one, name in zip(group, names, strict=True):
        if name is None:
            yield None
        else:
            yield Picture(sha256=name, label=one.label, row=next(places), group=group_of(one))


def _stamp(found: Found) -> list[str]:
    return [found.name, found.label, group_of(found), found.stamp]


def _read(place: Path) -> _Index | None:
    try:
        return _Index.model_validate_json(place.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
