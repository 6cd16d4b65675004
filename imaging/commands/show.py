"""`python -m imaging show`: what a data set is, and what of it would be left out."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from federated.errors import plain
from imaging import jpeg, png
from imaging.commands.data_options import add_data_options, opened, reasons
from imaging.errors import RefusedPicture
from imaging.source import Skipped, SourcePicture

MOST_MEASURED = 500
"""Pictures whose size is looked at, evenly spread over the data set."""

PARTS = ("train", "validation", "test", "audit", "")


def add_show_command(parser: argparse.ArgumentParser) -> None:
    """Gives a parser the command's options."""
    parser.description = (
        "Tells what a data set is taken for, its classes and their pictures, their sizes, and "
        "what would be left out and why. Nothing is changed."
    )
    add_data_options(parser)
    parser.set_defaults(run=_show)


def _show(options: argparse.Namespace) -> None:
    dataset = opened(options)
    skipped: list[Skipped] = []
    pictures = list(dataset.pictures(skipped.append))
    print(f"{dataset.place}: {dataset.words}")
    for line in [*class_table(pictures), *group_lines(pictures), *size_lines(pictures)]:
        print(line)
    columns = sorted({name for picture in pictures for name in picture.metadata})
    if columns:
        print(f"columns: {', '.join(columns)}")
    for line in reasons(skipped):
        print(plain(line))


def class_table(pictures: Sequence[SourcePicture]) -> list[str]:
    """Pictures by class and part, with their sums."""
    counts = Counter((picture.label, picture.part) for picture in pictures)
    parts = [part for part in PARTS if any(picture.part == part for picture in pictures)]
    classes = sorted({picture.label for picture in pictures})
    titles = [part or "pictures" for part in parts]
    rows = [
        *([name, *(str(counts[name, part]) for part in parts)] for name in classes),
        ["all", *(str(sum(counts[name, part] for name in classes)) for part in parts)],
    ]
    widths = [max(map(len, column)) for column in zip(["class", *titles], *rows, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (["class", *titles], *rows)
    ]


def group_lines(pictures: Sequence[SourcePicture]) -> list[str]:
    """How many pictures belong together, where any do."""
    groups = {picture.group for picture in pictures}
    if len(groups) == len(pictures):
        return []
    return [f"groups: {len(groups)}; pictures of one group stay on one side of a split"]


def size_lines(pictures: Sequence[SourcePicture]) -> list[str]:
    """Smallest, commonest and largest size."""
    step = max(1, -(-len(pictures) // MOST_MEASURED))
    measured = pictures[::step]
    sizes = Counter(size for picture in measured if (size := size_of(picture)))
    if not sizes:
        return ["sizes: none of the pictures can be read"]
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    commonest, count = sizes.most_common(1)[0]
    unread = len(measured) - sum(sizes.values())
    shown = [" × ".join(map(str, size)) for size in (ordered[0], ordered[-1], commonest)]
    line = f"sizes: {shown[0]} to {shown[1]} pixels, mostly {shown[2]} ({count} of {len(measured)})"
    return [line, *([f"cannot be read: {unread} of {len(measured)}"] if unread else [])]


def size_of(picture: SourcePicture) -> tuple[int, int] | None:
    """Width and height as the file declares them; `None` where it cannot be read."""
    try:
        data = picture.read()
        is_png = data.startswith(png.SIGNATURE)
        return png.png_size(data) if is_png else jpeg.jpeg_size(data)
    except RefusedPicture:
        return None
