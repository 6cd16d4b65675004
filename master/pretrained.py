"""The weights that plans may begin from: files in one folder of the master, and ImageNet's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from federated.errors import ImpossiblePlan
from federated.plan import ModelChoice

IMAGENET = "imagenet"
"""Weights that Keras downloads for a model, and keeps."""

MOST_NAMES = 8
"""Files that a sentence names before it only counts them."""


def check_weights(choice: ModelChoice, folder: Path) -> None:
    """Refuses a model whose weights are not here.

    Raises:
        ImpossiblePlan: They are not.
    """
    if faults := tuple(faults_of_weights(choice, folder)):
        raise ImpossiblePlan(faults)


def faults_of_weights(choice: ModelChoice, folder: Path) -> Iterator[str]:
    """Why a run cannot begin from the weights that it names, as sentences.

    Whether they fit the model shows when it is built.

    Args:
        choice: The plan's model; a name in it leads to no other folder.
        folder: Where the files lie; it need not be there.
    """
    name = choice.weights
    if name is None or name == IMAGENET or (folder / name).is_file():
        return
    names = sorted(path.name for path in folder.glob("*") if path.is_file())
    known = ", ".join(names[:MOST_NAMES]) or "none"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    yield f"The master's folder of pretrained weights has no file {name!r}; it has {known}{more}"
