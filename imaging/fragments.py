"""Large pictures to fragments of one size, which a model can learn from."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from federated.errors import plain
from imaging.errors import NoPictures, RefusedPicture, WrongPixels
from imaging.new_folder import new_folder
from imaging.png import encode_png
from imaging.readers.fragment_names import fragment_name
from imaging.sanitise import DEFAULT_LIMITS, Limits, read_pixels
from imaging.source import OnSkip, Skipped, SourcePicture, ignore

LARGE = Limits(kept_side=DEFAULT_LIMITS.max_side)
"""Pictures are cut as they are, not scaled down first as those that are kept whole."""

TABLE = "labels.csv"


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A square out of a picture.

    Attributes:
        left: Its first column in the picture.
        top: Its first row.
        pixels: uint8 `(size, size, channels)`, a view of the picture's.
    """

    left: int
    top: int
    pixels: npt.NDArray[np.uint8]


def starts(length: int, size: int, stride: int) -> list[int]:
    """Where fragments begin along one side of `length` pixels.

    Every `stride` pixels; if the last one does not reach the edge, one more ends at it, so that
    every pixel is in a fragment and none is made up. None fit where `length` is below `size`.

    Args:
        length: Pixels of the side.
        size: Pixels of a fragment.
        stride: From one fragment to the next, 1 to `size`: beyond that, pixels would be lost.

    Raises:
        WrongPixels: `size` or `stride` cannot be.
    """
    if size < 1 or not 1 <= stride <= size:
        raise WrongPixels(
            "Pictures cannot be cut so",
            expected="a stride from 1 to the fragments' side",
            received=f"side {size}, stride {stride}",
        )
    if length < size:
        return []
    last = length - size
    return sorted({*range(0, last + 1, stride), last})


def fragments_of(pixels: npt.NDArray[np.uint8], size: int, stride: int) -> Iterator[Fragment]:
    """The fragments of a picture, row by row; see `starts`.

    Args:
        pixels: uint8 `(height, width, channels)`.
        size: Side of a fragment in pixels.
        stride: From one fragment to the next, both ways.
    """
    height, width = pixels.shape[:2]
    for top in starts(height, size, stride):
        for left in starts(width, size, stride):
            yield Fragment(left, top, pixels[top : top + size, left : left + size])


def write_fragments(
    pictures: Iterable[SourcePicture],
    out: Path,
    size: int,
    stride: int,
    on_skip: OnSkip = ignore,
    on_picture: Callable[[], object] = lambda: None,
) -> int:
    """Writes `out/[PART/]CLASS/PICTURE__x0000_y0000.png` for each fragment, all or nothing.

    `out/labels.csv` tells of each the group that its picture belongs to, and what was known of
    the picture: a patient's fragments stay together as a picture's do.

    Args:
        pictures: Large pictures; one is in memory at a time.
        out: A new folder.
        size: Side of a fragment in pixels.
        stride: From one fragment to the next, both ways.
        on_skip: Told of pictures that are refused, or smaller than a fragment.
        on_picture: Called for each picture that is done.

    Returns:
        How many fragments there are.

    Raises:
        NoPictures: There is none.
        StorageFailure: `out` holds something, or the disk refused.
    """
    starts(size, size, stride)
    rows: list[dict[str, str]] = []
    with new_folder(out) as unfinished:
        taken = set[Path]()
        for picture in pictures:
            try:
                pixels = read_pixels(picture.read(), LARGE)
            except RefusedPicture as refusal:
                on_skip(Skipped(picture.name, refusal.detail))
                continue
            stem = _free_stem(picture, taken)
            made = [
                _written(fragment, unfinished, stem)
                for fragment in fragments_of(pixels, size, stride)
            ]
            if not made:
                on_skip(Skipped(picture.name, f"smaller than {size} × {size} pixels"))
            rows += [{"file": str(file), **_known(picture, stem)} for file in made]
            on_picture()
        if not rows:
            raise NoPictures(
                "There are no fragments",
                expected=f"pictures of {size} × {size} pixels or more",
                received="none",
            )
        _write_table(unfinished / TABLE, rows)
    return len(rows)


def _free_stem(picture: SourcePicture, taken: set[Path]) -> Path:
    """Folder and beginning of the names of a picture's fragments, given out once."""
    base = picture.name.rpartition("/")[2]
    name = base.rpartition(".")[0] or base
    clean = re.sub(r"[^\w.() -]", "_", plain(name)).lstrip(".").encode()[:160]
    plain_name = clean.decode(errors="ignore") or "picture"
    folder = Path(picture.part) / picture.label
    stem, number = folder / plain_name, 1
    while stem in taken:
        number += 1
        stem = folder / f"{plain_name}({number})"
    taken.add(stem)
    return stem


def _written(fragment: Fragment, root: Path, stem: Path) -> Path:
    file = stem.with_name(fragment_name(stem.name, fragment.left, fragment.top))
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_bytes(encode_png(np.ascontiguousarray(fragment.pixels)))
    return file


def _known(picture: SourcePicture, stem: Path) -> dict[str, str]:
    """What is said of a picture's fragments."""
    own = {"label": picture.label, "split": picture.part, "picture": str(stem)}
    more = {name: text for name, text in picture.metadata.items() if name not in own | {"file": ""}}
    # A picture that belongs to nothing larger is what its fragments belong to.
    alone = picture.group.endswith("/" + picture.name.rpartition("/")[2])
    return more | own | {"group": str(stem) if alone else picture.group}


def _write_table(path: Path, rows: list[dict[str, str]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, restval="")
        table.writeheader()
        table.writerows(rows)
