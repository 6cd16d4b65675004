"""Options that name a data set, and say what cannot be recognised of it."""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from federated.errors import plain
from imaging.readers.choice import KINDS, Choice
from imaging.readers.dataset import OpenedDataset, open_dataset
from imaging.readers.table_columns import Wanted
from imaging.source import Skipped

SHOWN_NAMES = 3


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Gives a parser `--data` and what belongs to it."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="PLACE",
        help="a folder, a .zip, .tar or .tar.gz, or a file of arrays (.npz, .p); in it class "
        "folders (CLASS/* or train/CLASS/*), labels in file names or in a CSV file, or arrays",
    )
    parser.add_argument(
        "--layout",
        choices=("auto", *KINDS),
        default="auto",
        help="how it says which picture is of which class (%(default)s finds out)",
    )
    parser.add_argument(
        "--labels-file", metavar="CSV", help="table of labels, within the data set or beside it"
    )
    parser.add_argument("--image-column", metavar="NAME", help="its column of file names")
    parser.add_argument(
        "--label-column",
        metavar="NAME",
        help="its column of classes, or several between commas that hold 1 for the class",
    )
    parser.add_argument(
        "--group-column",
        metavar="NAME",
        help="its column of patients or lesions, whose pictures stay on one side of a split",
    )


def opened(options: argparse.Namespace) -> OpenedDataset:
    """The data set that the options name.

    Raises:
        FederationError: It cannot be read; the message says why.
    """
    columns = Wanted(options.image_column, options.label_column, options.group_column)
    return open_dataset(options.data, Choice(options.layout, options.labels_file, columns))


def reasons(skipped: Sequence[Skipped]) -> list[str]:
    """What was left out, a line a reason, the commonest first."""
    names = defaultdict[str, list[str]](list)
    counts = Counter(one.reason for one in skipped)
    for one in skipped:
        if len(names[one.reason]) < SHOWN_NAMES:
            names[one.reason].append(one.name)
    return [
        f"left out: {count} × {reason} ({', '.join(names[reason])}"
        f"{', …' if count > len(names[reason]) else ''})"
        for reason, count in counts.most_common()
    ]


def tell(skipped: Sequence[Skipped]) -> None:
    """Prints what was left out on standard error."""
    for line in reasons(skipped):
        print(plain(line), file=sys.stderr)
