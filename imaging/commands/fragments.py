"""`python -m imaging fragments`: large pictures, cut into small ones."""

from __future__ import annotations

import argparse
import sys
from itertools import count
from pathlib import Path

from imaging.commands.data_options import add_data_options, opened, tell
from imaging.fragments import write_fragments
from imaging.source import Skipped


def add_fragments_command(parser: argparse.ArgumentParser) -> None:
    """Gives a parser the command's options."""
    parser.description = (
        "Cuts every picture of a data set into square fragments, into DIR/CLASS (or DIR/PART/"
        "CLASS) with a labels.csv. The last fragment of a row or column ends at the edge, so that "
        "every pixel is in one; a picture smaller than a fragment is left out. Fragments of one "
        "picture stay on one side of every split that is made later."
    )
    add_data_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--size", type=_side, default=256, help="side in pixels (%(default)s)")
    parser.add_argument(
        "--stride",
        type=_side,
        help="pixels from one fragment to the next; the side by default, less makes them overlap",
    )
    parser.set_defaults(run=_fragments)


def _fragments(options: argparse.Namespace) -> None:
    skipped: list[Skipped] = []
    dataset = opened(options)
    pictures = list(dataset.pictures(skipped.append))
    done = count(1)

    def progress() -> None:
        if sys.stderr.isatty():
            line = f"\r{next(done)} of {len(pictures)} pictures"
            print(line, end="", file=sys.stderr, flush=True)

    stride = options.stride or options.size
    total = write_fragments(pictures, options.out, options.size, stride, skipped.append, progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    tell(skipped)
    print(f"{total} fragments of {len(pictures)} pictures are in {options.out}.")


def _side(text: str) -> int:
    if not 8 <= int(text) <= 4096:
        raise argparse.ArgumentTypeError("should be a whole number from 8 to 4096")
    return int(text)
