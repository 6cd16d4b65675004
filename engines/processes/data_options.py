"""Options that say how a data set is laid out, where it cannot be recognised."""

from __future__ import annotations

import argparse

from engines.processes.option import Option, one_of
from imaging.readers.choice import KINDS, Choice
from imaging.readers.table_columns import Wanted

DATA_OPTIONS = (
    Option(
        "layout",
        "KIND",
        one_of("auto", *KINDS),
        "auto",
        "how the data set says which picture is of which class: auto, "
        + ", ".join(f"{kind} ({words})" for kind, words in KINDS.items()),
    ),
    Option("labels-file", "CSV", str, None, "table of labels, within the data set or beside it"),
    Option("image-column", "NAME", str, None, "its column of file names"),
    Option(
        "label-column",
        "NAME",
        str,
        None,
        "its column of classes, or several between commas that hold 1 for the picture's class",
    ),
    Option(
        "group-column",
        "NAME",
        str,
        None,
        "its column of patients or lesions, whose pictures are kept on one side of a split; "
        "default: patient_id or lesion_id, where there is one",
    ),
)


def choice_of(options: argparse.Namespace) -> Choice:
    """What the options say of the data set."""
    columns = Wanted(options.image_column, options.label_column, options.group_column)
    return Choice(options.layout, options.labels_file, columns)
